/* Notification of messages that come to an empty POSIX message queue. */
#include "queues.h"
#include <sys/socket.h>

CASE(notification)
{
	int fd = make_queue(NULL);
	char buffer[8192];
	listen_to(SIGUSR1, 0);
	struct queue_event event = { .value = 0x1234567890, .signal = SIGUSR1, .notify = SIGEV_SIGNAL };
	equal(queue_notify(fd, NULL), 0, "no registration can be ended");
	equal(queue_notify(fd, &event), 0, "one is made");
	fails(queue_notify(fd, &event), EBUSY, "a second one not");
	equal(in_child(_exit(queue_notify(fd, &event) == -1 ? errno : 0)), EBUSY, "by nobody");
	equal(in_child(_exit(queue_notify(fd, NULL) == -1 ? errno : 0)), 0, "another may ask for its end");
	fails(queue_notify(fd, &event), EBUSY, "to no effect");
	pid_t sender = fork();
	if (sender == 0) {
		become(12);
		_exit(queue_send(fd, "a", 1, 0, NULL) == 0 ? 0 : 1);
	}
	check(eventually(handled == 1), "a message to an empty queue sends the signal");
	ended_with(sender);
	check(seen.si_code == SI_MESGQ && seen.si_pid == sender && seen.si_uid == 12 && seen.si_errno == 0, "which tells who sent it");
	check(seen.si_value.sival_ptr == (void *)0x1234567890, "and has the value");
	queue_receive(fd, buffer, sizeof buffer, NULL, NULL);
	queue_send(fd, "a", 1, 0, NULL);
	equal(handled, 1, "once");
	equal(queue_notify(fd, &event), 0, "it can be asked for again");
	queue_send(fd, "a", 1, 0, NULL);
	equal(handled, 1, "a message to one that is not empty sends none");
	queue_receive(fd, buffer, sizeof buffer, NULL, NULL);
	queue_receive(fd, buffer, sizeof buffer, NULL, NULL);
	pid_t child = fork();
	if (child == 0)
		_exit(queue_receive(fd, buffer, sizeof buffer, NULL, NULL) == 1 ? 0 : 1);
	require(sleeps(child));
	queue_send(fd, "a", 1, 0, NULL);
	equal(ended_with(child), 0, "who waits gets a message");
	equal(handled, 1, "without a signal to anybody");
	queue_send(fd, "a", 1, 0, NULL);
	equal(handled, 2, "the registration is still there");
	queue_receive(fd, buffer, sizeof buffer, NULL, NULL);
	queue_notify(fd, &event);
	equal(queue_notify(fd, NULL), 0, "who registered ends it");
	queue_send(fd, "a", 1, 0, NULL);
	equal(handled, 2, "then there is no signal");
	queue_receive(fd, buffer, sizeof buffer, NULL, NULL);
	queue_notify(fd, &event);
	close(dup(fd));
	queue_send(fd, "a", 1, 0, NULL);
	equal(handled, 2, "whatever descriptor of the queue is closed ends it");
	queue_receive(fd, buffer, sizeof buffer, NULL, NULL);
	queue_notify(fd, &event);
	in_child(close(fd));
	queue_send(fd, "a", 1, 0, NULL);
	equal(handled, 3, "but not by another process");
	queue_receive(fd, buffer, sizeof buffer, NULL, NULL);
	queue_notify(fd, &event);
	dup2(fd, 40);
	dup2(0, 40);
	equal(queue_notify(fd, &event), 0, "dup2 closes, too");
	event.notify = SIGEV_NONE;
	fails(queue_notify(fd, &event), EBUSY, "other kinds are refused as well");
	queue_notify(fd, NULL);
	equal(queue_notify(fd, &event), 0, "one may register for nothing");
	fails(queue_notify(fd, &event), EBUSY, "which keeps others out");
	queue_send(fd, "a", 1, 0, NULL);
	equal(queue_notify(fd, &event), 0, "until a message comes");
	equal(handled, 3, "without a signal");
	in_child(_exit(0));
	fails(queue_notify(fd, &event), EBUSY, "the end of a child ends nothing of its parent");
}

CASE(notification_errors)
{
	int fd = make_queue(NULL);
	struct queue_event event = { .signal = SIGUSR1, .notify = SIGEV_SIGNAL };
	fails(queue_notify(-1, &event), EBADF, "a queue is needed");
	fails(queue_notify(0, &event), EBADF, "not any file");
	fails(queue_notify(-1, NULL), EBADF, "also for the end");
	fails(queue_notify(-1, (void *)8), EFAULT, "a bad address gives EFAULT");
	event.notify = 3;
	fails(queue_notify(-1, &event), EINVAL, "a kind that there is not gives EINVAL");
	event.notify = SIGEV_THREAD_ID;
	fails(queue_notify(fd, &event), EINVAL, "so does a thread");
	event.notify = SIGEV_SIGNAL;
	event.signal = 65;
	fails(queue_notify(-1, &event), EINVAL, "and a signal that there is not");
	event.signal = -1;
	fails(queue_notify(fd, &event), EINVAL, "below as well");
	event.signal = 0;
	equal(queue_notify(fd, &event), 0, "none is one");
	same(text_of(fd), "QSIZE:0          NOTIFY:0     SIGNO:0     NOTIFY_PID:<me>", "as the file says");
	queue_send(fd, "a", 1, 0, NULL);
	same(text_of(fd), "QSIZE:1          NOTIFY:0     SIGNO:0     NOTIFY_PID:0", "that a message ends");
	event.signal = 99;
	event.notify = SIGEV_NONE;
	equal(queue_notify(fd, &event), 0, "a signal that is not sent may be any");
	same(text_of(fd), "QSIZE:1          NOTIFY:1     SIGNO:0     NOTIFY_PID:<me>", "and is not told");
	queue_notify(fd, NULL);
	event.signal = SIGUSR2;
	event.notify = SIGEV_SIGNAL;
	queue_notify(fd, &event);
	same(text_of(fd), "QSIZE:1          NOTIFY:0     SIGNO:12    NOTIFY_PID:<me>", "one that is, is");
	queue_notify(fd, NULL);
	char cookie[32] = "";
	event.notify = SIGEV_THREAD;
	event.value = 8;
	event.signal = -1;
	fails(queue_notify(-1, &event), EFAULT, "a thread's cookie is read first");
	event.value = (long)cookie;
	fails(queue_notify(-1, &event), EBADF, "then comes the socket's descriptor");
	event.signal = fd;
	fails(queue_notify(-1, &event), ENOTSOCK, "which must be a socket's");
	event.signal = socket(AF_UNIX, SOCK_STREAM, 0);
	fails(queue_notify(-1, &event), EINVAL, "of the kernel's kind");
	const char *name = some_name();
	int out = queue_open(name, O_CREAT | O_WRONLY, 0600, NULL), none = queue_open(name, O_CREAT | O_RDONLY, 0600, NULL);
	require(out >= 0 && none >= 0 && queue_unlink(name) == 0);
	event = (struct queue_event){ .signal = SIGUSR1, .notify = SIGEV_SIGNAL };
	equal(queue_notify(out, &event), 0, "the access mode does not matter");
	equal(queue_notify(none, NULL), 0, "whatever it is");
}

CASE(notified_programs)
{
	const char *name = some_name();
	int fd = queue_open(name, O_CREAT | O_RDWR, 0600, NULL);
	struct queue_event event = { .signal = SIGKILL, .notify = SIGEV_SIGNAL };
	int ends[2];
	require(pipe(ends) == 0 && fd >= 0);
	for (int keeps = 0; keeps < 2; keeps++) {
		pid_t child = fork();
		if (child == 0) {
			queue_notify(fd, &event);
			if (keeps)
				fcntl(fd, F_SETFD, 0);
			fcntl(ends[1], F_SETFD, FD_CLOEXEC);
			close(ends[0]);
			execl("/bin/sleep", "sleep", "1000", NULL);
			_exit(99);
		}
		close(ends[1]);
		char byte;
		equal(read(ends[0], &byte, 1), 0, "a program is executed");
		char wanted[40];
		snprintf(wanted, sizeof wanted, "%d", keeps ? child : 0);
		check(eventually(strcmp(strrchr(text_of(fd), ':') + 1, wanted) == 0),
		      keeps ? "a registration stays with a descriptor that does" : "its registration goes with the descriptor");
		queue_send(fd, "a", 1, 0, NULL);
		equal(kill(child, 0) == 0 && sleeps(child), 1, "and it is sent no signal that the program before asked for");
		same(strrchr(text_of(fd), ':') + 1, "0", "nobody is registered any more");
		char buffer[8192];
		queue_receive(fd, buffer, sizeof buffer, NULL, NULL);
		kill(child, SIGKILL);
		ended_with(child);
		close(ends[0]);
		require(pipe(ends) == 0);
	}
	equal(in_child(_exit(queue_notify(fd, &event) == 0 ? 0 : 1)), 0, "a process registers");
	same(strrchr(text_of(fd), ':') + 1, "0", "which ends with it");
	pid_t child = fork();
	if (child == 0) {
		int second = queue_open(name, O_RDONLY, 0, NULL);
		listen_to(SIGUSR1, 0);
		event.signal = SIGUSR1;
		queue_notify(fd, &event);
		close(fd);
		_exit(queue_send(second, "", 0, 0, NULL) == -1 && errno == EBADF && !handled ? 0 : 1);
	}
	equal(ended_with(child), 0, "a descriptor of another description counts as well");
	queue_unlink(name);
}

SUITE(RUN(notification), RUN(notification_errors), RUN(notified_programs))
