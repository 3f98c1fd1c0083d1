/*
 * Telling neighbours what we have. A HAVE that travels alone costs a packet,
 * ten times its nine bytes; so it rides with whatever else goes to that
 * neighbour, or waits a few pieces' time for company. Only those who lack
 * little of what we hold, and may therefore be idle, are told at once.
 */
#include "swarm_int.h"

/* A neighbour that may ask us for fewer pieces than this waits for news. */
#define EAGER 8u

/* News that wait, at most: they travel as one message. */
#define CROWD 256u

/* How long news may wait, in pieces' times and within these limits. */
#define WAIT_PIECES 4u
#define WAIT_MIN TICK_MS(10)
#define WAIT_MAX TICK_MS(200)

static struct duration
patience(const struct swarm *s)
{
	struct duration d = {.ns = s->piece_pause.ns * WAIT_PIECES};

	if (d.ns < WAIT_MIN.ns)
		return WAIT_MIN;
	return d.ns < WAIT_MAX.ns ? d : WAIT_MAX;
}

/* Pieces we have and it does not. */
static uint32_t
n_needs(const struct swarm *s, const struct peer *p)
{
	return s->have.n_set - (p->have.n_set - p->n_offers);
}

void
news_append(struct swarm *s, struct peer *p)
{
	for (; p->n_told < s->n_news; p->n_told++)
		wire_put_index(&s->scratch, WIRE_HAVE, s->news[p->n_told]);
	p->news_due = TICK_NEVER;
}

void
news_tell(struct swarm *s, struct peer *p)
{
	if (p->state == PEER_UP && p->n_told < s->n_news)
		swarm_send_scratch(s, p);
}

void
news_known(struct swarm *s, struct peer *p)
{
	p->n_told = s->n_news;
	p->news_due = TICK_NEVER;
}

void
news_add(struct swarm *s, uint32_t piece)
{
	struct instant due = tick_add(s->now, patience(s));
	bool last = swarm_complete(s);
	struct peer *p;
	uint32_t i;

	s->news[s->n_news++] = piece;
	for (EACH_SLOT(i, &s->set.up)) {
		p = s->peers[i];
		if (last || s->n_news - p->n_told >= CROWD ||
		    (n_needs(s, p) <= EAGER && !bits_get(&p->have, piece)))
			news_tell(s, p);
		else
			p->news_due = tick_min(p->news_due, due);
	}
	if (!last)
		s->news_due = tick_min(s->news_due, due);
}

void
news_check(struct swarm *s)
{
	struct peer *p;
	uint32_t i;

	if (!tick_due(s->news_due, s->now))
		return;
	s->news_due = TICK_NEVER;
	for (EACH_SLOT(i, &s->set.up)) {
		p = s->peers[i];
		if (tick_due(p->news_due, s->now))
			news_tell(s, p);
		s->news_due = tick_min(s->news_due, p->news_due);
	}
}
