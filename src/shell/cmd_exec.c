/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exec: a command in a VM that runs. run: a fresh VM for one command. */
#include <stdio.h>

#include "base/auto.h"
#include "base/path.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/guest.h"
#include "shell/many.h"
#include "shell/output.h"
#include "shell/rootfs.h"
#include "shell/select.h"
#include "shell/tty.h"
#include "shell/vm_args.h"

/* A selector, a pattern or a list in place of one VM. */
static int exec_many(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_each struct smol_each e = {0};

	if (smol_args_flag(args, "stdin") || smol_args_flag(args, "tty"))
		return smol_err_set(err, SMOL_E_USAGE, "several VMs cannot share one %s",
		    smol_args_flag(args, "tty") ? "terminal" : "stdin");
	if (smol_each_words(sh, args->words, 1, &e, err) < 0)
		return -1;
	return smol_many_run(sh, args, &e, err);
}

/* exec -d: the job's id is all that is printed. */
static int start_job(const struct smol_guest *g, struct smol_err *err)
{
	int64_t job = 0;
	cJSON *j;

	if (smol_guest_start(g, &job, err) < 0)
		return -1;
	if (!g->sh->json) {
		printf("%lld\n", (long long)job);
		return 0;
	}
	j = cJSON_CreateObject();
	smol_json_add_str(j, "vm", g->vm->name);
	smol_json_add_int(j, "job", job);
	smol_out_data(g->sh, j);
	return 0;
}

/* A login shell on a terminal. */
static int run_shell(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;
	smol_auto_vm struct smol_vm *vm = NULL;
	struct smol_guest g = {.sh = sh, .args = args, .signals = &signals, .tty = true};

	if (smol_guest_check(sh, args, err) < 0)
		return -1;
	if (sh->json)
		return smol_err_set(err, SMOL_E_USAGE, "a terminal's output cannot be JSON");
	if (smol_tty_check(err) < 0)
		return smol_err_wrap(err, "shell");
	vm = smol_shell_vm(sh, args->words[0], err);
	if (!vm || smol_signals_open(&signals, err) < 0)
		return -1;
	g.vm = vm;
	return smol_guest_run(&g, err);
}

static int run_exec(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;
	smol_auto_vm struct smol_vm *vm = NULL;
	struct smol_guest g = {.sh = sh, .args = args, .signals = &signals};

	if (smol_guest_check(sh, args, err) < 0)
		return -1;
	if (smol_select_several(args->words[0]))
		return exec_many(sh, args, err);
	vm = smol_shell_vm(sh, args->words[0], err);
	if (!vm || smol_signals_open(&signals, err) < 0)
		return -1;
	g.vm = vm;
	g.tty = smol_args_flag(args, "tty") && !smol_args_flag(args, "detach");
	return smol_args_flag(args, "detach") ? start_job(&g, err) : smol_guest_run(&g, err);
}

/* The VM has not come up: nothing of it stays, unless it was to stay and has something to tell. */
static int boot_failed(struct smol_shell *sh, struct smol_vm *vm, bool keep,
    struct smol_signals *signals, struct smol_err *err)
{
	bool booted = err->code == SMOL_E_VM_DIED || err->code == SMOL_E_DEADLINE;

	if (keep && booted)
		return -1;
	smol_vm_delete(sh->registry, vm, true, NULL);
	if (err->code == SMOL_E_INTERRUPTED)
		return smol_shell_interrupted(sh, signals, err);
	if (booted && !keep)
		smol_err_hint(err, "run --keep leaves the VM for `smolsh logs`");
	return -1;
}

/* argv: in place of args->guest, or NULL. */
static int run_in(struct smol_shell *sh, const struct smol_args *args, struct smol_vm *vm,
    const char *const *argv, bool keep, struct smol_err *err)
{
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;
	smol_auto_spinner struct smol_spinner *spinner = NULL;
	smol_auto_err struct smol_err ignored = SMOL_ERR_INIT;
	struct smol_hold *hold = NULL;
	struct smol_guest g = {.sh = sh, .vm = vm, .args = args, .signals = &signals, .argv = argv};
	int code;

	if (smol_signals_open(&signals, err) < 0 ||
	    smol_shell_start(sh, vm, args, &signals, keep ? NULL : &hold, &spinner, err) < 0)
		return boot_failed(sh, vm, keep, &signals, err);
	/* Whoever types into the command does not want a line that is being redrawn. */
	g.tty = smol_args_flag(args, "tty");
	if (smol_args_flag(args, "stdin") || g.tty)
		smol_spinner_stop(spinner);
	smol_spinner_phase(spinner, "command");
	g.spinner = spinner;
	g.hold = hold;
	code = smol_guest_run(&g, err);
	if (keep)
		smol_out_notice(sh, "VM '%s' is kept", vm->name);
	else if (smol_hold_end(hold, &ignored) < 0)
		smol_out_trouble(sh, &ignored);
	return code;
}

static void free_words(char ***words)
{
	smol_path_list_free(*words);
}

static int run_run(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_config struct smol_vm_config c = {0};
	smol_auto_vm struct smol_vm *vm = NULL;
	smol_auto(free_words) char **argv = NULL;
	const char *name = smol_args_str(args, "name");
	bool keep = smol_args_flag(args, "keep");

	if (smol_guest_check(sh, args, err) < 0 || (name && smol_vm_name_check(name, err) < 0) ||
	    smol_config_from_args(args, &c, err) < 0)
		return -1;
	if (!c.vsock.enabled) {
		smol_err_set(err, SMOL_E_USAGE, "run reaches its command over vsock");
		return smol_err_hint(err, "leave --no-vsock out");
	}
	if (smol_rootfs_from_args(sh, args, &c, err) < 0)
		return -1;
	if (!args->nguest && !(argv = smol_rootfs_command(&c, err)))
		return -1;
	if (!smol_shell_registry(sh, err))
		return -1;
	vm = smol_vm_from_args(sh->registry, args, name, &c, !keep, err);
	if (!vm)
		return -1;
	return run_in(sh, args, vm, (const char *const *)argv, keep, err);
}

static const struct smol_positional exec_words[] = {
    {"VM", SMOL_ONE, "a name or an id; or several: a,b, web-*, @all, @running, @role=web",
	SMOL_COMPLETE_VM, NULL},
    {0},
};

static const struct smol_positional shell_words[] = {
    {"VM", SMOL_ONE, "a name or an id", SMOL_COMPLETE_VM, NULL},
    {0},
};

static const struct smol_option shell_options[] = {SMOL_DETACH_KEYS, {0}};

static const struct smol_option exec_options[] = {
    {.name = "detach", .letter = 'd', .help = "leave it running as a job, and print the job's id"},
    SMOL_DETACH_KEYS,
    {.name = "group",
	.letter = 'g',
	.help = "several VMs: fold those with the same output together"},
    {0},
};

static const struct smol_option run_options[] = {
    {.name = "keep", .help = "leave the VM running when the command has ended"},
    {0},
};

#define ONE_WORD                                                                                   \
	"The words of the command are passed exactly as they are; one single word\n"               \
	"without -- is a line for /bin/sh -c. Options stand before it. The exit code is\n"         \
	"the command's own."

const struct smol_command smol_cmd_exec[] = {
    {
	.name = "exec",
	.summary = "run a command in one or more VMs",
	.description = ONE_WORD
	"\n"
	"In several VMs it runs at once, 32 at a time; each line is marked with its VM.\n"
	"The exit code is then 125 if one gave it, else 124, else the highest.",
	.examples = "smolsh exec web -- ls -l /etc\n"
		    "smolsh exec web 'ps | wc -l'\n"
		    "smolsh exec --group @role=web -- cat /etc/os-release\n"
		    "smolsh exec -i --cwd /tmp web -- tar xf - < files.tar",
	.options = {exec_options, smol_guest_options, smol_place_options},
	.positionals = exec_words,
	.flags = SMOL_COMMAND_GUEST,
	.run = run_exec,
    },
    {
	.name = "run",
	.summary = "run a command in a fresh VM and remove the VM",
	.description =
	    ONE_WORD "\n"
		     "However smolsh ends, the VM goes with it, unless --keep was given.\n"
		     "With --rootfs of a container image and no command its own entrypoint and\n"
		     "command are run; a command takes the place of both.",
	.examples = "smolsh run -- uname -a\n"
		    "smolsh run --memory 512 'make -C /src test'\n"
		    "smolsh run --rootfs ./alpine.tar -- cat /etc/os-release\n"
		    "smolsh run --keep --name web -- true",
	.options = {run_options, smol_guest_options, smol_place_options, smol_config_options},
	.flags = SMOL_COMMAND_GUEST,
	.run = run_run,
    },
    {
	.name = "shell",
	.summary = "open a login shell on a VM's terminal",
	.description =
	    "Every key goes to the guest, Ctrl-C and Ctrl-Z too. Ctrl-] leaves the shell\n"
	    "running as a job; `smolsh attach -t` takes it up again. The exit code is its\n"
	    "own. A guest can do no more to our terminal than draw, unless --raw.",
	.examples = "smolsh shell web",
	.options = {shell_options, smol_place_options},
	.positionals = shell_words,
	.run = run_shell,
    },
    {0},
};
