/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Faults on request: see fault.h. */
#include "tests/fcsim/fault.h"

#include <assert.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

static const char *const names[] = {
#define X(e, name, what) [FAULT_##e] = name,
    FAULTS(X)
#undef X
};

int fault_parse(const char *text, struct fault *out, struct smol_err *err)
{
	const char *at = text ? strchr(text, '@') : NULL;
	smol_auto_free char *word =
	    text ? smol_strndup(text, at ? (size_t)(at - text) : strlen(text))
		 : smol_strdup("none");
	char *value = strchr(word, '=');

	*out = (struct fault){.request = at ? at + 1 : NULL};
	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], word) != 0)
			continue;
		out->name = (enum fault_name)i;
		out->ms = i == FAULT_HALVES ? 200 : 1000;
		if (value && smol_parse_int(value, 0, 600000, &out->ms) < 0)
			break;
		return 0;
	}
	return smol_err_set(err, SMOL_E_USAGE, "FC_SIM_FAULT: '%s' is not known", text);
}

bool fault_at(const struct fault *f, enum fault_name name, const char *method, const char *path)
{
	size_t n = strlen(method);

	if (f->name != name)
		return false;
	return !f->request || (strncmp(f->request, method, n) == 0 && f->request[n] == ' ' &&
				  strcmp(f->request + n + 1, path) == 0);
}
