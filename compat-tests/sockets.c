/* Unix sockets: making, naming and connecting them, what they take, how they end. */
#include "tap.h"
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define SIOCOUTQ 0x5411
#define SIOCINQ 0x541b

static char block[300000];

static int events(int fd, int wanted)
{
	struct pollfd entry = { fd, wanted, 0 };
	return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

/* The address of this path, or of an abstract name where it begins with '@'. */
static socklen_t address(struct sockaddr_un *to, const char *path)
{
	memset(to, 0, sizeof *to);
	to->sun_family = AF_UNIX;
	strcpy(to->sun_path, path);
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	if (*path != '@')
		return length + 1;
	to->sun_path[0] = 0;
	return length;
}

static int do_bind(int fd, const char *path)
{
	struct sockaddr_un to;
	socklen_t length = address(&to, path);
	return bind(fd, (struct sockaddr *)&to, length);
}

static int do_connect(int fd, const char *path)
{
	struct sockaddr_un to;
	socklen_t length = address(&to, path);
	return connect(fd, (struct sockaddr *)&to, length);
}

static int listening(const char *path, int kind, int backlog)
{
	int fd = socket(AF_UNIX, kind, 0);
	require(fd != -1 && do_bind(fd, path) == 0 && listen(fd, backlog) == 0);
	return fd;
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t length = sizeof value;
	return getsockopt(fd, SOL_SOCKET, name, &value, &length) ? -errno : value;
}

static int set(int fd, int name, int value)
{
	return setsockopt(fd, SOL_SOCKET, name, &value, sizeof value);
}

CASE(making)
{
	struct stat status;
	char link[64] = "", path[64], expected[64];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), s[2];
	require(fd != -1);
	equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "SOCK_CLOEXEC is kept");
	equal(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK, "SOCK_NONBLOCK too");
	require(fstat(fd, &status) == 0);
	equal(status.st_mode, S_IFSOCK | 0777, "fstat tells a socket");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	snprintf(expected, sizeof expected, "socket:[%lu]", (unsigned long)status.st_ino);
	require(readlink(path, link, sizeof link - 1) > 0);
	same(link, expected, "/proc shows its inode");
	fails(open(path, O_RDWR), ENXIO, "it cannot be opened again");
	fails(lseek(fd, 0, SEEK_SET), ESPIPE, "it has no positions");
	fails(pread(fd, block, 1, 0), ESPIPE, "neither for pread");
	fails(ftruncate(fd, 0), EINVAL, "nor a length");
	equal(option(fd, SO_TYPE), SOCK_STREAM, "SO_TYPE tells the type");
	equal(option(fd, SO_DOMAIN), AF_UNIX, "SO_DOMAIN the family");
	equal(option(fd, SO_PROTOCOL), 0, "SO_PROTOCOL the protocol");
	fails(socket(AF_UNIX, SOCK_STREAM, 2), EPROTONOSUPPORT, "another protocol gives EPROTONOSUPPORT");
	equal(close(socket(AF_UNIX, SOCK_STREAM, 1)), 0, "the family's own is one");
	fails(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT, "another type gives ESOCKTNOSUPPORT");
	fails(socket(AF_UNIX, 12, 0), EINVAL, "an impossible one EINVAL");
	fails(socket(AF_UNIX, SOCK_STREAM | 0x100000, 0), EINVAL, "as do unknown flags");
	fails(socket(46, SOCK_STREAM, 0), EAFNOSUPPORT, "an impossible family gives EAFNOSUPPORT");
	int raw = socket(AF_UNIX, SOCK_RAW, 0);
	equal(option(raw, SO_TYPE), SOCK_DGRAM, "SOCK_RAW is SOCK_DGRAM");
	fails(listen(1, 1), ENOTSOCK, "another file is no socket");
	struct rlimit limit = { 20, 20 };
	require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	while (dup(fd) != -1)
		;
	close(19);
	fails(socketpair(AF_UNIX, SOCK_STREAM, 0, s), EMFILE, "a pair needs two descriptors");
	equal(dup(fd), 19, "and leaves none when it gets one");
}

CASE(names)
{
	struct sockaddr_un name;
	socklen_t length = sizeof name;
	struct stat status;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
	require(getsockname(fd, (struct sockaddr *)&name, &length) == 0);
	equal(length, 2, "a socket has no name at first");
	equal(do_bind(fd, "s"), 0, "it can be bound to a file");
	length = sizeof name;
	require(getsockname(fd, (struct sockaddr *)&name, &length) == 0);
	equal(length, 4, "getsockname tells the length with its NUL");
	same(name.sun_path, "s", "and the path as it was given");
	require(stat("s", &status) == 0);
	equal(status.st_mode, S_IFSOCK | 0755, "the file is a socket, less the umask");
	fails(do_bind(other, "s"), EADDRINUSE, "a file can be bound once");
	fails(do_bind(fd, "t"), EINVAL, "a socket too");
	fails(access("t", F_OK), ENOENT, "which leaves no file");
	fails(do_bind(fd, "s"), EADDRINUSE, "a file that exists is noticed first");
	fails(open("s", O_RDWR), ENXIO, "the file cannot be opened");
	fails(do_bind(other, "none/s"), ENOENT, "a folder must exist");
	length = 3;
	name.sun_path[0] = 'q';
	require(getsockname(fd, (struct sockaddr *)&name, &length) == 0);
	check(length == 4 && name.sun_path[0] == 's', "a short buffer gets a part, and the whole length");
	length = -1;
	fails(getsockname(fd, (struct sockaddr *)&name, &length), EINVAL, "a negative length gives EINVAL");
	require(unlink("s") == 0);
	equal(do_bind(other, "s"), 0, "after unlink the name is free");
	close(fd), close(other);
	check(access("s", F_OK) == 0, "closing leaves the file");
	fails(do_connect(socket(AF_UNIX, SOCK_STREAM, 0), "s"), ECONNREFUSED, "nobody answers there");
	fd = socket(AF_UNIX, SOCK_DGRAM, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0);
	equal(do_bind(fd, "@name"), 0, "abstract names need no file");
	fails(do_bind(other, "@name"), EADDRINUSE, "and are taken once");
	equal(do_bind(socket(AF_UNIX, SOCK_STREAM, 0), "@name"), 0, "for each type");
	length = sizeof name;
	require(getsockname(fd, (struct sockaddr *)&name, &length) == 0);
	check(length == 7 && memcmp(name.sun_path, "\0name", 5) == 0, "getsockname tells them without a NUL");
	close(fd);
	equal(do_bind(other, "@name"), 0, "closing frees them");
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	name.sun_family = AF_UNIX;
	equal(bind(fd, (struct sockaddr *)&name, 2), 0, "without a path bind finds a name");
	length = sizeof name;
	require(getsockname(fd, (struct sockaddr *)&name, &length) == 0);
	check(length == 8 && name.sun_path[0] == 0 && strspn(name.sun_path + 1, "0123456789abcdef") >= 5, "of five digits");
	equal(bind(fd, (struct sockaddr *)&name, 2), 0, "once more changes nothing");
	name.sun_family = AF_INET;
	fails(bind(other, (struct sockaddr *)&name, 10), EINVAL, "another family gives EINVAL");
	fails(bind(other, (struct sockaddr *)&name, 129), EINVAL, "as does too long an address");
	equal(in_child(if (setuid(7) == 0 && do_bind(socket(AF_UNIX, SOCK_STREAM, 0), "v") == -1) _exit(errno)), EACCES,
	      "who may not make files cannot bind");
}

CASE(connections)
{
	struct sockaddr_un name;
	socklen_t length = sizeof name;
	char buffer[16];
	int l = listening("l", SOCK_STREAM, 1), c = socket(AF_UNIX, SOCK_STREAM, 0), s;
	equal(option(l, SO_ACCEPTCONN), 1, "SO_ACCEPTCONN tells who listens");
	equal(events(l, POLLIN | POLLOUT), 0, "nobody waits");
	equal(events(c, POLLIN | POLLOUT), POLLOUT | POLLHUP, "an unconnected socket hangs");
	fails(read(c, buffer, 1), EINVAL, "it cannot be read");
	fails(write(c, "x", 1), ENOTCONN, "nor written");
	fails(getpeername(c, (struct sockaddr *)&name, &length), ENOTCONN, "it has no peer");
	equal(do_connect(c, "l"), 0, "connect does not wait for accept");
	equal(events(l, POLLIN), POLLIN, "who listens is told");
	equal(write(c, "early", 5), 5, "and what is written waits");
	fails(do_connect(c, "l"), EISCONN, "a connected socket gives EISCONN");
	s = accept(l, (struct sockaddr *)&name, &length);
	require(s != -1);
	equal(length, 2, "who connected has no name");
	equal(read(s, buffer, 16), 5, "its data are there");
	length = sizeof name;
	require(getpeername(c, (struct sockaddr *)&name, &length) == 0);
	same(name.sun_path, "l", "its peer has the name of who listened");
	length = sizeof name;
	require(getsockname(s, (struct sockaddr *)&name, &length) == 0);
	same(name.sun_path, "l", "which the accepted socket has too");
	int flags = fcntl(l, F_GETFL);
	require(fcntl(l, F_SETFL, flags | O_NONBLOCK) == 0);
	fails(accept(l, NULL, NULL), EAGAIN, "without a connection accept gives EAGAIN");
	int x = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), y = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0),
	    z = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	require(do_connect(x, "l") == 0 && do_connect(y, "l") == 0);
	fails(do_connect(z, "l"), EAGAIN, "a full backlog gives EAGAIN");
	pid_t child = fork();
	if (child == 0) {
		doze(50);
		_exit(accept(l, NULL, NULL) == -1);
	}
	fcntl(z, F_SETFL, 0);
	equal(do_connect(z, "l"), 0, "a blocking connect waits for room");
	equal(ended_with(child), 0, "which accept makes");
	int n = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	check(fcntl(n, F_GETFL) == (O_RDWR | O_NONBLOCK) && fcntl(n, F_GETFD) == FD_CLOEXEC, "accept4 sets flags");
	fails(syscall(SYS_accept4, l, NULL, NULL, 1), EINVAL, "and refuses others");
	close(l);
	fails(read(z, buffer, 1), ECONNRESET, "who was not accepted is reset");
	fails(do_connect(socket(AF_UNIX, SOCK_STREAM, 0), "l"), ECONNREFUSED, "nobody listens any more");
	fails(listen(socket(AF_UNIX, SOCK_STREAM, 0), 1), EINVAL, "listening needs a name");
	fails(listen(socket(AF_UNIX, SOCK_DGRAM, 0), 1), EOPNOTSUPP, "and connections");
	fails(accept(s, NULL, NULL), EINVAL, "only who listens accepts");
	fails(accept(socket(AF_UNIX, SOCK_DGRAM, 0), NULL, NULL), EOPNOTSUPP, "datagrams know no accept");
	make_file("plain", "");
	fails(do_connect(socket(AF_UNIX, SOCK_STREAM, 0), "plain"), ECONNREFUSED, "a plain file gives ECONNREFUSED");
	fails(do_connect(socket(AF_UNIX, SOCK_STREAM, 0), "none"), ENOENT, "no file ENOENT");
	l = listening("m", SOCK_STREAM, 1);
	fails(do_connect(socket(AF_UNIX, SOCK_DGRAM, 0), "m"), EPROTOTYPE, "another type EPROTOTYPE");
	chmod("m", 0600), chmod(".", 0755);
	equal(in_child(if (setuid(7) == 0 && do_connect(socket(AF_UNIX, SOCK_STREAM, 0), "m") == -1) _exit(errno)), EACCES,
	      "connecting needs the right to write");
	check(strstr(contents_of("/proc/net/unix"), " m\n") != NULL, "/proc/net/unix lists names");
}

CASE(streams)
{
	int s[2], count = 0;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == 0);
	equal(write(s[0], "ab", 2) + write(s[0], "cd", 2), 4, "writes follow each other");
	equal(ioctl(s[1], SIOCINQ, &count) ?: count, 4, "SIOCINQ counts what can be read");
	equal(ioctl(s[0], SIOCOUTQ, &count) ?: count, 2 * 768, "SIOCOUTQ what it costs");
	equal(read(s[1], block, 3), 3, "a read takes of both");
	equal(recv(s[1], block, 3, MSG_PEEK), 1, "what is left can be looked at");
	equal(recv(s[1], block, 3, MSG_TRUNC), 1, "and taken");
	fails(read(s[1], block, 1), EAGAIN, "then there is nothing");
	equal(read(s[1], block, 0), 0, "a read of nothing gives nothing");
	equal(write(s[0], "", 0), 0, "as does a write");
	count = 0;
	while (write(s[0], "x", 1) == 1)
		count++;
	equal(errno, EAGAIN, "a full socket gives EAGAIN");
	equal(count, 278, "after as many bytes as its buffer allows");
	equal(events(s[0], POLLOUT), 0, "then it is not writable");
	equal(read(s[1], block, 200), 200, "a reader that takes a part");
	equal(events(s[0], POLLOUT), 0, "leaves it so");
	require(read(s[1], block, 20) == 20);
	equal(events(s[0], POLLOUT), POLLOUT, "until a quarter is used");
	require(read(s[1], block, 300) == 58);
	ssize_t sent = write(s[0], block, sizeof block);
	check(sent > 200000 && sent < 300000, "a large write sends what fits");
	equal(ioctl(s[1], SIOCINQ, &count) ?: count, sent, "which can all be read");
	fcntl(s[0], F_SETFL, 0), fcntl(s[1], F_SETFL, 0);
	pid_t child = fork();
	if (child == 0) {
		close(s[1]);
		_exit(write(s[0], block, sizeof block) != sizeof block);
	}
	equal(recv(s[1], block, sent, MSG_WAITALL), sent, "MSG_WAITALL waits for all");
	equal(recv(s[1], block, sizeof block, MSG_WAITALL), sizeof block, "also for what was not sent yet");
	equal(ended_with(child), 0, "and a blocking write sends all");
	struct timeval time = { 0, 50000 };
	require(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0);
	fails(read(s[1], block, 1), EAGAIN, "SO_RCVTIMEO ends a wait");
	make_file("f", "contents");
	equal(sendfile(s[0], open("f", O_RDONLY), NULL, 8), 8, "sendfile sends into a socket");
	equal(read(s[1], block, 16), 8, "what the file holds");
	int p[2];
	require(pipe(p) == 0 && write(s[0], "spliced", 7) == 7);
	equal(splice(s[1], NULL, p[1], NULL, 7, 0), 7, "splice moves into a pipe");
	equal(splice(p[0], NULL, s[0], NULL, 7, 0), 7, "and back");
	fails(sendto(s[0], "x", 1, 0, (void *)block, 2), EISCONN, "a connected stream takes no address");
}

CASE(ends)
{
	char c;
	int s[2];
	signal(SIGPIPE, SIG_IGN);
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && write(s[1], "x", 1) == 1);
	close(s[1]);
	equal(events(s[0], POLLIN | POLLOUT | POLLRDHUP), POLLIN | POLLOUT | POLLHUP | POLLRDHUP, "a peer that left hangs up");
	equal(read(s[0], &c, 1), 1, "what it sent is there");
	equal(read(s[0], &c, 1), 0, "then the end");
	fails(write(s[0], "x", 1), EPIPE, "writing gives EPIPE");
	signal(SIGPIPE, SIG_DFL);
	equal(in_child(write(s[0], "x", 1)), 128 + SIGPIPE, "and SIGPIPE");
	equal(in_child(send(s[0], "x", 1, MSG_NOSIGNAL); _exit(errno)), EPIPE, "but not with MSG_NOSIGNAL");
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && write(s[0], "x", 1) == 1);
	close(s[1]);
	check(events(s[0], POLLIN) & POLLERR, "a peer that left data unread is an error");
	equal(option(s[0], SO_ERROR), ECONNRESET, "SO_ERROR tells it");
	equal(option(s[0], SO_ERROR), 0, "once");
	require(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) == 0);
	close(s[1]);
	equal(in_child(write(s[0], "x", 1); _exit(errno)), EPIPE, "packets are no reason for SIGPIPE");
	equal(read(s[0], &c, 1), 0, "a packet socket ends too");
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	equal(shutdown(s[0], SHUT_RD), 0, "reading can be shut down");
	fails(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE, "then the other side cannot write");
	equal(read(s[0], &c, 1), 0, "and nothing is read");
	equal(events(s[0], POLLIN | POLLRDHUP | POLLOUT), POLLIN | POLLRDHUP | POLLOUT, "which poll tells");
	equal(shutdown(s[1], SHUT_RD), 0, "the other half");
	check(events(s[0], 0) & POLLHUP, "makes it hang up");
	fails(shutdown(s[0], 3), EINVAL, "there are three ways");
	pid_t child = fork();
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	if (child == 0)
		_exit(0);
	status_of(child);
	child = fork();
	if (child == 0) {
		close(s[1]);
		_exit(read(s[0], &c, 1) != 0);
	}
	doze(30);
	shutdown(s[1], SHUT_WR);
	equal(ended_with(child), 0, "a shutdown wakes who reads");
}

CASE(datagrams)
{
	struct sockaddr_un name;
	socklen_t length = sizeof name;
	char buffer[16];
	int count, a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), s[2];
	require(do_bind(a, "a") == 0 && do_bind(b, "b") == 0);
	fails(send(a, "x", 1, 0), ENOTCONN, "a datagram needs an address");
	socklen_t to = address(&name, "b");
	equal(sendto(a, "hello", 5, 0, (struct sockaddr *)&name, to), 5, "which sendto gives");
	memset(&name, 0, sizeof name);
	equal(recvfrom(b, buffer, 3, 0, (struct sockaddr *)&name, &length), 3, "a short read takes a part");
	same(name.sun_path, "a", "recvfrom tells who sent");
	fails(recv(b, buffer, 1, 0), EAGAIN, "the rest is lost");
	equal(do_connect(a, "b"), 0, "a datagram socket can have a peer");
	equal(send(a, "peer", 4, 0), 4, "which send sends to");
	equal(recv(b, buffer, 2, MSG_TRUNC), 4, "MSG_TRUNC tells the whole length");
	equal(send(a, "", 0, 0), 0, "an empty datagram is one");
	equal(events(b, POLLIN), POLLIN, "it can be received");
	equal(read(b, buffer, 1), 0, "and is empty");
	fcntl(a, F_SETFL, O_NONBLOCK);
	for (count = 0; send(a, "x", 1, 0) == 1; count++)
		;
	check(errno == EAGAIN && count == 11, "eleven wait for who has not chosen the sender");
	equal(events(a, POLLOUT), 0, "then it is not writable");
	fails(send(a, block, 212992 - 31, 0), EMSGSIZE, "too large a datagram gives EMSGSIZE");
	int c = socket(AF_UNIX, SOCK_DGRAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);
	require(do_bind(c, "c") == 0 && do_bind(d, "d") == 0 && do_connect(c, "d") == 0);
	to = address(&name, "c");
	fails(sendto(a, "x", 1, 0, (struct sockaddr *)&name, to), EPERM, "who has a peer takes from it alone");
	close(b);
	fails(send(a, "x", 1, 0), ECONNREFUSED, "a peer that is gone refuses");
	fails(send(a, "x", 1, 0), ENOTCONN, "and is none then");
	name.sun_family = AF_UNSPEC;
	equal(connect(c, (struct sockaddr *)&name, 2), 0, "AF_UNSPEC ends it");
	fails(send(c, "x", 1, 0), ENOTCONN, "too");
	require(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) == 0);
	require(send(s[0], "one", 3, 0) == 3 && send(s[0], "two", 3, MSG_EOR) == 3);
	equal(recv(s[1], buffer, 16, 0), 3, "packets keep their borders");
	equal(recv(s[1], buffer, 16, MSG_PEEK), 3, "and can be looked at");
	fails(send(socket(AF_UNIX, SOCK_SEQPACKET, 0), "x", 1, 0), ENOTCONN, "packets need a connection");
}

CASE(options)
{
	struct timeval time = { 1, 5000 }, got;
	struct linger linger = { 1, 7 }, kept = { 0 };
	socklen_t length = sizeof got;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	equal(option(fd, SO_SNDBUF), 212992, "a buffer has a size");
	equal(set(fd, SO_SNDBUF, 10000) ?: option(fd, SO_SNDBUF), 20000, "twice what is asked for");
	equal(set(fd, SO_SNDBUF, 1) ?: option(fd, SO_SNDBUF), 4608, "at least so much");
	equal(set(fd, SO_RCVBUF, 1) ?: option(fd, SO_RCVBUF), 2304, "of the other less");
	equal(set(fd, SO_SNDBUF, 1 << 24) ?: option(fd, SO_SNDBUF), 425984, "and at most so much");
	equal(set(fd, SO_SNDBUFFORCE, 1 << 20) ?: option(fd, SO_SNDBUF), 2 << 20, "unless forced");
	require(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0);
	require(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &length) == 0);
	check(got.tv_sec == 1 && got.tv_usec == 8000 && length == 16, "timeouts are rounded up");
	time.tv_usec = 1000000;
	fails(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), EDOM, "a wrong one gives EDOM");
	require(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
	length = sizeof kept;
	require(getsockopt(fd, SOL_SOCKET, SO_LINGER, &kept, &length) == 0);
	check(kept.l_onoff == 1 && kept.l_linger == 7, "SO_LINGER is kept");
	equal(set(fd, SO_KEEPALIVE, 5) ?: option(fd, SO_KEEPALIVE), 1, "a switch is on or off");
	equal(set(fd, SO_RCVLOWAT, 0) ?: option(fd, SO_RCVLOWAT), 1, "SO_RCVLOWAT is at least 1");
	fails(set(fd, SO_TYPE, 1), ENOPROTOOPT, "the type stays");
	fails(set(fd, 9999, 1), ENOPROTOOPT, "an unknown option gives ENOPROTOOPT");
	equal(option(fd, 9999), -ENOPROTOOPT, "also when asked for");
	fails(setsockopt(fd, 6, 1, &fd, sizeof fd), EOPNOTSUPP, "another level EOPNOTSUPP");
	fails(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &fd, 3), EINVAL, "a short value EINVAL");
	int on = 0;
	fails(ioctl(fd, 0x1234, &on), ENOTTY, "an unknown ioctl ENOTTY");
	on = 1;
	equal(ioctl(fd, FIONBIO, &on) ?: fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK, "FIONBIO sets O_NONBLOCK");
}

SUITE(RUN(making), RUN(names), RUN(connections), RUN(streams), RUN(ends), RUN(datagrams), RUN(options))
