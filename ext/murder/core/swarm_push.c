/*
 * Stripes that we pass on (stripe.h): whoever told us which ones it is to get
 * from us is sent their pieces as they come, as if it had asked for them, and
 * then what it lacks of the older ones. swarm_serve.c says in which order.
 */
#include "swarm_int.h"

bool
push_was_sent(const struct peer *p, uint32_t piece)
{
	return p->pushed.n > 0 && bits_get(&p->pushed, piece);
}

static bool
lacks(const struct peer *p, uint32_t piece)
{
	return (p->takes & stripe_bit(stripe_of(piece))) != 0 &&
	       !bits_get(&p->have, piece) && !push_was_sent(p, piece);
}

/* The next piece for p, or NO_PIECE. */
static uint32_t
next_piece(const struct swarm *s, struct peer *p)
{
	uint32_t i;

	while (p->push_new < s->n_news) {
		i = s->news[p->push_new++];
		if (lacks(p, i))
			return i;
	}
	while (p->push_old < s->c.n_pieces) {
		i = bits_next_missing(&s->have, &p->have, p->push_old);
		p->push_old = i < s->c.n_pieces ? i + 1 : i;
		if (i < s->c.n_pieces && lacks(p, i))
			return i;
	}
	return NO_PIECE;
}

/* Before a connection is blamed: TCP is given the time to begin that it needs
 * over long ways, in round trips. */
#define BLAME_TIME TICK_MS(300)
#define BLAME_TRIPS 10u

static uint64_t
time_of(struct duration rtt)
{
	return BLAME_TIME.ns + BLAME_TRIPS * rtt.ns;
}

/* ---- the seeder keeps pace ---------------------------------------------- */

/* A stripe may be ahead of the others by this part of its pieces, within these
 * limits: who passes on a stripe sends each piece several times, so what was
 * left for later takes as many times longer then. */
#define LEAD_PART 64u
#define LEAD_MIN 2u
#define LEAD_MAX 16u

/* The fewest pieces sent of a stripe that somebody takes, and to whom. */
static struct peer *
slowest(const struct swarm *s, uint32_t *least)
{
	struct peer *p, *found = NULL;
	uint32_t i, k;

	*least = UINT32_MAX;
	for (EACH_SLOT(i, &s->set.takers)) {
		p = s->peers[i];
		if (p->push_old == s->c.n_pieces || p->accused_at.ns != 0)
			continue;
		for (k = 0; k < STRIPES; k++) {
			if (s->stripe.taker[k] != p->id ||
			    (p->takes & stripe_bit(k)) == 0 ||
			    s->stripe.n_sent[k] >= *least)
				continue;
			*least = s->stripe.n_sent[k];
			found = p;
		}
	}
	return found;
}

static uint32_t
lead_of(const struct swarm *s, const struct peer *p, uint32_t least)
{
	uint32_t k, most = 0;

	for (k = 0; k < STRIPES; k++)
		if ((p->takes & stripe_bit(k)) != 0 &&
		    s->stripe.n_sent[k] > least &&
		    s->stripe.n_sent[k] - least > most)
			most = s->stripe.n_sent[k] - least;
	return most;
}

/* Whether what goes to p is so far ahead that it has to wait. */
static bool
has_to_wait(struct swarm *s, struct peer *p)
{
	uint32_t lead = s->c.n_pieces / STRIPES / LEAD_PART, least;
	struct peer *q;

	if (!s->began_complete)
		return false;
	lead = lead < LEAD_MIN ? LEAD_MIN : lead;
	lead = lead > LEAD_MAX ? LEAD_MAX : lead;
	q = slowest(s, &least);
	s->stripe.waiting = q != NULL && q != p && lead_of(s, p, least) > lead;
	return s->stripe.waiting;
}

/* The seeder's rate is looked at over so many bytes, at the best rate so far,
 * or at least so long; sockets take the first ones at once. */
#define RATE_BYTES (1u << 20)
#define RATE_FIRST (640u << 10)
#define RATE_TIME TICK_MS(100)

/* So much below the best: the others wait for one whose link is slow. */
#define RATE_PART 2

static void
measure(struct swarm *s, const struct peer *p)
{
	(void)swarm_act(s, ACTION_MEASURE, p->id);
}

static void
measure_anew(struct swarm *s)
{
	s->stripe.rate_at = s->now;
	s->stripe.rate_from = s->stats.uploaded;
}

static bool
is_slow(struct swarm *s)
{
	double ns = (double)tick_since(s->stripe.rate_at, s->now).ns;
	double n = (double)(s->stats.uploaded - s->stripe.rate_from);
	double best = s->stripe.rate_best;

	if (s->stripe.rate_from == 0) {
		if (n >= RATE_FIRST)
			measure_anew(s);
		return false;
	}
	if (ns < (double)RATE_TIME.ns ||
	    (best > 0 ? ns * best : n) < RATE_BYTES)
		return false;
	measure_anew(s);
	if (n / ns > best)
		s->stripe.rate_best = n / ns;
	s->stripe.n_slow++;
	if (s->stripe.waiting && n / ns * RATE_PART < best)
		return true;
	s->stripe.n_slow = 0;
	return false;
}

/* ... or has not been seen yet, as one link was slow from the beginning: at
 * three of four looks over that time, and at so many, nothing was on its way
 * but to the one for whom the others wait. */
#define HELD_LOOKS 5u

/* Less may stand for want of an acknowledgement, which comes late. */
#define HELD_BYTES 4096u

/* Whether that is so by the last look. */
static bool
is_held_by(const struct swarm *s, const struct peer *p)
{
	const struct peer *q;
	uint32_t i;

	for (EACH_SLOT(i, &s->set.takers)) {
		q = s->peers[i];
		if ((q->n_unacked >= HELD_BYTES) != (q == p))
			return false;
	}
	return true;
}

/* Counts a look; whether it was so for long enough. */
static bool
is_held(struct swarm *s, const struct peer *p)
{
	struct held *h = &s->stripe.held;

	if (h->by != p->id || h->n_looks * 3 > h->n_held * 4) {
		h->by = p->id;
		h->since = s->now;
		h->n_looks = h->n_held = 0;
	}
	h->n_looks++;
	h->n_held += is_held_by(s, p);
	return h->n_held >= HELD_LOOKS &&
	       tick_since(h->since, s->now).ns >= time_of(p->rtt);
}

/* For whom the others wait while the link idles, or NULL. */
static struct peer *
idling_for(struct swarm *s)
{
	bool slow = is_slow(s);
	uint32_t i, least;
	struct peer *p;

	if (!slow && !s->stripe.waiting)
		return NULL;
	p = slowest(s, &least);
	if (slow || p == NULL)
		return p;
	for (EACH_SLOT(i, &s->set.takers))
		measure(s, s->peers[i]);
	return is_held(s, p) ? p : NULL;
}

bool
push_is_busy(const struct swarm *s)
{
	uint32_t i;

	for (EACH_SLOT(i, &s->set.takers))
		if (s->peers[i]->push_old < s->c.n_pieces)
			return true;
	return false;
}

/* ---- who does not take what is pushed to it ------------------------------ */

/* Looked at whenever so many pieces came of what it is to get, and that time
 * has passed: less than this part of them got to it, and more wait. What only
 * stands in a socket or on its way counts for nothing. */
#define STUCK_PIECES 5u
#define STUCK_PART 6u

/* It is said again after that: the tracker forgets. */
#define AGAIN_TIME TICK_S(2)

static uint32_t
n_had(const struct swarm *s, const struct peer *p)
{
	uint32_t i, n = 0;

	for (i = 0; i < STRIPES; i++)
		if ((p->takes & stripe_bit(i)) != 0)
			n += s->stripe.n_got[i];
	return n;
}

static void
accuse(struct swarm *s, struct peer *p)
{
	if (p->dialled.port == 0 || s->stripe.has_stuck ||
	    (p->accused_at.ns != 0 &&
		tick_since(p->accused_at, s->now).ns < AGAIN_TIME.ns))
		return;
	p->accused_at = s->now;
	s->stripe.has_stuck = true;
	s->stripe.stuck = p->dialled;
	s->stripe.complain_at = s->now;
}

/* Whether p got much less than we had for it since that was measured last. */
static bool
is_stuck(const struct swarm *s, const struct peer *p, uint64_t n_acked)
{
	uint64_t n = n_had(s, p) - p->n_before;

	return (n_acked - p->n_acked) * STUCK_PART < n * s->c.piece_length &&
	       p->wants.n > 0 && p->push_new < s->n_news;
}

void
push_on_unacked(
    struct swarm *s, struct peer *p, uint32_t n, struct duration rtt)
{
	uint64_t n_acked = p->n_out > n ? p->n_out - n : 0;
	bool first = p->pushed_at.ns == 0;

	if (s->began_complete) {
		p->n_unacked = n;
		p->rtt = rtt;
		return;
	}
	if (!first && tick_since(p->pushed_at, s->now).ns < time_of(rtt))
		return;
	if (n_acked < p->n_acked)
		n_acked = p->n_acked; /* what is no payload counts in n */
	if (!first && is_stuck(s, p, n_acked))
		accuse(s, p);
	p->pushed_at = s->now;
	p->n_acked = n_acked;
	p->n_before = n_had(s, p);
}

void
push_check(struct swarm *s)
{
	struct peer *p;
	uint32_t i;

	if (s->began_complete) {
		p = idling_for(s);
		if (p != NULL)
			accuse(s, p);
		return;
	}
	for (EACH_SLOT(i, &s->set.takers)) {
		p = s->peers[i];
		if (n_had(s, p) - p->n_before >= STUCK_PIECES &&
		    tick_since(p->pushed_at, s->now).ns >= BLAME_TIME.ns)
			measure(s, p);
	}
}

/* ------------------------------------------------------------------------- */

static void
push(struct swarm *s, struct peer *p, uint32_t piece)
{
	uint32_t size = swarm_piece_size(s, piece), most = p->max_block, n;
	uint32_t at;

	if (most > s->c.block_bytes)
		most = s->c.block_bytes;
	for (at = 0; at < size && s->err == 0; at += n) {
		n = size - at < most ? size - at : most;
		(void)block_list_push(s, &p->wants,
		    (struct block){.piece = piece, .begin = at, .length = n});
	}
	bits_set(&p->pushed, piece);
	if (s->stripe.taker[stripe_of(piece)] == p->id)
		s->stripe.n_sent[stripe_of(piece)]++;
}

void
push_feed(struct swarm *s, struct peer *p)
{
	uint32_t piece;

	if (p->takes == 0 || p->state != PEER_UP || s->stopping ||
	    p->wants.n > 0 || has_to_wait(s, p))
		return;
	piece = next_piece(s, p);
	if (piece == NO_PIECE)
		return;
	push(s, p, piece);
	peer_mark(s, p);
	serve_on_request(s, p);
}

void
push_on_stored(struct swarm *s)
{
	uint32_t i;

	for (EACH_SLOT(i, &s->set.takers))
		push_feed(s, s->peers[i]);
}

void
push_on_sent(struct swarm *s, struct peer *p)
{
	push_feed(s, p);
	if (s->began_complete && p->takes != 0)
		push_on_stored(s); /* who had to wait for this one */
}

/* How far the stripes are that go to p from now on: what was lost on its way to
 * one who had them before is to be sent again, and the others wait for it. */
static void
count_sent(struct swarm *s, const struct peer *p, stripes_t of)
{
	uint32_t i, k;

	for (k = 0; k < STRIPES; k++) {
		if ((of & stripe_bit(k)) == 0)
			continue;
		s->stripe.taker[k] = p->id;
		s->stripe.n_sent[k] = 0;
		for (i = k; s->began_complete && i < s->c.n_pieces;
		     i += STRIPES)
			s->stripe.n_sent[k] += !lacks(p, i);
	}
}

void
push_on_wish(struct swarm *s, struct peer *p, stripes_t of)
{
	stripes_t new;

	if (p->pushed.n == 0 &&
	    bits_init(&p->pushed, s->c.mem, s->c.n_pieces) != 0) {
		(void)swarm_fail(s, ERR_NOMEM);
		return;
	}
	new = (stripes_t)(of & ~p->takes);
	p->takes = of;
	if (new != 0) {
		p->push_old = 0;
		p->push_new = s->n_news;
		count_sent(s, p, new);
		p->pushed_at.ns = 0;
		if (!s->began_complete) /* which goes by its own link */
			measure(s, p);
	}
	peer_mark(s, p);
	push_feed(s, p);
}
