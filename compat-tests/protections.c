/* What is protected from other users in folders where everybody may write. */
#include "tap.h"

static void become(unsigned id)
{
	if (setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0)
		_exit(99);
}

/* A system setting, as the case needs it; the cases that change one run one after another. */
static void setting(const char *name, const char *value)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/sys/fs/%s", name);
	int fd = open(path, O_WRONLY);
	require(fd >= 0 && write(fd, value, 1) == 1);
	close(fd);
}

CASE(settings)
{
	same(contents_of("/proc/sys/fs/protected_hardlinks"), "1\n", "hard links are protected");
	same(contents_of("/proc/sys/fs/protected_symlinks"), "1\n", "symbolic links are");
	same(contents_of("/proc/sys/fs/protected_fifos"), "0\n", "FIFOs are not");
	same(contents_of("/proc/sys/fs/protected_regular"), "0\n", "regular files are not");
	int fd = open("/proc/sys/fs/protected_fifos", O_WRONLY);
	fails(write(fd, "3", 1), EINVAL, "a level that does not exist gives EINVAL");
}

CASE(hard_links)
{
	require(chmod(".", 0777) == 0);
	make_file("private", "x"), make_file("public", "x"), make_file("setuid", "x");
	require(chmod("public", 0666) == 0 && chmod("setuid", 04777) == 0 && mkfifo("fifo", 0666) == 0 &&
		chmod("fifo", 0666) == 0 && symlink("public", "link") == 0);
	equal(in_child(become(12); _exit(link("private", "l1") ? errno : 0)), EPERM, "a stranger does not link what he cannot write");
	equal(in_child(become(12); _exit(link("public", "l2") ? errno : 0)), 0, "but what he can");
	equal(in_child(become(12); _exit(link("setuid", "l3") ? errno : 0)), EPERM, "not what runs as its owner");
	equal(in_child(become(12); _exit(link("fifo", "l4") ? errno : 0)), EPERM, "nor what is no regular file");
	equal(in_child(become(12); _exit(link("link", "l5") ? errno : 0)), EPERM, "nor a symbolic link");
	equal(in_child(become(12); _exit(link("private", "l2") ? errno : 0)), EEXIST, "a name that is taken comes first");
	require(chown("private", 12, 12) == 0);
	equal(in_child(become(12); _exit(link("private", "l6") ? errno : 0)), 0, "the owner links it");
	setting("protected_hardlinks", "0");
	equal(in_child(become(12); _exit(link("setuid", "l7") ? errno : 0)), 0, "without the protection everybody does");
	setting("protected_hardlinks", "1");
}

CASE(symbolic_links)
{
	require(chmod(".", 0755) == 0 && mkdir("sticky", 0777) == 0 && chmod("sticky", 01777) == 0 && mkdir("plain", 0777) == 0 && chmod("plain", 0777) == 0);
	make_file("target", "x");
	require(chmod("target", 0644) == 0);
	equal(in_child(become(12); _exit(symlink("../target", "sticky/l") || symlink("../target", "plain/l") || symlink("../plain", "sticky/d"))), 0, "somebody leaves links");
	equal(open("sticky/l", O_RDONLY) == -1 ? errno : 0, EACCES, "nobody else follows one in a sticky folder for all");
	check(open("plain/l", O_RDONLY) >= 0, "but in an ordinary one");
	equal(in_child(become(12); _exit(open("sticky/l", O_RDONLY) == -1 ? errno : 0)), 0, "its owner does");
	struct stat status;
	equal(lstat("sticky/l", &status), 0, "it can be looked at");
	equal(stat("sticky/l", &status) ? errno : 0, EACCES, "not behind it");
	equal(stat("sticky/d/l", &status) ? errno : 0, 0, "on the way to more it is followed");
	require(lchown("sticky/l", 0, 0) == 0);
	equal(in_child(become(12); _exit(open("sticky/l", O_RDONLY) == -1 ? errno : 0)), 0, "the folder's owner's are trusted");
}

CASE(creating)
{
	require(chmod(".", 0755) == 0 && mkdir("sticky", 0777) == 0 && chmod("sticky", 01777) == 0);
	equal(in_child(become(12); umask(0); int fd = open("sticky/f", O_CREAT | O_WRONLY, 0666);
		       _exit(fd < 0 || mkfifo("sticky/p", 0666) != 0)), 0, "somebody leaves a file and a FIFO");
	equal(in_child(become(13); _exit(open("sticky/f", O_CREAT | O_WRONLY, 0666) == -1 ? errno : 0)), 0,
	      "without protection O_CREAT opens it");
	setting("protected_regular", "1");
	equal(in_child(become(13); _exit(open("sticky/f", O_CREAT | O_WRONLY, 0666) == -1 ? errno : 0)), EACCES, "with it, not");
	equal(in_child(become(13); _exit(open("sticky/f", O_WRONLY) == -1 ? errno : 0)), 0, "without O_CREAT it is opened");
	equal(in_child(become(12); _exit(open("sticky/f", O_CREAT | O_WRONLY, 0666) == -1 ? errno : 0)), 0, "so it is by its owner");
	setting("protected_regular", "0");
	setting("protected_fifos", "1");
	equal(in_child(become(13); _exit(open("sticky/p", O_CREAT | O_RDWR, 0666) == -1 ? errno : 0)), EACCES, "FIFOs have a protection of their own");
	setting("protected_fifos", "0");
}

SUITE(RUN(settings), RUN(hard_links), RUN(symbolic_links), RUN(creating))
