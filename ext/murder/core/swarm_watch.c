/*
 * Whether stripes come to us as they should (swarm_stripe.c). Whose link is
 * slow leaves the trees. Who gets a stripe later than the others asks the
 * tracker, in whose plan the sender may be gone: those who send to that one
 * have told it. A stripe that lags far behind, or falls silent all the same,
 * ends the pushing for everybody: who asked for pieces among others to whom all
 * is pushed would get the rest of their links, and come last.
 */
#include "swarm_int.h"

/* A stripe is late if it is behind the one that is furthest by this part of
 * all pieces, or the least. */
#define LATE_PART 16u
#define LATE_MIN 8u

/* It is silent if it is behind by this, and nothing of it came for so many
 * times its usual pause, and so long. */
#define SILENT_LAG 3u
#define SILENT_PIECES 48u
#define SILENT_MIN TICK_MS(500)

/* It is behind by this part, or LATE_MIN, or pauses: the tracker is asked, so
 * often, after times that grow. */
#define BEHIND_PART 128u
#define PAUSE_PIECES 8u
#define PAUSE_MIN TICK_MS(150)
#define ENQUIRE_MS 100u
#define ENQUIRIES 8u

/* So many were in vain: it asks for another sender, if one has room. */
#define IN_VAIN 4u

/* Nothing was behind for so long: it has passed. */
#define CALM TICK_S(5)

/* Nothing of use came for so many pieces' times, within these limits. */
#define IDLE_PIECES 64u
#define IDLE_MIN TICK_MS(200)
#define IDLE_MAX TICK_MS(1000)

/* Or this many, where a piece takes long. */
#define IDLE_SLOW 16u

/* In the end. */
#define IDLE_END 4u

/* The first pieces may be long on their way down the trees, at a rate that is
 * not known yet: as long as few of the neighbours have any, so long. */
#define IDLE_FIRST TICK_S(10)

/* That happened so often, with no more than so many pieces between. */
#define IDLE_OFTEN 3u
#define IDLE_APART 64u

/* What lacks in the end may be asked for when so many neighbours are complete,
 * one of them perhaps the seeder, and have little left to pass on, and a stripe
 * lacks so many pieces more than another: what comes evenly fills our link. And
 * when a stripe is whole, its part of our link idle, and another lacks this
 * part of all pieces. */
#define ENDING 2u
#define MUCH 6u
#define UNEVEN_PART 32u

/* The seeder's link idled at so many looks in a row. */
#define SLOW_TIMES 6u

static uint32_t
part_of_all(const struct swarm *s, uint32_t part)
{
	uint32_t n = s->c.n_pieces / part;

	return n < LATE_MIN ? LATE_MIN : n;
}

/* Whether nothing of stripe i was pushed for so many times its usual pause, and
 * so long. */
static bool
is_quiet(const struct swarm *s, uint32_t i, uint32_t times, struct duration min)
{
	uint64_t ns = tick_since(s->stripe.began, s->now).ns;

	ns = ns / (s->n_news + 1) * STRIPES * times;
	ns = ns < min.ns ? min.ns : ns;
	return tick_since(s->stripe.fed_at[i], s->now).ns > ns;
}

/* By how much stripe i is behind the one that is furthest; one that is whole
 * does not count as further than it could be. */
static uint32_t
lag_among(const struct swarm *s, uint32_t i, const uint32_t n_of[STRIPES])
{
	uint32_t k, most = 0, all = stripe_n_pieces(i, s->c.n_pieces);

	for (k = 0; k < STRIPES; k++)
		if (n_of[k] > most)
			most = n_of[k];
	most = most < all ? most : all;
	return most > n_of[i] ? most - n_of[i] : 0;
}

/* What came otherwise makes neither a stripe that is pushed lag, nor hides
 * that it does not. */
uint32_t
watch_lag(const struct swarm *s, uint32_t i)
{
	uint32_t a = lag_among(s, i, s->stripe.n_got);
	uint32_t b = lag_among(s, i, s->stripe.n_fed);

	return a < b ? a : b;
}

/* The same since its sender began. */
static uint32_t
new_lag(const struct swarm *s, uint32_t i)
{
	uint32_t lag = watch_lag(s, i);

	return lag > s->stripe.base[i] ? lag - s->stripe.base[i] : 0;
}

static bool
is_late(const struct swarm *s, uint32_t i)
{
	return new_lag(s, i) >= part_of_all(s, LATE_PART);
}

static bool
is_behind(const struct swarm *s, uint32_t i)
{
	uint32_t lag = new_lag(s, i);

	return lag >= part_of_all(s, BEHIND_PART) ||
	       (lag >= SILENT_LAG && is_quiet(s, i, PAUSE_PIECES, PAUSE_MIN));
}

static bool
is_silent(const struct swarm *s, uint32_t i)
{
	return new_lag(s, i) >= SILENT_LAG &&
	       is_quiet(s, i, SILENT_PIECES, SILENT_MIN);
}

/* Whether the sender of stripe i has more of it than it sends in time. */
static bool
holds_back(const struct swarm *s, uint32_t i)
{
	uint32_t giver = s->stripe.giver[i], piece = 0, n = 0;
	const struct peer *p;

	p = giver == 0 ? NULL : peer_of(s, s->known[giver - 1].peer);
	if (p == NULL || p->state != PEER_UP)
		return false;
	while (n < part_of_all(s, BEHIND_PART)) {
		piece = bits_next_missing(&p->have, &s->have, piece);
		if (piece == s->c.n_pieces)
			return false;
		n += stripe_of(piece++) == i;
	}
	return true;
}

static stripes_t
held_back(const struct swarm *s)
{
	stripes_t of = 0;
	uint32_t i;

	for (i = 0; i < STRIPES; i++)
		if (holds_back(s, i) && is_behind(s, i))
			of |= stripe_bit(i);
	return of;
}

/* All below a sender that is gone are behind at the same time, and only those
 * next to it are to get another: they ask after pauses of chance, which
 * double. */
static void
enquire(struct swarm *s)
{
	uint32_t ms = ENQUIRE_MS << s->stripe.n_enquiries;

	if (!tick_due(s->stripe.enquire_at, s->now) ||
	    s->stripe.n_enquiries >= ENQUIRIES)
		return;
	if (s->stripe.n_enquiries >= IN_VAIN)
		s->stripe.behind = held_back(s);
	if (s->stripe.n_enquiries++ > 0)
		s->stripe.complain_at = tick_min(s->stripe.complain_at, s->now);
	ms = ms / 2 + rng_below(&s->rng, ms);
	s->stripe.enquire_at = tick_add(s->now, TICK_MS(ms));
}

/* It falls idle again and again, which no stripe shows alone: all remains open
 * then. */
static void
count_idle(struct swarm *s)
{
	if (s->have.n_set - s->stripe.idle_at > IDLE_APART)
		s->stripe.n_idle = 0;
	s->stripe.n_idle++;
	s->stripe.idle_at = s->have.n_set;
}

/* It does not work. For whom the tracker does not plan that says nothing about
 * the others. */
static void
give_up(struct swarm *s)
{
	if (s->stripe.retired)
		stripe_leave_trees(s);
	else
		stripe_quit(s);
}

static uint32_t
n_left(const struct swarm *s, uint32_t i)
{
	return stripe_n_pieces(i, s->c.n_pieces) - s->stripe.n_got[i];
}

/* Whether a stripe is whole. */
static bool
ends(const struct swarm *s)
{
	uint32_t i;

	for (i = 0; i < STRIPES; i++)
		if (n_left(s, i) == 0)
			return true;
	return false;
}

/* Whether the rest may be asked for. */
static bool
is_ending(const struct swarm *s)
{
	uint32_t i, least = UINT32_MAX, most = 0;

	for (i = 0; i < STRIPES; i++) {
		least = n_left(s, i) < least ? n_left(s, i) : least;
		most = n_left(s, i) > most ? n_left(s, i) : most;
	}
	if (slots_n(s->set.full) >= ENDING && most - least >= MUCH)
		return true;
	return least == 0 && most >= part_of_all(s, UNEVEN_PART);
}

/* Whether most neighbours have a piece of each stripe, or could. */
static bool
others_began(const struct swarm *s)
{
	uint32_t i, n = 0;

	for (EACH_SLOT(i, &s->set.kin))
		n += s->n_have[i] >= STRIPES;
	return n * 2 > slots_n(s->set.kin);
}

/* Nothing for so long means that nothing comes. */
static uint64_t
idle_limit_ns(const struct swarm *s)
{
	uint64_t pause = s->piece_pause.ns, ns = pause * IDLE_PIECES;
	uint64_t most = pause * IDLE_SLOW;

	if (s->have.n_set < STRIPES)
		return others_began(s) ? IDLE_MAX.ns : IDLE_FIRST.ns;
	most = most < IDLE_MAX.ns ? IDLE_MAX.ns : most;
	most = most < IDLE_FIRST.ns ? most : IDLE_FIRST.ns;
	if (ends(s))
		ns = pause * IDLE_END;
	if (ns < IDLE_MIN.ns)
		return IDLE_MIN.ns;
	return ns < most ? ns : most;
}

static bool
is_idle(const struct swarm *s)
{
	struct instant since = tick_before(s->payload_at, s->stripe.since)
				   ? s->stripe.since
				   : s->payload_at;

	return tick_since(since, s->now).ns > idle_limit_ns(s);
}

/* ---- whether we are fit for it ------------------------------------------ */

/* Looked at so often, and when most neighbours got a fair number since: news of
 * what they have come many at once. */
#define FIT_TIME TICK_S(2)
#define FIT_MIN 64u

/* If most got so many times the pieces we got, we would hold up those to whom
 * we are to send. */
#define FIT_TIMES 4u

/* Whether most neighbours that are not complete got that many. */
static bool
most_gained(const struct swarm *s, uint32_t many)
{
	struct slots of = slots_without(s->set.kin, s->set.full);
	uint32_t i, n = 0;

	for (EACH_SLOT(i, &of))
		n += s->n_have[i] - s->peers[i]->n_seen > many;
	return n * 2 > slots_n(of);
}

static void
check_fitness(struct swarm *s)
{
	uint32_t i;
	bool known = s->stripe.fed == STRIPES_ALL && s->stripe.open == 0;

	if (known && (tick_since(s->stripe.fit_at, s->now).ns < FIT_TIME.ns ||
			 !most_gained(s, FIT_MIN)))
		return;
	if (known &&
	    most_gained(s, (s->have.n_set - s->stripe.n_seen) * FIT_TIMES))
		stripe_leave_trees(s);
	s->stripe.fit_at = s->now;
	s->stripe.n_seen = s->have.n_set;
	for (EACH_SLOT(i, &s->set.kin))
		s->peers[i]->n_seen = s->peers[i]->have.n_set;
}

/* ------------------------------------------------------------------------- */

void
watch_check(struct swarm *s)
{
	uint32_t i;
	bool idle, ending, behind = false;

	push_check(s);
	if (s->began_complete && s->stripe.n_slow >= SLOW_TIMES)
		stripe_quit(s);
	if (s->began_complete)
		push_on_stored(s); /* for whom they waited may be gone */
	if (s->stripe.assigned == 0 || swarm_complete(s))
		return;
	check_fitness(s);
	if (s->stripe.assigned == 0)
		return;
	idle = is_idle(s) || s->stripe.n_idle >= IDLE_OFTEN;
	if (idle && !s->stripe.idle)
		count_idle(s);
	ending = s->stripe.ending || is_ending(s); /* it stays so */
	for (i = 0; i < STRIPES; i++) {
		if ((s->stripe.fed & stripe_bit(i)) == 0)
			continue; /* it is asked for */
		behind = behind || is_behind(s, i);
		if (is_late(s, i) || is_silent(s, i))
			give_up(s);
	}
	if (behind)
		enquire(s);
	else if (tick_since(s->stripe.enquire_at, s->now).ns > CALM.ns)
		s->stripe.n_enquiries = 0;
	if (idle != s->stripe.idle || ending != s->stripe.ending ||
	    s->stripe.given_up || s->stripe.lost != 0 ||
	    s->stripe.fed != s->stripe.assigned)
		s->stripe.review = true;
	s->stripe.idle = idle;
	s->stripe.ending = ending;
}
