/* The serial line to xtask, and the frames on it: see line.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "line.h"

#define LINE "/dev/ttyS1"
#define TRIGGER "/sys/class/tty/ttyS1/rx_trig_bytes"

enum { HEADER = 5 };

int line = -1;

/* What came and is no whole frame yet. */
static unsigned char arrived[HEADER + WINDOW];
static size_t arrived_count;

int write_all(int fd, const void *bytes, size_t count)
{
    const char *next = bytes;
    while (count > 0) {
        ssize_t done = write(fd, next, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        next += done;
        count -= (size_t)done;
    }
    return 0;
}

void send_frame(char type, const void *payload, size_t length)
{
    unsigned char frame[HEADER + CHUNK];
    if (length > CHUNK)
        length = CHUNK;
    frame[0] = (unsigned char)type;
    for (int i = 0; i < 4; i++)
        frame[1 + i] = (unsigned char)(length >> (8 * i));
    if (length > 0)
        memcpy(frame + HEADER, payload, length);
    write_all(line, frame, HEADER + length);
}

void open_line(void)
{
    struct termios mode;
    line = open(LINE, O_RDWR | O_NOCTTY);
    if (line < 0 || tcgetattr(line, &mode) < 0) {
        perror("agent: " LINE);
        exit(1);
    }
    mode.c_iflag = 0;
    mode.c_oflag = 0;
    mode.c_lflag = 0;
    mode.c_cflag = CS8 | CREAD | CLOCAL | B115200;
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    tcsetattr(line, TCSANOW, &mode);
    fcntl(line, F_SETFD, FD_CLOEXEC);

    /* Linux interrupts at 8 of the UART's 16 bytes unless told otherwise; at 14, input is half as fast again. */
    int trigger = open(TRIGGER, O_WRONLY);
    if (trigger >= 0) {
        write_all(trigger, "14", 2);
        close(trigger);
    }
}

void receive_frames(void (*obey)(char type, const unsigned char *payload, size_t length))
{
    ssize_t count = read(line, arrived + arrived_count, sizeof arrived - arrived_count);
    if (count <= 0)
        return;
    arrived_count += (size_t)count;

    size_t from = 0;
    while (arrived_count - from >= HEADER) {
        const unsigned char *frame = arrived + from;
        size_t length = frame[1] | (size_t)frame[2] << 8 | (size_t)frame[3] << 16 | (size_t)frame[4] << 24;
        if (length > WINDOW) {
            fprintf(stderr, "agent: the line is out of step\n");
            exit(1);
        }
        if (arrived_count - from - HEADER < length)
            break;
        obey((char)frame[0], frame + HEADER, length);
        from += HEADER + length;
    }
    arrived_count -= from;
    memmove(arrived, arrived + from, arrived_count);
}
