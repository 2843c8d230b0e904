/* What keeps a program that was taken over, or is hostile, from getting further: each line is attempted. */
#include "tap.h"
#include <dirent.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE 4096L

static void become(unsigned id)
{
	if (setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0)
		_exit(99);
}

/* Execution. */

static volatile sig_atomic_t fault_code;
static void *volatile fault_address;
static sigjmp_buf after_fault;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	fault_code = signal * 100 + info->si_code;
	fault_address = info->si_addr;
	siglongjmp(after_fault, 1);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	sigaction(SIGSEGV, &action, NULL), sigaction(SIGBUS, &action, NULL), sigaction(SIGILL, &action, NULL);
}

/* Calls an instruction, a return; gives 0, or 100 times the signal and its code. */
static long call(void *instruction)
{
	fault_code = 0;
	if (sigsetjmp(after_fault, 1) == 0)
		((void (*)(void))instruction)();
	return fault_code && fault_address != instruction ? -1 : fault_code;
}

static unsigned char in_data[16] = { 0xc3 };
static const unsigned char in_constants[16] = { 0xc3 };
static unsigned char in_bss[16];

CASE(execution)
{
	const long refused = SIGSEGV * 100 + SEGV_ACCERR;
	catch_faults();
	volatile unsigned char on_stack[16] = { 0xc3 };
	unsigned char *heap = malloc(16), *mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *broken = (void *)syscall(SYS_brk, 0);
	require(syscall(SYS_brk, broken + PAGE) == (long)(broken + PAGE));
	heap[0] = mapped[0] = broken[0] = in_bss[0] = 0xc3;
	equal(call((void *)on_stack), refused, "the stack is not executed");
	equal(call(heap), refused, "nor is what malloc gives");
	equal(call(broken), refused, "nor the heap");
	equal(call(mapped), refused, "nor a mapping that can be written");
	equal(call(in_data), refused, "nor data");
	equal(call(in_bss), refused, "nor data that begin as zeroes");
	equal(call((void *)in_constants), refused, "nor constants");
	require(mprotect(mapped, PAGE, PROT_READ) == 0);
	equal(call(mapped), refused, "nor what can only be read");
	require(mprotect(mapped, PAGE, PROT_READ | PROT_EXEC) == 0);
	equal(call(mapped), 0, "but what the program makes executable");
	require(mprotect(mapped, PAGE, PROT_READ | PROT_WRITE) == 0);
	equal(call(mapped), refused, "until it takes that back");
}

/* The stack. */

CASE(stack_guard)
{
	volatile unsigned long *reached = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long here = (unsigned long)__builtin_frame_address(0) & -PAGE;
	unsigned long wall = here - (4L << 20);
	equal(in_child(require(mmap((void *)wall, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)wall);
		       for (volatile char *at = (void *)here;; at -= PAGE) { *at = 1; *reached = (unsigned long)at; }),
	      128 + SIGSEGV, "a stack that grows towards a mapping ends with SIGSEGV");
	equal((*reached & -PAGE) - (wall + PAGE), 256 * PAGE, "a MiB before it");
	equal(in_child(struct rlimit limit = { 1 << 20, 1 << 20 }; setrlimit(RLIMIT_STACK, &limit); *reached = 0;
		       for (volatile char *at = (void *)here;; at -= PAGE) { *at = 1; *reached = (unsigned long)at; }),
	      128 + SIGSEGV, "so does one that reaches its limit");
	check(here - *reached <= 1 << 20, "not beyond it");
	char *high = mmap((void *)(here - (64L << 10)), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(high == MAP_FAILED || (unsigned long)high + PAGE <= here - (1L << 20), "a mapping without an address goes elsewhere");
}

/* Randomness. */

struct places {
	unsigned long mapping, stack, heap, vdso;
};

static int role(int argc, char **argv, char **environment)
{
	(void)argc, (void)argv, (void)environment;
	struct places found = {
		.mapping = (unsigned long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		.stack = (unsigned long)__builtin_frame_address(0),
		.heap = (unsigned long)sbrk(0),
		.vdso = getauxval(AT_SYSINFO_EHDR),
	};
	return write(1, &found, sizeof found) != sizeof found;
}

static int bits_between(unsigned long varied, int low, int high)
{
	int count = 0;
	for (int bit = low; bit <= high; bit++)
		count += varied >> bit & 1;
	return count;
}

CASE(randomness)
{
	/* A random bit is the same in so many runs once in 2 to the 39. */
	enum { RUNS = 40 };
	struct places first, varied = { 0 };
	for (int run = 0; run < RUNS; run++) {
		int pipes[2];
		struct places found;
		require(pipe(pipes) == 0);
		pid_t child = fork();
		if (child == 0) {
			dup2(pipes[1], 1);
			execl(tap_program, tap_program, "@places", NULL);
			_exit(1);
		}
		close(pipes[1]);
		require(read(pipes[0], &found, sizeof found) == sizeof found && ended_with(child) == 0);
		close(pipes[0]);
		if (run == 0)
			first = found;
		varied.mapping |= found.mapping ^ first.mapping, varied.stack |= found.stack ^ first.stack;
		varied.heap |= found.heap ^ first.heap, varied.vdso |= found.vdso ^ first.vdso;
	}
	equal(bits_between(varied.mapping, 12, 39), 28, "mappings are at 2 to the 28 places");
	equal(varied.mapping & (PAGE - 1), 0, "whole pages");
	equal(bits_between(varied.stack, 12, 33), 22, "the stack at 2 to the 22 pages");
	equal(bits_between(varied.stack, 4, 11), 8, "and anywhere in its page");
	equal(varied.stack & 15, 0, "aligned to 16 bytes");
	equal(bits_between(varied.heap, 12, 24), 13, "the heap at 2 to the 13 pages behind the program");
	equal(bits_between(varied.vdso, 12, 33), 22, "the vDSO where nobody knows");
}

/* Pointers of the kernel. */

/* How many of the characters at the beginning of a text, which need not end with a zero, are among these. */
static size_t run_of(const char *among, const char *text, size_t length)
{
	size_t run = 0;
	while (run < length && text[run] && strchr(among, text[run]))
		run++;
	return run;
}

/* Where a text shows an address of the kernel's half: 16 hexadecimal digits, the first five of which say so, or 20 decimal ones. */
static const char *kernel_pointer(const char *text, size_t length)
{
	for (size_t at = 0; at + 16 <= length; at++) {
		size_t digits = run_of("0123456789", text + at, length - at);
		/* From 2^64 - 2^47 on, but for the last ones: `shmall` is so large. */
		if (digits == 20 && strncmp(text + at, "18446603336221196288", 20) >= 0 && strncmp(text + at, "18446744073692774399", 20) < 0)
			return text + at;
		digits = run_of("0123456789abcdefABCDEF", text + at, length - at);
		if (digits == 16 && strncasecmp(text + at, "ffff", 4) == 0 && strchr("89abcdefABCDEF", text[at + 4]) &&
		    strncmp(text + at, "ffffffffffff", 12) != 0 && strncmp(text + at, "ffffffffff60", 12) != 0)
			return text + at;
		at += digits;
	}
	return NULL;
}

static char shown_in[PATH_MAX], shown[20];
static int files_read;

static void look_into(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return;
	ssize_t length = read(fd, text, sizeof text);
	close(fd);
	files_read += length > 0;
	const char *found = length > 0 ? kernel_pointer(text, length) : NULL;
	if (found && !shown_in[0])
		snprintf(shown_in, sizeof shown_in, "%s", path), snprintf(shown, sizeof shown, "%.16s", found);
}

static void walk(const char *folder, int depth)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;
	while (directory && (entry = readdir(directory))) {
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%.2000s/%s", folder, entry->d_name);
		int other = entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && depth == 0 && strcmp(entry->d_name, "1");
		if (entry->d_name[0] == '.' || other || strcmp(entry->d_name, "task") == 0 || depth > 6)
			continue;
		if (entry->d_type == DT_DIR)
			walk(path, depth + 1);
		else if (entry->d_type == DT_REG)
			look_into(path);
	}
	if (directory)
		closedir(directory);
}

CASE(pointers_of_the_kernel)
{
#define SHOWS(text) (kernel_pointer(text, sizeof text - 1) != NULL)
	require(SHOWS("0 ffffffff81000000 T") && SHOWS("ffff800000000000") && SHOWS("FFFF888001234567"));
	require(!SHOWS("ffffffff81000") && !SHOWS("0000000081000000") && !SHOWS("ffff700000000000") && !SHOWS("ffffffffffffffff"));
	require(SHOWS("= 18446744071578845184\n") && SHOWS("18446603336221196288") && !SHOWS("18446603336221196287"));
	require(!SHOWS("18446744073692774399") && !SHOWS("118446744071578845184"));
	/* What lies behind the end is not looked at. */
	require(!kernel_pointer("18446744071578845184", 19) && kernel_pointer("184467440715788451845", 20));
	become(1000);
	walk("/proc", 0);
	walk("/proc/self", 1);
	check(files_read > 100, "somebody without rights reads much of /proc");
	if (!check(!shown_in[0], "and finds no address of the kernel"))
		tap_print("    # %s in %s\n", shown, shown_in);
}

CASE(the_log)
{
	char buffer[4096];
	same(contents_of("/proc/sys/kernel/dmesg_restrict"), "1\n", "reading the log takes a privilege");
	check(klogctl(3, buffer, sizeof buffer) > 0, "which the superuser has");
	equal(in_child(become(1000); _exit(klogctl(3, buffer, sizeof buffer) < 0 ? errno : 0)), EPERM, "and others don't");
	equal(in_child(become(1000); _exit(klogctl(10, NULL, 0) < 0 ? errno : 0)), EPERM, "nor may they ask how large it is");
	equal(in_child(become(1000); _exit(klogctl(5, NULL, 0) < 0 ? errno : 0)), EPERM, "nor clear it");
	equal(in_child(become(1000); _exit(open("/proc/kmsg", O_RDONLY) < 0 ? errno : 0)), EACCES, "nor open /proc/kmsg");
	int fd = open("/proc/sys/kernel/dmesg_restrict", O_WRONLY);
	require(write(fd, "0", 1) == 1);
	equal(in_child(become(1000); _exit(klogctl(3, buffer, sizeof buffer) < 0 ? errno : 0)), 0, "without the restriction they read it");
	equal(in_child(become(1000); _exit(klogctl(5, NULL, 0) < 0 ? errno : 0)), EPERM, "and don't clear it");
	equal(in_child(become(1000); _exit(klogctl(2, buffer, 1) < 0 ? errno : 0)), EPERM, "nor take its lines away");
	equal(in_child(become(1000); int own = open("/proc/sys/kernel/dmesg_restrict", O_WRONLY); _exit(own < 0 ? errno : 0)), EACCES, "nor lift it themselves");
	require(write(fd, "1", 1) == 1);
}

/* Descriptor tables. */

static long tried(void (*instruction)(void *), void *result)
{
	memset(result, 0xaa, 16);
	fault_code = 0;
	if (sigsetjmp(after_fault, 1) == 0)
		instruction(result);
	return fault_code;
}

static void store_gdt(void *to) { asm volatile("sgdt (%0)" : : "r"(to) : "memory"); }
static void store_idt(void *to) { asm volatile("sidt (%0)" : : "r"(to) : "memory"); }
static void store_status(void *to) { asm volatile("smsww (%0)" : : "r"(to) : "memory"); }
static void store_ldt(void *to) { asm volatile("sldtw (%0)" : : "r"(to) : "memory"); }
static void store_task(void *to) { asm volatile("strw (%0)" : : "r"(to) : "memory"); }
static void status_register(void *to) { asm volatile("smsw %%rax\n\tmov %%rax, (%0)" : : "r"(to) : "rax", "memory"); }
static void ldt_register(void *to) { asm volatile("sldt %%eax\n\tmov %%rax, (%0)" : : "r"(to) : "rax", "memory"); }
static void far_operand(void *to) { asm volatile("sgdt 0x7f(%0,%1,8)" : : "r"((char *)to - 0x7f - 80), "r"(10L) : "memory"); }

CASE(descriptor_tables)
{
	catch_faults();
	unsigned char result[16];
	unsigned short limit, word;
	unsigned long base;
#define SPLIT (memcpy(&limit, result, 2), memcpy(&base, result + 2, 8), memcpy(&word, result, 2))
	equal(tried(store_gdt, result), 0, "SGDT does not fault"), SPLIT;
	equal(base, 0xfffffffffffe0000, "it gives an address that nothing is at");
	equal(limit, 0, "and no limit");
	equal(tried(store_idt, result), 0, "SIDT does not either"), SPLIT;
	equal(base, 0xffffffffffff0000, "it gives another");
	equal(limit, 0, "and no limit");
	equal(tried(store_status, result), 0, "nor SMSW"), SPLIT;
	equal(word, 0x33, "it gives what every system has");
	equal(tried(status_register, result), 0, "to a register"), memcpy(&base, result, 8);
	equal(base, 0x80050033, "all of it");
	equal(tried(store_ldt, result), 0, "nor SLDT"), SPLIT;
	equal(word, 0, "it gives none");
	equal(tried(ldt_register, result), 0, "to a register"), memcpy(&base, result, 8);
	equal(base, 0, "none either");
	equal(tried(store_task, result), 0, "nor STR"), SPLIT;
	equal(word, 0x40, "it gives a constant");
	equal(tried(far_operand, result), 0, "an operand may have every form"), SPLIT;
	equal(base, 0xfffffffffffe0000, "and is written all the same");
	fault_code = 0;
	if (sigsetjmp(after_fault, 1) == 0)
		store_gdt((void *)8);
	equal(fault_code, SIGSEGV * 100 + SEGV_MAPERR, "a bad one faults");
	equal((long)fault_address, 8, "as an access of the program's");
}

SUITE_WITH_ROLES(RUN(execution), RUN(stack_guard), RUN(randomness), RUN(pointers_of_the_kernel), RUN(the_log), RUN(descriptor_tables))
