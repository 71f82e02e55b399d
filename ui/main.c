/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smolsh-tui: the screen. `smolsh` becomes it where a person sits at a terminal; a program of its
 * own, so that scripts do not load what only a screen needs. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ui/app.h"

int main(int argc, char **argv)
{
	if (argc != 2 || !*argv[1] || *argv[1] == '-') {
		fputs("usage: smolsh-tui SMOLSH (started by smolsh itself)\n", stderr);
		return 2;
	}
	if (!setlocale(LC_ALL, "") || strcmp(setlocale(LC_CTYPE, NULL), "C") == 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	return smol_app_run(argv[1]);
}
