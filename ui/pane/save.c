/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A text into a file: see save.h. */
#include "ui/pane/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"
#include "ui/app.h"

#define SAVE_MS 10000 /* to write a file */

static void say(struct smol_app *a, char *text)
{
	smol_app_say(a, text);
	free(text);
}

/* What is to be written while its name, or whether to overwrite it, is asked. */
static struct {
	char *text, *path; /* owned */
	mode_t mode;
} saving;

char *smol_save_path(const char *name)
{
	const char *home = getenv("HOME");

	if (home && *name == '~' && (name[1] == '/' || !name[1]))
		return smol_asprintf("%s%s", home, name + 1);
	return smol_strdup(name);
}

static void say_saved(struct smol_app *a)
{
	size_t lines = 0;

	for (const char *s = saving.text; *s; s++)
		lines += *s == '\n';
	say(a,
	    smol_asprintf("%zu line%s written to %s", lines, lines == 1 ? "" : "s", saving.path));
}

static void on_overwrite(struct smol_app *a, bool yes)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (!yes)
		return;
	if (smol_file_write(saving.path, saving.text, strlen(saving.text), saving.mode, &err) < 0)
		smol_app_say(a, err.msg);
	else
		say_saved(a);
}

static void on_save(struct smol_app *a, const char *name, bool accepted)
{
	struct stat st;
	int fd;

	if (!accepted || !*name)
		return;
	free(saving.path);
	saving.path = smol_save_path(name);
	fd = open(saving.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, saving.mode);
	if (fd < 0 && errno == EEXIST) {
		if (stat(saving.path, &st) < 0 || !S_ISREG(st.st_mode))
			say(a, smol_asprintf("%s is no plain file", saving.path));
		else
			smol_question_then(a, "overwrite",
			    smol_asprintf("Overwrite %s?", saving.path), on_overwrite);
		return;
	}
	if (fd < 0 ||
	    smol_io_write_all(fd, saving.text, strlen(saving.text), smol_in_ms(SAVE_MS)) < 0)
		say(a, smol_asprintf("cannot write %s: %s", saving.path, strerror(errno)));
	else
		say_saved(a);
	if (fd >= 0)
		close(fd);
}

void smol_save_ask(
    struct smol_app *a, const char *label, const char *initial, char *text, mode_t mode)
{
	free(saving.text);
	saving.text = text;
	saving.mode = mode;
	smol_entry_open(&a->entry, label, initial, NULL, on_save);
}
