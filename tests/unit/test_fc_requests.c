/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every request that the Firecracker backend can send, over many configurations, against the
 * description of the API that Firecracker's makers publish (tests/fcsim/firecracker.yaml). Then
 * each of them is spoilt in every way that the description speaks of, and has to be found out: a
 * check that finds nothing shows nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/fc_request.h"
#include "backend/firecracker.h"
#include "base/auto.h"
#include "base/buf.h"
#include "tests/fcsim/openapi.h"

static struct openapi *api;
static struct smol_fc_requests all; /* what the builders gave */
static int spoilt;		    /* requests that were to fail, and did */

/* Paths and names that a user may choose. */
static const char *const words[] = {"/a", "/run/user/1000/smolsh/x y/vm.sock", "/tmp/\"quoted\"\\",
    "/tmp/\xc3\xa4\xe2\x82\xac", "/proc/self/fd/3", "relative"};
static const char *const ids[] = {"vda", "disk_0", "A1", "0"};

static void add(struct smol_fc_request r)
{
	all.v = smol_realloc(all.v, (all.n + 1) * sizeof(*all.v));
	all.v[all.n++] = r;
}

static void build_each(void)
{
	static const uint32_t cids[] = {3, 4, 52, 0x7fffffff, 0x80000000, 0xfffffffe};
	static const int64_t sizes[] = {1, 2, 96, 128, 4096, 1 << 20};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(words); i++) {
		const char *w = words[i], *id = ids[i % SMOL_ARRAY_SIZE(ids)];

		add(smol_fc_put_logger(w));
		add(smol_fc_put_metrics(w));
		add(smol_fc_put_boot(w, words[0], "console=ttyS0 a=\"b c\""));
		add(smol_fc_put_boot(words[0], w, ""));
		add(smol_fc_put_drive(id, w, i & 1));
		add(smol_fc_put_network(
		    id, i & 1 ? "tap0" : "a-tap.with-15c", "52:54:00:01:02:fe"));
		add(smol_fc_put_vsock(cids[i % SMOL_ARRAY_SIZE(cids)], w));
		add(smol_fc_put_machine((int)i * 6 + 1, sizes[i % SMOL_ARRAY_SIZE(sizes)]));
		add(smol_fc_put_balloon(sizes[i % SMOL_ARRAY_SIZE(sizes)]));
		add(smol_fc_patch_balloon(sizes[i % SMOL_ARRAY_SIZE(sizes)]));
		add(smol_fc_snapshot_create(w, words[0]));
		add(smol_fc_snapshot_load(words[0], w, i & 1));
	}
	add(smol_fc_put_machine(SMOL_FC_CPUS_MAX, 128));
	add(smol_fc_put_balloon(0));
	add(smol_fc_get_balloon_stats());
	add(smol_fc_put_entropy());
	add(smol_fc_patch_vm(true));
	add(smol_fc_patch_vm(false));
	for (int a = 0; a < SMOL_FC_ACTION__COUNT; a++)
		add(smol_fc_action((enum smol_fc_action)a));
}

/* A boot of this VM; how often PUT /vsock is among its requests. */
static int build_boot(const struct smol_launch *l, const struct smol_fc_places *p)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_fc_requests list;
	int vsocks = 0;

	assert_int_equal(smol_fc_boot(l, p, &list, &err), 0);
	for (size_t i = 0; i < list.n; i++) {
		vsocks += strcmp(list.v[i].path, "/vsock") == 0;
		add(list.v[i]);
	}
	free(list.v);
	return vsocks;
}

static void build_boots(void)
{
	static const int cpus[] = {1, 2, 3, SMOL_FC_CPUS_MAX};
	static const char *const args[] = {"", "quiet loglevel=7", "x=\"\xc3\xa4 \\ b\""};
	struct smol_drive drives[3] = {
	    {.path = "/base", .readonly = true}, {.path = "/a b"}, {.path = "/tmp/\xc3\xa4,\""}};
	struct smol_vm_config c;
	struct smol_launch l = {
	    .name = "web", .config = &c, .kernel_args = "", .cid = 7, .drives = drives};

	smol_vm_config_init(&c);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cpus) * SMOL_ARRAY_SIZE(args) * 2; i++) {
		struct smol_fc_places p = {.kernel = words[i % SMOL_ARRAY_SIZE(words)],
		    .initrd = "/proc/self/fd/3",
		    .log = words[(i + 1) % SMOL_ARRAY_SIZE(words)],
		    .metrics = words[(i + 2) % SMOL_ARRAY_SIZE(words)],
		    .uds = i & 1 ? words[(i / 2) % SMOL_ARRAY_SIZE(words)] : NULL};

		c.cpus = cpus[i % SMOL_ARRAY_SIZE(cpus)];
		c.memory_mib = 64 << (i % 8);
		c.balloon = i % 3 == 0;
		l.ndrives = (int)i % 4;
		free(c.kernel_args);
		c.kernel_args = smol_strdup(args[i % SMOL_ARRAY_SIZE(args)]);
		l.kernel_args = args[i / 2 % SMOL_ARRAY_SIZE(args)];
		assert_int_equal(build_boot(&l, &p), p.uds ? 1 : 0);
	}
	smol_vm_config_free(&c);
}

static int open_api(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	api = openapi_open(FCSIM_YAML, &err);
	if (!api) {
		fprintf(stderr, "%s\n", err.msg);
		return -1;
	}
	build_each();
	return 0;
}

static int close_api(void **state)
{
	(void)state;
	smol_fc_requests_free(&all);
	openapi_free(api);
	return 0;
}

/* ---- all of them fit ---- */

/* As it arrives: printed and read again. */
static cJSON *over_the_wire(const cJSON *body)
{
	smol_auto_free char *text = body ? smol_json_print(body) : NULL;

	return text ? smol_json_parse_object(text, strlen(text), NULL) : NULL;
}

static void test_all_fit(void **state)
{
	(void)state;
	build_boots();
	for (size_t i = 0; i < all.n; i++) {
		const struct smol_fc_request *r = &all.v[i];
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;
		smol_auto_json cJSON *body = over_the_wire(r->body);

		if (openapi_check(api, r->method, r->path, body, &err) < 0)
			fail_msg("%s", err.msg);
		assert_true(!r->body || cJSON_Compare(r->body, body, true));
	}
}

/* What Firecracker asks for and the description does not say. */
static void test_ids(void **state)
{
	static const char *const keys[] = {"drive_id", "iface_id"};

	(void)state;
	for (size_t i = 0; i < all.n; i++)
		for (size_t k = 0; k < SMOL_ARRAY_SIZE(keys); k++) {
			const char *id = smol_json_str(all.v[i].body, keys[k]);

			if (id)
				assert_string_equal(strrchr(all.v[i].path, '/') + 1, id);
		}
}

/* Deprecated, and still described: a check against the description would let them pass. */
static void test_nothing_deprecated(void **state)
{
	static const char *const old[] = {"vsock_id", "cpu_template", "enable_diff_snapshots"};

	(void)state;
	for (size_t i = 0; i < all.n; i++) {
		for (size_t k = 0; k < SMOL_ARRAY_SIZE(old); k++)
			assert_null(smol_json_get(all.v[i].body, old[k]));
		if (strcmp(all.v[i].path, "/snapshot/load") == 0)
			assert_null(smol_json_get(all.v[i].body, "mem_file_path"));
	}
}

/* ---- and spoilt they do not ---- */

static void must_fail(const char *method, const char *path, const cJSON *body, const char *how)
{
	smol_auto_free char *text = body ? smol_json_print(body) : smol_strdup("");

	if (openapi_check(api, method, path, body, NULL) == 0)
		fail_msg("%s: passed: %s %s %s", how, method, path, text);
	spoilt++;
}

/* One request, and the object in its body (a copy) that is being spoilt. */
struct spoiling {
	const struct smol_fc_request *r;
	cJSON *body, *at;
};

static void fails(const struct spoiling *s, const char *how)
{
	must_fail(s->r->method, s->r->path, s->body, how);
}

static void without_required(const struct spoiling *s, const cJSON *schema)
{
	const cJSON *name;

	cJSON_ArrayForEach (name, smol_json_get(schema, "required")) {
		cJSON *gone =
		    cJSON_DetachItemFromObjectCaseSensitive(s->at, cJSON_GetStringValue(name));

		assert_non_null(gone);
		fails(s, "a required field is missing");
		cJSON_AddItemToObject(s->at, cJSON_GetStringValue(name), gone);
	}
}

static void with_unknown(const struct spoiling *s)
{
	cJSON_AddStringToObject(s->at, "smolsh", "x");
	fails(s, "a field that nobody knows");
	cJSON_DeleteItemFromObjectCaseSensitive(s->at, "smolsh");
}

/* Takes value; the field has it meanwhile. */
static void with_value(const struct spoiling *s, const char *field, cJSON *value, const char *how)
{
	smol_auto_json cJSON *own =
	    cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(s->at, field), true);

	cJSON_ReplaceItemInObjectCaseSensitive(s->at, field, value);
	fails(s, how);
	cJSON_ReplaceItemInObjectCaseSensitive(s->at, field, smol_steal(&own));
}

static void with_wrong_values(const struct spoiling *s, const char *field, const cJSON *schema)
{
	const char *type = smol_json_str(schema, "type");
	const cJSON *min = smol_json_get(schema, "minimum"),
		    *max = smol_json_get(schema, "maximum");

	with_value(s, field, cJSON_CreateNull(), "null");
	with_value(s, field, cJSON_CreateArray(), "a list");
	if (strcmp(type, "string") == 0)
		with_value(s, field, cJSON_CreateNumber(1), "a number for a string");
	else
		with_value(s, field, cJSON_CreateString("1"), "a string for something else");
	if (strcmp(type, "boolean") != 0)
		with_value(s, field, cJSON_CreateTrue(), "true for something else");
	if (strcmp(type, "integer") == 0)
		with_value(s, field, cJSON_CreateNumber(3.5), "a fraction");
	if (min)
		with_value(s, field, cJSON_CreateNumber(min->valuedouble - 1), "below the minimum");
	if (max)
		with_value(s, field, cJSON_CreateNumber(max->valuedouble + 1), "above the maximum");
	if (smol_json_get(schema, "enum"))
		with_value(s, field, cJSON_CreateString("smolsh"), "none of the words");
}

static void with_field_twice(const struct spoiling *s, const cJSON *field)
{
	cJSON *again = cJSON_Duplicate(field, true);

	cJSON_AddItemToArray(s->at, again);
	fails(s, "a field twice");
	cJSON_Delete(cJSON_DetachItemViaPointer(s->at, again));
}

/* Everything that can be wrong with this object, and with those in it. */
static void spoil_object(const struct spoiling *s, const cJSON *schema)
{
	const cJSON *known = smol_json_get(schema, "properties"), *property;
	smol_auto_json cJSON *before = cJSON_Duplicate(s->body, true);

	without_required(s, schema);
	with_unknown(s);
	cJSON_ArrayForEach (property, known) {
		const cJSON *own = openapi_follow(api, property);
		cJSON *field = cJSON_GetObjectItemCaseSensitive(s->at, property->string);

		if (!field)
			continue;
		with_wrong_values(s, property->string, own);
		field = cJSON_GetObjectItemCaseSensitive(s->at, property->string);
		with_field_twice(s, field);
		if (cJSON_IsObject(field))
			spoil_object(&(struct spoiling){s->r, s->body, field}, own);
	}
	/* All is as it was, or what followed would have failed for another reason. */
	assert_true(cJSON_Compare(before, s->body, true));
	assert_int_equal(openapi_check(api, s->r->method, s->r->path, s->body, NULL), 0);
}

static void test_bad_bodies(void **state)
{
	(void)state;
	spoilt = 0;
	for (size_t i = 0; i < all.n; i++) {
		const struct smol_fc_request *r = &all.v[i];
		smol_auto_json cJSON *body = cJSON_Duplicate(r->body, true);
		const cJSON *schema = openapi_body_schema(api, r->method, r->path);

		if (!body) {
			smol_auto_json cJSON *empty = cJSON_CreateObject();

			must_fail(r->method, r->path, empty, "a body where there is none");
			continue;
		}
		assert_non_null(schema);
		spoil_object(&(struct spoiling){r, body, body}, schema);
		if (smol_json_get(schema, "required") && strcmp(r->path, "/machine-config") != 0)
			must_fail(r->method, r->path, NULL, "no body");
	}
	/* Six ways at the least for each of them but PUT /entropy. */
	assert_true(spoilt > (int)all.n * 6);
}

static void test_bad_paths_and_methods(void **state)
{
	static const char *const methods[] = {"GET", "PUT", "PATCH", "POST", "DELETE", "put", ""};

	(void)state;
	for (size_t i = 0; i < all.n; i++) {
		const struct smol_fc_request *r = &all.v[i];
		smol_auto_free char *longer = smol_asprintf("%s/x", r->path);
		smol_auto_free char *other = smol_asprintf("%ss", r->path);
		smol_auto_free char *under = smol_asprintf("/v1%s", r->path);
		bool has_id = strstr(r->path, "drives/") || strstr(r->path, "interfaces/");

		must_fail(r->method, longer, r->body, "an id too many in the path");
		must_fail(r->method, under, r->body, "a path below another");
		must_fail(r->method, r->path + 1, r->body, "a path without its slash");
		/* The last part of these is an id, and another one. */
		if (!has_id)
			must_fail(r->method, other, r->body, "a path that nobody knows");
		for (size_t m = 0; m < SMOL_ARRAY_SIZE(methods); m++) {
			/* The same body may be patched before the start. */
			bool also = strcmp(r->path, "/machine-config") == 0 &&
				    strcmp(methods[m], "PATCH") == 0;

			if (strcmp(methods[m], r->method) != 0 && !also)
				must_fail(methods[m], r->path, r->body, "another method");
		}
	}
}

/* What others got wrong with vsock, by name. */
static void test_vsock(void **state)
{
	struct smol_fc_request r = smol_fc_put_vsock(3, "/u");
	struct smol_fc_request low = smol_fc_put_vsock(2, "/u");

	(void)state;
	assert_int_equal(cJSON_GetArraySize(r.body), 2);
	assert_int_equal(openapi_check(api, "PUT", "/vsock", r.body, NULL), 0);
	must_fail("PUT", "/vsocks/1", r.body, "an old path");
	must_fail("PUT", "/vsock/vsock0", r.body, "an id in the path");
	must_fail("PUT", "/vsock", low.body, "the host's CID");
	smol_fc_request_free(&r);
	smol_fc_request_free(&low);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_fit),
	    cmocka_unit_test(test_ids),
	    cmocka_unit_test(test_nothing_deprecated),
	    cmocka_unit_test(test_bad_bodies),
	    cmocka_unit_test(test_bad_paths_and_methods),
	    cmocka_unit_test(test_vsock),
	};

	return cmocka_run_group_tests(tests, open_api, close_api);
}
