/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks of guest output: see filter.h. */
#include "shell/filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"

/* Bytes at the end that begin a UTF-8 character without ending it. */
static size_t open_utf8(const char *s, size_t n)
{
	for (size_t k = 1; k <= 3 && k <= n; k++) {
		unsigned char c = (unsigned char)s[n - k];
		size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;

		if ((c & 0xc0) == 0x80)
			continue;
		return need > k ? k : 0;
	}
	return 0;
}

/* Bytes at the end that begin an SGR sequence without ending it. */
static size_t open_sgr(const char *s, size_t n)
{
	const char *esc = NULL;
	size_t from = n > SMOL_FILTER_PENDING - 1 ? n - (SMOL_FILTER_PENDING - 1) : 0, len;

	for (size_t i = n; i > from && !esc; i--)
		if (s[i - 1] == '\033')
			esc = s + i - 1;
	if (!esc)
		return 0;
	len = n - (size_t)(esc - s);
	if (len > 1 && esc[1] != '[')
		return 0;
	for (size_t i = 2; i < len; i++)
		if (!strchr("0123456789;:", esc[i]) || !esc[i])
			return 0;
	return len;
}

/* pending and data in one piece, of which all but the last `open` bytes go out. */
static void join(struct smol_filter *f, const char *data, size_t n, struct smol_buf *all)
{
	smol_buf_append(all, f->pending, f->n);
	smol_buf_append(all, data, n);
}

static void keep(struct smol_filter *f, const struct smol_buf *all, size_t open)
{
	f->n = open;
	memcpy(f->pending, smol_buf_head(all) + smol_buf_len(all) - open, open);
}

static void escape(const char *s, size_t n, struct smol_buf *out)
{
	size_t len;
	smol_auto_free char *safe = smol_escape_terminal(s, n, &len);

	smol_buf_append(out, safe, len);
}

void smol_filter_terminal(struct smol_filter *f, const char *data, size_t n, struct smol_buf *out)
{
	smol_auto_buf struct smol_buf all = {0};
	size_t held, open;

	if (!n)
		return;
	join(f, data, n, &all);
	held = smol_buf_len(&all);
	open = open_utf8(smol_buf_head(&all), held);
	if (!open)
		open = open_sgr(smol_buf_head(&all), held);
	keep(f, &all, open);
	escape(smol_buf_head(&all), held - open, out);
}

void smol_filter_utf8(struct smol_filter *f, const char *data, size_t n, struct smol_buf *out)
{
	size_t open;

	if (!n)
		return;
	join(f, data, n, out);
	open = open_utf8(smol_buf_head(out), smol_buf_len(out));
	keep(f, out, open);
	out->end -= open;
}

void smol_filter_end(struct smol_filter *f, bool terminal, struct smol_buf *out)
{
	if (terminal)
		escape(f->pending, f->n, out);
	else
		smol_buf_append(out, f->pending, f->n);
	f->n = 0;
}
