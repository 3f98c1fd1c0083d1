#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t
quantile(const uint64_t *v, uint32_t n, double q)
{
	uint32_t i = (uint32_t)(q * n);

	return n == 0 ? 0 : v[i < n ? i : n - 1];
}

void
report_make(const struct world *w, struct report *r)
{
	uint64_t *done = sim_zalloc(w->n_hosts, sizeof(*done));
	uint32_t i, n = 0;

	for (i = 0; i < w->n_hosts; i++) {
		const struct host *h = &w->hosts[i];
		struct swarm_stats s;

		if (h->swarm != NULL) {
			swarm_stats(h->swarm, &s);
			r->wasted += s.wasted;
		}
		if (i == SEEDER || h->done_at == 0)
			continue;
		r->n_finished++;
		if (!h->slow)
			done[n++] = h->done_at;
		else if (h->done_at > r->slow_last_ns)
			r->slow_last_ns = h->done_at;
	}
	qsort(done, n, sizeof(*done), compare);
	r->first_ns = quantile(done, n, 0);
	r->median_ns = quantile(done, n, 0.5);
	r->p99_ns = quantile(done, n, 0.99);
	r->last_ns = quantile(done, n, 1);
	r->bound_ns = scenario_skew_bound_ns(&w->sc);
	r->ratio = (double)r->last_ns / (double)r->bound_ns;
	r->slow_ratio =
	    (double)r->slow_last_ns /
	    ((double)sim_transfer_ns(w->sc.payload, w->sc.down_rate) *
		w->sc.slow_factor);
	for (i = 0; i < w->net.n_racks; i++) {
		double in = (double)w->net.rack_in[i].bytes;

		if (in > r->rack_copies * (double)w->sc.payload)
			r->rack_copies = in / (double)w->sc.payload;
	}
	r->copies = (double)w->hosts[SEEDER].sent / (double)w->sc.payload;
	free(done);
}

void
report_print(const struct world *w, const struct report *r, FILE *out)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	fprintf(out,
	    "{\"scenario\":\"%s\",\"seed\":%" PRIu64 ",\"hosts\":%" PRIu64
	    ",\"pieces\":%" PRIu32 ",\"finished\":%" PRIu32
	    ",\"first_s\":%.6f,\"median_s\":%.6f,\"p99_s\":%.6f,"
	    "\"last_s\":%.6f,\"bound_s\":%.6f,\"ratio\":%.4f,"
	    "\"seeder_copies\":%.3f,\"one_copy_out_s\":%.6f,\"wasted_bytes\":"
	    "%" PRIu64 ",\"control_bytes\":%" PRIu64 ",\"announces\":%" PRIu64,
	    r->scenario, w->seed, w->sc.hosts, w->sc.n_pieces, r->n_finished,
	    1e-9 * (double)r->first_ns, 1e-9 * (double)r->median_ns,
	    1e-9 * (double)r->p99_ns, 1e-9 * (double)r->last_ns,
	    1e-9 * (double)r->bound_ns, r->ratio, r->copies,
	    1e-9 * (double)w->out_at, r->wasted, w->control_bytes,
	    w->announces);
	if (r->slow_last_ns != 0)
		fprintf(out, ",\"slow_last_s\":%.6f,\"slow_ratio\":%.4f",
		    1e-9 * (double)r->slow_last_ns, r->slow_ratio);
	if (w->net.n_racks > 0)
		fprintf(out, ",\"rack_copies\":%.3f", r->rack_copies);
	fprintf(out,
	    ",\"events\":%" PRIu64 ",\"wall_s\":%.2f,\"memory_mib\":%.1f,"
	    "\"engine_kib_per_host\":%.1f,\"ok\":%s}\n",
	    w->sim.n_events, r->wall_s, (double)use.ru_maxrss / 1024,
	    (double)w->mem_top / 1024 / w->n_hosts,
	    w->failure[0] == '\0' ? "true" : "false");
	fflush(out);
}

void
report_hosts(const struct world *w, FILE *out)
{
	uint32_t i;

	for (i = 1; i < w->n_hosts; i++)
		fprintf(out,
		    "{\"host\":%" PRIu32
		    ",\"start_s\":%.6f,\"done_s\":%.6f,\"slow\":%s}\n",
		    i, 1e-9 * (double)w->hosts[i].start_at,
		    1e-9 * (double)w->hosts[i].done_at,
		    w->hosts[i].slow ? "true" : "false");
}
