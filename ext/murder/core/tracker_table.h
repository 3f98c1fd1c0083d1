/*
 * What the tracker remembers: torrents and their peers, with the order in
 * which they were last heard of; private to the tracker*.c files. A peer is
 * known by its address and port, so one that starts again replaces itself.
 */
#ifndef MURDER_CORE_TRACKER_TABLE_H
#define MURDER_CORE_TRACKER_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "forest.h"
#include "rack.h"
#include "rng.h"
#include "tracker.h"
#include "tracker_index.h"

/* In the order of tracker_pick()'s row. */
enum tracker_class { CLASS_ORIGIN, CLASS_COMPLETED, CLASS_LEECHER, N_CLASSES };

/* IPv4 as IPv4-mapped IPv6, then the port, both in network order. */
#define TRACKER_KEY_BYTES 18u

/* Peers are allocated so many at a time. */
#define TRACKER_BLOCK 1024u
#define TRACKER_BLOCKS ((LIMIT_TRACKER_PEERS - 1) / TRACKER_BLOCK + 1)

struct tracker_peer {
	struct tracker_rack *rack; /* and by it, the torrent */
	struct instant last_seen;
	uint64_t left, downloaded, uploaded; /* bytes, as it says */
	uint32_t id;           /* its number, as long as it is known */
	uint32_t older, newer; /* ids, by last_seen; not at the ends */
	uint32_t index;        /* in its torrent's list[class] */
	uint32_t in_rack;      /* index there, unless it is nowhere */
	uint32_t planned;      /* in the forest, or NOBODY, or RETIRED */
	uint8_t key[TRACKER_KEY_BYTES];
	uint8_t peer_id[20];
	uint8_t class;  /* enum tracker_class */
	bool completed; /* its "completed" has been counted */
};

struct tracker_list {
	uint32_t *id; /* of peers, in no order */
	uint32_t n, cap;
};

/* The peers of a torrent in one rack. */
struct tracker_rack {
	UT_hash_handle hh; /* in torrent->racks */
	rack_t id;
	struct tracker_torrent *torrent;
	struct tracker_peer **p; /* in no order */
	uint32_t n, cap;
};

/* Who sends which stripe to whom, and who has which number there. */
struct tracker_plan {
	struct forest forest;
	uint32_t *id; /* of peers, by number */
	uint32_t cap;
};

struct tracker_torrent {
	UT_hash_handle hh; /* in tracker->torrents */
	uint8_t info_hash[20];
	struct tracker_list list[N_CLASSES];
	struct tracker_index by_key; /* ids of all its peers */
	struct tracker_rack *racks;
	struct tracker_rack nowhere; /* of those whose rack is not known: they
					are not listed */
	struct tracker_plan plan;
	uint32_t completed;                  /* "completed" events */
	struct instant idle_since;           /* valid while on the idle list */
	struct tracker_torrent *prev, *next; /* the idle list, oldest first */
	bool idle;                           /* without peers */
};

struct tracker {
	struct tracker_config c;
	struct rng rng;
	uint64_t hash_key[2]; /* so that nobody can choose our collisions */
	struct tracker_torrent *torrents;
	struct tracker_peer *block[TRACKER_BLOCKS];
	uint32_t n_made;         /* peers of the blocks in use or free again */
	uint32_t free, n_free;   /* these, linked by newer; valid if any */
	uint32_t oldest, newest; /* ids, by last_seen; valid if any */
	uint32_t n_beside;       /* peers known by a loopback address */
	struct tracker_torrent *idle; /* torrents without peers */
	uint32_t n_peers, n_torrents, n_racks;
	uint64_t n_announces;
	struct instant started;
	bool has_started;
};

/* tracker_store.c: a new peer, all zero but its id, or NULL; and its end. When
 * the last one goes all the memory is given back. */
struct tracker_peer *tracker_take_peer(struct tracker *t);
void tracker_give_peer(struct tracker *t, struct tracker_peer *p);

/* The peer with that id. */
struct tracker_peer *tracker_peer_of_id(const struct tracker *t, uint32_t id);

/* The peers by last_seen; n_peers counts them. The one silent for longest, or
 * NULL; makes p the newest; takes p out. */
struct tracker_peer *tracker_oldest_peer(const struct tracker *t);
void tracker_age_append(struct tracker *t, struct tracker_peer *p);
void tracker_age_remove(struct tracker *t, const struct tracker_peer *p);

/* The torrent, or NULL. */
struct tracker_torrent *tracker_find_torrent(
    const struct tracker *t, const uint8_t info_hash[20]);

/* Finds or makes the torrent (idle when made); an idle one may be dropped to
 * make room. NULL with *why a sentence for the asker. */
struct tracker_torrent *tracker_need_torrent(struct tracker *t,
    const uint8_t info_hash[20], struct instant now, const char **why);

/* The peer at a, or NULL. */
struct tracker_peer *tracker_find_peer(const struct tracker *t,
    const struct tracker_torrent *tor, const struct addr *a);

/* Makes a peer at a, which is not there yet; NULL with *why. */
struct tracker_peer *tracker_add_peer(struct tracker *t,
    struct tracker_torrent *tor, const struct addr *a, enum tracker_class class,
    const char **why);

/* Moves the peer to another class; ERR_NOMEM with nothing changed. */
int tracker_move_peer(
    struct tracker *t, struct tracker_peer *p, enum tracker_class class);

/* Notes that p was heard of. */
void tracker_touch_peer(
    struct tracker *t, struct tracker_peer *p, struct instant now);

/* Removes and frees p. Its torrent goes idle if it was the last. */
void tracker_drop_peer(
    struct tracker *t, struct tracker_peer *p, struct instant now);

/* Removes and frees a torrent without peers. */
void tracker_drop_torrent(struct tracker *t, struct tracker_torrent *tor);

/* tracker_rack.c: takes p out of its rack; or changes to another, ERR_NOMEM:
 * then it is in none. Who comes is in none. */
void tracker_rack_leave(struct tracker *t, struct tracker_peer *p);
int tracker_rack_move(struct tracker *t, struct tracker_peer *p, rack_t id);

/* tracker_plan.c: p takes part in the forest, or does not any more, and what
 * it complains about; ERR_NOMEM: then it does not. */
int tracker_plan_update(
    struct tracker *t, struct tracker_peer *p, const struct announce_query *q);
void tracker_plan_leave(struct tracker_peer *p);
void tracker_plan_free(struct tracker *t, struct tracker_torrent *tor);

/* From whom self gets which stripes, and to whom it sends them; gives how
 * many. */
struct tracker_plan_link {
	const struct tracker_peer *peer;
	uint8_t stripe;
	bool down; /* self sends */
};
uint32_t tracker_plan_links(const struct tracker *t,
    const struct tracker_peer *self,
    struct tracker_plan_link out[ANNOUNCE_LINKS]);

/* A keyed hash of at most 23 bytes. */
unsigned tracker_hash(const struct tracker *t, const uint8_t *p, size_t n);

/* The address in a peer's key. */
void tracker_peer_addr(const struct tracker_peer *p, struct addr *a);

/* Number i of the row origins, completed, leechers. */
struct tracker_peer *tracker_peer_at(
    const struct tracker *t, const struct tracker_torrent *tor, uint32_t i);

#endif
