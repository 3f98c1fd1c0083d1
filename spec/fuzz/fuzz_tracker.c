/*
 * The tracker engine: bytes become announces, scrapes, stats and passing time.
 * Every reply must parse, never name the asker, and its counts must be those
 * of a model that remembers who announced what.
 */
#include "fuzz.h"

#include <string.h>

#include "core/announce.h"
#include "core/tracker.h"

enum { N_HOSTS = 32, N_TORRENTS = 4, MAX_CALLS = 500 };

struct model {
	struct tracker *t;
	struct instant now;
	struct instant seen[N_TORRENTS][N_HOSTS];
	bool here[N_TORRENTS][N_HOSTS];
	bool seed[N_TORRENTS][N_HOSTS];
};

static struct addr
addr_of(unsigned host)
{
	struct addr a = {.family = ADDR_V4, .port = 6881};

	a.ip[0] = 10;
	a.ip[3] = (uint8_t)host;
	return a;
}

static uint32_t
count(const struct model *m, unsigned torrent, bool seed)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < N_HOSTS; i++)
		n += m->here[torrent][i] && m->seed[torrent][i] == seed &&
		     !tick_due(
			 tick_add(m->seen[torrent][i], TICK_S(45)), m->now);
	return n;
}

/* Links lead to others who are there, each stripe from one of them. */
static void
check_links(const struct model *m, const struct announce_reply *r,
    unsigned torrent, unsigned host)
{
	struct announce_link link[ANNOUNCE_LINKS];
	uint32_t i, n = announce_reply_links(r, link);
	stripes_t from = 0;

	for (i = 0; i < n; i++) {
		unsigned other = link[i].addr.ip[3];

		assert(other != host && m->here[torrent][other]);
		if (link[i].down)
			continue;
		assert((from & stripe_bit(link[i].stripe)) == 0);
		from |= stripe_bit(link[i].stripe);
	}
}

static void
announce(struct model *m, unsigned torrent, unsigned host, uint8_t how)
{
	struct announce_query q = {.port = 6881,
	    .left = how & 3,
	    .event = (enum announce_event)(how >> 2 & 3),
	    .numwant = how >> 4,
	    .compact = (how & 16) != 0};
	struct tracker_ends ends = {.from = addr_of(host), .to = addr_of(99)};
	struct announce_reply r;
	struct addr got[LIMIT_NUMWANT], mates[LIMIT_NUMWANT];
	uint32_t n;
	struct buf out;

	q.info_hash[0] = (uint8_t)torrent;
	if (host % 4 != 0) /* those with a label; they move about */
		q.rack[0] = (char)('a' + (how ^ host) % 3);
	q.peer_id[0] = (uint8_t)(host + 1);
	q.striped = (how & 32) != 0;
	q.lost = how & STRIPES_ALL;
	q.behind = how >> 4 & STRIPES_ALL;
	q.has_stuck = (how & 64) != 0;
	q.stuck = addr_of((how ^ host) % N_HOSTS);
	buf_init(&out, &fuzz_mem, LIMIT_REPLY_BYTES);
	assert(tracker_announce(m->t, &q, &ends, m->now, &out) == 0);
	assert(announce_parse_reply(&r, buf_span(&out)) == 0);
	m->here[torrent][host] = q.event != ANNOUNCE_STOPPED;
	m->seed[torrent][host] = q.left == 0;
	m->seen[torrent][host] = m->now;
	assert(r.failure.n == 0);
	assert(r.complete == count(m, torrent, true));
	assert(r.incomplete == count(m, torrent, false));
	n = announce_reply_peers(&r, got, LIMIT_NUMWANT);
	assert(n <= q.numwant);
	assert(announce_reply_mates(&r, mates, LIMIT_NUMWANT) <= n);
	for (uint32_t i = 0; i < n; i++) {
		unsigned other = got[i].ip[3];

		assert(other != host && m->here[torrent][other]);
		assert(q.left != 0 || !m->seed[torrent][other]);
	}
	check_links(m, &r, torrent, host);
	buf_free(&out);
}

static void
look(struct model *m, uint8_t how)
{
	struct announce_scrape s = {.n = how % (N_TORRENTS + 1)};
	struct buf out;

	for (uint32_t i = 0; i < s.n; i++)
		s.info_hash[i][0] = (uint8_t)i;
	buf_init(&out, &fuzz_mem, 1u << 20);
	if (how < 128)
		assert(tracker_scrape(m->t, &s, m->now, &out) == 0);
	else
		assert(tracker_stats(m->t, m->now, &out) == 0);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {data, size};
	struct model m = {.now = {.ns = 1}};
	struct tracker_config c;
	uint8_t what, how;

	tracker_config_init(&c);
	c.mem = &fuzz_mem;
	c.seed = size;
	assert(tracker_new(&m.t, &c) == 0);
	for (unsigned n = 0; n < MAX_CALLS && span_take_u8(&in, &what) == 0 &&
			     span_take_u8(&in, &how) == 0;
	     n++) {
		if (what < 192)
			announce(
			    &m, what % N_TORRENTS, what / N_TORRENTS % 32, how);
		else if (what < 224)
			look(&m, how);
		else if (what < 240)
			m.now = tick_add(m.now, TICK_MS(how * 100));
		else
			tracker_expire(m.t, m.now);
		assert(what < 240 || !tick_due(tracker_deadline(m.t), m.now));
	}
	tracker_free(m.t);
	return 0;
}
