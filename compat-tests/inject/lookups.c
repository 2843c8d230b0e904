/* Names that are looked up: trees, what is changed by name, folders that are listed. */
#include "inject.h"

#include <stdint.h>
#include <sys/statfs.h>
#include <time.h>

static void with_tree(void)
{
	need(mkdir("one", 0755) == 0 && mkdir("one/two", 0755) == 0 && mkdir("three", 0755) == 0);
	put("one/two/file", "x");
	need(symlink("/proc/self", "proc") == 0);
}
static void without_tree(void)
{
	need(unlink("proc") == 0);
	need(unlink("one/two/file") == 0 && rmdir("one/two") == 0 && rmdir("one") == 0 && rmdir("three") == 0);
}
static long move_directory(void) { return renameat(AT_FDCWD, "one/two", AT_FDCWD, "three/made"); }
static int moved_directory(long result) { return result == 0 && is_there("three/made/file") && rename("three/made", "one/two") == 0; }
static int directory_same(void) { return is_there("one/two/file") && !is_there("three/made"); }
#define DEEP "one/two/file"
static struct stat before;
static void with_unknown_names(void)
{
	with_tree();
	need(stat(DEEP, &before) == 0);
	int caches = open("/proc/sys/vm/drop_caches", O_WRONLY);
	need(write(caches, "2\n", 2) == 2);
	close(caches);
}
static long open_deep(void) { return open("one/../one/two/../../proc/cwd/" DEEP, O_RDONLY); }
static long open_beneath(void)
{
	struct { unsigned long long flags, mode, resolve; } how = { O_RDONLY, 0, 0x08 };
	return syscall(SYS_openat2, AT_FDCWD, DEEP, &how, sizeof how);
}
static long stat_missing(void) { return access("one/two/nothing/here", F_OK) == -1 && errno == ENOENT ? 0 : -1; }
static long stat_proc(void)
{
	struct stat status;
	return stat("/proc/self/fdinfo/../task/../status", &status);
}
static uint64_t extended[32];
static long statx_file(void)
{
	return syscall(SYS_statx, AT_FDCWD, DEEP, 0, 0xfff, extended);
}
/* `stx_ino` and `stx_size`; the header has no structure for it. */
static int statx_told(long result) { return result == 0 && extended[4] == before.st_ino && extended[5] == 1; }
static struct statfs of_system;
static long file_system(void)
{
	return statfs("one/two", &of_system);
}
static int is_tmpfs(long result) { return result == 0 && of_system.f_type == 0x01021994; }
/* All that can be changed of it is as it was, the time of the last change too. */
static int status_same(void)
{
	struct stat now;
	return stat(DEEP, &now) == 0 && now.st_mode == before.st_mode && now.st_uid == before.st_uid &&
	       now.st_gid == before.st_gid && now.st_size == before.st_size && memcmp(&now.st_atim, &before.st_atim, 16) == 0 &&
	       memcmp(&now.st_mtim, &before.st_mtim, 16) == 0 && memcmp(&now.st_ctim, &before.st_ctim, 16) == 0;
}
static struct stat status_now(void)
{
	struct stat now;
	need(stat(DEEP, &now) == 0);
	return now;
}
static long change_mode(void) { return chmod(DEEP, 0600); }
static int mode_changed(long result) { return result == 0 && status_now().st_mode == (S_IFREG | 0600); }
static long change_owner(void) { return chown(DEEP, 1000, 1001); }
static int owner_changed(long result) { return result == 0 && status_now().st_uid == 1000 && status_now().st_gid == 1001; }
static long change_times(void)
{
	struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };
	return utimensat(AT_FDCWD, DEEP, times, 0);
}
static int times_changed(long result)
{
	struct stat now = status_now();
	return result == 0 && now.st_atim.tv_sec == 1000 && now.st_mtim.tv_sec == 2000 && now.st_mtim.tv_nsec == 2;
}
static long cut(void) { return truncate(DEEP, 100); }
static int was_cut(long result) { return result == 0 && status_now().st_size == 100; }
static long go(void) { return chdir("one/two"); }
static int went(long result) { return result == 0 && is_there("file") && chdir("../..") == 0; }
static int still_here(void) { return is_there("one"); }
static long change_root(void) { return chroot("one/two"); }
static int root_changed(long result) { return result == 0 && is_there("/file"); }
static char path[PAGE];
static long where(void)
{
	return syscall(SYS_getcwd, path, sizeof path);
}
static int is_here(long result) { return result == sizeof PLACE && strcmp(path, PLACE) == 0; }
static long read_link(void)
{
	return readlink("/proc/self/exe", path, sizeof path);
}
static int link_read(long result) { return result == 11 && memcmp(path, "/opt/inject", 11) == 0; }
static int directory = -1;
static void with_listing(void)
{
	with_tree();
	directory = open("/proc/self", O_RDONLY | O_DIRECTORY);
	need(directory != -1);
}
static void without_listing(void)
{
	close(directory);
	without_tree();
}
static char entries[8 * PAGE];
static long list(void)
{
	return syscall(SYS_getdents64, directory, entries, sizeof entries);
}
static int not_listed(void) { return lseek(directory, 0, SEEK_CUR) == 0; }
/* How many names were told; -1 when `name` is not one of them. */
static int told(long result, const char *name)
{
	int names = 0, found = 0;
	for (long at = 0; at < result; names++) {
		found |= strcmp(entries + at + 19, name) == 0;
		at += *(unsigned short *)(entries + at + 16);
	}
	return found ? names : -1;
}
static int all_names(long result) { return told(result, "59") == 62; }
static int own_names(long result) { return told(result, "status") > 20 && told(result, "task") > 20; }
static int all_processes(long result) { return told(result, "1") > 20 && told(result, "self") > 20; }
static int all_descriptors(long result)
{
	char number[16];
	snprintf(number, sizeof number, "%d", directory);
	return told(result, number) > 4 && told(result, "0") > 4;
}
static void with_processes(void)
{
	with_tree();
	directory = open("/proc", O_RDONLY | O_DIRECTORY);
	need(directory != -1);
}
static void with_descriptors(void)
{
	with_tree();
	directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
	need(directory != -1);
}
static void with_many_names(void)
{
	char name[32];
	with_tree();
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof name, "three/%d", i);
		put(name, "");
	}
	directory = open("three", O_RDONLY | O_DIRECTORY);
	need(directory != -1);
}
static void without_many_names(void)
{
	char name[32];
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof name, "three/%d", i);
		need(unlink(name) == 0);
	}
	without_listing();
}

const struct scenario lookups[] = {
	{ "renameat of a directory", with_tree, move_directory, directory_same, moved_directory, without_tree, 0, { 0 } },
	{ "open deep", with_unknown_names, open_deep, NULL, close_it, without_tree, 0, { ENFILE } },
	{ "openat2 RESOLVE_BENEATH", with_unknown_names, open_beneath, NULL, close_it, without_tree, 0, { ENFILE } },
	{ "access of what is not there", with_unknown_names, stat_missing, NULL, is_zero, without_tree, 0, { 0 } },
	{ "stat below /proc", with_unknown_names, stat_proc, NULL, is_zero, without_tree, 0, { 0 } },
	{ "statx", with_unknown_names, statx_file, NULL, statx_told, without_tree, 0, { 0 } },
	{ "statfs", with_unknown_names, file_system, NULL, is_tmpfs, without_tree, 0, { 0 } },
	{ "chmod", with_unknown_names, change_mode, status_same, mode_changed, without_tree, 0, { 0 } },
	{ "chown", with_unknown_names, change_owner, status_same, owner_changed, without_tree, 0, { 0 } },
	{ "utimensat", with_unknown_names, change_times, status_same, times_changed, without_tree, 0, { 0 } },
	{ "truncate", with_unknown_names, cut, status_same, was_cut, without_tree, 0, { 0 } },
	{ "chdir", with_unknown_names, go, still_here, went, without_tree, 0, { 0 } },
	{ "chroot", with_unknown_names, change_root, still_here, root_changed, without_tree, IN_CHILD, { 0 } },
	{ "getcwd", NULL, where, NULL, is_here, NULL, FREE, { 0 } },
	{ "readlink", NULL, read_link, NULL, link_read, NULL, 0, { 0 } },
	{ "getdents64", with_many_names, list, not_listed, all_names, without_many_names, 0, { 0 } },
	{ "getdents64 of /proc/self", with_listing, list, not_listed, own_names, without_listing, 0, { 0 } },
	{ "getdents64 of /proc", with_processes, list, not_listed, all_processes, without_listing, 0, { 0 } },
	{ "getdents64 of /proc/self/fd", with_descriptors, list, not_listed, all_descriptors, without_listing, 0, { 0 } },
	{ 0 },
};
