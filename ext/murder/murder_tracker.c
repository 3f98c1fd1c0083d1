/*
 * murder_tracker: which hosts take part in a deploy. Options, the lock, the
 * loop, an exit status; what a tracker does is in core/tracker.c.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/tracker.h"
#include "io/cli.h"
#include "io/daemon.h"
#include "io/heap.h"
#include "io/httpd.h"
#include "io/kernel.h"
#include "io/log.h"
#include "io/noise.h"
#include "io/status.h"

/* A peer is gone when it has missed this many announces. */
#define EXPIRY_INTERVALS 3u

enum command { SERVE, STOP, STATUS };

static struct {
	int64_t port, interval_s, wait_s;
	struct cli_list binds;
	const char *run_dir, *log;
	bool daemon, verbose;
} opt = {.port = 8998, .interval_s = 15, .wait_s = 10};

#define ONLY(id) (1u << (id))

static const struct cli_option options[] = {
    {.name = "port",
	.kind = CLI_INT,
	.value = "PORT",
	.help = "the port to listen on, and the tracker's name for stop and "
		"status; default 8998",
	.min = 1,
	.max = 65535,
	.to.integer = &opt.port},
    {.name = "bind",
	.kind = CLI_LIST,
	.value = "ADDRESS",
	.help = "listen on this address only; may be repeated; default every "
		"IPv4 and IPv6 address of the host",
	.commands = ONLY(SERVE),
	.to.list = &opt.binds},
    {.name = "interval",
	.kind = CLI_INT,
	.value = "SECONDS",
	.help = "how often peers are asked to announce; one that is silent "
		"for three times as long is gone; default 15",
	.min = 1,
	.max = 3600,
	.commands = ONLY(SERVE),
	.to.integer = &opt.interval_s},
    {.name = "daemon",
	.kind = CLI_FLAG,
	.help = "return when it listens and leave it running; success too if "
		"it runs already",
	.commands = ONLY(SERVE),
	.to.flag = &opt.daemon},
    {.name = "run-dir",
	.kind = CLI_STRING,
	.value = "DIR",
	.help = "where the pid file lives; default run beside the program",
	.to.string = &opt.run_dir},
    {.name = "log",
	.kind = CLI_STRING,
	.value = "FILE",
	.help = "append log lines to this file",
	.commands = ONLY(SERVE),
	.to.string = &opt.log},
    {.name = "verbose",
	.kind = CLI_FLAG,
	.help = "log every announce",
	.commands = ONLY(SERVE),
	.to.flag = &opt.verbose},
    {.name = "wait",
	.kind = CLI_INT,
	.value = "SECONDS",
	.help = "how long stop waits before it kills; default 10",
	.min = 0,
	.max = 3600,
	.commands = ONLY(STOP),
	.to.integer = &opt.wait_s},
};

static const struct cli_command commands[] = {
    {.id = SERVE,
	.operands = "",
	.help = "serve /announce, /scrape and /stats until it is stopped"},
    {.name = "stop",
	.id = STOP,
	.operands = "",
	.help = "end the tracker of that port"},
    {.name = "status",
	.id = STATUS,
	.operands = "",
	.help = "print role, tag and pid of the tracker of that port"},
};

static const struct cli command_line = {
    .program = "murder_tracker",
    .summary = "Tells the hosts of a deploy about each other.",
    .commands = commands,
    .n_commands = sizeof(commands) / sizeof(commands[0]),
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
};

/* Reads --bind into out; false after one printed line. */
static bool
read_binds(struct addr out[HTTPD_BINDS_MAX])
{
	_Static_assert(CLI_LIST_MAX <= HTTPD_BINDS_MAX, "--bind fits");
	for (unsigned i = 0; i < opt.binds.n; i++) {
		if (addr_from_text(&out[i], span_str(opt.binds.v[i]), 0) == 0)
			continue;
		log_error("--bind: '%s' is not an IPv4 or IPv6 address",
		    opt.binds.v[i]);
		return false;
	}
	return true;
}

/* A descriptor that is readable once we are asked to end, by any of the usual
 * signals, which from then on do nothing else; -1 after one printed line. */
static int
open_stop_fd(void)
{
	sigset_t set;
	int fd;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd == -1)
		log_error("cannot wait for signals: %s", strerror(errno));
	return fd;
}

static int
make_tracker(struct tracker **out)
{
	struct tracker_config c;

	tracker_config_init(&c);
	c.mem = &heap;
	c.interval = TICK_S(opt.interval_s);
	c.expiry = TICK_S(opt.interval_s * EXPIRY_INTERVALS);
	if (noise_fill(&c.seed, sizeof(c.seed)) != 0 ||
	    tracker_new(out, &c) != 0) {
		log_error("out of memory or randomness");
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

/* Listens, tells the caller and serves until asked to end. */
static int
serve_locked(struct daemon *d, const struct addr *binds)
{
	struct tracker *t = NULL;
	struct httpd *h = NULL;
	char text[64];
	int stop_fd = open_stop_fd();
	int st = stop_fd == -1 ? STATUS_FAILED : make_tracker(&t);

	if (st == STATUS_OK) {
		struct httpd_config c = {.tracker = t,
		    .port = (uint16_t)opt.port,
		    .binds = binds,
		    .n_binds = opt.binds.n};

		st = httpd_new(&h, &c);
	}
	(void)snprintf(
	    text, sizeof(text), "listening on port %d", (int)opt.port);
	if (st == STATUS_OK) {
		if (daemon_ready(d, STATUS_OK, text)) {
			httpd_run(h, stop_fd);
			log_info("asked to end");
		} else {
			st = STATUS_INTERRUPTED;
		}
	}
	httpd_free(h);
	tracker_free(t);
	if (stop_fd != -1)
		(void)close(stop_fd);
	return st;
}

/* Somebody holds our lock: what was asked for with --daemon is the case. */
static int
already_running(struct daemon *d, pid_t holder)
{
	char text[100];

	(void)snprintf(text, sizeof(text),
	    "already running on port %d (process %ld)", (int)opt.port,
	    (long)holder);
	if (!opt.daemon) {
		log_error("%s", text);
		return STATUS_BUSY;
	}
	return daemon_ready(d, STATUS_OK, text) ? STATUS_OK
						: STATUS_INTERRUPTED;
}

static int
serve(const struct daemon_id *id)
{
	struct addr binds[HTTPD_BINDS_MAX];
	struct daemon d;
	pid_t holder;
	int st, e;

	if (!read_binds(binds))
		return STATUS_USAGE;
	daemon_init(&d);
	if (opt.daemon)
		daemon_fork(&d);
	e = opt.log != NULL ? log_open(opt.log) : 0;
	if (e != 0) {
		log_error("%s: cannot be written to: %s", opt.log, strerror(e));
		return STATUS_DISK;
	}
	st = daemon_lock(&d, id, &holder);
	if (st == STATUS_BUSY)
		return already_running(&d, holder);
	if (st == STATUS_OK)
		st = serve_locked(&d, binds);
	daemon_end(&d);
	return st;
}

int
main(int argc, char **argv)
{
	char run_dir[PATH_MAX] = "run";
	char tag[8];
	struct daemon_id id = {.role = "tracker", .tag = tag};
	struct cli_args args;
	int st;

	log_program("murder_tracker");
	if (!kernel_suffices())
		return STATUS_FAILED;
	if (!cli_parse(&command_line, argc, argv, &args, &st))
		return st;
	log_verbose(opt.verbose);
	(void)snprintf(tag, sizeof(tag), "%d", (int)opt.port);
	(void)daemon_run_dir(run_dir);
	id.run_dir = opt.run_dir != NULL ? opt.run_dir : run_dir;
	switch ((enum command)args.command) {
	case SERVE:
		return serve(&id);
	case STOP:
		return daemon_stop(&id, (int)opt.wait_s);
	case STATUS:
		st = daemon_status(&id);
		if (st == STATUS_NOT_RUNNING)
			log_error("no tracker of port %s runs here (run "
				  "directory %s)",
			    tag, id.run_dir);
		return st;
	}
	return STATUS_FAILED;
}
