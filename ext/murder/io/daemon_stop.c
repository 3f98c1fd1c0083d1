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

int
daemon_stop(const struct daemon_id *id, int wait_s)
{
	struct target t = {.fd = -1};
	int dir_fd;
	int st = STATUS_NOT_RUNNING;

	if (!daemon_file_name(id, t.file))
		return STATUS_USAGE;
	dir_fd = daemon_dir_open(id->run_dir, false);
	if (dir_fd != -1) {
		st = tell(&t, dir_fd);
		(void)close(dir_fd);
	}
	if (st == STATUS_OK) {
		st = see_off(&t, now_ms() + (int64_t)wait_s * 1000);
		(void)close(t.fd);
	}
	if (st == STATUS_NOT_RUNNING)
		log_error("no %s with tag %s runs here (run directory %s)",
		    id->role, id->tag, id->run_dir);
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

/* Signals every running process of the role; gives the worst status and moves
 * those told to the front of t. */
static int
tell_all(int dir_fd, const char *role, struct dirent **names, int n,
    struct target *t, int *n_told)
{
	int worst = STATUS_OK;
	const char *tag;
	int n_tag, st;

	*n_told = 0;
	for (int i = 0; i < n; i++) {
		struct target *next = &t[*n_told];

		if (!split_name(names[i]->d_name, role, &tag, &n_tag))
			continue;
		(void)snprintf(
		    next->file, sizeof(next->file), "%s", names[i]->d_name);
		st = tell(next, dir_fd);
		if (st == STATUS_OK)
			(*n_told)++;
		else if (st != STATUS_NOT_RUNNING)
			worst = st;
	}
	return worst;
}

static void
free_names(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

int
daemon_stop_all(const struct daemon_id *id, int wait_s)
{
	int64_t deadline_ms = now_ms() + (int64_t)wait_s * 1000;
	struct dirent **names = NULL;
	struct target *t = NULL;
	int dir_fd = daemon_dir_open(id->run_dir, false);
	int n = scandir(id->run_dir, &names, is_pid_file, alphasort);
	int n_told = 0;
	int worst = STATUS_OK;

	if (dir_fd != -1 && n > 0)
		t = calloc((size_t)n, sizeof(*t));
	if (t != NULL)
		worst = tell_all(dir_fd, id->role, names, n, t, &n_told);
	for (int i = 0; i < n_told; i++) {
		int st = see_off(&t[i], deadline_ms);

		if (st != STATUS_OK)
			worst = st;
		(void)close(t[i].fd);
	}
	free(t);
	if (n > 0 || names != NULL)
		free_names(names, n > 0 ? n : 0);
	if (dir_fd != -1)
		(void)close(dir_fd);
	if (n_told > 0 || worst != STATUS_OK)
		return worst;
	log_error("no %s runs here (run directory %s)", id->role, id->run_dir);
	return STATUS_NOT_RUNNING;
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

int
daemon_status(const struct daemon_id *id)
{
	struct dirent **names = NULL;
	int dir_fd = daemon_dir_open(id->run_dir, false);
	int n = scandir(id->run_dir, &names, is_pid_file, alphasort);
	bool any = false;
	const char *tag;
	int n_tag;

	for (int i = 0; i < n && dir_fd != -1; i++) {
		const char *file = names[i]->d_name;

		if (!split_name(file, id->role, &tag, &n_tag))
			continue;
		if (id->tag != NULL &&
		    (strlen(id->tag) != (size_t)n_tag ||
			memcmp(id->tag, tag, (size_t)n_tag) != 0))
			continue;
		if (print_holder(dir_fd, file, tag, n_tag))
			any = true;
	}
	if (n > 0 || names != NULL)
		free_names(names, n > 0 ? n : 0);
	if (dir_fd != -1)
		(void)close(dir_fd);
	return any ? STATUS_OK : STATUS_NOT_RUNNING;
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
