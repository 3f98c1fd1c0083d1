#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_help.h"
#include "log.h"
#include "status.h"

/* Prints one line on stderr that ends in where to read more. */
static bool __attribute__((format(printf, 3, 4)))
refuse(const struct cli *c, int *status, const char *fmt, ...)
{
	char text[800];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_program(c->program);
	log_error("%s (see %s --help)", text, c->program);
	*status = STATUS_USAGE;
	return false;
}

bool
cli_integer(const char *text, int64_t min, int64_t max, int64_t *out)
{
	size_t i = text[0] == '-' ? 1 : 0;
	int64_t v = 0;

	if (text[i] == '\0')
		return false;
	for (; text[i] != '\0'; i++) {
		int digit = text[i] - '0';

		if (digit < 0 || digit > 9)
			return false;
		if (v > (INT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (text[0] == '-')
		v = -v;
	if (v < min || v > max)
		return false;
	*out = v;
	return true;
}

/* As cli_integer(), with K, M or G (1024 to the 1st, 2nd, 3rd) behind it. */
static bool
size_bytes(const char *text, int64_t min, int64_t max, int64_t *out)
{
	static const char letters[] = "KMG";
	char digits[24];
	size_t n = strlen(text);
	const char *letter = NULL;
	unsigned shift = 0;

	if (n == 0 || n >= sizeof(digits))
		return false;
	letter = strchr(letters, text[n - 1]);
	if (letter != NULL) {
		shift = 10u * (unsigned)(letter - letters + 1);
		n--;
	}
	memcpy(digits, text, n);
	digits[n] = '\0';
	if (!cli_integer(digits, 0, INT64_MAX >> shift, out))
		return false;
	*out = (int64_t)((uint64_t)*out << shift);
	return *out >= min && *out <= max;
}

bool
cli_host_port(const char *text, struct cli_host_port *out)
{
	const char *colon = strrchr(text, ':');
	const char *host = text;
	struct in6_addr v6;
	bool bracketed;
	size_t n;
	int64_t port;

	if (colon == NULL || !cli_integer(colon + 1, 1, UINT16_MAX, &port))
		return false;
	n = (size_t)(colon - text);
	bracketed = n >= 2 && text[0] == '[' && text[n - 1] == ']';
	if (bracketed) {
		host++;
		n -= 2;
	} else if (memchr(text, ':', n) != NULL) {
		return false; /* IPv6 wants brackets */
	}
	if (n == 0 || n >= sizeof(out->host) ||
	    strcspn(host, " /?#@[]\\\"<>%\t\r\n") < n)
		return false;
	memcpy(out->host, host, n);
	out->host[n] = '\0';
	out->port = (uint16_t)port;
	/* and brackets want IPv6 */
	return !bracketed || inet_pton(AF_INET6, out->host, &v6) == 1;
}

static const struct cli_option *
find_option(const struct cli *c, const char *name, size_t n)
{
	for (unsigned i = 0; i < c->n_options; i++) {
		const char *o = c->options[i].name;

		if (strlen(o) == n && memcmp(o, name, n) == 0)
			return &c->options[i];
	}
	return NULL;
}

static bool
take_list(const struct cli *c, const struct cli_option *o, const char *value,
    int *status)
{
	struct cli_host_ports *hp = o->to.host_ports;
	struct cli_list *l = o->to.list;
	unsigned *n = o->kind == CLI_LIST ? &l->n : &hp->n;

	if (*n == CLI_LIST_MAX)
		return refuse(c, status, "--%s is given more than %u times",
		    o->name, CLI_LIST_MAX);
	if (o->kind == CLI_LIST)
		l->v[*n] = value;
	else if (!cli_host_port(value, &hp->v[*n]))
		return refuse(
		    c, status, "--%s: '%s' is not HOST:PORT", o->name, value);
	(*n)++;
	return true;
}

static bool
take_value(const struct cli *c, const struct cli_option *o, const char *value,
    int *status)
{
	bool ok;

	if (value[0] == '\0')
		return refuse(
		    c, status, "--%s: its %s is empty", o->name, o->value);
	switch (o->kind) {
	case CLI_FLAG:
		break;
	case CLI_STRING:
		*o->to.string = value;
		return true;
	case CLI_INT:
	case CLI_SIZE:
		if (o->zero != NULL && strcmp(value, o->zero) == 0) {
			*o->to.integer = 0;
			return true;
		}
		ok = o->kind == CLI_INT
			 ? cli_integer(value, o->min, o->max, o->to.integer)
			 : size_bytes(value, o->min, o->max, o->to.integer);
		if (ok)
			return true;
		return refuse(c, status,
		    "--%s: '%s' is not a number from %lld to %lld%s%s", o->name,
		    value, (long long)o->min, (long long)o->max,
		    o->zero != NULL ? " or " : "",
		    o->zero != NULL ? o->zero : "");
	case CLI_HOST_PORT:
		if (cli_host_port(value, o->to.host_port))
			return true;
		return refuse(
		    c, status, "--%s: '%s' is not HOST:PORT", o->name, value);
	case CLI_LIST:
	case CLI_HOST_PORTS:
		return take_list(c, o, value, status);
	}
	return refuse(c, status, "--%s takes no value", o->name);
}

/* What the walk over argv keeps. */
struct walk {
	const struct cli *c;
	int argc;
	char **argv;
	int i;          /* the word being read */
	int n_operands; /* moved to argv[1…] */
	uint64_t given; /* bit i: options[i] was given */
	int *status;
};

/* Reads the option at argv[i] and its value, which may be argv[i + 1]. */
static bool
take_option(struct walk *w)
{
	const char *word = w->argv[w->i] + 2;
	size_t n = strcspn(word, "=");
	const struct cli_option *o = find_option(w->c, word, n);

	if (o == NULL || w->argv[w->i][1] != '-')
		return refuse(
		    w->c, w->status, "unknown option '%s'", w->argv[w->i]);
	w->given |= UINT64_C(1) << (o - w->c->options);
	if (o->kind == CLI_FLAG) {
		if (word[n] != '\0')
			return refuse(
			    w->c, w->status, "--%s takes no value", o->name);
		*o->to.flag = true;
		return true;
	}
	if (word[n] == '=')
		return take_value(w->c, o, word + n + 1, w->status);
	if (w->i + 1 == w->argc)
		return refuse(w->c, w->status, "--%s wants a value: %s",
		    o->name, o->value);
	return take_value(w->c, o, w->argv[++w->i], w->status);
}

/* Whether word i asks for help or the version and has been answered. */
static bool
take_question(struct walk *w)
{
	const char *word = w->argv[w->i];

	if (strcmp(word, "--help") == 0)
		cli_print_help(w->c);
	else if (strcmp(word, "--version") == 0)
		printf("%s %s\n", w->c->program, MURDER_VERSION);
	else
		return false;
	*w->status = fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
	return true;
}

static bool
walk_words(struct walk *w)
{
	bool options_end = false;

	for (w->i = 1; w->i < w->argc; w->i++) {
		char *word = w->argv[w->i];

		if (options_end || word[0] != '-' || word[1] == '\0') {
			w->argv[1 + w->n_operands++] = word;
			continue;
		}
		if (strcmp(word, "--") == 0) {
			options_end = true;
			continue;
		}
		if (take_question(w) || !take_option(w))
			return false;
	}
	return true;
}

/* Chooses the row by the first operand, which is then used up. */
static const struct cli_command *
choose_command(struct walk *w, char ***operand, unsigned *n)
{
	const struct cli *c = w->c;
	const struct cli_command *plain = NULL;

	*operand = w->argv + 1;
	*n = (unsigned)w->n_operands;
	for (unsigned i = 0; i < c->n_commands; i++) {
		const struct cli_command *row = &c->commands[i];

		if (row->name == NULL) {
			plain = row;
		} else if (*n > 0 && strcmp(row->name, w->argv[1]) == 0) {
			(*operand)++;
			(*n)--;
			return row;
		}
	}
	if (plain == NULL && *n == 0)
		(void)refuse(c, w->status, "what to do is missing");
	else if (plain == NULL)
		(void)refuse(c, w->status, "unknown command '%s'", w->argv[1]);
	return plain;
}

/* Checks the number of operands against "X OUT [LOCAL_IP]". */
static bool
check_operands(
    struct walk *w, const struct cli_command *row, const struct cli_args *a)
{
	const char *p = row->operands;
	unsigned i = 0;

	for (; *p != '\0'; i++) {
		size_t n = strcspn(p, " ");

		if (i >= a->n_operands && p[0] != '[')
			return refuse(w->c, w->status, "%s%s%.*s is missing",
			    row->name != NULL ? row->name : "",
			    row->name != NULL ? ": " : "", (int)n, p);
		/* The original's scripts pass an empty LOCAL_IP. */
		if (p[0] != '[' && a->operand[i][0] == '\0')
			return refuse(w->c, w->status, "a name is empty");
		p += n;
		p += strspn(p, " ");
	}
	if (a->n_operands > i)
		return refuse(w->c, w->status, "'%s' is one word too many",
		    a->operand[i]);
	return true;
}

static bool
check_options(struct walk *w, const struct cli_command *row)
{
	for (unsigned i = 0; i < w->c->n_options; i++) {
		const struct cli_option *o = &w->c->options[i];

		if ((w->given >> i & 1) == 0 || o->commands == 0 ||
		    (o->commands >> row->id & 1) != 0)
			continue;
		return refuse(w->c, w->status, "--%s does not go with %s%s",
		    o->name, row->name != NULL ? "the command " : "no command",
		    row->name != NULL ? row->name : "");
	}
	return true;
}

bool
cli_parse(const struct cli *c, int argc, char **argv, struct cli_args *out,
    int *status)
{
	struct walk w = {.c = c, .argc = argc, .argv = argv, .status = status};
	const struct cli_command *row;

	assert(c->n_options <= 64);
	*status = STATUS_OK;
	if (!walk_words(&w))
		return false;
	row = choose_command(&w, &out->operand, &out->n_operands);
	if (row == NULL)
		return false;
	out->command = row->id;
	return check_operands(&w, row, out) && check_options(&w, row);
}
