/* Sealed files in memory. */
#include "tap.h"
#include <sys/mman.h>

#define ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | 0x10)
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

static int file_in_memory(unsigned flags)
{
	int fd = syscall(SYS_memfd_create, "sealed", flags);
	require(fd >= 0 && ftruncate(fd, 8192) == 0);
	return fd;
}

static void *shared(int fd, int protection)
{
	return mmap(NULL, 4096, protection, MAP_SHARED, fd, 0);
}

CASE(adding)
{
	int fd = file_in_memory(2);
	equal(fcntl(fd, F_GET_SEALS), 0, "a file made to be sealed has no seals");
	equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0, "one can be added");
	equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0, "and another");
	equal(fcntl(fd, F_GET_SEALS), F_SEAL_GROW | F_SEAL_SHRINK, "both are told");
	fails(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL, "an unknown seal gives EINVAL");
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int reader = open(path, O_RDONLY);
	fails(fcntl(reader, F_ADD_SEALS, F_SEAL_WRITE), EPERM, "a description that only reads gives EPERM");
	equal(fcntl(reader, F_GET_SEALS), F_SEAL_GROW | F_SEAL_SHRINK, "but sees them");
	equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0, "the last seal");
	fails(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM, "forbids more");
	int plain = file_in_memory(0);
	equal(fcntl(plain, F_GET_SEALS), F_SEAL_SEAL, "a file not made for it is closed to seals");
	fails(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE), EPERM, "with EPERM");
	make_file("f", "x");
	int file = open("f", O_RDWR), pipes[2];
	equal(fcntl(file, F_GET_SEALS), F_SEAL_SEAL, "so is a file of a tmpfs");
	require(pipe(pipes) == 0);
	fails(fcntl(pipes[0], F_GET_SEALS), EINVAL, "a pipe knows no seals");
	fails(fcntl(pipes[1], F_ADD_SEALS, F_SEAL_GROW), EINVAL, "and takes none");
}

CASE(sizes)
{
	int fd = file_in_memory(2);
	require(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
	fails(ftruncate(fd, 8193), EPERM, "F_SEAL_GROW forbids a larger size");
	fails(pwrite(fd, "x", 1, 8192), EPERM, "and a write behind the end");
	fails(fallocate(fd, 0, 8192, 4096), EPERM, "and fallocate there");
	equal(pwrite(fd, "x", 1, 8191), 1, "but not within it");
	equal(ftruncate(fd, 8000), 0, "nor a smaller size");
	fails(ftruncate(fd, 8192), EPERM, "which is then the end");
	require(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	fails(ftruncate(fd, 7999), EPERM, "F_SEAL_SHRINK forbids a smaller size");
	equal(ftruncate(fd, 8000), 0, "the same size is no change");
}

CASE(writing)
{
	int fd = file_in_memory(2);
	char *map = shared(fd, PROT_READ | PROT_WRITE);
	require(map != MAP_FAILED);
	fails(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY, "F_SEAL_WRITE with a writable mapping gives EBUSY");
	munmap(map, 4096);
	map = shared(fd, PROT_READ);
	require(map != MAP_FAILED);
	fails(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY, "also with one that could become writable");
	munmap(map, 4096);
	char *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0, "a private mapping is no matter");
	own[0] = 'p';
	equal(own[0], 'p', "and stays writable");
	fails(write(fd, "x", 1), EPERM, "a write gives EPERM");
	fails(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), EPERM, "so does a hole");
	equal(fallocate(fd, 0, 0, 4096), 0, "room may be made");
	equal(ftruncate(fd, 10000), 0, "the size may change");
	errno = 0;
	check(shared(fd, PROT_READ | PROT_WRITE) == MAP_FAILED && errno == EPERM, "a writable shared mapping gives EPERM");
	map = shared(fd, PROT_READ);
	check(map != MAP_FAILED, "one for reading is made");
	fails(mprotect(map, 4096, PROT_READ | PROT_WRITE), EACCES, "and stays so");
}

CASE(future_writing)
{
	int fd = file_in_memory(2);
	char *map = shared(fd, PROT_READ | PROT_WRITE);
	require(map != MAP_FAILED);
	equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0, "F_SEAL_FUTURE_WRITE does not mind mappings");
	map[0] = 'm';
	fails(write(fd, "x", 1), EPERM, "a write gives EPERM");
	char byte = 0;
	equal(pread(fd, &byte, 1, 0) == 1 && byte == 'm', 1, "the old mapping writes on");
	errno = 0;
	check(shared(fd, PROT_READ | PROT_WRITE) == MAP_FAILED && errno == EPERM, "a new one that writes gives EPERM");
	char *reader = shared(fd, PROT_READ);
	check(reader != MAP_FAILED, "one that reads is made");
	fails(mprotect(reader, 4096, PROT_READ | PROT_WRITE), EACCES, "and stays so");
}

SUITE(RUN(adding), RUN(sizes), RUN(writing), RUN(future_writing))
