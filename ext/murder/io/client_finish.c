#include <assert.h>
#include <stdio.h>

#include "io/client.h"
#include "io/extract.h"
#include "io/log.h"

void
client_say_ready(struct client *c, const char *message)
{
	assert(!c->ready);
	c->ready = true;
	(void)fflush(stdout);
	if (daemon_ready(&c->daemon, STATUS_OK, message))
		return;
	log_warn("the caller is gone");
	c->status = STATUS_INTERRUPTED;
	client_leave(c);
}

static void
client_lingered_cb(uv_timer_t *t)
{
	client_leave(t->data);
}

/* The file is there and unpacked: the caller may go. */
static void
client_linger(struct client *c)
{
	struct daemon_id id = {
	    .run_dir = c->o->run_dir, .role = "lingerer", .tag = c->o->tag};
	pid_t holder;
	char text[1200];

	/* Not essential: without it a next peer of this tag has to wait. */
	(void)daemon_lock(&c->lingerer, &id, &holder);
	c->phase = CLIENT_LINGERING;
	(void)snprintf(text, sizeof(text), "%s is complete", c->o->path);
	(void)uv_timer_start(
	    &c->leave, client_lingered_cb, (uint64_t)c->o->linger_s * 1000, 0);
	client_say_ready(c, text);
}

/* On the pool. */
static void
client_finish_work(uv_work_t *work)
{
	struct client *c = work->data;
	struct extract_options o = {
	    .outside_links = c->o->outside_links, .cancel = &c->interrupted};

	if (payload_finish(&c->file, &c->broken) != 0)
		return;
	if (c->o->extract == NULL || extract_archive(c->o->path, c->o->extract,
					 &o, NULL, &c->broken) == 0)
		return;
	if (c->broken.status == STATUS_INPUT && c->broken.advice[0] == '\0')
		(void)ioerr_advise(&c->broken,
		    "if it is a plain file, give path_is_file=1 to murder:peer "
		    "too");
}

static void
client_finished_cb(uv_work_t *work, int status)
{
	struct client *c = work->data;

	(void)status;
	c->finishing = false;
	if (c->broken.status != STATUS_OK && c->error.status == STATUS_OK &&
	    c->status == STATUS_OK)
		c->error = c->broken;
	if (c->phase == CLIENT_LEAVING)
		loop_stop(&c->loop);
	else if (c->error.status != STATUS_OK)
		client_leave(c);
	else
		client_linger(c);
}

void
client_finish(struct client *c)
{
	c->phase = CLIENT_FINISHING;
	c->finish.data = c;
	if (uv_queue_work(&c->loop.uv, &c->finish, client_finish_work,
		client_finished_cb) != 0) {
		(void)ioerr_core(&c->error, NULL, ERR_NOMEM);
		client_leave(c);
		return;
	}
	c->finishing = true;
}
