/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the monitor tells the registry, and what it does when the registry will not hear it or is no
 * longer there. The loop never waits long for a registry that is busy: the state is told again
 * until it is taken, the newest one only. A VM whose home was removed can neither be found nor
 * stopped by anybody: it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "monitor/monitor.h"

#define PATIENCE_MS 1000 /* for a busy registry, while the VM runs */
#define AGAIN_MS    2000
#define METRICS_MS  5000	/* figures that come more often are not written more often */
#define RESERVE	    (64 * 1024) /* bytes: more than a write to the registry takes */

/*
 * A file without a name that holds room on the disk. Where the disk is full (it may be the VM's own
 * console that filled it) it is let go so that the registry can still hear the truth.
 */
static void keep_room(struct smol_monitor_state *m)
{
	if (m->reserve_fd >= 0)
		return;
	m->reserve_fd = open(m->state_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (m->reserve_fd >= 0 && fallocate(m->reserve_fd, 0, 0, RESERVE) < 0)
		close(smol_steal_fd(&m->reserve_fd));
}

/* Should it be tried once more? */
static bool make_room(struct smol_monitor_state *m, struct smol_err *err)
{
	if (err->code != SMOL_E_NO_SPACE || m->reserve_fd < 0)
		return false;
	close(smol_steal_fd(&m->reserve_fd));
	smol_err_clear(err);
	return true;
}

static int tell_once(const struct smol_monitor_state *m, struct smol_err *err)
{
	if (m->to_tell == SMOL_VM_RUNNING)
		return smol_registry_set_ready(m->registry, m->vm->id, err);
	if (m->to_tell == SMOL_VM_STARTING)
		return smol_registry_set_starting(m->registry, m->vm->id, err);
	if (m->to_tell == SMOL_VM_PAUSED)
		return smol_registry_set_paused(m->registry, m->vm->id, err);
	return smol_registry_set_stopping(m->registry, m->vm->id, err);
}

static int tell(struct smol_monitor_state *m, struct smol_err *err)
{
	if (tell_once(m, err) < 0 && (!make_room(m, err) || tell_once(m, err) < 0))
		return -1;
	keep_room(m);
	return 0;
}

static void on_again(uv_timer_t *t)
{
	struct smol_monitor_state *m = t->data;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (tell(m, &err) == 0)
		uv_timer_stop(&m->record_timer);
}

void smol_record_state(struct smol_monitor_state *m, enum smol_vm_state state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (!m->claimed)
		return;
	m->to_tell = state;
	uv_timer_stop(&m->record_timer);
	if (tell(m, &err) == 0)
		return;
	smol_journal(m, "registry", smol_json_from_err(&err));
	uv_timer_start(&m->record_timer, on_again, AGAIN_MS, AGAIN_MS);
}

static void on_home(void *ctx)
{
	struct smol_monitor_state *m = ctx;
	char events[4096];

	/* Another VM's directory, mostly. */
	while (read(m->home_fd, events, sizeof(events)) > 0)
		;
	if (access(m->state_dir, F_OK) == 0 || errno != ENOENT)
		return;
	smol_watch_stop(&m->home_watch);
	m->homeless = true;
	smol_machine_fail(m, "its directory %s was removed", m->state_dir);
}

void smol_record_begin(struct smol_monitor_state *m)
{
	smol_auto_free char *vms = smol_strdup(m->state_dir);

	uv_timer_init(&m->loop, &m->record_timer);
	m->record_timer.data = m;
	keep_room(m);
	smol_registry_set_patience(m->registry, PATIENCE_MS);
	/* The directory itself would not do: the open logs keep it from being gone. Without inotify
	 * the VM runs as well; it is only not so careful. */
	*strrchr(vms, '/') = '\0';
	m->home_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (m->home_fd >= 0 &&
	    inotify_add_watch(m->home_fd, vms, IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR) >= 0)
		smol_watch_start(&m->loop, &m->home_watch, m->home_fd, on_home, m);
}

static int end_once(const struct smol_monitor_state *m, struct smol_err *err)
{
	if (m->vm->ephemeral)
		return smol_registry_delete(m->registry, m->vm->id, getpid(), err);
	return smol_registry_set_ended(m->registry, m->vm->id, getpid(), m->died, m->cause, err);
}

void smol_record_end(struct smol_monitor_state *m)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (!m->claimed)
		return;
	uv_timer_stop(&m->record_timer);
	smol_watch_stop(&m->home_watch);
	/* Nobody waits for the loop any more, and this is the last word. */
	smol_registry_set_patience(m->registry, SMOL_BUSY_MS);
	if (end_once(m, &err) < 0 && (!make_room(m, &err) || end_once(m, &err) < 0))
		smol_journal(m, "registry", smol_json_from_err(&err));
}

void smol_record_metrics(struct smol_monitor_state *m, const char *line)
{
	smol_auto_json cJSON *j = smol_json_parse_object(line, strlen(line), NULL);
	smol_auto_free char *path = smol_asprintf("%s/metrics.json", m->state_dir);
	int64_t now = smol_now_ms();

	if (!j || m->homeless || (m->metrics_ms && now - m->metrics_ms < METRICS_MS))
		return;
	m->metrics_ms = now;
	smol_file_write(path, line, strlen(line), 0600, NULL);
}
