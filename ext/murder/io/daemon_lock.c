#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"
#include "daemon_file.h"
#include "log.h"
#include "status.h"

int
daemon_dir_open(const char *run_dir, bool make)
{
	if (make && mkdir(run_dir, 0700) == -1 && errno != EEXIST)
		return -1;
	return open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool
fit_for_a_name(const char *s)
{
	if (s[0] == '\0' || strlen(s) > DAEMON_TAG_MAX)
		return false;
	for (; *s != '\0'; s++)
		if (*s == '/' || (unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

bool
daemon_file_name(const struct daemon_id *id, char out[NAME_MAX + 1])
{
	int n = -1;

	if (fit_for_a_name(id->role) && fit_for_a_name(id->tag))
		n = snprintf(out, NAME_MAX + 1, "%s-%s.pid", id->role, id->tag);
	if (n > 0 && n <= NAME_MAX)
		return true;
	log_error("the tag '%s' cannot be a file name: give one by "
		  "--tag, of 1 to %d bytes without '/' and control characters",
	    id->tag, DAEMON_TAG_MAX);
	return false;
}

int
daemon_file_open(int dir_fd, const char *file, int flags)
{
	struct stat st;
	int fd = openat(dir_fd, file,
	    flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink <= 1)
		return fd;
	(void)close(fd);
	errno = EINVAL;
	return -1;
}

bool
daemon_holder(int fd, pid_t *pid)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(fd, F_GETLK, &fl) == -1 || fl.l_type == F_UNLCK)
		return false;
	/* negative or 0: another machine (NFS) or pid namespace */
	*pid = fl.l_pid > 0 ? fl.l_pid : 0;
	return true;
}

/* Whether the name still leads to the file we have open: its last holder may
 * have removed it between our open and our lock. */
static bool
still_named(int dir_fd, const char *file, int fd)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 &&
	       fstatat(dir_fd, file, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* Opens and locks the pid file. 0, EBUSY with *holder, or an errno. */
static int
lock_file(struct daemon *d, pid_t *holder)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int e;

	for (;;) {
		int fd = daemon_file_open(d->dir_fd, d->file, O_RDWR | O_CREAT);

		if (fd == -1)
			return errno;
		if (fcntl(fd, F_SETLK, &fl) == 0) {
			if (still_named(d->dir_fd, d->file, fd)) {
				d->lock_fd = fd;
				return 0;
			}
			(void)close(fd);
			continue;
		}
		e = errno;
		if (e == EACCES || e == EAGAIN)
			e = daemon_holder(fd, holder) ? EBUSY : EINTR;
		(void)close(fd);
		if (e != EINTR) /* else it has just been given up */
			return e;
	}
}

/* The text is for people; nobody acts on it. */
static int
write_pid(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)n, 0) != n)
		return errno != 0 ? errno : EIO;
	return 0;
}

int
daemon_lock(struct daemon *d, const struct daemon_id *id, pid_t *holder)
{
	int e;

	*holder = 0;
	if (!daemon_file_name(id, d->file))
		return STATUS_USAGE;
	d->dir_fd = daemon_dir_open(id->run_dir, true);
	if (d->dir_fd == -1) {
		log_error("%s: %s: give a directory you may write to with "
			  "--run-dir",
		    id->run_dir, strerror(errno));
		return STATUS_DISK;
	}
	e = lock_file(d, holder);
	if (e == 0)
		e = write_pid(d->lock_fd);
	if (e == 0)
		return STATUS_OK;
	if (e != EBUSY)
		log_error("%s/%s: %s", id->run_dir, d->file,
		    e == EINVAL ? "is not a pid file: remove it" : strerror(e));
	daemon_end(d);
	return e == EBUSY ? STATUS_BUSY : STATUS_DISK;
}

void
daemon_end(struct daemon *d)
{
	if (d->lock_fd != -1) {
		(void)unlinkat(d->dir_fd, d->file, 0);
		(void)close(d->lock_fd);
	}
	if (d->dir_fd != -1)
		(void)close(d->dir_fd);
	d->lock_fd = -1;
	d->dir_fd = -1;
}
