/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where things are: see path.h. */
#include "base/path.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v == '/' ? v : NULL;
}

static char *home(void)
{
	const char *h = env("HOME");
	struct passwd *pw;

	if (!h) {
		pw = getpwuid(getuid());
		h = pw && pw->pw_dir ? pw->pw_dir : "/";
	}
	return smol_strdup(h);
}

/* $SMOLSH_HOME/own, or $xdg/smolsh, or ~/fallback/smolsh. */
static char *place(const char *own, const char *xdg, const char *fallback)
{
	const char *base = env("SMOLSH_HOME");
	smol_auto_free char *h = NULL;

	if (base)
		return smol_asprintf("%s/%s", base, own);
	base = env(xdg);
	if (base)
		return smol_asprintf("%s/smolsh", base);
	h = home();
	return smol_asprintf("%s/%s/smolsh", h, fallback);
}

char *smol_path_state_unmade(void)
{
	return place("state", "XDG_STATE_HOME", ".local/state");
}

/* A relative one would mean another home in every directory. */
static int check_home(struct smol_err *err)
{
	const char *v = getenv("SMOLSH_HOME");

	if (!v || !*v || *v == '/')
		return 0;
	smol_err_set(err, SMOL_E_INVALID, "SMOLSH_HOME is not an absolute path");
	return smol_err_hint(err, "SMOLSH_HOME=\"$PWD/…\"");
}

char *smol_path_state(struct smol_err *err)
{
	smol_auto_free char *p = check_home(err) < 0 ? NULL : smol_path_state_unmade();

	if (!p)
		return NULL;
	if (smol_mkdir_p(p, 0700, err) < 0) {
		smol_err_hint(
		    err, "set SMOLSH_HOME or XDG_STATE_HOME to a directory that can be written");
		return NULL;
	}
	return smol_steal(&p);
}

/* Under /tmp anybody may have made it first: it must be a real directory, ours, and closed. */
static int check_private(const char *path, struct smol_err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) {
		smol_err_set(err, SMOL_E_PERMISSION,
		    "%s is not a directory that only its owner can use", path);
		return smol_err_hint(err, "set XDG_RUNTIME_DIR, or remove %s", path);
	}
	return 0;
}

char *smol_path_runtime(struct smol_err *err)
{
	smol_auto_free char *p = NULL;

	if (check_home(err) < 0)
		return NULL;
	if (env("SMOLSH_HOME"))
		p = smol_asprintf("%s/run", env("SMOLSH_HOME"));
	else if (env("XDG_RUNTIME_DIR"))
		p = smol_asprintf("%s/smolsh", env("XDG_RUNTIME_DIR"));
	else
		p = smol_asprintf("/tmp/smolsh-%u", (unsigned)geteuid());
	if (smol_mkdir_p(p, 0700, err) < 0) {
		smol_err_hint(
		    err, "set SMOLSH_HOME or XDG_RUNTIME_DIR to a directory that can be written");
		return NULL;
	}
	if (check_private(p, err) < 0)
		return NULL;
	return smol_steal(&p);
}

bool smol_path_runtime_is_session(void)
{
	const char *dir = env("XDG_RUNTIME_DIR");
	smol_auto_free char *linger = NULL;
	struct passwd *pw = getpwuid(geteuid());

	if (env("SMOLSH_HOME") || !dir || strncmp(dir, "/run/user/", 10) != 0)
		return false;
	linger = smol_asprintf("/var/lib/systemd/linger/%s", pw ? pw->pw_name : "?");
	return access(linger, F_OK) < 0;
}

char *smol_path_config(void)
{
	return place("config", "XDG_CONFIG_HOME", ".config");
}

char *smol_path_rc(void)
{
	const char *base = env("SMOLSH_HOME");
	smol_auto_free char *dir = base ? smol_strdup(base) : smol_path_config();

	return smol_asprintf("%s/rc", dir);
}

char *smol_path_cache(void)
{
	return place("cache", "XDG_CACHE_HOME", ".cache");
}

/* The directory this program lies in; found once. */
static const char *own_dir(void)
{
	static char dir[4096];
	ssize_t n;
	char *slash;

	if (!dir[0]) {
		n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
		dir[n > 0 ? n : 0] = '\0';
		slash = strrchr(dir, '/');
		if (slash)
			*slash = '\0';
	}
	return dir;
}

bool smol_path_uninstalled(void)
{
	smol_auto_free char *beside = smol_asprintf("%s/smolsh-monitor", own_dir());
	smol_auto_free char *made = smol_asprintf("%s/config.status", own_dir());

	return access(beside, X_OK) == 0 && access(made, F_OK) == 0;
}

char **smol_path_images(void)
{
	char **list = smol_alloc(6 * sizeof(*list));
	int n = 0;

	if (env("SMOLSH_IMAGES"))
		list[n++] = smol_strdup(env("SMOLSH_IMAGES"));
	if (env("SMOLSH_HOME"))
		list[n++] = smol_asprintf("%s/images", env("SMOLSH_HOME"));
	if (smol_path_uninstalled())
		list[n++] = smol_asprintf("%s/images", own_dir());
	if (!env("SMOLSH_HOME")) {
		smol_auto_free char *data = place("", "XDG_DATA_HOME", ".local/share");

		list[n++] = smol_asprintf("%s/images", data);
	}
	list[n++] = smol_strdup(SMOL_DATADIR "/images");
	return list;
}

int smol_path_images_check(struct smol_err *err)
{
	const char *v = getenv("SMOLSH_IMAGES");
	struct stat st;

	if (!v || !*v)
		return 0;
	if (*v != '/') {
		smol_err_set(err, SMOL_E_INVALID, "SMOLSH_IMAGES is not an absolute path");
		return smol_err_hint(err, "SMOLSH_IMAGES=\"$PWD/…\"");
	}
	if (stat(v, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	smol_err_set(err, SMOL_E_NOT_FOUND, "SMOLSH_IMAGES: there is no directory %s", v);
	return smol_err_hint(err, "smolsh image build, which makes it, or unset SMOLSH_IMAGES");
}

void smol_path_list_free(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

char *smol_path_helper(const char *name, struct smol_err *err)
{
	char *const tries[] = {
	    smol_asprintf("%s/%s", own_dir(), name),
	    smol_asprintf("%s/../libexec/smolsh/%s", own_dir(), name),
	    smol_asprintf("%s/%s", SMOL_LIBEXECDIR, name),
	};
	char *found = NULL;

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(tries); i++) {
		if (!found && access(tries[i], X_OK) == 0)
			found = tries[i];
		else
			free(tries[i]);
	}
	if (!found) {
		smol_err_set(
		    err, SMOL_E_DEPENDENCY, "%s is missing: smolsh is not installed whole", name);
		smol_err_hint(err, "make install");
	}
	return found;
}

/* A directory may have the x bit, too. */
static bool executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *smol_path_which(const char *name)
{
	const char *path = getenv("PATH");
	smol_auto_free char *copy = smol_strdup(path && *path ? path : "/usr/bin:/bin");
	char *save = NULL;

	if (strchr(name, '/'))
		return executable(name) ? smol_strdup(name) : NULL;
	for (char *d = strtok_r(copy, ":", &save); d; d = strtok_r(NULL, ":", &save)) {
		smol_auto_free char *full = smol_asprintf("%s/%s", d, name);

		if (executable(full))
			return smol_steal(&full);
	}
	return NULL;
}
