/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cp: files to, from and between guests. Either end is a path here, VM:path, or - . */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/commands.h"
#include "shell/filter.h"
#include "shell/output.h"
#include "shell/parse.h"
#include "shell/patience.h"
#include "shell/progress.h"
#include "vm/lifecycle.h"
#include "vsock/files.h"

struct end {
	const char *word;
	const char *path;   /* within the word */
	struct smol_vm *vm; /* NULL: it is here */
	struct smol_client *client;
	struct smol_patience patience;
	bool std; /* "-" */
};

struct copy {
	struct smol_shell *sh;
	struct end src, dst;
	bool recursive;
	char *name; /* of the source, without its directories; or NULL */
	struct smol_signals signals;
	struct smol_progress progress;
	struct smol_filter filter; /* stdout is a terminal */
	bool filtered, reader_gone;
	const struct smol_client *who; /* that said why it failed */
	uint64_t total;		       /* bytes of a source that is here; 0: not known */
};

static void close_copy(struct copy *c)
{
	smol_progress_end(&c->progress);
	smol_signals_close(&c->signals);
	smol_client_close(c->src.client);
	smol_client_close(c->dst.client);
	smol_vm_free(c->src.vm);
	smol_vm_free(c->dst.vm);
	free(c->name);
}

static int find_end(struct smol_shell *sh, const char *word, struct end *e, struct smol_err *err)
{
	const char *colon = strchr(word, ':');
	smol_auto_free char *vm = NULL;

	*e = (struct end){.word = word, .path = word, .std = strcmp(word, "-") == 0};
	/* "./a:b" and "/a:b" are files here. */
	if (!colon || colon == word || memchr(word, '/', (size_t)(colon - word)))
		return *word ? 0 : smol_err_set(err, SMOL_E_USAGE, "cp: an empty path");
	vm = smol_strndup(word, (size_t)(colon - word));
	e->path = *(colon + 1) ? colon + 1 : ".";
	e->vm = smol_shell_vm(sh, vm, err);
	return e->vm ? 0 : -1;
}

/* The last component: what a copy into a directory is called. NULL for "/", "." and "..". */
static char *base_of(const char *path)
{
	size_t n = strlen(path), from;

	while (n && path[n - 1] == '/')
		n--;
	for (from = n; from && path[from - 1] != '/'; from--)
		;
	return smol_files_name_ok(path + from, n - from) ? smol_strndup(path + from, n - from)
							 : NULL;
}

/* Either end may be paused. */
static int64_t more_patience(void *ctx)
{
	struct copy *c = ctx;
	int64_t a = c->src.vm ? smol_patience_more(&c->src.patience) : 0;
	int64_t b = c->dst.vm ? smol_patience_more(&c->dst.patience) : 0;

	return a > b ? a : b;
}

static int dial(struct copy *c, struct end *e, struct smol_err *err)
{
	struct smol_vsock_addr addr;

	if (!e->vm)
		return 0;
	if (smol_vm_agent_addr(e->vm, &addr, err) < 0)
		return -1;
	e->client = smol_client_open(&addr, e->vm->token, smol_in_ms(SMOL_DIAL_TIMEOUT_MS), err);
	if (!e->client)
		return -1;
	smol_patience_begin(&e->patience, c->sh->registry, e->vm);
	smol_client_set_patience(e->client, more_patience, c);
	return 0;
}

static int on_wake(void *ctx)
{
	(void)ctx;
	return -1;
}

static void on_progress(
    void *ctx, const struct smol_file_counts *counts, const struct smol_file_entry *file)
{
	struct copy *c = ctx;
	uint64_t total = c->total;

	if (file && !file->depth && file->kind == SMOL_FILE_PLAIN &&
	    file->size != SMOL_FILES_SIZE_UNKNOWN)
		total = file->size;
	smol_progress_show(&c->progress, counts, total);
}

/* Not smol_io_write_all(): a reader that has stopped must not keep Ctrl-C from working. */
static int put_stdout(struct copy *c, const char *data, size_t n)
{
	struct pollfd p[] = {
	    {.fd = STDOUT_FILENO, .events = POLLOUT}, {.fd = c->signals.fd, .events = POLLIN}};

	while (n) {
		ssize_t w;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -1;
		if (p[1].revents) {
			errno = EINTR;
			return -1;
		}
		w = write(STDOUT_FILENO, data, n);
		if (w < 0 && errno != EINTR && errno != EAGAIN) {
			c->reader_gone = errno == EPIPE;
			return -1;
		}
		if (w > 0) {
			data += w;
			n -= (size_t)w;
		}
	}
	return 0;
}

static int on_content(void *ctx, const char *data, size_t n)
{
	struct copy *c = ctx;
	smol_auto_buf struct smol_buf b = {0};

	if (!c->filtered)
		return put_stdout(c, data, n);
	smol_filter_terminal(&c->filter, data, n, &b);
	return put_stdout(c, smol_buf_head(&b), smol_buf_len(&b));
}

static int get(struct copy *c, const struct smol_files_io *io, struct smol_file_counts *counts,
    struct smol_err *err)
{
	struct smol_files_request q = {.path = (char *)c->src.path, .recursive = c->recursive};
	struct smol_files_target t = {
	    .path = c->dst.path, .name = c->name, .modes = 0777, .ctx = c};
	smol_auto_files_receiver struct smol_files_receiver *r = NULL;
	int64_t most = 0;
	int rc;

	/* The agent obeys the limit as well; but its word is a guest's. */
	if (c->src.vm->config.limits)
		smol_json_int(c->src.vm->config.limits, "file_bytes", 0, INT64_MAX, &most);
	t.max_bytes = (uint64_t)most;
	if (c->dst.std)
		t.write = on_content;
	r = smol_files_receiver_open(&t, err);
	rc = r ? smol_client_get(c->src.client, &q, r, io, counts, err) : -1;
	if (c->dst.std && c->filtered && !c->reader_gone) {
		smol_auto_buf struct smol_buf b = {0};

		smol_filter_end(&c->filter, true, &b);
		put_stdout(c, smol_buf_head(&b), smol_buf_len(&b));
	}
	return rc;
}

static int put(
    struct copy *c, struct smol_files_io *io, struct smol_file_counts *counts, struct smol_err *err)
{
	struct smol_files_request q = {.path = (char *)c->dst.path, .name = c->name};
	smol_auto_files_sender struct smol_files_sender *s = NULL;
	struct stat st;
	int rc;

	if (c->src.std) {
		io->source_fd = STDIN_FILENO;
		s = smol_files_sender_of_fd(STDIN_FILENO);
	} else {
		s = smol_files_sender_open(c->src.path, c->recursive, 0, err);
		if (s && stat(c->src.path, &st) == 0 && S_ISREG(st.st_mode))
			c->total = (uint64_t)st.st_size;
	}
	rc = s ? smol_client_put(c->dst.client, &q, s, io, counts, err) : -1;
	/* Only the sender knows what it left out. */
	if (rc == 0)
		counts->skipped = smol_files_sender_counts(s)->skipped;
	return rc;
}

static int between(struct copy *c, const struct smol_files_io *io, struct smol_file_counts *counts,
    struct smol_err *err)
{
	struct smol_files_request from = {.path = (char *)c->src.path, .recursive = c->recursive};
	struct smol_files_request to = {.path = (char *)c->dst.path, .name = c->name};

	return smol_client_pass(c->src.client, &from, c->dst.client, &to, io, counts, err);
}

static int check_ends(const struct copy *c, struct smol_err *err)
{
	if (!c->src.vm && !c->dst.vm) {
		smol_err_set(err, SMOL_E_USAGE, "cp: neither %s nor %s is in a VM", c->src.word,
		    c->dst.word);
		return smol_err_hint(err, "cp FILE VM:path, or cp VM:path FILE");
	}
	if (c->src.std && c->sh->stdin_taken) {
		smol_err_set(err, SMOL_E_USAGE,
		    "cp -: the script itself comes from stdin, so there is none to send");
		return smol_err_hint(err, "give the script with -f FILE or -c TEXT");
	}
	if (c->dst.std && c->sh->json)
		return smol_err_set(
		    err, SMOL_E_USAGE, "cp to - and --json both want to write to stdout");
	return 0;
}

/* A VM that died, or an agent that did, is told as that; what a guest says is told as its word: a
 * path may be there and here. */
static int failed(struct copy *c, struct smol_err *err)
{
	const struct end *ends[] = {&c->src, &c->dst};
	bool lost = err->code == SMOL_E_RESET || err->code == SMOL_E_REFUSED ||
		    err->code == SMOL_E_DEADLINE;

	if (c->reader_gone)
		return SMOL_EXIT_READER_GONE;
	if (err->code == SMOL_E_INTERRUPTED ||
	    (c->dst.std && poll(&(struct pollfd){.fd = c->signals.fd, .events = POLLIN}, 1, 0) > 0))
		return smol_shell_interrupted(c->sh, &c->signals, err);
	for (size_t i = 0; i < 2 && lost; i++)
		if (ends[i]->vm && err->code != SMOL_E_VM_DIED)
			smol_vm_explain(c->sh->registry, ends[i]->vm, err);
	for (size_t i = 0; i < 2 && !lost; i++)
		if (ends[i]->client && ends[i]->client == c->who)
			smol_err_wrap(err, "in VM '%s'", ends[i]->vm->name);
	return -1;
}

static int finish(struct copy *c, const struct smol_file_counts *counts)
{
	if (counts->skipped)
		smol_out_notice(c->sh,
		    "%lld left out that are neither files nor directories nor links",
		    (long long)counts->skipped);
	if (c->sh->json)
		smol_out_data(c->sh, smol_file_counts_encode(counts));
	return 0;
}

static int run_cp(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	__attribute__((cleanup(close_copy))) struct copy c = {.sh = sh,
	    .signals = SMOL_SIGNALS_INIT,
	    .recursive = smol_args_flag(args, "recursive"),
	    .filtered = isatty(STDOUT_FILENO)};
	struct smol_files_io io = {
	    .wake = on_wake, .progress = on_progress, .ctx = &c, .source_fd = -1, .who = &c.who};
	struct smol_file_counts counts = {0};
	int rc;

	if (find_end(sh, args->words[0], &c.src, err) < 0 ||
	    find_end(sh, args->words[1], &c.dst, err) < 0 || check_ends(&c, err) < 0 ||
	    dial(&c, &c.src, err) < 0 || dial(&c, &c.dst, err) < 0 ||
	    smol_signals_open(&c.signals, err) < 0)
		return -1;
	c.name = c.src.std ? NULL : base_of(c.src.path);
	io.wake_fd = c.signals.fd;
	fflush(stdout);
	smol_progress_start(&c.progress, sh, c.src.word);
	if (c.src.vm && c.dst.vm)
		rc = between(&c, &io, &counts, err);
	else
		rc = c.src.vm ? get(&c, &io, &counts, err) : put(&c, &io, &counts, err);
	smol_progress_end(&c.progress);
	return rc < 0 ? failed(&c, err) : finish(&c, &counts);
}

static const struct smol_option cp_options[] = {
    {.name = "recursive", .letter = 'r', .help = "copy a directory, with all that is in it"},
    {0},
};

static const struct smol_positional cp_words[] = {
    {"SRC", SMOL_ONE, "a path, VM:path, or - for stdin", SMOL_COMPLETE_PLACE, NULL},
    {"DST", SMOL_ONE, "a path, VM:path, or - for stdout", SMOL_COMPLETE_PLACE, NULL},
    {0},
};

const struct smol_command smol_cmd_cp[] = {
    {
	.name = "cp",
	.summary = "copy files to, from and between VMs",
	.description =
	    "One of the two is in a VM, or both. Into a directory that exists the copy\n"
	    "goes under its own name. Modes and times are kept (out of a VM without the\n"
	    "set-user-ID bits), links within a directory are copied as links, holes stay\n"
	    "holes, and a file gets its name only when its SHA-256 is found right.\n"
	    "A relative path in a VM begins at the home of its user.",
	.examples = "smolsh cp app.tar web:/tmp/\n"
		    "smolsh cp -r web:/var/log ./logs\n"
		    "smolsh cp web:/etc/hosts db:/etc/hosts\n"
		    "smolsh cp - web:/etc/motd < motd.txt",
	.options = {cp_options},
	.positionals = cp_words,
	.run = run_cp,
    },
    {0},
};
