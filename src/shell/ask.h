/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One question to a VM's agent, one answer. */
#ifndef SMOL_SHELL_ASK_H
#define SMOL_SHELL_ASK_H

#include "proto/json.h"
#include "proto/request.h"
#include "vm/registry.h"

/*
 * The answer's object (caller deletes), or NULL with *err. Connecting and answering may take
 * timeout_ms together. A refused connection is tried again a few times, as nobody has seen the
 * request then. *rtt_ms: how long the answer took.
 */
cJSON *smol_ask(const struct smol_vm *vm, enum smol_op op, int64_t timeout_ms, double *rtt_ms,
    struct smol_err *err);

/* The same for a request with more to it than its op; version and token are filled in. */
cJSON *smol_ask_request(const struct smol_vm *vm, const struct smol_request *request,
    int64_t timeout_ms, double *rtt_ms, struct smol_err *err);

/* A request failed with err: where the agent is too old for it the hint names the VM's image. */
void smol_ask_hint_old(const struct smol_vm *vm, struct smol_err *err);

#endif
