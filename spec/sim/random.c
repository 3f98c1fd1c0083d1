#include "random.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"

/* Drawn one time in `of`, else the default; values are separated by blanks. */
struct choice {
	const char *key;
	uint32_t of;
	const char *values;
};

static const struct choice links[] = {
    {"hosts", 1, "1 2 3 4 6 8 12 16 24 40 64 100"},
    {"piece_length", 1, "16KiB 32KiB 64KiB 256KiB 1MiB 4MiB"},
    {"pieces", 1, "1 2 3 7 16 40 64 100 256 1100"},
    {"rate", 1,
	"300kbit 1Mbit 2500kbit 5Mbit 10Mbit 20Mbit 50Mbit 100Mbit "
	"1Gbit 10Gbit"},
    {"seeder_rate", 4, "300kbit 1Mbit 10Mbit 100Mbit 1Gbit 10Gbit"},
    {"down_rate", 6, "1Mbit 10Mbit 100Mbit 1Gbit"},
    {"latency", 2, "20us 1ms 10ms 50ms 150ms"},
    {"slow", 4, "0.02 0.1 0.3"},
    {"slow_factor", 3, "3 30"},
    {"fifo", 3, "1"},
    {"queue", 3, "32KiB 512KiB"},
    {"lowat", 2, "16KiB 64KiB"},
    {"chunk", 3, "4KiB 16KiB 64KiB"},
    {"stripes", 6, "0"},
    {"max_peers", 8, "8 16 40"},
    {"hash_rate", 6, "2MB 50MB"},
    {"hash_threads", 3, "1"},
    {"disk_rate", 6, "5MB 50MB"},
    {"disk_latency", 6, "10ms"},
    {"tracker_service", 6, "1ms 10ms"},
    {"trackers", 6, "2 3"},
};

static const struct choice racks[] = {
    {"racks", 1, "2 3 4 8"},
    {"oversubscription", 2, "2 4 8"},
    {"rack_labels", 2, "1"},
    {"rack_latency", 3, "100us 5ms"},
};

static const struct choice late[] = {
    {"skew", 1, "100ms 1s 5s 30s"},
};

static const struct choice deaths[] = {
    {"deaths", 1, "0.05 0.2 0.5"},
    {"death_power", 2, "0"},
    {"deaths_from", 2, "0"},
    {"restart", 2, "100ms 3s 20s"},
};

/* As when a rack loses its power. */
static const struct choice deaths_at_once[] = {
    {"deaths", 1, "0.2 0.5"},
    {"death_power", 4, "0"},
    {"deaths_from", 1, "0.3"},
    {"deaths_to", 1, "0.31"},
};

static const struct choice seeder_dies[] = {{"seeder_dies", 1, "1 1.05"}};

static const struct choice tracker_dies[] = {{"tracker_dies", 1, "1"}};

static const struct choice tracker_back[] = {
    {"tracker_dies", 1, "0.2 0.6 1"},
    {"tracker_back", 1, "500ms 5s 40s"},
};

static const struct choice leave[] = {{"linger", 1, "1ms 200ms 3s"}};

static const struct choice links_fail[] = {
    {"resets", 2, "1 5 40"},
    {"cut", 2, "0.1 0.3 0.5"},
    {"cut_from", 2, "0.05 0.7"},
    {"cut_for", 2, "300ms 5s"},
};

#define N(of) ((uint32_t)(sizeof(of) / sizeof((of)[0])))

struct draw {
	struct scenario *s;
	struct rng rng;
	char *text;
};

static void
set(struct draw *d, const char *line)
{
	const char *wrong = scenario_set(d->s, line);
	size_t n = strlen(d->text);

	if (wrong != NULL || n + strlen(line) + 2 > RANDOM_TEXT_BYTES) {
		fprintf(stderr, "random.c: %s: %s\n", line,
		    wrong != NULL ? wrong : "is too much text");
		abort(); /* a mistake in the tables above */
	}
	snprintf(
	    d->text + n, RANDOM_TEXT_BYTES - n, "%s%s", n > 0 ? " " : "", line);
}

static bool
one_in(struct draw *d, uint32_t n)
{
	return rng_below(&d->rng, n) == 0;
}

static void
set_one_of(struct draw *d, const struct choice *c)
{
	char copy[256], line[64], *value[16], *at = copy;
	uint32_t n = 0;

	snprintf(copy, sizeof(copy), "%s", c->values);
	for (; at != NULL && n < 16; n++) {
		value[n] = at;
		at = strchr(at, ' ');
		if (at != NULL)
			*at++ = '\0';
	}
	snprintf(
	    line, sizeof(line), "%s=%s", c->key, value[rng_below(&d->rng, n)]);
	set(d, line);
}

static void
draw(struct draw *d, const struct choice *of, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (one_in(d, of[i].of))
			set_one_of(d, &of[i]);
}

/* At most one kind that could take the last copy of a piece, or the way to
 * those who have it. */
static void
draw_faults(struct draw *d)
{
	switch (rng_below(&d->rng, 10)) {
	case 0:
		draw(d, deaths, N(deaths));
		break;
	case 1:
		draw(d, deaths_at_once, N(deaths_at_once));
		break;
	case 2:
		draw(d, seeder_dies, N(seeder_dies));
		break;
	case 3:
		draw(d, tracker_dies, N(tracker_dies));
		break;
	case 4:
		draw(d, tracker_back, N(tracker_back));
		break;
	case 5:
		draw(d, leave, N(leave));
		break;
	case 6:
		set(d, d->s->hosts > 4 ? "liars=2" : "liars=1");
		break;
	default:
		break;
	}
	if (d->s->tracker_dies == 0 && one_in(d, 4))
		draw(d, late, N(late));
	if (d->s->seeder_dies == 0 && one_in(d, 4))
		draw(d, links_fail, N(links_fail));
}

static uint64_t
slowest(const struct scenario *s)
{
	uint64_t rate = s->rate;

	if (s->down_rate != 0 && s->down_rate < rate)
		rate = s->down_rate;
	if (s->seeder_rate != 0 && s->seeder_rate < rate)
		rate = s->seeder_rate;
	if (s->racks > 0)
		rate = (uint64_t)((double)rate / s->oversubscription);
	if (s->hash_rate < rate)
		rate = s->hash_rate;
	if (s->disk_rate < rate)
		rate = s->disk_rate;
	return rate;
}

/* Nobody's link is slower than 100 kbit/s, none is taken by one chunk for long,
 * as none is by TCP, and hosts are near where queues are looked at. */
static void
limit_slowness(struct draw *d)
{
	const uint64_t least = 12500;

	if (d->s->racks > 0 && slowest(d->s) < 10 * least)
		set(d, "oversubscription=1");
	if ((double)slowest(d->s) / d->s->slow_factor < (double)least)
		set(d, "slow=0");
	if (slowest(d->s) < 250000)
		set(d, "chunk=4KiB");
	/* Beyond that the model's windows do not grow (fifo.h). */
	if (d->s->fifo != 0 && d->s->latency > 1000000)
		set(d, "latency=1ms");
}

/* So many pieces that a run takes seconds here, and ten minutes there. */
static void
limit_work(struct draw *d)
{
	uint64_t pieces = d->s->pieces;
	uint64_t most = (uint64_t)4 << 30; /* bytes to all hosts */
	char line[64];

	if (d->s->fifo != 0)
		most /= 4;
	while (pieces > 1 &&
	       (pieces * d->s->piece_length * d->s->hosts > most ||
		   pieces * d->s->piece_length / slowest(d->s) > 600))
		pieces /= 2;
	if (pieces != d->s->pieces) {
		snprintf(line, sizeof(line), "pieces=%u", (unsigned)pieces);
		set(d, line);
	}
	/* The limit counts in T*, which knows of `rate` alone. */
	snprintf(line, sizeof(line), "limit=%.0f",
	    20.0 * (double)d->s->rate / (double)slowest(d->s));
	set(d, line);
	if (one_in(d, 3)) {
		snprintf(line, sizeof(line), "length=%llu",
		    (unsigned long long)(pieces * d->s->piece_length -
					 rng_below(&d->rng,
					     (uint32_t)d->s->piece_length)));
		set(d, line);
	}
}

void
random_scenario(
    struct scenario *s, uint64_t n, char text[static RANDOM_TEXT_BYTES])
{
	struct draw d = {.s = s, .text = text};
	const char *wrong;

	rng_seed(&d.rng, n, 0);
	text[0] = '\0';
	draw(&d, links, N(links));
	if (one_in(&d, 3))
		draw(&d, racks, N(racks));
	draw_faults(&d);
	limit_slowness(&d);
	limit_work(&d);
	wrong = scenario_check(s);
	if (wrong != NULL) {
		fprintf(stderr, "random.c: %s: %s\n", text, wrong);
		abort();
	}
}
