/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The line prompt: see line_prompt.h. Either a line is being typed, and readline has the terminal,
 * or a command runs in the foreground and has it. A command that Ctrl-Z stops is kept until `fg`.
 * There are no commands in the background: in the language `&` is text, and a job that nobody waits
 * for is what `exec -d` makes in the guest.
 */
#include "ui/prompt/line_prompt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <readline/readline.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "ui/config.h"
#include "ui/prompt/edit.h"
#include "ui/prompt/foreground.h"
#include "ui/prompt/notices.h"
#include "ui/restore.h"
#include "ui/vms/vms.h"
#include "ui/vms/watch.h"
#include "ui/prompt/welcome.h"

#define PROMPT	  "smolsh> "
#define TICK_MS	  2000 /* VMs whose monitor has died tell nobody */
#define SHOWN_MAX 100  /* candidates of one Tab */

static const struct smol_ui_options *options;
static uv_loop_t *loop;
static uv_timer_t tick;
static uv_poll_t keyboard;
static struct smol_watch_registry registry;
static uv_signal_t signals[5];
static uv_async_t interrupt;
static volatile sig_atomic_t interrupted;
static struct smol_vms vms;
static struct smol_notices notices;
static char *entered; /* a line that readline has given and that is not run yet */
static bool typing, leaving, warned;

/* ---- beside the line that is typed ---- */

/* Take it off the terminal; after that the cursor stands at the beginning of an empty line. */
static void hide_line(void)
{
	int rows, cols;

	if (rl_get_termcap("ce")) {
		rl_clear_visible_line();
		return;
	}
	/* Where nothing can be erased readline keeps to one row. */
	rl_get_screen_size(&rows, &cols);
	fprintf(rl_outstream, "\r%*s\r", cols - 1, "");
	fflush(rl_outstream);
}

static void show_line(void)
{
	fflush(stdout);
	rl_on_new_line();
	rl_redisplay();
}

/* Go on below it. */
static void leave_line(void)
{
	rl_point = rl_end;
	rl_redisplay();
}

static void on_notice(const char *text, bool bad)
{
	if (typing)
		hide_line();
	printf(options->colored && bad ? "\033[31m%s\033[m\n" : "%s\n", text);
	if (typing)
		show_line();
}

static void load(const char *ran)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (smol_vms_load(&vms, &err) == 0)
		smol_notices_update(&notices, &vms, ran, on_notice);
}

/* While a command runs the terminal is its own: what has changed is told behind it. */
static void on_registry(void)
{
	if (typing)
		load(NULL);
}

static void on_tick(uv_timer_t *t)
{
	(void)t;
	if (typing && vms.nlive)
		load(NULL);
}

/* ---- Tab ---- */

static void list_candidates(const struct smol_completion *c)
{
	int width = 0, point = rl_point, n = c->n < SHOWN_MAX ? c->n : SHOWN_MAX;

	leave_line();
	rl_crlf();
	for (int i = 0; i < n; i++)
		if ((int)strlen(c->list[i].text) > width)
			width = (int)strlen(c->list[i].text);
	width = width > 40 ? 40 : width;
	for (int i = 0; i < n; i++) {
		smol_auto_free char *text = smol_escape(c->list[i].text, strlen(c->list[i].text));
		smol_auto_free char *help = smol_escape(c->list[i].help, strlen(c->list[i].help));

		printf("%-*s  %s\n", width, text, help);
	}
	if (n < c->n)
		printf("and %d more\n", c->n - n);
	rl_point = point;
	show_line();
}

static bool is_on(const char *variable)
{
	const char *value = rl_variable_value(variable);

	return value && strcmp(value, "on") == 0;
}

/* As readline does it: what is sure is inserted, another Tab lists what there is to choose from; or
 * the first one does, where an inputrc says so. */
static int on_tab(int count, int key)
{
	struct smol_completion c = {0};
	bool again = rl_last_func == on_tab, changed = smol_edit_complete(&c);

	(void)count;
	(void)key;
	if (c.n && (is_on("show-all-if-ambiguous") ||
		       (!changed && (again || is_on("show-all-if-unmodified")))))
		list_candidates(&c);
	else if (!changed)
		rl_ding();
	smol_completion_free(&c);
	return 0;
}

/* ---- a line is typed, or a command runs ---- */

/* Readline's hands are off the terminal when this returns; the loop takes the line from there. */
static void on_line(char *text)
{
	rl_callback_handler_remove();
	typing = false;
	if (!text) {
		puts("");
		text = smol_strdup(" quit"); /* with a space: not for the history */
	}
	entered = text;
}

static void begin_typing(void)
{
	rl_callback_handler_install(PROMPT, on_line);
	rl_bind_key('\t', on_tab); /* whatever an inputrc says */
	typing = true;
}

static void end_typing(void)
{
	if (typing) {
		leave_line();
		rl_callback_handler_remove();
		puts("");
	}
	typing = false;
}

static void leave(void)
{
	int nstopped = smol_foreground_stopped();

	leaving = !nstopped || warned;
	if (leaving)
		uv_stop(loop);
	else
		printf("%d command%s stopped: fg goes on; quit once more ends %s\n", nstopped,
		    nstopped == 1 ? " is" : "s are", nstopped == 1 ? "it" : "them");
	warned = true;
}

/* What the shell's own commands have said; then what is left of the line runs. */
static void go_on(const struct smol_config_done *done)
{
	const char *line = done->rest;

	fputs(done->output, stdout);
	if (smol_config_is_quit(line)) {
		leave();
		return;
	}
	warned = false;
	if (strncmp(line, "fg", 2) == 0 && (!line[2] || line[2] == ' '))
		smol_foreground_go_on(line + 2 + strspn(line + 2, " "));
	else if (*line)
		smol_foreground_start(line);
}

/* Before the first line is typed. */
static void run_rc(void)
{
	smol_auto_config_done struct smol_config_done done = {0};

	smol_config_rc(&done);
	go_on(&done);
	if (smol_foreground_runs())
		uv_poll_stop(&keyboard);
	else
		begin_typing();
}

/* Until one runs, or another is to be typed. */
static void run_entered(void)
{
	smol_auto_free char *text = smol_steal(&entered);
	smol_auto_config_done struct smol_config_done done = {0};
	const char *line = smol_edit_entered(text);

	if (line) {
		smol_config_line(line, 0, &done);
		go_on(&done);
	}
	if (!smol_foreground_runs() && !leaving)
		begin_typing();
}

/* Ctrl-C: the line is given up. Where a command runs it was typed before that had the terminal. */
static void cancel_line(void)
{
	interrupted = 0;
	if (!typing) {
		smol_foreground_interrupt();
		return;
	}
	rl_callback_sigcleanup(); /* out of a search first: it draws */
	leave_line();
	puts("^C");
	rl_free_line_state();
	rl_replace_line("", 1);
	show_line();
}

static void on_interrupt(uv_async_t *h)
{
	(void)h;
	if (interrupted)
		cancel_line();
}

/* libuv tells of signals behind the keys that came later; so this one is seen to before a key is
 * read. */
static void on_sigint(int signum)
{
	(void)signum;
	interrupted = 1;
	uv_async_send(&interrupt); /* NOLINT(bugprone-signal-handler): made for that */
}

static void on_keyboard(uv_poll_t *h, int status, int events)
{
	(void)h;
	(void)events;
	/* The terminal is gone: readline finds that, too. */
	if (status < 0) {
		leaving = true;
		uv_stop(loop);
		return;
	}
	if (interrupted)
		cancel_line();
	rl_callback_read_char();
	if (!entered)
		return;
	uv_poll_stop(&keyboard);
	run_entered();
	if (typing)
		uv_poll_start(&keyboard, UV_READABLE, on_keyboard);
}

/* ---- signals ---- */

/* Ctrl-Z where no command runs: our own shell goes on, if we have one. */
static void suspend(uv_signal_t *h)
{
	bool was_typing = typing;

	if (was_typing) {
		leave_line();
		rl_deprep_terminal();
		puts("");
		fflush(stdout);
	}
	uv_signal_stop(h);
	raise(SIGTSTP);
	uv_signal_start(h, h->signal_cb, SIGTSTP);
	if (was_typing) {
		rl_prep_terminal(1);
		show_line();
	}
}

static void on_child(pid_t pid, int status)
{
	smol_auto_free char *line = smol_foreground_changed(pid, status, on_notice);

	if (!line)
		return;
	load(line);
	rl_reset_screen_size();
	begin_typing();
	uv_poll_start(&keyboard, UV_READABLE, on_keyboard);
}

static void on_signal(uv_signal_t *h, int signum)
{
	int status;
	pid_t pid;

	switch (signum) {
	case SIGCHLD:
		while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0)
			on_child(pid, status);
		break;
	case SIGWINCH:
		if (typing)
			rl_resize_terminal();
		break;
	case SIGTSTP:
		suspend(h);
		break;
	default:
		leaving = true;
		uv_stop(loop);
	}
}

static void watch_everything(void)
{
	static const int nums[] = {SIGCHLD, SIGWINCH, SIGTSTP, SIGTERM, SIGHUP};

	_Static_assert(SMOL_ARRAY_SIZE(nums) == SMOL_ARRAY_SIZE(signals), "each signal");
	uv_async_init(loop, &interrupt, on_interrupt);
	signal(SIGINT, on_sigint);
	signal(SIGQUIT, SIG_IGN);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(nums); i++) {
		uv_signal_init(loop, &signals[i]);
		uv_signal_start(&signals[i], on_signal, nums[i]);
	}
	uv_timer_init(loop, &tick);
	uv_timer_start(&tick, on_tick, TICK_MS, TICK_MS);
	uv_poll_init(loop, &keyboard, STDIN_FILENO);
	uv_poll_start(&keyboard, UV_READABLE, on_keyboard);
	smol_watch_registry(&registry, loop, on_registry);
}

static void welcome(const char *why)
{
	printf(
	    "smolsh: the line prompt (%s); help and Tab say what there is, Ctrl-D leaves\n", why);
	if (vms.nall)
		return;
	puts("\nNo VM yet. Type one of these:\n");
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(smol_welcome); i++)
		printf("    %-20s  %s\n", smol_welcome[i][0], smol_welcome[i][1]);
	puts("");
}

int smol_line_prompt_run(const struct smol_ui_options *given, const char *why)
{
	options = given;
	smol_foreground_open(given);
	loop = uv_default_loop();
	smol_restore_keep_settings();
	smol_restore_on_crash();
	rl_catch_signals = rl_catch_sigwinch = 0;
	rl_change_environment = 0;
	rl_add_defun("smolsh-complete", on_tab, '\t');
	smol_edit_open();
	load(NULL);
	welcome(why);
	watch_everything();
	run_rc();
	uv_run(loop, UV_RUN_DEFAULT);
	end_typing();
	smol_foreground_close();
	smol_edit_close();
	smol_notices_free(&notices);
	smol_vms_free(&vms);
	return 0;
}
