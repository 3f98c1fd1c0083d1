#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "core/limits.h"
#include "core/vet.h"
#include "io/charset.h"
#include "io/dirlist.h"
#include "io/gzip.h"
#include "io/heap.h"
#include "io/pack.h"

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) (oom = true)
#include <uthash.h>

#define CHUNK_BYTES (256u << 10)

/* A file with several names: the first of them, in our order, has the data. */
struct seen {
	struct {
		dev_t dev;
		ino_t ino;
	} key;
	char *path;
	UT_hash_handle hh;
};

struct packer {
	struct archive *archive;
	struct archive_entry *entry;
	struct gzip *gzip;
	const struct pack_options *o;
	const char *name; /* of the directory, for messages */
	struct ioerr *e;
	struct vet *vet;
	struct seen *seen;
	uint8_t *chunk; /* CHUNK_BYTES */
	/* The member at hand: "./" and its path below the directory. */
	char path[LIMIT_PATH_BYTES + LIMIT_NAME_BYTES + 4];
	size_t n; /* bytes in path */
};

/* ---- messages ----------------------------------------------------------- */

/* The member at hand as the user knows it; in a buffer of the caller. */
static const char *
full_name(const struct packer *p, char out[1024])
{
	snprintf(out, 1024, "%s%s", p->name, p->path + 1);
	return out;
}

static int
fail_read(struct packer *p, const char *verb, int sys)
{
	char full[1024];

	return ioerr_read(p->e, full_name(p, full), verb, sys);
}

static int
fail_changed(struct packer *p)
{
	char full[1024];

	ioerr_set(p->e, STATUS_NO_INPUT, full_name(p, full),
	    "changed while it was packed");
	return ioerr_advise(p->e, "try again when nobody writes there");
}

static void
warn(const struct packer *p, const char *what)
{
	if (p->o->warn != NULL)
		p->o->warn(p->o->ctx, p->path + 2, what);
}

/* The failure of libarchive. */
static int
fail_archive(struct packer *p)
{
	char full[1024];
	const char *why = archive_error_string(p->archive);

	return ioerr_set(p->e, STATUS_FAILED, full_name(p, full),
	    "cannot be packed: %s", why != NULL ? why : "no reason given");
}

/* ---- members ------------------------------------------------------------ */

/* Extraction will vet what we pack; so do we, to fail here and not there. */
static int
vet_member(struct packer *p, enum vet_kind kind, const char *link)
{
	struct vet_member m = {.name = p->path, .link = link, .kind = kind};
	struct vet_passed passed;
	const char *why = "";
	char full[1024];
	int rc = vet_add(p->vet, &m, &passed, &why);

	if (rc == 0)
		return 0;
	ioerr_set(p->e, rc == ERR_NOMEM ? STATUS_FAILED : STATUS_INPUT,
	    full_name(p, full), "%s", why);
	if (kind == VET_SYMLINK)
		ioerr_advise(p->e, "hosts would refuse it: remove it, or allow "
				   "it with --outside-links");
	return p->e->code;
}

/* Fills in the entry for the member at hand; the link is added by the caller.
 * Only what shall be in the archive is set: no inode, no device, no owner. */
static void
describe(struct packer *p, const struct stat *st)
{
	archive_entry_clear(p->entry);
	archive_entry_set_pathname(p->entry, p->path);
	archive_entry_set_mode(p->entry, st->st_mode & ~(mode_t)06000);
	archive_entry_set_mtime(p->entry, st->st_mtim.tv_sec, 0);
	archive_entry_set_uid(p->entry, 0);
	archive_entry_set_gid(p->entry, 0);
	archive_entry_set_size(p->entry, 0);
}

static int
put_header(struct packer *p)
{
	return archive_write_header(p->archive, p->entry) == ARCHIVE_OK
		   ? 0
		   : fail_archive(p);
}

/* Copies size bytes of fd behind the header. */
static int
put_data(struct packer *p, int fd, int64_t size)
{
	while (size > 0) {
		size_t want =
		    size < (int64_t)CHUNK_BYTES ? (size_t)size : CHUNK_BYTES;
		ssize_t n = read(fd, p->chunk, want);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fail_read(p, "read", errno);
		if (n == 0)
			return fail_changed(p);
		if (archive_write_data(p->archive, p->chunk, (size_t)n) != n)
			return fail_archive(p);
		if (p->e->status != STATUS_OK) /* take_tar() failed */
			return p->e->code;
		size -= n;
	}
	return 0;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       (a->st_mode & S_IFMT) == (b->st_mode & S_IFMT);
}

static bool
same_content(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The file's contents with its header; before is what lstat said. */
static int
put_open_file(struct packer *p, int fd, const struct stat *before)
{
	struct stat st, after;
	int rc;

	if (fstat(fd, &st) == -1)
		return fail_read(p, "stat", errno);
	if (!same_file(&st, before))
		return fail_changed(p);
	if ((st.st_mode & 06000) != 0)
		warn(p, "packed without its set-id bits");
	describe(p, &st);
	archive_entry_set_size(p->entry, st.st_size);
	if ((rc = put_header(p)) < 0 || (rc = put_data(p, fd, st.st_size)) < 0)
		return rc;
	if (fstat(fd, &after) == -1 || !same_content(&st, &after))
		return fail_changed(p);
	return 0;
}

/* The earlier name of this file, or NULL after remembering it as the first. */
static int
find_seen(struct packer *p, const struct stat *st, const char **path)
{
	struct seen *s = NULL, *new;
	bool oom = false;

	*path = NULL;
	new = calloc(1, sizeof(*new));
	if (new == NULL)
		return fail_read(p, "read", ENOMEM);
	new->key.dev = st->st_dev;
	new->key.ino = st->st_ino;
	HASH_FIND(hh, p->seen, &new->key, sizeof(new->key), s);
	if (s != NULL) {
		*path = s->path;
		free(new);
		return 0;
	}
	new->path = strdup(p->path);
	if (new->path != NULL)
		HASH_ADD(hh, p->seen, key, sizeof(new->key), new);
	if (new->path == NULL || oom) {
		free(new->path);
		free(new);
		return fail_read(p, "read", ENOMEM);
	}
	return 0;
}

static int
pack_file(struct packer *p, int dir, const char *base, const struct stat *st)
{
	const char *first = NULL;
	int fd, rc;

	if (st->st_nlink > 1 && (rc = find_seen(p, st, &first)) < 0)
		return rc;
	rc = vet_member(p, first != NULL ? VET_HARDLINK : VET_FILE, first);
	if (rc < 0)
		return rc;
	if (first != NULL) {
		describe(p, st);
		archive_entry_set_hardlink(p->entry, first);
		return put_header(p);
	}
	fd = openat(dir, base,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return fail_read(p, "open", errno);
	rc = put_open_file(p, fd, st);
	close(fd);
	return rc;
}

static int
pack_symlink(struct packer *p, int dir, const char *base, const struct stat *st)
{
	char target[LIMIT_PATH_BYTES + 2];
	ssize_t n = readlinkat(dir, base, target, sizeof(target) - 1);
	int rc;

	if (n == -1)
		return fail_read(p, "read the link", errno);
	target[n] = '\0';
	rc = vet_member(p, VET_SYMLINK, target);
	if (rc < 0)
		return rc;
	describe(p, st);
	archive_entry_set_symlink(p->entry, target);
	return put_header(p);
}

/* ---- directories -------------------------------------------------------- */

static bool
is_left_out(const char *name)
{
	return strncmp(name, ".git", 4) == 0;
}

static int pack_entry(struct packer *p, int dir, const char *base);

/* Everything in the directory open at fd. It nests no deeper than the vet
 * lets a name nest. */
static int
pack_content(struct packer *p, int fd)
{
	struct dirlist list = {.n = 0};
	size_t n = p->n;
	int rc = 0;

	if (dirlist_read(&list, fd) < 0)
		return fail_read(p, "read the directory", errno);
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		size_t len = strlen(list.name[i]);

		if (is_left_out(list.name[i]))
			continue;
		if (n + 1 + len >= sizeof(p->path)) {
			rc = fail_read(p, "pack", ENAMETOOLONG);
			break;
		}
		p->path[n] = '/';
		memcpy(p->path + n + 1, list.name[i], len + 1);
		p->n = n + 1 + len;
		rc = pack_entry(p, fd, list.name[i]);
	}
	p->n = n;
	p->path[n] = '\0';
	dirlist_free(&list);
	return rc;
}

static int
pack_subdirectory(
    struct packer *p, int dir, const char *base, const struct stat *before)
{
	struct stat st;
	int fd, rc;

	rc = vet_member(p, VET_DIRECTORY, NULL);
	if (rc < 0)
		return rc;
	fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return fail_read(p, "open the directory", errno);
	if (fstat(fd, &st) == -1) {
		rc = fail_read(p, "stat", errno);
	} else if (!same_file(&st, before)) {
		rc = fail_changed(p);
	} else {
		describe(p, &st);
		rc = put_header(p);
		if (rc == 0)
			rc = pack_content(p, fd);
	}
	close(fd);
	return rc;
}

static int
pack_entry(struct packer *p, int dir, const char *base)
{
	struct stat st;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? fail_changed(p)
				       : fail_read(p, "stat", errno);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return pack_file(p, dir, base, &st);
	case S_IFDIR:
		return pack_subdirectory(p, dir, base, &st);
	case S_IFLNK:
		return pack_symlink(p, dir, base, &st);
	default:
		warn(p, "left out: a socket, FIFO or device");
		return 0;
	}
}

/* ---- the archive -------------------------------------------------------- */

static int
write_gzipped(void *ctx, struct span bytes)
{
	struct packer *p = ctx;

	return p->o->write(p->o->ctx, bytes, p->e);
}

/*
 * libarchive hands us the tar. We never fail here, or it would not give its
 * memory back: once something has failed, the rest is thrown away, which is
 * also what ends a member that is not complete.
 */
static la_ssize_t
take_tar(struct archive *a, void *ctx, const void *bytes, size_t n)
{
	struct packer *p = ctx;
	int rc;

	(void)a;
	if (p->e->status != STATUS_OK)
		return (la_ssize_t)n;
	rc = gzip_add(p->gzip, (struct span){bytes, n});
	if (rc == ERR_NOMEM)
		fail_read(p, "pack", ENOMEM);
	return (la_ssize_t)n;
}

/* gnutar rather than pax: names are bytes there, of any length, with no
 * character set to be wrong about. */
static int
open_archive(struct packer *p)
{
	struct archive *a = p->archive;

	if (archive_write_set_format_gnutar(a) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(a, 128 << 10) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
	    archive_write_open(a, p, NULL, take_tar, NULL) != ARCHIVE_OK)
		return fail_archive(p);
	return 0;
}

static int
check_links(struct packer *p)
{
	const char *culprit = NULL;
	int rc = vet_finish(p->vet, &culprit);

	if (rc < 0) {
		snprintf(p->path, sizeof(p->path), "./%s", culprit);
		rc =
		    ioerr_set(p->e, STATUS_INPUT, full_name(p, (char[1024]){0}),
			"is a symbolic link out of the directory");
		ioerr_advise(p->e, "hosts would refuse it: remove it, or allow "
				   "it with --outside-links");
	}
	return rc;
}

static void
packer_free(struct packer *p)
{
	struct seen *s, *next;

	HASH_ITER(hh, p->seen, s, next)
	{
		HASH_DEL(p->seen, s);
		free(s->path);
		free(s);
	}
	vet_free(p->vet);
	archive_entry_free(p->entry);
	archive_write_free(p->archive); /* may still call take_tar() */
	gzip_free(p->gzip);
	free(p->chunk);
	free(p);
}

static int
pack_all(struct packer *p, int fd)
{
	int rc = open_archive(p);

	if (rc == 0)
		rc = pack_content(p, fd);
	if (rc == 0)
		rc = check_links(p);
	if (rc == 0 && archive_write_close(p->archive) != ARCHIVE_OK)
		rc = fail_archive(p);
	if (p->e->status == STATUS_OK && gzip_end(p->gzip) == ERR_NOMEM)
		fail_read(p, "pack", ENOMEM);
	return p->e->status == STATUS_OK ? rc : p->e->code;
}

int
pack_directory(
    int fd, const char *name, const struct pack_options *o, struct ioerr *e)
{
	struct packer *p = calloc(1, sizeof(*p));
	struct charset charset;
	int rc;

	if (p == NULL)
		return ioerr_read(e, name, "pack", ENOMEM);
	p->o = o;
	p->name = name;
	p->e = e;
	p->path[0] = '.';
	p->n = 1;
	p->chunk = malloc(CHUNK_BYTES);
	p->entry = archive_entry_new();
	p->archive = archive_write_new();
	rc = vet_new(&p->vet, &heap, o->outside_links);
	if (rc == 0)
		rc = gzip_new(&p->gzip, o->level != 0 ? o->level : 6, 0,
		    write_gzipped, p);
	charset_hold(&charset);
	if (p->chunk == NULL || p->entry == NULL || p->archive == NULL ||
	    rc < 0)
		rc = ioerr_read(e, name, "pack", ENOMEM);
	else
		rc = pack_all(p, fd);
	packer_free(p);
	charset_release(&charset);
	return rc;
}
