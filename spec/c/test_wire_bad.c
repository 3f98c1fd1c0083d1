#include "unit.h"

#include "core/wire.h"
#include "failalloc.h"
#include "samples.h"

/* A reader behind its handshake. */
static void
shaken_reader(struct wire_reader *r, const struct mem *mem)
{
	struct span in = SPAN_LIT(HANDSHAKE);
	struct wire_msg m;

	wire_reader_init(r, mem, 100, 16384);
	assert_int_equal(wire_read(r, &in, &m), 1);
}

/* The end of reading these bytes at once, and byte by byte. */
static int
end_of(struct span bytes)
{
	int rc[2];

	for (size_t i = 0; i < 2; i++) {
		struct span rest = bytes, in;
		struct wire_reader r;
		struct wire_msg m;
		struct failalloc f;

		failalloc_init(&f, 0);
		shaken_reader(&r, &f.mem);
		rc[i] = 0;
		while (rest.n > 0 && rc[i] >= 0) {
			(void)span_take(&rest, i == 0 ? rest.n : 1, &in);
			do
				rc[i] = wire_read(&r, &in, &m);
			while (rc[i] == 1 && m.kind != WIRE_PIECE);
			if (rc[i] == 1)
				break;
		}
		wire_reader_free(&r);
		failalloc_check(&f);
	}
	assert_int_equal(rc[0], rc[1]);
	return rc[0];
}

TEST(a_message_of_the_wrong_length_for_its_kind_is_a_violation)
{
	static const struct {
		uint8_t id;
		uint32_t length; /* the right one, with the id */
	} fixed[] = {{WIRE_CHOKE, 1}, {WIRE_UNCHOKE, 1}, {WIRE_INTERESTED, 1},
	    {WIRE_NOT_INTERESTED, 1}, {WIRE_HAVE, 5}, {WIRE_REQUEST, 13},
	    {WIRE_CANCEL, 13}, {WIRE_PORT, 3}, {WIRE_SUGGEST, 5},
	    {WIRE_HAVE_ALL, 1}, {WIRE_HAVE_NONE, 1}, {WIRE_REJECT, 13},
	    {WIRE_ALLOWED_FAST, 5}};

	for (size_t i = 0; i < N_OF(fixed); i++)
		for (uint8_t length = 1; length <= 20; length++) {
			uint8_t bytes[24] = {0, 0, 0, length, fixed[i].id};
			struct span in = {bytes, 4 + (size_t)length};

			assert_int_equal(end_of(in),
			    length == fixed[i].length ? 0 : ERR_PROTOCOL);
		}
}

TEST(a_block_without_bytes_or_head_is_a_violation)
{
	for (uint8_t length = 1; length <= 12; length++) {
		uint8_t bytes[16] = {0, 0, 0, length, WIRE_PIECE};

		assert_int_equal(
		    end_of((struct span){bytes, 4 + (size_t)length}),
		    length <= 9 ? ERR_PROTOCOL : 1);
	}
}

TEST(an_extended_message_without_id_is_a_violation)
{
	assert_int_equal(end_of(SPAN_LIT("\0\0\0\1\24")), ERR_PROTOCOL);
	assert_int_equal(end_of(SPAN_LIT("\0\0\0\2\24\0")), 0);
}

TEST(what_is_over_the_limit_is_refused_by_its_head)
{
	/* bitfield, extended and unknown: 100 bytes with the id */
	assert_int_equal(end_of(SPAN_LIT("\0\0\0\144\5")), 0);
	assert_int_equal(end_of(SPAN_LIT("\0\0\0\145\5")), ERR_LIMIT);
	assert_int_equal(end_of(SPAN_LIT("\0\0\0\144\24")), 0);
	assert_int_equal(end_of(SPAN_LIT("\0\0\0\145\24")), ERR_LIMIT);
	assert_int_equal(end_of(SPAN_LIT("\0\0\0\144\143")), 0);
	assert_int_equal(end_of(SPAN_LIT("\0\0\0\145\143")), ERR_LIMIT);
	assert_int_equal(end_of(SPAN_LIT("\377\377\377\377\5")), ERR_LIMIT);
	assert_int_equal(end_of(SPAN_LIT("\377\377\377\377\143")), ERR_LIMIT);
	/* a block: 16,384 bytes and its head of 9 */
	assert_int_equal(end_of(SPAN_LIT("\0\0\100\011\7")), 0);
	assert_int_equal(end_of(SPAN_LIT("\0\0\100\012\7")), ERR_LIMIT);
	assert_int_equal(end_of(SPAN_LIT("\377\377\377\377\7")), ERR_LIMIT);
}

TEST(what_is_not_a_handshake_is_refused_at_its_first_wrong_byte)
{
	static const char good[] = WIRE_MAGIC;

	for (size_t at = 0; at < WIRE_MAGIC_BYTES; at++) {
		char bytes[WIRE_MAGIC_BYTES];
		struct wire_reader r;
		struct wire_msg m;
		struct failalloc f;
		struct span in;

		failalloc_init(&f, 0);
		memcpy(bytes, good, WIRE_MAGIC_BYTES);
		bytes[at] ^= 0x20;
		wire_reader_init(&r, &f.mem, 100, 100);
		in = (struct span){(const uint8_t *)bytes, at};
		assert_int_equal(wire_read(&r, &in, &m), 0);
		in = (struct span){(const uint8_t *)bytes + at, 1};
		assert_int_equal(wire_read(&r, &in, &m), ERR_PROTOCOL);
		wire_reader_free(&r);
		failalloc_check(&f);
	}
}

TEST(an_error_repeats_whatever_comes_next)
{
	struct span bad = SPAN_LIT("\0\0\0\2\0\0"), good = SPAN_LIT("\0\0\0\0");
	struct wire_reader r;
	struct wire_msg m;
	struct failalloc f;

	failalloc_init(&f, 0);
	shaken_reader(&r, &f.mem);
	assert_int_equal(wire_read(&r, &bad, &m), ERR_PROTOCOL);
	assert_int_equal(wire_read(&r, &good, &m), ERR_PROTOCOL);
	assert_int_equal(good.n, 4);
	assert_int_equal(wire_wanted(&r), 1);
	wire_reader_free(&r);
	failalloc_check(&f);
}

TEST(an_unknown_message_is_skipped_without_being_held)
{
	static uint8_t bytes[5 + 90000 + 5] = {0, 1, 0x5f, 0x91, 200};
	struct span in;
	struct wire_reader r;
	struct wire_msg m;
	struct failalloc f;

	memcpy(bytes + 5 + 90000, "\0\0\0\1\1", 5);
	failalloc_init(&f, 0);
	shaken_reader(&r, &f.mem);
	r.max_message = 90001;
	for (size_t at = 0; at < sizeof(bytes); at += 1000) {
		size_t n = sizeof(bytes) - at;

		in = (struct span){bytes + at, n < 1000 ? n : 1000};
		assert_int_equal(wire_read(&r, &in, &m), at == 90000);
	}
	assert_int_equal(m.kind, WIRE_UNCHOKE);
	assert_true(f.bytes_peak < 200);
	wire_reader_free(&r);
	failalloc_check(&f);
}

TEST(only_bytes_that_came_are_held)
{
	struct span in = SPAN_LIT("\0\1\0\0\24\0d");
	struct wire_reader r;
	struct wire_msg m;
	struct failalloc f;

	failalloc_init(&f, 0);
	shaken_reader(&r, &f.mem);
	r.max_message = 1 << 20;
	r.held.max = 1 << 20;
	assert_int_equal(wire_read(&r, &in, &m), 0);
	assert_true(f.bytes_peak < 200); /* of the 65,536 announced */
	wire_reader_free(&r);
	failalloc_check(&f);
}

TEST(wanted_counts_what_is_certainly_missing)
{
	static const struct {
		const char *bytes;
		size_t n;
		uint32_t wanted;
	} cases[] = {
	    {"", 0, 4},
	    {"\0", 1, 3},
	    {"\0\0\0", 3, 1},
	    {"\0\0\0\0", 4, 4},
	    {"\0\0\0\5", 4, 1},
	    {"\0\0\0\5\4", 5, 4},
	    {"\0\0\0\5\4\0\0\0", 8, 1},
	    {"\0\0\0\5\4\0\0\0\0", 9, 4},
	    {"\0\0\0\20\7", 5, 8},
	    {"\0\0\0\20\143", 5, 15 + 4},
	    {"\0\0\0\20\143ab", 7, 13 + 4},
	    {"\0\0\0\12\5abc", 8, 6},
	};
	struct wire_reader r;
	struct failalloc f;

	failalloc_init(&f, 0);
	wire_reader_init(&r, &f.mem, 100, 100);
	assert_int_equal(wire_wanted(&r), 68);
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct span in = {(const uint8_t *)cases[i].bytes, cases[i].n};
		struct wire_msg m;

		shaken_reader(&r, &f.mem);
		(void)wire_read(&r, &in, &m);
		assert_int_equal(wire_wanted(&r), cases[i].wanted);
		wire_reader_free(&r);
	}
	failalloc_check(&f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_message_of_the_wrong_length_for_its_kind_is_a_violation),
	    cmocka_unit_test(a_block_without_bytes_or_head_is_a_violation),
	    cmocka_unit_test(an_extended_message_without_id_is_a_violation),
	    cmocka_unit_test(what_is_over_the_limit_is_refused_by_its_head),
	    cmocka_unit_test(
		what_is_not_a_handshake_is_refused_at_its_first_wrong_byte),
	    cmocka_unit_test(an_error_repeats_whatever_comes_next),
	    cmocka_unit_test(an_unknown_message_is_skipped_without_being_held),
	    cmocka_unit_test(only_bytes_that_came_are_held),
	    cmocka_unit_test(wanted_counts_what_is_certainly_missing),
	};

	return cmocka_run_group_tests_name("wire_bad", tests, NULL, NULL);
}
