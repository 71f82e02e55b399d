/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QMP's reading side: see qmp.h. */
#include "backend/qmp.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"

static int take_line(struct smol_qmp *q, const char *line, size_t n, struct smol_err *err)
{
	smol_auto_json cJSON *j = smol_json_parse_object(line, n, err);
	const cJSON *e;

	if (!j)
		return -1;
	if (!q->greeted) {
		if (!smol_json_get(j, "QMP"))
			return smol_err_set(err, SMOL_E_PROTOCOL, "no QMP greeting");
		q->greeted = true;
		return 0;
	}
	if (smol_json_str(j, "event")) {
		q->event(q->ctx, smol_json_str(j, "event"), smol_json_get(j, "data"));
		return 0;
	}
	e = smol_json_get(j, "error");
	if (e) {
		const char *desc = smol_json_str(e, "desc");
		smol_auto_free char *safe =
		    smol_escape(desc ? desc : "?", strnlen(desc ? desc : "?", 300));

		q->failed(q->ctx, smol_json_str(j, "id"), safe);
		return 0;
	}
	if (!cJSON_GetObjectItemCaseSensitive(j, "return"))
		return 0;
	/* The first one answers qmp_capabilities. */
	if (!q->ready) {
		q->ready = true;
		q->up(q->ctx);
	} else {
		q->done(q->ctx, smol_json_str(j, "id"));
	}
	return 0;
}

int smol_qmp_feed(struct smol_qmp *q, const char *data, size_t n, struct smol_err *err)
{
	char *line;
	size_t len;

	smol_buf_append(&q->in, data, n);
	while ((line = smol_buf_line(&q->in, &len))) {
		if (len && line[len - 1] == '\r')
			len--;
		if (len && take_line(q, line, len, err) < 0)
			return smol_err_wrap(err, "QMP");
	}
	if (smol_buf_len(&q->in) > SMOL_QMP_LINE_MAX)
		return smol_err_set(
		    err, SMOL_E_PROTOCOL, "QMP: a line longer than %d bytes", SMOL_QMP_LINE_MAX);
	return 0;
}

void smol_qmp_free(struct smol_qmp *q)
{
	smol_buf_free(&q->in);
}

/* QEMU says how much the guest has now, in bytes. */
int smol_qmp_taken(const cJSON *data, int64_t memory_mib, int64_t *taken_mib)
{
	int64_t bytes = 0, all = memory_mib << 20;

	if (!data || smol_json_int(data, "actual", 0, all, &bytes) != 1)
		return -1;
	*taken_mib = (all - bytes) >> 20;
	return 0;
}

char *smol_qmp_command_as(const char *id, const char *name)
{
	return smol_asprintf("{\"execute\":\"%s\",\"id\":\"%s\"}\n", name, id);
}

char *smol_qmp_command(const char *name)
{
	return smol_qmp_command_as(name, name);
}

char *smol_qmp_command_int(const char *name, const char *key, int64_t value)
{
	return smol_asprintf("{\"execute\":\"%s\",\"arguments\":{\"%s\":%lld},\"id\":\"%s\"}\n",
	    name, key, (long long)value, name);
}
