/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the VM's root image wants commands to be run with, where a request does not say otherwise.
 */
#ifndef SMOL_AGENT_DEFAULTS_H
#define SMOL_AGENT_DEFAULTS_H

#include "proto/json.h"
#include "proto/request.h"

struct smol_defaults {
	char **env; /* "K=V", NULL-terminated, or NULL; all owned */
	char *cwd, *user;
};

/* From {"env":{…},"cwd":…,"user":…}, any of which may be missing; what makes no sense is left out.
 */
void smol_defaults_decode(const cJSON *j, struct smol_defaults *d);
void smol_defaults_free(struct smol_defaults *d);
/* Put into e what it does not say: each variable that it does not set, directory, user. */
void smol_defaults_apply(const struct smol_defaults *d, struct smol_exec_request *e);

#endif
