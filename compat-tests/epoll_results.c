/* What epoll_wait tells, and what happens to what it could not tell. */
#include "tap.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

enum { WATCHED = 4 };

/* The place for results that has room for `whole` events, and for half of another one, before memory ends. */
static struct epoll_event *results(int whole)
{
	long page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(pages != MAP_FAILED && munmap(pages + page, page) == 0);
	return (void *)(pages + page - whole * sizeof(struct epoll_event) - sizeof(struct epoll_event) / 2);
}

/* A list that watches counters which have all something to tell. */
static int list_of_ready(int how, int counters[WATCHED])
{
	int list = epoll_create1(0);
	require(list >= 0);
	for (int i = 0; i < WATCHED; i++) {
		struct epoll_event event = { EPOLLIN | how, { .u32 = i } };
		counters[i] = eventfd(1, 0);
		require(epoll_ctl(list, EPOLL_CTL_ADD, counters[i], &event) == 0);
	}
	return list;
}

static void untold_come_again(int how)
{
	int counters[WATCHED];
	struct epoll_event all[WATCHED], *some = results(1);
	int list = list_of_ready(how, counters);
	fails(epoll_wait(list, results(0), WATCHED, 0), EFAULT,
	      "where not one event fits before memory ends it is EFAULT");
	equal(epoll_wait(list, some, WATCHED, 0), 1, "where one fits that one is told");
	equal(some[0].data.u32, 0, "the first");
	equal(epoll_wait(list, all, WATCHED, 0), how ? WATCHED - 1 : WATCHED, "what was not told comes with the next call");
	equal(all[0].data.u32, 1, "and first");
	equal(epoll_wait(list, all, WATCHED, 0), how ? 0 : WATCHED, "what was told once is not told again, unless by its level");
}

CASE(untold_levels) { untold_come_again(0); }

CASE(untold_edges) { untold_come_again(EPOLLET); }

CASE(untold_once) { untold_come_again(EPOLLONESHOT); }

CASE(turns)
{
	int counters[WATCHED];
	struct epoll_event some[2];
	int list = list_of_ready(0, counters);
	equal(epoll_wait(list, some, 2, 0), 2, "a call tells no more than it is asked for");
	check(some[0].data.u32 == 0 && some[1].data.u32 == 1, "the oldest first");
	equal(epoll_wait(list, some, 2, 0), 2, "the next call goes on there");
	check(some[0].data.u32 == 2 && some[1].data.u32 == 3, "with those that have waited longer");
	equal(epoll_wait(list, some, 2, 0), 2, "and then the first have their turn again");
	check(some[0].data.u32 == 0 && some[1].data.u32 == 1, "in their order");
}

static int shared_list;
static volatile int over;

struct looks {
	long all, missed;
};

static void *look_all_the_time(void *argument)
{
	struct looks *looks = argument;
	struct epoll_event event;
	for (; !over; looks->all++)
		looks->missed += epoll_wait(shared_list, &event, 1, 0) != 1;
	return NULL;
}

CASE(at_once)
{
	enum { THREADS = 3 };
	pthread_t threads[THREADS];
	struct looks looks[THREADS] = { { 0, 0 } };
	long all = 0, missed = 0;
	int counter = eventfd(1, 0);
	struct epoll_event event = { EPOLLIN, { 0 } };
	shared_list = epoll_create1(0);
	require(epoll_ctl(shared_list, EPOLL_CTL_ADD, counter, &event) == 0);
	for (int i = 0; i < THREADS; i++)
		require(pthread_create(&threads[i], NULL, look_all_the_time, &looks[i]) == 0);
	doze(500);
	over = 1;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		all += looks[i].all;
		missed += looks[i].missed;
	}
	/* Linux looks without a lock first, and may just miss what another thread puts back. */
	check(missed <= all / 20, "who does not wait is told what is ready, also while others look");
}

SUITE(RUN(untold_levels), RUN(untold_edges), RUN(untold_once), RUN(turns), RUN(at_once))
