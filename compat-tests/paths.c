/* How a path is walked: symbolic links, dots, limits, and the *at calls. */
#include "tap.h"
#include <linux/openat2.h>

CASE(symbolic_links)
{
	char target[16] = "################";
	struct stat status;
	make_file("f", "text");
	equal(symlink("f", "s"), 0, "symlink makes a symbolic link");
	same(contents_of("s"), "text", "open follows it");
	equal(readlink("s", target, sizeof target), 1, "readlink gives the target's length");
	check(target[0] == 'f' && target[1] == '#', "readlink adds no zero");
	equal(lstat("s", &status), 0, "lstat works on the link itself");
	equal(status.st_mode, S_IFLNK | 0777, "a symbolic link's mode is 0777");
	equal(status.st_size, 1, "a symbolic link's size is its target's length");
	fails(readlink("f", target, sizeof target), EINVAL, "readlink of a file gives EINVAL");
	fails(open("s", O_RDONLY | O_NOFOLLOW), ELOOP, "O_NOFOLLOW refuses a symbolic link with ELOOP");
	fails(symlink("f", "s"), EEXIST, "symlink to a name that exists gives EEXIST");
	fails(symlink("", "t"), ENOENT, "symlink to the empty path gives ENOENT");
	fails(syscall(SYS_readlink, "s", target, 0), EINVAL, "readlink into no bytes gives EINVAL");
	require(symlink("0123456789", "long") == 0);
	equal(readlink("long", target, 4), 4, "readlink cuts a target that does not fit");
	equal(unlink("s"), 0, "unlink removes the link");
	same(contents_of("f"), "text", "and leaves its target");
}

CASE(loops)
{
	char name[16], next[16];
	require(symlink("loop", "loop") == 0);
	fails(open("loop", O_RDONLY), ELOOP, "a link to itself gives ELOOP");
	make_file("l0", "deep");
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof name, "l%d", i);
		snprintf(next, sizeof next, "l%d", i - 1);
		require(symlink(next, name) == 0);
	}
	same(contents_of("l40"), "deep", "40 links in a row are followed");
	fails(open("l41", O_RDONLY), ELOOP, "41 links in a row give ELOOP");
	check(readlink("l41", name, sizeof name) > 0, "readlink follows no last link");
}

CASE(walking)
{
	struct stat a, b;
	require(mkdir("d", 0777) == 0 && mkdir("d/e", 0777) == 0 && symlink("d/e", "s") == 0);
	make_file("d/f", "in d");
	make_file("f", "at top");
	same(contents_of("d//e/.././f"), "in d", "double slashes and dots are walked");
	same(contents_of("s/../f"), "in d", "the entry .. after a link is the target's parent");
	require(stat("/", &a) == 0 && stat("/..", &b) == 0);
	check(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "the root's .. is the root");
	fails(stat("missing/../f", &a), ENOENT, "a missing folder before .. gives ENOENT");
	fails(stat("f/../f", &a), ENOTDIR, "a file before .. gives ENOTDIR");
	fails(stat("f/", &a), ENOTDIR, "a file's name with a slash gives ENOTDIR");
	fails(open("d/", O_CREAT | O_WRONLY, 0600), EISDIR, "O_CREAT of a name with a slash gives EISDIR");
	equal(lstat("s/", &a), 0, "lstat of a link's name with a slash works");
	equal(a.st_mode & S_IFMT, S_IFDIR, "and follows the link");
	fails(unlink("s/"), ENOTDIR, "unlink of a link's name with a slash gives ENOTDIR");
	fails(rename("f", "g/"), ENOTDIR, "rename of a file to a name with a slash gives ENOTDIR");
}

CASE(lengths)
{
	static char name[300], path[5000];
	memset(name, 'n', 255);
	check(open(name, O_CREAT | O_WRONLY, 0600) >= 0, "a name may have 255 bytes");
	name[255] = 'n';
	fails(open(name, O_CREAT | O_WRONLY, 0600), ENAMETOOLONG, "a name of 256 bytes gives ENAMETOOLONG");
	for (int i = 0; i < 4094; i += 2)
		memcpy(path + i, "./", 2);
	path[4094] = '.';
	struct stat status;
	equal(stat(path, &status), 0, "a path may have 4095 bytes");
	path[4095] = '/';
	fails(stat(path, &status), ENAMETOOLONG, "a path of 4096 bytes gives ENAMETOOLONG");
	check(open("\xff\x01 \n*", O_CREAT | O_WRONLY, 0600) >= 0, "a name may have any byte but / and 0");
}

CASE(relative_to_folders)
{
	struct stat status;
	require(mkdir("d", 0777) == 0);
	make_file("d/f", "in d");
	make_file("f", "at top");
	int folder = open("d", O_RDONLY | O_DIRECTORY), file = open("f", O_RDONLY);
	require(folder >= 0 && file >= 0);
	char buffer[8];
	int fd = openat(folder, "f", O_RDONLY);
	equal(read(fd, buffer, 8), 4, "openat starts at the folder");
	check(memcmp(buffer, "in d", 4) == 0, "and not at the working folder");
	check(openat(folder, "/tmp", O_RDONLY) >= 0, "openat with an absolute path ignores the folder");
	check(openat(99, "/tmp", O_RDONLY) >= 0, "even when it is no descriptor");
	fails(openat(99, "f", O_RDONLY), EBADF, "openat below a closed descriptor gives EBADF");
	fails(openat(file, "f", O_RDONLY), ENOTDIR, "openat below a file gives ENOTDIR");
	equal(mkdirat(folder, "e", 0777), 0, "mkdirat makes a folder there");
	equal(renameat(folder, "f", AT_FDCWD, "moved"), 0, "renameat moves between folders");
	equal(symlinkat("target", folder, "s"), 0, "symlinkat makes a link there");
	equal(readlinkat(folder, "s", buffer, 8), 6, "readlinkat reads it");
	equal(fstatat(folder, "s", &status, AT_SYMLINK_NOFOLLOW), 0, "fstatat can stay at a link");
	equal(status.st_mode & S_IFMT, S_IFLNK, "and tells that it is one");
	fails(fstatat(folder, "s", &status, 0), ENOENT, "fstatat otherwise follows the link");
	equal(fstatat(file, "", &status, AT_EMPTY_PATH), 0, "AT_EMPTY_PATH means the descriptor itself");
	equal(status.st_size, 6, "whatever it is");
	fails(fstatat(file, "", &status, 0), ENOENT, "the empty path without AT_EMPTY_PATH gives ENOENT");
	fails(fstatat(folder, "s", &status, 0x40000000), EINVAL, "fstatat with an unknown flag gives EINVAL");
	require(mkdir("later", 0777) == 0);
	int moved = open("later", O_RDONLY);
	require(rename("later", "d/now") == 0);
	check(openat(moved, "x", O_CREAT | O_WRONLY, 0600) >= 0, "an open folder can be used after it was moved");
	check(access("d/now/x", F_OK) == 0, "under its new path");
}

CASE(path_descriptors)
{
	char byte = 0, path[64], target[PATH_MAX];
	struct stat status;
	make_file("f", "text");
	require(symlink("f", "s") == 0);
	int fd = open("f", O_PATH);
	check(fd >= 0, "O_PATH opens a file");
	fails(read(fd, &byte, 1), EBADF, "an O_PATH descriptor cannot be read");
	fails(write(fd, &byte, 1), EBADF, "nor written");
	fails(syscall(SYS_fchmod, fd, 0600), EBADF, "nor changed with fchmod");
	fails(ftruncate(fd, 0), EBADF, "nor truncated");
	equal(fstat(fd, &status), 0, "fstat works on it");
	check(fcntl(fd, F_GETFL) & O_PATH, "F_GETFL tells O_PATH");
	check(dup(fd) >= 0, "it can be duplicated");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	same(contents_of(path), "text", "opening it through /proc/self/fd gives a normal descriptor");
	ssize_t n = readlink(path, target, sizeof target - 1);
	require(n > 0);
	target[n] = 0;
	check(n > 2 && strcmp(target + n - 2, "/f") == 0, "the link in /proc/self/fd names the file");
	int link = open("s", O_PATH | O_NOFOLLOW);
	check(link >= 0, "O_PATH with O_NOFOLLOW opens a symbolic link itself");
	require(fstat(link, &status) == 0);
	equal(status.st_mode & S_IFMT, S_IFLNK, "fstat says that it is a link");
	equal(readlinkat(link, "", target, sizeof target), 1, "readlinkat with the empty path reads it");
	check(openat(open(".", O_PATH), "f", O_RDONLY) >= 0, "openat starts at an O_PATH folder");
	check(open("f", O_PATH | O_WRONLY | O_TRUNC) >= 0, "O_PATH ignores other flags");
	same(contents_of("f"), "text", "in particular O_TRUNC");
}

CASE(confined_walks)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_BENEATH };
	require(mkdir("d", 0777) == 0 && symlink("..", "d/up") == 0 && symlink("f", "d/s") == 0);
	make_file("d/f", "text");
	int folder = open("d", O_RDONLY);
	check(syscall(SYS_openat2, folder, "f", &how, sizeof how) >= 0, "openat2 opens below a folder");
	fails(syscall(SYS_openat2, folder, "../d/f", &how, sizeof how), EXDEV, "RESOLVE_BENEATH refuses to leave with EXDEV");
	fails(syscall(SYS_openat2, folder, "/tmp", &how, sizeof how), EXDEV, "RESOLVE_BENEATH refuses absolute paths");
	how.resolve = RESOLVE_NO_SYMLINKS;
	fails(syscall(SYS_openat2, folder, "s", &how, sizeof how), ELOOP, "RESOLVE_NO_SYMLINKS refuses links with ELOOP");
	how.resolve = RESOLVE_IN_ROOT;
	check(syscall(SYS_openat2, folder, "/up/../f", &how, sizeof how) >= 0, "RESOLVE_IN_ROOT makes the folder the root");
	how.resolve = 1 << 20;
	fails(syscall(SYS_openat2, folder, "f", &how, sizeof how), EINVAL, "openat2 refuses unknown resolve flags");
	how.resolve = 0, how.flags = 1ull << 40;
	fails(syscall(SYS_openat2, folder, "f", &how, sizeof how), EINVAL, "openat2 refuses unknown open flags");
	how.flags = O_RDONLY, how.mode = 0600;
	fails(syscall(SYS_openat2, folder, "f", &how, sizeof how), EINVAL, "openat2 refuses a mode without O_CREAT");
	fails(syscall(SYS_openat2, folder, "f", &how, 8), EINVAL, "openat2 refuses a short structure");
}

CASE(changing_the_root)
{
	require(chmod(".", 0755) == 0 && mkdir("root", 0777) == 0);
	make_file("root/f", "inside");
	equal(in_child(if (chroot("root") != 0) _exit(1); if (access("/f", F_OK) != 0) _exit(2)), 0, "chroot makes a folder the root");
	equal(in_child(if (chroot("root") || chdir("/")) _exit(1); if (access("../../f", F_OK)) _exit(2)), 0, "the new root's .. is itself");
	check(access("/f", F_OK) == -1, "a child's chroot leaves the parent's root");
	fails(chroot("root/f"), ENOTDIR, "chroot to a file gives ENOTDIR");
	equal(in_child(if (setuid(1000)) _exit(1); if (chroot("root") == -1 && errno == EPERM) _exit(7)), 7,
	      "chroot without privilege gives EPERM");
}

SUITE(RUN(symbolic_links), RUN(loops), RUN(walking), RUN(lengths), RUN(relative_to_folders), RUN(path_descriptors),
      RUN(confined_walks), RUN(changing_the_root))
