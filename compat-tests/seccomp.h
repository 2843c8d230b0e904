/* What the programs about seccomp(2) have in common: filters as lists of instructions, and calls past the C library. */
#ifndef SECCOMP_H
#define SECCOMP_H

#include "tap.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4)
#endif

enum { AT_NUMBER = 0, AT_ARCH = 4, AT_POINTER = 8, AT_ARGUMENTS = 16 };

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define GIVE(action) BPF_STMT(BPF_RET | BPF_K, action)
#define GIVE_A BPF_STMT(BPF_RET | BPF_A, 0)
/* The action for this call; the next instruction for all others. */
#define ON(number, action) LOAD(AT_NUMBER), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), GIVE(action)
#define ALLOW GIVE(SECCOMP_RET_ALLOW)

static UNUSED long seccomp(unsigned operation, unsigned flags, void *arguments)
{
	return syscall(SYS_seccomp, operation, flags, arguments);
}

static UNUSED long install_code(unsigned flags, struct sock_filter *code, unsigned length)
{
	struct sock_fprog program = { (unsigned short)length, code };
	return seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* Installs a filter of these instructions. */
#define install(flags, ...) \
	({ \
		struct sock_filter code_[] = { __VA_ARGS__ }; \
		install_code(flags, code_, sizeof code_ / sizeof *code_); \
	})

/* A call as the kernel answers it: no errno. */
static UNUSED long raw(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* What getppid gives: the call that the filters here are about. */
static UNUSED long probe(void) { return raw(SYS_getppid, 0, 0, 0, 0, 0, 0); }

/* A line of /proc/PID/status, as a number; -1 without it. */
static UNUSED long status_line(const char *process, const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%s/status", process);
	const char *text = contents_of(path), *line = text ? strstr(text, name) : NULL;
	return line ? strtol(line + strlen(name), NULL, 10) : -1;
}

#endif
