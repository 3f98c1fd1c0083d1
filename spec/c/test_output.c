#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <fcntl.h>
#include <unistd.h>

#include "io/heap.h"
#include "io/input.h"
#include "io/output.h"
#include "scratch.h"
#include "unit.h"

static struct span
text(const char *s)
{
	return span_str(s);
}

TEST(a_file_appears_complete_and_with_its_mode_at_the_commit_alone)
{
	struct ioerr e = IOERR_NONE;
	struct output *o;
	struct stat st;
	char *bytes;

	assert_int_equal(output_new(&o, "f", 0666, &e), 0);
	assert_string_equal(output_path(o), "f");
	assert_int_equal(output_write(o, text("hello "), &e), 0);
	assert_int_equal(output_write(o, text("world"), &e), 0);
	assert_false(scratch_exists("f"));
	assert_int_equal(scratch_count("."), 1);
	assert_int_equal(fstat(output_fd(o), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(output_commit(o, &e), 0);
	assert_int_equal(scratch_count("."), 1);
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	bytes = scratch_read("f", NULL);
	assert_string_equal(bytes, "hello world");
	free(bytes);
}

TEST(a_discarded_file_leaves_what_was_there)
{
	struct ioerr e = IOERR_NONE;
	struct output *o;
	char *bytes;

	scratch_text("f", "old");
	assert_int_equal(output_new(&o, "./f", 0666, &e), 0);
	assert_int_equal(output_write(o, text("new"), &e), 0);
	output_discard(o);
	output_discard(NULL);
	assert_int_equal(scratch_count("."), 1);
	bytes = scratch_read("f", NULL);
	assert_string_equal(bytes, "old");
	free(bytes);
}

static void
refused(const char *path, enum status status, const char *what)
{
	struct ioerr e = IOERR_NONE;
	struct output *o;
	char line[2048];

	assert_true(output_new(&o, path, 0666, &e) < 0);
	assert_int_equal(e.status, status);
	ioerr_line(&e, line, sizeof(line));
	assert_non_null(strstr(line, what));
	assert_non_null(strstr(line, path));
}

TEST(links_directories_and_odd_files_at_the_name_are_refused)
{
	scratch_mkdir("d", 0755);
	scratch_text("victim", "precious");
	assert_int_equal(symlink("victim", "link"), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	refused("link", STATUS_DISK, "it is a symbolic link");
	refused("dangling", STATUS_DISK, "it is a symbolic link");
	refused("d", STATUS_DISK, "it is a directory");
	refused("fifo", STATUS_DISK, "not a regular file");
	refused("d/", STATUS_DISK, "is not a file name");
	refused("d/..", STATUS_DISK, "is not a file name");
	assert_int_equal(scratch_count("."), 5);
}

TEST(a_link_planted_while_we_work_is_not_followed)
{
	struct ioerr e = IOERR_NONE;
	struct output *o;
	char *bytes;

	scratch_text("victim", "precious");
	assert_int_equal(output_new(&o, "f", 0666, &e), 0);
	assert_int_equal(output_write(o, text("new"), &e), 0);
	assert_int_equal(symlink("victim", "f"), 0);
	assert_true(output_commit(o, &e) < 0);
	assert_int_equal(e.status, STATUS_DISK);
	bytes = scratch_read("victim", NULL);
	assert_string_equal(bytes, "precious");
	free(bytes);
	assert_int_equal(scratch_count("."), 2);
}

TEST(a_directory_swapped_while_we_work_does_not_lead_us_elsewhere)
{
	struct ioerr e = IOERR_NONE;
	struct output *o;

	scratch_mkdir("d", 0755);
	scratch_mkdir("other", 0755);
	assert_int_equal(output_new(&o, "d/f", 0666, &e), 0);
	assert_int_equal(rename("d", "moved"), 0);
	assert_int_equal(symlink("other", "d"), 0);
	assert_int_equal(output_commit(o, &e), 0);
	assert_true(scratch_exists("moved/f"));
	assert_int_equal(scratch_count("other"), 0);
}

TEST(a_missing_directory_is_named)
{
	struct ioerr e = IOERR_NONE;
	struct output *o;
	char line[2048];

	assert_true(output_new(&o, "no/such/f", 0666, &e) < 0);
	assert_int_equal(e.status, STATUS_DISK);
	assert_int_equal(e.sys, ENOENT);
	ioerr_line(&e, line, sizeof(line));
	assert_string_equal(line,
	    "no/such: cannot open the directory: No such file or "
	    "directory: check the path");
}

/* In a child: the limit on file sizes stays there. */
static int
write_beyond_the_limit(void)
{
	const struct rlimit limit = {1000, 1000};
	struct ioerr e = IOERR_NONE;
	struct output *o;
	char line[2048];
	static char bytes[2000];

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
	    output_new(&o, "f", 0666, &e) != 0 ||
	    output_write(o, (struct span){(uint8_t *)bytes, 2000}, &e) >= 0)
		return 100;
	output_discard(o);
	ioerr_line(&e, line, sizeof(line));
	return strstr(line, "f: cannot write: File too large: ") == line
		   ? (int)e.status
		   : 101;
}

TEST(a_write_that_fails_is_told_and_leaves_nothing)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(write_beyond_the_limit());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), STATUS_DISK);
	assert_int_equal(scratch_count("."), 0);
}

TEST(abandoning_removes_every_open_output_and_no_other_file)
{
	struct ioerr e = IOERR_NONE;
	struct output *o[OUTPUT_MAX + 1];
	char name[16];

	for (unsigned i = 0; i < OUTPUT_MAX; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		assert_int_equal(output_new(&o[i], name, 0666, &e), 0);
	}
	assert_true(output_new(&o[OUTPUT_MAX], "more", 0666, &e) < 0);
	assert_int_equal(scratch_count("."), OUTPUT_MAX);
	assert_int_equal(output_commit(o[0], &(struct ioerr){0}), 0);
	output_abandon_all();
	assert_int_equal(scratch_count("."), 1);
	assert_true(scratch_exists("f0"));
	for (unsigned i = 1; i < OUTPUT_MAX; i++)
		output_discard(o[i]);
}

TEST(an_output_knows_whether_it_lies_below_a_directory)
{
	struct ioerr e = IOERR_NONE;
	struct output *in, *out, *twin;
	int fd;

	scratch_mkdir("d", 0755);
	scratch_mkdir("d/e", 0755);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	assert_int_equal(output_new(&in, "d/e/f", 0666, &e), 0);
	assert_int_equal(output_new(&out, "f", 0666, &e), 0);
	assert_int_equal(output_new(&twin, "d/../f", 0666, &e), 0);
	assert_true(output_is_below(in, fd));
	assert_false(output_is_below(out, fd));
	assert_false(output_same(in, out));
	assert_true(output_same(out, twin));
	output_discard(in);
	output_discard(out);
	output_discard(twin);
	close(fd);
}

TEST(a_copy_has_the_same_bytes)
{
	struct ioerr e = IOERR_NONE;
	struct output *o;
	char *a, *b;
	size_t n, m;
	int fd;

	scratch_noise("f", 3000001, 7);
	fd = open("f", O_RDONLY);
	assert_int_equal(output_new(&o, "g", 0666, &e), 0);
	assert_int_equal(output_copy(o, fd, 3000001, "f", &e), 0);
	assert_int_equal(output_commit(o, &e), 0);
	close(fd);
	a = scratch_read("f", &n);
	b = scratch_read("g", &m);
	assert_int_equal(n, m);
	assert_memory_equal(a, b, n);
	free(a);
	free(b);
}

TEST(inputs_are_regular_files_also_through_a_link)
{
	struct ioerr e = IOERR_NONE;
	struct stat st;
	int fd;

	scratch_text("f", "abc");
	assert_int_equal(symlink("f", "link"), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(input_open(&fd, &st, "link", &e), 0);
	assert_int_equal(st.st_size, 3);
	close(fd);
	for (size_t i = 0; i < 4; i++) {
		const char *bad[] = {"fifo", ".", "none", "/dev/null"};

		e = IOERR_NONE;
		assert_true(input_open(&fd, &st, bad[i], &e) < 0);
		assert_int_equal(e.status, STATUS_NO_INPUT);
		assert_string_equal(e.path, bad[i]);
	}
	e = IOERR_NONE;
	assert_int_equal(input_open_any(&fd, &st, ".", &e), 0);
	assert_true(S_ISDIR(st.st_mode));
	close(fd);
}

TEST(slurping_stops_at_the_buffers_maximum)
{
	struct ioerr e = IOERR_NONE;
	struct buf b;

	scratch_noise("f", 100000, 3);
	buf_init(&b, &heap, 100000);
	assert_int_equal(input_slurp(&b, "f", &e), 0);
	assert_int_equal(b.n, 100000);
	buf_free(&b);
	buf_init(&b, &heap, 99999);
	assert_int_equal(input_slurp(&b, "f", &e), ERR_LIMIT);
	assert_int_equal(e.status, STATUS_INPUT);
	buf_free(&b);
}

TEST(the_first_failure_is_kept_and_stays_one_line)
{
	struct ioerr e = IOERR_NONE;
	char line[2048], cut[10];

	ioerr_write(&e, "a\nb", "write", ENOSPC);
	ioerr_read(&e, "other", "read", EIO);
	ioerr_core(&e, "other", ERR_NOMEM);
	assert_int_equal(e.status, STATUS_DISK);
	ioerr_line(&e, line, sizeof(line));
	assert_string_equal(line,
	    "a\\012b: cannot write: No space left on device: free some "
	    "space or choose another directory");
	ioerr_line(&e, cut, sizeof(cut));
	assert_string_equal(cut, "a\\012b: c");
	e = IOERR_NONE;
	ioerr_core(&e, "x.torrent", ERR_TRUNCATED);
	assert_int_equal(e.status, STATUS_INPUT);
	e = IOERR_NONE;
	ioerr_read(&e, "x", "read", ENOMEM);
	assert_int_equal(e.status, STATUS_FAILED);
	assert_int_equal(e.code, ERR_NOMEM);
}

#define WITH_FILES(test)                                                       \
	cmocka_unit_test_setup_teardown(test, scratch_begin, scratch_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_FILES(
		a_file_appears_complete_and_with_its_mode_at_the_commit_alone),
	    WITH_FILES(a_discarded_file_leaves_what_was_there),
	    WITH_FILES(links_directories_and_odd_files_at_the_name_are_refused),
	    WITH_FILES(a_link_planted_while_we_work_is_not_followed),
	    WITH_FILES(
		a_directory_swapped_while_we_work_does_not_lead_us_elsewhere),
	    WITH_FILES(a_missing_directory_is_named),
	    WITH_FILES(a_write_that_fails_is_told_and_leaves_nothing),
	    WITH_FILES(abandoning_removes_every_open_output_and_no_other_file),
	    WITH_FILES(an_output_knows_whether_it_lies_below_a_directory),
	    WITH_FILES(a_copy_has_the_same_bytes),
	    WITH_FILES(inputs_are_regular_files_also_through_a_link),
	    WITH_FILES(slurping_stops_at_the_buffers_maximum),
	    WITH_FILES(the_first_failure_is_kept_and_stays_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
