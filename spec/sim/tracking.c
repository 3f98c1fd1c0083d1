/* Announces on their way to the tracker engine and back. */
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/limits.h"
#include "host.h"

/* TCP handshake and the request: three ways; the answer: one. */
#define WAYS_TO_TRACKER 3u

void
tracking_start(struct world *w)
{
	struct tracker_config c;

	tracker_config_init(&c);
	c.mem = &w->mem;
	c.seed = w->seed + w->n_lives;
	w->tracker_at = UINT64_MAX;
	if (tracker_new(&w->tracker, &c) != 0)
		world_fail(w, "tracker_new failed");
}

void
tracking_stop(struct world *w)
{
	tracker_free(w->tracker);
	w->tracker = NULL;
}

static uint32_t
ask_new(struct world *w)
{
	uint32_t i = w->free_ask;

	if (i != NONE) {
		w->free_ask = w->asks[i].next_free;
		return i;
	}
	if (w->n_asks == w->cap_asks) {
		w->cap_asks = w->cap_asks == 0 ? 64 : 2 * w->cap_asks;
		w->asks = sim_resize(w->asks, w->cap_asks, sizeof(*w->asks));
	}
	i = w->n_asks++;
	memset(&w->asks[i], 0, sizeof(w->asks[i]));
	buf_init(&w->asks[i].body, &w->mem, LIMIT_REPLY_BYTES);
	return i;
}

void
tracking_ask(struct world *w, uint32_t host, uint32_t which,
    const struct announce_query *q)
{
	uint64_t way = w->net.latency + w->net.rack_latency;
	uint32_t i = ask_new(w);
	struct ask *a = &w->asks[i];

	a->host = host;
	a->life = w->hosts[host].life;
	a->query = *q;
	a->err = 0;
	buf_clear(&a->body);
	w->announces++;
	if (which + 1 < w->sc.trackers) { /* refused */
		a->err = ERR_REFUSED;
		sim_push(&w->sim, w->sim.now + 2 * way, EVENT_REPLY, i, 0, 0);
		return;
	}
	sim_push(
	    &w->sim, w->sim.now + WAYS_TO_TRACKER * way, EVENT_ASK, i, 0, 0);
}

static void
watch_expiry(struct world *w)
{
	uint64_t at = tracker_deadline(w->tracker).ns;

	if (at < w->sim.now)
		at = w->sim.now;
	if (at < w->tracker_at) {
		w->tracker_at = at;
		sim_push(&w->sim, at, EVENT_TRACKER, 0, 0, 0);
	}
}

void
tracking_on_timer(struct world *w)
{
	if (w->tracker == NULL || w->tracker_at != w->sim.now)
		return;
	w->tracker_at = UINT64_MAX;
	tracker_expire(w->tracker, (struct instant){w->sim.now});
	watch_expiry(w);
}

void
tracking_on_ask(struct world *w, uint32_t ask)
{
	struct ask *a = &w->asks[ask];
	struct tracker_ends ends = {.from = world_addr(w, a->host),
	    .to = {.family = ADDR_V4, .ip = {192, 168, 0, 1}, .port = 8998}};
	uint64_t at = w->sim.now;

	if (w->tracker == NULL) {
		a->err = ERR_IO;
		sim_push(&w->sim, at + w->sc.announce_timeout, EVENT_REPLY, ask,
		    0, 0);
		return;
	}
	if (w->tracker_free < at)
		w->tracker_free = at;
	w->tracker_free += w->sc.tracker_service;
	a->err = tracker_announce(
	    w->tracker, &a->query, &ends, (struct instant){at}, &a->body);
	if (a->err != 0)
		world_fail(w, "tracker_announce gave %d", a->err);
	if (!w->hosts[a->host].announced) {
		w->hosts[a->host].announced = true;
		w->n_announced++;
	}
	watch_expiry(w);
	at = w->tracker_free + w->net.latency + w->net.rack_latency;
	sim_push(&w->sim, at, EVENT_REPLY, ask, 0, 0);
}

void
tracking_on_reply(struct world *w, uint32_t ask)
{
	struct ask a = w->asks[ask]; /* the array may move */

	host_on_reply(w, &a);
	buf_free(&w->asks[ask].body);
	w->asks[ask].next_free = w->free_ask;
	w->free_ask = ask;
}

void
tracking_free(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->n_asks; i++)
		buf_free(&w->asks[i].body);
	free(w->asks);
	tracker_free(w->tracker);
}
