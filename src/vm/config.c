/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a VM is to be: see config.h. */
#include "vm/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "proto/limits.h"
#include "proto/request.h"
#include "vm/nettap.h"

static const char *const accel_names[] = {
#define X(e, n) [SMOL_ACCEL_##e] = n,
    SMOL_ACCELS(X)
#undef X
};
_Static_assert(SMOL_ARRAY_SIZE(accel_names) == SMOL_ACCEL__COUNT, "a name for each accelerator");

static const char *const net_names[] = {
#define X(e, n) [SMOL_NET_##e] = n,
    SMOL_NETS(X)
#undef X
};
_Static_assert(SMOL_ARRAY_SIZE(net_names) == SMOL_NET__COUNT, "a name for each network");

static const char *const vsock_names[] = {
#define X(e, n) [SMOL_VSOCK_BY_##e] = n,
    SMOL_VSOCKS(X)
#undef X
};
_Static_assert(SMOL_ARRAY_SIZE(vsock_names) == SMOL_VSOCK_BY__COUNT, "a name for each device");

const char *smol_accel_name(enum smol_accel a)
{
	return (unsigned)a < SMOL_ACCEL__COUNT ? accel_names[a] : "?";
}

const char *smol_net_name(enum smol_net n)
{
	return (unsigned)n < SMOL_NET__COUNT ? net_names[n] : "?";
}

const char *smol_vsock_by_name(enum smol_vsock_by k)
{
	return (unsigned)k < SMOL_VSOCK_BY__COUNT ? vsock_names[k] : "?";
}

static int parse_name(
    const char *what, const char *text, const char *const *names, int n, struct smol_err *err)
{
	struct smol_buf known = {0};

	for (int i = 0; text && i < n; i++)
		if (strcmp(names[i], text) == 0)
			return i;
	for (int i = 0; i < n; i++)
		smol_buf_printf(&known, "%s%s", i ? ", " : "", names[i]);
	smol_err_set(err, SMOL_E_INVALID, "no such %s: '%s' (there are %s)", what, text ? text : "",
	    smol_buf_str(&known));
	smol_buf_free(&known);
	return -1;
}

int smol_accel_parse(const char *text, enum smol_accel *a, struct smol_err *err)
{
	int i = parse_name("accelerator", text, accel_names, SMOL_ACCEL__COUNT, err);

	if (i < 0)
		return -1;
	*a = i;
	return 0;
}

int smol_net_parse(const char *text, enum smol_net *n, struct smol_err *err)
{
	int i = parse_name("network", text, net_names, SMOL_NET__COUNT, err);

	if (i < 0)
		return -1;
	*n = i;
	return 0;
}

int smol_vsock_by_parse(const char *text, enum smol_vsock_by *k, struct smol_err *err)
{
	int i = parse_name("vsock device", text, vsock_names, SMOL_VSOCK_BY__COUNT, err);

	if (i < 0)
		return -1;
	*k = i;
	return 0;
}

int smol_net_take(const char *text, struct smol_vm_config *c, struct smol_err *err)
{
	static const char tap[] = "tap=";

	if (strncmp(text, tap, strlen(tap)) != 0) {
		if (strcmp(text, "tap") != 0)
			return smol_net_parse(text, &c->net, err);
		smol_err_set(err, SMOL_E_INVALID, "which tap device?");
		return smol_err_hint(err, "--net tap=tap0");
	}
	if (smol_nettap_check(text + strlen(tap), err) < 0)
		return -1;
	c->net = SMOL_NET_TAP;
	free(c->net_tap);
	c->net_tap = smol_strdup(text + strlen(tap));
	return 0;
}

void smol_vm_config_init(struct smol_vm_config *c)
{
	*c = (struct smol_vm_config){
	    .image = smol_strdup("base"),
	    .backend = smol_strdup("auto"),
	    .accel = SMOL_ACCEL_AUTO,
	    .cpus = 1,
	    .memory_mib = SMOL_MEMORY_DEFAULT_MIB,
	    .kernel_args = smol_strdup(""),
	    .net = SMOL_NET_NONE,
	    .rootfs_size = SMOL_ROOTFS_DEFAULT,
	    .vsock = {.enabled = true, .guest_port = SMOL_PORT_AGENT},
	};
}

void smol_vm_config_free(struct smol_vm_config *c)
{
	free(c->image);
	free(c->backend);
	free(c->backend_reason);
	free(c->firecracker);
	free(c->jailer);
	free(c->kernel);
	free(c->kernel_args);
	free(c->vsock.uds_path);
	free(c->net_tap);
	cJSON_Delete(c->rootfs);
	smol_disks_free(&c->disks);
	smol_shares_free(&c->shares);
	cJSON_Delete(c->limits);
	*c = (struct smol_vm_config){0};
}

static int64_t host_memory_mib(void)
{
	struct sysinfo si;

	return sysinfo(&si) == 0 ? (int64_t)((uint64_t)si.totalram * si.mem_unit >> 20)
				 : SMOL_MEMORY_MAX_MIB;
}

static int check_memory(int64_t mib, struct smol_err *err)
{
	int64_t host = host_memory_mib();

	if (mib < SMOL_MEMORY_MIN_MIB) {
		smol_err_set(err, SMOL_E_INVALID,
		    "memory of %lld MiB is too little: a guest needs %d MiB", (long long)mib,
		    SMOL_MEMORY_MIN_MIB);
		return smol_err_hint(err, "--memory %d", SMOL_MEMORY_DEFAULT_MIB);
	}
	if (mib > host || mib > SMOL_MEMORY_MAX_MIB) {
		smol_err_set(err, SMOL_E_INVALID,
		    "memory of %lld MiB is more than this host has (%lld MiB)", (long long)mib,
		    (long long)host);
		return smol_err_hint(err, "--memory %d", SMOL_MEMORY_DEFAULT_MIB);
	}
	return 0;
}

static int check_kernel_args(const char *args, struct smol_err *err)
{
	size_t n = strlen(args);

	if (n > SMOL_KERNEL_ARGS_MAX)
		return smol_err_set(err, SMOL_E_INVALID,
		    "kernel arguments of %zu bytes: at most %d", n, SMOL_KERNEL_ARGS_MAX);
	for (size_t i = 0; i < n; i++)
		if (!isprint((unsigned char)args[i]))
			return smol_err_set(err, SMOL_E_INVALID,
			    "kernel arguments hold a byte that is not printable ASCII");
	return 0;
}

static int check_rootfs(const struct smol_vm_config *c, struct smol_err *err)
{
	const char *digest = smol_json_str(c->rootfs, "digest");
	char size[16];

	if (!c->rootfs)
		return 0;
	if (!digest || strlen(digest) != 64 || strspn(digest, "0123456789abcdef") != 64)
		return smol_err_set(err, SMOL_E_INVALID, "the root image has no digest");
	if (c->rootfs_size >= SMOL_ROOTFS_MIN && c->rootfs_size <= SMOL_ROOTFS_MAX)
		return 0;
	smol_size_text((uint64_t)c->rootfs_size, size);
	smol_err_set(
	    err, SMOL_E_INVALID, "a disk of %s for the root's own files: must be 16M to 16T", size);
	return smol_err_hint(err, "--rootfs-size 4G");
}

static int check_vsock(const struct smol_vsock_config *v, struct smol_err *err)
{
	if (!v->enabled)
		return 0;
	if (v->guest_cid && (v->guest_cid < SMOL_CID_MIN || v->guest_cid > SMOL_CID_MAX))
		return smol_err_set(err, SMOL_E_INVALID, "CID %u is out of range: must be %u to %u",
		    v->guest_cid, SMOL_CID_MIN, SMOL_CID_MAX);
	if (!v->uds_path)
		return 0;
	if (v->kind == SMOL_VSOCK_BY_KERNEL) {
		smol_err_set(err, SMOL_E_INVALID,
		    "--vsock-path with --vsock kernel: the kernel's vsock is reached by its CID and"
		    " has no socket in the file system");
		return smol_err_hint(err, "leave --vsock-path out, or --vsock user");
	}
	return smol_uds_path_check(v->uds_path, err);
}

/* Into a jail go copies only, and its sockets have their place there. */
static int check_jailer(const struct smol_vm_config *c, struct smol_err *err)
{
	const char *excluded = c->disks.n	   ? "--disk"
			       : c->rootfs	   ? "--rootfs"
			       : c->vsock.uds_path ? "--vsock-path"
						   : NULL;

	if (!c->jailer || !excluded)
		return 0;
	smol_err_set(err, SMOL_E_INVALID, "%s does not go with --jailer", excluded);
	return smol_err_hint(err, "leave one of them out");
}

int smol_vm_config_check(const struct smol_vm_config *c, struct smol_err *err)
{
	if (c->cpus < 1 || c->cpus > SMOL_CPUS_MAX)
		return smol_err_set(
		    err, SMOL_E_INVALID, "%d CPUs: must be 1 to %d", c->cpus, SMOL_CPUS_MAX);
	if (check_memory(c->memory_mib, err) < 0 || check_kernel_args(c->kernel_args, err) < 0)
		return -1;
	if (c->kernel && c->kernel[0] != '/')
		return smol_err_set(
		    err, SMOL_E_INVALID, "kernel '%s' is not an absolute path", c->kernel);
	if (c->firecracker && c->firecracker[0] != '/')
		return smol_err_set(err, SMOL_E_INVALID, "firecracker '%s' is not an absolute path",
		    c->firecracker);
	if (check_jailer(c, err) < 0 || smol_limits_check(c->limits, err) < 0 ||
	    check_rootfs(c, err) < 0)
		return -1;
	return check_vsock(&c->vsock, err);
}

cJSON *smol_vm_config_encode(const struct smol_vm_config *c)
{
	cJSON *j = cJSON_CreateObject(), *v;

	smol_json_add_str(j, "image", c->image);
	smol_json_add_str(j, "backend", c->backend);
	if (c->backend_reason)
		smol_json_add_str(j, "backend_reason", c->backend_reason);
	if (c->firecracker)
		smol_json_add_str(j, "firecracker", c->firecracker);
	if (c->jailer)
		smol_json_add_str(j, "jailer", c->jailer);
	smol_json_add_str(j, "kernel", c->kernel);
	smol_json_add_str(j, "accel", smol_accel_name(c->accel));
	smol_json_add_int(j, "cpus", c->cpus);
	smol_json_add_int(j, "memory_mib", c->memory_mib);
	smol_json_add_str(j, "kernel_args", c->kernel_args);
	smol_json_add_str(j, "net", smol_net_name(c->net));
	if (c->net_tap)
		smol_json_add_str(j, "net_tap", c->net_tap);
	smol_json_add_bool(j, "balloon", c->balloon);
	if (c->rootfs) {
		cJSON_AddItemToObject(j, "rootfs", cJSON_Duplicate(c->rootfs, true));
		smol_json_add_int(j, "rootfs_size", c->rootfs_size);
	}
	if (c->shares.n)
		cJSON_AddItemToObject(j, "shares", smol_shares_encode(&c->shares));
	if (c->disks.n)
		cJSON_AddItemToObject(j, "disks", smol_disks_encode(&c->disks));
	if (c->limits)
		cJSON_AddItemToObject(j, "limits", cJSON_Duplicate(c->limits, true));
	v = cJSON_AddObjectToObject(j, "vsock");
	smol_json_add_bool(v, "enabled", c->vsock.enabled);
	smol_json_add_str(v, "kind", smol_vsock_by_name(c->vsock.kind));
	smol_json_add_int(v, "guest_port", c->vsock.guest_port);
	if (c->vsock.guest_cid)
		smol_json_add_int(v, "guest_cid", c->vsock.guest_cid);
	if (c->vsock.uds_path)
		smol_json_add_str(v, "uds_path", c->vsock.uds_path);
	return j;
}

static void take_str(const cJSON *j, const char *key, char **field)
{
	const char *s = smol_json_str(j, key);

	if (!s)
		return;
	free(*field);
	*field = smol_strdup(s);
}

static int decode_vsock(const cJSON *v, struct smol_vsock_config *c, struct smol_err *err)
{
	int64_t port = c->guest_port, cid = 0;

	if (!v)
		return 0;
	c->enabled = smol_json_bool(v, "enabled", true);
	if (smol_json_str(v, "kind") &&
	    smol_vsock_by_parse(smol_json_str(v, "kind"), &c->kind, err) < 0)
		return -1;
	take_str(v, "uds_path", &c->uds_path);
	if (smol_json_int(v, "guest_port", 1, UINT32_MAX - 1, &port) < 0)
		return smol_err_set(err, SMOL_E_REGISTRY, "its vsock port is out of range");
	if (smol_json_int(v, "guest_cid", SMOL_CID_MIN, SMOL_CID_MAX, &cid) < 0)
		return smol_err_set(err, SMOL_E_REGISTRY,
		    "the CID of its configuration is not a whole number from %u to %u",
		    SMOL_CID_MIN, SMOL_CID_MAX);
	c->guest_port = (uint32_t)port;
	c->guest_cid = (uint32_t)cid;
	return 0;
}

int smol_vm_config_decode(const cJSON *j, struct smol_vm_config *c, struct smol_err *err)
{
	int64_t cpus = 1;

	smol_vm_config_init(c);
	if (!cJSON_IsObject(j))
		return smol_err_set(err, SMOL_E_REGISTRY, "no configuration");
	take_str(j, "image", &c->image);
	take_str(j, "backend", &c->backend);
	take_str(j, "backend_reason", &c->backend_reason);
	take_str(j, "firecracker", &c->firecracker);
	take_str(j, "jailer", &c->jailer);
	take_str(j, "kernel", &c->kernel);
	take_str(j, "kernel_args", &c->kernel_args);
	c->balloon = smol_json_bool(j, "balloon", false);
	if (smol_json_int(j, "cpus", 1, SMOL_CPUS_MAX, &cpus) < 0 ||
	    smol_json_int(j, "memory_mib", 1, SMOL_MEMORY_MAX_MIB, &c->memory_mib) < 0)
		return smol_err_set(err, SMOL_E_REGISTRY, "CPUs or memory out of range");
	c->cpus = (int)cpus;
	if ((smol_json_str(j, "accel") &&
		smol_accel_parse(smol_json_str(j, "accel"), &c->accel, err) < 0) ||
	    (smol_json_str(j, "net") && smol_net_parse(smol_json_str(j, "net"), &c->net, err) < 0))
		return -1;
	take_str(j, "net_tap", &c->net_tap);
	if ((c->net == SMOL_NET_TAP) != (c->net_tap != NULL) ||
	    (c->net_tap && smol_nettap_name_check(c->net_tap, err) < 0))
		return smol_err_set(err, SMOL_E_REGISTRY, "the network's configuration is wrong");
	if (smol_disks_decode(smol_json_get(j, "disks"), &c->disks, err) < 0 ||
	    smol_shares_decode(smol_json_get(j, "shares"), &c->shares, err) < 0)
		return -1;
	if (smol_limits_check(smol_json_get(j, "limits"), err) < 0)
		return -1;
	if (smol_json_get(j, "rootfs"))
		c->rootfs = cJSON_Duplicate(smol_json_get(j, "rootfs"), true);
	if (smol_json_int(j, "rootfs_size", SMOL_ROOTFS_MIN, SMOL_ROOTFS_MAX, &c->rootfs_size) <
		0 ||
	    check_rootfs(c, err) < 0)
		return smol_err_set(err, SMOL_E_REGISTRY, "root image out of range");
	if (smol_json_get(j, "limits"))
		c->limits = cJSON_Duplicate(smol_json_get(j, "limits"), true);
	return decode_vsock(smol_json_get(j, "vsock"), &c->vsock, err);
}

/* An id's abbreviation must not be somebody's name. */
static bool looks_like_id(const char *name)
{
	size_t n = strlen(name);

	return n == 12 && strspn(name, "0123456789abcdef") == n;
}

int smol_vm_name_check(const char *name, struct smol_err *err)
{
	size_t n = strlen(name);

	if (n < 1 || n > SMOL_NAME_MAX)
		return smol_err_set(err, SMOL_E_INVALID, "a name has 1 to %d characters, not %zu",
		    SMOL_NAME_MAX, n);
	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)name[i];
		bool ok = ch < 0x80 && (isalnum(ch) || (i > 0 && strchr("._-", ch)));

		if (!ok) {
			smol_auto_free char *safe = smol_escape(name, n);

			smol_err_set(err, SMOL_E_INVALID, "'%s' cannot be a VM's name", safe);
			return smol_err_hint(
			    err, "letters, digits, '.', '_' and '-', with a letter or digit first");
		}
	}
	if (looks_like_id(name))
		return smol_err_set(err, SMOL_E_INVALID, "'%s' looks like an id", name);
	return 0;
}
