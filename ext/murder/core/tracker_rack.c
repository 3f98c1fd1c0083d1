/*
 * The racks of a torrent's peers, so that mates can be handed out without
 * looking at everybody.
 */
#include <assert.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(n) mem_resize(mem, NULL, 1, (n))
#define uthash_free(p, n) mem_free(mem, (p))
#define uthash_nonfatal_oom(e) (oom = true)

#include "err.h"
#include "tracker_table.h"

/* Finds or makes it; NULL without memory. Beyond LIMIT_TRACKER_RACKS it is the
 * place of those whose rack is not known. */
static struct tracker_rack *
need(struct tracker *t, struct tracker_torrent *tor, rack_t id)
{
	const struct mem *mem = t->c.mem;
	unsigned hash = tracker_hash(t, (const uint8_t *)&id, sizeof(id));
	struct tracker_rack *r;
	bool oom = false;

	if (id == RACK_UNKNOWN)
		return &tor->nowhere;
	HASH_FIND_BYHASHVALUE(hh, tor->racks, &id, sizeof(id), hash, r);
	if (r != NULL)
		return r;
	if (t->n_racks == LIMIT_TRACKER_RACKS)
		return &tor->nowhere;
	r = mem_zalloc(mem, 1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->torrent = tor;
	r->id = id;
	HASH_ADD_BYHASHVALUE(hh, tor->racks, id, sizeof(r->id), hash, r);
	if (oom) {
		mem_free(mem, r);
		return NULL;
	}
	t->n_racks++;
	return r;
}

static void
drop_if_empty(struct tracker *t, struct tracker_rack *r)
{
	const struct mem *mem = t->c.mem;

	if (r == &r->torrent->nowhere || r->n > 0)
		return;
	HASH_DELETE(hh, r->torrent->racks, r);
	mem_free(mem, r->p);
	mem_free(mem, r);
	t->n_racks--;
}

/* Room for one more; false without memory. */
static bool
grow(const struct mem *mem, struct tracker_rack *r)
{
	uint32_t cap = r->cap + r->cap / 8 + 2;
	struct tracker_peer **p;

	if (r->n < r->cap)
		return true;
	p = mem_resize(mem, r->p, cap, sizeof(*p));
	if (p == NULL)
		return false;
	r->p = p;
	r->cap = cap;
	return true;
}

static int
enter(struct tracker *t, struct tracker_torrent *tor, struct tracker_peer *p,
    rack_t id)
{
	struct tracker_rack *r = need(t, tor, id);

	if (r == NULL)
		return ERR_NOMEM;
	if (r == &tor->nowhere)
		return 0;
	if (!grow(t->c.mem, r)) {
		drop_if_empty(t, r);
		return ERR_NOMEM;
	}
	p->rack = r;
	p->in_rack = r->n;
	r->p[r->n++] = p;
	return 0;
}

void
tracker_rack_leave(struct tracker *t, struct tracker_peer *p)
{
	struct tracker_rack *r = p->rack;

	if (r == &r->torrent->nowhere)
		return;
	assert(p->in_rack < r->n && r->p[p->in_rack] == p);
	r->p[p->in_rack] = r->p[--r->n];
	r->p[p->in_rack]->in_rack = p->in_rack;
	p->rack = &r->torrent->nowhere;
	drop_if_empty(t, r);
}

int
tracker_rack_move(struct tracker *t, struct tracker_peer *p, rack_t id)
{
	struct tracker_torrent *tor = p->rack->torrent;

	if (p->rack->id == id)
		return 0;
	tracker_rack_leave(t, p);
	return enter(t, tor, p, id);
}
