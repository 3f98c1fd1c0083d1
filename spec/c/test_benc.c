#include "unit.h"

#include "core/benc.h"
#include "failalloc.h"

/* The end of reading all of in: 0 if it is one whole value. */
static int
read_all(struct span in, enum benc_mode mode)
{
	struct benc_reader r;
	struct benc_token t;
	int rc;

	benc_reader_init(&r, in, mode);
	do
		rc = benc_next(&r, &t);
	while (rc == 0 && t.kind != BENC_EOF);
	return rc;
}

TEST(tokens_come_in_order_with_their_bytes)
{
	struct span in = SPAN_LIT("d1:ai-7e1:bl2:xy0:ee");
	static const struct {
		enum benc_kind kind;
		bool is_key;
		const char *raw;
	} expected[] = {
	    {BENC_DICT, false, "d"},
	    {BENC_STR, true, "1:a"},
	    {BENC_INT, false, "i-7e"},
	    {BENC_STR, true, "1:b"},
	    {BENC_LIST, false, "l"},
	    {BENC_STR, false, "2:xy"},
	    {BENC_STR, false, "0:"},
	    {BENC_END, false, "e"},
	    {BENC_END, false, "e"},
	    {BENC_EOF, false, ""},
	    {BENC_EOF, false, ""},
	};
	struct benc_reader r;
	struct benc_token t;

	benc_reader_init(&r, in, BENC_STRICT);
	for (size_t i = 0; i < N_OF(expected); i++) {
		assert_int_equal(benc_next(&r, &t), 0);
		assert_int_equal(t.kind, expected[i].kind);
		assert_int_equal(t.is_key, expected[i].is_key);
		assert_true(span_equal(t.raw, span_str(expected[i].raw)));
		if (t.kind == BENC_INT)
			assert_true(t.i == -7);
		if (i == 5)
			assert_ptr_equal(t.s.p, in.p + 14);
	}
	assert_true(r.done);
	assert_int_equal(r.rest.n, 0);
}

TEST(integers_cover_64_bits_and_no_more)
{
	static const struct {
		const char *in;
		int rc;
		int64_t v;
	} cases[] = {
	    {"i0e", 0, 0},
	    {"i42e", 0, 42},
	    {"i-1e", 0, -1},
	    {"i9223372036854775807e", 0, INT64_MAX},
	    {"i-9223372036854775808e", 0, INT64_MIN},
	    {"i9223372036854775808e", ERR_RANGE, 0},
	    {"i-9223372036854775809e", ERR_RANGE, 0},
	    {"i18446744073709551617e", ERR_RANGE, 0},
	    {"i99999999999999999999999999999999e", ERR_RANGE, 0},
	};

	for (size_t i = 0; i < N_OF(cases); i++) {
		struct benc_reader r;
		struct benc_token t;

		benc_reader_init(&r, span_str(cases[i].in), BENC_STRICT);
		assert_int_equal(benc_next(&r, &t), cases[i].rc);
		if (cases[i].rc == 0)
			assert_true(t.i == cases[i].v);
	}
}

TEST(each_malformed_form_has_its_error)
{
	/* input, what strict says, what lenient says */
	static const struct {
		const char *in;
		int strict, lenient;
	} cases[] = {
	    {"", ERR_TRUNCATED, ERR_TRUNCATED},
	    {"i", ERR_TRUNCATED, ERR_TRUNCATED},
	    {"i-", ERR_TRUNCATED, ERR_TRUNCATED},
	    {"i12", ERR_TRUNCATED, ERR_TRUNCATED},
	    {"5:abcd", ERR_TRUNCATED, ERR_TRUNCATED},
	    {"5", ERR_TRUNCATED, ERR_TRUNCATED},
	    {"l", ERR_TRUNCATED, ERR_TRUNCATED},
	    {"d1:a", ERR_TRUNCATED, ERR_TRUNCATED},
	    /* a length that no memory holds */
	    {"9223372036854775807:a", ERR_TRUNCATED, ERR_TRUNCATED},
	    {"9223372036854775808:a", ERR_RANGE, ERR_RANGE},
	    {"18446744073709551617:a", ERR_RANGE, ERR_RANGE},
	    {"ie", ERR_SYNTAX, ERR_SYNTAX},
	    {"i-e", ERR_SYNTAX, ERR_SYNTAX},
	    {"i--1e", ERR_SYNTAX, ERR_SYNTAX},
	    {"i+1e", ERR_SYNTAX, ERR_SYNTAX},
	    {"i 1e", ERR_SYNTAX, ERR_SYNTAX},
	    {"i1.5e", ERR_SYNTAX, ERR_SYNTAX},
	    {"i0x1e", ERR_SYNTAX, ERR_SYNTAX},
	    {"-1:a", ERR_SYNTAX, ERR_SYNTAX},
	    {":a", ERR_SYNTAX, ERR_SYNTAX},
	    {"1;a", ERR_SYNTAX, ERR_SYNTAX},
	    {"x", ERR_SYNTAX, ERR_SYNTAX},
	    {" 1:a", ERR_SYNTAX, ERR_SYNTAX},
	    {"e", ERR_SYNTAX, ERR_SYNTAX},
	    {"d1:ae", ERR_SYNTAX, ERR_SYNTAX},
	    {"di1ei2ee", ERR_SYNTAX, ERR_SYNTAX},
	    {"dlei2ee", ERR_SYNTAX, ERR_SYNTAX},
	    {"i00e", ERR_CANONICAL, 0},
	    {"i01e", ERR_CANONICAL, 0},
	    {"i-01e", ERR_CANONICAL, 0},
	    {"i-0e", ERR_CANONICAL, 0},
	    {"01:a", ERR_CANONICAL, 0},
	    {"00:", ERR_CANONICAL, 0},
	    {"d1:bi1e1:ai1ee", ERR_CANONICAL, 0},
	    {"d2:aai1e1:ai1ee", ERR_CANONICAL, 0},
	    {"d1:ai1e1:ai1ee", ERR_CANONICAL, ERR_CANONICAL},
	    {"d0:i1e0:i1ee", ERR_CANONICAL, ERR_CANONICAL},
	    {"ld1:bi1eed1:ai1eee", 0, 0},
	    {"d1:ad1:bi1ee1:bi1ee", 0, 0},
	    {"d1:bd1:ai1ee1:ci1ee", 0, 0},
	    {"d9:abcdefghii1ee", 0, 0},
	    {"de", 0, 0},
	    {"le", 0, 0},
	    {"0:", 0, 0},
	};

	for (size_t i = 0; i < N_OF(cases); i++) {
		struct span in = span_str(cases[i].in);
		int strict = read_all(in, BENC_STRICT);
		int lenient = read_all(in, BENC_LENIENT);

		if (strict != cases[i].strict || lenient != cases[i].lenient)
			fail_msg("%s: %d %d", cases[i].in, strict, lenient);
	}
}

TEST(sixteen_levels_are_read_and_seventeen_refused)
{
	static const char opening[] = "llllllllllllllllll";
	static const char dicts[] = "d0:d0:d0:d0:d0:d0:d0:d0:d0:d0:d0:d0:d0:d0:"
				    "d0:d0:d0:";
	struct span in = {(const uint8_t *)opening, LIMIT_BENC_DEPTH};

	assert_int_equal(read_all(in, BENC_STRICT), ERR_TRUNCATED);
	in.n++;
	assert_int_equal(read_all(in, BENC_STRICT), ERR_DEPTH);
	assert_int_equal(
	    read_all(SPAN_LIT("lllllllllllllllleeeeeeeeeeeeeeee"), BENC_STRICT),
	    0);
	assert_int_equal(read_all(span_str(dicts), BENC_LENIENT), ERR_DEPTH);
}

/* The reader's state has a fixed size: a megabyte of 'l' costs nothing. */
TEST(endless_nesting_ends_at_once)
{
	static uint8_t bytes[1 << 20];
	struct benc_reader r;
	struct benc_token t;
	int n = 0;

	memset(bytes, 'l', sizeof(bytes));
	benc_reader_init(&r, (struct span){bytes, sizeof(bytes)}, BENC_LENIENT);
	while (benc_next(&r, &t) == 0)
		n++;
	assert_int_equal(n, LIMIT_BENC_DEPTH);
}

TEST(errors_repeat)
{
	struct benc_reader r;
	struct benc_token t;
	struct span raw;

	benc_reader_init(&r, SPAN_LIT("lxi1ee"), BENC_STRICT);
	assert_int_equal(benc_next(&r, &t), 0);
	assert_int_equal(benc_next(&r, &t), ERR_SYNTAX);
	assert_int_equal(benc_next(&r, &t), ERR_SYNTAX);
	assert_int_equal(benc_skip(&r, &t, &raw), ERR_SYNTAX);
	assert_int_equal(r.err, ERR_SYNTAX);
}

TEST(bytes_behind_the_value_are_left_over)
{
	struct benc_reader r;
	struct benc_token t;

	benc_reader_init(&r, SPAN_LIT("i1etrailing"), BENC_STRICT);
	assert_int_equal(benc_next(&r, &t), 0);
	assert_int_equal(benc_next(&r, &t), 0);
	assert_int_equal(t.kind, BENC_EOF);
	assert_span(r.rest, "trailing");
}

TEST(skipping_passes_over_a_whole_value)
{
	struct benc_reader r;
	struct benc_token t;
	struct span raw;

	benc_reader_init(
	    &r, SPAN_LIT("d1:ad1:xli1eee1:b3:yes1:ci5e1:di6ee"), BENC_STRICT);
	assert_int_equal(benc_next(&r, &t), 0);
	assert_int_equal(benc_next(&r, &t), 0);
	assert_int_equal(benc_skip(&r, &t, &raw), 0); /* a key: only itself */
	assert_span(raw, "1:a");
	assert_int_equal(benc_next(&r, &t), 0);
	assert_int_equal(benc_skip(&r, &t, &raw), 0);
	assert_span(raw, "d1:xli1eee");
	assert_int_equal(benc_next(&r, &t), 0);
	assert_span(t.s, "b");
	assert_int_equal(benc_next(&r, &t), 0);
	assert_int_equal(benc_skip(&r, &t, &raw), 0);
	assert_span(raw, "3:yes");
	assert_int_equal(benc_next(&r, &t), 0);
	assert_span(t.s, "c");
	assert_int_equal(benc_next(&r, &t), 0);
	assert_int_equal(benc_skip(&r, &t, NULL), 0);
	assert_int_equal(benc_next(&r, &t), 0);
	assert_span(t.s, "d");
}

TEST(skipping_finds_the_errors_inside)
{
	struct benc_reader r;
	struct benc_token t;

	benc_reader_init(&r, SPAN_LIT("lllie"), BENC_STRICT);
	assert_int_equal(benc_next(&r, &t), 0);
	assert_int_equal(benc_skip(&r, &t, NULL), ERR_SYNTAX);
	benc_reader_init(&r, SPAN_LIT("ld1:ai1eee"), BENC_STRICT);
	assert_int_equal(benc_next(&r, &t), 0);
	assert_int_equal(benc_skip(&r, &t, NULL), 0);
	assert_true(r.done);
}

TEST(every_prefix_of_a_value_is_truncated)
{
	static const char text[] = "d1:ai-70e1:bl2:xy0:e3:keyd1:zleee";
	struct span whole = SPAN_LIT(text);

	assert_int_equal(read_all(whole, BENC_STRICT), 0);
	for (size_t n = 0; n < whole.n; n++) {
		/* a copy of its own, so that ASan sees a read too far */
		uint8_t *copy = test_malloc(n + 1);

		memcpy(copy, text, n);
		assert_int_equal(read_all((struct span){copy, n}, BENC_STRICT),
		    ERR_TRUNCATED);
		assert_int_equal(read_all((struct span){copy, n}, BENC_LENIENT),
		    ERR_TRUNCATED);
		test_free(copy);
	}
}

static int
write_all(const struct mem *mem, void *arg)
{
	static const char expected[] =
	    "d1:ai-9223372036854775808e1:bl0:3:a\0bi0eee";
	struct buf out;
	int rc;

	(void)arg;
	buf_init(&out, mem, 1000);
	(void)benc_put_dict(&out);
	(void)benc_put_key(&out, "a");
	(void)benc_put_int(&out, INT64_MIN);
	(void)benc_put_key(&out, "b");
	(void)benc_put_list(&out);
	(void)benc_put_str(&out, SPAN_LIT(""));
	(void)benc_put_str(&out, SPAN_LIT("a\0b"));
	(void)benc_put_int(&out, 0);
	(void)benc_put_end(&out);
	rc = benc_put_end(&out);
	if (rc == 0) {
		assert_span(buf_span(&out), expected);
		assert_int_equal(read_all(buf_span(&out), BENC_STRICT), 0);
	}
	buf_free(&out);
	return rc;
}

TEST(what_is_written_is_canonical_or_an_error)
{
	assert_int_equal(failalloc_each(write_all, NULL), 1);
}

TEST(a_writer_out_of_room_says_so_at_the_end)
{
	struct failalloc f;

	failalloc_init(&f, 0);
	for (size_t max = 0; max <= 20; max++) {
		struct buf out;

		buf_init(&out, &f.mem, max);
		(void)benc_put_list(&out);
		(void)benc_put_str(&out, SPAN_LIT("0123456789"));
		(void)benc_put_int(&out, 12);
		assert_int_equal(benc_put_end(&out), max < 19 ? ERR_LIMIT : 0);
		buf_free(&out);
	}
	failalloc_check(&f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tokens_come_in_order_with_their_bytes),
	    cmocka_unit_test(integers_cover_64_bits_and_no_more),
	    cmocka_unit_test(each_malformed_form_has_its_error),
	    cmocka_unit_test(sixteen_levels_are_read_and_seventeen_refused),
	    cmocka_unit_test(endless_nesting_ends_at_once),
	    cmocka_unit_test(errors_repeat),
	    cmocka_unit_test(bytes_behind_the_value_are_left_over),
	    cmocka_unit_test(skipping_passes_over_a_whole_value),
	    cmocka_unit_test(skipping_finds_the_errors_inside),
	    cmocka_unit_test(every_prefix_of_a_value_is_truncated),
	    cmocka_unit_test(what_is_written_is_canonical_or_an_error),
	    cmocka_unit_test(a_writer_out_of_room_says_so_at_the_end),
	};

	return cmocka_run_group_tests_name("benc", tests, NULL, NULL);
}
