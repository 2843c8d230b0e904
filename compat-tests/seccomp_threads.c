/* Filters of system calls and threads: who has which filter (TSYNC), and whom an action ends. */
#include "seccomp.h"
#include <pthread.h>

enum { SIGSYS_END = 128 + SIGSYS };

/* A thread that does what it is told: one letter in, a number out. */
struct worker {
	pthread_t thread;
	int orders[2], answers[2];
	volatile pid_t tid;
};

/* Whether the process's first thread has ended. */
static int is_zombie(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/stat", getpid());
	const char *name_end = strrchr(contents_of(path), ')');
	return name_end && name_end[2] == 'Z';
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	worker->tid = (pid_t)syscall(SYS_gettid);
	char order;
	while (read(worker->orders[0], &order, 1) == 1) {
		long answer = 0;
		if (order == 'p')
			answer = probe();
		else if (order == 'f')
			answer = install(0, ON(SYS_getpgrp, SECCOMP_RET_ERRNO | 33), ALLOW);
		else if (order == 'g')
			answer = raw(SYS_getpgrp, 0, 0, 0, 0, 0, 0);
		else if (order == 'n')
			answer = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
		else if (order == 'm')
			answer = prctl(PR_GET_SECCOMP);
		else if (order == 'c')
			answer = status_line("thread-self", "\nSeccomp_filters:\t");
		else if (order == 's')
			answer = prctl(PR_SET_SECCOMP, 1);
		else if (order == 'x')
			raw(SYS_exit, 5, 0, 0, 0, 0, 0);
		else if (order == 'X')
			raw(SYS_exit_group, 9, 0, 0, 0, 0, 0);
		else if (order == 'y' && eventually(is_zombie()))
			raw(SYS_exit, 5, 0, 0, 0, 0, 0);
		else if (order == 'Y' && eventually(is_zombie()))
			raw(SYS_exit_group, 9, 0, 0, 0, 0, 0);
		raw(SYS_write, worker->answers[1], (long)&answer, sizeof answer, 0, 0, 0);
	}
	return NULL;
}

static void start(struct worker *worker)
{
	worker->tid = 0;
	require(pipe(worker->orders) == 0 && pipe(worker->answers) == 0);
	require(pthread_create(&worker->thread, NULL, work, worker) == 0);
	require(eventually(worker->tid != 0));
}

static void order(struct worker *worker, char what) { require(write(worker->orders[1], &what, 1) == 1); }

static long ask(struct worker *worker, char what)
{
	long answer = -1000;
	order(worker, what);
	require(read(worker->answers[0], &answer, sizeof answer) == sizeof answer);
	return answer;
}

static int is_gone(pid_t tid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/task/%d", tid);
	return eventually(access(path, F_OK) == -1);
}

#define DENY(number, error) ON(number, SECCOMP_RET_ERRNO | (error)), ALLOW

CASE(alone)
{
	static struct worker one;
	start(&one);
	require(install(0, DENY(SYS_getppid, 44)) == 0);
	equal(probe(), -44, "a filter is the thread's that installs it");
	check(ask(&one, 'p') > 0, "another thread goes without");
	equal(ask(&one, 'm'), 0, "another thread is in no mode");
	equal(ask(&one, 'c'), 0, "and has no filter");
	static struct worker later;
	start(&later);
	equal(ask(&later, 'p'), -44, "a thread that is made later has it");
	equal(ask(&later, 'c'), 1, "and says so");
}

CASE(all)
{
	static struct worker one, other;
	start(&one);
	start(&other);
	require(setuid(1000) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	equal(ask(&one, 'n'), 0, "no_new_privs is the thread's own");
	equal(install(SECCOMP_FILTER_FLAG_TSYNC, DENY(SYS_getppid, 45)), 0, "TSYNC gives a filter to all threads");
	equal(probe(), -45, "to the caller");
	equal(ask(&one, 'p'), -45, "to one more");
	equal(ask(&other, 'p'), -45, "to all");
	equal(ask(&one, 'n'), 1, "no_new_privs goes with it");
	equal(ask(&one, 'm'), 2, "they are in filter mode");
	equal(install(0, DENY(SYS_getpgrp, 46)), 0, "a further filter is installed for one");
	check(ask(&one, 'g') > 0, "the others do not have it");
	equal(install(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG, DENY(SYS_getppid, 47)), 0, "threads with older filters can be synchronized");
	equal(ask(&one, 'g'), -46, "they get all that are missing");
	equal(ask(&other, 'p'), -47, "the newest as well");
	equal(ask(&other, 'c'), 3, "and count three");
}

CASE(apart)
{
	static struct worker one;
	start(&one);
	equal(ask(&one, 'f'), 0, "a thread installs a filter of its own");
	equal(install(SECCOMP_FILTER_FLAG_TSYNC, DENY(SYS_getppid, 45)), one.tid, "it cannot be synchronized: its number is told");
	equal(prctl(PR_GET_SECCOMP), 0, "nothing was installed");
	fails(install(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, DENY(SYS_getppid, 45)), ESRCH, "or ESRCH, if that is asked for");
	require(install(0, DENY(SYS_getppid, 45)) == 0);
	equal(install(SECCOMP_FILTER_FLAG_TSYNC, DENY(SYS_getppid, 46)), one.tid, "it has none of the caller's filters");
	order(&one, 'x');
	require(is_gone(one.tid));
	equal(install(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, DENY(SYS_getppid, 46)), 0, "when it has ended nobody is in the way");
	equal(probe(), -46, "and the filter is there");
}

CASE(strict_ones)
{
	static struct worker one, other;
	start(&one);
	start(&other);
	equal(ask(&one, 's'), 0, "a thread goes into strict mode");
	equal(install(SECCOMP_FILTER_FLAG_TSYNC, DENY(SYS_getppid, 45)), one.tid, "it cannot be synchronized");
	order(&one, 'p');
	check(is_gone(one.tid), "another call ends it");
	equal(ask(&other, 'm'), 0, "but not the others");
}

/* How the process ends when a thread (or the first one) makes a call that has this action. */
static int ends_by(unsigned action, int first, int exits)
{
	static struct worker one;
	pid_t child = fork();
	if (child == 0) {
		start(&one);
		signal(SIGSYS, SIG_IGN);
		if (install(SECCOMP_FILTER_FLAG_TSYNC, ON(SYS_getppid, action), ALLOW))
			_exit(2);
		order(&one, 'p');
		if (first)
			probe();
		if (!is_gone(one.tid))
			_exit(4);
		if (exits)
			raw(SYS_exit, 6, 0, 0, 0, 0, 0);
		_exit(8);
	}
	return ended_with(child);
}

CASE(ends)
{
	equal(ends_by(SECCOMP_RET_KILL_THREAD, 0, 0), 8, "SECCOMP_RET_KILL_THREAD ends a thread, and the others go on");
	equal(ends_by(SECCOMP_RET_KILL_THREAD, 0, 1), 6, "to their own end");
	equal(ends_by(SECCOMP_RET_KILL_PROCESS, 0, 0), SIGSYS_END, "SECCOMP_RET_KILL_PROCESS ends all");
	equal(ends_by(0x00030000, 0, 0), SIGSYS_END, "so does an action that does not exist");
	equal(ends_by(SECCOMP_RET_KILL_THREAD, 1, 0), SIGSYS_END, "when all threads are ended one by one the process ends by SIGSYS");
}

CASE(firsts)
{
	static struct worker other;
	equal(in_child(start(&other); order(&other, 'y'); raw(SYS_exit, 1, 0, 0, 0, 0, 0)), 5,
	      "a process whose first thread has ended has the status of the last");
	equal(in_child(start(&other); require(install(0, ON(SYS_getppid, SECCOMP_RET_KILL_THREAD), ALLOW) == 0); order(&other, 'y'); probe()), 5,
	      "also when a filter ended the first");
	equal(in_child(start(&other); require(install(0, ON(SYS_getppid, SECCOMP_RET_KILL_THREAD), ALLOW) == 0); order(&other, 'Y'); probe()), 9,
	      "or the status that one asks for all");
}

static volatile int stop;
static void *ask_always(void *count)
{
	while (!stop) {
		long result = probe();
		if (result != -45)
			++*(volatile int *)count;
	}
	return NULL;
}

CASE(at_once)
{
	enum { THREADS = 4, ROUNDS = 20 };
	int wrong = 0;
	for (int round = 0; round < ROUNDS; round++)
		wrong += in_child({
				 pthread_t threads[THREADS];
				 static int counts[THREADS];
				 for (int i = 0; i < THREADS; i++)
					 pthread_create(&threads[i], NULL, ask_always, &counts[i]);
				 if (install(SECCOMP_FILTER_FLAG_TSYNC, DENY(SYS_getppid, 45)))
					 _exit(1);
				 int before[THREADS];
				 for (int i = 0; i < THREADS; i++)
					 before[i] = counts[i];
				 doze(2);
				 stop = 1;
				 for (int i = 0; i < THREADS; i++)
					 pthread_join(threads[i], NULL);
				 for (int i = 0; i < THREADS; i++)
					 if (counts[i] > before[i] + 1)
						 _exit(1);
			 }) != 0;
	equal(wrong, 0, "when TSYNC returns no thread begins a call without the filter");
	wrong = 0;
	for (int round = 0; round < ROUNDS; round++)
		wrong += in_child({
				 static struct worker workers[3];
				 for (int i = 0; i < 3; i++)
					 start(&workers[i]);
				 for (int i = 0; i < 3; i++)
					 order(&workers[i], 'f');
				 long result = install(SECCOMP_FILTER_FLAG_TSYNC, DENY(SYS_getppid, 45));
				 for (int i = 0; i < 3; i++) {
					 long answer;
					 if (read(workers[i].answers[0], &answer, sizeof answer) != sizeof answer || answer != 0)
						 _exit(1);
					 int mine = ask(&workers[i], 'p') == -45, own = ask(&workers[i], 'g') == -33;
					 if (!own || (result == 0 && !mine) || (result > 0 && mine))
						 _exit(1);
				 }
			 }) != 0;
	equal(wrong, 0, "filters that threads install meanwhile are not lost, and TSYNC is all or nothing");
}

SUITE(RUN(alone), RUN(all), RUN(apart), RUN(strict_ones), RUN(ends), RUN(firsts), RUN(at_once))
