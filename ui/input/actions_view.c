/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keys do with what a pane shows: look for text, select, copy, save; see actions.h. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "ui/input/actions.h"
#include "ui/pane/caret.h"
#include "ui/pane/clip.h"
#include "ui/prompt/prompt.h"
#include "ui/pane/save.h"
#include "ui/pane/search.h"

static struct smol_view *view(const struct smol_app *a)
{
	return &smol_panes_current(a)->view;
}

static void say(struct smol_app *a, char *text)
{
	smol_app_say(a, text);
	free(text);
}

/* ---- looking for text ---- */

/* A search while its text is typed. */
static struct {
	struct smol_view before; /* what it looked like */
	struct smol_spot start;
	bool back;
	char *last; /* what was looked for before; owned */
} looking;

/* Where it was before the text was typed. */
static void look_back(struct smol_view *v)
{
	v->held = looking.before.held;
	v->top = looking.before.top;
	v->right = looking.before.right;
	v->caret = looking.before.caret;
	v->column = looking.before.column;
	smol_view_extend(v, looking.before.head);
}

static void say_not_found(struct smol_app *a, const char *text)
{
	say(a, smol_asprintf("not found: %s", text));
}

static void on_search(struct smol_app *a, const char *text)
{
	look_back(view(a));
	if (!smol_search(view(a), text, looking.start, looking.back) && *text)
		say_not_found(a, text);
}

static void on_searched(struct smol_app *a, const char *text, bool accepted)
{
	struct smol_view *v = view(a);
	smol_auto_free char *wanted = smol_strdup(*text || !looking.last ? text : looking.last);

	if (!accepted)
		return;
	if (!*text && *wanted)
		smol_search(v, wanted, looking.start, looking.back);
	if (v->search.at) {
		a->focus = SMOL_FOCUS_PANE;
	} else if (*wanted) {
		smol_search(v, "", looking.start, false);
		say_not_found(a, wanted);
	}
	free(looking.last);
	looking.last = smol_steal(&wanted);
}

static void ask_search(struct smol_app *a, bool back)
{
	struct smol_view *v = view(a);

	if (!smol_panes_shown(a, a->current))
		return;
	if (a->focus == SMOL_FOCUS_LIST)
		a->focus = SMOL_FOCUS_PANE;
	looking.before = *v;
	looking.back = back;
	looking.start = smol_search_start(v, back);
	smol_entry_open(&a->entry, back ? "search back ?" : "search /", "", on_search, on_searched);
}

ACTION(search)
{
	ask_search(a, false);
}

ACTION(search_back)
{
	ask_search(a, true);
}

static void step(struct smol_app *a, bool against)
{
	struct smol_view *v = view(a);

	/* What was looked for elsewhere is looked for here, too. */
	if (!v->search.text && looking.last)
		smol_search(v, looking.last, smol_search_start(v, against), against);
	else
		smol_search_step(v, against);
	if (!v->search.at)
		say_not_found(a, v->search.text ? v->search.text : "");
}

ACTION(match_next)
{
	step(a, false);
}

ACTION(match_previous)
{
	step(a, true);
}

/* ---- the copy mode ---- */

ACTION(copy)
{
	if (!smol_panes_shown(a, a->current))
		return;
	a->focus = SMOL_FOCUS_PANE;
	if (!smol_view_frozen(view(a)))
		smol_caret_begin(view(a));
}

#define MOVES(X)                                                                                   \
	X(left, LEFT)                                                                              \
	X(right, RIGHT)                                                                            \
	X(word_back, WORD_BACK)                                                                    \
	X(word, WORD)                                                                              \
	X(line_begin, LINE_BEGIN)                                                                  \
	X(line_end, LINE_END)
#define X(action, how)                                                                             \
	ACTION(action)                                                                             \
	{                                                                                          \
		smol_caret_move(view(a), SMOL_MOVE_##how);                                         \
	}
MOVES(X)
#undef X

ACTION(select)
{
	smol_caret_select(view(a), SMOL_UNIT_CHAR);
}

ACTION(select_lines)
{
	smol_caret_select(view(a), SMOL_UNIT_LINE);
}

ACTION(other_end)
{
	smol_caret_other_end(view(a));
}

void smol_copy_selection(struct smol_app *a, struct smol_pane *p)
{
	char *text = smol_view_selection(&p->view);
	size_t n, told;

	if (!text || !*text) {
		free(text);
		smol_app_say(a, "nothing is selected");
		return;
	}
	n = strlen(text);
	told = smol_clip_set(text);
	if (told == n)
		say(a, smol_asprintf("copied: %zu bytes", n));
	else if (told)
		say(a, smol_asprintf(
			   "copied: %zu bytes; the clipboard takes only the first %zu", n, told));
	else
		say(a, smol_asprintf("copied: %zu bytes, for Alt-v", n));
}

ACTION(yank)
{
	struct smol_pane *p = smol_panes_current(a);
	bool any = p->view.selecting;

	smol_copy_selection(a, p);
	if (any)
		smol_view_thaw(&p->view);
}

ACTION(paste)
{
	struct smol_pane *p = smol_panes_current(a);
	const char *text = smol_clip_text();

	if (!text) {
		smol_app_say(a, "nothing was copied");
	} else if (a->focus == SMOL_FOCUS_PANE && p->state == SMOL_PANE_RUNNING) {
		smol_view_follow(&p->view);
		smol_term_paste(p->term, text, strlen(text));
	} else {
		a->focus = SMOL_FOCUS_PROMPT;
		smol_prompt_insert(text, strlen(text));
	}
}

/* ---- into a file ---- */

ACTION(save)
{
	const struct smol_view *v = view(a);
	smol_auto_free char *text = v->selecting ? smol_view_selection(v) : smol_view_everything(v);

	smol_save_ask(a, v->selecting ? "save what is selected to " : "save all of the pane to ",
	    "", smol_asprintf("%s\n", text), 0600);
}

static void on_pipe(struct smol_app *a, const char *name, bool accepted)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *path = smol_save_path(name);
	struct smol_tap *tap = accepted && *name ? smol_tap_open(path, &err) : NULL;

	if (tap)
		smol_pane_set_tap(smol_panes_current(a), tap);
	else if (accepted && *name)
		smol_app_say(a, err.msg);
}

ACTION(pipe)
{
	struct smol_pane *p = smol_panes_current(a);

	if (!p->tap) {
		smol_entry_open(&a->entry, "append what comes from now on to ", "", NULL, on_pipe);
		return;
	}
	say(a, smol_asprintf("no more is written to %s", smol_tap_path(p->tap)));
	smol_pane_set_tap(p, NULL);
	if (p->trouble)
		p->changed(p);
}

/* ---- sideways ---- */

ACTION(wrap)
{
	struct smol_pane *p = smol_panes_current(a);

	smol_pane_set_wide(p, !p->wide);
	if (!p->wide)
		p->view.right = 0;
	smol_app_say(a, p->wide ? "long lines go on beyond the edge: Alt-Right"
				: "long lines go on in the next row");
}

ACTION(pan_left)
{
	smol_view_shift(view(a), -view(a)->cols / 2);
}

ACTION(pan_right)
{
	smol_view_shift(view(a), view(a)->cols / 2);
}
