/*
 * A file that appears under its name only when it is complete. Until
 * output_commit() it is `.murder-RANDOM` in the same directory, mode 0600. All
 * steps go through the descriptor of that directory, so nobody can swap it
 * meanwhile; an existing regular file is replaced in one step; symbolic links
 * and everything else at the name are refused, never followed.
 */
#ifndef MURDER_IO_OUTPUT_H
#define MURDER_IO_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/span.h"
#include "io/ioerr.h"

struct output;

/* Begins the file that will be path, with that mode (less the umask) at the
 * end. Owned: end it with output_commit() or output_discard(). Errors:
 * STATUS_DISK. At most OUTPUT_MAX at a time in a process. */
#define OUTPUT_MAX 8
int output_new(
    struct output **out, const char *path, mode_t mode, struct ioerr *e);

/* The last component of path: "x.tgz" of "/tmp/x.tgz". */
const char *output_base(const struct output *o);
int output_fd(const struct output *o);
const char *output_path(const struct output *o);

/* Whether both would be the same name in the same directory. */
bool output_same(const struct output *a, const struct output *b);

/* Appends all bytes. */
int output_write(struct output *o, struct span bytes, struct ioerr *e);

/* Makes it a copy of the length bytes of fd, sharing the blocks if the file
 * system can. name is fd's, for messages. */
int output_copy(struct output *o, int fd, uint64_t length, const char *name,
    struct ioerr *e);

/* Whether the file lies in the directory open at dir or below it: used to
 * refuse packing a directory into itself. */
bool output_is_below(const struct output *o, int dir);

/* Makes what is written durable, which may take long. */
int output_sync(struct output *o, struct ioerr *e);

/* Makes it durable and gives it its name. On failure nothing is under the
 * name but what was there before. Frees o in both cases. */
int output_commit(struct output *o, struct ioerr *e);

/* Removes the temporary file and frees o, which may be NULL. */
void output_discard(struct output *o);

/* Removes the temporary files of all outputs that are still open. Safe in a
 * signal handler, which must then _exit(2). */
void output_abandon_all(void);

#endif
