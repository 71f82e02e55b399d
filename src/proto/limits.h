/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an agent allows: limits, and a policy of what may be asked for. Both are one JSON object
 * ("limits" in a VM's configuration and in the vm.json that its guest gets), in which only what
 * differs from the default need stand. The host checks it when it is made, the agent obeys it; a
 * limit that is hit is reported by a code of its own.
 */
#ifndef SMOL_PROTO_LIMITS_H
#define SMOL_PROTO_LIMITS_H

#include <stdint.h>

#include "proto/json.h"
#include "proto/request.h"

#define SMOL_POLICY_MAX 256 /* entries of a list */

/* X(name, default, least, most); 0 is "none" where the default is 0 */
#define SMOL_LIMITS(X)                                                                             \
	X(connections, 256, 1, 4096)		      /* at once */                                \
	X(jobs, 100, 1, 1024)			      /* running at once */                        \
	X(queue, 64, 0, 1024)			      /* waiting for their turn */                 \
	X(run_ms, 0, 0, 864000000)		      /* a job's time */                           \
	X(output_bytes, 0, 0, 1LL << 53)	      /* of a job, both streams together */        \
	X(ring_bytes, 1 << 20, 64 << 10, 64 << 20)    /* kept of each stream of a job */           \
	X(file_bytes, 0, 0, 1LL << 53)		      /* of a file that is put or got */           \
	X(stdout_bytes, 512 * 1024, 0, SMOL_LINE_MAX) /* gathered for a one-shot reply */          \
	X(stderr_bytes, 512 * 1024, 0, SMOL_LINE_MAX)

struct smol_limits {
#define X(name, def, least, most) int64_t name;
	SMOL_LIMITS(X)
#undef X
	/* The policy; NULL: anything. NULL-terminated, owned. */
	char **cwd; /* directories at or below which commands may be started */
	char **env; /* names of variables that a request may set */
	char *user; /* commands run as this one and no other */
};

/* The defaults; free with smol_limits_free(). */
void smol_limits_init(struct smol_limits *l);
void smol_limits_free(struct smol_limits *l);

/* ---- the host's end ---- */

/* Add one to an object: a number ("64M" for bytes, 500 or "10s" for ms), "cwd" and "env" (one more
 * entry each), "user". Names may have dashes, and lack their unit. SMOL_E_INVALID: what, and which
 * range. */
int smol_limits_put(cJSON *j, const char *name, const char *value, struct smol_err *err);
/* Is all of the object in order? Unknown members are. NULL is fine. */
int smol_limits_check(const cJSON *j, struct smol_err *err);

/* ---- the agent's end ---- */

/* Take over what an object sets. A number that is out of range is passed over; a policy that is
 * not understood allows nothing. NULL is fine. */
void smol_limits_decode(const cJSON *j, struct smol_limits *l);
/* All numbers, and the policy where there is one. */
cJSON *smol_limits_encode(const struct smol_limits *l);

#endif
