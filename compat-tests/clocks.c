/* Clocks, sleeping, interval and POSIX timers, timer descriptors. */
#include "tap.h"
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>

static int64_t nanoseconds(clockid_t clock)
{
	struct timespec now;
	return clock_gettime(clock, &now) == 0 ? now.tv_sec * 1000000000LL + now.tv_nsec : -1;
}

static volatile sig_atomic_t ticks, value_seen, code_seen, overrun_seen;

static void tick(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	ticks++;
	value_seen = info->si_value.sival_int, code_seen = info->si_code;
	/* The most of all: a short timer may fire again before anybody looks. */
	if (info->si_overrun > overrun_seen)
		overrun_seen = info->si_overrun;
}

static void install(int number)
{
	struct sigaction action = { .sa_sigaction = tick, .sa_flags = SA_SIGINFO };
	require(sigaction(number, &action, NULL) == 0);
}

CASE(reading)
{
	struct timespec resolution;
	struct timeval day;
	int64_t first = nanoseconds(CLOCK_MONOTONIC), backwards = 0;
	for (int i = 0; i < 1000; i++) {
		int64_t next = nanoseconds(CLOCK_MONOTONIC);
		backwards += next < first;
		first = next;
	}
	equal(backwards, 0, "the monotonic clock never goes back");
	check(nanoseconds(CLOCK_REALTIME) > 1000000000LL, "the real-time clock tells a time");
	check(nanoseconds(CLOCK_BOOTTIME) >= 0, "there is a boot-time clock");
	check(nanoseconds(CLOCK_MONOTONIC_RAW) >= 0, "there is a raw monotonic clock");
	check(nanoseconds(CLOCK_MONOTONIC_COARSE) <= nanoseconds(CLOCK_MONOTONIC), "the coarse clock is not ahead");
	int64_t of_thread;
	while ((of_thread = nanoseconds(CLOCK_THREAD_CPUTIME_ID)) == 0)
		; /* where the time-stamp counter is not trusted it goes by ticks */
	check(of_thread > 0 && nanoseconds(CLOCK_PROCESS_CPUTIME_ID) >= of_thread, "there are processor-time clocks");
	equal(clock_getres(CLOCK_MONOTONIC, &resolution), 0, "clock_getres succeeds");
	check(resolution.tv_sec == 0 && resolution.tv_nsec == 1, "a clock's resolution is a nanosecond");
	fails(clock_gettime(77, &resolution), EINVAL, "an unknown clock gives EINVAL");
	equal(gettimeofday(&day, NULL), 0, "gettimeofday succeeds");
	int64_t apart = day.tv_sec - nanoseconds(CLOCK_REALTIME) / 1000000000;
	check(apart >= -5 && apart <= 5, "gettimeofday and the real-time clock agree");
	check(time(NULL) >= day.tv_sec, "so does time");
	equal(sysconf(_SC_CLK_TCK), 100, "times counts hundredths of a second");
}

CASE(setting)
{
	struct timespec now, set;
	require(clock_gettime(CLOCK_REALTIME, &now) == 0);
	set = now, set.tv_sec += 1000;
	int64_t before = nanoseconds(CLOCK_MONOTONIC);
	equal(clock_settime(CLOCK_REALTIME, &set), 0, "root can set the real-time clock");
	check(nanoseconds(CLOCK_REALTIME) >= set.tv_sec * 1000000000LL, "which then tells that time");
	check(nanoseconds(CLOCK_MONOTONIC) - before < 900000000000LL, "the monotonic clock does not follow");
	clock_settime(CLOCK_REALTIME, &now);
	fails(clock_settime(CLOCK_MONOTONIC, &set), EINVAL, "the monotonic clock cannot be set");
	set.tv_nsec = 1000000000;
	fails(clock_settime(CLOCK_REALTIME, &set), EINVAL, "a billion nanoseconds give EINVAL");
	set = (struct timespec){ 0, 0 };
	fails(clock_settime(CLOCK_REALTIME, &set), EINVAL, "so does a time before the boot");
	set.tv_sec = 8277292036;
	fails(clock_settime(CLOCK_REALTIME, &set), EINVAL, "and one in 262 years");
	set.tv_sec--;
	equal(clock_settime(CLOCK_REALTIME, &set), 0, "but not the second before");
	check(nanoseconds(CLOCK_REALTIME) >= set.tv_sec * 1000000000, "which is then told");
	clock_settime(CLOCK_REALTIME, &now);
	equal(in_child(if (setuid(1000)) _exit(99); if (clock_settime(CLOCK_REALTIME, &now) == -1) _exit(errno)), EPERM,
	      "a user cannot set the clock");
}

CASE(sleeping)
{
	struct timespec short_time = { 0, 30000000 }, bad = { 0, 1000000000 }, negative = { -1, 0 }, until;
	int64_t start = nanoseconds(CLOCK_MONOTONIC);
	equal(nanosleep(&short_time, NULL), 0, "nanosleep succeeds");
	check(nanoseconds(CLOCK_MONOTONIC) - start >= 30000000, "and sleeps no shorter than asked");
	fails(nanosleep(&bad, NULL), EINVAL, "a billion nanoseconds give EINVAL");
	fails(nanosleep(&negative, NULL), EINVAL, "a negative time gives EINVAL");
	until = (struct timespec){ 0, 1 };
	equal(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0, "sleeping until a past time returns at once");
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 20000000;
	if (until.tv_nsec >= 1000000000)
		until.tv_sec++, until.tv_nsec -= 1000000000;
	equal(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0, "sleeping until a time succeeds");
	check(nanoseconds(CLOCK_MONOTONIC) >= until.tv_sec * 1000000000LL + until.tv_nsec, "and lasts until then");
	equal(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &short_time, NULL), EINVAL, "sleeping by the thread's own clock gives EINVAL");
}

CASE(interval_timers)
{
	struct itimerval timer = { { 0, 0 }, { 0, 20000 } }, old;
	install(SIGALRM), install(SIGVTALRM), install(SIGPROF);
	equal(setitimer(ITIMER_REAL, &timer, NULL), 0, "setitimer succeeds");
	while (ticks == 0)
		pause();
	equal(ticks, 1, "SIGALRM comes when it expires");
	equal(getitimer(ITIMER_REAL, &old), 0, "getitimer succeeds");
	check(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0, "an expired timer is disarmed");
	timer.it_interval.tv_usec = 10000;
	setitimer(ITIMER_REAL, &timer, NULL);
	while (ticks < 4)
		pause();
	check(ticks >= 4, "an interval repeats it");
	timer.it_value.tv_sec = 100;
	equal(setitimer(ITIMER_REAL, &timer, &old), 0, "setitimer replaces a timer");
	equal(old.it_interval.tv_usec, 10000, "and tells the old one");
	getitimer(ITIMER_REAL, &old);
	check(old.it_value.tv_sec >= 90 && old.it_value.tv_sec <= 100, "getitimer tells what is left");
	equal(in_child(getitimer(ITIMER_REAL, &old); _exit(old.it_value.tv_sec)), 0, "children do not inherit timers");
	check(alarm(50) >= 90, "alarm tells the seconds that were left");
	check(alarm(0) >= 40, "alarm of 0 disarms");
	timer.it_value.tv_usec = 1000000;
	fails(setitimer(ITIMER_REAL, &timer, NULL), EINVAL, "a million microseconds give EINVAL");
	fails(setitimer(77, &timer, NULL), EINVAL, "an unknown timer gives EINVAL");
	struct itimerval work = { { 0, 0 }, { 0, 20000 } };
	ticks = 0;
	setitimer(ITIMER_VIRTUAL, &work, NULL);
	while (ticks == 0)
		;
	equal(ticks, 1, "ITIMER_VIRTUAL counts the program's work and sends SIGVTALRM");
	setitimer(ITIMER_PROF, &work, NULL);
	while (ticks == 1)
		;
	equal(ticks, 2, "ITIMER_PROF sends SIGPROF");
}

CASE(posix_timers)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77 };
	struct itimerspec time = { { 0, 0 }, { 0, 10000000 } }, left;
	timer_t timer;
	install(SIGRTMIN);
	equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0, "timer_create makes a timer");
	equal(timer_settime(timer, 0, &time, NULL), 0, "timer_settime arms it");
	while (ticks == 0)
		pause();
	check(ticks == 1 && code_seen == SI_TIMER, "its signal comes with SI_TIMER");
	equal(value_seen, 77, "and its value");
	equal(timer_gettime(timer, &left), 0, "timer_gettime succeeds");
	check(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0, "an expired timer is disarmed");
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGRTMIN), sigprocmask(SIG_BLOCK, &set, NULL);
	time.it_interval.tv_nsec = 1000000;
	timer_settime(timer, 0, &time, NULL);
	doze(100);
	ticks = overrun_seen = 0;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	check(ticks >= 1 && overrun_seen > 5, "a blocked timer counts its overruns");
	equal(timer_delete(timer), 0, "timer_delete deletes it");
	fails(timer_settime(timer, 0, &time, NULL), EINVAL, "a deleted timer gives EINVAL");
	event.sigev_notify = SIGEV_NONE;
	require(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
	time.it_value.tv_sec = 100;
	equal(timer_settime(timer, 0, &time, NULL), 0, "a timer may send nothing");
	timer_gettime(timer, &left);
	check(left.it_value.tv_sec >= 90, "and tell the time left");
	fails(timer_create(77, &event, &timer), EINVAL, "an unknown clock gives EINVAL");
}

/* Makes a timer that sends SIGNAL with VALUE. */
static timer_t timer_of(int signal, int value)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal, .sigev_value.sival_int = value };
	timer_t timer;
	require(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	return timer;
}

static void set_timer(timer_t timer, int first_ms, int interval_ms)
{
	struct itimerspec time = { { 0, interval_ms * 1000000L }, { 0, first_ms * 1000000L } };
	require(timer_settime(timer, 0, &time, NULL) == 0);
}

/* Waits until a timer that fires once has done so. */
static void await_expiry(timer_t timer)
{
	struct itimerspec left;
	do
		require(timer_gettime(timer, &left) == 0);
	while (left.it_value.tv_sec || left.it_value.tv_nsec);
}

/* Blocks a signal; gives the set with it. */
static sigset_t blocked(int signal)
{
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, signal), sigprocmask(SIG_BLOCK, &set, NULL);
	return set;
}

static const struct timespec now = { 0, 0 }, patience = { 10, 0 };

CASE(timers_with_one_signal)
{
	enum { TIMERS = 40 };
	sigset_t ordinary = blocked(SIGUSR1), queued = blocked(SIGRTMIN);
	timer_t first = timer_of(SIGUSR1, 1), second = timer_of(SIGUSR1, 2), many[TIMERS];
	siginfo_t info;
	raise(SIGUSR1);
	set_timer(first, 1, 0), await_expiry(first);
	set_timer(second, 1, 0), await_expiry(second);
	raise(SIGUSR1);
	check(sigtimedwait(&ordinary, &info, &now) == SIGUSR1 && info.si_code == SI_TKILL, "a signal is pending");
	check(sigtimedwait(&ordinary, &info, &now) == SIGUSR1 && info.si_value.sival_int == 1,
	      "a timer's comes all the same, though it is an ordinary one");
	check(sigtimedwait(&ordinary, &info, &now) == SIGUSR1 && info.si_value.sival_int == 2,
	      "and that of a second timer");
	fails(sigtimedwait(&ordinary, &info, &now), EAGAIN, "another one is not sent while they are pending");
	set_timer(first, 1, 1), set_timer(second, 1, 1);
	for (int seen[3] = { 0 }, i = 0; seen[1] < 5 || seen[2] < 5; i++) {
		require(sigtimedwait(&ordinary, &info, &patience) == SIGUSR1);
		seen[info.si_value.sival_int]++;
	}
	check(1, "two timers with intervals go on side by side");
	timer_delete(first), timer_delete(second);
	for (int i = 0; i < TIMERS; i++)
		many[i] = timer_of(SIGRTMIN, i), set_timer(many[i], 1, 0), await_expiry(many[i]);
	int wrong = 0;
	for (int i = 0; i < TIMERS; i++)
		wrong += sigtimedwait(&queued, &info, &now) != SIGRTMIN || info.si_value.sival_int != i;
	equal(wrong, 0, "each of 40 timers has its signal queued");
	fails(sigtimedwait(&queued, &info, &now), EAGAIN, "once");
	set_timer(many[0], 1, 0), await_expiry(many[0]), timer_delete(many[0]);
	check(sigtimedwait(&queued, &info, &now) == SIGRTMIN && info.si_value.sival_int == 0,
	      "the signal of a deleted timer stays pending");
}

CASE(timers_set_again)
{
	sigset_t queued = blocked(SIGRTMIN);
	timer_t timer = timer_of(SIGRTMIN, 1);
	siginfo_t info;
	for (int i = 0; i < 3; i++)
		set_timer(timer, 1, 0), await_expiry(timer);
	check(sigtimedwait(&queued, &info, &now) == SIGRTMIN && info.si_overrun == 2,
	      "a timer whose signal is pending counts when it expires again");
	equal(timer_getoverrun(timer), 0, "which timer_getoverrun doesn't tell of one that fires once");
	fails(sigtimedwait(&queued, &info, &now), EAGAIN, "and sends nothing more");
	info = (siginfo_t){ .si_code = SI_TIMER, .si_timerid = 0, .si_overrun = 7 };
	require(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &info) == 0);
	check(sigtimedwait(&queued, &info, &now) == SIGRTMIN && info.si_overrun == 7,
	      "a signal that only says that a timer sent it is left as it is");
}

CASE(timers_that_nobody_hears)
{
	struct sigaction action = { .sa_sigaction = tick, .sa_flags = SA_SIGINFO };
	timer_t timer = timer_of(SIGUSR1, 3), once = timer_of(SIGUSR2, 4);
	signal(SIGUSR1, SIG_IGN), signal(SIGUSR2, SIG_IGN);
	set_timer(timer, 1, 1), set_timer(once, 1, 0);
	await_expiry(once);
	doze(50);
	sigset_t old = blocked(SIGUSR1);
	require(sigaction(SIGUSR1, &action, NULL) == 0);
	sigprocmask(SIG_SETMASK, NULL, &old), sigdelset(&old, SIGUSR1);
	while (ticks < 3)
		sigsuspend(&old);
	check(value_seen == 3, "a timer whose signal was ignored goes on, and a handler hears it");
	check(overrun_seen >= 20, "what was not heard is counted");
}

CASE(timer_descriptors)
{
	struct itimerspec time = { { 0, 0 }, { 0, 10000000 } }, left;
	uint64_t expired = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	check(fd >= 0, "timerfd_create makes a descriptor");
	fails(read(fd, &expired, 8), EAGAIN, "an unarmed one that does not wait gives EAGAIN");
	fcntl(fd, F_SETFL, 0);
	equal(timerfd_settime(fd, 0, &time, NULL), 0, "timerfd_settime arms it");
	equal(read(fd, &expired, 8), 8, "read waits until it expires");
	equal(expired, 1, "and tells how often it did");
	time.it_interval.tv_nsec = 5000000;
	timerfd_settime(fd, 0, &time, NULL);
	doze(100);
	require(read(fd, &expired, 8) == 8);
	check(expired >= 3, "an interval counts on");
	equal(timerfd_gettime(fd, &left), 0, "timerfd_gettime succeeds");
	equal(left.it_interval.tv_nsec, 5000000, "and tells the interval");
	fails(read(fd, &expired, 4), EINVAL, "reading fewer than 8 bytes gives EINVAL");
	fails(timerfd_create(CLOCK_THREAD_CPUTIME_ID, 0), EINVAL, "an unfit clock gives EINVAL");
	fails(timerfd_settime(0, 0, &time, NULL), EINVAL, "another kind of descriptor gives EINVAL");
}

CASE(timers_changed_while_they_fire)
{
	/* So many times that some expiries fall into the call. */
	enum { ROUNDS = 30000 };
	struct itimerval soon = { { 0, 15 }, { 0, 15 } }, none = { { 0, 0 }, { 0, 0 } }, old;
	struct itimerspec moment = { { 0, 15000 }, { 0, 15000 } }, past;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;
	int failed = 0;
	signal(SIGALRM, SIG_IGN), signal(SIGUSR1, SIG_IGN);
	require(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		failed += setitimer(ITIMER_REAL, &soon, &old) || getitimer(ITIMER_REAL, &old);
		failed += timer_settime(timer, 0, &moment, &past) || timer_gettime(timer, &past);
	}
	setitimer(ITIMER_REAL, &none, NULL);
	timer_delete(timer);
	equal(failed, 0, "timers can be set and read while they fire");
}

SUITE(RUN(reading), RUN(setting), RUN(sleeping), RUN(interval_timers), RUN(posix_timers), RUN(timers_with_one_signal),
      RUN(timers_set_again), RUN(timers_that_nobody_hears), RUN(timer_descriptors),
      RUN(timers_changed_while_they_fire))
