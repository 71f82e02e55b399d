/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one place that dereferences a backend's ops: see backend.h. */
#include <stdlib.h>

#include "backend/backend.h"
#include "backend/firecracker.h"
#include "backend/qemu.h"

const struct smol_backend_ops *const smol_backends[] = {
#define X(n) &smol_backend_##n,
    SMOL_BACKENDS(X)
#undef X
	NULL,
};

const struct smol_backend_ops *smol_backend_ops_lookup(const char *name, struct smol_err *err)
{
	const struct smol_backend_info *info = smol_backend_lookup(name, err);

	for (const struct smol_backend_ops *const *b = smol_backends; info && *b; b++)
		if ((*b)->info == info)
			return *b;
	return NULL;
}

int smol_backend_prepare(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err)
{
	return b->ops->prepare(b, l, err);
}

int smol_backend_start(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err)
{
	return b->ops->start(b, l, err);
}

void smol_backend_control(struct smol_backend *b)
{
	if (b->ops->control)
		b->ops->control(b);
}

int smol_backend_pause(struct smol_backend *b, struct smol_err *err)
{
	return b->ops->pause ? b->ops->pause(b, err)
			     : smol_backend_cannot(b->ops->info, NULL, SMOL_CAP_PAUSE, err);
}

int smol_backend_resume(struct smol_backend *b, struct smol_err *err)
{
	return b->ops->resume ? b->ops->resume(b, err)
			      : smol_backend_cannot(b->ops->info, "resume", SMOL_CAP_PAUSE, err);
}

int smol_backend_hold(struct smol_backend *b, struct smol_err *err)
{
	return b->ops->hold ? b->ops->hold(b, err)
			    : smol_backend_cannot(b->ops->info, NULL, SMOL_CAP_VSOCK_USER, err);
}

int smol_backend_let_go(struct smol_backend *b, struct smol_err *err)
{
	return b->ops->let_go ? b->ops->let_go(b, err)
			      : smol_backend_cannot(b->ops->info, NULL, SMOL_CAP_VSOCK_USER, err);
}

int smol_backend_snapshot(struct smol_backend *b, const char *dir, struct smol_err *err)
{
	return b->ops->snapshot ? b->ops->snapshot(b, dir, err)
				: smol_backend_cannot(b->ops->info, NULL, SMOL_CAP_SNAPSHOT, err);
}

int smol_backend_balloon(struct smol_backend *b, int64_t mib, struct smol_err *err)
{
	return b->ops->balloon ? b->ops->balloon(b, mib, err)
			       : smol_backend_cannot(b->ops->info, NULL, SMOL_CAP_BALLOON, err);
}

int smol_backend_stop(struct smol_backend *b, enum smol_stop_how how, struct smol_err *err)
{
	return b->ops->stop(b, how, err);
}

void smol_backend_destroy(struct smol_backend *b)
{
	if (b->ops && b->ops->destroy)
		b->ops->destroy(b);
	free(b->accel_used);
	b->accel_used = NULL;
}
