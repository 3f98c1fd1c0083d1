/*
 * Load for a tracker on loopback: announces of many peers of one torrent, each
 * from an address of its own in 127/8, so many at a time, with a connection
 * each or over connections kept alive. Prints one line of JSON: announces,
 * failures, seconds, and the latency's median, 99th percentile and maximum.
 *
 *	announces PORT ANNOUNCES CONNECTIONS PEERS close|keep [stripes]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct conn {
	int fd;
	uint32_t slot;  /* peers slot, slot + step, … announce over it */
	uint32_t turn;  /* announces begun over it */
	double started; /* seconds */
	size_t n;       /* bytes of the reply so far */
	char reply[4096];
};

static struct {
	uint16_t port;
	uint32_t n_announces, n_conns, n_peers;
	bool keep;
	const char *stripes; /* of a query: peers take part in them */
	int ep;
	uint32_t begun, done, failed;
	double *latency; /* seconds, in the order of arrival */
} load;

static double
now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
die(const char *what)
{
	fprintf(stderr, "announces: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Which peer announces next over c. */
static uint32_t
peer_of(const struct conn *c)
{
	return (c->slot + c->turn * load.n_conns) % load.n_peers;
}

static struct sockaddr_in
loopback(uint32_t host, uint16_t port)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_port = htons(port)};

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
	return in;
}

static void
open_conn(struct conn *c)
{
	struct sockaddr_in to = loopback(0, load.port);
	struct sockaddr_in from = loopback(0x10000 + peer_of(c), 0);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	struct linger gone = {.l_onoff = 1, .l_linger = 0};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd == -1)
		die("socket");
	(void)setsockopt(
	    c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &gone, sizeof(gone));
	if (bind(c->fd, (struct sockaddr *)&from, sizeof(from)) == -1)
		die("bind");
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		die("connect");
	if (epoll_ctl(load.ep, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		die("epoll_ctl");
}

/* Begins the next announce over c, if there is one left. */
static void
begin(struct conn *c)
{
	char text[512];
	uint32_t peer = peer_of(c);
	int n;

	if (load.begun == load.n_announces)
		return;
	load.begun++;
	c->started = now_s();
	c->n = 0;
	if (c->fd == -1)
		open_conn(c);
	n = snprintf(text, sizeof(text),
	    "GET /announce?info_hash=%%12%%34%%56%%78%%9Aabcdefghijklmno"
	    "&peer_id=-LD0001-%012u&port=%u&uploaded=0&downloaded=0&left=%u"
	    "&compact=1&numwant=50%s&event=%s HTTP/1.1\r\nHost: t\r\n"
	    "Connection: %s\r\n\r\n",
	    peer, 10000 + peer % 50000, peer == 0 ? 0u : 5u, load.stripes,
	    load.begun <= load.n_peers ? "started" : "",
	    load.keep ? "keep-alive" : "close");
	if (write(c->fd, text, (size_t)n) != n)
		die("write");
}

/* Whether the reply of c is all there. */
static bool
is_whole(const struct conn *c)
{
	const char *body = strstr(c->reply, "\r\n\r\n");
	const char *length = strcasestr(c->reply, "Content-Length: ");

	return body != NULL && length != NULL && length < body &&
	       c->n >= (size_t)(body + 4 - c->reply) +
			   strtoul(length + 16, NULL, 10);
}

static void
finish(struct conn *c)
{
	if (memmem(c->reply, c->n, "8:intervali", 11) == NULL)
		load.failed++;
	load.latency[load.done++] = now_s() - c->started;
	c->turn++;
	if (!load.keep) {
		(void)close(c->fd);
		c->fd = -1;
	}
	begin(c);
}

static void
on_readable(struct conn *c)
{
	ssize_t n = read(c->fd, c->reply + c->n, sizeof(c->reply) - 1 - c->n);

	if (n == -1)
		die("read");
	c->n += (size_t)n;
	c->reply[c->n] = '\0';
	if (n == 0 || is_whole(c))
		finish(c);
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	struct epoll_event ev[256];
	struct conn *conns;
	double start, seconds;

	if (argc != 6 && argc != 7)
		return 2;
	load.port = (uint16_t)atoi(argv[1]);
	load.n_announces = (uint32_t)atoi(argv[2]);
	load.n_conns = (uint32_t)atoi(argv[3]);
	load.n_peers = (uint32_t)atoi(argv[4]);
	load.keep = strcmp(argv[5], "keep") == 0;
	load.stripes = argc == 7 ? "&murder_stripes=0" : "";
	load.ep = epoll_create1(0);
	load.latency = calloc(load.n_announces, sizeof(double));
	conns = calloc(load.n_conns, sizeof(*conns));
	if (load.latency == NULL || conns == NULL)
		die("calloc");
	(void)alarm(120);
	start = now_s();
	for (uint32_t i = 0; i < load.n_conns; i++) {
		conns[i].fd = -1;
		conns[i].slot = i;
		begin(&conns[i]);
	}
	while (load.done < load.n_announces) {
		int n = epoll_wait(load.ep, ev, 256, -1);

		for (int i = 0; i < n; i++)
			on_readable(ev[i].data.ptr);
	}
	seconds = now_s() - start;
	qsort(load.latency, load.done, sizeof(double), ascending);
	printf("{\"announces\":%u,\"failed\":%u,\"seconds\":%.3f,"
	       "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
	    load.done, load.failed, seconds, load.latency[load.done / 2] * 1e3,
	    load.latency[load.done - 1 - load.done / 100] * 1e3,
	    load.latency[load.done - 1] * 1e3);
	return load.failed == 0 ? 0 : 1;
}
