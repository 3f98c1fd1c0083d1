/*
 * Random bytes from the system.
 */
#ifndef MURDER_IO_NOISE_H
#define MURDER_IO_NOISE_H

#include <stddef.h>

/*
 * Fills `n_bytes` (at most 256) at `out` with random bytes, by getrandom(2) or,
 * where the kernel is older than that (Linux 3.17), from /dev/urandom. Blocks
 * only while the system has just started. 0, or -1 with errno set.
 */
int noise_fill(void *out, size_t n_bytes);

#endif
