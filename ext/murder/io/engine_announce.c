#include <assert.h>
#include <stdio.h>

#include "core/announce.h"
#include "io/engine.h"
#include "io/log.h"

/* What a query adds to the tracker's URL. */
#define ENGINE_QUERY_BYTES 1024u

/* Keeps why the last announce failed, for who has to explain it; "" if it did
 * not. A reply that cannot be read is a failure that httpget knows nothing of.
 */
static void
engine_note(struct engine *e, const struct httpget_result *r)
{
	struct announce_reply reply;
	const char *why = "";

	if (r->err != 0)
		why = r->text;
	else if (announce_parse_reply(&reply, r->body) != 0)
		why = "its reply is not a tracker's";
	e->tracker_odd = *why != '\0' && r->err != ERR_IO;
	if (*why != '\0')
		log_debug("announce failed: %s", why);
	(void)snprintf(e->tracker_text, sizeof(e->tracker_text), "%s", why);
}

static void
engine_announced(const struct httpget_result *r)
{
	struct engine *e = r->ctx;

	if (e->failed)
		return;
	engine_note(e, r);
	engine_check(
	    e, swarm_on_announce(e->swarm, r->body, r->err, loop_now()));
	engine_drain(e);
	if (!e->failed)
		e->on_event(e->ctx);
}

void
engine_announce(struct engine *e, const struct action *a)
{
	struct announce_query q = a->announce.query;
	struct span url;
	struct buf b;
	int rc;

	assert(a->announce.tracker < e->meta->n_trackers);
	e->tracker = a->announce.tracker;
	url = e->meta->trackers[e->tracker].url;
	q.has_ip = e->has_ip;
	if (e->has_ip)
		q.ip = e->ip;
	buf_init(&b, e->mem, LIMIT_URL_BYTES + ENGINE_QUERY_BYTES);
	rc = announce_put_url(&b, url, &q);
	if (rc == 0)
		rc = buf_put_u8(&b, '\0');
	if (rc == 0)
		rc = httpget_start(e->get, (const char *)b.p, LIMIT_REPLY_BYTES,
		    engine_announced, e);
	buf_free(&b);
	if (rc != 0)
		engine_check(e, swarm_on_announce(e->swarm,
				    (struct span){NULL, 0}, rc, loop_now()));
}
