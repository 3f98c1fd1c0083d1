/*
 * The network: every host has an up-link and a down-link with a rate, racks
 * may share an oversubscribed link, everything takes its latency. Connections
 * are pairs of streams that deliver their bytes in order.
 *
 * A stream is a queue of items: control bytes (kept), blocks (counted; only
 * the 13-byte head is kept) and its end. A socket takes `lowat` unsent bytes
 * of it, which is when swarm_on_sent() is told. An up-link serves its streams
 * in turn, a chunk each; a stream has at most `window` bytes on the way, so a
 * crowded receiver holds back its senders and they serve others meanwhile. A
 * down-link and a rack's link are first in, first out and cut through. What
 * results is near max-min fairness among streams that have something to send.
 *
 * Small messages on a stream with nothing queued go ahead of the chunks (as
 * they do under fair queueing) and cost their link its time.
 *
 * What `fifo = 1` does instead stands in fifo.h.
 */
#ifndef MURDER_SIM_NET_H
#define MURDER_SIM_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/swarm.h"
#include "core/wire.h"
#include "sim.h"

#define NONE UINT32_MAX

/* Marks the bytes of a chunk that was sent before and lost. */
#define NET_AGAIN 0x80000000u

enum item_kind { ITEM_CONTROL, ITEM_BLOCK, ITEM_FIN };

struct item {
	uint8_t kind;
	bool bad; /* a liar's block */
	uint8_t head[WIRE_PIECE_HEAD_BYTES];
	uint32_t n;    /* bytes of stream: control, 13 + length, or 1 */
	uint32_t done; /* of them, delivered */
	struct block block;
};

/* One direction of a connection. */
struct flow {
	struct item *items; /* ring */
	uint32_t head, n_items, cap_items;
	uint8_t *bytes; /* the control bytes of the items */
	uint32_t bytes_at, n_bytes, cap_bytes;
	uint32_t in_item, in_done; /* how far the socket has taken them */
	uint32_t unsent;           /* in the socket, not yet sent */
	uint32_t on_way;           /* sent, not yet delivered */
	uint32_t entered;          /* payload in the socket, not yet told */
	uint32_t gen;              /* chunks of another one are stale */
	uint32_t next, prev;       /* ring of its up-link; NONE: not in it */
	uint32_t blocks;           /* not wholly in the socket */
	bool filling;              /* waits in its host's list to be filled */
	bool dead;                 /* swallows everything */
	uint64_t not_before;       /* nothing is delivered earlier (a cut) */
	uint64_t took_at;          /* when its socket last took payload */
};

struct end {
	uint32_t host;
	peer_t peer; /* the number its swarm knows the other by */
	bool open;
	struct block receive; /* what the payload to come is */
	uint32_t receive_left;
	bool receive_discard;
};

/* end[0] dialled; flow[i] goes from end[i] to end[1 - i]. */
struct conn {
	struct end end[2];
	struct flow flow[2];
	uint32_t gen;
	bool used;
	bool accepted;
	uint32_t next_free;
};

struct link {
	uint64_t rate;    /* bytes/s */
	uint64_t finish;  /* ns; when what it took is through */
	uint64_t busy_ns; /* in all */
	uint64_t bytes;   /* in all, of racks' links */
};

/* A host as the network sees it. */
struct port {
	struct link up, down;
	uint32_t rack;
	uint32_t ring; /* the flow to be served next, NONE */
	uint32_t sending, sending_gen, sending_n; /* the chunk under way */
	uint32_t serving; /* flows with blocks not wholly in the socket */
	bool busy;
	bool cut; /* on the far side of a cut */
};

/* Small messages that left one host at one instant. */
struct batch {
	uint8_t *bytes;
	uint32_t n_bytes, cap_bytes;
	struct batch_item {
		uint32_t flow, gen, at, n;
	} * items;
	uint32_t n_items, cap_items;
	uint32_t next_free;
};

struct net {
	struct sim *sim;
	uint64_t latency, rack_latency;        /* ns */
	uint64_t chunk, window, lowat, packet; /* bytes */
	struct port *ports;
	uint32_t n_ports;
	struct link *rack_out, *rack_in;
	uint32_t n_racks;
	struct conn *conns;
	uint32_t n_conns, cap_conns, free_conn;
	struct batch *batches;
	uint32_t n_batches, cap_batches, free_batch;
	bool cut; /* a cut is in force */
	uint64_t healed_at;
	uint64_t lost; /* bytes of payload in streams that were cut short */

	bool fifo;            /* with the rest of these: fifo.h */
	uint64_t queue, acks; /* bytes */
	struct tcp *tcp;      /* one for each flow */
	uint32_t *took;       /* flows whose sockets have room again */
	uint32_t n_took, cap_took;
	uint64_t arrived, dropped; /* bytes at down-links */
};

void net_init(
    struct net *net, struct sim *sim, uint32_t n_ports, uint32_t n_racks);
void net_free(struct net *net);

uint32_t net_conn_new(struct net *net, uint32_t from, uint32_t to);
void net_conn_free(struct net *net, uint32_t c);

static inline struct flow *
net_flow(const struct net *net, uint32_t f)
{
	return &net->conns[f / 2].flow[f % 2];
}

/* The ends a flow leads from and to. */
static inline struct end *
net_sender(const struct net *net, uint32_t f)
{
	return &net->conns[f / 2].end[f % 2];
}
static inline struct end *
net_receiver(const struct net *net, uint32_t f)
{
	return &net->conns[f / 2].end[1 - f % 2];
}

/* One way between two hosts, ns. */
uint64_t net_latency(const struct net *net, uint32_t from, uint32_t to);

/* When something due at `at` gets through between the two, given a cut. */
uint64_t net_through(
    const struct net *net, uint32_t from, uint32_t to, uint64_t at);

/* Nothing is queued or on its way. */
bool net_flow_idle(const struct flow *f);

/* Queue behind all that is queued. */
void net_put_control(struct net *net, uint32_t f, struct span bytes);
void net_put_block(
    struct net *net, uint32_t f, struct span head, struct block b, bool bad);
void net_put_fin(struct net *net, uint32_t f);

/* Lets the socket take what it has room for and wakes the up-link; gives the
 * bytes of payload it took: swarm_on_sent(). */
uint32_t net_fill(struct net *net, uint32_t f);

/* Forgets all that is queued and makes chunks on their way stale. */
void net_flow_kill(struct net *net, uint32_t f);

/* That many blocks of f are not wholly in the socket. */
void net_flow_blocks(struct net *net, uint32_t f, uint32_t n);

/* Takes out of the queue what the socket has not taken yet. */
void net_flow_truncate(struct net *net, uint32_t f);

/* A batch to collect small messages in, and what to do with it at the end. */
uint32_t net_batch_new(struct net *net);
void net_batch_put(struct net *net, uint32_t batch, uint32_t f, struct span b);
void net_batch_free(struct net *net, uint32_t batch);

/* The ring of flows that may send. */
void net_ring_add(struct net *net, uint32_t f);
void net_ring_remove(struct net *net, uint32_t f);

/* Notes that f's socket has room again. */
void net_took(struct net *net, uint32_t f);

/* Charges a link for n bytes that pass now; gives when they are through. */
uint64_t link_pass(struct link *l, uint64_t now, uint64_t n);

/* Chunks on their way: the events EVENT_SENT to EVENT_ARRIVE. on_sent gives
 * the flow whose socket now has room, NONE if it is gone. on_arrive gives
 * true if the chunk is to be delivered now. */
uint32_t net_on_sent(struct net *net, uint32_t host);
void net_on_rack(struct net *net, const struct event *e);
bool net_on_arrive(struct net *net, const struct event *e);

/* n bytes of f were delivered: the sender may send more. */
void net_delivered(struct net *net, uint32_t f, uint32_t n);

/* Begins or ends the cut. */
void net_set_cut(struct net *net, bool cut);

#endif
