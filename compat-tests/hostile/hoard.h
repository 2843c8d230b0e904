/* Programs that take all they can get: each has to end, with the rest of the system alive and its memory back.
 *
 * Each case runs its hoarder as root and as user 1000, in a process group of its own that is killed when its time is up,
 * with the rest of the system spared by `oom_score_adj`. It prints how far the hoarder came, as a comment.
 */
#ifndef HOARD_H
#define HOARD_H

#include "../tap.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

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
	long after = 0, missing = 0, total = meminfo("MemTotal:");
	for (int i = 0; i < 40; i++) {
		after = free_memory();
		missing = before - after > total / 100 ? before - after : 0;
		if (missing == 0)
			break;
		doze(50);
	}
	snprintf(sentence, sizeof sentence, "and all memory is back");
	tap_print("    # %s %s: %ld, errno %d, ended with %d after %ld s; %ld kB free before, %ld after\n", who, what,
		  result->count, result->error, status, (long)(time(NULL) - begun), before, after);
	equal(missing, 0, sentence);
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

static UNUSED void all_descriptors(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

#define HOARD(name, what) \
	CASE(case_##name) { hoards(name, what); }

#endif
