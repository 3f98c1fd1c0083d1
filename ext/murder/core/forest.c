/*
 * The forest's hosts: who comes, who goes, and what they say of one another
 * (forest.h).
 */
#include <assert.h>
#include <string.h>

#include "err.h"
#include "forest_int.h"

void
forest_init(struct forest *f, const struct mem *mem)
{
	memset(f, 0, sizeof(*f));
	f->mem = mem;
	f->free = FOREST_NOBODY;
	f->root = FOREST_NOBODY;
}

void
forest_free(struct forest *f)
{
	for (uint32_t i = 0; i < STRIPES; i++)
		mem_free(f->mem, f->home[i].host);
	mem_free(f->mem, f->host);
	forest_init(f, f->mem);
}

/* ---- hosts -------------------------------------------------------------- */

/* Room for one more of cap elements; false without memory. */
static bool
grow(const struct mem *mem, void **p, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap + *cap / 16 + 8;
	void *q;

	if (n < *cap)
		return true;
	q = mem_resize(mem, *p, more, size);
	if (q == NULL)
		return false;
	*p = q;
	*cap = more;
	return true;
}

static int
new_host(struct forest *f, uint32_t *host)
{
	struct forest_host *h;
	void *p = f->host;

	if (f->free != FOREST_NOBODY) {
		*host = f->free;
		f->free = f->host[*host].at;
	} else {
		if (!grow(f->mem, &p, f->n, &f->cap, sizeof(*f->host)))
			return ERR_NOMEM;
		f->host = p;
		*host = f->n++;
	}
	h = &f->host[*host];
	memset(h, 0, sizeof(*h));
	for (uint32_t i = 0; i < STRIPES; i++)
		h->parent[i] = h->child[i] = FOREST_NOBODY;
	return 0;
}

static void
free_host(struct forest *f, uint32_t host)
{
	f->host[host].home = NO_HOST;
	f->host[host].at = f->free;
	f->free = host;
}

/* ---- joining ------------------------------------------------------------ */

/* The stripe with the fewest hosts that have it for a home. */
static uint32_t
choose_home(const struct forest *f)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < STRIPES; i++)
		if (f->home[i].n - f->home[i].n_gone <
		    f->home[best].n - f->home[best].n_gone)
			best = i;
	return best;
}

int
forest_join(struct forest *f, uint32_t *host)
{
	uint32_t home = choose_home(f);
	struct forest_list *l = &f->home[home];
	void *p = l->host;

	if (!grow(f->mem, &p, l->n, &l->cap, sizeof(*l->host)))
		return ERR_NOMEM;
	l->host = p;
	if (new_host(f, host) != 0)
		return ERR_NOMEM;
	f->host[*host].home = (uint8_t)home;
	f->host[*host].at = l->n;
	l->host[l->n++] = *host;
	for (uint32_t i = 0; i < STRIPES; i++)
		if (i != home)
			forest_settle(f, *host, i, FOREST_NOBODY);
	forest_settle_at_home(f, *host);
	forest_adopt(f, *host);
	return 0;
}

int
forest_seed(struct forest *f, uint32_t *host)
{
	int err = new_host(f, host);

	if (err != 0)
		return err;
	f->host[*host].home = STRIPES;
	if (f->root == FOREST_NOBODY)
		f->root = *host;
	return 0;
}

/* ---- leaving ------------------------------------------------------------ */

/* Those who left are many: the list without them. */
static void
close_ranks(struct forest *f, struct forest_list *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		if (l->host[i] == FOREST_NOBODY)
			continue;
		f->host[l->host[i]].at = n;
		l->host[n++] = l->host[i];
	}
	l->n = n;
	l->n_gone = 0;
	l->open = 0;
}

static void
leave_home(struct forest *f, const struct forest_host *h)
{
	struct forest_list *l = &f->home[h->home];

	l->host[h->at] = FOREST_NOBODY;
	l->n_gone++;
	if (l->n_gone * 2 > l->n)
		close_ranks(f, l);
}

/* Who is told nothing any more finds somebody else by complaining. */
static void
abandon_children(struct forest *f, uint32_t host, uint32_t with)
{
	struct forest_host *h = &f->host[host];

	for (uint32_t i = 0; i < STRIPES; i++) {
		if (h->child[i] < LOST)
			f->host[h->child[i]].parent[forest_sends(h, i)] =
			    FOREST_NOBODY;
		h->child[i] = with;
	}
}

/* A host from the bottom of that home's tree, or NOBODY. */
static uint32_t
substitute(const struct forest *f, uint32_t host)
{
	const struct forest_list *l = &f->home[f->host[host].home];
	uint32_t n = l->n < FOREST_SEARCH ? l->n : FOREST_SEARCH, p;

	for (uint32_t k = 1; k <= n; k++) {
		p = l->host[l->n - k];
		if (p != FOREST_NOBODY && p != host && f->host[p].stuck == 0 &&
		    f->host[p].n_lost == 0)
			return p;
	}
	return FOREST_NOBODY;
}

/* Whom the seeder sends to is replaced by one who stands low: else there may be
 * no place left for its children but below themselves, and nobody whom they
 * could get the stripe from. The other's own children find another sender when
 * they complain. */
static void
replace(struct forest *f, uint32_t host)
{
	uint32_t home = f->host[host].home, i, child, with;

	if (home == STRIPES || f->root == FOREST_NOBODY ||
	    f->host[host].parent[home] != f->root)
		return;
	with = substitute(f, host);
	if (with == FOREST_NOBODY)
		return;
	abandon_children(f, with, FOREST_NOBODY);
	forest_unlink(f, with, home, FOREST_NOBODY);
	forest_unlink(f, host, home, FOREST_NOBODY);
	forest_link(f, f->root, home, with, home); /* a place for each stripe */
	for (i = 0; i < STRIPES; i++) {
		child = f->host[host].child[i];
		if (child >= LOST || child == with ||
		    (forest_sends(&f->host[host], i) != home &&
			!forest_is_fed(
			    f, with, forest_sends(&f->host[host], i), child)))
			continue;
		forest_link(f, with, i, child, forest_sends(&f->host[host], i));
		f->host[host].child[i] = FOREST_NOBODY;
	}
}

void
forest_leave(struct forest *f, uint32_t host)
{
	assert(host < f->n && f->host[host].home != NO_HOST);
	replace(f, host);
	abandon_children(f, host, FOREST_NOBODY);
	for (uint32_t i = 0; i < STRIPES; i++)
		forest_unlink(f, host, i, FOREST_NOBODY);
	if (f->host[host].home < STRIPES)
		leave_home(f, &f->host[host]);
	if (f->root == host)
		f->root = FOREST_NOBODY;
	free_host(f, host);
}

void
forest_told(struct forest *f, uint32_t host)
{
	f->host[host].fresh = 0;
	f->host[host].stuck = 0;
	f->host[host].n_lost = 0;
}

void
forest_crown(struct forest *f, uint32_t host)
{
	if (f->root == FOREST_NOBODY && f->host[host].home == STRIPES)
		f->root = host;
}

void
forest_heal(struct forest *f, uint32_t host)
{
	if (f->host[host].home == STRIPES)
		return;
	for (uint32_t i = 0; i < STRIPES; i++)
		if (f->host[host].parent[i] == FOREST_NOBODY)
			forest_settle(f, host, i, FOREST_NOBODY);
}

bool
forest_accuse(struct forest *f, uint32_t host, uint32_t child)
{
	struct forest_host *h = &f->host[child];
	stripes_t before = h->stuck;

	for (uint32_t i = 0; i < STRIPES; i++)
		if (h->parent[i] == host)
			h->stuck = (h->stuck | 1u << i) & STRIPES_MASK;
	return before != 0 && h->stuck != before;
}

/* It does not pass on what it gets: it stays, as a leaf at best. */
static void
retire(struct forest *f, uint32_t host)
{
	abandon_children(f, host, LOST);
	for (uint32_t i = 0; i < STRIPES; i++)
		forest_unlink(f, host, i, FOREST_NOBODY);
}

void
forest_complain(struct forest *f, uint32_t host, stripes_t stripes)
{
	uint32_t p;

	for (uint32_t i = 0; i < STRIPES; i++) {
		if ((stripes & stripe_bit(i)) == 0 || host == f->root ||
		    (f->host[host].fresh & stripe_bit(i)) != 0)
			continue;
		p = f->host[host].parent[i];
		if (p == FOREST_NOBODY)
			continue;
		forest_unlink(f, host, i, p == f->root ? FOREST_NOBODY : LOST);
		if (p != f->root && ++f->host[p].n_lost >= TOO_MANY)
			retire(f, p);
		forest_settle(f, host, i, p);
	}
}

void
forest_relieve(struct forest *f, uint32_t host, stripes_t stripes)
{
	struct forest_host *h = &f->host[host];

	h->behind = stripes & STRIPES_MASK;
	for (uint32_t i = 0; i < STRIPES; i++) {
		if ((stripes & ~h->fresh & stripe_bit(i)) == 0 ||
		    h->parent[i] >= LOST || h->parent[i] == f->root)
			continue;
		if (!forest_move(f, host, i) && (h->stuck & stripe_bit(i)) != 0)
			forest_swap(f, host, i);
	}
}
