/*
 * What every unit test includes: cmocka with the headers it wants before it,
 * and the assertions our types need.
 */
#ifndef MURDER_SPEC_UNIT_H
#define MURDER_SPEC_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/span.h"

/* A test: TEST(the_fact_it_proves) { … }, then cmocka_unit_test(…). */
#define TEST(name) static void name(void **state __attribute__((unused)))

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The span holds exactly the bytes of the string literal. */
#define assert_span(s, literal)                                                \
	do {                                                                   \
		struct span got_ = (s);                                        \
		assert_int_equal(got_.n, sizeof(literal) - 1);                 \
		if (got_.n > 0)                                                \
			assert_memory_equal(got_.p, literal, got_.n);          \
	} while (0)

#endif
