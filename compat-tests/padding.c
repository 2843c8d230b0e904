/* What a call leaves between and behind the fields of a structure is zero, or what the program had there: never what another
 * call left in the kernel's memory. */
#include "tap.h"
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>
#include <sys/ucontext.h>
#include <sys/un.h>
#include <sys/utsname.h>

#define PAGE 4096L
#define MARK 0xaa

static unsigned char buffer[8192];

static void *fresh(void)
{
	memset(buffer, MARK, sizeof buffer);
	return buffer;
}

/* Says whether some bytes are clean. */
static int clean(size_t from, size_t to)
{
	int good = 1;
	for (size_t at = from; at < to; at++)
		good &= buffer[at] == 0 || buffer[at] == MARK;
	if (!good)
		for (size_t at = from; at < to; at++)
			tap_print("    # byte %zu is %#x\n", at, buffer[at]);
	return good;
}

#define AFTER(type, field) (offsetof(type, field) + sizeof((type *)0)->field)

/* Leaves all kinds of things on the kernel's stack and in its heap. */
static void stir(void)
{
	char path[PATH_MAX];
	memset(path, 'x', sizeof path - 1), path[sizeof path - 1] = 0;
	open(path, O_RDONLY);
	getcwd(path, sizeof path);
	struct timespec soon = { 0, 1000 };
	nanosleep(&soon, NULL);
	int pipes[2];
	if (pipe(pipes) == 0) {
		write(pipes[1], path, 2000), read(pipes[0], path, 2000);
		close(pipes[0]), close(pipes[1]);
	}
	in_child(_exit(0));
}

CASE(files)
{
	stir();
	require(stat("/", fresh()) == 0);
	check(clean(36, 40) && clean(120, 144), "stat");
	require(fstat(0, fresh()) == 0 || fstat(TAP_FD, fresh()) == 0);
	check(clean(36, 40) && clean(120, 144), "fstat");
	stir();
	require(syscall(SYS_statx, AT_FDCWD, "/", 0, 0xfff, fresh()) == 0);
	check(clean(30, 32) && clean(76, 80) && clean(92, 96) && clean(108, 112) && clean(124, 128), "statx");
	check(clean(160, 256), "and its room for more");
	require(statfs("/proc", fresh()) == 0);
	check(clean(offsetof(struct statfs, f_spare), sizeof(struct statfs)), "statfs");
	int fd = open(".", O_RDONLY | O_DIRECTORY);
	make_file("a", "x"), make_file("abcdefghi", "x"), make_file("abcdefghijklmno", "x");
	stir();
	long length = syscall(SYS_getdents64, fd, fresh(), sizeof buffer);
	int good = length > 0;
	for (long at = 0; at < length;) {
		unsigned short size = *(unsigned short *)(buffer + at + 16);
		good &= clean(at + 19 + strlen((char *)buffer + at + 19), at + size);
		at += size;
	}
	check(good, "the names of a directory");
	check(clean(length, sizeof buffer), "nothing behind them");
	struct flock *lock = fresh();
	*lock = (struct flock){ .l_type = F_WRLCK };
	memset(buffer + 4, MARK, 4), memset(buffer + 28, MARK, 4);
	require(fcntl(open("a", O_RDWR), F_GETLK, lock) == 0);
	check(clean(4, 8) && clean(28, 32), "record locks");
	fd = open("/proc/self/status", O_RDONLY);
	require((length = read(fd, fresh(), 100)) == 100);
	check(clean(100, sizeof buffer), "nothing behind what read gives");
}

CASE(the_system)
{
	stir();
	require(sysinfo(fresh()) == 0);
	check(clean(82, 88) && clean(108, 112), "sysinfo");
	require(uname(fresh()) == 0);
	int good = 1;
	for (int field = 0; field < 6; field++)
		good &= clean(field * 65 + strlen((char *)buffer + field * 65), field * 65 + 65);
	check(good, "the names of the system");
	struct timex *time = fresh();
	time->modes = 0;
	require(adjtimex(time) >= 0);
	check(clean(4, 8) && clean(44, 48) && clean(AFTER(struct timex, tai), 208), "adjtimex");
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
	stir();
	require(id >= 0 && shmctl(id, IPC_STAT, fresh()) == 0);
	check(clean(26, 32) && clean(32, 48), "permissions of a shared segment");
	check(clean(96, 112), "and its room for more");
	shmctl(id, IPC_RMID, NULL);
	stack_t *old = fresh();
	require(sigaltstack(NULL, old) == 0);
	check(clean(12, 16), "the alternative stack");
	require(prctl(PR_GET_NAME, fresh()) == 0);
	check(clean(strlen((char *)buffer), 64), "nothing behind a thread's name");
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	require(master >= 0 && syscall(SYS_ioctl, master, 0x5401, fresh()) == 0);
	check(clean(36, 64), "nor behind a terminal's settings");
	require(ioctl(master, 0x5413, fresh()) == 0);
	check(clean(8, 16), "nor behind its size");
}

CASE(sockets)
{
	int ends[2];
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "s" };
	socklen_t length = sizeof buffer;
	int bound = socket(AF_UNIX, SOCK_DGRAM, 0);
	require(bound >= 0 && bind(bound, (void *)&name, sizeof name) == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
	stir();
	require(getsockname(bound, fresh(), &length) == 0);
	check(clean(3, sizeof buffer), "the name of a socket");
	length = sizeof buffer;
	require(getsockname(ends[0], fresh(), &length) == 0);
	check(clean(2, sizeof buffer), "one without a name");
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec piece = { "x", 1 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &bound, sizeof bound);
	require(sendmsg(ends[0], &message, 0) == 1);
	char byte;
	piece = (struct iovec){ &byte, 1 };
	stir();
	message = (struct msghdr){ .msg_iov = &piece, .msg_iovlen = 1, .msg_control = fresh(), .msg_controllen = 64 };
	require(recvmsg(ends[1], &message, 0) == 1);
	check(clean(20, sizeof buffer), "a message with a descriptor");
}

CASE(signals)
{
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	stir();
	while (sigtimedwait(&set, NULL, &(struct timespec){ 0, 0 }) > 0)
		;
	kill(getpid(), SIGUSR1);
	require(syscall(SYS_rt_sigtimedwait, &set, fresh(), NULL, 8) == SIGUSR1);
	check(clean(12, 16) && clean(24, 128), "a signal of kill");
	pid_t child = fork();
	if (child == 0)
		_exit(3);
	require(syscall(SYS_waitid, P_PID, child, fresh(), WEXITED, NULL) == 0);
	check(clean(12, 16) && clean(28, 32) && clean(32, 128), "of a child");
	int fd = signalfd(-1, &set, 0);
	require(syscall(SYS_rt_sigtimedwait, &set, fresh(), NULL, 8) == SIGCHLD);
	check(clean(12, 16) && clean(28, 32) && clean(48, 128), "and as it is waited for");
	kill(getpid(), SIGUSR1);
	require(read(fd, fresh(), 128) == 128);
	check(clean(20, 128), "read from a file");
}

static unsigned char *frame_stack;
static volatile int frame_words, frame_pointers, frame_gaps;

static void on_frame(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	ucontext_t *saved = context;
	for (unsigned char *at = (void *)((uintptr_t)context & -8L); at < frame_stack + 65536; at += 8, frame_words++) {
		unsigned long word = *(unsigned long *)at;
		frame_pointers += word >= 0xffff800000000000 && word < 0xfffffffffffff000 && word != 0xffff0000ffffffff;
	}
	unsigned char *raw = (void *)info;
	for (int at = 24; at < 128; at++)
		frame_gaps += raw[at] != 0 && raw[at] != MARK;
	unsigned char *gap = (unsigned char *)&saved->uc_stack.ss_flags + 4;
	for (int at = 0; at < 4; at++)
		frame_gaps += gap[at] != 0 && gap[at] != MARK;
}

CASE(frames)
{
	frame_stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = { .ss_sp = frame_stack, .ss_size = 65536 };
	struct sigaction action = { .sa_sigaction = on_frame, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	require(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
	for (int turn = 0; turn < 3; turn++) {
		memset(frame_stack, MARK, 65536);
		stir();
		frame_words = 0;
		raise(SIGUSR1);
	}
	check(frame_words > 100, "a handler sees what the kernel saved");
	equal(frame_pointers, 0, "no address of the kernel's is among it");
	equal(frame_gaps, 0, "nor anything in the gaps");
}

SUITE(RUN(files), RUN(the_system), RUN(sockets), RUN(signals), RUN(frames))
