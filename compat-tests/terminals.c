/* Terminals, through pseudo-terminals: settings, the line discipline's editing and output, size, hanging up. */
#include "tap.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <termios.h>

static int master, slave;

static void open_pair(void)
{
	char name[32];
	unsigned number;
	int unlocked = 0;
	require((master = open("/dev/ptmx", O_RDWR | O_NOCTTY)) >= 0);
	require(ioctl(master, TIOCSPTLCK, &unlocked) == 0 && ioctl(master, TIOCGPTN, &number) == 0);
	snprintf(name, sizeof name, "/dev/pts/%u", number);
	require((slave = open(name, O_RDWR | O_NOCTTY)) >= 0);
}

/* Sets or clears flags of the slave. */
static void local(tcflag_t flags, int on)
{
	struct termios settings;
	require(tcgetattr(slave, &settings) == 0);
	settings.c_lflag = on ? settings.c_lflag | flags : settings.c_lflag & ~flags;
	require(tcsetattr(slave, TCSANOW, &settings) == 0);
}

static void type(const char *text)
{
	require(write(master, text, strlen(text)) == (ssize_t)strlen(text));
}

/* What can be read from a descriptor at the moment, as a string. */
static const char *available(int fd)
{
	static char buffer[8192];
	size_t length = 0;
	struct pollfd entry = { fd, POLLIN, 0 };
	while (length < sizeof buffer - 1 && poll(&entry, 1, 0) == 1 && (entry.revents & POLLIN)) {
		ssize_t n = read(fd, buffer + length, sizeof buffer - 1 - length);
		if (n <= 0)
			break;
		length += n;
	}
	buffer[length] = 0;
	return buffer;
}

/* The other side's output passes through a kernel thread on its way: what is expected is waited for. */
static const char *shown(const char *expected)
{
	static char buffer[8192];
	size_t length = 0;
	for (int i = 0; i < 200 && length < strlen(expected); i++) {
		const char *more = available(master);
		memcpy(buffer + length, more, strlen(more) + 1);
		length += strlen(more);
		if (length < strlen(expected))
			doze(10);
	}
	return buffer;
}

/* Reads what is echoed until it ends so. On Linux a line may be read before all of it is echoed. */
static void skip_to(const char *end)
{
	static char buffer[8192];
	size_t length = 0, tail = strlen(end);
	for (int i = 0; i < 200 && (length < tail || memcmp(buffer + length - tail, end, tail)); i++) {
		const char *more = available(master);
		memcpy(buffer + length, more, strlen(more) + 1);
		length += strlen(more);
		if (!*more)
			doze(10);
	}
}

static int readable(void)
{
	struct pollfd entry = { slave, POLLIN, 0 };
	return poll(&entry, 1, 0) == 1;
}

/* A line as the slave reads it; waits until there is one. */
static const char *line(void)
{
	static char buffer[8192];
	ssize_t n = read(slave, buffer, sizeof buffer - 1);
	buffer[n < 0 ? 0 : n] = 0;
	return buffer;
}

CASE(settings)
{
	struct termios t, again;
	open_pair();
	equal(isatty(slave), 1, "the slave is a terminal");
	equal(isatty(master), 1, "and so is the master");
	equal(tcgetattr(slave, &t), 0, "TCGETS tells the settings");
	check((t.c_iflag & (ICRNL | IXON)) == (ICRNL | IXON), "input turns CR into NL and obeys XON at first");
	check((t.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR), "output turns NL into CR NL at first");
	check((t.c_lflag & (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN)) ==
		      (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN), "lines are edited and echoed at first");
	check((t.c_cflag & (CSIZE | CREAD)) == (CS8 | CREAD), "eight bits are received at first");
	equal(cfgetospeed(&t), B38400, "the speed is 38400 at first");
	check(t.c_cc[VINTR] == 3 && t.c_cc[VQUIT] == 28 && t.c_cc[VERASE] == 127 && t.c_cc[VKILL] == 21 && t.c_cc[VEOF] == 4,
	      "the editing characters are ^C ^\\ ^? ^U ^D");
	check(t.c_cc[VSUSP] == 26 && t.c_cc[VSTART] == 17 && t.c_cc[VSTOP] == 19 && t.c_cc[VWERASE] == 23 && t.c_cc[VLNEXT] == 22,
	      "and ^Z ^Q ^S ^W ^V");
	check(t.c_cc[VMIN] == 1 && t.c_cc[VTIME] == 0, "VMIN is 1 and VTIME 0");
	t.c_lflag &= ~ECHO, t.c_cc[VINTR] = 'i';
	equal(tcsetattr(slave, TCSADRAIN, &t), 0, "TCSETSW sets them");
	require(tcgetattr(master, &again) == 0);
	check(!(again.c_lflag & ECHO) && again.c_cc[VINTR] == 'i', "the master tells the slave's settings");
	int p[2];
	require(pipe(p) == 0);
	fails(tcgetattr(p[0], &t), ENOTTY, "a pipe gives ENOTTY");
}

CASE(lines)
{
	open_pair();
	type("he");
	equal(readable(), 0, "an unfinished line cannot be read");
	same(shown("he"), "he", "but is echoed at once");
	type("llo\n");
	same(shown("llo\r\n"), "llo\r\n", "a newline is echoed as CR NL");
	equal(readable(), 1, "then it can be read");
	same(line(), "hello\n", "with its newline");
	type("one\ntwo\n");
	same(line(), "one\n", "a read gives one line");
	same(line(), "two\n", "the next read the next");
	type("long line\n");
	char part[5] = "";
	equal(read(slave, part, 4), 4, "a read may take a part of a line");
	same(line(), " line\n", "the rest stays");
	type("cr\r");
	same(line(), "cr\n", "ICRNL turns CR into NL");
	type("partial\x04");
	same(line(), "partial", "^D gives the line without a newline");
	type("\x04");
	equal(read(slave, part, 4), 0, "^D on an empty line is the end of the file");
	type("after\n");
	same(line(), "after\n", "after which reading goes on");
	fcntl(slave, F_SETFL, O_NONBLOCK);
	fails(read(slave, part, 4), EAGAIN, "without a line a read that does not wait gives EAGAIN");
	int n = -1;
	type("12345\n");
	require(readable()); /* on Linux the line is worked on apart; poll waits for that, FIONREAD does not */
	require(ioctl(slave, FIONREAD, &n) == 0);
	equal(n, 6, "FIONREAD tells the line's length");
	equal(tcflush(slave, TCIFLUSH), 0, "tcflush succeeds");
	equal(readable(), 0, "and drops what was typed");
}

CASE(editing)
{
	open_pair();
	type("abx\x7f" "c\n");
	same(line(), "abc\n", "erase takes back a character");
	same(shown("abx\b \bc\r\n"), "abx\b \bc\r\n", "on the screen, too");
	type("wrong\x15right\n");
	same(line(), "right\n", "^U takes back the line");
	skip_to("right\r\n");
	type("one two\x17three\n");
	same(line(), "one three\n", "^W takes back a word");
	type("\x7f\x7fok\n");
	same(line(), "ok\n", "erase at the beginning does nothing");
	type("a\x16\x03z\n");
	same(line(), "a\x03z\n", "^V takes the next character literally");
	skip_to("z\r\n");
	type("\x01\n");
	same(shown("^A\r\n"), "^A\r\n", "a control character is echoed with a caret");
	line();
	local(ECHO, 0);
	type("secret\n");
	same(line(), "secret\n", "without ECHO lines are read as before");
	doze(30);
	same(available(master), "", "and nothing is shown");
	local(ECHONL, 1);
	type("x\n");
	same(shown("\r\n"), "\r\n", "ECHONL shows the newline alone");
	line();
	struct termios t;
	tcgetattr(slave, &t);
	t.c_iflag |= IUTF8;
	tcsetattr(slave, TCSANOW, &t);
	type("a\xc3\xa4\x7f" "b\n");
	same(line(), "ab\n", "with IUTF8 erase takes back a whole character");
}

CASE(raw)
{
	char buffer[16];
	struct termios t;
	open_pair();
	require(tcgetattr(slave, &t) == 0);
	cfmakeraw(&t);
	require(tcsetattr(slave, TCSANOW, &t) == 0);
	type("x");
	equal(read(slave, buffer, 16), 1, "without ICANON a character is read at once");
	type("\x03\x04\r\x7f");
	equal(read(slave, buffer, 16), 4, "raw input has no special characters");
	check(memcmp(buffer, "\x03\x04\r\x7f", 4) == 0, "nor is it changed");
	equal(write(slave, "a\nb", 3), 3, "raw output is written");
	same(shown("a\nb"), "a\nb", "unchanged");
	t.c_cc[VMIN] = 3;
	tcsetattr(slave, TCSANOW, &t);
	type("ab");
	equal(readable(), 0, "with VMIN 3 two characters are not enough");
	type("c");
	equal(read(slave, buffer, 16), 3, "but three are");
	t.c_cc[VMIN] = 0, t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSANOW, &t);
	equal(read(slave, buffer, 16), 0, "with VMIN 0 and VTIME 0 a read gives 0 when there is nothing");
	t.c_cc[VTIME] = 1;
	tcsetattr(slave, TCSANOW, &t);
	struct timespec before, after;
	clock_gettime(CLOCK_MONOTONIC, &before);
	equal(read(slave, buffer, 16), 0, "with VTIME 1 it gives 0");
	clock_gettime(CLOCK_MONOTONIC, &after);
	check((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 90, "after a tenth of a second");
	t.c_lflag |= ICANON;
	tcsetattr(slave, TCSANOW, &t);
	type("line\n");
	same(line(), "line\n", "lines can be switched on again");
}

CASE(output)
{
	open_pair();
	equal(write(slave, "one\ntwo", 7), 7, "output is counted as it was written");
	same(shown("one\r\ntwo"), "one\r\ntwo", "and shown with CR NL");
	struct termios t;
	tcgetattr(slave, &t);
	t.c_oflag &= ~OPOST;
	tcsetattr(slave, TCSANOW, &t);
	require(write(slave, "\n", 1) == 1);
	same(shown("\n"), "\n", "without OPOST NL stays NL");
	equal(tcdrain(slave), 0, "tcdrain succeeds");
	t.c_oflag |= OPOST | TABDLY;
	tcsetattr(slave, TCSANOW, &t);
	require(write(slave, "\r\tx", 3) == 3);
	same(shown("\r        x"), "\r        x", "XTABS turns a tab into spaces");
	equal(tcflow(slave, TCOOFF), 0, "output can be held");
	fcntl(slave, F_SETFL, O_NONBLOCK);
	fails(write(slave, "held", 4), EAGAIN, "then a write that does not wait gives EAGAIN");
	equal(tcflow(slave, TCOON), 0, "output can go on");
	require(write(slave, "free", 4) == 4);
	same(shown("free"), "free", "and is shown");
}

CASE(sizes)
{
	struct winsize size = { 24, 80, 0, 0 }, told = { 9, 9, 9, 9 };
	open_pair();
	equal(ioctl(slave, TIOCGWINSZ, &told), 0, "TIOCGWINSZ succeeds");
	check(told.ws_row == 0 && told.ws_col == 0, "a new terminal has no size");
	equal(ioctl(master, TIOCSWINSZ, &size), 0, "the master can set it");
	ioctl(slave, TIOCGWINSZ, &told);
	check(told.ws_row == 24 && told.ws_col == 80, "and the slave tells it");
	size.ws_row = 50;
	ioctl(slave, TIOCSWINSZ, &size);
	ioctl(master, TIOCGWINSZ, &told);
	equal(told.ws_row, 50, "it works the other way, too");
}

CASE(pairs)
{
	char byte, name[32];
	struct stat status;
	unsigned number;
	int locked = 1;
	open_pair();
	require(ioctl(master, TIOCGPTN, &number) == 0);
	snprintf(name, sizeof name, "/dev/pts/%u", number);
	require(stat(name, &status) == 0);
	check(S_ISCHR(status.st_mode) && status.st_rdev >> 8 == 136, "a slave is a character device with major number 136");
	equal(status.st_uid, getuid(), "it belongs to who opened the master");
	ioctl(master, TIOCSPTLCK, &locked);
	fails(open(name, O_RDWR | O_NOCTTY), EIO, "a locked slave gives EIO");
	locked = 0;
	ioctl(master, TIOCSPTLCK, &locked);
	int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	check(peer >= 0, "TIOCGPTPEER opens the slave");
	close(peer);
	close(slave);
	fails(read(master, &byte, 1), EIO, "with the last slave closed the master's read gives EIO");
	struct pollfd entry = { master, POLLIN, 0 };
	poll(&entry, 1, 0);
	check(entry.revents & POLLHUP, "and poll tells POLLHUP");
	slave = open(name, O_RDWR | O_NOCTTY);
	check(slave >= 0, "the slave can be opened again");
	close(master);
	equal(read(slave, &byte, 1), 0, "with the master closed the slave is at its end");
	fails(write(slave, "x", 1), EIO, "and a write gives EIO");
	fails(open(name, O_RDWR | O_NOCTTY), ENOENT, "its node is gone");
}

CASE(transfers)
{
	int status, file = syscall(SYS_memfd_create, "zeroes", 0);
	open_pair();
	local(ECHO, 0);
	require(ftruncate(file, 1ll << 31) == 0);
	pid_t child = fork();
	if (child == 0) {
		sendfile(master, file, NULL, 1ll << 31);
		_exit(0);
	}
	doze(50);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "who sends gigabytes to a terminal can be killed");
}

SUITE(RUN(settings), RUN(lines), RUN(editing), RUN(raw), RUN(output), RUN(sizes), RUN(pairs), RUN(transfers))
