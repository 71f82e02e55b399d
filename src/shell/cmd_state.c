/* SPDX-License-Identifier: GPL-3.0-or-later */
/* start, stop, restart, pause, resume: what changes a VM's state. */
#include "base/auto.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/output.h"
#include "shell/vm_args.h"
#include "shell/vm_json.h"

static int given_up(struct smol_shell *sh, struct smol_signals *signals, const struct smol_err *err)
{
	return err->code == SMOL_E_INTERRUPTED ? smol_shell_interrupted(sh, signals, err) : -1;
}

static int start_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;

	if (smol_signals_open(&signals, err) < 0 ||
	    smol_shell_start(sh, vm, args, &signals, NULL, NULL, err) < 0)
		return given_up(sh, &signals, err);
	*data = sh->json ? smol_vm_json(vm) : NULL;
	return 0;
}

static int run_start(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	return smol_each_run(sh, args, start_one, err);
}

static int stop_it(
    struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args, struct smol_err *err)
{
	int64_t ask_ms = smol_args_int(args, "timeout", SMOL_STOP_ASK_MS);

	return smol_vm_stop(sh->registry, vm, ask_ms, smol_args_flag(args, "force"), err);
}

static int stop_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	if (stop_it(sh, vm, args, err) < 0)
		return -1;
	*data = sh->json ? smol_vm_json(vm) : NULL;
	return 0;
}

static int run_stop(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	return smol_each_run(sh, args, stop_one, err);
}

static int restart_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	if (vm->ephemeral)
		return smol_err_set(err, SMOL_E_STATE,
		    "VM '%s' belongs to a `smolsh run` and ends with it", vm->name);
	if (stop_it(sh, vm, args, err) < 0)
		return -1;
	return start_one(sh, vm, args, data, err);
}

static int run_restart(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	return smol_each_run(sh, args, restart_one, err);
}

static int pause_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	smol_auto_free char *warning = NULL;

	(void)args;
	if (smol_vm_pause(sh->registry, vm, true, &warning, err) < 0)
		return -1;
	*data = sh->json ? smol_vm_json(vm) : NULL;
	return 0;
}

static int resume_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	smol_auto_free char *warning = NULL;

	(void)args;
	if (smol_vm_pause(sh->registry, vm, false, &warning, err) < 0)
		return -1;
	if (warning) {
		smol_auto_free char *safe = smol_out_one_line(warning);

		smol_out_notice(sh, "VM '%s': %s; try: smolsh health %s", vm->name, safe, vm->name);
	}
	*data = sh->json ? smol_vm_json(vm) : NULL;
	return 0;
}

static int run_pause(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	return smol_each_run(sh, args, pause_one, err);
}

static int run_resume(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	return smol_each_run(sh, args, resume_one, err);
}

#define BOOT_TIMEOUT                                                                               \
	{                                                                                          \
		.name = "boot-timeout", .type = SMOL_OPTION_DURATION, .arg = "TIME",               \
		.help = "give up when it is not ready by then (120s)"                              \
	}
#define STOP_OPTIONS                                                                               \
	{.name = "force", .letter = 'f', .help = "kill it at once, without asking the guest"},     \
	{                                                                                          \
		.name = "timeout", .type = SMOL_OPTION_DURATION, .arg = "TIME",                    \
		.help = "how long the guest may take to shut down (10s)"                           \
	}

static const struct smol_option start_options[] = {
    BOOT_TIMEOUT,
    {.name = "snapshot",
	.type = SMOL_OPTION_STRING,
	.arg = "NAME",
	.help = "do not boot: go on where this snapshot was taken"},
    {0},
};
static const struct smol_option stop_options[] = {STOP_OPTIONS, {0}};
static const struct smol_option restart_options[] = {STOP_OPTIONS, BOOT_TIMEOUT, {0}};

const struct smol_command smol_cmd_state[] = {
    {
	.name = "start",
	.summary = "boot VMs and wait until they are ready",
	.description = "A VM that runs already is left as it is.",
	.examples = "smolsh start web db",
	.options = {start_options, smol_all_options},
	.positionals = smol_vms_words,
	.run = run_start,
    },
    {
	.name = "stop",
	.summary = "shut VMs down",
	.description =
	    "The guest is asked; when it does not shut down in time its hypervisor is told\n"
	    "to end, then killed. A VM that does not run is left as it is. A name's\n"
	    "beginning is not enough.",
	.examples = "smolsh stop web db\n"
		    "smolsh stop --all --timeout 2",
	.options = {stop_options, smol_all_options},
	.positionals = smol_vms_words,
	.flags = SMOL_COMMAND_WHOLE,
	.run = run_stop,
    },
    {
	.name = "restart",
	.summary = "stop VMs and start them again",
	.description = "A name's beginning is not enough.",
	.examples = "smolsh restart web",
	.options = {restart_options, smol_all_options},
	.positionals = smol_vms_words,
	.flags = SMOL_COMMAND_WHOLE,
	.run = run_restart,
    },
    {
	.name = "pause",
	.summary = "let VMs stand still",
	.description =
	    "The CPUs stop, and the guest's clocks and timeouts with them; its memory and\n"
	    "its connections stay. Afterwards its time of day is put right. A VM that is\n"
	    "paused already is left as it is.",
	.examples = "smolsh pause web\n"
		    "smolsh pause @role=web",
	.options = {smol_all_options},
	.positionals = smol_vms_words,
	.run = run_pause,
    },
    {
	.name = "resume",
	.summary = "let VMs that are paused go on",
	.examples = "smolsh resume web\n"
		    "smolsh resume @paused",
	.options = {smol_all_options},
	.positionals = smol_vms_words,
	.run = run_resume,
    },
    {0},
};
