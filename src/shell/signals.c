/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signals as bytes in a pipe: see signals.h. */
#include "shell/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/auto.h"

static const int numbers[SMOL_SIGNALS_N] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t handler_fd = -1;

static void on_signal(int sig)
{
	int saved = errno;
	unsigned char c = (unsigned char)sig;
	ssize_t n = write(handler_fd, &c, 1);

	(void)n;
	errno = saved;
}

int smol_signals_open(struct smol_signals *s, struct smol_err *err)
{
	struct sigaction sa = {.sa_handler = on_signal};
	int p[2];

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "pipe");
	s->fd = p[0];
	s->write_fd = handler_fd = p[1];
	sigemptyset(&sa.sa_mask);
	for (int i = 0; i < SMOL_SIGNALS_N; i++) {
		sigaction(numbers[i], NULL, &s->saved[i]);
		/* No SA_RESTART: a blocked write is to return. */
		if (s->saved[i].sa_handler != SIG_IGN)
			sigaction(numbers[i], &sa, NULL);
	}
	return 0;
}

void smol_signals_resize(struct smol_signals *s)
{
	/* A change of size is to interrupt nothing. */
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	if (s->resize)
		return;
	s->resize = true;
	sigaction(SIGWINCH, &sa, &s->saved[SMOL_SIGNALS_N]);
}

int smol_signals_take(struct smol_signals *s)
{
	unsigned char c;

	return s->fd >= 0 && read(s->fd, &c, 1) == 1 ? c : 0;
}

void smol_signals_close(struct smol_signals *s)
{
	if (s->fd < 0)
		return;
	for (int i = 0; i < SMOL_SIGNALS_N; i++)
		sigaction(numbers[i], &s->saved[i], NULL);
	if (s->resize)
		sigaction(SIGWINCH, &s->saved[SMOL_SIGNALS_N], NULL);
	handler_fd = -1;
	close(smol_steal_fd(&s->fd));
	close(smol_steal_fd(&s->write_fd));
}
