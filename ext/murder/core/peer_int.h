/*
 * Inside a swarm: what is known of one neighbour. Only for swarm_int.h.
 */
#ifndef MURDER_CORE_PEER_INT_H
#define MURDER_CORE_PEER_INT_H

#include "addr.h"
#include "bits.h"
#include "rack.h"
#include "stripe.h"
#include "swarm.h"
#include "tick.h"
#include "wire.h"

enum peer_state {
	PEER_DIALLING, /* ACTION_DIAL given */
	PEER_SHAKING,  /* connected, their handshake awaited */
	PEER_UP,
	PEER_CLOSED /* unlinked from everything; freed when the call ends */
};

/* A growing array of blocks in order. */
struct block_list {
	struct block *at;
	uint32_t n, cap;
};

struct upload;

struct peer {
	peer_t id;
	uint32_t slot; /* index in swarm.peers */
	enum peer_state state;
	bool outgoing, connected; /* connected: the dial succeeded */
	bool fast, extended;      /* what their handshake offered */
	bool kin;                 /* one of our own clients (wire_ext.h) */
	struct addr addr;         /* the other end of the connection */
	struct addr dialled;      /* where it listens, if known (port != 0) */
	uint8_t peer_id[20];
	uint32_t max_block; /* largest block it takes requests for, bytes */
	uint32_t reqq;      /* requests it lets wait */

	struct wire_reader in;
	struct bits have;
	bool said_have;          /* bitfield or the like has come */
	uint32_t n_seen;         /* pieces it had: swarm_stripe.c */
	uint32_t n_offers;       /* pieces it has and we do not */
	uint32_t n_told;         /* of swarm.news, what it was told */
	struct instant news_due; /* when it is told the rest, at the latest */
	bool am_interested, am_choking;
	bool is_choking; /* the neighbour's state towards us */

	/* asking */
	struct block_list asked; /* our requests it has not answered */
	uint32_t n_requested;    /* requests ever, less blocks that came */
	struct block rx;         /* arriving now, if rx_left > 0 */
	uint32_t rx_left;        /* bytes */
	struct instant rx_since; /* when it began to */
	bool rx_discard;
	bool snubbed;        /* fell silent while it owed us something */
	uint32_t n_forgiven; /* times it was asked again after that, in vain */
	uint32_t suggested;  /* BEP 6: the piece it would like to send */
	bool extra;          /* asked as it suggested, beyond download_slots */
	struct instant rest_until; /* it let our request wait: ask others */
	struct instant asked_at; /* of the oldest request, or last byte since */
	struct duration per_block; /* smoothed time between its blocks */
	struct instant block_at;   /* when its last block ended */
	uint32_t n_bad;            /* pieces with wrong hash it took part in */

	/* serving */
	struct block_list wants; /* its requests; the first n_in_io are in io */
	uint32_t n_in_io;
	uint32_t sent;         /* bytes of wants.at[0] that left */
	uint64_t n_out;        /* bytes of payload that left, in all */
	struct upload *upload; /* its own, or NULL */
	uint32_t offered;      /* what we suggested to it last, or NO_PIECE */
	struct block turned;   /* what it was last refused for being out */
	uint32_t n_turned;     /* how often, since its last upload */
	struct instant solicited; /* until then it may be about to ask */
	double drain;      /* bytes/s of its uploads, smoothed; 0 unknown */
	uint32_t n_judged; /* uploads in that */
	bool slow;         /* drained far below the usual rate */

	rack_t rack;     /* where it says it is */
	uint64_t member; /* of its rack: rack.h */

	uint8_t stripes_id;       /* to speak of stripes under; 0: do not */
	stripes_t gives;          /* what it is to push to us, as we told it */
	stripes_t lacks;          /* what does not come to it, as it told us */
	bool may_push;            /* it was told to, once */
	stripes_t takes;          /* what we are to push to it */
	struct instant pushed_at; /* when this was measured last; 0 not yet: */
	uint64_t n_acked;         /* bytes that had got to it, and … */
	uint32_t n_before;        /* … pieces we had of these, at that time */
	uint32_t n_unacked;       /* bytes not acknowledged, at the last look */
	struct duration rtt;      /* a round trip then */
	struct instant accused_at; /* the tracker was told that it is slow; 0 */
	uint32_t push_new;         /* of swarm.news: what it gets next */
	uint32_t push_old;         /* and of the pieces, once it has these */
	struct bits pushed;        /* what it was sent so; empty before */

	uint8_t haves_id; /* to send several HAVEs under; 0: do not */

	uint8_t pex_id;          /* to send PEX under; 0: do not */
	struct instant pex_next; /* when it may be told again */
	struct instant pex_said; /* when it was told; 0 never */
	struct instant pex_take; /* when it may tell us again */
	struct instant
	    stripes_due;      /* what it said of stripes so far may take */
	struct instant up_at; /* when we knew where it listens */

	struct instant heard, said; /* last byte in, last message out */
};

#endif
