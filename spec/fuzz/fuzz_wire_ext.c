/*
 * Extended messages: what the readers accept, the writers put in a form that
 * the readers take for the same.
 */
#include "fuzz.h"

#include "core/err.h"
#include "core/wire_ext.h"

static void
check_handshake(struct span in)
{
	struct wire_ext_handshake h, again;
	struct buf out;
	int rc;

	if (wire_ext_parse(&h, in) != 0)
		return;
	assert(h.yourip.n == 0 || h.yourip.n == 4 || h.yourip.n == 16);
	buf_init(&out, &fuzz_mem, in.n + 256);
	rc = wire_ext_build(&out, &h);
	assert(rc == 0);
	rc = wire_ext_parse(&again, buf_span(&out));
	assert(rc == 0);
	assert(again.id_pex == h.id_pex);
	assert(again.id_haves == h.id_haves);
	assert(again.id_stripes == h.id_stripes && again.link == h.link);
	assert(again.port == h.port);
	assert(again.reqq == h.reqq);
	assert(again.block == h.block);
	assert(span_equal(again.rack, h.rack));
	assert(span_equal(again.client, h.client));
	assert(span_equal(again.yourip, h.yourip));
	buf_free(&out);
}

static void
check_pex(struct span in)
{
	struct wire_pex p, again;
	struct buf out;
	int rc;

	if (wire_pex_parse(&p, in) != 0)
		return;
	assert(p.added.n % 6 == 0);
	assert(p.added6.n % 18 == 0);
	buf_init(&out, &fuzz_mem, 2 * in.n + 256);
	rc = wire_pex_build(&out, &p);
	assert(rc == 0);
	rc = wire_pex_parse(&again, buf_span(&out));
	assert(rc == 0);
	assert(span_equal(again.added, p.added));
	assert(span_equal(again.added6, p.added6));
	buf_free(&out);
}

/* Reads as many as there are, and writes the same bytes. */
static void
check_haves(struct span in, uint32_t n_pieces)
{
	uint32_t piece[WIRE_HAVES_MAX], n = 0;
	struct span rest = in;
	struct buf out;
	int rc;

	while (n < WIRE_HAVES_MAX &&
	       wire_take_have(&rest, n_pieces, &piece[n]) == 0)
		assert(piece[n++] < n_pieces);
	buf_init(&out, &fuzz_mem, 4 * WIRE_HAVES_MAX + 16);
	rc = wire_put_haves(&out, 1, n_pieces, piece, n);
	assert(rc == 0);
	in.n = out.n - 6;
	assert(span_equal(
	    in, (struct span){.p = buf_span(&out).p + 6, .n = out.n - 6}));
	buf_free(&out);
}

static void
check_stripes(struct span in)
{
	enum wire_stripes_kind kind, kind_again;
	struct span rest = in, body;
	stripes_t of, of_again;
	struct buf out;
	int rc;

	if (wire_take_stripes(&rest, &kind, &of) != 0)
		return;
	assert((of & ~STRIPES_ALL) == 0 && kind <= WIRE_STRIPES_QUIT);
	buf_init(&out, &fuzz_mem, 64);
	rc = wire_put_stripes(&out, 1, kind, of);
	assert(rc == 0);
	body = buf_span(&out);
	rc = span_take(&body, 6, &(struct span){0});
	assert(rc == 0);
	rc = wire_take_stripes(&body, &kind_again, &of_again);
	assert(rc == 0 && body.n == 0);
	assert(kind_again == kind && of_again == of);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {data, size};

	check_handshake(in);
	check_pex(in);
	check_haves(in, 1000);
	check_haves(in, 100000);
	check_stripes(in);
	return 0;
}
