/*
 * The rules that reading and building a .torrent share.
 */
#ifndef MURDER_CORE_METAINFO_INT_H
#define MURDER_CORE_METAINFO_INT_H

#include "metainfo.h"

/* Blanks and control characters have no place in a URL (RFC 3986), and would
 * break the request line and the log: ERR_TYPE. Too long: ERR_LIMIT. */
int metainfo_check_url(struct span url);

/* Whether name, length and pieces of m go together with that piece length;
 * *n_pieces is their number. ERR_UNSAFE, ERR_RANGE, ERR_LIMIT or ERR_LENGTH,
 * and *key is the culprit. */
int metainfo_check_info(const struct metainfo *m, uint64_t piece_length,
    uint32_t *n_pieces, const char **key);

#endif
