/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen's loop: when to draw, to read the registry, signals, beginning and end; see app.h. */
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
#include "base/text.h"
#include "ui/input/keyboard.h"
#include "ui/vms/jobs.h"
#include "ui/prompt/notices.h"
#include "ui/prompt/prompt.h"
#include "ui/restore.h"
#include "ui/vms/watch.h"

#define FRAME_MS 16   /* between two drawings */
#define TICK_MS	 1000 /* the clock, ages, and VMs whose monitor has died */

static struct smol_app app;
static struct smol_notices notices;
static uv_timer_t frame, tick;
static struct smol_keyboard keyboard;
static struct smol_watch_registry registry;
static uv_signal_t signals[7]; /* the last is SIGTSTP's */
static uint64_t drawn_ms;

/* ---- when to draw, and to read ---- */

static void on_signal(uv_signal_t *h, int signum);

static void show(void)
{
	drawn_ms = uv_now(app.loop);
	smol_panes_sweep(&app);
	smol_draw(&app);
}

static void on_frame(uv_timer_t *t)
{
	(void)t;
	for (int i = 0; i < SMOL_PANES; i++)
		if (app.panes[i])
			smol_pane_settle(app.panes[i]);
	show();
}

/* Not more often than a frame's time; the first change is shown at once. */
void smol_app_changed(struct smol_app *a)
{
	uint64_t since = uv_now(a->loop) - drawn_ms;

	if (!a->leaving && !uv_is_active((uv_handle_t *)&frame))
		uv_timer_start(&frame, on_frame, since >= FRAME_MS ? 0 : FRAME_MS - since, 0);
}

void smol_app_say(struct smol_app *a, const char *text)
{
	if (!text && !a->message)
		return;
	free(a->message);
	a->message = text ? smol_escape(text, strlen(text)) : NULL;
	smol_app_changed(a);
}

static void on_death(const char *text, bool bad)
{
	(void)bad;
	free(app.message);
	app.message = smol_strdup(text); /* escaped already */
}

static void load(void)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (smol_vms_load(&app.vms, &err) < 0)
		smol_app_say(&app, err.msg);
	for (int i = 0; i < app.vms.nall; i++)
		if (!app.accel && app.vms.all[i]->accel_used)
			app.accel = smol_strndup(
			    app.vms.all[i]->accel_used, strcspn(app.vms.all[i]->accel_used, " "));
	/* The list shows the rest. */
	smol_notices_update(&notices, &app.vms, "", on_death);
	smol_panes_find_lost(&app);
	if (smol_page(&app)->load)
		smol_page(&app)->load(&app);
	smol_app_changed(&app);
}

/* A round of what VMs use: the one moment at which numbers change their order. */
static void on_uses(void *ctx)
{
	struct smol_app *a = ctx;

	smol_vms_sort(&a->vms, a->vms.sort);
	smol_app_changed(a);
}

static void on_tick(uv_timer_t *t)
{
	static int n;

	(void)t;
	if (n++ % 2 && app.vms.nlive)
		load();
	if (smol_page(&app)->tick)
		smol_page(&app)->tick(&app);
	smol_app_changed(&app);
}

/* ---- leaving ---- */

void smol_app_end(struct smol_app *a)
{
	a->leaving = true;
	uv_stop(a->loop);
}

void smol_app_suspend(struct smol_app *a)
{
	uv_signal_t *h = &signals[SMOL_ARRAY_SIZE(signals) - 1];

	smol_draw_close();
	/* Not SIGSTOP: where no shell could let us go on the kernel does not stop us. */
	uv_signal_stop(h);
	raise(SIGTSTP);
	uv_signal_start(h, on_signal, SIGTSTP);
	smol_draw_open(app.options->colored);
	smol_draw_anew();
	smol_app_changed(a);
}

static void on_entered(void *ctx, const char *line)
{
	if (line)
		smol_line_typed(ctx, line);
	else
		smol_app_leave(ctx);
}

/* ---- what is asked elsewhere ---- */

bool smol_app_is_new(const struct smol_app *a)
{
	for (int i = 1; i < SMOL_PANES; i++)
		if (a->panes[i])
			return false;
	return !a->vms.nall && !smol_panes_shown(a, 0);
}

enum smol_focus smol_app_focus(const struct smol_app *a)
{
	const struct smol_pane *p = a->panes[a->current];

	if (a->focus != SMOL_FOCUS_PANE)
		return a->focus;
	if (p && smol_view_frozen(&p->view))
		return SMOL_FOCUS_COPY;
	return !p || p->view.held || p->state != SMOL_PANE_RUNNING ? SMOL_FOCUS_SCROLL
								   : SMOL_FOCUS_PANE;
}

/* ---- keys ---- */

static void take_events(bool late)
{
	bool awaited = uv_is_active((uv_handle_t *)&frame), ours = false;
	struct smol_input_event e;

	/* Not the pane that a key opens now. */
	for (int i = 0; i < SMOL_PANES && smol_app_focus(&app) != SMOL_FOCUS_PANE; i++)
		if (app.panes[i])
			smol_pane_calm(app.panes[i]);
	while (!app.leaving && smol_input_next(&keyboard.input, late, &e))
		ours = smol_event(&app, &e) || ours;
	if (!ours || app.leaving)
		return;
	/* Who types sees it at once, whatever floods; a program's echo comes from the program. */
	show();
	if (!awaited)
		uv_timer_stop(&frame);
}

static void on_gone(void)
{
	smol_app_end(&app);
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
	smol_app_changed(&app);
}

static void reaped(pid_t pid, int status)
{
	if (smol_page(&app)->reaped && smol_page(&app)->reaped(&app, pid, status))
		return;
	for (int i = 0; i < SMOL_PANES; i++)
		if (app.panes[i] && smol_pane_reaped(app.panes[i], pid, status))
			return;
}

static void on_signal(uv_signal_t *h, int signum)
{
	int status;
	pid_t pid;

	(void)h;
	switch (signum) {
	case SIGCHLD:
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			reaped(pid, status);
		break;
	case SIGWINCH:
		resized();
		break;
	case SIGTSTP:
		smol_app_suspend(&app);
		break;
	default:
		smol_app_end(&app);
	}
}

static void watch_everything(void)
{
	/* The last three come from others only; curses would leave modes that it does not know. */
	static const int nums[] = {SIGCHLD, SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP};

	_Static_assert(SMOL_ARRAY_SIZE(nums) == SMOL_ARRAY_SIZE(signals), "each signal");
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(nums); i++) {
		uv_signal_init(app.loop, &signals[i]);
		uv_signal_start(&signals[i], on_signal, nums[i]);
	}
	uv_timer_init(app.loop, &frame);
	uv_timer_init(app.loop, &tick);
	uv_timer_start(&tick, on_tick, TICK_MS, TICK_MS);
	smol_keyboard_open(&keyboard, app.loop, STDIN_FILENO, take_events, on_gone);
	smol_watch_registry(&registry, app.loop, load);
}

/* The loop turns once more, to close what is open: nothing of ours may be called by then. */
static void watch_nothing(void)
{
	uv_handle_t *const all[] = {(uv_handle_t *)&frame, (uv_handle_t *)&tick};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(all); i++)
		uv_close(all[i], NULL);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(signals); i++)
		uv_close((uv_handle_t *)&signals[i], NULL);
	smol_keyboard_close(&keyboard);
	smol_watch_registry_close(&registry);
}

static void free_everything(void)
{
	watch_nothing();
	smol_page_close(&app);
	for (int i = 0; i < SMOL_PANES; i++) {
		smol_pane_free(app.panes[i]);
		app.panes[i] = NULL;
	}
	smol_jobs_forget();
	smol_stats_feed_close(app.feed);
	app.vms.uses = NULL;
	uv_run(app.loop, UV_RUN_NOWAIT);
	smol_prompt_close();
	smol_notices_free(&notices);
	smol_vms_free(&app.vms);
	smol_input_free(&keyboard.input);
	free(app.message);
	free(app.accel);
	smol_entry_free(&app.entry);
	smol_question_free(&app.question);
	smol_page_form_free();
	smol_log_free(&app.log);
}

int smol_app_run(const struct smol_ui_options *options)
{
	smol_auto_config_done struct smol_config_done rc = {0};

	/* First: what it sets is heeded from here on. */
	smol_config_rc(&rc);
	app.loop = uv_default_loop();
	app.options = options;
	app.focus = SMOL_FOCUS_PROMPT;
	smol_panes_open_session(&app);
	smol_prompt_open(on_entered, &app);
	smol_restore_prepare();
	if (!initscr())
		return 125;
	smol_draw_open(app.options->colored);
	smol_restore_on_crash();
	watch_everything();
	load();
	app.feed = smol_stats_feed_open(app.loop, app.options->program, on_uses, &app);
	app.vms.uses = smol_stats_feed_uses(app.feed);
	resized();
	smol_attach_offer(&app);
	smol_line_rc(&app, &rc);
	uv_run(app.loop, UV_RUN_DEFAULT);
	smol_draw_close();
	free_everything();
	return 0;
}
