/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside a guest command: guest.c (request, outcome) and guest_io.c (streams, keys, signals). */
#ifndef SMOL_SHELL_GUEST_IMPL_H
#define SMOL_SHELL_GUEST_IMPL_H

#include "shell/filter.h"
#include "shell/guest.h"
#include "shell/patience.h"
#include "vsock/client.h"

struct smol_guest_stream {
	const char *name;
	int fd;
	bool filtered;
	bool marked; /* in colour: it is stderr on a terminal */
	struct smol_filter filter;
};

struct smol_guest_io {
	const struct smol_guest *g;
	struct smol_client *client;
	struct smol_guest_stream out, err;
	bool raw;
	struct smol_tty_filter tty;
	struct smol_patience patience;
	int detach_key;	   /* or -1 */
	int64_t job;	   /* its id, once it is known; 0: not */
	int64_t began_ms;  /* since when its connection stands, or is tried */
	bool again;	   /* it is taken up again: its connection was cut */
	uint64_t position; /* and had come so far in its output */
	int presses;	   /* of Ctrl-C */
	bool let_go;	   /* our terminal has gone: the job goes on without us */
	int leave;	   /* exit code with which it was given up, or 0 */
	bool reader_gone;  /* EPIPE */
	bool write_failed; /* our own output, not the guest's fault */
};

/* The calls of smol_exec_io, with a struct smol_guest_io as their ctx. */
int smol_guest_on_output(void *ctx, enum smol_frame_type type, const char *data, size_t n);
size_t smol_guest_on_input(void *ctx, char *data, size_t n, bool *detach);
void smol_guest_on_started(void *ctx, int64_t job);
void smol_guest_on_gap(void *ctx, uint64_t bytes);
int smol_guest_on_wake(void *ctx, struct smol_client *c);
/* What the filters still hold, once no more can come; the terminal as it was. */
void smol_guest_end_streams(struct smol_guest_io *r);

#endif
