/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cJSON, wrapped once. Parsing is strict where cJSON is lax: nothing may follow the value, no
 * escaped NUL, valid UTF-8 only, depth at most 32. Keys are matched with their case. Numbers are
 * taken from valuedouble and only where they are whole and within ±2^53.
 */
#ifndef SMOL_PROTO_JSON_H
#define SMOL_PROTO_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

static inline void smol_auto_json_fn(cJSON **j)
{
	cJSON_Delete(*j);
}
#define smol_auto_json __attribute__((cleanup(smol_auto_json_fn)))

/* NULL and SMOL_E_PROTOCOL when text is not one JSON value. Caller deletes (smol_auto_json). */
cJSON *smol_json_parse(const char *text, size_t n, struct smol_err *err);
/* The same, and it must be an object. */
cJSON *smol_json_parse_object(const char *text, size_t n, struct smol_err *err);
/* One line without a newline; malloc'd, caller frees. */
char *smol_json_print(const cJSON *j);

/* NULL when there is no such member or it is JSON null. */
const cJSON *smol_json_get(const cJSON *obj, const char *key);
/* NULL when it is absent or no string; owned by obj. */
const char *smol_json_str(const cJSON *obj, const char *key);
/* 1 present and in range, 0 absent (out untouched), -1 wrong type, not whole or out of range. */
int smol_json_int(const cJSON *obj, const char *key, int64_t min, int64_t max, int64_t *out);
bool smol_json_bool(const cJSON *obj, const char *key, bool absent);

/* All of these add to obj; a NULL string adds JSON null. */
void smol_json_add_str(cJSON *obj, const char *key, const char *value);
void smol_json_add_int(cJSON *obj, const char *key, int64_t value);
void smol_json_add_bool(cJSON *obj, const char *key, bool value);
/* Bytes: as "key" when they are valid UTF-8 without NUL, else as base64 under "key_b64". */
void smol_json_add_bytes(cJSON *obj, const char *key, const char *data, size_t n);
/* The inverse: malloc'd bytes with a NUL behind, *n their number; NULL when absent or bad. */
char *smol_json_bytes(const cJSON *obj, const char *key, size_t *n);

/* {"code":…,"message":…,"hint":…} of an error and back. */
cJSON *smol_json_from_err(const struct smol_err *err);

#endif
