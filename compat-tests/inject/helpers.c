/* What scenarios need in more than one place. */
#include "inject.h"

#include <signal.h>

int status_of(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return status;
}

void fill_table(void)
{
	int fd; /* main.c's own descriptor has made the table this large */
	while ((fd = dup(0)) != -1 && fd < 255)
		;
	need(fd == 255);
}

static pid_t sharer;

pid_t share(int flags)
{
	sharer = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	if (sharer == 0)
		for (;;)
			pause();
	need(sharer > 0);
	return sharer;
}

void unshared(void)
{
	need(kill(sharer, SIGKILL) == 0 && status_of(sharer) == SIGKILL);
}

int is_there(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0;
}

int is_there_not(void)
{
	return !is_there("made");
}

void put(const char *path, const char *contents)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0755);
	need(fd != -1);
	need(write(fd, contents, strlen(contents)) == (ssize_t)strlen(contents));
	close(fd);
}

int close_it(long fd)
{
	return fcntl((int)fd, F_GETFD) != -1 && close((int)fd) == 0;
}

int is_zero(long result)
{
	return result == 0;
}

int is_some(long result)
{
	return result > 0;
}

int open_state(pid_t pid)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY);
	need(fd != -1);
	return fd;
}

int is_asleep(int state)
{
	char text[200] = "";
	const char *end = pread(state, text, sizeof text - 1, 0) > 0 ? strstr(text, ") ") : NULL;
	return end && end[2] == 'S';
}
