/*
 * What failed, for the operator: filled in where it happens, completed on the
 * way up, printed once as `PROGRAM: PATH: what is wrong: what to do`. The
 * first failure is kept: filling in a struct that already holds one changes
 * nothing, so clean-up code cannot hide the cause.
 */
#ifndef MURDER_IO_IOERR_H
#define MURDER_IO_IOERR_H

#include <stddef.h>

#include "core/err.h"
#include "io/status.h"

struct ioerr {
	enum status status; /* STATUS_OK: nothing failed yet */
	int code;           /* the negative enum err that goes with it */
	int sys;            /* errno at the place of failure, or 0 */
	char path[1024];    /* what the user knows it by; "" if nothing */
	char what[512];     /* "cannot create: No space left on device" */
	char advice[256];   /* "free some space"; "" if there is none */
};

#define IOERR_NONE ((struct ioerr){.status = STATUS_OK})

/* All of these return the negative code they have put into e. */

/* Reading path failed with errno sys: STATUS_NO_INPUT (no memory:
 * STATUS_FAILED), with advice by errno. verb is "open", "read", … */
int ioerr_read(struct ioerr *e, const char *path, const char *verb, int sys);

/* Writing failed: STATUS_DISK, else as ioerr_read(). */
int ioerr_write(struct ioerr *e, const char *path, const char *verb, int sys);

/* Any other failure, in words. path may be NULL. */
int ioerr_set(struct ioerr *e, enum status status, const char *path,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The failure of a core function, whose sentence is used: a malformed input
 * is STATUS_INPUT, no memory STATUS_FAILED. */
int ioerr_core(struct ioerr *e, const char *path, int code);

/* Says what to do about it; replaces earlier advice. Returns e->code. */
int ioerr_advise(struct ioerr *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes "PATH: what: advice" into out (n bytes with the NUL; cut if longer).
 * Control characters are shown as \ooo, so that it stays one line. */
void ioerr_line(const struct ioerr *e, char *out, size_t n);

/* Prints that line through log_error(), which puts the program's name before
 * it; gives the exit status. If nothing failed, prints nothing. */
enum status ioerr_report(const struct ioerr *e);

#endif
