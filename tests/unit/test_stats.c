/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What VMs use, of VMs that are none: their agents and monitors are sockets of this test. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "shell/stats.h"
#include "vm/lifecycle.h"

static char home[64];
static pid_t children[8];
static int nchildren;

static int setup(void **state)
{
	(void)state;
	snprintf(home, sizeof(home), "/tmp/smolsh-test-XXXXXX");
	assert_non_null(mkdtemp(home));
	return setenv("SMOLSH_HOME", home, 1);
}

static int teardown(void **state)
{
	(void)state;
	while (nchildren) {
		kill(children[--nchildren], SIGKILL);
		waitpid(children[nchildren], NULL, 0);
	}
	return smol_rmdir_r(home, NULL);
}

static int listening(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* A process that reads so many lines of each who connects and gives this answer, with the number of
 * the connection for a '#'; NULL: none. It sleeps otherwise. */
static pid_t serve(const char *path, int lines, const char *answer)
{
	smol_auto_close int fd = listening(path);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid) {
		children[nchildren++] = pid;
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int n = 1; answer; n++) {
		int c = accept(fd, NULL, NULL), seen = 0;
		char byte;

		while (seen < lines && read(c, &byte, 1) == 1)
			seen += byte == '\n';
		for (const char *p = answer; *p; p++)
			dprintf(c, *p == '#' ? "%d" : "%c", *p == '#' ? n : *p);
		close(c);
	}
	for (;;)
		pause();
}

static struct smol_vm *make_vm(const char *name, enum smol_vm_state state)
{
	static int n;
	struct smol_vm *vm = smol_alloc(sizeof(*vm));

	snprintf(vm->id, sizeof(vm->id), "%012x", ++n);
	vm->name = smol_strdup(name);
	vm->state = state;
	smol_vm_config_init(&vm->config);
	vm->config.vsock.uds_path = smol_asprintf("%s/%s.sock", home, name);
	vm->started_ms = vm->ready_ms = smol_wall_ms() - 5000;
	vm->monitor_pid = getpid();
	vm->monitor_start = smol_proc_start_time(getpid());
	return vm;
}

static void test_agents(void **state)
{
	struct smol_vm *vms[] = {make_vm("good", SMOL_VM_RUNNING),
	    make_vm("silent", SMOL_VM_RUNNING), make_vm("none", SMOL_VM_RUNNING),
	    make_vm("full", SMOL_VM_RUNNING), make_vm("paused", SMOL_VM_PAUSED),
	    make_vm("stopped", SMOL_VM_STOPPED), NULL};
	static const struct {
		enum smol_health health;
		int64_t jobs;
	} want[] = {
	    {SMOL_HEALTH_OK, 3},
	    {SMOL_HEALTH_SILENT, -1},
	    {SMOL_HEALTH_SILENT, -1},
	    {SMOL_HEALTH_OK, -1},
	    {SMOL_HEALTH_PAUSED, -1},
	    {SMOL_HEALTH_UNKNOWN, -1},
	};
	struct smol_stats *s = smol_stats_new(SMOL_STATS_SILENT_MS);
	smol_auto_free char *good = smol_asprintf("%s/good.sock", home);
	smol_auto_free char *silent = smol_asprintf("%s/silent.sock", home);
	smol_auto_free char *full = smol_asprintf("%s/full.sock", home);

	(void)state;
	serve(good, 2, "OK 1\n{\"ok\":true,\"v\":1,\"agent\":\"x\",\"jobs\":3}\n");
	serve(silent, 0, NULL);
	serve(full, 2, "OK 1\n{\"ok\":false,\"error\":\"full\",\"code\":\"limit_connections\"}\n");
	smol_stats_round(s, vms, 6);
	/* Ends when all have answered or are silent, long before its deadline. */
	assert_false(smol_stats_hear(s, SMOL_NEVER, true, -1));
	for (int i = 0; i < 6; i++) {
		const struct smol_stat *st = smol_stats_at(s, i);

		assert_string_equal(st->name, vms[i]->name);
		if (st->health != want[i].health || st->jobs != want[i].jobs)
			fail_msg("%s: %s, %d jobs", st->name, smol_health_name(st->health),
			    (int)st->jobs);
		assert_true((st->uptime_ms >= 5000) == smol_vm_state_live(st->state));
	}
	/* One that is paused is not asked; what was known of it is not said any more. */
	vms[0]->state = SMOL_VM_PAUSED;
	smol_stats_round(s, vms, 6);
	assert_int_equal(smol_stats_at(s, 0)->health, SMOL_HEALTH_PAUSED);
	assert_int_equal(smol_stats_at(s, 0)->jobs, -1);
	/* Resumed it is asked at once, however short ago it was asked last. */
	vms[0]->state = SMOL_VM_RUNNING;
	smol_stats_round(s, vms, 6);
	assert_false(smol_stats_hear(s, SMOL_NEVER, true, -1));
	assert_int_equal(smol_stats_at(s, 0)->jobs, 3);
	smol_stats_free(s);
	for (int i = 0; i < 6; i++)
		smol_vm_free(vms[i]);
}

/* VMs come, go and change their places between rounds; what is known stays with them. */
static void test_rounds(void **state)
{
	struct smol_vm *a = make_vm("a", SMOL_VM_RUNNING), *b = make_vm("b", SMOL_VM_STOPPED);
	smol_auto_free char *path = smol_asprintf("%s/a.sock", home);
	struct smol_stats *s = smol_stats_new(SMOL_STATS_SILENT_MS);

	(void)state;
	/* Each answer has one job more: an agent is not asked more often than it should be. */
	serve(path, 2, "OK 1\n{\"ok\":true,\"v\":1,\"agent\":\"x\",\"jobs\":#}\n");
	smol_stats_round(s, (struct smol_vm *[]){a}, 1);
	assert_false(smol_stats_hear(s, SMOL_NEVER, true, -1));
	smol_stats_round(s, (struct smol_vm *[]){b, a}, 2);
	assert_false(smol_stats_hear(s, SMOL_NEVER, true, -1));
	assert_string_equal(smol_stats_at(s, 0)->name, "b");
	assert_string_equal(smol_stats_at(s, 1)->name, "a");
	assert_int_equal(smol_stats_at(s, 1)->jobs, 1);
	smol_stats_round(s, (struct smol_vm *[]){b}, 1);
	/* Gone and back: it is asked anew, as it is when another monitor has it. */
	smol_stats_round(s, (struct smol_vm *[]){a}, 1);
	assert_false(smol_stats_hear(s, SMOL_NEVER, true, -1));
	assert_int_equal(smol_stats_at(s, 0)->jobs, 2);
	a->monitor_start++;
	smol_stats_round(s, (struct smol_vm *[]){a}, 1);
	assert_false(smol_stats_hear(s, SMOL_NEVER, true, -1));
	assert_int_equal(smol_stats_at(s, 0)->jobs, 3);
	smol_stats_free(s);
	smol_vm_free(a);
	smol_vm_free(b);
}

/* The monitor says which processes to look at; they have their CPU from the second look on. */
static void test_processes(void **state)
{
	struct smol_vm *vm = make_vm("web", SMOL_VM_STARTING);
	smol_auto_free char *dir = smol_vm_runtime_dir(vm, NULL);
	smol_auto_free char *path = smol_asprintf("%s/monitor.sock", dir);
	smol_auto_free char *answer = smol_asprintf(
	    "{\"ok\":true,\"result\":{\"hypervisor\":{\"pid\":%d},\"device\":{\"pid\":%d}}}\n",
	    (int)getpid(), (int)getpid());
	struct smol_stats *s = smol_stats_new(SMOL_STATS_SILENT_MS);
	volatile unsigned spin = 0;
	smol_deadline until;

	(void)state;
	assert_int_equal(smol_mkdir_p(dir, 0700, NULL), 0);
	serve(path, 1, answer);
	smol_stats_round(s, (struct smol_vm *[]){vm}, 1);
	assert_true(smol_stats_at(s, 0)->resident > 0);
	assert_true(smol_stats_at(s, 0)->cpu < 0);
	until = smol_in_ms(SMOL_STATS_CPU_MS + 100);
	while (smol_now_ms() < until)
		spin++;
	smol_stats_round(s, (struct smol_vm *[]){vm}, 1);
	assert_true(smol_stats_at(s, 0)->cpu > 0);
	/* The monitor goes, and with it what it said. */
	vm->state = SMOL_VM_STOPPED;
	vm->monitor_pid = 0;
	smol_stats_round(s, (struct smol_vm *[]){vm}, 1);
	assert_true(smol_stats_at(s, 0)->cpu < 0);
	assert_true(smol_stats_at(s, 0)->resident < 0);
	smol_stats_free(s);
	smol_vm_free(vm);
}

/* Whoever reads it finds every key in every line. */
static void test_json(void **state)
{
	static const char *const keys[] = {"name", "id", "state", "health", "cpu_percent", "cpus",
	    "resident_bytes", "memory_bytes", "uptime_ms", "jobs"};
	struct smol_stat all = {.name = (char[]){"x"},
	    .state = SMOL_VM_RUNNING,
	    .health = SMOL_HEALTH_OK,
	    .cpu = 12.34,
	    .resident = 1,
	    .memory = 2,
	    .cpus = 1,
	    .uptime_ms = 3,
	    .jobs = 0};
	struct smol_stat none = {.name = (char[]){"y"},
	    .state = SMOL_VM_STOPPED,
	    .cpu = -1,
	    .resident = -1,
	    .uptime_ms = -1,
	    .jobs = -1};
	smol_auto_json cJSON *a = smol_stat_json(&all), *n = smol_stat_json(&none);
	smol_auto_free char *text = smol_json_print(a);

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(keys); i++) {
		assert_non_null(smol_json_get(a, keys[i]));
		assert_true(cJSON_HasObjectItem(n, keys[i]));
	}
	assert_int_equal(cJSON_GetArraySize(n), SMOL_ARRAY_SIZE(keys));
	assert_null(smol_json_get(n, "health"));
	assert_null(smol_json_get(n, "cpu_percent"));
	assert_null(smol_json_get(n, "jobs"));
	assert_non_null(strstr(text, "\"cpu_percent\":12.3,"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_agents, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rounds, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_processes, setup, teardown),
	    cmocka_unit_test(test_json),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
