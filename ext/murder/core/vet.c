#include <string.h>

#include "err.h"
#include "limits.h"
#include "vet.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(n) mem_resize(v->mem, NULL, 1, (n))
#define uthash_free(p, n) mem_free(v->mem, (p))
#define uthash_nonfatal_oom(element) (v->oom = true)
#include <uthash.h>

/* Symbolic links followed before we call it a circle, as Linux does. */
#define MAX_HOPS 40

struct node {
	UT_hash_handle hh;
	enum vet_kind kind;
	bool top;    /* directly in the destination */
	size_t link; /* offset of the link's text in path, 0 if none */
	char path[]; /* NUL-terminated, the link's text behind it */
};

struct vet {
	const struct mem *mem;
	struct node *nodes; /* all members and the directories they imply */
	bool outside_links;
	bool oom;
};

int
vet_new(struct vet **out, const struct mem *mem, bool outside_links)
{
	struct vet *v = mem_zalloc(mem, 1, sizeof(*v));

	if (v == NULL)
		return ERR_NOMEM;
	v->mem = mem;
	v->outside_links = outside_links;
	*out = v;
	return 0;
}

void
vet_free(struct vet *v)
{
	struct node *n, *next;

	if (v == NULL)
		return;
	n = v->nodes;
	HASH_CLEAR(hh, v->nodes);
	for (; n != NULL; n = next) {
		next = n->hh.next;
		mem_free(v->mem, n);
	}
	mem_free(v->mem, v);
}

/* ---- names -------------------------------------------------------------- */

/* Takes the next component off *rest; 0 at the end. "" never comes out. */
static size_t
next_component(const char **rest, const char **name)
{
	size_t n;

	while (**rest == '/')
		(*rest)++;
	*name = *rest;
	for (n = 0; (*rest)[n] != '/' && (*rest)[n] != '\0';)
		n++;
	*rest += n;
	return n;
}

static bool
is_dot(const char *name, size_t n)
{
	return n == 1 && name[0] == '.';
}

static bool
is_dotdot(const char *name, size_t n)
{
	return n == 2 && name[0] == '.' && name[1] == '.';
}

/* A path while it is put together; always clean: "", "a", "a/b". */
struct path {
	char s[LIMIT_PATH_BYTES + 1];
	size_t n;
	unsigned depth;
};

static bool
path_push(struct path *p, const char *name, size_t n)
{
	size_t slash = p->n > 0;

	if (n > LIMIT_NAME_BYTES || p->depth == LIMIT_PATH_DEPTH ||
	    n + slash > LIMIT_PATH_BYTES - p->n)
		return false;
	if (slash != 0)
		p->s[p->n++] = '/';
	memcpy(p->s + p->n, name, n);
	p->n += n;
	p->s[p->n] = '\0';
	p->depth++;
	return true;
}

/* False at the top. */
static bool
path_pop(struct path *p)
{
	if (p->n == 0)
		return false;
	while (p->n > 0 && p->s[p->n - 1] != '/')
		p->n--;
	if (p->n > 0)
		p->n--;
	p->s[p->n] = '\0';
	p->depth--;
	return true;
}

static void
path_clear(struct path *p)
{
	p->n = 0;
	p->depth = 0;
	p->s[0] = '\0';
}

/* Makes name clean, or says why it is refused. */
static int
clean(struct path *p, const char *name, const char **why)
{
	const char *part;
	size_t n;

	path_clear(p);
	if (name == NULL || name[0] == '\0') {
		*why = "is a member without a name";
		return ERR_UNSAFE;
	}
	if (name[0] == '/') {
		*why = "is an absolute name";
		return ERR_UNSAFE;
	}
	while ((n = next_component(&name, &part)) > 0) {
		if (is_dot(part, n))
			continue;
		if (is_dotdot(part, n)) {
			*why = "leaves the destination";
			return ERR_UNSAFE;
		}
		if (!path_push(p, part, n)) {
			*why = "is too long or too deeply nested";
			return ERR_LIMIT;
		}
	}
	return 0;
}

/* ---- the table ---------------------------------------------------------- */

static struct node *
find(const struct vet *v, const struct path *p)
{
	struct node *n;

	HASH_FIND(hh, v->nodes, p->s, p->n, n);
	return n;
}

static int
insert(struct vet *v, const struct path *p, enum vet_kind kind,
    const char *link, struct node **out, const char **why)
{
	size_t link_n = link != NULL ? strlen(link) + 1 : 0;
	struct node *n;

	if (HASH_COUNT(v->nodes) >= LIMIT_MEMBERS) {
		*why = "is one member too many";
		return ERR_LIMIT;
	}
	*why = "does not fit into memory";
	n = mem_zalloc(v->mem, 1, sizeof(*n) + p->n + 1 + link_n);
	if (n == NULL)
		return ERR_NOMEM;
	n->kind = kind;
	n->top = p->depth == 1;
	memcpy(n->path, p->s, p->n + 1);
	if (link != NULL) {
		n->link = p->n + 1;
		memcpy(n->path + n->link, link, link_n);
	}
	HASH_ADD_KEYPTR(hh, v->nodes, n->path, p->n, n);
	if (v->oom) {
		mem_free(v->mem, n);
		return ERR_NOMEM;
	}
	*out = n;
	return 0;
}

/* Sees that everything above p is a directory, entering what is implied. A
 * directory in the table has all of its parents there too. */
static int
enter_parents(struct vet *v, const struct path *p, const char **why)
{
	struct path up = *p;
	const char *rest = p->s, *part;
	struct node *n;
	size_t len;
	int rc;

	path_pop(&up);
	if (up.n == 0)
		return 0;
	n = find(v, &up);
	if (n != NULL && n->kind == VET_DIRECTORY)
		return 0;
	path_clear(&up);
	while ((len = next_component(&rest, &part)) > 0 && *rest != '\0') {
		if (!path_push(&up, part, len))
			return ERR_LIMIT;
		n = find(v, &up);
		if (n == NULL) {
			rc = insert(v, &up, VET_DIRECTORY, NULL, &n, why);
			if (rc < 0)
				return rc;
		} else if (n->kind != VET_DIRECTORY) {
			*why = n->kind == VET_SYMLINK
				   ? "goes through a symbolic link"
				   : "lies below something that is not a "
				     "directory";
			return ERR_UNSAFE;
		}
	}
	return 0;
}

/* ---- links -------------------------------------------------------------- */

/*
 * Follows target from the directory *at, as the kernel would once everything
 * is unpacked; names we do not know count as plain directories. False if the
 * way leads out of the destination, or is too long to tell. follow: also
 * through the symbolic links in the table.
 */
static bool
stays_inside(
    const struct vet *v, struct path *at, const char *target, bool follow)
{
	char rest[2 * LIMIT_PATH_BYTES + 2], more[2 * LIMIT_PATH_BYTES + 2];
	const char *p = rest, *part;
	unsigned hops = 0;
	size_t n;

	if (target[0] == '/' || strlen(target) > LIMIT_PATH_BYTES)
		return false;
	memcpy(rest, target, strlen(target) + 1);
	while ((n = next_component(&p, &part)) > 0) {
		const struct node *node;
		size_t link_n, rest_n = strlen(p) + 1;

		if (is_dot(part, n))
			continue;
		if (is_dotdot(part, n)) {
			if (!path_pop(at))
				return false;
			continue;
		}
		if (!path_push(at, part, n))
			return false;
		node = follow ? find(v, at) : NULL;
		if (node == NULL || node->kind != VET_SYMLINK)
			continue;
		if (++hops > MAX_HOPS)
			return true; /* the kernel gives up too: ELOOP */
		path_pop(at);
		link_n = strlen(node->path + node->link);
		if (node->path[node->link] == '/' ||
		    link_n + rest_n > sizeof(more))
			return false;
		memcpy(more, node->path + node->link, link_n);
		memcpy(more + link_n, p, rest_n);
		memcpy(rest, more, link_n + rest_n);
		p = rest;
	}
	return true;
}

int
vet_finish(struct vet *v, const char **culprit)
{
	if (v->outside_links)
		return 0;
	for (struct node *n = v->nodes; n != NULL; n = n->hh.next) {
		struct path at;
		const char *why = NULL;

		if (n->kind != VET_SYMLINK)
			continue;
		*culprit = n->path;
		if (clean(&at, n->path, &why) < 0)
			return ERR_UNSAFE;
		path_pop(&at);
		if (!stays_inside(v, &at, n->path + n->link, true))
			return ERR_UNSAFE;
	}
	return 0;
}

/* What can be said of a symbolic link at once, before it costs anything. */
static int
check_symlink(const struct vet *v, const struct path *p, const char *target,
    const char **why)
{
	struct path at = *p;

	if (target == NULL || target[0] == '\0') {
		*why = "is a symbolic link to nothing";
		return ERR_UNSAFE;
	}
	if (strlen(target) > LIMIT_PATH_BYTES) {
		*why = "is a symbolic link to too long a name";
		return ERR_LIMIT;
	}
	path_pop(&at);
	if (!v->outside_links && !stays_inside(v, &at, target, false)) {
		*why = "is a symbolic link out of the destination";
		return ERR_UNSAFE;
	}
	return 0;
}

/* Finds the earlier member that a hard link names. */
static int
find_original(const struct vet *v, const char *name, const struct node **out,
    const char **why)
{
	struct path p;
	int rc = clean(&p, name, why);

	if (rc < 0) {
		*why = "is a hard link out of the destination";
		return rc;
	}
	*out = find(v, &p);
	if (*out == NULL || (*out)->kind == VET_DIRECTORY ||
	    (*out)->kind == VET_SYMLINK) {
		*why = "is a hard link to no earlier file";
		return ERR_UNSAFE;
	}
	return 0;
}

/* ---- the verdict -------------------------------------------------------- */

/* A member whose name is in the table already, or the destination itself. */
static int
add_again(const struct node *n, const struct vet_member *m,
    struct vet_passed *out, const char **why)
{
	if (m->kind != VET_DIRECTORY) {
		*why = n != NULL ? "is there twice"
				 : "takes the place of the destination";
		return ERR_UNSAFE;
	}
	if (n != NULL && n->kind != VET_DIRECTORY) {
		*why = "is there twice";
		return ERR_UNSAFE;
	}
	out->path = n != NULL ? n->path : "";
	return 0;
}

static int
check_kind(const struct vet_member *m, const char **why)
{
	if (m->kind == VET_OTHER) {
		*why = "is a device, FIFO, socket or of unknown kind";
		return ERR_UNSAFE;
	}
	if (m->kind == VET_FILE && (m->mode & 06000) != 0) {
		*why = "has a set-user-ID or set-group-ID bit";
		return ERR_UNSAFE;
	}
	return 0;
}

int
vet_add(struct vet *v, const struct vet_member *m, struct vet_passed *out,
    const char **why)
{
	const struct node *original = NULL;
	struct node *n = NULL;
	struct path p;
	int rc;

	*out = (struct vet_passed){.path = NULL};
	if ((rc = clean(&p, m->name, why)) < 0 || (rc = check_kind(m, why)) < 0)
		return rc;
	if (p.n == 0 || (n = find(v, &p)) != NULL)
		return add_again(n, m, out, why);
	if ((rc = enter_parents(v, &p, why)) < 0)
		return rc;
	if (m->kind == VET_SYMLINK)
		rc = check_symlink(v, &p, m->link, why);
	else if (m->kind == VET_HARDLINK)
		rc = find_original(v, m->link, &original, why);
	if (rc < 0)
		return rc;
	rc = insert(
	    v, &p, m->kind, m->kind == VET_SYMLINK ? m->link : NULL, &n, why);
	if (rc < 0)
		return rc;
	out->path = n->path;
	if (m->kind == VET_SYMLINK)
		out->link = n->path + n->link;
	else if (original != NULL)
		out->link = original->path;
	return 0;
}

const char *
vet_next_top(const struct vet *v, const void **cursor)
{
	const struct node *n = *cursor;

	for (n = n == NULL ? v->nodes : n->hh.next; n != NULL; n = n->hh.next) {
		*cursor = n;
		if (n->top)
			return n->path;
	}
	return NULL;
}
