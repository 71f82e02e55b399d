/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * smolsh: picks the face. Words on the command line, a text (-c), a file (-f), or a text on stdin
 * all go to the same shell. Nothing is decided here about VMs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "shell/grammar.h"
#include "shell/help.h"
#include "shell/output.h"
#include "shell/parse.h"
#include "shell/source.h"

/* Colours where a person looks, or where they were asked for; see no-color.org. */
static bool use_color(const struct smol_args *args, int fd)
{
	enum { AUTO, ALWAYS, NEVER };
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	int64_t when = smol_args_int(args, "color", AUTO);

	if (when != AUTO)
		return when == ALWAYS;
	return isatty(fd) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

static int fail(struct smol_shell *sh, const struct smol_err *err)
{
	smol_out_error(sh, err);
	fflush(stdout);
	return smol_err_exit_code(err);
}

/* The whole of a descriptor, up to what a script may be. */
static int read_all(int fd, struct smol_buf *b, struct smol_err *err)
{
	for (;;) {
		ssize_t n = read(fd, smol_buf_reserve(b, 65536), 65536);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return smol_err_errno(err, SMOL_E_IO, errno, "reading stdin");
		if (n == 0)
			return 0;
		smol_buf_commit(b, (size_t)n);
		if (smol_buf_len(b) > SMOL_SCRIPT_MAX)
			return smol_err_set(err, SMOL_E_LIMIT, "stdin: a text of more than %d MiB",
			    SMOL_SCRIPT_MAX / (1024 * 1024));
	}
}

static int run_text(struct smol_shell *sh, const struct smol_args *args, const char *text, size_t n)
{
	if (smol_args_flag(args, "dry-run"))
		return smol_shell_dry_run(sh, text, n);
	return smol_shell_text(sh, text, n);
}

static int run_file(struct smol_shell *sh, const struct smol_args *args, const char *path)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf b = {0};
	int code;

	if (strcmp(path, "-") == 0)
		path = "/dev/stdin";
	sh->stdin_taken = strcmp(path, "/dev/stdin") == 0;
	if (!smol_args_flag(args, "dry-run")) {
		code = smol_source_file(sh, path, path, &err);
		return code < 0 ? fail(sh, &err) : code;
	}
	sh->file = path;
	if (smol_file_read(path, SMOL_SCRIPT_MAX, &b, &err) < 0) {
		/* A name that cannot be taken: nothing was done. */
		if (err.code == SMOL_E_NOT_FOUND)
			err.code = SMOL_E_INVALID;
		return fail(sh, &err);
	}
	return smol_shell_dry_run(sh, smol_buf_str(&b), smol_buf_len(&b));
}

/* The screen, or the line prompt, is a program of its own: what it needs is not loaded for scripts.
 * Returns where there can be neither. */
static void become_screen(const struct smol_args *args)
{
	smol_auto_free char *screen = smol_path_helper("smolsh-tui", NULL), *self = NULL;
	const char *color = smol_args_str(args, "color"), *argv[8] = {"smolsh-tui"};
	int n = 1;

	self = realpath("/proc/self/exe", NULL);
	if (!screen || !self || !isatty(STDOUT_FILENO))
		return;
	if (smol_args_flag(args, "line"))
		argv[n++] = "--line";
	if (color) {
		argv[n++] = "--color";
		argv[n++] = color;
	}
	argv[n] = self;
	execv(screen, (char *const *)argv);
}

static int run_stdin(struct smol_shell *sh, const struct smol_args *args)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf b = {0};

	if (isatty(STDIN_FILENO)) {
		if (!sh->json)
			become_screen(args);
		if (!sh->json)
			smol_help_program();
		smol_err_set(&err, SMOL_E_USAGE, "no command given");
		smol_err_hint(&err, "smolsh -c 'run -- uname -a', or smolsh help");
		return fail(sh, &err);
	}
	sh->file = "stdin";
	sh->stdin_taken = true;
	if (read_all(STDIN_FILENO, &b, &err) < 0)
		return fail(sh, &err);
	return run_text(sh, args, smol_buf_str(&b), smol_buf_len(&b));
}

/* Words of the command line, as they are. */
static int run_words(
    struct smol_shell *sh, const struct smol_args *args, const char *const *words, int n)
{
	smol_auto_buf struct smol_buf line = {0};

	if (!smol_args_flag(args, "dry-run"))
		return smol_shell_command(sh, words, n);
	for (int i = 0; i < n; i++) {
		smol_auto_free char *word = smol_grammar_quote(words[i]);

		smol_buf_printf(&line, "%s ", word);
	}
	return smol_shell_dry_run(sh, smol_buf_str(&line), smol_buf_len(&line));
}

static int pick_face(struct smol_shell *sh, const struct smol_args *args, const char *const *words,
    int n, struct smol_err *err)
{
	const char *text = smol_args_str(args, "command"), *file = smol_args_str(args, "file");

	if (smol_args_flag(args, "help"))
		return smol_help_word(sh, NULL, NULL, err);
	if (smol_args_flag(args, "version"))
		return smol_shell_command(sh, (const char *[]){"version"}, 1);
	if (text && file)
		return smol_err_set(err, SMOL_E_USAGE, "-c and -f exclude each other");
	if ((text || file) && n) {
		smol_err_set(err, SMOL_E_USAGE, "%s takes no further words", text ? "-c" : "-f");
		return smol_err_hint(
		    err, text ? "quote the whole: smolsh -c 'run -- uname -a'"
			      : "options stand before -f; a script takes no words of its own");
	}
	if (text) {
		sh->file = strchr(text, '\n') ? "-c" : NULL;
		return run_text(sh, args, text, strlen(text));
	}
	if (file)
		return run_file(sh, args, file);
	return n ? run_words(sh, args, words, n) : run_stdin(sh, args);
}

int main(int argc, char **argv)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_shell struct smol_shell sh = {0};
	smol_auto_args struct smol_args args = {0};
	const char *const *words = (const char *const *)argv + 1;
	int taken, code;

	/* A reader that has gone is seen as EPIPE, where it can be answered by stopping. */
	signal(SIGPIPE, SIG_IGN);
	/* A disk that is larger than a file may be is an error to tell. */
	signal(SIGXFSZ, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "--man") == 0) {
		smol_help_man();
		return 0;
	}
	taken = smol_parse_options(&smol_program, words, argc - 1, &args, &err);
	sh.json = smol_args_flag(&args, "json");
	sh.quiet = smol_args_flag(&args, "quiet");
	sh.verbose = smol_args_flag(&args, "verbose");
	sh.keep_going = smol_args_flag(&args, "keep-going");
	sh.color_out = use_color(&args, STDOUT_FILENO);
	sh.color_err = use_color(&args, STDERR_FILENO);
	code = taken < 0 ? -1 : pick_face(&sh, &args, words + taken, argc - 1 - taken, &err);
	if (code < 0) {
		sh.json = sh.json || smol_parse_wants_json(words, argc - 1);
		code = fail(&sh, &err);
	}
	return fflush(stdout) == 0 || errno != EPIPE ? code : SMOL_EXIT_READER_GONE;
}
