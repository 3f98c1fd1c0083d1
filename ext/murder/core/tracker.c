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
	while (t->n_peers > 0)
		tracker_drop_peer(t, tracker_oldest_peer(t), TICK_NEVER);
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
	if (tracker_rack_move(t, p, rack_of_label(span_str(q->rack))) != 0)
		return NULL;
	if (tracker_plan_update(t, p, q) != 0)
		return NULL;
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

bool
tracker_needs_to(const struct tracker *t, const struct addr *from)
{
	return t->n_beside > 0 && !addr_is_loopback(from);
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
	if (!addr_is_loopback(a) || addr_is_loopback(&ends->from))
		return;
	port = a->port;
	*a = ends->to;
	a->port = port;
}

/* Peers chosen for an answer, each once. */
struct chosen {
	const struct tracker_peer *p[LIMIT_NUMWANT];
	uint32_t n;
	uint32_t n_mates; /* of them, the first ones */
};

/* Some of the asker's rack. Origins are chosen with all others: they are to
 * be everybody's. */
static void
choose_mates(struct tracker *t, const struct tracker_peer *self, uint32_t want,
    struct chosen *c)
{
	const struct tracker_rack *r = self->rack;
	uint32_t index[LIMIT_NUMWANT], n_all = 0, n;

	if (r == &r->torrent->nowhere)
		return;
	for (unsigned class = 0; class < N_CLASSES; class ++)
		n_all += r->torrent->list[class].n;
	n = tracker_pick_mates(
	    &(struct tracker_mates_view){
		.n = r->n, .self = self->in_rack, .n_all = n_all, .want = want},
	    &t->rng, index);
	for (uint32_t i = 0; i < n; i++) {
		const struct tracker_peer *p = r->p[index[i]];

		if (p->class == CLASS_ORIGIN ||
		    (self->class != CLASS_LEECHER && p->class != CLASS_LEECHER))
			continue;
		c->p[c->n++] = p;
	}
	c->n_mates = c->n;
}

static bool
is_chosen(const struct chosen *c, const struct tracker_peer *p)
{
	uint32_t i = 0;

	while (i < c->n_mates && c->p[i] != p)
		i++;
	return i < c->n_mates;
}

static void
choose_others(struct tracker *t, const struct tracker_peer *self, uint32_t want,
    struct chosen *c)
{
	const struct tracker_torrent *tor = self->rack->torrent;
	uint32_t index[LIMIT_NUMWANT], n_picked;
	struct tracker_pick_view v = {
	    .n_origins = tor->list[CLASS_ORIGIN].n,
	    .n_completed = tor->list[CLASS_COMPLETED].n,
	    .n_leechers = tor->list[CLASS_LEECHER].n,
	    .self = self->index,
	    .self_complete = self->class != CLASS_LEECHER,
	    .want = want,
	};

	for (unsigned class = 0; class < self->class; class ++)
		v.self += tor->list[class].n;
	n_picked = tracker_pick(&v, &t->rng, index);
	for (uint32_t i = 0; i < n_picked && c->n < want; i++) {
		const struct tracker_peer *p =
		    tracker_peer_at(t, tor, index[i]);

		if (c->n_mates == 0 || !is_chosen(c, p))
			c->p[c->n++] = p;
	}
}

/* Chooses the peers of an answer, its mates first. */
static void
choose(struct tracker *t, const struct tracker_peer *self, uint32_t want,
    const struct tracker_ends *ends, struct announce_answer *a)
{
	struct announce_peer *out = a->peers;
	struct chosen c;

	c.n = c.n_mates = 0;
	if (want == UINT32_MAX)
		want = t->c.numwant;
	if (want > LIMIT_NUMWANT)
		want = LIMIT_NUMWANT;
	choose_mates(t, self, want, &c);
	choose_others(t, self, want, &c);
	/* they lie all over the memory: fetch them at once, not in turn */
	for (uint32_t i = 0; i < c.n; i++) {
		__builtin_prefetch(c.p[i]->key);
		__builtin_prefetch(c.p[i]->peer_id + 19);
	}
	for (uint32_t i = 0; i < c.n; i++) {
		const struct tracker_peer *p = c.p[i];

		/* the asker by its other address family is the asker too */
		if (memcmp(p->peer_id, self->peer_id, 20) == 0)
			continue;
		addr_for_asker(p, ends, &out[a->n_peers].addr);
		memcpy(out[a->n_peers++].peer_id, p->peer_id, 20);
		a->n_mates += i < c.n_mates;
	}
}

/* From whom the asker gets stripes, and whom it sends them to. */
static void
tell_links(const struct tracker *t, const struct tracker_peer *self,
    const struct tracker_ends *ends, struct announce_answer *a)
{
	struct tracker_plan_link link[ANNOUNCE_LINKS];

	a->n_links = tracker_plan_links(t, self, link);
	for (uint32_t i = 0; i < a->n_links; i++) {
		a->link[i].stripe = link[i].stripe;
		a->link[i].down = link[i].down;
		addr_for_asker(link[i].peer, ends, &a->link[i].addr);
	}
}

/* The answer to a peer, which is NULL if it has left. */
static int
answer(struct tracker *t, const struct announce_query *q,
    const struct tracker_peer *self, const struct tracker_ends *ends,
    struct buf *out)
{
	struct announce_peer peers[LIMIT_NUMWANT];
	const struct tracker_torrent *tor =
	    self != NULL ? self->rack->torrent
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
	if (self != NULL) {
		choose(t, self, q->numwant, ends, &a);
		tell_links(t, self, ends, &a);
	}
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
	struct tracker_peer *p;

	start_clock(t, now);
	while ((p = tracker_oldest_peer(t)) != NULL &&
	       tick_due(tick_add(p->last_seen, t->c.expiry), now))
		tracker_drop_peer(t, p, now);
	while (t->idle != NULL &&
	       tick_due(tick_add(t->idle->idle_since, IDLE_KEEP), now))
		tracker_drop_torrent(t, t->idle);
}

struct instant
tracker_deadline(const struct tracker *t)
{
	struct instant peer = TICK_NEVER, torrent = TICK_NEVER;

	if (t->n_peers > 0)
		peer = tick_add(tracker_oldest_peer(t)->last_seen, t->c.expiry);
	if (t->idle != NULL)
		torrent = tick_add(t->idle->idle_since, IDLE_KEEP);
	return tick_min(peer, torrent);
}
