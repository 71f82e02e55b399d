/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --rootfs: see rootfs.h. A root image is made by smolsh-image, which links what smolsh does not
 * (libarchive); its answer is the record that the VM keeps.
 */
#include "shell/rootfs.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/text.h"
#include "image/root.h"
#include "shell/spinner.h"
#include "vm/lifecycle.h"
#include "vm/upper.h"

#define IMPORT_MS  (2 * 3600 * 1000) /* for the largest of them; smolsh-image's own are shorter */
#define ANSWER_MAX (1 << 20)

/* The answer's data: 0 with *data, or what went wrong. */
static int take_answer(struct smol_buf *b, int status, cJSON **data, struct smol_err *err)
{
	smol_auto_json cJSON *j = NULL;
	size_t n;
	char *line = smol_buf_line(b, &n);
	const cJSON *e;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	j = line ? smol_json_parse_object(line, n, err) : NULL;
	e = smol_json_get(j, "error");
	if (e) {
		smol_err_set(err, smol_code_from_name(smol_json_str(e, "code")), "%s",
		    smol_json_str(e, "message") ? smol_json_str(e, "message") : "failed");
		return smol_json_str(e, "hint") ? smol_err_hint(err, "%s", smol_json_str(e, "hint"))
						: -1;
	}
	*data = cJSON_DetachItemFromObjectCaseSensitive(j, "data");
	if (*data)
		return 0;
	return smol_err_set(err, SMOL_E_INTERNAL, "smolsh-image ended without an answer");
}

static int import(const char *source, cJSON **data, struct smol_err *err)
{
	smol_auto_free char *program = smol_path_helper("smolsh-image", err);
	/* Absolute: what begins with "-" would be an option. */
	smol_auto_free char *path = realpath(source, NULL);
	const char *argv[] = {program, "import", "--json", path, NULL};
	struct smol_spawn s = {
	    .argv = argv, .fds = {-1, -1, 2}, .nfds = 3, .die_with_parent = true};
	smol_auto_buf struct smol_buf b = {0};
	int status;

	if (!program)
		return -1;
	if (!path)
		return smol_err_errno(err, SMOL_E_NOT_FOUND, errno, "the path");
	if (smol_spawn_read(&s, ANSWER_MAX, smol_in_ms(IMPORT_MS), &b, &status, err) < 0)
		return -1;
	return take_answer(&b, status, data, err);
}

/* A word without a slash is a name, where there is a root image of that name. */
static int resolve(struct smol_shell *sh, const char *word, cJSON **data, struct smol_err *err)
{
	smol_auto_spinner struct smol_spinner *spinner = NULL;
	smol_auto_free char *safe = smol_escape(word, strlen(word));
	smol_auto_root struct smol_root *r = NULL;

	if (!strchr(word, '/')) {
		r = smol_root_open(word, err);
		if (r && smol_root_check(r, err) < 0)
			return -1;
		if (r) {
			*data = smol_root_encode(r);
			return 0;
		}
		if (err->code != SMOL_E_NOT_FOUND)
			return -1;
		smol_err_clear(err);
	}
	if (access(word, F_OK) < 0) {
		smol_err_set(err, SMOL_E_NOT_FOUND,
		    strchr(word, '/') ? "there is no '%s'"
				      : "'%s' is neither a root image nor a file or directory",
		    safe);
		return smol_err_hint(err, "smolsh image roots");
	}
	spinner = smol_spinner_start(sh, "root image");
	return import(word, data, err);
}

static int take_size(const struct smol_args *args, struct smol_vm_config *c, struct smol_err *err)
{
	const char *text = smol_args_str(args, "rootfs-size");
	smol_auto_free char *safe = NULL;

	if (!text)
		return 0;
	c->rootfs_size = smol_parse_size(text);
	if (c->rootfs_size >= 0)
		return 0;
	safe = smol_escape(text, strnlen(text, 100));
	smol_err_set(err, SMOL_E_INVALID, "'%s' is no size", safe);
	smol_err_wrap(err, "--rootfs-size");
	return smol_err_hint(err, "--rootfs-size 4G");
}

int smol_rootfs_from_args(struct smol_shell *sh, const struct smol_args *args,
    struct smol_vm_config *c, struct smol_err *err)
{
	const char *word = smol_args_str(args, "rootfs");
	smol_auto_root struct smol_root *r = NULL;

	if (!word && smol_args_str(args, "rootfs-size")) {
		smol_err_set(err, SMOL_E_USAGE, "--rootfs-size goes with --rootfs");
		return smol_err_hint(err, "--rootfs NAME|DIR|TAR");
	}
	if (!word)
		return 0;
	if (take_size(args, c, err) < 0)
		return -1;
	if (resolve(sh, word, &c->rootfs, err) < 0)
		return smol_err_wrap(err, "--rootfs");
	r = smol_root_decode(c->rootfs, err);
	return r ? smol_vm_config_check(c, err) : -1;
}

int smol_rootfs_take(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_root struct smol_root *r = NULL;
	smol_auto_free char *dir = NULL;

	if (!vm->config.rootfs)
		return 0;
	r = smol_root_decode(vm->config.rootfs, err);
	dir = r ? smol_vm_state_dir(vm, err) : NULL;
	if (!dir || smol_mkdir_p(dir, 0700, err) < 0 || smol_root_use(r, vm->id, dir, err) < 0)
		return -1;
	return smol_vm_upper_make(vm, err);
}

char **smol_rootfs_command(const struct smol_vm_config *c, struct smol_err *err)
{
	smol_auto_root struct smol_root *r = smol_root_decode(c->rootfs, err);
	char **argv = r ? smol_root_argv(r) : NULL;

	if (argv || !r)
		return argv;
	smol_err_set(err, SMOL_E_USAGE, "root image '%s' says no command to run", r->name);
	smol_err_hint(err, "smolsh run --rootfs %s -- uname -a", r->name);
	return NULL;
}

char *smol_rootfs_text(const struct smol_vm_config *c, bool ephemeral)
{
	smol_auto_root struct smol_root *r = c->rootfs ? smol_root_decode(c->rootfs, NULL) : NULL;
	char size[16], own[16];

	if (!r)
		return NULL;
	smol_size_text(r->size, size);
	smol_size_text((uint64_t)c->rootfs_size, own);
	if (ephemeral)
		return smol_asprintf("%s (%.12s, %s) from %s; what is written goes with the VM",
		    r->name, r->digest, size, r->source);
	return smol_asprintf("%s (%.12s, %s) from %s; its own disk of %s keeps what is written",
	    r->name, r->digest, size, r->source, own);
}
