/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal as it was, after a crash: see restore.h. Apart, because term.h makes macros of
 * words. */
#include <curses.h>
#include <signal.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "ui/restore.h"

/* What brings the terminal back, made beforehand: a signal handler can only write it. */
static struct {
	struct termios settings;
	char text[256];
	size_t n;
} restore;

static void add_restore(const char *capability)
{
	const char *s = tigetstr(capability);

	if (s && s != (char *)-1 && restore.n + strlen(s) < sizeof(restore.text)) {
		memcpy(restore.text + restore.n, s, strlen(s));
		restore.n += strlen(s);
	}
}

void smol_restore_keep_settings(void)
{
	tcgetattr(STDIN_FILENO, &restore.settings);
}

void smol_restore_prepare(void)
{
	static const char no_modes[] = "\033[?2004l\033[?1006l\033[?1003l\033[?1002l";

	smol_restore_keep_settings();
	setupterm(NULL, STDOUT_FILENO, &(int){0});
	memcpy(restore.text, no_modes, sizeof(no_modes) - 1);
	restore.n = sizeof(no_modes) - 1;
	add_restore("sgr0");
	add_restore("cnorm");
	add_restore("rmcup");
}

void smol_restore(void)
{
	if (restore.n && write(STDOUT_FILENO, restore.text, restore.n) < 0)
		restore.n = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &restore.settings);
}

static void on_crash(int signum)
{
	signal(signum, SIG_DFL);
	smol_restore(); /* NOLINT(bugprone-signal-handler): it only writes and sets modes */
	raise(signum);
}

void smol_restore_on_crash(void)
{
	for (const int *s = (const int[]){SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, 0}; *s; s++)
		signal(*s, on_crash);
}
