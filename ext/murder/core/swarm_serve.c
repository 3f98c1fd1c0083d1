/*
 * Whose requests to serve, and whom to grant. A few uploads at a time, each to
 * one neighbour for about one piece; then the neediest is next. Blocks are
 * handed to io two at a time, so the order can still change behind them. A
 * grant costs a round trip; when the uploads under way will end before that,
 * the next grant goes out early.
 */
#include <assert.h>

#include "swarm_int.h"

static uint32_t
lacked_least_sent(struct swarm *s, const struct peer *p)
{
	uint32_t k, i, best = WIRE_NO_PIECE, floor = UINT32_MAX;

	for (k = 0; k < s->c.n_pieces; k++) {
		i = (s->sent_next + k) % s->c.n_pieces;
		if (bits_get(&p->have, i) || s->n_sent[i] >= floor)
			continue;
		best = i;
		floor = s->n_sent[i];
		if (floor <= s->n_sent[s->sent_next])
			break;
	}
	return best;
}

/* The seeder names the piece it has sent least; others leave the choice. */
static uint32_t
suggestion(struct swarm *s, const struct peer *p)
{
	uint32_t piece;

	if (!s->began_complete)
		return WIRE_NO_PIECE;
	piece = lacked_least_sent(s, p);
	if (piece != WIRE_NO_PIECE && s->n_sent[piece] < UINT16_MAX) {
		s->n_sent[piece]++;
		if (piece == s->sent_next)
			s->sent_next = (piece + 1) % s->c.n_pieces;
	}
	return piece;
}

/* The suggestion was not taken, or something else in its place. */
static void
suggestion_void(struct swarm *s, struct upload *u, uint32_t instead)
{
	if (u->suggested == WIRE_NO_PIECE || u->suggested == instead)
		return;
	if (s->n_sent[u->suggested] > 0)
		s->n_sent[u->suggested]--;
	s->sent_next = u->suggested;
	if (instead != WIRE_NO_PIECE)
		s->n_sent[instead]++;
	u->suggested = instead;
}

static struct upload *
upload_of(struct swarm *s, const struct peer *p)
{
	uint32_t i;

	for (i = 0; i < MAX_SLOTS; i++)
		if (s->uploads[i].state != SLOT_FREE &&
		    s->uploads[i].peer == p->id)
			return &s->uploads[i];
	return NULL;
}

static uint32_t
count(const struct swarm *s, enum slot_state state)
{
	uint32_t i, n = 0;

	for (i = 0; i < MAX_SLOTS; i++)
		if (s->uploads[i].state == state && !s->uploads[i].slow)
			n++;
	return n;
}

static void
hand_out(struct swarm *s, struct peer *p, struct upload *u)
{
	struct block b = p->wants.at[p->n_in_io];
	struct action *a;
	size_t at = s->arena.n;

	if (wire_put_piece_head(&s->arena, b.piece, b.begin, b.length) != 0) {
		swarm_fail(s, buf_error(&s->arena));
		return;
	}
	a = swarm_act(s, ACTION_SEND_BLOCK, p->id);
	if (a == NULL)
		return;
	a->block = b;
	a->bytes = (struct span){.p = NULL, .n = s->arena.n - at};
	a->arena_at = at;
	p->n_in_io++;
	p->said = s->now;
	u->quota -= b.length;
}

static void
feed(struct swarm *s, struct peer *p, struct upload *u)
{
	while (s->err == 0 && p->n_in_io < MAX_IN_IO &&
	       p->n_in_io < p->wants.n && u->quota > 0)
		hand_out(s, p, u);
}

static void
begin_sending(struct swarm *s, struct peer *p, struct upload *u)
{
	if (s->began_complete && p->wants.n > p->n_in_io)
		suggestion_void(s, u, p->wants.at[p->n_in_io].piece);
	u->state = SLOT_SENDING;
	u->since = s->now;
	u->moved = s->now;
	u->bytes = 0;
	u->quota = s->c.piece_length;
	feed(s, p, u);
}

static void
release(struct upload *u)
{
	*u = (struct upload){.state = SLOT_FREE};
}

/* An upload of a fair size ended: what does it say of the neighbour? */
static void
judge(struct swarm *s, struct peer *p, const struct upload *u)
{
	double took = (double)tick_since(u->since, s->now).ns / 1e9;
	double rate;

	if (u->bytes < PARTIAL_UNIT || took <= 0)
		return;
	rate = u->bytes / took;
	p->slow = s->slot_rate > 0 && rate * 4 < s->slot_rate;
	if (p->slow)
		return;
	s->slot_rate =
	    s->slot_rate > 0 ? s->slot_rate * 0.8 + rate * 0.2 : rate;
}

static bool
is_done(const struct peer *p, const struct upload *u)
{
	return p->n_in_io == 0 && (u->quota <= 0 || p->wants.n == 0);
}

/* ---- choosing ----------------------------------------------------------- */

static bool
is_candidate(struct swarm *s, const struct peer *p)
{
	if (!tick_due(p->deaf_until, s->now) || upload_of(s, p) != NULL)
		return false;
	if (p->wants.n > p->n_in_io)
		return true;
	return p->kin && p->n_needs > 0 && !p->unwilling && p->n_in_io == 0;
}

static bool
slow_is_free(const struct swarm *s)
{
	uint32_t i;

	for (i = 0; i < MAX_SLOTS; i++)
		if (s->uploads[i].state != SLOT_FREE && s->uploads[i].slow)
			return false;
	return true;
}

static struct peer *
choose(struct swarm *s)
{
	struct upload_view view[LIMIT_PEERS];
	struct peer *who[LIMIT_PEERS], *p;
	uint32_t i, n = 0;

	for (i = 0; i < s->c.max_peers; i++) {
		p = peer_up(s, i);
		if (p == NULL || !is_candidate(s, p))
			continue;
		view[n] = (struct upload_view){
		    .n_have = p->have.n_set, .slow = p->slow};
		who[n++] = p;
	}
	i = uploads_pick(view, n, slow_is_free(s), &s->rng);
	return i < n ? who[i] : NULL;
}

static void
open_upload(struct swarm *s, struct upload *u, struct peer *p)
{
	*u = (struct upload){.state = SLOT_GRANTED,
	    .peer = p->id,
	    .slow = p->slow,
	    .suggested = WIRE_NO_PIECE,
	    .since = s->now};
	if (p->wants.n > p->n_in_io) {
		u->state = SLOT_READY;
		return;
	}
	u->suggested = suggestion(s, p);
	peer_say_murder(s, p, WIRE_GRANT, u->suggested);
}

/* Will the uploads under way end before a grant sent now is answered? */
static bool
runs_dry(const struct swarm *s)
{
	double left = 0, lead;
	uint32_t i;
	struct peer *p;

	for (i = 0; i < MAX_SLOTS; i++) {
		if (s->uploads[i].state == SLOT_FREE || s->uploads[i].slow)
			continue;
		p = peer_of(s, s->uploads[i].peer);
		if (p != NULL)
			left += (double)p->wants_bytes;
	}
	lead = s->up_rate * (double)s->grant_latency.ns / 1e9 * 1.5;
	return left < lead;
}

static bool
may_open(struct swarm *s)
{
	uint32_t n_sending = count(s, SLOT_SENDING);
	uint32_t n_coming = count(s, SLOT_READY) + count(s, SLOT_GRANTED);

	if (n_sending + n_coming < s->c.upload_slots)
		return true;
	return n_coming < 2 && runs_dry(s);
}

static struct upload *
free_upload(struct swarm *s)
{
	uint32_t i;

	for (i = 0; i < MAX_SLOTS; i++)
		if (s->uploads[i].state == SLOT_FREE)
			return &s->uploads[i];
	return NULL;
}

/* Those who are ready begin while there is a free place, oldest first. */
static void
promote(struct swarm *s)
{
	struct upload *u, *oldest;
	uint32_t i;

	for (;;) {
		oldest = NULL;
		for (i = 0; i < MAX_SLOTS; i++) {
			u = &s->uploads[i];
			if (u->state != SLOT_READY)
				continue;
			if (u->slow ||
			    count(s, SLOT_SENDING) < s->c.upload_slots)
				if (oldest == NULL ||
				    tick_before(u->since, oldest->since))
					oldest = u;
		}
		if (oldest == NULL)
			return;
		begin_sending(s, peer_of(s, oldest->peer), oldest);
	}
}

void
serve_next(struct swarm *s)
{
	struct upload *u;
	struct peer *p;
	bool slow_tried = false;

	if (s->have.n_set == 0 || s->stopping)
		return;
	promote(s);
	while (
	    s->err == 0 && (may_open(s) || (!slow_tried && slow_is_free(s)))) {
		slow_tried = !may_open(s);
		u = free_upload(s);
		p = u == NULL ? NULL : choose(s);
		if (p == NULL || (slow_tried && !p->slow))
			return;
		open_upload(s, u, p);
		promote(s);
	}
}

/* ---- what happens to uploads -------------------------------------------- */

void
serve_drop(struct swarm *s, struct peer *p)
{
	struct upload *u = upload_of(s, p);

	if (u == NULL)
		return;
	suggestion_void(s, u, WIRE_NO_PIECE);
	release(u);
}

void
serve_on_request(struct swarm *s, struct peer *p)
{
	struct upload *u = upload_of(s, p);
	struct duration took;

	p->wants_bytes += p->wants.at[p->wants.n - 1].length;
	if (u == NULL)
		return;
	if (u->state == SLOT_GRANTED) {
		took = tick_since(u->since, s->now);
		s->grant_latency.ns =
		    s->grant_latency.ns == 0
			? took.ns
			: s->grant_latency.ns / 4 * 3 + took.ns / 4;
		u->state = SLOT_READY;
		u->since = s->now;
	} else if (u->state == SLOT_SENDING) {
		feed(s, p, u);
	}
}

static void
note_rate(struct swarm *s, uint32_t n)
{
	struct duration d = tick_since(s->up_window, s->now);
	double rate;

	s->up_window_bytes += n;
	if (d.ns < TICK_MS(100).ns)
		return;
	rate = (double)s->up_window_bytes / ((double)d.ns / 1e9);
	/* A window that was idle for a while says little. */
	if (d.ns < TICK_MS(1000).ns)
		s->up_rate =
		    s->up_rate > 0 ? s->up_rate * 0.7 + rate * 0.3 : rate;
	s->up_window = s->now;
	s->up_window_bytes = 0;
}

void
serve_on_sent(struct swarm *s, struct peer *p, uint32_t n)
{
	struct upload *u = upload_of(s, p);

	s->stats.uploaded += n;
	note_rate(s, n);
	p->sent += n;
	p->wants_bytes -= n;
	while (p->n_in_io > 0 && p->sent >= p->wants.at[0].length) {
		p->sent -= p->wants.at[0].length;
		p->n_in_io--;
		block_list_remove(&p->wants, 0);
	}
	assert(p->n_in_io > 0 || p->sent == 0);
	if (u == NULL)
		return;
	u->bytes += n;
	u->moved = s->now;
	feed(s, p, u);
	if (u->state == SLOT_SENDING && is_done(p, u)) {
		judge(s, p, u);
		release(u);
	}
}

static void
check_granted(struct swarm *s, struct peer *p, struct upload *u)
{
	uint64_t limit = 4 * s->grant_latency.ns;

	if (limit < TICK_MS(500).ns)
		limit = TICK_MS(500).ns;
	if (tick_since(u->since, s->now).ns < limit)
		return;
	p->deaf_until = tick_add(s->now, TICK_S(1));
	serve_drop(s, p);
}

static void
check_sending(struct swarm *s, struct peer *p, struct upload *u)
{
	double usual = s->slot_rate > 0 ? s->c.piece_length / s->slot_rate : 1;
	double took = (double)tick_since(u->since, s->now).ns / 1e9;

	if (tick_since(u->moved, s->now).ns > s->c.silence.ns) {
		p->deaf_until = tick_add(s->now, TICK_S(2));
		release(u);
	} else if (!u->slow && took > 4 * usual + 0.1) {
		u->slow = true;
		p->slow = true;
	}
}

void
serve_check(struct swarm *s)
{
	struct upload *u;
	struct peer *p;
	uint32_t i;

	for (i = 0; i < MAX_SLOTS; i++) {
		u = &s->uploads[i];
		p = u->state == SLOT_FREE ? NULL : peer_of(s, u->peer);
		if (p == NULL)
			continue;
		if (u->state == SLOT_GRANTED)
			check_granted(s, p, u);
		else if (u->state == SLOT_SENDING)
			check_sending(s, p, u);
	}
}
