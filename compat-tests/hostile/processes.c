/* Takes all processes, memory, signals and timers. */
#include "hoard.h"

static void fork_bomb(void)
{
	for (;;)
		if (fork() != -1)
			__sync_fetch_and_add(&result->count, 1);
		else
			result->error = errno;
}

static void limited_fork_bomb(void)
{
	struct rlimit limit = { 100, 100 };
	setrlimit(RLIMIT_NPROC, &limit);
	fork_bomb();
}

static void zombies(void)
{
	for (;;) {
		pid_t child = fork();
		if (child == 0)
			_exit(0);
		if (child == -1) {
			result->error = errno;
			wait_for_the_end();
		}
		result->count++;
	}
}

static int idle(void *unused)
{
	(void)unused;
	wait_for_the_end();
	return 0;
}

static void threads(void)
{
	static char stack[65536];
	multiply(4);
	for (;;) {
		int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
		/* They only sleep in a call: one stack does for all. */
		if (clone(idle, stack + sizeof stack, flags, NULL) == -1) {
			result->error = errno;
			wait_for_the_end();
		}
		__sync_fetch_and_add(&result->count, 1);
	}
}

static void processors(void)
{
	/* A user may not have a real-time priority, and takes what there is without. */
	int priority = 99;
	if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &priority) == -1)
		result->error = errno;
	multiply(8);
	for (;;)
		result->count++;
}

static void areas(void)
{
	multiply(3);
	for (int i = 0; mmap(NULL, PAGE, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; i++)
		__sync_fetch_and_add(&result->count, 1);
	result->error = errno;
	wait_for_the_end();
}

static void page_tables(void)
{
	/* One page in each 2 MiB: a table each. */
	for (;;) {
		char *place = mmap(NULL, 1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (place == MAP_FAILED) {
			result->error = errno;
			wait_for_the_end();
		}
		for (long at = 0; at < 1 << 30; at += 2 << 20) {
			(void)*(volatile char *)(place + at);
			result->count++;
		}
	}
}

static void timers(void)
{
	multiply(8);
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	timer_t timer;
	while (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		__sync_fetch_and_add(&result->count, 1);
	result->error = errno;
	wait_for_the_end();
}

static void signals(void)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	multiply(8);
	union sigval value = { 0 };
	while (sigqueue(getpid(), SIGRTMIN, value) == 0)
		__sync_fetch_and_add(&result->count, 1);
	result->error = errno;
	wait_for_the_end();
}

static void everything(void)
{
	for (;;) {
		char *place = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (place == MAP_FAILED) {
			result->error = errno;
			wait_for_the_end();
		}
		memset(place, 1, 1 << 20);
		result->count++;
	}
}

static void everything_at_once(void)
{
	multiply(10);
	everything();
}

static void shared_memory(void)
{
	for (;;) {
		char *place = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (place == MAP_FAILED) {
			result->error = errno;
			wait_for_the_end();
		}
		memset(place, 1, 1 << 20);
		result->count++;
	}
}

static int deeper(int n)
{
	volatile char room[4000];
	room[0] = n;
	result->count++;
	return n == INT_MAX ? 0 : deeper(n + 1) + room[0];
}

static void stack(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_STACK, &limit);
	deeper(0);
}

static void arguments(void)
{
	static char string[100000];
	static char *list[1000];
	memset(string, 'x', sizeof string - 1);
	multiply(10);
	list[0] = "true";
	for (int i = 1; i < 20; i++)
		list[i] = string;
	for (;;) {
		result->count++;
		pid_t child = fork();
		if (child == 0) {
			execv("/bin/true", list);
			_exit(errno);
		}
		if (child != -1)
			result->error = ended_with(child);
	}
}

static void kernel_messages(void)
{
	for (;;) {
		syscall(4000 + result->count % 1000);
		result->count++;
	}
}

HOARD(fork_bomb, "forks without end")
HOARD(limited_fork_bomb, "forks without end under a limit")
HOARD(zombies, "waits for no child")
HOARD(threads, "makes threads without end")
HOARD(processors, "never sleeps, with the highest priority")
HOARD(areas, "maps page after page")
HOARD(page_tables, "touches memory far apart")
HOARD(timers, "makes timers")
HOARD(signals, "queues signals")
HOARD(everything, "touches all memory")
HOARD(everything_at_once, "touches all memory with ten processes")
HOARD(shared_memory, "touches all shared memory")
HOARD(stack, "overflows the stack")
HOARD(arguments, "executes with large arguments")
HOARD(kernel_messages, "makes unknown calls")

SUITE(RUN(case_fork_bomb), RUN(case_limited_fork_bomb), RUN(case_zombies), RUN(case_threads), RUN(case_processors),
      RUN(case_areas), RUN(case_page_tables), RUN(case_timers), RUN(case_signals), RUN(case_everything), RUN(case_everything_at_once),
      RUN(case_shared_memory), RUN(case_stack), RUN(case_arguments), RUN(case_kernel_messages))
