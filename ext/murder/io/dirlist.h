/* The names in a directory, sorted by their bytes, so that what walks it does
 * so in the same order on every file system. */
#ifndef MURDER_IO_DIRLIST_H
#define MURDER_IO_DIRLIST_H

#include <stddef.h>

struct dirlist {
	char **name; /* n of them, without "." and ".." */
	size_t n, cap;
};

/* Reads the directory open at fd, which stays open and where it was. 0, or
 * ERR_IO with errno; then there is nothing to free. */
int dirlist_read(struct dirlist *list, int fd);
void dirlist_free(struct dirlist *list);

#endif
