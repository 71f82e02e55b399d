/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A listening socket in the file system that is ours: only that very inode is unlinked. */
#ifndef SMOL_BASE_BOUND_H
#define SMOL_BASE_BOUND_H

#include <sys/types.h>
#include <sys/un.h>

#include "base/err.h"

#define SMOL_BOUND_BACKLOG 1024

struct smol_bound {
	char *path; /* NULL: none; owned */
	int fd;	    /* non-blocking, close-on-exec; -1: none */
	dev_t dev;
	ino_t ino;
};

/* SMOL_E_INVALID with the limit: the path is too long. */
int smol_bound_address(const char *path, struct sockaddr_un *sa, struct smol_err *err);
/* Take away a socket of our own that nobody listens on, for whoever binds there next. Nothing is
 * there, or is not any more: 0. Anything else is SMOL_E_EXISTS, and stays. */
int smol_bound_clear_stale(const char *path, struct smol_err *err);
/* The socket that is there now, bound by a child, is to go with b; b->fd stays -1. */
void smol_bound_adopt(struct smol_bound *b, const char *path);
/* Bind and listen, mode 0600. A stale one of ours is replaced; anything else that is there is
 * SMOL_E_EXISTS, a path too long SMOL_E_INVALID. On failure nothing is left. */
int smol_bound_listen(struct smol_bound *b, const char *path, struct smol_err *err);
/* A connection to it, blocking and close-on-exec (caller closes); or -1. */
int smol_bound_connect(const struct smol_bound *b, struct smol_err *err);
/* Harmless for one that is closed. */
void smol_bound_close(struct smol_bound *b);

#endif
