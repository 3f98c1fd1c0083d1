#include <assert.h>
#include <string.h>

#include "err.h"
#include "metainfo_int.h"

bool
metainfo_name_safe(struct span name)
{
	if (name.n == 0 || name.n > LIMIT_NAME_BYTES)
		return false;
	if (span_equal(name, SPAN_LIT(".")) || span_equal(name, SPAN_LIT("..")))
		return false;
	return memchr(name.p, '/', name.n) == NULL &&
	       memchr(name.p, '\0', name.n) == NULL;
}

uint32_t
metainfo_piece_size(uint64_t length, uint32_t piece_length, uint32_t i)
{
	uint64_t begin = (uint64_t)i * piece_length;

	assert(begin < length);
	return length - begin < piece_length ? (uint32_t)(length - begin)
					     : piece_length;
}

int
metainfo_check_url(struct span url)
{
	if (url.n > LIMIT_URL_BYTES)
		return ERR_LIMIT;
	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] == 0x7f)
			return ERR_TYPE;
	return 0;
}

int
metainfo_check_info(const struct metainfo *m, uint64_t piece_length,
    uint32_t *n_pieces, const char **key)
{
	uint64_t n;

	*key = "info.name";
	if (!metainfo_name_safe(m->name))
		return ERR_UNSAFE;
	*key = "info.piece length";
	if (piece_length < LIMIT_PIECE_MIN || piece_length > LIMIT_PIECE_MAX ||
	    (piece_length & (piece_length - 1)) != 0)
		return ERR_RANGE;
	*key = "info.length";
	n = m->length / piece_length + (m->length % piece_length != 0);
	if (n > LIMIT_PIECES)
		return ERR_LIMIT;
	*key = "info.pieces";
	if (m->pieces.n != n * SHA1_BYTES)
		return ERR_LENGTH;
	*n_pieces = (uint32_t)n;
	return 0;
}
