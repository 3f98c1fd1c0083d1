#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/vet.h"
#include "io/charset.h"
#include "io/extract.h"
#include "io/heap.h"
#include "io/input.h"
#include "io/staging.h"
#include "io/unarchive.h"

struct extraction {
	const char *archive; /* as the user names it */
	const char *dir;     /* the same */
	const struct extract_options *o;
	struct extract_totals *totals;
	struct ioerr *e;
	int archive_fd;
	int dir_fd;    /* -1: not there yet */
	char *made;    /* dir, if we made it or a directory above it */
	size_t n_kept; /* so much of its name was there before, bytes */
};

/* ---- what may go wrong -------------------------------------------------- */

static int
refuse(struct extraction *x, const char *member, const char *why, int code)
{
	ioerr_set(x->e, code == ERR_NOMEM ? STATUS_FAILED : STATUS_INPUT,
	    x->archive, "refused: member '%s' %s", member != NULL ? member : "",
	    why);
	return ioerr_advise(x->e, "nothing was unpacked");
}

static int
check_cancel(struct extraction *x)
{
	if (x->o->cancel == NULL || !atomic_load(x->o->cancel))
		return 0;
	ioerr_set(x->e, STATUS_INTERRUPTED, x->archive, "interrupted");
	return ioerr_advise(x->e, "nothing was unpacked");
}

static int
check_links(struct extraction *x, struct vet *v)
{
	const char *culprit = NULL;
	int rc = vet_finish(v, &culprit);

	return rc == 0 ? 0
		       : refuse(x, culprit,
			     "is a symbolic link out of the destination", rc);
}

/* ---- passes ------------------------------------------------------------- */

static int
unpack_file(struct extraction *x, struct unarchive *u, struct staging *s,
    const struct unarchive_member *m, const struct vet_passed *p)
{
	struct unarchive_data d;
	int fd, rc;

	if ((rc = staging_begin_file(s, p, &fd, x->e)) < 0)
		return rc;
	while ((rc = unarchive_read(u, &d, x->e)) == 1) {
		if ((rc = check_cancel(x)) < 0 ||
		    (rc = staging_write_file(s, fd, d, p, x->e)) < 0)
			break;
		x->totals->bytes += d.bytes.n;
	}
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return staging_end_file(s, fd, m, p, x->e);
}

/* Reads all members past the vet; with s, unpacks them there too. */
static int
run_pass(struct extraction *x, struct vet *v, struct staging *s)
{
	struct unarchive_member m;
	struct unarchive *u;
	int rc = unarchive_new(&u, x->archive_fd, x->archive, x->e);

	if (rc < 0)
		return rc;
	while ((rc = unarchive_next(u, &m, x->e)) == 1) {
		struct vet_passed passed;
		const char *why = "";

		if ((rc = check_cancel(x)) < 0)
			break;
		rc = vet_add(v, &m.vet, &passed, &why);
		if (rc < 0) {
			rc = refuse(x, m.vet.name, why, rc);
			break;
		}
		if (s == NULL)
			continue;
		x->totals->n_members++;
		rc = m.vet.kind == VET_FILE ? unpack_file(x, u, s, &m, &passed)
					    : staging_add(s, &m, &passed, x->e);
		if (rc < 0)
			break;
	}
	unarchive_free(u);
	return rc < 0 ? rc : check_links(x, v);
}

/* Whether a name that we would move into place is taken. */
static int
check_free(struct extraction *x, const struct vet *v)
{
	const void *cursor = NULL;
	const char *name;
	struct stat st;

	if (x->dir_fd == -1)
		return 0;
	while ((name = vet_next_top(v, &cursor)) != NULL) {
		if (fstatat(x->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return staging_exists(x->dir, name, x->e);
	}
	return 0;
}

static int
judge(struct extraction *x)
{
	struct vet *v;
	int rc = vet_new(&v, &heap, x->o->outside_links);

	if (rc < 0)
		return ioerr_core(x->e, x->archive, rc);
	rc = run_pass(x, v, NULL);
	if (rc == 0)
		rc = check_free(x, v);
	vet_free(v);
	return rc;
}

static int
unpack(struct extraction *x)
{
	struct staging *s;
	struct vet *v;
	int rc = vet_new(&v, &heap, x->o->outside_links);

	if (rc < 0)
		return ioerr_core(x->e, x->archive, rc);
	rc = staging_new(&s, x->dir_fd, x->dir, x->e);
	if (rc == 0) {
		rc = run_pass(x, v, s);
		if (rc == 0)
			rc = staging_move(s, v, x->e);
		staging_free(s);
	}
	vet_free(v);
	return rc;
}

/* ---- the directory ------------------------------------------------------ */

static int
open_directory(struct extraction *x)
{
	x->dir_fd = open(x->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x->dir_fd == -1 && errno != ENOENT)
		return ioerr_write(x->e, x->dir, "open the directory", errno);
	return 0;
}

/* Makes the directory and those that are missing above it. */
static int
make_directory(struct extraction *x)
{
	size_t n = 0, n_all = strlen(x->dir);

	x->made = strdup(x->dir);
	if (x->made == NULL)
		return ioerr_core(x->e, x->dir, ERR_NOMEM);
	x->n_kept = n_all;
	while (n < n_all) {
		n += strspn(x->dir + n, "/");
		n += strcspn(x->dir + n, "/");
		x->made[n] = '\0';
		if (mkdir(x->made, 0777) == 0) {
			if (x->n_kept == n_all)
				x->n_kept = n - 1;
		} else if (errno != EEXIST) {
			return ioerr_write(
			    x->e, x->made, "create the directory", errno);
		}
		x->made[n] = x->dir[n];
	}
	return 0;
}

/* Removes what make_directory() made, unless somebody put something there. */
static void
unmake_directory(struct extraction *x)
{
	size_t n = x->made != NULL ? strlen(x->made) : 0;

	/* the last one may not have come about */
	while (n > x->n_kept && (rmdir(x->made) == 0 || errno == ENOENT)) {
		while (n > x->n_kept && x->made[n - 1] != '/')
			n--;
		while (n > x->n_kept && x->made[n - 1] == '/')
			n--;
		x->made[n] = '\0';
	}
}

static int
extract_open(struct extraction *x)
{
	int rc;

	if ((rc = open_directory(x)) < 0 || (rc = judge(x)) < 0)
		return rc;
	if (x->dir_fd == -1) {
		rc = make_directory(x);
		if (rc == 0)
			x->dir_fd =
			    open(x->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (rc == 0 && x->dir_fd == -1)
			rc = ioerr_write(
			    x->e, x->dir, "open the directory", errno);
	}
	if (rc == 0)
		rc = unpack(x);
	if (rc < 0)
		unmake_directory(x);
	return rc;
}

int
extract_archive(const char *archive, const char *dir,
    const struct extract_options *o, struct extract_totals *totals,
    struct ioerr *e)
{
	static const struct extract_options defaults;
	struct extract_totals nobody;
	struct extraction x = {.archive = archive,
	    .dir = dir,
	    .o = o != NULL ? o : &defaults,
	    .totals = totals != NULL ? totals : &nobody,
	    .e = e,
	    .dir_fd = -1};
	struct charset charset;
	struct stat st;
	int rc;

	*x.totals = (struct extract_totals){.bytes = 0};
	rc = input_open(&x.archive_fd, &st, archive, e);
	if (rc < 0)
		return rc;
	charset_hold(&charset);
	rc = extract_open(&x);
	charset_release(&charset);
	if (x.dir_fd != -1)
		close(x.dir_fd);
	close(x.archive_fd);
	free(x.made);
	return rc;
}
