#include "unit.h"

#include <arpa/inet.h>

#include "core/addr.h"
#include "core/rng.h"
#include "failalloc.h"

static struct addr
parsed(const char *text, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_from_text(&a, span_str(text), port), 0);
	return a;
}

TEST(text_is_read_and_written_in_the_recommended_form)
{
	static const struct {
		const char *in, *host, *with_port;
	} cases[] = {
	    {"0.0.0.0", "0.0.0.0", "0.0.0.0:80"},
	    {"255.255.255.255", "255.255.255.255", "255.255.255.255:80"},
	    {"10.0.100.9", "10.0.100.9", "10.0.100.9:80"},
	    {"::", "::", "[::]:80"},
	    {"::1", "::1", "[::1]:80"},
	    {"1::", "1::", "[1::]:80"},
	    {"0:0:0:0:0:0:0:1", "::1", "[::1]:80"},
	    {"::ABCD:EF", "::abcd:ef", "[::abcd:ef]:80"},
	    {"1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a",
		"[1:2:3:4:5:6:708:90a]:80"},
	    {"2001:DB8::0001", "2001:db8::1", "[2001:db8::1]:80"},
	    /* RFC 5952 4.2.2: one zero group stays */
	    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1",
		"[2001:db8:0:1:1:1:1:1]:80"},
	    /* 4.2.3: the longest run, the first of equals */
	    {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1", "[2001:0:0:1::1]:80"},
	    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1",
		"[2001:db8::1:0:0:1]:80"},
	    {"64:ff9b::192.0.2.33", "64:ff9b::c000:221",
		"[64:ff9b::c000:221]:80"},
	    {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", "[1:2:3:4:5:6:7:0]:80"},
	    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:80"},
	};

	for (size_t i = 0; i < N_OF(cases); i++) {
		struct addr a = parsed(cases[i].in, 80);
		char text[ADDR_TEXT];

		addr_host_text(&a, text);
		assert_string_equal(text, cases[i].host);
		addr_to_text(&a, text);
		assert_string_equal(text, cases[i].with_port);
	}
}

TEST(what_is_not_an_address_is_refused)
{
	static const char *const cases[] = {"", "1", "1.2.3", "1.2.3.4.5",
	    "1.2.3.256", "1.2.3.1000", "01.2.3.4", "1.2.3.04", "1.2.3.4 ",
	    " 1.2.3.4", "1.2.3.", ".1.2.3", "1..2.3", "+1.2.3.4", "-1.2.3.4",
	    "1.2.3.4:80", "0x1.2.3.4", "localhost", ":", ":::", "1:", ":1",
	    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
	    "::1::", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
	    "12345::", "g::", "::1%lo", "[::1]", "::1.2.3", "::1.2.3.4.5",
	    "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "::01.2.3.4",
	    "1:::2"};
	struct addr a;

	for (size_t i = 0; i < N_OF(cases); i++)
		if (addr_from_text(&a, span_str(cases[i]), 1) != ERR_SYNTAX)
			fail_msg("accepted: %s", cases[i]);
	assert_int_equal(
	    addr_from_text(&a, SPAN_LIT("1.2.3.4\0"), 1), ERR_SYNTAX);
}

/* The C library as the second opinion, over strings near to addresses. */
TEST(text_means_what_inet_pton_says)
{
	static const char alphabet[] = "0012:::..fA9:";
	struct rng r;
	int n_valid = 0;

	rng_seed(&r, 6, 6);
	for (int i = 0; i < 400000; i++) {
		char text[20];
		uint8_t expected[16];
		struct addr a;
		uint32_t n = rng_below(&r, 18);
		int v4, v6, rc;

		for (uint32_t j = 0; j < n; j++)
			text[j] = alphabet[rng_below(&r, sizeof(alphabet) - 1)];
		text[n] = '\0';
		v4 = inet_pton(AF_INET, text, expected);
		v6 = v4 == 1 ? 0 : inet_pton(AF_INET6, text, expected);
		rc = addr_from_text(&a, span_str(text), 1);
		if ((rc == 0) != (v4 == 1 || v6 == 1))
			fail_msg("%s: %d, inet_pton %d %d", text, rc, v4, v6);
		if (rc != 0)
			continue;
		n_valid++;
		if (a.family == ADDR_V4 && v6 == 1)
			assert_memory_equal(expected + 12, a.ip, 4);
		else
			assert_memory_equal(expected, a.ip, v4 == 1 ? 4 : 16);
	}
	assert_true(n_valid > 1000);
}

TEST(random_addresses_are_written_as_inet_ntop_writes_them)
{
	struct rng r;

	rng_seed(&r, 7, 7);
	for (int i = 0; i < 20000; i++) {
		char expected[64], text[ADDR_TEXT];
		struct addr a, b;
		uint8_t ip[16];

		for (size_t j = 0; j < 16; j++)
			ip[j] =
			    rng_below(&r, 3) == 0 ? (uint8_t)rng_u32(&r) : 0;
		ip[0] = 0x20; /* not one that inet_ntop() shows dotted */
		assert_int_equal(
		    addr_from_bytes(&a, (struct span){ip, 16}, 9), 0);
		assert_non_null(
		    inet_ntop(AF_INET6, ip, expected, sizeof(expected)));
		addr_host_text(&a, text);
		assert_string_equal(text, expected);
		b = parsed(text, 9);
		assert_true(addr_equal(&a, &b));
	}
}

TEST(a_mapped_ipv6_address_is_the_ipv4_one)
{
	static const uint8_t mapped[16] = {
	    [10] = 0xff, [11] = 0xff, 1, 2, 3, 4};
	struct addr a, b = parsed("1.2.3.4", 5),
		       c = parsed("::ffff:1.2.3.4", 5);

	assert_int_equal(addr_from_bytes(&a, (struct span){mapped, 16}, 5), 0);
	assert_int_equal(a.family, ADDR_V4);
	assert_true(addr_equal(&a, &b));
	assert_true(addr_equal(&a, &c));
}

TEST(addresses_differ_by_port_host_and_family)
{
	struct addr a = parsed("1.2.3.4", 5), port = parsed("1.2.3.4", 6),
		    host = parsed("1.2.3.5", 5), v6 = parsed("102:304::", 5);

	assert_true(addr_same_host(&a, &port));
	assert_false(addr_equal(&a, &port));
	assert_false(addr_same_host(&a, &host));
	assert_false(addr_equal(&a, &host));
	assert_false(addr_same_host(&a, &v6));
}

TEST(bytes_of_any_other_length_are_no_address)
{
	static const uint8_t bytes[20];
	struct addr a;

	for (size_t n = 0; n <= sizeof(bytes); n++)
		assert_int_equal(
		    addr_from_bytes(&a, (struct span){bytes, n}, 1),
		    n == 4 || n == 16 ? 0 : ERR_RANGE);
}

TEST(the_compact_form_comes_back_as_it_went)
{
	struct addr a = parsed("1.2.3.4", 0x1a2b), b = parsed("fe80::9", 65535);
	struct failalloc f;
	struct buf out;
	struct span in;
	struct addr got;

	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 24);
	assert_int_equal(addr_put_compact(&out, &a), 0);
	assert_span(buf_span(&out), "\1\2\3\4\x1a\x2b");
	assert_int_equal(addr_put_compact(&out, &b), 0);
	in = buf_span(&out);
	assert_int_equal(in.n, 24);
	assert_int_equal(addr_take_compact(&in, ADDR_V4, &got), 0);
	assert_true(addr_equal(&got, &a));
	assert_int_equal(addr_take_compact(&in, ADDR_V6, &got), 0);
	assert_true(addr_equal(&got, &b));
	assert_int_equal(in.n, 0);
	buf_free(&out);
	failalloc_check(&f);
}

TEST(half_a_compact_address_is_left_where_it_is)
{
	static const uint8_t bytes[18];
	struct addr a;

	for (size_t n = 0; n < 18; n++) {
		struct span in = {bytes, n};

		assert_int_equal(
		    addr_take_compact(&in, ADDR_V6, &a), ERR_TRUNCATED);
		assert_int_equal(in.n, n);
		if (n < 6)
			assert_int_equal(
			    addr_take_compact(&in, ADDR_V4, &a), ERR_TRUNCATED);
		assert_int_equal(in.n, n);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_is_read_and_written_in_the_recommended_form),
	    cmocka_unit_test(what_is_not_an_address_is_refused),
	    cmocka_unit_test(text_means_what_inet_pton_says),
	    cmocka_unit_test(
		random_addresses_are_written_as_inet_ntop_writes_them),
	    cmocka_unit_test(a_mapped_ipv6_address_is_the_ipv4_one),
	    cmocka_unit_test(addresses_differ_by_port_host_and_family),
	    cmocka_unit_test(bytes_of_any_other_length_are_no_address),
	    cmocka_unit_test(the_compact_form_comes_back_as_it_went),
	    cmocka_unit_test(half_a_compact_address_is_left_where_it_is),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
