/* A process whose first thread has ended: the others go on, and it is a zombie among them. */
#include "tap.h"
#include <dirent.h>
#include <pthread.h>

static int orders[2];

/* Ends when it is told to. */
static void *wait_for_word(void *unused)
{
	char word;
	require(read(orders[0], &word, 1) == 1);
	syscall(SYS_exit, 5);
	return unused;
}

/* A child with one thread that waits, whose first thread has ended. */
static pid_t child_without_first(void)
{
	require(pipe(orders) == 0);
	pid_t child = fork();
	if (child == 0) {
		pthread_t thread;
		require(pthread_create(&thread, NULL, wait_for_word, NULL) == 0);
		syscall(SYS_exit, 1);
	}
	return child;
}

/* The character that says what a process or thread does. */
static int state_of(const char *path)
{
	const char *text = contents_of(path), *name_end = text ? strrchr(text, ')') : NULL;
	return name_end ? name_end[2] : 0;
}

/* The number behind a name in a status file. */
static long line_of(const char *path, const char *name)
{
	const char *text = contents_of(path), *line = text ? strstr(text, name) : NULL;
	return line ? strtol(line + strlen(name), NULL, 10) : -1;
}

static int threads_in(const char *path, char *other)
{
	int count = 0;
	DIR *folder = opendir(path);
	require(folder != NULL);
	pid_t pid = (pid_t)strtol(path + strlen("/proc/"), NULL, 10);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (strtol(entry->d_name, NULL, 10) != pid)
			snprintf(other, 32, "%.20s", entry->d_name);
	}
	closedir(folder);
	return count;
}

CASE(others_go_on)
{
	char path[100], other[32] = "";
	pid_t child = child_without_first();
	snprintf(path, sizeof path, "/proc/%d/stat", child);
	check(eventually(state_of(path) == 'Z'), "its state is that of the first thread: a zombie");
	equal(kill(child, 0), 0, "it can be signalled");
	equal(waitpid(child, NULL, WNOHANG), 0, "it cannot be waited for yet");
	snprintf(path, sizeof path, "/proc/%d/status", child);
	equal(line_of(path, "Threads:\t"), 2, "the first thread still counts");
	snprintf(path, sizeof path, "/proc/%d/task", child);
	equal(threads_in(path, other), 2, "and is listed with the other");
	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", child, child);
	equal(state_of(path), 'Z', "as a zombie");
	snprintf(path, sizeof path, "/proc/%d/task/%s/stat", child, other);
	check(eventually(state_of(path) == 'S'), "the other sleeps");
	snprintf(path, sizeof path, "/proc/%d/cmdline", child);
	same(contents_of(path), "", "it has no arguments any more");
	snprintf(path, sizeof path, "/proc/%d/task/%s/cmdline", child, other);
	check(contents_of(path)[0] != 0, "the other has");
	snprintf(path, sizeof path, "/proc/%d/fd", child);
	DIR *folder = opendir(path);
	check(folder == NULL || (errno = 0, readdir(folder) == NULL || readdir(folder) == NULL || readdir(folder) == NULL),
	      "it has no descriptors");
	require(write(orders[1], "x", 1) == 1);
	equal(ended_with(child), 5, "its status is that of the last thread");
}

CASE(all_end)
{
	char path[100];
	pid_t child = child_without_first();
	snprintf(path, sizeof path, "/proc/%d/stat", child);
	require(eventually(state_of(path) == 'Z'));
	equal(kill(child, SIGTERM), 0, "a signal is sent to those that are left");
	equal(ended_with(child), 128 + SIGTERM, "and ends them");
}

SUITE(RUN(others_go_on), RUN(all_end))
