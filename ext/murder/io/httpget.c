#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "core/buf.h"
#include "core/err.h"
#include "io/httpget.h"

struct httpget {
	struct loop *loop;
	const struct mem *mem;
	CURLM *multi;
	uv_timer_t timer;
	struct httpget_job *jobs;
	unsigned n_jobs;
};

/* One GET. */
struct httpget_job {
	struct httpget *get;
	CURL *easy;
	struct buf body;
	char error[CURL_ERROR_SIZE];
	httpget_done *done;
	void *ctx;
	struct httpget_job *prev, *next;
};

/* One of curl's sockets. */
struct httpget_socket {
	uv_poll_t poll;
	curl_socket_t fd;
	struct httpget *get;
	const struct mem *mem; /* closes after get is gone */
};

/* The job no longer counts as under way. */
static void
httpget_detach_job(struct httpget_job *j)
{
	DL_DELETE(j->get->jobs, j);
	j->get->n_jobs--;
	(void)curl_multi_remove_handle(j->get->multi, j->easy);
}

static void
httpget_free_job(struct httpget_job *j, const struct mem *mem)
{
	curl_easy_cleanup(j->easy);
	buf_free(&j->body);
	mem_free(mem, j);
}

static void
httpget_finish(struct httpget_job *j, CURLcode code)
{
	struct httpget_result r = {.ctx = j->ctx, .text = j->error};
	const struct mem *mem = j->get->mem;
	char text[64];
	long status = 0;

	(void)curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	r.body = buf_span(&j->body);
	if (buf_error(&j->body) != 0) {
		r.err = buf_error(&j->body);
		r.text = "its reply is too large";
	} else if (code != CURLE_OK) {
		r.err = ERR_IO;
		if (j->error[0] == '\0')
			r.text = curl_easy_strerror(code);
	} else if (status != 200) {
		r.err = ERR_REFUSED;
		(void)snprintf(text, sizeof(text), "HTTP status %ld", status);
		r.text = text;
	}
	httpget_detach_job(j);
	j->done(&r); /* who may look at httpget_pending() */
	httpget_free_job(j, mem);
}

static void
httpget_collect(struct httpget *g)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(g->multi, &left)) != NULL) {
		struct httpget_job *j = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(
		    m->easy_handle, CURLINFO_PRIVATE, (char **)&j);
		httpget_finish(j, code); /* m is gone now */
	}
}

/* ---- curl's wishes on our loop ------------------------------------------- */

static void
httpget_poll_cb(uv_poll_t *p, int status, int events)
{
	struct httpget_socket *s = p->data;
	struct httpget *g = s->get;
	int mask = 0, running;

	if (status < 0)
		mask = CURL_CSELECT_ERR;
	if ((events & UV_READABLE) != 0)
		mask |= CURL_CSELECT_IN;
	if ((events & UV_WRITABLE) != 0)
		mask |= CURL_CSELECT_OUT;
	(void)curl_multi_socket_action(g->multi, s->fd, mask, &running);
	httpget_collect(g);
}

static void
httpget_timer_cb(uv_timer_t *t)
{
	struct httpget *g = t->data;
	int running;

	(void)curl_multi_socket_action(
	    g->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	httpget_collect(g);
}

static int
httpget_on_timer(CURLM *multi, long ms, void *ctx)
{
	struct httpget *g = ctx;

	(void)multi;
	if (ms < 0)
		(void)uv_timer_stop(&g->timer);
	else
		(void)uv_timer_start(
		    &g->timer, httpget_timer_cb, (uint64_t)ms, 0);
	return 0;
}

static void
httpget_socket_closed(uv_handle_t *h)
{
	struct httpget_socket *s = h->data;

	mem_free(s->mem, s);
}

static int
httpget_on_socket(
    CURL *easy, curl_socket_t fd, int what, void *ctx, void *of_socket)
{
	struct httpget *g = ctx;
	struct httpget_socket *s = of_socket;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL) {
			(void)curl_multi_assign(g->multi, fd, NULL);
			uv_close(
			    (uv_handle_t *)&s->poll, httpget_socket_closed);
		}
		return 0;
	}
	if (s == NULL) {
		s = mem_zalloc(g->mem, 1, sizeof(*s));
		if (s == NULL ||
		    uv_poll_init(&g->loop->uv, &s->poll, fd) != 0) {
			mem_free(g->mem, s);
			return -1;
		}
		s->fd = fd;
		s->get = g;
		s->mem = g->mem;
		s->poll.data = s;
		(void)curl_multi_assign(g->multi, fd, s);
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= UV_READABLE;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= UV_WRITABLE;
	return uv_poll_start(&s->poll, events, httpget_poll_cb) == 0 ? 0 : -1;
}

/* ---- public -------------------------------------------------------------- */

int
httpget_new(struct httpget **out, struct loop *l, const struct mem *mem)
{
	struct httpget *g;

	if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
		return ERR_NOMEM;
	g = mem_zalloc(mem, 1, sizeof(*g));
	if (g == NULL)
		return ERR_NOMEM;
	g->loop = l;
	g->mem = mem;
	g->multi = curl_multi_init();
	if (g->multi == NULL || uv_timer_init(&l->uv, &g->timer) != 0) {
		(void)curl_multi_cleanup(g->multi);
		mem_free(mem, g);
		return ERR_NOMEM;
	}
	g->timer.data = g;
	(void)curl_multi_setopt(
	    g->multi, CURLMOPT_SOCKETFUNCTION, httpget_on_socket);
	(void)curl_multi_setopt(g->multi, CURLMOPT_SOCKETDATA, g);
	(void)curl_multi_setopt(
	    g->multi, CURLMOPT_TIMERFUNCTION, httpget_on_timer);
	(void)curl_multi_setopt(g->multi, CURLMOPT_TIMERDATA, g);
	*out = g;
	return 0;
}

static size_t
httpget_on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct httpget_job *j = ctx;

	return buf_put(&j->body, p, size * n) == 0 ? size * n : 0;
}

/* Whether every option was accepted. */
static bool
httpget_configure(struct httpget_job *j, const char *url)
{
	CURL *c = j->easy;
	bool ok = true;

	ok &= curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075500
	ok &= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK;
#else
	ok &= curl_easy_setopt(c, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTP) ==
	      CURLE_OK;
#endif
	ok &= curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(
		  c, CURLOPT_CONNECTTIMEOUT_MS, HTTPGET_CONNECT_MS) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, HTTPGET_TOTAL_MS) ==
	      CURLE_OK;
	ok &= curl_easy_setopt(
		  c, CURLOPT_USERAGENT, "murder/" MURDER_VERSION) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, httpget_on_body) ==
	      CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_WRITEDATA, j) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_PRIVATE, j) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, j->error) == CURLE_OK;
	return ok;
}

int
httpget_start(struct httpget *g, const char *url, size_t max_bytes,
    httpget_done *done, void *ctx)
{
	struct httpget_job *j = mem_zalloc(g->mem, 1, sizeof(*j));

	if (j == NULL)
		return ERR_NOMEM;
	j->get = g;
	j->done = done;
	j->ctx = ctx;
	buf_init(&j->body, g->mem, max_bytes);
	j->easy = curl_easy_init();
	if (j->easy == NULL || !httpget_configure(j, url) ||
	    curl_multi_add_handle(g->multi, j->easy) != CURLM_OK) {
		curl_easy_cleanup(j->easy);
		mem_free(g->mem, j);
		return ERR_IO;
	}
	DL_APPEND(g->jobs, j);
	g->n_jobs++;
	return 0;
}

unsigned
httpget_pending(const struct httpget *g)
{
	return g->n_jobs;
}

static void
httpget_timer_closed(uv_handle_t *h)
{
	struct httpget *g = h->data;

	mem_free(g->mem, g);
}

void
httpget_free(struct httpget *g)
{
	if (g == NULL)
		return;
	while (g->jobs != NULL) {
		struct httpget_job *j = g->jobs;

		httpget_detach_job(j);
		httpget_free_job(j, g->mem);
	}
	(void)curl_multi_cleanup(g->multi); /* closes its idle connections */
	uv_close((uv_handle_t *)&g->timer, httpget_timer_closed);
}
