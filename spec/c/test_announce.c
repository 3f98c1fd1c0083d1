#include "unit.h"

#include "core/announce.h"
#include "failalloc.h"

#define HASH "%12%34abcdefghijklmnop%FF%00"
#define BASE "info_hash=" HASH "&peer_id=-MU1000-0123456789ab&port=6881"

static const uint8_t hash[20] = "\x12\x34"
				"abcdefghijklmnop\xff";

static int
parse(const char *query, struct announce_query *q, const char **key)
{
	return announce_parse_query(q, span_str(query), key);
}

TEST(query_with_the_required_keys_gets_defaults_for_the_rest)
{
	struct announce_query q;
	const char *key;

	assert_int_equal(parse(BASE, &q, &key), 0);
	assert_memory_equal(q.info_hash, hash, 20);
	assert_memory_equal(q.peer_id, "-MU1000-0123456789ab", 20);
	assert_int_equal(q.port, 6881);
	assert_int_equal(q.numwant, UINT32_MAX);
	assert_int_equal(q.event, ANNOUNCE_NONE);
	assert_true(q.compact);
	assert_false(q.has_ip);
	assert_false(q.no_peer_id);
}

TEST(every_key_is_read_whatever_the_order)
{
	struct announce_query q;
	const char *key;
	char text[ADDR_TEXT];

	assert_int_equal(parse("event=completed&key=00c0ffee&left=3&compact=0&"
			       "numwant=7&unknown=%zz&uploaded=1&&no_peer_id=1&"
			       "downloaded=18446744073709551615&" BASE
			       "&ip=10.1.2.3&flag&=x",
			     &q, &key),
	    0);
	assert_int_equal(q.event, ANNOUNCE_COMPLETED);
	assert_int_equal(q.key, 0xc0ffee);
	assert_int_equal(q.left, 3);
	assert_false(q.compact);
	assert_int_equal(q.numwant, 7);
	assert_int_equal(q.uploaded, 1);
	assert_true(q.downloaded == UINT64_MAX);
	assert_true(q.no_peer_id);
	assert_true(q.has_ip);
	addr_host_text(&q.ip, text);
	assert_string_equal(text, "10.1.2.3");
}

TEST(a_plus_is_a_byte_and_ipv6_may_be_escaped)
{
	struct announce_query q;
	const char *key;
	char text[ADDR_TEXT];

	assert_int_equal(
	    parse("info_hash=++++++++++%2b%2B++++++++&"
		  "peer_id=aaaaaaaaaaaaaaaaaaaa&port=1&ip=fd00%3A%3a1",
		&q, &key),
	    0);
	assert_memory_equal(q.info_hash, "++++++++++++++++++++", 20);
	addr_host_text(&q.ip, text);
	assert_string_equal(text, "fd00::1");
}

TEST(what_other_clients_say_oddly_is_taken)
{
	struct announce_query q;
	const char *key;

	assert_int_equal(parse(BASE "&numwant=-1&event=paused&key=Zq7&"
				    "ip=myhost.example",
			     &q, &key),
	    0);
	assert_int_equal(q.numwant, UINT32_MAX);
	assert_int_equal(q.event, ANNOUNCE_NONE);
	assert_false(q.has_ip);
	assert_int_equal(parse(BASE "&event=", &q, &key), 0);
	assert_int_equal(q.event, ANNOUNCE_NONE);
	assert_int_equal(parse(BASE "&numwant=99999999999", &q, &key), 0);
	assert_int_equal(q.numwant, UINT32_MAX - 1);
}

TEST(broken_queries_name_the_key_and_the_error)
{
	static const struct {
		const char *query, *key;
		int err;
	} bad[] = {
	    {"", "info_hash", ERR_MISSING},
	    {"info_hash=" HASH, "peer_id", ERR_MISSING},
	    {"info_hash=" HASH "&peer_id=aaaaaaaaaaaaaaaaaaaa", "port",
		ERR_MISSING},
	    {"info_hash=abc", "info_hash", ERR_LENGTH},
	    {"info_hash", "info_hash", ERR_LENGTH},
	    {"info_hash=aaaaaaaaaaaaaaaaaaaaa", "info_hash", ERR_LENGTH},
	    {"info_hash=%4", "info_hash", ERR_SYNTAX},
	    {"info_hash=%", "info_hash", ERR_SYNTAX},
	    {"info_hash=%g0aaaaaaaaaaaaaaaaaaa", "info_hash", ERR_SYNTAX},
	    {"peer_id=%20", "peer_id", ERR_LENGTH},
	    {BASE "&port=0", "port", ERR_RANGE},
	    {BASE "&port=65536", "port", ERR_RANGE},
	    {BASE "&port=", "port", ERR_RANGE},
	    {BASE "&port=80x", "port", ERR_RANGE},
	    {BASE "&port=%38", "port", ERR_RANGE},
	    {BASE "&left=-1", "left", ERR_RANGE},
	    {BASE "&left=18446744073709551616", "left", ERR_RANGE},
	    {BASE "&uploaded=1e9", "uploaded", ERR_RANGE},
	    {BASE "&numwant=many", "numwant", ERR_RANGE},
	    {BASE "&ip=%", "ip", ERR_SYNTAX},
	};

	for (size_t i = 0; i < N_OF(bad); i++) {
		struct announce_query q;
		const char *key = NULL;

		assert_int_equal(parse(bad[i].query, &q, &key), bad[i].err);
		assert_string_equal(key, bad[i].key);
	}
}

TEST(a_query_longer_than_its_limit_is_refused)
{
	static char query[LIMIT_QUERY_BYTES + 2];
	struct announce_scrape s;
	struct announce_query q;
	const char *key;

	memset(query, 'x', sizeof(query) - 1);
	memcpy(query, BASE "&", sizeof(BASE "&") - 1);
	assert_int_equal(parse(query, &q, &key), ERR_LIMIT);
	assert_int_equal(announce_parse_scrape(&s, span_str(query)), ERR_LIMIT);
	query[LIMIT_QUERY_BYTES] = '\0';
	assert_int_equal(parse(query, &q, &key), 0);
}

TEST(what_the_client_writes_the_tracker_reads)
{
	struct announce_query q = {.port = 6881,
	    .uploaded = 5,
	    .downloaded = UINT64_C(1) << 40,
	    .left = 9,
	    .numwant = 30,
	    .key = 0xdeadbeef,
	    .event = ANNOUNCE_STARTED,
	    .has_ip = true,
	    .no_peer_id = true};
	struct announce_query r;
	const char *key;
	struct failalloc f;
	struct buf out;
	struct span s;

	for (unsigned i = 0; i < 20; i++)
		q.info_hash[i] = (uint8_t)(i * 13);
	memset(q.peer_id, '&', 20);
	assert_int_equal(addr_from_text(&q.ip, SPAN_LIT("fd00::1"), 0), 0);
	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 1000);
	assert_int_equal(announce_put_url(&out, SPAN_LIT("http://t/a"), &q), 0);
	s = buf_span(&out);
	assert_memory_equal(s.p, "http://t/a?", 11);
	(void)span_take(&s, 11, &(struct span){0});
	assert_int_equal(announce_parse_query(&r, s, &key), 0);
	assert_memory_equal(&q, &r, sizeof(q));
	buf_free(&out);
	failalloc_check(&f);
}

TEST(a_url_with_a_query_of_its_own_is_continued)
{
	static const struct {
		const char *url, *begins;
	} cases[] = {
	    {"http://t/a", "http://t/a?info_hash="},
	    {"http://t/a?", "http://t/a?info_hash="},
	    {"http://t/a?k=v", "http://t/a?k=v&info_hash="},
	    {"http://t/a?k=v&", "http://t/a?k=v&info_hash="},
	};
	struct announce_query q = {.port = 1};

	for (size_t i = 0; i < N_OF(cases); i++) {
		struct failalloc f;
		struct buf out;

		failalloc_init(&f, 0);
		buf_init(&out, &f.mem, 1000);
		assert_int_equal(
		    announce_put_url(&out, span_str(cases[i].url), &q), 0);
		assert_memory_equal(
		    out.p, cases[i].begins, strlen(cases[i].begins));
		buf_free(&out);
	}
}

TEST(scrape_queries_list_hashes_up_to_the_limit)
{
	static char query[LIMIT_SCRAPE * 32 + 100];
	struct announce_scrape s;

	assert_int_equal(announce_parse_scrape(&s, SPAN_LIT("")), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(announce_parse_scrape(
			     &s, SPAN_LIT("info_hash=" HASH "&x=y&info_hash="
					  "bbbbbbbbbbbbbbbbbbbb")),
	    0);
	assert_int_equal(s.n, 2);
	assert_memory_equal(s.info_hash[0], hash, 20);
	assert_int_equal(
	    announce_parse_scrape(&s, SPAN_LIT("info_hash=a")), ERR_LENGTH);
	assert_int_equal(
	    announce_parse_scrape(&s, SPAN_LIT("info_hash=%x")), ERR_SYNTAX);
	for (unsigned i = 0; i < LIMIT_SCRAPE; i++)
		strcat(query, "info_hash=bbbbbbbbbbbbbbbbbbbb&");
	assert_int_equal(announce_parse_scrape(&s, span_str(query)), 0);
	assert_int_equal(s.n, LIMIT_SCRAPE);
	strcat(query, "info_hash=bbbbbbbbbbbbbbbbbbbb");
	assert_int_equal(announce_parse_scrape(&s, span_str(query)), ERR_LIMIT);
}

/* ---- replies ------------------------------------------------------------- */

static struct announce_peer
peer(const char *host, uint16_t port)
{
	struct announce_peer p = {.peer_id = "pppppppppppppppppppp"};

	assert_int_equal(addr_from_text(&p.addr, span_str(host), port), 0);
	return p;
}

static int
build_two_families(const struct mem *mem, void *arg)
{
	struct announce_peer peers[] = {
	    peer("fd00::2", 2), peer("10.0.0.1", 258), peer("10.0.0.3", 3)};
	struct announce_answer a = {.interval_s = 15,
	    .min_interval_s = 1,
	    .complete = 4,
	    .incomplete = 5,
	    .peers = peers,
	    .n_peers = 3,
	    .compact = true};
	struct buf out;
	int err;

	a.external = peers[1].addr;
	buf_init(&out, mem, 1000);
	err = announce_build_answer(&out, &a);
	if (err == 0 && arg == NULL)
		assert_span(buf_span(&out),
		    "d8:completei4e11:external ip4:\x0a\0\0\x01"
		    "10:incompletei5e8:intervali15e12:min intervali1e"
		    "5:peers12:\x0a\0\0\x01\x01\x02\x0a\0\0\x03\0\x03"
		    "6:peers618:\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\x02"
		    "e");
	buf_free(&out);
	return err;
}

TEST(compact_answers_are_canonical_and_keep_families_apart)
{
	assert_true(failalloc_each(build_two_families, NULL) > 0);
}

TEST(answers_without_ipv6_peers_have_no_peers6)
{
	struct announce_peer one = peer("10.0.0.1", 258);
	struct announce_answer a = {
	    .peers = &one, .n_peers = 1, .compact = true};
	struct failalloc f;
	struct buf out;

	a.external = one.addr;
	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 1000);
	assert_int_equal(announce_build_answer(&out, &a), 0);
	assert_span(buf_span(&out),
	    "d8:completei0e11:external ip4:\x0a\0\0\x01"
	    "10:incompletei0e8:intervali0e12:min intervali0e"
	    "5:peers6:\x0a\0\0\x01\x01\x02"
	    "e");
	buf_free(&out);
}

TEST(answers_in_both_forms_are_read_back)
{
	struct announce_peer peers[] = {
	    peer("10.0.0.1", 258), peer("fd00::2", 2), peer("10.0.0.3", 3)};
	struct announce_answer a = {.interval_s = 15,
	    .min_interval_s = 1,
	    .complete = 4,
	    .incomplete = 5,
	    .external = peers[1].addr,
	    .peers = peers,
	    .n_peers = 3};

	for (unsigned form = 0; form < 3; form++) {
		struct announce_reply r;
		struct addr got[4];
		struct failalloc f;
		struct buf out;

		a.compact = form == 0;
		a.no_peer_id = form == 1;
		failalloc_init(&f, 0);
		buf_init(&out, &f.mem, 1000);
		assert_int_equal(announce_build_answer(&out, &a), 0);
		assert_int_equal(announce_parse_reply(&r, buf_span(&out)), 0);
		assert_int_equal(r.interval_s, 15);
		assert_int_equal(r.min_interval_s, 1);
		assert_int_equal(r.complete, 4);
		assert_int_equal(r.incomplete, 5);
		assert_true(r.has_external);
		assert_true(addr_same_host(&r.external, &peers[1].addr));
		assert_int_equal(r.failure.n, 0);
		assert_int_equal(announce_reply_peers(&r, got, 4), 3);
		assert_true(addr_equal(&got[0], &peers[0].addr));
		assert_true(
		    addr_equal(&got[form == 0 ? 2 : 1], &peers[1].addr));
		assert_int_equal(announce_reply_peers(&r, got, 2), 2);
		assert_int_equal(announce_reply_peers(&r, got, 0), 0);
		buf_free(&out);
		failalloc_check(&f);
	}
}

TEST(a_failure_is_read_back)
{
	struct announce_reply r;
	struct failalloc f;
	struct buf out;

	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 1000);
	assert_int_equal(announce_build_failure(&out, "go away"), 0);
	assert_span(buf_span(&out), "d14:failure reason7:go awaye");
	assert_int_equal(announce_parse_reply(&r, buf_span(&out)), 0);
	assert_span(r.failure, "go away");
	buf_free(&out);
}

TEST(unusable_addresses_of_a_reply_are_left_out)
{
	struct announce_reply r;
	struct addr got[8];

	assert_int_equal(
	    announce_parse_reply(&r, SPAN_LIT("d5:peers14:\x0a\0\0\x01\0\0"
					      "\x0a\0\0\x02\0\x05xxe")),
	    0);
	assert_int_equal(announce_reply_peers(&r, got, 8), 1);
	assert_int_equal(got[0].port, 5);
	assert_int_equal(announce_parse_reply(&r,
			     SPAN_LIT("d5:peersld2:ip9:localhost4:porti5ee"
				      "d2:ip8:10.0.0.24:porti0ee"
				      "d2:ip8:10.0.0.24:porti65536ee"
				      "d2:ip8:10.0.0.24:porti-5ee"
				      "d4:porti5ee"
				      "d2:ip8:10.0.0.24:porti7e1:zl1:aeeee")),
	    0);
	assert_int_equal(announce_reply_peers(&r, got, 8), 1);
	assert_int_equal(got[0].port, 7);
}

TEST(replies_of_other_trackers_are_read_leniently)
{
	struct announce_reply r;

	assert_int_equal(announce_parse_reply(&r,
			     SPAN_LIT("d5:peers0:8:intervali1800e7:unknownd1:a"
				      "li1eee15:warning message3:hey"
				      "11:external ip3:abce\r\n")),
	    0);
	assert_int_equal(r.interval_s, 1800);
	assert_span(r.warning, "hey");
	assert_false(r.has_external);
}

TEST(broken_replies_are_errors)
{
	static const struct {
		const char *body;
		int err;
	} bad[] = {
	    {"", ERR_TRUNCATED},
	    {"<html>", ERR_SYNTAX},
	    {"i1e", ERR_TYPE},
	    {"le", ERR_TYPE},
	    {"d8:intervali1e", ERR_TRUNCATED},
	    {"d8:interval1:xe", ERR_TYPE},
	    {"d8:intervali-1ee", ERR_RANGE},
	    {"d8:intervali4294967296ee", ERR_RANGE},
	    {"d5:peersi1ee", ERR_TYPE},
	    {"d5:peersdee", ERR_TYPE},
	    {"d6:peers6lee", ERR_TYPE},
	    {"d14:failure reasoni1ee", ERR_TYPE},
	    {"d5:peers99:xe", ERR_TRUNCATED},
	    {"d1:allllllllllllllllllllllleeeeeeeeeeeeeeeeeeeeee", ERR_DEPTH},
	};

	for (size_t i = 0; i < N_OF(bad); i++) {
		struct announce_reply r;

		assert_int_equal(
		    announce_parse_reply(&r, span_str(bad[i].body)),
		    bad[i].err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		query_with_the_required_keys_gets_defaults_for_the_rest),
	    cmocka_unit_test(every_key_is_read_whatever_the_order),
	    cmocka_unit_test(a_plus_is_a_byte_and_ipv6_may_be_escaped),
	    cmocka_unit_test(what_other_clients_say_oddly_is_taken),
	    cmocka_unit_test(broken_queries_name_the_key_and_the_error),
	    cmocka_unit_test(a_query_longer_than_its_limit_is_refused),
	    cmocka_unit_test(what_the_client_writes_the_tracker_reads),
	    cmocka_unit_test(a_url_with_a_query_of_its_own_is_continued),
	    cmocka_unit_test(scrape_queries_list_hashes_up_to_the_limit),
	    cmocka_unit_test(
		compact_answers_are_canonical_and_keep_families_apart),
	    cmocka_unit_test(answers_without_ipv6_peers_have_no_peers6),
	    cmocka_unit_test(answers_in_both_forms_are_read_back),
	    cmocka_unit_test(a_failure_is_read_back),
	    cmocka_unit_test(unusable_addresses_of_a_reply_are_left_out),
	    cmocka_unit_test(replies_of_other_trackers_are_read_leniently),
	    cmocka_unit_test(broken_replies_are_errors),
	};

	return cmocka_run_group_tests_name("announce", tests, NULL, NULL);
}
