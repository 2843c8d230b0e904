/* remap_file_pages: other pages of a file in a part of a shared mapping. */
#include "tap.h"
#include <sys/mman.h>

enum { PAGE = 4096, PAGES = 6, READ_WRITE = PROT_READ | PROT_WRITE };

/* Asked for by its number: the library's function need not exist. */
static long remap(void *start, size_t size, int protection, size_t first, int flags)
{
	return syscall(SYS_remap_file_pages, start, size, protection, first, flags);
}

/* A file whose pages begin with a, b, c, ... */
static int lettered(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);
	require(fd >= 0 && ftruncate(fd, PAGES * PAGE) == 0);
	for (int i = 0; i < PAGES; i++)
		require(pwrite(fd, (char[]) { 'a' + i }, 1, i * PAGE) == 1);
	return fd;
}

static char *mapped(int fd, int protection, int how)
{
	char *area = mmap(NULL, PAGES * PAGE, protection, how, fd, 0);
	require(area != MAP_FAILED);
	return area;
}

/* What the pages of a mapping begin with. */
static const char *letters(const char *area)
{
	static char text[PAGES + 1];
	for (int i = 0; i < PAGES; i++)
		text[i] = area[i * PAGE] ? area[i * PAGE] : '-';
	return text;
}

CASE(other_pages)
{
	int fd = lettered("f");
	char *area = mapped(fd, READ_WRITE, MAP_SHARED);
	equal(remap(area + PAGE, PAGE, 0, 4, 0), 0, "a page can show another page of the file");
	same(letters(area), "aecdef", "that page only");
	area[PAGE] = 'X';
	same(letters(area), "aXcdXf", "both show what is written to one");
	equal(remap(area, 3 * PAGE, 0, 3, 0), 0, "a range may lie in several mappings of the file");
	same(letters(area), "dXfdXf", "and shows pages that follow each other");
	equal(remap(area + 10, 2 * PAGE - 1, 0, 2, MAP_NONBLOCK), 0, "addresses and lengths are rounded down");
	same(letters(area), "cXfdXf", "to pages");
	equal(remap(area, PAGES * PAGE, 0, 0, 0), 0, "all can be as at first");
	same(letters(area), "abcdXf", "again");
	char text[1];
	require(pread(fd, text, 1, 4 * PAGE) == 1);
	equal(text[0], 'X', "the file has what was written");
}

CASE(refused)
{
	int fd = lettered("f"), other = lettered("g");
	char *area = mapped(fd, READ_WRITE, MAP_SHARED);
	fails(remap(area, PAGE, PROT_READ, 1, 0), EINVAL, "another protection cannot be asked for");
	fails(remap(area, 0, 0, 1, 0), EINVAL, "nor nothing");
	fails(remap(area, PAGE - 1, 0, 1, 0), EINVAL, "nor less than a page");
	fails(remap(area, -PAGE, 0, 1, 0), EINVAL, "nor more than there are addresses");
	fails(remap(area, 2 * PAGE, 0, -1, 0), EINVAL, "nor more pages than there are numbers");
	fails(remap(area, PAGE, 0, 1UL << 60, 0), EOVERFLOW, "a page that no file can have gives EOVERFLOW");
	fails(remap(area, (PAGES + 1) * PAGE, 0, 0, 0), EINVAL, "the range is mapped to its end");
	require(munmap(area + PAGE, PAGE) == 0);
	fails(remap(area + PAGE, PAGE, 0, 1, 0), EINVAL, "and at its begin");
	fails(remap(area, 3 * PAGE, 0, 0, 0), EINVAL, "and between");
	require(mmap(area + PAGE, PAGE, READ_WRITE, MAP_SHARED | MAP_FIXED, other, PAGE) == area + PAGE);
	fails(remap(area, 3 * PAGE, 0, 0, 0), EINVAL, "of one file");
	require(mmap(area + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, PAGE) == area + PAGE);
	fails(remap(area, 3 * PAGE, 0, 0, 0), EINVAL, "with one protection");
	same(letters(area), "abcdef", "what was refused changed nothing");
	fails(remap(mapped(fd, READ_WRITE, MAP_PRIVATE), PAGE, 0, 1, 0), EINVAL, "a private mapping shows what it shows");
}

CASE(without_a_file)
{
	char *area = mapped(-1, READ_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	for (int i = 0; i < PAGES; i++)
		area[i * PAGE] = 'a' + i;
	equal(remap(area, 2 * PAGE, 0, 4, 0), 0, "memory that is shared without a file has pages, too");
	same(letters(area), "efcdef", "which can be seen elsewhere");
	equal(in_child(area[0] = 'X'), 0, "a child");
	same(letters(area), "XfcdXf", "sees the same memory");
}

CASE(rights)
{
	int fd = lettered("f");
	char *area = mapped(fd, PROT_READ, MAP_SHARED);
	equal(remap(area, PAGE, 0, 5, 0), 0, "pages that may only be read can be others");
	same(letters(area), "fbcdef", "and be read");
	equal(in_child(*(volatile char *)area = 1), 128 + SIGSEGV, "but not written");
	equal(remap(area, PAGE, 0, PAGES, 0), 0, "a page behind the file's end can be asked for");
	equal(in_child((void)*(volatile char *)area), 128 + SIGBUS, "and is none");
}

SUITE(RUN(other_pages), RUN(refused), RUN(without_a_file), RUN(rights))
