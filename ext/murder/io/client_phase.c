#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "io/client.h"
#include "io/heap.h"
#include "io/log.h"
#include "io/own_rack.h"

#define CLIENT_TICK_MS 1000
/* The "stopped" announce is a courtesy. */
#define CLIENT_LEAVE_MS 1000

/* ---- leaving ------------------------------------------------------------- */

static void
client_gone_cb(uv_timer_t *t)
{
	struct client *c = t->data;

	loop_stop(&c->loop);
}

/* Ends the loop as soon as nothing is under way. */
static void
client_try_gone(struct client *c)
{
	if (c->finishing || (c->engine != NULL && !c->engine->failed &&
				engine_pending(c->engine)))
		return;
	loop_stop(&c->loop);
}

void
client_leave(struct client *c)
{
	bool checking = c->phase == CLIENT_CHECKING;

	if (c->phase == CLIENT_LEAVING)
		return;
	c->phase = CLIENT_LEAVING;
	atomic_store(&c->interrupted, true);
	(void)uv_timer_stop(&c->tick);
	(void)uv_timer_stop(&c->leave);
	if (checking) {
		verify_cancel(&c->verify);
		return; /* client_checked_cb() ends it */
	}
	(void)uv_timer_start(&c->leave, client_gone_cb, CLIENT_LEAVE_MS, 0);
	if (c->engine != NULL)
		engine_stop(c->engine);
	client_try_gone(c);
}

void
client_on_signal(void *ctx, int signum)
{
	struct client *c = ctx;
	bool done = c->phase == CLIENT_LINGERING ||
		    (c->o->role == CLIENT_SEEDER && c->ready);

	(void)signum;
	if (!done && c->phase != CLIENT_LEAVING) {
		log_error(c->o->role == CLIENT_SEEDER
			      ? "%s: interrupted"
			      : "%s: interrupted: the same command goes on "
				"from what has come",
		    c->o->path);
		c->status = STATUS_INTERRUPTED;
	}
	client_leave(c);
}

void
client_on_deadline(void *ctx)
{
	struct client *c = ctx;

	if (c->engine != NULL)
		engine_deadline(c->engine);
}

/* ---- running ------------------------------------------------------------- */

static void
client_seeder_event(struct client *c)
{
	struct swarm_stats s;
	char text[1200];

	swarm_stats(c->engine->swarm, &s);
	if (c->ready || s.announces_ok == 0)
		return;
	(void)snprintf(text, sizeof(text), "seeding %s on port %u", c->o->path,
	    (unsigned)c->listener.port);
	client_say_ready(c, text);
}

void
client_on_event(void *ctx)
{
	struct client *c = ctx;

	if (c->engine == NULL)
		return; /* engine_new() is still at work */
	if (c->engine->failed) {
		client_leave(c);
		return;
	}
	if (c->phase == CLIENT_LEAVING) {
		client_try_gone(c);
		return;
	}
	if (c->phase == CLIENT_RUNNING && c->o->role == CLIENT_SEEDER)
		client_seeder_event(c);
	if (c->phase == CLIENT_RUNNING && c->engine->finished) {
		client_report_done(c);
		client_finish(c);
	}
}

static void
client_tick_cb(uv_timer_t *t)
{
	client_tick(t->data);
}

/* Writes the label of our rack, or "". */
static void
client_rack(const struct client *c, char out[LIMIT_RACK_BYTES + 1])
{
	const struct client_options *o = c->o;
	char url[LIMIT_URL_BYTES + 1];
	struct addr own = o->ip;

	out[0] = '\0';
	if (o->rack != NULL) {
		(void)snprintf(out, LIMIT_RACK_BYTES + 1, "%s", o->rack);
		return;
	}
	if (o->rack_by == 0)
		return;
	(void)snprintf(url, sizeof(url), "%.*s", (int)c->meta.trackers[0].url.n,
	    (const char *)c->meta.trackers[0].url.p);
	if ((!o->has_ip && !own_rack_addr(&own, url)) ||
	    !own_rack_label(out, &own, (unsigned)o->rack_by))
		log_info("--rack-by: this host has no address of that kind: "
			 "its rack is not known");
}

static int
client_join(struct client *c)
{
	char rack[LIMIT_RACK_BYTES + 1];
	struct engine_parts parts = {.loop = &c->loop,
	    .mem = &heap,
	    .meta = &c->meta,
	    .file = &c->file,
	    .listener = &c->listener,
	    .error = &c->error,
	    .ip = c->o->has_ip ? &c->o->ip : NULL,
	    .rack = rack,
	    .stripes = c->o->stripes,
	    .on_event = client_on_event,
	    .ctx = c};
	int rc;

	client_rack(c, rack);
	c->phase = CLIENT_RUNNING;
	c->moved = loop_now();
	rc = engine_new(&c->engine, &parts, &c->have);
	if (rc != 0)
		return rc;
	(void)uv_timer_start(
	    &c->tick, client_tick_cb, CLIENT_TICK_MS, CLIENT_TICK_MS);
	client_on_event(c);
	if (bits_full(&c->have) && c->o->role == CLIENT_PEER &&
	    c->phase == CLIENT_RUNNING) {
		client_report_done(c);
		client_finish(c);
	}
	return 0;
}

/* ---- checking ------------------------------------------------------------ */

static void client_checked_cb(void *ctx);

static int
client_check(struct client *c)
{
	int rc;

	memset(&c->verify, 0, sizeof(c->verify));
	c->verify.skip_holes = !c->file.in_place;
	c->verify.stop_early = c->file.in_place;
	c->verify.on_done = client_checked_cb;
	c->verify.ctx = c;
	if (c->file.fresh)
		return client_join(c);
	rc = verify_start(&c->verify, &c->loop, &c->file, &heap);
	if (rc != 0)
		return ioerr_core(&c->error, NULL, ERR_NOMEM);
	return 0;
}

/* What is there is known: go on with it, or say why not. */
static int
client_checked(struct client *c)
{
	int sys = atomic_load(&c->verify.sys);
	uint32_t bad = verify_result(&c->verify, &c->have);

	verify_free(&c->verify);
	if (sys != 0)
		return ioerr_read(&c->error,
		    c->file.in_place ? c->file.path : c->file.part, "read",
		    sys);
	if (!c->file.in_place || bad == c->meta.n_pieces)
		return client_join(c);
	if (c->o->role == CLIENT_PEER) {
		bits_clear_all(&c->have);
		if (payload_open_part(&c->file, &c->error) != 0)
			return ERR_IO;
		return client_check(c);
	}
	(void)ioerr_set(&c->error, STATUS_MISMATCH, c->o->path,
	    "does not match its .torrent: piece %u of %u is the first that "
	    "differs",
	    (unsigned)bad, (unsigned)c->meta.n_pieces);
	return ioerr_advise(
	    &c->error, "make the .torrent again from this file");
}

static void
client_checked_cb(void *ctx)
{
	struct client *c = ctx;

	if (c->phase == CLIENT_LEAVING) {
		verify_free(&c->verify);
		loop_stop(&c->loop);
		return;
	}
	if (client_checked(c) != 0) {
		c->phase = CLIENT_RUNNING; /* nothing is left to cancel */
		client_leave(c);
	}
}

int
client_begin(struct client *c)
{
	c->phase = CLIENT_CHECKING;
	atomic_init(&c->interrupted, false);
	if (uv_timer_init(&c->loop.uv, &c->tick) != 0 ||
	    uv_timer_init(&c->loop.uv, &c->leave) != 0)
		return ioerr_core(&c->error, NULL, ERR_NOMEM);
	c->tick.data = c->leave.data = c;
	return client_check(c);
}
