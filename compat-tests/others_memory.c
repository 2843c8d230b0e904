/* Other processes' memory: copying from and into it (process_vm_readv, process_vm_writev), advice on it (process_madvise). */
#include "tap.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#define PAGE 4096L

static long get(pid_t pid, const struct iovec *own, size_t owns, const struct iovec *other, size_t others)
{
	return syscall(SYS_process_vm_readv, pid, own, owns, other, others, 0L);
}

static long put(pid_t pid, const struct iovec *own, size_t owns, const struct iovec *other, size_t others)
{
	return syscall(SYS_process_vm_writev, pid, own, owns, other, others, 0L);
}

/* Four pages, which a child has with other contents at the same place. */
static char *area;
static int commands[2], answers[2];

static char *pages(int number, int how)
{
	char *at = mmap(NULL, number * PAGE, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS, -1, 0);
	require(at != MAP_FAILED);
	return at;
}

/* A child with other memory at `area`: it ends at the letter q, and answers any other with the first byte of its second page. */
static pid_t other(void)
{
	require(pipe(commands) == 0 && pipe(answers) == 0);
	area = pages(4, MAP_PRIVATE);
	memset(area, 'p', 4 * PAGE);
	pid_t child = fork();
	if (child == 0) {
		char command;
		for (int i = 0; i < 4 * PAGE; i++)
			area[i] = (char)('a' + i % 26);
		mprotect(area + 3 * PAGE, PAGE, PROT_NONE);
		write(answers[1], "r", 1);
		while (read(commands[0], &command, 1) == 1 && command != 'q') {
			if (command == 'u')
				prctl(PR_SET_DUMPABLE, 0);
			if (command == 'r')
				mprotect(area, 2 * PAGE, PROT_READ);
			if (command == 'w')
				mprotect(area, 2 * PAGE, PROT_WRITE);
			write(answers[1], command == 'w' ? "w" : area + PAGE, 1);
		}
		_exit(0);
	}
	char ready;
	require(read(answers[0], &ready, 1) == 1);
	return child;
}

static char ask(char command)
{
	char answer = 0;
	require(write(commands[1], &command, 1) == 1 && read(answers[0], &answer, 1) == 1);
	return answer;
}

static void end(pid_t child)
{
	require(write(commands[1], "q", 1) == 1);
	equal(ended_with(child), 0, "the other comes to its end as if nothing had been");
}

static int alphabet(const char *text, size_t from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] != (char)('a' + (from + i) % 26))
			return 0;
	return 1;
}

CASE(reading)
{
	pid_t child = other();
	char text[3 * PAGE];
	struct iovec own = { text, 100 }, its = { area + 50, 100 };
	equal(get(child, &own, 1, &its, 1), 100, "another's memory can be read");
	check(alphabet(text, 50, 100), "and is what it has there");
	own.iov_len = its.iov_len = 2 * PAGE + 100;
	its.iov_base = area + PAGE / 2;
	equal(get(child, &own, 1, &its, 1), 2 * PAGE + 100, "also over several pages");
	check(alphabet(text, PAGE / 2, 2 * PAGE + 100), "all of it");
	memset(text, 0, sizeof text);
	struct iovec pieces[] = { { text, 3 }, { text + 100, 0 }, { NULL, 0 }, { text + 10, 7 } };
	struct iovec theirs[] = { { area, 5 }, { area + 77, 0 }, { (void *)8, 0 }, { area + 26, 5 } };
	equal(get(child, pieces, 4, theirs, 4), 10, "pieces on both sides need not be alike");
	check(memcmp(text, "abc", 3) == 0 && memcmp(text + 10, "deabcde", 7) == 0, "they follow each other");
	own.iov_len = 10, its.iov_base = area, its.iov_len = 20;
	equal(get(child, &own, 1, &its, 1), 10, "the smaller side counts here");
	own.iov_len = 20, its.iov_len = 10;
	equal(get(child, &own, 1, &its, 1), 10, "and there");
	equal(area[0], 'p', "one's own memory at that place is another");
	end(child);
}

CASE(writing)
{
	pid_t child = other();
	char text[] = "XYZ", back[8] = "";
	struct iovec own = { text, 3 }, its = { area + PAGE - 1, 3 };
	equal(put(child, &own, 1, &its, 1), 3, "another's memory can be written");
	equal(ask('?'), 'Y', "which it sees");
	own.iov_base = back, own.iov_len = its.iov_len = 4;
	equal(get(child, &own, 1, &its, 1), 4, "and so does who reads");
	check(memcmp(back, "XYZq", 4) == 0, "there it is, with what was behind it");
	ask('r');
	own = (struct iovec){ text, 3 };
	fails(put(child, &own, 1, &its, 1), EFAULT, "what it may not write itself cannot be written");
	equal(ask('?'), 'Y', "and is as it was");
	ask('w');
	own.iov_base = back, its.iov_len = 3;
	fails(get(child, &own, 1, &its, 1), EFAULT, "nor can be read what it may only write");
	own.iov_base = text;
	equal(put(child, &own, 1, &its, 1), 3, "which can be written");
	end(child);
	check(area[PAGE] == 'p', "one's own page, that it had been a copy of, has not changed");
}

CASE(copies)
{
	require(pipe(commands) == 0);
	area = pages(2, MAP_PRIVATE);
	memset(area, 'p', 2 * PAGE);
	pid_t child = fork();
	if (child == 0) {
		char byte;
		_exit(read(commands[0], &byte, 1) == 1 && area[0] == 'w' && area[PAGE] == 'p' ? 0 : 1);
	}
	char text[] = "w";
	struct iovec own = { text, 1 }, its = { area, 1 };
	equal(put(child, &own, 1, &its, 1), 1, "a page that two share since fork can be written");
	equal(area[0], 'p', "then each has its own");
	require(write(commands[1], "g", 1) == 1);
	equal(ended_with(child), 0, "and the other sees what was written");
	char *shared = pages(1, MAP_SHARED);
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	its.iov_base = shared;
	equal(put(child, &own, 1, &its, 1), 1, "a shared page that nobody has touched can be written");
	equal(shared[0], 'w', "and is seen by both");
	kill(child, SIGKILL);
	status_of(child);
}

CASE(parts)
{
	pid_t child = other();
	char text[2 * PAGE];
	struct iovec own = { text, sizeof text }, its = { area + 2 * PAGE + 4000, 200 };
	equal(get(child, &own, 1, &its, 1), 96, "a read goes up to what cannot be read");
	equal(put(child, &own, 1, &its, 1), 96, "and so does a write");
	its.iov_base = area + 3 * PAGE;
	fails(get(child, &own, 1, &its, 1), EFAULT, "without anything before it that is an error");
	struct iovec two[] = { { area, 10 }, { (void *)8, 10 }, { area, 10 } };
	equal(get(child, &own, 1, two, 3), 10, "pieces before a bad one are read");
	fails(get(child, &own, 1, two + 1, 2), EFAULT, "but not those behind");
	two[1].iov_base = (void *)-PAGE;
	equal(get(child, &own, 1, two, 3), 10, "a kernel's address is as bad");
	char *hole = pages(2, MAP_PRIVATE);
	require(munmap(hole + PAGE, PAGE) == 0);
	own = (struct iovec){ hole + PAGE - 7, 20 };
	its = (struct iovec){ area, 20 };
	equal(get(child, &own, 1, &its, 1), 7, "one's own side may end, too");
	check(alphabet(hole + PAGE - 7, 0, 7), "with what came before");
	own = (struct iovec){ hole + PAGE, 20 };
	fails(get(child, &own, 1, &its, 1), EFAULT, "or never begin");
	fails(put(child, &own, 1, &its, 1), EFAULT, "in either direction");
	end(child);
}

CASE(arguments)
{
	pid_t child = other();
	char text[64];
	struct iovec own = { text, sizeof text }, its = { area, sizeof text };
	static struct iovec many[1025];
	fails(syscall(SYS_process_vm_readv, child, &own, 1L, &its, 1L, 1L), EINVAL, "there are no flags");
	fails(syscall(SYS_process_vm_writev, child, &own, 1L, &its, 1L, -1L), EINVAL, "none at all");
	for (int i = 0; i < 1025; i++)
		many[i] = (struct iovec){ text + i % 64, 1 };
	fails(get(child, many, 1025, &its, 1), EINVAL, "1025 pieces are too many");
	fails(get(child, &own, 1, many, 1025), EINVAL, "also of the other's");
	equal(get(child, many, 1024, &its, 1), 64, "1024 are not");
	equal(get(child, &own, 0, &its, 1), 0, "nothing from something is nothing");
	equal(get(child, &own, 1, &its, 0), 0, "something from nothing too");
	equal(get(4194303, &own, 0, &its, 1), 0, "then nobody is looked for");
	equal(get(4194303, &own, 1, &its, 0), 0, "in neither case");
	its.iov_len = 0;
	equal(get(4194303, &own, 1, &its, 1), 0, "nor with an empty piece");
	its.iov_len = sizeof text;
	fails(get(4194303, &own, 1, &its, 1), ESRCH, "a number of nobody gives ESRCH");
	fails(get(-1, &own, 1, &its, 1), ESRCH, "as does a negative one");
	fails(get(0, &own, 1, &its, 1), ESRCH, "and 0");
	fails(get(child, (void *)8, 1, &its, 1), EFAULT, "a bad list gives EFAULT");
	fails(get(child, &own, 1, (void *)8, 1), EFAULT, "on either side");
	equal(get(child, (void *)8, 0, &its, 1), 0, "unless it is empty");
	struct iovec wrong = { text, -1UL };
	fails(get(child, &wrong, 1, &its, 1), EINVAL, "a negative length gives EINVAL");
	fails(get(child, &own, 1, &wrong, 1), EINVAL, "on either side");
	wrong = (struct iovec){ (void *)-PAGE, 1 };
	fails(get(child, &wrong, 1, &its, 1), EFAULT, "a kernel's address on one's own side gives EFAULT");
	own.iov_base = text + 32, own.iov_len = 16;
	its.iov_base = text, its.iov_len = 16;
	strcpy(text, "one's own");
	equal(get(getpid(), &own, 1, &its, 1), 16, "one's own process is a process, too");
	same(text + 32, "one's own", "and its memory is read");
	end(child);
	child = fork();
	if (child == 0)
		_exit(0);
	siginfo_t info;
	require(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
	fails(get(child, &own, 1, &its, 1), ESRCH, "who has ended has no memory");
	status_of(child);
}

static int as_user(uid_t user, pid_t whom)
{
	char text[8];
	struct iovec own = { text, sizeof text }, its = { area, sizeof text };
	return in_child(require(setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0);
			_exit(get(whom, &own, 1, &its, 1) == -1 ? errno : 0));
}

CASE(who_may)
{
	pid_t child = other();
	equal(as_user(1000, child), EPERM, "a user may not look into the superuser's memory");
	char text[8];
	struct iovec own = { text, sizeof text }, its = { area, sizeof text };
	equal(ask('u'), 'a' + PAGE % 26, "a process may close itself");
	equal(get(child, &own, 1, &its, 1), 8, "the superuser looks into it anyway");
	end(child);
	int pair[2];
	require(pipe(pair) == 0 && pipe(commands) == 0);
	child = fork();
	if (child == 0) {
		char byte;
		require(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
		write(pair[1], "r", 1);
		require(read(commands[0], &byte, 1) == 1 && prctl(PR_SET_DUMPABLE, 1) == 0);
		write(pair[1], "r", 1);
		_exit(read(commands[0], &byte, 1) == 1 ? 0 : 1);
	}
	char ready;
	require(read(pair[0], &ready, 1) == 1);
	equal(as_user(1000, child), EPERM, "who became another is closed to that one, too");
	equal(as_user(1001, child), EPERM, "and to a third");
	equal(get(child, &own, 1, &its, 1), 8, "not to the superuser");
	require(write(commands[1], "d", 1) == 1 && read(pair[0], &ready, 1) == 1);
	equal(as_user(1000, child), 0, "it can open itself to its user");
	equal(as_user(1001, child), EPERM, "still not to a third");
	require(write(commands[1], "g", 1) == 1);
	equal(ended_with(child), 0, "it ends");
}

static long advise(int fd, const struct iovec *list, size_t number, int advice, unsigned flags)
{
	return syscall(SYS_process_madvise, fd, list, number, advice, flags);
}

CASE(advice)
{
	pid_t child = other();
	int fd = syscall(SYS_pidfd_open, child, 0);
	require(fd != -1);
	struct iovec all = { area, 2 * PAGE };
	equal(advise(fd, &all, 1, MADV_COLD, 0), 2 * PAGE, "MADV_COLD gives the length");
	equal(advise(fd, &all, 1, MADV_PAGEOUT, 0), 2 * PAGE, "and so does MADV_PAGEOUT");
	equal(advise(fd, &all, 1, MADV_WILLNEED, 0), 2 * PAGE, "and MADV_WILLNEED");
	equal(ask('?'), 'a' + PAGE % 26, "the memory is what it was");
	fails(advise(fd, &all, 1, MADV_DONTNEED, 0), EINVAL, "what would change it is refused");
	fails(advise(fd, &all, 1, MADV_NORMAL, 0), EINVAL, "as is what is not for others");
	fails(advise(fd, &all, 1, -1, 0), EINVAL, "and what there is not");
	fails(advise(fd, &all, 1, MADV_COLD, 1), EINVAL, "there are no flags");
	struct iovec list[] = { { area, PAGE }, { area + PAGE, 0 }, { area + 2 * PAGE, PAGE } };
	equal(advise(fd, list, 3, MADV_COLD, 0), 2 * PAGE, "of several pieces it gives the sum");
	equal(advise(fd, list, 0, MADV_COLD, 0), 0, "of none nothing");
	list[2].iov_base = (void *)PAGE;
	equal(advise(fd, list, 3, MADV_COLD, 0), PAGE, "a piece that is not mapped ends it");
	fails(advise(fd, list + 2, 1, MADV_COLD, 0), ENOMEM, "alone it gives ENOMEM");
	list[0].iov_base = area + 1;
	fails(advise(fd, list, 3, MADV_COLD, 0), EINVAL, "one that does not begin a page gives EINVAL");
	list[0].iov_len = -1UL;
	fails(advise(fd, list, 1, MADV_COLD, 0), EINVAL, "as does a negative length");
	fails(advise(fd, (void *)8, 1, MADV_COLD, 0), EFAULT, "a bad list gives EFAULT");
	static struct iovec many[1025];
	fails(advise(fd, many, 1025, MADV_COLD, 0), EINVAL, "1025 pieces are too many");
	fails(advise(99, &all, 1, MADV_COLD, 0), EBADF, "a closed descriptor gives EBADF");
	fails(advise(commands[0], &all, 1, MADV_COLD, 0), EBADF, "what is no process gives EBADF");
	fails(advise(commands[0], &all, 1, MADV_NORMAL, 0), EBADF, "before the advice is looked at");
	equal(in_child(require(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
		       _exit(advise(fd, &all, 1, MADV_COLD, 0) == -1 ? errno : 0)), EACCES, "a user may not look into the superuser's process");
	equal(in_child(require(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
		       int own = syscall(SYS_pidfd_open, getpid(), 0);
		       _exit(advise(own, &all, 1, MADV_COLD, 0) == -1 ? errno : 0)), EPERM, "nor advise even itself");
	end(child);
	fails(advise(fd, &all, 1, MADV_COLD, 0), ESRCH, "who is gone gives ESRCH");
}

SUITE(RUN(reading), RUN(writing), RUN(copies), RUN(parts), RUN(arguments), RUN(who_may), RUN(advice))
