/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YAML to cJSON: see yaml_json.h. */
#include "tests/fcsim/yaml_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/auto.h"

#define DEPTH_MAX 64

static cJSON *node_json(
    yaml_document_t *doc, yaml_node_t *node, int depth, const char *path, struct smol_err *err);

static cJSON *scalar(const yaml_node_t *node)
{
	const char *s = (const char *)node->data.scalar.value;
	char *end;
	double d;

	if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return cJSON_CreateString(s);
	if (strcmp(s, "null") == 0 || strcmp(s, "~") == 0 || !*s)
		return cJSON_CreateNull();
	if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)
		return cJSON_CreateBool(*s == 't');
	/* As JSON writes numbers: no sign +, no hexadecimal, no infinity. */
	if (s[strspn(s, "-.0123456789eE")] == '\0' && (*s == '-' || (*s >= '0' && *s <= '9'))) {
		d = strtod(s, &end);
		if (*end == '\0' && isfinite(d))
			return cJSON_CreateNumber(d);
	}
	return cJSON_CreateString(s);
}

static cJSON *sequence(
    yaml_document_t *doc, yaml_node_t *node, int depth, const char *path, struct smol_err *err)
{
	smol_auto_json cJSON *list = cJSON_CreateArray();

	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		cJSON *item = node_json(doc, yaml_document_get_node(doc, *i), depth + 1, path, err);

		if (!item)
			return NULL;
		cJSON_AddItemToArray(list, item);
	}
	return smol_steal(&list);
}

static cJSON *mapping(
    yaml_document_t *doc, yaml_node_t *node, int depth, const char *path, struct smol_err *err)
{
	smol_auto_json cJSON *map = cJSON_CreateObject();

	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++) {
		yaml_node_t *key = yaml_document_get_node(doc, p->key);
		const char *name;
		cJSON *value;

		if (!key || key->type != YAML_SCALAR_NODE) {
			smol_err_set(err, SMOL_E_INVALID, "%s:%zu: a key that is no word", path,
			    node->start_mark.line + 1);
			return NULL;
		}
		name = (const char *)key->data.scalar.value;
		if (cJSON_GetObjectItemCaseSensitive(map, name)) {
			smol_err_set(err, SMOL_E_INVALID, "%s:%zu: '%s' is there twice", path,
			    key->start_mark.line + 1, name);
			return NULL;
		}
		value = node_json(doc, yaml_document_get_node(doc, p->value), depth + 1, path, err);
		if (!value)
			return NULL;
		cJSON_AddItemToObject(map, name, value);
	}
	return smol_steal(&map);
}

static cJSON *node_json(
    yaml_document_t *doc, yaml_node_t *node, int depth, const char *path, struct smol_err *err)
{
	if (depth > DEPTH_MAX) {
		smol_err_set(err, SMOL_E_INVALID, "%s:%zu: nested deeper than %d", path,
		    node->start_mark.line + 1, DEPTH_MAX);
		return NULL;
	}
	switch (node->type) {
	case YAML_SCALAR_NODE:
		return scalar(node);
	case YAML_SEQUENCE_NODE:
		return sequence(doc, node, depth, path, err);
	case YAML_MAPPING_NODE:
		return mapping(doc, node, depth, path, err);
	default:
		return cJSON_CreateNull();
	}
}

cJSON *yaml_json_read(const char *path, struct smol_err *err)
{
	smol_auto_fclose FILE *f = fopen(path, "re");
	yaml_parser_t parser;
	yaml_document_t doc;
	yaml_node_t *root;
	cJSON *tree = NULL;

	if (!f) {
		smol_err_errno(err, SMOL_E_INVALID, errno, "%s", path);
		return NULL;
	}
	yaml_parser_initialize(&parser);
	yaml_parser_set_input_file(&parser, f);
	if (!yaml_parser_load(&parser, &doc)) {
		smol_err_set(err, SMOL_E_INVALID, "%s:%zu: %s", path, parser.problem_mark.line + 1,
		    parser.problem ? parser.problem : "no YAML");
	} else {
		root = yaml_document_get_root_node(&doc);
		if (root)
			tree = node_json(&doc, root, 0, path, err);
		else
			smol_err_set(err, SMOL_E_INVALID, "%s: is empty", path);
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	return tree;
}
