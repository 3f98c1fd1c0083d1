#include <inttypes.h>
#include <stdio.h>

#include "io/client.h"

#define NS_PER_MS 1000000u

static double
client_seconds(const struct client *c)
{
	uint64_t ms = tick_since(c->begun, loop_now()).ns / NS_PER_MS;

	return (double)ms / 1000;
}

static void
client_progress_line(const struct client *c, const struct swarm_stats *s)
{
	if (!c->o->progress || c->ready)
		return;
	(void)printf("progress have=%" PRIu32 " pieces=%" PRIu32
		     " down=%" PRIu64 " up=%" PRIu64 " peers=%" PRIu32
		     " seconds=%.3f\n",
	    s->n_have, s->n_pieces, s->downloaded, s->uploaded, s->n_peers,
	    client_seconds(c));
	(void)fflush(stdout);
}

void
client_report_done(struct client *c)
{
	struct swarm_stats s;

	if (!c->o->progress)
		return;
	swarm_stats(c->engine->swarm, &s);
	client_progress_line(c, &s);
	(void)printf("done seconds=%.3f down=%" PRIu64 " up=%" PRIu64
		     " wasted=%" PRIu64 "\n",
	    client_seconds(c), s.downloaded, s.uploaded, s.wasted);
	(void)fflush(stdout);
}

/* Something answers there, but not as a tracker does. */
static void
client_explain_odd(
    struct client *c, const struct swarm_stats *s, struct span url)
{
	(void)ioerr_set(&c->error, STATUS_TRACKER, NULL,
	    "tracker %.*s does not answer as one: %s (%" PRIu32
	    " attempts in %" PRId64 " s)",
	    (int)url.n, (const char *)url.p, c->engine->tracker_text,
	    s->announces_failed, c->o->timeout_s);
	(void)ioerr_advise(&c->error,
	    "see what listens there: if it is not a murder_tracker, set "
	    "another tracker_port or tracker_host and make the torrent again");
}

/* No tracker has answered: status 7. */
static void
client_explain_tracker(
    struct client *c, const struct swarm_stats *s, struct span url)
{
	int n = (int)url.n;
	const char *u = (const char *)url.p;

	if (s->failure.n > 0) {
		(void)ioerr_set(&c->error, STATUS_TRACKER, NULL,
		    "tracker %.*s refuses: %.*s", n, u, (int)s->failure.n,
		    (const char *)s->failure.p);
		return;
	}
	if (c->engine->tracker_odd) {
		client_explain_odd(c, s, url);
		return;
	}
	(void)ioerr_set(&c->error, STATUS_TRACKER, NULL,
	    "tracker %.*s is unreachable: %s (%" PRIu32 " attempts in %" PRId64
	    " s)",
	    n, u,
	    c->engine->tracker_text[0] != '\0' ? c->engine->tracker_text
					       : "no answer",
	    s->announces_failed, c->o->timeout_s);
	(void)ioerr_advise(&c->error,
	    "start it with murder:start_tracker, and see that this host may "
	    "connect to it");
}

void
client_explain(struct client *c)
{
	struct span url = c->meta.trackers[c->engine->tracker].url;
	int n = (int)url.n;
	const char *u = (const char *)url.p;
	struct swarm_stats s;

	swarm_stats(c->engine->swarm, &s);
	if (s.announces_ok == 0) {
		client_explain_tracker(c, &s, url);
		return;
	}
	if (s.n_known == 0 && s.n_peers == 0) {
		(void)ioerr_set(&c->error, STATUS_STALLED, c->o->path,
		    "tracker %.*s knows no other peers of it, have %" PRIu32
		    " of %" PRIu32 " pieces after %" PRId64
		    " s without progress",
		    n, u, s.n_have, s.n_pieces, c->o->timeout_s);
		(void)ioerr_advise(
		    &c->error, "start a seeder with murder:start_seeding");
		return;
	}
	if (s.n_peers > 0 && s.available) {
		(void)ioerr_set(&c->error, STATUS_STALLED, c->o->path,
		    "no progress for %" PRId64 " s, have %" PRIu32
		    " of %" PRIu32 " pieces, though the %" PRIu32
		    " peers of tracker %.*s have the rest",
		    c->o->timeout_s, s.n_have, s.n_pieces, s.n_peers, n, u);
		return;
	}
	(void)ioerr_set(&c->error, STATUS_STALLED, c->o->path,
	    "no seed: have %" PRIu32 " of %" PRIu32
	    " pieces, and none of the %" PRIu32
	    " peers connected has the rest (tracker %.*s, %" PRIu32
	    " addresses known, %" PRId64 " s without progress)",
	    s.n_have, s.n_pieces, s.n_peers, n, u, s.n_known, c->o->timeout_s);
	(void)ioerr_advise(
	    &c->error, "start a seeder with murder:start_seeding");
}

/* Whether something useful came since the last look. */
static bool
client_has_moved(struct client *c, const struct swarm_stats *s)
{
	uint64_t useful =
	    s->downloaded > s->wasted ? s->downloaded - s->wasted : 0;

	if (useful <= c->useful_bytes && !tick_before(c->moved, s->progress))
		return false;
	c->useful_bytes = useful;
	return true;
}

void
client_tick(struct client *c)
{
	struct instant now = loop_now();
	struct swarm_stats s;

	if (c->phase != CLIENT_RUNNING || c->engine->failed)
		return;
	swarm_stats(c->engine->swarm, &s);
	client_progress_line(c, &s);
	if (client_has_moved(c, &s))
		c->moved = now;
	if (c->ready) /* a seeder that is known goes on for ever */
		return;
	if (tick_since(c->moved, now).ns < TICK_S(c->o->timeout_s).ns)
		return;
	client_explain(c);
	client_leave(c);
}
