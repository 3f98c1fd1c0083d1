#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <stdlib.h>

#include "core/limits.h"
#include "io/digest.h"
#include "io/heap.h"
#include "io/pieces.h"
#include "scratch.h"
#include "unit.h"

static void
assert_sum(const uint8_t sum[SHA1_BYTES], const char *hex)
{
	char got[2 * SHA1_BYTES + 1];

	digest_hex(sum, got);
	assert_string_equal(got, hex);
}

/* FIPS 180-2, appendix A, and RFC 3174, section 7.3. */
static const struct {
	const char *text;
	const char *hex;
} vectors[] = {
    {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	"84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
};

TEST(one_call_gives_the_published_sums)
{
	uint8_t sum[SHA1_BYTES];

	for (size_t i = 0; i < N_OF(vectors); i++) {
		assert_int_equal(
		    digest_sha1(span_str(vectors[i].text), sum), 0);
		assert_sum(sum, vectors[i].hex);
	}
	assert_int_equal(digest_sha1((struct span){NULL, 0}, sum), 0);
	assert_sum(sum, vectors[0].hex);
}

/* Around the ends of blocks, and pieces as they come. */
TEST(two_sums_at_once_are_those_of_each)
{
	static const size_t longer[] = {4096, 16383, 262144, 300001};
	static uint8_t bytes[2][300001];
	uint8_t sum[2][SHA1_BYTES], want[SHA1_BYTES];
	uint32_t x = 1;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		x = x * 1664525 + 1013904223;
		bytes[i / sizeof(bytes[0])][i % sizeof(bytes[0])] =
		    (uint8_t)(x >> 24);
	}
	for (size_t k = 0; k < 260 + N_OF(longer); k++) {
		size_t n = k < 260 ? k : longer[k - 260];

		assert_int_equal(
		    digest_sha1_two(bytes[0], bytes[1], n, sum), 0);
		for (size_t i = 0; i < 2; i++) {
			assert_int_equal(
			    digest_sha1((struct span){bytes[i], n}, want), 0);
			assert_memory_equal(sum[i], want, SHA1_BYTES);
		}
	}
}

TEST(a_running_sum_does_not_depend_on_the_cuts_and_begins_anew)
{
	uint8_t sum[SHA1_BYTES];
	struct digest *d;

	assert_int_equal(digest_new(&d), 0);
	for (size_t i = 0; i < N_OF(vectors); i++) {
		for (size_t cut = 1; cut < 8; cut++) {
			struct span rest = span_str(vectors[i].text);

			while (rest.n > 0) {
				size_t n = cut < rest.n ? cut : rest.n;

				digest_add(d, (struct span){rest.p, n});
				rest.p += n;
				rest.n -= n;
			}
			digest_end(d, sum);
			assert_sum(sum, vectors[i].hex);
		}
	}
	digest_free(d);
}

TEST(a_range_of_a_file_is_summed_and_a_short_file_is_told)
{
	uint8_t sum[SHA1_BYTES];
	struct digest *d;
	int fd;

	scratch_text("f", "xxabcyy");
	fd = open("f", O_RDONLY);
	assert_int_equal(digest_new(&d), 0);
	assert_int_equal(digest_file_range(d, fd, 2, 5, sum), 0);
	assert_sum(sum, vectors[1].hex);
	assert_int_equal(digest_file_range(d, fd, 5, 8, sum), ERR_TRUNCATED);
	/* what the failure left behind does not count */
	assert_int_equal(digest_file_range(d, fd, 2, 5, sum), 0);
	assert_sum(sum, vectors[1].hex);
	assert_int_equal(digest_file_range(d, fd, 7, 7, sum), 0);
	assert_sum(sum, vectors[0].hex);
	close(fd);
	errno = 0;
	assert_int_equal(digest_file_range(d, fd, 0, 5, sum), ERR_IO);
	assert_int_equal(errno, EBADF);
	digest_free(d);
}

/* The piece hashes of bytes, each taken by itself. */
static void
expect_pieces(struct buf *out, const char *bytes, size_t n, size_t piece)
{
	for (size_t at = 0; at < n; at += piece) {
		struct span s = {(const uint8_t *)bytes + at,
		    n - at < piece ? n - at : piece};

		assert_int_equal(digest_sha1(s, buf_grow(out, SHA1_BYTES)), 0);
	}
}

/* With one thread and more it is what the plain way gives. */
static void
check_pieces(size_t n, uint32_t piece)
{
	struct buf want, got;
	size_t held;
	char *bytes;
	int fd;

	scratch_noise("f", n, (unsigned)n);
	bytes = scratch_read("f", &held);
	assert_int_equal(held, n);
	buf_init(&want, &heap, 1 << 20);
	buf_init(&got, &heap, 1 << 20);
	expect_pieces(&want, bytes, n, piece);
	fd = open("f", O_RDONLY);
	for (unsigned threads = 0; threads < 4; threads++) {
		buf_clear(&got);
		assert_int_equal(
		    pieces_of_file(&got, fd, n, piece, threads), 0);
		assert_true(span_equal(buf_span(&want), buf_span(&got)));
	}
	close(fd);
	buf_free(&want);
	buf_free(&got);
	free(bytes);
}

TEST(pieces_do_not_depend_on_the_number_of_threads)
{
	check_pieces(0, 16 << 10);
	check_pieces(1, 16 << 10);
	check_pieces((16 << 10) - 1, 16 << 10);
	check_pieces(16 << 10, 16 << 10);
	check_pieces((16 << 10) + 1, 16 << 10);
	check_pieces(10 << 20, 256 << 10);
	check_pieces((9 << 20) + 5, 16 << 10);
}

TEST(pieces_of_a_shrunken_file_or_of_too_many_are_refused)
{
	struct buf got;
	int fd;

	scratch_noise("f", 100000, 1);
	fd = open("f", O_RDONLY);
	buf_init(&got, &heap, 1 << 20);
	assert_int_equal(
	    pieces_of_file(&got, fd, 100001, 16 << 10, 2), ERR_TRUNCATED);
	buf_clear(&got);
	assert_int_equal(
	    pieces_of_file(
		&got, fd, (uint64_t)LIMIT_PIECES * (16 << 10) + 1, 16 << 10, 2),
	    ERR_LIMIT);
	buf_free(&got);
	buf_init(&got, &heap, 3 * SHA1_BYTES);
	assert_int_equal(
	    pieces_of_file(&got, fd, 100000, 16 << 10, 2), ERR_LIMIT);
	buf_free(&got);
	close(fd);
}

#define WITH_FILES(test)                                                       \
	cmocka_unit_test_setup_teardown(test, scratch_begin, scratch_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_call_gives_the_published_sums),
	    cmocka_unit_test(two_sums_at_once_are_those_of_each),
	    cmocka_unit_test(
		a_running_sum_does_not_depend_on_the_cuts_and_begins_anew),
	    WITH_FILES(a_range_of_a_file_is_summed_and_a_short_file_is_told),
	    WITH_FILES(pieces_do_not_depend_on_the_number_of_threads),
	    WITH_FILES(pieces_of_a_shrunken_file_or_of_too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
