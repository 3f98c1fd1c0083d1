/*
 * Replays files through a fuzz target without libFuzzer: the corpus and every
 * input that ever failed are part of `make check`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include "fuzz.h"

/* Grows data by reading until the end: no size is assumed. */
static uint8_t *
read_all(FILE *file, size_t *size)
{
	uint8_t *data = NULL;
	size_t n = 0, cap = 0;

	for (;;) {
		if (n == cap) {
			cap = cap * 2 + 1024;
			data = realloc(data, cap);
			if (data == NULL)
				return NULL;
		}
		n += fread(data + n, 1, cap - n, file);
		if (n < cap)
			break;
	}
	*size = n;
	/* Exactly as large as its contents, so that ASan sees its end. */
	return n == 0 ? data : realloc(data, n);
}

int
main(int argc, char **argv)
{
	size_t total = 0;

	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t size = 0;
		uint8_t *data = file == NULL ? NULL : read_all(file, &size);

		if (data == NULL || ferror(file)) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		fclose(file);
		(void)LLVMFuzzerTestOneInput(data, size);
		free(data);
		total += size;
	}
	printf("%s: %d files, %zu bytes\n", argv[0], argc - 1, total);
	return 0;
}
