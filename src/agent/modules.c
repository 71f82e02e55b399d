/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel modules: see modules.h. */
#include "agent/modules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"

#define LIST_MAX	65536
#define MODALIAS_MAX	1024
#define NEEDS_MAX	64 /* modules that one needs */
#define COMPRESSED_FILE 4  /* MODULE_INIT_COMPRESSED_FILE */

void smol_modules_open(struct smol_modules *m, const char *dir, smol_say_fn say)
{
	smol_auto_free char *dep = NULL;
	smol_auto_free char *alias = NULL;
	struct utsname u = {0};

	uname(&u);
	*m = (struct smol_modules){.say = say};
	m->dir = dir ? smol_strdup(dir) : smol_asprintf("/lib/modules/%s", u.release);
	dep = smol_asprintf("%s/modules.dep", m->dir);
	alias = smol_asprintf("%s/modules.alias", m->dir);
	if (smol_file_read(dep, LIST_MAX, &m->dep, NULL) < 0)
		smol_buf_clear(&m->dep);
	if (smol_file_read(alias, LIST_MAX, &m->alias, NULL) < 0)
		smol_buf_clear(&m->alias);
}

void smol_modules_close(struct smol_modules *m)
{
	for (int i = 0; i < m->ntried; i++)
		free(m->tried[i]);
	free(m->dir);
	smol_buf_free(&m->dep);
	smol_buf_free(&m->alias);
	*m = (struct smol_modules){0};
}

static bool ends_with(const char *s, const char *end)
{
	size_t a = strlen(s), b = strlen(end);

	return a >= b && strcmp(s + a - b, end) == 0;
}

static int insert(const char *path)
{
	smol_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (syscall(SYS_finit_module, fd, "", ends_with(path, ".ko") ? 0 : COMPRESSED_FILE) == 0)
		return 0;
	return errno == EEXIST ? 0 : -1;
}

/* Once: the kernel would read all of it to find that it has it. */
static int load(struct smol_modules *m, const char *file)
{
	smol_auto_free char *path =
	    *file == '/' ? smol_strdup(file) : smol_asprintf("%s/%s", m->dir, file);

	for (int i = 0; i < m->ntried; i++)
		if (strcmp(m->tried[i], path) == 0)
			return 0;
	if (insert(path) < 0) {
		m->say("module %s: %s", path, strerror(errno));
		return -1;
	}
	if (m->ntried < SMOL_MODULES_TRIED)
		m->tried[m->ntried++] = smol_steal(&path);
	return 0;
}

int smol_modules_load(struct smol_modules *m, const char *list)
{
	smol_auto_buf struct smol_buf b = {0};
	char *line;
	int failed = 0;

	if (smol_file_read(list, LIST_MAX, &b, NULL) < 0)
		return 0;
	smol_buf_puts(&b, "\n");
	while ((line = smol_buf_line(&b, NULL)))
		if (*line && *line != '#' && load(m, line) < 0)
			failed++;
	return failed;
}

/* Is this the file of the module of that name ("virtio_rng", "kernel/…/virtio-rng.ko")? */
static bool is_file_of(const char *path, size_t n, const char *name)
{
	const char *slash = memrchr(path, '/', n);

	if (slash) {
		n -= (size_t)(slash + 1 - path);
		path = slash + 1;
	}
	for (; n && *name && (*path == *name || (*path == '-' && *name == '_')); n--) {
		path++;
		name++;
	}
	return !*name && n >= 3 && memcmp(path, ".ko", 3) == 0;
}

/* "kernel/a.ko: kernel/b.ko kernel/c.ko": c is needed by b. */
static int load_line(struct smol_modules *m, const char *line)
{
	smol_auto_free char *copy = smol_strdup(line);
	char *rest = copy, *word, *files[NEEDS_MAX];
	int n = 0, failed = 0;

	copy[strcspn(copy, ":")] = ' ';
	while (n < NEEDS_MAX && (word = strsep(&rest, " \t\r")))
		if (*word)
			files[n++] = word;
	while (n > 0 && !failed)
		failed = load(m, files[--n]) < 0;
	return failed;
}

static int load_by_name(struct smol_modules *m, const char *name)
{
	smol_auto_free char *text = smol_strdup(smol_buf_str(&m->dep));
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (is_file_of(line, strcspn(line, ":"), name))
			return load_line(m, line);
	return 0;
}

int smol_modules_serve(struct smol_modules *m, const char *modalias)
{
	smol_auto_free char *text = smol_strdup(smol_buf_str(&m->alias));
	char *rest = text, *line;
	int failed = 0;

	while ((line = strsep(&rest, "\n"))) {
		char *word = strsep(&line, " "), *pattern = strsep(&line, " ");

		if (pattern && line && strcmp(word, "alias") == 0 &&
		    fnmatch(pattern, modalias, 0) == 0)
			failed += load_by_name(m, line);
	}
	return failed;
}

int smol_modules_scan(struct smol_modules *m, const char *devices)
{
	smol_auto_closedir DIR *d = opendir(devices);
	struct dirent *e;
	int failed = 0;

	while (d && (e = readdir(d))) {
		smol_auto_close int fd = -1;
		smol_auto_free char *path = smol_asprintf("%s/modalias", e->d_name);
		char text[MODALIAS_MAX];
		ssize_t n;

		if (*e->d_name == '.')
			continue;
		fd = openat(dirfd(d), path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		if (n <= 0)
			continue;
		text[n] = '\0';
		text[strcspn(text, "\n")] = '\0';
		failed += smol_modules_serve(m, text);
	}
	return failed;
}
