/*
 * The exit-status table of all three programs. The man pages and README quote
 * it and spec/e2e proves every row.
 */
#ifndef MURDER_IO_STATUS_H
#define MURDER_IO_STATUS_H

/* X(name, status, what it means) */
#define STATUS_TABLE(X)                                                        \
	X(STATUS_OK, 0, "done")                                                \
	X(STATUS_FAILED, 1, "something unforeseen, such as no memory")         \
	X(STATUS_USAGE, 2, "the command line is wrong")                        \
	X(STATUS_INPUT, 3, "a .torrent or archive is malformed or refused")    \
	X(STATUS_NO_INPUT, 4, "a named file is missing or unreadable")         \
	X(STATUS_DISK, 5, "cannot write: disk full, read-only, no permission") \
	X(STATUS_PORT, 6, "cannot listen: port in use or not permitted")       \
	X(STATUS_TRACKER, 7, "the tracker is unreachable or refuses")          \
	X(STATUS_STALLED, 8, "no peers, no seed, or no progress in time")      \
	X(STATUS_MISMATCH, 9, "the file does not match its .torrent")          \
	X(STATUS_BUSY, 10, "another process already does this")                \
	X(STATUS_NOT_RUNNING, 11, "there is no such process to stop or ask")   \
	X(STATUS_NOT_EMPTY, 12, "the destination is not empty")                \
	X(STATUS_INTERRUPTED, 13, "ended by a signal before it was done")

enum status {
#define X(name, value, meaning) name = (value),
	STATUS_TABLE(X)
#undef X
};

#endif
