/* A worker runs batches one after the other and watches each: what blocks is signalled, what does not end is killed. */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 100
#define CUT_AFTER 30   /* looks without a call */
#define STUCK_AFTER 100 /* looks after the kill */

uint64_t calls_of(int worker)
{
	uint64_t calls = 0;
	for (int role = 0; role < ROLES; role++)
		calls += SHARED->lane[worker][role].calls;
	return calls;
}

/* Waits until a child ends, or a look's time. */
static void pass_time(void)
{
	struct timespec time = { 0, LOOK_MS * 1000000 };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigtimedwait(&set, NULL, &time);
}

static void stuck(int worker, long pid)
{
	printf("stuck worker %d process %ld\n", worker, pid);
	for (int role = 0; role < ROLES; role++)
		show_lane(&SHARED->lane[worker][role]);
	fflush(stdout);
	__sync_fetch_and_add(&SHARED->stuck, 1);
}

/* Kills what has become this worker's child by its parent's death. */
static void kill_orphans(void)
{
	char path[64], text[512];
	DIR *proc = opendir("/proc");
	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		long pid = atol(entry->d_name), parent = 0;
		if (pid <= 0)
			continue;
		snprintf(path, sizeof path, "/proc/%ld/stat", pid);
		FILE *file = fopen(path, "r");
		if (!file)
			continue;
		char *end = fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
		if (end && sscanf(end + 1, " %*c %ld", &parent) == 1 && parent == getpid())
			kill(pid, SIGKILL);
		fclose(file);
	}
	if (proc)
		closedir(proc);
}

/* Until there is no child any more; orphans come one generation after the other. */
static void bury(int worker, long batch)
{
	for (int looks = 0; looks < STUCK_AFTER; looks++) {
		long pid;
		while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
			;
		if (pid == -1 && errno == ECHILD)
			return;
		kill(-batch, SIGKILL);
		kill_orphans();
		if (looks)
			pass_time();
	}
	stuck(worker, batch);
}

static void watch(int worker, long pid)
{
	uint64_t before = calls_of(worker);
	int status, idle = 0;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		pass_time();
		uint64_t now = calls_of(worker);
		idle = now == before ? idle + 1 : 0;
		before = now;
		if (idle && idle < CUT_AFTER)
			kill(pid, SIGCONT), kill(pid, SIGALRM);
		if (idle == CUT_AFTER)
			kill(-pid, SIGKILL), kill(pid, SIGKILL), __sync_fetch_and_add(&SHARED->cut, 1);
		if (idle == CUT_AFTER + STUCK_AFTER) {
			stuck(worker, pid);
			_exit(1);
		}
	}
	if (WIFSIGNALED(status))
		__sync_fetch_and_add(&SHARED->died[WTERMSIG(status)], 1);
	else if (WEXITSTATUS(status) == 99)
		printf("a batch cannot be prepared\n"), fflush(stdout), _exit(2);
	kill(-pid, SIGKILL);
	bury(worker, pid);
}

/* System V objects and queues with a name outlive their makers. */
void remove_objects(void)
{
	static const char *const queues[] = { "q", "r", "u", "none" };
	uint64_t place[32];
	for (unsigned i = 0; i < sizeof queues / sizeof *queues; i++)
		raw(SYS_mq_unlink, queues[i]);
	for (int index = 0; index < 256; index++) {
		long id = raw(SYS_shmctl, index, 13, place); /* SHM_STAT */
		if (id >= 0)
			raw(SYS_shmctl, id, IPC_RMID, 0);
		if ((id = raw(SYS_semctl, index, 0, 18, place)) >= 0)
			raw(SYS_semctl, id, 0, IPC_RMID, 0);
		if ((id = raw(SYS_msgctl, index, 11, place)) >= 0)
			raw(SYS_msgctl, id, IPC_RMID, 0);
	}
}

/* Makes at least so many calls, or one batch only. */
void work(uint64_t seed, int worker, uint64_t calls, int64_t only)
{
	char folder[32];
	sigset_t set;
	snprintf(folder, sizeof folder, "/tmp/fuzz-%d", worker);
	mkdir(folder, 0777);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	struct lane *lane = &SHARED->lane[worker][0];
	uint64_t end = calls_of(worker) + calls, batch = only >= 0 ? (uint64_t)only : lane->batch + 1;
	do {
		pid_t pid = fork();
		if (pid == 0)
			run_batch(seed, worker, batch, BATCH_CALLS);
		if (pid < 0) {
			pass_time();
			continue;
		}
		watch(worker, pid);
		__sync_fetch_and_add(&SHARED->batches, 1);
		if (worker == 0)
			remove_objects();
		batch++;
	} while (only < 0 && calls_of(worker) < end);
	rmdir(folder);
	_exit(0);
}
