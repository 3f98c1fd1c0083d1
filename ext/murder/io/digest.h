/*
 * SHA-1 through OpenSSL, which uses the processor's own instructions. SHA-1 is
 * BitTorrent's (BEP 3); nothing here is a signature.
 */
#ifndef MURDER_IO_DIGEST_H
#define MURDER_IO_DIGEST_H

#include <stdint.h>

#include "core/metainfo.h"
#include "core/span.h"

/* The SHA-1 of bytes; safe in any thread. 0 or ERR_NOMEM. */
int digest_sha1(struct span bytes, uint8_t out[SHA1_BYTES]);

/* The SHA-1 of n bytes at a and of n bytes at b, which takes less time than
 * one after the other where the processor has instructions for SHA-1; safe in
 * any thread. 0 or ERR_NOMEM. */
int digest_sha1_two(
    const uint8_t *a, const uint8_t *b, size_t n, uint8_t out[2][SHA1_BYTES]);

/* A running SHA-1, reusable; one thread at a time. */
struct digest;
int digest_new(struct digest **out);
void digest_free(struct digest *d);
void digest_add(struct digest *d, struct span bytes);
/* Gives the sum of all that was added and begins anew. */
void digest_end(struct digest *d, uint8_t out[SHA1_BYTES]);

/*
 * The SHA-1 of the bytes [begin, end) of fd, read with pread(2); what d
 * held before is forgotten. 0; ERR_IO with errno; ERR_TRUNCATED if the file
 * ends before end.
 */
int digest_file_range(struct digest *d, int fd, uint64_t begin, uint64_t end,
    uint8_t out[SHA1_BYTES]);

/* 40 lower-case hex digits and a NUL. */
void digest_hex(const uint8_t sum[SHA1_BYTES], char out[2 * SHA1_BYTES + 1]);

#endif
