/*
 * The tracker's plan of who sends which stripe to whom: one tree for each
 * stripe, all of them over the same hosts, rooted at the seeder. A host passes
 * on to at most STRIPES others, so that nobody has to send more than it
 * receives; nearly all of them in its home stripe, where it stands high in the
 * tree, so the trees are as flat as they can be (Castro et al., SplitStream,
 * SOSP 2003). Who joins takes a place as high as possible in its home tree; a
 * leaf that stood there goes below it, and so does who found no place but below
 * a host of another home. Hosts are numbers, which the caller maps
 * to peers. A value: no clock, no randomness.
 */
#ifndef MURDER_CORE_FOREST_H
#define MURDER_CORE_FOREST_H

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"
#include "stripe.h"

/* In place of a host's number. */
#define FOREST_NOBODY UINT32_MAX

/* A host in the forest. */
struct forest_host {
	uint32_t parent[STRIPES]; /* who sends it that stripe, or NOBODY */
	uint32_t child[STRIPES];  /* its places: to whom it sends, or NOBODY */
	uint32_t at;              /* index among its home stripe's; free hosts:
				     the next free one */
	uint8_t sends; /* what it sends to its children, two bits for each */
	uint8_t home;  /* its home stripe; STRIPES: a seeder; above: free */
	uint8_t n_lost : 8 - STRIPES; /* places given up because children
					 complained */
	stripes_t behind : STRIPES;   /* it said that it gets these late */
	stripes_t fresh : STRIPES; /* it was not told yet who sends it these */
	stripes_t stuck : STRIPES; /* their parents say that it does not take
				      them */
};

/* The hosts with that home, in the order of joining; NOBODY where one left. */
struct forest_list {
	uint32_t *host;
	uint32_t n, cap;
	uint32_t n_gone; /* entries that are NOBODY */
	uint32_t open;   /* before it, all places are taken by such hosts */
	uint32_t look;   /* where the search for a place ended */
};

struct forest {
	const struct mem *mem;
	struct forest_host *host;
	uint32_t n, cap; /* host[0 .. n), used or free */
	uint32_t free;   /* the first free one, or NOBODY */
	uint32_t root;   /* the seeder, or NOBODY */
	struct forest_list home[STRIPES];
};

/* An empty forest. Owned by the caller: forest_free(). */
void forest_init(struct forest *f, const struct mem *mem);
void forest_free(struct forest *f);

/* A seeder comes: the root, unless there is one. Gives its number in *host:
 * ERR_NOMEM. */
int forest_seed(struct forest *f, uint32_t *host);

/* A host comes that has not everything. Gives its number; ERR_NOMEM. */
int forest_join(struct forest *f, uint32_t *host);

/* The host goes, for whatever reason; its number may be given anew. */
void forest_leave(struct forest *f, uint32_t host);

/* The host says that it does not get these stripes from those who should send
 * them, and is given others where there are any (who has none: forest_heal()).
 * Who is complained about loses the place, and all of them when it happens
 * again: they are for those who find no other, once it was heard of again. */
void forest_complain(struct forest *f, uint32_t host, stripes_t stripes);

/* The host says that it gets these stripes later than the others, and does not
 * catch up: it is given senders that have a place free and do not get them
 * late themselves, where there are any. Those have more for their other
 * children then, and get nobody new as long as others have room. Where there
 * are none, and the sender says that the host does not take the stripe,
 * something is wrong between the two: the host and another change places. */
void forest_relieve(struct forest *f, uint32_t host, stripes_t stripes);

/* The host hears now whom it is linked with. Until then, what it complains of
 * is not its new sender's fault; and what was said of it is forgotten: it is
 * there. */
void forest_told(struct forest *f, uint32_t host);

/* That seeder is the root, if there is none. */
void forest_crown(struct forest *f, uint32_t host);

/* Gives the host senders for what it has none for, where there are any. */
void forest_heal(struct forest *f, uint32_t host);

/* The host says that what it sends to child does not get through. Whether
 * others said so before: then the child's link is slow or dead, and it is to
 * leave. */
bool forest_accuse(struct forest *f, uint32_t host, uint32_t child);

/* The host as it stands; borrowed until the next call that changes f. */
static inline const struct forest_host *
forest_host(const struct forest *f, uint32_t host)
{
	return &f->host[host];
}

/* What it sends to the child in that place. */
static inline uint32_t
forest_sends(const struct forest_host *h, uint32_t place)
{
	return h->sends >> 2 * place & (STRIPES - 1);
}

#endif
