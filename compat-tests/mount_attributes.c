/* mount_setattr: flags and kinds of mounts, one or a tree of them. */
#include "mount_calls.h"

#include <sys/mman.h>

static long change(const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation)
{
	struct attributes attributes = { set, clear, propagation, 0 };
	return mount_setattr(AT_FDCWD, path, flags, &attributes, sizeof attributes);
}

CASE(flags)
{
	begin("a");
	require(fresh("a") == 0);
	equal(change("a", 0, ATTR_NOSUID | ATTR_NOEXEC, 0, 0), 0, "flags are set");
	same(options_of("a"), "rw,nosuid,noexec,relatime - tmpfs none rw", "in the mount");
	equal(change("a", 0, ATTR_NODEV | ATTR_NOSYMFOLLOW, ATTR_NOSUID, 0), 0, "others are set and one cleared");
	same(options_of("a"), "rw,nodev,noexec,relatime,nosymfollow - tmpfs none rw", "the rest stays");
	equal(change("a", 0, ATTR_NODEV, ATTR_NODEV, 0), 0, "one is cleared and set");
	same(options_of("a"), "rw,nodev,noexec,relatime,nosymfollow - tmpfs none rw", "it is set");
	equal(change("a", 0, 0, ATTR_NODEV | ATTR_NOEXEC | ATTR_NOSYMFOLLOW, 0), 0, "all are cleared");
	same(options_of("a"), "rw,relatime - tmpfs none rw", "so they are");
	equal(change("a", 0, ATTR_NOATIME, ATTR_ATIME, 0), 0, "how access times are kept is one choice");
	same(options_of("a"), "rw,noatime - tmpfs none rw", "noatime");
	equal(change("a", 0, ATTR_STRICTATIME, ATTR_ATIME, 0), 0, "another");
	same(options_of("a"), "rw - tmpfs none rw", "strictatime");
	equal(change("a", 0, ATTR_NODIRATIME, ATTR_ATIME, 0), 0, "the first");
	same(options_of("a"), "rw,nodiratime,relatime - tmpfs none rw", "relatime, beside nodiratime");
	equal(change("a", 0, ATTR_RDONLY, ATTR_NODIRATIME, 0), 0, "a mount is made read-only");
	same(options_of("a"), "ro,relatime - tmpfs none rw", "not its file system");
	fails(mkdir("a/x", 0755), EROFS, "nothing is made in it");
	equal(change("a", 0, 0, ATTR_RDONLY, 0), 0, "and writable");
	equal(mkdir("a/x", 0755), 0, "again");
	equal(change("a", 0, 0, 0, 0), 0, "nothing can be changed");
	equal(change("none", 0, 0, 0, 0), 0, "anywhere");
	require(symlink("a", "link") == 0);
	fails(change("link", AT_SYMLINK_NOFOLLOW, ATTR_NOSUID, 0, 0), EINVAL, "AT_SYMLINK_NOFOLLOW does not follow a link");
	equal(change("link", AT_NO_AUTOMOUNT, ATTR_NOSUID, 0, 0), 0, "else it is followed");
	int place = open("a", O_PATH);
	struct attributes attributes = { .clear = ATTR_NOSUID };
	fails(mount_setattr(place, "", 0, &attributes, sizeof attributes), ENOENT, "an empty name is none");
	equal(mount_setattr(place, "", AT_EMPTY_PATH, &attributes, sizeof attributes), 0, "with AT_EMPTY_PATH it is the descriptor's place");
	same(options_of("a"), "rw,relatime - tmpfs none rw", "so it was");
}

CASE(refused)
{
	begin("a");
	require(fresh("a") == 0 && mkdir("a/x", 0755) == 0);
	fails(change("a", 1, ATTR_NOSUID, 0, 0), EINVAL, "a flag that does not exist is refused");
	fails(change("a", AT_SYMLINK_FOLLOW, ATTR_NOSUID, 0, 0), EINVAL, "so is AT_SYMLINK_FOLLOW");
	struct {
		struct attributes attributes;
		char more[4096];
	} large = { { .set = ATTR_NOSUID }, "" };
	fails(mount_setattr(AT_FDCWD, "a", 1, NULL, 5000), EINVAL, "before the size is looked at");
	fails(mount_setattr(AT_FDCWD, "a", 0, &large.attributes, 31), EINVAL, "less than 32 bytes are too few");
	fails(mount_setattr(AT_FDCWD, "a", 0, &large.attributes, 0), EINVAL, "as are none");
	fails(mount_setattr(AT_FDCWD, "a", 0, &large.attributes, 4097), E2BIG, "more than a page is too much");
	equal(mount_setattr(AT_FDCWD, "a", 0, &large.attributes, 4096), 0, "a page is not, if it is empty behind");
	large.more[0] = 1;
	fails(mount_setattr(AT_FDCWD, "a", 0, &large.attributes, 4096), E2BIG, "else it is");
	equal(mount_setattr(AT_FDCWD, "a", 0, &large.attributes, 32), 0, "what is not counted is not looked at");
	fails(mount_setattr(AT_FDCWD, "a", 0, (struct attributes *)1, 32), EFAULT, "it has to be readable");
	fails(mount_setattr(AT_FDCWD, "a", 0, NULL, 32), EFAULT, "and given");
	fails(change("none", 0, 0x100, 0, 0), EINVAL, "an attribute that does not exist is refused");
	fails(change("none", 0, 1ull << 40, 0, 0), EINVAL, "also far above");
	fails(change("none", 0, 0, 0x100, 0), EINVAL, "also to be cleared");
	fails(change("none", 0, ATTR_NOATIME, 0, 0), EINVAL, "access times are not set without being cleared");
	fails(change("none", 0, 0, ATTR_NOATIME, 0), EINVAL, "nor cleared in part");
	fails(change("none", 0, ATTR_ATIME, ATTR_ATIME, 0), EINVAL, "nor set to what does not exist");
	fails(change("none", 0, ATTR_NOATIME | ATTR_STRICTATIME, ATTR_ATIME, 0), EINVAL, "nor to two at once");
	fails(change("none", 0, 0, 0, MS_SHARED | MS_PRIVATE), EINVAL, "two kinds at once are refused");
	fails(change("none", 0, 0, 0, 1), EINVAL, "as is what is no kind");
	fails(change("none", 0, 0, 0, MS_SHARED | MS_REC), EINVAL, "and MS_REC");
	fails(change("none", 0, 0, 0, 1ull << 40), EINVAL, "also far above");
	fails(change("none", 0, ATTR_NOSUID, 0, 0), ENOENT, "the place has to be there");
	fails(change((char *)1, 0, ATTR_NOSUID, 0, 0), EFAULT, "its name readable");
	fails(change("a/x", 0, ATTR_NOSUID, 0, 0), EINVAL, "a folder that is no mount is refused");
	fails(change("a/x", 0, 0, 0, MS_SHARED), EINVAL, "also for its kind");
	struct attributes attributes = { .set = ATTR_NOSUID };
	fails(mount_setattr(99, "a", 0, &attributes, 32), EBADF, "the folder has to be open");
	needs_privilege(change("none", 0, 0x100, 0, 0), "it takes CAP_SYS_ADMIN, before the attributes are looked at");
	needs_privilege(mount_setattr(AT_FDCWD, "a", 0, NULL, 32), "or read");
	equal(in_child(_exit(setuid(1000) == 0 && mount_setattr(AT_FDCWD, "a", 0, NULL, 31) == -1 && errno == EINVAL ? 0 : 1)), 0,
	      "after the size");
	fails(change("none", 0, 0, ATTR_IDMAP, 0), EINVAL, "a mapping of users is not cleared");
	attributes = (struct attributes){ .set = ATTR_IDMAP, .user_namespace = 99 };
	fails(mount_setattr(AT_FDCWD, "none", 0, &attributes, 32), EBADF, "to be set it needs an open descriptor");
	attributes.user_namespace = 1ull << 31;
	fails(mount_setattr(AT_FDCWD, "none", 0, &attributes, 32), EINVAL, "that is no larger than one can be");
	attributes.user_namespace = open("/", O_RDONLY);
	fails(mount_setattr(AT_FDCWD, "none", 0, &attributes, 32), EINVAL, "and one of a namespace");
	int gone = open("a", O_PATH);
	require(umount2("a", MNT_DETACH) == 0);
	attributes = (struct attributes){ .set = ATTR_NOSUID };
	fails(mount_setattr(gone, "", AT_EMPTY_PATH, &attributes, 32), EINVAL, "what was unmounted is refused");
	attributes = (struct attributes){ .propagation = MS_SHARED };
	fails(mount_setattr(gone, "", AT_EMPTY_PATH, &attributes, 32), EINVAL, "also for its kind");
	int pipe_ends[2];
	require(pipe(pipe_ends) == 0);
	fails(mount_setattr(pipe_ends[0], "", AT_EMPTY_PATH, &attributes, 32), EINVAL, "as is what is mounted nowhere");
}

CASE(writers)
{
	begin("a b");
	require(fresh("a") == 0 && mkdir("a/x", 0755) == 0 && fresh("a/x") == 0);
	make_file("a/file", "");
	make_file("a/x/file", "");
	require(bind("a", "b") == 0);
	int file = open("a/file", O_WRONLY);
	fails(change("a", 0, ATTR_RDONLY | ATTR_NOSUID, 0, 0), EBUSY, "with a file open for writing a mount is not made read-only");
	same(options_of("a"), "rw,relatime - tmpfs none rw", "nor changed at all");
	fails(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EBUSY, "not by mount either");
	equal(change("a", 0, ATTR_NOSUID, 0, 0), 0, "other flags can be set");
	equal(change("b", 0, ATTR_RDONLY, 0, 0), 0, "another mount of the same file system can be made read-only");
	fails(open("b/file", O_WRONLY), EROFS, "there it is not opened for writing");
	require(close(file) == 0);
	file = open("a/file", O_RDONLY);
	equal(change("a", 0, ATTR_RDONLY, 0, 0), 0, "a file open for reading keeps nothing");
	require(close(file) == 0 && change("a", 0, 0, ATTR_RDONLY, 0) == 0);
	file = open("a/x/file", O_RDWR);
	fails(change("a", AT_RECURSIVE, ATTR_RDONLY, 0, 0), EBUSY, "in a tree each mount counts");
	same(options_of("a"), "rw,nosuid,relatime - tmpfs none rw", "and none is changed");
	equal(change("a", 0, ATTR_RDONLY, 0, 0), 0, "alone the top is");
	require(close(file) == 0 && change("a", 0, 0, ATTR_RDONLY, 0) == 0);
	file = open("a", O_TMPFILE | O_RDWR, 0600);
	fails(change("a", 0, ATTR_RDONLY, 0, 0), EBUSY, "a file without a name counts as well");
	require(close(file) == 0);
	require(mkfifo("a/fifo", 0600) == 0);
	file = open("a/fifo", O_RDWR);
	equal(change("a", 0, ATTR_RDONLY, 0, 0), 0, "a pipe with a name does not");
	require(close(file) == 0 && change("a", 0, 0, ATTR_RDONLY, 0) == 0);
	file = open("a/file", O_RDWR);
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	require(map != MAP_FAILED && close(file) == 0);
	fails(change("a", 0, ATTR_RDONLY, 0, 0), EBUSY, "a mapping keeps the file open");
	require(munmap(map, 4096) == 0);
	equal(change("a", 0, ATTR_RDONLY, 0, 0), 0, "and lets go of it");
}

CASE(trees)
{
	begin("a");
	require(fresh("a") == 0 && mkdir("a/x", 0755) == 0 && fresh("a/x") == 0 && mkdir("a/x/y", 0755) == 0 && fresh("a/x/y") == 0);
	equal(change("a", AT_RECURSIVE, ATTR_NOSUID | ATTR_RDONLY, 0, 0), 0, "a tree is changed");
	same(options_of("a"), "ro,nosuid,relatime - tmpfs none rw", "its top");
	same(options_of("a/x"), "ro,nosuid,relatime - tmpfs none rw", "what is in it");
	same(options_of("a/x/y"), "ro,nosuid,relatime - tmpfs none rw", "and in that");
	equal(change("a/x", 0, 0, ATTR_NOSUID, 0), 0, "without AT_RECURSIVE one is");
	same(options_of("a/x/y"), "ro,nosuid,relatime - tmpfs none rw", "alone");
	same(mounts(), "a, a/x, a/x/y", "all are private");
	equal(change("a", AT_RECURSIVE, 0, ATTR_RDONLY | ATTR_NOSUID, MS_SHARED), 0, "flags and kind are changed at once");
	same(mounts(), "a shared:1, a/x shared:2, a/x/y shared:3", "of all");
	same(options_of("a/x"), "rw,relatime - tmpfs none rw", "both");
	equal(change("a/x", 0, 0, 0, MS_PRIVATE), 0, "a kind alone");
	same(mounts(), "a shared:1, a/x, a/x/y shared:3", "of one");
	equal(change("a", AT_RECURSIVE, 0, 0, MS_UNBINDABLE), 0, "or of all");
	same(mounts(), "a unbindable, a/x unbindable, a/x/y unbindable", "unbindable");
	equal(change("a", AT_RECURSIVE, 0, 0, MS_SLAVE), 0, "slaves");
	same(mounts(), "a unbindable, a/x unbindable, a/x/y unbindable", "without masters stay what they were");
	make_file("a/x/y/file", "");
	int file = open("a/x/y/file", O_WRONLY);
	fails(change("a", AT_RECURSIVE, ATTR_RDONLY, 0, MS_SHARED), EBUSY, "where one is refused");
	same(mounts(), "a unbindable, a/x unbindable, a/x/y unbindable", "none is changed");
	same(options_of("a"), "rw,relatime - tmpfs none rw", "in no way");
	equal(change("a/x", 0, 0, 0, MS_SHARED), 0, "and no number of a group is lost");
	same(mounts(), "a unbindable, a/x shared:1, a/x/y unbindable", "by that");
	close(file);
}

CASE(copies)
{
	begin("a b");
	require(fresh("a") == 0 && mkdir("a/x", 0755) == 0 && fresh("a/x") == 0);
	int tree = open_tree(AT_FDCWD, "a", TREE | AT_RECURSIVE);
	struct attributes attributes = { .set = ATTR_RDONLY, .propagation = MS_SHARED };
	equal(mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes), 0, "a copy that is nowhere is changed");
	fails(mkdirat(tree, "new", 0755), EROFS, "it is so at once");
	attributes = (struct attributes){ .set = ATTR_NOSUID };
	fails(mount_setattr(tree, "x", 0, &attributes, sizeof attributes), EINVAL, "a part of it is not");
	require(attach(tree, "b") == 0 && close(tree) == 0);
	same(mounts(), "a, a/x, b shared:1, b/x shared:2", "attached it is as it was made");
	same(options_of("b"), "ro,relatime - tmpfs none rw", "its flags as well");
	same(options_of("b/x"), "ro,relatime - tmpfs none rw", "of all");
	same(options_of("a"), "rw,relatime - tmpfs none rw", "the original is not changed");
	int place = open("a", O_PATH);
	equal(in_child(_exit(unshare(CLONE_NEWNS) == 0 && mount_setattr(place, "", AT_EMPTY_PATH, &attributes, 32) == -1 &&
					     errno == EINVAL
				     ? 0
				     : 1)),
	      0, "another namespace's mount is not changed");
}

SUITE(RUN(flags), RUN(refused), RUN(writers), RUN(trees), RUN(copies))
