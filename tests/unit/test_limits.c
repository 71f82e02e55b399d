/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits and policy: made by the host, obeyed by the agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "proto/limits.h"

#define auto_limits smol_auto(smol_limits_free) struct smol_limits

static cJSON *json(const char *text)
{
	return smol_json_parse(text, strlen(text), NULL);
}

static void test_what_is_out_of_range_keeps_its_default(void **state)
{
	smol_auto_json cJSON *j =
	    json("{\"connections\":5,\"jobs\":-1,\"run_ms\":\"x\",\"what\":1}");
	auto_limits l;

	(void)state;
	smol_limits_init(&l);
	smol_limits_decode(NULL, &l);
	assert_int_equal(l.connections, 256);
	smol_limits_decode(j, &l);
	assert_int_equal(l.connections, 5);
	assert_int_equal(l.jobs, 100);
	assert_int_equal(l.run_ms, 0);
}

static void test_put(void **state)
{
	static const struct {
		const char *name, *value;
		int rc;
	} rows[] = {
	    {"stdout-bytes", "7", 0},
	    {"ring_bytes", "2M", 0},
	    {"run_ms", "250", 0},
	    {"run-ms", "10s", 0},
	    {"cwd", "/srv", 0},
	    {"cwd", "/home", 0},
	    {"env", "LANG", 0},
	    {"user", "0", 0},
	    {"user", "nobody", 0},
	    {"connections", "0", -1},
	    {"connections", "5x", -1},
	    {"ring_bytes", "1K", -1},
	    {"conn", "1", -1},
	    {"file", "3M", 0}, /* as `info` shows it */
	    {"output_", "1", -1},
	    {"jobs", "0", -1}, /* every command would wait for ever */
	    {"cwd", "srv", -1},
	    {"env", "A=b", -1},
	    {"env", "", -1},
	    {"user", "\xff", -1},
	};
	smol_auto_json cJSON *j = cJSON_CreateObject(), *back = NULL;
	smol_auto_free char *text = NULL;
	auto_limits l;

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(rows); i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;
		int rc = smol_limits_put(j, rows[i].name, rows[i].value, &err);

		if (rc != rows[i].rc)
			fail_msg("%s=%s: %d", rows[i].name, rows[i].value, rc);
		assert_int_equal(err.code, rc ? SMOL_E_INVALID : SMOL_E_NONE);
	}
	assert_int_equal(smol_limits_check(j, NULL), 0);
	smol_limits_init(&l);
	smol_limits_decode(j, &l);
	assert_int_equal(l.stdout_bytes, 7);
	assert_int_equal(l.ring_bytes, 2 << 20);
	assert_int_equal(l.run_ms, 10000);
	assert_int_equal(l.file_bytes, 3 << 20);
	assert_string_equal(l.cwd[1], "/home");
	assert_null(l.cwd[2]);
	assert_string_equal(l.env[0], "LANG");
	assert_string_equal(l.user, "nobody");
	back = smol_limits_encode(&l);
	text = smol_json_print(back);
	assert_non_null(strstr(text, "\"cwd\":[\"/srv\",\"/home\"]"));
}

static void test_unknown_name_has_a_hint(void **state)
{
	smol_auto_json cJSON *j = cJSON_CreateObject();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(smol_limits_put(j, "job", "1", &err), -1);
	assert_string_equal(err.hint, "jobs");
	smol_err_clear(&err);
	assert_int_equal(smol_limits_put(j, "command words", "1", &err), -1);
	assert_non_null(strstr(err.hint, "connections, jobs, queue, run_ms, "));
}

static void test_check(void **state)
{
	static const char *const bad[] = {"[]", "{\"jobs\":-1}", "{\"jobs\":\"1\"}",
	    "{\"cwd\":\"/srv\"}", "{\"cwd\":[1]}", "{\"cwd\":[\"srv\"]}", "{\"env\":[\"A=1\"]}",
	    "{\"user\":5}", "{\"user\":\"\"}"};

	(void)state;
	assert_int_equal(smol_limits_check(NULL, NULL), 0);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		smol_auto_json cJSON *j = json(bad[i]);

		if (smol_limits_check(j, NULL) == 0)
			fail_msg("%s was taken", bad[i]);
	}
}

/* An agent that is told a policy it does not understand allows nothing. */
static void test_policy_that_is_none_denies(void **state)
{
	smol_auto_json cJSON *j = json("{\"cwd\":\"/\",\"env\":[1,\"A=\"],\"user\":{}}");
	auto_limits l;

	(void)state;
	smol_limits_init(&l);
	smol_limits_decode(j, &l);
	assert_non_null(l.cwd);
	assert_null(l.cwd[0]);
	assert_non_null(l.env);
	assert_null(l.env[0]);
	assert_string_equal(l.user, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_is_out_of_range_keeps_its_default),
	    cmocka_unit_test(test_put),
	    cmocka_unit_test(test_unknown_name_has_a_hint),
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_policy_that_is_none_denies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
