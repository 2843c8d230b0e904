/*
 * The serial line to xtask, and the frames on it.
 *
 * A frame is a type (one byte), a length (32 bits, little-endian) and that many bytes; xtask/src/guest/frame.rs is the
 * other end. The line is raw, so every byte value passes.
 */

#ifndef LINE_H
#define LINE_H

#include <stddef.h>

/*
 * How much standard input may be under way, and the largest payload that is accepted: the line's driver must hold
 * what the agent has not read yet.
 */
#define WINDOW 16384

/* The largest payload that is sent. */
#define CHUNK 4096

/* The line's descriptor, for poll. */
extern int line;

/* Opens the line and makes it raw; ends the program when there is none. */
void open_line(void);

/* Sends a frame; what exceeds CHUNK is left out. Blocks while the host does not read. */
void send_frame(char type, const void *payload, size_t length);

/* Reads what has come, and hands every frame that is whole to `obey`. */
void receive_frames(void (*obey)(char type, const unsigned char *payload, size_t length));

/* Writes everything, however many calls it takes. Gives -1 when the other end is gone. */
int write_all(int fd, const void *bytes, size_t count);

#endif
