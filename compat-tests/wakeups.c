/* Who waits is woken: a child is seen asleep in a call, then what it waits for is done, once. */
#include "tap.h"
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

/* How long a child that was woken may take to end. */
#define PATIENCE_MS 8000

/* Starts a child that waits in a call, whose outcome the condition tells. */
#define asleep_in(condition) \
	({ \
		pid_t child_ = fork(); \
		if (child_ == 0) \
			_exit((condition) ? 0 : 1); \
		require(child_ > 0 && sleeps(child_)); \
		child_; \
	})

/* Whether the child wakes up, and its condition holds. */
static int woken(pid_t child)
{
	int status;
	for (int waited = 0; waited < PATIENCE_MS; waited += 5) {
		if (waitpid(child, &status, WNOHANG) == child)
			return status == 0;
		doze(5);
	}
	kill(child, SIGKILL);
	status_of(child);
	return 0;
}

static char block[65536];

/* Fills what a descriptor leads to. */
static void fill(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, block, sizeof block) > 0)
		;
	while (write(fd, block, 1) > 0)
		;
	fcntl(fd, F_SETFL, flags);
}

CASE(at_pipes)
{
	int p[2];
	char byte;
	pid_t child;
	signal(SIGPIPE, SIG_IGN);
	require(pipe(p) == 0);
	child = asleep_in(read(p[0], &byte, 1) == 1);
	require(write(p[1], "x", 1) == 1);
	check(woken(child), "a reader wakes when something is written");
	child = asleep_in(close(p[1]) == 0 && read(p[0], &byte, 1) == 0);
	close(p[1]);
	check(woken(child), "and when the last writer goes");
	require(pipe(p) == 0);
	fill(p[1]);
	child = asleep_in(write(p[1], "x", 1) == 1);
	require(read(p[0], block, sizeof block) == sizeof block);
	check(woken(child), "a writer wakes when the pipe is read");
	fill(p[1]);
	child = asleep_in(close(p[0]) == 0 && write(p[1], "x", 1) == -1 && errno == EPIPE);
	close(p[0]);
	check(woken(child), "and when the last reader goes");
	require(mkfifo("fifo", 0600) == 0);
	child = asleep_in(open("fifo", O_RDONLY) != -1);
	int fd = open("fifo", O_WRONLY);
	check(woken(child), "who opens a FIFO to read wakes when it is opened to write");
	close(fd);
	child = asleep_in(open("fifo", O_WRONLY) != -1);
	fd = open("fifo", O_RDONLY);
	check(woken(child), "and the other way round");
}

CASE(at_counters)
{
	uint64_t value = UINT64_MAX - 1, one = 1;
	int fd = eventfd(0, 0);
	pid_t child = asleep_in(read(fd, &one, 8) == 8);
	require(write(fd, &one, 8) == 8);
	check(woken(child), "who reads an empty eventfd wakes when it is added to");
	require(write(fd, &value, 8) == 8);
	child = asleep_in(write(fd, &one, 8) == 8);
	require(read(fd, &value, 8) == 8);
	check(woken(child), "who adds to a full one wakes when it is read");
	value = UINT64_MAX - 1;
	fd = eventfd(0, 0);
	require(write(fd, &value, 8) == 8);
	struct pollfd entry = { fd, POLLOUT, 0 };
	child = asleep_in(poll(&entry, 1, -1) == 1 && entry.revents == POLLOUT);
	require(read(fd, &value, 8) == 8);
	check(woken(child), "and so does who polls it");
}

static int named_socket(const char *name, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strcpy(address.sun_path, name);
	int fd = socket(AF_UNIX, type, 0);
	require(fd != -1 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

/* Connects a new socket of this type to a name; gives it, or -1. */
static int connected(const char *name, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strcpy(address.sun_path, name);
	int fd = socket(AF_UNIX, type, 0);
	return connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

CASE(at_sockets)
{
	int s[2];
	char byte;
	pid_t child;
	signal(SIGPIPE, SIG_IGN);
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	child = asleep_in(read(s[0], &byte, 1) == 1);
	require(write(s[1], "x", 1) == 1);
	check(woken(child), "a receiver wakes when something is sent");
	child = asleep_in(read(s[0], &byte, 1) == 0);
	shutdown(s[1], SHUT_WR);
	check(woken(child), "and when the peer sends no more");
	fill(s[0]);
	child = asleep_in(write(s[0], "x", 1) == 1);
	while (recv(s[1], block, sizeof block, MSG_DONTWAIT) > 0)
		;
	check(woken(child), "a sender wakes when what was sent is received");
	fill(s[0]);
	child = asleep_in(close(s[1]) == 0 && write(s[0], "x", 1) == -1 && errno == ECONNRESET);
	close(s[1]);
	check(woken(child), "and when the peer goes without having received all");

	int fd = named_socket("datagrams", SOCK_DGRAM), from = connected("datagrams", SOCK_DGRAM);
	require(from != -1);
	while (send(from, "x", 1, MSG_DONTWAIT) == 1)
		;
	child = asleep_in(send(from, "x", 1, 0) == 1);
	require(recv(fd, &byte, 1, 0) == 1);
	check(woken(child), "who sends to a full socket wakes when a datagram is received");
	fd = named_socket("connections", SOCK_STREAM);
	require(listen(fd, 0) == 0);
	child = asleep_in(accept(fd, NULL, NULL) != -1);
	require(connected("connections", SOCK_STREAM) != -1);
	check(woken(child), "who accepts wakes when somebody connects");
	require(connected("connections", SOCK_STREAM) != -1);
	child = asleep_in(connected("connections", SOCK_STREAM) != -1);
	require(accept(fd, NULL, NULL) != -1);
	check(woken(child), "who connects to a full queue wakes when a connection is accepted");
}

/* A pseudo-terminal that passes bytes on as they are. */
static void open_terminal(int *master, int *slave)
{
	struct termios settings;
	int unlocked = 0;
	*master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	require(*master != -1 && ioctl(*master, TIOCSPTLCK, &unlocked) == 0);
	*slave = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	require(*slave != -1 && tcgetattr(*slave, &settings) == 0);
	cfmakeraw(&settings);
	require(tcsetattr(*slave, TCSANOW, &settings) == 0);
}

CASE(at_terminals)
{
	int master, slave;
	char byte;
	pid_t child;
	open_terminal(&master, &slave);
	child = asleep_in(read(slave, &byte, 1) == 1);
	require(write(master, "x", 1) == 1);
	check(woken(child), "who reads a terminal wakes when something is typed");
	child = asleep_in(read(master, &byte, 1) == 1);
	require(write(slave, "x", 1) == 1);
	check(woken(child), "who reads its master wakes when something is written");
	child = asleep_in(write(slave, block, sizeof block) == sizeof block);
	for (size_t left = sizeof block; left > 0;) {
		ssize_t count = read(master, block, left);
		require(count > 0);
		left -= count;
	}
	check(woken(child), "who writes more than fits wakes when the master is read");
	child = asleep_in(close(master) == 0 && write(slave, block, sizeof block) < (ssize_t)sizeof block);
	close(master);
	check(woken(child), "and when the master goes");
	open_terminal(&master, &slave);
	child = asleep_in(close(master) == 0 && read(slave, &byte, 1) <= 0);
	close(master);
	check(woken(child), "and so does who reads");
	open_terminal(&master, &slave);
	child = asleep_in(write(slave, block, sizeof block) < (ssize_t)sizeof block);
	require(ioctl(slave, TIOCVHANGUP) == 0);
	check(woken(child), "who writes wakes when the terminal is hung up");
	open_terminal(&master, &slave);
	child = asleep_in(read(slave, &byte, 1) <= 0);
	require(ioctl(slave, TIOCVHANGUP) == 0);
	check(woken(child), "and who reads, too");
}

/* Waits for a child of its own, which it tells through a pipe: behind that it sleeps for nothing else. */
static int waits_for_child(int to, int options, int status_wanted)
{
	int status = 0;
	pid_t own = fork();
	if (own == 0)
		for (;;)
			pause();
	if (options == WCONTINUED && (kill(own, SIGSTOP) == -1 || waitpid(own, &status, WUNTRACED) != own))
		return 0;
	int told = write(to, &own, sizeof own) == sizeof own;
	int found = waitpid(own, &status, options) == own;
	kill(own, SIGKILL);
	return told && found && status == status_wanted;
}

CASE(at_children)
{
	int p[2];
	pid_t own, child;
	require(pipe(p) == 0);
	child = asleep_in(waits_for_child(p[1], 0, SIGTERM));
	require(read(p[0], &own, sizeof own) == sizeof own && sleeps(child));
	kill(own, SIGTERM);
	check(woken(child), "a parent wakes when its child ends");
	child = asleep_in(waits_for_child(p[1], WUNTRACED, SIGSTOP << 8 | 0x7f));
	require(read(p[0], &own, sizeof own) == sizeof own && sleeps(child));
	kill(own, SIGSTOP);
	check(woken(child), "and when it stops");
	child = asleep_in(waits_for_child(p[1], WCONTINUED, 0xffff));
	require(read(p[0], &own, sizeof own) == sizeof own && sleeps(child));
	kill(own, SIGCONT);
	check(woken(child), "and when it goes on");
}

CASE(at_locks)
{
	struct flock lock = { .l_type = F_WRLCK }, none = { .l_type = F_UNLCK };
	make_file("f", "text");
	int fd = open("f", O_RDWR);
	pid_t child;
	require(fcntl(fd, F_SETLK, &lock) == 0);
	child = asleep_in(fcntl(fd, F_SETLKW, &lock) == 0);
	fcntl(fd, F_SETLK, &none);
	check(woken(child), "who waits for a record wakes when it is unlocked");
	equal(fcntl(fd, F_SETLK, &lock), 0, "whose own lock ends with it");
	child = asleep_in(fcntl(fd, F_SETLKW, &lock) == 0);
	close(open("f", O_RDONLY));
	check(woken(child), "and when its owner closes the file");
	require(flock(fd, LOCK_EX) == 0);
	child = asleep_in(flock(open("f", O_RDWR), LOCK_EX) == 0);
	flock(fd, LOCK_UN);
	check(woken(child), "and so does who waits for a file");
}

CASE(at_queues)
{
	struct { long type; char text[4096]; } message = { 1, "" };
	struct sembuf down = { 0, -1, 0 }, up = { 0, 1, 0 }, nil = { 0, 0, 0 }, other_nil = { 1, 0, 0 }, other_up = { 1, 1, 0 };
	pid_t child, other;
	int set = semget(IPC_PRIVATE, 2, 0600), queue = msgget(IPC_PRIVATE, 0600);
	require(set != -1 && queue != -1);
	child = asleep_in(semop(set, &down, 1) == 0);
	require(semop(set, &up, 1) == 0);
	check(woken(child), "who lowers a semaphore wakes when it is raised");
	require(semop(set, &up, 1) == 0);
	child = asleep_in(semop(set, &nil, 1) == 0);
	require(semop(set, &down, 1) == 0);
	check(woken(child), "who waits for zero wakes when it is lowered");
	require(semop(set, &other_up, 1) == 0);
	child = asleep_in(semop(set, &down, 1) == -1 && errno == EIDRM);
	other = asleep_in(semop(set, &other_nil, 1) == -1 && errno == EIDRM);
	semctl(set, 0, IPC_RMID);
	int lowers = woken(child), waits = woken(other);
	check(lowers && waits, "and both when the set is removed");
	child = asleep_in(msgrcv(queue, &message, 1, 0, MSG_NOERROR) == 1);
	require(msgsnd(queue, &message, 1, 0) == 0);
	check(woken(child), "who receives a message wakes when one is sent");
	while (msgsnd(queue, &message, sizeof message.text, IPC_NOWAIT) == 0)
		;
	child = asleep_in(msgsnd(queue, &message, sizeof message.text, 0) == 0);
	require(msgrcv(queue, &message, sizeof message.text, 0, 0) >= 0);
	check(woken(child), "who sends to a full queue wakes when one is received");
	message.type = 2;
	child = asleep_in(msgsnd(queue, &message, sizeof message.text, 0) == -1 && errno == EIDRM);
	other = asleep_in(msgrcv(queue, &message, sizeof message.text, 3, 0) == -1 && errno == EIDRM);
	msgctl(queue, IPC_RMID, NULL);
	int sends = woken(child), receives = woken(other);
	check(sends && receives, "both wake when the queue is removed");
}

CASE(at_epoll)
{
	int p[2], list = epoll_create1(0), watch = inotify_init1(0);
	struct epoll_event event = { EPOLLIN, { 0 } }, told;
	require(pipe(p) == 0 && list != -1 && inotify_add_watch(watch, ".", IN_CREATE) != -1);
	require(epoll_ctl(list, EPOLL_CTL_ADD, p[0], &event) == 0);
	require(epoll_ctl(list, EPOLL_CTL_ADD, watch, &event) == 0);
	pid_t child = asleep_in(epoll_wait(list, &told, 1, -1) == 1);
	require(write(p[1], "x", 1) == 1);
	check(woken(child), "epoll wakes for a pipe");
	require(read(p[0], block, 1) == 1);
	child = asleep_in(epoll_wait(list, &told, 1, -1) == 1);
	make_file("new", "");
	check(woken(child), "and for inotify");
	require(read(watch, block, sizeof block) > 0);
	require(epoll_ctl(list, EPOLL_CTL_DEL, p[0], NULL) == 0);
	require(write(p[1], "x", 1) == 1);
	child = asleep_in(epoll_wait(list, &told, 1, -1) == 1);
	require(epoll_ctl(list, EPOLL_CTL_ADD, p[0], &event) == 0);
	check(woken(child), "and for what is added and ready");
}

SUITE(RUN(at_pipes), RUN(at_counters), RUN(at_sockets), RUN(at_terminals), RUN(at_children), RUN(at_locks),
      RUN(at_queues), RUN(at_epoll))
