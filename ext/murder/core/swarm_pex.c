/*
 * BEP 11: neighbours tell one another of neighbours, so that the swarm grows
 * on without its tracker. Kin and others alike, unless the torrent is private
 * (BEP 27). Each is told, at most once a minute, of those who said where they
 * listen since it was told last; nobody is told of who left.
 */
#include <string.h>

#include "swarm_int.h"

/* Between two messages to a neighbour, in seconds; and from it, with some
 * allowance for clocks and delays: what comes earlier is passed over. */
#define SAY_EVERY_S 60u
#define TAKE_EVERY_S 30u

/* Addresses in a message (BEP 11), sent or taken. */
#define MAX_ADDED 50u

/* Of the addresses a swarm remembers, neighbours fill this part at most. */
#define MAX_KNOWN (LIMIT_ADDRESSES / 4)

/* ---- what we tell -------------------------------------------------------- */

/* A neighbour p has not been told of yet. The complete are left out: whoever
 * lacks pieces finds seeds by the tracker, and ours are not to be flooded. */
static bool
is_news(const struct peer *q, const struct peer *p)
{
	return q != p && q->dialled.port != 0 && !bits_full(&q->have) &&
	       !addr_equal(&q->dialled, &p->dialled) &&
	       (p->pex_said.ns == 0 || q->up_at.ns >= p->pex_said.ns);
}

/* Appends addresses to the two lists; gives how many. */
static uint32_t
collect(
    struct swarm *s, const struct peer *p, struct buf *four, struct buf *six)
{
	uint32_t start = rng_below(&s->rng, LIMIT_PEERS), i, n = 0;
	struct peer *q;

	for (i = 0; i < LIMIT_PEERS && n < MAX_ADDED; i++) {
		q = peer_up(s, (start + i) % LIMIT_PEERS);
		if (q == NULL || !is_news(q, p))
			continue;
		(void)addr_put_compact(
		    q->dialled.family == ADDR_V4 ? four : six, &q->dialled);
		n++;
	}
	return n;
}

void
pex_say(struct swarm *s, struct peer *p)
{
	struct buf four, six, body;
	struct wire_pex m;
	int err;

	if (p->pex_id == 0 || s->stopping || !tick_due(p->pex_next, s->now))
		return;
	buf_init(&four, s->c.mem, MAX_ADDED * 6u);
	buf_init(&six, s->c.mem, MAX_ADDED * 18u);
	buf_init(&body, s->c.mem, LIMIT_MESSAGE_BYTES);
	if (collect(s, p, &four, &six) > 0) {
		m = (struct wire_pex){buf_span(&four), buf_span(&six)};
		err = wire_pex_build(&body, &m);
		if (err == 0)
			err = buf_error(&four);
		if (err == 0)
			err = buf_error(&six);
		if (err == 0)
			wire_put_extended(
			    &s->scratch, p->pex_id, buf_span(&body));
		else
			swarm_fail(s, err);
		swarm_send_scratch(s, p);
		p->pex_said = s->now;
		p->pex_next = tick_add(s->now, TICK_S(SAY_EVERY_S));
	}
	buf_free(&four);
	buf_free(&six);
	buf_free(&body);
}

/* ---- what we are told ---------------------------------------------------- */

/* Somewhere a neighbour may send us: not nowhere, not to everybody, and not
 * into our own machine unless it is there itself. */
static bool
is_sane(const struct addr *a, const struct addr *teller)
{
	static const uint8_t zero[16];
	bool is_v4 = a->family == ADDR_V4;
	bool is_loopback = is_v4
			       ? a->ip[0] == 127
			       : memcmp(a->ip, zero, 15) == 0 && a->ip[15] == 1;

	if (is_loopback)
		return addr_same_host(a, teller) ||
		       (is_v4 && teller->family == ADDR_V4 &&
			   teller->ip[0] == 127);
	return is_v4 ? a->ip[0] != 0 && a->ip[0] < 224
		     : a->ip[0] != 0xff && memcmp(a->ip, zero, 16) != 0;
}

static void
take(struct swarm *s, const struct peer *p, struct span list,
    enum addr_family family)
{
	struct addr a;
	uint32_t n;

	for (n = 0; n < MAX_ADDED && s->n_known < MAX_KNOWN; n++) {
		if (addr_take_compact(&list, family, &a) != 0)
			return;
		if (is_sane(&a, &p->addr))
			dial_add(s, &a);
	}
}

void
pex_on_message(struct swarm *s, struct peer *p, struct span body)
{
	struct wire_pex m;

	if (s->c.is_private || swarm_complete(s) ||
	    !tick_due(p->pex_take, s->now))
		return;
	if (wire_pex_parse(&m, body) != 0) {
		peer_close(s, p, CLOSE_PROTOCOL);
		return;
	}
	p->pex_take = tick_add(s->now, TICK_S(TAKE_EVERY_S));
	take(s, p, m.added, ADDR_V4);
	take(s, p, m.added6, ADDR_V6);
}
