/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories that the host shares with this VM, by virtiofs (vm.json's "shares"). */
#ifndef SMOL_AGENT_SHARES_H
#define SMOL_AGENT_SHARES_H

#include "agent/modules.h"
#include "base/err.h"
#include "proto/json.h"

#define SMOL_AGENT_SHARES_MAX 8

struct smol_agent_share {
	char tag[32];
	char path[1025];
	bool readonly;
};

/* How many; -1 when the list makes no sense. NULL: 0. */
int smol_agent_shares_decode(
    const cJSON *list, struct smol_agent_share to[SMOL_AGENT_SHARES_MAX], struct smol_err *err);
/* Mount them, making the directories that are missing. The first that cannot be ends it with -1. */
int smol_agent_shares_mount(const struct smol_agent_share *shares, int n,
    struct smol_modules *modules, struct smol_err *err);

#endif
