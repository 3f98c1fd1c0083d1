/*
 * Places in the forest: who has one free, who may stand below whom, and where a
 * host is put (forest.h).
 */
#include "forest_int.h"

/* Hosts looked at where there is no place among the last. */
#define FAR_SEARCH 1024u

/* The last hosts of each other home whose leaves are looked at. */
#define ADOPT_SEARCH 16u

/* More ancestors than any tree has. */
#define DEPTH_MAX 4096u

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

/* Whether that stripe reaches p, not by way of host, nor of anybody who is late
 * with one of `late`. */
static bool
is_reached(const struct forest *f, uint32_t p, uint32_t stripe, uint32_t host,
    stripes_t late)
{
	for (uint32_t i = 0; i < DEPTH_MAX; i++) {
		if (p == f->root)
			return true;
		if (p == host || p >= LOST || (f->host[p].behind & late) != 0)
			return false;
		p = f->host[p].parent[stripe];
	}
	return false;
}

bool
forest_is_fed(
    const struct forest *f, uint32_t p, uint32_t stripe, uint32_t host)
{
	return is_reached(f, p, stripe, host, 0);
}

/* Whether what stands in that place of p could as well stand below host: a
 * leaf of any tree, of the tree `stripe` for choice. */
static bool
is_leaf_place(const struct forest *f, uint32_t p, uint32_t i, uint32_t host)
{
	uint32_t child = f->host[p].child[i], of = forest_sends(&f->host[p], i);

	return child < LOST && child != host && f->host[child].home != of &&
	       (of == f->host[host].home || forest_is_fed(f, host, of, child));
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

void
forest_link(struct forest *f, uint32_t p, uint32_t place, uint32_t child,
    uint32_t stripe)
{
	f->host[p].child[place] = child;
	set_sends(&f->host[p], place, stripe);
	f->host[child].parent[stripe] = p;
	f->host[child].fresh =
	    (f->host[child].fresh | 1u << stripe) & STRIPES_MASK;
}

void
forest_unlink(struct forest *f, uint32_t child, uint32_t stripe, uint32_t with)
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

/* As high as possible in the tree of its home: in a free place, or in that of
 * a leaf, which then stands below it. */
static bool
settle_under(struct forest *f, uint32_t host, uint32_t p)
{
	uint32_t s = f->host[host].home, i = free_place(f, p, s), leaf, of;

	if (i < STRIPES) {
		forest_link(f, p, i, host, s);
		return true;
	}
	i = leaf_place(f, p, host);
	if (i == STRIPES)
		return false;
	leaf = f->host[p].child[i];
	of = forest_sends(&f->host[p], i);
	forest_link(f, p, i, host, s);
	forest_link(f, host, free_place(f, host, of), leaf, of);
	return true;
}

void
forest_settle_at_home(struct forest *f, uint32_t host)
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

/* The place of p from which a host that has another home gets that stripe, and
 * could get it from host, or STRIPES. */
static uint32_t
place_to_adopt(
    const struct forest *f, uint32_t p, uint32_t stripe, uint32_t host)
{
	const struct forest_host *h = &f->host[p];
	uint32_t i;

	for (i = 0; i < STRIPES; i++)
		if (h->child[i] < LOST && forest_sends(h, i) == stripe &&
		    f->host[h->child[i]].home != stripe &&
		    forest_is_fed(f, host, stripe, h->child[i]))
			break;
	return i;
}

/* Takes over what it can of p's; false if there is no place left for more. */
static bool
adopt_from(struct forest *f, uint32_t host, uint32_t p)
{
	uint32_t s = f->host[host].home, from, to, child;

	while ((from = place_to_adopt(f, p, s, host)) < STRIPES) {
		to = free_place(f, host, s);
		if (to == STRIPES)
			return false;
		child = f->host[p].child[from];
		forest_unlink(f, child, s, FOREST_NOBODY);
		forest_link(f, host, to, child, s);
	}
	return true;
}

void
forest_adopt(struct forest *f, uint32_t host)
{
	const struct forest_list *l;
	uint32_t i, k, p;

	for (i = 1; i < STRIPES; i++) {
		l = &f->home[(f->host[host].home + i) % STRIPES];
		for (k = 1; k <= l->n && k <= ADOPT_SEARCH; k++) {
			p = l->host[l->n - k];
			if (p != FOREST_NOBODY && !adopt_from(f, host, p))
				return;
		}
	}
}

/* A place of p to be given to somebody, free or lost as `like` says, or
 * STRIPES. */
static uint32_t
place_like(const struct forest *f, uint32_t p, uint32_t like)
{
	uint32_t i = 0;

	if (p == FOREST_NOBODY || f->host[p].stuck != 0 ||
	    f->host[p].n_lost >= TOO_MANY)
		return STRIPES;
	while (i < STRIPES && f->host[p].child[i] != like)
		i++;
	return i;
}

/* Puts host below p, where it gets that stripe, if there is such a place. */
static bool
settle_below(
    struct forest *f, uint32_t host, uint32_t stripe, uint32_t p, uint32_t like)
{
	uint32_t i = place_like(f, p, like);

	if (p == host || i == STRIPES || !forest_is_fed(f, p, stripe, host))
		return false;
	forest_link(f, p, i, host, stripe);
	return true;
}

/* Among the last of that home, which stand low and have places left. */
static bool
settle_low(struct forest *f, uint32_t host, uint32_t stripe, uint32_t home,
    uint32_t but)
{
	const struct forest_list *l = &f->home[home];
	uint32_t n = l->n < FOREST_SEARCH ? l->n : FOREST_SEARCH, k;

	for (k = 1; k <= n; k++)
		if (l->host[l->n - k] != but &&
		    settle_below(
			f, host, stripe, l->host[l->n - k], FOREST_NOBODY))
			return true;
	return false;
}

/* Wherever those who left have made room, going on where the last search ended;
 * or where a complaint did. */
static bool
settle_anywhere(struct forest *f, uint32_t host, uint32_t stripe, uint32_t home,
    uint32_t but, uint32_t like)
{
	struct forest_list *l = &f->home[home];
	uint32_t n = l->n < FAR_SEARCH ? l->n : FAR_SEARCH, k, p;

	for (k = 0; k < n; k++) {
		l->look = l->look + 1 < l->n ? l->look + 1 : 0;
		p = l->host[l->look];
		if (p != but && settle_below(f, host, stripe, p, like))
			return true;
	}
	return false;
}

/* Whether somebody who gets that stripe in time, by others than host, could
 * send it to host in place of `from`. */
static bool
is_well_fed(const struct forest *f, uint32_t p, uint32_t stripe, uint32_t host,
    uint32_t from)
{
	return p != from && is_reached(f, p, stripe, host, stripe_bit(stripe));
}

bool
forest_move(struct forest *f, uint32_t host, uint32_t stripe)
{
	uint32_t from = f->host[host].parent[stripe], i, k, n, p, place;
	struct forest_list *l;

	for (i = 0; i < STRIPES; i++) {
		l = &f->home[(stripe + i) % STRIPES];
		n = l->n < FAR_SEARCH ? l->n : FAR_SEARCH;
		for (k = 1; k <= n; k++) {
			p = l->host[l->n - k];
			place = place_like(f, p, FOREST_NOBODY);
			if (place == STRIPES ||
			    !is_well_fed(f, p, stripe, host, from))
				continue;
			forest_unlink(f, host, stripe, LOST);
			forest_link(f, p, place, host, stripe);
			return true;
		}
	}
	return false;
}

/* A place of p from which that stripe goes to one who could as well get it
 * from `from`, or STRIPES. */
static uint32_t
place_to_swap(
    const struct forest *f, uint32_t p, uint32_t stripe, uint32_t from)
{
	uint32_t i, child;

	if (p == FOREST_NOBODY || f->host[p].stuck != 0)
		return STRIPES;
	for (i = 0; i < STRIPES; i++) {
		child = f->host[p].child[i];
		if (child < LOST && forest_sends(&f->host[p], i) == stripe &&
		    f->host[child].stuck == 0 &&
		    forest_is_fed(f, from, stripe, child))
			return i;
	}
	return STRIPES;
}

void
forest_swap(struct forest *f, uint32_t host, uint32_t stripe)
{
	uint32_t from = f->host[host].parent[stripe], k, n, p, i, j, other;
	struct forest_list *l = &f->home[stripe];

	n = l->n < FAR_SEARCH ? l->n : FAR_SEARCH;
	for (k = 0; k < n; k++) {
		l->look = l->look + 1 < l->n ? l->look + 1 : 0;
		p = l->host[l->look];
		i = place_to_swap(f, p, stripe, from);
		if (i == STRIPES || !is_well_fed(f, p, stripe, host, from))
			continue;
		other = f->host[p].child[i];
		forest_unlink(f, host, stripe, FOREST_NOBODY);
		forest_unlink(f, other, stripe, FOREST_NOBODY);
		j = place_like(f, from, FOREST_NOBODY);
		if (j < STRIPES)
			forest_link(f, from, j, other, stripe);
		forest_link(f, p, i, host, stripe);
		return;
	}
}

void
forest_settle(struct forest *f, uint32_t host, uint32_t stripe, uint32_t but)
{
	uint32_t i;

	if (f->root != FOREST_NOBODY && f->root != host &&
	    (i = free_place(f, f->root, stripe)) < STRIPES) {
		forest_link(f, f->root, i, host, stripe);
		return;
	}
	for (i = 0; i < STRIPES; i++)
		if (settle_low(f, host, stripe, (stripe + i) % STRIPES, but))
			return;
	for (i = 0; i < STRIPES; i++)
		if (settle_anywhere(f, host, stripe, (stripe + i) % STRIPES,
			but, FOREST_NOBODY))
			return;
	for (i = 0; i < STRIPES; i++)
		if (settle_anywhere(
			f, host, stripe, (stripe + i) % STRIPES, but, LOST))
			return;
}
