/*
 * A few swarms in one process on a perfect network: every byte sent arrives at
 * the next step, in order; the disk is instant. For unit tests of the engine;
 * the simulator (spec/sim) is the one that knows time and rates.
 */
#ifndef MURDER_SPEC_LAN_H
#define MURDER_SPEC_LAN_H

#include "core/swarm.h"

#define LAN_HOSTS 16

struct lan;

struct lan_options {
	const struct mem *mem; /* of the swarms */
	uint32_t n_hosts;      /* host 0 begins complete */
	uint32_t piece_length;
	uint64_t length;
	uint64_t seed;
	uint32_t n_racks; /* host h says it is in rack h % n_racks; 0: none */
	uint32_t liar;    /* host whose payload is wrong; LAN_HOSTS: none */
};

/* Makes the hosts and introduces everybody to everybody. NULL: no memory. */
struct lan *lan_new(const struct lan_options *o);
void lan_free(struct lan *l);

/* Carries out steps until nothing moves or everybody alive is complete; true
 * if they are. A negative *err is a swarm's. */
bool lan_run(struct lan *l, uint32_t max_steps, int *err);

/* The host is gone, its neighbours see their connections end. */
void lan_kill(struct lan *l, uint32_t host);

struct swarm *lan_swarm(struct lan *l, uint32_t host);
/* How many ACTION_CLOSE with this reason happened, at any host. */
uint32_t lan_n_closed(const struct lan *l, enum close_reason why);
uint64_t lan_payload(const struct lan *l, uint32_t host); /* bytes sent */
/* Bytes of payload sent from one rack to another, the seeder's not counted. */
uint64_t lan_between_racks(const struct lan *l);
uint32_t lan_n_finished(const struct lan *l); /* ACTION_FINISHED seen */

#endif
