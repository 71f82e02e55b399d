/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The directory of root images: see roots.h. */
#include "image/roots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "image/capture.h"

#define LOCK_WAIT_MS (30 * 60000)
#define LOCK_POLL_MS 200

/* Nobody has the lock, or why it is not waited for any longer. 1: it is. */
static int wait_on(smol_deadline deadline, struct smol_err *err)
{
	if (smol_capture_interrupted)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	if (errno != EWOULDBLOCK && errno != EINTR)
		return smol_err_errno(err, SMOL_E_IO, errno, "the lock of root images");
	if (smol_poll_ms(deadline) == 0)
		return smol_err_set(err, SMOL_E_DEADLINE, "somebody else makes a root image");
	usleep(LOCK_POLL_MS * 1000);
	return 1;
}

int smol_roots_lock(const char *dir, smol_step_fn step, struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("%s/.lock", dir);
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;
	smol_deadline deadline = smol_in_ms(LOCK_WAIT_MS);
	smol_auto_close int fd = -1;
	bool said = false;

	/* One that is not there yet is made. */
	if (smol_path_images_check(&why) < 0 && why.code == SMOL_E_INVALID)
		return smol_err_move(err, &why);
	if (smol_mkdir_p(dir, 0755, err) < 0)
		return smol_err_hint(err, "set SMOLSH_IMAGES to a directory that can be written");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		smol_err_errno(err, SMOL_E_IO, errno, "cannot write root images to %s", dir);
		return smol_err_hint(err, "set SMOLSH_IMAGES to a directory that can be written");
	}
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK && step && !said) {
			step("waiting for another root image to be made");
			errno = EWOULDBLOCK;
		}
		said = true;
		if (wait_on(deadline, err) < 0)
			return -1;
	}
	return smol_steal_fd(&fd);
}

/* Is it the digest of one of these, or of a VM that is there? */
static bool wanted(struct smol_root *const *all, char *const *used, const char *digest)
{
	for (; *all; all++)
		if (strcmp((*all)->digest, digest) == 0)
			return true;
	for (; *used; used++)
		if (strncmp(*used, digest, 64) == 0)
			return true;
	return false;
}

/* The digests that VMs use; links of VMs that are gone go. NULL-terminated. */
static char **used_digests(const char *dir)
{
	smol_auto_closedir DIR *d = opendir(dir);
	char **list = smol_alloc(sizeof(*list));
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		smol_auto_free char *path = smol_asprintf("%s/%s", dir, e->d_name);

		if (strncmp(e->d_name, SMOL_ROOT_USED, strlen(SMOL_ROOT_USED)) != 0)
			continue;
		if (access(path, F_OK) < 0) {
			unlink(path);
			continue;
		}
		list = smol_realloc(list, (n + 2) * sizeof(*list));
		list[n++] = smol_strdup(e->d_name + strlen(SMOL_ROOT_USED));
		list[n] = NULL;
	}
	return list;
}

void smol_roots_sweep(const char *dir)
{
	smol_auto_root_list struct smol_root **all = smol_root_list(NULL);
	smol_auto_closedir DIR *d = opendir(dir);
	char **used = used_digests(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		smol_auto_free char *path = smol_asprintf("%s/%s", dir, e->d_name);
		size_t n = strlen(e->d_name);

		if (n != 64 + 9 || strcmp(e->d_name + 64, ".squashfs") != 0)
			continue;
		e->d_name[64] = '\0';
		if (!wanted(all, used, e->d_name))
			unlink(path);
	}
	smol_path_list_free(used);
}

int smol_root_remove(const struct smol_root *r, struct smol_err *err)
{
	smol_auto_free char *record = smol_root_record(r->name);
	smol_auto_free char *dir = smol_strndup(record, (size_t)(strrchr(record, '/') - record));
	smol_auto_close int lock = smol_roots_lock(dir, NULL, err);

	if (lock < 0)
		return -1;
	if (unlink(record) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", record);
	smol_roots_sweep(dir);
	return 0;
}
