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
#include "io/status.h"

char run_dir[64];

struct daemon_id
id_of(const char *tag)
{
	return (struct daemon_id){
	    .run_dir = run_dir, .role = "peer", .tag = tag};
}

int
make_dir(void **state)
{
	(void)state;
	(void)snprintf(run_dir, sizeof(run_dir), "/tmp/test_daemon.XXXXXX");
	return mkdtemp(run_dir) == NULL ? -1 : 0;
}

int
remove_dir(void **state)
{
	char command[100];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", run_dir);
	return system(command);
}

void
say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) == -1)
		_exit(99);
}

pid_t
start(void (*body)(struct daemon *), int *out)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		struct daemon d;

		/* A suite in the background of a shell was started ignoring
		 * these. */
		(void)signal(SIGINT, SIG_DFL);
		(void)signal(SIGHUP, SIG_DFL);
		(void)alarm(20);
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)close(fds[0]);
		(void)close(fds[1]);
		daemon_init(&d);
		daemon_fork(&d);
		(void)alarm(20);
		body(&d);
		_exit(0);
	}
	(void)close(fds[1]);
	*out = fds[0];
	return pid;
}

int
status_of(pid_t pid)
{
	int ws;

	assert_int_equal(waitpid(pid, &ws, 0), pid);
	return WIFEXITED(ws) ? WEXITSTATUS(ws) : 1000 + WTERMSIG(ws);
}

char
hear(int out)
{
	struct pollfd p = {.fd = out, .events = POLLIN};
	char c;

	assert_int_equal(poll(&p, 1, 10000), 1);
	return read(out, &c, 1) == 1 ? c : '\0';
}

void
lock_as(struct daemon *d, const char *tag)
{
	struct daemon_id id = id_of(tag);
	pid_t holder;
	int st = daemon_lock(d, &id, &holder);

	if (st != STATUS_OK)
		_exit(st);
}

void
serve(struct daemon *d)
{
	lock_as(d, "v1");
	if (!daemon_ready(d, STATUS_OK, NULL))
		_exit(1);
	for (;;)
		(void)pause();
}

bool
runs(const char *tag)
{
	struct daemon_id id = id_of(tag);
	int was = dup(STDOUT_FILENO);
	int null = open("/dev/null", O_WRONLY);
	int st;

	(void)fflush(stdout);
	(void)dup2(null, STDOUT_FILENO);
	st = daemon_status(&id);
	(void)fflush(stdout);
	(void)dup2(was, STDOUT_FILENO);
	(void)close(was);
	(void)close(null);
	return st == STATUS_OK;
}
