/* Mounts, roots, names of the machine. */
#include "inject.h"

#include <sched.h>
#include <sys/mount.h>

static void with_places(void) { need(mkdir("from", 0755) == 0 && mkdir("to", 0755) == 0 && mkdir("from/inside", 0755) == 0); }
static void without_places(void) { need(rmdir("from/inside") == 0 && rmdir("from") == 0 && rmdir("to") == 0); }
static int nothing_mounted(void) { return !is_there("to/inside") && is_there("from/inside"); }
static long mount_tmpfs(void) { return mount("none", "to", "tmpfs", MS_NOSUID, "size=1m,mode=700"); }
static int tmpfs_mounted(long result) { return result == 0 && mkdir("to/x", 0755) == 0 && umount("to") == 0; }
static long mount_proc(void) { return mount("none", "to", "proc", 0, NULL); }
static int proc_mounted(long result) { return result == 0 && is_there("to/self") && umount("to") == 0; }
static long mount_bind(void) { return mount("from", "to", NULL, MS_BIND, NULL); }
static int bound(long result) { return result == 0 && is_there("to/inside") && umount("to") == 0; }
static void with_mounts(void)
{
	with_places();
	need(mount("none", "from", "tmpfs", 0, NULL) == 0 && mkdir("from/inside", 0755) == 0 &&
	     mount("none", "from/inside", "tmpfs", 0, NULL) == 0 && mkdir("from/inside/deep", 0755) == 0);
}
static void without_mounts(void)
{
	need(umount("from/inside") == 0 && umount("from") == 0);
	without_places();
}
static long mount_tree(void) { return mount("from", "to", NULL, MS_BIND | MS_REC, NULL); }
static int tree_bound(long result) { return result == 0 && is_there("to/inside/deep") && umount2("to", MNT_DETACH) == 0; }
static long move_mount(void) { return mount("from", "to", NULL, MS_MOVE, NULL); }
static int mount_moved(long result)
{
	return result == 0 && is_there("to/inside/deep") && mount("to", "from", NULL, MS_MOVE, NULL) == 0;
}
static int mounts_same(void) { return is_there("from/inside/deep") && !is_there("to/inside"); }
static long remount(void) { return mount(NULL, "from", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL); }
static int still_writable(void) { return mounts_same() && mkdir("from/x", 0755) == 0 && rmdir("from/x") == 0; }
static int remounted(long result) { return result == 0 && mkdir("from/x", 0755) == -1 && errno == EROFS; }
static long unmount(void) { return umount2("from", MNT_DETACH); }
static int unmounted(long result) { return result == 0 && !is_there("from/inside/deep"); }

/* `from` has a peer and a slave, which is shared as well; `to` is a private tree. */
static void with_tree(void)
{
	need(mount("none", "to", "tmpfs", 0, NULL) == 0 && mkdir("to/inside", 0755) == 0 &&
	     mount("none", "to/inside", "tmpfs", 0, NULL) == 0 && mkdir("to/inside/deep", 0755) == 0);
}
static void with_peers(void)
{
	with_places();
	need(mkdir("peer", 0755) == 0 && mkdir("slave", 0755) == 0 && mount("none", "from", "tmpfs", 0, NULL) == 0 &&
	     mkdir("from/x", 0755) == 0 && mount(NULL, "from", NULL, MS_SHARED, NULL) == 0 &&
	     mount("from", "peer", NULL, MS_BIND, NULL) == 0 && mount("from", "slave", NULL, MS_BIND, NULL) == 0 &&
	     mount(NULL, "slave", NULL, MS_SLAVE, NULL) == 0 && mount(NULL, "slave", NULL, MS_SHARED, NULL) == 0);
	with_tree();
}
static void without_peers(void)
{
	need(umount("to/inside") == 0 && umount("to") == 0 && umount("slave") == 0 && umount("peer") == 0 && umount("from") == 0 &&
	     rmdir("peer") == 0 && rmdir("slave") == 0);
	without_places();
}
static int nobody_has_it(void)
{
	return is_there("to/inside/deep") && !is_there("from/x/inside") && !is_there("peer/x/inside") && !is_there("slave/x/inside");
}
static int all_have_it(void)
{
	return is_there("from/x/inside/deep") && is_there("peer/x/inside/deep") && is_there("slave/x/inside/deep");
}
static long tree_to_peers(void) { return mount("to", "from/x", NULL, MS_BIND | MS_REC, NULL); }
static int tree_at_peers(long result) { return result == 0 && all_have_it() && umount2("peer/x", MNT_DETACH) == 0 && nobody_has_it(); }
static long move_to_peers(void) { return mount("to", "from/x", NULL, MS_MOVE, NULL); }
static int moved_to_peers(long result)
{
	if (result != 0 || !all_have_it() || is_there("to/inside/deep") || umount2("peer/x", MNT_DETACH) == -1)
		return 0;
	with_tree();
	return nobody_has_it();
}
static void with_tree_at_peers(void)
{
	with_peers();
	need(tree_to_peers() == 0);
}
static long unmount_from_peers(void) { return umount2("from/x", MNT_DETACH); }
static int nobody_has_it_now(long result) { return result == 0 && nobody_has_it(); }
static long make_shared(void) { return mount(NULL, "from", NULL, MS_SHARED | MS_REC, NULL); }
static int made_shared(long result) { return result == 0 && mount(NULL, "from", NULL, MS_PRIVATE | MS_REC, NULL) == 0; }

/* In a child: what it mounts goes with its namespace. */
static long pivot(void) { return syscall(SYS_pivot_root, "/new", "/new/old"); }
static void with_new_root(void)
{
	/* The first root of all cannot be exchanged. */
	need(unshare(CLONE_NEWNS) == 0 && mount("none", "/mnt", "tmpfs", 0, NULL) == 0 && chdir("/mnt") == 0 &&
	     mkdir("new", 0755) == 0 && mkdir("proc", 0755) == 0 && mount("none", "proc", "proc", 0, NULL) == 0 &&
	     mount(".", "/", NULL, MS_MOVE, NULL) == 0 && chroot(".") == 0 && chdir("/") == 0 &&
	     mount("none", "/new", "tmpfs", 0, NULL) == 0 && mkdir("/new/old", 0755) == 0);
}
static int old_root(void) { return access("/new/old", F_OK) == 0; }
static int pivoted(long result) { return result == 0 && access("/old/new", F_OK) == 0; }
static char old_name[65];
static void with_name(void) { need(gethostname(old_name, sizeof old_name) == 0); }
static void without_name(void) { need(sethostname(old_name, strlen(old_name)) == 0); }
static long name_host(void) { return sethostname("a-host-of-this-name", 19); }
static int host_named(long result)
{
	char name[65];
	return result == 0 && gethostname(name, sizeof name) == 0 && strcmp(name, "a-host-of-this-name") == 0;
}

const struct scenario mounts[] = {
	{ "mount tmpfs", with_places, mount_tmpfs, nothing_mounted, tmpfs_mounted, without_places, 0, { 0 } },
	{ "mount proc", with_places, mount_proc, nothing_mounted, proc_mounted, without_places, 0, { 0 } },
	{ "mount MS_BIND", with_places, mount_bind, nothing_mounted, bound, without_places, 0, { 0 } },
	{ "mount MS_BIND MS_REC", with_mounts, mount_tree, mounts_same, tree_bound, without_mounts, 0, { 0 } },
	{ "mount MS_MOVE", with_mounts, move_mount, mounts_same, mount_moved, without_mounts, 0, { 0 } },
	{ "mount MS_SHARED MS_REC", with_mounts, make_shared, mounts_same, made_shared, without_mounts, 0, { 0 } },
	{ "mount MS_BIND MS_REC to peers", with_peers, tree_to_peers, nobody_has_it, tree_at_peers, without_peers, 0, { 0 } },
	{ "mount MS_MOVE to peers", with_peers, move_to_peers, nobody_has_it, moved_to_peers, without_peers, 0, { 0 } },
	{ "umount2 MNT_DETACH from peers", with_tree_at_peers, unmount_from_peers, all_have_it, nobody_has_it_now, without_peers, 0, { 0 } },
	{ "mount MS_REMOUNT", with_mounts, remount, still_writable, remounted, without_mounts, 0, { 0 } },
	{ "umount2 MNT_DETACH", with_mounts, unmount, mounts_same, unmounted, without_places, 0, { 0 } },
	{ "pivot_root", with_new_root, pivot, old_root, pivoted, NULL, IN_CHILD, { 0 } },
	{ "sethostname", with_name, name_host, NULL, host_named, without_name, FREE, { 0 } },
	{ 0 },
};
