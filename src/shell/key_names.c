/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keys are called, by people and in the table: see keys.h. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/keys.h"

/* In the order in which a name has them. */
static const struct {
	const char *mark, *shown;
	const char *also[2];
} mods[] = {
    {"C-", "Ctrl-", {"Control-", "^"}}, {"M-", "Alt-", {"Meta-", "A-"}}, {"S-", "Shift-", {NULL}}};
enum { CTRL = 1 << 0, ALT = 1 << 1, SHIFT = 1 << 2 };

static const char *const names[] = {
#define X(e, n) n,
    SMOL_KEYS(X)
#undef X
	"Space",
    NULL,
};

/* Other words for them. */
static const struct {
	const char *other, *name;
} others[] = {{"PageUp", "PgUp"}, {"PageDown", "PgDn"}, {"Escape", "Esc"}, {"Return", "Enter"},
    {"Del", "Delete"}, {"Ins", "Insert"}, {"BSpace", "Backspace"}};

/* Is it in front, with something behind it? Its length. */
static size_t in_front(const char *text, const char *mark)
{
	size_t n = mark ? strlen(mark) : 0;

	return n && strncasecmp(text, mark, n) == 0 && text[n] ? n : 0;
}

/* The modifiers in front, whose bits are returned; *text then stands behind them. */
static unsigned take_mods(const char **text)
{
	unsigned taken = 0;
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < SMOL_ARRAY_SIZE(mods) && !more; i++) {
			size_t n = in_front(*text, mods[i].mark);

			n = n ? n : in_front(*text, mods[i].shown);
			n = n ? n : in_front(*text, mods[i].also[0]);
			n = n ? n : in_front(*text, mods[i].also[1]);
			more = n && !(taken & 1U << i);
			if (more) {
				taken |= 1U << i;
				*text += n;
			}
		}
	}
	return taken;
}

/* The table's name of a key that is no character, or NULL. */
static const char *named(const char *text)
{
	for (int i = 0; names[i]; i++)
		if (strcasecmp(names[i], text) == 0)
			return names[i];
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(others); i++)
		if (strcasecmp(others[i].other, text) == 0)
			return others[i].name;
	return strcmp(text, " ") == 0 ? "Space" : NULL;
}

static int no_key(const char *text, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(text, strnlen(text, 100));
	smol_auto_buf struct smol_buf list = {0};
	const char *near;

	for (int i = 0; names[i]; i++)
		if (names[i][0] != 'F')
			smol_buf_printf(&list, ", %s", names[i]);
	smol_err_set(err, SMOL_E_INVALID,
	    "'%s' is no key: they are characters, F1…F12%s, also with C-, M- or S- in front", safe,
	    smol_buf_str(&list));
	near = smol_nearest(text, names);
	return near ? smol_err_hint(err, "did you mean '%s'?", near) : -1;
}

/* What a terminal sends for Ctrl and a character; *key is it without Ctrl where that is another
 * key. -1: it has nothing to send. */
static int with_ctrl(char c, const char **key, unsigned *taken)
{
	static const struct {
		const char *chars, *key;
	} same[] = {{"i", "Tab"}, {"mj", "Enter"}, {"h?", "Backspace"}, {"[", "Esc"}};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(same); i++)
		if (strchr(same[i].chars, c)) {
			*key = same[i].key;
			*taken &= ~(unsigned)CTRL;
			return 0;
		}
	return isalpha((unsigned char)c) || strchr("\\]^_", c) ? 0 : -1;
}

static int no_such_char(const char *text, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(text, strnlen(text, 100));

	return smol_err_set(err, SMOL_E_INVALID, "no terminal tells '%s' from another key", safe);
}

int smol_key_parse(const char *text, char key[SMOL_KEY_MAX], struct smol_err *err)
{
	const char *rest = text, *name;
	unsigned taken = take_mods(&rest);
	char one[2] = {0};

	name = named(rest);
	if (!name && (!isgraph((unsigned char)rest[0]) || rest[1]))
		return no_key(text, err);
	if (!name) {
		one[0] = rest[0];
		name = one;
		if ((taken & SHIFT) && !isalpha((unsigned char)one[0]))
			return no_such_char(text, err);
		if (taken & CTRL)
			one[0] = (char)tolower((unsigned char)one[0]);
		else if (taken & SHIFT)
			one[0] = (char)toupper((unsigned char)one[0]);
		if ((taken & CTRL) && ((taken & SHIFT) || with_ctrl(one[0], &name, &taken) < 0))
			return no_such_char(text, err);
		taken &= ~(unsigned)SHIFT;
	}
	snprintf(key, SMOL_KEY_MAX, "%s%s%s%s", taken & CTRL ? "C-" : "", taken & ALT ? "M-" : "",
	    taken & SHIFT ? "S-" : "", name);
	return 0;
}

bool smol_key_is_text(const char *key)
{
	return !key[1] || strcmp(key, "Space") == 0;
}

unsigned smol_key_where(const char *key)
{
	if (in_front(key, "C-"))
		return SMOL_FOCUS_ANY & ~(unsigned)SMOL_FOCUS_PANE;
	if (in_front(key, "M-") || (key[0] == 'F' && key[1]))
		return SMOL_FOCUS_ANY;
	return SMOL_FOCUS_SEEN;
}

void smol_key_shown(const char *key, char text[SMOL_KEY_MAX])
{
	size_t used = 0;

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(mods); i++)
		if (in_front(key, mods[i].mark)) {
			used +=
			    (size_t)snprintf(text + used, SMOL_KEY_MAX - used, "%s", mods[i].shown);
			key += 2;
		}
	snprintf(text + used, SMOL_KEY_MAX - used, "%s", key);
}

const char *const smol_place_names[] = {
    "all", "prompt", "list", "pane", "scroll", "help", "details", "form", "log", "copy", NULL};
const char *const *const smol_focus_names = smol_place_names + 1;

/* The shorter of what it is and what it is not. */
void smol_focus_text(unsigned where, char text[SMOL_FOCUS_TEXT_MAX])
{
	bool most = __builtin_popcount(where) > 4;
	unsigned named = most ? SMOL_FOCUS_ANY & ~where : where;
	size_t used;

	used = (size_t)snprintf(
	    text, SMOL_FOCUS_TEXT_MAX, "%s%s", most ? "all" : "", most && named ? " but " : "");
	for (int i = 0; smol_focus_names[i]; i++)
		if (named & 1U << i) {
			used += (size_t)snprintf(text + used, SMOL_FOCUS_TEXT_MAX - used, "%s%s",
			    smol_focus_names[i], named >> (i + 1) ? ", " : "");
		}
}
