/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands print: see output.h. */
#include "shell/output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

#define TAIL_MAX 10

char *smol_out_one_line(const char *s)
{
	struct smol_buf b = {0};
	size_t n = strlen(s);

	/* Not smol_escape(): messages hold what was escaped before, and "\\" must not grow. */
	for (size_t i = 0, len; i < n; i += len) {
		unsigned char c = (unsigned char)s[i];
		bool c1 = c == 0xc2 && (unsigned char)s[i + 1] < 0xa0;

		len = smol_utf8_len(s + i, n - i);
		if (len && c >= 0x20 && c != 0x7f && !c1) {
			smol_buf_append(&b, s + i, len);
			continue;
		}
		smol_buf_printf(&b, "\\x%02x", c);
		len = 1;
	}
	return smol_buf_take(&b);
}

static void print_tail(const char *tail)
{
	smol_auto_free char *copy = smol_strdup(tail);
	char *save = NULL;
	int n = 0;

	for (char *l = strtok_r(copy, "\n", &save); l && n < TAIL_MAX;
	     l = strtok_r(NULL, "\n", &save), n++) {
		smol_auto_free char *safe = smol_out_one_line(l);

		fprintf(stderr, "    %s\n", safe);
	}
}

void smol_out_trouble(struct smol_shell *sh, const struct smol_err *err)
{
	smol_auto_free char *msg =
	    smol_out_one_line(err->msg ? err->msg : smol_code_name(err->code));
	smol_auto_free char *hint = err->hint ? smol_out_one_line(err->hint) : NULL;
	bool asks = hint && strncmp(hint, "did you mean", 12) == 0;

	fflush(stdout);
	fprintf(stderr, sh->color_err ? "\033[31msmolsh:\033[0m " : "smolsh: ");
	if (sh->file && sh->line)
		fprintf(stderr, "%s:%u: ", sh->file, sh->line);
	fprintf(stderr, "%s%s%s\n", msg, !hint ? "" : asks ? "; " : "; try: ", hint ? hint : "");
	if (err->tail)
		print_tail(err->tail);
}

void smol_out_error(struct smol_shell *sh, const struct smol_err *err)
{
	if (sh->json)
		smol_out_data_failed(sh, NULL, err);
	else
		smol_out_trouble(sh, err);
}

__attribute__((format(printf, 2, 0))) static void notice(
    struct smol_shell *sh, const char *fmt, va_list ap)
{
	smol_auto_free char *safe = NULL;
	char *s = NULL;

	if (vasprintf(&s, fmt, ap) < 0)
		return;
	safe = smol_out_one_line(s);
	free(s);
	fflush(stdout);
	fprintf(stderr, sh->color_err ? "\033[2msmolsh: %s\033[0m\n" : "smolsh: %s\n", safe);
}

void smol_out_notice(struct smol_shell *sh, const char *fmt, ...)
{
	va_list ap;

	if (sh->quiet || sh->json)
		return;
	va_start(ap, fmt);
	notice(sh, fmt, ap);
	va_end(ap);
}

void smol_out_detail(struct smol_shell *sh, const char *fmt, ...)
{
	va_list ap;

	if (!sh->verbose)
		return;
	va_start(ap, fmt);
	notice(sh, fmt, ap);
	va_end(ap);
}

int smol_out_ask(struct smol_shell *sh, const char *question)
{
	smol_auto_free char *safe = smol_out_one_line(question);
	char line[64];

	if (sh->json || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return -1;
	fflush(stdout);
	fprintf(stderr, "%s [y/N] ", safe);
	/* Byte by byte: what stands behind the answer is somebody else's. */
	for (size_t n = 0; n < sizeof(line); n++)
		if (read(STDIN_FILENO, line + n, 1) != 1 || line[n] == '\n')
			return n > 0 && (line[0] == 'y' || line[0] == 'Y');
	return 0;
}

void smol_out_line(cJSON *line)
{
	smol_auto_free char *s = smol_json_print(line);

	puts(s);
	cJSON_Delete(line);
}

void smol_out_data(struct smol_shell *sh, cJSON *data)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_bool(j, "ok", true);
	cJSON_AddItemToObject(j, "data", data ? data : cJSON_CreateNull());
	smol_out_line(j);
	sh->answered = true;
}

void smol_out_data_failed(struct smol_shell *sh, cJSON *data, const struct smol_err *err)
{
	cJSON *j = cJSON_CreateObject(), *e = smol_json_from_err(err);

	smol_json_add_bool(j, "ok", false);
	if (data)
		cJSON_AddItemToObject(j, "data", data);
	if (sh->file && sh->line) {
		smol_json_add_str(e, "file", sh->file);
		smol_json_add_int(e, "line", sh->line);
	}
	cJSON_AddItemToObject(j, "error", e);
	smol_out_line(j);
	sh->answered = true;
}

void smol_out_list(struct smol_shell *sh, cJSON *list, const char *const *headers,
    void (*add)(struct smol_table *t, const cJSON *one))
{
	struct smol_table *t;
	const cJSON *one;

	if (sh->json) {
		smol_out_data(sh, list);
		return;
	}
	t = smol_table_new(headers);
	cJSON_ArrayForEach (one, list)
		add(t, one);
	smol_table_print(t, !sh->quiet, smol_out_width());
	smol_table_free(t);
	cJSON_Delete(list);
}

/* Has the reader of our output gone? What errno was when a write failed is not known any more. */
static bool reader_gone(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP));
}

int smol_out_flush(struct smol_err *err)
{
	/* ferror() outlives the call that failed. */
	bool failed = ferror(stdout);

	errno = 0;
	if (fflush(stdout) == 0 && !failed)
		return 0;
	if (errno == EPIPE || reader_gone())
		return SMOL_EXIT_READER_GONE;
	if (errno)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot write the output");
	return smol_err_set(err, SMOL_E_IO, "cannot write the output");
}

int smol_out_width(void)
{
	struct winsize ws;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 ? ws.ws_col : 0;
}

int smol_out_columns(const struct smol_shell *sh)
{
	return sh->columns ? sh->columns : smol_out_width();
}
