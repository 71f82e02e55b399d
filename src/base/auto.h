/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clean-up by attribute. A variable marked with one of these is released when it goes out of
 * scope; initialise it to NULL or -1, and give it away with smol_steal() or smol_steal_fd().
 */
#ifndef SMOL_BASE_AUTO_H
#define SMOL_BASE_AUTO_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"

static inline void smol_auto_free_fn(void *p)
{
	free(*(void **)p);
}
static inline void smol_auto_close_fn(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}
static inline void smol_auto_fclose_fn(FILE **f)
{
	if (*f)
		fclose(*f);
}
static inline void smol_auto_closedir_fn(DIR **d)
{
	if (*d)
		closedir(*d);
}
static inline void smol_auto_err_fn(struct smol_err *err)
{
	smol_err_clear(err);
}

#define smol_auto(fn)	   __attribute__((cleanup(fn)))
#define smol_auto_free	   smol_auto(smol_auto_free_fn)
#define smol_auto_close	   smol_auto(smol_auto_close_fn)
#define smol_auto_fclose   smol_auto(smol_auto_fclose_fn)
#define smol_auto_closedir smol_auto(smol_auto_closedir_fn)
#define smol_auto_err	   smol_auto(smol_auto_err_fn)

/* The value of a pointer variable, which becomes NULL: ownership moves to the caller. */
#define smol_steal(pp)                                                                             \
	({                                                                                         \
		__auto_type stolen_pp_ = (pp);                                                     \
		__auto_type stolen_ = *stolen_pp_;                                                 \
		*stolen_pp_ = NULL;                                                                \
		stolen_;                                                                           \
	})

static inline int smol_steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#define SMOL_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
