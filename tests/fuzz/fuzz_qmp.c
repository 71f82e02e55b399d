/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * QMP's reading side under any bytes. Beyond memory errors it checks that what is heard does not
 * depend on how the bytes were cut into reads, that a description brings no control characters, and
 * that no guest has given more memory than it had.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/qmp.h"
#include "base/auto.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(void *ctx, const char *name, const cJSON *data)
{
	smol_auto_free char *text = data ? smol_json_print(data) : NULL;
	int64_t taken = -1;

	if (smol_qmp_taken(data, 512, &taken) == 0 && (taken < 0 || taken > 512))
		abort();

	smol_buf_printf(ctx, "event %s %s;", name, text ? text : "");
}

static void on_up(void *ctx)
{
	smol_buf_puts(ctx, "up;");
}

static void on_done(void *ctx, const char *id)
{
	smol_buf_printf(ctx, "done %s;", id ? id : "");
}

static void on_failed(void *ctx, const char *id, const char *desc)
{
	for (const char *p = desc; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
	smol_buf_printf(ctx, "failed %s %s;", id ? id : "", desc);
}

static int run(const uint8_t *data, size_t size, size_t piece, struct smol_buf *heard)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_qmp q = {
	    .event = on_event, .up = on_up, .done = on_done, .failed = on_failed, .ctx = heard};
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < size; at += piece)
		rc = smol_qmp_feed(
		    &q, (const char *)data + at, size - at < piece ? size - at : piece, &err);
	if ((rc < 0) != (err.code != SMOL_E_NONE) || smol_buf_len(&q.in) > SMOL_QMP_LINE_MAX + size)
		abort();
	smol_qmp_free(&q);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	smol_auto_buf struct smol_buf whole = {0}, cut = {0};
	size_t piece = size ? 1 + data[0] % 17 : 1;

	if (run(data, size, size ? size : 1, &whole) != run(data, size, piece, &cut) ||
	    strcmp(smol_buf_str(&whole), smol_buf_str(&cut)) != 0)
		abort();
	return 0;
}
