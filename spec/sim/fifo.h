/*
 * The network with `fifo = 1`: one queue in front of each link, as a
 * switch port or a host's qdisc has, and streams that behave like TCP in it.
 *
 * What a stream sends, up to its congestion window, stands in its host's one
 * up-link queue, and so do requests, HAVEs and acknowledgements: all of them
 * wait for what is in front. What does not fit into it stays in the socket.
 * Each down-link drops what does not fit into its queue; that is sent again a
 * round trip later and what came behind it waits. Windows begin with ten
 * packets, double each round trip until the queues or a loss stop it, lose
 * three tenths by a loss (at most once a round trip) and grow by half a packet
 * each, as CUBIC's do on such short ways; after a pause they begin anew.
 */
#ifndef MURDER_SIM_FIFO_H
#define MURDER_SIM_FIFO_H

#include "net.h"

/* The state of one direction of a connection beyond struct flow, whose on_way
 * is what was sent and not acknowledged. */
struct tcp {
	uint32_t cwnd, ssthresh; /* bytes */
	uint32_t timed;          /* bytes to be acknowledged until … */
	uint64_t timed_at;       /* … one round trip since then is known */
	uint64_t rtt;            /* ns, smoothed; 0: not known yet */
	uint64_t sent_at;        /* ns; the last chunk */
	uint64_t cut_at;         /* ns; the window was made smaller */
	uint32_t missing;        /* bytes lost, not there yet */
	uint32_t held;           /* bytes there that wait for them */
	uint64_t taken, through; /* bytes into its queue, and out, once each */
	uint64_t hole;           /* how many of them precede the first loss */
};

/* A new stream, or one that is used again. */
void fifo_reset(struct net *net, uint32_t flow);

/* Lets the host's streams send what its queue has room for. */
void fifo_kick(struct net *net, uint32_t host);

/* A chunk reaches a down-link: true if it is to be delivered now. */
bool fifo_on_arrive(struct net *net, const struct event *e);

/* n bytes of a chunk (with its mark) are through the down-link: acknowledges
 * them and gives how many bytes of the stream can be read now. */
uint32_t fifo_delivered(struct net *net, uint32_t flow, uint32_t n);

/* EVENT_ACK: an acknowledgement reaches the sender's down-link, and is through
 * it (true) now or by an EVENT_ACKED. */
bool fifo_on_ack(struct net *net, const struct event *e);

/* What an acknowledgement changes. */
void fifo_acked(struct net *net, const struct event *e);

/* EVENT_RESEND: the sender learns what was lost. */
void fifo_on_resend(struct net *net, const struct event *e);

#endif
