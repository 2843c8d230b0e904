/* Mount propagation: what peers and slaves of a mount get of what is mounted below it. */
#include "tap.h"
#include "propagation.h"

CASE(kinds)
{
	begin("a b c d");
	require(fresh("a") == 0 && fresh("b") == 0);
	same(mounts(), "a, b", "a new mount is private");
	equal(kind("a", MS_SHARED), 0, "a mount can be shared");
	same(mounts(), "a shared:1, b", "the first group is number 1");
	equal(kind("b", MS_SHARED), 0, "another can be shared");
	same(mounts(), "a shared:1, b shared:2", "the next group is number 2");
	equal(kind("a", MS_SHARED), 0, "a shared mount can be shared again");
	same(mounts(), "a shared:1, b shared:2", "it keeps its group");
	equal(kind("a", MS_PRIVATE), 0, "a shared mount can be made private");
	same(mounts(), "a, b shared:2", "the other keeps its number");
	require(fresh("c") == 0);
	equal(kind("c", MS_SHARED | MS_SILENT), 0, "MS_SILENT may be said");
	same(mounts(), "a, b shared:2, c shared:1", "the smallest free number is given out");
	equal(kind("a", MS_UNBINDABLE), 0, "a private mount can be made unbindable");
	equal(kind("b", MS_UNBINDABLE), 0, "so can a shared one");
	same(mounts(), "a unbindable, b unbindable, c shared:1", "mountinfo says so");
	equal(kind("a", MS_SLAVE), 0, "an unbindable mount can be asked to be a slave");
	equal(kind("b", MS_PRIVATE), 0, "or to be private");
	same(mounts(), "a unbindable, b, c shared:1", "the first stays unbindable, the second does not");
	equal(kind("a", MS_SHARED), 0, "an unbindable mount can be shared");
	same(mounts(), "a shared:2, b, c shared:1", "then it is unbindable no longer");
	equal(kind("a", MS_SLAVE), 0, "a shared mount without peers can be asked to be a slave");
	same(mounts(), "a, b, c shared:1", "it has no master: it is private");
	require(bind("c", "d") == 0);
	same(mounts(), "a, b, c shared:1, d shared:1", "a bind of a shared mount is its peer");
	equal(kind("d", MS_SLAVE), 0, "a peer can be made a slave");
	same(mounts(), "a, b, c shared:1, d master:1", "its master is the group");
	equal(kind("d", MS_SLAVE), 0, "a slave can be made a slave");
	equal(kind("d", MS_SHARED), 0, "a slave can be shared");
	same(mounts(), "a, b, c shared:1, d shared:2 master:1", "it is both then");
	equal(kind("d", MS_SLAVE), 0, "what is both can be made a slave");
	same(mounts(), "a, b, c shared:1, d master:1", "it is a slave of its master, not shared");
	equal(kind("d", MS_UNBINDABLE), 0, "a slave can be made unbindable");
	same(mounts(), "a, b, c shared:1, d unbindable", "it has no master then");
	require(kind("d", MS_PRIVATE) == 0 && umount("d") == 0 && bind("c", "d") == 0);
	equal(kind("c", MS_PRIVATE), 0, "one of two peers can be made private");
	same(mounts(), "a, b, c, d shared:1", "the other one keeps the group");
	require(kind("d", MS_PRIVATE) == 0 && kind("a", MS_SHARED) == 0);
	same(mounts(), "a shared:1, b, c, d", "the last one gives the number back");
}

CASE(masters_that_leave)
{
	begin("a b c d e");
	shared("a", "");
	require(bind("a", "b") == 0 && bind("a", "c") == 0 && kind("c", MS_SLAVE) == 0);
	same(mounts(), "a shared:1, b shared:1, c master:1", "two peers have a slave");
	require(umount("a") == 0);
	same(mounts(), "b shared:1, c master:1", "a peer that goes leaves the slave to the others");
	require(bind("c", "d") == 0);
	same(mounts(), "b shared:1, c master:1, d master:1", "a bind of a slave is a slave of the same master");
	require(kind("c", MS_SHARED) == 0 && bind("c", "e") == 0);
	same(mounts(), "b shared:1, c shared:2 master:1, d master:1, e shared:2 master:1", "a bind of what is both is both");
	require(kind("c", MS_SLAVE) == 0);
	same(mounts(), "b shared:1, c master:2, d master:1, e shared:2 master:1", "a peer of those is a slave of the others");
	require(kind("e", MS_SLAVE) == 0);
	same(mounts(), "b shared:1, c master:1, d master:1, e master:1", "slaves of a last peer go to its master");
	require(kind("b", MS_PRIVATE) == 0);
	same(mounts(), "b, c, d, e", "with the last master all are private");
}

CASE(kinds_refused)
{
	begin("a a/sub");
	require(fresh("a") == 0 && mkdir("a/sub", 0755) == 0);
	make_file("file", "");
	for (int i = 17; i <= 20; i++) {
		fails(kind("a/sub", 1ul << i), EINVAL, "a folder that is no mount point has no kind");
		fails(kind("file", 1ul << i), EINVAL, "nor has a file");
		fails(kind("a", (1ul << i) | MS_RDONLY), EINVAL, "MS_RDONLY may not be said with a kind");
		fails(kind("a", (1ul << i) | MS_NOSUID), EINVAL, "MS_NOSUID may not");
		fails(kind("a", (1ul << i) | MS_MOVE), EINVAL, "MS_MOVE may not");
		fails(kind("a", (1ul << i) | (1 << 9)), EINVAL, "a flag that does not exist may not");
		for (int j = 17; j < i; j++)
			fails(kind("a", (1ul << i) | (1ul << j)), EINVAL, "two kinds at once are refused");
	}
	fails(kind("a", KINDS), EINVAL, "so are all four");
	fails(kind("none", MS_SHARED), ENOENT, "the place has to be there");
	fails(kind("file/x", MS_SHARED), ENOTDIR, "its folder has to be one");
	fails(mount(NULL, (char *)1, NULL, MS_SHARED, NULL), EFAULT, "its name has to be readable");
	equal(mount((char *)"nothing", "a", "nothing", MS_SHARED, "nothing"), 0, "source, type and options are not looked at");
	require(kind("a", MS_PRIVATE) == 0);
	fails(kind("a", MS_PRIVATE | 0xc0ed0000ul), EINVAL, "the magic number of old takes all kinds away");
	fails(kind("a", MS_PRIVATE | 1ul << 31), EINVAL, "MS_NOUSER may not");
	equal(in_child({
		      if (setuid(1000) == -1)
			      _exit(2);
		      _exit(kind("a", MS_SHARED) == -1 && errno == EPERM && kind("none", MS_SHARED) == -1 && errno == ENOENT ? 0 : 1);
	      }),
	      0, "it takes CAP_SYS_ADMIN, once the place is found");
	same(mounts(), "a", "nothing has changed");
	int fd = open("a", O_PATH);
	require(fd != -1 && umount2("a", MNT_DETACH) == 0);
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	fails(kind(path, MS_SHARED), EINVAL, "a mount that is detached has no kind");
}

CASE(kinds_of_trees)
{
	begin("a");
	require(fresh("a") == 0 && mkdir("a/x", 0755) == 0 && mkdir("a/y", 0755) == 0 && fresh("a/y") == 0 && fresh("a/x") == 0 &&
		mkdir("a/y/z", 0755) == 0 && fresh("a/y/z") == 0);
	equal(kind("a", MS_SHARED | MS_REC), 0, "a tree can be shared");
	same(mounts(), "a shared:1, a/y shared:2, a/x shared:4, a/y/z shared:3", "its mounts are numbered from the top, one below the other");
	equal(kind("a/y", MS_PRIVATE | MS_REC), 0, "a part of it can be made private");
	same(mounts(), "a shared:1, a/y, a/x shared:4, a/y/z", "the rest stays shared");
	equal(kind("a", MS_UNBINDABLE), 0, "without MS_REC only the top changes");
	same(mounts(), "a unbindable, a/y, a/x shared:4, a/y/z", "so it did");
	equal(kind("a", MS_SLAVE | MS_REC), 0, "a tree can be made of slaves");
	same(mounts(), "a unbindable, a/y, a/x, a/y/z", "without masters they are private");
}

CASE(peers)
{
	begin("a b c");
	shared("a", "x y x/in");
	require(bind("a", "b") == 0 && bind("a/x", "c") == 0);
	same(mounts(), "a shared:1, b shared:1, c[/x] shared:1", "a bind of a folder is a peer, too");
	equal(fresh("a/y"), 0, "a file system is mounted in one");
	same(mounts(), "a shared:1, b shared:1, c[/x] shared:1, a/y shared:2, b/y shared:2", "it is in the peer as well, and shared");
	make_file("b/y/file", "");
	check(is_there("a/y/file"), "both show the same");
	equal(fresh("c/in"), 0, "a file system is mounted in the bound folder");
	same(mounts(), "a shared:1, b shared:1, c[/x] shared:1, a/y shared:2, b/y shared:2, c/in shared:3, a/x/in shared:3, b/x/in shared:3",
	     "it is where the others have that folder");
	equal(umount("b/x/in"), 0, "one of them is unmounted");
	same(mounts(), "a shared:1, b shared:1, c[/x] shared:1, a/y shared:2, b/y shared:2", "all of them are gone");
	require(kind("b", MS_PRIVATE) == 0);
	equal(umount("a/y"), 0, "what was a peer's is unmounted");
	same(mounts(), "a shared:1, b, c[/x] shared:1, b/y shared:2", "what is private by now keeps it");
	equal(fresh("b/x"), 0, "a file system is mounted in what is private");
	same(mounts(), "a shared:1, b, c[/x] shared:1, b/y shared:2, b/x", "nobody else gets it, and it is private");
	require(umount("b/x") == 0 && kind("b", MS_SHARED) == 0);
	same(mounts(), "a shared:1, b shared:3, c[/x] shared:1, b/y shared:2", "shared again it has another group");
	equal(bind("b/y", "a/y"), 0, "a shared mount is bound into the other group");
	same(mounts(), "a shared:1, b shared:3, c[/x] shared:1, b/y shared:2, a/y shared:2", "and is a peer of what it was bound of");
}

CASE(slaves)
{
	begin("a b c d e");
	shared("a", "x y");
	require(bind("a", "b") == 0 && kind("b", MS_SLAVE) == 0 && fresh("a/x") == 0);
	same(mounts(), "a shared:1, b master:1, a/x shared:2, b/x master:2", "a slave gets what its master gets, as a slave");
	require(fresh("b/y") == 0);
	same(mounts(), "a shared:1, b master:1, a/x shared:2, b/x master:2, b/y", "what is mounted in the slave is its own");
	require(umount("b/x") == 0);
	same(mounts(), "a shared:1, b master:1, a/x shared:2, b/y", "what is unmounted there stays with the master");
	require(umount("a/x") == 0 && umount("b/y") == 0 && kind("b", MS_SHARED) == 0 && bind("b", "c") == 0 && bind("b", "d") == 0 &&
		kind("d", MS_SLAVE) == 0);
	same(mounts(), "a shared:1, b shared:2 master:1, c shared:2 master:1, d master:2", "slaves can have slaves");
	require(fresh("a/x") == 0);
	same(mounts(),
	     "a shared:1, b shared:2 master:1, c shared:2 master:1, d master:2, a/x shared:3, d/x master:4, c/x shared:4 master:3, b/x shared:4 master:3",
	     "they all get it, tied in the same way");
	require(umount("c/x") == 0);
	same(mounts(), "a shared:1, b shared:2 master:1, c shared:2 master:1, d master:2, a/x shared:3",
	     "what is unmounted in the middle is unmounted below");
	require(umount("a/x") == 0 && fresh("c/x") == 0);
	same(mounts(), "a shared:1, b shared:2 master:1, c shared:2 master:1, d master:2, c/x shared:3, d/x master:3, b/x shared:3",
	     "what is mounted in the middle is mounted below");
	require(umount("b/x") == 0 && bind("a", "e") == 0 && kind("e", MS_SLAVE) == 0 && fresh("a/y") == 0 && umount("e/y") == 0 &&
		umount("a/y") == 0);
	same(mounts(), "a shared:1, b shared:2 master:1, c shared:2 master:1, d master:2, e master:1",
	     "a slave that has unmounted its own does not keep the others from it");
}

CASE(slaves_that_see_parts)
{
	begin("a b c d");
	shared("a", "x y x/in");
	require(bind("a", "b") == 0 && kind("b", MS_SLAVE) == 0 && kind("b", MS_SHARED) == 0);
	require(bind("b", "d") == 0 && kind("d", MS_SLAVE) == 0);
	require(bind("b/y", "c") == 0 && umount("b") == 0);
	same(mounts(), "a shared:1, d master:2, c[/y] shared:2 master:1", "a group in the middle has only a mount of another folder");
	require(fresh("a/x/in") == 0);
	same(mounts(), "a shared:1, d master:2, c[/y] shared:2 master:1, a/x/in shared:3, d/x/in master:3",
	     "the slave's is a slave of the next group up that has one");
	require(umount("a/x/in") == 0);
	same(mounts(), "a shared:1, d master:2, c[/y] shared:2 master:1", "both go together");
}

CASE(far_masters)
{
	begin("a b c d");
	shared("a", "x");
	require(bind("a", "b") == 0 && kind("b", MS_SLAVE) == 0 && kind("b", MS_SHARED) == 0 && bind("b", "c") == 0 &&
		kind("c", MS_SLAVE) == 0);
	same(mounts(), "a shared:1, b shared:2 master:1, c master:2", "a slave of a slave names the nearer master");
	require(umount("b") == 0);
	same(mounts(), "a shared:1, c master:1", "or the other, when the nearer is gone");
	require(bind("c", "b") == 0 && kind("b", MS_SHARED) == 0 && mkdir("d/a", 0755) == 0 && mkdir("d/c", 0755) == 0 &&
		mkdir("d/proc", 0755) == 0 && mount("none", "d/proc", "proc", 0, NULL) == 0 && bind("a", "d/a") == 0 && bind("b", "d/c") == 0 &&
		kind("d/c", MS_SLAVE) == 0);
	same(mounts(), "a shared:1, c master:1, b shared:2 master:1, d/proc, d/a shared:1, d/c master:2", "both can be seen from here");
	require(chroot("d") == 0);
	base[0] = 0;
	same(mounts(), "proc, a shared:1, c master:2 propagate_from:1", "a master that cannot be seen is named with the one that can");
}

CASE(binds)
{
	begin("a b c d e p s");
	shared("s", "x y");
	require(fresh("p") == 0 && mkdir("p/in", 0755) == 0 && mkdir("p/un", 0755) == 0 && fresh("p/in") == 0 && fresh("p/un") == 0 &&
		mkdir("p/in/deep", 0755) == 0 && fresh("p/in/deep") == 0);
	require(bind("p", "a") == 0);
	same(mounts(), "s shared:1, p, p/in, p/un, p/in/deep, a", "a bind of a private mount is private");
	require(umount("a") == 0 && kind("p/un", MS_UNBINDABLE) == 0);
	fails(bind("p/un", "a"), EINVAL, "an unbindable mount is not bound");
	fails(rbind("p/un", "a"), EINVAL, "not with MS_REC either");
	equal(rbind("p", "a"), 0, "a tree is bound");
	same(mounts(), "s shared:1, p, p/in, p/un unbindable, p/in/deep, a, a/in, a/in/deep", "without what is unbindable in it");
	require(umount2("a", MNT_DETACH) == 0 && kind("p/in", MS_SHARED) == 0);
	equal(rbind("p", "a"), 0, "a tree that is shared in part is bound");
	same(mounts(), "s shared:1, p, p/in shared:2, p/un unbindable, p/in/deep, a, a/in shared:2, a/in/deep", "what was shared has a peer");
	require(umount2("a", MNT_DETACH) == 0);
	same(mounts(), "s shared:1, p, p/in shared:2, p/un unbindable", "what was mounted in the peer goes with it");
	require(kind("p/in", MS_PRIVATE) == 0 && bind("s", "b") == 0 && bind("s", "c") == 0 &&
		kind("c", MS_SLAVE) == 0);
	equal(rbind("p", "s/x"), 0, "a private tree is bound into a shared mount");
	same(mounts(),
	     "s shared:1, p, p/in, p/un unbindable, b shared:1, c master:1, s/x shared:2, s/x/in shared:3, c/x master:2, c/x/in master:3, "
	     "b/x shared:2, b/x/in shared:3",
	     "it is shared there, and what it was bound of stays private");
	require(umount2("b/x", MNT_DETACH) == 0);
	same(mounts(), "s shared:1, p, p/in, p/un unbindable, b shared:1, c master:1", "all of that goes at once");
	require(bind("s", "d") == 0 && kind("d", MS_SLAVE) == 0);
	equal(bind("d", "s/y"), 0, "a slave is bound into its master");
	same(mounts(),
	     "s shared:1, p, p/in, p/un unbindable, b shared:1, c master:1, d master:1, s/y shared:2 master:1, c/y master:2, d/y master:2, b/y shared:2 master:1",
	     "it is a slave and shared");
	require(umount("s/y") == 0);
	equal(bind("s", "s/y"), 0, "a shared mount is bound into itself");
	same(mounts(),
	     "s shared:1, p, p/in, p/un unbindable, b shared:1, c master:1, d master:1, s/y shared:1, c/y master:1, d/y master:1, b/y shared:1",
	     "its peers get a peer, its slaves a slave");
}

CASE(binds_refused)
{
	begin("a b");
	require(fresh("a") == 0);
	make_file("file", "");
	fails(mount(NULL, "b", NULL, MS_BIND, NULL), EINVAL, "a bind needs a source");
	fails(bind("", "b"), EINVAL, "with a name");
	fails(bind("none", "b"), ENOENT, "that is there");
	fails(bind("a", "file"), ENOTDIR, "a folder is not bound over a file");
	fails(bind("file", "b"), ENOTDIR, "nor a file over a folder");
	fails(mount("none", "file", "tmpfs", 0, NULL), ENOTDIR, "a file system is not mounted over a file");
	equal(mount("a", "b", NULL, MS_BIND | MS_SHARED, NULL), 0, "with MS_BIND a kind may be said");
	same(mounts(), "a, b", "it is not looked at");
	require(umount("b") == 0);
	int fd = open("a", O_RDONLY);
	require(fd != -1 && umount2("a", MNT_DETACH) == 0 && fchdir(fd) == 0);
	char target[PATH_MAX + 8];
	snprintf(target, sizeof target, "%s/b", base);
	fails(bind(".", target), EINVAL, "what is detached is not bound");
	fails(bind(target, "."), EINVAL, "nothing is bound over it");
	fails(fresh("."), EINVAL, "nor mounted");
	fails(move(".", target), EINVAL, "nor is it moved");
	require(chdir(base) == 0 && chdir("b") == 0 && rmdir("../b") == 0);
	fails(fresh("."), ENOENT, "nothing is mounted over what was removed");
	fails(bind("/tmp", "."), ENOENT, "nor bound");
}

CASE(beneath)
{
	begin("a b");
	shared("a", "x x/y");
	require(bind("a", "b") == 0 && kind("b", MS_SLAVE) == 0 && fresh("b/x") == 0);
	make_file("b/x/own", "");
	require(fresh("a/x") == 0);
	make_file("a/x/masters", "");
	check(is_there("b/x/own"), "what the slave has mounted stays on top of what it gets");
	same(mounts(), "a shared:1, b master:1, b/x, a/x shared:2, b/x master:2", "both are there");
	require(umount("a/x") == 0);
	same(mounts(), "a shared:1, b master:1, b/x", "what is unmounted goes from beneath");
	check(is_there("b/x/own"), "the slave's stays");
	require(fresh("a/x") == 0 && umount("b/x") == 0);
	same(mounts(), "a shared:1, b master:1, a/x shared:2, b/x master:2", "what is unmounted goes from the top");
	check(!is_there("b/x/own"), "the master's shows");
	require(fresh("b/x") == 0 && fresh("b/x") == 0 && umount("a/x") == 0);
	same(mounts(), "a shared:1, b master:1, b/x, b/x", "all that is on top stays");
	require(umount("b/x") == 0 && umount("b/x") == 0);
	same(mounts(), "a shared:1, b master:1", "and can go");
	require(fresh("b/x") == 0 && kind("b/x", MS_SHARED) == 0 && fresh("a/x") == 0);
	same(mounts(), "a shared:1, b master:1, b/x shared:2, a/x shared:3, b/x master:3", "what is shared is not tied to what comes beneath it");
	int fd = open("b/x", O_RDONLY);
	require(fd != -1);
	equal(umount("a/x"), 0, "a file open on top does not keep what is beneath");
	same(mounts(), "a shared:1, b master:1, b/x shared:2", "it is gone");
}

CASE(the_example_of_busybox)
{
	begin("dir one two");
	make_file("dir/a", "");
	require(bind("one", "one") == 0 && kind("one", MS_SHARED | MS_REC) == 0 && bind("two", "two") == 0 &&
		kind("two", MS_SHARED | MS_REC) == 0 && bind("two", "one") == 0);
	same(mounts(), "one[/one] shared:1, two[/two] shared:2, one[/two] shared:2", "a group shows in two places, one of them on top of another");
	require(bind("dir", "two") == 0);
	same(mounts(), "one[/one] shared:1, two[/two] shared:2, one[/two] shared:2, two[/dir] shared:3, one[/dir] shared:3",
	     "what is mounted on one is mounted on the other");
	check(is_there("one/a"), "and shows");
}

SUITE(RUN(kinds), RUN(masters_that_leave), RUN(kinds_refused), RUN(kinds_of_trees), RUN(peers), RUN(slaves), RUN(slaves_that_see_parts),
      RUN(far_masters), RUN(binds), RUN(binds_refused), RUN(beneath), RUN(the_example_of_busybox))
