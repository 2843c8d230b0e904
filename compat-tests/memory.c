/* Memory: mapping, sharing, copying on write, protections, moving, advice, the break. */
#include "tap.h"
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define PAGE 4096

static char *map(size_t length, int protection, int flags)
{
	char *memory = mmap(NULL, length, protection, flags | MAP_ANONYMOUS, -1, 0);
	require(memory != MAP_FAILED);
	return memory;
}

/* Says whether the page at `address` is mapped. */
static int mapped(void *address)
{
	unsigned char resident;
	return mincore(address, PAGE, &resident) == 0;
}

CASE(anonymous)
{
	char *memory = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	int dirty = 0;
	for (int i = 0; i < 4 * PAGE; i++)
		dirty += memory[i] != 0;
	equal(dirty, 0, "new memory is zero");
	equal((uintptr_t)memory % PAGE, 0, "it begins at a page");
	memory[2 * PAGE] = 'x';
	equal(munmap(memory + PAGE, PAGE), 0, "a page in the middle can be unmapped");
	check(mapped(memory) && !mapped(memory + PAGE) && mapped(memory + 2 * PAGE), "and only that one is");
	equal(memory[2 * PAGE], 'x', "the others keep their contents");
	equal(munmap(memory + PAGE, PAGE), 0, "unmapping nothing succeeds");
	equal(munmap(memory, 4 * PAGE), 0, "a range with a hole can be unmapped");
	fails(munmap(memory + 1, PAGE), EINVAL, "an address within a page gives EINVAL");
	fails(munmap(memory, 0), EINVAL, "unmapping no bytes gives EINVAL");
}

CASE(arguments)
{
	make_file("f", "text");
	int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY), both = open("f", O_RDWR);
	fails(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL, "mapping no bytes gives EINVAL");
	fails(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL, "neither shared nor private gives EINVAL");
	fails(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, both, 1), EINVAL, "an offset within a page gives EINVAL");
	fails(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0), EBADF, "a closed descriptor gives EBADF");
	fails(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0), EACCES, "a descriptor without reading gives EACCES");
	fails(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, reader, 0), EACCES, "writing shared needs a descriptor for writing");
	check(mmap(NULL, PAGE, PROT_WRITE, MAP_PRIVATE, reader, 0) != MAP_FAILED, "writing privately does not");
	fails(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0), ENODEV, "a folder gives ENODEV");
	fails(syscall(SYS_mmap, NULL, 1ul << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM,
	      "more than the address space gives ENOMEM");
}

CASE(places)
{
	char *memory = map(8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	memory[PAGE] = 'o';
	check(mmap(memory + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory + PAGE,
	      "MAP_FIXED maps where it is told to");
	equal(memory[PAGE], 0, "and replaces what was there");
	fails(mmap(memory, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST,
	      "MAP_FIXED_NOREPLACE refuses that with EEXIST");
	munmap(memory + 4 * PAGE, PAGE);
	check(mmap(memory + 4 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == memory + 4 * PAGE,
	      "a free address is taken as a hint");
	char *other = mmap(memory, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(other != MAP_FAILED && other != memory, "a hint at a taken address maps elsewhere");
	fails(mmap(memory + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL,
	      "MAP_FIXED within a page gives EINVAL");
	check((uintptr_t)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0) < 1ul << 31,
	      "MAP_32BIT maps below 2 GiB");
}

CASE(files)
{
	static char text[PAGE + 100];
	memset(text, 'f', sizeof text - 1);
	make_file("f", text);
	int fd = open("f", O_RDWR);
	char *shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *private = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	require(shared != MAP_FAILED && private != MAP_FAILED);
	check(shared[0] == 'f' && private[PAGE + 98] == 'f', "a mapping shows the file");
	equal(shared[PAGE + 99], 0, "behind the file's end the page is zero");
	shared[0] = 'S';
	char byte;
	require(pread(fd, &byte, 1, 0) == 1);
	equal(byte, 'S', "what is written to a shared mapping is read from the file");
	equal(private[0], 'S', "and seen in a private one that was not written");
	require(pwrite(fd, "W", 1, 1) == 1);
	equal(shared[1], 'W', "what is written to the file is seen in a shared mapping");
	private[2] = 'P';
	require(pread(fd, &byte, 1, 2) == 1);
	equal(byte, 'f', "what is written to a private mapping stays private");
	shared[2] = 'X';
	equal(private[2], 'P', "a private page once written no longer follows the file");
	equal(private[PAGE], 'f', "while another still does");
	close(fd);
	equal(shared[0], 'S', "a mapping outlives the descriptor");
	unlink("f");
	equal(shared[0], 'S', "and the file's name");
	equal(msync(shared, 2 * PAGE, MS_SYNC), 0, "msync succeeds");
	fails(msync(shared, PAGE, MS_SYNC | MS_ASYNC), EINVAL, "msync both ways gives EINVAL");
	fails(msync(shared + 1, PAGE, MS_SYNC), EINVAL, "msync within a page gives EINVAL");
	munmap(shared, 2 * PAGE);
	fails(msync(shared, PAGE, MS_SYNC), ENOMEM, "msync of nothing gives ENOMEM");
	make_file("g", text);
	fd = open("g", O_RDWR);
	char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	equal(second[98], 'f', "a mapping can begin at a later page");
}

CASE(forks)
{
	char *private = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE), *shared = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	private[0] = shared[0] = 'a';
	equal(in_child(if (private[0] != 'a' || shared[0] != 'a') _exit(1); private[0] = shared[0] = 'c'), 0,
	      "a child sees what was in memory");
	equal(private[0], 'a', "a child's writes to private memory are its own");
	equal(shared[0], 'c', "its writes to shared memory are seen");
	int pipes[2];
	char byte = 0;
	require(pipe(pipes) == 0);
	pid_t child = fork();
	if (child == 0) {
		require(read(pipes[0], &byte, 1) == 1);
		_exit(private[0]);
	}
	private[0] = 'p';
	require(write(pipes[1], "x", 1) == 1);
	equal(ended_with(child), 'a', "the parent's later writes are not seen by the child");
	madvise(private, PAGE, MADV_DONTFORK);
	equal(in_child(_exit(mapped(private) ? 1 : 0)), 0, "MADV_DONTFORK keeps memory from children");
	madvise(private, PAGE, MADV_DOFORK), madvise(private, PAGE, MADV_WIPEONFORK);
	equal(in_child(_exit(private[0])), 0, "MADV_WIPEONFORK gives children zeros");
	equal(private[0], 'p', "and leaves the parent's memory");
}

CASE(advice)
{
	char *memory = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	memset(memory, 'x', 4 * PAGE);
	equal(madvise(memory + PAGE, PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED is accepted");
	equal(memory[PAGE], 0, "and gives zeros");
	check(memory[0] == 'x' && memory[2 * PAGE] == 'x', "around it nothing changes");
	equal(madvise(memory, PAGE, MADV_WILLNEED), 0, "MADV_WILLNEED is accepted");
	equal(madvise(memory, PAGE, MADV_SEQUENTIAL), 0, "MADV_SEQUENTIAL is accepted");
	fails(madvise(memory, PAGE, 9999), EINVAL, "unknown advice gives EINVAL");
	fails(madvise(memory + 1, PAGE, MADV_NORMAL), EINVAL, "an address within a page gives EINVAL");
	munmap(memory + PAGE, PAGE);
	fails(madvise(memory, 3 * PAGE, MADV_DONTNEED), ENOMEM, "a range with a hole gives ENOMEM");
	equal(memory[2 * PAGE], 0, "but the advice is taken around it");
	unsigned char resident[2] = { 9, 9 };
	fails(mincore(memory + PAGE, PAGE, resident), ENOMEM, "mincore of nothing gives ENOMEM");
	make_file("f", "file");
	char *file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, open("f", O_RDONLY), 0);
	file[0] = 'P';
	madvise(file, PAGE, MADV_DONTNEED);
	equal(file[0], 'f', "MADV_DONTNEED of a private file mapping gives the file's contents back");
	char *fresh = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	fresh[0] = 1;
	equal(mincore(fresh, 2 * PAGE, resident), 0, "mincore tells what is resident");
	check((resident[0] & 1) == 1 && (resident[1] & 1) == 0, "which is what was touched");
}

CASE(moving)
{
	char *memory = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	memset(memory, 'x', 4 * PAGE);
	check(mremap(memory, 4 * PAGE, 2 * PAGE, 0) == memory, "mremap shrinks in place");
	check(!mapped(memory + 2 * PAGE), "and unmaps the rest");
	check(mmap(memory + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory + 2 * PAGE,
	      "that can be mapped again");
	fails(mremap(memory, 2 * PAGE, 4 * PAGE, 0), ENOMEM, "without room mremap gives ENOMEM");
	char *moved = mremap(memory, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	check(moved != MAP_FAILED && moved != memory, "MREMAP_MAYMOVE moves");
	check(moved[0] == 'x' && moved[2 * PAGE - 1] == 'x', "with the contents");
	equal(moved[2 * PAGE], 0, "new memory is zero");
	check(!mapped(memory), "the old place is free");
	char *target = map(8 * PAGE, PROT_READ, MAP_PRIVATE);
	check(mremap(moved, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE) == target + PAGE,
	      "MREMAP_FIXED moves to a place");
	check(target[PAGE] == 'x' && mapped(target), "and replaces what was there");
	fails(mremap(target, PAGE, 2 * PAGE, MREMAP_FIXED, target), EINVAL, "MREMAP_FIXED alone gives EINVAL");
	fails(mremap(memory, PAGE, PAGE, 0), EFAULT, "mremap of nothing gives EFAULT");
	fails(mremap(target + 1, PAGE, PAGE, 0), EINVAL, "mremap within a page gives EINVAL");
}

CASE(refused_moves)
{
	char *memory = map(6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *place = map(8 * PAGE, PROT_READ, MAP_PRIVATE);
	require(mprotect(memory + 2 * PAGE, PAGE, PROT_READ) == 0);
	memset(memory, 'x', 2 * PAGE);
	fails(mremap(memory, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE), EFAULT, "two areas neither grow together: EFAULT");
	fails(mremap(memory, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place + 4 * PAGE), EFAULT, "nor move");
	check(memory[0] == 'x' && mapped(memory + 3 * PAGE), "and both are there as before");
	check(mapped(place + 3 * PAGE) && !mapped(place + 4 * PAGE) && !mapped(place + 6 * PAGE) && mapped(place + 7 * PAGE),
	      "but nothing is any more where they were to go");
	check(mremap(memory, 6 * PAGE, 6 * PAGE, 0) == memory, "what keeps its length may be any number of areas");
	check(mremap(memory, 6 * PAGE, PAGE, 0) == memory, "and what shrinks");
	check(!mapped(memory + PAGE) && !mapped(memory + 5 * PAGE), "of which the rest is unmapped");
	fails(mremap(memory, PAGE, 0, MREMAP_MAYMOVE), EINVAL, "a new length of 0 gives EINVAL");
	fails(mremap(memory, 0, PAGE, MREMAP_MAYMOVE), EINVAL, "an old length of 0, of private memory, gives EINVAL");
	fails(mremap(memory, PAGE, 2 * PAGE, 64), EINVAL, "an unknown flag gives EINVAL");
	fails(mremap(place, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place + PAGE), EINVAL,
	      "a new place that overlaps the old gives EINVAL");
	fails(mremap(place, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place + 2 * PAGE + 1), EINVAL,
	      "and so does one between pages");
	fails(mremap(place, PAGE, 1L << 47, MREMAP_MAYMOVE), ENOMEM, "more than there are addresses gives ENOMEM");
	char *many = map(6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	require(mprotect(many + 2 * PAGE, PAGE, PROT_READ) == 0);
	many[0] = 'y';
	check(mremap(many, 5 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place && place[0] == 'y',
	      "what shrinks on its way may be several areas if one is left");
	check(!mapped(many) && !mapped(many + 4 * PAGE) && mapped(many + 5 * PAGE), "of which none stays");
	fails(mremap(many + 5 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | 64, place), EINVAL,
	      "an unknown flag with a place gives EINVAL");
	equal(place[0], 'y', "and leaves what is there");
}

CASE(refused_replacements)
{
	char *memory = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	const struct rlimit little = { 1 << 20, 1 << 20 };
	munmap(memory + 2 * PAGE, 2 * PAGE);
	memory[0] = 'x';
	for (int i = 0; i < 2; i++) {
		int limit = i ? RLIMIT_DATA : RLIMIT_AS;
		int kept = in_child({
			if (setrlimit(limit, &little) == -1)
				_exit(1);
			void *got = mmap(memory, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			if (got != MAP_FAILED || errno != ENOMEM)
				_exit(2);
			_exit(memory[0] == 'x' && mapped(memory + PAGE) ? 0 : 3);
		});
		equal(kept, 0, i ? "so does one beyond RLIMIT_DATA" : "a mapping beyond RLIMIT_AS leaves what it was to replace");
	}
}

CASE(the_break)
{
	uintptr_t now = syscall(SYS_brk, 0);
	check(now != 0, "brk of 0 tells the break");
	equal(syscall(SYS_brk, now + 3 * PAGE), now + 3 * PAGE, "the break can be raised");
	char *memory = (char *)now;
	equal(memory[2 * PAGE], 0, "new memory is zero");
	memory[2 * PAGE] = 'x';
	equal(syscall(SYS_brk, now), now, "and lowered");
	syscall(SYS_brk, now + 3 * PAGE);
	equal(memory[2 * PAGE], 0, "raised again it is zero again");
	equal(syscall(SYS_brk, 1), now + 3 * PAGE, "a refused brk tells the old break");
	struct rlimit limit = { PAGE, PAGE };
	require(setrlimit(RLIMIT_DATA, &limit) == 0);
	equal(syscall(SYS_brk, now + 100 * PAGE), now + 3 * PAGE, "RLIMIT_DATA limits it");
}

CASE(protecting)
{
	char *memory = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	memset(memory, 'x', 4 * PAGE);
	equal(mprotect(memory + PAGE, PAGE, PROT_READ), 0, "mprotect takes writing away");
	equal(in_child(memory[PAGE] = 1), 128 + SIGSEGV, "writing then kills by SIGSEGV");
	equal(memory[PAGE], 'x', "reading goes on");
	equal(in_child(memory[2 * PAGE] = 1), 0, "the next page can be written");
	equal(mprotect(memory + PAGE, PAGE, PROT_NONE), 0, "PROT_NONE takes everything away");
	equal(in_child(_exit(((volatile char *)memory)[PAGE])), 128 + SIGSEGV, "reading then kills by SIGSEGV");
	int pipes[2];
	require(pipe(pipes) == 0);
	fails(write(pipes[1], memory + PAGE, 1), EFAULT, "a call that reads it gives EFAULT");
	equal(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE), 0, "everything can be given back");
	equal(memory[PAGE], 'x', "the contents are still there");
	munmap(memory + 2 * PAGE, PAGE);
	fails(mprotect(memory, 4 * PAGE, PROT_READ), ENOMEM, "a range with a hole gives ENOMEM");
	fails(syscall(SYS_mprotect, memory + 1, PAGE, PROT_READ), EINVAL, "an address within a page gives EINVAL");
	make_file("f", "text");
	char *file = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("f", O_RDONLY), 0);
	fails(mprotect(file, PAGE, PROT_READ | PROT_WRITE), EACCES, "a shared file opened for reading cannot be made writable");
	unsigned char *code = (void *)map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	memcpy(code, "\xb8\x2a\0\0\0\xc3", 6); /* mov $42, %eax; ret */
	equal(in_child(((void (*)(void))code)()), 128 + SIGSEGV, "memory without PROT_EXEC cannot be executed");
	require(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
	equal(((int (*)(void))code)(), 42, "with PROT_EXEC it can");
}

CASE(locking)
{
	char *memory = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	unsigned char resident[2];
	equal(mlock(memory, 2 * PAGE), 0, "mlock succeeds");
	require(mincore(memory, 2 * PAGE, resident) == 0);
	check((resident[0] & 1) && (resident[1] & 1), "and makes pages resident");
	equal(munlock(memory, 2 * PAGE), 0, "munlock succeeds");
	munmap(memory, PAGE);
	fails(mlock(memory, PAGE), ENOMEM, "mlock of nothing gives ENOMEM");
	char *forbidden = map(PAGE, PROT_NONE, MAP_PRIVATE);
	fails(mlock(forbidden, PAGE), ENOMEM, "and of what nobody may touch");
	fails(madvise(forbidden, PAGE, MADV_POPULATE_READ), EINVAL, "MADV_POPULATE_READ of it EINVAL");
	int empty = memfd_create("empty", 0);
	char *behind = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, empty, 0);
	require(empty != -1 && behind != MAP_FAILED);
	fails(mlock(behind, PAGE), ENOMEM, "mlock behind a file's end gives ENOMEM");
	fails(madvise(behind, PAGE, MADV_POPULATE_READ), EFAULT, "MADV_POPULATE_READ there EFAULT");
	struct rlimit limit = { PAGE, PAGE };
	setrlimit(RLIMIT_MEMLOCK, &limit);
	char *more = map(8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	equal(in_child(if (setuid(1000)) _exit(99); if (mlock(more, 8 * PAGE) == -1) _exit(errno)), ENOMEM,
	      "RLIMIT_MEMLOCK limits a user without privilege");
	char *populated = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);
	require(mincore(populated, 2 * PAGE, resident) == 0);
	check((resident[0] & 1) && (resident[1] & 1), "MAP_POPULATE makes pages resident, too");
	limit.rlim_cur = limit.rlim_max = 64 << 20;
	require(setrlimit(RLIMIT_AS, &limit) == 0);
	fails(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM, "RLIMIT_AS limits mappings");
}

SUITE(RUN(anonymous), RUN(arguments), RUN(places), RUN(files), RUN(forks), RUN(advice), RUN(moving), RUN(refused_moves),
      RUN(refused_replacements), RUN(the_break), RUN(protecting), RUN(locking))
