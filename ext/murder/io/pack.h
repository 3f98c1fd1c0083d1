/*
 * A directory as a .tgz that any tar reads, without an external program.
 *
 * The same tree gives the same bytes, whenever and wherever it is packed (with
 * the same libarchive and zlib): members in byte order of their names, owner
 * 0:0, whole seconds (none before 1970), no timestamp in the gzip header.
 * Members are "./a/b"; there is none for the directory itself, whose mode is
 * nobody's business.
 * Kept: modes, modification times, symbolic links, hard links. Left out: every
 * entry whose name begins with ".git"; sockets, FIFOs and devices (with a
 * warning); set-id bits, which extraction refuses (with a warning, but for
 * directories); owners, extended attributes, holes.
 */
#ifndef MURDER_IO_PACK_H
#define MURDER_IO_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/span.h"
#include "io/ioerr.h"

struct pack_options {
	int level; /* gzip's 1 to 9; 0: 6 */
	/* Let symbolic links lead out of the directory; else that is an error,
	 * as extraction would refuse them on every host. */
	bool outside_links;
	/* Takes the archive's bytes in order; fills in e if it fails. */
	int (*write)(void *ctx, struct span bytes, struct ioerr *e);
	/* Told of what is left out; path is below the directory. May be NULL.
	 */
	void (*warn)(void *ctx, const char *path, const char *what);
	void *ctx;
};

/*
 * Packs the directory open (for reading) at fd, which messages call name.
 * Errors: STATUS_NO_INPUT (unreadable, or changed while it was read; names the
 * file), STATUS_INPUT (a link out of the directory, or what else extraction
 * would refuse), STATUS_FAILED, and what write says.
 */
int pack_directory(
    int fd, const char *name, const struct pack_options *o, struct ioerr *e);

#endif
