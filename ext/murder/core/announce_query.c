/*
 * The query string of an announce or scrape, both directions (BEP 3, BEP 23,
 * BEP 48). Bytes are percent-escaped as RFC 3986 has it; '+' is itself.
 */
#include <string.h>

#include "announce.h"
#include "err.h"
#include "rack.h"

/* ---- reading ------------------------------------------------------------- */

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Takes one byte off the front of *in, undoing its escape. */
static int
take_byte(struct span *in, uint8_t *out)
{
	uint8_t c = 0, high = 0, low = 0;
	int err = span_take_u8(in, &c);

	if (err != 0 || c != '%') {
		*out = c;
		return err;
	}
	if (span_take_u8(in, &high) != 0 || span_take_u8(in, &low) != 0 ||
	    hex_digit(high) < 0 || hex_digit(low) < 0)
		return ERR_SYNTAX;
	*out = (uint8_t)(hex_digit(high) << 4 | hex_digit(low));
	return 0;
}

/* Undoes the escapes of value into out, at most max bytes. Gives the length
 * in *n; ERR_SYNTAX, ERR_LENGTH if it is longer. */
static int
unescape(struct span value, uint8_t *out, size_t max, size_t *n)
{
	*n = 0;
	while (value.n > 0) {
		uint8_t c;
		int err = take_byte(&value, &c);

		if (err != 0)
			return err;
		if (*n == max)
			return ERR_LENGTH;
		out[(*n)++] = c;
	}
	return 0;
}

/* Exactly 20 bytes. */
static int
read_hash(struct span value, uint8_t out[20])
{
	size_t n;
	int err = unescape(value, out, 20, &n);

	if (err == 0 && n != 20)
		err = ERR_LENGTH;
	return err;
}

/* Decimal digits, nothing else, at most max. */
static int
read_number(struct span value, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	uint8_t c;

	if (value.n == 0)
		return ERR_RANGE;
	while (span_take_u8(&value, &c) == 0) {
		uint64_t digit = (uint64_t)c - '0';

		if (c < '0' || c > '9' || v > (max - digit) / 10)
			return ERR_RANGE;
		v = v * 10 + digit;
	}
	*out = v;
	return 0;
}

/* Our clients say 8 hexadecimal digits; others' keys are folded, for they
 * only ever are compared. */
static uint32_t
read_key(struct span value)
{
	uint32_t v = 0;
	uint8_t c;

	while (span_take_u8(&value, &c) == 0) {
		int digit = hex_digit(c);

		if (digit < 0)
			v = v * 31 + c;
		else
			v = v << 4 | v >> 28 | (uint32_t)digit;
	}
	return v;
}

static enum announce_event
read_event(struct span value)
{
	if (span_equal(value, SPAN_LIT("started")))
		return ANNOUNCE_STARTED;
	if (span_equal(value, SPAN_LIT("completed")))
		return ANNOUNCE_COMPLETED;
	if (span_equal(value, SPAN_LIT("stopped")))
		return ANNOUNCE_STOPPED;
	return ANNOUNCE_NONE;
}

/* An address that cannot be read, such as a host name, counts as not said. */
static int
read_ip(struct span value, struct announce_query *q)
{
	uint8_t text[ADDR_TEXT];
	size_t n;
	int err = unescape(value, text, sizeof(text), &n);

	if (err == ERR_SYNTAX)
		return err;
	q->has_ip = err == 0 && addr_from_text(&q->ip,
				    (struct span){.p = text, .n = n}, 0) == 0;
	return 0;
}

/* What may not be a label counts as not said. */
static int
read_rack(struct span value, struct announce_query *q)
{
	size_t n;
	int err = unescape(value, (uint8_t *)q->rack, LIMIT_RACK_BYTES, &n);

	if (err != 0)
		n = 0;
	q->rack[n] = '\0';
	if (!rack_label_ok(span_str(q->rack)) || strlen(q->rack) != n)
		q->rack[0] = '\0';
	return err == ERR_SYNTAX ? err : 0;
}

/* -1 and its like are how some clients leave it to the tracker. */
static int
read_numwant(struct span value, uint32_t *out)
{
	uint64_t v;

	*out = UINT32_MAX;
	if (value.n > 0 && value.p[0] == '-')
		return 0;
	if (read_number(value, UINT64_MAX, &v) != 0)
		return ERR_RANGE;
	*out = v < UINT32_MAX ? (uint32_t)v : UINT32_MAX - 1;
	return 0;
}

static int
read_stripes(struct span value, struct announce_query *q)
{
	uint64_t v = 0;

	if (read_number(value, UINT64_MAX, &v) != 0)
		return ERR_RANGE;
	q->striped = true;
	q->lost = (stripes_t)(v & STRIPES_ALL);
	q->behind = (stripes_t)(v >> STRIPES & STRIPES_ALL);
	return 0;
}

/* A compact address; anything else counts as not said. */
static int
read_stuck(struct span value, struct announce_query *q)
{
	uint8_t text[18];
	size_t n = 0;
	struct span in;
	int err = unescape(value, text, sizeof(text), &n);

	if (err == ERR_SYNTAX)
		return err;
	in = (struct span){.p = text, .n = n};
	q->has_stuck =
	    err == 0 && (n == 6 || n == 18) &&
	    addr_take_compact(&in, n == 6 ? ADDR_V4 : ADDR_V6, &q->stuck) == 0;
	return 0;
}

static int
read_port(struct span value, uint16_t *out)
{
	uint64_t v = 0;

	if (read_number(value, UINT16_MAX, &v) != 0 || v == 0)
		return ERR_RANGE;
	*out = (uint16_t)v;
	return 0;
}

enum key {
	KEY_INFO_HASH,
	KEY_PEER_ID,
	KEY_PORT, /* up to here: required */
	KEY_UPLOADED,
	KEY_DOWNLOADED,
	KEY_LEFT,
	KEY_EVENT,
	KEY_NUMWANT,
	KEY_KEY,
	KEY_IP,
	KEY_COMPACT,
	KEY_NO_PEER_ID,
	KEY_RACK,
	KEY_STRIPES,
	KEY_STUCK,
	N_KEYS
};

static const char *const key_name[N_KEYS] = {
    [KEY_INFO_HASH] = "info_hash",
    [KEY_PEER_ID] = "peer_id",
    [KEY_PORT] = "port",
    [KEY_UPLOADED] = "uploaded",
    [KEY_DOWNLOADED] = "downloaded",
    [KEY_LEFT] = "left",
    [KEY_EVENT] = "event",
    [KEY_NUMWANT] = "numwant",
    [KEY_KEY] = "key",
    [KEY_IP] = "ip",
    [KEY_COMPACT] = "compact",
    [KEY_NO_PEER_ID] = "no_peer_id",
    [KEY_RACK] = "murder_rack",
    [KEY_STRIPES] = "murder_stripes",
    [KEY_STUCK] = "murder_stuck",
};

static enum key
which_key(struct span name)
{
	unsigned k = 0;

	while (k < N_KEYS && !span_equal(name, span_str(key_name[k])))
		k++;
	return (enum key)k;
}

static int
read_value(struct announce_query *q, enum key k, struct span value)
{
	switch (k) {
	case KEY_INFO_HASH:
		return read_hash(value, q->info_hash);
	case KEY_PEER_ID:
		return read_hash(value, q->peer_id);
	case KEY_PORT:
		return read_port(value, &q->port);
	case KEY_UPLOADED:
		return read_number(value, UINT64_MAX, &q->uploaded);
	case KEY_DOWNLOADED:
		return read_number(value, UINT64_MAX, &q->downloaded);
	case KEY_LEFT:
		return read_number(value, UINT64_MAX, &q->left);
	case KEY_EVENT:
		q->event = read_event(value);
		return 0;
	case KEY_NUMWANT:
		return read_numwant(value, &q->numwant);
	case KEY_KEY:
		q->key = read_key(value);
		return 0;
	case KEY_IP:
		return read_ip(value, q);
	case KEY_COMPACT:
		q->compact = !span_equal(value, SPAN_LIT("0"));
		return 0;
	case KEY_NO_PEER_ID:
		q->no_peer_id = span_equal(value, SPAN_LIT("1"));
		return 0;
	case KEY_RACK:
		return read_rack(value, q);
	case KEY_STRIPES:
		return read_stripes(value, q);
	case KEY_STUCK:
		return read_stuck(value, q);
	case N_KEYS:
		break;
	}
	return 0;
}

/* Takes "name=value" and its '&' off the front of *query. */
static void
take_pair(struct span *query, struct span *name, struct span *value)
{
	const uint8_t *end = memchr(query->p, '&', query->n);
	size_t n = end != NULL ? (size_t)(end - query->p) : query->n;
	const uint8_t *eq = memchr(query->p, '=', n);
	size_t n_name = eq != NULL ? (size_t)(eq - query->p) : n;

	(void)span_take(query, n_name, name);
	*value = (struct span){.p = NULL, .n = 0};
	if (n_name < n) {
		(void)span_take(query, n - n_name, value);
		(void)span_take(value, 1, &(struct span){0});
	}
	if (query->n > 0)
		(void)span_take(query, 1, &(struct span){0});
}

int
announce_parse_query(
    struct announce_query *q, struct span query, const char **key)
{
	uint32_t seen = 0;

	*q = (struct announce_query){.numwant = UINT32_MAX, .compact = true};
	*key = "query";
	if (query.n > LIMIT_QUERY_BYTES)
		return ERR_LIMIT;
	while (query.n > 0) {
		struct span name, value;
		enum key k;
		int err;

		take_pair(&query, &name, &value);
		k = which_key(name);
		if (k == N_KEYS)
			continue;
		*key = key_name[k];
		err = read_value(q, k, value);
		if (err != 0)
			return err;
		seen |= UINT32_C(1) << k;
	}
	for (unsigned k = 0; k <= KEY_PORT; k++) {
		*key = key_name[k];
		if ((seen >> k & 1) == 0)
			return ERR_MISSING;
	}
	*key = NULL;
	return 0;
}

int
announce_parse_scrape(struct announce_scrape *s, struct span query)
{
	s->n = 0;
	if (query.n > LIMIT_QUERY_BYTES)
		return ERR_LIMIT;
	while (query.n > 0) {
		struct span name, value;
		int err;

		take_pair(&query, &name, &value);
		if (which_key(name) != KEY_INFO_HASH)
			continue;
		if (s->n == LIMIT_SCRAPE)
			return ERR_LIMIT;
		err = read_hash(value, s->info_hash[s->n]);
		if (err != 0)
			return err;
		s->n++;
	}
	return 0;
}

/* ---- writing ------------------------------------------------------------- */

static void
put_escaped(struct buf *out, const uint8_t *p, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < n; i++) {
		uint8_t c = p[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			     (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
			     c == '_' || c == '~';

		if (plain) {
			(void)buf_put_u8(out, c);
			continue;
		}
		(void)buf_put_u8(out, '%');
		(void)buf_put_u8(out, (uint8_t)hex[c >> 4]);
		(void)buf_put_u8(out, (uint8_t)hex[c & 15]);
	}
}

/* Byte counts are below 2^63: there are no such files. */
static void
put_number(struct buf *out, const char *name, uint64_t v)
{
	(void)buf_put_str(out, name);
	(void)buf_put_int(out, v <= INT64_MAX ? (int64_t)v : INT64_MAX);
}

static void
put_key(struct buf *out, uint32_t key)
{
	static const char hex[] = "0123456789abcdef";

	(void)buf_put_str(out, "&key=");
	for (int shift = 28; shift >= 0; shift -= 4)
		(void)buf_put_u8(out, (uint8_t)hex[key >> shift & 15]);
}

static void
put_event(struct buf *out, enum announce_event event)
{
	static const char *const text[] = {
	    [ANNOUNCE_NONE] = "",
	    [ANNOUNCE_STARTED] = "&event=started",
	    [ANNOUNCE_COMPLETED] = "&event=completed",
	    [ANNOUNCE_STOPPED] = "&event=stopped",
	};

	(void)buf_put_str(out, text[event]);
}

int
announce_put_url(
    struct buf *out, struct span url, const struct announce_query *q)
{
	bool has_query = url.n > 0 && memchr(url.p, '?', url.n) != NULL;
	uint8_t last = url.n > 0 ? url.p[url.n - 1] : '\0';

	(void)buf_put_span(out, url);
	if (!has_query)
		(void)buf_put_str(out, "?");
	else if (last != '?' && last != '&')
		(void)buf_put_str(out, "&");
	(void)buf_put_str(out, "info_hash=");
	put_escaped(out, q->info_hash, sizeof(q->info_hash));
	(void)buf_put_str(out, "&peer_id=");
	put_escaped(out, q->peer_id, sizeof(q->peer_id));
	put_number(out, "&port=", q->port);
	put_number(out, "&uploaded=", q->uploaded);
	put_number(out, "&downloaded=", q->downloaded);
	put_number(out, "&left=", q->left);
	(void)buf_put_str(out, q->compact ? "&compact=1" : "&compact=0");
	if (q->no_peer_id)
		(void)buf_put_str(out, "&no_peer_id=1");
	if (q->numwant != UINT32_MAX)
		put_number(out, "&numwant=", q->numwant);
	put_key(out, q->key);
	put_event(out, q->event);
	if (q->rack[0] != '\0') {
		(void)buf_put_str(out, "&murder_rack=");
		put_escaped(out, (const uint8_t *)q->rack, strlen(q->rack));
	}
	if (q->striped)
		put_number(out, "&murder_stripes=",
		    q->lost | (uint32_t)q->behind << STRIPES);
	if (q->has_stuck) {
		uint8_t at[18];

		(void)buf_put_str(out, "&murder_stuck=");
		put_escaped(
		    out, at, (size_t)(addr_write_compact(at, &q->stuck) - at));
	}
	if (q->has_ip) {
		char text[ADDR_TEXT];

		addr_host_text(&q->ip, text);
		(void)buf_put_str(out, "&ip=");
		put_escaped(out, (const uint8_t *)text, strlen(text));
	}
	return buf_error(out);
}
