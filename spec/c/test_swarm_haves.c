/* murder_have: several HAVEs in one message, to and from a stranger. */
#include "unit.h"

#include "strangers.h"

#define THEIR_HAVES 9
#define NARROW STRANGERS_PIECES

static struct strangers t;

/* Stranger i connects and offers murder_have; it has nothing yet. Number 0 may
 * be asked. */
static void
meet(unsigned i, uint8_t id_haves)
{
	struct wire_ext_handshake h = {.id_haves = id_haves};

	strangers_greet(&t, i, &h);
	if (i > 0)
		return;
	(void)wire_put_plain(&t.at[i].out, WIRE_UNCHOKE);
	strangers_send(&t, i);
}

static void
open_and_meet(uint8_t id_haves)
{
	strangers_open(&t, false, false);
	meet(0, 0);
	meet(1, id_haves);
}

static bool
asked_for(unsigned i, uint32_t piece)
{
	uint32_t k, n = strangers_n(&t, i, WIRE_REQUEST);

	for (k = 0; k < n; k++)
		if (strangers_block(&t, i, WIRE_REQUEST, k).piece == piece)
			return true;
	return false;
}

/* Stranger 0 gets a piece from elsewhere and gives it to the swarm. */
static void
give_piece(uint32_t piece)
{
	struct block b = {.piece = piece, .length = 16384};

	(void)wire_put_index(&t.at[0].out, WIRE_HAVE, piece);
	strangers_send(&t, 0);
	t.at[1].n_heard = 0;
	for (; b.begin < STRANGERS_PIECE; b.begin += b.length)
		strangers_send_block(&t, 0, b);
}

/* Stranger 1 says so in plain HAVEs. */
static void
has(uint32_t piece)
{
	(void)wire_put_index(&t.at[1].out, WIRE_HAVE, piece);
	strangers_send(&t, 1);
}

TEST(several_pieces_are_heard_of_in_one_message)
{
	static const uint32_t news[] = {6, 1};

	open_and_meet(THEIR_HAVES);
	(void)wire_put_haves(
	    &t.at[0].out, WIRE_EXT_HAVES, NARROW, news, N_OF(news));
	strangers_send(&t, 0);
	assert_false(t.at[0].closed);
	assert_int_equal(strangers_n(&t, 0, WIRE_INTERESTED), 1);
	assert_true(asked_for(0, 6));
	assert_true(asked_for(0, 1));
	assert_false(asked_for(0, 0));
	strangers_close(&t);
}

TEST(a_piece_that_is_not_there_or_half_an_index_closes)
{
	static const char *const bad[] = {"\0\10", "\0\0\0"};
	size_t i;

	for (i = 0; i < N_OF(bad); i++) {
		open_and_meet(THEIR_HAVES);
		(void)wire_put_extended(&t.at[0].out, WIRE_EXT_HAVES,
		    (struct span){(const uint8_t *)bad[i], 2 + i});
		strangers_send(&t, 0);
		assert_true(t.at[0].closed);
		assert_int_equal(t.at[0].why, CLOSE_PROTOCOL);
		strangers_close(&t);
	}
}

/* It has two of three itself: worth no packet, but told with the third. (And
 * one more, so that our interest does not end, which would be a message.) */
TEST(what_it_has_itself_is_told_with_the_next_it_lacks)
{
	open_and_meet(THEIR_HAVES);
	has(2);
	has(5);
	has(7);
	give_piece(2);
	give_piece(5);
	assert_int_equal(t.at[1].n_heard, 0);
	give_piece(3);
	assert_int_equal(strangers_n(&t, 1, WIRE_EXTENDED), 1);
	assert_span(buf_span(&t.at[1].extended), "\0\2\0\5\0\3");
	strangers_close(&t);
}

TEST(who_does_not_offer_it_hears_plain_haves)
{
	open_and_meet(0);
	has(2);
	give_piece(2);
	give_piece(3);
	assert_int_equal(strangers_n(&t, 1, WIRE_HAVE), 2);
	assert_int_equal(strangers_n(&t, 1, WIRE_EXTENDED), 0);
	strangers_close(&t);
}

TEST(a_single_piece_is_a_plain_have)
{
	open_and_meet(THEIR_HAVES);
	give_piece(4);
	assert_int_equal(strangers_n(&t, 1, WIRE_HAVE), 1);
	assert_int_equal(strangers_n(&t, 1, WIRE_EXTENDED), 0);
	strangers_close(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(several_pieces_are_heard_of_in_one_message),
	    cmocka_unit_test(a_piece_that_is_not_there_or_half_an_index_closes),
	    cmocka_unit_test(what_it_has_itself_is_told_with_the_next_it_lacks),
	    cmocka_unit_test(who_does_not_offer_it_hears_plain_haves),
	    cmocka_unit_test(a_single_piece_is_a_plain_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
