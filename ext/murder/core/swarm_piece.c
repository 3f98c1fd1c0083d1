/*
 * Blocks arriving and pieces stored. While a piece's hash is being computed
 * nobody may write into its memory: whoever is late is redirected first.
 */
#include <assert.h>

#include "swarm_int.h"

static void
receive(struct swarm *s, struct peer *p, struct block b, bool discard)
{
	struct action *a = swarm_act(s, ACTION_RECEIVE, p->id);

	p->rx_discard = discard;
	if (a == NULL)
		return;
	a->block = b;
	a->discard = discard;
}

/* p goes on receiving its block, but nowhere. */
static void
redirect(struct swarm *s, struct peer *p, struct partial *f)
{
	uint32_t done = p->rx.length - p->rx_left;

	partial_untake(f, p->slot);
	s->sweep = true;
	receive(s, p,
	    (struct block){.piece = p->rx.piece,
		.begin = p->rx.begin + done,
		.length = p->rx_left},
	    true);
}

/* Whoever delivers part of this run makes way. */
static void
clear_way(struct swarm *s, struct partial *f, struct unit_run r)
{
	uint32_t u, taker;

	for (u = r.begin; u < r.end; u++) {
		taker = f->unit[u].taker;
		if (taker != 0 && s->peers[taker - 1] != NULL)
			redirect(s, s->peers[taker - 1], f);
	}
}

/* Takes back what others than `but` were asked for of this piece in [begin,
 * end). */
static void
cancel_others(struct swarm *s, const struct peer *but, const struct partial *f,
    struct block b)
{
	uint32_t i, k;
	struct block *q;
	struct peer *p;

	if (!partial_is_asked(f, partial_run_of(f, b.begin, b.length)))
		return;
	for (EACH_SLOT(i, &s->set.out)) {
		p = s->peers[i];
		for (k = p == but ? 0 : p->asked.n; k > 0; k--) {
			q = &p->asked.at[k - 1];
			if (q->piece != b.piece ||
			    q->begin >= b.begin + b.length ||
			    b.begin >= q->begin + q->length)
				continue;
			peer_say_block(s, p, WIRE_CANCEL, *q);
			ask_drop(s, p, k - 1);
		}
	}
}

/*
 * What was not asked for, or no longer is, may be welcome all the same: a
 * CANCEL often crosses the block. NULL if it is of no use.
 */
static struct partial *
welcome(struct swarm *s, struct block b)
{
	uint32_t end = b.begin + b.length;

	if (b.begin % PARTIAL_UNIT != 0 ||
	    (end % PARTIAL_UNIT != 0 && end != swarm_piece_size(s, b.piece)))
		return NULL; /* our requests are whole units */
	return ask_begin(s, b.piece);
}

/* Who pushes a block sends all of it, though another may have sent a part and
 * gone. */
static void
forget(struct swarm *s, struct partial *f, struct block b)
{
	struct unit_run r = partial_run_of(f, b.begin, b.length);
	uint32_t u, n_missing = 0;

	for (u = r.begin; u < r.end; u++)
		n_missing += !f->unit[u].got;
	if (n_missing == 0)
		return;
	for (u = r.begin; u < r.end; u++)
		if (f->unit[u].got)
			s->stats.wasted += partial_run_length(
			    f, (struct unit_run){.begin = u, .end = u + 1});
	partial_forget(f, r);
}

void
peer_on_piece(struct swarm *s, struct peer *p, struct block b)
{
	uint32_t i = block_list_find(&p->asked, b, 0);
	struct partial *f;
	struct unit_run r;
	bool discard = true;

	if (p->n_requested == 0 && !p->may_push) {
		peer_close(s, p, CLOSE_PROTOCOL); /* more than ever asked for */
		return;
	}
	if (p->n_requested > 0 && (i < p->asked.n || !p->may_push))
		p->n_requested--;
	p->asked_at = s->now;
	p->snubbed = false;
	p->rx = b;
	p->rx_left = b.length;
	p->rx_since = s->now;
	s->sweep = true;
	if (i < p->asked.n) {
		/* Asked for, so it is a run of whole units of a piece begun. */
		block_list_remove(&p->asked, i);
		f = ask_partial_of(s, b.piece);
		assert(f != NULL);
		partial_unask(f, partial_run_of(f, b.begin, b.length));
	} else {
		f = welcome(s, b);
		if (f != NULL && !f->alone && p->may_push)
			forget(s, f, b);
	}
	peer_mark(s, p);
	if (f != NULL && !f->alone) {
		r = partial_run_of(f, b.begin, b.length);
		clear_way(s, f, r);
		discard = !partial_take(f, r, p->slot);
		cancel_others(s, p, f, b);
	} else if (f != NULL && f->owner == p->slot + 1) {
		discard = !partial_take(
		    f, partial_run_of(f, b.begin, b.length), p->slot);
	}
	receive(s, p, b, discard);
}

static void
complete(struct swarm *s, struct partial *f)
{
	struct action *a;

	f->storing = true;
	s->storing += f->size;
	stripe_on_whole(s);
	cancel_others(
	    s, NULL, f, (struct block){.piece = f->piece, .length = f->size});
	a = swarm_act(s, ACTION_STORE, 0);
	if (a != NULL)
		a->block = (struct block){.piece = f->piece, .length = f->size};
}

/* Bytes [from, to) of the piece are there: which units does that end? */
static void
note_units(struct swarm *s, struct peer *p, uint32_t from, uint32_t to)
{
	struct partial *f = ask_partial_of(s, p->rx.piece);
	uint32_t u;

	assert(f != NULL);
	for (u = from / PARTIAL_UNIT; u * PARTIAL_UNIT < to; u++) {
		if ((u + 1) * PARTIAL_UNIT > to && to != f->size)
			break;
		partial_got(f, u, p->slot);
	}
	if (f->n_got == f->n_units)
		complete(s, f);
}

static struct duration
smooth(struct duration old, struct duration new)
{
	if (old.ns == 0)
		return new;
	return (struct duration){.ns = old.ns - old.ns / 4 + new.ns / 4};
}

void
piece_arrived(struct swarm *s, struct peer *p, uint32_t n)
{
	uint32_t from = p->rx.begin + p->rx.length - p->rx_left;

	assert(n <= p->rx_left);
	p->rx_left -= n;
	p->asked_at = s->now;
	p->heard = s->now;
	s->stats.downloaded += n;
	if (p->rx_discard) {
		s->stats.wasted += n;
	} else {
		s->payload_at = s->now;
		note_units(s, p, from, from + n);
	}
	if (p->rx_left > 0)
		return;
	p->n_forgiven = 0;
	if (p->block_at.ns != 0)
		p->per_block =
		    smooth(p->per_block, tick_since(p->block_at, s->now));
	p->block_at = p->asked.n > 0 ? s->now : (struct instant){.ns = 0};
	peer_mark(s, p);
	s->recheck = true;
	ask_more(s, p);
}

void
piece_interrupt(struct swarm *s, struct peer *p)
{
	struct partial *f;

	if (p->rx_left == 0 || p->rx_discard)
		return;
	f = ask_partial_of(s, p->rx.piece);
	assert(f != NULL);
	s->sweep = true;
	if (p->state == PEER_CLOSED)
		partial_untake(f, p->slot);
	else
		redirect(s, p, f);
}

void
piece_source_gone(struct swarm *s, struct peer *p)
{
	uint32_t i;

	s->sweep = true;
	for (i = 0; i < s->n_partials; i++)
		partial_source_gone(s->partials[i], p->slot);
}

/* The hash was wrong: ban the culprit, or make sure to find him next time. */
static void
blame(struct swarm *s, const struct partial *f)
{
	bool sure = partial_n_sources(f) == 1;
	uint32_t slot;
	struct peer *p;

	if (!sure)
		bits_set(&s->alone, f->piece);
	for (EACH_SLOT(slot, &s->set.up)) {
		p = s->peers[slot];
		if (!partial_has_source(f, slot))
			continue;
		p->n_bad++;
		if (!sure && p->n_bad < 3)
			continue;
		dial_ban(s, p, false);
		peer_close(s, p, CLOSE_BAD_PIECE);
	}
}

static void
note_owners(struct swarm *s, uint32_t piece)
{
	uint32_t i;
	struct peer *p;

	for (EACH_SLOT(i, &s->set.up)) {
		p = s->peers[i];
		if (bits_get(&p->have, piece)) {
			p->n_offers--;
			peer_say_interest(s, p);
		}
	}
}

static void
finish(struct swarm *s)
{
	uint32_t i;

	s->finished_said = true;
	s->tracker.want_completed = true;
	swarm_act(s, ACTION_FINISHED, 0);
	for (EACH_SLOT(i, &s->set.full))
		peer_close(s, s->peers[i], CLOSE_USELESS);
}

static void
stored(struct swarm *s, const struct partial *f)
{
	struct duration took = tick_since(f->begun, s->now);

	bits_set(&s->have, f->piece);
	bits_clear(&s->alone, f->piece);
	rack_on_stored(s, f->piece);
	stripe_on_stored(s, f);
	s->piece_time = smooth(s->piece_time, took);
	if (s->n_news > 0 && (s->piece_pause.ns == 0 || s->picker.n_open > 0))
		s->piece_pause = smooth(
		    s->piece_pause, tick_since(s->stats.progress, s->now));
	s->stats.progress = s->now;
	ask_on_stored(s);
	note_owners(s, f->piece);
	news_add(s, f);
	push_on_stored(s);
	if (swarm_complete(s) && !s->finished_said)
		finish(s);
}

int
swarm_on_stored(
    struct swarm *s, uint32_t piece, enum swarm_stored how, struct instant now)
{
	uint32_t i;
	struct partial *f;

	swarm_enter(s, now);
	for (i = 0; i < s->n_partials; i++)
		if (s->partials[i]->piece == piece)
			break;
	assert(i < s->n_partials);
	f = s->partials[i];
	assert(f->storing);
	s->storing -= f->size;
	s->partials[i] = s->partials[--s->n_partials];
	switch (how) {
	case SWARM_STORED:
		stored(s, f);
		break;
	case SWARM_HASH_WRONG:
		s->stats.wasted += f->size;
		picker_open(&s->picker, piece);
		blame(s, f);
		break;
	case SWARM_DISK_ERROR:
		picker_open(&s->picker, piece);
		break;
	}
	partial_free(s->c.mem, f);
	s->recheck = true;
	return swarm_leave(s);
}
