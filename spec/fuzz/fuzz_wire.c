/*
 * The peer wire: the same bytes give the same messages and the same end,
 * whether they come at once, byte by byte or in parts; and every message, put
 * again, gives the bytes it was read from. The first byte of the input sizes
 * the parts, the second the limits.
 */
#include <string.h>

#include "fuzz.h"

#include "core/err.h"
#include "core/wire.h"

#define LOG_BYTES (8u << 20)

/* Puts m again as it came; what a port message says is lost, as is a reserved
 * bit we do not know. */
static void
put_again(struct buf *out, const struct wire_msg *m)
{
	switch (m->kind) {
	case WIRE_HANDSHAKE:
		(void)wire_put_handshake(out, &m->handshake);
		break;
	case WIRE_KEEPALIVE:
		(void)wire_put_keepalive(out);
		break;
	case WIRE_CHOKE:
	case WIRE_UNCHOKE:
	case WIRE_INTERESTED:
	case WIRE_NOT_INTERESTED:
	case WIRE_HAVE_ALL:
	case WIRE_HAVE_NONE:
		(void)wire_put_plain(out, m->kind);
		break;
	case WIRE_HAVE:
	case WIRE_SUGGEST:
	case WIRE_ALLOWED_FAST:
		(void)wire_put_index(out, m->kind, m->piece);
		break;
	case WIRE_BITFIELD:
		(void)wire_put_bitfield(out, m->body);
		break;
	case WIRE_REQUEST:
	case WIRE_CANCEL:
	case WIRE_REJECT:
		(void)wire_put_block(
		    out, m->kind, m->piece, m->begin, m->length);
		break;
	case WIRE_PIECE:
		(void)wire_put_piece_head(out, m->piece, m->begin, m->length);
		break;
	case WIRE_PORT:
		(void)buf_put(out, "\0\0\0\3\11", 5);
		break;
	case WIRE_EXTENDED:
		(void)wire_put_extended(out, m->ext_id, m->body);
		break;
	}
	assert(buf_error(out) == 0);
}

/* The bytes a message was read from end at the cursor: compares them. */
static void
check_source(struct span whole, struct span rest, const struct buf *log,
    const struct wire_msg *m, size_t log_before)
{
	size_t n = log->n - log_before;
	const uint8_t *source = whole.p + (whole.n - rest.n) - n;

	if (m->kind == WIRE_PORT)
		return;
	assert(whole.n - rest.n >= n);
	if (m->kind == WIRE_HANDSHAKE) {
		assert(memcmp(source, log->p + log_before, 20) == 0);
		source += 28;
		log_before += 28;
		n -= 28;
	}
	assert(memcmp(source, log->p + log_before, n) == 0);
}

/* Reads all of whole in parts of part bytes; gives the end: 0 or the error.
 * Every byte taken and every message goes into log. */
static int
read_parts(struct span whole, size_t part, uint32_t limit, struct buf *log)
{
	struct span rest = whole, in;
	struct wire_reader r;
	struct wire_msg m;
	uint32_t payload = 0;
	int rc = 0;

	wire_reader_init(&r, &fuzz_mem, limit, limit);
	while (rc == 0 && rest.n > 0) {
		(void)span_take(&rest, part < rest.n ? part : rest.n, &in);
		for (;;) {
			size_t before = log->n, n = in.n;
			struct span dropped;
			uint32_t wanted = wire_wanted(&r);

			n = payload < n ? payload : n;
			(void)span_take(&in, n, &dropped);
			payload -= (uint32_t)n;
			rc = 0;
			if (payload > 0)
				break;
			n = in.n;
			rc = wire_read(&r, &in, &m);
			if (rc != 1)
				break;
			assert(n - in.n >= wanted);
			put_again(log, &m);
			if (part >= whole.n)
				check_source(whole, in, log, &m, before);
			if (m.kind == WIRE_PIECE)
				payload = m.length;
		}
		assert(rc <= 0);
		assert(rc != 0 || in.n == 0);
		assert(r.held.n <= WIRE_HANDSHAKE_BYTES + limit);
	}
	if (rc != 0)
		assert(wire_read(&r, &in, &m) == rc);
	wire_reader_free(&r);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {data, size};
	struct buf once, parts;
	uint8_t part, limit;
	int rc;

	if (span_take_u8(&in, &part) != 0 || span_take_u8(&in, &limit) != 0)
		return 0;
	buf_init(&once, &fuzz_mem, LOG_BYTES);
	buf_init(&parts, &fuzz_mem, LOG_BYTES);
	rc = read_parts(in, in.n + 1, limit * 64u, &once);
	for (int i = 0; i < 2; i++) {
		size_t n = i == 0 ? 1 : 2 + (size_t)part;
		int parts_rc = read_parts(in, n, limit * 64u, &parts);

		assert(parts_rc == rc);
		assert(span_equal(buf_span(&once), buf_span(&parts)));
		buf_clear(&parts);
	}
	buf_free(&once);
	buf_free(&parts);
	return 0;
}
