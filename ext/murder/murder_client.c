/*
 * murder_client: fetches a file with the help of every other host, or serves
 * it. doc/PROGRAMS.md and murder_client(1) tell the command line.
 */
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/rack.h"
#include "io/cli.h"
#include "io/client.h"
#include "io/daemon.h"
#include "io/extract.h"
#include "io/kernel.h"
#include "io/log.h"
#include "io/status.h"

enum command { PEER, SEEDER, STOP, STATUS, EXTRACT };

#define LINGER_S 30
#define TIMEOUT_S 60
#define WAIT_S 10
#define DAY_S 86400

static const struct cli_command commands[] = {
    {"peer", PEER, "X.torrent OUT [LOCAL_IP]",
	"Fetch OUT from the other hosts, then serve it for a while."},
    {"seeder", SEEDER, "X.torrent FILE [LOCAL_IP]",
	"Serve FILE to the other hosts until stopped."},
    {"seed", SEEDER, "X.torrent FILE [LOCAL_IP]", NULL},
    {"stop", STOP, "peer|seeder", "Stop the process of a tag, or all."},
    {"status", STATUS, "[peer|seeder]", "List the processes that run."},
    {"extract", EXTRACT, "ARCHIVE DIR", "Unpack an archive safely."},
};

/* The command line, as the table below fills it in. */
static struct line {
	bool daemon, progress, verbose, all, outside_links, no_stripes;
	int64_t linger_s, timeout_s, wait_s, port, rack_by;
	const char *extract, *rack, *tag, *run_dir, *log;
} line = {.linger_s = LINGER_S, .timeout_s = TIMEOUT_S, .wait_s = WAIT_S};

#define BIT(command) (1u << (command))

static const struct cli_option options[] = {
    {.name = "extract",
	.kind = CLI_STRING,
	.value = "DIR",
	.help = "Unpack the complete OUT into DIR.",
	.commands = BIT(PEER),
	.to.string = &line.extract},
    {.name = "outside-links",
	.kind = CLI_FLAG,
	.help = "Unpack symbolic links that lead out of DIR too.",
	.commands = BIT(PEER) | BIT(EXTRACT),
	.to.flag = &line.outside_links},
    {.name = "linger",
	.kind = CLI_INT,
	.value = "SECONDS",
	.help = "Go on serving so long in the background (30).",
	.max = DAY_S,
	.commands = BIT(PEER),
	.to.integer = &line.linger_s},
    {.name = "timeout",
	.kind = CLI_INT,
	.value = "SECONDS",
	.help = "Give up after so long without progress (60).",
	.min = 1,
	.max = DAY_S,
	.commands = BIT(PEER) | BIT(SEEDER),
	.to.integer = &line.timeout_s},
    {.name = "daemon",
	.kind = CLI_FLAG,
	.help = "Return as soon as the tracker knows of the seeder.",
	.commands = BIT(SEEDER),
	.to.flag = &line.daemon},
    {.name = "port",
	.kind = CLI_INT,
	.value = "N",
	.help = "Listen on this port (any free one).",
	.max = UINT16_MAX,
	.commands = BIT(PEER) | BIT(SEEDER),
	.to.integer = &line.port},
    {.name = "progress",
	.kind = CLI_FLAG,
	.help = "Print progress lines for programs on stdout.",
	.commands = BIT(PEER),
	.to.flag = &line.progress},
    {.name = "rack",
	.kind = CLI_STRING,
	.value = "LABEL",
	.help = "The rack of this host: what a rack needs comes in once.",
	.commands = BIT(PEER),
	.to.string = &line.rack},
    {.name = "rack-by",
	.kind = CLI_INT,
	.value = "BITS",
	.help = "Without --rack: hosts whose addresses begin alike are a rack "
		"(24: each IPv4 /24; 64: each IPv6 /64).",
	.min = 1,
	.max = 128,
	.commands = BIT(PEER),
	.to.integer = &line.rack_by},
    {.name = "no-stripes",
	.kind = CLI_FLAG,
	.help = "Ask for every piece; the tracker's plan of who sends what to "
		"whom is for others.",
	.commands = BIT(PEER) | BIT(SEEDER),
	.to.flag = &line.no_stripes},
    {.name = "tag",
	.kind = CLI_STRING,
	.value = "TAG",
	.help = "Name of the transfer (base name of X.torrent).",
	.commands = BIT(PEER) | BIT(SEEDER) | BIT(STOP) | BIT(STATUS),
	.to.string = &line.tag},
    {.name = "all",
	.kind = CLI_FLAG,
	.help = "Stop every tag.",
	.commands = BIT(STOP),
	.to.flag = &line.all},
    {.name = "wait",
	.kind = CLI_INT,
	.value = "SECONDS",
	.help = "Kill it if it does not end within so long (10).",
	.max = DAY_S,
	.commands = BIT(STOP),
	.to.integer = &line.wait_s},
    {.name = "run-dir",
	.kind = CLI_STRING,
	.value = "DIR",
	.help = "Where pid files live (run beside the program).",
	.to.string = &line.run_dir},
    {.name = "log",
	.kind = CLI_STRING,
	.value = "FILE",
	.help = "Append log lines to FILE.",
	.to.string = &line.log},
    {.name = "verbose",
	.kind = CLI_FLAG,
	.help = "Tell more.",
	.to.flag = &line.verbose},
};

static const struct cli cli = {.program = "murder_client",
    .summary = "Fetches a file with the help of every other host.",
    .commands = commands,
    .n_commands = sizeof(commands) / sizeof(commands[0]),
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0])};

/* One line about a wrong command line; gives its status. */
#define usage(...) (log_error(__VA_ARGS__), (int)STATUS_USAGE)

static int
transfer(const struct line *l, const struct cli_args *args)
{
	char tag[DAEMON_TAG_MAX + 1];
	struct client_options o = {
	    .role = args->command == PEER ? CLIENT_PEER : CLIENT_SEEDER,
	    .extract = l->extract,
	    .outside_links = l->outside_links,
	    .detach = args->command == PEER || l->daemon,
	    .progress = l->progress,
	    .linger_s = l->linger_s,
	    .timeout_s = l->timeout_s,
	    .port = l->port,
	    .rack = l->rack,
	    .rack_by = l->rack_by,
	    .stripes = !l->no_stripes,
	    .run_dir = l->run_dir,
	    .tag = l->tag};
	const char *ip = args->n_operands == 3 ? args->operand[2] : "";

	o.torrent = args->operand[0];
	o.path = args->operand[1];
	/* The original's scripts pass an empty address when they know none. */
	if (ip[0] != '\0') {
		o.has_ip = true;
		if (addr_from_text(&o.ip, span_str(ip), 0) != 0)
			return usage("%s: is not an IP address", ip);
	}
	if (o.rack != NULL && !rack_label_ok(span_str(o.rack)))
		return usage("--rack: '%s' is not a label: 1 to %u printable "
			     "ASCII characters without blanks",
		    o.rack, LIMIT_RACK_BYTES);
	if (o.tag == NULL) {
		if (!client_tag(tag, o.torrent))
			return usage("%s: its name is too long for a tag: "
				     "give one with --tag",
			    o.torrent);
		o.tag = tag;
	}
	return (int)client_run(&o);
}

static bool
is_role(const char *s)
{
	return strcmp(s, "peer") == 0 || strcmp(s, "seeder") == 0;
}

static int
stop(const struct line *l, const struct cli_args *args)
{
	struct daemon_id id = {
	    .run_dir = l->run_dir, .role = args->operand[0], .tag = l->tag};

	if (!is_role(id.role))
		return usage("%s: say \"peer\" or \"seeder\"", id.role);
	if (l->all == (l->tag != NULL))
		return usage("say which with --tag TAG, or --all");
	if (l->all)
		return daemon_stop_all(&id, (int)l->wait_s);
	return daemon_stop(&id, (int)l->wait_s);
}

static int
status(const struct line *l, const struct cli_args *args)
{
	static const char *const roles[] = {"seeder", "peer"};
	const char *only = args->n_operands == 1 ? args->operand[0] : NULL;
	struct daemon_id id = {.run_dir = l->run_dir, .tag = l->tag};
	int all = STATUS_NOT_RUNNING;

	if (only != NULL && !is_role(only))
		return usage("%s: say \"peer\" or \"seeder\"", only);
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		int st;

		if (only != NULL && strcmp(only, roles[i]) != 0)
			continue;
		id.role = roles[i];
		st = daemon_status(&id);
		if (st != STATUS_NOT_RUNNING && all != STATUS_FAILED)
			all = st;
	}
	if (all == STATUS_NOT_RUNNING)
		log_error("no %s%s%s runs here (run directory %s)",
		    only != NULL ? only : "seeder or peer",
		    l->tag != NULL ? " with tag " : "",
		    l->tag != NULL ? l->tag : "", l->run_dir);
	return all;
}

/* Set by a signal: unpacking then cleans up and ends. */
static atomic_bool interrupted;

static void
on_signal(int signo)
{
	(void)signo;
	atomic_store(&interrupted, true);
}

static int
extract(const struct line *l, const struct cli_args *args)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	const struct extract_options o = {
	    .outside_links = l->outside_links, .cancel = &interrupted};
	struct sigaction act = {.sa_handler = on_signal}, old;
	struct ioerr e = IOERR_NONE;
	struct extract_totals t;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		/* nohup has SIGHUP ignored, and means it */
		if (sigaction(ends[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(ends[i], &act, NULL);
	}
	act.sa_handler = SIG_IGN;
	sigaction(SIGXFSZ, &act, NULL); /* an error of write(2) instead */
	if (extract_archive(args->operand[0], args->operand[1], &o, &t, &e) !=
	    0)
		return (int)ioerr_report(&e);
	log_info("%s: %" PRIu64 " members, %" PRIu64 " bytes", args->operand[1],
	    t.n_members, t.bytes);
	return STATUS_OK;
}

int
main(int argc, char **argv)
{
	struct line *l = &line;
	char run_dir[PATH_MAX];
	struct cli_args args;
	int st;

	log_program("murder_client");
	if (!kernel_suffices())
		return STATUS_FAILED;
	if (!cli_parse(&cli, argc, argv, &args, &st))
		return st;
	log_verbose(l->verbose);
	if (l->log != NULL && (st = log_open(l->log)) != 0) {
		log_error("%s: cannot be written: %s", l->log, strerror(st));
		return STATUS_DISK;
	}
	if (l->run_dir == NULL) {
		if (!daemon_run_dir(run_dir)) {
			log_error("cannot tell where this program lies: give "
				  "--run-dir");
			return STATUS_FAILED;
		}
		l->run_dir = run_dir;
	}
	switch ((enum command)args.command) {
	case PEER:
	case SEEDER:
		return transfer(l, &args);
	case STOP:
		return stop(l, &args);
	case STATUS:
		return status(l, &args);
	case EXTRACT:
		return extract(l, &args);
	}
	return STATUS_FAILED;
}
