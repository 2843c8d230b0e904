/* Calls that a signal interrupts: which are restarted, which give EINTR, and with what.
 *
 * The signal comes from an interval timer again and again, so that one surely arrives while the call waits; after
 * some of them the handler makes happen what the call waits for. */
#include "tap.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <linux/futex.h>

enum { ROUNDS = 4 };
static volatile sig_atomic_t ticks;
static int waker = -1;

static void tick(int number)
{
	int error = errno;
	(void)number;
	if (++ticks == ROUNDS && waker != -1 && write(waker, "w", 1) != 1)
		_exit(90);
	errno = error;
}

static void start(int flags)
{
	struct sigaction action = { .sa_handler = tick, .sa_flags = flags };
	struct itimerval often = { { 0, 30000 }, { 0, 30000 } };
	ticks = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void stop(void)
{
	struct itimerval never = { { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &never, NULL);
}

CASE(pipes)
{
	int pipes[2];
	char byte;
	require(pipe(pipes) == 0);
	start(0);
	fails(read(pipes[0], &byte, 1), EINTR, "read of an empty pipe gives EINTR after a handler");
	stop();
	waker = pipes[1];
	start(SA_RESTART);
	equal(read(pipes[0], &byte, 1), 1, "with SA_RESTART it is restarted");
	stop();
	check(ticks >= ROUNDS, "after each handler");
	waker = -1;
	static char block[70000];
	start(SA_RESTART);
	ssize_t n = write(pipes[1], block, 65536 + 100);
	stop();
	check(n == 65536 || n == -1, "a write that has written something returns it");
	equal(n, 65536, "namely what fitted the pipe, SA_RESTART or not");
	start(0);
	fails(write(pipes[1], block, 1), EINTR, "write to a full pipe gives EINTR");
	stop();
}

CASE(waits)
{
	int pipes[2];
	char byte;
	require(pipe(pipes) == 0);
	pid_t child = fork();
	if (child == 0) {
		close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) == 1 ? 6 : 7);
	}
	start(0);
	fails(waitpid(child, NULL, 0), EINTR, "waitpid gives EINTR after a handler");
	stop();
	waker = pipes[1];
	start(SA_RESTART);
	int status;
	equal(waitpid(child, &status, 0), child, "with SA_RESTART it is restarted");
	stop();
	equal(WEXITSTATUS(status), 6, "and gives the child's status");
}

CASE(never_restarted)
{
	int pipes[2];
	require(pipe(pipes) == 0);
	struct pollfd poller = { pipes[0], POLLIN, 0 };
	struct epoll_event event = { .events = EPOLLIN };
	fd_set set;
	struct timespec pause_time = { 100, 0 };
	sigset_t none;
	int queue = epoll_create1(0);
	require(queue >= 0 && epoll_ctl(queue, EPOLL_CTL_ADD, pipes[0], &event) == 0);
	FD_ZERO(&set);
	FD_SET(pipes[0], &set);
	sigemptyset(&none);
	start(SA_RESTART);
	fails(poll(&poller, 1, -1), EINTR, "poll gives EINTR even with SA_RESTART");
	fails(select(pipes[0] + 1, &set, NULL, NULL, NULL), EINTR, "select gives EINTR even with SA_RESTART");
	fails(epoll_wait(queue, &event, 1, -1), EINTR, "epoll_wait gives EINTR even with SA_RESTART");
	fails(pause(), EINTR, "pause gives EINTR even with SA_RESTART");
	fails(sigsuspend(&none), EINTR, "sigsuspend gives EINTR even with SA_RESTART");
	fails(nanosleep(&pause_time, NULL), EINTR, "nanosleep gives EINTR even with SA_RESTART");
	sigaddset(&none, SIGUSR1);
	/* The library's own sigtimedwait goes on by itself. */
	fails(syscall(SYS_rt_sigtimedwait, &none, NULL, NULL, 8), EINTR, "sigwaitinfo gives EINTR even with SA_RESTART");
	fails(syscall(SYS_rt_sigtimedwait, &none, NULL, &pause_time, 8), EINTR, "and so does sigtimedwait");
	fails(ppoll(&poller, 1, NULL, NULL), EINTR, "and ppoll");
	fails(pselect(pipes[0] + 1, &set, NULL, NULL, NULL, NULL), EINTR, "and pselect");
	fails(epoll_pwait(queue, &event, 1, -1, NULL), EINTR, "and epoll_pwait");
	stop();
}

CASE(sleeping)
{
	struct timespec time = { 100, 0 }, left = { 0, 0 }, now;
	start(0);
	fails(nanosleep(&time, &left), EINTR, "nanosleep gives EINTR after a handler");
	stop();
	check(left.tv_sec == 99 && left.tv_nsec > 0, "and tells the time that is left");
	start(0);
	equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &left), EINTR, "clock_nanosleep gives EINTR as its value");
	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec += 100;
	left.tv_sec = 12345;
	equal(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, &left), EINTR, "until an absolute time, too");
	stop();
	equal(left.tv_sec, 12345, "then it tells no time left");
	signal(SIGUSR1, SIG_IGN);
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		for (int i = 0; i < 5; i++)
			kill(parent, SIGUSR1), doze(10);
		_exit(0);
	}
	time = (struct timespec){ 0, 200000000 };
	equal(nanosleep(&time, NULL), 0, "an ignored signal does not interrupt");
	status_of(child);
	child = fork();
	if (child == 0) {
		struct timespec start_time, end_time;
		clock_gettime(CLOCK_MONOTONIC, &start_time);
		int result = nanosleep(&time, NULL);
		clock_gettime(CLOCK_MONOTONIC, &end_time);
		long slept = (end_time.tv_sec - start_time.tv_sec) * 1000 + (end_time.tv_nsec - start_time.tv_nsec) / 1000000;
		_exit(result == 0 && slept >= 200 ? 0 : 1);
	}
	doze(30);
	kill(child, SIGSTOP), waitpid(child, NULL, WUNTRACED), kill(child, SIGCONT);
	equal(ended_with(child), 0, "a stop and continue does not interrupt nanosleep, which sleeps its whole time");
}

CASE(sockets_and_locks)
{
	int pair[2];
	char byte;
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	start(0);
	fails(recv(pair[0], &byte, 1, 0), EINTR, "recv gives EINTR after a handler");
	stop();
	waker = pair[1];
	start(SA_RESTART);
	equal(recv(pair[0], &byte, 1, 0), 1, "with SA_RESTART it is restarted");
	stop();
	waker = -1;
	make_file("f", "");
	int a = open("f", O_RDWR), b = open("f", O_RDWR);
	require(flock(a, LOCK_EX) == 0);
	start(0);
	fails(flock(b, LOCK_EX), EINTR, "flock gives EINTR after a handler");
	stop();
	require(mkfifo("fifo", 0600) == 0);
	start(0);
	fails(open("fifo", O_RDONLY), EINTR, "opening a fifo gives EINTR after a handler");
	stop();
}

CASE(futexes)
{
	uint32_t word = 1;
	start(SA_RESTART);
	struct timespec long_time = { 100, 0 };
	fails(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &long_time, NULL, 0), EINTR, "a timed futex wait gives EINTR");
	stop();
	int pipes[2];
	require(pipe(pipes) == 0);
	pid_t child = fork();
	if (child == 0) {
		start(SA_RESTART);
		syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0);
		_exit(1);
	}
	doze(200);
	equal(waitpid(child, NULL, WNOHANG), 0, "one without a time is restarted");
	kill(child, SIGKILL);
	status_of(child);
}

SUITE(RUN(pipes), RUN(waits), RUN(never_restarted), RUN(sleeping), RUN(sockets_and_locks), RUN(futexes))
