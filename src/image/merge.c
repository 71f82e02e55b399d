/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Layers merged into one tree: see merge.h. Nodes are names, files are what the names stand for; a
 * node has the number of the layer that brought it, which is how a whiteout knows what lies below.
 */
#include "image/merge.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

#define WHITEOUT ".wh."
#define OPAQUE	 ".wh..wh..opq"
#define SHOWN	 200 /* bytes of a name in a message */

const struct smol_root_limits smol_root_limits_default = {
    .bytes = SMOL_ROOT_BYTES_MAX,
    .entries = SMOL_ROOT_ENTRIES_MAX,
    .names = SMOL_ROOT_NAMES_MAX,
    .layers = SMOL_ROOT_LAYERS_MAX,
};

struct node {
	struct node *parent, *children, *next, **link; /* *link is this: what points to it */
	struct node *bucket;			       /* the next of the same hash */
	struct smol_merge_file *file;
	int layer, depth;
	size_t path; /* bytes of the whole name */
	char name[];
};

struct smol_merge {
	struct smol_root_limits limits;
	struct node *root;
	struct node **table;
	size_t buckets, nodes;
	uint64_t bytes, entries, names; /* so far */
	uint64_t entry;			/* in this layer */
	int layer;
	bool whiteouts;
	struct smol_merge_file **list;
	size_t n;
};

static void file_drop(struct smol_merge_file *f)
{
	if (!f || --f->refs)
		return;
	for (size_t i = 0; i < f->nxattrs; i++) {
		free((char *)f->xattrs[i].name);
		free((void *)f->xattrs[i].value);
	}
	for (char **p = f->names; p && *p; p++)
		free(*p);
	free(f->names);
	free(f->xattrs);
	free(f->symlink);
	free(f);
}

static struct smol_merge_file *plain_dir(int layer)
{
	struct smol_merge_file *f = smol_alloc(sizeof(*f));

	*f = (struct smol_merge_file){.mode = S_IFDIR | 0755, .layer = layer, .refs = 1};
	return f;
}

/* FNV-1a over the parent's address and the name. */
static size_t hash(const struct smol_merge *m, const struct node *parent, const char *s, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ ((uintptr_t)parent >> 4);

	h *= UINT64_C(1099511628211);
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(1099511628211);
	return (h ^ h >> 29) & (m->buckets - 1);
}

static struct node *child(
    const struct smol_merge *m, const struct node *parent, const char *name, size_t n)
{
	struct node *k = m->table[hash(m, parent, name, n)];

	while (k && (k->parent != parent || strncmp(k->name, name, n) != 0 || k->name[n]))
		k = k->bucket;
	return k;
}

static void grow(struct smol_merge *m)
{
	struct node **old = m->table;
	size_t n = m->buckets;

	m->buckets = n ? n * 2 : 1024;
	m->table = smol_alloc(m->buckets * sizeof(struct node *));
	for (size_t i = 0; i < n; i++)
		for (struct node *k = old[i], *next; k; k = next) {
			size_t h = hash(m, k->parent, k->name, strlen(k->name));

			next = k->bucket;
			k->bucket = m->table[h];
			m->table[h] = k;
		}
	free(old);
}

/* Takes file. */
static struct node *add_node(struct smol_merge *m, struct node *parent, const char *name, size_t n,
    struct smol_merge_file *file)
{
	struct node *k = smol_alloc(sizeof(*k) + n + 1);
	size_t h;

	if (m->nodes >= m->buckets)
		grow(m);
	memcpy(k->name, name, n);
	k->file = file;
	k->layer = m->layer;
	k->parent = parent;
	k->depth = parent ? parent->depth + 1 : 0;
	k->path = parent ? parent->path + 1 + n : 0;
	h = hash(m, parent, name, n);
	k->bucket = m->table[h];
	m->table[h] = k;
	m->nodes++;
	if (parent) {
		k->next = parent->children;
		if (k->next)
			k->next->link = &k->next;
		k->link = &parent->children;
		parent->children = k;
	}
	return k;
}

static void remove_node(struct smol_merge *m, struct node *k)
{
	struct node **p = &m->table[hash(m, k->parent, k->name, strlen(k->name))];

	while (k->children)
		remove_node(m, k->children);
	while (*p != k)
		p = &(*p)->bucket;
	*p = k->bucket;
	if (k->link) {
		*k->link = k->next;
		if (k->next)
			k->next->link = k->link;
	}
	file_drop(k->file);
	free(k);
	m->nodes--;
}

/* Take away what lower layers brought, of a node and what is below it. A directory stays as long as
 * this layer has something in it. */
static void hide(struct smol_merge *m, struct node *k)
{
	for (struct node *c = k->children, *next; c; c = next) {
		next = c->next;
		hide(m, c);
	}
	if (k->layer < m->layer && !k->children && k->parent)
		remove_node(m, k);
}

struct smol_merge *smol_merge_new(const struct smol_root_limits *limits)
{
	struct smol_merge *m = smol_alloc(sizeof(*m));

	m->limits = *limits;
	m->layer = -1;
	grow(m);
	m->root = add_node(m, NULL, "", 0, plain_dir(-1));
	return m;
}

void smol_merge_free(struct smol_merge *m)
{
	if (!m)
		return;
	remove_node(m, m->root);
	free(m->table);
	free(m->list);
	free(m);
}

int smol_merge_layer(struct smol_merge *m, bool whiteouts, struct smol_err *err)
{
	if (++m->layer >= m->limits.layers)
		return smol_err_set(
		    err, SMOL_E_LIMIT, "it has more than %d layers", m->limits.layers);
	m->whiteouts = whiteouts;
	m->entry = 0;
	return 0;
}

static int bad_name(struct smol_err *err, const char *path, const char *why)
{
	smol_auto_free char *shown = smol_escape(path, strnlen(path, SHOWN));

	return smol_err_set(err, SMOL_E_INVALID, "the name '%s' %s", shown, why);
}

/* The next component of *path; 0 where there is none, and -1 where it cannot be. "." is passed. */
static ssize_t component(const char **path, const char **name)
{
	const char *p = *path;
	size_t n;

	for (;;) {
		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (n != 1 || *p != '.')
			break;
		p++;
	}
	*name = p;
	*path = p + n;
	return n > NAME_MAX ? -1 : (ssize_t)n;
}

/*
 * The node that a symbolic link at k stands for, or NULL: as within chroot(), a leading slash is
 * the root, and ".." there stays there. What is not there is not made.
 */
static struct node *follow(struct smol_merge *m, struct node *k, int *links)
{
	const char *path, *name;
	struct node *at;
	ssize_t n;

	while (k && S_ISLNK(k->file->mode)) {
		if (++*links > SMOL_ROOT_LINKS_MAX)
			return NULL;
		path = k->file->symlink;
		at = *path == '/' ? m->root : k->parent;
		while (at && (n = component(&path, &name)) != 0) {
			if (n == 2 && memcmp(name, "..", 2) == 0)
				at = at->parent ? at->parent : at;
			else
				at = n < 0 ? NULL : follow(m, child(m, at, name, (size_t)n), links);
		}
		k = at;
	}
	return k;
}

/* A layer says that there is a directory: what is of another kind gives way. */
static struct node *enter(
    struct smol_merge *m, struct node *at, const char *name, size_t n, int *links)
{
	struct node *k = child(m, at, name, n);
	struct node *to = k && S_ISLNK(k->file->mode) ? follow(m, k, links) : k;

	if (*links > SMOL_ROOT_LINKS_MAX)
		return NULL;
	if (to && S_ISDIR(to->file->mode))
		return to;
	if (k)
		remove_node(m, k);
	return add_node(m, at, name, n, plain_dir(m->layer));
}

/* The directory of the last component of path, made where it is missing (or, with make not set,
 * NULL and no error); *name and *len are that component, "" for the root itself. */
static int walk(struct smol_merge *m, const char *path, bool make, struct node **dir,
    const char **name, size_t *len, struct smol_err *err)
{
	const char *p = path, *next;
	int links = 0;
	ssize_t n, after;

	if (*path == '/')
		return bad_name(err, path, "is absolute");
	*dir = m->root;
	*len = 0;
	n = component(&p, name);
	for (; n > 0; n = after, *name = next) {
		if (n == 2 && memcmp(*name, "..", 2) == 0)
			return bad_name(err, path, "leads out of the root (..)");
		after = component(&p, &next);
		if (after == 0)
			break;
		/* Counted in the tree: through a symbolic link a short name leads deep down. */
		if ((*dir)->depth >= SMOL_ROOT_DEPTH_MAX || (*dir)->path + (size_t)n >= PATH_MAX)
			return bad_name(err, path, "lies too deep");
		if (!make) {
			*dir = follow(m, child(m, *dir, *name, (size_t)n), &links);
			if (!*dir)
				return 0;
			continue;
		}
		*dir = enter(m, *dir, *name, (size_t)n, &links);
		if (!*dir)
			return bad_name(err, path, "leads through symbolic links without end");
	}
	if (n < 0)
		return bad_name(err, path, "has a part that is too long");
	*len = (size_t)n;
	return 0;
}

static int hard_link(struct smol_merge *m, const struct smol_merge_entry *e,
    struct smol_merge_file **file, struct smol_err *err)
{
	smol_auto_free char *shown = NULL;
	struct node *dir = NULL, *k = NULL;
	const char *name = NULL;
	size_t n = 0;

	if (walk(m, e->hardlink, false, &dir, &name, &n, err) < 0)
		return -1;
	if (dir && n)
		k = child(m, dir, name, n);
	if (!k || S_ISDIR(k->file->mode)) {
		shown = smol_escape(e->hardlink, strnlen(e->hardlink, SHOWN));
		bad_name(err, e->path, "is a hard link to what is not there");
		return smol_err_wrap(err, "%s", shown);
	}
	k->file->refs++;
	*file = k->file;
	return 0;
}

static int count(struct smol_merge *m, const struct smol_merge_entry *e, struct smol_err *err)
{
	size_t attrs = 0;
	char text[16];

	for (size_t i = 0; i < e->nxattrs; i++)
		attrs += strlen(e->xattrs[i].name) + e->xattrs[i].size;
	if (attrs > SMOL_ROOT_XATTRS_MAX)
		return bad_name(err, e->path, "has too large extended attributes");
	m->names += strlen(e->path) + attrs + (e->symlink ? strlen(e->symlink) : 0);
	/* Nodes, too: one name can make many directories. */
	if (++m->entries > m->limits.entries || m->nodes > m->limits.entries)
		return smol_err_set(err, SMOL_E_LIMIT, "it has more than %llu files",
		    (unsigned long long)m->limits.entries);
	if (m->names > m->limits.names)
		return smol_err_set(err, SMOL_E_LIMIT,
		    "its names and attributes are longer than %llu bytes together",
		    (unsigned long long)m->limits.names);
	if (!S_ISREG(e->mode) || e->hardlink)
		return 0;
	if (e->size > m->limits.bytes || (m->bytes += e->size) > m->limits.bytes) {
		smol_size_text(m->limits.bytes, text);
		return smol_err_set(
		    err, SMOL_E_LIMIT, "its files are larger than %s together", text);
	}
	return 0;
}

/* What the guest's overlay would take for its own notes is nobody's to bring. */
static bool wanted_xattr(const char *name)
{
	return strncmp(name, "trusted.overlay.", 16) != 0 &&
	       strncmp(name, "user.overlay.", 13) != 0;
}

static int new_file(struct smol_merge *m, const struct smol_merge_entry *e,
    struct smol_merge_file **file, struct smol_err *err)
{
	struct smol_merge_file *f;

	if (e->uid < 0 || e->uid >= UINT32_MAX || e->gid < 0 || e->gid >= UINT32_MAX)
		return bad_name(err, e->path, "has an owner that is out of range");
	if (S_ISLNK(e->mode) && (!e->symlink || !*e->symlink || strlen(e->symlink) >= PATH_MAX))
		return bad_name(
		    err, e->path, "is a symbolic link whose target is empty or too long");
	if (!S_ISREG(e->mode) && !S_ISDIR(e->mode) && !S_ISLNK(e->mode) && !S_ISCHR(e->mode) &&
	    !S_ISBLK(e->mode) && !S_ISFIFO(e->mode))
		return bad_name(err, e->path, "is of no kind that a file can be");
	f = smol_alloc(sizeof(*f));
	*f = (struct smol_merge_file){.mode = e->mode,
	    .uid = (uint32_t)e->uid,
	    .gid = (uint32_t)e->gid,
	    .mtime = e->mtime < 0	     ? 0
		     : e->mtime > UINT32_MAX ? UINT32_MAX
					     : e->mtime,
	    .size = S_ISREG(e->mode) ? e->size : 0,
	    .major = e->major,
	    .minor = e->minor,
	    .symlink = S_ISLNK(e->mode) ? smol_strdup(e->symlink) : NULL,
	    .layer = m->layer,
	    .entry = m->entry,
	    .refs = 1};
	f->xattrs = e->nxattrs ? smol_alloc(e->nxattrs * sizeof(*f->xattrs)) : NULL;
	for (size_t i = 0; i < e->nxattrs; i++) {
		void *value;

		if (!wanted_xattr(e->xattrs[i].name))
			continue;
		value = smol_alloc(e->xattrs[i].size + 1);
		memcpy(value, e->xattrs[i].value, e->xattrs[i].size);
		f->xattrs[f->nxattrs++] =
		    (struct smol_xattr){smol_strdup(e->xattrs[i].name), value, e->xattrs[i].size};
	}
	*file = f;
	return 0;
}

/* 1: it was one, and has been done. */
static int whiteout(struct smol_merge *m, const char *given, struct smol_err *err)
{
	smol_auto_free char *path = NULL;
	const char *base, *name = NULL;
	struct node *dir = NULL, *k;
	size_t n = strlen(given);

	if (!m->whiteouts || !strstr(given, WHITEOUT))
		return 0;
	/* The slash behind a directory's name is no part of it. */
	while (n > 1 && given[n - 1] == '/')
		n--;
	path = smol_strndup(given, n);
	base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	if (strncmp(base, WHITEOUT, 4) != 0)
		return 0;
	if (walk(m, path, false, &dir, &name, &n, err) < 0)
		return -1;
	base += 4;
	if (!*base || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return bad_name(err, path, "is a whiteout of nothing that can be");
	if (!dir)
		return 1;
	if (strcmp(base - 4, OPAQUE) == 0) {
		for (struct node *next, *c = dir->children; c; c = next) {
			next = c->next;
			hide(m, c);
		}
	} else if (strncmp(base, WHITEOUT, 4) != 0) {
		k = child(m, dir, base, strlen(base));
		if (k)
			hide(m, k);
	}
	return 1;
}

static int put(struct smol_merge *m, const struct smol_merge_entry *e, struct smol_err *err)
{
	struct smol_merge_file *file = NULL;
	struct node *dir = NULL, *k;
	const char *name = NULL;
	size_t n = 0;

	if (walk(m, e->path, true, &dir, &name, &n, err) < 0)
		return -1;
	if ((e->hardlink ? hard_link(m, e, &file, err) : new_file(m, e, &file, err)) < 0)
		return -1;
	k = n ? child(m, dir, name, n) : m->root;
	if (!n && !S_ISDIR(file->mode)) {
		file_drop(file);
		return bad_name(err, e->path, "is the root, and no directory");
	}
	if (dir->depth >= SMOL_ROOT_DEPTH_MAX || dir->path + n >= PATH_MAX) {
		file_drop(file);
		return bad_name(err, e->path, "lies too deep");
	}
	if (k && S_ISDIR(k->file->mode) && S_ISDIR(file->mode)) {
		file_drop(k->file);
		k->file = file;
		k->layer = m->layer;
		return 0;
	}
	if (k)
		remove_node(m, k);
	add_node(m, dir, name, n, file);
	return 0;
}

int smol_merge_add(struct smol_merge *m, const struct smol_merge_entry *e, struct smol_err *err)
{
	int rc;

	if (strlen(e->path) >= PATH_MAX)
		return bad_name(err, e->path, "is too long");
	rc = count(m, e, err);
	if (rc == 0)
		rc = whiteout(m, e->path, err);
	/* A socket is made by who listens on it. */
	if (rc == 0 && !S_ISSOCK(e->mode))
		rc = put(m, e, err);
	m->entry++;
	return rc < 0 ? -1 : 0;
}

static void add_name(struct smol_merge *m, struct smol_merge_file *f, const char *path)
{
	size_t n = f->nnames++;

	/* Doubled at 1, 2, 4, …; a NULL follows the last. */
	if ((n & (n - 1)) == 0 || !n)
		f->names = smol_realloc(f->names, (n ? n * 2 + 1 : 2) * sizeof(*f->names));
	f->names[n] = smol_strdup(path);
	f->names[n + 1] = NULL;
	if (n)
		return;
	if ((m->n & (m->n - 1)) == 0)
		m->list = smol_realloc(m->list, (m->n ? m->n * 2 : 1) * sizeof(*m->list));
	m->list[m->n++] = f;
}

static void collect(struct smol_merge *m, struct node *k, struct smol_buf *path)
{
	size_t len = smol_buf_len(path);

	if (k->parent) {
		smol_buf_printf(path, "%s%s", len ? "/" : "", k->name);
		add_name(m, k->file, smol_buf_str(path));
	}
	for (struct node *c = k->children; c; c = c->next)
		collect(m, c, path);
	path->end = path->start + len;
}

static int by_place(const void *a, const void *b)
{
	const struct smol_merge_file *x = *(struct smol_merge_file *const *)a;
	const struct smol_merge_file *y = *(struct smol_merge_file *const *)b;

	if (S_ISREG(x->mode) != S_ISREG(y->mode))
		return S_ISREG(x->mode) ? 1 : -1;
	if (!S_ISREG(x->mode))
		return strcmp(x->names[0], y->names[0]);
	return x->layer != y->layer   ? (x->layer < y->layer ? -1 : 1)
	       : x->entry != y->entry ? (x->entry < y->entry ? -1 : 1)
				      : 0;
}

struct smol_merge_file **smol_merge_finish(struct smol_merge *m, size_t *n)
{
	smol_auto_buf struct smol_buf path = {0};

	collect(m, m->root, &path);
	if (m->n)
		qsort(m->list, m->n, sizeof(*m->list), by_place);
	*n = m->n;
	return m->list;
}

const struct smol_merge_file *smol_merge_root(const struct smol_merge *m)
{
	return m->root->file;
}
