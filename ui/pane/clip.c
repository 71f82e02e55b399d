/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was copied last: see clip.h. */
#include "ui/pane/clip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"

static char *kept;

size_t smol_clip_set(char *text)
{
	const char *term = getenv("TERM");
	smol_auto_free char *coded = NULL;
	size_t n = strlen(text);

	free(kept);
	kept = text;
	/* The kernel's console would show it. */
	if (!term || strncmp(term, "linux", 5) == 0)
		return 0;
	if (n > SMOL_CLIP_MAX)
		for (n = SMOL_CLIP_MAX; n && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
	coded = smol_base64_encode(text, n);
	fprintf(stdout, "\033]52;c;%s\a", coded);
	fflush(stdout);
	return n;
}

const char *smol_clip_text(void)
{
	return kept;
}
