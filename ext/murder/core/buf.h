/*
 * Growable bytes that cannot be made without a maximum. A failed put leaves
 * the buffer as it was and is remembered: every later put fails too, so a
 * sequence of puts needs one check at its end (buf_error()).
 */
#ifndef MURDER_CORE_BUF_H
#define MURDER_CORE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "mem.h"
#include "span.h"

struct buf {
	const struct mem *mem;
	uint8_t *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* bytes never exceeded */
	int err;    /* 0, ERR_NOMEM or ERR_LIMIT: sticky */
};

/* Makes an empty buffer; nothing is allocated yet. */
void buf_init(struct buf *b, const struct mem *mem, size_t max);

/* Frees the bytes; the buffer is empty and usable again, its error gone. */
void buf_free(struct buf *b);

/* Forgets the bytes and the error, keeps the memory. */
void buf_clear(struct buf *b);

/* Append; 0, ERR_NOMEM or ERR_LIMIT. Integers are big-endian. The bytes put
 * must not lie in b itself: growing moves them. */
int buf_put(struct buf *b, const void *p, size_t n);
int buf_put_span(struct buf *b, struct span s);
int buf_put_str(struct buf *b, const char *s);
int buf_put_u8(struct buf *b, uint8_t v);
int buf_put_be16(struct buf *b, uint16_t v);
int buf_put_be32(struct buf *b, uint32_t v);
int buf_put_be64(struct buf *b, uint64_t v);
/* v in decimal, a '-' in front of negatives. */
int buf_put_int(struct buf *b, int64_t v);

/* Appends n bytes for the caller to fill; NULL on failure. The pointer lives
 * until the next put. */
uint8_t *buf_grow(struct buf *b, size_t n);

/* Removes the first n (<= b->n) bytes. */
void buf_consume(struct buf *b, size_t n);

/* The bytes, borrowed until the next call that changes b. */
struct span buf_span(const struct buf *b);

/* The sticky error: 0, ERR_NOMEM or ERR_LIMIT. */
int buf_error(const struct buf *b);

#endif
