/* Work split over the cores: no pool, threads live for one job. */
#ifndef MURDER_IO_THREADS_H
#define MURDER_IO_THREADS_H

#define THREADS_MAX 16u

/* Cores this process may use, at least 1, at most THREADS_MAX. */
unsigned threads_cores(void);

/* Runs work(arg) in n threads at once, this one among them, and waits. If not
 * all can be made, fewer do the work: it must share it out by itself. */
void threads_run(unsigned n, void *(*work)(void *arg), void *arg);

#endif
