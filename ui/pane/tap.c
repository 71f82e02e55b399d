/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pane's output in a file: see tap.h. */
#include "ui/pane/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"

#define ESCAPE	  '\033'
#define CANCEL	  0x18
#define SUB	  0x1a
#define MODES_MAX 16   /* bytes of a sequence that matters */
#define WRITE_MS  1000 /* a plain file takes what it is given */

enum state { TEXT, SEQUENCE, MORE, CSI, STRING, STRING_ESCAPE };

struct smol_tap {
	int fd;
	char *path;
	struct smol_buf line, out;
	bool returned;	/* to the line's beginning: what follows is written over it */
	bool alternate; /* a full-screen program draws */
	enum state state;
	char modes[MODES_MAX];
	size_t nmodes;
};

struct smol_tap *smol_tap_open(const char *path, struct smol_err *err)
{
	/* A pipe that nobody reads would hold us up. */
	smol_auto_close int fd =
	    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	struct smol_tap *t;
	struct stat st;

	if (fd < 0 && errno != ENXIO) {
		smol_err_errno(err, SMOL_E_IO, errno, "cannot open %s", path);
		return NULL;
	}
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		smol_err_set(err, SMOL_E_INVALID, "%s is no plain file", path);
		return NULL;
	}
	t = smol_alloc(sizeof(*t));
	t->path = smol_strdup(path);
	t->fd = fd;
	fd = -1;
	return t;
}

const char *smol_tap_path(const struct smol_tap *t)
{
	return t->path;
}

/* ---- the line ---- */

/* Text of a guest: whole characters, none of which controls a terminal. */
static void put_clean(struct smol_buf *out, const char *s, size_t n)
{
	for (size_t at = 0, len; at < n; at += len ? len : 1) {
		uint32_t c = 0;

		len = smol_utf8_len(s + at, n - at);
		if (len)
			smol_utf8_get(s + at, &c);
		if (!len)
			smol_buf_puts(out, "\xef\xbf\xbd");
		else if (c < 0x80 || c > 0x9f)
			smol_buf_append(out, s + at, len);
	}
}

static void put_line(struct smol_tap *t, const char *end)
{
	if (smol_buf_len(&t->line))
		put_clean(&t->out, smol_buf_head(&t->line), smol_buf_len(&t->line));
	smol_buf_puts(&t->out, end);
	smol_buf_clear(&t->line);
	t->returned = false;
}

static void back_one(struct smol_tap *t)
{
	size_t n = smol_buf_len(&t->line);

	while (n && ((unsigned char)t->line.data[t->line.end - 1] & 0xc0) == 0x80 && n > 1) {
		t->line.end--;
		n--;
	}
	if (n)
		t->line.end--;
}

static void put_char(struct smol_tap *t, char c)
{
	if (t->alternate)
		return;
	if (c == '\n') {
		put_line(t, "\n");
	} else if (c == '\r') {
		t->returned = true;
	} else if (c == '\b') {
		back_one(t);
	} else if (c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f)) {
		if (t->returned)
			smol_buf_clear(&t->line);
		t->returned = false;
		smol_buf_append(&t->line, &c, 1);
		/* Not within a character. */
		if (smol_buf_len(&t->line) >= SMOL_TAP_LINE && (unsigned char)c < 0x80)
			put_line(t, "");
		else if (smol_buf_len(&t->line) >= SMOL_TAP_LINE + 4)
			put_line(t, "");
	}
}

/* ---- what is no text ---- */

static void end_sequence(struct smol_tap *t, char final)
{
	static const char *const screens[] = {"?47", "?1047", "?1049"};

	t->state = TEXT;
	t->modes[t->nmodes] = '\0';
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(screens); i++)
		if (strcmp(t->modes, screens[i]) == 0 && (final == 'h' || final == 'l'))
			t->alternate = final == 'h';
}

/* Behind ESC. */
static void begin_sequence(struct smol_tap *t, char c)
{
	t->nmodes = 0;
	if (c == '[')
		t->state = CSI;
	else if (c && strchr("]P_^X", c))
		t->state = STRING;
	else if (c >= ' ' && c <= '/')
		t->state = MORE;
	else if (c != ESCAPE)
		t->state = TEXT;
}

static void take(struct smol_tap *t, char c)
{
	bool cancels = c == CANCEL || c == SUB;

	switch (t->state) {
	case TEXT:
		if (c == ESCAPE)
			t->state = SEQUENCE;
		else
			put_char(t, c);
		break;
	case SEQUENCE:
		begin_sequence(t, c);
		break;
	case MORE:
		if (c < ' ' || c > '/')
			t->state = c == ESCAPE ? SEQUENCE : TEXT;
		break;
	case CSI:
		if (c == ESCAPE)
			t->state = SEQUENCE;
		else if (cancels)
			t->state = TEXT;
		else if (c >= '@' && c <= '~')
			end_sequence(t, c);
		else if (t->nmodes < MODES_MAX - 1)
			t->modes[t->nmodes++] = c;
		break;
	case STRING:
		if (c == ESCAPE)
			t->state = STRING_ESCAPE;
		else if (c == '\a' || cancels)
			t->state = TEXT;
		break;
	case STRING_ESCAPE:
		if (c == '\\')
			t->state = TEXT;
		else
			begin_sequence(t, c);
		break;
	}
}

/* ---- the file ---- */

static int flush(struct smol_tap *t, struct smol_err *err)
{
	size_t n = smol_buf_len(&t->out);
	int rc = n ? smol_io_write_all(t->fd, smol_buf_head(&t->out), n, smol_in_ms(WRITE_MS)) : 0;

	smol_buf_clear(&t->out);
	return rc < 0 ? smol_err_errno(err, SMOL_E_IO, errno, "cannot write %s", t->path) : 0;
}

int smol_tap_feed(struct smol_tap *t, const char *bytes, size_t n, struct smol_err *err)
{
	for (size_t i = 0; i < n; i++)
		take(t, bytes[i]);
	return flush(t, err);
}

int smol_tap_end_line(struct smol_tap *t, struct smol_err *err)
{
	t->state = TEXT;
	t->alternate = false;
	if (smol_buf_len(&t->line))
		put_line(t, "\n");
	return flush(t, err);
}

void smol_tap_close(struct smol_tap *t)
{
	if (!t)
		return;
	close(t->fd);
	free(t->path);
	smol_buf_free(&t->line);
	smol_buf_free(&t->out);
	free(t);
}
