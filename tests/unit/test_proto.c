/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proto: JSON, frames, requests and results; round trips, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "proto/request.h"

#define smol_auto_request smol_auto(smol_request_free)

static cJSON *parse(const char *text)
{
	return smol_json_parse(text, strlen(text), NULL);
}

static void json_is_strict(void **state)
{
	static const char *const bad[] = {"", " ", "{", "{}x", "{} {}", "[1,]", "{\"a\":}", "nul",
	    "\"\\u0000\"", "\"a\\u0000b\"", "\"\xff\"", "\"\xed\xa0\x80\"", "\"\\ud800\"", "'a'",
	    "{\"a\":1}\x01", "{\"a\" 1}", "\"abc"};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *ok = NULL;

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		assert_null(smol_json_parse(bad[i], strlen(bad[i]), &err));
		assert_int_equal(err.code, SMOL_E_PROTOCOL);
	}
	assert_null(smol_json_parse("{}\0{}", 5, &err));
	/* A backslash that is itself escaped begins nothing. */
	ok = parse(" {\"a\":\"\\\\u0000\"}\r\n\t ");
	assert_non_null(ok);
	assert_string_equal(smol_json_str(ok, "a"), "\\u0000");
	assert_null(smol_json_parse_object("[]", 2, &err));
}

static void json_depth_is_bounded(void **state)
{
	smol_auto_buf struct smol_buf b = {0};
	smol_auto_json cJSON *j = NULL;

	(void)state;
	for (int i = 0; i < 32; i++)
		smol_buf_puts(&b, "[");
	for (int i = 0; i < 32; i++)
		smol_buf_puts(&b, "]");
	j = parse(smol_buf_str(&b));
	assert_non_null(j);
	smol_buf_puts(&b, "]");
	smol_buf_append(&b, "", 0);
	char *deeper = smol_asprintf("[%s", smol_buf_str(&b));
	assert_null(parse(deeper));
	free(deeper);
	/* Brackets in strings do not count. */
	smol_buf_clear(&b);
	smol_buf_puts(&b, "\"");
	for (int i = 0; i < 100; i++)
		smol_buf_puts(&b, "[");
	smol_buf_puts(&b, "\"");
	cJSON_Delete(j);
	j = parse(smol_buf_str(&b));
	assert_non_null(j);
}

static void json_keys_keep_their_case(void **state)
{
	smol_auto_json cJSON *j = parse("{\"Token\":\"a\",\"none\":null,\"n\":1}");

	(void)state;
	assert_null(smol_json_str(j, "token"));
	assert_string_equal(smol_json_str(j, "Token"), "a");
	assert_null(smol_json_get(j, "none"));
	assert_null(smol_json_str(j, "n"));
	assert_null(smol_json_get(NULL, "n"));
}

static void json_numbers_are_whole_and_in_range(void **state)
{
	smol_auto_json cJSON *j =
	    parse("{\"a\":4294967294,\"b\":1.5,\"c\":\"3\",\"d\":9007199254740993,"
		  "\"e\":-1,\"f\":1e3,\"g\":1e400,\"h\":9007199254740992}");
	int64_t v = 7;

	(void)state;
	assert_int_equal(smol_json_int(j, "a", 0, UINT32_MAX, &v), 1);
	assert_true(v == 4294967294);
	assert_int_equal(smol_json_int(j, "f", 0, 1000, &v), 1);
	assert_int_equal(v, 1000);
	v = 7;
	assert_int_equal(smol_json_int(j, "absent", 0, 1, &v), 0);
	static const char *const bad[] = {"b", "c", "e", "g"};
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++)
		assert_int_equal(smol_json_int(j, bad[i], 0, INT64_MAX, &v), -1);
	assert_int_equal(smol_json_int(j, "a", 0, 100, &v), -1);
	assert_int_equal(v, 7);
	assert_int_equal(smol_json_int(j, "h", 0, INT64_MAX, &v), 1);
}

static void json_carries_any_bytes(void **state)
{
	static const struct {
		const char *data;
		size_t n;
		bool text;
	} cases[] = {{"", 0, true}, {"plain é\n\x1b", 10, true}, {"a\0b", 3, false},
	    {"\xff\xfe", 2, false}, {"h\xc3", 2, false}};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++) {
		smol_auto_json cJSON *j = cJSON_CreateObject(), *back = NULL;
		smol_auto_free char *line = NULL, *data = NULL;
		size_t n;

		smol_json_add_bytes(j, "d", cases[i].data, cases[i].n);
		line = smol_json_print(j);
		assert_null(strchr(line, '\n'));
		back = parse(line);
		assert_non_null(back);
		assert_int_equal(!!smol_json_get(back, "d"), cases[i].text);
		data = smol_json_bytes(back, "d", &n);
		assert_non_null(data);
		assert_int_equal(n, cases[i].n);
		assert_memory_equal(data, cases[i].data, n);
		assert_int_equal(data[n], 0);
	}
	smol_auto_json cJSON *bad = parse("{\"d_b64\":\"a\",\"e\":1}");
	size_t n;
	assert_null(smol_json_bytes(bad, "d", &n));
	assert_null(smol_json_bytes(bad, "e", &n));
}

static void json_strings_are_always_parseable(void **state)
{
	smol_auto_json cJSON *j = cJSON_CreateObject(), *back = NULL;
	smol_auto_free char *line = NULL;

	(void)state;
	smol_json_add_str(j, "a", "x\xffy");
	smol_json_add_str(j, "b", NULL);
	line = smol_json_print(j);
	back = parse(line);
	assert_non_null(back);
	assert_string_equal(smol_json_str(back, "a"), "x\\xffy");
	assert_null(smol_json_get(back, "b"));
}

static void errors_become_json(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *j = NULL;

	(void)state;
	smol_err_set(&err, SMOL_E_VM_DIED, "gone");
	smol_err_hint(&err, "smolsh start web");
	err.tail = smol_strdup("last words");
	j = smol_json_from_err(&err);
	assert_string_equal(smol_json_str(j, "code"), "vm_died");
	assert_string_equal(smol_json_str(j, "message"), "gone");
	assert_string_equal(smol_json_str(j, "hint"), "smolsh start web");
	assert_string_equal(smol_json_str(j, "console"), "last words");
}

static void frames_go_there_and_back(void **state)
{
	(void)state;
	for (int type = 1; type < SMOL_FRAME__COUNT; type++) {
		static const uint32_t lengths[] = {0, 2, 4, 8, 32, SMOL_FRAME_MAX};
		int taken = 0;

		for (size_t i = 0; i < SMOL_ARRAY_SIZE(lengths); i++) {
			struct smol_frame f = {(enum smol_frame_type)type, lengths[i],
					      0x0123456789abcdef},
					  g = {0};
			unsigned char h[SMOL_FRAME_HEADER];

			smol_frame_encode(&f, h);
			if (smol_frame_decode(h, &g, NULL) < 0)
				continue;
			taken++;
			assert_int_equal(g.type, f.type);
			assert_int_equal(g.length, f.length);
			assert_true(g.seq == f.seq);
		}
		assert_true(taken > 0);
	}
}

static void frames_out_of_bounds_are_refused(void **state)
{
	static const unsigned char header[SMOL_FRAME_HEADER] = {SMOL_FRAME_STDOUT, 0, 0, 0, 1};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	static const struct {
		int at;
		unsigned char value;
	} bad[] = {{0, 0}, {0, SMOL_FRAME__COUNT}, {0, 255}, {1, 1}, {2, 1}, {3, 128},
	    {4, 0}, /* no output in an output frame */
	    {7, 1}, /* 16 MiB */
	    {6, 5}};
	struct smol_frame f;

	(void)state;
	assert_int_equal(smol_frame_decode(header, &f, &err), 0);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		unsigned char h[SMOL_FRAME_HEADER];

		memcpy(h, header, sizeof(h));
		h[bad[i].at] = bad[i].value;
		assert_int_equal(smol_frame_decode(h, &f, &err), -1);
		assert_int_equal(err.code, SMOL_E_PROTOCOL);
	}
}

static void numbers_are_little_endian(void **state)
{
	unsigned char b[8];

	(void)state;
	smol_put_le32(b, 0x01020304);
	assert_memory_equal(b, "\x04\x03\x02\x01", 4);
	assert_int_equal(smol_get_le32(b), 0x01020304);
	smol_put_le64(b, 0x0102030405060708);
	assert_memory_equal(b, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
	assert_true(smol_get_le64(b) == 0x0102030405060708);
}

static void round_trip(const struct smol_request *r, struct smol_request *back)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *line = smol_request_encode(r, &err);

	assert_non_null(line);
	/* One line, and the newline only at its end. */
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_int_equal(smol_request_decode(line, strlen(line) - 1, back, &err), 0);
	assert_int_equal(back->op, r->op);
	assert_int_equal(back->version, SMOL_PROTO_VERSION);
}

static void an_exec_request_arrives_as_it_was_sent(void **state)
{
	char *argv[] = {"printf", "", "a b", "x\ny", "'\"\\$", "é", NULL};
	char *env[] = {"A=b", "EMPTY=", "E=a=b", NULL};
	struct smol_request r = {.op = SMOL_OP_EXEC,
	    .token = "t",
	    .exec = {.argv = argv,
		.env = env,
		.cwd = "/tmp/x y",
		.user = "1000:1000",
		.timeout_ms = 1500,
		.stream = true,
		.want_stdin = true,
		.tty = true,
		.term = "xterm",
		.rows = 50,
		.cols = 132}};
	smol_auto_request struct smol_request b = {0};

	(void)state;
	round_trip(&r, &b);
	assert_string_equal(b.token, "t");
	for (int i = 0; argv[i]; i++)
		assert_string_equal(b.exec.argv[i], argv[i]);
	assert_null(b.exec.argv[6]);
	for (int i = 0; env[i]; i++)
		assert_string_equal(b.exec.env[i], env[i]);
	assert_string_equal(b.exec.cwd, "/tmp/x y");
	assert_string_equal(b.exec.user, "1000:1000");
	assert_string_equal(b.exec.term, "xterm");
	assert_int_equal(b.exec.timeout_ms, 1500);
	assert_true(b.exec.stream && b.exec.want_stdin && b.exec.tty);
	assert_int_equal(b.exec.rows, 50);
	assert_int_equal(b.exec.cols, 132);
}

static void bytes_that_are_no_text_arrive_too(void **state)
{
	char *argv[] = {"cat", "caf\xe9", NULL};
	struct smol_request words = {.op = SMOL_OP_EXEC, .exec = {.argv = argv, .cwd = "/\xff"}};
	struct smol_request line = {.op = SMOL_OP_EXEC, .exec = {.command = "echo \xff"}};
	smol_auto_request struct smol_request a = {0}, b = {0};

	(void)state;
	round_trip(&words, &a);
	assert_string_equal(a.exec.argv[0], "cat");
	assert_string_equal(a.exec.argv[1], "caf\xe9");
	assert_string_equal(a.exec.cwd, "/\xff");
	round_trip(&line, &b);
	assert_string_equal(b.exec.command, "echo \xff");
	assert_null(b.exec.argv);
}

static void other_requests_arrive(void **state)
{
	static const enum smol_op ops[] = {SMOL_OP_HEALTH, SMOL_OP_SYSTEM_INFO, SMOL_OP_SHUTDOWN,
	    SMOL_OP_PAUSING, SMOL_OP_RESUMED};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(ops); i++) {
		struct smol_request r = {.op = ops[i],
		    .how = ops[i] == SMOL_OP_SHUTDOWN ? "reboot" : NULL,
		    .realtime_ms = ops[i] == SMOL_OP_RESUMED ? 1796015589365 : 0};
		smol_auto_request struct smol_request b = {0};

		round_trip(&r, &b);
		assert_null(b.token);
		assert_int_equal(b.realtime_ms, r.realtime_ms);
		if (r.how)
			assert_string_equal(b.how, r.how);
	}
}

static void what_cannot_be_sent_is_refused_here(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	char *argv[] = {"x", NULL}, *env[] = {"A=\xff", NULL}, *no_name[] = {"=x", NULL},
	     *no_value[] = {"A", NULL};
	smol_auto_free char *big = malloc(SMOL_LINE_MAX + 1);
	struct smol_request r = {.op = SMOL_OP_EXEC, .exec = {.argv = argv, .env = env}};

	(void)state;
	/* A variable is never changed on its way. */
	assert_null(smol_request_encode(&r, &err));
	assert_int_equal(err.code, SMOL_E_INVALID);
	r.exec.env = no_name;
	assert_null(smol_request_encode(&r, &err));
	r.exec.env = no_value;
	assert_null(smol_request_encode(&r, &err));
	memset(big, 'x', SMOL_LINE_MAX);
	big[SMOL_LINE_MAX] = '\0';
	r = (struct smol_request){.op = SMOL_OP_EXEC, .exec = {.command = big}};
	assert_null(smol_request_encode(&r, &err));
	assert_int_equal(err.code, SMOL_E_LIMIT);
}

static void bad_requests_are_refused_by_code(void **state)
{
	static const struct {
		const char *line;
		enum smol_code code;
	} cases[] = {
	    {"", SMOL_E_PROTOCOL},
	    {"[]", SMOL_E_PROTOCOL},
	    {"{}", SMOL_E_PROTOCOL},
	    {"{\"op\":1}", SMOL_E_PROTOCOL},
	    {"{\"op\":\"fly\"}", SMOL_E_UNSUPPORTED},
	    {"{\"op\":\"EXEC\",\"command\":\"x\"}", SMOL_E_UNSUPPORTED},
	    {"{\"op\":\"health\",\"v\":2}", SMOL_E_UNSUPPORTED},
	    {"{\"op\":\"health\",\"v\":0}", SMOL_E_UNSUPPORTED},
	    {"{\"op\":\"health\",\"v\":\"1\"}", SMOL_E_UNSUPPORTED},
	    {"{\"op\":\"exec\"}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"argv\":[\"x\"]}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":1}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command_b64\":\"YQBi\"}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"argv\":[]}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"argv\":\"x\"}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"argv\":[\"x\",1]}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"argv\":[null]}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"argv_b64\":[\"!\"]}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"argv_b64\":[\"YQBi\"]}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"argv\":[\"x\"],\"argv_b64\":[\"eA==\"]}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"env\":[]}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"env\":{\"A\":1}}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"env\":{\"\":\"v\"}}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"env\":{\"A=B\":\"v\"}}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"timeout\":-1}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"timeout\":1e9}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"timeout\":\"5\"}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"cwd\":{}}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"tty\":true}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"stdin\":true}", SMOL_E_INVALID},
	    {"{\"op\":\"exec\",\"command\":\"x\",\"stream\":true,\"tty\":true,\"rows\":0}",
		SMOL_E_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;
		smol_auto_request struct smol_request r = {0};

		if (smol_request_decode(cases[i].line, strlen(cases[i].line), &r, &err) == 0)
			fail_msg("taken: %s", cases[i].line);
		if (err.code != cases[i].code)
			fail_msg("%s: %s", cases[i].line, smol_code_name(err.code));
	}
}

static void counts_from_a_peer_are_capped(void **state)
{
	smol_auto_buf struct smol_buf argv = {0}, env = {0};
	smol_auto_request struct smol_request r = {0}, q = {0};

	(void)state;
	smol_buf_puts(&argv, "{\"op\":\"exec\",\"argv\":[\"x\"");
	for (int i = 0; i < SMOL_ARGV_MAX; i++)
		smol_buf_puts(&argv, ",\"y\"");
	smol_buf_puts(&argv, "]}");
	assert_int_equal(
	    smol_request_decode(smol_buf_str(&argv), smol_buf_len(&argv), &r, NULL), -1);
	smol_buf_puts(&env, "{\"op\":\"exec\",\"command\":\"x\",\"env\":{\"A\":\"\"");
	for (int i = 0; i < SMOL_ENV_MAX; i++)
		smol_buf_printf(&env, ",\"A%d\":\"\"", i);
	smol_buf_puts(&env, "}}");
	assert_int_equal(smol_request_decode(smol_buf_str(&env), smol_buf_len(&env), &q, NULL), -1);
}

static void strangers_are_met_half_way(void **state)
{
	const char *line =
	    "{\"op\":\"exec\",\"command\":\"x\",\"timeout\":30,\"env\":{},\"cwd\":null,"
	    "\"token\":\"t\",\"whatever\":{\"more\":[1]}}";
	smol_auto_request struct smol_request r = {0};

	(void)state;
	assert_int_equal(smol_request_decode(line, strlen(line), &r, NULL), 0);
	assert_int_equal(r.version, 1);
	assert_int_equal(r.exec.timeout_ms, 30000);
	assert_null(r.exec.cwd);
	assert_false(r.exec.stream);
}

static void job_requests_go_there_and_back(void **state)
{
	static const enum smol_op ops[] = {SMOL_OP_ATTACH, SMOL_OP_CANCEL, SMOL_OP_WAIT};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(ops); i++) {
		struct smol_request q = {.op = ops[i],
		    .job = {.job = 7,
			.from_set = true,
			.from = 1ULL << 40,
			.want_stdin = true,
			.signal = 2,
			.timeout_ms = 1500}};
		smol_auto_free char *line = smol_request_encode(&q, NULL);
		smol_auto(smol_request_free) struct smol_request r = {0};

		assert_int_equal(smol_request_decode(line, strlen(line), &r, NULL), 0);
		assert_int_equal(r.op, ops[i]);
		assert_memory_equal(&r.job, &q.job, sizeof(r.job));
	}
}

static void job_requests_that_are_none(void **state)
{
	static const char *const bad[] = {"{\"op\":\"wait\"}", "{\"op\":\"attach\",\"job\":0}",
	    "{\"op\":\"cancel\",\"job\":\"1\"}", "{\"op\":\"cancel\",\"job\":1,\"signal\":65}",
	    "{\"op\":\"attach\",\"job\":1,\"from\":-1}",
	    "{\"op\":\"wait\",\"job\":1,\"timeout\":-1}",
	    "{\"op\":\"exec\",\"command\":\"x\",\"stream\":true,\"detach\":true}"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		smol_auto(smol_request_free) struct smol_request r = {0};
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;

		if (smol_request_decode(bad[i], strlen(bad[i]), &r, &err) == 0)
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(err.code, SMOL_E_INVALID);
	}
}

static void results_go_there_and_back(void **state)
{
	static const struct smol_exec_result cases[] = {{.exit_code = 0},
	    {.exit_code = 255, .truncated = true, .duration_ms = 12345},
	    {.exit_code = 137, .signal = 9, .duration_ms = 1},
	    {.exit_code = 143, .signal = 15, .cancelled = true},
	    {.exit_code = 0, .output_truncated = true, .limit = SMOL_E_LIMIT_OUTPUT},
	    {.exit_code = 124,
		.signal = 15,
		.timed_out = true,
		.limit = SMOL_E_LIMIT_RUN,
		.duration_ms = 5000}};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++) {
		smol_auto_json cJSON *j = smol_exec_result_encode(&cases[i]);
		struct smol_exec_result r;

		assert_int_equal(smol_exec_result_decode(j, &r, NULL), 0);
		assert_int_equal(r.exit_code, cases[i].exit_code);
		assert_int_equal(r.signal, cases[i].signal);
		assert_int_equal(r.timed_out, cases[i].timed_out);
		assert_int_equal(r.truncated, cases[i].truncated);
		assert_int_equal(r.cancelled, cases[i].cancelled);
		assert_int_equal(r.output_truncated, cases[i].output_truncated);
		assert_int_equal(r.limit, cases[i].limit);
		assert_int_equal(r.duration_ms, cases[i].duration_ms);
	}
}

/* No exit code is never success. */
static void a_result_without_an_exit_code_is_none(void **state)
{
	static const char *const bad[] = {"{}", "{\"exit_code\":null}", "{\"exit_code\":\"0\"}",
	    "{\"exit_code\":0.5}", "{\"exit_code\":-1}", "{\"exit_code\":256}",
	    "{\"exit_code\":0,\"signal\":65}", "{\"exit_code\":0,\"duration_ms\":-1}", "[]"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		smol_auto_json cJSON *j = parse(bad[i]);
		struct smol_exec_result r;

		assert_int_equal(smol_exec_result_decode(j, &r, NULL), -1);
	}
}

static cJSON *reply(const char *line, struct smol_err *err)
{
	return smol_reply_parse(line, strlen(line), err);
}

/* Only of an agent "unknown op" says how old it is. */
static void an_older_agent_is_named(void **state)
{
	static const char no[] = "{\"ok\":false,\"error\":\"unknown op\",\"code\":\"unsupported\"}";
	static const char other[] = "{\"ok\":false,\"error\":\"full\",\"code\":\"limit\"}";
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_null(smol_reply_from_agent(no, strlen(no), &err));
	assert_int_equal(err.code, SMOL_E_UNSUPPORTED);
	assert_string_equal(err.msg, "the guest's agent is older than this smolsh: unknown op");
	assert_non_null(strstr(err.hint, "smolsh image build --force"));
	assert_null(smol_reply_from_agent(other, strlen(other), &err));
	assert_string_equal(err.msg, "full");
	assert_null(err.hint);
	assert_null(reply(no, &err));
	assert_string_equal(err.msg, "unknown op");
}

static void replies_are_taken_apart(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *flat = reply("{\"ok\":true,\"exit_code\":3}", &err);
	smol_auto_json cJSON *nested = reply("{\"ok\":true,\"result\":{\"exit_code\":4}}", &err);
	int64_t code = -1;

	(void)state;
	assert_int_equal(smol_json_int(flat, "exit_code", 0, 255, &code), 1);
	assert_int_equal(code, 3);
	assert_int_equal(smol_json_int(nested, "exit_code", 0, 255, &code), 1);
	assert_int_equal(code, 4);
	assert_null(
	    reply("{\"ok\":false,\"error\":\"no such\\nthing\",\"code\":\"no_command\"}", &err));
	assert_int_equal(err.code, SMOL_E_NO_COMMAND);
	/* The guest's words stay on one line. */
	assert_string_equal(err.msg, "no such\\nthing");
	assert_null(reply("{\"ok\":false}", &err));
	assert_int_equal(err.code, SMOL_E_INTERNAL);
	assert_non_null(err.msg);
	static const char *const bad[] = {"{}", "{\"ok\":1}", "{\"ok\":\"true\"}", "[]", "x", ""};
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		assert_null(reply(bad[i], &err));
		assert_int_equal(err.code, SMOL_E_PROTOCOL);
	}
}

static void failures_are_understood_by_the_other_side(void **state)
{
	(void)state;
	for (int i = 1; i < SMOL_E__COUNT; i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT, back = SMOL_ERR_INIT;
		smol_auto_json cJSON *j = NULL;
		smol_auto_free char *line = NULL;

		smol_err_set(&err, (enum smol_code)i, "why");
		j = smol_reply_failure(&err);
		line = smol_json_print(j);
		assert_null(reply(line, &back));
		assert_int_equal(back.code, i);
		assert_string_equal(back.msg, "why");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_is_strict),
	    cmocka_unit_test(json_depth_is_bounded),
	    cmocka_unit_test(json_keys_keep_their_case),
	    cmocka_unit_test(json_numbers_are_whole_and_in_range),
	    cmocka_unit_test(json_carries_any_bytes),
	    cmocka_unit_test(json_strings_are_always_parseable),
	    cmocka_unit_test(errors_become_json),
	    cmocka_unit_test(frames_go_there_and_back),
	    cmocka_unit_test(frames_out_of_bounds_are_refused),
	    cmocka_unit_test(numbers_are_little_endian),
	    cmocka_unit_test(an_exec_request_arrives_as_it_was_sent),
	    cmocka_unit_test(bytes_that_are_no_text_arrive_too),
	    cmocka_unit_test(other_requests_arrive),
	    cmocka_unit_test(what_cannot_be_sent_is_refused_here),
	    cmocka_unit_test(bad_requests_are_refused_by_code),
	    cmocka_unit_test(counts_from_a_peer_are_capped),
	    cmocka_unit_test(strangers_are_met_half_way),
	    cmocka_unit_test(job_requests_go_there_and_back),
	    cmocka_unit_test(job_requests_that_are_none),
	    cmocka_unit_test(results_go_there_and_back),
	    cmocka_unit_test(a_result_without_an_exit_code_is_none),
	    cmocka_unit_test(replies_are_taken_apart),
	    cmocka_unit_test(an_older_agent_is_named),
	    cmocka_unit_test(failures_are_understood_by_the_other_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
