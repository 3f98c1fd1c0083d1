/*
 * The error codes of core and io: negative ints, each with a sentence. The
 * exit-status table of the programs (io/status.h) is a different thing: what
 * the operator sees. A function that fails returns one of these; 0 is success.
 */
#ifndef MURDER_CORE_ERR_H
#define MURDER_CORE_ERR_H

/* X(name, value, sentence) */
#define ERR_TABLE(X)                                                           \
	X(ERR_NOMEM, -1, "out of memory")                                      \
	X(ERR_LIMIT, -2, "larger than this program accepts")                   \
	X(ERR_TRUNCATED, -3, "ends too early")                                 \
	X(ERR_SYNTAX, -4, "is not valid bencode")                              \
	X(ERR_CANONICAL, -5, "is not canonical bencode")                       \
	X(ERR_DEPTH, -6, "is nested too deeply")                               \
	X(ERR_RANGE, -7, "holds a number out of range")                        \
	X(ERR_TYPE, -8, "holds a value of the wrong type")                     \
	X(ERR_MISSING, -9, "lacks a required key")                             \
	X(ERR_UNSAFE, -10, "holds an unsafe file name")                        \
	X(ERR_UNSUPPORTED, -11, "uses a feature this program refuses")         \
	X(ERR_PROTOCOL, -12, "violates the peer protocol")                     \
	X(ERR_INFO_HASH, -13, "belongs to another torrent")                    \
	X(ERR_REFUSED, -14, "was refused by the other side")                   \
	X(ERR_TRAILING, -15, "has bytes after its end")                        \
	X(ERR_IO, -16, "could not be read or written")                         \
	X(ERR_FULL, -17, "has no room left")                                   \
	X(ERR_LENGTH, -18, "has the wrong length")

enum err {
#define X(name, value, sentence) name = (value),
	ERR_TABLE(X)
#undef X
};

/*
 * Gives the sentence of a code ("is nested too deeply"), to be put behind the
 * name of the thing that failed. Unknown codes get "failed". Static storage.
 */
const char *err_sentence(int code);

#endif
