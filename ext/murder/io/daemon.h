/*
 * Processes that outlive their caller, known by a locked pid file.
 *
 * The pid file RUN_DIR/ROLE-TAG.pid is held by a POSIX lock for the life of
 * the process: the kernel, not the file's text, says who runs, so a stale file
 * means nothing, no pid is ever guessed, and of two starters one wins.
 * Consequence of POSIX locks: they are per process and not inherited, so take
 * the lock after the fork; and a process that closes any descriptor of its own
 * pid file loses it, so never open it (nor call daemon_status/daemon_stop on
 * its own role and tag) while holding it.
 *
 * A program that detaches goes:
 *
 *	daemon_init(&d);
 *	if (detach)
 *		daemon_fork(&d);      the caller's process waits here and ends
 *				      with the status the child reports
 *	st = daemon_lock(&d, &id, &holder);
 *	...			      threads, sockets, work, text, progress:
 *				      stdout and stderr are still the caller's
 *	if (!daemon_ready(&d, STATUS_OK, "listening on port 8998"))
 *		end cleanly;          the caller is gone
 *	...			      detached
 *	daemon_end(&d);
 *
 * In the foreground (no daemon_fork) the same calls work; daemon_ready() then
 * only prints. To fail before readiness: print one line, clean up,
 * daemon_end(), exit with the status: the caller's process exits with it too.
 *
 * Until daemon_ready() the caller's process stands for the child: SIGINT,
 * SIGTERM and SIGHUP sent to it, and the loss of its stdout or stderr (a
 * dropped ssh), reach the child as SIGTERM; so does its death. So a program
 * needs its ordinary SIGTERM handling and nothing else to end cleanly and to
 * remove what is partial; STATUS_INTERRUPTED is the status for that. It may
 * arrive more than once, so a second one must not cut the cleaning short; and
 * SIGPIPE is to be ignored, since the caller's stdout may be gone.
 */
#ifndef MURDER_IO_DAEMON_H
#define MURDER_IO_DAEMON_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* Longest tag in bytes. */
#define DAEMON_TAG_MAX 200

/* Which process: strings are borrowed for the call. */
struct daemon_id {
	const char *run_dir;
	const char *role; /* "tracker", "seeder", "peer" */
	const char *tag;  /* 1 to DAEMON_TAG_MAX bytes, no '/', no controls */
};

/* Private to daemon.c. */
struct daemon {
	int report_fd; /* to the waiting caller; -1 in the foreground */
	int dir_fd;    /* the run directory; -1 unlocked */
	int lock_fd;   /* the pid file; -1 unlocked */
	char file[NAME_MAX + 1];
};

void daemon_init(struct daemon *d);

/*
 * Forks; returns in the child only, as leader of a new session with stdin from
 * /dev/null and every descriptor above 2 closed (but the log's). To be called
 * before any thread exists and before anything is opened. The caller's process
 * waits for daemon_ready() or the child's end and exits with its status; a
 * child that crashed is told on stderr, STATUS_FAILED. If fork itself fails
 * the process ends likewise.
 */
void daemon_fork(struct daemon *d);

/*
 * Takes the lock of id, making the run directory (0700) if it is missing.
 * STATUS_OK; STATUS_BUSY with the holder's pid in *holder (0: on another
 * machine or in another pid namespace), nothing printed; or, one line printed,
 * STATUS_USAGE (tag or role cannot be a file name) or STATUS_DISK.
 */
int daemon_lock(struct daemon *d, const struct daemon_id *id, pid_t *holder);

/*
 * Prints message (may be NULL) on stderr as log_info() does, reports status to
 * the waiting caller and, if status is 0, leaves its stdio: stdin and stdout
 * to /dev/null, stderr to the log file or /dev/null. False if the caller is
 * gone: then nobody wants us, and the program is to end. At most once.
 */
bool daemon_ready(struct daemon *d, int status, const char *message);

/* Whether a caller still waits for daemon_ready(). */
bool daemon_waited_for(const struct daemon *d);

/* Removes the pid file and gives up the lock. Harmless when not locked. */
void daemon_end(struct daemon *d);

/*
 * SIGTERM to the holder of id's lock; waits until the lock is free; after
 * wait_s seconds SIGKILL. STATUS_OK when it is gone, STATUS_NOT_RUNNING (one
 * line printed) if there was none, STATUS_FAILED (printed) if it is not ours
 * to stop or will not go.
 */
int daemon_stop(const struct daemon_id *id, int wait_s);

/* The same for every tag of that role: all are told first, then waited for
 * together. id->tag does not matter. */
int daemon_stop_all(const struct daemon_id *id, int wait_s);

/*
 * Prints "role=ROLE tag=TAG pid=PID" on stdout for each running process, by
 * tag; role and tag may be NULL for all. In TAG, space, '%' and bytes outside
 * ASCII's graphic ones are %XX. STATUS_OK, STATUS_NOT_RUNNING if none,
 * nothing printed, or STATUS_FAILED (printed) if the directory is unreadable.
 */
int daemon_status(const struct daemon_id *id);

/* The default run directory: "run" beside the executable. False if it cannot
 * be told. */
bool daemon_run_dir(char out[PATH_MAX]);

#endif
