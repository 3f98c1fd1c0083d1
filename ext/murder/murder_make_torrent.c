/*
 * murder_make_torrent: a file or directory becomes a payload and its .torrent.
 * Outputs are opened first, so that what must fail does so before the work.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/metainfo.h"
#include "io/cli.h"
#include "io/digest.h"
#include "io/heap.h"
#include "io/input.h"
#include "io/ioerr.h"
#include "io/kernel.h"
#include "io/log.h"
#include "io/output.h"
#include "io/pack.h"
#include "io/pieces.h"

#define PROGRAM "murder_make_torrent"
#define SUFFIX ".torrent"

struct options {
	const char *source;
	const char *target; /* the .torrent */
	const char *output; /* the payload; NULL: by default */
	struct cli_host_port tracker;
	struct cli_host_ports more;
	int64_t piece_length; /* bytes; 0: by the payload's length */
	int64_t level;
	bool outside_links;
	bool verbose;
};

/* The work at hand. */
struct job {
	struct options o;
	struct ioerr e;
	int fd; /* the source; -1: not open */
	struct stat st;
	char *payload_path;
	struct output *payload; /* NULL: the source itself is the payload */
	struct output *torrent;
	struct buf hashes;
	uint64_t length; /* of the payload, bytes */
};

/* ---- command line ------------------------------------------------------- */

static bool
check_operands(const struct cli_args *args, struct options *o)
{
	int64_t n = o->piece_length;

	if (!cli_host_port(args->operand[1], &o->tracker)) {
		log_error("'%s' is not TRACKER:PORT: write it as "
			  "tracker.example.com:8998 or [::1]:8998",
		    args->operand[1]);
		return false;
	}
	if (o->more.n >= LIMIT_TRACKERS) {
		log_error("--tracker is given more than %u times",
		    LIMIT_TRACKERS - 1);
		return false;
	}
	if ((n & (n - 1)) != 0) {
		log_error("--piece-length: %" PRId64
			  " is not a power of two: try 262144",
		    n);
		return false;
	}
	o->source = args->operand[0];
	o->target = args->operand[2];
	return true;
}

static bool
read_options(int argc, char **argv, struct options *o, int *status)
{
	const struct cli_command commands[] = {{.name = NULL,
	    .operands = "FILE_OR_DIRECTORY TRACKER:PORT TARGET.torrent",
	    .help = "Make TARGET.torrent; a directory is packed as .tgz."}};
	const struct cli_option options[] = {
	    {.name = "output",
		.kind = CLI_STRING,
		.value = "PAYLOAD",
		.help = "What the .torrent describes: the packed directory "
			"(default: TARGET without .torrent) or a copy of the "
			"file (default: the file itself).",
		.to.string = &o->output},
	    {.name = "piece-length",
		.kind = CLI_SIZE,
		.value = "BYTES",
		.help = "A power of two from 16K to 16M, or auto: by the "
			"payload's length; default 256K.",
		.min = LIMIT_PIECE_MIN,
		.max = LIMIT_PIECE_MAX,
		.zero = "auto",
		.to.integer = &o->piece_length},
	    {.name = "tracker",
		.kind = CLI_HOST_PORTS,
		.value = "HOST:PORT",
		.help = "One more tracker, asked when those before it fail.",
		.to.host_ports = &o->more},
	    {.name = "level",
		.kind = CLI_INT,
		.value = "N",
		.help = "How hard gzip tries, 1 to 9; default 6.",
		.min = 1,
		.max = 9,
		.to.integer = &o->level},
	    {.name = "outside-links",
		.kind = CLI_FLAG,
		.help = "Pack symbolic links that lead out of the directory.",
		.to.flag = &o->outside_links},
	    {.name = "verbose",
		.kind = CLI_FLAG,
		.help = "Say on stderr what is being done.",
		.to.flag = &o->verbose},
	};
	const struct cli cli = {.program = PROGRAM,
	    .summary = "Makes a .torrent for murder_client.",
	    .commands = commands,
	    .n_commands = 1,
	    .options = options,
	    .n_options = sizeof(options) / sizeof(options[0])};
	struct cli_args args;

	if (!cli_parse(&cli, argc, argv, &args, status))
		return false;
	*status = STATUS_USAGE;
	return check_operands(&args, o);
}

/* ---- the end by a signal ------------------------------------------------ */

static void
on_signal(int signo)
{
	static const char line[] =
	    PROGRAM ": interrupted: nothing was written\n";
	ssize_t n;

	(void)signo;
	output_abandon_all();
	n = write(STDERR_FILENO, line, sizeof(line) - 1);
	(void)n;
	_exit(STATUS_INTERRUPTED);
}

static void
watch_signals(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction act = {.sa_handler = on_signal}, old;

	sigfillset(&act.sa_mask);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		/* nohup has SIGHUP ignored, and means it */
		if (sigaction(ends[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(ends[i], &act, NULL);
	}
	/* these two are to be errors of write(2) */
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);
	sigaction(SIGXFSZ, &act, NULL);
}

/* ---- inputs and outputs ------------------------------------------------- */

/* Where the payload will be, unless it is the source itself: NULL then. */
static int
name_payload(struct job *j)
{
	const struct options *o = &j->o;
	size_t n = strlen(o->target);
	struct stat st;

	if (o->output != NULL) {
		/* the very file: nothing to copy */
		if (S_ISREG(j->st.st_mode) && stat(o->output, &st) == 0 &&
		    st.st_dev == j->st.st_dev && st.st_ino == j->st.st_ino)
			return 0;
		j->payload_path = strdup(o->output);
	} else if (S_ISDIR(j->st.st_mode)) {
		if (n < sizeof(SUFFIX) ||
		    strcmp(o->target + n - strlen(SUFFIX), SUFFIX) != 0) {
			ioerr_set(&j->e, STATUS_USAGE, o->target,
			    "does not end in " SUFFIX);
			return ioerr_advise(&j->e,
			    "name it so, or name the archive with --output");
		}
		j->payload_path = strndup(o->target, n - strlen(SUFFIX));
	} else {
		return 0;
	}
	return j->payload_path != NULL
		   ? 0
		   : ioerr_core(&j->e, o->target, ERR_NOMEM);
}

/* Refuses outputs that would destroy or become part of what is read. */
static int
check_apart(struct job *j)
{
	struct stat st;

	if (stat(j->o.target, &st) == 0 && st.st_dev == j->st.st_dev &&
	    st.st_ino == j->st.st_ino)
		return ioerr_set(&j->e, STATUS_USAGE, j->o.target,
		    "is the file itself: choose another name for the .torrent");
	if (j->payload != NULL && output_same(j->payload, j->torrent))
		return ioerr_set(&j->e, STATUS_USAGE, j->o.target,
		    "cannot be payload and .torrent at once: name two files");
	if (S_ISDIR(j->st.st_mode) && (output_is_below(j->torrent, j->fd) ||
					  output_is_below(j->payload, j->fd)))
		return ioerr_set(&j->e, STATUS_USAGE, j->o.target,
		    "lies in the directory to be packed: choose a place "
		    "outside of it");
	return 0;
}

static int
open_all(struct job *j)
{
	mode_t mode;
	int rc = input_open_any(&j->fd, &j->st, j->o.source, &j->e);

	if (rc < 0 || (rc = name_payload(j)) < 0 ||
	    (rc = output_new(&j->torrent, j->o.target, 0666, &j->e)) < 0)
		return rc;
	if (j->payload_path != NULL) {
		mode = S_ISDIR(j->st.st_mode) ? 0666 : j->st.st_mode & 0777;
		rc = output_new(&j->payload, j->payload_path, mode, &j->e);
		if (rc < 0)
			return rc;
	}
	return check_apart(j);
}

/* ---- the payload -------------------------------------------------------- */

static int
fail_pieces(struct job *j, int code)
{
	const char *path =
	    j->payload_path != NULL ? j->payload_path : j->o.source;

	if (code == ERR_IO)
		return ioerr_read(&j->e, path, "read", errno);
	if (code == ERR_LIMIT) {
		ioerr_set(&j->e, STATUS_USAGE, path, "has more than %u pieces",
		    LIMIT_PIECES);
		return ioerr_advise(&j->e, "use a larger --piece-length");
	}
	return ioerr_core(&j->e, path, code);
}

static int
archive_write(void *ctx, struct span bytes, struct ioerr *e)
{
	struct job *j = ctx;

	return output_write(j->payload, bytes, e);
}

static void
archive_warn(void *ctx, const char *path, const char *what)
{
	struct job *j = ctx;

	log_warn("%s/%s: %s", j->o.source, path, what);
}

static int
make_archive(struct job *j)
{
	const struct pack_options options = {.level = (int)j->o.level,
	    .outside_links = j->o.outside_links,
	    .write = archive_write,
	    .warn = archive_warn,
	    .ctx = j};

	log_debug("packing %s as %s", j->o.source, j->payload_path);
	return pack_directory(j->fd, j->o.source, &options, &j->e);
}

static int
copy_file(struct job *j)
{
	log_debug("copying %s to %s", j->o.source, j->payload_path);
	return output_copy(
	    j->payload, j->fd, (uint64_t)j->st.st_size, j->o.source, &j->e);
}

/* Hashes what is sent: the archive or the copy, if there is one. */
static int
hash_payload(struct job *j)
{
	int fd = j->payload != NULL ? output_fd(j->payload) : j->fd, rc;
	struct stat st;

	log_debug("hashing");
	if (fstat(fd, &st) == -1)
		return fail_pieces(j, ERR_IO);
	j->length = (uint64_t)st.st_size;
	if (j->o.piece_length == 0)
		j->o.piece_length = metainfo_good_piece_length(j->length);
	rc = pieces_of_file(
	    &j->hashes, fd, j->length, (uint32_t)j->o.piece_length, 0);
	if (rc < 0 && rc != ERR_TRUNCATED)
		return fail_pieces(j, rc);
	if (S_ISDIR(j->st.st_mode))
		return rc < 0 ? fail_pieces(j, rc) : 0;
	if (rc == ERR_TRUNCATED || fstat(j->fd, &st) == -1 ||
	    st.st_size != j->st.st_size ||
	    st.st_mtim.tv_sec != j->st.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != j->st.st_mtim.tv_nsec) {
		ioerr_set(&j->e, STATUS_NO_INPUT, j->o.source,
		    "changed while it was read");
		return ioerr_advise(&j->e, "try again when nobody writes it");
	}
	return 0;
}

static int
make_payload(struct job *j)
{
	int rc = 0;

	if (S_ISDIR(j->st.st_mode))
		rc = make_archive(j);
	else if (j->payload != NULL)
		rc = copy_file(j);
	return rc < 0 ? rc : hash_payload(j);
}

/* ---- the .torrent ------------------------------------------------------- */

/* "http://HOST:PORT/announce" in a static table; they live to the end. */
static struct span
announce_url(const struct cli_host_port *t)
{
	static char urls[LIMIT_TRACKERS][300];
	static size_t n;
	bool v6 = strchr(t->host, ':') != NULL;
	char *url = urls[n++]; /* check_operands() counted them */

	snprintf(url, sizeof(urls[0]), "http://%s%s%s:%u/announce",
	    v6 ? "[" : "", t->host, v6 ? "]" : "", (unsigned)t->port);
	return span_str(url);
}

/* The torrent's name: the payload's base name. */
static struct span
payload_name(const struct job *j)
{
	const char *slash;

	if (j->payload != NULL)
		return span_str(output_base(j->payload));
	slash = strrchr(j->o.source, '/');
	return span_str(slash != NULL ? slash + 1 : j->o.source);
}

static int
build_torrent(struct job *j, struct buf *out)
{
	struct span more[CLI_LIST_MAX];
	struct metainfo_spec spec = {.announce = announce_url(&j->o.tracker),
	    .more_trackers = more,
	    .name = payload_name(j),
	    .pieces = buf_span(&j->hashes),
	    .created_by = SPAN_LIT("murder " MURDER_VERSION),
	    .length = j->length,
	    .piece_length = (uint32_t)j->o.piece_length};
	int rc;

	for (unsigned i = 0; i < j->o.more.n; i++)
		more[i] = announce_url(&j->o.more.v[i]);
	spec.n_more_trackers = j->o.more.n;
	rc = metainfo_build(out, &spec);
	return rc < 0 ? ioerr_core(&j->e, j->o.target, rc) : 0;
}

/* Whether nobody is left to read our line: cap was interrupted, and may have
 * cleaned up already. */
static bool
caller_gone(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, 0) == 1 &&
	       (out.revents & (POLLERR | POLLHUP)) != 0;
}

/* Gives both files their names. What takes long or may fail comes before;
 * then no signal comes between. */
static int
commit(struct job *j)
{
	struct output *payload = j->payload, *target = j->torrent;
	sigset_t all;

	if ((payload != NULL && output_sync(payload, &j->e) < 0) ||
	    output_sync(target, &j->e) < 0)
		return j->e.code;
	if (caller_gone())
		return ioerr_set(&j->e, STATUS_INTERRUPTED, "standard output",
		    "nobody reads it any more: nothing was written");
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (payload != NULL) {
		j->payload = NULL; /* commit frees it, whatever comes */
		if (output_commit(payload, &j->e) < 0)
			return j->e.code;
	}
	j->torrent = NULL;
	return output_commit(target, &j->e);
}

/* Writes the .torrent, names the files, prints the line. */
static int
finish(struct job *j, const struct buf *torrent)
{
	char hex[2 * SHA1_BYTES + 1];
	uint8_t sum[SHA1_BYTES];
	struct metainfo m;
	const char *key;
	int rc = metainfo_parse(&m, buf_span(torrent), &key);

	if (rc < 0 || (rc = digest_sha1(m.info, sum)) < 0)
		return ioerr_core(&j->e, j->o.target, rc);
	rc = output_write(j->torrent, buf_span(torrent), &j->e);
	if (rc < 0 || (rc = commit(j)) < 0)
		return rc;
	digest_hex(sum, hex);
	printf("info_hash=%s length=%" PRIu64 " pieces=%" PRIu32
	       " piece_length=%" PRIu32 "\n",
	    hex, m.length, m.n_pieces, m.piece_length);
	if (fflush(stdout) == EOF)
		return ioerr_write(&j->e, "standard output", "write", errno);
	return 0;
}

static int
run(struct job *j)
{
	struct buf torrent;
	int rc;

	if ((rc = open_all(j)) < 0)
		return rc;
	if ((rc = make_payload(j)) < 0)
		return rc;
	buf_init(&torrent, &heap, LIMIT_TORRENT_BYTES);
	rc = build_torrent(j, &torrent);
	if (rc == 0)
		rc = finish(j, &torrent);
	buf_free(&torrent);
	return rc;
}

int
main(int argc, char **argv)
{
	struct job j = {.o = {.piece_length = 256 << 10, .level = 6}, .fd = -1};
	int status;

	log_program(PROGRAM);
	if (!kernel_suffices())
		return STATUS_FAILED;
	if (!read_options(argc, argv, &j.o, &status))
		return status;
	log_verbose(j.o.verbose);
	buf_init(&j.hashes, &heap, (size_t)LIMIT_PIECES * SHA1_BYTES);
	watch_signals();
	run(&j);
	output_discard(j.payload);
	output_discard(j.torrent);
	buf_free(&j.hashes);
	free(j.payload_path);
	if (j.fd != -1)
		close(j.fd);
	return (int)ioerr_report(&j.e);
}
