/* POSIX message queues: names, attributes, messages, limits of users. Waiting for them is in queues_waiting.c, notification in
 * queues_notified.c, their file system in queues_files.c. */
#include "queues.h"
#include <sys/resource.h>

CASE(names)
{
	const char *name = some_name();
	char longest[300];
	memset(longest, 'q', sizeof longest);
	longest[255] = 0;
	fails(queue_open(name, O_RDWR, 0, NULL), ENOENT, "without O_CREAT a name of nothing gives ENOENT");
	fails(queue_unlink(name), ENOENT, "and there is nothing to unlink");
	int fd = queue_open(name, O_CREAT | O_RDWR, 0600, NULL);
	check(fd >= 0, "with it a queue is made");
	int same = queue_open(name, O_CREAT | O_RDWR, 0, NULL);
	check(same >= 0 && same != fd, "or found");
	fails(queue_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST, "O_EXCL wants a new one");
	fails(queue_open(name, O_CREAT | O_EXCL | 3, 0600, NULL), EEXIST, "whatever the access mode");
	fails(queue_open(name, 3, 0, NULL), EINVAL, "an access mode that there is not gives EINVAL");
	fails(queue_open("", O_CREAT | O_RDWR, 0600, NULL), ENOENT, "an empty name gives ENOENT");
	fails(queue_open("/slash", O_CREAT | O_RDWR, 0600, NULL), EACCES, "a slash is no part of a name");
	fails(queue_open("sla/sh", O_RDWR, 0600, NULL), EACCES, "wherever it is");
	fails(queue_open(".", O_RDWR, 0, NULL), EACCES, "nor is a dot a name");
	fails(queue_open("..", O_RDWR, 0, NULL), EACCES, "or two");
	fails(queue_unlink("/slash"), EACCES, "so it is for unlinking");
	fails(queue_unlink(".."), EACCES, "of dots as well");
	fails(queue_unlink(""), ENOENT, "and of an empty name");
	int other = queue_open(longest, O_CREAT | O_RDWR, 0600, NULL);
	check(other >= 0, "a name has up to 255 bytes");
	equal(queue_unlink(longest), 0, "and can be unlinked");
	longest[255] = 'q', longest[256] = 0;
	fails(queue_open(longest, O_CREAT | O_RDWR, 0600, NULL), ENAMETOOLONG, "not more");
	fails(queue_unlink(longest), ENAMETOOLONG, "also when it is unlinked");
	fails(queue_open((char *)8, O_CREAT | O_RDWR, 0600, NULL), EFAULT, "a bad address gives EFAULT");
	fails(queue_unlink((char *)8), EFAULT, "also there");
	equal(queue_unlink(name), 0, "the queue is unlinked");
	equal(queue_send(fd, "a", 1, 0, NULL), 0, "who has it goes on sending");
	check(queue_open(name, O_RDWR, 0, NULL) == -1 && errno == ENOENT, "though the name is free");
	int fresh = queue_open(name, O_CREAT | O_RDWR, 0600, NULL);
	check(waiting_in(fresh) == 0 && waiting_in(same) == 1, "and means another queue when it is used again");
	queue_unlink(name);
	struct rlimit few = { 0, 100 };
	setrlimit(RLIMIT_NOFILE, &few);
	fails(queue_open("/slash", O_RDWR, 0, NULL), EMFILE, "a descriptor is looked for before the name");
	fails(queue_open("", O_RDWR, 0, NULL), ENOENT, "which must be there");
}

CASE(attributes)
{
	struct queue_attr attr, old;
	int fd = make_queue(NULL);
	equal(queue_attributes(fd, NULL, &attr), 0, "a queue's attributes can be asked for");
	check(attr.flags == 0 && attr.maxmsg == 10 && attr.msgsize == 8192 && attr.curmsgs == 0, "they are the default ones");
	equal(queue_attributes(fd, NULL, NULL), 0, "or not");
	attr = (struct queue_attr){ .flags = 0x7777, .maxmsg = 3, .msgsize = 17, .curmsgs = 5 };
	int small = make_queue(&attr);
	queue_attributes(small, NULL, &attr);
	check(attr.flags == 0 && attr.maxmsg == 3 && attr.msgsize == 17 && attr.curmsgs == 0, "or those that were given");
	attr = (struct queue_attr){ .flags = O_NONBLOCK, .maxmsg = 9, .msgsize = 9, .curmsgs = 9 };
	queue_send(small, "abc", 3, 1, NULL);
	equal(queue_attributes(small, &attr, &old), 0, "they can be set");
	check(old.flags == 0 && old.curmsgs == 1, "which gives the old ones");
	queue_attributes(small, NULL, &attr);
	check(attr.flags == O_NONBLOCK && attr.maxmsg == 3 && attr.msgsize == 17 && attr.curmsgs == 1, "and changes the flag only");
	equal(fcntl(small, F_GETFL), O_RDWR | O_NONBLOCK, "which is the description's");
	attr.flags = O_NONBLOCK | O_APPEND;
	fails(queue_attributes(small, &attr, NULL), EINVAL, "another flag gives EINVAL");
	fails(queue_attributes(-1, &attr, NULL), EINVAL, "before the descriptor is looked at");
	attr.flags = 0;
	fails(queue_attributes(-1, &attr, NULL), EBADF, "which must be one");
	fails(queue_attributes(0, &attr, NULL), EBADF, "of a queue");
	fails(queue_attributes(-1, (void *)8, NULL), EFAULT, "a bad address gives EFAULT first");
	fails(queue_attributes(small, NULL, (void *)8), EFAULT, "and for the answer");
	equal(queue_attributes(small, &attr, (void *)8), -1, "which comes after the change");
	equal(fcntl(small, F_GETFL), O_RDWR, "that has been made");

	const char *name = some_name();
	fails(queue_open(name, O_RDWR, 0, (void *)8), EFAULT, "attributes are read even where none are needed");
	static const struct { long maxmsg, msgsize; int root, user; } tries[] = {
		{ 0, 10, EINVAL, EINVAL }, { 10, 0, EINVAL, EINVAL }, { -1, 10, EINVAL, EINVAL }, { 10, -1, EINVAL, EINVAL },
		{ 10, 8192, 0, 0 }, { 11, 10, 0, EINVAL }, { 10, 8193, 0, EINVAL }, { 65536, 1, 0, EINVAL }, { 65537, 1, EINVAL, EINVAL },
		{ 1, 16777216, EMFILE, EINVAL }, { 1, 16777217, EINVAL, EINVAL },
	};
	struct rlimit much = { 9000000, 9000000 };
	require(setrlimit(RLIMIT_MSGQUEUE, &much) == 0);
	for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
		char sentence[100];
		attr = (struct queue_attr){ .maxmsg = tries[i].maxmsg, .msgsize = tries[i].msgsize };
		snprintf(sentence, sizeof sentence, "%ld messages of %ld bytes, for root", attr.maxmsg, attr.msgsize);
		equal(queue_open(name, O_CREAT | O_RDWR, 0600, &attr) == -1 ? errno : 0, tries[i].root, sentence);
		queue_unlink(name);
		snprintf(sentence, sizeof sentence, "%ld messages of %ld bytes, for a user", attr.maxmsg, attr.msgsize);
		equal(in_child(become(12); int made = queue_open(name, O_CREAT | O_RDWR, 0600, &attr) == -1 ? errno : 0;
			       queue_unlink(name); _exit(made)), tries[i].user, sentence);
	}
}

CASE(permissions)
{
	const char *name = some_name();
	umask(022);
	int fd = queue_open(name, O_CREAT | O_RDONLY | O_CLOEXEC, 07666, NULL);
	struct stat status;
	require(fd >= 0 && fstat(fd, &status) == 0);
	equal(status.st_mode, S_IFREG | 07644, "the mode is what the umask leaves of it");
	check(status.st_size == 80 && status.st_blocks == 0 && status.st_nlink == 1 && status.st_uid == 0, "a queue is a file of 80 bytes");
	equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "exec closes the descriptor");
	fails(queue_send(fd, "a", 1, 0, NULL), EBADF, "who opened it for reading may not send");
	int out = queue_open(name, O_WRONLY | O_NONBLOCK, 0, NULL);
	equal(fcntl(out, F_GETFD), FD_CLOEXEC, "also one that did not ask for it");
	equal(fcntl(out, F_GETFL), O_WRONLY | O_NONBLOCK, "flags are as they were given");
	char buffer[8192];
	equal(queue_send(out, "a", 1, 0, NULL), 0, "who opened it for writing may");
	fails(queue_receive(out, buffer, sizeof buffer, NULL, NULL), EBADF, "but not receive");
	equal(queue_receive(fd, buffer, sizeof buffer, NULL, NULL), 1, "the other may");
	equal(in_child(become(12); _exit(queue_open(name, O_RDONLY, 0, NULL) == -1 ? errno : 0)), 0, "others do what the mode lets them");
	equal(in_child(become(12); _exit(queue_open(name, O_WRONLY, 0, NULL) == -1 ? errno : 0)), EACCES, "and nothing else");
	equal(in_child(become(12); _exit(queue_open(name, O_RDWR | O_CREAT, 0, NULL) == -1 ? errno : 0)), EACCES, "with O_CREAT too");
	equal(in_child(become(12); _exit(queue_unlink(name) == -1 ? errno : 0)), EPERM, "nor do they unlink it");
	equal(fchmod(fd, 0602), 0, "the mode can be changed");
	equal(in_child(become(12); _exit(queue_open(name, O_RDONLY, 0, NULL) == -1 ? errno : 0)), EACCES, "which forbids");
	equal(in_child(become(12); _exit(queue_open(name, O_WRONLY, 0, NULL) == -1 ? errno : 0)), 0, "and allows");
	equal(fchown(fd, 12, 13), 0, "so can the owner");
	equal(in_child(become(12); _exit(queue_open(name, O_RDONLY, 0, NULL) == -1 ? errno : 0)), 0, "who may open it");
	equal(in_child(become(12); _exit(queue_unlink(name) == -1 ? errno : 0)), 0, "and unlink it");
	fd = queue_open(name, O_CREAT | 3, 0600, NULL);
	check(fd >= 0, "a queue can be made for nothing");
	check(queue_send(fd, "a", 1, 0, NULL) == -1 && errno == EBADF &&
	      queue_receive(fd, buffer, sizeof buffer, NULL, NULL) == -1 && errno == EBADF, "and be used for nothing");
	queue_unlink(name);
	fd = queue_open(name, O_CREAT | O_RDWR, 0, NULL);
	check(fd >= 0 && queue_send(fd, "a", 1, 0, NULL) == 0, "who makes it may use it whatever the mode");
	queue_unlink(name);
}

CASE(messages)
{
	struct queue_attr attr = { .maxmsg = 8, .msgsize = 20 };
	int fd = make_queue(&attr);
	char buffer[64];
	unsigned priority = 99;
	equal(queue_send(fd, "one", 3, 5, NULL), 0, "a message is sent");
	queue_send(fd, "two", 3, 7, NULL);
	queue_send(fd, "three", 5, 5, NULL);
	queue_send(fd, "four", 4, 32767, NULL);
	queue_send(fd, NULL, 0, 7, NULL);
	equal(waiting_in(fd), 5, "five are there");
	struct { const char *text; unsigned priority; } expected[] = { { "four", 32767 }, { "two", 7 }, { "", 7 }, { "one", 5 }, { "three", 5 } };
	for (int i = 0; i < 5; i++) {
		memset(buffer, 0, sizeof buffer);
		equal(queue_receive(fd, buffer, sizeof buffer, &priority, NULL), strlen(expected[i].text), "one is received, as long as it was");
		same(buffer, expected[i].text, "the one of the highest priority, the oldest of equals");
		equal(priority, expected[i].priority, "with its priority");
	}
	fails(queue_send(fd, "a", 1, 32768, NULL), EINVAL, "priorities end at 32767");
	fails(queue_send(-1, "a", 1, 32768, NULL), EINVAL, "which is looked at before the descriptor");
	fails(queue_send(-1, "a", 1, 0, NULL), EBADF, "that must be one");
	fails(queue_send(0, "a", 1, 0, NULL), EBADF, "of a queue");
	fails(queue_receive(-1, buffer, 20, NULL, NULL), EBADF, "for receiving too");
	fails(queue_receive(0, buffer, 20, NULL, NULL), EBADF, "of a queue as well");
	fails(queue_send(fd, buffer, 21, 0, NULL), EMSGSIZE, "a message is not longer than the queue says");
	fails(queue_send(fd, (char *)8, 21, 0, NULL), EMSGSIZE, "wherever it is");
	fails(queue_send(fd, (char *)8, 20, 0, NULL), EFAULT, "a bad address gives EFAULT");
	fails(queue_send(fd, buffer, -1, 0, NULL), EMSGSIZE, "no length is too long");
	fails(queue_receive(fd, buffer, 19, NULL, NULL), EMSGSIZE, "nor is a buffer shorter");
	equal(waiting_in(fd), 0, "none of these left anything");
	queue_send(fd, "lost", 4, 0, NULL);
	fails(queue_receive(fd, (char *)8, 20, NULL, NULL), EFAULT, "a message that cannot be copied");
	equal(waiting_in(fd), 0, "is lost");
	queue_send(fd, "lost", 4, 0, NULL);
	fails(queue_receive(fd, buffer, 20, (void *)8, NULL), EFAULT, "so is one whose priority cannot");
	equal(waiting_in(fd), 0, "as well");
	queue_send(fd, "short", 5, 0, NULL);
	memset(buffer, '-', sizeof buffer);
	queue_receive(fd, buffer, 64, NULL, NULL);
	check(memcmp(buffer, "short-", 6) == 0, "the buffer has what was sent and no more");
	fails(write(fd, "a", 1), EINVAL, "write does not send");
}

CASE(full_and_empty)
{
	struct queue_attr attr = { .maxmsg = 2, .msgsize = 10 };
	int fd = make_queue(&attr);
	char buffer[10];
	fails(queue_receive(fd, buffer, 10, NULL, from_now(20)), ETIMEDOUT, "receiving from an empty queue takes until the time is up");
	struct timespec past = { 1, 0 };
	fails(queue_receive(fd, buffer, 10, NULL, &past), ETIMEDOUT, "or no time");
	past.tv_sec = 0;
	fails(queue_receive(fd, buffer, 10, NULL, &past), ETIMEDOUT, "if it has been already");
	queue_send(fd, "one", 3, 0, NULL);
	equal(queue_receive(fd, buffer, 10, NULL, &past), 3, "then a message that is there is received");
	queue_send(fd, "one", 3, 0, NULL);
	equal(queue_send(fd, "two", 3, 0, &past), 0, "and sent where there is room");
	fails(queue_send(fd, "three", 5, 0, from_now(20)), ETIMEDOUT, "into a full queue not");
	fails(queue_send(fd, "three", 5, 0, &past), ETIMEDOUT, "nor at once");
	struct timespec bad = { 1, 1000000000 };
	struct timespec negative = { -1, 0 };
	fails(queue_send(fd, "a", 1, 0, &bad), EINVAL, "a second has 10^9 nanoseconds");
	fails(queue_send(fd, "a", 1, 0, &negative), EINVAL, "and time is not negative");
	bad.tv_nsec = -1;
	fails(queue_receive(-1, buffer, 10, NULL, &bad), EINVAL, "which is looked at before the descriptor");
	fails(queue_send(-1, "a", 1, 99999, (void *)8), EFAULT, "as its address");
	equal(queue_receive(fd, buffer, 10, NULL, NULL), 3, "a bad time matters also when there is nothing to wait for");
	fails(queue_receive(fd, buffer, 10, NULL, &bad), EINVAL, "as here");
	equal(waiting_in(fd), 1, "the message is still there");
	queue_send(fd, "two", 3, 0, NULL);
	attr.flags = O_NONBLOCK;
	queue_attributes(fd, &attr, NULL);
	fails(queue_send(fd, "a", 1, 0, NULL), EAGAIN, "with O_NONBLOCK a full queue gives EAGAIN");
	queue_receive(fd, buffer, 10, NULL, NULL);
	queue_receive(fd, buffer, 10, NULL, NULL);
	fails(queue_receive(fd, buffer, 10, NULL, NULL), EAGAIN, "and so does an empty one");
	fails(queue_receive(fd, buffer, 10, NULL, &bad), EINVAL, "but a bad time comes first");
}

CASE(the_text)
{
	int fd = make_queue(NULL);
	char buffer[100];
	queue_send(fd, "four", 4, 3, NULL);
	queue_send(fd, "sixsix", 6, 9, NULL);
	equal(read(fd, buffer, sizeof buffer), 60, "a queue can be read");
	check(memcmp(buffer, "QSIZE:10         NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n", 60) == 0, "and says how many bytes are in it");
	equal(read(fd, buffer, sizeof buffer), 0, "up to its end");
	equal(lseek(fd, 6, SEEK_SET), 6, "there are positions");
	check(read(fd, buffer, 2) == 2 && memcmp(buffer, "10", 2) == 0, "that are read from");
	equal(pread(fd, buffer, 5, 17), 5, "with pread too");
	check(memcmp(buffer, "NOTIF", 5) == 0, "from anywhere");
	equal(lseek(fd, 0, SEEK_END), 80, "its end is at 80");
	const char *name = some_name();
	int out = queue_open(name, O_CREAT | O_WRONLY, 0600, NULL);
	require(out >= 0 && queue_unlink(name) == 0);
	fails(read(out, buffer, 10), EBADF, "not by who has it for writing only");
}

CASE(sharing)
{
	struct queue_attr attr = { .maxmsg = 3, .msgsize = 10 };
	int fd = make_queue(&attr);
	int copy = dup(fd);
	char buffer[10];
	attr.flags = O_NONBLOCK;
	queue_attributes(copy, &attr, NULL);
	fails(queue_receive(fd, buffer, 10, NULL, NULL), EAGAIN, "duplicates share the flag");
	equal(in_child(_exit(queue_send(copy, "child", 5, 0, NULL) == 0 ? 0 : 1)), 0, "a child has the queue");
	close(copy);
	equal(queue_receive(fd, buffer, 10, NULL, NULL), 5, "and what it sends is received");
	equal(in_child(attr.flags = 0; queue_attributes(fd, &attr, NULL)), 0, "a child changes the flag");
	equal(fcntl(fd, F_GETFL), O_RDWR, "for its parent, too");
}

CASE(a_users_limit)
{
	const char *name = some_name();
	/* A queue of 10 messages takes 80 + 96 bytes for each. */
	pid_t child = fork();
	if (child == 0) {
		struct rlimit limit = { 2000, 2000 };
		struct queue_attr attr = { .maxmsg = 10, .msgsize = 80 };
		char other[80];
		snprintf(other, sizeof other, "%.60s-2", name);
		setrlimit(RLIMIT_MSGQUEUE, &limit);
		become(4321);
		int first = queue_open(name, O_CREAT | O_RDWR, 0600, &attr);
		int second = queue_open(other, O_CREAT | O_RDWR, 0600, &attr);
		int error = second == -1 ? errno : 0;
		attr.maxmsg = 1, attr.msgsize = 240 - 96;
		int third = queue_open(other, O_CREAT | O_RDWR, 0600, &attr);
		queue_unlink(other);
		close(third);
		attr.msgsize++;
		int fourth = queue_open(other, O_CREAT | O_RDWR, 0600, &attr) == -1 ? errno : 0;
		queue_unlink(name);
		attr.maxmsg = 10, attr.msgsize = 80;
		int fifth = queue_open(other, O_CREAT | O_RDWR, 0600, &attr) == -1 ? errno : 0;
		close(first);
		int sixth = queue_open(other, O_CREAT | O_RDWR, 0600, &attr) == -1 ? errno : 0;
		queue_unlink(other);
		_exit(first < 0 ? 1 : error != EMFILE ? 2 : third < 0 ? 3 : fourth != EMFILE ? 4 : fifth != EMFILE ? 5 : sixth ? 6 : 0);
	}
	equal(ended_with(child), 0, "RLIMIT_MSGQUEUE counts the bytes of a user's queues as long as they are there");
	struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_MSGQUEUE, &none);
	fails(queue_open(name, O_CREAT | O_RDWR, 0600, NULL), EMFILE, "also for root");
	fails(queue_open(name, O_RDWR, 0600, NULL), ENOENT, "then nothing was made");
}

SUITE(RUN(names), RUN(attributes), RUN(permissions), RUN(messages), RUN(full_and_empty), RUN(the_text), RUN(sharing), RUN(a_users_limit))
