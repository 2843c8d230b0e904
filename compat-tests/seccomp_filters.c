/* The programs of seccomp's filters: which are accepted, what they compute, how many there may be. */
#include "seccomp.h"

enum { SIGSYS_END = 128 + SIGSYS };
#define STMT(code, k) BPF_STMT(code, k)
#define JUMP(code, k, jt, jf) BPF_JUMP(BPF_JMP | (code), k, jt, jf)
#define IMM(k) STMT(BPF_LD | BPF_IMM, k)
#define X_IMM(k) STMT(BPF_LDX | BPF_IMM, k)
#define ALU(code, k) STMT(BPF_ALU | (code), k)
#define refused(sentence, ...) fails(install(0, __VA_ARGS__), EINVAL, sentence)
#define accepted(sentence, ...) equal(install(0, __VA_ARGS__), 0, sentence)

CASE(shapes)
{
	static struct sock_filter code[4097];
	for (int i = 0; i < 4097; i++)
		code[i] = (struct sock_filter)ALLOW;
	fails(install_code(0, code, 0), EINVAL, "a program without instructions is refused");
	fails(install_code(0, code, 4097), EINVAL, "so is one of 4097");
	equal(install_code(0, code, 4096), 0, "4096 are accepted");
	refused("the last instruction gives an action", LOAD(0));
	refused("a jump is none", ALLOW, JUMP(BPF_JA, 0, 0, 0));
	refused("giving X is none either", STMT(BPF_RET | BPF_X, 0));
	accepted("giving A is", IMM(SECCOMP_RET_ALLOW), GIVE_A);
	refused("jumps stay inside", JUMP(BPF_JA, 1, 0, 0), ALLOW);
	refused("they do not go back", JUMP(BPF_JA, -1u, 0, 0), ALLOW);
	accepted("they may go to the last instruction", JUMP(BPF_JA, 1, 0, 0), GIVE(0), ALLOW);
	static const int tests[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	for (int i = 0; i < 4; i++)
		for (int source = BPF_K; source <= BPF_X; source += BPF_X) {
			refused("so does a branch when true", JUMP(tests[i] | source, 1, 1, 0), ALLOW);
			refused("and when false", JUMP(tests[i] | source, 1, 0, 1), ALLOW);
			accepted("a branch to the end is in order", JUMP(tests[i] | source, 1, 1, 1), GIVE(0), ALLOW);
		}
	for (unsigned at = 56; at < 64; at++)
		equal(install(0, LOAD(at), ALLOW) == 0, at % 4 == 0, "words are loaded from multiples of 4");
	refused("the data end after 64 bytes", LOAD(64), ALLOW);
	refused("there is nothing of a packet's", LOAD(SKF_AD_OFF), ALLOW);
	refused("nor at the end of numbers", LOAD(-4u), ALLOW);
	refused("halves cannot be loaded", STMT(BPF_LD | BPF_H | BPF_ABS, 0), ALLOW);
	refused("nor bytes", STMT(BPF_LD | BPF_B | BPF_ABS, 0), ALLOW);
	refused("nor words at X", STMT(BPF_LD | BPF_W | BPF_IND, 0), ALLOW);
	refused("X is not loaded from data", STMT(BPF_LDX | BPF_W | BPF_ABS, 0), ALLOW);
	refused("remainders are not known", ALU(BPF_MOD | BPF_K, 3), ALLOW);
	refused("nothing is divided by 0", ALU(BPF_DIV | BPF_K, 0), ALLOW);
	accepted("but by X", X_IMM(1), ALU(BPF_DIV | BPF_X, 0), ALLOW);
	refused("nothing is shifted left by 32", ALU(BPF_LSH | BPF_K, 32), ALLOW);
	refused("nor right", ALU(BPF_RSH | BPF_K, 32), ALLOW);
	accepted("31 is in order", ALU(BPF_LSH | BPF_K, 31), ALU(BPF_RSH | BPF_K, 31), ALLOW);
	refused("there are 16 words of memory", STMT(BPF_ST, 16), ALLOW);
	refused("for X, too", STMT(BPF_STX, 16), ALLOW);
	refused("none is loaded before it is stored", STMT(BPF_LD | BPF_MEM, 3), ALLOW);
	refused("not into X either", STMT(BPF_LDX | BPF_MEM, 3), ALLOW);
	refused("nor when another one was stored", STMT(BPF_ST, 2), STMT(BPF_LD | BPF_MEM, 3), ALLOW);
	accepted("a stored one is", STMT(BPF_STX, 15), STMT(BPF_LD | BPF_MEM, 15), STMT(BPF_LDX | BPF_MEM, 15), ALLOW);
	refused("it has to be stored on every way", JUMP(BPF_JEQ, 1, 0, 1), STMT(BPF_ST, 3), STMT(BPF_LD | BPF_MEM, 3), ALLOW);
	accepted("as here", JUMP(BPF_JEQ, 1, 0, 2), STMT(BPF_ST, 3), JUMP(BPF_JA, 1, 0, 0), STMT(BPF_STX, 3), STMT(BPF_LD | BPF_MEM, 3), ALLOW);
	refused("also on ways with a jump", STMT(BPF_ST, 3), JUMP(BPF_JA, 1, 0, 0), ALLOW, STMT(BPF_LD | BPF_MEM, 4), ALLOW);
}

/* Installs filters until there is no room for one more of a single instruction. */
static void fill(void)
{
	static struct sock_filter code[4096];
	for (int i = 0; i < 4096; i++)
		code[i] = (struct sock_filter)ALLOW;
	for (int length = 4096; length; length /= 2)
		while (install_code(0, code, length) == 0)
			;
	while (install(0, IMM(SECCOMP_RET_ALLOW), GIVE_A) == 0)
		;
	require(errno == ENOMEM);
}

CASE(codes)
{
	/* With no room left a program is refused with ENOMEM that would be accepted, and with EINVAL that would not. */
	static const struct sock_filter one[] = { GIVE_A };
	static unsigned char expected[65536];
	static const unsigned short known[] = {
		BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_W | BPF_LEN, BPF_LDX | BPF_W | BPF_LEN, BPF_RET | BPF_K, BPF_RET | BPF_A, BPF_ALU | BPF_NEG,
		BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM, BPF_ST, BPF_STX,
		BPF_JMP | BPF_JA,
	};
	static const unsigned char both[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_AND, BPF_OR, BPF_XOR, BPF_LSH, BPF_RSH };
	static const unsigned char tests[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		expected[known[i]] = 1;
	for (size_t i = 0; i < sizeof both; i++)
		expected[BPF_ALU | both[i]] = expected[BPF_ALU | both[i] | BPF_X] = 1;
	for (size_t i = 0; i < sizeof tests; i++)
		expected[BPF_JMP | tests[i]] = expected[BPF_JMP | tests[i] | BPF_X] = 1;
	fill();
	fails(install_code(0, (struct sock_filter *)one, 1), ENOMEM, "there is no room for a filter of one instruction");
	int wrong = 0, count = 0;
	for (int number = 0; number < 65536; number += number < 0x400 ? 1 : 0x11) {
		struct sock_filter code[] = { STMT(BPF_ST, 4), { (unsigned short)number, 0, 0, 4 }, ALLOW, ALLOW, ALLOW, ALLOW, ALLOW };
		install_code(0, code, 7);
		int is_known = errno == ENOMEM;
		count += is_known;
		if (is_known != expected[number]) {
			wrong++;
			tap_print("    # code %#x\n", number);
		}
	}
	equal(wrong, 0, "just the instructions that are listed here are known");
	equal(count, 41, "which are 41");
}

/* How many filters fit that begin with as many of this instruction. */
static int fitting(struct sock_filter instruction)
{
	enum { REPEATED = 1000 };
	static struct sock_filter code[REPEATED + 4];
	for (int i = 0; i < REPEATED; i++)
		code[i] = instruction;
	code[REPEATED] = code[REPEATED + 1] = code[REPEATED + 2] = (struct sock_filter)IMM(SECCOMP_RET_ALLOW);
	code[REPEATED + 3] = (struct sock_filter)GIVE_A;
	pid_t child = fork();
	if (child == 0) {
		int count = 0;
		while (install_code(0, code, REPEATED + 4) == 0 && count < 100)
			count++;
		_exit(errno == ENOMEM ? count : 200);
	}
	return ended_with(child);
}

CASE(room)
{
	equal(in_child({
		      struct sock_filter code[17] = { ALLOW };
		      for (int i = 1; i < 16; i++)
			      code[i] = (struct sock_filter)IMM(0);
		      code[16] = (struct sock_filter)GIVE_A;
		      int count = 0;
		      while (install_code(0, code, 17) == 0)
			      count++;
		      _exit(count == 1310 && errno == ENOMEM && status_line("self", "\nSeccomp_filters:\t") == 1310 ? 0 : 1);
	      }),
	      0, "1310 filters fit of which each costs 25 places of 32768, the newest 21");
}

CASE(room_for_most)
{
	struct sock_filter once[] = { IMM(1), X_IMM(1), LOAD(0), ALU(BPF_ADD | BPF_K, 1),
				      ALU(BPF_DIV | BPF_K, 2), ALU(BPF_NEG, 0), STMT(BPF_ST, 1),
				      STMT(BPF_MISC | BPF_TXA, 0), JUMP(BPF_JA, 0, 0, 0), JUMP(BPF_JEQ | BPF_K, 1, 0, 0), JUMP(BPF_JEQ | BPF_K, 1, 1, 0),
				      JUMP(BPF_JEQ | BPF_K, 1, 0, 1), JUMP(BPF_JGT | BPF_X, 1, 0, 1), JUMP(BPF_JGE | BPF_K, 1, 0, 1),
				      JUMP(BPF_JSET | BPF_K, 1, 1, 0), JUMP(BPF_JEQ | BPF_X, -1u, 1, 0) };
	for (size_t i = 0; i < sizeof once / sizeof *once; i++)
		equal(fitting(once[i]), 32, "most instructions cost one place");
}

CASE(room_for_more)
{
	struct sock_filter twice[] = { GIVE(SECCOMP_RET_ALLOW), JUMP(BPF_JEQ | BPF_K, 1, 1, 1), JUMP(BPF_JSET | BPF_K, 1, 0, 1),
				       JUMP(BPF_JEQ | BPF_K, -1u, 1, 0), JUMP(BPF_JGE | BPF_K, 1u << 31, 0, 1), JUMP(BPF_JSET | BPF_X, -1u, 1, 1) };
	for (size_t i = 0; i < sizeof twice / sizeof *twice; i++)
		equal(fitting(twice[i]), 16, "two ways, or a constant with the uppermost bit, cost one more");
	struct sock_filter three_times[] = { JUMP(BPF_JEQ | BPF_K, -1u, 1, 1), JUMP(BPF_JSET | BPF_K, 1u << 31, 0, 1) };
	for (size_t i = 0; i < sizeof three_times / sizeof *three_times; i++)
		equal(fitting(three_times[i]), 10, "both, two more");
}

/* What a program leaves in A for getppid with these arguments, as far as an error shows it: three bits above eight. */
#define computed(...) \
	({ \
		struct sock_filter begin_[] = { __VA_ARGS__ }; \
		compute(begin_, sizeof begin_ / sizeof *begin_); \
	})

static long compute(struct sock_filter *begin, int length)
{
	unsigned long result = 0;
	for (int shift = 0; shift < 32; shift += 8) {
		struct sock_filter code[64] = { LOAD(0), JUMP(BPF_JEQ | BPF_K, SYS_getppid, 1, 0), ALLOW };
		memcpy(code + 3, begin, length * sizeof *code);
		struct sock_filter end[] = { ALU(BPF_RSH | BPF_K, shift), ALU(BPF_AND | BPF_K, 0xff), ALU(BPF_OR | BPF_K, SECCOMP_RET_ERRNO), GIVE_A };
		memcpy(code + 3 + length, end, sizeof end);
		int part = in_child({
			if (install_code(0, code, 3 + length + 4))
				raw(SYS_kill, getpid(), SIGKILL, 0, 0, 0, 0);
			_exit((int)-raw(SYS_getppid, 0x1122334455667788, -2, 3, 4, 5, 0x7fffffff80000001));
		});
		result |= (unsigned long)part << shift;
	}
	return (long)result;
}

CASE(computing)
{
	equal(computed(IMM(0x12345678)), 0x12345678, "a constant");
	equal(computed(X_IMM(0x12345678), STMT(BPF_MISC | BPF_TXA, 0)), 0x12345678, "by way of X");
	equal(computed(LOAD(AT_NUMBER)), SYS_getppid, "the call's number");
	equal(computed(LOAD(AT_ARCH)), AUDIT_ARCH_X86_64, "the architecture");
	equal(computed(LOAD(AT_ARGUMENTS)), 0x55667788, "the first argument's lower half");
	equal(computed(LOAD(AT_ARGUMENTS + 4)), 0x11223344, "its upper half");
	equal(computed(LOAD(AT_ARGUMENTS + 12)), 0xffffffff, "the second's");
	equal(computed(LOAD(AT_ARGUMENTS + 16)), 3, "the third");
	equal(computed(LOAD(AT_ARGUMENTS + 24)), 4, "the fourth");
	equal(computed(LOAD(AT_ARGUMENTS + 32)), 5, "the fifth");
	equal(computed(LOAD(AT_ARGUMENTS + 40)), 0x80000001, "the sixth");
	equal(computed(LOAD(AT_ARGUMENTS + 44)), 0x7fffffff, "the last word");
	equal(computed(STMT(BPF_LD | BPF_W | BPF_LEN, 99)), 64, "the data's length");
	equal(computed(STMT(BPF_LDX | BPF_W | BPF_LEN, 99), STMT(BPF_MISC | BPF_TXA, 0)), 64, "in X");
	equal(computed(IMM(7), STMT(BPF_ST, 9), IMM(8), STMT(BPF_MISC | BPF_TAX, 0), STMT(BPF_STX, 8), STMT(BPF_LD | BPF_MEM, 9),
		       STMT(BPF_LDX | BPF_MEM, 8), ALU(BPF_SUB | BPF_X, 0)), 0xffffffff, "memory; what goes below 0 comes from above");
	equal(computed(IMM(0xfffffff0), ALU(BPF_ADD | BPF_K, 0x20)), 0x10, "sums go around");
	equal(computed(IMM(0x10001), X_IMM(0x10001), ALU(BPF_MUL | BPF_X, 0)), 0x20001, "so do products");
	equal(computed(IMM(0xfffffffe), ALU(BPF_DIV | BPF_K, 3)), 0x55555554, "quotients have no sign");
	equal(computed(IMM(0xfffffffe), X_IMM(0xffffffff), ALU(BPF_DIV | BPF_X, 0)), 0, "by X neither");
	equal(computed(IMM(0xff00ff00), ALU(BPF_AND | BPF_K, 0x0ff00ff0)), 0x0f000f00, "and");
	equal(computed(IMM(0xff00ff00), X_IMM(0x0ff00ff0), ALU(BPF_OR | BPF_X, 0)), 0xfff0fff0, "or");
	equal(computed(IMM(0xff00ff00), ALU(BPF_XOR | BPF_K, 0x0ff00ff0)), 0xf0f0f0f0, "exclusive or");
	equal(computed(IMM(0x80000001), ALU(BPF_LSH | BPF_K, 4)), 0x10, "shifted left");
	equal(computed(IMM(0x80000001), ALU(BPF_RSH | BPF_K, 4)), 0x08000000, "shifted right, without sign");
	equal(computed(IMM(0x80000001), X_IMM(36), ALU(BPF_LSH | BPF_X, 0)), 0x10, "by X: its lower five bits");
	equal(computed(IMM(0x80000001), X_IMM(0xffffffe4), ALU(BPF_RSH | BPF_X, 0)), 0x08000000, "to the right, too");
	equal(computed(IMM(5), ALU(BPF_NEG, 0)), 0xfffffffb, "the negative");
	equal(computed(STMT(BPF_MISC | BPF_TXA, 0)), 0, "X is 0 in the beginning");
	equal(computed(IMM(1), JUMP(BPF_JA, 1, 0, 0), IMM(2), ALU(BPF_ADD | BPF_K, 4)), 5, "a jump");
	equal(in_child({
		      if (install(0, LOAD(0), JUMP(BPF_JEQ | BPF_K, SYS_getppid, 1, 0), ALLOW, ALU(BPF_DIV | BPF_X, 0), ALLOW))
			      _exit(2);
		      probe();
		      _exit(1);
	      }),
	      SIGSYS_END, "a division by X that is 0 gives 0: SECCOMP_RET_KILL_THREAD");
}

CASE(branches)
{
	static const struct { int test; const char *name; int results[3]; } tests[] = {
		{ BPF_JEQ, "equal", { 0, 1, 0 } }, { BPF_JGT, "greater", { 0, 0, 1 } }, { BPF_JGE, "greater or equal", { 0, 1, 1 } }
	};
	static const unsigned values[] = { 0x7fffffff, 0x80000000, 0xffffffff };
	for (int i = 0; i < 3; i++)
		for (int value = 0; value < 3; value++) {
			equal(computed(IMM(values[value]), JUMP(tests[i].test | BPF_K, 0x80000000, 1, 0), GIVE(SECCOMP_RET_ERRNO), IMM(1)),
			      tests[i].results[value] ? 0x01 : 0, tests[i].name);
			equal(computed(X_IMM(0x80000000), IMM(values[value]), JUMP(tests[i].test | BPF_X, 0, 0, 1), JUMP(BPF_JA, 1, 0, 0), GIVE(SECCOMP_RET_ERRNO),
				       IMM(1)),
			      tests[i].results[value] ? 0x01 : 0, "than X, likewise");
		}
	equal(computed(IMM(6), JUMP(BPF_JSET | BPF_K, 2, 1, 0), GIVE(SECCOMP_RET_ERRNO), IMM(1)), 1, "a bit that is set");
	equal(computed(IMM(6), JUMP(BPF_JSET | BPF_K, 9, 1, 0), GIVE(SECCOMP_RET_ERRNO), IMM(1)), 0, "bits that are not");
}

CASE(calls)
{
	extern char after[];
	unsigned long here = (unsigned long)after;
	equal(in_child({
		      if (install(0, ON(SYS_getppid, SECCOMP_RET_ERRNO | 1), LOAD(AT_NUMBER), JUMP(BPF_JEQ | BPF_K, SYS_getpgrp, 1, 0), ALLOW, LOAD(AT_POINTER),
				  JUMP(BPF_JEQ | BPF_K, (unsigned)here, 1, 0), ALLOW, LOAD(AT_POINTER + 4), JUMP(BPF_JEQ | BPF_K, (unsigned)(here >> 32), 1, 0),
				  ALLOW, GIVE(SECCOMP_RET_ERRNO | 66)))
			      _exit(2);
		      long result;
		      __asm__ volatile("syscall\n.globl after\nafter:" : "=a"(result) : "a"(SYS_getpgrp) : "rcx", "r11", "memory");
		      _exit(raw(SYS_getpgrp, 0, 0, 0, 0, 0, 0) > 0 ? (int)-result : 1);
	      }),
	      66, "the pointer is behind the call's instruction");
	equal(in_child({
		      if (install(0, LOAD(AT_NUMBER), JUMP(BPF_JEQ | BPF_K, -7u, 0, 1), GIVE(SECCOMP_RET_ERRNO | 67), ALLOW))
			      _exit(2);
		      _exit(raw(-7, 0, 0, 0, 0, 0, 0) == -67 && raw(0xfffffff9, 0, 0, 0, 0, 0, 0) == -67 ? 0 : 1);
	      }),
	      0, "a number below 0 is filtered, too");
	equal(raw(0x100000000 + SYS_getppid, 0, 0, 0, 0, 0, 0), probe(), "the upper half of a number is not looked at");
	equal(in_child({
		      if (install(0, ON(SYS_getppid, SECCOMP_RET_ERRNO | 68), ON(0x40000000 + SYS_getppid, SECCOMP_RET_ERRNO | 69), ALLOW))
			      _exit(2);
		      _exit(raw(0x700000000 + SYS_getppid, 0, 0, 0, 0, 0, 0) == -68 && raw(0x40000000 + SYS_getppid, 0, 0, 0, 0, 0, 0) == -69 ? 0 : 1);
	      }),
	      0, "nor by a filter, and x32's bit is a part of the number");
	equal(in_child({
		      if (install(0, ON(100000, SECCOMP_RET_ERRNO | 70), ON(SYS_vserver, SECCOMP_RET_ERRNO | 71), ALLOW))
			      _exit(2);
		      _exit(raw(100000, 0, 0, 0, 0, 0, 0) == -70 && raw(SYS_vserver, 0, 0, 0, 0, 0, 0) == -71 ? 0 : 1);
	      }),
	      0, "calls that do not exist are filtered as well");
}

SUITE(RUN(shapes), RUN(codes), RUN(room), RUN(room_for_most), RUN(room_for_more), RUN(computing), RUN(branches), RUN(calls))
