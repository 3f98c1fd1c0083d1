#include "world.h"

#include <assert.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "usage.h"

/* ---- the engines' allocator: counts ------------------------------------- */

static void *
counted_resize(void *ctx, void *p, size_t n)
{
	struct world *w = ctx;
	size_t was = malloc_usable_size(p);
	void *q = sim_resize(p, n, 1);

	w->mem_used += malloc_usable_size(q) - was;
	if (w->mem_used > w->mem_top)
		w->mem_top = w->mem_used;
	return q;
}

static void
counted_release(void *ctx, void *p)
{
	struct world *w = ctx;

	w->mem_used -= malloc_usable_size(p);
	free(p);
}

void
world_fail(struct world *w, const char *format, ...)
{
	va_list ap;
	int n;

	if (w->failure[0] != '\0')
		return;
	n = snprintf(w->failure, sizeof(w->failure),
	    "at %.6f s: ", 1e-9 * (double)w->sim.now);
	va_start(ap, format);
	vsnprintf(w->failure + n, sizeof(w->failure) - (size_t)n, format, ap);
	va_end(ap);
}

/* ---- addresses ----------------------------------------------------------- */

/* Without racks 10.a.b.c by number; with them 10.rack.b.c and 11.… beyond 256,
 * so that a rack is a subnet. */
struct addr
world_addr(const struct world *w, uint32_t host)
{
	uint32_t racks = w->net.n_racks, v;
	struct addr a = {.family = ADDR_V4, .port = WORLD_PORT};

	if (racks == 0)
		v = (10u << 24) + host + 1;
	else
		v = (10u << 24) + ((host % racks) << 16) + host / racks;
	a.ip[0] = (uint8_t)(v >> 24);
	a.ip[1] = (uint8_t)(v >> 16);
	a.ip[2] = (uint8_t)(v >> 8);
	a.ip[3] = (uint8_t)v;
	return a;
}

uint32_t
world_host_at(const struct world *w, const struct addr *a)
{
	uint32_t v = ((uint32_t)a->ip[0] << 24) + ((uint32_t)a->ip[1] << 16) +
		     ((uint32_t)a->ip[2] << 8) + a->ip[3];
	uint32_t racks = w->net.n_racks, host;

	v -= 10u << 24;
	host = racks == 0 ? v - 1 : (v & 0xffff) * racks + (v >> 16);
	return a->family == ADDR_V4 && a->port == WORLD_PORT &&
		       host < w->n_hosts
		   ? host
		   : NONE;
}

uint32_t
world_piece_length(const struct world *w, uint32_t piece)
{
	if (piece + 1 < w->sc.n_pieces)
		return (uint32_t)w->sc.piece_length;
	return (uint32_t)(w->sc.payload -
			  (w->sc.n_pieces - 1) * w->sc.piece_length);
}

void
world_config(const struct world *w, uint32_t host, struct swarm_config *c)
{
	const struct scenario *sc = &w->sc;
	uint32_t life = w->hosts[host].life;

	memset(c, 0, sizeof(*c));
	c->mem = &w->mem;
	memset(c->info_hash, 0x5a, sizeof(c->info_hash));
	snprintf((char *)c->peer_id, sizeof(c->peer_id), "-MU1000-%06x%05x",
	    host & 0xffffff, life & 0xfffff);
	c->length = sc->payload;
	c->piece_length = (uint32_t)sc->piece_length;
	c->n_pieces = sc->n_pieces;
	c->n_trackers = (uint32_t)sc->trackers;
	c->listen_port = WORLD_PORT;
	c->seed = w->seed * 0x9e3779b97f4a7c15u + host * 4096ul + life;
	if (sc->rack_labels != 0 && sc->racks > 0)
		snprintf(c->rack, sizeof(c->rack), "rack%u",
		    host % (uint32_t)sc->racks);
	c->stripes = sc->stripes != 0;
	swarm_config_init(c);
#define TUNE(key)                                                              \
	if (sc->key != 0)                                                      \
		c->key = (uint32_t)sc->key;
	TUNE(block_bytes)
	TUNE(max_peers)
	TUNE(want_peers)
	TUNE(max_dialling)
	TUNE(upload_slots)
	TUNE(download_slots)
	TUNE(max_held_bytes)
#undef TUNE
	if (sc->silence != 0)
		c->silence.ns = sc->silence;
	if (sc->idle != 0)
		c->idle.ns = sc->idle;
}

/* ---- beginning and end --------------------------------------------------- */

static void
init_links(struct world *w)
{
	const struct scenario *sc = &w->sc;
	struct net *net = &w->net;
	uint32_t i;

	net_init(net, &w->sim, w->n_hosts, (uint32_t)sc->racks);
	net->latency = sc->latency;
	net->rack_latency = sc->rack_latency;
	net->chunk = sc->chunk;
	net->window = sc->window;
	net->lowat = sc->lowat;
	net->packet = sc->packet;
	net->fifo = sc->fifo != 0;
	net->queue = sc->queue;
	net->acks = sc->acks;
	for (i = 0; i < w->n_hosts; i++) {
		struct port *p = &net->ports[i];
		double slow = w->hosts[i].slow ? sc->slow_factor : 1;

		p->up.rate = (uint64_t)((double)sc->rate / slow);
		p->down.rate = (uint64_t)((double)sc->down_rate / slow);
		if (i == SEEDER)
			p->up.rate = p->down.rate = sc->seeder_rate;
		p->rack = sc->racks > 0 ? i % (uint32_t)sc->racks : 0;
	}
	for (i = 0; i < sc->racks; i++) {
		net->rack_out[i].rate = scenario_rack_rate(sc);
		net->rack_in[i].rate = net->rack_out[i].rate;
	}
}

/* Chooses n of the receivers and sets what `mark` points at in them. */
static void
choose(struct world *w, uint32_t n, size_t mark)
{
	uint32_t i, chosen = 0;

	for (i = 1; i < w->n_hosts && chosen < n; i++) {
		if (rng_below(&w->rng, w->n_hosts - i) >= n - chosen)
			continue;
		*((bool *)(void *)&w->hosts[i] + mark) = true;
		chosen++;
	}
}

static void
init_hosts(struct world *w)
{
	const struct scenario *sc = &w->sc;
	uint32_t i;

	w->hosts = sim_zalloc(w->n_hosts, sizeof(*w->hosts));
	choose(w, (uint32_t)((double)sc->hosts * sc->slow + 0.5),
	    offsetof(struct host, slow));
	choose(w, (uint32_t)sc->liars, offsetof(struct host, liar));
	for (i = 0; i < w->n_hosts; i++) {
		struct host *h = &w->hosts[i];

		rng_seed(&h->rng, w->seed, i + 1);
		if (bits_init(&h->store, &w->mem, sc->n_pieces) != 0)
			abort();
		if (i > 0)
			h->start_at = sc->skew * (i - 1) / sc->hosts;
		sim_push(&w->sim, h->start_at, EVENT_START, i, 0, 0);
	}
	bits_set_all(&w->hosts[SEEDER].store);
}

void
world_init(struct world *w, const struct scenario *sc, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->sc = *sc;
	w->seed = seed;
	w->mem = (struct mem){
	    .resize = counted_resize, .release = counted_release, .ctx = w};
	rng_seed(&w->rng, seed, 0);
	sim_init(&w->sim);
	w->n_hosts = (uint32_t)sc->hosts + 1;
	w->n_waiting = (uint32_t)sc->hosts;
	w->owners = sim_zalloc(sc->n_pieces, sizeof(*w->owners));
	w->batch[0] = w->batch[1] = NONE;
	w->free_ask = NONE;
	init_hosts(w);
	init_links(w);
	tracking_start(w);
	world_config(w, SEEDER, &w->limits);
	faults_plan(w);
}

void
world_free(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->n_hosts; i++) {
		struct host *h = &w->hosts[i];

		if (h->swarm != NULL)
			swarm_free(h->swarm);
		disk_free(&h->disk);
		bits_free(&h->store);
		free(h->peers);
		free(h->fill);
	}
	tracking_free(w);
	usage_free(w);
	free(w->hosts);
	free(w->owners);
	net_free(&w->net);
	sim_free(&w->sim);
}

/* ---- running ------------------------------------------------------------- */

static void
step(struct world *w, const struct event *e)
{
	switch ((enum event_kind)e->kind) {
	case EVENT_START:
		host_start(w, e->a);
		break;
	case EVENT_TIMER:
		host_on_timer(w, e->a);
		break;
	case EVENT_SENT:
		host_on_sent(w, e->a);
		break;
	case EVENT_RACK_OUT:
	case EVENT_RACK_IN:
		net_on_rack(&w->net, e);
		break;
	case EVENT_ARRIVE:
	case EVENT_DELIVER:
		host_on_chunk(w, e);
		break;
	case EVENT_ACK:
	case EVENT_ACKED:
	case EVENT_RESEND:
		host_on_ack(w, e);
		break;
	case EVENT_BATCH:
		host_on_batch(w, e);
		break;
	case EVENT_FIN:
		host_on_fin(w, e);
		break;
	case EVENT_CONNECT:
		host_on_connect(w, e);
		break;
	case EVENT_ACCEPT:
		host_on_accept(w, e);
		break;
	case EVENT_STORED:
		host_on_stored(w, e);
		break;
	case EVENT_ASK:
		tracking_on_ask(w, e->a);
		break;
	case EVENT_REPLY:
		tracking_on_reply(w, e->a);
		break;
	case EVENT_TRACKER:
		tracking_on_timer(w);
		break;
	case EVENT_FAULT:
		faults_happen(w, e);
		break;
	case EVENT_SAMPLE:
		usage_sample(w);
		break;
	}
}

void
world_run(struct world *w)
{
	uint64_t end =
	    (uint64_t)(w->sc.limit * (double)scenario_skew_bound_ns(&w->sc)) +
	    120000000000u;
	struct event e;

	if (w->sc.slow > 0)
		end = (uint64_t)((double)end * w->sc.slow_factor);
	while (w->n_waiting > 0 && w->failure[0] == '\0') {
		if (!sim_pop(&w->sim, &e) || w->sim.now > end)
			break;
		step(w, &e);
		faults_watch(w);
	}
	check_end(w);
}
