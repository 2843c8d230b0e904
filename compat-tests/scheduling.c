/* How threads share the processors: policies, priorities, nice values, and what real-time threads leave to others. */
#include "tap.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef SCHED_BATCH
#define SCHED_BATCH 3
#endif
#ifndef SCHED_IDLE
#define SCHED_IDLE 5
#endif
#define RESET_ON_FORK 0x40000000
#define KEEP_POLICY 8
#define KEEP_PARAMS 0x10

/* Not musl's functions: they refuse to work. */
static int set_policy(pid_t pid, int policy, int priority)
{
	return syscall(SYS_sched_setscheduler, pid, policy, &priority);
}
static int policy_of(pid_t pid) { return syscall(SYS_sched_getscheduler, pid); }
static int set_priority(int priority) { return syscall(SYS_sched_setparam, 0, &priority); }
static int priority(void)
{
	int priority = -1;
	return syscall(SYS_sched_getparam, 0, &priority) == -1 ? -1 : priority;
}

struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};
static int set_attributes(const struct attributes *attributes) { return syscall(SYS_sched_setattr, 0, attributes, 0); }
static int get_attributes(struct attributes *attributes, unsigned size)
{
	return syscall(SYS_sched_getattr, 0, attributes, size, 0);
}

static int nice_now(void) { return getpriority(PRIO_PROCESS, 0); }

static void bind_to(int processor)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	require(sched_setaffinity(0, sizeof set, &set) == 0);
}

CASE(policies)
{
	equal(policy_of(0), SCHED_OTHER, "a process begins with the ordinary policy");
	equal(set_policy(0, SCHED_BATCH, 0), 0, "it can be batch work");
	equal(policy_of(0), SCHED_BATCH, "and says so");
	equal(set_policy(0, SCHED_IDLE, 0), 0, "or take what is left over");
	equal(policy_of(0), SCHED_IDLE, "and says so");
	equal(set_policy(0, SCHED_RR, 7), 0, "or real-time");
	equal(policy_of(0), SCHED_RR, "and says so");
	equal(priority(), 7, "with a priority");
	equal(set_priority(9), 0, "that can be changed alone");
	equal(priority(), 9, "which shows");
	equal(policy_of(0), SCHED_RR, "and leaves the policy");
	fails(set_priority(0), EINVAL, "but not to none");
	fails(set_policy(0, SCHED_FIFO, 100), EINVAL, "nor to 100");
	fails(set_policy(0, SCHED_OTHER, 1), EINVAL, "others have none");
	fails(set_policy(0, 4, 0), EINVAL, "there is no policy 4");
	fails(set_policy(0, 6, 0), EINVAL, "a deadline has no priority");
	fails(set_policy(0, -1, 0), EINVAL, "there is no policy -1");
	fails(set_policy(-1, SCHED_OTHER, 0), EINVAL, "nor a process -1");
	equal(set_policy(0, SCHED_OTHER, 0), 0, "it becomes ordinary again");
	equal(priority(), 0, "without a priority");
}

CASE(nice_values)
{
	require(setpriority(PRIO_PROCESS, 0, 5) == 0);
	require(set_policy(0, SCHED_BATCH, 0) == 0);
	equal(nice_now(), 5, "batch work has a nice value");
	require(set_policy(0, SCHED_FIFO, 3) == 0);
	equal(nice_now(), 5, "a real-time thread keeps one");
	require(setpriority(PRIO_PROCESS, 0, 6) == 0);
	equal(nice_now(), 6, "that can be changed");
	equal(policy_of(0), SCHED_FIFO, "and changes nothing else");
	require(set_policy(0, SCHED_OTHER, 0) == 0);
	equal(nice_now(), 6, "it is that of the ordinary thread");
	require(set_policy(0, SCHED_IDLE, 0) == 0 && setpriority(PRIO_PROCESS, 0, -4) == 0);
	equal(nice_now(), -4, "who takes what is left over has one, too");
	equal(policy_of(0), SCHED_IDLE, "which changes nothing else");
}

CASE(children)
{
	require(setpriority(PRIO_PROCESS, 0, -3) == 0 && set_policy(0, SCHED_FIFO, 2) == 0);
	equal(in_child(_exit(policy_of(0) == SCHED_FIFO && priority() == 2 && nice_now() == -3)), 1, "a child is scheduled as its parent");
	require(set_policy(0, SCHED_FIFO | RESET_ON_FORK, 2) == 0);
	equal(policy_of(0), SCHED_FIFO | RESET_ON_FORK, "a thread can keep that for itself");
	equal(in_child(_exit(policy_of(0) == SCHED_OTHER && nice_now() == 0)), 1, "then its child is an ordinary one");
	require(set_priority(4) == 0);
	equal(policy_of(0), SCHED_FIFO | RESET_ON_FORK, "another priority does not change that");
	require(set_policy(0, SCHED_BATCH | RESET_ON_FORK, 0) == 0);
	equal(in_child(_exit(policy_of(0) == SCHED_BATCH && nice_now() == 0)), 1, "of batch work the child has no nice value below zero");
	require(set_policy(0, SCHED_OTHER, 0) == 0);
	equal(policy_of(0), SCHED_OTHER, "who may can take it back");
}

CASE(attributes)
{
	struct attributes all;
	memset(&all, 0xff, sizeof all);
	require(setpriority(PRIO_PROCESS, 0, 5) == 0);
	equal(get_attributes(&all, sizeof all), 0, "sched_getattr tells all");
	equal(all.size, 56, "how much that is");
	equal(all.policy, SCHED_OTHER, "the policy");
	equal(all.nice, 5, "the nice value");
	check(all.priority == 0 && all.flags == 0 && all.deadline == 0, "and nothing else");
	memset(&all, 0xff, sizeof all);
	equal(get_attributes(&all, 48), 0, "or less, for older programs");
	check(all.size == 48 && all.util_min == UINT32_MAX, "then not more than that");
	char large[128];
	memset(large, 0x55, sizeof large);
	equal(get_attributes((void *)large, sizeof large), 0, "newer programs may ask for more");
	check(((struct attributes *)large)->size == 56 && large[56] == 0x55, "but get what there is");
	fails(get_attributes(&all, 47), EINVAL, "less there never was");
	fails(get_attributes(&all, 4097), EINVAL, "more than a page there never is");
	fails(get_attributes(NULL, 56), EINVAL, "a null pointer is one mistake");
	fails(get_attributes((void *)8, 56), EFAULT, "a bad one another");
	fails(syscall(SYS_sched_getattr, 0, &all, 56, 1), EINVAL, "there are no flags");

	struct attributes set = { .size = sizeof set, .policy = SCHED_RR, .priority = 3, .nice = -7, .flags = 1 };
	equal(set_attributes(&set), 0, "sched_setattr sets all");
	require(get_attributes(&all, sizeof all) == 0);
	check(all.policy == SCHED_RR && all.priority == 3 && all.flags == 1, "which is told");
	equal(all.nice, 0, "without the nice value of a real-time thread");
	equal(nice_now(), 5, "which stays what it was");
	set = (struct attributes){ .size = sizeof set, .flags = KEEP_POLICY | KEEP_PARAMS };
	equal(set_attributes(&set), 0, "it can leave everything");
	check(policy_of(0) == (SCHED_RR | RESET_ON_FORK) && priority() == 3, "as it was");
	set = (struct attributes){ .size = 0, .policy = SCHED_BATCH, .nice = 50 };
	equal(set_attributes(&set), 0, "without a size it is the first there was");
	check(policy_of(0) == SCHED_BATCH && nice_now() == 19, "nice values are bounded");
	set.size = 40;
	fails(set_attributes(&set), E2BIG, "a wrong size");
	equal(set.size, 56, "is told the right one");
	memset(large, 0, sizeof large);
	*(uint32_t *)large = sizeof large;
	equal(set_attributes((void *)large), 0, "a newer program's zeros are no harm");
	large[100] = 1;
	fails(set_attributes((void *)large), E2BIG, "but what is not known is");
	set = (struct attributes){ .size = 56, .policy = SCHED_OTHER, .priority = 1 };
	fails(set_attributes(&set), EINVAL, "an ordinary thread has no priority");
	set = (struct attributes){ .size = 56, .policy = SCHED_OTHER, .flags = 0x80 };
	fails(set_attributes(&set), EINVAL, "an unknown flag is refused");
	set = (struct attributes){ .size = 56, .policy = 77 };
	fails(set_attributes(&set), EINVAL, "and an unknown policy");
	set = (struct attributes){ .size = 56, .policy = 6, .runtime = 10, .deadline = 20, .period = 30 };
	fails(set_attributes(&set), EINVAL, "a deadline of nanoseconds is none");
	fails(set_attributes(NULL), EINVAL, "nothing can be set from nowhere");
	fails(syscall(SYS_sched_setattr, 0, &set, 1), EINVAL, "there are no flags");
	fails(syscall(SYS_sched_setattr, -1, &set, 0), EINVAL, "nor a process -1");
}

CASE(what_a_user_may)
{
	struct rlimit none = { 0, 0 }, some = { 5, 5 };
	require(setrlimit(RLIMIT_RTPRIO, &none) == 0 && setrlimit(RLIMIT_NICE, &none) == 0);
	equal(in_child(require(setresuid(1000, 1000, 1000) == 0); _exit(set_policy(0, SCHED_FIFO, 1) == -1 ? errno : 0)), EPERM, "no real-time without a limit");
	equal(in_child(require(setresuid(1000, 1000, 1000) == 0); _exit(set_policy(0, SCHED_BATCH, 0) == -1 ? errno : 0)), 0, "batch work is free");
	equal(in_child(require(setresuid(1000, 1000, 1000) == 0);
		       require(set_policy(0, SCHED_IDLE, 0) == 0);
		       _exit(set_policy(0, SCHED_OTHER, 0) == -1 ? errno : 0)), EPERM, "there is no way back from taking what is left over");
	equal(in_child(require(setresuid(1000, 1000, 1000) == 0);
		       require(set_policy(0, SCHED_OTHER | RESET_ON_FORK, 0) == 0);
		       _exit(set_policy(0, SCHED_OTHER, 0) == -1 ? errno : 0)), EPERM, "nor from not sharing with children");
	equal(in_child(require(setresuid(1000, 1000, 1000) == 0);
		       struct attributes set = { .size = 56, .nice = -1 };
		       _exit(set_attributes(&set) == -1 ? errno : 0)), EPERM, "nor below the nice value that one has");
	require(setrlimit(RLIMIT_RTPRIO, &some) == 0);
	equal(in_child(require(setresuid(1000, 1000, 1000) == 0); _exit(set_policy(0, SCHED_FIFO, 5) == -1 ? errno : 0)), 0, "with a limit real-time goes");
	equal(in_child(require(setresuid(1000, 1000, 1000) == 0); _exit(set_policy(0, SCHED_FIFO, 6) == -1 ? errno : 0)), EPERM, "up to it");
	require(set_policy(0, SCHED_RR, 20) == 0);
	equal(in_child(require(setresuid(1000, 1000, 1000) == 0); _exit(set_priority(19) == -1 ? errno : 0)), 0, "who has more may have less");
	equal(in_child(require(setresuid(1000, 1000, 1000) == 0); _exit(set_priority(21) == -1 ? errno : 0)), EPERM, "but not more still");
	pid_t other = getppid();
	equal(in_child(require(setresuid(1000, 1000, 1000) == 0); _exit(set_policy(other, SCHED_BATCH, 0) == -1 ? errno : 0)), EPERM, "others' processes are theirs");
}

/* Children that work for ever on the first processor. */
static pid_t hog(int policy, int priority, volatile unsigned long *count)
{
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!*count)
			;
		for (;;)
			++*count;
	}
	require(child > 0);
	require(set_policy(child, policy, priority) == 0);
	return child;
}

CASE(round_robin_threads_take_turns)
{
	volatile unsigned long *counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(counts != MAP_FAILED);
	bind_to(0);
	require(set_policy(0, SCHED_FIFO, 20) == 0);
	pid_t first = hog(SCHED_RR, 10, &counts[0]), second = hog(SCHED_RR, 10, &counts[1]);
	counts[0] = counts[1] = 1;
	check(eventually(counts[0] > 1 && counts[1] > 1), "two of the same priority both get their turns");
	unsigned long before = counts[0], other = counts[1];
	check(eventually(counts[0] > before && counts[1] > other), "again and again");
	kill(first, SIGKILL), kill(second, SIGKILL);
	check(ended_with(first) == 137 && ended_with(second) == 137, "until they are killed");
}

CASE(real_time_leaves_something_to_others)
{
	volatile unsigned long *counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(counts != MAP_FAILED);
	const char *text = contents_of("/proc/sys/kernel/sched_rt_runtime_us");
	same(text, "950000\n", "real-time threads have 950 of 1000 milliseconds");
	bind_to(0);
	counts[0] = 1;
	pid_t child = hog(SCHED_FIFO, 50, &counts[0]);
	unsigned long before = counts[0];
	check(eventually(counts[0] > before), "a real-time thread that never sleeps runs");
	for (volatile int work = 0; work < 1000000; work++)
		;
	check(1, "and this one on the same processor, too");
	require(kill(child, SIGKILL) == 0);
	equal(ended_with(child), 137, "it can be ended");
}

CASE(limits_of_real_time)
{
	int fd = open("/proc/sys/kernel/sched_rt_runtime_us", O_RDWR);
	require(fd != -1);
	fails(write(fd, "-2", 2), EINVAL, "the part of the period is not less than -1");
	fails(write(fd, "1000001", 7), EINVAL, "nor longer than the period");
	fails(write(fd, "much", 4), EINVAL, "but a number");
	equal(write(fd, "940000", 6), 6, "which can be set");
	same(contents_of("/proc/sys/kernel/sched_rt_runtime_us"), "940000\n", "and is told");
	equal(pwrite(fd, "950000", 6, 0), 6, "and set again");
	same(contents_of("/proc/sys/kernel/sched_rt_period_us"), "1000000\n", "the period is a second");
}

SUITE(RUN(policies), RUN(nice_values), RUN(children), RUN(attributes), RUN(what_a_user_may), RUN(round_robin_threads_take_turns),
      RUN(real_time_leaves_something_to_others), RUN(limits_of_real_time))
