#include <string.h>

#include "addr.h"
#include "err.h"

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static size_t
ip_bytes(enum addr_family f)
{
	return f == ADDR_V4 ? 4 : 16;
}

bool
addr_same_host(const struct addr *a, const struct addr *b)
{
	return a->family == b->family &&
	       memcmp(a->ip, b->ip, ip_bytes(a->family)) == 0;
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_same_host(a, b);
}

int
addr_from_bytes(struct addr *a, struct span ip, uint16_t port)
{
	struct span prefix;

	if (ip.n != 4 && ip.n != 16)
		return ERR_RANGE;
	if (ip.n == 16 && memcmp(ip.p, mapped_prefix, 12) == 0)
		(void)span_take(&ip, 12, &prefix);
	*a = (struct addr){
	    .family = ip.n == 4 ? ADDR_V4 : ADDR_V6,
	    .port = port,
	};
	memcpy(a->ip, ip.p, ip.n);
	return 0;
}

uint8_t *
addr_write_compact(uint8_t *p, const struct addr *a)
{
	if (a->family == ADDR_V4) {
		memcpy(p, a->ip, 4);
		p += 4;
	} else {
		memcpy(p, a->ip, 16);
		p += 16;
	}
	*p++ = (uint8_t)(a->port >> 8);
	*p++ = (uint8_t)(a->port & 0xff);
	return p;
}

int
addr_put_compact(struct buf *out, const struct addr *a)
{
	uint8_t bytes[18];

	return buf_put(
	    out, bytes, (size_t)(addr_write_compact(bytes, a) - bytes));
}

int
addr_take_compact(struct span *in, enum addr_family f, struct addr *out)
{
	struct span s, ip;
	uint16_t port;
	int rc = span_take(in, ip_bytes(f) + 2, &s);

	if (rc != 0)
		return rc;
	(void)span_take(&s, ip_bytes(f), &ip);
	(void)span_take_be16(&s, &port);
	return addr_from_bytes(out, ip, port);
}

bool
addr_is_loopback(const struct addr *a)
{
	static const uint8_t one6[16] = {[15] = 1};

	if (a->family == ADDR_V4)
		return a->ip[0] == 127;
	return memcmp(a->ip, one6, sizeof(one6)) == 0;
}
