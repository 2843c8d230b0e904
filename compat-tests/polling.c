/* Waiting for descriptors: poll, select, epoll, and the descriptors made for it. */
#include "tap.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

static int events(int fd, int wanted)
{
	struct pollfd entry = { fd, wanted, 0 };
	return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

CASE(poll_on_pipes)
{
	int p[2];
	static char block[65536];
	require(pipe(p) == 0);
	equal(events(p[0], POLLIN), 0, "an empty pipe is not readable");
	equal(events(p[1], POLLOUT), POLLOUT, "but writable");
	require(write(p[1], "x", 1) == 1);
	equal(events(p[0], POLLIN | POLLRDNORM), POLLIN | POLLRDNORM, "with a byte it is readable");
	equal(events(p[0], 0), 0, "nothing is told that was not asked for");
	require(write(p[1], block, 65535) == 65535);
	equal(events(p[1], POLLOUT), 0, "a full pipe is not writable");
	close(p[1]);
	equal(events(p[0], POLLIN), POLLIN | POLLHUP, "without a writer POLLHUP is told next to the data");
	while (read(p[0], block, sizeof block) > 0)
		;
	equal(events(p[0], POLLIN), POLLHUP, "and alone at the end, asked for or not");
	require(pipe(p) == 0);
	close(p[0]);
	equal(events(p[1], POLLOUT), POLLOUT | POLLERR, "without a reader the writing end tells POLLERR");
	equal(events(99, POLLIN), POLLNVAL, "a closed descriptor tells POLLNVAL");
	equal(events(-1, POLLIN), 0, "a negative descriptor is left out");
	make_file("f", "");
	equal(events(open("f", O_RDWR), POLLIN | POLLOUT), POLLIN | POLLOUT, "a file is always ready");
}

CASE(poll_waits)
{
	int p[2];
	require(pipe(p) == 0);
	struct pollfd entries[3] = { { p[0], POLLIN, 77 }, { -1, 0, 77 }, { p[1], 0, 77 } };
	equal(poll(entries, 3, 20), 0, "poll gives 0 when its time is over");
	check(entries[0].revents == 0 && entries[1].revents == 0, "and clears what it tells");
	equal(poll(NULL, 0, 10), 0, "poll of nothing sleeps");
	pid_t child = fork();
	if (child == 0) {
		doze(50);
		_exit(write(p[1], "x", 1) == 1 ? 0 : 1);
	}
	equal(poll(entries, 3, -1), 1, "poll waits for what another process does");
	equal(entries[0].revents, POLLIN, "and tells which descriptor is ready");
	status_of(child);
	struct timespec none = { 0, 0 }, bad = { 0, -1 };
	equal(ppoll(entries, 1, &none, NULL), 1, "ppoll gives how many are ready");
	fails(ppoll(entries, 1, &bad, NULL), EINVAL, "a negative time gives EINVAL");
	fails(syscall(SYS_poll, entries, 1 << 30, 0), EINVAL, "too many descriptors give EINVAL");
}

static volatile sig_atomic_t handled;

static void handler(int number)
{
	handled = number;
}

CASE(masks_while_waiting)
{
	sigset_t none, set;
	int p[2];
	require(pipe(p) == 0);
	signal(SIGUSR1, handler);
	sigemptyset(&none), sigemptyset(&set), sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	struct pollfd entry = { p[0], POLLIN, 0 };
	fails(ppoll(&entry, 1, NULL, &none), EINTR, "ppoll with another mask takes a pending signal");
	equal(handled, SIGUSR1, "whose handler runs");
	handled = 0;
	raise(SIGUSR1);
	equal(handled, 0, "afterwards the old mask is back");
	fd_set readers;
	FD_ZERO(&readers);
	FD_SET(p[0], &readers);
	fails(pselect(p[0] + 1, &readers, NULL, NULL, NULL, &none), EINTR, "pselect does the same");
	equal(handled, SIGUSR1, "with the handler run");
	raise(SIGUSR1);
	struct epoll_event event;
	fails(epoll_pwait(epoll_create1(0), &event, 1, -1, &none), EINTR, "so does epoll_pwait");
}

CASE(select_call)
{
	int p[2], q[2];
	require(pipe(p) == 0 && pipe(q) == 0 && write(q[1], "x", 1) == 1);
	fd_set readers, writers;
	FD_ZERO(&readers);
	FD_ZERO(&writers);
	FD_SET(p[0], &readers);
	FD_SET(q[0], &readers);
	FD_SET(p[1], &writers);
	struct timeval time = { 5, 0 };
	/* The call itself: the library's select keeps the changed time to itself. */
	equal(syscall(SYS_select, q[1] + 1, &readers, &writers, NULL, &time), 2, "select gives how many are ready over all sets");
	check(FD_ISSET(q[0], &readers) && !FD_ISSET(p[0], &readers) && FD_ISSET(p[1], &writers), "and leaves those in the sets");
	check(time.tv_sec == 4 && time.tv_usec > 0, "and the time that is left, as Linux does");
	FD_ZERO(&readers);
	FD_SET(p[0], &readers);
	time = (struct timeval){ 0, 20000 };
	equal(syscall(SYS_select, p[0] + 1, &readers, NULL, NULL, &time), 0, "select gives 0 when its time is over");
	check(!FD_ISSET(p[0], &readers) && time.tv_sec == 0 && time.tv_usec == 0, "with empty sets and no time left");
	FD_SET(99, &readers);
	fails(select(100, &readers, NULL, NULL, NULL), EBADF, "a closed descriptor gives EBADF");
	fails(select(-1, NULL, NULL, NULL, NULL), EINVAL, "a negative number gives EINVAL");
	time.tv_usec = -1;
	fails(syscall(SYS_select, 0, NULL, NULL, NULL, &time), EINVAL, "a negative time gives EINVAL");
	close(p[1]);
	FD_ZERO(&readers);
	FD_SET(p[0], &readers);
	equal(select(p[0] + 1, &readers, NULL, NULL, NULL), 1, "the end of a pipe is readable");
}

CASE(epoll_sets)
{
	int p[2], queue = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x1122334455667788 }, out[4];
	require(pipe(p) == 0);
	check(queue >= 0, "epoll_create1 makes a descriptor");
	equal(epoll_ctl(queue, EPOLL_CTL_ADD, p[0], &event), 0, "a descriptor can be added");
	fails(epoll_ctl(queue, EPOLL_CTL_ADD, p[0], &event), EEXIST, "but not twice");
	fails(epoll_ctl(queue, EPOLL_CTL_MOD, p[1], &event), ENOENT, "what was not added cannot be changed");
	fails(epoll_ctl(queue, EPOLL_CTL_DEL, p[1], NULL), ENOENT, "nor removed");
	fails(epoll_ctl(queue, EPOLL_CTL_ADD, 99, &event), EBADF, "a closed descriptor gives EBADF");
	fails(epoll_ctl(queue, EPOLL_CTL_ADD, queue, &event), EINVAL, "a set cannot be added to itself");
	make_file("f", "");
	fails(epoll_ctl(queue, EPOLL_CTL_ADD, open("f", O_RDONLY), &event), EPERM, "a regular file gives EPERM");
	equal(epoll_wait(queue, out, 4, 0), 0, "nothing is ready");
	require(write(p[1], "ab", 2) == 2);
	equal(epoll_wait(queue, out, 4, -1), 1, "a byte makes it ready");
	check(out[0].events == EPOLLIN && out[0].data.u64 == event.data.u64, "the events and the caller's data are told");
	equal(epoll_wait(queue, out, 4, 0), 1, "as long as there is something to read");
	event.events = EPOLLIN | EPOLLET;
	equal(epoll_ctl(queue, EPOLL_CTL_MOD, p[0], &event), 0, "it can be made edge-triggered");
	equal(epoll_wait(queue, out, 4, 0), 1, "then it is told once");
	equal(epoll_wait(queue, out, 4, 0), 0, "and not again");
	require(write(p[1], "c", 1) == 1);
	equal(epoll_wait(queue, out, 4, 0), 1, "until more comes");
	event.events = EPOLLIN | EPOLLONESHOT;
	epoll_ctl(queue, EPOLL_CTL_MOD, p[0], &event);
	equal(epoll_wait(queue, out, 4, 0), 1, "EPOLLONESHOT tells once");
	require(write(p[1], "d", 1) == 1);
	equal(epoll_wait(queue, out, 4, 0), 0, "and no more, whatever comes");
	event.events = EPOLLIN;
	epoll_ctl(queue, EPOLL_CTL_MOD, p[0], &event);
	equal(epoll_wait(queue, out, 4, 0), 1, "until it is armed again");
	close(p[1]);
	epoll_wait(queue, out, 4, 0);
	equal(out[0].events, EPOLLIN | EPOLLHUP, "EPOLLHUP is told without being asked for");
	close(p[0]);
	equal(epoll_wait(queue, out, 4, 0), 0, "a closed descriptor leaves the set");
	fails(epoll_wait(queue, out, 0, 0), EINVAL, "asking for no events gives EINVAL");
	int inner = epoll_create1(0), counter = eventfd(1, 0);
	epoll_ctl(inner, EPOLL_CTL_ADD, counter, &event);
	equal(epoll_ctl(queue, EPOLL_CTL_ADD, inner, &event), 0, "a set can be added to another");
	equal(epoll_wait(queue, out, 4, 0), 1, "which is ready when something in it is");
	fails(epoll_ctl(inner, EPOLL_CTL_ADD, queue, &event), ELOOP, "but not in a circle");
	equal(events(queue, POLLIN), POLLIN, "a set can be polled");
}

CASE(epoll_shared)
{
	enum { ROUNDS = 30, WAITERS = 3 };
	int p[2], epoll = epoll_create1(0), told = 0;
	struct epoll_event event = { .events = EPOLLIN };
	require(pipe(p) == 0 && epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, p[0], &event) == 0);
	for (int round = 0; round < ROUNDS; round++) {
		pid_t waiters[WAITERS];
		char byte;
		for (int i = 0; i < WAITERS; i++) {
			waiters[i] = fork();
			if (waiters[i] == 0)
				_exit(epoll_wait(epoll, &event, 1, 3000) == 1 ? 0 : 1);
		}
		doze(5);
		require(write(p[1], "x", 1) == 1);
		for (int i = 0; i < WAITERS; i++)
			told += status_of(waiters[i]) == 0;
		require(read(p[0], &byte, 1) == 1);
	}
	equal(told, ROUNDS * WAITERS, "what stays ready is told to everyone who waits");
}

/* Adds an epoll file to another some time after each round has begun, at once when it wakes. */
struct adder {
	int outer, inner;
	int pipe[2]; /* the times, in nanoseconds */
	int back[2]; /* what came of it */
};

static void *add_when_told(void *argument)
{
	struct adder *adder = argument;
	struct epoll_event event = { .events = EPOLLIN };
	long after;
	while (read(adder->pipe[0], &after, sizeof after) == sizeof after) {
		struct timespec delay = { 0, after };
		nanosleep(&delay, NULL);
		int result = epoll_ctl(adder->outer, EPOLL_CTL_ADD, adder->inner, &event);
		if (write(adder->back[1], &result, sizeof result) != sizeof result)
			break;
	}
	return NULL;
}

static long nanoseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

CASE(epoll_chains_made_at_once)
{
	/* Two chains of three and one file between them: it can be joined to either, not to both. Looking through the entries of the
	 * second chain takes a while, in which the other thread comes; as it is a real-time thread of the same processor, it goes on
	 * in the moment in which the first lets it. */
	enum { ROUNDS = 64, ENTRIES = 3000 };
	int files[7], both = 0, one = 0;
	struct epoll_event event = { .events = EPOLLIN };
	struct rlimit limit = { ENTRIES + 100, ENTRIES + 100 };
	for (int i = 0; i < 7; i++)
		require((files[i] = epoll_create1(0)) >= 0);
	for (int i = 0; i < 6; i++)
		if (i != 2 && i != 3)
			require(epoll_ctl(files[i], EPOLL_CTL_ADD, files[i + 1], &event) == 0);
	require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 0; i < ENTRIES; i++)
		require(epoll_ctl(files[4], EPOLL_CTL_ADD, eventfd(0, 0), &event) == 0);

	unsigned long first = 1;
	struct sched_param priority = { .sched_priority = 1 };
	struct adder adder = { .outer = files[2], .inner = files[3] };
	pthread_t thread;
	require(syscall(SYS_sched_setaffinity, 0, sizeof first, &first) == 0);
	require(pipe(adder.pipe) == 0 && pipe(adder.back) == 0);
	require(pthread_create(&thread, NULL, add_when_told, &adder) == 0);
	require(pthread_setschedparam(thread, SCHED_FIFO, &priority) == 0);
	long shortest = 0;
	for (int i = 0; i < ROUNDS; i++) {
		long begun = nanoseconds();
		require(epoll_ctl(files[3], EPOLL_CTL_ADD, files[4], &event) == 0);
		if (shortest == 0 || nanoseconds() - begun < shortest)
			shortest = nanoseconds() - begun;
		require(epoll_ctl(files[3], EPOLL_CTL_DEL, files[4], NULL) == 0);
		long after = shortest * (i % 16) / 16;
		int other;
		require(write(adder.pipe[1], &after, sizeof after) == sizeof after);
		int own = epoll_ctl(files[3], EPOLL_CTL_ADD, files[4], &event);
		require(read(adder.back[0], &other, sizeof other) == sizeof other);
		both += own == 0 && other == 0;
		one += (own == 0) != (other == 0);
		if (own == 0)
			require(epoll_ctl(files[3], EPOLL_CTL_DEL, files[4], NULL) == 0);
		if (other == 0)
			require(epoll_ctl(files[2], EPOLL_CTL_DEL, files[3], NULL) == 0);
	}
	equal(both, 0, "two threads do not make a chain that neither could make alone");
	equal(one, ROUNDS, "but one of them succeeds");
}

CASE(event_counters)
{
	uint64_t value = 5;
	int fd = eventfd(3, EFD_NONBLOCK);
	check(fd >= 0, "eventfd makes a counter");
	equal(write(fd, &value, 8), 8, "it can be added to");
	equal(read(fd, &value, 8), 8, "and read");
	equal(value, 8, "as the sum");
	fails(read(fd, &value, 8), EAGAIN, "which empties it");
	fails(write(fd, &value, 4), EINVAL, "writing fewer than 8 bytes gives EINVAL");
	value = UINT64_MAX;
	fails(write(fd, &value, 8), EINVAL, "the highest value gives EINVAL");
	value = UINT64_MAX - 1;
	equal(write(fd, &value, 8), 8, "the one below is the most it holds");
	equal(events(fd, POLLIN | POLLOUT), POLLIN, "then it is not writable");
	value = 1;
	fails(write(fd, &value, 8), EAGAIN, "and adding gives EAGAIN");
	fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	require(read(fd, &value, 8) == 8);
	equal(value, 1, "EFD_SEMAPHORE gives one at a time");
	require(read(fd, &value, 8) == 8);
	fails(read(fd, &value, 8), EAGAIN, "until it is empty");
	fails(eventfd(0, 1 << 20), EINVAL, "an unknown flag gives EINVAL");
}

CASE(signal_descriptors)
{
	sigset_t set;
	struct signalfd_siginfo info;
	sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK);
	check(fd >= 0, "signalfd makes a descriptor");
	fails(read(fd, &info, sizeof info), EAGAIN, "without a signal it gives EAGAIN");
	raise(SIGUSR1);
	equal(events(fd, POLLIN), POLLIN, "a pending signal makes it readable");
	equal(read(fd, &info, sizeof info), 128, "a read gives 128 bytes a signal");
	check(info.ssi_signo == SIGUSR1 && info.ssi_pid == (uint32_t)getpid(), "which tell signal and sender");
	sigpending(&set);
	check(!sigismember(&set, SIGUSR1), "the signal is then taken");
	union sigval value = { .sival_int = 42 };
	sigqueue(getpid(), SIGRTMIN, value);
	require(read(fd, &info, sizeof info) == 128);
	equal(info.ssi_int, 42, "and a queued one's value");
	fails(read(fd, &info, 100), EINVAL, "a short buffer gives EINVAL");
}

CASE(sockets)
{
	int s[2], fd;
	char buffer[64];
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	equal(events(s[0], POLLIN | POLLOUT), POLLOUT, "an empty socket is writable");
	require(write(s[1], "text", 4) == 4);
	equal(recv(s[0], buffer, 4, MSG_PEEK), 4, "MSG_PEEK reads");
	equal(read(s[0], buffer, 64), 4, "and leaves what it read");
	equal(shutdown(s[1], SHUT_WR), 0, "a direction can be shut down");
	equal(read(s[0], buffer, 1), 0, "then the other side is at its end");
	equal(write(s[0], "back", 4), 4, "the other direction works on");
	check(events(s[0], POLLIN | POLLRDHUP) & POLLRDHUP, "poll tells POLLRDHUP");
	signal(SIGPIPE, SIG_IGN);
	fails(write(s[1], "x", 1), EPIPE, "writing after a shutdown gives EPIPE");
	require(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	require(write(s[1], "one", 3) == 3 && write(s[1], "three", 5) == 5);
	equal(read(s[0], buffer, 64), 3, "datagrams keep their borders");
	/* A descriptor sent through a socket is the same open file. */
	make_file("f", "contents");
	fd = open("f", O_RDONLY);
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = { 0 };
	struct iovec part = { "m", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	equal(sendmsg(s[1], &message, 0), 1, "a descriptor can be sent");
	part.iov_base = buffer, message.msg_controllen = sizeof control;
	equal(recvmsg(s[0], &message, 0), 1, "and received");
	header = CMSG_FIRSTHDR(&message);
	int received = -1;
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&received, CMSG_DATA(header), sizeof received);
	check(received > fd, "as a new number");
	require(read(received, buffer, 3) == 3);
	equal(lseek(fd, 0, SEEK_CUR), 3, "with the sender's offset");
}

SUITE(RUN(poll_on_pipes), RUN(poll_waits), RUN(masks_while_waiting), RUN(select_call), RUN(epoll_sets), RUN(epoll_shared),
      RUN(epoll_chains_made_at_once),
      RUN(event_counters), RUN(signal_descriptors), RUN(sockets))
