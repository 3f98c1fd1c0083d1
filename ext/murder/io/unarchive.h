/*
 * An archive read member by member through libarchive: tar (plain, gzip,
 * bzip2, xz, zstd) and zip, told by content and not by name. It reads a
 * descriptor by position, so one descriptor serves several passes and nobody
 * can swap the file between them.
 */
#ifndef MURDER_IO_UNARCHIVE_H
#define MURDER_IO_UNARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/span.h"
#include "core/vet.h"
#include "io/ioerr.h"

struct unarchive;

struct unarchive_member {
	struct vet_member vet; /* strings live until the next call */
	int64_t size;          /* bytes; files only */
	int64_t mtime_s;       /* if has_mtime */
	bool has_mtime;
};

/* Begins at the front of fd, which stays the caller's; name is for messages
 * and borrowed throughout. STATUS_INPUT if it is no archive we know. */
int unarchive_new(
    struct unarchive **out, int fd, const char *name, struct ioerr *e);
void unarchive_free(struct unarchive *u);

/* Gives the next member: 1; 0 at the end. STATUS_INPUT: broken, encrypted;
 * STATUS_NO_INPUT: cannot be read. */
int unarchive_next(
    struct unarchive *u, struct unarchive_member *m, struct ioerr *e);

/* A stretch of a file's contents and where it belongs. */
struct unarchive_data {
	struct span bytes; /* live until the next call */
	int64_t at;        /* bytes from the file's start */
};

/* Gives the next stretch of the member's contents: 1; 0 at its end. What lies
 * between stretches is a hole. Errors as unarchive_next(). */
int unarchive_read(
    struct unarchive *u, struct unarchive_data *d, struct ioerr *e);

#endif
