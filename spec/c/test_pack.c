#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/buf.h"
#include "io/extract.h"
#include "io/heap.h"
#include "io/pack.h"
#include "scratch.h"
#include "unit.h"

struct packed {
	struct buf bytes;
	char warned[1000]; /* "path: what\n" of each warning */
	size_t fail_after; /* bytes after which writing fails; 0: never */
};

static int
take(void *ctx, struct span bytes, struct ioerr *e)
{
	struct packed *p = ctx;

	if (p->fail_after != 0 && p->bytes.n + bytes.n > p->fail_after)
		return ioerr_write(e, "out", "write", 28 /* ENOSPC */);
	return buf_put_span(&p->bytes, bytes);
}

static void
warned(void *ctx, const char *path, const char *what)
{
	struct packed *p = ctx;
	size_t n = strlen(p->warned);

	snprintf(p->warned + n, sizeof(p->warned) - n, "%s: %s\n", path, what);
}

static int
pack_with(
    struct packed *p, const char *dir, struct pack_options o, struct ioerr *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	assert_true(fd != -1);
	o.write = take;
	o.warn = warned;
	o.ctx = p;
	p->warned[0] = '\0';
	buf_init(&p->bytes, &heap, 64 << 20);
	*e = IOERR_NONE;
	rc = pack_directory(fd, dir, &o, e);
	close(fd);
	return rc;
}

/* Packs dir into the file `name`. */
static void
pack(const char *dir, const char *name)
{
	struct packed p = {.fail_after = 0};
	struct ioerr e;

	if (pack_with(&p, dir, (struct pack_options){.level = 1}, &e) != 0)
		fail_msg("%s: %s", e.path, e.what);
	assert_string_equal(p.warned, "");
	scratch_write(name, p.bytes.p, p.bytes.n);
	buf_free(&p.bytes);
}

static void
refused(const char *dir, enum status status, const char *what)
{
	struct packed p = {.fail_after = 0};
	struct ioerr e;
	char line[2048];

	assert_true(
	    pack_with(&p, dir, (struct pack_options){.level = 1}, &e) < 0);
	buf_free(&p.bytes);
	ioerr_line(&e, line, sizeof(line));
	if (strstr(line, what) == NULL)
		fail_msg("'%s' does not say '%s'", line, what);
	assert_int_equal(e.status, status);
}

static void
make_tree(const char *dir)
{
	char path[100];

	scratch_mkdir(dir, 0755);
	for (unsigned i = 0; i < 30; i++) {
		snprintf(path, sizeof(path), "%s/%u", dir, i * 7919 % 100);
		scratch_mkdir(path, i % 3 == 0 ? 0700 : 0755);
		snprintf(
		    path, sizeof(path), "%s/%u/f%u", dir, i * 7919 % 100, i);
		scratch_noise(path, i * 1000, i);
		assert_int_equal(chmod(path, i % 2 == 0 ? 0644 : 0755), 0);
	}
}

TEST(the_same_tree_gives_the_same_bytes)
{
	make_tree("src");
	scratch_shell(
	    "ln src/0/f0 src/zz; ln src/0/f0 src/aa; ln -s 0/f0 src/l;"
	    "cp -a src copy;"
	    /* made in another order, with other inodes */
	    "mkdir other; (cd src; ls -r) | while read f; do "
	    "tar -C src -cf - $f; done | tar -C other -xpf - -i;"
	    "cd src; ls -r | xargs -I% rm -r ../other/%; "
	    "tar -cf - $(ls -r) | tar -C ../other -xpf -");
	pack("src", "1.tgz");
	sleep(1); /* so that clocks in the archive would show */
	pack("src", "2.tgz");
	pack("copy", "3.tgz");
	pack("other", "4.tgz");
	scratch_shell("cmp 1.tgz 2.tgz && cmp 1.tgz 3.tgz && cmp 1.tgz 4.tgz");
}

TEST(tar_reads_it_as_relative_members_and_gets_the_same_tree)
{
	struct ioerr e = IOERR_NONE;

	make_tree("src");
	scratch_shell("ln src/0/f0 src/zz; ln -s 0/f0 src/l; mkdir src/empty; "
		      "touch -d '1970-01-01Z' src/old; touch -d '2200-01-01' "
		      "src/new; : > src/none; "
		      "truncate -s 1M src/hole");
	pack("src", "x.tgz");
	scratch_shell("tar -tzf x.tgz | grep -qvx '\\./.*' && exit 1; "
		      "mkdir t && tar -C t -xpzf x.tgz && diff -r src t && "
		      "[ t/0/f0 -ef t/zz ] && [ $(readlink t/l) = 0/f0 ]");
	assert_int_equal(extract_archive("x.tgz", "u", NULL, NULL, &e), 0);
	/* modes, whole-second times, types, targets: all the same */
	scratch_shell("for d in src t u; do (cd $d; find . -mindepth 1 -printf "
		      "'%p %y %m %n %l %Ts\\n' | sort) > $d.list; done; "
		      "cmp src.list t.list && cmp src.list u.list");
}

TEST(git_files_are_left_out_at_any_depth)
{
	scratch_shell(
	    "mkdir -p src/.git/x src/a/.git src/a/.github src/a/x.git;"
	    "touch src/.gitignore src/a/.gitmodules src/a/.gi "
	    "src/a/.git/y src/a/x.git/z src/.git/x/y src/a/git");
	pack("src", "x.tgz");
	scratch_shell("tar -tzf x.tgz > list; printf '%s\\n' ./a/ ./a/.gi "
		      "./a/git ./a/x.git/ ./a/x.git/z | cmp - list");
}

TEST(any_name_comes_through)
{
	scratch_shell(
	    "mkdir src; cd src; n=$(printf 'x%.0s' $(seq 255)); touch \"$n\";"
	    "mkdir -p $(printf 'd%.0s/' $(seq 200)); "
	    "a=$(printf 'y%.0s' $(seq 99)); mkdir -p $a/$a/$a; touch "
	    "$a/$a/$a/f;"
	    "ln -s $a/$a/$a/f long; ln $a/$a/$a/f hard;"
	    "touch -- \"$(printf 'new\\nline')\" ' lead' 'trail ' '-rf' '*' "
	    "\"$(printf '\\303\\274')\" \"$(printf '\\377\\376')\" 'b\\s' "
	    "'\"'");
	pack("src", "x.tgz");
	scratch_shell("mkdir t; tar -C t -xzf x.tgz; "
		      "diff -r --no-dereference src t");
	scratch_shell("[ $(find src | wc -l) -gt 200 ]");
}

TEST(sockets_and_fifos_are_left_out_with_a_warning)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "src/s"};
	struct packed p = {.fail_after = 0};
	struct ioerr e;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	scratch_mkdir("src", 0755);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	assert_int_equal(mkfifo("src/d", 0600), 0);
	scratch_text("src/f", "f");
	assert_int_equal(pack_with(&p, "src", (struct pack_options){0}, &e), 0);
	assert_string_equal(p.warned,
	    "d: left out: a socket, FIFO or device\n"
	    "s: left out: a socket, FIFO or device\n");
	scratch_write("x.tgz", p.bytes.p, p.bytes.n);
	buf_free(&p.bytes);
	scratch_shell("[ \"$(tar -tzf x.tgz)\" = ./f ]");
}

TEST(set_id_bits_are_not_packed)
{
	struct packed p = {.fail_after = 0};
	struct ioerr e = IOERR_NONE;
	struct stat st;

	scratch_mkdir("src", 0755);
	scratch_mkdir("src/d", 02775);
	scratch_text("src/f", "f");
	assert_int_equal(chmod("src/f", 06755), 0);
	assert_int_equal(pack_with(&p, "src", (struct pack_options){0}, &e), 0);
	assert_string_equal(p.warned, "f: packed without its set-id bits\n");
	scratch_write("x.tgz", p.bytes.p, p.bytes.n);
	buf_free(&p.bytes);
	assert_int_equal(extract_archive("x.tgz", "t", NULL, NULL, &e), 0);
	assert_int_equal(stat("t/f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat("t/d", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0775);
}

TEST(what_extraction_would_refuse_is_refused_here)
{
	struct packed p = {.fail_after = 0};
	struct ioerr e;

	scratch_shell("mkdir -p a/d b/d c; ln -s /etc a/d/l; "
		      "ln -s .. b/d/up; ln -s d/up/../x b/l");
	refused("a", STATUS_INPUT, "a/d/l: is a symbolic link out of");
	refused("b", STATUS_INPUT, "b/l: is a symbolic link out of");
	assert_int_equal(pack_with(&p, "a",
			     (struct pack_options){.outside_links = true}, &e),
	    0);
	buf_free(&p.bytes);
	scratch_shell("cd c; for i in $(seq 260); do mkdir x && cd x; done");
	refused("c", STATUS_INPUT, "too long or too deeply nested");
	scratch_shell("rm -r c"); /* too deep for us */
}

TEST(an_unreadable_file_is_named)
{
	if (geteuid() == 0) {
		/* root reads everything: give root away, in a child */
		scratch_shell("mkdir src; echo x > src/f; chmod 0 src/f; "
			      "chmod 755 . src");
	} else {
		scratch_shell("mkdir src; echo x > src/f; chmod 0 src/f");
	}
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	refused(
	    "src", STATUS_NO_INPUT, "src/f: cannot open: Permission denied");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

/* A writer that is called back while a file is being read, and changes it. */
struct meddler {
	struct packed packed;
	const char *command;
};

static int
meddle(void *ctx, struct span bytes, struct ioerr *e)
{
	struct meddler *m = ctx;

	(void)bytes;
	(void)e;
	if (m->command != NULL)
		scratch_shell(m->command);
	m->command = NULL;
	return 0;
}

TEST(a_file_that_changes_while_it_is_read_is_an_error)
{
	static const char *const commands[] = {"truncate -s 1M src/f",
	    "truncate -s +1 src/f",
	    ("printf x | dd of=src/f bs=1 seek=9000000 "
	     "conv=notrunc status=none")};
	char line[2048];

	scratch_mkdir("src", 0755);
	for (size_t i = 0; i < N_OF(commands); i++) {
		struct meddler m = {.command = commands[i]};
		const struct pack_options o = {
		    .level = 1, .write = meddle, .ctx = &m};
		struct ioerr e = IOERR_NONE;
		int fd = open("src", O_RDONLY | O_DIRECTORY);

		scratch_noise("src/f", 10 << 20, 1);
		assert_true(pack_directory(fd, "src", &o, &e) < 0);
		close(fd);
		assert_int_equal(e.status, STATUS_NO_INPUT);
		ioerr_line(&e, line, sizeof(line));
		assert_string_equal(line,
		    "src/f: changed while it was packed: try again when "
		    "nobody writes there");
	}
}

TEST(a_failing_writer_ends_the_packing_with_its_own_error)
{
	struct packed p = {.fail_after = 300000};
	struct ioerr e;

	scratch_mkdir("src", 0755);
	scratch_noise("src/f", 3 << 20, 1);
	assert_true(pack_with(&p, "src", (struct pack_options){0}, &e) < 0);
	assert_int_equal(e.status, STATUS_DISK);
	assert_string_equal(e.path, "out");
	assert_true(p.bytes.n <= 300000);
	buf_free(&p.bytes);
}

TEST(an_empty_directory_is_an_empty_archive)
{
	struct ioerr e = IOERR_NONE;

	scratch_mkdir("src", 0755);
	pack("src", "x.tgz");
	scratch_shell("[ -z \"$(tar -tzf x.tgz)\" ]");
	assert_int_equal(extract_archive("x.tgz", "t", NULL, NULL, &e), 0);
	assert_int_equal(scratch_count("t"), 0);
}

#define WITH_FILES(test)                                                       \
	cmocka_unit_test_setup_teardown(test, scratch_begin, scratch_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_FILES(the_same_tree_gives_the_same_bytes),
	    WITH_FILES(tar_reads_it_as_relative_members_and_gets_the_same_tree),
	    WITH_FILES(git_files_are_left_out_at_any_depth),
	    WITH_FILES(any_name_comes_through),
	    WITH_FILES(sockets_and_fifos_are_left_out_with_a_warning),
	    WITH_FILES(set_id_bits_are_not_packed),
	    WITH_FILES(what_extraction_would_refuse_is_refused_here),
	    WITH_FILES(an_unreadable_file_is_named),
	    WITH_FILES(a_file_that_changes_while_it_is_read_is_an_error),
	    WITH_FILES(a_failing_writer_ends_the_packing_with_its_own_error),
	    WITH_FILES(an_empty_directory_is_an_empty_archive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
