/* Takes all that files, names and descriptors can hold. */
#include "hoard.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/timerfd.h>

static void pipes(void)
{
	static char block[65536];
	all_descriptors();
	for (;;) {
		int p[2], made = 0;
		while (pipe2(p, O_NONBLOCK) == 0) {
			made = 1;
			__sync_fetch_and_add(&result->count, 1);
			while (write(p[1], block, sizeof block) > 0)
				;
		}
		result->error = errno;
		if (!made || fork() == -1)
			wait_for_the_end();
		for (int fd = 3; fd < 4096 && result->count; fd++)
			if (fd != TAP_FD)
				close(fd);
	}
}

static void large_pipes(void)
{
	static char block[65536];
	all_descriptors();
	int p[2];
	while (pipe2(p, O_NONBLOCK) == 0) {
		fcntl(p[1], F_SETPIPE_SZ, 1 << 20);
		while (write(p[1], block, sizeof block) > 0)
			result->count++;
	}
	result->error = errno;
	wait_for_the_end();
}

static void names_that_are_not_there(void)
{
	char name[64];
	for (;;) {
		snprintf(name, sizeof name, "/tmp/nothing-%ld", result->count++);
		access(name, F_OK);
	}
}

static void files(void)
{
	char name[200];
	memset(name, 'n', sizeof name);
	for (;;) {
		snprintf(name + 150, 50, "%ld", result->count);
		int fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (fd == -1)
			break;
		close(fd);
		result->count++;
	}
	result->error = errno;
	for (long i = 0; i < result->count; i++) {
		snprintf(name + 150, 50, "%ld", i);
		unlink(name);
	}
}

static void file_contents(void)
{
	static char block[65536];
	int fd = open("large", O_CREAT | O_WRONLY, 0600);
	unlink("large");
	count_up(write(fd, block, sizeof block));
	wait_for_the_end();
}

static void memory_files(void)
{
	static char block[65536];
	int fd = memfd_create("large", 0);
	count_up(write(fd, block, sizeof block));
	wait_for_the_end();
}

static void descriptors(void)
{
	all_descriptors();
	do {
		while (open("/dev/null", O_RDONLY) != -1)
			__sync_fetch_and_add(&result->count, 1);
		result->error = errno;
		for (int fd = 3; fd < 1000; fd++)
			close(fd);
	} while (errno != ENFILE && fork() != -1);
	wait_for_the_end();
}

static void event_files(void)
{
	all_descriptors();
	multiply(20);
	for (;;) {
		struct itimerspec time = { { 0, 1000000 }, { 0, 1000000 } };
		int timer = timerfd_create(CLOCK_MONOTONIC, 0), event = eventfd(1, 0), queue = epoll_create1(0);
		if (timer == -1 || event == -1 || queue == -1)
			break;
		timerfd_settime(timer, 0, &time, NULL);
		struct epoll_event wanted = { .events = EPOLLIN | EPOLLET };
		for (int fd = 0; fd <= event; fd++)
			epoll_ctl(queue, EPOLL_CTL_ADD, fd, &wanted);
		__sync_fetch_and_add(&result->count, 1);
	}
	result->error = errno;
	wait_for_the_end();
}

static void locks(void)
{
	multiply(4);
	int fd = open("locked", O_CREAT | O_RDWR, 0600);
	for (long at = 0;; at += 2) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (long)getpid() << 32 | at, .l_len = 1 };
		if (fcntl(fd, F_SETLK, &lock) == -1) {
			result->error = errno;
			wait_for_the_end();
		}
		__sync_fetch_and_add(&result->count, 1);
	}
}

static void terminals(void)
{
	all_descriptors();
	multiply(3);
	while (open("/dev/ptmx", O_RDWR | O_NOCTTY) != -1)
		__sync_fetch_and_add(&result->count, 1);
	result->error = errno;
	wait_for_the_end();
}

static void mounts(void)
{
	if (unshare(CLONE_NEWNS) == -1)
		return;
	mkdir("place", 0700);
	count_up(mount("none", "place", "tmpfs", 0, NULL));
	wait_for_the_end();
}

static void poll_entries(void)
{
	static struct pollfd list[4096];
	all_descriptors();
	int p[2];
	if (pipe(p))
		return;
	for (int i = 0; i < 4096; i++)
		list[i] = (struct pollfd){ p[0], POLLIN, 0 };
	for (int i = 0; i < 200; i++)
		if (fork() == 0) {
			result->count++;
			poll(list, 4096, -1);
			_exit(0);
		}
	wait_for_the_end();
}

static void deep_folders(void)
{
	int i;
	for (i = 0; i < 10000; i++)
		if (mkdir("d", 0700) == -1 || chdir("d") == -1)
			break;
	result->count = i;
	result->error = errno;
	char place[PATH_MAX];
	getcwd(place, sizeof place);
	for (; i > 0; i--)
		if (chdir("..") == -1 || rmdir("d") == -1)
			break;
	if (i > 0)
		result->count = -i;
}

/* Left standing: the files of a tmpfs that is unmounted are dropped at once. */
static void deep_folders_unmounted(void)
{
	if (unshare(CLONE_NEWNS) == -1)
		return;
	mkdir("place", 0700);
	if (mount("none", "place", "tmpfs", 0, NULL) == -1 || chdir("place") == -1)
		return;
	int i;
	for (i = 0; i < 10000; i++)
		if (mkdir("d", 0700) == -1 || chdir("d") == -1)
			break;
	result->count = i;
}

/* Each holds the next, down a long chain. */
static void nested_epolls(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	all_descriptors();
	int last = eventfd(0, 0);
	for (;;) {
		int queue = epoll_create1(0);
		if (queue == -1 || epoll_ctl(queue, EPOLL_CTL_ADD, last, &event) == -1)
			break;
		last = queue;
		result->count++;
	}
	result->error = errno;
	/* And from the outside in. */
	int outer = epoll_create1(0);
	for (int i = 0; i < 1500; i++) {
		int inner = epoll_create1(0);
		if (inner == -1 || epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event) == -1)
			break;
		outer = inner;
		result->count++;
	}
	int end = eventfd(0, 0);
	epoll_ctl(outer, EPOLL_CTL_ADD, end, &event);
	uint64_t one = 1;
	if (write(end, &one, sizeof one) != sizeof one)
		result->error = errno;
}

static void long_paths(void)
{
	static char path[200000];
	for (int i = 0; i < 100000; i++)
		memcpy(path + 2 * i, "./", 2);
	for (int i = 0; i < 200; i++) {
		result->count += stat(path, &(struct stat){ 0 }) == -1 && errno == ENAMETOOLONG;
		path[4000] = 0;
		result->count += stat(path, &(struct stat){ 0 }) == 0;
		path[4000] = '.';
	}
	if (symlink("loop", "loop") == -1 && errno != EEXIST)
		return;
	for (int i = 0; i < 1000; i++)
		result->count += open("loop/x", O_RDONLY) == -1 && errno == ELOOP;
	unlink("loop");
	char name[20], target[200];
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof name, "s%d", i);
		snprintf(target, sizeof target, "s%d/s%d/s%d", i + 1, i + 1, i + 1);
		if (symlink(target, name) == -1)
			return;
	}
	result->count += stat("s0", &(struct stat){ 0 }) == -1 && errno == ELOOP;
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof name, "s%d", i);
		unlink(name);
	}
}

HOARD(pipes, "fills pipes")
HOARD(large_pipes, "fills pipes made large")
HOARD(names_that_are_not_there, "looks for names that are not there")
HOARD(files, "makes files")
HOARD(file_contents, "fills a file")
HOARD(memory_files, "fills a file without a name")
HOARD(descriptors, "opens files")
HOARD(event_files, "makes event counters, timers and epolls")
HOARD(locks, "locks byte after byte")
HOARD(terminals, "opens terminals")
HOARD(mounts, "mounts without end")
HOARD(poll_entries, "polls many files in many processes")
HOARD(deep_folders, "makes deep folders")
HOARD(deep_folders_unmounted, "leaves deep folders in a file system that goes")
HOARD(nested_epolls, "nests epolls")
HOARD(long_paths, "walks long paths and loops")

SUITE(RUN(case_pipes), RUN(case_large_pipes), RUN(case_names_that_are_not_there), RUN(case_files), RUN(case_file_contents),
      RUN(case_memory_files), RUN(case_descriptors), RUN(case_event_files), RUN(case_locks), RUN(case_terminals),
      RUN(case_mounts), RUN(case_poll_entries), RUN(case_deep_folders), RUN(case_deep_folders_unmounted),
      RUN(case_nested_epolls), RUN(case_long_paths))
