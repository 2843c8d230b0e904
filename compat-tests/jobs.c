/* Job control: the controlling terminal, foreground and background groups, the signals of a terminal. */
#include "tap.h"
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char name[32];

/* Makes the case, which leads a session, the owner of a new terminal. */
static void own_terminal(void)
{
	unsigned number;
	int unlocked = 0;
	require((master = open("/dev/ptmx", O_RDWR | O_NOCTTY)) >= 0);
	require(ioctl(master, TIOCSPTLCK, &unlocked) == 0 && ioctl(master, TIOCGPTN, &number) == 0);
	snprintf(name, sizeof name, "/dev/pts/%u", number);
	require((slave = open(name, O_RDWR | O_NOCTTY)) >= 0);
	require(ioctl(slave, TIOCSCTTY, 0) == 0);
}

/* Starts a child in a group of its own that runs `body`; it begins when the group is set on both sides. */
static pid_t job(void (*body)(void), int foreground)
{
	int gate[2];
	char byte;
	require(pipe(gate) == 0);
	pid_t child = fork();
	if (child == 0) {
		close(gate[1]);
		setpgid(0, 0);
		if (read(gate[0], &byte, 1) != 0)
			_exit(99);
		body();
		_exit(0);
	}
	setpgid(child, child);
	if (foreground)
		tcsetpgrp(slave, child);
	close(gate[0]), close(gate[1]);
	return child;
}

static void wait_for_signals(void)
{
	for (;;)
		pause();
}

static void read_terminal(void)
{
	char byte;
	_exit(read(slave, &byte, 1) == 1 ? byte : errno);
}

static void write_terminal(void)
{
	_exit(write(slave, "x", 1) == 1 ? 0 : errno);
}

CASE(controlling_terminal)
{
	fails(open("/dev/tty", O_RDWR), ENXIO, "without a controlling terminal /dev/tty gives ENXIO");
	own_terminal();
	check(open("/dev/tty", O_RDWR) >= 0, "TIOCSCTTY makes a terminal the controlling one");
	equal(tcgetpgrp(slave), getpgrp(), "the session leader's group is in the foreground");
	equal(tcgetsid(slave), getpid(), "the terminal tells its session");
	equal(in_child(int fd = open("/dev/tty", O_RDWR); _exit(fd >= 0 ? 0 : errno)), 0, "children have it, too");
	equal(in_child(setsid(); int fd = open("/dev/tty", O_RDWR); _exit(fd >= 0 ? 0 : errno)), ENXIO,
	      "a new session has none");
	equal(in_child(setsid(); int fd = open(name, O_RDWR); close(fd); fd = open("/dev/tty", O_RDWR); _exit(fd >= 0 ? 0 : errno)),
	      ENXIO, "a terminal of another session cannot become its own by opening");
	equal(in_child(setsid(); _exit(ioctl(slave, TIOCSCTTY, 0) == -1 ? errno : 0)), EPERM, "nor by TIOCSCTTY");
	fails(tcsetpgrp(slave, 999999), ESRCH, "a group that is not there cannot be put into the foreground");
	fails(tcsetpgrp(slave, 1), EPERM, "nor one of another session");
	equal(in_child(_exit(ioctl(slave, TIOCNOTTY) == 0 ? (open("/dev/tty", O_RDWR) == -1 ? 0 : 2) : errno)), 0,
	      "a process may give up its controlling terminal");
	check(open("/dev/tty", O_RDWR) >= 0, "alone");
}

CASE(keys)
{
	struct { const char *key; int signal; const char *sentence; } keys[] = {
		{ "\x03", SIGINT, "^C sends SIGINT to the foreground group" },
		{ "\x1c", SIGQUIT, "^\\ sends SIGQUIT to the foreground group" },
	};
	own_terminal();
	signal(SIGTTOU, SIG_IGN);
	for (int i = 0; i < 2; i++) {
		pid_t child = job(wait_for_signals, 1);
		require(write(master, keys[i].key, 1) == 1);
		equal(ended_with(child), 128 + keys[i].signal, keys[i].sentence);
	}
	int status;
	pid_t child = job(wait_for_signals, 1), background = job(wait_for_signals, 0);
	require(write(master, "\x1a", 1) == 1);
	equal(waitpid(child, &status, WUNTRACED), child, "^Z stops the foreground group");
	check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP, "by SIGTSTP");
	equal(kill(-child, SIGCONT), 0, "it can be continued");
	equal(waitpid(child, &status, WCONTINUED), child, "and goes on");
	require(write(master, "\x03", 1) == 1);
	equal(ended_with(child), 128 + SIGINT, "^C ends it");
	equal(waitpid(background, &status, WNOHANG), 0, "a background group gets no keys");
	kill(background, SIGKILL);
	status_of(background);
	char buffer[8];
	tcsetpgrp(slave, getpgrp());
	signal(SIGINT, SIG_IGN);
	require(write(master, "lost\x03kept\n", 10) == 10);
	equal(read(slave, buffer, 8), 5, "a signal key drops the line typed so far");
	struct termios t;
	tcgetattr(slave, &t);
	t.c_lflag |= NOFLSH;
	tcsetattr(slave, TCSANOW, &t);
	require(write(master, "ab\x03" "cd\n", 6) == 6);
	equal(read(slave, buffer, 8), 5, "but not with NOFLSH");
	t.c_lflag &= ~ISIG;
	tcsetattr(slave, TCSANOW, &t);
	signal(SIGINT, SIG_DFL);
	require(write(master, "\x03\n", 2) == 2);
	equal(read(slave, buffer, 8), 2, "without ISIG a signal key is a character");
}

CASE(background_reading)
{
	int status;
	own_terminal();
	pid_t child = job(read_terminal, 0);
	equal(waitpid(child, &status, WUNTRACED), child, "a background process that reads is stopped");
	check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN, "by SIGTTIN");
	tcsetpgrp(slave, child);
	kill(-child, SIGCONT);
	require(write(master, "k\n", 2) == 2);
	equal(ended_with(child), 'k', "in the foreground it reads on");
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(slave, getpgrp());
	signal(SIGTTIN, SIG_IGN);
	child = job(read_terminal, 0);
	equal(ended_with(child), EIO, "one that ignores SIGTTIN gets EIO");
}

static void orphan_reads(void)
{
	/* Its parent is in the same group, so nobody outside the group in the session could continue it. */
	pid_t child = fork();
	if (child == 0)
		read_terminal();
	_exit(ended_with(child));
}

static void leave_an_orphan(void)
{
	pid_t parent = getpid();
	int report = open("report", O_CREAT | O_WRONLY | O_APPEND, 0600);
	if (fork() == 0) {
		while (getppid() == parent)
			doze(5);
		char byte;
		int error = read(slave, &byte, 1) == -1 ? errno : 0;
		_exit(write(report, error == EIO ? "EIO" : "???", 3) != 3);
	}
	_exit(0);
}

CASE(orphaned_groups)
{
	int status;
	own_terminal();
	pid_t child = job(orphan_reads, 0);
	equal(waitpid(child, &status, WUNTRACED), child, "a group with a parent in the session is not orphaned");
	equal(WIFSTOPPED(status), 1, "reading stops all its members");
	kill(-child, SIGKILL);
	status_of(child);
	child = job(leave_an_orphan, 0);
	status_of(child);
	eventually(strlen(contents_of("report")) >= 3);
	same(contents_of("report"), "EIO", "a process in an orphaned group that reads gets EIO");
}

static volatile sig_atomic_t hung_up, continued;

static void note(int number)
{
	if (number == SIGHUP)
		hung_up = 1;
	else
		continued = 1;
}

static void make_a_stopped_orphan(void)
{
	int ready[2];
	char byte;
	require(pipe(ready) == 0);
	int report = open("report", O_CREAT | O_WRONLY, 0600);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGHUP, note), signal(SIGCONT, note);
		require(write(ready[1], "r", 1) == 1);
		raise(SIGSTOP);
		while (!hung_up || !continued)
			doze(5);
		_exit(write(report, "both", 4) != 4);
	}
	require(read(ready[0], &byte, 1) == 1);
	waitpid(child, NULL, WUNTRACED);
	_exit(0);
}

CASE(stopped_orphans)
{
	own_terminal();
	pid_t child = job(make_a_stopped_orphan, 0);
	equal(ended_with(child), 0, "a process can end with a stopped child");
	eventually(strlen(contents_of("report")) >= 4);
	same(contents_of("report"), "both", "a stopped group that becomes orphaned gets SIGHUP and SIGCONT");
}

static void change_settings(void)
{
	struct termios t;
	tcgetattr(slave, &t);
	_exit(tcsetattr(slave, TCSANOW, &t) == 0 ? 0 : errno);
}

static void take_foreground(void)
{
	_exit(tcsetpgrp(slave, getpgrp()) == 0 ? 0 : errno);
}

static void expect_stop(void (*body)(void), const char *sentence)
{
	int status;
	pid_t child = job(body, 0);
	waitpid(child, &status, WUNTRACED);
	check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU, sentence);
	kill(child, SIGKILL);
	if (WIFSTOPPED(status))
		status_of(child);
}

CASE(background_writing)
{
	struct termios t;
	own_terminal();
	equal(ended_with(job(write_terminal, 0)), 0, "a background process may write");
	tcgetattr(slave, &t);
	t.c_lflag |= TOSTOP;
	tcsetattr(slave, TCSANOW, &t);
	expect_stop(write_terminal, "with TOSTOP writing stops it by SIGTTOU");
	expect_stop(change_settings, "changing the settings stops it by SIGTTOU");
	expect_stop(take_foreground, "taking the foreground stops it by SIGTTOU");
	signal(SIGTTOU, SIG_IGN);
	equal(ended_with(job(write_terminal, 0)), 0, "one that ignores SIGTTOU may write");
	equal(ended_with(job(take_foreground, 0)), 0, "and take the foreground");
}

static volatile sig_atomic_t resized;

static void note_size(int unused)
{
	(void)unused;
	resized++;
}

CASE(size_changes)
{
	struct winsize size = { 30, 100, 0, 0 };
	own_terminal();
	signal(SIGWINCH, note_size);
	ioctl(master, TIOCSWINSZ, &size);
	while (!resized)
		doze(5);
	equal(resized, 1, "a size change sends SIGWINCH to the foreground group");
	ioctl(master, TIOCSWINSZ, &size);
	doze(50);
	equal(resized, 1, "the same size again does not");
}

CASE(hanging_up)
{
	int status;
	own_terminal();
	signal(SIGHUP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	pid_t reader = fork();
	if (reader == 0) {
		char byte;
		close(master);
		ssize_t n = read(slave, &byte, 1);
		_exit(n == 0 || (n == -1 && errno == EIO) ? 7 : 8);
	}
	doze(30);
	equal(waitpid(reader, &status, WNOHANG), 0, "a reader waits at an open terminal");
	int old_slave = slave;
	close(master);
	equal(ended_with(reader), 7, "hanging up ends its read");
	fails(write(old_slave, "x", 1), EIO, "writing to a terminal that hung up gives EIO");
	fails(open("/dev/tty", O_RDWR), ENXIO, "the session has no terminal any more");
}

CASE(leaders_end)
{
	int report[2];
	char byte = 0;
	require(pipe(report) == 0);
	pid_t leader = fork();
	if (leader == 0) {
		int ready[2];
		setsid();
		own_terminal();
		require(pipe(ready) == 0);
		if (fork() == 0) {
			signal(SIGHUP, note);
			require(write(ready[1], "r", 1) == 1);
			while (!hung_up)
				doze(5);
			_exit(write(report[1], "h", 1) != 1);
		}
		require(read(ready[0], &byte, 1) == 1);
		_exit(0);
	}
	equal(ended_with(leader), 0, "a session leader may end");
	close(report[1]);
	equal(read(report[0], &byte, 1), 1, "then the foreground group");
	equal(byte, 'h', "gets SIGHUP");
}

SUITE(RUN(controlling_terminal), RUN(keys), RUN(background_reading), RUN(orphaned_groups), RUN(stopped_orphans),
      RUN(background_writing), RUN(size_changes), RUN(hanging_up), RUN(leaders_end))
