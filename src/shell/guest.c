/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command in a guest: see guest.h. Nothing is retried once the agent may have received the
 * request.
 */
#include "shell/guest.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "shell/ask.h"
#include "shell/guest_impl.h"
#include "shell/output.h"
#include "shell/tty.h"

#define REFUSED_TRIES 20  /* for an agent that is being restarted */
#define REFUSED_MS    150 /* between them */

const struct smol_option smol_guest_options[] = {
    {.name = "stdin", .letter = 'i', .help = "send stdin to the command (without it: none)"},
    {.name = "tty",
	.letter = 't',
	.help = "run it on a terminal: all keys go to it; implies --stdin"},
    {.name = "timeout",
	.type = SMOL_OPTION_DURATION,
	.arg = "TIME",
	.help = "end it after this time, with exit code 124"},
    {0},
};

const struct smol_option smol_place_options[] = {
    {.name = "env",
	.letter = 'e',
	.type = SMOL_OPTION_LIST,
	.arg = "K=V",
	.help = "set a variable of the command (may be repeated)"},
    {.name = "cwd",
	.letter = 'w',
	.type = SMOL_OPTION_STRING,
	.arg = "DIR",
	.help = "the directory it runs in"},
    {.name = "user",
	.letter = 'u',
	.type = SMOL_OPTION_STRING,
	.arg = "USER",
	.help = "the user it runs as: a name, UID or UID:GID (root)"},
    {.name = "raw", .help = "on a terminal: let all control sequences of the guest pass"},
    {0},
};

/* Not every command that comes here has every option. */
static bool has(const struct smol_args *args, const char *option)
{
	return smol_command_option(args->command, option, strlen(option)) != NULL;
}

static bool flag(const struct smol_args *args, const char *option)
{
	return has(args, option) && smol_args_flag(args, option);
}

static const char *text(const struct smol_args *args, const char *option)
{
	return has(args, option) ? smol_args_str(args, option) : NULL;
}

static int check_env(const struct smol_args *args, struct smol_err *err)
{
	for (int i = 0; i < args->ngiven; i++) {
		const char *text = args->given[i].text;

		if (strcmp(args->given[i].option->name, "env") != 0)
			continue;
		if (!strchr(text, '=') || *text == '=') {
			smol_auto_free char *safe = smol_escape(text, strnlen(text, 200));

			smol_err_set(err, SMOL_E_INVALID, "--env: '%s' is not NAME=VALUE", safe);
			return smol_err_hint(err, "--env NAME=VALUE");
		}
		if (!smol_utf8_valid(text, strlen(text)))
			return smol_err_set(err, SMOL_E_INVALID, "--env: not UTF-8");
	}
	return 0;
}

/* A terminal of its own: ours has to be one, unless nobody looks at it yet. */
static int check_tty(
    const struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	int key;

	if (text(args, "detach-keys") && smol_tty_key(text(args, "detach-keys"), &key, err) < 0)
		return -1;
	if (!flag(args, "tty") || flag(args, "detach"))
		return 0;
	if (sh->json)
		return smol_err_set(err, SMOL_E_USAGE, "a terminal's output cannot be JSON");
	return smol_tty_check(err) < 0 ? smol_err_wrap(err, "--tty") : 0;
}

int smol_guest_check(
    const struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	const char *option = flag(args, "stdin") ? "stdin" : "tty";

	if (flag(args, option) && sh->stdin_taken) {
		smol_err_set(err, SMOL_E_USAGE,
		    "--%s: the script itself comes from stdin, so there is none to send", option);
		return smol_err_hint(err, "give the script with -f FILE or -c TEXT");
	}
	if (args->nguest > SMOL_ARGV_MAX)
		return smol_err_set(
		    err, SMOL_E_LIMIT, "a guest command of more than %d words", SMOL_ARGV_MAX);
	if (check_tty(sh, args, err) < 0)
		return -1;
	return check_env(args, err);
}

/* The VM's variables, but for those that --env sets itself, and then --env: of a name that stands
 * twice the first would count. Caller frees each and the array. */
static char **environment(const struct smol_guest *g)
{
	smol_auto_free char **given = has(g->args, "env") ? smol_args_list(g->args, "env") : NULL;
	size_t n = 0, most = (size_t)cJSON_GetArraySize(g->vm->env);
	const cJSON *v;
	char **all;

	for (char **p = given; p && *p; p++)
		most++;
	all = smol_alloc((most + 1) * sizeof(*all));
	cJSON_ArrayForEach (v, g->vm->env) {
		size_t len = strlen(v->string);
		bool ours = true;

		for (char **p = given; p && *p && ours; p++)
			ours = strncmp(*p, v->string, len) != 0 || (*p)[len] != '=';
		if (ours)
			all[n++] = smol_asprintf("%s=%s", v->string, v->valuestring);
	}
	for (char **p = given; p && *p; p++)
		all[n++] = *p;
	return all;
}

static char **copy_words(const char *const *words, int n)
{
	char **copy = smol_alloc(((size_t)n + 1) * sizeof(*copy));

	for (int i = 0; i < n; i++)
		copy[i] = smol_strdup(words[i]);
	return copy;
}

static int words_in(const char *const *words)
{
	int n = 0;

	while (words[n])
		n++;
	return n;
}

static void make_request(const struct smol_guest *g, struct smol_exec_request *e)
{
	static const char *const login[] = {"/bin/sh", "-l"};
	const struct smol_args *args = g->args;
	/* exec -d -t: a terminal that somebody may look at later. */
	bool tty = g->tty || flag(args, "tty");

	*e = (struct smol_exec_request){.stream = true, .tty = tty};
	/* One word without "--" is a line for the guest's shell. */
	if (g->argv)
		e->argv = copy_words(g->argv, words_in(g->argv));
	else if (!args->nguest)
		e->argv = copy_words(login, SMOL_ARRAY_SIZE(login));
	else if (args->nguest == 1 && !args->dashes)
		e->command = smol_strdup(args->guest[0]);
	else
		e->argv = copy_words(args->guest, args->nguest);
	e->env = environment(g);
	e->cwd = smol_strdup(text(args, "cwd"));
	e->user = smol_strdup(text(args, "user"));
	e->timeout_ms = has(args, "timeout") ? smol_args_int(args, "timeout", 0) : 0;
	e->want_stdin = tty || flag(args, "stdin");
	if (!tty)
		return;
	e->term = smol_strdup(getenv("TERM") ?: "linux");
	smol_tty_size(&e->rows, &e->cols);
}

static struct smol_client *connect_to(const struct smol_guest *g, struct smol_err *err)
{
	struct smol_vsock_addr addr;

	if (smol_vm_agent_addr(g->vm, &addr, err) < 0)
		return NULL;
	return smol_client_open_or(
	    &addr, g->vm->token, smol_in_ms(SMOL_DIAL_TIMEOUT_MS), g->signals->fd, err);
}

/* One attempt: connect, send, and if the agent takes it, all the way to its end. */
static int attempt(struct smol_guest_io *r, const struct smol_exec_request *e,
    struct smol_exec_result *result, struct smol_err *err)
{
	struct smol_job_request same = {.job = r->job, .from = r->position, .from_set = true};
	const struct smol_job_request *job = r->again ? &same : r->g->attach;
	struct smol_exec_io io = {.stdin_fd = e->want_stdin ? STDIN_FILENO : -1,
	    .output = smol_guest_on_output,
	    .input = e->want_stdin ? smol_guest_on_input : NULL,
	    .started = smol_guest_on_started,
	    .gap = smol_guest_on_gap,
	    .wake_fd = r->g->signals->fd,
	    .wake = smol_guest_on_wake,
	    .ctx = r};
	smol_auto_client struct smol_client *c = connect_to(r->g, err);
	int rc;

	if (!c)
		return -1;
	smol_client_set_patience(c, smol_patience_more, &r->patience);
	r->client = c;
	rc = job ? smol_client_attach(c, job, &io, result, err)
		 : smol_client_exec(c, e, &io, result, err);
	if (r->job)
		r->position = smol_client_position(c);
	r->client = NULL;
	return rc;
}

/* Its connection has ended: was it cut by a snapshot, which the job does not notice? */
static bool was_cut(const struct smol_guest_io *r, const struct smol_err *err)
{
	smol_auto_json cJSON *status = NULL;
	int64_t ago = 0;

	if (!r->job || err->code != SMOL_E_RESET)
		return false;
	status = smol_vm_monitor_status(r->g->vm, NULL);
	return smol_json_int(status, "cut_ms_ago", 0, INT64_MAX / 2, &ago) == 1 &&
	       smol_now_ms() - ago >= r->began_ms;
}

/* Take it up again, once the VM goes on. Input of which nobody knows whether it came is not. */
static bool take_up(
    struct smol_guest_io *r, const struct smol_exec_request *e, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *now = NULL;

	if ((e->want_stdin && !r->g->tty) || r->leave || !was_cut(r, err))
		return false;
	now = smol_registry_find(r->g->sh->registry, r->g->vm->id, NULL);
	if (!now || smol_vm_wait(r->g->sh->registry, now, SMOL_WAIT_READY, SMOL_NEVER,
			r->g->signals->fd, NULL) != 1)
		return false;
	smol_out_detail(
	    r->g->sh, "a snapshot cut the connection: on with job %lld", (long long)r->job);
	smol_err_clear(err);
	r->again = true;
	r->began_ms = smol_now_ms();
	return true;
}

/* A signal came while there was no connection that could be told. true: it means that we go. */
static bool given_up(struct smol_guest_io *r)
{
	int sig = smol_signals_take(r->g->signals);

	if (sig == SIGWINCH)
		return false;
	r->leave = 128 + (sig ? sig : SIGINT);
	return true;
}

/* SMOL_E_REFUSED says that nobody has taken the request: it may be made again for a while. */
static int run_retrying(struct smol_guest_io *r, const struct smol_exec_request *e,
    struct smol_exec_result *result, struct smol_err *err)
{
	for (int tries = 1;; tries++) {
		int rc = attempt(r, e, result, err);

		if (rc >= 0)
			return rc;
		if (take_up(r, e, err)) {
			tries = 0;
			continue;
		}
		if ((err->code != SMOL_E_REFUSED && err->code != SMOL_E_INTERRUPTED) ||
		    tries == REFUSED_TRIES || r->leave)
			return -1;
		if (smol_io_wait(r->g->signals->fd, POLLIN, smol_in_ms(REFUSED_MS)) > 0 &&
		    given_up(r))
			return -1;
		smol_err_clear(err);
		smol_out_detail(r->g->sh, "the agent refused the connection, once more");
	}
}

static bool may_have_died(enum smol_code code)
{
	return code == SMOL_E_RESET || code == SMOL_E_REFUSED || code == SMOL_E_DEADLINE ||
	       code == SMOL_E_IO || code == SMOL_E_PROTOCOL;
}

/* A request failed: because the VM has died, or its vsock device, which a job lives through? */
static void explain(const struct smol_guest *g, int64_t job, struct smol_err *err)
{
	bool device = false;

	if (!may_have_died(err->code))
		return;
	if (g->hold && (device = smol_vm_explain_device(g->sh->registry, g->vm, err)))
		;
	else if (g->hold)
		smol_hold_explain(g->hold, err);
	else
		device = smol_vm_explain(g->sh->registry, g->vm, err);
	if (device && job && !g->hold)
		smol_err_hint(err, "smolsh attach %s%s %lld", g->tty ? "-t " : "", g->vm->name,
		    (long long)job);
	if (!err->hint && !g->hold)
		smol_err_hint(err, "smolsh health %s", g->vm->name);
}

static int failed(struct smol_guest_io *r, struct smol_err *err)
{
	if (r->reader_gone)
		return SMOL_EXIT_READER_GONE;
	if (r->leave) {
		r->g->sh->interrupted = true;
		smol_err_set(err, SMOL_E_INTERRUPTED, "given up by a signal");
		if (r->g->sh->json)
			smol_out_error(r->g->sh, err);
		return r->leave;
	}
	if (r->write_failed)
		return -1;
	if (r->g->vm->config.vsock.enabled)
		smol_ask_hint_old(r->g->vm, err);
	if ((r->g->attach || r->again) && err->code == SMOL_E_NOT_FOUND)
		return smol_err_hint(err, "smolsh jobs %s", r->g->vm->name);
	if (was_cut(r, err)) {
		smol_err_set(err, SMOL_E_RESET,
		    "a snapshot of VM '%s' cut the connection to job %lld, which goes on",
		    r->g->vm->name, (long long)r->job);
		return smol_err_hint(err, "smolsh attach %s%s %lld", r->g->tty ? "-t " : "",
		    r->g->vm->name, (long long)r->job);
	}
	explain(r->g, r->job, err);
	return -1;
}

/* What ended it, or its input, where that was not the command itself; SMOL_E_NONE. */
static enum smol_code ended_by(const struct smol_guest_io *r, const struct smol_exec_request *e,
    const struct smol_exec_result *result, struct smol_err *err)
{
	char time[16];

	if (result->limit == SMOL_E_LIMIT_RUN) {
		smol_err_set(err, SMOL_E_LIMIT_RUN,
		    "the command was ended: it ran longer than VM '%s' allows (limit run_ms)",
		    r->g->vm->name);
		if (r->g->vm->ephemeral)
			smol_err_hint(err, "a longer --limit run_ms=…");
		else
			smol_err_hint(err, "smolsh info %s", r->g->vm->name);
	} else if (result->timed_out) {
		smol_timeout_text(e->timeout_ms, time);
		smol_err_set(err, SMOL_E_TIMEOUT,
		    e->timeout_ms ? "the command was ended: it ran longer than its timeout of %s"
				  : "the command was ended: it ran longer than its timeout",
		    time);
	} else if (result->cancelled) {
		smol_err_set(err, SMOL_E_INTERRUPTED, "the job was cancelled");
	} else if (result->input_cut) {
		smol_err_set(err, SMOL_E_RESET,
		    "the job got no more than the first %lld bytes of its input: the connection "
		    "that gave it ended",
		    (long long)result->input_bytes);
	}
	return err->code;
}

/* A signal that nobody here has sent says more than its number does; Ctrl-C and a reader that has
 * gone are known. */
static void tell_death(const struct smol_guest_io *r, const struct smol_exec_result *result)
{
	const char *name = sigabbrev_np(result->signal);
	const char *why = result->out_of_memory ? ": the guest had run out of memory" : "";

	if (result->signal && !r->presses && result->signal != SIGINT && result->signal != SIGPIPE)
		smol_out_notice(r->g->sh, "the command was killed by signal %d%s%s%s%s",
		    result->signal, name ? " (SIG" : "", name ? name : "", name ? ")" : "", why);
	else if (result->out_of_memory)
		smol_out_notice(r->g->sh,
		    "the guest ran out of memory while the command ran, and killed a process");
}

static void tell_cuts(const struct smol_guest_io *r, const struct smol_exec_result *result)
{
	if (result->truncated)
		smol_out_notice(r->g->sh,
		    "a process that the command left behind still holds its output; "
		    "what it prints from now on is not shown");
	if (result->output_truncated)
		smol_out_notice(r->g->sh,
		    "the output was cut: there was more than VM '%s' allows (limit output_bytes)",
		    r->g->vm->name);
}

static int finish(struct smol_guest_io *r, const struct smol_exec_request *e,
    const struct smol_exec_result *result, struct smol_err *err)
{
	struct smol_shell *sh = r->g->sh;

	if (r->presses)
		sh->interrupted = true;
	tell_cuts(r, result);
	if (ended_by(r, e, result, err) == SMOL_E_NONE) {
		tell_death(r, result);
		if (sh->json)
			smol_out_data(sh, smol_exec_result_encode(result));
		return result->exit_code;
	}
	if (sh->json)
		smol_out_data_failed(sh, smol_exec_result_encode(result), err);
	else
		smol_out_trouble(sh, err);
	/* What has had half of its input has not succeeded, whatever it says. */
	if (err->code == SMOL_E_RESET && !result->exit_code)
		return smol_err_exit_code(err);
	return result->exit_code;
}

static int detached(const struct smol_guest_io *r)
{
	/* The guest's prompt stands before it on the line. */
	if (r->g->tty && !r->g->sh->quiet)
		fputc('\n', stderr);
	smol_out_notice(r->g->sh, "detached from job %lld; smolsh attach -t %s %lld",
	    (long long)r->job, r->g->vm->name, (long long)r->job);
	return 0;
}

char *smol_guest_job_state(const cJSON *job)
{
	smol_auto_free char *state = smol_out_one_line(smol_json_str(job, "state") ?: "?");

	return smol_asprintf("%s%s", state, smol_json_get(job, "input_cut") ? " (input cut)" : "");
}

int smol_guest_start(const struct smol_guest *g, int64_t *job, struct smol_err *err)
{
	struct smol_exec_request e;
	int rc = -1;

	make_request(g, &e);
	e.stream = false;
	e.detach = true;
	for (int tries = 1; rc < 0; tries++) {
		smol_auto_client struct smol_client *c = connect_to(g, err);

		rc = c ? smol_client_start(c, &e, job, err) : -1;
		if (rc < 0 && (err->code != SMOL_E_REFUSED || tries == REFUSED_TRIES))
			break;
		if (rc < 0)
			poll(NULL, 0, REFUSED_MS);
	}
	smol_exec_request_free(&e);
	if (rc < 0)
		explain(g, 0, err);
	return rc;
}

int smol_guest_run(const struct smol_guest *g, struct smol_err *err)
{
	bool raw = smol_args_flag(g->args, "raw");
	struct smol_guest_io r = {.g = g,
	    .patience = SMOL_PATIENCE_INIT(g->sh->registry, g->vm),
	    .raw = raw,
	    .began_ms = smol_now_ms(),
	    .detach_key = SMOL_TTY_DETACH,
	    .out = {.name = "stdout", .fd = STDOUT_FILENO},
	    .err = {.name = "stderr", .fd = STDERR_FILENO}};
	struct smol_exec_result result = {0};
	struct smol_exec_request e;
	int rc;

	if (!has(g->args, "detach-keys"))
		r.detach_key = -1;
	else if (text(g->args, "detach-keys"))
		smol_tty_key(text(g->args, "detach-keys"), &r.detach_key, NULL);
	r.out.filtered = !raw && isatty(STDOUT_FILENO);
	r.err.filtered = !raw && isatty(STDERR_FILENO);
	r.err.marked = r.err.filtered && g->sh->color_err;
	make_request(g, &e);
	fflush(stdout);
	if (e.timeout_ms)
		smol_patience_begin(&r.patience, g->sh->registry, g->vm);
	if (g->tty)
		smol_signals_resize(g->signals);
	rc = run_retrying(&r, &e, &result, err);
	smol_spinner_stop(g->spinner);
	if (!r.reader_gone)
		smol_guest_end_streams(&r);
	smol_tty_restore();
	rc = rc < 0 ? failed(&r, err) : rc ? detached(&r) : finish(&r, &e, &result, err);
	smol_exec_request_free(&e);
	return rc;
}
