/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of requests against an OpenAPI description (tests/fcsim/openapi.h): a check that lets
 * everything pass would make every test that leans on it one that cannot fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "tests/fcsim/openapi.h"
#include "tests/fcsim/yaml_json.h"

static struct openapi *api;

static int open_api(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	api = openapi_open(FCSIM_YAML, &err);
	if (!api)
		fprintf(stderr, "%s\n", err.msg);
	return api ? 0 : -1;
}

static int close_api(void **state)
{
	(void)state;
	openapi_free(api);
	return 0;
}

/* "" when it fits, else the error's words; malloc'd. */
static char *verdict(const char *method, const char *path, const char *body)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *j = body ? smol_json_parse(body, strlen(body), &err) : NULL;

	if (body)
		assert_non_null(j);
	return smol_strdup(openapi_check(api, method, path, j, &err) == 0 ? "" : err.msg);
}

static void expect(const char *method, const char *path, const char *body, const char *want)
{
	smol_auto_free char *got = verdict(method, path, body);

	assert_string_equal(got, want);
}

static void test_what_fits(void **state)
{
	(void)state;
	expect("GET", "/", NULL, "");
	expect("GET", "/version", NULL, "");
	expect("PUT", "/vsock", "{\"guest_cid\":3,\"uds_path\":\"/a\"}", "");
	expect("PUT", "/entropy", "{}", "");
	expect("PUT", "/drives/a", "{\"drive_id\":\"a\",\"is_root_device\":false}", "");
	expect("PATCH", "/vm", "{\"state\":\"Paused\"}", "");
	expect("PUT", "/mmds", "{\"anything\":{\"at\":[1,\"all\"]}}", "");
	expect("PUT", "/metrics", "{\"metrics_path\":\"/m\",\"properties\":{\"k\":\"v\"}}", "");
	/* A body that need not be there. */
	expect("PUT", "/machine-config", NULL, "");
	/* Words that YAML 1.1 takes for booleans or nothing. */
	expect("PUT", "/logger", "{\"level\":\"Off\"}", "");
	expect("PUT", "/machine-config",
	    "{\"mem_size_mib\":1,\"vcpu_count\":32,\"cpu_template\":\"None\"}", "");
	expect("PUT", "/mmds/config",
	    "{\"network_interfaces\":[\"a\"],\"ipv4_address\":\"169.254.1.20\"}", "");
}

static void test_paths_and_methods(void **state)
{
	(void)state;
	expect("PUT", "/vsock/1", "{}", "PUT /vsock/1: there is no such path");
	expect("PUT", "/vsock/", "{}", "PUT /vsock/: there is no such path");
	expect("PUT", "vsock", "{}", "PUT vsock: there is no such path");
	expect("PUT", "/drives/", "{}", "PUT /drives/: there is no such path");
	expect("PUT", "/drives/a/b", "{}", "PUT /drives/a/b: there is no such path");
	expect("GET", "/version?x", NULL, "GET /version?x: there is no such path");
	expect("POST", "/vsock", "{}", "POST /vsock: the path has no such method");
	expect("put", "/vsock", "{}", "put /vsock: the path has no such method");
	expect("PATCH", "/vsock", "{}", "PATCH /vsock: the path has no such method");
	expect("GET", "/version", "{}", "GET /version: takes no body");
	expect("PUT", "/vsock", NULL, "PUT /vsock: the body is missing");
}

static void test_fields(void **state)
{
	(void)state;
	expect(
	    "PUT", "/vsock", "{\"uds_path\":\"/a\"}", "PUT /vsock: the field guest_cid is missing");
	expect("PUT", "/vsock", "{\"guest_cid\":3,\"uds_path\":\"/a\",\"port\":1}",
	    "PUT /vsock: port: is no field of this");
	expect("PUT", "/vsock", "{\"guest_cid\":3,\"uds_path\":\"/a\",\"Guest_Cid\":4}",
	    "PUT /vsock: Guest_Cid: is no field of this");
	expect("PUT", "/vsock", "{\"guest_cid\":3,\"guest_cid\":4,\"uds_path\":\"/a\"}",
	    "PUT /vsock: guest_cid: is there twice");
	expect("PUT", "/entropy", "{\"rate_limiter\":{\"ops\":{\"size\":1}}}",
	    "PUT /entropy: rate_limiter.ops: the field refill_time is missing");
	expect("PUT", "/metrics", "{\"metrics_path\":\"/m\",\"properties\":{\"k\":1}}",
	    "PUT /metrics: properties.k: 1 is no string");
}

static void test_values(void **state)
{
	(void)state;
	expect("PUT", "/vsock", "{\"guest_cid\":2,\"uds_path\":\"/a\"}",
	    "PUT /vsock: guest_cid: 2 is below 3");
	expect("PUT", "/vsock", "{\"guest_cid\":3.5,\"uds_path\":\"/a\"}",
	    "PUT /vsock: guest_cid: 3.5 is no integer");
	expect("PUT", "/vsock", "{\"guest_cid\":1e300,\"uds_path\":\"/a\"}",
	    "PUT /vsock: guest_cid: 1e+300 is no integer");
	expect("PUT", "/vsock", "{\"guest_cid\":\"3\",\"uds_path\":\"/a\"}",
	    "PUT /vsock: guest_cid: \"3\" is no integer");
	expect("PUT", "/vsock", "{\"guest_cid\":3,\"uds_path\":null}",
	    "PUT /vsock: uds_path: null is no string");
	expect("PUT", "/vsock", "[]", "PUT /vsock: [] is no object");
	expect("PUT", "/machine-config", "{\"mem_size_mib\":1,\"vcpu_count\":33}",
	    "PUT /machine-config: vcpu_count: 33 is above 32");
	expect("PATCH", "/vm", "{\"state\":\"paused\"}",
	    "PATCH /vm: state: \"paused\" is none of \"Paused\", \"Resumed\"");
	expect("PUT", "/cpu-config",
	    "{\"vcpu_features\":[{\"index\":1,\"bitmap\":\"\"},{\"index\":4294967295,\"bitmap\":"
	    "\"\"}]}",
	    "PUT /cpu-config: vcpu_features[1].index: 4294967295 is no int32");
	expect("PUT", "/mmds/config",
	    "{\"network_interfaces\":[],\"ipv4_address\":\"169.254.1.200000\"}",
	    "PUT /mmds/config: ipv4_address: \"169.254.1.200000\" has not the format of the "
	    "description");
}

/* What is foreign stays one line, and short. */
static void test_errors_are_one_line(void **state)
{
	smol_auto_free char *long_one =
	    smol_asprintf("{\"guest_cid\":3,\"uds_path\":\"/a\",\"x\\ny\\u001b%0200d\":1}", 0);
	smol_auto_free char *got = verdict("PUT", "/vsock", long_one);

	(void)state;
	assert_null(strpbrk(got, "\n\033"));
	assert_true(strlen(got) < 160);
}

/* A description with text as its YAML; the words of why it does not open, "" when it does. */
static char *opening(const char *text)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	char path[] = "/tmp/smolsh-openapi-XXXXXX";
	smol_auto_close int fd = mkstemp(path);
	struct openapi *a;
	char *why;

	assert_true(fd >= 0);
	assert_int_equal(smol_io_write_all(fd, text, strlen(text), SMOL_NEVER), 0);
	a = openapi_open(path, &err);
	why = smol_strdup(a ? "" : err.msg + strlen(path));
	openapi_free(a);
	unlink(path);
	return why;
}

static void test_descriptions(void **state)
{
	static const struct {
		const char *yaml, *why;
	} cases[] = {
	    {"swagger: \"2.0\"\npaths:\n  /a:\n    get:\n      summary: x\n", ""},
	    {"swagger: 2.0\npaths:\n  /a:\n", ": is no Swagger 2.0 description"},
	    {"openapi: 3.0.0\npaths:\n  /a:\n", ": is no Swagger 2.0 description"},
	    {"swagger: \"2.0\"\npaths: {}\ndefinitions:\n  A:\n    type: string\n    pattern: x\n",
		": A: the keyword 'pattern' is not known"},
	    {"swagger: \"2.0\"\npaths: {}\ndefinitions:\n  A:\n    type: text\n",
		": A: its type is not known"},
	    {"swagger: \"2.0\"\npaths: {}\ndefinitions:\n  A:\n    $ref: \"#/definitions/B\"\n",
		": A: #/definitions/B leads nowhere"},
	    {"swagger: \"2.0\"\npaths: {}\ndefinitions:\n  A:\n    $ref: \"#/definitions/A\"\n",
		": A: #/definitions/A leads nowhere"},
	    {"a: 1\na: 2\n", ":2: 'a' is there twice"},
	    {"", ": is empty"},
	};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++) {
		smol_auto_free char *why = opening(cases[i].yaml);

		assert_string_equal(why, cases[i].why);
	}
	smol_auto_free char *why = opening("a: [\n");
	assert_true(strncmp(why, ":2: ", 4) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_fits),
	    cmocka_unit_test(test_paths_and_methods),
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_errors_are_one_line),
	    cmocka_unit_test(test_descriptions),
	};

	return cmocka_run_group_tests(tests, open_api, close_api);
}
