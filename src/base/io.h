/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptors and files: whole reads and writes with deadlines, files replaced atomically. */
#ifndef SMOL_BASE_IO_H
#define SMOL_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

/* Wait until fd has one of events (POLLIN, POLLOUT). 1 ready, 0 deadline passed, -1 errno. */
int smol_io_wait(int fd, short events, smol_deadline deadline);
/* Write all n bytes, waiting where fd is non-blocking. 0 or -1 (errno; ETIMEDOUT). */
int smol_io_write_all(int fd, const void *data, size_t n, smol_deadline deadline);
/* One read once fd is readable. >0 bytes, 0 EOF, -1 errno (ETIMEDOUT). Never EAGAIN or EINTR. */
ssize_t smol_io_read_some(int fd, void *data, size_t n, smol_deadline deadline);
int smol_io_set_nonblock(int fd, bool on);
int smol_io_set_cloexec(int fd, bool on);

/* The whole of a file of at most max bytes into b. */
int smol_file_read(const char *path, size_t max, struct smol_buf *b, struct smol_err *err);
/* Replace a file: a temporary one beside it, fsync, rename. Nothing is left on failure. */
int smol_file_write(
    const char *path, const void *data, size_t n, mode_t mode, struct smol_err *err);
/* mkdir -p with this mode for what is made; no error if it is there as a directory. */
int smol_mkdir_p(const char *path, mode_t mode, struct smol_err *err);
/* Remove a directory with the plain files and sockets in it, and directories below, never
 * following a link. No error if it is not there. */
int smol_rmdir_r(const char *path, struct smol_err *err);

#endif
