/* inotify: watches, every event and its order, reading, limits. */
#include "tap.h"
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif

static const struct { uint32_t bit; const char *name; } names[] = {
	{ IN_ACCESS, "access" }, { IN_MODIFY, "modify" }, { IN_ATTRIB, "attrib" }, { IN_CLOSE_WRITE, "close-write" },
	{ IN_CLOSE_NOWRITE, "close" }, { IN_OPEN, "open" }, { IN_MOVED_FROM, "from" }, { IN_MOVED_TO, "to" },
	{ IN_CREATE, "create" }, { IN_DELETE, "delete" }, { IN_DELETE_SELF, "deleted" }, { IN_MOVE_SELF, "moved" },
	{ IN_UNMOUNT, "unmount" }, { IN_Q_OVERFLOW, "overflow" }, { IN_IGNORED, "ignored" }, { IN_ISDIR, "dir" },
};

/* What has happened, in words: "1:open+dir(d) …"; cookies as letters where they are the same. */
static const char *told(int fd)
{
	static char text[8192], buffer[16384] __attribute__((aligned(8)));
	size_t length = 0;
	text[0] = 0;
	ssize_t n = read(fd, buffer, sizeof buffer);
	uint32_t last_cookie = 0;
	for (ssize_t at = 0; at < n;) {
		struct inotify_event *event = (void *)(buffer + at);
		length += snprintf(text + length, sizeof text - length, "%s%d:", length ? " " : "", event->wd);
		const char *plus = "";
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (event->mask & names[i].bit)
				length += snprintf(text + length, sizeof text - length, "%s%s", plus, names[i].name), plus = "+";
		if (event->len)
			length += snprintf(text + length, sizeof text - length, "(%s)", event->name);
		if (event->cookie)
			length += snprintf(text + length, sizeof text - length, event->cookie == last_cookie ? "=" : "#");
		last_cookie = event->cookie;
		at += sizeof *event + event->len;
	}
	return text;
}

static int watch_all(int fd, const char *path)
{
	return inotify_add_watch(fd, path, IN_ALL_EVENTS);
}

CASE(instances)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char link[64] = "", path[64], byte[64];
	check(fd >= 0, "inotify_init1 makes a descriptor");
	equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "closed by exec if that is asked for");
	equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY | O_NONBLOCK, "for reading, without waiting");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	check(readlink(path, link, sizeof link - 1) > 0, "its link can be read");
	same(link, "anon_inode:inotify", "and says what it is");
	fails(inotify_init1(1), EINVAL, "an unknown flag gives EINVAL");
	fails(read(fd, byte, sizeof byte), EAGAIN, "without events read gives EAGAIN");
	fails(write(fd, "x", 1), EBADF, "it cannot be written");
	check(syscall(SYS_inotify_init) >= 0, "inotify_init makes one, too");
	fails(inotify_rm_watch(fd, 1), EINVAL, "removing a watch that is none gives EINVAL");
	fails(inotify_rm_watch(99, 1), EBADF, "a closed descriptor gives EBADF");
	fails(inotify_rm_watch(0 * open("/dev/null", O_RDONLY) + 1, 1), EINVAL, "what is no instance gives EINVAL");
	make_file("f", "");
	fails(inotify_add_watch(99, "f", IN_OPEN), EBADF, "also when a watch is added");
	fails(inotify_add_watch(fd, "missing", IN_OPEN), ENOENT, "a missing file gives ENOENT");
	fails(inotify_add_watch(fd, "f", 0), EINVAL, "no events give EINVAL");
	fails(inotify_add_watch(fd, "f", 0x1000), EINVAL, "unknown ones do, too");
	fails(inotify_add_watch(fd, "f", IN_OPEN | IN_ONLYDIR), ENOTDIR, "IN_ONLYDIR refuses a file");
	fails(inotify_add_watch(fd, "f", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE), EINVAL, "adding to what must be new gives EINVAL");
	fails(inotify_add_watch(fd, (char *)1, IN_OPEN), EFAULT, "a bad address gives EFAULT");
	require(chmod("f", 0) == 0 && chmod(".", 0755) == 0);
	equal(in_child(if (setresuid(12, 12, 12)) _exit(99); _exit(inotify_add_watch(fd, "f", IN_OPEN) == -1 ? errno : 0)), EACCES,
	      "who may not read the file may not watch it");
}

CASE(watches)
{
	int fd = inotify_init1(IN_NONBLOCK);
	make_file("f", "text"), make_file("g", "");
	require(symlink("f", "l") == 0);
	equal(inotify_add_watch(fd, "f", IN_OPEN), 1, "the first watch has the number 1");
	equal(inotify_add_watch(fd, "g", IN_OPEN), 2, "the next one the next");
	equal(inotify_add_watch(fd, "f", IN_ACCESS), 1, "a file has one watch");
	close(open("f", O_RDONLY));
	same(told(fd), "", "a new request replaces the old");
	equal(inotify_add_watch(fd, "f", IN_OPEN | IN_MASK_ADD), 1, "or adds to it");
	char byte;
	int file = open("f", O_RDONLY);
	require(read(file, &byte, 1) == 1);
	same(told(fd), "1:open 1:access", "then both are told");
	fails(inotify_add_watch(fd, "f", IN_OPEN | IN_MASK_CREATE), EEXIST, "IN_MASK_CREATE wants a new one");
	equal(inotify_add_watch(fd, "l", IN_OPEN), 1, "a symbolic link is followed");
	equal(inotify_add_watch(fd, "l", IN_OPEN | IN_DONT_FOLLOW), 3, "unless IN_DONT_FOLLOW is given");
	equal(inotify_rm_watch(fd, 2), 0, "a watch can be removed");
	same(told(fd), "2:ignored", "which is told");
	fails(inotify_rm_watch(fd, 2), EINVAL, "only once");
	equal(inotify_add_watch(fd, "g", IN_OPEN | IN_ONESHOT), 4, "numbers are not used again");
	close(open("g", O_RDONLY)), close(open("g", O_RDONLY));
	same(told(fd), "4:open 4:ignored", "IN_ONESHOT tells once and is gone");
}

CASE(a_file)
{
	int fd = inotify_init1(IN_NONBLOCK);
	char buffer[16];
	make_file("f", "text");
	require(watch_all(fd, "f") == 1);
	int file = open("f", O_RDWR);
	require(read(file, buffer, 4) == 4 && read(file, buffer, 4) == 0 && pread(file, buffer, 1, 0) == 1);
	same(told(fd), "1:open 1:access", "opening and reading; the same is told once");
	require(write(file, "x", 1) == 1 && write(file, "", 0) == 0);
	same(told(fd), "1:modify", "writing");
	require(ftruncate(file, 2) == 0);
	same(told(fd), "1:modify", "ftruncate");
	require(truncate("f", 1) == 0);
	same(told(fd), "1:modify", "truncate");
	require(fallocate(file, 0, 0, 100) == 0);
	same(told(fd), "1:modify", "fallocate");
	close(file);
	same(told(fd), "1:close-write", "closing what could be written");
	close(open("f", O_RDONLY));
	same(told(fd), "1:open 1:close", "and what could not");
	close(open("f", O_WRONLY | O_TRUNC));
	same(told(fd), "1:modify 1:open 1:close-write", "O_TRUNC modifies before it opens");
	close(open("f", O_PATH));
	same(told(fd), "", "O_PATH opens nothing");
	require(chmod("f", 0600) == 0);
	same(told(fd), "1:attrib", "chmod");
	require(chown("f", 1, 1) == 0);
	same(told(fd), "1:attrib", "chown");
	struct timespec times[2] = { { 1, 0 }, { 2, 0 } };
	require(utimensat(AT_FDCWD, "f", times, 0) == 0);
	same(told(fd), "1:attrib", "both times");
	times[1].tv_nsec = UTIME_OMIT;
	require(utimensat(AT_FDCWD, "f", times, 0) == 0);
	same(told(fd), "1:access", "the time of access alone");
	times[0].tv_nsec = UTIME_OMIT, times[1].tv_nsec = 0;
	require(utimensat(AT_FDCWD, "f", times, 0) == 0);
	same(told(fd), "1:modify", "the time of modification alone");
	require(setxattr("f", "trusted.a", "1", 1, 0) == 0);
	same(told(fd), "1:attrib", "an attribute set");
	require(removexattr("f", "trusted.a") == 0);
	same(told(fd), "1:attrib", "and removed");
	require(link("f", "g") == 0);
	same(told(fd), "1:attrib", "a new link");
	require(rename("f", "h") == 0);
	same(told(fd), "1:moved", "another name");
	require(unlink("g") == 0);
	same(told(fd), "1:attrib", "a link less");
	file = open("h", O_RDONLY);
	require(unlink("h") == 0);
	same(told(fd), "1:open 1:attrib", "the last link of an open file");
	close(file);
	same(told(fd), "1:close 1:deleted 1:ignored", "which is gone when it is closed");
}

CASE(a_folder)
{
	int fd = inotify_init1(IN_NONBLOCK);
	require(mkdir("d", 0777) == 0 && watch_all(fd, "d") == 1);
	make_file("d/f", "text");
	same(told(fd), "1:create(f) 1:open(f) 1:modify(f) 1:close-write(f)", "a file made in it");
	require(mkdir("d/s", 0777) == 0);
	same(told(fd), "1:create+dir(s)", "a folder");
	require(symlink("x", "d/l") == 0 && mkfifo("d/p", 0600) == 0 && link("d/f", "d/g") == 0);
	same(told(fd), "1:create(l) 1:create(p) 1:create(g)", "links and others");
	int folder = open("d", O_RDONLY);
	char buffer[1024];
	require(syscall(SYS_getdents64, folder, buffer, sizeof buffer) > 0);
	close(folder);
	same(told(fd), "1:open+dir 1:access+dir 1:close+dir", "the folder itself");
	folder = open("d/s", O_RDONLY);
	close(folder);
	same(told(fd), "1:open+dir(s) 1:close+dir(s)", "a folder in it");
	require(chmod("d/f", 0600) == 0 && chmod("d", 0700) == 0);
	same(told(fd), "1:attrib(f) 1:attrib+dir", "attributes of both");
	require(rename("d/f", "d/n") == 0);
	same(told(fd), "1:from(f)# 1:to(n)=", "a new name: two events with one cookie");
	require(rename("d/n", "d/g") == 0);
	same(told(fd), "", "two names of one file: nothing happens");
	require(rename("d/s", "d/t") == 0);
	same(told(fd), "1:from+dir(s)# 1:to+dir(t)=", "a folder's new name");
	require(rename("d/g", "out") == 0);
	same(told(fd), "1:from(g)#", "out of it");
	require(rename("out", "d/in") == 0);
	same(told(fd), "1:to(in)#", "and in");
	require(syscall(SYS_renameat2, AT_FDCWD, "d/in", AT_FDCWD, "d/p", 2) == 0);
	same(told(fd), "1:from(in)# 1:to(p)= 1:from(p)# 1:to(in)=", "an exchange is two moves");
	int file = open("d/p", O_RDONLY);
	require(unlink("d/p") == 0);
	same(told(fd), "1:open(p) 1:delete(p)", "removing an open file");
	close(file);
	same(told(fd), "1:close(p)", "which is still known by its name");
	require(rmdir("d/t") == 0 && unlink("d/l") == 0);
	same(told(fd), "1:delete+dir(t) 1:delete(l)", "removing");
	require(rename("d", "e") == 0);
	same(told(fd), "1:moved", "the folder's own name");
	require(unlink("e/n") == 0 && unlink("e/in") == 0 && rmdir("e") == 0);
	same(told(fd), "1:delete(n) 1:delete(in) 1:deleted 1:ignored", "its end");
}

CASE(both)
{
	int fd = inotify_init1(IN_NONBLOCK);
	require(mkdir("d", 0777) == 0);
	make_file("d/f", "text"), make_file("d/old", "");
	require(watch_all(fd, "d") == 1 && watch_all(fd, "d/f") == 2 && watch_all(fd, "d/old") == 3);
	close(open("d/f", O_RDONLY));
	same(told(fd), "1:open(f) 2:open 1:close(f) 2:close", "the folder is told first");
	require(chmod("d/f", 0600) == 0);
	same(told(fd), "1:attrib(f) 2:attrib", "of attributes as well");
	require(rename("d/f", "d/old") == 0);
	same(told(fd), "1:from(f)# 1:to(old)= 3:attrib 2:moved 3:deleted 3:ignored", "a rename over another file");
	require(link("d/old", "d/more") == 0);
	same(told(fd), "2:attrib 1:create(more)", "a link");
	require(unlink("d/more") == 0 && unlink("d/old") == 0);
	same(told(fd), "2:attrib 1:delete(more) 2:attrib 2:deleted 2:ignored 1:delete(old)", "the file's end comes before its name's");
	require(mkdir("d/s", 0777) == 0 && watch_all(fd, "d/s") == 4);
	require(rmdir("d/s") == 0);
	same(told(fd), "1:create+dir(s) 4:deleted 4:ignored 1:delete+dir(s)", "a folder's, too");
	make_file("d/gone", "x");
	int file = open("d/gone", O_RDWR);
	require(unlink("d/gone") == 0 && inotify_add_watch(fd, "d", IN_ALL_EVENTS | IN_EXCL_UNLINK) == 1);
	told(fd);
	require(write(file, "y", 1) == 1);
	close(file);
	same(told(fd), "", "IN_EXCL_UNLINK leaves out what has no name any more");
}

CASE(reading)
{
	int fd = inotify_init1(0), bytes = -1;
	char buffer[256] __attribute__((aligned(8)));
	require(mkdir("d", 0777) == 0 && inotify_add_watch(fd, "d", IN_CREATE) == 1);
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT };
	equal(poll(&entry, 1, 0), 0, "nothing is to be read at first");
	pid_t child = fork();
	if (child == 0) {
		doze(30);
		make_file("d/a", "");
		_exit(0);
	}
	equal(read(fd, buffer, sizeof buffer), 32, "read waits for an event");
	equal(ended_with(child), 0, "that somebody causes");
	struct inotify_event *event = (void *)buffer;
	equal(event->len, 16, "the name is padded");
	same(event->name, "a", "with zeros");
	make_file("d/fifteen_letters", ""), make_file("d/sixteen__letters", "");
	equal(poll(&entry, 1, 0), 1, "poll knows of events");
	equal(entry.revents, POLLIN, "to be read");
	require(ioctl(fd, FIONREAD, &bytes) == 0);
	equal(bytes, 32 + 48, "FIONREAD counts their bytes");
	fails(read(fd, buffer, 31), EINVAL, "a buffer too small for one gives EINVAL");
	equal(read(fd, buffer, 79), 32, "only whole events are read");
	equal(read(fd, buffer, 79), 48, "one after another");
	make_file("d/b", "");
	fails(read(fd, (void *)1, 64), EFAULT, "a bad address gives EFAULT");
	child = fork();
	if (child == 0) {
		struct sigaction action = { .sa_handler = SIG_DFL };
		sigaction(SIGALRM, &action, NULL);
		told(fd);
		_exit(0);
	}
	kill(child, SIGKILL);
	status_of(child);
}

CASE(overflow)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/sys/fs/inotify/max_queued_events");
	char old[32];
	snprintf(old, sizeof old, "%s", contents_of(path));
	same(old, "16384\n", "16384 events may wait");
	same(contents_of("/proc/sys/fs/inotify/max_user_instances"), "128\n", "a user has up to 128 instances");
	int setting = open(path, O_WRONLY);
	require(write(setting, "3", 1) == 1);
	int fd = inotify_init1(IN_NONBLOCK);
	require(pwrite(setting, old, strlen(old), 0) == (ssize_t)strlen(old));
	require(mkdir("d", 0777) == 0 && inotify_add_watch(fd, "d", IN_CREATE) == 1);
	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof path, "d/%d", i);
		make_file(path, "");
	}
	same(told(fd), "1:create(0) 1:create(1) 1:create(2) -1:overflow", "what is too much is told of once");
	make_file("d/x", "");
	same(told(fd), "1:create(x)", "then it goes on");
	int result = in_child(
		if (setresuid(4242, 4242, 4242)) _exit(99);
		int count = 0;
		while (inotify_init1(0) >= 0) count++;
		_exit(errno == EMFILE ? count : 255));
	equal(result, 128, "more instances give EMFILE");
}

CASE(unmounting)
{
	int fd = inotify_init1(IN_NONBLOCK);
	require(mkdir("m", 0777) == 0 && mount("none", "m", "tmpfs", 0, NULL) == 0);
	make_file("m/f", "");
	require(watch_all(fd, "m/f") == 1);
	require(umount("m") == 0);
	same(told(fd), "1:unmount 1:ignored", "the end of a file system is told");
}

SUITE(RUN(instances), RUN(watches), RUN(a_file), RUN(a_folder), RUN(both), RUN(reading), RUN(overflow), RUN(unmounting))
