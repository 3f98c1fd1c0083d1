#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/dirlist.h"
#include "io/removal.h"
#include "scratch.h"
#include "unit.h"

struct scratch {
	char path[64];
	int before; /* the working directory */
};

int
scratch_begin(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->before = open(".", O_PATH | O_CLOEXEC);
	snprintf(s->path, sizeof(s->path), "/tmp/murder-spec-XXXXXX");
	assert_non_null(mkdtemp(s->path));
	assert_int_equal(chdir(s->path), 0);
	umask(022);
	*state = s;
	return 0;
}

int
scratch_end(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(fchdir(s->before), 0);
	close(s->before);
	assert_int_equal(removal_tree(AT_FDCWD, s->path), 0);
	free(s);
	return 0;
}

void
scratch_write(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(n == 0 ? 0 : fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

void
scratch_text(const char *path, const char *text)
{
	scratch_write(path, text, strlen(text));
}

void
scratch_noise(const char *path, size_t n, unsigned seed)
{
	unsigned char *bytes = malloc(n + 1);
	uint32_t x = seed * 2654435761u + 1;

	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		bytes[i] = (unsigned char)(x >> 24);
	}
	scratch_write(path, bytes, n);
	free(bytes);
}

void
scratch_mkdir(const char *path, mode_t mode)
{
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, mode), 0);
}

char *
scratch_read(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	struct stat st;
	char *bytes;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	bytes = malloc((size_t)st.st_size + 1);
	assert_non_null(bytes);
	assert_int_equal(
	    fread(bytes, 1, (size_t)st.st_size, f), (size_t)st.st_size);
	bytes[st.st_size] = '\0';
	fclose(f);
	if (n != NULL)
		*n = (size_t)st.st_size;
	return bytes;
}

bool
scratch_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

size_t
scratch_count(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirlist list;
	size_t n;

	assert_true(fd != -1);
	assert_int_equal(dirlist_read(&list, fd), 0);
	n = list.n;
	dirlist_free(&list);
	close(fd);
	return n;
}

void
scratch_shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}
