/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * image: guest images. The work is done by the helper smolsh-image, which links what smolsh does
 * not (libarchive); here its words are described, checked and passed on.
 */
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/spawn.h"
#include "image/image.h"
#include "image/root.h"
#include "shell/commands.h"
#include "shell/output.h"
#include "shell/parse.h"
#include "vm/lifecycle.h"

/* The helper's words, made anew from what was parsed, so that both agree on what was meant. */
static const char **helper_words(
    struct smol_shell *sh, const char *program, const struct smol_args *args, char ***owned)
{
	const char **w =
	    smol_alloc(((size_t)args->ngiven * 2 + (size_t)args->nwords + 8) * sizeof(*w));
	size_t n = 0, k = 0;

	*owned = smol_alloc(((size_t)args->ngiven + 1) * sizeof(**owned));
	w[n++] = program;
	w[n++] = args->command->name;
	for (int i = 0; i < args->ngiven; i++) {
		const struct smol_arg *a = &args->given[i];

		if (smol_command_option(
			&(struct smol_command){0}, a->option->name, strlen(a->option->name)))
			continue; /* a common one: its effect follows below */
		w[n++] = (*owned)[k++] = smol_asprintf("--%s", a->option->name);
		if (a->text)
			w[n++] = a->text;
	}
	if (sh->json)
		w[n++] = "--json";
	if (sh->quiet)
		w[n++] = "--quiet";
	for (int i = 0; i < args->nwords; i++)
		w[n++] = args->words[i];
	w[n] = NULL;
	return w;
}

static int run_helper(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_free char *program = smol_path_helper("smolsh-image", err);
	smol_auto_free const char **words = NULL;
	char **owned = NULL;
	int code;

	if (!program)
		return -1;
	words = helper_words(sh, program, args, &owned);
	smol_out_flush(NULL);
	/* With --json the helper prints the envelope. */
	sh->answered = true;
	code = smol_spawn_run(words, err);
	smol_path_list_free(owned);
	return code;
}

/* Does it need the image of that name, or the root image of that digest? */
static bool needs(const struct smol_vm *vm, const char *image, const char *digest)
{
	const char *root = smol_json_str(vm->config.rootfs, "digest");

	return digest ? root && strcmp(root, digest) == 0 : strcmp(vm->config.image, image) == 0;
}

/* "web (running), db (stopped)": the VMs that boot it, NULL where there are none. -1. */
static int find_users(struct smol_shell *sh, const char *image, const char *digest, char **users,
    struct smol_err *err)
{
	struct smol_registry *r = smol_shell_registry(sh, err);
	smol_auto_vm_list struct smol_vm **list = NULL;
	smol_auto_buf struct smol_buf b = {0};
	int bad = 0;

	list = r ? smol_registry_list(r, &bad, err) : NULL;
	if (!list)
		return -1;
	for (struct smol_vm **vm = list; *vm; vm++) {
		if (!needs(*vm, image, digest))
			continue;
		smol_vm_reconcile(r, *vm, NULL);
		if (!smol_shell_vm_gone(*vm))
			smol_buf_printf(&b, "%s%s (%s)", smol_buf_len(&b) ? ", " : "", (*vm)->name,
			    smol_vm_state_name((*vm)->state));
	}
	*users = smol_buf_len(&b) ? smol_buf_take(&b) : NULL;
	return 0;
}

/* Without it a VM does not start again, and says so only then. */
static int check_users(
    struct smol_shell *sh, const char *image, const char *digest, struct smol_err *err)
{
	smol_auto_free char *users = NULL;

	if (find_users(sh, image, digest, &users, err) < 0)
		return -1;
	if (!users)
		return 0;
	smol_err_set(err, SMOL_E_STATE, "%s '%s' is what these VMs boot: %s",
	    digest ? "root image" : "image", image, users);
	return smol_err_hint(
	    err, "smolsh image remove %s%s --force --yes", digest ? "--root " : "", image);
}

static int confirm(struct smol_shell *sh, const char *image, bool root, struct smol_err *err)
{
	smol_auto_free char *ask =
	    smol_asprintf("Remove %s %s?", root ? "root image" : "image", image);
	int answer = smol_out_ask(sh, ask);

	if (answer > 0)
		return 0;
	if (!answer)
		return smol_err_set(err, SMOL_E_USAGE, "nothing was removed");
	smol_err_set(err, SMOL_E_USAGE,
	    "removing an image needs a yes, and there is nobody "
	    "to ask");
	return smol_err_hint(err, "smolsh image remove %s%s --yes", root ? "--root " : "", image);
}

/* A root image is named by --root only: who leaves that out hears of it. */
static struct smol_image *open_image(const char *name, struct smol_err *err)
{
	struct smol_image *img = smol_image_open(name, err);
	smol_auto_root struct smol_root *root = img ? NULL : smol_root_open(name, NULL);

	if (root) {
		smol_err_set(err, SMOL_E_IMAGE, "'%s' is a root image", name);
		smol_err_hint(err, "smolsh image remove --root %s", name);
	}
	return img;
}

/* All is asked for and checked here; the helper only removes. */
static int run_remove(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	bool is_root = smol_args_flag(args, "root");
	smol_auto_image struct smol_image *img = is_root ? NULL : open_image(args->words[0], err);
	smol_auto_root struct smol_root *root =
	    is_root ? smol_root_open(args->words[0], err) : NULL;
	struct smol_arg pass[2] = {{.option = smol_command_option(args->command, "yes", 3)},
	    {.option = smol_command_option(args->command, "root", 4)}};
	struct smol_args plain = *args;

	if (!img && !root)
		return -1;
	if (!smol_args_flag(args, "force") &&
	    check_users(sh, args->words[0], root ? root->digest : NULL, err) < 0)
		return -1;
	if (!smol_args_flag(args, "yes") && confirm(sh, args->words[0], is_root, err) < 0)
		return -1;
	plain.given = pass;
	plain.ngiven = is_root ? 2 : 1;
	return run_helper(sh, &plain, err);
}

static const struct smol_option build_options[] = {
    {.name = "kernel",
	.type = SMOL_OPTION_STRING,
	.arg = "FILE",
	.help = "this kernel (bzImage or ELF) instead of Debian's",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "modules",
	.type = SMOL_OPTION_STRING,
	.arg = "DIR",
	.help = "its modules, such as /lib/modules/VERSION",
	.complete = SMOL_COMPLETE_DIR},
    {.name = "host-kernel", .help = "the kernel and modules that this host runs"},
    {.name = "agent",
	.type = SMOL_OPTION_STRING,
	.arg = "FILE",
	.help = "this smolsh-agent",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "busybox",
	.type = SMOL_OPTION_STRING,
	.arg = "FILE",
	.help = "this static busybox",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "add",
	.type = SMOL_OPTION_LIST,
	.arg = "FILE:PATH",
	.help = "put a host file into the image (may be repeated)",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "force", .letter = 'f', .help = "replace an image that is there"},
    {.name = "if-changed", .help = "build only when a part has changed since the last time"},
    {0},
};

static const struct smol_option info_options[] = {
    {.name = "verify", .help = "compare each part with its checksum"},
    {0},
};

static const struct smol_option import_options[] = {
    {.name = "force", .letter = 'f', .help = "make it anew even if its source has not changed"},
    {0},
};

static const struct smol_option remove_options[] = {
    {.name = "root", .help = "a root image: NAME is one of `smolsh image roots`"},
    {.name = "force", .letter = 'f', .help = "even if VMs boot it: they cannot be started again"},
    {.name = "yes", .letter = 'y', .help = "do not ask"},
    {0},
};

static const struct smol_positional build_words[] = {
    {"NAME", SMOL_OPTIONAL, "the image's name (base)", SMOL_COMPLETE_IMAGE, NULL},
    {0},
};

static const struct smol_positional name_words[] = {
    {"NAME", SMOL_ONE, "the image's name", SMOL_COMPLETE_IMAGE, NULL},
    {0},
};

static const struct smol_positional import_words[] = {
    {"SOURCE", SMOL_ONE, "a directory, a tar, a `docker save` archive or an OCI image layout",
	SMOL_COMPLETE_FILE, NULL},
    {"NAME", SMOL_OPTIONAL, "the root image's name (made of the source's)", SMOL_COMPLETE_NONE,
	NULL},
    {0},
};

static const struct smol_command image_verbs[] = {
    {
	.name = "build",
	.summary = "make an image from a kernel, busybox and the agent",
	.description = "Without --kernel, Debian's cloud kernel is downloaded and unpacked, not\n"
		       "installed. An image of that name stays until the new one is whole.",
	.examples = "smolsh image build\n"
		    "smolsh image build mine --kernel ./bzImage --modules ./lib/modules/6.9.0",
	.options = {build_options},
	.positionals = build_words,
	.run = run_helper,
    },
    {
	.name = "import",
	.summary = "make a root image for --rootfs",
	.description =
	    "The layers of a container image are merged, and its entrypoint, command,\n"
	    "variables, directory and user kept. Nothing is unpacked on the host, and no\n"
	    "root is needed. Of a source that has not changed nothing is made again.",
	.examples = "smolsh image import ./alpine.tar\n"
		    "smolsh image import /srv/debian-root debian",
	.options = {import_options},
	.positionals = import_words,
	.run = run_helper,
    },
    {
	.name = "info",
	.summary = "show what an image is made of",
	.options = {info_options},
	.positionals = name_words,
	.run = run_helper,
    },
    {.name = "list", .summary = "show all images", .run = run_helper},
    {
	.name = "remove",
	.summary = "remove an image or a root image",
	.description = "One that VMs boot, running or not, is kept without --force.",
	.options = {remove_options},
	.positionals = name_words,
	.run = run_remove,
    },
    {.name = "roots", .summary = "show all root images", .run = run_helper},
    {0},
};

const struct smol_command smol_cmd_image[] = {
    {
	.name = "image",
	.summary = "build, list, show and remove images and root images",
	.sub = image_verbs,
    },
    {0},
};
