#include "fifo.h"

#include <assert.h>
#include <string.h>

#define MSS 1448u /* payload of a full packet */
#define FIRST_WINDOW (10 * MSS)
#define LEAST_WINDOW (2 * MSS)
#define RTO_MIN_NS 200000000u

/* A round trip longer than the shortest by this ends slow start (HyStart). */
#define DELAY_NS 4000000u
#define DELAY_FROM (16 * MSS)

#define AGAIN NET_AGAIN
#define SHRINK_NS 10000000u /* at least between two cuts of a window */

void
fifo_reset(struct net *net, uint32_t id)
{
	net->tcp[id] =
	    (struct tcp){.cwnd = FIRST_WINDOW, .ssthresh = UINT32_MAX};
}

/* ---- the up-link -------------------------------------------------------- */

static uint64_t
waiting_ns(const struct net *net, const struct link *l)
{
	return l->finish > net->sim->now ? l->finish - net->sim->now : 0;
}

static uint64_t
backlog(const struct net *net, const struct link *l)
{
	return (uint64_t)(1e-9 * (double)waiting_ns(net, l) * (double)l->rate);
}

/* Packets that are not full cost their heads. */
static uint64_t
on_wire(const struct net *net, uint32_t n)
{
	return n < MSS / 2 ? n + net->packet : n;
}

/* Comes back when there is room for n bytes. */
static void
wait_for_room(struct net *net, uint32_t host, uint32_t n)
{
	struct port *p = &net->ports[host];
	uint64_t over = backlog(net, &p->up) + n - net->queue;

	if (p->busy)
		return;
	p->busy = true;
	sim_push(net->sim,
	    net->sim->now + sim_transfer_ns(over, p->up.rate) + 1, EVENT_SENT,
	    host, 0, 0);
}

static bool
has_room(const struct net *net, uint32_t host, uint32_t n)
{
	return backlog(net, &net->ports[host].up) + n <= net->queue;
}

/* Puts a chunk into the host's queue. */
static void
send(struct net *net, uint32_t id, uint32_t n, uint32_t mark)
{
	uint32_t from = net_sender(net, id)->host;
	uint32_t to = net_receiver(net, id)->host;
	uint64_t at =
	    link_pass(&net->ports[from].up, net->sim->now, on_wire(net, n));
	enum event_kind kind = EVENT_ARRIVE;

	if (net->n_racks > 0 && net->ports[from].rack != net->ports[to].rack)
		kind = EVENT_RACK_OUT;
	else
		at += net_latency(net, from, to);
	net->tcp[id].sent_at = net->sim->now;
	sim_push(net->sim, at, kind, id, net_flow(net, id)->gen, n | mark);
}

/* The window after a pause: half for each timeout that has passed. */
static void
after_pause(struct net *net, const struct flow *f, struct tcp *t)
{
	uint64_t pause = net->sim->now - t->sent_at, rto = t->rtt + RTO_MIN_NS;

	if (f->on_way > 0)
		return;
	for (; pause > rto && t->cwnd > FIRST_WINDOW; pause -= rto) {
		t->cwnd /= 2;
		t->sent_at = net->sim->now;
	}
}

static void
shrink(struct net *net, struct tcp *t)
{
	uint64_t pause = t->rtt > SHRINK_NS ? t->rtt : SHRINK_NS;

	if (net->sim->now < t->cut_at + pause)
		return;
	t->cut_at = net->sim->now;
	t->cwnd -= t->cwnd / 10 * 3;
	if (t->cwnd < LEAST_WINDOW)
		t->cwnd = LEAST_WINDOW;
	t->ssthresh = t->cwnd;
}

/* What the window and the socket allow; 0 for less than is worth a packet. */
static uint32_t
may_send(const struct net *net, const struct flow *f, const struct tcp *t)
{
	uint32_t n = f->unsent, room;

	room = t->cwnd > f->on_way ? t->cwnd - f->on_way : 0;
	if (n > net->chunk)
		n = (uint32_t)net->chunk;
	if (n <= room)
		return n;
	return room >= MSS || f->on_way == 0 ? room : 0;
}

void
fifo_kick(struct net *net, uint32_t host)
{
	struct port *p = &net->ports[host];

	while (p->ring != NONE) {
		uint32_t id = p->ring, n;
		struct flow *f = net_flow(net, id);
		struct tcp *t = &net->tcp[id];

		after_pause(net, f, t);
		n = may_send(net, f, t);
		if (n == 0) {
			net_ring_remove(net, id);
			continue;
		}
		if (!has_room(net, host, n)) {
			wait_for_room(net, host, n);
			return;
		}
		f->unsent -= n;
		f->on_way += n;
		if (t->timed == 0) {
			t->timed = f->on_way;
			t->timed_at = net->sim->now;
		}
		p->ring = f->next;
		send(net, id, n, 0);
		net_took(net, id);
	}
}

/* ---- the down-link ------------------------------------------------------ */

/* When the sender hears of a loss: by what comes behind, or by a timer. */
static void
lose(struct net *net, uint32_t id, uint32_t n, bool more)
{
	uint32_t from = net_sender(net, id)->host;
	uint32_t to = net_receiver(net, id)->host;
	uint64_t rtt = net->tcp[id].rtt, wait;

	wait = waiting_ns(net, &net->ports[to].down) +
	       waiting_ns(net, &net->ports[to].up) +
	       waiting_ns(net, &net->ports[from].down) +
	       2 * net_latency(net, from, to);
	if (!more)
		wait =
		    rtt == 0 || rtt > RTO_MIN_NS ? rtt + RTO_MIN_NS : 2 * rtt;
	net->dropped += n;
	sim_push(net->sim, net->sim->now + wait, EVENT_RESEND, id,
	    net_flow(net, id)->gen, n);
}

bool
fifo_on_arrive(struct net *net, const struct event *e)
{
	struct flow *f = net_flow(net, e->a);
	struct tcp *t = &net->tcp[e->a];
	uint32_t n = e->n & ~AGAIN, from, to, over = 0;
	struct link *l;
	uint64_t at, before;

	if (f->gen != e->b)
		return false;
	from = net_sender(net, e->a)->host;
	to = net_receiver(net, e->a)->host;
	l = &net->ports[to].down;
	net->arrived += n;
	/* The queue behind its last byte, were it all taken. */
	before = backlog(net, l) + on_wire(net, n);
	if (l->finish < net->sim->now) {
		uint64_t idle = net->sim->now - l->finish;
		uint64_t drained =
		    (uint64_t)(1e-9 * (double)idle * (double)l->rate);

		before = before > drained ? before - drained : 0;
	}
	if (before > net->queue)
		over = (uint32_t)(before - net->queue + MSS - 1) / MSS * MSS;
	if (over > n)
		over = n;
	if (over > 0) {
		if ((e->n & AGAIN) == 0 && t->missing == 0)
			t->hole = t->taken + n - over;
		if ((e->n & AGAIN) == 0)
			t->missing += over;
		lose(net, e->a, over, f->on_way > n);
		n -= over;
	}
	if ((e->n & AGAIN) == 0)
		t->taken += n;
	if (n == 0)
		return false;
	at = link_pass(l, net->sim->now, on_wire(net, n));
	at = net_through(net, from, to, at);
	if (at < f->not_before)
		at = f->not_before;
	f->not_before = at;
	sim_push(net->sim, at, EVENT_DELIVER, e->a, e->b, n | (e->n & AGAIN));
	return false;
}

/* Bytes of acknowledgements: one for each two full packets. */
static uint64_t
acks(const struct net *net, uint32_t n)
{
	return (n + MSS) / (2 * MSS) * net->acks;
}

/* Takes what stands in front of the first hole. */
static uint32_t
readable(struct tcp *t)
{
	uint32_t n = t->held, behind = 0;

	if (t->missing > 0 && t->through > t->hole)
		behind = (uint32_t)(t->through - t->hole);
	n -= behind < n ? behind : n;
	t->held -= n;
	return n;
}

uint32_t
fifo_delivered(struct net *net, uint32_t id, uint32_t n)
{
	struct flow *f = net_flow(net, id);
	struct tcp *t = &net->tcp[id];
	bool again = (n & AGAIN) != 0;
	uint32_t from = net_sender(net, id)->host;
	uint32_t to = net_receiver(net, id)->host;
	uint64_t at;

	n &= ~AGAIN;
	at = link_pass(&net->ports[to].up, net->sim->now, acks(net, n)) +
	     net_latency(net, from, to);
	sim_push(net->sim, at, EVENT_ACK, id, f->gen, n);
	t->held += n;
	if (again) {
		assert(t->missing >= n);
		t->missing -= n;
	} else {
		t->through += n;
	}
	return readable(t);
}

/* ---- back at the sender ------------------------------------------------- */

bool
fifo_on_ack(struct net *net, const struct event *e)
{
	uint64_t n = acks(net, e->n), at;

	if (net_flow(net, e->a)->gen != e->b)
		return false;
	at = link_pass(
	    &net->ports[net_sender(net, e->a)->host].down, net->sim->now, n);
	if (at == net->sim->now)
		return true;
	sim_push(net->sim, at, EVENT_ACKED, e->a, e->b, e->n);
	return false;
}

static void
measure(const struct net *net, struct tcp *t, uint32_t n)
{
	uint64_t rtt;

	if (t->timed > n) {
		t->timed -= n;
		return;
	}
	if (t->timed == 0)
		return;
	t->timed = 0;
	rtt = net->sim->now - t->timed_at;
	t->rtt = t->rtt == 0 ? rtt : t->rtt - t->rtt / 8 + rtt / 8;
	if (t->cwnd >= DELAY_FROM && t->cwnd < t->ssthresh && rtt > DELAY_NS)
		t->ssthresh = t->cwnd;
}

/* A window that is not used does not grow. */
static void
grow(const struct flow *f, struct tcp *t, uint32_t n)
{
	if (t->missing > 0 || t->cwnd > 2 * f->on_way + MSS)
		return;
	if (t->cwnd < t->ssthresh)
		t->cwnd += n;
	else
		t->cwnd += (uint32_t)((uint64_t)n * MSS / 2 / t->cwnd);
}

void
fifo_acked(struct net *net, const struct event *e)
{
	struct flow *f = net_flow(net, e->a);
	struct tcp *t = &net->tcp[e->a];

	measure(net, t, e->n);
	grow(f, t, e->n);
	assert(f->on_way >= e->n);
	f->on_way -= e->n;
	if (f->unsent > 0)
		net_ring_add(net, e->a);
	fifo_kick(net, net_sender(net, e->a)->host);
}

void
fifo_on_resend(struct net *net, const struct event *e)
{
	uint32_t host;

	if (net_flow(net, e->a)->gen != e->b)
		return;
	host = net_sender(net, e->a)->host;
	shrink(net, &net->tcp[e->a]);
	if (has_room(net, host, e->n))
		send(net, e->a, e->n, AGAIN);
	else /* as its timer would */
		sim_push(net->sim, net->sim->now + RTO_MIN_NS / 20,
		    EVENT_RESEND, e->a, e->b, e->n);
}
