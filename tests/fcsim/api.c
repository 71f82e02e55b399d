/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Firecracker's API as rules: which request may come when, what it changes, how it is refused. A
 * request is first held against the makers' description (tests/fcsim/openapi.h), which is stricter
 * than Firecracker in a few places; then against the order: some requests only before the guest
 * runs, some only afterwards. Refusals have Firecracker's shape ("<area> error: <why>"), in words
 * of our own but for the two about the order, which clients may know.
 *
 * Stricter than Firecracker on purpose: a second PUT /vsock is refused (there it replaces the
 * first), so that a client that sends it twice is found.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "tests/fcsim/sim.h"

#define BEFORE "The requested operation is not supported before starting the microVM."
#define AFTER  "The requested operation is not supported after starting the microVM."

enum when { ANYTIME, PRE_BOOT, POST_BOOT };

static void refuse(struct answer *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void refuse(struct answer *a, const char *fmt, ...)
{
	smol_auto_json cJSON *j = cJSON_CreateObject();
	smol_auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	smol_json_add_str(j, "fault_message", text);
	smol_auto_free char *body = smol_json_print(j);
	a->status = 400;
	smol_buf_clear(&a->body);
	smol_buf_puts(&a->body, body);
}

static void give(struct answer *a, const cJSON *j)
{
	smol_auto_free char *body = smol_json_print(j);

	a->status = 200;
	smol_buf_puts(&a->body, body);
}

/* "No such file or directory (os error 2)" */
static char *os_error(int errnum)
{
	return smol_asprintf("%s (os error %d)", strerror(errnum), errnum);
}

/* 0 when the file opens so. */
static int opens(const char *path, int flags)
{
	int fd = path ? open(path, flags | O_CLOEXEC, 0644) : -1;

	if (fd < 0)
		return path ? errno : ENOENT;
	close(fd);
	return 0;
}

static void keep(struct sim *s, const char *key, const cJSON *body)
{
	cJSON_DeleteItemFromObjectCaseSensitive(s->config, key);
	cJSON_AddItemToObject(s->config, key, cJSON_Duplicate(body, true));
}

/* An entry of a list, in the place of the one with its id; or in front, or at the end. */
static void keep_in(
    struct sim *s, const char *list, const char *id_key, const cJSON *body, bool in_front)
{
	cJSON *all = cJSON_GetObjectItemCaseSensitive(s->config, list), *at;
	const char *id = smol_json_str(body, id_key);
	int i = 0;

	if (!all)
		all = cJSON_AddArrayToObject(s->config, list);
	cJSON_ArrayForEach (at, all) {
		if (strcmp(smol_json_str(at, id_key), id) == 0)
			break;
		i++;
	}
	if (at)
		cJSON_ReplaceItemInArray(all, i, cJSON_Duplicate(body, true));
	else
		cJSON_InsertItemInArray(
		    all, in_front ? 0 : cJSON_GetArraySize(all), cJSON_Duplicate(body, true));
}

cJSON *api_machine(const struct sim *s)
{
	return cJSON_GetObjectItemCaseSensitive(s->config, "machine-config");
}

/* ---- requests; id is the path's last part ---- */

static void get_instance(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	static const char *const names[] = {"Not started", "Running", "Paused"};
	smol_auto_json cJSON *j = cJSON_CreateObject();

	(void)id, (void)body;
	smol_json_add_str(j, "id", s->id);
	smol_json_add_str(j, "state", names[s->state]);
	smol_json_add_str(j, "vmm_version", s->version);
	smol_json_add_str(j, "app_name", "Firecracker");
	give(a, j);
}

static void get_version(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	smol_auto_json cJSON *j = cJSON_CreateObject();

	(void)id, (void)body;
	smol_json_add_str(j, "firecracker_version", s->version);
	give(a, j);
}

static void get_machine(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	(void)id, (void)body;
	give(a, api_machine(s));
}

static void get_config(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	(void)id, (void)body;
	give(a, s->config);
}

static void get_balloon(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	const cJSON *balloon = smol_json_get(s->config, "balloon");

	(void)id, (void)body;
	if (balloon)
		give(a, balloon);
	else
		refuse(a, "Balloon config error: there is no balloon device.");
}

static void put_machine(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	int64_t mib = 0;

	(void)id;
	s->boot_path = true;
	if (smol_json_int(body, "mem_size_mib", 1, 1 << 30, &mib) != 1)
		refuse(a, "Machine config error: the memory size is no number of MiB above 0.");
	else
		keep(s, "machine-config", body);
}

static void patch_machine(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	smol_auto_json cJSON *whole = cJSON_Duplicate(api_machine(s), true);
	const cJSON *at;

	cJSON_ArrayForEach (at, body) {
		cJSON_DeleteItemFromObjectCaseSensitive(whole, at->string);
		cJSON_AddItemToObject(whole, at->string, cJSON_Duplicate(at, true));
	}
	put_machine(s, id, whole, a);
}

/* Both files are opened here, not at the start: their names may be those of descriptors. */
static void put_boot(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	const char *initrd = smol_json_str(body, "initrd_path");
	smol_auto_close int kernel_fd =
	    open(smol_json_str(body, "kernel_image_path"), O_RDONLY | O_CLOEXEC);
	smol_auto_free char *why = kernel_fd < 0 ? os_error(errno) : NULL;
	smol_auto_close int initrd_fd = initrd ? open(initrd, O_RDONLY | O_CLOEXEC) : -1;

	(void)id;
	s->boot_path = true;
	if (kernel_fd < 0) {
		refuse(a, "Boot source error: the kernel cannot be opened: %s", why);
		return;
	}
	if (initrd && initrd_fd < 0) {
		why = os_error(errno);
		refuse(a, "Boot source error: the initrd cannot be opened: %s", why);
		return;
	}
	if (s->kernel_fd >= 0)
		close(s->kernel_fd);
	if (s->initrd_fd >= 0)
		close(s->initrd_fd);
	s->kernel_fd = smol_steal_fd(&kernel_fd);
	s->initrd_fd = smol_steal_fd(&initrd_fd);
	keep(s, "boot-source", body);
}

static void put_drive(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	const char *path = smol_json_str(body, "path_on_host");
	bool root = smol_json_bool(body, "is_root_device", false);
	int failed = opens(path, smol_json_bool(body, "is_read_only", false) ? O_RDONLY : O_RDWR);
	const cJSON *d;

	s->boot_path = true;
	if (failed) {
		smol_auto_free char *why = os_error(failed);

		refuse(a, "Drive config error: the backing file cannot be used: %s %s", why,
		    path ? path : "(path_on_host is missing)");
		return;
	}
	cJSON_ArrayForEach (d, smol_json_get(s->config, "drives"))
		if (root && smol_json_bool(d, "is_root_device", false) &&
		    strcmp(smol_json_str(d, "drive_id"), id) != 0) {
			refuse(a, "Drive config error: there is a root device already.");
			return;
		}
	keep_in(s, "drives", "drive_id", body, root);
}

static void put_net(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	const char *name = smol_json_str(body, "host_dev_name");
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	smol_auto_close int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	(void)id;
	s->boot_path = true;
	if (strlen(name) >= sizeof(ifr.ifr_name) || s->ntaps == SIM_TAPS_MAX) {
		refuse(
		    a, "Network config error: the tap device's name is too long, or one too many.");
		return;
	}
	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0) {
		smol_auto_free char *why = os_error(errno);

		refuse(
		    a, "Network config error: the tap device %s cannot be opened: %s", name, why);
		return;
	}
	s->taps[s->ntaps++] = smol_steal_fd(&fd);
	keep_in(s, "network-interfaces", "iface_id", body, false);
}

/* The socket is made here, not at the start; a file that is there is in the way. */
int vsock_listen(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	smol_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 128) < 0)
		return -1;
	return smol_steal_fd(&fd);
}

static void put_vsock(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	int64_t cid = 0;

	(void)id;
	s->boot_path = true;
	if (smol_json_int(body, "guest_cid", 3, UINT32_MAX, &cid) != 1) {
		refuse(a, "The body cannot be read: guest_cid is no u32.");
		return;
	}
	if (s->vsock_fd >= 0) {
		refuse(a, "Vsock config error: fc-sim takes PUT /vsock once.");
		return;
	}
	s->vsock_fd = vsock_listen(smol_json_str(body, "uds_path"));
	if (s->vsock_fd < 0) {
		smol_auto_free char *why = os_error(errno);

		refuse(a, "Vsock config error: the host's Unix socket cannot be bound: %s", why);
		return;
	}
	keep(s, "vsock", body);
}

static void put_balloon(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	int64_t amount = 0, mib = 0;

	(void)id;
	s->boot_path = true;
	smol_json_int(api_machine(s), "mem_size_mib", 1, 1 << 30, &mib);
	if (smol_json_int(body, "amount_mib", 0, mib, &amount) != 1)
		refuse(a, "Balloon config error: the amount is more than there is.");
	else
		keep(s, "balloon", body);
}

static void put_entropy(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	(void)id, (void)a;
	s->boot_path = true;
	keep(s, "entropy", body);
}

static void put_logger(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	const char *path = smol_json_str(body, "log_path");
	const char *level = smol_json_str(body, "level");

	(void)id;
	if (level)
		s->quiet = sim_level_is_quiet(level);
	if (path && sim_log_to(s, path, &err) < 0)
		refuse(a, "Logger error: %s", err.msg);
	else
		keep(s, "logger", body);
}

static void put_metrics(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	int fd;

	(void)id;
	if (s->metrics_fd >= 0) {
		refuse(a, "Metrics error: the metrics are set up already.");
		return;
	}
	fd = open(smol_json_str(body, "metrics_path"),
	    O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0644);
	if (fd < 0) {
		smol_auto_free char *why = os_error(errno);

		refuse(a, "Metrics error: the file cannot be opened: %s", why);
		return;
	}
	s->metrics_fd = fd;
	keep(s, "metrics", body);
}

/* The time is all that there is of metrics here. */
void api_flush_metrics(struct sim *s)
{
	if (s->metrics_fd >= 0)
		dprintf(s->metrics_fd, "{\"utc_timestamp_ms\":%lld}\n", (long long)smol_wall_ms());
}

/* Only what is kept for GET /vm/config. */
static void put_serial(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	(void)id, (void)a;
	keep(s, "serial", body);
}

static void patch_balloon(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	cJSON *balloon = cJSON_GetObjectItemCaseSensitive(s->config, "balloon");
	int64_t amount = 0, mib = 0;

	(void)id;
	smol_json_int(api_machine(s), "mem_size_mib", 1, 1 << 30, &mib);
	if (!balloon)
		refuse(a, "Balloon update error: there is no balloon device.");
	else if (smol_json_int(body, "amount_mib", 0, mib, &amount) != 1)
		refuse(a, "Balloon update error: the amount is more than there is.");
	else if (guest_balloon(s, amount, &err) < 0)
		refuse(a, "Balloon update error: %s", err.msg);
	else
		cJSON_ReplaceItemInObjectCaseSensitive(
		    balloon, "amount_mib", cJSON_CreateNumber((double)amount));
}

static void get_balloon_stats(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *j = cJSON_CreateObject();
	const cJSON *balloon = smol_json_get(s->config, "balloon");
	int64_t target = 0, every = 0, actual;

	(void)id, (void)body;
	if (balloon) {
		smol_json_int(balloon, "amount_mib", 0, 1 << 30, &target);
		smol_json_int(balloon, "stats_polling_interval_s", 0, 1 << 16, &every);
	}
	if (every == 0) {
		refuse(a, "Internal VMM error: the balloon has no statistics.");
		return;
	}
	actual = guest_balloon_actual(s, &err);
	if (actual < 0) {
		refuse(a, "Internal VMM error: %s", err.msg);
		return;
	}
	smol_json_add_int(j, "target_pages", target << 8);
	smol_json_add_int(j, "actual_pages", actual << 8);
	smol_json_add_int(j, "target_mib", target);
	smol_json_add_int(j, "actual_mib", actual);
	give(a, j);
}

static void patch_vm(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	bool pause = strcmp(smol_json_str(body, "state"), "Paused") == 0;

	(void)id;
	if ((pause ? guest_pause(s, &err) : guest_resume(s, &err)) < 0)
		refuse(a, "Internal VMM error: %s", err.msg);
	else
		s->state = pause ? SIM_PAUSED : SIM_RUNNING;
}

/* ELF is what Firecracker boots in every version that we know. */
static bool is_elf(int fd)
{
	char magic[4];

	return pread(fd, magic, 4, 0) == 4 && memcmp(magic, "\177ELF", 4) == 0;
}

static void start(struct sim *s, struct answer *a)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (s->state != SIM_NOT_STARTED)
		refuse(a, AFTER);
	else if (s->kernel_fd < 0)
		refuse(a, "Start microvm error: there is no kernel configuration.");
	else if (!is_elf(s->kernel_fd))
		refuse(a, "Start microvm error: the kernel image is not valid: no ELF magic");
	else if (guest_start(s, &err) < 0)
		refuse(a, "Start microvm error: %s", err.msg);
	else
		s->state = SIM_RUNNING;
}

/* The guest's ACPI knows the keyboard from 1.12 on: before, the keys reach nobody. */
static bool has_keyboard(const struct sim *s)
{
	int major = 0, minor = 0;

	sscanf(s->version, "%d.%d", &major, &minor);
	return major > 1 || minor >= 12;
}

static void put_action(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	const char *type = smol_json_str(body, "action_type");

	(void)id;
	if (strcmp(type, "InstanceStart") == 0)
		start(s, a);
	else if (s->state == SIM_NOT_STARTED)
		refuse(a, BEFORE);
	else if (strcmp(type, "FlushMetrics") == 0)
		api_flush_metrics(s);
	else if (has_keyboard(s) && guest_ctrl_alt_del(s, &err) < 0)
		refuse(a, "Internal VMM error: %s", err.msg);
}

static void put_snapshot(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	const char *type = smol_json_str(body, "snapshot_type");

	(void)id;
	if (s->state != SIM_PAUSED)
		refuse(a, "Create snapshot error: the microVM is not paused.");
	else if (type && strcmp(type, "Full") != 0)
		refuse(a, "Create snapshot error: fc-sim makes full snapshots only.");
	else if (snapshot_create(s, smol_json_str(body, "snapshot_path"),
		     smol_json_str(body, "mem_file_path"), &err) < 0)
		refuse(a, "Create snapshot error: %s", err.msg);
}

static void load_snapshot(struct sim *s, const char *id, const cJSON *body, struct answer *a)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	const cJSON *backend = smol_json_get(body, "mem_backend");
	const cJSON *vsock = smol_json_get(body, "vsock_override");
	const char *mem = smol_json_str(body, "mem_file_path");
	bool resume = smol_json_bool(body, "resume_vm", false);

	(void)id;
	if (!backend == !mem) {
		refuse(a, "The body cannot be read: one of mem_backend and mem_file_path.");
		return;
	}
	if (s->boot_path) {
		refuse(a, "Load snapshot error: something else is configured already.");
		return;
	}
	if (backend && strcmp(smol_json_str(backend, "backend_type"), "File") != 0) {
		refuse(a, "Load snapshot error: fc-sim loads memory from files only.");
		return;
	}
	/* As there: one that fails leaves nothing to go on with. */
	if (snapshot_load(s, smol_json_str(body, "snapshot_path"),
		backend ? smol_json_str(backend, "backend_path") : mem,
		vsock ? smol_json_str(vsock, "uds_path") : NULL, &err) < 0 ||
	    (resume && guest_resume(s, &err) < 0)) {
		refuse(a, "Load snapshot error: %s", err.msg);
		s->broken = true;
		return;
	}
	s->state = resume ? SIM_RUNNING : SIM_PAUSED;
}

/* ---- which is which ---- */

static const struct route {
	const char *method, *path; /* a path that ends in / is followed by an id */
	enum when when;
	void (*run)(struct sim *s, const char *id, const cJSON *body, struct answer *a);
	const char *id_key; /* of the body, equal to the id in the path */
} routes[] = {
    {"GET", "/", ANYTIME, get_instance, NULL},
    {"GET", "/version", ANYTIME, get_version, NULL},
    {"GET", "/vm/config", ANYTIME, get_config, NULL},
    {"GET", "/machine-config", ANYTIME, get_machine, NULL},
    {"GET", "/balloon", ANYTIME, get_balloon, NULL},
    {"GET", "/balloon/statistics", POST_BOOT, get_balloon_stats, NULL},
    {"PUT", "/machine-config", PRE_BOOT, put_machine, NULL},
    {"PATCH", "/machine-config", PRE_BOOT, patch_machine, NULL},
    {"PUT", "/boot-source", PRE_BOOT, put_boot, NULL},
    {"PUT", "/drives/", PRE_BOOT, put_drive, "drive_id"},
    {"PUT", "/network-interfaces/", PRE_BOOT, put_net, "iface_id"},
    {"PUT", "/vsock", PRE_BOOT, put_vsock, NULL},
    {"PUT", "/balloon", PRE_BOOT, put_balloon, NULL},
    {"PUT", "/entropy", PRE_BOOT, put_entropy, NULL},
    {"PUT", "/logger", PRE_BOOT, put_logger, NULL},
    {"PUT", "/metrics", PRE_BOOT, put_metrics, NULL},
    {"PUT", "/serial", PRE_BOOT, put_serial, NULL},
    {"PUT", "/snapshot/create", POST_BOOT, put_snapshot, NULL},
    {"PUT", "/snapshot/load", PRE_BOOT, load_snapshot, NULL},
    {"PUT", "/actions", ANYTIME, put_action, NULL},
    {"PATCH", "/vm", POST_BOOT, patch_vm, NULL},
    {"PATCH", "/balloon", POST_BOOT, patch_balloon, NULL},
};

static const struct route *find_route(const char *method, const char *path, const char **id)
{
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(routes); i++) {
		const struct route *r = &routes[i];
		size_t n = strlen(r->path);

		if (strcmp(r->method, method) != 0)
			continue;
		if (strcmp(r->path, path) == 0 ||
		    (r->id_key && strncmp(r->path, path, n) == 0 && path[n])) {
			*id = path + n;
			return r;
		}
	}
	return NULL;
}

/* Letters, digits and _, as Firecracker has it. */
static bool id_fits(const struct route *r, const char *id, const cJSON *body)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	const char *own = r->id_key ? smol_json_str(body, r->id_key) : NULL;

	return !r->id_key || (id[strspn(id, set)] == '\0' && own && strcmp(own, id) == 0);
}

void api_serve(struct sim *s, const char *method, const char *path, const char *body, size_t n,
    struct answer *a)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *j = body ? smol_json_parse(body, n, &err) : NULL;
	const char *id = "";
	const struct route *r = find_route(method, path, &id);

	a->status = 204;
	if (!r)
		refuse(a, "Invalid request method and/or path: %s %s.", method, path);
	else if (!body && strcmp(method, "GET") != 0)
		refuse(a, "Empty %s request.", method);
	else if (body && !j)
		refuse(a, "The body cannot be read: %s.", err.msg);
	else if (openapi_check(s->api, method, path, j, &err) < 0)
		refuse(a, "The body cannot be read: %s.", err.msg);
	else if (!id_fits(r, id, j))
		refuse(a, "The id in the path is not valid, or not that of the body.");
	else if (r->when == PRE_BOOT && s->state != SIM_NOT_STARTED)
		refuse(a, AFTER);
	else if (r->when == POST_BOOT && s->state == SIM_NOT_STARTED)
		refuse(a, BEFORE);
	else
		r->run(s, id, j, a);
}
