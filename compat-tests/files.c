/* Regular files: opening, reading, writing, offsets, sizes. */
#include "tap.h"
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

CASE(creating)
{
	int fd = open("new", O_CREAT | O_EXCL | O_WRONLY, 0666);
	check(fd >= 0, "open creates a file with O_CREAT and O_EXCL");
	struct stat status;
	require(fstat(fd, &status) == 0);
	equal(status.st_mode, S_IFREG | 0644, "a new file's mode is masked by umask");
	equal(status.st_size, 0, "a new file is empty");
	equal(status.st_nlink, 1, "a new file has one link");
	fails(open("new", O_CREAT | O_EXCL | O_WRONLY, 0666), EEXIST, "O_EXCL refuses a file that exists");
	check(symlink("nowhere", "dangling") == 0, "a symbolic link may point to nothing");
	fails(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0666), EEXIST, "O_EXCL does not follow a dangling link");
	check(open("dangling", O_CREAT | O_WRONLY, 0666) >= 0, "O_CREAT creates the target of a dangling link");
	check(access("nowhere", F_OK) == 0, "the dangling link's target exists afterwards");
	fails(open("missing", O_RDONLY), ENOENT, "opening a missing file gives ENOENT");
	fails(open("", O_RDONLY), ENOENT, "opening the empty path gives ENOENT");
	fails(open("new/below", O_RDONLY), ENOTDIR, "a file used as a folder gives ENOTDIR");
	fails(open(".", O_WRONLY), EISDIR, "opening a folder for writing gives EISDIR");
	fails(open("new", O_RDONLY | O_DIRECTORY), ENOTDIR, "O_DIRECTORY refuses a file");
	int read_only = open("readonly", O_CREAT | O_RDWR, 0400);
	check(read_only >= 0, "a file created with mode 0400 can be opened for writing by the same call");
	equal(write(read_only, "x", 1), 1, "and written through that descriptor");
}

CASE(access_modes)
{
	char byte = 'x';
	make_file("f", "abc");
	int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY);
	require(reader >= 0 && writer >= 0);
	fails(write(reader, &byte, 1), EBADF, "writing to a descriptor opened for reading gives EBADF");
	fails(read(writer, &byte, 1), EBADF, "reading from a descriptor opened for writing gives EBADF");
	fails(ftruncate(reader, 0), EINVAL, "ftruncate of a descriptor opened for reading gives EINVAL");
	equal(fcntl(reader, F_GETFL) & O_ACCMODE, O_RDONLY, "F_GETFL tells O_RDONLY");
	equal(fcntl(writer, F_GETFL) & O_ACCMODE, O_WRONLY, "F_GETFL tells O_WRONLY");
	int folder = open(".", O_RDONLY);
	fails(read(folder, &byte, 1), EISDIR, "reading a folder gives EISDIR");
	fails(read(99, &byte, 1), EBADF, "reading a closed descriptor gives EBADF");
	equal(read(reader, &byte, 0), 0, "reading no bytes gives 0");
	equal(write(writer, &byte, 0), 0, "writing no bytes gives 0");
}

CASE(offsets)
{
	char buffer[16];
	make_file("f", "0123456789");
	int fd = open("f", O_RDWR);
	require(fd >= 0);
	equal(read(fd, buffer, 4), 4, "read gives as many bytes as asked for");
	equal(lseek(fd, 0, SEEK_CUR), 4, "read advances the offset");
	equal(read(fd, buffer, sizeof buffer), 6, "read stops at the end of the file");
	equal(read(fd, buffer, sizeof buffer), 0, "read at the end gives 0");
	equal(lseek(fd, -3, SEEK_END), 7, "SEEK_END counts from the end");
	equal(lseek(fd, -2, SEEK_CUR), 5, "SEEK_CUR counts from the offset");
	fails(lseek(fd, -1, SEEK_SET), EINVAL, "a negative offset gives EINVAL");
	fails(lseek(fd, 0, 77), EINVAL, "an unknown whence gives EINVAL");
	equal(lseek(fd, 0, SEEK_CUR), 5, "a refused lseek leaves the offset");
	equal(pread(fd, buffer, 2, 8), 2, "pread reads at its own offset");
	check(memcmp(buffer, "89", 2) == 0, "and gives those bytes");
	equal(pwrite(fd, "AB", 2, 0), 2, "pwrite writes at its own offset");
	equal(lseek(fd, 0, SEEK_CUR), 5, "pread and pwrite leave the offset");
	fails(pread(fd, buffer, 1, -1), EINVAL, "pread at a negative offset gives EINVAL");
	equal(lseek(fd, 100, SEEK_SET), 100, "the offset may lie beyond the end");
	equal(read(fd, buffer, 1), 0, "reading beyond the end gives 0");
	same(contents_of("f"), "AB23456789", "the file holds what was written");
	int pipes[2];
	require(pipe(pipes) == 0);
	fails(lseek(pipes[0], 0, SEEK_CUR), ESPIPE, "lseek on a pipe gives ESPIPE");
	fails(pread(pipes[0], buffer, 1, 0), ESPIPE, "pread on a pipe gives ESPIPE");
}

CASE(holes)
{
	char buffer[8] = "xxxxxxx";
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	require(fd >= 0);
	equal(pwrite(fd, "end", 3, 100000), 3, "writing beyond the end extends the file");
	struct stat status;
	require(fstat(fd, &status) == 0);
	equal(status.st_size, 100003, "the size is where the write ended");
	check(status.st_blocks * 512 < 100003, "the hole takes no space");
	equal(pread(fd, buffer, 8, 50000), 8, "the hole can be read");
	check(memcmp(buffer, "\0\0\0\0\0\0\0\0", 8) == 0, "and is zero");
	equal(lseek(fd, 0, SEEK_HOLE), 0, "SEEK_HOLE finds the hole at the beginning");
	check(lseek(fd, 0, SEEK_DATA) <= 100000 && lseek(fd, 0, SEEK_DATA) > 90000, "SEEK_DATA finds the data");
	fails(lseek(fd, 200000, SEEK_DATA), ENXIO, "SEEK_DATA beyond the end gives ENXIO");
	equal(ftruncate(fd, 1LL << 60), 0, "a file may be as large as nobody can fill it");
	fails(lseek(fd, 1 << 20, SEEK_DATA), ENXIO, "SEEK_DATA sees at once that nothing follows");
	check(pwrite(fd, "x", 1, 1LL << 59) == 1 && lseek(fd, 1 << 20, SEEK_DATA) == 1LL << 59, "and what follows far away");
}

CASE(truncating)
{
	char buffer[8];
	make_file("f", "0123456789");
	int fd = open("f", O_RDWR);
	require(fd >= 0);
	equal(ftruncate(fd, 4), 0, "ftruncate shortens a file");
	same(contents_of("f"), "0123", "what is behind the new end is gone");
	equal(ftruncate(fd, 8), 0, "ftruncate lengthens a file");
	equal(pread(fd, buffer, 8, 0), 8, "the longer file can be read");
	check(memcmp(buffer, "0123\0\0\0\0", 8) == 0, "what was cut off does not come back");
	equal(lseek(fd, 0, SEEK_CUR), 0, "ftruncate leaves the offset");
	equal(truncate("f", 2), 0, "truncate works by path");
	fails(truncate("f", -1), EINVAL, "a negative length gives EINVAL");
	fails(truncate(".", 0), EISDIR, "truncating a folder gives EISDIR");
	fails(truncate("missing", 0), ENOENT, "truncating a missing file gives ENOENT");
	lseek(fd, 0, SEEK_END);
	close(open("f", O_WRONLY | O_TRUNC));
	same(contents_of("f"), "", "O_TRUNC empties a file");
	equal(lseek(fd, 0, SEEK_CUR), 2, "O_TRUNC leaves other descriptors' offsets");
}

CASE(appending)
{
	make_file("f", "start");
	int fd = open("f", O_RDWR | O_APPEND);
	require(fd >= 0);
	lseek(fd, 0, SEEK_SET);
	equal(write(fd, "+", 1), 1, "O_APPEND accepts a write after lseek");
	same(contents_of("f"), "start+", "O_APPEND writes at the end whatever the offset");
	equal(lseek(fd, 0, SEEK_CUR), 6, "the offset is then at the end");
	equal(pwrite(fd, "p", 1, 0), 1, "pwrite to an O_APPEND descriptor succeeds");
	same(contents_of("f"), "start+p", "and appends, as Linux documents among its bugs");
	equal(fcntl(fd, F_SETFL, 0), 0, "F_SETFL can take O_APPEND away");
	equal(pwrite(fd, "S", 1, 0), 1, "pwrite then");
	same(contents_of("f"), "Start+p", "writes at its offset");
}

CASE(appending_from_many_processes)
{
	/* Each process writes whole lines of one letter; a line that is torn or lost shows. They begin together, and a line is
	 * longer than a page, so that they surely meet. */
	enum { WRITERS = 4, LINES = 150, LENGTH = 5000 };
	static char line[LENGTH];
	int gate[2];
	make_file("f", "");
	require(pipe(gate) == 0);
	for (int writer = 0; writer < WRITERS; writer++)
		if (fork() == 0) {
			close(gate[1]);
			if (read(gate[0], line, 1) != 0)
				_exit(2);
			int fd = open("f", O_WRONLY | O_APPEND);
			memset(line, 'a' + writer, LENGTH - 1);
			line[LENGTH - 1] = '\n';
			for (int i = 0; i < LINES; i++)
				if (write(fd, line, LENGTH) != LENGTH)
					_exit(1);
			_exit(0);
		}
	int failed = 0, status;
	close(gate[1]);
	while (wait(&status) > 0)
		failed += status != 0;
	equal(failed, 0, "every writer writes all its lines");
	int fd = open("f", O_RDONLY), lines = 0, torn = 0, count[WRITERS] = { 0 };
	while (read(fd, line, LENGTH) == LENGTH) {
		lines++;
		for (int i = 1; i < LENGTH - 1; i++)
			torn += line[i] != line[0];
		if (line[0] >= 'a' && line[0] < 'a' + WRITERS)
			count[line[0] - 'a']++;
	}
	equal(lines, WRITERS * LINES, "O_APPEND loses no line");
	equal(torn, 0, "O_APPEND tears no line");
	check(count[0] == LINES && count[3] == LINES, "every writer's lines are all there");
}

CASE(vectors)
{
	char a[3], b[4];
	struct iovec out[3] = { { "one", 3 }, { "", 0 }, { "four", 4 } };
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	require(fd >= 0);
	equal(writev(fd, out, 3), 7, "writev writes all its parts");
	same(contents_of("f"), "onefour", "in their order");
	struct iovec in[2] = { { a, 3 }, { b, 4 } };
	equal(preadv(fd, in, 2, 0), 7, "preadv fills its parts");
	check(memcmp(a, "one", 3) == 0 && memcmp(b, "four", 4) == 0, "in their order, too");
	equal(pwritev(fd, out, 1, 4), 3, "pwritev writes at its offset");
	equal(writev(fd, out, 0), 0, "writev of no parts gives 0");
	fails(syscall(SYS_writev, fd, out, -1), EINVAL, "writev of a negative number of parts gives EINVAL");
	fails(syscall(SYS_writev, fd, out, 1025), EINVAL, "writev of more than 1024 parts gives EINVAL");
}

CASE(copying)
{
	char buffer[16];
	make_file("from", "0123456789");
	int from = open("from", O_RDONLY), to = open("to", O_CREAT | O_RDWR, 0600);
	require(from >= 0 && to >= 0);
	equal(sendfile(to, from, NULL, 4), 4, "sendfile copies between files");
	equal(lseek(from, 0, SEEK_CUR), 4, "and advances the source's offset");
	off_t offset = 8;
	equal(sendfile(to, from, &offset, 100), 2, "sendfile with an offset stops at the end");
	equal(offset, 10, "and advances that offset");
	equal(lseek(from, 0, SEEK_CUR), 4, "but not the source's own");
	same(contents_of("to"), "012389", "the copy holds those bytes");
	int pipes[2];
	require(pipe(pipes) == 0);
	equal(sendfile(pipes[1], from, NULL, 3), 3, "sendfile copies into a pipe");
	equal(read(pipes[0], buffer, 3), 3, "where they can be read");
	check(memcmp(buffer, "456", 3) == 0, "unchanged");
	off_t in = 0, out = 0;
	equal(copy_file_range(from, &in, to, &out, 2, 0), 2, "copy_file_range copies between files");
	equal(in + out, 4, "and advances both offsets");
	fails(copy_file_range(from, &in, to, &out, 2, 1), EINVAL, "copy_file_range with a flag gives EINVAL");
	fails(copy_file_range(from, &in, memfd_create("other", 0), &out, 2, 0), EXDEV, "copy_file_range to another file system gives EXDEV");
}

CASE(allocating)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	struct stat status;
	require(fd >= 0);
	equal(fallocate(fd, 0, 0, 8192), 0, "fallocate extends a file");
	require(fstat(fd, &status) == 0);
	equal(status.st_size, 8192, "to offset and length");
	check(status.st_blocks * 512 >= 8192, "with space behind it");
	equal(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 65536), 0, "FALLOC_FL_KEEP_SIZE is accepted");
	require(fstat(fd, &status) == 0);
	equal(status.st_size, 8192, "and leaves the size");
	require(pwrite(fd, "data", 4, 4096) == 4);
	equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096), 0, "a hole can be punched");
	char buffer[4] = "xxx";
	require(pread(fd, buffer, 4, 4096) == 4);
	check(memcmp(buffer, "\0\0\0\0", 4) == 0, "and reads as zero");
	fails(fallocate(fd, 0, 0, 0), EINVAL, "fallocate of no bytes gives EINVAL");
	fails(fallocate(fd, 0, -1, 10), EINVAL, "fallocate at a negative offset gives EINVAL");
}

CASE(flushing)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600), pipes[2];
	require(fd >= 0 && pipe(pipes) == 0);
	equal(fsync(fd), 0, "fsync of a file succeeds");
	equal(fdatasync(fd), 0, "fdatasync of a file succeeds");
	fails(fsync(pipes[0]), EINVAL, "fsync of a pipe gives EINVAL");
	fails(fsync(99), EBADF, "fsync of a closed descriptor gives EBADF");
	equal(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0, "posix_fadvise accepts its advice");
	equal(posix_fadvise(fd, 0, 0, 77), EINVAL, "posix_fadvise refuses an unknown one with EINVAL");
}

CASE(temporary_files)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	check(fd >= 0, "O_TMPFILE makes a file without a name");
	struct stat status;
	require(fstat(fd, &status) == 0);
	equal(status.st_nlink, 0, "it has no link");
	equal(write(fd, "text", 4), 4, "it can be written");
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	equal(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0, "linkat gives it a name");
	same(contents_of("named"), "text", "under which it can be read");
	fails(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL, "O_TMPFILE for reading gives EINVAL");
}

static long read_ahead(int fd, off_t offset, size_t size) { return syscall(SYS_readahead, fd, offset, size); }

CASE(reading_ahead)
{
	int ends[2];
	make_file("f", "text");
	int fd = open("f", O_RDWR);
	require(fd >= 0 && pipe(ends) == 0);
	equal(read_ahead(fd, 0, 4096), 0, "readahead of a file gives 0");
	equal(read_ahead(fd, 1 << 20, 4096), 0, "also behind its end");
	equal(read_ahead(fd, -1, 4096), 0, "and before its beginning");
	equal(read_ahead(fd, 0, 0), 0, "or of nothing");
	fails(read_ahead(fd, 0, (size_t)1 << 63), EINVAL, "more than a file can have gives EINVAL");
	equal(lseek(fd, 0, SEEK_CUR), 0, "the position stays");
	fails(read_ahead(open("f", O_WRONLY), 0, 4096), EBADF, "a file that is not open for reading gives EBADF");
	fails(read_ahead(open("f", O_PATH), 0, 4096), EBADF, "as does a mere path");
	fails(read_ahead(-1, 0, 4096), EBADF, "and no descriptor");
	fails(read_ahead(ends[0], 0, 4096), EINVAL, "a pipe gives EINVAL");
	fails(read_ahead(ends[1], 0, 4096), EBADF, "its other end EBADF");
	fails(read_ahead(open(".", O_RDONLY), 0, 4096), EINVAL, "a folder gives EINVAL");
	fails(read_ahead(open("/dev/null", O_RDONLY), 0, 4096), EINVAL, "as does a device");
	equal(read_ahead(open("/proc/self/status", O_RDONLY), 0, 4096), 0, "a file of /proc gives 0");
}

SUITE(RUN(creating), RUN(access_modes), RUN(offsets), RUN(holes), RUN(truncating), RUN(appending),
      RUN(appending_from_many_processes), RUN(vectors), RUN(copying), RUN(allocating), RUN(flushing),
      RUN(temporary_files), RUN(reading_ahead))
