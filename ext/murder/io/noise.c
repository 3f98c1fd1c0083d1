#include <errno.h>

#include <uv.h>

#include "io/noise.h"

int
noise_fill(void *out, size_t n_bytes)
{
	int rc = uv_random(NULL, NULL, out, n_bytes, 0, NULL);

	if (rc == 0)
		return 0;
	errno = -rc;
	return -1;
}
