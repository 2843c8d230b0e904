/* setns: into the namespaces of a process that a descriptor names. */
#include "propagation.h"

#include <sys/utsname.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

static long enter(int fd, unsigned flags) { return syscall(SYS_setns, fd, flags); }
static int pidfd_of(pid_t pid) { return syscall(SYS_pidfd_open, pid, 0); }

static const char *host(void)
{
	static struct utsname names;
	return uname(&names) == 0 ? names.nodename : "";
}

/* A process in a mount namespace and with host names of its own, which waits to be killed. */
static pid_t with_own(void)
{
	int ready[2];
	char byte;
	require(pipe(ready) == 0);
	pid_t child = fork();
	if (child == 0) {
		int good = unshare(CLONE_NEWNS | CLONE_NEWUTS) == 0 && sethostname("inside", 6) == 0 && fresh("a") == 0;
		make_file("a/own", "");
		if (!good || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	require(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

CASE(entering)
{
	begin("a");
	char before[128];
	snprintf(before, sizeof before, "%.100s", host());
	pid_t child = with_own();
	int fd = pidfd_of(child);
	require(fd >= 0);
	check(!is_there("a/own") && strcmp(host(), "inside") != 0, "what another process has is its own");
	equal(in_child({
		      if (enter(fd, CLONE_NEWUTS) != 0 || strcmp(host(), "inside") != 0 || is_there("a/own"))
			      _exit(1);
		      if (sethostname("changed", 7) == -1)
			      _exit(2);
	      }),
	      0, "its host names can be entered alone");
	same(host(), before, "the name here stays");
	equal(in_child(_exit(enter(fd, CLONE_NEWUTS) == 0 && strcmp(host(), "changed") == 0 ? 0 : 1)), 0, "the name there was changed");
	char place[PATH_MAX + 8];
	snprintf(place, sizeof place, "%s/a/own", base);
	equal(in_child({
		      char where[PATH_MAX] = "";
		      if (enter(fd, CLONE_NEWNS) != 0 || strcmp(host(), before) != 0)
			      _exit(1);
		      if (!is_there(place) || is_there("a/own"))
			      _exit(2);
		      _exit(getcwd(where, sizeof where) && strcmp(where, "/") == 0 ? 0 : 3);
	      }),
	      0, "its mounts as well, from their root");
	equal(in_child(_exit(enter(fd, CLONE_NEWNS | CLONE_NEWUTS) == 0 && is_there(place) && strcmp(host(), "changed") == 0 ? 0 : 1)), 0,
	      "or both at once");
	equal(in_child({
		      if (chroot("a") == -1 || enter(fd, CLONE_NEWNS) != 0)
			      _exit(1);
		      _exit(is_there(place) ? 0 : 2);
	      }),
	      0, "a root of one's own is left by that");
	static const unsigned others[] = { CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWCGROUP, CLONE_NEWTIME };
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		equal(in_child(_exit(enter(fd, others[i]) == 0 && !is_there("a/own") ? 0 : 1)), 0, "what both have in common can be entered");
	int self = pidfd_of(getpid());
	equal(in_child(_exit(enter(self, CLONE_NEWNS) == 0 && access("a", F_OK) == -1 && access(base, F_OK) == 0 ? 0 : 1)), 0,
	      "one's own mounts can be entered again");
	end(child);
	fails(enter(fd, CLONE_NEWUTS), ESRCH, "a process that has ended has none");
	check(!is_there("a/own"), "nothing has changed here");
}

CASE(zombies)
{
	begin("a");
	pid_t child = with_own();
	int fd = pidfd_of(child);
	require(kill(child, SIGKILL) == 0);
	siginfo_t info;
	require(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
	fails(enter(fd, CLONE_NEWNS), ESRCH, "a zombie has no namespaces");
	fails(enter(fd, 0), EINVAL, "flags are looked at before");
	end(child);
}

static int waits(void *nothing)
{
	(void)nothing;
	return pause();
}

CASE(refused)
{
	begin("a");
	pid_t child = with_own();
	int fd = pidfd_of(child), file = open("/", O_RDONLY), place = open("/", O_PATH);
	fails(enter(99, CLONE_NEWNS), EBADF, "the descriptor has to be open");
	fails(enter(-1, 1), EBADF, "before the flags are looked at");
	fails(enter(place, CLONE_NEWNS), EBADF, "a mere place is none");
	fails(enter(file, CLONE_NEWNS), EINVAL, "a folder names no process");
	fails(enter(file, 0), EINVAL, "nor a namespace");
	fails(enter(fd, 0), EINVAL, "with a process it has to be said what is entered");
	fails(enter(fd, CLONE_NEWNS | CLONE_FS), EINVAL, "CLONE_FS is not");
	fails(enter(fd, 1), EINVAL, "nor what does not exist");
	fails(enter(fd, CLONE_NEWUSER), EINVAL, "one's own users are not entered again");
	fails(enter(fd, CLONE_NEWUSER | CLONE_NEWUTS), EINVAL, "not with others either");
	check(strcmp(host(), "inside") != 0, "which are not entered then");
	equal(in_child(_exit(setuid(1000) == 0 && enter(fd, CLONE_NEWUTS) == -1 && errno == EPERM ? 0 : 1)), 0,
	      "another user's process takes a privilege");
	pid_t own = fork();
	if (own == 0) {
		int mine = setuid(1000) == 0 ? pidfd_of(getpid()) : -1, good = mine >= 0;
		static const unsigned all[] = { CLONE_NEWUTS, CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWCGROUP };
		for (size_t i = 0; i < sizeof all / sizeof *all; i++)
			good &= enter(mine, all[i]) == -1 && errno == EPERM;
		good &= enter(mine, CLONE_NEWUSER) == -1 && errno == EINVAL;
		_exit(good ? 0 : 1);
	}
	equal(ended_with(own), 0, "so do one's own namespaces");
	static char stack[65536] __attribute__((aligned(16)));
	pid_t both = fork();
	if (both == 0) {
		pid_t other = clone(waits, stack + sizeof stack, CLONE_FS | SIGCHLD, NULL);
		if (other == -1)
			_exit(3);
		int result = 1;
		if (enter(fd, CLONE_NEWNS) == -1 && errno == EINVAL)
			result = 0;
		if (enter(fd, CLONE_NEWNS | CLONE_NEWUTS) != 0 || strcmp(host(), "inside") != 0)
			result |= 2;
		char path[PATH_MAX + 8];
		snprintf(path, sizeof path, "%s/a/own", base);
		if (!is_there(path))
			result |= 4;
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
		_exit(result);
	}
	equal(ended_with(both), 0, "with a root that is shared mounts are not entered alone");
	end(child);
}

SUITE(RUN(entering), RUN(zombies), RUN(refused))
