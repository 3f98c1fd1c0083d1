#include "unit.h"

#include "core/metainfo.h"
#include "failalloc.h"
#include "samples.h"

/* The spec that gives TORRENT. */
static struct metainfo_spec
good(void)
{
	return (struct metainfo_spec){
	    .announce = SPAN_LIT(URL),
	    .name = SPAN_LIT("a.tgz"),
	    .pieces = SPAN_LIT(HASH),
	    .length = 5,
	    .piece_length = 262144,
	};
}

static int
build(const struct mem *mem, void *arg)
{
	struct metainfo_spec spec = good();
	struct buf out;
	int rc;

	(void)arg;
	spec.created_by = SPAN_LIT("murder 1.0");
	spec.is_private = true;
	buf_init(&out, mem, LIMIT_TORRENT_BYTES);
	rc = metainfo_build(&out, &spec);
	if (rc == 0)
		assert_span(buf_span(&out),
		    "d" ANNOUNCE "10:created by10:murder 1.0"
		    "4:infod6:lengthi5e" NAME SIZE "6:pieces20:" HASH
		    "7:privatei1eee");
	buf_free(&out);
	return rc;
}

TEST(a_torrent_is_built_in_canonical_form_or_not_at_all)
{
	assert_true(failalloc_each(build, NULL) >= 2);
}

TEST(a_plain_torrent_has_nothing_it_does_not_need)
{
	const struct metainfo_spec spec = good();
	struct failalloc f;
	struct buf out;

	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 1000);
	assert_int_equal(metainfo_build(&out, &spec), 0);
	assert_span(buf_span(&out), TORRENT);
	buf_free(&out);
	failalloc_check(&f);
}

TEST(further_trackers_make_a_tier_each)
{
	const struct span more[2] = {SPAN_LIT("b:/"), SPAN_LIT("c:/")};
	struct metainfo_spec spec = good();
	struct failalloc f;
	struct metainfo m;
	struct buf out;
	const char *key;

	spec.more_trackers = more;
	spec.n_more_trackers = 2;
	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 1000);
	assert_int_equal(metainfo_build(&out, &spec), 0);
	assert_int_equal(metainfo_parse(&m, buf_span(&out), &key), 0);
	assert_int_equal(m.n_trackers, 3);
	assert_span(m.trackers[0].url, URL);
	assert_span(m.trackers[1].url, "b:/");
	assert_int_equal(m.trackers[1].tier, 1);
	assert_span(m.trackers[2].url, "c:/");
	assert_int_equal(m.trackers[2].tier, 2);
	buf_free(&out);
	failalloc_check(&f);
}

TEST(a_built_torrent_of_many_pieces_is_read_back)
{
	static uint8_t hashes[3000 * SHA1_BYTES];
	struct metainfo_spec spec = good();
	struct failalloc f;
	struct metainfo m;
	struct buf out;
	const char *key;

	for (size_t i = 0; i < sizeof(hashes); i++)
		hashes[i] = (uint8_t)(i * 7);
	spec.pieces = (struct span){hashes, sizeof(hashes)};
	spec.length = UINT64_C(3000) * 262144 - 1;
	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, LIMIT_TORRENT_BYTES);
	assert_int_equal(metainfo_build(&out, &spec), 0);
	assert_int_equal(metainfo_parse(&m, buf_span(&out), &key), 0);
	assert_true(m.length == spec.length);
	assert_int_equal(m.n_pieces, 3000);
	assert_true(span_equal(m.pieces, spec.pieces));
	buf_free(&out);
	failalloc_check(&f);
}

TEST(nothing_is_built_that_would_not_be_read)
{
	const struct span more[3][2] = {{SPAN_LIT("a b"), SPAN_LIT("b:/")},
	    {SPAN_LIT("a:/"), SPAN_LIT("b\n/")}, {SPAN_LIT("a:/"), {0}}};
	struct metainfo_spec s[12];
	static const int expected[12] = {ERR_UNSAFE, ERR_UNSAFE, ERR_RANGE,
	    ERR_LENGTH, ERR_LENGTH, ERR_LIMIT, ERR_TYPE, ERR_TYPE, ERR_TYPE,
	    ERR_TYPE, ERR_TYPE, ERR_LIMIT};
	struct failalloc f;

	failalloc_init(&f, 0);
	for (size_t i = 0; i < N_OF(s); i++)
		s[i] = good();
	s[0].name = SPAN_LIT("");
	s[1].name = SPAN_LIT("a/b");
	s[2].piece_length = 100000;
	s[3].pieces.n = 19;
	s[4].length = 0;
	s[5].length = UINT64_MAX;
	s[6].announce = SPAN_LIT("");
	s[7].announce = SPAN_LIT("a\nb");
	for (size_t i = 8; i < 11; i++) {
		s[i].more_trackers = more[i - 8];
		s[i].n_more_trackers = 2;
	}
	s[11].n_more_trackers = LIMIT_TRACKERS; /* counted, not read */
	for (size_t i = 0; i < N_OF(s); i++) {
		struct buf out;

		buf_init(&out, &f.mem, 1000);
		assert_int_equal(metainfo_build(&out, &s[i]), expected[i]);
		assert_int_equal(out.n, 0);
		buf_free(&out);
	}
	failalloc_check(&f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_torrent_is_built_in_canonical_form_or_not_at_all),
	    cmocka_unit_test(a_plain_torrent_has_nothing_it_does_not_need),
	    cmocka_unit_test(further_trackers_make_a_tier_each),
	    cmocka_unit_test(a_built_torrent_of_many_pieces_is_read_back),
	    cmocka_unit_test(nothing_is_built_that_would_not_be_read),
	};

	return cmocka_run_group_tests_name("metainfo_build", tests, NULL, NULL);
}
