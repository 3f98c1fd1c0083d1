/* Racks: labels, who brings what in; and the tracker's hand-out. */
#include "unit.h"

#include "asker.h"
#include "core/rack.h"

TEST(labels_are_printable_short_and_without_blanks)
{
	char longest[LIMIT_RACK_BYTES + 2];

	memset(longest, 'x', sizeof(longest));
	assert_true(rack_label_ok(SPAN_LIT("a")));
	assert_true(rack_label_ok(SPAN_LIT("eu/dc1:rack-7~!")));
	assert_true(rack_label_ok((struct span){
	    .p = (const uint8_t *)longest, .n = LIMIT_RACK_BYTES}));
	assert_false(rack_label_ok((struct span){
	    .p = (const uint8_t *)longest, .n = LIMIT_RACK_BYTES + 1}));
	assert_false(rack_label_ok(SPAN_LIT("")));
	assert_false(rack_label_ok(SPAN_LIT("a b")));
	assert_false(rack_label_ok(SPAN_LIT("a\n")));
	assert_false(rack_label_ok(SPAN_LIT("\xc3\xa9")));
	assert_true(rack_of_label(SPAN_LIT("a b")) == RACK_UNKNOWN);
}

TEST(equal_labels_are_one_rack)
{
	assert_true(
	    rack_of_label(SPAN_LIT("a")) == rack_of_label(SPAN_LIT("a")));
	assert_true(
	    rack_of_label(SPAN_LIT("a")) != rack_of_label(SPAN_LIT("b")));
}

TEST(every_member_of_a_rack_brings_in_its_share)
{
	enum { MEMBERS = 8, PIECES = 8000 };
	uint64_t member[MEMBERS];
	uint32_t n[MEMBERS] = {0};

	for (uint8_t i = 0; i < MEMBERS; i++) {
		uint8_t id[20] = "-MU1000-";

		id[19] = i;
		member[i] = rack_member(id);
	}
	for (uint32_t piece = 0; piece < PIECES; piece++) {
		unsigned best = 0;

		for (unsigned i = 1; i < MEMBERS; i++)
			if (rack_weight(member[i], piece) >
			    rack_weight(member[best], piece))
				best = i;
		n[best]++;
	}
	for (unsigned i = 0; i < MEMBERS; i++) /* 1000 +- 6 deviations */
		assert_in_range(n[i], 820, 1180);
}

/* ---- the tracker -------------------------------------------------------- */

/* Number n of rack n % 20. */
static void
come_in_rack(struct asked *a, uint32_t n)
{
	struct announce_query q = asker(n, 5);
	char from[40];

	(void)snprintf(from, sizeof(from), "10.7.%u.%u", n / 200, n % 200);
	(void)snprintf(q.rack, sizeof(q.rack), "rack%u", n % 20);
	q.event = ANNOUNCE_STARTED;
	ask_from(a, &q, from);
}

TEST(the_tracker_hands_out_mates_first)
{
	struct addr mates[LIMIT_NUMWANT];
	struct asked a;
	uint32_t n;

	asked_init(&a, 3);
	for (uint32_t i = 0; i < 400; i++)
		come_in_rack(&a, i);
	come_in_rack(&a, 33);
	n = announce_reply_mates(&a.reply, mates, LIMIT_NUMWANT);
	assert_int_equal(n, 19); /* all of them: 20 to a rack */
	for (uint32_t i = 0; i < n; i++) {
		uint32_t who = mates[i].ip[2] * 200u + mates[i].ip[3];

		assert_int_equal(who % 20, 33 % 20);
		assert_int_not_equal(who, 33);
		assert_true(addr_equal(&mates[i], &a.peers[i]));
	}
	assert_int_equal(a.n_peers, 50);
	for (uint32_t i = 0; i < a.n_peers; i++) /* and each once */
		for (uint32_t k = 0; k < i; k++)
			assert_false(addr_equal(&a.peers[i], &a.peers[k]));
	asked_free(&a);
}

TEST(where_all_are_in_one_rack_or_each_in_its_own_nobody_is_preferred)
{
	struct addr mates[LIMIT_NUMWANT];
	struct announce_query q;
	struct asked a;
	char from[40];

	asked_init(&a, 3);
	for (uint32_t i = 1; i < 100; i++)
		come(&a, i, 5);
	assert_int_equal(a.n_peers, 50);
	assert_int_equal(announce_reply_mates(&a.reply, mates, 200), 0);
	asked_free(&a);
	asked_init(&a, 3);
	for (uint32_t i = 1; i < 100; i++) {
		q = asker(i, 5);
		(void)snprintf(q.rack, sizeof(q.rack), "rack%u", i);
		(void)snprintf(from, sizeof(from), "10.9.%u.1", i);
		ask_from(&a, &q, from);
	}
	assert_int_equal(a.n_peers, 50);
	assert_int_equal(announce_reply_mates(&a.reply, mates, 200), 0);
	asked_free(&a);
}

TEST(who_says_another_label_is_in_another_rack)
{
	struct addr mates[LIMIT_NUMWANT];
	struct asked a;

	asked_init(&a, 3);
	for (uint32_t i = 0; i < 100; i++)
		come_in_rack(&a, i);
	for (uint32_t i = 0; i < 2; i++) {
		struct announce_query q = asker(7, 5);

		(void)snprintf(q.rack, sizeof(q.rack), i == 0 ? "x" : "rack7");
		ask_from(&a, &q, "10.7.0.7");
		assert_int_equal(
		    announce_reply_mates(&a.reply, mates, 200), i == 0 ? 0 : 4);
	}
	say_event(&a, 7, 5, ANNOUNCE_STOPPED);
	asked_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(labels_are_printable_short_and_without_blanks),
	    cmocka_unit_test(equal_labels_are_one_rack),
	    cmocka_unit_test(every_member_of_a_rack_brings_in_its_share),
	    cmocka_unit_test(the_tracker_hands_out_mates_first),
	    cmocka_unit_test(
		where_all_are_in_one_rack_or_each_in_its_own_nobody_is_preferred),
	    cmocka_unit_test(who_says_another_label_is_in_another_rack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
