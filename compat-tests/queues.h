/* POSIX message queues by their bare calls: a C library takes a slash off the name, and other liberties. */
#ifndef QUEUES_H
#define QUEUES_H

#include "tap.h"
#include <sys/epoll.h>
#include <sys/select.h>

struct queue_attr {
	long flags, maxmsg, msgsize, curmsgs, reserved[4];
};

/* The kernel's sigevent. */
struct queue_event {
	long value;
	int signal, notify, rest[12];
};

#ifndef SIGEV_THREAD_ID
#define SIGEV_THREAD_ID 4
#endif

static UNUSED int queue_open(const char *name, int flags, unsigned mode, const struct queue_attr *attr)
{
	return (int)syscall(SYS_mq_open, name, flags, mode, attr);
}

static UNUSED int queue_unlink(const char *name)
{
	return (int)syscall(SYS_mq_unlink, name);
}

static UNUSED int queue_send(int fd, const char *text, size_t length, unsigned priority, const struct timespec *until)
{
	return (int)syscall(SYS_mq_timedsend, fd, text, length, priority, until);
}

static UNUSED ssize_t queue_receive(int fd, char *buffer, size_t length, unsigned *priority, const struct timespec *until)
{
	return syscall(SYS_mq_timedreceive, fd, buffer, length, priority, until);
}

static UNUSED int queue_notify(int fd, const struct queue_event *event)
{
	return (int)syscall(SYS_mq_notify, fd, event);
}

static UNUSED int queue_attributes(int fd, const struct queue_attr *new, struct queue_attr *old)
{
	return (int)syscall(SYS_mq_getsetattr, fd, new, old);
}

static UNUSED const char *some_name(void)
{
	static char name[40];
	snprintf(name, sizeof name, "test-%d", getpid());
	return name;
}

/* A new queue that has no name any more; ends the case when it cannot be had. */
static UNUSED int make_queue(const struct queue_attr *attr)
{
	const char *name = some_name();
	int fd = queue_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, attr);
	require(fd >= 0);
	require(queue_unlink(name) == 0);
	return fd;
}

/* How many messages are in a queue. */
static UNUSED long waiting_in(int fd)
{
	struct queue_attr attr = { .curmsgs = -1 };
	queue_attributes(fd, NULL, &attr);
	return attr.curmsgs;
}

/* A point in time so many milliseconds from now. */
static UNUSED const struct timespec *from_now(int milliseconds)
{
	static struct timespec at;
	clock_gettime(CLOCK_REALTIME, &at);
	long long nanoseconds = at.tv_sec * 1000000000LL + at.tv_nsec + milliseconds * 1000000LL;
	at = (struct timespec){ nanoseconds / 1000000000, nanoseconds % 1000000000 };
	return &at;
}

/* What a queue's file says, without the blanks at its end; this process's number stands as <me>. */
static UNUSED const char *text_of(int fd)
{
	static char text[100];
	ssize_t length = pread(fd, text, sizeof text - 1, 0);
	text[length < 0 ? 0 : length] = 0;
	for (size_t end = strlen(text); end > 0 && (text[end - 1] == '\n' || text[end - 1] == ' '); end--)
		text[end - 1] = 0;
	char *number = strrchr(text, ':');
	if (number && atoi(number + 1) == getpid())
		strcpy(number + 1, "<me>");
	return text;
}

static UNUSED void become(unsigned id)
{
	if (setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0)
		_exit(99);
}

/* What a handler has seen: how many signals, and the last one. */
static UNUSED volatile int handled;
static UNUSED siginfo_t seen;

static UNUSED void handle(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	seen = *info;
	handled++;
}

static UNUSED void listen_to(int signal, int flags)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | flags };
	action.sa_sigaction = handle;
	require(sigaction(signal, &action, NULL) == 0);
}

#endif
