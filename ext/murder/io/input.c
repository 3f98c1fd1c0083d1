#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "io/input.h"

static int
refuse(const char *path, const char *what, struct ioerr *e)
{
	ioerr_set(e, STATUS_NO_INPUT, path, "is %s", what);
	return ioerr_advise(e, "name a regular file");
}

int
input_open_any(int *fd, struct stat *st, const char *path, struct ioerr *e)
{
	/* O_NONBLOCK: a FIFO must not hold us up before fstat() tells */
	int f = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (f == -1)
		return errno == ENXIO ? refuse(path, "a socket", e)
				      : ioerr_read(e, path, "open", errno);
	if (fstat(f, st) == -1) {
		ioerr_read(e, path, "stat", errno);
		close(f);
		return e->code;
	}
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode)) {
		close(f);
		return refuse(path, "not a regular file", e);
	}
	*fd = f;
	return 0;
}

int
input_open(int *fd, struct stat *st, const char *path, struct ioerr *e)
{
	int rc = input_open_any(fd, st, path, e);

	if (rc == 0 && S_ISDIR(st->st_mode)) {
		close(*fd);
		rc = refuse(path, "a directory", e);
	}
	return rc;
}

/* Reads fd to its end into b. 0, ERR_IO with errno, or the buffer's error. */
static int
slurp(struct buf *b, int fd)
{
	uint8_t chunk[16384];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		int rc;

		if (n == 0)
			return 0;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return ERR_IO;
		rc = buf_put(b, chunk, (size_t)n);
		if (rc < 0)
			return rc;
	}
}

int
input_slurp(struct buf *b, const char *path, struct ioerr *e)
{
	struct stat st;
	int fd, rc;

	rc = input_open(&fd, &st, path, e);
	if (rc < 0)
		return rc;
	rc = slurp(b, fd);
	if (rc == ERR_IO)
		ioerr_read(e, path, "read", errno);
	else if (rc < 0)
		ioerr_core(e, path, rc);
	close(fd);
	return rc;
}
