/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is shown of a command in several guests: lines marked with the VM's name, each written in
 * one piece; groups of VMs that said the same; or JSON.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "shell/many_impl.h"
#include "shell/output.h"

#define NAMES_MAX 20 /* of VMs with one exit code */
#define HEAD_MAX  34 /* columns of a group's names beside its output; longer: above it */

static bool is_err(const struct smol_many_vm *v, const struct smol_many_stream *s)
{
	return s == &v->err;
}

/* A reader that has stopped must not keep Ctrl-C from working. */
static void put(struct smol_many *m, int fd, const char *data, size_t n)
{
	while (n && !m->reader_gone && m->leave == 0) {
		ssize_t w = write(fd, data, n);

		if (w >= 0) {
			data += w;
			n -= (size_t)w;
		} else if (errno == EAGAIN) {
			struct pollfd p[] = {
			    {.fd = fd, .events = POLLOUT}, {.fd = m->signals.fd, .events = POLLIN}};

			poll(p, 2, -1);
			smol_many_signals(m);
		} else if (errno == EINTR) {
			smol_many_signals(m);
		} else {
			m->write_errno = errno;
			m->reader_gone = true;
		}
	}
}

/* A guest's line as it may be shown: filtered for a terminal. */
static void add_line(struct smol_buf *b, bool filtered, const char *line, size_t n)
{
	struct smol_filter f = {0};

	if (!filtered) {
		smol_buf_append(b, line, n);
		return;
	}
	smol_filter_terminal(&f, line, n, b);
	smol_filter_end(&f, true, b);
}

/* "web  | text"; the VM's own colour for its name. */
static void put_line(
    struct smol_many *m, const struct smol_many_vm *v, bool err, const char *line, size_t n)
{
	static const char *const colors[] = {"36", "33", "32", "35", "34", "31"};
	bool color = err ? m->sh->color_err : m->sh->color_out;
	smol_auto_buf struct smol_buf b = {0};
	int pad = m->width - smol_text_width(v->name);

	if (color)
		smol_buf_printf(&b, "\033[%sm%s%*s |\033[0m ",
		    colors[(size_t)v->index % SMOL_ARRAY_SIZE(colors)], v->name, pad, "");
	else
		smol_buf_printf(&b, "%s%*s | ", v->name, pad, "");
	add_line(&b, err ? m->filter_err : m->filter_out, line, n);
	/* A colour that the guest left on is not to run on into another VM's line. */
	if (color && memchr(line, '\033', n))
		smol_buf_puts(&b, "\033[0m");
	smol_buf_puts(&b, "\n");
	put(m, err ? STDERR_FILENO : STDOUT_FILENO, smol_buf_head(&b), smol_buf_len(&b));
}

static void take_text(struct smol_many *m, struct smol_many_vm *v, struct smol_many_stream *s,
    const char *data, size_t n)
{
	bool err = is_err(v, s), end = n == 0;
	char *line;
	size_t len;

	smol_buf_append(&s->buf, data, n);
	while ((line = smol_buf_line(&s->buf, &len)))
		put_line(m, v, err, line, len);
	len = smol_buf_len(&s->buf);
	if (len > SMOL_MANY_LINE_MAX || (end && len)) {
		put_line(m, v, err, smol_buf_head(&s->buf), len);
		smol_buf_clear(&s->buf);
	}
}

static void keep(struct smol_many_stream *s, const char *data, size_t n)
{
	size_t room = SMOL_MANY_GROUP_MAX - smol_buf_len(&s->buf);

	s->cut = s->cut || n > room;
	smol_buf_append(&s->buf, data, n < room ? n : room);
}

/* A line of the child's --json: output goes on with the VM's name, the envelope is kept. */
static void take_json_line(struct smol_many *m, struct smol_many_vm *v, const char *line, size_t n)
{
	cJSON *j = smol_json_parse_object(line, n, NULL);

	if (j && smol_json_str(j, "stream")) {
		smol_auto_free char *text = NULL;
		smol_auto_buf struct smol_buf b = {0};

		smol_json_add_str(j, "vm", v->name);
		text = smol_json_print(j);
		smol_buf_printf(&b, "%s\n", text);
		put(m, STDOUT_FILENO, smol_buf_head(&b), smol_buf_len(&b));
	} else if (j && !v->envelope) {
		v->envelope = smol_steal(&j);
	}
	cJSON_Delete(j);
}

static void take_json(struct smol_many *m, struct smol_many_vm *v, struct smol_many_stream *s,
    const char *data, size_t n)
{
	char *line;
	size_t len;

	/* A child has nothing to say on stderr that its envelope does not hold. */
	if (is_err(v, s)) {
		take_text(m, v, s, data, n);
		return;
	}
	smol_buf_append(&s->buf, data, n);
	while ((line = smol_buf_line(&s->buf, &len)))
		take_json_line(m, v, line, len);
	if (smol_buf_len(&s->buf) > SMOL_MANY_JSON_MAX)
		smol_buf_clear(&s->buf);
}

void smol_many_take(struct smol_many *m, struct smol_many_vm *v, struct smol_many_stream *s,
    const char *data, size_t n)
{
	if (m->sh->json)
		take_json(m, v, s, data, n);
	else if (m->group)
		keep(s, data, n);
	else
		take_text(m, v, s, data, n);
}

static bool same_buf(const struct smol_many_stream *a, const struct smol_many_stream *b)
{
	size_t n = smol_buf_len(&a->buf);

	return a->cut == b->cut && n == smol_buf_len(&b->buf) &&
	       (!n || memcmp(smol_buf_head(&a->buf), smol_buf_head(&b->buf), n) == 0);
}

static bool same(const struct smol_many_vm *a, const struct smol_many_vm *b)
{
	return a->begun == b->begun && a->code == b->code && same_buf(&a->out, &b->out) &&
	       same_buf(&a->err, &b->err);
}

struct group {
	const struct smol_many_vm *first;
	int n;
	char *head; /* owned */
};

/* The largest first; of equals the one whose first VM was named first. */
static int by_size(const void *pa, const void *pb)
{
	const struct group *a = pa, *b = pb;

	return a->n != b->n ? b->n - a->n : a->first->index - b->first->index;
}

/* "web, db (2 VMs, exit 3)" */
static char *head_of(const struct smol_many *m, const struct group *g)
{
	struct smol_buf b = {0};

	for (int i = 0; i < m->n; i++)
		if (same(&m->vms[i], g->first))
			smol_buf_printf(&b, "%s%s", smol_buf_len(&b) ? ", " : "", m->vms[i].name);
	smol_buf_printf(&b, " (%d VM%s", g->n, g->n == 1 ? "" : "s");
	if (!g->first->begun)
		smol_buf_puts(&b, ", not begun");
	else if (g->first->code)
		smol_buf_printf(&b, ", exit %d", g->first->code);
	smol_buf_puts(&b, ")");
	return smol_buf_take(&b);
}

/* The lines of a stream, each behind `indent` blanks but for the very first of the group. */
static void put_lines(
    struct smol_many *m, const struct smol_many_stream *s, bool err, int indent, bool *first)
{
	const char *p = smol_buf_head(&s->buf), *end = p + smol_buf_len(&s->buf);

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		smol_auto_buf struct smol_buf b = {0};
		bool red = err && m->sh->color_out;

		smol_buf_printf(&b, "%*s%s", *first ? 0 : indent, "", red ? "\033[31m" : "");
		add_line(&b, m->filter_out, p, n);
		smol_buf_puts(&b, m->sh->color_out ? "\033[0m\n" : "\n");
		put(m, STDOUT_FILENO, smol_buf_head(&b), smol_buf_len(&b));
		*first = false;
		p += n + 1;
	}
	if (s->cut) {
		smol_auto_free char *text = smol_asprintf(
		    "%*s(more than %d KiB: cut)\n", indent, "", SMOL_MANY_GROUP_MAX / 1024);

		put(m, STDOUT_FILENO, text, strlen(text));
	}
}

static void put_group(struct smol_many *m, const struct group *g, int column)
{
	bool color = m->sh->color_out, first = column > 0;
	bool empty = !smol_buf_len(&g->first->out.buf) && !smol_buf_len(&g->first->err.buf);
	smol_auto_buf struct smol_buf b = {0};
	int indent = column ? column : 4;

	smol_buf_printf(&b, "%s%s%s", color ? "\033[1m" : "", g->head, color ? "\033[0m" : "");
	if (!column || empty)
		smol_buf_puts(&b, "\n");
	else
		smol_buf_printf(&b, "%*s", column - smol_text_width(g->head), "");
	put(m, STDOUT_FILENO, smol_buf_head(&b), smol_buf_len(&b));
	put_lines(m, &g->first->out, false, indent, &first);
	put_lines(m, &g->first->err, true, indent, &first);
}

static void put_groups(struct smol_many *m)
{
	smol_auto_free struct group *groups = smol_alloc(((size_t)m->n + 1) * sizeof(*groups));
	int n = 0, column = 0;

	for (int i = 0; i < m->n; i++) {
		int k = 0;

		while (k < n && !same(groups[k].first, &m->vms[i]))
			k++;
		if (k == n)
			groups[n++].first = &m->vms[i];
		groups[k].n++;
	}
	qsort(groups, (size_t)n, sizeof(*groups), by_size);
	for (int i = 0; i < n; i++) {
		int width;

		groups[i].head = head_of(m, &groups[i]);
		width = smol_text_width(groups[i].head) + 2;
		column = width > column ? width : column;
	}
	if (column > HEAD_MAX)
		column = 0;
	for (int i = 0; i < n; i++) {
		put_group(m, &groups[i], column);
		free(groups[i].head);
	}
}

/* {"vm":…,"exit_code":…,"ok":…} and what the child's envelope holds. */
static cJSON *result_of(const struct smol_many_vm *v, struct smol_err *first)
{
	cJSON *j = cJSON_CreateObject(), *copy;
	const cJSON *e = smol_json_get(v->envelope, "error"), *member;
	bool ok = v->envelope && smol_json_bool(v->envelope, "ok", false);

	smol_json_add_str(j, "vm", v->name);
	smol_json_add_bool(j, "ok", ok);
	smol_json_add_int(j, "exit_code", v->code);
	cJSON_ArrayForEach (member, smol_json_get(v->envelope, "data"))
		if (!smol_json_get(j, member->string) && (copy = cJSON_Duplicate(member, true)))
			cJSON_AddItemToObject(j, member->string, copy);
	if (e)
		cJSON_AddItemToObject(j, "error", cJSON_Duplicate(e, true));
	if (!ok && first->code == SMOL_E_NONE) {
		const char *message = smol_json_str(e, "message"), *hint = smol_json_str(e, "hint");

		smol_err_set(first, smol_code_from_name(smol_json_str(e, "code")), "%s: %s",
		    v->name,
		    message    ? message
		    : v->begun ? "no result"
			       : "not begun");
		if (hint)
			smol_err_hint(first, "%s", hint);
	}
	return j;
}

static void put_json(struct smol_many *m)
{
	smol_auto_err struct smol_err first = SMOL_ERR_INIT;
	cJSON *list = cJSON_CreateArray();

	for (int i = 0; i < m->n; i++)
		cJSON_AddItemToArray(list, result_of(&m->vms[i], &first));
	if (first.code != SMOL_E_NONE)
		smol_out_data_failed(m->sh, list, &first);
	else
		smol_out_data(m->sh, list);
}

/* "exit 3: web, db": whose command failed, which need not have said a word. */
static void tell_codes(struct smol_many *m)
{
	for (int i = 0; i < m->n; i++) {
		smol_auto_buf struct smol_buf who = {0};
		int code = m->vms[i].begun ? m->vms[i].code : 0, n = 0;

		for (int k = 0; k < m->n; k++) {
			if (!m->vms[k].begun || m->vms[k].code != code)
				continue;
			if (k < i)
				code = 0; /* told with that one */
			if (n++ < NAMES_MAX)
				smol_buf_printf(&who, "%s%s", n > 1 ? ", " : "", m->vms[k].name);
		}
		if (!code)
			continue;
		if (n > NAMES_MAX)
			smol_buf_printf(&who, " and %d more", n - NAMES_MAX);
		smol_out_notice(m->sh, "exit %d: %s", code, smol_buf_str(&who));
	}
}

int smol_many_finish(struct smol_many *m, struct smol_err *err)
{
	int code = 0;

	if (m->presses || m->leave)
		m->sh->interrupted = true;
	for (int i = 0; i < m->n; i++)
		code = smol_each_worse(code, m->vms[i].code);
	if (!m->reader_gone && m->sh->json)
		put_json(m);
	else if (!m->reader_gone && m->group)
		put_groups(m);
	else if (!m->reader_gone)
		tell_codes(m);
	/* Groups are written only now. */
	if (m->reader_gone && m->write_errno != EPIPE)
		return smol_err_errno(err, SMOL_E_IO, m->write_errno, "cannot write the output");
	if (m->reader_gone)
		return SMOL_EXIT_READER_GONE;
	return m->leave ? m->leave : m->presses && !code ? 130 : code;
}
