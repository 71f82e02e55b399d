/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disks of a VM: see disk.h. */
#include "vm/disk.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

void smol_disks_free(struct smol_disks *d)
{
	for (int i = 0; i < d->n; i++)
		free(d->disk[i].path);
	*d = (struct smol_disks){0};
}

int smol_disk_size_check(int64_t bytes, struct smol_err *err)
{
	char text[16];

	smol_size_text((uint64_t)(bytes > 0 ? bytes : 0), text);
	if (bytes < SMOL_DISK_MIN_BYTES || bytes > SMOL_DISK_MAX_BYTES)
		return smol_err_set(
		    err, SMOL_E_INVALID, "a disk of %s: a disk has 1M to 64T", text);
	if (bytes % SMOL_DISK_SECTOR)
		return smol_err_set(err, SMOL_E_INVALID,
		    "a disk of %lld bytes: they must be whole sectors of %d", (long long)bytes,
		    SMOL_DISK_SECTOR);
	return 0;
}

/* A guest that writes into such a file as if it were raw would destroy it. */
static const char *other_format(int fd)
{
	static const struct {
		const char *name;
		off_t at;
		const char *magic;
		size_t n;
	} known[] = {
	    {"qcow2", 0, "QFI\xfb", 4},
	    {"VMDK", 0, "KDMV", 4},
	    {"VHDX", 0, "vhdxfile", 8},
	    {"VHD", 0, "conectix", 8},
	    {"VDI", 0x40, "\x7f\x10\xda\xbe", 4},
	    {"gzip", 0, "\x1f\x8b\x08", 3},
	    {"xz", 0,
		"\xfd"
		"7zXZ",
		6},
	    {"zstd", 0, "\x28\xb5\x2f\xfd", 4},
	};
	char buf[8];

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(known); i++)
		if (pread(fd, buf, known[i].n, known[i].at) == (ssize_t)known[i].n &&
		    memcmp(buf, known[i].magic, known[i].n) == 0)
			return known[i].name;
	return NULL;
}

int smol_disk_check(const char *path, bool readonly, struct smol_err *err)
{
	/* A FIFO must not be waited for. */
	smol_auto_close int fd =
	    open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	off_t size;

	if (fd < 0) {
		int why = errno;

		smol_err_errno(err, SMOL_E_INVALID, why, "disk %s", path);
		return (why == EACCES || why == EROFS || why == EPERM) && !readonly &&
			       access(path, R_OK) == 0
			   ? smol_err_hint(err, "--disk %s:ro", path)
			   : -1;
	}
	if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
		return smol_err_set(
		    err, SMOL_E_INVALID, "disk %s: neither a file nor a block device", path);
	size = lseek(fd, 0, SEEK_END);
	if (size <= 0 || size % SMOL_DISK_SECTOR)
		return smol_err_set(err, SMOL_E_INVALID,
		    "disk %s has %lld bytes: not whole sectors of %d", path, (long long)size,
		    SMOL_DISK_SECTOR);
	return 0;
}

/* A file that is to become a disk; later it is the guest's what stands at its beginning. */
static int check_new(const char *path, struct smol_err *err)
{
	smol_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *format = fd < 0 ? NULL : other_format(fd);

	if (!smol_utf8_valid(path, strlen(path))) {
		smol_auto_free char *safe = smol_escape(path, strlen(path));

		return smol_err_set(err, SMOL_E_INVALID, "disk %s: the path is not UTF-8", safe);
	}
	if (!format)
		return 0;
	smol_err_set(err, SMOL_E_INVALID, "disk %s is %s, not raw", path, format);
	return smol_err_hint(err, "qemu-img convert -O raw %s FILE", path);
}

static struct smol_disk *more(struct smol_disks *d, struct smol_err *err)
{
	if (d->n < SMOL_DISKS_MAX)
		return &d->disk[d->n];
	smol_err_set(err, SMOL_E_INVALID, "more than %d disks", SMOL_DISKS_MAX);
	return NULL;
}

/* What has no unit is a file's name. */
int64_t smol_disk_size_parse(const char *text)
{
	size_t n = strlen(text);

	return n && isalpha((unsigned char)text[n - 1]) ? smol_parse_size(text) : -1;
}

static int take_file(struct smol_disk *disk, const char *text, struct smol_err *err)
{
	size_t n = strlen(text);
	bool ro = n > 3 && strcmp(text + n - 3, ":ro") == 0;
	smol_auto_free char *name = smol_strndup(text, ro ? n - 3 : n);
	/* Absolute: the monitor has another working directory. */
	smol_auto_free char *path = realpath(name, NULL);

	if (!path) {
		int saved = errno;
		smol_auto_free char *safe = smol_escape(name, strlen(name));

		smol_err_errno(err, SMOL_E_INVALID, saved, "disk %s", safe);
		return smol_err_hint(err, "a size with a unit, such as 2G, makes a new disk");
	}
	if (smol_disk_check(path, ro, err) < 0 || check_new(path, err) < 0)
		return -1;
	*disk = (struct smol_disk){.path = smol_steal(&path), .readonly = ro};
	return 0;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int smol_disks_add(struct smol_disks *d, const char *text, struct smol_err *err)
{
	struct smol_disk *disk = more(d, err);
	int64_t size = smol_disk_size_parse(text);

	if (!disk)
		return -1;
	if (size >= 0) {
		if (smol_disk_size_check(size, err) < 0)
			return -1;
		*disk = (struct smol_disk){.size = size};
	} else if (take_file(disk, text, err) < 0) {
		return -1;
	}
	for (int i = 0; disk->path && i < d->n; i++)
		if (d->disk[i].path && same_file(d->disk[i].path, disk->path)) {
			smol_err_set(err, SMOL_E_INVALID, "disk %s stands there twice", disk->path);
			free(disk->path);
			disk->path = NULL;
			return -1;
		}
	d->n++;
	return 0;
}

cJSON *smol_disks_encode(const struct smol_disks *d)
{
	cJSON *list = cJSON_CreateArray();

	for (int i = 0; i < d->n; i++) {
		cJSON *j = cJSON_CreateObject();

		if (d->disk[i].path)
			smol_json_add_str(j, "path", d->disk[i].path);
		else
			smol_json_add_int(j, "size", d->disk[i].size);
		smol_json_add_bool(j, "readonly", d->disk[i].readonly);
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

int smol_disks_decode(const cJSON *list, struct smol_disks *d, struct smol_err *err)
{
	const cJSON *j;

	cJSON_ArrayForEach (j, list) {
		struct smol_disk *disk = more(d, err);
		const char *path = smol_json_str(j, "path");
		int64_t size = 0;

		if (!disk)
			return -1;
		if ((path && *path != '/') ||
		    smol_json_int(j, "size", SMOL_DISK_MIN_BYTES, SMOL_DISK_MAX_BYTES, &size) < 0 ||
		    !path == !size)
			return smol_err_set(
			    err, SMOL_E_REGISTRY, "the configuration of disk %d is wrong", d->n);
		*disk = (struct smol_disk){.path = path ? smol_strdup(path) : NULL,
		    .size = size,
		    .readonly = smol_json_bool(j, "readonly", false)};
		d->n++;
	}
	return 0;
}
