#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/announce.h"
#include "core/buf.h"
#include "core/err.h"
#include "heap.h"
#include "httpd.h"
#include "httpd_listen.h"
#include "log.h"
#include "status.h"

/* Memory of one connection: request line and headers must fit. */
#define CONNECTION_BYTES (16u << 10)

/* Seconds of silence after which a connection is closed; longer than our
 * interval would keep a socket of every host of the fleet open for nothing. */
#define SILENCE_S 10u

/* Connections at most, the descriptors permitting; and what is kept back for
 * everything else. */
#define CONNECTIONS_MAX 65536u
#define DESCRIPTORS_KEPT 64u

/* A body: 500,000 peers of some 200 bytes in /stats. */
#define BODY_MAX (160u << 20)

/* A body longer than this is handed over rather than copied. */
#define COPY_MAX (64u << 10)

struct httpd {
	struct tracker *tracker;
	struct MHD_Daemon *daemon[HTTPD_BINDS_MAX];
	unsigned n_daemons;
	unsigned crowded; /* connections of a daemon that end keep-alive */
	struct buf body;  /* of the answer being made */
};

/* One request, from its first line to its end. */
struct request {
	enum route { ROUTE_NONE, ANNOUNCE, SCRAPE, STATS } route;
	bool asked; /* on_request() has been called for it */
	size_t n_query;
	char query[]; /* raw, without the '?' */
};

static struct instant
clock_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct instant){
	    .ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec};
}

/* ---- requests ------------------------------------------------------------ */

static enum route
route_of(const char *uri, size_t n)
{
	struct span path = {.p = (const uint8_t *)uri, .n = n};

	if (span_equal(path, SPAN_LIT("/announce")))
		return ANNOUNCE;
	if (span_equal(path, SPAN_LIT("/scrape")))
		return SCRAPE;
	if (span_equal(path, SPAN_LIT("/stats")))
		return STATS;
	return ROUTE_NONE;
}

/* Called with the raw request target, before libmicrohttpd undoes escapes:
 * an info-hash may hold any byte. What it returns is *state of on_request. */
static void *
on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	size_t n_path = strcspn(uri, "?");
	const char *query = uri + n_path + (uri[n_path] == '?' ? 1 : 0);
	size_t n_query = strlen(query);
	struct request *r = malloc(sizeof(*r) + n_query);

	(void)cls;
	(void)connection;
	if (r == NULL)
		return NULL; /* on_request() refuses */
	r->route = route_of(uri, n_path);
	r->asked = false;
	r->n_query = n_query;
	memcpy(r->query, query, n_query);
	return r;
}

/* Instead of libmicrohttpd's own: what it would undo nobody reads. */
static size_t
on_unescape(void *cls, struct MHD_Connection *connection, char *s)
{
	(void)cls;
	(void)connection;
	return strlen(s);
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode how)
{
	(void)cls;
	(void)connection;
	(void)how;
	free(*state);
	*state = NULL;
}

static void
addr_from_sockaddr(struct addr *a, const struct sockaddr *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(a, 0, sizeof(*a));
	a->family = ADDR_V4;
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		(void)addr_from_bytes(a,
		    (struct span){.p = (const uint8_t *)&in.sin_addr, .n = 4},
		    ntohs(in.sin_port));
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		(void)addr_from_bytes(a,
		    (struct span){.p = in6.sin6_addr.s6_addr, .n = 16},
		    ntohs(in6.sin6_port));
	}
}

/* `to` is asked of the kernel only where it may matter. */
static void
ends_of(const struct httpd *h, struct MHD_Connection *connection,
    struct tracker_ends *ends)
{
	const union MHD_ConnectionInfo *info;
	struct sockaddr_storage ss = {.ss_family = AF_UNSPEC};
	socklen_t n = sizeof(ss);

	info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	addr_from_sockaddr(&ends->from, info->client_addr);
	ends->to = ends->from;
	if (!tracker_needs_to(h->tracker, &ends->from))
		return;
	info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	(void)getsockname(info->connect_fd, (struct sockaddr *)&ss, &n);
	addr_from_sockaddr(&ends->to, (struct sockaddr *)&ss);
}

/* ---- answers ------------------------------------------------------------- */

/* "port lacks …": what is wrong with a query, for a client's log. */
static int
put_complaint(struct buf *out, const char *key, int err)
{
	char reason[100];
	const char *what = err_sentence(err);

	if (err == ERR_SYNTAX)
		what = "has a broken %-escape";
	else if (err == ERR_MISSING)
		what = "is missing";
	else if (err == ERR_LIMIT)
		what = "is too long";
	(void)snprintf(reason, sizeof(reason), "%s %s", key, what);
	return announce_build_failure(out, reason);
}

/* For --verbose; why is NULL unless it was refused. */
static void
note_announce(const struct announce_query *q, const struct tracker_ends *ends,
    const char *why)
{
	static const char *const event[] = {
	    [ANNOUNCE_NONE] = "goes on",
	    [ANNOUNCE_STARTED] = "started",
	    [ANNOUNCE_COMPLETED] = "completed",
	    [ANNOUNCE_STOPPED] = "stopped",
	};
	char host[ADDR_TEXT];

	if (!log_is_verbose())
		return;
	addr_host_text(&ends->from, host);
	if (why != NULL)
		log_debug("%s: refused: %s", host, why);
	else
		log_debug("%s: port %u of %02x%02x%02x%02x %s, %" PRIu64
			  " bytes left",
		    host, (unsigned)q->port, q->info_hash[0], q->info_hash[1],
		    q->info_hash[2], q->info_hash[3], event[q->event], q->left);
}

static int
put_announce(
    struct httpd *h, struct span query, const struct tracker_ends *ends)
{
	struct announce_query q;
	const char *key;
	int err = announce_parse_query(&q, query, &key);

	note_announce(&q, ends, err != 0 ? key : NULL);
	if (err != 0)
		return put_complaint(&h->body, key, err);
	return tracker_announce(h->tracker, &q, ends, clock_now(), &h->body);
}

static int
put_scrape(struct httpd *h, struct span query)
{
	struct announce_scrape s;
	int err = announce_parse_scrape(&s, query);

	if (err != 0)
		return put_complaint(&h->body, "info_hash", err);
	return tracker_scrape(h->tracker, &s, clock_now(), &h->body);
}

/* Whether so many are connected that nobody may stay. */
static bool
is_crowded(const struct httpd *h)
{
	for (unsigned i = 0; i < h->n_daemons; i++) {
		const union MHD_DaemonInfo *info = MHD_get_daemon_info(
		    h->daemon[i], MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

		if (info->num_connections >= h->crowded)
			return true;
	}
	return false;
}

/* Sends h->body, which is empty or used up afterwards. */
static enum MHD_Result
reply(struct httpd *h, struct MHD_Connection *connection, unsigned status,
    const char *type)
{
	bool copy = h->body.n <= COPY_MAX;
	struct MHD_Response *r = MHD_create_response_from_buffer(h->body.n,
	    h->body.p, copy ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_MUST_FREE);
	enum MHD_Result done = MHD_NO;

	if (!copy && r != NULL)
		buf_init(&h->body, &heap, BODY_MAX); /* it owns the bytes */
	if (r == NULL)
		return MHD_NO;
	if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) ==
		MHD_YES &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET") ==
		    MHD_YES) &&
	    (!is_crowded(h) ||
		MHD_add_response_header(
		    r, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES))
		done = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result
reply_text(struct httpd *h, struct MHD_Connection *connection, unsigned status,
    const char *text)
{
	(void)buf_put_str(&h->body, text);
	return reply(h, connection, status, "text/plain");
}

/* Called when the headers are there, and again at the end of the request. An
 * answer to the first call ends the connection, which is right for a request
 * whose body nobody wants to read. */
static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *n_upload, void **state)
{
	struct httpd *h = cls;
	struct request *r = *state;
	const char *type = "text/plain";
	struct tracker_ends ends;
	struct span query;
	int err = 0;

	(void)url;
	(void)version;
	(void)upload;
	buf_clear(&h->body);
	if (r == NULL)
		return MHD_NO;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return reply_text(h, connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "only GET is answered here\n");
	if (*n_upload > 0)
		return MHD_NO; /* a GET with a body is nobody we know */
	if (!r->asked) {
		r->asked = true;
		return MHD_YES;
	}
	query = (struct span){.p = (const uint8_t *)r->query, .n = r->n_query};
	switch (r->route) {
	case ROUTE_NONE:
		return reply_text(h, connection, MHD_HTTP_NOT_FOUND,
		    "there are /announce, /scrape and /stats here\n");
	case ANNOUNCE:
		ends_of(h, connection, &ends);
		err = put_announce(h, query, &ends);
		break;
	case SCRAPE:
		err = put_scrape(h, query);
		break;
	case STATS:
		type = "application/json";
		err = tracker_stats(h->tracker, clock_now(), &h->body);
		break;
	}
	if (err == 0)
		return reply(h, connection, MHD_HTTP_OK, type);
	buf_free(&h->body);
	return reply_text(
	    h, connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
}

/* ---- the loop ------------------------------------------------------------ */

/* Raises the soft limit of descriptors to the hard one; gives how many
 * connections may be had. */
static unsigned
connections_allowed(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == -1)
		return 1024 - DESCRIPTORS_KEPT;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
	(void)getrlimit(RLIMIT_NOFILE, &l);
	if (l.rlim_cur >= CONNECTIONS_MAX + DESCRIPTORS_KEPT)
		return CONNECTIONS_MAX;
	if (l.rlim_cur <= 2 * DESCRIPTORS_KEPT)
		return DESCRIPTORS_KEPT;
	return (unsigned)l.rlim_cur - DESCRIPTORS_KEPT;
}

static int
add_daemon(struct httpd *h, const struct addr *a, uint16_t port, unsigned limit)
{
	int fd = httpd_listen(a, port);

	if (fd == -1)
		return STATUS_PORT;
	/* one host alone cannot take every connection */
	h->daemon[h->n_daemons] = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_TURBO, 0, NULL, NULL, on_request, h,
	    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_LIMIT, limit,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, limit - limit / 4,
	    MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S,
	    MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
	    MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
	if (h->daemon[h->n_daemons] == NULL) {
		log_error("cannot serve HTTP: %s", strerror(errno));
		(void)close(fd);
		return STATUS_FAILED;
	}
	h->n_daemons++;
	return STATUS_OK;
}

int
httpd_new(struct httpd **out, const struct httpd_config *c)
{
	struct httpd *h = calloc(1, sizeof(*h));
	unsigned limit = connections_allowed();
	int st = STATUS_OK;

	if (h == NULL) {
		log_error("out of memory");
		return STATUS_FAILED;
	}
	h->tracker = c->tracker;
	tracker_expire(h->tracker, clock_now()); /* its uptime begins */
	buf_init(&h->body, &heap, BODY_MAX);
	if (c->n_binds == 0)
		st = add_daemon(h, NULL, c->port, limit);
	else
		limit /= c->n_binds;
	for (unsigned i = 0; i < c->n_binds && st == STATUS_OK; i++)
		st = add_daemon(h, &c->binds[i], c->port, limit);
	h->crowded = limit / 2;
	if (st != STATUS_OK) {
		httpd_free(h);
		return st;
	}
	*out = h;
	return STATUS_OK;
}

void
httpd_free(struct httpd *h)
{
	if (h == NULL)
		return;
	for (unsigned i = 0; i < h->n_daemons; i++)
		MHD_stop_daemon(h->daemon[i]);
	buf_free(&h->body);
	free(h);
}

/* Milliseconds until something is due; -1 for never. */
static int
wait_ms(const struct httpd *h)
{
	struct instant now = clock_now();
	struct instant due = tracker_deadline(h->tracker);
	uint64_t ms = UINT64_MAX;

	if (due.ns != TICK_NEVER.ns)
		ms = tick_since(now, due).ns / 1000000u + 1;
	for (unsigned i = 0; i < h->n_daemons; i++) {
		MHD_UNSIGNED_LONG_LONG t;

		if (MHD_get_timeout(h->daemon[i], &t) == MHD_YES && t < ms)
			ms = t;
	}
	if (ms == UINT64_MAX)
		return -1;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

void
httpd_run(struct httpd *h, int stop_fd)
{
	struct pollfd p[HTTPD_BINDS_MAX + 1];
	unsigned n = h->n_daemons;

	for (unsigned i = 0; i < n; i++) {
		const union MHD_DaemonInfo *info =
		    MHD_get_daemon_info(h->daemon[i], MHD_DAEMON_INFO_EPOLL_FD);

		p[i] = (struct pollfd){.fd = info->epoll_fd, .events = POLLIN};
	}
	p[n] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
	for (;;) {
		int ready = poll(p, n + 1, wait_ms(h));

		if (ready == -1 && errno != EINTR)
			return;
		if (ready > 0 && p[n].revents != 0)
			return;
		for (unsigned i = 0; i < n; i++)
			(void)MHD_run(h->daemon[i]);
		tracker_expire(h->tracker, clock_now());
	}
}
