/* Memory protection keys: what a thread may do with memory beside what its mapping allows, and execute-only memory.
 *
 * Where the processor has none, the calls are refused; what only a processor with keys can show is left out there.
 */
#include "tap.h"
#include <cpuid.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE 4096L
/* All keys but the first are denied. */
#define INITIAL 0x55555554u
#define NO_ACCESS 1
#define NO_WRITE 2
#define POPULATE_READ 22 /* MADV_… */
#define POPULATE_WRITE 23
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE 1
#define FUTEX_WAKE_PRIVATE 129
#ifndef SEGV_PKUERR
#define SEGV_PKUERR 4
#endif

static int has_keys(void)
{
	unsigned a, b, c, d;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c >> 4 & 1);
}

static unsigned rights(void)
{
	unsigned value, high;
	__asm__ volatile("rdpkru" : "=a"(value), "=d"(high) : "c"(0));
	return value;
}

static void set_rights(unsigned value)
{
	__asm__ volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory");
}

static void deny(int key, unsigned what)
{
	set_rights((rights() & ~(3u << 2 * key)) | what << 2 * key);
}

static long key_alloc(unsigned long flags, unsigned long denied)
{
	return syscall(SYS_pkey_alloc, flags, denied);
}

static long key_free(int key)
{
	return syscall(SYS_pkey_free, key);
}

static long protect(void *start, size_t length, int protection, int key)
{
	return syscall(SYS_pkey_mprotect, start, length, protection, key);
}

static char *map(size_t pages, int protection)
{
	char *memory = mmap(NULL, pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(memory != MAP_FAILED);
	return memory;
}

/* Two touched pages, the first of which has a key that allows everything so far. */
static char *with_key(int key)
{
	char *memory = map(2, PROT_READ | PROT_WRITE);
	memory[0] = memory[PAGE] = 1;
	require(protect(memory, PAGE, PROT_READ | PROT_WRITE, key) == 0);
	return memory;
}

/* A line of the area in smaps that holds an address, as a number; -1 where there is no such line. */
static long of_area(const void *address, const char *name)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	require(file != NULL);
	char line[512];
	unsigned long start, end;
	long value = -1;
	int inside = 0;
	while (fgets(line, sizeof line, file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start <= (unsigned long)address && (unsigned long)address < end;
		else if (inside && strncmp(line, name, strlen(name)) == 0)
			value = atol(line + strlen(name));
	}
	fclose(file);
	return value;
}

static long key_of(const void *address)
{
	return of_area(address, "ProtectionKey:");
}

static long size_of(const void *address)
{
	return of_area(address, "Size:");
}

/* Faults. A handler begins with the initial rights, so what was caught is looked at outside. */

static sigjmp_buf after_fault;
static volatile int fault_code, fault_key;
static void *volatile fault_address;
static volatile long fault_error, fault_trap;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *user = context;
	fault_code = signal * 100 + info->si_code;
	fault_address = info->si_addr;
	fault_key = *(int *)((char *)info + 32);
	fault_error = user->uc_mcontext.gregs[REG_ERR];
	fault_trap = user->uc_mcontext.gregs[REG_TRAPNO];
	siglongjmp(after_fault, 1);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	sigaction(SIGSEGV, &action, NULL), sigaction(SIGBUS, &action, NULL);
}

/* Reads ('r'), writes ('w') or calls ('x') a byte; gives 0, or 100 times the signal and its code. */
static long touch(void *at, char how)
{
	unsigned before = rights();
	fault_code = fault_key = 0, fault_error = -1;
	if (sigsetjmp(after_fault, 1) == 0) {
		if (how == 'r')
			(void)*(volatile char *)at;
		else if (how == 'w')
			*(volatile char *)at = 1;
		else
			((void (*)(void))at)();
	}
	set_rights(before);
	return fault_code && fault_address != at ? -1 : fault_code;
}

#define BY_KEY (SIGSEGV * 100 + SEGV_PKUERR)
#define BY_MAPPING (SIGSEGV * 100 + SEGV_ACCERR)

CASE(allocation)
{
	fails(key_alloc(1, 0), EINVAL, "pkey_alloc knows no flags");
	fails(key_alloc(0, 4), EINVAL, "and two rights to be denied");
	fails(key_free(-1), EINVAL, "no key is -1");
	fails(key_free(16), EINVAL, "or 16");
	fails(key_free(1), EINVAL, "a key that was not allocated cannot be freed");
	if (!has_keys()) {
		fails(key_alloc(0, 0), ENOSPC, "without keys, none is left from the beginning");
		fails(key_free(0), EINVAL, "the one that all memory has cannot be freed");
		return;
	}
	equal(rights(), INITIAL, "a program begins with all keys but the first denied");
	equal(key_alloc(0, 0), 1, "the first key is 1");
	equal(rights(), INITIAL & ~(3 << 2), "and it is allowed");
	equal(key_alloc(0, NO_ACCESS), 2, "the next is 2");
	equal(key_alloc(0, NO_WRITE), 3, "then comes 3");
	equal(key_alloc(0, NO_ACCESS | NO_WRITE), 4, "then 4");
	equal(rights() >> 2 & 0xff, 0xe4, "each has the rights that were asked for");
	equal(key_free(2), 0, "a key is freed");
	fails(key_free(2), EINVAL, "once");
	equal(rights() >> 4 & 3, 1, "which leaves its rights");
	equal(key_alloc(0, 0), 2, "the lowest free one comes first");
	int count = 4;
	while (key_alloc(0, 0) > 0)
		count++;
	equal(errno, ENOSPC, "in the end none is left");
	equal(count, 15, "after fifteen");
	equal(rights(), 3 << 8 | 2 << 6, "and all is as asked for");
	equal(key_free(0), 0, "even the first key can be freed");
	equal(key_alloc(0, 0), 0, "and allocated");
}

CASE(protection)
{
	char *memory = map(4, PROT_READ | PROT_WRITE);
	equal(protect(memory, 4 * PAGE, PROT_READ, -1), 0, "with the key -1, pkey_mprotect is mprotect");
	equal(size_of(memory), 16, "all pages are one area");
	fails(protect(memory, PAGE, PROT_READ, 1), EINVAL, "a key that was not allocated is refused");
	fails(protect(memory, PAGE, PROT_READ, -2), EINVAL, "as is one below -1");
	fails(protect(memory, PAGE, PROT_READ, 16), EINVAL, "and one above 15");
	fails(protect(memory, PAGE, PROT_READ | 0x100, -1), EINVAL, "a right that there is not is refused");
	equal(protect(memory, 0, PROT_READ, 77), 0, "for nothing, any key does");
	fails(protect(memory + 1, 0, PROT_READ, -1), EINVAL, "but not any address");
	equal(key_of(memory), has_keys() ? 0 : -1, "smaps tells the key where the processor has them");
	if (!has_keys()) {
		fails(protect(memory, PAGE, PROT_READ, 0), EINVAL, "without keys, the first is not to be given either");
		return;
	}
	int key = key_alloc(0, 0), other = key_alloc(0, 0);
	equal(protect(memory + PAGE, PAGE, PROT_READ, key), 0, "a page is given a key");
	equal(key_of(memory + PAGE), key, "smaps tells it");
	equal(size_of(memory + PAGE), 4, "an area of its own now");
	equal(key_of(memory + 2 * PAGE), 0, "what is behind has none");
	equal(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE), 0, "mprotect changes what it allows");
	equal(key_of(memory + PAGE), key, "and keeps the key");
	equal(protect(memory + PAGE, PAGE, PROT_READ, other), 0, "another key takes its place");
	equal(protect(memory + 2 * PAGE, PAGE, PROT_READ, other), 0, "its neighbour gets that too");
	equal(size_of(memory + PAGE), 8, "and both are one area");
	equal(key_free(other), 0, "a key can be freed that memory has");
	equal(key_of(memory + PAGE), other, "which keeps it");
	fails(protect(memory, PAGE, PROT_READ, other), EINVAL, "but nothing is given it any more");
	fails(protect(NULL, PAGE, PROT_READ, other), EINVAL, "which comes before there being nothing");
	fails(protect(NULL, PAGE, PROT_READ, key), ENOMEM, "with a key, that is told");
	equal(protect(memory, 4 * PAGE, PROT_READ, 0), 0, "the first key is given back");
	equal(size_of(memory + PAGE), 16, "and all is one area again");

	char *moved = with_key(key);
	char *grown = mremap(moved, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	require(grown != MAP_FAILED);
	equal(key_of(grown), key, "what moves keeps its key");
	equal(size_of(grown), 8, "and grows with it");
	require(mmap(grown, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == grown);
	equal(key_of(grown), 0, "what is mapped in its place has none");
	char *discarded = with_key(key);
	require(madvise(discarded, PAGE, MADV_DONTNEED) == 0);
	deny(key, NO_ACCESS);
	catch_faults();
	equal(touch(discarded, 'r'), BY_KEY, "what was thrown away still has its key");
}

CASE(faults)
{
	if (!has_keys())
		return;
	catch_faults();
	int key = key_alloc(0, 0);
	char *memory = with_key(key);
	equal(touch(memory, 'w'), 0, "what the key allows is written");
	deny(key, NO_WRITE);
	equal(touch(memory, 'r'), 0, "without the right to write it is read");
	equal(touch(memory, 'w'), BY_KEY, "and not written");
	equal(fault_key, key, "the signal tells the key");
	equal(fault_trap, 14, "it was a page fault");
	equal(fault_error, 0x27, "by the key: a write by the program, to a page that is there");
	deny(key, NO_ACCESS);
	equal(touch(memory, 'r'), BY_KEY, "without access it is not even read");
	equal(fault_error, 0x25, "which was a read");
	equal(touch(memory, 'w'), BY_KEY, "nor written");
	equal(touch(memory + PAGE, 'w'), 0, "the next page has another key");
	deny(key, 0);
	equal(touch(memory, 'w'), 0, "with all rights it is as before");

	char *fresh = map(2, PROT_READ | PROT_WRITE);
	require(protect(fresh, PAGE, PROT_READ | PROT_WRITE, key) == 0);
	deny(key, NO_ACCESS);
	equal(touch(fresh, 'r'), BY_KEY, "a page that is not there yet is protected as well");
	equal(fault_error, 4, "as the kernel finds");
	equal(fault_key, key, "and tells");
	deny(key, NO_WRITE);
	equal(touch(fresh, 'w'), BY_KEY, "also from being written");
	equal(fault_error, 6, "which is a write");
	equal(touch(fresh, 'r'), 0, "it can be read");
	equal(touch(fresh, 'w'), BY_KEY, "and then still not be written");

	require(mprotect(memory, PAGE, PROT_READ) == 0);
	equal(touch(memory, 'w'), BY_KEY, "where both the mapping and the key forbid it, it is the key");
	deny(key, 0);
	equal(touch(memory, 'w'), BY_MAPPING, "else the mapping");
	equal(fault_key, 0, "and no key is told");
	require(mprotect(memory, PAGE, PROT_NONE) == 0);
	equal(touch(memory, 'r'), BY_MAPPING, "without any right it is the mapping");
	deny(key, NO_ACCESS);
	equal(touch(memory, 'r'), BY_KEY, "unless the key forbids it too");
	equal(touch(memory, 'x'), BY_MAPPING, "a key says nothing of execution");
	equal(touch((void *)8, 'r'), SIGSEGV * 100 + SEGV_MAPERR, "nor of what is not mapped");

	char *code = with_key(key);
	deny(key, 0);
	code[0] = (char)0xc3;
	require(protect(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, key) == 0);
	deny(key, NO_ACCESS);
	equal(touch(code, 'x'), 0, "code is executed that cannot be read");
	equal(touch(code, 'r'), BY_KEY, "as it cannot");

	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(shared != MAP_FAILED && protect(shared, PAGE, PROT_READ | PROT_WRITE, key) == 0);
	equal(touch(shared, 'w'), BY_KEY, "shared memory is protected");
	equal(in_child(deny(key, 0), *shared = 5), 0, "from the thread that is denied it");
	deny(key, 0);
	equal(*shared, 5, "not from another");
}

CASE(calls)
{
	if (!has_keys())
		return;
	int key = key_alloc(0, 0), ends[2], zero = open("/dev/zero", O_RDONLY);
	char *memory = with_key(key), *fresh = map(1, PROT_READ | PROT_WRITE);
	require(pipe(ends) == 0 && zero != -1 && protect(fresh, PAGE, PROT_READ | PROT_WRITE, key) == 0);
	strcpy(memory, "/");
	deny(key, NO_WRITE);
	equal(write(ends[1], memory, 1), 1, "what can be read is written to a pipe");
	fails(read(ends[0], memory, 1), EFAULT, "but not read into");
	fails(read(zero, fresh, 1), EFAULT, "nor where no page is yet");
	fails(syscall(SYS_getcwd, memory, PAGE), EFAULT, "getcwd does not write there");
	fails(syscall(SYS_uname, memory), EFAULT, "nor does uname");
	equal(access(memory, F_OK), 0, "a path can be there");
	deny(key, NO_ACCESS);
	fails(access(memory, F_OK), EFAULT, "unless there is no access");
	fails(write(ends[1], memory, 1), EFAULT, "then nothing is written from there");
	fails(write(ends[1], fresh, 1), EFAULT, "nor from where no page is yet");
	fails(syscall(SYS_nanosleep, memory, NULL), EFAULT, "nor are times read");
	fails(syscall(SYS_futex, memory, FUTEX_WAIT_PRIVATE, 0, NULL), EFAULT, "nor is waited for it");
	fails(syscall(SYS_futex, memory, FUTEX_WAKE, 1), EFAULT, "or shared with others");
	equal(syscall(SYS_futex, memory, FUTEX_WAKE_PRIVATE, 1), 0, "whom nobody waits for can be woken");
	fails(syscall(SYS_rt_sigprocmask, SIG_BLOCK, memory, NULL, 8), EFAULT, "no mask is read");
	deny(key, 0);
	char *end = map(2, PROT_READ | PROT_WRITE);
	require(protect(end + PAGE, PAGE, PROT_READ | PROT_WRITE, key) == 0);
	make_file("file", "sixteen letters and some more that are not read");
	int file = open("file", O_RDWR);
	require(file != -1);
	deny(key, NO_ACCESS);
	equal(write(file, end + PAGE - 16, 32), 16, "what comes before is written to a file");
	equal(read(file, end + PAGE - 16, 32), 16, "or read from it");
	fails(madvise(memory, PAGE, POPULATE_READ), EINVAL, "madvise makes no pages be there that are denied");
	fails(madvise(memory, PAGE, POPULATE_WRITE), EINVAL, "neither to be written");
	fails(mlock(memory, PAGE), ENOMEM, "nor does mlock");
	deny(key, NO_WRITE);
	fails(madvise(memory, PAGE, POPULATE_WRITE), EINVAL, "where writing is denied, not to be written");
	equal(madvise(memory, PAGE, POPULATE_READ), 0, "but to be read");
	deny(key, 0);
	equal(read(zero, memory, PAGE), PAGE, "with all rights, all is well");
}

static long said_by(const char *part)
{
	int ends[2];
	require(pipe(ends) == 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], 1);
		execl(tap_program, tap_program, part, NULL);
		_exit(99);
	}
	close(ends[1]);
	char text[32] = "";
	ssize_t n = read(ends[0], text, sizeof text - 1);
	close(ends[0]);
	require(ended_with(child) == 0 && n > 0);
	return strtol(text, NULL, 0);
}

static void *in_thread(void *argument)
{
	(void)argument;
	unsigned before = rights();
	set_rights(0);
	return (void *)(long)before;
}

CASE(inheritance)
{
	if (!has_keys())
		return;
	int key = key_alloc(0, NO_WRITE);
	char *memory = with_key(0);
	require(protect(memory, PAGE, PROT_READ | PROT_WRITE, key) == 0);
	unsigned mine = rights();
	equal(in_child(_exit(rights() == mine)), 1, "a child has its parent's rights");
	equal(in_child(_exit(key_alloc(0, 0))), key + 1, "and its keys");
	equal(in_child(_exit(key_of(memory))), key, "as has its memory");
	equal(in_child(*memory = 1), 128 + SIGSEGV, "which it cannot write to either");
	equal(in_child(_exit(key_free(key))), 0, "it can free a key");
	fails(protect(NULL, PAGE, PROT_READ, key), ENOMEM, "that its parent still has");
	pthread_t thread;
	void *result = NULL;
	require(pthread_create(&thread, NULL, in_thread, NULL) == 0 && pthread_join(thread, &result) == 0);
	equal((long)result, mine, "a thread begins with the rights of the one that made it");
	equal(rights(), mine, "and changes its own only");
	equal(said_by("@rights"), INITIAL, "another program begins anew");
	equal(said_by("@key"), 1, "with all keys free");

	/* The reader's own rights, by which the key is denied, say nothing of another process's memory. */
	int ready[2], go[2];
	char byte = 0, path[64];
	require(pipe(ready) == 0 && pipe(go) == 0);
	pid_t child = fork();
	if (child == 0) {
		deny(key, 0);
		uintptr_t top = ((uintptr_t)tap_program & -PAGE) - 4 * PAGE;
		byte = protect((void *)top, 5 * PAGE, PROT_READ | PROT_WRITE, key) == 0;
		write(ready[1], &byte, 1);
		read(go[0], &byte, 1);
		_exit(0);
	}
	require(read(ready[0], &byte, 1) == 1 && byte == 1);
	deny(key, NO_ACCESS);
	snprintf(path, sizeof path, "/proc/%d/cmdline", child);
	const char *line = contents_of(path);
	same(line, tap_program, "the arguments of a process can be read, whatever key they have");
	write(go[1], &byte, 1);
	equal(ended_with(child), 0, "and it ends well");
}

/* The code of a function that gives 42. */
static const unsigned char answer[] = { 0xb8, 42, 0, 0, 0, 0xc3 };

static char *code_file(int *fd)
{
	*fd = open("code", O_CREAT | O_RDWR, 0700);
	require(*fd != -1 && write(*fd, answer, sizeof answer) == sizeof answer);
	char *code = mmap(NULL, PAGE, PROT_EXEC, MAP_PRIVATE, *fd, 0);
	require(code != MAP_FAILED);
	return code;
}

CASE(execute_only)
{
	int fd;
	char *code = code_file(&fd);
	equal(((int (*)(void))code)(), 42, "what can only be executed is executed");
	if (!has_keys()) {
		equal(code[1], 42, "without keys it can be read too");
		equal(key_of(code), -1, "and smaps tells none");
		return;
	}
	catch_faults();
	equal(key_of(code), 1, "it has the first free key");
	equal(touch(code, 'r'), BY_KEY, "it cannot be read");
	equal(fault_key, 1, "for that key");
	equal(touch(code, 'w'), BY_KEY, "or written");
	int ends[2];
	require(pipe(ends) == 0);
	fails(write(ends[1], code, 1), EFAULT, "nor do calls read it");
	fails(mlock(code, PAGE), ENOMEM, "it cannot be locked");
	fails(key_free(1), EINVAL, "the key cannot be freed");
	char *memory = map(2, PROT_READ);
	fails(protect(memory, PAGE, PROT_READ, 1), EINVAL, "or given to other memory");
	equal(key_alloc(0, 0), 2, "or allocated");
	equal(mprotect(memory, PAGE, PROT_EXEC), 0, "more can become execute-only");
	equal(key_of(memory), 1, "with the same key");
	equal(mprotect(memory, PAGE, PROT_READ | PROT_EXEC), 0, "and readable again");
	equal(key_of(memory), 0, "with none");
	equal(touch(memory, 'r'), 0, "so that it is read");
	require(mprotect(memory, PAGE, PROT_EXEC) == 0 && mprotect(memory, PAGE, PROT_NONE) == 0);
	equal(key_of(memory), 0, "without any right it has none");
	require(mprotect(memory, PAGE, PROT_EXEC) == 0);
	equal(size_of(memory), 4, "it is an area apart from what has another key");

	set_rights(0);
	equal(touch(code, 'r'), 0, "the program can give itself the right");
	equal(mprotect(memory, PAGE, PROT_EXEC), 0, "when something becomes execute-only");
	equal(rights(), NO_ACCESS << 2, "it is taken away");
	set_rights(NO_WRITE << 2);
	require(mprotect(memory, PAGE, PROT_EXEC) == 0);
	equal(rights(), NO_ACCESS << 2, "also where only writing was denied");
	set_rights((NO_ACCESS | NO_WRITE) << 2);
	require(mmap(NULL, PAGE, PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	equal(rights(), (NO_ACCESS | NO_WRITE) << 2, "and left as it is where reading was");

	equal(protect(memory, PAGE, PROT_EXEC, 2), 0, "a key that is named is given to execute-only memory");
	equal(key_of(memory), 2, "as it is");
	equal(mprotect(memory, PAGE, PROT_READ), 0, "mprotect");
	equal(key_of(memory), 2, "keeps it");
	equal(mprotect(memory, PAGE, PROT_EXEC), 0, "but where it makes memory execute-only");
	equal(key_of(memory), 1, "gives that key");
	equal(protect(memory, PAGE, PROT_READ, 2), 0, "one that is named takes its place");
	equal(key_of(memory), 2, "at once");
	equal(in_child(_exit(mprotect(memory, PAGE, PROT_EXEC) == 0 ? key_of(memory) : 99)), 1, "a child has the same key for it");
	fails(mprotect(NULL, PAGE, PROT_EXEC), ENOMEM, "where nothing is, nothing becomes execute-only");
}

CASE(no_key_left)
{
	if (!has_keys())
		return;
	while (key_alloc(0, 0) > 0)
		;
	int fd;
	char *code = code_file(&fd);
	equal(key_of(code), 0, "with all keys allocated, execute-only memory gets none");
	equal(code[1], 42, "and can be read");
	equal(key_free(7), 0, "when one is freed");
	char *more = mmap(NULL, PAGE, PROT_EXEC, MAP_PRIVATE, fd, 0);
	equal(key_of(more), 7, "what is mapped next gets it");
	equal(rights() >> 14 & 3, NO_ACCESS, "and it is denied");
	equal(key_of(code), 0, "what was there does not");
	equal(mprotect(code, PAGE, PROT_EXEC), 0, "until it is asked for");
	equal(key_of(code), 7, "again");
}

/* Handlers. */

static volatile unsigned in_handler, in_frame, control;
static volatile int change;

static unsigned *frame_rights(ucontext_t *user)
{
	unsigned a, offset = 0, c, d;
	__cpuid_count(13, 9, a, offset, c, d);
	return (unsigned *)((char *)user->uc_mcontext.fpregs + offset);
}

enum { NOTHING, REGISTER, FRAME, COMPONENT, SOFTWARE, MAGIC, ALL };

static void handle(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info;
	in_handler = rights();
	__asm__ volatile("stmxcsr %0" : "=m"(control));
	ucontext_t *user = context;
	char *state = (char *)user->uc_mcontext.fpregs;
	in_frame = *frame_rights(user);
	switch (change) {
	case REGISTER: set_rights(0x11111110); break;
	case FRAME: *frame_rights(user) = 0x30; break;
	case COMPONENT: *(uint64_t *)(state + 512) &= ~(1ull << 9); break;
	case SOFTWARE: *(uint64_t *)(state + 464 + 8) &= ~(1ull << 9); break;
	case MAGIC: *(unsigned *)(state + 464) = 0; break;
	case ALL: user->uc_mcontext.fpregs = NULL; break;
	}
}

static unsigned after(int what)
{
	set_rights(0x40);
	change = what;
	raise(SIGUSR1);
	return rights();
}

CASE(handlers)
{
	if (!has_keys())
		return;
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };
	sigaction(SIGUSR1, &action, NULL);
	unsigned rounding = 0x7f80, back;
	__asm__ volatile("ldmxcsr %0" : : "m"(rounding));
	equal(after(NOTHING), 0x40, "a handler's return gives the rights back");
	__asm__ volatile("stmxcsr %0" : "=m"(back));
	equal(in_handler, INITIAL, "it began with the initial ones");
	equal(in_frame, 0x40, "the program's are in the frame");
	equal(control, 0x1f80, "floating point is at its initial state too");
	equal(back, rounding, "and comes back");
	equal(after(REGISTER), 0x40, "what the handler changes for itself is gone afterwards");
	equal(after(FRAME), 0x30, "what it changes in the frame is there");
	equal(after(COMPONENT), 0, "where the frame says there are none, all is allowed");
	equal(after(SOFTWARE), 0, "also where it says so for the kernel");
	equal(after(MAGIC), 0, "or has the short form");
	equal(after(ALL), INITIAL, "without any state they are the initial ones");

	int key = key_alloc(0, 0);
	char *stack = map(16, PROT_READ | PROT_WRITE);
	require(protect(stack, 16 * PAGE, PROT_READ | PROT_WRITE, key) == 0);
	stack_t alternate = { .ss_sp = stack, .ss_size = 16 * PAGE };
	require(sigaltstack(&alternate, NULL) == 0);
	action.sa_flags |= SA_ONSTACK;
	sigaction(SIGUSR1, &action, NULL);
	equal(in_child(raise(SIGUSR1)), 128 + SIGSEGV, "on a stack whose key is denied at first, a handler ends the program");
	deny(key, NO_WRITE);
	equal(in_child(raise(SIGUSR1)), 128 + SIGSEGV, "as it does where its frame cannot be written");
	deny(key, 0);
	require(protect(stack, 16 * PAGE, PROT_READ | PROT_WRITE, 0) == 0);
	equal(in_child(raise(SIGUSR1)), 0, "without a key it runs");
}

CASE(told_by_the_processor)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	require(file != NULL);
	static char line[8192];
	int told = 0;
	while (fgets(line, sizeof line, file))
		if (strncmp(line, "flags", 5) == 0)
			told = (strstr(line, " pku") != NULL) + 2 * (strstr(line, " ospke") != NULL);
	fclose(file);
	unsigned a, b, c = 0, d;
	__get_cpuid_count(7, 0, &a, &b, &c, &d);
	equal(told, (c >> 3 & 1) + 2 * (c >> 4 & 1), "cpuinfo says what the processor says");
	equal(c >> 3 & 1, c >> 4 & 1, "keys are used where there are any");
}

static int role(int argc, char **argv, char **environment)
{
	(void)argc, (void)environment;
	if (strcmp(argv[1], "@rights") == 0)
		printf("%#x", rights());
	else if (strcmp(argv[1], "@key") == 0)
		printf("%ld", key_alloc(0, 0));
	return 0;
}

SUITE_WITH_ROLES(RUN(allocation), RUN(protection), RUN(faults), RUN(calls), RUN(inheritance), RUN(execute_only), RUN(no_key_left),
		 RUN(handlers), RUN(told_by_the_processor))
