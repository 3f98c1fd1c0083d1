#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/rng.h"
#include "failalloc.h"
#include "io/heap.h"
#include "io/sendq.h"
#include "scratch.h"
#include "unit.h"

#define PIECE (64u << 10)
#define FILE_BYTES (8u * PIECE)
#define STREAM_MAX (8u << 20)

static int
count_up(const struct mem *mem, void *arg)
{
	struct sendq q;
	int rc = 0;

	(void)arg;
	sendq_init(&q, mem);
	for (uint32_t i = 0; rc == 0 && i < 40; i++) {
		struct block b = {.piece = i, .length = 1};

		rc = sendq_put(&q, SPAN_LIT("control"));
		if (rc == 0)
			rc = sendq_put_block(&q, SPAN_LIT("thirteen byte"), b);
	}
	sendq_free(&q);
	return rc;
}

TEST(no_memory_is_told_and_nothing_leaks)
{
	assert_true(failalloc_each(count_up, NULL) > 2);
}

/* What arrives at the other end of a pair, read in bites of random size. */
static size_t
drain(int fd, uint8_t *out, size_t n, struct rng *r)
{
	size_t got = 0;

	for (;;) {
		size_t want = 1 + rng_below(r, 9000);
		ssize_t k;

		assert_true(n + got + want <= STREAM_MAX);
		k = recv(fd, out + n + got, want, MSG_DONTWAIT);
		if (k == -1) {
			assert_int_equal(errno, EAGAIN);
			return got;
		}
		got += (size_t)k;
		if (rng_below(r, 4) == 0)
			return got;
	}
}

/* Random control and blocks into q, and the same bytes into expect. */
static size_t
fill(struct sendq *q, uint8_t *expect, const uint8_t *file, struct rng *r,
    uint64_t *payload)
{
	size_t n = 0;

	for (int i = 0; i < 60; i++) {
		uint8_t noise[64];
		size_t k = 1 + rng_below(r, sizeof(noise));
		struct block b = {.piece = rng_below(r, 8),
		    .begin = rng_below(r, PIECE / 2),
		    .length = 1 + rng_below(r, PIECE / 2)};

		for (size_t j = 0; j < sizeof(noise); j++)
			noise[j] = (uint8_t)rng_u32(r);
		if (rng_below(r, 2) == 0) {
			assert_int_equal(
			    sendq_put(q, (struct span){noise, k}), 0);
			memcpy(expect + n, noise, k);
			n += k;
			continue;
		}
		assert_int_equal(
		    sendq_put_block(
			q, (struct span){noise, WIRE_PIECE_HEAD_BYTES}, b),
		    0);
		memcpy(expect + n, noise, WIRE_PIECE_HEAD_BYTES);
		n += WIRE_PIECE_HEAD_BYTES;
		memcpy(expect + n, file + b.piece * PIECE + b.begin, b.length);
		n += b.length;
		*payload += b.length;
	}
	return n;
}

static void
small_pair(int fd[2])
{
	int small = 4096;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(
	    setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
}

TEST(the_stream_is_what_was_put_however_the_socket_drains)
{
	uint8_t *got = malloc(STREAM_MAX), *expect = malloc(STREAM_MAX);
	uint64_t payload = 0, told = 0;
	enum sendq_state st = SENDQ_MORE;
	struct sendq_source from = {.piece_length = PIECE};
	size_t n_expect, n_got = 0;
	struct sendq q;
	struct rng r;
	char *file;
	int fd[2];

	assert_non_null(got);
	assert_non_null(expect);
	scratch_noise("file", FILE_BYTES, 1);
	file = scratch_read("file", NULL);
	from.fd = open("file", O_RDONLY);
	small_pair(fd);
	rng_seed(&r, 7, 0);
	sendq_init(&q, &heap);
	n_expect = fill(&q, expect, (uint8_t *)file, &r, &payload);
	while (st != SENDQ_DRAINED) {
		uint32_t sent = 0;

		st = sendq_write(&q, fd[0], &from, &sent);
		assert_true(st == SENDQ_FULL || st == SENDQ_MORE ||
			    st == SENDQ_DRAINED);
		told += sent;
		n_got += drain(fd[1], got, n_got, &r);
	}
	while (n_got < n_expect)
		n_got += drain(fd[1], got, n_got, &r);
	assert_int_equal(n_got, n_expect);
	assert_memory_equal(got, expect, n_expect);
	assert_int_equal(told, payload);
	assert_true(sendq_empty(&q));
	sendq_free(&q);
	(void)close(fd[0]);
	(void)close(fd[1]);
	(void)close(from.fd);
	free(file);
	free(got);
	free(expect);
}

TEST(a_neighbour_that_never_drains_costs_bounded_memory)
{
	struct block b = {.length = 16384};
	struct failalloc f;
	struct sendq q;
	uint32_t n = 0;

	failalloc_init(&f, 0);
	sendq_init(&q, &f.mem);
	while (sendq_put_block(&q, SPAN_LIT("thirteen byte"), b) == 0)
		assert_true(++n <= SENDQ_ITEMS_MAX);
	while (sendq_put(&q, SPAN_LIT("seventeen bytes..")) == 0)
		assert_true(++n <= SENDQ_ITEMS_MAX + SENDQ_CONTROL_MAX / 17);
	assert_int_equal(sendq_put(&q, SPAN_LIT("x")), ERR_LIMIT);
	assert_true(f.bytes_peak < 2u << 20);
	sendq_free(&q);
	failalloc_check(&f);
}

TEST(a_file_cut_short_and_a_closed_neighbour_are_told_apart)
{
	struct sendq_source from = {.piece_length = PIECE};
	struct block b = {.piece = 1, .length = 100};
	uint32_t sent = 0;
	struct sendq q;
	int fd[2];

	scratch_noise("file", PIECE + 50, 1);
	from.fd = open("file", O_RDONLY);
	small_pair(fd);
	sendq_init(&q, &heap);
	assert_int_equal(sendq_put_block(&q, SPAN_LIT("thirteen byte"), b), 0);
	assert_int_equal(sendq_write(&q, fd[0], &from, &sent), SENDQ_SOURCE);
	assert_int_equal(errno, 0);
	assert_int_equal(sent, 50);
	sendq_free(&q);

	(void)close(fd[1]);
	sendq_init(&q, &heap);
	assert_int_equal(sendq_put(&q, SPAN_LIT("hello")), 0);
	assert_int_equal(sendq_write(&q, fd[0], &from, &sent), SENDQ_BROKEN);
	sendq_free(&q);
	(void)close(fd[0]);
	(void)close(from.fd);
}

#define WITH_FILES(test)                                                       \
	cmocka_unit_test_setup_teardown(test, scratch_begin, scratch_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_memory_is_told_and_nothing_leaks),
	    WITH_FILES(the_stream_is_what_was_put_however_the_socket_drains),
	    cmocka_unit_test(
		a_neighbour_that_never_drains_costs_bounded_memory),
	    WITH_FILES(a_file_cut_short_and_a_closed_neighbour_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
