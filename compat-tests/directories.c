/* Folders: making, listing, linking, renaming, removing. */
#include "tap.h"
#include <dirent.h>
#include <sys/mman.h>

struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

static long entries(int fd, void *buffer, size_t size)
{
	return syscall(SYS_getdents64, fd, buffer, size);
}

static ino_t inode_of(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0 ? status.st_ino : 0;
}

static nlink_t links_of(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0 ? status.st_nlink : 0;
}

CASE(making)
{
	struct stat status;
	equal(mkdir("d", 0777), 0, "mkdir makes a folder");
	require(stat("d", &status) == 0);
	equal(status.st_mode, S_IFDIR | 0755, "a new folder's mode is masked by umask");
	equal(status.st_nlink, 2, "a new folder has two links");
	equal(mkdir("d/e", 0700), 0, "mkdir makes a folder in a folder");
	equal(links_of("d"), 3, "each subfolder is one link more");
	check(inode_of("d/e/..") == inode_of("d"), "the entry .. is the parent");
	check(inode_of("d/.") == inode_of("d"), "the entry . is the folder itself");
	fails(mkdir("d", 0777), EEXIST, "mkdir of a folder that exists gives EEXIST");
	fails(mkdir("a/b", 0777), ENOENT, "mkdir below a missing folder gives ENOENT");
	fails(mkdir(".", 0777), EEXIST, "mkdir of . gives EEXIST");
	equal(mkdir("slash/", 0777), 0, "mkdir accepts a slash at the end");
	make_file("f", "");
	fails(mkdir("f", 0777), EEXIST, "mkdir of a file's name gives EEXIST");
	fails(mkdir("f/x", 0777), ENOTDIR, "mkdir below a file gives ENOTDIR");
}

CASE(removing)
{
	require(mkdir("d", 0777) == 0);
	make_file("d/f", "");
	fails(rmdir("d"), ENOTEMPTY, "rmdir of a folder that is not empty gives ENOTEMPTY");
	fails(rmdir("d/f"), ENOTDIR, "rmdir of a file gives ENOTDIR");
	fails(unlink("d"), EISDIR, "unlink of a folder gives EISDIR");
	fails(rmdir("d/."), EINVAL, "rmdir of a path that ends in . gives EINVAL");
	fails(rmdir("d/.."), ENOTEMPTY, "rmdir of a path that ends in .. gives ENOTEMPTY");
	fails(rmdir("/"), EBUSY, "rmdir of the root gives EBUSY");
	equal(unlink("d/f"), 0, "unlink removes a file");
	int inside = open("d", O_RDONLY);
	equal(rmdir("d"), 0, "rmdir removes an empty folder, even an open one");
	fails(openat(inside, "new", O_CREAT | O_WRONLY, 0600), ENOENT, "nothing can be made in a removed folder");
	fails(rmdir("d"), ENOENT, "a removed folder is gone");
	fails(unlink("missing"), ENOENT, "unlink of a missing file gives ENOENT");
	require(mkdir("e", 0777) == 0);
	fails(unlinkat(AT_FDCWD, "e", 0), EISDIR, "unlinkat without AT_REMOVEDIR refuses a folder");
	equal(unlinkat(AT_FDCWD, "e", AT_REMOVEDIR), 0, "unlinkat with AT_REMOVEDIR removes a folder");
	fails(unlinkat(AT_FDCWD, "e", 1), EINVAL, "unlinkat with an unknown flag gives EINVAL");
}

CASE(working_folder)
{
	char path[PATH_MAX];
	require(mkdir("d", 0777) == 0 && mkdir("d/e", 0777) == 0);
	equal(chdir("d/e"), 0, "chdir enters a folder");
	check(getcwd(path, sizeof path) && strlen(path) > 4 && strcmp(path + strlen(path) - 4, "/d/e") == 0,
	      "getcwd gives its absolute path");
	equal(syscall(SYS_getcwd, path, sizeof path), strlen(path) + 1, "the getcwd call gives the length with its zero");
	fails(syscall(SYS_getcwd, path, 3), ERANGE, "getcwd into a small buffer gives ERANGE");
	equal(chdir(".."), 0, "chdir goes up");
	int fd = open("e", O_RDONLY);
	equal(fchdir(fd), 0, "fchdir enters an open folder");
	equal(in_child(if (chdir("/") != 0) _exit(1)), 0, "a child may change its working folder");
	check(getcwd(path, sizeof path) && strstr(path, "/d/e"), "which leaves the parent's");
	require(rmdir("../e") == 0);
	fails(syscall(SYS_getcwd, path, sizeof path), ENOENT, "getcwd in a removed folder gives ENOENT");
	fails(open("x", O_CREAT | O_WRONLY, 0600), ENOENT, "creating a file in a removed working folder gives ENOENT");
	equal(chdir(".."), 0, "a removed folder still has its parent");
	make_file("f", "");
	fails(chdir("f"), ENOTDIR, "chdir to a file gives ENOTDIR");
	fails(chdir("missing"), ENOENT, "chdir to a missing folder gives ENOENT");
}

CASE(listing)
{
	char name[32], buffer[4096] __attribute__((aligned(8)));
	int seen[40] = { 0 }, dots = 0, wrong = 0, calls = 0, order = 0;
	require(mkdir("d", 0777) == 0);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "d/file%02d", i);
		make_file(name, "");
	}
	int fd = open("d", O_RDONLY | O_DIRECTORY);
	require(fd >= 0);
	/* 256 bytes hold only some entries: the listing goes on where it stopped. */
	for (long n; (n = entries(fd, buffer, 256)) > 0; calls++)
		for (long at = 0; at < n;) {
			struct entry *entry = (void *)(buffer + at);
			int number;
			if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
				dots++;
			else if (sscanf(entry->name, "file%d", &number) == 1 && number >= 0 && number < 40)
				seen[number]++, wrong += entry->type != DT_REG;
			snprintf(name, sizeof name, "d/%.20s", entry->name);
			wrong += strcmp(entry->name, "..") != 0 && entry->inode != inode_of(name);
			order += entry->length % 8 != 0;
			at += entry->length;
		}
	int once = 0;
	for (int i = 0; i < 40; i++)
		once += seen[i] == 1;
	equal(once, 40, "getdents64 gives every file once, over several calls");
	check(calls > 3, "it gives no more than fits the buffer");
	equal(dots, 2, "it gives . and ..");
	equal(wrong, 0, "it gives each entry's type and inode number");
	equal(order, 0, "every entry's length is a multiple of 8");
	equal(entries(fd, buffer, sizeof buffer), 0, "at the end it gives 0");
	equal(lseek(fd, 0, SEEK_SET), 0, "a listing can be rewound");
	check(entries(fd, buffer, sizeof buffer) > 0, "and read again");
	lseek(fd, 0, SEEK_SET);
	fails(entries(fd, buffer, 16), EINVAL, "a buffer too small for one entry gives EINVAL");
	make_file("f", "");
	fails(entries(open("f", O_RDONLY), buffer, 256), ENOTDIR, "getdents64 of a file gives ENOTDIR");
}

CASE(listing_types)
{
	char buffer[1024] __attribute__((aligned(8)));
	require(mkdir("d", 0777) == 0 && mkdir("d/dir", 0777) == 0 && symlink("x", "d/link") == 0 &&
		mkfifo("d/fifo", 0600) == 0 && mknod("d/char", S_IFCHR | 0600, 0x103) == 0);
	int fd = open("d", O_RDONLY), right = 0;
	long n = entries(fd, buffer, sizeof buffer);
	for (long at = 0; at < n;) {
		struct entry *entry = (void *)(buffer + at);
		right += strcmp(entry->name, "dir") == 0 && entry->type == DT_DIR;
		right += strcmp(entry->name, "link") == 0 && entry->type == DT_LNK;
		right += strcmp(entry->name, "fifo") == 0 && entry->type == DT_FIFO;
		right += strcmp(entry->name, "char") == 0 && entry->type == DT_CHR;
		at += entry->length;
	}
	equal(right, 4, "getdents64 tells folders, links, fifos and devices apart");
}

/* The older layout: the type is the record's last byte. */
struct old_entry {
	unsigned long inode, offset;
	unsigned short length;
	char name[];
};

static long old_entries(int fd, void *buffer, size_t size)
{
	return syscall(SYS_getdents, fd, buffer, size);
}

CASE(old_listing)
{
	char name[300], buffer[1024] __attribute__((aligned(8)));
	int files = 0, wrong = 0, folders = 0, calls = 0;
	require(mkdir("d", 0777) == 0 && mkdir("d/dir", 0777) == 0 && symlink("x", "d/link") == 0);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "d/%.*s", i + 1, "0123456789012345678901234567890123456789");
		make_file(name, "");
	}
	int fd = open("d", O_RDONLY | O_DIRECTORY);
	require(fd >= 0);
	for (long n; (n = old_entries(fd, buffer, 256)) > 0; calls++)
		for (long at = 0; at < n;) {
			struct old_entry *entry = (void *)(buffer + at);
			int type = buffer[at + entry->length - 1];
			snprintf(name, sizeof name, "d/%.255s", entry->name);
			files += type == DT_REG, folders += type == DT_DIR;
			wrong += strcmp(entry->name, "..") != 0 && entry->inode != inode_of(name);
			wrong += entry->length != (18 + strlen(entry->name) + 2 + 7) / 8 * 8;
			wrong += strcmp(entry->name, "link") == 0 && type != DT_LNK;
			at += entry->length;
		}
	equal(files, 40, "getdents gives every file once, over several calls");
	check(calls > 3, "it gives no more than fits the buffer");
	equal(folders, 3, "it gives ., .. and the subfolder, with their type in the last byte");
	equal(wrong, 0, "every entry has its inode, and no more room than its name, a zero and its type need");
	equal(old_entries(fd, buffer, sizeof buffer), 0, "at the end it gives 0");
	equal(lseek(fd, 0, SEEK_SET), 0, "the listing can be rewound");
	long one = old_entries(fd, buffer, 24);
	equal(one, 24, "a buffer for one entry gets one");
	struct old_entry *entry = (void *)buffer;
	equal(lseek(fd, 0, SEEK_CUR), entry->offset, "whose offset is where the listing stands");
	equal(lseek(fd, 0, SEEK_SET), 0, "the listing can be rewound again");
	fails(old_entries(fd, buffer, 23), EINVAL, "a buffer too small for the first entry gives EINVAL");
	fails(old_entries(fd, buffer, 0), EINVAL, "as one of no size");
	fails(old_entries(fd, (void *)8, 256), EFAULT, "a bad pointer gives EFAULT");
	equal(old_entries(fd, buffer, 24), 24, "which did not move the listing");
	make_file("f", "");
	fails(old_entries(open("f", O_RDONLY), buffer, 256), ENOTDIR, "getdents of a file gives ENOTDIR");
	fails(old_entries(open("d", O_PATH), buffer, 256), EBADF, "and of a mere path EBADF");
	fails(old_entries(-1, buffer, 256), EBADF, "as without a descriptor");
	require(mkdir("e", 0777) == 0);
	fd = open("e", O_RDONLY);
	require(rmdir("e") == 0);
	fails(old_entries(fd, buffer, sizeof buffer), ENOENT, "a removed folder gives ENOENT");
}

/* Lists a folder of 5 entries, 24 bytes each, into the end of memory, and then where there is room. */
static void list_to_the_end_of_memory(long (*list)(int, void *, size_t))
{
	enum { ENTRY = 24, ENTRIES = 5 };
	char buffer[1024] __attribute__((aligned(8)));
	long page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *end = pages + page;
	require(pages != MAP_FAILED && munmap(end, page) == 0);
	require(mkdir("d", 0777) == 0);
	make_file("d/a", "");
	make_file("d/b", "");
	make_file("d/c", "");
	int fd = open("d", O_RDONLY | O_DIRECTORY);
	equal(list(fd, end - ENTRY + 8, 1024), -1, "where memory ends in the first entry nothing is given");
	equal(errno, EFAULT, "but EFAULT");
	equal(lseek(fd, 0, SEEK_CUR), 0, "and the listing stands where it stood");
	equal(list(fd, end - 3 * ENTRY - 8, 1024), 3 * ENTRY, "where it ends in the fourth the first three are given");
	struct entry *last = (void *)(end - ENTRY - 8);
	equal(lseek(fd, 0, SEEK_CUR), last->offset, "the listing stands behind the third");
	equal(list(fd, buffer, sizeof buffer), (ENTRIES - 3) * ENTRY, "and goes on with the others");
	equal(list(fd, buffer, sizeof buffer), 0, "to the end");
	require(lseek(fd, 0, SEEK_SET) == 0 && list(fd, buffer, 3 * ENTRY) == 3 * ENTRY);
	equal(list(fd, end - 8, 1024), -1, "where memory ends in the fourth, asked for alone, nothing is given");
	equal(list(fd, buffer, sizeof buffer), (ENTRIES - 3) * ENTRY, "and the next call gives it");
}

CASE(listing_to_the_end_of_memory) { list_to_the_end_of_memory(entries); }

CASE(old_listing_to_the_end_of_memory) { list_to_the_end_of_memory(old_entries); }

CASE(removing_while_listing)
{
	char name[300], buffer[4096] __attribute__((aligned(8)));
	require(mkdir("d", 0777) == 0);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "d/f%d", i);
		make_file(name, "");
	}
	int fd = open("d", O_RDONLY), removed = 0;
	for (long n; (n = entries(fd, buffer, 512)) > 0;)
		for (long at = 0; at < n;) {
			struct entry *entry = (void *)(buffer + at);
			snprintf(name, sizeof name, "d/%.255s", entry->name);
			removed += entry->name[0] == 'f' && unlink(name) == 0;
			at += entry->length;
		}
	equal(removed, 100, "removing what getdents64 gives skips no file");
	equal(rmdir("d"), 0, "the folder is empty afterwards");
}

CASE(links)
{
	make_file("f", "text");
	equal(link("f", "g"), 0, "link makes a second name");
	check(inode_of("f") == inode_of("g"), "both names are the same inode");
	equal(links_of("f"), 2, "the inode has two links");
	equal(unlink("f"), 0, "one name can be removed");
	same(contents_of("g"), "text", "the file lives on under the other");
	equal(links_of("g"), 1, "with one link");
	fails(link("g", "g"), EEXIST, "link to a name that exists gives EEXIST");
	fails(link("missing", "h"), ENOENT, "link of a missing file gives ENOENT");
	fails(link(".", "h"), EPERM, "link of a folder gives EPERM");
	require(symlink("g", "s") == 0 && link("s", "t") == 0);
	check(inode_of("t") == inode_of("s"), "link of a symbolic link links the link itself");
	equal(linkat(AT_FDCWD, "s", AT_FDCWD, "u", AT_SYMLINK_FOLLOW), 0, "AT_SYMLINK_FOLLOW links the target instead");
	check(inode_of("u") == inode_of("g"), "which has the name then");
	int fd = open("g", O_RDWR);
	struct stat status;
	unlink("g"), unlink("u");
	require(fstat(fd, &status) == 0);
	equal(status.st_nlink, 0, "an open file may have no link left");
	equal(pwrite(fd, "T", 1, 0), 1, "it can still be written");
}

CASE(renaming)
{
	make_file("a", "A");
	make_file("b", "B");
	ino_t inode = inode_of("a");
	int old = open("b", O_RDONLY);
	char byte;
	equal(rename("a", "b"), 0, "rename replaces a file");
	check(inode_of("b") == inode, "the new name is the old inode");
	fails(access("a", F_OK), ENOENT, "the old name is gone");
	check(read(old, &byte, 1) == 1 && byte == 'B', "the replaced file can be read where it is open");
	equal(rename("b", "b"), 0, "rename to itself does nothing");
	require(link("b", "c") == 0);
	equal(rename("b", "c"), 0, "rename between two links of one file succeeds");
	check(access("b", F_OK) == 0 && access("c", F_OK) == 0, "and leaves both names");
	require(mkdir("d", 0777) == 0 && mkdir("d/sub", 0777) == 0 && mkdir("e", 0777) == 0);
	fails(rename("b", "d"), EISDIR, "rename of a file over a folder gives EISDIR");
	fails(rename("d", "b"), ENOTDIR, "rename of a folder over a file gives ENOTDIR");
	fails(rename("d", "d/sub/x"), EINVAL, "rename of a folder into itself gives EINVAL");
	fails(rename("e", "d"), ENOTEMPTY, "rename over a folder that is not empty gives ENOTEMPTY");
	equal(rename("d", "e"), 0, "rename over an empty folder succeeds");
	check(access("e/sub", F_OK) == 0, "a renamed folder keeps its contents");
	equal(rename("e/sub", "top"), 0, "a folder can be moved to another parent");
	check(inode_of("top/..") == inode_of("."), "its entry .. follows");
	equal(links_of("e"), 2, "the old parent loses a link");
	fails(rename("missing", "x"), ENOENT, "rename of a missing file gives ENOENT");
	fails(rename("b", "missing/x"), ENOENT, "rename into a missing folder gives ENOENT");
	fails(rename(".", "x"), EBUSY, "rename of . gives EBUSY");
}

CASE(renaming_with_flags)
{
	make_file("a", "A");
	make_file("b", "B");
	fails(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 1), EEXIST, "RENAME_NOREPLACE refuses a name that exists");
	equal(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 2), 0, "RENAME_EXCHANGE swaps two files");
	same(contents_of("a"), "B", "after RENAME_EXCHANGE each name has the other's file");
	equal(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "c", 1), 0, "RENAME_NOREPLACE renames to a free name");
	fails(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "c", 2), ENOENT, "RENAME_EXCHANGE needs both names");
	fails(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", 3), EINVAL, "both flags at once give EINVAL");
}

SUITE(RUN(making), RUN(removing), RUN(working_folder), RUN(listing), RUN(listing_types), RUN(old_listing),
      RUN(listing_to_the_end_of_memory), RUN(old_listing_to_the_end_of_memory),
      RUN(removing_while_listing), RUN(links), RUN(renaming), RUN(renaming_with_flags))
