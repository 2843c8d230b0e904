/* Descriptors of processes: opening, signals, waiting, polling, taking descriptors. */
#include "tap.h"
#include <poll.h>
#include <sched.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open(pid_t pid, unsigned flags)
{
	return syscall(SYS_pidfd_open, pid, flags);
}

static int pidfd_send(int fd, int signal, siginfo_t *info, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}

static int pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	return syscall(SYS_pidfd_getfd, pidfd, fd, flags);
}

/* A child that waits for its end. */
static pid_t sleeper(void)
{
	pid_t child = fork();
	if (child == 0)
		for (;;)
			pause();
	return child;
}

static int info_line(int fd, const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	const char *text = contents_of(path), *found = text ? strstr(text, name) : NULL;
	return found ? atoi(found + strlen(name)) : -99;
}

CASE(opening)
{
	pid_t child = sleeper();
	int fd = pidfd_open(child, 0);
	char link[64] = "", path[64];
	check(fd >= 0, "pidfd_open gives a descriptor");
	equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "which is closed by exec");
	equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR, "and open for both");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	check(readlink(path, link, sizeof link - 1) > 0, "its link can be read");
	same(link, "anon_inode:[pidfd]", "and says what it is");
	equal(info_line(fd, "Pid:\t"), child, "fdinfo tells the number");
	equal(info_line(fd, "NSpid:\t"), child, "also as the namespace has it");
	char byte;
	fails(read(fd, &byte, 1), EINVAL, "it cannot be read");
	fails(write(fd, "x", 1), EINVAL, "nor written");
	fails(lseek(fd, 0, SEEK_SET), ESPIPE, "nor sought in");
	fails(pidfd_open(child, 1), EINVAL, "an unknown flag gives EINVAL");
	fails(pidfd_open(0, 0), EINVAL, "the number 0 gives EINVAL");
	fails(pidfd_open(-1, 0), EINVAL, "a negative number gives EINVAL");
	fails(pidfd_open(4194303, 0), ESRCH, "a number of nobody gives ESRCH");
	int waiting = pidfd_open(child, O_NONBLOCK);
	check(waiting >= 0 && (fcntl(waiting, F_GETFL) & O_NONBLOCK), "O_NONBLOCK is accepted");
	kill(child, SIGKILL);
	status_of(child);
	equal(info_line(fd, "Pid:\t"), -1, "after the child is gone fdinfo tells -1");
	fails(pidfd_open(child, 0), ESRCH, "and it cannot be opened again");
}

CASE(signals)
{
	pid_t child = sleeper();
	int fd = pidfd_open(child, 0);
	equal(pidfd_send(fd, 0, NULL, 0), 0, "signal 0 asks whether it is there");
	fails(pidfd_send(fd, 65, NULL, 0), EINVAL, "an unknown signal gives EINVAL");
	fails(pidfd_send(fd, SIGTERM, NULL, 1), EINVAL, "an unknown flag gives EINVAL");
	fails(pidfd_send(99, SIGTERM, NULL, 0), EBADF, "a closed descriptor gives EBADF");
	make_file("f", "");
	int file = open("f", O_RDONLY);
	fails(pidfd_send(file, SIGTERM, NULL, 0), EBADF, "a file gives EBADF");
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	fails(pidfd_send(fd, SIGTERM, &info, 0), EINVAL, "information about another signal gives EINVAL");
	info.si_signo = SIGTERM, info.si_code = SI_USER;
	fails(pidfd_send(fd, SIGTERM, &info, 0), EPERM, "information that looks like kill's gives EPERM");
	equal(pidfd_send(fd, SIGTERM, NULL, 0), 0, "a signal can be sent");
	siginfo_t end;
	equal(waitid(P_PIDFD, fd, &end, WEXITED | WNOWAIT), 0, "the child can be waited for");
	equal(end.si_status, SIGTERM, "which the signal has ended");
	equal(pidfd_send(fd, SIGTERM, NULL, 0), 0, "a zombie can still be sent signals");
	equal(waitid(P_PIDFD, fd, &end, WEXITED), 0, "and be reaped");
	fails(pidfd_send(fd, 0, NULL, 0), ESRCH, "then it gives ESRCH");
	child = sleeper();
	char path[64];
	snprintf(path, sizeof path, "/proc/%d", child);
	int folder = open(path, O_RDONLY | O_DIRECTORY);
	equal(pidfd_send(folder, SIGKILL, NULL, 0), 0, "a folder of /proc serves as well");
	equal(ended_with(child), 128 + SIGKILL, "and reaches the process");
}

CASE(waiting)
{
	pid_t child = sleeper();
	int fd = pidfd_open(child, 0), now = pidfd_open(child, O_NONBLOCK);
	siginfo_t info = { 0 };
	fails(waitid(P_PIDFD, now, &info, WEXITED), EAGAIN, "a descriptor with O_NONBLOCK does not wait");
	info.si_pid = 77;
	equal(waitid(P_PIDFD, now, &info, WEXITED | WNOHANG), 0, "with WNOHANG that is no error");
	equal(info.si_pid, 0, "but nobody is told");
	fails(waitid(P_PIDFD, -1, &info, WEXITED), EINVAL, "a negative descriptor gives EINVAL");
	fails(waitid(P_PIDFD, 99, &info, WEXITED), EBADF, "a closed one gives EBADF");
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	equal(poll(&entry, 1, 0), 0, "poll says nothing while the child runs");
	kill(child, SIGKILL);
	equal(poll(&entry, 1, -1), 1, "and wakes at its end");
	equal(entry.revents, POLLIN, "with POLLIN");
	equal(waitid(P_PIDFD, now, &info, WEXITED), 0, "then it is waited for at once");
	equal(info.si_pid, child, "by its number");
	equal(poll(&entry, 1, 0), 1, "poll stays true after that");
	fails(waitid(P_PIDFD, fd, &info, WEXITED), ECHILD, "and there is nothing more to wait for");
	int own = pidfd_open(getpid(), 0);
	fails(waitid(P_PIDFD, own, &info, WEXITED), ECHILD, "oneself is no child");
}

CASE(taking_descriptors)
{
	int pipes[2], ready[2];
	require(pipe(pipes) == 0 && pipe(ready) == 0);
	pid_t child = fork();
	if (child == 0) {
		make_file("f", "from the child");
		int file = open("f", O_RDONLY);
		dup2(file, 60);
		write(ready[1], "r", 1);
		for (;;)
			pause();
	}
	char byte, text[32] = "";
	require(read(ready[0], &byte, 1) == 1);
	int fd = pidfd_open(child, 0), taken = pidfd_getfd(fd, 60, 0);
	check(taken >= 0, "pidfd_getfd gives a descriptor");
	equal(fcntl(taken, F_GETFD), FD_CLOEXEC, "which is closed by exec");
	equal(read(taken, text, 4), 4, "it reads the child's file");
	equal(pidfd_getfd(fd, 60, 0) >= 0 && lseek(taken, 0, SEEK_CUR) == 4, 1, "at one position for both");
	fails(pidfd_getfd(fd, 61, 0), EBADF, "what the child does not have gives EBADF");
	fails(pidfd_getfd(fd, 60, 1), EINVAL, "an unknown flag gives EINVAL");
	fails(pidfd_getfd(taken, 60, 0), EBADF, "what is no process gives EBADF");
	equal(in_child(if (setresgid(12, 12, 12) || setresuid(12, 12, 12)) _exit(99);
		       _exit(pidfd_getfd(fd, 60, 0) == -1 ? errno : 0)), EPERM, "another user may not");
	kill(child, SIGKILL);
	status_of(child);
	fails(pidfd_getfd(fd, 60, 0), ESRCH, "a process that is gone gives ESRCH");
}

CASE(cloning)
{
	int fd = -1;
	pid_t child = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
	if (child == 0)
		_exit(fd == -1 ? 3 : 4);
	check(fd >= 0, "CLONE_PIDFD gives a descriptor");
	equal(info_line(fd, "Pid:\t"), child, "of the child");
	equal(ended_with(child), 3, "which does not have it itself");
	fails(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0), EINVAL,
	      "with CLONE_PARENT_SETTID there is one place for two: EINVAL");
	fails(syscall(SYS_clone, CLONE_PIDFD | 0x400000 | SIGCHLD, 0, &fd, 0, 0), EINVAL, "CLONE_DETACHED gives EINVAL");
	fails(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, (void *)1, 0, 0), EFAULT, "a bad address gives EFAULT");
	struct { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, size, tls; } more = {
		.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD
	};
	pid_t number = 0;
	more.parent_tid = (uintptr_t)&number;
	fd = -1;
	child = syscall(SYS_clone3, &more, sizeof more);
	if (child == 0)
		_exit(5);
	check(fd >= 0 && number == child, "clone3 has a place for each");
	equal(ended_with(child), 5, "and makes the child");
}

SUITE(RUN(opening), RUN(signals), RUN(waiting), RUN(taking_descriptors), RUN(cloning))
