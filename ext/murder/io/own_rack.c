#include <assert.h>
#include <curl/curl.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/own_rack.h"
#include "io/sockaddr.h"

bool
own_rack_label(
    char out[LIMIT_RACK_BYTES + 1], const struct addr *a, unsigned bits)
{
	struct addr subnet = *a;
	char text[ADDR_TEXT];

	assert(bits > 0 && bits <= 128);
	out[0] = '\0';
	if ((a->family == ADDR_V4) != (bits <= 32) || addr_is_loopback(a))
		return false;
	for (unsigned i = bits; i < sizeof(a->ip) * 8; i++)
		subnet.ip[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	addr_host_text(&subnet, text);
	(void)snprintf(out, LIMIT_RACK_BYTES + 1, "%s/%u", text, bits);
	return true;
}

/* Where the route to that address begins. */
static bool
own_end(struct addr *a, const struct addrinfo *to)
{
	struct sockaddr_storage ss = {0};
	socklen_t n = sizeof(ss);
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok;

	if (fd == -1)
		return false;
	ok = connect(fd, to->ai_addr, to->ai_addrlen) == 0 &&
	     getsockname(fd, (struct sockaddr *)&ss, &n) == 0 &&
	     sockaddr_to(a, &ss) == 0;
	(void)close(fd);
	return ok;
}

static bool
towards(struct addr *a, const char *host)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	struct addrinfo *list, *to;
	bool ok = false;

	if (getaddrinfo(host, "9", &hints, &list) != 0)
		return false;
	for (to = list; to != NULL && !ok; to = to->ai_next)
		ok = own_end(a, to);
	freeaddrinfo(list);
	return ok;
}

bool
own_rack_addr(struct addr *a, const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	bool ok = false;
	size_t n;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		n = strlen(host);
		if (n > 2 && host[0] == '[') { /* an IPv6 address */
			host[n - 1] = '\0';
			ok = towards(a, host + 1);
		} else {
			ok = towards(a, host);
		}
	}
	curl_free(host);
	curl_url_cleanup(u);
	return ok;
}
