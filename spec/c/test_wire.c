#include "unit.h"

#include "core/wire.h"
#include "failalloc.h"
#include "samples.h"

/* One message of every kind as it stands on the wire, in this order. */
#define EVERY                                                                  \
	"\0\0\0\0"                                                             \
	"\0\0\0\1\0"                                                           \
	"\0\0\0\1\1"                                                           \
	"\0\0\0\1\2"                                                           \
	"\0\0\0\1\3"                                                           \
	"\0\0\0\5\4\0\0\1\2"                                                   \
	"\0\0\0\3\5\xff\x80"                                                   \
	"\0\0\0\15\6\0\0\0\1\0\0\x40\0\0\0\x20\0"                              \
	"\0\0\0\14\7\0\0\0\2\0\0\0\3xyz"                                       \
	"\0\0\0\15\10\0\0\0\1\0\0\x40\0\0\0\x20\0"                             \
	"\0\0\0\3\11\x1a\xe1"                                                  \
	"\0\0\0\5\15\0\0\0\7"                                                  \
	"\0\0\0\1\16"                                                          \
	"\0\0\0\1\17"                                                          \
	"\0\0\0\15\20\0\0\0\1\0\0\x40\0\0\0\x20\0"                             \
	"\0\0\0\5\21\xff\xff\xff\xff"                                          \
	"\0\0\0\7\x63unknow"                                                   \
	"\0\0\0\1\x64"                                                         \
	"\0\0\0\4\24\0de"                                                      \
	"\0\0\0\2\24\7"                                                        \
	"\0\0\0\0"

static const struct wire_handshake shake = {
    .info_hash = {'h', 'h', 'h', 'h', 'h', 'h', 'h', 'h', 'h', 'h', 'h', 'h',
	'h', 'h', 'h', 'h', 'h', 'h', 'h', 'h'},
    .peer_id = PEER_ID,
    .fast = true,
    .extended = true,
};

/* The kinds EVERY gives; the unknown two are skipped. */
static const enum wire_kind kinds[] = {WIRE_HANDSHAKE, WIRE_KEEPALIVE,
    WIRE_CHOKE, WIRE_UNCHOKE, WIRE_INTERESTED, WIRE_NOT_INTERESTED, WIRE_HAVE,
    WIRE_BITFIELD, WIRE_REQUEST, WIRE_PIECE, WIRE_CANCEL, WIRE_PORT,
    WIRE_SUGGEST, WIRE_HAVE_ALL, WIRE_HAVE_NONE, WIRE_REJECT, WIRE_ALLOWED_FAST,
    WIRE_EXTENDED, WIRE_EXTENDED, WIRE_KEEPALIVE};

/* Checks the n-th message of HANDSHAKE EVERY. */
static void
check_message(size_t n, const struct wire_msg *m)
{
	assert_true(n < N_OF(kinds));
	assert_int_equal(m->kind, kinds[n]);
	switch (n) {
	case 0:
		assert_memory_equal(m->handshake.info_hash, INFO_HASH, 20);
		assert_memory_equal(m->handshake.peer_id, PEER_ID, 20);
		assert_true(m->handshake.fast);
		assert_true(m->handshake.extended);
		break;
	case 6:
		assert_int_equal(m->piece, 0x102);
		break;
	case 7:
		assert_span(m->body, "\xff\x80");
		break;
	case 8:
	case 10:
	case 15:
		assert_int_equal(m->piece, 1);
		assert_int_equal(m->begin, 0x4000);
		assert_int_equal(m->length, 0x2000);
		break;
	case 9:
		assert_int_equal(m->piece, 2);
		assert_int_equal(m->begin, 3);
		assert_int_equal(m->length, 3);
		break;
	case 12:
		assert_int_equal(m->piece, 7);
		break;
	case 16:
		assert_true(m->piece == UINT32_MAX);
		break;
	case 17:
		assert_int_equal(m->ext_id, 0);
		assert_span(m->body, "de");
		break;
	case 18:
		assert_int_equal(m->ext_id, 7);
		assert_span(m->body, "");
		break;
	default:
		break;
	}
}

/* What a stream has given so far. */
struct progress {
	size_t n;         /* messages */
	uint32_t payload; /* bytes of a block still to come */
};

/* Feeds one part, taking payloads off as a caller does; 0 or the error. */
static int
feed(struct wire_reader *r, struct span in, struct progress *p)
{
	for (;;) {
		struct wire_msg m;
		struct span payload;
		size_t n = p->payload < in.n ? p->payload : in.n;
		int rc;

		(void)span_take(&in, n, &payload);
		p->payload -= (uint32_t)n;
		if (p->payload > 0)
			return 0;
		rc = wire_read(r, &in, &m);
		if (rc != 1) {
			if (rc == 0)
				assert_int_equal(in.n, 0);
			return rc;
		}
		check_message(p->n++, &m);
		if (m.kind == WIRE_PIECE) {
			assert_true(in.n == 0 || in.p[0] == 'x');
			p->payload = m.length;
		}
	}
}

TEST(every_kind_of_message_is_read_without_a_copy)
{
	struct progress p = {0};
	struct wire_reader r;
	struct failalloc f;

	failalloc_init(&f, 0);
	wire_reader_init(&r, &f.mem, 100, 100);
	assert_int_equal(feed(&r, SPAN_LIT(HANDSHAKE EVERY), &p), 0);
	assert_int_equal(p.n, N_OF(kinds));
	assert_int_equal(f.n_asked, 0);
	wire_reader_free(&r);
}

TEST(a_stream_split_at_any_byte_gives_the_same_messages)
{
	struct span whole = SPAN_LIT(HANDSHAKE EVERY);

	for (size_t at = 0; at <= whole.n; at++) {
		struct span rest = whole, first;
		struct progress p = {0};
		struct wire_reader r;
		struct failalloc f;

		failalloc_init(&f, 0);
		wire_reader_init(&r, &f.mem, 100, 100);
		(void)span_take(&rest, at, &first);
		assert_int_equal(feed(&r, first, &p), 0);
		assert_int_equal(feed(&r, rest, &p), 0);
		assert_int_equal(p.n, N_OF(kinds));
		wire_reader_free(&r);
		failalloc_check(&f);
	}
}

TEST(parts_of_any_size_give_the_same_messages)
{
	struct span whole = SPAN_LIT(HANDSHAKE EVERY);

	for (size_t part = 1; part <= whole.n; part++) {
		struct span rest = whole, in;
		struct progress p = {0};
		struct wire_reader r;
		struct failalloc f;

		failalloc_init(&f, 0);
		wire_reader_init(&r, &f.mem, 100, 100);
		while (rest.n > 0) {
			size_t n = part < rest.n ? part : rest.n;
			uint8_t *copy = test_malloc(n);

			(void)span_take(&rest, n, &in);
			memcpy(copy, in.p, n);
			assert_int_equal(
			    feed(&r, (struct span){copy, n}, &p), 0);
			test_free(copy); /* nothing may borrow from it now */
		}
		assert_int_equal(p.n, N_OF(kinds));
		wire_reader_free(&r);
		failalloc_check(&f);
	}
}

static int
read_split(const struct mem *mem, void *arg)
{
	struct span rest = SPAN_LIT(HANDSHAKE EVERY), in;
	struct progress p = {0};
	struct wire_reader r;
	int rc = 0;

	(void)arg;
	wire_reader_init(&r, mem, 100, 100);
	while (rest.n > 0 && rc == 0) {
		(void)span_take(&rest, rest.n < 3 ? rest.n : 3, &in);
		rc = feed(&r, in, &p);
	}
	if (rc == 0)
		assert_int_equal(p.n, N_OF(kinds));
	else
		assert_int_equal(feed(&r, rest, &p), rc);
	wire_reader_free(&r);
	return rc;
}

TEST(without_memory_the_reader_says_so)
{
	assert_true(failalloc_each(read_split, NULL) >= 1);
}

/* Writes HANDSHAKE EVERY but for the unknown messages and the port. */
static void
put_every(struct buf *out)
{
	(void)wire_put_handshake(out, &shake);
	(void)wire_put_keepalive(out);
	(void)wire_put_plain(out, WIRE_CHOKE);
	(void)wire_put_plain(out, WIRE_UNCHOKE);
	(void)wire_put_plain(out, WIRE_INTERESTED);
	(void)wire_put_plain(out, WIRE_NOT_INTERESTED);
	(void)wire_put_index(out, WIRE_HAVE, 0x102);
	(void)wire_put_bitfield(out, SPAN_LIT("\xff\x80"));
	(void)wire_put_block(out, WIRE_REQUEST, 1, 0x4000, 0x2000);
	(void)wire_put_piece_head(out, 2, 3, 3);
	(void)buf_put_str(out, "xyz");
	(void)wire_put_block(out, WIRE_CANCEL, 1, 0x4000, 0x2000);
	(void)buf_put(out, "\0\0\0\3\11\x1a\xe1", 7);
	(void)wire_put_index(out, WIRE_SUGGEST, 7);
	(void)wire_put_plain(out, WIRE_HAVE_ALL);
	(void)wire_put_plain(out, WIRE_HAVE_NONE);
	(void)wire_put_block(out, WIRE_REJECT, 1, 0x4000, 0x2000);
	(void)wire_put_index(out, WIRE_ALLOWED_FAST, UINT32_MAX);
	(void)buf_put(out, "\0\0\0\7\x63unknow\0\0\0\1\x64", 16);
	(void)wire_put_extended(out, 0, SPAN_LIT("de"));
	(void)wire_put_extended(out, 7, SPAN_LIT(""));
	(void)wire_put_keepalive(out);
}

static int
write_all(const struct mem *mem, void *arg)
{
	struct buf out;
	int rc;

	(void)arg;
	buf_init(&out, mem, 1000);
	put_every(&out);
	rc = buf_error(&out);
	if (rc == 0)
		assert_span(buf_span(&out), HANDSHAKE EVERY);
	buf_free(&out);
	return rc;
}

TEST(the_writers_put_exactly_these_bytes)
{
	assert_true(failalloc_each(write_all, NULL) >= 1);
}

TEST(a_writer_gives_the_error_of_its_buffer)
{
	struct failalloc f;
	struct buf out;

	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 73);
	assert_int_equal(wire_put_extended(&out, 1, SPAN_LIT("x")), 0);
	assert_span(buf_span(&out), "\0\0\0\3\24\1x");
	assert_int_equal(wire_put_plain(&out, WIRE_CHOKE), 0);
	assert_int_equal(wire_put_index(&out, WIRE_HAVE, 1), 0);
	assert_int_equal(wire_put_block(&out, WIRE_CANCEL, 1, 2, 3), 0);
	assert_int_equal(wire_put_piece_head(&out, 1, 2, 3), 0);
	assert_int_equal(wire_put_bitfield(&out, SPAN_LIT("y")), 0);
	assert_int_equal(wire_put_keepalive(&out), 0);
	assert_int_equal(out.n, 61);
	assert_int_equal(wire_put_handshake(&out, &shake), ERR_LIMIT);
	assert_int_equal(wire_put_plain(&out, WIRE_CHOKE), ERR_LIMIT);
	assert_int_equal(wire_put_index(&out, WIRE_HAVE, 1), ERR_LIMIT);
	assert_int_equal(out.n, 61);
	buf_free(&out);
	failalloc_check(&f);
}

TEST(a_message_is_put_entirely_or_not_at_all)
{
	struct span whole = SPAN_LIT(HANDSHAKE EVERY);
	struct failalloc f;

	failalloc_init(&f, 0);
	for (size_t max = 0; max < whole.n; max++) {
		struct progress p = {0};
		struct wire_reader r;
		struct buf out;

		buf_init(&out, &f.mem, max);
		put_every(&out);
		assert_int_equal(buf_error(&out), ERR_LIMIT);
		assert_memory_equal(out.p == NULL ? (const uint8_t *)"" : out.p,
		    whole.p, out.n);
		wire_reader_init(&r, &f.mem, 100, 100);
		assert_int_equal(feed(&r, buf_span(&out), &p), 0);
		assert_int_equal(r.held.n, 0);
		wire_reader_free(&r);
		buf_free(&out);
	}
	failalloc_check(&f);
}

TEST(a_handshake_says_what_it_can)
{
	for (unsigned i = 0; i < 4; i++) {
		struct wire_handshake h = shake;
		struct wire_reader r;
		struct wire_msg m;
		struct failalloc f;
		struct buf out;
		struct span in;

		h.fast = (i & 1) != 0;
		h.extended = (i & 2) != 0;
		failalloc_init(&f, 0);
		buf_init(&out, &f.mem, 100);
		wire_reader_init(&r, &f.mem, 100, 100);
		assert_int_equal(wire_put_handshake(&out, &h), 0);
		assert_int_equal(out.p[20 + 5], h.extended ? 0x10 : 0);
		assert_int_equal(out.p[20 + 7], h.fast ? 4 : 0);
		assert_int_equal(out.n, WIRE_HANDSHAKE_BYTES);
		in = buf_span(&out);
		assert_int_equal(wire_read(&r, &in, &m), 1);
		assert_int_equal(m.handshake.fast, h.fast);
		assert_int_equal(m.handshake.extended, h.extended);
		assert_memory_equal(m.handshake.peer_id, h.peer_id, 20);
		buf_free(&out);
		wire_reader_free(&r);
		failalloc_check(&f);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_of_message_is_read_without_a_copy),
	    cmocka_unit_test(
		a_stream_split_at_any_byte_gives_the_same_messages),
	    cmocka_unit_test(parts_of_any_size_give_the_same_messages),
	    cmocka_unit_test(without_memory_the_reader_says_so),
	    cmocka_unit_test(the_writers_put_exactly_these_bytes),
	    cmocka_unit_test(a_writer_gives_the_error_of_its_buffer),
	    cmocka_unit_test(a_message_is_put_entirely_or_not_at_all),
	    cmocka_unit_test(a_handshake_says_what_it_can),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
