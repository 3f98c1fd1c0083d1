/* The system's allocator as a struct mem, for what the programs hand to the
 * core. */
#ifndef MURDER_IO_HEAP_H
#define MURDER_IO_HEAP_H

#include "core/mem.h"

extern const struct mem heap;

#endif
