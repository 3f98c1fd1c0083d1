/*
 * The vet: whatever the members say, what passes stays below the destination,
 * and no link that passes climbs higher than it lies deep.
 * Input: members as lines "KIND NAME[\tLINK]\n" with KIND one of f d l h o.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "core/err.h"
#include "core/limits.h"
#include "core/vet.h"

/* A clean relative path: no empty, "." or ".." component. */
static void
check_path(const char *path)
{
	const char *p = path;

	assert(strlen(path) <= LIMIT_PATH_BYTES);
	if (*path == '\0')
		return;
	for (;;) {
		size_t n = strcspn(p, "/");

		assert(n > 0 && n <= LIMIT_NAME_BYTES);
		assert(!(n == 1 && p[0] == '.'));
		assert(!(n == 2 && p[0] == '.' && p[1] == '.'));
		if (p[n] == '\0')
			return;
		p += n + 1;
	}
}

/* Whether a link that passed leads up further than it is deep. */
static void
check_link(const char *path, const char *link)
{
	int depth = 0;

	assert(link[0] != '/');
	for (const char *p = path; *p != '\0'; p++)
		depth += *p == '/';
	for (const char *p = link; *p != '\0';) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			depth--;
		else if (n > 0 && !(n == 1 && p[0] == '.'))
			depth++;
		assert(depth >= 0);
		p += n + (p[n] == '/');
	}
}

/* Hands one line to the vet; false when it refused. */
static bool
judge(struct vet *v, char *line, bool outside)
{
	static const char kinds[] = "fdlh";
	const char *k = strchr(kinds, line[0]);
	struct vet_member m = {.kind = VET_OTHER, .name = line + 1};
	struct vet_passed p;
	const char *why = NULL;
	char *tab = strchr(line, '\t');
	int rc;

	if (line[0] != '\0' && k != NULL)
		m.kind = (enum vet_kind)(k - kinds);
	if (line[0] == '\0')
		m.name = NULL;
	if (tab != NULL) {
		*tab = '\0';
		m.link = tab + 1;
	}
	rc = vet_add(v, &m, &p, &why);
	if (rc < 0) {
		assert(why != NULL);
		return false;
	}
	check_path(p.path);
	if (m.kind == VET_SYMLINK && !outside)
		check_link(p.path, p.link);
	if (m.kind == VET_HARDLINK)
		check_path(p.link);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool outside = size > 0 && data[0] == 'o', sound = true;
	const char *culprit = NULL, *top;
	const void *cursor = NULL;
	char *text, *line, *next;
	struct vet *v;

	if (size > 65536)
		return 0;
	text = malloc(size + 1);
	if (text == NULL || vet_new(&v, &fuzz_mem, outside) < 0)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	for (line = text; sound && line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		sound = judge(v, line, outside);
	}
	if (sound && vet_finish(v, &culprit) < 0)
		assert(!outside && culprit != NULL);
	while ((top = vet_next_top(v, &cursor)) != NULL) {
		check_path(top);
		assert(top[0] != '\0' && strchr(top, '/') == NULL);
	}
	vet_free(v);
	free(text);
	return 0;
}
