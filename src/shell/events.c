/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A journal's record as a line: see events.h. */
#include "shell/events.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "proto/json.h"

/* "2026-11-24T21:05:11.357Z", UTC, to the time here. */
static void put_time(struct smol_buf *b, const char *utc)
{
	struct tm tm = {0};
	char text[24] = "              ";
	time_t t;

	if (utc && strptime(utc, "%Y-%m-%dT%H:%M:%S", &tm)) {
		t = timegm(&tm);
		localtime_r(&t, &tm);
		strftime(text, sizeof(text), "%m-%d %H:%M:%S", &tm);
	}
	smol_buf_printf(b, "%s", text);
}

/* "ready", "after 2s", "exit code 3": what an event's name says already is not said again. */
static void put_member(struct smol_buf *b, const cJSON *v, const char *event)
{
	smol_auto_free char *name = smol_strdup(v->string), *json = NULL;
	size_t n = strlen(name);
	char time[16];

	if (cJSON_IsNumber(v) && n > 3 && strcmp(name + n - 3, "_ms") == 0) {
		name[n - 3] = '\0';
		/* Of less than a second "0s" would say nothing. */
		(v->valuedouble < 1000 ? smol_timeout_text : smol_duration_text)(
		    (int64_t)v->valuedouble, time);
	} else {
		json = cJSON_IsString(v) ? smol_strdup(v->valuestring) : smol_json_print(v);
	}
	for (char *p = name; *p; p++)
		*p = *p == '_' ? ' ' : *p;
	if (strcmp(name, event) != 0)
		smol_buf_printf(b, "%s ", name);
	smol_buf_puts(b, json ? json : time);
}

char *smol_event_text(const char *line, size_t n)
{
	smol_auto_json cJSON *j = smol_json_parse_object(line, n, NULL);
	smol_auto_buf struct smol_buf rest = {0};
	smol_auto_free char *safe = NULL, *safe_event = NULL;
	const char *event = smol_json_str(j, "event");
	struct smol_buf b = {0};
	const cJSON *v;

	if (!event)
		return smol_escape(line, n);
	cJSON_ArrayForEach (v, j) {
		if (strcmp(v->string, "time") == 0 || strcmp(v->string, "event") == 0)
			continue;
		if (smol_buf_len(&rest))
			smol_buf_puts(&rest, ", ");
		put_member(&rest, v, event);
	}
	put_time(&b, smol_json_str(j, "time"));
	safe = smol_escape(smol_buf_str(&rest), smol_buf_len(&rest));
	safe_event = smol_escape(event, strlen(event));
	smol_buf_printf(&b, *safe ? "  %-15s %s" : "  %s%s", safe_event, safe);
	return smol_buf_take(&b);
}
