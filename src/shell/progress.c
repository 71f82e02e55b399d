/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress of files: see progress.h. */
#include "shell/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "shell/output.h"

#define EVERY_MS 100
#define WHAT_MAX 30 /* bytes of the name that are shown */
#define BAR	 20

void smol_progress_start(struct smol_progress *p, const struct smol_shell *sh, const char *what)
{
	const char *term = getenv("TERM");

	*p = (struct smol_progress){.since_ms = smol_now_ms()};
	p->on =
	    !sh->quiet && !sh->json && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	p->what = smol_out_one_line(what);
}

static void put(const struct smol_buf *b)
{
	if (write(STDERR_FILENO, smol_buf_head(b), smol_buf_len(b)) < 0)
		return;
}

static void add_bar(struct smol_buf *b, uint64_t bytes, uint64_t total)
{
	int filled = (int)((double)bytes / (double)total * BAR);

	smol_buf_puts(b, "  [");
	for (int i = 0; i < BAR; i++)
		smol_buf_puts(b, i < filled ? "#" : "-");
	smol_buf_printf(b, "] %3d%%", (int)((double)bytes / (double)total * 100));
}

void smol_progress_show(
    struct smol_progress *p, const struct smol_file_counts *counts, uint64_t total)
{
	int64_t now = p->on ? smol_now_ms() : 0, ms = now - p->since_ms;
	uint64_t bytes = (uint64_t)counts->bytes;
	smol_auto_buf struct smol_buf b = {0};
	size_t len = p->what ? strlen(p->what) : 0;
	char text[16];

	/* What is over in a moment is not worth a line. */
	if (!p->on || now - p->drawn_ms < EVERY_MS || ms < 2 * EVERY_MS)
		return;
	p->drawn_ms = now;
	smol_buf_printf(&b, "\r\033[K%s%s", len > WHAT_MAX ? "…" : "",
	    len > WHAT_MAX ? p->what + len - WHAT_MAX : p->what);
	if (total && bytes <= total)
		add_bar(&b, bytes, total);
	else
		smol_buf_printf(&b, "  %lld files", (long long)counts->files);
	smol_size_text(bytes, text);
	smol_buf_printf(&b, "  %s", text);
	if (total) {
		smol_size_text(total, text);
		smol_buf_printf(&b, " of %s", text);
	}
	smol_size_text((uint64_t)((double)bytes * 1000 / (double)ms), text);
	smol_buf_printf(&b, "  %s/s", text);
	put(&b);
}

void smol_progress_end(struct smol_progress *p)
{
	if (p->on && p->drawn_ms) {
		smol_auto_buf struct smol_buf b = {0};

		smol_buf_puts(&b, "\r\033[K");
		put(&b);
	}
	free(p->what);
	*p = (struct smol_progress){0};
}
