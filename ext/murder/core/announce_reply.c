/*
 * The tracker's answer, both directions: BEP 3, BEP 7 (peers6), BEP 23
 * (compact), BEP 24 (external ip).
 */
#include <string.h>

#include "announce.h"
#include "benc.h"
#include "err.h"

/* ---- reading ------------------------------------------------------------- */

/* A count or a number of seconds, from a token that must be an integer. */
static int
read_u32(const struct benc_token *t, uint32_t *out)
{
	if (t->kind != BENC_INT)
		return ERR_TYPE;
	if (t->i < 0 || t->i > UINT32_MAX)
		return ERR_RANGE;
	*out = (uint32_t)t->i;
	return 0;
}

static int
read_str(const struct benc_token *t, struct span *out)
{
	if (t->kind != BENC_STR)
		return ERR_TYPE;
	*out = t->s;
	return 0;
}

/* One value of the reply whose key is known; its token has been read. */
static int
read_known(
    struct announce_reply *r, struct span key, const struct benc_token *t)
{
	if (span_equal(key, SPAN_LIT("failure reason")))
		return read_str(t, &r->failure);
	if (span_equal(key, SPAN_LIT("warning message")))
		return read_str(t, &r->warning);
	if (span_equal(key, SPAN_LIT("interval")))
		return read_u32(t, &r->interval_s);
	if (span_equal(key, SPAN_LIT("min interval")))
		return read_u32(t, &r->min_interval_s);
	if (span_equal(key, SPAN_LIT("complete")))
		return read_u32(t, &r->complete);
	if (span_equal(key, SPAN_LIT("incomplete")))
		return read_u32(t, &r->incomplete);
	if (span_equal(key, SPAN_LIT("murder_mates")))
		return read_u32(t, &r->mates);
	if (span_equal(key, SPAN_LIT("murder_mates6")))
		return read_u32(t, &r->mates6);
	if (span_equal(key, SPAN_LIT("murder_stripes")))
		return read_str(t, &r->links);
	if (span_equal(key, SPAN_LIT("peers6")))
		return read_str(t, &r->peers6);
	if (span_equal(key, SPAN_LIT("external ip"))) {
		if (t->kind != BENC_STR)
			return ERR_TYPE;
		r->has_external = addr_from_bytes(&r->external, t->s, 0) == 0;
	}
	return 0;
}

int
announce_parse_reply(struct announce_reply *r, struct span body)
{
	struct benc_reader in;
	struct benc_token key, value;
	struct span raw;
	int err;

	*r = (struct announce_reply){.interval_s = 0};
	benc_reader_init(&in, body, BENC_LENIENT);
	err = benc_next(&in, &key);
	if (err != 0)
		return err;
	if (key.kind != BENC_DICT)
		return ERR_TYPE;
	for (;;) {
		err = benc_next(&in, &key);
		if (err != 0 || key.kind == BENC_END)
			return err;
		err = benc_next(&in, &value);
		if (err != 0)
			return err;
		err = benc_skip(&in, &value, &raw);
		if (err != 0)
			return err;
		if (span_equal(key.s, SPAN_LIT("peers"))) {
			r->peers_are_dicts = value.kind == BENC_LIST;
			r->peers = r->peers_are_dicts ? raw : value.s;
			if (value.kind != BENC_LIST && value.kind != BENC_STR)
				return ERR_TYPE;
		} else {
			err = read_known(r, key.s, &value);
			if (err != 0)
				return err;
		}
	}
}

static uint32_t
take_compact(
    struct span in, enum addr_family family, struct addr *out, uint32_t max)
{
	uint32_t n = 0;

	while (n < max && addr_take_compact(&in, family, &out[n]) == 0)
		if (out[n].port != 0)
			n++;
	return n;
}

/* One { "ip": text, "port": n } of a list; its BENC_DICT has been read. False
 * ends the list. *usable: a is an address with a port. */
static bool
read_peer_dict(struct benc_reader *in, struct addr *a, bool *usable)
{
	struct benc_token key, value;
	struct span ip = {0};
	int64_t port = 0;

	for (;;) {
		if (benc_next(in, &key) != 0)
			return false;
		if (key.kind == BENC_END)
			break;
		if (benc_next(in, &value) != 0 ||
		    benc_skip(in, &value, NULL) != 0)
			return false;
		if (span_equal(key.s, SPAN_LIT("ip")) && value.kind == BENC_STR)
			ip = value.s;
		if (span_equal(key.s, SPAN_LIT("port")) &&
		    value.kind == BENC_INT)
			port = value.i;
	}
	*usable = port > 0 && port <= UINT16_MAX &&
		  addr_from_text(a, ip, (uint16_t)port) == 0;
	return true;
}

static uint32_t
read_peer_list(struct span raw, struct addr *out, uint32_t max)
{
	struct benc_reader in;
	struct benc_token t;
	uint32_t n = 0;

	benc_reader_init(&in, raw, BENC_LENIENT);
	if (benc_next(&in, &t) != 0) /* BENC_LIST: the reply was parsed */
		return 0;
	while (n < max && benc_next(&in, &t) == 0 && t.kind == BENC_DICT) {
		bool usable;

		if (!read_peer_dict(&in, &out[n], &usable))
			break;
		if (usable)
			n++;
	}
	return n;
}

uint32_t
announce_reply_peers(
    const struct announce_reply *r, struct addr *out, uint32_t max)
{
	uint32_t n = r->peers_are_dicts
			 ? read_peer_list(r->peers, out, max)
			 : take_compact(r->peers, ADDR_V4, out, max);

	return n + take_compact(r->peers6, ADDR_V6, out + n, max - n);
}

/* The first n of a compact list whose entries are so long. */
static struct span
first(struct span list, uint32_t n, size_t bytes)
{
	if (n < list.n / bytes)
		list.n = n * bytes;
	return list;
}

uint32_t
announce_reply_mates(
    const struct announce_reply *r, struct addr *out, uint32_t max)
{
	uint32_t n = 0;

	if (!r->peers_are_dicts)
		n = take_compact(
		    first(r->peers, r->mates, 6), ADDR_V4, out, max);
	return n + take_compact(first(r->peers6, r->mates6, 18), ADDR_V6,
		       out + n, max - n);
}

/*
 * A link is a byte — the stripe, and two bits — and a compact address.
 */
#define LINK_STRIPE 0x0fu
#define LINK_DOWN 0x10u
#define LINK_V6 0x20u

static int
take_link(struct span *in, struct announce_link *l)
{
	uint8_t what;
	int err = span_take_u8(in, &what);

	if (err != 0)
		return err;
	l->stripe = what & LINK_STRIPE;
	l->down = (what & LINK_DOWN) != 0;
	err = addr_take_compact(
	    in, (what & LINK_V6) != 0 ? ADDR_V6 : ADDR_V4, &l->addr);
	return err == 0 && l->stripe >= STRIPES ? ERR_RANGE : err;
}

uint32_t
announce_reply_links(
    const struct announce_reply *r, struct announce_link out[ANNOUNCE_LINKS])
{
	struct span in = r->links;
	uint32_t n = 0;

	while (n < ANNOUNCE_LINKS && take_link(&in, &out[n]) == 0)
		n++;
	return n;
}

/* ---- writing ------------------------------------------------------------- */

static void
put_number(struct buf *out, const char *key, uint32_t v)
{
	(void)benc_put_key(out, key);
	(void)benc_put_int(out, v);
}

/* How many of the first n peers are of that family. */
static uint32_t
count(const struct announce_answer *a, uint32_t n, enum addr_family family)
{
	uint32_t of = 0;

	for (uint32_t i = 0; i < n; i++)
		of += a->peers[i].addr.family == family;
	return of;
}

/* The compact peers of one family as one string under key. */
static void
put_compact(struct buf *out, const char *key, const struct announce_answer *a,
    enum addr_family family)
{
	size_t n_ip = family == ADDR_V4 ? 4 : 16;
	size_t n = count(a, a->n_peers, family) * (n_ip + 2);
	uint8_t *p;

	if (n == 0 && family == ADDR_V6)
		return;
	(void)benc_put_key(out, key);
	(void)buf_put_int(out, (int64_t)n);
	(void)buf_put_u8(out, ':');
	p = buf_grow(out, n); /* at once: this is most of the answer */
	if (p == NULL)
		return;
	for (uint32_t i = 0; i < a->n_peers; i++)
		if (a->peers[i].addr.family == family)
			p = addr_write_compact(p, &a->peers[i].addr);
}

/* How many of the compact peers of that family come first because they are in
 * the asker's rack. */
static void
put_mates(struct buf *out, const char *key, const struct announce_answer *a,
    enum addr_family family)
{
	uint32_t n = count(a, a->n_mates, family);

	if (n > 0)
		put_number(out, key, n);
}

static void
put_links(struct buf *out, const struct announce_answer *a)
{
	uint32_t i, n = 0;

	if (a->n_links == 0)
		return;
	for (i = 0; i < a->n_links; i++)
		n += a->link[i].addr.family == ADDR_V4 ? 7 : 19;
	(void)benc_put_key(out, "murder_stripes");
	(void)buf_put_int(out, (int64_t)n);
	(void)buf_put_u8(out, ':');
	for (i = 0; i < a->n_links; i++) {
		const struct announce_link *l = &a->link[i];
		unsigned what = l->stripe;

		what |= l->down ? LINK_DOWN : 0;
		what |= l->addr.family == ADDR_V6 ? LINK_V6 : 0;
		(void)buf_put_u8(out, (uint8_t)what);
		(void)addr_put_compact(out, &l->addr);
	}
}

static void
put_dicts(struct buf *out, const struct announce_answer *a)
{
	(void)benc_put_key(out, "peers");
	(void)benc_put_list(out);
	for (uint32_t i = 0; i < a->n_peers; i++) {
		const struct announce_peer *p = &a->peers[i];
		char text[ADDR_TEXT];

		addr_host_text(&p->addr, text);
		(void)benc_put_dict(out);
		(void)benc_put_key(out, "ip");
		(void)benc_put_str(out, span_str(text));
		if (!a->no_peer_id) {
			(void)benc_put_key(out, "peer id");
			(void)benc_put_str(out, (struct span){.p = p->peer_id,
						    .n = sizeof(p->peer_id)});
		}
		(void)benc_put_key(out, "port");
		(void)benc_put_int(out, p->addr.port);
		(void)benc_put_end(out);
	}
	(void)benc_put_end(out);
}

int
announce_build_answer(struct buf *out, const struct announce_answer *a)
{
	(void)benc_put_dict(out);
	put_number(out, "complete", a->complete);
	(void)benc_put_key(out, "external ip");
	(void)benc_put_str(
	    out, (struct span){.p = a->external.ip,
		     .n = a->external.family == ADDR_V4 ? 4 : 16});
	put_number(out, "incomplete", a->incomplete);
	put_number(out, "interval", a->interval_s);
	put_number(out, "min interval", a->min_interval_s);
	if (a->compact) {
		put_mates(out, "murder_mates", a, ADDR_V4);
		put_mates(out, "murder_mates6", a, ADDR_V6);
		put_links(out, a);
		put_compact(out, "peers", a, ADDR_V4);
		put_compact(out, "peers6", a, ADDR_V6);
	} else {
		put_dicts(out, a);
	}
	(void)benc_put_end(out);
	return buf_error(out);
}

int
announce_build_failure(struct buf *out, const char *reason)
{
	(void)benc_put_dict(out);
	(void)benc_put_key(out, "failure reason");
	(void)benc_put_str(out, span_str(reason));
	(void)benc_put_end(out);
	return buf_error(out);
}
