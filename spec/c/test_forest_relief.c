/*
 * Who gets a stripe late is moved (forest_relieve()).
 */
#include "core/forest_int.h"
#include "planted.h"
#include "unit.h"

/* Free places of all but the seeder. */
static uint32_t
n_free(const struct forest *f)
{
	uint32_t i, k, n = 0;

	for (i = 0; i < f->n; i++)
		for (k = 0; k < STRIPES && planted_has(f, i) && i != f->root;
		     k++)
			n += f->host[i].child[k] == FOREST_NOBODY;
	return n;
}

TEST(who_stays_behind_is_moved_to_a_free_place_and_its_own_is_not_given_away)
{
	struct failalloc a;
	struct forest f;
	uint32_t h, from, before;

	planted_init(&f, &a, 64);
	before = n_free(&f);
	assert_true(before > 0);
	h = f.home[1].host[7];
	from = f.host[h].parent[0];
	assert_int_not_equal(from, f.root);
	forest_relieve(&f, h, stripe_bit(0)); /* was not told of it yet */
	assert_int_equal(f.host[h].parent[0], from);
	forest_told(&f, h);
	forest_relieve(&f, h, stripe_bit(0));
	assert_int_not_equal(f.host[h].parent[0], from);
	planted_check_fed(&f);
	assert_int_equal(n_free(&f), before - 1);
	planted_check_links(&f);
	forest_free(&f);
	failalloc_check(&a);
}

TEST(whoever_gets_it_late_as_well_is_nobody_to_move_to)
{
	struct failalloc a;
	struct forest f;
	uint32_t h, from, i;

	planted_init(&f, &a, 64);
	h = f.home[1].host[7];
	from = f.host[h].parent[0];
	for (i = 0; i < f.n; i++)
		if (i != f.root)
			f.host[i].behind = 1;
	forest_told(&f, h);
	forest_relieve(&f, h, stripe_bit(0));
	assert_int_equal(f.host[h].parent[0], from);
	forest_free(&f);
	failalloc_check(&a);
}

TEST(who_is_fed_by_the_seeder_stays_there)
{
	struct failalloc a;
	struct forest f;
	uint32_t top;

	planted_init(&f, &a, 64);
	top = f.home[2].host[0];
	assert_int_equal(f.host[top].parent[2], f.root);
	forest_told(&f, top);
	forest_relieve(&f, top, stripe_bit(2));
	assert_int_equal(f.host[top].parent[2], f.root);
	forest_free(&f);
	failalloc_check(&a);
}

/* Where no place is free. */
TEST(two_change_places_only_if_both_ends_say_that_a_link_is_bad)
{
	struct failalloc a;
	struct forest f;
	uint32_t i, k, from, h;

	planted_init(&f, &a, 64);
	for (i = 0; i < f.n; i++)
		for (k = 0; k < STRIPES && i != f.root; k++)
			if (f.host[i].child[k] == FOREST_NOBODY)
				f.host[i].child[k] = LOST;
	h = f.home[0].host[5];
	from = f.host[h].parent[0];
	assert_int_not_equal(from, f.root);
	forest_told(&f, h);
	forest_relieve(&f, h, stripe_bit(0));
	assert_int_equal(f.host[h].parent[0], from);
	assert_false(forest_accuse(&f, from, h));
	forest_relieve(&f, h, stripe_bit(0));
	assert_int_not_equal(f.host[h].parent[0], from);
	planted_check_fed(&f);
	planted_check_links(&f);
	forest_free(&f);
	failalloc_check(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		who_stays_behind_is_moved_to_a_free_place_and_its_own_is_not_given_away),
	    cmocka_unit_test(whoever_gets_it_late_as_well_is_nobody_to_move_to),
	    cmocka_unit_test(who_is_fed_by_the_seeder_stays_there),
	    cmocka_unit_test(
		two_change_places_only_if_both_ends_say_that_a_link_is_bad),
	};

	return cmocka_run_group_tests_name("forest_relief", tests, NULL, NULL);
}
