#include <assert.h>
#include <string.h>

/* uthash with the injected allocator: every function that adds or deletes has
 * a `mem` in scope, and those that add an `oom`. */
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(n) mem_resize(mem, NULL, 1, (n))
#define uthash_free(p, n) mem_free(mem, (p))
#define uthash_nonfatal_oom(e) (oom = true)

#include "err.h"
#include "tracker_table.h"

#include <utlist.h>

/* ---- keys ---------------------------------------------------------------- */

static uint64_t
rotl(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012) over at most 23 bytes, in the
 * machine's byte order: it never leaves the machine. */
unsigned
tracker_hash(const struct tracker *t, const uint8_t *p, size_t n)
{
	uint64_t v[4] = {t->hash_key[0] ^ UINT64_C(0x736f6d6570736575),
	    t->hash_key[1] ^ UINT64_C(0x646f72616e646f6d),
	    t->hash_key[0] ^ UINT64_C(0x6c7967656e657261),
	    t->hash_key[1] ^ UINT64_C(0x7465646279746573)};
	uint64_t word[3] = {0, 0, 0};

	assert(n < sizeof(word));
	memcpy(word, p, n);
	word[2] ^= (uint64_t)n << 56;
	for (unsigned i = 0; i < 3; i++) {
		v[3] ^= word[i];
		sip_round(v);
		v[0] ^= word[i];
	}
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 3; i++)
		sip_round(v);
	return (unsigned)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static void
key_from_addr(uint8_t key[TRACKER_KEY_BYTES], const struct addr *a)
{
	if (a->family == ADDR_V4) {
		memcpy(key, mapped, 12);
		memcpy(key + 12, a->ip, 4);
	} else {
		memcpy(key, a->ip, 16);
	}
	key[16] = (uint8_t)(a->port >> 8);
	key[17] = (uint8_t)(a->port & 0xff);
}

void
tracker_peer_addr(const struct tracker_peer *p, struct addr *a)
{
	*a = (struct addr){
	    .port = (uint16_t)(p->key[16] << 8 | p->key[17]),
	};
	if (memcmp(p->key, mapped, sizeof(mapped)) == 0) {
		a->family = ADDR_V4;
		memcpy(a->ip, p->key + 12, 4);
	} else {
		a->family = ADDR_V6;
		memcpy(a->ip, p->key, 16);
	}
}

static bool
is_beside(const struct tracker_peer *p)
{
	struct addr a;

	tracker_peer_addr(p, &a);
	return addr_is_loopback(&a);
}

/* ---- torrents ------------------------------------------------------------ */

struct tracker_torrent *
tracker_find_torrent(const struct tracker *t, const uint8_t info_hash[20])
{
	unsigned hash = tracker_hash(t, info_hash, 20);
	struct tracker_torrent *tor;

	HASH_FIND_BYHASHVALUE(hh, t->torrents, info_hash, 20, hash, tor);
	return tor;
}

static void
set_idle(struct tracker *t, struct tracker_torrent *tor, struct instant now)
{
	assert(!tor->idle);
	tor->idle = true;
	tor->idle_since = now;
	DL_APPEND(t->idle, tor);
}

static void
set_busy(struct tracker *t, struct tracker_torrent *tor)
{
	if (!tor->idle)
		return;
	tor->idle = false;
	DL_DELETE(t->idle, tor);
}

void
tracker_drop_torrent(struct tracker *t, struct tracker_torrent *tor)
{
	const struct mem *mem = t->c.mem;

	assert(tor->by_key.n == 0);
	set_busy(t, tor);
	HASH_DELETE(hh, t->torrents, tor);
	for (unsigned i = 0; i < N_CLASSES; i++) {
		assert(tor->list[i].n == 0);
		mem_free(mem, tor->list[i].id);
	}
	tracker_plan_free(t, tor);
	mem_free(mem, tor);
	t->n_torrents--;
}

struct tracker_torrent *
tracker_need_torrent(struct tracker *t, const uint8_t info_hash[20],
    struct instant now, const char **why)
{
	const struct mem *mem = t->c.mem;
	struct tracker_torrent *tor = tracker_find_torrent(t, info_hash);
	bool oom = false;
	unsigned hash;

	if (tor != NULL)
		return tor;
	if (t->n_torrents == t->c.max_torrents && t->idle != NULL)
		tracker_drop_torrent(t, t->idle);
	*why = "this tracker has no room for another torrent";
	if (t->n_torrents == t->c.max_torrents)
		return NULL;
	*why = "this tracker is out of memory";
	tor = mem_zalloc(mem, 1, sizeof(*tor));
	if (tor == NULL)
		return NULL;
	memcpy(tor->info_hash, info_hash, 20);
	tor->nowhere.torrent = tor;
	forest_init(&tor->plan.forest, mem);
	hash = tracker_hash(t, info_hash, 20);
	HASH_ADD_BYHASHVALUE(hh, t->torrents, info_hash, 20, hash, tor);
	if (oom) {
		mem_free(mem, tor);
		return NULL;
	}
	t->n_torrents++;
	set_idle(t, tor, now);
	return tor;
}

/* ---- peers --------------------------------------------------------------- */

struct tracker_peer *
tracker_find_peer(const struct tracker *t, const struct tracker_torrent *tor,
    const struct addr *a)
{
	uint8_t key[TRACKER_KEY_BYTES];
	uint32_t hash, at, id;

	key_from_addr(key, a);
	hash = tracker_hash(t, key, sizeof(key));
	at = tracker_index_begin(&tor->by_key, hash);
	do {
		id = tracker_index_next(&tor->by_key, hash, &at);
		if (id == TRACKER_INDEX_NONE)
			return NULL;
	} while (memcmp(tracker_peer_of_id(t, id)->key, key, sizeof(key)) != 0);
	return tracker_peer_of_id(t, id);
}

static int
list_put(const struct mem *mem, struct tracker_list *l, struct tracker_peer *p)
{
	if (l->n == l->cap) {
		uint32_t cap = l->cap + l->cap / 16 + 4;
		uint32_t *q = mem_resize(mem, l->id, cap, sizeof(*q));

		if (q == NULL)
			return ERR_NOMEM;
		l->id = q;
		l->cap = cap;
	}
	p->index = l->n;
	l->id[l->n++] = p->id;
	return 0;
}

/* The last takes the place of the one removed. */
static void
list_remove(struct tracker *t, struct tracker_list *l, uint32_t index)
{
	assert(index < l->n);
	l->id[index] = l->id[--l->n];
	tracker_peer_of_id(t, l->id[index])->index = index;
}

struct tracker_peer *
tracker_add_peer(struct tracker *t, struct tracker_torrent *tor,
    const struct addr *a, enum tracker_class class, const char **why)
{
	const struct mem *mem = t->c.mem;
	struct tracker_list *l = &tor->list[class];
	struct tracker_peer *p;
	uint32_t hash;

	*why = "this tracker has no room for another peer";
	if (t->n_peers == t->c.max_peers)
		return NULL;
	*why = "this tracker is out of memory";
	p = tracker_take_peer(t);
	if (p == NULL)
		return NULL;
	key_from_addr(p->key, a);
	p->rack = &tor->nowhere;
	p->planned = FOREST_NOBODY;
	p->class = (uint8_t) class;
	if (list_put(mem, l, p) != 0)
		goto err_after_take;
	hash = tracker_hash(t, p->key, sizeof(p->key));
	if (tracker_index_add(&tor->by_key, mem, hash, p->id) != 0)
		goto err_after_list;
	tracker_age_append(t, p);
	t->n_beside += is_beside(p);
	set_busy(t, tor);
	return p;

err_after_list:
	l->n--;
err_after_take:
	tracker_give_peer(t, p);
	return NULL;
}

int
tracker_move_peer(
    struct tracker *t, struct tracker_peer *p, enum tracker_class class)
{
	struct tracker_torrent *tor = p->rack->torrent;
	struct tracker_list *from = &tor->list[p->class];
	uint32_t index = p->index;
	int err;

	if (class == p->class)
		return 0;
	err = list_put(t->c.mem, &tor->list[class], p);
	if (err != 0)
		return err;
	list_remove(t, from, index);
	p->index = tor->list[class].n - 1;
	p->class = (uint8_t) class;
	return 0;
}

void
tracker_touch_peer(
    struct tracker *t, struct tracker_peer *p, struct instant now)
{
	p->last_seen = now;
	tracker_age_remove(t, p);
	tracker_age_append(t, p);
}

void
tracker_drop_peer(struct tracker *t, struct tracker_peer *p, struct instant now)
{
	struct tracker_torrent *tor = p->rack->torrent;
	uint32_t hash = tracker_hash(t, p->key, sizeof(p->key));

	tracker_plan_leave(p);
	tracker_rack_leave(t, p);
	list_remove(t, &tor->list[p->class], p->index);
	tracker_age_remove(t, p);
	t->n_beside -= is_beside(p);
	tracker_index_remove(&tor->by_key, t->c.mem, hash, p->id);
	tracker_give_peer(t, p);
	if (tor->by_key.n == 0)
		set_idle(t, tor, now);
}

struct tracker_peer *
tracker_peer_at(
    const struct tracker *t, const struct tracker_torrent *tor, uint32_t i)
{
	for (unsigned class = 0; class < N_CLASSES; class ++) {
		if (i < tor->list[class].n)
			return tracker_peer_of_id(t, tor->list[class].id[i]);
		i -= tor->list[class].n;
	}
	return NULL;
}
