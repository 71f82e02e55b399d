/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests against an OpenAPI description: see openapi.h. Values of the body are foreign, and are
 * shown escaped and cut. */
#include "tests/fcsim/openapi.h"

#include <ctype.h>
#include <math.h>
#include <regex.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "tests/fcsim/yaml_json.h"

#define REFS_MAX  16 /* one $ref leading to another */
#define SHOWN_MAX 60 /* bytes of a value in an error */

struct openapi {
	cJSON *doc;
	const cJSON *paths; /* in doc */
};

static const char *const keywords[] = {"$ref", "additionalProperties", "default", "description",
    "enum", "example", "format", "items", "maximum", "minimum", "properties", "readOnly",
    "required", "type", NULL};

static const char *const types[] = {
    "object", "array", "string", "integer", "number", "boolean", NULL};

static bool among(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* ---- the description ---- */

static const cJSON *follow_ref(const struct openapi *api, const char *ref)
{
	static const char prefix[] = "#/definitions/";

	if (strncmp(ref, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	return smol_json_get(smol_json_get(api->doc, "definitions"), ref + sizeof(prefix) - 1);
}

const cJSON *openapi_follow(const struct openapi *api, const cJSON *schema)
{
	const char *ref;

	for (int i = 0; schema && (ref = smol_json_str(schema, "$ref")); i++)
		schema = i < REFS_MAX ? follow_ref(api, ref) : NULL;
	return schema;
}

/* A schema, and those in it, say nothing that check_value() would not hold values against. */
static int check_schema(
    const struct openapi *api, const cJSON *schema, const char *where, struct smol_err *err)
{
	const char *type = smol_json_str(schema, "type");
	const cJSON *at;

	if (!cJSON_IsObject(schema))
		return smol_err_set(err, SMOL_E_INVALID, "%s: is no schema", where);
	cJSON_ArrayForEach (at, schema)
		if (!among(at->string, keywords))
			return smol_err_set(err, SMOL_E_INVALID,
			    "%s: the keyword '%s' is not known", where, at->string);
	if (smol_json_str(schema, "$ref") && !openapi_follow(api, schema))
		return smol_err_set(err, SMOL_E_INVALID, "%s: %s leads nowhere", where,
		    smol_json_str(schema, "$ref"));
	if (!smol_json_str(schema, "$ref") && (!type || !among(type, types)))
		return smol_err_set(err, SMOL_E_INVALID, "%s: its type is not known", where);
	cJSON_ArrayForEach (at, smol_json_get(schema, "properties")) {
		smol_auto_free char *name = smol_asprintf("%s.%s", where, at->string);

		if (check_schema(api, at, name, err) < 0)
			return -1;
	}
	at = smol_json_get(schema, "items");
	if (at && check_schema(api, at, where, err) < 0)
		return -1;
	at = smol_json_get(schema, "additionalProperties");
	return at && !cJSON_IsBool(at) ? check_schema(api, at, where, err) : 0;
}

static const cJSON *body_parameter(const cJSON *operation)
{
	const cJSON *p;

	cJSON_ArrayForEach (p, smol_json_get(operation, "parameters")) {
		const char *in = smol_json_str(p, "in");

		if (in && strcmp(in, "body") == 0)
			return p;
	}
	return NULL;
}

static int check_description(const struct openapi *api, struct smol_err *err)
{
	const char *version = smol_json_str(api->doc, "swagger");
	const cJSON *at, *operation;

	if (!version || strcmp(version, "2.0") != 0 || !api->paths)
		return smol_err_set(err, SMOL_E_INVALID, "is no Swagger 2.0 description");
	cJSON_ArrayForEach (at, smol_json_get(api->doc, "definitions"))
		if (check_schema(api, at, at->string, err) < 0)
			return -1;
	cJSON_ArrayForEach (at, api->paths)
		cJSON_ArrayForEach (operation, at) {
			const cJSON *body = body_parameter(operation);

			if (body &&
			    check_schema(api, smol_json_get(body, "schema"), at->string, err) < 0)
				return -1;
		}
	return 0;
}

struct openapi *openapi_open(const char *yaml_path, struct smol_err *err)
{
	struct openapi *api = smol_alloc(sizeof(*api));

	api->doc = yaml_json_read(yaml_path, err);
	api->paths = api->doc ? smol_json_get(api->doc, "paths") : NULL;
	if (!api->doc || check_description(api, err) < 0) {
		if (api->doc)
			smol_err_wrap(err, "%s", yaml_path);
		openapi_free(api);
		return NULL;
	}
	return api;
}

void openapi_free(struct openapi *api)
{
	if (!api)
		return;
	cJSON_Delete(api->doc);
	free(api);
}

/* ---- paths and methods ---- */

static bool path_matches(const char *template, const char *path)
{
	while (*template && *path) {
		if (*template == '{') {
			size_t n = strcspn(path, "/?#");

			if (n == 0)
				return false;
			path += n;
			template += strcspn(template, "}") + 1;
		} else if (*template ++ != *path++) {
			return false;
		}
	}
	return !*template && !*path;
}

static const cJSON *find_path(const struct openapi *api, const char *path)
{
	const cJSON *p;

	cJSON_ArrayForEach (p, api->paths)
		if (path_matches(p->string, path))
			return p;
	return NULL;
}

static const cJSON *find_operation(const cJSON *item, const char *method)
{
	const cJSON *op;
	char lower[16];
	size_t n = strlen(method);

	if (n >= sizeof(lower))
		return NULL;
	for (size_t i = 0; i <= n; i++) {
		if (islower((unsigned char)method[i]))
			return NULL;
		lower[i] = (char)tolower((unsigned char)method[i]);
	}
	cJSON_ArrayForEach (op, item)
		if (strcmp(op->string, lower) == 0)
			return op;
	return NULL;
}

const cJSON *openapi_body_schema(const struct openapi *api, const char *method, const char *path)
{
	const cJSON *item = find_path(api, path);
	const cJSON *op = item ? find_operation(item, method) : NULL;
	const cJSON *p = op ? body_parameter(op) : NULL;

	return p ? openapi_follow(api, smol_json_get(p, "schema")) : NULL;
}

/* ---- values ---- */

static int check_value(const struct openapi *api, const cJSON *schema, const cJSON *v,
    const char *where, struct smol_err *err);

/* "guest_cid: 2 is below 3" */
static int bad(struct smol_err *err, const char *where, const cJSON *v, const char *why)
{
	smol_auto_free char *text = v ? smol_json_print(v) : smol_strdup("");
	smol_auto_free char *shown = smol_escape(text, strnlen(text, SHOWN_MAX));

	return smol_err_set(
	    err, SMOL_E_INVALID, "%s%s%s%s%s", where, *where ? ": " : "", shown, v ? " " : "", why);
}

static bool type_is(const cJSON *v, const char *type)
{
	if (strcmp(type, "object") == 0)
		return cJSON_IsObject(v);
	if (strcmp(type, "array") == 0)
		return cJSON_IsArray(v);
	if (strcmp(type, "string") == 0)
		return cJSON_IsString(v);
	if (strcmp(type, "boolean") == 0)
		return cJSON_IsBool(v);
	if (!cJSON_IsNumber(v) || !isfinite(v->valuedouble))
		return false;
	/* A double above 2^53 is not surely the number that was meant. */
	return strcmp(type, "number") == 0 ||
	       (fabs(v->valuedouble) <= 9007199254740992.0 &&
		   v->valuedouble == (double)(int64_t)v->valuedouble);
}

static int check_enum(const cJSON *schema, const cJSON *v, const char *where, struct smol_err *err)
{
	smol_auto_buf struct smol_buf known = {0};
	const cJSON *list = smol_json_get(schema, "enum"), *e;

	if (!list)
		return 0;
	cJSON_ArrayForEach (e, list) {
		smol_auto_free char *text = smol_json_print(e);

		if (cJSON_Compare(e, v, true))
			return 0;
		smol_buf_printf(&known, "%s%s", smol_buf_len(&known) ? ", " : "", text);
	}
	smol_auto_free char *why = smol_asprintf("is none of %s", smol_buf_str(&known));
	return bad(err, where, v, why);
}

static int check_number(
    const cJSON *schema, const cJSON *v, const char *where, struct smol_err *err)
{
	const cJSON *min = smol_json_get(schema, "minimum"),
		    *max = smol_json_get(schema, "maximum");
	const char *format = smol_json_str(schema, "format");
	smol_auto_free char *why = NULL;

	if (min && v->valuedouble < min->valuedouble)
		why = smol_asprintf("is below %.0f", min->valuedouble);
	else if (max && v->valuedouble > max->valuedouble)
		why = smol_asprintf("is above %.0f", max->valuedouble);
	else if (format && strcmp(format, "int32") == 0 && fabs(v->valuedouble) > INT32_MAX)
		why = smol_strdup("is no int32");
	return why ? bad(err, where, v, why) : 0;
}

static int check_string(
    const cJSON *schema, const cJSON *v, const char *where, struct smol_err *err)
{
	const char *format = smol_json_str(schema, "format");
	smol_auto_free char *whole = format ? smol_asprintf("^(%s)$", format) : NULL;
	regex_t re;
	int rc;

	if (!format)
		return 0;
	if (regcomp(&re, whole, REG_EXTENDED | REG_NOSUB) != 0)
		return bad(err, where, NULL, "its format is no regular expression");
	rc = regexec(&re, v->valuestring, 0, NULL, 0);
	regfree(&re);
	return rc ? bad(err, where, v, "has not the format of the description") : 0;
}

static int check_field(const struct openapi *api, const cJSON *schema, const cJSON *v,
    const char *where, struct smol_err *err)
{
	const cJSON *properties = smol_json_get(schema, "properties");
	const cJSON *more = cJSON_GetObjectItemCaseSensitive(schema, "additionalProperties");
	const cJSON *own = properties ? smol_json_get(properties, v->string) : NULL;
	smol_auto_free char *key = smol_escape(v->string, strnlen(v->string, SHOWN_MAX));
	smol_auto_free char *name = smol_asprintf("%s%s%s", where, *where ? "." : "", key);

	for (const cJSON *other = v->next; other; other = other->next)
		if (strcmp(other->string, v->string) == 0)
			return bad(err, name, NULL, "is there twice");
	if (own)
		return check_value(api, own, v, name, err);
	if (cJSON_IsObject(more))
		return check_value(api, more, v, name, err);
	if (cJSON_IsTrue(more))
		return 0;
	return bad(err, name, NULL, "is no field of this");
}

static int check_object(const struct openapi *api, const cJSON *schema, const cJSON *v,
    const char *where, struct smol_err *err)
{
	const cJSON *at;

	cJSON_ArrayForEach (at, smol_json_get(schema, "required"))
		if (!cJSON_GetObjectItemCaseSensitive(v, at->valuestring)) {
			smol_auto_free char *why =
			    smol_asprintf("the field %s is missing", at->valuestring);

			return bad(err, where, NULL, why);
		}
	cJSON_ArrayForEach (at, v)
		if (check_field(api, schema, at, where, err) < 0)
			return -1;
	return 0;
}

static int check_array(const struct openapi *api, const cJSON *schema, const cJSON *v,
    const char *where, struct smol_err *err)
{
	const cJSON *items = smol_json_get(schema, "items"), *at;
	int i = 0;

	cJSON_ArrayForEach (at, v) {
		smol_auto_free char *name = smol_asprintf("%s[%d]", where, i++);

		if (items && check_value(api, items, at, name, err) < 0)
			return -1;
	}
	return 0;
}

static int check_value(const struct openapi *api, const cJSON *schema, const cJSON *v,
    const char *where, struct smol_err *err)
{
	const cJSON *s = openapi_follow(api, schema);
	const char *type = smol_json_str(s, "type");

	if (!type_is(v, type)) {
		smol_auto_free char *why = smol_asprintf("is no %s", type);

		return bad(err, where, v, why);
	}
	if (check_enum(s, v, where, err) < 0)
		return -1;
	if (cJSON_IsNumber(v))
		return check_number(s, v, where, err);
	if (cJSON_IsString(v))
		return check_string(s, v, where, err);
	if (cJSON_IsObject(v))
		return check_object(api, s, v, where, err);
	return cJSON_IsArray(v) ? check_array(api, s, v, where, err) : 0;
}

static int check_request(const struct openapi *api, const char *method, const char *path,
    const cJSON *body, struct smol_err *err)
{
	const cJSON *item = find_path(api, path);
	const cJSON *op = item ? find_operation(item, method) : NULL;
	const cJSON *p = op ? body_parameter(op) : NULL;

	if (!item)
		return smol_err_set(err, SMOL_E_INVALID, "there is no such path");
	if (!op)
		return smol_err_set(err, SMOL_E_INVALID, "the path has no such method");
	if (!p)
		return body ? smol_err_set(err, SMOL_E_INVALID, "takes no body") : 0;
	if (!body)
		return smol_json_bool(p, "required", false)
			   ? smol_err_set(err, SMOL_E_INVALID, "the body is missing")
			   : 0;
	return check_value(api, smol_json_get(p, "schema"), body, "", err);
}

int openapi_check(const struct openapi *api, const char *method, const char *path,
    const cJSON *body, struct smol_err *err)
{
	if (check_request(api, method, path, body, err) == 0)
		return 0;
	smol_auto_free char *m = smol_escape(method, strnlen(method, SHOWN_MAX));
	smol_auto_free char *p = smol_escape(path, strnlen(path, SHOWN_MAX));
	return smol_err_wrap(err, "%s %s", m, p);
}
