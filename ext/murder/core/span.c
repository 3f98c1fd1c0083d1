#include <assert.h>
#include <string.h>

#include "err.h"
#include "span.h"

struct span
span_str(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

bool
span_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int
span_compare(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (order != 0)
		return order;
	return (a.n > b.n) - (a.n < b.n);
}

int
span_take(struct span *in, size_t n, struct span *out)
{
	if (n > in->n)
		return ERR_TRUNCATED;
	*out = (struct span){in->p, n};
	if (n > 0)
		in->p += n; /* never on a NULL pointer */
	in->n -= n;
	return 0;
}

/* A big-endian integer of n <= 8 bytes. */
static int
take_be(struct span *in, size_t n, uint64_t *out)
{
	struct span s;
	uint64_t v = 0;
	int rc = span_take(in, n, &s);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | s.p[i];
	*out = v;
	return 0;
}

int
span_take_u8(struct span *in, uint8_t *out)
{
	uint64_t v;
	int rc = take_be(in, 1, &v);

	if (rc == 0)
		*out = (uint8_t)v;
	return rc;
}

int
span_take_be16(struct span *in, uint16_t *out)
{
	uint64_t v;
	int rc = take_be(in, 2, &v);

	if (rc == 0)
		*out = (uint16_t)v;
	return rc;
}

int
span_take_be32(struct span *in, uint32_t *out)
{
	uint64_t v;
	int rc = take_be(in, 4, &v);

	if (rc == 0)
		*out = (uint32_t)v;
	return rc;
}

int
span_take_be64(struct span *in, uint64_t *out)
{
	return take_be(in, 8, out);
}

struct span
span_taken(struct span whole, struct span rest)
{
	assert(rest.n <= whole.n);
	return (struct span){whole.p, whole.n - rest.n};
}
