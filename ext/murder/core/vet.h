/*
 * Which archive members may be unpacked. A struct vet sees them in order, as
 * the archive has them, and refuses: empty, absolute and overlong names, names
 * with ".."; anything but files, directories, symbolic and hard links; set-id
 * files; a name given twice (directories may be); a member below something
 * that is not a directory (a symbolic link above all); hard links to anything
 * but an earlier member; and, at the end, symbolic links that lead out of the
 * destination, also by way of others. No system calls: a table of facts.
 */
#ifndef MURDER_IO_VET_H
#define MURDER_IO_VET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vet_kind { VET_FILE, VET_DIRECTORY, VET_SYMLINK, VET_HARDLINK, VET_OTHER };

struct vet_member {
	const char *name; /* as in the archive, NUL-terminated */
	const char *link; /* target of a symbolic or hard link, else NULL */
	enum vet_kind kind;
	uint32_t mode; /* permission bits, 07777 */
};

struct vet;

/* NULL if there is no memory. */
struct vet *vet_new(bool outside_links);
void vet_free(struct vet *v);

/*
 * Judges the next member. 0: *path is its clean relative path ("a/b"; "" is
 * the destination itself), *link the clean path of a hard link's target; both
 * are v's, until vet_free(). ERR_UNSAFE, ERR_LIMIT or ERR_NOMEM otherwise, and
 * *why says it ("leaves the destination").
 */
int vet_add(struct vet *v, const struct vet_member *m, const char **path,
    const char **link, const char **why);

/* Judges the symbolic links, once all members are known. ERR_UNSAFE: *culprit
 * is the link's path, v's. */
int vet_finish(struct vet *v, const char **culprit);

/* The names directly in the destination, i from 0 in the order they came; NULL
 * after the last. */
const char *vet_top(const struct vet *v, size_t i);

#endif
