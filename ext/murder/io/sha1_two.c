#include <assert.h>
#include <string.h>

#include "io/sha1_two.h"

#define BLOCK 64u

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,ssse3,sse4.1")))

bool
sha1_two_possible(void)
{
	const unsigned sse = bit_SSSE3 | bit_SSE4_1, sha = 1u << 29;
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & sse) != sse)
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & sha) != 0;
}

/* One sum under way: a to d, what they were four rounds before, e before the
 * block (in the highest word), and the last sixteen words of the message. */
struct lane {
	__m128i abcd, before, e, w[4];
};

/* Four rounds of number 4 g to 4 g + 3; g is a constant, so that all of this
 * stays in registers. */
#define ROUNDS(l, g)                                                           \
	do {                                                                   \
		__m128i ew_ = (g) == 0 ? _mm_add_epi32((l).e, (l).w[0])        \
				       : _mm_sha1nexte_epu32(                  \
					     (l).before, (l).w[(g) % 4]);      \
		(l).before = (l).abcd;                                         \
		(l).abcd = _mm_sha1rnds4_epu32((l).abcd, ew_, (g) / 5);        \
	} while (0)

/* The next four words of the message from the last sixteen. */
#define EXPAND(l, g)                                                           \
	((l).w[(g) % 4] = _mm_sha1msg2_epu32(                                  \
	     _mm_xor_si128(                                                    \
		 _mm_sha1msg1_epu32((l).w[(g) % 4], (l).w[((g) + 1) % 4]),     \
		 (l).w[((g) + 2) % 4]),                                        \
	     (l).w[((g) + 3) % 4]))

#define FETCH(l, p, g)                                                         \
	((l).w[g] = _mm_shuffle_epi8(                                          \
	     _mm_loadu_si128((const __m128i *)(const void *)(p) + (g)),        \
	     order))

/* In the first sixteen rounds the words are the block's, later expanded. */
#define FIRST(g)                                                               \
	do {                                                                   \
		FETCH(x, p, g);                                                \
		FETCH(y, q, g);                                                \
		ROUNDS(x, g);                                                  \
		ROUNDS(y, g);                                                  \
	} while (0)
#define LATER(g)                                                               \
	do {                                                                   \
		EXPAND(x, g);                                                  \
		EXPAND(y, g);                                                  \
		ROUNDS(x, g);                                                  \
		ROUNDS(y, g);                                                  \
	} while (0)
#define LATER_4(g)                                                             \
	do {                                                                   \
		LATER(g);                                                      \
		LATER((g) + 1);                                                \
		LATER((g) + 2);                                                \
		LATER((g) + 3);                                                \
	} while (0)

#define REVERSED 0x1b /* the order of four words */

WITH_SHA static struct lane
lane_load(const uint32_t h[5])
{
	struct lane l;

	memset(&l, 0, sizeof(l));
	memcpy(&l.abcd, h, sizeof(l.abcd));
	l.abcd = _mm_shuffle_epi32(l.abcd, REVERSED);
	l.e = _mm_set_epi32((int)h[4], 0, 0, 0);
	return l;
}

WITH_SHA static void
lane_store(uint32_t h[5], const struct lane *l)
{
	__m128i abcd = _mm_shuffle_epi32(l->abcd, REVERSED);

	memcpy(h, &abcd, sizeof(abcd));
	h[4] = (uint32_t)_mm_extract_epi32(l->e, 3);
}

/* n blocks of each. */
WITH_SHA static void
two_blocks(uint32_t h[2][5], const uint8_t *p, const uint8_t *q, size_t n)
{
	const __m128i order =
	    _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
	struct lane x = lane_load(h[0]), y = lane_load(h[1]);

	for (; n > 0; n--, p += BLOCK, q += BLOCK) {
		__m128i x_abcd = x.abcd, y_abcd = y.abcd;

		FIRST(0);
		FIRST(1);
		FIRST(2);
		FIRST(3);
		LATER_4(4);
		LATER_4(8);
		LATER_4(12);
		LATER_4(16);
		x.e = _mm_sha1nexte_epu32(x.before, x.e);
		y.e = _mm_sha1nexte_epu32(y.before, y.e);
		x.abcd = _mm_add_epi32(x.abcd, x_abcd);
		y.abcd = _mm_add_epi32(y.abcd, y_abcd);
	}
	lane_store(h[0], &x);
	lane_store(h[1], &y);
}

#else /* other processors: by the library, one by one */

bool
sha1_two_possible(void)
{
	return false;
}

static void
two_blocks(uint32_t h[2][5], const uint8_t *p, const uint8_t *q, size_t n)
{
	(void)h;
	(void)p;
	(void)q;
	assert(n == 0);
}

#endif

void
sha1_two_begin(struct sha1_two *t)
{
	static const uint32_t first[5] = {
	    0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

	memcpy(t->h[0], first, sizeof(first));
	memcpy(t->h[1], first, sizeof(first));
	t->n = 0;
}

void
sha1_two_add(struct sha1_two *t, const uint8_t *a, const uint8_t *b, size_t n)
{
	assert(n % BLOCK == 0);
	two_blocks(t->h, a, b, n / BLOCK);
	t->n += n;
}

static void
put_be(uint8_t *p, uint64_t v, size_t n)
{
	while (n > 0) {
		p[--n] = (uint8_t)v;
		v >>= 8;
	}
}

/* FIPS 180-4, 5.1.1: a one, zeros, and the length in bits fill up the last
 * block or two. Gives how many. */
static size_t
pad(uint8_t end[2 * BLOCK], const uint8_t *rest, size_t n, uint64_t total)
{
	size_t blocks = n + 9 > BLOCK ? 2 : 1;

	memset(end, 0, 2 * BLOCK);
	if (n > 0)
		memcpy(end, rest, n);
	end[n] = 0x80;
	put_be(end + blocks * BLOCK - 8, total * 8, 8);
	return blocks;
}

void
sha1_two_end(struct sha1_two *t, const uint8_t *a, const uint8_t *b, size_t n,
    uint8_t out[2][SHA1_BYTES])
{
	uint8_t end[2][2 * BLOCK];
	size_t whole = n - n % BLOCK, blocks;
	uint64_t total = t->n + n;

	sha1_two_add(t, a, b, whole);
	(void)pad(end[0], a + whole, n - whole, total);
	blocks = pad(end[1], b + whole, n - whole, total);
	two_blocks(t->h, end[0], end[1], blocks);
	for (size_t i = 0; i < 5; i++) {
		put_be(out[0] + 4 * i, t->h[0][i], 4);
		put_be(out[1] + 4 * i, t->h[1][i], 4);
	}
}
