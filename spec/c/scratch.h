/*
 * A directory of its own for each test that needs files: cmocka setup and
 * teardown, and short ways to fill and look.
 */
#ifndef MURDER_SPEC_SCRATCH_H
#define MURDER_SPEC_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* For cmocka_unit_test_setup_teardown(): makes the directory, changes into
 * it; removes it. */
int scratch_begin(void **state);
int scratch_end(void **state);

/* All of these fail the test if the system call does. */
void scratch_write(const char *path, const void *bytes, size_t n);
void scratch_text(const char *path, const char *text);
/* n bytes that look random and depend on seed alone. */
void scratch_noise(const char *path, size_t n, unsigned seed);
void scratch_mkdir(const char *path, mode_t mode);
/* The file's bytes, NUL behind them, to be freed; *n may be NULL. */
char *scratch_read(const char *path, size_t *n);

bool scratch_exists(const char *path);
/* Entries in the directory, "." and ".." not counted. */
size_t scratch_count(const char *path);
/* Runs the shell command; fails the test if its status is not 0. */
void scratch_shell(const char *command);

#endif
