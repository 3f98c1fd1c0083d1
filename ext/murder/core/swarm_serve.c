/*
 * Whose requests to serve. The requests of all neighbours stand in a pool; a
 * few uploads at a time, each to one neighbour for about one piece, then the
 * neediest of those who wait is next. Blocks are handed to io two at a time,
 * so the order can still change behind them.
 */
#include <assert.h>

#include "swarm_int.h"

/* Uploads after which a neighbour is known, and how many times slower than
 * usual they were on the average if it counts as slow. */
#define JUDGED 3u
#define SLOWER 6

/* Times a neighbour is refused what others were sent. */
#define MAX_TURNED 3u

/* Of one upload at a time, at most, where several share a link. */
#define TURN_BYTES (128u << 10)

/* Where none moves, the wait for the next is so many times doubled at most. */
#define MAX_STOOD 6u

/* ---- what the seeder suggests (BEP 6) ----------------------------------- */

/* What p asks for (NO_PIECE: nothing) replaces what was suggested to it. */
static void
suggestion_became(struct swarm *s, struct peer *p, uint32_t piece)
{
	if (!s->began_complete || p->offered == piece)
		return;
	if (p->offered != NO_PIECE)
		sowing_undo(&s->sowing, p->offered);
	if (piece != NO_PIECE)
		sowing_add(&s->sowing, piece);
	p->offered = piece;
}

void
serve_suggest(struct swarm *s, struct peer *p)
{
	uint32_t piece;

	if (!s->began_complete || !p->fast || !p->kin || p->state != PEER_UP)
		return;
	piece = sowing_pick(&s->sowing, &p->have);
	p->offered = NO_PIECE;
	if (piece == s->c.n_pieces)
		return;
	p->offered = piece;
	sowing_add(&s->sowing, piece);
	peer_say_suggest(s, p, piece);
}

/* Whether others have that piece or were sent it, so that p may ask them. What
 * only stands in a socket, or was not told yet, is out as well. */
static bool
is_out(const struct swarm *s, uint32_t piece)
{
	return s->picker.n_owners[piece] > 0 || s->sowing.n_sent[piece] > 0;
}

/* What was sent may have gone astray, and whoever asks may have no room for
 * what we suggest: then it asks again and again. */
static bool
insists(struct peer *p, struct block b)
{
	if (p->turned.piece != b.piece || b.begin <= p->turned.begin)
		p->n_turned++;
	p->turned = b;
	return p->n_turned > MAX_TURNED;
}

bool
serve_takes(struct swarm *s, struct peer *p, struct block b)
{
	if (!s->began_complete || !p->kin || !p->fast ||
	    p->offered == b.piece || !is_out(s, b.piece) ||
	    sowing_is_due(&s->sowing, b.piece, &p->have) || insists(p, b))
		return true;
	if (p->offered == NO_PIECE)
		serve_suggest(s, p);
	return false;
}

/* The seeder began to send that piece to p: the others who wait for it get
 * something else meanwhile. */
static void
turn_away(struct swarm *s, const struct peer *p, uint32_t piece)
{
	struct peer *q;
	uint32_t i;

	if (!s->began_complete)
		return;
	for (EACH_SLOT(i, &s->set.wanting)) {
		q = s->peers[i];
		if (q == p || q->takes != 0 || q->n_in_io > 0 ||
		    q->wants.at[0].piece != piece ||
		    serve_takes(s, q, q->wants.at[0]))
			continue;
		while (q->wants.n > 0) {
			peer_say_block(s, q, WIRE_REJECT, q->wants.at[0]);
			block_list_remove(&q->wants, 0);
		}
		peer_mark(s, q);
	}
}

/* ---- uploads ------------------------------------------------------------ */

static void
hand_out(struct swarm *s, struct peer *p, struct upload *u)
{
	struct block b = p->wants.at[p->n_in_io];
	struct action *a;
	size_t at;

	if (p->takes == 0)
		news_tell(s, p);
	at = s->arena.n;
	if (wire_put_piece_head(&s->arena, b.piece, b.begin, b.length) != 0) {
		swarm_fail(s, buf_error(&s->arena));
		return;
	}
	a = swarm_act(s, ACTION_SEND_BLOCK, p->id);
	if (a == NULL)
		return;
	a->block = b;
	a->bytes = (struct span){.p = NULL, .n = s->arena.n - at};
	a->arena_at = at;
	p->n_in_io++;
	peer_mark(s, p);
	p->said = s->now;
	u->quota -= b.length;
}

static void
feed(struct swarm *s, struct peer *p, struct upload *u)
{
	while (s->err == 0 && p->n_in_io < MAX_IN_IO &&
	       p->n_in_io < p->wants.n && u->quota > 0)
		hand_out(s, p, u);
}

static void
release(struct swarm *s, struct peer *p)
{
	if (p->upload->slow)
		s->n_slow--;
	else
		s->n_uploads--;
	*p->upload = (struct upload){.peer = 0};
	p->upload = NULL;
	peer_mark(s, p);
}

static double
smoothed(double old, double new, double share)
{
	return old > 0 ? old + (new - old) * share : new;
}

/* An upload of a fair size ended: what does it say of the neighbour? One says
 * little, since all share its link and ours by TCP's rules. */
static void
judge(struct swarm *s, struct peer *p, const struct upload *u)
{
	double took = (double)tick_since(u->since, s->now).ns / 1e9;
	double rate;

	if (u->bytes < PARTIAL_UNIT || took <= 0)
		return;
	rate = u->bytes / took;
	if (s->slot_rate > 0 && rate > 4 * s->slot_rate)
		rate = 4 * s->slot_rate; /* buffers took it */
	p->drain = smoothed(p->drain, rate, 0.25);
	p->n_judged++;
	p->slow = p->n_judged >= JUDGED && s->slot_rate > 0 &&
		  p->drain * SLOWER < s->slot_rate;
	peer_mark(s, p);
	if (!p->slow)
		s->slot_rate = smoothed(s->slot_rate, rate, 0.2);
}

static bool
is_done(const struct peer *p, const struct upload *u)
{
	return p->n_in_io == 0 && (u->quota <= 0 || p->wants.n == 0);
}

/* ---- choosing ----------------------------------------------------------- */

/* How often the seeder has sent what p waits for; of no account elsewhere. */
static uint32_t
times_sent(const struct swarm *s, const struct peer *p)
{
	uint32_t piece = p->wants.at[p->n_in_io].piece;

	if (!s->began_complete)
		return 0;
	return s->sowing.n_sent[piece] - (piece == p->offered ? 1u : 0u);
}

/* From the seeder a piece goes to any rack, not to the one that is behind
 * already: its hosts have to pass the piece on to all the others. */
static uint32_t
need_of(const struct swarm *s, const struct peer *p)
{
	if (s->began_complete && p->rack != RACK_UNKNOWN)
		return 0;
	return s->n_have[p->slot];
}

/* Those of them who said something lately, or all: where uploads stand still,
 * many may be gone, and the gone are the neediest. */
static struct slots
heard_of(const struct swarm *s, struct slots of)
{
	struct slots heard = of;
	uint32_t i;

	for (EACH_SLOT(i, &of))
		if (tick_since(s->peers[i]->heard, s->now).ns > s->c.silence.ns)
			slots_put(&heard, i, false);
	return slots_n(heard) > 0 ? heard : of;
}

static struct peer *
choose(struct swarm *s, bool slow_only)
{
	struct upload_view view[LIMIT_PEERS];
	struct peer *who[LIMIT_PEERS], *p;
	uint32_t i, n = 0;
	struct slots of = s->set.waiting;

	if (slow_only)
		of = slots_and(of, s->set.slow);
	if (s->n_stood > 0)
		of = heard_of(s, of);
	for (EACH_SLOT(i, &of)) {
		p = s->peers[i];
		view[n] = (struct upload_view){.n_have = need_of(s, p),
		    .n_sent = times_sent(s, p),
		    .far = rack_is_far(s, p),
		    .slow = p->slow};
		who[n++] = p;
	}
	if (n == 0)
		return NULL;
	i = uploads_pick(view, n, s->n_slow == 0, &s->rng);
	return i < n ? who[i] : NULL;
}

static void
begin(struct swarm *s, struct upload *u, struct peer *p)
{
	uint32_t piece = p->wants.at[p->n_in_io].piece;

	*u = (struct upload){.peer = p->id,
	    .slow = p->slow,
	    .since = s->now,
	    .moved = s->now,
	    .moved_from = s->stats.uploaded,
	    .quota = s->c.piece_length};
	if (s->n_uploads + s->n_slow == 0)
		s->any_moved = s->now;
	if (u->slow)
		s->n_slow++;
	else
		s->n_uploads++;
	p->upload = u;
	p->n_turned = 0;
	peer_mark(s, p);
	suggestion_became(s, p, piece);
	feed(s, p, u);
	turn_away(s, p, piece);
}

static struct upload *
free_upload(struct swarm *s)
{
	uint32_t i;

	for (i = 0; i < MAX_SLOTS; i++)
		if (s->uploads[i].peer == 0)
			return &s->uploads[i];
	return NULL;
}

/* Who is pushed stripes has an upload of its own: what it waits for has come
 * just now and is not to stand behind others' requests. */
static uint32_t
n_slots(const struct swarm *s)
{
	uint32_t n = slots_n(s->set.takers) + 1;

	if (n >= MAX_SLOTS)
		n = MAX_SLOTS - 1; /* one is for the slow */
	return n > s->c.upload_slots ? n : s->c.upload_slots;
}

void
serve_next(struct swarm *s)
{
	struct upload *u;
	struct peer *p;
	bool full;

	while (s->have.n_set > 0 && !s->stopping && s->err == 0) {
		full = s->n_uploads >= n_slots(s);
		if (full && s->n_slow > 0)
			return;
		u = free_upload(s);
		p = u == NULL ? NULL : choose(s, full);
		if (p == NULL)
			return;
		begin(s, u, p);
	}
}

/* ---- what happens to uploads -------------------------------------------- */

void
serve_drop(struct swarm *s, struct peer *p)
{
	suggestion_became(s, p, NO_PIECE);
	if (p->upload != NULL)
		release(s, p);
}

void
serve_on_request(struct swarm *s, struct peer *p)
{
	p->solicited = s->now;
	if (p->upload != NULL)
		feed(s, p, p->upload);
}

static void
end_upload(struct swarm *s, struct peer *p)
{
	judge(s, p, p->upload);
	release(s, p);
	s->n_stood = 0;
	p->offered = NO_PIECE; /* it went out: stays counted */
	if (p->takes == 0)
		serve_suggest(s, p);
}

void
serve_on_sent(struct swarm *s, struct peer *p, uint32_t n)
{
	struct upload *u = p->upload;

	s->stats.uploaded += n;
	s->any_moved = s->now;
	p->sent += n;
	p->n_out += n;
	while (p->n_in_io > 0 && p->sent >= p->wants.at[0].length) {
		p->sent -= p->wants.at[0].length;
		p->n_in_io--;
		block_list_remove(&p->wants, 0);
	}
	push_on_sent(s, p);
	assert(p->n_in_io > 0 || p->sent == 0);
	peer_mark(s, p);
	if (u == NULL)
		return;
	u->bytes += n;
	u->moved = s->now;
	u->moved_from = s->stats.uploaded;
	feed(s, p, u);
	if (is_done(p, u))
		end_upload(s, p);
}

/* An upload that does not move for so long gives up its place. */
static struct duration
stall_limit(const struct swarm *s)
{
	double usual = s->slot_rate > 0 ? s->c.piece_length / s->slot_rate : 1;
	uint64_t ns = (uint64_t)(usual * 4e9);

	if (ns < TICK_MS(200).ns)
		return TICK_MS(200);
	return ns < s->c.silence.ns ? (struct duration){.ns = ns}
				    : s->c.silence;
}

/* Whether the others had their turns since u last moved: on a slow link a turn
 * may take longer to come than anybody is waited for. */
static bool
was_passed_over(const struct swarm *s, const struct upload *u)
{
	uint64_t turn =
	    s->c.piece_length < TURN_BYTES ? s->c.piece_length : TURN_BYTES;

	return s->stats.uploaded - u->moved_from >=
	       turn * (s->n_uploads + s->n_slow);
}

/* Whether no upload moves. One gives up its place then, the next after twice
 * that time: either all those neighbours are gone, or our link is slow. */
static bool
none_moves(struct swarm *s)
{
	if (tick_since(s->any_moved, s->now).ns <= s->c.silence.ns
						       << s->n_stood)
		return false;
	s->any_moved = s->now;
	if (s->n_stood < MAX_STOOD)
		s->n_stood++;
	return true;
}

static void
check_upload(struct swarm *s, struct peer *p, struct upload *u)
{
	double usual = s->slot_rate > 0 ? s->c.piece_length / s->slot_rate : 1;
	double took = (double)tick_since(u->since, s->now).ns / 1e9;

	if (tick_since(u->moved, s->now).ns > stall_limit(s).ns &&
	    (was_passed_over(s, u) || none_moves(s))) {
		release(s, p); /* until what is in io has left after all */
	} else if (!u->slow && s->n_slow == 0 && took > 4 * usual + 0.1) {
		u->slow = true;
		s->n_uploads--;
		s->n_slow++;
	}
}

void
serve_check(struct swarm *s)
{
	struct peer *p;
	uint32_t i;

	for (i = 0; i < MAX_SLOTS; i++) {
		p = peer_of(s, s->uploads[i].peer);
		if (p != NULL)
			check_upload(s, p, &s->uploads[i]);
	}
}
