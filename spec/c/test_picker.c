#include "unit.h"

#include "core/picker.h"
#include "failalloc.h"

#define N 200u

static struct failalloc heap;
static struct rng rng;
static struct picker picker;
static struct bits all;

static int
begin(void **state)
{
	(void)state;
	failalloc_init(&heap, 0);
	rng_seed(&rng, 7, 1);
	assert_int_equal(picker_init(&picker, &heap.mem, N, &rng), 0);
	assert_int_equal(bits_init(&all, &heap.mem, N), 0);
	bits_set_all(&all);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	picker_free(&picker);
	bits_free(&all);
	failalloc_check(&heap);
	return 0;
}

/* What picker.h promises, checked the slow way. */
static void
check_sorted(void)
{
	uint32_t i, last = 0;

	for (i = 0; i < N; i++)
		assert_int_equal(picker.at[picker.order[i]], i);
	for (i = 0; i < picker.n_open; i++) {
		assert_true(picker.n_owners[picker.order[i]] >= last);
		last = picker.n_owners[picker.order[i]];
	}
}

TEST(nothing_is_picked_that_nobody_holds)
{
	struct bits none;

	assert_int_equal(bits_init(&none, &heap.mem, N), 0);
	assert_int_equal(picker_pick(&picker, &none, STRIPES_ALL, &rng), N);
	assert_int_equal(picker_pick(&picker, &all, STRIPES_ALL, &rng), N);
	assert_false(picker_all_owned(&picker));
	bits_free(&none);
}

TEST(the_rarest_piece_is_picked)
{
	picker_add_owner_bits(&picker, &all);
	assert_true(picker_all_owned(&picker));
	picker_add_owner_bits(&picker, &all);
	picker_drop_owner(&picker, 17);
	assert_int_equal(picker_pick(&picker, &all, STRIPES_ALL, &rng), 17);
	picker_shut(&picker, 17);
	assert_int_not_equal(picker_pick(&picker, &all, STRIPES_ALL, &rng), 17);
	picker_open(&picker, 17);
	assert_int_equal(picker_pick(&picker, &all, STRIPES_ALL, &rng), 17);
	bits_clear(&all, 17);
	assert_int_not_equal(picker_pick(&picker, &all, STRIPES_ALL, &rng), 17);
	check_sorted();
}

TEST(ties_are_broken_at_random)
{
	uint32_t seen[N] = {0}, i, distinct = 0;

	picker_add_owner_bits(&picker, &all);
	for (i = 0; i < 4 * N; i++)
		seen[picker_pick(&picker, &all, STRIPES_ALL, &rng)]++;
	for (i = 0; i < N; i++)
		distinct += seen[i] > 0;
	assert_true(distinct > N / 2);
}

TEST(order_holds_through_ten_thousand_changes)
{
	uint32_t i, piece, owners[N] = {0};

	for (i = 0; i < 10000; i++) {
		piece = rng_below(&rng, N);
		switch (rng_below(&rng, 4)) {
		case 0:
			if (owners[piece] == 0)
				break;
			owners[piece]--;
			picker_drop_owner(&picker, piece);
			break;
		case 1:
			picker_shut(&picker, piece);
			assert_false(picker_is_open(&picker, piece));
			break;
		case 2:
			picker_open(&picker, piece);
			assert_true(picker_is_open(&picker, piece));
			break;
		default:
			/* Beyond LIMIT_PEERS too: the last bucket is open. */
			if (owners[piece] == 2 * LIMIT_PEERS)
				break;
			owners[piece] += 1;
			picker_add_owner(&picker, piece);
		}
		if (i % 50 == 0)
			check_sorted();
	}
	check_sorted();
}

static int
make(const struct mem *mem, void *arg)
{
	struct picker p;
	int rc = picker_init(&p, mem, 9, arg);

	if (rc == 0)
		picker_free(&p);
	return rc;
}

TEST(every_failing_allocation_is_reported)
{
	assert_int_equal(failalloc_each(make, &rng), 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(nothing_is_picked_that_nobody_holds),
	    T(the_rarest_piece_is_picked),
	    T(ties_are_broken_at_random),
	    T(order_holds_through_ten_thousand_changes),
	    T(every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
