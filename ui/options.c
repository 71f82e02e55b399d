/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A child becomes a command: see options.h. */
#include "ui/options.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

_Noreturn void smol_ui_become(const struct smol_ui_options *o, const char *line)
{
	const char *argv[6] = {o->program};
	int n = 1;
	sigset_t none;

	if (o->color) {
		argv[n++] = "--color";
		argv[n++] = o->color;
	}
	argv[n++] = "-c";
	argv[n++] = line;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	execv(o->program, (char *const *)argv);
	_exit(127);
}
