/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The spinner: see spinner.h. Its thread shares nothing with the rest but this object. */
#include "shell/spinner.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"

#define FRAME_MS  100
#define PHASE_MAX 24

struct smol_spinner {
	pthread_t thread;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t wake;
	const char *verb;
	char phase[PHASE_MAX];
	int64_t since_ms; /* of the phase */
	bool stop, running, color, utf8;
};

static void draw(const struct smol_spinner *s, int frame)
{
	static const char *const dots[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
	static const char *const lines[] = {"|", "/", "-", "\\"};
	const char *glyph = s->utf8 ? dots[frame % 10] : lines[frame % 4];
	int64_t ms = smol_now_ms() - s->since_ms;
	char line[160];
	int n;

	n = snprintf(line, sizeof(line), "\r\033[K%s%s%s %s  %s %d.%ds", s->color ? "\033[33m" : "",
	    glyph, s->color ? "\033[0m" : "", s->verb, s->phase, (int)(ms / 1000),
	    (int)(ms / 100 % 10));
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

static void *spin(void *arg)
{
	struct smol_spinner *s = arg;

	pthread_mutex_lock(&s->lock);
	for (int frame = 0; !s->stop; frame++) {
		struct timespec ts;

		draw(s, frame);
		clock_gettime(CLOCK_MONOTONIC, &ts);
		ts.tv_nsec += FRAME_MS * 1000000L;
		if (ts.tv_nsec >= 1000000000L) {
			ts.tv_sec++;
			ts.tv_nsec -= 1000000000L;
		}
		pthread_cond_timedwait(&s->wake, &s->lock, &ts);
	}
	if (write(STDERR_FILENO, "\r\033[K", 4) < 0)
		s->stop = true;
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* By the environment's word alone: setlocale() would be felt in the whole program. */
static bool utf8_terminal(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(names); i++) {
		const char *v = getenv(names[i]);

		if (v && *v)
			return strcasestr(v, "UTF-8") || strcasestr(v, "utf8");
	}
	return false;
}

struct smol_spinner *smol_spinner_start(const struct smol_shell *sh, const char *verb)
{
	const char *term = getenv("TERM");
	struct smol_spinner *s;
	pthread_condattr_t attr;
	sigset_t all, old;

	if (sh->quiet || sh->json || !isatty(STDERR_FILENO) || !term || strcmp(term, "dumb") == 0)
		return NULL;
	s = smol_alloc(sizeof(*s));
	s->verb = verb;
	s->since_ms = smol_now_ms();
	s->color = sh->color_err;
	s->utf8 = utf8_terminal();
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	/* Signals are the main thread's: they have to interrupt what it waits in. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	s->running = pthread_create(&s->thread, NULL, spin, s) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return s;
}

void smol_spinner_phase(struct smol_spinner *s, const char *phase)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	snprintf(s->phase, sizeof(s->phase), "%s", phase);
	s->since_ms = smol_now_ms();
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

void smol_spinner_stop(struct smol_spinner *s)
{
	if (!s || !s->running)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->running = false;
}

void smol_spinner_free(struct smol_spinner *s)
{
	if (!s)
		return;
	smol_spinner_stop(s);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
