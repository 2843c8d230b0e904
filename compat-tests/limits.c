/* Resource limits: reading and setting them, and what happens at each. */
#include "tap.h"
#include <sys/sendfile.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* Sets a limit in a child; for use in in_child(). */
#define limit_to(resource, soft, hard) \
	do { \
		struct rlimit limit_ = { soft, hard }; \
		if (setrlimit(resource, &limit_)) \
			_exit(99); \
	} while (0)

static int make_source(void)
{
	char bytes[100] = { 0 };
	int fd = open("source", O_CREAT | O_TRUNC | O_RDWR, 0600);
	require(fd != -1 && write(fd, bytes, sizeof bytes) == sizeof bytes && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

CASE(values)
{
	struct rlimit limit, old;
	equal(getrlimit(RLIMIT_NOFILE, &limit), 0, "getrlimit succeeds");
	check(limit.rlim_cur >= 1024 && limit.rlim_cur <= limit.rlim_max, "at least 1024 files may be open");
	getrlimit(RLIMIT_CORE, &limit);
	equal(limit.rlim_cur, 0, "core files are not written at first");
	getrlimit(RLIMIT_CPU, &limit);
	equal(limit.rlim_cur, RLIM_INFINITY, "processor time is unlimited at first");
	limit = (struct rlimit){ 64, 128 };
	equal(setrlimit(RLIMIT_NOFILE, &limit), 0, "a limit can be set");
	getrlimit(RLIMIT_NOFILE, &limit);
	check(limit.rlim_cur == 64 && limit.rlim_max == 128, "and is told");
	equal(in_child(getrlimit(RLIMIT_NOFILE, &limit); _exit(limit.rlim_cur)), 64, "children inherit it");
	limit = (struct rlimit){ 129, 128 };
	fails(setrlimit(RLIMIT_NOFILE, &limit), EINVAL, "a soft limit over the hard one gives EINVAL");
	fails(getrlimit(77, &limit), EINVAL, "an unknown resource gives EINVAL");
	limit = (struct rlimit){ 100, 100 };
	equal(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, &old), 0, "prlimit sets and tells at once");
	check(old.rlim_cur == 64 && old.rlim_max == 128, "what was before");
	equal(in_child(if (setuid(1000)) _exit(98); limit.rlim_max = 200; if (setrlimit(RLIMIT_NOFILE, &limit) == -1) _exit(errno)), EPERM,
	      "a user cannot raise a hard limit");
	equal(in_child(if (setuid(1000)) _exit(98); limit.rlim_cur = 50; limit.rlim_max = 60; if (setrlimit(RLIMIT_NOFILE, &limit)) _exit(errno)),
	      0, "but lower it");
}

CASE(file_size)
{
	signal(SIGXFSZ, SIG_IGN);
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	char block[200] = { 0 };
	equal(in_child(limit_to(RLIMIT_FSIZE, 100, 100); _exit(write(fd, block, 200))), 100, "a write is cut at RLIMIT_FSIZE");
	equal(in_child(limit_to(RLIMIT_FSIZE, 100, 100); if (write(fd, block, 1) == -1) _exit(errno)), EFBIG, "beyond it a write gives EFBIG");
	equal(in_child(limit_to(RLIMIT_FSIZE, 100, 100); if (ftruncate(fd, 101) == -1) _exit(errno)), EFBIG, "and ftruncate, too");
	equal(in_child(signal(SIGXFSZ, SIG_DFL); limit_to(RLIMIT_FSIZE, 100, 100); write(fd, block, 1)), 128 + SIGXFSZ, "after SIGXFSZ");
	int source = make_source();
	loff_t behind = 150;
	equal(in_child(limit_to(RLIMIT_FSIZE, 100, 100); if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 200) == -1) _exit(errno)), EFBIG,
	      "fallocate, even where the size stays");
	equal(in_child(limit_to(RLIMIT_FSIZE, 100, 100); lseek(fd, 90, SEEK_SET); _exit(sendfile(fd, source, NULL, 50))), 10,
	      "sendfile is cut");
	equal(in_child(limit_to(RLIMIT_FSIZE, 100, 100); lseek(fd, 100, SEEK_SET); if (sendfile(fd, source, NULL, 50) == -1) _exit(errno)), EFBIG,
	      "sendfile beyond gives EFBIG");
	equal(in_child(limit_to(RLIMIT_FSIZE, 100, 100); if (copy_file_range(source, NULL, fd, &behind, 50, 0) == -1) _exit(errno)), EFBIG,
	      "copy_file_range does");
	equal(in_child(limit_to(RLIMIT_FSIZE, 100, 100);
		       int p[2]; char left[4];
		       if (pipe2(p, O_NONBLOCK) || write(p[1], "abc", 3) != 3 || splice(p[0], NULL, fd, &behind, 3, 0) != -1 || errno != EFBIG)
			       _exit(98);
		       _exit(read(p[0], left, 4))), 3,
	      "splice does, and the pipe keeps what it has");
	equal(in_child(limit_to(RLIMIT_FSIZE, 20, 20); _exit(ftruncate(source, 50))), 0, "a file that is too large may become smaller");
	equal(in_child(limit_to(RLIMIT_FSIZE, 100, 100); int p[2]; if (pipe(p)) _exit(98); _exit(write(p[1], block, 200))), 200,
	      "pipes have no such limit");
}

CASE(processor_time)
{
	equal(in_child(limit_to(RLIMIT_CPU, 1, 2); for (;;)), 128 + SIGXCPU, "using up RLIMIT_CPU gives SIGXCPU");
	equal(in_child(signal(SIGXCPU, SIG_IGN); limit_to(RLIMIT_CPU, 1, 2); for (;;)), 128 + SIGKILL, "the hard limit kills");
}

CASE(processes)
{
	equal(in_child(limit_to(RLIMIT_NPROC, 1, 1); if (setuid(4321)) _exit(98); pid_t p = fork(); if (p == -1) _exit(errno);
		       if (p == 0) for (;;) pause(); int e = fork() == -1 ? errno : 0; kill(p, SIGKILL); _exit(e)), EAGAIN,
	      "more processes than RLIMIT_NPROC give EAGAIN");
	equal(in_child(limit_to(RLIMIT_NPROC, 1, 1); pid_t p = fork(); if (p == -1) _exit(errno); if (p) status_of(p)), 0,
	      "but not to root");
}

CASE(signals)
{
	union sigval value = { 0 };
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGRTMIN), sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	equal(in_child(limit_to(RLIMIT_SIGPENDING, 3, 3); if (setuid(4322)) _exit(98); int n = 0;
		       while (n < 10 && sigqueue(getpid(), SIGRTMIN, value) == 0) n++; _exit(errno == EAGAIN ? n : 90)), 3,
	      "sigqueue gives EAGAIN when RLIMIT_SIGPENDING signals are queued");
	equal(in_child(limit_to(RLIMIT_SIGPENDING, 0, 0); if (setuid(4322)) _exit(98); kill(getpid(), SIGUSR1); sigpending(&set);
		       _exit(sigismember(&set, SIGUSR1))), 1, "kill is not limited");
}

CASE(memory)
{
	char *large;
	equal(in_child(limit_to(RLIMIT_AS, 32 << 20, 32 << 20);
		       large = mmap(NULL, 64 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		       if (large == MAP_FAILED) _exit(errno)), ENOMEM, "RLIMIT_AS limits the address space");
	equal(in_child(limit_to(RLIMIT_DATA, 1 << 20, 1 << 20);
		       large = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		       if (large == MAP_FAILED) _exit(errno)), ENOMEM, "RLIMIT_DATA limits private writable memory");
	equal(in_child(limit_to(RLIMIT_DATA, 1 << 20, 1 << 20);
		       large = mmap(NULL, 64 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		       if (large == MAP_FAILED) _exit(errno)), 0, "but not what is only read");
	equal(in_child(limit_to(RLIMIT_NICE, 20, 20); if (setuid(4323)) _exit(98); if (setpriority(PRIO_PROCESS, 0, -1) == -1) _exit(errno)), EACCES,
	      "without RLIMIT_NICE a user cannot raise his priority");
}

SUITE(RUN(values), RUN(file_size), RUN(processor_time), RUN(processes), RUN(signals), RUN(memory))
