/* The file system of POSIX message queues, and the limits in /proc/sys/fs/mqueue. */
#include "queues.h"
#include <dirent.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#define LIMITS "/proc/sys/fs/mqueue/"

static void with_mount(void)
{
	require(mkdir("m", 0755) == 0 && mount("none", "m", "mqueue", 0, NULL) == 0);
}

/* The line of /proc/mounts about this case's mount, from its type on. */
static const char *mount_line(void)
{
	static char line[256];
	FILE *mounts = fopen("/proc/self/mounts", "r");
	char *found = NULL;
	while (mounts && !found && fgets(line, sizeof line, mounts))
		found = strstr(line, "/m mqueue ");
	if (mounts)
		fclose(mounts);
	if (found && strchr(found, '\n'))
		*strchr(found, '\n') = 0;
	return found ? found + 3 : NULL;
}

CASE(mounting)
{
	const char *name = some_name();
	char path[100], other[100];
	snprintf(path, sizeof path, "m/%s", name);
	snprintf(other, sizeof other, "m2/%s", name);
	int fd = queue_open(name, O_CREAT | O_RDWR, 0640, NULL);
	require(fd >= 0);
	struct stat status, open_status;
	struct statfs system;
	with_mount();
	same(mount_line(), "mqueue rw,relatime 0 0", "the file system can be mounted");
	require(statfs("m", &system) == 0 && stat("m", &status) == 0);
	check(system.f_type == 0x19800202 && system.f_bsize == 4096 && system.f_blocks == 0 && system.f_namelen == 255, "and says what it is");
	check(status.st_mode == (S_IFDIR | 01777) && status.st_uid == 0 && status.st_nlink == 2, "its root is everybody's");
	long size = status.st_size;
	equal(stat(path, &status), 0, "queues are in it by their names");
	fstat(fd, &open_status);
	check(status.st_mode == (S_IFREG | 0640) && status.st_size == 80 && status.st_ino == open_status.st_ino && status.st_dev == open_status.st_dev,
	      "the files that descriptors are");
	equal(mkdir("m2", 0755) == 0 && mount("other", "m2", "mqueue", 0, NULL) == 0, 1, "it can be mounted more than once");
	equal(stat(other, &open_status), 0, "and is the same");
	check(status.st_ino == open_status.st_ino && status.st_dev == open_status.st_dev, "with the same queues");
	equal(umount("m2"), 0, "and unmounted");
	DIR *directory = opendir("m");
	int found = 0;
	for (struct dirent *entry; directory && (entry = readdir(directory));)
		found += strcmp(entry->d_name, name) == 0 && entry->d_type == DT_REG && entry->d_ino == status.st_ino;
	closedir(directory);
	equal(found, 1, "a listing has them");
	equal(unlink(path), 0, "a queue can be unlinked there");
	fails(queue_open(name, O_RDWR, 0, NULL), ENOENT, "then its name is free");
	stat("m", &status);
	equal(status.st_size, size - 20, "the directory is smaller by 20 bytes");
	fstat(fd, &open_status);
	equal(open_status.st_nlink, 0, "the queue has no link");
	fails(mount("none", "m", "mqueue", 0, "nonsense"), EINVAL, "there are no options");
	equal(umount("m"), 0, "the last mount goes, too");
	equal(queue_send(fd, "a", 1, 0, NULL), 0, "which queues do not need");
	equal(in_child(become(12); _exit(mount("none", "/proc", "mqueue", 0, NULL) == -1 ? errno : 0)), EPERM, "others may not mount it");
}

CASE(making_files)
{
	const char *name = some_name();
	char path[100], other[100], buffer[8192];
	snprintf(path, sizeof path, "m/%s", name);
	snprintf(other, sizeof other, "m/%s-2", name);
	with_mount();
	umask(027);
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0666);
	struct stat status;
	require(fd >= 0);
	equal(fcntl(fd, F_GETFD), 0, "a file that is made there is a queue");
	struct queue_attr attr;
	equal(queue_attributes(fd, NULL, &attr), 0, "that the calls for queues know");
	check(attr.maxmsg == 10 && attr.msgsize == 8192, "of the usual size");
	fstat(fd, &status);
	equal(status.st_mode, S_IFREG | 0640, "with a mode as a file's");
	int by_name = queue_open(name, O_RDWR, 0, NULL);
	check(by_name >= 0 && queue_send(by_name, "hello", 5, 0, NULL) == 0 && queue_receive(fd, buffer, sizeof buffer, NULL, NULL) == 5,
	      "and its name is the queue's");
	equal(mknod(other, S_IFREG | 0600, 0), 0, "mknod makes one, too");
	equal(queue_unlink(strrchr(other, '/') + 1), 0, "that is unlinked by its name");
	fails(mknod(other, S_IFIFO | 0600, 0), EPERM, "a fifo not");
	fails(mkdir(other, 0700), EPERM, "nor a directory");
	fails(symlink("x", other), EPERM, "nor a link");
	fails(link(path, other), EPERM, "of neither kind");
	fails(rename(path, other), EPERM, "names stay as they are");
	fails(open("m", O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP, "every queue has one at first");
	fails(write(fd, "a", 1), EINVAL, "a queue is not written to");
	fails(pwrite(fd, "a", 1, 0), EINVAL, "anywhere");
	fails(fsync(fd), EINVAL, "has nothing to write back");
	check(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV, "cannot be mapped");
	fails(posix_fallocate(fd, 0, 10) ? (errno = EOPNOTSUPP, -1) : 0, EOPNOTSUPP, "has no room of its own");
	equal(ftruncate(fd, 5), 0, "its size may be any");
	fstat(fd, &status);
	equal(status.st_size, 5, "and means nothing");
	equal(truncate(path, 100), 0, "by its name as well");
	int emptied = open(path, O_RDONLY | O_TRUNC);
	fstat(fd, &status);
	check(emptied >= 0 && status.st_size == 0, "O_TRUNC, too");
	close(fd), close(emptied);
	chmod(path, 0755);
	fails(access(path, X_OK), EACCES, "it may have the mode of a program");
	fails(execl(path, path, NULL), EACCES, "it is no program");
	require(mkdir("made", 0755) == 0);
	equal(mount(path, path, NULL, MS_BIND, NULL), 0, "something can be mounted on a queue");
	fails(queue_unlink(name), EBUSY, "which then stays");
	umount(path);
	fails(queue_open(name, O_RDWR | O_DIRECT, 0, NULL), EINVAL, "there is no O_DIRECT");
	int at = queue_open(name, O_PATH, 0, NULL);
	check(at >= 0, "but O_PATH");
	fails(queue_attributes(at, NULL, &attr), EBADF, "which is no queue to the calls");
	equal(mount("none", "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0, "a mount can be read-only");
	fails(open(other, O_CREAT | O_RDWR, 0600), EROFS, "nothing is made there");
	int more = queue_open(strrchr(other, '/') + 1, O_CREAT | O_RDWR, 0600, NULL);
	check(more >= 0, "by its own call it is");
	queue_unlink(strrchr(other, '/') + 1);
	queue_unlink(name);
	close(at);
	umount("m");
}

static const struct timespec *time_of(int fd, int which)
{
	static struct stat status;
	fstat(fd, &status);
	return which == 'a' ? &status.st_atim : which == 'm' ? &status.st_mtim : &status.st_ctim;
}

/* Which of two of a queue's times an act changes, as letters. */
#define changed_by(fd, act) \
	({ \
		struct timespec zero_[2] = { { 1, 0 }, { 1, 0 } }; \
		require(futimens(fd, zero_) == 0); \
		act; \
		static char text_[4]; \
		text_[0] = 0; \
		for (const char *which_ = "am"; *which_; which_++) \
			if (time_of(fd, *which_)->tv_sec != 1) \
				strncat(text_, which_, 1); \
		text_; \
	})

CASE(times)
{
	int fd = make_queue(NULL);
	char buffer[8192];
	struct queue_attr attr = { 0 };
	struct queue_event event = { .notify = SIGEV_NONE };
	same(changed_by(fd, queue_send(fd, "a", 1, 0, NULL)), "am", "sending changes a queue's times");
	same(changed_by(fd, queue_receive(fd, buffer, sizeof buffer, NULL, NULL)), "am", "receiving too");
	same(changed_by(fd, queue_attributes(fd, NULL, &attr)), "", "asking not");
	same(changed_by(fd, queue_attributes(fd, &attr, NULL)), "a", "setting attributes changes the first");
	same(changed_by(fd, queue_notify(fd, &event)), "a", "as does a registration");
	same(changed_by(fd, queue_notify(fd, &event)), "", "unless it is refused");
	same(changed_by(fd, queue_notify(fd, NULL)), "a", "and its end");
	same(changed_by(fd, queue_notify(fd, NULL)), "", "if there was one");
	same(changed_by(fd, pread(fd, buffer, 5, 0)), "a", "and reading");
	same(changed_by(fd, pread(fd, buffer, 5, 100)), "", "if anything is read");
	same(changed_by(fd, queue_receive(fd, buffer, sizeof buffer, NULL, from_now(-5))), "", "a receiver that finds nothing changes none");
	check(time_of(fd, 'a')->tv_nsec == 0 && time_of(fd, 'm')->tv_nsec == 0 && time_of(fd, 'c')->tv_nsec == 0, "all are whole seconds");
	for (int act = 0; act < 4; act++) {
		long before = time_of(fd, 'c')->tv_sec;
		doze(1100);
		if (act == 0)
			queue_send(fd, "a", 1, 0, NULL);
		else if (act == 1)
			queue_receive(fd, buffer, sizeof buffer, NULL, NULL);
		else if (act == 2)
			queue_notify(fd, &event);
		else
			read(fd, buffer, 10);
		check(time_of(fd, 'c')->tv_sec > before, "the time of the last change is changed by each");
	}
}

static int set_limit(const char *name, const char *value)
{
	char path[100];
	snprintf(path, sizeof path, LIMITS "%s", name);
	int fd = open(path, O_WRONLY);
	if (fd == -1)
		return errno;
	int result = write(fd, value, strlen(value)) == -1 ? errno : 0;
	close(fd);
	return result;
}

static const char *limit(const char *name)
{
	char path[100];
	snprintf(path, sizeof path, LIMITS "%s", name);
	static char text[20];
	snprintf(text, sizeof text, "%.19s", contents_of(path) ?: "none");
	text[strcspn(text, "\n")] = 0;
	return text;
}

CASE(limits)
{
	static const struct { const char *name, *value, *least, *most, *below, *above; } all[] = {
		{ "msg_default", "10", "1", "65536", "0", "65537" }, { "msg_max", "10", "1", "65536", "0", "65537" },
		{ "msgsize_default", "8192", "128", "16777216", "127", "16777217" },
		{ "msgsize_max", "8192", "128", "16777216", "127", "16777217" },
		{ "queues_max", "256", "-5", "2147483647", "-2147483649", "2147483648" },
	};
	for (int i = 0; i < 5; i++) {
		same(limit(all[i].name), all[i].value, all[i].name);
		equal(set_limit(all[i].name, all[i].least), 0, "it can be as low as this");
		same(limit(all[i].name), all[i].least, "and is");
		equal(set_limit(all[i].name, all[i].most), 0, "as high as this");
		same(limit(all[i].name), all[i].most, "and is");
		equal(set_limit(all[i].name, all[i].below), EINVAL, "but not lower");
		equal(set_limit(all[i].name, all[i].above), EINVAL, "or higher");
		equal(set_limit(all[i].name, "monkeys"), EINVAL, "and a number");
		equal(set_limit(all[i].name, all[i].value), 0, "it can be set back");
		same(limit(all[i].name), all[i].value, "and is");
		struct stat status;
		char path[100];
		snprintf(path, sizeof path, LIMITS "%s", all[i].name);
		check(stat(path, &status) == 0 && status.st_mode == (S_IFREG | 0644) && status.st_uid == 0, "root sets it");
	}
	struct queue_attr attr;
	equal(set_limit("msg_max", " 12 monkeys\n"), 0, "of which there are");
	same(limit("msg_max"), "12", "so many");
	equal(set_limit("msg_max", "12monkeys"), EINVAL, "not so");
	equal(set_limit("msg_default", "5") || set_limit("msgsize_default", "200"), 0, "what is usual can be changed");
	int fd = make_queue(NULL);
	queue_attributes(fd, NULL, &attr);
	close(fd);
	check(attr.maxmsg == 5 && attr.msgsize == 200, "and is from then on");
	equal(set_limit("msg_max", "4") || set_limit("msgsize_max", "150"), 0, "the most can be less");
	fd = make_queue(NULL);
	queue_attributes(fd, NULL, &attr);
	close(fd);
	check(attr.maxmsg == 4 && attr.msgsize == 150, "which counts then");
	const char *name = some_name();
	attr = (struct queue_attr){ .maxmsg = 5, .msgsize = 100 };
	equal(in_child(become(12); _exit(queue_open(name, O_CREAT | O_RDWR, 0600, &attr) == -1 ? errno : 0)), EINVAL, "for users");
	equal(in_child(_exit(queue_open(name, O_CREAT | O_RDWR, 0600, &attr) == -1 ? errno : 0)), 0, "not for root");
	queue_unlink(name);
	set_limit("msg_default", "10"), set_limit("msgsize_default", "8192"), set_limit("msg_max", "10"), set_limit("msgsize_max", "8192");
	equal(set_limit("queues_max", "0"), 0, "there may be no queues");
	equal(in_child(become(12); _exit(queue_open(name, O_CREAT | O_RDWR, 0600, NULL) == -1 ? errno : 0)), ENOSPC, "for users");
	attr.maxmsg = 0;
	equal(in_child(become(12); _exit(queue_open(name, O_CREAT | O_RDWR, 0600, &attr) == -1 ? errno : 0)), ENOSPC, "whatever they want");
	equal(in_child(_exit(queue_open(name, O_CREAT | O_RDWR, 0600, NULL) == -1 ? errno : 0)), 0, "not for root");
	equal(in_child(become(12); _exit(queue_open(name, O_CREAT | O_RDWR, 0600, NULL) == -1 ? errno : 0)), EACCES, "nor for what is there");
	equal(set_limit("queues_max", "1"), 0, "it was one");
	equal(in_child(become(12); _exit(queue_open("another", O_CREAT | O_RDWR, 0600, NULL) == -1 ? errno : 0)), ENOSPC, "so there can be no other");
	queue_unlink(name);
	equal(in_child(become(12); _exit(queue_open(name, O_CREAT | O_RDWR, 0600, NULL) == -1 ? errno : 0)), 0, "until it is gone");
	queue_unlink(name);
	set_limit("queues_max", "256");
	equal(in_child(become(12); _exit(set_limit("queues_max", "3"))), EACCES, "users set nothing");
}

SUITE(RUN(mounting), RUN(making_files), RUN(times), RUN(limits))
