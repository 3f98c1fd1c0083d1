#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httpd_listen.h"
#include "log.h"

/* A synchronous start of a fleet must fit: a dropped SYN costs a second. The
 * kernel cuts it to net.core.somaxconn. */
#define BACKLOG 16384

static socklen_t
to_sockaddr(struct sockaddr_storage *ss, const struct addr *a, uint16_t port)
{
	memset(ss, 0, sizeof(*ss));
	if (a != NULL && a->family == ADDR_V4) {
		struct sockaddr_in in = {
		    .sin_family = AF_INET, .sin_port = htons(port)};

		memcpy(&in.sin_addr, a->ip, 4);
		memcpy(ss, &in, sizeof(in));
		return sizeof(in);
	}
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (a != NULL)
		memcpy(&in6.sin6_addr, a->ip, 16);
	memcpy(ss, &in6, sizeof(in6));
	return sizeof(in6);
}

/* A listening socket, or -1 with errno. both: IPv4 through an IPv6 socket. */
static int
open_socket(const struct addr *a, uint16_t port, int both)
{
	struct sockaddr_storage ss;
	socklen_t n = to_sockaddr(&ss, a, port);
	int fd =
	    socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, only6 = !both, e;

	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if ((ss.ss_family != AF_INET6 ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6,
		    sizeof(only6)) == 0) &&
	    bind(fd, (struct sockaddr *)&ss, n) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	e = errno;
	(void)close(fd);
	errno = e;
	return -1;
}

static void
complain(const struct addr *a, uint16_t port, int e)
{
	char host[ADDR_TEXT] = "any address";
	const char *advice = "";

	if (a != NULL)
		addr_host_text(a, host);
	if (e == EADDRINUSE)
		advice = ": stop what listens there or choose another --port";
	else if (e == EACCES)
		advice = ": choose a --port above 1023";
	else if (e == EADDRNOTAVAIL)
		advice = ": give an address of this host with --bind";
	log_error("cannot listen on port %u of %s: %s%s", (unsigned)port, host,
	    e == EADDRINUSE ? "it is in use" : strerror(e), advice);
}

int
httpd_listen(const struct addr *a, uint16_t port)
{
	static const struct addr any4 = {.family = ADDR_V4};
	int fd = open_socket(a, port, a == NULL);

	if (fd == -1 && a == NULL &&
	    (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = open_socket(&any4, port, 0);
	if (fd == -1)
		complain(a, port, errno);
	return fd;
}
