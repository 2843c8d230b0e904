/* Mappings, pages, System V objects. */
#include "inject.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/uio.h>

#define SIZE (8 * PAGE)
static char *area;

static void *pages(size_t size) { return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static int filled(const char *at, char with)
{
	for (int i = 0; i < SIZE; i++)
		if (at[i] != with)
			return 0;
	return 1;
}
static void with_area(void)
{
	area = pages(SIZE);
	need(area != MAP_FAILED);
	memset(area, 'x', SIZE);
}
static void without_area(void) { need(munmap(area, SIZE) == 0); }
static int area_same(void) { return filled(area, 'x'); }
static int unharmed(long result) { return result == 0 && area_same(); }

static long map(void) { return (long)mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static long map_shared(void) { return (long)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0); }
static long map_populated(void) { return (long)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0); }
static int mapped(long result) { return filled((char *)result, 0) && munmap((void *)result, SIZE) == 0; }
static long map_over(void)
{
	return (long)mmap(area + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}
static int mapped_over(long result) { return result == (long)area + 2 * PAGE && area[2 * PAGE] == 0 && area[3 * PAGE] == 'x'; }
static long protect(void) { return mprotect(area + PAGE, 3 * PAGE, PROT_READ); }
static long unmap(void) { return munmap(area + PAGE, PAGE); }
static int unmapped(long result)
{
	unsigned char there;
	return result == 0 && mincore(area + PAGE, PAGE, &there) == -1 && area[0] == 'x' && area[2 * PAGE] == 'x';
}
static void with_pieces(void)
{
	with_area();
	for (int page = 1; page < SIZE / PAGE; page += 2)
		need(mprotect(area + page * PAGE, PAGE, PROT_READ) == 0);
}
static long unmap_all(void) { return munmap(area, SIZE); }
static int all_unmapped(long result)
{
	unsigned char there;
	for (int page = 0; page < SIZE / PAGE; page++)
		if (mincore(area + page * PAGE, PAGE, &there) != -1)
			return 0;
	return result == 0;
}
static long extend(void) { return (long)mremap(area, SIZE, 64 * SIZE, MREMAP_MAYMOVE); }
static char *old;
static void blocked_behind(void)
{
	old = area = pages(2 * SIZE);
	need(area != MAP_FAILED && mprotect(area + SIZE, SIZE, PROT_NONE) == 0);
	memset(area, 'x', SIZE);
}
static int extended(long result)
{
	area = (char *)result;
	return area_same() && munmap(area + SIZE, 63 * SIZE) == 0;
}
static void unblocked(void)
{
	need(munmap(old + SIZE, SIZE) == 0);
	without_area();
}
static void with_target(void)
{
	area = pages(2 * SIZE);
	need(area != MAP_FAILED);
	memset(area, 'x', SIZE);
	memset(area + SIZE, 'y', SIZE);
}
static long move_part(void) { return (long)mremap(area + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + SIZE + PAGE); }
static int part_moved(long result)
{
	unsigned char there;
	return result == (long)area + SIZE + PAGE && area[SIZE + PAGE] == 'x' && area[SIZE + 2 * PAGE] == 'y' &&
	       mincore(area + PAGE, PAGE, &there) == -1 && area[2 * PAGE] == 'x';
}
static void without_target(void) { need(munmap(area, 2 * SIZE) == 0); }
static void with_shared_area(void)
{
	area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(area != MAP_FAILED);
	memset(area, 'x', SIZE);
}
static long show_first(void) { return syscall(SYS_remap_file_pages, area + PAGE, PAGE, 0, 0, 0); }
static int first_shown(long result)
{
	area[0] = 'z';
	return result == 0 && area[PAGE] == 'z' && area[2 * PAGE] == 'x';
}
static long move_pages(void) { return (long)mremap(area, SIZE, SIZE, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */); }
static int pages_moved(long result) { return filled((char *)result, 'x') && filled(area, 0) && munmap((void *)result, SIZE) == 0; }
static long old_break;
static long grow_heap(void)
{
	if (old_break == 0)
		old_break = syscall(SYS_brk, 0L);
	return syscall(SYS_brk, old_break + SIZE) == old_break + SIZE ? 0 : (errno = ENOMEM, -1);
}
static int heap_grown(long result) { return result == 0 && filled((char *)old_break, 0); }
static void shrink_heap(void) { need(syscall(SYS_brk, old_break) == old_break); }
static int heap_same(void) { return syscall(SYS_brk, 0L) == old_break; }
static long forget(void) { return madvise(area, SIZE, MADV_DONTNEED); }
static int forgotten(long result) { return result == 0 && filled(area, 0); }
static long not_for_children(void) { return madvise(area + PAGE, PAGE, MADV_DONTFORK); }
static unsigned char resident[8];
static long ask(void)
{
	memset(resident, 0, sizeof resident);
	return mincore(area, SIZE, resident);
}
static int all_resident(long result) { return result == 0 && memcmp(resident, "\1\1\1\1\1\1\1\1", 8) == 0 && area_same(); }
static long lock(void) { return mlock(area, SIZE); }
static int locked(long result)
{
	memset(resident, 0, sizeof resident);
	return result == 0 && mincore(area, SIZE, resident) == 0 && resident[0] == 1 && resident[7] == 1;
}
static long synchronise(void) { return msync(area, SIZE, MS_SYNC); }
/* Faults: a page that is refused is given at the second try. */
static void with_nothing(void)
{
	area = pages(SIZE);
	need(area != MAP_FAILED);
}
static long touch(void)
{
	memset(area, 'x', SIZE);
	return 0;
}
static int private_file = -1;
static void with_private_file(void)
{
	private_file = open(".", O_TMPFILE | O_RDWR, 0600);
	need(private_file != -1 && ftruncate(private_file, SIZE) == 0);
	area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, private_file, 0);
	need(area != MAP_FAILED);
}
static void without_private_file(void)
{
	close(private_file);
	without_area();
}
static pid_t sharer;
static int until = -1;
static void with_sharer(void)
{
	int ends[2];
	with_area();
	need(pipe(ends) == 0);
	sharer = fork();
	if (sharer == 0) {
		char byte;
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 0 && area_same() ? 0 : 1);
	}
	close(ends[0]);
	until = ends[1];
}
static long touch_copies(void)
{
	memset(area, 'y', SIZE);
	return 0;
}
static int copies(long result)
{
	close(until);
	return result == 0 && filled(area, 'y') && status_of(sharer) == 0;
}
static int target_fd;
static void with_reader(void)
{
	with_nothing();
	target_fd = open("/dev/zero", O_RDONLY);
	need(target_fd != -1);
}
static long read_into(void) { return read(target_fd, area, SIZE); }
static int was_read(long result) { return result == SIZE && filled(area, 0); }
static void without_reader(void)
{
	close(target_fd);
	without_area();
}

static char copied[SIZE];
static struct iovec own_range, its_range;
static void ranges(char *own, char *its)
{
	own_range = (struct iovec){ own, SIZE };
	its_range = (struct iovec){ its, SIZE };
}
static long read_other(void)
{
	ranges(copied, area);
	return syscall(SYS_process_vm_readv, sharer, &own_range, 1L, &its_range, 1L, 0L);
}
static int end_sharer(int wanted)
{
	close(until);
	return status_of(sharer) == wanted;
}
static int other_read(long result) { return result == SIZE && filled(copied, 'x') && end_sharer(0); }
static long write_other(void)
{
	memset(copied, 'y', SIZE);
	ranges(copied, area);
	return syscall(SYS_process_vm_writev, sharer, &own_range, 1L, &its_range, 1L, 0L);
}
static int other_written(long result) { return result == SIZE && area_same() && end_sharer(1 << 8); }

static long advise_other(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	ranges(area, area);
	int saved = fd == -1 ? errno : 0;
	long result = fd == -1 ? -1 : syscall(440 /* process_madvise */, fd, &own_range, 1L, 20 /* MADV_COLD */, 0L);
	saved = result == -1 && fd != -1 ? errno : saved;
	if (fd != -1)
		close(fd);
	errno = saved;
	return result;
}
static int advised(long result) { return result == SIZE && area_same(); }

/* System V objects. */
static int id;
static long get_shared(void) { return shmget(IPC_PRIVATE, SIZE, 0600); }
static int got_shared(long result) { return shmctl((int)result, IPC_RMID, NULL) == 0; }
static void with_shared(void)
{
	id = shmget(IPC_PRIVATE, SIZE, 0600);
	need(id != -1);
}
static void without_shared(void) { need(shmctl(id, IPC_RMID, NULL) == 0); }
static long attach(void) { return (long)shmat(id, NULL, 0); }
static int attached_none(void)
{
	struct shmid_ds now;
	return shmctl(id, IPC_STAT, &now) == 0 && now.shm_nattch == 0;
}
static int attached(long result)
{
	struct shmid_ds now;
	memset((void *)result, 'x', SIZE);
	return shmctl(id, IPC_STAT, &now) == 0 && now.shm_nattch == 1 && shmdt((void *)result) == 0;
}
static long get_semaphores(void) { return semget(IPC_PRIVATE, 100, 0600); }
static int got_semaphores(long result) { return semctl((int)result, 0, IPC_RMID) == 0; }
static void with_semaphores(void)
{
	id = semget(IPC_PRIVATE, 100, 0600);
	need(id != -1);
}
static void without_semaphores(void) { need(semctl(id, 0, IPC_RMID) == 0); }
static unsigned short values[100];
static long set_values(void)
{
	for (int i = 0; i < 100; i++)
		values[i] = (unsigned short)i;
	return semctl(id, 0, SETALL, values);
}
static int values_set(long result) { return result == 0 && semctl(id, 99, GETVAL) == 99; }
static void with_values(void)
{
	with_semaphores();
	need(set_values() == 0);
	memset(values, 0, sizeof values);
}
static long get_values(void) { return semctl(id, 0, GETALL, values); }
static int values_got(long result) { return result == 0 && values[1] == 1 && values[99] == 99; }
static long operate(void)
{
	struct sembuf operations[20];
	for (int i = 0; i < 20; i++)
		operations[i] = (struct sembuf){ (unsigned short)i, 1, SEM_UNDO };
	return semop(id, operations, 20);
}
static int not_operated(void) { return semctl(id, 0, GETVAL) == 0 && semctl(id, 19, GETVAL) == 0; }
static int operated(long result) { return result == 0 && semctl(id, 0, GETVAL) == 1 && semctl(id, 19, GETVAL) == 1; }
static struct {
	long kind;
	char text[3000];
} message = { 1, "text" };
static long get_queue(void) { return msgget(IPC_PRIVATE, 0600); }
static int got_queue(long result) { return msgctl((int)result, IPC_RMID, NULL) == 0; }
static void with_queue(void)
{
	id = msgget(IPC_PRIVATE, 0600);
	need(id != -1);
}
static void without_queue(void) { need(msgctl(id, IPC_RMID, NULL) == 0); }
static unsigned long queued(void)
{
	struct msqid_ds now;
	return msgctl(id, IPC_STAT, &now) == 0 ? now.msg_qnum : 99;
}
static long send(void) { return msgsnd(id, &message, sizeof message.text, IPC_NOWAIT); }
static int none_sent(void) { return queued() == 0; }
static int sent(long result) { return result == 0 && queued() == 1; }
static void with_message(void)
{
	with_queue();
	need(send() == 0);
}
static long receive(void) { return msgrcv(id, &message, sizeof message.text, 0, IPC_NOWAIT); }
static int none_received(void) { return queued() == 1; }
static int received(long result) { return result == sizeof message.text && queued() == 0; }

static long copy_message(void) { return msgrcv(id, &message, sizeof message.text, 0, IPC_NOWAIT | 040000 /* MSG_COPY */); }
static int message_copied(long result) { return result == sizeof message.text && queued() == 1; }

const struct scenario memory[] = {
	{ "mmap", NULL, map, NULL, mapped, NULL, 0, { 0 } },
	{ "mmap MAP_SHARED", NULL, map_shared, NULL, mapped, NULL, 0, { 0 } },
	{ "mmap MAP_POPULATE", NULL, map_populated, NULL, mapped, NULL, 0, { 0 } },
	{ "mmap MAP_FIXED in the middle", with_area, map_over, area_same, mapped_over, without_area, SPLITS, { 0 } },
	{ "mprotect in the middle", with_area, protect, area_same, unharmed, without_area, SPLITS, { 0 } },
	{ "munmap in the middle", with_area, unmap, area_same, unmapped, without_area, SPLITS, { 0 } },
	{ "munmap of several areas", with_pieces, unmap_all, area_same, all_unmapped, NULL, 0, { 0 } },
	{ "mremap that moves", blocked_behind, extend, area_same, extended, unblocked, SPLITS, { 0 } },
	{ "mremap MREMAP_FIXED", /* what is at the target may be gone already, as on Linux */
	  with_target, move_part, area_same, part_moved, without_target, SPLITS, { 0 } },
	{ "mremap MREMAP_DONTUNMAP", with_area, move_pages, area_same, pages_moved, without_area, SPLITS, { 0 } },
	{ "remap_file_pages", with_shared_area, show_first, area_same, first_shown, without_area, SPLITS, { 0 } },
	{ "brk", NULL, grow_heap, heap_same, heap_grown, shrink_heap, 0, { 0 } },
	{ "madvise MADV_DONTNEED", with_area, forget, area_same, forgotten, without_area, FREE, { 0 } },
	{ "madvise MADV_DONTFORK", with_area, not_for_children, area_same, unharmed, without_area, SPLITS, { EAGAIN } },
	{ "mincore", with_area, ask, area_same, all_resident, without_area, 0, { EAGAIN } },
	{ "mlock", with_nothing, lock, NULL, locked, without_area, 0, { EAGAIN } },
	{ "msync", with_area, synchronise, area_same, unharmed, without_area, FREE, { 0 } },
	{ "(fault) new pages", with_nothing, touch, NULL, unharmed, without_area, 0, { 0 } },
	{ "(fault) private pages of a file", with_private_file, touch, NULL, unharmed, without_private_file, 0, { 0 } },
	{ "(fault) shared pages", with_sharer, touch_copies, area_same, copies, without_area, IN_CHILD, { 0 } },
	{ "process_vm_readv", with_sharer, read_other, area_same, other_read, without_area, IN_CHILD, { 0 } },
	{ "process_vm_writev", with_sharer, write_other, area_same, other_written, without_area, IN_CHILD, { 0 } },
	{ "process_madvise", with_area, advise_other, area_same, advised, without_area, 0, { 0 } },
	{ "read into new pages", with_reader, read_into, NULL, was_read, without_reader, 0, { 0 } },
	{ "shmget", NULL, get_shared, NULL, got_shared, NULL, 0, { ENOSPC } },
	{ "shmat", with_shared, attach, attached_none, attached, without_shared, 0, { 0 } },
	{ "semget", NULL, get_semaphores, NULL, got_semaphores, NULL, 0, { ENOSPC } },
	{ "semctl SETALL", with_semaphores, set_values, not_operated, values_set, without_semaphores, 0, { 0 } },
	{ "semctl GETALL", with_values, get_values, NULL, values_got, without_semaphores, 0, { 0 } },
	{ "semop SEM_UNDO", with_semaphores, operate, not_operated, operated, without_semaphores, 0, { ENOSPC } },
	{ "msgget", NULL, get_queue, NULL, got_queue, NULL, 0, { ENOSPC } },
	{ "msgsnd", with_queue, send, none_sent, sent, without_queue, 0, { EAGAIN } },
	{ "msgrcv MSG_COPY", with_message, copy_message, none_received, message_copied, without_queue, 0, { 0 } },
	{ "msgrcv", with_message, receive, none_received, received, without_queue, FREE, { 0 } },
	{ 0 },
};
