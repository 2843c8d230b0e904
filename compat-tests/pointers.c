/* Bad pointers: every call that reads or writes memory gives EFAULT for memory that is not there, and does no harm. */
#include "tap.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define NOWHERE ((void *)0x10)
#define KERNEL ((void *)0xffffffff81000000)
#define ODD ((void *)0x8000000000000000)

static char *hole, *read_only;

static void prepare(void)
{
	hole = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(hole != MAP_FAILED && read_only != MAP_FAILED && munmap(hole + 4096, 4096) == 0);
}

#define faults(name, ...) fails(syscall(__VA_ARGS__), EFAULT, name " gives EFAULT for a bad pointer")

CASE(paths)
{
	char buffer[256];
	faults("open", SYS_open, NOWHERE, O_RDONLY, 0);
	faults("stat", SYS_stat, NOWHERE, buffer);
	faults("access", SYS_access, NOWHERE, F_OK);
	faults("mkdir", SYS_mkdir, NOWHERE, 0700);
	faults("unlink", SYS_unlink, NOWHERE);
	faults("rmdir", SYS_rmdir, NOWHERE);
	faults("rename", SYS_rename, "f", NOWHERE);
	faults("link", SYS_link, NOWHERE, "f");
	faults("symlink", SYS_symlink, NOWHERE, "f");
	faults("chdir", SYS_chdir, NOWHERE);
	faults("chmod", SYS_chmod, NOWHERE, 0600);
	faults("chown", SYS_chown, NOWHERE, 0, 0);
	faults("truncate", SYS_truncate, NOWHERE, 0);
	faults("mknod", SYS_mknod, NOWHERE, S_IFREG, 0);
	faults("readlink of a path", SYS_readlink, NOWHERE, buffer, 10);
	faults("execve", SYS_execve, NOWHERE, NULL, NULL);
	faults("execve's argument list", SYS_execve, tap_program, NOWHERE, NULL);
	faults("utimensat's times", SYS_utimensat, AT_FDCWD, ".", NOWHERE, 0);
	faults("mount", SYS_mount, NOWHERE, NOWHERE, NOWHERE, 0, NULL);
}

CASE(transfers)
{
	int p[2];
	prepare();
	require(pipe(p) == 0);
	make_file("f", "0123456789");
	int fd = open("f", O_RDWR);
	struct iovec vector = { NOWHERE, 4 };
	faults("write to a pipe", SYS_write, p[1], NOWHERE, 4);
	faults("write to a file", SYS_write, fd, NOWHERE, 4);
	faults("read of a file", SYS_read, fd, NOWHERE, 4);
	equal(lseek(fd, 0, SEEK_CUR), 0, "a failed read leaves the offset");
	require(write(p[1], "abcd", 4) == 4);
	faults("read of a pipe", SYS_read, p[0], NOWHERE, 4);
	faults("readv", SYS_readv, fd, &vector, 1);
	faults("readv's vector", SYS_readv, fd, NOWHERE, 1);
	faults("writev", SYS_writev, fd, &vector, 1);
	faults("pread", SYS_pread64, fd, NOWHERE, 4, 0);
	faults("getdents64", SYS_getdents64, open("/", O_RDONLY), NOWHERE, 1024);
	faults("a write from the kernel's memory", SYS_write, fd, KERNEL, 4);
	faults("a write from a non-canonical address", SYS_write, fd, ODD, 4);
	faults("a read to the kernel's memory", SYS_read, fd, KERNEL, 4);
	faults("a read to memory that can only be read", SYS_read, fd, read_only, 4);
	equal(read(fd, hole + 4096 - 4, 10), 4, "a read across the end of memory gives what fitted");
	check(memcmp(hole + 4096 - 4, "0123", 4) == 0, "and that is right");
	equal(pwrite(fd, hole + 4096 - 4, 10, 4), 4, "a write across the end of memory writes what was there");
	same(contents_of("f"), "0123012389", "and no more");
	memcpy(hole + 4096 - 5, "./fff", 5);
	fails(open(hole + 4096 - 5, O_RDONLY), EFAULT, "a path that runs out of memory gives EFAULT");
	memcpy(hole + 4096 - 4, "./f", 4);
	check(open(hole + 4096 - 4, O_RDONLY) >= 0, "one that ends just before does not");
	faults("sendfile's offset", SYS_sendfile, p[1], fd, NOWHERE, 4);
}

CASE(results)
{
	prepare();
	make_file("f", "");
	gid_t group = 7;
	int fd = open("f", O_RDWR), s[2];
	require(syscall(SYS_setgroups, 1, &group) == 0);
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && write(s[1], "x", 1) == 1);
	faults("fstat", SYS_fstat, fd, NOWHERE);
	faults("fstat into memory that can only be read", SYS_fstat, fd, read_only);
	faults("statx", SYS_statx, AT_FDCWD, "f", 0, 0x7ff, NOWHERE);
	faults("statfs", SYS_statfs, ".", NOWHERE);
	faults("pipe", SYS_pipe, NOWHERE);
	faults("getcwd", SYS_getcwd, NOWHERE, 4096);
	faults("readlink's buffer", SYS_readlinkat, AT_FDCWD, "/proc/self", NOWHERE, 10);
	faults("uname", SYS_uname, NOWHERE);
	faults("sysinfo", SYS_sysinfo, NOWHERE);
	faults("times", SYS_times, NOWHERE);
	faults("getrusage", SYS_getrusage, 0, NOWHERE);
	faults("getrlimit", SYS_getrlimit, 7, NOWHERE);
	faults("setrlimit", SYS_setrlimit, 7, NOWHERE);
	faults("prlimit64", SYS_prlimit64, 0, 7, NULL, NOWHERE);
	faults("getresuid", SYS_getresuid, NOWHERE, NOWHERE, NOWHERE);
	faults("getgroups", SYS_getgroups, 10, NOWHERE);
	faults("clock_gettime", SYS_clock_gettime, CLOCK_MONOTONIC, NOWHERE);
	faults("nanosleep", SYS_nanosleep, NOWHERE, NULL);
	faults("getitimer", SYS_getitimer, 0, NOWHERE);
	faults("setitimer", SYS_setitimer, 0, NOWHERE, NULL);
	faults("recvfrom", SYS_recvfrom, s[0], NOWHERE, 1, 0, NULL, NULL);
	faults("sendto", SYS_sendto, s[0], NOWHERE, 1, 0, NULL, 0);
	faults("recvmsg", SYS_recvmsg, s[0], NOWHERE, 0);
	faults("socketpair", SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NOWHERE);
	faults("sched_getaffinity", SYS_sched_getaffinity, 0, 128, NOWHERE);
	faults("getrandom", SYS_getrandom, NOWHERE, 4, 0);
}

CASE(waits_and_signals)
{
	prepare();
	struct epoll_event event = { .events = EPOLLIN };
	int queue = epoll_create1(0), p[2];
	require(queue >= 0 && pipe(p) == 0 && write(p[1], "x", 1) == 1);
	sigset_t set;
	sigfillset(&set);
	struct flock lock = { .l_type = F_WRLCK };
	make_file("f", "");
	int fd = open("f", O_RDWR);
	faults("poll", SYS_poll, NOWHERE, 1, 0);
	faults("select", SYS_select, 1, NOWHERE, NULL, NULL, NULL);
	faults("select's time", SYS_select, 0, NULL, NULL, NULL, NOWHERE);
	faults("epoll_ctl", SYS_epoll_ctl, queue, EPOLL_CTL_ADD, p[0], NOWHERE);
	require(epoll_ctl(queue, EPOLL_CTL_ADD, p[0], &event) == 0);
	faults("epoll_wait", SYS_epoll_wait, queue, NOWHERE, 1, 0);
	faults("rt_sigaction", SYS_rt_sigaction, SIGUSR1, NOWHERE, NULL, 8);
	faults("rt_sigaction's result", SYS_rt_sigaction, SIGUSR1, NULL, NOWHERE, 8);
	faults("rt_sigprocmask", SYS_rt_sigprocmask, SIG_BLOCK, NOWHERE, NULL, 8);
	faults("rt_sigpending", SYS_rt_sigpending, NOWHERE, 8);
	faults("rt_sigsuspend", SYS_rt_sigsuspend, NOWHERE, 8);
	faults("rt_sigtimedwait", SYS_rt_sigtimedwait, NOWHERE, NULL, NULL, 8);
	faults("sigaltstack", SYS_sigaltstack, NOWHERE, NULL);
	faults("rt_sigqueueinfo", SYS_rt_sigqueueinfo, getpid(), SIGUSR1, NOWHERE);
	faults("futex", SYS_futex, NOWHERE, FUTEX_WAKE, 1, NULL, NULL, 0);
	faults("fcntl's lock", SYS_fcntl, fd, F_SETLK, NOWHERE);
	equal(fcntl(fd, F_SETLK, &lock), 0, "and the lock is still free");
	faults("ioctl", SYS_ioctl, p[0], 0x541b, NOWHERE); /* FIONREAD */
	pid_t child = fork();
	if (child == 0)
		_exit(3);
	siginfo_t info;
	waitid(P_PID, child, &info, WEXITED | WNOWAIT);
	faults("wait4's status", SYS_wait4, child, NOWHERE, 0, NULL);
	fails(waitpid(child, NULL, 0), ECHILD, "but the child has been waited for then");
}

CASE(frames)
{
	struct sigaction action = { .sa_handler = (void (*)(int))1234567 };
	prepare();
	equal(in_child(sigaction(SIGUSR1, &action, NULL); raise(SIGUSR1)), 128 + SIGSEGV, "a handler that is nowhere kills by SIGSEGV");
	equal(in_child(signal(SIGUSR1, (void (*)(int))KERNEL); raise(SIGUSR1)), 128 + SIGSEGV, "a handler in the kernel kills by SIGSEGV");
	equal(in_child(__asm__ volatile("mov $0x1000, %%rsp\n\tmov %0, %%eax\n\tsyscall\n\tud2" ::"i"(SYS_rt_sigreturn))), 128 + SIGSEGV,
	      "a return from no frame kills by SIGSEGV");
}

CASE(addresses_of_threads)
{
	pid_t child = fork();
	if (child == 0) {
		/* The word to clear at the end is nowhere: the exit must go on all the same. */
		syscall(SYS_set_tid_address, NOWHERE);
		_exit(4);
	}
	equal(ended_with(child), 4, "a bad address for set_tid_address does not disturb the exit");
	child = fork();
	if (child == 0) {
		syscall(SYS_set_robust_list, NOWHERE, 24);
		_exit(5);
	}
	equal(ended_with(child), 5, "a bad robust list does not disturb the exit");
	fails(syscall(SYS_set_robust_list, NOWHERE, 23), EINVAL, "a robust list's wrong length gives EINVAL");
}

SUITE(RUN(paths), RUN(transfers), RUN(results), RUN(waits_and_signals), RUN(frames), RUN(addresses_of_threads))
