/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories that the host shares with this VM: see shares.h. */
#include "agent/shares.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "base/auto.h"
#include "base/io.h"

int smol_agent_shares_decode(
    const cJSON *list, struct smol_agent_share to[SMOL_AGENT_SHARES_MAX], struct smol_err *err)
{
	const cJSON *j;
	int n = 0;

	cJSON_ArrayForEach (j, list) {
		const char *tag = smol_json_str(j, "tag"), *path = smol_json_str(j, "path");

		if (n == SMOL_AGENT_SHARES_MAX || !tag || !path || *path != '/' ||
		    strlen(tag) >= sizeof(to[n].tag) || strlen(path) >= sizeof(to[n].path))
			return smol_err_set(err, SMOL_E_PROTOCOL,
			    "the configuration of shared directory %d is wrong", n);
		strcpy(to[n].tag, tag);
		strcpy(to[n].path, path);
		to[n++].readonly = smol_json_bool(j, "ro", false);
	}
	return n;
}

int smol_agent_shares_mount(const struct smol_agent_share *shares, int n,
    struct smol_modules *modules, struct smol_err *err)
{
	if (n)
		smol_modules_serve(modules, "fs-virtiofs");
	for (int i = 0; i < n; i++) {
		const struct smol_agent_share *s = &shares[i];

		if (smol_mkdir_p(s->path, 0755, err) < 0)
			return -1;
		if (mount(s->tag, s->path, "virtiofs", s->readonly ? MS_RDONLY : 0, NULL) < 0)
			return smol_err_errno(err, SMOL_E_IO, errno,
			    "the shared directory %s cannot be mounted", s->path);
	}
	return 0;
}
