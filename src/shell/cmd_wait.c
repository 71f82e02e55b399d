/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wait: until VMs, what runs in them, or their jobs are as one wants them. What only the guest can
 * tell is asked for again and again, a few times a second, up to a deadline.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"
#include "shell/ask.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/guest.h"
#include "shell/output.h"
#include "vm/lifecycle.h"
#include "vsock/client.h"

#define STEP_MS	 200  /* between two questions */
#define ASK_MS	 5000 /* for one of them */
#define PATH_LEN 4096

enum what { READY, AGENT, EXIT, PORT, FILE_THERE, WHAT__COUNT };

static const struct {
	const char *name; /* "port=" takes a value */
	const char *is, *is_not;
} whats[] = {
    [READY] = {"ready", "is ready", "is not ready"},
    [AGENT] = {"agent", "has an agent that answers", "has no agent that answers"},
    [EXIT] = {"exit", "has ended", "still runs"},
    [PORT] = {"port=", "listens there", "does not listen there"},
    [FILE_THERE] = {"file=", "has that file", "does not have that file"},
};
_Static_assert(SMOL_ARRAY_SIZE(whats) == WHAT__COUNT, "each what");
static const char *const names[] = {"ready", "agent", "exit", "port=", "file=", NULL};
_Static_assert(SMOL_ARRAY_SIZE(names) == WHAT__COUNT + 1, "each what");

struct wish {
	enum what what;
	int64_t port;
	const char *file;
	int64_t job; /* --job, or 0 */
};

static int take_wish(const struct smol_args *args, struct wish *w, struct smol_err *err)
{
	const char *text = smol_args_str(args, "for") ?: "ready", *value = NULL;
	smol_auto_free char *safe = smol_escape(text, strnlen(text, 100));
	int i = 0;

	*w = (struct wish){.job = smol_args_int(args, "job", 0)};
	if (w->job && smol_args_str(args, "for"))
		return smol_err_set(err, SMOL_E_USAGE, "either --for or --job, not both");
	for (; i < WHAT__COUNT; i++) {
		size_t n = strlen(whats[i].name);
		bool takes = whats[i].name[n - 1] == '=';

		value = text + n;
		if (takes ? strncmp(text, whats[i].name, n) == 0 : strcmp(text, whats[i].name) == 0)
			break;
	}
	w->what = (enum what)i;
	w->file = value;
	if (i == WHAT__COUNT ||
	    (w->what == PORT && smol_parse_int(value, 1, 65535, &w->port) < 0) ||
	    (w->what == FILE_THERE && (*value != '/' || strlen(value) >= PATH_LEN))) {
		smol_err_set(err, SMOL_E_INVALID,
		    "--for: '%s' is not ready, agent, exit, port=N or file=/PATH", safe);
		return smol_err_hint(err, "smolsh help wait");
	}
	return 0;
}

/* Is it so at this moment? 1 yes, 0 not yet, -1 it cannot be asked now (*err). */
static int probe(
    const struct smol_vm *vm, const struct wish *w, int64_t timeout_ms, struct smol_err *err)
{
	char *argv[] = {(char[]){"test"}, (char[]){"-e"}, NULL, NULL};
	struct smol_request r = {.op = SMOL_OP_HEALTH};
	smol_auto_free char *file = NULL;
	smol_auto_json cJSON *j = NULL;
	int64_t code = 1;
	double rtt_ms;

	if (w->what == PORT) {
		r.op = SMOL_OP_CONNECT;
		r.relay.port = w->port;
	} else if (w->what == FILE_THERE) {
		r.op = SMOL_OP_EXEC;
		argv[2] = file = smol_strdup(w->file);
		r.exec.argv = argv;
		r.exec.timeout_ms = ASK_MS;
	}
	j = smol_ask_request(vm, &r, timeout_ms, &rtt_ms, err);
	if (!j)
		return -1;
	if (w->what == FILE_THERE)
		smol_json_int(j, "exit_code", 0, 255, &code);
	return w->what != FILE_THERE || code == 0;
}

/* Errors after which asking again is of no use: the guest will say the same. */
static bool is_final(enum smol_code code)
{
	return code == SMOL_E_UNSUPPORTED || code == SMOL_E_UNAUTHORIZED ||
	       code == SMOL_E_INVALID || code == SMOL_E_NO_COMMAND || code == SMOL_E_NO_EXEC;
}

/* 1 it is so, 0 it will not be or the deadline passed, -1 error. */
static int wait_in_guest(struct smol_shell *sh, struct smol_vm *vm, const struct wish *w,
    smol_deadline deadline, int interrupt_fd, struct smol_err *err)
{
	int rc = smol_vm_wait(sh->registry, vm, SMOL_WAIT_READY, deadline, interrupt_fd, err);

	if (rc <= 0)
		return rc;
	for (;;) {
		smol_auto_err struct smol_err why = SMOL_ERR_INIT;
		int64_t left = deadline - smol_now_ms();

		/* Once in any case. */
		rc = probe(vm, w, left > 0 && left < ASK_MS ? left : ASK_MS, &why);
		if (rc > 0)
			return 1;
		if (rc < 0 && is_final(why.code))
			return smol_err_move(err, &why);
		left = deadline - smol_now_ms();
		if (left <= 0)
			return 0;
		if (smol_io_wait(
			interrupt_fd, POLLIN, smol_in_ms(left < STEP_MS ? left : STEP_MS)) > 0)
			return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
		if (smol_vm_reconcile(sh->registry, vm, err) < 0)
			return -1;
		/* One that reboots comes back; one that has ended does not. */
		if (!smol_vm_state_live(vm->state))
			return 0;
	}
}

/* Of a VM that has ended, or never ran, why and what would help. */
static void say_not(struct smol_shell *sh, const struct smol_vm *vm, const struct wish *w)
{
	bool live = smol_vm_state_live(vm->state);

	if (vm->state == SMOL_VM_PAUSED)
		smol_out_notice(sh, "VM '%s' %s: it is paused; try: smolsh resume %s", vm->name,
		    whats[w->what].is_not, vm->name);
	else if (live)
		smol_out_notice(sh, "VM '%s' %s", vm->name, whats[w->what].is_not);
	else
		smol_out_notice(sh, "VM '%s' %s: it %s%s%s; try: smolsh start %s", vm->name,
		    whats[w->what].is_not,
		    vm->state == SMOL_VM_CREATED ? "has not been started"
		    : vm->state == SMOL_VM_DIED	 ? "died"
						 : "is stopped",
		    vm->end_cause ? ": " : "", vm->end_cause ? vm->end_cause : "", vm->name);
}

static int say(struct smol_shell *sh, const struct smol_vm *vm, const struct smol_args *args,
    const struct wish *w, bool reached, cJSON **data)
{
	/* It may have ended while it was waited for. */
	smol_auto_vm struct smol_vm *now =
	    reached ? NULL : smol_registry_find(sh->registry, vm->id, NULL);

	vm = now ? now : vm;
	if (!reached)
		say_not(sh, vm, w);
	else
		smol_out_detail(sh, "VM '%s' %s", vm->name, whats[w->what].is);
	if (sh->json) {
		*data = cJSON_CreateObject();
		smol_json_add_str(*data, "name", vm->name);
		smol_json_add_str(*data, "for", smol_args_str(args, "for") ?: "ready");
		smol_json_add_bool(*data, "reached", reached);
		smol_json_add_str(*data, "state", smol_vm_state_name(vm->state));
	}
	return reached ? 0 : 1;
}

/* The agent does the waiting; Ctrl-C ends us, not the job. */
static int wait_for_job(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    int64_t job, cJSON **data, struct smol_err *err)
{
	int64_t timeout_ms = smol_args_int(args, "timeout", 0), code = -1;
	struct smol_request r = {.op = SMOL_OP_WAIT, .job = {.job = job, .timeout_ms = timeout_ms}};
	smol_auto_json cJSON *j = NULL;
	smol_auto_free char *state = NULL;
	double rtt_ms;

	j = smol_ask_request(vm, &r, SMOL_IO_TIMEOUT_MS, &rtt_ms, err);
	/* Without a timeout the agent waits for ever: then it is one that does not answer. */
	if (!j && (err->code != SMOL_E_DEADLINE || !timeout_ms)) {
		if (err->code == SMOL_E_RESET)
			smol_vm_explain(sh->registry, vm, err);
		if (err->code == SMOL_E_RESET || err->code == SMOL_E_NOT_FOUND)
			smol_err_hint(err, "smolsh jobs %s", vm->name);
		return -1;
	}
	if (j && strcmp(smol_json_str(j, "state") ?: "", "lost") == 0)
		return smol_err_set(
		    err, SMOL_E_STATE, "job %lld was lost when the agent died", (long long)job);
	state = j ? smol_guest_job_state(j) : smol_strdup("running");
	if (sh->json) {
		*data = j ? smol_steal(&j) : cJSON_CreateObject();
		if (!smol_json_get(*data, "state"))
			smol_json_add_str(*data, "state", state);
		smol_json_add_str(*data, "name", vm->name);
		smol_json_add_int(*data, "job", job);
	} else if (!j) {
		smol_out_notice(sh, "job %lld still runs", (long long)job);
	} else if (!sh->quiet) {
		if (smol_json_int(j, "exit_code", 0, 255, &code) == 1)
			printf("job %lld: %s %d\n", (long long)job, state, (int)code);
		else
			printf("job %lld: %s\n", (long long)job, state);
	}
	return err->code == SMOL_E_DEADLINE ? 1 : 0;
}

static int wait_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;
	struct wish w;
	smol_deadline deadline;
	int reached;

	if (take_wish(args, &w, err) < 0)
		return -1;
	if (w.job)
		return wait_for_job(sh, vm, args, w.job, data, err);
	/* A VM may run as long as it likes; all else is to come about some time. */
	deadline = smol_in_ms(
	    smol_args_int(args, "timeout", w.what == EXIT ? SMOL_NEVER : SMOL_BOOT_TIMEOUT_MS));
	if (smol_signals_open(&signals, err) < 0)
		return -1;
	if (w.what == READY || w.what == EXIT)
		reached = smol_vm_wait(sh->registry, vm,
		    w.what == EXIT ? SMOL_WAIT_EXIT : SMOL_WAIT_READY, deadline, signals.fd, err);
	else
		reached = wait_in_guest(sh, vm, &w, deadline, signals.fd, err);
	if (reached < 0)
		return err->code == SMOL_E_INTERRUPTED ? smol_shell_interrupted(sh, &signals, err)
						       : -1;
	return say(sh, vm, args, &w, reached, data);
}

static int run_wait(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	struct wish w;

	if (take_wish(args, &w, err) < 0)
		return -1;
	return smol_each_run(sh, args, wait_one, err);
}

static const struct smol_option wait_options[] = {
    {.name = "for",
	.type = SMOL_OPTION_STRING,
	.arg = "WHAT",
	.help = "ready, agent, exit, port=N or file=/PATH (ready)",
	.values = names},
    {.name = "job",
	.type = SMOL_OPTION_INT,
	.arg = "N",
	.help = "the end of this job",
	.min = 1,
	.max = (int64_t)1 << 53,
	.complete = SMOL_COMPLETE_JOB},
    {.name = "timeout",
	.type = SMOL_OPTION_DURATION,
	.arg = "TIME",
	.help = "how long to wait (120s; exit and --job: for ever)"},
    {0},
};

const struct smol_command smol_cmd_wait[] = {
    {
	.name = "wait",
	.summary = "wait until VMs are ready, or have ended",
	.description =
	    "ready: the agent has said that it is up; agent: it answers; exit: the VM has\n"
	    "ended; port=N: something in the guest listens there, on 127.0.0.1; file=/PATH:\n"
	    "that file is there. Exit code 0: it is so; 1: it will not be, or the time ran\n"
	    "out; 125: the job was lost.",
	.examples = "smolsh wait web --for port=8080 --timeout 30\n"
		    "smolsh wait web --for exit\n"
		    "smolsh wait web --job 3",
	.options = {wait_options, smol_all_options},
	.positionals = smol_vms_words,
	.run = run_wait,
    },
    {0},
};
