#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "io/digest.h"
#include "io/verify.h"

/* Checks piece i; 0, or an errno. */
static int
verify_piece(struct verify *v, struct digest *d, uint32_t i)
{
	const struct payload *f = v->file;
	uint64_t begin = payload_piece_begin(f, i);
	uint64_t end = begin + payload_piece_bytes(f, i);
	uint8_t sum[SHA1_BYTES];
	int rc;

	if (v->skip_holes && payload_is_hole(f, begin, end))
		return 0;
	rc = digest_file_range(d, f->fd, begin, end, sum);
	if (rc == ERR_TRUNCATED)
		return 0; /* shorter than it was: bad, but no failure */
	if (rc != 0)
		return errno != 0 ? errno : EIO;
	v->good[i] =
	    memcmp(sum, f->hashes + (size_t)i * SHA1_BYTES, SHA1_BYTES) == 0;
	return 0;
}

static void
verify_work_cb(uv_work_t *work)
{
	struct verify *v = work->data;
	struct digest *d;
	int sys = 0;

	if (digest_new(&d) != 0) {
		atomic_store(&v->sys, ENOMEM);
		return;
	}
	while (sys == 0 && !atomic_load(&v->stop)) {
		uint32_t i = atomic_fetch_add(&v->next, 1);

		if (i >= v->file->n_pieces)
			break;
		sys = verify_piece(v, d, i);
		if (sys != 0) {
			atomic_store(&v->sys, sys);
			atomic_store(&v->stop, true);
		} else if (v->stop_early && v->good[i] == 0) {
			atomic_store(&v->stop, true);
		}
	}
	digest_free(d);
}

static void
verify_done_cb(uv_work_t *work, int status)
{
	struct verify *v = work->data;

	(void)status;
	if (--v->n_working == 0)
		v->on_done(v->ctx);
}

int
verify_start(struct verify *v, struct loop *l, const struct payload *file,
    const struct mem *mem)
{
	int rc = 0;

	v->file = file;
	v->mem = mem;
	v->n_working = 0;
	atomic_init(&v->next, 0);
	atomic_init(&v->stop, false);
	atomic_init(&v->sys, 0);
	/* One more than the pieces, so that an empty file needs no case. */
	v->good = mem_zalloc(mem, (size_t)file->n_pieces + 1, 1);
	if (v->good == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < VERIFY_WORKERS && rc == 0; i++) {
		v->work[i].data = v;
		rc = uv_queue_work(
		    &l->uv, &v->work[i], verify_work_cb, verify_done_cb);
		if (rc == 0)
			v->n_working++;
	}
	return v->n_working > 0 ? 0 : rc;
}

void
verify_cancel(struct verify *v)
{
	atomic_store(&v->stop, true);
}

uint32_t
verify_result(const struct verify *v, struct bits *have)
{
	uint32_t n = v->file->n_pieces, bad = n;

	assert(have->n == n);
	for (uint32_t i = n; i-- > 0;) {
		if (v->good[i] != 0)
			(void)bits_set(have, i);
		else
			bad = i;
	}
	return bad;
}

void
verify_free(struct verify *v)
{
	mem_free(v->mem, v->good);
	v->good = NULL;
}
