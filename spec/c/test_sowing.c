/* What a seeder sends next. */
#include "unit.h"

#include "core/rng.h"
#include "core/sowing.h"
#include "failalloc.h"

enum { N = 50 };

static struct failalloc heap;

static void
everything_goes_out_once_before_anything_goes_out_twice(void **state)
{
	struct sowing w;
	struct bits have;
	uint32_t i, round;

	(void)state;
	failalloc_init(&heap, 0);
	assert_int_equal(sowing_init(&w, &heap.mem, N), 0);
	assert_int_equal(bits_init(&have, &heap.mem, N), 0);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < N; i++) {
			uint32_t piece = sowing_pick(&w, &have);

			assert_true(sowing_is_due(&w, piece, &have));
			assert_int_equal(w.n_sent[piece], round);
			sowing_add(&w, piece);
		}
	}
	bits_free(&have);
	sowing_free(&w);
	failalloc_check(&heap);
}

static void
what_was_taken_back_is_next(void **state)
{
	struct sowing w;
	struct bits have;
	uint32_t i;

	(void)state;
	failalloc_init(&heap, 0);
	assert_int_equal(sowing_init(&w, &heap.mem, N), 0);
	assert_int_equal(bits_init(&have, &heap.mem, N), 0);
	for (i = 0; i < N; i++)
		sowing_add(&w, i);
	sowing_undo(&w, 17);
	assert_int_equal(sowing_pick(&w, &have), 17);
	assert_false(sowing_is_due(&w, 18, &have));
	bits_set(&have, 17);
	assert_true(sowing_is_due(&w, 18, &have));
	bits_set_all(&have);
	assert_int_equal(sowing_pick(&w, &have), N);
	bits_free(&have);
	sowing_free(&w);
	failalloc_check(&heap);
}

/* Against a plain count, whatever is sent, taken back and lacked. */
static void
the_choice_is_the_least_sent_that_is_lacked(void **state)
{
	uint32_t n_sent[N] = {0}, step, i;
	struct sowing w;
	struct bits have;
	struct rng rng;

	(void)state;
	failalloc_init(&heap, 0);
	rng_seed(&rng, 7, 0);
	assert_int_equal(sowing_init(&w, &heap.mem, N), 0);
	assert_int_equal(bits_init(&have, &heap.mem, N), 0);
	for (step = 0; step < 20000; step++) {
		uint32_t piece = rng_below(&rng, N), best = UINT32_MAX, got;

		if (rng_below(&rng, 3) > 0) {
			sowing_add(&w, piece);
			n_sent[piece]++;
		} else if (n_sent[piece] > 0) {
			sowing_undo(&w, piece);
			n_sent[piece]--;
		}
		piece = rng_below(&rng, N);
		if (rng_below(&rng, 2) == 0)
			(void)bits_set(&have, piece);
		else
			(void)bits_clear(&have, piece);
		for (i = 0; i < N; i++)
			if (!bits_get(&have, i) && n_sent[i] < best)
				best = n_sent[i];
		got = sowing_pick(&w, &have);
		if (best == UINT32_MAX)
			assert_int_equal(got, N);
		else
			assert_int_equal(n_sent[got], best);
	}
	bits_free(&have);
	sowing_free(&w);
	failalloc_check(&heap);
}

static void
without_memory_there_is_an_error(void **state)
{
	struct sowing w;

	(void)state;
	failalloc_init(&heap, 1);
	assert_true(sowing_init(&w, &heap.mem, N) < 0);
	sowing_free(&w);
	failalloc_check(&heap);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		everything_goes_out_once_before_anything_goes_out_twice),
	    cmocka_unit_test(what_was_taken_back_is_next),
	    cmocka_unit_test(the_choice_is_the_least_sent_that_is_lacked),
	    cmocka_unit_test(without_memory_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
