/* How long is waited for what was asked for, and what happens then. */
#include "unit.h"

#include <string.h>

#include "strangers.h"

static struct strangers t;

/* Stranger i connects as one of ours and has everything. */
static void
meet_source(unsigned i)
{
	struct wire_ext_handshake h = {.block = STRANGERS_PIECE};
	uint32_t piece;

	strangers_greet(&t, i, &h);
	for (piece = 0; piece < STRANGERS_PIECES; piece++)
		(void)wire_put_index(&t.at[i].out, WIRE_HAVE, piece);
	(void)wire_put_plain(&t.at[i].out, WIRE_UNCHOKE);
	strangers_send(&t, i);
}

/* Whether i hears that within so many ms from now on; it says that it lives
 * each second. */
static bool
hears(unsigned i, enum wire_kind kind, uint32_t ms)
{
	uint32_t n = strangers_n(&t, i, kind), waited;

	for (waited = 0; waited < ms; waited += 50) {
		strangers_wait(&t, 50);
		if (strangers_n(&t, i, kind) > n)
			return true;
		if (waited % 1000 != 0)
			continue;
		(void)wire_put_keepalive(&t.at[i].out);
		strangers_send(&t, i);
		n = 0; /* what was heard before is forgotten */
	}
	return false;
}

/* In how many ms from now on i hears one more of these. */
static uint32_t
wait_for(unsigned i, enum wire_kind kind)
{
	uint32_t n = strangers_n(&t, i, kind), ms;

	for (ms = 0; strangers_n(&t, i, kind) == n; ms += 50) {
		assert_true(ms < 60000);
		strangers_wait(&t, 50);
	}
	return ms;
}

TEST(where_nothing_comes_at_all_each_wait_is_longer)
{
	uint32_t first, last = 0, k;

	strangers_open(&t, false, false);
	meet_source(0);
	meet_source(1);
	first = wait_for(0, WIRE_CANCEL);
	assert_true(first >= 150 && first <= 300);
	for (k = 0; k < 3; k++) {
		(void)wait_for(0, WIRE_REQUEST);
		last = wait_for(0, WIRE_CANCEL);
	}
	assert_true(last >= 4 * first);
	strangers_close(&t);
}

TEST(a_source_that_was_silent_and_lives_is_asked_again)
{
	strangers_open(&t, false, false);
	meet_source(0);
	assert_true(strangers_n(&t, 0, WIRE_REQUEST) > 0);
	assert_true(hears(0, WIRE_CANCEL, 5000));
	assert_true(hears(0, WIRE_REQUEST, 20000));
	assert_false(t.at[0].closed);
	strangers_close(&t);
}

TEST(a_source_that_says_nothing_at_all_is_left)
{
	strangers_open(&t, false, false);
	meet_source(0);
	strangers_wait(&t, 20000);
	assert_true(t.at[0].closed);
	assert_int_equal(t.at[0].why, CLOSE_SILENT);
	strangers_close(&t);
}

/* Number 1 lives, and has but one piece. */
TEST(a_source_that_dies_in_the_middle_of_a_block_is_left)
{
	struct wire_ext_handshake h = {.block = STRANGERS_PIECE};
	struct buf *out = &t.at[0].out;
	struct block b;
	uint32_t k;

	strangers_open(&t, false, false);
	strangers_greet(&t, 1, &h);
	(void)wire_put_index(&t.at[1].out, WIRE_HAVE, 0);
	(void)wire_put_plain(&t.at[1].out, WIRE_UNCHOKE);
	strangers_send(&t, 1);
	meet_source(0);
	b = strangers_block(&t, 0, WIRE_REQUEST, 0);
	(void)wire_put_piece_head(out, b.piece, b.begin, b.length);
	memset(buf_grow(out, 1000), 'x', 1000);
	strangers_send(&t, 0);
	for (k = 0; k < 32 && !t.at[0].closed; k++) {
		strangers_wait(&t, 1000);
		(void)wire_put_keepalive(&t.at[1].out);
		strangers_send(&t, 1);
	}
	assert_true(t.at[0].closed);
	assert_int_equal(t.at[0].why, CLOSE_SILENT);
	strangers_close(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(where_nothing_comes_at_all_each_wait_is_longer),
	    cmocka_unit_test(a_source_that_was_silent_and_lives_is_asked_again),
	    cmocka_unit_test(a_source_that_says_nothing_at_all_is_left),
	    cmocka_unit_test(
		a_source_that_dies_in_the_middle_of_a_block_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
