/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptors and files: see io.h. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"

int smol_io_wait(int fd, short events, smol_deadline deadline)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n;

	do {
		n = poll(&p, 1, smol_poll_ms(deadline));
	} while (n < 0 && errno == EINTR);
	return n;
}

int smol_io_write_all(int fd, const void *data, size_t n, smol_deadline deadline)
{
	const char *p = data;

	while (n) {
		ssize_t w = write(fd, p, n);

		if (w >= 0) {
			p += w;
			n -= (size_t)w;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -1;
		switch (smol_io_wait(fd, POLLOUT, deadline)) {
		case 0:
			errno = ETIMEDOUT;
			return -1;
		case -1:
			return -1;
		}
	}
	return 0;
}

ssize_t smol_io_read_some(int fd, void *data, size_t n, smol_deadline deadline)
{
	for (;;) {
		ssize_t r;
		int w = smol_io_wait(fd, POLLIN, deadline);

		if (w < 0)
			return -1;
		if (w == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		r = read(fd, data, n);
		if (r >= 0 || (errno != EINTR && errno != EAGAIN))
			return r;
	}
}

int smol_io_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -1;
	return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int smol_io_set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

int smol_file_read(const char *path, size_t max, struct smol_buf *b, struct smol_err *err)
{
	smol_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t total = 0;

	if (fd < 0)
		return smol_err_errno(
		    err, errno == ENOENT ? SMOL_E_NOT_FOUND : SMOL_E_IO, errno, "%s", path);
	for (;;) {
		ssize_t r = read(fd, smol_buf_reserve(b, 65536), 65536);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
		if (r == 0)
			return 0;
		total += (size_t)r;
		if (total > max)
			return smol_err_set(
			    err, SMOL_E_LIMIT, "%s: larger than %zu bytes", path, max);
		smol_buf_commit(b, (size_t)r);
	}
}

int smol_file_write(const char *path, const void *data, size_t n, mode_t mode, struct smol_err *err)
{
	smol_auto_free char *tmp = smol_asprintf("%s.XXXXXX", path);
	smol_auto_close int fd = mkostemp(tmp, O_CLOEXEC);

	if (fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	if (smol_io_write_all(fd, data, n, SMOL_NEVER) < 0 || fchmod(fd, mode) < 0 ||
	    fsync(fd) < 0 || rename(tmp, path) < 0) {
		int saved = errno;

		unlink(tmp);
		return smol_err_errno(err, SMOL_E_IO, saved, "%s", path);
	}
	return 0;
}

int smol_mkdir_p(const char *path, mode_t mode, struct smol_err *err)
{
	smol_auto_free char *p = smol_strdup(path);
	struct stat st;

	for (char *s = p + 1; *p; s++) {
		char c = *s;

		if (c != '/' && c != '\0')
			continue;
		*s = '\0';
		if (mkdir(p, mode) < 0 && errno != EEXIST) {
			int saved = errno;

			/* On a read-only disk EROFS comes even for what is there. */
			if (stat(p, &st) < 0)
				return smol_err_errno(err, SMOL_E_IO, saved, "cannot make %s", p);
		}
		*s = c;
		if (!c)
			break;
	}
	if (stat(path, &st) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	if (!S_ISDIR(st.st_mode))
		return smol_err_set(err, SMOL_E_IO, "%s is not a directory", path);
	return 0;
}

static int remove_below(int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	smol_auto_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return -1;
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if ((errno != EISDIR && errno != EPERM) || depth > 64 ||
		    remove_below(dirfd(d), e->d_name, depth + 1) < 0)
			return -1;
	}
	return unlinkat(parent, name, AT_REMOVEDIR);
}

int smol_rmdir_r(const char *path, struct smol_err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0 && errno == ENOENT)
		return 0;
	if (remove_below(AT_FDCWD, path, 0) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot remove %s", path);
	return 0;
}
