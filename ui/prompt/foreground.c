/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands on our own terminal: see foreground.h. */
#include "ui/prompt/foreground.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/spawn.h"
#include "base/text.h"

#define STOPPED_MAX 16

struct command {
	char *line;		 /* owned */
	pid_t pid;		 /* also its process group's; 0: there is none */
	struct termios settings; /* of the terminal, when it was stopped */
};

static const struct smol_ui_options *options;
static struct termios settings; /* of the terminal between commands */
static struct command front;	/* what has it */
static struct command stopped[STOPPED_MAX];
static int nstopped;

static void dim(const char *text)
{
	printf(options->colored ? "\033[2m%s\033[m\n" : "%s\n", text);
}

static void give_terminal(pid_t group)
{
	sigset_t tou, before;

	sigemptyset(&tou);
	sigaddset(&tou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &tou, &before);
	tcsetpgrp(STDIN_FILENO, group);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void smol_foreground_start(const char *line)
{
	sigset_t before;
	pid_t pid;

	fflush(stdout);
	smol_signals_hold(&before);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		give_terminal(getpid());
		smol_ui_become(options, line);
	}
	smol_signals_release(&before);
	if (pid < 0) {
		printf("smolsh: cannot start a command: %s\n", strerror(errno));
		return;
	}
	setpgid(pid, pid);
	give_terminal(pid);
	front = (struct command){.pid = pid, .line = smol_strdup(line)};
}

void smol_foreground_go_on(const char *word)
{
	int64_t n = nstopped;

	if (!nstopped || (*word && smol_parse_int(word, 1, nstopped, &n) < 0)) {
		puts(nstopped ? "smolsh: there is no such stopped command"
			      : "smolsh: no command is stopped");
		return;
	}
	front = stopped[n - 1];
	memmove(&stopped[n - 1], &stopped[n], sizeof(front) * (size_t)(nstopped - n));
	nstopped--;
	dim(front.line);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &front.settings);
	give_terminal(front.pid);
	kill(-front.pid, SIGCONT);
}

static void tell_end(int status)
{
	char text[64];
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	if (code == 0 && !WIFSIGNALED(status))
		return;
	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "killed by signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "exit %d", code);
	/* Behind the ^C that the terminal has echoed. */
	if (code == 128 + SIGINT || (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT))
		puts("");
	dim(text);
}

static void keep_stopped(void)
{
	if (nstopped == STOPPED_MAX) {
		printf("\n%d commands are stopped already; this one goes on\n", nstopped);
		kill(-front.pid, SIGCONT);
		return;
	}
	tcgetattr(STDIN_FILENO, &front.settings);
	printf("\nstopped: %s   (fg", front.line);
	printf(nstopped ? " %d goes on with it)\n" : " goes on with it)\n", nstopped + 1);
	stopped[nstopped++] = front;
	front = (struct command){0};
}

/* It may have left the terminal in a mode of its own. */
static void take_terminal(void)
{
	give_terminal(getpgrp());
	tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
}

static void forget_stopped(int i, void (*tell)(const char *text, bool bad))
{
	smol_auto_free char *line = stopped[i].line;
	smol_auto_free char *text = smol_asprintf("%s: it has ended", line);

	nstopped--;
	memmove(&stopped[i], &stopped[i + 1], sizeof(front) * (size_t)(nstopped - i));
	tell(text, false);
}

char *smol_foreground_changed(pid_t pid, int status, void (*tell)(const char *text, bool bad))
{
	smol_auto_free char *line = NULL;

	for (int i = nstopped - 1; i >= 0; i--)
		if (stopped[i].pid == pid && !WIFSTOPPED(status))
			forget_stopped(i, tell);
	if (!front.pid || pid != front.pid)
		return NULL;
	line = smol_strdup(front.line);
	if (WIFSTOPPED(status)) {
		keep_stopped();
		if (front.pid)
			return NULL;
	} else {
		tell_end(status);
		free(front.line);
		front = (struct command){0};
	}
	take_terminal();
	return smol_steal(&line);
}

bool smol_foreground_runs(void)
{
	return front.pid != 0;
}

void smol_foreground_interrupt(void)
{
	if (front.pid)
		kill(-front.pid, SIGINT);
}

int smol_foreground_stopped(void)
{
	return nstopped;
}

void smol_foreground_open(const struct smol_ui_options *given)
{
	options = given;
	tcgetattr(STDIN_FILENO, &settings);
}

static void hang_up(struct command *c)
{
	kill(-c->pid, SIGHUP);
	kill(-c->pid, SIGCONT);
	free(c->line);
}

void smol_foreground_close(void)
{
	while (nstopped)
		hang_up(&stopped[--nstopped]);
	if (!front.pid)
		return;
	hang_up(&front);
	take_terminal();
}
