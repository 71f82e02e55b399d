/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing byte buffer that one reads from the front of and appends to the back of.
 * Initialise with {0}; free with smol_buf_free() or `smol_auto_buf`. Out of memory ends the
 * process (smol_alloc.h's rule), so appending cannot fail.
 */
#ifndef SMOL_BASE_BUF_H
#define SMOL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct smol_buf {
	char *data; /* owned; bytes [start, end) are held */
	size_t start, end, cap;
};

void smol_buf_free(struct smol_buf *b);
static inline size_t smol_buf_len(const struct smol_buf *b)
{
	return b->end - b->start;
}
static inline char *smol_buf_head(const struct smol_buf *b)
{
	return b->data ? b->data + b->start : NULL;
}
/* Room for n more bytes; returns where they go. Follow with smol_buf_commit(). */
char *smol_buf_reserve(struct smol_buf *b, size_t n);
static inline void smol_buf_commit(struct smol_buf *b, size_t n)
{
	b->end += n;
}
void smol_buf_append(struct smol_buf *b, const void *data, size_t n);
void smol_buf_puts(struct smol_buf *b, const char *s);
void smol_buf_printf(struct smol_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Drop n bytes (at most all) from the front. */
void smol_buf_consume(struct smol_buf *b, size_t n);
void smol_buf_clear(struct smol_buf *b);
/* The content as a string (a NUL is put behind it); owned by the buffer. */
char *smol_buf_str(struct smol_buf *b);
/* Take the content as a malloc'd string; the buffer is empty afterwards. Caller frees. */
char *smol_buf_take(struct smol_buf *b);
/*
 * Cut a line (up to '\n', which becomes NUL) off the front. Returns it, valid until the buffer is
 * changed next, or NULL if no whole line is held. *len is its length without the newline.
 */
char *smol_buf_line(struct smol_buf *b, size_t *len);

#define smol_auto_buf __attribute__((cleanup(smol_buf_free)))

/* Allocation that ends the process when memory is out (the only thing besides main that may). */
void *smol_alloc(size_t n); /* zeroed */
void *smol_realloc(void *p, size_t n);
char *smol_strdup(const char *s); /* NULL gives NULL */
char *smol_strndup(const char *s, size_t n);
char *smol_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
