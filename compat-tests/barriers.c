/* Barriers on all processors (membarrier): who may have which. That a barrier is one cannot be seen from a program: a processor
 * has written what it keeps back long before the call is over, with a barrier or without.
 */
#include "tap.h"

enum {
	QUERY = 0, GLOBAL = 1, GLOBAL_EXPEDITED = 2, REGISTER_GLOBAL = 4, PRIVATE = 8, REGISTER_PRIVATE = 16,
	SYNC_CORE = 32, REGISTER_SYNC_CORE = 64
};

static long barrier(int command, unsigned flags) { return syscall(SYS_membarrier, command, flags, 0); }

CASE(commands)
{
	long known = barrier(QUERY, 0);
	equal(known & 127, 127, "all commands but those for restartable sequences are there");
	equal(barrier(GLOBAL, 0), 0, "a barrier on all processors");
	equal(barrier(GLOBAL_EXPEDITED, 0), 0, "or where programs want it, at once");
	equal(barrier(REGISTER_GLOBAL, 0), 0, "this one wants it");
	equal(barrier(GLOBAL_EXPEDITED, 0), 0, "as before");
	fails(barrier(QUERY, 1), EINVAL, "there are no flags");
	fails(barrier(GLOBAL, 1), EINVAL, "for no command");
	fails(barrier(PRIVATE, 1), EINVAL, "of these");
	fails(barrier(3, 0), EINVAL, "two commands are none");
	fails(barrier(1 << 20, 0), EINVAL, "there is no command 2^20");
	fails(barrier(-1, 0), EINVAL, "nor -1");
}

CASE(registration)
{
	fails(barrier(PRIVATE, 0), EPERM, "a program must say that it wants its own barriers");
	fails(barrier(SYNC_CORE, 0), EPERM, "those for changed code, too");
	equal(barrier(REGISTER_SYNC_CORE, 0), 0, "it says so for code");
	equal(barrier(SYNC_CORE, 0), 0, "then it may have them");
	fails(barrier(PRIVATE, 0), EPERM, "but not the others");
	equal(barrier(REGISTER_PRIVATE, 0), 0, "it says so for those");
	equal(barrier(REGISTER_PRIVATE, 0), 0, "perhaps twice");
	equal(barrier(PRIVATE, 0), 0, "then it may have them as well");
	equal(in_child(_exit(barrier(PRIVATE, 0) == 0 && barrier(SYNC_CORE, 0) == 0)), 1, "a child may have them");
	char *arguments[] = { (char *)tap_program, "@tries", NULL };
	equal(in_child(execv(tap_program, arguments); _exit(77)), EPERM, "another program must say so itself");
}

static int role(int argc, char **argv, char **environment)
{
	(void)argc, (void)argv, (void)environment;
	return barrier(PRIVATE, 0) == -1 && barrier(SYNC_CORE, 0) == -1 ? errno : 0;
}

SUITE_WITH_ROLES(RUN(commands), RUN(registration))
