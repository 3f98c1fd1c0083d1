/*
 * A tracker under test and those who ask it: announces in, parsed replies out.
 */
#ifndef MURDER_SPEC_ASKER_H
#define MURDER_SPEC_ASKER_H

#include "core/tracker.h"
#include "failalloc.h"

struct asked {
	struct failalloc f;
	struct tracker *t;
	struct instant now;
	struct buf out; /* the last reply */
	struct announce_reply reply;
	struct addr peers[LIMIT_NUMWANT];
	uint32_t n_peers;
};

/* Makes a tracker with the default limits; seed as given. */
void asked_init(struct asked *a, uint64_t seed);
void asked_free(struct asked *a);

/* An announce of torrent 'T' by number n: 10.x.y.z:6881, a peer id of its
 * own. */
struct announce_query asker(uint32_t n, uint64_t left);
struct addr asker_addr(uint32_t n);

/* Announces over a connection from that host to 10.255.0.1; the reply must
 * parse. */
void ask_from(
    struct asked *a, const struct announce_query *q, const char *from);
void ask(struct asked *a, const struct announce_query *q, uint32_t n);

/* Announces as number n with left bytes to go and the event. */
void say_event(
    struct asked *a, uint32_t n, uint64_t left, enum announce_event event);
void come(struct asked *a, uint32_t n, uint64_t left); /* "started" */

/* Whether the last reply has that address. */
bool was_given(const struct asked *a, const struct addr *addr);

#endif
