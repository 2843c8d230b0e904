/* What came of it, for xtask to read: lines that begin with a word. */
#include "fuzz.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void show_record(const struct record *record)
{
	const struct row *row = &rows[record->row % ROWS];
	printf("  %llu %s(", (unsigned long long)record->index, row->name);
	for (int i = 0; i < row->arguments; i++)
		printf("%s%#llx", i ? ", " : "", (unsigned long long)record->arguments[i]);
	if (record->state == 1)
		printf(") …\n");
	else
		printf(") = %lld\n", (long long)record->result);
}

/* The last calls of a role, the oldest first. */
void show_lane(const struct lane *lane)
{
	if (!lane->magic[0])
		return;
	printf("lane worker %u role %u batch %llu\n", lane->worker, lane->role, (unsigned long long)lane->batch);
	uint64_t last = lane->calls + (lane->record[lane->calls % RECORDS].state == 1);
	for (uint64_t index = last > RECORDS ? last - RECORDS : 0; index < last; index++)
		show_record(&lane->record[index % RECORDS]);
}

static long long field(const char *path, const char *name)
{
	static char text[16384];
	int fd = open(path, O_RDONLY);
	ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	close(fd);
	if (length <= 0) {
		printf("problem: %s cannot be read\n", path);
		return -1;
	}
	text[length] = 0;
	char *place = *name ? strstr(text, name) : text;
	return place ? strtoll(place + strlen(name), NULL, 10) : -1;
}

static int numbers_in(const char *path)
{
	int count = 0;
	DIR *folder = opendir(path);
	if (!folder)
		printf("problem: %s cannot be read\n", path);
	for (struct dirent *entry; folder && (entry = readdir(folder));)
		count += isdigit((unsigned char)entry->d_name[0]) != 0;
	if (folder)
		closedir(folder);
	return count;
}

static int lines(const char *path)
{
	int count = 0;
	FILE *file = fopen(path, "r");
	if (!file)
		printf("problem: %s cannot be read\n", path);
	for (int c; file && (c = fgetc(file)) != EOF;)
		count += c == '\n';
	if (file)
		fclose(file);
	return count;
}

/* What must be the same before and after, once nothing is cached. */
void measure(const char *when)
{
	remove_objects();
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (write(fd, "3\n", 2) != 2)
		printf("problem: caches are not dropped\n");
	close(fd);
	usleep(300000);
	printf("measure %s memory_kb %lld\n", when, field("/proc/meminfo", "MemFree:"));
	printf("measure %s total_kb %lld\n", when, field("/proc/meminfo", "MemTotal:"));
	printf("measure %s processes %d\n", when, numbers_in("/proc"));
	printf("measure %s threads %lld\n", when, field("/proc/loadavg", "/"));
	printf("measure %s files %lld\n", when, field("/proc/sys/fs/file-nr", ""));
	printf("measure %s mounts %d\n", when, lines("/proc/self/mounts"));
	printf("measure %s sockets %d\n", when, lines("/proc/net/unix"));
	fflush(stdout);
}

void report(void)
{
	uint64_t hash = 0;
	for (int i = 0; i < row_count; i++) {
		const struct figures *figures = &SHARED->figures[i];
		printf("call %s %s %llu %llu", rows[i].name, rows[i].attributes & LEFT_OUT ? "out" : "in", (unsigned long long)figures->tries,
		       (unsigned long long)figures->successes);
		for (int error = 0; error < ERRNOS; error++)
			if (figures->errnos[error])
				printf(" %d:%llu", error, (unsigned long long)figures->errnos[error]);
		printf("\n");
	}
	for (int signal = 1; signal < 65; signal++)
		if (SHARED->died[signal])
			printf("figure died_of_%d %llu\n", signal, (unsigned long long)SHARED->died[signal]);
	for (int worker = 0; worker < WORKERS; worker++)
		for (int role = 0; role < ROLES; role++)
			hash = hash * 31 + SHARED->lane[worker][role].hash;
	printf("figure batches %llu\n", (unsigned long long)SHARED->batches);
	printf("figure cut %llu\n", (unsigned long long)SHARED->cut);
	printf("figure stuck %llu\n", (unsigned long long)SHARED->stuck);
	printf("figure findings %llu\n", (unsigned long long)SHARED->findings);
	for (uint64_t i = 0; i < SHARED->findings && i < FINDINGS; i++) {
		printf("finding %s:", SHARED->finding[i].rule);
		show_record(&SHARED->finding[i].record);
	}
	printf("figure hash %llu\n", (unsigned long long)hash);
	fflush(stdout);
}
