/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a key does: see actions.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "shell/settings.h"
#include "ui/input/actions.h"
#include "ui/pane/caret.h"
#include "ui/prompt/edit.h"
#include "ui/prompt/prompt.h"

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Where the word VM stands next: with nothing of a word around it. NULL: nowhere. */
static const char *vm_word(const char *line)
{
	const char *at = line;

	while ((at = strstr(at, "VM"))) {
		if ((at == line || !is_word_char(at[-1])) && !is_word_char(at[2]))
			return at;
		at += 2;
	}
	return NULL;
}

/* The line with names for each VM. */
static char *with_names(const char *line, const char *names)
{
	struct smol_buf b = {0};
	const char *at;

	for (; (at = vm_word(line)); line = at + 2)
		smol_buf_printf(&b, "%.*s%s", (int)(at - line), line, names);
	smol_buf_puts(&b, line);
	return smol_buf_take(&b);
}

/* The verb, where a key must not do that to so many VMs without a question; or NULL. */
static const char *harm_of(const char *line, int n)
{
	static const struct {
		const char *begin, *verb;
		int from;
	} harms[] = {
	    {"delete --force --yes", "delete", 1}, {"stop", "stop", 2}, {"restart", "restart", 2}};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(harms); i++) {
		size_t len = strlen(harms[i].begin);

		if (strncmp(line, harms[i].begin, len) == 0 && line[len] == ' ' &&
		    n >= harms[i].from)
			return harms[i].verb;
	}
	return NULL;
}

/* A line that a key stands for, of ours or bound by a person. VM in it are the VMs that keys act
 * on. One that ends in a space is only begun, at the prompt. */
static void do_line(struct smol_app *a, const char *format)
{
	int n;
	smol_auto_free char *names = smol_vms_targets(&a->vms, &n);
	smol_auto_free char *line = NULL;

	if (vm_word(format) && !names) {
		smol_app_say(a, "no VM is chosen");
		return;
	}
	line = with_names(format, names);
	if (format[strlen(format) - 1] == ' ') {
		smol_prompt_set(line);
		a->focus = SMOL_FOCUS_PROMPT;
	} else if (vm_word(format) && harm_of(format, n)) {
		smol_question_for_vms(a, harm_of(format, n), names, line);
	} else {
		smol_line_run(a, line);
	}
}

static bool in_list(const struct smol_app *a)
{
	return a->focus == SMOL_FOCUS_LIST;
}

/* By lines up (negative: down), in the page, the list or the pane. */
static void move(struct smol_app *a, int lines)
{
	if (a->focus & SMOL_FOCUS_PAGE) {
		if (smol_page(a)->scroll)
			smol_page(a)->scroll(a, lines);
	} else if (in_list(a))
		smol_vms_move(&a->vms, -lines);
	else if (smol_app_focus(a) == SMOL_FOCUS_COPY)
		smol_caret_down(&smol_panes_current(a)->view, -lines);
	else
		smol_view_scroll(&smol_panes_current(a)->view, lines);
}

static int page(const struct smol_app *a)
{
	int rows = a->focus & SMOL_FOCUS_PAGE ? a->at.body_rows
		   : in_list(a)		      ? a->at.list.rows
					      : a->at.panes[a->current].rows;

	return rows > 3 ? rows - 2 : 1;
}

ACTION(complete)
{
	smol_edit_set_marks(a->vms.nmarks);
	smol_prompt_feed("\t", 1);
}

ACTION(pane)
{
	int which = a->key[strlen(a->key) - 1] - '0';

	if (which < 0 || which >= SMOL_PANES || !a->panes[which])
		return;
	a->current = which;
	a->focus = SMOL_FOCUS_PANE;
}

ACTION(list)
{
	a->focus = in_list(a) ? SMOL_FOCUS_PROMPT : SMOL_FOCUS_LIST;
}

ACTION(prompt)
{
	a->focus = SMOL_FOCUS_PROMPT;
}

ACTION(next)
{
	smol_panes_step(a, 1);
}

ACTION(previous)
{
	smol_panes_step(a, -1);
}

ACTION(zoom)
{
	a->zoom = !a->zoom;
}

ACTION(close)
{
	smol_leaving_close(a);
}

ACTION(again)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_pane *p = smol_panes_current(a);

	if (!p->line || p->state == SMOL_PANE_RUNNING)
		return;
	smol_pane_note(p, "");
	smol_log_add(&a->log, p, p->line, false, smol_lines_now_ms(), 0);
	if (smol_pane_start(p, a->options, p->line, &err) < 0)
		smol_app_say(a, err.msg);
}

ACTION(accept)
{
	if (smol_page(a)->accept)
		smol_page(a)->accept(a, false);
}

ACTION(submit)
{
	if (smol_page(a)->accept)
		smol_page(a)->accept(a, true);
}

ACTION(next_part)
{
	if (smol_page(a)->step)
		smol_page(a)->step(a, 1);
}

ACTION(previous_part)
{
	if (smol_page(a)->step)
		smol_page(a)->step(a, -1);
}

ACTION(attach)
{
	smol_attach_all(a);
}

ACTION(back)
{
	if (smol_app_focus(a) == SMOL_FOCUS_COPY)
		smol_view_thaw(&smol_panes_current(a)->view);
	else
		smol_page_close(a);
}

ACTION(page_up)
{
	move(a, page(a));
}

ACTION(page_down)
{
	move(a, -page(a));
}

ACTION(follow)
{
	if (a->focus & SMOL_FOCUS_PAGE)
		move(a, -SMOL_TERM_HISTORY);
	else
		smol_view_follow(&smol_panes_current(a)->view);
}

ACTION(top)
{
	move(a, SMOL_TERM_HISTORY);
}

ACTION(bottom)
{
	move(a, -SMOL_TERM_HISTORY);
}

ACTION(half_up)
{
	move(a, (page(a) + 1) / 2);
}

ACTION(half_down)
{
	move(a, -(page(a) + 1) / 2);
}

ACTION(up)
{
	move(a, 1);
}

ACTION(down)
{
	move(a, -1);
}

ACTION(shell)
{
	const struct smol_vm *vm = smol_vms_chosen(&a->vms);
	const char *name = smol_page_details_vm() ? smol_page_details_vm() : vm ? vm->name : NULL;
	smol_auto_free char *line = name ? smol_asprintf("shell %s", name) : NULL;

	if (line)
		smol_line_run(a, line);
}

ACTION(mark)
{
	struct smol_vm *vm = smol_vms_chosen(&a->vms);

	if (vm)
		smol_vms_mark(&a->vms, vm, !smol_vms_marked(&a->vms, vm));
	smol_vms_move(&a->vms, 1);
}

static void on_filter(struct smol_app *a, const char *text)
{
	smol_vms_set_filter(&a->vms, text);
}

static void on_filtered(struct smol_app *a, const char *text, bool accepted)
{
	if (!accepted || !*text)
		return;
	free(a->vms.filter_last);
	a->vms.filter_last = smol_strdup(text);
}

ACTION(filter)
{
	smol_entry_open(&a->entry, "filter /", a->vms.filter, on_filter, on_filtered);
	smol_entry_recall(&a->entry, a->vms.filter_last);
}

ACTION(sort)
{
	const struct smol_setting_entry *s = &smol_settings[SMOL_SETTING_SORT];
	int next = smol_setting(SMOL_SETTING_SORT) + 1;
	smol_auto_free char *line =
	    smol_asprintf("set sort %s", s->values[next > s->max ? 0 : next]);

	smol_line_run(a, line);
}

ACTION(start)
{
	do_line(a, "start VM");
}

ACTION(stop)
{
	do_line(a, "stop VM");
}

ACTION(restart)
{
	do_line(a, "restart VM");
}

/* Those that run stand still; where none does, those that are paused go on. */
ACTION(pause)
{
	smol_auto_free char *run = smol_vms_targets_in(&a->vms, SMOL_VM_RUNNING);
	smol_auto_free char *stand = smol_vms_targets_in(&a->vms, SMOL_VM_PAUSED);
	smol_auto_free char *line = NULL;

	if (!run && !stand) {
		smol_app_say(a, "no VM is chosen that runs or is paused");
		return;
	}
	line = smol_asprintf("%s %s", run ? "pause" : "resume", run ? run : stand);
	smol_line_run(a, line);
}

ACTION(exec)
{
	do_line(a, "exec VM -- ");
}

ACTION(logs)
{
	do_line(a, "logs -f VM");
}

ACTION(info)
{
	const struct smol_vm *vm = smol_vms_chosen(&a->vms);

	if (vm)
		smol_page_details_open(a, vm->name);
	else
		smol_app_say(a, "no VM is chosen");
}

ACTION(jobs)
{
	do_line(a, "jobs VM");
}

ACTION(create)
{
	smol_page_form_open(a);
}

ACTION(delete)
{
	do_line(a, "delete --force --yes VM");
}

ACTION(help)
{
	if (a->page == SMOL_PAGE_HELP)
		smol_page_close(a);
	else
		smol_page_open(a, SMOL_PAGE_HELP);
}

ACTION(suspend)
{
	smol_app_suspend(a);
}

ACTION(redraw)
{
	(void)a;
	smol_draw_anew();
}

/* Where nothing is typed it is meant for a command, which gets it in its pane only. */
ACTION(cancel)
{
	const struct smol_pane *p = a->panes[a->current];
	smol_auto_free char *text = NULL, *key = smol_asprintf("M-%d", a->current);
	const struct smol_binding *leads = smol_key_find(key, SMOL_FOCUS_PROMPT);
	char shown[SMOL_KEY_MAX] = "";

	if (smol_prompt_empty() && p && p->state == SMOL_PANE_RUNNING && leads &&
	    leads->action == SMOL_ACTION_pane) {
		smol_key_shown(key, shown);
		text = smol_asprintf("its command goes on; to end it: %s, then Ctrl-C", shown);
		smol_app_say(a, text);
	}
	smol_prompt_cancel();
}

ACTION(leave)
{
	smol_app_leave(a);
}

static void (*const actions[SMOL_ACTION__count])(struct smol_app *a) = {
#define X(action, name, hint, help) [SMOL_ACTION_##action] = smol_action_##action,
    SMOL_UI_ACTIONS(X)
#undef X
};

/* What shows something else closes the page. */
static bool leaves_page(enum smol_action action)
{
	switch (action) {
	case SMOL_ACTION_pane:
	case SMOL_ACTION_list:
	case SMOL_ACTION_next:
	case SMOL_ACTION_previous:
	case SMOL_ACTION_zoom:
	case SMOL_ACTION_split:
	case SMOL_ACTION_arrange:
	case SMOL_ACTION_swap_next:
	case SMOL_ACTION_swap_previous:
	case SMOL_ACTION_close:
	case SMOL_ACTION_search:
	case SMOL_ACTION_copy:
		return true;
	default:
		return false;
	}
}

void smol_action_do(struct smol_app *a, const struct smol_binding *b)
{
	/* The table may be another when it is done. */
	smol_auto_free char *line = smol_strdup(b->line);
	enum smol_action action = b->action;

	snprintf(a->key, sizeof(a->key), "%s", b->key);
	if (leaves_page(action))
		smol_page_close(a);
	/* A line may close the page whose name that is. */
	smol_auto_free char *only =
	    a->focus == SMOL_FOCUS_DETAILS ? smol_strdup(smol_page_details_vm()) : NULL;
	a->vms.only = only;
	if (line)
		do_line(a, line);
	else if (action)
		actions[action](a);
	a->vms.only = NULL;
}
