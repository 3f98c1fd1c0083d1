/*
 * The piece hashes of a file (BEP 3 "pieces"): as a stream while it is made,
 * or of a finished file on all cores.
 */
#ifndef MURDER_IO_PIECES_H
#define MURDER_IO_PIECES_H

#include <stdint.h>

#include "core/buf.h"
#include "io/digest.h"
#include "io/ioerr.h"

/* A stream of bytes cut into pieces. */
struct pieces {
	struct digest *digest;
	struct buf *hashes;    /* borrowed; SHA1_BYTES appended per piece */
	uint64_t length;       /* bytes so far */
	uint32_t piece_length; /* bytes */
};

/* Begins a stream whose hashes go to the end of hashes. 0 or ERR_NOMEM. */
int pieces_init(struct pieces *p, struct buf *hashes, uint32_t piece_length);
/* Takes more bytes; 0, or an error of the buffer. */
int pieces_add(struct pieces *p, struct span bytes);
/* Closes the last, short piece; 0, or an error of the buffer. */
int pieces_end(struct pieces *p);
/* Frees what init made; the hashes stay. */
void pieces_free(struct pieces *p);

/*
 * Appends the hashes of the first length bytes of fd, with at most n_threads
 * threads (0: one per core). 0; ERR_IO with errno; ERR_TRUNCATED if the file
 * is shorter; ERR_LIMIT, ERR_NOMEM.
 */
int pieces_of_file(struct buf *hashes, int fd, uint64_t length,
    uint32_t piece_length, unsigned n_threads);

#endif
