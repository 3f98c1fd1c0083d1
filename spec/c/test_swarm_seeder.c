/* What a seeder lets its kin have: nothing twice before all went out once. */
#include "unit.h"

#include "strangers.h"

static struct strangers t;

/* What the seeder suggested to i since it said something last. */
static uint32_t
suggested(unsigned i)
{
	uint32_t k;

	assert_int_equal(strangers_n(&t, i, WIRE_SUGGEST), 1);
	for (k = 0; t.at[i].heard[k].kind != WIRE_SUGGEST; k++)
		;
	return t.at[i].heard[k].piece;
}

/* Stranger i connects as one of ours, with nothing; gives what the seeder
 * suggests to it. */
static uint32_t
meet(unsigned i)
{
	struct wire_ext_handshake h = {.block = STRANGERS_PIECE};
	uint32_t piece;

	strangers_greet(&t, i, &h);
	piece = suggested(i);
	(void)wire_put_plain(&t.at[i].out, WIRE_INTERESTED);
	strangers_send(&t, i);
	return piece;
}

/* i asks for the piece in blocks of 128 KiB; what the seeder sends leaves. */
static void
request(unsigned i, uint32_t piece)
{
	uint32_t begin;

	for (begin = 0; begin < STRANGERS_PIECE; begin += 128u << 10)
		(void)wire_put_block(
		    &t.at[i].out, WIRE_REQUEST, piece, begin, 128u << 10);
	strangers_send(&t, i);
}

/* It arrived. */
static void
has(unsigned i, uint32_t piece)
{
	strangers_drain(&t, i);
	(void)wire_put_index(&t.at[i].out, WIRE_HAVE, piece);
	strangers_send(&t, i);
}

TEST(each_is_suggested_another_piece)
{
	uint32_t a, b;

	strangers_open(&t, true, false);
	a = meet(0);
	b = meet(1);
	assert_true(a != b);
	strangers_close(&t);
}

/* It was sent whole, but who got it has not said so yet. */
TEST(what_was_sent_to_one_is_refused_to_another_who_may_have_what_was_not)
{
	uint32_t a, b;

	strangers_open(&t, true, false);
	a = meet(0);
	b = meet(1);
	request(0, a);
	assert_int_equal(strangers_n(&t, 0, WIRE_PIECE), 2);
	strangers_drain(&t, 0);
	request(1, a);
	assert_int_equal(strangers_n(&t, 1, WIRE_PIECE), 0);
	assert_int_equal(strangers_n(&t, 1, WIRE_REJECT), 2);
	request(1, b);
	assert_int_equal(strangers_n(&t, 1, WIRE_PIECE), 2);
	strangers_close(&t);
}

/* Who got the others' requests may be gone, or have no room for what is
 * suggested to it. */
TEST(who_asks_for_what_was_sent_again_and_again_has_it)
{
	uint32_t a, k;

	strangers_open(&t, true, false);
	a = meet(0);
	(void)meet(1);
	request(0, a);
	strangers_drain(&t, 0);
	for (k = 0; k < 3; k++) {
		request(1, a);
		assert_int_equal(strangers_n(&t, 1, WIRE_REJECT), 2);
	}
	request(1, a);
	assert_int_equal(strangers_n(&t, 1, WIRE_REJECT), 0);
	assert_int_equal(strangers_n(&t, 1, WIRE_PIECE), 2);
	strangers_close(&t);
}

TEST(what_went_out_is_given_again_when_everything_did)
{
	uint32_t piece, first, a, b;

	strangers_open(&t, true, false);
	first = meet(0);
	a = meet(1);
	request(1, a);
	strangers_drain(&t, 1);
	b = suggested(1); /* kept for 1, who asks for it last */
	for (piece = 0; piece < STRANGERS_PIECES; piece++) {
		if (piece == a || piece == b)
			continue;
		request(0, piece);
		assert_int_equal(strangers_n(&t, 0, WIRE_PIECE), 2);
		has(0, piece);
	}
	request(1, b);
	has(1, b);
	request(1, first);
	assert_int_equal(strangers_n(&t, 1, WIRE_REJECT), 0);
	assert_int_equal(strangers_n(&t, 1, WIRE_PIECE), 2);
	strangers_close(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_is_suggested_another_piece),
	    cmocka_unit_test(
		what_was_sent_to_one_is_refused_to_another_who_may_have_what_was_not),
	    cmocka_unit_test(who_asks_for_what_was_sent_again_and_again_has_it),
	    cmocka_unit_test(what_went_out_is_given_again_when_everything_did),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
