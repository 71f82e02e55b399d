/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen's loop and what keys and lines do: see app.h. */
#include "ui/app.h"

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/text.h"
#include "ui/prompt.h"
#include "ui/restore.h"
#include "shell/grammar.h"
#include "shell/select.h"

#define FRAME_MS 16   /* between two drawings */
#define LOAD_MS	 40   /* what changes together is read together */
#define TICK_MS	 1000 /* the clock, ages, and VMs whose monitor has died */

static struct smol_app app;
static struct smol_input input;
static uv_timer_t frame, escape, load_soon, tick;
static uv_poll_t keyboard;
static uv_fs_event_t registry_changes;
static uv_signal_t signals[4];
static uint64_t drawn_ms;

/* ---- when to draw, and to read ---- */

static void on_frame(uv_timer_t *t)
{
	(void)t;
	drawn_ms = uv_now(app.loop);
	smol_draw(&app);
}

/* Not more often than a frame's time; the first change is shown at once. */
static void draw_soon(void)
{
	uint64_t since = uv_now(app.loop) - drawn_ms;

	if (!uv_is_active((uv_handle_t *)&frame))
		uv_timer_start(&frame, on_frame, since >= FRAME_MS ? 0 : FRAME_MS - since, 0);
}

static void say(const char *text)
{
	free(app.message);
	app.message = text ? smol_escape(text, strlen(text)) : NULL;
	draw_soon();
}

static void load(void)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (smol_vms_load(&app.vms, &err) < 0)
		say(err.msg);
	for (int i = 0; i < app.vms.nall; i++)
		if (!app.accel && app.vms.all[i]->accel_used)
			app.accel = smol_strndup(
			    app.vms.all[i]->accel_used, strcspn(app.vms.all[i]->accel_used, " "));
	draw_soon();
}

static void on_load(uv_timer_t *t)
{
	(void)t;
	load();
}

static void on_registry(uv_fs_event_t *h, const char *name, int events, int status)
{
	(void)h;
	(void)events;
	if (status == 0 && name && strncmp(name, "registry.db", 11) == 0 &&
	    !uv_is_active((uv_handle_t *)&load_soon))
		uv_timer_start(&load_soon, on_load, LOAD_MS, 0);
}

static void on_tick(uv_timer_t *t)
{
	static int n;

	(void)t;
	if (n++ % 2 && app.vms.nlive)
		load();
	draw_soon();
}

/* ---- panes ---- */

static void on_pane(struct smol_pane *p)
{
	/* Who was asked something, or typed into it, goes on at the prompt. */
	if (p->state == SMOL_PANE_ENDED && app.focus == SMOL_FOCUS_PANE &&
	    p->number == app.current && (p->number == 0 || p->status == 0))
		app.focus = SMOL_FOCUS_PROMPT;
	draw_soon();
}

static struct smol_pane *pane_new(int number)
{
	return smol_pane_new(app.loop, number, 20, 80, on_pane, &app);
}

/* A free place; else that of the one which ended first. -1: all of them run. */
static int place_for_pane(void)
{
	int oldest = -1;

	for (int i = 1; i < SMOL_PANES; i++) {
		if (!app.panes[i])
			return i;
		if (app.panes[i]->state != SMOL_PANE_RUNNING &&
		    (oldest < 0 || app.panes[i]->ended_ms < app.panes[oldest]->ended_ms))
			oldest = i;
	}
	return oldest;
}

static void close_pane(int which)
{
	if (!which || !app.panes[which])
		return;
	smol_pane_free(app.panes[which]);
	app.panes[which] = NULL;
	/* The one before it is chosen, else the one behind it. */
	app.current = 0;
	for (int i = which - 1; i > 0 && !app.current; i--)
		app.current = app.panes[i] ? i : 0;
	for (int i = which + 1; i < SMOL_PANES && !app.current; i++)
		app.current = app.panes[i] ? i : 0;
	if (app.focus == SMOL_FOCUS_PANE)
		app.focus = SMOL_FOCUS_PROMPT;
}

/* ---- lines ---- */

struct line_kind {
	bool pane;   /* it lives on: a pane of its own */
	bool keys;   /* it wants the keyboard */
	char *title; /* owned */
};

static bool has_word(const struct smol_statement *s, const char *a, const char *b)
{
	for (int i = 1; i < s->nwords && strcmp(s->words[i].text, "--") != 0; i++)
		if (strcmp(s->words[i].text, a) == 0 || (b && strcmp(s->words[i].text, b) == 0))
			return true;
	return false;
}

static struct line_kind kind_of(const char *line, const struct smol_script *script)
{
	struct line_kind k = {.title = smol_strdup(line)};

	for (int i = 0; i < script->n; i++) {
		const struct smol_statement *s = &script->statements[i];
		const char *verb = s->words[0].text;

		if (strcmp(verb, "exec") == 0 || strcmp(verb, "run") == 0 ||
		    strcmp(verb, "attach") == 0) {
			k.pane = true;
			k.keys = k.keys || has_word(s, "-t", "--tty") ||
				 has_word(s, "-i", "--stdin") || has_word(s, "-it", "-ti");
		} else if (strcmp(verb, "shell") == 0) {
			k.pane = k.keys = true;
		} else if (strcmp(verb, "logs") == 0 && has_word(s, "-f", "--follow")) {
			k.pane = true;
		} else if (strcmp(verb, "health") == 0 && has_word(s, "--watch", NULL)) {
			k.pane = true;
		} else if ((strcmp(verb, "delete") == 0 || strcmp(verb, "image") == 0) &&
			   !has_word(s, "--yes", "-y")) {
			k.keys = true;
		}
	}
	return k;
}

static void start_in(struct smol_pane *p, const char *line, const char *title)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (title != p->title) {
		free(p->title);
		p->title = smol_strdup(title);
	}
	if (smol_pane_start(p, app.program, line, &err) < 0)
		say(err.msg);
}

/* What the prompt's "@marked" stands for. */
static char *with_marked(const char *line)
{
	const char *at = strstr(line, "@marked");
	smol_auto_free char *names = NULL;
	int n;

	if (!at || !app.vms.nmarks)
		return smol_strdup(line);
	names = smol_vms_targets(&app.vms, &n);
	return smol_asprintf("%.*s%s%s", (int)(at - line), line, names ? names : "", at + 7);
}

static void run_line(const char *typed)
{
	smol_auto_free char *line = with_marked(typed);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_script script = {0};
	struct line_kind kind;
	struct smol_pane *session = app.panes[0];
	int which = 0;

	if (smol_grammar_parse(line, strlen(line), &script, &err) < 0 || script.n == 0) {
		smol_script_free(&script);
		if (err.code)
			say(err.msg);
		return;
	}
	kind = kind_of(typed, &script);
	smol_script_free(&script);
	if (kind.pane || session->state == SMOL_PANE_RUNNING) {
		which = place_for_pane();
		if (which < 0) {
			say("nine commands run already; close a pane with Alt-x");
			free(kind.title);
			return;
		}
		smol_pane_free(app.panes[which]);
		app.panes[which] = pane_new(which);
	} else {
		smol_auto_free char *note = smol_asprintf("\xe2\x96\xb8 %s", typed);
		smol_auto_free char *safe = smol_escape(note, strlen(note));

		smol_pane_note(session, safe);
	}
	app.current = which;
	app.help = false;
	smol_layout(&app);
	start_in(app.panes[which], line, which ? kind.title : "");
	if (kind.keys && app.panes[which]->state == SMOL_PANE_RUNNING)
		app.focus = SMOL_FOCUS_PANE;
	free(kind.title);
	draw_soon();
}

/* A line that a key stands for. */
static void run_key(const char *line)
{
	smol_prompt_remember(line);
	run_line(line);
}

static void ask(char *text, const char *line)
{
	free(app.question.text);
	free(app.question.line);
	app.question.text = text;
	app.question.line = smol_strdup(line);
}

static void answer(bool yes)
{
	smol_auto_free char *line = app.question.line;

	free(app.question.text);
	app.question = (struct smol_question){0};
	if (yes && line)
		run_key(line);
	else if (yes)
		app.leaving = true;
}

static void leave(void)
{
	int running = 0;

	for (int i = 0; i < SMOL_PANES; i++)
		running += app.panes[i] && app.panes[i]->state == SMOL_PANE_RUNNING;
	if (!running)
		app.leaving = true;
	else
		ask(smol_asprintf("Leave smolsh?  %d command%s still run%s; VMs go on.", running,
			running == 1 ? "" : "s", running == 1 ? "s" : ""),
		    NULL);
}

static void on_entered(void *ctx, const char *line)
{
	(void)ctx;
	if (!line)
		leave();
	else if (strcmp(line, "quit") == 0 || strcmp(line, "exit") == 0)
		leave();
	else
		run_line(line);
}

/* ---- what is asked elsewhere ---- */

bool smol_app_is_new(const struct smol_app *a)
{
	for (int i = 1; i < SMOL_PANES; i++)
		if (a->panes[i])
			return false;
	return !a->vms.nall && !a->panes[0]->line;
}

enum smol_focus smol_app_focus(const struct smol_app *a)
{
	const struct smol_pane *p = a->panes[a->current];

	if (a->focus == SMOL_FOCUS_PANE && (!p || p->back || p->state != SMOL_PANE_RUNNING))
		return SMOL_FOCUS_SCROLL;
	return a->focus;
}

char *smol_app_target(const char *line)
{
	struct smol_statement s = {0};
	char *target = NULL;
	char quote;

	if (smol_grammar_partial(line, strlen(line), &s, &quote, NULL) == 0)
		for (int i = 1; i < s.nwords && !target; i++) {
			if (strcmp(s.words[i].text, "--") == 0)
				break;
			if (*s.words[i].text != '-' && *s.words[i].text)
				target = smol_strdup(s.words[i].text);
		}
	smol_statement_free(&s);
	return target;
}

/* ---- keys ---- */

static void to_pane(int which)
{
	if (!app.panes[which])
		return;
	app.current = which;
	app.focus = SMOL_FOCUS_PANE;
}

static void step_pane(int by)
{
	for (int i = 1; i <= SMOL_PANES; i++) {
		int which = (app.current + by * i + 2 * SMOL_PANES) % SMOL_PANES;

		if (app.panes[which] && (which || app.panes[0]->line)) {
			app.current = which;
			return;
		}
	}
}

static void suspend(void)
{
	smol_draw_close();
	raise(SIGSTOP);
	smol_draw_open();
	smol_draw_anew();
}

/* A command for the VMs that are marked, or the chosen one. */
static void act(const char *format)
{
	int n;
	smol_auto_free char *names = smol_vms_targets(&app.vms, &n), *line = NULL;
	const char *at = strstr(format, "VM");

	if (!names) {
		say("no VM is chosen");
		return;
	}
	line = smol_asprintf("%.*s%s%s", (int)(at - format), format, names, at + 2);
	if (format[strlen(format) - 1] == ' ') {
		smol_prompt_set(line);
		app.focus = SMOL_FOCUS_PROMPT;
		return;
	}
	if (strncmp(format, "delete", 6) == 0)
		ask(smol_asprintf("Delete %s?", names), line);
	else
		run_key(line);
}

static int page(void)
{
	return app.panes_at[app.current].rows > 3 ? app.panes_at[app.current].rows - 2 : 1;
}

static void do_action(enum smol_action action, const char *key)
{
	struct smol_pane *p = app.panes[app.current];
	bool list = app.focus == SMOL_FOCUS_LIST;
	struct smol_vm *vm = smol_vms_chosen(&app.vms);

	switch (action) {
	case SMOL_ACTION_NONE:
	case SMOL_ACTION_COMPLETE:
		break;
	case SMOL_ACTION_PANE:
		to_pane(key[2] - '0');
		break;
	case SMOL_ACTION_LIST:
		app.focus = list ? SMOL_FOCUS_PROMPT : SMOL_FOCUS_LIST;
		break;
	case SMOL_ACTION_PROMPT:
		if (app.help)
			app.help = false;
		else
			app.focus = SMOL_FOCUS_PROMPT;
		break;
	case SMOL_ACTION_NEXT:
		step_pane(1);
		break;
	case SMOL_ACTION_PREVIOUS:
		step_pane(-1);
		break;
	case SMOL_ACTION_ZOOM:
		app.zoom = !app.zoom;
		break;
	case SMOL_ACTION_CLOSE:
		close_pane(app.current);
		break;
	case SMOL_ACTION_AGAIN:
		if (p->line && p->state != SMOL_PANE_RUNNING)
			smol_pane_note(p, ""), start_in(p, p->line, p->title);
		break;
	case SMOL_ACTION_PAGE_UP:
	case SMOL_ACTION_BACK:
		list &&action == SMOL_ACTION_BACK ? smol_vms_move(&app.vms, -10)
						  : smol_pane_scroll(p, page());
		break;
	case SMOL_ACTION_PAGE_DOWN:
	case SMOL_ACTION_FORTH:
		list &&action == SMOL_ACTION_FORTH ? smol_vms_move(&app.vms, 10)
						   : smol_pane_scroll(p, -page());
		break;
	case SMOL_ACTION_FOLLOW:
		p->back = 0;
		break;
	case SMOL_ACTION_TOP:
		smol_pane_scroll(p, SMOL_TERM_HISTORY);
		break;
	case SMOL_ACTION_UP:
		list ? smol_vms_move(&app.vms, -1) : smol_pane_scroll(p, 1);
		break;
	case SMOL_ACTION_DOWN:
		list ? smol_vms_move(&app.vms, 1) : smol_pane_scroll(p, -1);
		break;
	case SMOL_ACTION_SHELL:
		if (vm) {
			smol_auto_free char *line = smol_asprintf("shell %s", vm->name);

			run_key(line);
		}
		break;
	case SMOL_ACTION_MARK:
		if (vm)
			smol_vms_mark(&app.vms, vm, !smol_vms_marked(&app.vms, vm));
		smol_vms_move(&app.vms, 1);
		break;
	case SMOL_ACTION_FILTER:
		free(app.filter_before);
		app.filter_before = smol_strdup(app.vms.filter ? app.vms.filter : "");
		app.filtering = true;
		break;
	case SMOL_ACTION_START:
		act("start VM");
		break;
	case SMOL_ACTION_STOP:
		act("stop VM");
		break;
	case SMOL_ACTION_RESTART:
		act("restart VM");
		break;
	case SMOL_ACTION_EXEC:
		act("exec VM -- ");
		break;
	case SMOL_ACTION_LOGS:
		act("logs -f VM");
		break;
	case SMOL_ACTION_INFO:
		act("info VM");
		break;
	case SMOL_ACTION_JOBS:
		act("jobs VM");
		break;
	case SMOL_ACTION_CREATE:
		smol_prompt_set("create ");
		app.focus = SMOL_FOCUS_PROMPT;
		break;
	case SMOL_ACTION_DELETE:
		act("delete --force --yes VM");
		break;
	case SMOL_ACTION_HELP:
		app.help = !app.help;
		break;
	case SMOL_ACTION_SUSPEND:
		suspend();
		break;
	case SMOL_ACTION_REDRAW:
		smol_draw_anew();
		break;
	case SMOL_ACTION_CANCEL:
		smol_prompt_cancel();
		break;
	case SMOL_ACTION_LEAVE:
		leave();
		break;
	}
}

static void filter_key(const struct smol_input_event *e)
{
	smol_auto_free char *text = smol_strdup(app.vms.filter ? app.vms.filter : "");
	size_t n = strlen(text);

	if (e->key == SMOL_KEY_ENTER || e->key == SMOL_KEY_ESCAPE) {
		app.filtering = false;
		if (e->key == SMOL_KEY_ESCAPE)
			smol_vms_set_filter(&app.vms, app.filter_before);
	} else if (e->key == SMOL_KEY_BACK && n) {
		do
			n--;
		while (n && ((unsigned char)text[n] & 0xc0) == 0x80);
		text[n] = '\0';
		smol_vms_set_filter(&app.vms, text);
	} else if (e->key == SMOL_KEY_CHAR && !e->mods && n < 60) {
		smol_auto_free char *longer = smol_asprintf("%s%.*s", text, (int)e->n, e->bytes);

		smol_vms_set_filter(&app.vms, longer);
	}
}

static VTermModifier pane_mods(unsigned mods)
{
	return (mods & SMOL_MOD_SHIFT ? VTERM_MOD_SHIFT : 0) |
	       (mods & SMOL_MOD_ALT ? VTERM_MOD_ALT : 0) |
	       (mods & SMOL_MOD_CTRL ? VTERM_MOD_CTRL : 0);
}

static void pane_key(struct smol_pane *p, const struct smol_input_event *e)
{
	static const VTermKey keys[] = {
	    [SMOL_KEY_UP] = VTERM_KEY_UP,
	    [SMOL_KEY_DOWN] = VTERM_KEY_DOWN,
	    [SMOL_KEY_LEFT] = VTERM_KEY_LEFT,
	    [SMOL_KEY_RIGHT] = VTERM_KEY_RIGHT,
	    [SMOL_KEY_HOME] = VTERM_KEY_HOME,
	    [SMOL_KEY_END] = VTERM_KEY_END,
	    [SMOL_KEY_INSERT] = VTERM_KEY_INS,
	    [SMOL_KEY_DELETE] = VTERM_KEY_DEL,
	    [SMOL_KEY_PAGE_UP] = VTERM_KEY_PAGEUP,
	    [SMOL_KEY_PAGE_DOWN] = VTERM_KEY_PAGEDOWN,
	    [SMOL_KEY_ENTER] = VTERM_KEY_ENTER,
	    [SMOL_KEY_TAB] = VTERM_KEY_TAB,
	    [SMOL_KEY_BACK] = VTERM_KEY_BACKSPACE,
	    [SMOL_KEY_ESCAPE] = VTERM_KEY_ESCAPE,
	};

	if (e->key == SMOL_KEY_PASTE)
		smol_term_paste(p->term, e->bytes, e->n);
	else if (e->key == SMOL_KEY_CHAR)
		smol_term_char(p->term, e->c, pane_mods(e->mods));
	else if (e->key >= SMOL_KEY_F1 && e->key <= SMOL_KEY_F12)
		smol_term_key(p->term, VTERM_KEY_FUNCTION(1 + (int)(e->key - SMOL_KEY_F1)),
		    pane_mods(e->mods));
	else if (e->key < sizeof(keys) / sizeof(keys[0]) && keys[e->key])
		smol_term_key(p->term, keys[e->key], pane_mods(e->mods));
}

static void prompt_key(const struct smol_input_event *e)
{
	if (e->key == SMOL_KEY_PASTE)
		smol_prompt_insert(e->bytes, e->n);
	else if (e->key == SMOL_KEY_ENTER && smol_prompt_empty() && smol_app_is_new(&app) &&
		 !app.help)
		run_key("run -- uname -a");
	else if (e->key == SMOL_KEY_CHAR && e->c == '?' && !e->mods && smol_prompt_empty())
		app.help = !app.help;
	else if (e->key == SMOL_KEY_ESCAPE && app.help)
		app.help = false;
	else if (e->key == SMOL_KEY_ESCAPE)
		return; /* it would wait for another key, and eat it */
	else
		smol_prompt_feed(e->bytes, e->n);
}

static void on_event(const struct smol_input_event *e)
{
	enum smol_focus focus = smol_app_focus(&app);
	enum smol_action action;
	char name[24];

	say(NULL);
	if (app.question.text) {
		answer(e->key == SMOL_KEY_CHAR && !e->mods && (e->c == 'y' || e->c == 'Y'));
		return;
	}
	if (app.filtering) {
		filter_key(e);
		return;
	}
	smol_input_name(e, name);
	action = *name ? smol_key_action(name, focus) : SMOL_ACTION_NONE;
	if (app.help && action != SMOL_ACTION_HELP && focus != SMOL_FOCUS_PROMPT) {
		app.help = false;
		return;
	}
	if (action)
		do_action(action, name);
	else if (focus == SMOL_FOCUS_PANE)
		pane_key(app.panes[app.current], e);
	else if (focus == SMOL_FOCUS_PROMPT)
		prompt_key(e);
}

static void take_events(bool late)
{
	struct smol_input_event e;

	while (!app.leaving && smol_input_next(&input, late, &e))
		on_event(&e);
	if (app.leaving)
		uv_stop(app.loop);
	draw_soon();
}

static void on_escape(uv_timer_t *t)
{
	(void)t;
	take_events(true);
}

static void on_keyboard(uv_poll_t *h, int status, int events)
{
	char bytes[4096];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	(void)h;
	(void)events;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || n == 0 || status < 0) {
		app.leaving = true;
		uv_stop(app.loop);
		return;
	}
	if (n < 0)
		return;
	smol_input_feed(&input, bytes, (size_t)n);
	uv_timer_stop(&escape);
	take_events(false);
	if (smol_input_waits(&input))
		uv_timer_start(&escape, on_escape, SMOL_ESCAPE_MS, 0);
}

/* ---- signals ---- */

static void resized(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	app.rows = LINES;
	app.cols = COLS;
	smol_prompt_resize(app.rows, app.cols);
	draw_soon();
}

static void on_signal(uv_signal_t *h, int signum)
{
	int status;
	pid_t pid;

	(void)h;
	switch (signum) {
	case SIGCHLD:
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			for (int i = 0; i < SMOL_PANES; i++)
				if (app.panes[i] && smol_pane_reaped(app.panes[i], pid, status))
					break;
		break;
	case SIGWINCH:
		resized();
		break;
	default:
		app.leaving = true;
		uv_stop(app.loop);
	}
}

/* Whatever goes wrong, the terminal is as it was. */
static void on_crash(int signum)
{
	signal(signum, SIG_DFL);
	smol_restore(); /* NOLINT(bugprone-signal-handler): it only writes and sets modes */
	raise(signum);
}

static void watch_everything(void)
{
	static const int nums[] = {SIGCHLD, SIGWINCH, SIGTERM, SIGHUP};
	smol_auto_free char *state = smol_path_state(NULL);

	for (size_t i = 0; i < sizeof(nums) / sizeof(nums[0]); i++) {
		uv_signal_init(app.loop, &signals[i]);
		uv_signal_start(&signals[i], on_signal, nums[i]);
	}
	uv_timer_init(app.loop, &frame);
	uv_timer_init(app.loop, &escape);
	uv_timer_init(app.loop, &load_soon);
	uv_timer_init(app.loop, &tick);
	uv_timer_start(&tick, on_tick, TICK_MS, TICK_MS);
	uv_poll_init(app.loop, &keyboard, STDIN_FILENO);
	uv_poll_start(&keyboard, UV_READABLE, on_keyboard);
	uv_fs_event_init(app.loop, &registry_changes);
	if (state)
		uv_fs_event_start(&registry_changes, on_registry, state, 0);
}

static void free_everything(void)
{
	for (int i = 0; i < SMOL_PANES; i++) {
		smol_pane_free(app.panes[i]);
		app.panes[i] = NULL;
	}
	uv_run(app.loop, UV_RUN_NOWAIT);
	smol_prompt_close();
	smol_vms_free(&app.vms);
	smol_input_free(&input);
	free(app.message);
	free(app.accel);
	free(app.filter_before);
	free(app.question.text);
	free(app.question.line);
}

int smol_app_run(const char *program)
{
	app.loop = uv_default_loop();
	app.program = program;
	app.focus = SMOL_FOCUS_PROMPT;
	app.panes[0] = pane_new(0);
	smol_prompt_open(on_entered, NULL);
	smol_restore_prepare();
	if (!initscr())
		return 125;
	smol_draw_open();
	for (const int *s = (const int[]){SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, 0}; *s; s++)
		signal(*s, on_crash);
	watch_everything();
	load();
	resized();
	uv_run(app.loop, UV_RUN_DEFAULT);
	smol_draw_close();
	free_everything();
	return 0;
}
