/* What the system tells of itself: uname, sysinfo, /proc, /dev, random numbers, the vDSO. */
#include "tap.h"
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

CASE(names)
{
	struct utsname name;
	equal(uname(&name), 0, "uname succeeds");
	same(name.sysname, "Linux", "the system is called Linux");
	same(name.machine, "x86_64", "the machine is called x86_64");
	check(strncmp(name.release, "6.1", 3) == 0, "the release begins with 6.1");
	check(name.version[0] == '#', "the version begins with #");
	equal(sethostname("tester", 6), 0, "root can set the host's name");
	uname(&name);
	same(name.nodename, "tester", "which uname then tells");
	fails(sethostname("x", 65), EINVAL, "a name of more than 64 bytes gives EINVAL");
	equal(in_child(if (setuid(1000)) _exit(99); if (sethostname("x", 1) == -1) _exit(errno)), EPERM, "a user cannot set it");
	sethostname("serix", 5);
}

CASE(memory_and_load)
{
	struct sysinfo info;
	struct statfs fs;
	equal(sysinfo(&info), 0, "sysinfo succeeds");
	check(info.totalram > 16 << 20 && info.freeram <= info.totalram, "it tells memory");
	check(info.procs > 0 && info.mem_unit >= 1, "and processes");
	equal(statfs("/tmp", &fs), 0, "statfs succeeds");
	equal(fs.f_type, 0x01021994, "/tmp is a tmpfs");
	equal(fs.f_namelen, 255, "names may have 255 bytes");
	check(fs.f_bsize == 4096, "its blocks have 4096 bytes");
	statfs("/proc", &fs);
	equal(fs.f_type, 0x9fa0, "/proc is a proc file system");
}

CASE(random_bytes)
{
	unsigned char a[64] = { 0 }, b[64] = { 0 };
	equal(getrandom(a, 64, 0), 64, "getrandom gives as many bytes as asked for");
	equal(getrandom(b, 64, GRND_NONBLOCK), 64, "without waiting, too");
	check(memcmp(a, b, 64) != 0, "others each time");
	fails(getrandom(a, 64, 1 << 10), EINVAL, "an unknown flag gives EINVAL");
	unsigned char *seed = (unsigned char *)getauxval(AT_RANDOM);
	int set = 0;
	for (int i = 0; i < 16; i++)
		set += seed[i] != 0;
	check(set > 4, "a program starts with 16 random bytes");
}

CASE(devices)
{
	char buffer[16] = "xxxxxxxxxxxxxxx";
	struct stat status;
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
	equal(write(null, "text", 4), 4, "/dev/null takes everything");
	equal(read(null, buffer, 16), 0, "and gives nothing");
	equal(read(zero, buffer, 16), 16, "/dev/zero gives bytes");
	equal(buffer[0] | buffer[15], 0, "namely zeros");
	fails(write(full, "x", 1), ENOSPC, "/dev/full takes nothing, with ENOSPC");
	equal(read(open("/dev/urandom", O_RDONLY), buffer, 16), 16, "/dev/urandom gives bytes");
	require(fstat(null, &status) == 0);
	check(S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3), "/dev/null is device 1:3");
	equal(lseek(null, 100, SEEK_SET), 0, "lseek of /dev/null gives 0");
	check(open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0, "there is /dev/ptmx");
}

/* The value of a line "Name:\tvalue" of a file, as text. */
static const char *field(const char *path, const char *name)
{
	static char value[256];
	const char *text = contents_of(path), *at = text ? strstr(text, name) : NULL;
	value[0] = 0;
	if (at)
		sscanf(at + strlen(name), ":%*[ \t]%255[^\n]", value);
	return value;
}

CASE(proc_of_a_process)
{
	char path[64], target[PATH_MAX] = "", cwd[PATH_MAX] = "";
	snprintf(path, sizeof path, "%d", getpid());
	ssize_t n = readlink("/proc/self", target, sizeof target - 1);
	target[n < 0 ? 0 : n] = 0;
	same(target, path, "/proc/self is a link to the process's number");
	n = readlink("/proc/self/exe", target, sizeof target - 1);
	target[n < 0 ? 0 : n] = 0;
	check(tap_program[0] != '/' || strcmp(target, tap_program) == 0, "/proc/self/exe is the program");
	n = readlink("/proc/self/cwd", target, sizeof target - 1);
	target[n < 0 ? 0 : n] = 0;
	require(getcwd(cwd, sizeof cwd));
	same(target, cwd, "/proc/self/cwd is the working folder");
	same(contents_of("/proc/self/comm"), "system\n", "comm is the program's name");
	same(contents_of("/proc/self/cmdline"), tap_program, "cmdline begins with its path");
	int pid, ppid, pgrp, session;
	char name[32], state;
	const char *stat_line = contents_of("/proc/self/stat");
	require(stat_line);
	equal(sscanf(stat_line, "%d %31s %c %d %d %d", &pid, name, &state, &ppid, &pgrp, &session), 6, "stat has its fields");
	check(pid == getpid() && ppid == getppid() && pgrp == getpgrp() && session == getsid(0), "and they are right");
	check(strcmp(name, "(system)") == 0 && state == 'R', "with name and state");
	equal(atoi(field("/proc/self/status", "PPid")), getppid(), "status tells the parent");
	equal(atoi(field("/proc/self/status", "Threads")), 1, "and the number of threads");
	same(field("/proc/self/status", "Uid"), "0\t0\t0\t0", "and the users");
	signal(SIGUSR1, SIG_IGN);
	equal(strtoul(field("/proc/self/status", "SigIgn"), NULL, 16) >> (SIGUSR1 - 1) & 1, 1, "and the ignored signals");
	check(strstr(contents_of("/proc/self/maps"), "[stack]") != NULL, "maps shows the stack");
	check(strstr(contents_of("/proc/self/maps"), "r-xp") != NULL, "and the code");
	int fd = open("/dev/null", O_RDONLY);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof target - 1);
	target[n < 0 ? 0 : n] = 0;
	same(target, "/dev/null", "the folder fd shows what is open");
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	equal(atoi(field(path, "pos")), 0, "fdinfo tells the offset");
	pid_t child = fork();
	if (child == 0)
		for (;;)
			pause();
	snprintf(path, sizeof path, "/proc/%d/status", child);
	check(eventually(field(path, "State")[0] == 'S'), "a waiting process is in state S");
	kill(child, SIGSTOP), waitpid(child, NULL, WUNTRACED);
	equal(field(path, "State")[0], 'T', "a stopped one in T");
	kill(child, SIGKILL);
	siginfo_t info;
	waitid(P_PID, child, &info, WEXITED | WNOWAIT);
	equal(field(path, "State")[0], 'Z', "one that ended in Z");
	status_of(child);
	fails(access(path, F_OK), ENOENT, "and one that was waited for has no folder");
	fails(open("/proc/self/status", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST, "files in /proc exist");
	fails(open("/proc/nothing", O_WRONLY | O_CREAT, 0600), ENOENT, "and none can be made");
}

CASE(proc_of_the_system)
{
	double up = 0, idle = 0;
	check(atol(field("/proc/meminfo", "MemTotal")) > 16384, "meminfo tells the memory");
	check(atol(field("/proc/meminfo", "MemFree")) > 0, "and what is free");
	equal(sscanf(contents_of("/proc/uptime"), "%lf %lf", &up, &idle), 2, "uptime has two numbers");
	check(up > 0, "the first is the time since the start");
	check(strncmp(contents_of("/proc/version"), "Linux version 6.1", 17) == 0, "version begins as on Linux");
	check(strstr(contents_of("/proc/filesystems"), "tmpfs") != NULL, "filesystems names tmpfs");
	check(strstr(contents_of("/proc/mounts"), "/proc proc") != NULL, "mounts names /proc");
	check(strncmp(contents_of("/proc/stat"), "cpu ", 4) == 0, "stat begins with the processors");
	check(strstr(contents_of("/proc/cpuinfo"), "processor\t: 0") != NULL, "cpuinfo lists the processors");
	check(atoi(contents_of("/proc/sys/kernel/pid_max")) >= 32768, "pid_max is at least 32768");
	same(contents_of("/proc/sys/kernel/ostype"), "Linux\n", "ostype is Linux");
	check(strlen(contents_of("/proc/sys/kernel/random/boot_id")) == 37, "there is a boot id");
}

CASE(start_of_a_program)
{
	unsigned char *header = (unsigned char *)getauxval(AT_SYSINFO_EHDR);
	check(header == NULL || memcmp(header, "\177ELF", 4) == 0, "the vDSO, where there is one, is an ELF image");
	check(getauxval(AT_HWCAP) != 0, "AT_HWCAP tells the processor's features");
	check(getauxval(AT_PHDR) != 0 && getauxval(AT_PHENT) == 56, "AT_PHDR and AT_PHENT tell the program headers");
	same((char *)getauxval(AT_PLATFORM), "x86_64", "AT_PLATFORM is x86_64");
	uint16_t control;
	uint32_t vector;
	__asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(control), "=m"(vector));
	equal(control, 0x37f, "the floating-point control word is 0x37f");
	equal(vector & 0xffc0, 0x1f80, "and that of the vector unit 0x1f80");
}

struct figures {
	int blocks;
	unsigned long inodes;
	char name[6], pack[6];
};

static long ustat_of(unsigned device, void *to) { return syscall(SYS_ustat, device, to); }

CASE(figures_of_a_device)
{
	struct stat here;
	struct figures figures;
	memset(&figures, 0x55, sizeof figures);
	require(stat(".", &here) == 0);
	equal(ustat_of(here.st_dev, &figures), 0, "ustat tells of the file system with this device's number");
	check(figures.blocks > 0, "how many blocks are free");
	check(figures.inodes > 0, "and how many inodes");
	check(figures.name[0] == 0 && figures.pack[5] == 0, "it has no name");
	int none = 0;
	for (const char *at = (char *)&figures; at < (char *)(&figures + 1); at++)
		none |= *at == 0x55;
	equal(none, 0, "all of the structure is written");
	fails(ustat_of(here.st_dev, (void *)8), EFAULT, "a bad pointer gives EFAULT");
	fails(ustat_of(0xfff00, &figures), EINVAL, "a device without a file system gives EINVAL");
	fails(ustat_of(0xfff00, (void *)8), EINVAL, "which comes first");
	fails(ustat_of(-1, &figures), EINVAL, "as does any number");
	require(stat("/proc", &here) == 0);
	equal(ustat_of(here.st_dev, &figures), 0, "/proc is such a file system, too");
	equal(figures.blocks, 0, "without blocks");
}

static long types(int what, unsigned long first, void *second) { return syscall(SYS_sysfs, what, first, second); }

CASE(types_of_file_systems)
{
	char name[64], line[80], listed[80] = "";
	long count = types(3, 0, NULL), wrong = 0;
	check(count > 3, "sysfs tells how many types of file systems there are");
	FILE *list = fopen("/proc/filesystems", "r");
	require(list);
	for (long i = 0; i < count; i++) {
		require(fgets(line, sizeof line, list) && types(2, i, name) == 0);
		snprintf(listed, sizeof listed, "%s\n", name);
		wrong += strcmp(strchr(line, '\t') + 1, listed) != 0 || types(1, (unsigned long)name, NULL) != i;
	}
	equal(wrong, 0, "names and numbers are those of /proc/filesystems");
	check(!fgets(line, sizeof line, list), "which has no more");
	fails(types(2, count, name), EINVAL, "a number that none has gives EINVAL");
	fails(types(2, -1, name), EINVAL, "so does one below zero");
	fails(types(2, 0, (void *)8), EFAULT, "a bad pointer gives EFAULT");
	fails(types(1, 8, NULL), EFAULT, "also to a name");
	fails(types(1, (unsigned long)"nosuch", NULL), EINVAL, "a name that none has gives EINVAL");
	fails(types(1, (unsigned long)"", NULL), ENOENT, "and no name ENOENT");
	fails(types(0, 0, NULL), EINVAL, "there is no question 0");
	fails(types(4, 0, NULL), EINVAL, "nor 4");
}

SUITE(RUN(names), RUN(memory_and_load), RUN(random_bytes), RUN(devices), RUN(proc_of_a_process), RUN(proc_of_the_system),
      RUN(start_of_a_program), RUN(figures_of_a_device), RUN(types_of_file_systems))
