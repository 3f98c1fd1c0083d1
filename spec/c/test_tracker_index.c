#include "unit.h"

#include "core/rng.h"
#include "core/tracker_index.h"
#include "failalloc.h"

#define N_IDS 700u

/* How often id is found under the hash. */
static uint32_t
times_found(const struct tracker_index *x, uint32_t hash, uint32_t id)
{
	uint32_t at = tracker_index_begin(x, hash), found, n = 0;

	while ((found = tracker_index_next(x, hash, &at)) != TRACKER_INDEX_NONE)
		n += found == id;
	return n;
}

TEST(an_empty_index_has_nothing)
{
	struct tracker_index x = {.n = 0};

	assert_int_equal(times_found(&x, 5, 5), 0);
}

TEST(ids_of_one_hash_are_all_found_and_are_told_apart)
{
	struct tracker_index x = {.n = 0};
	struct failalloc f;

	failalloc_init(&f, 0);
	for (uint32_t id = 0; id < 50; id++)
		assert_int_equal(tracker_index_add(&x, &f.mem, 7, id), 0);
	for (uint32_t id = 0; id < 50; id += 2)
		tracker_index_remove(&x, &f.mem, 7, id);
	for (uint32_t id = 0; id < 50; id++)
		assert_int_equal(times_found(&x, 7, id), id % 2);
	assert_int_equal(times_found(&x, 8, 1), 0);
	for (uint32_t id = 1; id < 50; id += 2)
		tracker_index_remove(&x, &f.mem, 7, id);
	failalloc_check(&f); /* the last one took the memory with it */
}

/* Hashes that crowd: few low bits, so that runs are long and wrap around. */
static uint32_t
crowded(uint32_t id, uint32_t seed)
{
	return (id * seed % 13) * 0x10001u - 5;
}

TEST(what_comes_and_goes_in_any_order_is_found_exactly_while_it_is_there)
{
	for (uint32_t seed = 1; seed <= 20; seed++) {
		struct tracker_index x = {.n = 0};
		bool is_there[N_IDS] = {false};
		uint32_t n = 0;
		struct failalloc f;
		struct rng rng;

		failalloc_init(&f, 0);
		rng_seed(&rng, seed, 0);
		for (uint32_t i = 0; i < 4000; i++) {
			uint32_t id = rng_below(&rng, i < 2000 ? N_IDS : 40);
			uint32_t hash = crowded(id, seed);

			if (is_there[id])
				tracker_index_remove(&x, &f.mem, hash, id);
			else
				assert_int_equal(
				    tracker_index_add(&x, &f.mem, hash, id), 0);
			is_there[id] = !is_there[id];
			n = is_there[id] ? n + 1 : n - 1;
			assert_int_equal(x.n, n);
			id = rng_below(&rng, N_IDS);
			assert_int_equal(times_found(&x, crowded(id, seed), id),
			    is_there[id]);
		}
		for (uint32_t id = 0; id < N_IDS; id++) {
			uint32_t hash = crowded(id, seed);

			assert_int_equal(
			    times_found(&x, hash, id), is_there[id]);
			if (is_there[id])
				tracker_index_remove(&x, &f.mem, hash, id);
		}
		failalloc_check(&f);
	}
}

TEST(without_memory_nothing_changes)
{
	struct tracker_index x = {.n = 0};
	struct failalloc f;
	uint32_t n = 0;

	failalloc_init(&f, 3);
	while (tracker_index_add(&x, &f.mem, n, n) == 0)
		n++;
	assert_int_equal(n, 12);
	assert_int_equal(x.n, 12);
	for (uint32_t id = 0; id < n; id++) {
		assert_int_equal(times_found(&x, id, id), 1);
		tracker_index_remove(&x, &f.mem, id, id);
	}
	failalloc_check(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_index_has_nothing),
	    cmocka_unit_test(ids_of_one_hash_are_all_found_and_are_told_apart),
	    cmocka_unit_test(
		what_comes_and_goes_in_any_order_is_found_exactly_while_it_is_there),
	    cmocka_unit_test(without_memory_nothing_changes),
	};

	return cmocka_run_group_tests_name("tracker_index", tests, NULL, NULL);
}
