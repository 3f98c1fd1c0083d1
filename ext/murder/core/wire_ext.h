/*
 * The extension handshake (BEP 10) and our one extension, "murder": between
 * our own clients the sender decides whom to serve next, and says so with a
 * GRANT: "ask me for one piece now, best this one". The receiver answers by
 * requesting blocks of one piece, or with DECLINE; WANT takes a DECLINE back.
 * doc/PROTOCOL.md tells the whole of it.
 */
#ifndef MURDER_CORE_WIRE_EXT_H
#define MURDER_CORE_WIRE_EXT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "span.h"

/* The ids under which we receive extended messages. */
enum wire_ext_id {
	WIRE_EXT_HANDSHAKE = 0,
	WIRE_EXT_PEX = 1,
	WIRE_EXT_MURDER = 2
};

/* The body of a "murder" message: one byte of these, then a piece as a 32-bit
 * big-endian number, or WIRE_NO_PIECE. */
enum wire_murder_kind {
	WIRE_GRANT = 0,   /* piece: a suggestion, which the receiver may
			     replace by any other one */
	WIRE_DECLINE = 1, /* nothing now; do not grant until a WANT */
	WIRE_WANT = 2
};
#define WIRE_NO_PIECE 0xffffffffu

struct wire_murder {
	enum wire_murder_kind kind;
	uint32_t piece;
};

/* Reads the body behind our id; ERR_PROTOCOL if its length or kind is wrong. */
int wire_murder_parse(struct wire_murder *m, struct span payload);

/* Appends a body. */
int wire_murder_build(struct buf *out, const struct wire_murder *m);

/* All fields optional; 0 / empty is "not said". */
struct wire_ext_handshake {
	uint8_t id_pex;     /* m.ut_pex (BEP 11): the id to send it under */
	uint8_t id_murder;  /* m.murder */
	uint16_t port;      /* p: where the sender listens */
	uint32_t reqq;      /* requests it lets wait */
	uint32_t block;     /* murder_block: largest block in bytes it takes */
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

#endif
