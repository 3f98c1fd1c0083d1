#include "unit.h"

#include "core/wire_ext.h"
#include "failalloc.h"

/* As libtorrent 2.0.8 sent it. */
#define LIBTORRENT                                                             \
	"d12:complete_agoi-1e1:md11:lt_donthavei7e10:share_modei8e11:upload_"  \
	"onlyi3e12:ut_holepunchi4e11:ut_metadatai2e6:ut_pexi1ee13:metadata_"   \
	"sizei144e4:reqqi2000e11:upload_onlyi1e1:v18:libtorrent/2.0.8.0"       \
	"6:yourip4:\x7f\0\0\1e"

TEST(the_handshake_of_libtorrent_is_understood)
{
	struct wire_ext_handshake h;

	assert_int_equal(wire_ext_parse(&h, SPAN_LIT(LIBTORRENT)), 0);
	assert_int_equal(h.id_pex, 1);
	assert_int_equal(h.port, 0);
	assert_int_equal(h.reqq, 2000);
	assert_int_equal(h.block, 0);
	assert_span(h.client, "libtorrent/2.0.8.0");
	assert_span(h.yourip, "\x7f\0\0\1");
}

static int
build_and_parse(const struct mem *mem, void *arg)
{
	static const char expected[] =
	    "d1:md11:murder_havei2e6:ut_pexi1ee"
	    "12:murder_blocki131072e11:murder_rack4:r "
	    "1\"1:pi6881e"
	    "4:reqqi250e1:v10:murder 1.06:yourip4:\1\2\3\4e";
	const struct wire_ext_handshake h = {
	    .id_pex = WIRE_EXT_PEX,
	    .id_haves = WIRE_EXT_HAVES,
	    .port = 6881,
	    .reqq = 250,
	    .block = 131072,
	    .rack = SPAN_LIT("r 1\""),
	    .client = SPAN_LIT("murder 1.0"),
	    .yourip = SPAN_LIT("\1\2\3\4"),
	};
	struct wire_ext_handshake got;
	struct buf out;
	int rc;

	(void)arg;
	buf_init(&out, mem, 1000);
	rc = wire_ext_build(&out, &h);
	if (rc == 0) {
		assert_span(buf_span(&out), expected);
		assert_int_equal(wire_ext_parse(&got, buf_span(&out)), 0);
		assert_int_equal(got.id_pex, h.id_pex);
		assert_int_equal(got.id_haves, h.id_haves);
		assert_int_equal(got.port, h.port);
		assert_int_equal(got.reqq, h.reqq);
		assert_int_equal(got.block, h.block);
		assert_true(span_equal(got.client, h.client));
		assert_true(span_equal(got.yourip, h.yourip));
	}
	buf_free(&out);
	return rc;
}

TEST(our_handshake_comes_back_as_it_went)
{
	assert_int_equal(failalloc_each(build_and_parse, NULL), 2);
}

TEST(fields_not_said_are_left_out)
{
	const struct wire_ext_handshake none = {0};
	struct failalloc f;
	struct buf out;

	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 100);
	assert_int_equal(wire_ext_build(&out, &none), 0);
	assert_span(buf_span(&out), "de");
	buf_clear(&out);
	assert_int_equal(
	    wire_ext_build(&out, &(struct wire_ext_handshake){.id_pex = 2}), 0);
	assert_span(buf_span(&out), "d1:md6:ut_pexi2eee");
	buf_free(&out);
	failalloc_check(&f);
}

TEST(order_and_unknown_keys_do_not_matter)
{
	struct wire_ext_handshake h;

	assert_int_equal(
	    wire_ext_parse(
		&h, SPAN_LIT("d4:reqqi9e1:xld1:yi1eee1:md1:qi9e6:ut_pexi07ee"
			     "1:ei0eetrailing")),
	    0);
	assert_int_equal(h.reqq, 9);
	assert_int_equal(h.id_pex, 7);
}

TEST(senseless_numbers_count_as_not_said_and_large_ones_as_the_largest)
{
	struct wire_ext_handshake h;

	assert_int_equal(
	    wire_ext_parse(
		&h, SPAN_LIT("d1:md6:ut_pexi256ee"
			     "12:murder_blocki-5e1:pi65536e4:reqqi5000000000e"
			     "6:yourip3:abce")),
	    0);
	assert_int_equal(h.id_pex, 0);
	assert_int_equal(h.block, 0);
	assert_int_equal(h.port, 0);
	assert_true(h.reqq == UINT32_MAX);
	assert_int_equal(h.yourip.n, 0);
	assert_int_equal(
	    wire_ext_parse(&h,
		SPAN_LIT(
		    "d1:md6:ut_pexi255ee12:murder_blocki9223372036854775807e"
		    "1:pi65535e6:yourip16:0123456789abcdefe")),
	    0);
	assert_true(h.block == UINT32_MAX);
	assert_int_equal(h.port, 65535);
	assert_int_equal(h.yourip.n, 16);
}

TEST(a_broken_handshake_has_its_error)
{
	static const struct {
		const char *in;
		int rc;
	} cases[] = {
	    {"", ERR_TRUNCATED},
	    {"d", ERR_TRUNCATED},
	    {"le", ERR_TYPE},
	    {"i1e", ERR_TYPE},
	    {"x", ERR_SYNTAX},
	    {"d1:mlee", ERR_TYPE},
	    {"d1:mi1ee", ERR_TYPE},
	    {"d1:md6:ut_pex1:1eee", ERR_TYPE},
	    {"d1:md6:ut_pexleee", ERR_TYPE},
	    {"d1:p1:1e", ERR_TYPE},
	    {"d4:reqqlee", ERR_TYPE},
	    {"d12:murder_blockdee", ERR_TYPE},
	    {"d1:vi1ee", ERR_TYPE},
	    {"d6:youripi1ee", ERR_TYPE},
	    {"d1:pi99999999999999999999ee", ERR_RANGE},
	    {"d1:xllllllllllllllllllllee", ERR_DEPTH},
	    {"d1:pi1e1:pi1ee", ERR_CANONICAL},
	};
	struct wire_ext_handshake h;

	for (size_t i = 0; i < N_OF(cases); i++) {
		int rc = wire_ext_parse(&h, span_str(cases[i].in));

		if (rc != cases[i].rc)
			fail_msg("%s: %d", cases[i].in, rc);
	}
	for (size_t n = 0; n < sizeof(LIBTORRENT) - 1; n++)
		assert_int_equal(
		    wire_ext_parse(
			&h, (struct span){(const uint8_t *)LIBTORRENT, n}),
		    ERR_TRUNCATED);
}

static int
pex_round(const struct mem *mem, void *arg)
{
	static const char expected[] =
	    "d5:added12:aaaabbccccdd7:added.f2:\0\0"
	    "6:added618:0123456789abcdefgh8:added6.f1:\0e";
	const struct wire_pex p = {
	    .added = SPAN_LIT("aaaabbccccdd"),
	    .added6 = SPAN_LIT("0123456789abcdefgh"),
	};
	struct wire_pex got;
	struct buf out;
	int rc;

	(void)arg;
	buf_init(&out, mem, 1000);
	rc = wire_pex_build(&out, &p);
	if (rc == 0) {
		assert_span(buf_span(&out), expected);
		assert_int_equal(wire_pex_parse(&got, buf_span(&out)), 0);
		assert_true(span_equal(got.added, p.added));
		assert_true(span_equal(got.added6, p.added6));
	}
	buf_free(&out);
	return rc;
}

TEST(pex_comes_back_as_it_went)
{
	assert_int_equal(failalloc_each(pex_round, NULL), 2);
}

TEST(pex_of_nobody_is_an_empty_dictionary)
{
	struct failalloc f;
	struct wire_pex p = {0};
	struct buf out;

	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 100);
	assert_int_equal(wire_pex_build(&out, &p), 0);
	assert_span(buf_span(&out), "de");
	assert_int_equal(wire_pex_parse(&p, buf_span(&out)), 0);
	assert_int_equal(p.added.n, 0);
	buf_free(&out);
	failalloc_check(&f);
}

TEST(half_an_address_in_pex_is_a_violation)
{
	struct wire_pex p;

	assert_int_equal(
	    wire_pex_parse(&p, SPAN_LIT("d5:added7:aaaabbce")), ERR_PROTOCOL);
	assert_int_equal(
	    wire_pex_parse(&p, SPAN_LIT("d6:added66:aaaabbe")), ERR_PROTOCOL);
	assert_int_equal(
	    wire_pex_parse(&p, SPAN_LIT("d5:addedi1ee")), ERR_TYPE);
	assert_int_equal(wire_pex_parse(&p, SPAN_LIT("5:added")), ERR_TYPE);
	assert_int_equal(
	    wire_pex_parse(&p, SPAN_LIT("d5:added6:aa")), ERR_TRUNCATED);
	/* BEP 11's other fields are passed over */
	assert_int_equal(
	    wire_pex_parse(&p, SPAN_LIT("d5:added6:aaaabb7:added.f1:\2"
					"7:dropped6:ccccdd8:dropped60:e")),
	    0);
	assert_span(p.added, "aaaabb");
}

/* Builds the message, compares its bytes behind length, id and ext id, and
 * takes it apart again. */
static void
check_haves(
    uint32_t n_pieces, const uint32_t *piece, uint32_t n, struct span expected)
{
	struct failalloc f;
	struct buf out;
	struct span in;
	uint32_t i, got = 0;

	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 4096);
	assert_int_equal(wire_put_haves(&out, 7, n_pieces, piece, n), 0);
	in = buf_span(&out);
	assert_int_equal(in.n, 6 + expected.n);
	assert_memory_equal(in.p + 4, "\24\7", 2);
	in = (struct span){.p = in.p + 6, .n = in.n - 6};
	assert_true(span_equal(in, expected));
	for (i = 0; i < n; i++) {
		assert_int_equal(wire_take_have(&in, n_pieces, &got), 0);
		assert_int_equal(got, piece[i]);
	}
	assert_int_equal(in.n, 0);
	buf_free(&out);
	failalloc_check(&f);
}

TEST(haves_are_as_wide_as_the_torrent_needs)
{
	static const uint32_t few[] = {0, 258, 65535}, many[] = {65536, 1};

	check_haves(65536, few, 3, SPAN_LIT("\0\0\1\2\xff\xff"));
	check_haves(65537, many, 2, SPAN_LIT("\0\1\0\0\0\0\0\1"));
	check_haves(65537, many, 0, SPAN_LIT(""));
}

TEST(haves_of_no_piece_and_half_ones_are_refused)
{
	struct span in = SPAN_LIT("\0\10\0");
	uint32_t got;

	assert_int_equal(wire_take_have(&in, 8, &got), ERR_RANGE);
	assert_int_equal(wire_take_have(&in, 8, &got), ERR_TRUNCATED);
	in = SPAN_LIT("\0\1\0");
	assert_int_equal(wire_take_have(&in, 65537, &got), ERR_TRUNCATED);
}

TEST(stripes_come_back_as_they_went)
{
	enum wire_stripes_kind kind, got = WIRE_STRIPES_SEND;
	struct failalloc a;
	struct span body;
	struct buf out;
	stripes_t of = 0;

	failalloc_init(&a, 0);
	buf_init(&out, &a.mem, 64);
	for (kind = WIRE_STRIPES_SEND; kind <= WIRE_STRIPES_QUIT; kind++) {
		buf_clear(&out);
		assert_int_equal(wire_put_stripes(&out, 3, kind, 5), 0);
		body = buf_span(&out);
		body.p += body.n - 2;
		body.n = 2;
		assert_int_equal(wire_take_stripes(&body, &got, &of), 0);
		assert_int_equal(got, kind);
		assert_int_equal(of, 5);
	}
	buf_free(&out);
	failalloc_check(&a);
}

TEST(stripes_of_no_kind_none_there_are_and_half_ones_are_refused)
{
	static const struct {
		const char *body;
		size_t n;
		int err;
	} bad[] = {{"", 0, ERR_TRUNCATED}, {"\0", 1, ERR_TRUNCATED},
	    {"\4\1", 2, ERR_RANGE}, {"\0\20", 2, ERR_RANGE}};
	enum wire_stripes_kind kind;
	struct span body;
	stripes_t of;
	size_t i;

	for (i = 0; i < N_OF(bad); i++) {
		body = (struct span){
		    .p = (const uint8_t *)bad[i].body, .n = bad[i].n};
		assert_int_equal(
		    wire_take_stripes(&body, &kind, &of), bad[i].err);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_handshake_of_libtorrent_is_understood),
	    cmocka_unit_test(our_handshake_comes_back_as_it_went),
	    cmocka_unit_test(fields_not_said_are_left_out),
	    cmocka_unit_test(order_and_unknown_keys_do_not_matter),
	    cmocka_unit_test(
		senseless_numbers_count_as_not_said_and_large_ones_as_the_largest),
	    cmocka_unit_test(a_broken_handshake_has_its_error),
	    cmocka_unit_test(pex_comes_back_as_it_went),
	    cmocka_unit_test(pex_of_nobody_is_an_empty_dictionary),
	    cmocka_unit_test(half_an_address_in_pex_is_a_violation),
	    cmocka_unit_test(haves_are_as_wide_as_the_torrent_needs),
	    cmocka_unit_test(haves_of_no_piece_and_half_ones_are_refused),
	    cmocka_unit_test(stripes_come_back_as_they_went),
	    cmocka_unit_test(
		stripes_of_no_kind_none_there_are_and_half_ones_are_refused),
	};

	return cmocka_run_group_tests_name("wire_ext", tests, NULL, NULL);
}
