/* Detaching: what the caller gets, and what ends the detached. */
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

static void
caller_ends_when_the_child_is_ready_and_the_child_lives_on(void **state)
{
	struct daemon_id id = id_of("v1");
	int out;

	(void)state;
	assert_int_equal(status_of(start(serve, &out)), STATUS_OK);
	assert_int_equal(hear(out), '\0'); /* it has left our stdout */
	assert_true(runs("v1"));
	assert_int_equal(daemon_stop(&id, 5), STATUS_OK);
	assert_false(runs("v1"));
	assert_int_equal(daemon_stop(&id, 5), STATUS_NOT_RUNNING);
	(void)close(out);
}

static void
fail_with_7(struct daemon *d)
{
	lock_as(d, "v1");
	daemon_end(d);
	_exit(STATUS_TRACKER);
}

static void
crash(struct daemon *d)
{
	(void)d;
	(void)raise(SIGKILL);
}

static void
report_9(struct daemon *d)
{
	(void)daemon_ready(d, STATUS_MISMATCH, NULL);
	_exit(0);
}

static void
forget(struct daemon *d)
{
	(void)d;
}

static void
caller_ends_with_the_status_of_a_child_that_failed(void **state)
{
	int out;

	(void)state;
	assert_int_equal(status_of(start(fail_with_7, &out)), STATUS_TRACKER);
	(void)close(out);
	assert_int_equal(status_of(start(report_9, &out)), STATUS_MISMATCH);
	(void)close(out);
}

static void
caller_fails_when_the_child_dies_unheard(void **state)
{
	int out;

	(void)state;
	assert_int_equal(status_of(start(crash, &out)), STATUS_FAILED);
	(void)close(out);
	assert_int_equal(status_of(start(forget, &out)), STATUS_FAILED);
	(void)close(out);
}

static volatile sig_atomic_t asked;

static void
on_term(int sig)
{
	(void)sig;
	asked = 1;
}

/* Works until it is told to end, then says "e" and cleans up. */
static void
work(struct daemon *d)
{
	sigset_t term, was;

	(void)signal(SIGTERM, on_term);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, &was);
	lock_as(d, "v1");
	say("r");
	while (asked == 0)
		(void)sigsuspend(&was);
	if (write(STDOUT_FILENO, "e", 1) == -1 && errno != EPIPE)
		_exit(99);
	daemon_end(d);
	_exit(STATUS_INTERRUPTED);
}

static void
signals_to_the_caller_end_the_child_and_give_its_status(void **state)
{
	static const int sigs[] = {SIGINT, SIGTERM, SIGHUP};

	(void)state;
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		int out;
		pid_t pid = start(work, &out);

		assert_int_equal(hear(out), 'r');
		assert_int_equal(kill(pid, sigs[i]), 0);
		assert_int_equal(status_of(pid), STATUS_INTERRUPTED);
		assert_int_equal(hear(out), 'e');
		assert_false(runs("v1"));
		(void)close(out);
	}
}

static void
death_of_the_caller_ends_the_child(void **state)
{
	int out;
	pid_t pid = start(work, &out);

	(void)state;
	assert_int_equal(hear(out), 'r');
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(status_of(pid), 1000 + SIGKILL);
	assert_int_equal(hear(out), 'e');
	assert_int_equal(hear(out), '\0');
	assert_false(runs("v1"));
	(void)close(out);
}

static void
loss_of_the_callers_stdout_ends_the_child(void **state)
{
	int out;
	pid_t pid = start(work, &out);

	(void)state;
	assert_int_equal(hear(out), 'r');
	(void)close(out); /* as sshd does when the connection drops */
	assert_int_equal(status_of(pid), STATUS_INTERRUPTED);
	assert_false(runs("v1"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(caller_ends_when_the_child_is_ready_and_the_child_lives_on),
	    T(caller_ends_with_the_status_of_a_child_that_failed),
	    T(caller_fails_when_the_child_dies_unheard),
	    T(signals_to_the_caller_end_the_child_and_give_its_status),
	    T(death_of_the_caller_ends_the_child),
	    T(loss_of_the_callers_stdout_ends_the_child),
	};

	log_program("test_daemon");
	log_leave_stderr();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
