/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The form that creates a VM: the fields, what is wrong with them, and the line that they come to.
 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "image/image.h"
#include "shell/vm_args.h"
#include "ui/draw/draw.h"
#include "ui/page/form.h"

#define NAME_COLS  16
#define VALUE_COLS 28 /* where there is room for an error beside it */
#define BUTTON	   "[ Create ]"

static struct smol_form form; /* what was entered stays when the page is closed */
static int chosen;	      /* a field; form.n: the button */
static int top;		      /* the first field that is shown */

/* ---- what the parser cannot know ---- */

static int check_name(const struct smol_app *a, const char *name, struct smol_err *err)
{
	for (int i = 0; i < a->vms.nall; i++)
		if (strcmp(a->vms.all[i]->name, name) == 0)
			return smol_err_set(err, SMOL_E_EXISTS, "there is a VM '%s' already", name);
	return smol_vm_name_check(name, err);
}

static int check_create(const struct smol_args *args, void *ctx, struct smol_err *err)
{
	smol_auto_config struct smol_vm_config c = {0};
	smol_auto_image struct smol_image *img = NULL;

	if (args->nwords && check_name(ctx, args->words[0], err) < 0)
		return -1;
	if (smol_config_from_args(args, &c, err) < 0)
		return -1;
	img = smol_image_open(c.image, err);
	return img ? 0 : -1;
}

void smol_page_form_open(struct smol_app *a)
{
	if (!form.command)
		smol_form_open(&form, smol_command_find("create"), check_create, a);
	smol_form_is_good(&form);
	smol_page_open(a, SMOL_PAGE_FORM);
}

void smol_page_form_free(void)
{
	smol_form_free(&form);
}

/* ---- how it looks ---- */

static void draw_value(
    const struct smol_form_field *f, const struct smol_rect *r, int row, bool here, int *cursor)
{
	const char *text = smol_field_text(&f->value);
	int at = r->col + 3 + NAME_COLS;
	int width = r->cols >= NAME_COLS + 2 * VALUE_COLS ? VALUE_COLS : r->cols - at - 2;

	if (smol_form_flag(f) && !*text)
		text = "no";
	if (*text) {
		int end = smol_draw_text(row, at, width, text, here ? f->value.cursor : 0);

		*cursor = here ? end : *cursor;
	} else {
		smol_look(SMOL_DIM, A_NORMAL);
		smol_put(row, at, width, f->absent ? f->absent : "");
		*cursor = here ? at : *cursor;
	}
	if (f->error && width == VALUE_COLS) {
		smol_look(SMOL_BAD, A_NORMAL);
		smol_put(row, at + width + 1, r->cols - at - width - 2, f->error);
	}
	smol_plain();
}

static void draw_field(const struct smol_rect *r, int row, int i, int *cursor)
{
	const struct smol_form_field *f = &form.fields[i];
	bool here = i == chosen;

	smol_look(f->error ? SMOL_BAD : here ? SMOL_ACCENT : SMOL_PLAIN, here ? A_BOLD : A_NORMAL);
	smol_put(row, r->col, 1, f->error ? "!" : " ");
	smol_put(row, r->col + 1, 1, here ? "\xe2\x96\xb8" : " "); /* ▸ */
	smol_put(row, r->col + 3, NAME_COLS - 1, f->name);
	smol_plain();
	draw_value(f, r, row, here, cursor);
}

/* What is wrong or what the field means, and the line. */
static void draw_foot(const struct smol_rect *r)
{
	const struct smol_form_field *f = chosen < form.n ? &form.fields[chosen] : NULL;
	const char *error = f && f->error ? f->error : form.error;
	smol_auto_free char *line = smol_form_line(&form);
	smol_auto_free char *safe = smol_escape(line, strlen(line));
	int row = r->row + r->rows - 2;

	smol_look(error ? SMOL_BAD : SMOL_DIM, A_NORMAL);
	smol_put(row, r->col + 3, r->cols - 4,
	    error ? error
	    : f	  ? f->help
		  : "Enter creates the VM");
	smol_look(SMOL_DIM, A_NORMAL);
	smol_put(row + 1, r->col + 1, 2, "\xe2\x96\xb8"); /* ▸ */
	smol_plain();
	smol_put(row + 1, r->col + 3, r->cols - 4, safe);
}

static void draw_form(struct smol_app *a, const struct smol_rect *r, int *row, int *col)
{
	/* A title, the foot, and lines between where there is room. */
	int rows = r->rows - (r->rows < 12 ? 3 : 5);

	(void)a;
	if (chosen < top)
		top = chosen;
	if (chosen >= top + rows)
		top = chosen - rows + 1;
	smol_look(SMOL_PLAIN, A_BOLD);
	smol_put(r->row, r->col + 1, r->cols - 2, "Create a VM");
	smol_plain();
	for (int i = top; i <= form.n && i < top + rows; i++) {
		int at = r->row + 1 + i - top;

		if (i < form.n) {
			draw_field(r, at, i, col);
		} else {
			smol_look(chosen == i ? SMOL_ACCENT : SMOL_PLAIN,
			    chosen == i ? A_BOLD : A_NORMAL);
			smol_put(at, r->col + 3, r->cols - 4, BUTTON);
			smol_plain();
			*col = chosen == i ? r->col + 3 : *col;
		}
		*row = chosen == i ? at : *row;
	}
	if (form.n + 1 > top + rows)
		smol_draw_rest(
		    &(struct smol_rect){r->row, r->col, 1, r->cols}, form.n + 1 - top - rows);
	draw_foot(r);
}

/* ---- keys ---- */

static struct smol_form_field *here(void)
{
	return chosen < form.n ? &form.fields[chosen] : NULL;
}

static void move_to(struct smol_app *a, int field)
{
	chosen = field < 0 ? 0 : field > form.n ? form.n : field;
	smol_app_changed(a);
}

static void scroll_form(struct smol_app *a, int lines)
{
	move_to(a, chosen - lines);
}

/* Tab completes what is there of a value; where nothing comes of it, it goes on. */
static void step_form(struct smol_app *a, int by)
{
	if (by > 0 && here() && smol_form_complete(&form, here(), smol_complete_host)) {
		smol_form_is_good(&form);
		smol_app_changed(a);
	} else {
		move_to(a, (chosen + by + form.n + 1) % (form.n + 1));
	}
}

static void key_form(struct smol_app *a, const struct smol_input_event *e)
{
	struct smol_form_field *f = here();
	bool sideways = !e->mods && (e->key == SMOL_KEY_LEFT || e->key == SMOL_KEY_RIGHT);

	if (!f)
		return;
	if (smol_form_flag(f)) {
		if (sideways || (e->key == SMOL_KEY_CHAR && e->c == ' '))
			smol_form_turn(&form, f, 1, smol_complete_host);
	} else if (sideways && smol_form_has_list(f)) {
		smol_form_turn(&form, f, e->key == SMOL_KEY_RIGHT ? 1 : -1, smol_complete_host);
	} else {
		smol_field_key(&f->value, e);
	}
	smol_form_is_good(&form);
	smol_app_changed(a);
}

static void accept_form(struct smol_app *a, bool whole)
{
	smol_auto_free char *line = NULL;

	if (!whole && chosen < form.n) {
		move_to(a, chosen + 1);
		return;
	}
	if (!smol_form_is_good(&form)) {
		for (int i = form.n - 1; i >= 0; i--)
			chosen = form.fields[i].error ? i : chosen;
		smol_app_say(a, "something is wrong still");
		return;
	}
	line = smol_form_line(&form);
	smol_page_close(a);
	smol_form_free(&form);
	chosen = 0;
	smol_line_run(a, line);
}

const struct smol_page_ops smol_page_form = {
    .focus = SMOL_FOCUS_FORM,
    .draw = draw_form,
    .scroll = scroll_form,
    .step = step_form,
    .accept = accept_form,
    .key = key_form,
};
