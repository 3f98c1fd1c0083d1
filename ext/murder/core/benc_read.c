#include <assert.h>

#include "benc.h"
#include "err.h"

void
benc_reader_init(struct benc_reader *r, struct span in, enum benc_mode mode)
{
	*r = (struct benc_reader){.rest = in, .mode = mode};
}

/* What is not canonical: an error in strict mode. */
static int
not_canonical(const struct benc_reader *r)
{
	return r->mode == BENC_STRICT ? ERR_CANONICAL : 0;
}

/*
 * Takes decimal digits up to and including the byte `end`. ERR_SYNTAX without
 * a digit or on another byte, ERR_RANGE beyond max.
 */
static int
take_digits(struct benc_reader *r, uint8_t end, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t n = 0;
	bool zero_first = false;

	for (;; n++) {
		uint8_t c;

		if (span_take_u8(&r->rest, &c) != 0)
			return ERR_TRUNCATED;
		if (c == end)
			break;
		if (c < '0' || c > '9')
			return ERR_SYNTAX;
		if (n == 0)
			zero_first = c == '0';
		c = (uint8_t)(c - '0');
		if (v > (max - c) / 10)
			return ERR_RANGE;
		v = v * 10 + c;
	}
	if (n == 0)
		return ERR_SYNTAX;
	*out = v;
	return zero_first && n > 1 ? not_canonical(r) : 0;
}

/* Behind the 'i'. */
static int
read_int(struct benc_reader *r, struct benc_token *t)
{
	struct span after = r->rest;
	uint64_t max = INT64_MAX, v;
	uint8_t c;
	int rc;

	if (span_take_u8(&after, &c) != 0)
		return ERR_TRUNCATED;
	if (c == '-') {
		r->rest = after;
		max++;
	}
	rc = take_digits(r, 'e', max, &v);
	if (rc != 0)
		return rc;
	t->kind = BENC_INT;
	if (c != '-')
		t->i = (int64_t)v;
	else if (v == 0)
		return not_canonical(r);
	else
		t->i = -(int64_t)(v - 1) - 1; /* INT64_MIN too */
	return 0;
}

/* With the cursor on the first digit of the length. */
static int
read_str(struct benc_reader *r, struct benc_token *t)
{
	uint64_t n;
	int rc = take_digits(r, ':', INT64_MAX, &n);

	if (rc != 0)
		return rc;
	t->kind = BENC_STR;
	if (n > r->rest.n)
		return ERR_TRUNCATED;
	return span_take(&r->rest, (size_t)n, &t->s);
}

/* A key must be a string and, in strict mode, greater than the last one. */
static int
read_key(struct benc_reader *r, struct benc_token *t, uint8_t first)
{
	int order, rc;

	if (first < '0' || first > '9')
		return ERR_SYNTAX;
	rc = read_str(r, t);
	if (rc != 0)
		return rc;
	t->is_key = true;
	if (!r->level[r->depth - 1].has_key)
		return 0;
	order = span_compare(r->level[r->depth - 1].last_key, t->s);
	if (order == 0)
		return ERR_CANONICAL;
	return order > 0 ? not_canonical(r) : 0;
}

/* Behind the 'l' or 'd'. */
static int
open_level(struct benc_reader *r, struct benc_token *t, bool is_dict)
{
	if (r->depth == LIMIT_BENC_DEPTH)
		return ERR_DEPTH;
	r->level[r->depth].is_dict = is_dict;
	r->level[r->depth].want_value = false;
	r->level[r->depth].has_key = false;
	r->depth++;
	t->kind = is_dict ? BENC_DICT : BENC_LIST;
	return 0;
}

/* Behind the 'e'. */
static int
close_level(struct benc_reader *r, struct benc_token *t)
{
	if (r->depth == 0 || r->level[r->depth - 1].want_value)
		return ERR_SYNTAX;
	r->depth--;
	t->kind = BENC_END;
	return 0;
}

/* Reads one token, whatever stands at the cursor. */
static int
read_token(struct benc_reader *r, struct benc_token *t)
{
	struct span after = r->rest;
	bool want_key = r->depth > 0 && r->level[r->depth - 1].is_dict &&
			!r->level[r->depth - 1].want_value;
	uint8_t c;

	if (span_take_u8(&after, &c) != 0)
		return ERR_TRUNCATED;
	if (want_key && c != 'e')
		return read_key(r, t, c);
	if (c >= '0' && c <= '9')
		return read_str(r, t);
	r->rest = after;
	switch (c) {
	case 'i':
		return read_int(r, t);
	case 'l':
		return open_level(r, t, false);
	case 'd':
		return open_level(r, t, true);
	case 'e':
		return close_level(r, t);
	default:
		return ERR_SYNTAX;
	}
}

/* A key has been read, or a value is complete: where that leaves its level. */
static void
move_on(struct benc_reader *r, const struct benc_token *t)
{
	if (t->kind == BENC_LIST || t->kind == BENC_DICT)
		return;
	if (r->depth == 0) {
		r->done = true;
		return;
	}
	r->level[r->depth - 1].want_value = t->is_key;
	if (t->is_key) {
		r->level[r->depth - 1].has_key = true;
		r->level[r->depth - 1].last_key = t->s;
	}
}

int
benc_next(struct benc_reader *r, struct benc_token *t)
{
	struct span before = r->rest;

	*t = (struct benc_token){.kind = BENC_EOF};
	if (r->err == 0 && !r->done) {
		r->err = read_token(r, t);
		if (r->err == 0)
			move_on(r, t);
	}
	t->raw = span_taken(before, r->rest);
	return r->err;
}

int
benc_skip(struct benc_reader *r, const struct benc_token *t, struct span *raw)
{
	struct span whole = {t->raw.p, t->raw.n + r->rest.n};

	if (r->err != 0)
		return r->err;
	if (t->kind == BENC_LIST || t->kind == BENC_DICT) {
		uint8_t depth = r->depth;
		struct benc_token inner;

		assert(depth > 0);
		while (r->depth >= depth) {
			int rc = benc_next(r, &inner);

			if (rc != 0)
				return rc;
		}
	}
	if (raw != NULL)
		*raw = span_taken(whole, r->rest);
	return 0;
}
