/*
 * The tracker engine: which peers are in which swarm, who has gone silent, and
 * whom to hand out. A value: request in, response bytes out, `now` and the
 * seed from outside. Whom to hand out is decided in tracker_pick.c alone.
 */
#ifndef MURDER_CORE_TRACKER_H
#define MURDER_CORE_TRACKER_H

#include <stdbool.h>
#include <stdint.h>

#include "announce.h"
#include "buf.h"
#include "mem.h"
#include "tick.h"

struct tracker;

struct tracker_config {
	const struct mem *mem;        /* outlives the tracker */
	struct duration interval;     /* asked of clients: 15 s */
	struct duration min_interval; /* 1 s */
	struct duration expiry;       /* silence after which a peer is gone */
	uint32_t max_torrents;        /* LIMIT_TRACKER_TORRENTS or less */
	uint32_t max_peers;           /* LIMIT_TRACKER_PEERS or less */
	uint32_t numwant; /* handed out when the asker says nothing */
	uint64_t seed;
};

/* Fills in the defaults above (mem and seed stay the caller's). */
void tracker_config_init(struct tracker_config *c);

/* Makes a tracker; ERR_NOMEM. Owned by the caller: tracker_free(). */
int tracker_new(struct tracker **out, const struct tracker_config *c);
void tracker_free(struct tracker *t);

/* The two ends of the connection a request came over; ports do not matter.
 * `to` is the tracker's own address as the asker knows it. */
struct tracker_ends {
	struct addr from;
	struct addr to;
};

/*
 * Whether the answer to an asker at `from` may need `to`: somebody is known by
 * a loopback address, and the asker is elsewhere. Else `to` may be anything,
 * and need not be found out.
 */
bool tracker_needs_to(const struct tracker *t, const struct addr *from);

/*
 * Answers one announce that came over a connection: registers, refreshes or
 * removes the peer and appends the bencoded reply to out. The peer's address
 * is q->ip if it says one, else ends->from. Never hands the asker itself out.
 * A peer on the tracker's own host is known by a loopback address; an asker
 * from elsewhere is given ends->to instead, which is the same host to it.
 * 0, or an error of out; refusals (limits reached) are replies with a failure
 * reason, not errors.
 */
int tracker_announce(struct tracker *t, const struct announce_query *q,
    const struct tracker_ends *ends, struct instant now, struct buf *out);

/* Appends a scrape reply (BEP 48); n 0 means every torrent. */
int tracker_scrape(struct tracker *t, const struct announce_scrape *s,
    struct instant now, struct buf *out);

/*
 * Appends /stats as one JSON object:
 * {"uptime":S,"announces":N,"swarms":[{"info_hash":"hex","seeds":N,
 *  "leechers":N,"completed":N,"peers":[{"address":"1.2.3.4:5","peer_id":"hex",
 *  "left":N,"downloaded":N,"uploaded":N,"last_seen":SECONDS_AGO}]}]}
 */
int tracker_stats(struct tracker *t, struct instant now, struct buf *out);

/* Drops the silent; call at tracker_deadline(). */
void tracker_expire(struct tracker *t, struct instant now);

/* When something will next expire; TICK_NEVER if nothing can. */
struct instant tracker_deadline(const struct tracker *t);

#endif
