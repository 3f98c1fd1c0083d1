/*
 * When to ask the tracker, and what to do with its answer: BEP 3 "trackers",
 * BEP 12 (the next tracker when one fails). While there are few neighbours or
 * nothing to download from them, it is asked early: after 1 s, 2 s, then every
 * 4 s.
 */
#include <string.h>

#include "swarm_int.h"

#define FEW_PEERS 10u
#define MAX_NEW_ADDRESSES LIMIT_NUMWANT

static bool
is_starved(const struct swarm *s)
{
	if (swarm_complete(s))
		return false;
	if (s->n_up == 0)
		return true;
	if (s->tracker.swarm_size > 0 && s->n_up + 1 >= s->tracker.swarm_size)
		return s->have.n_set + s->n_partials < s->c.n_pieces &&
		       !picker_all_owned(&s->picker);
	return s->n_up < FEW_PEERS;
}

/* The seeder, or the tracker, may be started at any time, and everybody waits
 * for it. */
static struct duration
early(uint32_t n)
{
	return n < 2 ? TICK_S(1u << n) : TICK_S(4);
}

/* Sets when to ask next, now being just after an answer or its failure. */
static void
plan(struct swarm *s, bool ok)
{
	struct duration d = s->tracker.interval;

	if (!ok) {
		d = early(s->tracker.n_failed);
		if (s->tracker.n_failed < 16)
			s->tracker.n_failed++;
	} else if (is_starved(s)) {
		struct duration e = early(s->tracker.n_early);

		if (s->tracker.n_early < 16)
			s->tracker.n_early++;
		if (e.ns < d.ns)
			d = e;
	} else {
		s->tracker.n_early = 0;
	}
	s->tracker.next = tick_add(s->now, d);
}

static void
fill_query(struct swarm *s, struct announce_query *q)
{
	struct swarm_stats st;

	swarm_stats(s, &st);
	memset(q, 0, sizeof(*q));
	memcpy(q->info_hash, s->c.info_hash, sizeof(q->info_hash));
	memcpy(q->peer_id, s->c.peer_id, sizeof(q->peer_id));
	q->port = s->c.listen_port;
	q->uploaded = st.uploaded;
	q->downloaded = st.downloaded;
	q->left = st.left;
	q->event = s->tracker.event;
	q->numwant = swarm_complete(s) || s->stopping ? 0 : 50;
	q->key = (uint32_t)s->c.seed;
	q->compact = true;
	q->no_peer_id = true;
	stripe_fill_query(s, q);
	if (s->rack.own != RACK_UNKNOWN)
		memcpy(q->rack, s->c.rack, sizeof(q->rack));
}

static void
ask(struct swarm *s, enum announce_event event)
{
	struct action *a = swarm_act(s, ACTION_ANNOUNCE, 0);

	s->tracker.busy = true;
	s->tracker.event = event;
	s->tracker.next = TICK_NEVER;
	if (a == NULL)
		return;
	a->announce.tracker = s->tracker.tracker;
	fill_query(s, &a->announce.query);
}

void
announce_check(struct swarm *s)
{
	if (s->c.n_trackers == 0)
		return;
	if (s->tracker.want_stopped) {
		/* Said even while an answer is awaited: nobody will listen. */
		s->tracker.want_stopped = false;
		if (s->tracker.started)
			ask(s, ANNOUNCE_STOPPED);
		return;
	}
	if (s->tracker.busy || s->stopping ||
	    (s->tracker.n_failed > 0 && !tick_due(s->tracker.next, s->now)))
		return;
	if (!s->tracker.started) {
		if (tick_due(s->tracker.next, s->now))
			ask(s, ANNOUNCE_STARTED);
	} else if (s->tracker.want_completed) {
		s->tracker.want_completed = false;
		ask(s, ANNOUNCE_COMPLETED);
	} else if (tick_due(s->tracker.next, s->now) ||
		   tick_due(s->stripe.complain_at, s->now)) {
		ask(s, ANNOUNCE_NONE);
	}
}

struct instant
announce_deadline(const struct swarm *s)
{
	if (s->c.n_trackers == 0 || s->tracker.busy || s->stopping)
		return TICK_NEVER;
	if (!s->tracker.started || s->tracker.n_failed > 0)
		return s->tracker.next;
	return tick_min(s->tracker.next, s->stripe.complain_at);
}

static void
failed(struct swarm *s, struct span why)
{
	size_t n = why.n < sizeof(s->tracker.failure)
		       ? why.n
		       : sizeof(s->tracker.failure) - 1;

	if (n > 0)
		memcpy(s->tracker.failure, why.p, n);
	s->tracker.failure[n] = '\0';
	s->stats.announces_failed++;
	if (s->tracker.event == ANNOUNCE_COMPLETED)
		s->tracker.want_completed = true;
	s->tracker.tracker = (s->tracker.tracker + 1) % s->c.n_trackers;
	plan(s, false);
}

static void
answered(struct swarm *s, const struct announce_reply *r)
{
	struct addr found[MAX_NEW_ADDRESSES];
	uint32_t i, n, seconds = r->interval_s;

	s->stats.announces_ok++;
	s->tracker.started = true;
	s->tracker.n_failed = 0;
	s->tracker.failure[0] = '\0';
	s->tracker.swarm_size = r->complete + r->incomplete;
	if (seconds < 1)
		seconds = 15;
	if (seconds > 3600)
		seconds = 3600;
	s->tracker.interval = TICK_S(seconds);
	s->stripe.lost = 0;
	stripe_on_links(s, r);
	n = announce_reply_mates(r, found, MAX_NEW_ADDRESSES);
	for (i = 0; i < n; i++)
		dial_mate(s, &found[i]);
	n = announce_reply_peers(r, found, MAX_NEW_ADDRESSES);
	for (i = 0; i < n; i++)
		dial_add(s, &found[i]);
	dial_more(s);
	plan(s, true);
}

int
swarm_on_announce(
    struct swarm *s, struct span body, int err, struct instant now)
{
	struct announce_reply r;

	swarm_enter(s, now);
	s->tracker.busy = false;
	if (err == 0)
		err = announce_parse_reply(&r, body);
	if (s->stopping)
		return swarm_leave(s);
	if (err != 0)
		failed(s, (struct span){.n = 0});
	else if (r.failure.n > 0)
		failed(s, r.failure);
	else
		answered(s, &r);
	return swarm_leave(s);
}
