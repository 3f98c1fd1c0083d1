/*
 * Stripes that come to us (stripe.h): the tracker says who sends us which, and
 * to whom we are to send; who is to send is told so, and pushes. What comes
 * this way is not asked of anybody else. Whose sender is gone asks all
 * neighbours for that stripe like for any piece, tells them so, and has the
 * tracker name somebody else. A stripe that lags behind the others, or falls
 * silent, ends the pushing for everybody.
 */
#include "swarm_int.h"

/* Connecting to who is to send us a stripe may take so long. */
#define PATIENCE TICK_MS(1000)

/* A stripe is late if it is behind the one that is furthest by this part of
 * all pieces, or by a few and nothing of it came for so many times its usual
 * pause, or at least so long. */
#define LAG_PART 16u
#define LAG_MIN 8u
#define LAG_FEW 3u
#define QUIET_PIECES 48u
#define QUIET_MIN TICK_MS(500)

/* Nothing of use came for so many pieces' times, within these limits. */
#define IDLE_PIECES 64u
#define IDLE_MIN TICK_MS(200)
#define IDLE_MAX TICK_MS(1000)

/* So many neighbours are complete, one of them perhaps the seeder: they have
 * little left to pass on, and may be asked for what still lacks. */
#define ENDING 2u

/* Between two complaints, at least. */
#define COMPLAINT_PAUSE TICK_MS(100)

/* Waiting to be hashed and written: nothing more is to be pushed; and, as
 * long as it is not below this again. */
#define FULL_BYTES (8u << 20)
#define LOW_BYTES (2u << 20)

void
stripe_init(struct swarm *s)
{
	uint32_t i;

	s->stripe.open = STRIPES_ALL;
	s->stripe.complain_at = TICK_NEVER;
	for (i = 0; i < s->c.n_pieces; i++)
		s->stripe.n_got[stripe_of(i)] += bits_get(&s->have, i);
}

bool
stripe_takes_part(const struct swarm *s)
{
	return s->c.stripes && s->rack.own == RACK_UNKNOWN;
}

/* ---- what is sent to whom ----------------------------------------------- */

static void
say(struct swarm *s, struct peer *p, enum wire_stripes_kind kind, stripes_t of)
{
	wire_put_stripes(&s->scratch, p->stripes_id, kind, of);
	swarm_send_scratch(s, p);
}

static bool
can_push(const struct peer *p)
{
	return p != NULL && p->state == PEER_UP && p->stripes_id != 0;
}

/* The stripes that k's host is to send us and we cannot have from it. */
static bool
has_failed(const struct swarm *s, const struct known *k)
{
	struct peer *p = peer_of(s, k->peer);

	if (p != NULL && p->state == PEER_UP && p->kin)
		return p->stripes_id == 0;
	return tick_due(k->linked, s->now);
}

/* Tells p what it is to send from now on. */
static void
subscribe(struct swarm *s, struct peer *p, stripes_t of)
{
	if (p->gives == of)
		return;
	p->gives = of;
	p->may_push = true;
	say(s, p, WIRE_STRIPES_SEND, of);
}

/* Who sends us what, by what we were told and who is there. */
static void
link_senders(struct swarm *s)
{
	struct known *k;
	struct peer *p;
	uint32_t i;
	stripes_t of;

	s->stripe.assigned = 0;
	s->stripe.fed = 0;
	for (i = 0; i < s->n_known; i++) {
		k = &s->known[i];
		p = peer_of(s, k->peer);
		if (k->gives != 0 && has_failed(s, k)) {
			s->stripe.lost |= k->gives;
			k->gives = 0;
		}
		if (s->stripe.given_up)
			k->gives = 0;
		s->stripe.assigned |= k->gives;
		of = s->stripe.full ? 0 : k->gives;
		if (!can_push(p))
			continue;
		s->stripe.fed |= k->gives;
		subscribe(s, p, of);
		if ((k->takes & ~p->takes) != 0)
			say(s, p, WIRE_STRIPES_OFFER, k->takes);
		k->takes = 0;
	}
}

/* ---- what is asked of others -------------------------------------------- */

/* Which stripes are open to be asked for, and who is told. */
static void
open_stripes(struct swarm *s)
{
	stripes_t open, was = s->stripe.open;
	struct peer *p;
	uint32_t i;

	open = (stripes_t)(STRIPES_ALL & ~s->stripe.assigned);
	if (s->stripe.idle || s->stripe.ending || swarm_complete(s))
		open = STRIPES_ALL;
	s->stripe.open = open;
	if (open == was || swarm_complete(s))
		return;
	s->recheck = true;
	for (EACH_SLOT(i, &s->set.up)) {
		p = s->peers[i];
		if (!can_push(p))
			continue;
		say(s, p, WIRE_STRIPES_LACK, open);
		if (open != 0)
			peer_say_bitfield(s, p);
	}
}

void
stripe_review(struct swarm *s)
{
	if (!s->stripe.review)
		return;
	s->stripe.review = false;
	if (!stripe_takes_part(s) || s->stopping)
		return;
	if (!swarm_complete(s))
		link_senders(s);
	open_stripes(s);
	if (s->stripe.given_up)
		s->stripe.lost = 0;
	if (s->stripe.lost != 0 && s->stripe.complain_at.ns == TICK_NEVER.ns)
		s->stripe.complain_at = tick_add(s->now, COMPLAINT_PAUSE);
}

void
stripe_greet(struct swarm *s, struct peer *p)
{
	if (can_push(p) && s->stripe.given_up)
		say(s, p, WIRE_STRIPES_QUIT, 0);
	if (can_push(p) && s->stripe.open != STRIPES_ALL)
		say(s, p, WIRE_STRIPES_LACK, s->stripe.open);
}

bool
stripe_is_crowded(const struct swarm *s, const struct peer *p)
{
	return stripe_takes_part(s) && !p->outgoing &&
	       s->n_slots_used > s->c.max_peers / 2 && !dial_is_link(s, p);
}

bool
stripe_is_open(const struct swarm *s, uint32_t piece)
{
	return (s->stripe.open & stripe_bit(stripe_of(piece))) != 0;
}

/* ---- what the tracker says ---------------------------------------------- */

void
stripe_on_links(struct swarm *s, const struct announce_reply *r)
{
	struct announce_link link[ANNOUNCE_LINKS];
	uint32_t i, n = announce_reply_links(r, link);
	struct known *k;

	if (n == 0 || !stripe_takes_part(s))
		return;
	for (i = 0; i < s->n_known; i++)
		s->known[i].gives = s->known[i].takes = 0;
	for (i = 0; i < n; i++) {
		k = dial_link(s, &link[i].addr);
		if (k == NULL)
			continue;
		k->linked = tick_add(s->now, PATIENCE);
		if (link[i].down)
			k->takes |= stripe_bit(link[i].stripe);
		else
			k->gives |= stripe_bit(link[i].stripe);
		s->stripe.assigned |= k->gives;
	}
	for (i = 0; i < STRIPES; i++)
		if ((stripe_bit(i) & ~s->stripe.fed) != 0)
			s->stripe.fed_at[i] = s->now;
	s->stripe.since = s->now;
	if (s->stripe.began.ns == 0)
		s->stripe.began = s->now;
	s->stripe.review = true;
}

/* p offers to send us these from now on: it stands between us and who did. */
static void
on_offer(struct swarm *s, struct peer *p, stripes_t of)
{
	struct known *k;
	uint32_t i;

	if (swarm_complete(s) || !stripe_takes_part(s))
		return;
	for (i = 0; i < s->n_known; i++) {
		k = &s->known[i];
		if (k->peer == p->id)
			k->gives |= of;
		else
			k->gives &= (stripes_t)~of;
	}
	s->stripe.review = true;
}

/* All is asked for from now on, here and everywhere: who pulls among others to
 * whom all is pushed gets the rest of their links, and comes last. */
static void
quit(struct swarm *s)
{
	struct peer *p;
	uint32_t i;

	if (s->stripe.given_up)
		return;
	s->stripe.given_up = true;
	s->stripe.review = true;
	for (EACH_SLOT(i, &s->set.up)) {
		p = s->peers[i];
		if (can_push(p))
			say(s, p, WIRE_STRIPES_QUIT, 0);
	}
}

void
stripe_on_message(struct swarm *s, struct peer *p, struct span body)
{
	enum wire_stripes_kind kind;
	stripes_t of;

	if (!stripe_takes_part(s))
		return; /* we offered no id for these */
	if (wire_take_stripes(&body, &kind, &of) != 0) {
		peer_close(s, p, CLOSE_PROTOCOL);
		return;
	}
	switch (kind) {
	case WIRE_STRIPES_SEND:
		push_on_wish(s, p, of);
		break;
	case WIRE_STRIPES_OFFER:
		on_offer(s, p, of);
		break;
	case WIRE_STRIPES_QUIT:
		quit(s);
		break;
	case WIRE_STRIPES_LACK:
		p->lacks = of;
		peer_mark(s, p);
		if (of != 0)
			peer_say_bitfield(s, p);
		break;
	}
}

/* ---- what comes --------------------------------------------------------- */

void
stripe_on_stored(struct swarm *s, const struct partial *f)
{
	uint32_t i = stripe_of(f->piece), k;

	s->stripe.n_got[i]++;
	for (EACH_SLOT(k, &s->set.up)) {
		if ((s->peers[k]->gives & stripe_bit(i)) == 0 ||
		    !partial_has_source(f, k))
			continue;
		s->stripe.fed_at[i] = s->now;
		s->stripe.n_fed[i]++;
		break;
	}
	if (s->stripe.full && s->storing < LOW_BYTES) {
		s->stripe.full = false;
		s->stripe.review = true;
	}
}

void
stripe_on_whole(struct swarm *s)
{
	if (!s->stripe.full && s->storing > FULL_BYTES) {
		s->stripe.full = true;
		s->stripe.review = true;
	}
}

static uint32_t
lag_limit(const struct swarm *s)
{
	uint32_t n = s->c.n_pieces / LAG_PART;

	return n < LAG_MIN ? LAG_MIN : n;
}

/* Whether nothing of stripe i was pushed for many times what is usual. */
static bool
is_quiet(const struct swarm *s, uint32_t i)
{
	uint64_t ns = tick_since(s->stripe.began, s->now).ns;

	ns = ns / (s->have.n_set + 1) * STRIPES * QUIET_PIECES;
	ns = ns < QUIET_MIN.ns ? QUIET_MIN.ns : ns;
	return tick_since(s->stripe.fed_at[i], s->now).ns > ns;
}

/* By how much stripe i is behind the one that is furthest; one that is whole
 * does not count as further than it could be. */
static uint32_t
lag_among(const struct swarm *s, uint32_t i, const uint32_t n_of[STRIPES])
{
	uint32_t k, most = 0, all = stripe_n_pieces(i, s->c.n_pieces);

	for (k = 0; k < STRIPES; k++)
		if (n_of[k] > most)
			most = n_of[k];
	most = most < all ? most : all;
	return most > n_of[i] ? most - n_of[i] : 0;
}

/* What came otherwise makes neither a stripe that is pushed lag, nor hides
 * that it does not. */
static uint32_t
lag_of(const struct swarm *s, uint32_t i)
{
	uint32_t a = lag_among(s, i, s->stripe.n_got);
	uint32_t b = lag_among(s, i, s->stripe.n_fed);

	return a < b ? a : b;
}

static bool
is_idle(const struct swarm *s)
{
	uint64_t ns = s->piece_pause.ns * IDLE_PIECES;
	struct instant since = tick_before(s->payload_at, s->stripe.since)
				   ? s->stripe.since
				   : s->payload_at;

	ns = ns < IDLE_MIN.ns ? IDLE_MIN.ns : ns;
	if (ns > IDLE_MAX.ns || s->have.n_set < STRIPES)
		ns =
		    IDLE_MAX.ns; /* the first pieces may be long on their way */
	return tick_since(since, s->now).ns > ns;
}

/* Whether stripe i does not come as it should. */
static bool
is_late(const struct swarm *s, uint32_t i)
{
	uint32_t lag = lag_of(s, i);

	return lag >= lag_limit(s) || (lag >= LAG_FEW && is_quiet(s, i));
}

void
stripe_check(struct swarm *s)
{
	uint32_t i;
	bool idle, ending;

	if (s->began_complete && push_is_slow(s))
		quit(s);
	if (s->began_complete)
		push_on_stored(s); /* some may have waited for long enough */
	if (s->stripe.assigned == 0 || swarm_complete(s))
		return;
	idle = is_idle(s);
	ending = slots_n(s->set.full) >= ENDING;
	for (i = 0; i < STRIPES; i++)
		if (is_late(s, i))
			quit(s);
	if (idle != s->stripe.idle || ending != s->stripe.ending ||
	    s->stripe.given_up || s->stripe.lost != 0 ||
	    s->stripe.fed != s->stripe.assigned)
		s->stripe.review = true;
	s->stripe.idle = idle;
	s->stripe.ending = ending;
}
