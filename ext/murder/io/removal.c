#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "io/dirlist.h"
#include "io/removal.h"

static int remove_at(int dir, const char *name, dev_t dev, unsigned depth);

static void
remove_content(int fd, dev_t dev, unsigned depth)
{
	struct dirlist list;

	if (dirlist_read(&list, fd) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		remove_at(fd, list.name[i], dev, depth + 1);
	dirlist_free(&list);
}

static int
remove_at(int dir, const char *name, dev_t dev, unsigned depth)
{
	struct stat st;
	int fd;

	if (unlinkat(dir, name, 0) == 0)
		return 0;
	if ((errno != EISDIR && errno != EPERM) || depth > LIMIT_PATH_DEPTH)
		return -1;
	/* our own directories may have been unpacked without these bits */
	fchmodat(dir, name, 0700, 0);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_dev == dev)
		remove_content(fd, dev, depth);
	close(fd);
	return unlinkat(dir, name, AT_REMOVEDIR);
}

int
removal_tree(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	return remove_at(dir, name, st.st_dev, 0);
}

void
removal_below(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0)
		remove_content(fd, st.st_dev, 0);
}
