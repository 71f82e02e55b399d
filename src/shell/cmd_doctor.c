/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doctor: runs the table of checks and prints what they found. */
#include <stdio.h>

#include "base/auto.h"
#include "shell/commands.h"
#include "shell/doctor.h"
#include "shell/output.h"
#include "shell/parse.h"

static const char *color_of(enum smol_finding_level level)
{
	return level == SMOL_FINDING_OK	    ? "\033[32m"
	       : level == SMOL_FINDING_WARN ? "\033[33m"
					    : "\033[31m";
}

static void print_one(struct smol_shell *sh, const char *name, const struct smol_finding *f)
{
	smol_auto_free char *text = smol_out_one_line(f->text ? f->text : "?");
	smol_auto_free char *mend = f->mend ? smol_out_one_line(f->mend) : NULL;
	const char *on = sh->color_out ? color_of(f->level) : "", *off = *on ? "\033[0m" : "";

	if (sh->quiet && f->level == SMOL_FINDING_OK)
		return;
	printf("%s%-3s%s  %-18s %s\n", on, smol_finding_glyph(f->level), off, name, text);
	if (mend)
		printf("%-24s try: %s\n", "", mend);
	fflush(stdout);
}

static cJSON *json_of(const char *name, const struct smol_finding *f)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "check", name);
	smol_json_add_str(j, "level", smol_finding_name(f->level));
	smol_json_add_str(j, "found", f->text);
	if (f->mend)
		smol_json_add_str(j, "mend", f->mend);
	return j;
}

static int run_doctor(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	cJSON *data = sh->json ? cJSON_CreateObject() : NULL, *list = NULL;
	int bad = 0, warnings = 0;

	(void)args;
	(void)err;
	if (data)
		list = cJSON_AddArrayToObject(data, "checks");
	for (const struct smol_check *c = smol_checks; c->name; c++) {
		struct smol_finding f = {0};

		c->look(&f);
		bad += f.level == SMOL_FINDING_BAD;
		warnings += f.level == SMOL_FINDING_WARN;
		if (data)
			cJSON_AddItemToArray(list, json_of(c->name, &f));
		else
			print_one(sh, c->name, &f);
		smol_finding_free(&f);
	}
	if (data) {
		smol_json_add_bool(data, "healthy", !bad);
		smol_out_data(sh, data);
	} else if (!sh->quiet) {
		printf("\n%d problem%s, %d warning%s\n", bad, bad == 1 ? "" : "s", warnings,
		    warnings == 1 ? "" : "s");
	}
	return bad ? 1 : 0;
}

const struct smol_command smol_cmd_doctor[] = {
    {
	.name = "doctor",
	.summary = "look for what is missing or wrong on this machine",
	.description =
	    "Accelerator, QEMU, helpers, image, directories, limits: each problem with what\n"
	    "mends it. Exit code 1 when something that is needed is wrong.",
	.examples = "smolsh doctor\n"
		    "smolsh doctor --quiet",
	.run = run_doctor,
    },
    {0},
};
