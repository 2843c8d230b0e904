/* Priorities of input and output: who has which, and who may change whose. */
#include "tap.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef SCHED_IDLE
#define SCHED_IDLE 5
#endif

enum { PROCESS = 1, GROUP = 2, USER = 3 };
enum { NONE = 0, REAL_TIME = 1 << 13, BEST_EFFORT = 2 << 13, IDLE = 3 << 13 };

static int get(int which, int who) { return syscall(SYS_ioprio_get, which, who); }
static int set(int which, int who, int value) { return syscall(SYS_ioprio_set, which, who, value); }

static int drop_to(uid_t user) { return setresgid(user, user, user) || setresuid(user, user, user); }

static pid_t sleeper(void)
{
	pid_t child = fork();
	if (child == 0)
		for (;;)
			pause();
	require(child > 0);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	ended_with(child);
}

CASE(values)
{
	equal(get(PROCESS, 0), NONE, "a process begins without a priority of its own");
	equal(set(PROCESS, 0, BEST_EFFORT | 7), 0, "it can have one");
	equal(get(PROCESS, 0), BEST_EFFORT | 7, "and is told");
	equal(get(PROCESS, getpid()), BEST_EFFORT | 7, "also by its number");
	equal(set(PROCESS, 0, IDLE), 0, "it can have what nobody else needs");
	equal(get(PROCESS, 0), IDLE, "and is told that");
	equal(set(PROCESS, 0, IDLE | 5), 0, "where a level means nothing");
	equal(get(PROCESS, 0), IDLE | 5, "but is kept");
	equal(set(PROCESS, 0, REAL_TIME | 0), 0, "the superuser may come first");
	equal(get(PROCESS, 0), REAL_TIME, "and does");
	equal(set(PROCESS, 0, NONE), 0, "a priority can be given up");
	equal(get(PROCESS, 0), NONE, "and is then as before");
	equal(set(PROCESS, 0, BEST_EFFORT | 8), 0, "above the eight levels there are hints");
	equal(get(PROCESS, 0), BEST_EFFORT | 8, "which are kept");
	equal(set(PROCESS, 0, NONE | 8), 0, "also without a class");
	equal(get(PROCESS, 0), NONE | 8, "and then told as well");
	fails(set(PROCESS, 0, NONE | 1), EINVAL, "but no level");
	fails(set(PROCESS, 0, 4 << 13), EINVAL, "there are three classes");
	fails(set(PROCESS, 0, 7 << 13), EINVAL, "no seventh");
	equal(set(PROCESS, 0, 1 << 16 | BEST_EFFORT | 1), 0, "higher bits are not looked at");
	equal(get(PROCESS, 0), BEST_EFFORT | 1, "nor kept");
	fails(set(0, 0, BEST_EFFORT), EINVAL, "0 means nobody");
	fails(set(4, 0, BEST_EFFORT), EINVAL, "nor does 4");
	fails(get(0, 0), EINVAL, "also for the one that asks");
	fails(get(4, 0), EINVAL, "of both");
	fails(set(PROCESS, 0x3fffffff, BEST_EFFORT), ESRCH, "a process that is not there gives ESRCH");
	fails(get(PROCESS, 0x3fffffff), ESRCH, "here, too");
	fails(get(PROCESS, -1), ESRCH, "as does one below zero");
	fails(set(GROUP, 0x3fffffff, BEST_EFFORT), ESRCH, "a group that is not there gives ESRCH");
	fails(get(GROUP, 0x3fffffff), ESRCH, "here as well");
	fails(set(USER, 54321, BEST_EFFORT), ESRCH, "a user without processes gives ESRCH");
	fails(get(USER, 54321), ESRCH, "in this place, too");
	fails(set(PROCESS, 0x3fffffff, 4 << 13), EINVAL, "the priority is looked at first");
}

CASE(by_nice_value)
{
	equal(get(GROUP, 0), BEST_EFFORT | 4, "who has none has one by the nice value");
	require(setpriority(PRIO_PROCESS, 0, 19) == 0);
	equal(get(GROUP, 0), BEST_EFFORT | 7, "the last for the nicest");
	require(setpriority(PRIO_PROCESS, 0, -20) == 0);
	equal(get(GROUP, 0), BEST_EFFORT, "the first for the least nice");
	require(setpriority(PRIO_PROCESS, 0, -7) == 0);
	equal(get(GROUP, 0), BEST_EFFORT | 2, "in steps of five");
	equal(get(PROCESS, 0), NONE, "asked for a process it says that it has none");
	int priority = 0;
	require(syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &priority) == 0);
	equal(get(GROUP, 0), IDLE | 2, "who takes the processor's idle time takes the disk's");
	priority = 5;
	require(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &priority) == 0);
	equal(get(GROUP, 0) >> 13, REAL_TIME >> 13, "real-time threads come first here, too");
	equal(set(PROCESS, 0, IDLE), 0, "a priority of one's own");
	equal(get(GROUP, 0), IDLE, "goes before that");
}

CASE(children)
{
	require(set(PROCESS, 0, BEST_EFFORT | 6) == 0);
	equal(in_child(_exit(get(PROCESS, 0) != (BEST_EFFORT | 6))), 0, "a child inherits the priority");
	equal(in_child(set(PROCESS, 0, BEST_EFFORT | 2)), 0, "it can have another");
	equal(get(PROCESS, 0), BEST_EFFORT | 6, "of its own");
	pid_t child = syscall(SYS_clone, SIGCHLD | 0x80000000, 0, 0, 0, 0);
	if (child == 0)
		_exit(set(PROCESS, 0, BEST_EFFORT | 3));
	equal(ended_with(child), 0, "a child with CLONE_IO");
	equal(get(PROCESS, 0), BEST_EFFORT | 3, "shares its parent's");
	char *arguments[] = { (char *)tap_program, "@is", NULL };
	equal(in_child(execve("/proc/self/exe", arguments, NULL)), 0, "a program that is executed keeps it");
}

CASE(groups)
{
	pid_t first = sleeper(), second = sleeper();
	require(set(PROCESS, first, BEST_EFFORT | 3) == 0 && set(PROCESS, second, IDLE) == 0);
	equal(get(GROUP, 0), BEST_EFFORT | 3, "the best of a group is told");
	equal(get(GROUP, getpgrp()), BEST_EFFORT | 3, "also by its number");
	require(set(PROCESS, first, REAL_TIME | 7) == 0);
	equal(get(GROUP, 0), REAL_TIME | 7, "a better class goes first");
	equal(set(GROUP, 0, BEST_EFFORT | 5), 0, "a group can be given one");
	equal(get(PROCESS, first), BEST_EFFORT | 5, "and all have it");
	equal(get(PROCESS, second), BEST_EFFORT | 5, "each of them");
	equal(get(PROCESS, 0), BEST_EFFORT | 5, "the caller as well");
	end(first), end(second);
}

CASE(permissions)
{
	pid_t root = sleeper();
	equal(in_child(if (drop_to(1000)) _exit(98); if (set(PROCESS, 0, BEST_EFFORT | 1)) _exit(1)), 0,
	      "a user may have any level");
	equal(in_child(if (drop_to(1000)) _exit(98); if (set(PROCESS, 0, IDLE)) _exit(1)), 0, "and less");
	equal(in_child(if (drop_to(1000)) _exit(98); _exit(set(PROCESS, 0, REAL_TIME) ? errno : 0)), EPERM,
	      "but not come first");
	equal(in_child(if (drop_to(1000)) _exit(98); _exit(set(4, 0, REAL_TIME) ? errno : 0)), EPERM,
	      "which is looked at before whose it is");
	equal(in_child(if (drop_to(1000)) _exit(98); _exit(set(PROCESS, root, BEST_EFFORT) ? errno : 0)), EPERM,
	      "another user's process is not to be changed");
	equal(in_child(if (drop_to(1000)) _exit(98); _exit(get(PROCESS, root) != NONE)), 0, "but may be asked about");
	equal(in_child(if (drop_to(1000)) _exit(98); _exit(set(GROUP, 0, IDLE) ? errno : 0)), EPERM,
	      "nor a group with such a one");
	equal(in_child(if (drop_to(1000)) _exit(98); pid_t own = sleeper(); int done = set(PROCESS, own, IDLE);
		       int now = get(PROCESS, own); end(own); _exit(done == 0 && now == IDLE ? 0 : 1)), 0,
	      "one's own child is");
	equal(in_child(if (drop_to(1009)) _exit(98); pid_t own = sleeper(); int done = set(USER, 1009, IDLE);
		       int now = get(PROCESS, own), best = get(USER, 0); end(own);
		       _exit(done == 0 && now == IDLE && best == IDLE ? 0 : 1)), 0, "all that a user has can be changed at once");
	equal(in_child(if (drop_to(1009)) _exit(98); _exit(set(USER, 0, IDLE) ? errno : 0)), EPERM,
	      "0 is the superuser there, not the caller");
	end(root);
}

static int role(int argc, char **argv, char **environment)
{
	(void)argc, (void)argv, (void)environment;
	return get(PROCESS, 0) != (BEST_EFFORT | 3);
}

SUITE_WITH_ROLES(RUN(values), RUN(by_nice_value), RUN(children), RUN(groups), RUN(permissions))
