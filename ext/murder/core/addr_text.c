/* Addresses as people write them: RFC 4291 section 2.2, RFC 5952. */
#include <string.h>

#include "addr.h"
#include "err.h"

/* The byte in front, or -1 at the end. */
static int
peek(struct span in)
{
	uint8_t c;

	return span_take_u8(&in, &c) == 0 ? c : -1;
}

/* Takes c off the front if it is there. */
static bool
take_char(struct span *in, int c)
{
	struct span taken;

	return peek(*in) == c && span_take(in, 1, &taken) == 0;
}

static int
digit_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* Takes 1 to max_digits digits of that base; the value fits by the count. */
static int
take_number(struct span *in, int base, size_t max_digits, unsigned *out)
{
	unsigned v = 0;
	size_t n = 0;
	bool zero_first = peek(*in) == '0';

	for (int d; (d = digit_value(peek(*in))) < base; n++) {
		if (n == max_digits)
			return ERR_SYNTAX;
		v = v * (unsigned)base + (unsigned)d;
		(void)take_char(in, peek(*in));
	}
	/* inet_aton() would read 010 as 8: refused, not guessed. */
	if (n == 0 || (base == 10 && zero_first && n > 1))
		return ERR_SYNTAX;
	*out = v;
	return 0;
}

/* The whole of in as a dotted quad. */
static int
read_v4(struct span in, uint8_t ip[4])
{
	for (int i = 0; i < 4; i++) {
		unsigned v;

		if (i > 0 && !take_char(&in, '.'))
			return ERR_SYNTAX;
		if (take_number(&in, 10, 3, &v) != 0 || v > 255)
			return ERR_SYNTAX;
		ip[i] = (uint8_t)v;
	}
	return in.n == 0 ? 0 : ERR_SYNTAX;
}

/* Groups read so far, and where "::" stood among them. */
struct v6 {
	uint8_t ip[16];
	size_t n;   /* bytes */
	size_t gap; /* bytes in front of "::"; 17: none yet */
};

/* One group, or a dotted quad in place of the last two. */
static int
read_v6_group(struct span *in, struct v6 *v)
{
	struct span before = *in;
	unsigned group;

	if (v->n == 16)
		return ERR_SYNTAX;
	if (take_number(in, 16, 4, &group) != 0)
		return ERR_SYNTAX;
	if (peek(*in) == '.') {
		if (v->n > 12 || read_v4(before, v->ip + v->n) != 0)
			return ERR_SYNTAX;
		v->n += 4;
		in->n = 0;
		return 0;
	}
	v->ip[v->n++] = (uint8_t)(group >> 8);
	v->ip[v->n++] = (uint8_t)(group & 0xff);
	return 0;
}

/* Takes ":" or "::" behind a group; *more if a group must follow. */
static int
read_v6_colon(struct span *in, struct v6 *v, bool *more)
{
	*more = false;
	if (in->n == 0)
		return 0;
	if (!take_char(in, ':'))
		return ERR_SYNTAX;
	*more = true;
	if (take_char(in, ':')) {
		if (v->gap != 17)
			return ERR_SYNTAX;
		v->gap = v->n;
		*more = in->n > 0;
	}
	return 0;
}

/* The whole of in as IPv6. */
static int
read_v6(struct span in, uint8_t ip[16])
{
	struct v6 v = {.gap = 17};
	bool more = true;
	size_t tail;

	if (take_char(&in, ':')) {
		if (!take_char(&in, ':'))
			return ERR_SYNTAX;
		v.gap = 0;
		more = in.n > 0;
	}
	while (more) {
		if (read_v6_group(&in, &v) != 0 ||
		    read_v6_colon(&in, &v, &more) != 0)
			return ERR_SYNTAX;
	}
	if ((v.gap == 17) != (v.n == 16))
		return ERR_SYNTAX; /* "::" stands for one group or more */
	memset(ip, 0, 16);
	if (v.gap == 17)
		v.gap = v.n;
	tail = v.n - v.gap;
	memcpy(ip, v.ip, v.gap);
	memcpy(ip + 16 - tail, v.ip + v.gap, tail);
	return 0;
}

int
addr_from_text(struct addr *a, struct span text, uint16_t port)
{
	uint8_t ip[16];

	if (read_v4(text, ip) == 0)
		return addr_from_bytes(a, (struct span){ip, 4}, port);
	if (read_v6(text, ip) == 0)
		return addr_from_bytes(a, (struct span){ip, 16}, port);
	return ERR_SYNTAX;
}

/* ---- to text: each helper writes at *out and moves it on ---------------- */

static void
put_char(char **out, char c)
{
	*(*out)++ = c;
}

static void
put_number(char **out, unsigned v, unsigned base)
{
	char digits[5];
	size_t n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0);
	while (n > 0)
		put_char(out, digits[--n]);
}

static void
put_v4(char **out, const uint8_t *ip)
{
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			put_char(out, '.');
		put_number(out, ip[i], 10);
	}
}

/* The longest run of zero groups, the first of equals; RFC 5952 section 4.2:
 * a single one is not shortened. */
static void
find_gap(const unsigned group[8], int *gap, int *n_gap)
{
	*gap = 8;
	*n_gap = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && group[i + n] == 0)
			n++;
		if (n > *n_gap) {
			*gap = i;
			*n_gap = n;
		}
	}
}

static void
put_v6(char **out, const uint8_t *ip)
{
	unsigned group[8];
	int gap, n_gap;

	for (int i = 0; i < 8; i++)
		group[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
	find_gap(group, &gap, &n_gap);
	for (int i = 0; i < 8; i++) {
		if (i == gap) {
			put_char(out, ':');
			i += n_gap - 1;
			if (i == 7)
				put_char(out, ':');
			continue;
		}
		if (i > 0)
			put_char(out, ':');
		put_number(out, group[i], 16);
	}
}

void
addr_host_text(const struct addr *a, char out[ADDR_TEXT])
{
	if (a->family == ADDR_V4)
		put_v4(&out, a->ip);
	else
		put_v6(&out, a->ip);
	put_char(&out, '\0');
}

void
addr_to_text(const struct addr *a, char out[ADDR_TEXT])
{
	if (a->family == ADDR_V4) {
		put_v4(&out, a->ip);
	} else {
		put_char(&out, '[');
		put_v6(&out, a->ip);
		put_char(&out, ']');
	}
	put_char(&out, ':');
	put_number(&out, a->port, 10);
	put_char(&out, '\0');
}
