/*
 * What the tracker tells about its swarms: scrape (BEP 48) and /stats.
 */
#include <string.h>

#include "benc.h"
#include "err.h"
#include "tracker.h"
#include "tracker_table.h"

static uint32_t
n_seeds(const struct tracker_torrent *tor)
{
	return tor->list[CLASS_ORIGIN].n + tor->list[CLASS_COMPLETED].n;
}

/* ---- scrape -------------------------------------------------------------- */

static int
by_info_hash(const struct tracker_torrent *a, const struct tracker_torrent *b)
{
	return memcmp(a->info_hash, b->info_hash, sizeof(a->info_hash));
}

static void
scrape_torrent(struct buf *out, const struct tracker_torrent *tor)
{
	(void)benc_put_str(out,
	    (struct span){.p = tor->info_hash, .n = sizeof(tor->info_hash)});
	(void)benc_put_dict(out);
	(void)benc_put_key(out, "complete");
	(void)benc_put_int(out, n_seeds(tor));
	(void)benc_put_key(out, "downloaded");
	(void)benc_put_int(out, tor->completed);
	(void)benc_put_key(out, "incomplete");
	(void)benc_put_int(out, tor->list[CLASS_LEECHER].n);
	(void)benc_put_end(out);
}

/* The torrents asked for, in the order of their hashes, each once. */
static void
scrape_some(struct tracker *t, const struct announce_scrape *s, struct buf *out)
{
	const uint8_t *last = NULL;

	for (uint32_t i = 0; i < s->n; i++) {
		const uint8_t *next = NULL;
		const struct tracker_torrent *tor;

		for (uint32_t k = 0; k < s->n; k++) {
			const uint8_t *h = s->info_hash[k];

			if ((last == NULL || memcmp(h, last, 20) > 0) &&
			    (next == NULL || memcmp(h, next, 20) < 0))
				next = h;
		}
		if (next == NULL)
			return;
		tor = tracker_find_torrent(t, next);
		if (tor != NULL)
			scrape_torrent(out, tor);
		last = next;
	}
}

int
tracker_scrape(struct tracker *t, const struct announce_scrape *s,
    struct instant now, struct buf *out)
{
	tracker_expire(t, now);
	(void)benc_put_dict(out);
	(void)benc_put_key(out, "files");
	(void)benc_put_dict(out);
	if (s->n > 0) {
		scrape_some(t, s, out);
	} else {
		HASH_SORT(t->torrents, by_info_hash);
		for (struct tracker_torrent *tor = t->torrents; tor != NULL;
		     tor = tor->hh.next)
			scrape_torrent(out, tor);
	}
	(void)benc_put_end(out);
	(void)benc_put_end(out);
	return buf_error(out);
}

/* ---- stats --------------------------------------------------------------- */

static void
put_hex(struct buf *out, const char *name, const uint8_t *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	(void)buf_put_str(out, name);
	(void)buf_put_u8(out, '"');
	for (size_t i = 0; i < n; i++) {
		(void)buf_put_u8(out, (uint8_t)hex[p[i] >> 4]);
		(void)buf_put_u8(out, (uint8_t)hex[p[i] & 15]);
	}
	(void)buf_put_u8(out, '"');
}

static void
put_count(struct buf *out, const char *name, uint64_t v)
{
	(void)buf_put_str(out, name);
	(void)buf_put_int(out, v <= INT64_MAX ? (int64_t)v : INT64_MAX);
}

static uint64_t
seconds(struct instant earlier, struct instant later)
{
	return tick_since(earlier, later).ns / TICK_S(1).ns;
}

static void
stats_peer(struct buf *out, const struct tracker_peer *p, struct instant now)
{
	char text[ADDR_TEXT];
	struct addr a;

	tracker_peer_addr(p, &a);
	addr_to_text(&a, text);
	(void)buf_put_str(out, "{\"address\":\"");
	(void)buf_put_str(out, text);
	put_hex(out, "\",\"peer_id\":", p->peer_id, sizeof(p->peer_id));
	put_count(out, ",\"left\":", p->left);
	put_count(out, ",\"downloaded\":", p->downloaded);
	put_count(out, ",\"uploaded\":", p->uploaded);
	put_count(out, ",\"last_seen\":", seconds(p->last_seen, now));
	(void)buf_put_str(out, "}");
}

static void
stats_torrent(struct buf *out, const struct tracker *t,
    const struct tracker_torrent *tor, struct instant now)
{
	put_hex(out, "{\"info_hash\":", tor->info_hash, sizeof(tor->info_hash));
	put_count(out, ",\"seeds\":", n_seeds(tor));
	put_count(out, ",\"leechers\":", tor->list[CLASS_LEECHER].n);
	put_count(out, ",\"completed\":", tor->completed);
	(void)buf_put_str(out, ",\"peers\":[");
	for (uint32_t i = 0; i < tor->by_key.n; i++) {
		if (i > 0)
			(void)buf_put_u8(out, ',');
		stats_peer(out, tracker_peer_at(t, tor, i), now);
	}
	(void)buf_put_str(out, "]}");
}

int
tracker_stats(struct tracker *t, struct instant now, struct buf *out)
{
	tracker_expire(t, now);
	put_count(out, "{\"uptime\":", seconds(t->started, now));
	put_count(out, ",\"announces\":", t->n_announces);
	(void)buf_put_str(out, ",\"swarms\":[");
	for (const struct tracker_torrent *tor = t->torrents; tor != NULL;
	     tor = tor->hh.next) {
		stats_torrent(out, t, tor, now);
		if (tor->hh.next != NULL && buf_error(out) == 0)
			(void)buf_put_u8(out, ',');
	}
	(void)buf_put_str(out, "]}");
	return buf_error(out);
}
