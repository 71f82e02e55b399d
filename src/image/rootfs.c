/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest's root file system holds: see rootfs.h. */
#include "image/rootfs.h"

#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"
#include "image/capture.h"
#include "image/elf.h"
#include "image/kernel.h"
#include "image/recipe.h"

#define PROGRAM_MAX (64 * 1024 * 1024) /* bytes of busybox or the agent */
#define LIST_MAX    65536
#define ASK_MS	    30000
#define ALIASES_MAX 4096 /* of a module; more are passed over */

int smol_rootfs_skeleton(struct smol_tree *t, struct smol_err *err)
{
	for (const struct smol_recipe_dir *d = smol_recipe_dirs; d->path; d++)
		if (smol_tree_dir(t, d->path, d->mode, err) < 0)
			return -1;
	/* The kernel opens the console before anything can mount a devtmpfs. */
	if (smol_tree_node(t, "dev/console", 0600, 5, 1, err) < 0 ||
	    smol_tree_node(t, "dev/null", 0666, 1, 3, err) < 0)
		return -1;
	for (const struct smol_recipe_file *f = smol_recipe_files; f->path; f++)
		if (smol_tree_file(t, f->path, f->mode, f->text, strlen(f->text), err) < 0)
			return -1;
	return 0;
}

static int read_program(const char *path, struct smol_buf *b, struct smol_err *err)
{
	if (smol_file_read(path, PROGRAM_MAX, b, err) < 0)
		return -1;
	if (!smol_elf_ok(smol_buf_str(b), smol_buf_len(b)))
		return smol_err_set(
		    err, SMOL_E_INVALID, "%s is not a program for x86-64 (no ELF file)", path);
	return 0;
}

int smol_rootfs_busybox(struct smol_tree *t, const char *busybox, struct smol_err *err)
{
	const char *const list[] = {busybox, "--list-full", NULL};
	smol_auto_buf struct smol_buf program = {0};
	smol_auto_buf struct smol_buf applets = {0};
	smol_auto_free char *interp = NULL;
	char *line;

	if (read_program(busybox, &program, err) < 0)
		return -1;
	interp = smol_elf_interp(smol_buf_head(&program), smol_buf_len(&program));
	if (interp) {
		smol_err_set(err, SMOL_E_INVALID, "%s is not static", busybox);
		return smol_err_hint(err, "apt-get install busybox-static");
	}
	if (smol_capture(list, LIST_MAX, &applets, smol_in_ms(ASK_MS), err) < 0)
		return smol_err_wrap(err, "the applets of %s", busybox);
	if (smol_tree_file(
		t, "bin/busybox", 0755, smol_buf_head(&program), smol_buf_len(&program), err) < 0)
		return -1;
	while ((line = smol_buf_line(&applets, NULL)))
		if (strchr(line, '/') && !smol_tree_has(t, line) && /* not linuxrc */
		    smol_tree_link(t, line, "/bin/busybox", err) < 0)
			return -1;
	if (!smol_tree_has(t, "bin/sh"))
		return smol_err_set(err, SMOL_E_INVALID, "%s has no sh among its applets", busybox);
	return 0;
}

/*
 * A line of what the loader prints: "\tlibc.so.6 => /lib/…/libc.so.6 (0x…)", or for the loader
 * itself "\t/lib64/ld-linux-x86-64.so.2 (0x…)"; the kernel's vdso has no path.
 */
static int add_library(struct smol_tree *t, char *line, const char *agent, struct smol_err *err)
{
	char *path = strstr(line, "=> "), *end;

	path = path ? path + 3 : line;
	path += strspn(path, " \t");
	if (strncmp(path, "not found", 9) == 0)
		return smol_err_set(err, SMOL_E_DEPENDENCY,
		    "%s needs a library that is not there: %s", agent, line + strspn(line, " \t"));
	end = strstr(path, " (0x");
	if (*path != '/' || !end)
		return 0;
	*end = '\0';
	return smol_tree_has(t, path) ? 0 : smol_tree_host_file(t, path, path, err);
}

int smol_rootfs_agent(struct smol_tree *t, const char *agent, struct smol_err *err)
{
	smol_auto_buf struct smol_buf program = {0};
	smol_auto_buf struct smol_buf libs = {0};
	smol_auto_free char *interp = NULL;
	char *line;

	if (read_program(agent, &program, err) < 0)
		return -1;
	if (smol_tree_file(t, "init", 0755, smol_buf_head(&program), smol_buf_len(&program), err) <
	    0)
		return -1;
	interp = smol_elf_interp(smol_buf_head(&program), smol_buf_len(&program));
	if (!interp)
		return 0;
	{
		/* The loader says what it would load; it does not start the program. */
		const char *const list[] = {interp, "--list", agent, NULL};

		if (smol_capture(list, LIST_MAX, &libs, smol_in_ms(ASK_MS), err) < 0)
			return smol_err_wrap(err, "the libraries of %s", agent);
	}
	smol_buf_puts(&libs, "\n");
	while ((line = smol_buf_line(&libs, NULL)))
		if (add_library(t, line, agent, err) < 0)
			return -1;
	return smol_tree_has(t, interp) ? 0 : smol_tree_host_file(t, interp, interp, err);
}

static int check_version(const struct smol_kmod *m, const char *version, struct smol_err *err)
{
	smol_auto_free char *magic =
	    smol_modinfo(smol_buf_head(&m->data), smol_buf_len(&m->data), "vermagic", 0);
	smol_auto_free char *shown = NULL;

	if (!magic)
		return smol_err_set(
		    err, SMOL_E_INVALID, "%s is not a kernel module (no vermagic)", m->path);
	magic[strcspn(magic, " ")] = '\0';
	shown = smol_escape(magic, strlen(magic));
	if (strcmp(magic, version) != 0)
		return smol_err_set(err, SMOL_E_INVALID,
		    "the modules are for Linux %s, the kernel is %s", shown, version);
	return 0;
}

static int add_module(
    struct smol_tree *t, const char *version, struct smol_kmod *m, struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("lib/modules/%s/%s", version, m->path);

	if (smol_kmod_read(m, err) < 0 || check_version(m, version, err) < 0)
		return -1;
	/* Checking the signatures of what is loaded costs a guest some 60 ms of its boot under
	 * TCG, and proves nothing: whoever could change a module could change the kernel. */
	smol_kmod_strip_signature(m);
	return smol_tree_file(t, path, 0644, smol_buf_head(&m->data), smol_buf_len(&m->data), err);
}

/* modules.dep for modprobe: for each module everything it needs, what is needed last first. */
static int add_dep(struct smol_tree *t, const char *version, struct smol_kmods *mods,
    struct smol_kmod **all, size_t n, struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("lib/modules/%s/modules.dep", version);
	smol_auto_buf struct smol_buf text = {0};

	for (size_t i = 0; i < n; i++) {
		smol_auto_free struct smol_kmod **one = NULL;
		size_t k = 0;

		if (smol_kmods_order(mods, all[i]->name, &one, &k, err) < 0)
			return -1;
		smol_buf_printf(&text, "%s:", all[i]->path);
		for (; k > 1; k--)
			smol_buf_printf(&text, " %s", one[k - 2]->path);
		smol_buf_puts(&text, "\n");
	}
	return smol_tree_file(t, path, 0644, smol_buf_str(&text), smol_buf_len(&text), err);
}

/* modules.alias: which module serves a device, by its modalias, or a file system ("fs-NAME"). */
static int add_aliases(struct smol_tree *t, const char *version, struct smol_kmod **all, size_t n,
    struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("lib/modules/%s/modules.alias", version);
	smol_auto_buf struct smol_buf text = {0};

	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < ALIASES_MAX; k++) {
			smol_auto_free char *alias = smol_modinfo(
			    smol_buf_head(&all[i]->data), smol_buf_len(&all[i]->data), "alias", k);

			if (!alias)
				break;
			/* One that would be two words, or more than a line, is nobody's. */
			if (*alias && !strpbrk(alias, " \t\r\n"))
				smol_buf_printf(&text, "alias %s %s\n", alias, all[i]->name);
		}
	return smol_tree_file(t, path, 0644, smol_buf_str(&text), smol_buf_len(&text), err);
}

/* All that is wanted and there, each behind what it needs; *boot of them are for every boot. */
static int choose_modules(const char *version, struct smol_kmods *mods, struct smol_kmod ***all,
    size_t *n, size_t *boot, struct smol_err *err)
{
	for (const struct smol_recipe_module *w = smol_recipe_modules; w->name; w++) {
		if (!w->required && !smol_kmods_find(mods, w->name))
			continue;
		if (smol_kmods_order(mods, w->name, all, n, err) < 0) {
			if (!w->required) { /* a comfort that lacks a part: left out */
				smol_err_clear(err);
				continue;
			}
			smol_err_wrap(err, "Linux %s cannot run as a guest", version);
			return smol_err_hint(err, "give a kernel with virtio_pci and "
						  "vmw_vsock_virtio_transport, and its modules");
		}
		if (w->boot)
			*boot = *n;
	}
	return 0;
}

int smol_rootfs_modules(
    struct smol_tree *t, const char *version, struct smol_kmods *mods, struct smol_err *err)
{
	smol_auto_free struct smol_kmod **all = NULL;
	smol_auto_buf struct smol_buf order = {0};
	size_t n = 0, boot = 0;

	if (choose_modules(version, mods, &all, &n, &boot, err) < 0)
		return -1;
	for (size_t i = 0; i < boot; i++)
		smol_buf_printf(&order, "/lib/modules/%s/%s\n", version, all[i]->path);
	for (size_t i = 0; i < n; i++)
		if (add_module(t, version, all[i], err) < 0)
			return -1;
	if (n && (add_dep(t, version, mods, all, n, err) < 0 ||
		     add_aliases(t, version, all, n, err) < 0))
		return -1;
	return smol_tree_file(
	    t, "lib/smolsh/modules.order", 0644, smol_buf_str(&order), smol_buf_len(&order), err);
}
