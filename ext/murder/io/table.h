/*
 * uthash as io uses it: running out of memory is an answer, not an exit. The
 * element needs a `bool lost`, true after a HASH_ADD that had no memory.
 */
#ifndef MURDER_IO_TABLE_H
#define MURDER_IO_TABLE_H

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(e) ((e)->lost = true)
#include <uthash.h>

#endif
