/*
 * .torrent files: whatever is accepted keeps every promise of metainfo.h, and
 * what metainfo_build() makes of it is read back as the same.
 */
#include "fuzz.h"

#include "core/benc.h"
#include "core/err.h"
#include "core/metainfo.h"

static void
check(const struct metainfo *m)
{
	uint64_t total = 0;

	assert(metainfo_name_safe(m->name));
	assert(m->piece_length >= LIMIT_PIECE_MIN);
	assert(m->piece_length <= LIMIT_PIECE_MAX);
	assert((m->piece_length & (m->piece_length - 1)) == 0);
	assert(m->n_pieces <= LIMIT_PIECES);
	assert(m->pieces.n == (size_t)m->n_pieces * SHA1_BYTES);
	for (uint32_t i = 0; i < m->n_pieces; i++) {
		uint32_t n = metainfo_piece_size(m->length, m->piece_length, i);

		assert(n > 0);
		assert(n <= m->piece_length);
		total += n;
	}
	assert(total == m->length);
	assert(m->n_trackers > 0);
	assert(m->n_trackers <= LIMIT_TRACKERS);
	assert(m->info.p[0] == 'd');
	assert(m->info.p[m->info.n - 1] == 'e');
}

/* Builds a torrent of the same contents and reads it. */
static void
check_built(const struct metainfo *m)
{
	struct span urls[LIMIT_TRACKERS];
	struct metainfo_spec spec = {
	    .announce = m->trackers[0].url,
	    .more_trackers = urls,
	    .n_more_trackers = m->n_trackers - 1,
	    .name = m->name,
	    .pieces = m->pieces,
	    .length = m->length,
	    .piece_length = m->piece_length,
	    .is_private = m->is_private,
	};
	struct metainfo again;
	const char *key;
	struct buf out;
	int rc;

	for (uint32_t i = 1; i < m->n_trackers; i++)
		urls[i - 1] = m->trackers[i].url;
	buf_init(&out, &fuzz_mem, LIMIT_TORRENT_BYTES);
	rc = metainfo_build(&out, &spec);
	assert(rc == 0);
	rc = metainfo_parse(&again, buf_span(&out), &key);
	assert(rc == 0);
	check(&again);
	assert(span_equal(again.name, m->name));
	assert(span_equal(again.pieces, m->pieces));
	assert(again.length == m->length);
	assert(again.piece_length == m->piece_length);
	assert(again.is_private == m->is_private);
	assert(again.n_trackers == m->n_trackers);
	for (uint32_t i = 0; i < m->n_trackers; i++)
		assert(span_equal(again.trackers[i].url, m->trackers[i].url));
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct metainfo m;
	const char *key = "";
	int rc = metainfo_parse(&m, (struct span){data, size}, &key);

	assert(rc <= 0);
	if (rc != 0)
		return 0;
	assert(key == NULL);
	check(&m);
	check_built(&m);
	return 0;
}
