/* System calls without the C library: no errno, no cancellation, no stack in a child that shares it. */
#include "fuzz.h"

#include <sys/syscall.h>

long raw_six(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

/* A call that may return twice: the second, in the child, ends at once and touches no memory. */
long raw_spawn(long number, const uint64_t *values)
{
	register uint64_t r10 __asm__("r10") = values[3], r8 __asm__("r8") = values[4], r9 __asm__("r9") = values[5];
	long result;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov $60, %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(result)
			 : "a"(number), "D"(values[0]), "S"(values[1]), "d"(values[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* `rt_sigreturn` from a frame of our own making; comes back only where the frame says so, so it belongs in a child. */
long raw_sigreturn(const void *frame)
{
	__asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall\n\tmov $60, %%eax\n\tmov $1, %%edi\n\tsyscall" : : "r"(frame) : "memory");
	__builtin_unreachable();
}

/* A thread that shares everything; it never returns from `body`. */
long start_thread(void (*body)(struct context *), struct context *context, char *stack_end)
{
	/* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM */
	register uint64_t r10 __asm__("r10") = 0, r8 __asm__("r8") = 0;
	register void *r12 __asm__("r12") = (void *)body, *r13 __asm__("r13") = context;
	long result;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(result)
			 : "a"(SYS_clone), "D"(0x50f00), "S"(stack_end), "d"(0), "r"(r10), "r"(r8), "r"(r12), "r"(r13)
			 : "rcx", "r11", "memory");
	return result;
}
