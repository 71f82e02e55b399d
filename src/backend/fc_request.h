/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The requests of Firecracker's REST API, made and not sent: each builder gives method, path and
 * body, so that all that can ever be sent is seen, and checked against the description of the API,
 * without a hypervisor. Strings have to be UTF-8, for JSON knows nothing else; smol_fc_boot checks.
 */
#ifndef SMOL_BACKEND_FC_REQUEST_H
#define SMOL_BACKEND_FC_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"

struct smol_fc_request {
	const char *method; /* "PUT", "PATCH" or "GET"; static */
	char *path;	    /* "/vsock"; owned */
	cJSON *body;	    /* owned; NULL: none */
};
void smol_fc_request_free(struct smol_fc_request *r);
/* Its value; *r is empty then. */
struct smol_fc_request smol_fc_request_steal(struct smol_fc_request *r);

/* In the order in which they are to be sent. */
struct smol_fc_requests {
	struct smol_fc_request *v; /* owned, and each of them */
	size_t n;
};
void smol_fc_requests_free(struct smol_fc_requests *l);

/* X(enumerator, action_type) */
#define SMOL_FC_ACTIONS(X)                                                                         \
	X(START, "InstanceStart")                                                                  \
	X(CTRL_ALT_DEL, "SendCtrlAltDel")                                                          \
	X(FLUSH_METRICS, "FlushMetrics")
enum smol_fc_action {
#define X(e, n) SMOL_FC_##e,
	SMOL_FC_ACTIONS(X)
#undef X
	    SMOL_FC_ACTION__COUNT
};

/* Before the start. */
struct smol_fc_request smol_fc_put_logger(const char *path);
struct smol_fc_request smol_fc_put_metrics(const char *path);
struct smol_fc_request smol_fc_put_machine(int cpus, int64_t memory_mib);
struct smol_fc_request smol_fc_put_boot(const char *kernel, const char *initrd, const char *args);
/* id: letters, digits and '_'. None is a root device: the initramfs boots. */
struct smol_fc_request smol_fc_put_drive(const char *id, const char *path, bool readonly);
struct smol_fc_request smol_fc_put_network(const char *id, const char *tap, const char *mac);
struct smol_fc_request smol_fc_put_vsock(uint32_t cid, const char *uds_path);
struct smol_fc_request smol_fc_put_entropy(void);
struct smol_fc_request smol_fc_put_balloon(int64_t mib);
/* Instead of all but the first two: the guest comes back as it was. */
struct smol_fc_request smol_fc_snapshot_load(const char *state, const char *memory, bool resume);
/* While it runs. */
struct smol_fc_request smol_fc_action(enum smol_fc_action action);
struct smol_fc_request smol_fc_patch_vm(bool paused);
struct smol_fc_request smol_fc_patch_balloon(int64_t mib);
/* Answered only because the balloon is put with statistics. */
struct smol_fc_request smol_fc_get_balloon_stats(void);
/* Of a paused guest. */
struct smol_fc_request smol_fc_snapshot_create(const char *state, const char *memory);

/* Where Firecracker finds what it opens: in a jail it is another place than ours. */
struct smol_fc_places {
	const char *kernel, *initrd, *log, *metrics;
	const char *uds; /* NULL: no vsock */
};

/* The kernel's command line for this VM; malloc'd, caller frees. */
char *smol_fc_kernel_args(const struct smol_launch *l);
/* All that makes a VM and starts it. SMOL_E_INVALID: what Firecracker cannot be told. */
int smol_fc_boot(const struct smol_launch *l, const struct smol_fc_places *p,
    struct smol_fc_requests *out, struct smol_err *err);
/* All that brings a guest back from a snapshot, and lets it go on. */
int smol_fc_restore(const struct smol_fc_places *p, const char *state, const char *memory,
    struct smol_fc_requests *out, struct smol_err *err);

#endif
