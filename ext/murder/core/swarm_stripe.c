/*
 * Stripes that come to us (stripe.h): the tracker says who sends us which, and
 * to whom we are to send; who is to send is told so, and pushes. What comes
 * this way is not asked of anybody else. Whose sender is gone asks all
 * neighbours for that stripe like for any piece, tells them so, and has the
 * tracker name somebody else. Whether it comes as it should: swarm_watch.c.
 */
#include "swarm_int.h"

/* Fewer are asked for: they are out before the trees are there. */
#define PIECES_LEAST 64u

/* Connecting to who is to send us a stripe may take so long. */
#define PATIENCE TICK_MS(500)

/* Two hosts that dial each other close one of two connections. */
#define TWIN TICK_MS(50)

/* Between two complaints, at least. */
#define COMPLAINT_PAUSE TICK_MS(20)

/* It doubles as often as this, if the tracker knows nobody. */
#define COMPLAINT_DOUBLES 8u

/* Messages of a neighbour in a row, and the time that one earns again. */
#define MESSAGE_BURST 256u
#define MESSAGE_PAUSE TICK_MS(20)

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
	return s->c.stripes && s->c.n_pieces >= PIECES_LEAST &&
	       s->rack.own == RACK_UNKNOWN && !s->stripe.unfit;
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

/* Whether one shakes hands with us at k's address, by either handshake: the
 * other of two who dialled each other, or one far away. */
static bool
is_coming(const struct swarm *s, const struct known *k)
{
	const struct peer *p;
	uint32_t i;

	for (i = 0; i < LIMIT_PEERS; i++) {
		p = s->peers[i];
		if (p == NULL || !addr_same_host(&p->addr, &k->addr))
			continue;
		if (p->state == PEER_SHAKING &&
		    tick_since(p->heard, s->now).ns < PATIENCE.ns)
			return true;
		if (p->state == PEER_UP && !p->kin &&
		    tick_since(p->up_at, s->now).ns < PATIENCE.ns)
			return true;
	}
	return false;
}

/* Whether what k's host is to send us cannot be had from it. */
static bool
has_failed(const struct swarm *s, const struct known *k)
{
	struct peer *p = peer_of(s, k->peer);

	if (p != NULL && p->state == PEER_UP && p->kin)
		return p->stripes_id == 0;
	return tick_due(k->linked, s->now) && !is_coming(s, k);
}

/* Tells p what it is to send from now on. */
static void
subscribe(struct swarm *s, struct peer *p, stripes_t of)
{
	if (p->gives == of)
		return;
	if ((of & ~p->gives) != 0 && s->have.n_set > 0)
		peer_say_bitfield(s, p); /* it is not to send what we have */
	if (p->rx_left > 0 && !s->stripe.full &&
	    (p->gives & ~of & stripe_bit(stripe_of(p->rx.piece))) != 0)
		piece_interrupt(s, p); /* the next one sends the rest as well */
	p->gives = of;
	p->may_push = true;
	say(s, p, WIRE_STRIPES_SEND, of);
}

/* What a stripe is behind when somebody else begins to send it is not to the
 * charge of that one. */
static void
note_giver(struct swarm *s, uint32_t who, stripes_t of)
{
	uint32_t i;

	for (i = 0; i < STRIPES; i++) {
		if ((of & stripe_bit(i)) == 0 || s->stripe.giver[i] == who + 1)
			continue;
		s->stripe.giver[i] = who + 1;
		s->stripe.since = s->now;
		s->stripe.n_idle = 0;
		s->stripe.base[i] = watch_lag(s, i);
		s->stripe.fed_at[i] = s->now;
		s->stripe.n_enquiries = 0;
	}
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
		note_giver(s, i, k->gives);
		k->linked = tick_min(k->linked, tick_add(s->now, TWIN));
		subscribe(s, p, of);
		if ((k->takes & ~p->takes) != 0 && k->told != p->id) {
			k->told = p->id;
			say(s, p, WIRE_STRIPES_OFFER, k->takes);
		}
	}
}

/* p says what it wants, so it has heard what we offered: until then that is
 * offered again over its other connection, should this one be closed. */
static void
offer_heard(struct swarm *s, const struct peer *p)
{
	uint32_t i;

	for (i = 0; i < s->n_known; i++)
		if (s->known[i].peer == p->id)
			s->known[i].takes = 0;
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
		s->stripe.complain_at = tick_add(s->now,
		    (struct duration){
			.ns = COMPLAINT_PAUSE.ns << s->stripe.n_in_vain});
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
stripe_spares(const struct swarm *s)
{
	return s->stripe.assigned != 0 && !s->stripe.ending && !s->stripe.idle;
}

bool
stripe_is_open(const struct swarm *s, uint32_t piece)
{
	return (s->stripe.open & stripe_bit(stripe_of(piece))) != 0;
}

/* ---- what the tracker is asked, and says -------------------------------- */

void
stripe_fill_query(struct swarm *s, struct announce_query *q)
{
	uint32_t i;

	if (tick_due(s->stripe.complain_at, s->now))
		q->numwant = 0;
	q->striped = stripe_takes_part(s);
	q->lost = s->stripe.lost;
	q->behind = s->stripe.behind;
	s->stripe.behind = 0;
	q->has_stuck = s->stripe.has_stuck;
	q->stuck = s->stripe.stuck;
	s->stripe.has_stuck = false;
	s->stripe.complain_at = TICK_NEVER;
	for (i = 0; i < s->n_known; i++)
		s->known[i].offered = 0;
}

/* Whoever offered us a stripe while the tracker's answer was on its way stands
 * between us and the one named in that. */
static void
keep_offers(struct swarm *s)
{
	stripes_t of = 0;
	uint32_t i;

	for (i = 0; i < s->n_known; i++)
		of |= s->known[i].offered;
	for (i = 0; i < s->n_known; i++) {
		s->known[i].gives &= (stripes_t)~of;
		s->known[i].gives |= s->known[i].offered;
		s->known[i].offered = 0;
	}
	s->stripe.assigned |= of;
}

void
stripe_on_links(struct swarm *s, const struct announce_reply *r)
{
	struct announce_link link[ANNOUNCE_LINKS];
	uint32_t i, n = announce_reply_links(r, link);
	struct known *k;

	s->stripe.retired = n == 0 && s->stripe.assigned != 0;
	if (n == 0 || !stripe_takes_part(s))
		return;
	for (i = 0; i < s->n_known; i++) {
		s->known[i].gives = s->known[i].takes = 0;
		s->known[i].told = 0;
	}
	s->stripe.assigned = 0;
	for (i = 0; i < n; i++) {
		k = dial_link(s, &link[i].addr);
		if (k == NULL)
			continue;
		k->linked = tick_add(s->now, PATIENCE);
		k->next_try = s->now; /* it may have turned us away before */
		if (link[i].down)
			k->takes |= stripe_bit(link[i].stripe);
		else
			k->gives |= stripe_bit(link[i].stripe);
		s->stripe.assigned |= k->gives;
	}
	keep_offers(s);
	for (i = 0; i < STRIPES; i++)
		if ((stripe_bit(i) & ~s->stripe.fed) != 0)
			s->stripe.fed_at[i] = s->now;
	if (!swarm_complete(s))
		s->stripe.lost = STRIPES_ALL & (stripes_t)~s->stripe.assigned;
	if (s->stripe.lost == 0)
		s->stripe.n_in_vain = 0;
	else if (s->stripe.n_in_vain < COMPLAINT_DOUBLES)
		s->stripe.n_in_vain++;
	if (s->stripe.began.ns == 0)
		s->stripe.began = s->now;
	s->stripe.review = true;
}

/* p offers to send us these from now on: it stands between us and who did. We
 * may be dialling it at the same time: it is there already. */
static void
on_offer(struct swarm *s, struct peer *p, stripes_t of)
{
	struct known *k;
	struct peer *q;
	uint32_t i;

	if (swarm_complete(s) || !stripe_takes_part(s))
		return;
	k = dial_link(s, &p->dialled);
	if (k == NULL)
		return;
	for (i = 0; i < s->n_known; i++) {
		s->known[i].gives &= (stripes_t)~of;
		s->known[i].offered &= (stripes_t)~of;
	}
	q = peer_of(s, k->peer);
	if (q != p && can_push(q))
		subscribe(s, q, 0); /* another one at that address */
	k->peer = p->id;
	k->gives |= of;
	if (s->tracker.busy)
		k->offered |= of;
	s->stripe.review = true;
}

void
stripe_quit(struct swarm *s)
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

/* Whether p says more of stripes than anybody has to: some of it is answered by
 * all that we have. */
static bool
is_chatty(struct swarm *s, struct peer *p)
{
	if (tick_before(p->stripes_due, s->now))
		p->stripes_due = s->now;
	p->stripes_due = tick_add(p->stripes_due, MESSAGE_PAUSE);
	return tick_since(s->now, p->stripes_due).ns >
	       MESSAGE_BURST * MESSAGE_PAUSE.ns;
}

void
stripe_on_message(struct swarm *s, struct peer *p, struct span body)
{
	enum wire_stripes_kind kind;
	stripes_t of;

	if (!stripe_takes_part(s))
		return; /* we offered no id for these */
	if (is_chatty(s, p) || wire_take_stripes(&body, &kind, &of) != 0) {
		peer_close(s, p, CLOSE_PROTOCOL);
		return;
	}
	switch (kind) {
	case WIRE_STRIPES_SEND:
		offer_heard(s, p);
		push_on_wish(s, p, of);
		break;
	case WIRE_STRIPES_OFFER:
		on_offer(s, p, of);
		break;
	case WIRE_STRIPES_QUIT:
		stripe_quit(s);
		break;
	case WIRE_STRIPES_LACK:
		p->lacks = of;
		peer_mark(s, p);
		if (of != 0)
			peer_say_bitfield(s, p);
		break;
	}
}

void
stripe_leave_trees(struct swarm *s)
{
	struct peer *p;
	uint32_t i;

	for (i = 0; i < s->n_known; i++)
		s->known[i].gives = s->known[i].takes = 0;
	for (EACH_SLOT(i, &s->set.up)) {
		p = s->peers[i];
		if (can_push(p) && p->gives != 0)
			subscribe(s, p, 0);
		if (p->takes != 0)
			peer_close(s, p, CLOSE_USELESS);
	}
	s->stripe.assigned = 0;
	s->stripe.fed = 0;
	open_stripes(s);
	s->stripe.unfit = true;
	s->stripe.complain_at = s->now;
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
