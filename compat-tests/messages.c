/* Messages through Unix sockets that carry more than bytes: descriptors, credentials, flags. */
#include "tap.h"
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

struct control {
	union {
		char bytes[1200];
		struct cmsghdr align;
	};
};

static struct control control;
static char text[32];

/* The call itself: a C library has limits of its own. */
static int do_sendmsg(int socket, const struct msghdr *message, int flags)
{
	return syscall(SYS_sendmsg, socket, message, flags);
}

/* A message of one byte with so many descriptors. */
static int send_fds(int socket, const int *fds, int count)
{
	struct iovec part = { "m", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *header = &control.align;
	header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	return do_sendmsg(socket, &message, MSG_DONTWAIT);
}

static struct msghdr got;

static int receive(int socket, int room, int flags)
{
	static struct iovec part;
	part = (struct iovec){ text, sizeof text };
	got = (struct msghdr){ .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = room };
	memset(&control, 0, sizeof control);
	return recvmsg(socket, &got, flags | MSG_DONTWAIT);
}

/* The descriptor at this place of what was received, or -1. */
static int fd_at(int index)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(&got);
	if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len < CMSG_LEN((index + 1) * sizeof(int)))
		return -1;
	return ((int *)CMSG_DATA(header))[index];
}

static int send_claim(int socket, struct ucred who)
{
	struct iovec part = { "c", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(sizeof who) };
	struct cmsghdr *header = &control.align;
	header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_CREDENTIALS, header->cmsg_len = CMSG_LEN(sizeof who);
	memcpy(CMSG_DATA(header), &who, sizeof who);
	return do_sendmsg(socket, &message, 0);
}

static struct ucred sender(void)
{
	struct ucred who = { -1, -1, -1 };
	struct cmsghdr *header = CMSG_FIRSTHDR(&got);
	if (header && header->cmsg_type == SCM_CREDENTIALS)
		memcpy(&who, CMSG_DATA(header), sizeof who);
	return who;
}

static int passes(int fd, int on)
{
	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}

CASE(descriptors)
{
	int s[2], p[2];
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && pipe(p) == 0);
	equal(send_fds(s[0], p, 2), 1, "two descriptors can be sent");
	close(p[1]);
	equal(receive(s[1], sizeof control, MSG_CMSG_CLOEXEC), 1, "and received");
	equal(got.msg_controllen, CMSG_SPACE(2 * sizeof(int)), "in one control message");
	equal(got.msg_flags, MSG_CMSG_CLOEXEC, "which is whole");
	equal(fd_at(0), p[1], "as the lowest free numbers");
	equal(fcntl(fd_at(1), F_GETFD), FD_CLOEXEC, "with MSG_CMSG_CLOEXEC closed on exec");
	equal(write(fd_at(1), "through", 7), 7, "they are the same files");
	equal(read(p[0], text, 32), 7, "as the sender's");
	close(fd_at(0)), close(fd_at(1));
	equal(read(p[0], text, 1), 0, "closing them closes the last");
	require(pipe(p) == 0 && send_fds(s[0], p, 2) == 1);
	require(receive(s[1], CMSG_LEN(sizeof(int)), 0) == 1);
	equal(got.msg_flags, MSG_CTRUNC, "without room for all MSG_CTRUNC is told");
	check(fd_at(0) != -1 && fd_at(1) == -1, "and one comes");
	close(p[1]);
	close(fd_at(0));
	equal(read(p[0], text, 1), 0, "the other is closed");
	require(pipe(p) == 0 && send_fds(s[0], p, 2) == 1);
	close(p[1]);
	equal(read(s[1], text, 32), 1, "read takes the bytes");
	equal(read(p[0], text, 1), 0, "and drops the descriptors");
	require(pipe(p) == 0 && send_fds(s[0], p + 1, 1) == 1);
	require(receive(s[1], sizeof control, MSG_PEEK) == 1);
	check(fd_at(0) > p[1], "who peeks gets a descriptor");
	require(receive(s[1], sizeof control, 0) == 1);
	check(fd_at(0) > p[1] + 1, "and once more who receives");
	require(write(s[0], "ab", 2) == 2 && send_fds(s[0], p, 1) == 1 && write(s[0], "cd", 2) == 2);
	equal(receive(s[1], sizeof control, 0), 3, "bytes before descriptors come with them");
	equal(receive(s[1], sizeof control, 0), 2, "bytes after them do not");
	int bad = 99;
	fails(send_fds(s[0], &bad, 1), EBADF, "what is not open cannot be sent");
	static int many[254];
	for (int i = 0; i < 254; i++)
		many[i] = p[0];
	equal(send_fds(s[0], many, 253), 1, "253 descriptors are as many as can be sent");
	fails(send_fds(s[0], many, 254), EINVAL, "254 are too many");
	require(receive(s[1], sizeof control, 0) == 1);
	check(fd_at(252) > 0, "all of them arrive");
	struct rlimit limit = { 100, 100 };
	require(setrlimit(RLIMIT_NOFILE, &limit) == 0 && send_fds(s[0], p, 1) == 1);
	require(receive(s[1], sizeof control, 0) == 1);
	check(fd_at(0) == -1 && got.msg_flags == MSG_CTRUNC, "without a free number none comes");
}

CASE(control_messages)
{
	int s[2];
	require(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	struct iovec part = { "x", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = 16 };
	struct cmsghdr *header = &control.align;
	*header = (struct cmsghdr){ .cmsg_len = 15, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	fails(do_sendmsg(s[0], &message, 0), EINVAL, "too short a control message gives EINVAL");
	header->cmsg_len = 17;
	fails(do_sendmsg(s[0], &message, 0), EINVAL, "as does too long a one");
	header->cmsg_len = 16, header->cmsg_type = 77;
	fails(do_sendmsg(s[0], &message, 0), EINVAL, "and an unknown type");
	header->cmsg_level = 77;
	equal(do_sendmsg(s[0], &message, 0), 1, "those of other levels are passed over");
	message.msg_controllen = 20481;
	fails(do_sendmsg(s[0], &message, 0), ENOBUFS, "too many give ENOBUFS");
	message.msg_control = NULL, message.msg_controllen = 0, message.msg_iovlen = 1025;
	fails(do_sendmsg(s[0], &message, 0), EMSGSIZE, "too many parts EMSGSIZE");
	message.msg_iovlen = 1, message.msg_name = text, message.msg_namelen = -1;
	fails(do_sendmsg(s[0], &message, 0), EINVAL, "a negative length of a name EINVAL");
	require(receive(s[1], 0, 0) == 1);
	equal(got.msg_flags, 0, "a whole message has no flags");
	require(send(s[0], "0123456789012345678901234567890123456789", 40, 0) == 40);
	equal(receive(s[1], 0, 0), 32, "a longer one is cut");
	equal(got.msg_flags, MSG_TRUNC, "which MSG_TRUNC tells");
	struct mmsghdr list[3] = { 0 };
	struct iovec parts[3] = { { "a", 1 }, { "bc", 2 }, { "def", 3 } };
	for (int i = 0; i < 3; i++)
		list[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	equal(sendmmsg(s[0], list, 3, 0), 3, "sendmmsg sends several");
	check(list[0].msg_len == 1 && list[2].msg_len == 3, "and tells their lengths");
	static char buffers[3][8];
	for (int i = 0; i < 3; i++)
		parts[i] = (struct iovec){ buffers[i], 8 }, list[i].msg_len = 0;
	equal(recvmmsg(s[1], list, 2, 0, NULL), 2, "recvmmsg receives as many as are asked for");
	equal(recvmmsg(s[1], list, 3, MSG_WAITFORONE, NULL), 1, "with MSG_WAITFORONE as many as there are");
	check(list[0].msg_len == 3 && strcmp(buffers[0], "def") == 0, "each in its place");
	fails(recvmmsg(s[1], list, 3, MSG_DONTWAIT, NULL), EAGAIN, "without one EAGAIN");
}

CASE(credentials)
{
	int s[2];
	struct ucred who = { getpid(), 0, 0 };
	socklen_t length = sizeof who;
	require(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	require(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &who, &length) == 0);
	check(who.pid == getpid() && who.uid == 0, "SO_PEERCRED of a pair is who made it");
	require(send(s[0], "x", 1, 0) == 1 && receive(s[1], sizeof control, 0) == 1);
	equal(got.msg_controllen, 0, "nobody is told without SO_PASSCRED");
	require(send(s[0], "x", 1, 0) == 1 && passes(s[1], 1) == 0 && receive(s[1], sizeof control, 0) == 1);
	check(sender().pid == 0 && sender().uid == 65534, "it must be on when the message is sent");
	require(send(s[0], "x", 1, 0) == 1 && receive(s[1], sizeof control, 0) == 1);
	check(sender().pid == getpid() && sender().uid == 0, "then the sender is told");
	equal(got.msg_controllen, CMSG_SPACE(sizeof who), "in a control message");
	equal(in_child(if (setgid(8) || setuid(7) || send(s[0], "x", 1, 0) != 1) _exit(1)), 0, "another user sends");
	require(receive(s[1], sizeof control, 0) == 1);
	check(sender().uid == 7 && sender().gid == 8, "and is told");
	equal(in_child(struct ucred o = { getpid(), 0, 0 }; setuid(7); if (send_claim(s[0], o) == -1) _exit(errno)), EPERM,
	      "it cannot say that it is somebody else");
	equal(in_child(struct ucred o = { 1, 7, 0 }; setuid(7); if (send_claim(s[0], o) == -1) _exit(errno)), EPERM,
	      "nor another process");
	equal(in_child(struct ucred o = { getpid(), 7, 0 }; setuid(7); if (send_claim(s[0], o) == -1) _exit(errno)), 0,
	      "but that it is itself");
	require(receive(s[1], sizeof control, 0) == 1);
	who = (struct ucred){ 1, 9, 9 };
	equal(send_claim(s[0], who), 1, "the superuser can");
	require(receive(s[1], sizeof control, 0) == 1);
	check(sender().pid == 1 && sender().uid == 9, "and is believed");
	who.pid = 4000000;
	fails(send_claim(s[0], who), ESRCH, "of processes that there are");
	require(send(s[0], "x", 1, 0) == 1 && receive(s[1], 0, 0) == 1);
	equal(got.msg_flags, MSG_CTRUNC, "without room MSG_CTRUNC is told");
	/* Streams: bytes of different senders are not read together. */
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && passes(s[1], 1) == 0);
	require(write(s[0], "a", 1) == 1 && write(s[0], "b", 1) == 1);
	require(in_child(if (setuid(7) || write(s[0], "c", 1) != 1) _exit(1)) == 0);
	equal(receive(s[1], sizeof control, 0), 2, "a read takes the bytes of one sender");
	equal(receive(s[1], sizeof control, 0), 1, "then those of the next");
	equal(sender().uid, 7, "who is told");
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0peer" };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	length = sizeof who;
	require(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0);
	check(who.pid == 0 && who.uid == (uid_t)-1, "an unconnected socket has no peer");
	require(bind(l, (struct sockaddr *)&name, 7) == 0);
	pid_t child = fork();
	if (child == 0) {
		if (listen(l, 1))
			_exit(1);
		int s = accept(l, NULL, NULL);
		getsockopt(s, SOL_SOCKET, SO_PEERCRED, &who, &length);
		_exit(who.pid != getppid());
	}
	while (connect(c, (struct sockaddr *)&name, 7) == -1 && errno == ECONNREFUSED)
		doze(5);
	require(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0);
	equal(who.pid, child, "SO_PEERCRED tells who listens");
	equal(ended_with(child), 0, "and at the other side who connected");
}

CASE(in_flight)
{
	int s[2], t[2], p[2];
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && pipe(p) == 0);
	require(send_fds(s[0], p + 1, 1) == 1);
	close(p[1]);
	close(s[0]);
	struct pollfd entry = { p[0], POLLIN, 0 };
	equal(poll(&entry, 1, 0), 0, "a file in a message is open");
	close(s[1]);
	equal(read(p[0], text, 1), 0, "closing the socket closes it");
	/* Sockets that only hold each other. */
	require(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	require(send_fds(s[0], s, 2) == 1 && send_fds(s[1], p + 1, 1) == 1);
	close(p[1]), close(s[0]), close(s[1]);
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, t) == 0);
	close(t[0]), close(t[1]);
	entry = (struct pollfd){ p[0], POLLIN, 0 };
	check(poll(&entry, 1, 10000) == 1 && read(p[0], text, 1) == 0, "sockets that only hold each other are closed");
	/* A chain: each end in a message to the next. */
	struct rlimit limit = { 1000000, 1000000 };
	setrlimit(RLIMIT_NOFILE, &limit);
	require(pipe(p) == 0);
	int last = p[1];
	for (int i = 0; i < 500; i++) {
		require(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0 && send_fds(s[0], &last, 1) == 1);
		close(last), close(s[0]);
		last = s[1];
	}
	entry = (struct pollfd){ p[0], POLLIN, 0 };
	equal(poll(&entry, 1, 0), 0, "a long chain of them is held by its end");
	close(last);
	require(poll(&entry, 1, -1) == 1);
	equal(read(p[0], text, 1), 0, "and falls with it");
	limit = (struct rlimit){ 50, 50 };
	equal(in_child(setrlimit(RLIMIT_NOFILE, &limit); setuid(7); socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
		       int fds[4] = { 0, 0, 0, 0 }; for (int i = 0; i < 13; i++) if (send_fds(s[0], fds, 4) != 1) _exit(1);
		       send_fds(s[0], fds, 4); _exit(errno)), ETOOMANYREFS, "a user has so many in flight as it may have open");
}

SUITE(RUN(descriptors), RUN(control_messages), RUN(credentials), RUN(in_flight))
