/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page of keys and commands, made from their tables. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/command.h"
#include "ui/draw/draw.h"

#define KEYS_COLS     16
#define COMMANDS_COLS 11

struct entry {
	char *left;  /* owned; NULL: a heading, or with no text an empty line */
	char *right; /* owned */
};

struct column {
	struct entry *entries; /* owned */
	int n;
	int width; /* of what stands at the left */
	int cols;  /* of all; what is longer goes on below */
};

static int top; /* lines scrolled down */

static void add(struct column *c, char *left, const char *right, size_t len)
{
	c->entries = smol_realloc(c->entries, ((size_t)c->n + 1) * sizeof(*c->entries));
	c->entries[c->n++] = (struct entry){left, smol_strndup(right, len)};
}

static void add_heading(struct column *c, const char *text)
{
	if (c->n)
		add(c, NULL, "", 0);
	add(c, NULL, text, strlen(text));
}

/* How much of text, whole words, there is room for; all of it where its first word is too long. */
static size_t fits(const char *text, size_t room)
{
	size_t len = strlen(text), n = 0;

	if (len <= room)
		return len;
	for (size_t i = 0; i <= room; i++)
		if (text[i] == ' ')
			n = i;
	return n ? n : len;
}

static void add_entry(struct column *c, char *left, const char *right)
{
	int room = c->cols - c->width - 2;
	size_t n = fits(right, room > 0 ? (size_t)room : 0);

	add(c, left, right, n);
	for (right += n; *right == ' '; right += n) {
		right++;
		n = fits(right, room > 0 ? (size_t)room : 0);
		add(c, smol_strdup(""), right, n);
	}
}

static void forget(struct column *c)
{
	for (int i = 0; i < c->n; i++) {
		free(c->entries[i].left);
		free(c->entries[i].right);
	}
	free(c->entries);
}

/* Where one looks for a key, by where it works. */
enum section { ANYWHERE, PROMPT, VMS, PAGES, LOOKING, SECTIONS };

static enum section section_of(unsigned where)
{
	if (where == SMOL_FOCUS_ANY)
		return ANYWHERE;
	if (where & SMOL_FOCUS_PROMPT)
		return PROMPT;
	if (where & (SMOL_FOCUS_LOOK | SMOL_FOCUS_PANE))
		return LOOKING;
	return where & SMOL_FOCUS_LIST ? VMS : PAGES;
}

/* Those of the table from one on that do the same in that section: "Up, k". NULL: one before it
 * has told them. */
static char *keys_of(const struct smol_binding *table, int n, int first, enum section section)
{
	smol_auto_buf struct smol_buf b = {0};

	for (int i = 0; i < n; i++) {
		char shown[SMOL_KEY_MAX];

		if (table[i].line || table[i].action != table[first].action ||
		    section_of(table[i].where) != section)
			continue;
		if (i < first)
			return NULL;
		smol_key_shown(table[i].key, shown);
		if (smol_buf_len(&b) + 2 + strlen(shown) < KEYS_COLS || !smol_buf_len(&b))
			smol_buf_printf(&b, "%s%s", smol_buf_len(&b) ? ", " : "", shown);
	}
	return smol_buf_take(&b);
}

static void add_key(
    struct column *c, const struct smol_binding *table, int n, int i, enum section section)
{
	char shown[SMOL_KEY_MAX], *keys;

	if (section_of(table[i].where) != section)
		return;
	if (table[i].line) {
		smol_key_shown(table[i].key, shown);
		add_entry(c, smol_strdup(shown), table[i].line);
		return;
	}
	keys = keys_of(table, n, i, section);
	if (keys)
		add_entry(c, keys, smol_actions[table[i].action].help);
}

static void add_keys(struct column *c)
{
	static const char *const titles[SECTIONS] = {"Keys everywhere",
	    "At the prompt, and where one looks", "In the list of VMs", "On pages",
	    "In a pane that is looked at, and on pages"};
	int n;
	const struct smol_binding *table = smol_keys_bound(&n);

	for (enum section s = 0; s < SECTIONS; s++) {
		add_heading(c, titles[s]);
		for (int i = 0; i < n; i++)
			add_key(c, table, n, i, s);
	}
}

static void add_commands(struct column *c)
{
	smol_auto_free const struct smol_command **all = smol_command_sorted();

	add_heading(c, "Commands (help COMMAND tells all)");
	for (int i = 0; all[i]; i++)
		add_entry(c, smol_strdup(all[i]->name), all[i]->summary);
}

static void draw_column(const struct column *c, const struct smol_rect *r)
{
	for (int i = 0; i < r->rows && top + i < c->n; i++) {
		const struct entry *e = &c->entries[top + i];

		if (!e->left) {
			smol_look(SMOL_PLAIN, A_BOLD);
			smol_put(r->row + i, r->col, r->cols, e->right);
			smol_plain();
			continue;
		}
		smol_put(r->row + i, r->col + 2, c->width - 1, e->left);
		smol_put(r->row + i, r->col + 2 + c->width, r->cols - c->width - 2, e->right);
	}
}

static void draw(struct smol_app *a, const struct smol_rect *r, int *row, int *col)
{
	struct column keys = {.width = KEYS_COLS}, commands = {.width = COMMANDS_COLS};
	bool wide = r->cols >= SMOL_COLS_WIDE;
	struct smol_rect left = {.row = r->row + 1, .col = 2, .rows = r->rows - 2}, right;
	int most;

	(void)row;
	(void)col;
	left.cols = (wide ? r->cols / 2 : r->cols) - 3;
	keys.cols = commands.cols = left.cols;
	add_keys(&keys);
	add_commands(wide ? &commands : &keys);
	right = left;
	right.col = r->cols / 2;
	most = (keys.n > commands.n ? keys.n : commands.n) - left.rows;
	if (top > most)
		top = most;
	if (top < 0)
		top = 0;
	draw_column(&keys, &left);
	draw_column(&commands, &right);
	smol_draw_rest(r, most - top);
	forget(&keys);
	forget(&commands);
	(void)a;
}

static void scroll_help(struct smol_app *a, int lines)
{
	(void)a;
	top -= lines;
	if (top < 0)
		top = 0;
}

static void close_help(struct smol_app *a)
{
	(void)a;
	top = 0;
}

const struct smol_page_ops smol_page_help = {
    .focus = SMOL_FOCUS_HELP,
    .draw = draw,
    .scroll = scroll_help,
    .close = close_help,
};
