/*
 * What is overdue: requests that stand too long in a neighbour's pool go
 * elsewhere, and who owes us bytes and is silent is asked no more.
 */
#include "swarm_int.h"

/* Rounds of everything asked for at once. */
#define PATIENCE 8
#define LAST_PATIENCE 3

#define STALLED TICK_MS(100)
#define STUCK TICK_MS(250)

/* At the end a block may take so long, and a little by how fast our link is. */
#define CRAWL TICK_S(1)

/* Nobody is silent for longer and comes back. */
#define GONE TICK_S(30)

/* The longest wait: it begins anew with each byte, so it is for one's turn. */
#define MAX_WAIT TICK_S(60)
#define MAX_VAIN 16u /* times that a wait is doubled */

/* Who was silent is asked again after so long, at most. */
#define MAX_GRUDGE TICK_S(300)
#define MAX_FORGIVEN 6u

/* How long to wait for what usually takes ns: twice as long each time that was
 * in vain, for what we gave up may have been on its way (RFC 6298, 5.5: the
 * same of TCP's timer). */
static uint64_t
backed_off(const struct swarm *s, uint64_t ns)
{
	return ns < MAX_WAIT.ns >> s->n_vain ? ns << s->n_vain : MAX_WAIT.ns;
}

/* What p owes is not waited for any longer: taken from it, to be asked
 * elsewhere. limit: how long it was waited for, in ns. If nothing came in all
 * that time, the limit is to blame; unless nothing was to come, as the rest of
 * a block had been given up before. */
static void
take_back(struct swarm *s, struct peer *p, uint64_t limit)
{
	bool owes = p->asked.n > 0 || (p->rx_left > 0 && !p->rx_discard);

	if (owes && tick_since(s->stats.progress, s->now).ns > limit &&
	    tick_since(s->vain_at, s->now).ns > limit && limit < MAX_WAIT.ns &&
	    s->n_vain < MAX_VAIN) {
		s->n_vain++;
		s->vain_at = s->now;
	}
	piece_interrupt(s, p);
	ask_forget(s, p, true);
}

void
ask_on_stored(struct swarm *s)
{
	if (s->n_vain > 0)
		s->n_vain--;
}

/* Or two rounds of everything asked for at once: what it takes through full
 * queues. */
bool
ask_is_stalled(const struct swarm *s, const struct peer *p)
{
	uint64_t limit = s->piece_pause.ns * s->c.download_slots * 2;

	if (limit < STALLED.ns)
		limit = STALLED.ns;
	return p->rx_left > 0 &&
	       tick_since(p->heard, s->now).ns > backed_off(s, limit);
}

/* How long a request may stand in a pool, or a block in mid-air: as long as
 * all we ask for at once takes to arrive. */
static struct duration
patience(const struct swarm *s)
{
	uint64_t ns = s->piece_pause.ns * s->c.download_slots * PATIENCE;
	uint64_t max = TICK_S(2).ns + 4 * s->piece_time.ns;

	if (s->piece_pause.ns == 0)
		ns = TICK_MS(200).ns;
	if (ns > max)
		ns = max;
	if (ns < TICK_MS(10).ns)
		ns = TICK_MS(10).ns;
	return (struct duration){.ns = backed_off(s, ns)};
}

/* A request that waits too long in a pool is taken elsewhere, if there is
 * another neighbour. */
static void
check_patience(struct swarm *s, struct peer *p)
{
	uint64_t limit = patience(s).ns * (p->rx_left > 0 ? 3 : 1);

	if (!p->kin || !ask_is_out(p) || s->n_up == 1 ||
	    tick_since(p->asked_at, s->now).ns <= limit)
		return;
	if (p->rx_left == 0 && s->picker.n_owners[p->asked.at[0].piece] <= 1)
		return; /* nobody else has it */
	p->rest_until = tick_add(s->now, (struct duration){.ns = limit / 2});
	take_back(s, p, limit);
}

/* The rest of a block that stopped for much longer than that is asked of
 * others. */
static void
check_stuck(struct swarm *s, struct peer *p)
{
	uint64_t limit = backed_off(s, s->piece_time.ns + STUCK.ns);

	if (p->rx_left > 0 && tick_since(p->heard, s->now).ns > limit)
		take_back(s, p, limit);
}

/* Whether the rest of p's block, at the rate of what has come of it, takes much
 * longer than it would take by our link. */
static bool
crawls(const struct swarm *s, const struct peer *p)
{
	uint64_t share = s->piece_pause.ns * p->rx.length / s->c.piece_length;
	uint64_t took = tick_since(p->rx_since, s->now).ns;
	uint32_t got = p->rx.length - p->rx_left;

	return took > CRAWL.ns &&
	       (got == 0 || took / got * p->rx_left >
				backed_off(s, CRAWL.ns + 4 * share));
}

/* When nothing is left to begin, nobody waits for who is slow: after so many
 * rounds of everything asked for at once, or at so low a rate, the rest of a
 * block is asked of others. */
static void
check_last(struct swarm *s, struct peer *p)
{
	uint64_t usual =
	    s->piece_pause.ns * s->c.download_slots * LAST_PATIENCE;
	uint64_t limit = backed_off(s, usual);

	if (limit < usual)
		limit = usual; /* it does not begin anew with each byte */
	if (p->rx_left == 0 || p->rx_discard || s->picker.n_open > 0 ||
	    s->piece_pause.ns == 0 || s->picker.n_owners[p->rx.piece] <= 1)
		return;
	if (tick_since(p->rx_since, s->now).ns > limit)
		take_back(s, p, limit);
	else if (crawls(s, p))
		take_back(s, p,
		    s->piece_time.ns + tick_since(p->rx_since, s->now).ns);
}

/* How long a neighbour may owe us bytes and send none, usually. */
static uint64_t
usual_silence(const struct swarm *s, const struct peer *p)
{
	uint64_t ns = s->c.silence.ns;

	if (ns < 4 * s->piece_time.ns)
		ns = 4 * s->piece_time.ns;
	if (ns < 8 * p->per_block.ns)
		ns = 8 * p->per_block.ns;
	/* Foreign clients may let a request wait behind others. */
	if (!p->kin && ns < TICK_S(10).ns)
		ns = TICK_S(10).ns;
	return ns;
}

static struct duration
silence_of(const struct swarm *s, const struct peer *p)
{
	return (struct duration){.ns = backed_off(s, usual_silence(s, p))};
}

/* Whether p owes us something and says nothing at all for so long that it must
 * be gone, however long a turn takes. */
static bool
is_gone(const struct swarm *s, const struct peer *p, struct duration limit)
{
	uint64_t ns = 3 * limit.ns, most = 3 * usual_silence(s, p);

	if (most < GONE.ns)
		most = GONE.ns;
	if (ns > most)
		ns = most;
	return (p->snubbed || ask_is_out(p)) &&
	       tick_since(p->heard, s->now).ns > ns;
}

/* Whether something is awaited from p that others may be asked for. */
static bool
may_be_moved(const struct swarm *s, const struct peer *p)
{
	return p->asked.n > 0 ||
	       (p->rx_left > 0 && stripe_is_open(s, p->rx.piece));
}

/* It lives: perhaps all its link was for others. Who goes on saying so without
 * a block is asked ever more seldom. */
static bool
is_forgiven(const struct swarm *s, const struct peer *p, struct duration limit)
{
	uint32_t n =
	    p->n_forgiven < MAX_FORGIVEN ? p->n_forgiven : MAX_FORGIVEN;
	uint64_t ns = limit.ns << (n + 1);

	if (ns > MAX_GRUDGE.ns)
		ns = MAX_GRUDGE.ns;
	return tick_before(p->asked_at, p->heard) &&
	       tick_since(p->asked_at, s->now).ns > ns;
}

void
ask_check_silence(struct swarm *s, struct peer *p)
{
	struct duration limit = silence_of(s, p);

	if (is_gone(s, p, limit)) {
		peer_close(s, p, CLOSE_SILENT);
		return;
	}
	if (p->snubbed && is_forgiven(s, p, limit)) {
		p->snubbed = false;
		p->n_forgiven++;
		s->recheck = true;
	}
	if (!may_be_moved(s, p))
		return;
	check_patience(s, p);
	check_stuck(s, p);
	check_last(s, p);
	if (ask_is_stalled(s, p))
		s->recheck = true; /* others may be asked a second time */
	if (!ask_is_out(p) || tick_since(p->asked_at, s->now).ns <= limit.ns)
		return;
	p->snubbed = true;
	take_back(s, p, limit.ns);
}
