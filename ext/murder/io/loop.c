#include <assert.h>
#include <signal.h>

#include "io/loop.h"

#define NS_PER_MS 1000000u

struct instant
loop_now(void)
{
	return (struct instant){.ns = uv_hrtime()};
}

static void
loop_timer_cb(uv_timer_t *t)
{
	struct loop *l = t->data;

	l->deadline = TICK_NEVER;
	l->on_deadline(l->ctx);
}

static void
loop_signal_cb(uv_signal_t *s, int signum)
{
	struct loop *l = s->data;

	l->on_signal(l->ctx, signum);
}

static const int loop_signums[LOOP_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

static void
loop_mask_signals(int how)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (int i = 0; i < LOOP_SIGNALS; i++)
		(void)sigaddset(&set, loop_signums[i]);
	(void)sigprocmask(how, &set, NULL);
}

void
loop_hold_signals(void)
{
	loop_mask_signals(SIG_BLOCK);
}

static bool
loop_is_ignored(int signum)
{
	struct sigaction sa;

	return signum != SIGTERM && sigaction(signum, NULL, &sa) == 0 &&
	       sa.sa_handler == SIG_IGN;
}

int
loop_init(struct loop *l, void (*on_deadline)(void *ctx),
    void (*on_signal)(void *ctx, int signum), void *ctx)
{
	int rc;

	l->deadline = TICK_NEVER;
	l->on_deadline = on_deadline;
	l->on_signal = on_signal;
	l->ctx = ctx;
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return UV_EINVAL;
	rc = uv_loop_init(&l->uv);
	if (rc != 0)
		return rc;
	rc = uv_timer_init(&l->uv, &l->timer);
	l->timer.data = l;
	for (int i = 0; rc == 0 && i < LOOP_SIGNALS; i++) {
		rc = uv_signal_init(&l->uv, &l->signals[i]);
		if (rc != 0)
			break;
		l->signals[i].data = l;
		if (loop_is_ignored(loop_signums[i]))
			continue;
		rc = uv_signal_start(
		    &l->signals[i], loop_signal_cb, loop_signums[i]);
	}
	if (rc != 0)
		loop_close(l);
	else
		loop_mask_signals(SIG_UNBLOCK);
	return rc;
}

void
loop_set_deadline(struct loop *l, struct instant t)
{
	uint64_t due_ms, now_ms = uv_now(&l->uv);

	if (t.ns == l->deadline.ns)
		return;
	l->deadline = t;
	if (t.ns == TICK_NEVER.ns) {
		(void)uv_timer_stop(&l->timer);
		return;
	}
	due_ms = t.ns / NS_PER_MS + (t.ns % NS_PER_MS != 0);
	(void)uv_timer_start(
	    &l->timer, loop_timer_cb, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

void
loop_run(struct loop *l)
{
	(void)uv_run(&l->uv, UV_RUN_DEFAULT);
}

void
loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

static void
loop_close_handle(uv_handle_t *h, void *ctx)
{
	(void)ctx;
	if (uv_is_closing(h) == 0)
		uv_close(h, NULL);
}

void
loop_close(struct loop *l)
{
	int rc;

	uv_walk(&l->uv, loop_close_handle, NULL);
	(void)uv_run(&l->uv, UV_RUN_DEFAULT);
	rc = uv_loop_close(&l->uv);
	assert(rc == 0);
	(void)rc;
}
