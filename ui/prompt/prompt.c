/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prompt: see prompt.h. */
#include "ui/prompt/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <readline/readline.h>

#include "base/auto.h"
#include "base/buf.h"
#include "ui/prompt/edit.h"

static struct {
	smol_prompt_fn entered;
	void *ctx;
	FILE *nowhere;
	struct smol_buf in;
	struct smol_completion found;
	bool completing;
} prompt;

static int on_getc(FILE *f)
{
	unsigned char c;

	(void)f;
	if (!smol_buf_len(&prompt.in))
		return EOF;
	c = (unsigned char)*smol_buf_head(&prompt.in);
	smol_buf_consume(&prompt.in, 1);
	return c;
}

static int on_available(void)
{
	return smol_buf_len(&prompt.in) > 0;
}

static void draw_nothing(void)
{
}

static void forget_candidates(void)
{
	smol_completion_free(&prompt.found);
	prompt.found = (struct smol_completion){0};
}

/* The line is ours to free. */
static void on_line(char *text)
{
	smol_auto_free char *line = smol_steal(&text);
	const char *begin = line ? smol_edit_entered(line) : NULL;

	if (!line || begin)
		prompt.entered(prompt.ctx, begin);
}

static int on_tab(int count, int key)
{
	(void)count;
	(void)key;
	forget_candidates();
	smol_edit_complete(&prompt.found);
	prompt.completing = true;
	return 0;
}

void smol_prompt_open(smol_prompt_fn entered, void *ctx)
{
	prompt.entered = entered;
	prompt.ctx = ctx;
	prompt.nowhere = fopen("/dev/null", "re+");
	rl_instream = rl_outstream = prompt.nowhere;
	rl_catch_signals = rl_catch_sigwinch = 0;
	rl_change_environment = 0;
	rl_prep_term_function = NULL;
	rl_deprep_term_function = NULL;
	rl_redisplay_function = draw_nothing;
	rl_getc_function = on_getc;
	rl_input_available_hook = on_available;
	rl_variable_bind("bell-style", "none");
	rl_add_defun("smolsh-complete", on_tab, '\t');
	smol_edit_open();
	rl_callback_handler_install(SMOL_PROMPT_FRONT, on_line);
	/* Whatever an inputrc says, Tab is ours; and so is its bell. */
	rl_bind_key('\t', on_tab);
	rl_variable_bind("bell-style", "none");
	rl_variable_bind("enable-bracketed-paste", "off");
}

void smol_prompt_close(void)
{
	rl_callback_handler_remove();
	smol_edit_close();
	forget_candidates();
	smol_buf_free(&prompt.in);
	if (prompt.nowhere)
		fclose(prompt.nowhere);
}

void smol_prompt_feed(const char *bytes, size_t n)
{
	smol_buf_append(&prompt.in, bytes, n);
	prompt.completing = false;
	while (smol_buf_len(&prompt.in))
		rl_callback_read_char();
	if (!prompt.completing)
		forget_candidates();
}

void smol_prompt_insert(const char *text, size_t n)
{
	smol_auto_buf struct smol_buf b = {0};

	for (size_t i = 0; i < n; i++) {
		char c = text[i] == '\r' ? '\n' : text[i];

		if (((unsigned char)c >= ' ' && c != 0x7f) || c == '\n')
			smol_buf_append(&b, &c, 1);
		else if (c == '\t')
			smol_buf_puts(&b, " ");
	}
	forget_candidates();
	if (smol_buf_len(&b))
		rl_insert_text(smol_buf_str(&b));
}

void smol_prompt_set(const char *text)
{
	rl_free_line_state();
	forget_candidates();
	rl_replace_line(text, 1);
	rl_point = rl_end;
}

void smol_prompt_move(size_t byte)
{
	forget_candidates();
	rl_point = byte < (size_t)rl_end ? (int)byte : rl_end;
}

void smol_prompt_take(int candidate)
{
	if (candidate >= 0 && candidate < prompt.found.n)
		smol_edit_take(&prompt.found, candidate);
	forget_candidates();
}

void smol_prompt_cancel(void)
{
	rl_free_line_state();
	rl_callback_sigcleanup();
	smol_prompt_set("");
}

bool smol_prompt_empty(void)
{
	return rl_end == 0;
}

void smol_prompt_resize(int rows, int cols)
{
	rl_set_screen_size(rows, cols);
}

const char *smol_prompt_front(void)
{
	return rl_display_prompt ? rl_display_prompt : SMOL_PROMPT_FRONT;
}

const char *smol_prompt_line(size_t *cursor)
{
	*cursor = (size_t)rl_point;
	return rl_line_buffer;
}

const struct smol_completion *smol_prompt_candidates(void)
{
	return &prompt.found;
}
