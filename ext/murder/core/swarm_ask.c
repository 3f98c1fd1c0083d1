/*
 * What to request from whom. Foreign clients are kept busy with a queue of
 * 16 KiB requests as long as they unchoke us. Of our kin only a few are asked
 * at a time, each for one piece: the request then stands in the neighbour's
 * pool until our turn comes, and moves elsewhere if that takes too long.
 * Pieces begun are finished before new ones are begun; new ones are the
 * rarest. When nothing is left to begin, what does not arrive yet is asked for
 * a second time, and cancelled as soon as one of the two begins to come.
 */
#include <assert.h>

#include "swarm_int.h"

struct partial *
ask_partial_of(const struct swarm *s, uint32_t piece)
{
	uint32_t i;

	for (i = 0; i < s->n_partials; i++)
		if (s->partials[i]->piece == piece)
			return s->partials[i];
	return NULL;
}

static void
partial_remove(struct swarm *s, uint32_t i)
{
	struct action *a = swarm_act(s, ACTION_DROP, 0);

	if (a != NULL)
		a->block.piece = s->partials[i]->piece;
	picker_open(&s->picker, s->partials[i]->piece);
	partial_free(s->c.mem, s->partials[i]);
	s->partials[i] = s->partials[--s->n_partials];
	s->recheck = true;
}

void
ask_sweep(struct swarm *s)
{
	uint32_t i = 0;

	if (!s->sweep)
		return;
	s->sweep = false;
	while (i < s->n_partials) {
		if (!s->partials[i]->storing &&
		    partial_is_blank(s->partials[i]))
			partial_remove(s, i);
		else
			i++;
	}
}

static bool
may_share(const struct partial *f, const struct peer *p)
{
	return !f->storing &&
	       (!f->alone || f->owner == 0 || f->owner == p->slot + 1);
}

static bool
find_begun(struct swarm *s, const struct peer *p, struct ask_work *w)
{
	struct unit_run r;
	struct partial *f;
	uint32_t i;

	for (i = 0; i < s->n_partials; i++) {
		f = s->partials[i];
		if (!may_share(f, p) || !bits_get(&p->have, f->piece) ||
		    !rack_may_ask(s, p, f->piece))
			continue;
		r = partial_find(f, 0, PARTIAL_UNIT, false);
		if (r.begin < r.end) {
			*w = (struct ask_work){.partial = f, .piece = f->piece};
			return true;
		}
	}
	return false;
}

static bool
asked_of(const struct peer *p, uint32_t piece)
{
	uint32_t i;

	for (i = 0; i < p->asked.n; i++)
		if (p->asked.at[i].piece == piece)
			return true;
	return p->rx_left > 0 && p->rx.piece == piece;
}

static bool
find_late(struct swarm *s, const struct peer *p, struct ask_work *w)
{
	struct unit_run r;
	struct partial *f;
	uint32_t i;

	for (i = 0; i < s->n_partials; i++) {
		f = s->partials[i];
		if (f->alone || f->storing || !bits_get(&p->have, f->piece) ||
		    asked_of(p, f->piece) || !rack_may_ask(s, p, f->piece))
			continue;
		r = partial_find(f, 0, PARTIAL_UNIT, true);
		if (r.begin < r.end) {
			*w = (struct ask_work){
			    .partial = f, .piece = f->piece, .duplicate = true};
			return true;
		}
	}
	return false;
}

/* Makes room by giving up a begun piece that nobody delivers any more. */
static bool
have_room(struct swarm *s)
{
	struct partial *f;
	uint32_t i, u;

	if (s->n_partials < s->max_partials)
		return true;
	for (i = 0; i < s->n_partials; i++) {
		f = s->partials[i];
		for (u = 0; u < f->n_units; u++)
			if (f->unit[u].n_asked > 0 || f->unit[u].taker != 0)
				break;
		if (u == f->n_units && !f->storing) {
			partial_remove(s, i);
			return true;
		}
	}
	return false;
}

bool
ask_has_suggestion(const struct swarm *s, const struct peer *p)
{
	return p->suggested != NO_PIECE && bits_get(&p->have, p->suggested) &&
	       picker_is_open(&s->picker, p->suggested) &&
	       rack_may_ask(s, p, p->suggested);
}

/* Asking twice is for those to whom nothing of use comes, for longer than the
 * usual time between two pieces: at the beginning, when few pieces are out, and
 * at the end. */
static bool
is_idle(const struct swarm *s)
{
	const struct peer *p;
	uint32_t i;

	if (tick_since(s->payload_at, s->now).ns < 2 * s->piece_pause.ns)
		return false;
	for (EACH_SLOT(i, &s->set.coming)) {
		p = s->peers[i];
		if (!p->rx_discard && !ask_is_stalled(s, p))
			return false;
	}
	return true;
}

bool
ask_find(struct swarm *s, struct peer *p, struct ask_work *w)
{
	uint32_t piece;

	if (p->n_offers == 0 || s->stopping || p->state != PEER_UP)
		return false;
	if (ask_has_suggestion(s, p) && have_room(s)) {
		*w = (struct ask_work){.piece = p->suggested};
		return true;
	}
	if (find_begun(s, p, w))
		return true;
	piece = rack_pick(s, p);
	if (piece < s->c.n_pieces && have_room(s)) {
		*w = (struct ask_work){.piece = piece};
		return true;
	}
	/* In a rack there is often nothing to ask for, but at the end. */
	if (s->rack.active && s->picker.n_open > 0)
		return false;
	return is_idle(s) && find_late(s, p, w);
}

static struct partial *
begin(struct swarm *s, uint32_t piece)
{
	struct partial *f;

	assert(s->n_partials < s->max_partials);
	assert(!bits_get(&s->have, piece));
	f = partial_new(s->c.mem, piece, swarm_piece_size(s, piece), s->now);
	if (f == NULL) {
		swarm_fail(s, ERR_NOMEM);
		return NULL;
	}
	f->alone = bits_get(&s->alone, piece);
	s->sweep = true; /* until it is asked for */
	picker_shut(&s->picker, piece);
	s->partials[s->n_partials++] = f;
	return f;
}

struct partial *
ask_begin(struct swarm *s, uint32_t piece)
{
	struct partial *f = ask_partial_of(s, piece);

	if (f != NULL)
		return f->storing ? NULL : f;
	if (!picker_is_open(&s->picker, piece) || !have_room(s))
		return NULL;
	return begin(s, piece);
}

/* Requests runs of w from p until max requests are outstanding. */
void
ask_request(
    struct swarm *s, struct peer *p, const struct ask_work *w, uint32_t max)
{
	struct partial *f =
	    w->partial != NULL ? w->partial : begin(s, w->piece);
	uint32_t bytes = PARTIAL_UNIT, u = 0;
	struct unit_run r;
	struct block b;

	if (f == NULL)
		return;
	if (f->alone)
		f->owner = p->slot + 1;
	if (p->kin)
		bytes = p->max_block < s->c.block_bytes ? p->max_block
							: s->c.block_bytes;
	while (p->asked.n < max) {
		r = partial_find(f, u, bytes, w->duplicate);
		if (r.begin == r.end)
			return;
		b = (struct block){.piece = f->piece,
		    .begin = partial_run_begin(r),
		    .length = partial_run_length(f, r)};
		if (p->asked.n == 0 && p->rx_left == 0)
			p->asked_at = s->now;
		if (block_list_push(s, &p->asked, b) != 0)
			return;
		peer_mark(s, p);
		partial_ask(f, r);
		p->n_requested++;
		peer_say_block(s, p, WIRE_REQUEST, b);
		u = r.end;
	}
}

/* Requests outstanding with a foreign client: half a second's worth. */
static uint32_t
depth(const struct peer *p)
{
	uint64_t n = 32;
	uint32_t max = p->reqq < 256 ? p->reqq : 256;

	if (p->per_block.ns > 0)
		n = TICK_MS(500).ns / p->per_block.ns;
	if (n < 32)
		n = 32;
	return n < max ? (uint32_t)n : max;
}

void
ask_more(struct swarm *s, struct peer *p)
{
	uint32_t max = depth(p), before;
	struct ask_work w;

	if (p->kin) {
		s->recheck = true;
		return;
	}
	if (p->is_choking || p->snubbed || p->state != PEER_UP)
		return;
	while (s->err == 0 && p->asked.n < max) {
		if (!ask_find(s, p, &w))
			return;
		if (w.duplicate && p->asked.n > 0)
			return;
		before = p->asked.n;
		ask_request(s, p, &w, max);
		if (p->asked.n == before)
			return;
	}
}

void
ask_drop(struct swarm *s, struct peer *p, uint32_t i)
{
	struct block b = p->asked.at[i];
	struct partial *f = ask_partial_of(s, b.piece);

	block_list_remove(&p->asked, i);
	if (f != NULL)
		partial_unask(f, partial_run_of(f, b.begin, b.length));
	peer_mark(s, p);
	s->sweep = true;
	s->recheck = true;
}

void
ask_forget(struct swarm *s, struct peer *p, bool cancel)
{
	while (p->asked.n > 0) {
		if (cancel)
			peer_say_block(
			    s, p, WIRE_CANCEL, p->asked.at[p->asked.n - 1]);
		ask_drop(s, p, p->asked.n - 1);
	}
	ask_sweep(s);
}
