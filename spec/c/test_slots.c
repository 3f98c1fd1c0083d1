#include "unit.h"

#include "core/slots.h"

static struct slots
set_of(const uint32_t *members, uint32_t n)
{
	struct slots s = {{0}};
	uint32_t i;

	for (i = 0; i < n; i++)
		slots_put(&s, members[i], true);
	return s;
}

TEST(every_member_is_met_once_and_in_order)
{
	static const uint32_t members[] = {0, 1, 31, 63, 64, 65, 127};
	struct slots s = set_of(members, N_OF(members));
	uint32_t i, n = 0;

	for (EACH_SLOT(i, &s))
		assert_int_equal(i, members[n++]);
	assert_int_equal(n, N_OF(members));
	assert_int_equal(slots_n(s), N_OF(members));
}

TEST(who_is_taken_out_on_the_way_is_not_met)
{
	static const uint32_t members[] = {3, 63, 64, 127};
	struct slots s = set_of(members, N_OF(members));
	uint32_t i, n = 0;

	for (EACH_SLOT(i, &s)) {
		n++;
		slots_put(&s, 64, false);
		assert_int_not_equal(i, 64);
	}
	assert_int_equal(n, 3);
	assert_false(slots_has(&s, 64));
	assert_true(slots_has(&s, 127));
}

TEST(nobody_is_met_in_an_empty_set)
{
	struct slots s = {{0}};
	uint32_t i, n = 0;

	for (EACH_SLOT(i, &s))
		n++;
	assert_int_equal(n, 0);
	assert_int_equal(slots_next(&s, LIMIT_PEERS), LIMIT_PEERS);
}

TEST(sets_are_intersected_and_subtracted)
{
	static const uint32_t a[] = {1, 2, 70, 127}, b[] = {2, 3, 127};
	struct slots both = slots_and(set_of(a, 4), set_of(b, 3));
	struct slots rest = slots_without(set_of(a, 4), set_of(b, 3));

	assert_int_equal(slots_n(both), 2);
	assert_true(slots_has(&both, 2) && slots_has(&both, 127));
	assert_int_equal(slots_n(rest), 2);
	assert_true(slots_has(&rest, 1) && slots_has(&rest, 70));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_member_is_met_once_and_in_order),
	    cmocka_unit_test(who_is_taken_out_on_the_way_is_not_met),
	    cmocka_unit_test(nobody_is_met_in_an_empty_set),
	    cmocka_unit_test(sets_are_intersected_and_subtracted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
