/*
 * Lines for people: "murder_client: text" on stderr, and with --log the same
 * lines with time, pid and level appended to a file. Every line is one write,
 * so processes may share a file; control characters are escaped, so what a
 * peer sends cannot forge a line. One log a process; the pool's threads may
 * use it too.
 */
#ifndef MURDER_IO_LOG_H
#define MURDER_IO_LOG_H

#include <stdbool.h>

enum log_level {
	LEVEL_ERROR, /* the one line that names why we fail */
	LEVEL_WARN,
	LEVEL_INFO,
	LEVEL_DEBUG /* only with --verbose */
};

/* The name in front of stderr lines; static storage. */
void log_program(const char *name);
void log_verbose(bool on);
bool log_is_verbose(void);

/* Appends to path from now on (created 0644). 0, or errno with nothing
 * changed; ENXIO is a FIFO that nobody reads. */
int log_open(const char *path);

/* The file's descriptor, -1 if there is none. */
int log_fd(void);

/* Writes nothing to stderr any more; daemon_ready() does this. */
void log_leave_stderr(void);

/* text without newline; longer than 1,000 bytes is cut. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
