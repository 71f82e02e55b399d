/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting a job's process: see launch.h. */
#include "agent/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SHOWN	     200 /* bytes of a name that an error message repeats */
#define KILLABLE     "0"
#define TIGHT_KIB    (32 * 1024)

enum step { STEP_NONE, STEP_TTY, STEP_USER, STEP_CWD, STEP_EXEC };

/* What the child leaves behind in the memory it shares. */
struct outcome {
	volatile enum step step;
	volatile int errnum;
};

/* Inherited by what is started next. */
static void set_oom(const struct smol_launch *l, const char *score)
{
	if (l->oom_fd >= 0 && pwrite(l->oom_fd, score, strlen(score), 0) < 0)
		return; /* the agent, or its job, is not as it should be, and runs all the same */
}

/* May memory run out before a process has started? Pages that the kernel can get back count as
 * taken, which costs no more than time. */
static bool is_tight(void)
{
	struct sysinfo si;

	return sysinfo(&si) < 0 || si.freeram / 1024 * si.mem_unit < TIGHT_KIB;
}

/* Raw calls: libc's set*id functions take locks to reach all threads. */
static int become(const struct smol_user *u)
{
	if (syscall(SYS_setgroups, u->ngroups, u->groups) < 0 ||
	    syscall(SYS_setresgid, u->gid, u->gid, u->gid) < 0 ||
	    syscall(SYS_setresuid, u->uid, u->uid, u->uid) < 0)
		return -1;
	return 0;
}

static void become_killable(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, KILLABLE, strlen(KILLABLE)) < 0)
		return; /* as in set_oom() */
	close(fd);
}

static enum step set_up(const struct smol_launch *l, bool tight)
{
	sigset_t none;

	setsid();
	if (tight)
		become_killable();
	if (l->tty && ioctl(l->fds[0], TIOCSCTTY, 0) < 0)
		return STEP_TTY;
	for (int i = 0; i < 3; i++)
		if (dup2(l->fds[i], i) < 0)
			return STEP_TTY;
	/* A limit that is not lowered harms nobody. */
	if (l->files)
		setrlimit(RLIMIT_NOFILE, l->files);
	if (l->user && become(l->user) < 0)
		return STEP_USER;
	if (!l->cwd || *l->cwd != '/')
		if (chdir(l->home) < 0 && chdir("/") < 0)
			return STEP_CWD;
	if (l->cwd && chdir(l->cwd) < 0)
		return STEP_CWD;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(l->path, (char *const *)l->argv, (char *const *)l->env);
	return STEP_EXEC;
}

/* Apart and not inlined, so that the child cannot disturb the caller's frame. */
static __attribute__((noinline)) pid_t start(
    const struct smol_launch *l, bool tight, struct outcome *o)
{
	pid_t pid = vfork();

	if (pid == 0) {
		enum step failed = set_up(l, tight);

		o->errnum = errno;
		o->step = failed;
		_exit(127);
	}
	return pid;
}

static int explain(const struct smol_launch *l, const struct outcome *o, struct smol_err *err)
{
	const char *what = o->step == STEP_CWD && l->cwd ? l->cwd : l->argv[0];
	smol_auto_free char *safe = smol_escape(what, strnlen(what, SHOWN));

	switch (o->step) {
	case STEP_TTY:
		return smol_err_errno(err, SMOL_E_NO_EXEC, o->errnum, "cannot set up the terminal");
	case STEP_USER:
		return smol_err_errno(
		    err, SMOL_E_NO_EXEC, o->errnum, "cannot become uid %u", l->user->uid);
	case STEP_CWD:
		return smol_err_errno(err, SMOL_E_NO_EXEC, o->errnum, "working directory %s", safe);
	default:
		break;
	}
	if (o->errnum == ENOENT)
		return smol_err_set(err, SMOL_E_NO_COMMAND, "%s: not found in the guest", safe);
	return smol_err_errno(err, SMOL_E_NO_EXEC, o->errnum, "%s", safe);
}

pid_t smol_launch_run(const struct smol_launch *l, struct smol_err *err)
{
	struct outcome o = {STEP_NONE, 0};
	bool tight = l->oom_fd >= 0 && is_tight();
	pid_t pid;

	/* Around it and not in it: the file in /proc of a new process has to be made first, and
	 * unmade when it ends, which is a good part of a quick command's time. But meanwhile the
	 * agent is as good a victim as any, so only where none will be looked for. */
	if (!tight)
		set_oom(l, KILLABLE);
	pid = start(l, tight, &o);
	if (!tight)
		set_oom(l, SMOL_OOM_EXEMPT);
	if (pid < 0)
		return smol_err_errno(
		    err, SMOL_E_LIMIT, errno, "the guest cannot start another process");
	if (o.step == STEP_NONE)
		return pid;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return explain(l, &o, err);
}

static bool same_key(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return strncmp(a, b, n) == 0 && b[n] == '=';
}

/* Put var (owned from here on) into the array, in place of one of the same name. */
static void put(char **env, size_t *n, char *var)
{
	for (size_t i = 0; i < *n; i++)
		if (same_key(var, env[i])) {
			free(env[i]);
			env[i] = var;
			return;
		}
	env[(*n)++] = var;
}

char **smol_launch_env(const struct smol_exec_request *e, const struct smol_user *u)
{
	size_t n = 0, given = 0;
	const char *path = getenv("PATH"), *home = getenv("HOME");
	char **env;

	while (e->env && e->env[given])
		given++;
	env = smol_alloc((given + 8) * sizeof(*env));
	put(env, &n, smol_asprintf("PATH=%s", path && *path ? path : DEFAULT_PATH));
	put(env, &n, smol_asprintf("HOME=%s", u ? u->home : home && *home ? home : "/root"));
	put(env, &n, smol_asprintf("TERM=%s", e->tty && e->term ? e->term : "linux"));
	if (u && u->name) {
		put(env, &n, smol_asprintf("USER=%s", u->name));
		put(env, &n, smol_asprintf("LOGNAME=%s", u->name));
	}
	for (size_t i = 0; i < given; i++)
		put(env, &n, smol_strdup(e->env[i]));
	return env;
}

void smol_launch_env_free(char **env)
{
	for (char **v = env; v && *v; v++)
		free(*v);
	free(env);
}

static const char *value_of(char *const *env, const char *key)
{
	size_t n = strlen(key);

	for (; *env; env++)
		if (strncmp(*env, key, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return "";
}

static bool join(char path[PATH_MAX], const char *dir, const char *name)
{
	size_t d = strlen(dir), n = strlen(name);

	if (d + 1 + n >= PATH_MAX)
		return false;
	memcpy(path, dir, d);
	path[d] = '/';
	memcpy(path + d + 1, name, n + 1);
	return true;
}

char *smol_launch_find(const char *name, char *const *env, struct smol_err *err)
{
	smol_auto_free char *copy = smol_strdup(value_of(env, "PATH"));
	smol_auto_free char *safe = NULL;
	char *rest = copy, *dir;
	bool seen = false;

	if (strchr(name, '/'))
		return smol_strdup(name);
	while (*name && (dir = strsep(&rest, ":"))) {
		char path[PATH_MAX];
		struct stat st;

		if (*dir != '/' || !join(path, dir, name) || stat(path, &st) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (st.st_mode & 0111)
			return smol_strdup(path);
		seen = true;
	}
	safe = smol_escape(name, strnlen(name, SHOWN));
	if (seen)
		smol_err_set(err, SMOL_E_NO_EXEC, "%s: not executable", safe);
	else
		smol_err_set(err, SMOL_E_NO_COMMAND, "%s: not found in the guest", safe);
	return NULL;
}
