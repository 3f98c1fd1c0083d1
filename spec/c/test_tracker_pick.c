#include "unit.h"

#include "core/tracker_pick.h"

static uint32_t
pick(struct tracker_pick_view v, struct rng *rng, uint32_t out[LIMIT_NUMWANT])
{
	uint32_t n = tracker_pick(&v, rng, out);
	uint32_t n_all = v.n_origins + v.n_completed + v.n_leechers;

	assert_true(n <= v.want && n <= LIMIT_NUMWANT);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(out[i] < n_all);
		assert_true(out[i] != v.self);
		for (uint32_t k = 0; k < i; k++)
			assert_true(out[i] != out[k]);
	}
	return n;
}

TEST(answers_are_distinct_never_the_asker_and_as_many_as_can_be)
{
	uint32_t out[LIMIT_NUMWANT];
	struct rng rng;

	rng_seed(&rng, 1, 0);
	for (uint32_t n = 1; n < 300; n++) {
		for (uint32_t want = 0; want < 250; want += 49) {
			struct tracker_pick_view v = {.n_leechers = n,
			    .self = rng_below(&rng, n + 1),
			    .want = want};
			uint32_t pool = n, most = want;

			if (v.self < n)
				pool--;
			else
				v.self = TRACKER_PICK_NOBODY;
			if (most > LIMIT_NUMWANT)
				most = LIMIT_NUMWANT;
			assert_int_equal(
			    pick(v, &rng, out), pool < most ? pool : most);
		}
	}
}

TEST(an_empty_swarm_and_a_lonely_asker_get_nobody)
{
	struct tracker_pick_view v = {.self = TRACKER_PICK_NOBODY, .want = 50};
	uint32_t out[LIMIT_NUMWANT];
	struct rng rng;

	rng_seed(&rng, 1, 0);
	assert_int_equal(pick(v, &rng, out), 0);
	v.n_leechers = 1;
	v.self = 0;
	assert_int_equal(pick(v, &rng, out), 0);
	v = (struct tracker_pick_view){
	    .n_origins = 1, .self = 0, .self_complete = true, .want = 50};
	assert_int_equal(pick(v, &rng, out), 0);
}

/* Whether got of n trials is within 6 standard deviations of n p. */
static bool
plausible(uint32_t got, double n, double p)
{
	double off = got - n * p;

	return off * off <= 36 * n * p * (1 - p);
}

TEST(everybody_is_handed_out_equally_often_at_every_place)
{
	enum { N = 150, WANT = 20, TRIALS = 20000, SELF = 70 };
	static uint32_t any[N], first[N], last[N];
	struct tracker_pick_view v = {.n_completed = 30,
	    .n_leechers = N - 30,
	    .self = SELF,
	    .want = WANT};
	uint32_t out[LIMIT_NUMWANT];
	struct rng rng;

	rng_seed(&rng, 2, 0);
	for (unsigned t = 0; t < TRIALS; t++) {
		assert_int_equal(pick(v, &rng, out), WANT);
		first[out[0]]++;
		last[out[WANT - 1]]++;
		for (unsigned i = 0; i < WANT; i++)
			any[out[i]]++;
	}
	for (unsigned i = 0; i < N; i++) {
		if (i == SELF)
			continue;
		assert_true(plausible(any[i], TRIALS, WANT / (N - 1.0)));
		assert_true(plausible(first[i], TRIALS, 1 / (N - 1.0)));
		assert_true(plausible(last[i], TRIALS, 1 / (N - 1.0)));
	}
}

TEST(pairs_are_handed_out_as_often_as_chance_has_it)
{
	enum { N = 12, WANT = 4, TRIALS = 30000 };
	static uint32_t pair[N][N];
	struct tracker_pick_view v = {
	    .n_leechers = N, .self = TRACKER_PICK_NOBODY, .want = WANT};
	uint32_t out[LIMIT_NUMWANT];
	struct rng rng;

	rng_seed(&rng, 3, 0);
	for (unsigned t = 0; t < TRIALS; t++) {
		(void)pick(v, &rng, out);
		for (unsigned i = 0; i < WANT; i++)
			for (unsigned k = 0; k < WANT; k++)
				pair[out[i]][out[k]]++;
	}
	for (unsigned i = 0; i < N; i++)
		for (unsigned k = 0; k < i; k++)
			assert_true(plausible(pair[i][k], TRIALS,
			    WANT * (WANT - 1.0) / (N * (N - 1.0))));
}

/* How often index 0, an origin, is given in so many trials. */
static uint32_t
times_given(struct tracker_pick_view v, uint32_t trials)
{
	uint32_t out[LIMIT_NUMWANT];
	uint32_t n_given = 0;
	struct rng rng;

	rng_seed(&rng, 4, 0);
	for (uint32_t t = 0; t < trials; t++) {
		uint32_t n = pick(v, &rng, out);

		for (uint32_t i = 0; i < n; i++)
			n_given += out[i] == 0;
	}
	return n_given;
}

TEST(the_first_forty_always_get_the_origin_first)
{
	uint32_t out[LIMIT_NUMWANT];
	struct rng rng;

	rng_seed(&rng, 5, 0);
	for (uint32_t n = 1; n < 40; n++) {
		struct tracker_pick_view v = {
		    .n_origins = 1, .n_leechers = n, .self = n, .want = 1};

		assert_int_equal(pick(v, &rng, out), 1);
		assert_int_equal(out[0], 0);
	}
}

TEST(later_the_origin_is_given_with_probability_40_over_n)
{
	static const uint32_t sizes[] = {80, 400, 4000, 100000};

	for (size_t i = 0; i < N_OF(sizes); i++) {
		struct tracker_pick_view v = {.n_origins = 1,
		    .n_leechers = sizes[i] - 1,
		    .self = 1,
		    .want = 50};

		assert_true(
		    plausible(times_given(v, 50000), 50000, 40.0 / sizes[i]));
	}
}

TEST(a_crowd_of_origins_is_handed_out_like_everybody)
{
	struct tracker_pick_view v = {
	    .n_origins = 100, .n_leechers = 901, .self = 1000, .want = 50};

	assert_true(plausible(times_given(v, 20000), 20000, 50 / 1000.0));
}

TEST(seeds_are_not_handed_to_seeds)
{
	struct tracker_pick_view v = {.n_origins = 2,
	    .n_completed = 10,
	    .n_leechers = 5,
	    .self_complete = true,
	    .want = 50};
	uint32_t out[LIMIT_NUMWANT];
	struct rng rng;

	rng_seed(&rng, 6, 0);
	for (v.self = 0; v.self < 12; v.self++) {
		assert_int_equal(pick(v, &rng, out), 5);
		for (unsigned i = 0; i < 5; i++)
			assert_true(out[i] >= 12);
	}
}

TEST(the_same_seed_gives_the_same_answers)
{
	struct tracker_pick_view v = {.n_origins = 1,
	    .n_leechers = 100000,
	    .self = 5,
	    .want = LIMIT_NUMWANT + 1};
	uint32_t a[LIMIT_NUMWANT], b[LIMIT_NUMWANT];
	struct rng rng;

	rng_seed(&rng, 7, 0);
	assert_int_equal(pick(v, &rng, a), LIMIT_NUMWANT);
	rng_seed(&rng, 7, 0);
	assert_int_equal(pick(v, &rng, b), LIMIT_NUMWANT);
	assert_memory_equal(a, b, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		answers_are_distinct_never_the_asker_and_as_many_as_can_be),
	    cmocka_unit_test(an_empty_swarm_and_a_lonely_asker_get_nobody),
	    cmocka_unit_test(
		everybody_is_handed_out_equally_often_at_every_place),
	    cmocka_unit_test(pairs_are_handed_out_as_often_as_chance_has_it),
	    cmocka_unit_test(the_first_forty_always_get_the_origin_first),
	    cmocka_unit_test(
		later_the_origin_is_given_with_probability_40_over_n),
	    cmocka_unit_test(a_crowd_of_origins_is_handed_out_like_everybody),
	    cmocka_unit_test(seeds_are_not_handed_to_seeds),
	    cmocka_unit_test(the_same_seed_gives_the_same_answers),
	};

	return cmocka_run_group_tests_name("tracker_pick", tests, NULL, NULL);
}
