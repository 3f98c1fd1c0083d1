#include "scenario.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "sim.h"

enum kind { COUNT, BYTES, RATE, TIME, REAL };

struct key {
	const char *name, *init, *doc;
	enum kind kind;
	size_t at; /* offset in struct scenario */
};

static const struct key keys[] = {
#define X(key, kind, init, doc)                                                \
	{#key, init, doc, kind, offsetof(struct scenario, key)},
    SCENARIO_TABLE(X)
#undef X
};
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

struct unit {
	const char *name;
	double times;
};

static const struct unit bytes_units[] = {
    {"", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {NULL, 0}};
static const struct unit rate_units[] = {{"", 1}, {"kB", 1e3}, {"MB", 1e6},
    {"GB", 1e9}, {"kbit", 125}, {"Mbit", 125e3}, {"Gbit", 125e6}, {NULL, 0}};
static const struct unit time_units[] = {
    {"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {NULL, 0}};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static const struct unit *const units[] = {[COUNT] = no_units,
    [BYTES] = bytes_units,
    [RATE] = rate_units,
    [TIME] = time_units,
    [REAL] = no_units};

static const char *
key_set(struct scenario *s, const struct key *k, const char *text)
{
	const struct unit *u = units[k->kind];
	char *end;
	double v = strtod(text, &end);
	uint64_t whole;

	if (end == text || !(v >= 0) || v > 1e15)
		return "is not a number of that kind";
	while (u->name != NULL && strcmp(u->name, end) != 0)
		u++;
	if (u->name == NULL)
		return "has an unknown unit";
	v *= u->times;
	if (k->kind == REAL) {
		memcpy((char *)s + k->at, &v, sizeof(v));
		return NULL;
	}
	if (v > 9e18)
		return "is too large";
	whole = (uint64_t)(v + 0.5);
	memcpy((char *)s + k->at, &whole, sizeof(whole));
	return NULL;
}

void
scenario_init(struct scenario *s)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < N_KEYS; i++) {
		const char *wrong = key_set(s, &keys[i], keys[i].init);

		if (wrong != NULL)
			abort();
	}
}

/* Cuts comment and blanks off both ends, in place. */
static char *
trim(char *text)
{
	size_t n;

	text[strcspn(text, "#\n")] = '\0';
	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	return text;
}

const char *
scenario_set(struct scenario *s, const char *line)
{
	char copy[256], *name, *value;
	size_t i;

	if (strlen(line) >= sizeof(copy))
		return "is too long";
	strcpy(copy, line);
	name = trim(copy);
	if (*name == '\0')
		return NULL;
	value = strchr(name, '=');
	if (value == NULL)
		return "is not key = value";
	*value++ = '\0';
	name = trim(name);
	value = trim(value);
	for (i = 0; i < N_KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return key_set(s, &keys[i], value);
	return "is not a key of a scenario";
}

int
scenario_read(struct scenario *s, const char *path)
{
	FILE *in = fopen(path, "r");
	char line[256];
	int n = 0;

	if (in == NULL) {
		fprintf(stderr, "murder_sim: %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (fgets(line, sizeof(line), in) != NULL) {
		const char *wrong = scenario_set(s, line);

		n++;
		if (wrong != NULL) {
			fprintf(
			    stderr, "murder_sim: %s:%d: %s\n", path, n, wrong);
			fclose(in);
			return -1;
		}
	}
	fclose(in);
	return 0;
}

static const char *
check_ranges(const struct scenario *s)
{
	if (s->hosts == 0 || s->hosts > 1000000)
		return "hosts must be 1 to 1,000,000";
	if (s->piece_length < LIMIT_PIECE_MIN ||
	    s->piece_length > LIMIT_PIECE_MAX ||
	    (s->piece_length & (s->piece_length - 1)) != 0)
		return "piece_length must be a power of two within limits.h";
	if (s->rate < 1000 || s->rate > 100000000000)
		return "rate must be 1 kB to 100 GB a second";
	if (s->racks > 65536 || s->oversubscription <= 0)
		return "racks or oversubscription is out of range";
	if (s->fifo != 0 && s->queue < 4096)
		return "queue must hold 4 KiB at least";
	if (s->trackers < 1 || s->trackers > LIMIT_TRACKERS)
		return "trackers is out of range";
	if (s->slow_factor < 1 || s->hash_threads < 1 || s->hash_rate == 0 ||
	    s->disk_rate == 0)
		return "slow_factor, hash_* or disk_rate is out of range";
	if (s->slow > 1 || s->deaths > 1 || s->cut > 1 || s->liars > s->hosts)
		return "slow, deaths, cut and liars are shares of the hosts";
	if (s->deaths_to < s->deaths_from)
		return "deaths_to lies before deaths_from";
	return NULL;
}

const char *
scenario_check(struct scenario *s)
{
	const char *wrong = check_ranges(s);
	uint64_t n;

	if (wrong != NULL)
		return wrong;
	s->payload = s->length != 0 ? s->length : s->pieces * s->piece_length;
	n = (s->payload + s->piece_length - 1) / s->piece_length;
	if (n == 0 || n > LIMIT_PIECES)
		return "length or pieces is out of range";
	s->n_pieces = (uint32_t)n;
	if (s->down_rate == 0)
		s->down_rate = s->rate;
	if (s->seeder_rate == 0)
		s->seeder_rate = s->rate;
	if (s->chunk == 0)
		s->chunk = s->fifo != 0 ? 4096 : s->piece_length / 8;
	if (s->chunk > 65536)
		s->chunk = 65536;
	if (s->chunk < 4096)
		s->chunk = 4096;
	if (s->length == 0 && s->chunk < 16384 && s->fifo == 0)
		s->chunk = 16384;
	if (s->window == 0)
		s->window = (uint64_t)(2e-9 * (double)s->rate *
				       (double)(s->latency + s->rack_latency)) +
			    131072;
	return NULL;
}

uint64_t
scenario_rack_rate(const struct scenario *s)
{
	uint64_t hosts = (s->hosts + s->racks - 1) / s->racks;

	return (
	    uint64_t)((double)s->rate * (double)hosts / s->oversubscription);
}

uint64_t
scenario_bound_ns(const struct scenario *s)
{
	uint64_t copy = sim_transfer_ns(s->payload, s->rate);
	uint64_t log2n = 0;

	while ((s->hosts >> (log2n + 1)) != 0)
		log2n++;
	/* Racks whose links carry less than a host's: all must pass them. */
	if (s->racks > 0 && scenario_rack_rate(s) < s->rate)
		copy = sim_transfer_ns(s->payload, scenario_rack_rate(s));
	return copy + copy / s->n_pieces * log2n;
}

uint64_t
scenario_skew_bound_ns(const struct scenario *s)
{
	uint64_t by_work = scenario_bound_ns(s) + s->skew / 2;
	uint64_t by_last = s->skew + sim_transfer_ns(s->payload, s->down_rate);

	if (s->skew == 0)
		return scenario_bound_ns(s);
	return by_work > by_last ? by_work : by_last;
}

void
scenario_usage(FILE *out)
{
	static const char *const kinds[] = {[COUNT] = "count",
	    [BYTES] = "bytes (KiB MiB GiB)",
	    [RATE] = "rate (kB MB GB, kbit Mbit Gbit, a second)",
	    [TIME] = "time (s ms us ns)",
	    [REAL] = "number"};
	size_t i;

	for (i = 0; i < N_KEYS; i++)
		fprintf(out, "  %-18s %-9s %s; %s\n", keys[i].name,
		    keys[i].init, keys[i].doc, kinds[keys[i].kind]);
}
