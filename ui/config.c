/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shell's own commands where a person sits: see config.h. */
#include "ui/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/text.h"
#include "shell/grammar.h"
#include "shell/keys.h"
#include "shell/output.h"
#include "shell/source.h"

#define ERROR_FRONT "smolsh: "

/*
 * What commands print goes through stdout and stderr. Both are other streams while they run: the
 * terminal is the screen's, and its descriptors stay what they are, whatever happens meanwhile.
 */
struct capture {
	FILE *out, *err; /* as they were */
	char *text[2];	 /* of stdout, of stderr */
	size_t n[2];
};

static void begin(struct capture *c)
{
	c->out = stdout;
	c->err = stderr;
	fflush(stdout);
	stdout = open_memstream(&c->text[0], &c->n[0]);
	stderr = open_memstream(&c->text[1], &c->n[1]);
	if (!stdout || !stderr)
		abort(); /* out of memory */
}

static void end(struct capture *c)
{
	fclose(stdout);
	fclose(stderr);
	stdout = c->out;
	stderr = c->err;
}

/* The first line of what was said on stderr, and how many more there are. */
static char *first_error(const char *text)
{
	size_t n = strcspn(text, "\n");
	smol_auto_free char *line = NULL;
	int more = 0;

	if (!n)
		return smol_strdup("");
	line = smol_strndup(text, n);
	for (const char *s = text + n; (s = strstr(s, "\n" ERROR_FRONT)); s++)
		more++;
	text = strncmp(line, ERROR_FRONT, sizeof(ERROR_FRONT) - 1) == 0
		   ? line + sizeof(ERROR_FRONT) - 1
		   : line;
	return more ? smol_asprintf("%s (and %d more)", text, more) : smol_strdup(text);
}

static void finish(struct capture *c, struct smol_buf *rest, struct smol_config_done *done)
{
	smol_auto_free char *out = c->text[0], *err = c->text[1];
	smol_auto_free char *all = smol_asprintf("%s%s", out, err);
	size_t n;

	done->output = smol_escape_terminal(all, strlen(all), &n);
	done->error = first_error(err);
	done->rest = smol_buf_take(rest);
}

/* It is run later, by another smolsh. */
static int on_hand_on(struct smol_shell *sh, const char *const *words, int nwords)
{
	struct smol_buf *rest = sh->hand_on_ctx;

	if (smol_buf_len(rest))
		smol_buf_puts(rest, "; ");
	for (int i = 0; i < nwords; i++) {
		smol_auto_free char *word = smol_grammar_quote(words[i]);

		smol_buf_printf(rest, "%s%s", i ? " " : "", word);
	}
	return 0;
}

/* Who cannot get back to the prompt, or to help, any more is told. */
static void tell_lost(struct smol_shell *sh, const char *before)
{
	smol_auto_free char *lost = smol_keys_lost();

	if (lost && !before)
		smol_out_notice(sh, "%s", lost);
}

static void run(struct smol_shell *sh, const char *line)
{
	smol_auto_free char *lost = smol_keys_lost();

	smol_shell_text(sh, line, strlen(line));
	tell_lost(sh, lost);
}

void smol_config_line(const char *line, int columns, struct smol_config_done *done)
{
	smol_auto_buf struct smol_buf rest = {0};
	smol_auto_shell struct smol_shell sh = {
	    .hand_on = on_hand_on, .hand_on_ctx = &rest, .columns = columns};
	struct capture c = {0};

	begin(&c);
	run(&sh, line);
	end(&c);
	finish(&c, &rest, done);
}

/* Read it, if there is one; its mistakes are said as they are found. */
static void read_rc(struct smol_shell *sh)
{
	smol_auto_free char *path = smol_path_rc();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (access(path, F_OK) < 0)
		return;
	if (smol_source_word(sh, NULL, &err) < 0) {
		smol_err_wrap(&err, "rc");
		smol_out_error(sh, &err);
	}
	tell_lost(sh, NULL);
}

void smol_config_rc(struct smol_config_done *done)
{
	smol_auto_buf struct smol_buf rest = {0};
	smol_auto_shell struct smol_shell sh = {
	    .hand_on = on_hand_on, .hand_on_ctx = &rest, .keep_going = true};
	struct capture c = {0};

	begin(&c);
	read_rc(&sh);
	end(&c);
	finish(&c, &rest, done);
}

bool smol_config_is_quit(const char *line)
{
	size_t n = strcspn(line, " \t");

	return (strncmp(line, "quit", n) == 0 || strncmp(line, "exit", n) == 0) && n == 4 &&
	       line[n + strspn(line + n, " \t")] == '\0';
}

void smol_config_done_free(struct smol_config_done *done)
{
	free(done->rest);
	free(done->output);
	free(done->error);
	*done = (struct smol_config_done){0};
}
