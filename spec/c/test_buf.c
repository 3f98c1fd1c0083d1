#include "unit.h"

#include "core/buf.h"
#include "failalloc.h"

TEST(an_empty_buffer_allocates_nothing)
{
	struct failalloc f;
	struct buf b;

	failalloc_init(&f, 0);
	buf_init(&b, &f.mem, 100);
	assert_int_equal(buf_put(&b, NULL, 0), 0);
	assert_int_equal(buf_put_str(&b, ""), 0);
	buf_clear(&b);
	buf_consume(&b, 0);
	assert_int_equal(buf_span(&b).n, 0);
	buf_free(&b);
	assert_int_equal(f.n_asked, 0);
}

TEST(puts_append_in_order)
{
	struct failalloc f;
	struct buf b;

	failalloc_init(&f, 0);
	buf_init(&b, &f.mem, 100);
	assert_int_equal(buf_put_u8(&b, 'A'), 0);
	assert_int_equal(buf_put_be16(&b, 0x4243), 0);
	assert_int_equal(buf_put_be32(&b, 0x44454647), 0);
	assert_int_equal(buf_put_be64(&b, UINT64_C(0x48494a4b4c4d4e4f)), 0);
	assert_int_equal(buf_put_str(&b, "-"), 0);
	assert_int_equal(buf_put_span(&b, SPAN_LIT("x\0y")), 0);
	memcpy(buf_grow(&b, 2), "zz", 2);
	assert_span(buf_span(&b), "ABCDEFGHIJKLMNO-x\0yzz");
	buf_free(&b);
	failalloc_check(&f);
}

TEST(integers_are_written_in_decimal_to_both_ends)
{
	static const struct {
		int64_t v;
		const char *text;
	} cases[] = {
	    {0, "0"},
	    {7, "7"},
	    {-1, "-1"},
	    {10, "10"},
	    {INT64_MAX, "9223372036854775807"},
	    {INT64_MIN, "-9223372036854775808"},
	};
	struct failalloc f;
	struct buf b;

	failalloc_init(&f, 0);
	buf_init(&b, &f.mem, 100);
	for (size_t i = 0; i < N_OF(cases); i++) {
		buf_clear(&b);
		assert_int_equal(buf_put_int(&b, cases[i].v), 0);
		assert_true(span_equal(buf_span(&b), span_str(cases[i].text)));
	}
	buf_free(&b);
	failalloc_check(&f);
}

TEST(the_maximum_is_reached_but_never_exceeded)
{
	for (size_t max = 0; max < 300; max++) {
		struct failalloc f;
		struct buf b;

		failalloc_init(&f, 0);
		buf_init(&b, &f.mem, max);
		for (size_t i = 0; i < max; i++)
			assert_int_equal(buf_put_u8(&b, (uint8_t)i), 0);
		assert_true(b.cap <= max);
		assert_int_equal(buf_put_u8(&b, 1), ERR_LIMIT);
		assert_int_equal(b.n, max);
		for (size_t i = 0; i < max; i++)
			assert_int_equal(b.p[i], (uint8_t)i);
		assert_true(f.bytes_peak <= 2 * max);
		buf_free(&b);
		failalloc_check(&f);
	}
}

TEST(a_failed_put_is_remembered_until_the_buffer_is_cleared)
{
	struct failalloc f;
	struct buf b;

	failalloc_init(&f, 0);
	buf_init(&b, &f.mem, 4);
	assert_int_equal(buf_put_str(&b, "abc"), 0);
	assert_int_equal(buf_put_str(&b, "de"), ERR_LIMIT);
	assert_span(buf_span(&b), "abc");
	assert_int_equal(buf_put_u8(&b, 'd'), ERR_LIMIT);
	assert_int_equal(buf_put(&b, NULL, 0), ERR_LIMIT);
	assert_null(buf_grow(&b, 1));
	assert_int_equal(buf_error(&b), ERR_LIMIT);
	buf_clear(&b);
	assert_int_equal(buf_error(&b), 0);
	assert_int_equal(buf_put_str(&b, "wxyz"), 0);
	buf_free(&b);
	assert_int_equal(buf_put_str(&b, "1234"), 0);
	buf_free(&b);
	failalloc_check(&f);
}

TEST(sizes_that_would_overflow_are_over_the_limit)
{
	struct failalloc f;
	struct buf b;

	failalloc_init(&f, 0);
	buf_init(&b, &f.mem, SIZE_MAX / 2);
	assert_int_equal(buf_put_u8(&b, 1), 0);
	assert_null(buf_grow(&b, SIZE_MAX));
	assert_int_equal(buf_error(&b), ERR_LIMIT);
	assert_int_equal(b.n, 1);
	buf_free(&b);
	failalloc_check(&f);
}

TEST(consuming_removes_from_the_front)
{
	struct failalloc f;
	struct buf b;

	failalloc_init(&f, 0);
	buf_init(&b, &f.mem, 10);
	assert_int_equal(buf_put_str(&b, "abcdefghij"), 0);
	buf_consume(&b, 1);
	assert_span(buf_span(&b), "bcdefghij");
	buf_consume(&b, 2);
	assert_span(buf_span(&b), "defghij");
	assert_int_equal(buf_put_str(&b, "klm"), 0);
	assert_span(buf_span(&b), "defghijklm");
	buf_consume(&b, 10);
	assert_int_equal(b.n, 0);
	buf_free(&b);
	failalloc_check(&f);
}

TEST(growing_by_nothing_is_not_a_failure)
{
	struct failalloc f;
	struct buf b;

	failalloc_init(&f, 0);
	buf_init(&b, &f.mem, 10);
	assert_non_null(buf_grow(&b, 0));
	assert_int_equal(b.n, 0);
	buf_free(&b);
	failalloc_check(&f);
}

static int
put_a_kilobyte(const struct mem *mem, void *arg)
{
	struct buf b;
	size_t before = 0;
	int rc = 0;

	(void)arg;
	buf_init(&b, mem, 2000);
	for (int i = 0; i < 250 && rc == 0; i++) {
		before = b.n;
		rc = buf_put_be32(&b, (uint32_t)i);
	}
	if (rc != 0) {
		assert_int_equal(b.n, before);
		assert_int_equal(buf_error(&b), rc);
	}
	for (size_t i = 3; i < b.n; i += 4)
		assert_int_equal(b.p[i], i / 4);
	buf_free(&b);
	return rc;
}

TEST(a_failed_allocation_leaves_the_bytes_alone)
{
	assert_int_equal(failalloc_each(put_a_kilobyte, NULL), 5);
}

TEST(array_sizes_that_overflow_are_refused)
{
	struct failalloc f;

	failalloc_init(&f, 0);
	assert_null(mem_zalloc(&f.mem, SIZE_MAX / 2, 3));
	assert_null(mem_zalloc(&f.mem, 0, 3));
	assert_null(mem_resize(&f.mem, NULL, 3, 0));
	assert_int_equal(f.n_asked, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_buffer_allocates_nothing),
	    cmocka_unit_test(puts_append_in_order),
	    cmocka_unit_test(integers_are_written_in_decimal_to_both_ends),
	    cmocka_unit_test(the_maximum_is_reached_but_never_exceeded),
	    cmocka_unit_test(
		a_failed_put_is_remembered_until_the_buffer_is_cleared),
	    cmocka_unit_test(sizes_that_would_overflow_are_over_the_limit),
	    cmocka_unit_test(consuming_removes_from_the_front),
	    cmocka_unit_test(growing_by_nothing_is_not_a_failure),
	    cmocka_unit_test(a_failed_allocation_leaves_the_bytes_alone),
	    cmocka_unit_test(array_sizes_that_overflow_are_refused),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
