#include <assert.h>
#include <string.h>

#include "wire.h"

static void
store_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16 & 0xff);
	p[2] = (uint8_t)(v >> 8 & 0xff);
	p[3] = (uint8_t)(v & 0xff);
}

/* One message: its id, head and body, and how much of it the caller will put
 * behind them. */
struct message {
	enum wire_kind kind;
	struct span head, body;
	uint32_t n_later; /* bytes */
};

/* Puts the message entirely or not at all. */
static int
put(struct buf *out, const struct message *m)
{
	size_t n = m->head.n + m->body.n;
	uint8_t *p;

	assert(m->kind <= UINT8_MAX);
	assert(n <= UINT32_MAX - 1 - m->n_later);
	p = buf_grow(out, 5 + n);
	if (p == NULL)
		return buf_error(out);
	store_be32(p, 1 + (uint32_t)n + m->n_later);
	p[4] = (uint8_t)m->kind;
	if (m->head.n > 0)
		memcpy(p + 5, m->head.p, m->head.n);
	if (m->body.n > 0)
		memcpy(p + 5 + m->head.n, m->body.p, m->body.n);
	return 0;
}

int
wire_put_handshake(struct buf *out, const struct wire_handshake *h)
{
	uint8_t *p = buf_grow(out, WIRE_HANDSHAKE_BYTES);

	if (p == NULL)
		return buf_error(out);
	memcpy(p, WIRE_MAGIC, WIRE_MAGIC_BYTES);
	p += WIRE_MAGIC_BYTES;
	memset(p, 0, WIRE_RESERVED_BYTES);
	p[5] = h->extended ? WIRE_RESERVED_5_EXTENDED : 0;
	p[7] = h->fast ? WIRE_RESERVED_7_FAST : 0;
	p += WIRE_RESERVED_BYTES;
	memcpy(p, h->info_hash, sizeof(h->info_hash));
	memcpy(p + sizeof(h->info_hash), h->peer_id, sizeof(h->peer_id));
	return 0;
}

int
wire_put_keepalive(struct buf *out)
{
	return buf_put_be32(out, 0);
}

/* Whether kind stands in a set of such bits. */
static bool
is_one_of(enum wire_kind kind, uint32_t set)
{
	return kind < 32 && (set >> kind & 1) != 0;
}

#define BIT(kind) (UINT32_C(1) << (kind))
#define PLAIN                                                                  \
	(BIT(WIRE_CHOKE) | BIT(WIRE_UNCHOKE) | BIT(WIRE_INTERESTED) |          \
	    BIT(WIRE_NOT_INTERESTED) | BIT(WIRE_HAVE_ALL) |                    \
	    BIT(WIRE_HAVE_NONE))
#define WITH_INDEX (BIT(WIRE_HAVE) | BIT(WIRE_SUGGEST) | BIT(WIRE_ALLOWED_FAST))
#define WITH_BLOCK (BIT(WIRE_REQUEST) | BIT(WIRE_CANCEL) | BIT(WIRE_REJECT))

int
wire_put_plain(struct buf *out, enum wire_kind kind)
{
	assert(is_one_of(kind, PLAIN));
	return put(out, &(struct message){.kind = kind});
}

int
wire_put_index(struct buf *out, enum wire_kind kind, uint32_t piece)
{
	uint8_t head[4];

	assert(is_one_of(kind, WITH_INDEX));
	store_be32(head, piece);
	return put(
	    out, &(struct message){.kind = kind, .head = {head, sizeof(head)}});
}

int
wire_put_bitfield(struct buf *out, struct span bitfield)
{
	return put(
	    out, &(struct message){.kind = WIRE_BITFIELD, .body = bitfield});
}

int
wire_put_block(struct buf *out, enum wire_kind kind, uint32_t piece,
    uint32_t begin, uint32_t length)
{
	uint8_t head[12];

	assert(is_one_of(kind, WITH_BLOCK));
	store_be32(head, piece);
	store_be32(head + 4, begin);
	store_be32(head + 8, length);
	return put(
	    out, &(struct message){.kind = kind, .head = {head, sizeof(head)}});
}

int
wire_put_piece_head(
    struct buf *out, uint32_t piece, uint32_t begin, uint32_t length)
{
	uint8_t head[8];

	assert(length <= UINT32_MAX - 9);
	store_be32(head, piece);
	store_be32(head + 4, begin);
	return put(out, &(struct message){
			    .kind = WIRE_PIECE,
			    .head = {head, sizeof(head)},
			    .n_later = length,
			});
}

int
wire_put_extended(struct buf *out, uint8_t ext_id, struct span payload)
{
	return put(out, &(struct message){
			    .kind = WIRE_EXTENDED,
			    .head = {&ext_id, 1},
			    .body = payload,
			});
}
