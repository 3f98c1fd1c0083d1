#include "io/charset.h"

void
charset_hold(struct charset *c)
{
	c->held = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (c->held == (locale_t)0)
		c->held = newlocale(LC_CTYPE_MASK, "en_US.UTF-8", (locale_t)0);
	if (c->held != (locale_t)0)
		c->before = uselocale(c->held);
}

void
charset_release(struct charset *c)
{
	if (c->held == (locale_t)0)
		return;
	uselocale(c->before);
	freelocale(c->held);
}
