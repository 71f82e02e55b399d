/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the guest says of itself. */
#ifndef SMOL_AGENT_SYSINFO_H
#define SMOL_AGENT_SYSINFO_H

#include <stdint.h>

#include "proto/json.h"

/* ms since the guest's kernel started. */
int64_t smol_sysinfo_uptime_ms(void);
/* How many processes the guest's kernel has killed because memory had run out; -1: unknown. */
int64_t smol_sysinfo_oom_kills(void);
/* Members of the reply to system_info are added to j. */
void smol_sysinfo_add(cJSON *j);

#endif
