/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A listening Unix socket: see bound.h. */
#include "base/bound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"

/* Only a socket of our own that nobody listens on any more may be taken away. */
static int clear_stale(const char *path, const struct sockaddr_un *sa, struct smol_err *err)
{
	smol_auto_close int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid()) {
		smol_err_set(err, SMOL_E_EXISTS, "%s exists and is not a socket of ours", path);
		return smol_err_hint(err, "choose another path, or remove it");
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "socket");
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN) {
		smol_err_set(err, SMOL_E_EXISTS, "%s is in use by another program", path);
		return smol_err_hint(err, "choose another path");
	}
	if (unlink(path) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	return 0;
}

int smol_bound_address(const char *path, struct sockaddr_un *sa, struct smol_err *err)
{
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(sa->sun_path)) {
		smol_err_set(err, SMOL_E_INVALID, "the socket path %s has %zu bytes: at most %zu",
		    path, strlen(path), sizeof(sa->sun_path) - 1);
		return smol_err_hint(err, "choose a shorter path");
	}
	memcpy(sa->sun_path, path, strlen(path));
	return 0;
}

int smol_bound_clear_stale(const char *path, struct smol_err *err)
{
	struct sockaddr_un sa;

	return smol_bound_address(path, &sa, err) < 0 ? -1 : clear_stale(path, &sa, err);
}

int smol_bound_listen(struct smol_bound *b, const char *path, struct smol_err *err)
{
	struct sockaddr_un sa;
	struct stat st;
	mode_t old;
	int rc;

	*b = (struct smol_bound){.fd = -1};
	if (smol_bound_address(path, &sa, err) < 0 || clear_stale(path, &sa, err) < 0)
		return -1;
	b->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (b->fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "socket");
	old = umask(0177);
	rc = bind(b->fd, (struct sockaddr *)&sa, sizeof(sa));
	umask(old);
	if (rc == 0 && lstat(path, &st) == 0) {
		b->path = smol_strdup(path);
		b->dev = st.st_dev;
		b->ino = st.st_ino;
		if (listen(b->fd, SMOL_BOUND_BACKLOG) == 0)
			return 0;
	}
	smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	smol_bound_close(b);
	return -1;
}

void smol_bound_adopt(struct smol_bound *b, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	*b = (struct smol_bound){
	    .path = smol_strdup(path), .fd = -1, .dev = st.st_dev, .ino = st.st_ino};
}

int smol_bound_connect(const struct smol_bound *b, struct smol_err *err)
{
	struct sockaddr_un sa;
	smol_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (smol_bound_address(b->path, &sa, err) < 0)
		return -1;
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot connect to %s", b->path);
	return smol_steal_fd(&fd);
}

void smol_bound_close(struct smol_bound *b)
{
	struct stat st;

	/* An inode's number is given again: what is no socket never was ours. */
	if (b->path && lstat(b->path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_dev == b->dev &&
	    st.st_ino == b->ino)
		unlink(b->path);
	if (b->fd >= 0)
		close(b->fd);
	free(b->path);
	b->path = NULL;
	b->fd = -1;
}
