/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cJSON, wrapped once: see json.h. */
#include "proto/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

#define MAX_DEPTH 32
#define MAX_WHOLE 9007199254740992.0 /* 2^53 */

/* What cJSON would accept and we do not, found before it sees the text. */
static const char *check(const char *s, size_t n)
{
	bool in_string = false;
	int depth = 0;

	if (!smol_utf8_valid(s, n) || memchr(s, '\0', n))
		return "not valid UTF-8";
	for (size_t i = 0; i < n; i++) {
		if (in_string) {
			if (s[i] == '\\' && n - i > 5 && memcmp(s + i, "\\u0000", 6) == 0)
				return "a NUL in a string";
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				in_string = false;
			continue;
		}
		if (s[i] == '"')
			in_string = true;
		else if ((s[i] == '{' || s[i] == '[') && ++depth > MAX_DEPTH)
			return "nested too deeply";
		else if (s[i] == '}' || s[i] == ']')
			depth--;
	}
	return NULL;
}

cJSON *smol_json_parse(const char *text, size_t n, struct smol_err *err)
{
	smol_auto_json cJSON *j = NULL;
	const char *bad = check(text, n), *end = NULL;

	if (bad) {
		smol_err_set(err, SMOL_E_PROTOCOL, "not JSON: %s", bad);
		return NULL;
	}
	j = cJSON_ParseWithLengthOpts(text, n, &end, 0);
	if (!j) {
		smol_err_set(err, SMOL_E_PROTOCOL, "not JSON");
		return NULL;
	}
	for (; end < text + n; end++)
		if (!strchr(" \t\r\n", *end)) {
			smol_err_set(err, SMOL_E_PROTOCOL, "not JSON: text after the value");
			return NULL;
		}
	return smol_steal(&j);
}

cJSON *smol_json_parse_object(const char *text, size_t n, struct smol_err *err)
{
	smol_auto_json cJSON *j = smol_json_parse(text, n, err);

	if (j && !cJSON_IsObject(j)) {
		smol_err_set(err, SMOL_E_PROTOCOL, "not a JSON object");
		return NULL;
	}
	return smol_steal(&j);
}

char *smol_json_print(const cJSON *j)
{
	char *s = cJSON_PrintUnformatted(j);

	return s ? s : smol_strdup("null");
}

const cJSON *smol_json_get(const cJSON *obj, const char *key)
{
	const cJSON *j = cJSON_GetObjectItemCaseSensitive(obj, key);

	return j && !cJSON_IsNull(j) ? j : NULL;
}

const char *smol_json_str(const cJSON *obj, const char *key)
{
	return cJSON_GetStringValue(smol_json_get(obj, key));
}

int smol_json_int(const cJSON *obj, const char *key, int64_t min, int64_t max, int64_t *out)
{
	const cJSON *j = smol_json_get(obj, key);
	double v;

	if (!j)
		return 0;
	v = j->valuedouble;
	if (!cJSON_IsNumber(j) || !(fabs(v) <= MAX_WHOLE) || v < (double)min || v > (double)max ||
	    v != (double)(int64_t)v)
		return -1;
	*out = (int64_t)v;
	return 1;
}

bool smol_json_bool(const cJSON *obj, const char *key, bool absent)
{
	const cJSON *j = smol_json_get(obj, key);

	return cJSON_IsBool(j) ? cJSON_IsTrue(j) : absent;
}

void smol_json_add_str(cJSON *obj, const char *key, const char *value)
{
	smol_auto_free char *safe = NULL;

	/* cJSON prints invalid UTF-8 as it is; nobody could parse it. */
	if (value && !smol_utf8_valid(value, strlen(value)))
		value = safe = smol_escape(value, strlen(value));
	cJSON_AddItemToObject(obj, key, value ? cJSON_CreateString(value) : cJSON_CreateNull());
}

void smol_json_add_int(cJSON *obj, const char *key, int64_t value)
{
	cJSON_AddNumberToObject(obj, key, (double)value);
}

void smol_json_add_bool(cJSON *obj, const char *key, bool value)
{
	cJSON_AddBoolToObject(obj, key, value);
}

void smol_json_add_bytes(cJSON *obj, const char *key, const char *data, size_t n)
{
	smol_auto_free char *text = NULL;
	smol_auto_free char *b64_key = NULL;

	if (smol_utf8_valid(data, n) && !memchr(data, '\0', n)) {
		text = smol_strndup(data, n);
		cJSON_AddStringToObject(obj, key, text);
		return;
	}
	text = smol_base64_encode(data, n);
	b64_key = smol_asprintf("%s_b64", key);
	cJSON_AddStringToObject(obj, b64_key, text);
}

char *smol_json_bytes(const cJSON *obj, const char *key, size_t *n)
{
	const char *text = smol_json_str(obj, key);
	smol_auto_free char *b64_key = NULL;

	if (text) {
		*n = strlen(text);
		return smol_strdup(text);
	}
	b64_key = smol_asprintf("%s_b64", key);
	text = smol_json_str(obj, b64_key);
	return text ? smol_base64_decode(text, n) : NULL;
}

cJSON *smol_json_from_err(const struct smol_err *err)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "code", smol_code_name(err->code));
	smol_json_add_str(j, "message", err->msg);
	if (err->hint)
		smol_json_add_str(j, "hint", err->hint);
	if (err->tail)
		smol_json_add_str(j, "console", err->tail);
	return j;
}
