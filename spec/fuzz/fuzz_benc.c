/*
 * Bencode: what the strict reader accepts, the writer gives back byte for byte;
 * the lenient reader accepts all of that too; benc_skip() covers the value.
 */
#include "fuzz.h"

#include "core/benc.h"
#include "core/err.h"

/* Writes a token again. */
static void
put_token(struct buf *out, const struct benc_token *t)
{
	switch (t->kind) {
	case BENC_INT:
		(void)benc_put_int(out, t->i);
		break;
	case BENC_STR:
		(void)benc_put_str(out, t->s);
		break;
	case BENC_LIST:
		(void)benc_put_list(out);
		break;
	case BENC_DICT:
		(void)benc_put_dict(out);
		break;
	case BENC_END:
		(void)benc_put_end(out);
		break;
	case BENC_EOF:
		break;
	}
}

/* Reads in to its end or first error, writing it again to out. */
static int
copy(struct span in, enum benc_mode mode, struct buf *out, struct span *rest)
{
	struct benc_reader r;
	struct benc_token t;
	int rc;

	benc_reader_init(&r, in, mode);
	while ((rc = benc_next(&r, &t)) == 0 && t.kind != BENC_EOF) {
		assert(r.depth <= LIMIT_BENC_DEPTH);
		assert(t.raw.n > 0);
		put_token(out, &t);
		if (mode == BENC_STRICT)
			assert(
			    span_equal(buf_span(out), span_taken(in, r.rest)));
	}
	assert(benc_next(&r, &t) == rc); /* errors and the end repeat */
	*rest = r.rest;
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {data, size}, rest, lenient_rest, raw;
	struct benc_reader r;
	struct benc_token t;
	struct buf out;
	int strict, lenient;

	buf_init(&out, &fuzz_mem, size + 64);
	strict = copy(in, BENC_STRICT, &out, &rest);
	buf_clear(&out);
	lenient = copy(in, BENC_LENIENT, &out, &lenient_rest);
	buf_free(&out);
	assert(strict != 0 || lenient == 0);
	assert(strict != 0 || rest.n == lenient_rest.n);

	benc_reader_init(&r, in, BENC_STRICT);
	if (benc_next(&r, &t) == 0) {
		int rc = benc_skip(&r, &t, &raw);

		assert(rc == strict);
		if (rc == 0)
			assert(span_equal(raw, span_taken(in, rest)));
	}
	return 0;
}
