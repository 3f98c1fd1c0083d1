/*
 * Between the files of the forest (forest.h).
 */
#ifndef MURDER_CORE_FOREST_INT_H
#define MURDER_CORE_FOREST_INT_H

#include "forest.h"

/* A place that a child complained of: for those who find no other. */
#define LOST (UINT32_MAX - 1)

/* The home of a number that is free. */
#define NO_HOST (STRIPES + 1)

/* Complaints, after which a host is given nobody until it is heard of. */
#define TOO_MANY 2u

/* The last hosts of a home that are looked at for one who stands low. */
#define FOREST_SEARCH 64u

/* For bit-fields of as many bits. */
#define STRIPES_MASK ((1u << STRIPES) - 1)

/* Gives child that stripe from p's place, which is free. */
void forest_link(struct forest *f, uint32_t p, uint32_t place, uint32_t child,
    uint32_t stripe);

/* Takes the child out of its sender's place, which becomes `with`. */
void forest_unlink(
    struct forest *f, uint32_t child, uint32_t stripe, uint32_t with);

/* Moves the host, with all that stands below it in that tree, to a free place
 * of somebody else, who does not get the stripe late either. Its own is lost
 * then. False where there is none. */
bool forest_move(struct forest *f, uint32_t host, uint32_t stripe);

/* Has the host and another one, which gets that stripe from another sender,
 * change places in that tree, if there is such a one. */
void forest_swap(struct forest *f, uint32_t host, uint32_t stripe);

/* Whether what is pushed into that tree reaches p, and not by way of host. */
bool forest_is_fed(
    const struct forest *f, uint32_t p, uint32_t stripe, uint32_t host);

/* Puts the host as high as possible into the tree of its home. */
void forest_settle_at_home(struct forest *f, uint32_t host);

/* Whoever has another home and gets the host's home stripe from one that has
 * another home too, a level lower than need be, gets it from the host, as far
 * as that has places free. */
void forest_adopt(struct forest *f, uint32_t host);

/* Puts the host into that tree as a leaf, or again with all that stands below,
 * where there is a place; not below `but`. */
void forest_settle(
    struct forest *f, uint32_t host, uint32_t stripe, uint32_t but);

#endif
