/* Whether two threads share a part (kcmp). */
#include "tap.h"
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>

enum { KIND_FILE, KIND_VM, KIND_FILES, KIND_FS, KIND_SIGHAND, KIND_IO, KIND_SYSVSEM, KIND_EPOLL };

static long compare(pid_t one, pid_t two, int kind, unsigned long first, unsigned long second)
{
	return syscall(SYS_kcmp, one, two, kind, first, second);
}

static char stack[16384] __attribute__((aligned(16)));

static int waits(void *nothing)
{
	(void)nothing;
	for (;;)
		pause();
	return 0;
}

static pid_t sharing(int flags)
{
	pid_t child = clone(waits, stack + sizeof stack, flags | SIGCHLD, NULL);
	require(child != -1);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	status_of(child);
}

CASE(parts)
{
	static const struct { int kind, flags; const char *shared, *apart; } parts[] = {
		{ KIND_VM, CLONE_VM, "memory is told to be shared", "memory is told to be another" },
		{ KIND_FILES, CLONE_FILES, "descriptors are told to be shared", "descriptors are told to be others" },
		{ KIND_FS, CLONE_FS, "a working directory is told to be shared", "a working directory is told to be another" },
		{ KIND_SIGHAND, CLONE_VM | CLONE_SIGHAND, "handlers are told to be shared", "handlers are told to be others" },
		{ KIND_IO, CLONE_IO, "a priority of input and output is told to be shared", "and to be another" },
	};
	enum { OWN_PRIORITY = 1, BEST_EFFORT_6 = 2 << 13 | 6 };
	pid_t own = getpid(), child = sharing(0);
	equal(compare(own, child, KIND_IO, 0, 0), 0, "neither has a priority of input and output");
	end(child);
	require(syscall(SYS_ioprio_set, OWN_PRIORITY, 0, BEST_EFFORT_6) == 0);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		child = sharing(parts[i].flags);
		equal(compare(own, child, parts[i].kind, 0, 0), 0, parts[i].shared);
		end(child);
		child = sharing(0);
		long there = compare(own, child, parts[i].kind, 0, 0), back = compare(child, own, parts[i].kind, 0, 0);
		check((there == 1 && back == 2) || (there == 2 && back == 1), parts[i].apart);
		equal(compare(own, own, parts[i].kind, 0, 0), 0, "and is one's own");
		equal(compare(child, child, parts[i].kind, 0, 0), 0, "or the other's own");
		end(child);
	}
	child = sharing(0);
	equal(compare(own, child, KIND_SYSVSEM, 0, 0), 0, "neither has semaphores to be undone");
	int semaphore = semget(IPC_PRIVATE, 1, 0600);
	struct sembuf operation = { 0, 1, SEM_UNDO };
	require(semaphore != -1 && semop(semaphore, &operation, 1) == 0);
	check(compare(own, child, KIND_SYSVSEM, 0, 0) > 0, "but one may have");
	equal(compare(own, own, KIND_SYSVSEM, 0, 0), 0, "which are one's own");
	semctl(semaphore, 0, IPC_RMID);
	end(child);
}

CASE(files)
{
	pid_t own = getpid();
	make_file("f", "text");
	int one = open("f", O_RDONLY), again = open("f", O_RDONLY), same = dup(one), path = open("f", O_PATH);
	require(one != -1 && again != -1 && same != -1 && path != -1);
	equal(compare(own, own, KIND_FILE, one, one), 0, "a descriptor is itself");
	equal(compare(own, own, KIND_FILE, one, same), 0, "and its duplicate");
	long there = compare(own, own, KIND_FILE, one, again), back = compare(own, own, KIND_FILE, again, one);
	check((there == 1 && back == 2) || (there == 2 && back == 1), "another opening of the file is another, in one order");
	equal(compare(own, own, KIND_FILE, one, again), there, "which stays");
	equal(compare(own, own, KIND_FILE, path, path), 0, "a mere path can be compared");
	fails(compare(own, own, KIND_FILE, one, 99), EBADF, "a closed descriptor gives EBADF");
	fails(compare(own, own, KIND_FILE, 99, one), EBADF, "on either side");
	fails(compare(own, own, KIND_FILE, -1, one), EBADF, "and so does a negative one");
	pid_t child = sharing(0);
	equal(compare(own, child, KIND_FILE, one, same), 0, "a child has the same after fork");
	check(compare(own, child, KIND_FILE, one, again) != 0, "and others are others there, too");
	end(child);
	int files[6], order[6];
	for (int i = 0; i < 6; i++) {
		files[i] = open("f", O_RDONLY);
		order[i] = 0;
	}
	int consistent = 1;
	for (int i = 0; i < 6; i++)
		for (int j = 0; j < 6; j++)
			order[i] += compare(own, own, KIND_FILE, files[i], files[j]) == 1;
	for (int i = 0; i < 6; i++)
		for (int j = 0; j < i; j++)
			consistent &= order[i] != order[j];
	check(consistent, "the order is one of all files");
}

CASE(epoll_targets)
{
	struct slot { uint32_t epoll, target, offset; };
	pid_t own = getpid();
	int pipes[2], epoll = epoll_create1(0), other = epoll_create1(0);
	require(pipe(pipes) == 0 && epoll != -1 && other != -1);
	struct epoll_event event = { .events = EPOLLIN };
	require(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event) == 0);
	struct slot slot = { epoll, pipes[0], 0 };
	equal(compare(own, own, KIND_EPOLL, pipes[0], (uintptr_t)&slot), 0, "what epoll watches is found by its descriptor");
	check(compare(own, own, KIND_EPOLL, pipes[1], (uintptr_t)&slot) > 0, "another file is another");
	int moved = dup(pipes[0]);
	equal(compare(own, own, KIND_EPOLL, moved, (uintptr_t)&slot), 0, "it is the file that counts");
	slot.offset = 1;
	fails(compare(own, own, KIND_EPOLL, pipes[0], (uintptr_t)&slot), ENOENT, "there is one at this number");
	slot = (struct slot){ epoll, pipes[1], 0 };
	fails(compare(own, own, KIND_EPOLL, pipes[0], (uintptr_t)&slot), ENOENT, "and none at that");
	slot = (struct slot){ other, pipes[0], 0 };
	fails(compare(own, own, KIND_EPOLL, pipes[0], (uintptr_t)&slot), ENOENT, "nor in another epoll");
	slot = (struct slot){ pipes[0], pipes[0], 0 };
	fails(compare(own, own, KIND_EPOLL, pipes[0], (uintptr_t)&slot), EINVAL, "a pipe is no epoll");
	slot = (struct slot){ 99, pipes[0], 0 };
	fails(compare(own, own, KIND_EPOLL, pipes[0], (uintptr_t)&slot), EBADF, "a closed epoll gives EBADF");
	slot = (struct slot){ epoll, pipes[0], 0 };
	fails(compare(own, own, KIND_EPOLL, 99, (uintptr_t)&slot), EBADF, "and so does a closed file");
	fails(compare(own, own, KIND_EPOLL, pipes[0], 8), EFAULT, "a bad address gives EFAULT");
	/* Another file under the same number, while the first is still open. */
	int more[2];
	require(pipe(more) == 0 && dup2(more[0], pipes[0]) == pipes[0]);
	require(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event) == 0);
	slot.offset = 0;
	long first = compare(own, own, KIND_EPOLL, moved, (uintptr_t)&slot);
	slot.offset = 1;
	long second = compare(own, own, KIND_EPOLL, moved, (uintptr_t)&slot);
	check((first == 0) != (second == 0), "a number that stands for two files has both");
}

CASE(errors)
{
	pid_t own = getpid();
	fails(compare(own, own, -1, 0, 0), EINVAL, "there is no kind -1");
	fails(compare(own, own, 8, 0, 0), EINVAL, "nor 8");
	fails(compare(own, 4194303, KIND_VM, 0, 0), ESRCH, "a number of nobody gives ESRCH");
	fails(compare(4194303, own, 99, 0, 0), ESRCH, "before the kind is looked at");
	fails(compare(0, own, KIND_VM, 0, 0), ESRCH, "0 is nobody");
	pid_t child = sharing(0);
	equal(in_child(require(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
		       _exit(compare(getpid(), child, KIND_VM, 0, 0) == -1 ? errno : 0)), EPERM, "a user may not compare the superuser's");
	equal(in_child(require(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
		       _exit(compare(child, getpid(), 99, 0, 0) == -1 ? errno : 0)), EPERM, "nor ask for what there is not");
	equal(in_child(require(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
		       _exit(compare(getpid(), getpid(), KIND_VM, 0, 0) == -1 ? errno : 0)), 0, "but one's own");
	end(child);
	child = fork();
	if (child == 0)
		_exit(0);
	siginfo_t info;
	require(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
	check(compare(own, child, KIND_VM, 0, 0) > 0, "who has ended has no memory");
	equal(compare(child, child, KIND_FILES, 0, 0), 0, "which equals none");
	fails(compare(own, child, KIND_FILE, 1, 1), EBADF, "and no descriptors");
	status_of(child);
}

SUITE(RUN(parts), RUN(files), RUN(epoll_targets), RUN(errors))
