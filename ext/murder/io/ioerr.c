#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/ioerr.h"
#include "io/log.h"

/* What to do about an errno; "" if there is nothing to say. */
static const char *
advice_for(int sys)
{
	switch (sys) {
	case ENOENT:
		return "check the path";
	case ENOTDIR:
		return "a part of the path is not a directory";
	case EACCES:
	case EPERM:
		return "check owner and permissions";
	case ENOSPC:
		return "free some space or choose another directory";
	case EDQUOT:
		return "the disk quota is used up; free some space";
	case EROFS:
		return "choose a directory on a writable file system";
	case EISDIR:
		return "name a file";
	case EFBIG:
		return "the file system or a limit does not allow such a "
		       "large file";
	case ENAMETOOLONG:
		return "choose a shorter name";
	case ELOOP:
		return "a symbolic link is in the way";
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files (ulimit -n)";
	case EIO:
		return "check the disk";
	default:
		return "";
	}
}

static int
fill_sys(struct ioerr *e, enum status status, const char *path,
    const char *verb, int sys)
{
	if (e->status != STATUS_OK)
		return e->code;
	e->status = sys == ENOMEM ? STATUS_FAILED : status;
	e->code = sys == ENOMEM ? ERR_NOMEM : ERR_IO;
	e->sys = sys;
	snprintf(e->path, sizeof(e->path), "%s", path != NULL ? path : "");
	snprintf(
	    e->what, sizeof(e->what), "cannot %s: %s", verb, strerror(sys));
	snprintf(e->advice, sizeof(e->advice), "%s", advice_for(sys));
	return e->code;
}

int
ioerr_read(struct ioerr *e, const char *path, const char *verb, int sys)
{
	return fill_sys(e, STATUS_NO_INPUT, path, verb, sys);
}

int
ioerr_write(struct ioerr *e, const char *path, const char *verb, int sys)
{
	return fill_sys(e, STATUS_DISK, path, verb, sys);
}

int
ioerr_set(struct ioerr *e, enum status status, const char *path,
    const char *format, ...)
{
	va_list ap;

	if (e->status != STATUS_OK)
		return e->code;
	e->status = status;
	e->code = status == STATUS_INPUT ? ERR_UNSAFE : ERR_IO;
	snprintf(e->path, sizeof(e->path), "%s", path != NULL ? path : "");
	va_start(ap, format);
	vsnprintf(e->what, sizeof(e->what), format, ap);
	va_end(ap);
	return e->code;
}

int
ioerr_core(struct ioerr *e, const char *path, int code)
{
	if (e->status != STATUS_OK)
		return e->code;
	e->status = code == ERR_NOMEM ? STATUS_FAILED : STATUS_INPUT;
	e->code = code;
	snprintf(e->path, sizeof(e->path), "%s", path != NULL ? path : "");
	snprintf(e->what, sizeof(e->what), "%s", err_sentence(code));
	return code;
}

int
ioerr_advise(struct ioerr *e, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(e->advice, sizeof(e->advice), format, ap);
	va_end(ap);
	return e->code;
}

/* Appends s at out[*used], control characters as \ooo, while there is room. */
static void
put_shown(char *out, size_t n, size_t *used, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != 0x7f) {
			if (n - *used < 2)
				return;
			out[(*used)++] = *s;
		} else {
			if (n - *used < 5)
				return;
			out[(*used)++] = '\\';
			out[(*used)++] = (char)('0' + (c >> 6));
			out[(*used)++] = (char)('0' + ((c >> 3) & 7));
			out[(*used)++] = (char)('0' + (c & 7));
		}
	}
}

void
ioerr_line(const struct ioerr *e, char *out, size_t n)
{
	const char *part[] = {e->path, e->what, e->advice};
	size_t used = 0;

	if (n == 0)
		return;
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		if (part[i][0] == '\0')
			continue;
		if (used > 0)
			put_shown(out, n, &used, ": ");
		put_shown(out, n, &used, part[i]);
	}
	out[used] = '\0';
}

enum status
ioerr_report(const struct ioerr *e)
{
	char line[2048];

	if (e->status == STATUS_OK)
		return STATUS_OK;
	ioerr_line(e, line, sizeof(line));
	log_error("%s", line);
	return e->status;
}
