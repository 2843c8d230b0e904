/* System V shared memory, semaphores and messages. */
#include "tap.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

static void become(unsigned id)
{
	if (setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0)
		_exit(99);
}

static key_t some_key(void)
{
	return 0x5e000000 + getpid();
}

static int attached(int id)
{
	struct shmid_ds status;
	return shmctl(id, IPC_STAT, &status) == 0 ? (int)status.shm_nattch : -1;
}

CASE(finding)
{
	key_t key = some_key();
	fails(shmget(key, 100, 0600), ENOENT, "without IPC_CREAT a key of nothing gives ENOENT");
	int id = shmget(key, 5000, IPC_CREAT | 0640);
	check(id >= 0, "with it a segment is made");
	equal(shmget(key, 0, 0), id, "the key finds it");
	equal(shmget(key, 5000, IPC_CREAT | 0600), id, "also with IPC_CREAT");
	fails(shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0600), EEXIST, "IPC_EXCL wants a new one");
	fails(shmget(key, 5001, 0), EINVAL, "it is not larger than it is");
	fails(shmget(IPC_PRIVATE, 0, 0600), EINVAL, "a size of 0 gives EINVAL");
	int other = shmget(IPC_PRIVATE, 1, 0600);
	check(other >= 0 && other != id, "IPC_PRIVATE is always new");
	equal(in_child(become(12); _exit(shmget(key, 0, 0600) == -1 ? errno : 0)), EACCES, "others may not have what the mode forbids");
	equal(in_child(become(12); _exit(shmget(key, 0, 0) == id ? 0 : 1)), 0, "but may find it");
	struct shmid_ds status;
	equal(shmctl(id, IPC_STAT, &status), 0, "its status can be asked for");
	check(status.shm_perm.__key == key && status.shm_perm.mode == 0640 && status.shm_segsz == 5000 &&
	      status.shm_cpid == getpid() && status.shm_lpid == 0 && status.shm_nattch == 0 && status.shm_atime == 0 &&
	      status.shm_ctime > 0, "and says what it is");
	equal(in_child(become(12); _exit(shmctl(id, IPC_STAT, &status) ? errno : 0)), EACCES, "to who may read");
	equal(in_child(become(12); _exit(shmctl(id, IPC_RMID, NULL) ? errno : 0)), EPERM, "only the owner removes it");
	status.shm_perm.mode = 0604;
	status.shm_perm.uid = 12;
	equal(shmctl(id, IPC_SET, &status), 0, "the owner may be changed");
	equal(in_child(become(12); _exit(shmctl(id, IPC_RMID, NULL) ? errno : 0)), 0, "who then removes it");
	fails(shmctl(id, IPC_STAT, &status), EINVAL, "then it is gone");
	fails(shmget(key, 0, 0), ENOENT, "and the key finds nothing");
	fails(shmctl(other, 77, &status), EINVAL, "an unknown command gives EINVAL");
	shmctl(other, IPC_RMID, NULL);
	fails(shmctl(-1, IPC_RMID, NULL), EINVAL, "a negative identifier does");
}

CASE(attaching)
{
	int id = shmget(IPC_PRIVATE, 6000, 0600);
	char *one = shmat(id, NULL, 0), *two = shmat(id, NULL, SHM_RDONLY);
	check(one != (void *)-1 && two != (void *)-1 && one != two, "a segment can be attached twice");
	equal(attached(id), 2, "which is counted");
	one[5999] = 'x';
	equal(two[5999], 'x', "both are the same memory");
	equal(two[0], 0, "zeros at first");
	equal(in_child(two[0] = 1), 128 + SIGSEGV, "SHM_RDONLY is for reading");
	equal(in_child(one[1] = 'c'; _exit(attached(id) == 4 ? 0 : attached(id))), 0, "a child has them, too");
	equal(one[1], 'c', "and writes into the parent's");
	equal(attached(id), 2, "until it ends");
	fails(shmdt(one + 4096), EINVAL, "only the beginning can be detached");
	equal(shmdt(two), 0, "by shmdt");
	equal(attached(id), 1, "which is counted");
	fails(shmdt(two), EINVAL, "only once");
	errno = 0;
	check(shmat(id, one + 1, 0) == (void *)-1 && errno == EINVAL, "an address between pages gives EINVAL");
	errno = 0;
	check(shmat(id, one, 0) == (void *)-1 && errno == EINVAL, "one that is taken, too");
	check(shmat(id, one + 100, SHM_RND | SHM_REMAP) == one, "SHM_RND rounds down, SHM_REMAP takes it nevertheless");
	equal(attached(id), 1, "in place of the old");
	errno = 0;
	check(shmat(id + 1000, NULL, 0) == (void *)-1 && errno == EINVAL, "an unknown identifier gives EINVAL");
	equal(in_child(become(12); _exit(shmat(id, NULL, SHM_RDONLY) == (void *)-1 ? errno : 0)), EACCES, "others may not attach it");
	equal(shmctl(id, IPC_RMID, NULL), 0, "it can be removed while it is attached");
	struct shmid_ds status;
	equal(shmctl(id, IPC_STAT, &status), 0, "it is there still");
	check((status.shm_perm.mode & SHM_DEST) && status.shm_perm.__key == 0, "marked, and without a key");
	one[2] = 'y';
	equal(one[2], 'y', "and in use");
	equal(shmdt(one), 0, "until nobody has it");
	fails(shmctl(id, IPC_STAT, &status), EINVAL, "then it is gone");
}

CASE(shared_limits)
{
	struct shminfo limits;
	struct shm_info totals;
	int id = shmget(IPC_PRIVATE, 4096 * 3, 0600);
	check(shmctl(0, IPC_INFO, (void *)&limits) >= 0 && limits.shmmni == 4096 && limits.shmmin == 1, "IPC_INFO tells the limits");
	check(shmctl(0, SHM_INFO, (void *)&totals) >= 0 && totals.used_ids >= 1 && totals.shm_tot >= 3, "SHM_INFO tells what there is");
	struct shmid_ds status;
	equal(shmctl(id & 32767, SHM_STAT, &status), id, "SHM_STAT gives the identifier of a place");
	equal(shmctl(id, SHM_LOCK, NULL), 0, "it can be locked");
	check(shmctl(id, IPC_STAT, &status) == 0 && (status.shm_perm.mode & SHM_LOCKED), "which is shown");
	equal(shmctl(id, SHM_UNLOCK, NULL), 0, "and unlocked");
	shmctl(id, IPC_RMID, NULL);
}

static int operate(int id, int number, int change, int flags)
{
	struct sembuf operation = { number, change, flags };
	return semop(id, &operation, 1);
}

CASE(semaphores)
{
	int id = semget(IPC_PRIVATE, 3, 0600);
	check(id >= 0, "a set is made");
	fails(semget(IPC_PRIVATE, 0, 0600), EINVAL, "an empty one is not");
	fails(semget(IPC_PRIVATE, 32001, 0600), EINVAL, "nor one too large");
	equal(semctl(id, 0, GETVAL), 0, "values are 0 at first");
	equal(operate(id, 0, 3, 0), 0, "one can be raised");
	equal(semctl(id, 0, GETVAL), 3, "by that much");
	equal(semctl(id, 0, GETPID), getpid(), "the last process is told");
	equal(operate(id, 0, -2, 0), 0, "and lowered");
	fails(operate(id, 0, -2, IPC_NOWAIT), EAGAIN, "not below 0: EAGAIN if it must not wait");
	fails(operate(id, 0, 0, IPC_NOWAIT), EAGAIN, "waiting for 0 is the same");
	equal(operate(id, 1, 0, IPC_NOWAIT), 0, "unless it is");
	struct sembuf both[2] = { { 1, 5, 0 }, { 0, -2, IPC_NOWAIT } };
	fails(semop(id, both, 2), EAGAIN, "of several all are done");
	equal(semctl(id, 1, GETVAL), 0, "or none");
	fails(operate(id, 3, 1, 0), EFBIG, "a number behind the last gives EFBIG");
	fails(operate(id, 0, 32767, 0), ERANGE, "a value too high gives ERANGE");
	fails(semop(id, both, 0), EINVAL, "no operations give EINVAL");
	fails(semop(id, both, 501), E2BIG, "too many give E2BIG");
	unsigned short values[3] = { 4, 5, 6 };
	equal(semctl(id, 0, SETALL, values), 0, "all can be set");
	memset(values, 0, sizeof values);
	equal(semctl(id, 0, GETALL, values), 0, "and asked for");
	check(values[0] == 4 && values[1] == 5 && values[2] == 6, "at once");
	equal(semctl(id, 1, SETVAL, 9), 0, "so can one");
	equal(semctl(id, 1, GETVAL), 9, "alone");
	fails(semctl(id, 1, SETVAL, 32768), ERANGE, "not too high");
	fails(semctl(id, 3, GETVAL), EINVAL, "an unknown number gives EINVAL");
	struct semid_ds status;
	check(semctl(id, 0, IPC_STAT, &status) == 0 && status.sem_nsems == 3 && status.sem_otime > 0, "the status is told");
	equal(in_child(become(12); _exit(operate(id, 0, 1, 0) ? errno : 0)), EACCES, "others may not change them");
	equal(semctl(id, 0, IPC_RMID), 0, "the set can be removed");
	fails(semctl(id, 0, GETVAL), EINVAL, "and is gone");
}

CASE(waiting_for_semaphores)
{
	int id = semget(IPC_PRIVATE, 1, 0600);
	pid_t child = fork();
	if (child == 0)
		_exit(operate(id, 0, -1, 0) == 0 ? 7 : 8);
	while (semctl(id, 0, GETNCNT) == 0)
		doze(5);
	equal(semctl(id, 0, GETNCNT), 1, "who waits for more is counted");
	equal(operate(id, 0, 1, 0), 0, "and woken");
	equal(ended_with(child), 7, "when it comes");
	equal(semctl(id, 0, GETNCNT), 0, "then nobody waits");
	operate(id, 0, 1, 0);
	child = fork();
	if (child == 0)
		_exit(operate(id, 0, 0, 0) == 0 ? 7 : 8);
	while (semctl(id, 0, GETZCNT) == 0)
		doze(5);
	operate(id, 0, -1, 0);
	equal(ended_with(child), 7, "so is who waits for 0");
	struct sembuf operation = { 0, -1, 0 };
	struct timespec soon = { 0, 20000000 };
	fails(semtimedop(id, &operation, 1, &soon), EAGAIN, "semtimedop waits no longer than it is told");
	child = fork();
	if (child == 0) {
		operate(id, 0, 5, SEM_UNDO);
		_exit(semctl(id, 0, GETVAL));
	}
	equal(ended_with(child), 5, "SEM_UNDO raises as well");
	equal(semctl(id, 0, GETVAL), 0, "but the process's end takes it back");
	child = fork();
	if (child == 0) {
		operate(id, 0, -1, 0);
		_exit(errno == EIDRM ? 7 : 8);
	}
	while (semctl(id, 0, GETNCNT) == 0)
		doze(5);
	semctl(id, 0, IPC_RMID);
	equal(ended_with(child), 7, "who waits for a set that is removed gets EIDRM");
}

struct message {
	long type;
	char text[64];
};

static int send(int id, long type, const char *text, int flags)
{
	struct message message = { .type = type };
	strcpy(message.text, text);
	return msgsnd(id, &message, strlen(text), flags);
}

static const char *receive(int id, long type, int flags)
{
	static struct message message;
	memset(&message, 0, sizeof message);
	ssize_t n = msgrcv(id, &message, sizeof message.text - 1, type, flags);
	return n < 0 ? NULL : message.text;
}

CASE(messages)
{
	int id = msgget(IPC_PRIVATE, 0600);
	check(id >= 0, "a queue is made");
	fails(msgrcv(id, &(struct message){ 0 }, 10, 0, IPC_NOWAIT), ENOMSG, "an empty one gives ENOMSG");
	require(send(id, 3, "three", 0) == 0 && send(id, 1, "one", 0) == 0 && send(id, 2, "two", 0) == 0 && send(id, 1, "uno", 0) == 0);
	same(receive(id, 0, 0), "three", "0 takes the first");
	same(receive(id, 2, 0), "two", "a type the first of that");
	require(send(id, 5, "five", 0) == 0);
	same(receive(id, 1, MSG_EXCEPT), "five", "MSG_EXCEPT the first of another");
	require(send(id, 4, "four", 0) == 0);
	same(receive(id, -4, 0), "one", "a negative type the lowest up to it");
	fails(msgrcv(id, &(struct message){ 0 }, 2, 1, 0), E2BIG, "a message too long gives E2BIG");
	struct message message = { 0 };
	equal(msgrcv(id, &message, 2, 1, MSG_NOERROR), 2, "or is cut with MSG_NOERROR");
	check(message.type == 1 && strcmp(message.text, "un") == 0, "with its type");
	fails(send(id, 0, "x", 0), EINVAL, "a type of 0 gives EINVAL");
	fails(msgsnd(id, &message, 8193, 0), EINVAL, "a text over 8192 bytes does");
	struct msqid_ds status;
	check(msgctl(id, IPC_STAT, &status) == 0 && status.msg_qnum == 1 && status.__msg_cbytes == 4 && status.msg_qbytes == 16384 &&
	      status.msg_lspid == getpid() && status.msg_lrpid == getpid(), "the status is told");
	status.msg_qbytes = 6;
	equal(msgctl(id, IPC_SET, &status), 0, "the room can be changed");
	fails(send(id, 1, "xyz", IPC_NOWAIT), EAGAIN, "a full queue gives EAGAIN if it must not wait");
	pid_t child = fork();
	if (child == 0)
		_exit(send(id, 1, "late", 0) == 0 ? 7 : 8);
	require(sleeps(child));
	same(receive(id, 4, 0), "four", "room is made by receiving");
	equal(ended_with(child), 7, "which senders wait for");
	same(receive(id, 1, 0), "late", "and go on");
	child = fork();
	if (child == 0)
		_exit(receive(id, 9, 0) ? 7 : errno == EIDRM ? 6 : 8);
	require(sleeps(child));
	require(send(id, 8, "no", 0) == 0 && send(id, 9, "yes", 0) == 0);
	equal(ended_with(child), 7, "receivers wait for their type");
	child = fork();
	if (child == 0)
		_exit(receive(id, 9, 0) ? 7 : errno == EIDRM ? 6 : 8);
	require(sleeps(child));
	equal(in_child(become(12); _exit(msgctl(id, IPC_RMID, NULL) ? errno : 0)), EPERM, "others may not remove it");
	equal(msgctl(id, IPC_RMID, NULL), 0, "the owner may");
	equal(ended_with(child), 6, "who waits then gets EIDRM");
	fails(send(id, 1, "x", 0), EINVAL, "and it is gone");
}

SUITE(RUN(finding), RUN(attaching), RUN(shared_limits), RUN(semaphores), RUN(waiting_for_semaphores), RUN(messages))
