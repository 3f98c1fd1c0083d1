#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LOG_TEXT 1000 /* bytes of one message after escaping */
#define LOG_LINE (LOG_TEXT + 200)

static struct {
	const char *program;
	int fd;
	bool verbose;
	bool no_stderr;
} the_log = {.program = "murder", .fd = -1};

static const char *const level_word[] = {
    [LEVEL_ERROR] = "error",
    [LEVEL_WARN] = "warning",
    [LEVEL_INFO] = "info",
    [LEVEL_DEBUG] = "debug",
};

void
log_program(const char *name)
{
	the_log.program = name;
}

void
log_verbose(bool on)
{
	the_log.verbose = on;
}

bool
log_is_verbose(void)
{
	return the_log.verbose;
}

int
log_open(const char *path)
{
	int fd = open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
	    0644);

	if (fd == -1)
		return errno;
	if (the_log.fd != -1)
		(void)close(the_log.fd);
	the_log.fd = fd;
	return 0;
}

int
log_fd(void)
{
	return the_log.fd;
}

void
log_leave_stderr(void)
{
	the_log.no_stderr = true;
}

/* Copies text to out (of LOG_TEXT + 1 bytes), control characters as \xHH. */
static void
escape(char *out, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *text != '\0' && n + 4 <= LOG_TEXT; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != 0x7f) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	out[n] = '\0';
}

/* One write a line. What cannot be logged is lost: there is nobody to tell. */
static void
put_line(int fd, const char *line, int n)
{
	ssize_t done;

	if (n <= 0)
		return;
	if (n > LOG_LINE - 1)
		n = LOG_LINE - 1;
	do
		done = write(fd, line, (size_t)n);
	while (done == -1 && errno == EINTR);
}

static void
put_file(enum log_level level, const char *text)
{
	char line[LOG_LINE];
	char when[40];
	struct timespec ts;
	struct tm tm;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (gmtime_r(&ts.tv_sec, &tm) == NULL ||
	    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		when[0] = '\0';
	put_line(the_log.fd, line,
	    snprintf(line, sizeof(line), "%s.%03ldZ %s[%ld] %s: %s\n", when,
		ts.tv_nsec / 1000000, the_log.program, (long)getpid(),
		level_word[level], text));
}

static void __attribute__((format(printf, 2, 0)))
log_put(enum log_level level, const char *fmt, va_list ap)
{
	int saved = errno;
	char raw[LOG_TEXT + 1];
	char text[LOG_TEXT + 1];
	char line[LOG_LINE];

	if (level == LEVEL_DEBUG && !the_log.verbose)
		return;
	if (vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
		return;
	escape(text, raw);
	if (the_log.fd != -1)
		put_file(level, text);
	if (!the_log.no_stderr)
		put_line(STDERR_FILENO, line,
		    snprintf(
			line, sizeof(line), "%s: %s\n", the_log.program, text));
	errno = saved;
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_put(LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_put(LEVEL_WARN, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_put(LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_put(LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}
