/* Every pointer of every call, bad in each way it can be: what the call says, and that nobody dies of it.
 *
 * Each try is made in a child of its own with a time limit. A row names a call with arguments that are good; each pointer
 * in turn is replaced by one of each bad kind, and each try gives a letter: the string of letters is what is expected.
 */
#include "tap.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#define PAGE 4096

/* Arguments that are made when the call is: descriptors, and pointers to what the call reads or writes. */
enum {
	FILE_ = 0x5e410000, /* a regular file with ten bytes */
	FOLDER,
	READER, /* a pipe with ten bytes in it */
	WRITER,
	EPOLL,
	TIMERFD,
	AREA, /* a page, as a number */
	HERE, /* AT_FDCWD */
	PATH, /* pointers from here on: an existing file */
	FRESH, /* a name that is not taken */
	PLACE, /* an existing folder */
	PROGRAM,
	IN, /* zeroes to be read */
	OUT, /* room to be written */
	BOTH, /* both: zeroes */
	VECTOR, /* two iovecs */
	STRINGS, /* a list of strings */
	LINK, /* a symbolic link */
	HEADER, /* of capabilities */
	BEYOND,
};

struct row {
	const char *name;
	long number;
	long arguments[6];
	/* For each pointer argument, the letters expected; those left out are FAULTS. */
	const char *expected[4];
};

/* The kinds, in the order of the letters: NULL; the first page; a hole; the kernel; no canonical address; the last byte
 * before a hole; memory that can only be read (for results; `-` for the others); the last byte a program can have. */
#define KINDS 8
#define FAULTS "FFFFFFFF"

static char *hole, *edge, *read_only;
static int file, folder, ends[2], queue, timer;
static char out[2 * PAGE], in[2 * PAGE], both[2 * PAGE];
static struct iovec vector[2] = { { out, 4 }, { out + 100, 4 } };
static char *strings[] = { "x", NULL };
static struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
static gid_t group = 5;

static void prepare(void)
{
	hole = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	read_only = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(hole != MAP_FAILED && read_only != MAP_FAILED);
	memset(hole, 'a', PAGE);
	munmap(hole + PAGE, PAGE);
	edge = hole + PAGE - 1;
	make_file("file", "0123456789");
	require(mkdir("folder", 0755) == 0);
	file = open("file", O_RDWR);
	folder = open("folder", O_RDONLY | O_DIRECTORY);
	queue = epoll_create1(0);
	timer = timerfd_create(CLOCK_MONOTONIC, 0);
	require(file >= 0 && folder >= 0 && queue >= 0 && timer >= 0 && pipe(ends) == 0);
	require(write(ends[1], "0123456789", 10) == 10);
	require(symlink("file", "link") == 0 && setgroups(1, &group) == 0);
	struct epoll_event event = { .events = EPOLLIN };
	require(epoll_ctl(queue, EPOLL_CTL_ADD, ends[0], &event) == 0);
}

static long bad(int kind)
{
	switch (kind) {
	case 0: return 0;
	case 1: return 0x10;
	case 2: return (long)(hole + PAGE + 8);
	case 3: return (long)0xffffffff81000000;
	case 4: return 0x0000900000000000;
	case 5: return (long)edge;
	case 6: return (long)read_only;
	default: return 0x7fffffffefff;
	}
}

static long good(long argument)
{
	switch (argument) {
	case FILE_: return file;
	case FOLDER: return folder;
	case READER: return ends[0];
	case WRITER: return ends[1];
	case EPOLL: return queue;
	case TIMERFD: return timer;
	case AREA: return (long)read_only;
	case HERE: return AT_FDCWD;
	case PATH: return (long)"file";
	case FRESH: return (long)"fresh";
	case PLACE: return (long)"folder";
	case PROGRAM: return (long)"/bin/true";
	case IN: return (long)in;
	case OUT: return (long)out;
	case BOTH: return (long)both;
	case VECTOR: return (long)vector;
	case STRINGS: return (long)strings;
	case LINK: return (long)"link";
	case HEADER: return (long)&header;
	default: return argument;
	}
}

static int is_pointer(long argument)
{
	return argument >= PATH && argument < BEYOND;
}

/* What is written there; the others may lie in memory that can only be read. */
static int is_result(long argument)
{
	return argument == OUT || argument == BOTH;
}

static char letter(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ? 'T' : WTERMSIG(status) == SIGSEGV ? 'S' : 'K';
	switch (WEXITSTATUS(status)) {
	case 0: return '0';
	case EFAULT: return 'F';
	case EINVAL: return 'I';
	case ENOENT: return 'N';
	case EEXIST: return 'E';
	case EBADF: return 'B';
	case EPERM: return 'P';
	case EAGAIN: return 'A';
	case ENOSYS: return 'Y';
	case ENODATA: return 'D';
	case EOPNOTSUPP: return 'O';
	case ENOMEM: return 'M';
	case ENODEV: return 'V';
	case ENOTDIR: return 'R';
	case ENAMETOOLONG: return 'L';
	case ENOEXEC: return 'X';
	case ENOTSOCK: return 'C';
	case EIO: return 'U';
	default: return '?';
	}
}

/* Makes the call in a child, with the argument `which` replaced by a pointer of this kind. */
static char attempt(const struct row *row, int which, int kind)
{
	pid_t child = fork();
	if (child == 0) {
		long a[6];
		for (int i = 0; i < 6; i++)
			a[i] = i == which ? bad(kind) : good(row->arguments[i]);
		alarm(1);
		long result = syscall(row->number, a[0], a[1], a[2], a[3], a[4], a[5]);
		_exit(result == -1 ? errno : 0);
	}
	return letter(status_of(child));
}

static void try(const struct row *row)
{
	int pointers = 0;
	for (int i = 0; i < 6; i++) {
		if (!is_pointer(row->arguments[i]))
			continue;
		const char *expected = row->expected[pointers++];
		char found[KINDS + 1] = { 0 }, wanted[KINDS + 1], sentence[200];
		snprintf(wanted, sizeof wanted, "%s", expected ? expected : FAULTS);
		for (int kind = 0; kind < KINDS; kind++) {
			int meant = kind != 6 || is_result(row->arguments[i]);
			found[kind] = meant ? attempt(row, i, kind) : '-';
			if (!meant)
				wanted[kind] = '-';
		}
		if (strcmp(wanted, "FFFFFFFF") == 0 || strcmp(wanted, "FFFFFF-F") == 0)
			snprintf(sentence, sizeof sentence, "%s gives EFAULT for every bad argument %d", row->name, i + 1);
		else
			snprintf(sentence, sizeof sentence, "%s answers to each bad argument %d: %s", row->name, i + 1, wanted);
		same(found, wanted, sentence);
	}
}

static void try_all(const struct row *rows, int count)
{
	prepare();
	for (int i = 0; i < count; i++)
		try(&rows[i]);
}

#define C(call, ...) { .name = #call, .number = SYS_##call, .arguments = __VA_ARGS__ }
#define D(sentence, call, ...) { .name = sentence, .number = SYS_##call, .arguments = __VA_ARGS__ }
#define TRY(...) \
	static const struct row rows[] = { __VA_ARGS__ }; \
	try_all(rows, sizeof rows / sizeof *rows)

CASE(paths)
{
	TRY(
		C(open, { PATH, 0, 0 }), C(creat, { FRESH, 0600 }), C(stat, { PATH, OUT }), C(lstat, { PATH, OUT }),
		C(access, { PATH, 0 }), C(execve, { PROGRAM, STRINGS, STRINGS }, .expected = { FAULTS, "?FFFFF-F", "?FFFFF-F" }), C(truncate, { PATH, 5 }), C(getcwd, { OUT, 200 }),
		C(chdir, { PLACE }), C(rename, { PATH, FRESH }), C(mkdir, { FRESH, 0700 }), C(rmdir, { FRESH }),
		C(link, { PATH, FRESH }), C(unlink, { FRESH }), C(symlink, { PATH, FRESH }), C(readlink, { LINK, OUT, 10 }),
		C(chmod, { PATH, 0644 }), C(chown, { PATH, 0, 0 }), C(lchown, { PATH, 0, 0 }), C(utime, { PATH, IN }, .expected = { FAULTS, "0FFFFF-F" }),
		C(mknod, { FRESH, S_IFREG | 0600, 0 }), C(statfs, { PATH, OUT }), C(pivot_root, { PLACE, PLACE }),
		C(chroot, { PLACE }), C(umount2, { PLACE, 0 }), C(utimes, { PATH, IN }, .expected = { FAULTS, "0FFFFF-F" }),
		C(mount, { PLACE, PLACE, PLACE, 0, 0 }, .expected = { "VFFFFF-F", FAULTS, "IFFFFF-F" }));
}

CASE(paths_at)
{
	TRY(
		C(openat, { HERE, PATH, 0, 0 }), C(mkdirat, { HERE, FRESH, 0700 }), C(mknodat, { HERE, FRESH, S_IFREG | 0600, 0 }),
		C(fchownat, { HERE, PATH, 0, 0, 0 }), C(futimesat, { HERE, PATH, IN }, .expected = { FAULTS, "0FFFFF-F" }), C(newfstatat, { HERE, PATH, OUT, 0 }),
		C(unlinkat, { HERE, FRESH, 0 }), C(renameat, { HERE, PATH, HERE, FRESH }), C(linkat, { HERE, PATH, HERE, FRESH, 0 }),
		C(symlinkat, { PATH, HERE, FRESH }), C(readlinkat, { HERE, LINK, OUT, 10 }), C(fchmodat, { HERE, PATH, 0600 }),
		C(faccessat, { HERE, PATH, 0 }), C(utimensat, { HERE, PATH, IN, 0 }, .expected = { FAULTS, "0FFFFF-F" }), C(renameat2, { HERE, PATH, HERE, FRESH, 0 }),
		C(execveat, { HERE, PROGRAM, STRINGS, STRINGS, 0 }, .expected = { FAULTS, "?FFFFF-F", "?FFFFF-F" }), C(statx, { HERE, PATH, 0, 0x7ff, OUT }),
		C(openat2, { HERE, PATH, IN, 24 }), C(faccessat2, { HERE, PATH, 0, 0 }));
}

CASE(attributes)
{
	TRY(
		C(setxattr, { PATH, PATH, IN, 4, 0 }), C(lsetxattr, { PATH, PATH, IN, 4, 0 }), C(fsetxattr, { FILE_, PATH, IN, 4, 0 }),
		C(getxattr, { PATH, PATH, OUT, 4 }, .expected = { FAULTS, FAULTS, "OOOOOOOO" }), C(lgetxattr, { PATH, PATH, OUT, 4 }, .expected = { FAULTS, FAULTS, "OOOOOOOO" }), C(fgetxattr, { FILE_, PATH, OUT, 4 }, .expected = { FAULTS, "OOOOOOOO" }),
		C(listxattr, { PATH, OUT, 100 }, .expected = { FAULTS, "00000000" }), C(llistxattr, { PATH, OUT, 100 }, .expected = { FAULTS, "00000000" }), C(flistxattr, { FILE_, OUT, 100 }, .expected = { "00000000" }),
		C(removexattr, { PATH, PATH }), C(lremovexattr, { PATH, PATH }), C(fremovexattr, { FILE_, PATH }),
		C(fstat, { FILE_, OUT }), C(fstatfs, { FILE_, OUT }), C(getdents64, { FOLDER, OUT, 200 }));
}

CASE(transfers)
{
	TRY(
		C(read, { FILE_, OUT, 10 }, .expected = { "FFFFF0FF" }), C(write, { FILE_, IN, 10 }, .expected = { "FFFFF0-F" }), C(pread64, { FILE_, OUT, 10, 0 }, .expected = { "FFFFF0FF" }),
		C(pwrite64, { FILE_, IN, 10, 0 }, .expected = { "FFFFF0-F" }), C(readv, { FILE_, VECTOR, 2 }), C(writev, { FILE_, VECTOR, 2 }),
		C(preadv, { FILE_, VECTOR, 2, 0, 0 }), C(pwritev, { FILE_, VECTOR, 2, 0, 0 }),
		C(preadv2, { FILE_, VECTOR, 2, 0, 0, 0 }), C(pwritev2, { FILE_, VECTOR, 2, 0, 0, 0 }),
		C(sendfile, { WRITER, FILE_, BOTH, 4 }, .expected = { "0FFFFFFF" }), C(splice, { FILE_, BOTH, WRITER, 0, 4, 0 }, .expected = { "0FFFFFFF" }),
		C(copy_file_range, { FILE_, BOTH, FILE_, 0, 0, 0 }, .expected = { "0FFFFF0F" }), C(pipe, { OUT }), C(pipe2, { OUT, 0 }),
		C(mincore, { AREA, PAGE, OUT }, .expected = { "FFFFF0FF" }), C(getrandom, { OUT, 100, 0 }, .expected = { "FFFFF0FF" }), C(memfd_create, { PATH, 0 }),
		D("read of a pipe", read, { READER, OUT, 10 }), D("write to a pipe", write, { WRITER, IN, 10 }),
		D("readv of a pipe", readv, { READER, VECTOR, 2 }),
		D("ioctl FIONREAD", ioctl, { READER, 0x541b, OUT }),
		D("ioctl FIONBIO", ioctl, { READER, 0x5421, IN }),
		D("fcntl F_GETLK", fcntl, { FILE_, F_GETLK, BOTH }),
		D("fcntl F_SETLK", fcntl, { FILE_, F_SETLK, IN }),
		D("fcntl F_OFD_GETLK", fcntl, { FILE_, 36, BOTH }),
		D("fcntl F_SETOWN_EX", fcntl, { FILE_, 15, IN }),
		D("fcntl F_GETOWN_EX", fcntl, { FILE_, 16, OUT }));
}

CASE(waiting)
{
	TRY(
		C(poll, { BOTH, 1, 0 }), C(ppoll, { BOTH, 1, IN, IN, 8 }, .expected = { FAULTS, "TFFFFF-F", "0FFFFF-F" }), C(select, { 1, BOTH, 0, 0, BOTH }, .expected = { "0FFFFFFF", "TFFFFF0F" }),
		D("select for writing", select, { 1, 0, BOTH, BOTH, BOTH }, .expected = { "0FFFFFFF", "0FFFFFFF", "TFFFFF0F" }),
		C(pselect6, { 1, BOTH, 0, 0, BOTH, IN }, .expected = { "0FFFFFFF", "TFFFFF0F", "0FFFFF-F" }), C(epoll_ctl, { EPOLL, EPOLL_CTL_MOD, READER, IN }),
		C(epoll_wait, { EPOLL, OUT, 4, 0 }), C(epoll_pwait, { EPOLL, OUT, 4, 0, IN, 8 }, .expected = { FAULTS, "0FFFFF-F" }),
		C(epoll_pwait2, { EPOLL, OUT, 4, IN, IN, 8 }, .expected = { FAULTS, "0FFFFF-F", "0FFFFF-F" }), C(signalfd, { -1, IN, 8 }), C(signalfd4, { -1, IN, 8, 0 }),
		C(timerfd_settime, { TIMERFD, 0, IN, OUT }, .expected = { FAULTS, "0FFFFFFF" }), C(timerfd_gettime, { TIMERFD, OUT }),
		C(nanosleep, { IN, OUT }, .expected = { FAULTS, "00000000" }), C(clock_nanosleep, { CLOCK_MONOTONIC, 0, IN, OUT }, .expected = { FAULTS, "00000000" }),
		D("futex WAKE", futex, { BOTH, FUTEX_WAKE, 1, 0, 0, 0 }, .expected = { "FFFFFIFI" }),
		D("futex WAIT", futex, { BOTH, FUTEX_WAIT, 1, IN, 0, 0 }, .expected = { "FFFFFIFI", "AFFFFF-F" }),
		D("futex WAKE_OP", futex, { BOTH, FUTEX_WAKE_OP, 1, 1, BOTH, 0 }, .expected = { "FFFFFIFI", "FFFFFIFI" }),
		D("futex CMP_REQUEUE", futex, { BOTH, FUTEX_CMP_REQUEUE, 1, 1, BOTH, 0 }, .expected = { "FFFFFIFI", "FFFFFIFI" }),
		D("futex WAIT_PRIVATE", futex, { BOTH, FUTEX_WAIT_PRIVATE, 1, IN, 0, 0 }, .expected = { "FFFFFIAI", "AFFFFF-F" }));
}

CASE(signals)
{
	TRY(
		C(rt_sigaction, { SIGUSR1, IN, OUT, 8 }, .expected = { "0FFFFF-F", "0FFFFFFF" }), C(rt_sigprocmask, { SIG_BLOCK, IN, OUT, 8 }, .expected = { "0FFFFF-F", "0FFFFFFF" }), C(rt_sigpending, { OUT, 8 }),
		C(rt_sigtimedwait, { IN, OUT, IN, 8 }, .expected = { FAULTS, "AAAAAAAA", "TFFFFF-F" }), C(rt_sigsuspend, { IN, 8 }), C(sigaltstack, { IN, OUT }, .expected = { "0FFFFF-F", "MMMMMMMM" }),
		C(rt_sigqueueinfo, { 1, 0, IN }), C(rt_tgsigqueueinfo, { 1, 1, 0, IN }));
}

CASE(clocks)
{
	TRY(
		C(gettimeofday, { OUT, OUT }, .expected = { "0FFFFFFF", "0FFFFFFF" }), C(time, { OUT }, .expected = { "0FFFFFFF" }), C(times, { OUT }, .expected = { "0FFFFFFF" }), C(getitimer, { 0, OUT }), C(setitimer, { 1, IN, OUT }, .expected = { "0FFFFF-F", "0FFFFFFF" }),
		C(clock_gettime, { 1, OUT }), C(clock_getres, { 1, OUT }, .expected = { "0FFFFFFF" }), C(clock_settime, { 0, IN }), C(adjtimex, { BOTH }),
		C(clock_adjtime, { 0, BOTH }), C(timer_create, { 1, IN, OUT }, .expected = { "0FFFFF-F", "IIIIIIII" }), C(settimeofday, { IN, 0 }, .expected = { "0FFFFF-F" }));
}

CASE(processes)
{
	/* What syslog reads. */
	int log = open("/dev/kmsg", O_WRONLY);
	require(log >= 0 && write(log, "a message", 9) == 9 && close(log) == 0);
	TRY(
		C(uname, { OUT }), C(sysinfo, { OUT }), C(getrlimit, { 0, OUT }), C(setrlimit, { 4, IN }), C(getrusage, { 0, OUT }),
		C(prlimit64, { 0, 4, IN, OUT }, .expected = { "0FFFFF-F", "0FFFFFFF" }), C(getgroups, { 100, OUT }), C(setgroups, { 3, IN }),
		C(getresuid, { OUT, OUT, OUT }), C(getresgid, { OUT, OUT, OUT }), C(capget, { HEADER, OUT }, .expected = { FAULTS, "0FFFFFFF" }), C(capset, { HEADER, IN }),
		C(sched_setparam, { 0, IN }, .expected = { "IFFFFF-F" }), C(sched_getparam, { 0, OUT }, .expected = { "IFFFFFFF" }), C(sched_setscheduler, { 0, 0, IN }, .expected = { "IFFFFF-F" }),
		C(sched_rr_get_interval, { 0, OUT }), C(sched_setaffinity, { 0, 8, IN }), C(sched_getaffinity, { 0, 128, OUT }),
		C(getcpu, { OUT, OUT }, .expected = { "0FFFFFFF", "0FFFFFFF" }), C(sethostname, { IN, 5 }), C(setdomainname, { IN, 5 }), C(syslog, { 3, OUT, 2 * PAGE }, .expected = { "IFFFFFFF" }),
		C(clone3, { IN, 64 }), C(get_robust_list, { 0, OUT, OUT }), C(set_tid_address, { OUT }, .expected = { "00000000" }), C(set_robust_list, { IN, 24 }, .expected = { "000000-0" }),
		D("arch_prctl ARCH_GET_FS", arch_prctl, { 0x1003, OUT }),
		D("prctl PR_SET_NAME", prctl, { 15, IN }), D("prctl PR_GET_NAME", prctl, { 16, OUT }),
		D("prctl PR_GET_PDEATHSIG", prctl, { 2, OUT }));
}

SUITE(RUN(paths), RUN(paths_at), RUN(attributes), RUN(transfers), RUN(waiting), RUN(signals), RUN(clocks), RUN(processes))
