/*
 * Borrowed bytes and the one checked read cursor. No other file of the core
 * does pointer arithmetic on input.
 */
#ifndef MURDER_CORE_SPAN_H
#define MURDER_CORE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const uint8_t *p; /* may be NULL only if n is 0 */
	size_t n;         /* bytes */
};

/* A span over a string literal or array without its final NUL. */
#define SPAN_LIT(s) ((struct span){(const uint8_t *)(s), sizeof(s) - 1})

/* A span over a NUL-terminated string, without the NUL. */
struct span span_str(const char *s);

/* Whether a and b hold the same bytes. */
bool span_equal(struct span a, struct span b);

/* Orders as memcmp, a prefix before its extensions (bencode's key order). */
int span_compare(struct span a, struct span b);

/*
 * The cursor: each take removes what it gives from the front of *in. On
 * ERR_TRUNCATED *in is unchanged.
 */
int span_take_u8(struct span *in, uint8_t *out);
int span_take_be16(struct span *in, uint16_t *out);
int span_take_be32(struct span *in, uint32_t *out);
int span_take_be64(struct span *in, uint64_t *out);
/* n bytes as a span that borrows from in. */
int span_take(struct span *in, size_t n, struct span *out);

/* What a cursor that began as whole has taken so far, rest being what it has
 * left: the bytes of whole in front of its tail rest. */
struct span span_taken(struct span whole, struct span rest);

#endif
