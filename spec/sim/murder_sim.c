/*
 * murder_sim: runs scenarios on the shipped core and prints a JSON line each.
 * A failure prints the line that replays it and exits 1.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "random.h"
#include "report.h"
#include "usage.h"
#include "world.h"

#define MAX_OVERRIDES 64

struct options {
	const char *files[256];
	uint32_t n_files;
	const char *overrides[MAX_OVERRIDES];
	uint32_t n_overrides;
	uint64_t seed, n_seeds; /* n_seeds 0: as the scenario says */
	uint64_t n_random;
	bool trace, hosts, usage, suite;
};

static void
usage_text(FILE *out)
{
	fprintf(out,
	    "usage: murder_sim SCENARIO... [--seed N] [--seeds COUNT] "
	    "[--suite] [--hosts] [--usage] [--trace] [key=value]...\n"
	    "       murder_sim --random COUNT [--seed N] [--usage] ...\n"
	    "  --seed N       the first seed (1)\n"
	    "  --seeds COUNT  run so many seeds, one after the other\n"
	    "  --random COUNT so many scenarios drawn at random, the first by "
	    "the seed\n"
	    "  --suite        run as many seeds as each scenario asks for\n"
	    "  --hosts        one more line for each host\n"
	    "  --usage        where the up-links' time went, on stderr\n"
	    "  --trace        every action, on stdout\n"
	    "keys of a scenario, their defaults and what they mean:\n");
	scenario_usage(out);
}

static int
bad_option(const char *what)
{
	fprintf(stderr, "murder_sim: %s: not understood; see --help\n", what);
	return -1;
}

static int
number(const char *text, uint64_t *out)
{
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return bad_option(text == NULL ? "--seed" : text);
	errno = 0;
	*out = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0 ? 0 : bad_option(text);
}

static int
parse_one(struct options *o, char **argv, int *i)
{
	const char *a = argv[*i];

	if (strcmp(a, "--trace") == 0)
		o->trace = true;
	else if (strcmp(a, "--hosts") == 0)
		o->hosts = true;
	else if (strcmp(a, "--usage") == 0)
		o->usage = true;
	else if (strcmp(a, "--suite") == 0)
		o->suite = true;
	else if (strcmp(a, "--seed") == 0)
		return number(argv[++*i], &o->seed);
	else if (strcmp(a, "--random") == 0)
		return number(argv[++*i], &o->n_random);
	else if (strcmp(a, "--seeds") == 0)
		return number(argv[++*i], &o->n_seeds);
	else if (a[0] == '-')
		return bad_option(a);
	else if (strchr(a, '=') != NULL && o->n_overrides < MAX_OVERRIDES)
		o->overrides[o->n_overrides++] = a;
	else if (o->n_files < 256)
		o->files[o->n_files++] = a;
	else
		return bad_option(a);
	return 0;
}

static int
override(struct scenario *sc, const struct options *o, const char *file)
{
	const char *wrong;
	uint32_t i;

	for (i = 0; i < o->n_overrides; i++) {
		wrong = scenario_set(sc, o->overrides[i]);
		if (wrong != NULL) {
			fprintf(stderr, "murder_sim: %s: %s\n", o->overrides[i],
			    wrong);
			return -1;
		}
	}
	wrong = scenario_check(sc);
	if (wrong != NULL)
		fprintf(stderr, "murder_sim: %s: %s\n", file, wrong);
	return wrong == NULL ? 0 : -1;
}

static int
load(struct scenario *sc, const struct options *o, const char *file)
{
	scenario_init(sc);
	return scenario_read(sc, file) != 0 ? -1 : override(sc, o, file);
}

/* The command that shows this failure again. */
static void
print_replay(const struct options *o, const char *file, const struct world *w)
{
	uint32_t i;

	fprintf(stderr,
	    "murder_sim: %s: %s\nreplay: murder_sim %s --seed %" PRIu64, file,
	    w->failure, o->n_random > 0 ? "--random 1" : file, w->seed);
	for (i = 0; i < o->n_overrides; i++)
		fprintf(stderr, " %s", o->overrides[i]);
	fprintf(stderr, "\n");
}

static void
check_targets(struct world *w, const struct report *r)
{
	if (w->sc.max_ratio > 0 && r->ratio > w->sc.max_ratio)
		world_fail(w, "T_last / bound is %.3f, above %.3f", r->ratio,
		    w->sc.max_ratio);
	if (w->sc.max_copies > 0 && r->copies > w->sc.max_copies)
		world_fail(w, "the seeder sent %.3f copies, above %.3f",
		    r->copies, w->sc.max_copies);
	if (w->sc.max_rack_copies > 0 && r->rack_copies > w->sc.max_rack_copies)
		world_fail(w, "%.3f copies came into one rack, above %.3f",
		    r->rack_copies, w->sc.max_rack_copies);
}

static int
run(const struct options *o, const char *file, const struct scenario *sc,
    uint64_t seed)
{
	const char *name = strrchr(file, '/');
	struct report r = {.scenario = name == NULL ? file : name + 1};
	struct timespec begin, end;
	struct world w;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	world_init(&w, sc, seed);
	w.trace = o->trace ? stdout : NULL;
	if (o->usage)
		usage_start(&w);
	world_run(&w);
	clock_gettime(CLOCK_MONOTONIC, &end);
	r.wall_s = (double)(end.tv_sec - begin.tv_sec) +
		   1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
	report_make(&w, &r);
	check_targets(&w, &r);
	if (!o->trace)
		report_print(&w, &r, stdout);
	if (o->hosts)
		report_hosts(&w, stdout);
	if (o->usage)
		usage_print(&w, stderr);
	rc = w.failure[0] == '\0' ? 0 : 1;
	if (rc != 0)
		print_replay(o, file, &w);
	world_free(&w);
	if (rc == 0 && w.mem_used != 0) {
		fprintf(stderr,
		    "murder_sim: %s: seed %" PRIu64
		    ": %zu bytes of the engines were never freed\n",
		    file, seed, w.mem_used);
		rc = 1;
	}
	return rc;
}

static int
run_random(const struct options *o)
{
	char text[RANDOM_TEXT_BYTES];
	struct scenario sc;
	uint64_t n;
	int rc = 0;

	for (n = o->seed; n < o->seed + o->n_random; n++) {
		scenario_init(&sc);
		random_scenario(&sc, n, text);
		if (override(&sc, o, text) != 0)
			return 2;
		if (run(o, text, &sc, n) != 0)
			rc = 1;
	}
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o = {.seed = 1};
	uint32_t i;
	int a, rc = 0;

	for (a = 1; a < argc; a++) {
		if (strcmp(argv[a], "--help") == 0) {
			usage_text(stdout);
			return 0;
		}
		if (parse_one(&o, argv, &a) != 0)
			return 2;
	}
	if (o.n_random > 0 && o.n_files > 0) {
		(void)bad_option("--random with a scenario");
		return 2;
	}
	if (o.n_random > 0)
		return run_random(&o);
	if (o.n_files == 0) {
		usage_text(stderr);
		return 2;
	}
	for (i = 0; i < o.n_files; i++) {
		struct scenario sc;
		uint64_t n, s;

		if (load(&sc, &o, o.files[i]) != 0)
			return 2;
		n = o.n_seeds != 0 ? o.n_seeds : o.suite ? sc.seeds : 1;
		for (s = o.seed; s < o.seed + n; s++)
			if (run(&o, o.files[i], &sc, s) != 0)
				rc = 1;
	}
	return rc;
}
