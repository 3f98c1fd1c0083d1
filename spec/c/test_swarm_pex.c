/* PEX (BEP 11): what neighbours are told, and what is taken from them. */
#include "unit.h"

#include "strangers.h"

#define THEIR_PEX 7

static struct strangers t;

/* Stranger i connects and offers PEX, listening on this port. */
static void
meet(unsigned i, uint16_t port)
{
	struct wire_ext_handshake h = {.id_pex = THEIR_PEX, .port = port};

	strangers_greet(&t, i, &h);
}

/* How many IPv4 addresses the last message to i tells of, if it was PEX. */
static size_t
told(unsigned i)
{
	struct wire_pex m;
	uint32_t k;

	for (k = 0; k < t.at[i].n_heard; k++)
		if (t.at[i].heard[k].kind == WIRE_EXTENDED &&
		    t.at[i].heard[k].ext_id == THEIR_PEX)
			break;
	if (k == t.at[i].n_heard)
		return 0;
	assert_int_equal(wire_pex_parse(&m, buf_span(&t.at[i].extended)), 0);
	return m.added.n / 6;
}

/* i tells of these addresses, 6 bytes each. */
static void
tell(unsigned i, struct span added)
{
	struct wire_pex m = {.added = added};
	struct buf body;

	buf_init(&body, &t.heap.mem, 1 << 16);
	assert_int_equal(wire_pex_build(&body, &m), 0);
	(void)wire_put_extended(&t.at[i].out, WIRE_EXT_PEX, buf_span(&body));
	buf_free(&body);
	strangers_send(&t, i);
}

static uint32_t
n_known(void)
{
	struct swarm_stats st;

	swarm_stats(t.swarm, &st);
	return st.n_known;
}

static bool
is_offered(bool is_private)
{
	struct wire_ext_handshake h;
	bool offered;

	strangers_open(&t, false, is_private);
	strangers_meet(&t, 0, true, true);
	assert_int_equal(wire_ext_parse(&h, buf_span(&t.at[0].extended)), 0);
	offered = h.id_pex == WIRE_EXT_PEX;
	strangers_close(&t);
	return offered;
}

TEST(it_is_offered_unless_the_torrent_is_private)
{
	assert_true(is_offered(false));
	assert_false(is_offered(true));
}

TEST(a_newcomer_is_told_of_those_who_listen)
{
	struct wire_pex m;

	strangers_open(&t, true, false);
	meet(0, 6001);
	assert_int_equal(told(0), 0);
	strangers_meet(&t, 1, true, true); /* does not say where it listens */
	meet(2, 6003);
	assert_int_equal(told(2), 1);
	assert_int_equal(wire_pex_parse(&m, buf_span(&t.at[2].extended)), 0);
	assert_memory_equal(m.added.p, "\x0a\0\0\1\x17\x71", 6);
	strangers_close(&t);
}

TEST(the_complete_are_not_told_of)
{
	strangers_open(&t, false, false);
	meet(0, 6001);
	(void)wire_put_plain(&t.at[0].out, WIRE_HAVE_ALL);
	strangers_send(&t, 0);
	meet(1, 6002);
	assert_int_equal(told(1), 0);
	strangers_close(&t);
}

TEST(who_was_told_is_told_again_of_the_new_only_after_a_minute)
{
	strangers_open(&t, true, false);
	meet(0, 6001);
	meet(1, 6002);
	strangers_wait(&t, 6000);
	assert_int_equal(told(0), 1);
	meet(2, 6003);
	t.at[0].n_heard = 0;
	strangers_wait(&t, 50000);
	assert_int_equal(told(0), 0);
	strangers_wait(&t, 20000);
	assert_int_equal(told(0), 1);
	strangers_close(&t);
}

TEST(nobody_is_told_in_a_private_torrent)
{
	strangers_open(&t, true, true);
	meet(0, 6001);
	meet(1, 6002);
	strangers_wait(&t, 70000);
	assert_int_equal(told(0) + told(1), 0);
	strangers_close(&t);
}

TEST(addresses_told_are_dialled_unless_the_torrent_is_private)
{
	unsigned is_private;

	for (is_private = 0; is_private < 2; is_private++) {
		strangers_open(&t, false, is_private == 1);
		meet(0, 6001);
		tell(0, SPAN_LIT("\x0a\1\0\1\x1a\xe1"));
		assert_int_equal(t.n_dialled, 1 - is_private);
		if (t.n_dialled == 1)
			assert_int_equal(t.dialled.port, 6881);
		strangers_close(&t);
	}
}

TEST(a_complete_swarm_takes_none)
{
	strangers_open(&t, true, false);
	meet(0, 6001);
	tell(0, SPAN_LIT("\x0a\1\0\1\x1a\xe1"));
	assert_int_equal(n_known(), 1);
	strangers_close(&t);
}

TEST(addresses_of_nobody_everybody_and_this_machine_are_passed_over)
{
	strangers_open(&t, false, false);
	meet(0, 6001);
	tell(0, SPAN_LIT("\0\0\0\0\x1a\xe1"
			 "\xe0\0\0\1\x1a\xe1"
			 "\xff\xff\xff\xff\x1a\xe1"
			 "\x7f\0\0\1\x1a\xe1"
			 "\x0a\1\0\1\0\0"));
	assert_int_equal(n_known(), 1);
	assert_int_equal(t.n_dialled, 0);
	strangers_close(&t);
}

TEST(fifty_are_taken_at_once_and_no_more_for_half_a_minute)
{
	uint8_t list[6 * 200] = {0};
	struct span added = {list, sizeof(list)};
	unsigned i;

	for (i = 0; i < 200; i++) {
		list[6 * i] = 10;
		list[6 * i + 1] = 9;
		list[6 * i + 3] = (uint8_t)(i + 1);
		list[6 * i + 5] = 1;
	}
	strangers_open(&t, false, false);
	meet(0, 6001);
	tell(0, added);
	assert_int_equal(n_known(), 1 + 50);
	list[4] = 99;
	tell(0, added);
	assert_int_equal(n_known(), 1 + 50);
	strangers_wait(&t, 31000);
	tell(0, added);
	assert_int_equal(n_known(), 1 + 51);
	strangers_close(&t);
}

TEST(half_an_address_and_broken_bencode_close)
{
	strangers_open(&t, false, false);
	meet(0, 6001);
	tell(0, SPAN_LIT("\x0a\1\0\1\x1a"));
	assert_true(t.at[0].closed);
	meet(1, 6002);
	(void)wire_put_extended(
	    &t.at[1].out, WIRE_EXT_PEX, SPAN_LIT("d5:added"));
	strangers_send(&t, 1);
	assert_true(t.at[1].closed);
	strangers_close(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_offered_unless_the_torrent_is_private),
	    cmocka_unit_test(a_newcomer_is_told_of_those_who_listen),
	    cmocka_unit_test(the_complete_are_not_told_of),
	    cmocka_unit_test(
		who_was_told_is_told_again_of_the_new_only_after_a_minute),
	    cmocka_unit_test(nobody_is_told_in_a_private_torrent),
	    cmocka_unit_test(
		addresses_told_are_dialled_unless_the_torrent_is_private),
	    cmocka_unit_test(a_complete_swarm_takes_none),
	    cmocka_unit_test(
		addresses_of_nobody_everybody_and_this_machine_are_passed_over),
	    cmocka_unit_test(
		fifty_are_taken_at_once_and_no_more_for_half_a_minute),
	    cmocka_unit_test(half_an_address_and_broken_bencode_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
