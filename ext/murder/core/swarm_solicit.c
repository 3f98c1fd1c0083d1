/*
 * Requests stand in their neighbours' pools at random, so some pool is always
 * about to be empty while others are full. Whose pool runs dry suggests to
 * neighbours one of its newest pieces (BEP 6); they then ask beyond what they
 * ask for anyway. The seeder suggests to everybody at all times: swarm_serve.c.
 */
#include "swarm_int.h"

#define SMALL 24 /* hosts in a small swarm */
#define NEWS 64  /* pieces we had last, among which we look first */

/* Those who should wait or be about to: more in a large swarm, whose hosts know
 * few of the others; hardly any where pieces are few and large. */
static uint32_t
pool_wanted(const struct swarm *s)
{
	if (s->c.n_pieces < 1024)
		return 1;
	return s->tracker.swarm_size > SMALL || s->n_up > SMALL ? 4 : 2;
}

/* A piece of ours that p lacks, or NO_PIECE. */
static uint32_t
news_for(const struct swarm *s, const struct peer *p)
{
	uint32_t i;

	for (i = s->n_news; i > 0 && s->n_news - i < NEWS; i--)
		if (!bits_get(&p->have, s->news[i - 1]))
			return s->news[i - 1];
	for (i = 0; i < s->c.n_pieces; i++)
		if (bits_get(&s->have, i) && !bits_get(&p->have, i))
			return i;
	return NO_PIECE;
}

/* Long enough for a request to come back. */
static struct instant
patience(const struct swarm *s)
{
	uint64_t ns = TICK_MS(10).ns + 2 * s->piece_pause.ns;

	return tick_add(s->now, (struct duration){.ns = ns});
}

void
solicit(struct swarm *s)
{
	struct peer *who[LIMIT_PEERS], *p;
	uint32_t i, k, piece, n = 0, pool = 0, wanted = pool_wanted(s);

	if (s->began_complete || s->stopping || s->have.n_set == 0)
		return;
	for (i = 0; i < s->c.max_peers && pool < wanted; i++) {
		p = peer_up(s, i);
		if (p == NULL || !p->kin || !p->fast)
			continue;
		if (serve_waits(s, p) || !tick_due(p->solicited, s->now))
			pool++;
		else if (p->wants.n == 0 && !bits_full(&p->have))
			who[n++] = p;
	}
	while (pool < wanted && n > 0 && s->err == 0) {
		k = rng_below(&s->rng, n);
		p = who[k];
		who[k] = who[--n];
		piece = news_for(s, p);
		if (piece == NO_PIECE)
			continue;
		peer_say_suggest(s, p, piece);
		p->solicited = patience(s);
		pool++;
	}
}
