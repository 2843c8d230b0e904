/* Signals: sending, handling, masks, queues, alternate stacks, what a handler finds in its frame. */
#include "tap.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last, order[16];
static siginfo_t seen;

static void handler(int number)
{
	last = number;
	if (count < 16)
		order[count] = number;
	count++;
}

static void detailed(int number, siginfo_t *info, void *context)
{
	(void)context;
	handler(number);
	seen = *info;
	if (count <= 16 && info->si_code == SI_QUEUE)
		order[count - 1] = info->si_value.sival_int;
}

static void install(int number, void (*function)(int), int flags)
{
	struct sigaction action = { .sa_handler = function, .sa_flags = flags };
	require(sigaction(number, &action, NULL) == 0);
}

static void install_detailed(int number, int flags)
{
	struct sigaction action = { .sa_sigaction = detailed, .sa_flags = SA_SIGINFO | flags };
	require(sigaction(number, &action, NULL) == 0);
}

static void mask(int how, int number)
{
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, number);
	require(sigprocmask(how, &set, NULL) == 0);
}

static int pending(int number)
{
	sigset_t set;
	return sigpending(&set) == 0 && sigismember(&set, number);
}

CASE(sending)
{
	install(SIGUSR1, handler, 0);
	equal(kill(getpid(), SIGUSR1), 0, "kill sends a signal");
	equal(last, SIGUSR1, "it is handled before kill returns");
	equal(kill(getpid(), 0), 0, "signal 0 sends nothing");
	equal(count, 1, "signal 0 runs no handler");
	fails(kill(getpid(), 65), EINVAL, "a signal over 64 gives EINVAL");
	fails(kill(getpid(), -1), EINVAL, "a negative signal gives EINVAL");
	fails(kill(999999, 0), ESRCH, "a process that is not there gives ESRCH");
	fails(kill(-999999, 0), ESRCH, "a group that is not there gives ESRCH");
	equal(in_child(if (setuid(1000)) _exit(99); if (kill(getppid(), 0) == -1) _exit(errno)), EPERM,
	      "signalling another user's process gives EPERM");
	equal(raise(SIGUSR1), 0, "raise sends to the caller");
	equal(count, 2, "raise has its signal handled");
	pid_t child = fork();
	if (child == 0)
		for (;;)
			pause();
	setpgid(child, child);
	equal(kill(-child, SIGTERM), 0, "kill of a negative number sends to a group");
	equal(ended_with(child), 128 + SIGTERM, "every member of the group gets the signal");
	fails(syscall(SYS_tgkill, getpid(), 999999, SIGUSR1), ESRCH, "tgkill of a thread that is not there gives ESRCH");
	equal(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1), 0, "tgkill sends to a thread");
	equal(count, 3, "the signal of tgkill is handled");
}

CASE(default_actions)
{
	struct { int number; int status; const char *sentence; } table[] = {
		{ SIGHUP, 128 + SIGHUP, "SIGHUP ends a process" },
		{ SIGINT, 128 + SIGINT, "SIGINT ends a process" },
		{ SIGPIPE, 128 + SIGPIPE, "SIGPIPE ends a process" },
		{ SIGALRM, 128 + SIGALRM, "SIGALRM ends a process" },
		{ SIGUSR1, 128 + SIGUSR1, "SIGUSR1 ends a process" },
		{ SIGIO, 128 + SIGIO, "SIGIO ends a process" },
		{ SIGRTMIN, 128 + SIGRTMIN, "a real-time signal ends a process" },
		{ SIGABRT, 128 + SIGABRT, "SIGABRT ends a process" },
		{ SIGSYS, 128 + SIGSYS, "SIGSYS ends a process" },
		{ SIGCHLD, 0, "SIGCHLD is ignored" },
		{ SIGURG, 0, "SIGURG is ignored" },
		{ SIGWINCH, 0, "SIGWINCH is ignored" },
		{ SIGCONT, 0, "SIGCONT does nothing to a running process" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		equal(in_child(raise(table[i].number)), table[i].status, table[i].sentence);
	int status;
	pid_t child = fork();
	if (child == 0) {
		raise(SIGTSTP);
		_exit(0);
	}
	/* The case's session has no other member outside the group: it is orphaned, and SIGTSTP does not stop it. */
	equal(waitpid(child, &status, WUNTRACED), child, "SIGTSTP in an orphaned group is survived");
	check(WIFEXITED(status), "an orphaned group is not stopped by SIGTSTP");
	child = fork();
	if (child == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, &status, WUNTRACED);
	check(WIFSTOPPED(status), "SIGSTOP stops even in an orphaned group");
	kill(child, SIGKILL);
	status_of(child);
}

CASE(actions)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART | SA_NODEFER }, old;
	sigaddset(&action.sa_mask, SIGUSR2);
	equal(sigaction(SIGUSR1, &action, NULL), 0, "sigaction sets an action");
	equal(sigaction(SIGUSR1, NULL, &old), 0, "sigaction tells an action");
	check(old.sa_handler == handler && (old.sa_flags & SA_RESTART), "the told action is the one that was set");
	check(sigismember(&old.sa_mask, SIGUSR2) == 1, "with its mask");
	fails(sigaction(SIGKILL, &action, NULL), EINVAL, "SIGKILL cannot be handled");
	fails(sigaction(SIGSTOP, &action, NULL), EINVAL, "SIGSTOP cannot be handled");
	equal(sigaction(SIGKILL, NULL, &old), 0, "but its action can be asked for");
	fails(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL, "a signal over 64 gives EINVAL");
	fails(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL, "a wrong set size gives EINVAL");
	install(SIGUSR2, handler, SA_RESETHAND);
	raise(SIGUSR2);
	sigaction(SIGUSR2, NULL, &old);
	check(count == 1 && old.sa_handler == SIG_DFL, "SA_RESETHAND handles once");
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	equal(count, 1, "an ignored signal does nothing");
	mask(SIG_BLOCK, SIGUSR1);
	install(SIGUSR1, handler, 0);
	raise(SIGUSR1);
	check(pending(SIGUSR1), "a blocked signal is pending");
	signal(SIGUSR1, SIG_IGN);
	check(!pending(SIGUSR1), "ignoring a pending signal drops it");
}

CASE(masks)
{
	sigset_t set, old;
	install(SIGUSR1, handler, 0);
	mask(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1), raise(SIGUSR1);
	equal(count, 0, "a blocked signal waits");
	check(pending(SIGUSR1), "sigpending tells it");
	mask(SIG_UNBLOCK, SIGUSR1);
	equal(count, 1, "it is handled when unblocked, and only once");
	check(!pending(SIGUSR1), "after that it is not pending");
	sigfillset(&set);
	equal(sigprocmask(SIG_SETMASK, &set, NULL), 0, "all signals can be blocked");
	sigprocmask(SIG_BLOCK, NULL, &old);
	check(!sigismember(&old, SIGKILL) && !sigismember(&old, SIGSTOP), "but SIGKILL and SIGSTOP are not");
	fails(syscall(SYS_rt_sigprocmask, 77, &set, NULL, 8), EINVAL, "an unknown way to change the mask gives EINVAL");
	equal(in_child(sigprocmask(SIG_BLOCK, NULL, &old); _exit(sigismember(&old, SIGUSR1))), 1, "children inherit the mask");
	raise(SIGUSR1);
	equal(in_child(_exit(pending(SIGUSR1))), 0, "children do not inherit pending signals");
	sigemptyset(&set);
	count = 0;
	fails(sigsuspend(&set), EINTR, "sigsuspend waits with another mask and gives EINTR");
	equal(count, 1, "after the pending signal was handled");
	sigprocmask(SIG_BLOCK, NULL, &old);
	check(sigismember(&old, SIGUSR1), "then the mask is the old one");
}

static volatile sig_atomic_t nested, mask_inside;

static void recursive(int number)
{
	sigset_t set;
	sigprocmask(SIG_BLOCK, NULL, &set);
	mask_inside = sigismember(&set, SIGUSR1) + 2 * sigismember(&set, SIGUSR2) + 4 * sigismember(&set, SIGHUP);
	count++;
	if (count < 3) {
		nested++;
		raise(number);
		nested--;
	}
	if (nested > last)
		last = nested;
}

CASE(masks_in_handlers)
{
	struct sigaction action = { .sa_handler = recursive };
	sigset_t set;
	sigaddset(&action.sa_mask, SIGHUP);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	equal(mask_inside, 1 + 4, "a handler runs with its signal and its mask blocked");
	equal(last, 0, "a signal does not interrupt its own handler");
	equal(count, 3, "but comes afterwards");
	sigprocmask(SIG_BLOCK, NULL, &set);
	check(!sigismember(&set, SIGUSR1) && !sigismember(&set, SIGHUP), "the mask is restored afterwards");
	count = last = 0;
	action.sa_flags = SA_NODEFER;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	equal(mask_inside, 4, "SA_NODEFER leaves the signal itself unblocked");
	check(count == 3 && nested == 0, "so that it interrupts its own handler");
}

CASE(queueing)
{
	install_detailed(SIGRTMIN, 0), install_detailed(SIGRTMIN + 1, 0), install_detailed(SIGUSR1, 0);
	mask(SIG_BLOCK, SIGRTMIN), mask(SIG_BLOCK, SIGRTMIN + 1), mask(SIG_BLOCK, SIGUSR1);
	union sigval value;
	int refused = 0;
	int sent[] = { 10, 20, 11, 12 };
	for (int i = 0; i < 4; i++) {
		value.sival_int = sent[i];
		refused += sigqueue(getpid(), sent[i] == 20 ? SIGRTMIN + 1 : SIGRTMIN, value) != 0;
	}
	value.sival_int = 1, refused += sigqueue(getpid(), SIGUSR1, value) != 0;
	value.sival_int = 2, refused += sigqueue(getpid(), SIGUSR1, value) != 0;
	equal(refused, 0, "sigqueue sends signals with values");
	sigset_t none;
	sigemptyset(&none);
	mask(SIG_UNBLOCK, SIGUSR1);
	check(count == 1 && order[0] == 1, "a standard signal is queued once, with its first value");
	check(seen.si_pid == getpid() && seen.si_uid == getuid() && seen.si_code == SI_QUEUE, "the handler is told who queued it");
	count = 0;
	mask(SIG_UNBLOCK, SIGRTMIN);
	equal(count, 3, "a real-time signal is queued as often as it is sent");
	check(order[0] == 10 && order[1] == 11 && order[2] == 12, "its values come in order");
	mask(SIG_UNBLOCK, SIGRTMIN + 1);
	equal(order[3], 20, "another real-time signal has its own queue");
}

CASE(queueing_by_many)
{
	enum { SENDERS = 3, EACH = 1000 };
	int *sent = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), taken = 0;
	const struct timespec now = { 0, 0 };
	pid_t senders[SENDERS];
	sigset_t set;
	require(sent != MAP_FAILED);
	mask(SIG_BLOCK, SIGRTMIN);
	sigemptyset(&set), sigaddset(&set, SIGRTMIN);
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = fork();
		if (senders[i] == 0) {
			union sigval value = { .sival_int = i };
			for (int k = 0; k < EACH; k++)
				sent[i] += sigqueue(getppid(), SIGRTMIN, value) == 0;
			_exit(0);
		}
	}
	for (int i = 0; i < SENDERS; i++)
		require(ended_with(senders[i]) == 0);
	for (siginfo_t info; sigtimedwait(&set, &info, &now) == SIGRTMIN; taken++)
		sent[info.si_value.sival_int]--;
	check(taken > 0 && sent[0] == 0 && sent[1] == 0 && sent[2] == 0,
	      "every signal that sigqueue sent is there, however many processes send at once");
}

CASE(priorities)
{
	sigset_t set, old;
	struct sigaction action = { .sa_handler = handler };
	sigfillset(&action.sa_mask);
	sigaction(SIGRTMIN + 2, &action, NULL), sigaction(SIGRTMIN, &action, NULL);
	sigaction(SIGUSR2, &action, NULL), sigaction(SIGHUP, &action, NULL);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGRTMIN + 2), raise(SIGUSR2), raise(SIGRTMIN), raise(SIGHUP);
	int first, taken = 0;
	sigemptyset(&set), sigaddset(&set, SIGRTMIN + 2), sigaddset(&set, SIGRTMIN), sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGHUP);
	for (int i = 0; i < 4 && (first = sigwaitinfo(&set, NULL)) > 0; i++)
		order[taken++] = first;
	equal(taken, 4, "sigwaitinfo takes pending signals");
	check(order[0] == SIGHUP && order[1] == SIGUSR2, "the lowest number first");
	check(order[2] == SIGRTMIN && order[3] == SIGRTMIN + 2, "real-time signals last");
	equal(count, 0, "and runs no handler");
}

CASE(waiting)
{
	sigset_t set;
	siginfo_t info;
	struct timespec none = { 0, 0 }, bad = { 0, -1 };
	sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fails(sigtimedwait(&set, &info, &none), EAGAIN, "sigtimedwait gives EAGAIN when nothing comes in time");
	fails(sigtimedwait(&set, &info, &bad), EINVAL, "a negative time gives EINVAL");
	pid_t child = fork();
	if (child == 0)
		_exit(3);
	equal(sigwaitinfo(&set, &info), SIGCHLD, "sigwaitinfo waits for a signal");
	check(info.si_pid == child && info.si_code == CLD_EXITED && info.si_status == 3, "SIGCHLD tells who ended and how");
	status_of(child);
	kill(getpid(), SIGUSR1);
	equal(sigwaitinfo(&set, &info), SIGUSR1, "a pending signal is taken at once");
	check(info.si_code == SI_USER && info.si_pid == getpid(), "kill gives SI_USER and the sender");
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
	sigwaitinfo(&set, &info);
	equal(info.si_code, SI_TKILL, "tgkill gives SI_TKILL");
	install(SIGUSR2, handler, 0);
	child = fork();
	if (child == 0)
		for (;;)
			kill(getppid(), SIGUSR2), doze(20);
	/* The library's sigwaitinfo hides the interruption. */
	fails(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8), EINTR, "another signal's handler interrupts sigwaitinfo");
	kill(child, SIGKILL);
	status_of(child);
}

static void *stack_seen;
static volatile sig_atomic_t stack_flags;

static void on_stack(int number)
{
	stack_t now;
	handler(number);
	stack_seen = &now;
	sigaltstack(NULL, &now);
	stack_flags = now.ss_flags;
}

CASE(alternate_stack)
{
	static char area[32768];
	stack_t stack = { .ss_sp = area, .ss_size = sizeof area }, old;
	equal(sigaltstack(NULL, &old), 0, "sigaltstack tells the stack");
	equal(old.ss_flags, SS_DISABLE, "at first there is none");
	equal(sigaltstack(&stack, NULL), 0, "sigaltstack sets a stack");
	install(SIGUSR1, on_stack, SA_ONSTACK);
	raise(SIGUSR1);
	check((char *)stack_seen > area && (char *)stack_seen < area + sizeof area, "SA_ONSTACK runs the handler on it");
	equal(stack_flags, SS_ONSTACK, "there sigaltstack tells SS_ONSTACK");
	install(SIGUSR1, on_stack, 0);
	raise(SIGUSR1);
	check((char *)stack_seen < area || (char *)stack_seen > area + sizeof area, "without SA_ONSTACK it is not used");
	stack.ss_size = 100;
	fails(sigaltstack(&stack, NULL), ENOMEM, "a stack that is too small gives ENOMEM");
	stack.ss_size = sizeof area, stack.ss_flags = 0x40;
	fails(sigaltstack(&stack, NULL), EINVAL, "unknown flags give EINVAL");
	stack.ss_flags = SS_DISABLE;
	equal(sigaltstack(&stack, NULL), 0, "SS_DISABLE takes it away");
	equal(in_child(sigaltstack(NULL, &old); _exit(old.ss_flags == SS_DISABLE ? 0 : 1)), 0, "a child sees that");
}

static volatile uint64_t frame_registers[4], frame_address, frame_info, frame_mask;

static void look_at_frame(int number, siginfo_t *info, void *pointer)
{
	ucontext_t *context = pointer;
	count++, last = number;
	frame_registers[0] = context->uc_mcontext.gregs[REG_RBX];
	frame_registers[1] = context->uc_mcontext.gregs[REG_R12];
	frame_registers[2] = context->uc_mcontext.gregs[REG_RSP];
	frame_registers[3] = context->uc_mcontext.gregs[REG_RAX];
	frame_address = (uintptr_t)context, frame_info = (uintptr_t)info;
	frame_mask = *(uint64_t *)&context->uc_sigmask;
	context->uc_mcontext.gregs[REG_R12] = 0x5555;
	sigaddset(&context->uc_sigmask, SIGUSR2);
}

CASE(frames)
{
	struct sigaction action = { .sa_sigaction = look_at_frame, .sa_flags = SA_SIGINFO };
	sigset_t set;
	sigaction(SIGUSR1, &action, NULL);
	mask(SIG_BLOCK, SIGHUP);
	uint64_t r12 = 0x1234, rbx = 0x77, rsp = 0, rflags = 0;
	long result = SYS_kill;
	/* kill(getpid(), SIGUSR1) with known registers and a known word in the red zone. */
	__asm__ volatile("mov %[rbx], %%rbx\n\tmov %[r12], %%r12\n\tmovq $0x6b6b, -64(%%rsp)\n\tsyscall\n\t"
			 "mov %%r12, %[r12]\n\tmov %%rbx, %[rbx]\n\tmov %%rsp, %[rsp]\n\tmov -64(%%rsp), %[flags]"
			 : "+a"(result), [r12] "+r"(r12), [rbx] "+r"(rbx), [rsp] "=r"(rsp), [flags] "=r"(rflags)
			 : "D"((long)getpid()), "S"((long)SIGUSR1)
			 : "rcx", "r11", "rbx", "r12", "memory");
	equal(count, 1, "the handler ran");
	equal(result, 0, "the interrupted call's result is kept");
	check(frame_registers[0] == 0x77 && frame_registers[1] == 0x1234, "the frame holds the interrupted registers");
	check(frame_registers[2] == rsp, "and the stack pointer");
	equal(frame_registers[3], 0, "and the call's result");
	equal(rbx, 0x77, "registers are restored");
	equal(r12, 0x5555, "as the handler left them in the frame");
	equal(rflags, 0x6b6b, "the red zone below the stack pointer is untouched");
	check(frame_mask & (1ull << (SIGHUP - 1)), "the frame holds the mask");
	sigprocmask(SIG_BLOCK, NULL, &set);
	check(sigismember(&set, SIGUSR2), "which is restored as the handler left it");
	equal(frame_address % 16, 0, "the frame is aligned to 16 bytes");
	check(frame_info - frame_address == 304, "siginfo lies 304 bytes behind the ucontext, as the ABI says");
}

static void vectors(int number)
{
	handler(number);
	/* Overwrites vector registers, which the return must restore. */
	__asm__ volatile("pcmpeqd %%xmm5, %%xmm5\n\tpcmpeqd %%xmm15, %%xmm15\n\tfninit\n\tfld1" ::: "xmm5", "xmm15", "st");
}

CASE(floating_point)
{
	uint64_t low = 0x1122334455667788, a = 0, b = 0;
	double stack = 0;
	install(SIGUSR1, vectors, 0);
	long result = SYS_kill;
	__asm__ volatile("fldpi\n\tmovq %[low], %%xmm5\n\tmovq %[low], %%xmm15\n\tsyscall\n\t"
			 "movq %%xmm5, %[a]\n\tmovq %%xmm15, %[b]\n\tfstpl %[stack]"
			 : "+a"(result), [a] "=&r"(a), [b] "=&r"(b), [stack] "=m"(stack)
			 : "D"((long)getpid()), "S"((long)SIGUSR1), [low] "r"(low)
			 : "rcx", "r11", "xmm5", "xmm15", "st", "memory");
	equal(count, 1, "the handler ran");
	check(a == low && b == low, "vector registers are restored after a handler");
	check(stack > 3.14159 && stack < 3.1416, "and the floating-point stack");
	pid_t child = fork();
	if (child == 0) {
		double sum = 0;
		for (int i = 1; i < 200000; i++)
			sum += 1.0 / i;
		_exit(sum > 12.7 && sum < 12.8 ? 0 : 1);
	}
	double sum = 0;
	for (int i = 1; i < 200000; i++)
		sum += 1.0 / i;
	check(sum > 12.7 && sum < 12.8 && ended_with(child) == 0, "processes do not disturb each other's floating point");
}

static sigjmp_buf jump;

static void jumping(int number)
{
	handler(number);
	siglongjmp(jump, number);
}

CASE(jumping_out)
{
	sigset_t set;
	install(SIGUSR1, jumping, 0);
	volatile int rounds = 0;
	if (sigsetjmp(jump, 1) < 0 || rounds < 3) {
		rounds++;
		raise(SIGUSR1);
	}
	equal(count, 3, "a handler can be left with siglongjmp, repeatedly");
	sigprocmask(SIG_BLOCK, NULL, &set);
	check(!sigismember(&set, SIGUSR1), "and the mask is restored");
	signal(SIGUSR1, SIG_DFL);
	mask(SIG_BLOCK, SIGUSR1);
	equal(in_child(raise(SIGUSR1); _exit(5)), 5, "a blocked deadly signal does not kill");
	equal(in_child(raise(SIGUSR1); mask(SIG_UNBLOCK, SIGUSR1); _exit(5)), 128 + SIGUSR1, "until it is unblocked");
}

SUITE(RUN(sending), RUN(default_actions), RUN(actions), RUN(masks), RUN(masks_in_handlers), RUN(queueing), RUN(queueing_by_many), RUN(priorities),
      RUN(waiting), RUN(alternate_stack), RUN(frames), RUN(floating_point), RUN(jumping_out))
