#include "asker.h"

#include "unit.h"

void
asked_init(struct asked *a, uint64_t seed)
{
	struct tracker_config c;

	memset(a, 0, sizeof(*a));
	failalloc_init(&a->f, 0);
	tracker_config_init(&c);
	c.mem = &a->f.mem;
	c.seed = seed;
	a->now = (struct instant){.ns = 1};
	buf_init(&a->out, &a->f.mem, 1u << 20);
	assert_int_equal(tracker_new(&a->t, &c), 0);
}

void
asked_free(struct asked *a)
{
	buf_free(&a->out);
	tracker_free(a->t);
	failalloc_check(&a->f);
}

struct addr
asker_addr(uint32_t n)
{
	uint8_t ip[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
	struct addr addr;

	assert_int_equal(
	    addr_from_bytes(&addr, (struct span){.p = ip, .n = 4}, 6881), 0);
	return addr;
}

struct announce_query
asker(uint32_t n, uint64_t left)
{
	struct announce_query q = {
	    .port = 6881, .left = left, .numwant = UINT32_MAX, .compact = true};

	memset(q.info_hash, 'T', 20);
	memset(q.peer_id, 'p', 20);
	memcpy(q.peer_id, &n, sizeof(n));
	return q;
}

static void
announce(struct asked *a, const struct announce_query *q,
    const struct tracker_ends *ends)
{
	buf_clear(&a->out);
	assert_int_equal(tracker_announce(a->t, q, ends, a->now, &a->out), 0);
	assert_int_equal(announce_parse_reply(&a->reply, buf_span(&a->out)), 0);
	a->n_peers = announce_reply_peers(&a->reply, a->peers, LIMIT_NUMWANT);
}

static struct addr
tracker_addr(void)
{
	struct addr addr;

	assert_int_equal(addr_from_text(&addr, SPAN_LIT("10.255.0.1"), 0), 0);
	return addr;
}

void
ask_from(struct asked *a, const struct announce_query *q, const char *from)
{
	struct tracker_ends ends = {.to = tracker_addr()};

	assert_int_equal(addr_from_text(&ends.from, span_str(from), 50000), 0);
	announce(a, q, &ends);
}

void
ask(struct asked *a, const struct announce_query *q, uint32_t n)
{
	struct tracker_ends ends = {
	    .from = asker_addr(n), .to = tracker_addr()};

	announce(a, q, &ends);
}

bool
was_given(const struct asked *a, const struct addr *addr)
{
	for (uint32_t i = 0; i < a->n_peers; i++)
		if (addr_equal(&a->peers[i], addr))
			return true;
	return false;
}

void
say_event(struct asked *a, uint32_t n, uint64_t left, enum announce_event event)
{
	struct announce_query q = asker(n, left);

	q.event = event;
	ask(a, &q, n);
}

void
come(struct asked *a, uint32_t n, uint64_t left)
{
	say_event(a, n, left, ANNOUNCE_STARTED);
}
