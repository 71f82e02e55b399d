/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our terminal in the hands of a guest: see tty.h. What the handlers call is async-signal-safe. */
#include "shell/tty.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"

static struct termios before, during;
static volatile sig_atomic_t raw;

/* Signals that would end us without a word. SIGINT, SIGTERM and SIGHUP are answered elsewhere. */
static const int fatal[] = {SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};

static void set(const struct termios *t)
{
	/* A stopped background process must not be stopped again for this. */
	sigset_t ttou, saved;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &saved);
	tcsetattr(STDIN_FILENO, TCSANOW, t);
	sigprocmask(SIG_SETMASK, &saved, NULL);
}

static void on_fatal(int sig)
{
	if (raw)
		set(&before);
	/* SA_RESETHAND: this time it is deadly. */
	raise(sig);
}

/* Stop as anybody does, with the terminal as it was; go on raw. */
static void on_stop(int sig)
{
	int saved = errno;
	struct sigaction dfl = {.sa_handler = SIG_DFL}, ours;
	sigset_t set_of_it, old;

	if (raw)
		set(&before);
	sigaction(sig, &dfl, &ours);
	sigemptyset(&set_of_it);
	sigaddset(&set_of_it, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set_of_it, &old);
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(sig, &ours, NULL);
	if (raw)
		set(&during);
	errno = saved;
}

static void install(void)
{
	static bool done;
	struct sigaction deadly = {.sa_handler = on_fatal, .sa_flags = SA_RESETHAND},
			 stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};

	if (done)
		return;
	done = true;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &deadly, NULL);
	sigaction(SIGTSTP, &stop, NULL);
	atexit(smol_tty_restore);
}

int smol_tty_check(struct smol_err *err)
{
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return 0;
	smol_err_set(err, SMOL_E_USAGE, "a terminal is needed on stdin and stdout");
	return smol_err_hint(err, "exec -i for a pipe, exec -d -t for later");
}

void smol_tty_raw(void)
{
	if (raw || tcgetattr(STDIN_FILENO, &before) < 0)
		return;
	install();
	during = before;
	cfmakeraw(&during);
	raw = 1;
	set(&during);
}

void smol_tty_restore(void)
{
	if (!raw)
		return;
	raw = 0;
	set(&before);
}

bool smol_tty_is_raw(void)
{
	return raw;
}

void smol_tty_size(uint16_t *rows, uint16_t *cols)
{
	struct winsize ws = {0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
	*rows = ws.ws_row ? ws.ws_row : 24;
	*cols = ws.ws_col ? ws.ws_col : 80;
}

int smol_tty_key(const char *text, int *key, struct smol_err *err)
{
	int c = text[0] == '^' && text[1] && !text[2] ? toupper((unsigned char)text[1]) : 0;
	smol_auto_free char *safe = NULL;

	if (strcmp(text, "none") == 0) {
		*key = -1;
		return 0;
	}
	if (c >= '@' && c <= '_') {
		*key = c - '@';
		return 0;
	}
	safe = smol_escape(text, strnlen(text, 20));
	smol_err_set(err, SMOL_E_INVALID, "--detach-keys: '%s' is no key", safe);
	return smol_err_hint(err, "--detach-keys '^]', or none");
}
