/* open_tree and move_mount: trees of mounts that are nowhere yet, and where they go. */
#include "mount_calls.h"

#include <sys/resource.h>

/* The number of a file's mount. */
static long mount_of(int fd)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	const char *text = contents_of(path), *at = text ? strstr(text, "mnt_id:") : NULL;
	return at ? atol(at + 7) : -1;
}

/* The number of the mount at a place, by mountinfo. */
static long listed_mount(const char *place)
{
	char path[PATH_MAX + 64], line[1024], at[256];
	long id = -1, found = -1;
	snprintf(path, sizeof path, "%s/%.60s", base, place);
	FILE *file = fopen("/proc/self/mountinfo", "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "%ld %*s %*s %*s %255s", &id, at) == 2 && strcmp(at, path) == 0)
			found = id;
	if (file)
		fclose(file);
	return found;
}

static int is_there_at(int folder, const char *path) { return faccessat(folder, path, F_OK, 0) == 0; }

CASE(opening_without_a_copy)
{
	begin("a");
	require(fresh("a") == 0 && mkdir("a/x", 0755) == 0);
	int fd = open_tree(AT_FDCWD, "a/x", OPEN_TREE_CLOEXEC);
	check(fd >= 0, "a place can be opened");
	equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "OPEN_TREE_CLOEXEC closes it on exec");
	equal(fcntl(fd, F_GETFL), O_PATH, "it stands for the place only");
	equal(mount_of(fd), listed_mount("a"), "it is in the mount that it was found in");
	char byte;
	fails(read(fd, &byte, 1), EBADF, "it is not read");
	fails(syscall(SYS_getdents64, fd, &byte, 1), EBADF, "nor listed");
	require(close(fd) == 0);
	fd = open_tree(AT_FDCWD, "a", 0);
	equal(fcntl(fd, F_GETFD), 0, "without OPEN_TREE_CLOEXEC it stays open");
	require(close(fd) == 0);
	same(mounts(), "a", "closing it changes nothing");
	equal(in_child({
		      int fd = setuid(1000) == 0 ? (int)open_tree(AT_FDCWD, "a", 0) : -1;
		      _exit(fd >= 0 ? 0 : 1);
	      }),
	      0, "that takes no privilege");
	require(symlink("a", "link") == 0);
	fd = open_tree(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW);
	struct stat status;
	check(fd >= 0 && fstat(fd, &status) == 0 && S_ISLNK(status.st_mode), "AT_SYMLINK_NOFOLLOW opens a link itself");
	close(fd);
	fd = open_tree(AT_FDCWD, "link", AT_NO_AUTOMOUNT);
	check(fd >= 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode), "else it is followed");
	int again = open_tree(fd, "", AT_EMPTY_PATH);
	check(again >= 0, "AT_EMPTY_PATH opens what a descriptor stands for");
	fails(open_tree(fd, "", 0), ENOENT, "without it an empty name is none");
}

CASE(opening_refused)
{
	begin("a");
	require(fresh("a") == 0);
	fails(open_tree(AT_FDCWD, "a", 2), EINVAL, "a flag that does not exist is refused");
	fails(open_tree(AT_FDCWD, "a", AT_SYMLINK_FOLLOW), EINVAL, "so is AT_SYMLINK_FOLLOW");
	fails(open_tree(AT_FDCWD, "a", 1u << 31), EINVAL, "and the highest bit");
	fails(open_tree(AT_FDCWD, "a", AT_RECURSIVE), EINVAL, "AT_RECURSIVE without a copy is refused");
	fails(open_tree(AT_FDCWD, "none", AT_RECURSIVE), EINVAL, "before the place is looked for");
	fails(open_tree(AT_FDCWD, "none", TREE), ENOENT, "the place has to be there");
	fails(open_tree(AT_FDCWD, (char *)1, TREE), EFAULT, "its name has to be readable");
	fails(open_tree(99, "a", TREE), EBADF, "the folder has to be open");
	fails(open_tree(AT_FDCWD, NULL, 0), EFAULT, "a name has to be given");
	needs_privilege(open_tree(AT_FDCWD, "none", TREE), "a copy takes CAP_SYS_ADMIN, before the place is looked for");
	equal(in_child(_exit(setuid(1000) == 0 && open_tree(AT_FDCWD, "a", TREE | 2) == -1 && errno == EINVAL ? 0 : 1)), 0,
	      "unknown flags are refused before");
	struct rlimit limit;
	require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = 3;
	int low = dup(0);
	require(low >= 0 && close(low) == 0);
	limit.rlim_cur = low;
	require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	fails(open_tree(AT_FDCWD, "none", TREE), EMFILE, "a descriptor is sought before the place");
}

CASE(copies)
{
	begin("a b");
	require(fresh("a") == 0 && mkdir("a/x", 0755) == 0 && fresh("a/x") == 0 && mkdir("a/x/in", 0755) == 0 && mkdir("a/y", 0755) == 0);
	make_file("a/y/file", "content");
	int one = open_tree(AT_FDCWD, "a", TREE);
	require(one >= 0);
	same(mounts(), "a, a/x", "a copy is in no table");
	equal(fcntl(one, F_GETFL), O_PATH, "its descriptor stands for the place only");
	check(mount_of(one) != listed_mount("a") && mount_of(one) > 0, "it is a mount of its own");
	uint64_t extended[32] = { 0 };
	equal(syscall(SYS_statx, one, "", AT_EMPTY_PATH, 0x1000, extended), 0, "statx tells of it");
	equal(extended[18], mount_of(one), "its number is the same");
	check(is_there_at(one, "y/file"), "names can start from it");
	check(!is_there_at(one, "x/in"), "without AT_RECURSIVE what is mounted in it is not copied");
	int tree = open_tree(AT_FDCWD, "a", TREE | AT_RECURSIVE);
	require(tree >= 0);
	check(is_there_at(tree, "x/in"), "with AT_RECURSIVE it is");
	int part = open_tree(AT_FDCWD, "a/y", TREE);
	require(part >= 0);
	check(is_there_at(part, "file"), "a folder can be copied alone");
	check(!is_there_at(part, "../x"), "nothing is above it");
	int file = open_tree(AT_FDCWD, "a/y/file", TREE);
	check(file >= 0, "so can a file");
	int fd = openat(tree, "x/new", O_CREAT | O_RDWR, 0644);
	check(fd >= 0 && is_there("a/x/new"), "what is made in a copy is made in the original's file system");
	require(close(fd) == 0);
	char path[64], link[PATH_MAX] = "";
	snprintf(path, sizeof path, "/proc/self/fd/%d", tree);
	require(readlink(path, link, sizeof link - 1) > 0);
	same(link, "/", "its place is the root of nothing");
	fd = openat(part, "file", O_RDONLY);
	memset(link, 0, sizeof link);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	require(readlink(path, link, sizeof link - 1) > 0);
	same(link, "/file", "places below it are shown from there");
	equal(in_child({
		      char where[PATH_MAX];
		      if (fchdir(tree) == -1 || syscall(SYS_getcwd, where, sizeof where) == -1)
			      _exit(1);
		      _exit(strcmp(where, "(unreachable)/") == 0 ? 0 : 2);
	      }),
	      0, "as a working directory it cannot be reached");
	equal(in_child(_exit(fchdir(tree) == 0 && chroot(".") == 0 && access("/x/in", F_OK) == 0 ? 0 : 1)), 0, "it can be a root");
}

CASE(copies_that_end)
{
	begin("a b");
	require(fresh("a") == 0 && mkdir("a/x", 0755) == 0 && fresh("a/x") == 0 && mkdir("a/x/in", 0755) == 0);
	make_file("a/x/file", "content");
	int tree = open_tree(AT_FDCWD, "a", TREE | AT_RECURSIVE);
	int copy = dup(tree), file = openat(tree, "x/file", O_RDWR), folder = openat(tree, ".", O_PATH), below = openat(tree, "x", O_PATH);
	require(tree >= 0 && copy >= 0 && file >= 0 && folder >= 0 && below >= 0 && close(tree) == 0);
	equal(attach(copy, "b"), 0, "a copy lives as long as one descriptor of it");
	same(mounts(), "a, a/x, b, b/x", "it can be attached by that");
	require(close(copy) == 0 && umount2("b", MNT_DETACH) == 0 && close(folder) == 0 && close(below) == 0 && close(file) == 0);

	tree = open_tree(AT_FDCWD, "a", TREE | AT_RECURSIVE);
	file = openat(tree, "x/file", O_RDWR), folder = openat(tree, ".", O_PATH), below = openat(tree, "x", O_PATH);
	require(tree >= 0 && file >= 0 && folder >= 0 && below >= 0 && close(tree) == 0);
	fails(attach(folder, "b"), EINVAL, "another descriptor in it does not keep it");
	fails(attach(below, "b"), EINVAL, "nor one of a mount in it");
	char byte;
	equal(read(file, &byte, 1), 1, "a file that is open in it can be read");
	equal(write(file, "x", 1), 1, "and written");
	check(is_there_at(folder, "x"), "names can start from a folder in it");
	check(is_there_at(folder, "x/file"), "what was mounted there is there still");
	check(is_there_at(below, "in"), "in that as well");
	check(is_there_at(below, "../x/file"), "and back again");
	fails(open_tree(folder, "", TREE | AT_EMPTY_PATH), EINVAL, "it is not copied");
	require(close(file) == 0 && close(below) == 0 && close(folder) == 0);
	equal(umount("a/x"), 0, "when all are closed nothing is left of it");
	equal(umount("a"), 0, "of no mount");

	require(fresh("a") == 0);
	tree = open_tree(AT_FDCWD, "a", TREE);
	equal(umount("a"), 0, "what was copied can be unmounted");
	equal(mkdirat(tree, "new", 0755), 0, "the file system lives on in the copy");
	equal(attach(tree, "b"), 0, "which can be attached");
	check(is_there("b/new"), "with all that is in it");
	require(umount2("b", MNT_DETACH) == 0);
	fails(attach(tree, "b"), EINVAL, "unmounted it can be attached no more");
	require(close(tree) == 0);

	require(fresh("a") == 0);
	tree = open_tree(AT_FDCWD, "a", TREE);
	pid_t child = fork();
	if (child == 0) {
		raise(SIGSTOP);
		_exit(attach(tree, "b") == 0 ? 0 : 1);
	}
	require(waitpid(child, NULL, WUNTRACED) == child && close(tree) == 0 && kill(child, SIGCONT) == 0);
	equal(ended_with(child), 0, "a child keeps it as well");
	same(mounts(), "a, b", "what it attached stays when it ends");
}

CASE(copies_of_shared_mounts)
{
	begin("a b c d");
	shared("a", "x y z");
	require(fresh("a/z") == 0);
	int tree = open_tree(AT_FDCWD, "a", TREE | AT_RECURSIVE);
	require(tree >= 0 && fresh("a/x") == 0);
	check(!is_there_at(tree, "x/none"), "a name in a copy can be looked for");
	make_file("a/x/file", "");
	check(!is_there_at(tree, "x/file"), "a copy of a shared mount does not get what is mounted there");
	equal(attach(tree, "b"), 0, "it is attached");
	same(mounts(), "a shared:1, a/z shared:2, a/x shared:3, b shared:1, b/z shared:2", "and is a peer of what it was copied of");
	require(fresh("b/y") == 0);
	same(mounts(), "a shared:1, a/z shared:2, a/x shared:3, b shared:1, b/z shared:2, b/y shared:4, a/y shared:4",
	     "then it gets, and sends");
	require(close(tree) == 0 && umount2("b", MNT_DETACH) == 0);
	same(mounts(), "a shared:1, a/x shared:3", "unmounted it takes away what was in both");
	require(umount("a/x") == 0 && fresh("a/z") == 0);
	require(bind("a", "c") == 0 && kind("c", MS_SLAVE) == 0 && fresh("d") == 0);
	tree = open_tree(AT_FDCWD, "d", TREE);
	equal(attach(tree, "a/x"), 0, "a private copy is attached in a shared mount");
	same(mounts(), "a shared:1, a/z shared:2, c master:1, d, a/x shared:3, c/x master:3", "it is shared, and slaves get it");
	require(close(tree) == 0 && umount("a/x") == 0);
	tree = open_tree(AT_FDCWD, "c", TREE);
	require(umount("c") == 0);
	equal(attach(tree, "b"), 0, "a copy of a slave is attached");
	same(mounts(), "a shared:1, a/z shared:2, d, b master:1", "it is a slave of the same master");
	require(close(tree) == 0 && kind("d", MS_UNBINDABLE) == 0);
	fails(open_tree(AT_FDCWD, "d", TREE), EINVAL, "what is unbindable is not copied");
	require(mkdir("d/in", 0755) == 0 && fresh("d/in") == 0 && kind("d", MS_PRIVATE) == 0 && kind("d/in", MS_UNBINDABLE) == 0);
	tree = open_tree(AT_FDCWD, "d", TREE | AT_RECURSIVE);
	equal(attach(tree, "c"), 0, "a tree is copied");
	same(mounts(), "a shared:1, a/z shared:2, d, b master:1, d/in unbindable, c", "without what is unbindable in it");
	require(close(tree) == 0 && umount("c") == 0);
	tree = open_tree(AT_FDCWD, "a", TREE);
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", tree);
	equal(kind(path, MS_PRIVATE), 0, "the kind of a copy can be changed before it is attached");
	require(attach(tree, "c") == 0 && close(tree) == 0);
	same(mounts(), "a shared:1, a/z shared:2, d, b master:1, d/in unbindable, c", "so it was");
	fails(move_mount(AT_FDCWD, "a/z", AT_FDCWD, "c", 0), EINVAL, "what is in a shared mount is not moved out of it");
	fails(move_mount(AT_FDCWD, "d", AT_FDCWD, "a/x", 0), EINVAL, "what has something unbindable in it is not moved into it");
}

CASE(what_goes_in_copies)
{
	begin("a b");
	shared("a", "z y");
	require(fresh("a/z") == 0 && fresh("a/y") == 0);
	make_file("a/z/file", "");
	make_file("a/y/file", "");
	int tree = open_tree(AT_FDCWD, "a", TREE | AT_RECURSIVE);
	require(tree >= 0 && is_there_at(tree, "z/file"));
	int file = openat(tree, "y/file", O_RDONLY);
	fails(umount("a/y"), EBUSY, "a file that is open in a copy of a shared mount keeps what goes with it");
	require(close(file) == 0);
	equal(umount("a/z"), 0, "another is unmounted");
	check(!is_there_at(tree, "z/file"), "it goes in the copy as well");
	check(is_there_at(tree, "y/file"), "the rest stays");
	require(attach(tree, "b") == 0 && close(tree) == 0);
	same(mounts(), "a shared:1, a/y shared:3, b shared:1, b/y shared:3", "and is attached");
}

CASE(groups)
{
	begin("a b c d");
	shared("a", "x x/in");
	require(bind("a/x", "b") == 0 && kind("b", MS_PRIVATE) == 0);
	same(mounts(), "a shared:1, b[/x]", "two mounts of a file system have nothing to do with each other");
	equal(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", MOVE_MOUNT_SET_GROUP), 0, "one can be put into the group of the other");
	same(mounts(), "a shared:1, b[/x] shared:1", "they are peers");
	require(fresh("a/x/in") == 0);
	same(mounts(), "a shared:1, b[/x] shared:1, a/x/in shared:2, b/in shared:2", "and get from each other");
	fails(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", MOVE_MOUNT_SET_GROUP), EINVAL, "what is in a group is not put into one");
	require(umount("b/in") == 0 && kind("b", MS_PRIVATE) == 0);
	fails(move_mount(AT_FDCWD, "a", AT_FDCWD, "a/x", MOVE_MOUNT_SET_GROUP), EINVAL, "a folder that is no mount cannot be put into one");
	fails(move_mount(AT_FDCWD, "a/x", AT_FDCWD, "b", MOVE_MOUNT_SET_GROUP), EINVAL, "nor can it lend one");
	fails(move_mount(AT_FDCWD, "b", AT_FDCWD, "b", MOVE_MOUNT_SET_GROUP), EINVAL, "a private mount has no group");
	require(fresh("c") == 0);
	fails(move_mount(AT_FDCWD, "a", AT_FDCWD, "c", MOVE_MOUNT_SET_GROUP), EINVAL, "another file system's mount is not put into it");
	require(umount("c") == 0 && bind("a", "c") == 0 && kind("c", MS_PRIVATE) == 0 && kind("b", MS_SHARED) == 0);
	fails(move_mount(AT_FDCWD, "b", AT_FDCWD, "c", MOVE_MOUNT_SET_GROUP), EINVAL, "a mount of a folder has no group for one of the whole");
	require(kind("b", MS_PRIVATE) == 0 && bind("a", "d") == 0 && kind("d", MS_SLAVE) == 0);
	equal(move_mount(AT_FDCWD, "d", AT_FDCWD, "c", MOVE_MOUNT_SET_GROUP), 0, "a slave's master can be taken over");
	same(mounts(), "a shared:1, b[/x], c master:1, d master:1", "both are slaves of it");
	require(kind("d", MS_SHARED) == 0 && kind("c", MS_PRIVATE) == 0);
	equal(move_mount(AT_FDCWD, "d", AT_FDCWD, "c", MOVE_MOUNT_SET_GROUP), 0, "as can master and group");
	same(mounts(), "a shared:1, b[/x], c shared:2 master:1, d shared:2 master:1", "both get both");
	require(kind("c", MS_PRIVATE) == 0);
	int tree = open_tree(AT_FDCWD, "c", TREE);
	equal(move_mount(AT_FDCWD, "a", tree, "", MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_T_EMPTY_PATH), 0, "a copy can be put into a group");
	require(umount("c") == 0 && attach(tree, "c") == 0);
	same(mounts(), "a shared:1, b[/x], d shared:2 master:1, c shared:1", "before it is attached");
	fails(move_mount(AT_FDCWD, "none", AT_FDCWD, "b", MOVE_MOUNT_SET_GROUP), ENOENT, "both have to be there");
	fails(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", MOVE_MOUNT_SET_GROUP | 0x200), EINVAL, "other flags are refused");
	needs_privilege(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", MOVE_MOUNT_SET_GROUP), "it takes CAP_SYS_ADMIN");
	int gone = open("b", O_PATH);
	require(umount2("b", MNT_DETACH) == 0);
	fails(move_mount(AT_FDCWD, "a", gone, "", MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_T_EMPTY_PATH), EINVAL, "what was unmounted is in no group");
}

CASE(other_namespaces)
{
	begin("a b");
	require(fresh("a") == 0);
	int tree = open_tree(AT_FDCWD, "a", TREE), outside = open("a", O_PATH), place = open("b", O_PATH);
	require(tree >= 0);
	equal(in_child(_exit(unshare(CLONE_NEWNS) == 0 && attach(tree, "b") == 0 && is_there("b") ? 0 : 1)), 0,
	      "a copy can be attached in another namespace");
	same(mounts(), "a", "it is not in this one");
	fails(attach(tree, "b"), EINVAL, "and is gone with that");
	equal(in_child(_exit(unshare(CLONE_NEWNS) == 0 && open_tree(outside, "", TREE | AT_EMPTY_PATH) == -1 && errno == EINVAL ? 0 : 1)), 0,
	      "another namespace's mount is not copied");
	equal(in_child(_exit(unshare(CLONE_NEWNS) == 0 && open_tree(outside, "", AT_EMPTY_PATH) >= 0 ? 0 : 1)), 0, "but opened");
	tree = open_tree(AT_FDCWD, "a", TREE);
	equal(in_child(_exit(unshare(CLONE_NEWNS) == 0 &&
					     move_mount(tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == -1 &&
					     errno == EINVAL
				     ? 0
				     : 1)),
	      0, "nothing is attached in another namespace");
	equal(attach(tree, "b"), 0, "in its own it is");
}

static int set_most(const char *text)
{
	int fd = open("/proc/sys/fs/mount-max", O_WRONLY);
	int good = fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

CASE(limits)
{
	begin("a b");
	require(fresh("a") == 0 && mkdir("a/x", 0755) == 0 && fresh("a/x") == 0);
	char most[32];
	require(contents_of("/proc/sys/fs/mount-max") != NULL);
	snprintf(most, sizeof most, "%s", contents_of("/proc/sys/fs/mount-max"));
	int count = 0, trees[20];
	const char *text = contents_of("/proc/self/mountinfo");
	for (; *text; text++)
		count += *text == '\n';
	char limit[32];
	snprintf(limit, sizeof limit, "%d", count + 1);
	require(set_most(limit));
	int good = 1;
	for (int i = 0; i < 20; i++)
		good &= (trees[i] = open_tree(AT_FDCWD, "a", TREE | AT_RECURSIVE)) >= 0;
	check(good, "copies do not count in fs.mount-max");
	fails(attach(trees[0], "b"), ENOSPC, "attached they do");
	snprintf(limit, sizeof limit, "%d", count + 2);
	require(set_most(limit));
	equal(attach(trees[0], "b"), 0, "up to the limit they are");
	fails(attach(trees[1], "b"), ENOSPC, "and no more");
	equal(move_mount(AT_FDCWD, "b", AT_FDCWD, "b", 0) == 0 || errno == ELOOP, 1, "what is moved is not counted again");
	require(set_most(most));
	for (int i = 0; i < 20; i++)
		close(trees[i]);
	same(mounts(), "a, a/x, b, b/x", "what was not attached goes with its descriptor");
}

CASE(moving)
{
	begin("a b c d");
	require(fresh("a") == 0 && mkdir("a/x", 0755) == 0 && fresh("a/x") == 0);
	make_file("a/file", "");
	int tree = open_tree(AT_FDCWD, "a", TREE | AT_RECURSIVE);
	long id = mount_of(tree);
	equal(attach(tree, "b"), 0, "a copy is attached");
	same(mounts(), "a, a/x, b, b/x", "with all that is mounted in it");
	equal(listed_mount("b"), id, "it keeps its number");
	equal(attach(tree, "c"), 0, "it can be moved again");
	same(mounts(), "a, a/x, c, c/x", "as any mount");
	require(umount("c/x") == 0);
	fails(umount("c"), EBUSY, "its descriptor keeps it busy");
	require(close(tree) == 0);
	same(mounts(), "a, a/x, c", "closing the descriptor takes nothing away then");
	equal(umount("c"), 0, "it can be unmounted");
	equal(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", 0), 0, "what is mounted can be moved by its name");
	same(mounts(), "b, b/x", "as with MS_MOVE");
	tree = open_tree(AT_FDCWD, "b", OPEN_TREE_CLOEXEC);
	equal(attach(tree, "a"), 0, "and by a descriptor");
	require(close(tree) == 0);
	same(mounts(), "a, a/x", "nothing goes with that one");
	int to = open("d", O_PATH);
	tree = open_tree(AT_FDCWD, "a", TREE);
	equal(move_mount(tree, "", to, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), 0, "the place may be a descriptor, too");
	same(mounts(), "a, a/x, d", "so it is");
	require(close(tree) == 0 && umount2("d", MNT_DETACH) == 0 && close(to) == 0);
	tree = open_tree(AT_FDCWD, "a", TREE);
	int other = openat(tree, ".", O_PATH);
	equal(attach(other, "d"), 0, "another descriptor of its top moves it as well");
	require(close(tree) == 0 && close(other) == 0);
	same(mounts(), "a, a/x, d", "it stays when both are closed");
	require(symlink("a", "la") == 0 && symlink("b", "lb") == 0);
	fails(move_mount(AT_FDCWD, "la", AT_FDCWD, "b", 0), EINVAL, "a link is not followed");
	equal(move_mount(AT_FDCWD, "la", AT_FDCWD, "lb", MOVE_MOUNT_F_SYMLINKS | MOVE_MOUNT_T_SYMLINKS), 0, "unless that is said");
	same(mounts(), "b, b/x, d", "of both");
	equal(move_mount(AT_FDCWD, "b", AT_FDCWD, "a", MOVE_MOUNT_F_AUTOMOUNTS | MOVE_MOUNT_T_AUTOMOUNTS), 0,
	      "there is nothing to be mounted by itself");
	fails(move_mount(AT_FDCWD, "a", AT_FDCWD, "lb", MOVE_MOUNT_F_SYMLINKS), EINVAL, "a folder is not moved onto a link");
	make_file("place", "");
	tree = open_tree(AT_FDCWD, "a/file", TREE);
	equal(attach(tree, "place"), 0, "a copy of a file is attached to a file");
	require(close(tree) == 0);
	same(mounts(), "a, a/x, d, place[/file]", "it shows that file alone");
}

CASE(moving_refused)
{
	begin("a b c");
	require(fresh("a") == 0 && mkdir("a/x", 0755) == 0 && fresh("a/x") == 0 && mkdir("a/x/in", 0755) == 0 && mkdir("a/y", 0755) == 0);
	make_file("file", "");
	int tree = open_tree(AT_FDCWD, "a", TREE | AT_RECURSIVE);
	fails(move_mount(tree, "", AT_FDCWD, "b", 0x8), EINVAL, "a flag that does not exist is refused");
	fails(move_mount(tree, "", AT_FDCWD, "b", 0x80), EINVAL, "as is the one between");
	fails(move_mount(tree, "", AT_FDCWD, "b", 0x200), EINVAL, "and the one above");
	fails(move_mount(tree, "", AT_FDCWD, "b", 0), ENOENT, "an empty name is none without its flag");
	fails(move_mount(tree, "", AT_FDCWD, "", MOVE_MOUNT_F_EMPTY_PATH), ENOENT, "on either side");
	fails(move_mount(99, "", AT_FDCWD, "none", MOVE_MOUNT_F_EMPTY_PATH), EBADF, "what is moved is looked for first");
	fails(move_mount(tree, "", AT_FDCWD, "none", MOVE_MOUNT_F_EMPTY_PATH), ENOENT, "then the place");
	fails(move_mount(AT_FDCWD, (char *)1, AT_FDCWD, "b", 0), EFAULT, "the first name has to be readable");
	fails(move_mount(tree, "", AT_FDCWD, (char *)1, MOVE_MOUNT_F_EMPTY_PATH), EFAULT, "the second as well");
	needs_privilege(move_mount(tree, "", AT_FDCWD, "b", 0x8), "it takes CAP_SYS_ADMIN, before anything is looked at");
	fails(attach(tree, "file"), EINVAL, "a folder is not attached to a file");
	fails(move_mount(tree, "x", AT_FDCWD, "b", 0), EINVAL, "a mount in a copy is not moved out of it");
	fails(move_mount(tree, "y", AT_FDCWD, "b", 0), EINVAL, "nor a folder");
	fails(move_mount(AT_FDCWD, "a/x", tree, "y", 0), EINVAL, "nothing is moved into a copy");
	fails(move_mount(tree, "", tree, "y", MOVE_MOUNT_F_EMPTY_PATH), EINVAL, "not itself either");
	fails(move_mount(AT_FDCWD, "b", AT_FDCWD, "c", 0), EINVAL, "a folder that is no mount is not moved");
	fails(move_mount(AT_FDCWD, "a", AT_FDCWD, "a/x/in", 0), ELOOP, "a mount is not moved into itself");
	fails(open_tree(tree, "", TREE | AT_EMPTY_PATH), EINVAL, "a copy is not copied");
	fails(open_tree(tree, "x", TREE), EINVAL, "nor a part of it");
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", tree);
	fails(bind(path, "b"), EINVAL, "it is not bound");
	fails(umount2(path, MNT_DETACH), EINVAL, "nor unmounted");
	snprintf(path, sizeof path, "/proc/self/fd/%d/y", tree);
	fails(fresh(path), EINVAL, "nothing is mounted in it");
	fails(bind("a", path), EINVAL, "nothing is bound into it");
	fails(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL), EINVAL, "it is not mounted anew");
	int gone = open("c", O_PATH);
	require(rmdir("c") == 0);
	fails(move_mount(tree, "", gone, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), ENOENT, "the place has to be there still");
	int first = open("a", O_PATH);
	require(umount2("a", MNT_DETACH) == 0);
	fails(attach(first, "b"), EINVAL, "what was unmounted is not moved");
	fails(open_tree(first, "", TREE | AT_EMPTY_PATH), EINVAL, "nor copied");
	int pipe_ends[2];
	require(pipe(pipe_ends) == 0);
	fails(open_tree(pipe_ends[0], "", TREE | AT_EMPTY_PATH), EINVAL, "a pipe is in no mount that could be copied");
	fails(move_mount(pipe_ends[0], "", AT_FDCWD, "file", MOVE_MOUNT_F_EMPTY_PATH), EINVAL, "or moved");
	same(mounts(), "", "nothing has changed");
}

SUITE(RUN(opening_without_a_copy), RUN(opening_refused), RUN(copies), RUN(copies_that_end), RUN(copies_of_shared_mounts), RUN(moving),
      RUN(moving_refused), RUN(what_goes_in_copies), RUN(groups), RUN(other_namespaces), RUN(limits))
