/*
 * A .torrent of one file (BEP 3 "metainfo files", BEP 12 announce-list, BEP 27
 * private). Multi-file torrents are refused: murder sends one archive. Where
 * there is an announce-list with a URL in it, announce is ignored (BEP 12).
 */
#ifndef MURDER_CORE_METAINFO_H
#define MURDER_CORE_METAINFO_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "limits.h"
#include "span.h"

#define SHA1_BYTES 20u

/* Twice as many in pieces of 16 KiB cost in messages what they save in waiting,
 * so there are half as many of those at most. */
#define PIECES_GOOD 4096u

/* All spans borrow from the bytes given to metainfo_parse(). */
struct metainfo {
	struct span info;      /* the raw info dictionary: its SHA-1 names the
				  torrent; computed by the caller (io/digest) */
	struct span name;      /* a safe file name: see metainfo_name_safe() */
	struct span pieces;    /* n_pieces * SHA1_BYTES */
	uint64_t length;       /* bytes of the file; 0 is allowed */
	uint32_t piece_length; /* bytes, a power of two within the limits */
	uint32_t n_pieces;     /* ceil(length / piece_length) */
	bool is_private;       /* BEP 27 */
	struct {
		struct span url;
		uint32_t tier; /* BEP 12: lower tiers first */
	} trackers[LIMIT_TRACKERS];
	uint32_t n_trackers; /* surplus ones are ignored */
};

/*
 * Reads a .torrent. Only canonical bencode is accepted, and nothing after it.
 * ERR_TRUNCATED, ERR_SYNTAX, ERR_CANONICAL, ERR_DEPTH, ERR_RANGE, ERR_TYPE,
 * ERR_MISSING, ERR_LIMIT, ERR_LENGTH (pieces), ERR_UNSAFE (name),
 * ERR_UNSUPPORTED (files, no v1 hashes), ERR_TRAILING. On failure *key names
 * the culprit ("info.pieces") or is NULL; static storage.
 */
int metainfo_parse(struct metainfo *m, struct span torrent, const char **key);

/* What metainfo_build() writes; spans borrowed for the call. */
struct metainfo_spec {
	struct span announce;             /* URL of the tracker */
	const struct span *more_trackers; /* URLs, each a tier of its own behind
					     announce (BEP 12); may be NULL */
	uint32_t n_more_trackers;
	struct span name;
	struct span pieces;
	struct span created_by;
	uint64_t length;
	uint32_t piece_length;
	bool is_private;
};

/* Appends a canonical .torrent: announce, announce-list if there are more
 * trackers, created by unless empty, info. No creation date, so the same file
 * gives the same bytes. Refuses, before it writes anything, what
 * metainfo_parse() would: ERR_RANGE, ERR_LIMIT, ERR_LENGTH, ERR_UNSAFE,
 * ERR_TYPE (not a URL); else the error of out. */
int metainfo_build(struct buf *out, const struct metainfo_spec *spec);

/* Not empty, not "." or "..", no '/', no NUL, at most LIMIT_NAME_BYTES. */
bool metainfo_name_safe(struct span name);

/*
 * A piece length for so many bytes, a power of two within the limits. A piece
 * is passed on only when it is whole, so the last of N hosts waits for about
 * log2 N of them: the smallest that makes no more than PIECES_GOOD pieces, but
 * 1 MiB at most, as long as LIMIT_PIECES allows. doc/SCHEDULER.md has figures.
 */
uint32_t metainfo_good_piece_length(uint64_t length);

/* Bytes of piece i: piece_length, or what is left for the last one. */
uint32_t metainfo_piece_size(
    uint64_t length, uint32_t piece_length, uint32_t i);

#endif
