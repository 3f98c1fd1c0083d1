#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "err.h"
#include "tracker.h"
#include "tracker_pick.h"
#include "tracker_table.h"

/* How long a torrent without peers is remembered, for its "completed". */
#define IDLE_KEEP TICK_S(3600)

void
tracker_config_init(struct tracker_config *c)
{
	*c = (struct tracker_config){
	    .interval = TICK_S(15),
	    .min_interval = TICK_S(1),
	    .expiry = TICK_S(45),
	    .max_torrents = LIMIT_TRACKER_TORRENTS,
	    .max_peers = LIMIT_TRACKER_PEERS,
	    .numwant = 50,
	};
}

int
tracker_new(struct tracker **out, const struct tracker_config *c)
{
	struct tracker *t;

	assert(
	    c->max_torrents > 0 && c->max_torrents <= LIMIT_TRACKER_TORRENTS);
	assert(c->max_peers > 0 && c->max_peers <= LIMIT_TRACKER_PEERS);
	t = mem_zalloc(c->mem, 1, sizeof(*t));
	if (t == NULL)
		return ERR_NOMEM;
	t->c = *c;
	rng_seed(&t->rng, c->seed, 0);
	for (unsigned i = 0; i < 2; i++)
		t->hash_key[i] =
		    (uint64_t)rng_u32(&t->rng) << 32 | rng_u32(&t->rng);
	*out = t;
	return 0;
}

void
tracker_free(struct tracker *t)
{
	if (t == NULL)
		return;
	while (t->by_age != NULL)
		tracker_drop_peer(t, t->by_age, TICK_NEVER);
	while (t->idle != NULL)
		tracker_drop_torrent(t, t->idle);
	assert(t->torrents == NULL);
	mem_free(t->c.mem, t);
}

/* ---- announce ------------------------------------------------------------ */

/* An origin stays one as long as it stays complete. */
static enum tracker_class
class_of(const struct tracker_peer *p, uint64_t left)
{
	if (left > 0)
		return CLASS_LEECHER;
	if (p == NULL || p->class == CLASS_ORIGIN)
		return CLASS_ORIGIN;
	return CLASS_COMPLETED;
}

/* A first word of "completed" means that the tracker has been restarted. */
static enum tracker_class
class_of_newcomer(const struct announce_query *q)
{
	if (q->event == ANNOUNCE_COMPLETED && q->left == 0)
		return CLASS_COMPLETED;
	return class_of(NULL, q->left);
}

/* Registers or refreshes the peer; NULL with *why if it is refused. */
static struct tracker_peer *
remember(struct tracker *t, const struct announce_query *q,
    const struct addr *a, struct instant now, const char **why)
{
	struct tracker_torrent *tor =
	    tracker_need_torrent(t, q->info_hash, now, why);
	struct tracker_peer *p;

	if (tor == NULL)
		return NULL;
	p = tracker_find_peer(t, tor, a);
	if (p == NULL)
		p = tracker_add_peer(t, tor, a, class_of_newcomer(q), why);
	else if (tracker_move_peer(t, p, class_of(p, q->left)) != 0)
		p = NULL;
	if (p == NULL)
		return NULL;
	if (memcmp(p->peer_id, q->peer_id, sizeof(p->peer_id)) != 0) {
		memcpy(p->peer_id, q->peer_id, sizeof(p->peer_id));
		p->completed = false; /* it has been started again */
	}
	p->left = q->left;
	p->downloaded = q->downloaded;
	p->uploaded = q->uploaded;
	if (q->event == ANNOUNCE_COMPLETED && !p->completed) {
		p->completed = true;
		tor->completed++;
	}
	tracker_touch_peer(t, p, now);
	return p;
}

static bool
is_loopback(const struct addr *a)
{
	static const uint8_t one6[16] = {[15] = 1};

	if (a->family == ADDR_V4)
		return a->ip[0] == 127;
	return memcmp(a->ip, one6, sizeof(one6)) == 0;
}

static bool
is_unspecified(const struct addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->ip, zero, sizeof(zero)) == 0;
}

/* Where peer p is for an asker at the other end. */
static void
addr_for_asker(const struct tracker_peer *p, const struct tracker_ends *ends,
    struct addr *a)
{
	uint16_t port;

	tracker_peer_addr(p, a);
	if (!is_loopback(a) || is_loopback(&ends->from))
		return;
	port = a->port;
	*a = ends->to;
	a->port = port;
}

/* Chooses the peers of an answer; gives how many. */
static uint32_t
choose(struct tracker *t, const struct announce_query *q,
    const struct tracker_peer *self, const struct tracker_ends *ends,
    struct announce_peer out[LIMIT_NUMWANT])
{
	const struct tracker_torrent *tor = self->torrent;
	uint32_t index[LIMIT_NUMWANT];
	const struct tracker_peer *picked[LIMIT_NUMWANT];
	struct tracker_pick_view v = {
	    .n_origins = tor->list[CLASS_ORIGIN].n,
	    .n_completed = tor->list[CLASS_COMPLETED].n,
	    .n_leechers = tor->list[CLASS_LEECHER].n,
	    .self = self->index,
	    .self_complete = self->class != CLASS_LEECHER,
	    .want = q->numwant == UINT32_MAX ? t->c.numwant : q->numwant,
	};
	uint32_t n_picked, n = 0;

	for (unsigned class = 0; class < self->class; class ++)
		v.self += tor->list[class].n;
	n_picked = tracker_pick(&v, &t->rng, index);
	/* they lie all over the memory: fetch them at once, not in turn */
	for (uint32_t i = 0; i < n_picked; i++) {
		picked[i] = tracker_peer_at(tor, index[i]);
		__builtin_prefetch(picked[i]->key);
		__builtin_prefetch(picked[i]->peer_id + 19);
	}
	for (uint32_t i = 0; i < n_picked; i++) {
		const struct tracker_peer *p = picked[i];

		/* the asker by its other address family is the asker too */
		if (memcmp(p->peer_id, self->peer_id, 20) == 0)
			continue;
		addr_for_asker(p, ends, &out[n].addr);
		memcpy(out[n++].peer_id, p->peer_id, 20);
	}
	return n;
}

/* The answer to a peer, which is NULL if it has left. */
static int
answer(struct tracker *t, const struct announce_query *q,
    const struct tracker_peer *self, const struct tracker_ends *ends,
    struct buf *out)
{
	struct announce_peer peers[LIMIT_NUMWANT];
	const struct tracker_torrent *tor =
	    self != NULL ? self->torrent
			 : tracker_find_torrent(t, q->info_hash);
	struct announce_answer a = {
	    .interval_s = (uint32_t)(t->c.interval.ns / TICK_S(1).ns),
	    .min_interval_s = (uint32_t)(t->c.min_interval.ns / TICK_S(1).ns),
	    .external = ends->from,
	    .peers = peers,
	    .compact = q->compact,
	    .no_peer_id = q->no_peer_id,
	};

	if (tor != NULL) {
		a.complete =
		    tor->list[CLASS_ORIGIN].n + tor->list[CLASS_COMPLETED].n;
		a.incomplete = tor->list[CLASS_LEECHER].n;
	}
	if (self != NULL)
		a.n_peers = choose(t, q, self, ends, peers);
	return announce_build_answer(out, &a);
}

/* Forgets the peer at a, if it was known. */
static void
forget(struct tracker *t, const struct announce_query *q, const struct addr *a,
    struct instant now)
{
	struct tracker_torrent *tor = tracker_find_torrent(t, q->info_hash);
	struct tracker_peer *p =
	    tor != NULL ? tracker_find_peer(t, tor, a) : NULL;

	if (p != NULL)
		tracker_drop_peer(t, p, now);
}

static void
start_clock(struct tracker *t, struct instant now)
{
	if (!t->has_started)
		t->started = now;
	t->has_started = true;
}

int
tracker_announce(struct tracker *t, const struct announce_query *q,
    const struct tracker_ends *ends, struct instant now, struct buf *out)
{
	struct addr a = ends->from;
	const struct tracker_peer *p = NULL;
	const char *why = "this tracker is out of memory";

	start_clock(t, now);
	tracker_expire(t, now);
	t->n_announces++;
	if (q->has_ip && !is_unspecified(&q->ip))
		a = q->ip;
	a.port = q->port;
	if (q->event == ANNOUNCE_STOPPED) {
		forget(t, q, &a, now);
	} else {
		p = remember(t, q, &a, now, &why);
		if (p == NULL)
			return announce_build_failure(out, why);
	}
	return answer(t, q, p, ends, out);
}

/* ---- time ---------------------------------------------------------------- */

void
tracker_expire(struct tracker *t, struct instant now)
{
	start_clock(t, now);
	while (t->by_age != NULL &&
	       tick_due(tick_add(t->by_age->last_seen, t->c.expiry), now))
		tracker_drop_peer(t, t->by_age, now);
	while (t->idle != NULL &&
	       tick_due(tick_add(t->idle->idle_since, IDLE_KEEP), now))
		tracker_drop_torrent(t, t->idle);
}

struct instant
tracker_deadline(const struct tracker *t)
{
	struct instant peer = TICK_NEVER, torrent = TICK_NEVER;

	if (t->by_age != NULL)
		peer = tick_add(t->by_age->last_seen, t->c.expiry);
	if (t->idle != NULL)
		torrent = tick_add(t->idle->idle_since, IDLE_KEEP);
	return tick_min(peer, torrent);
}
