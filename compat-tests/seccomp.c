/* Filters of system calls (seccomp, PR_SET_SECCOMP): the modes, what actions do, who has a filter. */
#include "seccomp.h"
#include <pthread.h>
#include <sys/resource.h>
#include <ucontext.h>

enum { SIGSYS_END = 128 + SIGSYS, SIGKILL_END = 128 + SIGKILL };
#define UNKNOWN_LOW 0x00010000
#define UNKNOWN_ABOVE_LOG 0x7ffd0000
#define UNKNOWN_NEGATIVE 0x80010000

CASE(arguments)
{
	fails(seccomp(4, 0, NULL), EINVAL, "an operation that does not exist is refused");
	fails(seccomp(-1u, 0, NULL), EINVAL, "so is the last number");
	fails(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL, "strict mode takes no flags");
	fails(seccomp(SECCOMP_SET_MODE_STRICT, 0, (void *)1), EINVAL, "and no argument");
	fails(seccomp(SECCOMP_SET_MODE_FILTER, 0x40, NULL), EINVAL, "a flag that does not exist is refused");
	fails(seccomp(SECCOMP_SET_MODE_FILTER, 1u << 31, NULL), EINVAL, "so is the last one");
	fails(seccomp(SECCOMP_SET_MODE_FILTER, 1 << 5, NULL), EINVAL, "WAIT_KILLABLE_RECV is nothing without NEW_LISTENER");
	fails(seccomp(SECCOMP_SET_MODE_FILTER, 1 << 3 | 1, NULL), EINVAL, "NEW_LISTENER does not go with TSYNC");
	for (unsigned flags = 0; flags < 8; flags++)
		fails(seccomp(SECCOMP_SET_MODE_FILTER, flags, NULL), EFAULT, "a program has to be there, whatever of TSYNC, LOG and SPEC_ALLOW");
	fails(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC_ESRCH, NULL), EFAULT, "or of TSYNC_ESRCH");
	fails(prctl(PR_SET_SECCOMP, 0, 0, 0, 0), EINVAL, "prctl knows no mode 0 to be set");
	fails(prctl(PR_SET_SECCOMP, 3, 0, 0, 0), EINVAL, "and no mode 3");
	fails(prctl(PR_SET_SECCOMP, 0x100000002ul, 0, 0, 0), EINVAL, "the mode is a whole word");
	fails(prctl(PR_SET_SECCOMP, 2, NULL, 0, 0), EFAULT, "prctl wants a program too");
	equal(prctl(PR_GET_SECCOMP), 0, "nothing is filtered");
	equal(status_line("self", "\nSeccomp:\t"), 0, "/proc/self/status says so");
	equal(status_line("self", "\nSeccomp_filters:\t"), 0, "and that there are no filters");
}

CASE(questions)
{
	static const unsigned known[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
					  SECCOMP_RET_USER_NOTIF,   SECCOMP_RET_TRACE,	     SECCOMP_RET_LOG,  SECCOMP_RET_ALLOW };
	static const unsigned strange[] = { SECCOMP_RET_ERRNO | 1, UNKNOWN_LOW, UNKNOWN_ABOVE_LOG, UNKNOWN_NEGATIVE, 0x7fff0001, -1u };
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		equal(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, (void *)&known[i]), 0, "an action is there");
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
		fails(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, (void *)&strange[i]), EOPNOTSUPP, "others are not");
	fails(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, (void *)known), EINVAL, "asking takes no flags");
	fails(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, NULL), EFAULT, "but an address");
	unsigned short sizes[4] = { 0, 0, 0, 77 };
	equal(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, sizes), 0, "the sizes of notifications can be asked for");
	check(sizes[0] == 80 && sizes[1] == 24 && sizes[2] == 64 && sizes[3] == 77, "they are 80, 24 and 64");
	fails(seccomp(SECCOMP_GET_NOTIF_SIZES, 1, sizes), EINVAL, "without flags");
	fails(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, NULL), EFAULT, "with an address");
}

CASE(privileges)
{
	equal(install(0, ALLOW), 0, "the superuser installs a filter");
	equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0, "without giving up new privileges");
	equal(prctl(PR_GET_SECCOMP), 2, "it is in filter mode then");
	require(setuid(1000) == 0);
	struct sock_fprog none = { 0, NULL }, one = { 1, NULL }, many = { 4097, NULL }, afar = { 1, (void *)1 };
	fails(install(0, ALLOW), EACCES, "a user may not install one");
	fails(prctl(PR_SET_SECCOMP, 2, &one, 0, 0), EACCES, "by prctl neither");
	fails(seccomp(SECCOMP_SET_MODE_FILTER, 0, (void *)1), EFAULT, "the program's address is looked at before");
	fails(seccomp(SECCOMP_SET_MODE_FILTER, 0, &none), EINVAL, "so is its length");
	fails(seccomp(SECCOMP_SET_MODE_FILTER, 0, &many), EINVAL, "which may be too large");
	fails(seccomp(SECCOMP_SET_MODE_FILTER, 0, &one), EACCES, "its instructions are looked at afterwards");
	require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	fails(seccomp(SECCOMP_SET_MODE_FILTER, 0, &one), EINVAL, "there have to be some");
	fails(seccomp(SECCOMP_SET_MODE_FILTER, 0, &afar), EFAULT, "that can be read");
	equal(install(0, ALLOW), 0, "who gives up new privileges may install one");
	struct sock_filter code[] = { ALLOW };
	struct sock_fprog program = { 1, code };
	equal(prctl(PR_SET_SECCOMP, 2, &program, 0, 0), 0, "by prctl, too");
	fails(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL), EINVAL, "strict mode is no longer to be had");
	fails(prctl(PR_SET_SECCOMP, 1, 0, 0, 0), EINVAL, "by prctl neither");
	equal(status_line("self", "\nSeccomp:\t"), 2, "/proc/self/status tells the mode");
	equal(status_line("self", "\nSeccomp_filters:\t"), 3, "and the number of filters");
}

static void skip_instruction(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}

static int strict_child(int how)
{
	int ready[2], to[2];
	require(pipe(ready) == 0 && pipe(to) == 0);
	struct sigaction action = { .sa_sigaction = skip_instruction, .sa_flags = SA_SIGINFO };
	sigaction(SIGILL, &action, NULL);
	pid_t child = fork();
	if (child == 0) {
		char byte;
		if (how == 1 ? prctl(PR_SET_SECCOMP, 1, 1, 1, 1) : seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL))
			syscall(SYS_exit, 2);
		if (raw(SYS_write, ready[1], (long)"x", 1, 0, 0, 0) != 1 || raw(SYS_read, to[0], (long)&byte, 1, 0, 0, 0) != 1)
			syscall(SYS_exit, 3);
		__asm__ volatile("ud2"); /* the handler returns by rt_sigreturn */
		if (how == 2)
			probe();
		if (how == 3)
			raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
		if (how == 4)
			raw(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0, 0);
		if (how == 5)
			raw(99999, 0, 0, 0, 0, 0, 0);
		raw(SYS_exit, 7, 0, 0, 0, 0, 0);
	}
	char byte, number[16];
	require(read(ready[0], &byte, 1) == 1);
	snprintf(number, sizeof number, "%d", child);
	equal(status_line(number, "\nSeccomp:\t"), 1, "/proc/PID/status tells strict mode");
	require(write(to[1], "x", 1) == 1);
	return ended_with(child);
}

CASE(strict)
{
	equal(strict_child(0), 7, "in strict mode one can read, write, return from a handler, and exit");
	equal(strict_child(1), 7, "prctl does not look at its other arguments");
	equal(strict_child(2), SIGKILL_END, "another call is the end");
	equal(strict_child(3), SIGKILL_END, "exit_group is one");
	equal(strict_child(4), SIGKILL_END, "so is asking for the mode");
	equal(strict_child(5), SIGKILL_END, "and a call that does not exist");
}

CASE(errors)
{
	static const struct { unsigned data; long result; } errors[] = { { EIO, -EIO }, { 0, 0 }, { 134, -134 }, { 4095, -4095 }, { 4096, -4095 },
									 { 0xffff, -4095 }, { 512, -512 }, { 516, -516 }, { 530, -530 } };
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		equal(in_child({
			      if (install(0, ON(SYS_getppid, SECCOMP_RET_ERRNO | errors[i].data), ALLOW))
				      _exit(2);
			      _exit(probe() == errors[i].result ? 0 : 1);
		      }),
		      0, "the filter's data is the error, up to 4095");
	equal(in_child({
		      if (install(0, ON(SYS_getppid, SECCOMP_RET_TRACE | 5), ALLOW))
			      _exit(2);
		      _exit(probe() == -ENOSYS ? 0 : 1);
	      }),
	      0, "without a tracer SECCOMP_RET_TRACE is ENOSYS");
	equal(in_child({
		      if (install(0, ON(SYS_getppid, SECCOMP_RET_USER_NOTIF | 5), ALLOW))
			      _exit(2);
		      _exit(probe() == -ENOSYS ? 0 : 1);
	      }),
	      0, "without a listener SECCOMP_RET_USER_NOTIF is");
	pid_t own = getpid();
	equal(in_child({
		      if (install(SECCOMP_FILTER_FLAG_LOG, ON(SYS_getppid, SECCOMP_RET_LOG | 5), ALLOW))
			      _exit(2);
		      _exit(probe() == own ? 0 : 1);
	      }),
	      0, "SECCOMP_RET_LOG lets the call be made");
	equal(in_child({
		      if (install(SECCOMP_FILTER_FLAG_SPEC_ALLOW, ON(SYS_getppid, SECCOMP_RET_ALLOW | 5), GIVE(SECCOMP_RET_ALLOW | 7)))
			      _exit(2);
		      _exit(probe() == own ? 0 : 1);
	      }),
	      0, "so does SECCOMP_RET_ALLOW, with any data");
}

static void ignore_it(int signal) { (void)signal; }

/* Ends by an action on getppid, with SIGSYS handled (0), ignored (1), blocked (2), or at its default (3). */
static int ends_by(unsigned action, int how)
{
	pid_t child = fork();
	if (child == 0) {
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGSYS);
		struct rlimit none = { 0, 0 };
		setrlimit(RLIMIT_CORE, &none);
		if (how < 3)
			signal(SIGSYS, how == 1 ? SIG_IGN : ignore_it);
		if (how == 2)
			sigprocmask(SIG_BLOCK, &set, NULL);
		if (install(0, ON(SYS_getppid, action), ALLOW))
			_exit(2);
		probe();
		_exit(3);
	}
	return status_of(child);
}

CASE(ends)
{
	static const unsigned actions[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, UNKNOWN_LOW, UNKNOWN_ABOVE_LOG, UNKNOWN_NEGATIVE,
					    0x7fc10000, 0x00060000 };
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		for (int how = 0; how < 4; how++)
			equal(ends_by(actions[i] | 3, how), SIGSYS, "killing, and what is not known, is an end by SIGSYS, whatever is done about it");
	equal(ends_by(SECCOMP_RET_TRAP, 0), 3 << 8, "SECCOMP_RET_TRAP can be handled");
	equal(ends_by(SECCOMP_RET_TRAP, 1), SIGSYS, "not ignored");
	equal(ends_by(SECCOMP_RET_TRAP, 2), SIGSYS, "nor blocked");
	equal(ends_by(SECCOMP_RET_TRAP, 3), SIGSYS, "by default it ends the process");
}

static volatile struct {
	int signo, code, error, syscall, times;
	unsigned arch;
	long address, pointer, number, first, sixth;
} seen;
static volatile long answer;

struct sigsys_info {
	int signo, error, code, padding;
	void *address;
	int syscall;
	unsigned arch;
};

static void trapped(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct sigsys_info *told = (void *)info;
	seen.times++;
	seen.signo = told->signo, seen.code = told->code, seen.error = told->error;
	seen.address = (long)told->address, seen.syscall = told->syscall, seen.arch = told->arch;
	seen.pointer = registers[REG_RIP], seen.number = registers[REG_RAX];
	seen.first = registers[REG_RDI], seen.sixth = registers[REG_R9];
	if (answer)
		registers[REG_RAX] = answer;
}

CASE(trap)
{
	struct sigaction action = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO };
	require(sigaction(SIGSYS, &action, NULL) == 0);
	require(install(0, ON(SYS_getppid, SECCOMP_RET_TRAP | 0xbeef), ON(4711, SECCOMP_RET_TRAP), ALLOW) == 0);
	answer = 4242;
	equal(raw(SYS_getppid, 11, 2, 3, 4, 5, 66), 4242, "a handler can answer the call");
	equal(seen.times, 1, "it is called once");
	equal(seen.signo, SIGSYS, "with SIGSYS");
	equal(seen.code, 1, "si_code is SYS_SECCOMP");
	equal(seen.error, 0xbeef, "si_errno is the filter's data");
	equal(seen.syscall, SYS_getppid, "si_syscall is the call");
	equal(seen.arch, AUDIT_ARCH_X86_64, "si_arch is the architecture");
	equal(seen.address, seen.pointer, "si_call_addr is where the program goes on");
	equal(*(unsigned short *)(seen.pointer - 2), 0x050f, "that is behind the SYSCALL instruction");
	equal(seen.number, SYS_getppid, "the number is in rax again");
	check(seen.first == 11 && seen.sixth == 66, "the arguments are there");
	answer = 0;
	equal(probe(), SYS_getppid, "without an answer the number is the result");
	equal(raw(4711, 0, 0, 0, 0, 0, 0), 4711, "a call that does not exist can be trapped");
	equal(seen.error, 0, "without data si_errno is 0");
}

CASE(precedence)
{
	static const struct { unsigned action; long result; } order[] = {
		{ UNKNOWN_NEGATIVE, SIGSYS_END }, { SECCOMP_RET_KILL_THREAD, SIGSYS_END },
		{ SECCOMP_RET_TRAP, 50 }, { SECCOMP_RET_ERRNO | 60, 60 }, { SECCOMP_RET_USER_NOTIF, ENOSYS }, { SECCOMP_RET_TRACE, ENOSYS },
		{ SECCOMP_RET_LOG, 1 }, { UNKNOWN_ABOVE_LOG, SIGSYS_END }, { SECCOMP_RET_ALLOW, 1 },
	};
	enum { ACTIONS = sizeof order / sizeof *order };
	struct sigaction action = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO };
	require(sigaction(SIGSYS, &action, NULL) == 0);
	answer = -50;
	for (int one = 0; one < ACTIONS; one++)
		for (int other = 0; other < ACTIONS; other++)
			equal(in_child({
				      if (install(0, ON(SYS_getppid, order[one].action), ALLOW) || install(0, ON(SYS_getppid, order[other].action), ALLOW))
					      _exit(2);
				      long result = probe();
				      _exit(result < 0 ? (int)-result : 1);
			      }),
			      order[one < other ? one : other].result, "of two filters the graver action counts, whichever is older");
	equal(in_child({
		      if (install(0, ON(SYS_getppid, SECCOMP_RET_ERRNO | 1), ALLOW) || install(0, ON(SYS_getppid, SECCOMP_RET_ERRNO | 2), ALLOW))
			      _exit(2);
		      _exit(-probe());
	      }),
	      2, "of two that are as grave the newer filter's data counts");
}

CASE(heirs)
{
	require(install(0, ON(SYS_getppid, SECCOMP_RET_ERRNO | 77), ALLOW) == 0);
	require(install(0, ON(SYS_getpgrp, SECCOMP_RET_ERRNO | 78), ALLOW) == 0);
	equal(in_child(_exit(probe() == -77 && prctl(PR_GET_SECCOMP) == 2 && status_line("self", "\nSeccomp_filters:\t") == 2 ? 0 : 1)), 0,
	      "a child has its parent's filters");
	equal(in_child({
		      execl(tap_program, tap_program, "@probe", NULL);
		      _exit(2);
	      }),
	      77, "a program that is executed has them");
	equal(in_child({
		      if (install(0, ON(SYS_getppid, SECCOMP_RET_ERRNO | 79), ALLOW))
			      _exit(2);
		      _exit(-probe());
	      }),
	      79, "a child may have more");
	equal(probe(), -77, "which its parent has not");
	fails(install(0, GIVE(SECCOMP_RET_ALLOW), LOAD(0)), EINVAL, "a filter that is refused");
	equal(status_line("self", "\nSeccomp_filters:\t"), 2, "is not counted");
	require(install(0, ON(SYS_seccomp, SECCOMP_RET_ERRNO | EXDEV), ALLOW) == 0);
	fails(install(0, ALLOW), EXDEV, "filters can forbid further ones");
}

CASE(restarts)
{
	require(install(0, ON(SYS_restart_syscall, SECCOMP_RET_ERRNO | EXDEV), ALLOW) == 0);
	pid_t child = fork();
	if (child == 0) {
		struct timespec long_time = { 100, 0 };
		_exit(-raw(SYS_nanosleep, (long)&long_time, 0, 0, 0, 0, 0));
	}
	require(sleeps(child));
	kill(child, SIGSTOP);
	int status;
	require(waitpid(child, &status, WUNTRACED) == child);
	kill(child, SIGCONT);
	equal(ended_with(child), EXDEV, "a call that is taken up again is filtered as restart_syscall");
}

static int role(int argc, char **argv, char **environment)
{
	(void)argc, (void)argv, (void)environment;
	return -(int)probe();
}

CASE(settings)
{
	const char *const avail = "/proc/sys/kernel/seccomp/actions_avail", *const logged = "/proc/sys/kernel/seccomp/actions_logged";
	same(contents_of(avail), "kill_process kill_thread trap errno user_notif trace log allow\n", "the actions are listed");
	same(contents_of(logged), "kill_process kill_thread trap errno user_notif trace log\n", "all but one are logged");
	int fd = open(logged, O_WRONLY);
	equal(write(fd, "trap errno\n", 11), 11, "others can be chosen");
	same(contents_of(logged), "trap errno\n", "and are told");
	fails(pwrite(fd, "trap allow\n", 11, 0), EINVAL, "what is allowed is not logged");
	fails(pwrite(fd, "trap nonsense\n", 14, 0), EINVAL, "nor what is no action");
	equal(pwrite(fd, "log  errno\n", 11, 0), 11, "two blanks end the list");
	same(contents_of(logged), "log\n", "as a line does");
	const char *const all = "kill_process kill_thread trap errno user_notif trace log";
	equal(pwrite(fd, all, strlen(all), 0), strlen(all), "all can be chosen again");
	close(fd);
}

SUITE_WITH_ROLES(RUN(arguments), RUN(questions), RUN(privileges), RUN(strict), RUN(errors), RUN(ends), RUN(trap), RUN(precedence), RUN(heirs),
		 RUN(restarts), RUN(settings))
