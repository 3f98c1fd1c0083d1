#include "planted.h"
#include "unit.h"

#include <time.h>

#include "core/rng.h"

#define MANY 1000u

/* The levels of a tree in which n / STRIPES hosts, the first below the root,
 * send to STRIPES others each, and the rest to nobody. */
static uint32_t
levels(uint32_t n)
{
	uint32_t d = 1, at = 1, senders = (n + STRIPES - 1) / STRIPES;

	for (; senders > at; at *= STRIPES, d++)
		senders -= at;
	return d + 1;
}

TEST(each_who_joins_gets_every_stripe_and_trees_are_as_flat_as_can_be)
{
	struct failalloc a;
	struct forest f;
	uint32_t seeder, h, n, i, k, more;

	failalloc_init(&a, 0);
	forest_init(&f, &a.mem);
	assert_int_equal(forest_seed(&f, &seeder), 0);
	for (n = 1; n <= MANY; n++) {
		assert_int_equal(forest_join(&f, &h), 0);
		if (n > 70 && n < MANY)
			continue; /* each is looked at, but not each time */
		planted_check_links(&f);
		more = n % STRIPES > 0 ? 2 : 0; /* the last stand where there
						   is room */
		for (i = 0; i < f.n; i++)
			for (k = 0; k < STRIPES; k++)
				assert_true(planted_depth(&f, i, k) <=
					    levels(n) + more);
	}
	forest_free(&f);
	failalloc_check(&a);
}

TEST(who_complains_gets_another_sender)
{
	struct failalloc a;
	struct forest f;
	uint32_t h[40], i, before, stripe;

	failalloc_init(&a, 0);
	forest_init(&f, &a.mem);
	assert_int_equal(forest_seed(&f, &h[0]), 0);
	for (i = 1; i < N_OF(h); i++)
		assert_int_equal(forest_join(&f, &h[i]), 0);
	before = f.host[h[39]].parent[0];
	forest_complain(&f, h[39], stripe_bit(0));
	assert_int_equal(f.host[h[39]].parent[0], before);
	forest_told(&f, h[39]); /* from now on it knows its senders */
	for (stripe = 0; stripe < STRIPES; stripe++) {
		before = f.host[h[39]].parent[stripe];
		forest_complain(&f, h[39], stripe_bit(stripe));
		planted_check_links(&f);
		if (f.host[h[39]].parent[stripe] != FOREST_NOBODY)
			assert_true(
			    planted_depth(&f, h[39], stripe) != UINT32_MAX);
		assert_true(
		    before == f.root || f.host[h[39]].parent[stripe] != before);
	}
	forest_free(&f);
	failalloc_check(&a);
}

TEST(of_a_second_complaint_nobody_is_left_to_send_to)
{
	struct failalloc a;
	struct forest f;
	uint32_t i, p, n = 0;

	planted_init(&f, &a, 40);
	p = f.home[0].host[0]; /* sends its home stripe to four others */
	for (i = 0; i < f.n && n < 2; i++)
		if (f.host[i].parent[0] == p) {
			forest_told(&f, i);
			forest_complain(&f, i, stripe_bit(0));
			n++;
		}
	assert_int_equal(n, 2);
	for (i = 0; i < STRIPES; i++) {
		assert_true(f.host[p].child[i] >= f.n);
		assert_int_not_equal(f.host[p].child[i], FOREST_NOBODY);
	}
	planted_check_links(&f);
	forest_free(&f);
	failalloc_check(&a);
}

/* Four places more than are needed: as many as complaints take away for good
 * would leave somebody without a sender. */
TEST(a_place_complained_of_is_for_those_who_find_no_other)
{
	struct failalloc a;
	struct forest f;
	struct rng rng;
	uint32_t i, k, turn;

	planted_init(&f, &a, 64);
	rng_seed(&rng, 5, 0);
	for (turn = 0; turn < 40; turn++) {
		i = 1 + rng_below(&rng, 64);
		k = rng_below(&rng, STRIPES);
		forest_told(&f, i);
		forest_complain(&f, i, stripe_bit(k));
	}
	for (turn = 0; turn < 2; turn++)
		for (i = 0; i < f.n; i++) {
			forest_told(&f, i);
			forest_heal(&f, i);
		}
	planted_check_fed(&f);
	planted_check_links(&f);
	forest_free(&f);
	failalloc_check(&a);
}

TEST(who_leaves_high_up_in_a_tree_is_replaced_and_all_stay_fed)
{
	struct failalloc a;
	struct forest f;
	uint32_t i, top;

	planted_init(&f, &a, 100);
	top = f.home[1]
		  .host[0]; /* fed by the seeder: all of that tree is below */
	assert_int_equal(f.host[top].parent[1], f.root);
	forest_leave(&f, top);
	planted_check_links(&f);
	assert_int_not_equal(f.host[f.root].child[1], FOREST_NOBODY);
	for (i = 0; i < f.n; i++)
		if (planted_has(&f, i))
			forest_heal(&f, i);
	for (i = 0; i < f.n; i++)
		if (planted_has(&f, i))
			assert_true(planted_depth(&f, i, 1) != UINT32_MAX);
	forest_free(&f);
	failalloc_check(&a);
}

TEST(who_has_no_sender_any_more_is_given_one)
{
	struct failalloc a;
	struct forest f;
	uint32_t i, k, gone;

	planted_init(&f, &a, 100);
	gone = f.home[2].host[3];
	forest_leave(&f, gone);
	for (i = 0; i < f.n; i++) {
		if (!planted_has(&f, i))
			continue;
		forest_heal(&f, i);
		for (k = 0; k < STRIPES; k++)
			if (i != f.root)
				assert_int_not_equal(
				    f.host[i].parent[k], FOREST_NOBODY);
	}
	planted_check_links(&f);
	forest_free(&f);
	failalloc_check(&a);
}

TEST(one_who_says_it_is_stuck_is_not_enough_and_is_not_heard_twice)
{
	struct failalloc a;
	struct forest f;
	uint32_t h, i, child, first, other;

	planted_init(&f, &a, 40);
	child = f.home[0].host[1];
	first = f.host[child].parent[0];
	for (i = 1; f.host[child].parent[i] == first; i++)
		continue;
	other = f.host[child].parent[i];
	for (h = 1, i = 0; i < STRIPES; i++)
		if (f.host[child].parent[i] == h || h == child) {
			h++;
			i = UINT32_MAX;
		}
	assert_false(forest_accuse(&f, h, child)); /* sends it nothing */
	assert_false(forest_accuse(&f, first, child));
	assert_false(forest_accuse(&f, first, child));
	assert_true(forest_accuse(&f, other, child));
	forest_free(&f);
	failalloc_check(&a);
}

TEST(a_second_seeder_is_the_root_when_the_first_has_left)
{
	struct failalloc a;
	struct forest f;
	uint32_t first, second, h;

	failalloc_init(&a, 0);
	forest_init(&f, &a.mem);
	assert_int_equal(forest_seed(&f, &first), 0);
	assert_int_equal(forest_seed(&f, &second), 0);
	assert_int_equal(forest_join(&f, &h), 0);
	forest_crown(&f, second);
	assert_int_equal(f.root, first);
	forest_leave(&f, first);
	forest_crown(&f, h); /* has not everything */
	assert_int_equal(f.root, FOREST_NOBODY);
	forest_crown(&f, second);
	assert_int_equal(f.root, second);
	forest_heal(&f, h);
	assert_int_equal(planted_depth(&f, h, 0), 1);
	planted_check_links(&f);
	forest_free(&f);
	failalloc_check(&a);
}

/* Joins, leaves and complaints at random: nobody is fed by itself. */
TEST(links_agree_whoever_comes_goes_and_complains)
{
	uint64_t seed = (uint64_t)time(NULL);
	struct failalloc a;
	struct forest f;
	struct rng rng;
	uint32_t h, step, i, k;
	stripes_t of;

	print_message("seed %llu\n", (unsigned long long)seed);
	rng_seed(&rng, seed, 1);
	failalloc_init(&a, 0);
	forest_init(&f, &a.mem);
	assert_int_equal(forest_seed(&f, &h), 0);
	for (step = 0; step < 3000; step++) {
		i = f.n > 0 ? rng_below(&rng, f.n) : 0;
		of = (stripes_t)(1 + rng_below(&rng, 15));
		switch (rng_below(&rng, 7)) {
		case 0:
		case 1:
			assert_int_equal(forest_join(&f, &h), 0);
			break;
		case 2:
			if (planted_has(&f, i) && i != f.root)
				forest_leave(&f, i);
			break;
		case 3:
			if (planted_has(&f, i))
				forest_heal(&f, i);
			if (planted_has(&f, i) && rng_below(&rng, 2) > 0)
				forest_told(&f, i);
			break;
		case 4:
			k = rng_below(&rng, STRIPES);
			h = planted_has(&f, i) ? f.host[i].child[k] : f.n;
			if (h < f.n && forest_accuse(&f, i, h))
				forest_leave(&f, h);
			break;
		case 5:
			if (planted_has(&f, i) && f.host[i].home < STRIPES)
				forest_relieve(&f, i, of);
			break;
		default:
			if (planted_has(&f, i))
				forest_complain(&f, i, of);
		}
		if (step % 50 != 0)
			continue;
		planted_check_links(&f);
		planted_check_loops(&f);
	}
	forest_free(&f);
	failalloc_check(&a);
}

static int
join_some(const struct mem *mem, void *arg)
{
	uint32_t h, *n = arg, i;
	struct forest f;
	int err;

	forest_init(&f, mem);
	err = forest_seed(&f, &h);
	for (i = 0; i < *n && err == 0; i++)
		err = forest_join(&f, &h);
	forest_free(&f);
	return err;
}

TEST(without_memory_there_is_an_error_and_nothing_is_lost)
{
	uint32_t n = 30;

	assert_true(failalloc_each(join_some, &n) >= 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		each_who_joins_gets_every_stripe_and_trees_are_as_flat_as_can_be),
	    cmocka_unit_test(who_complains_gets_another_sender),
	    cmocka_unit_test(of_a_second_complaint_nobody_is_left_to_send_to),
	    cmocka_unit_test(
		a_place_complained_of_is_for_those_who_find_no_other),
	    cmocka_unit_test(
		who_leaves_high_up_in_a_tree_is_replaced_and_all_stay_fed),
	    cmocka_unit_test(who_has_no_sender_any_more_is_given_one),
	    cmocka_unit_test(
		one_who_says_it_is_stuck_is_not_enough_and_is_not_heard_twice),
	    cmocka_unit_test(
		a_second_seeder_is_the_root_when_the_first_has_left),
	    cmocka_unit_test(links_agree_whoever_comes_goes_and_complains),
	    cmocka_unit_test(
		without_memory_there_is_an_error_and_nothing_is_lost),
	};

	return cmocka_run_group_tests_name("forest", tests, NULL, NULL);
}
