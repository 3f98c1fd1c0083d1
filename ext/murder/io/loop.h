/*
 * The event loop of one client: libuv's, with the one deadline a swarm needs
 * and the signals that end it. Everything here runs on one thread; only jobs
 * given to libuv's pool run elsewhere.
 */
#ifndef MURDER_IO_LOOP_H
#define MURDER_IO_LOOP_H

#include <stdbool.h>
#include <uv.h>

#include "core/tick.h"

#define LOOP_SIGNALS 3

struct loop {
	uv_loop_t uv;
	uv_timer_t timer;
	uv_signal_t signals[LOOP_SIGNALS];
	struct instant deadline; /* what the timer is set to */
	void (*on_deadline)(void *ctx);
	void (*on_signal)(void *ctx, int signum);
	void *ctx;
};

/* The monotonic clock, now. */
struct instant loop_now(void);

/* Holds back SIGTERM, SIGINT and SIGHUP until loop_init(), so that one sent
 * while a program starts ends it in order. */
void loop_hold_signals(void);

/*
 * Makes a loop that tells ctx of those signals and of the deadline; SIGINT and
 * SIGHUP stay ignored if they were (nohup, a shell's '&'). SIGPIPE is ignored
 * from here on. Gives 0 or a negative libuv error. loop_close() frees.
 */
int loop_init(struct loop *l, void (*on_deadline)(void *ctx),
    void (*on_signal)(void *ctx, int signum), void *ctx);

/* Sets when on_deadline() is due; TICK_NEVER for not at all. */
void loop_set_deadline(struct loop *l, struct instant t);

/* Runs until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Closes every handle that is still open, waits for jobs under way, and frees
 * the loop. */
void loop_close(struct loop *l);

#endif
