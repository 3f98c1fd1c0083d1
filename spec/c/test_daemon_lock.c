/* Pid files and stopping, with real processes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "detached.h"
#include "io/daemon.h"
#include "io/log.h"
#include "io/status.h"

/* Fails if another process is between the same two lines. */
static void
hold_alone(const struct daemon_id *id)
{
	char path[100];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/alone", id->run_dir);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	if (fd == -1)
		_exit(98);
	(void)usleep(1000);
	(void)unlink(path);
	(void)close(fd);
}

/* Takes and gives up the lock many times, holding a second, exclusive file
 * meanwhile: fails if another process is inside too. */
static void
two_never_hold_the_lock_while_it_is_taken_and_given_up(void **state)
{
	struct daemon_id id = id_of("v1");
	pid_t pid[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		if (pid[i] != 0)
			continue;
		(void)alarm(20);
		for (int k = 0; k < 300; k++) {
			struct daemon d;
			pid_t holder;
			int st;

			daemon_init(&d);
			st = daemon_lock(&d, &id, &holder);
			if (st == STATUS_OK)
				hold_alone(&id);
			else if (st != STATUS_BUSY)
				_exit(97);
			daemon_end(&d);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(status_of(pid[i]), 0);
}

static void
busy_names_the_pid_that_holds_the_lock(void **state)
{
	struct daemon_id id = id_of("v1");
	struct daemon d;
	pid_t holder = 0;
	int out;
	pid_t pid = start(serve, &out);

	(void)state;
	assert_int_equal(status_of(pid), STATUS_OK);
	daemon_init(&d);
	assert_int_equal(daemon_lock(&d, &id, &holder), STATUS_BUSY);
	assert_true(holder > 1 && holder != pid);
	assert_int_equal(kill(holder, 0), 0);
	assert_int_equal(daemon_stop(&id, 5), STATUS_OK);
	assert_int_equal(daemon_lock(&d, &id, &holder), STATUS_OK);
	daemon_end(&d);
	(void)close(out);
}

static void
ignore_term(struct daemon *d)
{
	(void)signal(SIGTERM, SIG_IGN);
	serve(d);
}

static void
stop_kills_what_will_not_end(void **state)
{
	struct daemon_id id = id_of("v1");
	int out;

	(void)state;
	assert_int_equal(status_of(start(ignore_term, &out)), STATUS_OK);
	assert_int_equal(daemon_stop(&id, 0), STATUS_OK);
	assert_false(runs("v1"));
	(void)close(out);
}

static void
serve_v10(struct daemon *d)
{
	lock_as(d, "v10");
	if (!daemon_ready(d, STATUS_OK, NULL))
		_exit(1);
	for (;;)
		(void)pause();
}

static void
stop_of_v1_leaves_v10_alone_and_stop_all_takes_both(void **state)
{
	struct daemon_id v1 = id_of("v1");
	struct daemon_id other = {
	    .run_dir = run_dir, .role = "seeder", .tag = ""};
	int out;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(status_of(start(serve, &out)), STATUS_OK);
		(void)close(out);
		if (i == 0) {
			assert_int_equal(
			    status_of(start(serve_v10, &out)), STATUS_OK);
			(void)close(out);
			assert_int_equal(daemon_stop(&v1, 5), STATUS_OK);
			assert_true(runs("v10"));
		}
	}
	assert_int_equal(daemon_stop_all(&other, 5), STATUS_NOT_RUNNING);
	assert_true(runs("v1"));
	assert_int_equal(daemon_stop_all(&v1, 5), STATUS_OK);
	assert_false(runs("v1"));
	assert_false(runs("v10"));
	assert_int_equal(daemon_stop_all(&v1, 5), STATUS_NOT_RUNNING);
}

static void
put_file(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", run_dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static void
stale_file_that_names_a_living_process_means_nothing(void **state)
{
	struct daemon_id id = id_of("v1");
	struct daemon d;
	pid_t holder;
	pid_t bystander = fork();
	char text[20];

	(void)state;
	if (bystander == 0) {
		(void)alarm(20);
		for (;;)
			(void)pause();
	}
	(void)snprintf(text, sizeof(text), "%ld\n", (long)bystander);
	put_file("peer-v1.pid", text);
	assert_int_equal(daemon_stop(&id, 1), STATUS_NOT_RUNNING);
	assert_int_equal(daemon_stop_all(&id, 1), STATUS_NOT_RUNNING);
	assert_false(runs("v1"));
	assert_int_equal(kill(bystander, 0), 0);
	daemon_init(&d);
	assert_int_equal(daemon_lock(&d, &id, &holder), STATUS_OK);
	daemon_end(&d);
	assert_int_equal(kill(bystander, SIGKILL), 0);
	(void)status_of(bystander);
}

static void
planted_links_and_fifos_are_refused_and_untouched(void **state)
{
	struct daemon_id id = id_of("v1");
	struct daemon d;
	pid_t holder;
	char path[100], victim[100], text[20] = "";
	FILE *f;

	(void)state;
	put_file("victim", "precious");
	(void)snprintf(victim, sizeof(victim), "%s/victim", run_dir);
	(void)snprintf(path, sizeof(path), "%s/peer-v1.pid", run_dir);
	daemon_init(&d);
	assert_int_equal(symlink(victim, path), 0);
	assert_int_equal(daemon_lock(&d, &id, &holder), STATUS_DISK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(victim, path), 0);
	assert_int_equal(daemon_lock(&d, &id, &holder), STATUS_DISK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(daemon_lock(&d, &id, &holder), STATUS_DISK);
	assert_int_equal(daemon_stop(&id, 1), STATUS_NOT_RUNNING);
	f = fopen(victim, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	(void)fclose(f);
	assert_string_equal(text, "precious");
}

static void
tag_that_cannot_be_a_file_name_is_a_usage_error(void **state)
{
	static const char *const bad[] = {"", "a/b", "../x", "a\nb"};
	char longest[DAEMON_TAG_MAX + 2];
	struct daemon d;
	pid_t holder;

	(void)state;
	daemon_init(&d);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct daemon_id id = id_of(bad[i]);

		assert_int_equal(daemon_lock(&d, &id, &holder), STATUS_USAGE);
		assert_int_equal(daemon_stop(&id, 1), STATUS_USAGE);
	}
	memset(longest, 'x', sizeof(longest));
	longest[DAEMON_TAG_MAX + 1] = '\0';
	{
		struct daemon_id id = id_of(longest);

		assert_int_equal(daemon_lock(&d, &id, &holder), STATUS_USAGE);
		longest[DAEMON_TAG_MAX] = '\0';
		assert_int_equal(daemon_lock(&d, &id, &holder), STATUS_OK);
		daemon_end(&d);
	}
}

static void
run_directory_is_made_for_its_owner_alone(void **state)
{
	char path[100];
	struct daemon_id id = {.run_dir = path, .role = "peer", .tag = "a b"};
	struct daemon d;
	struct stat st;
	pid_t holder;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/new", run_dir);
	daemon_init(&d);
	assert_int_equal(daemon_lock(&d, &id, &holder), STATUS_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	daemon_end(&d);
	assert_int_equal(rmdir(path), 0); /* the pid file is gone */
	(void)snprintf(path, sizeof(path), "%s/no/such", run_dir);
	assert_int_equal(daemon_lock(&d, &id, &holder), STATUS_DISK);
}

/* What daemon_status() prints, and its status. */
static int
status_text(const struct daemon_id *id, char *text, size_t size)
{
	int was = dup(STDOUT_FILENO);
	FILE *f = tmpfile();
	int st;

	(void)fflush(stdout);
	(void)dup2(fileno(f), STDOUT_FILENO);
	st = daemon_status(id);
	(void)fflush(stdout);
	(void)dup2(was, STDOUT_FILENO);
	(void)close(was);
	rewind(f);
	text[fread(text, 1, size - 1, f)] = '\0';
	(void)fclose(f);
	return st;
}

static void
serve_odd_tag(struct daemon *d)
{
	lock_as(d, "50% of \xc3\xa4-b");
	if (!daemon_ready(d, STATUS_OK, NULL))
		_exit(1);
	for (;;)
		(void)pause();
}

static void
status_lists_each_running_process_on_a_line_of_three_words(void **state)
{
	struct daemon_id all = {.run_dir = run_dir};
	struct daemon_id odd = id_of("50% of \xc3\xa4-b"), v1 = id_of("v1");
	char text[500];
	int out, n = 0;

	(void)state;
	assert_int_equal(
	    status_text(&all, text, sizeof(text)), STATUS_NOT_RUNNING);
	assert_string_equal(text, "");
	assert_int_equal(status_of(start(serve_odd_tag, &out)), STATUS_OK);
	(void)close(out);
	assert_int_equal(status_of(start(serve, &out)), STATUS_OK);
	(void)close(out);
	put_file("peer-stale.pid", "1\n");
	put_file("unrelated", "1\n");
	assert_int_equal(status_text(&all, text, sizeof(text)), STATUS_OK);
	(void)sscanf(text,
	    "role=peer tag=50%%25%%20of%%20%%C3%%A4-b pid=%*d\n"
	    "role=peer tag=v1 pid=%*d\n%n",
	    &n);
	assert_int_equal(n, strlen(text));
	assert_true(n > 0);
	assert_int_equal(status_text(&v1, text, sizeof(text)), STATUS_OK);
	assert_memory_equal(text, "role=peer tag=v1 pid=", 21);
	assert_int_equal(daemon_stop(&odd, 5), STATUS_OK);
	assert_int_equal(daemon_stop(&v1, 5), STATUS_OK);
}

static void
run_directory_that_is_none_is_a_failure_to_stop_and_to_look(void **state)
{
	struct daemon_id id = {
	    .run_dir = "/dev/null", .role = "peer", .tag = "v1"};

	(void)state;
	assert_int_equal(daemon_stop(&id, 1), STATUS_FAILED);
	assert_int_equal(daemon_stop_all(&id, 1), STATUS_FAILED);
	assert_int_equal(daemon_status(&id), STATUS_FAILED);
	id.run_dir = "/nonexistent";
	assert_int_equal(daemon_stop(&id, 1), STATUS_NOT_RUNNING);
	assert_int_equal(daemon_stop_all(&id, 1), STATUS_NOT_RUNNING);
	assert_int_equal(daemon_status(&id), STATUS_NOT_RUNNING);
}

#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(two_never_hold_the_lock_while_it_is_taken_and_given_up),
	    T(busy_names_the_pid_that_holds_the_lock),
	    T(stop_kills_what_will_not_end),
	    T(stop_of_v1_leaves_v10_alone_and_stop_all_takes_both),
	    T(stale_file_that_names_a_living_process_means_nothing),
	    T(planted_links_and_fifos_are_refused_and_untouched),
	    T(tag_that_cannot_be_a_file_name_is_a_usage_error),
	    T(run_directory_is_made_for_its_owner_alone),
	    T(status_lists_each_running_process_on_a_line_of_three_words),
	    T(run_directory_that_is_none_is_a_failure_to_stop_and_to_look),
	};

	log_program("test_daemon_lock");
	log_leave_stderr();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
