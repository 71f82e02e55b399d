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

static void keep(char ***list, size_t *n, const char *digest)
{
	*list = smol_realloc(*list, (*n + 2) * sizeof(**list));
	(*list)[(*n)++] = smol_strdup(digest);
	(*list)[*n] = NULL;
}

/* The digest of a record; NULL where it cannot be told. */
static char *digest_of(const char *path)
{
	smol_auto_buf struct smol_buf text = {0};
	smol_auto_json cJSON *j = NULL;

	if (smol_file_read(path, SMOL_ROOT_RECORD_MAX, &text, NULL) == 0)
		j = smol_json_parse_object(smol_buf_str(&text), smol_buf_len(&text), NULL);
	return smol_strdup(smol_json_str(j, "digest"));
}

/*
 * The digests that this directory's records and the VMs need, NULL-terminated; links of VMs that
 * are gone go. NULL: there is a record that nobody can read. All records count, those that are not
 * listed (for there are too many, or another directory has the name) as well.
 */
static char **wanted_digests(const char *dir)
{
	smol_auto_closedir DIR *d = opendir(dir);
	char **list = smol_alloc(sizeof(*list));
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		smol_auto_free char *path = smol_asprintf("%s/%s", dir, e->d_name);
		const char *dot = strrchr(e->d_name, '.');
		smol_auto_free char *digest = NULL;

		if (strncmp(e->d_name, SMOL_ROOT_USED, strlen(SMOL_ROOT_USED)) == 0) {
			if (access(path, F_OK) < 0)
				unlink(path);
			else
				keep(&list, &n, e->d_name + strlen(SMOL_ROOT_USED));
		} else if (dot && strcmp(dot, ".json") == 0) {
			digest = digest_of(path);
			if (!digest) {
				smol_path_list_free(list);
				return NULL;
			}
			keep(&list, &n, digest);
		}
	}
	return list;
}

static bool is_wanted(char *const *list, const char *digest)
{
	for (; *list; list++)
		if (strncmp(*list, digest, 64) == 0)
			return true;
	return false;
}

void smol_roots_sweep(const char *dir)
{
	smol_auto_closedir DIR *d = opendir(dir);
	char **wanted = wanted_digests(dir);
	struct dirent *e;

	while (wanted && d && (e = readdir(d))) {
		smol_auto_free char *path = smol_asprintf("%s/%s", dir, e->d_name);
		size_t n = strlen(e->d_name);

		if (n != 64 + 9 || strcmp(e->d_name + 64, ".squashfs") != 0)
			continue;
		e->d_name[64] = '\0';
		if (!is_wanted(wanted, e->d_name))
			unlink(path);
	}
	smol_path_list_free(wanted);
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
