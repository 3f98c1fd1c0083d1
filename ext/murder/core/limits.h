/*
 * Every maximum of the core in one place, each with its reason. Nothing that
 * comes from the network or from a file is allowed to size an allocation
 * without passing one of these.
 */
#ifndef MURDER_CORE_LIMITS_H
#define MURDER_CORE_LIMITS_H

/* Bencode nesting: a torrent needs 4, a tracker reply 3, an extension
 * handshake 2; more is an attack on somebody's stack. */
#define LIMIT_BENC_DEPTH 16

/* A .torrent of 2^18 pieces is 5 MiB of hashes; 16 MiB is generous. */
#define LIMIT_TORRENT_BYTES (16u << 20)

/* Pieces in one torrent: 262,144 x 4 MiB = 1 TiB. */
#define LIMIT_PIECES (1u << 18)

/* Piece length in bytes, a power of two within these. */
#define LIMIT_PIECE_MIN (16u << 10)
#define LIMIT_PIECE_MAX (16u << 20)

/* The file name inside a torrent (NAME_MAX of Linux file systems). */
#define LIMIT_NAME_BYTES 255u

/* An announce URL, and how many of them a torrent may carry. */
#define LIMIT_URL_BYTES 2048u
#define LIMIT_TRACKERS 16u

/* Block: BEP 3 says 16 KiB; clients close on requests above 128 KiB. Our own
 * clients agree on more through BEP 10, up to the second figure. */
#define LIMIT_BLOCK_STANDARD (16u << 10)
#define LIMIT_BLOCK_BYTES (128u << 10)

/* A peer message other than a bitfield or a block; only the extension
 * handshake and PEX come near it. */
#define LIMIT_MESSAGE_BYTES (64u << 10)

/* Requests a neighbour may have waiting with us; beyond it, requests are
 * rejected (fast peers) or dropped. libtorrent allows 2,000. */
#define LIMIT_REQUESTS_IN 2048u

/* Requests we keep outstanding with one neighbour. */
#define LIMIT_REQUESTS_OUT 512u

/* Neighbours of one host, dialled and accepted together. */
#define LIMIT_PEERS 128u

/* Addresses a swarm remembers. */
#define LIMIT_ADDRESSES 4096u

/* Peers in one tracker reply; and the body of any tracker reply we read. */
#define LIMIT_NUMWANT 200u
#define LIMIT_REPLY_BYTES (256u << 10)

/* The tracker engine: torrents, peers in all, info-hashes in a scrape. */
#define LIMIT_TRACKER_TORRENTS 4096u
#define LIMIT_TRACKER_PEERS 500000u
#define LIMIT_SCRAPE 64u

/* The label of a rack; and the racks of all torrents a tracker tells apart:
 * hosts beyond are in none. */
#define LIMIT_RACK_BYTES 63u
#define LIMIT_TRACKER_RACKS 65536u

/* The query string of an announce (a long one is 600 bytes). */
#define LIMIT_QUERY_BYTES 8192u

/* Archive members: 4 million are 1 GiB of names at worst; their paths (as
 * PATH_MAX) and how deep they nest (each level costs a descriptor). */
#define LIMIT_MEMBERS (4u << 20)
#define LIMIT_PATH_BYTES 4095u
#define LIMIT_PATH_DEPTH 256u

#endif
