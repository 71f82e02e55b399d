/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories that a VM shares: see share.h. */
#include "vm/share.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

void smol_shares_free(struct smol_shares *s)
{
	for (int i = 0; i < s->n; i++) {
		free(s->share[i].host);
		free(s->share[i].guest);
	}
	*s = (struct smol_shares){0};
}

static int malformed(const char *text, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(text, strnlen(text, 200));

	smol_err_set(
	    err, SMOL_E_INVALID, "'%s' is not HOSTDIR:GUESTDIR or HOSTDIR:GUESTDIR:ro", safe);
	return smol_err_hint(err, "--share ./src:/mnt/src:ro");
}

/* Absolute, nothing in it that leads elsewhere, no "//", no "/" at the end, and not the root. */
static bool is_place(const char *path)
{
	size_t n = strlen(path);

	if (*path != '/' || n < 2 || n > SMOL_SHARE_PATH_MAX || path[n - 1] == '/')
		return false;
	for (const char *p = path; p; p = strchr(p + 1, '/')) {
		size_t len = strcspn(p + 1, "/");

		if (!len || (len == 1 && p[1] == '.') || (len == 2 && p[1] == '.' && p[2] == '.'))
			return false;
	}
	return smol_utf8_valid(path, n);
}

/* Whether path is top, or stands somewhere in it. */
static bool below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (path[n] == '/' || !path[n]);
}

/* The kernel's own file systems stand there: a guest without them does not come up. */
static bool is_kernels(const char *guest)
{
	return below(guest, "/dev") || below(guest, "/proc") || below(guest, "/sys");
}

static int check_guest(const struct smol_shares *s, const char *guest, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(guest, strnlen(guest, 200));

	if (!is_place(guest)) {
		smol_err_set(err, SMOL_E_INVALID,
		    "'%s' is no place in a guest: it must be absolute, without '.' and '..'", safe);
		return smol_err_hint(err, "--share ./src:/mnt/src");
	}
	if (is_kernels(guest)) {
		smol_err_set(err, SMOL_E_INVALID,
		    "nothing can be shared to '%s': /dev, /proc and /sys are the guest's kernel's",
		    safe);
		return smol_err_hint(err, "--share ./src:/mnt/src");
	}
	for (int i = 0; i < s->n; i++) {
		const char *there = s->share[i].guest;
		smol_auto_free char *shown = smol_escape(there, strnlen(there, 200));

		if (strcmp(there, guest) == 0)
			return smol_err_set(
			    err, SMOL_E_INVALID, "two directories are shared to '%s'", safe);
		if (below(there, guest))
			return smol_err_set(err, SMOL_E_INVALID,
			    "a directory at '%s' would hide the one at '%s': it must stand first",
			    safe, shown);
	}
	return 0;
}

static char *find_host(const char *host, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(host, strnlen(host, 200));
	smol_auto_free char *path = realpath(host, NULL);
	struct stat st;

	if (!path || stat(path, &st) < 0) {
		smol_err_errno(err, SMOL_E_INVALID, errno, "%s", safe);
		return NULL;
	}
	if (!S_ISDIR(st.st_mode) || strlen(path) > SMOL_SHARE_PATH_MAX ||
	    !smol_utf8_valid(path, strlen(path)) || strchr(path, ',')) {
		smol_err_set(err, SMOL_E_INVALID,
		    "%s cannot be shared: it must be a directory, its path UTF-8, without commas, "
		    "of at most %d bytes",
		    safe, SMOL_SHARE_PATH_MAX);
		return NULL;
	}
	/* As its virtiofsd will find it, which has the same rights. */
	if (access(path, R_OK | X_OK) < 0) {
		smol_err_errno(err, SMOL_E_INVALID, errno, "%s", safe);
		return NULL;
	}
	return smol_steal(&path);
}

int smol_shares_add(struct smol_shares *s, const char *text, struct smol_err *err)
{
	smol_auto_free char *copy = smol_strdup(text);
	smol_auto_free char *path = NULL;
	char *rest = copy, *host = strsep(&rest, ":"), *guest = strsep(&rest, ":");
	char *mode = strsep(&rest, ":");

	if (!*host || !guest || rest || (mode && strcmp(mode, "ro") != 0))
		return malformed(text, err);
	if (s->n == SMOL_SHARES_MAX)
		return smol_err_set(
		    err, SMOL_E_INVALID, "more than %d shared directories", SMOL_SHARES_MAX);
	if (check_guest(s, guest, err) < 0)
		return -1;
	path = find_host(host, err);
	if (!path)
		return -1;
	s->share[s->n++] = (struct smol_share){
	    .host = smol_steal(&path), .guest = smol_strdup(guest), .readonly = mode != NULL};
	return 0;
}

cJSON *smol_shares_encode(const struct smol_shares *s)
{
	cJSON *list = cJSON_CreateArray();

	for (int i = 0; i < s->n; i++) {
		cJSON *j = cJSON_CreateObject();

		smol_json_add_str(j, "host", s->share[i].host);
		smol_json_add_str(j, "guest", s->share[i].guest);
		smol_json_add_bool(j, "readonly", s->share[i].readonly);
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

int smol_shares_decode(const cJSON *list, struct smol_shares *s, struct smol_err *err)
{
	const cJSON *j;

	cJSON_ArrayForEach (j, list) {
		const char *host = smol_json_str(j, "host"), *guest = smol_json_str(j, "guest");

		if (s->n == SMOL_SHARES_MAX || !host || *host != '/' || strchr(host, ',') ||
		    !guest || !is_place(guest))
			return smol_err_set(err, SMOL_E_REGISTRY,
			    "the configuration of shared directory %d is wrong", s->n);
		s->share[s->n++] = (struct smol_share){.host = smol_strdup(host),
		    .guest = smol_strdup(guest),
		    .readonly = smol_json_bool(j, "readonly", false)};
	}
	return 0;
}
