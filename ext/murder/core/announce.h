/*
 * Announce and scrape, both directions: BEP 3 "trackers", BEP 7 (peers6),
 * BEP 23 (compact), BEP 48 (scrape). Used by the client to ask and by the
 * tracker to answer.
 */
#ifndef MURDER_CORE_ANNOUNCE_H
#define MURDER_CORE_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"
#include "limits.h"
#include "span.h"
#include "stripe.h"

enum announce_event {
	ANNOUNCE_NONE,
	ANNOUNCE_STARTED,
	ANNOUNCE_COMPLETED,
	ANNOUNCE_STOPPED
};

struct announce_query {
	uint8_t info_hash[20];
	uint8_t peer_id[20];
	uint16_t port;
	uint64_t uploaded;   /* bytes of payload, in all */
	uint64_t downloaded; /* bytes of payload, in all */
	uint64_t left;       /* bytes; 0 is a seed */
	enum announce_event event;
	uint32_t numwant; /* UINT32_MAX: not said */
	uint32_t key;     /* lets the tracker know us after an address change */
	struct addr ip;   /* valid if has_ip: the override of LOCAL_IP */
	bool has_ip;
	char rack[LIMIT_RACK_BYTES + 1]; /* murder_rack: its label, or "" */
	bool striped;     /* murder_stripes was said: it takes part */
	stripes_t lost;   /* its low bits: stripes that it does not get */
	stripes_t behind; /* its high bits: those it gets later than others */
	bool has_stuck;   /* murder_stuck: to whom it sends one, in vain */
	struct addr stuck;
	bool compact;    /* compact=1, the default when not said */
	bool no_peer_id; /* only matters for the dictionary form */
};

/*
 * Client side: appends url, then '?' or '&' as fits, then the query with
 * percent escapes, as RFC 3986. The result is what libcurl is given.
 */
int announce_put_url(
    struct buf *out, struct span url, const struct announce_query *q);

/*
 * Tracker side: reads a raw query string ("info_hash=%12…&port=…", without the
 * '?'). ERR_MISSING (info_hash, peer_id or port), ERR_LENGTH (of a hash),
 * ERR_RANGE, ERR_SYNTAX (bad escape), ERR_LIMIT. *key names the culprit;
 * static storage. Unknown keys are ignored, and an ip that is no address;
 * "event=paused" (BEP 21) counts as none. Of a repeated key the last counts.
 */
int announce_parse_query(
    struct announce_query *q, struct span query, const char **key);

/* The info-hashes of a scrape query, at most LIMIT_SCRAPE; none is "all".
 * ERR_LENGTH, ERR_SYNTAX, ERR_LIMIT. */
struct announce_scrape {
	uint8_t info_hash[LIMIT_SCRAPE][20];
	uint32_t n;
};
int announce_parse_scrape(struct announce_scrape *s, struct span query);

/* One link of the plan: whom the asker gets a stripe from, or sends it to. */
struct announce_link {
	struct addr addr;
	uint8_t stripe;
	bool down; /* the asker sends */
};
#define ANNOUNCE_LINKS (2 * STRIPES)

struct announce_reply {
	struct span failure; /* "failure reason"; n > 0: nothing else counts */
	struct span warning;
	uint32_t interval_s;     /* 0: not said */
	uint32_t min_interval_s; /* 0: not said */
	uint32_t complete;       /* seeds */
	uint32_t incomplete;     /* leechers */
	struct addr external;    /* "external ip" (BEP 24), if has_external */
	bool has_external;
	struct span peers;    /* compact IPv4, or the raw list */
	struct span peers6;   /* compact IPv6 */
	uint32_t mates;       /* of peers, the first are in our rack */
	uint32_t mates6;      /* the same of peers6 */
	struct span links;    /* murder_stripes: the links as they stand */
	bool peers_are_dicts; /* peers is a bencoded list of dictionaries */
};

/* Client side: reads a reply; spans borrow from body. Lenient about order.
 * ERR_SYNTAX, ERR_TYPE, ERR_TRUNCATED, ERR_DEPTH, ERR_RANGE. */
int announce_parse_reply(struct announce_reply *r, struct span body);

/* Calls for each usable address of a parsed reply, port 0 left out; stops
 * when out is full. Gives how many were written. */
uint32_t announce_reply_peers(
    const struct announce_reply *r, struct addr *out, uint32_t max);

/* The same for those in our rack alone, as a tracker of our own marks them. */
uint32_t announce_reply_mates(
    const struct announce_reply *r, struct addr *out, uint32_t max);

/* The links of a parsed reply, at most ANNOUNCE_LINKS; gives how many. What
 * stands behind one that makes no sense is left out. */
uint32_t announce_reply_links(
    const struct announce_reply *r, struct announce_link out[ANNOUNCE_LINKS]);

/* Tracker side: one peer of an answer. */
struct announce_peer {
	struct addr addr;
	uint8_t peer_id[20];
};

struct announce_answer {
	uint32_t interval_s;
	uint32_t min_interval_s;
	uint32_t complete;
	uint32_t incomplete;
	struct addr external; /* the asker as we saw it (BEP 24) */
	struct announce_peer *peers;
	uint32_t n_peers;
	uint32_t n_mates; /* of them, the first are in the asker's rack */
	bool compact;     /* peers and peers6 as strings */
	bool no_peer_id;  /* leave "peer id" out of dictionaries */
	struct announce_link link[ANNOUNCE_LINKS];
	uint32_t n_links;
};

/* Appends a canonical reply. */
int announce_build_answer(struct buf *out, const struct announce_answer *a);
/* Appends { "failure reason": reason }. */
int announce_build_failure(struct buf *out, const char *reason);

#endif
