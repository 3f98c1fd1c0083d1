/*
 * One swarm among clients of other making, played by the test: bytes in,
 * messages out. Time moves only when the test lets it.
 */
#ifndef MURDER_SPEC_STRANGERS_H
#define MURDER_SPEC_STRANGERS_H

#include "core/swarm.h"
#include "core/wire.h"
#include "core/wire_ext.h"
#include "failalloc.h"

#define N_STRANGERS 4
#define MAX_HEARD 8192
#define STRANGERS_PIECE (256u << 10)
#define STRANGERS_PIECES 8u
#define STRANGERS_STRIPES_ID 9
#define STRANGERS_MANY 256u /* pieces, enough for stripes */

struct stranger {
	peer_t peer;
	bool closed;
	enum close_reason why;
	struct wire_reader in; /* of what the swarm sends */
	struct buf out;        /* what strangers_send() sends */
	struct wire_msg heard[MAX_HEARD];
	uint32_t n_heard;
	struct buf extended; /* body of the last extended message */
	/* Of the messages under the id below, by what they say: the last set,
	 * and how many. */
	stripes_t told[WIRE_STRIPES_QUIT + 1];
	uint32_t n_told[WIRE_STRIPES_QUIT + 1];
	uint32_t undrained; /* payload sent to it, not yet told */
	uint32_t unacked;   /* what stands in a socket or is on its way */
	struct duration rtt;
	uint32_t rx_left; /* payload the swarm expects from it */
};

struct strangers {
	struct failalloc heap;
	struct swarm *swarm;
	struct instant now;
	struct stranger at[N_STRANGERS];
	struct addr dialled; /* by the last ACTION_DIAL */
	bool is_far;         /* whom the swarm dials does not answer yet */
	uint32_t n_dialled;
	struct announce_query asked; /* of the tracker, last */
	uint32_t n_asked;
	uint32_t n_stored, n_finished;
	bool is_private;
};

/* A swarm that holds everything or nothing. */
void strangers_open(struct strangers *t, bool complete, bool is_private);
/* One that takes part in stripes, with STRANGERS_MANY pieces. */
void strangers_open_striped(struct strangers *t, bool complete);
void strangers_close(struct strangers *t);

/* Number i connects and shakes hands; its address is 10.0.0.(i+1). */
void strangers_meet(struct strangers *t, unsigned i, bool fast, bool extended);

/* Number i, whose connection has ended, may connect anew; what it was told is
 * kept. */
void strangers_again(struct strangers *t, unsigned i);

/* Number i comes with all that we offer: it has nothing, and says h (BEP 10).
 */
void strangers_greet(
    struct strangers *t, unsigned i, const struct wire_ext_handshake *h);

/* Sends what was put into at[i].out, and forgets the messages heard so far. */
void strangers_send(struct strangers *t, unsigned i);
/* The same with a whole piece message, payload included. */
void strangers_send_block(struct strangers *t, unsigned i, struct block b);
/* The tracker answers. */
void strangers_answer(struct strangers *t, const struct announce_answer *a);
/* Everything sent to i has left. */
void strangers_drain(struct strangers *t, unsigned i);
/* Lets so much time pass. */
void strangers_wait(struct strangers *t, uint32_t ms);

/* Messages of a kind i has heard; and the k-th of them. */
uint32_t strangers_n(
    const struct strangers *t, unsigned i, enum wire_kind kind);
struct block strangers_block(
    const struct strangers *t, unsigned i, enum wire_kind kind, uint32_t k);

#endif
