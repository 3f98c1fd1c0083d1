#include "benc.h"
#include "err.h"
#include "metainfo_int.h"

struct parser {
	struct benc_reader r;
	struct metainfo *m;
	const char *key; /* what is being read, for the error */
	struct span announce;
	int64_t piece_length;
	bool has_info, has_length, has_name, has_piece_length, has_pieces;
	bool has_v2; /* BEP 52 */
};

/* Reads the next token, which must be of that kind. */
static int
want(struct parser *p, enum benc_kind kind, struct benc_token *t)
{
	int rc = benc_next(&p->r, t);

	if (rc == 0 && t->kind != kind)
		rc = ERR_TYPE;
	return rc;
}

static int
want_str(struct parser *p, struct span *out)
{
	struct benc_token t;
	int rc = want(p, BENC_STR, &t);

	*out = t.s;
	return rc;
}

/* An integer that is not negative. */
static int
want_count(struct parser *p, int64_t *out)
{
	struct benc_token t;
	int rc = want(p, BENC_INT, &t);

	*out = t.i;
	return rc == 0 && t.i < 0 ? ERR_RANGE : rc;
}

static int
skip_value(struct parser *p)
{
	struct benc_token t;
	int rc = benc_next(&p->r, &t);

	return rc == 0 ? benc_skip(&p->r, &t, NULL) : rc;
}

/* Empty and surplus URLs are passed over. */
static int
add_tracker(struct metainfo *m, struct span url, uint32_t tier)
{
	int rc;

	if (url.n == 0 || m->n_trackers == LIMIT_TRACKERS)
		return 0;
	rc = metainfo_check_url(url);
	if (rc != 0)
		return rc;
	m->trackers[m->n_trackers].url = url;
	m->trackers[m->n_trackers].tier = tier;
	m->n_trackers++;
	return 0;
}

/* BEP 12: a list of tiers, each a list of URLs. */
static int
read_announce_list(struct parser *p)
{
	struct benc_token t;
	int rc = want(p, BENC_LIST, &t);

	for (uint32_t tier = 0; rc == 0; tier++) {
		rc = benc_next(&p->r, &t);
		if (rc != 0 || t.kind == BENC_END)
			return rc;
		if (t.kind != BENC_LIST)
			return ERR_TYPE;
		while ((rc = benc_next(&p->r, &t)) == 0 && t.kind == BENC_STR) {
			rc = add_tracker(p->m, t.s, tier);
			if (rc != 0)
				return rc;
		}
		if (rc == 0 && t.kind != BENC_END)
			return ERR_TYPE;
	}
	return rc;
}

/* The value behind one key of the info dictionary. */
static int
read_info_value(struct parser *p, struct span key)
{
	struct metainfo *m = p->m;
	int64_t v = 0;
	int rc;

	if (span_equal(key, SPAN_LIT("files"))) {
		p->key = "info.files";
		return ERR_UNSUPPORTED;
	}
	if (span_equal(key, SPAN_LIT("length"))) {
		p->key = "info.length";
		p->has_length = true;
		rc = want_count(p, &v);
		m->length = (uint64_t)v;
		return rc;
	}
	if (span_equal(key, SPAN_LIT("name"))) {
		p->key = "info.name";
		p->has_name = true;
		return want_str(p, &m->name);
	}
	if (span_equal(key, SPAN_LIT("piece length"))) {
		p->key = "info.piece length";
		p->has_piece_length = true;
		return want_count(p, &p->piece_length);
	}
	if (span_equal(key, SPAN_LIT("pieces"))) {
		p->key = "info.pieces";
		p->has_pieces = true;
		return want_str(p, &m->pieces);
	}
	if (span_equal(key, SPAN_LIT("private"))) {
		p->key = "info.private";
		rc = want_count(p, &v);
		m->is_private = v != 0;
		return rc;
	}
	if (span_equal(key, SPAN_LIT("meta version")))
		p->has_v2 = true;
	return skip_value(p);
}

/* The info dictionary has everything it needs, and it fits together. */
static int
finish_info(struct parser *p)
{
	int rc;

	p->key = "info.meta version";
	if (p->has_v2 && !p->has_pieces)
		return ERR_UNSUPPORTED;
	p->key = "info.length";
	if (!p->has_length)
		return ERR_MISSING;
	p->key = "info.name";
	if (!p->has_name)
		return ERR_MISSING;
	p->key = "info.piece length";
	if (!p->has_piece_length)
		return ERR_MISSING;
	p->key = "info.pieces";
	if (!p->has_pieces)
		return ERR_MISSING;
	rc = metainfo_check_info(
	    p->m, (uint64_t)p->piece_length, &p->m->n_pieces, &p->key);
	if (rc == 0)
		p->m->piece_length = (uint32_t)p->piece_length;
	return rc;
}

static int
read_info(struct parser *p)
{
	struct span whole = p->r.rest;
	struct benc_token t;
	int rc;

	p->key = "info";
	p->has_info = true;
	rc = want(p, BENC_DICT, &t);
	while (rc == 0) {
		p->key = "info";
		rc = benc_next(&p->r, &t);
		if (rc != 0 || t.kind == BENC_END)
			break;
		rc = read_info_value(p, t.s);
	}
	if (rc != 0)
		return rc;
	p->m->info = span_taken(whole, p->r.rest);
	return finish_info(p);
}

/* The value behind one key of the outermost dictionary. */
static int
read_value(struct parser *p, struct span key)
{
	if (span_equal(key, SPAN_LIT("announce"))) {
		p->key = "announce";
		return want_str(p, &p->announce);
	}
	if (span_equal(key, SPAN_LIT("announce-list"))) {
		p->key = "announce-list";
		return read_announce_list(p);
	}
	if (span_equal(key, SPAN_LIT("info")))
		return read_info(p);
	return skip_value(p);
}

/* Everything up to the end of the outermost dictionary. */
static int
read_torrent(struct parser *p)
{
	struct benc_token t;
	int rc = want(p, BENC_DICT, &t);

	while (rc == 0) {
		p->key = NULL;
		rc = benc_next(&p->r, &t);
		if (rc != 0 || t.kind == BENC_END)
			return rc;
		rc = read_value(p, t.s);
	}
	return rc;
}

/* What can only be said at the end. */
static int
finish_torrent(struct parser *p)
{
	if (p->r.rest.n > 0)
		return ERR_TRAILING;
	p->key = "info";
	if (!p->has_info)
		return ERR_MISSING;
	p->key = "announce";
	if (p->m->n_trackers == 0) {
		int rc = add_tracker(p->m, p->announce, 0);

		if (rc != 0)
			return rc;
	}
	return p->m->n_trackers == 0 ? ERR_MISSING : 0;
}

int
metainfo_parse(struct metainfo *m, struct span torrent, const char **key)
{
	struct parser p = {.m = m};
	int rc;

	*m = (struct metainfo){.n_trackers = 0};
	*key = NULL;
	if (torrent.n > LIMIT_TORRENT_BYTES)
		return ERR_LIMIT;
	benc_reader_init(&p.r, torrent, BENC_STRICT);
	rc = read_torrent(&p);
	if (rc == 0)
		rc = finish_torrent(&p);
	if (rc != 0)
		*key = p.key;
	return rc;
}
