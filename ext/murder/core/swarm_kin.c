/*
 * Whom of our kin to ask: how many at once, those with a suggestion first, one
 * request each; ahead of time only where there is a single neighbour. What to
 * ask for is swarm_ask.c's business.
 */
#include "swarm_int.h"

/* Asked of a single neighbour at once: a round trip of 0.8 ms at 10 Gbit/s, of
 * 8 ms at 1 Gbit/s. */
#define AHEAD_BYTES (1u << 20)

/* Rounds of what is asked at once. */
#define FAR_BEHIND 8u

/* Waiting to be hashed and written before more is asked for. */
#define BEHIND_BYTES (4u << 20)

bool
ask_is_out(const struct peer *p)
{
	return p->asked.n > 0 || p->rx_left > 0;
}

/* Asked at once: half as many again where neighbours are only a part of the
 * swarm, and pieces are many. */
static uint32_t
n_slots(const struct swarm *s)
{
	uint32_t n = s->c.download_slots;

	if (swarm_is_large(s) && s->c.n_pieces >= MANY_PIECES &&
	    !s->rack.active)
		n += n / 2;
	return n;
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
	       tick_due(p->rest_until, s->now) &&
	       !(bits_full(&p->have) && stripe_spares(s));
}

static bool
is_only_source(const struct swarm *s, const struct peer *p)
{
	return ask_has_suggestion(s, p) &&
	       s->picker.n_owners[p->suggested] <= 1;
}

/* Asks one more neighbour: those with a suggestion for us first, then at
 * random; false if there is nobody to be asked for anything. */
static bool
ask_one(struct swarm *s)
{
	struct peer *order[LIMIT_PEERS], *p;
	uint32_t i, k, n = 0;
	struct ask_work w;
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
		if (ask_has_suggestion(s, order[i])) {
			p = order[i];
			order[i] = order[0];
			order[0] = p;
			break;
		}
	for (i = 0; i < n; i++) {
		p = order[i];
		if (!ask_find(s, p, &w))
			continue;
		p->extra = false;
		peer_mark(s, p);
		ask_request(s, p, &w, LIMIT_REQUESTS_OUT);
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
	struct ask_work w;

	for (EACH_SLOT(i, &who)) {
		p = s->peers[i];
		if (s->err != 0 || ask_is_out(p) || !may_ask(s, p) ||
		    (n >= n_slots(s) && !is_only_source(s, p)))
			continue;
		if (ask_find(s, p, &w) && !w.duplicate) {
			ask_request(s, p, &w, LIMIT_REQUESTS_OUT);
			p->extra = true;
			n++;
		}
		p->suggested = NO_PIECE;
		peer_mark(s, p);
	}
}

/* How many to ask: more while we lag behind our neighbours; but who lags far
 * has a slow link, or came late, and more requests would only fill queues. */
static uint32_t
want_asked(const struct swarm *s)
{
	uint32_t i, n = 0, slots = n_slots(s), lag = 0;
	uint64_t sum = 0;
	struct slots of = slots_without(s->set.kin, s->set.full);

	for (EACH_SLOT(i, &of)) {
		sum += s->n_have[i];
		n++;
	}
	if (n > 0 && sum / n > s->have.n_set)
		lag = (uint32_t)(sum / n - s->have.n_set);
	if (lag > FAR_BEHIND * slots)
		return slots;
	return slots + (lag / 2 < slots ? lag / 2 : slots);
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
	struct ask_work w;

	if (s->n_up != 1 || i == LIMIT_PEERS || s->stats.downloaded == 0)
		return;
	p = s->peers[i];
	while (s->err == 0 && ask_is_out(p) && may_ask(s, p) &&
	       owed(p) < AHEAD_BYTES && ask_find(s, p, &w) && !w.duplicate) {
		before = p->asked.n;
		ask_request(s, p, &w, LIMIT_REQUESTS_OUT);
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

	if (!s->recheck || s->stripe.open == 0 || swarm_complete(s) ||
	    s->stopping || is_behind(s))
		return;
	s->recheck = false;
	ask_suggested(s);
	for (n = n_asked(s, false), max = want_asked(s); n < max && s->err == 0;
	     n++)
		if (!ask_one(s))
			break;
	ask_ahead(s);
}
