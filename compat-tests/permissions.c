/* Who may do what to a file: modes, owners, umask, sticky folders; and what stat tells. */
#include "tap.h"
#include <sys/sysmacros.h>
#include <sys/time.h>

/* Runs the statements as another user, without supplementary groups. */
#define as_user(uid, gid, ...) \
	in_child(if (syscall(SYS_setgroups, 0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)) _exit(99); \
		 __VA_ARGS__)
/* For use in as_user: exits with the errno of the call, 0 when it succeeds. */
#define tell(call) _exit((call) == -1 ? errno : 0)

static mode_t mode_of(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0 ? status.st_mode & 07777 : 077777;
}

CASE(masks)
{
	equal(umask(027), 022, "umask gives the old mask");
	close(open("f", O_CREAT | O_WRONLY, 0666));
	equal(mode_of("f"), 0640, "the mask applies to open");
	mkdir("d", 0777);
	equal(mode_of("d"), 0750, "the mask applies to mkdir");
	mkfifo("p", 0666);
	equal(mode_of("p"), 0640, "the mask applies to mkfifo");
	equal(chmod("f", 0666), 0, "chmod changes a mode");
	equal(mode_of("f"), 0666, "the mask does not apply to chmod");
	equal(umask(07777), 027, "umask sets a new mask");
	equal(umask(0), 0777, "of which only the permission bits count");
	require(in_child(umask(077)) == 0);
	equal(umask(0), 0, "a child's umask is its own");
}

CASE(classes)
{
	require(chmod(".", 0777) == 0);
	make_file("f", "text");
	require(chown("f", 1000, 2000) == 0 && chmod("f", 0640) == 0);
	equal(as_user(1000, 1, tell(open("f", O_RDWR))), 0, "the owner has the owner's rights");
	equal(as_user(1001, 2000, tell(open("f", O_RDONLY))), 0, "the group has the group's rights");
	equal(as_user(1001, 2000, tell(open("f", O_WRONLY))), EACCES, "and no more");
	equal(as_user(1001, 1, tell(open("f", O_RDONLY))), EACCES, "others have the others' rights");
	equal(open("f", O_RDWR) >= 0, 1, "root may open any file");
	chmod("f", 0066);
	equal(as_user(1000, 2000, tell(open("f", O_RDONLY))), EACCES, "the owner has only the owner's rights");
	equal(as_user(1001, 1, tell(open("f", O_RDONLY))), 0, "even when others have more");
	require(mkdir("d", 0777) == 0);
	make_file("d/f", "");
	chmod("d", 0644);
	equal(as_user(1001, 1, tell(open("d/f", O_RDONLY))), EACCES, "a folder without x cannot be walked");
	equal(as_user(1001, 1, tell(open("d", O_RDONLY))), 0, "but one with r can be listed");
	chmod("d", 0711);
	equal(as_user(1001, 1, tell(open("d/f", O_RDONLY))), 0, "a folder with x can be walked");
	equal(as_user(1001, 1, tell(open("d", O_RDONLY))), EACCES, "but one without r cannot be listed");
	equal(as_user(1001, 1, tell(open("d/new", O_CREAT | O_WRONLY, 0600))), EACCES, "nor written without w");
	equal(as_user(1001, 1, tell(unlink("d/f"))), EACCES, "unlink needs the folder's w");
	gid_t extra = 2000;
	chmod("f", 0060);
	equal(in_child(if (syscall(SYS_setgroups, 1, &extra) || setresgid(1, 1, 1) || setresuid(7, 7, 7)) _exit(99);
		       tell(open("f", O_RDWR))), 0, "a supplementary group counts as the group");
}

CASE(access_call)
{
	require(chmod(".", 0777) == 0);
	make_file("f", "");
	chmod("f", 0644);
	equal(access("f", R_OK | W_OK), 0, "root may read and write any file");
	fails(access("f", X_OK), EACCES, "root may execute only what has an x");
	chmod("f", 0010);
	equal(access("f", X_OK), 0, "whoever's x it is");
	fails(access("f", 8), EINVAL, "an unknown mode gives EINVAL");
	chmod("f", 0600);
	equal(in_child(if (setresuid(1000, 0, 0)) _exit(99); tell(access("f", R_OK))), EACCES, "access asks for the real user");
	equal(in_child(if (setresuid(1000, 0, 0)) _exit(99); tell(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS))), 0,
	      "AT_EACCESS asks for the effective user");
}

CASE(owners)
{
	struct stat status;
	require(chmod(".", 0777) == 0);
	make_file("f", "");
	equal(chown("f", 1000, 2000), 0, "root may give a file away");
	require(stat("f", &status) == 0);
	check(status.st_uid == 1000 && status.st_gid == 2000, "chown sets owner and group");
	equal(chown("f", -1, 3000), 0, "chown with -1 for the owner succeeds");
	require(stat("f", &status) == 0);
	check(status.st_uid == 1000 && status.st_gid == 3000, "and leaves the owner");
	equal(as_user(1000, 1, tell(chown("f", 1001, -1))), EPERM, "an owner may not give a file away");
	equal(as_user(1000, 1, tell(chown("f", -1, 77))), EPERM, "nor give it to a group that is not his");
	equal(as_user(1000, 1, tell(chown("f", -1, 1))), 0, "but to one that is");
	equal(as_user(1001, 1, tell(chmod("f", 0777))), EPERM, "only the owner may chmod");
	chmod("f", 06777);
	equal(mode_of("f"), 06777, "chmod sets the set-id bits");
	require(as_user(1000, 1, int fd = open("f", O_WRONLY); tell(write(fd, "x", 1) == 1 ? 0 : -1)) == 0);
	equal(mode_of("f"), 0777, "writing without privilege clears the set-id bits");
	chmod("f", 06777);
	require(as_user(1001, 1, tell(truncate("f", 0))) == 0);
	equal(mode_of("f"), 0777, "so does truncating it by its name");
	chmod("f", 06777);
	require(as_user(1001, 1, tell(ftruncate(open("f", O_WRONLY), 5))) == 0);
	equal(mode_of("f"), 0777, "and by a descriptor");
	chmod("f", 06777);
	require(as_user(1001, 1, tell(open("f", O_WRONLY | O_TRUNC))) == 0);
	equal(mode_of("f"), 0777, "and with O_TRUNC");
	int opened = open("f", O_WRONLY);
	chmod("f", 06777);
	require(as_user(1001, 1, tell(write(opened, "x", 1) == 1 ? 0 : -1)) == 0);
	equal(mode_of("f"), 0777, "and writing by a descriptor that somebody privileged opened");
	chmod("f", 06777);
	require(write(opened, "x", 1) == 1 && close(opened) == 0);
	equal(mode_of("f"), 06777, "who may write himself");
	chmod("f", 02767);
	require(as_user(1001, 1, tell(truncate("f", 0))) == 0);
	equal(mode_of("f"), 02767, "the set-group-id bit stays where the group may not execute");
	chmod("f", 06777);
	require(chown("f", 0, 0) == 0);
	equal(mode_of("f"), 0777, "chown clears the set-id bits");
	require(symlink("f", "s") == 0);
	equal(lchown("s", 5, 5), 0, "lchown works on a link");
	require(lstat("s", &status) == 0);
	equal(status.st_uid, 5, "and changes the link");
	require(stat("s", &status) == 0);
	equal(status.st_uid, 0, "and not its target");
	equal(as_user(1000, 1, int fd = open("mine", O_CREAT | O_WRONLY, 0600); tell(fd)), 0, "a user may create a file");
	require(stat("mine", &status) == 0);
	check(status.st_uid == 1000 && status.st_gid == 1, "which belongs to him and his group");
}

CASE(special_folders)
{
	struct stat status;
	require(chmod(".", 0777) == 0 && mkdir("t", 0777) == 0 && chmod("t", 01777) == 0);
	make_file("t/f", "");
	require(chown("t/f", 1000, 1000) == 0);
	equal(as_user(1001, 1, tell(unlink("t/f"))), EPERM, "in a sticky folder others may not remove a file");
	equal(as_user(1001, 1, tell(rename("t/f", "t/g"))), EPERM, "nor rename it");
	equal(as_user(1000, 1, tell(rename("t/f", "t/g"))), 0, "its owner may rename it");
	equal(as_user(1000, 1, tell(unlink("t/g"))), 0, "its owner may remove it");
	require(mkdir("g", 0777) == 0 && chown("g", 0, 4000) == 0 && chmod("g", 02777) == 0);
	make_file("g/f", "");
	require(stat("g/f", &status) == 0);
	equal(status.st_gid, 4000, "a file made in a set-gid folder gets the folder's group");
	require(mkdir("g/sub", 0777) == 0);
	equal(mode_of("g/sub"), 02755, "a folder made there is set-gid itself");
}

CASE(times)
{
	struct stat before, after;
	make_file("f", "text");
	struct timespec set[2] = { { 1000, 123456789 }, { 2000, 5 } };
	equal(utimensat(AT_FDCWD, "f", set, 0), 0, "utimensat sets the times");
	require(stat("f", &before) == 0);
	check(before.st_atim.tv_sec == 1000 && before.st_mtim.tv_sec == 2000, "to those seconds");
	check(before.st_atim.tv_nsec == 123456789 && before.st_mtim.tv_nsec == 5, "and nanoseconds");
	set[0].tv_nsec = UTIME_OMIT, set[1].tv_nsec = UTIME_NOW;
	require(utimensat(AT_FDCWD, "f", set, 0) == 0 && stat("f", &after) == 0);
	equal(after.st_atim.tv_sec, 1000, "UTIME_OMIT leaves a time");
	check(after.st_mtim.tv_sec > 2000, "UTIME_NOW sets the present");
	set[0].tv_nsec = 1000000000;
	fails(utimensat(AT_FDCWD, "f", set, 0), EINVAL, "a billion nanoseconds give EINVAL");
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	require(utimensat(AT_FDCWD, "f", old, 0) == 0);
	int fd = open("f", O_WRONLY);
	require(write(fd, "x", 1) == 1 && stat("f", &after) == 0);
	check(after.st_mtim.tv_sec > 1000 && after.st_ctim.tv_sec > 1000, "write sets the modification and change times");
	require(utimensat(AT_FDCWD, "f", old, 0) == 0 && chmod("f", 0600) == 0 && stat("f", &after) == 0);
	check(after.st_mtim.tv_sec == 1000 && after.st_ctim.tv_sec > 1000, "chmod sets the change time only");
	require(mkdir("d", 0777) == 0 && utimensat(AT_FDCWD, "d", old, 0) == 0);
	make_file("d/f", "");
	require(stat("d", &after) == 0);
	check(after.st_mtim.tv_sec > 1000, "creating a file sets its folder's modification time");
	require(utimensat(AT_FDCWD, "d/f", old, 0) == 0 && contents_of("d/f") && stat("d/f", &after) == 0);
	equal(after.st_mtim.tv_sec, 1000, "reading leaves the modification time");
}

CASE(stat_fields)
{
	struct stat a, b;
	make_file("f", "12345");
	require(stat("f", &a) == 0 && stat(".", &b) == 0);
	check(a.st_dev == b.st_dev, "a file has its folder's device number");
	check(a.st_ino != b.st_ino && a.st_ino != 0, "and an inode number of its own");
	check(a.st_blksize >= 512, "the block size is at least 512");
	equal(a.st_uid, geteuid(), "the owner is who made it");
	require(mknod("null", S_IFCHR | 0666, makedev(1, 3)) == 0 && stat("null", &a) == 0);
	equal(a.st_rdev, makedev(1, 3), "a device node tells its number");
	equal(open("null", O_RDWR) >= 0, 1, "a device node made by hand works");
	fails(mknod("x", 0170000, 0), EINVAL, "mknod of an unknown type gives EINVAL");
	equal(mknod("plain", 0644, 0), 0, "mknod without a type makes a file");
	chmod(".", 0777);
	equal(as_user(1000, 1, tell(mknod("n2", S_IFCHR | 0666, makedev(1, 3)))), EPERM, "mknod of a device needs privilege");
}

CASE(statx_call)
{
	/* The first words of struct statx; the kernel fills 256 bytes. */
	union {
		struct { uint32_t mask, blksize; uint64_t attributes; uint32_t nlink, uid, gid; uint16_t mode, pad;
			 uint64_t ino, size, blocks; };
		char bytes[256];
	} x = { 0 };
	struct stat status;
	make_file("f", "12345");
	require(stat("f", &status) == 0);
	equal(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, &x), 0, "statx succeeds");
	equal(x.mask & 0x7ff, 0x7ff, "statx fills all basic fields");
	check(x.ino == status.st_ino && x.size == 5 && x.nlink == 1, "statx tells inode, size and links");
	equal(x.mode, status.st_mode, "statx tells the mode");
	fails(syscall(SYS_statx, AT_FDCWD, "f", 0x4000000, 0x7ff, &x), EINVAL, "statx with an unknown flag gives EINVAL");
	fails(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000, &x), EINVAL, "statx with a reserved mask bit gives EINVAL");
	int fd = open("f", O_RDONLY);
	equal(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, &x), 0, "statx works on a descriptor");
}

CASE(proc_attributes)
{
	fails(chmod("/proc/self", 0700), EPERM, "the mode of a process's folder cannot be changed");
	fails(chown("/proc/self", 0, 0), EPERM, "nor its owner");
	fails(utimensat(AT_FDCWD, "/proc/self", NULL, 0), EPERM, "nor its times");
	fails(chmod("/proc/self/comm", 0600), EPERM, "the mode of a file in it cannot be changed");
	equal(chown("/proc/self/comm", 0, 0), 0, "its owner can");
	equal(utimensat(AT_FDCWD, "/proc/self/comm", NULL, 0), 0, "and its times");
	fails(chmod("/proc/self/fd", 0700), EPERM, "the mode of a folder in it cannot be changed");
	fails(chmod("/proc/sys/kernel/hostname", 0600), EPERM, "the mode of a setting cannot be changed");
	fails(chown("/proc/sys/kernel/hostname", 1, 1), EPERM, "nor its owner");
	fails(chmod("/proc/sys/kernel", 0700), EPERM, "and so with a folder of settings");
	equal(utimensat(AT_FDCWD, "/proc/sys/kernel/hostname", NULL, 0), 0, "but its times can");
	equal(chmod("/proc/uptime", 0444), 0, "the mode of another file can be changed");
}

SUITE(RUN(masks), RUN(classes), RUN(access_call), RUN(owners), RUN(special_folders), RUN(times), RUN(stat_fields),
      RUN(statx_call), RUN(proc_attributes))
