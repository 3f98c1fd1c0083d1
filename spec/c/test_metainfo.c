#include "unit.h"

#include "core/metainfo.h"
#include "failalloc.h"
#include "samples.h"

/* A torrent whose info dictionary is made of these entries. */
#define WITH_INFO(entries) "d" ANNOUNCE "4:infod" entries "ee"

static int
parse(struct metainfo *m, const char *text, const char **key)
{
	return metainfo_parse(m, span_str(text), key);
}

/* The torrent is refused with that code, naming that key (NULL: none). */
static void
refused(const char *text, int expected, const char *expected_key)
{
	struct metainfo m;
	const char *key;
	int rc = parse(&m, text, &key);

	if (rc != expected)
		fail_msg("%d, not %d: %s", rc, expected, text);
	if (expected_key == NULL)
		assert_null(key);
	else
		assert_string_equal(key, expected_key);
}

TEST(a_torrent_gives_its_fields)
{
	struct span in = SPAN_LIT(TORRENT);
	struct metainfo m;
	const char *key;

	assert_int_equal(metainfo_parse(&m, in, &key), 0);
	assert_null(key);
	assert_span(m.info, INFO);
	assert_span(m.name, "a.tgz");
	assert_span(m.pieces, HASH);
	assert_int_equal(m.length, 5);
	assert_int_equal(m.piece_length, 262144);
	assert_int_equal(m.n_pieces, 1);
	assert_false(m.is_private);
	assert_int_equal(m.n_trackers, 1);
	assert_span(m.trackers[0].url, URL);
	assert_int_equal(m.trackers[0].tier, 0);
	/* borrowed, not copied */
	assert_true(m.info.p > in.p);
	assert_true(m.info.p < in.p + in.n);
}

TEST(the_private_flag_is_read)
{
	struct metainfo m;
	const char *key;

	assert_int_equal(parse(&m,
			     WITH_INFO("6:lengthi5e" NAME SIZE
				       "6:pieces20:" HASH "7:privatei1e"),
			     &key),
	    0);
	assert_true(m.is_private);
	assert_int_equal(parse(&m,
			     WITH_INFO("6:lengthi5e" NAME SIZE
				       "6:pieces20:" HASH "7:privatei0e"),
			     &key),
	    0);
	assert_false(m.is_private);
	refused(WITH_INFO(
		    "6:lengthi5e" NAME SIZE "6:pieces20:" HASH "7:private1:1"),
	    ERR_TYPE, "info.private");
}

TEST(an_empty_file_has_no_pieces)
{
	struct metainfo m;
	const char *key;

	assert_int_equal(
	    parse(&m, WITH_INFO("6:lengthi0e" NAME SIZE "6:pieces0:"), &key),
	    0);
	assert_int_equal(m.length, 0);
	assert_int_equal(m.n_pieces, 0);
}

TEST(an_announce_list_replaces_announce_and_has_tiers)
{
	struct metainfo m;
	const char *key;

	assert_int_equal(
	    parse(&m,
		"d8:announce3:x:/13:announce-listll3:a:/3:b:/el0:el3:c:/ee"
		"4:info" INFO "e",
		&key),
	    0);
	assert_int_equal(m.n_trackers, 3);
	assert_span(m.trackers[0].url, "a:/");
	assert_int_equal(m.trackers[0].tier, 0);
	assert_span(m.trackers[1].url, "b:/");
	assert_int_equal(m.trackers[1].tier, 0);
	assert_span(m.trackers[2].url, "c:/");
	assert_int_equal(m.trackers[2].tier, 2);
	assert_int_equal(
	    parse(&m, "d13:announce-listll3:c:/ee4:info" INFO "e", &key), 0);
	assert_int_equal(m.n_trackers, 1);
	/* one that names nobody does not count */
	assert_int_equal(parse(&m,
			     "d8:announce3:x:/13:announce-listllel0:ee"
			     "4:info" INFO "e",
			     &key),
	    0);
	assert_int_equal(m.n_trackers, 1);
	assert_span(m.trackers[0].url, "x:/");
}

TEST(surplus_trackers_are_ignored)
{
	struct failalloc f;
	struct metainfo m;
	struct buf out;
	const char *key;

	failalloc_init(&f, 0);
	buf_init(&out, &f.mem, 4096);
	(void)buf_put_str(&out, "d13:announce-listl");
	for (unsigned i = 0; i < LIMIT_TRACKERS + 5; i++)
		(void)buf_put_str(&out, "l3:a:/e");
	(void)buf_put_str(&out, "e4:info" INFO "e");
	assert_int_equal(buf_error(&out), 0);
	assert_int_equal(metainfo_parse(&m, buf_span(&out), &key), 0);
	assert_int_equal(m.n_trackers, LIMIT_TRACKERS);
	buf_free(&out);
	failalloc_check(&f);
}

TEST(a_torrent_cut_off_anywhere_is_truncated)
{
	struct span whole = SPAN_LIT(TORRENT);
	struct metainfo m;
	const char *key;

	for (size_t n = 0; n < whole.n; n++) {
		/* a copy of its own, so that ASan sees a read too far */
		uint8_t *copy = test_malloc(n + 1);

		memcpy(copy, whole.p, n);
		assert_int_equal(
		    metainfo_parse(&m, (struct span){copy, n}, &key),
		    ERR_TRUNCATED);
		test_free(copy);
	}
}

TEST(bytes_behind_the_torrent_are_refused)
{
	refused(TORRENT "\n", ERR_TRAILING, NULL);
	refused(TORRENT TORRENT, ERR_TRAILING, NULL);
}

TEST(what_is_not_a_dictionary_is_refused)
{
	refused("i1e", ERR_TYPE, NULL);
	refused("l" TORRENT "e", ERR_TYPE, NULL);
	refused("<html>", ERR_SYNTAX, NULL);
	refused("d" ANNOUNCE "4:infolee", ERR_TYPE, "info");
	refused("d8:announcei1e4:info" INFO "e", ERR_TYPE, "announce");
	refused(
	    "d13:announce-list3:a:/4:info" INFO "e", ERR_TYPE, "announce-list");
	refused("d13:announce-listl3:a:/e4:info" INFO "e", ERR_TYPE,
	    "announce-list");
	refused("d13:announce-listlli1eee4:info" INFO "e", ERR_TYPE,
	    "announce-list");
}

TEST(what_is_not_canonical_is_refused)
{
	/* keys out of order, twice, leading zeros, negative zero */
	refused("d4:info" INFO ANNOUNCE "e", ERR_CANONICAL, NULL);
	refused(
	    "d" ANNOUNCE "4:info" INFO "4:info" INFO "e", ERR_CANONICAL, NULL);
	refused(WITH_INFO(NAME "6:lengthi5e" SIZE "6:pieces20:" HASH),
	    ERR_CANONICAL, "info");
	refused(WITH_INFO("6:lengthi05e" NAME SIZE "6:pieces20:" HASH),
	    ERR_CANONICAL, "info.length");
	refused(WITH_INFO("6:lengthi-0e" NAME SIZE "6:pieces20:" HASH),
	    ERR_CANONICAL, "info.length");
	refused(WITH_INFO("6:lengthi5e4:name05:a.tgz" SIZE "6:pieces20:" HASH),
	    ERR_CANONICAL, "info.name");
}

TEST(deep_nesting_is_refused)
{
	refused(
	    "d1:allllllllllllllllllleeeeeeeeeeeeeeeeeeeeee", ERR_DEPTH, NULL);
	refused(
	    WITH_INFO("1:alllllllllllllllleeeeeeeeeeeeeee"), ERR_DEPTH, "info");
}

TEST(a_negative_length_is_out_of_range)
{
	refused(WITH_INFO("6:lengthi-5e" NAME SIZE "6:pieces20:" HASH),
	    ERR_RANGE, "info.length");
	refused(WITH_INFO("6:lengthi99999999999999999999e" NAME SIZE
			  "6:pieces20:" HASH),
	    ERR_RANGE, "info.length");
	refused(WITH_INFO("6:lengthi5e" NAME "12:piece lengthi-262144e"
			  "6:pieces20:" HASH),
	    ERR_RANGE, "info.piece length");
}

TEST(a_piece_length_must_be_a_power_of_two_within_limits)
{
#define WITH_SIZE(size)                                                        \
	WITH_INFO("6:lengthi5e" NAME "12:piece lengthi" size "e"               \
		  "6:pieces20:" HASH)
	struct metainfo m;
	const char *key;

	refused(WITH_SIZE("0"), ERR_RANGE, "info.piece length");
	refused(WITH_SIZE("1"), ERR_RANGE, "info.piece length");
	refused(WITH_SIZE("8192"), ERR_RANGE, "info.piece length");
	refused(WITH_SIZE("16385"), ERR_RANGE, "info.piece length");
	refused(WITH_SIZE("49152"), ERR_RANGE, "info.piece length");
	refused(WITH_SIZE("33554432"), ERR_RANGE, "info.piece length");
	/* 2^32 + 2^18: right only if cut to 32 bits */
	refused(WITH_SIZE("4295229440"), ERR_RANGE, "info.piece length");
	assert_int_equal(parse(&m, WITH_SIZE("16384"), &key), 0);
	assert_int_equal(parse(&m, WITH_SIZE("16777216"), &key), 0);
	assert_int_equal(m.piece_length, LIMIT_PIECE_MAX);
#undef WITH_SIZE
}

TEST(pieces_must_hold_a_hash_for_each_piece)
{
#define WITH_PIECES(length, pieces)                                            \
	WITH_INFO("6:lengthi" length "e" NAME SIZE "6:pieces" pieces)
	struct metainfo m;
	const char *key;

	refused(WITH_PIECES("5", "0:"), ERR_LENGTH, "info.pieces");
	refused(WITH_PIECES("5", "19:0123456789abcdefghi"), ERR_LENGTH,
	    "info.pieces");
	refused(WITH_PIECES("5", "21:" HASH "k"), ERR_LENGTH, "info.pieces");
	refused(WITH_PIECES("5", "40:" HASH HASH), ERR_LENGTH, "info.pieces");
	refused(WITH_PIECES("0", "20:" HASH), ERR_LENGTH, "info.pieces");
	refused(WITH_PIECES("262145", "20:" HASH), ERR_LENGTH, "info.pieces");
	refused(WITH_PIECES("5", "i20e"), ERR_TYPE, "info.pieces");
	assert_int_equal(parse(&m, WITH_PIECES("262144", "20:" HASH), &key), 0);
	assert_int_equal(
	    parse(&m, WITH_PIECES("262145", "40:" HASH HASH), &key), 0);
	assert_int_equal(m.n_pieces, 2);
#undef WITH_PIECES
}

TEST(more_pieces_than_the_limit_are_refused)
{
	/* 2^18 pieces of 2^18 bytes and one byte; then the largest integer */
	refused(WITH_INFO("6:lengthi68719476737e" NAME SIZE "6:pieces20:" HASH),
	    ERR_LIMIT, "info.length");
	refused(WITH_INFO("6:lengthi9223372036854775807e" NAME SIZE
			  "6:pieces20:" HASH),
	    ERR_LIMIT, "info.length");
	refused(WITH_INFO("6:lengthi68719476736e" NAME SIZE "6:pieces20:" HASH),
	    ERR_LENGTH, "info.pieces");
}

TEST(unsafe_names_are_refused)
{
#define WITH_NAME(name)                                                        \
	WITH_INFO("6:lengthi5e4:name" name SIZE "6:pieces20:" HASH)
	static const char nul[] = WITH_NAME("3:a\0b");
	struct metainfo m;
	const char *key;

	refused(WITH_NAME("0:"), ERR_UNSAFE, "info.name");
	refused(WITH_NAME("1:."), ERR_UNSAFE, "info.name");
	refused(WITH_NAME("2:.."), ERR_UNSAFE, "info.name");
	refused(WITH_NAME("1:/"), ERR_UNSAFE, "info.name");
	refused(WITH_NAME("11:/etc/passwd"), ERR_UNSAFE, "info.name");
	refused(WITH_NAME("4:../x"), ERR_UNSAFE, "info.name");
	refused(WITH_NAME("3:a/b"), ERR_UNSAFE, "info.name");
	assert_int_equal(metainfo_parse(&m, SPAN_LIT(nul), &key), ERR_UNSAFE);
	refused(WITH_NAME("i5e"), ERR_TYPE, "info.name");
	assert_int_equal(parse(&m, WITH_NAME("3:..."), &key), 0);
	assert_int_equal(parse(&m, WITH_NAME("3:.\\b"), &key), 0);
#undef WITH_NAME
}

TEST(a_name_may_be_as_long_as_a_file_system_takes)
{
	uint8_t name[LIMIT_NAME_BYTES + 1];

	memset(name, 'x', sizeof(name));
	assert_true(metainfo_name_safe((struct span){name, LIMIT_NAME_BYTES}));
	assert_false(
	    metainfo_name_safe((struct span){name, LIMIT_NAME_BYTES + 1}));
}

TEST(several_files_are_refused)
{
	refused(WITH_INFO("5:filesld6:lengthi5e4:pathl1:aeee" NAME SIZE
			  "6:pieces20:" HASH),
	    ERR_UNSUPPORTED, "info.files");
}

TEST(a_torrent_of_version_2_alone_is_refused)
{
	refused(
	    WITH_INFO("9:file treed1:ad0:d6:lengthi5eeee12:meta versioni2e" NAME
		    SIZE),
	    ERR_UNSUPPORTED, "info.meta version");
}

TEST(a_hybrid_torrent_is_read_as_version_1)
{
	struct metainfo m;
	const char *key;

	assert_int_equal(
	    parse(&m,
		WITH_INFO("9:file treed1:ad0:d6:lengthi5eeee6:lengthi5e"
			  "12:meta versioni2e" NAME SIZE "6:pieces20:" HASH),
		&key),
	    0);
	assert_int_equal(m.n_pieces, 1);
}

TEST(every_missing_key_is_named)
{
	refused("de", ERR_MISSING, "info");
	refused("d" ANNOUNCE "e", ERR_MISSING, "info");
	refused("d4:info" INFO "e", ERR_MISSING, "announce");
	refused("d8:announce0:4:info" INFO "e", ERR_MISSING, "announce");
	refused("d13:announce-listllel0:ee4:info" INFO "e", ERR_MISSING,
	    "announce");
	refused(WITH_INFO(""), ERR_MISSING, "info.length");
	refused(WITH_INFO(NAME SIZE "6:pieces20:" HASH), ERR_MISSING,
	    "info.length");
	refused(WITH_INFO("6:lengthi5e" SIZE "6:pieces20:" HASH), ERR_MISSING,
	    "info.name");
	refused(WITH_INFO("6:lengthi5e" NAME "6:pieces20:" HASH), ERR_MISSING,
	    "info.piece length");
	refused(WITH_INFO("6:lengthi5e" NAME SIZE), ERR_MISSING, "info.pieces");
}

TEST(what_cannot_be_a_url_is_refused)
{
	refused("d8:announce5:a b:/4:info" INFO "e", ERR_TYPE, "announce");
	refused("d8:announce4: a:/4:info" INFO "e", ERR_TYPE, "announce");
	refused("d8:announce5:a\r\n:/4:info" INFO "e", ERR_TYPE, "announce");
	refused("d8:announce3:a\x7f/4:info" INFO "e", ERR_TYPE, "announce");
	refused("d13:announce-listll3:a\t/eee4:info" INFO "e", ERR_TYPE,
	    "announce-list");
}

TEST(a_url_has_its_limit)
{
	for (unsigned n = LIMIT_URL_BYTES; n <= LIMIT_URL_BYTES + 1; n++) {
		char text[LIMIT_URL_BYTES + 300];
		struct metainfo m;
		const char *key;

		assert_true(snprintf(text, sizeof(text),
				"d8:announce%u:%0*d4:info" INFO "e", n, (int)n,
				0) < (int)sizeof(text));
		assert_int_equal(parse(&m, text, &key),
		    n <= LIMIT_URL_BYTES ? 0 : ERR_LIMIT);
	}
}

TEST(a_torrent_over_the_size_limit_is_not_even_read)
{
	static uint8_t bytes[LIMIT_TORRENT_BYTES];
	struct metainfo m;
	const char *key;

	bytes[0] = 'x';
	assert_int_equal(
	    metainfo_parse(&m, (struct span){bytes, sizeof(bytes)}, &key),
	    ERR_SYNTAX);

	assert_int_equal(
	    metainfo_parse(
		&m, (struct span){bytes, LIMIT_TORRENT_BYTES + 1}, &key),
	    ERR_LIMIT);
	assert_null(key);
}

TEST(a_good_piece_length_makes_many_pieces_but_none_too_small_or_too_many)
{
	const uint64_t mib = 1u << 20;

	assert_int_equal(metainfo_good_piece_length(0), LIMIT_PIECE_MIN);
	assert_int_equal(metainfo_good_piece_length(mib), 16 << 10);
	assert_int_equal(metainfo_good_piece_length(32 * mib), 16 << 10);
	assert_int_equal(metainfo_good_piece_length(32 * mib + 1), 32 << 10);
	assert_int_equal(metainfo_good_piece_length(128 * mib), 32 << 10);
	assert_int_equal(metainfo_good_piece_length(128 * mib + 1), 64 << 10);
	assert_int_equal(metainfo_good_piece_length(1024 * mib), 256 << 10);
	assert_int_equal(metainfo_good_piece_length(10240 * mib), 1 << 20);
	assert_int_equal(
	    metainfo_good_piece_length(LIMIT_PIECES * mib + 1), 2 << 20);
	assert_int_equal(
	    metainfo_good_piece_length(UINT64_MAX), LIMIT_PIECE_MAX);
}

TEST(the_last_piece_is_what_is_left)
{
	assert_int_equal(metainfo_piece_size(5, 16384, 0), 5);
	assert_int_equal(metainfo_piece_size(16384, 16384, 0), 16384);
	assert_int_equal(metainfo_piece_size(16385, 16384, 0), 16384);
	assert_int_equal(metainfo_piece_size(16385, 16384, 1), 1);
	/* 4 TiB less one byte: the offset needs more than 32 bits */
	assert_int_equal(metainfo_piece_size((UINT64_C(1) << 42) - 1,
			     LIMIT_PIECE_MAX, LIMIT_PIECES - 1),
	    LIMIT_PIECE_MAX - 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_torrent_gives_its_fields),
	    cmocka_unit_test(the_private_flag_is_read),
	    cmocka_unit_test(an_empty_file_has_no_pieces),
	    cmocka_unit_test(an_announce_list_replaces_announce_and_has_tiers),
	    cmocka_unit_test(surplus_trackers_are_ignored),
	    cmocka_unit_test(a_torrent_cut_off_anywhere_is_truncated),
	    cmocka_unit_test(bytes_behind_the_torrent_are_refused),
	    cmocka_unit_test(what_is_not_a_dictionary_is_refused),
	    cmocka_unit_test(what_is_not_canonical_is_refused),
	    cmocka_unit_test(deep_nesting_is_refused),
	    cmocka_unit_test(a_negative_length_is_out_of_range),
	    cmocka_unit_test(
		a_piece_length_must_be_a_power_of_two_within_limits),
	    cmocka_unit_test(pieces_must_hold_a_hash_for_each_piece),
	    cmocka_unit_test(more_pieces_than_the_limit_are_refused),
	    cmocka_unit_test(unsafe_names_are_refused),
	    cmocka_unit_test(a_name_may_be_as_long_as_a_file_system_takes),
	    cmocka_unit_test(several_files_are_refused),
	    cmocka_unit_test(a_torrent_of_version_2_alone_is_refused),
	    cmocka_unit_test(a_hybrid_torrent_is_read_as_version_1),
	    cmocka_unit_test(every_missing_key_is_named),
	    cmocka_unit_test(what_cannot_be_a_url_is_refused),
	    cmocka_unit_test(a_url_has_its_limit),
	    cmocka_unit_test(a_torrent_over_the_size_limit_is_not_even_read),
	    cmocka_unit_test(
		a_good_piece_length_makes_many_pieces_but_none_too_small_or_too_many),
	    cmocka_unit_test(the_last_piece_is_what_is_left),
	};

	return cmocka_run_group_tests_name("metainfo", tests, NULL, NULL);
}
