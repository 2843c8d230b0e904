/* poll, select, epoll, inotify, timers as files. */
#include "inject.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <time.h>

#define MANY 40
static int ends[MANY];
static int set = -1, other = -1, third = -1, fourth = -1;

static void with_events(void)
{
	for (int i = 0; i < MANY; i++) {
		ends[i] = eventfd(1, 0);
		need(ends[i] != -1);
	}
}
static void without_events(void)
{
	for (int i = 0; i < MANY; i++)
		close(ends[i]);
}
static long make_set(void) { return epoll_create1(0); }
static void with_set(void)
{
	with_events();
	set = epoll_create1(0);
	other = epoll_create1(0);
	third = epoll_create1(0);
	fourth = epoll_create1(0);
	need(set != -1 && other != -1 && third != -1 && fourth != -1);
}
static void without_set(void)
{
	close(set);
	close(other);
	close(third);
	close(fourth);
	without_events();
}
static int add_to(int to, int fd)
{
	struct epoll_event event = { EPOLLIN, { .fd = fd } };
	return epoll_ctl(to, EPOLL_CTL_ADD, fd, &event);
}
static long add(void) { return add_to(set, ends[0]); }
static struct epoll_event got[MANY];
static int ready(int fd) { return epoll_wait(fd, got, MANY, 0); }
static int nothing_added(void) { return ready(set) == 0 && epoll_ctl(set, EPOLL_CTL_DEL, ends[0], NULL) == -1 && errno == ENOENT; }
static int added(long result) { return result == 0 && ready(set) == 1; }
static void with_nested(void)
{
	with_set();
	need(add_to(other, third) == 0 && add_to(fourth, set) == 0);
}
static long nest(void) { return add_to(set, other); }
static int nothing_nested(void) { return epoll_ctl(set, EPOLL_CTL_DEL, other, NULL) == -1 && errno == ENOENT; }
static int nested(long result) { return result == 0 && add_to(other, ends[0]) == 0 && ready(set) == 1; }
static void with_full_set(void)
{
	with_set();
	for (int i = 0; i < MANY; i++)
		need(add_to(set, ends[i]) == 0);
}
static int all_ready(void) { return ready(set) == MANY; }
static long change(void)
{
	struct epoll_event event = { EPOLLOUT, { .fd = 7 } };
	return epoll_ctl(set, EPOLL_CTL_MOD, ends[3], &event);
}
static int was_changed(long result)
{
	int found = 0;
	if (ready(set) != MANY)
		return 0;
	for (int i = 0; i < MANY; i++)
		found += got[i].events == EPOLLOUT && got[i].data.fd == 7;
	return result == 0 && found == 1;
}
static void with_idle(void)
{
	with_events();
	for (int i = 0; i < MANY; i++) {
		uint64_t value;
		need(read(ends[i], &value, 8) == 8);
	}
}
static struct pollfd asked[MANY];
static void ask(void)
{
	for (int i = 0; i < MANY; i++)
		asked[i] = (struct pollfd){ ends[i], POLLIN, 0 };
}
static long poll_all(void)
{
	ask();
	return poll(asked, MANY, 0);
}
static int many(long result) { return result == MANY; }
static long poll_idle(void)
{
	ask();
	return poll(asked, MANY, 1);
}
static long select_all(void)
{
	fd_set read;
	FD_ZERO(&read);
	for (int i = 0; i < MANY; i++)
		FD_SET(ends[i], &read);
	struct timeval moment = { 0, 1000 };
	return select(1024, &read, NULL, NULL, &moment);
}

/* inotify. */
static int watch_fd = -1;
static long make_watcher(void) { return inotify_init1(IN_NONBLOCK); }
static void with_watcher(void)
{
	watch_fd = inotify_init1(IN_NONBLOCK);
	need(watch_fd != -1 && mkdir("watched", 0755) == 0);
}
static void without_watcher(void)
{
	close(watch_fd);
	need(rmdir("watched") == 0);
}
static long watch(void) { return inotify_add_watch(watch_fd, "watched", IN_ALL_EVENTS); }
static char events[8192];
static int no_event(void)
{
	put("watched/file", "");
	need(unlink("watched/file") == 0);
	return read(watch_fd, events, sizeof events) == -1 && errno == EAGAIN;
}
static int watched(long result)
{
	put("watched/file", "");
	need(unlink("watched/file") == 0);
	return result > 0 && read(watch_fd, events, sizeof events) > 0 && inotify_rm_watch(watch_fd, (int)result) == 0;
}
static void with_watch(void)
{
	with_watcher();
	put("watched/before", "x");
	need(watch() > 0);
	/* As many as fill the queue nearly. */
	for (int i = 0; i < 3; i++)
		need(chmod("watched/before", 0600) == 0 && chmod("watched", 0755) == 0);
}
static void without_watch(void)
{
	need(unlink("watched/before") == 0);
	without_watcher();
}
static long make_event(void) { return rename("watched/before", "watched/made-of-a-longer-name"); }
static int before_there(void) { return is_there("watched/before") && !is_there("watched/made-of-a-longer-name"); }
/* An event that finds no memory is told of as lost. */
static int event_made(long result)
{
	int found = 0;
	ssize_t n = read(watch_fd, events, sizeof events);
	for (ssize_t at = 0; at < n;) {
		struct inotify_event *event = (struct inotify_event *)(events + at);
		found |= (event->mask & IN_Q_OVERFLOW) || (event->len && strcmp(event->name, "made-of-a-longer-name") == 0);
		at += (ssize_t)(sizeof *event + event->len);
	}
	return result == 0 && found && rename("watched/made-of-a-longer-name", "watched/before") == 0;
}

/* Timers and signals as files. */
static long make_timer(void) { return timerfd_create(CLOCK_MONOTONIC, 0); }
static void with_timer(void)
{
	other = timerfd_create(CLOCK_MONOTONIC, 0);
	need(other != -1);
}
static void without_timer(void) { close(other); }
static long set_timer(void)
{
	struct itimerspec soon = { .it_value = { 0, 1000 } };
	return timerfd_settime(other, 0, &soon, NULL);
}
static int timer_fired(long result)
{
	uint64_t times = 0;
	return result == 0 && read(other, &times, 8) == 8 && times == 1;
}

const struct scenario waiting[] = {
	{ "epoll_create1", NULL, make_set, NULL, close_it, NULL, 0, { ENFILE } },
	{ "epoll_ctl EPOLL_CTL_ADD", with_set, add, nothing_added, added, without_set, 0, { ENOSPC } },
	{ "epoll_ctl EPOLL_CTL_ADD of an epoll file", with_nested, nest, nothing_nested, nested, without_set, 0, { ENOSPC } },
	{ "epoll_ctl EPOLL_CTL_MOD", with_full_set, change, all_ready, was_changed, without_set, 0, { 0 } },
	{ "poll", with_events, poll_all, NULL, many, without_events, 0, { 0 } },
	{ "poll that waits", with_idle, poll_idle, NULL, is_zero, without_events, 0, { 0 } },
	{ "select", with_events, select_all, NULL, many, without_events, 0, { 0 } },
	{ "select that waits", with_idle, select_all, NULL, is_zero, without_events, 0, { 0 } },
	{ "inotify_init1", NULL, make_watcher, NULL, close_it, NULL, 0, { ENFILE, EMFILE } },
	{ "inotify_add_watch", with_watcher, watch, no_event, watched, without_watcher, 0, { ENOSPC } },
	{ "rename that is watched", with_watch, make_event, before_there, event_made, without_watch, 0, { 0 } },
	{ "timerfd_create", NULL, make_timer, NULL, close_it, NULL, 0, { ENFILE } },
	{ "timerfd_settime", with_timer, set_timer, NULL, timer_fired, without_timer, FREE, { 0 } },
	{ 0 },
};
