/*
 * A scenario is a small file of "key = value" lines: what swarm, on what
 * network, with which faults. Every key has a default and can be given on the
 * command line as key=value. The table below is the whole language.
 */
#ifndef MURDER_SIM_SCENARIO_H
#define MURDER_SIM_SCENARIO_H

#include <stdint.h>
#include <stdio.h>

/* X(key, kind, default, what it is) */
#define SCENARIO_TABLE(X)                                                      \
	X(hosts, COUNT, "8", "receivers, besides one seeder")                  \
	X(piece_length, BYTES, "256KiB", "bytes of a piece, a power of two")   \
	X(pieces, COUNT, "256", "pieces, unless length is given")              \
	X(length, BYTES, "0", "bytes of payload")                              \
	X(rate, RATE, "1Gbit", "goodput of a host's link, each way")           \
	X(down_rate, RATE, "0", "the same downwards; 0: as rate")              \
	X(seeder_rate, RATE, "0", "the seeder's link; 0: as rate")             \
	X(latency, TIME, "200us", "one way between two hosts")                 \
	X(racks, COUNT, "0", "hosts are dealt to so many racks in turn")       \
	X(oversubscription, REAL, "1", "hosts' rates over their rack's link")  \
	X(rack_labels, COUNT, "0", "1: hosts are told their racks")            \
	X(rack_latency, TIME, "0", "one way, added between racks")             \
	X(skew, TIME, "0", "receivers launch evenly over this time")           \
	X(slow, REAL, "0", "share of receivers that are slow")                 \
	X(slow_factor, REAL, "10", "how many times slower")                    \
	X(chunk, BYTES, "0", "unit of service of a link; 0: by piece length")  \
	X(window, BYTES, "0", "on the way; 0: a round trip and 128 KiB")       \
	X(lowat, BYTES, "128KiB", "unsent bytes a socket takes")               \
	X(packet, BYTES, "78", "overhead of one small message on the wire")    \
	X(fifo, COUNT, "0", "1: one queue a link, TCP's windows, losses")      \
	X(queue, BYTES, "128KiB", "fifo: in front of each link")               \
	X(acks, BYTES, "64", "fifo: on the wire for each two full packets")    \
	X(hash_rate, RATE, "1GB", "bytes hashed a second, on one thread")      \
	X(hash_threads, COUNT, "2", "threads that hash and write")             \
	X(disk_rate, RATE, "2GB", "bytes written a second")                    \
	X(disk_latency, TIME, "50us", "of one write")                          \
	X(trackers, COUNT, "1", "announce targets; only the last ever lives")  \
	X(tracker_service, TIME, "30us", "CPU time of one announce")           \
	X(connect_timeout, TIME, "3s", "to a host that is gone")               \
	X(announce_timeout, TIME, "5s", "to a tracker that is gone")           \
	X(deaths, REAL, "0", "share of receivers killed")                      \
	X(death_power, COUNT, "1", "1: they vanish; 0: the process ends")      \
	X(deaths_from, REAL, "0.1", "in T*")                                   \
	X(deaths_to, REAL, "0.9", "in T*")                                     \
	X(restart, TIME, "0", "the killed come back after so long; 0: never")  \
	X(seeder_dies, REAL, "0", "once it sent so many copies; 0: never")     \
	X(tracker_dies, REAL, "0", "once this share announced; 0: never")      \
	X(tracker_back, TIME, "0", "the tracker restarts empty after this")    \
	X(linger, TIME, "0", "the finished stop after so long; 0: never")      \
	X(liars, COUNT, "0", "receivers whose payload is wrong")               \
	X(resets, COUNT, "0", "connections reset during T*")                   \
	X(cut, REAL, "0", "share of receivers cut off from the rest")          \
	X(cut_from, REAL, "0.3", "in T*")                                      \
	X(cut_for, TIME, "1s", "how long")                                     \
	X(limit, REAL, "20", "give up after so many T*, plus 120 s")           \
	X(max_ratio, REAL, "0", "fail if T_last / bound is above; 0: any")     \
	X(max_copies, REAL, "0", "fail if the seeder sent more; 0: any")       \
	X(max_rack_copies, REAL, "0", "fail if more came into a rack; 0: any") \
	X(seeds, COUNT, "1", "seeds the suite runs, from 1")                   \
	X(block_bytes, BYTES, "0", "swarm_config; 0: its default")             \
	X(max_peers, COUNT, "0", "the same")                                   \
	X(want_peers, COUNT, "0", "the same")                                  \
	X(max_dialling, COUNT, "0", "the same")                                \
	X(upload_slots, COUNT, "0", "the same")                                \
	X(download_slots, COUNT, "0", "the same")                              \
	X(max_held_bytes, BYTES, "0", "the same")                              \
	X(silence, TIME, "0", "the same")                                      \
	X(idle, TIME, "0", "the same")                                         \
	X(stripes, COUNT, "1", "0: nobody takes part in the tracker's plan")

typedef uint64_t scenario_COUNT;
typedef uint64_t scenario_BYTES;
typedef uint64_t scenario_RATE; /* bytes per second */
typedef uint64_t scenario_TIME; /* ns */
typedef double scenario_REAL;

struct scenario {
#define X(key, kind, init, doc) scenario_##kind key;
	SCENARIO_TABLE(X)
#undef X
	uint32_t n_pieces; /* these two are worked out by scenario_check() */
	uint64_t payload;  /* bytes */
};

/* All defaults. */
void scenario_init(struct scenario *s);

/* Sets one key from "key=value" or "key = value"; '#' begins a comment, empty
 * lines are fine. NULL, or what is wrong with it (static). */
const char *scenario_set(struct scenario *s, const char *line);

/* Reads a file over s; -1 with a message on stderr naming file and line. */
int scenario_read(struct scenario *s, const char *path);

/* Fills in what follows from the rest; NULL or what is wrong. */
const char *scenario_check(struct scenario *s);

/* Bytes a second of a rack's link, each way; with racks only. */
uint64_t scenario_rack_rate(const struct scenario *s);

/* T* = (F/c)(1 + floor(log2 N)/M) in ns, c being `rate` or, where that is less,
 * the rate of a rack's link. */
uint64_t scenario_bound_ns(const struct scenario *s);

/* The same with launch skew: max(T* + J/2, J + F/d), at least T*. */
uint64_t scenario_skew_bound_ns(const struct scenario *s);

/* The table as text, for --help. */
void scenario_usage(FILE *out);

#endif
