/*
 * A forest under test, and what must hold for every one.
 */
#ifndef MURDER_SPEC_PLANTED_H
#define MURDER_SPEC_PLANTED_H

#include "core/forest.h"
#include "failalloc.h"

/* A forest of a seeder and n others, with memory from a. */
void planted_init(struct forest *f, struct failalloc *a, uint32_t n);

/* Whether that number is a host's. */
bool planted_has(const struct forest *f, uint32_t host);

/* Hosts between host and the seeder in that stripe's tree; UINT32_MAX if the
 * way does not lead there. */
uint32_t planted_depth(const struct forest *f, uint32_t host, uint32_t stripe);

/* Each link is known to both of its ends, and leads somewhere. */
void planted_check_links(const struct forest *f);

/* Everybody gets every stripe. */
void planted_check_fed(const struct forest *f);

/* Nobody is fed by itself. */
void planted_check_loops(const struct forest *f);

#endif
