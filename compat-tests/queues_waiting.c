/* Waiting for POSIX message queues: interruptions, who is served first, what is handed over, polling. */
#include "queues.h"
#include <poll.h>
#include <sched.h>

CASE(interruptions)
{
	struct queue_attr attr = { .maxmsg = 1, .msgsize = 10 };
	int fd = make_queue(&attr);
	char buffer[10];
	int status[2];
	require(pipe(status) == 0);
	for (int restarts = 0; restarts < 2; restarts++) {
		pid_t child = fork();
		if (child == 0) {
			listen_to(SIGUSR1, restarts ? SA_RESTART : 0);
			write(status[1], "", 1);
			_exit(queue_receive(fd, buffer, 10, NULL, restarts ? NULL : from_now(30000)) == -1 ? errno : handled ? 0 : 1);
		}
		read(status[0], buffer, 1);
		check(sleeps(child), "a receiver waits");
		kill(child, SIGUSR1);
		if (restarts) {
			check(sleeps(child), "and goes on waiting after a handler with SA_RESTART");
			queue_send(fd, "a", 1, 0, NULL);
		}
		equal(ended_with(child), restarts ? 0 : EINTR, restarts ? "until a message comes" : "a handler without it ends the wait");
	}
	queue_send(fd, "full", 4, 0, NULL);
	for (int restarts = 0; restarts < 2; restarts++) {
		pid_t child = fork();
		if (child == 0) {
			listen_to(SIGUSR1, restarts ? SA_RESTART : 0);
			write(status[1], "", 1);
			_exit(queue_send(fd, "more", 4, 0, restarts ? NULL : from_now(30000)) == -1 ? errno : handled ? 0 : 1);
		}
		read(status[0], buffer, 1);
		check(sleeps(child), "a sender waits");
		kill(child, SIGUSR1);
		if (restarts) {
			check(sleeps(child), "and goes on waiting after a handler with SA_RESTART");
			equal(queue_receive(fd, buffer, 10, NULL, NULL), 4, "until there is room");
		}
		equal(ended_with(child), restarts ? 0 : EINTR, restarts ? "which it then has" : "a handler without it ends the wait");
		equal(waiting_in(fd), 1, "one message is there");
	}
	pid_t child = fork();
	if (child == 0)
		_exit(queue_send(fd, "more", 4, 0, from_now(400)) == -1 ? errno : 0);
	sleeps(child);
	kill(child, SIGSTOP);
	waitpid(child, NULL, WUNTRACED);
	kill(child, SIGCONT);
	equal(ended_with(child), ETIMEDOUT, "after a stop the time is the one that was given");
	child = fork();
	if (child == 0)
		_exit(queue_send(fd, "more", 4, 0, NULL) == -1 ? errno : 0);
	sleeps(child);
	kill(child, SIGKILL);
	equal(ended_with(child), 128 + SIGKILL, "who waits can be killed");
	queue_receive(fd, buffer, 10, NULL, NULL);
	equal(waiting_in(fd), 0, "and sends nothing any more");
}

/* SCHED_FIFO with this priority; 0: as before. The C library's function does nothing. */
static void be_urgent(int priority)
{
	if (priority && syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &priority) != 0)
		_exit(98);
}

static int entered(int fd, char *buffer, int priority)
{
	be_urgent(priority);
	return queue_receive(fd, buffer, 10, NULL, NULL) == 1 ? buffer[0] : 97;
}

CASE(order_of_receivers)
{
	struct queue_attr attr = { .maxmsg = 4, .msgsize = 10 };
	int fd = make_queue(&attr);
	static const int priorities[] = { 0, 0, 30, 20, 30 };
	static const int turn[] = { 3, 4, 0, 2, 1 };
	pid_t children[5];
	char buffer[10];
	for (int i = 0; i < 5; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(entered(fd, buffer, priorities[i]));
		require(sleeps(children[i]));
	}
	for (int i = 0; i < 5; i++) {
		char text = (char)('a' + i);
		queue_send(fd, &text, 1, 0, NULL);
	}
	for (int i = 0; i < 5; i++)
		equal(ended_with(children[i]), 'a' + turn[i], "receivers are served by priority, and of equal ones who came first");
	pid_t nice_one = fork();
	if (nice_one == 0) {
		nice(10);
		_exit(entered(fd, buffer, 0));
	}
	require(sleeps(nice_one));
	pid_t plain = fork();
	if (plain == 0)
		_exit(entered(fd, buffer, 0));
	require(sleeps(plain));
	queue_send(fd, "x", 1, 0, NULL);
	queue_send(fd, "y", 1, 0, NULL);
	equal(ended_with(plain), 'x', "a nice value counts, too");
	equal(ended_with(nice_one), 'y', "who is nice comes later");
}

CASE(order_of_senders)
{
	struct queue_attr attr = { .maxmsg = 1, .msgsize = 10 };
	int fd = make_queue(&attr);
	static const int priorities[] = { 0, 20, 40, 20 };
	char buffer[10] = "";
	queue_send(fd, "0", 1, 9, NULL);
	pid_t children[4];
	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			be_urgent(priorities[i]);
			char text = (char)('a' + i);
			_exit(queue_send(fd, &text, 1, i == 0 ? 1000 : 0, NULL) == 0 ? 0 : 1);
		}
		require(sleeps(children[i]));
	}
	char all[6] = "";
	for (int i = 0; i < 5; i++) {
		queue_receive(fd, buffer, 10, NULL, NULL);
		all[i] = buffer[0];
	}
	same(all, "0cbda", "senders enter by their own priority, not that of what they send");
	for (int i = 0; i < 4; i++)
		equal(ended_with(children[i]), 0, "all are served");
}

CASE(handing_over)
{
	struct queue_attr attr = { .maxmsg = 2, .msgsize = 10 };
	int fd = make_queue(&attr);
	char buffer[10];
	pid_t child = fork();
	if (child == 0)
		_exit(queue_receive(fd, buffer, 10, NULL, NULL) == 4 ? 0 : 1);
	require(sleeps(child));
	kill(child, SIGSTOP);
	waitpid(child, NULL, WUNTRACED);
	queue_send(fd, "mine", 4, 0, NULL);
	equal(waiting_in(fd), 1, "who is stopped does not wait");
	kill(child, SIGCONT);
	equal(ended_with(child), 0, "but goes on");
	child = fork();
	if (child == 0)
		_exit(queue_receive(fd, buffer, 10, NULL, NULL) == 4 ? 0 : 1);
	require(sleeps(child));
	struct pollfd asked = { fd, POLLIN, 0 };
	pid_t thief = fork();
	if (thief == 0) {
		int stolen = 0;
		for (int i = 0; i < 200; i++)
			stolen += queue_receive(fd, buffer, 10, NULL, from_now(-1)) != -1;
		_exit(stolen);
	}
	queue_send(fd, "mine", 4, 0, NULL);
	equal(poll(&asked, 1, 0), 0, "what is handed over was never in the queue");
	equal(ended_with(child), 0, "who waited has it");
	equal(ended_with(thief), 0, "and nobody else");
}

CASE(traffic)
{
	enum { SENDERS = 4, RECEIVERS = 3, EACH = 300 };
	struct queue_attr attr = { .maxmsg = 2, .msgsize = sizeof(int) };
	int fd = make_queue(&attr), sums[2];
	require(pipe(sums) == 0);
	pid_t receivers[RECEIVERS], senders[SENDERS];
	listen_to(SIGUSR1, 0);
	for (int i = 0; i < RECEIVERS; i++) {
		receivers[i] = fork();
		if (receivers[i] == 0) {
			int got[2] = { 0, 0 };
			for (;;) {
				int number;
				ssize_t length = queue_receive(fd, (char *)&number, sizeof number, NULL, from_now(i == 0 ? 1 : 60000));
				if (length == -1 && (errno == ETIMEDOUT || errno == EINTR))
					continue;
				if (length != sizeof number)
					_exit(1);
				if (number < 0)
					break;
				got[0]++, got[1] += number;
			}
			write(sums[1], got, sizeof got);
			_exit(0);
		}
	}
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = fork();
		if (senders[i] == 0) {
			for (int number = 0; number < EACH;) {
				if (queue_send(fd, (char *)&number, sizeof number, number % 3, from_now(i == 0 ? 1 : 60000)) == 0)
					number++;
				else if (errno != ETIMEDOUT && errno != EINTR)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 100; i++, doze(1))
		kill(i % 2 ? senders[i % SENDERS] : receivers[i % RECEIVERS], SIGUSR1);
	for (int i = 0; i < SENDERS; i++)
		equal(ended_with(senders[i]), 0, "everybody sends all there is, through signals and timeouts");
	int all[2] = { 0, 0 };
	for (int i = 0; i < RECEIVERS; i++)
		queue_send(fd, (char *)&(int){ -1 }, sizeof(int), 0, NULL);
	for (int i = 0; i < RECEIVERS; i++) {
		int got[2] = { 0, 0 };
		equal(ended_with(receivers[i]), 0, "everybody receives until the end");
		read(sums[0], got, sizeof got);
		all[0] += got[0], all[1] += got[1];
	}
	equal(all[0], SENDERS * EACH, "each message was received once");
	equal(all[1], SENDERS * (EACH * (EACH - 1) / 2), "and was the one that was sent");
}

CASE(polling)
{
	struct queue_attr attr = { .maxmsg = 1, .msgsize = 10 };
	int fd = make_queue(&attr);
	char buffer[10];
	struct pollfd asked = { fd, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, 0 };
	check(poll(&asked, 1, 0) == 1 && asked.revents == (POLLOUT | POLLWRNORM), "an empty queue is writable");
	queue_send(fd, "a", 1, 0, NULL);
	check(poll(&asked, 1, 0) == 1 && asked.revents == (POLLIN | POLLRDNORM), "a full one is readable");
	int both = make_queue(NULL);
	queue_send(both, "a", 1, 0, NULL);
	asked.fd = both;
	check(poll(&asked, 1, 0) == 1 && asked.revents == (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM), "one in between is both");
	pid_t child = fork();
	if (child == 0) {
		struct pollfd one = { fd, POLLOUT, 0 };
		_exit(poll(&one, 1, -1) == 1 && one.revents == POLLOUT ? 0 : 1);
	}
	require(sleeps(child));
	queue_receive(fd, buffer, 10, NULL, NULL);
	equal(ended_with(child), 0, "poll waits for room");
	child = fork();
	if (child == 0) {
		fd_set set;
		FD_ZERO(&set);
		FD_SET(fd, &set);
		_exit(select(fd + 1, &set, NULL, NULL, NULL) == 1 && FD_ISSET(fd, &set) ? 0 : 1);
	}
	require(sleeps(child));
	queue_send(fd, "a", 1, 0, NULL);
	equal(ended_with(child), 0, "select waits for a message");
	int set = epoll_create1(0);
	struct epoll_event event = { EPOLLIN | EPOLLET, { .u32 = 7 } }, got[2];
	equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0, "epoll takes queues");
	check(epoll_wait(set, got, 2, 0) == 1 && got[0].events == EPOLLIN, "and tells of a message");
	equal(epoll_wait(set, got, 2, 0), 0, "once");
	queue_receive(fd, buffer, 10, NULL, NULL);
	equal(epoll_wait(set, got, 2, 0), 0, "not when it is gone");
	queue_send(fd, "b", 1, 0, NULL);
	equal(epoll_wait(set, got, 2, 1000), 1, "and again of the next");
	event.events = EPOLLOUT | EPOLLET;
	equal(epoll_ctl(set, EPOLL_CTL_ADD, both, &event), 0, "another waits for room");
	equal(epoll_wait(set, got, 2, 0), 1, "that there is");
	queue_send(both, "b", 1, 0, NULL);
	equal(epoll_wait(set, got, 2, 0), 1, "each message is an event for both sides");
}

SUITE(RUN(interruptions), RUN(order_of_receivers), RUN(order_of_senders), RUN(handing_over), RUN(traffic), RUN(polling))
