/* What the programs about mount propagation share.
 *
 * Each case works in a mount namespace and on a tmpfs of its own. What is mounted there is compared as a text: a line for each
 * mount in the order of mountinfo, with its place, in brackets the folder it shows unless that is a whole file system, and its
 * ties to others. Groups are numbered from the smallest number that is free, and nothing else in the guest is shared.
 */
#ifndef PROPAGATION_H
#define PROPAGATION_H

#include "tap.h"

#include <sched.h>
#include <sys/mount.h>

#define KINDS (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

static char base[PATH_MAX];

/* Begins a case; places are made for the names that follow. */
static UNUSED void begin(const char *names)
{
	require(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	require(mkdir("base", 0755) == 0 && mount("none", "base", "tmpfs", 0, NULL) == 0 && chdir("base") == 0);
	require(getcwd(base, sizeof base) != NULL);
	char name[64];
	for (int length; sscanf(names, " %63s%n", name, &length) == 1; names += length)
		require(mkdir(name, 0755) == 0);
}

static UNUSED int fresh(const char *at) { return mount("none", at, "tmpfs", 0, NULL); }
static UNUSED int bind(const char *from, const char *to) { return mount(from, to, NULL, MS_BIND, NULL); }
static UNUSED int rbind(const char *from, const char *to) { return mount(from, to, NULL, MS_BIND | MS_REC, NULL); }
static UNUSED int move(const char *from, const char *to) { return mount(from, to, NULL, MS_MOVE, NULL); }
static UNUSED int kind(const char *at, unsigned long flags) { return mount(NULL, at, NULL, flags, NULL); }
static UNUSED int is_there(const char *path) { return access(path, F_OK) == 0; }

/* A fresh file system that is shared, with folders in it. */
static UNUSED void shared(const char *at, const char *names)
{
	char name[64], path[256];
	require(fresh(at) == 0 && kind(at, MS_SHARED) == 0);
	for (int length; sscanf(names, " %63s%n", name, &length) == 1; names += length) {
		snprintf(path, sizeof path, "%s/%s", at, name);
		require(mkdir(path, 0755) == 0);
	}
}

/* The mounts in the base, as the process with this name in /proc sees them: "PLACE[ROOT] TIES, ...". */
static UNUSED const char *mounts_of(const char *process)
{
	static char text[65536], out[32768];
	char path[64];
	snprintf(path, sizeof path, "/proc/%s/mountinfo", process);
	int fd = open(path, O_RDONLY);
	size_t length = 0, used = 0;
	for (ssize_t n; fd != -1 && (n = read(fd, text + length, sizeof text - 1 - length)) > 0;)
		length += n;
	close(fd);
	text[length] = out[0] = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char root[256], place[256], ties[128] = "";
		int at;
		if (sscanf(line, "%*s %*s %*s %255s %255s %*s %n", root, place, &at) != 2)
			continue;
		if (strncmp(place, base, strlen(base)) != 0 || place[strlen(base)] != '/')
			continue;
		char *end = strstr(line + at, "- ");
		if (end > line + at)
			snprintf(ties, sizeof ties, " %.*s", (int)(end - line - at - 1), line + at);
		used += snprintf(out + used, sizeof out - used, "%s%s%s%s%s%s", used ? ", " : "", place + strlen(base) + 1,
				 root[1] ? "[" : "", root[1] ? root : "", root[1] ? "]" : "", ties);
		if (used >= sizeof out)
			break;
	}
	return out;
}

static UNUSED const char *mounts(void) { return mounts_of("self"); }

#endif
