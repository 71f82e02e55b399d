/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Firecracker backend without Firecracker: what its versions are known for, and what is sent in
 * which order. That each request fits the API's description is another test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/fc_jail.h"
#include "backend/fc_request.h"
#include "backend/fc_version.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "vm/jail.h"

static void test_version(void **state)
{
	static const char *const bad[] = {"", "Firecracker", "Firecracker 1.2.3", "v1.2", "v1",
	    "QEMU v1.2.3", "v-1.2.3", "v1.-2.3"};
	struct smol_fc_version v;

	(void)state;
	assert_int_equal(smol_fc_parse_version("Firecracker v1.12.0\n\nexiting", &v), 0);
	assert_int_equal(v.major * 10000 + v.minor * 100 + v.patch, 11200);
	assert_int_equal(smol_fc_parse_version("v1.7.10-dev", &v), 0);
	assert_int_equal(v.patch, 10);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++)
		assert_int_equal(smol_fc_parse_version(bad[i], &v), -1);
}

static unsigned quirks_of(const char *text)
{
	struct smol_fc_version v;

	assert_int_equal(smol_fc_parse_version(text, &v), 0);
	return smol_fc_quirks(&v);
}

static void test_quirks(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *line = NULL;
	struct smol_fc_version old = {1, 7, 0}, first = {1, 8, 0};

	(void)state;
	assert_int_equal(smol_fc_version_check(&old, &err), -1);
	assert_int_equal(err.code, SMOL_E_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "1.7.0 is too old"));
	assert_non_null(strstr(err.hint, "1.8.0"));
	assert_int_equal(smol_fc_version_check(&first, &err), 0);
	/* The edges of what is known. */
	assert_true(quirks_of("v1.11.9") & SMOL_FC_QUIRK_NO_CTRL_ALT_DEL);
	assert_false(quirks_of("v1.12.0") & SMOL_FC_QUIRK_NO_CTRL_ALT_DEL);
	assert_false(quirks_of("v1.15.1") & SMOL_FC_QUIRK_RESUME_DEAF);
	assert_true(quirks_of("v1.16.0") & SMOL_FC_QUIRK_RESUME_DEAF);
	assert_true(quirks_of("v1.16.1") & SMOL_FC_QUIRK_RESUME_DEAF);
	assert_false(quirks_of("v1.17.0") & SMOL_FC_QUIRK_RESUME_DEAF);
	assert_true(quirks_of("v1.16.0") & SMOL_FC_QUIRK_RESTORE_MUTE);
	assert_false(quirks_of("v1.16.1") & SMOL_FC_QUIRK_RESTORE_MUTE);
	assert_int_equal(quirks_of("v2.0.0"), SMOL_FC_QUIRK_SNAPSHOT_RESETS);
	line = smol_fc_quirks_line(quirks_of("v1.16.0"));
	assert_non_null(strstr(line, " (5958); "));
	assert_null(smol_fc_quirks_line(0));
	for (unsigned bit = 1; bit <= SMOL_FC_QUIRK_RESUME_DEAF; bit <<= 1) {
		assert_string_not_equal(smol_fc_quirk_text(bit), "?");
		assert_string_not_equal(smol_fc_quirk_name(bit), "?");
	}
}

/* What each body says, but for the kernel's arguments. */
static void test_boot_bodies(void **state)
{
	static const char *const bodies[][2] = {
	    {"/logger", "{\"log_path\":\"/l\",\"level\":\"Warning\",\"show_level\":true}"},
	    {"/metrics", "{\"metrics_path\":\"/m\"}"},
	    {"/machine-config", "{\"vcpu_count\":2,\"mem_size_mib\":96}"},
	    {"/boot-source", "{\"kernel_image_path\":\"/k\",\"initrd_path\":\"/i\"}"},
	    {"/drives/drive0",
		"{\"drive_id\":\"drive0\",\"path_on_host\":\"/a\",\"is_root_device\":false,"
		"\"is_read_only\":true,\"cache_type\":\"Unsafe\"}"},
	    /* what the guest has flushed is on the host's disk */
	    {"/drives/drive1",
		"{\"drive_id\":\"drive1\",\"path_on_host\":\"/b\",\"is_root_device\":false,"
		"\"is_read_only\":false,\"cache_type\":\"Writeback\"}"},
	    {"/network-interfaces/net0", "{\"iface_id\":\"net0\",\"host_dev_name\":\"tap7\"}"},
	    {"/vsock", "{\"guest_cid\":4294967294,\"uds_path\":\"/u\"}"},
	    {"/entropy", "{}"},
	    {"/balloon",
		"{\"amount_mib\":0,\"deflate_on_oom\":true,\"stats_polling_interval_s\":3600}"},
	    {"/actions", "{\"action_type\":\"InstanceStart\"}"},
	};
	static const struct smol_drive drives[] = {
	    {.path = "/a", .readonly = true}, {.path = "/b"}};
	struct smol_fc_places p = {
	    .kernel = "/k", .initrd = "/i", .log = "/l", .metrics = "/m", .uds = "/u"};
	struct smol_vm_config c;
	struct smol_launch l = {.name = "a",
	    .id = "0123456789ab",
	    .config = &c,
	    .kernel_args = "",
	    .cid = 4294967294,
	    .drives = drives,
	    .ndrives = 2};
	struct smol_fc_requests list;

	(void)state;
	smol_vm_config_init(&c);
	c.cpus = 2;
	c.memory_mib = 96;
	c.balloon = true;
	c.net = SMOL_NET_TAP;
	c.net_tap = smol_strdup("tap7");
	assert_int_equal(smol_fc_boot(&l, &p, &list, NULL), 0);
	assert_int_equal(list.n, SMOL_ARRAY_SIZE(bodies));
	for (size_t i = 0; i < list.n; i++) {
		smol_auto_free char *text = NULL;

		cJSON_DeleteItemFromObjectCaseSensitive(list.v[i].body, "boot_args");
		cJSON_DeleteItemFromObjectCaseSensitive(list.v[i].body, "guest_mac");
		text = smol_json_print(list.v[i].body);
		assert_string_equal(list.v[i].path, bodies[i][0]);
		assert_string_equal(text, bodies[i][1]);
	}
	smol_fc_requests_free(&list);
	smol_vm_config_free(&c);
}

/* "PUT /logger" and so on, a line each. */
static char *told(const struct smol_fc_requests *l)
{
	struct smol_buf b = {0};

	for (size_t i = 0; i < l->n; i++)
		smol_buf_printf(&b, "%s %s\n", l->v[i].method, l->v[i].path);
	return smol_buf_take(&b);
}

static void test_boot_order(void **state)
{
	struct smol_vm_config c;
	struct smol_launch l = {.name = "a", .config = &c, .kernel_args = "from-image", .cid = 7};
	struct smol_fc_places p = {
	    .kernel = "/k", .initrd = "/proc/self/fd/3", .log = "/l", .metrics = "/m", .uds = "/u"};
	static const struct smol_drive drives[] = {
	    {.path = "/a", .readonly = true}, {.path = "/b"}};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *with = NULL, *without = NULL, *args = NULL;
	struct smol_fc_requests list;

	(void)state;
	smol_vm_config_init(&c);
	free(c.kernel_args);
	l.drives = drives;
	l.ndrives = 2;
	c.kernel_args = smol_strdup("mine=\"a b\"");
	assert_int_equal(smol_fc_boot(&l, &p, &list, &err), 0);
	with = told(&list);
	smol_fc_requests_free(&list);
	assert_string_equal(with,
	    "PUT /logger\nPUT /metrics\nPUT /machine-config\nPUT /boot-source\n"
	    "PUT /drives/drive0\nPUT /drives/drive1\n"
	    "PUT /vsock\nPUT /entropy\nPUT /actions\n");
	p.uds = NULL;
	l.ndrives = 0;
	assert_int_equal(smol_fc_boot(&l, &p, &list, &err), 0);
	without = told(&list);
	smol_fc_requests_free(&list);
	assert_null(strstr(without, "vsock"));
	args = smol_fc_kernel_args(&l);
	assert_non_null(strstr(args, "reboot=k panic=-1"));
	/* The image's arguments, then the VM's; nothing of it is taken apart. */
	assert_non_null(strstr(args, " from-image mine=\"a b\""));
	/* JSON has no bytes. */
	p.kernel = "/k\xff";
	assert_int_equal(smol_fc_boot(&l, &p, &list, &err), -1);
	assert_int_equal(err.code, SMOL_E_INVALID);
	assert_non_null(strstr(err.msg, "kernel_image_path"));
	smol_vm_config_free(&c);
}

static void test_jail_user(void **state)
{
	static const char *const bad[] = {
	    "", ":", "root", "0", "0:0", "5:", "5:0", "5:x", "-1", "4294967295", "no such user"};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	uid_t uid;
	gid_t gid;

	(void)state;
	assert_int_equal(smol_jail_user("123", &uid, &gid, &err), 0);
	assert_true(uid == 123 && gid == 123);
	assert_int_equal(smol_jail_user("123:100", &uid, &gid, &err), 0);
	assert_true(uid == 123 && gid == 100);
	assert_int_equal(smol_jail_user("nobody:7", &uid, &gid, &err), 0);
	assert_true(uid != 0 && gid == 7);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		assert_int_equal(smol_jail_user(bad[i], &uid, &gid, &err), -1);
		assert_int_equal(err.code, SMOL_E_INVALID);
	}
}

/* What is put into a jail is its user's alone, and goes; the jailer is told where and who. */
static void test_jail(void **state)
{
	char dir[] = "/tmp/smolsh-test-XXXXXX";
	struct smol_jail j = {.base = dir, .root = dir, .uid = geteuid(), .gid = getegid()};
	struct smol_launch l = {.id = "0123456789ab", .jail = &j};
	smol_auto_free char *kernel = NULL, *inside = NULL, *line = NULL;
	smol_auto_buf struct smol_buf words = {0};
	char **argv;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	kernel = smol_asprintf("%s/vmlinux", dir);
	inside = smol_asprintf("%s" SMOL_FC_JAIL_KERNEL, dir);
	l.kernel = kernel;
	assert_int_equal(smol_file_write(kernel, "kernel", 6, 0644, NULL), 0);
	l.initrd_fd = open(kernel, O_RDONLY | O_CLOEXEC);
	assert_int_equal(smol_fc_jail_fill(&l, NULL), 0);
	assert_int_equal(stat(inside, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0400);
	assert_int_equal(st.st_size, 6);
	/* What is there already was put there by somebody else. */
	assert_int_equal(smol_fc_jail_fill(&l, NULL), -1);
	smol_fc_jail_empty(dir);
	assert_int_equal(stat(inside, &st), -1);
	close(l.initrd_fd);

	argv = smol_fc_jail_argv("/j", "/fc/firecracker", &l);
	for (char **p = argv; *p; p++) {
		smol_buf_printf(&words, "%s ", *p);
		free(*p);
	}
	free(argv);
	line = smol_asprintf("/j --id 0123456789ab --exec-file /fc/firecracker --uid %u --gid %u "
			     "--chroot-base-dir %s ",
	    (unsigned)j.uid, (unsigned)j.gid, dir);
	assert_int_equal(strncmp(smol_buf_str(&words), line, strlen(line)), 0);
	assert_non_null(strstr(smol_buf_str(&words), " -- --api-sock /fc.sock "));
	smol_rmdir_r(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_version),
	    cmocka_unit_test(test_quirks),
	    cmocka_unit_test(test_boot_order),
	    cmocka_unit_test(test_boot_bodies),
	    cmocka_unit_test(test_jail_user),
	    cmocka_unit_test(test_jail),
	};

	return cmocka_run_group_tests_name("firecracker", tests, NULL, NULL);
}
