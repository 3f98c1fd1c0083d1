/*
 * Announce: whatever a query says, what we write of it reads the same again;
 * replies are read without a byte beyond their end, and their peers can be
 * told to others. The first byte chooses the direction.
 */
#include "fuzz.h"

#include <string.h>

#include "core/announce.h"
#include "core/err.h"
#include "core/rack.h"

static bool
same_query(const struct announce_query *a, const struct announce_query *b)
{
	return memcmp(a->info_hash, b->info_hash, 20) == 0 &&
	       memcmp(a->peer_id, b->peer_id, 20) == 0 && a->port == b->port &&
	       a->event == b->event && a->numwant == b->numwant &&
	       a->key == b->key && a->compact == b->compact &&
	       a->no_peer_id == b->no_peer_id && a->has_ip == b->has_ip &&
	       strcmp(a->rack, b->rack) == 0 && a->striped == b->striped &&
	       a->lost == b->lost && a->behind == b->behind &&
	       a->has_stuck == b->has_stuck &&
	       (!a->has_stuck || addr_equal(&a->stuck, &b->stuck)) &&
	       (!a->has_ip || addr_same_host(&a->ip, &b->ip));
}

static void
fuzz_query(struct span in)
{
	struct announce_scrape s;
	struct announce_query a, b;
	const char *key;
	struct buf out;
	struct span query;

	if (announce_parse_scrape(&s, in) == 0)
		assert(s.n <= LIMIT_SCRAPE);
	if (announce_parse_query(&a, in, &key) != 0) {
		assert(key != NULL && strlen(key) > 0);
		return;
	}
	assert(a.rack[0] == '\0' || rack_label_ok(span_str(a.rack)));
	buf_init(&out, &fuzz_mem, LIMIT_QUERY_BYTES);
	assert(announce_put_url(&out, SPAN_LIT("u"), &a) == 0);
	query = buf_span(&out);
	assert(span_take(&query, 2, &(struct span){0}) == 0);
	assert(announce_parse_query(&b, query, &key) == 0);
	assert(same_query(&a, &b));
	buf_free(&out);
}

static void
fuzz_reply(struct span in)
{
	struct announce_peer peers[64];
	struct announce_answer answer = {.peers = peers, .compact = true};
	struct announce_reply r, again;
	struct announce_link link[ANNOUNCE_LINKS];
	struct addr got[64], got_again[64];
	struct buf out;

	if (announce_parse_reply(&r, in) != 0)
		return;
	answer.n_peers = announce_reply_peers(&r, got, 64);
	assert(answer.n_peers <= 64);
	memset(peers, 0, sizeof(peers));
	for (uint32_t i = 0; i < answer.n_peers; i++) {
		assert(got[i].port != 0);
		peers[i].addr = got[i];
	}
	answer.interval_s = r.interval_s;
	answer.external = (struct addr){.family = ADDR_V4};
	answer.compact = in.n % 2 == 0;
	if (answer.compact) /* they stand in no other */
		answer.n_links = announce_reply_links(&r, answer.link);
	assert(answer.n_links <= ANNOUNCE_LINKS);
	buf_init(&out, &fuzz_mem, LIMIT_REPLY_BYTES);
	assert(announce_build_answer(&out, &answer) == 0);
	assert(announce_parse_reply(&again, buf_span(&out)) == 0);
	assert(again.interval_s == r.interval_s);
	assert(announce_reply_peers(&again, got_again, 64) == answer.n_peers);
	assert(announce_reply_mates(&r, got, 64) <= 64);
	assert(announce_reply_links(&again, link) == answer.n_links);
	for (uint32_t i = 0; i < answer.n_links; i++) {
		assert(link[i].stripe < STRIPES);
		assert(link[i].stripe == answer.link[i].stripe &&
		       link[i].down == answer.link[i].down &&
		       addr_equal(&link[i].addr, &answer.link[i].addr));
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {data, size};
	uint8_t direction;

	if (span_take_u8(&in, &direction) != 0)
		return 0;
	if (direction == 'r')
		fuzz_reply(in);
	else
		fuzz_query(in);
	return 0;
}
