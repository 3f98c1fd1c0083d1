/*
 * Scenarios drawn at random: the swarms nobody would have thought of. One
 * number decides everything, so a failure can be replayed.
 */
#ifndef MURDER_SIM_RANDOM_H
#define MURDER_SIM_RANDOM_H

#include <stdint.h>

#include "scenario.h"

#define RANDOM_TEXT_BYTES 1024

/* Draws scenario number n over s, which must be fresh, and fills in what
 * follows; text gets its keys as "key=value ...", which say the same to
 * murder_sim. Whoever lives can finish in it: no piece dies with its only
 * owner, nobody comes when the tracker is gone for good. */
void random_scenario(
    struct scenario *s, uint64_t n, char text[static RANDOM_TEXT_BYTES]);

#endif
