#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "core/err.h"
#include "io/digest.h"
#include "io/sha1_two.h"

#define CHUNK_BYTES (256u << 10)

struct digest {
	EVP_MD_CTX *ctx;
	uint8_t *chunk; /* CHUNK_BYTES, made when first needed */
};

/* Looked up once: EVP_sha1() alone is looked up again at every use, and asking
 * the processor is slow in virtual machines. */
static EVP_MD *sha1;
static bool two_at_once;
static pthread_once_t sha1_once = PTHREAD_ONCE_INIT;

static void
sha1_fetch(void)
{
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	two_at_once = sha1_two_possible();
}

static const EVP_MD *
sha1_md(void)
{
	pthread_once(&sha1_once, sha1_fetch);
	return sha1 != NULL ? sha1 : EVP_sha1();
}

int
digest_sha1(struct span bytes, uint8_t out[SHA1_BYTES])
{
	/* "" rather than NULL for an empty span */
	const void *p = bytes.n > 0 ? (const void *)bytes.p : "";

	if (EVP_Digest(p, bytes.n, out, NULL, sha1_md(), NULL) != 1)
		return ERR_NOMEM;
	return 0;
}

int
digest_sha1_two(
    const uint8_t *a, const uint8_t *b, size_t n, uint8_t out[2][SHA1_BYTES])
{
	struct sha1_two t;
	int rc;

	pthread_once(&sha1_once, sha1_fetch);
	if (two_at_once) {
		sha1_two_begin(&t);
		sha1_two_end(&t, a, b, n, out);
		return 0;
	}
	rc = digest_sha1((struct span){a, n}, out[0]);
	return rc == 0 ? digest_sha1((struct span){b, n}, out[1]) : rc;
}

int
digest_new(struct digest **out)
{
	struct digest *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return ERR_NOMEM;
	d->ctx = EVP_MD_CTX_new();
	if (d->ctx == NULL ||
	    EVP_DigestInit_ex2(d->ctx, sha1_md(), NULL) != 1) {
		digest_free(d);
		return ERR_NOMEM;
	}
	*out = d;
	return 0;
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d->chunk);
	free(d);
}

void
digest_add(struct digest *d, struct span bytes)
{
	int ok = EVP_DigestUpdate(d->ctx, bytes.p, bytes.n);

	assert(ok == 1);
	(void)ok;
}

static void
digest_begin(struct digest *d)
{
	int ok = EVP_DigestInit_ex2(d->ctx, NULL, NULL);

	assert(ok == 1);
	(void)ok;
}

void
digest_end(struct digest *d, uint8_t out[SHA1_BYTES])
{
	int ok = EVP_DigestFinal_ex(d->ctx, out, NULL);

	assert(ok == 1);
	(void)ok;
	digest_begin(d);
}

int
digest_file_range(struct digest *d, int fd, uint64_t begin, uint64_t end,
    uint8_t out[SHA1_BYTES])
{
	if (d->chunk == NULL && (d->chunk = malloc(CHUNK_BYTES)) == NULL)
		return ERR_NOMEM;
	digest_begin(d);
	while (begin < end) {
		size_t want = CHUNK_BYTES;
		ssize_t got;

		if (end - begin < want)
			want = (size_t)(end - begin);
		got = pread(fd, d->chunk, want, (off_t)begin);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0 ? ERR_TRUNCATED : ERR_IO;
		digest_add(d, (struct span){d->chunk, (size_t)got});
		begin += (uint64_t)got;
	}
	digest_end(d, out);
	return 0;
}

void
digest_hex(const uint8_t sum[SHA1_BYTES], char out[2 * SHA1_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA1_BYTES; i++) {
		out[2 * i] = digits[sum[i] >> 4];
		out[2 * i + 1] = digits[sum[i] & 15];
	}
	out[2 * SHA1_BYTES] = '\0';
}
