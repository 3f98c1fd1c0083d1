/*
 * The simulator's clock: a heap of events ordered by (time, sequence), so that
 * one seed gives one order of everything. Events are small values; nothing is
 * allocated per event.
 */
#ifndef MURDER_SIM_SIM_H
#define MURDER_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_START,    /* host a launches */
	EVENT_TIMER,    /* host a's swarm_deadline() */
	EVENT_SENT,     /* host a's up-link has sent a chunk */
	EVENT_RACK_OUT, /* chunk reaches the sender's rack up-link */
	EVENT_RACK_IN,  /* chunk reaches the receiver's rack down-link */
	EVENT_ARRIVE,   /* chunk reaches the receiver's down-link */
	EVENT_DELIVER,  /* chunk is through the receiver's down-link */
	EVENT_BATCH,    /* batch a of small messages arrives; n 1: late */
	EVENT_FIN,      /* flow a's end of stream arrives */
	EVENT_CONNECT,  /* connection a's dialler hears the answer */
	EVENT_ACCEPT,   /* connection a's target hears of it */
	EVENT_STORED,   /* host a: piece b is hashed and written */
	EVENT_ASK,      /* announce a reaches the tracker */
	EVENT_REPLY,    /* announce a's answer is back */
	EVENT_TRACKER,  /* tracker_deadline() */
	EVENT_FAULT,    /* fault a of the scenario happens to host b */
	EVENT_SAMPLE,   /* look how busy the links are */
	EVENT_ACK,      /* acknowledgement reaches the sender's down-link */
	EVENT_ACKED,    /* it is through */
	EVENT_RESEND    /* flow a's sender learns that n bytes were lost */
};

struct event {
	uint64_t at;  /* ns */
	uint64_t seq; /* order of pushing breaks ties */
	uint32_t kind;
	uint32_t a, b, n; /* by kind; chunks: flow, generation, bytes */
};

struct sim {
	uint64_t now; /* ns */
	uint64_t seq;
	uint64_t n_events; /* taken so far */
	struct event *heap;
	size_t n, cap;
};

void sim_init(struct sim *s);
void sim_free(struct sim *s);

/* What an event of this kind does at `at`, not before now. */
void sim_push(struct sim *s, uint64_t at, enum event_kind kind, uint32_t a,
    uint32_t b, uint32_t n);

/* Takes the earliest event and moves the clock to it; false if none. */
bool sim_pop(struct sim *s, struct event *out);

/* The time n bytes need at rate bytes per second, rounded up. */
uint64_t sim_transfer_ns(uint64_t n, uint64_t rate);

/* realloc(3) that ends the program when there is no memory: a simulator has
 * nothing better to do. */
void *sim_resize(void *p, size_t n, size_t size);
/* The same, zeroed. */
void *sim_zalloc(size_t n, size_t size);

#endif
