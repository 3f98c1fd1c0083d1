/*
 * Racks (doc/SCHEDULER.md): each piece is to come into a rack once. Hosts that
 * were given labels and know one another agree, by a hash and without a word,
 * who brings in which piece; of neighbours elsewhere a host asks for nothing
 * but its share of what no rack-mate has. A seeder tells no label: it is
 * elsewhere for everybody, for it cannot feed its rack alone.
 */
#include <string.h>

#include "swarm_int.h"

/* Pieces we must have before we judge others by their number. */
#define PACE_KNOWN 8u

/* A mate that lacks pieces and has not been heard of for so many pieces'
 * times, or at least so long, may be dead. */
#define QUIET_PIECES 16u
#define QUIET_MIN TICK_MS(150)

/* Nothing came for so many pieces' times, or at least so long: the plan does
 * not work. */
#define DESPERATE_PIECES 16u
#define DESPERATE_MIN TICK_MS(150)

/* Places kept for whom we know fewer of: rack-mates or others. */
#define RESERVE 4u

static uint64_t
at_least(uint64_t ns, struct duration min)
{
	return ns < min.ns ? min.ns : ns;
}

static bool
is_near(const struct swarm *s, const struct peer *p)
{
	return p->kin && p->rack == s->rack.own;
}

/* One whom we trust to bring in its share, and what it has to us. */
static bool
is_mate(const struct swarm *s, const struct peer *p)
{
	uint64_t quiet = at_least(QUIET_PIECES * s->piece_pause.ns, QUIET_MIN);

	if (!is_near(s, p) || p->snubbed)
		return false;
	if (bits_full(&p->have) || s->have.n_set < PACE_KNOWN)
		return true;
	return p->have.n_set >= s->have.n_set / 2 &&
	       tick_since(p->heard, s->now).ns <= quiet;
}

static bool
is_desperate(const struct swarm *s)
{
	uint64_t ns =
	    at_least(DESPERATE_PIECES * s->piece_pause.ns, DESPERATE_MIN);

	if (s->have.n_set < PACE_KNOWN)
		ns = s->c.silence.ns;
	return tick_since(s->stats.progress, s->now).ns > ns;
}

/* Whether a mate has the piece or, unless we are desperate, is to bring it. */
static bool
is_theirs(const struct swarm *s, uint32_t piece)
{
	const uint64_t own = rack_weight(s->rack.member, piece);
	const struct peer *p;
	uint32_t i;

	for (EACH_SLOT(i, &s->rack.mates)) {
		p = s->peers[i];
		if (bits_get(&p->have, piece) ||
		    (!s->rack.desperate && rack_weight(p->member, piece) > own))
			return true;
	}
	return false;
}

/* Who is a mate now, and who is far. */
static void
sort_neighbours(struct swarm *s)
{
	bool others = false;
	struct slots near = {{0}};
	const struct peer *p;
	uint32_t i;

	s->rack.mates = near;
	for (EACH_SLOT(i, &s->set.up)) {
		p = s->peers[i];
		others |= p->rack != RACK_UNKNOWN && p->rack != s->rack.own;
		slots_put(&near, i, is_near(s, p));
		slots_put(&s->rack.mates, i, is_mate(s, p));
	}
	s->rack.active = others && slots_n(s->rack.mates) > 0;
	s->rack.far = s->rack.active ? slots_without(s->set.up, near)
				     : (struct slots){{0}};
}

static void
share_out(struct swarm *s)
{
	uint32_t i;

	bits_clear_all(&s->rack.imports);
	for (i = 0; s->rack.active && i < s->c.n_pieces; i++)
		if (!bits_get(&s->have, i) && !is_theirs(s, i))
			bits_set(&s->rack.imports, i);
	s->recheck = true;
}

int
rack_init(struct swarm *s)
{
	s->rack.own = s->began_complete ? RACK_UNKNOWN
					: rack_of_label(span_str(s->c.rack));
	s->rack.member = rack_member(s->c.peer_id);
	if (s->rack.own == RACK_UNKNOWN)
		return 0;
	return bits_init(&s->rack.imports, s->c.mem, s->c.n_pieces);
}

void
rack_review(struct swarm *s, bool anew)
{
	struct slots mates = s->rack.mates;
	bool active = s->rack.active, desperate = s->rack.desperate;

	if (s->rack.own == RACK_UNKNOWN)
		return;
	s->rack.desperate = is_desperate(s);
	sort_neighbours(s);
	if (anew || active != s->rack.active ||
	    desperate != s->rack.desperate ||
	    memcmp(&mates, &s->rack.mates, sizeof(mates)) != 0)
		share_out(s);
}

bool
rack_is_crowded(const struct swarm *s, const struct peer *p)
{
	uint32_t mates = slots_n(s->rack.mates);

	if (!s->rack.active || p->outgoing ||
	    s->n_slots_used + RESERVE <= swarm_places(s))
		return false;
	if (!is_near(s, p))
		mates = s->n_up - mates;
	return mates > swarm_places(s) / 2;
}

void
rack_on_have(struct swarm *s, const struct peer *p, uint32_t piece)
{
	if (slots_has(&s->rack.mates, p->slot))
		bits_clear(&s->rack.imports, piece);
}

void
rack_on_stored(struct swarm *s, uint32_t piece)
{
	if (s->rack.active)
		bits_clear(&s->rack.imports, piece);
}

bool
rack_is_far(const struct swarm *s, const struct peer *p)
{
	return slots_has(&s->rack.far, p->slot);
}

bool
rack_may_ask(const struct swarm *s, const struct peer *p, uint32_t piece)
{
	if (!stripe_is_open(s, piece))
		return false;
	/* What only the seeder has is a copy that must get out. */
	return !rack_is_far(s, p) || bits_get(&s->rack.imports, piece) ||
	       (p->suggested == piece && s->picker.n_owners[piece] <= 1);
}

uint32_t
rack_pick(struct swarm *s, const struct peer *p)
{
	const struct bits *mine = &s->rack.imports;
	uint32_t i, n, best = s->c.n_pieces, least = UINT32_MAX, n_ties = 0;

	if (!rack_is_far(s, p))
		return picker_pick(
		    &s->picker, &p->have, s->stripe.open, &s->rng);
	for (i = bits_next_common(mine, &p->have, 0); i < mine->n;
	     i = bits_next_common(mine, &p->have, i + 1)) {
		n = s->picker.n_owners[i];
		if (n > least || !picker_is_open(&s->picker, i))
			continue;
		if (n < least)
			n_ties = 0;
		least = n;
		if (rng_below(&s->rng, ++n_ties) == 0)
			best = i;
	}
	return best;
}
