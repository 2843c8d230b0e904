/* Mount propagation: unmounting and moving what is shared, namespaces, and failures. */
#include "tap.h"
#include "propagation.h"

CASE(unmounting)
{
	begin("a b c");
	shared("a", "x");
	require(bind("a", "b") == 0 && bind("a", "c") == 0 && kind("c", MS_SLAVE) == 0 && fresh("a/x") == 0);
	make_file("a/x/file", "");
	const char *all = "a shared:1, b shared:1, c master:1, a/x shared:2, c/x master:2, b/x shared:2";
	same(mounts(), all, "three have it");
	static const char *const files[] = { "a/x/file", "b/x/file", "c/x/file" };
	for (int i = 0; i < 3; i++) {
		int fd = open(files[i], O_RDONLY);
		require(fd != -1);
		fails(umount("a/x"), EBUSY, "a file that is open through any of them keeps all");
		fails(umount("b/x"), EBUSY, "whichever is asked for");
		close(fd);
	}
	same(mounts(), all, "all are there");
	require(chdir("c/x") == 0);
	fails(umount("../../a/x"), EBUSY, "so does a working directory");
	require(chdir(base) == 0);
	int fd = open("c/x/file", O_RDONLY);
	equal(umount("c/x"), -1, "the slave's own cannot be unmounted either");
	equal(umount2("a/x", MNT_DETACH), 0, "MNT_DETACH does not mind");
	same(mounts(), "a shared:1, b shared:1, c master:1", "all are gone");
	equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY, "the file stays open");
	close(fd);
	require(fresh("a/x") == 0 && mkdir("a/x/in", 0755) == 0 && fresh("c/x/in") == 0);
	same(mounts(), "a shared:1, b shared:1, c master:1, a/x shared:2, c/x master:2, b/x shared:2, c/x/in", "a slave mounts in what it got");
	equal(umount("a/x"), 0, "the master's is not busy for that");
	same(mounts(), "a shared:1, b shared:1, c master:1, c/x, c/x/in", "the slave keeps its own, with what is below");
	require(umount("c/x/in") == 0 && umount("c/x") == 0 && fresh("a/x") == 0 && fresh("a/x/in") == -1 && mkdir("b/x/in", 0755) == 0 &&
		fresh("b/x/in") == 0);
	same(mounts(), "a shared:1, b shared:1, c master:1, a/x shared:2, c/x master:2, b/x shared:2, b/x/in shared:3, c/x/in master:3, a/x/in shared:3",
	     "two are mounted one below the other");
	fails(umount("a/x"), EBUSY, "the upper one is busy");
	equal(umount2("b/x", MNT_DETACH), 0, "a tree is detached");
	same(mounts(), "a shared:1, b shared:1, c master:1", "from all of them");
	require(fresh("a/x") == 0 && mkdir("a/x/in", 0755) == 0 && fresh("a/x/in") == 0 && umount("c/x/in") == 0 && fresh("c/x/in") == 0);
	equal(umount2("a/x", MNT_DETACH), 0, "a tree is detached where a slave has put something else in its place");
	same(mounts(), "a shared:1, b shared:1, c master:1", "that was in the same place, and goes as well");
}

CASE(unmounting_refused)
{
	begin("a a/in b");
	shared("a", "in");
	make_file("a/file", "");
	require(symlink("a", "link") == 0);
	fails(umount2("a", 16), EINVAL, "a flag that does not exist is refused");
	fails(umount("a/in"), EINVAL, "so is a place where nothing is mounted");
	fails(umount("none"), ENOENT, "and one that is not there");
	fails(umount2("link", UMOUNT_NOFOLLOW), EINVAL, "a link is not followed with UMOUNT_NOFOLLOW");
	equal(in_child({
		      if (setuid(1000) == -1)
			      _exit(2);
		      _exit(umount("a") == -1 && errno == EPERM && umount("none") == -1 && errno == ENOENT &&
					    umount2("none", 16) == -1 && errno == EINVAL ?
				    0 :
				    1);
	      }),
	      0, "it takes CAP_SYS_ADMIN, once the place is found");
	fails(umount2("a", MNT_EXPIRE | MNT_DETACH), EINVAL, "MNT_EXPIRE does not go with MNT_DETACH");
	fails(umount2("a", MNT_EXPIRE | MNT_FORCE), EINVAL, "nor with MNT_FORCE");
	fails(umount2("a/in", MNT_EXPIRE | MNT_FORCE), EINVAL, "wherever");
	int fd = open("a/file", O_RDONLY);
	fails(umount2("a", MNT_EXPIRE), EBUSY, "what is busy does not expire");
	close(fd);
	fails(umount2("a", MNT_EXPIRE), EAGAIN, "the first MNT_EXPIRE marks a mount");
	close(open("a/file", O_RDONLY));
	fails(umount2("a", MNT_EXPIRE), EAGAIN, "a use takes the mark away");
	equal(umount2("a", MNT_EXPIRE), 0, "the second takes the mount away");
	shared("a", "in");
	require(bind("a", "b") == 0 && fresh("a/in") == 0);
	fails(umount2("a/in", MNT_EXPIRE), EAGAIN, "a mount that a peer has as well is marked");
	fd = open("b/in", O_RDONLY);
	fails(umount2("a/in", MNT_EXPIRE), EBUSY, "it does not expire while the peer's is busy");
	close(fd);
	equal(umount2("a/in", MNT_EXPIRE), 0, "afterwards it does: it was not used itself");
	same(mounts(), "a shared:1, b shared:1", "the peer's goes with it");
	equal(umount2("link", 0), 0, "a link is followed");
	same(mounts(), "b shared:1", "to what it names");
}

CASE(unmounting_the_root)
{
	begin("a");
	require(fresh("a") == 0 && mkdir("a/in", 0755) == 0 && chroot("a") == 0 && chdir("/") == 0);
	fails(umount2("/", MNT_EXPIRE), EINVAL, "the root does not expire");
	equal(umount("/"), 0, "unmounting one's root succeeds");
	fails(mkdir("/x", 0755), EROFS, "it is read-only then");
	check(is_there("/in"), "and still there");
	equal(umount2("/", MNT_DETACH), 0, "MNT_DETACH takes it away");
	fails(umount2("/", MNT_DETACH), EINVAL, "once");
	check(is_there("/in"), "it is still to be seen");
}

CASE(moves)
{
	begin("a b p s t q");
	shared("s", "x y z");
	make_file("file", "");
	require(fresh("p") == 0 && mkdir("p/in", 0755) == 0 && mkdir("p/in2", 0755) == 0 && fresh("p/in") == 0 && bind("s", "b") == 0 &&
		fresh("s/x") == 0);
	fails(move("s/x", "a"), EINVAL, "a mount is not moved out of a shared one");
	fails(move("s/x", "s/y"), EINVAL, "not within it either");
	fails(move("p/in2", "a"), EINVAL, "what is no mount is not moved");
	fails(move("p", "file"), EINVAL, "nor a folder over a file");
	fails(move("p", "p/in2"), ELOOP, "nor a mount into itself");
	fails(move("p", "p/in"), ELOOP, "nor into what is below it");
	fails(move("p", "none"), ENOENT, "nor to where nothing is");
	fails(move("none", "a"), ENOENT, "nor what is not there");
	fails(mount(NULL, "a", NULL, MS_MOVE, NULL), EINVAL, "nor nothing");
	fails(mount("", "a", NULL, MS_MOVE, NULL), EINVAL, "whatever it is called");
	fails(move("/", "a"), EINVAL, "nor the root");
	require(kind("p/in", MS_UNBINDABLE) == 0);
	fails(move("p", "s/y"), EINVAL, "a tree with something unbindable is not moved into a shared mount");
	fails(move("p/in", "s/y"), EINVAL, "nor is the unbindable itself");
	equal(move("p", "a"), 0, "it is moved into a private one");
	same(mounts(), "s shared:1, a, a/in unbindable, b shared:1, s/x shared:2, b/x shared:2", "with what is below it");
	require(umount("s/x") == 0 && kind("a/in", MS_PRIVATE) == 0);
	equal(move("a", "s/y"), 0, "a private tree is moved into a shared mount");
	same(mounts(), "s shared:1, s/y shared:2, s/y/in shared:3, b shared:1, b/y shared:2, b/y/in shared:3", "it is shared there, and in the peer");
	require(umount2("b/y", MNT_DETACH) == 0);
	shared("p", "w");
	require(bind("p", "q") == 0 && kind("q", MS_SLAVE) == 0 && bind("s", "t") == 0 && kind("t", MS_SLAVE) == 0);
	equal(move("q", "s/z"), 0, "a slave is moved into a shared mount");
	same(mounts(), "s shared:1, b shared:1, p shared:2, s/z shared:3 master:2, t master:1, t/z master:3, b/z shared:3 master:2", "it is both there");
	equal(move("p", "a"), 0, "a shared mount is moved into a private one");
	same(mounts(), "s shared:1, b shared:1, a shared:2, s/z shared:3 master:2, t master:1, t/z master:3, b/z shared:3 master:2", "it stays in its group");
	require(fresh("a/w") == 0);
	same(mounts(),
	     "s shared:1, b shared:1, a shared:2, s/z shared:3 master:2, t master:1, t/z master:3, b/z shared:3 master:2, a/w shared:4, t/z/w master:5, "
	     "b/z/w shared:5 master:4, s/z/w shared:5 master:4",
	     "and its slaves get what is mounted there");
}

CASE(pivots)
{
	begin("r");
	require(fresh("r") == 0 && mkdir("r/new", 0755) == 0 && mkdir("r/proc", 0755) == 0 && chroot("r") == 0 && chdir("/") == 0);
	require(fresh("/new") == 0 && mkdir("/new/old", 0755) == 0 && fresh("/new/old") == 0 && mkdir("/new/old/x", 0755) == 0);
	fails(syscall(SYS_pivot_root, "/none", "/new/old"), ENOENT, "the new root has to be there");
	fails(syscall(SYS_pivot_root, "/new", "/proc"), EBUSY, "the old one is not put where the root is");
	require(kind("/", MS_SHARED) == 0);
	fails(syscall(SYS_pivot_root, "/new", "/new/old/x"), EINVAL, "the new root may not be mounted in a shared mount");
	require(kind("/", MS_PRIVATE) == 0 && kind("/new/old", MS_SHARED) == 0);
	fails(syscall(SYS_pivot_root, "/new", "/new/old/x"), EINVAL, "the old one may not be put into a shared mount");
	require(kind("/new/old", MS_PRIVATE) == 0 && kind("/new", MS_SHARED) == 0);
	equal(syscall(SYS_pivot_root, "/new", "/new/old/x"), 0, "the new root may be shared itself");
	check(is_there("/old/x/new"), "the roots are exchanged");
}

/* Runs in another mount namespace, a copy of this one, until told to end. */
static pid_t in_namespace(void (*first)(void), int *end)
{
	int ready[2], over[2];
	char byte;
	require(pipe(ready) == 0 && pipe(over) == 0);
	pid_t child = fork();
	if (child == 0) {
		close(over[1]);
		if (unshare(CLONE_NEWNS) == -1)
			_exit(1);
		if (first)
			first();
		if (write(ready[1], "", 1) == 1 && read(over[0], &byte, 1) == 0)
			_exit(0);
		_exit(2);
	}
	close(ready[1]), close(over[0]);
	require(child != -1 && read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	*end = over[1];
	return child;
}

static void make_slaves(void)
{
	if (kind("/", MS_SLAVE | MS_REC) == -1)
		_exit(3);
}

CASE(namespaces)
{
	begin("a b u p");
	shared("a", "x");
	require(fresh("p") == 0 && fresh("u") == 0 && kind("u", MS_UNBINDABLE) == 0 && bind("a", "b") == 0 && kind("b", MS_SLAVE) == 0);
	int end;
	char other[16];
	pid_t child = in_namespace(NULL, &end);
	snprintf(other, sizeof other, "%d", child);
	same(mounts_of(other), "a shared:1, p, u unbindable, b master:1", "a namespace gets copies of all, unbindable ones as well");
	require(fresh("a/x") == 0);
	same(mounts(), "a shared:1, p, u unbindable, b master:1, a/x shared:2, b/x master:2", "what is mounted in a shared mount is here");
	same(mounts_of(other), "a shared:1, p, u unbindable, b master:1, b/x master:2, a/x shared:2", "and there");
	require(fresh("b/x") == 0 && fresh("p") == 0);
	same(mounts_of(other), "a shared:1, p, u unbindable, b master:1, b/x master:2, a/x shared:2", "what is mounted in others is not");
	require(umount("b/x") == 0 && umount("a/x") == 0);
	same(mounts_of(other), "a shared:1, p, u unbindable, b master:1", "what is unmounted here is unmounted there");
	require(umount("a") == 0);
	same(mounts(), "p, u unbindable, b master:1, p", "the shared mount itself is unmounted");
	same(mounts_of(other), "a shared:1, p, u unbindable, b master:1", "that is not propagated: what carries it is private");
	close(end);
	equal(ended_with(child), 0, "the other namespace ends");
	same(mounts(), "p, u unbindable, b, p", "a master that was only there is gone");
	require(kind("p", MS_SHARED) == 0);
	same(mounts(), "p, u unbindable, b, p shared:1", "and its number is free");
}

CASE(slave_namespaces)
{
	begin("a b");
	shared("a", "x y");
	require(bind("a", "b") == 0);
	int end;
	char other[16];
	pid_t child = in_namespace(make_slaves, &end);
	snprintf(other, sizeof other, "%d", child);
	same(mounts_of(other), "a master:1, b master:1", "a namespace can be a slave of another");
	require(fresh("a/x") == 0);
	same(mounts_of(other), "a master:1, b master:1, a/x master:2, b/x master:2", "it gets what is mounted in the first");
	char path[PATH_MAX + 40];
	snprintf(path, sizeof path, "/proc/%d/root%s/a/x", child, base);
	int fd = open(path, O_RDONLY);
	require(fd != -1);
	fails(umount("a/x"), EBUSY, "what is open through the other namespace keeps it");
	close(fd);
	equal(umount("a/x"), 0, "until it is closed");
	same(mounts_of(other), "a master:1, b master:1", "then it is gone from both");
	snprintf(path, sizeof path, "/proc/%d/root%s/a", child, base);
	fails(fresh(path), EINVAL, "nothing is mounted in another namespace");
	fails(umount(path), EINVAL, "and nothing is unmounted");
	fails(bind(path, "a/y"), EINVAL, "or bound from there");
	fails(move(path, "b/y"), EINVAL, "or moved");
	equal(kind(path, MS_PRIVATE), 0, "but a kind can be changed there");
	same(mounts_of(other), "a, b master:1", "of one mount or of more");
	close(end);
	equal(ended_with(child), 0, "the other namespace ends");
	same(mounts(), "a shared:1, b shared:1", "this one stays as it is");
}

/* How many mounts this namespace has. */
static int count(void)
{
	int lines = 0;
	FILE *file = fopen("/proc/self/mountinfo", "r");
	require(file != NULL);
	for (int c; (c = getc(file)) != EOF;)
		lines += c == '\n';
	fclose(file);
	return lines;
}

static char limit[16];

static int set_limit(int more)
{
	int fd = open("/proc/sys/fs/mount-max", O_WRONLY);
	require(fd != -1);
	int length = more < 0 ? (int)strlen(limit) : 0;
	char text[16];
	if (more >= 0)
		length = snprintf(text, sizeof text, "%d", count() + more);
	int result = write(fd, more < 0 ? limit : text, length) == length;
	close(fd);
	return result;
}

CASE(limits)
{
	begin("a b c d p");
	shared("a", "x y");
	require(bind("a", "b") == 0 && bind("a", "c") == 0 && kind("c", MS_SLAVE) == 0 && kind("c", MS_SHARED) == 0 && fresh("p") == 0 &&
		mkdir("p/in", 0755) == 0 && fresh("p/in") == 0);
	const char *was = contents_of("/proc/sys/fs/mount-max");
	require(was && strlen(was) < sizeof limit);
	strcpy(limit, was);
	same(limit, "100000\n", "a namespace may have 100000 mounts");
	require(set_limit(0));
	int errors[5], i = 0;
#define ERROR(call) (errors[i++] = (call) == -1 ? errno : 0)
	ERROR(fresh("d"));
	require(set_limit(2));
	ERROR(fresh("a/x"));
	ERROR(bind("p", "a/x"));
	int fd = open("/proc/sys/fs/mount-max", O_WRONLY);
	ERROR(write(fd, "0", 1));
	close(fd);
	ERROR(move("p/in", "a/x"));
	int restored = set_limit(-1);
	equal(errors[0], ENOSPC, "there is no mount more than that");
	equal(errors[1], ENOSPC, "those that peers and slaves get count");
	equal(errors[2], ENOSPC, "also with a bind");
	equal(errors[3], EINVAL, "the limit is not 0");
	equal(errors[4], 0, "what is moved counts only where it is copied");
	same(mounts(), "a shared:1, b shared:1, c shared:2 master:1, p, a/x shared:3, c/x shared:4 master:3, b/x shared:3",
	     "what found no room has left nothing");
	require(restored);
}

CASE(nothing_is_left_of_what_fails)
{
	begin("a b c d p q");
	shared("a", "x y");
	require(bind("a", "b") == 0 && bind("a", "c") == 0 && kind("c", MS_SLAVE) == 0 && kind("c", MS_SHARED) == 0 && fresh("p") == 0 &&
		mkdir("p/in", 0755) == 0 && fresh("p/in") == 0 && fresh("q") == 0);
	const char *was = contents_of("/proc/sys/fs/mount-max");
	require(was && strlen(was) < sizeof limit);
	strcpy(limit, was);
	const char *all = "a shared:1, b shared:1, c shared:2 master:1, p, p/in, q";
	int results[3];
	char after[3][1024];
	for (int i = 0; i < 3; i++) {
		require(set_limit(i == 2 ? 1 : 4));
		results[i] = i == 0 ? rbind("p", "a/x") : move("p", "a/x");
		if (i == 0 && results[i] == -1 && errno == ENOSPC)
			results[i] = -2;
		if (i == 1 && results[i] == 0) {
			require(set_limit(-1));
			snprintf(after[1], sizeof after[1], "%s", mounts());
			require(umount2("b/x", MNT_DETACH) == 0 && fresh("p") == 0 && mkdir("p/in", 0755) == 0 && fresh("p/in") == 0);
			continue;
		}
		snprintf(after[i], sizeof after[i], "%s", mounts());
		require(set_limit(-1));
	}
	equal(results[0], -2, "a tree does not find room in all peers");
	same(after[0], all, "none of them has a part of it");
	equal(results[1], 0, "with room it is moved");
	same(after[1],
	     "a shared:1, b shared:1, c shared:2 master:1, a/x shared:3, a/x/in shared:4, q, c/x shared:5 master:3, c/x/in shared:6 master:4, b/x shared:3, b/x/in shared:4",
	     "no number of a group is lost");
	equal(results[2], -1, "a move does not find room");
	same(after[2], "a shared:1, b shared:1, c shared:2 master:1, q, p, p/in", "what should have been moved is where it was, and private");
	require(kind("q", MS_SHARED) == 0);
	same(mounts(), "a shared:1, b shared:1, c shared:2 master:1, q shared:3, p, p/in", "no number of a group is lost");
}

SUITE(RUN(unmounting), RUN(unmounting_refused), RUN(unmounting_the_root), RUN(moves), RUN(pivots), RUN(namespaces),
      RUN(slave_namespaces), RUN(limits), RUN(nothing_is_left_of_what_fails))
