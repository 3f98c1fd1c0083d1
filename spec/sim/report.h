/* What came out of a simulation, as one JSON object per line. */
#ifndef MURDER_SIM_REPORT_H
#define MURDER_SIM_REPORT_H

#include "world.h"

struct report {
	const char *scenario; /* its name */
	double wall_s;
	uint64_t first_ns, median_ns, p99_ns, last_ns; /* of the fast */
	uint64_t slow_last_ns;                         /* 0: none */
	uint64_t bound_ns;
	double ratio;       /* last_ns / bound_ns */
	double slow_ratio;  /* slow_last_ns / what their link needs */
	double copies;      /* payloads the seeder sent */
	double rack_copies; /* the most that came into a rack, in payloads */
	uint64_t wasted;    /* bytes received twice or wrong */
	uint32_t n_finished;
};

void report_make(const struct world *w, struct report *r);
void report_print(const struct world *w, const struct report *r, FILE *out);

/* One line per host: {"host":1,"start_s":…,"done_s":…}. */
void report_hosts(const struct world *w, FILE *out);

#endif
