/* SPDX-License-Identifier: GPL-3.0-or-later */
/* snapshot: what a guest is at this moment, kept; `start --snapshot` goes on from there. */
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "shell/commands.h"
#include "shell/output.h"
#include "shell/parse.h"
#include "vm/lifecycle.h"
#include "vm/snapshot.h"

static const char *const headers[] = {"SNAPSHOT", "TAKEN", ">SIZE", NULL};

static void add_row(struct smol_table *t, const cJSON *one)
{
	int64_t ms = 0, bytes = 0;
	char taken[32], size[16];

	smol_json_int(one, "taken_ms", 0, INT64_MAX / 2, &ms);
	smol_json_int(one, "bytes", 0, INT64_MAX / 2, &bytes);
	smol_wall_text(ms, taken);
	smol_size_text((uint64_t)bytes, size);
	smol_table_row(t, (const char *const[]){smol_json_str(one, "name"), taken, size});
}

static int list(struct smol_shell *sh, const struct smol_vm *vm, struct smol_err *err)
{
	cJSON *all = smol_snapshot_list(vm, err);

	if (!all)
		return -1;
	smol_out_list(sh, all, headers, add_row);
	return 0;
}

static cJSON *named(const struct smol_vm *vm, const char *name)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "vm", vm->name);
	smol_json_add_str(j, "name", name);
	return j;
}

static int drop(
    struct smol_shell *sh, const struct smol_vm *vm, const char *name, struct smol_err *err)
{
	if (!name)
		return smol_err_set(err, SMOL_E_USAGE, "--delete: which snapshot?");
	if (smol_snapshot_remove(vm, name, err) < 0)
		return -1;
	if (sh->json)
		smol_out_data(sh, named(vm, name));
	return 0;
}

static int take(struct smol_shell *sh, struct smol_vm *vm, const char *word, struct smol_err *err)
{
	const struct smol_backend_info *info = smol_backend_lookup(vm->config.backend, err);
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;
	smol_auto_free char *name = smol_strdup(word), *warning = NULL;

	if (!info)
		return -1;
	if (!(info->capabilities & SMOL_CAP_SNAPSHOT))
		return smol_backend_cannot(info, NULL, SMOL_CAP_SNAPSHOT, err);
	if (!name && !(name = smol_snapshot_free_name(vm, err)))
		return -1;
	if (smol_snapshot_name_check(name, err) < 0 || smol_snapshot_absent(vm, name, err) < 0 ||
	    smol_snapshot_check(vm, err) < 0 || smol_signals_open(&signals, err) < 0)
		return -1;
	if (smol_vm_snapshot(sh->registry, vm, name, signals.fd, &warning, err) < 0)
		return err->code == SMOL_E_INTERRUPTED ? smol_shell_interrupted(sh, &signals, err)
						       : -1;
	if (warning) {
		smol_auto_free char *safe = smol_out_one_line(warning);

		smol_out_notice(sh, "VM '%s': %s", vm->name, safe);
	}
	if (sh->json)
		smol_out_data(sh, named(vm, name));
	else if (!sh->quiet)
		printf("%s\n", name);
	return 0;
}

static int run_snapshot(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = NULL;
	const char *name = args->nwords > 1 ? args->words[1] : NULL;
	bool lists = smol_args_flag(args, "list"), drops = smol_args_flag(args, "delete");

	if (lists && (drops || name))
		return smol_err_set(err, SMOL_E_USAGE, "--list shows all snapshots of the VM");
	vm = smol_shell_vm(sh, args->words[0], err);
	if (!vm)
		return -1;
	if (lists)
		return list(sh, vm, err);
	return drops ? drop(sh, vm, name, err) : take(sh, vm, name, err);
}

static const struct smol_option snapshot_options[] = {
    {.name = "list", .letter = 'l', .help = "show the VM's snapshots"},
    {.name = "delete", .letter = 'd', .help = "remove this one"},
    {0},
};

static const struct smol_positional snapshot_words[] = {
    {"VM", SMOL_ONE, "a name or an id", SMOL_COMPLETE_VM, NULL},
    {"NAME", SMOL_OPTIONAL, "what it is called (the next number)", SMOL_COMPLETE_NONE, NULL},
    {0},
};

const struct smol_command smol_cmd_snapshot[] = {
    {
	.name = "snapshot",
	.summary = "keep what a running VM is now, to start from there again",
	.description =
	    "Its memory and the state of its devices go into files beside its logs; it\n"
	    "stands still meanwhile. Connections to its guest end by that; jobs in it go\n"
	    "on, and an exec or attach without --stdin takes its job up again. `start\n"
	    "--snapshot NAME` brings the guest back: its clock is put right, jobs of then\n"
	    "go on, those begun later are unknown to it. For VMs of backend firecracker\n"
	    "that write to no disk.",
	.examples = "smolsh snapshot web\n"
		    "smolsh snapshot web --list\n"
		    "smolsh stop web; smolsh start web --snapshot 1\n"
		    "smolsh snapshot web 1 --delete",
	.options = {snapshot_options},
	.positionals = snapshot_words,
	.run = run_snapshot,
    },
    {0},
};
