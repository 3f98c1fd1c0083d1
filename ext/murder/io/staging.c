#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/limits.h"
#include "io/noise.h"
#include "io/removal.h"
#include "io/staging.h"

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) (oom = true)
#include <uthash.h>

/* A directory; its mode and time are set when nothing more goes into it. */
struct folder {
	UT_hash_handle hh;
	const char *path; /* n bytes, the vet's; it lives as long as we do */
	size_t n;
	mode_t mode;
	int64_t mtime_s;
	bool has_mtime;
};

struct staging {
	int dir; /* the destination */
	int fd;  /* dir/temp */
	const char *name;
	char temp[32];
	struct folder *folders; /* parents before what is in them */
	struct folder *last;    /* of folders */
	/* The directory opened last, as its neighbours usually follow. */
	char parent[LIMIT_PATH_BYTES + 1];
	int parent_fd; /* -1: none */
};

static int
fail(struct staging *s, const char *path, const char *verb, int sys,
    struct ioerr *e)
{
	char full[1024];

	snprintf(full, sizeof(full), "%s/%s", s->name, path);
	return ioerr_write(e, full, verb, sys);
}

/* ---- beginning and end -------------------------------------------------- */

static int
make_temporary(struct staging *s, struct ioerr *e)
{
	uint64_t r;
	int rc;

	do {
		if (noise_fill(&r, sizeof(r)) != 0)
			return ioerr_write(e, s->name, "name", errno);
		snprintf(s->temp, sizeof(s->temp), ".murder-%016" PRIx64, r);
		rc = mkdirat(s->dir, s->temp, 0700);
	} while (rc == -1 && errno == EEXIST);
	if (rc == -1) {
		s->temp[0] = '\0';
		return ioerr_write(e, s->name, "write into", errno);
	}
	s->fd = openat(
	    s->dir, s->temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->fd == -1)
		return ioerr_write(e, s->name, "write into", errno);
	return 0;
}

int
staging_new(struct staging **out, int dir, const char *name, struct ioerr *e)
{
	struct staging *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ioerr_write(e, name, "write into", ENOMEM);
	s->dir = dir;
	s->name = name;
	s->fd = s->parent_fd = -1;
	if (make_temporary(s, e) < 0) {
		staging_free(s);
		return e->code;
	}
	*out = s;
	return 0;
}

void
staging_free(struct staging *s)
{
	struct folder *f, *next;

	if (s == NULL)
		return;
	if (s->parent_fd != -1)
		close(s->parent_fd);
	/* by descriptor: somebody may have put another tree at the name */
	if (s->fd != -1) {
		removal_below(s->fd);
		close(s->fd);
	}
	if (s->temp[0] != '\0')
		unlinkat(s->dir, s->temp, AT_REMOVEDIR);
	HASH_ITER(hh, s->folders, f, next)
	{
		HASH_DEL(s->folders, f);
		free(f);
	}
	free(s);
}

/* ---- directories -------------------------------------------------------- */

/* Finds the directory at the first n bytes of path, or enters it as one that
 * is only implied; NULL with errno if there is no memory. */
static struct folder *
folder_at(struct staging *s, const char *path, size_t n)
{
	struct folder *f;
	bool oom = false;

	HASH_FIND(hh, s->folders, path, n, f);
	if (f != NULL)
		return f;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->path = path;
	f->n = n;
	f->mode = 0755;
	HASH_ADD_KEYPTR(hh, s->folders, path, n, f);
	if (oom) {
		free(f);
		errno = ENOMEM;
		return NULL;
	}
	s->last = f;
	return f;
}

/* Opens part, the last component of the n bytes of path, in the directory at
 * fd, making it if it is missing. */
static int
open_part(
    struct staging *s, int fd, const char *part, const char *path, size_t n)
{
	if (mkdirat(fd, part, 0700) == 0) {
		if (folder_at(s, path, n) == NULL)
			return -1;
	} else if (errno != EEXIST) {
		return -1;
	}
	return openat(
	    fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Opens the directory at the first n bytes of path, making what is missing.
 * The descriptor is s's until the next call; -1 with errno. */
static int
open_folder(struct staging *s, const char *path, size_t n)
{
	char part[LIMIT_NAME_BYTES + 1];
	int fd = s->fd, next, sys;

	if (n == 0)
		return s->fd;
	if (s->parent_fd != -1 && strlen(s->parent) == n &&
	    memcmp(s->parent, path, n) == 0)
		return s->parent_fd;
	if (s->parent_fd != -1)
		close(s->parent_fd);
	s->parent_fd = -1;
	for (size_t i = 0, len; i < n; i += len + 1) {
		for (len = 0; i + len < n && path[i + len] != '/';)
			len++;
		memcpy(part, path + i, len);
		part[len] = '\0';
		next = open_part(s, fd, part, path, i + len);
		sys = errno;
		if (fd != s->fd)
			close(fd);
		errno = sys;
		fd = next;
		if (fd == -1)
			return -1;
	}
	memcpy(s->parent, path, n);
	s->parent[n] = '\0';
	return s->parent_fd = fd;
}

/* The directory a path is in, and the rest of the path. */
static int
open_above(struct staging *s, const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');

	*base = slash != NULL ? slash + 1 : path;
	return open_folder(s, path, slash != NULL ? (size_t)(slash - path) : 0);
}

static int
add_directory(struct staging *s, const struct unarchive_member *m,
    const struct vet_passed *p, struct ioerr *e)
{
	size_t n = strlen(p->path);
	struct folder *f;

	if (n == 0) /* the destination keeps what it has */
		return 0;
	if (open_folder(s, p->path, n) == -1 ||
	    (f = folder_at(s, p->path, n)) == NULL)
		return fail(s, p->path, "create the directory", errno, e);
	f->mode = m->vet.mode & 01777;
	f->mtime_s = m->mtime_s;
	f->has_mtime = m->has_mtime;
	return 0;
}

/* ---- the others --------------------------------------------------------- */

static void
times_of(const struct unarchive_member *m, struct timespec t[2])
{
	t[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
	t[1] = m->has_mtime ? (struct timespec){.tv_sec = (time_t)m->mtime_s}
			    : (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int
add_symlink(struct staging *s, const struct unarchive_member *m,
    const struct vet_passed *p, struct ioerr *e)
{
	struct timespec t[2];
	const char *base;
	int dir = open_above(s, p->path, &base);

	times_of(m, t);
	if (dir == -1 || symlinkat(p->link, dir, base) == -1)
		return fail(s, p->path, "create the link", errno, e);
	/* a link's time is a nicety that some file systems lack */
	utimensat(dir, base, t, AT_SYMLINK_NOFOLLOW);
	return 0;
}

static int
add_hardlink(struct staging *s, const struct vet_passed *p, struct ioerr *e)
{
	const char *from, *to;
	int from_dir = open_above(s, p->link, &from), dir, rc;

	/* of our own, since s keeps only one */
	if (from_dir == -1 ||
	    (from_dir = fcntl(from_dir, F_DUPFD_CLOEXEC, 0)) == -1)
		return fail(s, p->link, "link", errno, e);
	dir = open_above(s, p->path, &to);
	rc = dir == -1 ? -1 : linkat(from_dir, from, dir, to, 0);
	if (rc == -1)
		fail(s, p->path, "create the link", errno, e);
	close(from_dir);
	return rc == -1 ? e->code : 0;
}

int
staging_add(struct staging *s, const struct unarchive_member *m,
    const struct vet_passed *p, struct ioerr *e)
{
	if (m->vet.kind == VET_DIRECTORY)
		return add_directory(s, m, p, e);
	if (m->vet.kind == VET_SYMLINK)
		return add_symlink(s, m, p, e);
	return add_hardlink(s, p, e);
}

int
staging_begin_file(
    struct staging *s, const struct vet_passed *p, int *fd, struct ioerr *e)
{
	const char *base;
	int dir = open_above(s, p->path, &base);

	*fd = dir == -1
		  ? -1
		  : openat(dir, base,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	return *fd == -1 ? fail(s, p->path, "create", errno, e) : 0;
}

int
staging_write_file(struct staging *s, int fd, struct unarchive_data d,
    const struct vet_passed *p, struct ioerr *e)
{
	while (d.bytes.n > 0) {
		ssize_t n = pwrite(fd, d.bytes.p, d.bytes.n, d.at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fail(s, p->path, "write", errno, e);
		d.bytes.p += n;
		d.bytes.n -= (size_t)n;
		d.at += n;
	}
	return 0;
}

int
staging_end_file(struct staging *s, int fd, const struct unarchive_member *m,
    const struct vet_passed *p, struct ioerr *e)
{
	struct timespec t[2];
	struct stat st;
	int rc = 0;

	times_of(m, t);
	/* a hole at the end was not written */
	if (fstat(fd, &st) == -1 ||
	    (st.st_size < m->size && ftruncate(fd, m->size) == -1))
		rc = fail(s, p->path, "write", errno, e);
	else if (fchmod(fd, m->vet.mode & 01777) == -1)
		rc = fail(s, p->path, "set the mode", errno, e);
	else if (futimens(fd, t) == -1)
		rc = fail(s, p->path, "set the time", errno, e);
	if (close(fd) == -1)
		rc = fail(s, p->path, "write", errno, e);
	return rc;
}

/* ---- into place --------------------------------------------------------- */

static bool
is_top(const struct folder *f)
{
	return memchr(f->path, '/', f->n) == NULL;
}

/* Sets what was put off. Top-level directories only get their time: without
 * write permission a directory cannot be moved by everyone. */
static int
finish_folders(struct staging *s, struct ioerr *e)
{
	/* backwards: what is inside comes behind, and must be reachable */
	for (struct folder *f = s->last; f != NULL; f = f->hh.prev) {
		struct unarchive_member m = {
		    .mtime_s = f->mtime_s, .has_mtime = f->has_mtime};
		struct timespec t[2];
		int fd = open_folder(s, f->path, f->n);

		times_of(&m, t);
		if (fd == -1 || futimens(fd, t) == -1)
			return fail(s, f->path, "set the time", errno, e);
		if (!is_top(f) && fchmod(fd, f->mode) == -1)
			return fail(s, f->path, "set the mode", errno, e);
	}
	return 0;
}

static int
finish_top_folders(struct staging *s, struct ioerr *e)
{
	char name[LIMIT_NAME_BYTES + 1];

	for (struct folder *f = s->folders; f != NULL; f = f->hh.next) {
		int fd;

		if (!is_top(f))
			continue;
		memcpy(name, f->path, f->n);
		name[f->n] = '\0';
		fd = openat(s->dir, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd == -1 || fchmod(fd, f->mode) == -1)
			fail(s, name, "set the mode", errno, e);
		if (fd != -1)
			close(fd);
	}
	return e->status == STATUS_OK ? 0 : e->code;
}

/* rename(2) that never replaces anything. */
static int
move(int from, int to, const char *name)
{
	struct stat st;
	const unsigned noreplace = 1; /* RENAME_NOREPLACE */

	if (syscall(SYS_renameat2, from, name, to, name, noreplace) == 0)
		return 0;
	if (errno != ENOSYS && errno != EINVAL)
		return -1;
	/* a file system or kernel that cannot: look first */
	if (fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(from, name, to, name) : -1;
}

/* Moves back the names before `until`; NULL: all of them. */
static void
move_back(struct staging *s, const struct vet *v, const char *until)
{
	const void *cursor = NULL;
	const char *name;

	while ((name = vet_next_top(v, &cursor)) != until)
		move(s->dir, s->fd, name);
}

int
staging_exists(const char *dir, const char *name, struct ioerr *e)
{
	char full[1024];

	snprintf(full, sizeof(full), "%s/%s", dir, name);
	ioerr_set(e, STATUS_NOT_EMPTY, full, "exists already");
	return ioerr_advise(e, "empty the directory or choose another");
}

int
staging_move(struct staging *s, const struct vet *v, struct ioerr *e)
{
	const void *cursor = NULL;
	const char *name;
	int sys;

	if (finish_folders(s, e) < 0)
		return e->code;
	while ((name = vet_next_top(v, &cursor)) != NULL) {
		if (move(s->fd, s->dir, name) == 0)
			continue;
		sys = errno;
		move_back(s, v, name);
		if (sys != EEXIST)
			return fail(s, name, "move into place", sys, e);
		return staging_exists(s->name, name, e);
	}
	if (finish_top_folders(s, e) < 0)
		move_back(s, v, NULL);
	return e->status == STATUS_OK ? 0 : e->code;
}
