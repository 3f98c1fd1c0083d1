/*
 * How a message is found: needed() looks at the bytes that are there and says
 * how many must be there at least. Once that many are, it is asked no more: the
 * unit (a handshake, a message, the head of a block) is whole and can be taken
 * apart. A unit that lies whole in the input is read where it lies; only one
 * that is cut off by the input's end is gathered in r->held.
 */
#include <assert.h>
#include <string.h>

#include "err.h"
#include "wire.h"

/* Length prefix and id. */
#define PREFIX_BYTES 4u
#define ID_AT 4u

void
wire_reader_init(struct wire_reader *r, const struct mem *mem,
    uint32_t max_message, uint32_t max_block)
{
	/* Sums with a message's length fit in 32 bits. */
	assert(max_message <= UINT32_MAX / 2);
	assert(max_block <= UINT32_MAX / 2);
	*r = (struct wire_reader){
	    .max_message = max_message, .max_block = max_block};
	buf_init(&r->held, mem,
	    WIRE_HANDSHAKE_BYTES + PREFIX_BYTES + (size_t)max_message);
}

void
wire_reader_free(struct wire_reader *r)
{
	buf_free(&r->held);
}

/* The length of the messages of that id, id included; 0 if it varies or the
 * id is unknown. */
static uint32_t
fixed_length(uint8_t id)
{
	switch (id) {
	case WIRE_CHOKE:
	case WIRE_UNCHOKE:
	case WIRE_INTERESTED:
	case WIRE_NOT_INTERESTED:
	case WIRE_HAVE_ALL:
	case WIRE_HAVE_NONE:
		return 1;
	case WIRE_PORT:
		return 3;
	case WIRE_HAVE:
	case WIRE_SUGGEST:
	case WIRE_ALLOWED_FAST:
		return 5;
	case WIRE_REQUEST:
	case WIRE_CANCEL:
	case WIRE_REJECT:
		return 13;
	default:
		return 0;
	}
}

/* Whether messages of that id carry a body of any length. */
static bool
has_body(uint8_t id)
{
	return id == WIRE_BITFIELD || id == WIRE_EXTENDED;
}

/* needed() for a message of that length (the prefix's value) and id. */
static int
needed_of(const struct wire_reader *r, uint32_t length, uint8_t id, uint32_t *n)
{
	uint32_t fixed = fixed_length(id);

	if (id == WIRE_PIECE) {
		*n = WIRE_PIECE_HEAD_BYTES;
		if (length <= WIRE_PIECE_HEAD_BYTES - PREFIX_BYTES)
			return ERR_PROTOCOL;
		return length - (WIRE_PIECE_HEAD_BYTES - PREFIX_BYTES) >
			       r->max_block
			   ? ERR_LIMIT
			   : 0;
	}
	if (fixed != 0) {
		*n = PREFIX_BYTES + fixed;
		return length == fixed ? 0 : ERR_PROTOCOL;
	}
	if (length > r->max_message)
		return ERR_LIMIT;
	if (id == WIRE_EXTENDED && length < 2)
		return ERR_PROTOCOL;
	/* Unknown: the rest is skipped, not gathered. */
	*n = PREFIX_BYTES + (has_body(id) ? length : 1);
	return 0;
}

/* Sets *n to the bytes of the unit that begins with have, as far as have lets
 * one tell: if *n <= have.n it is exact. ERR_PROTOCOL, ERR_LIMIT. */
static int
needed(const struct wire_reader *r, struct span have, uint32_t *n)
{
	uint32_t length;
	uint8_t id;

	if (!r->shaken) {
		size_t known =
		    have.n < WIRE_MAGIC_BYTES ? have.n : WIRE_MAGIC_BYTES;

		*n = WIRE_HANDSHAKE_BYTES;
		return known == 0 || memcmp(have.p, WIRE_MAGIC, known) == 0
			   ? 0
			   : ERR_PROTOCOL;
	}
	*n = PREFIX_BYTES;
	if (span_take_be32(&have, &length) != 0 || length == 0)
		return 0;
	*n = PREFIX_BYTES + 1;
	if (span_take_u8(&have, &id) != 0)
		return 0;
	return needed_of(r, length, id, n);
}

static void
read_handshake(struct span unit, struct wire_msg *m)
{
	struct wire_handshake *h = &m->handshake;
	struct span magic, reserved, hash, id;

	(void)span_take(&unit, WIRE_MAGIC_BYTES, &magic);
	(void)span_take(&unit, WIRE_RESERVED_BYTES, &reserved);
	(void)span_take(&unit, sizeof(h->info_hash), &hash);
	(void)span_take(&unit, sizeof(h->peer_id), &id);
	m->kind = WIRE_HANDSHAKE;
	h->extended = (reserved.p[5] & WIRE_RESERVED_5_EXTENDED) != 0;
	h->fast = (reserved.p[7] & WIRE_RESERVED_7_FAST) != 0;
	memcpy(h->info_hash, hash.p, sizeof(h->info_hash));
	memcpy(h->peer_id, id.p, sizeof(h->peer_id));
}

/* The fields behind the id; those a kind lacks stay zero. */
static void
read_fields(struct span rest, struct wire_msg *m)
{
	switch (m->kind) {
	case WIRE_EXTENDED:
		(void)span_take_u8(&rest, &m->ext_id);
		m->body = rest;
		break;
	case WIRE_BITFIELD:
		m->body = rest;
		break;
	case WIRE_PORT: /* of the DHT, which we do not speak */
		break;
	default:
		(void)span_take_be32(&rest, &m->piece);
		(void)span_take_be32(&rest, &m->begin);
		(void)span_take_be32(&rest, &m->length);
	}
}

/* Takes a whole unit apart: 1 if it is a message, 0 if it is to be skipped. */
static int
read_unit(struct wire_reader *r, struct span unit, struct wire_msg *m)
{
	uint32_t length = 0;
	uint8_t id = 0;

	*m = (struct wire_msg){.kind = WIRE_KEEPALIVE};
	if (!r->shaken) {
		read_handshake(unit, m);
		r->shaken = true;
		return 1;
	}
	(void)span_take_be32(&unit, &length);
	if (length == 0)
		return 1;
	(void)span_take_u8(&unit, &id);
	if (id != WIRE_PIECE && fixed_length(id) == 0 && !has_body(id)) {
		r->skip = length - 1;
		return 0;
	}
	m->kind = (enum wire_kind)id;
	read_fields(unit, m);
	if (id == WIRE_PIECE)
		m->length = length - (WIRE_PIECE_HEAD_BYTES - PREFIX_BYTES);
	return 1;
}

/* Drops what is still to come of an unknown message. */
static void
skip(struct wire_reader *r, struct span *in)
{
	uint32_t n = r->skip < in->n ? r->skip : (uint32_t)in->n;
	struct span dropped;

	(void)span_take(in, n, &dropped);
	r->skip -= n;
}

/* Moves bytes from in to held until a unit is whole (1) or in is used up (0).
 */
static int
gather(struct wire_reader *r, struct span *in)
{
	for (;;) {
		struct span part;
		uint32_t n;
		int rc = needed(r, buf_span(&r->held), &n);

		if (rc != 0)
			return rc;
		if (r->held.n >= n)
			return 1;
		if (in->n == 0)
			return 0;
		n -= (uint32_t)r->held.n;
		(void)span_take(in, n < in->n ? n : in->n, &part);
		rc = buf_put_span(&r->held, part);
		if (rc != 0)
			return rc;
	}
}

/* One step: as wire_read(), but 2 if there is more to look at. */
static int
step(struct wire_reader *r, struct span *in, struct wire_msg *m)
{
	struct span unit;
	uint32_t n;
	int rc;

	skip(r, in);
	if (in->n == 0)
		return 0;
	if (r->held.n == 0) {
		rc = needed(r, *in, &n);
		if (rc != 0)
			return rc;
		if (span_take(in, n, &unit) == 0)
			return read_unit(r, unit, m) == 1 ? 1 : 2;
	}
	rc = gather(r, in);
	if (rc <= 0)
		return rc;
	r->clear_held = true;
	return read_unit(r, buf_span(&r->held), m) == 1 ? 1 : 2;
}

int
wire_read(struct wire_reader *r, struct span *in, struct wire_msg *m)
{
	int rc;

	if (r->err != 0)
		return r->err;
	do {
		if (r->clear_held)
			buf_clear(&r->held);
		r->clear_held = false;
		rc = step(r, in, m);
	} while (rc == 2);
	if (rc < 0)
		r->err = rc;
	return rc;
}

uint32_t
wire_wanted(const struct wire_reader *r)
{
	struct span have =
	    r->clear_held ? (struct span){0} : buf_span(&r->held);
	uint32_t n;

	if (r->err != 0 || needed(r, have, &n) != 0)
		return 1;
	return r->skip + n - (uint32_t)have.n;
}
