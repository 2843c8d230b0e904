/* What the programs about the newer mount calls share: musl has no names for them. */
#ifndef MOUNT_CALLS_H
#define MOUNT_CALLS_H

#include "propagation.h"

#define OPEN_TREE_CLONE 1u
#define OPEN_TREE_CLOEXEC 02000000u
#define TREE (OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

#define MOVE_MOUNT_F_SYMLINKS 0x1u
#define MOVE_MOUNT_F_AUTOMOUNTS 0x2u
#define MOVE_MOUNT_F_EMPTY_PATH 0x4u
#define MOVE_MOUNT_T_SYMLINKS 0x10u
#define MOVE_MOUNT_T_AUTOMOUNTS 0x20u
#define MOVE_MOUNT_T_EMPTY_PATH 0x40u
#define MOVE_MOUNT_SET_GROUP 0x100u

#define FSOPEN_CLOEXEC 1u
#define FSMOUNT_CLOEXEC 1u
#define FSPICK_CLOEXEC 1u
#define FSPICK_SYMLINK_NOFOLLOW 2u
#define FSPICK_NO_AUTOMOUNT 4u
#define FSPICK_EMPTY_PATH 8u

enum { SET_FLAG, SET_STRING, SET_BINARY, SET_PATH, SET_PATH_EMPTY, SET_FD, CREATE, RECONFIGURE };

#define ATTR_RDONLY 0x1u
#define ATTR_NOSUID 0x2u
#define ATTR_NODEV 0x4u
#define ATTR_NOEXEC 0x8u
#define ATTR_ATIME 0x70u
#define ATTR_NOATIME 0x10u
#define ATTR_STRICTATIME 0x20u
#define ATTR_NODIRATIME 0x80u
#define ATTR_IDMAP 0x100000u
#define ATTR_NOSYMFOLLOW 0x200000u

struct attributes {
	uint64_t set, clear, propagation, user_namespace;
};

static UNUSED long open_tree(int folder, const char *path, unsigned flags) { return syscall(428, folder, path, flags); }
static UNUSED long move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags)
{
	return syscall(429, from, from_path, to, to_path, flags);
}
static UNUSED long fsopen(const char *type, unsigned flags) { return syscall(430, type, flags); }
static UNUSED long fsconfig(int fd, unsigned command, const char *key, const void *value, int extra)
{
	return syscall(431, fd, command, key, value, extra);
}
static UNUSED long fsmount(int fd, unsigned flags, unsigned attributes) { return syscall(432, fd, flags, attributes); }
static UNUSED long fspick(int folder, const char *path, unsigned flags) { return syscall(433, folder, path, flags); }
static UNUSED long mount_setattr(int folder, const char *path, unsigned flags, struct attributes *attributes, size_t size)
{
	return syscall(442, folder, path, flags, attributes, size);
}

/* Attaches the tree behind a descriptor. */
static UNUSED long attach(int fd, const char *at) { return move_mount(fd, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH); }

/* The options of the mount at a place in the base, as mountinfo tells them: "OPTIONS - TYPE SOURCE OPTIONS". */
static UNUSED const char *options_of(const char *place)
{
	static char line[1024], out[1024];
	char path[PATH_MAX + 64];
	snprintf(path, sizeof path, "%s/%.60s", base, place);
	FILE *file = fopen("/proc/self/mountinfo", "re");
	snprintf(out, sizeof out, "none");
	while (file && fgets(line, sizeof line, file)) {
		char at[256], options[256];
		int end;
		if (sscanf(line, "%*s %*s %*s %*s %255s %255s%n", at, options, &end) != 2 || strcmp(at, path) != 0)
			continue;
		char *behind = strstr(line + end, " - ");
		line[strcspn(line, "\n")] = 0;
		char *last = strstr(line, ",inode64"); /* what every tmpfs of a 64-bit Linux shows */
		if (last)
			*last = 0;
		snprintf(out, sizeof out, "%.200s%.400s", options, behind ? behind : "");
	}
	if (file)
		fclose(file);
	return out;
}

/* Whether a call was refused for want of a privilege, made by a child that has none. */
#define needs_privilege(call, sentence) \
	equal(in_child(_exit(setuid(1000) == 0 && (call) == -1 && errno == EPERM ? 0 : 1)), 0, sentence)

#endif
