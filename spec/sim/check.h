/*
 * The laws. A swarm never sends what it has not, never stores what has not all
 * arrived, keeps its limits, never loses progress; what comes out of a stream
 * is what went in; everybody who lives finishes.
 */
#ifndef MURDER_SIM_CHECK_H
#define MURDER_SIM_CHECK_H

#include "world.h"

/* Before an action is carried out. */
void check_action(struct world *w, uint32_t host, const struct action *a);

/* After a host has done all it had to do. */
void check_host(struct world *w, uint32_t host);

/* Before n bytes of the block `it` are given to the end that receives. */
void check_payload(
    struct world *w, const struct end *e, const struct item *it, uint32_t n);

/* When the simulation is over. */
void check_end(struct world *w);

#endif
