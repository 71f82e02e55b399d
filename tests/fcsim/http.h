/* SPDX-License-Identifier: GPL-3.0-or-later */
/* As much of HTTP/1.1 as Firecracker's server speaks: requests with Content-Length, answers that
 * keep the connection open. */
#ifndef SMOL_TESTS_FCSIM_HTTP_H
#define SMOL_TESTS_FCSIM_HTTP_H

#include "base/buf.h"

#define HTTP_BODY_MAX 51200 /* bytes; Firecracker's default */

struct http_request {
	char method[16];
	char path[512];
	char *body; /* owned, NUL behind; NULL where there is none */
	size_t body_len;
};

enum http_took {
	HTTP_MORE,    /* it is not all there yet */
	HTTP_REQUEST, /* one is taken off the buffer: free it */
	HTTP_BAD,     /* no request: answer 400 and close */
	HTTP_TOO_BIG, /* its body is above HTTP_BODY_MAX: answer 413 and close */
};

enum http_took http_take(struct smol_buf *in, struct http_request *out);
void http_request_free(struct http_request *r);

/* An answer; body may be NULL (204). claimed is what Content-Length says. */
void http_answer(struct smol_buf *out, int status, const char *body, size_t claimed);

#endif
