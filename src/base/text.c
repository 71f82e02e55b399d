/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Foreign text made safe: see text.h. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

size_t smol_utf8_len(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t cp;
	size_t len;

	if (!n)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2, cp = p[0] & 0x1f;
	else if ((p[0] & 0xf0) == 0xe0)
		len = 3, cp = p[0] & 0x0f;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4, cp = p[0] & 0x07;
	else
		return 0;
	if (n < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if ((len == 3 && cp < 0x800) || (len == 4 && (cp < 0x10000 || cp > 0x10ffff)) ||
	    (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	return len;
}

size_t smol_utf8_put(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | (c >> 18 & 7));
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t smol_utf8_get(const char *from, uint32_t *c)
{
	const unsigned char *s = (const unsigned char *)from;

	if (s[0] < 0x80) {
		*c = s[0];
		return 1;
	}
	if (s[0] < 0xe0) {
		*c = (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
		return 2;
	}
	if (s[0] < 0xf0) {
		*c = (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
		return 3;
	}
	*c = (uint32_t)(s[0] & 7) << 18 | (uint32_t)(s[1] & 0x3f) << 12 |
	     (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
	return 4;
}

bool smol_utf8_valid(const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		len = smol_utf8_len(s + i, n - i);
		if (!len)
			return false;
	}
	return true;
}

/* Length of text at s that may be shown as it is: no control character, C1 included. */
static size_t printable_len(const char *s, size_t n)
{
	unsigned char c = (unsigned char)*s;
	size_t len;

	if (c < 0x20 || c == 0x7f)
		return 0;
	len = smol_utf8_len(s, n);
	if (len == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0)
		return 0;
	return len;
}

char *smol_escape(const char *s, size_t n)
{
	struct smol_buf b = {0};

	for (size_t i = 0, len; i < n; i += len) {
		len = printable_len(s + i, n - i);
		if (s[i] == '\\')
			smol_buf_puts(&b, "\\\\");
		else if (len)
			smol_buf_append(&b, s + i, len);
		else if (s[i] == '\n')
			smol_buf_puts(&b, "\\n");
		else if (s[i] == '\t')
			smol_buf_puts(&b, "\\t");
		else
			smol_buf_printf(&b, "\\x%02x", (unsigned char)s[i]);
		if (!len)
			len = 1;
	}
	return smol_buf_take(&b);
}

/* Length of an SGR sequence (ESC [ digits ; : m) at s, or 0. */
static size_t sgr_len(const char *s, size_t n)
{
	size_t i = 2;

	if (n < 3 || s[0] != '\033' || s[1] != '[')
		return 0;
	while (i < n && i < 64 && (isdigit((unsigned char)s[i]) || s[i] == ';' || s[i] == ':'))
		i++;
	return i < n && s[i] == 'm' ? i + 1 : 0;
}

char *smol_escape_terminal(const char *s, size_t n, size_t *out_len)
{
	struct smol_buf b = {0};

	for (size_t i = 0, len; i < n; i += len) {
		unsigned char c = (unsigned char)s[i];

		len = printable_len(s + i, n - i);
		if (!len)
			len = sgr_len(s + i, n - i);
		if (!len && (c == '\n' || c == '\t' || c == '\r'))
			len = 1;
		if (len) {
			smol_buf_append(&b, s + i, len);
			continue;
		}
		if (c < 0x20 || c == 0x7f)
			smol_buf_printf(&b, "^%c", c ^ 0x40);
		else
			smol_buf_printf(&b, "\\x%02x", c);
		len = 1;
	}
	*out_len = smol_buf_len(&b);
	return smol_buf_take(&b);
}

static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *smol_base64_encode(const void *data, size_t n)
{
	const unsigned char *p = data;
	char *out = smol_alloc((n + 2) / 3 * 4 + 1), *o = out;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;

		if (i + 1 < n)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < n)
			v |= p[i + 2];
		*o++ = b64[v >> 18];
		*o++ = b64[v >> 12 & 63];
		*o++ = i + 1 < n ? b64[v >> 6 & 63] : '=';
		*o++ = i + 2 < n ? b64[v & 63] : '=';
	}
	*o = '\0';
	return out;
}

char *smol_base64_decode(const char *text, size_t *n)
{
	size_t len = strlen(text), pad = 0, k = 0;
	char *out;

	if (len % 4)
		return NULL;
	if (len)
		pad = (text[len - 1] == '=') + (text[len - 1] == '=' && text[len - 2] == '=');
	out = smol_alloc(len / 4 * 3 + 1);
	for (size_t i = 0; i < len; i += 4) {
		uint32_t v = 0;

		for (size_t j = 0; j < 4; j++) {
			const char *p = i + j < len - pad ? strchr(b64, text[i + j]) : b64;

			if (!p || !text[i + j]) {
				free(out);
				return NULL;
			}
			v = v << 6 | (uint32_t)(p - b64);
		}
		out[k++] = (char)(v >> 16);
		out[k++] = (char)(v >> 8);
		out[k++] = (char)v;
	}
	*n = k - pad;
	/* Canonical: the bits that padding leaves over are zero. */
	if (pad && (out[*n] || out[k - 1])) {
		free(out);
		return NULL;
	}
	out[*n] = '\0';
	return out;
}

void smol_hex(const void *data, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

/* Optimal string alignment distance, for words of up to 31 characters. */
static unsigned distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned d[32][32];

	if (la > 31 || lb > 31)
		return 99;
	for (size_t i = 0; i <= la; i++)
		for (size_t j = 0; j <= lb; j++) {
			unsigned best;

			if (!i || !j) {
				d[i][j] = (unsigned)(i + j);
				continue;
			}
			best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[la][lb];
}

const char *smol_nearest(const char *word, const char *const *names)
{
	const char *found = NULL;
	size_t len = strlen(word);
	unsigned best = len <= 3 ? 2 : len <= 6 ? 3 : 4; /* strictly below */

	for (; *names; names++) {
		unsigned d = distance(word, *names);

		if (len >= 2 && strncmp(*names, word, len) == 0)
			d = d ? 1 : 0;
		if (d < best) {
			best = d;
			found = *names;
		}
	}
	return found;
}

int64_t smol_parse_size(const char *s)
{
	static const char units[] = "KMGT";
	const char *u;
	char *end;
	double v;

	if (!s || !isdigit((unsigned char)*s) || strpbrk(s, "xXeE"))
		return -1;
	v = strtod(s, &end);
	if (*end) {
		u = strchr(units, toupper((unsigned char)*end));
		if (!u)
			return -1;
		for (const char *p = units; p <= u; p++)
			v *= 1024;
		end++;
		if (strcmp(end, "iB") == 0 || strcmp(end, "B") == 0 || strcmp(end, "b") == 0)
			end += strlen(end);
		if (*end)
			return -1;
	}
	return v < 9e18 ? (int64_t)v : -1;
}

void smol_size_text(uint64_t bytes, char buf[16])
{
	static const char units[] = "BKMGTP";
	double v = (double)bytes;
	size_t u = 0, n;

	/* What would be rounded to 1024 is the next unit's 1. */
	while (v >= 1023.5 && u < sizeof(units) - 2) {
		v /= 1024;
		u++;
	}
	snprintf(buf, 16, u == 0 || v >= 9.95 ? "%.0f" : "%.1f", v);
	n = strlen(buf);
	if (n > 2 && strcmp(buf + n - 2, ".0") == 0)
		n -= 2;
	buf[n] = units[u];
	buf[n + 1] = '\0';
}

void smol_duration_text(int64_t ms, char buf[16])
{
	int64_t s = ms / 1000;

	if (s < 60)
		snprintf(buf, 16, "%ds", (int)s);
	else if (s < 3600)
		snprintf(buf, 16, "%dm%02ds", (int)(s / 60), (int)(s % 60));
	else if (s < 86400)
		snprintf(buf, 16, "%dh%02dm", (int)(s / 3600), (int)(s / 60 % 60));
	else
		snprintf(buf, 16, "%dd%02dh", (int)(s / 86400 % 100000), (int)(s / 3600 % 24));
}

void smol_timeout_text(int64_t ms, char buf[16])
{
	if (ms > 0 && ms < 60000 && ms % 1000)
		snprintf(buf, 16, "%.3gs", (double)ms / 1000);
	else
		smol_duration_text(ms, buf);
}

int smol_parse_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
	char *end;
	long long v;

	if (!s || !(isdigit((unsigned char)*s) || (*s == '-' && isdigit((unsigned char)s[1]))))
		return -1;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno || *end || v < min || v > max)
		return -1;
	*out = v;
	return 0;
}

bool smol_equal_secret(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	volatile unsigned char diff = la != lb;

	for (size_t i = 0; i < la; i++)
		diff |= (unsigned char)(a[i] ^ b[lb ? i % lb : 0]);
	return !diff;
}
