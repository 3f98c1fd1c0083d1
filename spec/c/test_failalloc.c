#include "unit.h"

#include "failalloc.h"

TEST(the_kth_allocation_fails_and_no_other)
{
	for (size_t k = 0; k <= 4; k++) {
		struct failalloc f;
		void *p[3];

		failalloc_init(&f, k);
		for (size_t i = 0; i < 3; i++) {
			p[i] = mem_zalloc(&f.mem, 1, 10);
			assert_int_equal(p[i] == NULL, k == i + 1);
		}
		for (size_t i = 0; i < 3; i++)
			mem_free(&f.mem, p[i]);
		assert_int_equal(f.n_asked, 3);
		failalloc_check(&f);
	}
}

TEST(what_is_not_released_is_counted)
{
	struct failalloc f;
	void *a, *b;

	failalloc_init(&f, 0);
	a = mem_zalloc(&f.mem, 10, 10);
	b = mem_zalloc(&f.mem, 1, 7);
	assert_int_equal(f.n_live, 2);
	assert_int_equal(f.bytes_live, 107);
	mem_free(&f.mem, a);
	assert_int_equal(f.n_live, 1);
	assert_int_equal(f.bytes_live, 7);
	assert_int_equal(f.bytes_peak, 107);
	mem_free(&f.mem, b);
	failalloc_check(&f);
}

TEST(growing_moves_and_keeps_the_contents)
{
	struct failalloc f;
	unsigned char *p, *q;
	uintptr_t before;

	failalloc_init(&f, 3);
	p = mem_zalloc(&f.mem, 4, 1);
	memcpy(p, "abcd", 4);
	before = (uintptr_t)p;
	q = mem_resize(&f.mem, p, 8, 1);
	assert_true((uintptr_t)q != before);
	assert_memory_equal(q, "abcd", 4);
	assert_null(mem_resize(&f.mem, q, 16, 1));
	assert_memory_equal(q, "abcd", 4); /* a failed one changes nothing */
	assert_int_equal(f.n_live, 1);
	assert_int_equal(f.bytes_live, 8);
	mem_free(&f.mem, q);
	failalloc_check(&f);
}

static int
take_three(const struct mem *mem, void *arg)
{
	void *p[3] = {NULL};
	int *n_runs = arg, rc = 0;

	++*n_runs;
	for (size_t i = 0; i < 3 && rc == 0; i++) {
		p[i] = mem_zalloc(mem, 1, 1);
		rc = p[i] == NULL ? ERR_NOMEM : 0;
	}
	for (size_t i = 0; i < 3; i++)
		mem_free(mem, p[i]);
	return rc;
}

TEST(each_allocation_is_failed_once)
{
	int n_runs = 0;

	assert_int_equal(failalloc_each(take_three, &n_runs), 3);
	assert_int_equal(n_runs, 4);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_kth_allocation_fails_and_no_other),
	    cmocka_unit_test(what_is_not_released_is_counted),
	    cmocka_unit_test(growing_moves_and_keeps_the_contents),
	    cmocka_unit_test(each_allocation_is_failed_once),
	};

	return cmocka_run_group_tests_name("failalloc", tests, NULL, NULL);
}
