/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bounded log file: see rotlog.h. */
#include "monitor/rotlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"

int smol_rotlog_open(struct smol_rotlog *l, const char *path, off_t max, struct smol_err *err)
{
	smol_auto_close int fd =
	    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return smol_err_set(err, SMOL_E_IO, "%s is not a plain file", path);
	l->fd = smol_steal_fd(&fd);
	if (!l->path)
		l->path = smol_strdup(path);
	l->size = st.st_size;
	l->max = max;
	return 0;
}

static void rotate(struct smol_rotlog *l)
{
	smol_auto_free char *old = smol_asprintf("%s.1", l->path);

	/* Where it cannot be renamed it must not grow, either. */
	if (rename(l->path, old) < 0) {
		if (ftruncate(l->fd, 0) == 0)
			l->size = 0;
		return;
	}
	close(l->fd);
	l->fd = -1;
	smol_rotlog_open(l, l->path, l->max, NULL);
}

void smol_rotlog_write(struct smol_rotlog *l, const char *data, size_t n)
{
	struct stat st;

	if (l->fd >= 0 && l->size > 0 && l->size + (off_t)n > l->max)
		rotate(l);
	/* The disk was full when it was to be begun anew: perhaps there is room by now. */
	else if (l->fd < 0 && l->path)
		smol_rotlog_open(l, l->path, l->max, NULL);
	if (l->fd < 0)
		return;
	if (smol_io_write_all(l->fd, data, n, smol_in_ms(1000)) == 0)
		l->size += (off_t)n;
	else if (fstat(l->fd, &st) == 0)
		l->size = st.st_size;
}

void smol_rotlog_close(struct smol_rotlog *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	free(l->path);
	l->path = NULL;
}
