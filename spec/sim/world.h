/*
 * Everything that is simulated: hosts, the network between them, a tracker,
 * and what the scenario does to them.
 */
#ifndef MURDER_SIM_WORLD_H
#define MURDER_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/announce.h"
#include "core/rng.h"
#include "core/swarm.h"
#include "core/tracker.h"
#include "disk.h"
#include "net.h"
#include "scenario.h"
#include "sim.h"

#define WORLD_PORT 6881 /* where every client listens */
#define SEEDER 0u       /* the host that begins with everything */

struct peer_entry {
	peer_t peer;
	uint32_t end; /* connection * 2 + side */
};

struct host {
	struct swarm *swarm; /* NULL: not running */
	struct rng rng;
	struct peer_entry *peers; /* ordered by number */
	uint32_t n_peers, cap_peers;
	uint32_t *fill; /* flows whose socket may take more */
	uint32_t n_fill, cap_fill;
	uint32_t life;     /* how often it was started */
	struct disk disk;  /* of one life */
	struct bits store; /* pieces on disk; stays through a death */
	uint32_t n_have;   /* as the swarm last said */
	uint64_t timer_at; /* ns; of the pending EVENT_TIMER that counts */
	uint64_t start_at; /* ns */
	uint64_t done_at;  /* ns; 0: not yet */
	uint64_t sent;     /* bytes of payload taken by its sockets */
	uint64_t received; /* bytes of payload delivered to it */
	uint32_t spins;    /* deadlines met without time going on */
	bool slow, liar, killed, announced;
};

struct ask { /* an announce on its way */
	uint32_t host, life;
	struct announce_query query;
	struct buf body;
	int err;
	uint32_t next_free;
};

struct usage; /* of the links, by phase: usage.h */

struct world {
	struct sim sim;
	struct scenario sc;
	struct net net;
	struct mem mem;             /* what the engines allocate with */
	size_t mem_used, mem_top;   /* bytes */
	struct swarm_config limits; /* the tuning everybody has */
	uint64_t seed;
	struct rng rng;
	struct host *hosts; /* [0] is the seeder */
	uint32_t n_hosts;
	uint32_t n_waiting; /* of those who must finish, not yet finished */
	uint32_t *owners;   /* per piece: running hosts besides the seeder */
	uint32_t n_owned;   /* pieces with such an owner */
	uint64_t out_at;    /* ns; when the last of them got one */
	uint32_t batch[2];  /* being collected: near, far */
	struct tracker *tracker;
	uint64_t tracker_free; /* ns */
	uint64_t tracker_at;   /* ns; its pending timer */
	uint32_t n_announced, n_lives;
	bool tracker_died;
	struct ask *asks;
	uint32_t n_asks, cap_asks, free_ask;
	uint64_t control_bytes, announces;
	struct usage *usage; /* NULL: not asked for */
	FILE *trace;         /* NULL: not asked for */
	char failure[256];   /* the first law broken; empty: none */
};

/* Makes the world of a scenario; all is decided by it and the seed. */
void world_init(struct world *w, const struct scenario *sc, uint64_t seed);
void world_free(struct world *w);

/* Runs until everybody who lives has finished, or a law is broken. */
void world_run(struct world *w);

/* Notes that a law was broken; the first one counts. */
void world_fail(struct world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Where a host is, and who is there (NONE). */
struct addr world_addr(const struct world *w, uint32_t host);
uint32_t world_host_at(const struct world *w, const struct addr *a);

uint32_t world_piece_length(const struct world *w, uint32_t piece);

/* The tuning a host's swarm gets. */
void world_config(
    const struct world *w, uint32_t host, struct swarm_config *out);

/* ---- the tracker (tracking.c) ------------------------------------------- */

void tracking_start(struct world *w);
void tracking_stop(struct world *w);
void tracking_ask(struct world *w, uint32_t host, uint32_t which,
    const struct announce_query *q);
void tracking_on_ask(struct world *w, uint32_t ask);
void tracking_on_reply(struct world *w, uint32_t ask);
void tracking_on_timer(struct world *w);
void tracking_free(struct world *w);

/* ---- faults (faults.c) -------------------------------------------------- */

/* Puts what the scenario has in store into the heap. */
void faults_plan(struct world *w);
void faults_happen(struct world *w, const struct event *e);
/* Those that wait for a condition instead of a time. */
void faults_watch(struct world *w);
/* A host has finished. */
void faults_on_finished(struct world *w, uint32_t host);

#endif
