#include "unit.h"

#include "core/partial.h"
#include "failalloc.h"

#define KIB 1024u

static struct failalloc heap;
static struct partial *f; /* 100 KiB: six whole units and one of 4 KiB */

static int
begin(void **state)
{
	(void)state;
	failalloc_init(&heap, 0);
	f = partial_new(&heap.mem, 3, 100 * KIB, (struct instant){.ns = 5});
	assert_non_null(f);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	partial_free(&heap.mem, f);
	failalloc_check(&heap);
	return 0;
}

TEST(runs_cover_the_piece_and_are_cut_at_its_end)
{
	struct unit_run r = partial_find(f, 0, 64 * KIB, false);

	assert_int_equal(f->n_units, 7);
	assert_int_equal(r.begin, 0);
	assert_int_equal(r.end, 4);
	assert_int_equal(partial_run_length(f, r), 64 * KIB);
	r = partial_find(f, r.end, 64 * KIB, false);
	assert_int_equal(partial_run_begin(r), 64 * KIB);
	assert_int_equal(partial_run_length(f, r), 36 * KIB);
	r = partial_find(f, r.end, 64 * KIB, false);
	assert_int_equal(r.begin, r.end);
}

TEST(what_is_asked_for_is_not_found_again_but_as_a_duplicate)
{
	struct unit_run r = partial_run_of(f, 16 * KIB, 32 * KIB);
	struct unit_run d;
	uint32_t i;

	partial_ask(f, r);
	assert_false(partial_is_blank(f));
	d = partial_find(f, 1, 16 * KIB, false);
	assert_int_equal(d.begin, 3);
	d = partial_find(f, 0, 64 * KIB, true);
	assert_int_equal(d.begin, 1);
	assert_int_equal(d.end, 3);
	for (i = 1; i < PARTIAL_MAX_ASKED; i++)
		partial_ask(f, d);
	d = partial_find(f, 0, 64 * KIB, true);
	assert_int_equal(d.begin, d.end);
	for (i = 0; i < PARTIAL_MAX_ASKED; i++)
		partial_unask(f, r);
	assert_true(partial_is_blank(f));
}

TEST(a_unit_arrives_once)
{
	struct unit_run r = partial_run_of(f, 0, 32 * KIB);

	assert_true(partial_take(f, r, 9));
	partial_got(f, 0, 9);
	assert_int_equal(f->n_got, 1);
	partial_untake(f, 9);
	assert_false(partial_take(f, r, 4));
	assert_true(partial_take(f, partial_run_of(f, 16 * KIB, 16 * KIB), 4));
	partial_got(f, 1, 4);
	assert_true(partial_has_source(f, 4));
	assert_true(partial_has_source(f, 9));
	assert_int_equal(partial_n_sources(f), 2);
}

TEST(a_source_that_left_still_counts)
{
	partial_take(f, partial_run_of(f, 0, 16 * KIB), 0);
	partial_got(f, 0, 0);
	partial_source_gone(f, 0);
	assert_false(partial_has_source(f, 0));
	assert_int_equal(partial_n_sources(f), 1);
	assert_int_equal(f->n_got, 1);
}

TEST(a_piece_for_one_source_begins_anew_when_it_leaves)
{
	f->alone = true;
	f->owner = 1;
	partial_take(f, partial_run_of(f, 0, 16 * KIB), 0);
	partial_got(f, 0, 0);
	partial_source_gone(f, 0);
	assert_int_equal(f->n_got, 0);
	assert_int_equal(f->owner, 0);
	assert_true(partial_is_blank(f));
}

TEST(nothing_is_taken_while_it_is_stored)
{
	f->storing = true;
	assert_false(partial_take(f, partial_run_of(f, 0, 16 * KIB), 2));
}

TEST(a_run_is_asked_for_as_long_as_one_of_its_units_is)
{
	struct unit_run one = partial_run_of(f, 16 * KIB, 16 * KIB);
	struct unit_run three = partial_run_of(f, 0, 48 * KIB);

	assert_false(partial_is_asked(f, three));
	partial_ask(f, one);
	assert_true(partial_is_asked(f, three));
	assert_false(partial_is_asked(f, partial_run_of(f, 32 * KIB, KIB)));
	partial_unask(f, one);
	assert_false(partial_is_asked(f, three));
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(runs_cover_the_piece_and_are_cut_at_its_end),
	    T(what_is_asked_for_is_not_found_again_but_as_a_duplicate),
	    T(a_unit_arrives_once),
	    T(a_source_that_left_still_counts),
	    T(a_piece_for_one_source_begins_anew_when_it_leaves),
	    T(nothing_is_taken_while_it_is_stored),
	    T(a_run_is_asked_for_as_long_as_one_of_its_units_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
