#include "benc.h"
#include "err.h"
#include "metainfo_int.h"

static int
check_spec(const struct metainfo_spec *s)
{
	const struct metainfo m = {
	    .name = s->name, .pieces = s->pieces, .length = s->length};
	const char *key;
	uint32_t n_pieces;
	int rc = metainfo_check_info(&m, s->piece_length, &n_pieces, &key);

	if (rc == 0 && s->n_more_trackers >= LIMIT_TRACKERS)
		rc = ERR_LIMIT;
	if (rc == 0)
		rc = s->announce.n == 0 ? ERR_TYPE
					: metainfo_check_url(s->announce);
	for (uint32_t i = 0; rc == 0 && i < s->n_more_trackers; i++)
		rc = s->more_trackers[i].n == 0
			 ? ERR_TYPE
			 : metainfo_check_url(s->more_trackers[i]);
	return rc;
}

static void
put_tier(struct buf *out, struct span url)
{
	(void)benc_put_list(out);
	(void)benc_put_str(out, url);
	(void)benc_put_end(out);
}

static void
put_announce(struct buf *out, const struct metainfo_spec *s)
{
	(void)benc_put_key(out, "announce");
	(void)benc_put_str(out, s->announce);
	if (s->n_more_trackers == 0)
		return;
	(void)benc_put_key(out, "announce-list");
	(void)benc_put_list(out);
	put_tier(out, s->announce);
	for (uint32_t i = 0; i < s->n_more_trackers; i++)
		put_tier(out, s->more_trackers[i]);
	(void)benc_put_end(out);
}

static void
put_info(struct buf *out, const struct metainfo_spec *s)
{
	(void)benc_put_key(out, "info");
	(void)benc_put_dict(out);
	(void)benc_put_key(out, "length");
	(void)benc_put_int(out, (int64_t)s->length);
	(void)benc_put_key(out, "name");
	(void)benc_put_str(out, s->name);
	(void)benc_put_key(out, "piece length");
	(void)benc_put_int(out, s->piece_length);
	(void)benc_put_key(out, "pieces");
	(void)benc_put_str(out, s->pieces);
	if (s->is_private) {
		(void)benc_put_key(out, "private");
		(void)benc_put_int(out, 1);
	}
	(void)benc_put_end(out);
}

int
metainfo_build(struct buf *out, const struct metainfo_spec *spec)
{
	int rc = check_spec(spec);

	if (rc != 0)
		return rc;
	(void)benc_put_dict(out);
	put_announce(out, spec);
	if (spec->created_by.n > 0) {
		(void)benc_put_key(out, "created by");
		(void)benc_put_str(out, spec->created_by);
	}
	put_info(out, spec);
	return benc_put_end(out);
}

uint32_t
metainfo_good_piece_length(uint64_t length)
{
	uint32_t piece = LIMIT_PIECE_MIN;

	if (length > (uint64_t)PIECES_GOOD / 2 * piece)
		piece *= 2;
	while (length > (uint64_t)PIECES_GOOD * piece && piece < 1u << 20)
		piece *= 2;
	while (
	    length > (uint64_t)LIMIT_PIECES * piece && piece < LIMIT_PIECE_MAX)
		piece *= 2;
	return piece;
}
