/* Processes: fork, exit, the wait family, parents, process groups and sessions. */
#include "tap.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/times.h>

CASE(forking)
{
	int value = 1;
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		value = 2;
		_exit(getppid() == parent && getpid() != parent ? 7 : 8);
	}
	check(child > 0, "fork gives the parent the child's number");
	int status;
	equal(waitpid(child, &status, 0), child, "waitpid gives the child's number");
	check(WIFEXITED(status) && WEXITSTATUS(status) == 7, "the child sees its parent and a number of its own");
	equal(value, 1, "the child's memory is its own");
	equal(in_child(_exit(0x1234)), 0x34, "an exit status has eight bits");
	equal(in_child(exit(3)), 3, "exit gives its status");
	equal(in_child(if (getpgrp() != parent || getsid(0) != parent) _exit(1)), 0, "a child is in its parent's group and session");
	fails(waitpid(-1, NULL, 0), ECHILD, "waiting without children gives ECHILD");
}

CASE(waiting)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	equal(waitpid(child, &status, WNOHANG), 0, "WNOHANG gives 0 while the child runs");
	kill(child, SIGKILL);
	equal(waitpid(child, &status, 0), child, "a killed child is waited for");
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "its status tells the signal");
	fails(waitpid(child, &status, 0), ECHILD, "a child can be waited for once");
	fails(waitpid(1, &status, 0), ECHILD, "waiting for a process that is no child gives ECHILD");
	fails(waitpid(-1, &status, 1 << 20), EINVAL, "an unknown option gives EINVAL");
	pid_t first = fork();
	if (first == 0)
		_exit(1);
	pid_t second = fork();
	if (second == 0)
		_exit(2);
	equal(waitpid(second, &status, 0), second, "a certain child can be waited for");
	equal(WEXITSTATUS(status), 2, "with its own status");
	equal(wait(&status), first, "wait gives any other");
	equal(WEXITSTATUS(status), 1, "with its status");
	pid_t group = fork();
	if (group == 0) {
		setpgid(0, 0);
		_exit(3);
	}
	setpgid(group, group);
	fails(waitpid(0, &status, 0), ECHILD, "waitpid of 0 asks for the caller's group only");
	equal(waitpid(-group, &status, 0), group, "waitpid of a negative number asks for that group");
}

CASE(stopping)
{
	int status;
	pid_t child = fork();
	if (child == 0)
		for (;;)
			pause();
	kill(child, SIGSTOP);
	equal(waitpid(child, &status, WUNTRACED), child, "WUNTRACED tells of a stopped child");
	check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "its status tells the stopping signal");
	equal(waitpid(child, &status, WUNTRACED | WNOHANG), 0, "a stop is told once");
	kill(child, SIGCONT);
	equal(waitpid(child, &status, WCONTINUED), child, "WCONTINUED tells of a continued child");
	check(WIFCONTINUED(status), "its status says so");
	kill(child, SIGSTOP);
	equal(waitpid(child, &status, WUNTRACED), child, "it can be stopped again");
	kill(child, SIGTERM);
	equal(waitpid(child, &status, WNOHANG), 0, "a stopped process does not die of SIGTERM yet");
	kill(child, SIGCONT);
	equal(waitpid(child, &status, 0), child, "but when it goes on");
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "of that signal");
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	kill(child, SIGSTOP);
	waitpid(child, &status, WUNTRACED);
	kill(child, SIGKILL);
	equal(ended_with(child), 128 + SIGKILL, "SIGKILL ends a stopped process");
}

CASE(waiting_by_id)
{
	siginfo_t info = { 0 };
	pid_t child = fork();
	if (child == 0)
		_exit(5);
	equal(waitid(P_PID, child, &info, WEXITED | WNOWAIT), 0, "waitid succeeds");
	check(info.si_pid == child && info.si_code == CLD_EXITED && info.si_status == 5, "and tells process, cause and status");
	check(info.si_signo == SIGCHLD && info.si_uid == getuid(), "signal and user");
	memset(&info, 0, sizeof info);
	equal(waitid(P_ALL, 0, &info, WEXITED), 0, "WNOWAIT leaves the child to be waited for");
	equal(info.si_pid, child, "which is then the same");
	fails(waitid(P_ALL, 0, &info, WEXITED), ECHILD, "without children waitid gives ECHILD");
	fails(waitid(P_ALL, 0, &info, 0), EINVAL, "without a state to wait for it gives EINVAL");
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	info.si_pid = 99;
	equal(waitid(P_PID, child, &info, WEXITED | WNOHANG), 0, "WNOHANG succeeds while the child runs");
	equal(info.si_pid, 0, "and tells so by the process number 0");
	kill(child, SIGSTOP);
	waitid(P_PID, child, &info, WSTOPPED);
	check(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP, "WSTOPPED tells CLD_STOPPED and the signal");
	kill(child, SIGCONT);
	waitid(P_PID, child, &info, WCONTINUED);
	check(info.si_code == CLD_CONTINUED && info.si_status == SIGCONT, "WCONTINUED tells CLD_CONTINUED");
	kill(child, SIGKILL);
	waitid(P_PID, child, &info, WEXITED);
	check(info.si_code == CLD_KILLED && info.si_status == SIGKILL, "a killed child gives CLD_KILLED");
}

CASE(orphans)
{
	int pipes[2];
	pid_t seen[2] = { 0 };
	require(pipe(pipes) == 0);
	pid_t child = fork();
	if (child == 0) {
		if (fork() == 0) {
			seen[0] = getppid();
			kill(getppid(), SIGKILL);
			while ((seen[1] = getppid()) == seen[0])
				doze(10);
			_exit(write(pipes[1], seen, sizeof seen) < 0);
		}
		for (;;)
			pause();
	}
	equal(ended_with(child), 128 + SIGKILL, "a child may kill its parent");
	equal(read(pipes[0], seen, sizeof seen), sizeof seen, "a process survives its parent");
	check(seen[0] == child && seen[1] == 1, "and is then a child of process 1");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	child = fork();
	if (child == 0) {
		if (fork() == 0) {
			pid_t parent = getpid();
			while (getppid() == child || (parent = getppid()) == 0)
				doze(10);
			_exit(9);
		}
		_exit(0);
	}
	int status;
	waitpid(child, &status, 0);
	check(wait(&status) > 0 && WEXITSTATUS(status) == 9, "a subreaper gets its descendants' orphans");
}

CASE(parents_death_signal)
{
	int pipes[2], ready[2];
	char byte;
	require(pipe(pipes) == 0 && pipe(ready) == 0);
	pid_t child = fork();
	if (child == 0) {
		if (fork() == 0) {
			close(ready[0]);
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			require(write(ready[1], "r", 1) == 1);
			for (;;)
				pause();
		}
		_exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
	}
	equal(ended_with(child), 0, "PR_SET_PDEATHSIG is accepted");
	close(pipes[1]);
	equal(read(pipes[0], &byte, 1), 0, "and ends the child when its parent ends");
}

static volatile sig_atomic_t children;

static void on_child(int signal)
{
	(void)signal;
	children++;
}

CASE(child_signals)
{
	signal(SIGCHLD, on_child);
	equal(in_child(_exit(0)), 0, "a child's end can be waited for with a handler for SIGCHLD");
	equal(children, 1, "SIGCHLD is sent when a child ends");
	signal(SIGCHLD, SIG_IGN);
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	fails(waitpid(child, NULL, 0), ECHILD, "with SIGCHLD ignored children leave no zombie");
	struct sigaction quiet = { .sa_handler = on_child, .sa_flags = SA_NOCLDSTOP };
	sigaction(SIGCHLD, &quiet, NULL);
	children = 0;
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	kill(child, SIGSTOP);
	waitpid(child, NULL, WUNTRACED);
	equal(children, 0, "SA_NOCLDSTOP keeps stops quiet");
	kill(child, SIGKILL);
	status_of(child);
	equal(children, 1, "but not ends");
	struct sigaction no_zombies = { .sa_handler = on_child, .sa_flags = SA_NOCLDWAIT };
	sigaction(SIGCHLD, &no_zombies, NULL);
	child = fork();
	if (child == 0)
		_exit(0);
	int result;
	while ((result = waitpid(child, NULL, 0)) == -1 && errno == EINTR)
		;
	check(result == -1 && errno == ECHILD, "SA_NOCLDWAIT leaves no zombie, either");
}

CASE(zombies)
{
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	siginfo_t info;
	waitid(P_PID, child, &info, WEXITED | WNOWAIT);
	equal(kill(child, 0), 0, "a zombie can be signalled");
	equal(kill(child, SIGKILL), 0, "even with SIGKILL");
	equal(getpgid(child), getpgrp(), "it keeps its group");
	equal(ended_with(child), 0, "and its status");
	fails(kill(child, 0), ESRCH, "a process that was waited for is gone");
}

CASE(groups)
{
	pid_t me = getpid();
	equal(getpgid(0), me, "getpgid of 0 is the caller's");
	fails(setpgid(0, 0), EPERM, "a session leader may not change its group");
	fails(setsid(), EPERM, "a group leader may not make a session");
	fails(getpgid(999999), ESRCH, "getpgid of a process that is not there gives ESRCH");
	equal(in_child(if (setpgid(0, 0) || getpgrp() != getpid()) _exit(1)), 0, "a child may lead a new group");
	equal(in_child(if (setpgid(0, 999999) == -1) _exit(errno)), EPERM, "a group that is not there cannot be joined");
	fails(setpgid(0, -1), EINVAL, "a negative group gives EINVAL");
	fails(setpgid(1, 0), ESRCH, "setpgid of a process that is no child gives ESRCH");
	equal(in_child(if (setsid() != getpid() || getsid(0) != getpid() || getpgrp() != getpid()) _exit(1)), 0,
	      "setsid makes a session and a group");
	pid_t child = fork();
	if (child == 0) {
		setsid();
		for (;;)
			pause();
	}
	while (getsid(child) == me)
		doze(5);
	fails(setpgid(child, me), EPERM, "a child in another session cannot be moved");
	kill(child, SIGKILL);
	status_of(child);
	child = fork();
	if (child == 0) {
		execl("/bin/sleep", "sleep", "100", NULL);
		_exit(1);
	}
	int error = 0;
	while (setpgid(child, child) == 0)
		doze(5);
	error = errno;
	equal(error, EACCES, "a child cannot be moved once it has executed a program");
	kill(child, SIGKILL);
	status_of(child);
}

CASE(usage)
{
	struct rusage usage;
	struct tms times_now;
	equal(getrusage(RUSAGE_SELF, &usage), 0, "getrusage succeeds");
	check(usage.ru_maxrss > 0, "it tells the resident memory's peak");
	fails(getrusage(77, &usage), EINVAL, "for an unknown subject it gives EINVAL");
	check(times(&times_now) != (clock_t)-1, "times succeeds");
	pid_t child = fork();
	if (child == 0) {
		clock_t start = clock();
		while (clock() - start < CLOCKS_PER_SEC / 20)
			;
		_exit(0);
	}
	equal(wait4(child, NULL, 0, &usage), child, "wait4 tells a child's usage");
	check(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec + usage.ru_utime.tv_sec * 1000000 >= 20000,
	      "which holds the time that it worked");
	check(times(&times_now) != (clock_t)-1 && times_now.tms_cutime + times_now.tms_cstime > 0,
	      "times counts the children that were waited for");
}

CASE(names)
{
	char name[17] = "";
	equal(prctl(PR_SET_NAME, "a-very-long-name-indeed"), 0, "PR_SET_NAME sets the name");
	equal(prctl(PR_GET_NAME, name), 0, "PR_GET_NAME gives it");
	same(name, "a-very-long-nam", "cut to 15 bytes");
	fails(prctl(-5), EINVAL, "an unknown prctl gives EINVAL");
	int nice = getpriority(PRIO_PROCESS, 0);
	equal(nice, 0, "the priority is 0 at first");
	equal(setpriority(PRIO_PROCESS, 0, 5), 0, "it can be lowered");
	equal(in_child(_exit(getpriority(PRIO_PROCESS, 0))), 5, "children inherit it");
}

CASE(mounts_of_the_dead)
{
	siginfo_t info;
	require(mkdir("m", 0777) == 0);
	pid_t child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("none", "m", "tmpfs", 0, NULL))
			_exit(1);
		_exit(0);
	}
	require(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0 && info.si_status == 0);
	equal(rmdir("m"), 0, "a zombie keeps nothing mounted");
}

SUITE(RUN(forking), RUN(waiting), RUN(stopping), RUN(waiting_by_id), RUN(orphans), RUN(parents_death_signal),
      RUN(child_signals), RUN(zombies), RUN(groups), RUN(usage), RUN(names), RUN(mounts_of_the_dead))
