/*
 * A peer or a seeder from its command line to its exit status. Its life:
 *
 *	CHECKING	what is on disk is hashed
 *	RUNNING		the swarm is at work; a seeder stays here
 *	FINISHING	a peer has everything: it gets its name, is unpacked
 *	LINGERING	the caller is gone; a peer serves for a while
 *	LEAVING		the "stopped" announce is under way
 *
 * Whatever ends it sets `error` or `status` and calls client_leave().
 */
#ifndef MURDER_IO_CLIENT_H
#define MURDER_IO_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/buf.h"
#include "core/metainfo.h"
#include "io/daemon.h"
#include "io/engine.h"
#include "io/ioerr.h"
#include "io/listen.h"
#include "io/loop.h"
#include "io/payload.h"
#include "io/verify.h"

enum client_role { CLIENT_PEER, CLIENT_SEEDER };

/* The command line; strings borrowed for the life of the process. */
struct client_options {
	enum client_role role;
	const char *torrent;
	const char *path;    /* OUT or FILE */
	const char *extract; /* directory, or NULL */
	bool outside_links;  /* let unpacked links lead out of it */
	struct addr ip;      /* LOCAL_IP, if has_ip */
	bool has_ip;
	const char *rack; /* a peer's label, valid; or NULL */
	int64_t rack_by;  /* bits of the subnet that is its rack; or 0 */
	bool stripes;     /* take part in the tracker's plan of pushing */
	bool detach;      /* leave the caller once ready */
	bool progress;
	int64_t linger_s;
	int64_t timeout_s;
	int64_t port; /* 0: any free one */
	const char *run_dir;
	const char *tag;
};

enum client_phase {
	CLIENT_CHECKING,
	CLIENT_RUNNING,
	CLIENT_FINISHING,
	CLIENT_LINGERING,
	CLIENT_LEAVING
};

struct client {
	const struct client_options *o;
	struct ioerr error;
	enum status status; /* unless error says otherwise */
	enum client_phase phase;
	struct buf torrent;
	struct metainfo meta;
	struct daemon daemon;   /* the lock of role and tag */
	struct daemon lingerer; /* held by a peer whose caller is gone */
	struct listener listener;
	struct payload file;
	struct loop loop;
	struct bits have;
	struct verify verify;
	struct engine *engine;
	uv_timer_t tick;  /* once a second: progress, timeout */
	uv_timer_t leave; /* end of lingering, then of leaving */
	uv_work_t finish; /* on the pool: name it, unpack it */
	atomic_bool interrupted;
	bool ready;          /* daemon_ready() was said */
	bool finishing;      /* finish is on the pool */
	struct ioerr broken; /* what finish came to */
	struct instant begun;
	struct instant moved;  /* when there last was progress */
	uint64_t useful_bytes; /* downloaded less wasted, at `moved` */
};

/* Runs a peer or a seeder to its end; gives the exit status, everything
 * printed. In the caller's process of a detached one it does not return. */
enum status client_run(const struct client_options *o);

/* The tag of a .torrent: its base name without .torrent and .tgz; into out of
 * DAEMON_TAG_MAX + 1 bytes. False if it is too long. */
bool client_tag(char *out, const char *torrent);

/* ---- between the client's own files -------------------------------------- */

/* client_phase.c: starts CHECKING; everything else follows from the loop.
 * 0, or negative with c->error filled in. */
int client_begin(struct client *c);
/* Ends in order, for the reason in c->error or c->status. */
void client_leave(struct client *c);
void client_on_signal(void *ctx, int signum);
void client_on_deadline(void *ctx);
void client_on_event(void *ctx);

/* client_finish.c: names and unpacks a complete file, then lingers. */
void client_finish(struct client *c);
/* Tells the caller that we are ready; leaves if it is gone. */
void client_say_ready(struct client *c, const char *message);

/* client_report.c */
void client_tick(struct client *c);
void client_report_done(struct client *c);
/* Fills in c->error with why there is no progress. */
void client_explain(struct client *c);

#endif
