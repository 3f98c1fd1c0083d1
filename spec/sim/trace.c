#include "trace.h"

#include <inttypes.h>

#include "core/err.h"
#include "core/wire.h"
#include "host.h"

static const char *const names[] = {[WIRE_CHOKE] = "choke",
    [WIRE_UNCHOKE] = "unchoke",
    [WIRE_INTERESTED] = "interested",
    [WIRE_NOT_INTERESTED] = "not interested",
    [WIRE_HAVE] = "have",
    [WIRE_BITFIELD] = "bitfield",
    [WIRE_REQUEST] = "request",
    [WIRE_PIECE] = "piece",
    [WIRE_CANCEL] = "cancel",
    [WIRE_SUGGEST] = "suggest",
    [WIRE_HAVE_ALL] = "have all",
    [WIRE_HAVE_NONE] = "have none",
    [WIRE_REJECT] = "reject",
    [WIRE_ALLOWED_FAST] = "allowed fast",
    [WIRE_EXTENDED] = "extended"};
#define N_NAMES (sizeof(names) / sizeof(names[0]))

static void
stamp(struct world *w, uint32_t host)
{
	fprintf(w->trace, "%5" PRIu64 ".%06" PRIu64 " h%" PRIu32 " ",
	    w->sim.now / 1000000, w->sim.now % 1000000, host);
}

/* "to h2": the host behind a neighbour's number. */
static uint32_t
host_behind(const struct world *w, uint32_t host, peer_t p)
{
	uint32_t end = host_find_peer(&w->hosts[host], p);

	return end == NONE ? NONE : net_receiver(&w->net, end)->host;
}

static void
trace_block(struct world *w, const char *what, const struct block *b)
{
	fprintf(w->trace, "%s %" PRIu32 "+%" PRIu32 ",%" PRIu32, what, b->piece,
	    b->begin, b->length);
}

/* One control message, as BEP 3 lays it out. */
static void
trace_message(struct world *w, struct span m)
{
	uint32_t v[3] = {0, 0, 0};
	uint8_t id = 0;
	int i, n;

	if (m.n == 0) {
		fprintf(w->trace, "keep-alive");
		return;
	}
	(void)span_take_u8(&m, &id);
	fprintf(w->trace, "%s",
	    id < N_NAMES && names[id] != NULL ? names[id] : "unknown");
	if (id == WIRE_EXTENDED) {
		uint8_t ext = 0, byte = 0;

		(void)span_take_u8(&m, &ext);
		(void)span_take_u8(&m, &byte);
		if (ext == 0)
			fprintf(w->trace, " handshake");
		else
			fprintf(w->trace, " %u:%u", ext, byte);
		return;
	}
	if (id == WIRE_BITFIELD)
		return;
	for (n = 0; n < 3 && span_take_be32(&m, &v[n]) == 0; n++)
		;
	for (i = 0; i < n; i++)
		fprintf(w->trace, " %" PRIu32, v[i]);
}

static void
trace_send(struct world *w, struct span in)
{
	const char *sep = "";

	if (in.n >= WIRE_HANDSHAKE_BYTES && in.p[0] == 19) {
		fprintf(w->trace, "handshake");
		in.p += WIRE_HANDSHAKE_BYTES;
		in.n -= WIRE_HANDSHAKE_BYTES;
		sep = ", ";
	}
	while (in.n >= 4) {
		uint32_t n = 0;
		struct span m;

		(void)span_take_be32(&in, &n);
		if (span_take(&in, n, &m) != 0)
			break;
		fprintf(w->trace, "%s", sep);
		trace_message(w, m);
		sep = ", ";
	}
}

void
trace_action(struct world *w, uint32_t host, const struct action *a)
{
	static const char *const events[] = {
	    "", " started", " completed", " stopped"};
	uint32_t to = host_behind(w, host, a->peer);

	stamp(w, host);
	switch (a->kind) {
	case ACTION_DIAL:
		fprintf(
		    w->trace, "dials h%" PRIu32, world_host_at(w, &a->addr));
		break;
	case ACTION_CLOSE:
		fprintf(w->trace, "closes h%" PRIu32 ": %s", to,
		    close_reason_text(a->reason));
		break;
	case ACTION_SEND:
		fprintf(w->trace, "to h%" PRIu32 ": ", to);
		trace_send(w, a->bytes);
		break;
	case ACTION_SEND_BLOCK:
		fprintf(w->trace, "to h%" PRIu32, to);
		trace_block(w, ": block", &a->block);
		break;
	case ACTION_RECEIVE:
		fprintf(w->trace, "from h%" PRIu32, to);
		trace_block(
		    w, a->discard ? ": discards" : ": receives", &a->block);
		break;
	case ACTION_MEASURE:
		fprintf(w->trace, "measures h%" PRIu32, to);
		break;
	case ACTION_STORE:
		fprintf(w->trace, "stores %" PRIu32, a->block.piece);
		break;
	case ACTION_DROP:
		fprintf(w->trace, "drops %" PRIu32, a->block.piece);
		break;
	case ACTION_ANNOUNCE:
		fprintf(w->trace, "announces%s, left %" PRIu64,
		    events[a->announce.query.event], a->announce.query.left);
		break;
	case ACTION_FINISHED:
		fprintf(w->trace, "finished");
		break;
	}
	fprintf(w->trace, "\n");
}

void
trace_event(struct world *w, uint32_t host, peer_t p, const char *what)
{
	stamp(w, host);
	fprintf(w->trace, "h%" PRIu32 " %s\n", host_behind(w, host, p), what);
}

void
trace_stored(
    struct world *w, uint32_t host, uint32_t piece, enum swarm_stored how)
{
	stamp(w, host);
	fprintf(w->trace, "piece %" PRIu32 " %s\n", piece,
	    how == SWARM_STORED ? "is stored" : "is wrong");
}

void
trace_reply(struct world *w, uint32_t host, int err)
{
	stamp(w, host);
	fprintf(
	    w->trace, "tracker %s\n", err == 0 ? "answers" : err_sentence(err));
}
