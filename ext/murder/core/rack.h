/*
 * Where a host is: its rack, by a label. Links inside a rack are faster than
 * those between racks, so what a rack needs should come into it once
 * (doc/SCHEDULER.md).
 */
#ifndef MURDER_CORE_RACK_H
#define MURDER_CORE_RACK_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

/* Equal for hosts of one rack; never RACK_UNKNOWN for a known one. */
typedef uint64_t rack_t;
#define RACK_UNKNOWN UINT64_C(0)

/* Whether it may be a label: 1 to LIMIT_RACK_BYTES printable ASCII characters
 * without blanks. */
bool rack_label_ok(struct span label);

/* The rack of a label; RACK_UNKNOWN if it may not be one. */
rack_t rack_of_label(struct span label);

/*
 * Who of a rack brings a piece into it (rendezvous hashing): the member with
 * the greatest weight. All who know the same members agree without a word.
 */
uint64_t rack_member(const uint8_t peer_id[20]);
uint64_t rack_weight(uint64_t member, uint32_t piece);

#endif
