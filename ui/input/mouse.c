/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mouse: see mouse.h. */
#include "ui/input/mouse.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "shell/settings.h"
#include "ui/app.h"
#include "ui/draw/paint.h"
#include "ui/prompt/prompt.h"

#define WHEEL_LINES 3
#define MARK_COLS   2 /* of the list, at its left */

/* ---- whose it is ---- */

/* What the terminal was asked for: buttons and moves while one is held, or all moves; and places as
 * numbers. */
static enum { NOTHING, DRAGS, MOVES } asked;

static void ask_for(int what)
{
	static const char *const say[] = {
	    [NOTHING] = "\033[?1006l\033[?1003l\033[?1002l",
	    [DRAGS] = "\033[?1003l\033[?1002h\033[?1006h",
	    [MOVES] = "\033[?1003h\033[?1006h",
	};

	if (what == (int)asked)
		return;
	asked = what;
	fputs(say[what], stdout);
	fflush(stdout);
}

/* A program that wants all moves gets them, while it has the focus. */
static bool wants_moves(const struct smol_app *a)
{
	return smol_app_focus(a) == SMOL_FOCUS_PANE &&
	       smol_term_mouse(smol_panes_current(a)->term) == SMOL_TERM_MOUSE_MOVE;
}

void smol_mouse_heed(const struct smol_app *a)
{
	ask_for(!smol_setting(SMOL_SETTING_MOUSE) ? NOTHING : wants_moves(a) ? MOVES : DRAGS);
}

void smol_mouse_release(void)
{
	ask_for(NOTHING);
}

/* ---- a pane's program ---- */

/* Does it get what happens at that row? Shift keeps it ours. */
static bool is_programs(const struct smol_app *a, int which, const struct smol_input_event *e)
{
	return which == a->current && smol_app_focus(a) == SMOL_FOCUS_PANE &&
	       e->mouse.row > a->at.panes[which].row && !(e->mods & SMOL_MOD_SHIFT) &&
	       smol_term_mouse(a->panes[which]->term) != SMOL_TERM_MOUSE_NONE;
}

static void tell_program(struct smol_app *a, int which, const struct smol_input_event *e)
{
	const struct smol_rect *r = &a->at.panes[which];
	const struct smol_input_mouse *m = &e->mouse;
	int button = m->what == SMOL_MOUSE_UP	  ? 4
		     : m->what == SMOL_MOUSE_DOWN ? 5
		     : m->what == SMOL_MOUSE_DRAG ? 0
						  : m->button;

	if (a->panes[which])
		smol_term_mouse_event(a->panes[which]->term, m->row - r->row - 1, m->col - r->col,
		    button, m->what != SMOL_MOUSE_RELEASE, smol_event_mods(e->mods));
}

/* ---- text in a pane ---- */

static struct smol_view *view_of(struct smol_app *a, int which)
{
	return a->panes[which] ? &a->panes[which]->view : NULL;
}

static struct smol_spot spot(const struct smol_app *a, int which, int row, int col)
{
	const struct smol_rect *r = &a->at.panes[which];

	return smol_view_spot(&a->panes[which]->view, row - r->row - 1, col - r->col);
}

/* What is selected stands still as long as the button is held. */
static void select_text(struct smol_app *a, enum smol_unit unit, int row, int col)
{
	struct smol_view *v = view_of(a, a->mouse.what);

	a->mouse.followed = !v->held;
	smol_view_hold(v);
	smol_view_select(v, unit, spot(a, a->mouse.what, row, col));
}

/* A word with the second click, a line with the third; a drag begins with the first. */
static void press_text(struct smol_app *a, int which, const struct smol_input_mouse *m)
{
	smol_view_deselect(view_of(a, which));
	a->mouse.grab = SMOL_GRAB_TEXT;
	a->mouse.what = which;
	a->mouse.followed = false;
	if (a->mouse.clicks > 1)
		select_text(
		    a, a->mouse.clicks == 2 ? SMOL_UNIT_WORD : SMOL_UNIT_LINE, m->row, m->col);
}

static void drag_text(struct smol_app *a, const struct smol_input_mouse *m)
{
	const struct smol_rect *r = &a->at.panes[a->mouse.what];
	struct smol_view *v = view_of(a, a->mouse.what);

	if (!v || !r->rows)
		return;
	if (!v->selecting)
		select_text(a, SMOL_UNIT_CHAR, a->mouse.row, a->mouse.col);
	if (m->row <= r->row)
		smol_view_scroll(v, 1);
	else if (m->row >= r->row + r->rows)
		smol_view_scroll(v, -1);
	smol_view_hold(v);
	smol_view_extend(v, spot(a, a->mouse.what, m->row, m->col));
}

static void release_text(struct smol_app *a)
{
	struct smol_view *v = view_of(a, a->mouse.what);

	if (!v || !v->selecting)
		return;
	smol_copy_selection(a, a->panes[a->mouse.what]);
	if (a->mouse.followed)
		smol_view_scroll(v, -smol_view_back(v));
}

/* ---- what is under it ---- */

static void press_pane(struct smol_app *a, int which, const struct smol_input_event *e)
{
	if (!a->panes[which])
		return;
	if (is_programs(a, which, e)) {
		a->mouse.grab = SMOL_GRAB_PROGRAM;
		a->mouse.clicks = 0;
		a->mouse.what = which;
		tell_program(a, which, e);
		return;
	}
	if (e->mouse.button != 1)
		return;
	a->current = which;
	a->focus = SMOL_FOCUS_PANE;
	if (e->mouse.row > a->at.panes[which].row)
		press_text(a, which, &e->mouse);
	else if (a->mouse.clicks == 2)
		a->zoom = !a->zoom;
}

/* A title that is a border, too, still belongs to its pane; -1: there is none. */
static int pane_at(const struct smol_app *a, int row, int col)
{
	for (int i = 0; i < SMOL_PANES; i++) {
		const struct smol_rect *r = &a->at.panes[i];

		if (row >= r->row && row < r->row + r->rows && col >= r->col &&
		    col < r->col + r->cols)
			return i;
	}
	return -1;
}

static void press_border(struct smol_app *a, int which, const struct smol_input_event *e)
{
	int pane = pane_at(a, e->mouse.row, e->mouse.col);

	if (pane >= 0)
		press_pane(a, pane, e);
	a->mouse.grab = SMOL_GRAB_BORDER;
	a->mouse.what = which;
}

/* Several events may come before it is drawn: where the border is now is asked each time. */
static void drag_border(struct smol_app *a, const struct smol_input_mouse *m)
{
	struct smol_layout_ask ask = smol_panes_ask(a);
	const struct smol_border *b;
	struct smol_places at;

	smol_layout_place(&a->layout, &ask, &at);
	if (a->mouse.what >= at.nborders)
		return;
	b = &at.borders[a->mouse.what];
	smol_layout_drag(
	    &a->layout, &ask, b, b->way == SMOL_ACROSS ? m->col - b->at.col : m->row - b->at.row);
}

static void do_action(struct smol_app *a, enum smol_action action, enum smol_focus focus)
{
	const struct smol_binding *b = smol_key_of(action, focus);

	if (b)
		smol_action_do(a, b);
}

static void press_vm(struct smol_app *a, int place, bool mark)
{
	const struct smol_binding *enter = smol_key_find("Enter", SMOL_FOCUS_LIST);
	const struct smol_vm *vm;

	a->focus = SMOL_FOCUS_LIST;
	if (place < 0 || place >= a->vms.nshown)
		return;
	vm = a->vms.all[a->vms.shown[place]];
	if (mark) {
		smol_vms_mark(&a->vms, vm, !smol_vms_marked(&a->vms, vm));
		return;
	}
	smol_vms_choose(&a->vms, vm);
	if (a->mouse.clicks == 2 && enter)
		smol_action_do(a, enter);
}

static void press_prompt(struct smol_app *a, const struct smol_hit *hit, int col)
{
	size_t cursor, at = hit->what < 0 ? 0 : (size_t)hit->what;
	const char *line = smol_prompt_line(&cursor);

	smol_page_close(a);
	a->focus = SMOL_FOCUS_PROMPT;
	if (hit->what < 0)
		return;
	for (const char *s = line + at; *s; s = line + at) {
		size_t len = smol_utf8_len(s, strlen(s));

		if (smol_columns(line + hit->what, at - (size_t)hit->what + (len ? len : 1)) >
		    col - hit->at.col)
			break;
		at += len ? len : 1;
	}
	smol_prompt_move(at);
}

static void press(struct smol_app *a, const struct smol_hit *hit, const struct smol_input_event *e)
{
	const struct smol_input_mouse *m = &e->mouse;

	if (hit->kind == SMOL_HIT_PANE)
		press_pane(a, hit->what, e);
	else if (m->button != 1)
		return;
	else if (hit->kind == SMOL_HIT_BORDER)
		press_border(a, hit->what, e);
	else if (hit->kind == SMOL_HIT_LIST)
		press_vm(a, hit->what + m->row - hit->at.row, m->col - hit->at.col < MARK_COLS);
	else if (hit->kind == SMOL_HIT_VM)
		press_vm(a, hit->what, false);
	else if (hit->kind == SMOL_HIT_NUMBER && a->panes[hit->what]) {
		a->current = hit->what;
		a->focus = SMOL_FOCUS_PANE;
	} else if (hit->kind == SMOL_HIT_CANDIDATE)
		smol_prompt_take(hit->what);
	else if (hit->kind == SMOL_HIT_PROMPT)
		press_prompt(a, hit, m->col);
	else if (hit->kind == SMOL_HIT_HINT)
		do_action(a, (enum smol_action)hit->what, smol_app_focus(a));
}

/* By lines up (negative: down). */
static void wheel(struct smol_app *a, const struct smol_hit *hit, const struct smol_input_event *e)
{
	int lines = e->mouse.what == SMOL_MOUSE_UP ? WHEEL_LINES : -WHEEL_LINES;
	bool panes = hit->kind == SMOL_HIT_PANE || hit->kind == SMOL_HIT_BORDER;
	int which = panes ? pane_at(a, e->mouse.row, e->mouse.col) : -1;
	struct smol_pane *p = which < 0 ? NULL : a->panes[which];

	if (hit->kind == SMOL_HIT_PAGE && smol_page(a)->scroll)
		(smol_page(a)->scroll)(a, lines); /* curses has a macro of that name */
	else if (hit->kind == SMOL_HIT_LIST)
		smol_vms_move(&a->vms, lines > 0 ? -1 : 1);
	if (!p)
		return;
	if (is_programs(a, which, e))
		tell_program(a, which, e);
	else if (!smol_term_alternate(p->term) || p->view.held)
		smol_view_scroll(&p->view, lines);
	else if (which == a->current && smol_app_focus(a) == SMOL_FOCUS_PANE)
		/* As terminals do: there is nothing to scroll, but the program may have. */
		for (int i = 0; i < WHEEL_LINES; i++)
			smol_term_key(
			    p->term, lines > 0 ? VTERM_KEY_UP : VTERM_KEY_DOWN, VTERM_MOD_NONE);
}

/* ---- what happens ---- */

static void count_clicks(struct smol_app *a, const struct smol_input_mouse *m)
{
	struct smol_mouse_state *s = &a->mouse;
	bool again = m->row == s->row && m->col == s->col && s->clicks < 3 &&
		     uv_now(a->loop) - s->when < SMOL_CLICK_MS;

	s->clicks = again ? s->clicks + 1 : 1;
	s->row = m->row;
	s->col = m->col;
	s->when = uv_now(a->loop);
}

static void drag(struct smol_app *a, const struct smol_input_event *e)
{
	int which = pane_at(a, e->mouse.row, e->mouse.col);

	if (a->mouse.grab == SMOL_GRAB_BORDER)
		drag_border(a, &e->mouse);
	else if (a->mouse.grab == SMOL_GRAB_TEXT)
		drag_text(a, &e->mouse);
	else if (a->mouse.grab == SMOL_GRAB_PROGRAM)
		tell_program(a, a->mouse.what, e);
	else if (!e->mouse.button && which >= 0 && is_programs(a, which, e))
		tell_program(a, which, e);
}

static void release(struct smol_app *a, const struct smol_input_event *e)
{
	enum smol_grab grab = a->mouse.grab;

	a->mouse.grab = SMOL_GRAB_NONE;
	if (grab == SMOL_GRAB_PROGRAM)
		tell_program(a, a->mouse.what, e);
	else if (grab == SMOL_GRAB_TEXT)
		release_text(a);
}

void smol_mouse_event(struct smol_app *a, const struct smol_input_event *e)
{
	struct smol_hit hit = smol_hits_find(&a->hits, e->mouse.row, e->mouse.col);

	/* While something is asked only an answer counts. */
	if (a->question.text) {
		a->mouse.grab = SMOL_GRAB_NONE;
		if (hit.kind == SMOL_HIT_ANSWER && e->mouse.what == SMOL_MOUSE_PRESS &&
		    e->mouse.button == 1)
			smol_question_answer(a, hit.what);
		return;
	}
	switch (e->mouse.what) {
	case SMOL_MOUSE_PRESS:
		smol_app_say(a, NULL);
		count_clicks(a, &e->mouse);
		press(a, &hit, e);
		break;
	case SMOL_MOUSE_DRAG:
		drag(a, e);
		break;
	case SMOL_MOUSE_RELEASE:
		release(a, e);
		break;
	case SMOL_MOUSE_UP:
	case SMOL_MOUSE_DOWN:
		wheel(a, &hit, e);
		break;
	}
}
