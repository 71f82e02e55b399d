/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command as a form: see form.h. */
#include "ui/page/form.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/grammar.h"

bool smol_form_flag(const struct smol_form_field *f)
{
	return f->option && f->option->type == SMOL_OPTION_FLAG;
}

bool smol_form_has_list(const struct smol_form_field *f)
{
	return f->option && (f->option->values || f->option->complete == SMOL_COMPLETE_IMAGE);
}

static struct smol_form_field *add(struct smol_form *f)
{
	f->fields = smol_realloc(f->fields, ((size_t)f->n + 1) * sizeof(*f->fields));
	f->fields[f->n] = (struct smol_form_field){0};
	return &f->fields[f->n++];
}

void smol_form_open(
    struct smol_form *f, const struct smol_command *command, smol_form_check check, void *ctx)
{
	const struct smol_positional *word = command->positionals;
	const struct smol_option *o;

	*f = (struct smol_form){.command = command, .check = check, .ctx = ctx};
	if (word && word->name) {
		struct smol_form_field *field = add(f);

		field->name = "name";
		field->help = word->help;
	}
	for (int set = 0; (o = smol_command_options(command, set)); set++)
		for (; o != smol_common_options && o->name; o++) {
			struct smol_form_field *field;

			if (word && word->name && strcasecmp(o->name, word->name) == 0)
				continue;
			field = add(f);
			field->name = o->name;
			field->help = o->help;
			field->absent = o->absent;
			field->option = o;
		}
}

void smol_form_free(struct smol_form *f)
{
	for (int i = 0; i < f->n; i++) {
		smol_field_free(&f->fields[i].value);
		free(f->fields[i].error);
	}
	free(f->fields);
	free(f->error);
	*f = (struct smol_form){0};
}

/* ---- the line ---- */

static void put_word(struct smol_buf *b, const char *word)
{
	smol_auto_free char *quoted = smol_grammar_quote(word);

	smol_buf_printf(b, " %s", quoted);
}

/* Each word of a list is an option of its own. */
static void put_list(struct smol_buf *b, const char *name, const char *text)
{
	smol_auto_free char *line = smol_asprintf("x %s", text);
	smol_auto_script struct smol_script s = {0};

	if (smol_grammar_parse(line, strlen(line), &s, NULL) < 0 || s.n != 1) {
		smol_buf_printf(b, " --%s", name);
		put_word(b, text);
		return;
	}
	for (int i = 1; i < s.statements[0].nwords; i++) {
		smol_buf_printf(b, " --%s", name);
		put_word(b, s.statements[0].words[i].text);
	}
}

static void put_field(struct smol_buf *b, const struct smol_form_field *f)
{
	const char *text = smol_field_text(&f->value);

	if (!*text)
		return;
	if (!f->option) {
		put_word(b, text);
	} else if (f->option->type == SMOL_OPTION_LIST) {
		put_list(b, f->option->name, text);
	} else {
		smol_buf_printf(b, " --%s", f->option->name);
		if (!smol_form_flag(f))
			put_word(b, text);
	}
}

char *smol_form_line(const struct smol_form *f)
{
	struct smol_buf b = {0};

	smol_buf_puts(&b, f->command->name);
	for (int i = 0; i < f->n; i++)
		put_field(&b, &f->fields[i]);
	return smol_buf_take(&b);
}

/* ---- what is wrong ---- */

static int check_line(const struct smol_form *f, const char *line, struct smol_err *err)
{
	smol_auto_script struct smol_script s = {0};
	smol_auto_args struct smol_args args = {0};
	smol_auto_free const char **words = NULL;
	int n;

	if (smol_grammar_parse(line, strlen(line), &s, err) < 0)
		return -1;
	n = s.statements[0].nwords;
	words = smol_alloc(((size_t)n + 1) * sizeof(*words));
	for (int i = 0; i < n; i++)
		words[i] = s.statements[0].words[i].text;
	if (smol_parse(words, n, &args, err) < 0)
		return -1;
	return f->check ? f->check(&args, f->ctx, err) : 0;
}

/* "--memory: " in front says nothing where it stands beside the field. */
static char *said_beside(const struct smol_form_field *field, const char *text)
{
	smol_auto_free char *front = smol_asprintf("--%s: ", field->name);
	size_t n = strlen(front);

	return smol_strdup(strncmp(text, front, n) == 0 ? text + n : text);
}

static bool check_field(struct smol_form *f, struct smol_form_field *field)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf b = {0};

	free(smol_steal(&field->error));
	if (!*smol_field_text(&field->value))
		return true;
	smol_buf_puts(&b, f->command->name);
	put_field(&b, field);
	if (check_line(f, smol_buf_str(&b), &err) == 0)
		return true;
	field->error = said_beside(field, err.msg);
	return false;
}

bool smol_form_is_good(struct smol_form *f)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *line = smol_form_line(f);
	bool good = true;

	free(smol_steal(&f->error));
	for (int i = 0; i < f->n; i++)
		good = check_field(f, &f->fields[i]) && good;
	if (good && check_line(f, line, &err) < 0)
		f->error = smol_strdup(err.msg);
	return good && !f->error;
}

/* ---- values that there are ---- */

/* Those that begin with the text. */
static void candidates(const struct smol_form *f, const struct smol_form_field *field,
    const char *text, smol_complete_source source, struct smol_completion *c)
{
	smol_auto_free char *line =
	    smol_asprintf("%s --%s %s", f->command->name, field->name, text);

	*c = (struct smol_completion){0};
	if (field->option)
		smol_complete_line(line, strlen(line), source, NULL, c);
}

void smol_form_turn(
    const struct smol_form *f, struct smol_form_field *field, int by, smol_complete_source source)
{
	struct smol_completion c;
	int at = 0;

	if (smol_form_flag(field)) {
		smol_field_set(&field->value, *smol_field_text(&field->value) ? "" : "yes");
		return;
	}
	candidates(f, field, "", source, &c);
	/* 0 is the empty one. */
	for (int i = 0; i < c.n; i++)
		if (strcmp(c.list[i].text, smol_field_text(&field->value)) == 0)
			at = i + 1;
	at = (at + by + c.n + 1) % (c.n + 1);
	smol_field_set(&field->value, at ? c.list[at - 1].text : "");
	smol_completion_free(&c);
}

bool smol_form_complete(
    const struct smol_form *f, struct smol_form_field *field, smol_complete_source source)
{
	const char *text = smol_field_text(&field->value);
	smol_auto_free char *common = NULL;
	struct smol_completion c;
	size_t n;
	bool more;

	if (!*text || smol_form_flag(field))
		return false;
	candidates(f, field, text, source, &c);
	n = c.n ? strlen(c.list[0].insert) : 0;
	for (int i = 1; i < c.n; i++)
		while (strncmp(c.list[0].insert, c.list[i].insert, n) != 0)
			n--;
	while (n && c.n && ((unsigned char)c.list[0].insert[n] & 0xc0) == 0x80)
		n--;
	common = c.n ? smol_strndup(c.list[0].insert, n) : NULL;
	more = common && n > strlen(text) && strncmp(common, text, strlen(text)) == 0;
	if (more)
		smol_field_set(&field->value, common);
	smol_completion_free(&c);
	return more;
}
