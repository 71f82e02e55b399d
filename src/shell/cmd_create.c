/* SPDX-License-Identifier: GPL-3.0-or-later */
/* create: register a VM and start it. Its name on stdout is all that is printed. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "image/image.h"
#include "shell/commands.h"
#include "shell/output.h"
#include "shell/rootfs.h"
#include "shell/vm_args.h"
#include "shell/vm_json.h"

/* The positional NAME and --name are the same thing. */
static int pick_name(const struct smol_args *args, const char **name, struct smol_err *err)
{
	const char *option = smol_args_str(args, "name");
	const char *word = args->nwords ? args->words[0] : NULL;

	if (option && word && strcmp(option, word) != 0)
		return smol_err_set(
		    err, SMOL_E_USAGE, "two names: '%s' and --name '%s'", word, option);
	*name = word ? word : option;
	return *name ? smol_vm_name_check(*name, err) : 0;
}

/*
 * A VM that never came to boot is taken back; one that booted and failed stays for whoever wants
 * to read its console.
 */
static int start_failed(
    struct smol_shell *sh, struct smol_vm *vm, struct smol_signals *signals, struct smol_err *err)
{
	if (err->code == SMOL_E_VM_DIED || err->code == SMOL_E_DEADLINE) {
		if (!err->hint)
			smol_err_hint(
			    err, "smolsh logs %s, or smolsh delete %s", vm->name, vm->name);
		return -1;
	}
	smol_vm_delete(sh->registry, vm, true, NULL);
	return err->code == SMOL_E_INTERRUPTED ? smol_shell_interrupted(sh, signals, err) : -1;
}

static int run_create(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_config struct smol_vm_config c = {0};
	smol_auto_vm struct smol_vm *vm = NULL;
	smol_auto_image struct smol_image *img = NULL;
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;
	const char *name = NULL;

	if (pick_name(args, &name, err) < 0 || smol_config_from_args(args, &c, err) < 0)
		return -1;
	img = smol_image_open(c.image, err);
	if (!img || smol_rootfs_from_args(sh, args, &c, err) < 0 || !smol_shell_registry(sh, err))
		return -1;
	vm = smol_vm_from_args(sh->registry, args, name, &c, false, err);
	if (!vm)
		return -1;
	if (!smol_args_flag(args, "no-start")) {
		if (smol_signals_open(&signals, err) < 0 ||
		    smol_shell_start(sh, vm, args, &signals, NULL, NULL, err) < 0)
			return start_failed(sh, vm, &signals, err);
	}
	if (sh->json)
		smol_out_data(sh, smol_vm_json(vm));
	else
		puts(vm->name);
	return 0;
}

static const struct smol_option create_options[] = {
    {.name = "no-start", .help = "register it only; `smolsh start NAME` boots it"},
    {0},
};

static const struct smol_positional create_words[] = {
    {"NAME", SMOL_OPTIONAL, "the VM's name (made from the image and the id)", SMOL_COMPLETE_NONE,
	NULL},
    {0},
};

const struct smol_command smol_cmd_create[] = {
    {
	.name = "create",
	.summary = "make a VM that stays, and boot it",
	.description =
	    "The VM is registered, booted, and its name printed once its agent is ready.\n"
	    "It goes on when smolsh ends; `smolsh delete NAME` removes it.\n"
	    "--rootfs boots another root than the image's: a directory, a tar, what `docker\n"
	    "save` writes, or an OCI layout. Its files are made into a root image once, and\n"
	    "shared; each VM keeps what it writes on a disk of its own.",
	.examples = "smolsh create web --memory 256\n"
		    "smolsh create db --rootfs ./debian.tar --rootfs-size 8G\n"
		    "vm=$(smolsh create --cpus 2) && smolsh exec \"$vm\" -- uname -a",
	.options = {create_options, smol_config_options},
	.positionals = create_words,
	.run = run_create,
    },
    {0},
};
