#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "io/unarchive.h"

#define CHUNK_BYTES (256u << 10)

struct unarchive {
	struct archive *archive;
	const char *name;
	int fd;
	int64_t at;     /* where in fd we read next */
	int64_t length; /* of fd */
	int sys;        /* errno of a read that failed, or 0 */
	uint8_t chunk[CHUNK_BYTES];
};

/* ---- libarchive's view of the descriptor -------------------------------- */

static la_ssize_t
read_chunk(struct archive *a, void *ctx, const void **bytes)
{
	struct unarchive *u = ctx;
	ssize_t n;

	do
		n = pread(u->fd, u->chunk, sizeof(u->chunk), u->at);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		u->sys = errno;
		archive_set_error(a, errno, "cannot be read");
		return -1;
	}
	u->at += n;
	*bytes = u->chunk;
	return n;
}

static la_int64_t
skip(struct archive *a, void *ctx, la_int64_t n)
{
	struct unarchive *u = ctx;

	(void)a;
	if (n > u->length - u->at)
		n = u->length - u->at;
	u->at += n;
	return n;
}

static la_int64_t
seek(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
	struct unarchive *u = ctx;
	int64_t base = whence == SEEK_SET   ? 0
		       : whence == SEEK_CUR ? u->at
					    : u->length;

	(void)a;
	if (offset < -base || offset > u->length - base)
		return ARCHIVE_FATAL;
	u->at = base + offset;
	return u->at;
}

/* ---- errors ------------------------------------------------------------- */

static int
fail(struct unarchive *u, struct ioerr *e)
{
	const char *why = archive_error_string(u->archive);

	if (u->sys != 0)
		return ioerr_read(e, u->name, "read", u->sys);
	if (archive_errno(u->archive) == ENOMEM)
		return ioerr_read(e, u->name, "read", ENOMEM);
	return ioerr_set(e, STATUS_INPUT, u->name, "is not a sound archive: %s",
	    why != NULL ? why : "no reason given");
}

/* ---- public ------------------------------------------------------------- */

static int
open_archive(struct unarchive *u, struct ioerr *e)
{
	struct archive *a = u->archive;

	/* ARCHIVE_WARN: a filter that would need an external program */
	if (archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
	    archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_support_format_zip(a) != ARCHIVE_OK)
		return fail(u, e);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	archive_read_set_callback_data(a, u);
	archive_read_set_read_callback(a, read_chunk);
	archive_read_set_skip_callback(a, skip);
	archive_read_set_seek_callback(a, seek);
	return archive_read_open1(a) == ARCHIVE_OK ? 0 : fail(u, e);
}

int
unarchive_new(struct unarchive **out, int fd, const char *name, struct ioerr *e)
{
	struct unarchive *u = malloc(sizeof(*u));
	struct stat st;

	if (u == NULL)
		return ioerr_read(e, name, "read", ENOMEM);
	*u = (struct unarchive){.name = name, .fd = fd};
	u->archive = archive_read_new();
	if (u->archive == NULL) {
		ioerr_read(e, name, "read", ENOMEM);
		goto fail;
	}
	if (fstat(fd, &st) == -1) {
		ioerr_read(e, name, "stat", errno);
		goto fail;
	}
	u->length = st.st_size;
	if (open_archive(u, e) < 0)
		goto fail;
	*out = u;
	return 0;
fail:
	unarchive_free(u);
	return e->code;
}

void
unarchive_free(struct unarchive *u)
{
	if (u == NULL)
		return;
	archive_read_free(u->archive);
	free(u);
}

static enum vet_kind
kind_of(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry) != NULL)
		return VET_HARDLINK;
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return VET_FILE;
	case AE_IFDIR:
		return VET_DIRECTORY;
	case AE_IFLNK:
		return VET_SYMLINK;
	default:
		return VET_OTHER;
	}
}

static void
describe(struct archive_entry *entry, struct unarchive_member *m)
{
	const char *name = archive_entry_pathname(entry);
	const char *link;

	*m = (struct unarchive_member){.vet.kind = kind_of(entry)};
	/* no UTF-8 locale on this system: take the bytes there are */
	if (name == NULL)
		name = archive_entry_pathname_utf8(entry);
	m->vet.name = name;
	if (m->vet.kind == VET_HARDLINK) {
		link = archive_entry_hardlink(entry);
		m->vet.link =
		    link != NULL ? link : archive_entry_hardlink_utf8(entry);
	} else if (m->vet.kind == VET_SYMLINK) {
		link = archive_entry_symlink(entry);
		m->vet.link =
		    link != NULL ? link : archive_entry_symlink_utf8(entry);
	}
	m->vet.mode = (uint32_t)archive_entry_perm(entry) & 07777u;
	m->size = archive_entry_size(entry);
	m->has_mtime = archive_entry_mtime_is_set(entry) != 0;
	m->mtime_s = archive_entry_mtime(entry);
}

int
unarchive_next(struct unarchive *u, struct unarchive_member *m, struct ioerr *e)
{
	struct archive_entry *entry;
	int rc = archive_read_next_header(u->archive, &entry);

	if (rc == ARCHIVE_EOF)
		return 0;
	/* ARCHIVE_WARN is about charsets and unknown attributes */
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return fail(u, e);
	describe(entry, m);
	if (archive_entry_is_encrypted(entry) != 0) {
		ioerr_set(e, STATUS_INPUT, u->name, "is encrypted");
		return ioerr_advise(e, "pack it without a password");
	}
	if (m->size < 0)
		return ioerr_set(e, STATUS_INPUT, u->name,
		    "holds a member of negative size");
	return 1;
}

int
unarchive_read(struct unarchive *u, struct unarchive_data *d, struct ioerr *e)
{
	const void *bytes;
	la_int64_t at = 0;
	size_t n;
	int rc = archive_read_data_block(u->archive, &bytes, &n, &at);

	if (rc == ARCHIVE_EOF)
		return 0;
	/* of data, ARCHIVE_WARN is a wrong checksum */
	if (rc != ARCHIVE_OK)
		return fail(u, e);
	if (at < 0 || n > (size_t)(INT64_MAX - at))
		return ioerr_set(e, STATUS_INPUT, u->name,
		    "holds data beyond the bounds of a file");
	*d = (struct unarchive_data){.bytes = {bytes, n}, .at = at};
	return 1;
}
