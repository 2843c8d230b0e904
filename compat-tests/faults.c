/* What a program's own mistakes give: the signal, its code, the address. */
#include "tap.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

#define PAGE 4096

static sigjmp_buf after;
static volatile int number, code, trap, error_code;
static void *volatile address;

static void catch(int signal, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	number = signal, code = info->si_code, address = info->si_addr;
	trap = registers[REG_TRAPNO], error_code = registers[REG_ERR];
	siglongjmp(after, 1);
}

/* Runs the statement; the variables above tell how it failed, `number` is 0 when it did not. */
#define attempt(statement) \
	do { \
		number = code = 0; \
		address = NULL; \
		if (sigsetjmp(after, 1) == 0) { \
			statement; \
		} \
	} while (0)

static void catch_all(void)
{
	struct sigaction action = { .sa_sigaction = catch, .sa_flags = SA_SIGINFO };
	int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
	for (int i = 0; i < 5; i++)
		sigaction(signals[i], &action, NULL);
}

CASE(memory)
{
	catch_all();
	volatile char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	attempt(*(volatile char *)8 = 1);
	check(number == SIGSEGV && code == SEGV_MAPERR, "writing where nothing is mapped gives SIGSEGV with SEGV_MAPERR");
	check(address == (void *)8, "and its address");
	check(trap == 14 && (error_code & 7) == 6, "the frame tells a page fault by a user's write");
	attempt(page[100] = 1);
	check(number == SIGSEGV && code == SEGV_ACCERR, "writing what can only be read gives SEGV_ACCERR");
	check(address == page + 100, "and the exact address");
	attempt((void)*(volatile char *)0xffffffff80000000);
	check(number == SIGSEGV && code == SEGV_MAPERR, "reading the kernel's addresses gives SEGV_MAPERR");
	check(address == (void *)0xffffffff80000000, "and that address");
	attempt((void)*(volatile char *)0x8000000000000000);
	check(number == SIGSEGV && code == SI_KERNEL && address == NULL, "a non-canonical address gives SI_KERNEL and no address");
	attempt(((void (*)(void))(uintptr_t)page)());
	check(number == SIGSEGV && code == SEGV_ACCERR && address == page, "executing data gives SEGV_ACCERR");
	check(error_code & 16, "and tells an instruction fetch");
	attempt(__asm__ volatile("hlt"));
	check(number == SIGSEGV && code == SI_KERNEL && trap == 13, "a privileged instruction gives SIGSEGV");
	attempt(__asm__ volatile("outb %%al, $0x80" ::: "memory"));
	check(number == SIGSEGV && trap == 13, "port output gives SIGSEGV");
}

CASE(files)
{
	catch_all();
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	require(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0);
	volatile char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	attempt(map[2 * PAGE - 1] = 'x');
	equal(number, 0, "a mapped file can be written to its end");
	attempt(map[2 * PAGE + 5] = 'x');
	check(number == SIGBUS && code == BUS_ADRERR, "behind its last page it gives SIGBUS with BUS_ADRERR");
	check(address == map + 2 * PAGE + 5, "and the address");
	ftruncate(fd, PAGE);
	attempt((void)map[PAGE]);
	equal(number, SIGBUS, "a page cut off by ftruncate gives SIGBUS, though it was touched before");
	ftruncate(fd, 2 * PAGE);
	attempt((void)map[PAGE]);
	check(number == 0 && map[2 * PAGE - 1] == 0, "after lengthening it is there again, with zeros");
}

CASE(arithmetic)
{
	catch_all();
	volatile int zero = 0, one = 1;
	attempt(one = one / zero);
	check(number == SIGFPE && code == FPE_INTDIV, "division by zero gives SIGFPE with FPE_INTDIV");
	check(address != NULL && trap == 0, "and the instruction's address");
	attempt(__asm__ volatile("ud2"));
	check(number == SIGILL && code == ILL_ILLOPN, "an undefined instruction gives SIGILL with ILL_ILLOPN");
	attempt(__asm__ volatile("int3"));
	check(number == SIGTRAP && code == SI_KERNEL, "int3 gives SIGTRAP with SI_KERNEL");
	attempt(__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop" ::: "memory"));
	check(number == SIGTRAP && code == TRAP_TRACE, "the trap flag gives SIGTRAP with TRAP_TRACE");
}

CASE(uncaught)
{
	volatile int zero = 0, seven = 7;
	equal(in_child(*(volatile char *)8 = 1), 128 + SIGSEGV, "an uncaught SIGSEGV kills");
	equal(in_child(_exit(seven / zero)), 128 + SIGFPE, "an uncaught SIGFPE kills");
	equal(in_child(signal(SIGSEGV, SIG_IGN); *(volatile char *)8 = 1), 128 + SIGSEGV, "an ignored fault kills, too");
	sigset_t set;
	sigfillset(&set);
	equal(in_child(sigprocmask(SIG_BLOCK, &set, NULL); *(volatile char *)8 = 1), 128 + SIGSEGV, "and a blocked one");
	equal(in_child(kill(getpid(), SIGSEGV)), 128 + SIGSEGV, "SIGSEGV can be sent");
	equal(in_child(__asm__ volatile("mov $0x10, %%rsp\n\tpush %%rax" ::: "memory")), 128 + SIGSEGV, "a stack pointer to nothing kills");
	catch_all();
	equal(in_child(__asm__ volatile("mov $0x10, %%rsp\n\tpush %%rax" ::: "memory")), 128 + SIGSEGV,
	      "even with a handler, which has no stack to run on");
}

static int depth(int n)
{
	volatile char room[1024];
	room[0] = n;
	return n == 0 ? room[0] : depth(n - 1) + room[0];
}

CASE(stacks)
{
	static char area[32768];
	stack_t stack = { .ss_sp = area, .ss_size = sizeof area };
	struct sigaction action = { .sa_sigaction = catch, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	equal(in_child(depth(4000)), 0, "the stack grows by itself");
	equal(in_child(depth(100000)), 128 + SIGSEGV, "up to its limit of 8 MiB");
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	attempt(depth(100000));
	equal(number, SIGSEGV, "an overflow can be handled on the alternate stack");
	struct rlimit limit;
	require(getrlimit(RLIMIT_STACK, &limit) == 0);
	equal(limit.rlim_cur, 8 << 20, "RLIMIT_STACK is 8 MiB at first");
	limit.rlim_cur = 32 << 20;
	setrlimit(RLIMIT_STACK, &limit);
	attempt(depth(15000));
	equal(number, 0, "raising the limit lets it grow further");
}

CASE(entries)
{
	catch_all();
	long result = -1;
	__asm__ volatile("syscall" : "=a"(result) : "a"(9999L) : "rcx", "r11", "memory");
	equal(result, -ENOSYS, "an unknown call gives ENOSYS");
	__asm__ volatile("syscall" : "=a"(result) : "a"(-1L) : "rcx", "r11", "memory");
	equal(result, -ENOSYS, "so does call -1");
	uint64_t rcx, r11, before = 0, after_flags = 0;
	__asm__ volatile("syscall" : "=a"(result), "=c"(rcx), "=&r"(r11) : "a"((long)SYS_getpid) : "r11", "memory");
	equal(result, getpid(), "a call's result is in rax");
	__asm__ volatile("stc\n\tpushfq\n\tpop %0\n\tmov %3, %%eax\n\tsyscall\n\tpushfq\n\tpop %1"
			 : "=&r"(before), "=&r"(after_flags), "=&a"(result) : "i"(SYS_getpid) : "rcx", "r11", "memory");
	equal(before & 0xcd5, after_flags & 0xcd5, "a call keeps the flags");
	uint64_t sum = 0;
	__asm__ volatile("mov $1, %%rdi\n\tmov $2, %%rsi\n\tmov $3, %%rdx\n\tmov $4, %%r10\n\tmov $5, %%r8\n\tmov $6, %%r9\n\t"
			 "mov %1, %%eax\n\tsyscall\n\tmov %%rdi, %0\n\tadd %%rsi, %0\n\tadd %%rdx, %0\n\tadd %%r10, %0\n\t"
			 "add %%r8, %0\n\tadd %%r9, %0"
			 : "=&r"(sum) : "i"(SYS_getpid) : "rax", "rdi", "rsi", "rdx", "r10", "r8", "r9", "rcx", "r11", "memory");
	equal(sum, 21, "a call keeps its argument registers");
}

SUITE(RUN(memory), RUN(files), RUN(arithmetic), RUN(uncaught), RUN(stacks), RUN(entries))
