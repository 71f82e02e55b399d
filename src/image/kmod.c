/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel modules: see kmod.h. */
#include "image/kmod.h"

#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"
#include "image/elf.h"
#include "image/kernel.h"

#define DEPTH_MAX 64 /* of modules that need modules */

static const char signature_magic[] = "~Module signature appended~\n";

/* "kernel/drivers/virtio/virtio-rng.ko.xz" → "virtio_rng". NULL when it is no module's name. */
static char *name_of(const char *path, size_t n)
{
	const char *slash = memrchr(path, '/', n), *suffix;
	char *name;

	if (slash) {
		n -= (size_t)(slash + 1 - path);
		path = slash + 1;
	}
	suffix = memmem(path, n, ".ko", 3);
	if (!suffix || suffix == path)
		return NULL;
	name = smol_strndup(path, (size_t)(suffix - path));
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

bool smol_kmod_is_file(const char *path)
{
	static const char *const suffixes[] = {".ko", ".ko.xz", ".ko.gz", ".ko.zst"};
	size_t n = strlen(path);

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(suffixes); i++) {
		size_t len = strlen(suffixes[i]);

		if (n > len && strcmp(path + n - len, suffixes[i]) == 0)
			return true;
	}
	return false;
}

int smol_kmods_add(struct smol_kmods *k, const char *path, const char *file, struct smol_buf *data,
    struct smol_err *err)
{
	struct smol_kmod *m;
	char *ko;

	if (k->n >= SMOL_KMODS_MAX)
		return smol_err_set(
		    err, SMOL_E_LIMIT, "more than %d kernel modules", SMOL_KMODS_MAX);
	m = smol_alloc(sizeof(*m));
	m->path = smol_strdup(path);
	ko = strstr(m->path, ".ko");
	for (char *next = ko; next; next = strstr(next + 1, ".ko"))
		ko = next;
	if (ko)
		ko[3] = '\0';
	m->name = name_of(m->path, strlen(m->path));
	if (!m->name)
		m->name = smol_strdup(m->path);
	m->file = smol_strdup(file);
	if (data) {
		m->data = *data;
		*data = (struct smol_buf){0};
	}
	if ((k->n & (k->n + 1)) == 0) /* full at 2^i - 1 */
		k->list = smol_realloc(k->list, 2 * (k->n + 1) * sizeof(struct smol_kmod *));
	k->list[k->n++] = m;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct smol_kmod *const *x = a, *const *y = b;
	int c = strcmp((*x)->name, (*y)->name);

	return c ? c : strcmp((*x)->path, (*y)->path);
}

void smol_kmods_sort(struct smol_kmods *k)
{
	if (k->n)
		qsort(k->list, k->n, sizeof(struct smol_kmod *), by_name);
}

struct smol_kmod *smol_kmods_find(const struct smol_kmods *k, const char *name)
{
	smol_auto_free char *plain = smol_strdup(name);
	size_t lo = 0, hi = k->n;

	for (char *p = plain; *p; p++)
		if (*p == '-')
			*p = '_';
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(k->list[mid]->name, plain);

		if (c == 0)
			return k->list[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static void free_names(char **names)
{
	for (char **p = names; p && *p; p++)
		free(*p);
	free(names);
}

static char **add_name(char **names, size_t *n, char *name)
{
	names = smol_realloc(names, (*n + 2) * sizeof(char *));
	names[(*n)++] = name;
	names[*n] = NULL;
	return names;
}

/* The next run of bytes that are neither space nor newline; false at the end. */
static bool word(const char **p, const char *end, const char *separators, size_t *len)
{
	while (*p < end && strchr(separators, **p))
		(*p)++;
	*len = 0;
	while (*p + *len < end && !strchr(separators, (*p)[*len]))
		(*len)++;
	return *len > 0;
}

void smol_kmods_parse_builtin(struct smol_kmods *k, const char *text, size_t n)
{
	const char *p = text, *end = text + n;
	size_t len, count = 0;

	free_names(k->builtin);
	k->builtin = NULL;
	for (; word(&p, end, " \t\r\n", &len) && count < SMOL_KMODS_MAX; p += len) {
		char *name = name_of(p, len);

		if (name)
			k->builtin = add_name(k->builtin, &count, name);
	}
}

bool smol_kmods_is_builtin(const struct smol_kmods *k, const char *name)
{
	for (char **b = k->builtin; b && *b; b++) {
		const char *x = *b, *y = name;

		while (*x && (*x == *y || (*x == '_' && *y == '-'))) {
			x++;
			y++;
		}
		if (!*x && !*y)
			return true;
	}
	return false;
}

/* "kernel/a.ko.xz: kernel/b.ko.xz kernel/c.ko.xz" */
static void parse_dep_line(struct smol_kmods *k, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n), *end = line + n, *p;
	smol_auto_free char *name = colon ? name_of(line, (size_t)(colon - line)) : NULL;
	struct smol_kmod *m = name ? smol_kmods_find(k, name) : NULL;
	char **deps = smol_alloc(sizeof(char *));
	size_t len, count = 0;

	if (!m || m->deps) {
		free(deps);
		return;
	}
	p = colon + 1;
	for (; word(&p, end, " \t\r", &len) && count < 256; p += len) {
		char *dep = name_of(p, len);

		if (dep)
			deps = add_name(deps, &count, dep);
	}
	m->deps = deps;
}

void smol_kmods_parse_dep(struct smol_kmods *k, const char *text, size_t n)
{
	const char *end = text + n;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((nl ? nl : end) - text);

		parse_dep_line(k, text, len);
		text += len + 1;
	}
}

int smol_kmod_read(struct smol_kmod *m, struct smol_err *err)
{
	smol_auto_buf struct smol_buf raw = {0};
	const unsigned char *p;

	if (smol_buf_len(&m->data) || !m->file)
		return 0;
	if (smol_file_read(m->file, SMOL_KMOD_SIZE_MAX, &raw, err) < 0)
		return -1;
	p = (const unsigned char *)smol_buf_str(&raw);
	if (smol_buf_len(&raw) < 4 || memcmp(p, "\177ELF", 4) != 0) {
		if (smol_decompress(p, smol_buf_len(&raw), SMOL_KMOD_SIZE_MAX, &m->data, err) < 0)
			return smol_err_wrap(err, "%s", m->file);
		return 0;
	}
	m->data = raw;
	raw = (struct smol_buf){0};
	return 0;
}

void smol_kmod_strip_signature(struct smol_kmod *m)
{
	const size_t magic = sizeof(signature_magic) - 1, info = 12;
	size_t n = smol_buf_len(&m->data), len;
	const unsigned char *end;

	if (n < magic + info)
		return;
	end = (const unsigned char *)smol_buf_head(&m->data) + n - magic;
	if (memcmp(end, signature_magic, magic) != 0)
		return;
	/* struct module_signature ends with the signature's length, big-endian. */
	len = (size_t)end[-4] << 24 | (size_t)end[-3] << 16 | (size_t)end[-2] << 8 | end[-1];
	if (len <= n - magic - info)
		m->data.end -= magic + info + len;
}

char *smol_modinfo(const void *module, size_t n, const char *field, unsigned nth)
{
	size_t len, want = strlen(field);
	const char *p = smol_elf_section(module, n, ".modinfo", &len);

	while (p && len) {
		size_t one = strnlen(p, len);

		if (one > want && memcmp(p, field, want) == 0 && p[want] == '=' && nth-- == 0)
			return smol_strndup(p + want + 1, one - want - 1);
		one += one < len;
		p += one;
		len -= one;
	}
	return NULL;
}

/* Fill in m->deps from its .modinfo ("depends=a,b"), unless they are known. */
static int learn_deps(struct smol_kmod *m, struct smol_err *err)
{
	smol_auto_free char *depends = NULL;
	const char *p, *end;
	size_t len, count = 0;

	if (m->deps)
		return 0;
	if (smol_kmod_read(m, err) < 0)
		return -1;
	depends = smol_modinfo(smol_buf_str(&m->data), smol_buf_len(&m->data), "depends", 0);
	m->deps = smol_alloc(sizeof(char *));
	p = depends ? depends : "";
	end = p + strlen(p);
	for (; word(&p, end, ",", &len) && count < 256; p += len)
		m->deps = add_name(m->deps, &count, smol_strndup(p, len));
	return 0;
}

enum { MARK_NEW, MARK_OPEN, MARK_DONE };

static int visit(struct smol_kmods *k, const char *name, const char *needed_by, int depth,
    struct smol_kmod ***order, size_t *n, struct smol_err *err)
{
	struct smol_kmod *m = smol_kmods_find(k, name);
	smol_auto_free char *shown = smol_escape(name, strlen(name));

	if (!m && smol_kmods_is_builtin(k, name))
		return 0;
	if (!m && needed_by)
		return smol_err_set(err, SMOL_E_NOT_FOUND,
		    "kernel module %s needs %s, which is neither a module nor built in", needed_by,
		    shown);
	if (!m)
		return smol_err_set(err, SMOL_E_NOT_FOUND,
		    "%s is neither a module nor built into this kernel", shown);
	if (m->mark == MARK_DONE)
		return 0;
	if (m->mark == MARK_OPEN || depth > DEPTH_MAX)
		return smol_err_set(err, SMOL_E_INVALID,
		    "kernel modules need each other: %s and %s", needed_by ? needed_by : shown,
		    shown);
	m->mark = MARK_OPEN;
	if (learn_deps(m, err) < 0)
		return -1;
	for (char **d = m->deps; *d; d++)
		if (visit(k, *d, m->name, depth + 1, order, n, err) < 0)
			return -1;
	m->mark = MARK_DONE;
	*order = smol_realloc(*order, (*n + 2) * sizeof(struct smol_kmod *));
	(*order)[(*n)++] = m;
	(*order)[*n] = NULL;
	return 0;
}

int smol_kmods_order(struct smol_kmods *k, const char *name, struct smol_kmod ***order, size_t *n,
    struct smol_err *err)
{
	size_t had = *n;
	int rc;

	for (size_t i = 0; i < k->n; i++)
		k->list[i]->mark = MARK_NEW;
	for (size_t i = 0; i < *n; i++)
		(*order)[i]->mark = MARK_DONE;
	rc = visit(k, name, NULL, 0, order, n, err);
	if (rc < 0 && *order) {
		*n = had;
		(*order)[had] = NULL;
	}
	return rc;
}

void smol_kmods_free(struct smol_kmods *k)
{
	for (size_t i = 0; i < k->n; i++) {
		struct smol_kmod *m = k->list[i];

		free(m->name);
		free(m->path);
		free(m->file);
		smol_buf_free(&m->data);
		free_names(m->deps);
		free(m);
	}
	free(k->list);
	free_names(k->builtin);
	*k = (struct smol_kmods){0};
}
