#include "unit.h"

TEST(takes_integers_big_endian_from_the_front)
{
	static const uint8_t bytes[] = {
	    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff};
	struct span in = {bytes, sizeof(bytes)};
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint64_t d;

	assert_int_equal(span_take_u8(&in, &a), 0);
	assert_int_equal(a, 1);
	assert_int_equal(span_take_be16(&in, &b), 0);
	assert_int_equal(b, 0x0203);
	assert_int_equal(span_take_be32(&in, &c), 0);
	assert_int_equal(c, 0x04050607);
	assert_int_equal(span_take_be64(&in, &d), 0);
	assert_true(d == UINT64_C(0x08090a0b0c0d0eff));
	assert_int_equal(in.n, 0);
}

TEST(a_take_beyond_the_end_changes_nothing)
{
	static const uint8_t bytes[7] = {1, 2, 3, 4, 5, 6, 7};

	for (size_t n = 0; n < sizeof(bytes); n++) {
		struct span in = {bytes, n}, out;
		uint8_t a;
		uint16_t b;
		uint32_t c;
		uint64_t d;

		assert_int_equal(
		    span_take_u8(&in, &a), n < 1 ? ERR_TRUNCATED : 0);
		in = (struct span){bytes, n};
		assert_int_equal(
		    span_take_be16(&in, &b), n < 2 ? ERR_TRUNCATED : 0);
		assert_int_equal(in.n, n < 2 ? n : n - 2);
		in = (struct span){bytes, n};
		assert_int_equal(
		    span_take_be32(&in, &c), n < 4 ? ERR_TRUNCATED : 0);
		assert_int_equal(in.n, n < 4 ? n : n - 4);
		in = (struct span){bytes, n};
		assert_int_equal(span_take_be64(&in, &d), ERR_TRUNCATED);
		assert_int_equal(span_take(&in, n + 1, &out), ERR_TRUNCATED);
		assert_int_equal(span_take(&in, SIZE_MAX, &out), ERR_TRUNCATED);
		assert_ptr_equal(in.p, bytes);
		assert_int_equal(in.n, n);
	}
}

TEST(an_empty_span_may_have_no_bytes_behind_it)
{
	struct span none = {0}, out = SPAN_LIT("x");

	assert_int_equal(span_take(&none, 0, &out), 0);
	assert_int_equal(out.n, 0);
	assert_int_equal(span_take(&none, 1, &out), ERR_TRUNCATED);
	assert_true(span_equal(none, SPAN_LIT("")));
	assert_int_equal(span_compare(none, none), 0);
	assert_true(span_compare(none, SPAN_LIT("a")) < 0);
	assert_int_equal(span_taken(none, none).n, 0);
}

TEST(a_taken_span_borrows_from_its_input)
{
	struct span whole = SPAN_LIT("abcdef"), in = whole, out;

	assert_int_equal(span_take(&in, 2, &out), 0);
	assert_ptr_equal(out.p, whole.p);
	assert_span(out, "ab");
	assert_span(in, "cdef");
	assert_span(span_taken(whole, in), "ab");
	assert_span(span_taken(in, in), "");
}

TEST(spans_compare_as_bytes_a_prefix_first)
{
	/* In order; bytes above 0x7f are large, not negative. */
	static const struct span order[] = {
	    {(const uint8_t *)"", 0},
	    {(const uint8_t *)"\0", 1},
	    {(const uint8_t *)"\0\0", 2},
	    {(const uint8_t *)"a", 1},
	    {(const uint8_t *)"ab", 2},
	    {(const uint8_t *)"b", 1},
	    {(const uint8_t *)"\x80", 1},
	    {(const uint8_t *)"\xff\x01", 2},
	};

	for (size_t i = 0; i < N_OF(order); i++)
		for (size_t j = 0; j < N_OF(order); j++) {
			int c = span_compare(order[i], order[j]);

			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
			assert_int_equal(
			    span_equal(order[i], order[j]), i == j);
		}
}

TEST(a_string_becomes_a_span_without_its_nul)
{
	assert_span(span_str("abc"), "abc");
	assert_span(span_str(""), "");
	assert_int_equal(SPAN_LIT("a\0b").n, 3);
}

TEST(every_error_code_has_its_sentence)
{
	assert_string_equal(err_sentence(ERR_DEPTH), "is nested too deeply");
	assert_string_equal(err_sentence(ERR_LENGTH), "has the wrong length");
	assert_string_equal(err_sentence(0), "failed");
	assert_string_equal(err_sentence(-9999), "failed");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_integers_big_endian_from_the_front),
	    cmocka_unit_test(a_take_beyond_the_end_changes_nothing),
	    cmocka_unit_test(an_empty_span_may_have_no_bytes_behind_it),
	    cmocka_unit_test(a_taken_span_borrows_from_its_input),
	    cmocka_unit_test(spans_compare_as_bytes_a_prefix_first),
	    cmocka_unit_test(a_string_becomes_a_span_without_its_nul),
	    cmocka_unit_test(every_error_code_has_its_sentence),
	};

	return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
