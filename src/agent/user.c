/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who a job runs as: see user.h. */
#include "agent/user.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"

#define FIELDS 7

/* Cut the next line off *rest and take it apart at colons. Returns the number of fields. */
static int next_line(char **rest, char *field[FIELDS])
{
	char *line = strsep(rest, "\n");
	int n = 0;

	while (line && n < FIELDS)
		field[n++] = strsep(&line, ":");
	return n;
}

static int id_of(const char *text, id_t *id)
{
	int64_t v;

	/* The highest number means "no change" to setuid's relatives. */
	if (smol_parse_int(text, 0, UINT32_MAX - 1, &v) < 0)
		return -1;
	*id = (id_t)v;
	return 0;
}

static void read_passwd(struct smol_user *u, const char *name, const char *path, bool *found)
{
	smol_auto_buf struct smol_buf b = {0};
	char *rest, *f[FIELDS];
	id_t uid, gid;

	if (smol_file_read(path, SMOL_USER_FILE_MAX, &b, NULL) < 0)
		return;
	rest = smol_buf_str(&b);
	while (rest && !*found) {
		if (next_line(&rest, f) < 6 || id_of(f[2], &uid) < 0 || id_of(f[3], &gid) < 0)
			continue;
		if (name ? strcmp(f[0], name) != 0 : uid != u->uid)
			continue;
		*found = true;
		u->uid = uid;
		u->gid = gid;
		u->name = smol_strdup(f[0]);
		u->home = smol_strdup(*f[5] ? f[5] : "/");
	}
}

static bool names(char *members, const char *name)
{
	char *m;

	while ((m = strsep(&members, ",")))
		if (strcmp(m, name) == 0)
			return true;
	return false;
}

static void read_groups(struct smol_user *u, const char *path)
{
	smol_auto_buf struct smol_buf b = {0};
	char *rest, *f[FIELDS];
	id_t gid;

	if (!u->name || smol_file_read(path, SMOL_USER_FILE_MAX, &b, NULL) < 0)
		return;
	rest = smol_buf_str(&b);
	while (rest && u->ngroups < SMOL_USER_GROUPS_MAX) {
		if (next_line(&rest, f) < 4 || id_of(f[2], &gid) < 0 || gid == u->gid)
			continue;
		if (names(f[3], u->name))
			u->groups[u->ngroups++] = gid;
	}
}

/* The number of a group by its name. */
static bool find_group(const char *name, const char *path, id_t *gid)
{
	smol_auto_buf struct smol_buf b = {0};
	char *rest, *f[FIELDS];

	if (smol_file_read(path, SMOL_USER_FILE_MAX, &b, NULL) < 0)
		return false;
	rest = smol_buf_str(&b);
	while (rest)
		if (next_line(&rest, f) >= 3 && strcmp(f[0], name) == 0 && id_of(f[2], gid) == 0)
			return true;
	return false;
}

/* What stands behind the colon. */
static int take_group(const char *text, const char *path, id_t *gid, struct smol_err *err)
{
	smol_auto_free char *safe = NULL;

	if (!*text || strchr(text, ':'))
		return smol_err_set(err, SMOL_E_INVALID,
		    "user must be a name or a uid, and behind a colon a group or a gid");
	if (id_of(text, gid) == 0 || find_group(text, path, gid))
		return 0;
	safe = smol_escape(text, strnlen(text, 64));
	return smol_err_set(err, SMOL_E_NO_EXEC, "no group '%s' in the guest", safe);
}

int smol_user_find(struct smol_user *u, const char *who, const char *passwd, const char *group,
    struct smol_err *err)
{
	smol_auto_free char *copy = smol_strdup(who);
	char *gid_text = strchr(copy, ':');
	bool found = false, numeric;
	id_t gid = 0;

	*u = (struct smol_user){0};
	if (gid_text)
		*gid_text++ = '\0';
	numeric = id_of(copy, &u->uid) == 0;
	if (gid_text && take_group(gid_text, group, &gid, err) < 0)
		return -1;
	read_passwd(u, numeric ? NULL : copy, passwd, &found);
	if (!found && !numeric) {
		smol_auto_free char *safe = smol_escape(who, strnlen(who, 64));

		return smol_err_set(err, SMOL_E_NO_EXEC, "no user '%s' in the guest", safe);
	}
	if (!found) {
		u->gid = u->uid;
		u->home = smol_strdup("/");
	}
	if (gid_text)
		u->gid = gid;
	u->groups[u->ngroups++] = u->gid;
	if (!gid_text)
		read_groups(u, group);
	return 0;
}

void smol_user_free(struct smol_user *u)
{
	free(u->name);
	free(u->home);
	*u = (struct smol_user){0};
}
