/* Makes a call: records it, counts it, and looks at what must hold of every call. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#define CANARY 48
#define UNKNOWN INT64_MIN

/* What a call may write, where that is known to the byte: a structure, or a buffer whose size follows. */
static size_t extent(const struct row *row, int index, const uint64_t *values)
{
	const struct argument *argument = &row->argument[index];
	if (argument->kind == BYTES_OUT && index + 1 < row->arguments)
		return values[index + 1] <= PAGE - 128 ? values[index + 1] : 0;
	if (argument->kind != OUT)
		return 0;
	switch (row->number) { /* arrays */
	case SYS_getgroups:
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
		return 0;
	}
	return row->number == SYS_capget ? 2 * argument->size : argument->size;
}

static int is_own(const struct context *c, uint64_t place)
{
	return place % PAGE == 64 && place >= (uint64_t)c->buffers && place < (uint64_t)c->buffers + (BUFFER_PAGES - 1) * PAGE;
}

static void put_canaries(const struct context *c, const struct row *row, const uint64_t *values)
{
	for (int i = 0; i < row->arguments; i++) {
		size_t size = extent(row, i, values);
		if (size && is_own(c, values[i])) {
			memset((char *)values[i] - CANARY, 0xa5, CANARY);
			memset((char *)values[i] + size, 0xa5, CANARY);
		}
	}
}

static int canary_is_dead(const char *place)
{
	for (int i = 0; i < CANARY; i++)
		if (place[i] != (char)0xa5)
			return 1;
	return 0;
}

static int canaries_are_dead(const struct context *c, const struct row *row, const uint64_t *values)
{
	for (int i = 0; i < row->arguments; i++) {
		size_t size = extent(row, i, values);
		if (size && is_own(c, values[i]) && (canary_is_dead((char *)values[i] - CANARY) || canary_is_dead((char *)values[i] + size)))
			return 1;
	}
	return 0;
}

static int64_t six(const struct row *row, const uint64_t *v)
{
	return raw(row->number, v[0], v[1], v[2], v[3], v[4], v[5]);
}

/* What a child gave in its lane, or 0 when it ended without coming back from the call. */
static int64_t await(struct context *c, long pid)
{
	int status = 0, interruptions = 0;
	while (raw(SYS_wait4, pid, &status, 0x40000000, 0) == -EINTR)
		if (++interruptions == 8)
			raw(SYS_kill, pid, 9);
	if (c->lane->child_result != UNKNOWN)
		return c->lane->child_result;
	return status & 0x7f ? -EINTR : 0;
}

static void set_timer(long microseconds)
{
	uint64_t soon[4] = { 0, 0, 0, microseconds };
	raw(SYS_setitimer, 0, soon, 0);
}

static int64_t in_child(struct context *c, const struct row *row, const uint64_t *values)
{
	c->lane->child_result = UNKNOWN;
	long pid = raw(SYS_fork);
	if (pid == 0) {
		set_timer(2000);
		c->lane->child_result = six(row, values);
		raw(SYS_exit_group, 0);
	}
	return pid < 0 ? pid : await(c, pid);
}

/* Comes back from a handler, or from a frame that nobody made. */
static int64_t sigreturn(struct context *c)
{
	uint64_t all = -1, *frame = (uint64_t *)take_page(c);
	int good = draw(c) % 2;
	for (int i = 0; i < 256; i++)
		frame[i] = draw(c) % 2 ? number(c) : (uint64_t)c->buffers;
	c->lane->child_result = UNKNOWN;
	long pid = raw(SYS_fork);
	if (pid == 0) {
		raw(SYS_rt_sigprocmask, 1, &all, 0, 8);
		if (!good)
			raw_sigreturn(frame);
		long self = raw(SYS_getpid);
		c->lane->child_result = raw(SYS_tgkill, self, self, 12);
		raw(SYS_exit_group, 0);
	}
	if (pid < 0)
		return pid;
	int64_t result = await(c, pid);
	return good ? result : -EFAULT;
}

/* A sleep that is stopped and continued is restarted by this call; made by hand, there is nothing to restart. */
static int64_t restart(struct context *c, const struct row *row, const uint64_t *values)
{
	if (draw(c) % 4)
		return six(row, values);
	uint64_t time[2] = { 0, 3000000 }, moment[2] = { 0, 500000 };
	c->lane->child_result = UNKNOWN;
	long pid = raw(SYS_fork);
	if (pid == 0) {
		c->lane->child_result = raw(SYS_nanosleep, time, time);
		raw(SYS_exit_group, 0);
	}
	if (pid < 0)
		return pid;
	raw(SYS_nanosleep, moment, 0);
	raw(SYS_kill, pid, 19);
	raw(SYS_kill, pid, 18);
	return await(c, pid);
}

static int64_t make(struct context *c, const struct row *row, const uint64_t *values)
{
	if (row->attributes & IN_CHILD)
		return in_child(c, row, values);
	switch (row->number) {
	case SYS_fork:
	case SYS_vfork:
	case SYS_clone:
	case SYS_clone3: return raw_spawn(row->number, values);
	case SYS_rt_sigreturn: return sigreturn(c);
	case SYS_restart_syscall: return restart(c, row, values);
	default: return six(row, values);
	}
}

static void mix(uint64_t *hash, uint64_t value)
{
	*hash = (*hash ^ value) * 0x100000001b3;
}

static void found(const char *rule, const struct record *record)
{
	uint64_t number = __sync_fetch_and_add(&SHARED->findings, 1);
	if (number < FINDINGS)
		SHARED->finding[number] = (struct finding){ rule, *record };
}

int64_t perform(struct context *c, const struct row *row, const uint64_t *values)
{
	struct lane *lane = c->lane;
	struct record *record = &lane->record[lane->calls % RECORDS];
	*record = (struct record){ .row = row - rows, .state = 1, .index = lane->calls };
	memcpy(record->arguments, values, sizeof record->arguments);
	put_canaries(c, row, values);

	int64_t result = make(c, row, values);

	record->result = result;
	record->state = 2;
	lane->calls++;
	mix(&lane->hash, row->number);
	for (int i = 0; i < row->arguments; i++)
		mix(&lane->hash, values[i]);
	mix(&lane->hash, result);

	struct figures *figures = &SHARED->figures[row - rows];
	int failed = result < 0 && result >= -4095;
	__sync_fetch_and_add(&figures->tries, 1);
	if (!failed || (result == -EINTR && row->attributes & EINTR_IS_SUCCESS))
		__sync_fetch_and_add(&figures->successes, 1);
	else if (-result < ERRNOS)
		__sync_fetch_and_add(&figures->errnos[-result], 1);
	/* No errno is above 133 (an internal outcome that escaped), and no value is below -4095: not even an address. */
	if ((failed && -result >= ERRNOS) || (result < -4095 && row->number != SYS_rt_sigreturn))
		found("an impossible result", record);
	if (canaries_are_dead(c, row, values))
		found("memory beside a buffer was written", record);
	return result;
}
