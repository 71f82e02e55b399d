/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes from the keyboard, in pieces, some of them late. Beyond memory errors it checks that
 * every byte is taken once and in order, that what is called a character is one, and that the mouse
 * is at a place that is there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ui/input/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *given; /* what has come and was not taken */

static void look_at(const struct smol_input_event *e)
{
	char name[SMOL_KEY_MAX];

	smol_input_name(e, name);
	if (strlen(name) >= sizeof(name) || e->key > SMOL_KEY_UNKNOWN)
		abort();
	if (e->key == SMOL_KEY_CHAR && (e->c > 0x10ffff || e->c == 0))
		abort();
	if (e->key == SMOL_KEY_MOUSE &&
	    (*name || e->mouse.row < 0 || e->mouse.row > SMOL_MOUSE_MAX || e->mouse.col < 0 ||
		e->mouse.col > SMOL_MOUSE_MAX || e->mouse.button < 0 || e->mouse.button > 3 ||
		(e->mouse.what == SMOL_MOUSE_PRESS && !e->mouse.button)))
		abort();
	if (e->key == SMOL_KEY_PASTE)
		return;
	if (!e->n || memcmp(e->bytes, given, e->n) != 0)
		abort();
	given += e->n;
}

/* Whatever is pasted has marks around it that are nobody's. */
static int has_paste(const uint8_t *data, size_t size)
{
	return size >= 6 && memmem(data, size, "\033[200~", 6) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smol_input in = {0};
	struct smol_input_event e;
	int whole = !has_paste(data, size);

	given = (const char *)data;
	for (size_t at = 0; at < size;) {
		size_t n = 1 + data[at] % 16;

		if (n > size - at)
			n = size - at;
		smol_input_feed(&in, (const char *)data + at, n);
		at += n;
		while (smol_input_next(&in, data[at - 1] & 1, &e))
			if (whole)
				look_at(&e);
			else if (e.n > size)
				abort();
	}
	smol_input_free(&in);
	return 0;
}
