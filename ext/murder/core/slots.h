/*
 * A set of neighbours, by slot. What an event has to look at is kept in such
 * sets, so that nobody walks over all neighbours to find those it concerns.
 */
#ifndef MURDER_CORE_SLOTS_H
#define MURDER_CORE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

#define SLOT_WORDS (LIMIT_PEERS / 64)

struct slots {
	uint64_t word[SLOT_WORDS];
};

static inline bool
slots_has(const struct slots *s, uint32_t i)
{
	return (s->word[i / 64] >> i % 64 & 1) != 0;
}

/* Puts slot i in or takes it out. */
static inline void
slots_put(struct slots *s, uint32_t i, bool in)
{
	uint64_t bit = (uint64_t)1 << i % 64;

	s->word[i / 64] = in ? s->word[i / 64] | bit : s->word[i / 64] & ~bit;
}

/* Those in both. */
static inline struct slots
slots_and(struct slots a, struct slots b)
{
	uint32_t i;

	for (i = 0; i < SLOT_WORDS; i++)
		a.word[i] &= b.word[i];
	return a;
}

/* Those in a and not in b. */
static inline struct slots
slots_without(struct slots a, struct slots b)
{
	uint32_t i;

	for (i = 0; i < SLOT_WORDS; i++)
		a.word[i] &= ~b.word[i];
	return a;
}

/* How many. */
static inline uint32_t
slots_n(struct slots s)
{
	uint32_t i, n = 0;

	for (i = 0; i < SLOT_WORDS; i++)
		for (; s.word[i] != 0; s.word[i] &= s.word[i] - 1)
			n++;
	return n;
}

/* The first slot >= from in the set, LIMIT_PEERS if there is none. */
static inline uint32_t
slots_next(const struct slots *s, uint32_t from)
{
	uint32_t i = from / 64;
	uint64_t word;

	if (from >= LIMIT_PEERS)
		return LIMIT_PEERS;
	word = s->word[i] >> from % 64 << from % 64;
	while (word == 0) {
		if (++i == SLOT_WORDS)
			return LIMIT_PEERS;
		word = s->word[i];
	}
	return i * 64 + (uint32_t)__builtin_ctzll(word);
}

/* for (EACH_SLOT(i, set)): in order; the set may change meanwhile. */
#define EACH_SLOT(i, set)                                                      \
	i = slots_next(set, 0);                                                \
	i < LIMIT_PEERS;                                                       \
	i = slots_next(set, i + 1)

#endif
