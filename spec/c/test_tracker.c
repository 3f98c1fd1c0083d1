#include "unit.h"

#include "asker.h"

TEST(peers_of_a_swarm_are_told_of_each_other_and_not_of_themselves)
{
	struct addr one = asker_addr(1), two = asker_addr(2);
	struct asked a;

	asked_init(&a, 1);
	come(&a, 1, 0);
	assert_int_equal(a.n_peers, 0);
	assert_int_equal(a.reply.complete, 1);
	assert_int_equal(a.reply.incomplete, 0);
	assert_int_equal(a.reply.interval_s, 15);
	assert_int_equal(a.reply.min_interval_s, 1);
	assert_true(addr_same_host(&a.reply.external, &one));
	come(&a, 2, 7);
	assert_int_equal(a.n_peers, 1);
	assert_true(was_given(&a, &one));
	assert_int_equal(a.reply.incomplete, 1);
	come(&a, 1, 0);
	assert_int_equal(a.n_peers, 1);
	assert_true(was_given(&a, &two));
	asked_free(&a);
}

TEST(torrents_do_not_mix)
{
	struct announce_query q = asker(1, 5);
	struct asked a;

	asked_init(&a, 1);
	come(&a, 2, 5);
	memset(q.info_hash, 'U', 20);
	ask(&a, &q, 1);
	assert_int_equal(a.n_peers, 0);
	assert_int_equal(a.reply.incomplete, 1);
	asked_free(&a);
}

TEST(one_that_starts_again_replaces_itself)
{
	struct announce_query q = asker(99, 5);
	struct asked a;

	asked_init(&a, 1);
	come(&a, 1, 5);
	ask(&a, &q, 1); /* another peer id from the same address and port */
	assert_int_equal(a.reply.incomplete, 1);
	assert_int_equal(a.n_peers, 0);
	q.port = 7000; /* another port is another peer */
	memset(q.peer_id, 'x', 20);
	ask(&a, &q, 1);
	assert_int_equal(a.reply.incomplete, 2);
	assert_int_equal(a.n_peers, 1);
	asked_free(&a);
}

TEST(stopped_removes_and_is_answered_without_peers)
{
	struct asked a;

	asked_init(&a, 1);
	come(&a, 1, 0);
	come(&a, 2, 5);
	say_event(&a, 1, 0, ANNOUNCE_STOPPED);
	assert_int_equal(a.n_peers, 0);
	assert_int_equal(a.reply.complete, 0);
	assert_int_equal(a.reply.incomplete, 1);
	say_event(&a, 1, 0, ANNOUNCE_STOPPED); /* twice is harmless */
	come(&a, 2, 5);
	assert_int_equal(a.n_peers, 0);
	asked_free(&a);
}

TEST(stopped_of_an_unknown_torrent_makes_none)
{
	struct asked a;

	asked_init(&a, 1);
	say_event(&a, 1, 0, ANNOUNCE_STOPPED);
	assert_int_equal(a.reply.failure.n, 0);
	assert_true(tracker_deadline(a.t).ns == TICK_NEVER.ns);
	asked_free(&a);
}

/* What scrape says of torrent 'T': complete, downloaded, incomplete. */
static void
assert_scrape(struct asked *a, int complete, int downloaded, int incomplete)
{
	struct announce_scrape s = {.n = 1};
	char text[100];

	memset(s.info_hash[0], 'T', 20);
	buf_clear(&a->out);
	assert_int_equal(tracker_scrape(a->t, &s, a->now, &a->out), 0);
	assert_int_equal(buf_put_u8(&a->out, 0), 0);
	(void)snprintf(text, sizeof(text),
	    "d5:filesd20:TTTTTTTTTTTTTTTTTTTTd8:completei%de"
	    "10:downloadedi%de10:incompletei%deeee",
	    complete, downloaded, incomplete);
	assert_string_equal((const char *)a->out.p, text);
}

TEST(completed_counts_once_a_peer)
{
	struct announce_query q = asker(77, 0);
	struct asked a;

	asked_init(&a, 1);
	come(&a, 1, 0);
	come(&a, 2, 5);
	assert_scrape(&a, 1, 0, 1);
	say_event(&a, 2, 0, ANNOUNCE_COMPLETED);
	assert_scrape(&a, 2, 1, 0);
	say_event(&a, 2, 0, ANNOUNCE_COMPLETED);
	say_event(&a, 2, 0, ANNOUNCE_NONE);
	assert_scrape(&a, 2, 1, 0);
	say_event(&a, 3, 0, ANNOUNCE_COMPLETED); /* known before a restart */
	assert_scrape(&a, 3, 2, 0);
	come(&a, 2, 5); /* starts over, under the same name */
	assert_scrape(&a, 2, 2, 1);
	say_event(&a, 2, 0, ANNOUNCE_COMPLETED);
	assert_scrape(&a, 3, 2, 0);
	q.event = ANNOUNCE_COMPLETED;
	ask(&a, &q, 2); /* another client at its place */
	assert_scrape(&a, 3, 3, 0);
	asked_free(&a);
}

TEST(the_silent_are_dropped_after_the_expiry_and_not_before)
{
	struct asked a;
	struct instant start;

	asked_init(&a, 1);
	start = a.now;
	come(&a, 1, 0);
	assert_true(tracker_deadline(a.t).ns == tick_add(start, TICK_S(45)).ns);
	a.now = tick_add(start, TICK_S(30));
	come(&a, 2, 5);
	a.now.ns = tick_add(start, TICK_S(45)).ns - 1;
	come(&a, 2, 5);
	assert_int_equal(a.n_peers, 1);
	a.now = tick_add(start, TICK_S(45));
	come(&a, 2, 5);
	assert_int_equal(a.n_peers, 0);
	assert_scrape(&a, 0, 0, 1);
	assert_true(tracker_deadline(a.t).ns == tick_add(a.now, TICK_S(45)).ns);
	a.now = tick_add(a.now, TICK_S(45));
	tracker_expire(a.t, a.now);
	assert_scrape(&a, 0, 0, 0);
	asked_free(&a);
}

TEST(who_announces_again_lives_on_while_others_expire)
{
	struct addr one = asker_addr(1);
	struct asked a;

	asked_init(&a, 1);
	come(&a, 1, 5);
	come(&a, 2, 5);
	a.now = tick_add(a.now, TICK_S(30));
	come(&a, 1, 5);
	a.now = tick_add(a.now, TICK_S(15));
	come(&a, 3, 5);
	assert_int_equal(a.n_peers, 1);
	assert_true(was_given(&a, &one));
	asked_free(&a);
}

/* How often number 1 is handed out in 2,000 announces to swarms of 100. */
static uint32_t
times_handed_out(struct asked *a)
{
	struct addr one = asker_addr(1);
	uint32_t n_given = 0;

	for (uint32_t n = 2; n <= 100; n++)
		come(a, n, 5);
	for (uint32_t i = 0; i < 2000; i++) {
		come(a, 2 + i % 99, 5);
		n_given += was_given(a, &one);
	}
	return n_given;
}

TEST(who_became_complete_here_is_handed_out_like_a_leecher)
{
	/* 50 of 99: 1,010 of 2,000, and one deviation is 22 */
	struct asked a;

	asked_init(&a, 9);
	come(&a, 1, 5);
	say_event(&a, 1, 0, ANNOUNCE_COMPLETED);
	assert_in_range(times_handed_out(&a), 900, 1120);
	asked_free(&a);
	asked_init(&a, 10);
	say_event(&a, 1, 0, ANNOUNCE_COMPLETED); /* to a tracker restarted */
	assert_in_range(times_handed_out(&a), 900, 1120);
	asked_free(&a);
	asked_init(&a, 11);
	come(&a, 1, 0); /* an origin: 40 of 100 */
	say_event(&a, 1, 0, ANNOUNCE_NONE);
	assert_in_range(times_handed_out(&a), 690, 899);
	asked_free(&a);
}

TEST(a_torrent_without_peers_is_remembered_for_an_hour)
{
	struct announce_scrape all = {.n = 0};
	struct asked a;

	asked_init(&a, 1);
	say_event(&a, 1, 0, ANNOUNCE_COMPLETED);
	say_event(&a, 1, 0, ANNOUNCE_STOPPED);
	assert_true(
	    tracker_deadline(a.t).ns == tick_add(a.now, TICK_S(3600)).ns);
	a.now = tick_add(a.now, TICK_S(3599));
	assert_scrape(&a, 0, 1, 0);
	a.now = tick_add(a.now, TICK_S(1));
	tracker_expire(a.t, a.now);
	buf_clear(&a.out);
	assert_int_equal(tracker_scrape(a.t, &all, a.now, &a.out), 0);
	assert_span(buf_span(&a.out), "d5:filesdee");
	assert_true(tracker_deadline(a.t).ns == TICK_NEVER.ns);
	asked_free(&a);
}

TEST(the_address_is_the_connections_unless_the_peer_says_another)
{
	struct announce_query q = asker(1, 5);
	struct addr said;
	struct asked a;

	asked_init(&a, 1);
	q.has_ip = true;
	assert_int_equal(addr_from_text(&q.ip, SPAN_LIT("192.0.2.7"), 0), 0);
	ask(&a, &q, 1);
	come(&a, 2, 5);
	assert_int_equal(addr_from_text(&said, SPAN_LIT("192.0.2.7"), 6881), 0);
	assert_int_equal(a.n_peers, 1);
	assert_true(was_given(&a, &said));
	q = asker(3, 5);
	q.has_ip = true; /* 0.0.0.0 is no address */
	assert_int_equal(addr_from_text(&q.ip, SPAN_LIT("0.0.0.0"), 0), 0);
	ask(&a, &q, 3);
	come(&a, 2, 5);
	said = asker_addr(3);
	assert_true(was_given(&a, &said));
	asked_free(&a);
}

TEST(a_peer_beside_the_tracker_is_given_to_others_by_the_trackers_address)
{
	struct announce_query seed = asker(1, 0), q = asker(2, 5);
	struct addr outside, inside;
	struct asked a;

	assert_int_equal(
	    addr_from_text(&outside, SPAN_LIT("10.255.0.1"), 6881), 0);
	assert_int_equal(
	    addr_from_text(&inside, SPAN_LIT("127.0.0.1"), 6881), 0);
	asked_init(&a, 1);
	ask_from(&a, &seed, "127.0.0.1");
	ask(&a, &q, 2);
	assert_int_equal(a.n_peers, 1);
	assert_true(was_given(&a, &outside));
	q = asker(3, 5);
	q.port = 7000;
	ask_from(&a, &q, "127.0.0.1");
	assert_int_equal(a.n_peers, 2);
	assert_true(was_given(&a, &inside));
	asked_free(&a);
}

TEST(the_trackers_address_is_needed_while_a_peer_is_beside_it_by_who_is_not)
{
	struct addr far = asker_addr(9), beside;
	struct announce_query q = asker(1, 5);
	struct asked a;

	assert_int_equal(addr_from_text(&beside, SPAN_LIT("::1"), 6881), 0);
	asked_init(&a, 1);
	come(&a, 9, 5);
	assert_false(tracker_needs_to(a.t, &far));
	ask_from(&a, &q, "::1");
	ask_from(&a, &q, "::1"); /* once more is one peer still */
	assert_true(tracker_needs_to(a.t, &far));
	assert_false(tracker_needs_to(a.t, &beside));
	q.event = ANNOUNCE_STOPPED;
	ask_from(&a, &q, "::1");
	assert_false(tracker_needs_to(a.t, &far));
	q = asker(4, 5);
	q.has_ip = true; /* it says so itself */
	assert_int_equal(addr_from_text(&q.ip, SPAN_LIT("127.0.0.5"), 0), 0);
	ask(&a, &q, 4);
	assert_true(tracker_needs_to(a.t, &far));
	a.now = tick_add(a.now, TICK_S(45));
	tracker_expire(a.t, a.now);
	assert_false(tracker_needs_to(a.t, &far));
	asked_free(&a);
}

TEST(both_families_are_given_and_never_ones_own_other_address)
{
	struct announce_query q = asker(1, 5);
	struct asked a;

	asked_init(&a, 1);
	ask(&a, &q, 1);
	ask_from(&a, &q, "fd00::1"); /* the same peer id */
	assert_int_equal(a.reply.incomplete, 2);
	assert_int_equal(a.n_peers, 0);
	come(&a, 2, 5);
	assert_int_equal(a.n_peers, 2);
	assert_int_equal(a.reply.peers.n, 6);
	assert_int_equal(a.reply.peers6.n, 18);
	/* an IPv4 peer through an IPv6 socket is an IPv4 peer */
	ask_from(&a, &q, "::ffff:10.0.0.1");
	assert_int_equal(a.reply.incomplete, 3);
	asked_free(&a);
}

TEST(an_answer_has_as_many_peers_as_wanted)
{
	static const struct {
		uint32_t want, got;
	} cases[] = {{0, 0}, {1, 1}, {30, 30}, {UINT32_MAX, 50}, {200, 200},
	    {201, 200}, {UINT32_MAX - 1, 200}};
	struct asked a;

	asked_init(&a, 1);
	for (uint32_t n = 1; n <= 300; n++)
		come(&a, n, 5);
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct announce_query q = asker(1, 5);

		q.numwant = cases[i].want;
		ask(&a, &q, 1);
		assert_int_equal(a.n_peers, cases[i].got);
		q.compact = false;
		ask(&a, &q, 1);
		assert_true(a.reply.peers_are_dicts);
		assert_int_equal(a.n_peers, cases[i].got);
	}
	asked_free(&a);
}

TEST(seeds_get_leechers_only)
{
	struct addr three = asker_addr(3);
	struct asked a;

	asked_init(&a, 1);
	come(&a, 1, 0);
	come(&a, 3, 5);
	come(&a, 4, 5);
	say_event(&a, 4, 0, ANNOUNCE_COMPLETED);
	assert_int_equal(a.n_peers, 1);
	assert_true(was_given(&a, &three));
	come(&a, 1, 0);
	assert_int_equal(a.n_peers, 1);
	come(&a, 3, 5);
	assert_int_equal(a.n_peers, 2);
	asked_free(&a);
}

TEST(the_seeder_is_given_to_the_first_and_then_rarely)
{
	struct addr seeder = asker_addr(0);
	uint32_t n_given = 0;
	struct asked a;

	asked_init(&a, 8);
	come(&a, 0, 0);
	for (uint32_t n = 1; n <= 5000; n++) {
		come(&a, n, 5);
		n_given += was_given(&a, &seeder);
		if (n < 40)
			assert_int_equal(n_given, n);
	}
	/* 40 and then the sum of 40/n: 40 (1 + ln 125) = 233 */
	assert_in_range(n_given, 160, 310);
	asked_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		peers_of_a_swarm_are_told_of_each_other_and_not_of_themselves),
	    cmocka_unit_test(torrents_do_not_mix),
	    cmocka_unit_test(one_that_starts_again_replaces_itself),
	    cmocka_unit_test(stopped_removes_and_is_answered_without_peers),
	    cmocka_unit_test(stopped_of_an_unknown_torrent_makes_none),
	    cmocka_unit_test(completed_counts_once_a_peer),
	    cmocka_unit_test(
		the_silent_are_dropped_after_the_expiry_and_not_before),
	    cmocka_unit_test(who_announces_again_lives_on_while_others_expire),
	    cmocka_unit_test(
		who_became_complete_here_is_handed_out_like_a_leecher),
	    cmocka_unit_test(a_torrent_without_peers_is_remembered_for_an_hour),
	    cmocka_unit_test(
		the_address_is_the_connections_unless_the_peer_says_another),
	    cmocka_unit_test(
		a_peer_beside_the_tracker_is_given_to_others_by_the_trackers_address),
	    cmocka_unit_test(
		the_trackers_address_is_needed_while_a_peer_is_beside_it_by_who_is_not),
	    cmocka_unit_test(
		both_families_are_given_and_never_ones_own_other_address),
	    cmocka_unit_test(an_answer_has_as_many_peers_as_wanted),
	    cmocka_unit_test(seeds_get_leechers_only),
	    cmocka_unit_test(the_seeder_is_given_to_the_first_and_then_rarely),
	};

	return cmocka_run_group_tests_name("tracker", tests, NULL, NULL);
}
