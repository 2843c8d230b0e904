/* Personalities: what a program may ask to be as it was on older systems. */
#include "tap.h"
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#define ASK 0xffffffff
#define LINUX32 8
#define UNAME26 0x0020000
#define NO_RANDOMIZE 0x0040000
#define PAGE_ZERO 0x0100000
#define COMPAT_LAYOUT 0x0200000
#define READ_IMPLIES_EXEC 0x0400000
#define SHORT_INODE 0x1000000
#define WHOLE_SECONDS 0x2000000
#define STICKY_TIMEOUTS 0x4000000

static int personality(unsigned value) { return syscall(SYS_personality, value); }

static int own_maps(const char *wanted)
{
	static char text[65536];
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t length = 0;
	for (ssize_t n; (n = read(fd, text + length, sizeof text - 1 - length)) > 0;)
		length += n;
	close(fd);
	text[length] = 0;
	return strstr(text, wanted) != NULL;
}

/* The protection of the mapping that an address is in, as /proc/self/maps shows it. */
static const char *protection(const void *address)
{
	static char shown[5];
	char line[400];
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	strcpy(shown, "none");
	while (maps && fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx %4s", &from, &to, shown) == 3 && from <= (unsigned long)address &&
		    (unsigned long)address < to) {
			fclose(maps);
			return shown;
		}
	return "none";
}

static int role(int argc, char **argv, char **environment)
{
	(void)environment;
	const char *name = argv[1];
	if (strcmp(name, "@is") == 0)
		return argc == 3 && personality(ASK) == (int)strtoul(argv[2], NULL, 16) ? 0 : 1;
	if (strcmp(name, "@zero") == 0)
		return own_maps("00000000-00001000 r-xp");
	if (strcmp(name, "@places") == 0) {
		void *places[] = { &argc, sbrk(0), mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), argv[0],
				   (void *)getauxval(AT_SYSINFO_EHDR) };
		int fd = open(argv[2], O_CREAT | O_TRUNC | O_WRONLY, 0600);
		return write(fd, places, sizeof places) == sizeof places ? 0 : 1;
	}
	return 99;
}

static int run_as(unsigned value, char *first, char *second)
{
	char *arguments[] = { (char *)tap_program, first, second, NULL };
	char *environment[] = { NULL };
	return in_child(if (personality(value) == -1) _exit(98); execve("/proc/self/exe", arguments, environment));
}

static void *other(void *unused)
{
	(void)unused;
	long before = personality(LINUX32);
	return (void *)(before << 8 | personality(ASK));
}

CASE(asking_and_setting)
{
	char path[64];
	equal(personality(ASK), 0, "a program begins as Linux's own");
	equal(personality(SHORT_INODE), 0, "personality gives the old value");
	equal(personality(ASK), SHORT_INODE, "and sets the new one");
	equal(personality(0x12345678 & ~READ_IMPLIES_EXEC), SHORT_INODE, "every value is taken");
	equal(personality(0), 0x12345678 & ~READ_IMPLIES_EXEC, "and given");
	require(personality(WHOLE_SECONDS) == 0);
	equal(in_child(if (personality(ASK) != WHOLE_SECONDS) _exit(1); personality(0)), 0, "a child inherits it");
	equal(personality(ASK), WHOLE_SECONDS, "what the child sets is the child's");
	pthread_t thread;
	void *seen = NULL;
	require(pthread_create(&thread, NULL, other, NULL) == 0 && pthread_join(thread, &seen) == 0);
	equal(seen, (long)WHOLE_SECONDS << 8 | LINUX32, "so does a thread");
	equal(personality(ASK), WHOLE_SECONDS, "which has its own");
	same(contents_of("/proc/self/personality"), "02000000\n", "/proc tells it");
	require(personality(0x0d) == WHOLE_SECONDS);
	same(contents_of("/proc/thread-self/personality"), "0000000d\n", "as a hexadecimal number");
	struct stat status;
	require(stat("/proc/self/personality", &status) == 0);
	equal(status.st_mode, S_IFREG | 0400, "to its owner");
	snprintf(path, sizeof path, "/proc/%d/personality", getppid());
	equal(in_child(if (setuid(1000)) _exit(98); int fd = open(path, O_RDONLY); _exit(fd == -1 ? errno : 0)), EACCES,
	      "not to others");
}

CASE(executing)
{
	equal(run_as(0, "@is", "0"), 0, "a program keeps the personality over exec");
	equal(run_as(UNAME26 | SHORT_INODE, "@is", "1020000"), 0, "with its flags");
	equal(run_as(LINUX32, "@is", "8"), 0, "and what it executes as");
	equal(run_as(READ_IMPLIES_EXEC | WHOLE_SECONDS, "@is", "2000000"), 0, "but READ_IMPLIES_EXEC");
	equal(in_child(char *arguments[] = { "copy", "@is", "1020000", NULL }; personality(0x1f60000);
		       if (setuid(1000)) _exit(97); execv("/proc/self/exe", arguments)), 1, "a user's program keeps all others");
	char command[PATH_MAX + 64];
	snprintf(command, sizeof command, "%s", "copy");
	int from = open("/proc/self/exe", O_RDONLY), to = open("copy", O_CREAT | O_WRONLY, 0755);
	char buffer[65536];
	for (ssize_t n; (n = read(from, buffer, sizeof buffer)) > 0;)
		require(write(to, buffer, n) == n);
	close(to);
	char *arguments[] = { "copy", "@is", "b120000", NULL };
	require(chmod(".", 0755) == 0);
	equal(in_child(personality(0xb120000); if (setuid(1000)) _exit(97); execv("copy", arguments)), 0, "as does a copy of it");
	require(chown("copy", 7, 0) == 0 && chmod("copy", 04755) == 0);
	arguments[2] = "b020000";
	equal(in_child(personality(0xb760000 & ~READ_IMPLIES_EXEC); if (setuid(1000)) _exit(97); execv("copy", arguments)), 0,
	      "a set-user-id program loses what makes it easier to attack");
	equal(in_child(personality(0xb760000 & ~READ_IMPLIES_EXEC); execv("copy", arguments)), 0, "whoever executes it");
	require(chown("copy", 0, 7) == 0 && chmod("copy", 02755) == 0);
	equal(in_child(personality(0xb760000 & ~READ_IMPLIES_EXEC); if (setuid(1000)) _exit(97); execv("copy", arguments)), 0,
	      "a set-group-id program, too");
}

CASE(names)
{
	struct utsname now, old;
	require(uname(&now) == 0);
	same(now.machine, "x86_64", "the machine is what it is");
	require(personality(UNAME26) == 0 && uname(&old) == 0);
	int major = 0, minor = 0, patch = 0;
	require(sscanf(now.release, "%d.%d", &major, &minor) == 2);
	equal(sscanf(old.release, "2.6.%d", &patch), 1, "with UNAME26 the release is 2.6");
	equal(patch, minor + 60, "and 60 more than the version");
	const char *rest = now.release;
	for (int dots = 0; *rest && (strchr("0123456789", *rest) || (*rest == '.' && ++dots < 3));)
		rest++;
	check(strlen(old.release) > 6 && strcmp(old.release + 6, rest) == 0, "followed by the rest of the release");
	same(old.version, now.version, "the version stays");
	require(personality(LINUX32) == UNAME26 && uname(&old) == 0);
	same(old.machine, "i686", "with PER_LINUX32 the machine is an i686");
	same(old.release, now.release, "of the same release");
	require(personality(LINUX32 | WHOLE_SECONDS) == LINUX32 && uname(&old) == 0);
	same(old.machine, "i686", "whatever the flags are");
	require(personality(5) != -1 && uname(&old) == 0);
	same(old.machine, "x86_64", "no other one changes it");
}

static int places(unsigned value, char *file, void **to)
{
	return run_as(value, "@places", file) == 0 && read(open(file, O_RDONLY), to, 5 * sizeof *to) == 5 * sizeof *to;
}

CASE(without_randomness)
{
	void *first[5], *second[5];
	require(places(NO_RANDOMIZE, "a", first) && places(NO_RANDOMIZE, "a", second));
	check(first[0] == second[0], "with ADDR_NO_RANDOMIZE the stack is where it was");
	check(first[1] == second[1], "and the heap");
	check(first[2] == second[2], "and mappings");
	check(first[3] == second[3], "and arguments");
	check(first[4] == second[4], "and the kernel's own library");
	check((uintptr_t)first[3] >> 12 == 0x7fffffffe, "the stack is at the end of all addresses");
	require(places(0, "a", first) && places(0, "a", second));
	check(first[0] != second[0] && first[1] != second[1] && first[2] != second[2], "without it everything moves");
}

CASE(reading_is_executing)
{
	make_file("f", "text");
	int fd = open("f", O_RDWR);
	int all = MAP_PRIVATE | MAP_ANONYMOUS;
	char *before = mmap(NULL, 4096, PROT_READ, all, -1, 0);
	require(before != MAP_FAILED && personality(READ_IMPLIES_EXEC) == 0);
	same(protection(before), "r--p", "what is mapped stays as it is");
	same(protection(mmap(NULL, 4096, PROT_READ, all, -1, 0)), "r-xp", "what can be read can be executed");
	same(protection(mmap(NULL, 4096, PROT_READ | PROT_WRITE, all, -1, 0)), "rwxp", "also what can be written");
	same(protection(mmap(NULL, 4096, PROT_WRITE, all, -1, 0)), "-w-p", "but what can only be written");
	char *nothing = mmap(NULL, 4096, PROT_NONE, all, -1, 0);
	same(protection(nothing), "---p", "or nothing");
	same(protection(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0)), "r-xs", "a file's mapping, too");
	equal(mprotect(nothing, 4096, PROT_READ), 0, "mprotect that makes it readable");
	same(protection(nothing), "r-xp", "makes it executable");
	equal(mprotect(nothing, 4096, PROT_WRITE), 0, "one that does not");
	same(protection(nothing), "-w-p", "does not");
	require(personality(0) == READ_IMPLIES_EXEC);
	same(protection(mmap(NULL, 4096, PROT_READ, all, -1, 0)), "r--p", "without it reading is reading");
}

CASE(heap_is_executable)
{
	require(personality(READ_IMPLIES_EXEC) == 0);
	char *heap = (char *)syscall(SYS_brk, 0);
	heap = (char *)(((uintptr_t)heap + 4095) / 4096 * 4096);
	require(syscall(SYS_brk, heap + 8192) != -1);
	same(protection(heap + 4096), "rwxp", "with READ_IMPLIES_EXEC a heap that grows can be executed");
}

CASE(page_zero)
{
	equal(run_as(PAGE_ZERO, "@zero", NULL), 1, "with MMAP_PAGE_ZERO the superuser's program has a first page");
	equal(run_as(0, "@zero", NULL), 0, "without it there is none");
	equal(in_child(if (setuid(1000)) _exit(97); _exit(run_as(PAGE_ZERO, "@zero", NULL))), 0, "nor has a user's program one");
}

CASE(times_that_stay)
{
	struct timeval time = { 0, 5000 };
	require(syscall(SYS_select, 0, NULL, NULL, NULL, &time) == 0);
	equal(time.tv_usec, 0, "select leaves the time that was left");
	require(personality(STICKY_TIMEOUTS) == 0);
	time.tv_usec = 5000;
	require(syscall(SYS_select, 0, NULL, NULL, NULL, &time) == 0);
	equal(time.tv_usec, 5000, "with STICKY_TIMEOUTS it leaves the time");
	struct timespec exact = { 0, 5000000 };
	require(syscall(SYS_ppoll, NULL, 0, &exact, NULL, 8) == 0);
	equal(exact.tv_nsec, 5000000, "as does ppoll");
}

SUITE_WITH_ROLES(RUN(asking_and_setting), RUN(executing), RUN(names), RUN(without_randomness), RUN(reading_is_executing),
		 RUN(heap_is_executable), RUN(page_zero), RUN(times_that_stay))
