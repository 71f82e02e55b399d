/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scripts in files: see source.h. */
#include "shell/source.h"

#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "shell/grammar.h"

/* A file that is being read, and the one that named it. */
struct smol_source {
	const char *path;
	dev_t dev;
	ino_t ino;
	struct smol_source *up;
};

static int check_depth(const struct smol_shell *sh, const struct smol_source *s, const char *shown,
    struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(shown, strnlen(shown, 500));
	int depth = 1;

	for (const struct smol_source *up = sh->source; up; up = up->up, depth++)
		if (up->dev == s->dev && up->ino == s->ino && s->ino)
			return smol_err_set(
			    err, SMOL_E_USAGE, "%s would be read within itself", safe);
	if (depth > SMOL_SOURCES_MAX)
		return smol_err_set(err, SMOL_E_LIMIT, "%s: more than %d files within each other",
		    safe, SMOL_SOURCES_MAX);
	return 0;
}

int smol_source_file(
    struct smol_shell *sh, const char *path, const char *shown, struct smol_err *err)
{
	smol_auto_buf struct smol_buf text = {0};
	struct smol_source source = {.path = path, .up = sh->source};
	const char *file = sh->file;
	unsigned line = sh->line;
	struct stat st;
	int code;

	if (stat(path, &st) == 0) {
		source.dev = st.st_dev;
		source.ino = st.st_ino;
	}
	if (check_depth(sh, &source, shown, err) < 0)
		return -1;
	/* The screen would stand still. */
	if (sh->hand_on && source.ino && !S_ISREG(st.st_mode))
		return smol_err_set(err, SMOL_E_INVALID, "%s: no plain file", path);
	if (smol_file_read(path, SMOL_SCRIPT_MAX, &text, err) < 0) {
		/* A name that cannot be taken: nothing was done. */
		if (err->code == SMOL_E_NOT_FOUND)
			err->code = SMOL_E_INVALID;
		return -1;
	}
	sh->source = &source;
	sh->file = shown;
	sh->line = 0; /* none of this file runs yet */
	code = smol_shell_text(sh, smol_buf_str(&text), smol_buf_len(&text));
	sh->source = source.up;
	sh->file = file;
	sh->line = line;
	return code;
}

/* The word behind the directory that the other lies in. */
static char *beside(const char *other, const char *word)
{
	const char *slash = strrchr(other, '/');

	return slash ? smol_asprintf("%.*s/%s", (int)(slash - other), other, word)
		     : smol_strdup(word);
}

int smol_source_word(struct smol_shell *sh, const char *word, struct smol_err *err)
{
	bool here = !word || *word == '/' || !sh->source;
	smol_auto_free char *path = !word  ? smol_path_rc()
				    : here ? smol_strdup(word)
					   : beside(sh->source->path, word);
	smol_auto_free char *shown = !word  ? smol_strdup("rc")
				     : here ? smol_strdup(word)
					    : beside(sh->file, word);

	return smol_source_file(sh, path, shown, err);
}
