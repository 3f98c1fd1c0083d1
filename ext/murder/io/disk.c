#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#include "io/digest.h"
#include "io/disk.h"
#include "io/table.h"

/* The kernel copies from and to whole pages fastest. */
#define DISK_ALIGN 4096u

struct disk_spare {
	struct disk_spare *next;
};

struct disk_piece {
	uint32_t piece;
	uint8_t *data;
	bool lost;    /* the table had no memory for it */
	bool storing; /* belongs to the pool */
	bool dropped; /* while storing */
	enum swarm_stored how;
	int sys;
	struct disk *disk;
	struct disk_piece *next; /* of those ready */
	UT_hash_handle hh;
};

void
disk_init(struct disk *d, struct loop *l, const struct mem *mem,
    const struct payload *file)
{
	memset(d, 0, sizeof(*d));
	d->loop = l;
	d->mem = mem;
	d->file = file;
	(void)uv_timer_init(&l->uv, &d->company);
	d->company.data = d;
}

static uint8_t *
disk_buffer(struct disk *d)
{
	struct disk_spare *s = d->spare;

	_Static_assert(sizeof(struct disk_spare) <= LIMIT_PIECE_MIN,
	    "a free buffer holds its link");
	_Static_assert(
	    LIMIT_PIECE_MIN % DISK_ALIGN == 0, "as aligned_alloc(3) wants it");
	if (s == NULL)
		return aligned_alloc(DISK_ALIGN, d->file->piece_length);
	LL_DELETE(d->spare, s);
	d->n_spare--;
	return (uint8_t *)s;
}

static void
disk_recycle(struct disk *d, uint8_t *data)
{
	struct disk_spare *s = (struct disk_spare *)(void *)data;

	if (data == NULL)
		return;
	if ((uint64_t)(d->n_spare + 1) * d->file->piece_length >
	    DISK_SPARE_BYTES) {
		free(data);
		return;
	}
	LL_PREPEND(d->spare, s);
	d->n_spare++;
}

static struct disk_piece *
disk_find(struct disk *d, uint32_t piece)
{
	struct disk_piece *p;

	HASH_FIND(hh, d->pieces, &piece, sizeof(piece), p);
	return p;
}

uint8_t *
disk_place(struct disk *d, uint32_t piece)
{
	struct disk_piece *p = disk_find(d, piece);

	if (p != NULL)
		return p->data;
	p = mem_zalloc(d->mem, 1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->piece = piece;
	p->disk = d;
	p->data = disk_buffer(d);
	if (p->data != NULL)
		HASH_ADD(hh, d->pieces, piece, sizeof(p->piece), p);
	if (p->data == NULL || p->lost) {
		disk_recycle(d, p->data);
		mem_free(d->mem, p);
		return NULL;
	}
	return p->data;
}

bool
disk_is_storing(struct disk *d, uint32_t piece)
{
	struct disk_piece *p = disk_find(d, piece);

	return p != NULL && p->storing;
}

static void
disk_forget(struct disk *d, struct disk_piece *p)
{
	HASH_DELETE(hh, d->pieces, p);
	disk_recycle(d, p->data);
	mem_free(d->mem, p);
}

void
disk_drop(struct disk *d, uint32_t piece)
{
	struct disk_piece *p = disk_find(d, piece);

	if (p != NULL && p->storing)
		p->dropped = true;
	else if (p != NULL)
		disk_forget(d, p);
}

/* ---- on the pool ---------------------------------------------------------*/

static void
disk_write(struct disk_piece *p, uint32_t n)
{
	const struct payload *f = p->disk->file;
	uint64_t at = payload_piece_begin(f, p->piece);
	uint32_t done = 0;

	while (done < n) {
		ssize_t w =
		    pwrite(f->fd, p->data + done, n - done, (off_t)(at + done));

		if (w == -1 && errno == EINTR)
			continue;
		if (w <= 0) {
			p->how = SWARM_DISK_ERROR;
			p->sys = w == -1 ? errno : ENOSPC;
			return;
		}
		done += (uint32_t)w;
	}
	p->how = SWARM_STORED;
}

static void
disk_prove(struct disk_piece *p, const uint8_t sum[SHA1_BYTES], uint32_t n)
{
	const uint8_t *want =
	    p->disk->file->hashes + (size_t)p->piece * SHA1_BYTES;

	if (memcmp(sum, want, SHA1_BYTES) == 0)
		disk_write(p, n);
	else
		p->how = SWARM_HASH_WRONG;
}

static void
disk_work_cb(uv_work_t *work)
{
	struct disk_job *j = work->data;
	const struct payload *f = j->disk->file;
	uint8_t sum[DISK_JOB_PIECES][SHA1_BYTES];
	uint32_t n[DISK_JOB_PIECES], i;
	int rc = 0;

	for (i = 0; i < j->n; i++)
		n[i] = payload_piece_bytes(f, j->at[i]->piece);
	if (j->n == 2 && n[0] == n[1])
		rc = digest_sha1_two(j->at[0]->data, j->at[1]->data, n[0], sum);
	else
		for (i = 0; i < j->n && rc == 0; i++)
			rc = digest_sha1(
			    (struct span){j->at[i]->data, n[i]}, sum[i]);
	for (i = 0; i < j->n; i++) {
		if (rc == 0) {
			disk_prove(j->at[i], sum[i], n[i]);
		} else {
			j->at[i]->how = SWARM_DISK_ERROR;
			j->at[i]->sys = ENOMEM;
		}
	}
}

/* ---- back on the loop ----------------------------------------------------*/

static void disk_begin(struct disk *d);

static void
disk_done(struct disk *d, struct disk_piece *p)
{
	uint32_t piece = p->piece;
	enum swarm_stored how = p->how;
	int sys = p->sys;
	bool dropped = p->dropped;

	d->n_storing--;
	disk_forget(d, p);
	if (!dropped)
		d->on_stored(d->ctx, piece, how, sys);
}

static void
disk_done_cb(uv_work_t *work, int status)
{
	struct disk_job j = *(struct disk_job *)work->data;

	assert(status == 0); /* nobody cancels it */
	(void)status;
	((struct disk_job *)work->data)->n = 0;
	disk_begin(j.disk);
	for (uint32_t i = 0; i < j.n; i++)
		disk_done(j.disk, j.at[i]);
}

static void
disk_begin_job(struct disk *d, struct disk_job *j)
{
	int rc;

	while (d->ready != NULL && j->n < DISK_JOB_PIECES) {
		j->at[j->n] = d->ready;
		LL_DELETE(d->ready, j->at[j->n]);
		j->n++;
		d->n_ready--;
	}
	j->disk = d;
	j->work.data = j;
	rc = uv_queue_work(&d->loop->uv, &j->work, disk_work_cb, disk_done_cb);
	assert(rc == 0);
	(void)rc;
}

static void disk_company_cb(uv_timer_t *t);

/* A piece alone is begun only if nothing else is, and soon has company. */
static void
disk_begin(struct disk *d)
{
	uint32_t i, n_busy = 0;

	for (i = 0; i < DISK_JOBS; i++)
		n_busy += d->job[i].n > 0;
	for (i = 0; i < DISK_JOBS && d->n_ready > 0; i++) {
		if (d->job[i].n > 0 ||
		    (d->n_ready < DISK_JOB_PIECES && (n_busy > 0 || d->brisk)))
			continue;
		disk_begin_job(d, &d->job[i]);
		n_busy++;
	}
	if (d->n_ready > 0 && n_busy == 0)
		(void)uv_timer_start(
		    &d->company, disk_company_cb, DISK_COMPANY_MS, 0);
}

static void
disk_company_cb(uv_timer_t *t)
{
	struct disk *d = t->data;

	d->brisk = false;
	disk_begin(d);
}

void
disk_store(struct disk *d, uint32_t piece)
{
	struct disk_piece *p = disk_find(d, piece);
	uint64_t now = uv_hrtime();

	assert(p != NULL);
	assert(!p->storing);
	d->brisk = now - d->ready_at < DISK_COMPANY_MS * 1000000u;
	d->ready_at = now;
	p->storing = true;
	LL_APPEND(d->ready, p);
	d->n_ready++;
	d->n_storing++;
	disk_begin(d);
}

void
disk_free(struct disk *d)
{
	struct disk_piece *p, *p_next;
	struct disk_spare *s, *s_next;

	for (uint32_t i = 0; i < DISK_JOBS; i++)
		assert(d->job[i].n == 0);
	HASH_ITER(hh, d->pieces, p, p_next)
	{
		HASH_DELETE(hh, d->pieces, p);
		free(p->data);
		mem_free(d->mem, p);
	}
	LL_FOREACH_SAFE(d->spare, s, s_next)
	free(s);
	d->spare = NULL;
	d->n_spare = 0;
}
