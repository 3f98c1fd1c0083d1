/* Removing a tree that we have made. */
#ifndef MURDER_IO_REMOVAL_H
#define MURDER_IO_REMOVAL_H

/* Removes name in the directory open at dir (or AT_FDCWD), with all below it, following no
 * symbolic link and crossing into no other file system. Goes on as far as it
 * can: 0, or -1 with errno of the last failure. Nesting is limited: give it
 * only trees of at most LIMIT_PATH_DEPTH levels. */
int removal_tree(int dir, const char *name);

#endif
