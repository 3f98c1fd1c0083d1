#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"
#include "status.h"

/* Descriptors above this are not looked for, where each has to be closed on its
 * own, when the child closes what it inherited: shells and sshd hand out the
 * lowest. */
#define INHERITED_MAX 1024

void
daemon_init(struct daemon *d)
{
	*d = (struct daemon){.report_fd = -1, .dir_fd = -1, .lock_fd = -1};
}

/* ---- the caller's process ------------------------------------------------ */

/* Written by on_signal(): how often the operator asked us to end. */
static volatile sig_atomic_t n_asked;
static volatile sig_atomic_t child_pid;

static void
on_signal(int sig)
{
	int saved = errno;

	(void)sig;
	if (n_asked++ > 0)
		_exit(STATUS_INTERRUPTED); /* the child is told by our death */
	(void)kill((pid_t)child_pid, SIGTERM);
	errno = saved;
}

static void
catch_signals(void)
{
	static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa = {.sa_handler = on_signal};
	struct sigaction was;

	(void)sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		if (sigaction(caught[i], NULL, &was) == 0 &&
		    was.sa_handler == SIG_IGN)
			continue; /* as nohup and shells' '&' want it */
		(void)sigaction(caught[i], &sa, NULL);
	}
}

/*
 * Waits for the child's report, and meanwhile for our readers to go away: sshd
 * kills nobody when a connection without a terminal drops, it only closes our
 * stdout. True if *status was reported.
 */
static bool
wait_report(int fd, pid_t child, uint8_t *status)
{
	struct pollfd p[3] = {
	    {.fd = fd, .events = POLLIN},
	    {.fd = STDOUT_FILENO},
	    {.fd = STDERR_FILENO},
	};

	for (;;) {
		if (poll(p, 3, -1) == -1) {
			if (errno == EINTR)
				continue;
			return false;
		}
		if (p[0].revents != 0)
			return recv(fd, status, 1, 0) == 1;
		for (int i = 1; i < 3; i++) {
			if ((p[i].revents & (POLLERR | POLLHUP)) != 0) {
				(void)kill(child, SIGTERM);
				p[1].fd = p[2].fd = -1;
			}
			if (p[i].revents != 0)
				p[i].fd = -1;
		}
	}
}

/* The child ended without a report: gives its status, and says what happened
 * if it cannot have said so itself. */
static int
bury(pid_t child)
{
	int ws = 0;

	while (waitpid(child, &ws, 0) == -1)
		if (errno != EINTR)
			return STATUS_FAILED;
	if (WIFEXITED(ws) && WEXITSTATUS(ws) != 0)
		return WEXITSTATUS(ws);
	if (n_asked > 0)
		return STATUS_INTERRUPTED;
	if (WIFSIGNALED(ws))
		log_error("the background process was killed by signal %d (%s) "
			  "before it was ready: start it again",
		    WTERMSIG(ws), strsignal(WTERMSIG(ws)));
	else
		log_error("the background process ended before it was ready");
	return STATUS_FAILED;
}

static _Noreturn void
stand_in(int fd, pid_t child)
{
	uint8_t status = 0;

	if (!wait_report(fd, child, &status))
		_exit(bury(child));
	/* the child waits for this byte: see daemon_ready() */
	(void)send(fd, &status, 1, MSG_NOSIGNAL);
	_exit(status);
}

/* ---- the child ----------------------------------------------------------- */

static void
redirect(int to_fd, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd == -1)
		return;
	(void)dup2(fd, to_fd);
	(void)close(fd);
}

/* Closes all from first to last, both included, if there are any. */
static void
close_between(int first, int last)
{
	if (first > last)
		return;
#ifdef SYS_close_range /* not in older headers, nor in Linux before 5.9 */
	if (syscall(SYS_close_range, first, last, 0) == 0)
		return;
#endif
	for (int fd = first; fd <= last && fd < INHERITED_MAX; fd++)
		(void)close(fd);
}

static void
become_child(int report_fd, pid_t parent)
{
	int log = log_fd() > STDERR_FILENO ? log_fd() : report_fd;
	int low = log < report_fd ? log : report_fd;
	int high = log < report_fd ? report_fd : log;

	(void)setsid();
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it died before we could ask */
		_exit(STATUS_INTERRUPTED);
	close_between(STDERR_FILENO + 1, low - 1);
	close_between(low + 1, high - 1);
	close_between(high + 1, INT_MAX);
	redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
}

/* Descriptors 0 to 2 must exist, or what is opened next would take their
 * numbers and receive our text. */
static void
open_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= STDERR_FILENO);
	if (fd != -1)
		(void)close(fd);
}

void
daemon_fork(struct daemon *d)
{
	pid_t parent = getpid();
	pid_t child;
	int pair[2];
	sigset_t all, was;

	open_stdio();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
		log_error("cannot make a socket pair: %s", strerror(errno));
		exit(STATUS_FAILED);
	}
	(void)fflush(NULL);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &was);
	child = fork();
	if (child == -1) {
		log_error("cannot fork: %s", strerror(errno));
		exit(STATUS_FAILED);
	}
	if (child > 0) {
		(void)close(pair[1]);
		child_pid = child;
		catch_signals();
		(void)sigprocmask(SIG_SETMASK, &was, NULL);
		stand_in(pair[0], child);
	}
	become_child(pair[1], parent);
	(void)sigprocmask(SIG_SETMASK, &was, NULL);
	d->report_fd = pair[1];
}

bool
daemon_waited_for(const struct daemon *d)
{
	return d->report_fd != -1;
}

/* Sends the status and waits for the caller to have taken it. */
static bool
report(int fd, int status)
{
	uint8_t byte = (uint8_t)status;
	ssize_t n;

	if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
		return false;
	do
		n = recv(fd, &byte, 1, 0);
	while (n == -1 && errno == EINTR);
	return n == 1;
}

bool
daemon_ready(struct daemon *d, int status, const char *message)
{
	bool taken;

	assert(status >= 0 && status <= UINT8_MAX);
	if (message != NULL)
		log_info("%s", message);
	if (d->report_fd == -1)
		return true;
	(void)fflush(stdout);
	/* Before the report: the caller's process ends as soon as it has it. */
	(void)prctl(PR_SET_PDEATHSIG, 0);
	taken = report(d->report_fd, status);
	(void)close(d->report_fd);
	d->report_fd = -1;
	if (!taken || status != 0)
		return taken;
	log_leave_stderr();
	redirect(STDOUT_FILENO, "/dev/null", O_WRONLY);
	if (log_fd() == -1 || dup2(log_fd(), STDERR_FILENO) == -1)
		redirect(STDERR_FILENO, "/dev/null", O_WRONLY);
	return true;
}
