/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VM's policy: see policy.h. */
#include "agent/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/user.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

static int apply_env(const struct smol_limits *l, char *const *env, struct smol_err *err)
{
	for (char *const *v = l->env ? env : NULL; v && *v; v++) {
		size_t n = strcspn(*v, "=");
		smol_auto_free char *safe = NULL;
		bool allowed = false;

		for (char *const *name = l->env; *name && !allowed; name++)
			allowed = strncmp(*name, *v, n) == 0 && !(*name)[n];
		if (allowed)
			continue;
		safe = smol_escape(*v, n < 64 ? n : 64);
		return smol_err_set(err, SMOL_E_DENIED_ENV,
		    "the VM's policy does not allow the variable %s to be set", safe);
	}
	return 0;
}

static bool same_user(const char *a, const char *b)
{
	smol_auto(smol_user_free) struct smol_user ua = {0}, ub = {0};

	return strcmp(a, b) == 0 ||
	       (smol_user_find(&ua, a, "/etc/passwd", "/etc/group", NULL) == 0 &&
		   smol_user_find(&ub, b, "/etc/passwd", "/etc/group", NULL) == 0 &&
		   ua.uid == ub.uid && ua.gid == ub.gid);
}

static int apply_user(
    const struct smol_limits *l, struct smol_exec_request *e, struct smol_err *err)
{
	if (!l->user)
		return 0;
	if (e->user && !same_user(e->user, l->user))
		return smol_err_set(err, SMOL_E_DENIED_USER,
		    "the VM's policy lets commands run as %s only", l->user);
	free(e->user);
	e->user = smol_strdup(l->user);
	return 0;
}

/* Is dir the allowed one or below it? Both are resolved. */
static bool is_within(const char *dir, const char *allowed)
{
	size_t n = strlen(allowed);

	if (strcmp(allowed, "/") == 0)
		return true;
	return strncmp(dir, allowed, n) == 0 && (!dir[n] || dir[n] == '/');
}

/* Where it would start: a relative directory is one of the user's home. */
static char *resolve(const struct smol_exec_request *e)
{
	smol_auto(smol_user_free) struct smol_user u = {0};
	const char *home = getenv("HOME");
	smol_auto_free char *path = NULL;
	char *dir;

	if (e->user && smol_user_find(&u, e->user, "/etc/passwd", "/etc/group", NULL) == 0)
		home = u.home;
	home = home ? home : "/root";
	if (e->cwd && *e->cwd == '/')
		path = smol_strdup(e->cwd);
	else if (e->cwd)
		path = smol_asprintf("%s/%s", home, e->cwd);
	else
		path = smol_strdup(home);
	dir = realpath(path, NULL);
	return dir || e->cwd ? dir : smol_strdup("/");
}

static int apply_cwd(const struct smol_limits *l, struct smol_exec_request *e, struct smol_err *err)
{
	smol_auto_free char *dir = l->cwd ? resolve(e) : NULL;
	smol_auto_free char *safe = NULL;

	if (!l->cwd)
		return 0;
	for (char *const *w = l->cwd; dir && *w; w++) {
		smol_auto_free char *allowed = realpath(*w, NULL);

		if (allowed && is_within(dir, allowed)) {
			free(e->cwd);
			e->cwd = smol_steal(&dir);
			return 0;
		}
	}
	/* Who named none is not refused for its home: it starts where it may. */
	if (!e->cwd && *l->cwd) {
		e->cwd = smol_strdup(*l->cwd);
		return 0;
	}
	safe = smol_escape(e->cwd ? e->cwd : "/", e->cwd ? strnlen(e->cwd, 200) : 1);
	return smol_err_set(
	    err, SMOL_E_DENIED_CWD, "the VM's policy does not allow commands to start in %s", safe);
}

int smol_policy_apply(
    const struct smol_limits *l, struct smol_exec_request *e, struct smol_err *err)
{
	if (apply_env(l, e->env, err) < 0 || apply_user(l, e, err) < 0)
		return -1;
	return apply_cwd(l, e, err);
}
