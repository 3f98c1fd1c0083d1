/*
 * The allocator, injected so that tests can fail the k-th allocation and the
 * simulator can count. Every object of the core keeps the struct mem it was
 * made with; the pointer must outlive the object.
 */
#ifndef MURDER_CORE_MEM_H
#define MURDER_CORE_MEM_H

#include <stddef.h>

struct mem {
	/* As realloc(3): p NULL allocates, n never 0; NULL on failure. */
	void *(*resize)(void *ctx, void *p, size_t n);
	/* As free(3): p may be NULL. */
	void (*release)(void *ctx, void *p);
	void *ctx;
};

/* Allocates n zeroed elements of size bytes; NULL if the product overflows,
 * is 0, or there is no memory. Owned by the caller: mem_free(). */
void *mem_zalloc(const struct mem *m, size_t n, size_t size);

/* Grows or shrinks p to n elements of size bytes, contents kept, growth not
 * zeroed; NULL (p untouched) as mem_zalloc(). */
void *mem_resize(const struct mem *m, void *p, size_t n, size_t size);

/* Frees p, which may be NULL. */
void mem_free(const struct mem *m, void *p);

#endif
