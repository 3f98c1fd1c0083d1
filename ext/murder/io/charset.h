/*
 * libarchive converts names by the locale of the calling thread. While a
 * charset is held, this thread (and no other) is in a UTF-8 locale, so names
 * pass as the bytes they are.
 */
#ifndef MURDER_IO_CHARSET_H
#define MURDER_IO_CHARSET_H

#include <locale.h>

struct charset {
	locale_t held;   /* 0 if the system has no UTF-8 locale */
	locale_t before; /* what the thread had */
};

void charset_hold(struct charset *c);
void charset_release(struct charset *c);

#endif
