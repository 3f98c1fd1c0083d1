/*
 * Files the user names for reading. They may be symbolic links; they must be
 * regular files, so that nobody waits for ever on a FIFO or a device.
 */
#ifndef MURDER_IO_INPUT_H
#define MURDER_IO_INPUT_H

#include <sys/stat.h>

#include "core/buf.h"
#include "io/ioerr.h"

/* Opens a regular file for reading and gives its stat. *fd is the caller's to
 * close. Errors: STATUS_NO_INPUT. */
int input_open(int *fd, struct stat *st, const char *path, struct ioerr *e);

/* The same for a regular file or a directory, told apart by *st. */
int input_open_any(int *fd, struct stat *st, const char *path, struct ioerr *e);

/* Appends the whole file to b, which sets the maximum. Errors:
 * STATUS_NO_INPUT; STATUS_INPUT if it is larger than b allows. */
int input_slurp(struct buf *b, const char *path, struct ioerr *e);

#endif
