/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jobs, attach, cancel: commands that run in guests without anybody waiting for them. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/ask.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/guest.h"
#include "shell/output.h"
#include "shell/tty.h"

static int take_job(const char *word, int64_t *job, struct smol_err *err)
{
	smol_auto_free char *safe = NULL;

	if (smol_parse_int(word, 1, INT64_MAX / 2, job) == 0)
		return 0;
	safe = smol_escape(word, strnlen(word, 40));
	smol_err_set(err, SMOL_E_INVALID, "'%s' is no job's id", safe);
	return smol_err_hint(err, "smolsh jobs");
}

static const char *const headers[] = {
    "VM", ">JOB", "STATE", ">TIME", ">EXIT", ">OUTPUT", "COMMAND", NULL};

/* What an agent says of a job is foreign; its numbers are checked, its words put on one line. */
static void add_row(struct smol_table *t, const char *vm, const cJSON *j)
{
	smol_auto_free char *state = smol_guest_job_state(j);
	smol_auto_free char *command = smol_out_one_line(smol_json_str(j, "command") ?: "");
	int64_t id = 0, ms = 0, bytes = 0, code = 0;
	char id_text[24], time[16] = "-", code_text[8] = "", output[16];

	smol_json_int(j, "id", 0, INT64_MAX / 2, &id);
	snprintf(id_text, sizeof(id_text), "%lld", (long long)id);
	/* Of one that waits: how long it has; nobody knows how long a lost one ran. */
	if (smol_json_int(j, "duration_ms", 0, INT64_MAX / 2, &ms) == 1 ||
	    (strncmp(state, "queued", 6) == 0 &&
		smol_json_int(j, "started_ms_ago", 0, INT64_MAX / 2, &ms) == 1))
		smol_duration_text(ms, time);
	if (smol_json_int(j, "exit_code", 0, 255, &code) == 1)
		snprintf(code_text, sizeof(code_text), "%d", (int)code);
	smol_json_int(j, "output_bytes", 0, INT64_MAX / 2, &bytes);
	smol_size_text((uint64_t)bytes, output);
	smol_table_row(
	    t, (const char *const[]){vm, id_text, state, time, code_text, output, command});
}

/* One VM's jobs, into the table or the list. */
static int jobs_of(
    const struct smol_vm *vm, struct smol_table *t, cJSON *list, struct smol_err *err)
{
	smol_auto_json cJSON *answer = NULL;
	const cJSON *j;
	double rtt_ms;

	answer = smol_ask(vm, SMOL_OP_JOBS, SMOL_IO_TIMEOUT_MS, &rtt_ms, err);
	if (!answer)
		return vm->state == SMOL_VM_RUNNING ? smol_err_wrap(err, "VM '%s'", vm->name) : -1;
	cJSON_ArrayForEach (j, smol_json_get(answer, "jobs")) {
		cJSON *copy;

		if (!list) {
			add_row(t, vm->name, j);
			continue;
		}
		copy = cJSON_Duplicate(j, true);
		smol_json_add_str(copy, "vm", vm->name);
		cJSON_AddItemToArray(list, copy);
	}
	return 0;
}

/* The VMs that were named, else those that run; that there is none is no error then. */
static int find_vms(
    struct smol_shell *sh, const struct smol_args *args, struct smol_each *e, struct smol_err *err)
{
	static const char *const running[] = {"@running"};

	if (args->nwords)
		return smol_each_words(sh, args->words, args->nwords, e, err);
	if (smol_each_words(sh, running, 1, e, err) == 0)
		return 0;
	if (err->code != SMOL_E_NOT_FOUND)
		return -1;
	smol_err_clear(err);
	return 0;
}

/* The table first: what went wrong would stand above it, out of sight, when it is long. */
static int run_jobs(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_each struct smol_each e = {0};
	smol_auto_json cJSON *list = sh->json ? cJSON_CreateArray() : NULL;
	const struct smol_err *first = NULL;
	struct smol_table *t;
	int worst = 0;

	if (find_vms(sh, args, &e, err) < 0)
		return -1;
	e.missed =
	    smol_realloc(e.missed, ((size_t)e.nmissed + (size_t)e.nvms + 1) * sizeof(*e.missed));
	t = smol_table_new(headers);
	for (int i = 0; i < e.nvms; i++) {
		struct smol_each_miss *miss = &e.missed[e.nmissed];

		*miss = (struct smol_each_miss){.word = e.vms[i]->name};
		if (jobs_of(e.vms[i], t, list, &miss->err) < 0)
			e.nmissed++;
	}
	if (!list)
		smol_table_print(t, !sh->quiet, smol_out_width());
	smol_table_free(t);
	for (int i = 0; i < e.nmissed; i++) {
		first = first ? first : &e.missed[i].err;
		worst = smol_each_worse(worst, smol_err_exit_code(&e.missed[i].err));
		if (!list)
			smol_out_trouble(sh, &e.missed[i].err);
	}
	if (list && first)
		smol_out_data_failed(sh, smol_steal(&list), first);
	else if (list)
		smol_out_data(sh, smol_steal(&list));
	return worst;
}

static int run_attach(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;
	smol_auto_vm struct smol_vm *vm = NULL;
	struct smol_job_request job = {.from = (uint64_t)smol_args_int(args, "from", 0),
	    .from_set = smol_args_str(args, "from") != NULL};
	struct smol_guest g = {.sh = sh, .args = args, .signals = &signals, .attach = &job};

	g.tty = smol_args_flag(args, "tty");
	if (take_job(args->words[1], &job.job, err) < 0 || smol_guest_check(sh, args, err) < 0)
		return -1;
	vm = smol_shell_vm(sh, args->words[0], err);
	if (!vm || smol_signals_open(&signals, err) < 0)
		return -1;
	g.vm = vm;
	return smol_guest_run(&g, err);
}

/* "TERM", "SIGTERM" or "15"; 0 where it is none. */
static int signal_of(const char *text)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	int64_t n;

	if (smol_parse_int(text, 1, 64, &n) == 0)
		return (int)n;
	for (int sig = 1; sig < NSIG; sig++) {
		const char *known = sigabbrev_np(sig);

		if (known && strcasecmp(known, name) == 0)
			return sig;
	}
	return 0;
}

static int cancel_job(struct smol_shell *sh, const struct smol_vm *vm, int64_t job, int sig,
    cJSON *list, struct smol_err *err)
{
	struct smol_request r = {.op = SMOL_OP_CANCEL, .job = {.job = job, .signal = sig}};
	smol_auto_json cJSON *answer = NULL;
	smol_auto_free char *state = NULL;
	double rtt_ms;
	cJSON *j;

	answer = smol_ask_request(vm, &r, SMOL_IO_TIMEOUT_MS, &rtt_ms, err);
	if (!answer)
		return -1;
	state = smol_out_one_line(smol_json_str(answer, "state") ?: "?");
	if (list) {
		j = cJSON_CreateObject();
		smol_json_add_str(j, "vm", vm->name);
		smol_json_add_int(j, "job", job);
		smol_json_add_str(j, "state", state);
		cJSON_AddItemToArray(list, j);
	} else if (!sh->quiet) {
		printf("job %lld: %s\n", (long long)job, state);
	}
	return 0;
}

static int run_cancel(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = NULL;
	smol_auto_err struct smol_err first = SMOL_ERR_INIT;
	smol_auto_json cJSON *list = sh->json ? cJSON_CreateArray() : NULL;
	const char *name = smol_args_str(args, "signal");
	int sig = name ? signal_of(name) : 0, worst = 0;
	int64_t job = 0;

	if (name && !sig) {
		smol_err_set(err, SMOL_E_INVALID, "--signal: there is no such signal");
		return smol_err_hint(err, "--signal INT");
	}
	for (int i = 1; i < args->nwords; i++)
		if (take_job(args->words[i], &job, err) < 0)
			return -1;
	vm = smol_shell_vm(sh, args->words[0], err);
	if (!vm)
		return -1;
	for (int i = 1; i < args->nwords; i++) {
		smol_auto_err struct smol_err why = SMOL_ERR_INIT;

		take_job(args->words[i], &job, NULL);
		if (cancel_job(sh, vm, job, sig, list, &why) == 0)
			continue;
		if (why.code == SMOL_E_NOT_FOUND)
			smol_err_hint(&why, "smolsh jobs %s", vm->name);
		worst = smol_each_worse(worst, smol_err_exit_code(&why));
		if (!sh->json)
			smol_out_trouble(sh, &why);
		if (first.code == SMOL_E_NONE)
			smol_err_move(&first, &why);
	}
	if (list && worst)
		smol_out_data_failed(sh, smol_steal(&list), &first);
	else if (list)
		smol_out_data(sh, smol_steal(&list));
	return worst;
}

#define ONE_VM                                                                                     \
	{                                                                                          \
		"VM", SMOL_ONE, "a name or an id", SMOL_COMPLETE_VM, NULL                          \
	}

static const struct smol_positional attach_words[] = {
    ONE_VM,
    {"JOB", SMOL_ONE, "its id, as `jobs` shows it", SMOL_COMPLETE_JOB, NULL},
    {0},
};
static const struct smol_positional cancel_words[] = {
    ONE_VM,
    {"JOB", SMOL_MANY, "their ids, as `jobs` shows them", SMOL_COMPLETE_LIVE_JOB, NULL},
    {0},
};

static const struct smol_option attach_options[] = {
    {.name = "from",
	.type = SMOL_OPTION_INT,
	.arg = "SEQ",
	.help = "begin at this byte of its output (the oldest that is held)",
	.min = 0,
	.max = (int64_t)1 << 53},
    {.name = "stdin", .letter = 'i', .help = "send stdin to it"},
    {.name = "tty", .letter = 't', .help = "its terminal: all keys go to it"},
    {.name = "raw", .help = "on a terminal: let all control sequences of the guest pass"},
    SMOL_DETACH_KEYS,
    {0},
};
static const struct smol_option cancel_options[] = {
    {.name = "signal",
	.letter = 's',
	.type = SMOL_OPTION_STRING,
	.arg = "NAME",
	.help = "what it gets first, such as INT or 2 (TERM); then KILL"},
    {0},
};

const struct smol_command smol_cmd_jobs[] = {
    {
	.name = "jobs",
	.summary = "show the jobs of VMs",
	.description =
	    "Every command is a job. States: queued, running, exited, signalled, timed_out,\n"
	    "cancelled, lost (the agent that ran it is gone). \"Input cut\": the connection\n"
	    "that gave its input ended before that did. Without a VM: of all VMs.",
	.examples = "smolsh jobs\n"
		    "smolsh jobs web --json",
	.positionals = smol_vms_words,
	.run = run_jobs,
    },
    {
	.name = "attach",
	.summary = "go on with a job's output, and wait for its end",
	.description =
	    "What is held of its output comes first; what is not is said to be missing. The\n"
	    "exit code is the job's, or 125 where that is 0 and its input was cut off, so\n"
	    "that it cannot be a success. SIGTERM leaves the job running; so does the\n"
	    "detach key with -t.",
	.examples = "smolsh attach web 3\n"
		    "smolsh attach -t web 4",
	.options = {attach_options},
	.positionals = attach_words,
	.run = run_attach,
    },
    {
	.name = "cancel",
	.summary = "end jobs of a VM",
	.examples = "smolsh cancel web 3 4\n"
		    "smolsh cancel web 3 --signal INT",
	.options = {cancel_options},
	.positionals = cancel_words,
	.run = run_cancel,
    },
    {0},
};
