/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Firecracker's API may answer: a byte for the request, one for the status, then the body.
 * Beyond memory errors it checks that only a success is one, that a refusal says what was refused
 * and what would help, and that no sentence brings control characters or is longer than a screen.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/fc_reply.h"
#include "base/auto.h"

#define SENTENCE_MAX (4 * 512 + 200) /* bytes: each of a fault message's may become \xNN */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct smol_fc_request request(unsigned which)
{
	switch (which % 7) {
	case 0:
		return smol_fc_put_machine(1, 128);
	case 1:
		return smol_fc_put_boot("/kernel", "/initrd", "quiet");
	case 2:
		return smol_fc_put_drive("vda", "/disk", true);
	case 3:
		return smol_fc_put_vsock(3, "/vsock");
	case 4:
		return smol_fc_action(SMOL_FC_START);
	case 5:
		return smol_fc_patch_balloon(64);
	default:
		return smol_fc_patch_vm(true);
	}
}

static void check_sentence(const char *s)
{
	if (!s || !*s || strlen(s) > SENTENCE_MAX)
		abort();
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int status[] = {200, 204, 400, 404, 500, 0, 100, 999};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *reply = NULL;
	struct smol_fc_request r;
	int code, rc;

	if (size < 2)
		return 0;
	r = request(data[0]);
	code = status[data[1] % SMOL_ARRAY_SIZE(status)];
	rc = smol_fc_reply(&r, code, (const char *)data + 2, size - 2, &reply, &err);
	if ((rc == 0) != (err.code == SMOL_E_NONE))
		abort();
	if (rc == 0 && ((code != 200 && code != 204) || (size > 2 && !reply)))
		abort();
	if (rc < 0) {
		check_sentence(err.msg);
		if (!strstr(err.msg, r.path))
			abort();
	}
	if (rc < 0 && err.code == SMOL_E_REFUSED)
		check_sentence(err.hint);
	smol_fc_request_free(&r);
	return 0;
}
