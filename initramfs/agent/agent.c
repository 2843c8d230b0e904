/*
 * The agent: the guest's end of `cargo xtask run`.
 *
 * It is started by init (never as pid 1) and speaks to xtask over the second serial line; line.h says how.
 *
 * With a command file it runs the command in a session of its own, on pipes, carries its streams, reports how it
 * ended and powers the machine off. Without one it hands on the size of the terminal behind the console and
 * tells when the guest shuts down in good order.
 *
 * Nothing but POSIX calls that any kernel with a tty and processes has.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "line.h"

#define CONSOLE "/dev/ttyS0"
#define COMMAND "/etc/serix/command"
#define WINDOW_SIZE "/etc/serix/window-size"

#define VERSION 1

/* What a dead command can have left in a pipe. Whoever still writes to it writes for nobody. */
#define PIPE_CAPACITY (1024 * 1024)

static int wake[2];          /* a signal handler writes to wake[1] */
static int input = -1;       /* the command's standard input, or -1 */
static int output[2] = { -1, -1 }; /* its standard output and error, or -1 */

/* Standard input that the command has not taken yet. */
static unsigned char held[WINDOW];
static size_t held_from, held_count;
static int held_end;         /* nothing follows what is held */
static size_t taken;         /* what the command took since credit was last given */

static void send_credit(size_t count)
{
    unsigned char number[4];
    for (int i = 0; i < 4; i++)
        number[i] = (unsigned char)(count >> (8 * i));
    send_frame('c', number, sizeof number);
}

static void send_failure(const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    send_frame('f', text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

/* Waits until everything has left the line, and ends the machine. */
static void power_off(void)
{
    sync();
    tcdrain(line);
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}

static void on_signal(int signal)
{
    int error = errno;
    char byte = (char)signal;
    if (write(wake[1], &byte, 1) < 0) {
        /* The pipe is full, so the loop wakes up anyway. */
    }
    errno = error;
}

static void close_at_exec(int fd)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void set_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void set_window_size(unsigned rows, unsigned columns)
{
    struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };
    int console = open(CONSOLE, O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (console >= 0) {
        ioctl(console, TIOCSWINSZ, &size);
        close(console);
    }
}

/* Reads a whole file. Gives NULL when it cannot. */
static char *read_file(const char *path)
{
    size_t size = 0, space = CHUNK;
    char *text = malloc(space);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return NULL;
    while (text) {
        ssize_t count = read(fd, text + size, space - size - 1);
        if (count <= 0)
            break;
        size += (size_t)count;
        if (space - size == 1) {
            space *= 2;
            text = realloc(text, space);
        }
    }
    close(fd);
    if (text)
        text[size] = 0;
    return text;
}

/* In the child: becomes the shell, with nothing of init or the agent left over. */
static void become_command(const char *text, int ends[3], int trouble)
{
    static char *const environment[] = {
        "PATH=/sbin:/bin:/usr/sbin:/usr/bin", "HOME=/root", "USER=root",
        "LOGNAME=root", "SHELL=/bin/sh", "TERM=vt100", NULL,
    };
    char *const words[] = { "sh", "-c", (char *)text, NULL };
    sigset_t none;

    setsid();
    for (int i = 0; i < 3; i++)
        dup2(ends[i], i);
    for (int number = 1; number < 65; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(022);
    if (chdir("/") == 0)
        execve("/bin/sh", words, environment);
    write_all(trouble, &errno, sizeof errno);
    _exit(127);
}

/* Starts the command on pipes. Gives its process, or -1 after telling why not. */
static pid_t start_command(const char *text)
{
    int in[2], out[2], err[2], trouble[2], reason;

    if (pipe(in) < 0 || pipe(out) < 0 || pipe(err) < 0 || pipe(trouble) < 0) {
        send_failure("no pipes: %s", strerror(errno));
        return -1;
    }
    /* The command's own ends, too: it has them as 0, 1 and 2. */
    int all[] = { in[0], in[1], out[0], out[1], err[0], err[1], trouble[0], trouble[1] };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        close_at_exec(all[i]);

    pid_t child = fork();
    if (child < 0) {
        send_failure("no process: %s", strerror(errno));
        return -1;
    }
    if (child == 0)
        become_command(text, (int[]){ in[0], out[1], err[1] }, trouble[1]);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    close(trouble[1]);
    if (read(trouble[0], &reason, sizeof reason) == sizeof reason) {
        send_failure("cannot start /bin/sh: %s", strerror(reason));
        return -1;
    }
    close(trouble[0]);

    input = in[1];
    output[0] = out[0];
    output[1] = err[0];
    set_nonblocking(input);
    set_nonblocking(output[0]);
    set_nonblocking(output[1]);
    return child;
}

/* Carries one piece of an output stream. Gives how much that was: 0 when there is none now. */
static size_t carry_output(int stream)
{
    char piece[CHUNK];
    ssize_t count = read(output[stream], piece, sizeof piece);
    if (count > 0) {
        send_frame(stream == 0 ? 'o' : 'e', piece, (size_t)count);
        return (size_t)count;
    }
    if (count == 0) {
        close(output[stream]);
        output[stream] = -1;
    }
    return 0;
}

static void close_input(void)
{
    close(input);
    input = -1;
}

/* Hands held input to the command, as much as it takes now. */
static void feed(void)
{
    if (held_count > 0) {
        ssize_t count = write(input, held + held_from, held_count);
        if (count < 0 && errno != EAGAIN && errno != EINTR) {
            close_input(); /* the command has closed its end; no credit, so no more will come */
            return;
        }
        if (count > 0) {
            held_from += (size_t)count;
            held_count -= (size_t)count;
            taken += (size_t)count;
        }
    }
    if (taken >= WINDOW / 4 || (taken > 0 && held_count == 0)) {
        send_credit(taken);
        taken = 0;
    }
    if (held_count == 0 && held_end)
        close_input();
}

static void hold(const unsigned char *bytes, size_t count)
{
    if (input < 0)
        return;
    memmove(held, held + held_from, held_count);
    held_from = 0;
    if (count > WINDOW - held_count)
        count = WINDOW - held_count; /* more than there was credit for */
    memcpy(held + held_count, bytes, count);
    held_count += count;
}

static void obey(char type, const unsigned char *payload, size_t length)
{
    switch (type) {
    case 'i':
        hold(payload, length);
        break;
    case 'z':
        held_end = 1;
        break;
    case 'q':
        /* Nobody reads this stream any more: the command's next write gives it SIGPIPE. */
        if (length == 1 && (payload[0] == 1 || payload[0] == 2) && output[payload[0] - 1] >= 0) {
            close(output[payload[0] - 1]);
            output[payload[0] - 1] = -1;
        }
        break;
    case 'w':
        if (length == 4)
            set_window_size(payload[0] | payload[1] << 8, payload[2] | payload[3] << 8);
        break;
    }
    if (input >= 0)
        feed();
}

/* Waits for something to do, and does it. Gives the number of a signal that came, or 0. */
static int serve(void)
{
    struct pollfd watched[] = {
        { .fd = wake[0], .events = POLLIN },
        { .fd = line, .events = POLLIN },
        { .fd = output[0], .events = POLLIN },
        { .fd = output[1], .events = POLLIN },
        { .fd = held_count > 0 ? input : -1, .events = POLLOUT },
    };
    char signal = 0;

    if (poll(watched, sizeof watched / sizeof *watched, -1) < 0)
        return 0;
    if (watched[1].revents)
        receive_frames(obey);
    for (int stream = 0; stream < 2; stream++)
        if (watched[2 + stream].revents && output[stream] >= 0)
            carry_output(stream);
    if (watched[4].revents && input >= 0)
        feed();
    if (watched[0].revents && read(wake[0], &signal, 1) != 1)
        signal = 0;
    return signal;
}

/* Runs the command to its end and powers off. */
static void run(const char *text)
{
    int status;
    pid_t child = start_command(text);
    if (child < 0)
        power_off();
    send_credit(WINDOW);
    while (waitpid(child, &status, WNOHANG) != child)
        serve();

    /* What it wrote is in the pipes. Its background processes may keep them open for ever, so no end is waited for. */
    for (int stream = 0; stream < 2; stream++)
        for (size_t sum = 0, piece; output[stream] >= 0 && sum < PIPE_CAPACITY; sum += piece)
            if ((piece = carry_output(stream)) == 0)
                break;

    unsigned char number = (unsigned char)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    sync();
    send_frame(WIFSIGNALED(status) ? 'k' : 'x', &number, 1);
    power_off();
}

/* Gives the console the size that was known at the start, then lets init go on and follows changes. */
static void attend(void)
{
    unsigned rows, columns;
    char *size = read_file(WINDOW_SIZE);
    if (size && sscanf(size, "%u %u", &rows, &columns) == 2)
        set_window_size(rows, columns);
    if (fork() > 0)
        _exit(0);
    while (serve() != SIGTERM)
        continue;
    send_frame('b', NULL, 0);
    tcdrain(line);
}

int main(void)
{
    const struct sigaction caught = { .sa_handler = on_signal };
    const unsigned char version = VERSION;

    if (pipe(wake) < 0) {
        perror("agent: pipe");
        return 1;
    }
    for (int i = 0; i < 2; i++) {
        close_at_exec(wake[i]);
        set_nonblocking(wake[i]);
    }
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGCHLD, &caught, NULL);
    sigaction(SIGTERM, &caught, NULL);

    open_line();
    send_frame('h', &version, 1);
    char *command = read_file(COMMAND);
    if (command)
        run(command);
    attend();
    return 0;
}
