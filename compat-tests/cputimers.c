/* What waits for processor time: timers and sleeps on the clocks of processes and threads. */
#include "tap.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>

#define CLOCKS_OF(id, kind) ((clockid_t)(~(unsigned)(id) << 3 | (kind)))
#define IN_PROGRAM 1
#define WHOLE 2
#define OF_THREAD 4

static volatile sig_atomic_t heard;
static void hear(int signal)
{
	(void)signal;
	heard++;
}

static long long shown(clockid_t clock)
{
	struct timespec now;
	if (syscall(SYS_clock_gettime, clock, &now) == -1)
		return -1;
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Works until a clock shows this much more. */
static void work(clockid_t clock, long long milliseconds)
{
	long long end = shown(clock) + milliseconds * 1000000;
	while (shown(clock) < end)
		;
}

static void *work_100(void *unused)
{
	work(CLOCK_THREAD_CPUTIME_ID, 100);
	return unused;
}

static int new_timer(clockid_t clock, int how, int number)
{
	struct sigevent event = { .sigev_notify = how, .sigev_signo = number };
	int timer = -1;
	return syscall(SYS_timer_create, clock, &event, &timer) == -1 ? -1 : timer;
}

static int set_timer(int timer, int flags, long long value, long long interval, struct itimerspec *old)
{
	struct itimerspec new = { { interval / 1000000000, interval % 1000000000 },
				  { value / 1000000000, value % 1000000000 } };
	return syscall(SYS_timer_settime, timer, flags, &new, old);
}

static long long left_of(int timer)
{
	struct itimerspec left;
	require(syscall(SYS_timer_gettime, timer, &left) == 0);
	return left.it_value.tv_sec * 1000000000LL + left.it_value.tv_nsec;
}

/* A child that works for ever, and one that has been waited for. */
static pid_t worker(void)
{
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			;
	}
	require(child > 0);
	return child;
}

CASE(clocks_that_can_be_waited_for)
{
	fails(new_timer(CLOCK_MONOTONIC_RAW, SIGEV_NONE, 0), EOPNOTSUPP, "there is no timer of CLOCK_MONOTONIC_RAW");
	fails(new_timer(CLOCK_REALTIME_COARSE, SIGEV_NONE, 0), EOPNOTSUPP, "there is no timer of a coarse clock");
	check(new_timer(CLOCK_TAI, SIGEV_NONE, 0) >= 0, "there is one of CLOCK_TAI");
	check(new_timer(CLOCK_THREAD_CPUTIME_ID, SIGEV_NONE, 0) >= 0, "and one of a thread's processor time");
	check(new_timer(CLOCKS_OF(getppid(), WHOLE), SIGEV_NONE, 0) >= 0, "and one of another process's");
	fails(new_timer(CLOCKS_OF(getppid(), WHOLE | OF_THREAD), SIGEV_NONE, 0), EINVAL, "but not of another's thread");
	fails(new_timer(CLOCKS_OF(getpid(), 3), SIGEV_NONE, 0), EOPNOTSUPP, "nor of a clock that is no open device");
	fails(new_timer(CLOCKS_OF(getpid(), 7), SIGEV_NONE, 0), EINVAL, "nor of one that nothing has");

	struct timespec none = { 0, 0 };
	fails(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &none, NULL), EOPNOTSUPP, "nobody sleeps by CLOCK_MONOTONIC_RAW");
	fails(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_COARSE, 0, &none, NULL), EOPNOTSUPP, "nor by a coarse clock");
	fails(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &none, NULL), EOPNOTSUPP, "nor by the own thread's");
	fails(syscall(SYS_clock_nanosleep, CLOCKS_OF(getpid(), WHOLE | OF_THREAD), 0, &none, NULL), EINVAL, "which has a number, too");
	fails(syscall(SYS_clock_settime, CLOCKS_OF(getpid(), WHOLE), &none), EPERM, "processor time cannot be set");
	fails(syscall(SYS_clock_settime, CLOCK_MONOTONIC, NULL), EINVAL, "nor the time since boot, whatever the pointer");
	struct timespec fine;
	require(syscall(SYS_clock_getres, CLOCKS_OF(getpid(), WHOLE), &fine) == 0);
	equal(fine.tv_nsec, 1, "processor time has nanoseconds");
	require(syscall(SYS_clock_getres, CLOCKS_OF(getpid(), IN_PROGRAM), &fine) == 0);
	check(fine.tv_nsec > 1, "that in the program has ticks");
	char state[256] = { 0 };
	fails(syscall(SYS_clock_adjtime, 77, state), EINVAL, "an unknown clock cannot be adjusted");
	fails(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, state), EOPNOTSUPP, "nor the time since boot");
}

CASE(alarm_clocks_need_a_capability)
{
	struct timespec none = { 0, 0 };
	check(new_timer(CLOCK_BOOTTIME_ALARM, SIGEV_NONE, 0) >= 0, "root may wake the machine");
	require(setresuid(1000, 1000, 1000) == 0);
	fails(new_timer(CLOCK_BOOTTIME_ALARM, SIGEV_NONE, 0), EPERM, "others may not");
	fails(new_timer(CLOCK_REALTIME_ALARM, SIGEV_NONE, 0), EPERM, "by neither clock");
	fails(syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME_ALARM, 0, &none, NULL), EPERM, "nor by sleeping");
	fails(timerfd_create(CLOCK_REALTIME_ALARM, 0), EPERM, "nor with a descriptor");
	fails(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL, "which has no processor time at all");
}

CASE(a_process_s_timer_fires_by_its_work)
{
	signal(SIGUSR1, hear);
	int timer = new_timer(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1);
	require(timer >= 0);
	long long begin = shown(CLOCK_PROCESS_CPUTIME_ID);
	equal(set_timer(timer, 0, 100000000, 0, NULL), 0, "it is set");
	long long left = left_of(timer);
	check(left > 0 && left <= 100000000, "what is left is not more than that");
	doze(300);
	equal(heard, 0, "no time passes for who sleeps");
	while (!heard)
		;
	check(shown(CLOCK_PROCESS_CPUTIME_ID) - begin >= 100000000, "it does not fire too early");
	equal(left_of(timer), 0, "and only once");

	heard = 0;
	require(set_timer(timer, 0, 20000000, 20000000, NULL) == 0);
	while (heard < 3)
		;
	check(left_of(timer) > 0, "with an interval it goes on");
	struct itimerspec old;
	require(set_timer(timer, 0, 0, 0, &old) == 0);
	equal(old.it_interval.tv_nsec, 20000000, "its old setting is given");
	equal(left_of(timer), 0, "and it stands still when it is switched off");

	heard = 0;
	require(set_timer(timer, TIMER_ABSTIME, 1, 0, NULL) == 0);
	check(eventually(heard), "a time that has passed comes at once, even to who sleeps");
	require(set_timer(timer, TIMER_ABSTIME, shown(CLOCK_PROCESS_CPUTIME_ID) + 50000000, 0, NULL) == 0);
	check(left_of(timer) <= 50000000, "an absolute time is one of that clock");
	equal(syscall(SYS_timer_delete, timer), 0, "it is deleted");
}

CASE(threads_count_for_themselves)
{
	signal(SIGUSR1, hear);
	int own = new_timer(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1);
	int all = new_timer(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR2);
	sigset_t second;
	sigemptyset(&second);
	sigaddset(&second, SIGUSR2);
	sigprocmask(SIG_BLOCK, &second, NULL);
	require(own >= 0 && all >= 0);
	require(set_timer(own, 0, 90000000, 0, NULL) == 0 && set_timer(all, 0, 90000000, 0, NULL) == 0);
	pthread_t thread;
	require(pthread_create(&thread, NULL, work_100, NULL) == 0);
	require(pthread_join(thread, NULL) == 0);
	int number = 0;
	siginfo_t info = { 0 };
	number = sigwaitinfo(&second, &info);
	equal(number, SIGUSR2, "another thread's work fires the process's timer");
	equal(info.si_code, SI_TIMER, "the signal is a timer's");
	equal(info.si_timerid, all, "and names it");
	equal(heard, 0, "but not that of this thread");
	check(left_of(own) > 0, "which has time left");
	while (!heard)
		;
	check(1, "until this thread has worked, too");
}

static volatile int ended_tid;
static void *tell_and_work(void *unused)
{
	ended_tid = syscall(SYS_gettid);
	while (!heard)
		;
	return unused;
}

CASE(another_thread_s_clock)
{
	pthread_t thread;
	require(pthread_create(&thread, NULL, tell_and_work, NULL) == 0);
	check(eventually(ended_tid), "a thread runs");
	clockid_t clock = CLOCKS_OF(ended_tid, WHOLE | OF_THREAD);
	int timer = new_timer(clock, SIGEV_NONE, 0);
	check(timer >= 0, "another thread of this process has a clock");
	struct timespec some = { 0, 20000000 };
	equal(syscall(SYS_clock_nanosleep, clock, 0, &some, NULL), 0, "by which one can sleep");
	equal(set_timer(timer, 0, 1000000000, 0, NULL), 0, "and a timer set");
	heard = 1;
	require(pthread_join(thread, NULL) == 0);
	check(eventually(shown(clock) == -1), "until it ends");
	equal(left_of(timer), 0, "then nothing is left");
	fails(set_timer(timer, 0, 1000000000, 0, NULL), ESRCH, "and it cannot be set");
	fails(syscall(SYS_clock_nanosleep, clock, 0, &some, NULL), EINVAL, "nor slept by");
}

CASE(another_process_s_clock)
{
	pid_t child = worker();
	clockid_t clock = CLOCKS_OF(child, WHOLE);
	int timer = new_timer(clock, SIGEV_SIGNAL, SIGUSR1);
	check(timer >= 0, "a child's clock has timers");
	signal(SIGUSR1, hear);
	require(set_timer(timer, 0, 50000000, 0, NULL) == 0);
	check(eventually(heard), "which fire when the child has worked");
	check(shown(clock) >= 50000000, "for so long");
	struct timespec some = { 0, 50000000 };
	long long begin = shown(clock);
	equal(syscall(SYS_clock_nanosleep, clock, 0, &some, NULL), 0, "one can sleep by it");
	check(shown(clock) - begin >= 50000000, "for so long");
	begin = shown(clock);
	struct timespec until = { (begin + 30000000) / 1000000000, (begin + 30000000) % 1000000000 };
	equal(syscall(SYS_clock_nanosleep, clock, TIMER_ABSTIME, &until, NULL), 0, "until a time of it, too");
	check(shown(clock) - begin >= 30000000, "which is there then");

	require(kill(child, SIGKILL) == 0 && status_of(child) != -1);
	fails(set_timer(timer, 0, 50000000, 0, NULL), ESRCH, "when it is gone it cannot be set");
	fails(new_timer(clock, SIGEV_NONE, 0), EINVAL, "and there are no new ones");
	equal(left_of(timer), 0, "nothing is left of the old one");
	fails(syscall(SYS_clock_nanosleep, clock, 0, &some, NULL), EINVAL, "nobody can sleep by it");
}

CASE(sleep_by_work_is_interrupted)
{
	struct sigaction action = { .sa_handler = hear, .sa_flags = SA_RESTART };
	sigaction(SIGALRM, &action, NULL);
	struct itimerval soon = { { 0, 50000 }, { 0, 50000 } };
	struct timespec left = { 7, 7 }, some = { 0, 500000000 };
	require(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	fails(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &some, &left), EINTR, "a signal ends it");
	check(left.tv_sec == 0 && left.tv_nsec > 0 && left.tv_nsec <= 500000000, "what remains is told");
	left.tv_sec = 7;
	struct timespec far = { 1000, 0 };
	fails(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &far, &left), EINTR, "also until a time");
	equal(left.tv_sec, 7, "then nothing is told");
	some.tv_nsec = 1000000000;
	fails(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &some, &left), EINVAL, "a time must be one");
}

SUITE(RUN(clocks_that_can_be_waited_for), RUN(alarm_clocks_need_a_capability), RUN(a_process_s_timer_fires_by_its_work),
      RUN(threads_count_for_themselves), RUN(another_thread_s_clock), RUN(another_process_s_clock),
      RUN(sleep_by_work_is_interrupted))
