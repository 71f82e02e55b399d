/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Root images: root file systems that VMs have in place of the initramfs, made of a directory, a
 * tar or a container image. They lie in a directory of images:
 *
 *   images/roots/NAME.json        where it came from, and the command, variables, directory and
 *                                 user that the container image asks for
 *   images/roots/DIGEST.squashfs  the files, by the SHA-256 of that file
 *
 *   images/roots/.used-…          symbolic links to the state directories of the VMs that have
 * DIGEST as their root: as long as such a directory is there, the files stay
 *
 * A VM keeps the text of NAME.json as it was at its create, and with it the DIGEST: whatever NAME
 * becomes later, its root stays. Making one is smolsh-image's business (image/import.h).
 */
#ifndef SMOL_IMAGE_ROOT_H
#define SMOL_IMAGE_ROOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/json.h"

#define SMOL_ROOT_DEFAULTS_MAX 49152	/* bytes of what the container image wishes, as JSON */
#define SMOL_ROOT_RECORD_MAX   131072	/* bytes of NAME.json */
#define SMOL_ROOT_USED	       ".used-" /* DIGEST-ID follows */
#define SMOL_ROOTS_MAX	       1000	/* in one directory; more are not listed */

struct smol_root {
	char *name;
	char *source;  /* absolute path of what it was made of */
	char *inputs;  /* SHA-256 over that source's size and times: the same, nothing changed */
	char *digest;  /* 64 hex digits */
	uint64_t size; /* bytes of the squashfs file */
	uint64_t unpacked;  /* bytes of the files in it */
	int64_t created_ms; /* wall clock */
	/* The container image's wishes; NULL where there is none. */
	cJSON *env;	   /* object of strings */
	cJSON *entrypoint; /* array of strings */
	cJSON *cmd;	   /* array of strings */
	char *cwd, *user;
};

/* As an image's name (image.h). */
bool smol_root_name_ok(const char *name);
/* The directory that root images are written to, "…/roots"; malloc'd; not made. */
char *smol_root_dir(void);
/* Where the files of that digest are, or would be; malloc'd. */
char *smol_root_path(const char *digest);
/* The same of a name's record. */
char *smol_root_record(const char *name);
/* Is it there, and of this size? SMOL_E_IMAGE: no, with the mend. */
int smol_root_check(const struct smol_root *r, struct smol_err *err);

/*
 * A VM takes it as its root: as long as its state directory is there nobody but a remove by force
 * takes the files away. In a directory that cannot be written nobody does anyway. SMOL_E_IMAGE:
 * they have gone by now.
 */
int smol_root_use(
    const struct smol_root *r, const char *id, const char *state_dir, struct smol_err *err);
/* SMOL_E_NOT_FOUND: none of that name. Caller frees. */
struct smol_root *smol_root_open(const char *name, struct smol_err *err);
/* All by name; NULL-terminated. A broken one is left out and named in *err. */
struct smol_root **smol_root_list(struct smol_err *err);
void smol_root_free(struct smol_root *r);
void smol_root_list_free(struct smol_root **list);

/* As in NAME.json, which a VM's configuration holds as well. Decode: NULL and SMOL_E_IMAGE. */
cJSON *smol_root_encode(const struct smol_root *r);
struct smol_root *smol_root_decode(const cJSON *j, struct smol_err *err);
/* For the guest: {"env":{…},"cwd":…,"argv":[…],"user":…}, members as far as they are there. */
cJSON *smol_root_defaults(const struct smol_root *r);
/* Entrypoint and command in one; NULL-terminated, each malloc'd, as is the array; NULL: none. */
char **smol_root_argv(const struct smol_root *r);

static inline void smol_auto_root_fn(struct smol_root **r)
{
	smol_root_free(*r);
}
static inline void smol_auto_root_list_fn(struct smol_root ***list)
{
	smol_root_list_free(*list);
}
#define smol_auto_root	    __attribute__((cleanup(smol_auto_root_fn)))
#define smol_auto_root_list __attribute__((cleanup(smol_auto_root_list_fn)))

#endif
