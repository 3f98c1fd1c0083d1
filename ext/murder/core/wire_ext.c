#include <assert.h>
#include <string.h>

#include "benc.h"
#include "err.h"
#include "wire.h"
#include "wire_ext.h"

/* ---- reading dictionaries ----------------------------------------------- */

/* Opens the outermost dictionary. */
static int
open_dict(struct benc_reader *r, struct span payload)
{
	struct benc_token t;
	int rc;

	benc_reader_init(r, payload, BENC_LENIENT);
	rc = benc_next(r, &t);
	return rc == 0 && t.kind != BENC_DICT ? ERR_TYPE : rc;
}

/* Reads a key and the first token of its value: 1, or 0 at the end of the
 * dictionary. */
static int
next_pair(struct benc_reader *r, struct span *key, struct benc_token *value)
{
	int rc = benc_next(r, value);

	if (rc != 0 || value->kind == BENC_END)
		return rc;
	*key = value->s;
	rc = benc_next(r, value);
	return rc == 0 ? 1 : rc;
}

/* A number the sender may choose freely: negative is "not said", more than
 * max is max. */
static int
read_clamped(const struct benc_token *t, uint32_t max, uint32_t *out)
{
	if (t->kind != BENC_INT)
		return ERR_TYPE;
	if (t->i < 0)
		*out = 0;
	else
		*out = t->i > max ? max : (uint32_t)t->i;
	return 0;
}

/* A number that makes no sense beyond max: then "not said". */
static int
read_within(const struct benc_token *t, uint32_t max, uint32_t *out)
{
	int rc = read_clamped(t, max, out);

	if (rc == 0 && t->i > max)
		*out = 0;
	return rc;
}

/* The dictionary m: names of extensions and the ids they want. */
static int
read_ids(struct benc_reader *r, const struct benc_token *t,
    struct wire_ext_handshake *h)
{
	struct benc_token value;
	struct span key;
	int rc;

	if (t->kind != BENC_DICT)
		return ERR_TYPE;
	while ((rc = next_pair(r, &key, &value)) == 1) {
		uint32_t id = 0;

		if (span_equal(key, SPAN_LIT("ut_pex"))) {
			rc = read_within(&value, UINT8_MAX, &id);
			h->id_pex = (uint8_t)id;
		} else if (span_equal(key, SPAN_LIT("murder_have"))) {
			rc = read_within(&value, UINT8_MAX, &id);
			h->id_haves = (uint8_t)id;
		} else if (span_equal(key, SPAN_LIT("murder_stripes"))) {
			rc = read_within(&value, UINT8_MAX, &id);
			h->id_stripes = (uint8_t)id;
		} else {
			rc = benc_skip(r, &value, NULL);
		}
		if (rc != 0)
			return rc;
	}
	return rc;
}

static int
read_string(const struct benc_token *t, struct span *out)
{
	*out = t->s;
	return t->kind == BENC_STR ? 0 : ERR_TYPE;
}

/* The value t behind one key of the handshake. */
static int
read_field(struct benc_reader *r, struct span key, const struct benc_token *t,
    struct wire_ext_handshake *h)
{
	uint32_t v = 0;
	int rc;

	if (span_equal(key, SPAN_LIT("m")))
		return read_ids(r, t, h);
	if (span_equal(key, SPAN_LIT("murder_block")))
		return read_clamped(t, UINT32_MAX, &h->block);
	if (span_equal(key, SPAN_LIT("murder_link"))) {
		rc = read_clamped(t, 1, &v);
		h->link = v != 0;
		return rc;
	}
	if (span_equal(key, SPAN_LIT("murder_rack")))
		return read_string(t, &h->rack);
	if (span_equal(key, SPAN_LIT("p"))) {
		rc = read_within(t, UINT16_MAX, &v);
		h->port = (uint16_t)v;
		return rc;
	}
	if (span_equal(key, SPAN_LIT("reqq")))
		return read_clamped(t, UINT32_MAX, &h->reqq);
	if (span_equal(key, SPAN_LIT("v")))
		return read_string(t, &h->client);
	if (span_equal(key, SPAN_LIT("yourip"))) {
		rc = read_string(t, &h->yourip);
		if (h->yourip.n != 4 && h->yourip.n != 16)
			h->yourip = (struct span){0};
		return rc;
	}
	return benc_skip(r, t, NULL);
}

int
wire_ext_parse(struct wire_ext_handshake *h, struct span payload)
{
	struct benc_reader r;
	struct benc_token t;
	struct span key;
	int rc = open_dict(&r, payload);

	*h = (struct wire_ext_handshake){0};
	if (rc != 0)
		return rc;
	while ((rc = next_pair(&r, &key, &t)) == 1) {
		rc = read_field(&r, key, &t, h);
		if (rc != 0)
			return rc;
	}
	return rc;
}

int
wire_pex_parse(struct wire_pex *p, struct span payload)
{
	struct benc_reader r;
	struct benc_token t;
	struct span key;
	int rc = open_dict(&r, payload);

	*p = (struct wire_pex){0};
	if (rc != 0)
		return rc;
	while ((rc = next_pair(&r, &key, &t)) == 1) {
		if (span_equal(key, SPAN_LIT("added")))
			rc = read_string(&t, &p->added);
		else if (span_equal(key, SPAN_LIT("added6")))
			rc = read_string(&t, &p->added6);
		else
			rc = benc_skip(&r, &t, NULL);
		if (rc != 0)
			return rc;
	}
	if (rc == 0 && (p->added.n % 6 != 0 || p->added6.n % 18 != 0))
		rc = ERR_PROTOCOL;
	return rc;
}

/* ---- writing ------------------------------------------------------------ */

/* A number, unless it is 0. */
static void
put_number(struct buf *out, const char *key, uint32_t v)
{
	if (v == 0)
		return;
	(void)benc_put_key(out, key);
	(void)benc_put_int(out, v);
}

/* A string, unless it is empty. */
static void
put_string(struct buf *out, const char *key, struct span s)
{
	if (s.n == 0)
		return;
	(void)benc_put_key(out, key);
	(void)benc_put_str(out, s);
}

int
wire_ext_build(struct buf *out, const struct wire_ext_handshake *h)
{
	(void)benc_put_dict(out);
	if (h->id_pex != 0 || h->id_haves != 0 || h->id_stripes != 0) {
		(void)benc_put_key(out, "m");
		(void)benc_put_dict(out);
		put_number(out, "murder_have", h->id_haves);
		put_number(out, "murder_stripes", h->id_stripes);
		put_number(out, "ut_pex", h->id_pex);
		(void)benc_put_end(out);
	}
	put_number(out, "murder_block", h->block);
	put_number(out, "murder_link", h->link ? 1 : 0);
	put_string(out, "murder_rack", h->rack);
	put_number(out, "p", h->port);
	put_number(out, "reqq", h->reqq);
	put_string(out, "v", h->client);
	put_string(out, "yourip", h->yourip);
	return benc_put_end(out);
}

/* One zero byte for each of n addresses. */
static void
put_flags(struct buf *out, const char *key, size_t n)
{
	uint8_t *p;

	if (n == 0)
		return;
	(void)benc_put_key(out, key);
	(void)buf_put_int(out, (int64_t)n);
	(void)buf_put_u8(out, ':');
	p = buf_grow(out, n);
	if (p != NULL)
		memset(p, 0, n);
}

int
wire_pex_build(struct buf *out, const struct wire_pex *p)
{
	(void)benc_put_dict(out);
	put_string(out, "added", p->added);
	put_flags(out, "added.f", p->added.n / 6);
	put_string(out, "added6", p->added6);
	put_flags(out, "added6.f", p->added6.n / 18);
	return benc_put_end(out);
}

/* ---- several HAVEs ------------------------------------------------------ */

static bool
is_narrow(uint32_t n_pieces)
{
	return n_pieces <= UINT16_MAX + 1u;
}

int
wire_put_haves(struct buf *out, uint8_t ext_id, uint32_t n_pieces,
    const uint32_t *piece, uint32_t n)
{
	uint8_t body[4 * WIRE_HAVES_MAX];
	size_t at = 0;
	uint32_t i;

	assert(n <= WIRE_HAVES_MAX);
	for (i = 0; i < n; i++) {
		if (!is_narrow(n_pieces)) {
			body[at++] = (uint8_t)(piece[i] >> 24);
			body[at++] = (uint8_t)(piece[i] >> 16);
		}
		body[at++] = (uint8_t)(piece[i] >> 8);
		body[at++] = (uint8_t)piece[i];
	}
	return wire_put_extended(
	    out, ext_id, (struct span){.p = body, .n = at});
}

int
wire_take_have(struct span *payload, uint32_t n_pieces, uint32_t *piece)
{
	uint16_t narrow = 0;
	int rc;

	if (is_narrow(n_pieces)) {
		rc = span_take_be16(payload, &narrow);
		*piece = narrow;
	} else {
		rc = span_take_be32(payload, piece);
	}
	if (rc != 0)
		return rc;
	return *piece < n_pieces ? 0 : ERR_RANGE;
}

/* ---- stripes ------------------------------------------------------------ */

int
wire_put_stripes(
    struct buf *out, uint8_t ext_id, enum wire_stripes_kind kind, stripes_t of)
{
	uint8_t body[2] = {(uint8_t)kind, of};

	return wire_put_extended(
	    out, ext_id, (struct span){.p = body, .n = sizeof(body)});
}

int
wire_take_stripes(
    struct span *payload, enum wire_stripes_kind *kind, stripes_t *of)
{
	uint8_t what = 0;
	int rc = span_take_u8(payload, &what);

	if (rc == 0)
		rc = span_take_u8(payload, of);
	if (rc != 0)
		return rc;
	*kind = (enum wire_stripes_kind)what;
	return what <= WIRE_STRIPES_QUIT && *of <= STRIPES_ALL ? 0 : ERR_RANGE;
}
