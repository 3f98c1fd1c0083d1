#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "core/err.h"
#include "core/limits.h"
#include "core/metainfo.h"
#include "io/digest.h"
#include "io/pieces.h"
#include "io/threads.h"

/* Bytes a thread takes at a time: long enough for the disk to read ahead. */
#define RUN_BYTES (4u << 20)

/* What the threads share: each takes the next run of pieces until none is
 * left or one has failed. */
struct job {
	int fd;
	uint64_t length;
	uint32_t piece_length;
	uint32_t n_pieces;
	uint32_t run;     /* pieces taken at a time */
	uint8_t *out;     /* n_pieces * SHA1_BYTES */
	atomic_uint next; /* first piece not yet taken */
	atomic_int err;   /* the first failure */
	atomic_int sys;   /* its errno */
};

static int
hash_run(struct job *j, struct digest *d, uint32_t begin, uint32_t end)
{
	for (uint32_t i = begin; i < end; i++) {
		uint64_t from = (uint64_t)i * j->piece_length;
		uint64_t to =
		    from + metainfo_piece_size(j->length, j->piece_length, i);
		int rc = digest_file_range(
		    d, j->fd, from, to, j->out + (size_t)i * SHA1_BYTES);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static void *
worker(void *arg)
{
	struct job *j = arg;
	struct digest *d = NULL;
	int rc = digest_new(&d);

	while (rc == 0 && atomic_load(&j->err) == 0) {
		uint32_t begin = atomic_fetch_add(&j->next, j->run);
		uint32_t end = begin + j->run;

		if (begin >= j->n_pieces)
			break;
		if (end > j->n_pieces)
			end = j->n_pieces;
		rc = hash_run(j, d, begin, end);
	}
	if (rc < 0) {
		int none = 0;
		int sys = errno;

		if (atomic_compare_exchange_strong(&j->err, &none, rc))
			atomic_store(&j->sys, sys);
	}
	digest_free(d);
	return NULL;
}

int
pieces_of_file(struct buf *hashes, int fd, uint64_t length,
    uint32_t piece_length, unsigned n_threads)
{
	struct job j = {
	    .fd = fd, .length = length, .piece_length = piece_length};
	uint64_t n = length / piece_length + (length % piece_length != 0);

	if (n > LIMIT_PIECES)
		return ERR_LIMIT;
	if (n == 0)
		return 0;
	j.n_pieces = (uint32_t)n;
	j.run = piece_length < RUN_BYTES ? RUN_BYTES / piece_length : 1;
	j.out = buf_grow(hashes, (size_t)n * SHA1_BYTES);
	if (j.out == NULL)
		return buf_error(hashes);
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (n_threads == 0)
		n_threads = threads_cores();
	if (n_threads > j.n_pieces / j.run + 1)
		n_threads = j.n_pieces / j.run + 1;
	threads_run(n_threads, worker, &j);
	errno = atomic_load(&j.sys);
	return atomic_load(&j.err);
}
