/*
 * A swarm is one torrent seen from one host. It owns no descriptor, reads no
 * clock, and allocates only through the allocator it was given. Feed it what
 * happened; then take actions until there are none; then sleep until
 * swarm_deadline().
 *
 * Borrowing: pointers you pass live for the call; pointers in an action live
 * until your next call on the same swarm other than swarm_next().
 * Failing: a bad peer is closed, by an action, and costs you nothing; a
 * negative return means the swarm is unusable (out of memory).
 * Closing: after ACTION_CLOSE a peer's number is dead; late events that name
 * it are ignored. Numbers are never used twice in the life of a swarm.
 *
 * Payload never passes through here: after ACTION_RECEIVE the caller takes
 * that many bytes off the stream itself; ACTION_SEND_BLOCK goes from file to
 * socket.
 */
#ifndef MURDER_CORE_SWARM_H
#define MURDER_CORE_SWARM_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "announce.h"
#include "bits.h"
#include "mem.h"
#include "span.h"
#include "tick.h"

struct swarm;

/* A neighbour; 0 is nobody. */
typedef uint32_t peer_t;

struct swarm_config {
	const struct mem *mem; /* outlives the swarm */
	uint8_t info_hash[20];
	uint8_t peer_id[20];
	uint64_t length;       /* bytes of payload */
	uint32_t piece_length; /* bytes */
	uint32_t n_pieces;
	uint32_t n_trackers;  /* announce targets, in order of preference */
	uint16_t listen_port; /* told to tracker and peers */
	bool is_private;      /* BEP 27: peers come from the tracker alone */
	char rack[LIMIT_RACK_BYTES + 1]; /* the label of our rack, or "" */
	uint64_t seed;                   /* of all its randomness */
	bool stripes; /* take part in the tracker's plan (stripe.h) */

	/* Tuning; swarm_config_init() sets what doc/SCHEDULER.md argues. */
	uint32_t block_bytes;    /* of our requests to our own kind */
	uint32_t max_peers;      /* neighbours in all, <= LIMIT_PEERS */
	uint32_t want_peers;     /* dial until this many */
	uint32_t max_dialling;   /* connects under way at once */
	uint32_t upload_slots;   /* data-active uploads */
	uint32_t download_slots; /* pieces asked for at once from our kind */
	uint32_t max_held_bytes; /* of unfinished pieces, in memory */
	struct duration silence; /* a source with no byte for so long is
				    dropped */
	struct duration idle;    /* a neighbour with no message for so long is
				    closed (BEP 3: 2 min) */
};

/* Fills in the tuning from piece length and count, which must be set. */
void swarm_config_init(struct swarm_config *c);

/*
 * Makes a swarm that already holds the pieces in `have` (copied), verified by
 * the caller. ERR_NOMEM. Owned by the caller: swarm_free().
 */
int swarm_new(struct swarm **out, const struct swarm_config *c,
    const struct bits *have, struct instant now);
void swarm_free(struct swarm *s);

/* ---- what happened ------------------------------------------------------ */

/* Somebody told us of a peer (a tracker's reply is read by
 * swarm_on_announce(); this is for the command line and tests). */
int swarm_on_address(struct swarm *s, const struct addr *a, struct instant now);

/* Somebody connected to us. *p is 0 if he is not wanted: close him. */
int swarm_on_accept(
    struct swarm *s, const struct addr *from, peer_t *p, struct instant now);

/* The ACTION_DIAL of p succeeded. (Failed: swarm_on_closed.) */
int swarm_on_connect(struct swarm *s, peer_t p, struct instant now);

/* The connection of p is gone, by whatever cause but our own ACTION_CLOSE. */
int swarm_on_closed(struct swarm *s, peer_t p, struct instant now);

/*
 * Bytes came from p. *used tells how many were taken: all of them, unless an
 * ACTION_RECEIVE or ACTION_CLOSE for p is now waiting in the actions; the
 * payload follows at in[*used], and what is behind the payload is given to the
 * next call.
 */
int swarm_on_bytes(struct swarm *s, peer_t p, struct span in, size_t *used,
    struct instant now);

/* n more bytes of the payload of p's current ACTION_RECEIVE have arrived;
 * they are in place. The last of them completes the block. */
int swarm_on_payload(struct swarm *s, peer_t p, uint32_t n, struct instant now);

/* n more bytes of payload of the ACTION_SEND_BLOCKs of p went into the socket
 * (heads are not counted). They complete blocks in the order they were asked
 * for. */
int swarm_on_sent(struct swarm *s, peer_t p, uint32_t n, struct instant now);

/* After an ACTION_MEASURE of p, at once: of all that went into its socket n
 * bytes are not acknowledged yet, sent or not; rtt is the shortest round trip
 * so far, or 0. */
int swarm_on_unacked(struct swarm *s, peer_t p, uint32_t n, struct duration rtt,
    struct instant now);

enum swarm_stored {
	SWARM_STORED,     /* hash right, on disk */
	SWARM_HASH_WRONG, /* nothing was written */
	SWARM_DISK_ERROR  /* the caller has the errno and decides to end */
};
/* The ACTION_STORE of piece is done. */
int swarm_on_stored(
    struct swarm *s, uint32_t piece, enum swarm_stored how, struct instant now);

/* The tracker answered the ACTION_ANNOUNCE with this body; err < 0: it did
 * not answer (body ignored). */
int swarm_on_announce(
    struct swarm *s, struct span body, int err, struct instant now);

/* swarm_deadline() has come (or not: calling early is harmless). */
int swarm_on_deadline(struct swarm *s, struct instant now);

/* Leave: emits the "stopped" announce and closes every peer. */
int swarm_on_stop(struct swarm *s, struct instant now);

/* ---- what to do --------------------------------------------------------- */

enum action_kind {
	ACTION_DIAL,       /* connect peer to addr */
	ACTION_CLOSE,      /* close peer, at addr; reason says why */
	ACTION_SEND,       /* send bytes to peer, behind all that was sent */
	ACTION_SEND_BLOCK, /* send bytes (the 13-byte head), then block from
			      the file */
	ACTION_RECEIVE,    /* the next block.length bytes from peer belong at
			      block; if discard, read and forget them; in both
			      cases tell swarm_on_payload(). A second one before
			      the first is done redirects what is still to come */
	ACTION_MEASURE,  /* tell swarm_on_unacked() what has not got to peer */
	ACTION_STORE,    /* block.piece is complete in memory: check its hash,
			    write it; tell swarm_on_stored() */
	ACTION_DROP,     /* forget the memory held for block.piece */
	ACTION_ANNOUNCE, /* ask tracker number announce.tracker */
	ACTION_FINISHED  /* every piece is stored; given once, never to one
			    who began complete */
};

enum close_reason {
	CLOSE_PROTOCOL, /* broke the protocol */
	CLOSE_OTHER_TORRENT,
	CLOSE_SELF,      /* it was ourselves */
	CLOSE_DUPLICATE, /* we have a connection to this one already */
	CLOSE_BAD_PIECE, /* sent a piece whose hash was wrong; banned */
	CLOSE_SILENT,    /* no byte within the deadline */
	CLOSE_IDLE,
	CLOSE_USELESS, /* both complete, or too many neighbours */
	CLOSE_STOPPING
};

/* A sentence for logs ("broke the protocol"); static. */
const char *close_reason_text(enum close_reason r);

struct block {
	uint32_t piece;
	uint32_t begin;  /* bytes into the piece */
	uint32_t length; /* bytes */
};

struct action {
	enum action_kind kind;
	peer_t peer;
	struct addr addr;         /* DIAL, CLOSE */
	enum close_reason reason; /* CLOSE */
	struct span bytes;        /* SEND, SEND_BLOCK */
	struct block block;       /* SEND_BLOCK, RECEIVE, STORE,
				     DROP */
	bool discard;             /* RECEIVE */
	struct {
		uint32_t tracker;
		struct announce_query query;
	} announce;      /* ANNOUNCE */
	size_t arena_at; /* the swarm's own business */
};

/* Gives the next thing to do; false if there is none. */
bool swarm_next(struct swarm *s, struct action *out);

/* When to call swarm_on_deadline(), at the latest; TICK_NEVER if nothing is
 * pending. */
struct instant swarm_deadline(const struct swarm *s);

/* ---- what it looks like ------------------------------------------------- */

struct swarm_stats {
	uint32_t n_pieces, n_have;
	uint64_t left;       /* bytes */
	uint64_t downloaded; /* bytes of payload received, good or not */
	uint64_t uploaded;   /* bytes of payload sent */
	uint64_t wasted;     /* received twice or with a wrong hash */
	uint32_t n_peers;    /* past the handshake */
	uint32_t n_seeds;    /* of them, complete */
	uint32_t n_known;    /* addresses */
	uint32_t announces_ok;
	uint32_t announces_failed;
	bool available;          /* every missing piece is at some neighbour */
	struct instant progress; /* when a piece was last stored */
	struct span failure;     /* the tracker's last "failure reason" */
};
void swarm_stats(const struct swarm *s, struct swarm_stats *out);

/* The pieces held; borrowed until the next call. */
const struct bits *swarm_have(const struct swarm *s);

#endif
