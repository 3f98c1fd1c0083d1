#include <stdlib.h>

#include "core/buf.h"
#include "io/gzip.h"
#include "io/heap.h"
#include "scratch.h"
#include "unit.h"

static int
take(void *ctx, struct span bytes)
{
	return buf_put_span(ctx, bytes);
}

/* Compresses bytes, handed over in cuts, with so many threads. */
static void
compress(struct buf *out, struct span in, size_t cut, unsigned threads)
{
	struct gzip *g;

	buf_init(out, &heap, 64 << 20);
	assert_int_equal(gzip_new(&g, 6, threads, take, out), 0);
	while (in.n > 0) {
		size_t n = cut < in.n ? cut : in.n;

		assert_int_equal(gzip_add(g, (struct span){in.p, n}), 0);
		in.p += n;
		in.n -= n;
	}
	assert_int_equal(gzip_end(g), 0);
	gzip_free(g);
}

/* Text that compresses, with repetitions across the chunks. */
static char *
make_text(size_t n)
{
	char *text = malloc(n + 40);
	uint32_t x = 1;

	assert_non_null(text);
	for (size_t at = 0; at < n;) {
		x = x * 1664525u + 1013904223u;
		at += (size_t)snprintf(
		    text + at, 40, "line %u of the text\n", (x >> 16) % 5000);
	}
	return text;
}

TEST(gunzip_gives_the_bytes_back_whatever_the_length)
{
	static const size_t lengths[] = {0, 1, 32767, 32768, 32769, 262143,
	    262144, 262145, 1048576, 1048577, 4194304, 9999999};
	char *text = make_text(10000000);

	for (size_t i = 0; i < N_OF(lengths); i++) {
		struct span in = {(const uint8_t *)text, lengths[i]};
		struct buf out;

		scratch_write("plain", text, lengths[i]);
		compress(&out, in, 70001, 1);
		scratch_write("x.gz", out.p, out.n);
		buf_free(&out);
		scratch_shell("gzip -t x.gz && gzip -dc x.gz | cmp - plain");
	}
	free(text);
}

TEST(threads_and_cuts_do_not_change_a_byte)
{
	char *text = make_text(7000000);
	struct span in = {(const uint8_t *)text, 7000000};
	struct buf want, got;

	compress(&want, in, in.n, 1);
	for (unsigned threads = 0; threads < 6; threads++) {
		compress(&got, in, 10007 * (threads + 1), threads);
		assert_true(span_equal(buf_span(&want), buf_span(&got)));
		buf_free(&got);
	}
	buf_free(&want);
	free(text);
}

TEST(the_result_is_hardly_larger_than_gzips_own)
{
	char *text = make_text(4000000);
	struct span in = {(const uint8_t *)text, 4000000};
	struct buf out;
	size_t n;

	compress(&out, in, in.n, 2);
	scratch_write("plain", text, 4000000);
	scratch_shell("gzip -6 plain");
	free(scratch_read("plain.gz", &n));
	assert_true(out.n < n + n / 100);
	buf_free(&out);
	free(text);
}

static int
refuse(void *ctx, struct span bytes)
{
	size_t *room = ctx;

	if (bytes.n > *room)
		return ERR_FULL;
	*room -= bytes.n;
	return 0;
}

TEST(what_the_writer_says_comes_back)
{
	char *text = make_text(9000000);
	size_t room = 100;
	struct gzip *g;
	int rc = 0;

	assert_int_equal(gzip_new(&g, 1, 2, refuse, &room), 0);
	for (size_t at = 0; rc == 0 && at < 9000000; at += 1000000)
		rc = gzip_add(
		    g, (struct span){(const uint8_t *)text + at, 1000000});
	assert_int_equal(rc, ERR_FULL);
	gzip_free(g);
	room = 5;
	assert_int_equal(gzip_new(&g, 1, 2, refuse, &room), 0);
	assert_int_equal(gzip_end(g), ERR_FULL);
	gzip_free(g);
	free(text);
}

#define WITH_FILES(test)                                                       \
	cmocka_unit_test_setup_teardown(test, scratch_begin, scratch_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_FILES(gunzip_gives_the_bytes_back_whatever_the_length),
	    WITH_FILES(threads_and_cuts_do_not_change_a_byte),
	    WITH_FILES(the_result_is_hardly_larger_than_gzips_own),
	    WITH_FILES(what_the_writer_says_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
