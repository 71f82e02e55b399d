/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an agent allows: see limits.h. */
#include "agent/limits.h"

#include <stddef.h>
#include <string.h>

#include "base/auto.h"

static const struct limit {
	const char *name;
	size_t offset;
	int64_t def, least, most;
} limits[] = {
#define X(name, def, least, most)                                                                  \
	{#name, offsetof(struct smol_agent_limits, name), def, least, most},
    SMOL_AGENT_LIMITS(X)
#undef X
};
_Static_assert(
    SMOL_ARRAY_SIZE(limits) * sizeof(int64_t) == sizeof(struct smol_agent_limits), "all limits");

static int64_t *slot(struct smol_agent_limits *l, const struct limit *d)
{
	return (int64_t *)((char *)l + d->offset);
}

void smol_limits_init(struct smol_agent_limits *l)
{
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(limits); i++)
		*slot(l, &limits[i]) = limits[i].def;
}

void smol_limits_decode(const cJSON *j, struct smol_agent_limits *l)
{
	for (size_t i = 0; j && i < SMOL_ARRAY_SIZE(limits); i++)
		smol_json_int(
		    j, limits[i].name, limits[i].least, limits[i].most, slot(l, &limits[i]));
}

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(*a == '_' && *b == '-'))
			return false;
	return *a == *b;
}

int smol_limits_set(struct smol_agent_limits *l, const char *name, int64_t value)
{
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(limits); i++)
		if (same_name(limits[i].name, name)) {
			if (value < limits[i].least || value > limits[i].most)
				return -1;
			*slot(l, &limits[i]) = value;
			return 0;
		}
	return -1;
}

cJSON *smol_limits_encode(const struct smol_agent_limits *l)
{
	cJSON *j = cJSON_CreateObject();

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(limits); i++)
		smol_json_add_int(
		    j, limits[i].name, *slot((struct smol_agent_limits *)l, &limits[i]));
	return j;
}
