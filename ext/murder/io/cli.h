/*
 * Command lines from a table: one row an option, one row a command word. The
 * table is also the --help text. Options may stand before, between or after
 * operands; "--" ends them; "--name=value" and "--name value" are the same.
 * When a single-valued option is given twice the last one wins.
 */
#ifndef MURDER_IO_CLI_H
#define MURDER_IO_CLI_H

#include <stdbool.h>
#include <stdint.h>

/* Times a repeatable option may be given. */
#define CLI_LIST_MAX 16u

enum cli_kind {
	CLI_FLAG,      /* to.flag: true when given; takes no value */
	CLI_STRING,    /* to.string: not empty, borrowed from argv */
	CLI_INT,       /* to.integer: decimal, min <= value <= max */
	CLI_SIZE,      /* the same in bytes; K, M, G behind it are binary */
	CLI_LIST,      /* to.list: repeatable string */
	CLI_HOST_PORT, /* to.host_port: HOST:PORT or [IPV6]:PORT */
	CLI_HOST_PORTS /* to.host_ports: the same, repeatable */
};

struct cli_list {
	const char *v[CLI_LIST_MAX]; /* borrowed from argv */
	unsigned n;
};

struct cli_host_port {
	char host[256]; /* a name or an address, without brackets */
	uint16_t port;  /* never 0 */
};

struct cli_host_ports {
	struct cli_host_port v[CLI_LIST_MAX];
	unsigned n;
};

struct cli_option {
	const char *name; /* "run-dir", without the dashes */
	enum cli_kind kind;
	const char *value; /* what --help calls the value: "DIR" */
	const char *help;  /* one sentence; the default belongs in it */
	int64_t min, max;  /* CLI_INT, CLI_SIZE */
	const char
	    *zero; /* CLI_SIZE: the word for 0, whatever min; NULL: none */
	unsigned commands; /* bits (1u << id) of the commands it goes with;
			      0: all */
	union {
		bool *flag;
		const char **string;
		int64_t *integer;
		struct cli_list *list;
		struct cli_host_port *host_port;
		struct cli_host_ports *host_ports;
	} to; /* left alone when the option is not given: set defaults there */
};

/* One way to call the program. The first operand chooses it by name; a row
 * whose name is NULL is taken when no name fits. Two rows with one id are
 * aliases. */
struct cli_command {
	const char *name;
	unsigned id;          /* below 32 */
	const char *operands; /* "X.torrent OUT [LOCAL_IP]"; "" for none; those
				 in brackets may be left out, or empty */
	const char *help;     /* one sentence; NULL: an alias, not listed */
};

struct cli {
	const char *program; /* "murder_client": in front of every error */
	const char *summary; /* one sentence for --help */
	const struct cli_command *commands;
	unsigned n_commands;
	const struct cli_option *options;
	unsigned n_options;
};

struct cli_args {
	unsigned command; /* the id of the row taken */
	char **operand;   /* without the command word; borrowed from argv */
	unsigned n_operands;
};

/*
 * Reads the command line, writing option values where the table says; argv is
 * reordered. True: go on with *out. False: the program is to end with *status,
 * which is 0 after --help or --version and STATUS_USAGE after one line on
 * stderr that says what is wrong. The log is given the program's name then.
 */
bool cli_parse(const struct cli *c, int argc, char **argv, struct cli_args *out,
    int *status);

/* Reads "HOST:PORT" or "[IPV6]:PORT"; false if it is neither. */
bool cli_host_port(const char *text, struct cli_host_port *out);

/* Reads a decimal in [min, max]; false on anything else behind or before it. */
bool cli_integer(const char *text, int64_t min, int64_t max, int64_t *out);

#endif
