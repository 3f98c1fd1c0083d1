/*
 * What every fuzz target includes. A target is LLVMFuzzerTestOneInput(): under
 * `make fuzz` libFuzzer calls it, under `make replay` (part of `make check`)
 * fuzz_main.c does. Seeds stand in corpus/TARGET/; every input that ever broke
 * something goes to regress/TARGET/ in the commit that mends it.
 */
#ifndef MURDER_SPEC_FUZZ_H
#define MURDER_SPEC_FUZZ_H

#undef NDEBUG
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void *
fuzz_resize(void *ctx, void *p, size_t n)
{
	(void)ctx;
	return realloc(p, n);
}

static inline void
fuzz_release(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static const struct mem fuzz_mem = {
    .resize = fuzz_resize, .release = fuzz_release};

#endif
