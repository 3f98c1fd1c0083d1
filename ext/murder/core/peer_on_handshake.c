/*
 * BEP 3: "the connection starts with a handshake"; whoever names another
 * torrent or turns out to be ourselves is closed.
 */
#include <string.h>

#include "swarm_int.h"

/*
 * Two hosts that dial each other at the same moment have two connections.
 * Both keep the one that was dialled by the smaller peer id, so they agree.
 */
static bool
keep_new(const struct swarm *s, const struct peer *p)
{
	bool we_are_smaller =
	    memcmp(s->c.peer_id, p->peer_id, WIRE_ID_BYTES) < 0;

	return p->outgoing == we_are_smaller;
}

static struct peer *
twin_of(const struct swarm *s, const struct peer *p)
{
	uint32_t i;
	struct peer *q;

	for (EACH_SLOT(i, &s->set.up)) {
		q = s->peers[i];
		if (q != p &&
		    memcmp(q->peer_id, p->peer_id, WIRE_ID_BYTES) == 0)
			return q;
	}
	return NULL;
}

void
peer_on_handshake(
    struct swarm *s, struct peer *p, const struct wire_handshake *h)
{
	struct peer *twin;

	if (memcmp(h->info_hash, s->c.info_hash, sizeof(h->info_hash)) != 0) {
		peer_close(s, p, CLOSE_OTHER_TORRENT);
		return;
	}
	if (memcmp(h->peer_id, s->c.peer_id, sizeof(h->peer_id)) == 0) {
		dial_ban(s, p, true);
		peer_close(s, p, CLOSE_SELF);
		return;
	}
	memcpy(p->peer_id, h->peer_id, sizeof(p->peer_id));
	twin = twin_of(s, p);
	if (twin != NULL && twin->outgoing == p->outgoing) {
		/* Its old connection may be dead without our knowing. */
		peer_close(s, twin, CLOSE_DUPLICATE);
	} else if (twin != NULL) {
		peer_close(s, keep_new(s, p) ? twin : p, CLOSE_DUPLICATE);
		if (p->state == PEER_CLOSED)
			return;
	}
	if (!p->outgoing)
		peer_say_handshake(s, p);
	p->fast = h->fast;
	p->extended = h->extended;
	p->state = PEER_UP;
	p->up_at = s->now;
	s->n_up++;
	peer_mark(s, p);
	peer_say_hello(s, p);
}
