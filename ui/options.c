/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A child becomes a command: see options.h. */
#include "ui/options.h"

#include <stddef.h>
#include <unistd.h>

#include "base/spawn.h"

_Noreturn void smol_ui_become(const struct smol_ui_options *o, const char *line)
{
	const char *argv[6] = {o->program};
	int n = 1;

	if (o->color) {
		argv[n++] = "--color";
		argv[n++] = o->color;
	}
	argv[n++] = "-c";
	argv[n++] = line;
	smol_signals_default();
	execv(o->program, (char *const *)argv);
	_exit(127);
}
