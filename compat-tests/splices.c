/* Moving bytes through pipes without reading them: splice, tee, vmsplice. */
#include "tap.h"
#include <sys/socket.h>
#include <sys/uio.h>

static char big[262144] __attribute__((aligned(4096)));

static int in_pipe(int fd)
{
	int bytes = -1;
	return syscall(SYS_ioctl, fd, 0x541B, &bytes) == 0 ? bytes : -1;
}

CASE(copying)
{
	int a[2], b[2];
	char buffer[32];
	require(pipe(a) == 0 && pipe(b) == 0);
	fails(tee(a[0], b[1], 4, SPLICE_F_NONBLOCK), EAGAIN, "tee from an empty pipe gives EAGAIN if it must not wait");
	require(write(a[1], "abcdef", 6) == 6);
	equal(tee(a[0], b[1], 4, 0), 4, "tee copies as much as is asked for");
	equal(tee(a[0], b[1], 100, 0), 6, "or as there is");
	equal(in_pipe(a[0]), 6, "what was copied stays");
	equal(in_pipe(b[0]), 10, "and is in the other pipe");
	require(write(a[1], "g", 1) == 1 && write(b[1], "X", 1) == 1);
	equal(read(a[0], buffer, 32), 7, "each goes on by itself");
	check(memcmp(buffer, "abcdefg", 7) == 0, "the one");
	equal(read(b[0], buffer, 32), 11, "and the other");
	check(memcmp(buffer, "abcdabcdefX", 11) == 0, "with its own bytes");
	equal(tee(a[0], b[1], 0, 0), 0, "nothing is 0");
	fails(tee(a[0], a[1], 4, 0), EINVAL, "one pipe for both gives EINVAL");
	fails(tee(a[0], b[1], 4, 0x10), EINVAL, "an unknown flag gives EINVAL");
	fails(tee(a[1], b[1], 4, 0), EBADF, "the wrong end gives EBADF");
	fails(tee(a[0], b[0], 4, 0), EBADF, "on either side");
	make_file("f", "text");
	int fd = open("f", O_RDWR);
	fails(tee(fd, b[1], 4, 0), EINVAL, "a file gives EINVAL");
	close(a[1]);
	equal(tee(a[0], b[1], 4, 0), 0, "at the end of the pipe it is 0");
	signal(SIGPIPE, SIG_IGN);
	require(pipe(a) == 0 && write(a[1], "x", 1) == 1);
	close(b[0]);
	fails(tee(a[0], b[1], 1, 0), EPIPE, "without a reader it gives EPIPE");
}

CASE(from_memory)
{
	int p[2];
	char one[8] = "", two[8] = "";
	require(pipe(p) == 0);
	struct iovec parts[2] = { { "abc", 3 }, { "defg", 4 } };
	equal(vmsplice(p[1], parts, 2, 0), 7, "vmsplice puts all parts into a pipe");
	struct iovec into[2] = { { one, 2 }, { two, 8 } };
	equal(vmsplice(p[0], into, 2, 0), 7, "and takes them out at the other end");
	same(one, "ab", "into one place");
	same(two, "cdefg", "and the next");
	fails(vmsplice(p[0], into, 2, SPLICE_F_NONBLOCK), EAGAIN, "an empty pipe gives EAGAIN if it must not wait");
	equal(vmsplice(p[1], parts, 0, 0), 0, "no parts are 0");
	fails(vmsplice(p[1], parts, 2, 0x10), EINVAL, "an unknown flag gives EINVAL");
	struct iovec bad = { (void *)1, 4 };
	fails(vmsplice(p[1], &bad, 1, 0), EFAULT, "a bad address gives EFAULT");
	make_file("f", "");
	fails(vmsplice(open("f", O_RDWR), parts, 2, 0), EBADF, "a file gives EBADF");
	struct iovec all = { big, sizeof big };
	equal(vmsplice(p[1], &all, 1, 0), 65536, "it takes no more than the pipe holds");
	fails(vmsplice(p[1], &all, 1, SPLICE_F_NONBLOCK), EAGAIN, "and gives EAGAIN when that is full");
}

CASE(moving)
{
	int a[2], b[2];
	char buffer[16];
	require(pipe(a) == 0 && pipe(b) == 0);
	memset(big, 'x', sizeof big);
	int fd = open("big", O_CREAT | O_RDWR, 0600), to = open("copy", O_CREAT | O_RDWR, 0600);
	require(write(fd, big, sizeof big) == sizeof big);
	lseek(fd, 0, SEEK_SET);
	equal(splice(fd, NULL, a[1], NULL, sizeof big, 0), 65536, "splice fills a pipe from a file");
	equal(lseek(fd, 0, SEEK_CUR), 65536, "and moves the file's position");
	fails(splice(fd, NULL, a[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN, "a full pipe gives EAGAIN if it must not wait");
	equal(splice(a[0], NULL, b[1], NULL, 40000, 0), 40000, "it moves from pipe to pipe");
	equal(in_pipe(a[0]), 25536, "out of the one");
	equal(in_pipe(b[0]), 40000, "into the other");
	equal(splice(b[0], NULL, to, NULL, sizeof big, 0), 40000, "it empties a pipe into a file");
	equal(lseek(to, 0, SEEK_CUR), 40000, "whose position moves");
	loff_t at = 100000;
	equal(splice(a[0], NULL, to, &at, 1000, 0), 1000, "or at an offset");
	equal(at, 101000, "which moves instead");
	equal(lseek(to, 0, SEEK_CUR), 40000, "of the position");
	at = 0;
	fails(splice(a[0], &at, to, NULL, 1, 0), ESPIPE, "an offset in a pipe gives ESPIPE");
	fails(splice(a[0], NULL, a[1], NULL, 1, 0), EINVAL, "a pipe into itself gives EINVAL");
	fails(splice(fd, NULL, to, NULL, 1, 0), EINVAL, "no pipe gives EINVAL");
	fails(splice(a[0], NULL, to, NULL, 1, 0x10), EINVAL, "an unknown flag gives EINVAL");
	int append = open("copy", O_WRONLY | O_APPEND);
	fails(splice(a[0], NULL, append, NULL, 1, 0), EINVAL, "a file that is appended to gives EINVAL");
	fails(splice(b[0], NULL, to, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN, "an empty pipe gives EAGAIN if it must not wait");
	close(b[1]);
	equal(splice(b[0], NULL, to, NULL, 1, 0), 0, "at its end it is 0");
	lseek(fd, 0, SEEK_END);
	equal(splice(fd, NULL, a[1], NULL, 1, 0), 0, "so it is at the end of a file");
	pid_t child = fork();
	if (child == 0) {
		char byte;
		int c[2];
		if (pipe(c) != 0 || fork() == 0) {
			write(c[1], "w", 1);
			_exit(0);
		}
		_exit(splice(c[0], NULL, to, NULL, 10, 0) == 1 && read(a[0], &byte, 1) == 1 ? 0 : 1);
	}
	equal(ended_with(child), 0, "splice waits for what comes");
	require(read(a[0], buffer, 1) == 1);
}

/* Writes these bytes one after the other; gives 0 when all went. */
static int write_each(int fd, char byte, int count)
{
	for (int i = 0; i < count; i++)
		if (write(fd, &byte, 1) != 1)
			return 1;
	return 0;
}

CASE(out_of_sockets)
{
	/* Splices from a socket into a pipe that another process fills as well, and which is full now and then. */
	enum { BYTES = 5000 };
	int s[2], p[2], counts[256] = { 0 };
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && pipe(p) == 0);
	require(fcntl(p[1], F_SETPIPE_SZ, 4096) == 4096);
	pid_t sender = fork();
	if (sender == 0)
		_exit(write_each(s[1], 's', BYTES));
	close(s[1]);
	pid_t writer = fork();
	if (writer == 0)
		_exit(write_each(p[1], 'w', BYTES));
	pid_t mover = fork();
	if (mover == 0) {
		ssize_t n;
		while ((n = splice(s[0], NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK)) > 0 || (n == -1 && errno == EAGAIN))
			;
		_exit(n == 0 ? 0 : 1);
	}
	close(p[1]), close(s[0]);
	for (ssize_t n; (n = read(p[0], big, 1000)) > 0;)
		for (int i = 0; i < n; i++)
			counts[(unsigned char)big[i]]++;
	equal(ended_with(sender) | ended_with(writer) | ended_with(mover), 0, "splice moves what comes through a socket");
	equal(counts['w'], BYTES, "a pipe that is written to meanwhile loses nothing of that");
	equal(counts['s'], BYTES, "nor of what the socket gave");
}

CASE(into_full_sockets)
{
	/* Reads a pipe whose writers are gone while another process tries to splice its contents to where they don't fit. */
	enum { BYTES = 5000 };
	int s[2], p[2], count = 0;
	char byte;
	require(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s) == 0 && pipe(p) == 0);
	while (write(s[1], "x", 1) == 1)
		;
	memset(big, 'x', BYTES);
	require(write(p[1], big, BYTES) == BYTES);
	close(p[1]);
	fails(splice(p[0], NULL, s[1], NULL, BYTES, 0), EAGAIN, "a full socket that does not wait gives EAGAIN");
	pid_t mover = fork();
	if (mover == 0) {
		while (splice(p[0], NULL, s[1], NULL, BYTES, 0) != 0)
			;
		_exit(0);
	}
	while (read(p[0], &byte, 1) == 1)
		count++;
	equal(count, BYTES, "and who reads the pipe meanwhile sees all of it before its end");
	kill(mover, SIGKILL), status_of(mover);
}

SUITE(RUN(copying), RUN(from_memory), RUN(moving), RUN(out_of_sockets), RUN(into_full_sockets))
