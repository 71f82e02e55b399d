/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One question to an agent: see ask.h. */
#include "shell/ask.h"

#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "image/image.h"
#include "vm/lifecycle.h"
#include "vsock/client.h"

#define TRIES	 3
#define PAUSE_MS 200

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

void smol_ask_hint_old(const struct smol_vm *vm, struct smol_err *err)
{
	bool base = strcmp(vm->config.image, SMOL_IMAGE_DEFAULT) == 0;

	if (err->code == SMOL_E_UNSUPPORTED)
		smol_err_hint(err, "smolsh image build%s%s --force, then smolsh restart %s",
		    base ? "" : " ", base ? "" : vm->config.image, vm->name);
}

cJSON *smol_ask(const struct smol_vm *vm, enum smol_op op, int64_t timeout_ms, double *rtt_ms,
    struct smol_err *err)
{
	return smol_ask_request(vm, &(struct smol_request){.op = op}, timeout_ms, rtt_ms, err);
}

cJSON *smol_ask_request(const struct smol_vm *vm, const struct smol_request *request,
    int64_t timeout_ms, double *rtt_ms, struct smol_err *err)
{
	struct smol_request r = *request; /* borrows all of it */
	smol_deadline deadline = smol_in_ms(timeout_ms);
	struct smol_vsock_addr addr;

	r.version = SMOL_PROTO_VERSION;
	if (smol_vm_agent_addr(vm, &addr, err) < 0)
		return NULL;
	for (int i = 1;; i++) {
		smol_auto_client struct smol_client *c =
		    smol_client_open(&addr, vm->token, deadline, err);
		double asked = now_ms();
		cJSON *j = c ? smol_client_call(c, &r, deadline, err) : NULL;

		*rtt_ms = now_ms() - asked;
		if (!j)
			smol_ask_hint_old(vm, err);
		if (j || err->code != SMOL_E_REFUSED || i == TRIES)
			return j;
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
	}
}
