/* The actions of a swarm, one function each. */
#include <assert.h>
#include <string.h>

#include "check.h"
#include "core/err.h"
#include "host.h"
#include "trace.h"

static void
act_dial(struct world *w, uint32_t host, const struct action *a)
{
	uint32_t to = world_host_at(w, &a->addr), c;
	uint64_t lat, at;

	if (to == NONE)
		to = host; /* nobody there: as a port nobody listens on */
	c = net_conn_new(&w->net, host, to);
	w->net.conns[c].end[0].peer = a->peer;
	w->net.conns[c].end[0].open = true;
	host_add_peer(&w->hosts[host], a->peer, 2 * c);
	lat = net_latency(&w->net, host, to);
	at = net_through(&w->net, host, to, w->sim.now + 2 * lat);
	if (w->hosts[to].killed && w->sc.death_power != 0)
		at = w->sim.now + w->sc.connect_timeout;
	sim_push(&w->sim, at, EVENT_CONNECT, c, w->net.conns[c].gen, 0);
}

/* Small messages on an idle stream go ahead, all of one instant together;
 * others queue. */
static void
act_send(struct world *w, uint32_t host, const struct action *a)
{
	uint32_t end = host_find_peer(&w->hosts[host], a->peer), far;
	struct flow *f;

	if (end == NONE) {
		world_fail(
		    w, "host %u sends to %u, who is gone", host, a->peer);
		return;
	}
	f = net_flow(&w->net, end);
	w->control_bytes += a->bytes.n;
	if (f->dead)
		return;
	if (!net_flow_idle(f) || a->bytes.n > 4096) {
		net_put_control(&w->net, end, a->bytes);
		host_want_fill(w, end);
		return;
	}
	far = w->net.n_racks > 0 &&
	      w->net.ports[host].rack !=
		  w->net.ports[net_receiver(&w->net, end)->host].rack;
	if (w->batch[far] == NONE)
		w->batch[far] = net_batch_new(&w->net);
	net_batch_put(&w->net, w->batch[far], end, a->bytes);
}

static void
act_send_block(struct world *w, uint32_t host, const struct action *a)
{
	uint32_t end = host_find_peer(&w->hosts[host], a->peer);

	if (end == NONE) {
		world_fail(w, "host %u sends a block to %u, who is gone", host,
		    a->peer);
		return;
	}
	net_put_block(&w->net, end, a->bytes, a->block, w->hosts[host].liar);
	host_want_fill(w, end);
}

static void
act_receive(struct world *w, uint32_t host, const struct action *a)
{
	uint32_t end = host_find_peer(&w->hosts[host], a->peer);
	struct end *e;

	if (end == NONE)
		return;
	e = &w->net.conns[end / 2].end[end % 2];
	if (e->receive_left > 0 && e->receive_left != a->block.length)
		world_fail(w, "host %u redirects %u of %u bytes from %u", host,
		    a->block.length, e->receive_left, a->peer);
	e->receive = a->block;
	e->receive_left = a->block.length;
	e->receive_discard = a->discard;
}

static void
act_measure(struct world *w, uint32_t host, const struct action *a)
{
	uint32_t end = host_find_peer(&w->hosts[host], a->peer);
	const struct flow *f = end == NONE ? NULL : net_flow(&w->net, end);
	struct duration rtt;
	int rc;

	if (f == NULL)
		return;
	rtt.ns =
	    2 * net_latency(&w->net, host, net_receiver(&w->net, end)->host);
	rc = swarm_on_unacked(w->hosts[host].swarm, a->peer,
	    f->unsent + f->on_way, rtt, (struct instant){w->sim.now});
	if (rc != 0)
		world_fail(w, "host %u: %s", host, err_sentence(rc));
}

static void
act_store(struct world *w, uint32_t host, uint32_t piece)
{
	struct host *h = &w->hosts[host];
	uint32_t n = world_piece_length(w, piece);
	struct held *held = disk_find(&h->disk, piece);
	uint64_t cost = w->sc.disk_latency +
			sim_transfer_ns(n, w->sc.hash_rate) +
			sim_transfer_ns(n, w->sc.disk_rate);

	if (held == NULL)
		return; /* check_action() has complained */
	held->storing = true;
	sim_push(&w->sim, disk_work(&h->disk, w->sim.now, cost), EVENT_STORED,
	    host, piece, h->life);
}

static void
act_close(struct world *w, uint32_t host, const struct action *a)
{
	uint32_t end = host_find_peer(&w->hosts[host], a->peer);

	if (end == NONE)
		world_fail(w, "host %u closes %u, who is gone", host, a->peer);
	else
		host_close_end(w, end, true);
}

static void
act_finished(struct world *w, uint32_t host)
{
	struct host *h = &w->hosts[host];

	if (h->done_at != 0 || host == SEEDER) {
		world_fail(w, "host %u finished twice", host);
		return;
	}
	h->done_at = w->sim.now;
	w->n_waiting--;
	faults_on_finished(w, host);
	if (h->store.n_set != h->store.n)
		world_fail(w, "host %u finished with %u of %u pieces", host,
		    h->store.n_set, h->store.n);
}

void
host_act(struct world *w, uint32_t host, const struct action *a)
{
	check_action(w, host, a);
	if (w->trace != NULL)
		trace_action(w, host, a);
	switch (a->kind) {
	case ACTION_DIAL:
		act_dial(w, host, a);
		break;
	case ACTION_CLOSE:
		act_close(w, host, a);
		break;
	case ACTION_SEND:
		act_send(w, host, a);
		break;
	case ACTION_SEND_BLOCK:
		act_send_block(w, host, a);
		break;
	case ACTION_RECEIVE:
		act_receive(w, host, a);
		break;
	case ACTION_MEASURE:
		act_measure(w, host, a);
		break;
	case ACTION_STORE:
		act_store(w, host, a->block.piece);
		break;
	case ACTION_DROP:
		disk_drop(&w->hosts[host].disk, a->block.piece);
		break;
	case ACTION_ANNOUNCE:
		tracking_ask(w, host, a->announce.tracker, &a->announce.query);
		break;
	case ACTION_FINISHED:
		act_finished(w, host);
		break;
	}
}
