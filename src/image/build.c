/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Building an image: see build.h.
 *
 * Invariants: everything is written into ".NAME.new" beside the target, synced, and put in the
 * target's place by one rename at the end. Whoever builds NAME holds a lock on ".NAME.lock", a file
 * that goes with it; so a ".NAME.new" that the holder finds is what a killed build has left, and
 * goes.
 */
#include "image/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "image/capture.h"
#include "image/hash.h"
#include "image/manifest.h"
#include "image/recipe.h"
#include "image/rootfs.h"

#define LOCK_WAIT_MS (10 * 60000)
#define LOCK_POLL_MS 200
#define SETTLE_MS    30

/* One build under way. */
struct work {
	const struct smol_build *b;
	char *images;	       /* the directory of images */
	char *target, *fresh;  /* …/NAME and …/.NAME.new */
	char *agent, *busybox; /* paths */
	char *lock_path;
	int lock;
	bool locked;		/* by us: the file goes with the lock */
	struct smol_image *img; /* its manifest, growing */
};

static void work_free(struct work *w)
{
	if (w->locked)
		unlink(w->lock_path);
	if (w->lock >= 0)
		close(w->lock);
	free(w->lock_path);
	free(w->images);
	free(w->target);
	free(w->fresh);
	free(w->agent);
	free(w->busybox);
	smol_image_free(w->img);
}

static int check_interrupt(struct smol_err *err)
{
	if (smol_capture_interrupted)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	return 0;
}

/* SOURCE_DATE_EPOCH, or -1. */
static int64_t source_date(void)
{
	const char *s = getenv("SOURCE_DATE_EPOCH");
	int64_t v;

	return s && smol_parse_int(s, 0, INT64_C(4294967295), &v) == 0 ? v : -1;
}

static int find_inputs(struct work *w, struct smol_err *err)
{
	w->agent = w->b->agent ? smol_strdup(w->b->agent) : smol_path_helper("smolsh-agent", err);
	if (!w->agent)
		return -1;
	w->busybox = w->b->busybox ? smol_strdup(w->b->busybox) : smol_path_which("busybox");
	if (!w->busybox && access("/bin/busybox", X_OK) == 0)
		w->busybox = smol_strdup("/bin/busybox");
	if (w->busybox)
		return 0;
	smol_err_set(err, SMOL_E_DEPENDENCY, "there is no busybox for the guest");
	return smol_err_hint(err, "%sapt-get install busybox-static", geteuid() ? "sudo " : "");
}

static int add_input(
    struct smol_buf *list, const char *what, const char *path, struct smol_err *err)
{
	char hex[65];

	if (smol_sha256_file(path, hex, err) < 0)
		return -1;
	smol_buf_printf(list, "%s %s\n", what, hex);
	return 0;
}

/*
 * A hash over all it is built from. Of Debian's kernel only that it is Debian's: a newer one in
 * the archive is no reason to build again unless somebody asks.
 */
static int hash_inputs(struct work *w, char hex[65], struct smol_err *err)
{
	const struct smol_build *b = w->b;
	smol_auto_buf struct smol_buf list = {0};
	char recipe[65];
	struct stat st;

	smol_recipe_hash(recipe);
	smol_buf_printf(&list, "smolsh " SMOL_VERSION "\nrecipe %s\n", recipe);
	if (add_input(&list, "agent", w->agent, err) < 0 ||
	    add_input(&list, "busybox", w->busybox, err) < 0 ||
	    (b->kernel && stat(b->kernel, &st) == 0 && S_ISREG(st.st_mode) &&
		add_input(&list, "kernel", b->kernel, err) < 0))
		return -1;
	smol_buf_printf(&list, "source %s\nmodules %s\n",
	    b->kernel	     ? "files"
	    : b->host_kernel ? "host"
			     : "debian",
	    b->modules ? b->modules : "");
	for (int i = 0; i < b->nadds; i++) {
		smol_auto_free char *file = smol_strdup(b->adds[i]);
		char *colon = strrchr(file, ':');

		*colon = '\0';
		if (add_input(&list, colon + 1, file, err) < 0)
			return -1;
	}
	smol_sha256(smol_buf_str(&list), smol_buf_len(&list), hex);
	return 0;
}

static int open_lock(struct work *w, struct smol_err *err)
{
	if (w->lock >= 0)
		close(w->lock);
	w->lock = open(w->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (w->lock >= 0)
		return 0;
	smol_err_errno(err, SMOL_E_IO, errno, "cannot write images to %s", w->images);
	return smol_err_hint(err, "set SMOLSH_IMAGES to a directory that can be written");
}

/* Whoever had it before took the file away: what is locked then is no longer what others open. */
static bool lock_is_there(const struct work *w)
{
	struct stat ours, there;

	return fstat(w->lock, &ours) == 0 && stat(w->lock_path, &there) == 0 &&
	       ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* Wait for whoever is building the same image. */
static int take_lock(struct work *w, struct smol_err *err)
{
	smol_deadline deadline = smol_in_ms(LOCK_WAIT_MS);
	bool said = false;

	w->lock_path = smol_asprintf("%s/.%s.lock", w->images, w->b->name);
	if (open_lock(w, err) < 0)
		return -1;
	while (!w->locked) {
		if (flock(w->lock, LOCK_EX | LOCK_NB) == 0) {
			w->locked = lock_is_there(w);
			if (!w->locked && open_lock(w, err) < 0)
				return -1;
			continue;
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			return smol_err_errno(err, SMOL_E_IO, errno, "%s", w->lock_path);
		if (check_interrupt(err) < 0)
			return -1;
		if (smol_poll_ms(deadline) == 0)
			return smol_err_set(err, SMOL_E_DEADLINE,
			    "image '%s' is being built by somebody else", w->b->name);
		if (!said)
			w->b->step("waiting for another build of it");
		said = true;
		usleep(LOCK_POLL_MS * 1000);
	}
	return 0;
}

static int begin(struct work *w, struct smol_err *err)
{
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;
	char **dirs = smol_path_images();

	if (smol_path_images_check(&why) < 0 && why.code == SMOL_E_INVALID) {
		smol_path_list_free(dirs);
		return smol_err_move(err, &why);
	}
	w->images = smol_strdup(dirs[0]);
	smol_path_list_free(dirs);
	w->target = smol_asprintf("%s/%s", w->images, w->b->name);
	w->fresh = smol_asprintf("%s/.%s.new", w->images, w->b->name);
	if (smol_mkdir_p(w->images, 0755, err) < 0)
		return smol_err_hint(err, "set SMOLSH_IMAGES to a directory that can be written");
	return take_lock(w, err);
}

/* Write one part of the image to the disk, and its line of the manifest. */
static int write_part(struct work *w, const char *role, const char *file, const void *data,
    size_t n, struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("%s/%s", w->fresh, file);
	smol_auto_close int fd = -1;
	struct smol_image_part *p = &w->img->parts[w->img->nparts++];
	char hex[65];

	smol_sha256(data, n, hex);
	p->role = smol_strdup(role);
	p->path = smol_asprintf("%s/%s", w->target, file);
	p->sha256 = smol_strdup(hex);
	p->size = n;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || smol_io_write_all(fd, data, n, SMOL_NEVER) < 0 || fsync(fd) < 0) {
		smol_err_errno(err, SMOL_E_IO, errno, "cannot write %s/%s", w->target, file);
		if (err && err->code == SMOL_E_NO_SPACE)
			smol_err_hint(err, "free some space in %s", w->images);
		return -1;
	}
	return check_interrupt(err);
}

static int fill_tree(
    struct work *w, struct smol_source *s, struct smol_tree *t, struct smol_err *err)
{
	bool modular = s->mods.n || s->mods.builtin;

	if (smol_rootfs_skeleton(t, err) < 0 || smol_rootfs_busybox(t, w->busybox, err) < 0 ||
	    smol_rootfs_agent(t, w->agent, err) < 0 ||
	    (modular && smol_rootfs_modules(t, s->kernel.version, &s->mods, err) < 0))
		return -1;
	for (int i = 0; i < w->b->nadds; i++) {
		smol_auto_free char *file = smol_strdup(w->b->adds[i]);
		char *colon = strrchr(file, ':');

		*colon = '\0';
		if (smol_tree_host_file(t, colon + 1, file, err) < 0)
			return smol_err_wrap(err, "--add %s", w->b->adds[i]);
	}
	return 0;
}

static int write_kernel(struct work *w, struct smol_kernel *k, struct smol_err *err)
{
	if (smol_buf_len(&k->elf) && write_part(w, "kernel", "vmlinux", smol_buf_head(&k->elf),
					 smol_buf_len(&k->elf), err) < 0)
		return -1;
	if (smol_buf_len(&k->packed) &&
	    write_part(w, "kernel-packed", "vmlinuz", smol_buf_head(&k->packed),
		smol_buf_len(&k->packed), err) < 0)
		return -1;
	return 0;
}

static char *agent_version(const struct work *w)
{
	const char *const argv[] = {w->agent, "--version", NULL};
	smol_auto_buf struct smol_buf out = {0};
	char *text, *space;

	if (smol_capture(argv, 256, &out, smol_in_ms(5000), NULL) < 0)
		return smol_strdup("?");
	text = smol_buf_str(&out);
	text[strcspn(text, "\r\n")] = '\0';
	space = strrchr(text, ' ');
	text = space ? space + 1 : text;
	return smol_escape(text, strlen(text));
}

static int write_parts(struct work *w, struct smol_err *err)
{
	smol_auto_source struct smol_source s = {0};
	smol_auto_tree struct smol_tree *t = smol_tree_new();
	smol_auto_buf struct smol_buf cpio = {0};
	int64_t date = source_date();
	int rc;

	if (w->b->kernel)
		rc = smol_source_files(&s, w->b->kernel, w->b->modules, err);
	else if (w->b->host_kernel)
		rc = smol_source_host(&s, err);
	else
		rc = smol_source_debian(&s, w->b->step, err);
	if (rc < 0 || check_interrupt(err) < 0)
		return -1;
	w->b->step("writing kernel and initramfs");
	w->img->kernel_version = smol_strdup(s.kernel.version);
	if (fill_tree(w, &s, t, err) < 0 || write_kernel(w, &s.kernel, err) < 0)
		return -1;
	if (smol_tree_write(t, date >= 0 ? (time_t)date : 0, &cpio, err) < 0)
		return -1;
	return write_part(
	    w, "initramfs", "initramfs.cpio", smol_buf_head(&cpio), smol_buf_len(&cpio), err);
}

static int write_manifest(struct work *w, struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("%s/manifest.json", w->fresh);
	smol_auto_free char *text = NULL;
	int64_t date = source_date();
	char agent[65], recipe[65];

	if (smol_sha256_file(w->agent, agent, err) < 0)
		return -1;
	smol_recipe_hash(recipe);
	w->img->agent_sha256 = smol_strdup(agent);
	w->img->recipe = smol_strdup(recipe);
	w->img->created_ms = date >= 0 ? date * 1000 : smol_wall_ms();
	w->img->kernel_args = smol_strdup("");
	w->img->agent_version = agent_version(w);
	text = smol_manifest_print(w->img);
	return smol_file_write(path, text, strlen(text), 0644, err);
}

static void sync_dir(const char *path)
{
	smol_auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		fsync(fd);
}

/* Put the new image in its place; an old one goes when the new one is there. */
static int swap_in(struct work *w, struct smol_err *err)
{
	smol_auto_free char *old = smol_asprintf("%s/.%s.old", w->images, w->b->name);

	sync_dir(w->fresh);
	if (rename(w->fresh, w->target) < 0) {
		if (errno != ENOTEMPTY && errno != EEXIST)
			return smol_err_errno(err, SMOL_E_IO, errno, "%s", w->target);
		if (renameat2(AT_FDCWD, w->fresh, AT_FDCWD, w->target, RENAME_EXCHANGE) < 0) {
			/* A file system without exchange: a moment without either. */
			smol_rmdir_r(old, NULL);
			if (rename(w->target, old) < 0)
				return smol_err_errno(err, SMOL_E_IO, errno, "%s", w->target);
			if (rename(w->fresh, w->target) < 0) {
				int saved = errno;

				rename(old, w->target);
				return smol_err_errno(err, SMOL_E_IO, saved, "%s", w->target);
			}
			smol_rmdir_r(old, NULL);
		}
	}
	sync_dir(w->images);
	smol_rmdir_r(w->fresh, NULL);
	return 0;
}

/* What a build that was killed may have left. */
static void clean_up_before(struct work *w)
{
	smol_auto_free char *old = smol_asprintf("%s/.%s.old", w->images, w->b->name);

	smol_rmdir_r(w->fresh, NULL);
	if (access(w->target, F_OK) < 0)
		rename(old, w->target);
	else
		smol_rmdir_r(old, NULL);
}

/* Is there an image already that makes building unnecessary? 1 yes (w->img is it), 0 no, -1. */
static int look_at_old(struct work *w, const char *inputs, struct smol_err *err)
{
	smol_auto_image struct smol_image *old = smol_image_open_in(w->images, w->b->name, NULL);

	if (!old || smol_image_verify(old, false, NULL) < 0)
		return 0;
	if (w->b->if_changed && old->agent_sha256 && old->inputs &&
	    strcmp(old->inputs, inputs) == 0) {
		w->img = smol_steal(&old);
		return 1;
	}
	if (w->b->force || w->b->if_changed)
		return 0;
	smol_err_set(err, SMOL_E_EXISTS, "there is an image '%s' already", w->b->name);
	return smol_err_hint(err, "smolsh image build %s --force", w->b->name);
}

static int build_new(struct work *w, const char *inputs, struct smol_err *err)
{
	if (mkdir(w->fresh, 0755) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", w->fresh);
	w->img = smol_alloc(sizeof(*w->img));
	w->img->name = smol_strdup(w->b->name);
	w->img->dir = smol_strdup(w->target);
	w->img->inputs = smol_strdup(inputs);
	w->img->parts = smol_alloc(SMOL_IMAGE_PARTS_MAX * sizeof(*w->img->parts));
	if (write_parts(w, err) < 0 || write_manifest(w, err) < 0 || check_interrupt(err) < 0 ||
	    swap_in(w, err) < 0) {
		smol_rmdir_r(w->fresh, NULL);
		return -1;
	}
	/* Leaves the stamp, so that the first VM need not hash it all; but not of files that
	 * were written in this very tick of the clock. */
	usleep(SETTLE_MS * 1000);
	return smol_image_verify(w->img, false, err);
}

struct smol_image *smol_build(const struct smol_build *b, bool *built, struct smol_err *err)
{
	smol_auto(work_free) struct work w = {.b = b, .lock = -1};
	char inputs[65];
	int there;

	*built = false;
	if (find_inputs(&w, err) < 0 || hash_inputs(&w, inputs, err) < 0 || begin(&w, err) < 0)
		return NULL;
	clean_up_before(&w);
	there = look_at_old(&w, inputs, err);
	if (there < 0)
		return NULL;
	if (there == 0) {
		if (build_new(&w, inputs, err) < 0)
			return NULL;
		*built = true;
	}
	return smol_steal(&w.img);
}

int smol_build_remove(const struct smol_image *img, struct smol_err *err)
{
	smol_auto_free char *manifest = smol_asprintf("%s/manifest.json", img->dir);

	/* Without its manifest it is no image any more, however far the rest gets. */
	if (unlink(manifest) < 0 && errno != ENOENT)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot remove image '%s'", img->name);
	return smol_rmdir_r(img->dir, err);
}
