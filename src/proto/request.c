/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests and results: see request.h. */
#include "proto/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

static const char *const op_names[] = {
#define X(e, n) [SMOL_OP_##e] = n,
    SMOL_OPS(X)
#undef X
};
_Static_assert(SMOL_ARRAY_SIZE(op_names) == SMOL_OP__COUNT, "a name for each op");

const char *smol_op_name(enum smol_op op)
{
	return (unsigned)op < SMOL_OP__COUNT ? op_names[op] : "?";
}

static const char *const job_state_names[] = {
#define X(e, n) [SMOL_JOB_##e] = n,
    SMOL_JOB_STATES(X)
#undef X
};
_Static_assert(SMOL_ARRAY_SIZE(job_state_names) == SMOL_JOB__COUNT, "a name for each state");

const char *smol_job_state_name(enum smol_job_state s)
{
	return (unsigned)s < SMOL_JOB__COUNT ? job_state_names[s] : "?";
}

static void free_words(char **words)
{
	for (char **w = words; w && *w; w++)
		free(*w);
	free(words);
}

void smol_exec_request_free(struct smol_exec_request *e)
{
	free_words(e->argv);
	free_words(e->env);
	free(e->command);
	free(e->cwd);
	free(e->user);
	free(e->term);
	*e = (struct smol_exec_request){0};
}

void smol_request_free(struct smol_request *r)
{
	smol_exec_request_free(&r->exec);
	free(r->token);
	free(r->how);
	free(r->relay.host);
	free(r->relay.path);
	free(r->files.path);
	free(r->files.name);
	*r = (struct smol_request){0};
}

/* argv: strings under "argv", or, if one of them is not UTF-8, all in base64 under "argv_b64". */
static void encode_argv(cJSON *j, char *const *argv)
{
	bool text = true;
	cJSON *a;

	for (char *const *w = argv; *w; w++)
		text = text && smol_utf8_valid(*w, strlen(*w));
	a = cJSON_AddArrayToObject(j, text ? "argv" : "argv_b64");
	for (char *const *w = argv; *w; w++) {
		smol_auto_free char *b64 = text ? NULL : smol_base64_encode(*w, strlen(*w));

		cJSON_AddItemToArray(a, cJSON_CreateString(text ? *w : b64));
	}
}

/* Variables have no base64 form: one that is not text cannot be sent, and is not to be changed. */
static int check_env(char *const *env, struct smol_err *err)
{
	for (char *const *w = env; w && *w; w++)
		if (!strchr(*w, '=') || **w == '=' || !smol_utf8_valid(*w, strlen(*w))) {
			smol_auto_free char *safe = smol_escape(*w, strnlen(*w, 60));

			return smol_err_set(
			    err, SMOL_E_INVALID, "variable '%s' is not NAME=VALUE in UTF-8", safe);
		}
	return 0;
}

static void encode_env(cJSON *j, char *const *env)
{
	cJSON *o = cJSON_AddObjectToObject(j, "env");

	for (char *const *w = env; *w; w++) {
		const char *eq = strchr(*w, '=');
		smol_auto_free char *key = eq ? smol_strndup(*w, (size_t)(eq - *w)) : NULL;

		if (key)
			smol_json_add_str(o, key, eq + 1);
	}
}

static void encode_exec(cJSON *j, const struct smol_exec_request *e)
{
	if (e->argv)
		encode_argv(j, e->argv);
	else
		smol_json_add_bytes(j, "command", e->command, strlen(e->command));
	if (e->env && *e->env)
		encode_env(j, e->env);
	if (e->cwd)
		smol_json_add_bytes(j, "cwd", e->cwd, strlen(e->cwd));
	if (e->user)
		smol_json_add_str(j, "user", e->user);
	if (e->timeout_ms)
		cJSON_AddNumberToObject(j, "timeout", (double)e->timeout_ms / 1000);
	if (e->stream)
		smol_json_add_bool(j, "stream", true);
	if (e->want_stdin)
		smol_json_add_bool(j, "stdin", true);
	if (e->detach)
		smol_json_add_bool(j, "detach", true);
	if (!e->tty)
		return;
	smol_json_add_bool(j, "tty", true);
	if (e->term)
		smol_json_add_str(j, "term", e->term);
	smol_json_add_int(j, "rows", e->rows);
	smol_json_add_int(j, "cols", e->cols);
}

static bool is_relay(enum smol_op op)
{
	return op == SMOL_OP_CONNECT || op == SMOL_OP_LISTEN || op == SMOL_OP_ACCEPT;
}

static void encode_relay(cJSON *j, const struct smol_relay_request *e)
{
	if (e->host)
		smol_json_add_str(j, "host", e->host);
	if (e->port)
		smol_json_add_int(j, "port", e->port);
	if (e->path)
		smol_json_add_str(j, "path", e->path);
	if (e->id)
		smol_json_add_int(j, "id", e->id);
}

static bool is_files(enum smol_op op)
{
	return op == SMOL_OP_PUT || op == SMOL_OP_GET;
}

static void encode_files(cJSON *j, const struct smol_files_request *e)
{
	smol_json_add_bytes(j, "path", e->path, strlen(e->path));
	if (e->name)
		smol_json_add_bytes(j, "name", e->name, strlen(e->name));
	if (e->recursive)
		smol_json_add_bool(j, "recursive", true);
}

static bool is_of_job(enum smol_op op)
{
	return op == SMOL_OP_ATTACH || op == SMOL_OP_CANCEL || op == SMOL_OP_WAIT;
}

static void encode_job(cJSON *j, const struct smol_job_request *e)
{
	smol_json_add_int(j, "job", e->job);
	if (e->from_set)
		smol_json_add_int(j, "from", (int64_t)e->from);
	if (e->want_stdin)
		smol_json_add_bool(j, "stdin", true);
	if (e->signal)
		smol_json_add_int(j, "signal", e->signal);
	if (e->timeout_ms)
		cJSON_AddNumberToObject(j, "timeout", (double)e->timeout_ms / 1000);
}

char *smol_request_encode(const struct smol_request *r, struct smol_err *err)
{
	smol_auto_json cJSON *j = cJSON_CreateObject();
	smol_auto_free char *text = NULL;

	smol_json_add_str(j, "op", smol_op_name(r->op));
	smol_json_add_int(j, "v", SMOL_PROTO_VERSION);
	if (r->token)
		smol_json_add_str(j, "token", r->token);
	if (r->op == SMOL_OP_EXEC) {
		if (check_env(r->exec.env, err) < 0)
			return NULL;
		encode_exec(j, &r->exec);
	}
	if (r->how)
		smol_json_add_str(j, "how", r->how);
	if (is_relay(r->op))
		encode_relay(j, &r->relay);
	if (is_files(r->op))
		encode_files(j, &r->files);
	if (is_of_job(r->op))
		encode_job(j, &r->job);
	if (r->op == SMOL_OP_RESUMED)
		smol_json_add_int(j, "realtime_ms", r->realtime_ms);
	text = smol_json_print(j);
	if (strlen(text) + 1 > SMOL_LINE_MAX) {
		smol_err_set(err, SMOL_E_LIMIT,
		    "the command is longer than a request may be (%d bytes)", SMOL_LINE_MAX);
		return NULL;
	}
	return smol_asprintf("%s\n", text);
}

static int decode_argv(const cJSON *j, struct smol_exec_request *e, struct smol_err *err)
{
	const cJSON *plain = smol_json_get(j, "argv"), *b64 = smol_json_get(j, "argv_b64");
	const cJSON *a = plain ? plain : b64, *w;
	int n = cJSON_GetArraySize(a), i = 0;

	if (!a)
		return 0;
	if ((plain && b64) || !cJSON_IsArray(a) || n < 1 || n > SMOL_ARGV_MAX)
		return smol_err_set(
		    err, SMOL_E_INVALID, "argv must be an array of 1 to %d strings", SMOL_ARGV_MAX);
	e->argv = smol_alloc(((size_t)n + 1) * sizeof(*e->argv));
	cJSON_ArrayForEach (w, a) {
		size_t len = 0;

		if (cJSON_IsString(w))
			e->argv[i] = plain ? smol_strdup(w->valuestring)
					   : smol_base64_decode(w->valuestring, &len);
		if (!e->argv[i] || (!plain && memchr(e->argv[i], '\0', len)))
			return smol_err_set(err, SMOL_E_INVALID, "argv holds what is no string");
		i++;
	}
	return 0;
}

static int decode_env(const cJSON *j, struct smol_exec_request *e, struct smol_err *err)
{
	const cJSON *o = smol_json_get(j, "env"), *v;
	int n = cJSON_GetArraySize(o), i = 0;

	if (!o)
		return 0;
	if (!cJSON_IsObject(o) || n > SMOL_ENV_MAX)
		return smol_err_set(err, SMOL_E_INVALID,
		    "env must be an object of at most %d strings", SMOL_ENV_MAX);
	e->env = smol_alloc(((size_t)n + 1) * sizeof(*e->env));
	cJSON_ArrayForEach (v, o) {
		if (!cJSON_IsString(v) || !*v->string || strchr(v->string, '='))
			return smol_err_set(err, SMOL_E_INVALID, "env holds what is no variable");
		e->env[i++] = smol_asprintf("%s=%s", v->string, v->valuestring);
	}
	return 0;
}

/* A member that, where it is there, must be text. */
static int take_text(const cJSON *j, const char *key, char **out, struct smol_err *err)
{
	size_t n = 0;
	char *s = smol_json_bytes(j, key, &n);

	if (!s && !smol_json_get(j, key))
		return 0;
	if (!s || memchr(s, '\0', n)) {
		free(s);
		return smol_err_set(err, SMOL_E_INVALID, "%s must be a string", key);
	}
	*out = s;
	return 0;
}

static int take_timeout(const cJSON *j, int64_t *ms, struct smol_err *err)
{
	const cJSON *timeout = smol_json_get(j, "timeout");

	if (timeout && !(cJSON_IsNumber(timeout) && timeout->valuedouble >= 0 &&
			   timeout->valuedouble <= 864000))
		return smol_err_set(err, SMOL_E_INVALID, "timeout must be 0 to 864000 seconds");
	*ms = timeout ? (int64_t)(timeout->valuedouble * 1000 + 0.5) : 0;
	return 0;
}

static int decode_exec(const cJSON *j, struct smol_exec_request *e, struct smol_err *err)
{
	int64_t rows = 24, cols = 80;

	if (decode_argv(j, e, err) < 0 || decode_env(j, e, err) < 0 ||
	    take_text(j, "command", &e->command, err) < 0 ||
	    take_text(j, "cwd", &e->cwd, err) < 0 || take_text(j, "user", &e->user, err) < 0 ||
	    take_text(j, "term", &e->term, err) < 0)
		return -1;
	if (!e->argv == !e->command)
		return smol_err_set(
		    err, SMOL_E_INVALID, "exec takes exactly one of command and argv");
	if (take_timeout(j, &e->timeout_ms, err) < 0)
		return -1;
	e->stream = smol_json_bool(j, "stream", false);
	e->want_stdin = smol_json_bool(j, "stdin", false);
	e->tty = smol_json_bool(j, "tty", false);
	e->detach = smol_json_bool(j, "detach", false);
	if (smol_json_int(j, "rows", 1, 10000, &rows) < 0 ||
	    smol_json_int(j, "cols", 1, 10000, &cols) < 0)
		return smol_err_set(err, SMOL_E_INVALID, "rows and cols must be 1 to 10000");
	e->rows = (uint16_t)rows;
	e->cols = (uint16_t)cols;
	if ((e->tty || e->want_stdin) && !e->stream && !e->detach)
		return smol_err_set(
		    err, SMOL_E_INVALID, "stdin and tty need the stream form or detach");
	if (e->stream && e->detach)
		return smol_err_set(err, SMOL_E_INVALID, "stream and detach exclude each other");
	return 0;
}

static int decode_relay(
    const cJSON *j, enum smol_op op, struct smol_relay_request *e, struct smol_err *err)
{
	if (take_text(j, "host", &e->host, err) < 0 || take_text(j, "path", &e->path, err) < 0)
		return -1;
	if (smol_json_int(j, "port", 0, 65535, &e->port) < 0 ||
	    smol_json_int(j, "id", 1, INT64_MAX / 2, &e->id) < 0)
		return smol_err_set(err, SMOL_E_INVALID, "port or id out of range");
	if (op == SMOL_OP_CONNECT && !e->port == !e->path)
		return smol_err_set(
		    err, SMOL_E_INVALID, "connect takes exactly one of port and path");
	if (op == SMOL_OP_ACCEPT && !e->id)
		return smol_err_set(err, SMOL_E_INVALID, "accept takes an id");
	return 0;
}

static int decode_files(const cJSON *j, struct smol_files_request *e, struct smol_err *err)
{
	if (take_text(j, "path", &e->path, err) < 0 || take_text(j, "name", &e->name, err) < 0)
		return -1;
	if (!e->path)
		return smol_err_set(err, SMOL_E_INVALID, "files need a path");
	e->recursive = smol_json_bool(j, "recursive", false);
	return 0;
}

static int decode_job(
    const cJSON *j, enum smol_op op, struct smol_job_request *e, struct smol_err *err)
{
	int64_t from = 0, sig = 0;
	int got = smol_json_int(j, "from", 0, INT64_MAX / 2, &from);

	if (smol_json_int(j, "job", 1, INT64_MAX / 2, &e->job) != 1)
		return smol_err_set(
		    err, SMOL_E_INVALID, "%s takes the id of a job", smol_op_name(op));
	if (got < 0 || smol_json_int(j, "signal", 1, 64, &sig) < 0)
		return smol_err_set(err, SMOL_E_INVALID, "from or signal out of range");
	e->from_set = got == 1;
	e->from = (uint64_t)from;
	e->signal = (int)sig;
	e->want_stdin = smol_json_bool(j, "stdin", false);
	return take_timeout(j, &e->timeout_ms, err);
}

static int decode_op(const cJSON *j, struct smol_request *r, struct smol_err *err)
{
	const char *name = smol_json_str(j, "op");

	for (int i = 0; name && i < SMOL_OP__COUNT; i++)
		if (strcmp(op_names[i], name) == 0) {
			r->op = i;
			return 0;
		}
	if (!name)
		return smol_err_set(err, SMOL_E_PROTOCOL, "a request without an op");
	return smol_err_set(err, SMOL_E_UNSUPPORTED, "unknown op");
}

int smol_request_decode(const char *line, size_t n, struct smol_request *r, struct smol_err *err)
{
	smol_auto_json cJSON *j = smol_json_parse_object(line, n, err);

	*r = (struct smol_request){.op = SMOL_OP__COUNT, .version = 1};
	if (!j)
		return -1;
	r->token = smol_strdup(smol_json_str(j, "token"));
	if (decode_op(j, r, err) < 0)
		return -1;
	if (smol_json_int(j, "v", 1, INT32_MAX, &r->version) < 0 || r->version > SMOL_PROTO_VERSION)
		return smol_err_set(err, SMOL_E_UNSUPPORTED,
		    "protocol version not known here; this side speaks 1 to %d",
		    SMOL_PROTO_VERSION);
	if (take_text(j, "how", &r->how, err) < 0)
		return -1;
	if (is_relay(r->op))
		return decode_relay(j, r->op, &r->relay, err);
	if (is_files(r->op))
		return decode_files(j, &r->files, err);
	if (is_of_job(r->op))
		return decode_job(j, r->op, &r->job, err);
	if (r->op == SMOL_OP_RESUMED &&
	    smol_json_int(j, "realtime_ms", 1, SMOL_REALTIME_MAX, &r->realtime_ms) != 1)
		return smol_err_set(err, SMOL_E_INVALID, "realtime_ms is no time");
	return r->op == SMOL_OP_EXEC ? decode_exec(j, &r->exec, err) : 0;
}

cJSON *smol_exec_result_encode(const struct smol_exec_result *r)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_int(j, "exit_code", r->exit_code);
	if (r->signal)
		smol_json_add_int(j, "signal", r->signal);
	if (r->timed_out)
		smol_json_add_bool(j, "timed_out", true);
	if (r->truncated)
		smol_json_add_bool(j, "truncated", true);
	if (r->cancelled)
		smol_json_add_bool(j, "cancelled", true);
	if (r->output_truncated)
		smol_json_add_bool(j, "output_truncated", true);
	if (r->out_of_memory)
		smol_json_add_bool(j, "out_of_memory", true);
	if (r->input_cut)
		smol_json_add_int(j, "input_cut", r->input_bytes);
	if (r->limit != SMOL_E_NONE)
		smol_json_add_str(j, "limit", smol_code_name(r->limit));
	smol_json_add_int(j, "duration_ms", r->duration_ms);
	return j;
}

int smol_exec_result_decode(const cJSON *j, struct smol_exec_result *r, struct smol_err *err)
{
	int64_t code = -1, sig = 0, ms = 0;

	*r = (struct smol_exec_result){0};
	if (smol_json_int(j, "exit_code", 0, 255, &code) != 1 ||
	    smol_json_int(j, "signal", 0, 64, &sig) < 0 ||
	    smol_json_int(j, "duration_ms", 0, INT64_MAX / 2, &ms) < 0)
		return smol_err_set(err, SMOL_E_PROTOCOL, "a result without a valid exit code");
	r->exit_code = (int)code;
	r->signal = (int)sig;
	r->duration_ms = ms;
	r->timed_out = smol_json_bool(j, "timed_out", false);
	r->truncated = smol_json_bool(j, "truncated", false);
	r->cancelled = smol_json_bool(j, "cancelled", false);
	r->output_truncated = smol_json_bool(j, "output_truncated", false);
	r->input_cut = smol_json_int(j, "input_cut", 0, INT64_MAX / 2, &r->input_bytes) == 1;
	r->out_of_memory = smol_json_bool(j, "out_of_memory", false);
	if (smol_json_str(j, "limit"))
		r->limit = smol_code_from_name(smol_json_str(j, "limit"));
	return 0;
}

cJSON *smol_reply_failure(const struct smol_err *err)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_bool(j, "ok", false);
	smol_json_add_str(j, "error", err->msg ? err->msg : "failed");
	smol_json_add_str(j, "code", smol_code_name(err->code));
	return j;
}

cJSON *smol_reply_parse(const char *line, size_t n, struct smol_err *err)
{
	smol_auto_json cJSON *j = smol_json_parse_object(line, n, err);
	const cJSON *ok;
	const char *text;

	if (!j)
		return NULL;
	ok = smol_json_get(j, "ok");
	if (!cJSON_IsBool(ok)) {
		smol_err_set(err, SMOL_E_PROTOCOL, "a reply that says neither ok nor failed");
		return NULL;
	}
	if (cJSON_IsTrue(ok)) {
		cJSON *nested = cJSON_GetObjectItemCaseSensitive(j, "result");

		return cJSON_IsObject(nested) ? cJSON_DetachItemViaPointer(j, nested)
					      : smol_steal(&j);
	}
	text = smol_json_str(j, "error");
	{
		/* The guest's words: one line, escaped. */
		smol_auto_free char *safe = text ? smol_escape(text, strnlen(text, 500)) : NULL;

		smol_err_set(err, smol_code_from_name(smol_json_str(j, "code")), "%s",
		    safe ? safe : "the agent gave no reason");
	}
	return NULL;
}

/* The version that a refusal comes from. */
static int64_t version_of(const char *line, size_t n)
{
	smol_auto_json cJSON *j = smol_json_parse_object(line, n, NULL);
	int64_t v = 1;

	smol_json_int(j, "v", 1, INT32_MAX, &v);
	return v;
}

cJSON *smol_reply_from_agent(const char *line, size_t n, struct smol_err *err)
{
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;
	cJSON *j = smol_reply_parse(line, n, &why);

	if (j)
		return j;
	if (why.code == SMOL_E_UNSUPPORTED) {
		smol_err_wrap(&why, "the guest's agent is %s than this smolsh",
		    version_of(line, n) > SMOL_PROTO_VERSION ? "newer" : "older");
		smol_err_hint(&why, "smolsh image build --force, then restart the VM");
	}
	smol_err_move(err, &why);
	return NULL;
}
