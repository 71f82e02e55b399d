/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of the Firecracker simulator share: fc_sim.c owns the process and its connections,
 * api.c the rules, guest.c the QEMU and the vsock device that are the guest.
 */
#ifndef SMOL_TESTS_FCSIM_SIM_H
#define SMOL_TESTS_FCSIM_SIM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "proto/json.h"
#include "tests/fcsim/fault.h"
#include "tests/fcsim/openapi.h"

#define SIM_TAPS_MAX 4

enum sim_state { SIM_NOT_STARTED, SIM_RUNNING, SIM_PAUSED };

struct sim_process {
	pid_t pid; /* 0: none */
	int pidfd;
};

struct sim {
	const char *id, *version;
	const char *vsockd;	/* path of smolsh-vsockd */
	int log_fd, metrics_fd; /* metrics_fd: -1 before PUT /metrics */
	bool quiet;		/* only what is wrong is logged */
	struct fault fault;
	struct openapi *api;
	enum sim_state state;
	/* Members named as in GET /vm/config: objects, and the arrays "drives" and
	 * "network-interfaces". */
	cJSON *config;
	bool boot_path; /* something of the guest is configured: no snapshot can be loaded */
	int kernel_fd,
	    initrd_fd; /* opened by PUT /boot-source; -1 before, or where there is none */
	int vsock_fd;  /* listens at uds_path from PUT /vsock on; -1 before */
	int taps[SIM_TAPS_MAX], ntaps;
	struct sim_process qemu, device;
	int qmp, mem_fd; /* -1: none */
	bool mmio;	 /* devices are virtio-mmio's, and are not plugged */
	int vhost_fd;	 /* QEMU's end of the vsock device's connection, with mmio; -1 */
	struct smol_buf qmp_in;
	bool rebooted;	/* the guest has: the program is to end with 0 */
	bool broken;	/* a snapshot did not load: it is to end with 1 after its answer */
	bool off;	/* it has powered off: its CPUs stand for ever */
	bool unplugged; /* the vsock device has left the guest */
};

enum sim_level { SIM_INFO, SIM_ERROR };

/* One line to the log. */
void sim_log(const struct sim *s, enum sim_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Is what is below an error to be logged at this level of Firecracker's? */
bool sim_level_is_quiet(const char *level);
/* Send what is logged from now on to this file. */
int sim_log_to(struct sim *s, const char *path, struct smol_err *err);

/* ---- api.c ---- */

struct answer {
	int status;	      /* 200, 204, 400 */
	struct smol_buf body; /* JSON; empty with 204 */
};
/* Everything that a request does. body is NULL where none came. */
void api_serve(struct sim *s, const char *method, const char *path, const char *body, size_t n,
    struct answer *a);
/* As Firecracker does each minute, when it is asked to, and at its end. */
void api_flush_metrics(struct sim *s);
cJSON *api_machine(const struct sim *s); /* owned by s; made with Firecracker's defaults */

/* ---- guest.c: err's message is what a fault_message says behind its area ---- */

/* Boot what the configuration says. On failure nothing runs. */
int guest_start(struct sim *s, struct smol_err *err);
int guest_pause(struct sim *s, struct smol_err *err);
int guest_resume(struct sim *s, struct smol_err *err);
int guest_ctrl_alt_del(struct sim *s, struct smol_err *err);
int guest_balloon(struct sim *s, int64_t amount_mib, struct smol_err *err);
/* MiB that the balloon holds now, or -1. */
int64_t guest_balloon_actual(struct sim *s, struct smol_err *err);
/* QEMU's control connection can be read: events. */
void guest_events(struct sim *s);
/* End what runs. */
void guest_end(struct sim *s);
void guest_end_process(struct sim_process *p);

/* The steps of guest_start(), for snapshots: an empty memory as large as configured, a QEMU with
 * its CPUs standing (that waits for a state to come in, or not), a vsock device of its own plugged
 * in. */
int guest_make_memory(struct sim *s, struct smol_err *err);
int guest_start_qemu(struct sim *s, bool incoming, struct smol_err *err);
int guest_plug_vsock(struct sim *s, struct smol_err *err);

/* ---- snapshot.c: the guest is paused; memory and the rest go to two files, or come from them ----
 */

int snapshot_create(
    struct sim *s, const char *state_path, const char *mem_path, struct smol_err *err);
/* Nothing was configured before. uds_path may be NULL: the one of the snapshot. */
int snapshot_load(struct sim *s, const char *state_path, const char *mem_path, const char *uds_path,
    struct smol_err *err);
/* A listening socket, or -1 with errno. */
int vsock_listen(const char *path);

#endif
