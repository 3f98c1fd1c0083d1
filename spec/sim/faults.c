/* What goes wrong, and when. */
#include <assert.h>

#include "host.h"

enum fault {
	FAULT_KILL,
	FAULT_RESTART,
	FAULT_STOP,
	FAULT_RESET,
	FAULT_CUT,
	FAULT_HEAL,
	FAULT_TRACKER_BACK
};

static void
plan(struct world *w, uint64_t at, enum fault f, uint32_t host)
{
	if (at < w->sim.now)
		at = w->sim.now;
	sim_push(&w->sim, at, EVENT_FAULT, (uint32_t)f, host, 0);
}

/* Uniform between two shares of T*. */
static uint64_t
some_time(struct world *w, double from, double to)
{
	double x = (double)rng_u32(&w->rng) / 4294967296.0;

	return (uint64_t)((double)scenario_skew_bound_ns(&w->sc) *
			  (from + (to - from) * x));
}

static void
plan_deaths(struct world *w)
{
	uint32_t n = (uint32_t)((double)w->sc.hosts * w->sc.deaths + 0.5);
	uint32_t i, chosen = 0;

	/* Of those left, one in (left / still wanted). */
	for (i = 1; i <= w->sc.hosts && chosen < n; i++) {
		uint32_t left = (uint32_t)w->sc.hosts - i + 1;
		uint64_t at;

		if (rng_below(&w->rng, left) >= n - chosen)
			continue;
		chosen++;
		at = some_time(w, w->sc.deaths_from, w->sc.deaths_to);
		plan(w, at, FAULT_KILL, i);
		if (w->sc.restart != 0)
			plan(w, at + w->sc.restart, FAULT_RESTART, i);
	}
}

void
faults_plan(struct world *w)
{
	uint64_t i;

	plan_deaths(w);
	for (i = 0; i < w->sc.resets; i++)
		plan(w, some_time(w, 0, 1), FAULT_RESET, 0);
	if (w->sc.cut > 0) {
		uint64_t at = some_time(w, w->sc.cut_from, w->sc.cut_from);

		w->net.healed_at = at + w->sc.cut_for;
		plan(w, at, FAULT_CUT, 0);
		plan(w, w->net.healed_at, FAULT_HEAL, 0);
	}
}

static void
own_pieces(struct world *w, uint32_t host, bool alive)
{
	const struct bits *have = &w->hosts[host].store;
	uint32_t i;

	for (i = 0; i < have->n; i++) {
		if (!bits_get(have, i))
			continue;
		if (alive && w->owners[i]++ == 0)
			w->n_owned++;
		if (!alive && --w->owners[i] == 0)
			w->n_owned--;
	}
}

static void
kill_host(struct world *w, uint32_t host)
{
	struct host *h = &w->hosts[host];

	if (h->swarm == NULL || h->done_at != 0)
		return; /* the finished do not count as killed in transfer */
	own_pieces(w, host, false);
	host_kill(w, host, w->sc.death_power != 0);
	if (w->sc.restart == 0)
		w->n_waiting--;
}

static void
cut_off(struct world *w)
{
	uint32_t i;

	for (i = 1; i < w->n_hosts; i++)
		w->net.ports[i].cut =
		    (double)rng_u32(&w->rng) / 4294967296.0 < w->sc.cut;
	net_set_cut(&w->net, true);
}

static void
reset_one(struct world *w)
{
	uint32_t tries;

	for (tries = 0; tries < 100 && w->net.n_conns > 0; tries++) {
		uint32_t c = rng_below(&w->rng, w->net.n_conns);

		if (!w->net.conns[c].used || !w->net.conns[c].accepted)
			continue;
		host_reset(w, c);
		return;
	}
}

void
faults_happen(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->b];

	switch ((enum fault)e->a) {
	case FAULT_KILL:
		kill_host(w, e->b);
		break;
	case FAULT_RESTART:
		if (!h->killed)
			break;
		own_pieces(w, e->b, true);
		host_start(w, e->b);
		break;
	case FAULT_STOP:
		host_stop(w, e->b);
		break;
	case FAULT_RESET:
		reset_one(w);
		break;
	case FAULT_CUT:
		cut_off(w);
		break;
	case FAULT_HEAL:
		net_set_cut(&w->net, false);
		break;
	case FAULT_TRACKER_BACK:
		tracking_start(w);
		break;
	}
}

/* Once the seeder has sent so much, and nothing is only his. */
static void
watch_seeder(struct world *w)
{
	const struct host *s = &w->hosts[SEEDER];

	if (w->sc.seeder_dies > 0 && s->swarm != NULL &&
	    w->n_owned == w->sc.n_pieces &&
	    (double)s->sent >= w->sc.seeder_dies * (double)w->sc.payload)
		host_kill(w, SEEDER, w->sc.death_power != 0);
}

static void
watch_tracker(struct world *w)
{
	if (w->sc.tracker_dies <= 0 || w->tracker_died ||
	    (double)w->n_announced < w->sc.tracker_dies * (double)w->n_hosts)
		return;
	w->tracker_died = true;
	tracking_stop(w);
	if (w->sc.tracker_back != 0)
		plan(w, w->sim.now + w->sc.tracker_back, FAULT_TRACKER_BACK, 0);
}

void
faults_watch(struct world *w)
{
	watch_seeder(w);
	watch_tracker(w);
}

void
faults_on_finished(struct world *w, uint32_t host)
{
	if (w->sc.linger != 0)
		plan(w, w->sim.now + w->sc.linger, FAULT_STOP, host);
}
