/* Programs that take all they can get: each has to end, with the rest of the system alive and its memory back.
 *
 * Each case runs its hoarder as root and as user 1000, in a process group of its own that is killed when its time is up,
 * with the rest of the system spared by `oom_score_adj`. It prints how far the hoarder came, as a comment.
 */
#include "../tap.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#define PAGE 4096
/* How long a hoarder may keep what it has. */
#define SECONDS 1

struct result {
	volatile long count;
	volatile int error;
};

static struct result *result;

static long meminfo(const char *name)
{
	static char buffer[4096];
	int fd = open("/proc/meminfo", O_RDONLY);
	ssize_t n = read(fd, buffer, sizeof buffer - 1);
	close(fd);
	buffer[n < 0 ? 0 : n] = 0;
	char *line = strstr(buffer, name);
	return line ? strtol(line + strlen(name) + 1, NULL, 10) : -1;
}

static long free_memory(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (fd >= 0) {
		if (write(fd, "3\n", 2) == -1)
			tap_print("    # drop_caches: errno %d\n", errno);
		close(fd);
	}
	return meminfo("MemFree:");
}

static int answers(void)
{
	pid_t shell = fork();
	if (shell == 0) {
		execl("/bin/sh", "sh", "-c", "test $((6*7)) = 42", NULL);
		_exit(99);
	}
	return ended_with(shell) == 0;
}

static volatile pid_t hoarder;

static void time_up(int signal)
{
	(void)signal;
	kill(-hoarder, SIGKILL);
}

/* Waits until nothing is left of the hoarder's group; children that lost their parents are not ours to wait for. */
static void clear_away(pid_t group)
{
	for (int i = 0; i < 2000 && kill(-group, SIGKILL) == 0; i++)
		doze(5);
}

static int remove_content(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	if (walk->level > 0)
		tap_remove(path, status, type, walk);
	return 0;
}

static void run_as(uid_t user, void (*hoard)(void), const char *what)
{
	char sentence[200];
	result->count = result->error = 0;
	long before = free_memory();
	time_t begun = time(NULL);
	pid_t child = fork();
	if (child == 0) {
		setpgid(0, 0);
		int fd = open("/proc/self/oom_score_adj", O_WRONLY);
		if (write(fd, "0", 1) != 1)
			_exit(97);
		close(fd);
		if (user && (setgid(user) || setuid(user)))
			_exit(98);
		hoard();
		_exit(0);
	}
	hoarder = child;
	setpgid(child, child);
	signal(SIGALRM, time_up);
	alarm(SECONDS);
	int status = child == -1 ? -1 : ended_with(child);
	alarm(0);
	clear_away(child);
	nftw(".", remove_content, 16, FTW_DEPTH | FTW_PHYS);
	const char *who = user ? "a user" : "root";
	snprintf(sentence, sizeof sentence, "the shell answers when %s %s", who, what);
	check(answers(), sentence);
	long after = 0, total = meminfo("MemTotal:");
	for (int i = 0; i < 40; i++) {
		after = free_memory();
		if (before - after <= total / 100)
			break;
		doze(50);
	}
	snprintf(sentence, sizeof sentence, "and all memory is back");
	tap_print("    # %s %s: %ld, errno %d, ended with %d after %ld s; %ld kB free before, %ld after\n", who, what,
		  result->count, result->error, status, (long)(time(NULL) - begun), before, after);
	check(before - after <= total / 100, sentence);
}

static void hoards(void (*hoard)(void), const char *what)
{
	result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(result != MAP_FAILED);
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);
	require(write(fd, "-1000", 5) == 5);
	close(fd);
	chmod(".", 0777);
	run_as(0, hoard, what);
	run_as(1000, hoard, what);
}

/* Counts what works until the call fails for good; remembers the error. */
#define count_up(call) \
	do { \
		while ((call) != -1) \
			result->count++; \
		result->error = errno; \
	} while (0)

static void wait_for_the_end(void)
{
	for (;;)
		pause();
}

/* Many do it: what one process may have is not all that there is. */
static void multiply(int processes)
{
	while (processes-- > 1) {
		pid_t child = fork();
		if (child == 0)
			return;
		if (child == -1)
			break;
	}
}

static void all_descriptors(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void fork_bomb(void)
{
	for (;;)
		if (fork() != -1)
			__sync_fetch_and_add(&result->count, 1);
		else
			result->error = errno;
}

static void limited_fork_bomb(void)
{
	struct rlimit limit = { 100, 100 };
	setrlimit(RLIMIT_NPROC, &limit);
	fork_bomb();
}

static void zombies(void)
{
	for (;;) {
		pid_t child = fork();
		if (child == 0)
			_exit(0);
		if (child == -1) {
			result->error = errno;
			wait_for_the_end();
		}
		result->count++;
	}
}

static int idle(void *unused)
{
	(void)unused;
	wait_for_the_end();
	return 0;
}

static void threads(void)
{
	static char stack[65536];
	multiply(4);
	for (;;) {
		int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
		/* They only sleep in a call: one stack does for all. */
		if (clone(idle, stack + sizeof stack, flags, NULL) == -1) {
			result->error = errno;
			wait_for_the_end();
		}
		__sync_fetch_and_add(&result->count, 1);
	}
}

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

static void areas(void)
{
	multiply(3);
	for (int i = 0; mmap(NULL, PAGE, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; i++)
		__sync_fetch_and_add(&result->count, 1);
	result->error = errno;
	wait_for_the_end();
}

static void page_tables(void)
{
	/* One page in each 2 MiB: a table each. */
	for (;;) {
		char *place = mmap(NULL, 1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (place == MAP_FAILED) {
			result->error = errno;
			wait_for_the_end();
		}
		for (long at = 0; at < 1 << 30; at += 2 << 20) {
			(void)*(volatile char *)(place + at);
			result->count++;
		}
	}
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

static void timers(void)
{
	multiply(8);
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	timer_t timer;
	while (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		__sync_fetch_and_add(&result->count, 1);
	result->error = errno;
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

static void signals(void)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	multiply(8);
	union sigval value = { 0 };
	while (sigqueue(getpid(), SIGRTMIN, value) == 0)
		__sync_fetch_and_add(&result->count, 1);
	result->error = errno;
	wait_for_the_end();
}

static void everything(void)
{
	for (;;) {
		char *place = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (place == MAP_FAILED) {
			result->error = errno;
			wait_for_the_end();
		}
		memset(place, 1, 1 << 20);
		result->count++;
	}
}

static void everything_at_once(void)
{
	multiply(10);
	everything();
}

static void shared_memory(void)
{
	for (;;) {
		char *place = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (place == MAP_FAILED) {
			result->error = errno;
			wait_for_the_end();
		}
		memset(place, 1, 1 << 20);
		result->count++;
	}
}

static int deeper(int n)
{
	volatile char room[4000];
	room[0] = n;
	result->count++;
	return n == INT_MAX ? 0 : deeper(n + 1) + room[0];
}

static void stack(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_STACK, &limit);
	deeper(0);
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

static void arguments(void)
{
	static char string[100000];
	static char *list[1000];
	memset(string, 'x', sizeof string - 1);
	multiply(10);
	list[0] = "true";
	for (int i = 1; i < 20; i++)
		list[i] = string;
	for (;;) {
		result->count++;
		pid_t child = fork();
		if (child == 0) {
			execv("/bin/true", list);
			_exit(errno);
		}
		if (child != -1)
			result->error = ended_with(child);
	}
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

static void kernel_messages(void)
{
	for (;;) {
		syscall(4000 + result->count % 1000);
		result->count++;
	}
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

#define HOARD(name, what) \
	CASE(case_##name) { hoards(name, what); }

HOARD(fork_bomb, "forks without end")
HOARD(limited_fork_bomb, "forks without end under a limit")
HOARD(zombies, "waits for no child")
HOARD(threads, "makes threads without end")
HOARD(pipes, "fills pipes")
HOARD(large_pipes, "fills pipes made large")
HOARD(names_that_are_not_there, "looks for names that are not there")
HOARD(files, "makes files")
HOARD(file_contents, "fills a file")
HOARD(memory_files, "fills a file without a name")
HOARD(areas, "maps page after page")
HOARD(page_tables, "touches memory far apart")
HOARD(descriptors, "opens files")
HOARD(timers, "makes timers")
HOARD(event_files, "makes event counters, timers and epolls")
HOARD(signals, "queues signals")
HOARD(everything, "touches all memory")
HOARD(everything_at_once, "touches all memory with ten processes")
HOARD(shared_memory, "touches all shared memory")
HOARD(stack, "overflows the stack")
HOARD(locks, "locks byte after byte")
HOARD(terminals, "opens terminals")
HOARD(arguments, "executes with large arguments")
HOARD(mounts, "mounts without end")
HOARD(poll_entries, "polls many files in many processes")
HOARD(kernel_messages, "makes unknown calls")
HOARD(deep_folders, "makes deep folders")
HOARD(deep_folders_unmounted, "leaves deep folders in a file system that goes")
HOARD(nested_epolls, "nests epolls")
HOARD(long_paths, "walks long paths and loops")

SUITE(RUN(case_fork_bomb), RUN(case_limited_fork_bomb), RUN(case_zombies), RUN(case_threads), RUN(case_pipes), RUN(case_large_pipes),
      RUN(case_names_that_are_not_there), RUN(case_files), RUN(case_file_contents), RUN(case_memory_files), RUN(case_areas),
      RUN(case_page_tables), RUN(case_descriptors), RUN(case_timers), RUN(case_event_files), RUN(case_signals), RUN(case_everything),
      RUN(case_everything_at_once), RUN(case_shared_memory), RUN(case_stack), RUN(case_locks), RUN(case_terminals),
      RUN(case_arguments), RUN(case_mounts), RUN(case_poll_entries), RUN(case_kernel_messages), RUN(case_deep_folders),
      RUN(case_deep_folders_unmounted), RUN(case_nested_epolls), RUN(case_long_paths))
