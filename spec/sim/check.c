#include "check.h"

#include "host.h"

/* The shortest time, in ns, after which an upload that does not move gives up
 * its place (swarm_serve.c). */
#define PASSED_OVER 200000000u
#define AFTER_CUT 2000000000u

/* A block that is a part of the payload. */
static bool
block_valid(const struct world *w, const struct block *b)
{
	uint32_t n;

	if (b->piece >= w->sc.n_pieces || b->length == 0)
		return false;
	n = world_piece_length(w, b->piece);
	return b->begin < n && b->length <= n - b->begin;
}

/* Neighbours whose blocks move: who takes none for so long is passed over, and
 * may be served beside the others when a cut has healed, or if its own link is
 * what holds it up. */
static uint32_t
n_served(struct world *w, uint32_t host)
{
	const struct host *h = &w->hosts[host];
	uint32_t i, n = 0;

	if (w->net.ports[host].up.rate > 2 * w->sc.down_rate)
		return 0;
	if (w->net.healed_at != 0 && w->sim.now > w->net.healed_at &&
	    w->sim.now - w->net.healed_at < AFTER_CUT)
		return 0;
	for (i = 0; i < h->n_peers; i++) {
		const struct flow *f = net_flow(&w->net, h->peers[i].end);

		n += f->blocks > 0 && f->took_at + PASSED_OVER > w->sim.now;
	}
	return n;
}

static void
check_send_block(struct world *w, uint32_t host, const struct action *a)
{
	const struct host *h = &w->hosts[host];

	if (!block_valid(w, &a->block)) {
		world_fail(
		    w, "host %u sends a block outside the payload", host);
		return;
	}
	if (!bits_get(&h->store, a->block.piece))
		world_fail(w, "host %u sends piece %u, which it lacks", host,
		    a->block.piece);
	if (w->net.ports[host].serving > 2 * w->limits.upload_slots + 2 &&
	    n_served(w, host) > 2 * w->limits.upload_slots + 2)
		world_fail(w, "host %u serves %u neighbours at once", host,
		    n_served(w, host));
}

static void
check_receive(struct world *w, uint32_t host, const struct action *a)
{
	const struct host *h = &w->hosts[host];
	const struct held *held = disk_find(&h->disk, a->block.piece);

	if (!a->discard && !block_valid(w, &a->block))
		world_fail(
		    w, "host %u receives a block outside the payload", host);
	else if (!a->discard && bits_get(&h->store, a->block.piece))
		world_fail(
		    w, "host %u receives piece %u again", host, a->block.piece);
	else if (!a->discard && held != NULL && held->storing)
		world_fail(w, "host %u receives piece %u while it is hashed",
		    host, a->block.piece);
}

static void
check_store(struct world *w, uint32_t host, uint32_t piece)
{
	const struct host *h = &w->hosts[host];
	const struct held *held = disk_find(&h->disk, piece);

	if (held == NULL || held->storing)
		world_fail(w, "host %u stores piece %u, %s", host, piece,
		    held == NULL ? "of which it has nothing" : "twice");
	else if (!held_whole(held, world_piece_length(w, piece)))
		world_fail(w, "host %u stores piece %u, which has a hole", host,
		    piece);
	else if (bits_get(&h->store, piece))
		world_fail(w, "host %u stores piece %u again", host, piece);
}

void
check_action(struct world *w, uint32_t host, const struct action *a)
{
	const struct held *held;

	switch (a->kind) {
	case ACTION_SEND_BLOCK:
		check_send_block(w, host, a);
		break;
	case ACTION_RECEIVE:
		check_receive(w, host, a);
		break;
	case ACTION_STORE:
		check_store(w, host, a->block.piece);
		break;
	case ACTION_DROP:
		held = disk_find(&w->hosts[host].disk, a->block.piece);
		if (held != NULL && held->storing)
			world_fail(w, "host %u drops piece %u while hashed",
			    host, a->block.piece);
		break;
	case ACTION_DIAL:
	case ACTION_CLOSE:
	case ACTION_SEND:
	case ACTION_MEASURE:
	case ACTION_ANNOUNCE:
	case ACTION_FINISHED:
		break;
	}
}

void
check_host(struct world *w, uint32_t host)
{
	struct host *h = &w->hosts[host];
	uint32_t n = swarm_have(h->swarm)->n_set, i;
	uint64_t held = 0;

	if (n < h->n_have || n != h->store.n_set)
		world_fail(w, "host %u has %u pieces, had %u, stored %u", host,
		    n, h->n_have, h->store.n_set);
	h->n_have = n;
	if (h->n_peers > w->limits.max_peers)
		world_fail(w, "host %u has %u neighbours", host, h->n_peers);
	for (i = 0; i < h->disk.n_held; i++)
		held += world_piece_length(w, h->disk.held[i].piece);
	if (held > w->limits.max_held_bytes && h->disk.n_held > 1)
		world_fail(w, "host %u holds %llu bytes in memory", host,
		    (unsigned long long)held);
}

void
check_payload(
    struct world *w, const struct end *e, const struct item *it, uint32_t n)
{
	const struct block *r = &e->receive;
	uint32_t done = it->done > WIRE_PIECE_HEAD_BYTES
			    ? it->done - WIRE_PIECE_HEAD_BYTES
			    : 0;
	uint32_t from = it->block.begin + done;
	uint32_t to = r->begin + (r->length - e->receive_left);

	if (e->receive_left < n)
		world_fail(w, "host %u expects %u bytes, %u come", e->host,
		    e->receive_left, n);
	else if (!e->receive_discard &&
		 (r->piece != it->block.piece || from != to))
		world_fail(w, "host %u puts %u+%u to %u+%u", e->host,
		    it->block.piece, from, r->piece, to);
}

/* What the swarms counted is what passed through the streams. */
static void
check_counts(struct world *w, uint32_t host)
{
	const struct host *h = &w->hosts[host];
	struct swarm_stats s;

	if (h->swarm == NULL || h->life != 1)
		return;
	swarm_stats(h->swarm, &s);
	if (s.uploaded != h->sent)
		world_fail(w, "host %u counts %llu bytes sent of %llu", host,
		    (unsigned long long)s.uploaded,
		    (unsigned long long)h->sent);
	if (s.downloaded != h->received)
		world_fail(w, "host %u counts %llu bytes received of %llu",
		    host, (unsigned long long)s.downloaded,
		    (unsigned long long)h->received);
}

void
check_end(struct world *w)
{
	uint64_t sent = 0, received = 0;
	uint32_t i;

	for (i = 0; i < w->n_hosts && w->failure[0] == '\0'; i++) {
		const struct host *h = &w->hosts[i];

		check_counts(w, i);
		sent += h->sent;
		received += h->received;
		if (i != SEEDER && !h->killed && h->done_at == 0)
			world_fail(w, "host %u did not finish: %u of %u", i,
			    h->store.n_set, h->store.n);
	}
	if (received > sent)
		world_fail(w, "%llu bytes received, %llu sent",
		    (unsigned long long)received, (unsigned long long)sent);
}
