/* Calls at random, from the grammar that the kernel's own table gives: `fuzz GRAMMAR SEED CALLS WORKERS [WORKER BATCH]`.
 *
 * - `grammar.c` reads which calls there are; `values.c` draws their arguments, from hints (`descriptors.c`, `makers.c`), from
 *   types (`structures.c`), or to harm; `perform.c` makes the call and looks at what must hold.
 * - A *batch* (`batch.c`) makes some hundred calls in processes of its own, in a root of its own (`jail.c`); what it draws is
 *   given by seed, worker and number of the batch. Even workers are root, odd ones are user 1000.
 * - A *worker* (`worker.c`) runs batches and ends what does not end. This process starts the workers, sees that calls are still
 *   made, and compares what the machine has before and after (`report.c`).
 *
 * The last calls of each role of each worker are in a page of its own (`struct lane`), which is found in the machine's memory
 * also when the kernel has died.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds without a call after which this is a hang. */
#define HANG_S 60

static uint64_t all_calls(void)
{
	uint64_t calls = 0;
	for (int worker = 0; worker < WORKERS; worker++)
		calls += calls_of(worker);
	return calls;
}

/* Waits for the workers; gives how many failed. */
static int await_workers(int workers)
{
	uint64_t before = all_calls();
	int failed = 0, idle = 0, looks = 0;
	while (workers > 0) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0) {
			workers--, failed += status != 0;
			if (status != 0)
				printf("problem: a worker ended with %#x\n", status);
			continue;
		}
		usleep(200000);
		uint64_t now = all_calls();
		idle = now == before ? idle + 1 : 0;
		before = now;
		if (++looks % 25 == 0)
			printf("beat %llu calls, %llu batches, %llu cut\n", (unsigned long long)now, (unsigned long long)SHARED->batches, (unsigned long long)SHARED->cut), fflush(stdout);
		if (idle < HANG_S * 5)
			continue;
		printf("problem: no call in %d seconds\n", HANG_S);
		for (int worker = 0; worker < WORKERS; worker++)
			for (int role = 0; role < ROLES; role++)
				show_lane(&SHARED->lane[worker][role]);
		fflush(stdout);
		_exit(3);
	}
	return failed;
}

static int run(uint64_t seed, uint64_t calls, int workers)
{
	fflush(stdout);
	for (int worker = 0; worker < workers; worker++)
		if (fork() == 0)
			work(seed, worker, calls / workers, -1);
	return await_workers(workers);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "exit") == 0)
		return 0; /* what batches execute */
	if (argc < 5 || read_grammar(argv[1]) == -1)
		return 2;
	uint64_t seed = strtoull(argv[2], NULL, 0), calls = strtoull(argv[3], NULL, 0);
	int workers = atoi(argv[4]);
	if (workers < 1 || workers > WORKERS)
		return 2;
	if (mmap(SHARED, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != (void *)SHARED)
		return 2;
	int failed;
	if (argc == 7) {
		if (fork() == 0)
			work(seed, atoi(argv[5]) % WORKERS, 0, atoll(argv[6]));
		failed = await_workers(1);
		for (int role = 0; role < ROLES; role++)
			show_lane(&SHARED->lane[atoi(argv[5]) % WORKERS][role]);
	} else {
		/* What grows once and stays is there before the first measurement. */
		failed = run(seed, calls / 8, workers);
		measure("before");
		failed += run(seed, calls - calls / 8, workers);
		measure("after");
	}
	report();
	return failed != 0;
}
