/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reply line of a one-shot exec: see oneshot.h. */
#include "agent/oneshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"

#define ENVELOPE 1024 /* all of the line but the two outputs, generously */

void smol_gather_add(struct smol_gather *g, const char *data, size_t n, size_t max)
{
	size_t held = smol_buf_len(&g->held), room = held < max ? max - held : 0;

	smol_buf_append(&g->held, data, n < room ? n : room);
	g->cut = g->cut || n > room;
}

/* What one character takes in a JSON string, as cJSON writes it. */
static size_t char_cost(unsigned char c)
{
	if (c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != '\v'))
		return 2;
	return c < 0x20 ? 6 : 1;
}

static bool is_text(const char *d, size_t n)
{
	return smol_utf8_valid(d, n) && !memchr(d, '\0', n);
}

static size_t encoded(const char *d, size_t n)
{
	size_t cost = 0;

	if (!is_text(d, n))
		return (n + 2) / 3 * 4;
	for (size_t i = 0; i < n; i++)
		cost += char_cost((unsigned char)d[i]);
	return cost;
}

/* n, or a little less where that makes text of what was cut inside a character. */
static size_t whole_chars(const char *d, size_t n)
{
	for (size_t back = 1; back <= 3 && back <= n; back++)
		if (((unsigned char)d[n - back] & 0xc0) == 0xc0 &&
		    !smol_utf8_len(d + n - back, back))
			return is_text(d, n - back) ? n - back : n;
	return n;
}

/* The longest beginning of the text that takes at most budget bytes. */
static size_t fit_text(const char *d, size_t n, size_t budget)
{
	size_t i = 0, cost = 0;

	while (i < n) {
		size_t len = smol_utf8_len(d + i, n - i);

		cost += len > 1 ? len : char_cost((unsigned char)d[i]);
		if (cost > budget)
			break;
		i += len;
	}
	return i;
}

static size_t fit(const struct smol_gather *g, size_t budget)
{
	const char *d = g->held.data ? smol_buf_head(&g->held) : "";
	size_t n = smol_buf_len(&g->held);

	if (g->cut)
		n = whole_chars(d, n);
	/* A beginning of what is no text may be text and cost more than it did: look again. */
	while (encoded(d, n) > budget)
		n = is_text(d, n) ? fit_text(d, n, budget) : budget / 4 * 3;
	return n;
}

static void add(cJSON *j, const char *key, const struct smol_gather *g, size_t n)
{
	smol_auto_free char *flag = smol_asprintf("%s_truncated", key);

	smol_json_add_bytes(j, key, g->held.data ? smol_buf_head(&g->held) : "", n);
	smol_json_add_bool(j, flag, g->cut || n < smol_buf_len(&g->held));
}

char *smol_oneshot_reply(
    const struct smol_exec_result *r, const struct smol_gather *out, const struct smol_gather *err)
{
	const size_t total = SMOL_LINE_MAX - ENVELOPE;
	size_t o = fit(out, total), e = fit(err, total);
	size_t cost_o = encoded(out->held.data ? smol_buf_head(&out->held) : "", o);
	size_t cost_e = encoded(err->held.data ? smol_buf_head(&err->held) : "", e);
	smol_auto_json cJSON *j = cJSON_CreateObject();
	smol_auto_json cJSON *result = smol_exec_result_encode(r);
	smol_auto_free char *text = NULL;

	/* Where both do not fit, stderr gets what stdout leaves, and a quarter in any case. */
	if (cost_o + cost_e > total) {
		size_t left = cost_o < total ? total - cost_o : 0;

		e = fit(err, left > total / 4 ? left : total / 4);
		cost_e = encoded(err->held.data ? smol_buf_head(&err->held) : "", e);
		o = fit(out, total - cost_e);
	}
	smol_json_add_bool(j, "ok", true);
	while (result->child) {
		cJSON *member = cJSON_DetachItemViaPointer(result, result->child);

		cJSON_AddItemToObject(j, member->string, member);
	}
	add(j, "stdout", out, o);
	add(j, "stderr", err, e);
	text = smol_json_print(j);
	return smol_asprintf("%s\n", text);
}
