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

/* Asked of a single neighbour at once: a round trip of 0.8 ms at 10 Gbit/s, of
 * 8 ms at 1 Gbit/s. */
#define AHEAD_BYTES (1u << 20)

/* Waiting to be hashed and written before more is asked for. */
#define BEHIND_BYTES (4u << 20)

/* What could be asked of a neighbour now. */
struct work {
	struct partial *partial; /* begun already; or NULL and … */
	uint32_t piece;          /* … this one is to be begun */
	bool duplicate;          /* ask for what others were asked for */
};

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
find_begun(struct swarm *s, const struct peer *p, struct work *w)
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
			*w = (struct work){.partial = f, .piece = f->piece};
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
find_late(struct swarm *s, const struct peer *p, struct work *w)
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
			*w = (struct work){
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

static bool
has_suggestion(const struct swarm *s, const struct peer *p)
{
	return p->suggested != NO_PIECE && bits_get(&p->have, p->suggested) &&
	       picker_is_open(&s->picker, p->suggested) &&
	       rack_may_ask(s, p, p->suggested);
}

static bool
is_only_source(const struct swarm *s, const struct peer *p)
{
	return has_suggestion(s, p) && s->picker.n_owners[p->suggested] <= 1;
}

/* Asking twice is for those to whom nothing comes at all: at the beginning,
 * when few pieces are out, and at the end. */
static bool
is_idle(const struct swarm *s)
{
	uint32_t i;

	for (EACH_SLOT(i, &s->set.coming))
		if (!ask_is_stalled(s, s->peers[i]))
			return false;
	return true;
}

static bool
find_work(struct swarm *s, struct peer *p, struct work *w)
{
	uint32_t piece;

	if (p->n_offers == 0 || s->stopping || p->state != PEER_UP)
		return false;
	if (has_suggestion(s, p) && have_room(s)) {
		*w = (struct work){.piece = p->suggested};
		return true;
	}
	if (find_begun(s, p, w))
		return true;
	piece = rack_pick(s, p);
	if (piece < s->c.n_pieces && have_room(s)) {
		*w = (struct work){.piece = piece};
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
static void
request(struct swarm *s, struct peer *p, const struct work *w, uint32_t max)
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
	struct work w;

	if (p->kin) {
		s->recheck = true;
		return;
	}
	if (p->is_choking || p->snubbed || p->state != PEER_UP)
		return;
	while (s->err == 0 && p->asked.n < max) {
		if (!find_work(s, p, &w))
			return;
		if (w.duplicate && p->asked.n > 0)
			return;
		before = p->asked.n;
		request(s, p, &w, max);
		if (p->asked.n == before)
			return;
	}
}

/* ---- kin ---------------------------------------------------------------- */

bool
ask_is_out(const struct peer *p)
{
	return p->asked.n > 0 || p->rx_left > 0;
}

/* Of our kin; extra: those asked because they suggested. */
static uint32_t
n_asked(const struct swarm *s, bool extra)
{
	struct slots of = slots_and(s->set.kin, s->set.out);

	return slots_n(extra ? slots_and(of, s->set.extra)
			     : slots_without(of, s->set.extra));
}

/* Of our kin and not asked yet. */
static bool
may_ask(const struct swarm *s, const struct peer *p)
{
	return p->n_offers > 0 && !p->snubbed &&
	       tick_due(p->rest_until, s->now);
}

/* Asks one more neighbour: those with a suggestion for us first, then at
 * random; false if there is nobody to be asked for anything. */
static bool
ask_one(struct swarm *s)
{
	struct peer *order[LIMIT_PEERS], *p;
	uint32_t i, k, n = 0;
	struct work w;
	struct slots idle = slots_without(s->set.kin, s->set.out);

	for (EACH_SLOT(i, &idle)) {
		p = s->peers[i];
		if (!may_ask(s, p))
			continue;
		k = rng_below(&s->rng, ++n);
		order[n - 1] = order[k];
		order[k] = p;
	}
	for (i = 0; i < n; i++)
		if (has_suggestion(s, order[i])) {
			p = order[i];
			order[i] = order[0];
			order[0] = p;
			break;
		}
	for (i = 0; i < n; i++) {
		p = order[i];
		if (!find_work(s, p, &w))
			continue;
		p->extra = false;
		peer_mark(s, p);
		request(s, p, &w, LIMIT_REQUESTS_OUT);
		if (p->asked.n > 0)
			return true;
	}
	return false;
}

/* A neighbour that suggests has an upload free, or what nobody else has: it is
 * asked beyond the limit. */
static void
ask_suggested(struct swarm *s)
{
	struct slots who = slots_and(s->set.kin, s->set.suggested);
	uint32_t i, n = n_asked(s, true);
	struct peer *p;
	struct work w;

	for (EACH_SLOT(i, &who)) {
		p = s->peers[i];
		if (s->err != 0 || ask_is_out(p) || !may_ask(s, p) ||
		    (n >= s->c.download_slots && !is_only_source(s, p)))
			continue;
		if (find_work(s, p, &w) && !w.duplicate) {
			request(s, p, &w, LIMIT_REQUESTS_OUT);
			p->extra = true;
			n++;
		}
		p->suggested = NO_PIECE;
		peer_mark(s, p);
	}
}

/* How many to ask: more while we lag behind our neighbours. */
static uint32_t
want_asked(const struct swarm *s)
{
	uint32_t i, n = 0, slots = s->c.download_slots, more = slots;
	uint64_t sum = 0;
	struct slots of = slots_without(s->set.kin, s->set.full);

	for (EACH_SLOT(i, &of)) {
		sum += s->n_have[i];
		n++;
	}
	if (n > 0)
		more = sum / n <= s->have.n_set
			   ? 0
			   : (uint32_t)(sum / n - s->have.n_set) / 2;
	return slots + (more < slots ? more : slots);
}

static uint32_t
owed(const struct peer *p)
{
	uint32_t i, n = p->rx_left;

	for (i = 0; i < p->asked.n; i++)
		n += p->asked.at[i].length;
	return n;
}

/* With a single neighbour nobody else keeps our link busy while a request is
 * on its way: what it sends us is followed by more. */
static void
ask_ahead(struct swarm *s)
{
	uint32_t i = slots_next(&s->set.kin, 0), before;
	struct peer *p;
	struct work w;

	if (s->n_up != 1 || i == LIMIT_PEERS || s->stats.downloaded == 0)
		return;
	p = s->peers[i];
	while (s->err == 0 && ask_is_out(p) && may_ask(s, p) &&
	       owed(p) < AHEAD_BYTES && find_work(s, p, &w) && !w.duplicate) {
		before = p->asked.n;
		request(s, p, &w, LIMIT_REQUESTS_OUT);
		if (p->asked.n == before)
			return;
	}
}

/* Hashing does not keep up: more would only wait in memory, long out of the
 * processor's caches when its turn comes. */
static bool
is_behind(const struct swarm *s)
{
	return s->storing > BEHIND_BYTES &&
	       s->storing > (uint64_t)s->c.piece_length * 2;
}

void
ask_kin(struct swarm *s)
{
	uint32_t n, max;

	if (!s->recheck || swarm_complete(s) || s->stopping || is_behind(s))
		return;
	s->recheck = false;
	ask_suggested(s);
	for (n = n_asked(s, false), max = want_asked(s); n < max && s->err == 0;
	     n++)
		if (!ask_one(s))
			break;
	ask_ahead(s);
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
