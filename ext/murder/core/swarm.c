#include <assert.h>
#include <string.h>

#include "swarm_int.h"

/* Bytes of control messages waiting to be taken, at most. */
#define MAX_ARENA (64u << 20)

/* Bytes of a piece of which a switch's port holds no more than one. */
#define LARGE_PIECE (256u << 10)

/* Hosts, beyond which not everybody is everybody's neighbour. */
#define LARGE 24u

void
swarm_config_init(struct swarm_config *c)
{
	bool few;

	/* Many at once keep every link busy; but each of them is a piece that
	 * is late, so there may be more the more pieces there are; and together
	 * they must fit into the network's buffers. */
	few = c->n_pieces < MANY_PIECES || c->piece_length >= LARGE_PIECE;
	c->upload_slots = few ? 3 : 4;
	c->download_slots = few ? 6 : 8;
	c->block_bytes = 64u << 10;
	c->max_peers = 64;
	c->want_peers = 16;
	c->max_dialling = 16;
	c->max_held_bytes = 32u << 20;
	c->silence = TICK_S(2);
	c->idle = TICK_S(120);
}

/* ---- birth and death ---------------------------------------------------- */

static int
allocate(struct swarm *s, const struct bits *have)
{
	const struct mem *mem = s->c.mem;
	uint32_t i, n = s->c.n_pieces;

	if (bits_init(&s->have, mem, n) != 0 ||
	    bits_init(&s->alone, mem, n) != 0 ||
	    picker_init(&s->picker, mem, n, &s->rng) != 0)
		return ERR_NOMEM;
	s->partials = mem_zalloc(mem, s->max_partials, sizeof(*s->partials));
	s->news = mem_zalloc(mem, n == 0 ? 1 : n, sizeof(*s->news));
	if (s->partials == NULL || s->news == NULL)
		return ERR_NOMEM;
	for (i = 0; i < n; i++) {
		if (!bits_get(have, i))
			continue;
		bits_set(&s->have, i);
		picker_shut(&s->picker, i);
	}
	s->began_complete = swarm_complete(s) && n > 0;
	if (rack_init(s) != 0)
		return ERR_NOMEM;
	stripe_init(s);
	return s->began_complete ? sowing_init(&s->sowing, mem, n) : 0;
}

int
swarm_new(struct swarm **out, const struct swarm_config *c,
    const struct bits *have, struct instant now)
{
	struct swarm *s = mem_zalloc(c->mem, 1, sizeof(*s));

	assert(have->n == c->n_pieces);
	assert(c->max_peers <= LIMIT_PEERS);
	if (s == NULL)
		return ERR_NOMEM;
	s->c = *c;
	s->now = now;
	s->have.mem = s->alone.mem = s->picker.mem = c->mem;
	s->rack.imports.mem = c->mem;
	buf_init(&s->arena, c->mem, MAX_ARENA);
	buf_init(&s->scratch, c->mem, LIMIT_MESSAGE_BYTES + LIMIT_PIECES / 8);
	rng_seed(&s->rng, c->seed, 1);
	s->max_partials = c->max_held_bytes / c->piece_length;
	if (s->max_partials < 2)
		s->max_partials = 2;
	if (allocate(s, have) != 0) {
		swarm_free(s);
		return ERR_NOMEM;
	}
	s->finished_said = swarm_complete(s);
	s->tracker.interval = TICK_S(15);
	s->tracker.next = now;
	s->stats.progress = now;
	s->news_due = TICK_NEVER;
	s->housekeeping = now;
	*out = s;
	return 0;
}

void
swarm_free(struct swarm *s)
{
	const struct mem *mem;
	uint32_t i;

	if (s == NULL)
		return;
	mem = s->c.mem;
	for (i = 0; i < LIMIT_PEERS; i++)
		if (s->peers[i] != NULL)
			peer_free(s, s->peers[i]);
	for (i = 0; i < s->n_partials; i++)
		partial_free(mem, s->partials[i]);
	mem_free(mem, s->partials);
	mem_free(mem, s->news);
	sowing_free(&s->sowing);
	mem_free(mem, s->known);
	mem_free(mem, s->queue);
	buf_free(&s->arena);
	buf_free(&s->scratch);
	picker_free(&s->picker);
	bits_free(&s->have);
	bits_free(&s->alone);
	bits_free(&s->rack.imports);
	mem_free(mem, s);
}

/* ---- the action queue --------------------------------------------------- */

int
swarm_fail(struct swarm *s, int err)
{
	if (s->err == 0)
		s->err = err;
	return s->err;
}

struct action *
swarm_act(struct swarm *s, enum action_kind kind, peer_t p)
{
	struct action *a;
	uint32_t cap;

	if (s->err != 0)
		return NULL;
	if (s->queue_n == s->queue_cap) {
		cap = s->queue_cap == 0 ? 16 : s->queue_cap * 2;
		a = mem_resize(s->c.mem, s->queue, cap, sizeof(*a));
		if (a == NULL) {
			swarm_fail(s, ERR_NOMEM);
			return NULL;
		}
		s->queue = a;
		s->queue_cap = cap;
	}
	a = &s->queue[s->queue_n++];
	memset(a, 0, sizeof(*a));
	a->kind = kind;
	a->peer = p;
	return a;
}

void
swarm_send_scratch(struct swarm *s, struct peer *p)
{
	size_t at = s->arena.n;
	struct action *a;
	int err;

	if (p->state == PEER_UP && p->n_told < s->n_news)
		news_append(s, p);
	err = buf_error(&s->scratch);
	if (err == 0)
		err = buf_put_span(&s->arena, buf_span(&s->scratch));
	buf_clear(&s->scratch);
	p->said = s->now;
	if (err != 0) {
		swarm_fail(s, err);
		return;
	}
	if (s->arena.n == at || p->state == PEER_CLOSED)
		return;
	a = s->queue_n > s->queue_head ? &s->queue[s->queue_n - 1] : NULL;
	if (a != NULL && a->kind == ACTION_SEND && a->peer == p->id) {
		a->bytes.n += s->arena.n - at;
		return;
	}
	a = swarm_act(s, ACTION_SEND, p->id);
	if (a == NULL)
		return;
	a->arena_at = at;
	a->bytes = (struct span){.p = NULL, .n = s->arena.n - at};
}

bool
swarm_next(struct swarm *s, struct action *out)
{
	if (s->err != 0 || s->queue_head == s->queue_n)
		return false;
	*out = s->queue[s->queue_head++];
	if (out->kind == ACTION_SEND || out->kind == ACTION_SEND_BLOCK)
		out->bytes.p = s->arena.p + out->arena_at;
	return true;
}

void
swarm_enter(struct swarm *s, struct instant now)
{
	s->now = now;
	if (s->queue_head < s->queue_n)
		return;
	s->queue_head = 0;
	s->queue_n = 0;
	buf_clear(&s->arena);
}

int
swarm_leave(struct swarm *s)
{
	stripe_review(s);
	ask_sweep(s);
	ask_kin(s);
	serve_next(s);
	solicit(s);
	dial_more(s);
	announce_check(s);
	peer_reap(s);
	return s->err;
}

/* ---- small questions ---------------------------------------------------- */

uint32_t
swarm_piece_size(const struct swarm *s, uint32_t piece)
{
	return metainfo_piece_size(s->c.length, s->c.piece_length, piece);
}

uint32_t
swarm_places(const struct swarm *s)
{
	return stripe_takes_part(s) ? s->c.max_peers : s->c.max_peers / 2;
}

bool
swarm_is_large(const struct swarm *s)
{
	return s->tracker.swarm_size > LARGE || s->n_up > LARGE;
}

bool
swarm_complete(const struct swarm *s)
{
	return bits_full(&s->have);
}

const struct bits *
swarm_have(const struct swarm *s)
{
	return &s->have;
}

void
swarm_stats(const struct swarm *s, struct swarm_stats *out)
{
	*out = s->stats;
	out->n_pieces = s->c.n_pieces;
	out->n_have = s->have.n_set;
	out->left =
	    (uint64_t)(s->c.n_pieces - s->have.n_set) * s->c.piece_length;
	if (s->c.n_pieces > 0 && !bits_get(&s->have, s->c.n_pieces - 1))
		out->left -=
		    s->c.piece_length - swarm_piece_size(s, s->c.n_pieces - 1);
	out->n_peers = s->n_up;
	out->n_seeds = slots_n(s->set.full);
	out->n_known = s->n_known;
	out->available = picker_all_owned(&s->picker);
	out->failure = span_str(s->tracker.failure);
}

const char *
close_reason_text(enum close_reason r)
{
	switch (r) {
	case CLOSE_PROTOCOL:
		return "broke the protocol";
	case CLOSE_OTHER_TORRENT:
		return "wants another torrent";
	case CLOSE_SELF:
		return "is ourselves";
	case CLOSE_DUPLICATE:
		return "is connected twice";
	case CLOSE_BAD_PIECE:
		return "sent a piece with a wrong hash";
	case CLOSE_SILENT:
		return "fell silent";
	case CLOSE_IDLE:
		return "was idle for too long";
	case CLOSE_USELESS:
		return "has nothing for us nor we for it";
	case CLOSE_STOPPING:
		return "is left because we stop";
	}
	return "is closed";
}
