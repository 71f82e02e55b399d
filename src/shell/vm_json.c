/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VM as JSON: see vm_json.h. */
#include "shell/vm_json.h"

#include "base/buf.h"
#include "base/clock.h"

static void add_time(cJSON *j, const char *key, int64_t wall_ms)
{
	char text[32];

	smol_wall_text(wall_ms, text);
	smol_json_add_str(j, key, wall_ms ? text : NULL);
}

int64_t smol_vm_age_ms(const struct smol_vm *vm, bool *up)
{
	int64_t since;

	*up = smol_vm_state_live(vm->state) && vm->started_ms;
	if (*up)
		since = vm->ready_ms ? vm->ready_ms : vm->started_ms;
	else
		since =
		    vm->ended_ms && !smol_vm_state_live(vm->state) ? vm->ended_ms : vm->created_ms;
	since = smol_wall_ms() - since;
	return since > 0 ? since : 0; /* a clock may have been set back */
}

cJSON *smol_vm_env_json(const struct smol_vm *vm, bool show)
{
	cJSON *j = cJSON_CreateObject();
	const cJSON *v;

	cJSON_ArrayForEach (v, vm->env)
		smol_json_add_str(j, v->string, show ? v->valuestring : NULL);
	return j;
}

char *smol_vm_labels_text(const struct smol_vm *vm)
{
	struct smol_buf b = {0};
	const cJSON *v;

	cJSON_ArrayForEach (v, vm->labels)
		smol_buf_printf(&b, "%s%s=%s", smol_buf_len(&b) ? " " : "", v->string,
		    v->valuestring ? v->valuestring : "");
	return smol_buf_take(&b);
}

cJSON *smol_vm_json(const struct smol_vm *vm)
{
	cJSON *j = cJSON_CreateObject(), *vsock;
	bool up;
	int64_t age = smol_vm_age_ms(vm, &up);

	smol_json_add_str(j, "name", vm->name);
	smol_json_add_str(j, "id", vm->id);
	smol_json_add_str(j, "state", smol_vm_state_name(vm->state));
	if (up)
		smol_json_add_int(j, "uptime_ms", age);
	smol_json_add_bool(j, "ephemeral", vm->ephemeral);
	cJSON_AddItemToObject(j, "config", smol_vm_config_encode(&vm->config));
	cJSON_AddItemToObject(j, "labels", cJSON_Duplicate(vm->labels, true));
	cJSON_AddItemToObject(j, "env", smol_vm_env_json(vm, false));
	smol_json_add_str(j, "accel_used", vm->accel_used);
	vsock = cJSON_AddObjectToObject(j, "vsock");
	smol_json_add_bool(vsock, "enabled", vm->config.vsock.enabled);
	if (vm->config.vsock.enabled) {
		smol_json_add_str(vsock, "kind", smol_vsock_by_name(vm->config.vsock.kind));
		smol_json_add_str(vsock, "used", vm->vsock_used);
		smol_json_add_int(vsock, "cid", vm->cid);
		smol_json_add_int(vsock, "port", vm->config.vsock.guest_port);
	}
	add_time(j, "created", vm->created_ms);
	add_time(j, "started", vm->started_ms);
	add_time(j, "ready", vm->ready_ms);
	add_time(j, "ended", vm->ended_ms);
	smol_json_add_str(j, "end_cause", vm->end_cause);
	return j;
}
