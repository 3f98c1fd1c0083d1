/*
 * Telling neighbours what we have. A HAVE that travels alone costs a packet,
 * ten times its nine bytes; so it rides with whatever else goes to that
 * neighbour, or waits for company: the longer, the more that neighbour could
 * ask us for already. What it has itself is worth no packet. Kin are told
 * several pieces in one message (murder_have, doc/PROTOCOL.md).
 */
#include "swarm_int.h"

/* A neighbour that may ask us for fewer pieces than this waits for news. */
#define EAGER 8u

/* News that wait, at most: they travel as one message. */
#define CROWD WIRE_HAVES_MAX

/* How long news may wait, in pieces' times: this part of the pieces that the
 * neighbour could ask us for, within these limits. */
#define WAIT_PART 2u
#define WAIT_LEAST 2u
#define WAIT_MOST 24u

/* The same for the complete, who know themselves what they send next; and for
 * pieces of which no copy but one is known. */
#define WAIT_COMPLETE 16u
#define WAIT_RARE 1u

/* The same for who is pushed all it needs (stripe.h), and wants to know only
 * in case that this fails. */
#define WAIT_CONTENT 48u

/* These wait at most as long as so many pieces take, if that is more than
 * WAIT_MAX: on a slow link it is the packets that count. */
#define WAIT_SLOW 32u

/* In time. */
#define WAIT_MIN TICK_MS(2)
#define WAIT_MAX TICK_MS(500)

/* Pieces we have and it does not. */
static uint32_t
n_needs(const struct swarm *s, const struct peer *p)
{
	return s->have.n_set - (p->have.n_set - p->n_offers);
}

/* Whether the news are of any use to p. */
static bool
concerns(const struct peer *p, uint32_t piece)
{
	return bits_full(&p->have) || !bits_get(&p->have, piece);
}

static struct duration
patience(const struct swarm *s, const struct peer *p, uint32_t piece)
{
	uint32_t n = n_needs(s, p) / WAIT_PART;
	struct duration d, most = WAIT_MAX;

	n = n > WAIT_MOST ? WAIT_MOST : n;
	n = n < WAIT_LEAST ? WAIT_LEAST : n;
	if (bits_full(&p->have))
		n = WAIT_COMPLETE;
	if (slots_has(&s->set.content, p->slot)) {
		n = WAIT_CONTENT;
		most.ns = s->piece_pause.ns * WAIT_SLOW;
		most = most.ns < WAIT_MAX.ns ? WAIT_MAX : most;
	} else if (s->picker.n_owners[piece] <= 1) {
		n = WAIT_RARE;
	}
	d.ns = s->piece_pause.ns * n;
	if (d.ns < WAIT_MIN.ns)
		return WAIT_MIN;
	return d.ns < most.ns ? d : most;
}

static void
put_news(
    struct swarm *s, const struct peer *p, const uint32_t *piece, uint32_t n)
{
	uint32_t i;

	if (n > 1 && p->haves_id != 0) {
		wire_put_haves(
		    &s->scratch, p->haves_id, s->c.n_pieces, piece, n);
		return;
	}
	for (i = 0; i < n; i++)
		wire_put_index(&s->scratch, WIRE_HAVE, piece[i]);
}

/* Whom stripes are pushed to, as they are to us, is not told of what it has; a
 * seeder is, since it goes by what is out. */
static bool
is_of_no_use(const struct swarm *s, const struct peer *p, uint32_t piece)
{
	return s->stripe.open == 0 && p->lacks == 0 && !bits_full(&p->have) &&
	       (bits_get(&p->have, piece) || push_was_sent(p, piece));
}

static void
put_news_of_use(struct swarm *s, struct peer *p)
{
	uint32_t some[WIRE_HAVES_MAX], n = 0;

	if (swarm_complete(s) && p->fast) {
		wire_put_plain(&s->scratch, WIRE_HAVE_ALL);
		p->n_told = s->n_news;
	}
	for (; p->n_told < s->n_news; p->n_told++) {
		if (is_of_no_use(s, p, s->news[p->n_told]))
			continue;
		some[n++] = s->news[p->n_told];
		if (n == WIRE_HAVES_MAX) {
			put_news(s, p, some, n);
			n = 0;
		}
	}
	put_news(s, p, some, n);
}

void
news_append(struct swarm *s, struct peer *p)
{
	uint32_t n = s->n_news - p->n_told, some;

	if (p->stripes_id != 0) {
		put_news_of_use(s, p);
		n = 0;
	}
	for (; n > 0; n -= some, p->n_told += some) {
		some = n < WIRE_HAVES_MAX ? n : WIRE_HAVES_MAX;
		put_news(s, p, &s->news[p->n_told], some);
	}
	p->news_due = TICK_NEVER;
}

void
news_on_message(struct swarm *s, struct peer *p, struct span body)
{
	uint32_t piece = 0;

	while (body.n > 0 && p->state == PEER_UP) {
		if (wire_take_have(&body, s->c.n_pieces, &piece) != 0) {
			peer_close(s, p, CLOSE_PROTOCOL);
			return;
		}
		peer_on_have(s, p, piece);
	}
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

/* Whether p waits for news: what it lacks does not come by itself. */
static bool
is_eager(const struct swarm *s, const struct peer *p)
{
	return n_needs(s, p) <= EAGER && !slots_has(&s->set.content, p->slot);
}

/* Whether p would push that piece to us, which came from elsewhere. */
static bool
would_push(const struct peer *p, const struct partial *f)
{
	return (p->gives & stripe_bit(stripe_of(f->piece))) != 0 &&
	       !partial_has_source(f, p->slot);
}

/* Tells p of the piece, with all else it was not told, at once or soon. */
static void
tell_of(struct swarm *s, struct peer *p, const struct partial *f)
{
	uint32_t piece = f->piece;
	struct instant due;

	if (swarm_complete(s) || s->n_news - p->n_told >= CROWD ||
	    would_push(p, f) ||
	    (is_eager(s, p) && !bits_get(&p->have, piece))) {
		news_tell(s, p);
	} else if (concerns(p, piece)) {
		due = tick_add(s->now, patience(s, p, piece));
		p->news_due = tick_min(p->news_due, due);
		s->news_due = tick_min(s->news_due, due);
	}
}

void
news_add(struct swarm *s, const struct partial *f)
{
	uint32_t i;

	s->news[s->n_news++] = f->piece;
	for (EACH_SLOT(i, &s->set.up))
		tell_of(s, s->peers[i], f);
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
