#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "io/digest.h"
#include "io/engine.h"
#include "io/log.h"
#include "io/noise.h"

/* BEP 20: two letters and a version, then randomness. */
#define PEER_ID_PREFIX "-MU1000-"

/* Rounds of actions and writes before other events get their turn. */
#define ENGINE_ROUNDS 8

/* ---- carrying out actions ------------------------------------------------ */

static void
engine_store(struct engine *e, uint32_t piece)
{
	engine_redirect(e, piece);
	disk_store(&e->disk, piece);
}

/* The operator is told of what only he can mend. */
static void
engine_say_closed(const struct action *a)
{
	char who[ADDR_TEXT];

	addr_to_text(&a->addr, who);
	if (a->reason == CLOSE_BAD_PIECE)
		log_warn("%s sent pieces with a wrong hash and is not asked "
			 "again: its file is not what the .torrent describes, "
			 "start it anew or make the .torrent again",
		    who);
	else
		log_debug("%s closed: %s", who, close_reason_text(a->reason));
}

static void
engine_do(struct engine *e, const struct action *a)
{
	switch (a->kind) {
	case ACTION_DIAL:
		engine_dial(e, a);
		return;
	case ACTION_CLOSE:
		engine_say_closed(a);
		engine_close_peer(e, a->peer);
		return;
	case ACTION_SEND:
	case ACTION_SEND_BLOCK:
		engine_send(e, a);
		return;
	case ACTION_RECEIVE:
		engine_receive(e, a);
		return;
	case ACTION_MEASURE:
		engine_measure(e, a);
		return;
	case ACTION_STORE:
		engine_store(e, a->block.piece);
		return;
	case ACTION_DROP:
		engine_redirect(e, a->block.piece);
		disk_drop(&e->disk, a->block.piece);
		return;
	case ACTION_ANNOUNCE:
		engine_announce(e, a);
		return;
	case ACTION_FINISHED:
		e->finished = true;
		e->on_event(e->ctx);
		return;
	}
}

/* Carries out actions until there are none; what they send waits. */
static void
engine_act(struct engine *e)
{
	struct action a;

	while (!e->failed && swarm_next(e->swarm, &a))
		engine_do(e, &a);
}

static void
engine_set_deadline(struct engine *e)
{
	loop_set_deadline(
	    e->loop, e->failed ? TICK_NEVER : swarm_deadline(e->swarm));
}

void
engine_drain(struct engine *e)
{
	int rounds = 0;

	if (e->draining)
		return;
	e->draining = true;
	do {
		engine_act(e);
	} while (!e->failed && engine_flush(e, ++rounds < ENGINE_ROUNDS));
	e->draining = false;
	engine_set_deadline(e);
}

/* Before the loop waits: what was left to go out together goes out. */
static void
engine_prepare_cb(uv_prepare_t *p)
{
	struct engine *e = p->data;

	if (e->dirty != NULL && !e->failed)
		engine_drain(e);
}

void
engine_fail(struct engine *e)
{
	if (e->failed)
		return;
	e->failed = true;
	e->on_event(e->ctx);
}

void
engine_check(struct engine *e, int rc)
{
	if (rc >= 0)
		return;
	(void)ioerr_core(e->error, NULL, rc);
	engine_fail(e);
}

void
engine_deadline(struct engine *e)
{
	if (e->failed)
		return;
	engine_check(e, swarm_on_deadline(e->swarm, loop_now()));
	engine_drain(e);
}

static void
engine_on_stored(void *ctx, uint32_t piece, enum swarm_stored how, int sys)
{
	struct engine *e = ctx;

	if (e->failed)
		return;
	if (how == SWARM_HASH_WRONG)
		log_debug("piece %u has a wrong hash", (unsigned)piece);
	if (how == SWARM_DISK_ERROR) {
		(void)ioerr_write(e->error,
		    e->file->part != NULL ? e->file->part : e->file->path,
		    "write", sys);
		engine_fail(e);
		return;
	}
	engine_check(e, swarm_on_stored(e->swarm, piece, how, loop_now()));
	/* Several pieces are often stored at once: their HAVEs travel together,
	 * sent by engine_prepare_cb(). */
	e->draining = true;
	engine_act(e);
	e->draining = false;
	engine_set_deadline(e);
}

/* ---- life ---------------------------------------------------------------- */

static int
engine_configure(
    struct swarm_config *c, const struct engine_parts *p, struct ioerr *error)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	uint8_t noise[12];
	size_t at = sizeof(PEER_ID_PREFIX) - 1;

	memset(c, 0, sizeof(*c));
	if (noise_fill(noise, sizeof(noise)) != 0 ||
	    noise_fill(&c->seed, sizeof(c->seed)) != 0)
		return ioerr_set(error, STATUS_FAILED, NULL,
		    "the system gives no random numbers");
	memcpy(c->peer_id, PEER_ID_PREFIX, at);
	for (size_t i = 0; at + i < sizeof(c->peer_id); i++)
		c->peer_id[at + i] =
		    (uint8_t)digits[noise[i] % (sizeof(digits) - 1)];
	c->mem = p->mem;
	c->length = p->meta->length;
	c->piece_length = p->meta->piece_length;
	c->n_pieces = p->meta->n_pieces;
	c->n_trackers = p->meta->n_trackers;
	c->listen_port = p->listener->port;
	c->is_private = p->meta->is_private;
	c->stripes = p->stripes;
	(void)snprintf(c->rack, sizeof(c->rack), "%s", p->rack);
	swarm_config_init(c);
	if (digest_sha1(p->meta->info, c->info_hash) != 0)
		return ioerr_core(error, NULL, ERR_NOMEM);
	return 0;
}

static void
engine_init(struct engine *e, const struct engine_parts *p)
{
	e->loop = p->loop;
	e->mem = p->mem;
	e->meta = p->meta;
	e->file = p->file;
	e->listener = p->listener;
	e->error = p->error;
	e->on_event = p->on_event;
	e->ctx = p->ctx;
	if (p->ip != NULL) {
		e->has_ip = true;
		e->ip = *p->ip;
	}
	disk_init(&e->disk, e->loop, e->mem, e->file);
	e->disk.on_stored = engine_on_stored;
	e->disk.ctx = e;
}

/* It watches, but does not keep the loop running. */
static int
engine_prepare(struct engine *e)
{
	int rc = uv_prepare_init(&e->loop->uv, &e->prepare);

	if (rc != 0)
		return rc;
	e->prepare.data = e;
	return uv_prepare_start(&e->prepare, engine_prepare_cb);
}

int
engine_new(struct engine **out, const struct engine_parts *parts,
    const struct bits *have)
{
	struct engine *e = mem_zalloc(parts->mem, 1, sizeof(*e));
	struct swarm_config config;
	int rc;

	if (e == NULL)
		return ioerr_core(parts->error, NULL, ERR_NOMEM);
	engine_init(e, parts);
	rc = engine_configure(&config, parts, parts->error);
	if (rc == 0)
		rc = httpget_new(&e->get, e->loop, e->mem);
	if (rc == 0)
		rc = swarm_new(&e->swarm, &config, have, loop_now());
	if (rc == 0 &&
	    (engine_prepare(e) != 0 ||
		listen_start(e->listener, e->loop, engine_accept, e) != 0))
		rc = ERR_NOMEM;
	if (rc == 0) {
		engine_drain(e);
	} else {
		(void)ioerr_core(parts->error, NULL, rc);
		e->failed = true;
	}
	*out = e;
	return rc;
}

void
engine_stop(struct engine *e)
{
	if (e->failed || e->stopping)
		return;
	e->stopping = true;
	engine_check(e, swarm_on_stop(e->swarm, loop_now()));
	engine_drain(e);
}

bool
engine_pending(const struct engine *e)
{
	return httpget_pending(e->get) > 0 || e->disk.n_storing > 0;
}

void
engine_close(struct engine *e)
{
	struct conn *c, *next;

	e->failed = true; /* nothing more is done for the swarm */
	listen_close(e->listener);
	(void)uv_prepare_stop(&e->prepare);
	HASH_ITER(hh, e->conns, c, next)
	{
		HASH_DELETE(hh, e->conns, c);
		conn_close(c);
	}
	e->dirty = NULL;
	httpget_free(e->get);
	e->get = NULL;
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	assert(e->get == NULL);
	disk_free(&e->disk);
	swarm_free(e->swarm);
	mem_free(e->mem, e);
}
