#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "io/dirlist.h"

void
dirlist_free(struct dirlist *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->name[i]);
	free(list->name);
	*list = (struct dirlist){.n = 0};
}

static bool
add(struct dirlist *list, const char *name)
{
	if (list->n == list->cap) {
		size_t cap = list->cap == 0 ? 32 : 2 * list->cap;
		char **v = realloc(list->name, cap * sizeof(*v));

		if (v == NULL)
			return false;
		list->name = v;
		list->cap = cap;
	}
	list->name[list->n] = strdup(name);
	if (list->name[list->n] == NULL)
		return false;
	list->n++;
	return true;
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* errno is 0 at the end unless something failed. */
static void
read_names(struct dirlist *list, DIR *d)
{
	struct dirent *entry;

	while (errno = 0, (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (!add(list, entry->d_name)) {
			errno = ENOMEM;
			return;
		}
	}
}

int
dirlist_read(struct dirlist *list, int fd)
{
	/* a descriptor of our own: closedir() closes it */
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own != -1 ? fdopendir(own) : NULL;
	int sys;

	*list = (struct dirlist){.n = 0};
	if (d == NULL) {
		sys = errno;
		if (own != -1)
			close(own);
		errno = sys;
		return ERR_IO;
	}
	read_names(list, d);
	sys = errno;
	closedir(d);
	if (sys != 0) {
		dirlist_free(list);
		errno = sys;
		return ERR_IO;
	}
	if (list->n > 0)
		qsort(list->name, list->n, sizeof(*list->name), by_bytes);
	return 0;
}
