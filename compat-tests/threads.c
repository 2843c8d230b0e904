/* Threads: clone, what they share, futexes, what signals and exit do to a group of them. */
#include "tap.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

static long futex(void *word, int operation, uint32_t value, const void *time, void *second, uint32_t third)
{
	return syscall(SYS_futex, word, operation, value, time, second, third);
}

static void *run(void *(*body)(void *), void *argument)
{
	pthread_t thread;
	void *result = NULL;
	require(pthread_create(&thread, NULL, body, argument) == 0);
	require(pthread_join(thread, &result) == 0);
	return result;
}

static pid_t ids[4];

static void *note_ids(void *unused)
{
	ids[0] = getpid(), ids[1] = syscall(SYS_gettid), ids[2] = getppid();
	return unused;
}

CASE(identity)
{
	run(note_ids, NULL);
	equal(ids[0], getpid(), "a thread has its process's number");
	check(ids[1] != getpid() && ids[1] > 0, "and a thread number of its own");
	equal(ids[2], getppid(), "its parent is the process's");
	equal(syscall(SYS_gettid), getpid(), "the first thread's number is the process's");
	/* It says so to who joins it on its way out. */
	check(eventually(syscall(SYS_tgkill, getpid(), ids[1], 0) == -1 && errno == ESRCH), "a thread that ended is gone");
}

static volatile int number, descriptor = -1;

static void *change_things(void *unused)
{
	number = 7;
	descriptor = open("/", O_RDONLY);
	if (chdir("/") == -1)
		number = 8;
	umask(0123);
	return unused;
}

static volatile int mask_in_thread;

static void *change_mask(void *unused)
{
	sigset_t set;
	sigprocmask(SIG_BLOCK, NULL, &set);
	mask_in_thread = sigismember(&set, SIGUSR1);
	sigemptyset(&set), sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	return unused;
}

CASE(sharing)
{
	char path[PATH_MAX];
	sigset_t set;
	run(change_things, NULL);
	equal(number, 7, "threads share memory");
	check(fcntl(descriptor, F_GETFD) == 0, "and descriptors");
	same(getcwd(path, sizeof path), "/", "and the working folder");
	equal(umask(022), 0123, "and the umask");
	sigemptyset(&set), sigaddset(&set, SIGUSR1), sigprocmask(SIG_BLOCK, &set, NULL);
	run(change_mask, NULL);
	equal(mask_in_thread, 1, "a thread inherits the signal mask");
	sigprocmask(SIG_BLOCK, NULL, &set);
	check(sigismember(&set, SIGUSR1) && !sigismember(&set, SIGUSR2), "but its changes are its own");
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long counter;
static int turn;

static void *count(void *unused)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return unused;
}

static void *take_turns(void *mine)
{
	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != (int)(intptr_t)mine)
			pthread_cond_wait(&condition, &mutex);
		turn = !turn;
		pthread_cond_broadcast(&condition);
		pthread_mutex_unlock(&mutex);
	}
	return mine;
}

CASE(locking)
{
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		require(pthread_create(&threads[i], NULL, count, NULL) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	equal(counter, 8000, "a mutex keeps four threads apart");
	for (intptr_t i = 0; i < 2; i++)
		require(pthread_create(&threads[i], NULL, take_turns, (void *)i) == 0);
	void *result = NULL;
	pthread_join(threads[0], NULL), pthread_join(threads[1], &result);
	equal((intptr_t)result, 1, "two threads can take turns with a condition");
}

static uint32_t word, second_word;
static volatile int woken;

static void *sleep_on(void *address)
{
	long result;
	do
		result = futex(address, FUTEX_WAIT, 1, NULL, NULL, 0);
	while (result == -1 && errno == EINTR);
	__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return (void *)result;
}

/* Wakes until as many as that were woken in sum; gives the sum. */
static int wake_up(void *address, int all)
{
	int sum = 0;
	while (sum < all) {
		int n = futex(address, FUTEX_WAKE, 1, NULL, NULL, 0);
		if (n < 0)
			break;
		sum += n;
		if (n == 0)
			doze(5);
	}
	return sum;
}

CASE(futexes)
{
	struct timespec short_time = { 0, 20000000 }, bad = { 0, -5 };
	word = 1;
	fails(futex(&word, FUTEX_WAIT, 2, NULL, NULL, 0), EAGAIN, "waiting for another value gives EAGAIN");
	fails(futex(&word, FUTEX_WAIT, 1, &short_time, NULL, 0), ETIMEDOUT, "waiting in vain gives ETIMEDOUT");
	fails(futex(&word, FUTEX_WAIT, 1, &bad, NULL, 0), EINVAL, "a negative time gives EINVAL");
	fails(futex((char *)&word + 1, FUTEX_WAIT, 1, NULL, NULL, 0), EINVAL, "an odd address gives EINVAL");
	fails(futex((void *)16, FUTEX_WAIT, 1, NULL, NULL, 0), EFAULT, "a bad address gives EFAULT");
	fails(futex(&word, 77, 1, NULL, NULL, 0), ENOSYS, "an unknown operation gives ENOSYS");
	equal(futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0), 0, "waking nobody gives 0");
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		require(pthread_create(&threads[i], NULL, sleep_on, &word) == 0);
	equal(wake_up(&word, 3), 3, "FUTEX_WAKE wakes one waiter after the other");
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	equal(woken, 3, "all of which go on");
	for (int i = 0; i < 2; i++)
		require(pthread_create(&threads[i], NULL, sleep_on, &word) == 0);
	int moved = 0;
	while (moved < 2) {
		int n = futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)2, &second_word, 1);
		require(n >= 0);
		moved += n;
		doze(5);
	}
	equal(moved, 2, "FUTEX_CMP_REQUEUE moves waiters to another word");
	equal(futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0), 0, "after which the first has none");
	equal(futex(&second_word, FUTEX_WAKE, 10, NULL, NULL, 0), 2, "and the second has them");
	pthread_join(threads[0], NULL), pthread_join(threads[1], NULL);
	fails(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &second_word, 99), EAGAIN, "with another value it gives EAGAIN");
	require(pthread_create(&threads[0], NULL, sleep_on, &word) == 0);
	equal(wake_up(&word, 1), 1, "a thread waits again");
	pthread_join(threads[0], NULL);
	fails(futex(&word, FUTEX_WAIT_BITSET, 1, &short_time, NULL, 0), EINVAL, "FUTEX_WAIT_BITSET without a bit gives EINVAL");
	fails(futex(&word, FUTEX_WAIT_BITSET, 1, &short_time, NULL, 1), ETIMEDOUT, "its time is absolute");
}

CASE(requeue_counts)
{
	uint32_t first = 1, gathered = 1, words[64] = { 0 };
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		require(pthread_create(&threads[i], NULL, sleep_on, &first) == 0);
	for (int moved = 0; moved < 4; doze(5)) {
		int n = futex(&first, FUTEX_CMP_REQUEUE, 0, (void *)4, &gathered, 1);
		require(n >= 0);
		moved += n;
	}
	equal(futex(&gathered, FUTEX_CMP_REQUEUE, 1, (void *)1, &words[0], 1), 2,
	      "FUTEX_CMP_REQUEUE wakes no more and moves no more than it is told to");
	equal(futex(&words[0], FUTEX_CMP_REQUEUE, 0, (void *)10, &words[63], words[0]), 1, "one waits at the other word");
	equal(futex(&gathered, FUTEX_WAKE, 10, NULL, NULL, 0), 2, "two still where they were");
	equal(futex(&words[63], FUTEX_WAKE, 10, NULL, NULL, 0), 1, "and the one where it was moved to at last");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

CASE(futexes_between_processes)
{
	uint32_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*shared = 1, *private = 1;
	pid_t child = fork();
	if (child == 0)
		_exit(sleep_on(shared) == NULL ? 0 : 1);
	equal(wake_up(shared, 1), 1, "a futex in shared memory works between processes");
	equal(ended_with(child), 0, "the waiter goes on");
	child = fork();
	if (child == 0)
		_exit(sleep_on(private) == NULL ? 0 : 1);
	doze(50);
	equal(futex(private, FUTEX_WAKE, 1, NULL, NULL, 0), 0, "one in private memory does not");
	kill(child, SIGKILL);
	status_of(child);
}

static char stack[65536] __attribute__((aligned(16)));

static int cloned(void *argument)
{
	number = *(int *)argument;
	descriptor = open("/", O_RDONLY);
	return 5;
}

CASE(cloning)
{
	int value = 3, status;
	number = 0;
	pid_t child = clone(cloned, stack + sizeof stack, SIGCHLD, &value);
	equal(ended_with(child), 5, "clone without flags makes a process");
	equal(number, 0, "with memory of its own");
	child = clone(cloned, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &value);
	equal(number, 3, "CLONE_VM shares memory, CLONE_VFORK waits for the child's end");
	check(fcntl(descriptor, F_GETFD) == -1, "without CLONE_FILES descriptors are its own");
	equal(ended_with(child), 5, "its status can be waited for");
	child = clone(cloned, stack + sizeof stack, CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, &value);
	check(fcntl(descriptor, F_GETFD) != -1, "CLONE_FILES shares descriptors");
	status_of(child);
	child = clone(cloned, stack + sizeof stack, CLONE_VM | CLONE_VFORK, &value);
	fails(waitpid(child, &status, 0), ECHILD, "a child that sends no signal is not waited for");
	equal(waitpid(child, &status, __WALL), child, "but with __WALL");
	fails(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0), EINVAL, "CLONE_THREAD without CLONE_SIGHAND gives EINVAL");
	fails(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL, "CLONE_SIGHAND without CLONE_VM gives EINVAL");
	pid_t id = -1;
	child = syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, &id, &id, 0);
	if (child == 0)
		_exit(id == getpid() ? 0 : 1);
	equal(id, child, "CLONE_PARENT_SETTID writes the number for the parent");
	equal(ended_with(child), 0, "CLONE_CHILD_SETTID writes it for the child");
	int pidfd = -1;
	child = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
	if (child == 0)
		_exit(6);
	check(pidfd >= 0 && fcntl(pidfd, F_GETFD) == FD_CLOEXEC, "CLONE_PIDFD gives a descriptor");
	siginfo_t info;
	equal(waitid(3, pidfd, &info, WEXITED), 0, "that can be waited for");
	equal(info.si_status, 6, "with the child's status");
	fails(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), ESRCH, "after which it names nobody");
}

static volatile pid_t handler_thread;
static volatile int stop;

static void note_thread(int unused)
{
	(void)unused;
	handler_thread = syscall(SYS_gettid);
}

static volatile pid_t worker;

static void *spin(void *unused)
{
	worker = syscall(SYS_gettid);
	while (!stop)
		doze(5);
	return unused;
}

CASE(signals)
{
	pthread_t thread;
	sigset_t set;
	signal(SIGUSR1, note_thread);
	require(pthread_create(&thread, NULL, spin, NULL) == 0);
	while (!worker)
		doze(5);
	syscall(SYS_tgkill, getpid(), worker, SIGUSR1);
	while (!handler_thread)
		doze(5);
	equal(handler_thread, worker, "tgkill's signal is handled by that thread");
	handler_thread = 0;
	sigemptyset(&set), sigaddset(&set, SIGUSR1), pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	while (!handler_thread)
		doze(5);
	equal(handler_thread, worker, "kill's signal goes to a thread that does not block it");
	stop = 1;
	pthread_join(thread, NULL);
}

static void *exit_all(void *unused)
{
	_exit(9);
	return unused;
}

static void *exit_one(void *unused)
{
	syscall(SYS_exit, 3);
	return unused;
}

static void *crash(void *unused)
{
	*(volatile int *)8 = 1;
	return unused;
}

static void *execute(void *unused)
{
	execl("/bin/sh", "sh", "-c", "exit 4", NULL);
	return unused;
}

static void *last(void *unused)
{
	doze(50);
	syscall(SYS_exit, 8);
	return unused;
}

CASE(ends)
{
	pthread_t thread;
	equal(in_child(pthread_create(&thread, NULL, exit_all, NULL); for (;;) pause()), 9, "exit_group from a thread ends all");
	equal(in_child(pthread_create(&thread, NULL, crash, NULL); for (;;) pause()), 128 + SIGSEGV, "a thread's crash ends all");
	equal(in_child(pthread_create(&thread, NULL, execute, NULL); for (;;) pause()), 4, "execve from a thread replaces all");
	equal(in_child(pthread_create(&thread, NULL, exit_one, NULL); doze(30); _exit(2)), 2, "a thread's own exit leaves the others");
	equal(in_child(pthread_create(&thread, NULL, last, NULL); syscall(SYS_exit, 1)), 8,
	      "a process whose first thread ends lives until the last one does, and has its status");
	equal(in_child(pthread_create(&thread, NULL, spin, NULL); kill(getpid(), SIGTERM); pause()), 128 + SIGTERM,
	      "a deadly signal ends all threads");
}

CASE(scheduling)
{
	cpu_set_t set;
	struct sched_param parameter = { 0 };
	equal(sched_yield(), 0, "sched_yield succeeds");
	check(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 1, "the affinity has a processor");
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	equal(sched_setaffinity(0, sizeof set, &set), 0, "a thread can be bound to one");
	equal(sched_getcpu(), 0, "and runs there");
	CPU_ZERO(&set);
	fails(sched_setaffinity(0, sizeof set, &set), EINVAL, "to none it cannot");
	equal(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER, "the policy is SCHED_OTHER at first");
	equal(syscall(SYS_sched_get_priority_max, SCHED_FIFO), 99, "SCHED_FIFO has priorities to 99");
	equal(syscall(SYS_sched_get_priority_max, SCHED_OTHER), 0, "SCHED_OTHER has none");
	parameter.sched_priority = 5;
	equal(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &parameter), 0, "root can have real-time priority");
	equal(syscall(SYS_sched_getscheduler, 0), SCHED_RR, "and has it then");
	parameter.sched_priority = 0;
	fails(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameter), EINVAL, "SCHED_FIFO without priority gives EINVAL");
	equal(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &parameter), 0, "SCHED_BATCH is accepted");
	fails(syscall(SYS_sched_setscheduler, 0, 77, &parameter), EINVAL, "an unknown policy gives EINVAL");
}

SUITE(RUN(identity), RUN(sharing), RUN(locking), RUN(futexes), RUN(requeue_counts), RUN(futexes_between_processes), RUN(cloning), RUN(signals),
      RUN(ends), RUN(scheduling))
