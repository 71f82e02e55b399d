/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a key goes: to what is asked, to our own keys, to a pane's command, to the prompt. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "ui/app.h"
#include "ui/prompt/prompt.h"
#include "ui/prompt/welcome.h"

VTermModifier smol_event_mods(unsigned mods)
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

	p->view.chases = true;
	if (e->key == SMOL_KEY_PASTE)
		smol_term_paste(p->term, e->bytes, e->n);
	else if (e->key == SMOL_KEY_CHAR)
		smol_term_char(p->term, e->c, smol_event_mods(e->mods));
	else if (e->key >= SMOL_KEY_F1 && e->key <= SMOL_KEY_F12)
		smol_term_key(p->term, VTERM_KEY_FUNCTION(1 + (int)(e->key - SMOL_KEY_F1)),
		    smol_event_mods(e->mods));
	else if (e->key < sizeof(keys) / sizeof(keys[0]) && keys[e->key])
		smol_term_key(p->term, keys[e->key], smol_event_mods(e->mods));
}

static void prompt_key(struct smol_app *a, const struct smol_input_event *e)
{
	if (e->key == SMOL_KEY_PASTE)
		smol_prompt_insert(e->bytes, e->n);
	else if (e->key == SMOL_KEY_ENTER && smol_prompt_empty() && smol_app_is_new(a) && !a->page)
		smol_line_run(a, SMOL_WELCOME_LINE);
	else if (e->key == SMOL_KEY_CHAR && e->c == '?' && !e->mods && smol_prompt_empty())
		smol_page_open(a, SMOL_PAGE_HELP);
	else if (e->key == SMOL_KEY_ESCAPE && a->page)
		smol_page_close(a);
	else if (e->key == SMOL_KEY_ESCAPE)
		return; /* it would wait for another key, and eat it */
	else
		smol_prompt_feed(e->bytes, e->n);
}

bool smol_event(struct smol_app *a, const struct smol_input_event *e)
{
	enum smol_focus focus = smol_app_focus(a);
	const struct smol_binding *bound;
	bool said = a->message != NULL;
	char name[SMOL_KEY_MAX];

	if (e->key == SMOL_KEY_MOUSE) {
		if (!smol_entry_is_open(&a->entry))
			smol_mouse_event(a, e);
		return true;
	}
	smol_app_say(a, NULL);
	if (a->question.text) {
		smol_question_answer(
		    a, e->key == SMOL_KEY_CHAR && !e->mods && (e->c == 'y' || e->c == 'Y'));
		return true;
	}
	if (smol_entry_is_open(&a->entry)) {
		smol_entry_key(a, &a->entry, e);
		return true;
	}
	smol_input_name(e, name);
	bound = *name ? smol_key_find(name, focus) : NULL;
	if (!bound && focus == SMOL_FOCUS_PANE) {
		pane_key(smol_panes_current(a), e);
		return said;
	}
	if (bound)
		smol_action_do(a, bound);
	else if ((focus & SMOL_FOCUS_PAGE) && smol_page(a)->key)
		smol_page(a)->key(a, e);
	else if (focus == SMOL_FOCUS_PROMPT)
		prompt_key(a, e);
	return true;
}
