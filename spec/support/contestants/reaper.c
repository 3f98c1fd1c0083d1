/*
 * reaper REPORT DONE COMMAND...: runs a command and adopts whatever it leaves
 * behind, so that one SIGTERM ends all of it and one number says what all of
 * it cost. The file DONE appears when the command itself exits with 0. REPORT,
 * written at the end: exit status, user and system CPU seconds, and resident
 * KiB of the largest process.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds between SIGTERM and SIGKILL. */
#define GRACE_S 3

static void
signal_children(int sig)
{
	FILE *f = fopen("/proc/thread-self/children", "r");
	int pid;

	if (f == NULL)
		return;
	while (fscanf(f, "%d", &pid) == 1)
		(void)kill(pid, sig);
	(void)fclose(f);
}

static void
create(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd != -1)
		(void)close(fd);
}

static int
report(const char *name, int status)
{
	struct rusage u;
	FILE *f = fopen(name, "w");

	if (f == NULL || getrusage(RUSAGE_CHILDREN, &u) != 0)
		return 1;
	(void)fprintf(f, "%d %ld.%06ld %ld.%06ld %ld\n",
	    WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
	    (long)u.ru_utime.tv_sec, (long)u.ru_utime.tv_usec,
	    (long)u.ru_stime.tv_sec, (long)u.ru_stime.tv_usec, u.ru_maxrss);
	return fclose(f) == 0 ? 0 : 1;
}

/* Waits for all there are; false when no child is left. */
static int
collect(pid_t first, int *status, const char *done)
{
	int st;
	pid_t pid;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		if (pid != first)
			continue;
		*status = st;
		if (WIFEXITED(st) && WEXITSTATUS(st) == 0)
			create(done);
	}
	return !(pid == -1 && errno == ECHILD);
}

int
main(int argc, char **argv)
{
	struct timespec grace = {.tv_sec = GRACE_S}, *wait = NULL;
	sigset_t set, old;
	int sig, status = 0;
	pid_t first;

	if (argc < 4)
		return 2;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	first = fork();
	if (first == 0) {
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
		(void)execvp(argv[3], argv + 3);
		_exit(127);
	}
	while (collect(first, &status, argv[2])) {
		sig = sigtimedwait(&set, NULL, wait);
		if (sig == SIGTERM || sig == SIGINT)
			wait = &grace;
		if (wait != NULL)
			signal_children(sig == -1 ? SIGKILL : SIGTERM);
	}
	return report(argv[1], status);
}
