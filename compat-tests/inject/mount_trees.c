/* Trees of mounts that are nowhere, and file systems that are made step by step. */
#include "inject.h"

#include <fcntl.h>
#include <sys/mount.h>

enum { CLONE = 1, RECURSIVE = 0x8000, EMPTY = 4, SET_GROUP = 0x100, SET_FLAG = 0, SET_STRING = 1, CREATE = 6, RECONFIGURE = 7 };

static int held = -1;

static void with_mounts(void)
{
	need(mkdir("from", 0755) == 0 && mkdir("to", 0755) == 0 && mount("none", "from", "tmpfs", 0, NULL) == 0 &&
	     mkdir("from/inside", 0755) == 0 && mount("none", "from/inside", "tmpfs", 0, NULL) == 0 && mkdir("from/inside/deep", 0755) == 0);
}
static void without_mounts(void)
{
	need(umount("from/inside") == 0 && umount("from") == 0 && rmdir("from") == 0 && rmdir("to") == 0);
}
static int mounts_same(void) { return is_there("from/inside/deep") && !is_there("to/inside"); }
static long open_tree(void) { return syscall(SYS_open_tree, AT_FDCWD, "from", CLONE | RECURSIVE); }
static int tree_open(long fd) { return fd >= 0 && faccessat(fd, "inside/deep", F_OK, 0) == 0 && close(fd) == 0 && mounts_same(); }
static long open_place(void) { return syscall(SYS_open_tree, AT_FDCWD, "from", 0); }

static void with_tree(void)
{
	with_mounts();
	need((held = open_tree()) >= 0);
}
static void with_tree_for_peers(void)
{
	with_tree();
	need(mount("none", "to", "tmpfs", 0, NULL) == 0 && mkdir("to/x", 0755) == 0 && mount(NULL, "to", NULL, MS_SHARED, NULL) == 0 &&
	     mkdir("peer", 0755) == 0 && mount("to", "peer", NULL, MS_BIND, NULL) == 0);
}
static void without_peers(void)
{
	need(umount("peer") == 0 && umount("to") == 0 && rmdir("peer") == 0);
	without_mounts();
}
static long attach(void) { return syscall(SYS_move_mount, held, "", AT_FDCWD, "to", EMPTY); }
static int attached(long result)
{
	return result == 0 && is_there("to/inside/deep") && close(held) == 0 && umount2("to", MNT_DETACH) == 0;
}
static long attach_to_peers(void) { return syscall(SYS_move_mount, held, "", AT_FDCWD, "to/x", EMPTY); }
static int not_attached(void) { return !is_there("to/x/inside") && !is_there("peer/x/inside"); }
static int attached_to_peers(long result)
{
	return result == 0 && is_there("to/x/inside/deep") && is_there("peer/x/inside/deep") && close(held) == 0 &&
	       umount2("to/x", MNT_DETACH) == 0 && not_attached();
}
static long join(void) { return syscall(SYS_move_mount, AT_FDCWD, "to", AT_FDCWD, "peer", SET_GROUP); }
static void with_a_private_peer(void)
{
	with_tree_for_peers();
	need(close(held) == 0 && mount(NULL, "peer", NULL, MS_PRIVATE, NULL) == 0);
}

static long open_context(void) { return syscall(SYS_fsopen, "tmpfs", 0); }
static void with_context(void) { need((held = open_context()) >= 0); }
static void without_context(void) { need(close(held) == 0); }
static long say(void) { return syscall(SYS_fsconfig, held, SET_STRING, "size", "1m", 0); }
static long say_source(void) { return syscall(SYS_fsconfig, held, SET_STRING, "source", "somewhere", 0); }
static long say_flag(void) { return syscall(SYS_fsconfig, held, SET_FLAG, "ro", NULL, 0); }
static long create(void) { return syscall(SYS_fsconfig, held, CREATE, NULL, NULL, 0); }
static void with_things_said(void)
{
	with_context();
	need(say() == 0);
}
static void with_made(void)
{
	with_things_said();
	need(create() == 0);
}
static long mount_made(void) { return syscall(SYS_fsmount, held, 0, 0); }
static int made_mounted(long fd) { return fd >= 0 && mkdirat(fd, "x", 0755) == 0 && close(fd) == 0; }
static void with_picked(void)
{
	with_mounts();
	need((held = syscall(SYS_fspick, AT_FDCWD, "from", 0)) >= 0 && say() == 0);
}
static void without_picked(void)
{
	without_context();
	without_mounts();
}
static long reconfigure(void) { return syscall(SYS_fsconfig, held, RECONFIGURE, NULL, NULL, 0); }
static long pick(void) { return syscall(SYS_fspick, AT_FDCWD, "from", 0); }

static long change(void)
{
	static const uint64_t attributes[4] = { 2, 0, MS_SHARED, 0 };
	return syscall(SYS_mount_setattr, AT_FDCWD, "from", RECURSIVE, attributes, sizeof attributes);
}
static int changed(long result) { return result == 0 && mount(NULL, "from", NULL, MS_PRIVATE | MS_REC, NULL) == 0; }

const struct scenario mount_trees[] = {
	{ "open_tree", with_mounts, open_place, mounts_same, close_it, without_mounts, 0, { 0 } },
	{ "open_tree OPEN_TREE_CLONE AT_RECURSIVE", with_mounts, open_tree, mounts_same, tree_open, without_mounts, 0, { 0 } },
	{ "move_mount of a copy", with_tree, attach, mounts_same, attached, without_mounts, 0, { 0 } },
	{ "move_mount of a copy to peers", with_tree_for_peers, attach_to_peers, not_attached, attached_to_peers, without_peers, 0, { 0 } },
	{ "move_mount MOVE_MOUNT_SET_GROUP", with_a_private_peer, join, NULL, is_zero, without_peers, 0, { 0 } },
	{ "fsopen", NULL, open_context, NULL, close_it, NULL, 0, { 0 } },
	{ "fspick", with_mounts, pick, NULL, close_it, without_mounts, 0, { 0 } },
	{ "fsconfig FSCONFIG_SET_STRING", with_context, say, NULL, is_zero, without_context, 0, { 0 } },
	{ "fsconfig FSCONFIG_SET_STRING source", with_context, say_source, NULL, is_zero, without_context, 0, { 0 } },
	{ "fsconfig FSCONFIG_SET_FLAG", with_context, say_flag, NULL, is_zero, without_context, 0, { 0 } },
	{ "fsconfig FSCONFIG_CMD_CREATE", with_things_said, create, NULL, is_zero, without_context, FREE, { 0 } },
	{ "fsconfig FSCONFIG_CMD_RECONFIGURE", with_picked, reconfigure, NULL, is_zero, without_picked, FREE, { 0 } },
	{ "fsmount", with_made, mount_made, NULL, made_mounted, without_context, 0, { 0 } },
	{ "mount_setattr MS_SHARED AT_RECURSIVE", with_mounts, change, mounts_same, changed, without_mounts, 0, { 0 } },
	{ 0 },
};
