/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The QEMU backend without QEMU: QMP's reading side, the command line, a hypervisor that ends. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/qemu.h"
#include "backend/qmp.h"
#include "backend/vhost_vsock.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"

#define GREETING                                                                                   \
	"{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7}}, \"capabilities\": [\"oob\"]}}\r\n"

/* What the parser said, one word each. */
struct heard {
	struct smol_qmp q;
	struct smol_buf log;
};

static void on_event(void *ctx, const char *name, const cJSON *data)
{
	const char *reason = data ? smol_json_str(data, "reason") : NULL;

	smol_buf_printf(ctx, "event:%s:%s ", name, reason ? reason : "");
}

static void on_up(void *ctx)
{
	smol_buf_puts(ctx, "up ");
}

static void on_done(void *ctx, const char *id)
{
	smol_buf_printf(ctx, "done:%s ", id ? id : "");
}

static void on_failed(void *ctx, const char *id, const char *desc)
{
	smol_buf_printf(ctx, "failed:%s:%s ", id ? id : "", desc);
}

static void begin(struct heard *h)
{
	*h = (struct heard){0};
	h->q = (struct smol_qmp){
	    .event = on_event, .up = on_up, .done = on_done, .failed = on_failed, .ctx = &h->log};
}

static void end(struct heard *h)
{
	smol_qmp_free(&h->q);
	smol_buf_free(&h->log);
}

static int feed(struct heard *h, const char *text)
{
	return smol_qmp_feed(&h->q, text, strlen(text), NULL);
}

static void test_qmp_session(void **state)
{
	static const char session[] =
	    GREETING "{\"timestamp\": {\"seconds\": 1}, \"event\": \"NIC_RX_FILTER_CHANGED\"}\r\n"
		     "{\"return\": {}}\r\n"
		     "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": "
		     "\"guest-shutdown\"}}\n\r\n"
		     "{\"return\": {}}\n"
		     "{\"return\": {}, \"id\": \"hold\"}\n"
		     "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\\u001b[31m\\n\"}}\n"
		     "{\"error\": {\"desc\": \"never\"}, \"id\": \"cont\"}\n"
		     "{\"event\": \"RESET\", \"data\": null}\n";
	static const char want[] =
	    "event:NIC_RX_FILTER_CHANGED: up event:SHUTDOWN:guest-shutdown "
	    "done: done:hold failed::no\\x1b[31m\\n failed:cont:never event:RESET: ";
	struct heard h;

	(void)state;
	begin(&h);
	assert_int_equal(feed(&h, session), 0);
	assert_string_equal(smol_buf_str(&h.log), want);
	end(&h);
	/* The same in pieces of any size. */
	for (size_t piece = 1; piece < 40; piece++) {
		begin(&h);
		for (size_t at = 0; at < sizeof(session) - 1; at += piece) {
			size_t left = sizeof(session) - 1 - at;

			assert_int_equal(
			    smol_qmp_feed(&h.q, session + at, left < piece ? left : piece, NULL),
			    0);
		}
		assert_string_equal(smol_buf_str(&h.log), want);
		end(&h);
	}
}

static void test_qmp_nonsense(void **state)
{
	static const char *const bad[] = {
	    "{\"return\": {}}\n", /* before the greeting */
	    "hello\n",
	    "[]\n",
	    GREETING "{\"event\": \"X\"} {}\n",
	    GREETING "{\"event\": \"\\u0000\"}\n",
	    GREETING "{\"event\":\n",
	};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct heard h;

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		begin(&h);
		assert_int_equal(smol_qmp_feed(&h.q, bad[i], strlen(bad[i]), &err), -1);
		assert_int_equal(err.code, SMOL_E_PROTOCOL);
		assert_int_equal(strncmp(err.msg, "QMP: ", 5), 0);
		end(&h);
	}
	/* What is unknown is passed by; names of the wrong type as well. */
	begin(&h);
	assert_int_equal(feed(&h, GREETING "{\"x\": 1}\n{\"event\": 3}\n{\"error\": \"x\"}\n"), 0);
	assert_string_equal(smol_buf_str(&h.log), "failed::? ");
	end(&h);
}

/* A line without an end: given up at the bound, not held for ever. */
static void test_qmp_endless_line(void **state)
{
	static char chunk[4096];
	struct heard h;
	int rc = 0, n = 0;

	(void)state;
	memset(chunk, ' ', sizeof(chunk));
	begin(&h);
	assert_int_equal(feed(&h, GREETING), 0);
	while (rc == 0 && n++ < 1000)
		rc = smol_qmp_feed(&h.q, chunk, sizeof(chunk), NULL);
	assert_int_equal(rc, -1);
	assert_int_equal(n, SMOL_QMP_LINE_MAX / (int)sizeof(chunk) + 1);
	end(&h);
}

/* The word behind a word of the command line, or NULL. */
static const char *after(char **argv, const char *word)
{
	for (; *argv; argv++)
		if (strcmp(*argv, word) == 0)
			return argv[1];
	return NULL;
}

static bool has(char **argv, const char *word)
{
	for (; *argv; argv++)
		if (strstr(*argv, word))
			return true;
	return false;
}

static void test_qemu_argv(void **state)
{
	struct smol_vm_config c;
	struct smol_launch l = {.name = "a,b=c",
	    .config = &c,
	    .kernel = "/x,y/vmlinux",
	    .kernel_args = "from-image",
	    .vhost_listen_fd = 9,
	    .vhost_vsock_fd = -1,
	    .cid = 42};
	char **argv;

	(void)state;
	smol_vm_config_init(&c);
	free(c.kernel_args);
	c.kernel_args = smol_strdup("mine=\"a,b\"");
	c.cpus = 3;
	c.memory_mib = 192;
	argv = smol_qemu_argv("/bin/qemu", &l, SMOL_ACCEL_TCG);
	assert_string_equal(argv[0], "/bin/qemu");
	/* A name cannot bring options of its own. */
	assert_string_equal(after(argv, "-name"), "guest=a,,b=c");
	assert_string_equal(after(argv, "-kernel"), "/x,y/vmlinux");
	assert_string_equal(after(argv, "-m"), "192M");
	assert_string_equal(after(argv, "-smp"), "3");
	assert_string_equal(after(argv, "-accel"), "tcg,thread=multi");
	assert_true(has(argv, "size=192M,share=on"));
	/* The image's arguments, then the VM's; nothing of it is taken apart. */
	assert_true(has(argv, " from-image mine=\"a,b\""));
	/* Its clock is this machine's; under KVM the hypervisor says how fast that is. */
	assert_true(has(argv, " tsc_early_khz="));
	assert_true(has(argv, "vhost-user-vsock-pci"));
	assert_false(has(argv, "netdev"));
	assert_false(has(argv, "noreplace-smp"));
	assert_false(has(argv, "balloon"));
	assert_non_null(after(argv, "-nodefaults"));
	smol_qemu_argv_free(argv);

	/* Disks in their order; a path cannot bring options of its own. */
	static char file[] = "/x,readonly=off", device[] = "/dev/null";
	const struct smol_drive drives[] = {{.path = file, .readonly = true}, {.path = device}};

	l.drives = drives;
	l.ndrives = 2;
	argv = smol_qemu_argv("/bin/qemu", &l, SMOL_ACCEL_TCG);
	assert_string_equal(after(argv, "-blockdev"),
	    "driver=raw,node-name=drive0,read-only=on,discard=unmap,file.driver=file,"
	    "file.filename=/x,,readonly=off");
	assert_true(has(argv, "node-name=drive1,read-only=off"));
	assert_true(has(argv, "virtio-blk-pci,drive=drive1"));
	smol_qemu_argv_free(argv);
	l.ndrives = 0;
	c.shares.n = 2;
	argv = smol_qemu_argv("/bin/qemu", &l, SMOL_ACCEL_TCG);
	assert_true(has(argv, "vhost-user-fs-pci,chardev=share1,tag=share1"));
	assert_true(has(argv, "socket,id=share0,fd="));
	smol_qemu_argv_free(argv);
	c.shares.n = 0;

	c.balloon = true;
	l.vhost_listen_fd = -1;
	l.vhost_vsock_fd = 8;
	argv = smol_qemu_argv("/bin/qemu", &l, SMOL_ACCEL_TCG);
	/* The number is the child's own. */
	assert_true(has(argv, "vhost-vsock-pci,guest-cid=42,vhostfd=6"));
	assert_false(has(argv, "vhost-user"));
	smol_qemu_argv_free(argv);

	l.vhost_vsock_fd = -1;
	c.net = SMOL_NET_USER;
	c.cpus = 1;
	argv = smol_qemu_argv("/bin/qemu", &l, SMOL_ACCEL_KVM);
	assert_false(has(argv, "vsock"));
	assert_true(has(argv, "virtio-net-pci"));
	assert_true(has(argv, "virtio-balloon-pci,deflate-on-oom=on"));
	assert_true(has(argv, "noreplace-smp"));
	assert_false(has(argv, "tsc_early_khz"));
	assert_string_equal(after(argv, "-accel"), "kvm");
	assert_string_equal(after(argv, "-cpu"), "host");
	smol_qemu_argv_free(argv);
	smol_vm_config_free(&c);
}

static void cannot_open(const char *path, enum smol_code code, const char *msg, const char *hint)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	assert_int_equal(smol_vhost_vsock_open(path, &err), -1);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.msg, msg));
	assert_non_null(strstr(err.hint, hint));
}

/* A device that is not there, may not be opened, or is none. (No test opens the host's own.) */
static void test_vhost_vsock_open(void **state)
{
	char path[] = "/tmp/smolsh-test-vhost-XXXXXX";
	int fd = mkstemp(path);
	bool root = geteuid() == 0;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	cannot_open("/nonexistent/vhost-vsock", SMOL_E_DEPENDENCY, "no /nonexistent/vhost-vsock",
	    "modprobe vhost_vsock");
	cannot_open(path, SMOL_E_DEPENDENCY, "is no vhost device", "--vsock user");
	cannot_open("/dev/null", SMOL_E_DEPENDENCY, "is no vhost device", "--vsock user");
	assert_int_equal(chmod(path, 0), 0);
	assert_true(!root || seteuid(65534) == 0);
	cannot_open(path, SMOL_E_PERMISSION, "may not be opened", "ls -l");
	assert_true(!root || seteuid(0) == 0);
	unlink(path);
}

static void chosen(struct smol_vsock_config c, const char *reason)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *why = NULL;
	enum smol_vsock_by kind;
	int fd;

	assert_int_equal(smol_vsock_choose(&c, &kind, &fd, &why, &err), 0);
	assert_int_equal(kind, SMOL_VSOCK_BY_USER);
	assert_int_equal(fd, -1);
	assert_string_equal(why, reason);
}

static void test_vsock_choose(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *why = NULL;
	struct smol_vm_config c;
	enum smol_vsock_by kind;
	int fd;

	(void)state;
	smol_vm_config_init(&c);
	setenv("SMOLSH_VHOST_VSOCK", "/nonexistent/vhost-vsock", 1);
	chosen(c.vsock, "no /nonexistent/vhost-vsock");
	assert_int_equal(smol_vsock_check(&c, &err), 0);
	c.vsock.kind = SMOL_VSOCK_BY_USER;
	chosen(c.vsock, "as asked");
	c.vsock.kind = SMOL_VSOCK_BY_AUTO;
	c.vsock.uds_path = smol_strdup("/tmp/x.sock");
	chosen(c.vsock, "--vsock-path asks for a socket");
	free(c.vsock.uds_path);
	c.vsock.uds_path = NULL;
	/* What was asked for is not silently something else. */
	c.vsock.kind = SMOL_VSOCK_BY_KERNEL;
	assert_int_equal(smol_vsock_choose(&c.vsock, &kind, &fd, &why, &err), -1);
	assert_int_equal(err.code, SMOL_E_DEPENDENCY);
	smol_err_clear(&err);
	assert_int_equal(smol_vsock_check(&c, &err), -1);
	assert_string_equal(err.msg, "--vsock kernel: no /nonexistent/vhost-vsock");
	assert_string_equal(err.hint, "modprobe vhost_vsock as root, or --vsock user");
	/* Without vsock nothing is asked of the device. */
	c.vsock.enabled = false;
	assert_int_equal(smol_vsock_check(&c, &err), 0);
	unsetenv("SMOLSH_VHOST_VSOCK");
	smol_vm_config_free(&c);
}

static void test_vhost_vsock_claim(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(smol_vhost_vsock_claim(-1, 42, &err), -1);
	assert_int_equal(err.code, SMOL_E_IO);
	assert_non_null(strstr(err.msg, "CID 42"));
}

static void test_qemu_version(void **state)
{
	int major = 0, minor = 0;

	(void)state;
	assert_int_equal(
	    smol_qemu_parse_version("QEMU emulator version 7.2.22 (Debian 1:7.2)", &major, &minor),
	    0);
	assert_int_equal(major, 7);
	assert_int_equal(minor, 2);
	assert_int_equal(smol_qemu_parse_version("", &major, &minor), -1);
	assert_int_equal(smol_qemu_parse_version("QEMU version x", &major, &minor), -1);
}

static void ignore(void *ctx, enum smol_backend_event_type type, const char *detail)
{
	(void)ctx;
	(void)type;
	(void)detail;
}

/* What is asked for by name is looked at as `auto` does: KVM where guests cannot run is refused. */
static void test_accel_check(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *reason = NULL;
	bool kvm = smol_accel_choose(&reason) == SMOL_ACCEL_KVM;
	struct smol_backend b = {.ops = &smol_backend_qemu, .event = ignore};
	struct smol_vm_config c;
	struct smol_launch l = {.config = &c};

	(void)state;
	assert_int_equal(smol_accel_check(SMOL_ACCEL_AUTO, &err), 0);
	assert_int_equal(smol_accel_check(SMOL_ACCEL_TCG, &err), 0);
	smol_vm_config_init(&c);
	c.accel = SMOL_ACCEL_KVM;
	assert_int_equal(smol_accel_check(c.accel, &err), kvm ? 0 : -1);
	if (!kvm) {
		assert_int_equal(err.code, SMOL_E_DEPENDENCY);
		assert_non_null(strstr(err.msg, reason));
		assert_string_equal(err.hint, "--accel auto");
		/* So does the monitor, for a VM that was made elsewhere. */
		smol_err_clear(&err);
		assert_int_equal(smol_backend_prepare(&b, &l, &err), -1);
		assert_int_equal(err.code, SMOL_E_DEPENDENCY);
		smol_backend_destroy(&b);
	}
	smol_vm_config_free(&c);
}

static int asked;

static int count_it(struct smol_backend *b, struct smol_err *err)
{
	(void)b;
	(void)err;
	asked++;
	return 0;
}

static int count_mib(struct smol_backend *b, int64_t mib, struct smol_err *err)
{
	(void)b;
	(void)err;
	asked += (int)mib;
	return 0;
}

/* What QEMU says of a balloon is believed only where it can be so. */
static void test_qmp_balloon(void **state)
{
	static const struct {
		const char *data;
		int rc;
		int64_t taken;
	} said[] = {
	    {"{\"actual\": 536870912}", 0, 0},
	    {"{\"actual\": 134217728}", 0, 384},
	    {"{\"actual\": 0}", 0, 512},
	    {"{\"actual\": 536870913}", -1, 0},
	    {"{\"actual\": -1}", -1, 0},
	    {"{\"actual\": \"1\"}", -1, 0},
	    {"{}", -1, 0},
	};
	smol_auto_free char *line = smol_qmp_command_int("balloon", "value", 7);

	(void)state;
	assert_string_equal(
	    line, "{\"execute\":\"balloon\",\"arguments\":{\"value\":7},\"id\":\"balloon\"}\n");
	assert_int_equal(smol_qmp_taken(NULL, 512, &(int64_t){0}), -1);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(said); i++) {
		smol_auto_json cJSON *j =
		    smol_json_parse_object(said[i].data, strlen(said[i].data), NULL);
		int64_t taken = 0;

		assert_int_equal(smol_qmp_taken(j, 512, &taken), said[i].rc);
		assert_int_equal(taken, said[i].taken);
	}
}

/* What a backend has no slot for is refused by name, with those that can. */
static void test_slots(void **state)
{
	static const struct smol_backend_info stone = {.name = "stone"}, water = {.name = "water"};
	static const struct smol_backend_ops lacks = {.info = &stone};
	static const struct smol_backend_ops has = {
	    .info = &water, .pause = count_it, .resume = count_it, .balloon = count_mib};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_backend b = {.ops = &lacks};

	(void)state;
	assert_int_equal(smol_backend_pause(&b, &err), -1);
	assert_int_equal(err.code, SMOL_E_UNSUPPORTED);
	assert_string_equal(err.msg, "backend stone cannot pause");
	assert_non_null(strstr(err.hint, "--backend qemu"));
	assert_int_equal(smol_backend_resume(&b, &err), -1);
	assert_non_null(strstr(err.msg, "backend stone cannot resume"));
	assert_int_equal(smol_backend_snapshot(&b, "/x", &err), -1);
	assert_int_equal(err.code, SMOL_E_UNSUPPORTED);
	assert_int_equal(smol_backend_balloon(&b, 1, &err), -1);
	assert_int_equal(err.code, SMOL_E_UNSUPPORTED);
	/* And where nobody can, nobody is named. */
	smol_err_clear(&err);
	smol_backend_cannot(&stone, "fly", 0, &err);
	assert_null(err.hint);
	assert_string_equal(err.msg, "backend stone cannot fly");
	b.ops = &has;
	assert_int_equal(smol_backend_pause(&b, NULL), 0);
	assert_int_equal(smol_backend_resume(&b, NULL), 0);
	assert_int_equal(smol_backend_balloon(&b, 40, NULL), 0);
	assert_int_equal(asked, 42);
}

/* Both halves of the table are of one mind: who says that it can has the slots. */
static void test_tables(void **state)
{
	const struct smol_backend_info *const *i = smol_backend_infos;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	for (const struct smol_backend_ops *const *o = smol_backends; *o; o++, i++) {
		unsigned can = (*o)->info->capabilities;

		assert_ptr_equal((*o)->info, *i);
		assert_ptr_equal(smol_backend_lookup((*i)->name, &err), *i);
		assert_ptr_equal(smol_backend_ops_lookup((*i)->name, &err), *o);
		assert_non_null((*i)->summary);
		assert_non_null((*i)->probe);
		assert_true((*o)->prepare && (*o)->start && (*o)->stop && (*o)->destroy);
		assert_int_equal((can & SMOL_CAP_PAUSE) != 0, (*o)->pause && (*o)->resume);
		assert_int_equal((can & SMOL_CAP_SNAPSHOT) != 0, (*o)->snapshot != NULL);
		assert_int_equal((can & SMOL_CAP_BALLOON) != 0, (*o)->balloon != NULL);
	}
	assert_null(*i);
	assert_null(smol_backend_ops_lookup("stone", &err));
	assert_int_equal(err.code, SMOL_E_INVALID);
}

/* A hypervisor that ends at once has started and ended: what it says is the cause, and that it
 * could not be greeted any more is not. */
static void test_qemu_ends_at_once(void **state)
{
	char dir[] = "/tmp/smolsh-test-XXXXXX";
	smol_auto_free char *program = NULL, *path = smol_strdup(getenv("PATH"));
	static const char script[] = "#!/bin/true\n";
	struct smol_vm_config c;

	(void)state;
	assert_non_null(mkdtemp(dir));
	program = smol_asprintf("%s/%s", dir, SMOL_QEMU_PROGRAM);
	assert_int_equal(smol_file_write(program, script, strlen(script), 0700, NULL), 0);
	setenv("PATH", dir, 1);
	smol_vm_config_init(&c);
	for (int i = 0; i < 50; i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;
		struct smol_backend b = {.ops = &smol_backend_qemu, .event = ignore};
		struct smol_launch l = {.name = "x",
		    .config = &c,
		    .kernel = "/x",
		    .kernel_args = "",
		    .initrd_fd = -1,
		    .console_fd = -1,
		    .stderr_fd = -1,
		    .vhost_listen_fd = -1,
		    .vhost_vsock_fd = -1};

		assert_int_equal(smol_backend_prepare(&b, &l, &err), 0);
		if (smol_backend_start(&b, &l, &err) < 0)
			fail_msg("%s", err.msg ? err.msg : "it failed and says nothing");
		assert_int_equal(waitpid(b.pid, NULL, 0), b.pid);
		assert_int_equal(smol_backend_stop(&b, SMOL_STOP_KILL, NULL), 0);
		smol_backend_destroy(&b);
	}
	smol_vm_config_free(&c);
	setenv("PATH", path, 1);
	smol_rmdir_r(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_qmp_session),
	    cmocka_unit_test(test_qmp_nonsense),
	    cmocka_unit_test(test_qmp_endless_line),
	    cmocka_unit_test(test_qmp_balloon),
	    cmocka_unit_test(test_qemu_argv),
	    cmocka_unit_test(test_qemu_version),
	    cmocka_unit_test(test_vhost_vsock_open),
	    cmocka_unit_test(test_vsock_choose),
	    cmocka_unit_test(test_vhost_vsock_claim),
	    cmocka_unit_test(test_accel_check),
	    cmocka_unit_test(test_slots),
	    cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_qemu_ends_at_once),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("backend", tests, NULL, NULL);
}
