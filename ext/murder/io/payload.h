/*
 * The file a torrent describes, on this host. A peer writes OUT.part and only
 * a complete, verified file gets the name OUT; a seeder reads its file.
 *
 * What stands at OUT already is the user's: if it is what the torrent
 * describes it is used as it is, and if not it is refused, unless it carries
 * the mark of an earlier download (an extended attribute) and was not touched
 * since: then the new one replaces it, as a second deploy under one tag wants.
 *
 * In a directory others may write to, nothing of theirs is used: it could
 * change once it is verified. The part is locked (flock(2)) as long as it is
 * open, so that two processes never write one file.
 */
#ifndef MURDER_IO_PAYLOAD_H
#define MURDER_IO_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/metainfo.h"
#include "io/ioerr.h"

struct payload {
	const char *path; /* OUT or FILE, borrowed */
	char *part;       /* OUT.part; NULL if nothing is to be written */
	int fd;           /* the file with the data; -1: none */
	bool fresh;       /* the part was made just now: nothing to check */
	bool in_place;    /* fd is path itself, complete if it verifies */
	bool replaces;    /* an old download of ours stands at path */
	uint64_t length;  /* bytes */
	uint32_t piece_length;
	uint32_t n_pieces;
	const uint8_t *hashes; /* SHA1_BYTES each, borrowed */
};

/* Describes path by m, both borrowed; opens nothing. */
void payload_init(
    struct payload *p, const char *path, const struct metainfo *m);
/* Closes and frees; files stay. */
void payload_free(struct payload *p);

/* Opens path for reading, to be verified whole. Errors: STATUS_NO_INPUT;
 * STATUS_MISMATCH if the length is wrong. */
int payload_open_seed(struct payload *p, struct ioerr *e);

/*
 * For a peer: opens what stands at path if it may be complete (in_place), else
 * path.part, made if missing, at its full length, with room on the disk.
 * Errors: STATUS_DISK; STATUS_MISMATCH if somebody's file is in the way;
 * STATUS_BUSY if another process writes the part.
 */
int payload_open_peer(struct payload *p, struct ioerr *e);

/* path did not verify after all: as payload_open_peer() for that case. */
int payload_open_part(struct payload *p, struct ioerr *e);

/* Makes the complete part durable and gives it its name. Blocks; for the
 * pool. Errors: STATUS_DISK. */
int payload_finish(struct payload *p, struct ioerr *e);

/* Bytes of piece i, and where it begins. */
uint32_t payload_piece_bytes(const struct payload *p, uint32_t i);
uint64_t payload_piece_begin(const struct payload *p, uint32_t i);

/* Whether [begin, end) of the file was never written. */
bool payload_is_hole(const struct payload *p, uint64_t begin, uint64_t end);

#endif
