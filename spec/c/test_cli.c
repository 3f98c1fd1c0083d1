/* Command lines read from a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/cli.h"
#include "io/status.h"

enum { PEER, STOP };

static struct {
	bool daemon;
	const char *tag;
	int64_t port, size;
	struct cli_list bind;
	struct cli_host_port tracker;
	struct cli_host_ports trackers;
} opt;

static const struct cli_option options[] = {
    {.name = "daemon",
	.kind = CLI_FLAG,
	.help = "Detach.",
	.commands = 1u << PEER,
	.to.flag = &opt.daemon},
    {.name = "tag",
	.kind = CLI_STRING,
	.value = "TAG",
	.help = "Names it.",
	.to.string = &opt.tag},
    {.name = "port",
	.kind = CLI_INT,
	.value = "N",
	.help = "Port.",
	.min = 1,
	.max = 65535,
	.to.integer = &opt.port},
    {.name = "size",
	.kind = CLI_SIZE,
	.value = "BYTES",
	.help = "Size.",
	.min = 16384,
	.max = 1 << 24,
	.to.integer = &opt.size},
    {.name = "bind",
	.kind = CLI_LIST,
	.value = "ADDRESS",
	.help = "Address.",
	.to.list = &opt.bind},
    {.name = "tracker",
	.kind = CLI_HOST_PORT,
	.value = "HOST:PORT",
	.help = "Tracker.",
	.to.host_port = &opt.tracker},
    {.name = "more",
	.kind = CLI_HOST_PORTS,
	.value = "HOST:PORT",
	.help = "More trackers.",
	.to.host_ports = &opt.trackers},
};

static const struct cli_command commands[] = {
    {.name = "peer",
	.id = PEER,
	.operands = "X.torrent OUT [LOCAL_IP]",
	.help = "Download."},
    {.name = "get", .id = PEER, .operands = "X.torrent OUT [LOCAL_IP]"},
    {.name = "stop", .id = STOP, .operands = "", .help = "Stop."},
};

static const struct cli table = {
    .program = "murder_test",
    .summary = "Tests the table.",
    .commands = commands,
    .n_commands = sizeof(commands) / sizeof(commands[0]),
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
};

static char out_text[4096], err_text[4096];
static char words_text[2000];
static char *words[100];

static void
read_back(FILE *f, char *text, size_t size)
{
	size_t n;

	(void)fflush(NULL);
	rewind(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
}

/* Parses a line split at spaces ("''" is an empty word), keeping what it
 * printed in out_text and err_text. */
static bool
parse(const char *line, struct cli_args *a, int *status)
{
	int argc = 0;
	int was1 = dup(STDOUT_FILENO), was2 = dup(STDERR_FILENO);
	FILE *f1 = tmpfile(), *f2 = tmpfile();
	bool ok;

	memset(&opt, 0, sizeof(opt));
	(void)snprintf(words_text, sizeof(words_text), "prog %s", line);
	for (char *p = strtok(words_text, " "); p; p = strtok(NULL, " "))
		words[argc++] = strcmp(p, "''") == 0 ? p + 2 : p;
	words[argc] = NULL;
	(void)fflush(NULL);
	(void)dup2(fileno(f1), STDOUT_FILENO);
	(void)dup2(fileno(f2), STDERR_FILENO);
	ok = cli_parse(&table, argc, words, a, status);
	read_back(f1, out_text, sizeof(out_text));
	read_back(f2, err_text, sizeof(err_text));
	(void)dup2(was1, STDOUT_FILENO);
	(void)dup2(was2, STDERR_FILENO);
	(void)close(was1);
	(void)close(was2);
	(void)fclose(f1);
	(void)fclose(f2);
	return ok;
}

static void
options_stand_before_between_and_after_operands(void **state)
{
	static const char *const lines[] = {
	    "--tag v1 --daemon peer a.torrent out",
	    "peer --tag=v1 a.torrent --daemon out",
	    "get a.torrent out --daemon --tag v1",
	    "peer --daemon --tag v2 --tag v1 -- a.torrent out",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct cli_args a;
		int st;

		assert_true(parse(lines[i], &a, &st));
		assert_int_equal(a.command, PEER);
		assert_int_equal(a.n_operands, 2);
		assert_string_equal(a.operand[0], "a.torrent");
		assert_string_equal(a.operand[1], "out");
		assert_string_equal(opt.tag, "v1");
		assert_true(opt.daemon);
	}
}

static void
after_two_dashes_nothing_is_an_option(void **state)
{
	struct cli_args a;
	int st;

	(void)state;
	assert_true(parse("peer -- --tag - --help", &a, &st));
	assert_int_equal(a.n_operands, 3);
	assert_string_equal(a.operand[0], "--tag");
	assert_string_equal(a.operand[1], "-");
	assert_string_equal(a.operand[2], "--help");
	assert_null(opt.tag);
}

static void
values_are_read_by_their_kind(void **state)
{
	struct cli_args a;
	int st;

	(void)state;
	assert_true(parse("stop --port 65535 --size 256K --bind ::1 "
			  "--bind=10.0.0.1 --tracker [::1]:8998 "
			  "--more a:1 --more b.example:65535",
	    &a, &st));
	assert_int_equal(a.command, STOP);
	assert_int_equal(opt.port, 65535);
	assert_int_equal(opt.size, 262144);
	assert_int_equal(opt.bind.n, 2);
	assert_string_equal(opt.bind.v[1], "10.0.0.1");
	assert_string_equal(opt.tracker.host, "::1");
	assert_int_equal(opt.tracker.port, 8998);
	assert_int_equal(opt.trackers.n, 2);
	assert_string_equal(opt.trackers.v[1].host, "b.example");
	assert_int_equal(opt.trackers.v[1].port, 65535);
}

static void
mistakes_get_one_line_that_names_them_and_status_2(void **state)
{
	static const struct {
		const char *line, *says;
	} bad[] = {
	    {"", "what to do is missing"},
	    {"dance", "unknown command 'dance'"},
	    {"peer", "peer: X.torrent is missing"},
	    {"peer a", "peer: OUT is missing"},
	    {"peer a b c d", "'d' is one word too many"},
	    {"peer a ''", "a name is empty"},
	    {"stop --nope", "unknown option '--nope'"},
	    {"stop -t", "unknown option '-t'"},
	    {"stop --tag", "--tag wants a value: TAG"},
	    {"stop --tag=", "--tag: its TAG is empty"},
	    {"stop --daemon", "--daemon does not go with the command stop"},
	    {"peer a b --daemon=yes", "--daemon takes no value"},
	    {"stop --port 0", "--port: '0' is not a number from 1 to 65535"},
	    {"stop --port -1", "'-1' is not a number"},
	    {"stop --port 1x", "'1x' is not a number"},
	    {"stop --port 99999999999999999999", "is not a number"},
	    {"stop --size 1K", "'1K' is not a number from 16384"},
	    {"stop --size 9999999999G", "is not a number"},
	    {"stop --size K", "'K' is not a number"},
	    {"stop --tracker host", "'host' is not HOST:PORT"},
	    {"stop --tracker ::1:80", "'::1:80' is not HOST:PORT"},
	    {"stop --tracker [1.2.3.4:80]:8998",
		"'[1.2.3.4:80]:8998' is not HOST:PORT"},
	    {"stop --tracker [h]:80", "'[h]:80' is not HOST:PORT"},
	    {"stop --tracker h:0", "'h:0' is not HOST:PORT"},
	    {"stop --more a/b:1", "'a/b:1' is not HOST:PORT"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cli_args a;
		int st = 0;

		assert_false(parse(bad[i].line, &a, &st));
		assert_int_equal(st, STATUS_USAGE);
		assert_non_null(strstr(err_text, bad[i].says));
		assert_ptr_equal(
		    strchr(err_text, '\n') + 1, err_text + strlen(err_text));
		assert_string_equal(out_text, "");
	}
}

static void
repeatable_options_have_a_limit(void **state)
{
	char line[1000] = "stop";
	struct cli_args a;
	int st;

	(void)state;
	for (unsigned i = 0; i < CLI_LIST_MAX; i++)
		strcat(line, " --bind x --more h:1");
	assert_true(parse(line, &a, &st));
	assert_int_equal(opt.bind.n, CLI_LIST_MAX);
	strcat(line, " --bind x");
	assert_false(parse(line, &a, &st));
	assert_int_equal(st, STATUS_USAGE);
}

static void
help_names_every_command_and_option_within_80_columns(void **state)
{
	struct cli_args a;
	int st = -1;

	(void)state;
	assert_false(parse("peer --help --nope", &a, &st));
	assert_int_equal(st, STATUS_OK);
	for (size_t i = 0; i < table.n_options; i++)
		assert_non_null(strstr(out_text, options[i].name));
	assert_non_null(strstr(out_text, "murder_test peer X.torrent OUT"));
	assert_non_null(strstr(out_text, "Detach. (with peer)"));
	assert_null(strstr(out_text, "get"));
	for (char *p = strtok(out_text, "\n"); p; p = strtok(NULL, "\n"))
		assert_true(strlen(p) <= 80);
	assert_string_equal(err_text, "");
}

static void
version_is_one_line(void **state)
{
	struct cli_args a;
	int st = -1;

	(void)state;
	assert_false(parse("--version", &a, &st));
	assert_int_equal(st, STATUS_OK);
	assert_string_equal(out_text, "murder_test " MURDER_VERSION "\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_stand_before_between_and_after_operands),
	    cmocka_unit_test(after_two_dashes_nothing_is_an_option),
	    cmocka_unit_test(values_are_read_by_their_kind),
	    cmocka_unit_test(
		mistakes_get_one_line_that_names_them_and_status_2),
	    cmocka_unit_test(repeatable_options_have_a_limit),
	    cmocka_unit_test(
		help_names_every_command_and_option_within_80_columns),
	    cmocka_unit_test(version_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
