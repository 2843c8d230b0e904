/* Descriptors, generated files, terminals. */
#include "inject.h"

#include <linux/close_range.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <termios.h>

static int fd = -1, other = -1;

static long duplicate(void) { return dup(0); }
static long duplicate_high(void) { return dup2(0, 700); }
static int is_700(long result) { return result == 700 && close_it(700); }
static long duplicate_higher(void) { return fcntl(0, F_DUPFD_CLOEXEC, 900); }
static int is_900(long result) { return result == 900 && close_it(900); }
static long make_memfd(void) { return syscall(SYS_memfd_create, "a name", 3); }
static long make_eventfd(void) { return eventfd(1, EFD_SEMAPHORE); }
static void raised(void)
{
	struct rlimit limit = { 4096, 4096 };
	need(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}
static void with_high(void)
{
	raised();
	need(dup2(0, 800) == 800);
	share(CLONE_FILES);
}
static long close_unshared(void) { return syscall(SYS_close_range, 300, 900, CLOSE_RANGE_UNSHARE); }
static int range_same(void) { return fcntl(800, F_GETFD) != -1; }
static int range_closed(long result) { return result == 0 && fcntl(800, F_GETFD) == -1 && fcntl(0, F_GETFD) != -1; }

/* A generated file, read whole in one call. */
static char text[32 * PAGE];
static const char *path;
static void open_path(void)
{
	fd = open(path, O_RDONLY);
	need(fd != -1);
}
static void close_path(void) { close(fd); }
static long read_text(void) { return read(fd, text, sizeof text); }
static int not_read(void) { return lseek(fd, 0, SEEK_CUR) == 0; }
/* Whether the text is whole: what stands near its end is there. */
static const char *last;
static int read_whole(long result) { return result > 0 && memmem(text, result, last, strlen(last)) != NULL && text[result - 1] == '\n'; }
#define GENERATED(name, where, near_the_end) \
	static void name(void) \
	{ \
		path = where; \
		last = near_the_end; \
		open_path(); \
	}
GENERATED(open_stat, "/proc/self/stat", " 0\n")
GENERATED(open_status, "/proc/self/status", "\nnonvoluntary_ctxt_switches:\t")
GENERATED(open_maps, "/proc/self/maps", "[stack]")
GENERATED(open_smaps, "/proc/self/smaps", "\nVmFlags: ")
GENERATED(open_mounts, "/proc/self/mounts", "inject " PLACE " tmpfs ")
GENERATED(open_mountinfo, "/proc/self/mountinfo", " " PLACE " ")
GENERATED(open_cmdline, "/proc/self/cmdline", "/opt/inject")
GENERATED(open_environ, "/proc/self/environ", "=")
GENERATED(open_auxv, "/proc/self/auxv", "")
GENERATED(open_meminfo, "/proc/meminfo", "\nVmallocUsed:")
GENERATED(open_cpuinfo, "/proc/cpuinfo", "\nflags")
GENERATED(open_system, "/proc/stat", "\nsoftirq ")
GENERATED(open_fdinfo, "/proc/self/fdinfo/0", "\nflags:\t")
static int read_arguments(long result) { return result > 0 && memmem(text, result, last, strlen(last)) != NULL && text[result - 1] == 0; }
static int read_vector(long result)
{
	return result >= 32 && result % 16 == 0 && memcmp(text + result - 16, (long[2]){ 0 }, 16) == 0;
}
static long open_status_again(void) { return open("/proc/thread-self/status", O_RDONLY); }
static void with_setting(void)
{
	fd = open("/proc/self/comm", O_WRONLY);
	need(fd != -1);
}
static long write_setting(void) { return write(fd, "inject", 6); }
static int is_six(long result) { return result == 6; }
static long open_random(void) { return open("/dev/urandom", O_RDONLY); }
static void with_random(void)
{
	fd = open("/dev/urandom", O_RDONLY);
	need(fd != -1);
}
static long read_log(void) { return syscall(SYS_syslog, 3, text, PAGE); }

/* Terminals. */
static long open_master(void) { return open("/dev/ptmx", O_RDWR | O_NOCTTY); }
static void with_master(void)
{
	int unlocked = 0;
	fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	need(fd != -1 && ioctl(fd, TIOCSPTLCK, &unlocked) == 0);
}
static long open_peer(void) { return ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY); }
static void with_terminal(void)
{
	with_master();
	other = ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	need(other != -1);
}
static void without_terminal(void)
{
	close(other);
	close(fd);
}
static long print(void) { return write(other, "some output\n", 12); }
static int printed(long result)
{
	/* Linux's master may have the line before its end. */
	char output[64];
	size_t length = 0;
	while (length < 13) {
		ssize_t more = read(fd, output + length, sizeof output - length);
		if (more <= 0)
			return 0;
		length += more;
	}
	return result == 12 && length == 13;
}
static long type(void) { return write(fd, "some input\n", 11); }
static int typed(long result)
{
	char input[64];
	return result == 11 && read(other, input, sizeof input) == 11;
}
static struct termios modes;
static void with_modes(void)
{
	with_terminal();
	need(tcgetattr(other, &modes) == 0);
	modes.c_lflag ^= ECHO;
}
static long set_terminal(void) { return ioctl(other, TCSETS, &modes); }
static int modes_set(long result)
{
	struct termios now;
	return result == 0 && tcgetattr(other, &now) == 0 && now.c_lflag == modes.c_lflag;
}

const struct scenario descriptors[] = {
	{ "dup", NULL, duplicate, NULL, close_it, NULL, FREE, { 0 } },
	{ "dup2 that grows the table", raised, duplicate_high, NULL, is_700, NULL, IN_CHILD, { 0 } },
	{ "fcntl F_DUPFD that grows the table", raised, duplicate_higher, NULL, is_900, NULL, IN_CHILD, { 0 } },
	{ "close_range CLOSE_RANGE_UNSHARE", with_high, close_unshared, range_same, range_closed, unshared, IN_CHILD, { 0 } },
	{ "memfd_create", NULL, make_memfd, NULL, close_it, NULL, 0, { ENFILE } },
	{ "eventfd2", NULL, make_eventfd, NULL, close_it, NULL, 0, { ENFILE } },
	{ "open of /proc/thread-self/status", NULL, open_status_again, NULL, close_it, NULL, 0, { ENFILE } },
	{ "read of /proc/self/stat", open_stat, read_text, not_read, read_whole, close_path, 0, { 0 } },
	{ "read of /proc/self/status", open_status, read_text, not_read, read_whole, close_path, 0, { 0 } },
	{ "read of /proc/self/maps", open_maps, read_text, not_read, read_whole, close_path, 0, { 0 } },
	{ "read of /proc/self/smaps", open_smaps, read_text, not_read, read_whole, close_path, 0, { 0 } },
	{ "read of /proc/self/mounts", open_mounts, read_text, not_read, read_whole, close_path, 0, { 0 } },
	{ "read of /proc/self/mountinfo", open_mountinfo, read_text, not_read, read_whole, close_path, 0, { 0 } },
	{ "read of /proc/self/cmdline", open_cmdline, read_text, not_read, read_arguments, close_path, 0, { 0 } },
	{ "read of /proc/self/environ", open_environ, read_text, not_read, read_arguments, close_path, 0, { 0 } },
	{ "read of /proc/self/auxv", open_auxv, read_text, not_read, read_vector, close_path, 0, { 0 } },
	{ "read of /proc/self/fdinfo/0", open_fdinfo, read_text, not_read, read_whole, close_path, 0, { 0 } },
	{ "read of /proc/meminfo", open_meminfo, read_text, not_read, read_whole, close_path, 0, { 0 } },
	{ "read of /proc/cpuinfo", open_cpuinfo, read_text, not_read, read_whole, close_path, 0, { 0 } },
	{ "read of /proc/stat", open_system, read_text, not_read, read_whole, close_path, 0, { 0 } },
	{ "write of /proc/self/comm", with_setting, write_setting, NULL, is_six, close_path, 0, { 0 } },
	{ "open of /dev/urandom", NULL, open_random, NULL, close_it, NULL, 0, { ENFILE } },
	{ "read of /dev/urandom", with_random, read_text, NULL, is_some, close_path, FREE, { 0 } },
	{ "syslog", NULL, read_log, NULL, is_some, NULL, 0, { 0 } },
	{ "open of /dev/ptmx", NULL, open_master, NULL, close_it, NULL, 0, { ENFILE, ENOSPC } },
	{ "ioctl TIOCGPTPEER", with_master, open_peer, NULL, close_it, close_path, 0, { ENFILE } },
	{ "write to a terminal", with_terminal, print, NULL, printed, without_terminal, FREE, { EAGAIN } },
	{ "write to a terminal's master", with_terminal, type, NULL, typed, without_terminal, 0, { EAGAIN } },
	{ "ioctl TCSETS", with_modes, set_terminal, NULL, modes_set, without_terminal, FREE, { 0 } },
	{ 0 },
};
