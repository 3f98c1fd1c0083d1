#include <pthread.h>
#include <sched.h>

#include "io/threads.h"

unsigned
threads_cores(void)
{
	cpu_set_t set;
	unsigned n;

	if (sched_getaffinity(0, sizeof(set), &set) == -1)
		return 1;
	n = (unsigned)CPU_COUNT(&set);
	return n < THREADS_MAX ? n : THREADS_MAX;
}

void
threads_run(unsigned n, void *(*work)(void *arg), void *arg)
{
	pthread_t helper[THREADS_MAX];
	unsigned made = 0;

	if (n > THREADS_MAX)
		n = THREADS_MAX;
	while (
	    made + 1 < n && pthread_create(&helper[made], NULL, work, arg) == 0)
		made++;
	work(arg);
	while (made > 0)
		pthread_join(helper[--made], NULL);
}
