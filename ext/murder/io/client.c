#include <errno.h>
#include <string.h>

#include "io/client.h"
#include "io/heap.h"
#include "io/input.h"
#include "io/log.h"

/* A lingering process of the same tag is given so long to go. */
#define CLIENT_TAKEOVER_S 10

static const char *
client_role_name(enum client_role r)
{
	return r == CLIENT_PEER ? "peer" : "seeder";
}

bool
client_tag(char *out, const char *torrent)
{
	static const char *const suffixes[] = {".torrent", ".tgz"};
	const char *slash = strrchr(torrent, '/');
	const char *base = slash == NULL ? torrent : slash + 1;
	size_t n = strlen(base);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t m = strlen(suffixes[i]);

		if (n > m && memcmp(base + n - m, suffixes[i], m) == 0)
			n -= m;
	}
	if (n > DAEMON_TAG_MAX)
		return false;
	memcpy(out, base, n);
	out[n] = '\0';
	return true;
}

/* Of a file that is not there, says what makes it. */
static int
client_advise_flow(struct client *c, int rc)
{
	if (c->error.status == STATUS_NO_INPUT && c->error.sys == ENOENT)
		(void)ioerr_advise(&c->error,
		    "run murder:create_torrent first, with the same tag%s",
		    c->o->role == CLIENT_PEER
			? ", or fetch it with murder:download_torrent"
			: "");
	return rc;
}

/* Reads and checks the .torrent. */
static int
client_load(struct client *c)
{
	const char *key = NULL;
	int rc = input_slurp(&c->torrent, c->o->torrent, &c->error);

	if (rc != 0)
		return client_advise_flow(c, rc);
	rc = metainfo_parse(&c->meta, buf_span(&c->torrent), &key);
	if (rc != 0 && key != NULL)
		rc = ioerr_set(&c->error, STATUS_INPUT, c->o->torrent, "%s %s",
		    key, err_sentence(rc));
	else if (rc != 0)
		rc = ioerr_core(&c->error, c->o->torrent, rc);
	else if (c->meta.n_trackers == 0)
		rc = ioerr_set(
		    &c->error, STATUS_INPUT, c->o->torrent, "names no tracker");
	if (rc != 0)
		(void)ioerr_advise(&c->error,
		    "make it again, or fetch it again with "
		    "murder:download_torrent");
	return rc;
}

/* Whether the peer that holds the tag is done and only lingers. */
static bool
client_holder_lingers(const struct client *c)
{
	struct daemon_id id = {
	    .run_dir = c->o->run_dir, .role = "lingerer", .tag = c->o->tag};
	struct daemon probe;
	pid_t holder;
	bool busy;

	daemon_init(&probe);
	busy = daemon_lock(&probe, &id, &holder) == STATUS_BUSY;
	daemon_end(&probe);
	return busy;
}

static int
client_lock(struct client *c)
{
	struct daemon_id id = {.run_dir = c->o->run_dir,
	    .role = client_role_name(c->o->role),
	    .tag = c->o->tag};
	pid_t holder = 0;
	int st = daemon_lock(&c->daemon, &id, &holder);

	if (st == STATUS_BUSY && c->o->role == CLIENT_PEER &&
	    client_holder_lingers(c)) {
		log_debug("stopping process %ld, which has %s and lingers",
		    (long)holder, c->o->tag);
		if (daemon_stop(&id, CLIENT_TAKEOVER_S) != STATUS_FAILED)
			st = daemon_lock(&c->daemon, &id, &holder);
	}
	if (st == STATUS_BUSY)
		return ioerr_set(&c->error, STATUS_BUSY, NULL,
		    "a %s of %s is already running (process %ld): stop it "
		    "with murder_client stop %s --tag %s",
		    id.role, id.tag, (long)holder, id.role, id.tag);
	if (st != STATUS_OK)
		c->status = (enum status)st; /* said already */
	return st == STATUS_OK ? 0 : ERR_IO;
}

static int
client_listen(struct client *c)
{
	int rc = listen_open(&c->listener, (uint16_t)c->o->port);

	if (rc == 0)
		return 0;
	rc = ioerr_set(&c->error, STATUS_PORT, NULL,
	    "cannot listen on port %u: %s", (unsigned)c->o->port,
	    strerror(-rc));
	return ioerr_advise(&c->error, "choose another with --port");
}

static int
client_open(struct client *c)
{
	payload_init(&c->file, c->o->path, &c->meta);
	if (c->o->role == CLIENT_SEEDER)
		return client_advise_flow(
		    c, payload_open_seed(&c->file, &c->error));
	return payload_open_peer(&c->file, &c->error);
}

/* From the lock on: what has to be undone again. */
static void
client_work(struct client *c)
{
	int rc;

	if (client_listen(c) != 0)
		return;
	if (client_open(c) != 0)
		goto after_listen;
	if (bits_init(&c->have, &heap, c->meta.n_pieces) != 0) {
		(void)ioerr_core(&c->error, NULL, ERR_NOMEM);
		goto after_listen;
	}
	rc = loop_init(&c->loop, client_on_deadline, client_on_signal, c);
	if (rc != 0) {
		(void)ioerr_set(&c->error, STATUS_FAILED, NULL,
		    "cannot start: %s", uv_strerror(rc));
		goto after_bits;
	}
	if (client_begin(c) == 0)
		loop_run(&c->loop);
	if (c->engine != NULL)
		engine_close(c->engine);
	loop_close(&c->loop);
	engine_free(c->engine);
after_bits:
	bits_free(&c->have);
after_listen:
	listen_close(&c->listener);
	payload_free(&c->file);
}

enum status
client_run(const struct client_options *o)
{
	struct client c = {.o = o, .error = IOERR_NONE, .broken = IOERR_NONE};
	enum status st;

	c.begun = loop_now();
	c.listener.fd = -1;
	c.file.fd = -1;
	daemon_init(&c.daemon);
	daemon_init(&c.lingerer);
	buf_init(&c.torrent, &heap, LIMIT_TORRENT_BYTES);
	if (client_load(&c) == 0) {
		if (o->detach)
			daemon_fork(&c.daemon);
		loop_hold_signals();
		if (client_lock(&c) == 0)
			client_work(&c);
	}
	st = c.status;
	if (c.error.status != STATUS_OK)
		st = ioerr_report(&c.error);
	daemon_end(&c.lingerer);
	daemon_end(&c.daemon);
	buf_free(&c.torrent);
	return st;
}
