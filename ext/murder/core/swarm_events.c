/*
 * The calls by which a swarm is told what happened, except those that belong
 * to one duty alone (swarm_piece.c, swarm_announce.c).
 */
#include <assert.h>

#include "swarm_int.h"

int
swarm_on_address(struct swarm *s, const struct addr *a, struct instant now)
{
	swarm_enter(s, now);
	dial_add(s, a);
	return swarm_leave(s);
}

int
swarm_on_accept(
    struct swarm *s, const struct addr *from, peer_t *id, struct instant now)
{
	struct peer *p = NULL;

	swarm_enter(s, now);
	*id = 0;
	if (!s->stopping && !dial_is_banned(s, from) &&
	    s->n_slots_used < swarm_places(s))
		p = peer_new(s, from, false);
	if (p != NULL)
		*id = p->id;
	return swarm_leave(s);
}

int
swarm_on_connect(struct swarm *s, peer_t id, struct instant now)
{
	struct peer *p;

	swarm_enter(s, now);
	p = peer_of(s, id);
	if (p != NULL) {
		assert(p->state == PEER_DIALLING);
		p->state = PEER_SHAKING;
		p->connected = true;
		p->heard = now;
		s->n_dialling--;
		peer_say_handshake(s, p);
	}
	return swarm_leave(s);
}

int
swarm_on_closed(struct swarm *s, peer_t id, struct instant now)
{
	struct peer *p;

	swarm_enter(s, now);
	p = peer_of(s, id);
	if (p != NULL)
		peer_lost(s, p);
	return swarm_leave(s);
}

int
swarm_on_bytes(struct swarm *s, peer_t id, struct span in, size_t *used,
    struct instant now)
{
	struct span rest = in;
	struct wire_msg m;
	struct peer *p;
	int rc;

	swarm_enter(s, now);
	p = peer_of(s, id);
	*used = in.n;
	if (p == NULL)
		return swarm_leave(s);
	assert(p->rx_left == 0);
	p->heard = now;
	for (;;) {
		rc = wire_read(&p->in, &rest, &m);
		if (rc == ERR_NOMEM)
			return swarm_fail(s, rc);
		if (rc < 0)
			peer_close(s, p, CLOSE_PROTOCOL);
		else if (rc > 0)
			peer_on_message(s, p, &m);
		if (rc <= 0 || p->state == PEER_CLOSED || p->rx_left > 0)
			break;
	}
	*used = in.n - rest.n;
	return swarm_leave(s);
}

int
swarm_on_payload(struct swarm *s, peer_t id, uint32_t n, struct instant now)
{
	struct peer *p;

	swarm_enter(s, now);
	p = peer_of(s, id);
	if (p != NULL)
		piece_arrived(s, p, n);
	return swarm_leave(s);
}

int
swarm_on_sent(struct swarm *s, peer_t id, uint32_t n, struct instant now)
{
	struct peer *p;

	swarm_enter(s, now);
	p = peer_of(s, id);
	if (p != NULL)
		serve_on_sent(s, p, n);
	return swarm_leave(s);
}

int
swarm_on_unacked(struct swarm *s, peer_t id, uint32_t n, struct duration rtt,
    struct instant now)
{
	struct peer *p;

	swarm_enter(s, now);
	p = peer_of(s, id);
	if (p != NULL)
		push_on_unacked(s, p, n, rtt);
	return swarm_leave(s);
}

/* ---- time --------------------------------------------------------------- */

/* Connecting or shaking hands may take this long. */
#define SHAKE_S 3u

static void
check_peer(struct swarm *s, struct peer *p)
{
	struct duration quiet = tick_since(p->heard, s->now);

	if (p->state != PEER_UP) {
		if (quiet.ns > TICK_S(SHAKE_S).ns)
			peer_close(s, p, CLOSE_SILENT);
		return;
	}
	if (quiet.ns > s->c.idle.ns) {
		peer_close(s, p, CLOSE_IDLE);
		return;
	}
	if (tick_since(p->said, s->now).ns > s->c.idle.ns / 4 * 3)
		peer_say_keepalive(s, p);
	ask_check_silence(s, p);
	/* What others owed or rejected may be asked of it now. */
	ask_more(s, p);
	if (p->state == PEER_UP)
		pex_say(s, p);
}

static bool
is_busy(const struct swarm *s)
{
	uint32_t i;

	if (!swarm_complete(s) && s->n_slots_used > 0)
		return true;
	for (i = 0; i < MAX_SLOTS; i++)
		if (s->uploads[i].peer != 0)
			return true;
	return s->began_complete && push_is_busy(s);
}

/* Until the next look: what four pieces take, within limits. */
static struct duration
pause(const struct swarm *s)
{
	struct duration d = {.ns = s->piece_pause.ns * 4};

	if (!is_busy(s))
		return TICK_S(5);
	if (d.ns == 0 || d.ns > HOUSEKEEPING_BUSY.ns)
		return HOUSEKEEPING_BUSY;
	return d.ns < TICK_MS(5).ns ? TICK_MS(5) : d;
}

int
swarm_on_deadline(struct swarm *s, struct instant now)
{
	uint32_t i;

	swarm_enter(s, now);
	if (tick_due(s->housekeeping, now)) {
		for (i = 0; i < s->c.max_peers; i++)
			if (s->peers[i] != NULL &&
			    s->peers[i]->state != PEER_CLOSED)
				check_peer(s, s->peers[i]);
		serve_check(s);
		watch_check(s);
		peer_check_marks(s);
		rack_review(s, false);
		dial_review(s);
		s->recheck = true;
		s->housekeeping = tick_add(now, pause(s));
	}
	news_check(s);
	return swarm_leave(s);
}

struct instant
swarm_deadline(const struct swarm *s)
{
	struct instant t = announce_deadline(s);

	t = tick_min(t, dial_deadline(s));
	t = tick_min(t, s->news_due);
	if (s->n_slots_used > 0)
		t = tick_min(t, s->housekeeping);
	return t;
}

int
swarm_on_stop(struct swarm *s, struct instant now)
{
	uint32_t i;

	swarm_enter(s, now);
	if (!s->stopping) {
		s->stopping = true;
		s->tracker.want_stopped = true;
		for (i = 0; i < s->c.max_peers; i++)
			if (s->peers[i] != NULL)
				peer_close(s, s->peers[i], CLOSE_STOPPING);
	}
	return swarm_leave(s);
}
