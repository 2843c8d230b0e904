/* Pipes and fifos: capacity, atomicity, ends, blocking. */
#include "tap.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static char block[1 << 17];

CASE(basics)
{
	int p[2];
	char buffer[16];
	equal(pipe(p), 0, "pipe makes a pipe");
	check(p[0] < p[1], "its reading end has the lower number");
	equal(write(p[1], "hello", 5), 5, "a pipe can be written");
	equal(write(p[1], "!", 1), 1, "repeatedly");
	equal(read(p[0], buffer, 3), 3, "a read takes what it asks for");
	equal(read(p[0], buffer, 16), 3, "or what there is");
	check(memcmp(buffer, "lo!", 3) == 0, "in order, without boundaries");
	fails(write(p[0], "x", 1), EBADF, "the reading end cannot be written");
	fails(read(p[1], buffer, 1), EBADF, "the writing end cannot be read");
	struct stat status;
	require(fstat(p[0], &status) == 0);
	check(S_ISFIFO(status.st_mode), "fstat tells a fifo");
	int n = -1;
	write(p[1], "four", 4);
	equal(ioctl(p[0], FIONREAD, &n), 0, "FIONREAD is accepted");
	equal(n, 4, "and tells how much can be read");
}

CASE(ends)
{
	int p[2];
	char byte;
	require(pipe(p) == 0);
	write(p[1], "x", 1);
	int copy = dup(p[1]);
	close(p[1]);
	equal(read(p[0], &byte, 1), 1, "what was written can be read after a close");
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	fails(read(p[0], &byte, 1), EAGAIN, "while a duplicate of the writing end is open there is no end");
	close(copy);
	equal(read(p[0], &byte, 1), 0, "when the last is closed there is");
	require(pipe(p) == 0);
	signal(SIGPIPE, SIG_IGN);
	close(p[0]);
	fails(write(p[1], "x", 1), EPIPE, "writing without a reader gives EPIPE");
	equal(in_child(signal(SIGPIPE, SIG_DFL); write(p[1], "x", 1)), 128 + SIGPIPE, "and SIGPIPE");
	require(pipe(p) == 0);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGPIPE, SIG_DFL);
		close(p[0]);
		for (;;)
			write(p[1], block, sizeof block);
	}
	close(p[1]);
	equal(read(p[0], &byte, 1), 1, "a writer blocks on a full pipe");
	close(p[0]);
	equal(ended_with(child), 128 + SIGPIPE, "and gets SIGPIPE when the reader goes");
}

CASE(capacity)
{
	int p[2];
	require(pipe2(p, O_NONBLOCK) == 0);
	equal(fcntl(p[0], F_GETPIPE_SZ), 65536, "a pipe holds 65536 bytes");
	equal(write(p[1], block, sizeof block), 65536, "a write that does not block writes what fits");
	fails(write(p[1], block, 1), EAGAIN, "then a write gives EAGAIN");
	equal(read(p[0], block, 4096), 4096, "reading a page");
	equal(write(p[1], block, 4096), 4096, "makes room for one");
	fails(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY, "a pipe cannot be made smaller than what it holds");
	equal(fcntl(p[1], F_SETPIPE_SZ, 100000), 131072, "F_SETPIPE_SZ rounds up to a power of two");
	equal(fcntl(p[0], F_GETPIPE_SZ), 131072, "both ends tell the new size");
	equal(write(p[1], block, sizeof block), 65536, "which can be used");
	require(pipe(p) == 0);
	equal(fcntl(p[1], F_SETPIPE_SZ, 1), 4096, "the smallest pipe is a page");
	fails(fcntl(p[1], F_SETPIPE_SZ, -1), EINVAL, "a negative size gives EINVAL");
	make_file("f", "");
	fails(fcntl(open("f", O_RDONLY), F_GETPIPE_SZ), EBADF, "F_GETPIPE_SZ of a file gives EBADF");
}

CASE(atomic_writes)
{
	enum { WRITERS = 4, MESSAGES = 40 };
	int p[2], torn = 0, messages = 0;
	char message[PIPE_BUF];
	require(pipe2(p, O_NONBLOCK) == 0);
	equal(write(p[1], block, 65536 - 100), 65536 - 100, "a pipe can be nearly filled");
	fails(write(p[1], block, PIPE_BUF), EAGAIN, "a write of PIPE_BUF bytes that does not fit gives EAGAIN and writes nothing");
	check(write(p[1], block, 10) == 10, "a smaller one that fits is written");
	require(pipe(p) == 0);
	for (int writer = 0; writer < WRITERS; writer++)
		if (fork() == 0) {
			close(p[0]);
			memset(message, 'a' + writer, PIPE_BUF);
			for (int i = 0; i < MESSAGES; i++)
				if (write(p[1], message, PIPE_BUF) != PIPE_BUF)
					_exit(1);
			_exit(0);
		}
	close(p[1]);
	for (;;) {
		int got = 0;
		for (ssize_t n; got < PIPE_BUF && (n = read(p[0], message + got, PIPE_BUF - got)) > 0; got += n)
			;
		if (got < PIPE_BUF)
			break;
		messages++;
		for (int i = 1; i < PIPE_BUF; i++)
			torn += message[i] != message[0];
	}
	equal(messages, WRITERS * MESSAGES, "all that several writers write arrives");
	equal(torn, 0, "writes of up to PIPE_BUF bytes are not mixed");
}

CASE(flags)
{
	int p[2];
	char byte;
	equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0, "pipe2 takes O_CLOEXEC and O_NONBLOCK");
	equal(fcntl(p[0], F_GETFD), FD_CLOEXEC, "both ends are close-on-exec");
	check(fcntl(p[1], F_GETFL) & O_NONBLOCK, "and do not block");
	fails(read(p[0], &byte, 1), EAGAIN, "an empty pipe then gives EAGAIN");
	fails(pipe2(p, O_APPEND), EINVAL, "another flag gives EINVAL");
	require(pipe2(p, O_DIRECT) == 0);
	write(p[1], "one", 3), write(p[1], "two", 3);
	equal(read(p[0], block, 100), 3, "with O_DIRECT a read takes one packet");
	equal(read(p[0], block, 1), 1, "what of a packet is not read");
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	fails(read(p[0], block, 1), EAGAIN, "is lost");
}

CASE(fifos)
{
	char buffer[16];
	require(mkfifo("fifo", 0600) == 0);
	fails(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO, "opening a fifo for writing without reader or waiting gives ENXIO");
	int reader = open("fifo", O_RDONLY | O_NONBLOCK);
	check(reader >= 0, "opening it for reading without waiting succeeds");
	equal(read(reader, buffer, 16), 0, "without a writer it is at its end");
	int writer = open("fifo", O_WRONLY | O_NONBLOCK);
	check(writer >= 0, "with a reader it opens for writing");
	fails(read(reader, buffer, 16), EAGAIN, "with a writer it is empty and not at its end");
	equal(write(writer, "text", 4), 4, "what is written to it");
	equal(read(reader, buffer, 16), 4, "can be read");
	struct pollfd poller = { reader, POLLIN, 0 };
	close(writer);
	equal(poll(&poller, 1, 0), 1, "poll tells when the writer has gone");
	equal(poller.revents, POLLHUP, "by POLLHUP");
	close(reader);
	pid_t child = fork();
	if (child == 0) {
		int fd = open("fifo", O_WRONLY);
		_exit(fd >= 0 && write(fd, "late", 4) == 4 ? 0 : 1);
	}
	doze(50);
	equal(waitpid(child, NULL, WNOHANG), 0, "opening for writing waits for a reader");
	reader = open("fifo", O_RDONLY);
	equal(read(reader, buffer, 16), 4, "who gets what is written");
	equal(ended_with(child), 0, "after which the writer goes on");
	equal(read(reader, buffer, 16), 0, "and leaves the end");
	int both = open("fifo", O_RDWR);
	check(both >= 0, "a fifo can be opened for both at once");
	equal(write(both, "x", 1), 1, "and written without another reader");
	fails(lseek(both, 0, SEEK_SET), ESPIPE, "but not sought in");
}

CASE(blocking)
{
	int p[2], q[2];
	char byte;
	require(pipe(p) == 0 && pipe(q) == 0);
	pid_t child = fork();
	if (child == 0) {
		ssize_t n = read(p[0], &byte, 1);
		_exit(n == 1 && byte == 'k' ? 0 : 1);
	}
	doze(50);
	equal(waitpid(child, NULL, WNOHANG), 0, "read waits on an empty pipe");
	write(p[1], "k", 1);
	equal(ended_with(child), 0, "until something is written");
	child = fork();
	if (child == 0) {
		close(p[0]), close(q[1]);
		for (int i = 0; i < 200; i++)
			if (read(q[0], &byte, 1) != 1 || write(p[1], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	int right = 0;
	for (int i = 0; i < 200; i++) {
		char c = i;
		right += write(q[1], &c, 1) == 1 && read(p[0], &byte, 1) == 1 && byte == c;
	}
	equal(right, 200, "two processes can talk in turns");
	equal(ended_with(child), 0, "to the end");
}

CASE(splicing)
{
	int a[2], b[2];
	char buffer[16];
	require(pipe(a) == 0 && pipe(b) == 0);
	make_file("f", "0123456789");
	int fd = open("f", O_RDWR);
	equal(splice(fd, NULL, a[1], NULL, 4, 0), 4, "splice moves from a file into a pipe");
	equal(tee(a[0], b[1], 4, 0), 4, "tee copies between pipes");
	equal(read(a[0], buffer, 16), 4, "and leaves what it copied");
	equal(read(b[0], buffer, 16), 4, "in both");
	check(memcmp(buffer, "0123", 4) == 0, "unchanged");
	struct iovec part = { "xy", 2 };
	equal(vmsplice(a[1], &part, 1, 0), 2, "vmsplice puts memory into a pipe");
	loff_t offset = 8;
	equal(splice(a[0], NULL, fd, &offset, 2, 0), 2, "splice moves from a pipe into a file");
	same(contents_of("f"), "01234567xy", "at the offset given");
	fails(splice(fd, NULL, fd, NULL, 1, 0), EINVAL, "splice without a pipe gives EINVAL");
}

CASE(opening_again)
{
	int p[2], again;
	char name[32], buffer[16];
	require(pipe(p) == 0);
	require(write(p[1], "left", 4) == 4);
	snprintf(name, sizeof name, "/proc/self/fd/%d", p[0]);
	require(close(p[1]) == 0);
	alarm(5);
	again = open(name, O_RDONLY);
	equal(again >= 0, 1, "a pipe's reading end is opened again although no writer is left");
	equal(read(again, buffer, 16), 4, "and gives what is in the pipe");
	equal(read(again, buffer, 16), 0, "and then its end");
	int writer = open(name, O_WRONLY | O_NONBLOCK);
	equal(writer >= 0, 1, "a writing end can be opened through it");
	equal(write(writer, "x", 1), 1, "and be written to");
	equal(read(p[0], buffer, 16), 1, "for the first reader as well");
	close(p[0]);
	close(again);
	snprintf(name, sizeof name, "/proc/self/fd/%d", writer);
	signal(SIGPIPE, SIG_IGN);
	fails(write(writer, "x", 1), EPIPE, "the last reader's going is seen");
	again = open(name, O_WRONLY);
	equal(again >= 0, 1, "another writing end is opened although no reader is left");
}

SUITE(RUN(basics), RUN(ends), RUN(capacity), RUN(atomic_writes), RUN(flags), RUN(fifos), RUN(blocking), RUN(splicing),
      RUN(opening_again))
