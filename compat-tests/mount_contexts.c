/* fsopen, fsconfig, fsmount, fspick: file systems that are made step by step. */
#include "mount_calls.h"

/* The next message of a context, in a buffer that the next call reuses; "ERRNO" when there is none. */
static const char *told(int fd)
{
	static char text[1024];
	ssize_t n = read(fd, text, sizeof text - 1);
	if (n == -1)
		snprintf(text, sizeof text, "%d", errno);
	else
		text[n] = 0;
	return text;
}

static int is_silent(int fd) { return read(fd, &(char[64]){ 0 }, 64) == -1 && errno == ENODATA; }
static long flag(int fd, const char *key) { return fsconfig(fd, SET_FLAG, key, NULL, 0); }
static long string(int fd, const char *key, const char *value) { return fsconfig(fd, SET_STRING, key, value, 0); }
static long create(int fd) { return fsconfig(fd, CREATE, NULL, NULL, 0); }
static long reconfigure(int fd) { return fsconfig(fd, RECONFIGURE, NULL, NULL, 0); }

/* A tmpfs that is mounted nowhere. */
static int new_tmpfs(void)
{
	int fd = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int mounted = fd >= 0 && create(fd) == 0 ? (int)fsmount(fd, FSMOUNT_CLOEXEC, 0) : -1;
	close(fd);
	return mounted;
}

CASE(opening)
{
	int fd = fsopen("tmpfs", FSOPEN_CLOEXEC);
	check(fd >= 0, "a file system of a type can be begun");
	equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "FSOPEN_CLOEXEC closes it on exec");
	equal(fcntl(fd, F_GETFL), O_RDWR, "it is open for reading and writing");
	int other = fsopen("proc", 0);
	equal(fcntl(other, F_GETFD), 0, "without FSOPEN_CLOEXEC it stays open");
	char link[64] = "", path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	require(readlink(path, link, sizeof link - 1) > 0);
	same(link, "anon_inode:[fscontext]", "its place has a name");
	check(is_silent(fd), "nothing has been told yet");
	char byte = 0;
	fails(write(fd, &byte, 1), EINVAL, "it is not written");
	fails(lseek(fd, 0, SEEK_SET), ESPIPE, "it has no position");
	fails(pread(fd, &byte, 1, 0), ESPIPE, "nor is it read at one");
	fails(read(fd, &byte, 0), ENODATA, "reading nothing finds nothing as well");
	fails(fsopen("tmpfs", 2), EINVAL, "a flag that does not exist is refused");
	fails(fsopen((char *)1, 2), EINVAL, "before the name is read");
	fails(fsopen((char *)1, 0), EFAULT, "that has to be readable");
	fails(fsopen(NULL, 0), EFAULT, "and given");
	fails(fsopen("nothing", 0), ENODEV, "the type has to be known");
	fails(fsopen("", 0), ENODEV, "and have a name");
	fails(fsopen("tmpfs.sub", 0), ENODEV, "without another one behind a dot");
	char *long_name = malloc(5001);
	memset(long_name, 'x', 5000);
	long_name[5000] = 0;
	fails(fsopen(long_name, 0), EINVAL, "a name is at most a page long");
	long_name[4096] = 0;
	fails(fsopen(long_name, 0), EINVAL, "with its end");
	long_name[4095] = 0;
	fails(fsopen(long_name, 0), ENODEV, "so one of 4095 bytes is only unknown");
	needs_privilege(fsopen("tmpfs", 2), "it takes CAP_SYS_ADMIN, before the flags are looked at");
}

CASE(making)
{
	begin("a");
	int fd = fsopen("tmpfs", FSOPEN_CLOEXEC);
	equal(string(fd, "source", "somewhere"), 0, "a source is said");
	equal(string(fd, "size", "1m"), 0, "an option as well");
	equal(string(fd, "mode", "700"), 0, "and another");
	fails(fsmount(fd, 0, 0), EINVAL, "before it is made it is not mounted");
	fails(reconfigure(fd), EBUSY, "nor changed");
	equal(create(fd), 0, "it is made");
	fails(create(fd), EBUSY, "once");
	fails(string(fd, "size", "2m"), EBUSY, "no more is said then");
	fails(reconfigure(fd), EBUSY, "it is not changed before it is mounted");
	int tree = fsmount(fd, FSMOUNT_CLOEXEC, ATTR_NOSUID | ATTR_NODEV);
	check(tree >= 0, "it is mounted nowhere");
	equal(fcntl(tree, F_GETFD), FD_CLOEXEC, "FSMOUNT_CLOEXEC closes it on exec");
	equal(fcntl(tree, F_GETFL), O_PATH, "its descriptor stands for the place only");
	fails(fsmount(fd, 0, 0), EBUSY, "that is done once");
	same(mounts(), "", "it is in no table");
	equal(mkdirat(tree, "x", 0755), 0, "but can be used");
	equal(attach(tree, "a"), 0, "it is attached");
	same(mounts(), "a", "and in the table");
	same(options_of("a"), "rw,nosuid,nodev,relatime - tmpfs somewhere rw,size=1024k,mode=700", "with all that was said");
	check(is_there("a/x"), "and all that was made in it");
	equal(string(fd, "size", "2m"), 0, "then options are said again");
	equal(reconfigure(fd), 0, "and it is changed");
	same(options_of("a"), "rw,nosuid,nodev,relatime - tmpfs somewhere rw,size=2048k,mode=700", "so it was");
	equal(flag(fd, "ro"), 0, "and again");
	equal(reconfigure(fd), 0, "as often as one likes");
	same(options_of("a"), "rw,nosuid,nodev,relatime - tmpfs somewhere ro,size=2048k,mode=700", "the file system is read-only");
	fails(mkdir("a/y", 0755), EROFS, "nothing is made in it");
	equal(flag(fd, "rw"), 0, "another");
	equal(reconfigure(fd), 0, "makes it writable");
	equal(mkdir("a/y", 0755), 0, "again");
	check(is_silent(fd), "nothing was told");
	close(tree);
	close(fd);
	require(umount("a") == 0);

	tree = new_tmpfs();
	require(tree >= 0 && attach(tree, "a") == 0);
	same(options_of("a"), "rw,relatime - tmpfs none rw", "what is not said is as always");
	close(tree);
	require(umount("a") == 0);
	fd = fsopen("tmpfs", 0);
	require(flag(fd, "ro") == 0 && string(fd, "source", "") == 0 && create(fd) == 0);
	tree = fsmount(fd, 0, 0);
	require(attach(tree, "a") == 0);
	equal(fcntl(tree, F_GETFD), 0, "without FSMOUNT_CLOEXEC it stays open");
	fails(mkdir("a/x", 0755), EROFS, "a file system can be read-only from the start");
	close(tree);
	close(fd);
	require(umount("a") == 0);
	tree = new_tmpfs();
	int file = openat(tree, "file", O_CREAT | O_RDWR, 0644);
	require(file >= 0 && close(tree) == 0);
	equal(write(file, "x", 1), 1, "a file lives on where its file system is mounted no more");
}

CASE(mount_flags)
{
	begin("a");
	static const struct {
		unsigned flags;
		const char *shown;
	} table[] = {
		{ 0, "rw,relatime - tmpfs none rw" },
		{ ATTR_RDONLY, "ro,relatime - tmpfs none rw" },
		{ ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC, "rw,nosuid,nodev,noexec,relatime - tmpfs none rw" },
		{ ATTR_NOATIME, "rw,noatime - tmpfs none rw" },
		{ ATTR_STRICTATIME, "rw - tmpfs none rw" },
		{ ATTR_NODIRATIME, "rw,nodiratime,relatime - tmpfs none rw" },
		{ ATTR_NOSYMFOLLOW, "rw,relatime,nosymfollow - tmpfs none rw" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		int fd = fsopen("tmpfs", 0);
		require(create(fd) == 0);
		int tree = fsmount(fd, 0, table[i].flags);
		require(attach(tree, "a") == 0);
		same(options_of("a"), table[i].shown, "the flags of the mount are shown");
		close(tree);
		close(fd);
		require(umount("a") == 0);
	}
	int fd = fsopen("tmpfs", 0);
	fails(fsmount(fd, 2, 0), EINVAL, "a flag that does not exist is refused");
	fails(fsmount(99, 2, 0), EINVAL, "before the descriptor is looked at");
	fails(fsmount(99, 0, 0x100), EINVAL, "so is an attribute");
	fails(fsmount(99, 0, ATTR_IDMAP), EINVAL, "and ATTR_IDMAP");
	fails(fsmount(99, 0, ATTR_NOATIME | ATTR_STRICTATIME), EINVAL, "and two ways to keep access times");
	fails(fsmount(99, 0, 0x40), EINVAL, "or one that does not exist");
	fails(fsmount(99, 0, 0), EBADF, "the descriptor has to be open");
	fails(fsmount(0 * fd + open("/", O_RDONLY), 0, 0), EINVAL, "and one of a file system that is made");
	fails(fsmount(open("/", O_PATH), 0, 0), EBADF, "a mere place is none");
	fails(fsmount(fd, 0, 0), EINVAL, "it has to be made");
	needs_privilege(fsmount(99, 2, 0), "it takes CAP_SYS_ADMIN, before anything is looked at");
}

CASE(configuring_refused)
{
	int fd = fsopen("tmpfs", 0), folder = open("/", O_RDONLY), place = open("/", O_PATH);
	fails(fsconfig(-1, SET_FLAG, "ro", NULL, 0), EINVAL, "a negative descriptor is none");
	fails(fsconfig(-1, 99, NULL, NULL, 0), EINVAL, "before the command is looked at");
	fails(fsconfig(99, 8, NULL, NULL, 0), EOPNOTSUPP, "a command that does not exist is refused");
	fails(fsconfig(99, SET_FLAG, NULL, NULL, 0), EINVAL, "a flag has a name");
	fails(fsconfig(99, SET_FLAG, "ro", "x", 0), EINVAL, "no value");
	fails(fsconfig(99, SET_FLAG, "ro", NULL, 1), EINVAL, "and nothing else");
	fails(fsconfig(99, SET_STRING, NULL, "x", 0), EINVAL, "a string has a name");
	fails(fsconfig(99, SET_STRING, "size", NULL, 0), EINVAL, "and a value");
	fails(fsconfig(99, SET_STRING, "size", "1m", 1), EINVAL, "and nothing else");
	fails(fsconfig(99, SET_BINARY, "size", "1m", 0), EINVAL, "a blob has a length");
	fails(fsconfig(99, SET_BINARY, "size", "1m", -1), EINVAL, "from 1 byte");
	fails(fsconfig(99, SET_BINARY, "size", "1m", 1024 * 1024 + 1), EINVAL, "up to a megabyte");
	fails(fsconfig(99, SET_BINARY, NULL, "1m", 2), EINVAL, "and a name");
	fails(fsconfig(99, SET_BINARY, "size", NULL, 2), EINVAL, "and a value");
	fails(fsconfig(99, SET_PATH, "size", "/", -1), EINVAL, "a path has a folder");
	fails(fsconfig(99, SET_PATH, NULL, "/", AT_FDCWD), EINVAL, "and a name");
	fails(fsconfig(99, SET_PATH, "size", NULL, AT_FDCWD), EINVAL, "and a value");
	fails(fsconfig(99, SET_PATH_EMPTY, "size", "", -1), EINVAL, "an empty path has a folder");
	fails(fsconfig(99, SET_FD, "size", "x", 0), EINVAL, "a descriptor has no value");
	fails(fsconfig(99, SET_FD, "size", NULL, -1), EINVAL, "and is not negative");
	fails(fsconfig(99, SET_FD, NULL, NULL, 0), EINVAL, "and has a name");
	fails(fsconfig(99, CREATE, "x", NULL, 0), EINVAL, "creating takes no name");
	fails(fsconfig(99, CREATE, NULL, "x", 0), EINVAL, "nor a value");
	fails(fsconfig(99, RECONFIGURE, NULL, NULL, 1), EINVAL, "changing takes nothing else");
	fails(fsconfig(99, SET_FLAG, "ro", NULL, 0), EBADF, "the descriptor has to be open");
	fails(fsconfig(place, SET_FLAG, "ro", NULL, 0), EBADF, "more than a place");
	fails(fsconfig(folder, SET_FLAG, "ro", NULL, 0), EINVAL, "and one of a file system that is made");
	fails(fsconfig(fd, SET_FLAG, (char *)1, NULL, 0), EFAULT, "a name has to be readable");
	fails(fsconfig(fd, SET_STRING, "size", (char *)1, 0), EFAULT, "a value as well");
	fails(fsconfig(fd, SET_STRING, (char *)1, (char *)1, 0), EFAULT, "both");
	fails(fsconfig(fd, SET_BINARY, "size", (char *)1, 1), EFAULT, "and a blob");
	fails(fsconfig(fd, SET_PATH, "size", (char *)1, AT_FDCWD), EFAULT, "and a path");
	fails(fsconfig(fd, SET_PATH, "size", "", AT_FDCWD), ENOENT, "which is not empty");
	fails(fsconfig(fd, SET_FD, "size", NULL, 99), EBADF, "what is given has to be open");
	char text[300];
	memset(text, 'x', sizeof text);
	text[256] = 0;
	fails(fsconfig(fd, SET_FLAG, text, NULL, 0), EINVAL, "a name has at most 255 bytes");
	fails(fsconfig(fd, SET_STRING, "size", text, 0), EINVAL, "a value as well");
	check(is_silent(fd), "none of that is told");
	text[255] = 0;
	fails(fsconfig(fd, SET_FLAG, text, NULL, 0), EINVAL, "a name of 255 bytes is only unknown");
	check(!is_silent(fd), "which is told");
	needs_privilege(create(fd), "creating takes CAP_SYS_ADMIN of who does it");
	equal(create(fd), 0, "and nothing is lost by trying");
}

CASE(messages)
{
	int fd = fsopen("tmpfs", 0);
	fails(flag(fd, "nonsense"), EINVAL, "an option that the type does not know is refused");
	same(told(fd), "e tmpfs: Unknown parameter 'nonsense'\n", "and told");
	check(is_silent(fd), "once");
	fails(string(fd, "size", "12q"), EINVAL, "a size is a number");
	same(told(fd), "e tmpfs: Bad value for 'size'\n", "that is told");
	fails(string(fd, "size", ""), EINVAL, "not nothing");
	same(told(fd), "e tmpfs: Bad value for 'size'\n", "told as well");
	fails(flag(fd, "size"), EINVAL, "without a value it is none");
	same(told(fd), "e tmpfs: Bad value for 'size'\n", "told as well");
	fails(fsconfig(fd, SET_BINARY, "size", "1m", 2), EINVAL, "a blob is none");
	same(told(fd), "e tmpfs: Bad value for 'size'\n", "told as well");
	fails(fsconfig(fd, SET_PATH, "size", "/", AT_FDCWD), EINVAL, "nor is a path");
	same(told(fd), "e tmpfs: Bad value for 'size'\n", "told as well");
	fails(fsconfig(fd, SET_PATH_EMPTY, "size", "", AT_FDCWD), EINVAL, "nor an empty one");
	same(told(fd), "e tmpfs: Bad value for 'size'\n", "told as well");
	fails(fsconfig(fd, SET_FD, "size", NULL, 0), EINVAL, "nor a descriptor");
	same(told(fd), "e tmpfs: Bad value for 'size'\n", "told as well");
	fails(string(fd, "mode", "8"), EINVAL, "a mode is octal");
	same(told(fd), "e tmpfs: Bad value for 'mode'\n", "told as well");
	fails(string(fd, "uid", "x"), EINVAL, "an owner is a number");
	same(told(fd), "e tmpfs: Bad value for 'uid'\n", "told as well");
	fails(string(fd, "gid", "-1"), EINVAL, "a group is one");
	same(told(fd), "e tmpfs: Bad value for 'gid'\n", "told as well");
	fails(string(fd, "nr_inodes", "1x"), EINVAL, "so are inodes");
	same(told(fd), "e tmpfs: Bad value for 'nr_inodes'\n", "told as well");
	fails(string(fd, "nr_blocks", "1x"), EINVAL, "and blocks");
	same(told(fd), "e tmpfs: Bad value for 'nr_blocks'\n", "told as well");
	fails(string(fd, "inode64", "1"), EINVAL, "a flag has no value");
	same(told(fd), "e tmpfs: Unexpected value for 'inode64'\n", "told as well");
	fails(flag(fd, ""), EINVAL, "a name has letters");
	same(told(fd), "e tmpfs: Unknown parameter ''\n", "told as well");
	equal(string(fd, "source", "a"), 0, "a source can be said");
	fails(string(fd, "source", "b"), EINVAL, "once");
	same(told(fd), "e Multiple sources\n", "told without the type's name");
	fails(flag(fd, "source"), EINVAL, "it is a string");
	same(told(fd), "e Non-string source\n", "told as well");
	equal(string(fd, "ro", "anything"), 0, "flags of every file system do not mind a value");
	equal(flag(fd, "rw"), 0, "nor none");
	equal(flag(fd, "sync"), 0, "sync is one");
	equal(flag(fd, "async"), 0, "async is one");
	equal(flag(fd, "dirsync"), 0, "dirsync is one");
	equal(flag(fd, "lazytime"), 0, "lazytime is one");
	equal(flag(fd, "nolazytime"), 0, "nolazytime is one");
	equal(flag(fd, "mand"), 0, "mand is one");
	equal(flag(fd, "nomand"), 0, "nomand is one");
	fails(flag(fd, "nosuid"), EINVAL, "nosuid is the mount's");
	same(told(fd), "e tmpfs: Unknown parameter 'nosuid'\n", "told as well");
	equal(string(fd, "huge", "never"), 0, "where pages come from can be said");
	fails(string(fd, "huge", "sometimes"), EINVAL, "in a few words");
	same(told(fd), "e tmpfs: Bad value for 'huge'\n", "told as well");
	for (int i = 0; i < 10; i++) {
		char name[8];
		snprintf(name, sizeof name, "n%d", i);
		flag(fd, name);
	}
	same(told(fd), "e tmpfs: Unknown parameter 'n2'\n", "eight messages are kept");
	char text[64] = "";
	int length = strlen("e tmpfs: Unknown parameter 'n3'\n");
	fails(read(fd, text, length - 1), EMSGSIZE, "a message that does not fit is kept");
	equal(read(fd, text, length), length, "one that does is read");
	same(text, "e tmpfs: Unknown parameter 'n3'\n", "by whoever has room for it");
	fails(read(fd, (char *)1, 64), EFAULT, "one that cannot be given is lost");
	same(told(fd), "e tmpfs: Unknown parameter 'n5'\n", "the next is there");
	require(close(fd) == 0);
	fd = fsopen("sysfs", 0);
	fails(flag(fd, "x"), EINVAL, "a type without options has none");
	same(told(fd), "e sysfs: Unknown parameter 'x'\n", "told with its name");
	equal(string(fd, "source", "x"), 0, "but a source");
	equal(create(fd), 0, "it is made");
	require(close(fd) == 0);
	fd = fsopen("devpts", 0);
	fails(fsconfig(fd, SET_BINARY, "x", "x", 1), EOPNOTSUPP, "a type of old takes no blobs");
	fails(fsconfig(fd, SET_FD, (char *)1, NULL, 99), EOPNOTSUPP, "nor descriptors, before anything is read");
	fails(string(fd, "mode", "1,2"), EINVAL, "nor commas");
	same(told(fd), "e VFS: Legacy: Option 'mode' contained comma\n", "told as well");
	fails(flag(fd, "a,b"), EINVAL, "not in a name either");
	same(told(fd), "e VFS: Legacy: Option 'a,b' contained comma\n", "told as well");
	char value[256];
	memset(value, '1', sizeof value);
	value[255] = 0;
	int count = 0;
	while (count < 100 && string(fd, "x", value) == 0)
		count++;
	equal(count, 15, "its options are a page long");
	same(told(fd), "e VFS: Legacy: Cumulative options too large\n", "told as well");
	fails(create(fd), EINVAL, "what it does not know it tells when it is made");
	fails(create(fd), EBUSY, "then the context is spoilt");
	fails(flag(fd, "ro"), EBUSY, "for all");
	fails(fsmount(fd, 0, 0), EINVAL, "there is nothing to be mounted");
}

CASE(picking)
{
	begin("a b");
	require(mount("none", "a", "tmpfs", 0, "size=1m") == 0 && mkdir("a/x", 0755) == 0 && symlink("a", "link") == 0);
	int fd = fspick(AT_FDCWD, "a", FSPICK_CLOEXEC);
	check(fd >= 0, "a file system that is mounted can be picked");
	equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "FSPICK_CLOEXEC closes it on exec");
	equal(fcntl(fd, F_GETFL), O_RDWR, "it is open for reading and writing");
	fails(create(fd), EBUSY, "it is not made again");
	fails(fsmount(fd, 0, 0), EBUSY, "nor mounted");
	fails(string(fd, "nonsense", "x"), EINVAL, "an option is looked at");
	same(told(fd), "e tmpfs: Unknown parameter 'nonsense'\n", "and told");
	equal(string(fd, "size", "3m"), 0, "another is said");
	same(options_of("a"), "rw,relatime - tmpfs none rw,size=1024k", "it changes nothing yet");
	equal(reconfigure(fd), 0, "the file system is changed");
	same(options_of("a"), "rw,relatime - tmpfs none rw,size=3072k", "so it was");
	require(flag(fd, "ro") == 0);
	equal(reconfigure(fd), 0, "a second time");
	same(options_of("a"), "rw,relatime - tmpfs none ro,size=3072k", "it is read-only");
	equal(reconfigure(fd), 0, "what was said once is part of every change");
	same(options_of("a"), "rw,relatime - tmpfs none rw,size=3072k", "unsaid it is not so");
	require(flag(fd, "ro") == 0 && reconfigure(fd) == 0);
	int other = fspick(AT_FDCWD, "a", 0);
	equal(reconfigure(other), 0, "where nothing was ever said");
	require(close(other) == 0);
	same(options_of("a"), "rw,relatime - tmpfs none ro,size=3072k", "nothing is changed");
	require(flag(fd, "rw") == 0 && reconfigure(fd) == 0);
	make_file("a/file", "");
	int file = open("a/file", O_RDWR);
	require(flag(fd, "ro") == 0);
	fails(reconfigure(fd), EBUSY, "with a file open for writing it is not made read-only");
	fails(reconfigure(fd), EBUSY, "and the context is spoilt");
	fails(flag(fd, "rw"), EBUSY, "for all");
	require(close(fd) == 0);
	char page[8192] = "";
	require(write(file, page, sizeof page) == sizeof page && close(file) == 0);
	fd = fspick(AT_FDCWD, "a", 0);
	equal(fcntl(fd, F_GETFD), 0, "without FSPICK_CLOEXEC it stays open");
	require(string(fd, "size", "4096") == 0);
	fails(reconfigure(fd), EINVAL, "less than is used is refused");
	same(told(fd), "e tmpfs: Too small a size for current use\n", "and told");
	require(close(fd) == 0);
	fd = fspick(AT_FDCWD, "a", 0);
	require(string(fd, "nr_inodes", "1") == 0);
	fails(reconfigure(fd), EINVAL, "fewer inodes are");
	same(told(fd), "e tmpfs: Too few inodes for current use\n", "and told");
	require(close(fd) == 0);
	fd = fspick(AT_FDCWD, "a", 0);
	require(string(fd, "mode", "600") == 0 && string(fd, "uid", "7") == 0);
	equal(reconfigure(fd), 0, "the top's owner and mode can be said again");
	same(options_of("a"), "rw,relatime - tmpfs none rw,size=3072k", "without effect");
	require(close(fd) == 0 && mount("none", "b", "tmpfs", 0, "size=0,nr_inodes=0") == 0);
	fd = fspick(AT_FDCWD, "b", 0);
	require(string(fd, "size", "1m") == 0);
	fails(reconfigure(fd), EINVAL, "what has no limit gets none");
	same(told(fd), "e tmpfs: Cannot retroactively limit size\n", "told as well");
	require(close(fd) == 0);
	fd = fspick(AT_FDCWD, "b", 0);
	require(string(fd, "nr_inodes", "9") == 0);
	fails(reconfigure(fd), EINVAL, "of inodes either");
	same(told(fd), "e tmpfs: Cannot retroactively limit inodes\n", "told as well");
	require(close(fd) == 0 && umount("b") == 0);
	fd = fspick(AT_FDCWD, "a", 0);
	require(flag(fd, "dirsync") == 0);
	fails(reconfigure(fd), EINVAL, "dirsync is not changed");
	require(close(fd) == 0);
	fails(fspick(AT_FDCWD, "a", 0x10), EINVAL, "a flag that does not exist is refused");
	fails(fspick(AT_FDCWD, "a/x", 0), EINVAL, "a folder that is no mount is");
	fails(fspick(AT_FDCWD, "none", 0), ENOENT, "what is not there is");
	fails(fspick(AT_FDCWD, (char *)1, 0), EFAULT, "its name has to be readable");
	fails(fspick(99, "a", 0), EBADF, "its folder open");
	fails(fspick(AT_FDCWD, "link", FSPICK_SYMLINK_NOFOLLOW), EINVAL, "FSPICK_SYMLINK_NOFOLLOW does not follow a link");
	check((fd = fspick(AT_FDCWD, "link", FSPICK_NO_AUTOMOUNT)) >= 0, "else it is followed");
	require(close(fd) == 0);
	int place = open("a", O_PATH);
	fails(fspick(place, "", 0), ENOENT, "an empty name is none");
	check((fd = fspick(place, "", FSPICK_EMPTY_PATH)) >= 0, "with FSPICK_EMPTY_PATH it is the descriptor's place");
	require(close(fd) == 0);
	needs_privilege(fspick(AT_FDCWD, "none", 0x10), "it takes CAP_SYS_ADMIN, before anything is looked at");
	int tree = new_tmpfs();
	check((fd = fspick(tree, "", FSPICK_EMPTY_PATH)) >= 0, "what is mounted nowhere can be picked");
	require(string(fd, "size", "1m") == 0);
	equal(reconfigure(fd), 0, "and changed");
	require(attach(tree, "b") == 0);
	same(options_of("b"), "rw,relatime - tmpfs none rw,size=1024k", "so it was");
}

SUITE(RUN(opening), RUN(making), RUN(mount_flags), RUN(configuring_refused), RUN(messages), RUN(picking))
