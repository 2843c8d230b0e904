/* Processes, threads, programs, signals, timers. */
#include "inject.h"

#include <grp.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <time.h>

static pid_t child;
static char *stack;

/* New processes. */
static long call_fork(void)
{
	long pid = syscall(SYS_fork);
	if (pid == 0)
		syscall(SYS_exit_group, 7);
	return pid;
}
static int ended_with_7(long pid) { return status_of((pid_t)pid) == 0x700; }
static int pidfd;
static struct clone_args arguments;
static long call_clone3(void)
{
	memset(&arguments, 0, sizeof arguments);
	arguments.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
	arguments.pidfd = (unsigned long long)&pidfd;
	arguments.exit_signal = SIGCHLD;
	long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
	if (pid == 0)
		syscall(SYS_exit_group, 7);
	return pid;
}
static int ended_with_descriptor(long pid) { return ended_with_7(pid) && close_it(pidfd); }
static long call_vfork(void)
{
	long pid = vfork();
	if (pid == 0)
		_exit(7);
	return pid;
}
static volatile int thread_id;
static volatile int thread_ran;
static int thread(void *unused)
{
	(void)unused;
	thread_ran = 1;
	syscall(SYS_exit, 0);
	return 0;
}
static void with_stack(void)
{
	stack = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(stack != MAP_FAILED);
	thread_ran = 0;
	thread_id = 1;
}
static void without_stack(void) { need(munmap(stack, 16 * PAGE) == 0); }
static long make_thread(void)
{
	return clone(thread, stack + 15 * PAGE,
		     CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID |
			     CLONE_PARENT_SETTID,
		     NULL, &thread_id, NULL, &thread_id);
}
static int not_run(void) { return thread_ran == 0; }
static int ran(long result)
{
	while (thread_id != 0)
		syscall(SYS_futex, &thread_id, FUTEX_WAIT, result, NULL, NULL, 0);
	return thread_ran == 1;
}
static long clone_namespace(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		syscall(SYS_exit_group, 7);
	return pid;
}

/* Programs. The program tells in its status whether the failure came: main.c's `executed`. */
static char *program[64];
static char *environment[40];
static void with_arguments(void)
{
	static char long_text[3000];
	memset(long_text, 'a', sizeof long_text - 1);
	program[0] = "inject";
	program[1] = "executed";
	program[2] = "long";
	for (int i = 3; i < 63; i++)
		program[i] = i % 10 == 0 ? long_text : "argument";
	program[63] = NULL;
	for (int i = 0; i < 39; i++)
		environment[i] = "NAME=value";
}
static const char *to_execute;
static int by_descriptor = -1;
static long execute(void)
{
	if (by_descriptor != -1)
		syscall(SYS_execveat, by_descriptor, "", program, environment, AT_EMPTY_PATH);
	else
		execve(to_execute, program, environment);
	return -1;
}
static void with_program(void)
{
	with_arguments();
	to_execute = "/opt/inject";
	by_descriptor = -1;
}
static void with_program_file(void)
{
	with_arguments();
	by_descriptor = open("/opt/inject", O_RDONLY | O_CLOEXEC);
	need(by_descriptor != -1);
}
static void with_script(void)
{
	with_arguments();
	program[3] = NULL;
	put("script", "#!/opt/inject executed\n");
	to_execute = "./script";
	by_descriptor = -1;
}
static int script_there(void) { return is_there("script"); }

/* What a process is. */
static pid_t sharer;
static void with_sharer(void) { sharer = share(CLONE_FILES | CLONE_FS); }
static long unshare_files(void) { return unshare(CLONE_FILES | CLONE_FS); }
/* What the sharer sees of a descriptor that is made here now. */
static int is_shared(void)
{
	char path[32];
	int fd = dup(0);
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)sharer, fd);
	int seen = is_there(path);
	close(fd);
	return seen;
}
static int is_alone(long result) { return result == 0 && !is_shared(); }
/* Whether a mount that is made here now is one for the sharer as well. */
static int is_mounted_for_both(void)
{
	const char *here = "/mnt";
	char path[32];
	struct stat own = { 0 }, seen = { 0 };
	snprintf(path, sizeof path, "/proc/%d/root%s", (int)sharer, here);
	need(mount("none", here, "tmpfs", 0, NULL) == 0 && stat(here, &own) == 0 && stat(path, &seen) == 0);
	need(umount(here) == 0);
	return own.st_dev == seen.st_dev;
}
static int mounts_apart(long result) { return result == 0 && !is_mounted_for_both(); }
static void with_child(void) { sharer = share(0); }
static long unshare_mounts(void) { return unshare(CLONE_NEWNS | CLONE_NEWUTS); }
static long set_groups(void)
{
	gid_t groups[500];
	for (int i = 0; i < 500; i++)
		groups[i] = (gid_t)i;
	return setgroups(500, groups);
}
static int no_groups(void) { return getgroups(0, NULL) != 500; }
static int groups_set(long result)
{
	gid_t groups[500];
	return result == 0 && getgroups(500, groups) == 500 && groups[499] == 499;
}
static long become(void) { return syscall(SYS_setresuid, 1000, 1000, 1000); }
static int still_root(void) { return getuid() == 0 && geteuid() == 0; }
static int became(long result) { return result == 0 && getuid() == 1000; }
static long bind_processor(void)
{
	unsigned long set = 1;
	return syscall(SYS_sched_setaffinity, 0, sizeof set, &set);
}
static unsigned long processors(void)
{
	unsigned long set = 0;
	return syscall(SYS_sched_getaffinity, 0, sizeof set, &set) > 0 ? set : 0;
}
static int is_unbound(void) { return processors() > 1; }
static int is_bound(long result) { return result == 0 && processors() == 1; }
static long set_class(void)
{
	struct sched_param parameter = { 0 };
	return syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &parameter);
}
static long set_name(void) { return prctl(PR_SET_NAME, "a longer name"); }
static int is_called(const char *name)
{
	char now[16];
	return prctl(PR_GET_NAME, now) == 0 && strcmp(now, name) == 0;
}
static int is_inject(void) { return is_called("inject"); }
static int is_renamed(long result) { return result == 0 && is_called("a longer name"); }
static long set_limit(void)
{
	struct rlimit limit = { 100, 100 };
	return setrlimit(RLIMIT_NOFILE, &limit);
}
static int is_limited(void)
{
	struct rlimit limit = { 0 };
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 100 && limit.rlim_max == 100;
}
static int is_unlimited(void) { return !is_limited(); }
static int limited(long result) { return result == 0 && is_limited(); }
static long new_session(void) { return setsid(); }
static int old_session(void) { return getsid(0) != getpid(); }
static int leads(long result) { return result == getpid() && getsid(0) == result && getpgrp() == result; }
static long own_pidfd(void) { return syscall(SYS_pidfd_open, getpid(), 0); }
static void with_pidfd(void)
{
	pidfd = (int)own_pidfd();
	need(pidfd != -1);
}
static void without_pidfd(void) { close(pidfd); }
static long steal(void) { return syscall(SYS_pidfd_getfd, pidfd, 0, 0); }
static void with_dead_child(void)
{
	siginfo_t info;
	child = (pid_t)call_fork();
	need(child > 0 && waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
}
static long wait_for(void)
{
	struct rusage usage;
	return wait4(child, NULL, 0, &usage);
}
static int waited(long result) { return result == child && status_of(child) == -1; }

/* Signals. */
static sigset_t blocked;
static void with_blocked(void)
{
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGRTMIN + 1);
	sigaddset(&blocked, SIGUSR1);
	need(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
}
static int taken(void)
{
	struct timespec none = { 0 };
	siginfo_t info;
	return sigtimedwait(&blocked, &info, &none);
}
static void without_blocked(void)
{
	while (taken() > 0)
		;
	need(sigprocmask(SIG_UNBLOCK, &blocked, NULL) == 0);
}
static int nothing_pending(void)
{
	sigset_t pending;
	return sigpending(&pending) == 0 && !sigismember(&pending, SIGRTMIN + 1) && !sigismember(&pending, SIGUSR1);
}
static long queue_signal(void) { return sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 42 }); }
static int queued(long result)
{
	struct timespec none = { 0 };
	siginfo_t info;
	return result == 0 && sigtimedwait(&blocked, &info, &none) == SIGRTMIN + 1 && info.si_value.sival_int == 42 &&
	       nothing_pending();
}
static long signal_thread(void) { return syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGRTMIN + 1); }
static int signalled(long result) { return result == 0 && taken() == SIGRTMIN + 1 && nothing_pending(); }
static long plain_signal(void) { return kill(getpid(), SIGUSR1); }
static int plainly_signalled(long result) { return result == 0 && taken() == SIGUSR1 && nothing_pending(); }
static volatile int handled;
static void handle(int signal) { handled = signal; }
static void with_handler(void)
{
	handled = 0;
	need(signal(SIGUSR1, handle) != SIG_ERR);
}
static int was_handled(long result) { return result == 0 && handled == SIGUSR1; }
static long set_action(void)
{
	struct sigaction action = { .sa_handler = handle };
	return sigaction(SIGUSR2, &action, NULL);
}
static int action_set(long result)
{
	struct sigaction action, standard = { .sa_handler = SIG_DFL };
	return result == 0 && sigaction(SIGUSR2, &standard, &action) == 0 && action.sa_handler == handle;
}
static long signal_file(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return signalfd(-1, &set, 0);
}

/* Timers and sleeping. */
static int timer_number;
static long make_timer(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1 };
	return syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer_number);
}
static int timer_made(long result) { return result == 0 && syscall(SYS_timer_delete, timer_number) == 0; }
static void with_timer(void)
{
	with_blocked();
	need(make_timer() == 0);
}
static void without_timer(void)
{
	need(syscall(SYS_timer_delete, timer_number) == 0);
	without_blocked();
}
static long set_timer(void)
{
	struct itimerspec soon = { .it_value = { 0, 1000 } };
	return syscall(SYS_timer_settime, timer_number, 0, &soon, NULL);
}
static int timer_fired(long result)
{
	siginfo_t info;
	return result == 0 && sigwaitinfo(&blocked, &info) == SIGRTMIN + 1 && info.si_code == SI_TIMER;
}
static long set_interval(void)
{
	struct itimerval later = { .it_value = { 1000, 0 } };
	return setitimer(ITIMER_VIRTUAL, &later, NULL);
}
static int interval_set(long result)
{
	struct itimerval none = { 0 }, was;
	return result == 0 && setitimer(ITIMER_VIRTUAL, &none, &was) == 0 && was.it_value.tv_sec >= 999;
}
static long nap(void)
{
	struct timespec moment = { 0, 1000000 };
	return nanosleep(&moment, NULL);
}
static long install_filter(void)
{
	struct sock_filter code[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { 2, code };
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
static int not_filtered(void) { return prctl(PR_GET_SECCOMP) == 0; }
static int is_filtered(long result) { return result == 0 && prctl(PR_GET_SECCOMP) == 2; }
static int word, second_word;
static long wait_in_vain(void)
{
	struct timespec moment = { 0, 1000000 };
	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &moment, NULL, 0) == -1 && errno == ETIMEDOUT ? 0 : -1;
}
static long requeue(void) { return syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE, 1, 10L, &second_word, 0); }

const struct scenario processes[] = {
	{ "fork", NULL, call_fork, NULL, ended_with_7, NULL, 0, { EAGAIN } },
	{ "clone3 CLONE_PIDFD", NULL, call_clone3, NULL, ended_with_descriptor, NULL, 0, { EAGAIN, ENFILE } },
	{ "vfork", NULL, call_vfork, NULL, ended_with_7, NULL, 0, { EAGAIN } },
	{ "clone CLONE_THREAD", with_stack, make_thread, not_run, ran, without_stack, 0, { EAGAIN } },
	{ "clone CLONE_NEWNS", NULL, clone_namespace, NULL, ended_with_7, NULL, 0, { EAGAIN } },
	{ "execve", with_program, execute, NULL, NULL, NULL, IN_CHILD | LOSES, { 0 } },
	{ "execveat", with_program_file, execute, NULL, NULL, NULL, IN_CHILD | LOSES, { 0 } },
	{ "execve of a script", with_script, execute, script_there, NULL, NULL, IN_CHILD | LOSES, { 0 } },
	{ "unshare CLONE_FILES", with_sharer, unshare_files, is_shared, is_alone, unshared, IN_CHILD, { 0 } },
	{ "unshare CLONE_NEWNS", with_child, unshare_mounts, is_mounted_for_both, mounts_apart, unshared, IN_CHILD, { 0 } },
	{ "setgroups", NULL, set_groups, no_groups, groups_set, NULL, IN_CHILD, { 0 } },
	{ "setresuid", NULL, become, still_root, became, NULL, IN_CHILD, { EAGAIN } },
	{ "sched_setaffinity", NULL, bind_processor, is_unbound, is_bound, NULL, IN_CHILD, { 0 } },
	{ "sched_setscheduler", NULL, set_class, NULL, is_zero, NULL, IN_CHILD, { 0 } },
	{ "prctl PR_SET_NAME", NULL, set_name, is_inject, is_renamed, NULL, IN_CHILD, { 0 } },
	{ "setrlimit", NULL, set_limit, is_unlimited, limited, NULL, IN_CHILD, { 0 } },
	{ "setsid", NULL, new_session, old_session, leads, NULL, IN_CHILD, { 0 } },
	{ "pidfd_open", NULL, own_pidfd, NULL, close_it, NULL, 0, { ENFILE } },
	{ "pidfd_getfd", with_pidfd, steal, NULL, close_it, without_pidfd, FREE, { 0 } },
	{ "wait4", with_dead_child, wait_for, NULL, waited, NULL, FREE, { 0 } },
	{ "rt_sigqueueinfo", with_blocked, queue_signal, nothing_pending, queued, without_blocked, IN_CHILD, { EAGAIN } },
	{ "tgkill of a real-time signal", with_blocked, signal_thread, nothing_pending, signalled, without_blocked, IN_CHILD, { EAGAIN } },
	{ "kill", with_blocked, plain_signal, nothing_pending, plainly_signalled, without_blocked, IN_CHILD, { EAGAIN } },
	{ "kill with a handler", with_handler, plain_signal, NULL, was_handled, NULL, FREE, { 0 } },
	{ "rt_sigaction", NULL, set_action, NULL, action_set, NULL, FREE, { 0 } },
	{ "signalfd4", NULL, signal_file, NULL, close_it, NULL, 0, { ENFILE } },
	{ "timer_create", with_blocked, make_timer, NULL, timer_made, without_blocked, IN_CHILD, { EAGAIN } },
	{ "timer_settime", with_timer, set_timer, NULL, timer_fired, without_timer, FREE, { 0 } },
	{ "setitimer", NULL, set_interval, NULL, interval_set, NULL, FREE, { 0 } },
	{ "seccomp SECCOMP_SET_MODE_FILTER", NULL, install_filter, not_filtered, is_filtered, NULL, IN_CHILD, { 0 } },
	{ "nanosleep", NULL, nap, NULL, is_zero, NULL, FREE, { 0 } },
	{ "futex FUTEX_WAIT", NULL, wait_in_vain, NULL, is_zero, NULL, FREE, { 0 } },
	{ "futex FUTEX_CMP_REQUEUE", NULL, requeue, NULL, is_zero, NULL, FREE, { 0 } },
	{ 0 },
};
