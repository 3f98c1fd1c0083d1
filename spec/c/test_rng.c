#include "unit.h"

#include "core/rng.h"

TEST(gives_the_published_sequence)
{
	/* pcg32-demo of the reference implementation: seed 42, stream 54 */
	static const uint32_t expected[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330,
	    0x83d2f293, 0xbfa4784b, 0xcbed606e};
	struct rng r;

	rng_seed(&r, 42, 54);
	for (size_t i = 0; i < N_OF(expected); i++)
		assert_true(rng_u32(&r) == expected[i]);
}

TEST(one_seed_decides_everything)
{
	struct rng a, b;

	rng_seed(&a, 7, 9);
	rng_seed(&b, 7, 9);
	for (int i = 0; i < 1000; i++)
		assert_true(rng_u32(&a) == rng_u32(&b));
}

TEST(streams_of_one_seed_differ)
{
	struct rng a, b;
	int n_same = 0;

	rng_seed(&a, 7, 1);
	rng_seed(&b, 7, 2);
	for (int i = 0; i < 1000; i++)
		n_same += rng_u32(&a) == rng_u32(&b);
	assert_true(n_same < 3);
}

TEST(below_stays_below)
{
	static const uint32_t bounds[] = {
	    1, 2, 3, 7, 1000, 0x80000000, 0x80000001, UINT32_MAX};
	struct rng r;

	rng_seed(&r, 3, 3);
	for (size_t i = 0; i < N_OF(bounds); i++)
		for (int j = 0; j < 2000; j++)
			assert_true(rng_below(&r, bounds[i]) < bounds[i]);
}

/* Into 3 * 2^30 values, 2^32 draws go as 2, 1, 1, 2, 1, 1, ... unless those too
 * many are drawn again; a plain modulus would favour the low third. */
TEST(below_has_no_bias)
{
	const uint32_t n = 3u << 30;
	uint32_t third[3] = {0}, rest[3] = {0};
	struct rng r;

	rng_seed(&r, 4, 4);
	for (int i = 0; i < 30000; i++) {
		uint32_t v = rng_below(&r, n);

		third[v >> 30]++;
		rest[v % 3]++;
	}
	for (int i = 0; i < 3; i++) { /* 10,000 each, deviation 82 */
		assert_true(third[i] > 9500);
		assert_true(third[i] < 10500);
		assert_true(rest[i] > 9500);
		assert_true(rest[i] < 10500);
	}
}

TEST(small_bounds_come_out_evenly)
{
	uint32_t count[6] = {0};
	struct rng r;

	rng_seed(&r, 5, 5);
	for (int i = 0; i < 60000; i++)
		count[rng_below(&r, 6)]++;
	for (int i = 0; i < 6; i++) {
		assert_true(count[i] > 9500); /* 10,000, deviation 91 */
		assert_true(count[i] < 10500);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_the_published_sequence),
	    cmocka_unit_test(one_seed_decides_everything),
	    cmocka_unit_test(streams_of_one_seed_differ),
	    cmocka_unit_test(below_stays_below),
	    cmocka_unit_test(below_has_no_bias),
	    cmocka_unit_test(small_bounds_come_out_evenly),
	};

	return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
