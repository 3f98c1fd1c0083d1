#include "unit.h"

#include "core/bits.h"
#include "core/rng.h"
#include "failalloc.h"

TEST(piece_0_is_the_high_bit_of_byte_0)
{
	struct failalloc f;
	struct bits b;

	failalloc_init(&f, 0);
	assert_int_equal(bits_init(&b, &f.mem, 10), 0);
	assert_true(bits_set(&b, 0));
	assert_true(bits_set(&b, 9));
	assert_span(bits_to_wire(&b), "\x80\x40");
	bits_free(&b);
	failalloc_check(&f);
}

TEST(setting_and_clearing_say_whether_they_changed_anything)
{
	struct failalloc f;
	struct bits b;

	failalloc_init(&f, 0);
	assert_int_equal(bits_init(&b, &f.mem, 3), 0);
	assert_true(bits_set(&b, 1));
	assert_false(bits_set(&b, 1));
	assert_true(bits_get(&b, 1));
	assert_int_equal(b.n_set, 1);
	assert_true(bits_clear(&b, 1));
	assert_false(bits_clear(&b, 1));
	assert_false(bits_get(&b, 1));
	assert_int_equal(b.n_set, 0);
	bits_free(&b);
	failalloc_check(&f);
}

TEST(setting_all_leaves_the_spare_bits_zero)
{
	for (uint32_t n = 0; n <= 40; n++) {
		struct failalloc f;
		struct bits a, b;

		failalloc_init(&f, 0);
		assert_int_equal(bits_init(&a, &f.mem, n), 0);
		assert_int_equal(bits_init(&b, &f.mem, n), 0);
		assert_int_equal(bits_full(&a), n == 0);
		bits_set_all(&a);
		assert_true(bits_full(&a));
		for (uint32_t i = 0; i < n; i++)
			assert_true(bits_set(&b, i));
		assert_true(bits_full(&b));
		assert_true(span_equal(bits_to_wire(&a), bits_to_wire(&b)));
		assert_int_equal(bits_to_wire(&a).n, (n + 7) / 8);
		assert_int_equal(bits_from_wire(&b, bits_to_wire(&a)), 0);
		bits_clear_all(&a);
		assert_int_equal(a.n_set, 0);
		for (uint32_t i = 0; i < n; i++)
			assert_false(bits_get(&a, i));
		assert_int_equal(bits_next_missing(&b, &a, 0), 0);
		bits_free(&a);
		bits_free(&b);
		failalloc_check(&f);
	}
}

TEST(a_bitfield_of_the_wrong_length_is_refused)
{
	static const uint8_t zeros[4];
	struct failalloc f;
	struct bits b;

	failalloc_init(&f, 0);
	assert_int_equal(bits_init(&b, &f.mem, 17), 0);
	(void)bits_set(&b, 4);
	for (size_t n = 0; n <= 4; n++)
		if (n != 3)
			assert_int_equal(
			    bits_from_wire(&b, (struct span){zeros, n}),
			    ERR_PROTOCOL);
	assert_int_equal(b.n_set, 1);
	assert_true(bits_get(&b, 4));
	assert_int_equal(bits_from_wire(&b, (struct span){zeros, 3}), 0);
	assert_int_equal(b.n_set, 0);
	bits_free(&b);
	failalloc_check(&f);
}

TEST(a_bitfield_with_any_spare_bit_is_refused)
{
	struct failalloc f;
	struct bits b;

	failalloc_init(&f, 0);
	assert_int_equal(bits_init(&b, &f.mem, 13), 0);
	for (unsigned bit = 0; bit < 8; bit++) {
		uint8_t wire[2] = {0, (uint8_t)(1u << bit)};

		assert_int_equal(bits_from_wire(&b, (struct span){wire, 2}),
		    bit < 3 ? ERR_PROTOCOL : 0);
		assert_int_equal(b.n_set, bit < 3 ? 0 : 1);
	}
	bits_free(&b);
	failalloc_check(&f);
}

TEST(the_wire_form_comes_back_as_it_went)
{
	struct rng r;

	rng_seed(&r, 1, 1);
	for (uint32_t n = 0; n < 70; n++) {
		struct failalloc f;
		struct bits a, b;

		failalloc_init(&f, 0);
		assert_int_equal(bits_init(&a, &f.mem, n), 0);
		assert_int_equal(bits_init(&b, &f.mem, n), 0);
		bits_set_all(&b);
		for (uint32_t i = 0; i < n; i++)
			if (rng_below(&r, 2) == 0)
				(void)bits_set(&a, i);
		assert_int_equal(bits_from_wire(&b, bits_to_wire(&a)), 0);
		assert_int_equal(a.n_set, b.n_set);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(bits_get(&a, i), bits_get(&b, i));
		bits_free(&a);
		bits_free(&b);
		failalloc_check(&f);
	}
}

TEST(next_missing_and_common_agree_with_looking_at_every_bit)
{
	struct rng r;

	rng_seed(&r, 2, 2);
	for (uint32_t n = 1; n < 60; n++) {
		struct failalloc f;
		struct bits a, b;

		failalloc_init(&f, 0);
		assert_int_equal(bits_init(&a, &f.mem, n), 0);
		assert_int_equal(bits_init(&b, &f.mem, n), 0);
		for (uint32_t i = 0; i < n; i++) {
			if (rng_below(&r, 4) == 0)
				(void)bits_set(&a, i);
			if (rng_below(&r, 2) == 0)
				(void)bits_set(&b, i);
		}
		for (uint32_t from = 0; from <= n + 9; from++) {
			uint32_t i = from;

			while (i < n && (!bits_get(&a, i) || bits_get(&b, i)))
				i++;
			assert_int_equal(
			    bits_next_missing(&a, &b, from), i < n ? i : n);
			for (i = from; i < n; i++)
				if (bits_get(&a, i) && bits_get(&b, i))
					break;
			assert_int_equal(
			    bits_next_common(&a, &b, from), i < n ? i : n);
		}
		bits_free(&a);
		bits_free(&b);
		failalloc_check(&f);
	}
}

static int
make_two(const struct mem *mem, void *arg)
{
	struct bits a, b;
	int rc;

	(void)arg;
	rc = bits_init(&a, mem, 100);
	if (rc == 0) {
		rc = bits_init(&b, mem, 100);
		bits_free(&b);
	}
	bits_free(&a);
	return rc;
}

TEST(without_memory_there_are_no_bits)
{
	assert_int_equal(failalloc_each(make_two, NULL), 2);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(piece_0_is_the_high_bit_of_byte_0),
	    cmocka_unit_test(
		setting_and_clearing_say_whether_they_changed_anything),
	    cmocka_unit_test(setting_all_leaves_the_spare_bits_zero),
	    cmocka_unit_test(a_bitfield_of_the_wrong_length_is_refused),
	    cmocka_unit_test(a_bitfield_with_any_spare_bit_is_refused),
	    cmocka_unit_test(the_wire_form_comes_back_as_it_went),
	    cmocka_unit_test(
		next_missing_and_common_agree_with_looking_at_every_bit),
	    cmocka_unit_test(without_memory_there_are_no_bits),
	};

	return cmocka_run_group_tests_name("bits", tests, NULL, NULL);
}
