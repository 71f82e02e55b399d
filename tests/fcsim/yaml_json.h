/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A YAML file as a tree of cJSON, for tests that read a description in YAML. */
#ifndef SMOL_TESTS_FCSIM_YAML_JSON_H
#define SMOL_TESTS_FCSIM_YAML_JSON_H

#include "base/err.h"
#include "proto/json.h"

/*
 * The first document of the file. Keys become strings. A plain scalar is a number, true, false or
 * null where JSON would read it so; everything else, and all that is quoted, is a string ("Off"
 * and "None" are words). NULL and SMOL_E_INVALID with the line when it is no YAML, when a mapping
 * has a key twice, or when it is nested deeper than 64. Caller deletes (smol_auto_json).
 */
cJSON *yaml_json_read(const char *path, struct smol_err *err);

#endif
