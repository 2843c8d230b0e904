/* Executing programs: arguments, environment, what survives, scripts, the auxiliary vector, errors. */
#include "tap.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* What this program does when it runs as `exec @ROLE …`: it looks at what it was given and tells by its status. */
static int role(int argc, char **argv, char **environment)
{
	const char *name = argv[1];
	if (strcmp(name, "@arguments") == 0)
		return argc == 5 && !strcmp(argv[2], "one") && !strcmp(argv[3], "") && !strcmp(argv[4], "th ree") ? 0 : 1;
	if (strcmp(name, "@environment") == 0)
		return environment[0] && !strcmp(environment[0], "A=1") && environment[1] && !strcmp(environment[1], "odd") &&
				       !environment[2] ? 0 : 1;
	if (strcmp(name, "@descriptor") == 0)
		return fcntl(atoi(argv[2]), F_GETFD) == -1 ? 1 : 0;
	if (strcmp(name, "@signals") == 0) {
		struct sigaction user1, user2;
		sigset_t mask, pending;
		sigaction(SIGUSR1, NULL, &user1), sigaction(SIGUSR2, NULL, &user2);
		sigprocmask(SIG_BLOCK, NULL, &mask), sigpending(&pending);
		return (user1.sa_handler == SIG_DFL) + 2 * (user2.sa_handler == SIG_IGN) +
		       4 * sigismember(&mask, SIGTERM) + 8 * sigismember(&pending, SIGTERM);
	}
	if (strcmp(name, "@identity") == 0)
		return atoi(argv[2]) == getpid() && atoi(argv[3]) == getppid() && atoi(argv[4]) == getpgrp() ? 0 : 1;
	if (strcmp(name, "@vector") == 0)
		return getauxval(AT_PAGESZ) == 4096 && getauxval(AT_PHNUM) > 0 && getauxval(AT_ENTRY) && getauxval(AT_RANDOM) &&
				       getauxval(AT_EXECFN) && !strcmp((char *)getauxval(AT_EXECFN), argv[2]) &&
				       getauxval(AT_SECURE) == 0 && getauxval(AT_CLKTCK) == 100 && getauxval(AT_UID) == getuid() ? 0 : 1;
	if (strcmp(name, "@alternate") == 0) {
		stack_t stack;
		return sigaltstack(NULL, &stack) == 0 && stack.ss_flags == SS_DISABLE ? 0 : 1;
	}
	if (strcmp(name, "@masks") == 0)
		return umask(0) == 031 ? 0 : 1;
	if (strcmp(name, "@effective") == 0)
		return geteuid() * 10 + (getauxval(AT_SECURE) ? 1 : 0);
	if (strcmp(name, "@wait") == 0) {
		char byte;
		return read(0, &byte, 1) == 0 ? 55 : 1;
	}
	if (strcmp(name, "@alarm") == 0)
		return alarm(0) > 0 ? 0 : 1;
	return 99;
}

#define again(...) in_child(execl(tap_program, tap_program, __VA_ARGS__, NULL); _exit(98))

CASE(arguments)
{
	char *vector[] = { "name", "@environment", NULL }, *environment[] = { "A=1", "odd", NULL };
	equal(again("@arguments", "one", "", "th ree"), 0, "arguments arrive unchanged, empty ones, too");
	equal(in_child(execve(tap_program, vector, environment)), 0, "the environment is the one given");
	equal(again("@vector", tap_program), 0, "the auxiliary vector tells page size, program headers, path and user");
	char pid[16], ppid[16], group[16];
	equal(in_child(snprintf(pid, 16, "%d", getpid()); snprintf(ppid, 16, "%d", getppid()); snprintf(group, 16, "%d", getpgrp());
		       execl(tap_program, tap_program, "@identity", pid, ppid, group, NULL)), 0,
	      "a process keeps its number, parent and group");
}

CASE(descriptors)
{
	char kept[16], closed[16];
	snprintf(kept, 16, "%d", open("/", O_RDONLY)), snprintf(closed, 16, "%d", open("/", O_RDONLY | O_CLOEXEC));
	equal(again("@descriptor", kept), 0, "descriptors stay open");
	equal(again("@descriptor", closed), 1, "those with O_CLOEXEC are closed");
	int fd = atoi(kept);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	equal(again("@descriptor", kept), 1, "FD_CLOEXEC does the same");
	equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "the parent's descriptor stays open");
	equal(in_child(execl("/missing", "x", NULL); if (fcntl(atoi(closed), F_GETFD) == -1) _exit(1)), 0,
	      "a failed execve closes nothing");
}

static void handler(int signal)
{
	(void)signal;
}

CASE(signals)
{
	sigset_t set;
	signal(SIGUSR1, handler), signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set), sigaddset(&set, SIGTERM), sigprocmask(SIG_BLOCK, &set, NULL);
	int bits = in_child(raise(SIGTERM); execl(tap_program, tap_program, "@signals", NULL));
	check(bits & 1, "a handled signal is at its default after execve");
	check(bits & 2, "an ignored signal stays ignored");
	check(bits & 4, "the signal mask is kept");
	check(bits & 8, "a pending signal stays pending");
	stack_t stack = { .ss_sp = malloc(SIGSTKSZ), .ss_size = SIGSTKSZ };
	require(sigaltstack(&stack, NULL) == 0);
	equal(again("@alternate"), 0, "the alternate signal stack is gone");
	equal(in_child(alarm(100); execl(tap_program, tap_program, "@alarm", NULL)), 0, "a running alarm goes on");
	umask(031);
	equal(again("@masks"), 0, "the umask is kept");
}

CASE(scripts)
{
	make_file("script", "#!/bin/sh\nexit 7\n");
	chmod("script", 0755);
	equal(in_child(execl("./script", "script", NULL)), 7, "a script runs its interpreter");
	make_file("echo", "#!/bin/echo  one two \n");
	chmod("echo", 0755);
	int pipes[2];
	char buffer[64] = "";
	require(pipe(pipes) == 0);
	equal(in_child(dup2(pipes[1], 1); execl("./echo", "ignored", "last", NULL)), 0, "an interpreter may have an argument");
	require(read(pipes[0], buffer, 63) > 0);
	same(buffer, "one two ./echo last\n", "it gets it as one word, then the script's path and the arguments");
	make_file("bad", "#!/missing/interpreter\n");
	chmod("bad", 0755);
	equal(in_child(execl("./bad", "bad", NULL); _exit(errno)), ENOENT, "a missing interpreter gives ENOENT");
	make_file("plain", "exit 3\n");
	chmod("plain", 0755);
	equal(in_child(execl("./plain", "plain", NULL); _exit(errno)), ENOEXEC, "a file of unknown format gives ENOEXEC");
	make_file("empty", "");
	chmod("empty", 0755);
	equal(in_child(execl("./empty", "empty", NULL); _exit(errno)), ENOEXEC, "an empty file gives ENOEXEC");
	make_file("nest", "#!./script\n");
	chmod("nest", 0755);
	equal(in_child(execl("./nest", "nest", NULL); _exit(errno)), 7, "an interpreter may be a script itself");
}

/* Copies this program's file to `path`. */
static void copy_program(const char *path)
{
	static char buffer[65536];
	int from = open(tap_program, O_RDONLY), to = open(path, O_CREAT | O_WRONLY, 0755);
	require(from >= 0 && to >= 0);
	for (ssize_t n; (n = read(from, buffer, sizeof buffer)) > 0;)
		require(write(to, buffer, n) == n);
	close(from), close(to);
}

CASE(errors)
{
	equal(in_child(execl("./missing", "x", NULL); _exit(errno)), ENOENT, "a missing program gives ENOENT");
	make_file("data", "#!/bin/sh\n");
	equal(in_child(execl("./data", "x", NULL); _exit(errno)), EACCES, "a file without x gives EACCES, even to root");
	equal(in_child(execl(".", "x", NULL); _exit(errno)), EACCES, "a folder gives EACCES");
	equal(in_child(execl("./data/x", "x", NULL); _exit(errno)), ENOTDIR, "a path through a file gives ENOTDIR");
	copy_program("copy");
	int fd = open("copy", O_WRONLY);
	equal(in_child(execl("./copy", "copy", "@masks", NULL); _exit(errno)), ETXTBSY, "a file open for writing gives ETXTBSY");
	close(fd);
	require(truncate("copy", 100) == 0 && chmod("copy", 0755) == 0);
	int result = in_child(execl("./copy", "copy", NULL); _exit(errno));
	check(result == ENOEXEC || result == EIO, "a cut-off program is refused");
	char *huge = malloc(200 * 1024);
	require(huge);
	memset(huge, 'x', 200 * 1024 - 1);
	huge[200 * 1024 - 1] = 0;
	equal(in_child(execl(tap_program, tap_program, huge, NULL); _exit(errno)), E2BIG, "an argument over 128 KiB gives E2BIG");
}

CASE(running_files)
{
	copy_program("copy");
	int pipes[2];
	require(pipe(pipes) == 0);
	/* The copy blocks on descriptor 0, so that it surely runs while it is looked at. */
	pid_t child = fork();
	if (child == 0) {
		dup2(pipes[0], 0);
		close(pipes[1]);
		do
			execl("./copy", "copy", "@wait", NULL);
		while (errno == ETXTBSY); /* the parent looks by opening it */
		_exit(1);
	}
	int fd, error = 0;
	for (int i = 0; i < 500 && error == 0; i++) {
		if ((fd = open("copy", O_WRONLY)) == -1)
			error = errno;
		else
			close(fd), doze(10);
	}
	equal(error, ETXTBSY, "a running program cannot be opened for writing");
	equal(unlink("copy"), 0, "but removed");
	char path[64], target[PATH_MAX] = "";
	snprintf(path, sizeof path, "/proc/%d/exe", child);
	/* The file is closed to writers before it has become the program. */
	ssize_t n = 0;
	for (int i = 0; i < 500 && !strstr(target, "/copy"); i++, doze(10))
		n = readlink(path, target, sizeof target - 1);
	check(n > 10 && strcmp(target + n - 10, " (deleted)") == 0, "/proc/PID/exe then says that it is deleted");
	close(pipes[1]);
	equal(ended_with(child), 55, "and it runs on");
}

CASE(by_descriptor)
{
	char *vector[] = { "name", "@masks", NULL }, *environment[] = { NULL };
	umask(031);
	int fd = open(tap_program, O_RDONLY | O_CLOEXEC);
	equal(in_child(syscall(SYS_execveat, fd, "", vector, environment, AT_EMPTY_PATH)), 0, "execveat runs a descriptor");
	int memory = syscall(SYS_memfd_create, "program", 0);
	static char buffer[65536];
	for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
		require(write(memory, buffer, n) == n);
	equal(in_child(syscall(SYS_execveat, memory, "", vector, environment, AT_EMPTY_PATH)), 0, "execveat runs a file in memory");
	equal(in_child(syscall(SYS_execveat, fd, "", vector, environment, 0); _exit(errno)), ENOENT,
	      "the empty path without AT_EMPTY_PATH gives ENOENT");
}

CASE(set_user_id)
{
	require(chmod(".", 0755) == 0);
	copy_program("copy");
	require(chown("copy", 7, 0) == 0 && chmod("copy", 04755) == 0);
	equal(in_child(if (setresuid(1000, 1000, 1000)) _exit(99); execl("./copy", "copy", "@effective", NULL)), 71,
	      "a set-user-id program runs as its owner and is told so");
	require(chmod("copy", 0755) == 0);
	equal(in_child(if (setresuid(9, 9, 9)) _exit(99); execl("./copy", "copy", "@effective", NULL)), 90,
	      "another one runs as the caller");
	require(chmod("copy", 0700) == 0);
	equal(in_child(if (setresuid(9, 9, 9)) _exit(99); execl("./copy", "copy", "@effective", NULL); _exit(errno)), EACCES,
	      "a program without x for the caller gives EACCES");
}

SUITE_WITH_ROLES(RUN(arguments), RUN(descriptors), RUN(signals), RUN(scripts), RUN(errors), RUN(running_files),
		 RUN(by_descriptor), RUN(set_user_id))
