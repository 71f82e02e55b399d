/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Foreign text made safe to show or to store: escaping, UTF-8, base64, nearest names.
 * Results are malloc'd (caller frees) unless said otherwise.
 */
#ifndef SMOL_BASE_TEXT_H
#define SMOL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the valid UTF-8 sequence at s (1…4), or 0 if there is none within n bytes. */
size_t smol_utf8_len(const char *s, size_t n);
bool smol_utf8_valid(const char *s, size_t n);
/* A character of at most 0x10ffff to UTF-8, at most 4 bytes, and back from valid UTF-8. Both give
 * the number of bytes. */
size_t smol_utf8_put(char *to, uint32_t c);
size_t smol_utf8_get(const char *from, uint32_t *c);
/*
 * One record, one line: C0, DEL, C1 and invalid bytes become \xNN, '\n' "\n", '\\' "\\"; the rest
 * passes. For names, errors and log records that came from elsewhere.
 */
char *smol_escape(const char *s, size_t n);
/*
 * The same for a terminal, keeping line structure and colours: text, \n, \t, \r, SGR sequences
 * (ESC [ digits ; m) pass, everything else is shown as ^X or \xNN. State between calls is not
 * kept: give whole lines.
 */
char *smol_escape_terminal(const char *s, size_t n, size_t *out_len);

char *smol_base64_encode(const void *data, size_t n);
/* NULL when text is not canonical base64; *n is the decoded length. A NUL follows the data. */
char *smol_base64_decode(const char *text, size_t *n);
void smol_hex(const void *data, size_t n, char *out); /* out: 2n+1 bytes */

/* The entry of names (NULL-terminated) that is nearest to word, or NULL if none is near. */
const char *smol_nearest(const char *word, const char *const *names);

/* "64M", "1.5G", "512K", "4096" → bytes; -1 for anything else or overflow. Units are 1024's. */
int64_t smol_parse_size(const char *s);
/* "64M", "1.2G", "312K" into buf. */
void smol_size_text(uint64_t bytes, char buf[16]);
/* "42s", "5m10s", "3h02m", "12d" into buf. */
void smol_duration_text(int64_t ms, char buf[16]);
/* The same for a time that somebody gave: "0.5s", "2m00s". */
void smol_timeout_text(int64_t ms, char buf[16]);
/* A whole decimal number in [min, max], nothing around it. 0 or -1. */
int smol_parse_int(const char *s, int64_t min, int64_t max, int64_t *out);

/* Are two secrets the same? The time taken depends on the lengths only. */
bool smol_equal_secret(const char *a, const char *b);

#endif
