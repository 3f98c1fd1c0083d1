#include <assert.h>
#include <string.h>

#include "core/err.h"
#include "io/engine.h"
#include "io/log.h"

/* What a query adds to the tracker's URL. */
#define ENGINE_QUERY_BYTES 1024u

static void
engine_announced(const struct httpget_result *r)
{
	struct engine *e = r->ctx;

	if (e->failed)
		return;
	e->tracker_text[0] = '\0';
	if (r->err != 0) {
		size_t n = strlen(r->text);

		if (n >= sizeof(e->tracker_text))
			n = sizeof(e->tracker_text) - 1;
		memcpy(e->tracker_text, r->text, n);
		e->tracker_text[n] = '\0';
		log_debug("announce failed: %s", r->text);
	}
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
