#include "err.h"

const char *
err_sentence(int code)
{
	switch (code) {
#define X(name, value, sentence)                                               \
	case name:                                                             \
		return sentence;
		ERR_TABLE(X)
#undef X
	default:
		return "failed";
	}
}
