/* Names that are made and taken away, files and what is in them. */
#include "inject.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <sys/prctl.h>
#include <time.h>

static int fd = -1, other = -1;
static char big[64 * PAGE];

static void with_file(void)
{
	put("file", "contents");
	fd = open("file", O_RDWR);
	need(fd != -1);
}

static void without_file(void)
{
	close(fd);
	need(unlink("file") == 0);
}

static long size_of(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 ? (long)status.st_size : -1;
}

static int is_same(void)
{
	char text[16] = "";
	return size_of("file") == 8 && pread(fd, text, sizeof text, 0) == 8 && strcmp(text, "contents") == 0;
}

/* Names that are made. */
static long create(void) { return open("made", O_CREAT | O_EXCL | O_RDWR, 0640); }
static int created(long result) { return close_it(result) && unlink("made") == 0; }
static long make_temporary(void) { return open(".", O_TMPFILE | O_RDWR, 0600); }
static long create_through_link(void) { return open("link", O_CREAT | O_RDWR, 0640); }
static void with_link(void) { need(symlink("/tmp/.." PLACE "/./made", "link") == 0); }
static void without_link(void) { need(unlink("link") == 0); }
static long make_directory(void) { return mkdir("made", 0755); }
static int made_directory(long result) { return result == 0 && rmdir("made") == 0; }
static long make_link(void) { return symlink("/a/target/of/some/length/so/that/it/takes/a/little/more/than/a/name", "made"); }
static int made(long result) { return result == 0 && unlink("made") == 0; }
static long make_fifo(void) { return mknod("made", S_IFIFO | 0600, 0); }
static long make_device(void) { return mknod("made", S_IFCHR | 0600, makedev(1, 3)); }
static long hard_link(void) { return link("file", "made"); }
static long move(void) { return rename("file", "made"); }
static int moved(long result) { return result == 0 && !is_there("file") && is_there("made") && rename("made", "file") == 0; }
static void with_two(void) { with_file(); put("made", "2"); }
static int two_same(void) { return is_same() && size_of("made") == 1; }
static int replaced(long result) { return result == 0 && !is_there("file") && size_of("made") == 8 && rename("made", "file") == 0; }
static long exchange(void) { return syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "made", 2); }
static int exchanged(long result)
{
	return result == 0 && size_of("file") == 1 && size_of("made") == 8 && rename("made", "file") == 0;
}
static long remove_name(void) { return unlink("made"); }
static void with_made(void) { put("made", "x"); }
static int is_gone(long result) { return result == 0 && !is_there("made"); }
static int still_there(void) { return is_there("made"); }
static long remove_directory(void) { return rmdir("made"); }
static void with_directory(void) { need(mkdir("made", 0755) == 0); }

/* Contents. */
static long write_much(void) { return pwrite(fd, big, sizeof big, 0); }
static int wrote(long result) { return result > 0 && result <= (long)sizeof big && size_of("file") == (result < 8 ? 8 : result); }
static long write_vector(void)
{
	struct iovec parts[600];
	for (int i = 0; i < 600; i++)
		parts[i] = (struct iovec){ big + i * 16, 16 };
	return pwritev(fd, parts, 600, 0);
}
static int wrote_vector(long result) { return result > 0 && result <= 9600 && size_of("file") == result; }
static long read_vector(void)
{
	struct iovec parts[64];
	for (int i = 0; i < 64; i++)
		parts[i] = (struct iovec){ big + i, 1 };
	return preadv(fd, parts, 64, 0);
}
static int read_all(long result) { return result == 8 && memcmp(big, "contents", 8) == 0; }
static long reserve(void) { return fallocate(fd, 0, 0, sizeof big); }
static int reserved(long result) { return result == 0 && size_of("file") == (long)sizeof big; }
static long grow(void) { return ftruncate(fd, 1 << 20); }
static int grew(long result) { return result == 0 && size_of("file") == 1 << 20; }
static void with_copy(void)
{
	with_file();
	need(pwrite(fd, big, sizeof big, 0) == sizeof big);
	other = open("copy", O_CREAT | O_RDWR, 0600);
	need(other != -1);
}
static void without_copy(void)
{
	close(other);
	need(unlink("copy") == 0);
	without_file();
}
static int copy_same(void) { return size_of("copy") == 0 && lseek(other, 0, SEEK_CUR) == 0; }
static long send_file(void)
{
	off_t from = 0;
	return sendfile(other, fd, &from, sizeof big);
}
static long copy_range(void)
{
	off_t from = 0, to = 0;
	return copy_file_range(fd, &from, other, &to, sizeof big, 0);
}
static int copied(long result) { return result > 0 && size_of("copy") == result; }
static long set_attribute(void) { return setxattr("file", "trusted.name", big, 3000, 0); }
static int attribute_same(void) { return getxattr("file", "trusted.name", big, sizeof big) == -1; }
static int attribute_set(long result) { return result == 0 && getxattr("file", "trusted.name", NULL, 0) == 3000; }
static void with_attribute(void)
{
	with_file();
	need(fsetxattr(fd, "trusted.name", "value", 5, 0) == 0 && fsetxattr(fd, "trusted.other", "v", 1, 0) == 0);
}
static int attribute_old(void) { return getxattr("file", "trusted.name", NULL, 0) == 5; }
static long get_attribute(void) { return getxattr("file", "trusted.name", big, 4000); }
static int attribute_got(long result) { return result == 5; }
static long list_attributes(void) { return listxattr("file", big, 4000); }
static int attributes_listed(long result) { return result == 13 + 14; }
static long remove_attribute(void) { return fremovexattr(fd, "trusted.name"); }
static int attribute_removed(long result) { return result == 0 && getxattr("file", "trusted.name", NULL, 0) == -1; }
static long map_file(void) { return (long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0); }
static int file_mapped(long result) { return memcmp((void *)result, "contents", 8) == 0 && munmap((void *)result, PAGE) == 0; }

/* Locks. */
static struct flock lock(int type, long start, long length)
{
	return (struct flock){ .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
}
static void with_lock(void)
{
	with_file();
	struct flock all = lock(F_WRLCK, 0, 100);
	/* As many as fill the list. */
	need(fcntl(fd, F_SETLK, &all) == 0);
	for (int i = 2; i < 7; i++) {
		struct flock more = lock(F_WRLCK, i * 100, 10);
		need(fcntl(fd, F_SETLK, &more) == 0);
	}
	struct flock middle = lock(F_RDLCK, 60, 10);
	need(fcntl(fd, F_SETLK, &middle) == 0);
}
static long split_lock(void)
{
	struct flock middle = lock(F_UNLCK, 40, 10);
	return fcntl(fd, F_SETLK, &middle);
}
/* What another process sees. */
static int locked(long start, long length)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct flock asked = lock(F_WRLCK, start, length);
		_exit(fcntl(fd, F_GETLK, &asked) == 0 && asked.l_type != F_UNLCK);
	}
	return status_of(pid) == 0x100;
}
static int lock_same(void) { return locked(40, 10) && locked(0, 40) && locked(50, 10); }
static int lock_split(long result) { return result == 0 && !locked(40, 10) && locked(0, 40) && locked(50, 10); }
/* What the holder of a lock and who waits for it tell each other. */
static volatile struct {
	int held;
	unsigned int calls; /* odd: it is in the call */
} *shared;
/* Lets go of the lock when the parent sleeps in its call. */
static void hold(void)
{
	struct flock all = lock(F_WRLCK, 0, 100);
	struct timespec moment = { 0, 1000000 };
	int state = open_state(getppid());
	unsigned int calls;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	shared->held = fcntl(fd, F_SETLK, &all) == 0 ? 1 : -1;
	do {
		nanosleep(&moment, NULL);
		calls = shared->calls;
	} while (shared->held == 1 && !(calls % 2 == 1 && is_asleep(state) && calls == shared->calls));
	_exit(0);
}
static void with_holder(void)
{
	struct timespec moment = { 0, 1000000 };
	with_file();
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(shared != MAP_FAILED);
	if (fork() == 0)
		hold();
	while (shared->held == 0)
		nanosleep(&moment, NULL);
	need(shared->held == 1);
}
static void without_holder(void)
{
	need(status_of(-1) == 0);
	without_file();
}
static long wait_for_lock(void)
{
	struct flock part = lock(F_WRLCK, 10, 10);
	shared->calls++;
	long result = fcntl(fd, F_SETLKW, &part);
	shared->calls++;
	return result;
}
static int still_held(void) { return locked(0, 10) && locked(10, 10) && locked(20, 80); }
static long take_lock(void)
{
	struct flock whole = lock(F_RDLCK, 10, 10);
	return fcntl(fd, F_OFD_SETLK, &whole);
}
static int lock_free(void) { return !locked(10, 10); }
static int lock_taken(long result) { return result == 0 && locked(10, 10); }
static long lock_file(void) { return flock(fd, LOCK_EX | LOCK_NB); }
static int file_is_locked(void)
{
	int again = open("file", O_RDONLY);
	int held = flock(again, LOCK_EX | LOCK_NB) == -1;
	close(again);
	return held;
}
static int file_unlocked(void) { return !file_is_locked(); }
static int file_locked(long result) { return result == 0 && file_is_locked(); }

const struct scenario files[] = {
	{ "open O_CREAT", NULL, create, is_there_not, created, NULL, 0, { ENFILE } },
	{ "open O_CREAT in a full table", fill_table, create, is_there_not, created, NULL, IN_CHILD, { ENFILE } },
	{ "open O_CREAT through a link", with_link, create_through_link, is_there_not, created, without_link, 0, { ENFILE } },
	{ "open O_TMPFILE", NULL, make_temporary, NULL, close_it, NULL, 0, { ENFILE } },
	{ "mkdir", NULL, make_directory, is_there_not, made_directory, NULL, 0, { 0 } },
	{ "symlink", NULL, make_link, is_there_not, made, NULL, 0, { 0 } },
	{ "mknod fifo", NULL, make_fifo, is_there_not, made, NULL, 0, { 0 } },
	{ "mknod device", NULL, make_device, is_there_not, made, NULL, 0, { 0 } },
	{ "link", with_file, hard_link, is_there_not, made, without_file, 0, { 0 } },
	{ "rename", with_file, move, is_same, moved, without_file, 0, { 0 } },
	{ "rename over a file", with_two, move, two_same, replaced, without_file, 0, { 0 } },
	{ "renameat2 exchange", with_two, exchange, two_same, exchanged, without_file, 0, { 0 } },
	{ "unlink", with_made, remove_name, still_there, is_gone, NULL, 0, { 0 } },
	{ "rmdir", with_directory, remove_directory, still_there, is_gone, NULL, 0, { 0 } },
	{ "pwrite64", with_file, write_much, is_same, wrote, without_file, 0, { ENOSPC } },
	{ "pwritev", with_file, write_vector, is_same, wrote_vector, without_file, 0, { ENOSPC } },
	{ "preadv", with_file, read_vector, NULL, read_all, without_file, 0, { 0 } },
	{ "fallocate", with_file, reserve, is_same, reserved, without_file, 0, { ENOSPC } },
	{ "ftruncate", with_file, grow, is_same, grew, without_file, FREE, { 0 } },
	{ "sendfile", with_copy, send_file, copy_same, copied, without_copy, 0, { ENOSPC } },
	{ "copy_file_range", with_copy, copy_range, copy_same, copied, without_copy, 0, { ENOSPC } },
	{ "setxattr", with_file, set_attribute, attribute_same, attribute_set, without_file, 0, { ENOSPC } },
	{ "setxattr again", with_attribute, set_attribute, attribute_old, attribute_set, without_file, 0, { ENOSPC } },
	{ "getxattr", with_attribute, get_attribute, attribute_old, attribute_got, without_file, 0, { 0 } },
	{ "listxattr", with_attribute, list_attributes, attribute_old, attributes_listed, without_file, 0, { 0 } },
	{ "fremovexattr", with_attribute, remove_attribute, attribute_old, attribute_removed, without_file, 0, { 0 } },
	{ "mmap of a file", with_file, map_file, is_same, file_mapped, without_file, 0, { 0 } },
	{ "fcntl F_SETLK that splits", with_lock, split_lock, lock_same, lock_split, without_file, 0, { ENOLCK } },
	{ "fcntl F_SETLKW", with_holder, wait_for_lock, still_held, lock_taken, without_holder, IN_CHILD | FREE, { ENOLCK } },
	{ "fcntl F_OFD_SETLK", with_file, take_lock, lock_free, lock_taken, without_file, 0, { ENOLCK } },
	{ "flock", with_file, lock_file, file_unlocked, file_locked, without_file, 0, { ENOLCK } },
	{ 0 },
};
