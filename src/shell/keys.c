/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys and what they do now: see keys.h. Their names are key_names.c's. */
#include "shell/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"

const struct smol_action_entry smol_actions[SMOL_ACTION__count] = {
    [SMOL_ACTION_none] = {"", "", ""},
#define X(action, name, hint, help) [SMOL_ACTION_##action] = {name, hint, help},
    SMOL_UI_ACTIONS(X)
#undef X
};

static const struct {
	const char *key;
	enum smol_action action;
	unsigned where;
} defaults[] = {
#define X(action, key, where) {key, SMOL_ACTION_##action, where},
    SMOL_UI_KEYS(X)
#undef X
};

static struct smol_binding bound[SMOL_BINDINGS_MAX];
static int nbound;
static bool loaded; /* the defaults are in it */

enum smol_action smol_action_find(const char *name)
{
	for (int i = 1; i < SMOL_ACTION__count; i++)
		if (strcmp(smol_actions[i].name, name) == 0)
			return (enum smol_action)i;
	return SMOL_ACTION_none;
}

unsigned smol_action_where(enum smol_action action)
{
	unsigned where = 0;

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(defaults); i++)
		if (defaults[i].action == action)
			where |= defaults[i].where;
	return where;
}

static void insert(
    int at, const char *key, unsigned where, enum smol_action action, const char *line)
{
	struct smol_binding *b = &bound[at];

	memmove(b + 1, b, sizeof(*b) * (size_t)(nbound - at));
	nbound++;
	*b = (struct smol_binding){.where = where, .action = action, .line = smol_strdup(line)};
	snprintf(b->key, sizeof(b->key), "%s", key);
}

static void ready(void)
{
	for (size_t i = 0; !loaded && i < SMOL_ARRAY_SIZE(defaults); i++)
		insert(nbound, defaults[i].key, defaults[i].where, defaults[i].action, NULL);
	loaded = true;
}

const struct smol_binding *smol_keys_bound(int *n)
{
	ready();
	*n = nbound;
	return bound;
}

const struct smol_binding *smol_key_find(const char *key, enum smol_focus focus)
{
	ready();
	for (int i = 0; i < nbound; i++)
		if ((bound[i].where & focus) && strcmp(bound[i].key, key) == 0)
			return &bound[i];
	return NULL;
}

const struct smol_binding *smol_key_of(enum smol_action action, enum smol_focus focus)
{
	ready();
	for (int i = 0; i < nbound; i++)
		if ((bound[i].where & focus) && bound[i].action == action && !bound[i].line)
			return &bound[i];
	return NULL;
}

bool smol_key_unbind(const char *key, unsigned where)
{
	bool did = false;
	int kept = 0;

	ready();
	for (int i = 0; i < nbound; i++) {
		if (strcmp(bound[i].key, key) == 0 && (bound[i].where & where)) {
			bound[i].where &= ~where;
			did = true;
		}
		if (bound[i].where)
			bound[kept++] = bound[i];
		else
			free(bound[i].line);
	}
	nbound = kept;
	return did;
}

int smol_key_bind(const char *key, unsigned where, enum smol_action action, const char *line,
    struct smol_err *err)
{
	size_t n = strlen(key);

	if (smol_key_is_text(key) && (where & ~(unsigned)SMOL_FOCUS_SEEN)) {
		smol_err_set(
		    err, SMOL_E_INVALID, "text is typed with '%s' at the prompt and in panes", key);
		return smol_err_hint(err, "bind M-%s, or bind --in list %s", key, key);
	}
	if (action == SMOL_ACTION_pane && (key[n - 1] < '0' || key[n - 1] > '9'))
		return smol_err_set(err, SMOL_E_INVALID,
		    "pane goes to the pane of its key's digit, and '%s' has none", key);
	smol_key_unbind(key, where);
	if (nbound == SMOL_BINDINGS_MAX)
		return smol_err_set(
		    err, SMOL_E_LIMIT, "more than %d keys are bound", SMOL_BINDINGS_MAX);
	insert(0, key, where, action, line);
	return 0;
}

void smol_keys_reset(const char *key)
{
	int at = 0;

	if (!key) {
		while (nbound)
			free(bound[--nbound].line);
		loaded = false;
		return;
	}
	smol_key_unbind(key, SMOL_FOCUS_ANY);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(defaults) && nbound < SMOL_BINDINGS_MAX; i++)
		if (strcmp(defaults[i].key, key) == 0)
			insert(at++, key, defaults[i].where, defaults[i].action, NULL);
}

char *smol_keys_lost(void)
{
	static const struct {
		enum smol_focus from;
		enum smol_action action;
		const char *text;
	} needed[] = {
	    {SMOL_FOCUS_LIST, SMOL_ACTION_prompt,
		"from the list to the prompt any more; try: bind M-p prompt"},
	    {SMOL_FOCUS_PANE, SMOL_ACTION_prompt,
		"from a pane to the prompt any more; try: bind M-p prompt"},
	    {SMOL_FOCUS_SCROLL, SMOL_ACTION_prompt,
		"from a pane to the prompt any more; try: bind M-p prompt"},
	    {SMOL_FOCUS_PROMPT, SMOL_ACTION_help,
		"from the prompt to help any more; try: bind F1 help"},
	};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(needed); i++)
		if (!smol_key_of(needed[i].action, needed[i].from))
			return smol_asprintf("no key leads %s", needed[i].text);
	return NULL;
}

void smol_action_keys(enum smol_action action, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	ready();
	for (int i = 0; i < nbound; i++) {
		char shown[SMOL_KEY_MAX];

		if (bound[i].action != action || bound[i].line)
			continue;
		smol_key_shown(bound[i].key, shown);
		if (used && used + 2 + strlen(shown) >= size)
			return;
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", shown);
	}
}
