/* Lookups that race with changes: descriptors, process numbers, names. What exists throughout is found at every moment, and nothing
 * is found but what was there. Each race goes on for a while; that says nothing about how fast a machine is. */
#include "tap.h"
#include <pthread.h>
#include <sched.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

/* How long each race goes on. */
#define RACE_MS 700
#define RACERS 3

static volatile int over;
static volatile long wrong, looks;

/* Runs a changer, which tells whether it has changed what it should, against lookups in further threads. */
static void race(void *(*look)(void *), int (*change)(void), const char *both_sides)
{
	pthread_t threads[RACERS];
	long refused = 0;
	over = 0, wrong = 0, looks = 0;
	for (int i = 0; i < RACERS; i++)
		require(pthread_create(&threads[i], NULL, look, NULL) == 0);
	struct timespec now, end;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += RACE_MS % 1000 * 1000000L, end.tv_sec += RACE_MS / 1000;
	do {
		for (int i = 0; i < 50; i++)
			refused += !change();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (looks == 0 || now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
	over = 1;
	for (int i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	equal(refused, 0, both_sides);
}

static void look_done(int good)
{
	if (!good)
		__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED);
}

/* Two files of one letter each, and a descriptor that is the one or the other. */
static int one, other, either;

static void *read_either(void *unused)
{
	while (!over) {
		char letter = 0;
		ssize_t n = pread(either, &letter, 1, 0);
		look_done(n == 1 && (letter == 'a' || letter == 'b'));
	}
	return unused;
}

static int replace_either(void)
{
	return dup2(one, either) == either && dup2(other, either) == either;
}

static void *open_and_close(void *unused)
{
	while (!over) {
		int fd = open("a", O_RDONLY);
		char letter = 0;
		look_done(fd >= 0 && pread(fd, &letter, 1, 0) == 1 && letter == 'a' && close(fd) == 0);
	}
	return unused;
}

static int open_many(void)
{
	int fds[8], good = 1;
	for (int i = 0; i < 8; i++)
		fds[i] = dup(other);
	for (int i = 0; i < 8; i++)
		good &= close(fds[i]) == 0;
	return good;
}

static void open_two(void)
{
	make_file("a", "a");
	make_file("b", "b");
	one = open("a", O_RDONLY);
	other = open("b", O_RDONLY);
	require(one >= 0 && other >= 0);
}

CASE(replaced_descriptors)
{
	open_two();
	either = dup(one);
	require(either >= 0);
	race(read_either, replace_either, "dup2 replaces a descriptor while others read");
	equal(wrong, 0, "a descriptor that dup2 replaces is open at every moment, as the old file or the new one");
	close(either);
	either = 1000;
	require(dup2(one, either) == either);
	race(read_either, replace_either, "and one with a high number");
	equal(wrong, 0, "so is one with a high number");
}

/* In a process whose table is small, as no number is high: the table grows from there on, while others read a descriptor that is
 * beyond what fits every table. */
static void grow(void)
{
	pthread_t threads[RACERS];
	over = 0, wrong = 0, looks = 0;
	either = 70;
	if (dup2(one, either) != either)
		_exit(3);
	for (int i = 0; i < RACERS; i++)
		if (pthread_create(&threads[i], NULL, read_either, NULL) != 0)
			_exit(3);
	for (int next = 130; next < 1000; next *= 2) {
		for (long before = looks; looks < before + 10;)
			sched_yield();
		if (fcntl(one, F_DUPFD, next) != next)
			_exit(3);
	}
	over = 1;
	for (int i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	_exit(wrong != 0);
}

CASE(growing_tables)
{
	/* As many as there is time for: each ends two processes that share much. */
	enum { ROUNDS = 60, SECONDS = 8 };
	int lost = 0, grown = 0, rounds;
	time_t begin = time(NULL);
	open_two();
	for (rounds = 0; rounds < ROUNDS && time(NULL) - begin < SECONDS; rounds++) {
		int status = in_child(close(tap_out); _exit(in_child(grow())));
		lost += status == 1;
		grown += status <= 1;
	}
	equal(grown, rounds, "tables grow while others read");
	equal(lost, 0, "a descriptor stays open while the table grows");
}

CASE(own_descriptors)
{
	open_two();
	race(open_and_close, open_many, "threads open and close at the same time");
	equal(wrong, 0, "each finds under its number what it has opened");
}

static void *read_maybe(void *unused)
{
	while (!over) {
		char letter = 0;
		ssize_t n = pread(either, &letter, 1, 0);
		look_done(n == 1 ? letter == 'a' || letter == 'b' : errno == EBADF);
	}
	return unused;
}

static int close_and_open(void)
{
	return close(either) == 0 && dup2(one, either) == either && close(either) == 0 && dup2(other, either) == either;
}

CASE(closed_descriptors)
{
	open_two();
	either = 200;
	require(dup2(one, either) == either);
	race(read_maybe, close_and_open, "a descriptor is closed and opened while others read");
	equal(wrong, 0, "a number is a file or EBADF, nothing else");
	int ends[2];
	require(pipe(ends) == 0);
	long late = 0;
	for (int i = 0; i < 300; i++) {
		char letter;
		int copy = dup(ends[1]);
		require(copy >= 0);
		close(ends[1]);
		close(copy);
		late += read(ends[0], &letter, 1) != 0;
		close(ends[0]);
		require(pipe(ends) == 0);
	}
	equal(late, 0, "when close has returned, a pipe has ended");
}

/* A process that lives throughout, and others that come and go. */
static pid_t steady, last_gone;

static void *ask_for_processes(void *unused)
{
	char path[64];
	struct stat status;
	snprintf(path, sizeof path, "/proc/%d", steady);
	while (!over) {
		look_done(kill(steady, 0) == 0);
		look_done(getpgid(steady) == getpgrp() && getsid(steady) == getsid(0));
		look_done(stat(path, &status) == 0);
		pid_t gone = last_gone;
		if (gone > 0)
			look_done(kill(gone, 0) == -1 && errno == ESRCH);
		for (pid_t near = steady + 1; near < steady + 20; near++)
			look_done(kill(near, 0) == 0 || errno == ESRCH);
	}
	return unused;
}

static void *end_at_once(void *unused)
{
	return unused;
}

static int come_and_go(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	if (waitpid(child, NULL, 0) != child)
		return 0;
	last_gone = child;
	pthread_t thread;
	return pthread_create(&thread, NULL, end_at_once, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

CASE(processes)
{
	steady = fork();
	if (steady == 0)
		for (;;)
			pause();
	require(steady > 0);
	race(ask_for_processes, come_and_go, "processes and threads come and go while others ask for them");
	equal(wrong, 0, "one that lives is found at every moment, and one that was waited for is not");
	kill(steady, SIGKILL);
	status_of(steady);
	fails(kill(steady, 0), ESRCH, "until it is gone");
}

static void *stat_both(void *unused)
{
	while (!over) {
		struct stat a, b;
		look_done(stat("x", &a) == 0 && S_ISREG(a.st_mode));
		look_done(stat("y", &b) == 0 && S_ISREG(b.st_mode));
	}
	return unused;
}

static int exchange(void)
{
	return syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "y", RENAME_EXCHANGE) == 0;
}

CASE(exchanged_names)
{
	make_file("x", "x");
	make_file("y", "yy");
	race(stat_both, exchange, "two names are exchanged while others look");
	equal(wrong, 0, "both names mean a file at every moment");
}

static void *stat_replaced(void *unused)
{
	while (!over) {
		struct stat status;
		look_done(stat("d/name", &status) == 0 && status.st_size == 1);
		look_done(stat("d/../d/name", &status) == 0);
		look_done(stat("d/steady", &status) == 0 && status.st_size == 2);
		look_done(stat("d/never", &status) == -1 && errno == ENOENT);
	}
	return unused;
}

static int replace_name(void)
{
	make_file("d/new", "n");
	make_file("d/other", "o");
	return rename("d/new", "d/name") == 0 && unlink("d/other") == 0;
}

CASE(replaced_names)
{
	require(mkdir("d", 0755) == 0);
	make_file("d/name", "n");
	make_file("d/steady", "ss");
	race(stat_replaced, replace_name, "a name is replaced while others look");
	equal(wrong, 0, "a name that rename replaces means a file at every moment");
}

static void *stat_deep(void *unused)
{
	while (!over) {
		struct stat status;
		int fd = open("p/q/r", O_RDONLY | O_DIRECTORY);
		look_done(fd >= 0 || errno == ENOENT);
		if (fd >= 0) {
			look_done(fstatat(fd, "file", &status, 0) == 0);
			look_done(fstatat(fd, "../r/file", &status, 0) == 0);
			close(fd);
		}
		look_done(stat("p/steady", &status) == 0);
	}
	return unused;
}

static int move_directory(void)
{
	return rename("p/q", "p/s") == 0 && rename("p/s", "o/s") == 0 && rename("o/s", "p/q") == 0;
}

CASE(moved_directories)
{
	require(mkdir("o", 0755) == 0 && mkdir("p", 0755) == 0 && mkdir("p/q", 0755) == 0 && mkdir("p/q/r", 0755) == 0);
	make_file("p/q/r/file", "");
	make_file("p/steady", "");
	race(stat_deep, move_directory, "a directory moves while others walk");
	equal(wrong, 0, "what is in it stays there, and `..` leads back to it");
}

static void *make_and_remove(void *unused)
{
	char name[32];
	snprintf(name, sizeof name, "t%ld", (long)syscall(SYS_gettid));
	while (!over) {
		struct stat status;
		look_done(stat(name, &status) == -1 && errno == ENOENT);
		int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
		look_done(fd >= 0 && close(fd) == 0 && stat(name, &status) == 0 && status.st_nlink == 1);
		look_done(unlink(name) == 0);
	}
	return unused;
}

static int drop_names(void)
{
	struct stat status;
	char name[32];
	static int number;
	snprintf(name, sizeof name, "none%d", number++ % 5000);
	if (stat(name, &status) != -1 || errno != ENOENT)
		return 0;
	if (number % 50 != 0)
		return 1;
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	return write(fd, "2", 1) == 1 && close(fd) == 0;
}

CASE(dropped_names)
{
	race(make_and_remove, drop_names, "idle names are dropped while others are made and removed");
	equal(wrong, 0, "what was made is there, what was removed is not");
}

SUITE(RUN(replaced_descriptors), RUN(growing_tables), RUN(own_descriptors), RUN(closed_descriptors), RUN(processes),
      RUN(exchanged_names), RUN(replaced_names), RUN(moved_directories), RUN(dropped_names))
