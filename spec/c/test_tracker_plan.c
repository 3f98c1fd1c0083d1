#include "asker.h"
#include "unit.h"

#define N 30u

/* Announces as a host that takes part, and complains of these stripes. */
static uint32_t
take_part(struct asked *a, uint32_t n, uint64_t left, stripes_t lost,
    struct announce_link link[ANNOUNCE_LINKS])
{
	struct announce_query q = asker(n, left);

	q.striped = true;
	q.lost = lost;
	ask(a, &q, n);
	return announce_reply_links(&a->reply, link);
}

/* Whether an answer to host `to` names host `of` for that stripe. */
static bool
is_linked(struct asked *a, uint32_t to, uint32_t of, uint8_t stripe, bool down)
{
	struct announce_link link[ANNOUNCE_LINKS];
	uint32_t i, n = take_part(a, to, to == 0 ? 0 : 1, 0, link);
	struct addr addr = asker_addr(of);

	for (i = 0; i < n; i++)
		if (link[i].stripe == stripe && link[i].down == down &&
		    addr_equal(&link[i].addr, &addr))
			return true;
	return false;
}

static void
fill(struct asked *a)
{
	struct announce_link link[ANNOUNCE_LINKS];
	uint32_t i;

	asked_init(a, 1);
	for (i = 0; i <= N; i++)
		(void)take_part(a, i, i == 0 ? 0 : 1, 0, link);
}

static uint32_t
number_of(const struct addr *addr)
{
	uint32_t i;
	struct addr of;

	for (i = 0; i <= N; i++) {
		of = asker_addr(i);
		if (addr_equal(&of, addr))
			return i;
	}
	return UINT32_MAX;
}

TEST(both_ends_of_a_link_are_told_of_it_and_each_gets_every_stripe)
{
	struct announce_link link[ANNOUNCE_LINKS];
	struct asked a;
	uint32_t i, k, n, n_up;

	fill(&a);
	for (i = 1; i <= N; i++) {
		n = take_part(&a, i, 1, 0, link);
		for (k = n_up = 0; k < n; k++) {
			n_up += !link[k].down;
			assert_true(is_linked(&a, number_of(&link[k].addr), i,
			    link[k].stripe, !link[k].down));
		}
		assert_int_equal(n_up, STRIPES);
	}
	asked_free(&a);
}

TEST(who_does_not_ask_for_it_or_has_a_rack_gets_no_links)
{
	struct announce_link link[ANNOUNCE_LINKS];
	struct announce_query q = asker(N + 1, 1);
	struct asked a;

	fill(&a);
	ask(&a, &q, N + 1);
	assert_int_equal(announce_reply_links(&a.reply, link), 0);
	q.striped = true;
	memcpy(q.rack, "r1", 3);
	ask(&a, &q, N + 1);
	assert_int_equal(announce_reply_links(&a.reply, link), 0);
	asked_free(&a);
}

TEST(of_who_stopped_nobody_is_told_and_who_complains_has_another)
{
	struct announce_link link[ANNOUNCE_LINKS];
	struct announce_query q = asker(1, 1);
	struct addr gone = asker_addr(1);
	struct asked a;
	uint32_t i, k, n;

	fill(&a);
	q.event = ANNOUNCE_STOPPED;
	ask(&a, &q, 1);
	for (i = 2; i <= N; i++) {
		n = take_part(&a, i, 1, STRIPES_ALL, link);
		assert_true(n > 0);
		for (k = 0; k < n; k++)
			assert_false(addr_equal(&link[k].addr, &gone));
	}
	asked_free(&a);
}

/* Host n says that it cannot get rid of what it sends to the one at `to`. */
static void
accuse(struct asked *a, uint32_t n, const struct addr *to)
{
	struct announce_query q = asker(n, n == 0 ? 0 : 1);

	q.striped = true;
	q.has_stuck = true;
	q.stuck = *to;
	ask(a, &q, n);
}

TEST(whom_two_senders_call_stuck_leaves_the_trees)
{
	struct announce_link link[ANNOUNCE_LINKS], after[ANNOUNCE_LINKS];
	uint32_t from[2] = {0, 0}, i, k, n, n_from = 0;
	struct addr it = asker_addr(3), stranger = asker_addr(29);
	struct asked a;

	fill(&a);
	n = take_part(&a, 3, 1, 0, link);
	for (i = 0; i < n && n_from < 2; i++)
		if (!link[i].down &&
		    (n_from == 0 || number_of(&link[i].addr) != from[0]))
			from[n_from++] = number_of(&link[i].addr);
	assert_int_equal(n_from, 2);
	accuse(&a, from[0], &it);
	accuse(&a, from[0], &it);
	accuse(&a, from[0], &stranger); /* perhaps nobody it sends to */
	assert_true(is_linked(&a, from[1], 3, link[0].stripe, true) ||
		    is_linked(&a, from[0], 3, link[0].stripe, true));
	accuse(&a, from[1], &it);
	for (i = 0; i <= N; i++) {
		if (i == 3)
			continue;
		n = take_part(&a, i, i == 0 ? 0 : 1, 0, after);
		for (k = 0; k < n; k++)
			assert_false(addr_equal(&after[k].addr, &it));
	}
	asked_free(&a);
}

TEST(who_says_that_a_stripe_is_late_gets_it_from_somebody_else)
{
	struct announce_link link[ANNOUNCE_LINKS], after[ANNOUNCE_LINKS];
	struct announce_query q = asker(3, 1);
	struct addr seeder = asker_addr(0);
	uint32_t i, n, before;
	struct asked a;

	fill(&a);
	n = take_part(&a, 3, 1, 0, link);
	for (i = 0; link[i].down || addr_equal(&link[i].addr, &seeder);)
		assert_true(++i < n);
	before = number_of(&link[i].addr);
	q.striped = true;
	q.behind = stripe_bit(link[i].stripe);
	ask(&a, &q, 3);
	assert_false(is_linked(&a, before, 3, link[i].stripe, true));
	assert_true(take_part(&a, 3, 1, 0, after) > 0);
	assert_false(is_linked(&a, 3, before, link[i].stripe, false));
	asked_free(&a);
}

/* What the tracker reads of that URL of http://t/announce. */
static void
read_back(const struct buf *url, struct announce_query *got)
{
	struct span text = buf_span(url);
	const char *key;

	text.p += 18;
	text.n -= 18;
	assert_int_equal(announce_parse_query(got, text, &key), 0);
}

TEST(who_is_stuck_is_said_by_its_address_and_anything_else_is_none)
{
	static const char *const none[] = {"", "abc", "%01%02%03%04%05%06%07"};
	struct announce_query q = asker(1, 1), got;
	struct failalloc f;
	struct buf out;
	uint32_t i;

	q.striped = true;
	q.has_stuck = true;
	q.stuck = asker_addr(7);
	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 1000);
	assert_int_equal(
	    announce_put_url(&out, SPAN_LIT("http://t/announce"), &q), 0);
	read_back(&out, &got);
	assert_true(got.has_stuck);
	assert_true(addr_equal(&got.stuck, &q.stuck));
	for (i = 0; i < N_OF(none); i++) {
		assert_int_equal(buf_put_str(&out, "&murder_stuck="), 0);
		assert_int_equal(buf_put_str(&out, none[i]), 0);
		read_back(&out, &got);
		assert_false(got.has_stuck);
	}
	buf_free(&out);
}

TEST(a_query_says_what_is_lost_or_late_and_bits_beyond_are_cut)
{
	struct announce_query q = asker(1, 1), got;
	struct failalloc f;
	struct buf out;

	q.striped = true;
	q.lost = 5;
	q.behind = 10;
	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 1000);
	assert_int_equal(
	    announce_put_url(&out, SPAN_LIT("http://t/announce"), &q), 0);
	read_back(&out, &got);
	assert_true(got.striped);
	assert_int_equal(got.lost, 5);
	assert_int_equal(got.behind, 10);
	assert_int_equal(buf_put_str(&out, "&murder_stripes=4095"), 0);
	read_back(&out, &got);
	assert_int_equal(got.lost, STRIPES_ALL);
	assert_int_equal(got.behind, STRIPES_ALL);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		both_ends_of_a_link_are_told_of_it_and_each_gets_every_stripe),
	    cmocka_unit_test(
		who_does_not_ask_for_it_or_has_a_rack_gets_no_links),
	    cmocka_unit_test(
		of_who_stopped_nobody_is_told_and_who_complains_has_another),
	    cmocka_unit_test(whom_two_senders_call_stuck_leaves_the_trees),
	    cmocka_unit_test(
		who_says_that_a_stripe_is_late_gets_it_from_somebody_else),
	    cmocka_unit_test(
		who_is_stuck_is_said_by_its_address_and_anything_else_is_none),
	    cmocka_unit_test(
		a_query_says_what_is_lost_or_late_and_bits_beyond_are_cut),
	};

	return cmocka_run_group_tests_name("tracker_plan", tests, NULL, NULL);
}
