#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "daemon_file.h"
#include "log.h"
#include "status.h"

#define POLL_MS 10        /* how often the lock is asked after */
#define KILL_WAIT_MS 5000 /* after SIGKILL; a process in D state stays */

/* A process being stopped. */
struct target {
	char file[NAME_MAX + 1];
	int fd; /* the pid file */
	pid_t pid;
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * Signals the holder of the lock and nobody else: the pidfd is taken first and
 * the holder asked for again, so a pid that has been given to another process
 * in between is not signalled. Kernels before 5.3 lack pidfds.
 */
static int
signal_holder(struct target *t, int sig)
{
	int e = 0;
	pid_t again;
	int pidfd;

	if (!daemon_holder(t->fd, &t->pid))
		return ESRCH;
	if (t->pid == 0)
		return EXDEV;
	pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0);
	if (pidfd == -1 && errno == ENOSYS)
		return kill(t->pid, sig) == 0 ? 0 : errno;
	if (pidfd == -1)
		return errno;
	if (!daemon_holder(t->fd, &again) || again != t->pid)
		e = ESRCH;
	else if (syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) == -1)
		e = errno;
	(void)close(pidfd);
	return e;
}

/* Waits until nobody holds the lock; false when deadline_ms has come. */
static bool
wait_gone(struct target *t, int64_t deadline_ms)
{
	struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	pid_t pid;

	while (daemon_holder(t->fd, &pid)) {
		if (now_ms() >= deadline_ms)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

/* Waits for one that has been told to end, then ends it. */
static int
see_off(struct target *t, int64_t deadline_ms)
{
	int e;

	if (wait_gone(t, deadline_ms))
		return STATUS_OK;
	log_warn("%s: process %ld did not end in time: killing it", t->file,
	    (long)t->pid);
	e = signal_holder(t, SIGKILL);
	if (e == ESRCH || (e == 0 && wait_gone(t, now_ms() + KILL_WAIT_MS)))
		return STATUS_OK;
	log_error("%s: process %ld will not end: %s", t->file, (long)t->pid,
	    strerror(e != 0 ? e : ETIMEDOUT));
	return STATUS_FAILED;
}

/* Opens the pid file and sends SIGTERM. STATUS_NOT_RUNNING prints nothing. */
static int
tell(struct target *t, int dir_fd)
{
	int e;

	t->fd = daemon_file_open(dir_fd, t->file, O_RDONLY);
	if (t->fd == -1 && errno != ENOENT && errno != EINVAL &&
	    errno != ELOOP) {
		log_error("%s: %s", t->file, strerror(errno));
		return STATUS_FAILED;
	}
	if (t->fd == -1)
		return STATUS_NOT_RUNNING;
	e = signal_holder(t, SIGTERM);
	if (e == 0)
		return STATUS_OK;
	if (e != ESRCH)
		log_error("%s: cannot stop process %ld: %s", t->file,
		    (long)t->pid,
		    e == EXDEV ? "it runs on another machine" : strerror(e));
	(void)close(t->fd);
	t->fd = -1;
	return e == ESRCH ? STATUS_NOT_RUNNING : STATUS_FAILED;
}

/* Opens the run directory to look for running processes. False with *st: there
 * are none without a directory; one that cannot be read is a failure. */
static bool
open_to_look(const struct daemon_id *id, int *dir_fd, int *st)
{
	*dir_fd = daemon_dir_open(id->run_dir, false);
	if (*dir_fd != -1)
		return true;
	*st = STATUS_NOT_RUNNING;
	if (errno != ENOENT) {
		log_error("%s: %s", id->run_dir, strerror(errno));
		*st = STATUS_FAILED;
	}
	return false;
}

int
daemon_stop(const struct daemon_id *id, int wait_s)
{
	struct target t = {.fd = -1};
	int dir_fd;
	int st;

	if (!daemon_file_name(id, t.file))
		return STATUS_USAGE;
	if (open_to_look(id, &dir_fd, &st)) {
		st = tell(&t, dir_fd);
		(void)close(dir_fd);
	}
	if (st == STATUS_OK) {
		st = see_off(&t, now_ms() + (int64_t)wait_s * 1000);
		(void)close(t.fd);
	}
	if (st == STATUS_NOT_RUNNING)
		log_error("no %s %s %s runs here (run directory %s)", id->role,
		    strcmp(id->role, "tracker") == 0 ? "of port" : "with tag",
		    id->tag, id->run_dir);
	return st;
}

/* ---- all of a role ------------------------------------------------------- */

/* Whether file is "ROLE-TAG.pid" of that role (NULL: any); *tag and *n_tag
 * are then its tag. No role has a '-' in it. */
static bool
split_name(const char *file, const char *role, const char **tag, int *n_tag)
{
	size_t n = strlen(file);
	size_t n_role = strcspn(file, "-");

	if (n < n_role + 6 || strcmp(file + n - 4, ".pid") != 0)
		return false;
	if (role != NULL &&
	    (strlen(role) != n_role || memcmp(role, file, n_role) != 0))
		return false;
	*tag = file + n_role + 1;
	*n_tag = (int)(n - n_role - 5);
	return true;
}

static int
is_pid_file(const struct dirent *e)
{
	const char *tag;
	int n_tag;

	return split_name(e->d_name, NULL, &tag, &n_tag);
}

/* The pid files of a run directory. */
struct listing {
	int dir_fd;
	struct dirent **names;
	int n;
};

/* False with *st as open_to_look(). */
static bool
list_files(const struct daemon_id *id, struct listing *l, int *st)
{
	l->names = NULL;
	if (!open_to_look(id, &l->dir_fd, st))
		return false;
	l->n = scandir(id->run_dir, &l->names, is_pid_file, alphasort);
	if (l->n >= 0)
		return true;
	log_error("%s: %s", id->run_dir, strerror(errno));
	(void)close(l->dir_fd);
	*st = STATUS_FAILED;
	return false;
}

static void
list_free(struct listing *l)
{
	for (int i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
	(void)close(l->dir_fd);
}

/* Signals every running process of the role and puts them into t. Gives
 * STATUS_NOT_RUNNING unless one of them could not be signalled. */
static int
tell_all(
    const struct listing *l, const char *role, struct target *t, int *n_told)
{
	int worst = STATUS_NOT_RUNNING;
	const char *tag;
	int n_tag, st;

	*n_told = 0;
	for (int i = 0; i < l->n; i++) {
		struct target *next = &t[*n_told];
		const char *file = l->names[i]->d_name;

		if (!split_name(file, role, &tag, &n_tag))
			continue;
		(void)snprintf(next->file, sizeof(next->file), "%s", file);
		st = tell(next, l->dir_fd);
		if (st == STATUS_OK)
			(*n_told)++;
		else if (st != STATUS_NOT_RUNNING)
			worst = st;
	}
	return worst;
}

/* Stops those of the role that run. */
static int
stop_listed(const struct listing *l, const char *role, int64_t deadline_ms)
{
	struct target *t = calloc((size_t)l->n + 1, sizeof(*t));
	int n_told, st;

	if (t == NULL) {
		log_error("out of memory");
		return STATUS_FAILED;
	}
	st = tell_all(l, role, t, &n_told);
	for (int i = 0; i < n_told; i++) {
		int one = see_off(&t[i], deadline_ms);

		if (one != STATUS_OK || st == STATUS_NOT_RUNNING)
			st = one;
		(void)close(t[i].fd);
	}
	free(t);
	return st;
}

int
daemon_stop_all(const struct daemon_id *id, int wait_s)
{
	struct listing l;
	int st;

	if (list_files(id, &l, &st)) {
		st = stop_listed(
		    &l, id->role, now_ms() + (int64_t)wait_s * 1000);
		list_free(&l);
	}
	if (st == STATUS_NOT_RUNNING)
		log_error("no %s runs here (run directory %s)", id->role,
		    id->run_dir);
	return st;
}

/* ---- status -------------------------------------------------------------- */

static void
print_escaped(const char *s, int n)
{
	for (int i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c <= 0x20 || c >= 0x7f || c == '%')
			printf("%%%02X", c);
		else
			putchar(c);
	}
}

/* Prints the line of a pid file if somebody holds it. */
static bool
print_holder(int dir_fd, const char *file, const char *tag, int n_tag)
{
	int fd = daemon_file_open(dir_fd, file, O_RDONLY);
	pid_t pid = 0;
	bool held = fd != -1 && daemon_holder(fd, &pid);

	if (fd != -1)
		(void)close(fd);
	if (!held)
		return false;
	printf("role=%.*s tag=", (int)strcspn(file, "-"), file);
	print_escaped(tag, n_tag);
	printf(" pid=%ld\n", (long)pid);
	return true;
}

/* Whether a pid file's tag is the one asked for. */
static bool
is_tag(const struct daemon_id *id, const char *tag, int n_tag)
{
	return id->tag == NULL || (strlen(id->tag) == (size_t)n_tag &&
				      memcmp(id->tag, tag, (size_t)n_tag) == 0);
}

int
daemon_status(const struct daemon_id *id)
{
	struct listing l;
	int st;

	if (!list_files(id, &l, &st))
		return st;
	st = STATUS_NOT_RUNNING;
	for (int i = 0; i < l.n; i++) {
		const char *file = l.names[i]->d_name;
		const char *tag;
		int n_tag;

		if (split_name(file, id->role, &tag, &n_tag) &&
		    is_tag(id, tag, n_tag) &&
		    print_holder(l.dir_fd, file, tag, n_tag))
			st = STATUS_OK;
	}
	list_free(&l);
	return st;
}

bool
daemon_run_dir(char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return false;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (slash == NULL || slash - out + 5 > PATH_MAX - 1)
		return false;
	memcpy(slash + 1, "run", 4);
	return true;
}
