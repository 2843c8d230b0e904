/* Paths, processes, memory, System V objects and texts: what the hints name beside descriptors. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static uint64_t numbered(struct context *c, char letter)
{
	char *place = take_page(c);
	unsigned n = draw(c) % 64;
	place[0] = letter, place[1] = '0' + n / 8, place[2] = '0' + n % 8, place[3] = 0;
	return (uint64_t)place;
}

static uint64_t new_path(struct context *c)
{
	uint64_t path = numbered(c, 'n');
	if (raw(SYS_unlink, path) < 0)
		raw(SYS_rmdir, path);
	return path;
}

static uint64_t victim(struct context *c)
{
	uint64_t path = numbered(c, 'v');
	raw(SYS_close, raw(SYS_open, path, O_CREAT | O_RDWR, 0666));
	return path;
}

static uint64_t hollow(struct context *c)
{
	uint64_t path = numbered(c, 'h');
	raw(SYS_mkdir, path, 0777);
	return path;
}

static uint64_t mounted(struct context *c)
{
	uint64_t path = numbered(c, 'm');
	raw(SYS_mkdir, path, 0777);
	raw(SYS_mount, "none", path, "tmpfs", 0, 0);
	return path;
}

/* What `mount_setattr` is to set. */
static uint64_t mount_attributes(struct context *c)
{
	uint64_t *place = (uint64_t *)take_page(c);
	memset(place, 0, 64);
	place[0] = draw(c) % 16;
	place[2] = CHOOSE(c, 0, 0, 1 << 18, 1 << 20);
	return (uint64_t)place;
}

static uint64_t new_root(struct context *c)
{
	(void)c;
	raw(SYS_unshare, 0x20000);
	raw(SYS_mkdir, "r", 0777);
	raw(SYS_mount, "none", "r", "tmpfs", 0, 0);
	return (uint64_t)"r";
}

static uint64_t old_root(struct context *c)
{
	new_root(c);
	raw(SYS_mkdir, "r/old", 0777);
	return (uint64_t)"r/old";
}

static uint64_t attributed(struct context *c)
{
	raw(SYS_setxattr, "a", "trusted.a", "value", 5, 0);
	(void)c;
	return (uint64_t)"a";
}

#define ONE_OF(function, ...) \
	static uint64_t function(struct context *c) \
	{ \
		static const char *const texts[] = { __VA_ARGS__ }; \
		return (uint64_t)texts[draw(c) % (sizeof texts / sizeof *texts)]; \
	}

ONE_OF(plain_file, "a", "b", "d/a", "d/b")
ONE_OF(directory, "d", ".", "d/e", "/", "..")
ONE_OF(up, "..", "../d", "/d")
ONE_OF(link_path, "link", "loop", "far", "/proc/self/exe", "/proc/self/cwd", "/proc/self/fd/40")
ONE_OF(device, "/dev/null", "/dev/zero", "/dev/full", "/dev/ptmx", "/dev/tty", "/dev/urandom")
ONE_OF(fifo, "fifo")
ONE_OF(program, "/proc/self/exe")
ONE_OF(script, "script", "a", "bad")
ONE_OF(queue_name, "q", "q", "r", "u", "none", "")
ONE_OF(none, "none", "", "x")
ONE_OF(attribute, "trusted.a", "trusted.a", "trusted.a", "trusted.b", "security.a", "user.a")
ONE_OF(filesystem, "tmpfs", "tmpfs", "ramfs", "proc", "sysfs", "devpts", "mqueue", "nonsense")
ONE_OF(option, "ro", "rw", "size", "what", "source")
ONE_OF(options, "size=64k", "mode=0700", "size=1m,nr_inodes=8", "what=ever")
ONE_OF(known_path, "a", "b", "d", "d/a", "d/../a", ".", "..", "/", "link", "fifo", "/dev/null", "/dev/zero", "/proc/self/maps", "/proc/self/fd/40",
       "/proc/self/status", "/proc/self/cwd", "/proc/self/root", "/proc/self/exe", "/proc/self/ns/mnt", "/proc/self/task", "d/e", "loop", "missing/x", "")

uint64_t any_path(struct context *c)
{
	return known_path(c);
}

static uint64_t self(struct context *c)
{
	return c->pid;
}

static uint64_t thread(struct context *c)
{
	return c->tid;
}

static uint64_t nobody(struct context *c)
{
	return CHOOSE(c, 999999, INT32_MAX, 4194304);
}

static uint64_t group(struct context *c)
{
	return -c->group;
}

/* A child that waits for signals, until one kills it. */
static uint64_t child(struct context *c)
{
	if (c->child && raw(SYS_kill, c->child, 0) == 0)
		return c->child;
	long pid = raw(SYS_fork);
	if (pid == 0)
		for (;;)
			raw(SYS_pause);
	return c->child = pid;
}

static uint64_t zombie(struct context *c)
{
	(void)c;
	long pid = raw(SYS_fork);
	if (pid == 0)
		raw(SYS_exit_group, 3);
	return pid;
}

static uint64_t own_id(struct context *c)
{
	return c->root ? CHOOSE(c, 0, 0, 0, 1000) : 1000;
}

/* Pages that are certainly there. */
static uint64_t area(struct context *c)
{
	char *place = FIELD + draw(c) % (FIELD_PAGES / 16) * 16 * PAGE;
	if (draw(c) % 2)
		raw(SYS_mmap, place, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_ANONYMOUS | (draw(c) % 2 ? MAP_SHARED : MAP_PRIVATE), -1, 0);
	return (uint64_t)place;
}

static uint64_t word(struct context *c)
{
	return (uint64_t)&SHARED->words[draw(c) % 8];
}

static uint64_t buffer(struct context *c)
{
	char *place = take_page(c);
	memset(place, draw(c) % 4 ? 0 : (int)draw(c), 512);
	return (uint64_t)place;
}

static uint64_t zeroes(struct context *c)
{
	return (uint64_t)memset(take_page(c), 0, PAGE);
}

static uint64_t program_break(struct context *c)
{
	return raw(SYS_brk, 0) + (draw(c) % 2 ? PAGE : 0);
}

static uint64_t shared_memory(struct context *c)
{
	return raw(SYS_shmget, draw(c) % 4, 2 * PAGE, IPC_CREAT | 0666);
}

static uint64_t attached(struct context *c)
{
	return raw(SYS_shmat, shared_memory(c), 0, 0);
}

static uint64_t semaphores(struct context *c)
{
	return raw(SYS_semget, 1 + draw(c) % 3, 2, IPC_CREAT | 0666);
}

static uint64_t queue(struct context *c)
{
	return raw(SYS_msgget, 1 + draw(c) % 3, IPC_CREAT | 0666);
}

static uint64_t message(struct context *c)
{
	uint64_t *place = (uint64_t *)take_page(c);
	place[0] = 1 + draw(c) % 4;
	return (uint64_t)place;
}

static uint64_t full_queue(struct context *c)
{
	uint64_t id = queue(c);
	raw(SYS_msgsnd, id, message(c), 8, IPC_NOWAIT);
	return id;
}

/* Its name, for one that is certainly there. */
static uint64_t named_queue(struct context *c)
{
	const char *name = c->root ? "q" : "u";
	raw(SYS_close, raw(SYS_mq_open, name, O_CREAT | O_RDWR, 0666, 0));
	return (uint64_t)name;
}

static uint64_t posix_timer(struct context *c)
{
	int *id = (int *)take_page(c);
	uint64_t event[8] = { 0, 10 };
	return raw(SYS_timer_create, 1, event, id) == 0 ? *id : 0;
}

/* A set of signals of which one is pending. */
static uint64_t pending_signals(struct context *c)
{
	uint64_t *set = (uint64_t *)take_page(c);
	*set = 1ull << 11;
	raw(SYS_rt_sigprocmask, 0, set, 0, 8);
	raw(SYS_tgkill, c->pid, c->tid, 12);
	return (uint64_t)set;
}

static uint64_t record_lock(struct context *c)
{
	struct flock *lock = (struct flock *)zeroes(c);
	*lock = (struct flock){ .l_type = draw(c) % 3, .l_start = draw(c) % 64, .l_len = draw(c) % 64 };
	return (uint64_t)lock;
}

static uint64_t soon(struct context *c)
{
	uint64_t *time = (uint64_t *)zeroes(c);
	time[1] = 1000;
	return (uint64_t)time;
}

static uint64_t processors(struct context *c)
{
	return (uint64_t)memset((char *)zeroes(c), 0xff, 8);
}

static const struct {
	const char *name;
	maker *make;
} table[] = {
	{ "struct", structure },	  { "path.any", known_path },	 { "path.file", plain_file },	 { "path.dir", directory },
	{ "path.up", up },		  { "path.link", link_path },	 { "path.device", device },	 { "path.fifo", fifo },
	{ "path.exec", program },	  { "path.script", script },	 { "path.new", new_path },	 { "path.victim", victim },
	{ "path.hollow", hollow },	  { "path.mount", mounted },	 { "path.root", new_root },	 { "path.putold", old_root },
	{ "path.attributed", attributed }, { "text.none", none },	 { "text.attribute", attribute }, { "text.filesystem", filesystem }, { "text.option", option },	 { "mount.attributes", mount_attributes },
	{ "text.options", options },	  { "pid.self", self },		 { "pid.tid", thread },		 { "pid.none", nobody },
	{ "pid.group", group },		  { "pid.child", child },	 { "pid.zombie", zombie },	 { "id.own", own_id },
	{ "addr.area", area },		  { "addr.word", word },	 { "addr.break", program_break }, { "addr.shm", attached },
	{ "buffer", buffer },		  { "zeroes", zeroes },		 { "ipc.shm", shared_memory },	 { "ipc.sem", semaphores },
	{ "ipc.msg", queue },		  { "ipc.full", full_queue },	 { "message", message },	 { "timer", posix_timer },
	{ "signals.pending", pending_signals }, { "struct.flock", record_lock }, { "struct.soon", soon }, { "processors", processors },
	{ "strings", zeroes },		  { "text.queue", queue_name },	 { "text.named", named_queue },
};

maker *find_maker(const char *name)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].make;
	return find_descriptor(name);
}
