/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A squashfs file: see squash.h. */
#include "image/squash.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/spawn.h"
#include "image/capture.h"

#define STALL_MS   60000  /* for sqfstar to take a block of the tar */
#define FINISH_MS  600000 /* for it to write what it has taken */
#define STDERR_MAX 65536

struct smol_squash {
	struct archive *tar;
	struct archive_entry *entry;
	int fd; /* sqfstar's stdin */
	int errors, pidfd;
	pid_t pid;
	int status;
	bool ended;
};

static la_ssize_t write_tar(struct archive *a, void *ctx, const void *data, size_t n)
{
	struct smol_squash *s = ctx;

	if (!smol_capture_interrupted &&
	    smol_io_write_all(s->fd, data, n, smol_in_ms(STALL_MS)) == 0)
		return (la_ssize_t)n;
	archive_set_error(a, errno, "%s", strerror(errno));
	return -1;
}

/* Its end: what it said, if it was not satisfied. */
static int reap(struct smol_squash *s, smol_deadline deadline, struct smol_err *err)
{
	smol_auto_buf struct smol_buf errs = {0};
	ssize_t n;

	if (s->fd >= 0)
		close(smol_steal_fd(&s->fd));
	if (smol_spawn_wait(s->pid, s->pidfd, deadline, &s->status) < 0)
		return smol_err_errno(err, SMOL_E_DEADLINE, errno, "waiting for sqfstar");
	s->ended = true;
	n = pread(s->errors, smol_buf_reserve(&errs, STDERR_MAX), STDERR_MAX, 0);
	smol_buf_commit(&errs, n > 0 ? (size_t)n : 0);
	return smol_capture_judge("sqfstar", s->status, &errs, err);
}

/* The tar could not be written: because of what? */
static int failed(struct smol_squash *s, struct smol_err *err)
{
	int errnum = archive_errno(s->tar);

	if (smol_capture_interrupted)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	if (errnum == EPIPE && reap(s, smol_in_ms(STALL_MS), err) < 0)
		return -1;
	return smol_err_errno(
	    err, errnum == ETIMEDOUT ? SMOL_E_DEADLINE : SMOL_E_IO, errnum, "sqfstar");
}

static int start(struct smol_squash *s, const char *path, const struct smol_merge_file *root,
    struct smol_err *err)
{
	char mode[16], time[24];
	const char *argv[] = {"sqfstar", "-quiet", "-no-progress", "-comp", "lz4", "-b", "131072",
	    "-mkfs-time", "0", "-root-mode", mode, "-root-uid", "0", "-root-gid", "0", "-root-time",
	    time, path, NULL};
	struct smol_spawn spawn = {.argv = argv, .nfds = 3, .die_with_parent = true};
	smol_auto_close int theirs = -1;
	int p[2];

	snprintf(mode, sizeof(mode), "%o", root->mode & 07777);
	snprintf(time, sizeof(time), "%lld", (long long)root->mtime);
	s->errors = memfd_create("sqfstar", MFD_CLOEXEC);
	if (s->errors < 0 || pipe2(p, O_CLOEXEC) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "pipe");
	theirs = p[0];
	s->fd = p[1];
	smol_io_set_nonblock(s->fd, true);
	spawn.fds[0] = theirs;
	spawn.fds[1] = -1;
	spawn.fds[2] = s->errors;
	if (smol_spawn(&spawn, &s->pid, &s->pidfd, err) == 0)
		return 0;
	s->ended = true;
	if (err && err->code == SMOL_E_DEPENDENCY) {
		smol_err_set(err, SMOL_E_DEPENDENCY,
		    "root images are made with sqfstar, which is not installed");
		smol_err_hint(err, "%sapt-get install squashfs-tools", geteuid() ? "sudo " : "");
	}
	return -1;
}

struct smol_squash *smol_squash_open(
    const char *path, const struct smol_merge_file *root, struct smol_err *err)
{
	smol_auto_squash struct smol_squash *s = smol_alloc(sizeof(*s));

	s->fd = s->errors = s->pidfd = -1;
	s->ended = true;
	s->entry = archive_entry_new();
	s->tar = archive_write_new();
	/* Plain headers, and a pax one for what does not fit: long names, attributes. */
	archive_write_set_format_pax_restricted(s->tar);
	archive_write_set_options(s->tar, "xattrheader=SCHILY");
	s->ended = false;
	if (start(s, path, root, err) < 0) {
		s->ended = true;
		return NULL;
	}
	archive_write_open(s->tar, s, NULL, write_tar, NULL);
	return smol_steal(&s);
}

static int header(struct smol_squash *s, struct smol_err *err)
{
	int rc = archive_write_header(s->tar, s->entry);

	return rc == ARCHIVE_OK || rc == ARCHIVE_WARN ? 0 : failed(s, err);
}

int smol_squash_add(struct smol_squash *s, const struct smol_merge_file *f, struct smol_err *err)
{
	struct archive_entry *e = archive_entry_clear(s->entry);

	archive_entry_set_pathname(e, f->names[0]);
	archive_entry_set_mode(e, f->mode);
	archive_entry_set_uid(e, f->uid);
	archive_entry_set_gid(e, f->gid);
	archive_entry_set_mtime(e, f->mtime, 0);
	archive_entry_set_size(e, S_ISREG(f->mode) ? (la_int64_t)f->size : 0);
	if (S_ISCHR(f->mode) || S_ISBLK(f->mode)) {
		archive_entry_set_rdevmajor(e, f->major);
		archive_entry_set_rdevminor(e, f->minor);
	}
	if (f->symlink)
		archive_entry_set_symlink(e, f->symlink);
	for (size_t i = 0; i < f->nxattrs; i++)
		archive_entry_xattr_add_entry(
		    e, f->xattrs[i].name, f->xattrs[i].value, f->xattrs[i].size);
	if (header(s, err) < 0)
		return -1;
	return S_ISREG(f->mode) ? 0 : smol_squash_links(s, f, err);
}

int smol_squash_data(struct smol_squash *s, const void *data, size_t n, struct smol_err *err)
{
	return archive_write_data(s->tar, data, n) == (la_ssize_t)n ? 0 : failed(s, err);
}

int smol_squash_links(struct smol_squash *s, const struct smol_merge_file *f, struct smol_err *err)
{
	for (char **name = f->names + 1; *name; name++) {
		struct archive_entry *e = archive_entry_clear(s->entry);

		archive_entry_set_pathname(e, *name);
		archive_entry_set_mode(e, f->mode);
		archive_entry_set_uid(e, f->uid);
		archive_entry_set_gid(e, f->gid);
		archive_entry_set_mtime(e, f->mtime, 0);
		archive_entry_set_hardlink(e, f->names[0]);
		if (header(s, err) < 0)
			return -1;
	}
	return 0;
}

int smol_squash_finish(struct smol_squash *s, struct smol_err *err)
{
	if (archive_write_close(s->tar) != ARCHIVE_OK)
		return failed(s, err);
	return reap(s, smol_in_ms(FINISH_MS), err);
}

void smol_squash_close(struct smol_squash *s)
{
	if (!s)
		return;
	if (!s->ended) {
		kill(s->pid, SIGKILL);
		smol_spawn_wait(s->pid, s->pidfd, SMOL_NEVER, &s->status);
	}
	if (s->fd >= 0)
		close(s->fd);
	/* Not closed but given up: it has nobody to write to any more. */
	archive_write_fail(s->tar);
	archive_write_free(s->tar);
	archive_entry_free(s->entry);
	if (s->errors >= 0)
		close(s->errors);
	if (s->pidfd >= 0)
		close(s->pidfd);
	free(s);
}
