/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Byte buffers and allocation that does not fail: see buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *p)
{
	if (!p) {
		static const char msg[] = "smolsh: out of memory\n";

		fwrite(msg, 1, sizeof(msg) - 1, stderr);
		abort();
	}
	return p;
}

void *smol_alloc(size_t n)
{
	return or_die(calloc(1, n ? n : 1));
}

void *smol_realloc(void *p, size_t n)
{
	return or_die(realloc(p, n ? n : 1));
}

char *smol_strdup(const char *s)
{
	return s ? or_die(strdup(s)) : NULL;
}

char *smol_strndup(const char *s, size_t n)
{
	return or_die(strndup(s, n));
}

char *smol_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return or_die(n < 0 ? NULL : s);
}

void smol_buf_free(struct smol_buf *b)
{
	free(b->data);
	*b = (struct smol_buf){0};
}

void smol_buf_clear(struct smol_buf *b)
{
	b->start = b->end = 0;
}

char *smol_buf_reserve(struct smol_buf *b, size_t n)
{
	if (b->cap - b->end >= n && b->data)
		return b->data + b->end;
	if (b->start) {
		memmove(b->data, b->data + b->start, b->end - b->start);
		b->end -= b->start;
		b->start = 0;
	}
	if (b->cap - b->end < n || !b->data) {
		size_t cap = b->cap ? b->cap : 256;

		while (cap - b->end < n)
			cap *= 2;
		b->data = smol_realloc(b->data, cap);
		b->cap = cap;
	}
	return b->data + b->end;
}

void smol_buf_append(struct smol_buf *b, const void *data, size_t n)
{
	if (n)
		memcpy(smol_buf_reserve(b, n), data, n);
	b->end += n;
}

void smol_buf_puts(struct smol_buf *b, const char *s)
{
	smol_buf_append(b, s, strlen(s));
}

void smol_buf_printf(struct smol_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		vsnprintf(smol_buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
		b->end += (size_t)n;
	}
	va_end(again);
}

void smol_buf_consume(struct smol_buf *b, size_t n)
{
	size_t held = smol_buf_len(b);

	b->start += n < held ? n : held;
	if (b->start == b->end)
		b->start = b->end = 0;
}

char *smol_buf_str(struct smol_buf *b)
{
	*smol_buf_reserve(b, 1) = '\0';
	return b->data + b->start;
}

char *smol_buf_take(struct smol_buf *b)
{
	char *s = smol_strndup(smol_buf_str(b), smol_buf_len(b));

	smol_buf_free(b);
	return s;
}

char *smol_buf_line(struct smol_buf *b, size_t *len)
{
	size_t held = smol_buf_len(b);
	char *head, *nl;

	if (!held)
		return NULL;
	head = smol_buf_head(b);
	nl = memchr(head, '\n', held);
	if (!nl)
		return NULL;
	*nl = '\0';
	if (len)
		*len = (size_t)(nl - head);
	/* Not smol_buf_consume(): the line must stay where it is until the next change. */
	b->start += (size_t)(nl - head) + 1;
	return head;
}
