/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a VM's policy allows a command: where it may start, which variables it may be given, whose
 * it is. It binds requests, not what a command does once it runs. */
#ifndef SMOL_AGENT_POLICY_H
#define SMOL_AGENT_POLICY_H

#include "base/err.h"
#include "proto/limits.h"
#include "proto/request.h"

/*
 * Hold a request against the policy and make it what the policy wants: its user, and a directory
 * with every link resolved. SMOL_E_DENIED_CWD, _ENV, _USER.
 */
int smol_policy_apply(
    const struct smol_limits *l, struct smol_exec_request *e, struct smol_err *err);

#endif
