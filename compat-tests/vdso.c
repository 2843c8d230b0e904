/* The library that the kernel maps into every program, and the clocks that it tells. */
#include "tap.h"
#include <elf.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>

typedef int (*clock_call)(clockid_t, struct timespec *);

static int64_t number(const struct timespec *time)
{
	return time->tv_sec * 1000000000LL + time->tv_nsec;
}

/* The address of a symbol with the version LINUX_2.6, found as a C library finds it; NULL if there is none. */
static void *symbol(const char *wanted)
{
	const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *header = (const void *)base;
	if (!base || memcmp(base, ELFMAG, SELFMAG) != 0)
		return NULL;
	const Elf64_Phdr *segment = (const void *)(base + header->e_phoff);
	const Elf64_Dyn *dynamic = NULL;
	const char *load = NULL;
	for (int i = 0; i < header->e_phnum; i++, segment++) {
		if (segment->p_type == PT_LOAD)
			load = base + segment->p_offset - segment->p_vaddr;
		if (segment->p_type == PT_DYNAMIC)
			dynamic = (const void *)(base + segment->p_offset);
	}
	if (!load || !dynamic)
		return NULL;
	const char *strings = NULL;
	const Elf64_Sym *symbols = NULL;
	const Elf64_Word *hash = NULL;
	const Elf64_Versym *versions = NULL;
	const Elf64_Verdef *definitions = NULL;
	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		const void *value = load + dynamic->d_un.d_ptr;
		switch (dynamic->d_tag) {
		case DT_STRTAB: strings = value; break;
		case DT_SYMTAB: symbols = value; break;
		case DT_HASH: hash = value; break;
		case DT_VERSYM: versions = value; break;
		case DT_VERDEF: definitions = value; break;
		}
	}
	if (!strings || !symbols || !hash || !versions || !definitions)
		return NULL;
	for (Elf64_Word i = 0; i < hash[1]; i++) {
		if (symbols[i].st_shndx == SHN_UNDEF || strcmp(strings + symbols[i].st_name, wanted) != 0)
			continue;
		for (const Elf64_Verdef *one = definitions;; one = (const void *)((const char *)one + one->vd_next)) {
			const Elf64_Verdaux *name = (const void *)((const char *)one + one->vd_aux);
			if (one->vd_ndx == (versions[i] & 0x7fff) && !(one->vd_flags & VER_FLG_BASE)
			    && strcmp(strings + name->vda_name, "LINUX_2.6") == 0)
				return (void *)(load + symbols[i].st_value);
			if (one->vd_next == 0)
				break;
		}
	}
	return NULL;
}

/* Where /proc/self/maps has a mapping of this name; its permissions and file go to `flags`, its end to `end`. */
static unsigned long mapped(const char *name, char *flags, unsigned long *end)
{
	static char line[512];
	unsigned long start = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	require(maps != NULL);
	while (start == 0 && fgets(line, sizeof line, maps)) {
		size_t length = strcspn(line, "\n");
		line[length] = 0;
		if (length > strlen(name) && strcmp(line + length - strlen(name), name) == 0)
			sscanf(line, "%lx-%lx %31[^[]", &start, end, flags);
	}
	fclose(maps);
	return start;
}

CASE(mapping)
{
	char flags[32] = "";
	unsigned long end, data_end;
	unsigned long library = mapped("[vdso]", flags, &end);
	same(strstr(flags, "r-xp 00000000 00:00 0 ") ? "yes" : flags, "yes", "the library is mapped to be executed");
	equal(getauxval(AT_SYSINFO_EHDR), library, "and the auxiliary vector tells where");
	unsigned long data = mapped("[vvar]", flags, &data_end);
	same(strstr(flags, "r--p 00000000 00:00 0 ") ? "yes" : flags, "yes", "its data are mapped to be read");
	equal(data_end, library, "right below it");
	fails(mprotect((void *)data, 4096, PROT_READ | PROT_WRITE), EACCES, "the data cannot be made writable");
	equal(in_child(*(volatile char *)library = 1), 128 + SIGSEGV, "nor is the library");
	equal(in_child(*(volatile char *)data = 1), 128 + SIGSEGV, "writing to the data gives SIGSEGV");
	equal(mprotect((void *)library, end - library, PROT_READ | PROT_WRITE | PROT_EXEC), 0, "the library can be made so");
	clock_call tell = (clock_call)symbol("__vdso_clock_gettime");
	struct timespec now;
	check(tell && (*(volatile char *)library = 0x7f) && tell(CLOCK_MONOTONIC, &now) == 0, "and still tells the time");
	for (const char *const *name = (const char *const[]){ "__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time",
							      "__vdso_getcpu", "__vdso_clock_getres", NULL }; *name; name++)
		check(symbol(*name) != NULL, *name);
	check(symbol("__vdso_reboot") == NULL, "there is not just any symbol");
}

/* Library and system call by turns: how often a clock went back. */
static int backwards(clock_call tell, clockid_t clock)
{
	int64_t last = 0;
	int times = 0;
	for (int i = 0; i < 500; i++) {
		struct timespec told, called;
		require(tell(clock, &told) == 0 && syscall(SYS_clock_gettime, clock, &called) == 0);
		times += number(&told) < last;
		times += number(&called) < number(&told);
		times += told.tv_nsec < 0 || told.tv_nsec > 999999999;
		last = number(&called);
	}
	return times;
}

CASE(clocks)
{
	static const struct { clockid_t clock; const char *sentence; } all[] = {
		{ CLOCK_REALTIME, "the real-time clock is the system call's" },
		{ CLOCK_MONOTONIC, "the monotonic clock is" },
		{ CLOCK_MONOTONIC_RAW, "the raw one is" },
		{ CLOCK_BOOTTIME, "the boot-time clock is" },
		{ CLOCK_TAI, "atomic time is" },
		{ CLOCK_REALTIME_COARSE, "the coarse real-time clock is" },
		{ CLOCK_MONOTONIC_COARSE, "the coarse monotonic clock is" },
		{ CLOCK_PROCESS_CPUTIME_ID, "the process's own time is" },
		{ CLOCK_THREAD_CPUTIME_ID, "the thread's own time is" },
	};
	clock_call tell = (clock_call)symbol("__vdso_clock_gettime");
	clock_call resolve = (clock_call)symbol("__vdso_clock_getres");
	require(tell && resolve);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		equal(backwards(tell, all[i].clock), 0, all[i].sentence);
	struct timespec time;
	equal(tell(77, &time), -EINVAL, "an unknown clock gives EINVAL");
	equal(tell(12, &time), -EINVAL, "one that has no number yet does");
	equal(tell(-1, &time), -EINVAL, "a negative one does");
	equal(resolve(CLOCK_MONOTONIC, &time), 0, "the library tells resolutions");
	check(time.tv_sec == 0 && time.tv_nsec == 1, "a nanosecond");
}

CASE(setting)
{
	clock_call tell = (clock_call)symbol("__vdso_clock_gettime");
	require(tell);
	struct timespec now, set, told, before, after;
	static const time_t steps[] = { 1000, -1000, 86400 * 365 * 20 };
	require(syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) == 0);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		set = now, set.tv_sec += steps[i];
		require(tell(CLOCK_MONOTONIC, &before) == 0);
		require(syscall(SYS_clock_settime, CLOCK_REALTIME, &set) == 0);
		require(tell(CLOCK_REALTIME, &told) == 0 && tell(CLOCK_MONOTONIC, &after) == 0);
		int64_t beyond = number(&told) - number(&set);
		check(beyond >= 0 && beyond <= 10000000000LL, "the library tells the time that was set");
		equal(backwards(tell, CLOCK_REALTIME), 0, "as the system call does");
		check(number(&after) >= number(&before) && number(&after) - number(&before) < 10000000000LL,
		      "the monotonic clock does not follow");
	}
	int other = in_child(struct timespec seen; tell(CLOCK_REALTIME, &seen); _exit(seen.tv_sec - set.tv_sec > 10));
	equal(other, 0, "other processes see it too");
	syscall(SYS_clock_settime, CLOCK_REALTIME, &now);
}

CASE(others)
{
	int (*day)(struct timeval *, struct timezone *) = (int (*)(struct timeval *, struct timezone *))symbol("__vdso_gettimeofday");
	time_t (*seconds)(time_t *) = (time_t (*)(time_t *))symbol("__vdso_time");
	long (*processor)(unsigned *, unsigned *, void *) = (long (*)(unsigned *, unsigned *, void *))symbol("__vdso_getcpu");
	require(day && seconds && processor);
	int wrong = 0;
	for (int i = 0; i < 500; i++) {
		struct timeval called, told, again;
		syscall(SYS_gettimeofday, &called, NULL);
		wrong += day(&told, NULL) != 0;
		syscall(SYS_gettimeofday, &again, NULL);
		wrong += timercmp(&told, &called, <) || timercmp(&again, &told, <) || told.tv_usec > 999999;
	}
	equal(wrong, 0, "gettimeofday is the system call's");
	struct timezone zone = { 5, 5 };
	equal(day(NULL, &zone), 0, "it may be asked for the time zone only");
	check(zone.tz_minuteswest == 0 && zone.tz_dsttime == 0, "which there is none of");
	time_t stored = 0, first = syscall(SYS_time, NULL), told = seconds(&stored), last = syscall(SYS_time, NULL);
	check(first <= told && told <= last, "time is the system call's");
	equal(stored, told, "and is stored");
	check(seconds(NULL) >= told, "if it is to be");
	wrong = 0;
	for (unsigned cpu = 0; cpu < 64; cpu++) {
		unsigned here = 99, called = 98, node = 97;
		cpu_set_t set;
		CPU_ZERO(&set), CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof set, &set) != 0)
			break;
		wrong += processor(&here, &node, NULL) != 0 || node != 0 || here != cpu;
		wrong += syscall(SYS_getcpu, &called, NULL, NULL) != 0 || called != cpu;
	}
	equal(wrong, 0, "getcpu tells the processor");
	equal(processor(NULL, NULL, NULL), 0, "or nothing");
}

SUITE(RUN(mapping), RUN(clocks), RUN(setting), RUN(others))
