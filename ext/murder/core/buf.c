#include <assert.h>
#include <string.h>

#include "buf.h"
#include "err.h"

/* The first allocation, unless the maximum is less. */
#define FIRST_BYTES 64u

void
buf_init(struct buf *b, const struct mem *mem, size_t max)
{
	*b = (struct buf){.mem = mem, .max = max};
}

void
buf_free(struct buf *b)
{
	mem_free(b->mem, b->p);
	buf_init(b, b->mem, b->max);
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->err = 0;
}

/* Makes room for n more bytes, doubling, never beyond the maximum. */
static int
reserve(struct buf *b, size_t n)
{
	size_t need, cap;
	uint8_t *p;

	if (b->err != 0)
		return b->err;
	if (n > b->max - b->n)
		return b->err = ERR_LIMIT;
	need = b->n + n;
	if (need <= b->cap)
		return 0;
	cap = b->cap > b->max / 2 ? b->max : b->cap * 2;
	if (cap < FIRST_BYTES)
		cap = b->max < FIRST_BYTES ? b->max : FIRST_BYTES;
	if (cap < need)
		cap = need;
	p = mem_resize(b->mem, b->p, cap, 1);
	if (p == NULL)
		return b->err = ERR_NOMEM;
	b->p = p;
	b->cap = cap;
	return 0;
}

uint8_t *
buf_grow(struct buf *b, size_t n)
{
	uint8_t *at;

	/* One byte at least, so that NULL always means failure. */
	if (reserve(b, n) != 0 || (b->p == NULL && reserve(b, 1) != 0))
		return NULL;
	at = b->p + b->n;
	b->n += n;
	return at;
}

int
buf_put(struct buf *b, const void *p, size_t n)
{
	int rc = reserve(b, n);

	if (rc != 0 || n == 0)
		return rc;
	memcpy(b->p + b->n, p, n);
	b->n += n;
	return 0;
}

int
buf_put_span(struct buf *b, struct span s)
{
	return buf_put(b, s.p, s.n);
}

int
buf_put_str(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

/* The low n <= 8 bytes of v, big-endian. */
static int
put_be(struct buf *b, uint64_t v, size_t n)
{
	uint8_t bytes[8];

	for (size_t i = n; i > 0; i--) {
		bytes[i - 1] = (uint8_t)(v & 0xff);
		v >>= 8;
	}
	return buf_put(b, bytes, n);
}

int
buf_put_u8(struct buf *b, uint8_t v)
{
	return put_be(b, v, 1);
}

int
buf_put_be16(struct buf *b, uint16_t v)
{
	return put_be(b, v, 2);
}

int
buf_put_be32(struct buf *b, uint32_t v)
{
	return put_be(b, v, 4);
}

int
buf_put_be64(struct buf *b, uint64_t v)
{
	return put_be(b, v, 8);
}

int
buf_put_int(struct buf *b, int64_t v)
{
	char text[20]; /* "-9223372036854775808" */
	size_t at = sizeof(text);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do {
		text[--at] = (char)('0' + (int)(u % 10));
		u /= 10;
	} while (u != 0);
	if (v < 0)
		text[--at] = '-';
	return buf_put(b, text + at, sizeof(text) - at);
}

void
buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->n);
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

struct span
buf_span(const struct buf *b)
{
	return (struct span){b->p, b->n};
}

int
buf_error(const struct buf *b)
{
	return b->err;
}
