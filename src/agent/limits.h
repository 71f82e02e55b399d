/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an agent allows; each limit is settable per VM ("limits" in its vm.json) and, outside a VM,
 * by an option of the same name with dashes. A limit that is hit is reported by its name. */
#ifndef SMOL_AGENT_LIMITS_H
#define SMOL_AGENT_LIMITS_H

#include <stdint.h>

#include "proto/json.h"
#include "proto/request.h"

/* X(name, default, least, most) */
#define SMOL_AGENT_LIMITS(X)                                                                       \
	X(connections, 256, 1, 4096) /* at once */                                                 \
	X(jobs, 100, 0, 1024)	     /* at once */                                                 \
	X(run_ms, 0, 0, 864000000)   /* a command's time; 0: as long as it asks for */             \
	X(stdout_bytes, 512 * 1024, 0, SMOL_LINE_MAX) /* gathered for a one-shot reply */          \
	X(stderr_bytes, 512 * 1024, 0, SMOL_LINE_MAX)

struct smol_agent_limits {
#define X(name, def, least, most) int64_t name;
	SMOL_AGENT_LIMITS(X)
#undef X
};

void smol_limits_init(struct smol_agent_limits *l);
/* Take over what an object sets; what is out of range or unknown is passed over. NULL is fine. */
void smol_limits_decode(const cJSON *j, struct smol_agent_limits *l);
/* Set one by its name ("stdout-bytes" as well). -1 when there is none or value is out of range. */
int smol_limits_set(struct smol_agent_limits *l, const char *name, int64_t value);
cJSON *smol_limits_encode(const struct smol_agent_limits *l);

#endif
