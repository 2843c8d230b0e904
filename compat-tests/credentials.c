/* Users and groups: the rules of set*id, groups, capabilities at their borders. */
#include "tap.h"
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

/* The raw calls: the library's would change all threads one by one. */
#define resuid(r, e, s) syscall(SYS_setresuid, r, e, s)

static int are(uid_t real, uid_t effective, uid_t saved)
{
	uid_t r, e, s;
	return getresuid(&r, &e, &s) == 0 && r == real && e == effective && s == saved;
}

CASE(root)
{
	check(are(0, 0, 0), "the test runs as root");
	equal(in_child(if (syscall(SYS_setuid, 1000)) _exit(1); if (!are(1000, 1000, 1000)) _exit(2)), 0, "root's setuid sets all three");
	equal(in_child(if (resuid(1, 2, 3)) _exit(1); if (!are(1, 2, 3)) _exit(2)), 0, "root's setresuid sets any three");
	equal(in_child(if (resuid(-1, 5, -1)) _exit(1); if (!are(0, 5, 0)) _exit(2)), 0, "-1 leaves one as it is");
	equal(in_child(if (resuid(-1, 5, -1) || resuid(-1, 0, -1)) _exit(1)), 0, "root can come back from another effective user");
	equal(in_child(gid_t g = 1; if (resuid(-1, 5, -1)) _exit(1); if (syscall(SYS_setgroups, 1, &g) == -1) _exit(errno)), EPERM,
	      "with another effective user the privileges are gone");
	equal(in_child(if (syscall(SYS_setreuid, 7, 8)) _exit(1); if (!are(7, 8, 8)) _exit(2)), 0, "setreuid sets the saved one, too");
}

CASE(users)
{
	equal(in_child(if (resuid(1000, 1000, 1000)) _exit(99); if (syscall(SYS_setuid, 0) == -1) _exit(errno)), EPERM,
	      "a user cannot become root");
	equal(in_child(if (resuid(1000, 1001, 1002)) _exit(99); if (syscall(SYS_setuid, 1002)) _exit(1); if (!are(1000, 1002, 1002)) _exit(2)), 0,
	      "a user's setuid may take the saved one as effective");
	equal(in_child(if (resuid(1000, 1001, 1002)) _exit(99); if (syscall(SYS_setuid, 1001) == -1) _exit(errno)), EPERM,
	      "but not the effective one, which is neither real nor saved");
	equal(in_child(if (resuid(1000, 1001, 1002)) _exit(99); if (resuid(1002, 1000, 1001)) _exit(1); if (!are(1002, 1000, 1001)) _exit(2)), 0,
	      "setresuid may exchange the three");
	equal(in_child(if (resuid(1000, 1001, 1002)) _exit(99); if (resuid(-1, 1003, -1) == -1) _exit(errno)), EPERM,
	      "and takes no other");
	equal(in_child(if (resuid(1000, 1001, 1002)) _exit(99); if (syscall(SYS_setreuid, 1002, -1) == -1) _exit(errno)), EPERM,
	      "setreuid's real one cannot be the saved one");
	equal(in_child(if (resuid(1000, 1000, 1000)) _exit(99); if (syscall(SYS_setgid, 0) == 0) _exit(0); _exit(errno)), 0,
	      "a user may set the group that he has");
	equal(in_child(if (resuid(1000, 1000, 1000)) _exit(99); if (syscall(SYS_setgid, 7) == -1) _exit(errno)), EPERM, "but no other");
	equal(in_child(if (resuid(1000, 1000, 1000)) _exit(99); gid_t g = 1; if (syscall(SYS_setgroups, 1, &g) == -1) _exit(errno)), EPERM,
	      "nor supplementary groups");
	fails(syscall(SYS_setuid, -1), EINVAL, "user -1 gives EINVAL");
}

CASE(groups)
{
	gid_t groups[4] = { 30, 10, 20, 10 }, told[8];
	equal(syscall(SYS_setgroups, 3, groups), 0, "root sets supplementary groups");
	equal(getgroups(0, NULL), 3, "getgroups of none tells how many");
	equal(getgroups(8, told), 3, "getgroups tells them");
	check(told[0] == 10 && told[1] == 20 && told[2] == 30, "in ascending order");
	fails(getgroups(2, told), EINVAL, "too few places give EINVAL");
	fails(syscall(SYS_setgroups, 65537, groups), EINVAL, "more than 65536 give EINVAL");
	equal(in_child(_exit(getgroups(0, NULL))), 3, "children inherit them");
	equal(in_child(gid_t r; gid_t e; gid_t s; if (syscall(SYS_setresgid, 1, 2, 3)) _exit(1); getresgid(&r, &e, &s);
		       _exit(r == 1 && e == 2 && s == 3 ? 0 : 2)), 0, "setresgid sets three groups");
}

CASE(file_system_user)
{
	require(chmod(".", 0777) == 0);
	equal(setfsuid(1000), 0, "setfsuid gives the old one");
	equal(setfsuid(-1), 1000, "and tells the present one when asked for -1");
	close(open("f", O_CREAT | O_WRONLY, 0600));
	struct stat status;
	require(stat("f", &status) == 0);
	equal(status.st_uid, 1000, "new files belong to it");
	setfsuid(0);
	require(stat("f", &status) == 0);
	equal(geteuid(), 0, "the effective user is another thing");
}

CASE(new_privileges)
{
	equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0, "new privileges are allowed at first");
	equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0, "they can be given up");
	equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1, "which is told");
	fails(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL, "for good");
	equal(in_child(_exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))), 1, "children inherit it");
}

CASE(capabilities)
{
	struct { uint32_t version; int pid; } header = { 0x20080522, 0 };
	struct { uint32_t effective, permitted, inheritable; } data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	equal(syscall(SYS_capget, &header, data), 0, "capget succeeds");
	check(data[0].effective == 0xffffffff && data[0].permitted == 0xffffffff, "root has all capabilities");
	equal(in_child(if (resuid(1000, 1000, 1000)) _exit(99); if (syscall(SYS_capget, &header, data)) _exit(1);
		       _exit(data[0].effective || data[0].permitted ? 2 : 0)), 0, "a user has none");
	equal(in_child(prctl(PR_SET_KEEPCAPS, 1); if (resuid(1000, 1000, 1000)) _exit(99); syscall(SYS_capget, &header, data);
		       _exit(data[0].effective == 0 && data[0].permitted == 0xffffffff ? 0 : 2)), 0,
	      "PR_SET_KEEPCAPS keeps the permitted ones");
	data[0].effective &= ~1u; /* CAP_CHOWN */
	make_file("f", "");
	equal(syscall(SYS_capset, &header, data), 0, "capset can drop one");
	fails(chown("f", 1000, 1000), EPERM, "without CAP_CHOWN root cannot give files away");
	data[0].effective |= 1;
	equal(syscall(SYS_capset, &header, data), 0, "an effective one comes back while it is permitted");
	equal(chown("f", 1000, 1000), 0, "and works again");
	header.version = 1;
	fails(syscall(SYS_capget, &header, data), EINVAL, "an unknown version gives EINVAL");
	equal(header.version, 0x20080522, "and tells the right one");
}

SUITE(RUN(root), RUN(users), RUN(groups), RUN(file_system_user), RUN(new_privileges), RUN(capabilities))
