/* POSIX message queues. */
#include "inject.h"

#define NAME "inject"
#define LENGTH 3000
static const struct {
	long flags, messages, bytes, rest[5];
} shape = { .messages = 10, .bytes = LENGTH };
static int queue = -1;
static char text[LENGTH];

static long make_queue(void) { return syscall(SYS_mq_open, NAME, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &shape); }
static long open_queue(void) { return syscall(SYS_mq_open, NAME, O_RDWR, 0, NULL); }
static long unlink_queue(void) { return syscall(SYS_mq_unlink, NAME); }
static int no_queue(void) { return open_queue() == -1 && errno == ENOENT; }
static int made_queue(long result) { return unlink_queue() == 0 && close_it(result); }
static void with_queue(void)
{
	queue = (int)make_queue();
	need(queue != -1);
}
static void without_queue(void)
{
	unlink_queue();
	need(close(queue) == 0);
}
static long queued(void)
{
	long now[8] = { 0 };
	return syscall(SYS_mq_getsetattr, queue, NULL, now) == 0 ? now[3] : 99;
}
static int is_empty(void) { return queued() == 0; }
static int has_one(void) { return queued() == 1; }
static int opened(long result) { return is_empty() && close_it(result); }
static int unlinked(long result) { return result == 0 && no_queue(); }
static int still_named(void)
{
	long fd = open_queue();
	return fd != -1 && close_it(fd);
}
static long send(void) { return syscall(SYS_mq_timedsend, queue, text, LENGTH, 7, NULL); }
static int sent(long result) { return result == 0 && has_one(); }
static void with_message(void)
{
	with_queue();
	need(send() == 0);
}
static long receive(void) { return syscall(SYS_mq_timedreceive, queue, text, LENGTH, NULL, NULL); }
static int received(long result) { return result == LENGTH && is_empty(); }
static long enlist(void)
{
	int event[16] = { [3] = 1 /* SIGEV_NONE */ };
	return syscall(SYS_mq_notify, queue, event);
}
static int enlisted(long result) { return result == 0 && enlist() == -1 && errno == EBUSY; }

const struct scenario queues[] = {
	{ "mq_open of a new queue", NULL, make_queue, no_queue, made_queue, NULL, 0, { ENFILE } },
	{ "mq_open", with_queue, open_queue, is_empty, opened, without_queue, 0, { ENFILE } },
	{ "mq_unlink", with_queue, unlink_queue, still_named, unlinked, without_queue, 0, { 0 } },
	{ "mq_timedsend", with_queue, send, is_empty, sent, without_queue, 0, { 0 } },
	{ "mq_timedreceive", with_message, receive, has_one, received, without_queue, FREE, { 0 } },
	{ "mq_notify", with_queue, enlist, is_empty, enlisted, without_queue, FREE, { 0 } },
	{ 0 },
};
