/* In which rack a host is, by its own address. */
#include "unit.h"

#include "io/own_rack.h"

static const char *
label(const char *ip, unsigned bits)
{
	static char out[LIMIT_RACK_BYTES + 1];
	struct addr a;

	assert_int_equal(addr_from_text(&a, span_str(ip), 0), 0);
	assert_true(own_rack_label(out, &a, bits) == (out[0] != '\0'));
	return out;
}

TEST(the_label_is_the_subnet)
{
	assert_string_equal(label("10.1.2.3", 24), "10.1.2.0/24");
	assert_string_equal(label("10.1.2.250", 24), "10.1.2.0/24");
	assert_string_equal(label("10.1.39.3", 20), "10.1.32.0/20");
	assert_string_equal(label("10.1.2.3", 32), "10.1.2.3/32");
	assert_string_equal(label("fd00:1:2:3:4::9", 64), "fd00:1:2:3::/64");
	assert_string_equal(label("fd00:1:2:3::9", 128), "fd00:1:2:3::9/128");
	assert_string_equal(label("::ffff:10.1.2.3", 24), "10.1.2.0/24");
}

TEST(an_address_of_the_other_family_or_loopback_tells_nothing)
{
	assert_string_equal(label("10.1.2.3", 64), "");
	assert_string_equal(label("fd00::1", 24), "");
	assert_string_equal(label("127.0.1.1", 24), "");
	assert_string_equal(label("::1", 64), "");
}

TEST(the_own_address_is_the_one_that_leads_to_the_tracker)
{
	struct addr a;
	char text[ADDR_TEXT];

	assert_true(own_rack_addr(&a, "http://127.0.0.1:8998/announce"));
	addr_host_text(&a, text);
	assert_string_equal(text, "127.0.0.1");
	assert_true(own_rack_addr(&a, "http://[::1]:8998/announce"));
	addr_host_text(&a, text);
	assert_string_equal(text, "::1");
	assert_false(own_rack_addr(&a, "http://no.such.host.invalid:1/"));
	assert_false(own_rack_addr(&a, "nonsense"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_label_is_the_subnet),
	    cmocka_unit_test(
		an_address_of_the_other_family_or_loopback_tells_nothing),
	    cmocka_unit_test(
		the_own_address_is_the_one_that_leads_to_the_tracker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
