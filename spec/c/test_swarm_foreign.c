/* The swarm engine towards clients of other making, message by message. */
#include "unit.h"

#include <errno.h>

#include "strangers.h"

#define KIB 1024u
#define UNIT (16u * KIB)

static struct strangers t;

static void
say(unsigned i, enum wire_kind kind)
{
	(void)wire_put_plain(&t.at[i].out, kind);
	strangers_send(&t, i);
}

static void
request(unsigned i, uint32_t piece, uint32_t begin, uint32_t length)
{
	(void)wire_put_block(&t.at[i].out, WIRE_REQUEST, piece, begin, length);
}

/* A complete swarm with a stranger who is interested. */
static void
seed_to(bool fast)
{
	strangers_open(&t, true, false);
	strangers_meet(&t, 0, fast, false);
	say(0, WIRE_INTERESTED);
}

/* An empty swarm with a stranger who has everything and does not choke. */
static void
fetch_from(bool fast)
{
	strangers_open(&t, false, false);
	strangers_meet(&t, 0, fast, false);
	if (fast)
		say(0, WIRE_HAVE_ALL);
	else
		(void)wire_put_bitfield(&t.at[0].out, SPAN_LIT("\xff"));
	say(0, WIRE_UNCHOKE);
}

TEST(a_plain_client_hears_handshake_and_bitfield_only)
{
	strangers_open(&t, true, false);
	strangers_meet(&t, 0, false, false);
	assert_int_equal(t.at[0].n_heard, 2);
	assert_int_equal(t.at[0].heard[0].kind, WIRE_HANDSHAKE);
	assert_int_equal(t.at[0].heard[1].kind, WIRE_BITFIELD);
	strangers_close(&t);
}

TEST(a_fast_client_hears_have_all_or_have_none)
{
	strangers_open(&t, true, false);
	strangers_meet(&t, 0, true, false);
	assert_int_equal(strangers_n(&t, 0, WIRE_HAVE_ALL), 1);
	assert_int_equal(strangers_n(&t, 0, WIRE_BITFIELD), 0);
	strangers_close(&t);
	strangers_open(&t, false, false);
	strangers_meet(&t, 0, true, false);
	assert_int_equal(strangers_n(&t, 0, WIRE_HAVE_NONE), 1);
	strangers_close(&t);
}

TEST(who_is_interested_is_unchoked_once)
{
	seed_to(false);
	assert_int_equal(strangers_n(&t, 0, WIRE_UNCHOKE), 1);
	say(0, WIRE_NOT_INTERESTED);
	say(0, WIRE_INTERESTED);
	assert_int_equal(strangers_n(&t, 0, WIRE_UNCHOKE), 0);
	strangers_close(&t);
}

TEST(requests_up_to_128_kib_are_served)
{
	static const uint32_t sizes[] = {1, UNIT, 32 * KIB, 128 * KIB};
	size_t i;

	seed_to(false);
	for (i = 0; i < N_OF(sizes); i++) {
		request(0, 2, 64 * KIB, sizes[i]);
		strangers_send(&t, 0);
		assert_int_equal(strangers_n(&t, 0, WIRE_PIECE), 1);
		assert_int_equal(
		    strangers_block(&t, 0, WIRE_PIECE, 0).length, sizes[i]);
		strangers_drain(&t, 0);
	}
	strangers_close(&t);
}

TEST(requests_above_128_kib_close)
{
	seed_to(true);
	request(0, 2, 0, 128 * KIB + 1);
	strangers_send(&t, 0);
	assert_true(t.at[0].closed);
	assert_int_equal(t.at[0].why, CLOSE_PROTOCOL);
	strangers_close(&t);
}

TEST(requests_across_the_end_of_a_piece_close)
{
	seed_to(true);
	request(0, 2, STRANGERS_PIECE - UNIT + 1, UNIT);
	strangers_send(&t, 0);
	assert_true(t.at[0].closed);
	strangers_close(&t);
}

TEST(requests_of_the_choked_are_rejected_if_fast_and_else_dropped)
{
	unsigned fast;

	for (fast = 0; fast < 2; fast++) {
		strangers_open(&t, true, false);
		strangers_meet(&t, 0, fast == 1, false);
		request(0, 0, 0, UNIT);
		strangers_send(&t, 0);
		assert_false(t.at[0].closed);
		assert_int_equal(strangers_n(&t, 0, WIRE_PIECE), 0);
		assert_int_equal(strangers_n(&t, 0, WIRE_REJECT), fast);
		strangers_close(&t);
	}
}

TEST(a_flood_of_requests_is_rejected_beyond_the_limit)
{
	uint32_t k;

	seed_to(true);
	for (k = 0; k < LIMIT_REQUESTS_IN + 100; k++)
		request(0, k % STRANGERS_PIECES, 0, UNIT);
	strangers_send(&t, 0);
	assert_false(t.at[0].closed);
	assert_int_equal(strangers_n(&t, 0, WIRE_REJECT), 100);
	strangers_drain(&t, 0);
	assert_int_equal(strangers_n(&t, 0, WIRE_PIECE), LIMIT_REQUESTS_IN);
	strangers_close(&t);
}

TEST(what_is_cancelled_before_it_left_is_not_sent)
{
	seed_to(true);
	request(0, 1, 0, UNIT);
	request(0, 1, UNIT, UNIT);
	request(0, 1, 2 * UNIT, UNIT);
	(void)wire_put_block(&t.at[0].out, WIRE_CANCEL, 1, 2 * UNIT, UNIT);
	strangers_send(&t, 0);
	assert_int_equal(strangers_n(&t, 0, WIRE_REJECT), 1);
	strangers_drain(&t, 0);
	assert_int_equal(strangers_n(&t, 0, WIRE_PIECE), 2);
	strangers_close(&t);
}

TEST(cancels_of_what_was_never_asked_are_harmless)
{
	seed_to(false);
	(void)wire_put_block(&t.at[0].out, WIRE_CANCEL, 1, 0, UNIT);
	strangers_send(&t, 0);
	assert_false(t.at[0].closed);
	strangers_close(&t);
}

TEST(everything_is_fetched_in_blocks_of_16_kib)
{
	uint32_t n = STRANGERS_PIECES * STRANGERS_PIECE / UNIT, k, h;
	struct block asked[1024];
	uint32_t n_asked = 0;

	fetch_from(false);
	for (k = 0; k < n; k++) {
		for (h = 0; h < strangers_n(&t, 0, WIRE_REQUEST); h++)
			asked[n_asked++] =
			    strangers_block(&t, 0, WIRE_REQUEST, h);
		assert_true(k < n_asked);
		assert_int_equal(asked[k].length, UNIT);
		t.now = tick_add(t.now, TICK_MS(1));
		strangers_send_block(&t, 0, asked[k]);
	}
	assert_int_equal(n_asked, n);
	assert_int_equal(t.n_stored, STRANGERS_PIECES);
	assert_int_equal(t.n_finished, 1);
	strangers_close(&t);
}

TEST(a_choke_voids_our_requests_and_an_unchoke_renews_them)
{
	uint32_t n;
	struct block first;

	fetch_from(false);
	n = strangers_n(&t, 0, WIRE_REQUEST);
	assert_true(n > 0);
	first = strangers_block(&t, 0, WIRE_REQUEST, 0);
	say(0, WIRE_CHOKE);
	assert_int_equal(strangers_n(&t, 0, WIRE_REQUEST), 0);
	say(0, WIRE_UNCHOKE);
	assert_int_equal(strangers_n(&t, 0, WIRE_REQUEST), n);
	strangers_send_block(&t, 0, first); /* it was on its way */
	assert_false(t.at[0].closed);
	strangers_close(&t);
}

TEST(a_fast_client_answers_every_request_even_when_it_chokes)
{
	struct block asked[512];
	uint32_t n, k;

	fetch_from(true);
	n = strangers_n(&t, 0, WIRE_REQUEST);
	for (k = 0; k < n; k++)
		asked[k] = strangers_block(&t, 0, WIRE_REQUEST, k);
	(void)wire_put_plain(&t.at[0].out, WIRE_CHOKE);
	for (k = 1; k < n; k++)
		(void)wire_put_block(&t.at[0].out, WIRE_REJECT, asked[k].piece,
		    asked[k].begin, asked[k].length);
	strangers_send(&t, 0);
	strangers_send_block(&t, 0, asked[0]);
	say(0, WIRE_UNCHOKE);
	assert_int_equal(strangers_n(&t, 0, WIRE_REQUEST), n);
	strangers_close(&t);
}

TEST(what_was_rejected_without_a_choke_is_asked_again_after_a_while)
{
	struct block b;
	uint32_t n, k;

	fetch_from(true);
	n = strangers_n(&t, 0, WIRE_REQUEST);
	for (k = 0; k < n; k++) {
		b = strangers_block(&t, 0, WIRE_REQUEST, k);
		(void)wire_put_block(
		    &t.at[0].out, WIRE_REJECT, b.piece, b.begin, b.length);
	}
	strangers_send(&t, 0);
	assert_int_equal(strangers_n(&t, 0, WIRE_REQUEST), 0);
	strangers_wait(&t, 1000);
	assert_int_equal(strangers_n(&t, 0, WIRE_REQUEST), n);
	strangers_close(&t);
}

/* Answers all requests i has heard, and those it hears meanwhile. */
static void
answer(unsigned i)
{
	struct block asked[512];
	uint32_t n = 0, k, h;

	for (k = 0; k == 0 || k <= n; k++) {
		for (h = 0; h < strangers_n(&t, i, WIRE_REQUEST); h++)
			asked[n++] = strangers_block(&t, i, WIRE_REQUEST, h);
		t.at[i].n_heard = 0;
		if (k < n)
			strangers_send_block(&t, i, asked[k]);
	}
}

TEST(what_a_silent_client_owes_is_asked_of_an_idle_one)
{
	unsigned tries;

	fetch_from(false);
	strangers_meet(&t, 1, false, false);
	(void)wire_put_bitfield(&t.at[1].out, SPAN_LIT("\xff"));
	say(1, WIRE_UNCHOKE);
	for (tries = 0; tries < 4 && t.n_finished == 0; tries++) {
		answer(1);
		strangers_wait(&t, 15000);
	}
	assert_int_equal(t.n_finished, 1);
	strangers_close(&t);
}

/* The tracker cannot be reached. */
static void
fail_announce(void)
{
	assert_int_equal(swarm_on_announce(t.swarm, (struct span){.n = 0},
			     -ECONNREFUSED, t.now),
	    0);
}

TEST(a_dead_tracker_is_told_of_completion_after_growing_pauses)
{
	struct announce_answer a = {.interval_s = 60, .compact = true};
	uint32_t n;

	fetch_from(true);
	strangers_wait(&t, 50);
	strangers_answer(&t, &a);
	answer(0);
	assert_int_equal(t.n_finished, 1);
	strangers_wait(&t, 10);
	assert_int_equal(t.asked.event, ANNOUNCE_COMPLETED);
	n = t.n_asked;
	fail_announce();
	strangers_wait(&t, 900);
	assert_int_equal(t.n_asked, n);
	strangers_wait(&t, 200);
	assert_int_equal(t.n_asked, n + 1);
	assert_int_equal(t.asked.event, ANNOUNCE_COMPLETED);
	fail_announce();
	strangers_wait(&t, 1900);
	assert_int_equal(t.n_asked, n + 1);
	strangers_wait(&t, 200);
	assert_int_equal(t.n_asked, n + 2);
	strangers_close(&t);
}

TEST(pieces_told_by_a_late_bitfield_count)
{
	strangers_open(&t, false, false);
	strangers_meet(&t, 0, true, false);
	say(0, WIRE_HAVE_NONE);
	say(0, WIRE_UNCHOKE);
	assert_int_equal(strangers_n(&t, 0, WIRE_INTERESTED), 0);
	(void)wire_put_bitfield(&t.at[0].out, SPAN_LIT("\x40"));
	strangers_send(&t, 0);
	assert_false(t.at[0].closed);
	assert_int_equal(strangers_n(&t, 0, WIRE_INTERESTED), 1);
	assert_int_equal(strangers_block(&t, 0, WIRE_REQUEST, 0).piece, 1);
	/* Nothing is unsaid by the next one. */
	(void)wire_put_bitfield(&t.at[0].out, SPAN_LIT("\x80"));
	strangers_send(&t, 0);
	assert_int_equal(strangers_n(&t, 0, WIRE_NOT_INTERESTED), 0);
	strangers_close(&t);
}

TEST(a_bitfield_of_another_length_closes)
{
	strangers_open(&t, false, false);
	strangers_meet(&t, 0, true, false);
	(void)wire_put_bitfield(&t.at[0].out, SPAN_LIT("\x40\0"));
	strangers_send(&t, 0);
	assert_true(t.at[0].closed);
	strangers_close(&t);
}

TEST(have_of_no_such_piece_closes)
{
	strangers_open(&t, false, false);
	strangers_meet(&t, 0, false, false);
	(void)wire_put_index(&t.at[0].out, WIRE_HAVE, STRANGERS_PIECES);
	strangers_send(&t, 0);
	assert_true(t.at[0].closed);
	strangers_close(&t);
}

TEST(more_blocks_than_we_ever_asked_for_close)
{
	strangers_open(&t, false, false);
	strangers_meet(&t, 0, false, false);
	(void)wire_put_piece_head(&t.at[0].out, 3, 0, UNIT);
	strangers_send(&t, 0);
	assert_true(t.at[0].closed);
	assert_int_equal(t.n_stored, 0);
	strangers_close(&t);
}

TEST(messages_of_bep_6_from_one_who_did_not_offer_it_close)
{
	strangers_open(&t, false, false);
	strangers_meet(&t, 0, false, false);
	say(0, WIRE_HAVE_ALL);
	assert_true(t.at[0].closed);
	strangers_close(&t);
}

TEST(allowed_fast_port_keepalive_and_unknown_messages_are_passed_over)
{
	strangers_open(&t, true, false);
	strangers_meet(&t, 0, true, false);
	(void)wire_put_index(&t.at[0].out, WIRE_ALLOWED_FAST, 1);
	(void)buf_put_span(&t.at[0].out, SPAN_LIT("\0\0\0\3\x09\x1a\xe1"));
	(void)buf_put_span(&t.at[0].out, SPAN_LIT("\0\0\0\4\x63gar"));
	(void)wire_put_keepalive(&t.at[0].out);
	say(0, WIRE_INTERESTED);
	assert_false(t.at[0].closed);
	assert_int_equal(strangers_n(&t, 0, WIRE_UNCHOKE), 1);
	strangers_close(&t);
}

TEST(a_quiet_client_hears_a_keepalive_and_stays_if_it_answers)
{
	unsigned minute;

	seed_to(false);
	for (minute = 0; minute < 5; minute++) {
		t.at[0].n_heard = 0;
		strangers_wait(&t, 100000);
		assert_false(t.at[0].closed);
		assert_int_equal(strangers_n(&t, 0, WIRE_KEEPALIVE), 1);
		(void)wire_put_keepalive(&t.at[0].out);
		strangers_send(&t, 0);
	}
	strangers_wait(&t, 130000);
	assert_true(t.at[0].closed);
	assert_int_equal(t.at[0].why, CLOSE_IDLE);
	strangers_close(&t);
}

TEST(an_encrypted_handshake_closes)
{
	strangers_open(&t, true, false);
	strangers_meet(&t, 0, false, false);
	(void)swarm_on_accept(t.swarm, &t.dialled, &t.at[1].peer, t.now);
	memset(buf_grow(&t.at[1].out, 300), 0x90, 300);
	strangers_send(&t, 1);
	assert_true(t.at[1].closed);
	strangers_close(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plain_client_hears_handshake_and_bitfield_only),
	    cmocka_unit_test(a_fast_client_hears_have_all_or_have_none),
	    cmocka_unit_test(who_is_interested_is_unchoked_once),
	    cmocka_unit_test(requests_up_to_128_kib_are_served),
	    cmocka_unit_test(requests_above_128_kib_close),
	    cmocka_unit_test(requests_across_the_end_of_a_piece_close),
	    cmocka_unit_test(
		requests_of_the_choked_are_rejected_if_fast_and_else_dropped),
	    cmocka_unit_test(a_flood_of_requests_is_rejected_beyond_the_limit),
	    cmocka_unit_test(what_is_cancelled_before_it_left_is_not_sent),
	    cmocka_unit_test(cancels_of_what_was_never_asked_are_harmless),
	    cmocka_unit_test(everything_is_fetched_in_blocks_of_16_kib),
	    cmocka_unit_test(
		a_choke_voids_our_requests_and_an_unchoke_renews_them),
	    cmocka_unit_test(
		a_fast_client_answers_every_request_even_when_it_chokes),
	    cmocka_unit_test(
		what_was_rejected_without_a_choke_is_asked_again_after_a_while),
	    cmocka_unit_test(what_a_silent_client_owes_is_asked_of_an_idle_one),
	    cmocka_unit_test(
		a_dead_tracker_is_told_of_completion_after_growing_pauses),
	    cmocka_unit_test(pieces_told_by_a_late_bitfield_count),
	    cmocka_unit_test(a_bitfield_of_another_length_closes),
	    cmocka_unit_test(have_of_no_such_piece_closes),
	    cmocka_unit_test(more_blocks_than_we_ever_asked_for_close),
	    cmocka_unit_test(
		messages_of_bep_6_from_one_who_did_not_offer_it_close),
	    cmocka_unit_test(
		allowed_fast_port_keepalive_and_unknown_messages_are_passed_over),
	    cmocka_unit_test(
		a_quiet_client_hears_a_keepalive_and_stays_if_it_answers),
	    cmocka_unit_test(an_encrypted_handshake_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
