#include "benc.h"

int
benc_put_int(struct buf *out, int64_t v)
{
	(void)buf_put_u8(out, 'i');
	(void)buf_put_int(out, v);
	return buf_put_u8(out, 'e');
}

int
benc_put_str(struct buf *out, struct span s)
{
	(void)buf_put_int(out, (int64_t)s.n);
	(void)buf_put_u8(out, ':');
	return buf_put_span(out, s);
}

int
benc_put_key(struct buf *out, const char *key)
{
	return benc_put_str(out, span_str(key));
}

int
benc_put_list(struct buf *out)
{
	return buf_put_u8(out, 'l');
}

int
benc_put_dict(struct buf *out)
{
	return buf_put_u8(out, 'd');
}

int
benc_put_end(struct buf *out)
{
	return buf_put_u8(out, 'e');
}
