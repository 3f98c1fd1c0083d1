#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/noise.h"
#include "io/output.h"

#ifndef FICLONE /* of <linux/fs.h>, which musl does not bring along */
#define FICLONE _IOW(0x94, 9, int)
#endif

struct output {
	char *path;       /* as the user named it */
	const char *base; /* its last component, inside path */
	int dir;          /* the directory that component is in */
	int fd;
	mode_t mode;             /* final permission bits */
	char temp[NAME_MAX + 1]; /* name in dir: ".BASE.murder-RANDOM" */
};

#define TEMP_FORMAT ".%.*s.murder-%016" PRIx64
/* As much of BASE as fits. */
#define TEMP_BASE_MAX (NAME_MAX - (int)sizeof("..murder-0123456789abcdef") + 1)

/* The open outputs, for output_abandon_all(). */
static _Atomic(struct output *) open_outputs[OUTPUT_MAX];

static bool
list_add(struct output *o)
{
	for (size_t i = 0; i < OUTPUT_MAX; i++) {
		struct output *none = NULL;

		if (atomic_compare_exchange_strong(&open_outputs[i], &none, o))
			return true;
	}
	return false;
}

static void
list_remove(struct output *o)
{
	for (size_t i = 0; i < OUTPUT_MAX; i++) {
		struct output *self = o;

		atomic_compare_exchange_strong(&open_outputs[i], &self, NULL);
	}
}

void
output_abandon_all(void)
{
	for (size_t i = 0; i < OUTPUT_MAX; i++) {
		struct output *o = atomic_load(&open_outputs[i]);

		if (o != NULL)
			unlinkat(o->dir, o->temp, 0);
	}
}

/* Opens the directory that path is in; splits off the last component. */
static int
open_directory(struct output *o, struct ioerr *e)
{
	char *slash = strrchr(o->path, '/');
	const char *dir = ".";

	o->base = slash != NULL ? slash + 1 : o->path;
	if (o->base[0] == '\0' || strcmp(o->base, ".") == 0 ||
	    strcmp(o->base, "..") == 0) {
		ioerr_set(e, STATUS_DISK, o->path, "is not a file name");
		return ioerr_advise(e, "name the file to write");
	}
	if (slash == o->path) {
		dir = "/";
	} else if (slash != NULL) {
		*slash = '\0';
		dir = o->path;
	}
	/* O_PATH for a directory that may be written but not listed */
	o->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->dir == -1 && errno == EACCES)
		o->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (o->dir == -1)
		ioerr_write(e, dir, "open the directory", errno);
	if (slash != NULL)
		*slash = '/';
	return o->dir == -1 ? e->code : 0;
}

/* Refuses everything but nothing and a regular file at the name. */
static int
check_target(const struct output *o, struct ioerr *e)
{
	const char *kind;
	struct stat st;

	if (fstatat(o->dir, o->base, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0
				       : ioerr_write(e, o->path, "stat", errno);
	if (S_ISREG(st.st_mode))
		return 0;
	kind = S_ISLNK(st.st_mode)   ? "a symbolic link"
	       : S_ISDIR(st.st_mode) ? "a directory"
				     : "not a regular file";
	ioerr_set(e, STATUS_DISK, o->path, "cannot replace: it is %s", kind);
	return ioerr_advise(e, "remove it or choose another name");
}

static int
open_temporary(struct output *o, struct ioerr *e)
{
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	uint64_t r;

	do {
		if (noise_fill(&r, sizeof(r)) != 0)
			return ioerr_write(e, o->path, "name", errno);
		snprintf(o->temp, sizeof(o->temp), TEMP_FORMAT, TEMP_BASE_MAX,
		    o->base, r);
		o->fd = openat(o->dir, o->temp, flags, o->mode);
	} while (o->fd == -1 && errno == EEXIST);
	if (o->fd == -1)
		return ioerr_write(e, o->path, "create", errno);
	/* the mode it was created with is the final one: umask applied */
	if (fstat(o->fd, &st) == -1 || fchmod(o->fd, 0600) == -1) {
		ioerr_write(e, o->path, "create", errno);
		unlinkat(o->dir, o->temp, 0);
		return e->code;
	}
	o->mode = st.st_mode & 0777;
	return 0;
}

static void
output_free(struct output *o)
{
	if (o->fd != -1)
		close(o->fd);
	if (o->dir != -1)
		close(o->dir);
	free(o->path);
	free(o);
}

int
output_new(struct output **out, const char *path, mode_t mode, struct ioerr *e)
{
	struct output *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return ioerr_write(e, path, "create", ENOMEM);
	o->dir = o->fd = -1;
	o->mode = mode;
	o->path = strdup(path);
	if (o->path == NULL) {
		ioerr_write(e, path, "create", ENOMEM);
		goto fail;
	}
	if (open_directory(o, e) < 0 || check_target(o, e) < 0)
		goto fail;
	/* listed first: a signal may come as soon as the file is there */
	if (!list_add(o)) {
		ioerr_set(e, STATUS_FAILED, path, "too many files at once");
		goto fail;
	}
	if (open_temporary(o, e) < 0)
		goto fail_listed;
	*out = o;
	return 0;
fail_listed:
	list_remove(o);
fail:
	output_free(o);
	return e->code;
}

int
output_fd(const struct output *o)
{
	return o->fd;
}

const char *
output_base(const struct output *o)
{
	return o->base;
}

bool
output_same(const struct output *a, const struct output *b)
{
	struct stat x, y;

	return strcmp(a->base, b->base) == 0 && fstat(a->dir, &x) == 0 &&
	       fstat(b->dir, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

const char *
output_path(const struct output *o)
{
	return o->path;
}

int
output_write(struct output *o, struct span bytes, struct ioerr *e)
{
	while (bytes.n > 0) {
		ssize_t n = write(o->fd, bytes.p, bytes.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return ioerr_write(e, o->path, "write", errno);
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return 0;
}

/* The slow way, when the kernel cannot copy between these two files. */
static int
copy_by_hand(struct output *o, int fd, const char *name, struct ioerr *e)
{
	size_t cap = 1u << 20;
	uint8_t *chunk = malloc(cap);
	int rc = chunk == NULL ? ioerr_write(e, o->path, "write", ENOMEM) : 0;

	while (rc == 0) {
		ssize_t n = read(fd, chunk, cap);

		if (n == 0)
			break;
		if (n == -1 && errno == EINTR)
			continue;
		rc = n == -1
			 ? ioerr_read(e, name, "read", errno)
			 : output_write(o, (struct span){chunk, (size_t)n}, e);
	}
	free(chunk);
	return rc;
}

int
output_copy(struct output *o, int fd, uint64_t length, const char *name,
    struct ioerr *e)
{
	uint64_t done = 0;

	if (length > 0 && ioctl(o->fd, FICLONE, fd) == 0)
		return 0;
	while (done < length) {
		size_t want = length - done < (1u << 30)
				  ? (size_t)(length - done)
				  : (size_t)1 << 30;
		ssize_t n = copy_file_range(fd, NULL, o->fd, NULL, want, 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == ENOSPC || errno == EDQUOT ||
				   errno == EFBIG || errno == EIO))
			return ioerr_write(e, o->path, "write", errno);
		/* EXDEV, EINVAL, EOPNOTSUPP, ENOSYS, or 0 of odd file systems:
		 * go on from where we are */
		if (n <= 0)
			return copy_by_hand(o, fd, name, e);
		done += (uint64_t)n;
	}
	return 0;
}

bool
output_is_below(const struct output *o, int dir)
{
	struct stat top, here, up;
	bool below = false;
	int fd, parent;

	if (fstat(dir, &top) == -1)
		return false;
	for (fd = dup(o->dir); fd != -1; fd = parent) {
		if (fstat(fd, &here) == -1)
			break;
		below = here.st_dev == top.st_dev && here.st_ino == top.st_ino;
		if (below)
			break;
		parent = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		if (parent == -1 || fstat(parent, &up) == -1 ||
		    (up.st_dev == here.st_dev && up.st_ino == here.st_ino)) {
			fd = parent;
			break;
		}
	}
	if (fd != -1)
		close(fd);
	return below;
}

int
output_sync(struct output *o, struct ioerr *e)
{
	if (fchmod(o->fd, o->mode) == -1)
		return ioerr_write(e, o->path, "set the mode", errno);
	if (fsync(o->fd) == -1)
		return ioerr_write(e, o->path, "write", errno);
	return 0;
}

int
output_commit(struct output *o, struct ioerr *e)
{
	int rc = output_sync(o, e);

	if (rc == 0 && check_target(o, e) < 0)
		rc = e->code;
	if (rc == 0 && renameat(o->dir, o->temp, o->dir, o->base) == -1)
		rc = ioerr_write(e, o->path, "rename into place", errno);
	if (rc < 0) {
		output_discard(o);
		return rc;
	}
	fsync(o->dir); /* EBADF on O_PATH: then the name is durable later */
	list_remove(o);
	output_free(o);
	return 0;
}

void
output_discard(struct output *o)
{
	if (o == NULL)
		return;
	unlinkat(o->dir, o->temp, 0);
	list_remove(o);
	output_free(o);
}
