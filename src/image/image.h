/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guest images, as those who boot them see them: a directory per image
 *
 *   images/NAME/manifest.json  name, created, kernel version, kernel arguments, and for each part
 *                              its file name, size, SHA-256
 *   images/NAME/vmlinux        the kernel, unpacked ELF with a PVH note
 *   images/NAME/vmlinuz        the same as the distribution ships it (bzImage), where there is one
 *   images/NAME/initramfs.cpio uncompressed newc, length a multiple of 512
 *   images/NAME/verified       what a verification saw of each part (inode, size, mtime, ctime),
 *                              so that it need not be repeated until a part has changed
 *
 * Building is smolsh-image's business (it links libarchive; this does not).
 */
#ifndef SMOL_IMAGE_IMAGE_H
#define SMOL_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/json.h"

#define SMOL_IMAGE_DEFAULT   "base"
#define SMOL_IMAGE_NAME_MAX  40
#define SMOL_IMAGE_PARTS_MAX 16

struct smol_image_part {
	char *role;    /* "kernel", "kernel-packed", "initramfs" */
	char *path;    /* absolute */
	char *sha256;  /* 64 hex digits */
	uint64_t size; /* bytes */
};

struct smol_image {
	char *name, *dir;
	char *kernel_version; /* "6.1.0-32-cloud-amd64" */
	char *kernel_args;    /* that this kernel wants, "" for none */
	char *agent_version;
	char *agent_sha256; /* of the agent's file, or NULL: built by an older smolsh */
	char *recipe;	    /* smol_recipe_hash() when it was built, or NULL: an older smolsh */
	char *inputs;	    /* SHA-256 over what it was built from, or NULL */
	int64_t created_ms; /* wall clock */
	struct smol_image_part *parts;
	int nparts;
};

/* "a-z0-9._-", starts with a letter or digit, at most 40 bytes. */
bool smol_image_name_ok(const char *name);
/* Find and read an image. SMOL_E_IMAGE: "no image 'x'" (hint: the command that builds it) or what
 * is wrong with its manifest. Caller frees. */
struct smol_image *smol_image_open(const char *name, struct smol_err *err);
/* The same, in this directory of images and no other. */
struct smol_image *smol_image_open_in(const char *images, const char *name, struct smol_err *err);
/*
 * Are all parts there and what the manifest says? Cheap when nothing has changed since the last
 * time. SMOL_E_IMAGE names the image, the damaged part and the mend ("smolsh image build x").
 * always: hash even if nothing seems to have changed.
 */
int smol_image_verify(const struct smol_image *img, bool always, struct smol_err *err);
/* Does it hold the very agent that lies beside this smolsh? 1 or 0; -1: that one cannot be read. */
int smol_image_agent_current(const struct smol_image *img, struct smol_err *err);
/* Does it hold the modules and files that this smolsh's images do? */
bool smol_image_recipe_current(const struct smol_image *img);
/* Path of a part, owned by img; NULL where the image has none of that role. */
const char *smol_image_part_path(const struct smol_image *img, const char *role);
/* All images of all directories, the first of each name; NULL-terminated. A broken one is left
 * out and named in *err (which may be set although a list is returned). */
struct smol_image **smol_image_list(struct smol_err *err);
void smol_image_free(struct smol_image *img);
void smol_image_list_free(struct smol_image **list);
cJSON *smol_image_json(const struct smol_image *img);

static inline void smol_auto_image_fn(struct smol_image **img)
{
	smol_image_free(*img);
}
static inline void smol_auto_image_list_fn(struct smol_image ***list)
{
	smol_image_list_free(*list);
}
#define smol_auto_image	     __attribute__((cleanup(smol_auto_image_fn)))
#define smol_auto_image_list __attribute__((cleanup(smol_auto_image_list_fn)))

#endif
