#include <stdio.h>
#include <string.h>

#include "cli_help.h"

#define HELP_COLUMN 26 /* where the sentences begin */
#define HELP_WIDTH 80

/* Prints words from column `at`, which the cursor has reached or passed. */
static void
print_wrapped(const char *text, int column, int at)
{
	bool first = true;

	if (column >= at) {
		putchar('\n');
		column = 0;
	}
	printf("%*s", at - column, "");
	column = at;
	while (*text != '\0') {
		int n = (int)strcspn(text, " ");

		if (!first && column + 1 + n > HELP_WIDTH) {
			printf("\n%*s", at, "");
			column = at;
		} else if (!first) {
			putchar(' ');
			column++;
		}
		printf("%.*s", n, text);
		column += n;
		text += n;
		text += strspn(text, " ");
		first = false;
	}
	putchar('\n');
}

static void
print_usage(const struct cli *c)
{
	const char *lead = "usage:";

	for (unsigned i = 0; i < c->n_commands; i++) {
		const struct cli_command *row = &c->commands[i];

		if (row->help == NULL)
			continue;
		printf("%-6s %s%s%s%s%s [options]\n", lead, c->program,
		    row->name != NULL ? " " : "",
		    row->name != NULL ? row->name : "",
		    row->operands[0] != '\0' ? " " : "", row->operands);
		lead = "";
	}
}

static void
print_commands(const struct cli *c)
{
	for (unsigned i = 0; i < c->n_commands; i++) {
		const struct cli_command *row = &c->commands[i];

		if (row->help == NULL)
			continue;
		print_wrapped(row->help,
		    printf(
			"  %s", row->name != NULL ? row->name : "(no command)"),
		    HELP_COLUMN);
	}
}

/* " (with peer, seeder)" for an option that is not for every command. */
static void
note_commands(
    const struct cli *c, const struct cli_option *o, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < c->n_commands && o->commands != 0; i++) {
		const struct cli_command *row = &c->commands[i];
		int k;

		if (row->help == NULL || row->name == NULL ||
		    (o->commands >> row->id & 1) == 0)
			continue;
		k = snprintf(out + n, size - n, "%s%s",
		    n == 0 ? " (with " : ", ", row->name);
		if (k < 0 || (size_t)k >= size - n)
			return;
		n += (size_t)k;
	}
	if (n > 0 && n + 1 < size)
		memcpy(out + n, ")", 2);
}

static void
print_options(const struct cli *c)
{
	for (unsigned i = 0; i < c->n_options; i++) {
		const struct cli_option *o = &c->options[i];
		char note[120];
		char text[600];

		note_commands(c, o, note, sizeof(note));
		(void)snprintf(text, sizeof(text), "%s%s", o->help, note);
		print_wrapped(text,
		    printf("  --%s%s%s", o->name,
			o->kind == CLI_FLAG ? "" : " ",
			o->kind == CLI_FLAG ? "" : o->value),
		    HELP_COLUMN);
	}
	print_wrapped("print this and end", printf("  --help"), HELP_COLUMN);
	print_wrapped(
	    "print the version and end", printf("  --version"), HELP_COLUMN);
}

void
cli_print_help(const struct cli *c)
{
	print_usage(c);
	printf("\n%s\n", c->summary);
	if (c->n_commands > 1) {
		printf("\nCommands:\n");
		print_commands(c);
	}
	printf("\nOptions:\n");
	print_options(c);
}
