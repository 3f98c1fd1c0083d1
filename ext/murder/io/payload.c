#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "io/input.h"
#include "io/payload.h"

/* Value: length, seconds and nanoseconds of the modification time it was set
 * with; of an unfinished download anything. */
#define MARK_NAME "user.murder.download"
#define MARK_UNFINISHED "unfinished"
#define MARK_BYTES 64

void
payload_init(struct payload *p, const char *path, const struct metainfo *m)
{
	memset(p, 0, sizeof(*p));
	p->path = path;
	p->fd = -1;
	p->length = m->length;
	p->piece_length = m->piece_length;
	p->n_pieces = m->n_pieces;
	p->hashes = m->pieces.p;
}

void
payload_free(struct payload *p)
{
	if (p->fd != -1)
		(void)close(p->fd);
	free(p->part);
	p->fd = -1;
	p->part = NULL;
}

uint32_t
payload_piece_bytes(const struct payload *p, uint32_t i)
{
	return metainfo_piece_size(p->length, p->piece_length, i);
}

uint64_t
payload_piece_begin(const struct payload *p, uint32_t i)
{
	return (uint64_t)i * p->piece_length;
}

bool
payload_is_hole(const struct payload *p, uint64_t begin, uint64_t end)
{
	off_t data = lseek(p->fd, (off_t)begin, SEEK_DATA);

	if (data == -1)
		return errno == ENXIO;
	return (uint64_t)data >= end;
}

int
payload_open_seed(struct payload *p, struct ioerr *e)
{
	struct stat st;
	int rc = input_open(&p->fd, &st, p->path, e);

	if (rc != 0)
		return rc;
	p->in_place = true;
	if ((uint64_t)st.st_size == p->length)
		return 0;
	(void)ioerr_set(e, STATUS_MISMATCH, p->path,
	    "is %jd bytes long and its .torrent says %" PRIu64,
	    (intmax_t)st.st_size, p->length);
	return ioerr_advise(e, "make the .torrent again from this file");
}

/* ---- the mark of our own downloads ---------------------------------------*/

static void
payload_mark_text(char text[MARK_BYTES], const struct stat *st)
{
	(void)snprintf(text, MARK_BYTES, "%jd %jd.%09ld", (intmax_t)st->st_size,
	    (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

static bool
payload_is_marked(const char *path, const struct stat *st)
{
	char want[MARK_BYTES], got[MARK_BYTES];
	ssize_t n = lgetxattr(path, MARK_NAME, got, sizeof(got));

	payload_mark_text(want, st);
	return n == (ssize_t)strlen(want) && memcmp(want, got, (size_t)n) == 0;
}

/* File systems without extended attributes go without: a later download of
 * something else under this name is then refused. */
static void
payload_mark(int fd)
{
	char text[MARK_BYTES];
	struct stat st;

	if (fstat(fd, &st) == -1)
		return;
	payload_mark_text(text, &st);
	(void)fsetxattr(fd, MARK_NAME, text, strlen(text), 0);
}

/* ---- a peer's file -------------------------------------------------------*/

static int
payload_in_the_way(const struct payload *p, struct ioerr *e)
{
	(void)ioerr_set(e, STATUS_MISMATCH, p->path,
	    "exists already, is not what the .torrent describes, and is not "
	    "an earlier download of murder's");
	return ioerr_advise(e, "move it away or delete it");
}

/* Ours, or root's: nobody else can change it behind our back. */
static bool
payload_is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() || st->st_uid == 0;
}

/* Opens path, of the right length, to be verified and used as it is. */
static int
payload_open_there(struct payload *p, struct ioerr *e)
{
	struct stat st;

	p->fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (p->fd == -1 || fstat(p->fd, &st) == -1)
		return ioerr_read(e, p->path, "open", errno);
	if (!S_ISREG(st.st_mode) || !payload_is_ours(&st))
		return payload_in_the_way(p, e);
	p->in_place = true;
	return 0;
}

int
payload_open_peer(struct payload *p, struct ioerr *e)
{
	struct stat st;

	if (lstat(p->path, &st) == -1) {
		if (errno != ENOENT)
			return ioerr_write(e, p->path, "create", errno);
		return payload_open_part(p, e);
	}
	if (!payload_is_ours(&st) ||
	    (S_ISLNK(st.st_mode) && stat(p->path, &st) == -1))
		return payload_in_the_way(p, e);
	if (!S_ISREG(st.st_mode)) {
		(void)ioerr_set(e, STATUS_DISK, p->path,
		    S_ISDIR(st.st_mode) ? "is a directory"
					: "is not a regular file");
		return ioerr_advise(e, "name the file to write");
	}
	if ((uint64_t)st.st_size != p->length)
		return payload_open_part(p, e);
	return payload_open_there(p, e);
}

/* Refuses what an attacker could have planted in a shared directory. */
static int
payload_vet_part(struct payload *p, struct stat *st, struct ioerr *e)
{
	const char *what = NULL;

	if (fstat(p->fd, st) == -1)
		return ioerr_write(e, p->part, "examine", errno);
	if (!S_ISREG(st->st_mode))
		what = "is not a regular file";
	else if (st->st_uid != geteuid())
		what = "belongs to another user";
	else if (st->st_nlink != 1)
		what = "has a second name (hard link)";
	if (what == NULL && flock(p->fd, LOCK_EX | LOCK_NB) == -1 &&
	    errno == EWOULDBLOCK)
		return ioerr_set(
		    e, STATUS_BUSY, p->part, "another process is writing it");
	if (what == NULL)
		return 0;
	(void)ioerr_set(e, STATUS_DISK, p->part, "%s", what);
	return ioerr_advise(e, "remove it");
}

/* What stands at the name of an unfinished download may be somebody's. Where
 * the file system has no extended attributes that cannot be told. */
static int
payload_claim_part(
    const struct payload *p, const struct stat *st, struct ioerr *e)
{
	if (p->fresh || st->st_size == 0) {
		(void)fsetxattr(p->fd, MARK_NAME, MARK_UNFINISHED,
		    strlen(MARK_UNFINISHED), 0);
		return 0;
	}
	if (fgetxattr(p->fd, MARK_NAME, NULL, 0) >= 0 || errno != ENODATA)
		return 0;
	(void)ioerr_set(e, STATUS_MISMATCH, p->part,
	    "exists already and is not an unfinished download of murder's");
	return ioerr_advise(e, "move it away or delete it");
}

/* Room is asked for before the first byte travels. */
static int
payload_make_room(struct payload *p, const struct stat *st, struct ioerr *e)
{
	uint64_t held = (uint64_t)st->st_blocks * 512, need, room;
	struct statvfs fs;

	need = held >= p->length ? 0 : p->length - held;
	if (need > 0 && fstatvfs(p->fd, &fs) == 0) {
		room = (uint64_t)fs.f_bavail * fs.f_frsize;
		if (room < need) {
			(void)ioerr_set(e, STATUS_DISK, p->part,
			    "no room: %" PRIu64 " bytes are needed and %" PRIu64
			    " are free, %" PRIu64 " are missing",
			    need, room, need - room);
			return ioerr_advise(e, "free some space");
		}
	}
	if ((uint64_t)st->st_size != p->length &&
	    ftruncate(p->fd, (off_t)p->length) == -1)
		return ioerr_write(e, p->part, "resize", errno);
	return 0;
}

int
payload_open_part(struct payload *p, struct ioerr *e)
{
	struct stat st;
	int rc;

	if (p->fd != -1)
		(void)close(p->fd);
	p->fd = -1;
	p->in_place = false;
	if (lstat(p->path, &st) == 0) {
		if (!S_ISREG(st.st_mode) || !payload_is_marked(p->path, &st))
			return payload_in_the_way(p, e);
		p->replaces = true;
	}
	if (asprintf(&p->part, "%s.part", p->path) == -1) {
		p->part = NULL;
		return ioerr_core(e, p->path, ERR_NOMEM);
	}
	p->fd = open(p->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	p->fresh = p->fd != -1;
	if (p->fd == -1 && errno == EEXIST)
		p->fd =
		    open(p->part, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (p->fd == -1 && errno == ELOOP) {
		(void)ioerr_set(e, STATUS_DISK, p->part, "is a symbolic link");
		return ioerr_advise(e, "remove it");
	}
	if (p->fd == -1)
		return ioerr_write(e, p->part, "create", errno);
	rc = payload_vet_part(p, &st, e);
	if (rc == 0)
		rc = payload_claim_part(p, &st, e);
	if (rc == 0)
		rc = payload_make_room(p, &st, e);
	if (rc != 0 && p->fresh && e->status != STATUS_BUSY)
		(void)unlink(p->part); /* ours, and empty */
	return rc;
}

/* RENAME_NOREPLACE where the file system has it: what appeared at the name
 * meanwhile is not ours to destroy. */
static int
payload_rename(const struct payload *p)
{
	const unsigned no_replace = 1; /* RENAME_NOREPLACE */
	struct stat st;

	if (p->replaces && lstat(p->path, &st) == 0 && S_ISREG(st.st_mode) &&
	    payload_is_marked(p->path, &st))
		return rename(p->part, p->path);
	/* by number: musl has no name for it */
	if (syscall(SYS_renameat2, AT_FDCWD, p->part, AT_FDCWD, p->path,
		no_replace) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (link(p->part, p->path) == -1)
		return -1;
	return unlink(p->part);
}

/* So that the new name survives a crash as well; some file systems cannot. */
static void
payload_sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? strdup(".")
				  : strndup(path, (size_t)(slash - path) + 1);
	int fd =
	    dir == NULL ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd != -1) {
		(void)fsync(fd);
		(void)close(fd);
	}
	free(dir);
}

int
payload_finish(struct payload *p, struct ioerr *e)
{
	if (p->in_place)
		return 0;
	assert(p->part != NULL);
	if (fsync(p->fd) == -1)
		return ioerr_write(e, p->part, "write", errno);
	payload_mark(p->fd);
	if (payload_rename(p) == -1) {
		if (errno == EEXIST) {
			(void)ioerr_set(e, STATUS_DISK, p->path,
			    "appeared while it was being downloaded; the "
			    "download is complete in %s",
			    p->part);
			return ioerr_advise(e, "remove one of the two");
		}
		return ioerr_write(e, p->path, "create", errno);
	}
	payload_sync_directory(p->path);
	p->in_place = true;
	return 0;
}
