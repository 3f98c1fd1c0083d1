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

enum { N_PIECES = 5, PIECE = 32768, LAST = 20000, MAX_CALLS = 600 };
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
	uint32_t n;            /* ever seen */
	uint8_t have, storing; /* bit per piece */
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

static uint32_t
piece_size(uint32_t piece)
{
	return piece + 1 < N_PIECES ? PIECE : LAST;
}

static void
check_block(const struct block *b)
{
	assert(b->piece < N_PIECES && b->length > 0);
	assert(b->begin < piece_size(b->piece));
	assert(b->length <= piece_size(b->piece) - b->begin);
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
	uint8_t bit = (uint8_t)(1u << piece);

	assert((m->have & bit) == 0 && (m->storing & bit) == 0);
	m->storing |= bit;
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
		check_block(&a->block);
		assert(a->bytes.n == WIRE_PIECE_HEAD_BYTES);
		assert((m->have >> a->block.piece & 1) != 0);
		if (p != NULL)
			p->to_send += a->block.length;
		break;
	case ACTION_RECEIVE:
		assert(a->block.length <= LIMIT_BLOCK_BYTES);
		if (!a->discard) {
			check_block(&a->block);
			assert((m->storing >> a->block.piece & 1) == 0);
		}
		if (p == NULL)
			break;
		assert(
		    p->receive_left == 0 || p->receive_left == a->block.length);
		p->receive_left = a->block.length;
		break;
	case ACTION_STORE:
		on_store(m, a->block.piece);
		break;
	case ACTION_DROP:
		assert((m->storing >> a->block.piece & 1) == 0);
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
		assert(m->have == (1u << N_PIECES) - 1);
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
	for (uint32_t i = 0; i < N_PIECES; i++)
		assert(bits_get(swarm_have(m->s), i) == (m->have >> i & 1));
	assert(st.n_peers <= 8 && st.n_seeds <= st.n_peers);
}

/* A message such as a neighbour may send, true to the protocol or not. */
static void
put_message(struct buf *out, uint8_t what, uint8_t how)
{
	static const uint32_t sizes[] = {16384, 32768, 3616, 20000, 1};
	struct wire_handshake h = {
	    .fast = (how & 1) != 0, .extended = (how & 2) != 0};
	struct wire_ext_handshake e = {.id_pex = how >> 2 & 3,
	    .id_haves = how >> 3 & 3,
	    .port = how,
	    .block = how & 4 ? 65536 : 0};
	static const char *const racks[] = {"", "a", "b", "a"};
	struct buf body;

	memset(h.info_hash, how >= 250 ? 1 : 0, sizeof(h.info_hash));
	h.peer_id[0] = how;
	buf_init(&body, &counted, 4096);
	switch (what % 11) {
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
		(void)wire_put_index(out, WIRE_HAVE, how % 6);
		break;
	case 4:
		(void)wire_put_bitfield(out, (struct span){&how, 1});
		break;
	case 5:
		(void)wire_put_block(out,
		    how & 128  ? WIRE_CANCEL
		    : how & 64 ? WIRE_REJECT
			       : WIRE_REQUEST,
		    how % 6, how & 8 ? 16384 : 0, sizes[how >> 4 & 3]);
		break;
	case 6:
	case 7:
		(void)wire_put_piece_head(
		    out, how % 6, how & 8 ? 16384 : 0, sizes[(how >> 4) % 5]);
		break;
	case 8:
		e.rack = span_str(racks[how >> 4 & 3]);
		(void)wire_ext_build(&body, &e);
		(void)wire_put_extended(out, 0, buf_span(&body));
		break;
	case 9:
		(void)wire_put_extended(out, WIRE_EXT_HAVES,
		    (struct span){(const uint8_t[]){0, how & 7, 0, how >> 5},
			how & 8 ? 4 : 3});
		break;
	default:
		(void)wire_put_index(out, WIRE_SUGGEST, how % 6);
		break;
	}
	buf_free(&body);
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
	put_message(&out, what, how);
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
	uint32_t piece = how % N_PIECES;
	uint8_t bit = (uint8_t)(1u << piece);
	enum swarm_stored result = how & 128    ? SWARM_HASH_WRONG
				   : how == 127 ? SWARM_DISK_ERROR
						: SWARM_STORED;

	if ((m->storing & bit) == 0)
		return;
	m->storing &= (uint8_t)~bit;
	if (result == SWARM_STORED)
		m->have |= bit;
	drain(m, swarm_on_stored(m->s, piece, result, m->now));
}

static void
reply(struct model *m, struct span in, uint8_t how)
{
	static const char peers[] =
	    "d8:intervali5e5:peers12:\x0a\0\0\1\x1a\xe1\x0a\0\0\2\x1a\xe1"
	    "e";
	struct span body = SPAN_LIT(peers);

	if (!m->announcing)
		return;
	m->announcing = false;
	if (how & 1)
		body = in;
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
	    .length = (N_PIECES - 1) * PIECE + LAST,
	    .piece_length = PIECE,
	    .n_pieces = N_PIECES,
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
	(void)span_take_u8(&in, &what);
	c.rack[0] = what & 0x80 ? 'a' : '\0';
	m.have = what & ((1u << N_PIECES) - 1);
	m.began_complete = m.have == (1u << N_PIECES) - 1;
	assert(bits_init(&have, &counted, N_PIECES) == 0);
	for (uint32_t i = 0; i < N_PIECES; i++)
		if ((m.have >> i & 1) != 0)
			bits_set(&have, i);
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
