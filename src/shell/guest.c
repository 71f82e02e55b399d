/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command in a guest: see guest.h. Output goes straight to descriptors 1 and 2 as it comes: raw
 * where they are no terminals or with --raw, else through the filter. Nothing is retried once the
 * agent may have received the request.
 */
#include "shell/guest.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "shell/filter.h"
#include "shell/output.h"
#include "vsock/client.h"

#define REFUSED_TRIES 20  /* for an agent that is being restarted */
#define REFUSED_MS    150 /* between them */

const struct smol_option smol_guest_options[] = {
    {.name = "stdin", .letter = 'i', .help = "send stdin to the command (without it: none)"},
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
    {.name = "timeout",
	.type = SMOL_OPTION_DURATION,
	.arg = "TIME",
	.help = "end it after this time, with exit code 124"},
    {.name = "raw", .help = "on a terminal: let all control sequences of the guest pass"},
    {0},
};

struct stream {
	const char *name;
	int fd;
	bool filtered;
	struct smol_filter filter;
};

struct run {
	const struct smol_guest *g;
	struct smol_client *client;
	struct stream out, err;
	int presses;	   /* of Ctrl-C */
	int leave;	   /* exit code with which it was given up, or 0 */
	bool reader_gone;  /* EPIPE */
	bool write_failed; /* our own output, not the guest's fault */
};

/* Ctrl-C: interrupt, then terminate, then kill and leave. SIGTERM and SIGHUP: pass on and leave. */
static int on_signals(struct run *r)
{
	static const int steps[] = {SIGINT, SIGTERM, SIGKILL};
	int sig;

	while ((sig = smol_signals_take(r->g->signals))) {
		if (sig != SIGINT) {
			smol_client_send_signal(r->client, sig);
			r->leave = 128 + sig;
			return -1;
		}
		if (r->presses < 3)
			smol_client_send_signal(r->client, steps[r->presses++]);
		if (r->presses == 3) {
			r->leave =
			    smol_err_exit_code(&(struct smol_err){.code = SMOL_E_INTERRUPTED});
			return -1;
		}
	}
	return 0;
}

static int on_wake(void *ctx, struct smol_client *c)
{
	(void)c;
	return on_signals(ctx);
}

/* Not smol_io_write_all(): a reader that has stopped must not keep Ctrl-C from working. */
static int put(struct run *r, int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t w = write(fd, data, n);

		if (w >= 0) {
			data += w;
			n -= (size_t)w;
			continue;
		}
		if (errno == EPIPE)
			r->reader_gone = true;
		if (errno != EINTR && errno != EAGAIN) {
			r->write_failed = true;
			return -1;
		}
		if (errno == EAGAIN) {
			struct pollfd p[] = {{.fd = fd, .events = POLLOUT},
			    {.fd = r->g->signals->fd, .events = POLLIN}};

			poll(p, 2, -1);
		}
		if (on_signals(r) < 0) {
			errno = EINTR;
			return -1;
		}
	}
	return 0;
}

static int put_json(struct run *r, struct stream *s, const char *data, size_t n)
{
	cJSON *j;

	if (!n)
		return 0;
	j = cJSON_CreateObject();
	smol_json_add_str(j, "stream", s->name);
	smol_json_add_bytes(j, "data", data, n);
	smol_out_line(j);
	if (fflush(stdout) == 0)
		return 0;
	r->reader_gone = errno == EPIPE;
	return -1;
}

static int on_output(void *ctx, enum smol_frame_type type, const char *data, size_t n)
{
	struct run *r = ctx;
	struct stream *s = type == SMOL_FRAME_STDERR ? &r->err : &r->out;
	smol_auto_buf struct smol_buf b = {0};

	smol_spinner_stop(r->g->spinner);
	if (r->g->sh->json) {
		smol_filter_utf8(&s->filter, data, n, &b);
		return put_json(r, s, smol_buf_head(&b), smol_buf_len(&b));
	}
	if (!s->filtered)
		return put(r, s->fd, data, n);
	smol_filter_terminal(&s->filter, data, n, &b);
	return put(r, s->fd, smol_buf_head(&b), smol_buf_len(&b));
}

/* What the filters still hold, once no more can come. */
static void end_streams(struct run *r)
{
	struct stream *const streams[] = {&r->out, &r->err};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(streams); i++) {
		struct stream *s = streams[i];
		smol_auto_buf struct smol_buf b = {0};

		smol_filter_end(&s->filter, s->filtered, &b);
		if (!smol_buf_len(&b))
			continue;
		if (r->g->sh->json)
			put_json(r, s, smol_buf_head(&b), smol_buf_len(&b));
		else
			put(r, s->fd, smol_buf_head(&b), smol_buf_len(&b));
	}
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

int smol_guest_check(
    const struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	if (smol_args_flag(args, "stdin") && sh->stdin_taken) {
		smol_err_set(err, SMOL_E_USAGE,
		    "--stdin: the script itself comes from stdin, so there is none to send");
		return smol_err_hint(err, "give the script with -f FILE or -c TEXT");
	}
	if (args->nguest > SMOL_ARGV_MAX)
		return smol_err_set(
		    err, SMOL_E_LIMIT, "a guest command of more than %d words", SMOL_ARGV_MAX);
	return check_env(args, err);
}

/* The VM's variables, but for those that --env sets itself, and then --env: of a name that stands
 * twice the first would count. Caller frees each and the array. */
static char **environment(const struct smol_guest *g)
{
	smol_auto_free char **given = smol_args_list(g->args, "env");
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

static void make_request(const struct smol_guest *g, struct smol_exec_request *e)
{
	const struct smol_args *args = g->args;

	*e = (struct smol_exec_request){.stream = true};
	/* One word without "--" is a line for the guest's shell. */
	if (args->nguest == 1 && !args->dashes) {
		e->command = smol_strdup(args->guest[0]);
	} else {
		e->argv = smol_alloc(((size_t)args->nguest + 1) * sizeof(*e->argv));
		for (int i = 0; i < args->nguest; i++)
			e->argv[i] = smol_strdup(args->guest[i]);
	}
	e->env = environment(g);
	e->cwd = smol_strdup(smol_args_str(args, "cwd"));
	e->user = smol_strdup(smol_args_str(args, "user"));
	e->timeout_ms = smol_args_int(args, "timeout", 0);
	e->want_stdin = smol_args_flag(args, "stdin");
}

/* One attempt: connect, send, and if the agent takes it, all the way to its end. */
static int attempt(struct run *r, const struct smol_exec_request *e,
    struct smol_exec_result *result, struct smol_err *err)
{
	struct smol_exec_io io = {.stdin_fd = e->want_stdin ? STDIN_FILENO : -1,
	    .output = on_output,
	    .wake_fd = r->g->signals->fd,
	    .wake = on_wake,
	    .ctx = r};
	smol_auto_client struct smol_client *c = NULL;
	struct smol_vsock_addr addr;
	int rc;

	if (smol_vm_agent_addr(r->g->vm, &addr, err) < 0)
		return -1;
	c = smol_client_open(&addr, r->g->vm->token, smol_in_ms(SMOL_DIAL_TIMEOUT_MS), err);
	if (!c)
		return -1;
	r->client = c;
	rc = smol_client_exec(c, e, &io, result, err);
	r->client = NULL;
	return rc;
}

/* SMOL_E_REFUSED says that nobody has taken the request: it may be made again for a while. */
static int run_retrying(struct run *r, const struct smol_exec_request *e,
    struct smol_exec_result *result, struct smol_err *err)
{
	for (int tries = 1;; tries++) {
		int sig;

		if (attempt(r, e, result, err) == 0)
			return 0;
		if (err->code != SMOL_E_REFUSED || tries == REFUSED_TRIES || r->leave)
			return -1;
		if (smol_io_wait(r->g->signals->fd, POLLIN, smol_in_ms(REFUSED_MS)) > 0) {
			sig = smol_signals_take(r->g->signals);
			r->leave = 128 + (sig ? sig : SIGINT);
			return -1;
		}
		smol_out_detail(r->g->sh, "the agent refused the connection, once more");
	}
}

static bool may_have_died(enum smol_code code)
{
	return code == SMOL_E_RESET || code == SMOL_E_REFUSED || code == SMOL_E_DEADLINE ||
	       code == SMOL_E_IO || code == SMOL_E_PROTOCOL;
}

static int failed(struct run *r, struct smol_err *err)
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
	if (may_have_died(err->code)) {
		if (r->g->hold)
			smol_hold_explain(r->g->hold, err);
		else
			smol_vm_explain(r->g->sh->registry, r->g->vm, err);
		if (!err->hint && !r->g->hold)
			smol_err_hint(err, "smolsh health %s", r->g->vm->name);
	}
	return -1;
}

static int finish(struct run *r, const struct smol_exec_request *e,
    const struct smol_exec_result *result, struct smol_err *err)
{
	struct smol_shell *sh = r->g->sh;

	if (r->presses)
		sh->interrupted = true;
	if (result->truncated)
		smol_out_notice(sh,
		    "a process that the command left behind still holds its output; "
		    "what it prints from now on is not shown");
	if (result->timed_out) {
		char text[16];

		smol_duration_text(e->timeout_ms, text);
		smol_err_set(err, SMOL_E_TIMEOUT,
		    "the command was ended: it ran longer than its timeout of %s", text);
		if (!sh->json)
			return -1;
		smol_out_data_failed(sh, smol_exec_result_encode(result), err);
		return result->exit_code;
	}
	if (sh->json)
		smol_out_data(sh, smol_exec_result_encode(result));
	return result->exit_code;
}

int smol_guest_run(const struct smol_guest *g, struct smol_err *err)
{
	bool raw = smol_args_flag(g->args, "raw");
	struct run r = {.g = g,
	    .out = {.name = "stdout", .fd = STDOUT_FILENO},
	    .err = {.name = "stderr", .fd = STDERR_FILENO}};
	struct smol_exec_result result = {0};
	struct smol_exec_request e;
	int rc;

	r.out.filtered = !raw && isatty(STDOUT_FILENO);
	r.err.filtered = !raw && isatty(STDERR_FILENO);
	make_request(g, &e);
	fflush(stdout);
	rc = run_retrying(&r, &e, &result, err);
	smol_spinner_stop(g->spinner);
	if (!r.reader_gone)
		end_streams(&r);
	rc = rc < 0 ? failed(&r, err) : finish(&r, &e, &result, err);
	smol_exec_request_free(&e);
	return rc;
}
