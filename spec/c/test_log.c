/* Log lines, on stderr and in files. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/log.h"

static char dir[] = "/tmp/test_log.XXXXXX";
static char path[100];

/* Logs the four levels; gives what came on stderr. */
static void
log_all(const char *text, char *out, size_t size)
{
	int was = dup(STDERR_FILENO);
	FILE *f = tmpfile();

	(void)dup2(fileno(f), STDERR_FILENO);
	log_error("e %s", text);
	log_warn("w %s", text);
	log_info("i %s", text);
	log_debug("d %s", text);
	(void)dup2(was, STDERR_FILENO);
	(void)close(was);
	rewind(f);
	out[fread(out, 1, size - 1, f)] = '\0';
	(void)fclose(f);
}

static void
read_file(char *out, size_t size)
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	out[fread(out, 1, size - 1, f)] = '\0';
	(void)fclose(f);
}

TEST(stderr_gets_the_name_and_the_text_and_details_only_when_verbose)
{
	char out[500];

	log_all("x", out, sizeof(out));
	assert_string_equal(out, "prog: e x\nprog: w x\nprog: i x\n");
	log_verbose(true);
	log_all("x", out, sizeof(out));
	assert_string_equal(
	    out, "prog: e x\nprog: w x\nprog: i x\nprog: d x\n");
	log_verbose(false);
}

TEST(control_characters_cannot_forge_a_line)
{
	static const char first[] =
	    "prog: e a\\x0aprog: forged\\x1b[2J\\x7f\xc3\xa4\n";
	char out[500];

	log_all("a\nprog: forged\x1b[2J\x7f\xc3\xa4", out, sizeof(out));
	assert_memory_equal(out, first, sizeof(first) - 1);
}

TEST(long_texts_are_cut_to_one_line)
{
	static char text[5000], out[9000];

	memset(text, '\n', sizeof(text) - 1);
	log_all(text, out, sizeof(out));
	assert_true(strlen(out) < 3 * 1100);
	assert_int_equal(out[strlen(out) - 1], '\n');
	assert_ptr_equal(strstr(out, "\nprog: w"), strchr(out, '\n'));
}

TEST(files_are_appended_to_with_time_pid_and_level)
{
	char out[500], file[1000], level[3][10] = {"", "", ""};
	int pid[3] = {0, 0, 0}, n = 0;

	assert_int_equal(log_open("/nonexistent/log"), ENOENT);
	assert_int_equal(log_fd(), -1);
	assert_int_equal(log_open(path), 0);
	log_all("x", out, sizeof(out));
	assert_string_equal(out, "prog: e x\nprog: w x\nprog: i x\n");
	read_file(file, sizeof(file));
	(void)sscanf(file,
	    "%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ prog[%d] %9[a-z]: e x\n"
	    "%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ prog[%d] %9[a-z]: w x\n"
	    "%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ prog[%d] %9[a-z]: i x\n%n",
	    &pid[0], level[0], &pid[1], level[1], &pid[2], level[2], &n);
	assert_true(n > 0);
	assert_int_equal(n, strlen(file));
	assert_int_equal(pid[0], getpid());
	assert_string_equal(level[0], "error");
	assert_string_equal(level[1], "warning");
	assert_string_equal(level[2], "info");
	assert_int_equal(log_open(path), 0);
	log_all("x", out, sizeof(out));
	read_file(file, sizeof(file));
	assert_int_equal(strlen(file), 2 * n);
}

TEST(a_fifo_that_nobody_reads_is_refused_not_waited_for)
{
	char fifo[120];

	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(log_open(fifo), ENXIO);
	assert_int_equal(unlink(fifo), 0);
}

TEST(stderr_can_be_left)
{
	char out[500];

	log_leave_stderr();
	log_all("x", out, sizeof(out));
	assert_string_equal(out, "");
}

static int
make_dir(void **state)
{
	(void)state;
	log_program("prog");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		stderr_gets_the_name_and_the_text_and_details_only_when_verbose),
	    cmocka_unit_test(control_characters_cannot_forge_a_line),
	    cmocka_unit_test(long_texts_are_cut_to_one_line),
	    cmocka_unit_test(files_are_appended_to_with_time_pid_and_level),
	    cmocka_unit_test(
		a_fifo_that_nobody_reads_is_refused_not_waited_for),
	    cmocka_unit_test(stderr_can_be_left), /* the last: it is for good */
	};

	return cmocka_run_group_tests_name("log", tests, make_dir, remove_dir);
}
