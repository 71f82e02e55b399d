/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots of the simulated Firecracker. The memory file is the guest's memory; the state file is
 * a line of JSON (the configuration) and QEMU's own state of the machine behind it. No format of
 * Firecracker's: only the simulator reads what it has written.
 *
 * The vsock device cannot be saved. It is unplugged first, for which the guest has to run for a
 * moment, and a new one is plugged in behind: every vsock connection is reset by that, as it is by
 * Firecracker's snapshots.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "tests/fcsim/qmp.h"
#include "tests/fcsim/sim.h"

#define UNPLUG_MS  30000
#define MIGRATE_MS 60000
#define LINE_BYTES (1 << 20)

/* What holds data of one file into another of the same size; holes stay holes. */
static int copy_sparse(int from, int to)
{
	off_t end = lseek(from, 0, SEEK_END), at = 0, hole;

	if (end < 0 || ftruncate(to, end) < 0)
		return -1;
	while (at < end && (at = lseek(from, at, SEEK_DATA)) >= 0) {
		hole = lseek(from, at, SEEK_HOLE);
		if (hole < 0 || lseek(from, at, SEEK_SET) < 0 || lseek(to, at, SEEK_SET) < 0)
			return -1;
		while (at < hole) {
			ssize_t n = sendfile(to, from, NULL, (size_t)(hole - at));

			if (n <= 0)
				return -1;
			at += n;
		}
	}
	/* ENXIO: no data behind. */
	return at >= end || errno == ENXIO ? 0 : -1;
}

static int unplug_vsock(struct sim *s, struct smol_err *err)
{
	cJSON *args = cJSON_CreateObject(), *chardev;

	smol_json_add_str(args, "id", "vsock0");
	s->unplugged = false;
	if (qmp_do(s, "cont", NULL, err) < 0) {
		cJSON_Delete(args);
		return -1;
	}
	if (qmp_do(s, "device_del", args, err) < 0)
		return -1;
	if (qmp_wait(s, &s->unplugged, UNPLUG_MS) < 0)
		return smol_err_set(
		    err, SMOL_E_DEADLINE, "fc-sim: the guest keeps its vsock device");
	chardev = cJSON_CreateObject();
	smol_json_add_str(chardev, "id", "vsock");
	if (qmp_do(s, "stop", NULL, err) < 0) {
		cJSON_Delete(chardev);
		return -1;
	}
	guest_end_process(&s->device);
	return qmp_do(s, "chardev-remove", chardev, err);
}

/* Memory is shared with a file of ours: QEMU's state goes without it. */
static int leave_memory_out(struct sim *s, struct smol_err *err)
{
	cJSON *args = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(args, "capabilities");
	cJSON *one = cJSON_CreateObject();

	smol_json_add_str(one, "capability", "x-ignore-shared");
	smol_json_add_bool(one, "state", true);
	cJSON_AddItemToArray(list, one);
	return qmp_do(s, "migrate-set-capabilities", args, err);
}

/* Move QEMU's state through fd, out ("migrate") or in ("migrate-incoming"), until it is done. */
static int move_state(struct sim *s, const char *command, int fd, struct smol_err *err)
{
	smol_deadline deadline = smol_in_ms(MIGRATE_MS);
	cJSON *args = cJSON_CreateObject();
	const char *status = "";

	smol_json_add_str(args, "uri", "fd:state");
	if (leave_memory_out(s, err) < 0 || qmp_send_fd(s, "state", fd, err) < 0) {
		cJSON_Delete(args);
		return -1;
	}
	if (qmp_do(s, command, args, err) < 0)
		return -1;
	while (smol_poll_ms(deadline) > 0) {
		smol_auto_json cJSON *r = qmp_call(s, "query-migrate", NULL, err);

		if (!r)
			return -1;
		status = smol_json_str(r, "status") ? smol_json_str(r, "status") : "";
		if (strcmp(status, "completed") == 0)
			return 0;
		if (strcmp(status, "failed") == 0)
			return smol_err_set(err, SMOL_E_IO, "fc-sim: QEMU's state did not pass");
		/* QEMU has no event for it that is on by default. */
		smol_io_wait(s->qemu.pidfd, POLLIN, smol_in_ms(10));
	}
	return smol_err_set(err, SMOL_E_DEADLINE, "fc-sim: QEMU's state takes too long");
}

static int create_file(const char *path, struct smol_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	return fd;
}

static int write_files(struct sim *s, int state, int mem, struct smol_err *err)
{
	smol_auto_free char *config = smol_json_print(s->config);
	smol_auto_free char *line = smol_asprintf("%s\n", config);

	if (smol_io_write_all(state, line, strlen(line), SMOL_NEVER) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "the snapshot's file");
	if (move_state(s, "migrate", state, err) < 0)
		return -1;
	if (copy_sparse(s->mem_fd, mem) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "the memory's file");
	return 0;
}

int snapshot_create(
    struct sim *s, const char *state_path, const char *mem_path, struct smol_err *err)
{
	smol_auto_close int state = create_file(state_path, err);
	smol_auto_close int mem = state < 0 ? -1 : create_file(mem_path, err);
	bool vsock = smol_json_get(s->config, "vsock") != NULL;

	if (vsock && s->mmio)
		return smol_err_set(
		    err, SMOL_E_UNSUPPORTED, "fc-sim cannot unplug what is virtio-mmio's");
	if (mem < 0 || (vsock && unplug_vsock(s, err) < 0) || write_files(s, state, mem, err) < 0)
		return -1;
	return vsock ? guest_plug_vsock(s, err) : 0;
}

/* The configuration off the front of a state file, which is left where QEMU's state begins. */
static cJSON *read_config(int state, struct smol_err *err)
{
	smol_auto_buf struct smol_buf b = {0};
	ssize_t n = read(state, smol_buf_reserve(&b, LINE_BYTES), LINE_BYTES);
	cJSON *config = NULL;
	char *line;
	size_t len;

	smol_buf_commit(&b, n > 0 ? (size_t)n : 0);
	line = smol_buf_line(&b, &len);
	if (line)
		config = smol_json_parse_object(line, len, NULL);
	if (!config || lseek(state, (off_t)len + 1, SEEK_SET) < 0)
		smol_err_set(err, SMOL_E_INVALID, "this is no snapshot of fc-sim's");
	return config;
}

static int open_vsock(struct sim *s, const char *uds_path, struct smol_err *err)
{
	cJSON *vsock = cJSON_GetObjectItemCaseSensitive(s->config, "vsock");

	if (!vsock)
		return 0;
	if (uds_path)
		cJSON_ReplaceItemInObjectCaseSensitive(
		    vsock, "uds_path", cJSON_CreateString(uds_path));
	s->vsock_fd = vsock_listen(smol_json_str(vsock, "uds_path"));
	if (s->vsock_fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "the host's Unix socket");
	return 0;
}

int snapshot_load(struct sim *s, const char *state_path, const char *mem_path, const char *uds_path,
    struct smol_err *err)
{
	smol_auto_close int state = open(state_path, O_RDONLY | O_CLOEXEC);
	smol_auto_close int mem = open(mem_path, O_RDONLY | O_CLOEXEC);
	cJSON *config;

	if (state < 0 || mem < 0)
		return smol_err_errno(
		    err, SMOL_E_IO, errno, "%s", state < 0 ? state_path : mem_path);
	config = read_config(state, err);
	if (!config)
		return -1;
	cJSON_Delete(s->config);
	s->config = config;
	if (smol_json_get(config, "network-interfaces"))
		return smol_err_set(err, SMOL_E_UNSUPPORTED, "fc-sim opens no tap device again");
	if (open_vsock(s, uds_path, err) < 0 || guest_make_memory(s, err) < 0)
		return -1;
	if (lseek(mem, 0, SEEK_END) != lseek(s->mem_fd, 0, SEEK_END))
		return smol_err_set(err, SMOL_E_INVALID, "the memory's file has another size");
	if (copy_sparse(mem, s->mem_fd) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", mem_path);
	if (guest_start_qemu(s, true, err) == 0 &&
	    move_state(s, "migrate-incoming", state, err) == 0 &&
	    (s->vsock_fd < 0 || guest_plug_vsock(s, err) == 0))
		return 0;
	guest_end(s);
	return -1;
}
