#include "rack.h"

#include "limits.h"

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t
hash(const uint8_t *p, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* The finalizer of splitmix64 (Steele, Lea, Flood): every bit counts. */
static uint64_t
mix(uint64_t h)
{
	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

bool
rack_label_ok(struct span label)
{
	if (label.n == 0 || label.n > LIMIT_RACK_BYTES)
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (label.p[i] <= ' ' || label.p[i] > '~')
			return false;
	return true;
}

rack_t
rack_of_label(struct span label)
{
	rack_t r;

	if (!rack_label_ok(label))
		return RACK_UNKNOWN;
	r = mix(hash(label.p, label.n));
	return r == RACK_UNKNOWN ? 1 : r;
}

uint64_t
rack_member(const uint8_t peer_id[20])
{
	return mix(hash(peer_id, 20));
}

uint64_t
rack_weight(uint64_t member, uint32_t piece)
{
	return mix(member + (piece + 1) * UINT64_C(0x9e3779b97f4a7c15));
}
