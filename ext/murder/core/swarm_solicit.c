/*
 * Requests stand in their neighbours' pools at random, so some pool is always
 * about to be empty while others are full. Whose pool runs dry suggests to
 * neighbours one of its newest pieces (BEP 6); they then ask beyond what they
 * ask for anyway. The seeder suggests to everybody at all times: swarm_serve.c.
 */
#include "swarm_int.h"

#define NEWS 64 /* pieces we had last, among which we look first */

/* Those who should wait or be about to: more in a large swarm, whose hosts know
 * few of the others; hardly any where pieces are few and large. */
static uint32_t
pool_wanted(const struct swarm *s)
{
	if (s->c.n_pieces < MANY_PIECES)
		return 1;
	return swarm_is_large(s) ? 3 : 2;
}

/* A piece of ours that p lacks, or NO_PIECE. */
static uint32_t
news_for(const struct swarm *s, const struct peer *p)
{
	uint32_t i;

	if (s->have.n_set == p->have.n_set - p->n_offers)
		return NO_PIECE; /* it has all we have */
	for (i = s->n_news; i > 0 && s->n_news - i < NEWS; i--)
		if (!bits_get(&p->have, s->news[i - 1]) &&
		    (p->lacks & stripe_bit(stripe_of(s->news[i - 1]))) != 0)
			return s->news[i - 1];
	if (p->lacks != STRIPES_ALL)
		return NO_PIECE;
	i = bits_next_missing(&s->have, &p->have, 0);
	return i < s->c.n_pieces ? i : NO_PIECE;
}

/* Long enough for a request to come back. */
static struct instant
patience(const struct swarm *s)
{
	uint64_t ns = TICK_MS(10).ns + 2 * s->piece_pause.ns;

	return tick_add(s->now, (struct duration){.ns = ns});
}

/* Who has not asked by now is not about to. */
static void
forget_late(struct swarm *s)
{
	const struct peer *p;
	uint32_t i;

	for (EACH_SLOT(i, &s->solicited)) {
		p = s->peers[i];
		if (p == NULL || tick_due(p->solicited, s->now))
			slots_put(&s->solicited, i, false);
	}
}

void
solicit(struct swarm *s)
{
	uint32_t i, k, piece, n = 0, pool, wanted = pool_wanted(s);
	struct peer *who[LIMIT_PEERS], *p;
	struct slots near = slots_without(s->set.fast, s->rack.far), of;

	if (s->began_complete || s->stopping || s->have.n_set == 0)
		return;
	of = slots_and(near, s->set.waiting);
	pool = slots_n(of);
	if (pool >= wanted)
		return;
	forget_late(s);
	of = slots_without(near, of);
	pool += slots_n(slots_and(of, s->solicited));
	if (pool >= wanted)
		return;
	of = slots_without(of, s->solicited);
	of = slots_without(of, s->set.wanting);
	of = slots_without(of, s->set.full);
	of = slots_without(of, s->set.content);
	for (EACH_SLOT(i, &of))
		who[n++] = s->peers[i];
	while (pool < wanted && n > 0 && s->err == 0) {
		k = rng_below(&s->rng, n);
		p = who[k];
		who[k] = who[--n];
		piece = news_for(s, p);
		if (piece == NO_PIECE)
			continue;
		peer_say_suggest(s, p, piece);
		p->solicited = patience(s);
		slots_put(&s->solicited, p->slot, true);
		pool++;
	}
}
