/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: the loop of the process, with front ends that come and go and the signals that end it.
 */
#include <errno.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vsockd/log.h"
#include "vsockd/serve.h"

#define STALL_MS  10000u /* for clients to take anything of what the guest had sent */
#define LINGER_MS 30000u /* and for all of it, when there is no guest any more */

/* Take hypervisors that connect: the first is served, others are turned away. */
static int admit(struct smol_vsockd *d, int front_fd, bool *attached, struct smol_err *err)
{
	int fd = accept4(front_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return 0;
	if (*attached) {
		close(fd);
		return 0;
	}
	*attached = true;
	return smol_vsockd_attach(d, fd, err);
}

/* Whoever waited for it may have gone. */
static void tell(int fd)
{
	if (fd >= 0 && write(fd, "\n", 1) < 0)
		smol_vsockd_log("nobody waits on the ready descriptor");
}

/* Once. */
static void tell_served(const struct smol_vsockd *d, int *fd)
{
	if (*fd < 0 || !d->stats.opened)
		return;
	tell(*fd);
	close(*fd);
	*fd = -1;
}

/*
 * The guest has ended, and what it had sent is its clients' all the same. Those who take it are
 * waited for; who takes nothing for a while is not.
 */
static void linger(struct smol_vsockd *d, int signal_fd)
{
	uint64_t now = smol_vsockd_now(), end = now + LINGER_MS, stall = now + STALL_MS;
	uint64_t left, before = UINT64_MAX;
	struct signalfd_siginfo si;

	smol_vsockd_close_listener(d);
	for (; (left = smol_vsockd_left(d)) > 0; before = left) {
		enum smol_vsockd_turn turn;

		now = smol_vsockd_now();
		if (left < before)
			stall = now + STALL_MS < end ? now + STALL_MS : end;
		if (now >= stall) {
			smol_vsockd_log("%llu bytes that the guest had sent were not taken in time",
			    (unsigned long long)left);
			return;
		}
		turn = smol_vsockd_turn(d, (int)(stall - now));
		if (turn == SMOL_TURN_FAILED ||
		    (turn == SMOL_TURN_OTHER && read(signal_fd, &si, sizeof(si)) == sizeof(si)))
			return;
	}
}

/* The front end has gone or was thrown out, and there will be no other. */
static int last_one_gone(
    struct smol_vsockd *d, enum smol_vsockd_turn turn, int signal_fd, struct smol_err *err)
{
	if (turn == SMOL_TURN_BAD)
		return smol_err_set(err, SMOL_E_PROTOCOL, "the front end was thrown out");
	linger(d, signal_fd);
	return 0;
}

int smol_vsockd_serve(struct smol_vsockd *d, const struct smol_serve *s, struct smol_err *err)
{
	bool attached = s->front_fd < 0;
	int ready_fd = s->ready_fd;

	tell(ready_fd);
	for (;;) {
		enum smol_vsockd_turn turn = smol_vsockd_turn(d, -1);
		struct signalfd_siginfo si;

		tell_served(d, &ready_fd);
		switch (turn) {
		case SMOL_TURN_OK:
			break;
		case SMOL_TURN_FAILED:
			return smol_err_errno(err, SMOL_E_IO, errno, "cannot wait for events");
		case SMOL_TURN_GONE:
		case SMOL_TURN_BAD:
			smol_vsockd_detach(d);
			if (s->front_fd < 0)
				return last_one_gone(d, turn, s->signal_fd, err);
			attached = false;
			break;
		case SMOL_TURN_OTHER:
			if (read(s->signal_fd, &si, sizeof(si)) == sizeof(si))
				return 0;
			if (s->front_fd >= 0 && admit(d, s->front_fd, &attached, err) < 0)
				return -1;
			break;
		}
	}
}
