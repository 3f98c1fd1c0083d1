#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#include "io/digest.h"
#include "io/disk.h"
#include "io/table.h"

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
	uv_work_t work;
	struct disk *disk;
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
}

static uint8_t *
disk_buffer(struct disk *d)
{
	struct disk_spare *s = d->spare;

	_Static_assert(sizeof(struct disk_spare) <= LIMIT_PIECE_MIN,
	    "a free buffer holds its link");
	if (s == NULL)
		return d->mem->resize(d->mem->ctx, NULL, d->file->piece_length);
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
		mem_free(d->mem, data);
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
disk_work_cb(uv_work_t *work)
{
	struct disk_piece *p = work->data;
	const struct payload *f = p->disk->file;
	uint32_t n = payload_piece_bytes(f, p->piece);
	uint8_t sum[SHA1_BYTES];

	if (digest_sha1((struct span){p->data, n}, sum) != 0) {
		p->how = SWARM_DISK_ERROR;
		p->sys = ENOMEM;
	} else if (memcmp(sum, f->hashes + (size_t)p->piece * SHA1_BYTES,
		       SHA1_BYTES) != 0) {
		p->how = SWARM_HASH_WRONG;
	} else {
		disk_write(p, n);
	}
}

/* ---- back on the loop ----------------------------------------------------*/

static void
disk_done_cb(uv_work_t *work, int status)
{
	struct disk_piece *p = work->data;
	struct disk *d = p->disk;
	uint32_t piece = p->piece;
	enum swarm_stored how = p->how;
	int sys = p->sys;
	bool dropped = p->dropped || status != 0;

	d->n_storing--;
	disk_forget(d, p);
	if (!dropped)
		d->on_stored(d->ctx, piece, how, sys);
}

int
disk_store(struct disk *d, uint32_t piece)
{
	struct disk_piece *p = disk_find(d, piece);
	int rc;

	assert(p != NULL);
	assert(!p->storing);
	p->storing = true;
	p->work.data = p;
	rc = uv_queue_work(&d->loop->uv, &p->work, disk_work_cb, disk_done_cb);
	if (rc == 0)
		d->n_storing++;
	return rc;
}

void
disk_free(struct disk *d)
{
	struct disk_piece *p, *p_next;
	struct disk_spare *s, *s_next;

	assert(d->n_storing == 0);
	HASH_ITER(hh, d->pieces, p, p_next)
	{
		HASH_DELETE(hh, d->pieces, p);
		mem_free(d->mem, p->data);
		mem_free(d->mem, p);
	}
	LL_FOREACH_SAFE(d->spare, s, s_next)
	mem_free(d->mem, s);
	d->spare = NULL;
	d->n_spare = 0;
}
