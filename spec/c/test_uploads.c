#include "unit.h"

#include "core/uploads.h"

static struct rng rng;

static uint32_t
pick(const struct upload_view *v, uint32_t n, bool slow_allowed)
{
	return uploads_pick(v, n, slow_allowed, &rng);
}

TEST(nobody_there_nobody_served)
{
	assert_int_equal(pick(NULL, 0, true), 0);
}

TEST(the_neediest_is_served_first)
{
	const struct upload_view v[] = {
	    {.n_have = 9}, {.n_have = 2}, {.n_have = 5}};

	assert_int_equal(pick(v, 3, false), 1);
}

TEST(a_slow_drainer_only_gets_the_upload_kept_for_slow_ones)
{
	const struct upload_view v[] = {
	    {.n_have = 9}, {.n_have = 0, .slow = true}};

	assert_int_equal(pick(v, 2, false), 0);
	assert_int_equal(pick(v, 2, true), 1);
	assert_int_equal(pick(v + 1, 1, false), 1); /* = n: nobody */
}

TEST(ties_are_broken_evenly)
{
	const struct upload_view v[4] = {
	    {.n_have = 3}, {.n_have = 3}, {.n_have = 4}, {.n_have = 3}};
	uint32_t seen[4] = {0}, i;

	for (i = 0; i < 3000; i++)
		seen[pick(v, 4, true)]++;
	assert_int_equal(seen[2], 0);
	for (i = 0; i < 4; i++)
		if (i != 2)
			assert_in_range(seen[i], 900, 1100);
}

TEST(who_brings_it_to_another_rack_goes_before_the_neediest)
{
	const struct upload_view v[] = {
	    {.n_have = 1}, {.n_have = 7, .far = true}, {.n_have = 5}};
	const struct upload_view sent[] = {
	    {.n_have = 1, .n_sent = 1, .far = true}, {.n_have = 7}};

	assert_int_equal(pick(v, 3, false), 1);
	assert_int_equal(pick(sent, 2, false), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nobody_there_nobody_served),
	    cmocka_unit_test(the_neediest_is_served_first),
	    cmocka_unit_test(
		a_slow_drainer_only_gets_the_upload_kept_for_slow_ones),
	    cmocka_unit_test(ties_are_broken_evenly),
	    cmocka_unit_test(
		who_brings_it_to_another_rack_goes_before_the_neediest),
	};

	rng_seed(&rng, 1, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
