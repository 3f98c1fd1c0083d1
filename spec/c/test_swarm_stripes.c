/*
 * Stripes as one host sees them: whom it tells to push, what it then asks for,
 * what it pushes itself, and what it says when a stripe does not come or does
 * not leave.
 */
#include "unit.h"

#include "strangers.h"

/* Asked for and sent at once. */
#define BLOCK (64u << 10)
#define N_BLOCKS (STRANGERS_PIECE / BLOCK)
#define N_OF_STRIPE (STRANGERS_MANY / STRIPES)

static struct strangers t;

static uint16_t
port_of(unsigned i)
{
	return (uint16_t)(7000 + i);
}

static struct addr
addr_of(unsigned i)
{
	struct addr a = {.family = ADDR_V4, .port = port_of(i)};

	a.ip[0] = 10;
	a.ip[3] = (uint8_t)(i + 1);
	return a;
}

/* Stranger i connects as one of ours; it has nearly everything, or nothing. */
static void
meet(unsigned i, bool rich)
{
	struct wire_ext_handshake h = {.block = BLOCK,
	    .id_stripes = STRANGERS_STRIPES_ID,
	    .port = port_of(i)};

	strangers_greet(&t, i, &h);
	if (!rich)
		return;
	for (uint32_t piece = STRIPES; piece < STRANGERS_MANY; piece++)
		(void)wire_put_index(&t.at[i].out, WIRE_HAVE, piece);
	(void)wire_put_plain(&t.at[i].out, WIRE_UNCHOKE);
	strangers_send(&t, i);
}

static void
say(unsigned i, enum wire_stripes_kind kind, stripes_t of)
{
	(void)wire_put_stripes(&t.at[i].out, WIRE_EXT_STRIPES, kind, of);
	strangers_send(&t, i);
}

/* The tracker says that stranger i is to send stripe i. */
static void
plan(void)
{
	struct announce_answer a = {
	    .interval_s = 60, .compact = true, .n_links = STRIPES};

	for (uint32_t i = 0; i < STRIPES; i++)
		a.link[i] = (struct announce_link){
		    .addr = addr_of(i), .stripe = (uint8_t)i};
	strangers_answer(&t, &a);
}

/* A receiver with a sender for each stripe, of whom the first n are there. */
static void
open_receiver(unsigned n)
{
	strangers_open_striped(&t, false);
	strangers_wait(&t, 50);
	plan();
	for (unsigned i = 0; i < n; i++)
		meet(i, true);
}

/* Its stripe's sender sends us that piece. */
static void
push(uint32_t piece)
{
	unsigned from = stripe_of(piece);

	for (uint32_t at = 0; at < STRANGERS_PIECE; at += BLOCK)
		strangers_send_block(&t, from,
		    (struct block){
			.piece = piece, .begin = at, .length = BLOCK});
}

static uint32_t
n_requests(unsigned n)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += strangers_n(&t, i, WIRE_REQUEST);
	return sum;
}

/* How many blocks i was sent so far, all of these stripes. */
static uint32_t
pushed(unsigned i, stripes_t of)
{
	uint32_t k, n = strangers_n(&t, i, WIRE_PIECE);

	for (k = 0; k < n; k++) {
		struct block b = strangers_block(&t, i, WIRE_PIECE, k);

		assert_true((stripe_bit(stripe_of(b.piece)) & of) != 0);
	}
	return n;
}

/* A seeder that is to push stripe i to stranger i. */
static void
open_seeder(unsigned n)
{
	struct announce_answer a = {.interval_s = 60, .compact = true};

	strangers_open_striped(&t, true);
	strangers_wait(&t, 50);
	strangers_answer(&t, &a);
	for (unsigned i = 0; i < n; i++)
		meet(i, false);
	for (unsigned i = 0; i < n; i++)
		say(i, WIRE_STRIPES_SEND, stripe_bit(i));
}

TEST(the_tracker_is_told_who_takes_part)
{
	strangers_open_striped(&t, false);
	strangers_wait(&t, 50);
	assert_int_equal(t.n_asked, 1);
	assert_true(t.asked.striped);
	assert_int_equal(t.asked.lost, 0);
	strangers_close(&t);
}

TEST(each_sender_is_told_what_to_send)
{
	open_receiver(STRIPES);
	for (unsigned i = 0; i < STRIPES; i++) {
		assert_int_equal(t.at[i].n_told[WIRE_STRIPES_SEND], 1);
		assert_int_equal(
		    t.at[i].told[WIRE_STRIPES_SEND], stripe_bit(i));
	}
	strangers_close(&t);
}

TEST(what_is_pushed_is_not_asked_for)
{
	open_receiver(STRIPES);
	assert_int_equal(n_requests(STRIPES), 0);
	push(6);
	assert_false(t.at[2].closed);
	assert_int_equal(t.n_stored, 1);
	assert_int_equal(n_requests(STRIPES), 0);
	strangers_close(&t);
}

/* Number 3 does not come. */
TEST(a_stripe_without_a_sender_is_asked_of_others_and_told_to_the_tracker)
{
	open_receiver(3);
	strangers_wait(&t, 700);
	assert_int_equal(t.n_asked, 2);
	assert_int_equal(t.asked.lost, stripe_bit(3));
	assert_true(n_requests(3) > 0);
	for (unsigned i = 0; i < 3; i++) {
		for (uint32_t k = 0; k < strangers_n(&t, i, WIRE_REQUEST); k++)
			assert_int_equal(
			    stripe_of(
				strangers_block(&t, i, WIRE_REQUEST, k).piece),
			    3);
		assert_int_equal(
		    t.at[i].told[WIRE_STRIPES_LACK], stripe_bit(3));
	}
	strangers_close(&t);
}

TEST(who_offers_a_stripe_stands_between_us_and_its_sender)
{
	open_receiver(STRIPES);
	say(0, WIRE_STRIPES_OFFER, stripe_bit(1));
	assert_int_equal(
	    t.at[0].told[WIRE_STRIPES_SEND], stripe_bit(0) | stripe_bit(1));
	assert_int_equal(t.at[1].told[WIRE_STRIPES_SEND], 0);
	strangers_close(&t);
}

/* All are being dialled when number 0 comes by itself. */
TEST(who_comes_while_it_is_dialled_sends_and_may_offer_more)
{
	strangers_open_striped(&t, false);
	t.is_far = true;
	strangers_wait(&t, 50);
	plan();
	assert_int_equal(t.n_dialled, STRIPES);
	meet(0, true);
	assert_int_equal(t.at[0].told[WIRE_STRIPES_SEND], stripe_bit(0));
	say(0, WIRE_STRIPES_OFFER, stripe_bit(1));
	assert_int_equal(
	    t.at[0].told[WIRE_STRIPES_SEND], stripe_bit(0) | stripe_bit(1));
	strangers_close(&t);
}

/* Number 3 shakes hands all the while, at the address of the one that is to
 * send stripe 3, and is told after half a second more. */
TEST(a_sender_that_is_shaking_hands_is_waited_for)
{
	struct addr from = addr_of(3);
	peer_t p;

	open_receiver(3);
	strangers_wait(&t, 400);
	from.port = 40000;
	assert_int_equal(swarm_on_accept(t.swarm, &from, &p, t.now), 0);
	assert_int_not_equal(p, 0);
	strangers_wait(&t, 300);
	assert_int_equal(t.n_asked, 1);
	strangers_wait(&t, 400);
	assert_int_equal(t.n_asked, 2);
	assert_int_equal(t.asked.lost, stripe_bit(3));
	strangers_close(&t);
}

TEST(what_comes_evenly_is_not_asked_for_where_others_are_complete)
{
	open_receiver(STRIPES);
	for (unsigned i = 0; i < 2; i++) {
		for (uint32_t piece = 0; piece < STRIPES; piece++)
			(void)wire_put_index(&t.at[i].out, WIRE_HAVE, piece);
		strangers_send(&t, i);
	}
	for (uint32_t piece = 0; piece < 8 * STRIPES; piece++)
		push(piece);
	strangers_wait(&t, 60);
	assert_int_equal(n_requests(STRIPES), 0);
	for (uint32_t piece = 8 * STRIPES; piece < 14 * STRIPES; piece++)
		if (stripe_of(piece) != 3)
			push(piece);
	strangers_wait(&t, 60);
	assert_true(n_requests(STRIPES) > 0);
	strangers_close(&t);
}

TEST(where_pushing_fails_all_are_told_and_everything_is_asked_for)
{
	open_receiver(STRIPES);
	say(1, WIRE_STRIPES_QUIT, 0);
	for (unsigned i = 0; i < STRIPES; i++) {
		assert_int_equal(t.at[i].n_told[WIRE_STRIPES_QUIT], 1);
		assert_int_equal(t.at[i].told[WIRE_STRIPES_LACK], STRIPES_ALL);
		assert_int_equal(t.at[i].told[WIRE_STRIPES_SEND], 0);
	}
	assert_true(n_requests(STRIPES) > 0);
	strangers_close(&t);
}

TEST(what_makes_no_sense_ends_the_connection)
{
	open_receiver(1);
	(void)wire_put_extended(
	    &t.at[0].out, WIRE_EXT_STRIPES, SPAN_LIT("\x09\x01"));
	strangers_send(&t, 0);
	assert_true(t.at[0].closed);
	assert_int_equal(t.at[0].why, CLOSE_PROTOCOL);
	strangers_close(&t);
}

TEST(who_says_more_than_anybody_has_to_is_left)
{
	uint32_t k;

	open_receiver(1);
	for (k = 0; k < 200; k++)
		say(0, WIRE_STRIPES_LACK, (stripes_t)(k % 2));
	assert_false(t.at[0].closed);
	strangers_wait(&t, 1000);
	for (k = 0; k < 300 && !t.at[0].closed; k++)
		say(0, WIRE_STRIPES_LACK, (stripes_t)(k % 2));
	assert_in_range(k, 100, 200);
	assert_int_equal(t.at[0].why, CLOSE_PROTOCOL);
	strangers_close(&t);
}

/* Its first connection is closed before it could hear that. */
TEST(what_is_offered_is_offered_again_until_it_is_heard)
{
	struct announce_answer a = {.interval_s = 60,
	    .compact = true,
	    .n_links = 1,
	    .link[0] = {.addr = addr_of(1), .stripe = 2, .down = true}};

	strangers_open_striped(&t, false);
	strangers_wait(&t, 50);
	strangers_answer(&t, &a);
	meet(1, false);
	assert_int_equal(t.at[1].told[WIRE_STRIPES_OFFER], stripe_bit(2));
	t.at[1].closed = true;
	(void)swarm_on_closed(t.swarm, t.at[1].peer, t.now);
	strangers_again(&t, 1);
	meet(1, false);
	assert_int_equal(t.at[1].n_told[WIRE_STRIPES_OFFER], 2);
	say(1, WIRE_STRIPES_SEND, stripe_bit(2));
	t.at[1].closed = true;
	(void)swarm_on_closed(t.swarm, t.at[1].peer, t.now);
	strangers_again(&t, 1);
	meet(1, false);
	assert_int_equal(t.at[1].n_told[WIRE_STRIPES_OFFER], 2);
	strangers_close(&t);
}

TEST(a_seeder_pushes_all_of_what_it_was_told_to_and_nothing_else)
{
	open_seeder(1);
	strangers_drain(&t, 0);
	assert_int_equal(pushed(0, stripe_bit(0)), N_BLOCKS * N_OF_STRIPE);
	strangers_close(&t);
}

TEST(it_does_not_push_what_the_other_has)
{
	strangers_open_striped(&t, true);
	meet(0, false);
	for (uint32_t piece = 0; piece < STRANGERS_MANY - STRIPES; piece++)
		(void)wire_put_index(&t.at[0].out, WIRE_HAVE, piece);
	strangers_send(&t, 0);
	say(0, WIRE_STRIPES_SEND, stripe_bit(2));
	strangers_drain(&t, 0);
	assert_int_equal(pushed(0, stripe_bit(2)), N_BLOCKS);
	assert_int_equal(
	    strangers_block(&t, 0, WIRE_PIECE, 0).piece, STRANGERS_MANY - 2);
	strangers_close(&t);
}

/* Number 1 does not take what it is sent. */
TEST(a_seeders_stripes_keep_one_pace)
{
	uint32_t n;

	open_seeder(2);
	strangers_drain(&t, 0);
	n = pushed(0, stripe_bit(0));
	assert_in_range(n, N_BLOCKS, 5 * N_BLOCKS);
	assert_in_range(pushed(1, stripe_bit(1)), 1, 2);
	strangers_drain(&t, 1);
	strangers_drain(&t, 0);
	assert_true(pushed(0, stripe_bit(0)) > n);
	strangers_close(&t);
}

TEST(who_takes_nothing_is_named_to_the_tracker_and_no_longer_waited_for)
{
	struct addr slow = addr_of(1);

	open_seeder(2);
	strangers_drain(&t, 0);
	t.at[1].unacked = BLOCK;
	strangers_wait(&t, 500);
	assert_true(t.asked.has_stuck);
	assert_true(addr_equal(&t.asked.stuck, &slow));
	strangers_drain(&t, 0);
	assert_int_equal(pushed(0, stripe_bit(0)), N_BLOCKS * N_OF_STRIPE);
	strangers_close(&t);
}

TEST(who_is_waited_for_while_others_are_sent_to_is_not_named)
{
	open_seeder(2);
	strangers_drain(&t, 0);
	t.at[0].unacked = t.at[1].unacked = BLOCK;
	strangers_wait(&t, 2000);
	assert_false(t.asked.has_stuck);
	strangers_close(&t);
}

/* A receiver that gets seven pieces of stripe 2 and passes them on to number 3,
 * whose socket takes five of them. */
static void
pass_on_five(uint32_t unacked, struct duration rtt)
{
	uint32_t piece;

	open_receiver(3);
	meet(3, false);
	say(3, WIRE_STRIPES_SEND, stripe_bit(2));
	strangers_wait(&t, 300);
	for (piece = 2; piece < 2 + 7 * STRIPES; piece += STRIPES) {
		if (piece > 2 && piece < 2 + 6 * STRIPES)
			strangers_drain(&t, 3);
		push(piece);
	}
	t.at[3].unacked = unacked;
	t.at[3].rtt = rtt;
	strangers_wait(&t, 100);
}

TEST(what_only_stands_in_a_socket_has_not_got_through)
{
	struct addr slow = addr_of(3);

	pass_on_five(5 * STRANGERS_PIECE, TICK_MS(1));
	assert_true(t.asked.has_stuck);
	assert_true(addr_equal(&t.asked.stuck, &slow));
	strangers_close(&t);
}

/* TCP has hardly begun after three round trips. */
TEST(who_is_far_away_is_given_more_time)
{
	pass_on_five(5 * STRANGERS_PIECE, TICK_MS(100));
	assert_false(t.asked.has_stuck);
	strangers_close(&t);
}

TEST(who_gets_what_is_sent_to_it_is_not_accused)
{
	pass_on_five(STRANGERS_PIECE, TICK_MS(1));
	assert_false(t.asked.has_stuck);
	strangers_close(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_tracker_is_told_who_takes_part),
	    cmocka_unit_test(each_sender_is_told_what_to_send),
	    cmocka_unit_test(what_is_pushed_is_not_asked_for),
	    cmocka_unit_test(
		a_stripe_without_a_sender_is_asked_of_others_and_told_to_the_tracker),
	    cmocka_unit_test(
		who_offers_a_stripe_stands_between_us_and_its_sender),
	    cmocka_unit_test(
		who_comes_while_it_is_dialled_sends_and_may_offer_more),
	    cmocka_unit_test(a_sender_that_is_shaking_hands_is_waited_for),
	    cmocka_unit_test(
		what_comes_evenly_is_not_asked_for_where_others_are_complete),
	    cmocka_unit_test(
		where_pushing_fails_all_are_told_and_everything_is_asked_for),
	    cmocka_unit_test(what_makes_no_sense_ends_the_connection),
	    cmocka_unit_test(who_says_more_than_anybody_has_to_is_left),
	    cmocka_unit_test(
		what_is_offered_is_offered_again_until_it_is_heard),
	    cmocka_unit_test(
		a_seeder_pushes_all_of_what_it_was_told_to_and_nothing_else),
	    cmocka_unit_test(it_does_not_push_what_the_other_has),
	    cmocka_unit_test(a_seeders_stripes_keep_one_pace),
	    cmocka_unit_test(what_only_stands_in_a_socket_has_not_got_through),
	    cmocka_unit_test(who_is_far_away_is_given_more_time),
	    cmocka_unit_test(who_gets_what_is_sent_to_it_is_not_accused),
	    cmocka_unit_test(
		who_takes_nothing_is_named_to_the_tracker_and_no_longer_waited_for),
	    cmocka_unit_test(
		who_is_waited_for_while_others_are_sent_to_is_not_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
