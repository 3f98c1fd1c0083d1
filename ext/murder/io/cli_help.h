/*
 * The --help text of a command-line table; private to cli.c.
 */
#ifndef MURDER_IO_CLI_HELP_H
#define MURDER_IO_CLI_HELP_H

#include "cli.h"

/* Prints usage, commands and options on stdout, at most 80 columns wide. */
void cli_print_help(const struct cli *c);

#endif
