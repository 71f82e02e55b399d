/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Firecracker's requests: see fc_request.h. Paths, fields and ranges are those of its OpenAPI
 * description; what it has deprecated (vsock_id, mem_file_path on load) is never sent.
 */
#include "backend/fc_request.h"

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "vm/nettap.h"

/*
 * As with QEMU, what keeps the console readable and costs emulated or virtual boots nothing. Its
 * process ends when the guest resets by the keyboard controller (reboot=k), and does not when the
 * guest powers off. It has no PCI bus unless it is told to.
 */
#define KERNEL_ARGS                                                                                \
	"console=ttyS0 quiet reboot=k panic=-1 pci=off no_timer_check nokaslr "                    \
	"random.trust_cpu=on "                                                                     \
	"cryptomgr.notests audit=0 8250.nr_uarts=1 rcupdate.rcu_expedited=1"

static const char *const actions[] = {
#define X(e, n) [SMOL_FC_##e] = n,
    SMOL_FC_ACTIONS(X)
#undef X
};
_Static_assert(SMOL_ARRAY_SIZE(actions) == SMOL_FC_ACTION__COUNT, "a name for each action");

void smol_fc_request_free(struct smol_fc_request *r)
{
	free(r->path);
	cJSON_Delete(r->body);
	*r = (struct smol_fc_request){0};
}

struct smol_fc_request smol_fc_request_steal(struct smol_fc_request *r)
{
	struct smol_fc_request stolen = *r;

	*r = (struct smol_fc_request){0};
	return stolen;
}

void smol_fc_requests_free(struct smol_fc_requests *l)
{
	for (size_t i = 0; i < l->n; i++)
		smol_fc_request_free(&l->v[i]);
	free(l->v);
	*l = (struct smol_fc_requests){0};
}

static struct smol_fc_request request(const char *method, const char *path)
{
	return (struct smol_fc_request){
	    .method = method, .path = smol_strdup(path), .body = cJSON_CreateObject()};
}

/* As it is: smol_fc_boot() refuses what JSON cannot hold, rather than name another file. */
static void put_text(cJSON *body, const char *key, const char *text)
{
	cJSON_AddStringToObject(body, key, text);
}

struct smol_fc_request smol_fc_put_logger(const char *path)
{
	struct smol_fc_request r = request("PUT", "/logger");

	put_text(r.body, "log_path", path);
	put_text(r.body, "level", "Warning");
	smol_json_add_bool(r.body, "show_level", true);
	return r;
}

struct smol_fc_request smol_fc_put_metrics(const char *path)
{
	struct smol_fc_request r = request("PUT", "/metrics");

	put_text(r.body, "metrics_path", path);
	return r;
}

struct smol_fc_request smol_fc_put_machine(int cpus, int64_t memory_mib)
{
	struct smol_fc_request r = request("PUT", "/machine-config");

	smol_json_add_int(r.body, "vcpu_count", cpus);
	smol_json_add_int(r.body, "mem_size_mib", memory_mib);
	return r;
}

struct smol_fc_request smol_fc_put_boot(const char *kernel, const char *initrd, const char *args)
{
	struct smol_fc_request r = request("PUT", "/boot-source");

	put_text(r.body, "kernel_image_path", kernel);
	put_text(r.body, "initrd_path", initrd);
	put_text(r.body, "boot_args", args);
	return r;
}

/* What the guest has flushed is on the host's disk, and not only in its memory. */
struct smol_fc_request smol_fc_put_drive(const char *id, const char *path, bool readonly)
{
	smol_auto_free char *where = smol_asprintf("/drives/%s", id);
	struct smol_fc_request r = request("PUT", where);

	put_text(r.body, "drive_id", id);
	put_text(r.body, "path_on_host", path);
	smol_json_add_bool(r.body, "is_root_device", false);
	smol_json_add_bool(r.body, "is_read_only", readonly);
	put_text(r.body, "cache_type", readonly ? "Unsafe" : "Writeback");
	return r;
}

struct smol_fc_request smol_fc_put_network(const char *id, const char *tap, const char *mac)
{
	smol_auto_free char *where = smol_asprintf("/network-interfaces/%s", id);
	struct smol_fc_request r = request("PUT", where);

	put_text(r.body, "iface_id", id);
	put_text(r.body, "host_dev_name", tap);
	put_text(r.body, "guest_mac", mac);
	return r;
}

struct smol_fc_request smol_fc_put_vsock(uint32_t cid, const char *uds_path)
{
	struct smol_fc_request r = request("PUT", "/vsock");

	smol_json_add_int(r.body, "guest_cid", cid);
	put_text(r.body, "uds_path", uds_path);
	return r;
}

struct smol_fc_request smol_fc_put_entropy(void)
{
	return request("PUT", "/entropy");
}

#define STATS_S 3600

struct smol_fc_request smol_fc_put_balloon(int64_t mib)
{
	struct smol_fc_request r = request("PUT", "/balloon");

	smol_json_add_int(r.body, "amount_mib", mib);
	smol_json_add_bool(r.body, "deflate_on_oom", true);
	/* It says how far its guest is only where this is not 0; the guest is woken for it. */
	smol_json_add_int(r.body, "stats_polling_interval_s", STATS_S);
	return r;
}

struct smol_fc_request smol_fc_snapshot_load(const char *state, const char *memory, bool resume)
{
	struct smol_fc_request r = request("PUT", "/snapshot/load");
	cJSON *from = cJSON_AddObjectToObject(r.body, "mem_backend");

	put_text(r.body, "snapshot_path", state);
	put_text(from, "backend_type", "File");
	put_text(from, "backend_path", memory);
	smol_json_add_bool(r.body, "resume_vm", resume);
	return r;
}

struct smol_fc_request smol_fc_action(enum smol_fc_action action)
{
	struct smol_fc_request r = request("PUT", "/actions");

	put_text(r.body, "action_type", actions[action]);
	return r;
}

struct smol_fc_request smol_fc_patch_vm(bool paused)
{
	struct smol_fc_request r = request("PATCH", "/vm");

	put_text(r.body, "state", paused ? "Paused" : "Resumed");
	return r;
}

struct smol_fc_request smol_fc_patch_balloon(int64_t mib)
{
	struct smol_fc_request r = request("PATCH", "/balloon");

	smol_json_add_int(r.body, "amount_mib", mib);
	return r;
}

struct smol_fc_request smol_fc_get_balloon_stats(void)
{
	struct smol_fc_request r = {.method = "GET", .path = smol_strdup("/balloon/statistics")};

	return r;
}

struct smol_fc_request smol_fc_snapshot_create(const char *state, const char *memory)
{
	struct smol_fc_request r = request("PUT", "/snapshot/create");

	put_text(r.body, "snapshot_type", "Full");
	put_text(r.body, "snapshot_path", state);
	put_text(r.body, "mem_file_path", memory);
	return r;
}

char *smol_fc_kernel_args(const struct smol_launch *l)
{
	const struct smol_vm_config *c = l->config;

	return smol_asprintf("%s%s%s%s%s%s", KERNEL_ARGS, c->cpus == 1 ? " noreplace-smp" : "",
	    *l->kernel_args ? " " : "", l->kernel_args, *c->kernel_args ? " " : "", c->kernel_args);
}

static void add(struct smol_fc_requests *l, struct smol_fc_request r)
{
	l->v = smol_realloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n++] = r;
}

/* Every string of a body is a path or a name that a user chose. */
static int check_utf8(const struct smol_fc_request *r, struct smol_err *err)
{
	const cJSON *v;

	cJSON_ArrayForEach (v, r->body) {
		const char *s = cJSON_GetStringValue(v);

		if (s && !smol_utf8_valid(s, strlen(s)))
			return smol_err_set(err, SMOL_E_INVALID,
			    "%s %s: %s is not UTF-8, and Firecracker takes nothing else", r->method,
			    r->path, v->string);
	}
	return 0;
}

static int check_all(struct smol_fc_requests *l, struct smol_err *err)
{
	for (size_t i = 0; i < l->n; i++)
		if (check_utf8(&l->v[i], err) < 0) {
			smol_fc_requests_free(l);
			return -1;
		}
	return 0;
}

int smol_fc_restore(const struct smol_fc_places *p, const char *state, const char *memory,
    struct smol_fc_requests *out, struct smol_err *err)
{
	*out = (struct smol_fc_requests){0};
	add(out, smol_fc_put_logger(p->log));
	add(out, smol_fc_put_metrics(p->metrics));
	add(out, smol_fc_snapshot_load(state, memory, true));
	return check_all(out, err);
}

int smol_fc_boot(const struct smol_launch *l, const struct smol_fc_places *p,
    struct smol_fc_requests *out, struct smol_err *err)
{
	smol_auto_free char *args = smol_fc_kernel_args(l);

	*out = (struct smol_fc_requests){0};
	add(out, smol_fc_put_logger(p->log));
	add(out, smol_fc_put_metrics(p->metrics));
	add(out, smol_fc_put_machine(l->config->cpus, l->config->memory_mib));
	add(out, smol_fc_put_boot(p->kernel, p->initrd, args));
	for (int i = 0; i < l->ndrives; i++) {
		smol_auto_free char *id = smol_asprintf("drive%d", i);

		add(out, smol_fc_put_drive(id, l->drives[i].path, l->drives[i].readonly));
	}
	if (l->config->net == SMOL_NET_TAP) {
		char mac[18];

		smol_nettap_mac(l->id, mac);
		add(out, smol_fc_put_network("net0", l->config->net_tap, mac));
	}
	if (p->uds)
		add(out, smol_fc_put_vsock(l->cid, p->uds));
	add(out, smol_fc_put_entropy());
	if (l->config->balloon)
		add(out, smol_fc_put_balloon(0));
	add(out, smol_fc_action(SMOL_FC_START));
	return check_all(out, err);
}
