/* Reads the grammar: a line a call, as xtask makes it from the kernel's table and `hints.txt`.
 *
 *   NUMBER NAME ATTRIBUTES ARGUMENT…, with tabs between; an argument is NAME:KIND:TARGET:SIZE:BITS:HINT,HINT…
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row rows[ROWS];
int row_count;

static const struct {
	const char *name;
	enum kind kind;
} kinds[] = {
	{ "fd", FD },		      { "path", PATH },	    { "signal", SIGNAL },   { "in", IN },	  { "out", OUT },
	{ "in/out", IN_OUT },	      { "bytes in", BYTES_IN }, { "bytes out", BYTES_OUT }, { "address", ADDRESS }, { "mode", MODE },
	{ "size", SIZE },	      { "uid", ID },	    { "gid", ID },	    { "strings", STRINGS }, { "int", NUMBER },
	{ "unsigned", NUMBER },	      { "long", NUMBER },   { "unsigned long", NUMBER },
};

static int read_hints(struct argument *argument, char *text)
{
	if (*text == '!')
		argument->guarded = 1, text++;
	for (char *word; (word = strsep(&text, ","));) {
		if (!*word)
			continue;
		if (argument->hints == HINTS)
			return -1;
		struct hint *hint = &argument->hint[argument->hints++];
		char *end;
		hint->number = strtoull(word, &end, 0);
		if (*end && !(hint->make = find_maker(word))) {
			fprintf(stderr, "nothing makes `%s`\n", word);
			return -1;
		}
	}
	return 0;
}

static int read_argument(struct argument *argument, char *text)
{
	char *part[6];
	for (int i = 0; i < 6; i++)
		if (!(part[i] = strsep(&text, ":")))
			return -1;
	snprintf(argument->name, sizeof argument->name, "%s", part[0]);
	argument->size = strtoul(part[3], NULL, 10);
	argument->bits = strtoull(part[4], NULL, 16);
	argument->kind = argument->bits ? FLAGS : NUMBER;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, part[1]) == 0)
			argument->kind = kinds[i].kind;
	argument->fill = find_filler(part[2]);
	return read_hints(argument, part[5]);
}

static int read_row(struct row *row, char *line)
{
	char *part[3];
	for (int i = 0; i < 3; i++)
		if (!(part[i] = strsep(&line, "\t")))
			return -1;
	row->number = atoi(part[0]);
	snprintf(row->name, sizeof row->name, "%s", part[1]);
	row->attributes = (strstr(part[2], "child") ? IN_CHILD : 0) | (strstr(part[2], "eintr") ? EINTR_IS_SUCCESS : 0) | (strstr(part[2], "out") ? LEFT_OUT : 0);
	while (line) {
		if (row->arguments == ARGUMENTS || read_argument(&row->argument[row->arguments++], strsep(&line, "\t")) == -1)
			return -1;
	}
	return 0;
}

int read_grammar(const char *path)
{
	static char line[4096];
	FILE *file = fopen(path, "r");
	if (!file)
		return -1;
	while (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = 0;
		if (row_count == ROWS || read_row(&rows[row_count++], line) == -1) {
			fprintf(stderr, "the grammar's line %d is wrong\n", row_count);
			return -1;
		}
	}
	fclose(file);
	return row_count ? 0 : -1;
}
