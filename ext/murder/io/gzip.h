/*
 * gzip (RFC 1952) on all cores: the stream is cut into chunks of a fixed size,
 * each compressed by itself with the 32 KiB before it as dictionary, so that
 * the result is one ordinary member and depends on the bytes, the level and
 * zlib alone, not on the number of threads. No name, no time in the header.
 */
#ifndef MURDER_IO_GZIP_H
#define MURDER_IO_GZIP_H

#include "core/span.h"

/* Takes compressed bytes, in order; a negative result ends the stream. */
typedef int (*gzip_write_fn)(void *ctx, struct span bytes);

struct gzip;

/* level: 1 to 9. n_threads: 0 for one per core. Nothing is written yet.
 * ERR_NOMEM. */
int gzip_new(struct gzip **out, int level, unsigned n_threads,
    gzip_write_fn write, void *ctx);
void gzip_free(struct gzip *g);

/* Takes more bytes. 0, ERR_NOMEM, or what write said; after a failure only
 * gzip_free() may follow. */
int gzip_add(struct gzip *g, struct span bytes);

/* Ends the stream: everything is written now. */
int gzip_end(struct gzip *g);

#endif
