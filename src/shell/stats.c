/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What VMs use: see stats.h. */
#include "shell/stats.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/proc.h"
#include "shell/vm_json.h"
#include "vm/lifecycle.h"
#include "vm/monitor_client.h"
#include "vsock/client.h"

#define MONITOR_MS 300	 /* for a monitor to say what it has started */
#define AGAIN_MS   5000	 /* until one that did not is asked again */
#define ASK_MS	   5000	 /* the least time between two questions to an agent */
#define ASK_MAX_MS 20000 /* and the most, while nothing changes */
#define MOVED	   0.5	 /* per cent of CPU: a change that may mean a job */

static const char *const health_names[] = {
#define X(e, n) [SMOL_HEALTH_##e] = n,
    SMOL_HEALTHS(X)
#undef X
};
_Static_assert(SMOL_ARRAY_SIZE(health_names) == SMOL_HEALTH__COUNT, "a name for each health");

struct entry {
	struct smol_stat st;
	bool there; /* in this round */

	/* Its processes, as long as it has this monitor. */
	pid_t monitor, hypervisor, device;
	uint64_t monitor_start, hypervisor_start;
	int64_t pids_ms; /* when they are asked for again, while they are not known */
	uint64_t cpu_ms;
	int64_t cpu_at_ms; /* 0: nothing to compare with */

	struct smol_client *client; /* asked, and has not answered yet; owned */
	int64_t asked_ms, ask_every_ms;
	double asked_cpu;
};

struct smol_stats {
	struct entry **all; /* in the order of the round; owned */
	int n;
	int64_t silent_ms;
};

const char *smol_health_name(enum smol_health h)
{
	return (unsigned)h < SMOL_HEALTH__COUNT ? health_names[h] : "?";
}

struct smol_stats *smol_stats_new(int64_t silent_ms)
{
	struct smol_stats *s = smol_alloc(sizeof(*s));

	s->silent_ms = silent_ms;
	return s;
}

static void entry_free(struct entry *e)
{
	smol_client_close(e->client);
	free(e->st.name);
	free(e);
}

void smol_stats_free(struct smol_stats *s)
{
	for (int i = 0; s && i < s->n; i++)
		entry_free(s->all[i]);
	if (s)
		free(s->all);
	free(s);
}

const struct smol_stat *smol_stats_at(const struct smol_stats *s, int i)
{
	return &s->all[i]->st;
}

/* ---- processes ---- */

static void forget_processes(struct entry *e)
{
	e->hypervisor = e->device = 0;
	e->cpu_at_ms = 0;
	e->st.cpu = -1;
	e->st.resident = -1;
}

static pid_t pid_of(const cJSON *status, const char *key)
{
	int64_t pid = 0;

	smol_json_int(smol_json_get(status, key), "pid", 1, INT32_MAX, &pid);
	return (pid_t)pid;
}

/* Its monitor says which they are: once, as they are the same for as long as it lives. */
static void find_processes(struct entry *e, const struct smol_vm *vm, int64_t now)
{
	smol_auto_monitor struct smol_monitor *m = NULL;
	smol_auto_json cJSON *j = NULL;
	const cJSON *status;
	struct smol_proc_usage u;

	if (e->hypervisor || now < e->pids_ms)
		return;
	e->pids_ms = now + AGAIN_MS;
	m = smol_monitor_open(vm, NULL);
	if (!m || smol_monitor_send(m, smol_monitor_request("status"), NULL) < 0)
		return;
	j = smol_monitor_next(m, smol_in_ms(MONITOR_MS), -1, NULL);
	status = smol_json_get(j, "result");
	e->hypervisor = pid_of(status, "hypervisor");
	e->device = pid_of(status, "device");
	if (smol_proc_usage(e->hypervisor, &u) == 0)
		e->hypervisor_start = u.start;
	else
		e->hypervisor = 0;
	/* It is about to start one. */
	if (!e->hypervisor && vm->state == SMOL_VM_STARTING)
		e->pids_ms = now;
}

static void look_at_processes(struct entry *e, int64_t now)
{
	struct smol_proc_usage u;

	if (smol_proc_usage(e->hypervisor, &u) < 0 || u.start != e->hypervisor_start) {
		forget_processes(e);
		return;
	}
	e->st.resident = (int64_t)(u.resident + (e->device ? smol_proc_rss(e->device) : 0));
	if (e->cpu_at_ms && now - e->cpu_at_ms < SMOL_STATS_CPU_MS)
		return;
	if (e->cpu_at_ms && u.cpu_ms >= e->cpu_ms)
		e->st.cpu = 100.0 * (double)(u.cpu_ms - e->cpu_ms) / (double)(now - e->cpu_at_ms);
	e->cpu_ms = u.cpu_ms;
	e->cpu_at_ms = now;
}

/* ---- agents ---- */

static void hang_up(struct entry *e)
{
	smol_client_close(smol_steal(&e->client));
}

/* Did the agent say no, rather than nothing? */
static bool said_no(const struct smol_err *err)
{
	return err->code != SMOL_E_NONE && err->code != SMOL_E_RESET &&
	       err->code != SMOL_E_REFUSED && err->code != SMOL_E_DEADLINE &&
	       err->code != SMOL_E_IO && err->code != SMOL_E_PROTOCOL;
}

/* The answer, or NULL: there will be none, or err was it. What is as before need not be asked soon.
 */
static void answered(struct entry *e, const cJSON *reply, const struct smol_err *err)
{
	enum smol_health health = reply || said_no(err) ? SMOL_HEALTH_OK : SMOL_HEALTH_SILENT;
	int64_t jobs = -1;

	hang_up(e);
	smol_json_int(reply, "jobs", 0, INT32_MAX, &jobs);
	if (health == e->st.health && jobs == e->st.jobs && health == SMOL_HEALTH_OK)
		e->ask_every_ms =
		    e->ask_every_ms * 2 < ASK_MAX_MS ? e->ask_every_ms * 2 : ASK_MAX_MS;
	else
		e->ask_every_ms = ASK_MS;
	e->st.health = health;
	e->st.jobs = jobs;
}

static bool is_due(const struct entry *e, int64_t now)
{
	double moved = e->st.cpu - e->asked_cpu;

	if (e->client)
		return false;
	if (!e->asked_ms || now - e->asked_ms >= e->ask_every_ms)
		return true;
	return (moved > MOVED || moved < -MOVED) && now - e->asked_ms >= ASK_MS;
}

static void ask(struct entry *e, const struct smol_vm *vm, int64_t now)
{
	struct smol_request r = {.op = SMOL_OP_HEALTH, .version = SMOL_PROTO_VERSION};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_vsock_addr addr;

	if (!is_due(e, now))
		return;
	e->asked_ms = now;
	e->asked_cpu = e->st.cpu;
	if (smol_vm_agent_addr(vm, &addr, NULL) < 0)
		return;
	e->client = smol_client_open(&addr, vm->token, smol_in_ms(0), &err);
	if (!e->client || smol_client_begin(e->client, &r, &err) < 0)
		answered(e, NULL, &err);
}

/* Whoever does not run cannot be asked; whoever runs again is asked anew. */
static void stop_asking(struct entry *e, enum smol_health health)
{
	hang_up(e);
	e->asked_ms = 0;
	e->ask_every_ms = ASK_MS;
	e->st.health = health;
	e->st.jobs = -1;
}

/* ---- a round ---- */

static struct entry *entry_of(struct smol_stats *s, const struct smol_vm *vm)
{
	struct entry *e;

	for (int i = 0; i < s->n; i++)
		if (s->all[i] && strcmp(s->all[i]->st.id, vm->id) == 0) {
			e = s->all[i];
			s->all[i] = NULL;
			return e;
		}
	e = smol_alloc(sizeof(*e));
	snprintf(e->st.id, sizeof(e->st.id), "%s", vm->id);
	e->ask_every_ms = ASK_MS;
	e->st.jobs = -1;
	forget_processes(e);
	return e;
}

static void update(struct entry *e, const struct smol_vm *vm, int64_t now)
{
	bool up;
	int64_t age = smol_vm_age_ms(vm, &up);

	free(e->st.name);
	e->st.name = smol_strdup(vm->name);
	e->st.state = vm->state;
	e->st.memory = vm->config.memory_mib << 20;
	e->st.cpus = vm->config.cpus;
	e->st.uptime_ms = up ? age : -1;
	if (e->monitor != vm->monitor_pid || e->monitor_start != vm->monitor_start) {
		e->monitor = vm->monitor_pid;
		e->monitor_start = vm->monitor_start;
		e->pids_ms = 0;
		forget_processes(e);
		stop_asking(e, SMOL_HEALTH_UNKNOWN);
	}
	if (smol_vm_state_live(vm->state)) {
		find_processes(e, vm, now);
		look_at_processes(e, now);
	}
	if (vm->state == SMOL_VM_RUNNING && vm->config.vsock.enabled)
		ask(e, vm, now);
	else
		stop_asking(
		    e, vm->state == SMOL_VM_PAUSED ? SMOL_HEALTH_PAUSED : SMOL_HEALTH_UNKNOWN);
}

void smol_stats_round(struct smol_stats *s, struct smol_vm *const *vms, int n)
{
	struct entry **all = smol_alloc(((size_t)n + 1) * sizeof(struct entry *));
	int64_t now = smol_now_ms();

	for (int i = 0; i < n; i++) {
		all[i] = entry_of(s, vms[i]);
		update(all[i], vms[i], now);
	}
	for (int i = 0; i < s->n; i++)
		if (s->all[i])
			entry_free(s->all[i]);
	free(s->all);
	s->all = all;
	s->n = n;
}

/* Take what came, and give up whom nothing came from for too long. */
static void step(struct entry *e, short revents, bool late)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *reply = NULL;
	int got = revents ? smol_client_step(e->client, revents, &reply, &err) : 0;

	if (got || late)
		answered(e, reply, &err);
}

bool smol_stats_hear(struct smol_stats *s, smol_deadline deadline, bool all, int stop_fd)
{
	smol_auto_free struct pollfd *p = smol_alloc(((size_t)s->n + 2) * sizeof(*p));

	for (;;) {
		smol_deadline until = deadline;
		int waiting = 0, n;

		/* Without events asked for, stdout tells only that its reader has gone. */
		p[0] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
		p[1] = (struct pollfd){.fd = STDOUT_FILENO};
		for (int i = 0; i < s->n; i++) {
			struct entry *e = s->all[i];

			p[2 + i] = (struct pollfd){.fd = -1};
			if (!e->client)
				continue;
			waiting++;
			smol_client_wants(e->client, &p[2 + i]);
			if (e->asked_ms + s->silent_ms < until)
				until = e->asked_ms + s->silent_ms;
		}
		if (all && !waiting)
			return false;
		n = poll(p, (nfds_t)s->n + 2, smol_poll_ms(until));
		if (n > 0 && (p[0].revents || p[1].revents))
			return true;
		for (int i = 0; i < s->n; i++)
			if (s->all[i]->client)
				step(s->all[i], n > 0 ? p[2 + i].revents : 0,
				    smol_now_ms() - s->all[i]->asked_ms >= s->silent_ms);
		if (smol_poll_ms(deadline) == 0)
			return false;
	}
}

static void add_number(cJSON *j, const char *key, int64_t value)
{
	if (value < 0)
		cJSON_AddNullToObject(j, key);
	else
		smol_json_add_int(j, key, value);
}

cJSON *smol_stat_json(const struct smol_stat *st)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "name", st->name);
	smol_json_add_str(j, "id", st->id);
	smol_json_add_str(j, "state", smol_vm_state_name(st->state));
	smol_json_add_str(
	    j, "health", st->health == SMOL_HEALTH_UNKNOWN ? NULL : smol_health_name(st->health));
	if (st->cpu < 0)
		cJSON_AddNullToObject(j, "cpu_percent");
	else
		cJSON_AddNumberToObject(
		    j, "cpu_percent", (double)(int64_t)(st->cpu * 10 + 0.5) / 10);
	smol_json_add_int(j, "cpus", st->cpus);
	add_number(j, "resident_bytes", st->resident);
	smol_json_add_int(j, "memory_bytes", st->memory);
	add_number(j, "uptime_ms", st->uptime_ms);
	add_number(j, "jobs", st->jobs);
	return j;
}
