/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent's parts that can be had without one: users, one-shot replies, limits, modules, the
 * loop, launching. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/launch.h"
#include "agent/loop.h"
#include "agent/modules.h"
#include "agent/shares.h"
#include "agent/oneshot.h"
#include "agent/user.h"
#include "base/auto.h"
#include "base/io.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/smolsh-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return chdir(dir);
}

static int teardown(void **state)
{
	(void)state;
	return smol_rmdir_r(dir, NULL);
}

static void put(const char *name, const char *text)
{
	assert_int_equal(smol_file_write(name, text, strlen(text), 0600, NULL), 0);
}

/* ---- users ---- */

static void find(struct smol_user *u, const char *who, enum smol_code code)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int r = smol_user_find(u, who, "passwd", "group", &err);

	assert_int_equal(r, code == SMOL_E_NONE ? 0 : -1);
	assert_string_equal(smol_code_name(err.code), smol_code_name(code));
}

static void put_users(void)
{
	put("passwd", "root:x:0:0:root:/root:/bin/sh\n"
		      "broken line\n"
		      "bad:x:12x:1::/:/bin/sh\n"
		      "ann:x:1000:100:Ann:/home/ann:/bin/sh\n"
		      "homeless:x:1001:1001:::\n"
		      "last:x:1002:1002::/l:/bin/sh"); /* no newline */
	put("group", "root:x:0:\nusers:x:100:\nwheel:x:10:root,ann\nvideo:x:44:anna,annx\n"
		     "audio:x:29:ann\nbroken\nnan:x:zz:ann\n");
}

static void test_user_by_name(void **state)
{
	smol_auto(smol_user_free) struct smol_user u;

	(void)state;
	put_users();
	find(&u, "ann", SMOL_E_NONE);
	assert_int_equal(u.uid, 1000);
	assert_int_equal(u.gid, 100);
	assert_string_equal(u.home, "/home/ann");
	assert_int_equal(u.ngroups, 3);
	assert_int_equal(u.groups[0], 100);
	assert_int_equal(u.groups[1], 10);
	assert_int_equal(u.groups[2], 29);
}

static void test_user_by_number(void **state)
{
	smol_auto(smol_user_free) struct smol_user known, unknown, both, last, homeless;

	(void)state;
	put_users();
	find(&known, "1000", SMOL_E_NONE);
	assert_string_equal(known.name, "ann");
	assert_int_equal(known.ngroups, 3);
	find(&unknown, "4242", SMOL_E_NONE);
	assert_null(unknown.name);
	assert_int_equal(unknown.gid, 4242);
	assert_string_equal(unknown.home, "/");
	assert_int_equal(unknown.ngroups, 1);
	find(&both, "1000:7", SMOL_E_NONE);
	assert_int_equal(both.gid, 7);
	assert_int_equal(both.ngroups, 1);
	assert_int_equal(both.groups[0], 7);
	find(&last, "last", SMOL_E_NONE);
	assert_int_equal(last.uid, 1002);
	find(&homeless, "homeless", SMOL_E_NONE);
	assert_string_equal(homeless.home, "/");
}

/* As container images say it. */
static void test_user_and_group(void **state)
{
	static const struct {
		const char *who;
		gid_t gid;
	} rows[] = {{"ann:wheel", 10}, {"ann:44", 44}, {"1000:audio", 29}, {"1000:7", 7}};

	(void)state;
	put_users();
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(rows); i++) {
		smol_auto(smol_user_free) struct smol_user u;

		find(&u, rows[i].who, SMOL_E_NONE);
		assert_int_equal(u.uid, 1000);
		assert_int_equal(u.gid, rows[i].gid);
		assert_int_equal(u.ngroups, 1);
	}
}

static void test_user_refused(void **state)
{
	static const struct {
		const char *who;
		enum smol_code code;
	} rows[] = {{"nobody-here", SMOL_E_NO_EXEC}, {"", SMOL_E_NO_EXEC}, {"bad", SMOL_E_NO_EXEC},
	    {"ann:nobody", SMOL_E_NO_EXEC}, {"ann:nan", SMOL_E_NO_EXEC}, {"1000:", SMOL_E_INVALID},
	    {"1:2:3", SMOL_E_INVALID}, {"1000:-1", SMOL_E_NO_EXEC}, {"4294967295", SMOL_E_NO_EXEC}};

	(void)state;
	put_users();
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(rows); i++) {
		smol_auto(smol_user_free) struct smol_user u;

		find(&u, rows[i].who, rows[i].code);
	}
}

static void test_user_without_files(void **state)
{
	smol_auto(smol_user_free) struct smol_user u, none;

	(void)state;
	unlink("passwd");
	unlink("group");
	find(&u, "0", SMOL_E_NONE);
	assert_int_equal(u.uid, 0);
	find(&none, "root", SMOL_E_NO_EXEC);
}

/* ---- one-shot replies ---- */

static void fill(struct smol_gather *g, const char *unit, size_t n, size_t max)
{
	size_t len = strlen(unit) ? strlen(unit) : 1;

	for (size_t i = 0; i < n; i++)
		smol_gather_add(g, unit, len, max);
}

/* The reply, which must be a line within its bound and parse again. */
static cJSON *reply(const struct smol_gather *out, const struct smol_gather *err)
{
	struct smol_exec_result r = {.exit_code = 1, .duration_ms = 2};
	smol_auto_free char *line = smol_oneshot_reply(&r, out, err);
	size_t n = strlen(line);
	cJSON *j = smol_json_parse_object(line, n - 1, NULL);

	assert_true(n <= SMOL_LINE_MAX);
	assert_int_equal(line[n - 1], '\n');
	assert_null(memchr(line, '\n', n - 1));
	assert_non_null(j);
	return j;
}

static void test_reply_keeps_its_bound(void **state)
{
	/* Plain text, quotes, control characters (six bytes each), multibyte text, NULs, and what
	 * is no text at all. */
	static const char *const units[] = {
	    "x", "\"", "\1", "\n", "\xe2\x82\xac", "", "\xff", "\x7f"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(units); i++)
		for (size_t k = 0; k < SMOL_ARRAY_SIZE(units); k++) {
			struct smol_gather out = {0}, err = {0};
			smol_auto_json cJSON *j = NULL;
			smol_auto_free char *o = NULL, *e = NULL;
			size_t no = 0, ne = 0;

			fill(&out, units[i], 600000, 524288);
			fill(&err, units[k], 600000, 524288);
			j = reply(&out, &err);
			o = smol_json_bytes(j, "stdout", &no);
			e = smol_json_bytes(j, "stderr", &ne);
			assert_true(no > 30000 && ne > 30000);
			assert_true(smol_json_bool(j, "stdout_truncated", false));
			assert_true(smol_json_bool(j, "stderr_truncated", false));
			assert_memory_equal(o, smol_buf_head(&out.held), no);
			assert_memory_equal(e, smol_buf_head(&err.held), ne);
			smol_buf_free(&out.held);
			smol_buf_free(&err.held);
		}
}

static void test_reply_that_fits_is_whole(void **state)
{
	struct smol_gather out = {0}, err = {0};
	smol_auto_json cJSON *j = NULL;

	(void)state;
	fill(&out, "line\n", 1000, 524288);
	j = reply(&out, &err);
	assert_int_equal(strlen(smol_json_str(j, "stdout")), 5000);
	assert_string_equal(smol_json_str(j, "stderr"), "");
	assert_false(smol_json_bool(j, "stdout_truncated", true));
	assert_false(smol_json_bool(j, "stderr_truncated", true));
	smol_buf_free(&out.held);
}

static void test_cut_within_a_character(void **state)
{
	struct smol_gather out = {0}, err = {0};
	smol_auto_json cJSON *j = NULL;

	(void)state;
	smol_gather_add(&out, "a\xe2\x82\xac\xe2\x82\xac", 7, 6);
	j = reply(&out, &err);
	assert_string_equal(smol_json_str(j, "stdout"), "a\xe2\x82\xac");
	assert_true(smol_json_bool(j, "stdout_truncated", false));
	smol_buf_free(&out.held);
}

/* Text up to a bad byte near the end of what fits as base64: a beginning of it is text again and
 * could cost six times as much. */
static void test_bytes_whose_beginning_is_text(void **state)
{
	struct smol_gather out = {0}, err = {0};
	smol_auto_json cJSON *j = NULL;
	smol_auto_free char *o = NULL;
	size_t n;

	(void)state;
	fill(&out, "\1", 1000000, SMOL_LINE_MAX);
	smol_gather_add(&out, "\xff", 1, SMOL_LINE_MAX);
	j = reply(&out, &err);
	o = smol_json_bytes(j, "stdout", &n);
	assert_non_null(o);
	assert_true(smol_json_bool(j, "stdout_truncated", false));
	smol_buf_free(&out.held);
}

/* ---- modules ---- */

static int said;
static char last_said[512];

static __attribute__((format(printf, 1, 2))) void count_say(const char *fmt, ...)
{
	va_list ap;

	said++;
	va_start(ap, fmt);
	vsnprintf(last_said, sizeof(last_said), fmt, ap);
	va_end(ap);
}

static void test_modules_that_fail_do_not_end_it(void **state)
{
	smol_auto(smol_modules_close) struct smol_modules m = {0};

	(void)state;
	said = 0;
	smol_modules_open(&m, "no-modules", count_say);
	assert_int_equal(smol_modules_load(&m, "no-list"), 0);
	assert_int_equal(smol_modules_serve(&m, "pci:v00001AF4d00001053"), 0);
	assert_int_equal(smol_modules_scan(&m, "no-devices"), 0);
	assert_int_equal(said, 0);
	put("list", "# none of these is there\n\n/no/such.ko\nkernel/no/such.ko\n/last.ko");
	assert_int_equal(smol_modules_load(&m, "list"), 3);
	assert_int_equal(said, 3);
}

/* What is asked for is seen by what cannot be loaded: none of it is there. */
static void asks_for(struct smol_modules *m, const char *modalias, const char *file)
{
	said = 0;
	assert_int_equal(smol_modules_serve(m, modalias), file ? 1 : 0);
	assert_int_equal(said, file ? 1 : 0);
	if (file)
		assert_non_null(strstr(last_said, file));
}

static void test_modules_by_alias(void **state)
{
	smol_auto(smol_modules_close) struct smol_modules m = {0};

	(void)state;
	mkdir("mods", 0700);
	put("mods/modules.alias", "alias pci:v00001AF4d*sv* virtio_pci\n"
				  "alias acpi*:LNRO0005:* virtio_mmio\n"
				  "nonsense\nalias\nalias \nalias x\n"
				  "alias fs-lonely lonely\n"
				  "alias fs-cut c");
	/* What is needed last comes first: it is tried first, and without it nothing else is. */
	put("mods/modules.dep", "kernel/d/virtio-pci.ko: kernel/d/virtio.ko kernel/d/ring.ko\n"
				"kernel/d/virtio_mmio.ko:\n"
				": :\nkernel/d/virtio_pci_more.ko: kernel/d/wrong.ko\n"
				"kernel/d/c.ko:");
	smol_modules_open(&m, "mods", count_say);
	asks_for(
	    &m, "pci:v00001AF4d00001053sv00001AF4sd00001100bc07sc80i00", "mods/kernel/d/ring.ko");
	asks_for(&m, "acpi:LNRO0005:", "mods/kernel/d/virtio_mmio.ko");
	asks_for(&m, "fs-cut", "mods/kernel/d/c.ko");
	asks_for(&m, "pci:v00001AF5d00001053sv00001AF4sd00001100bc07sc80i00", NULL);
	asks_for(&m, "fs-lonely", NULL); /* built in, as far as anybody can tell */
	asks_for(&m, "", NULL);
}

static void test_modules_of_devices(void **state)
{
	smol_auto(smol_modules_close) struct smol_modules m = {0};

	(void)state;
	mkdir("mods2", 0700);
	mkdir("devices", 0700);
	mkdir("devices/0", 0700);
	mkdir("devices/1", 0700);
	mkdir("devices/none", 0700);
	put("devices/0/modalias", "virtio:d00000002v00001AF4\n");
	put("devices/1/modalias", "virtio:d00000099v00001AF4\n");
	put("mods2/modules.alias", "alias virtio:d00000002v* blk\n");
	put("mods2/modules.dep", "blk.ko:\n");
	smol_modules_open(&m, "mods2", count_say);
	said = 0;
	assert_int_equal(smol_modules_scan(&m, "devices"), 1);
	assert_int_equal(said, 1);
	assert_non_null(strstr(last_said, "mods2/blk.ko"));
}

/* ---- shared directories ---- */

static void test_shares_that_make_no_sense(void **state)
{
	static const struct {
		const char *json;
		int n;
	} lists[] = {{"[]", 0}, {"[{\"tag\":\"a\",\"path\":\"/x\"}]", 1},
	    {"[{\"tag\":\"a\",\"path\":\"x\"}]", -1}, {"[{\"tag\":\"a\"}]", -1}, {"[1]", -1},
	    {"[{\"tag\":\"0123456789012345678901234567890123\",\"path\":\"/x\"}]", -1}};
	struct smol_agent_share s[SMOL_AGENT_SHARES_MAX];

	(void)state;
	assert_int_equal(smol_agent_shares_decode(NULL, s, NULL), 0);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		smol_auto_json cJSON *j = cJSON_Parse(lists[i].json);

		assert_int_equal(smol_agent_shares_decode(j, s, NULL), lists[i].n);
	}
}

/* ---- the loop ---- */

struct thing {
	struct smol_loop *loop;
	struct smol_watch watch;
	struct smol_timer timer;
	int events, fires;
	struct thing *victim;
};

static void on_thing(struct smol_watch *w, uint32_t events)
{
	struct thing *t = smol_container(w, struct thing, watch);

	(void)events;
	t->events++;
	/* The other is reported in the same round: it must not be told any more. */
	smol_loop_close_watch(t->loop, &t->victim->watch);
}

static void on_thing_timer(struct smol_timer *timer)
{
	struct thing *t = smol_container(timer, struct thing, timer);

	t->fires++;
	if (t->victim)
		smol_timer_stop(&t->victim->timer);
}

static void test_loop_ignores_what_was_closed(void **state)
{
	struct smol_loop l;
	struct thing a = {.loop = &l}, b = {.loop = &l};
	int p[2], q[2];

	(void)state;
	assert_int_equal(smol_loop_init(&l, NULL), 0);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(pipe(q), 0);
	a.watch = (struct smol_watch){p[0], on_thing};
	b.watch = (struct smol_watch){q[0], on_thing};
	a.victim = &b;
	b.victim = &a;
	assert_int_equal(smol_loop_add(&l, &a.watch, EPOLLIN), 0);
	assert_int_equal(smol_loop_add(&l, &b.watch, EPOLLIN), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	assert_int_equal(write(q[1], "x", 1), 1);
	assert_int_equal(smol_loop_round(&l, -1), 0);
	assert_int_equal(a.events + b.events, 1);
	smol_loop_close_watch(&l, &a.watch);
	smol_loop_close_watch(&l, &b.watch);
	close(p[1]);
	close(q[1]);
	smol_loop_close(&l);
}

static void test_timers(void **state)
{
	struct smol_loop l;
	struct thing a = {.loop = &l, .timer = {.fn = on_thing_timer}},
		     b = {.loop = &l, .timer = {.fn = on_thing_timer}},
		     c = {.loop = &l, .timer = {.fn = on_thing_timer}};

	(void)state;
	assert_int_equal(smol_loop_init(&l, NULL), 0);
	smol_timer_set(&l, &a.timer, 1);
	smol_timer_set(&l, &b.timer, 1000000);
	smol_timer_set(&l, &c.timer, 1);
	smol_timer_set(&l, &c.timer, 2); /* moved, not doubled */
	a.victim = &b;
	while (!a.fires || !c.fires)
		assert_int_equal(smol_loop_round(&l, -1), 0);
	assert_int_equal(a.fires, 1);
	assert_int_equal(c.fires, 1);
	assert_null(b.timer.link);
	assert_null(l.timers);
	smol_loop_close(&l);
}

static int64_t fake_ms;
static int64_t fake_clock(void)
{
	return fake_ms;
}

static int64_t round_in(struct smol_loop *l, int64_t ms)
{
	fake_ms += ms;
	assert_int_equal(smol_loop_round(l, 0), 0);
	return smol_loop_now(l);
}

/* An hour's jump between hold and release passes nobody's time; what comes after does. */
static void test_a_held_clock(void **state)
{
	struct smol_loop l;
	struct thing a = {.loop = &l, .timer = {.fn = on_thing_timer}};

	(void)state;
	assert_int_equal(smol_loop_init(&l, NULL), 0);
	fake_ms = 5000;
	l.clock = fake_clock;
	smol_timer_set(&l, &a.timer, 1000);
	assert_int_equal(round_in(&l, 400), 5400);
	smol_loop_hold(&l);
	assert_int_equal(round_in(&l, 3600000), 5400);
	assert_int_equal(a.fires, 0);
	/* Held again by one who was in doubt: it stands where it stood. */
	smol_loop_hold(&l);
	assert_int_equal(round_in(&l, 500), 5400);
	smol_loop_release(&l);
	smol_loop_release(&l);
	assert_int_equal(round_in(&l, 599), 5999);
	assert_int_equal(a.fires, 0);
	round_in(&l, 1);
	assert_int_equal(a.fires, 1);
	smol_loop_close(&l);
}

/* Nobody says that it is over: after a while of real time the clock goes on by itself, and a jump
 * is not taken for that while. */
static void test_a_forgotten_hold(void **state)
{
	struct smol_loop l;

	(void)state;
	assert_int_equal(smol_loop_init(&l, NULL), 0);
	fake_ms = 1000;
	l.clock = fake_clock;
	smol_loop_hold(&l);
	round_in(&l, 86400000);
	assert_true(l.held);
	for (int i = 0; i < SMOL_LOOP_HOLD_MS / 1000 && l.held; i++)
		assert_in_range(round_in(&l, 1000), 1000, 1000);
	assert_false(l.held);
	assert_int_equal(round_in(&l, 50), 1050);
	smol_loop_close(&l);
}

/* ---- launching ---- */

static void test_environment(void **state)
{
	char *given[] = {"PATH=/x", "A=b=c", "A=2", "USER=me", NULL};
	struct smol_exec_request e = {.env = given, .tty = true, .term = "vt52"};
	struct smol_user u = {.uid = 1000, .name = "ann", .home = "/home/ann"};
	static const char *const want[] = {
	    "PATH=/x", "HOME=/home/ann", "TERM=vt52", "USER=me", "LOGNAME=ann", "A=2"};
	char **env = smol_launch_env(&e, &u);

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(want); i++) {
		assert_non_null(env[i]);
		assert_string_equal(env[i], want[i]);
	}
	assert_null(env[SMOL_ARRAY_SIZE(want)]);
	smol_launch_env_free(env);
}

static void test_search(void **state)
{
	smol_auto_free char *path = smol_asprintf("PATH=:relative:%s/none:%s/bin:/bin", dir, dir);
	char *env[] = {path, NULL};
	smol_auto_free char *tool = smol_asprintf("%s/bin/tool", dir), *sh = NULL, *found = NULL;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(smol_mkdir_p("bin/sub", 0700, NULL), 0);
	put("bin/tool", "x");
	assert_null(smol_launch_find("tool", env, &err));
	assert_int_equal(err.code, SMOL_E_NO_EXEC);
	assert_int_equal(chmod("bin/tool", 0755), 0);
	found = smol_launch_find("tool", env, &err);
	assert_string_equal(found, tool);
	sh = smol_launch_find("sh", env, &err);
	assert_string_equal(sh, "/bin/sh");
	assert_null(smol_launch_find("sub", env, &err)); /* a directory */
	assert_int_equal(err.code, SMOL_E_NO_COMMAND);
	assert_null(smol_launch_find("", env, &err));
	assert_int_equal(err.code, SMOL_E_NO_COMMAND);
}

static pid_t launch(
    const char *path, const char *const *argv, const struct smol_user *u, struct smol_err *err)
{
	static const char *const env[] = {NULL};
	int fd = open("out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), high;
	struct smol_launch l = {.path = path, .argv = argv, .env = env, .home = "/", .user = u};
	pid_t pid;

	fchmod(fd, 0666);
	high = fcntl(fd, F_DUPFD_CLOEXEC, 20);
	close(fd);
	l.fds[0] = l.fds[1] = l.fds[2] = high;
	pid = smol_launch_run(&l, err);
	close(high);
	return pid;
}

static void test_launch_reports_exec_errors(void **state)
{
	const char *const argv[] = {"x", NULL};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(launch("/no/such", argv, NULL, &err), -1);
	assert_int_equal(err.code, SMOL_E_NO_COMMAND);
	put("noexec", "no program\n");
	assert_int_equal(chmod("noexec", 0755), 0);
	{
		smol_auto_free char *path = smol_asprintf("%s/noexec", dir);

		assert_int_equal(launch(path, argv, NULL, &err), -1);
	}
	assert_int_equal(err.code, SMOL_E_NO_EXEC);
	/* Nothing is left to wait for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_launch_as_another_user(void **state)
{
	const char *const argv[] = {"sh", "-c", "id -u; id -g; id -G", NULL};
	struct smol_user u = {.uid = 1234, .gid = 56, .groups = {56, 78}, .ngroups = 2};
	smol_auto_buf struct smol_buf b = {0};
	int status = -1;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0755), 0);
	pid = launch("/bin/sh", argv, &u, NULL);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(smol_file_read("out", 4096, &b, NULL), 0);
	assert_string_equal(smol_buf_str(&b), "1234\n56\n56 78\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_user_by_name),
	    cmocka_unit_test(test_user_by_number),
	    cmocka_unit_test(test_user_and_group),
	    cmocka_unit_test(test_user_refused),
	    cmocka_unit_test(test_user_without_files),
	    cmocka_unit_test(test_reply_keeps_its_bound),
	    cmocka_unit_test(test_reply_that_fits_is_whole),
	    cmocka_unit_test(test_cut_within_a_character),
	    cmocka_unit_test(test_bytes_whose_beginning_is_text),
	    cmocka_unit_test(test_modules_that_fail_do_not_end_it),
	    cmocka_unit_test(test_modules_by_alias),
	    cmocka_unit_test(test_modules_of_devices),
	    cmocka_unit_test(test_loop_ignores_what_was_closed),
	    cmocka_unit_test(test_timers),
	    cmocka_unit_test(test_shares_that_make_no_sense),
	    cmocka_unit_test(test_a_held_clock),
	    cmocka_unit_test(test_a_forgotten_hold),
	    cmocka_unit_test(test_environment),
	    cmocka_unit_test(test_search),
	    cmocka_unit_test(test_launch_reports_exec_errors),
	    cmocka_unit_test(test_launch_as_another_user),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
