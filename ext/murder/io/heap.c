#include <stdlib.h>

#include "io/heap.h"

static void *
heap_resize(void *ctx, void *p, size_t n)
{
	(void)ctx;
	return realloc(p, n);
}

static void
heap_release(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

const struct mem heap = {.resize = heap_resize, .release = heap_release};
