/*
 * Programs that detach, for the tests of daemon.c: each test has a run
 * directory of its own.
 */
#ifndef SPEC_DETACHED_H
#define SPEC_DETACHED_H

#include <stdbool.h>
#include <sys/types.h>

#include "io/daemon.h"

/* cmocka's setup and teardown: makes and removes run_dir. */
int make_dir(void **state);
int remove_dir(void **state);
extern char run_dir[64];

/* The peer of that tag in run_dir. */
struct daemon_id id_of(const char *tag);

/* Starts a program that detaches and then does body: what it writes to stdout
 * comes out of *out. Gives the caller's process. */
pid_t start(void (*body)(struct daemon *), int *out);

/* Waits for a process: its exit status, or 1000 + the signal. */
int status_of(pid_t pid);

/* Reads one byte of the program's stdout; 0 at its end. */
char hear(int out);

/* Whether daemon_status() knows the peer of that tag. */
bool runs(const char *tag);

/* For bodies: write to stdout; lock or end; lock tag v1 and wait for ever. */
void say(const char *text);
void lock_as(struct daemon *d, const char *tag);
void serve(struct daemon *d);

#endif
