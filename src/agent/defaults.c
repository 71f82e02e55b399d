/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the VM's root image wants commands to be run with: see defaults.h. */
#include "agent/defaults.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void smol_defaults_decode(const cJSON *j, struct smol_defaults *d)
{
	const cJSON *env = smol_json_get(j, "env"), *v;
	size_t n = 0;

	*d = (struct smol_defaults){.cwd = smol_strdup(smol_json_str(j, "cwd")),
	    .user = smol_strdup(smol_json_str(j, "user"))};
	if (!cJSON_IsObject(env))
		return;
	d->env = smol_alloc(((size_t)cJSON_GetArraySize(env) + 1) * sizeof(*d->env));
	cJSON_ArrayForEach (v, env)
		if (cJSON_IsString(v) && *v->string && !strchr(v->string, '='))
			d->env[n++] = smol_asprintf("%s=%s", v->string, v->valuestring);
}

void smol_defaults_free(struct smol_defaults *d)
{
	for (char **p = d->env; p && *p; p++)
		free(*p);
	free(d->env);
	free(d->cwd);
	free(d->user);
	*d = (struct smol_defaults){0};
}

static bool sets(char *const *env, const char *variable)
{
	size_t n = strcspn(variable, "=") + 1;

	for (; env && *env; env++)
		if (strncmp(*env, variable, n) == 0)
			return true;
	return false;
}

static size_t count(char *const *env)
{
	size_t n = 0;

	while (env && env[n])
		n++;
	return n;
}

void smol_defaults_apply(const struct smol_defaults *d, struct smol_exec_request *e)
{
	size_t n = count(e->env);

	if (!e->cwd)
		e->cwd = smol_strdup(d->cwd);
	if (!e->user)
		e->user = smol_strdup(d->user);
	if (!d->env)
		return;
	e->env = smol_realloc(e->env, (n + count(d->env) + 1) * sizeof(*e->env));
	e->env[n] = NULL;
	for (char *const *v = d->env; *v; v++)
		if (!sets(e->env, *v)) {
			e->env[n++] = smol_strdup(*v);
			e->env[n] = NULL;
		}
}
