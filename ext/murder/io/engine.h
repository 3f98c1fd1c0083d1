/*
 * Carries out what a swarm wants on this machine: its connections, its disk,
 * its announces, its deadline. The one place where actions become system
 * calls; the simulator's host.c is the other implementation of the same list.
 */
#ifndef MURDER_IO_ENGINE_H
#define MURDER_IO_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/metainfo.h"
#include "core/swarm.h"
#include "io/conn.h"
#include "io/disk.h"
#include "io/httpget.h"
#include "io/ioerr.h"
#include "io/listen.h"
#include "io/loop.h"
#include "io/payload.h"

/* Bytes read where nothing is known of their place; and behind a block's end:
 * enough for the next head, few enough to be copied. */
#define ENGINE_SCRATCH_BYTES (16u << 10)
#define ENGINE_TAIL_BYTES 64u
/* Payload read and thrown away at once. */
#define ENGINE_SINK_BYTES (64u << 10)
/* Read in one go before other neighbours get their turn. */
#define ENGINE_TURN_BYTES (1u << 20)

struct engine {
	struct loop *loop;
	const struct mem *mem;
	const struct metainfo *meta;
	struct payload *file;
	struct swarm *swarm;
	struct httpget *get;
	struct listener *listener;
	struct disk disk;
	struct conn *conns; /* uthash by peer */
	struct conn *dirty; /* those with something to send */
	uv_prepare_t prepare;
	bool has_ip; /* LOCAL_IP was given */
	struct addr ip;
	bool draining; /* engine_drain() is at work */
	bool finished; /* ACTION_FINISHED was seen */
	bool stopping; /* swarm_on_stop() was called */
	bool failed;   /* *error says why; on_event() was called */
	struct ioerr *error;
	uint32_t tracker;      /* the one last asked */
	char tracker_text[96]; /* why the last announce failed; "" if it did
				  not */
	bool tracker_odd;      /* that was an answer, but not a tracker's */
	void (*on_event)(void *ctx); /* finished or failed; an announce was
					answered */
	void *ctx;
	uint8_t scratch[ENGINE_SCRATCH_BYTES];
	uint8_t sink[ENGINE_SINK_BYTES];
};

/* What an engine works with; everything is borrowed and outlives it. */
struct engine_parts {
	struct loop *loop;
	const struct mem *mem;
	const struct metainfo *meta;
	struct payload *file;
	struct listener *listener; /* open */
	struct ioerr *error;
	const struct addr *ip; /* to announce; NULL: the tracker sees it */
	bool stripes;          /* take part in the tracker's plan */
	const char *rack;      /* label of our rack, valid, or "" */
	void (*on_event)(void *ctx);
	void *ctx;
};

/* Makes an engine for a swarm that holds the pieces `have`, and starts it.
 * 0, or a negative enum err with *parts->error filled in. Owned by the caller,
 * who closes and frees it in both cases; *out is NULL only without memory. */
int engine_new(struct engine **out, const struct engine_parts *parts,
    const struct bits *have);

/* The loop's deadline has come: what loop_init()'s on_deadline is to call. */
void engine_deadline(struct engine *e);

/* Leaves the swarm: every connection closes, the "stopped" announce is under
 * way (engine_pending()). */
void engine_stop(struct engine *e);

/* Whether announces or disk jobs are under way. */
bool engine_pending(const struct engine *e);

/* Closes everything. The loop must run once more (loop_close()) before
 * engine_free() frees the memory. */
void engine_close(struct engine *e);
void engine_free(struct engine *e);

/* ---- between the engine's own files -------------------------------------- */

/* Carries out actions until there are none, and sets the deadline. To be
 * called after every event. */
void engine_drain(struct engine *e);

/* The swarm's return code of an event; a failure ends the engine. */
void engine_check(struct engine *e, int rc);

/* Something broke for good: *e->error is filled in. */
void engine_fail(struct engine *e);

/* engine_conn.c: connections. */
void engine_accept(void *ctx, int fd, const struct addr *from);
void engine_dial(struct engine *e, const struct action *a);
void engine_send(struct engine *e, const struct action *a);
void engine_measure(struct engine *e, const struct action *a);
void engine_receive(struct engine *e, const struct action *a);
void engine_close_peer(struct engine *e, peer_t id);
/* Writes what waits; true if there was anything to do. Not `now`: leaves it
 * to the loop's next turn. */
bool engine_flush(struct engine *e, bool now);
/* Nobody may write to piece any more. */
void engine_redirect(struct engine *e, uint32_t piece);

/* engine_read.c: bytes from neighbours. */
void engine_read(struct engine *e, struct conn *c);
/* The connection failed or ended: tells the swarm. */
void engine_lost(struct engine *e, struct conn *c);

/* engine_announce.c */
void engine_announce(struct engine *e, const struct action *a);

#endif
