/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP's framing: see http.h. */
#include "tests/fcsim/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/text.h"

#define HEAD_MAX 8192 /* bytes of request line and headers */

/* The value of a header in the head's lines, or NULL. Lines end in \r\n; spaces are skipped. */
static char *header(const char *head, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = strstr(head, "\r\n"); p && p[2]; p = strstr(p, "\r\n")) {
		p += 2;
		if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
			p += n + 1 + strspn(p + n + 1, " ");
			return smol_strndup(p, strcspn(p, "\r"));
		}
	}
	return NULL;
}

/* "PUT /vsock HTTP/1.1" */
static bool request_line(const char *head, struct http_request *out)
{
	size_t line = strcspn(head, "\r"), method = strcspn(head, " ");
	const char *path = head + method + 1;
	size_t n = method < line ? strcspn(path, " \r") : 0;

	if (method >= sizeof(out->method) || n == 0 || n >= sizeof(out->path) ||
	    strncmp(path + n, " HTTP/1.", 8) != 0)
		return false;
	memcpy(out->method, head, method);
	memcpy(out->path, path, n);
	return true;
}

enum http_took http_take(struct smol_buf *in, struct http_request *out)
{
	const char *text = smol_buf_str(in), *end = strstr(text, "\r\n\r\n");
	int64_t length = 0;

	*out = (struct http_request){0};
	if (!end)
		return smol_buf_len(in) > HEAD_MAX ? HTTP_BAD : HTTP_MORE;
	smol_auto_free char *head = smol_strndup(text, (size_t)(end - text));
	smol_auto_free char *claimed = header(head, "Content-Length");
	smol_auto_free char *coding = header(head, "Transfer-Encoding");

	if (!request_line(head, out) || coding ||
	    (claimed && smol_parse_int(claimed, 0, INT32_MAX, &length) < 0))
		return HTTP_BAD;
	if (length > HTTP_BODY_MAX)
		return HTTP_TOO_BIG;
	if (smol_buf_len(in) < (size_t)(end + 4 - text) + (size_t)length)
		return HTTP_MORE;
	smol_buf_consume(in, (size_t)(end + 4 - text));
	if (length > 0) {
		out->body = smol_strndup(smol_buf_head(in), (size_t)length);
		out->body_len = (size_t)length;
		smol_buf_consume(in, (size_t)length);
	}
	return HTTP_REQUEST;
}

void http_request_free(struct http_request *r)
{
	free(r->body);
	*r = (struct http_request){0};
}

static const char *reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 204:
		return "No Content";
	case 413:
		return "Payload Too Large";
	default:
		return "Bad Request";
	}
}

void http_answer(struct smol_buf *out, int status, const char *body, size_t claimed)
{
	smol_buf_printf(out,
	    "HTTP/1.1 %d %s\r\nServer: Firecracker API\r\nConnection: keep-alive\r\n", status,
	    reason(status));
	if (body)
		smol_buf_printf(out,
		    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", claimed,
		    body);
	else
		smol_buf_puts(out, "\r\n");
}
