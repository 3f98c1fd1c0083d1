/*
 * A host: carries out the actions of its swarm on the simulated network and
 * disk, and tells it what happened. The simulator's counterpart of io/.
 */
#ifndef MURDER_SIM_HOST_H
#define MURDER_SIM_HOST_H

#include "world.h"

/* Starts (or restarts) a host with what is on its disk. */
void host_start(struct world *w, uint32_t host);

/* Ends it: by power (nobody is told) or as a process (streams end). */
void host_kill(struct world *w, uint32_t host, bool power);

/* Ends it in good order, as swarm_on_stop() has it. */
void host_stop(struct world *w, uint32_t host);

/* Resets one connection under both its ends. */
void host_reset(struct world *w, uint32_t conn);

/* The events that concern one host or one stream. */
void host_on_timer(struct world *w, uint32_t host);
void host_on_sent(struct world *w, uint32_t host);
void host_on_chunk(struct world *w, const struct event *e);
void host_on_ack(struct world *w, const struct event *e);
void host_on_batch(struct world *w, const struct event *e);
void host_on_fin(struct world *w, const struct event *e);
void host_on_connect(struct world *w, const struct event *e);
void host_on_accept(struct world *w, const struct event *e);
void host_on_stored(struct world *w, const struct event *e);
void host_on_reply(struct world *w, const struct ask *a);

/* Takes actions until there are none, then sets the timer. rc is what the
 * swarm's call gave. */
void host_work(struct world *w, uint32_t host, int rc);

/* One action; host_act.c. */
void host_act(struct world *w, uint32_t host, const struct action *a);

/* The end (connection * 2 + side) of a neighbour, or NONE. */
uint32_t host_find_peer(const struct host *h, peer_t p);
void host_add_peer(struct host *h, peer_t p, uint32_t end);
void host_drop_peer(struct host *h, peer_t p);

/* Remembers that a flow's socket may take more. */
void host_want_fill(struct world *w, uint32_t flow);

/* The same for all those that net_took() noted. */
void host_note_took(struct world *w);

/* Closes an end the local side gave up; the other hears of it if told. */
void host_close_end(struct world *w, uint32_t end, bool tell);

#endif
