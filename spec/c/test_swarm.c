#include "unit.h"

#include "failalloc.h"
#include "core/err.h"
#include "lan.h"

#define MIB (1u << 20)

static struct failalloc heap;

static struct lan_options
options(uint32_t n_hosts, uint64_t length)
{
	return (struct lan_options){.mem = &heap.mem,
	    .n_hosts = n_hosts,
	    .piece_length = 256u << 10,
	    .length = length,
	    .seed = 42,
	    .liar = LAN_HOSTS};
}

static void
run_to_end(struct lan *l)
{
	int err;

	assert_non_null(l);
	assert_true(lan_run(l, 200000, &err));
	assert_int_equal(err, 0);
}

static void
two_hosts_exchange_everything(void **state)
{
	struct lan_options o = options(2, 3 * MIB + 12345);
	struct lan *l = lan_new(&o);
	struct swarm_stats st;

	(void)state;
	run_to_end(l);
	swarm_stats(lan_swarm(l, 1), &st);
	assert_int_equal(st.left, 0);
	assert_int_equal(st.downloaded, o.length);
	assert_int_equal(st.wasted, 0);
	assert_int_equal(lan_payload(l, 0), o.length);
	assert_int_equal(lan_n_finished(l), 1);
	lan_free(l);
}

static void
every_size_of_last_piece_arrives(void **state)
{
	static const uint64_t sizes[] = {
	    1, 16383, 16384, 16385, 262143, 262144, 262145, 524288, 524289};
	struct lan_options o;
	struct lan *l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		o = options(3, sizes[i]);
		l = lan_new(&o);
		run_to_end(l);
		lan_free(l);
	}
}

static void
seeder_sends_little_more_than_one_copy(void **state)
{
	struct lan_options o = options(12, 16 * MIB);
	struct lan *l = lan_new(&o);

	(void)state;
	run_to_end(l);
	/* The network is infinitely fast, so order is all that counts. */
	assert_true(lan_payload(l, 0) < 3 * o.length);
	assert_int_equal(lan_n_finished(l), 11);
	lan_free(l);
}

static void
a_killed_neighbour_is_replaced(void **state)
{
	struct lan_options o = options(6, 8 * MIB);
	struct lan *l = lan_new(&o);
	int err;

	(void)state;
	assert_false(lan_run(l, 60, &err));
	assert_int_equal(err, 0);
	lan_kill(l, 3);
	run_to_end(l);
	lan_free(l);
}

static void
a_liar_is_banned_and_the_rest_finish(void **state)
{
	struct lan_options o = options(6, 8 * MIB);
	struct lan *l;

	(void)state;
	o.liar = 2;
	l = lan_new(&o);
	run_to_end(l);
	assert_true(lan_n_closed(l, CLOSE_BAD_PIECE) > 0);
	lan_free(l);
}

static void
nobody_talks_to_himself_or_twice(void **state)
{
	struct lan_options o = options(5, 1 * MIB);
	struct lan *l = lan_new(&o);
	struct swarm_stats st;
	int err;

	(void)state;
	lan_run(l, 20, &err);
	swarm_stats(lan_swarm(l, 1), &st);
	assert_true(st.n_peers <= 4);
	run_to_end(l);
	lan_free(l);
}

static int
run_with(const struct mem *mem, void *arg)
{
	struct lan_options o = options(3, 1 * MIB);
	struct lan *l;
	int err;

	(void)arg;
	o.mem = mem;
	l = lan_new(&o);
	if (l == NULL)
		return ERR_NOMEM;
	if (lan_run(l, 200000, &err))
		assert_int_equal(err, 0);
	lan_free(l);
	return err;
}

static void
failing_any_allocation_is_an_error_not_a_crash(void **state)
{
	(void)state;
	assert_true(failalloc_each(run_with, NULL) > 50);
}

static uint64_t
between_racks(uint32_t n_racks)
{
	struct lan_options o = options(13, 32 * MIB);
	uint64_t n;
	struct lan *l;

	o.n_racks = n_racks;
	l = lan_new(&o);
	run_to_end(l);
	n = lan_between_racks(l);
	lan_free(l);
	return n;
}

static void
a_piece_comes_into_a_rack_about_once(void **state)
{
	(void)state;
	/* Two racks of six: one copy at most, as the seeder sends some. */
	assert_true(between_racks(2) < 40 * MIB);
	assert_true(between_racks(3) < 80 * MIB);
	assert_true(between_racks(12) > 150 * MIB); /* nobody has a mate */
}

static void
a_rack_goes_on_when_who_brings_it_pieces_is_gone(void **state)
{
	struct lan_options o = options(9, 16 * MIB);
	struct lan *l;
	int err;

	(void)state;
	o.n_racks = 2;
	l = lan_new(&o);
	assert_non_null(l);
	(void)lan_run(l, 300, &err);
	assert_int_equal(err, 0);
	lan_kill(l, 2);
	lan_kill(l, 3);
	run_to_end(l);
	lan_free(l);
}

static int
begin(void **state)
{
	(void)state;
	failalloc_init(&heap, 0);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	failalloc_check(&heap);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		two_hosts_exchange_everything, begin, end),
	    cmocka_unit_test_setup_teardown(
		every_size_of_last_piece_arrives, begin, end),
	    cmocka_unit_test_setup_teardown(
		seeder_sends_little_more_than_one_copy, begin, end),
	    cmocka_unit_test_setup_teardown(
		a_killed_neighbour_is_replaced, begin, end),
	    cmocka_unit_test_setup_teardown(
		a_liar_is_banned_and_the_rest_finish, begin, end),
	    cmocka_unit_test_setup_teardown(
		nobody_talks_to_himself_or_twice, begin, end),
	    cmocka_unit_test_setup_teardown(
		a_piece_comes_into_a_rack_about_once, begin, end),
	    cmocka_unit_test_setup_teardown(
		a_rack_goes_on_when_who_brings_it_pieces_is_gone, begin, end),
	    cmocka_unit_test_setup_teardown(
		failing_any_allocation_is_an_error_not_a_crash, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
