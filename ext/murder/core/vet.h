/*
 * Which archive members may be unpacked. A struct vet is told the members in
 * the archive's order and refuses: empty, absolute, overlong and deeply nested
 * names, names with ".."; anything but files, directories, symbolic and hard
 * links; set-id files; a name given twice (unless both are directories); a
 * member below something that is not a directory (a symbolic link above all);
 * hard links to anything but an earlier file; and symbolic links that lead out
 * of the destination, directly or by way of other links.
 */
#ifndef MURDER_CORE_VET_H
#define MURDER_CORE_VET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

enum vet_kind { VET_FILE, VET_DIRECTORY, VET_SYMLINK, VET_HARDLINK, VET_OTHER };

struct vet_member {
	const char *name; /* as in the archive; NULL is refused */
	const char *link; /* what a symbolic or hard link names, else NULL */
	enum vet_kind kind;
	uint32_t mode; /* permission bits, 07777 */
};

/* A member that passed; strings belong to the vet. */
struct vet_passed {
	const char *path; /* clean and relative, "a/b"; "" is the destination */
	const char *link; /* hard links: the clean path of the earlier member;
			     symbolic links: their target as it stands */
};

struct vet;

/* Makes a vet; ERR_NOMEM. outside_links: symbolic links may lead anywhere
 * (nothing is ever unpacked through them all the same). */
int vet_new(struct vet **out, const struct mem *mem, bool outside_links);
void vet_free(struct vet *v);

/* Judges the next member: 0, ERR_UNSAFE, ERR_LIMIT or ERR_NOMEM. After a
 * failure *why says what is wrong, to stand behind the name ("leaves the
 * destination"), and nothing more may be asked of v. Static storage. */
int vet_add(struct vet *v, const struct vet_member *m, struct vet_passed *out,
    const char **why);

/* Once all members are known: whether each symbolic link stays within the
 * destination, other links followed. ERR_UNSAFE: *culprit is its path, v's. */
int vet_finish(struct vet *v, const char **culprit);

/* The names directly in the destination, in order of appearance, one a call;
 * NULL after the last. *cursor begins as NULL. */
const char *vet_next_top(const struct vet *v, const void **cursor);

#endif
