/* Descriptors: numbers, duplicates, flags, what fork and dup share, and file locks. */
#include "tap.h"
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

CASE(numbers)
{
	make_file("f", "");
	int a = open("f", O_RDONLY), b = open("f", O_RDONLY), c = open("f", O_RDONLY);
	check(b == a + 1 && c == a + 2, "open gives the lowest free descriptor");
	equal(close(a), 0, "close succeeds");
	fails(close(a), EBADF, "closing twice gives EBADF");
	equal(open("f", O_RDONLY), a, "a closed number is used again");
	fails(close(-1), EBADF, "closing -1 gives EBADF");
	fails(close(INT_MAX), EBADF, "closing a huge number gives EBADF");
	close(0);
	equal(open("f", O_RDONLY), 0, "0 is a number like any other");
}

CASE(duplicates)
{
	char byte;
	make_file("f", "abcdef");
	int fd = open("f", O_RDWR | O_CLOEXEC), other = open("f", O_RDWR);
	int copy = dup(fd);
	check(copy > other, "dup gives the lowest free descriptor");
	equal(fcntl(copy, F_GETFD), 0, "a duplicate is not close-on-exec");
	equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "the original stays close-on-exec");
	equal(read(fd, &byte, 1), 1, "reading through the original");
	equal(lseek(copy, 0, SEEK_CUR), 1, "advances the duplicate's offset");
	equal(lseek(other, 0, SEEK_CUR), 0, "but not that of another open");
	equal(fcntl(fd, F_SETFL, O_APPEND), 0, "F_SETFL sets a status flag");
	check(fcntl(copy, F_GETFL) & O_APPEND, "which the duplicate shares");
	check(!(fcntl(other, F_GETFL) & O_APPEND), "but not another open");
	equal(dup2(fd, 77), 77, "dup2 gives the number asked for");
	equal(dup2(fd, fd), fd, "dup2 to the same number does nothing");
	equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "not even to close-on-exec");
	fails(dup2(99, 99), EBADF, "dup2 of a closed descriptor to itself gives EBADF");
	fails(dup2(99, fd), EBADF, "dup2 of a closed descriptor gives EBADF");
	check(fcntl(fd, F_GETFD) != -1, "and leaves the other one open");
	fails(syscall(SYS_dup3, fd, fd, 0), EINVAL, "dup3 to the same number gives EINVAL");
	fails(syscall(SYS_dup3, fd, 78, O_APPEND), EINVAL, "dup3 with another flag gives EINVAL");
	equal(syscall(SYS_dup3, fd, 78, O_CLOEXEC), 78, "dup3 takes O_CLOEXEC");
	equal(fcntl(78, F_GETFD), FD_CLOEXEC, "and sets close-on-exec");
	equal(fcntl(fd, F_DUPFD, 100), 100, "F_DUPFD starts at its argument");
	equal(fcntl(fd, F_DUPFD, 100), 101, "and goes on to the next free one");
	equal(fcntl(fd, F_DUPFD_CLOEXEC, 100), 102, "F_DUPFD_CLOEXEC does the same");
	equal(fcntl(102, F_GETFD), FD_CLOEXEC, "and sets close-on-exec, too");
	fails(fcntl(fd, F_DUPFD, -1), EINVAL, "F_DUPFD from a negative number gives EINVAL");
	fails(dup2(fd, -1), EBADF, "dup2 to a negative number gives EBADF");
	dup2(other, copy);
	check(fcntl(copy, F_GETFL) != -1 && lseek(copy, 0, SEEK_CUR) == 0, "dup2 replaces an open descriptor");
}

CASE(shared_with_children)
{
	char byte;
	make_file("f", "abcdef");
	int fd = open("f", O_RDWR);
	equal(in_child(lseek(fd, 3, SEEK_SET)), 0, "a child can move an inherited descriptor's offset");
	equal(lseek(fd, 0, SEEK_CUR), 3, "fork shares the offset of open files");
	equal(in_child(fcntl(fd, F_SETFL, O_APPEND)), 0, "a child can change its status flags");
	check(fcntl(fd, F_GETFL) & O_APPEND, "fork shares status flags");
	equal(in_child(fcntl(fd, F_SETFD, FD_CLOEXEC)), 0, "a child can set close-on-exec");
	equal(fcntl(fd, F_GETFD), 0, "fork does not share close-on-exec");
	equal(in_child(close(fd)), 0, "a child can close it");
	equal(read(fd, &byte, 1), 1, "which leaves the parent's descriptor open");
}

CASE(control)
{
	make_file("f", "");
	int fd = open("f", O_RDWR);
	equal(fcntl(fd, F_SETFD, FD_CLOEXEC), 0, "F_SETFD sets close-on-exec");
	equal(fcntl(fd, F_SETFD, 0), 0, "F_SETFD clears it");
	equal(fcntl(fd, F_GETFD), 0, "F_GETFD tells");
	equal(fcntl(fd, F_SETFL, O_WRONLY | O_NONBLOCK | O_CREAT), 0, "F_SETFL accepts what it cannot change");
	equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK, "and changes only the status flags");
	fails(fcntl(fd, 9999), EINVAL, "an unknown fcntl gives EINVAL");
	fails(fcntl(99, F_GETFD), EBADF, "fcntl of a closed descriptor gives EBADF");
	fails(syscall(SYS_ioctl, fd, 0x5401, NULL), ENOTTY, "a terminal's ioctl on a file gives ENOTTY");
	int link = open("f", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	equal(link, -1, "contradicting open flags are refused");
}

CASE(ranges)
{
	make_file("f", "");
	for (int fd = 20; fd < 30; fd++)
		dup2(0, fd);
	equal(syscall(SYS_close_range, 22, 25, 0), 0, "close_range closes a range");
	check(fcntl(21, F_GETFD) != -1 && fcntl(26, F_GETFD) != -1, "and nothing around it");
	check(fcntl(22, F_GETFD) == -1 && fcntl(25, F_GETFD) == -1, "with both ends");
	equal(syscall(SYS_close_range, 26, 28, 4), 0, "CLOSE_RANGE_CLOEXEC is accepted");
	check(fcntl(26, F_GETFD) == FD_CLOEXEC && fcntl(29, F_GETFD) == 0, "and only sets close-on-exec");
	fails(syscall(SYS_close_range, 5, 4, 0), EINVAL, "a range upside down gives EINVAL");
	fails(syscall(SYS_close_range, 50, 60, 1 << 5), EINVAL, "an unknown flag gives EINVAL");
}

CASE(table_limit)
{
	struct rlimit limit = { 32, 32 };
	make_file("f", "");
	require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	int fd, last = -1;
	while ((fd = open("f", O_RDONLY)) >= 0)
		last = fd;
	equal(errno, EMFILE, "more descriptors than RLIMIT_NOFILE give EMFILE");
	fails(open("/no/such/file", O_RDONLY), EMFILE, "also where there is nothing to open");
	fails(openat(-1, "name", O_RDONLY), EMFILE, "or no directory");
	fails(open("", O_RDONLY), ENOENT, "but for an empty name");
	equal(last, 31, "the last one is the limit less one");
	fails(dup(0), EMFILE, "dup gives EMFILE, too");
	fails(dup2(0, 32), EBADF, "dup2 to the limit gives EBADF");
	fails(fcntl(0, F_DUPFD, 32), EINVAL, "F_DUPFD from the limit gives EINVAL");
	int pipes[2];
	close(31);
	fails(pipe(pipes), EMFILE, "pipe with one descriptor left gives EMFILE");
	equal(dup(0), 31, "and takes none");
}

/* A process with the same descriptors. */
static pid_t fork_sharing_files(void)
{
	return syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
}

/* Waits until a process that shares the descriptors, of which those from `base` on are free, has taken a number for what it
 * opens; gives that. Looking for it takes numbers, so it need not be the first. */
static int reserved_number(int base)
{
	for (int held = 1;; held = held % 50 + 1) {
		int reserved = -1;
		for (int i = 0; i < held; i++)
			if (dup(0) != base + i && reserved == -1)
				reserved = base + i;
		for (int i = 0; i <= held; i++)
			if (base + i != reserved)
				close(base + i);
		if (reserved != -1)
			return reserved;
		sched_yield();
	}
}

CASE(numbers_of_what_is_being_opened)
{
	char name[32];
	int base = dup(0);
	close(base);
	require(mkfifo("fifo", 0600) == 0);
	pid_t opener = fork_sharing_files();
	if (opener == 0)
		_exit(open("fifo", O_RDONLY));
	int number = reserved_number(base);
	fails(syscall(SYS_dup2, 0, number), EBUSY, "dup2 to the number of what is being opened gives EBUSY");
	fails(fcntl(number, F_GETFD), EBADF, "it is not open yet");
	fails(close(number), EBADF, "and cannot be closed");
	snprintf(name, sizeof name, "/proc/self/fd/%d", number);
	fails(access(name, F_OK), ENOENT, "nor seen in /proc");
	equal(in_child(_exit(syscall(SYS_dup2, 0, number))), number, "a child does not have it");
	int writer = open("fifo", O_WRONLY);
	equal(ended_with(opener), number, "open gives it when it is done");
	equal(fcntl(number, F_GETFD), 0, "and all see the file then");
	close(number), close(writer);
	opener = fork_sharing_files();
	if (opener == 0)
		_exit(open("fifo", O_RDONLY));
	number = reserved_number(base);
	kill(opener, SIGKILL), status_of(opener);
	equal(syscall(SYS_dup2, 0, number), number, "the end of the process that opens gives the number back");
}

CASE(last_number_for_a_connection)
{
	struct sockaddr_un name = { AF_UNIX, "listening" };
	int listening = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), last = dup(0), extra;
	require(bind(listening, (void *)&name, sizeof name) == 0 && listen(listening, 5) == 0);
	struct rlimit limit = { last + 1, last + 1 };
	require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	close(last);
	pid_t accepter = fork_sharing_files();
	if (accepter == 0) {
		int fd;
		while ((fd = accept(listening, NULL, NULL)) == -1 && errno == EMFILE)
			sched_yield();
		_exit(fd);
	}
	while ((extra = dup(0)) != -1)
		close(extra), sched_yield();
	equal(errno, EMFILE, "accept takes a number before it waits");
	require(connect(client, (void *)&name, sizeof name) == 0);
	equal(ended_with(accepter), last, "and has it when a connection comes");
}

CASE(whole_file_locks)
{
	make_file("f", "");
	int a = open("f", O_RDWR), b = open("f", O_RDWR);
	equal(flock(a, LOCK_EX), 0, "flock takes an exclusive lock");
	fails(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK, "another open of the file is refused");
	equal(flock(dup(a), LOCK_EX | LOCK_NB), 0, "a duplicate holds the same lock");
	equal(flock(a, LOCK_SH), 0, "a lock can be made shared");
	equal(flock(b, LOCK_SH | LOCK_NB), 0, "two may share it");
	fails(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK, "a shared lock keeps exclusive ones out");
	equal(flock(b, LOCK_UN), 0, "LOCK_UN gives it up");
	equal(flock(a, LOCK_EX | LOCK_NB), 0, "then it can be exclusive again");
	pid_t waiting = fork();
	if (waiting == 0)
		_exit(flock(b, LOCK_EX) ? 1 : 0);
	doze(50);
	equal(waitpid(waiting, NULL, WNOHANG), 0, "flock waits for a lock");
	flock(a, LOCK_UN);
	equal(ended_with(waiting), 0, "and gets it when it is given up");
}

CASE(record_locks)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	make_file("f", "");
	int fd = open("f", O_RDWR);
	equal(fcntl(fd, F_SETLK, &lock), 0, "F_SETLK locks a range");
	equal(in_child(if (fcntl(fd, F_SETLK, &lock) == -1) _exit(errno)), EAGAIN, "another process is refused with EAGAIN");
	equal(in_child(lock.l_start = 20; if (fcntl(fd, F_SETLK, &lock)) _exit(errno)), 0, "but not behind the range");
	equal(in_child(lock.l_start = 0; lock.l_len = 0; if (fcntl(fd, F_GETLK, &lock)) _exit(99);
		       _exit(lock.l_type == F_WRLCK && lock.l_start == 10 && lock.l_len == 10 && lock.l_pid == getppid() ? 0 : 1)),
	      0, "F_GETLK tells the lock and its holder");
	lock.l_start = 13, lock.l_len = 2, lock.l_type = F_UNLCK;
	equal(fcntl(fd, F_SETLK, &lock), 0, "a part of a range can be unlocked");
	equal(in_child(lock.l_type = F_WRLCK; if (fcntl(fd, F_SETLK, &lock)) _exit(errno)), 0, "and locked by others");
	equal(in_child(lock.l_type = F_RDLCK; lock.l_start = 15; if (fcntl(fd, F_SETLK, &lock)) _exit(errno)), EAGAIN,
	      "the rest of it stays locked");
	close(open("f", O_RDONLY));
	equal(in_child(lock.l_type = F_WRLCK; lock.l_start = 15; if (fcntl(fd, F_SETLK, &lock)) _exit(errno)), 0,
	      "closing any descriptor of the file drops a process's locks");
	int reader = open("f", O_RDONLY);
	lock.l_type = F_WRLCK;
	fails(fcntl(reader, F_SETLK, &lock), EBADF, "a write lock needs a descriptor open for writing");
}

CASE(description_locks)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
	make_file("f", "");
	int a = open("f", O_RDWR), b = open("f", O_RDWR);
	equal(fcntl(a, F_OFD_SETLK, &lock), 0, "F_OFD_SETLK locks a range");
	fails(fcntl(b, F_OFD_SETLK, &lock), EAGAIN, "another open in the same process is refused");
	equal(in_child(if (fcntl(a, F_OFD_SETLK, &lock)) _exit(errno)), 0, "a child shares the lock");
	lock.l_pid = 1;
	fails(fcntl(a, F_OFD_SETLK, &lock), EINVAL, "a process number in the lock gives EINVAL");
	lock.l_pid = 0;
	close(a);
	equal(fcntl(b, F_OFD_SETLK, &lock), 0, "the last close drops the lock");
}

CASE(memory_files)
{
	int fd = syscall(SYS_memfd_create, "name", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	check(fd >= 0, "memfd_create makes a file in memory");
	equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "MFD_CLOEXEC sets close-on-exec");
	equal(write(fd, "text", 4), 4, "it can be written");
	equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK), 0, "it can be sealed");
	equal(fcntl(fd, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_SHRINK, "F_GET_SEALS tells the seals");
	fails(write(fd, "x", 1), EPERM, "a sealed file cannot be written");
	fails(ftruncate(fd, 0), EPERM, "nor shortened");
	equal(ftruncate(fd, 100), 0, "but lengthened, when that is not sealed");
	fails(syscall(SYS_memfd_create, "name", 1 << 20), EINVAL, "an unknown flag gives EINVAL");
	int plain = syscall(SYS_memfd_create, "name", 0);
	fails(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE), EPERM, "without MFD_ALLOW_SEALING sealing gives EPERM");
}

SUITE(RUN(numbers), RUN(duplicates), RUN(shared_with_children), RUN(control), RUN(ranges), RUN(table_limit),
      RUN(numbers_of_what_is_being_opened), RUN(last_number_for_a_connection), RUN(whole_file_locks),
      RUN(record_locks), RUN(description_locks), RUN(memory_files))
