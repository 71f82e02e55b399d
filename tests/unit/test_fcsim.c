/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The simulator of Firecracker (tests/fcsim): its rules about order, its refusals, its HTTP, and
 * how faults are asked for. The guest is left out: its functions are here, and say that they were
 * called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "tests/fcsim/http.h"
#include "tests/fcsim/sim.h"

#define BEFORE "not supported before starting"
#define AFTER  "not supported after starting"

static char dir[] = "/tmp/smolsh-fcsim-XXXXXX";
static struct openapi *api;
static struct smol_buf called; /* what the guest was told, one word each */

/* ---- no guest ---- */

static int told(const char *what)
{
	smol_buf_printf(&called, "%s ", what);
	return 0;
}

void sim_log(const struct sim *s, enum sim_level level, const char *fmt, ...)
{
	(void)s, (void)level, (void)fmt;
}

int sim_log_to(struct sim *s, const char *path, struct smol_err *err)
{
	(void)s, (void)path, (void)err;
	return 0;
}

bool sim_level_is_quiet(const char *level)
{
	return strcmp(level, "Info") != 0;
}

int guest_start(struct sim *s, struct smol_err *err)
{
	(void)s, (void)err;
	return told("start");
}

int guest_pause(struct sim *s, struct smol_err *err)
{
	(void)s, (void)err;
	return told("pause");
}

int guest_resume(struct sim *s, struct smol_err *err)
{
	(void)s, (void)err;
	return told("resume");
}

int guest_ctrl_alt_del(struct sim *s, struct smol_err *err)
{
	(void)s, (void)err;
	return told("keys");
}

int guest_balloon(struct sim *s, int64_t amount_mib, struct smol_err *err)
{
	(void)s, (void)amount_mib, (void)err;
	return told("balloon");
}

int64_t guest_balloon_actual(struct sim *s, struct smol_err *err)
{
	(void)s, (void)err;
	return told("actual");
}

int snapshot_create(
    struct sim *s, const char *state_path, const char *mem_path, struct smol_err *err)
{
	(void)s, (void)state_path, (void)mem_path, (void)err;
	return told("save");
}

int snapshot_load(struct sim *s, const char *state_path, const char *mem_path, const char *uds_path,
    struct smol_err *err)
{
	(void)s, (void)mem_path, (void)uds_path;
	if (strcmp(state_path, "/bad") == 0)
		return smol_err_set(err, SMOL_E_INVALID, "no snapshot");
	return told("load");
}

/* ---- a simulator for each test ---- */

static void put_file(const char *name, const char *text)
{
	assert_int_equal(smol_file_write(name, text, strlen(text), 0600, NULL), 0);
}

static int begin(void **state)
{
	struct sim *s = smol_alloc(sizeof(*s));

	*s = (struct sim){.id = "a",
	    .version = "1.12.1",
	    .api = api,
	    .config = cJSON_CreateObject(),
	    .log_fd = STDOUT_FILENO,
	    .metrics_fd = -1,
	    .kernel_fd = -1,
	    .initrd_fd = -1,
	    .vsock_fd = -1,
	    .qmp = -1,
	    .mem_fd = -1,
	    .vhost_fd = -1};
	smol_json_add_int(
	    cJSON_AddObjectToObject(s->config, "machine-config"), "mem_size_mib", 128);
	smol_json_add_int(api_machine(s), "vcpu_count", 1);
	smol_buf_clear(&called);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct sim *s = *state;
	int *const fds[] = {&s->metrics_fd, &s->kernel_fd, &s->initrd_fd, &s->vsock_fd};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	unlink("v.sock");
	cJSON_Delete(s->config);
	free(s);
	return 0;
}

/* The answer: "" with 204, what a 200 says, or "400: fault_message". malloc'd. */
static char *answer(struct sim *s, const char *method, const char *path, const char *body)
{
	struct answer a = {0};
	char *text;

	api_serve(s, method, path, body, body ? strlen(body) : 0, &a);
	if (a.status == 400) {
		smol_auto_json cJSON *j =
		    smol_json_parse(smol_buf_str(&a.body), smol_buf_len(&a.body), NULL);

		text = smol_asprintf("400: %s", smol_json_str(j, "fault_message"));
	} else {
		assert_int_equal(a.status, smol_buf_len(&a.body) ? 200 : 204);
		text = smol_strdup(smol_buf_len(&a.body) ? smol_buf_str(&a.body) : "");
	}
	smol_buf_free(&a.body);
	return text;
}

static void granted(struct sim *s, const char *method, const char *path, const char *body)
{
	smol_auto_free char *text = answer(s, method, path, body);

	assert_string_equal(text, "");
}

static void refused(
    struct sim *s, const char *method, const char *path, const char *body, const char *why)
{
	smol_auto_free char *text = answer(s, method, path, body);

	if (strncmp(text, "400: ", 5) != 0 || !strstr(text, why))
		fail_msg("%s %s: '%s' has no '%s'", method, path, text, why);
}

#define BOOT	"{\"kernel_image_path\":\"kernel\",\"initrd_path\":\"initrd\"}"
#define START	"{\"action_type\":\"InstanceStart\"}"
#define VSOCK	"{\"guest_cid\":3,\"uds_path\":\"v.sock\"}"
#define BALLOON "{\"amount_mib\":0,\"deflate_on_oom\":true}"
#define SAVE	"{\"snapshot_path\":\"/s\",\"mem_file_path\":\"/m\"}"
#define LOAD	"{\"snapshot_path\":\"/s\",\"mem_file_path\":\"/m\"}"

static void test_a_life(void **state)
{
	struct sim *s = *state;

	granted(s, "PUT", "/machine-config", "{\"vcpu_count\":2,\"mem_size_mib\":96}");
	granted(s, "PUT", "/boot-source", BOOT);
	granted(s, "PUT", "/vsock", VSOCK);
	granted(s, "PUT", "/drives/a",
	    "{\"drive_id\":\"a\",\"is_root_device\":false,\"path_on_host\":\"kernel\"}");
	granted(s, "PUT", "/balloon", BALLOON);
	granted(s, "PUT", "/entropy", "{}");
	granted(s, "PUT", "/actions", START);
	granted(s, "PATCH", "/vm", "{\"state\":\"Paused\"}");
	granted(s, "PUT", "/snapshot/create", SAVE);
	granted(s, "PATCH", "/vm", "{\"state\":\"Resumed\"}");
	granted(s, "PATCH", "/balloon", "{\"amount_mib\":10}");
	granted(s, "PUT", "/actions", "{\"action_type\":\"SendCtrlAltDel\"}");
	assert_string_equal(smol_buf_str(&called), "start pause save resume balloon keys ");
	smol_auto_free char *config = answer(s, "GET", "/vm/config", NULL);
	assert_non_null(strstr(config, "\"mem_size_mib\":96"));
	assert_non_null(strstr(config, "\"amount_mib\":10"));
}

static void test_order_before(void **state)
{
	struct sim *s = *state;

	refused(s, "PATCH", "/vm", "{\"state\":\"Paused\"}", BEFORE);
	refused(s, "PUT", "/snapshot/create", SAVE, BEFORE);
	refused(s, "PATCH", "/balloon", "{\"amount_mib\":1}", BEFORE);
	refused(s, "PUT", "/actions", "{\"action_type\":\"SendCtrlAltDel\"}", BEFORE);
	refused(s, "PUT", "/actions", "{\"action_type\":\"FlushMetrics\"}", BEFORE);
	refused(s, "PUT", "/actions", START, "no kernel configuration");
	assert_string_equal(smol_buf_str(&called), "");
}

static void test_order_after(void **state)
{
	struct sim *s = *state;

	granted(s, "PUT", "/boot-source", BOOT);
	granted(s, "PUT", "/actions", START);
	refused(s, "PUT", "/boot-source", BOOT, AFTER);
	refused(s, "PUT", "/vsock", VSOCK, AFTER);
	refused(s, "PUT", "/machine-config", "{\"vcpu_count\":2,\"mem_size_mib\":96}", AFTER);
	refused(s, "PUT", "/drives/a",
	    "{\"drive_id\":\"a\",\"is_root_device\":false,\"path_on_host\":\"kernel\"}", AFTER);
	refused(s, "PUT", "/entropy", "{}", AFTER);
	refused(s, "PUT", "/balloon", BALLOON, AFTER);
	refused(s, "PUT", "/actions", START, AFTER);
	refused(s, "PUT", "/snapshot/load", LOAD, AFTER);
	refused(s, "PUT", "/snapshot/create", SAVE, "not paused");
	refused(s, "PATCH", "/balloon", "{\"amount_mib\":1}", "no balloon");
	assert_string_equal(smol_buf_str(&called), "start ");
}

static void test_what_is_refused(void **state)
{
	struct sim *s = *state;

	refused(s, "PUT", "/vsock/1", VSOCK, "Invalid request method and/or path");
	refused(s, "PUT", "/vsocks", VSOCK, "Invalid request method and/or path");
	refused(s, "DELETE", "/vsock", NULL, "Invalid request method and/or path");
	refused(s, "PUT", "/vsock", NULL, "Empty PUT request");
	refused(s, "PUT", "/vsock", "{", "cannot be read");
	refused(s, "PUT", "/vsock", "{\"guest_cid\":2,\"uds_path\":\"v.sock\"}", "is below 3");
	refused(s, "PUT", "/vsock", "{\"guest_cid\":4294967296,\"uds_path\":\"v.sock\"}", "no u32");
	refused(s, "PUT", "/vsock", "{\"guest_cid\":3,\"uds_path\":\"kernel\"}", "os error 98");
	granted(s, "PUT", "/vsock", VSOCK);
	refused(s, "PUT", "/vsock", VSOCK, "once");
	refused(s, "PUT", "/boot-source", "{\"kernel_image_path\":\"nothing\"}", "os error 2");
	refused(s, "PUT", "/boot-source",
	    "{\"kernel_image_path\":\"kernel\",\"initrd_path\":\"nothing\"}", "initrd");
	refused(s, "PUT", "/drives/a",
	    "{\"drive_id\":\"b\",\"is_root_device\":false,\"path_on_host\":\"kernel\"}",
	    "id in the");
	refused(s, "PUT", "/drives/a",
	    "{\"drive_id\":\"a\",\"is_root_device\":false,\"path_on_host\":\"nothing\"}",
	    "os error 2");
	refused(
	    s, "PUT", "/machine-config", "{\"vcpu_count\":2,\"mem_size_mib\":0}", "memory size");
	refused(s, "PUT", "/balloon", "{\"amount_mib\":129,\"deflate_on_oom\":true}", "more than");
	granted(s, "PUT", "/boot-source", "{\"kernel_image_path\":\"initrd\"}");
	refused(s, "PUT", "/actions", START, "ELF");
	assert_string_equal(smol_buf_str(&called), "");
}

static void test_two_roots(void **state)
{
	struct sim *s = *state;
	const cJSON *drives;

	granted(s, "PUT", "/drives/a",
	    "{\"drive_id\":\"a\",\"is_root_device\":false,\"path_on_host\":\"kernel\"}");
	granted(s, "PUT", "/drives/r",
	    "{\"drive_id\":\"r\",\"is_root_device\":true,\"path_on_host\":\"kernel\"}");
	refused(s, "PUT", "/drives/q",
	    "{\"drive_id\":\"q\",\"is_root_device\":true,\"path_on_host\":\"kernel\"}",
	    "root device already");
	/* Again is an update; the root comes first whenever it was said. */
	granted(s, "PUT", "/drives/r",
	    "{\"drive_id\":\"r\",\"is_root_device\":true,\"path_on_host\":\"initrd\"}");
	drives = smol_json_get(s->config, "drives");
	assert_int_equal(cJSON_GetArraySize(drives), 2);
	assert_string_equal(smol_json_str(cJSON_GetArrayItem(drives, 0), "path_on_host"), "initrd");
}

static void test_loading(void **state)
{
	struct sim *s = *state;

	refused(s, "PUT", "/snapshot/load", "{\"snapshot_path\":\"/s\"}", "one of");
	granted(s, "PUT", "/snapshot/load", LOAD);
	assert_int_equal(s->state, SIM_PAUSED);
	end(state);
	begin(state);
	s = *state;
	granted(s, "PUT", "/entropy", "{}");
	refused(s, "PUT", "/snapshot/load", LOAD, "configured already");
	s->boot_path = false;
	refused(s, "PUT", "/snapshot/load", "{\"snapshot_path\":\"/bad\",\"mem_file_path\":\"/m\"}",
	    "no snapshot");
	assert_true(s->broken);
}

/* Before 1.12 the keys reach nobody. */
static void test_old_keyboard(void **state)
{
	struct sim *s = *state;

	s->version = "1.11.9";
	granted(s, "PUT", "/boot-source", BOOT);
	granted(s, "PUT", "/actions", START);
	granted(s, "PUT", "/actions", "{\"action_type\":\"SendCtrlAltDel\"}");
	assert_string_equal(smol_buf_str(&called), "start ");
}

/* ---- HTTP, however it comes ---- */

static void test_http(void **state)
{
	static const char two[] = "PUT /vsock HTTP/1.1\r\nHost: x\r\ncontent-length: 2\r\n\r\n{}"
				  "GET / HTTP/1.1\r\n\r\n";
	smol_auto_buf struct smol_buf in = {0};
	struct http_request r;
	int got = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(two) - 1; i++) {
		smol_buf_append(&in, two + i, 1);
		if (http_take(&in, &r) != HTTP_REQUEST)
			continue;
		assert_string_equal(r.path, got ? "/" : "/vsock");
		assert_string_equal(r.method, got ? "GET" : "PUT");
		assert_int_equal(r.body_len, got ? 0 : 2);
		http_request_free(&r);
		got++;
	}
	assert_int_equal(got, 2);
	assert_int_equal(smol_buf_len(&in), 0);
}

static void test_bad_http(void **state)
{
	static const struct {
		const char *text;
		enum http_took took;
	} cases[] = {
	    {"GET\r\n\r\n", HTTP_BAD},
	    {"GET / SMTP\r\n\r\n", HTTP_BAD},
	    {"PUT / HTTP/1.1\r\nContent-Length: x\r\n\r\n", HTTP_BAD},
	    {"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_BAD},
	    {"PUT / HTTP/1.1\r\nContent-Length: 51201\r\n\r\n", HTTP_TOO_BIG},
	    {"PUT / HTTP/1.1\r\nContent-Length: 51200\r\n\r\n", HTTP_MORE},
	    {"PUT / HTTP/1.1\r\n", HTTP_MORE},
	};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++) {
		smol_auto_buf struct smol_buf in = {0};
		struct http_request r;

		smol_buf_puts(&in, cases[i].text);
		assert_int_equal(http_take(&in, &r), cases[i].took);
	}
}

static void test_faults(void **state)
{
	struct fault f;

	(void)state;
	assert_int_equal(fault_parse(NULL, &f, NULL), 0);
	assert_int_equal(f.name, FAULT_NONE);
	assert_int_equal(fault_parse("slow=250@PUT /vsock", &f, NULL), 0);
	assert_int_equal(f.ms, 250);
	assert_true(fault_at(&f, FAULT_SLOW, "PUT", "/vsock"));
	assert_false(fault_at(&f, FAULT_SLOW, "PUT", "/vsocks"));
	assert_false(fault_at(&f, FAULT_SLOW, "GET", "/vsock"));
	assert_false(fault_at(&f, FAULT_HALF, "PUT", "/vsock"));
	assert_int_equal(fault_parse("10mb", &f, NULL), 0);
	assert_true(fault_at(&f, FAULT_TEN_MB, "PATCH", "/vm"));
	assert_int_equal(fault_parse("slow=x", &f, NULL), -1);
	assert_int_equal(fault_parse("slower", &f, NULL), -1);
}

static int begin_all(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	api = openapi_open(FCSIM_YAML, &err);
	if (!api || !mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	put_file("kernel", "\177ELF");
	put_file("initrd", "cpio");
	return 0;
}

static int end_all(void **state)
{
	(void)state;
	openapi_free(api);
	smol_buf_free(&called);
	return smol_rmdir_r(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_a_life, begin, end),
	    cmocka_unit_test_setup_teardown(test_order_before, begin, end),
	    cmocka_unit_test_setup_teardown(test_order_after, begin, end),
	    cmocka_unit_test_setup_teardown(test_what_is_refused, begin, end),
	    cmocka_unit_test_setup_teardown(test_two_roots, begin, end),
	    cmocka_unit_test_setup_teardown(test_loading, begin, end),
	    cmocka_unit_test_setup_teardown(test_old_keyboard, begin, end),
	    cmocka_unit_test(test_http),
	    cmocka_unit_test(test_bad_http),
	    cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, begin_all, end_all);
}
