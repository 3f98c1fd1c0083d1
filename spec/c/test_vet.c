#include "core/vet.h"
#include "failalloc.h"
#include "unit.h"

/* One row: a member and what becomes of it (NULL why: it passes). */
struct row {
	enum vet_kind kind;
	const char *name, *link;
	const char *path; /* the clean name, if it passes */
	const char *why;
};

static void
judge(const struct row *rows, size_t n)
{
	struct failalloc f;
	struct vet *v;

	failalloc_init(&f, 0);
	assert_int_equal(vet_new(&v, &f.mem, false), 0);
	for (size_t i = 0; i < n; i++) {
		struct vet_member m = {.name = rows[i].name,
		    .link = rows[i].link,
		    .kind = rows[i].kind,
		    .mode = 0644};
		struct vet_passed p;
		const char *why = "";
		int rc = vet_add(v, &m, &p, &why);

		if (rows[i].why == NULL) {
			if (rc != 0)
				fail_msg("%s: %s", rows[i].name, why);
			assert_string_equal(p.path, rows[i].path);
		} else {
			if (rc == 0)
				fail_msg("%s passed", rows[i].name);
			assert_string_equal(why, rows[i].why);
			assert_int_equal(i, n - 1);
		}
	}
	vet_free(v);
	failalloc_check(&f);
}

#define GOOD(kind, name, link, path)                                           \
	{                                                                      \
		kind, name, link, path, NULL                                   \
	}
#define BAD(kind, name, link)                                                  \
	{                                                                      \
		kind, name, link, NULL, NULL                                   \
	}

/* All pass but the last, which is refused for that reason. */
#define LAST(why_, ...)                                                        \
	do {                                                                   \
		struct row rows_[] = {__VA_ARGS__};                            \
		rows_[N_OF(rows_) - 1].why = (why_);                           \
		judge(rows_, N_OF(rows_));                                     \
	} while (0)

TEST(names_come_out_clean)
{
	static const struct row rows[] = {
	    {VET_DIRECTORY, "./", NULL, "", NULL},
	    {VET_DIRECTORY, ".", NULL, "", NULL},
	    {VET_DIRECTORY, "./a//b/./", NULL, "a/b", NULL},
	    {VET_FILE, "a/b/c", NULL, "a/b/c", NULL},
	    {VET_FILE, ".../..a/b..", NULL, ".../..a/b..", NULL},
	    {VET_FILE, "new\nline \\ \xff", NULL, "new\nline \\ \xff", NULL},
	    {VET_DIRECTORY, "a", NULL, "a", NULL},
	    {VET_DIRECTORY, "a/", NULL, "a", NULL},
	};

	judge(rows, N_OF(rows));
}

TEST(names_that_leave_the_destination_are_refused)
{
	LAST("leaves the destination", BAD(VET_FILE, "../x", NULL));
	LAST("leaves the destination", BAD(VET_FILE, "a/../x", NULL));
	LAST("leaves the destination", BAD(VET_FILE, "a/..", NULL));
	LAST("leaves the destination", BAD(VET_DIRECTORY, "..", NULL));
	LAST("leaves the destination", BAD(VET_FILE, "a/../../x", NULL));
	LAST("is an absolute name", BAD(VET_FILE, "/etc/passwd", NULL));
	LAST("is an absolute name", BAD(VET_FILE, "//x", NULL));
	LAST("is a member without a name", BAD(VET_FILE, "", NULL));
	LAST("is a member without a name", BAD(VET_FILE, NULL, NULL));
	LAST("takes the place of the destination", BAD(VET_SYMLINK, ".", "a"));
	LAST("takes the place of the destination", BAD(VET_FILE, "./", NULL));
}

TEST(overlong_and_deep_names_are_refused)
{
	static char name[5000];
	const char *why = "is too long or too deeply nested";

	memset(name, 'a', 256);
	LAST(why, BAD(VET_FILE, name, NULL));
	name[255] = '\0';
	LAST(NULL, GOOD(VET_FILE, name, NULL, name));
	for (size_t i = 0; i < 2 * 257; i += 2)
		memcpy(name + i, "a/", 3);
	LAST(why, BAD(VET_FILE, name, NULL));
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 101 == 100 ? '/' : 'a';
	name[sizeof(name) - 1] = '\0';
	LAST(why, BAD(VET_FILE, name, NULL));
}

TEST(only_plain_kinds_without_set_id_bits_pass)
{
	struct vet_member m = {.name = "a", .kind = VET_FILE};
	struct vet_passed p;
	struct failalloc f;
	const char *why;
	struct vet *v;

	LAST("is a device, FIFO, socket or of unknown kind",
	    BAD(VET_OTHER, "a", NULL));
	failalloc_init(&f, 0);
	assert_int_equal(vet_new(&v, &f.mem, false), 0);
	m.mode = 04755;
	assert_int_equal(vet_add(v, &m, &p, &why), ERR_UNSAFE);
	m.mode = 02755;
	assert_int_equal(vet_add(v, &m, &p, &why), ERR_UNSAFE);
	m.mode = 01755;
	assert_int_equal(vet_add(v, &m, &p, &why), 0);
	m = (struct vet_member){
	    .name = "d", .kind = VET_DIRECTORY, .mode = 02775};
	assert_int_equal(vet_add(v, &m, &p, &why), 0);
	vet_free(v);
	failalloc_check(&f);
}

TEST(nothing_goes_through_a_link_or_a_file)
{
	LAST("goes through a symbolic link", GOOD(VET_SYMLINK, "a", "b", "a"),
	    BAD(VET_FILE, "a/x", NULL));
	LAST("goes through a symbolic link",
	    GOOD(VET_DIRECTORY, "b", NULL, "b"),
	    GOOD(VET_SYMLINK, "b/a", "..", "b/a"),
	    BAD(VET_FILE, "b/a/b/x", NULL));
	LAST("lies below something that is not a directory",
	    GOOD(VET_FILE, "a", NULL, "a"), BAD(VET_FILE, "a/x", NULL));
	LAST("lies below something that is not a directory",
	    GOOD(VET_FILE, "a", NULL, "a"), GOOD(VET_HARDLINK, "h", "a", "h"),
	    BAD(VET_FILE, "h/x", NULL));
}

TEST(a_name_comes_once_unless_it_is_a_directory)
{
	LAST("is there twice", GOOD(VET_FILE, "a", NULL, "a"),
	    BAD(VET_FILE, "./a", NULL));
	LAST("is there twice", GOOD(VET_SYMLINK, "a", "b", "a"),
	    BAD(VET_FILE, "a", NULL));
	LAST("is there twice", GOOD(VET_SYMLINK, "a", "b", "a"),
	    BAD(VET_DIRECTORY, "a", NULL));
	LAST("is there twice", GOOD(VET_FILE, "a/b", NULL, "a/b"),
	    BAD(VET_SYMLINK, "a", "b"));
	LAST("is there twice", GOOD(VET_DIRECTORY, "a", NULL, "a"),
	    BAD(VET_HARDLINK, "a", "b"));
}

TEST(hard_links_name_an_earlier_file)
{
	LAST(NULL, GOOD(VET_FILE, "a", NULL, "a"),
	    GOOD(VET_HARDLINK, "b", "./a", "b"),
	    GOOD(VET_HARDLINK, "c/d", "b", "c/d"));
	LAST("is a hard link to no earlier file", BAD(VET_HARDLINK, "b", "a"));
	LAST("is a hard link to no earlier file", BAD(VET_HARDLINK, "b", "b"));
	LAST("is a hard link to no earlier file",
	    GOOD(VET_DIRECTORY, "a", NULL, "a"), BAD(VET_HARDLINK, "b", "a"));
	LAST("is a hard link to no earlier file",
	    GOOD(VET_SYMLINK, "a", "x", "a"), BAD(VET_HARDLINK, "b", "a"));
	LAST("is a hard link out of the destination",
	    BAD(VET_HARDLINK, "b", "/etc/passwd"));
	LAST("is a hard link out of the destination",
	    BAD(VET_HARDLINK, "b", "../a"));
	LAST("is a hard link out of the destination",
	    BAD(VET_HARDLINK, "b", NULL));
}

TEST(symbolic_links_stay_inside)
{
	const char *why = "is a symbolic link out of the destination";

	LAST(NULL, GOOD(VET_SYMLINK, "a", "b/c", "a"),
	    GOOD(VET_SYMLINK, "d/e", "../b", "d/e"),
	    GOOD(VET_SYMLINK, "self", "self", "self"),
	    GOOD(VET_SYMLINK, "dot", ".", "dot"),
	    GOOD(VET_SYMLINK, "x/y/z", "../..", "x/y/z"));
	LAST(why, BAD(VET_SYMLINK, "a", "/etc"));
	LAST(why, BAD(VET_SYMLINK, "a", ".."));
	LAST(why, BAD(VET_SYMLINK, "a/b", "../../x"));
	LAST(why, BAD(VET_SYMLINK, "a/b", "c/../../../a"));
	LAST("is a symbolic link to nothing", BAD(VET_SYMLINK, "a", ""));
	LAST("is a symbolic link to nothing", BAD(VET_SYMLINK, "a", NULL));
}

/* Adds symbolic links and gives what vet_finish() says of them. */
static int
finish(const char *const links[][2], size_t n, bool outside, char *culprit)
{
	struct failalloc f;
	const char *name = "";
	struct vet *v;
	int rc;

	failalloc_init(&f, 0);
	assert_int_equal(vet_new(&v, &f.mem, outside), 0);
	for (size_t i = 0; i < n; i++) {
		struct vet_member m = {.name = links[i][0],
		    .link = links[i][1],
		    .kind = VET_SYMLINK};
		struct vet_passed p;
		const char *why = "";

		assert_int_equal(vet_add(v, &m, &p, &why), 0);
		assert_string_equal(p.link, links[i][1]);
	}
	rc = vet_finish(v, &name);
	snprintf(culprit, 100, "%s", name);
	vet_free(v);
	failalloc_check(&f);
	return rc;
}

TEST(a_chain_of_links_that_leads_out_is_found)
{
	/* each looks harmless: d1/up is ".", so l is ".." */
	static const char *const chain[][2] = {
	    {"d1/up", ".."}, {"l", "d1/up/../x"}};
	static const char *const before[][2] = {
	    {"l", "d1/up/.."}, {"d1/up", "../d2"}};
	static const char *const circle[][2] = {{"a", "b"}, {"b", "a"}};
	static const char *const inside[][2] = {
	    {"d/e/up", "../.."}, {"l", "d/e/up/d/x"}};
	char culprit[100];

	assert_int_equal(finish(chain, 2, false, culprit), ERR_UNSAFE);
	assert_string_equal(culprit, "l");
	assert_int_equal(finish(chain, 2, true, culprit), 0);
	assert_int_equal(finish(before, 2, false, culprit), 0);
	assert_int_equal(finish(circle, 2, false, culprit), 0);
	assert_int_equal(finish(inside, 2, false, culprit), 0);
}

TEST(outside_links_may_lead_anywhere_when_allowed)
{
	static const char *const links[][2] = {
	    {"a", "/etc"}, {"b", "../../x"}, {"c/d", "../../../y"}};
	char culprit[100];

	assert_int_equal(finish(links, 3, true, culprit), 0);
}

TEST(top_level_names_come_in_order_also_the_implied_ones)
{
	static const char *const names[] = {"z/y/x", "a", "z/b", "m/n"};
	const void *cursor = NULL;
	struct failalloc f;
	struct vet *v;

	failalloc_init(&f, 0);
	assert_int_equal(vet_new(&v, &f.mem, false), 0);
	assert_null(vet_next_top(v, &cursor));
	for (size_t i = 0; i < N_OF(names); i++) {
		struct vet_member m = {.name = names[i], .kind = VET_FILE};
		struct vet_passed p;
		const char *why;

		assert_int_equal(vet_add(v, &m, &p, &why), 0);
	}
	assert_string_equal(vet_next_top(v, &cursor), "z");
	assert_string_equal(vet_next_top(v, &cursor), "a");
	assert_string_equal(vet_next_top(v, &cursor), "m");
	assert_null(vet_next_top(v, &cursor));
	vet_free(v);
	failalloc_check(&f);
}

static int
starve(const struct mem *mem, void *arg)
{
	char name[32];
	struct vet *v;
	int rc = vet_new(&v, mem, false);

	(void)arg;
	for (int i = 0; rc == 0 && i < 200; i++) {
		struct vet_member m = {.name = name, .kind = VET_FILE};
		struct vet_passed p;
		const char *why;

		snprintf(name, sizeof(name), "d%d/e/f%d", i / 10, i);
		rc = vet_add(v, &m, &p, &why);
		if (rc < 0)
			vet_free(v);
	}
	if (rc == 0)
		vet_free(v);
	return rc;
}

TEST(no_memory_is_told_and_nothing_is_lost)
{
	assert_true(failalloc_each(starve, NULL) > 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_come_out_clean),
	    cmocka_unit_test(names_that_leave_the_destination_are_refused),
	    cmocka_unit_test(overlong_and_deep_names_are_refused),
	    cmocka_unit_test(only_plain_kinds_without_set_id_bits_pass),
	    cmocka_unit_test(nothing_goes_through_a_link_or_a_file),
	    cmocka_unit_test(a_name_comes_once_unless_it_is_a_directory),
	    cmocka_unit_test(hard_links_name_an_earlier_file),
	    cmocka_unit_test(symbolic_links_stay_inside),
	    cmocka_unit_test(a_chain_of_links_that_leads_out_is_found),
	    cmocka_unit_test(outside_links_may_lead_anywhere_when_allowed),
	    cmocka_unit_test(
		top_level_names_come_in_order_also_the_implied_ones),
	    cmocka_unit_test(no_memory_is_told_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
