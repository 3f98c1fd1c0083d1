/*
 * Inside a swarm: its state, and what its files offer one another. Nobody but
 * swarm*.c and peer*.c includes this.
 *
 *   swarm.c          birth, death, the action queue, statistics
 *   swarm_events.c   what happened: the calls in, and time
 *   peer.c           one neighbour: slots and numbers, opening and closing
 *   peer_say.c       the messages we send
 *   peer_on_*.c      the messages we get, one reaction each
 *   swarm_ask.c      what to request from whom
 *   swarm_kin.c      whom of our kin to ask
 *   swarm_overdue.c  what does not come: to be asked elsewhere
 *   swarm_piece.c    blocks arriving, pieces stored, culprits found
 *   swarm_news.c     telling neighbours what we have
 *   swarm_serve.c    whose requests to serve
 *   swarm_solicit.c  asking neighbours to ask
 *   swarm_rack.c     what to ask of hosts in other racks
 *   swarm_stripe.c   stripes that come to us
 *   swarm_watch.c    whether they come as they should
 *   swarm_push.c     stripes that we pass on
 *   swarm_dial.c     addresses known, whom to connect to
 *   swarm_pex.c      neighbours telling one another of neighbours
 *   swarm_announce.c when to ask the tracker, what to do with its answer
 */
#ifndef MURDER_CORE_SWARM_INT_H
#define MURDER_CORE_SWARM_INT_H

#include "err.h"
#include "partial.h"
#include "peer_int.h"
#include "metainfo.h"
#include "picker.h"
#include "rack.h"
#include "rng.h"
#include "slots.h"
#include "sowing.h"
#include "swarm.h"
#include "uploads.h"
#include "wire.h"
#include "wire_ext.h"

/* Uploads at once, whatever the configuration says. */
#define MAX_SLOTS 16u

/* Blocks of one neighbour waiting in io at once. */
#define MAX_IN_IO 2u

/* How often to look for what is late, while anything may be. */
#define HOUSEKEEPING_BUSY TICK_MS(50)

#define NO_PIECE UINT32_MAX

/* Pieces from which on one that is late counts little. */
#define MANY_PIECES 1024u

/* One upload: one neighbour, about one piece. */
struct upload {
	peer_t peer;    /* 0: this place is free */
	bool slow;      /* does not count: its neighbour drains slowly */
	int64_t quota;  /* bytes still to be handed to io */
	uint32_t bytes; /* that left since it began */
	struct instant since;
	struct instant moved; /* when a byte last left */
	uint64_t moved_from;  /* what had left to anybody by then */
};

struct known {
	struct addr addr;
	peer_t peer; /* connected or being dialled; 0 if not */
	uint8_t n_failed;
	bool mate;             /* in our rack, the tracker says */
	stripes_t gives;       /* what it is to send us */
	stripes_t takes;       /* what we are to offer it */
	peer_t told;           /* that was said over this connection */
	stripes_t offered;     /* by it, while the tracker was asked */
	struct instant linked; /* until then it may take to be there */
	bool banned;
	bool is_self; /* banned because it is ourselves */
	struct instant next_try;
};

/* The seeder's looks at whether all wait for one. */
struct held {
	peer_t by;
	struct instant since;
	uint32_t n_looks, n_held; /* since; when they did */
};

struct swarm {
	struct swarm_config c;
	struct rng rng;
	int err;            /* sticky; negative: unusable */
	struct instant now; /* of the current call */
	struct bits have;
	struct picker picker;
	bool stopping;
	bool finished_said;

	struct peer *peers[LIMIT_PEERS];
	uint32_t n_slots_used; /* peers[] in use */
	/* Kept by peer_mark(): neighbours past their handshake that … */
	struct {
		struct slots up;        /* all of them */
		struct slots kin;       /* are our own clients */
		struct slots fast;      /* of these: speak BEP 6 */
		struct slots full;      /* have everything */
		struct slots out;       /* were asked, or send us something */
		struct slots extra;     /* were asked beyond download_slots */
		struct slots coming;    /* send us a block now */
		struct slots suggested; /* suggested a piece */
		struct slots wanting;   /* have requests here */
		struct slots waiting;   /* of these: wait for their turn,
					   and nothing of theirs is in io */
		struct slots slow;      /* drain slowly */
		struct slots takers;    /* are pushed stripes */
		struct slots content;   /* lack nothing but what is pushed */
	} set;
	struct slots solicited;       /* not all of them any longer: look */
	uint32_t n_have[LIMIT_PEERS]; /* pieces they have */
	uint32_t n_up;
	bool any_closed;
	uint32_t generation;

	struct partial **partials;
	uint32_t n_partials, max_partials;
	uint64_t storing; /* bytes of those being hashed and written */
	uint32_t *news;   /* pieces stored since the beginning, in order */
	uint32_t n_news;
	struct instant news_due;     /* the first of the neighbours' */
	bool recheck;                /* more may be asked of our kin now */
	bool sweep;                  /* a partial may be blank */
	struct duration piece_pause; /* between two stored, smoothed */
	struct instant payload_at;   /* when one of use last came */
	struct duration piece_time;  /* a piece takes so long, smoothed */
	uint32_t n_vain; /* times that was waited for less than it took */
	struct instant vain_at; /* the last of them */
	struct bits alone; /* pieces to be fetched from one neighbour only */

	struct upload uploads[MAX_SLOTS];
	uint32_t n_uploads, n_slow; /* normal ones, slow ones */
	struct instant any_moved;   /* when a byte of any last left */
	uint32_t n_stood;           /* times one gave up its place as none did,
				       since one ended */
	bool began_complete; /* the seeder: suggests what it sent least */
	struct sowing sowing;
	double slot_rate; /* bytes/s of a normal upload, smoothed; 0 unknown */

	struct {
		rack_t own;
		uint64_t member;
		bool active; /* there are mates, and others elsewhere */
		bool desperate;
		bool undialled;      /* perhaps there are mates to dial */
		struct slots mates;  /* in our rack, and do their part */
		struct slots far;    /* asked for our imports only */
		struct bits imports; /* what we are to bring into it */
	} rack;

	struct {
		bool unfit;            /* our link is too slow */
		uint32_t n_seen;       /* pieces when we last looked at that */
		struct instant fit_at; /* when that was */
		stripes_t assigned;    /* somebody is to send it to us */
		stripes_t fed;         /* and is there */
		stripes_t open;        /* may be asked of anybody */
		stripes_t lost;        /* who was to send it does not */
		stripes_t behind;      /* to be told: it sends, but late */
		bool has_stuck;        /* to be told: who does not take them */
		struct addr stuck;
		uint32_t n_slow;           /* times the seeder's link idled */
		struct instant enquire_at; /* not before */
		uint32_t n_enquiries;
		uint32_t base[STRIPES];  /* its lag when its sender began */
		uint32_t giver[STRIPES]; /* of known[]; who that is */
		uint32_t n_in_vain; /* times the tracker had nobody for these */
		bool retired;       /* it plans without us */
		uint32_t n_idle;    /* times nothing came at all, lately */
		uint32_t idle_at;   /* pieces there were last time */
		bool idle;          /* nothing comes at all */
		bool given_up;      /* it did not work: all is asked for */
		bool ending;        /* others are complete */
		bool full;          /* hashing does not keep up */
		bool review;        /* something of this has changed */
		uint32_t n_got[STRIPES], n_fed[STRIPES]; /* pieces; pushed */
		struct instant fed_at[STRIPES]; /* when one was pushed */
		uint32_t n_sent[STRIPES]; /* pieces pushed, to its taker */
		bool waiting;             /* some are, for the slowest */
		peer_t taker[STRIPES];    /* who told us last to send it */
		struct held held;         /* for whom, by the seeder's looks */
		struct instant rate_at;   /* the seeder measures since then */
		uint64_t rate_from;       /* bytes uploaded before */
		double rate_best;         /* bytes/ns; 0 unknown */
		struct instant since;     /* when a sender changed last */
		struct instant began;     /* when we were told first */
		struct instant complain_at; /* when to ask for others */
	} stripe;

	struct known *known;
	uint32_t n_known, cap_known;
	uint32_t n_dialling;
	struct instant links_due; /* no stripe's link is to be dialled before */
	struct instant offered_at; /* when a neighbour last had what we lack */
	uint32_t n_islands; /* neighbours that had to go since, for others */
	bool seeks;         /* one more is to be dialled for that */

	struct {
		bool busy; /* an ACTION_ANNOUNCE is not answered yet */
		enum announce_event event; /* of that one */
		bool started;              /* the tracker knows us */
		bool want_completed, want_stopped;
		uint32_t tracker;  /* which one */
		uint32_t n_early;  /* early announces in a row */
		uint32_t n_failed; /* in a row */
		struct duration interval;
		struct instant next;
		uint32_t swarm_size; /* seeds and leechers, by the tracker */
		char failure[160];
	} tracker;

	/* actions not yet taken; their bytes stand in arena */
	struct action *queue;
	uint32_t queue_head, queue_n, queue_cap;
	struct buf arena;
	struct buf scratch;

	struct instant housekeeping;
	struct swarm_stats stats;
};

/* ---- swarm.c ------------------------------------------------------------ */
/* Notes a fatal error; always returns s->err. */
int swarm_fail(struct swarm *s, int err);
/* Appends an action; NULL after a failure. */
struct action *swarm_act(struct swarm *s, enum action_kind kind, peer_t p);
/* Appends the bytes of s->scratch, and clears it, as a SEND to p (joined to
 * the previous one when that went to p too). */
void swarm_send_scratch(struct swarm *s, struct peer *p);
uint32_t swarm_piece_size(const struct swarm *s, uint32_t piece);
bool swarm_complete(const struct swarm *s);
/* Neighbours there may be: half of the places is for those from whom stripes
 * come, or to whom they go. */
uint32_t swarm_places(const struct swarm *s);
/* Whether our neighbours are only a part of the swarm. */
bool swarm_is_large(const struct swarm *s);
/* Begins and ends every public call. */
void swarm_enter(struct swarm *s, struct instant now);
int swarm_leave(struct swarm *s);

/* ---- peer.c ------------------------------------------------------------- */
struct peer *peer_of(const struct swarm *s, peer_t id);
/* NULL if there is no room (or, with s->err set, no memory). */
struct peer *peer_new(struct swarm *s, const struct addr *a, bool outgoing);
/* Unlinks p from everything and says so with an action; the memory goes when
 * the current call ends, so whoever is at work on p may look at its state. */
void peer_close(struct swarm *s, struct peer *p, enum close_reason why);
/* The same without an action: the other side is gone already. */
void peer_lost(struct swarm *s, struct peer *p);
/* Frees the closed. */
void peer_reap(struct swarm *s);
/* Frees p whatever its state. */
void peer_free(struct swarm *s, struct peer *p);
/* Puts p into the sets where it belongs, after any change of what they say. */
void peer_mark(struct swarm *s, const struct peer *p);
/* Asserts that every neighbour is where peer_mark() would put it. */
void peer_check_marks(const struct swarm *s);
/* The neighbour in that slot if it is past its handshake, else NULL. */
static inline struct peer *
peer_up(const struct swarm *s, uint32_t slot)
{
	return slots_has(&s->set.up, slot) ? s->peers[slot] : NULL;
}
int block_list_push(struct swarm *s, struct block_list *l, struct block b);
void block_list_remove(struct block_list *l, uint32_t i);
/* Index of an equal block from `from` on, or l->n. */
uint32_t block_list_find(
    const struct block_list *l, struct block b, uint32_t from);

/* ---- peer_say.c --------------------------------------------------------- */
void peer_say_handshake(struct swarm *s, struct peer *p);
void peer_say_hello(struct swarm *s, struct peer *p); /* after both shook */
void peer_say_plain(struct swarm *s, struct peer *p, enum wire_kind kind);
void peer_say_block(
    struct swarm *s, struct peer *p, enum wire_kind kind, struct block b);
void peer_say_suggest(struct swarm *s, struct peer *p, uint32_t piece);
/* All we have, once more: what it was not told of, for it had it itself. */
void peer_say_bitfield(struct swarm *s, struct peer *p);
void peer_say_keepalive(struct swarm *s, struct peer *p);
/* Says interested or not interested if that changed. */
void peer_say_interest(struct swarm *s, struct peer *p);

/* ---- peer_on_*.c: each may close the peer ------------------------------- */
void peer_on_message(struct swarm *s, struct peer *p, const struct wire_msg *m);
void peer_on_handshake(
    struct swarm *s, struct peer *p, const struct wire_handshake *h);
void peer_on_have(struct swarm *s, struct peer *p, uint32_t piece);
void peer_on_bitfield(
    struct swarm *s, struct peer *p, const struct wire_msg *m);
void peer_on_request(struct swarm *s, struct peer *p, struct block b);
void peer_on_cancel(struct swarm *s, struct peer *p, struct block b);
void peer_on_piece(struct swarm *s, struct peer *p, struct block b);
void peer_on_reject(struct swarm *s, struct peer *p, struct block b);
void peer_on_choke(struct swarm *s, struct peer *p);
void peer_on_extended(
    struct swarm *s, struct peer *p, const struct wire_msg *m);

/* ---- swarm_ask.c -------------------------------------------------------- */
struct partial *ask_partial_of(const struct swarm *s, uint32_t piece);
/* The piece in flight, begun now if need be; NULL if it is here already or
 * there is no room. */
struct partial *ask_begin(struct swarm *s, uint32_t piece);
/* What could be asked of a neighbour now. */
struct ask_work {
	struct partial *partial; /* begun already; or NULL and … */
	uint32_t piece;          /* … this one is to be begun */
	bool duplicate;          /* ask for what others were asked for */
};
/* Whether there is something to ask p for now. */
bool ask_find(struct swarm *s, struct peer *p, struct ask_work *w);
/* Requests what was found until max requests to p are outstanding. */
void ask_request(
    struct swarm *s, struct peer *p, const struct ask_work *w, uint32_t max);
/* Whether p suggested a piece that it has and we want. */
bool ask_has_suggestion(const struct swarm *s, const struct peer *p);
/* Requests what is useful from p, which may be asked now. */
void ask_more(struct swarm *s, struct peer *p);
/* Forgets the requests to p; with cancel, says so too. */
void ask_forget(struct swarm *s, struct peer *p, bool cancel);
/* One request of p is void. */
void ask_drop(struct swarm *s, struct peer *p, uint32_t i);
/* Gives up partials on which nothing is done or under way. */
void ask_sweep(struct swarm *s);

/* ---- swarm_kin.c ------------------------------------------------------- */
void ask_kin(struct swarm *s); /* if there may be something to ask */
/* Whether something is asked of p or arriving from it. */
bool ask_is_out(const struct peer *p);

/* ---- swarm_overdue.c ---------------------------------------------------- */
/* Whether a block from p has stopped in the middle: it may be gone. */
bool ask_is_stalled(const struct swarm *s, const struct peer *p);
/* A piece was stored: what we wait for does come. */
void ask_on_stored(struct swarm *s);
/* Times out what is owed; for housekeeping. */
void ask_check_silence(struct swarm *s, struct peer *p);

/* ---- swarm_piece.c ------------------------------------------------------ */
void piece_arrived(struct swarm *s, struct peer *p, uint32_t n);
void piece_interrupt(struct swarm *s, struct peer *p); /* its block is void */
/* p is gone: its slot will belong to somebody else. */
void piece_source_gone(struct swarm *s, struct peer *p);

/* ---- swarm_news.c ------------------------------------------------------- */
/* A piece was stored: tells those who wait for it, the others soon. */
void news_add(struct swarm *s, const struct partial *f);
/* Several HAVEs in one message; may close p. */
void news_on_message(struct swarm *s, struct peer *p, struct span body);
/* Tells p what it was not told yet; behind what stands in s->scratch for p. */
void news_tell(struct swarm *s, struct peer *p);
void news_append(struct swarm *s, struct peer *p);
/* p is told of all we have now by other means. */
void news_known(struct swarm *s, struct peer *p);
/* Tells those whose time has come. */
void news_check(struct swarm *s);

/* ---- swarm_serve.c ------------------------------------------------------ */
/* Fills free uploads and keeps io fed. */
void serve_next(struct swarm *s);
void serve_drop(struct swarm *s, struct peer *p); /* it is gone */
/* p can be told what to ask for. */
void serve_suggest(struct swarm *s, struct peer *p);
void serve_on_request(struct swarm *s, struct peer *p);
/* Whether that request of p may wait here; the seeder suggests another piece if
 * not. */
bool serve_takes(struct swarm *s, struct peer *p, struct block b);
void serve_on_sent(struct swarm *s, struct peer *p, uint32_t n);
void serve_check(struct swarm *s); /* for housekeeping */

/* ---- swarm_solicit.c ---------------------------------------------------- */
/* Asks neighbours to ask, if few wait for our next upload. */
void solicit(struct swarm *s);

/* ---- swarm_rack.c ------------------------------------------------------- */
int rack_init(struct swarm *s); /* 0 or ERR_NOMEM */
/* Somebody came, told where he is, or went (anew); or for housekeeping. */
void rack_review(struct swarm *s, bool anew);
/* Whether p, who just came, takes a place of which there are few left. */
bool rack_is_crowded(const struct swarm *s, const struct peer *p);
void rack_on_have(struct swarm *s, const struct peer *p, uint32_t piece);
void rack_on_stored(struct swarm *s, uint32_t piece);
/* Whether p is elsewhere, and we have mates. */
bool rack_is_far(const struct swarm *s, const struct peer *p);
bool rack_may_ask(const struct swarm *s, const struct peer *p, uint32_t piece);
/* What p has and we may ask it for, the rarest; n_pieces if nothing. */
uint32_t rack_pick(struct swarm *s, const struct peer *p);

/* ---- swarm_stripe.c ----------------------------------------------------- */
void stripe_init(struct swarm *s);
/* Whether this host says to the tracker that it takes part. */
bool stripe_takes_part(const struct swarm *s);
/* The plan, in the tracker's reply. */
void stripe_fill_query(struct swarm *s, struct announce_query *q);
void stripe_on_links(struct swarm *s, const struct announce_reply *r);
/* The body of a message under WIRE_EXT_STRIPES; may close p. */
void stripe_on_message(struct swarm *s, struct peer *p, struct span body);
void stripe_greet(struct swarm *s, struct peer *p); /* who came */
/* Whether p, who came without being linked, takes a place of which there are
 * few left. */
bool stripe_is_crowded(const struct swarm *s, const struct peer *p);
/* Whether who has everything is not asked: it is the seeder, whose link is for
 * what nobody else has yet. */
bool stripe_spares(const struct swarm *s);
/* Whether that piece may be asked for: nobody pushes it. */
bool stripe_is_open(const struct swarm *s, uint32_t piece);
void stripe_on_whole(struct swarm *s); /* a piece is here to be stored */
void stripe_on_stored(struct swarm *s, const struct partial *f);
/* Acts on what has changed; for the end of every call. */
void stripe_review(struct swarm *s);
/* From now on all is asked for, here and everywhere. */
void stripe_quit(struct swarm *s);
/* Our link is slow: we ask for pieces, and pass on what we are asked for. */
void stripe_leave_trees(struct swarm *s);

/* ---- swarm_watch.c ------------------------------------------------------ */
void watch_check(struct swarm *s); /* for housekeeping */
/* By how many pieces a stripe is behind the one that is furthest. */
uint32_t watch_lag(const struct swarm *s, uint32_t stripe);

/* ---- swarm_push.c ------------------------------------------------------- */
void push_on_wish(struct swarm *s, struct peer *p, stripes_t of);
/* Gives p, or everybody, the next piece if it waits for one. */
void push_feed(struct swarm *s, struct peer *p);
void push_on_stored(struct swarm *s);
/* For housekeeping: whether somebody does not take what we push. */
void push_check(struct swarm *s);
void push_on_unacked(
    struct swarm *s, struct peer *p, uint32_t n, struct duration rtt);
void push_on_sent(struct swarm *s, struct peer *p); /* a part of its wants */
bool push_is_busy(const struct swarm *s);
/* Whether it was pushed to p, who need not be told that we have it. */
bool push_was_sent(const struct peer *p, uint32_t piece);

/* ---- swarm_dial.c ------------------------------------------------------- */
void dial_add(struct swarm *s, const struct addr *a);
/* It is in our rack: dialled before others. */
void dial_mate(struct swarm *s, const struct addr *a);
/* The plan has a link to it: dialled before others. NULL if there is no room
 * to remember it. */
struct known *dial_link(struct swarm *s, const struct addr *a);
/* Whether stripes are to go from p to us, or back. */
bool dial_is_link(const struct swarm *s, const struct peer *p);
/* We now know where p listens. */
void dial_note(struct swarm *s, struct peer *p);
void dial_more(struct swarm *s);
/* If our neighbours have nothing for us, makes room for others; for
 * housekeeping. */
void dial_review(struct swarm *s);
/* The connection to (or attempt at) p ended. */
void dial_ended(struct swarm *s, struct peer *p, bool failed);
void dial_ban(struct swarm *s, const struct peer *p, bool is_self);
bool dial_is_banned(const struct swarm *s, const struct addr *a);
struct instant dial_deadline(const struct swarm *s);

/* ---- swarm_pex.c -------------------------------------------------------- */
/* Tells p of neighbours it does not know by us, if it is time to. */
void pex_say(struct swarm *s, struct peer *p);
/* The body of a message under WIRE_EXT_PEX; may close p. */
void pex_on_message(struct swarm *s, struct peer *p, struct span body);

/* ---- swarm_announce.c --------------------------------------------------- */
void announce_check(struct swarm *s);
struct instant announce_deadline(const struct swarm *s);

#endif
