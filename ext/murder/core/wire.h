/*
 * The peer wire protocol: BEP 3 "peer protocol", BEP 6 fast extension, BEP 10
 * extension messages. The reader is incremental and keeps bulk data out: on a
 * piece message it gives the head and stops before the payload.
 */
#ifndef MURDER_CORE_WIRE_H
#define MURDER_CORE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "mem.h"
#include "span.h"

#define WIRE_HANDSHAKE_BYTES 68u
#define WIRE_PIECE_HEAD_BYTES 13u
#define WIRE_ID_BYTES 20u

/* How every handshake begins: the length of the name, and the name. */
#define WIRE_MAGIC "\023BitTorrent protocol"
#define WIRE_MAGIC_BYTES 20u

/* The bits we know of the eight reserved bytes behind it: byte 5 of BEP 10,
 * byte 7 of BEP 6. */
#define WIRE_RESERVED_BYTES 8u
#define WIRE_RESERVED_5_EXTENDED 0x10u
#define WIRE_RESERVED_7_FAST 0x04u

/* The ids of BEP 3, 6 and 10; WIRE_KEEPALIVE and WIRE_HANDSHAKE are ours. */
enum wire_kind {
	WIRE_CHOKE = 0,
	WIRE_UNCHOKE = 1,
	WIRE_INTERESTED = 2,
	WIRE_NOT_INTERESTED = 3,
	WIRE_HAVE = 4,
	WIRE_BITFIELD = 5,
	WIRE_REQUEST = 6,
	WIRE_PIECE = 7,
	WIRE_CANCEL = 8,
	WIRE_PORT = 9,
	WIRE_SUGGEST = 13,
	WIRE_HAVE_ALL = 14,
	WIRE_HAVE_NONE = 15,
	WIRE_REJECT = 16,
	WIRE_ALLOWED_FAST = 17,
	WIRE_EXTENDED = 20,
	WIRE_KEEPALIVE = 256,
	WIRE_HANDSHAKE = 257
};

/* What a handshake says (BEP 3; reserved bits of BEP 6 and BEP 10). */
struct wire_handshake {
	uint8_t info_hash[20];
	uint8_t peer_id[WIRE_ID_BYTES];
	bool fast;     /* reserved[7] & 0x04 */
	bool extended; /* reserved[5] & 0x10 */
};

struct wire_msg {
	enum wire_kind kind;
	uint32_t piece;   /* have, request, piece, cancel, reject, suggest,
			     allowed fast */
	uint32_t begin;   /* request, piece, cancel, reject: offset in bytes */
	uint32_t length;  /* the same: bytes; for a piece, of its payload */
	uint8_t ext_id;   /* extended: 0 is the extension handshake */
	struct span body; /* bitfield, extended: borrowed, see wire_read() */
	struct wire_handshake handshake;
};

/* Unknown message ids are skipped in silence, as BEP 3 clients do. */
struct wire_reader {
	struct buf held;      /* the start of a message not yet complete */
	uint32_t max_message; /* bytes; longer control messages: ERR_LIMIT */
	uint32_t max_block;   /* bytes; longer blocks: ERR_LIMIT */
	uint32_t skip;        /* bytes of an unknown message still to come */
	bool clear_held;      /* the last message borrowed from held */
	bool shaken;          /* the handshake has been read */
	int err;              /* sticky */
};

/* Makes a reader that expects a handshake first. max_message must allow for
 * the torrent's bitfield. Nothing is allocated yet. */
void wire_reader_init(struct wire_reader *r, const struct mem *mem,
    uint32_t max_message, uint32_t max_block);
void wire_reader_free(struct wire_reader *r);

/*
 * Takes bytes off the front of *in. 1: *m is a message; 0: *in is used up and
 * more is needed; negative: ERR_PROTOCOL (wrong length for its kind, an empty
 * block, not a BitTorrent handshake), ERR_LIMIT, ERR_NOMEM: close the
 * connection; the error repeats. A body borrows from in, or from the reader
 * where the message came in parts: it lives until the next wire_read(), and no
 * longer than the bytes of in.
 * For WIRE_PIECE the caller takes the next m->length bytes of the stream
 * itself before it reads on.
 */
int wire_read(struct wire_reader *r, struct span *in, struct wire_msg *m);

/* Bytes certainly missing before the next message can be given; at least 1. */
uint32_t wire_wanted(const struct wire_reader *r);

/* Writers: append one message, return the buffer's error. */
int wire_put_handshake(struct buf *out, const struct wire_handshake *h);
int wire_put_keepalive(struct buf *out);
/* choke, unchoke, interested, not interested, have all, have none */
int wire_put_plain(struct buf *out, enum wire_kind kind);
/* have, suggest, allowed fast */
int wire_put_index(struct buf *out, enum wire_kind kind, uint32_t piece);
int wire_put_bitfield(struct buf *out, struct span bitfield);
/* request, cancel, reject */
int wire_put_block(struct buf *out, enum wire_kind kind, uint32_t piece,
    uint32_t begin, uint32_t length);
/* The head of a piece message; length bytes of payload must follow. */
int wire_put_piece_head(
    struct buf *out, uint32_t piece, uint32_t begin, uint32_t length);
int wire_put_extended(struct buf *out, uint8_t ext_id, struct span payload);

#endif
