#include "forest.h"

#include <assert.h>
#include <string.h>

#include "err.h"

/* A place nobody gets any more. */
#define LOST (UINT32_MAX - 1)

#define STRIPES_MASK ((1u << STRIPES) - 1)

/* The home of a number that is free. */
#define NO_HOST (STRIPES + 1)

/* Complaints, after which a host is given nobody any more. */
#define TOO_MANY 2u

/* Hosts looked at for a free place, of each home stripe. */
#define SEARCH 64u

/* More ancestors than any tree has. */
#define DEPTH_MAX 4096u

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

/* ---- places ------------------------------------------------------------- */

/* A free place of p for that stripe, or STRIPES: the root has one for each. */
static uint32_t
free_place(const struct forest *f, uint32_t p, uint32_t stripe)
{
	const struct forest_host *h = &f->host[p];

	if (p == f->root)
		return h->child[stripe] == FOREST_NOBODY ? stripe : STRIPES;
	for (uint32_t i = 0; i < STRIPES; i++)
		if (h->child[i] == FOREST_NOBODY)
			return i;
	return STRIPES;
}

/* Whether what is pushed into that tree reaches p, and not by way of host. */
static bool
is_fed(const struct forest *f, uint32_t p, uint32_t stripe, uint32_t host)
{
	for (uint32_t i = 0; i < DEPTH_MAX; i++) {
		if (p == f->root)
			return true;
		if (p == host || p >= LOST)
			return false;
		p = f->host[p].parent[stripe];
	}
	return false;
}

/* Whether what stands in that place of p could as well stand below host: a
 * leaf of any tree, of the tree `stripe` for choice. */
static bool
is_leaf_place(const struct forest *f, uint32_t p, uint32_t i, uint32_t host)
{
	uint32_t child = f->host[p].child[i], of = forest_sends(&f->host[p], i);

	return child < LOST && child != host && f->host[child].home != of &&
	       (of == f->host[host].home || is_fed(f, host, of, child));
}

/* A place of p that a leaf has and host is to have, or STRIPES. The root has
 * one place for each stripe. */
static uint32_t
leaf_place(const struct forest *f, uint32_t p, uint32_t host)
{
	uint32_t i, found = STRIPES, home = f->host[host].home;

	if (p == f->root)
		return is_leaf_place(f, p, home, host) ? home : STRIPES;
	for (i = 0; i < STRIPES; i++) {
		if (!is_leaf_place(f, p, i, host))
			continue;
		found = i;
		if (forest_sends(&f->host[p], i) == home)
			break;
	}
	return found;
}

static void
set_sends(struct forest_host *h, uint32_t place, uint32_t stripe)
{
	uint32_t keep = ~((STRIPES - 1) << 2 * place);

	h->sends = (uint8_t)((h->sends & keep) | stripe << 2 * place);
}

static void
link_child(struct forest *f, uint32_t p, uint32_t place, uint32_t child,
    uint32_t stripe)
{
	f->host[p].child[place] = child;
	set_sends(&f->host[p], place, stripe);
	f->host[child].parent[stripe] = p;
	f->host[child].fresh =
	    (f->host[child].fresh | 1u << stripe) & STRIPES_MASK;
}

/* Takes the child out of its parent's place, which becomes `with`. */
static void
unlink_child(struct forest *f, uint32_t child, uint32_t stripe, uint32_t with)
{
	uint32_t p = f->host[child].parent[stripe];

	f->host[child].parent[stripe] = FOREST_NOBODY;
	if (p == FOREST_NOBODY)
		return;
	for (uint32_t i = 0; i < STRIPES; i++)
		if (f->host[p].child[i] == child &&
		    forest_sends(&f->host[p], i) == stripe)
			f->host[p].child[i] = with;
}

/* ---- joining ------------------------------------------------------------ */

/* As high as possible in the tree of its home: in a free place, or in that of
 * a leaf, which then stands below it. */
static bool
settle_under(struct forest *f, uint32_t host, uint32_t p)
{
	uint32_t s = f->host[host].home, i = free_place(f, p, s), leaf, of;

	if (i < STRIPES) {
		link_child(f, p, i, host, s);
		return true;
	}
	i = leaf_place(f, p, host);
	if (i == STRIPES)
		return false;
	leaf = f->host[p].child[i];
	of = forest_sends(&f->host[p], i);
	link_child(f, p, i, host, s);
	link_child(f, host, free_place(f, host, of), leaf, of);
	return true;
}

static void
settle_at_home(struct forest *f, uint32_t host)
{
	struct forest_list *l = &f->home[f->host[host].home];

	if (f->root != FOREST_NOBODY && settle_under(f, host, f->root))
		return;
	for (; l->open < l->n; l->open++)
		if (l->host[l->open] != FOREST_NOBODY &&
		    l->host[l->open] != host &&
		    settle_under(f, host, l->host[l->open]))
			return;
}

/* Among the last of that home, which stand low and have places left. */
static bool
settle_low(struct forest *f, uint32_t host, uint32_t stripe, uint32_t home)
{
	const struct forest_list *l = &f->home[home];
	uint32_t n = l->n < SEARCH ? l->n : SEARCH, p, i;

	for (uint32_t k = 1; k <= n; k++) {
		p = l->host[l->n - k];
		if (p == FOREST_NOBODY || p == host || f->host[p].stuck != 0 ||
		    (i = free_place(f, p, stripe)) == STRIPES ||
		    !is_fed(f, p, stripe, host))
			continue;
		link_child(f, p, i, host, stripe);
		return true;
	}
	return false;
}

/* As a leaf, or again with all that stands below. */
static void
settle(struct forest *f, uint32_t host, uint32_t stripe)
{
	uint32_t i;

	if (f->root != FOREST_NOBODY && f->root != host &&
	    (i = free_place(f, f->root, stripe)) < STRIPES) {
		link_child(f, f->root, i, host, stripe);
		return;
	}
	for (i = 0; i < STRIPES; i++)
		if (settle_low(f, host, stripe, (stripe + i) % STRIPES))
			return;
}

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
			settle(f, *host, i);
	settle_at_home(f, *host);
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
	uint32_t n = l->n < SEARCH ? l->n : SEARCH, p;

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
	unlink_child(f, with, home, FOREST_NOBODY);
	unlink_child(f, host, home, FOREST_NOBODY);
	link_child(f, f->root, home, with, home); /* a place for each stripe */
	for (i = 0; i < STRIPES; i++) {
		child = f->host[host].child[i];
		if (child >= LOST || child == with ||
		    (forest_sends(&f->host[host], i) != home &&
			!is_fed(
			    f, with, forest_sends(&f->host[host], i), child)))
			continue;
		link_child(f, with, i, child, forest_sends(&f->host[host], i));
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
		unlink_child(f, host, i, FOREST_NOBODY);
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
			settle(f, host, i);
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
		unlink_child(f, host, i, FOREST_NOBODY);
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
		if (p != FOREST_NOBODY) {
			unlink_child(
			    f, host, i, p == f->root ? FOREST_NOBODY : LOST);
			if (p != f->root && ++f->host[p].n_lost >= TOO_MANY)
				retire(f, p);
		}
		settle(f, host, i);
	}
}
