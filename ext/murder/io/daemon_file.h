/*
 * Pid files and who holds them; private to the daemon_*.c files.
 */
#ifndef MURDER_IO_DAEMON_FILE_H
#define MURDER_IO_DAEMON_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "daemon.h"

/* Opens the run directory, making it (0700) if `make`. The descriptor, or -1
 * with errno: ENOTDIR, EACCES, … */
int daemon_dir_open(const char *run_dir, bool make);

/* Writes "ROLE-TAG.pid"; false after one printed line if it cannot be one. */
bool daemon_file_name(const struct daemon_id *id, char out[NAME_MAX + 1]);

/* Opens a pid file without following links, waiting on FIFOs or taking what
 * is not a plain file: -1 with errno. flags as open(2). */
int daemon_file_open(int dir_fd, const char *file, int flags);

/* Who holds the lock of an open pid file: false if nobody does; *pid is 0 if
 * the holder cannot be named from here. */
bool daemon_holder(int fd, pid_t *pid);

#endif
