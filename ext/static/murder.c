/*
 * The three programs in one executable: which one it is, its name decides, and
 * failing that the first argument (`murder murder_client --help`). build.sh
 * renames each program's main() and keeps everything else of it to itself.
 */
#include <stdio.h>
#include <string.h>

#include "io/status.h"

int murder_tracker_main(int argc, char **argv);
int murder_make_torrent_main(int argc, char **argv);
int murder_client_main(int argc, char **argv);

static const struct program {
	const char *name;
	int (*main)(int argc, char **argv);
} programs[] = {
    {.name = "murder_tracker", .main = murder_tracker_main},
    {.name = "murder_make_torrent", .main = murder_make_torrent_main},
    {.name = "murder_client", .main = murder_client_main},
};

/* The program of that name, whatever directory stands before it, or NULL. */
static const struct program *
program_find(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(programs[i].name, name) == 0)
			return &programs[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	const struct program *p = argc > 0 ? program_find(argv[0]) : NULL;

	if (p == NULL && argc > 1) {
		p = program_find(argv[1]);
		argc--;
		argv++;
	}
	if (p == NULL) {
		fputs(
		    "murder: call it as murder_tracker, murder_make_torrent or "
		    "murder_client, or give that name first\n",
		    stderr);
		return STATUS_USAGE;
	}
	return p->main(argc, argv);
}
