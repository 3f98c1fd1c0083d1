/*
 * What happens, as readable lines: milliseconds, host, what. Golden traces of
 * small swarms are kept in traces/ and compared.
 */
#ifndef MURDER_SIM_TRACE_H
#define MURDER_SIM_TRACE_H

#include "world.h"

void trace_action(struct world *w, uint32_t host, const struct action *a);
void trace_event(struct world *w, uint32_t host, peer_t p, const char *what);
void trace_stored(
    struct world *w, uint32_t host, uint32_t piece, enum swarm_stored how);
void trace_reply(struct world *w, uint32_t host, int err);

#endif
