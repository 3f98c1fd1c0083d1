/*
 * A new tree beside where it will be: `DIR/.murder-RANDOM`, mode 0700, filled
 * and then moved into DIR name by name. Everything is made anew (O_EXCL) by
 * descriptors and no symbolic link is ever followed, so there is nothing to
 * race with. libarchive's own disk writer is not used, because it works in
 * the working directory, which all threads of a process share.
 */
#ifndef MURDER_IO_STAGING_H
#define MURDER_IO_STAGING_H

#include <stdint.h>
#include <sys/types.h>

#include "core/vet.h"
#include "io/ioerr.h"
#include "io/unarchive.h"

struct staging;

/* Begins in the directory open at dir (borrowed throughout), which messages
 * call name (borrowed too). STATUS_DISK. */
int staging_new(
    struct staging **out, int dir, const char *name, struct ioerr *e);

/* Removes what was not moved, and frees s, which may be NULL. */
void staging_free(struct staging *s);

/* Makes a directory, symbolic link or hard link, and what is missing above
 * it. path and link have passed the vet and outlive s. */
int staging_add(struct staging *s, const struct unarchive_member *m,
    const struct vet_passed *p, struct ioerr *e);

/* The same for a file: begun, written anywhere (what is not, is a hole), and
 * ended, which closes fd. */
int staging_begin_file(
    struct staging *s, const struct vet_passed *p, int *fd, struct ioerr *e);
int staging_write_file(struct staging *s, int fd, struct unarchive_data d,
    const struct vet_passed *p, struct ioerr *e);
int staging_end_file(struct staging *s, int fd,
    const struct unarchive_member *m, const struct vet_passed *p,
    struct ioerr *e);

/* The failure "name is in the directory already". */
int staging_exists(const char *dir, const char *name, struct ioerr *e);

/*
 * Sets modes and times of directories, then moves the top-level entries that
 * v knows into the directory. If one of them cannot be, those before it are
 * moved back. STATUS_NOT_EMPTY if the name exists.
 */
int staging_move(struct staging *s, const struct vet *v, struct ioerr *e);

#endif
