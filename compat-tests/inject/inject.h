/* Calls whose n-th charge fails, for n = 1, 2, 3 and so on until a call makes fewer.
 *
 * A scenario is one system call with arguments that make it do much. After a failure its error must be one that the call gives
 * for lack of memory, nothing may have changed, and the same call must succeed. When all of this is done again, the kernel must
 * once hold no byte of its heap and no frame more than the time before.
 */
#ifndef INJECT_H
#define INJECT_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
/* Where scenarios work: a file system of its own. */
#define PLACE "/tmp/inject"
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What a scenario may do beside the rule. */
enum {
	IN_CHILD = 1, /* each attempt has a process of its own */
	SPLITS = 2,   /* a failure may leave mappings cut in pieces, as on Linux */
	LOSES = 4,    /* a failure may be the end of the process: SIGSEGV, execve past the point of no return */
	FREE = 8,     /* charges nothing, at most the first time of all */
};

struct scenario {
	const char *name;	  /* the system call, and what is special */
	void (*prepare)(void);	  /* before each attempt */
	long (*call)(void);	  /* the call: -1 and errno, as usual */
	int (*unchanged)(void);	  /* after a failure: whether all is as before */
	int (*check)(long result); /* after success: whether all is as it should be; takes away what the call made */
	void (*undo)(void);	  /* takes away what `prepare` made */
	int flags;
	int errors[4]; /* allowed beside ENOMEM */
};

extern const struct scenario files[], lookups[], descriptors[], processes[], memory[], channels[], waiting[], mounts[], mount_trees[], queues[];

/* Ends the attempt with a report; for what a scenario needs. */
void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define need(condition) \
	do { \
		if (!(condition)) \
			broken("line %d: %s (errno %d)", __LINE__, #condition, errno); \
	} while (0)

/* What many scenarios need. */
int is_there(const char *path);
void put(const char *path, const char *contents);
int close_it(long fd);
int is_zero(long result);
int is_some(long result);
int is_there_not(void); /* "made" */
int status_of(pid_t pid);
/* A descriptor that tells whether a process sleeps. */
int open_state(pid_t pid);
int is_asleep(int state);
/* Fills the table of descriptors: the next makes it grow. */
void fill_table(void);
/* A process that shares parts of this one (flags of `clone`), and its end. */
pid_t share(int flags);
void unshared(void);

#endif
