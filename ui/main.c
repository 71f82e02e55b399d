/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smolsh-tui: the screen, or the line prompt where there can be none. `smolsh` becomes it where a
 * person sits at a terminal; a program of its own, so that scripts do not load what only these
 * need. */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "ui/app.h"
#include "ui/prompt/line_prompt.h"
/* Last: they make macros of words that others use. */
#include <curses.h>
#include <term.h>

/* Why there can be no screen, in a few words (caller frees); NULL: there can be one. */
static char *no_screen(const struct smol_ui_options *o)
{
	const char *term = getenv("TERM");
	smol_auto_free char *safe = smol_escape(term ?: "", strnlen(term ?: "", 40));
	struct winsize size = {0};
	int known;

	if (o->line)
		return smol_strdup("--line");
	if (!term || !*term)
		return smol_strdup("TERM is not set");
	if (setupterm(NULL, STDOUT_FILENO, &known) != OK)
		return smol_asprintf("nothing is known of TERM=%s", safe);
	if (!tigetstr("cup"))
		return smol_asprintf("TERM=%s has no screen", safe);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col &&
	    (size.ws_row < SMOL_ROWS_MIN || size.ws_col < SMOL_COLS_MIN))
		return smol_asprintf(
		    "the screen needs %d columns, %d rows", SMOL_COLS_MIN, SMOL_ROWS_MIN);
	return NULL;
}

/* See no-color.org. */
static bool use_color(const char *when)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return !(no && *no) && term && strcmp(term, "dumb") != 0 &&
	       setupterm(NULL, STDOUT_FILENO, &(int){0}) == OK;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
	    {"line", no_argument, NULL, 'l'}, {"color", required_argument, NULL, 'c'}, {0}};
	struct smol_ui_options o = {0};
	smol_auto_free char *why = NULL;

	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;)
		if (c == 'l')
			o.line = true;
		else if (c == 'c')
			o.color = optarg;
		else
			argc = 0;
	if (optind + 1 != argc) {
		fputs("usage: smolsh-tui [--line] [--color WHEN] SMOLSH (started by smolsh)\n",
		    stderr);
		return 2;
	}
	o.program = argv[optind];
	o.colored = use_color(o.color);
	if (!setlocale(LC_ALL, "") || strcmp(setlocale(LC_CTYPE, NULL), "C") == 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	why = no_screen(&o);
	return why ? smol_line_prompt_run(&o, why) : smol_app_run(&o);
}
