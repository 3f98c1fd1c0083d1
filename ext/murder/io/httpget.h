/*
 * HTTP GETs by libcurl on the client's loop: announces. Several may be under
 * way. HTTP only, no proxy, no redirects, bounded in time and in size.
 */
#ifndef MURDER_IO_HTTPGET_H
#define MURDER_IO_HTTPGET_H

#include <stddef.h>

#include "core/mem.h"
#include "core/span.h"
#include "io/loop.h"

#define HTTPGET_CONNECT_MS 3000L
#define HTTPGET_TOTAL_MS 10000L

struct httpget;

/* What a GET came to; borrowed for the call. */
struct httpget_result {
	int err;          /* 0, or a negative enum err */
	struct span body; /* if err is 0 */
	const char *text; /* if not: what went wrong, for people */
	void *ctx;        /* as given to httpget_start() */
};

typedef void httpget_done(const struct httpget_result *r);

/* ERR_NOMEM or ERR_IO. Owned by the caller: httpget_free(). */
int httpget_new(struct httpget **out, struct loop *l, const struct mem *mem);

/* Begins to get url (copied); done(), with ctx in its result, is called from
 * the loop, never from here. ERR_NOMEM, ERR_IO. */
int httpget_start(struct httpget *g, const char *url, size_t max_bytes,
    httpget_done *done, void *ctx);

/* How many are under way. */
unsigned httpget_pending(const struct httpget *g);

/* Gives up what is under way, without a word, and frees g (may be NULL); the
 * loop must run once more for its handles. */
void httpget_free(struct httpget *g);

#endif
