/* What is put where a call reads a structure: by the name of the kernel's type. */
#include "fuzz.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

static void on_signal(int signal)
{
	(void)signal;
}

__attribute__((naked)) static void restore(void)
{
	__asm__("mov $15, %eax\n\tsyscall");
}

static void fill_words(struct context *c, char *place)
{
	uint64_t *word = (uint64_t *)place;
	for (int i = 0; i < 16; i++)
		word[i] = draw(c) % 3 ? 0 : draw(c) % 4 ? draw(c) % 8 | (draw(c) % 8) << 32 : number(c);
}

static void fill_zero(struct context *c, char *place)
{
	(void)c;
	memset(place, 0, 256);
}

static void fill_number(struct context *c, char *place)
{
	fill_zero(c, place);
	*(uint64_t *)place = CHOOSE(c, 0, 0, 1, 16, 110);
}

static void fill_action(struct context *c, char *place)
{
	uint64_t *word = (uint64_t *)place;
	uint64_t handler = (uint64_t)on_signal;
	word[0] = draw(c) % 4 ? handler : draw(c) % 8 != 0; /* SIG_IGN, seldom SIG_DFL */
	word[1] = 0x04000000 | (draw(c) % 4 ? 0 : CHOOSE(c, SA_SIGINFO, SA_RESTART, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_NOCLDWAIT, SA_NOCLDSTOP));
	word[2] = (uint64_t)restore;
	word[3] = draw(c) % 2 ? 0 : draw(c);
}

static void fill_set(struct context *c, char *place)
{
	*(uint64_t *)place = draw(c) % 3 ? 0 : 1ull << (CHOOSE(c, 10, 12, 28, 34) - 1);
}

/* Times are short: several in a row, since some calls read two. */
static void fill_time(struct context *c, char *place)
{
	uint64_t *word = (uint64_t *)place;
	for (int i = 0; i < 4; i++)
		word[2 * i] = 0, word[2 * i + 1] = draw(c) % 4 ? draw(c) % 1000 : 1000 * (draw(c) % 900);
}

static void fill_timer(struct context *c, char *place)
{
	fill_time(c, place);
	if (draw(c) % 2)
		memset(place, 0, 16); /* no interval */
}

static void fill_vector(struct context *c, char *place)
{
	struct iovec *vector = (struct iovec *)place;
	for (int i = 0; i < 4; i++)
		vector[i] = (struct iovec){ take_page(c), CHOOSE(c, 0, 1, 16, 512, PAGE) };
}

static void fill_polled(struct context *c, char *place)
{
	for (int i = 0; i < 4; i++) {
		((int32_t *)place)[2 * i] = any_descriptor(c);
		((int16_t *)place)[4 * i + 2] = CHOOSE(c, 1, 4, 5, 0, 0x2000);
	}
}

static void fill_header(struct context *c, char *place)
{
	struct msghdr *header = (struct msghdr *)place;
	memset(header, 0, sizeof *header);
	header->msg_iov = (struct iovec *)take_page(c);
	fill_vector(c, (char *)header->msg_iov);
	header->msg_iovlen = 1 + draw(c) % 3;
	if (draw(c) % 3 == 0) { /* passes a descriptor */
		struct cmsghdr *control = (struct cmsghdr *)take_page(c);
		control->cmsg_len = CMSG_LEN(sizeof(int));
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		*(int *)CMSG_DATA(control) = any_descriptor(c);
		header->msg_control = control;
		header->msg_controllen = CMSG_SPACE(sizeof(int));
	}
}

static void fill_headers(struct context *c, char *place)
{
	for (int i = 0; i < 2; i++) {
		fill_header(c, place + 64 * i);
		*(uint64_t *)(place + 64 * i + 56) = 0;
	}
}

static void fill_operations(struct context *c, char *place)
{
	short *word = (short *)place;
	for (int i = 0; i < 2; i++)
		word[3 * i] = 0, word[3 * i + 1] = CHOOSE(c, 1, 1, 0, -1), word[3 * i + 2] = CHOOSE(c, 04000, 04000, 0, 014000);
}

static void fill_capability_header(struct context *c, char *place)
{
	fill_zero(c, place);
	*(uint32_t *)place = CHOOSE(c, 0x20080522, 0x20080522, 0x20071026, 0x19980330, 0);
}

static void fill_capabilities(struct context *c, char *place)
{
	memset(place, 0, 24);
	if (c->root && draw(c) % 4)
		((uint32_t *)place)[0] = ((uint32_t *)place)[1] = -1, ((uint32_t *)place)[3] = ((uint32_t *)place)[4] = 0x1ff;
}

static void fill_mask(struct context *c, char *place)
{
	uint64_t *word = (uint64_t *)place;
	word[0] = draw(c) % 2 ? (uint64_t)take_page(c) : 0;
	word[1] = 8;
	if (word[0])
		fill_set(c, (char *)word[0]);
}

static void fill_event(struct context *c, char *place)
{
	fill_zero(c, place);
	int32_t *word = (int32_t *)place;
	word[2] = CHOOSE(c, 10, 12, 34);
	word[3] = CHOOSE(c, SIGEV_SIGNAL, SIGEV_NONE, 4 /* SIGEV_THREAD_ID */);
	word[4] = c->tid;
}

static void fill_queue(struct context *c, char *place)
{
	fill_zero(c, place);
	int64_t *word = (int64_t *)place;
	word[0] = CHOOSE(c, 0, 0, 04000), word[1] = CHOOSE(c, 4, 10, 1), word[2] = CHOOSE(c, 64, 64, 1);
}

static void fill_information(struct context *c, char *place)
{
	fill_zero(c, place);
	int32_t *word = (int32_t *)place;
	word[0] = 10, word[2] = CHOOSE(c, -1, -1, -6, 0), word[4] = c->pid, word[5] = 0;
}

static void fill_stack(struct context *c, char *place)
{
	uint64_t *word = (uint64_t *)place;
	word[0] = (uint64_t)c->buffers + 40 * PAGE;
	word[1] = CHOOSE(c, 0, 0, 2);
	word[2] = 4 * PAGE;
}

static void fill_watch(struct context *c, char *place)
{
	*(uint32_t *)place = CHOOSE(c, 1, 4, 5, 1u << 31 | 1, 1u << 30 | 1, 0x2001, 1u << 28 | 1);
	memset(place + 4, 7, 8);
}

static void fill_how(struct context *c, char *place)
{
	uint64_t *word = (uint64_t *)place;
	word[0] = CHOOSE(c, 0, 0, O_RDWR, O_DIRECTORY, O_PATH, O_NONBLOCK);
	word[1] = 0;
	word[2] = CHOOSE(c, 0, 0, 1, 2, 4, 8, 16);
	memset(word + 3, 0, 64);
}

static void fill_clone(struct context *c, char *place)
{
	fill_zero(c, place);
	uint64_t *word = (uint64_t *)place;
	word[0] = CHOOSE(c, 0, 0, CLONE_VM | CLONE_VFORK, CLONE_FILES, CLONE_FS, CLONE_PIDFD, CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID);
	word[1] = word[2] = word[3] = (uint64_t)take_page(c);
	word[4] = SIGCHLD;
}

static void fill_limit(struct context *c, char *place)
{
	uint64_t *word = (uint64_t *)place;
	word[0] = word[1] = CHOOSE(c, 1 << 16, 1 << 20, 1 << 30);
}

static void fill_offset(struct context *c, char *place)
{
	uint64_t *word = (uint64_t *)place;
	word[0] = CHOOSE(c, 0, 0, 1, 512, PAGE);
	word[1] = CHOOSE(c, 0, 1000000000);
}

static const struct {
	const char *target;
	filler *fill;
} fillers[] = {
	{ "Sigaction", fill_action },	  { "SigSet", fill_set },	{ "Timespec", fill_time },	    { "Timeval", fill_time },
	{ "Itimerspec", fill_timer },	  { "Itimerval", fill_timer },	{ "Iovec", fill_vector },	    { "Pollfd", fill_polled },
	{ "Msghdr", fill_header },	  { "Mmsghdr", fill_headers },	{ "Sembuf", fill_operations },	    { "CapHeader", fill_capability_header },
	{ "CapData", fill_capabilities }, { "SigsetArgument", fill_mask }, { "Sigevent", fill_event },	    { "Siginfo", fill_information },
	{ "Stack", fill_stack },	  { "EpollEvent", fill_watch }, { "OpenHow", fill_how },	    { "CloneArgs", fill_clone },
	{ "Rlimit", fill_limit },	  { "i64", fill_offset },	{ "i32", fill_number },		    { "u32", fill_zero },
	{ "u64", fill_zero },		  { "Timex", fill_zero },	    { "MqAttr", fill_queue },
};

filler *find_filler(const char *target)
{
	for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++)
		if (strcmp(fillers[i].target, target) == 0)
			return fillers[i].fill;
	return fill_words;
}
