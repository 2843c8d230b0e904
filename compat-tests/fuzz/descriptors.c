/* Descriptors of every kind, at numbers of their own: made anew where a call has closed or replaced them, and now and then anyway. */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* Where the kinds begin; some have a second descriptor, a pipe's other end or a socket's peer. */
enum slot {
	FILE_ = 40, HERE, NULL_, ZERO, PIPE_OUT, PIPE_IN, OTHER_OUT, OTHER_IN, SOCKET, PEER, DATAGRAM, DATAGRAM_PEER, LISTENER, CALLER, FRESH, EVENT, TIMER, EPOLL,
	INOTIFY, SIGNALS, MEMORY, PROCESS, TERMINAL, PROC, LISTING, ATTRIBUTED, SPARE, WATCHED, QUEUE, CONTEXT, MADE, TREE, SLOTS, HIGH = 300,
};

static int is_open(long fd)
{
	return raw(SYS_fcntl, fd, F_GETFD) >= 0;
}

/* Whether the descriptor there will do. */
static int keep(struct context *c, enum slot slot)
{
	return draw(c) % 8 && is_open(slot);
}

static uint64_t put(long fd, enum slot slot)
{
	if (fd >= 0 && fd != (long)slot) {
		raw(SYS_dup2, fd, slot);
		raw(SYS_close, fd);
	}
	return slot;
}

static long blocking(struct context *c)
{
	return draw(c) % 8 ? O_NONBLOCK : 0;
}

static uint64_t opened(struct context *c, enum slot slot, const char *path, long flags)
{
	return keep(c, slot) ? slot : put(raw(SYS_open, path, flags | blocking(c) | O_NOCTTY, 0666), slot);
}

static uint64_t file(struct context *c)
{
	return opened(c, FILE_, draw(c) % 2 ? "a" : "b", O_RDWR | O_CREAT);
}

static uint64_t here(struct context *c)
{
	return opened(c, HERE, ".", O_RDONLY | O_DIRECTORY);
}

static uint64_t null(struct context *c)
{
	return opened(c, NULL_, "/dev/null", O_RDWR);
}

static uint64_t zero(struct context *c)
{
	return opened(c, ZERO, "/dev/zero", O_RDWR);
}

static uint64_t terminal(struct context *c)
{
	return opened(c, TERMINAL, "/dev/ptmx", O_RDWR);
}

static uint64_t proc(struct context *c)
{
	static const char *const paths[] = { "/proc/self/status", "/proc/self/maps", "/proc/self/mountinfo", "/proc/self/cmdline", "/proc/meminfo",
					     "/proc/stat", "/proc/locks", "/proc/self/limits", "/proc/self/smaps", "/proc/net/unix", "/proc/self/comm" };
	raw(SYS_close, PROC);
	return opened(c, PROC, paths[draw(c) % (sizeof paths / sizeof *paths)], O_RDONLY);
}

static uint64_t listing(struct context *c)
{
	static const char *const paths[] = { ".", "/", "/proc/self", "/proc/self/fd", "/proc", "/proc/self/task", "/dev" };
	raw(SYS_close, LISTING);
	return opened(c, LISTING, paths[draw(c) % (sizeof paths / sizeof *paths)], O_RDONLY | O_DIRECTORY);
}

static void make_pipe(struct context *c)
{
	int fd[2];
	if (keep(c, PIPE_OUT) && is_open(PIPE_IN))
		return;
	if (raw(SYS_pipe2, fd, blocking(c)) == 0)
		put(fd[0], PIPE_OUT), put(fd[1], PIPE_IN);
}

static uint64_t pipe_in(struct context *c)
{
	make_pipe(c);
	return PIPE_IN;
}

/* With something in it, unless it is full. */
static uint64_t pipe_out(struct context *c)
{
	make_pipe(c);
	raw(SYS_fcntl, PIPE_IN, F_SETFL, O_NONBLOCK);
	raw(SYS_write, PIPE_IN, "what is in a pipe", 17);
	return PIPE_OUT;
}

/* Of a pipe that is not the one above. */
/* A file system that is being described. */
static uint64_t context(struct context *c)
{
	return draw(c) % 2 && keep(c, CONTEXT) ? CONTEXT : put(raw(SYS_fsopen, "tmpfs", 0), CONTEXT);
}

/* One that is made. */
static uint64_t made(struct context *c)
{
	(void)c;
	long fd = raw(SYS_fsopen, "tmpfs", 0);
	raw(SYS_fsconfig, fd, 6, 0, 0, 0);
	return put(fd, MADE);
}

/* One that is mounted nowhere. */
static uint64_t tree(struct context *c)
{
	return put(raw(SYS_fsmount, made(c), 0, 0), TREE);
}

static uint64_t other_in(struct context *c)
{
	int fd[2];
	if ((!keep(c, OTHER_OUT) || !is_open(OTHER_IN)) && raw(SYS_pipe2, fd, blocking(c)) == 0)
		put(fd[0], OTHER_OUT), put(fd[1], OTHER_IN);
	return OTHER_IN;
}

static uint64_t pair(struct context *c, enum slot slot, long kind)
{
	int fd[2];
	if (!keep(c, slot) || !is_open(slot + 1))
		if (raw(SYS_socketpair, AF_UNIX, kind | (draw(c) % 8 ? SOCK_NONBLOCK : 0), 0, fd) == 0)
			put(fd[0], slot), put(fd[1], slot + 1);
	raw(SYS_sendto, slot + 1, "what came by a socket", 21, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
	return slot;
}

static uint64_t stream(struct context *c)
{
	return pair(c, SOCKET, draw(c) % 4 ? SOCK_STREAM : SOCK_SEQPACKET);
}

static uint64_t datagram(struct context *c)
{
	return pair(c, DATAGRAM, SOCK_DGRAM);
}

static uint64_t address(struct context *c, const char *path)
{
	struct sockaddr_un *address = (struct sockaddr_un *)take_page(c);
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	strcpy(address->sun_path, path);
	return (uint64_t)address;
}

static uint64_t new_address(struct context *c)
{
	raw(SYS_unlink, "t");
	return address(c, "t");
}

static uint64_t listener(struct context *c)
{
	if (keep(c, LISTENER))
		return LISTENER;
	long fd = raw(SYS_socket, AF_UNIX, SOCK_STREAM | (draw(c) % 8 ? SOCK_NONBLOCK : 0), 0);
	raw(SYS_unlink, "s");
	raw(SYS_bind, fd, address(c, "s"), sizeof(struct sockaddr_un));
	raw(SYS_listen, fd, 4);
	return put(fd, LISTENER);
}

static uint64_t listening_address(struct context *c)
{
	listener(c);
	return address(c, "s");
}

static uint64_t pending(struct context *c)
{
	listener(c);
	put(raw(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), CALLER);
	raw(SYS_connect, CALLER, address(c, "s"), sizeof(struct sockaddr_un));
	return LISTENER;
}

static uint64_t bound_address(struct context *c)
{
	long fd = raw(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	raw(SYS_unlink, "g");
	raw(SYS_bind, fd, address(c, "g"), sizeof(struct sockaddr_un));
	put(fd, DATAGRAM);
	return address(c, "g");
}

static uint64_t address_length(struct context *c)
{
	(void)c;
	return offsetof(struct sockaddr_un, sun_path) + 2;
}

static uint64_t fresh(struct context *c)
{
	return put(raw(SYS_socket, AF_UNIX, (draw(c) % 4 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0), FRESH);
}

static uint64_t event(struct context *c)
{
	return keep(c, EVENT) ? EVENT : put(raw(SYS_eventfd2, 1, blocking(c)), EVENT);
}

static uint64_t timer(struct context *c)
{
	return keep(c, TIMER) ? TIMER : put(raw(SYS_timerfd_create, 1, blocking(c)), TIMER);
}

static uint64_t epoll(struct context *c)
{
	return keep(c, EPOLL) ? EPOLL : put(raw(SYS_epoll_create1, 0), EPOLL);
}

/* A pipe that the epoll descriptor watches, for changing and removing. */
static uint64_t watched(struct context *c)
{
	struct {
		uint32_t events;
		uint64_t data;
	} __attribute__((packed)) wanted = { 1, 7 };
	make_pipe(c);
	epoll(c);
	raw(SYS_epoll_ctl, EPOLL, 1, PIPE_OUT, &wanted);
	return PIPE_OUT;
}

static uint64_t inotify(struct context *c)
{
	return keep(c, INOTIFY) ? INOTIFY : put(raw(SYS_inotify_init1, blocking(c)), INOTIFY);
}

static uint64_t watch(struct context *c)
{
	return raw(SYS_inotify_add_watch, inotify(c), "a", 0xfff);
}

static uint64_t signals(struct context *c)
{
	uint64_t set = 1ull << 11;
	return keep(c, SIGNALS) ? SIGNALS : put(raw(SYS_signalfd4, -1, &set, 8, O_NONBLOCK), SIGNALS);
}

static uint64_t memory(struct context *c)
{
	if (keep(c, MEMORY))
		return MEMORY;
	long fd = raw(SYS_memfd_create, "m", 2);
	raw(SYS_ftruncate, fd, 2 * PAGE);
	return put(fd, MEMORY);
}

static uint64_t process(struct context *c)
{
	return keep(c, PROCESS) ? PROCESS : put(raw(SYS_pidfd_open, draw(c) % 2 && c->child ? c->child : c->pid, 0), PROCESS);
}

static uint64_t attributed(struct context *c)
{
	opened(c, ATTRIBUTED, "a", O_RDWR | O_CREAT);
	raw(SYS_fsetxattr, ATTRIBUTED, "trusted.a", "value", 5, 0);
	return ATTRIBUTED;
}

static uint64_t message_queue(struct context *c)
{
	const char *name = c->root ? "q" : "u";
	long attributes[8] = { 0, 4, 64 };
	return keep(c, QUEUE) ? QUEUE : put(raw(SYS_mq_open, name, O_CREAT | O_RDWR | blocking(c), 0666, attributes), QUEUE);
}

/* With a message in it, and one with room for another. */
static uint64_t full_queue(struct context *c)
{
	uint64_t past[2] = { 1, 0 };
	raw(SYS_mq_timedsend, message_queue(c), "a message", 9, draw(c) % 4, past);
	return QUEUE;
}

static uint64_t empty_queue(struct context *c)
{
	uint64_t past[2] = { 1, 0 };
	raw(SYS_mq_timedreceive, message_queue(c), take_page(c), PAGE, 0, past);
	return QUEUE;
}

static uint64_t spare(struct context *c)
{
	any_descriptor(c);
	raw(SYS_dup2, 40 + draw(c) % (SLOTS - FILE_), SPARE);
	if (!is_open(SPARE))
		raw(SYS_dup2, null(c), SPARE);
	return SPARE;
}

static uint64_t unused(struct context *c)
{
	return HIGH + 20 + draw(c) % 32;
}

static uint64_t high(struct context *c)
{
	return HIGH + draw(c) % 32;
}

static uint64_t current_directory(struct context *c)
{
	(void)c;
	return AT_FDCWD;
}

static const struct {
	const char *name;
	maker *make;
} table[] = {
	{ "fd.any", any_descriptor }, { "fd.file", file },	   { "fd.here", here },		  { "fd.null", null },		{ "fd.zero", zero },
	{ "fd.pty", terminal },	      { "fd.proc", proc },	   { "fd.listing", listing },	  { "fd.pipein", pipe_in },	{ "fd.pipeout", pipe_out },
	{ "fd.socket", stream },      { "fd.dgram", datagram },	   { "fd.listener", listener },	  { "fd.pending", pending },	{ "fd.fresh", fresh },
	{ "fd.event", event },	      { "fd.timer", timer },	   { "fd.epoll", epoll },	  { "fd.watched", watched },	{ "fd.inotify", inotify },
	{ "fd.signal", signals },     { "fd.memfd", memory },	   { "fd.pidfd", process },	  { "fd.attributed", attributed }, { "fd.spare", spare },
	{ "fd.queue", empty_queue },  { "fd.queued", full_queue },  { "fd.otherin", other_in },
	{ "fd.context", context },    { "fd.made", made },	   { "fd.tree", tree },
	{ "fd.free", unused },	      { "fd.high", high },	   { "fd.cwd", current_directory }, { "watch", watch },		{ "sockaddr.new", new_address },
	{ "sockaddr.listener", listening_address },		   { "sockaddr.bound", bound_address },			{ "sockaddr.length", address_length },
};

#define PLAIN 22 /* the table's first that are kinds of files */

uint64_t any_descriptor(struct context *c)
{
	return table[1 + draw(c) % PLAIN].make(c);
}

maker *find_descriptor(const char *name)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].make;
	return NULL;
}
