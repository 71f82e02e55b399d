/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Versions: see fc_version.h. */
#include "backend/fc_version.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"

static const struct {
	enum smol_fc_quirk bit;
	struct smol_fc_version from, until; /* until: the first that is well again */
	const char *name, *text;
} quirks[] = {
#define X(e, bit, a, b, c, d, f, g, n, t) {SMOL_FC_QUIRK_##e, {a, b, c}, {d, f, g}, n, t},
    SMOL_FC_QUIRKS(X)
#undef X
};

int smol_fc_parse_version(const char *text, struct smol_fc_version *v)
{
	const char *p = strncmp(text, "Firecracker ", 12) == 0 ? text + 12 : text;
	int end = 0;

	if (sscanf(p, "v%4d.%4d.%4d%n", &v->major, &v->minor, &v->patch, &end) != 3 || !end ||
	    v->major < 0 || v->minor < 0 || v->patch < 0)
		return -1;
	return 0;
}

int smol_fc_version_cmp(const struct smol_fc_version *a, const struct smol_fc_version *b)
{
	if (a->major != b->major)
		return a->major - b->major;
	return a->minor != b->minor ? a->minor - b->minor : a->patch - b->patch;
}

unsigned smol_fc_quirks(const struct smol_fc_version *v)
{
	unsigned has = 0;

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(quirks); i++)
		if (smol_fc_version_cmp(v, &quirks[i].from) >= 0 &&
		    smol_fc_version_cmp(v, &quirks[i].until) < 0)
			has |= quirks[i].bit;
	return has;
}

const char *smol_fc_quirk_text(enum smol_fc_quirk q)
{
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(quirks); i++)
		if (quirks[i].bit == q)
			return quirks[i].text;
	return "?";
}

const char *smol_fc_quirk_name(enum smol_fc_quirk q)
{
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(quirks); i++)
		if (quirks[i].bit == q)
			return quirks[i].name;
	return "?";
}

char *smol_fc_quirks_line(unsigned quirks_had)
{
	smol_auto_buf struct smol_buf b = {0};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(quirks); i++)
		if (quirks_had & quirks[i].bit)
			smol_buf_printf(&b, "%s%s", smol_buf_len(&b) ? "; " : "", quirks[i].text);
	return smol_buf_len(&b) ? smol_buf_take(&b) : NULL;
}

int smol_fc_version_check(const struct smol_fc_version *v, struct smol_err *err)
{
	if (!(smol_fc_quirks(v) & SMOL_FC_QUIRK_NO_ACPI))
		return 0;
	smol_err_set(err, SMOL_E_UNSUPPORTED, "Firecracker %d.%d.%d is too old: %s", v->major,
	    v->minor, v->patch, smol_fc_quirk_text(SMOL_FC_QUIRK_NO_ACPI));
	return smol_err_hint(err, "install Firecracker 1.8.0 or later, or --backend qemu");
}
