/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of commands: see log.h. */
#include "ui/page/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/text.h"

void smol_log_free(struct smol_log *log)
{
	for (int i = 0; i < log->n; i++)
		free(log->entries[i].line);
	free(log->entries);
	*log = (struct smol_log){0};
}

void smol_log_add(
    struct smol_log *log, const void *by, const char *line, bool person, int64_t now_ms, int status)
{
	if (!log->entries)
		log->entries = smol_alloc(SMOL_LOG_MAX * sizeof(*log->entries));
	if (log->n == SMOL_LOG_MAX) {
		free(log->entries[0].line);
		memmove(log->entries, log->entries + 1, sizeof(*log->entries) * (size_t)--log->n);
	}
	log->entries[log->n++] = (struct smol_log_entry){.line = smol_strdup(line),
	    .began_ms = now_ms,
	    .ended_ms = now_ms,
	    .status = status,
	    .person = person,
	    .by = by,
	    .state = by ? SMOL_LOG_RUNS : SMOL_LOG_ENDED};
}

static struct smol_log_entry *running(struct smol_log *log, const void *by)
{
	for (int i = log->n - 1; i >= 0; i--)
		if (log->entries[i].state == SMOL_LOG_RUNS && log->entries[i].by == by)
			return &log->entries[i];
	return NULL;
}

void smol_log_end(struct smol_log *log, const void *by, int64_t now_ms, int status)
{
	struct smol_log_entry *e = running(log, by);

	if (!e)
		return;
	e->state = SMOL_LOG_ENDED;
	e->ended_ms = now_ms;
	e->status = status;
}

void smol_log_leave(struct smol_log *log, const void *by, int64_t now_ms)
{
	struct smol_log_entry *e = running(log, by);

	if (!e)
		return;
	e->state = SMOL_LOG_LEFT;
	e->ended_ms = now_ms;
}

static struct tm local_time(int64_t ms)
{
	time_t t = ms / 1000;
	struct tm tm;

	return *localtime_r(&t, &tm);
}

/* Why it is a comment; NULL: it is not. */
static const char *why_not(const struct smol_log_entry *e, char text[32])
{
	if (e->state == SMOL_LOG_RUNS)
		return "runs still";
	if (e->state == SMOL_LOG_LEFT)
		return "left early";
	if (e->status)
		snprintf(text, 32, "exit %d", e->status);
	return e->status ? text : e->person ? "needs a person" : NULL;
}

/* "# 21:04:11  3s" above the line. */
static void put_entry(struct smol_buf *b, const struct smol_log_entry *e)
{
	struct tm tm = local_time(e->began_ms);
	char text[32], took[16], time[16];
	const char *why = why_not(e, text);

	strftime(time, sizeof(time), "%H:%M:%S", &tm);
	smol_buf_printf(b, "\n# %s", time);
	smol_duration_text(e->ended_ms - e->began_ms, took);
	if (e->state != SMOL_LOG_RUNS)
		smol_buf_printf(b, "  %s", took);
	smol_buf_printf(b, "%s%s\n", why ? "  " : "", why ? why : "");
	for (const char *s = e->line; *s;) {
		int len = (int)strcspn(s, "\n");

		smol_buf_printf(b, "%s%.*s\n", why ? "# " : "", len, s);
		s += len + (s[len] == '\n');
	}
}

char *smol_log_script(const struct smol_log *log)
{
	struct smol_buf b = {0};

	smol_buf_puts(&b, "#!/usr/bin/env -S smolsh -f\n# What was run on smolsh's screen");
	if (log->n) {
		struct tm first = local_time(log->entries[0].began_ms);
		struct tm last = local_time(log->entries[log->n - 1].ended_ms);
		char from[32], to[16];

		strftime(from, sizeof(from), "%Y-%m-%d from %H:%M", &first);
		strftime(to, sizeof(to), "%H:%M", &last);
		smol_buf_printf(&b, " on %s to %s", from, to);
	}
	smol_buf_puts(&b, ". What did not succeed is here as a comment.\n");
	for (int i = 0; i < log->n; i++)
		put_entry(&b, &log->entries[i]);
	return smol_buf_take(&b);
}
