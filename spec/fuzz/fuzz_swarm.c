/*
 * The swarm engine: bytes become calls on one swarm in any order a caller may
 * make them, with well-formed and with arbitrary messages from its
 * neighbours. A model carries out the actions and holds the swarm to the laws
 * of core/swarm.h; memory stays bounded.
 */
#include "fuzz.h"

#include <string.h>

#include "core/swarm.h"
#include "core/wire.h"
#include "core/wire_ext.h"

/* Few pieces, so that all of them come; or enough for stripes. */
enum { FEW = 5, MANY = 131, PIECE = 32768, LAST = 20000, MAX_CALLS = 600 };
enum { MAX_NEIGHBOURS = 256, MAX_MEMORY = 32 << 20 };

struct neighbour {
	peer_t id;             /* 0: gone */
	bool dialling;         /* ACTION_DIAL given, nothing heard yet */
	uint32_t receive_left; /* bytes of payload it is to send us */
	uint64_t to_send;      /* bytes of payload we owe its socket */
};

struct model {
	struct swarm *s;
	struct instant now;
	struct neighbour at[MAX_NEIGHBOURS];
	uint32_t n; /* ever seen */
	uint32_t n_pieces;
	bool have[MANY], storing[MANY];
	bool announcing, finished, began_complete;
	peer_t last_id;
};

static size_t memory;

static void *
counted_resize(void *ctx, void *p, size_t n)
{
	size_t *q = p == NULL ? NULL : (size_t *)p - 2;
	size_t was = q == NULL ? 0 : q[0];

	(void)ctx;
	q = realloc(q, n + 2 * sizeof(*q));
	assert(q != NULL);
	q[0] = n;
	memory += n - was;
	assert(memory < MAX_MEMORY);
	return q + 2;
}

static void
counted_release(void *ctx, void *p)
{
	size_t *q = p == NULL ? NULL : (size_t *)p - 2;

	(void)ctx;
	memory -= q == NULL ? 0 : q[0];
	free(q);
}

static const struct mem counted = {
    .resize = counted_resize, .release = counted_release};

static void
check_block(const struct model *m, const struct block *b)
{
	uint32_t size = b->piece + 1 < m->n_pieces ? PIECE : LAST;

	assert(b->piece < m->n_pieces && b->length > 0);
	assert(b->begin < size);
	assert(b->length <= size - b->begin);
}

static bool
has_all(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_pieces; i++)
		if (!m->have[i])
			return false;
	return true;
}

static struct neighbour *
find(struct model *m, peer_t id)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->at[i].id == id)
			return &m->at[i];
	return NULL;
}

static void
add(struct model *m, peer_t id, bool dialling)
{
	assert(id != 0 && find(m, id) == NULL);
	if (m->n < MAX_NEIGHBOURS)
		m->at[m->n++] =
		    (struct neighbour){.id = id, .dialling = dialling};
}

/* Pieces are stored when the input says so. */
static void
on_store(struct model *m, uint32_t piece)
{
	assert(!m->have[piece] && !m->storing[piece]);
	m->storing[piece] = true;
}

static void
act(struct model *m, const struct action *a)
{
	struct neighbour *p = find(m, a->peer);

	switch (a->kind) {
	case ACTION_DIAL:
		add(m, a->peer, true);
		break;
	case ACTION_CLOSE:
		assert(close_reason_text(a->reason) != NULL);
		if (p != NULL)
			p->id = 0;
		break;
	case ACTION_SEND:
		assert(a->bytes.n > 0 && a->bytes.p != NULL);
		assert(m->n == MAX_NEIGHBOURS || p != NULL);
		break;
	case ACTION_SEND_BLOCK:
		check_block(m, &a->block);
		assert(a->bytes.n == WIRE_PIECE_HEAD_BYTES);
		assert(m->have[a->block.piece]);
		if (p != NULL)
			p->to_send += a->block.length;
		break;
	case ACTION_RECEIVE:
		assert(a->block.length <= LIMIT_BLOCK_BYTES);
		if (!a->discard) {
			check_block(m, &a->block);
			assert(!m->storing[a->block.piece]);
		}
		if (p == NULL)
			break;
		assert(
		    p->receive_left == 0 || p->receive_left == a->block.length);
		p->receive_left = a->block.length;
		break;
	case ACTION_MEASURE:
		if (p != NULL)
			assert(swarm_on_unacked(m->s, a->peer,
				   (uint32_t)p->to_send, (struct duration){0},
				   m->now) == 0);
		break;
	case ACTION_STORE:
		on_store(m, a->block.piece);
		break;
	case ACTION_DROP:
		assert(!m->storing[a->block.piece]);
		break;
	case ACTION_ANNOUNCE:
		/* "stopped" does not wait for an answer to the last one */
		assert(!m->announcing ||
		       a->announce.query.event == ANNOUNCE_STOPPED);
		assert(a->announce.tracker < 2);
		m->announcing = true;
		break;
	case ACTION_FINISHED:
		assert(!m->finished && !m->began_complete);
		assert(has_all(m));
		m->finished = true;
		break;
	}
}

static void
drain(struct model *m, int rc)
{
	struct swarm_stats st;
	struct action a;

	assert(rc == 0);
	while (swarm_next(m->s, &a))
		act(m, &a);
	swarm_stats(m->s, &st);
	assert(st.n_have == swarm_have(m->s)->n_set);
	for (uint32_t i = 0; i < m->n_pieces; i++)
		assert(bits_get(swarm_have(m->s), i) == m->have[i]);
	assert(st.n_peers <= 8 && st.n_seeds <= st.n_peers);
}

/* A piece, or the first number that is none. */
static uint32_t
some_piece(const struct model *m, uint8_t how)
{
	return how % 6 < FEW ? how % 6 : m->n_pieces;
}

static void
put_ext_handshake(struct buf *out, uint8_t how)
{
	static const char *const racks[] = {"", "a", "b", "a"};
	struct wire_ext_handshake e = {.id_pex = how >> 2 & 3,
	    .id_haves = how >> 3 & 3,
	    .id_stripes = how >> 1 & 3,
	    .link = (how & 128) != 0,
	    .port = how,
	    .block = how & 4 ? 65536 : 0,
	    .rack = span_str(racks[how >> 4 & 3])};
	struct buf body;

	buf_init(&body, &counted, 4096);
	(void)wire_ext_build(&body, &e);
	(void)wire_put_extended(out, 0, buf_span(&body));
	buf_free(&body);
}

/* A message such as a neighbour may send, true to the protocol or not. */
static void
put_message(const struct model *m, struct buf *out, uint8_t what, uint8_t how)
{
	static const uint32_t sizes[] = {16384, 32768, 3616, 20000, 1};
	struct wire_handshake h = {
	    .fast = (how & 1) != 0, .extended = (how & 2) != 0};
	const uint8_t set[MANY / 8 + 1] = {how, how, how};
	uint32_t piece = some_piece(m, how);

	memset(h.info_hash, how >= 250 ? 1 : 0, sizeof(h.info_hash));
	h.peer_id[0] = how;
	switch (what % 12) {
	case 0:
		(void)wire_put_handshake(out, &h);
		break;
	case 1:
		(void)wire_put_plain(out, (enum wire_kind)(how % 4));
		break;
	case 2:
		(void)wire_put_plain(
		    out, how & 1 ? WIRE_HAVE_ALL : WIRE_HAVE_NONE);
		break;
	case 3:
		(void)wire_put_index(out, WIRE_HAVE, piece);
		break;
	case 4:
		(void)wire_put_bitfield(
		    out, (struct span){set, (m->n_pieces + 7) / 8});
		break;
	case 5:
		(void)wire_put_block(out,
		    how & 128  ? WIRE_CANCEL
		    : how & 64 ? WIRE_REJECT
			       : WIRE_REQUEST,
		    piece, how & 8 ? 16384 : 0, sizes[how >> 4 & 3]);
		break;
	case 6:
	case 7:
		(void)wire_put_piece_head(
		    out, piece, how & 8 ? 16384 : 0, sizes[(how >> 4) % 5]);
		break;
	case 8:
		put_ext_handshake(out, how);
		break;
	case 9:
		(void)wire_put_extended(out, WIRE_EXT_HAVES,
		    (struct span){(const uint8_t[]){0, how & 7, 0, how >> 5},
			how & 8 ? 4 : 3});
		break;
	case 10:
		(void)wire_put_stripes(out, WIRE_EXT_STRIPES,
		    (enum wire_stripes_kind)(how >> 4 & 7), how & 15);
		break;
	default:
		(void)wire_put_index(out, WIRE_SUGGEST, piece);
		break;
	}
}

/* Bytes from p: *used stops only where payload begins or p is closed. */
static void
give(struct model *m, struct neighbour *p, struct span in)
{
	size_t used = 0;
	peer_t id = p->id;
	int rc;

	if (p->dialling || p->receive_left > 0)
		return;
	rc = swarm_on_bytes(m->s, id, in, &used, m->now);
	drain(m, rc);
	assert(used <= in.n);
	p = find(m, id);
	assert(used == in.n || p == NULL || p->receive_left > 0);
}

static void
give_message(struct model *m, struct neighbour *p, uint8_t what, uint8_t how)
{
	struct buf out;

	buf_init(&out, &counted, 4096);
	put_message(m, &out, what, how);
	give(m, p, buf_span(&out));
	buf_free(&out);
}

static void
give_payload(struct model *m, struct neighbour *p, uint8_t how)
{
	uint32_t n = p->receive_left;

	if (n == 0)
		return;
	if ((how & 7) == 0)
		n = 1 + n / 2;
	p->receive_left -= n;
	drain(m, swarm_on_payload(m->s, p->id, n, m->now));
}

static void
take_sent(struct model *m, struct neighbour *p, uint8_t how)
{
	uint64_t n = p->to_send;

	if (n == 0)
		return;
	if (how & 1)
		n = 1 + n / 2;
	p->to_send -= n;
	drain(m, swarm_on_sent(m->s, p->id, (uint32_t)n, m->now));
}

static void
store(struct model *m, uint8_t how)
{
	uint32_t piece = how % FEW;
	enum swarm_stored result = how & 128    ? SWARM_HASH_WRONG
				   : how == 127 ? SWARM_DISK_ERROR
						: SWARM_STORED;

	while (piece < m->n_pieces && !m->storing[piece])
		piece += FEW;
	if (piece >= m->n_pieces)
		return;
	m->storing[piece] = false;
	m->have[piece] = result == SWARM_STORED;
	drain(m, swarm_on_stored(m->s, piece, result, m->now));
}

static void
reply(struct model *m, struct span in, uint8_t how)
{
	static const char peers[] =
	    "d8:intervali5e5:peers12:\x0a\0\0\1\x1a\xe1\x0a\0\0\2\x1a\xe1"
	    "e";
	/* two who send us stripes, and one to whom we send; from byte 34 on,
	 * the stripe and the end of the address are the input's */
	char links[] =
	    "d8:intervali5e14:murder_stripes21:"
	    "\0\x0a\0\0\2\x1a\xe1\1\x0a\0\0\4\x1a\xe1\x10\x0a\0\0\6\x1a\xe1"
	    "e";
	struct span body = SPAN_LIT(peers);

	if (!m->announcing)
		return;
	m->announcing = false;
	for (uint32_t i = 0; i < 3; i++) {
		links[34 + 7 * i] =
		    (char)((links[34 + 7 * i] & 16) | (how >> (2 + i) & 3));
		links[34 + 7 * i + 4] = (char)((how >> 4) + 2 * i);
	}
	if (how & 1)
		body = in;
	else if (how & 4)
		body = SPAN_LIT(links);
	drain(m, swarm_on_announce(m->s, body, how & 2 ? -16 : 0, m->now));
}

static void
connect_one(struct model *m, uint8_t how)
{
	struct addr a = {
	    .family = ADDR_V4, .ip = {10, 0, 0, how}, .port = 6881};
	peer_t id = 0;
	int rc;

	if (how & 1) {
		drain(m, swarm_on_address(m->s, &a, m->now));
		return;
	}
	rc = swarm_on_accept(m->s, &a, &id, m->now);
	if (id != 0)
		add(m, id, false);
	drain(m, rc);
}

static void
pass_time(struct model *m, uint8_t how)
{
	struct instant due = swarm_deadline(m->s);

	m->now = tick_add(m->now, TICK_MS(how * how));
	if ((how & 1) != 0 && due.ns != UINT64_MAX && tick_before(m->now, due))
		m->now = due;
	drain(m, swarm_on_deadline(m->s, m->now));
}

/* A call that concerns one neighbour. */
static void
call_peer(struct model *m, struct neighbour *p, uint8_t what, uint8_t how)
{
	if (p->dialling && how < 200) {
		p->dialling = false;
		drain(m, swarm_on_connect(m->s, p->id, m->now));
	} else if (what < 130) {
		give_message(m, p, what, how);
	} else if (what < 170) {
		give_payload(m, p, how);
	} else if (what < 190) {
		take_sent(m, p, how);
	} else if (how < 64) {
		peer_t id = p->id;

		p->id = 0;
		drain(m, swarm_on_closed(m->s, id, m->now));
	} else {
		give(m, p, (struct span){&how, 1});
	}
}

static void
call(struct model *m, struct span *in, uint8_t what, uint8_t how)
{
	struct neighbour *p = NULL;

	if (what < 195 && m->n > 0) {
		uint8_t who = 0;

		(void)span_take_u8(in, &who);
		p = &m->at[who % m->n];
		if (p->id != 0)
			call_peer(m, p, what, how);
	} else if (what < 220) {
		connect_one(m, how);
	} else if (what < 235) {
		store(m, how);
	} else if (what < 242) {
		reply(m, *in, how);
	} else if (what < 254) {
		pass_time(m, how);
	} else if (how == 0) {
		drain(m, swarm_on_stop(m->s, m->now));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct swarm_config c = {.mem = &counted,
	    .peer_id = "-XX0000-fuzz",
	    .piece_length = PIECE,
	    .n_trackers = 2,
	    .listen_port = 6881,
	    .seed = size};
	struct span in = {data, size};
	struct model m = {.now = {.ns = 1}};
	struct bits have;
	uint8_t what = 0, how;

	memory = 0;
	swarm_config_init(&c);
	c.max_peers = 8;
	c.stripes = true;
	(void)span_take_u8(&in, &what);
	c.rack[0] = what & 0x80 ? 'a' : '\0';
	c.n_pieces = m.n_pieces = what & 0x40 ? MANY : FEW;
	c.length = (uint64_t)(m.n_pieces - 1) * PIECE + LAST;
	assert(bits_init(&have, &counted, m.n_pieces) == 0);
	for (uint32_t i = 0; i < m.n_pieces; i++) {
		m.have[i] = (what >> i % FEW & 1) != 0;
		if (m.have[i])
			bits_set(&have, i);
	}
	m.began_complete = has_all(&m);
	assert(swarm_new(&m.s, &c, &have, m.now) == 0);
	bits_free(&have);
	drain(&m, 0);
	for (unsigned n = 0; n < MAX_CALLS && span_take_u8(&in, &what) == 0 &&
			     span_take_u8(&in, &how) == 0;
	     n++)
		call(&m, &in, what, how);
	swarm_free(m.s);
	assert(memory == 0);
	return 0;
}
