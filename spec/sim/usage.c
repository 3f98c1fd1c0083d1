#include "usage.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"

void
usage_start(struct world *w)
{
	struct usage *u = sim_zalloc(1, sizeof(*u));

	u->n_bytes = (w->sc.n_pieces + 7) / 8;
	u->up_ns = sim_zalloc(w->n_hosts, sizeof(*u->up_ns));
	u->down_ns = sim_zalloc(w->n_hosts, sizeof(*u->down_ns));
	u->down = sim_zalloc(w->n_hosts, sizeof(*u->down));
	u->taken = sim_zalloc(w->n_hosts, u->n_bytes);
	u->step = scenario_skew_bound_ns(&w->sc) / 100 + 1;
	w->usage = u;
	sim_push(&w->sim, w->sim.now + u->step, EVENT_SAMPLE, 0, 0, 0);
}

void
usage_free(struct world *w)
{
	if (w->usage == NULL)
		return;
	free(w->usage->up_ns);
	free(w->usage->down_ns);
	free(w->usage->down);
	free(w->usage->taken);
	free(w->usage);
	w->usage = NULL;
}

/* Whether a has a bit that b lacks. */
static bool
has_more(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if ((a[i] & ~b[i]) != 0)
			return true;
	return false;
}

static enum usage_kind
why_idle(const struct world *w, uint32_t host)
{
	const struct usage *u = w->usage;
	const struct host *h = &w->hosts[host];
	enum usage_kind why = h->n_peers == 0 ? USAGE_ALONE : USAGE_NOTHING;
	uint32_t i;

	for (i = 0; i < h->n_peers; i++) {
		uint32_t id = h->peers[i].end;
		const struct end *e = net_receiver(&w->net, id);
		const struct host *o = &w->hosts[e->host];

		if (!e->open || !has_more(h->store.p, o->store.p, u->n_bytes))
			continue;
		if (why < USAGE_UNDERWAY)
			why = USAGE_UNDERWAY;
		if (!has_more(h->store.p,
			u->taken + (size_t)e->host * u->n_bytes, u->n_bytes))
			continue;
		why = USAGE_DOWN;
		if (u->down[e->host] < 0.9)
			return USAGE_LOST;
	}
	return why;
}

/* What is held or coming, and how busy the down-link was. */
static void
sample_host(struct world *w, uint32_t host, double dt)
{
	struct usage *u = w->usage;
	struct host *h = &w->hosts[host];
	uint8_t *taken = u->taken + (size_t)host * u->n_bytes;
	const struct link *l = &w->net.ports[host].down;
	uint32_t i;

	memcpy(taken, h->store.p, u->n_bytes);
	for (i = 0; i < h->disk.n_held; i++) {
		uint32_t piece = h->disk.held[i].piece;

		taken[piece / 8] |= (uint8_t)(0x80 >> (piece % 8));
	}
	u->down[host] = (double)(l->busy_ns - u->down_ns[host]) / dt;
	u->down_ns[host] = l->busy_ns;
}

static bool
is_sending(const struct world *w, const struct port *p)
{
	return w->net.fifo ? p->up.finish > w->sim.now : p->busy;
}

void
usage_sample(struct world *w)
{
	struct usage *u = w->usage;
	double dt = (double)(w->sim.now - u->at);
	uint64_t phase = w->sim.now / (u->step * 10);
	uint32_t i;

	if (phase >= USAGE_PHASES)
		phase = USAGE_PHASES - 1;
	for (i = 0; i < w->n_hosts; i++)
		if (w->hosts[i].swarm != NULL)
			sample_host(w, i, dt);
	for (i = 0; i < w->n_hosts; i++) {
		const struct port *p = &w->net.ports[i];
		double busy = (double)(p->up.busy_ns - u->up_ns[i]) / dt;

		if (w->hosts[i].swarm == NULL)
			continue;
		if (busy > 1)
			busy = 1;
		u->up_ns[i] = p->up.busy_ns;
		u->share[phase][USAGE_BUSY] += busy;
		u->share[phase][is_sending(w, p) ? USAGE_GAPS
						 : why_idle(w, i)] += 1 - busy;
		if (i == SEEDER)
			u->seeder[phase] += busy;
		if (i != SEEDER && w->hosts[i].done_at == 0) {
			u->down_busy[phase] += u->down[i];
			u->down_all[phase] += 1;
		}
	}
	u->samples[phase] += 1;
	u->at = w->sim.now;
	sim_push(&w->sim, w->sim.now + u->step, EVENT_SAMPLE, 0, 0, 0);
}

/* Of the receivers' links, over the whole time; and what was dropped. */
static void
print_whole(const struct world *w, FILE *out)
{
	double up = 0, down = 0, all = 0;
	uint32_t i;

	for (i = 1; i < w->n_hosts; i++) {
		up += (double)w->net.ports[i].up.busy_ns;
		down += (double)w->net.ports[i].down.busy_ns;
		all += (double)w->sim.now;
	}
	fprintf(out, "receivers' links busy: up %.3f, down %.3f", up / all,
	    down / all);
	if (w->net.arrived > 0)
		fprintf(out, "; dropped at down-links %.2f %%",
		    100 * (double)w->net.dropped / (double)w->net.arrived);
	fprintf(out, "\n");
}

void
usage_print(const struct world *w, FILE *out)
{
	const struct usage *u = w->usage;
	uint32_t i, k;

	fprintf(out,
	    "up-links, %% of time; down: of the unfinished; seed: its own\n"
	    "  t/T*   busy  alone nothing underway  down   lost   gaps |  down "
	    " "
	    "seed\n");
	for (i = 0; i < USAGE_PHASES; i++) {
		double all = 0;

		for (k = 0; k < N_USAGE; k++)
			all += u->share[i][k];
		if (all <= 0)
			continue;
		fprintf(out, "  %4.1f", 0.1 * i);
		for (k = 0; k < N_USAGE; k++)
			fprintf(out, " %6.1f", 100 * u->share[i][k] / all);
		fprintf(out, "  | %5.1f %5.1f\n",
		    u->down_all[i] > 0 ? 100 * u->down_busy[i] / u->down_all[i]
				       : 0.0,
		    100 * u->seeder[i] / u->samples[i]);
	}
	print_whole(w, out);
}
