/* Goes through the scenarios. */
#include "inject.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>

/* No call makes so many charges. */
#define MOST 2000
/* How often in a row it must grow to be a leak: what the kernel keeps for the next time may take a few to be all there. */
#define PASSES 12
/* How long an attempt may take, and one in a process of its own, which tells first. */
#define SECONDS 20
#define CHILD_SECONDS 40

/* Where `fail-nth` is open, in what is executed too. */
#define FAIL_NTH 250
/* What is executed ends so: the failure came, or not. */
#define EXECUTED_FAILED 41
#define EXECUTED 42
/* What an attempt that hangs ends with. */
#define HANGS 3

/* What a process has, and the system. */
struct state {
	int descriptors, areas, mounts, children, open_files;
};

struct held {
	long heap, frames;
};

/* What an attempt tells, from a child too. */
static struct report {
	int injected, failed, problems;
	char text[4000];
} *report;

/* Nothing is made to fail: shows on any kernel that what the scenarios expect is so. */
static int plain;
static const struct scenario *current;
static int attempt_number;

static void problem(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void problem(const char *format, ...)
{
	va_list arguments;
	size_t used = strlen(report->text);
	int head = snprintf(report->text + used, sizeof report->text - used, "FOUND %s, charge %d: ", current->name,
			    attempt_number);
	va_start(arguments, format);
	if (head > 0 && used + head < sizeof report->text)
		vsnprintf(report->text + used + head, sizeof report->text - used - head, format, arguments);
	va_end(arguments);
	used = strlen(report->text);
	if (used + 1 < sizeof report->text)
		strcpy(report->text + used, "\n");
	report->problems++;
}

static jmp_buf end_of_attempt;

void broken(const char *format, ...)
{
	char text[300];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	problem("%s", text);
	longjmp(end_of_attempt, 1);
}

static int nth = -1;

static void open_nth(void)
{
	if (plain)
		return;
	if (nth != -1)
		close(nth);
	int fd = open("/proc/thread-self/fail-nth", O_RDWR);
	nth = fd == -1 ? -1 : fcntl(fd, F_DUPFD, FAIL_NTH);
	close(fd);
	if (nth == -1) {
		printf("FOUND no /proc/thread-self/fail-nth: errno %d\n", errno);
		exit(2);
	}
}

/* The n-th charge from now on fails; 0: none. */
static void fail_nth(int n)
{
	char text[16];
	int length = snprintf(text, sizeof text, "%d", n);
	if (!plain && pwrite(nth, text, length, 0) != length)
		problem("fail-nth cannot be written: errno %d", errno);
}

/* Ends the counting; 0: it has failed. */
static int left_to_fail(void)
{
	char text[16] = "1";
	if (!plain && pread(nth, text, sizeof text - 1, 0) <= 0)
		problem("fail-nth cannot be read: errno %d", errno);
	return atoi(text);
}

static int lines_of(const char *path)
{
	static char buffer[65536];
	int fd = open(path, O_RDONLY), lines = 0;
	ssize_t n;
	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += buffer[i] == '\n';
	close(fd);
	return lines;
}

static int number_in(const char *path)
{
	char buffer[64] = "";
	int fd = open(path, O_RDONLY);
	if (read(fd, buffer, sizeof buffer - 1) < 0)
		buffer[0] = 0;
	close(fd);
	return atoi(buffer);
}

/* Whether the system has no more files open than it had. Other processes open some for a moment, which may be counted on either
 * side. */
static int files_are_closed(int before)
{
	for (int looks = 0; number_in("/proc/sys/fs/file-nr") > before; looks++) {
		if (looks == 200)
			return 0;
		usleep(5000);
	}
	return 1;
}

static struct state look(void)
{
	struct state state = { 0 };
	for (int fd = 0; fd < 1024; fd++)
		state.descriptors += fcntl(fd, F_GETFD) != -1;
	state.areas = lines_of("/proc/self/maps");
	state.mounts = lines_of("/proc/self/mountinfo");
	state.open_files = plain ? 0 : number_in("/proc/sys/fs/file-nr"); /* Linux adds up now and then */
	siginfo_t info;
	state.children = waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) == 0;
	return state;
}

static void compare(struct state before, struct state after, int splits)
{
	if (before.descriptors != after.descriptors)
		problem("%d descriptors were %d", after.descriptors, before.descriptors);
	if (before.areas != after.areas && !(splits && after.areas > before.areas && after.areas <= before.areas + 3))
		problem("%d mappings were %d", after.areas, before.areas);
	if (before.mounts != after.mounts)
		problem("%d mounts were %d", after.mounts, before.mounts);
	if (before.children != after.children)
		problem("a child is left");
	if (after.open_files > before.open_files && !files_are_closed(before.open_files))
		problem("%d open files were %d", after.open_files, before.open_files);
}

static int allowed(const struct scenario *s, int error)
{
	int good = error == ENOMEM;
	for (size_t i = 0; i < COUNT(s->errors); i++)
		good |= s->errors[i] != 0 && s->errors[i] == error;
	return good;
}

/* A call that never comes back is a finding, and the end. */
static void hangs(int signal)
{
	char text[200];
	int length = snprintf(text, sizeof text, "FOUND %s, charge %d: it hangs\n", current->name, attempt_number);
	(void)signal;
	if (write(1, text, length) != length)
		abort();
	_exit(HANGS);
}

static void attempt(const struct scenario *s, int n)
{
	alarm(SECONDS);
	report->injected = -1; /* not known yet */
	report->failed = 0;
	if (setjmp(end_of_attempt) != 0) {
		fail_nth(0);
		report->injected = 0; /* it would be no better with the next */
		alarm(0);
		return;
	}
	if (s->prepare)
		s->prepare();
	struct state before = look();
	fail_nth(n);
	errno = 0;
	long result = s->call();
	int error = errno;
	report->injected = left_to_fail() == 0;
	report->failed = result == -1;
	if (result == -1 && !report->injected)
		problem("fails by itself with errno %d", error);
	if (result == -1 && report->injected) {
		if (!allowed(s, error))
			problem("errno %d", error);
		compare(before, look(), s->flags & SPLITS);
		if (s->unchanged && !s->unchanged())
			problem("something changed");
		errno = 0;
		result = s->call();
		if (result == -1)
			problem("fails the second time too, with errno %d", errno);
	}
	if (result != -1 && s->check && !s->check(result))
		problem("succeeds, but not all is as it should be (result %ld, %s)", result,
			report->failed ? "at the second time" : report->injected ? "in spite of the failure" : "unharmed");
	if (s->undo)
		s->undo();
	alarm(0);
}

static void attempt_in_child(const struct scenario *s, int n)
{
	fflush(stdout);
	alarm(CHILD_SECONDS);
	pid_t pid = fork();
	if (pid == 0) {
		open_nth();
		attempt(s, n);
		_exit(0);
	}
	int status = status_of(pid);
	alarm(0);
	if (status == 0)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == HANGS)
		exit(HANGS); /* it has told */
	if (WIFEXITED(status) && (WEXITSTATUS(status) == EXECUTED_FAILED || WEXITSTATUS(status) == EXECUTED)) {
		report->injected = WEXITSTATUS(status) == EXECUTED_FAILED;
		return;
	}
	/* What Linux ends a program with that it cannot load any more. */
	if (!(s->flags & LOSES) || status != SIGSEGV)
		problem("the process ended with %#x", status);
	if (report->injected == -1)
		report->injected = 1;
}

/* All its charges once; gives how many there are. */
static int pass(const struct scenario *s, long *failures)
{
	for (int n = 1; n < MOST; n++) {
		attempt_number = n;
		(s->flags & IN_CHILD ? attempt_in_child : attempt)(s, n);
		if (report->injected == 0)
			return n - 1;
		++*failures;
		if (report->problems > 5)
			return n;
	}
	problem("it never ends");
	return MOST;
}

static struct held held(void)
{
	static char text[16384];
	struct held held = { 0 };
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (fd == -1 || write(fd, "3\n", 2) == -1)
		problem("caches cannot be dropped");
	close(fd);
	fd = open("/proc/charge-points", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n < 0 ? 0 : n] = 0;
	if (sscanf(text, "heap %ld frames %ld", &held.heap, &held.frames) != 2)
		problem("/proc/charge-points cannot be read");
	return held;
}

static void whole(const struct scenario *s, long *failures)
{
	attempt_number = 0;
	current = s;
	report->problems = 0;
	report->text[0] = 0;
	struct timespec start, end;
	clock_gettime(CLOCK_MONOTONIC, &start);
	struct state before = look();
	int charges = pass(s, failures); /* warms up what stays */
	struct held last = plain ? (struct held){ 0 } : held();
	for (int i = 0; !plain && i < PASSES && report->problems == 0; i++) {
		charges = pass(s, failures);
		struct held now = held();
		int grows = now.heap > last.heap || now.frames > last.frames;
		if (!grows)
			break;
		if (i == PASSES - 1)
			problem("each time the kernel keeps more: %ld bytes and %ld frames this time", now.heap - last.heap,
				now.frames - last.frames);
		last = now;
	}
	attempt_number = 0;
	if (!plain && report->problems == 0 && (charges == 0) != !!(s->flags & FREE))
		problem(charges == 0 ? "charges nothing, so nothing has failed" : "is said to charge nothing");
	compare(before, look(), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%s\t%d\t%ld ms\n%s", s->name, charges,
	       (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000, report->text);
	fflush(stdout);
}

/* What a program that is executed tells: whether the failure came, and whether it was given what it should be. */
static int executed(int count, char **arguments)
{
	nth = FAIL_NTH;
	int left = fcntl(nth, F_GETFD) == -1 ? 1 : left_to_fail();
	int good = strcmp(arguments[count - 1], count == 5 ? "long" : "argument") == 0 && (count == 5 || count == 63);
	return !good ? 99 : left == 0 ? EXECUTED_FAILED : EXECUTED;
}

int main(int count, char **arguments)
{
	if (count > 2 && strcmp(arguments[1], "executed") == 0)
		return executed(count, arguments);
	setvbuf(stdout, NULL, _IOLBF, 0);
	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED || unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mkdir(PLACE, 0755) == -1 || mount("inject", PLACE, "tmpfs", 0, NULL) == -1 ||
	    chdir(PLACE) == -1) {
		printf("FOUND no place to work in: errno %d\n", errno);
		return 2;
	}
	signal(SIGALRM, hangs);
	plain = count > 1 && strcmp(arguments[1], "plain") == 0;
	open_nth();
	const struct scenario *const all[] = { files, lookups, descriptors, processes, memory, channels, waiting, mounts, mount_trees, queues };
	long failures = 0;
	int scenarios = 0;
	for (size_t i = 0; i < COUNT(all); i++)
		for (const struct scenario *s = all[i]; s->name; s++)
			if (count < 2 || plain || strstr(s->name, arguments[1])) {
				whole(s, &failures);
				scenarios++;
			}
	printf("scenarios %d\nfailures %ld\n", scenarios, failures);
	char line[4096];
	ssize_t n;
	int fd = open("/proc/charge-points", O_RDONLY);
	while ((n = read(fd, line, sizeof line)) > 0)
		fwrite(line, 1, n, stdout);
	printf("end\n");
	return 0;
}
