#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "core/err.h"
#include "io/gzip.h"
#include "io/threads.h"

/* Part of the format: another size gives other bytes. */
#define CHUNK_BYTES (256u << 10)
#define WINDOW_BYTES (32u << 10)
#define CHUNKS_PER_THREAD 4u

struct chunk {
	size_t n;     /* bytes of input */
	uint8_t *out; /* room for `cap` bytes */
	size_t n_out; /* compressed bytes */
	uint32_t crc; /* of the input */
	z_stream z;
};

struct gzip {
	gzip_write_fn write;
	void *ctx;
	unsigned n_threads;
	size_t cap;      /* bytes a chunk may need when compressed */
	uint8_t *window; /* WINDOW_BYTES before the batch, then the batch */
	size_t n_window; /* how many of them there are, at its end */
	size_t n;        /* bytes in the batch */
	struct chunk *chunks;
	size_t n_chunks; /* in a full batch */
	size_t n_ready;  /* whose z is initialised */
	atomic_size_t next;
	uint32_t crc; /* of everything before the batch */
	uint32_t total;
	bool begun; /* the header is written */
};

static uint8_t *
batch(const struct gzip *g)
{
	return g->window + WINDOW_BYTES;
}

void
gzip_free(struct gzip *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->n_ready; i++)
		deflateEnd(&g->chunks[i].z);
	for (size_t i = 0; g->chunks != NULL && i < g->n_chunks; i++)
		free(g->chunks[i].out);
	free(g->chunks);
	free(g->window);
	free(g);
}

static int
prepare(struct gzip *g, int level)
{
	g->window = malloc(WINDOW_BYTES + g->n_chunks * CHUNK_BYTES);
	g->chunks = calloc(g->n_chunks, sizeof(*g->chunks));
	if (g->window == NULL || g->chunks == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < g->n_chunks; i++) {
		struct chunk *c = &g->chunks[i];

		/* -15: raw deflate, as the chunks share one header */
		if (deflateInit2(&c->z, level, Z_DEFLATED, -15, 8,
			Z_DEFAULT_STRATEGY) != Z_OK)
			return ERR_NOMEM;
		g->n_ready = i + 1;
		/* and the empty blocks of a flush */
		g->cap = deflateBound(&c->z, CHUNK_BYTES) + 64;
		c->out = malloc(g->cap);
		if (c->out == NULL)
			return ERR_NOMEM;
	}
	return 0;
}

int
gzip_new(struct gzip **out, int level, unsigned n_threads, gzip_write_fn write,
    void *ctx)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return ERR_NOMEM;
	g->write = write;
	g->ctx = ctx;
	g->n_threads = n_threads != 0 ? n_threads : threads_cores();
	if (g->n_threads > THREADS_MAX)
		g->n_threads = THREADS_MAX;
	g->n_chunks = g->n_threads * CHUNKS_PER_THREAD;
	g->crc = (uint32_t)crc32(0, NULL, 0);
	if (prepare(g, level) < 0) {
		gzip_free(g);
		return ERR_NOMEM;
	}
	*out = g;
	return 0;
}

/* ---- one batch ---------------------------------------------------------- */

static void
compress_chunk(struct gzip *g, size_t i)
{
	struct chunk *c = &g->chunks[i];
	uint8_t *in = batch(g) + i * CHUNK_BYTES;
	size_t window = i > 0 ? WINDOW_BYTES : g->n_window;
	int rc;

	rc = deflateReset(&c->z);
	assert(rc == Z_OK);
	if (window > 0) {
		rc = deflateSetDictionary(&c->z, in - window, (uInt)window);
		assert(rc == Z_OK);
	}
	c->crc = (uint32_t)crc32(crc32(0, NULL, 0), in, (uInt)c->n);
	c->z.next_in = in;
	c->z.avail_in = (uInt)c->n;
	c->z.next_out = c->out;
	c->z.avail_out = (uInt)g->cap;
	/* ends on a byte, so that chunks can follow each other */
	rc = deflate(&c->z, Z_SYNC_FLUSH);
	assert(rc == Z_OK);
	assert(c->z.avail_in == 0);
	assert(c->z.avail_out > 0);
	c->n_out = g->cap - c->z.avail_out;
}

static size_t
chunks_in_batch(const struct gzip *g)
{
	return (g->n + CHUNK_BYTES - 1) / CHUNK_BYTES;
}

static void *
worker(void *arg)
{
	struct gzip *g = arg;
	size_t n = chunks_in_batch(g), i;

	while ((i = atomic_fetch_add(&g->next, 1)) < n)
		compress_chunk(g, i);
	return NULL;
}

static int
write_header(struct gzip *g)
{
	/* RFC 1952, section 2.3: deflate, no flags, no time, Unix */
	static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};

	if (g->begun)
		return 0;
	g->begun = true;
	return g->write(g->ctx, (struct span){header, sizeof(header)});
}

static int
flush_batch(struct gzip *g)
{
	size_t n = chunks_in_batch(g), keep;
	int rc = write_header(g);

	for (size_t i = 0; i < n; i++)
		g->chunks[i].n =
		    i + 1 < n ? CHUNK_BYTES : g->n - i * CHUNK_BYTES;
	atomic_store(&g->next, 0);
	if (rc == 0 && n > 0)
		threads_run(
		    n < g->n_threads ? (unsigned)n : g->n_threads, worker, g);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct chunk *c = &g->chunks[i];

		g->crc = (uint32_t)crc32_combine(g->crc, c->crc, (z_off_t)c->n);
		rc = g->write(g->ctx, (struct span){c->out, c->n_out});
	}
	/* only the last batch is not full, so this is enough */
	keep = g->n < WINDOW_BYTES ? g->n : WINDOW_BYTES;
	memmove(batch(g) - keep, batch(g) + g->n - keep, keep);
	g->n_window = keep;
	g->total += (uint32_t)g->n; /* modulo 2^32, as the format says */
	g->n = 0;
	return rc;
}

/* ---- the stream --------------------------------------------------------- */

int
gzip_add(struct gzip *g, struct span bytes)
{
	size_t full = g->n_chunks * CHUNK_BYTES;

	while (bytes.n > 0) {
		size_t n = full - g->n < bytes.n ? full - g->n : bytes.n;
		int rc;

		memcpy(batch(g) + g->n, bytes.p, n);
		g->n += n;
		bytes.p += n;
		bytes.n -= n;
		if (g->n == full && (rc = flush_batch(g)) < 0)
			return rc;
	}
	return 0;
}

int
gzip_end(struct gzip *g)
{
	uint8_t end[10] = {3, 0}; /* an empty last block */
	int rc = flush_batch(g);

	for (unsigned i = 0; i < 4; i++) {
		end[2 + i] = (uint8_t)(g->crc >> (8 * i));
		end[6 + i] = (uint8_t)(g->total >> (8 * i));
	}
	return rc < 0 ? rc : g->write(g->ctx, (struct span){end, sizeof(end)});
}
