/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: the loop of the process, with front ends that come and go and the signals that end it.
 */
#include <errno.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vsockd/log.h"
#include "vsockd/serve.h"

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

static void tell_ready(int fd)
{
	if (fd < 0)
		return;
	if (write(fd, "\n", 1) < 0)
		smol_vsockd_log("nobody waits on the ready descriptor");
	close(fd);
}

int smol_vsockd_serve(struct smol_vsockd *d, const struct smol_serve *s, struct smol_err *err)
{
	bool attached = s->front_fd < 0;

	tell_ready(s->ready_fd);
	for (;;) {
		enum smol_vsockd_turn turn = smol_vsockd_turn(d, -1);
		struct signalfd_siginfo si;

		switch (turn) {
		case SMOL_TURN_OK:
			break;
		case SMOL_TURN_FAILED:
			return smol_err_errno(err, SMOL_E_IO, errno, "cannot wait for events");
		case SMOL_TURN_GONE:
		case SMOL_TURN_BAD:
			smol_vsockd_detach(d);
			if (s->front_fd < 0)
				return turn == SMOL_TURN_GONE ? 0
							      : smol_err_set(err, SMOL_E_PROTOCOL,
								    "the front end was thrown out");
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
