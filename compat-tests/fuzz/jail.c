/* Where a batch lives: a mount namespace and a root of its own, with what its paths name. It goes with the batch's last process. */
#include "fuzz.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0777);
	if (fd >= 0)
		dprintf(fd, "%s", text), fchmod(fd, 0777), close(fd);
}

static int make_devices(void)
{
	static const struct {
		const char *path;
		int major, minor;
	} devices[] = { { "dev/null", 1, 3 }, { "dev/zero", 1, 5 }, { "dev/full", 1, 7 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 }, { "dev/ptmx", 5, 2 } };
	if (mkdir("dev", 0755) || mkdir("dev/pts", 0755) || mkdir("proc", 0755))
		return -1;
	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
		if (mknod(devices[i].path, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)))
			return -1;
	return mount("devpts", "dev/pts", "devpts", 0, "ptmxmode=0666") || mount("proc", "proc", "proc", 0, NULL) ? -1 : 0;
}

static int make_files(void)
{
	if (mkdir("w", 0777) || chdir("w") || mkdir("d", 0777) || mkdir("d/e", 0777))
		return -1;
	write_file("a", "#!/proc/self/exe exit\n");
	write_file("script", "#!/proc/self/exe exit\n");
	write_file("bad", "\177ELF\2\1\1 and no more");
	write_file("b", "text");
	write_file("d/a", "");
	write_file("d/b", "");
	return symlink("a", "link") || symlink("loop", "loop") || symlink("/proc/self/maps", "far") || mkfifo("fifo", 0666) ? -1 : 0;
}

int enter_jail(int worker)
{
	char path[32];
	snprintf(path, sizeof path, "/tmp/fuzz-%d", worker);
	umask(0);
	if (unshare(CLONE_NEWNS | CLONE_NEWUTS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	if (mount("tmpfs", path, "tmpfs", 0, "size=8m,mode=0777") || chdir(path) || make_devices())
		return -1;
	return chroot(".") || make_files() ? -1 : 0;
}
