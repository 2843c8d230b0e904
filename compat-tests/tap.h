/* The few lines that every compatibility program shares.
 *
 * A program is a list of cases; a case makes assertions; an assertion is a sentence that is true on Linux. Output is
 * TAP 14: each case is a subtest. What a case may rely on:
 *
 *  - It runs in a child process of its own, leader of a new session and process group, without a controlling terminal,
 *    with every signal at its default, in an empty folder of its own (below TMPDIR or /tmp) that is removed afterwards.
 *    TMPDIR lies on a tmpfs where devices and set-user-id programs work.
 *  - It has CASE_SECONDS to finish. A case that dies or hangs costs its own remaining assertions, nothing else.
 *  - Output does not go through descriptor 1: a case may close or redirect 0, 1 and 2.
 *
 * `PROGRAM CASE` runs one case alone. No assertion may depend on how fast the machine is: where a process must be
 * caught asleep, the event that wakes it is repeated until it has been seen.
 */
#ifndef TAP_H
#define TAP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CASE_SECONDS 20
/* Out of the way of tests that look for the lowest free descriptor. */
#define TAP_FD 250

#define UNUSED __attribute__((unused))

struct tap_case {
	const char *name;
	void (*body)(void);
};

/* Declares a case; its name is also what the test's full name begins with. */
#define CASE(name) static void name(void)
#define RUN(name) { #name, name }

/* Where this program's file is, for tests that execute it again. */
static UNUSED const char *tap_program;
static int tap_number;
static int tap_out = 1;

static __attribute__((format(printf, 1, 2))) void tap_print(const char *format, ...)
{
	char line[1024];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof line)
		length = sizeof line - 1;
	for (int done = 0; done < length;) {
		ssize_t n = write(tap_out, line + done, length - done);
		if (n > 0)
			done += n;
		else if (n < 0 && errno != EINTR)
			break;
	}
}

static void tap_result(int good, const char *sentence)
{
	tap_print("    %s %d - %s\n", good ? "ok" : "not ok", ++tap_number, sentence);
}

/* The sentence is true when the condition is. */
#define check(condition, sentence) tap_check((condition) ? 1 : 0, sentence, #condition, __LINE__)
/* The two numbers are the same. */
#define equal(actual, expected, sentence) tap_equal((long)(actual), (long)(expected), sentence, #actual, __LINE__)
/* The two strings are the same. */
#define same(actual, expected, sentence) tap_same(actual, expected, sentence, #actual, __LINE__)
/* The call returns -1 with this errno. */
#define fails(call, error, sentence) (errno = 0, tap_fails((long)(call), error, sentence, #call, __LINE__))

static UNUSED int tap_check(int good, const char *sentence, const char *text, int line)
{
	int error = errno;
	tap_result(good, sentence);
	if (!good)
		tap_print("    # line %d: %s (errno is %d)\n", line, text, error);
	return good;
}

static UNUSED int tap_equal(long actual, long expected, const char *sentence, const char *text, int line)
{
	int error = errno;
	tap_result(actual == expected, sentence);
	if (actual != expected)
		tap_print("    # line %d: %s is %ld (0x%lx), not %ld (0x%lx); errno is %d\n", line, text, actual,
			  actual, expected, expected, error);
	return actual == expected;
}

static UNUSED int tap_same(const char *actual, const char *expected, const char *sentence, const char *text, int line)
{
	int good = actual && strcmp(actual, expected) == 0;
	tap_result(good, sentence);
	if (!good)
		tap_print("    # line %d: %s is \"%.200s\", not \"%.200s\"\n", line, text, actual ? actual : "(null)",
			  expected);
	return good;
}

static UNUSED int tap_fails(long result, int expected, const char *sentence, const char *text, int line)
{
	int error = errno;
	int good = result == -1 && error == expected;
	tap_result(good, sentence);
	if (!good)
		tap_print("    # line %d: %s gave %ld with errno %d, not -1 with errno %d\n", line, text, result, error,
			  expected);
	return good;
}

/* Ends the case when what it needs cannot be had; the step itself is reported as a failed assertion. */
#define require(condition) \
	do { \
		if (!(condition)) { \
			check(0, "what the case needs can be set up: " #condition); \
			exit(1); \
		} \
	} while (0)

/* Sleeps for this long even when signals are handled meanwhile. */
static UNUSED void doze(int milliseconds)
{
	struct timespec left = { milliseconds / 1000, milliseconds % 1000 * 1000000L };
	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		;
}

/* Whether a condition holds within ten seconds: for what another process, or the kernel apart from this call, is about to do. */
#define eventually(condition) \
	({ \
		int tries_ = 2000; \
		while (!(condition) && --tries_) \
			doze(5); \
		tries_ > 0; \
	})

/* Waits for a child and gives its wait status, or -1. */
static UNUSED int status_of(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return status;
}

/* Waits for a child and gives its exit status, or 128 and the signal that killed it. */
static UNUSED int ended_with(pid_t pid)
{
	int status = status_of(pid);
	if (status == -1)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs the statements in a child; gives ended_with(). The child exits with 0 unless they end it otherwise. */
#define in_child(...) \
	({ \
		pid_t child_ = fork(); \
		if (child_ == 0) { \
			__VA_ARGS__; \
			_exit(0); \
		} \
		ended_with(child_); \
	})

/* Makes a file with these contents; ends the case when it cannot. */
static UNUSED void make_file(const char *path, const char *contents)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	require(fd != -1);
	require(write(fd, contents, strlen(contents)) == (ssize_t)strlen(contents));
	close(fd);
}

/* A file's first bytes as a string in a buffer that the next call reuses. */
static UNUSED const char *contents_of(const char *path)
{
	static char buffer[4096];
	int fd = open(path, O_RDONLY);
	if (fd == -1)
		return NULL;
	ssize_t n = read(fd, buffer, sizeof buffer - 1);
	close(fd);
	buffer[n < 0 ? 0 : n] = 0;
	return buffer;
}

/* Waits until a child sleeps: seen so a few times, as it may also wait for a moment on its way there. */
static UNUSED int sleeps(pid_t child)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/stat", child);
	for (int seen = 0; seen < 3; doze(3)) {
		const char *text = contents_of(path);
		const char *behind = text ? strrchr(text, ')') : NULL;
		if (!behind || behind[2] == 'Z')
			return 0;
		seen = behind[2] == 'S' ? seen + 1 : 0;
	}
	return 1;
}

static int tap_remove(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)walk;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

static volatile pid_t tap_child;
static volatile sig_atomic_t tap_late;

static void tap_too_late(int signal)
{
	(void)signal;
	tap_late = 1;
	if (tap_child > 0) {
		kill(-tap_child, SIGKILL);
		kill(tap_child, SIGKILL);
	}
}

/* Runs one case in its child and folder; gives 1 when it ran to its end and all its assertions held. */
static int tap_run_case(const struct tap_case *test, int number)
{
	const char *place = getenv("TMPDIR");
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%.200s/compat-XXXXXX", place ? place : "/tmp");
	const char *made = mkdtemp(folder);
	tap_print("    # Subtest: %s\n", test->name);
	tap_late = 0;
	pid_t child = fork();
	if (child == 0) {
		sigset_t none;
		for (int number = 1; number <= 64; number++)
			signal(number, SIG_DFL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		setsid();
		umask(022);
		if (made && chdir(folder) == -1)
			tap_print("    # cannot enter %s: errno %d\n", folder, errno);
		test->body();
		tap_print("    1..%d\n", tap_number);
		_exit(0);
	}
	tap_child = child;
	alarm(CASE_SECONDS);
	int status = child == -1 ? -1 : status_of(child);
	alarm(0);
	tap_child = 0;
	if (child > 0)
		kill(-child, SIGKILL); /* what the case left running */
	if (made) {
		if (chdir("/") == 0)
			nftw(folder, tap_remove, 16, FTW_DEPTH | FTW_PHYS);
	}
	int good = status == 0;
	tap_print("%s %d - %s", good ? "ok" : "not ok", number, test->name);
	if (child == -1)
		tap_print(" # cannot fork");
	else if (tap_late)
		tap_print(" # not finished after %d s", CASE_SECONDS);
	else if (WIFSIGNALED(status))
		tap_print(" # killed by signal %d", WTERMSIG(status));
	else if (!good)
		tap_print(" # ended early");
	tap_print("\n");
	return good;
}

static int tap_main(int argc, char **argv, const struct tap_case *cases, int count)
{
	tap_program = argv[0];
	int out = fcntl(1, F_DUPFD_CLOEXEC, TAP_FD);
	if (out != -1)
		tap_out = out;
	struct sigaction late = { .sa_handler = tap_too_late };
	sigaction(SIGALRM, &late, NULL);
	int good = 1, number = 0, planned = 0;
	for (int i = 0; i < count; i++)
		planned += argc < 2 || strcmp(argv[1], cases[i].name) == 0;
	tap_print("TAP version 14\n1..%d\n", planned);
	for (int i = 0; i < count; i++)
		if (argc < 2 || strcmp(argv[1], cases[i].name) == 0)
			good &= tap_run_case(&cases[i], ++number);
	return good ? 0 : 1;
}

/* The same for a program that also plays other parts: its function `role` is called for `PROGRAM @ROLE …`. */
#define SUITE_WITH_ROLES(...) \
	static const struct tap_case tap_cases[] = { __VA_ARGS__ }; \
	int main(int argc, char **argv, char **environment) \
	{ \
		if (argc > 1 && argv[1][0] == '@') \
			return role(argc, argv, environment); \
		return tap_main(argc, argv, tap_cases, sizeof tap_cases / sizeof *tap_cases); \
	}

/* The program's main function: SUITE(RUN(one), RUN(another)). */
#define SUITE(...) \
	static const struct tap_case tap_cases[] = { __VA_ARGS__ }; \
	int main(int argc, char **argv) \
	{ \
		return tap_main(argc, argv, tap_cases, sizeof tap_cases / sizeof *tap_cases); \
	}

#endif
