/*
 * Time as the core sees it: instants on a monotonic clock that somebody else
 * reads, and durations between them, both in nanoseconds and both structs so
 * that a duration cannot be passed for an instant.
 */
#ifndef MURDER_CORE_TICK_H
#define MURDER_CORE_TICK_H

#include <stdbool.h>
#include <stdint.h>

struct instant {
	uint64_t ns; /* since an arbitrary origin; UINT64_MAX is "never" */
};

struct duration {
	uint64_t ns;
};

#define TICK_MS(n) ((struct duration){.ns = (uint64_t)(n)*1000000u})
#define TICK_S(n) ((struct duration){.ns = (uint64_t)(n)*1000000000u})
#define TICK_NEVER ((struct instant){.ns = UINT64_MAX})

/* The instant d after t; "never" stays "never" and sums saturate. */
static inline struct instant
tick_add(struct instant t, struct duration d)
{
	if (t.ns > UINT64_MAX - d.ns)
		return TICK_NEVER;
	return (struct instant){.ns = t.ns + d.ns};
}

/* The time from earlier to later; zero if later lies before earlier. */
static inline struct duration
tick_since(struct instant earlier, struct instant later)
{
	if (later.ns <= earlier.ns)
		return (struct duration){.ns = 0};
	return (struct duration){.ns = later.ns - earlier.ns};
}

static inline bool
tick_before(struct instant a, struct instant b)
{
	return a.ns < b.ns;
}

/* Whether deadline has come at now. */
static inline bool
tick_due(struct instant deadline, struct instant now)
{
	return deadline.ns <= now.ns;
}

static inline struct instant
tick_min(struct instant a, struct instant b)
{
	return a.ns < b.ns ? a : b;
}

#endif
