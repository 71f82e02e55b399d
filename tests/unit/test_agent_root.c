/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a root image says of the commands that run in it, and where a guest's root is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/defaults.h"
#include "agent/root.h"
#include "base/auto.h"
#include "base/buf.h"

static cJSON *parse(const char *text)
{
	cJSON *j = smol_json_parse_object(text, strlen(text), NULL);

	assert_non_null(j);
	return j;
}

static char *joined(char *const *env)
{
	struct smol_buf b = {0};

	for (; env && *env; env++)
		smol_buf_printf(&b, "%s%s", smol_buf_len(&b) ? " " : "", *env);
	return smol_buf_len(&b) ? smol_buf_take(&b) : smol_strdup("");
}

static void applied(struct smol_exec_request *e, const char *text)
{
	smol_auto_json cJSON *j = parse(text);
	smol_auto(smol_defaults_free) struct smol_defaults d = {0};

	smol_defaults_decode(j, &d);
	smol_defaults_apply(&d, e);
}

static void test_defaults_fill_what_is_not_said(void **state)
{
	smol_auto(smol_exec_request_free) struct smol_exec_request e = {0};
	smol_auto_free char *env = NULL;

	(void)state;
	applied(&e, "{\"env\":{\"A\":\"1\",\"B\":\"x=y\"},\"cwd\":\"/srv\",\"user\":\"app\"}");
	env = joined(e.env);
	assert_string_equal(env, "A=1 B=x=y");
	assert_string_equal(e.cwd, "/srv");
	assert_string_equal(e.user, "app");
}

static void test_the_request_goes_first(void **state)
{
	smol_auto(smol_exec_request_free) struct smol_exec_request e = {0};
	smol_auto_free char *env = NULL;

	(void)state;
	e.env = smol_alloc(3 * sizeof(*e.env));
	e.env[0] = smol_strdup("B=mine");
	e.env[1] = smol_strdup("AA=");
	e.cwd = smol_strdup("/tmp");
	e.user = smol_strdup("root");
	applied(&e, "{\"env\":{\"A\":\"1\",\"B\":\"2\"},\"cwd\":\"/srv\",\"user\":\"app\"}");
	env = joined(e.env);
	assert_string_equal(env, "B=mine AA= A=1");
	assert_string_equal(e.cwd, "/tmp");
	assert_string_equal(e.user, "root");
}

static void test_defaults_without_sense(void **state)
{
	static const char *const none[] = {
	    "{}", "{\"env\":[\"A=1\"]}", "{\"env\":{\"A\":1,\"B=\":\"x\",\"\":\"x\"},\"cwd\":7}"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(none); i++) {
		smol_auto(smol_exec_request_free) struct smol_exec_request e = {0};

		applied(&e, none[i]);
		assert_true(!e.env || !*e.env);
		assert_null(e.cwd);
		assert_null(e.user);
	}
}

static void test_disks(void **state)
{
	static const char *const bad[] = {"{}", "{\"lower\":\"vda\"}", "{\"fstype\":\"squashfs\"}",
	    "{\"lower\":\"../x\",\"fstype\":\"squashfs\"}",
	    "{\"lower\":\"\",\"fstype\":\"squashfs\"}",
	    "{\"lower\":\"vda\",\"fstype\":\"squashfs\",\"upper\":\"a b\"}",
	    "{\"lower\":\"vdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"fstype\":\"squashfs\"}"};
	smol_auto_json cJSON *both =
	    parse("{\"lower\":\"vda\",\"upper\":\"vdb\",\"fstype\":\"squashfs\"}");
	smol_auto_json cJSON *one = parse("{\"lower\":\"vda\",\"fstype\":\"squashfs\"}");
	struct smol_root_disks d;

	(void)state;
	assert_int_equal(smol_root_disks_decode(NULL, &d, NULL), 0);
	assert_int_equal(smol_root_disks_decode(both, &d, NULL), 1);
	assert_string_equal(d.lower, "vda");
	assert_string_equal(d.upper, "vdb");
	assert_string_equal(d.fstype, "squashfs");
	assert_int_equal(smol_root_disks_decode(one, &d, NULL), 1);
	assert_string_equal(d.upper, "");
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		smol_auto_json cJSON *j = parse(bad[i]);
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;

		assert_int_equal(smol_root_disks_decode(j, &d, &err), -1);
		assert_int_equal(err.code, SMOL_E_PROTOCOL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults_fill_what_is_not_said),
	    cmocka_unit_test(test_the_request_goes_first),
	    cmocka_unit_test(test_defaults_without_sense),
	    cmocka_unit_test(test_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
