#include "unit.h"

#include "asker.h"

TEST(limits_are_refusals_with_a_reason)
{
	struct tracker_config c;
	struct announce_query q = asker(1, 5);
	struct asked a;

	asked_init(&a, 1);
	tracker_free(a.t);
	tracker_config_init(&c);
	c.mem = &a.f.mem;
	c.max_torrents = 2;
	c.max_peers = 3;
	assert_int_equal(tracker_new(&a.t, &c), 0);
	ask(&a, &q, 1);
	memset(q.info_hash, 'U', 20);
	ask(&a, &q, 1);
	memset(q.info_hash, 'V', 20);
	ask(&a, &q, 1);
	assert_span(
	    a.reply.failure, "this tracker has no room for another torrent");
	/* one without peers gives way */
	q.event = ANNOUNCE_STOPPED;
	memset(q.info_hash, 'U', 20);
	ask(&a, &q, 1);
	q.event = ANNOUNCE_STARTED;
	memset(q.info_hash, 'V', 20);
	ask(&a, &q, 1);
	assert_int_equal(a.reply.failure.n, 0);
	come(&a, 2, 5);
	come(&a, 3, 5);
	assert_span(
	    a.reply.failure, "this tracker has no room for another peer");
	come(&a, 2, 5); /* who is there may stay */
	assert_int_equal(a.reply.failure.n, 0);
	asked_free(&a);
}

TEST(scrape_gives_what_was_asked_for_in_order_and_once)
{
	struct announce_scrape s = {.n = 4}, all = {.n = 0};
	struct announce_query q = asker(1, 5);
	struct asked a;

	asked_init(&a, 1);
	for (int c = 'D'; c >= 'A'; c--) {
		memset(q.info_hash, c, 20);
		ask(&a, &q, 1);
	}
	memset(s.info_hash[0], 'C', 20);
	memset(s.info_hash[1], 'Z', 20);
	memset(s.info_hash[2], 'A', 20);
	memset(s.info_hash[3], 'C', 20);
	buf_clear(&a.out);
	assert_int_equal(tracker_scrape(a.t, &s, a.now, &a.out), 0);
#define FILE_OF(c)                                                             \
	"20:" c c c c c c c c c c c c c c c c c c c c                          \
	"d8:completei0e10:downloadedi0e10:incompletei1ee"
	assert_span(
	    buf_span(&a.out), "d5:filesd" FILE_OF("A") FILE_OF("C") "ee");
	buf_clear(&a.out);
	assert_int_equal(tracker_scrape(a.t, &all, a.now, &a.out), 0);
	assert_span(buf_span(&a.out), "d5:filesd" FILE_OF("A") FILE_OF("B")
					  FILE_OF("C") FILE_OF("D") "ee");
	asked_free(&a);
}

TEST(stats_are_json_with_every_peer)
{
	struct announce_query q = asker(1, UINT64_MAX);
	struct asked a;

	asked_init(&a, 1);
	buf_clear(&a.out);
	assert_int_equal(tracker_stats(a.t, a.now, &a.out), 0);
	assert_span(
	    buf_span(&a.out), "{\"uptime\":0,\"announces\":0,\"swarms\":[]}");
	q.downloaded = 3;
	q.uploaded = 4;
	memset(q.peer_id, 0xab, 20);
	ask(&a, &q, 1);
	a.now = tick_add(a.now, TICK_MS(2999));
	memset(q.peer_id, 'b', 20);
	q.left = 0;
	ask_from(&a, &q, "fd00::1");
	memset(q.info_hash, 'U', 20);
	q.event = ANNOUNCE_COMPLETED;
	ask(&a, &q, 1);
	q.event = ANNOUNCE_STOPPED;
	ask(&a, &q, 1);
	buf_clear(&a.out);
	assert_int_equal(tracker_stats(a.t, a.now, &a.out), 0);
	assert_span(buf_span(&a.out),
	    "{\"uptime\":2,\"announces\":4,\"swarms\":[{\"info_hash\":"
	    "\"5454545454545454545454545454545454545454\",\"seeds\":1,"
	    "\"leechers\":1,\"completed\":0,\"peers\":["
	    "{\"address\":\"[fd00::1]:6881\",\"peer_id\":"
	    "\"6262626262626262626262626262626262626262\","
	    "\"left\":0,\"downloaded\":3,\"uploaded\":4,\"last_seen\":0},"
	    "{\"address\":\"10.0.0.1:6881\",\"peer_id\":"
	    "\"abababababababababababababababababababab\","
	    "\"left\":9223372036854775807,\"downloaded\":3,\"uploaded\":4,"
	    "\"last_seen\":2}]},"
	    "{\"info_hash\":\"5555555555555555555555555555555555555555\","
	    "\"seeds\":0,\"leechers\":0,\"completed\":1,\"peers\":[]}]}");
	asked_free(&a);
}

TEST(a_peer_costs_at_most_150_bytes)
{
	/* what malloc adds to a block: 8 bytes, and rounding to 16 */
	enum { N = 25000, PER_BLOCK = 16 };
	struct asked a;
	size_t bytes;

	asked_init(&a, 1);
	for (uint32_t n = 1; n <= N; n++) {
		come(&a, n, 5);
		bytes = a.f.bytes_live + a.f.n_live * PER_BLOCK;
		if (n >= 10000)
			assert_in_range(bytes / n, 100, 150);
	}
	asked_free(&a);
}

TEST(the_memory_of_peers_is_used_again_and_given_back_with_the_last)
{
	enum { N = 3000 };
	struct addr one = asker_addr(1);
	struct asked a;
	size_t before, full;

	asked_init(&a, 1);
	come(&a, 1, 5);
	say_event(&a, 1, 5, ANNOUNCE_STOPPED);
	before = a.f.bytes_live;
	for (uint32_t n = 1; n <= N; n++)
		come(&a, n, 5);
	full = a.f.bytes_live;
	for (uint32_t n = 2; n <= N; n++) {
		say_event(&a, n, 5, ANNOUNCE_STOPPED);
		come(&a, n + N, 5);
		assert_int_equal(a.reply.incomplete, N);
	}
	assert_int_equal(a.f.bytes_live, full);
	for (uint32_t n = N + 2; n < 2 * N; n++)
		say_event(&a, n, 5, ANNOUNCE_STOPPED);
	come(&a, 2 * N, 5); /* the first and the last are left */
	assert_int_equal(a.n_peers, 1);
	assert_true(was_given(&a, &one));
	a.now = tick_add(a.now, TICK_S(45));
	tracker_expire(a.t, a.now);
	/* all but the row of the torrent's leechers */
	assert_in_range(
	    a.f.bytes_live, before, before + (N + N / 8 + 4) * sizeof(void *));
	asked_free(&a);
}

/* A tracker's life, any allocation of which may fail. */
static int
live(const struct mem *mem, void *arg)
{
	struct instant now = {.ns = 1};
	struct tracker_config c;
	struct tracker *t;
	struct buf out;
	int err;

	(void)arg;
	tracker_config_init(&c);
	c.mem = mem;
	err = tracker_new(&t, &c);
	if (err != 0)
		return err;
	buf_init(&out, mem, 1u << 20);
	/* goes on after a failure: what was begun must have been undone */
	for (uint32_t n = 0; n < 600; n++) {
		struct announce_query q = asker(n % 400, n < 400 ? 5 : 0);
		struct tracker_ends ends = {
		    .from = asker_addr(n % 400), .to = asker_addr(999)};
		struct announce_reply r;

		q.info_hash[0] = (uint8_t)(n % 37);
		buf_clear(&out);
		if (tracker_announce(t, &q, &ends, now, &out) != 0) {
			err = ERR_NOMEM;
			continue;
		}
		assert_int_equal(announce_parse_reply(&r, buf_span(&out)), 0);
		if (r.failure.n > 0) {
			assert_span(r.failure, "this tracker is out of memory");
			err = ERR_NOMEM;
		}
	}
	buf_clear(&out);
	if (tracker_stats(t, now, &out) != 0)
		err = ERR_NOMEM;
	tracker_expire(t, tick_add(now, TICK_S(60)));
	buf_free(&out);
	tracker_free(t);
	return err;
}

TEST(no_failed_allocation_breaks_the_tracker)
{
	assert_true(failalloc_each(live, NULL) > 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(limits_are_refusals_with_a_reason),
	    cmocka_unit_test(scrape_gives_what_was_asked_for_in_order_and_once),
	    cmocka_unit_test(stats_are_json_with_every_peer),
	    cmocka_unit_test(a_peer_costs_at_most_150_bytes),
	    cmocka_unit_test(
		the_memory_of_peers_is_used_again_and_given_back_with_the_last),
	    cmocka_unit_test(no_failed_allocation_breaks_the_tracker),
	};

	return cmocka_run_group_tests_name("tracker_limits", tests, NULL, NULL);
}
