/* What the parts of the fuzzer share. `main.c` says what it is.
 *
 * Nothing here uses thread-local storage or the heap once a batch runs: a call may have moved either away. So calls are made by
 * `raw`, which gives the kernel's answer, and what a context needs is at fixed addresses.
 */
#ifndef FUZZ_H
#define FUZZ_H

#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096
#define ROWS 512
#define ARGUMENTS 6
#define HINTS 28
#define ERRNOS 134
#define ROLES 3 /* a batch's first process, its sibling, its thread */
#define RECORDS 54

/* Fixed places: a role's buffers, memory that all roles of a batch share and map anew, and what all processes share. */
#define BUFFERS ((char *)0x10000000000)
#define BUFFER_PAGES 64
#define FIELD ((char *)0x11000000000)
#define FIELD_PAGES 256
#define SHARED ((struct shared *)0x12000000000)

struct context;
typedef uint64_t maker(struct context *);
typedef void filler(struct context *, char *place);

enum kind { NUMBER, FD, PATH, SIGNAL, IN, OUT, IN_OUT, BYTES_IN, BYTES_OUT, ADDRESS, MODE, SIZE, ID, STRINGS, FLAGS };
enum attribute { IN_CHILD = 1, EINTR_IS_SUCCESS = 2, LEFT_OUT = 4 };

struct hint {
	uint64_t number;
	maker *make; /* or NULL: the number */
};

struct argument {
	char name[24];
	enum kind kind;
	filler *fill;
	size_t size;
	uint64_t bits;
	int guarded, hints;
	struct hint hint[HINTS];
};

struct row {
	int number, attributes, arguments;
	char name[28];
	struct argument argument[ARGUMENTS];
};

/* One call: what the flight record holds of it. */
struct record {
	uint32_t row, state; /* 0 nothing, 1 being made, 2 done */
	uint64_t index;
	uint64_t arguments[ARGUMENTS];
	int64_t result;
};

/* A page of its own for each role of each worker, found in the machine's memory by its magic. */
struct lane {
	char magic[16];
	uint64_t seed;
	uint32_t worker, role;
	uint64_t batch, calls;
	uint64_t hash; /* of all calls and their results */
	int64_t child_result;
	struct record record[RECORDS];
} __attribute__((aligned(PAGE)));

struct figures {
	uint64_t tries, successes, errnos[ERRNOS];
};

/* A call that broke a rule which holds of every call. */
struct finding {
	const char *rule;
	struct record record;
};

#define WORKERS 16
#define FINDINGS 64
struct shared {
	struct lane lane[WORKERS][ROLES];
	struct figures figures[ROWS];
	uint64_t batches, cut, died[65], stuck, findings;
	struct finding finding[FINDINGS];
	uint32_t words[1024]; /* for futexes */
};

struct context {
	uint64_t state;
	struct lane *lane;
	char *buffers;
	int nested; /* pages of the buffers that this call's arguments have taken */
	const struct argument *argument; /* the one that is being made */
	long pid, tid, child, group;
	int root, role, worker, calls;
};

/* raw.c */
long raw_six(long number, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
#define raw_pick(number, a, b, c, d, e, f, ...) \
	raw_six(number, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e), (uint64_t)(f))
#define raw(...) raw_pick(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
long raw_spawn(long number, const uint64_t *arguments);
long raw_sigreturn(const void *frame);
long start_thread(void (*body)(struct context *), struct context *context, char *stack_end);

/* grammar.c */
extern struct row rows[ROWS];
extern int row_count;
int read_grammar(const char *path);

/* values.c, makers.c, structures.c */
uint64_t draw(struct context *);
#define CHOOSE(context, ...) \
	({ \
		static const uint64_t values_[] = { __VA_ARGS__ }; \
		values_[draw(context) % (sizeof values_ / sizeof *values_)]; \
	})
char *take_page(struct context *);
uint64_t number(struct context *);
void generate(struct context *, const struct row *, uint64_t *values);
maker *find_maker(const char *name);
maker any_descriptor, any_path, structure;
maker *find_descriptor(const char *name);
filler *find_filler(const char *target);

/* perform.c */
int64_t perform(struct context *, const struct row *, const uint64_t *values);

/* batch.c, jail.c */
void run_batch(uint64_t seed, int worker, uint64_t batch, int calls);
int enter_jail(int worker);

/* worker.c */
#define BATCH_CALLS 400
void work(uint64_t seed, int worker, uint64_t calls, int64_t only);
uint64_t calls_of(int worker);
void remove_objects(void);

/* report.c */
void show_lane(const struct lane *);
void measure(const char *when);
void report(void);

#endif
