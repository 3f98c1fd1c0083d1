/*
 * The extension handshake (BEP 10), PEX (BEP 11) and murder_have. Our own
 * clients know each other by the key murder_block; doc/PROTOCOL.md tells what
 * follows from it.
 */
#ifndef MURDER_CORE_WIRE_EXT_H
#define MURDER_CORE_WIRE_EXT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "span.h"
#include "stripe.h"

/* The ids under which we receive extended messages. */
enum wire_ext_id {
	WIRE_EXT_HANDSHAKE = 0,
	WIRE_EXT_PEX = 1,
	WIRE_EXT_HAVES = 2,
	WIRE_EXT_STRIPES = 3
};

/* All fields optional; 0 / empty is "not said". */
struct wire_ext_handshake {
	uint8_t id_pex;     /* m.ut_pex (BEP 11): the id to send it under */
	uint8_t id_haves;   /* m.murder_have: the id to send it under */
	uint8_t id_stripes; /* m.murder_stripes: the id to send it under */
	uint16_t port;      /* p: where the sender listens */
	uint32_t reqq;      /* requests it lets wait */
	uint32_t block;     /* murder_block: largest block in bytes it takes */
	bool link;          /* murder_link: stripes go from one to the other */
	struct span rack;   /* murder_rack: its label, borrowed */
	struct span client; /* v, borrowed */
	struct span yourip; /* 4 or 16 bytes, borrowed */
};

/* Reads the payload behind ext id 0. Lenient about order, unknown keys and
 * bytes behind the dictionary; a number or yourip that makes no sense counts as
 * not said, a reqq or murder_block beyond 32 bits as the largest. ERR_SYNTAX,
 * ERR_TYPE, … on broken bencode; *h is then not to be used. */
int wire_ext_parse(struct wire_ext_handshake *h, struct span payload);

/* Appends the payload; empty fields are left out. */
int wire_ext_build(struct buf *out, const struct wire_ext_handshake *h);

/* One block of PEX (BEP 11): added and added6 as they stand on the wire. */
struct wire_pex {
	struct span added;  /* 6 bytes each */
	struct span added6; /* 18 bytes each */
};

/* Reads the payload behind our id of PEX; flags and dropped peers are passed
 * over. ERR_PROTOCOL if a list holds half an address, ERR_SYNTAX, … */
int wire_pex_parse(struct wire_pex *p, struct span payload);
/* Appends the payload; flags are zero, empty lists are left out. */
int wire_pex_build(struct buf *out, const struct wire_pex *p);

/*
 * murder_have (doc/PROTOCOL.md): several HAVEs in one message, each as the
 * piece's index, of 2 bytes in torrents of up to 65,536 pieces, of 4 in others.
 */
#define WIRE_HAVES_MAX 256u /* pieces in a message that we send */

/* Appends the whole message, to be received under ext_id: n pieces, at most
 * WIRE_HAVES_MAX, of n_pieces. 0 or ERR_NOMEM. */
int wire_put_haves(struct buf *out, uint8_t ext_id, uint32_t n_pieces,
    const uint32_t *piece, uint32_t n);
/* Takes the next index off the payload: ERR_TRUNCATED if it is cut short,
 * ERR_RANGE if there is no such piece. */
int wire_take_have(struct span *payload, uint32_t n_pieces, uint32_t *piece);

/*
 * murder_stripes (doc/PROTOCOL.md): a byte that says what, and a set of
 * stripes.
 */
enum wire_stripes_kind {
	WIRE_STRIPES_SEND,  /* push these to me from now on, and no others */
	WIRE_STRIPES_OFFER, /* I am to push these to you */
	WIRE_STRIPES_LACK,  /* these do not come to me: I ask for them */
	WIRE_STRIPES_QUIT   /* pushing failed somewhere: ask for all, and tell
			       others so; the set is of no account */
};

/* Appends the whole message, to be received under ext_id. 0 or ERR_NOMEM. */
int wire_put_stripes(
    struct buf *out, uint8_t ext_id, enum wire_stripes_kind kind, stripes_t of);
/* Reads the payload: ERR_TRUNCATED, or ERR_RANGE if it is none of these. */
int wire_take_stripes(
    struct span *payload, enum wire_stripes_kind *kind, stripes_t *of);

#endif
