/* Pipes and sockets. */
#include "inject.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static int ends[2] = { -1, -1 }, others[2] = { -1, -1 }, file = -1;
static char big[20 * PAGE];

/* Pipes. */
static int made_ends[2];
static long make_pipe(void) { return pipe2(made_ends, O_NONBLOCK); }
static int made_both(long result) { return result == 0 && close_it(made_ends[0]) && close_it(made_ends[1]); }
static void with_pipe(void) { need(pipe2(ends, O_NONBLOCK) == 0); }
static void without_pipe(void)
{
	close(ends[0]);
	close(ends[1]);
}
static int in_pipe(int fd)
{
	int bytes = -1;
	ioctl(fd, FIONREAD, &bytes);
	return bytes;
}
static long fill(void) { return write(ends[1], big, sizeof big); }
static int pipe_empty(void) { return in_pipe(ends[0]) == 0; }
static int partly(long result) { return result > 0 && result <= 16 * PAGE && in_pipe(ends[0]) == result; }
static long fill_vector(void)
{
	struct iovec parts[200];
	for (int i = 0; i < 200; i++)
		parts[i] = (struct iovec){ big + i * 100, 100 };
	return writev(ends[1], parts, 200);
}
static void with_full_pipe(void)
{
	with_pipe();
	need(write(ends[1], big, 5 * PAGE) == 5 * PAGE);
}
static long empty(void) { return read(ends[0], big, sizeof big); }
static int pipe_full(void) { return in_pipe(ends[0]) == 5 * PAGE; }
static int emptied(long result) { return result == 5 * PAGE && pipe_empty(); }
static long resize(void) { return fcntl(ends[0], F_SETPIPE_SZ, 64 * PAGE); }
static int resized(long result) { return result == 64 * PAGE && fcntl(ends[0], F_GETPIPE_SZ) == 64 * PAGE && pipe_full(); }
static void with_two_pipes(void)
{
	with_full_pipe();
	need(pipe2(others, O_NONBLOCK) == 0);
}
static void without_two_pipes(void)
{
	without_pipe();
	close(others[0]);
	close(others[1]);
}
static int pipes_same(void) { return pipe_full() && in_pipe(others[0]) == 0; }
static long splice_pipes(void) { return splice(ends[0], NULL, others[1], NULL, 5 * PAGE, SPLICE_F_NONBLOCK); }
static int spliced(long result) { return result > 0 && in_pipe(others[0]) == result && in_pipe(ends[0]) == 5 * PAGE - result; }
static long tee_pipes(void) { return tee(ends[0], others[1], 5 * PAGE, SPLICE_F_NONBLOCK); }
static int teed(long result) { return result > 0 && in_pipe(others[0]) == result && pipe_full(); }
static void with_file(void)
{
	with_two_pipes();
	file = open(".", O_TMPFILE | O_RDWR, 0600);
	need(file != -1 && write(file, big, 5 * PAGE) == 5 * PAGE);
}
static void without_file(void)
{
	close(file);
	without_two_pipes();
}
static int file_same(void) { return pipes_same() && lseek(file, 0, SEEK_CUR) == 5 * PAGE; }
static long splice_in(void)
{
	loff_t from = 0;
	return splice(file, &from, others[1], NULL, 5 * PAGE, 0);
}
static int spliced_in(long result) { return result > 0 && in_pipe(others[0]) == result; }
static long splice_out(void)
{
	loff_t to = 5 * PAGE;
	return splice(ends[0], NULL, file, &to, 5 * PAGE, 0);
}
static int spliced_out(long result)
{
	return result > 0 && in_pipe(ends[0]) == 5 * PAGE - result && lseek(file, 0, SEEK_END) == 5 * PAGE + result;
}
static long splice_memory(void)
{
	struct iovec parts[5];
	for (int i = 0; i < 5; i++)
		parts[i] = (struct iovec){ big + i * PAGE, PAGE };
	return vmsplice(others[1], parts, 5, 0);
}

/* Sockets. */
static int listener = -1, client = -1, pair[2];
static struct sockaddr_un address = { AF_UNIX, "socket" };
static long make_pair(void) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, made_ends); }
static long make_socket(void) { return socket(AF_UNIX, SOCK_SEQPACKET, 0); }
static void with_socket(void)
{
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	need(listener != -1);
}
static void without_socket(void) { close(listener); }
static long bind_it(void) { return bind(listener, (struct sockaddr *)&address, sizeof address); }
static int not_bound(void)
{
	socklen_t length = sizeof address;
	struct sockaddr_un name;
	return !is_there("socket") && getsockname(listener, (struct sockaddr *)&name, &length) == 0 && length == 2;
}
static int bound(long result) { return result == 0 && is_there("socket") && unlink("socket") == 0; }
static long bind_abstract(void)
{
	struct sockaddr_un name = { AF_UNIX, "\0a name of some length" };
	return bind(listener, (struct sockaddr *)&name, 40);
}
static int abstractly_bound(long result)
{
	struct sockaddr_un name;
	socklen_t length = sizeof name;
	return result == 0 && getsockname(listener, (struct sockaddr *)&name, &length) == 0 && length == 40 &&
	       memcmp(name.sun_path, "\0a name of some length", 22) == 0;
}
static void with_bound(void)
{
	with_socket();
	need(bind_it() == 0);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	need(client != -1);
}
static void without_bound(void)
{
	without_socket();
	close(client);
	need(unlink("socket") == 0);
}
static long listen_it(void) { return listen(listener, 5); }
static int is_listening(void)
{
	int listens = -1;
	socklen_t length = sizeof listens;
	return getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens == 1;
}
static int listens(long result) { return result == 0 && is_listening(); }
static void with_listener(void)
{
	with_bound();
	need(listen_it() == 0);
}
static long connect_it(void) { return connect(client, (struct sockaddr *)&address, sizeof address); }
static int not_connected(void)
{
	struct sockaddr_un name;
	socklen_t length = sizeof name;
	return accept(listener, NULL, NULL) == -1 && errno == EAGAIN &&
	       getpeername(client, (struct sockaddr *)&name, &length) == -1 && errno == ENOTCONN;
}
static int connected(long result)
{
	int fd = accept(listener, NULL, NULL);
	return result == 0 && write(client, "x", 1) == 1 && close_it(fd);
}
static void with_connection(void)
{
	with_listener();
	need(connect_it() == 0 && write(client, "hello", 5) == 5);
}
static long accept_it(void)
{
	struct sockaddr_un name;
	socklen_t length = sizeof name;
	return accept4(listener, (struct sockaddr *)&name, &length, SOCK_CLOEXEC);
}
static int connection_waits(void)
{
	struct pollfd asked = { listener, POLLIN, 0 };
	return poll(&asked, 1, 0) == 1 && write(client, "", 0) == 0;
}
static int accepted(long fd)
{
	char text[8];
	return read((int)fd, text, sizeof text) == 5 && close_it(fd);
}
static void with_pair(void) { need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0); }
static void with_packets(void) { need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0); }
static void without_pair(void)
{
	close(pair[0]);
	close(pair[1]);
}
static int nothing_sent(void)
{
	char byte;
	return recv(pair[1], &byte, 1, MSG_PEEK) == -1 && errno == EAGAIN;
}
static long send_much(void) { return send(pair[0], big, 16 * PAGE, 0); }
static int sent(long result)
{
	long got = 0;
	ssize_t n;
	while ((n = recv(pair[1], big, sizeof big, 0)) > 0)
		got += n;
	return result > 0 && got == result;
}
static int sent_whole(long result) { return result == 16 * PAGE && recv(pair[1], big, sizeof big, 0) == result; }
static struct {
	struct cmsghdr head;
	int fds[40];
} control;
static struct iovec part = { "text", 4 };
static struct msghdr message;
static long send_descriptors(void)
{
	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof control.fds), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	for (int i = 0; i < 40; i++)
		control.fds[i] = i % 2 ? 0 : pair[0];
	message = (struct msghdr){ .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	return sendmsg(pair[0], &message, 0);
}
static char received_text[8];
static long receive_descriptors(void)
{
	static struct iovec to = { received_text, sizeof received_text };
	message = (struct msghdr){ .msg_iov = &to, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	memset(&control, 0, sizeof control);
	return recvmsg(pair[1], &message, 0);
}
/* What did not fit is cut off, and the message says so. */
static int descriptors_there(long result)
{
	int count = message.msg_controllen < sizeof control.head ? 0 : (int)((control.head.cmsg_len - CMSG_LEN(0)) / sizeof(int));
	int good = result == 4 && memcmp(received_text, "text", 4) == 0 && (count == 40 || (message.msg_flags & MSG_CTRUNC));
	for (int i = 0; i < count; i++)
		good &= close_it(control.fds[i]);
	return good;
}
static int descriptors_sent(long result) { return result == 4 && descriptors_there(receive_descriptors()); }
static void with_descriptors(void)
{
	with_pair();
	need(send_descriptors() == 4);
}
static int descriptors_wait(void)
{
	char text[8];
	return recv(pair[1], text, sizeof text, MSG_PEEK) == 4;
}
static long send_many(void)
{
	static struct mmsghdr messages[10];
	for (int i = 0; i < 10; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &part, .msg_iovlen = 1 };
	return sendmmsg(pair[0], messages, 10, 0);
}
static int many_sent(long result)
{
	int got = 0;
	while (recv(pair[1], big, sizeof big, 0) == 4)
		got++;
	return result > 0 && got == result;
}
static void with_datagrams(void)
{
	listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	client = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	need(listener != -1 && client != -1 && bind_it() == 0);
}
static long send_to(void) { return sendto(client, big, 5000, 0, (struct sockaddr *)&address, sizeof address); }
static int none_came(void)
{
	char byte;
	return recv(listener, &byte, 1, MSG_PEEK) == -1 && errno == EAGAIN;
}
static int came(long result) { return result == 5000 && recv(listener, big, sizeof big, 0) == 5000; }
static void with_sent(void)
{
	with_pair();
	need(send(pair[0], big, 3 * PAGE, 0) == 3 * PAGE);
}
static long receive(void) { return recv(pair[1], big, sizeof big, 0); }
static int received(long result) { return result == 3 * PAGE; }
static long set_option(void)
{
	int on = 1;
	return setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}
static int option_set(long result)
{
	int on = 0;
	socklen_t length = sizeof on;
	return result == 0 && getsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, &length) == 0 && on == 1;
}
static struct ucred peer;
static long get_option(void)
{
	socklen_t length = sizeof peer;
	return getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &length);
}
static int option_told(long result) { return result == 0 && peer.pid == getpid() && peer.uid == 0; }

const struct scenario channels[] = {
	{ "pipe2", NULL, make_pipe, NULL, made_both, NULL, 0, { ENFILE } },
	{ "write to a pipe", with_pipe, fill, pipe_empty, partly, without_pipe, 0, { 0 } },
	{ "writev to a pipe", with_pipe, fill_vector, pipe_empty, partly, without_pipe, 0, { 0 } },
	{ "read of a pipe", with_full_pipe, empty, pipe_full, emptied, without_pipe, FREE, { 0 } },
	{ "fcntl F_SETPIPE_SZ", with_full_pipe, resize, pipe_full, resized, without_pipe, FREE, { 0 } },
	{ "splice of a pipe to a pipe", with_two_pipes, splice_pipes, pipes_same, spliced, without_two_pipes, 0, { 0 } },
	{ "splice of a file to a pipe", with_file, splice_in, file_same, spliced_in, without_file, 0, { 0 } },
	{ "splice of a pipe to a file", with_file, splice_out, file_same, spliced_out, without_file, 0, { ENOSPC } },
	{ "tee", with_two_pipes, tee_pipes, pipes_same, teed, without_two_pipes, 0, { 0 } },
	{ "vmsplice", with_two_pipes, splice_memory, pipes_same, spliced_in, without_two_pipes, 0, { 0 } },
	{ "socketpair", NULL, make_pair, NULL, made_both, NULL, 0, { ENFILE } },
	{ "socket", NULL, make_socket, NULL, close_it, NULL, 0, { ENFILE } },
	{ "bind", with_socket, bind_it, not_bound, bound, without_socket, 0, { ENOSPC } },
	{ "bind of an abstract name", with_socket, bind_abstract, not_bound, abstractly_bound, without_socket, 0, { 0 } },
	{ "listen", with_bound, listen_it, NULL, listens, without_bound, FREE, { 0 } },
	{ "connect", with_listener, connect_it, not_connected, connected, without_bound, 0, { ENOBUFS } },
	{ "accept4", with_connection, accept_it, connection_waits, accepted, without_bound, 0, { ENFILE, ENOBUFS } },
	{ "send over a stream", with_pair, send_much, nothing_sent, sent, without_pair, 0, { ENOBUFS } },
	{ "send of a packet", with_packets, send_much, nothing_sent, sent_whole, without_pair, 0, { ENOBUFS } },
	{ "sendto", with_datagrams, send_to, none_came, came, without_bound, 0, { ENOBUFS } },
	{ "sendmsg SCM_RIGHTS", with_pair, send_descriptors, nothing_sent, descriptors_sent, without_pair, 0, { ENOBUFS } },
	{ "recvmsg SCM_RIGHTS", with_descriptors, receive_descriptors, descriptors_wait, descriptors_there, without_pair, 0, { ENOBUFS } },
	{ "sendmmsg", with_packets, send_many, nothing_sent, many_sent, without_pair, 0, { ENOBUFS } },
	{ "recvfrom", with_sent, receive, NULL, received, without_pair, FREE, { 0 } },
	{ "setsockopt", with_pair, set_option, NULL, option_set, without_pair, FREE, { 0 } },
	{ "getsockopt", with_pair, get_option, NULL, option_told, without_pair, FREE, { 0 } },
	{ 0 },
};
