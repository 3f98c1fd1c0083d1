/* The piece hashes of a file (BEP 3 "pieces"), made on all cores. */
#ifndef MURDER_IO_PIECES_H
#define MURDER_IO_PIECES_H

#include <stdint.h>

#include "core/buf.h"

/*
 * Appends the hashes of the first length bytes of fd, with at most n_threads
 * threads (0: one per core). 0; ERR_IO with errno; ERR_TRUNCATED if the file
 * is shorter; ERR_LIMIT, ERR_NOMEM.
 */
int pieces_of_file(struct buf *hashes, int fd, uint64_t length,
    uint32_t piece_length, unsigned n_threads);

#endif
