#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "core/err.h"
#include "io/sendq.h"

#define SENDQ_ITEMS_MIN 16u

void
sendq_init(struct sendq *q, const struct mem *mem)
{
	memset(q, 0, sizeof(*q));
	q->mem = mem;
	buf_init(&q->control, mem, SENDQ_CONTROL_MAX);
}

void
sendq_free(struct sendq *q)
{
	buf_free(&q->control);
	mem_free(q->mem, q->item);
	q->item = NULL;
	q->n = q->cap = q->first = 0;
}

bool
sendq_empty(const struct sendq *q)
{
	return q->n == 0;
}

static struct sendq_item *
sendq_at(struct sendq *q, uint32_t i)
{
	return &q->item[(q->first + i) & (q->cap - 1)];
}

static int
sendq_grow(struct sendq *q)
{
	uint32_t cap = q->cap == 0 ? SENDQ_ITEMS_MIN : q->cap * 2;
	struct sendq_item *item;

	if (cap > SENDQ_ITEMS_MAX)
		return ERR_LIMIT;
	item = mem_zalloc(q->mem, cap, sizeof(*item));
	if (item == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < q->n; i++)
		item[i] = *sendq_at(q, i);
	mem_free(q->mem, q->item);
	q->item = item;
	q->cap = cap;
	q->first = 0;
	return 0;
}

static int
sendq_append(struct sendq *q, struct sendq_item **out)
{
	if (q->n == q->cap) {
		int rc = sendq_grow(q);

		if (rc != 0)
			return rc;
	}
	*out = sendq_at(q, q->n++);
	memset(*out, 0, sizeof(**out));
	return 0;
}

static void
sendq_pop(struct sendq *q)
{
	q->first = (q->first + 1) & (q->cap - 1);
	q->n--;
}

int
sendq_put(struct sendq *q, struct span bytes)
{
	struct sendq_item *last = q->n > 0 ? sendq_at(q, q->n - 1) : NULL;
	int rc = 0;

	if (last == NULL || last->is_block)
		rc = sendq_append(q, &last);
	if (rc == 0)
		rc = buf_put_span(&q->control, bytes);
	if (rc == 0)
		last->control += (uint32_t)bytes.n;
	return rc;
}

int
sendq_put_block(struct sendq *q, struct span head, struct block b)
{
	struct sendq_item *it;
	int rc = sendq_append(q, &it);

	assert(head.n == sizeof(it->head));
	if (rc != 0)
		return rc;
	it->is_block = true;
	it->block = b;
	memcpy(it->head, head.p, sizeof(it->head));
	return 0;
}

static enum sendq_state
sendq_failed(void)
{
	return errno == EAGAIN ? SENDQ_FULL : SENDQ_BROKEN;
}

/* Sends the control bytes at the front, and the head of a block that follows
 * or stands in front, with one call. */
static enum sendq_state
sendq_write_bytes(struct sendq *q, int fd, size_t *sent)
{
	struct sendq_item *it = sendq_at(q, 0), *block = NULL;
	struct iovec iov[2];
	struct msghdr msg = {.msg_iov = iov};
	size_t control = it->is_block ? 0 : it->control, head = 0;
	ssize_t n;

	if (it->is_block)
		block = it;
	else if (q->n > 1 && sendq_at(q, 1)->is_block)
		block = sendq_at(q, 1);
	if (control > 0)
		iov[msg.msg_iovlen++] = (struct iovec){q->control.p, control};
	if (block != NULL) {
		head = sizeof(block->head) - block->head_sent;
		iov[msg.msg_iovlen++] =
		    (struct iovec){block->head + block->head_sent, head};
	}
	do
		n = sendmsg(
		    fd, &msg, MSG_NOSIGNAL | (block != NULL ? MSG_MORE : 0));
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return sendq_failed();
	*sent = (size_t)n;
	if (control > (size_t)n)
		control = (size_t)n;
	if (!it->is_block) {
		buf_consume(&q->control, control);
		it->control -= (uint32_t)control;
	}
	if (block != NULL)
		block->head_sent =
		    (uint8_t)(block->head_sent + ((size_t)n - control));
	return SENDQ_MORE;
}

static enum sendq_state
sendq_write_block(struct sendq_item *it, int fd,
    const struct sendq_source *from, size_t *sent)
{
	off_t at = (off_t)((uint64_t)it->block.piece * from->piece_length +
			   it->block.begin + it->sent);
	ssize_t n;

	do
		n = sendfile(fd, from->fd, &at, it->block.length - it->sent);
	while (n == -1 && errno == EINTR);
	if (n == 0) {
		errno = 0;
		return SENDQ_SOURCE;
	}
	if (n == -1 && (errno == EIO || errno == ENOMEM))
		return SENDQ_SOURCE;
	if (n == -1)
		return sendq_failed();
	it->sent += (uint32_t)n;
	*sent = (size_t)n;
	return SENDQ_MORE;
}

enum sendq_state
sendq_write(
    struct sendq *q, int fd, const struct sendq_source *from, uint32_t *payload)
{
	size_t turn = 0, n = 0;

	while (q->n > 0 && turn < SENDQ_TURN_BYTES) {
		struct sendq_item *it = sendq_at(q, 0);
		enum sendq_state st;

		if (!it->is_block && it->control == 0) {
			sendq_pop(q);
			continue;
		}
		if (it->is_block && it->head_sent == sizeof(it->head)) {
			st = sendq_write_block(it, fd, from, &n);
			if (st == SENDQ_MORE)
				*payload += (uint32_t)n;
		} else {
			st = sendq_write_bytes(q, fd, &n);
		}
		if (st != SENDQ_MORE)
			return st;
		turn += n;
		if (it->is_block && it->sent == it->block.length)
			sendq_pop(q);
	}
	return q->n == 0 ? SENDQ_DRAINED : SENDQ_MORE;
}
