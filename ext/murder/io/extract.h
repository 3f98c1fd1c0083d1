/*
 * Archives unpacked without trusting them: tar (gzip, bzip2, xz, zstd or
 * plain) and zip.
 *
 * A first pass reads the whole archive and vets every member (io/vet.h); a
 * refused or broken archive leaves the directory untouched. The second pass
 * vets again and unpacks into DIR/.murder-RANDOM, mode 0700; only when all of
 * it is there are the top-level entries renamed into DIR. Whatever fails, DIR
 * is as it was before.
 *
 * Kept: modes (the umask does not matter), modification times, symbolic and
 * hard links. Files belong to whoever extracts. A top-level name that exists
 * in DIR already is an error: nothing is ever overwritten.
 */
#ifndef MURDER_IO_EXTRACT_H
#define MURDER_IO_EXTRACT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/ioerr.h"

struct extract_options {
	/* Accept symbolic links that point out of the directory. */
	bool outside_links;
	/* Set to true from elsewhere to give up: STATUS_INTERRUPTED, directory
	 * as it was. May be NULL. */
	const atomic_bool *cancel;
};

struct extract_totals {
	uint64_t n_members;
	uint64_t bytes; /* of file contents */
};

/*
 * Unpacks the file archive into dir, which is made, with what is above it,
 * if it is missing; if that or anything else fails, what was made is removed.
 * o and totals may be NULL. Blocks; safe in any thread, does not change the
 * working directory, umask or locale of others. Errors: STATUS_INPUT (not an
 * archive, broken, refused), STATUS_NO_INPUT, STATUS_DISK, STATUS_NOT_EMPTY
 * (a name exists already), STATUS_INTERRUPTED.
 */
int extract_archive(const char *archive, const char *dir,
    const struct extract_options *o, struct extract_totals *totals,
    struct ioerr *e);

#endif
