/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What VMs use: see uses.h. */
#include "ui/vms/uses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "proto/json.h"

static enum smol_health health_of(const char *name)
{
	int h = 0;

	while (name && h < SMOL_HEALTH__COUNT &&
	       strcmp(smol_health_name((enum smol_health)h), name) != 0)
		h++;
	return name && h < SMOL_HEALTH__COUNT ? (enum smol_health)h : SMOL_HEALTH_UNKNOWN;
}

static double per_cent(const cJSON *j)
{
	const cJSON *v = smol_json_get(j, "cpu_percent");

	return cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble < 1e6 ? v->valuedouble
										: -1;
}

static int64_t number(const cJSON *j, const char *key)
{
	int64_t n = -1;

	return smol_json_int(j, key, 0, INT64_MAX / 2, &n) == 1 ? n : -1;
}

/* Its place; NULL when there is no room for another. */
static struct smol_use *place_of(struct smol_uses *u, const char *id)
{
	for (int i = 0; i < u->n; i++)
		if (strcmp(u->all[i].id, id) == 0)
			return &u->all[i];
	if (u->n == SMOL_USES_MAX)
		return NULL;
	u->all = smol_realloc(u->all, ((size_t)u->n + 1) * sizeof(*u->all));
	return &u->all[u->n++];
}

static void begin_round(struct smol_uses *u, int64_t round)
{
	int kept = 0;

	for (int i = 0; i < u->n; i++)
		if (u->all[i].round == u->round)
			u->all[kept++] = u->all[i];
	u->n = kept;
	u->round = round;
}

bool smol_uses_take(struct smol_uses *u, const char *line, size_t n)
{
	smol_auto_json cJSON *j = smol_json_parse_object(line, n, NULL);
	const char *id = j ? smol_json_str(j, "id") : NULL;
	int64_t round = j ? number(j, "round") : -1;
	struct smol_use *use;

	if (!id || strlen(id) != SMOL_ID_LEN || round < 0)
		return false;
	if (round != u->round)
		begin_round(u, round);
	use = place_of(u, id);
	if (!use)
		return false;
	*use = (struct smol_use){.health = health_of(smol_json_str(j, "health")),
	    .cpu = per_cent(j),
	    .resident = number(j, "resident_bytes"),
	    .jobs = number(j, "jobs"),
	    .round = round};
	snprintf(use->id, sizeof(use->id), "%s", id);
	return true;
}

const struct smol_use *smol_uses_of(const struct smol_uses *u, const char *id)
{
	for (int i = 0; u && i < u->n; i++)
		if (strcmp(u->all[i].id, id) == 0)
			return &u->all[i];
	return NULL;
}

void smol_uses_free(struct smol_uses *u)
{
	free(u->all);
	*u = (struct smol_uses){0};
}
