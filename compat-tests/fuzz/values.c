/* What an argument is given: by its hints, by its type, or in spite of both. */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

uint64_t draw(struct context *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t number(struct context *c)
{
	switch (draw(c) % 8) {
	case 0: return draw(c);
	case 1: return CHOOSE(c, -1, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, UINT32_MAX, 0x100000000, 0x7ffffffff000);
	case 2: return CHOOSE(c, PAGE, PAGE - 1, PAGE + 1, 2 * PAGE, 65536, 1 << 20, 512, 100, 1000);
	default: return draw(c) % 16;
	}
}

/* A page for what an argument points to; the last of them is the buffers' end, behind which nothing is mapped. */
char *take_page(struct context *c)
{
	int page = c->nested < BUFFER_PAGES - 1 ? c->nested++ : BUFFER_PAGES - 1;
	return c->buffers + page * PAGE;
}

static uint64_t hostile_pointer(struct context *c)
{
	switch (draw(c) % 4) {
	case 0: return (uint64_t)c->buffers + BUFFER_PAGES * PAGE - draw(c) % 64; /* straddles the end */
	case 1: return (uint64_t)FIELD + draw(c) % (FIELD_PAGES * PAGE);	    /* may be shared, read-only, unmapped */
	default:
		return CHOOSE(c, 0, 1, 0x10, 0xfff, 0x0000800000000000, 0x7fffffffefff, 0x7ffffffff000, 0xffff800000000000, 0xffffffff80200000,
			      0xffffffffffffffff, 0x9000000000000000);
	}
}

static uint64_t hostile_path(struct context *c)
{
	if (draw(c) % 2)
		return hostile_pointer(c);
	char *place = take_page(c);
	size_t length = draw(c) % 3 ? PAGE - 1 : draw(c) % PAGE;
	for (size_t i = 0; i < length; i++)
		place[i] = "x/.x"[length % 2 ? i % 4 : 0];
	place[length] = 0;
	return (uint64_t)place;
}

static uint64_t hostile_strings(struct context *c)
{
	uint64_t *list = (uint64_t *)take_page(c);
	size_t length = draw(c) % (PAGE / 8);
	for (size_t i = 0; i < length; i++)
		list[i] = draw(c) % 16 ? (uint64_t)take_page(c) : hostile_pointer(c);
	list[length] = draw(c) % 8 ? 0 : hostile_pointer(c);
	return (uint64_t)list;
}

static uint64_t hostile(struct context *c, const struct argument *argument)
{
	switch (argument->kind) {
	case FD: return draw(c) % 2 ? any_descriptor(c) : CHOOSE(c, -1, -100, 0, 1, 2, 9999, INT32_MAX, INT32_MIN, 1023, 1024);
	case PATH: return hostile_path(c);
	case STRINGS: return draw(c) % 2 ? hostile_strings(c) : hostile_pointer(c);
	case SIGNAL: return CHOOSE(c, 0, 65, -1, 64, 32, 33, 13, 19, 20, 9, 11, 6);
	case IN:
	case OUT:
	case IN_OUT:
	case BYTES_IN:
	case BYTES_OUT:
		if (draw(c) % 3)
			return hostile_pointer(c);
		break;
	case ADDRESS: return hostile_pointer(c);
	default: return draw(c) % 4 ? number(c) : draw(c);
	}
	/* A good pointer to what makes no sense. */
	uint64_t *place = (uint64_t *)take_page(c);
	for (int i = 0; i < 24; i++)
		place[i] = draw(c) % 3 ? number(c) : hostile_pointer(c);
	return (uint64_t)place;
}

static uint64_t pointer(struct context *c, const struct argument *argument)
{
	if (draw(c) % 12 == 0)
		return 0;
	char *place = take_page(c) + 64; /* a canary's room */
	if (argument->kind == OUT || argument->kind == BYTES_OUT)
		return (uint64_t)place;
	argument->fill(c, place);
	if (draw(c) % 16 == 0 && argument->size) /* nearly right */
		place[draw(c) % argument->size] = draw(c);
	return (uint64_t)place;
}

/* A good pointer to what is all right. */
uint64_t structure(struct context *c)
{
	char *place = take_page(c) + 64;
	c->argument->fill(c, place);
	return (uint64_t)place;
}

static uint64_t flags(struct context *c, uint64_t bits)
{
	switch (draw(c) % 4) {
	case 0: return bits & 1ull << draw(c) % 64;
	case 1: return bits & draw(c) & draw(c);
	default: return 0;
	}
}

static uint64_t plausible(struct context *c, const struct argument *argument)
{
	if (argument->hints) {
		const struct hint *hint = &argument->hint[draw(c) % argument->hints];
		return hint->make ? hint->make(c) : hint->number;
	}
	switch (argument->kind) {
	case FD: return any_descriptor(c);
	case PATH: return any_path(c);
	case SIGNAL: return CHOOSE(c, 10, 12, 17, 28, 34, 35, 64, 18);
	case IN:
	case OUT:
	case IN_OUT:
	case BYTES_IN:
	case BYTES_OUT: return pointer(c, argument);
	case STRINGS: {
		char **list = (char **)take_page(c);
		list[0] = "fuzz", list[1] = "exit", list[2] = NULL;
		return (uint64_t)list;
	}
	case ADDRESS: return draw(c) % 2 ? (uint64_t)take_page(c) : (uint64_t)FIELD + draw(c) % FIELD_PAGES * PAGE;
	case MODE: return CHOOSE(c, 0644, 0755, 0700, 0777, 0600, 0);
	case SIZE: return CHOOSE(c, 1, 8, 16, 64, 512, PAGE - 256, 0);
	case ID: return CHOOSE(c, 0, 1000, -1, 65534);
	case FLAGS: return flags(c, argument->bits);
	default: return number(c);
	}
}

/* Whom a file's signals go to is the batch itself, whatever else is drawn. */
static void protect(struct context *c, const struct row *row, uint64_t *values)
{
	if (row->number == SYS_fcntl && ((int)values[1] == F_SETOWN || (int)values[1] == F_SETOWN_EX))
		values[1] = F_SETOWN, values[2] = c->pid;
}

/* Six calls of ten are made as their authors meant them, three with one argument that is not, one with none that is. */
void generate(struct context *c, const struct row *row, uint64_t *values)
{
	unsigned way = draw(c) % 10;
	int odd = row->arguments ? (int)(draw(c) % row->arguments) : 0;
	c->nested = 0;
	memset(values, 0, ARGUMENTS * sizeof *values);
	for (int i = 0; i < row->arguments; i++) {
		const struct argument *argument = &row->argument[i];
		int bad = !argument->guarded && (way == 9 || (way >= 6 && i == odd));
		c->argument = argument;
		values[i] = bad ? hostile(c, argument) : plausible(c, argument);
	}
	protect(c, row, values);
}
