/* A batch: a few hundred calls in processes of their own. What they spoil ends with them. */
#include "fuzz.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A blocking call is interrupted after so long. */
#define BLOCKED_US 5000

static void on_signal(int signal)
{
	(void)signal;
}

__attribute__((naked)) static void restore(void)
{
	__asm__("mov $15, %eax\n\tsyscall");
}

static void handle(long signal)
{
	uint64_t action[4] = { (uint64_t)on_signal, 0x04000000, (uint64_t)restore, 0 };
	raw(SYS_rt_sigaction, signal, action, 0, 8);
}

/* Undoes what would keep the next calls from ending: a blocked or ignored alarm, a stopped timer. Buries children. */
static void refresh(void)
{
	uint64_t all = -1, timer[4] = { 0, BLOCKED_US, 0, BLOCKED_US };
	handle(SIGALRM);
	raw(SYS_rt_sigprocmask, 1, &all, 0, 8);
	raw(SYS_setitimer, 0, timer, 0);
	for (int i = 0; i < 16 && raw(SYS_wait4, -1, 0, 0x40000001, 0) > 0; i++)
		;
}

static void make_calls(struct context *c)
{
	uint64_t values[ARGUMENTS];
	for (int made = 0; made < c->calls;) {
		if (made % 8 == 0)
			refresh();
		const struct row *row = &rows[draw(c) % row_count];
		if (row->attributes & LEFT_OUT)
			continue;
		generate(c, row, values);
		perform(c, row, values);
		made++;
	}
}

static void thread_body(struct context *c)
{
	c->tid = raw(SYS_gettid);
	make_calls(c);
	for (;;)
		raw(SYS_exit, 0);
}

static int map_at(char *place, size_t pages, int flags)
{
	return mmap(place, pages * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_ANONYMOUS | flags, -1, 0) == place ? 0 : -1;
}

static char *buffers_of(int role)
{
	return BUFFERS + (size_t)role * 2 * BUFFER_PAGES * PAGE;
}

static void set_limit(int resource, uint64_t value)
{
	struct rlimit limit = { value, value };
	setrlimit(resource, &limit);
}

static int prepare(int worker, int root)
{
	if (setpgid(0, 0))
		return -1;
	for (int role = 0; role < ROLES; role++)
		if (map_at(buffers_of(role), BUFFER_PAGES, MAP_PRIVATE))
			return -1;
	if (map_at(FIELD, FIELD_PAGES, MAP_SHARED) || enter_jail(worker))
		return -1;
	for (int signal = 1; signal < 65; signal++)
		if (signal != SIGSEGV && signal != SIGBUS && signal != SIGILL && signal != SIGTRAP && signal != SIGFPE)
			handle(signal);
	set_limit(RLIMIT_NPROC, 200);
	set_limit(RLIMIT_FSIZE, 4 << 20);
	set_limit(RLIMIT_AS, 256 << 20);
	set_limit(RLIMIT_CORE, 0);
	set_limit(RLIMIT_NOFILE, 512);
	set_limit(RLIMIT_CPU, 30);
	for (int fd = 0; fd < 64; fd++)
		close(fd);
	for (int fd = 0; fd < 3; fd++)
		if (open("/dev/null", O_RDWR | O_NOCTTY) != fd)
			return -1;
	return !root && (setgroups(0, NULL) || setgid(1000) || setuid(1000)) ? -1 : 0;
}

static struct context context_of(uint64_t seed, int worker, uint64_t batch, int role, int calls)
{
	struct lane *lane = &SHARED->lane[worker][role];
	struct context c = { .lane = lane, .buffers = buffers_of(role), .worker = worker, .role = role, .root = worker % 2 == 0, .calls = calls };
	c.state = seed ^ (uint64_t)worker << 56 ^ (uint64_t)role << 48 ^ batch * 0xd1342543de82ef95;
	memcpy(lane->magic, "serix fuzz lane", 16);
	lane->seed = seed, lane->worker = worker, lane->role = role, lane->batch = batch;
	c.pid = c.tid = c.group = raw(SYS_getpid);
	return c;
}

/* Alone, with a sibling that shares files and memory, or with a thread that shares everything. Never returns. */
void run_batch(uint64_t seed, int worker, uint64_t batch, int calls)
{
	static struct context contexts[ROLES];
	if (prepare(worker, worker % 2 == 0))
		_exit(99);
	int company = batch % 4; /* 0 and 1: none; 2: a sibling; 3: a thread */
	long sibling = 0;
	contexts[0] = context_of(seed, worker, batch, 0, calls);
	if (company == 2) {
		long group = raw(SYS_getpid);
		if ((sibling = raw(SYS_fork)) == 0) {
			contexts[1] = context_of(seed, worker, batch, 1, calls / 2);
			contexts[1].group = group;
			make_calls(&contexts[1]);
			raw(SYS_exit_group, 0);
		}
	} else if (company == 3) {
		contexts[2] = context_of(seed, worker, batch, 2, calls / 2);
		start_thread(thread_body, &contexts[2], contexts[2].buffers + BUFFER_PAGES * PAGE + (BUFFER_PAGES - 1) * PAGE);
	}
	make_calls(&contexts[0]);
	if (sibling > 0)
		raw(SYS_kill, sibling, SIGKILL);
	for (;;)
		raw(SYS_exit_group, 0);
}
