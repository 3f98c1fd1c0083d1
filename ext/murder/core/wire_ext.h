/*
 * The extension handshake (BEP 10) and our one extension, "murder": between
 * our own clients the sender decides whom to serve next, and says so with a
 * GRANT: "ask me for one piece now". The receiver answers by requesting one
 * piece, or with DECLINE. doc/PROTOCOL.md tells the whole of it.
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

/* The body of a "murder" message is one of these bytes, and nothing else. */
enum wire_grant { WIRE_GRANT = 0, WIRE_DECLINE = 1 };

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

/* Reads the payload behind ext id 0. Lenient about order and unknown keys;
 * ERR_SYNTAX, ERR_TYPE, … on broken bencode. */
int wire_ext_parse(struct wire_ext_handshake *h, struct span payload);

/* Appends the payload; empty fields are left out. */
int wire_ext_build(struct buf *out, const struct wire_ext_handshake *h);

/* One block of PEX (BEP 11): added and added6 as they stand on the wire. */
struct wire_pex {
	struct span added;  /* 6 bytes each */
	struct span added6; /* 18 bytes each */
};
int wire_pex_parse(struct wire_pex *p, struct span payload);
int wire_pex_build(struct buf *out, const struct wire_pex *p);

#endif
