/*
 * Bencode (BEP 3, "bencoding"): a pull reader with bounded depth and checked
 * arithmetic, and a writer that can only produce the canonical form.
 *
 * The reader never allocates and never recurses. In BENC_STRICT mode it
 * refuses what is not canonical: unsorted or repeated keys, leading zeros,
 * negative zero. BENC_LENIENT accepts unsorted keys, leading zeros and negative
 * zero (other people's trackers), never repeated keys next to each other or
 * broken lengths.
 */
#ifndef MURDER_CORE_BENC_H
#define MURDER_CORE_BENC_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "limits.h"
#include "span.h"

enum benc_kind {
	BENC_INT,
	BENC_STR,
	BENC_LIST, /* its elements follow, then BENC_END */
	BENC_DICT, /* key (always BENC_STR), value, …, then BENC_END */
	BENC_END,
	BENC_EOF /* the one top-level value is complete */
};

enum benc_mode { BENC_STRICT, BENC_LENIENT };

struct benc_token {
	enum benc_kind kind;
	bool is_key;     /* a BENC_STR in key position */
	int64_t i;       /* BENC_INT */
	struct span s;   /* BENC_STR: its bytes, borrowed from the input */
	struct span raw; /* from the token's first byte to its last */
};

struct benc_reader {
	struct span rest;
	enum benc_mode mode;
	int err;       /* sticky */
	bool done;     /* the top-level value is complete */
	uint8_t depth; /* open lists and dictionaries */
	struct {
		bool is_dict;
		bool want_value; /* a key has been read */
		bool has_key;
		struct span last_key;
	} level[LIMIT_BENC_DEPTH];
};

/* Starts reading one value from in, which must outlive the reader. */
void benc_reader_init(
    struct benc_reader *r, struct span in, enum benc_mode mode);

/* Gives the next token. 0, or ERR_TRUNCATED, ERR_SYNTAX, ERR_CANONICAL,
 * ERR_DEPTH, ERR_RANGE; errors repeat. After the top-level value: BENC_EOF,
 * with r->rest the bytes behind it. */
int benc_next(struct benc_reader *r, struct benc_token *t);

/* Having just read token t, skips the rest of that value (nothing for ints and
 * strings) and sets *raw, if not NULL, to all of its bytes. */
int benc_skip(
    struct benc_reader *r, const struct benc_token *t, struct span *raw);

/* The writers append to out and return its error. Dictionary keys must be
 * put in order by the caller; benc_put_key asserts nothing (see metainfo.c
 * for the one place that passes foreign keys on). */
int benc_put_int(struct buf *out, int64_t v);
int benc_put_str(struct buf *out, struct span s);
int benc_put_key(struct buf *out, const char *key);
int benc_put_list(struct buf *out); /* 'l' */
int benc_put_dict(struct buf *out); /* 'd' */
int benc_put_end(struct buf *out);  /* 'e' */

#endif
