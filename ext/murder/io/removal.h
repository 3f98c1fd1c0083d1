/* Removing a tree that we have made. */
#ifndef MURDER_IO_REMOVAL_H
#define MURDER_IO_REMOVAL_H

/*
 * Both follow no symbolic link, cross into no other file system and go on as
 * far as they can. Nesting is limited: only for trees of at most
 * LIMIT_PATH_DEPTH levels.
 */

/* Removes name in the directory open at dir (or AT_FDCWD) with all below it.
 * 0, or -1 with errno of the last failure. */
int removal_tree(int dir, const char *name);

/* Removes what is in the directory open at fd, wherever it is by now. */
void removal_below(int fd);

#endif
