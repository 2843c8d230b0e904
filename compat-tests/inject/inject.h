/* Calls whose n-th charge fails, for n = 1, 2, 3 and so on until a call makes fewer.
 *
 * A scenario is one system call with arguments that make it do much. After a failure its error must be one that the call gives
 * for lack of memory, nothing may have changed, and the same call must succeed. In the end the kernel must hold, to the byte,
 * what it held before.
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

#define UNUSED __attribute__((unused))
#define PAGE 4096
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What a scenario may do beside the rule. */
enum {
	IN_CHILD = 1, /* each attempt has a process of its own */
	SPLITS = 2,   /* a failure may leave mappings cut in pieces, as on Linux */
	LOSES = 4,    /* a failure may be the end of the process (execve past the point of no return) */
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

extern const struct scenario files[], descriptors[], processes[], memory[], channels[], waiting[], mounts[];

/* Ends the attempt with a report; for what a scenario needs. */
void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define need(condition) \
	do { \
		if (!(condition)) \
			broken("line %d: %s (errno %d)", __LINE__, #condition, errno); \
	} while (0)

/* The n-th charge from now on fails; 0: none. */
void fail_nth(int n);
/* 0: it has failed. */
int left_to_fail(void);

/* What many scenarios need. */
int is_there(const char *path);
void put(const char *path, const char *contents);
int close_it(long fd);
int is_zero(long result);
int is_there_not(void); /* "made" */
int status_of(pid_t pid);
/* Fills the table of descriptors: the next makes it grow. */
void fill_table(void);
/* A process that shares parts of this one (flags of `clone`), and its end. */
void share(int flags);
void unshared(void);

#endif
