/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One command in several guests: see many.h. The children lead sessions of their own, so that a
 * Ctrl-C reaches them through us alone, as often as it was pressed.
 */
#include "shell/many.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/spawn.h"
#include "shell/many_impl.h"
#include "shell/output.h"

#define PRESSES_TO_KILL 4 /* a child leaves by itself at the third */

/* Options that are ours, or that each child is told by us. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = {"group", "json", "quiet", "verbose", "raw", "help"};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(ours); i++)
		if (strcmp(ours[i], name) == 0)
			return true;
	return false;
}

static void push(char ***words, size_t *n, char *word)
{
	*words = smol_realloc(*words, (*n + 2) * sizeof(**words));
	(*words)[(*n)++] = word;
	(*words)[*n] = NULL;
}

/* The child's words; caller frees each and the array. */
static char **child_words(const struct smol_many *m, const char *program, const char *id)
{
	const struct smol_args *args = m->args;
	char **words = NULL;
	size_t n = 0;

	push(&words, &n, smol_strdup(program));
	push(&words, &n, smol_strdup("exec"));
	if (m->sh->json)
		push(&words, &n, smol_strdup("--json"));
	if (m->sh->quiet)
		push(&words, &n, smol_strdup("--quiet"));
	if (m->sh->verbose)
		push(&words, &n, smol_strdup("--verbose"));
	for (int i = 0; i < args->ngiven; i++) {
		const struct smol_arg *a = &args->given[i];

		if (!is_ours(a->option->name))
			push(&words, &n,
			    smol_asprintf("--%s%s%s", a->option->name, a->text ? "=" : "",
				a->text ? a->text : ""));
	}
	push(&words, &n, smol_strdup(id));
	if (args->dashes)
		push(&words, &n, smol_strdup("--"));
	for (int i = 0; i < args->nguest; i++)
		push(&words, &n, smol_strdup(args->guest[i]));
	return words;
}

static void free_words(char **words)
{
	for (char **w = words; w && *w; w++)
		free(*w);
	free(words);
}

/* Both ends of a pipe: ours does not block, the child's is as any program expects it. */
static int make_pipe(int *ours, int *theirs, struct smol_err *err)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "pipe");
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	*ours = p[0];
	*theirs = p[1];
	return 0;
}

static int begin(struct smol_many *m, struct smol_many_vm *v, struct smol_err *err)
{
	smol_auto_free char *program = realpath("/proc/self/exe", NULL);
	char **words = child_words(m, program ? program : "smolsh", v->id);
	smol_auto_close int out = -1, errs = -1;
	struct smol_spawn s = {.argv = (const char *const *)words,
	    .nfds = 3,
	    .die_with_parent = true,
	    .new_session = true};
	int rc = -1;

	v->begun = true;
	if (make_pipe(&v->out.fd, &out, err) == 0 && make_pipe(&v->err.fd, &errs, err) == 0) {
		s.fds[0] = -1;
		s.fds[1] = out;
		s.fds[2] = errs;
		rc = smol_spawn(&s, &v->pid, NULL, err);
	}
	free_words(words);
	return rc;
}

void smol_many_signals(struct smol_many *m)
{
	int sig;

	while ((sig = smol_signals_take(&m->signals))) {
		int code = 128 + sig;

		m->presses += sig == SIGINT;
		if (sig != SIGINT || m->presses >= 3)
			m->leave = m->leave ? m->leave : code;
		if (m->presses >= PRESSES_TO_KILL)
			sig = SIGKILL;
		for (int i = 0; i < m->n; i++)
			if (m->vms[i].pid > 0)
				kill(m->vms[i].pid, sig);
	}
}

static void end_stream(struct smol_many *m, struct smol_many_vm *v, struct smol_many_stream *s)
{
	smol_many_take(m, v, s, NULL, 0);
	close(smol_steal_fd(&s->fd));
}

static void read_stream(struct smol_many *m, struct smol_many_vm *v, struct smol_many_stream *s)
{
	char data[16384];
	ssize_t n = read(s->fd, data, sizeof(data));

	if (n > 0)
		smol_many_take(m, v, s, data, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		end_stream(m, v, s);
}

/* Nobody but the child holds its pipes: at their end it is as good as over. */
static void end_child(struct smol_many_vm *v)
{
	int status = 0;

	if (v->pid <= 0)
		return;
	if (smol_spawn_wait(v->pid, -1, SMOL_NEVER, &status) < 0)
		v->code = 125;
	else
		v->code = WIFEXITED(status) ? WEXITSTATUS(status) : 125;
	v->pid = 0;
}

/* Those that run, in p behind the signals' own; how many. */
static nfds_t watch(const struct smol_many *m, struct pollfd *p, struct smol_many_vm **who)
{
	nfds_t n = 1;

	p[0] = (struct pollfd){.fd = m->signals.fd, .events = POLLIN};
	for (int i = 0; i < m->n; i++) {
		struct smol_many_vm *v = &m->vms[i];
		int fds[] = {v->out.fd, v->err.fd};

		for (int k = 0; k < 2; k++) {
			if (fds[k] < 0)
				continue;
			who[n] = v;
			p[n++] = (struct pollfd){.fd = fds[k], .events = POLLIN};
		}
	}
	return n;
}

/* As many as there is room for; one that cannot even be begun ends the whole. */
static int begin_some(struct smol_many *m, struct smol_err *err)
{
	int running = 0;

	for (int i = 0; i < m->n; i++)
		running += m->vms[i].pid > 0;
	for (int i = 0; i < m->n && running < SMOL_MANY_AT_ONCE; i++) {
		if (m->vms[i].begun)
			continue;
		if (begin(m, &m->vms[i], err) < 0)
			return -1;
		running++;
	}
	return 0;
}

static int loop(struct smol_many *m, struct smol_err *err)
{
	struct pollfd p[SMOL_MANY_AT_ONCE * 2 + 1];
	struct smol_many_vm *who[SMOL_MANY_AT_ONCE * 2 + 1];

	for (;;) {
		nfds_t n;

		if (!m->presses && !m->leave && !m->reader_gone && begin_some(m, err) < 0)
			return -1;
		n = watch(m, p, who);
		if (n == 1)
			return 0;
		/* Each child has its own deadlines. */
		if (poll(p, n, -1) < 0 && errno != EINTR)
			return smol_err_errno(err, SMOL_E_IO, errno, "poll");
		smol_many_signals(m);
		for (nfds_t i = 1; i < n; i++) {
			struct smol_many_vm *v = who[i];

			if (!p[i].revents)
				continue;
			read_stream(m, v, p[i].fd == v->out.fd ? &v->out : &v->err);
			if (v->out.fd < 0 && v->err.fd < 0)
				end_child(v);
		}
		for (int i = 0; m->reader_gone && i < m->n; i++)
			if (m->vms[i].pid > 0)
				kill(m->vms[i].pid, SIGTERM);
	}
}

static void free_all(struct smol_many *m)
{
	for (int i = 0; i < m->n; i++) {
		struct smol_many_vm *v = &m->vms[i];

		if (v->pid > 0) {
			kill(v->pid, SIGKILL);
			end_child(v);
		}
		for (int k = 0; k < 2; k++) {
			struct smol_many_stream *s = k ? &v->err : &v->out;

			if (s->fd >= 0)
				close(s->fd);
			smol_buf_free(&s->buf);
		}
		cJSON_Delete(v->envelope);
	}
	free(m->vms);
	smol_signals_close(&m->signals);
}

int smol_many_run(struct smol_shell *sh, const struct smol_args *args, const struct smol_each *e,
    struct smol_err *err)
{
	smol_auto(free_all) struct smol_many m = {.sh = sh,
	    .args = args,
	    .signals = SMOL_SIGNALS_INIT,
	    .n = e->nvms,
	    .group = smol_args_flag(args, "group"),
	    .raw = smol_args_flag(args, "raw")};

	m.vms = smol_alloc(((size_t)e->nvms + 1) * sizeof(*m.vms));
	for (int i = 0; i < e->nvms; i++) {
		int width = smol_text_width(e->vms[i]->name);

		m.vms[i] = (struct smol_many_vm){.name = e->vms[i]->name,
		    .id = e->vms[i]->id,
		    .index = i,
		    .out.fd = -1,
		    .err.fd = -1};
		m.width = width > m.width ? width : m.width;
	}
	m.filter_out = !m.raw && isatty(STDOUT_FILENO);
	m.filter_err = !m.raw && isatty(STDERR_FILENO);
	fflush(stdout);
	if (smol_signals_open(&m.signals, err) < 0 || loop(&m, err) < 0)
		return -1;
	return smol_many_finish(&m, err);
}
