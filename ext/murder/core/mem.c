#include <stdint.h>
#include <string.h>

#include "mem.h"

void *
mem_resize(const struct mem *m, void *p, size_t n, size_t size)
{
	if (n == 0 || size == 0 || n > SIZE_MAX / size)
		return NULL;
	return m->resize(m->ctx, p, n * size);
}

void *
mem_zalloc(const struct mem *m, size_t n, size_t size)
{
	void *p = mem_resize(m, NULL, n, size);

	if (p != NULL)
		memset(p, 0, n * size);
	return p;
}

void
mem_free(const struct mem *m, void *p)
{
	m->release(m->ctx, p);
}
