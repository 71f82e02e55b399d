/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The vsock device, smolsh-vsockd, started and, should it die, started again. The monitor keeps
 * what outlives it: the socket that clients connect to, the one that QEMU accepts it on, and a
 * memfd in which it notes the ports of its connections.
 *
 * A new one takes over in steps, each with a deadline:
 *   WAITS    the hypervisor does not answer yet
 *   PAUSES   one in a row of deaths is started the later, the longer the row is
 *   HOLDS    the guest is stopped, and QEMU gives up the rings of the old one; were the new one
 *            connected before, its answers would be taken for the old one's, and the rings' places
 *            be wrong
 *   HELD     that is done
 *   STARTS   the new one is connected and started; it says when it is ready
 *   JOINS    until QEMU has accepted it
 *   LETS_GO  the guest goes on unless it stood still before; QEMU tells the device of memory and
 *            rings
 * Guest sockets of before are reset by the new one, clients' have ended with the old one. What was
 * to be told to the agent meanwhile is told then, and what was to be paused or resumed is.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "monitor/monitor.h"

#define DEATHS_MS 10000 /* SMOL_DEVICE_DEATHS within so long are too many */
#define STEADY_MS 60000 /* one that has lived for so long ends a row of deaths */
#define PAUSE_MS  10	/* before the second of a row, twice as long before the third, … */
#define PAUSE_MAX 2000	/* less than clients wait for (SMOL_DIAL_TIMEOUT_MS) */
#define HOLD_MS	  30000 /* for QEMU to stop the guest, or let it go on: its disks are flushed */
#define READY_MS  10000
#define JOIN_MS	  10000
#define LOOK_MS	  5   /* until it is looked again whether QEMU has accepted */
#define GONE_MS	  100 /* between the end of a process's sockets and of itself */
#define PROBE_MS  500
#define TELL_MS	  2000

static void on_timer(uv_timer_t *t);
static void on_probe_timer(uv_timer_t *t);

/* ---- starting ---- */

/* It says one byte when it is ready, and one when somebody has got through. */
static void on_ready(void *ctx)
{
	struct smol_monitor_state *m = ctx;
	struct smol_device_care *care = &m->care;
	char said[4];
	ssize_t n = read(care->ready_fd, said, sizeof(said));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && !care->ready) {
		care->ready = true;
		if (care->step == SMOL_DEVICE_STARTS) {
			care->step = SMOL_DEVICE_JOINS;
			care->deadline = smol_in_ms(JOIN_MS);
			uv_timer_start(&care->timer, on_timer, 0, 0);
		}
		if (--n == 0)
			return;
	}
	if (n > 0)
		care->ndeaths = 0;
	smol_watch_stop(&care->ready_watch);
	close(smol_steal_fd(&care->ready_fd));
}

static int spawn(
    struct smol_monitor_state *m, int vhost, int complaints, int ready, struct smol_err *err)
{
	smol_auto_free char *program = smol_path_helper("smolsh-vsockd", err);
	char cid[16];
	const char *argv[] = {program, "--vhost-fd", "3", "--listen-fd", "4", "--table-fd", "5",
	    "--ready-fd", "6", "--uds-path", m->uds_path, "--guest-cid", cid, NULL};
	static const char *const env[] = {NULL};
	struct smol_spawn s = {
	    .argv = argv, .env = env, .nfds = 7, .die_with_parent = true, .new_session = true};

	if (!program)
		return -1;
	snprintf(cid, sizeof(cid), "%u", m->vm->cid);
	s.fds[0] = s.fds[1] = -1;
	s.fds[2] = complaints;
	s.fds[3] = vhost;
	s.fds[4] = m->uds.fd;
	s.fds[5] = m->care.table_fd;
	s.fds[6] = ready;
	if (smol_spawn(&s, &m->device.pid, &m->device.pidfd, err) < 0)
		return -1;
	m->care.pids[1] = m->care.pids[0];
	m->care.pids[0] = m->device.pid;
	return 0;
}

bool smol_device_is(const struct smol_monitor_state *m, pid_t pid)
{
	return pid > 0 && (pid == m->care.pids[0] || pid == m->care.pids[1]);
}

static int start(struct smol_monitor_state *m, struct smol_err *err)
{
	struct smol_device_care *care = &m->care;
	smol_auto_close int vhost = smol_bound_connect(&m->vhost, err);
	smol_auto_close int complaints = vhost < 0 ? -1 : smol_launch_complaints(&m->device, err);
	smol_auto_close int ready = complaints < 0 ? -1 : smol_launch_pipe(&care->ready_fd, err);

	if (ready < 0 || spawn(m, vhost, complaints, ready, err) < 0)
		return -1;
	care->ready = false;
	care->started_ms = smol_now_ms();
	smol_io_set_nonblock(care->ready_fd, true);
	smol_watch_start(&m->loop, &care->ready_watch, care->ready_fd, on_ready, m);
	smol_machine_child(m, &m->device);
	return 0;
}

int smol_device_start(struct smol_monitor_state *m, struct smol_err *err)
{
	struct smol_device_care *care = &m->care;

	uv_timer_init(&m->loop, &care->timer);
	uv_timer_init(&m->loop, &care->probe_timer);
	care->timer.data = care->probe_timer.data = m;
	care->table_fd = memfd_create("smolsh-connections", MFD_CLOEXEC);
	if (care->table_fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "memfd_create");
	return start(m, err);
}

/* ---- it works again ---- */

static cJSON *how(const struct smol_monitor_state *m)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "how", m->care.how);
	smol_json_add_int(j, "restarts", m->care.restarts);
	return j;
}

static void on_probed(struct smol_monitor_state *m, bool ok, const char *words)
{
	(void)words;
	if (m->ending || m->ready)
		return;
	if (ok)
		smol_machine_ready(m);
	else
		uv_timer_start(&m->care.probe_timer, on_probe_timer, PROBE_MS, 0);
}

/* The agent says only once that it is ready, and the old device may have had it: ask. */
static void on_probe_timer(uv_timer_t *t)
{
	struct smol_monitor_state *m = t->data;

	if (!m->ending && !m->ready)
		smol_guest_tell(m,
		    &(struct smol_request){.op = SMOL_OP_RESUMED, .realtime_ms = smol_wall_ms()},
		    TELL_MS, on_probed);
}

static void back(struct smol_monitor_state *m)
{
	struct smol_device_care *care = &m->care;
	cJSON *j;

	care->step = SMOL_DEVICE_SERVES;
	uv_timer_stop(&care->timer);
	care->restarts++;
	smol_journal(m, "device-restart", how(m));
	j = how(m);
	smol_json_add_str(j, "event", "device-restart");
	smol_control_event(m, j);
	smol_pause_held(m);
	smol_machine_ask_again(m);
	if (!m->ready && !m->ending)
		uv_timer_start(&care->probe_timer, on_probe_timer, 0, 0);
}

/* ---- its end, and the steps ---- */

/* Dying again and again it serves nobody, and costs what the host could do better. */
static bool too_often(struct smol_device_care *care)
{
	int64_t now = smol_now_ms();

	if (care->ndeaths == SMOL_DEVICE_DEATHS)
		memmove(care->deaths, care->deaths + 1,
		    (SMOL_DEVICE_DEATHS - 1) * sizeof(care->deaths[0]));
	else
		care->ndeaths++;
	care->deaths[care->ndeaths - 1] = now;
	return care->ndeaths == SMOL_DEVICE_DEATHS && now - care->deaths[0] <= DEATHS_MS;
}

/* Somebody gets through to each, and each dies of it: that may go on for ever, and costs the less
 * the longer it does. */
static int pause_ms(const struct smol_device_care *care)
{
	int ms = care->row > 1 ? (care->row - 1) * PAUSE_MS : 0;

	return ms < PAUSE_MAX ? ms : PAUSE_MAX;
}

static void count(struct smol_device_care *care)
{
	if (smol_now_ms() - care->started_ms >= STEADY_MS)
		care->row = 0;
	if (care->row <= PAUSE_MAX / PAUSE_MS)
		care->row++;
}

/* Its guest has ended, or is about to be ended: another one would be for nobody. */
static bool is_over(const struct smol_monitor_state *m)
{
	return m->ending && m->stopping != SMOL_ASKING;
}

static void hold(struct smol_monitor_state *m)
{
	m->care.step = SMOL_DEVICE_HOLDS;
	uv_timer_start(&m->care.timer, on_timer, HOLD_MS, 0);
	/* A hypervisor that cannot be told is at its end, which is seen by itself. */
	smol_backend_hold(&m->backend, NULL);
}

static void journal_exit(struct smol_monitor_state *m, const char *words, int pause)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "how", words);
	if (pause)
		smol_json_add_int(j, "pause_ms", pause);
	smol_journal(m, "device-exit", j);
}

void smol_device_exit(void *ctx)
{
	struct smol_monitor_state *m = ctx;
	struct smol_device_care *care = &m->care;
	smol_auto_free char *words = NULL;
	bool over = is_over(m);
	int status;

	if (!smol_child_reap(&m->device, &status))
		return;
	smol_output_end(m);
	/* The last thing that it said may be that somebody has got through. */
	if (care->ready_watch.active && smol_io_wait(care->ready_fd, POLLIN, smol_in_ms(0)) > 0)
		on_ready(m);
	words = smol_child_end_words(&m->device, status);
	if (!over)
		count(care);
	journal_exit(m, words, over ? 0 : pause_ms(care));
	smol_child_close(&m->device);
	smol_watch_stop(&care->ready_watch);
	if (care->ready_fd >= 0)
		close(smol_steal_fd(&care->ready_fd));
	uv_timer_stop(&care->timer);
	if (over) {
		smol_machine_child_gone(m);
		return;
	}
	free(care->how);
	care->how = smol_steal(&words);
	care->died_ms = smol_now_ms();
	if (too_often(care)) {
		smol_machine_fail(m, "%s, for the %dth time within %d s", care->how,
		    SMOL_DEVICE_DEATHS, DEATHS_MS / 1000);
		return;
	}
	care->step = m->up ? SMOL_DEVICE_PAUSES : SMOL_DEVICE_WAITS;
	if (m->up)
		uv_timer_start(&care->timer, on_timer, (uint64_t)pause_ms(care), 0);
}

void smol_device_up(struct smol_monitor_state *m)
{
	m->up = true;
	if (m->care.step == SMOL_DEVICE_WAITS)
		hold(m);
}

void smol_device_held(struct smol_monitor_state *m)
{
	if (m->care.step != SMOL_DEVICE_HOLDS)
		return;
	/* What QEMU had to say of the old one. */
	smol_output_end(m);
	/* Not here: the loop has to let go of the old one's watches first. */
	m->care.step = SMOL_DEVICE_HELD;
	uv_timer_start(&m->care.timer, on_timer, 0, 0);
}

void smol_device_let_go(struct smol_monitor_state *m)
{
	if (m->care.step == SMOL_DEVICE_LETS_GO)
		back(m);
}

static void start_again(struct smol_monitor_state *m)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	m->care.step = SMOL_DEVICE_STARTS;
	if (start(m, &err) < 0)
		smol_machine_fail(
		    m, "%s, and could not be started again: %s", m->care.how, err.msg);
	else
		uv_timer_start(&m->care.timer, on_timer, READY_MS, 0);
}

/* QEMU accepts when it has seen that the old one is gone; until then the new one is queued. */
static void join(struct smol_monitor_state *m)
{
	if (smol_io_wait(m->vhost.fd, POLLIN, smol_in_ms(0)) > 0) {
		if (smol_poll_ms(m->care.deadline) == 0)
			smol_machine_fail(
			    m, "%s, and QEMU does not accept another one", m->care.how);
		else
			uv_timer_start(&m->care.timer, on_timer, LOOK_MS, 0);
		return;
	}
	m->care.step = SMOL_DEVICE_LETS_GO;
	uv_timer_start(&m->care.timer, on_timer, HOLD_MS, 0);
	smol_backend_let_go(&m->backend, NULL);
}

/* The next step, or its time is over. */
static void on_timer(uv_timer_t *t)
{
	struct smol_monitor_state *m = t->data;

	/* One that has been started for nothing is ended all the same. */
	if (is_over(m) && m->care.step != SMOL_DEVICE_STARTS)
		return;
	switch (m->care.step) {
	case SMOL_DEVICE_PAUSES:
		hold(m);
		break;
	case SMOL_DEVICE_HELD:
		start_again(m);
		break;
	case SMOL_DEVICE_STARTS:
		/* Its end is one like any other. */
		smol_journal_text(m, "device-late", "why", "it was not ready in time");
		smol_proc_kill(m->device.pidfd, SIGKILL);
		break;
	case SMOL_DEVICE_JOINS:
		join(m);
		break;
	case SMOL_DEVICE_HOLDS:
	case SMOL_DEVICE_LETS_GO:
		smol_machine_fail(m, "%s, and QEMU did not %s the guest in time", m->care.how,
		    m->care.step == SMOL_DEVICE_HOLDS ? "stop" : "go on with");
		break;
	case SMOL_DEVICE_SERVES:
	case SMOL_DEVICE_WAITS:
		break;
	}
}

bool smol_device_is_gone(const struct smol_monitor_state *m)
{
	return m->care.step != SMOL_DEVICE_SERVES ||
	       (m->device.pid > 0 &&
		   smol_io_wait(m->device.pidfd, POLLIN, smol_in_ms(GONE_MS)) > 0);
}

void smol_device_look(struct smol_monitor_state *m)
{
	if (m->device.pid > 0 && !m->ending &&
	    smol_io_wait(m->device.pidfd, POLLIN, smol_in_ms(0)) > 0)
		smol_device_exit(m);
}

bool smol_device_is_held(const struct smol_monitor_state *m)
{
	return m->care.step != SMOL_DEVICE_SERVES && m->care.step != SMOL_DEVICE_WAITS;
}

cJSON *smol_device_json(const struct smol_monitor_state *m)
{
	const struct smol_device_care *care = &m->care;
	int64_t ago = smol_now_ms() - care->died_ms;
	cJSON *j;

	if (!care->how)
		return NULL;
	j = how(m);
	smol_json_add_int(j, "ms_ago", ago);
	if (pause_ms(care) && ago < STEADY_MS)
		smol_json_add_int(j, "pause_ms", pause_ms(care));
	smol_json_add_bool(j, "restarting", care->step != SMOL_DEVICE_SERVES);
	return j;
}

void smol_device_end(struct smol_monitor_state *m)
{
	struct smol_device_care *care = &m->care;

	if (care->table_fd < 0)
		return;
	uv_timer_stop(&care->timer);
	uv_timer_stop(&care->probe_timer);
	close(smol_steal_fd(&care->table_fd));
}
