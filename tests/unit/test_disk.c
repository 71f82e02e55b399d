/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a VM is given of the host's: disks and shared directories in words and in a row; own disks
 * made whole or not at all, grown, and what of them is refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "tests/unit/registry.h"
#include "vm/lifecycle.h"
#include "vm/upper.h"

#define MIB INT64_C(1048576)

/* One with an own disk of 1M and a file of as much. */
static struct smol_vm *create(struct smol_registry *r)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *file = smol_asprintf("%s/file.img", home);
	struct smol_vm_config c;
	struct smol_vm *vm = NULL;
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, MIB), 0);
	close(fd);
	smol_vm_config_init(&c);
	assert_int_equal(smol_disks_add(&c.disks, "1M", &err), 0);
	assert_int_equal(smol_disks_add(&c.disks, file, &err), 0);
	assert_int_equal(smol_registry_create(r, "web", &c, false, &vm, &err), 0);
	smol_vm_config_free(&c);
	return vm;
}

static int64_t file_size(const struct smol_vm *vm, int i)
{
	smol_auto_free char *path = smol_vm_disk_path(vm, i, NULL);
	struct stat st;

	return stat(path, &st) < 0 ? -errno : st.st_size;
}

static void grown(struct smol_registry *r, struct smol_vm *vm, int64_t size)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *again = NULL;

	if (smol_vm_disk_grow(r, vm, 0, size, &err) < 0)
		fail_msg("%s", err.msg);
	again = smol_registry_find(r, vm->id, &err);
	assert_int_equal(file_size(vm, 0), size);
	assert_int_equal(again->config.disks.disk[0].size, size);
	assert_int_equal(vm->config.disks.disk[0].size, size);
}

/* The file and the configuration stay as they were. */
static void refused(struct smol_registry *r, struct smol_vm *vm, int i, int64_t size, int code,
    const char *why, const char *mend)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *again = NULL;
	int64_t before = file_size(vm, i);

	assert_int_equal(smol_vm_disk_grow(r, vm, i, size, &err), -1);
	if (!strstr(err.msg, why))
		fail_msg("%s", err.msg);
	assert_int_equal(err.code, code);
	if (!mend)
		assert_null(err.hint);
	else if (!err.hint || !strstr(err.hint, mend))
		fail_msg("%s", err.hint ? err.hint : "no hint");
	assert_int_equal(file_size(vm, i), before);
	again = smol_registry_find(r, vm->id, NULL);
	assert_int_equal(again->config.disks.disk[0].size, vm->config.disks.disk[0].size);
}

static void test_grow(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r);
	smol_auto_free char *path = smol_vm_disk_path(vm, 0, &err);
	smol_auto_close int fd = -1;
	char text[4] = "";

	(void)state;
	assert_int_equal(smol_vm_disks_make(vm, &err), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "kept", 4, MIB - 4), 4);
	grown(r, vm, 2 * MIB);
	grown(r, vm, 2 * MIB);
	assert_int_equal(pread(fd, text, 4, MIB - 4), 4);
	assert_memory_equal(text, "kept", 4);
	/* Ended between the file and the row: the same again, or more, but not what is less. */
	assert_int_equal(ftruncate(fd, 4 * MIB), 0);
	refused(r, vm, 0, 3 * MIB, SMOL_E_INVALID, "has 4M (4194304 bytes): a disk can grow", NULL);
	grown(r, vm, 4 * MIB);
	/* The file was cut by somebody: what the configuration says counts, too. */
	assert_int_equal(ftruncate(fd, MIB), 0);
	refused(r, vm, 0, 3 * MIB, SMOL_E_INVALID, "can grow, not shrink", NULL);
	grown(r, vm, 4 * MIB);
}

static void test_grow_is_refused(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r), *gone = NULL;
	smol_auto_free char *path = smol_vm_disk_path(vm, 0, &err);
	smol_auto_close int fd = -1;

	(void)state;
	assert_int_equal(smol_vm_disks_make(vm, &err), 0);
	refused(r, vm, 0, MIB - 512, SMOL_E_INVALID, "1M to 64T", NULL);
	refused(r, vm, 0, SMOL_DISK_MAX_BYTES + 512, SMOL_E_INVALID, "1M to 64T", NULL);
	refused(r, vm, 0, 2 * MIB + 1, SMOL_E_INVALID, "whole sectors", NULL);
	refused(r, vm, 1, 2 * MIB, SMOL_E_INVALID, "is not the VM's own", "truncate -s 2097152 ");
	/* A monitor that the registry knows nothing of. */
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	refused(r, vm, 0, 2 * MIB, SMOL_E_STATE, "is in use", "smolsh stop web");
	assert_int_equal(flock(fd, LOCK_UN), 0);
	assert_int_equal(unlink(path), 0);
	refused(r, vm, 0, 2 * MIB, SMOL_E_IO, "No such file",
	    "put the file back, or smolsh delete web");
	/* Not what somebody has put in its place. */
	assert_int_equal(symlink("../../../file.img", path), 0);
	refused(r, vm, 0, 2 * MIB, SMOL_E_IO, "Too many levels", NULL);
	/* Since it was looked for it has been started; or it has gone. */
	assert_int_equal(smol_registry_claim(r, vm, getpid(), &err), 0);
	refused(r, vm, 0, 2 * MIB, SMOL_E_STATE, "VM 'web' is starting", "smolsh stop web");
	gone = smol_registry_find(r, "web", &err);
	assert_int_equal(smol_registry_delete(r, vm->id, getpid(), &err), 0);
	assert_int_equal(smol_vm_disk_grow(r, gone, 0, 2 * MIB, &err), -1);
	assert_int_equal(err.code, SMOL_E_NOT_FOUND);
	assert_string_equal(err.msg, "the VM has been deleted meanwhile");
	assert_null(err.hint);
}

/* A file may have 1M here, as on a file system that has no larger ones. */
static void test_no_room(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r);
	struct rlimit old, small;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){.rlim_cur = MIB / 2, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(smol_vm_disks_make(vm, &err), -1);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_non_null(strstr(err.msg, "cannot make the disk"));
	assert_non_null(strstr(err.msg, "takes no file of"));
	assert_string_equal(err.hint, "a smaller size (ext4 takes less than 16T)");
	assert_int_equal(file_size(vm, 0), -ENOENT);
}

/* The disk over a root, by an mke2fs that does not end well, and by one that does. */
static void test_upper_is_whole(void **state)
{
	static const char fails[] = "#!/bin/sh\nexit 3\n", works[] = "#!/bin/sh\nexit 0\n";
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r);
	smol_auto_free char *program = smol_asprintf("%s/mke2fs", home);
	smol_auto_free char *old = smol_strdup(getenv("PATH")), *path = NULL, *part = NULL;

	(void)state;
	vm->config.rootfs = cJSON_CreateObject();
	path = smol_vm_upper_path(vm, &err);
	part = smol_asprintf("%s.part", path);
	setenv("PATH", home, 1);
	assert_int_equal(smol_file_write(program, fails, strlen(fails), 0700, &err), 0);
	assert_int_equal(smol_vm_upper_make(vm, &err), -1);
	assert_int_equal(err.code, SMOL_E_IO);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(unlink(part), 0);
	assert_int_equal(smol_file_write(program, works, strlen(works), 0700, &err), 0);
	assert_int_equal(smol_vm_upper_make(vm, &err), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(access(part, F_OK), -1);
	setenv("PATH", old, 1);
}

static void test_letters(void **state)
{
	struct smol_vm vm = {0};
	cJSON root = {0};

	(void)state;
	assert_int_equal(smol_vm_disk_letter(&vm, 0), 'a');
	assert_int_equal(smol_vm_disk_letter(&vm, 7), 'h');
	vm.config.rootfs = &root;
	assert_int_equal(smol_vm_disk_letter(&vm, 0), 'c');
	vm.ephemeral = true;
	assert_int_equal(smol_vm_disk_letter(&vm, 0), 'b');
}

static void bad_disk(struct smol_disks *d, const char *text, const char *why)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int n = d->n;

	assert_int_equal(smol_disks_add(d, text, &err), -1);
	assert_int_equal(err.code, SMOL_E_INVALID);
	if (!strstr(err.msg, why))
		fail_msg("%s: %s", text, err.msg);
	assert_int_equal(d->n, n);
}

/* Disks in words: sizes with their bounds, files that are raw and there. */
static void test_disks(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *raw = smol_asprintf("%s/raw", home),
			    *odd = smol_asprintf("%s/odd", home);
	smol_auto_free char *qcow = smol_asprintf("%s/q", home), *ro = smol_asprintf("%s:ro", raw);
	smol_auto_free char *fifo = smol_asprintf("%s/fifo", home);
	smol_auto_free char *again = smol_asprintf("%s/./raw", home);
	struct smol_disks d = {0}, e = {0};
	char sector[1024] = "QFI\xfb";

	(void)state;
	assert_int_equal(smol_file_write(qcow, sector, sizeof(sector), 0600, &err), 0);
	assert_int_equal(smol_file_write(odd, sector, 513, 0600, &err), 0);
	sector[0] = 'X';
	assert_int_equal(smol_file_write(raw, sector, sizeof(sector), 0600, &err), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	bad_disk(&d, "1023K", "1M to 64T");
	bad_disk(&d, "65T", "1M to 64T");
	bad_disk(&d, "100", "No such file");
	bad_disk(&d, "", "No such file");
	bad_disk(&d, ":ro", "No such file");
	bad_disk(&d, "1.00001M", "whole sectors");
	bad_disk(&d, home, "Is a directory");
	bad_disk(&d, fifo, "neither a file nor a block device");
	bad_disk(&d, "/dev/null", "neither a file nor a block device");
	bad_disk(&d, odd, "513 bytes");
	bad_disk(&d, qcow, "is qcow2, not raw");
	assert_int_equal(smol_disks_add(&d, "2G", &err), 0);
	assert_int_equal(smol_disks_add(&d, ro, &err), 0);
	bad_disk(&d, again, "stands there twice");
	assert_int_equal(d.n, 2);
	assert_int_equal(d.disk[0].size, 2LL << 30);
	assert_null(d.disk[0].path);
	assert_string_equal(d.disk[1].path, raw);
	assert_true(d.disk[1].readonly);

	smol_auto_json cJSON *j = smol_disks_encode(&d);
	assert_int_equal(smol_disks_decode(j, &e, &err), 0);
	assert_int_equal(e.n, 2);
	assert_int_equal(e.disk[0].size, 2LL << 30);
	assert_string_equal(e.disk[1].path, raw);
	assert_true(e.disk[1].readonly);
	for (int i = e.n; i < SMOL_DISKS_MAX; i++)
		assert_int_equal(smol_disks_add(&e, "1M", &err), 0);
	bad_disk(&e, "1M", "more than 8 disks");
	smol_disks_free(&e);
	/* What a row holds that nobody wrote. */
	static const char *const rows[] = {"[{}]", "[1]", "[{\"path\":\"x\"}]", "[{\"size\":1}]",
	    "[{\"path\":\"/x\",\"size\":1048576}]"};
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(rows); i++) {
		smol_auto_json cJSON *bad = cJSON_Parse(rows[i]);

		assert_int_equal(smol_disks_decode(bad, &e, &err), -1);
		smol_err_clear(&err);
		smol_disks_free(&e);
	}
	smol_disks_free(&d);
}

static void bad_share(struct smol_shares *s, const char *host, const char *rest, const char *why)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *text = smol_asprintf("%s%s", host, rest);
	int n = s->n;

	assert_int_equal(smol_shares_add(s, text, &err), -1);
	assert_int_equal(err.code, SMOL_E_INVALID);
	if (!strstr(err.msg, why))
		fail_msg("%s: %s", text, err.msg);
	assert_int_equal(s->n, n);
}

static void test_shares(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *good = smol_asprintf("%s:/mnt/x:ro", home);
	smol_auto_free char *other = smol_asprintf("%s/.:/mnt/..y", home);
	smol_auto_free char *file = smol_asprintf("%s/file", home);
	static const char *const places[] = {
	    ":", ":mnt", ":/", ":/a/", ":/a//b", ":/a/../b", ":/..", ":/.", ":/a/."};
	struct smol_shares s = {0}, t = {0};

	(void)state;
	assert_int_equal(smol_file_write(file, "x", 1, 0600, &err), 0);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(places); i++)
		bad_share(&s, home, places[i], "is no place in a guest");
	bad_share(&s, home, "", "is not HOSTDIR:GUESTDIR");
	bad_share(&s, "", ":/x", "is not HOSTDIR:GUESTDIR");
	bad_share(&s, home, ":/x:rw", "is not HOSTDIR:GUESTDIR");
	bad_share(&s, home, ":/x:ro:ro", "is not HOSTDIR:GUESTDIR");
	bad_share(&s, home, "/none:/x", "No such file");
	bad_share(&s, file, ":/x", "must be a directory");
	assert_int_equal(smol_shares_add(&s, good, &err), 0);
	assert_int_equal(smol_shares_add(&s, other, &err), 0);
	bad_share(&s, home, ":/mnt/x", "two directories are shared to '/mnt/x'");
	bad_share(
	    &s, home, ":/mnt", "at '/mnt' would hide the one at '/mnt/x': it must stand first");
	bad_share(&s, home, ":/dev", "/dev, /proc and /sys are the guest's kernel's");
	bad_share(&s, home, ":/proc", "nothing can be shared to '/proc'");
	bad_share(&s, home, ":/sys/x", "nothing can be shared to '/sys/x'");
	assert_int_equal(s.n, 2);
	assert_string_equal(s.share[1].host, home);

	smol_auto_json cJSON *j = smol_shares_encode(&s);
	assert_int_equal(smol_shares_decode(j, &t, &err), 0);
	assert_int_equal(t.n, 2);
	assert_string_equal(t.share[0].guest, "/mnt/x");
	assert_true(t.share[0].readonly);
	assert_false(t.share[1].readonly);
	smol_shares_free(&t);
	smol_shares_free(&s);
	static const char *const rows[] = {"[{}]", "[{\"host\":\"x\",\"guest\":\"/x\"}]",
	    "[{\"host\":\"/x,y\",\"guest\":\"/x\"}]", "[{\"host\":\"/x\",\"guest\":\"/../x\"}]"};
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(rows); i++) {
		smol_auto_json cJSON *bad = cJSON_Parse(rows[i]);

		assert_int_equal(smol_shares_decode(bad, &t, &err), -1);
		smol_err_clear(&err);
		smol_shares_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_disks, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_shares, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_grow, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_grow_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_upper_is_whole, setup, teardown),
	    cmocka_unit_test(test_letters),
	};

	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
