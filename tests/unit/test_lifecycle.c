/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The verbs against monitors that do not behave: each test forks one that plays a part, and claims
 * a VM for it. No hypervisor is needed.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "vm/children.h"
#include "vm/lifecycle.h"
#include "vm/monitor_client.h"
#include "vm/registry_internal.h"
#include "tests/unit/home.h"

/* Runs in the child. */
typedef void (*part_fn)(const struct smol_vm *vm);

static struct smol_vm *create(struct smol_registry *r, const char *name)
{
	struct smol_vm_config c;
	struct smol_vm *vm = NULL;

	smol_vm_config_init(&c);
	free(c.backend);
	c.backend = smol_strdup("qemu");
	assert_int_equal(smol_registry_create(r, name, &c, false, &vm, NULL), 0);
	smol_vm_config_free(&c);
	return vm;
}

/* Start a fake monitor that plays its part, and claim vm for it. */
static pid_t play(struct smol_registry *r, struct smol_vm *vm, part_fn part)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int up[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(up), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(up[0]);
		dup2(up[1], 3);
		close_range(4, ~0U, 0);
		part(vm);
		_exit(0);
	}
	close(up[1]);
	/* A byte, or the end of one that has gone already. */
	assert_true(read(up[0], &c, 1) >= 0);
	close(up[0]);
	assert_int_equal(smol_registry_claim(r, vm, pid, &err), 0);
	return pid;
}

static void say_up(void)
{
	assert_int_equal(write(3, "", 1), 1);
	close(3);
}

/* Its wait status; a test whose monitor does not end has failed. */
static int end_of(pid_t pid)
{
	smol_auto_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int status = -1;

	if (smol_spawn_wait(pid, pidfd, smol_in_ms(10000), &status) < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		fail_msg("process %d did not end", (int)pid);
	}
	return status;
}

/* Wait until a process sleeps (in its wait for a lock or an answer). */
static void until_asleep(pid_t pid)
{
	char path[64], text[512], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	do {
		smol_auto_buf struct smol_buf b = {0};

		assert_int_equal(smol_file_read(path, sizeof(text), &b, NULL), 0);
		snprintf(text, sizeof(text), "%s", smol_buf_str(&b));
		p = strrchr(text, ')');
	} while (p[2] != 'S');
}

/* It is alive, has no socket, and ends when it is told to. */
static void part_deaf(const struct smol_vm *vm)
{
	(void)vm;
	say_up();
	for (;;)
		pause();
}

static int listen_as_monitor(const struct smol_vm *vm)
{
	smol_auto_free char *dir = smol_vm_runtime_dir(vm, NULL);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	smol_mkdir_p(dir, 0700, NULL);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/monitor.sock", dir);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 8) < 0)
		_exit(90);
	return fd;
}

/* It says no to a stop. */
static void part_refuses(const struct smol_vm *vm)
{
	static const char no[] =
	    "{\"event\":\"phase\",\"phase\":\"kernel\"}\n"
	    "{\"ok\":false,\"error\":\"ask_ms is out of range\",\"code\":\"invalid\"}\n";
	int fd = listen_as_monitor(vm), c;

	say_up();
	c = accept(fd, NULL, NULL);
	if (write(c, no, sizeof(no) - 1) < 0)
		_exit(91);
	for (;;)
		pause();
}

/* Asked to pause it says one thing after another, to one client each. */
static const char *const pause_answers[] = {
    /* Its hypervisor does not. */
    "{\"event\":\"phase\",\"phase\":\"ready\"}\n{\"event\":\"ready\"}\n{\"ok\":true}\n"
    "{\"event\":\"refused\",\"error\":\"not now\"}\n",
    /* It is older than this smolsh. */
    "{\"event\":\"ready\"}\n"
    "{\"ok\":false,\"error\":\"unknown op\",\"code\":\"unsupported\"}\n",
    /* Its guest reboots in that moment, */
    "{\"ok\":true}\n{\"event\":\"reboot\"}\n",
    /* or ends. */
    "{\"ok\":true}\n{\"event\":\"end\",\"died\":true,\"cause\":\"of old age\"}\n",
    /* It pauses. */
    "{\"event\":\"ready\"}\n{\"ok\":true}\n{\"event\":\"phase\",\"phase\":\"paused\"}\n",
};

/* Asked for memory. */
#define SAID(rest) "{\"memory_mib\":128,\"target_mib\":96,\"actual_mib\":" rest "}"
static const char *const balloon_answers[] = {
    /* Its hypervisor does not. */
    "{\"event\":\"ready\"}\n{\"ok\":true,\"result\":" SAID(
	"128") "}\n{\"event\":\"balloon\",\"error\":\"no driver\"}\n",
    /* It is older than this smolsh. */
    "{\"ok\":false,\"error\":\"unknown op\",\"code\":\"unsupported\"}\n",
    "{\"ok\":true,\"result\":" SAID("128") "}\n{\"event\":\"end\",\"cause\":\"of old age\"}\n",
    /* It goes while the guest is at it. */
    "{\"ok\":true,\"result\":" SAID("128") "}\n",
    /* What was on its way before the answer is of another target. */
    "{\"event\":\"balloon\",\"target_mib\":96,\"actual_mib\":96}\n"
    "{\"ok\":true,\"result\":" SAID(
	"99") "}\n"
	      "{\"event\":\"balloon\",\"target_mib\":96,\"actual_mib\":97}\n"
	      "{\"event\":\"phase\",\"phase\":\"ready\"}\n"
	      "{\"event\":\"balloon\",\"target_mib\":96,\"actual_mib\":96}\n",
    /* Its hypervisor accepts it, and does not say more. */
    "{\"ok\":true,\"result\":{\"memory_mib\":128,\"target_mib\":96}}\n"
    "{\"event\":\"balloon\",\"target_mib\":96}\n",
};

static void answer(const struct smol_vm *vm, const char *const *answers, size_t n)
{
	int fd = listen_as_monitor(vm);

	say_up();
	for (size_t i = 0; i < n; i++) {
		int c = accept(fd, NULL, NULL), seen = 0;
		char byte;

		/* Its answers come when both have been asked: to watch, and the other. */
		while (seen < 2 && read(c, &byte, 1) == 1)
			seen += byte == '\n';
		if (write(c, answers[i], strlen(answers[i])) < 0)
			_exit(93);
		close(c);
	}
	for (;;)
		pause();
}

static void part_pauses(const struct smol_vm *vm)
{
	answer(vm, pause_answers, SMOL_ARRAY_SIZE(pause_answers));
}

static void part_gives(const struct smol_vm *vm)
{
	answer(vm, balloon_answers, SMOL_ARRAY_SIZE(balloon_answers));
}

/* It has no room for another client. */
static void part_full(const struct smol_vm *vm)
{
	int fd = listen_as_monitor(vm);

	say_up();
	for (;;)
		close(accept(fd, NULL, NULL));
}

/* It claims, and has its socket only later. */
static void part_late(const struct smol_vm *vm)
{
	static const char ready[] = "{\"event\":\"ready\"}\n";
	int fd, c;

	say_up();
	/* Not before the claim, and the parent asleep: in its wait for this very socket. */
	until_asleep(getppid());
	fd = listen_as_monitor(vm);
	c = accept(fd, NULL, NULL);
	if (write(c, ready, sizeof(ready) - 1) < 0)
		_exit(92);
	for (;;)
		pause();
}

/* The socket of a running VM's monitor has been removed: a stop must stop it all the same. */
static void test_stop_without_socket(void **state)
{
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r, "web");
	pid_t pid = play(r, vm, part_deaf);
	int status;

	(void)state;
	assert_int_equal(smol_vm_stop(r, vm, 1000, false, &err), 0);
	status = end_of(pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_false(smol_vm_state_live(vm->state));
}

/* The same of a monitor that takes no more clients. */
static void test_stop_of_a_full_monitor(void **state)
{
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r, "web");
	pid_t pid = play(r, vm, part_full);

	(void)state;
	assert_int_equal(smol_vm_stop(r, vm, 1000, false, &err), 0);
	assert_int_equal(WTERMSIG(end_of(pid)), SIGTERM);
	assert_false(smol_vm_state_live(vm->state));
}

/* Nobody answers, but the process lives: the VM has not ended. */
static void test_wait_without_socket(void **state)
{
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r, "web");
	pid_t pid = play(r, vm, part_deaf);

	(void)state;
	assert_int_equal(smol_vm_wait(r, vm, SMOL_WAIT_EXIT, smol_in_ms(100), -1, &err), 0);
	kill(pid, SIGKILL);
	assert_int_equal(smol_vm_wait(r, vm, SMOL_WAIT_EXIT, smol_in_ms(10000), -1, &err), 1);
	end_of(pid);
}

/* A request that the monitor refuses is an error at once, and no reason to kill it later. */
static void test_refused_stop(void **state)
{
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r, "web");
	pid_t pid = play(r, vm, part_refuses);

	(void)state;
	assert_int_equal(smol_vm_stop(r, vm, 3600 * 1000, false, &err), -1);
	assert_int_equal(err.code, SMOL_E_INVALID);
	assert_non_null(strstr(err.msg, "out of range"));
	assert_int_equal(kill(pid, 0), 0);
	kill(pid, SIGKILL);
	end_of(pid);
}

/* What may come of a pause. */
static void test_pause(void **state)
{
	static const struct {
		enum smol_code code;
		const char *msg;
	} want[SMOL_ARRAY_SIZE(pause_answers)] = {
	    {SMOL_E_STATE, "VM 'web': qemu does not: not now"},
	    {SMOL_E_UNSUPPORTED, "the VM's monitor refuses: unknown op"},
	    {SMOL_E_STATE, "VM 'web' rebooted in that moment"},
	    {SMOL_E_VM_DIED, "VM 'web' died: of old age"},
	};
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err none = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r, "web");
	char *warning = NULL;
	pid_t pid;

	(void)state;
	/* One that does not run is not paused, and nobody is asked. */
	assert_int_equal(smol_vm_pause(r, vm, true, &warning, &none), -1);
	assert_string_equal(none.msg, "VM 'web' is created");
	pid = play(r, vm, part_pauses);
	assert_int_equal(smol_registry_set_ready(r, vm->id, NULL), 0);
	vm->state = SMOL_VM_RUNNING;
	/* What runs need not be resumed. */
	assert_int_equal(smol_vm_pause(r, vm, false, &warning, NULL), 0);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(want); i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;

		assert_int_equal(smol_vm_pause(r, vm, true, &warning, &err), want[i].msg ? -1 : 0);
		assert_int_equal(err.code, want[i].code);
		if (want[i].msg)
			assert_string_equal(err.msg, want[i].msg);
	}
	kill(pid, SIGKILL);
	end_of(pid);
}

/* What may come of asking a guest for memory. */
static void test_balloon(void **state)
{
	static const struct {
		enum smol_code code;
		const char *msg;
	} want[SMOL_ARRAY_SIZE(balloon_answers)] = {
	    {SMOL_E_STATE, "VM 'web': qemu does not: no driver"},
	    {SMOL_E_UNSUPPORTED, "the VM's monitor refuses: unknown op"},
	    {SMOL_E_VM_DIED, "VM 'web' died: of old age"},
	    {SMOL_E_RESET, "the VM's monitor has gone"},
	};
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err none = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r, "web");
	struct smol_balloon b;
	pid_t pid;

	(void)state;
	assert_int_equal(smol_vm_balloon(r, vm, 96, smol_in_ms(20000), -1, &b, &none), -1);
	assert_int_equal(none.code, SMOL_E_UNSUPPORTED);
	vm->config.balloon = true;
	pid = play(r, vm, part_gives);
	assert_int_equal(smol_registry_set_ready(r, vm->id, NULL), 0);
	vm->state = SMOL_VM_RUNNING;
	/* The bounds are known here, and nobody is asked. */
	static const int64_t bad[] = {-1, 79, 129};
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		assert_int_equal(
		    smol_vm_balloon(r, vm, bad[i], smol_in_ms(20000), -1, &b, &none), -1);
		assert_int_equal(none.code, SMOL_E_INVALID);
	}
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(want); i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;
		int rc = smol_vm_balloon(r, vm, 96, smol_in_ms(20000), -1, &b, &err);

		assert_int_equal(rc, want[i].msg ? -1 : 0);
		assert_int_equal(err.code, want[i].code);
		if (want[i].msg)
			assert_string_equal(err.msg, want[i].msg);
		if (rc < 0)
			continue;
		assert_int_equal(b.memory, 128);
		assert_int_equal(b.target, 96);
		assert_int_equal(b.actual, i == SMOL_ARRAY_SIZE(want) - 1 ? -1 : 96);
	}
	kill(pid, SIGKILL);
	end_of(pid);
}

/* It has started something that outlives it, and is killed. */
static void part_leaves(const struct smol_vm *vm)
{
	smol_auto_free char *dir = smol_vm_runtime_dir(vm, NULL);
	smol_auto_free char *path = smol_asprintf("%s/pid", dir);
	smol_auto_free char *text = NULL;
	pid_t child = fork();

	if (child == 0) {
		close(3);
		for (;;)
			pause();
	}
	text = smol_asprintf("%d", (int)child);
	if (smol_mkdir_p(dir, 0700, NULL) < 0 || smol_children_note(vm, &child, 1, NULL) < 0 ||
	    smol_file_write(path, text, strlen(text), 0600, NULL) < 0)
		_exit(94);
	say_up();
	for (;;)
		pause();
}

static int child_of(const struct smol_vm *vm)
{
	smol_auto_free char *dir = smol_vm_runtime_dir(vm, NULL);
	smol_auto_free char *path = smol_asprintf("%s/pid", dir);
	smol_auto_buf struct smol_buf b = {0};

	assert_int_equal(smol_file_read(path, 64, &b, NULL), 0);
	return atoi(smol_buf_str(&b));
}

/* A VM has not ended while its hypervisor lives, whatever became of its monitor. */
static void test_no_end_before_the_last_process(void **state)
{
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r, "web");
	smol_auto_vm struct smol_vm *other = NULL;
	pid_t pid = play(r, vm, part_leaves), child;
	uint64_t start;

	(void)state;
	child = child_of(vm);
	start = smol_proc_start_time(child);
	kill(pid, SIGKILL);
	end_of(pid);
	assert_true(smol_proc_alive(child, start));
	/* Of another monitor's VM nothing is ended. */
	other = smol_registry_find(r, "web", &err);
	other->monitor_start++;
	assert_int_equal(smol_children_end(other, &err), 0);
	assert_true(smol_proc_alive(child, start));
	assert_int_equal(smol_vm_reconcile(r, vm, &err), 0);
	assert_int_equal(vm->state, SMOL_VM_DIED);
	assert_false(smol_proc_alive(child, start));
}

/* A start in the moment between somebody else's claim and its socket joins that start. */
static void test_start_joins(void **state)
{
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r, "web");
	struct smol_start_opts o = {.deadline = smol_in_ms(20000), .interrupt_fd = -1};
	pid_t pid = play(r, vm, part_late);

	(void)state;
	assert_int_equal(smol_vm_start(r, vm, &o, NULL, &err), 0);
	kill(pid, SIGKILL);
	end_of(pid);
}

/* Who only waits for a start that is another's does not end it when giving up. */
static void test_joined_start_is_not_killed(void **state)
{
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r, "web");
	struct smol_start_opts o = {.deadline = smol_in_ms(50), .interrupt_fd = -1};
	char line[256] = "";
	pid_t pid;

	(void)state;
	pid = play(r, vm, part_deaf);
	/* The monitor's socket is ours, so that what is said to it can be read. */
	int fd = listen_as_monitor(vm);
	assert_int_equal(smol_vm_start(r, vm, &o, NULL, &err), -1);
	assert_int_equal(err.code, SMOL_E_DEADLINE);
	int c = accept(fd, NULL, NULL);
	assert_true(read(c, line, sizeof(line) - 1) > 0);
	assert_non_null(strstr(line, "watch"));
	assert_null(strstr(line, "stop"));
	kill(pid, SIGKILL);
	end_of(pid);
}

/* Another process that reconciles "web" when it is told to, and says when it begins. */
static pid_t late_reconciler(int *go, int *begins)
{
	int told[2], tells[2];
	pid_t pid;

	assert_int_equal(pipe(told), 0);
	assert_int_equal(pipe(tells), 0);
	pid = fork();
	if (pid == 0) {
		struct smol_registry *r;
		struct smol_vm *vm;
		char c;

		close(told[1]);
		if (read(told[0], &c, 1) != 0)
			_exit(90);
		r = smol_registry_open(NULL);
		vm = r ? smol_registry_find(r, "web", NULL) : NULL;
		if (!vm || write(tells[1], "", 1) != 1)
			_exit(91);
		_exit(smol_vm_reconcile(r, vm, NULL) < 0);
	}
	close(told[0]);
	close(tells[1]);
	*go = told[1];
	*begins = tells[0];
	return pid;
}

/* A VM that is started again while somebody still tidies up after its last monitor keeps what its
 * new one has made. */
static void test_reconcile_spares_the_next_start(void **state)
{
	int go, begins;
	/* Before the registry is open here: SQLite's locks do not pass a fork. */
	pid_t pid = late_reconciler(&go, &begins);
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r, "web");
	smol_auto_free char *dir = smol_vm_runtime_dir(vm, NULL);
	smol_auto_free char *sql = NULL;
	struct stat st;
	char c;

	(void)state;
	assert_int_equal(smol_registry_claim(r, vm, getpid(), &err), 0);
	/* That monitor is dead: the number is another process's by now. */
	assert_int_equal(
	    smol_registry_exec(r, "UPDATE vm SET monitor_start = monitor_start + 1", &err), 0);
	assert_int_equal(smol_registry_exec(r, "BEGIN IMMEDIATE", &err), 0);
	close(go);
	assert_int_equal(read(begins, &c, 1), 1);
	close(begins);
	until_asleep(pid);
	/* Meanwhile: it has been recorded as died, and started again by a process that lives. */
	sql = smol_asprintf("UPDATE vm SET monitor_pid = %d, monitor_start = %llu; COMMIT",
	    (int)getppid(), (unsigned long long)smol_proc_start_time(getppid()));
	assert_int_equal(smol_mkdir_p(dir, 0700, &err), 0);
	assert_int_equal(smol_registry_exec(r, sql, &err), 0);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(stat(dir, &st), 0);
}

/* A deleted VM is called by its name, and never taken for one whose name begins like its id. */
static void test_deleted_meanwhile(void **state)
{
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = create(r, "web");
	smol_auto_free char *name = smol_asprintf("%s-x", vm->id);
	smol_auto_vm struct smol_vm *other = create(r, name);

	(void)state;
	assert_non_null(other);
	assert_int_equal(smol_registry_delete(r, vm->id, 0, &err), 0);
	/* As it was read when it still ran, under a monitor that is gone. */
	vm->state = SMOL_VM_RUNNING;
	assert_int_equal(smol_vm_reconcile(r, vm, &err), -1);
	assert_int_equal(err.code, SMOL_E_NOT_FOUND);
	assert_string_equal(err.msg, "VM 'web' has been deleted meanwhile");
}

static int bound(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* A killed monitor leaves its sockets; those at a place of the user's choice go, too, unless they
 * are somebody else's by now. */
static void test_chosen_sockets_are_removed(void **state)
{
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = NULL;
	struct smol_vm_config c;
	smol_auto_free char *ready = NULL;

	(void)state;
	smol_vm_config_init(&c);
	c.vsock.uds_path = smol_asprintf("%s/my.sock", home);
	ready = smol_asprintf("%s_%d", c.vsock.uds_path, SMOL_PORT_READY);
	assert_int_equal(smol_registry_create(r, "web", &c, false, &vm, &err), 0);
	close(bound(c.vsock.uds_path));
	smol_auto_close int others = bound(ready);
	assert_true(others >= 0);
	assert_int_equal(smol_vm_delete(r, vm, false, &err), 0);
	assert_int_equal(access(c.vsock.uds_path, F_OK), -1);
	assert_int_equal(access(ready, F_OK), 0);
	smol_vm_config_free(&c);
}

/* The client of a `run` is killed before there is a monitor: its VM goes as well. */
static void test_unclaimed_goes_with_its_client(void **state)
{
	smol_auto_registry struct smol_registry *r = NULL;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *vm = NULL;
	smol_auto_vm struct smol_vm *mine = NULL;
	struct smol_vm_config c;
	pid_t pid;

	(void)state;
	smol_vm_config_init(&c);
	pid = fork();
	if (pid == 0) {
		struct smol_registry *theirs = smol_registry_open(NULL);

		_exit(!theirs || smol_registry_create(theirs, "gone", &c, true, &vm, NULL) < 0);
	}
	assert_int_equal(end_of(pid), 0);
	r = smol_registry_open(&err);
	vm = smol_registry_find(r, "gone", &err);
	assert_non_null(vm);
	assert_int_equal(vm->monitor_pid, pid);
	assert_int_equal(smol_vm_reconcile(r, vm, &err), -1);
	assert_int_equal(err.code, SMOL_E_NOT_FOUND);
	assert_null(smol_registry_find(r, "gone", NULL));
	/* One whose client lives stays. */
	assert_int_equal(smol_registry_create(r, "mine", &c, true, &mine, &err), 0);
	assert_int_equal(smol_vm_reconcile(r, mine, &err), 0);
	assert_int_equal(mine->state, SMOL_VM_CREATED);
	smol_vm_config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_stop_without_socket, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stop_of_a_full_monitor, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_wait_without_socket, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refused_stop, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_pause, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_balloon, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_end_before_the_last_process, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_start_joins, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_joined_start_is_not_killed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reconcile_spares_the_next_start, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_deleted_meanwhile, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_chosen_sockets_are_removed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_unclaimed_goes_with_its_client, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("lifecycle", tests, NULL, NULL);
}
