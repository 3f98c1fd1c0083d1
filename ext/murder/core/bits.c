#include <assert.h>
#include <string.h>

#include "bits.h"
#include "err.h"

static size_t
n_bytes(uint32_t n)
{
	return (size_t)n / 8 + (n % 8 != 0);
}

/* The bits of the last byte that stand for pieces. */
static uint8_t
last_mask(uint32_t n)
{
	return (uint8_t)(0xffu << (8 - n % 8) % 8 & 0xffu);
}

static uint8_t
mask(uint32_t i)
{
	return (uint8_t)(0x80 >> i % 8);
}

static uint32_t
n_ones(uint8_t v)
{
	uint32_t n = 0;

	for (; v != 0; v = (uint8_t)(v & (v - 1)))
		n++;
	return n;
}

int
bits_init(struct bits *b, const struct mem *mem, uint32_t n)
{
	assert(n <= UINT32_MAX - 8); /* bits_next_missing() steps by bytes */
	*b = (struct bits){.mem = mem, .n = n};
	if (n == 0)
		return 0;
	b->p = mem_zalloc(mem, n_bytes(n), 1);
	if (b->p == NULL) {
		b->n = 0;
		return ERR_NOMEM;
	}
	return 0;
}

void
bits_free(struct bits *b)
{
	mem_free(b->mem, b->p);
	*b = (struct bits){.mem = b->mem};
}

bool
bits_set(struct bits *b, uint32_t i)
{
	if (bits_get(b, i))
		return false;
	b->p[i / 8] = (uint8_t)(b->p[i / 8] | mask(i));
	b->n_set++;
	return true;
}

bool
bits_clear(struct bits *b, uint32_t i)
{
	if (!bits_get(b, i))
		return false;
	b->p[i / 8] = (uint8_t)(b->p[i / 8] & ~mask(i));
	b->n_set--;
	return true;
}

void
bits_set_all(struct bits *b)
{
	if (b->n == 0)
		return;
	memset(b->p, 0xff, n_bytes(b->n));
	b->p[n_bytes(b->n) - 1] = last_mask(b->n);
	b->n_set = b->n;
}

void
bits_clear_all(struct bits *b)
{
	if (b->n == 0)
		return;
	memset(b->p, 0, n_bytes(b->n));
	b->n_set = 0;
}

int
bits_from_wire(struct bits *b, struct span wire)
{
	uint32_t n_set = 0;

	if (wire.n != n_bytes(b->n))
		return ERR_PROTOCOL;
	if (wire.n == 0)
		return 0;
	if ((wire.p[wire.n - 1] & ~last_mask(b->n)) != 0)
		return ERR_PROTOCOL;
	for (size_t i = 0; i < wire.n; i++)
		n_set += n_ones(wire.p[i]);
	memcpy(b->p, wire.p, wire.n);
	b->n_set = n_set;
	return 0;
}

struct span
bits_to_wire(const struct bits *b)
{
	return (struct span){b->p, n_bytes(b->n)};
}

/* The first i >= from that is set in a, and in b after it is XORed with
 * invert. */
static uint32_t
next_in_both(
    const struct bits *a, const struct bits *b, uint8_t invert, uint32_t from)
{
	assert(a->n == b->n);
	for (uint32_t i = from; i < a->n;) {
		uint8_t open = (uint8_t)(a->p[i / 8] & (b->p[i / 8] ^ invert));

		if (open == 0)
			i = (i / 8 + 1) * 8;
		else if ((open & mask(i)) != 0)
			return i;
		else
			i++;
	}
	return a->n;
}

uint32_t
bits_next_missing(const struct bits *a, const struct bits *b, uint32_t from)
{
	return next_in_both(a, b, 0xff, from);
}

uint32_t
bits_next_common(const struct bits *a, const struct bits *b, uint32_t from)
{
	return next_in_both(a, b, 0, from);
}
