/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base: descriptors, files, directories, processes. Everything happens in a directory of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/spawn.h"

#define WAIT_MS 20000 /* for what must happen; only a failing test waits so long */

static char *dir;

static int setup(void **state)
{
	(void)state;
	dir = strdup("/tmp/smolsh-test-XXXXXX");
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	int rc;

	(void)state;
	rc = chdir("/");
	rc |= smol_rmdir_r(dir, NULL);
	free(dir);
	return rc;
}

static void whole_writes_pass_a_small_pipe(void **state)
{
	size_t n = 1 << 20, got = 0;
	smol_auto_free char *data = smol_alloc(n);
	int p[2];
	pid_t pid;
	int status;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		smol_io_set_nonblock(p[1], true);
		_exit(smol_io_write_all(p[1], data, n, smol_in_ms(WAIT_MS)) == 0 ? 0 : 1);
	}
	close(p[1]);
	for (;;) {
		char buf[4096];
		ssize_t r = smol_io_read_some(p[0], buf, sizeof(buf), smol_in_ms(WAIT_MS));

		assert_true(r >= 0);
		if (r == 0)
			break;
		got += (size_t)r;
	}
	close(p[0]);
	assert_int_equal(got, n);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void waits_end_at_their_deadline(void **state)
{
	char buf[1 << 16];
	int p[2];

	(void)state;
	memset(buf, 0, sizeof(buf));
	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(smol_io_wait(p[0], POLLIN, smol_in_ms(1)), 0);
	assert_int_equal(smol_io_read_some(p[0], buf, 1, smol_in_ms(1)), -1);
	assert_int_equal(errno, ETIMEDOUT);
	while (write(p[1], buf, sizeof(buf)) > 0)
		;
	assert_int_equal(smol_io_write_all(p[1], buf, sizeof(buf), smol_in_ms(1)), -1);
	assert_int_equal(errno, ETIMEDOUT);
	close(p[0]);
	close(p[1]);
}

static void files_are_replaced_as_a_whole(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf b = {0};
	struct stat st;

	(void)state;
	assert_int_equal(smol_file_write("f", "one", 3, 0640, &err), 0);
	assert_int_equal(smol_file_write("f", "two!", 4, 0600, &err), 0);
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(smol_file_read("f", 4, &b, &err), 0);
	assert_string_equal(smol_buf_str(&b), "two!");
	assert_int_equal(smol_file_read("f", 3, &b, &err), -1);
	assert_int_equal(err.code, SMOL_E_LIMIT);
	assert_int_equal(smol_file_read("none", 3, &b, &err), -1);
	assert_int_equal(err.code, SMOL_E_NOT_FOUND);
	/* A target that cannot be replaced leaves no temporary file. */
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(smol_file_write("d", "x", 1, 0600, &err), -1);
	assert_int_equal(
	    smol_spawn_run((const char *[]){"sh", "-c", "test $(ls -A | wc -l) = 2", NULL}, &err),
	    0);
}

static void directories_are_made_and_removed(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(smol_mkdir_p("t/a/b", 0700, &err), 0);
	assert_int_equal(smol_mkdir_p("t/a/b", 0700, &err), 0);
	assert_int_equal(stat("t/a", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* What a link points to is not ours to remove. */
	assert_int_equal(smol_file_write("keep", "x", 1, 0600, &err), 0);
	assert_int_equal(smol_mkdir_p("kept", 0700, &err), 0);
	assert_int_equal(smol_file_write("kept/f", "x", 1, 0600, &err), 0);
	assert_int_equal(symlink("../../keep", "t/a/l"), 0);
	assert_int_equal(symlink("../../kept", "t/a/d"), 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&(struct sockaddr_un){AF_UNIX, "t/s"},
			     sizeof(struct sockaddr_un)),
	    0);
	close(fd);
	assert_int_equal(smol_rmdir_r("t", &err), 0);
	assert_int_equal(access("t", F_OK), -1);
	assert_int_equal(access("keep", F_OK), 0);
	assert_int_equal(access("kept/f", F_OK), 0);
	assert_int_equal(smol_rmdir_r("t", &err), 0);
	assert_int_equal(symlink("kept", "link"), 0);
	assert_int_equal(smol_rmdir_r("link", &err), -1);
	assert_int_equal(access("kept/f", F_OK), 0);
}

static void a_directory_that_cannot_be_made_says_why(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(smol_file_write("file", "x", 1, 0600, &err), 0);
	assert_int_equal(smol_mkdir_p("file/x", 0700, &err), -1);
	assert_non_null(strstr(err.msg, strerror(ENOTDIR)));
	assert_int_equal(smol_mkdir_p("file", 0700, &err), -1);
	assert_non_null(strstr(err.msg, "not a directory"));
	/* sysfs takes no directories from anybody, root included (a chroot may have none). */
	if (access("/sys/kernel", F_OK) < 0)
		return;
	assert_int_equal(smol_mkdir_p("/sys/smolsh-test", 0700, &err), -1);
	assert_int_equal(err.code, SMOL_E_PERMISSION);
}

static void places_follow_the_environment(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *home = smol_asprintf("%s/home", dir), *state_dir = NULL, *run = NULL,
			    *unmade = NULL, *wanted = smol_asprintf("%s/state", home);
	char **images;

	(void)state;
	setenv("SMOLSH_HOME", home, 1);
	setenv("SMOLSH_IMAGES", "/elsewhere", 1);
	unmade = smol_path_state_unmade();
	assert_string_equal(unmade, wanted);
	assert_int_equal(access(home, F_OK), -1);
	state_dir = smol_path_state(&err);
	assert_string_equal(state_dir, wanted);
	run = smol_path_runtime(&err);
	assert_non_null(run);
	/* Open to others: refused. */
	assert_int_equal(chmod(run, 0755), 0);
	assert_null(smol_path_runtime(&err));
	assert_int_equal(err.code, SMOL_E_PERMISSION);
	images = smol_path_images();
	assert_string_equal(images[0], "/elsewhere");
	smol_path_list_free(images);
	unsetenv("SMOLSH_IMAGES");
	unsetenv("SMOLSH_HOME");
	/* A relative path is no path: it would mean something else in the monitor. */
	setenv("XDG_STATE_HOME", "relative", 1);
	setenv("HOME", dir, 1);
	free(unmade);
	unmade = smol_path_state_unmade();
	assert_int_equal(strncmp(unmade, dir, strlen(dir)), 0);
	unsetenv("XDG_STATE_HOME");
}

static void programs_are_found_in_path(void **state)
{
	smol_auto_free char *path = smol_asprintf("%s/p1:%s/p2", dir, dir), *found = NULL,
			    *wanted = smol_asprintf("%s/p2/prog", dir),
			    *old = smol_strdup(getenv("PATH"));
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	/* A directory of that name is passed by. */
	assert_int_equal(smol_mkdir_p("p1/prog", 0700, &err), 0);
	assert_int_equal(smol_mkdir_p("p2", 0700, &err), 0);
	assert_int_equal(smol_file_write("p2/prog", "#!/bin/sh\n", 10, 0700, &err), 0);
	setenv("PATH", path, 1);
	found = smol_path_which("prog");
	setenv("PATH", old, 1);
	assert_non_null(found);
	assert_string_equal(found, wanted);
	assert_null(smol_path_which("/"));
	assert_null(smol_path_which("no-such-program-here"));
}

static int run_sh(const struct smol_spawn *base, const char *line)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	const char *argv[] = {"sh", "-c", line, NULL};
	struct smol_spawn s = *base;
	int status = -1, pidfd;
	pid_t pid;

	s.argv = argv;
	assert_int_equal(smol_spawn(&s, &pid, &pidfd, &err), 0);
	assert_int_equal(smol_spawn_wait(pid, pidfd, smol_in_ms(WAIT_MS), &status), 0);
	close(pidfd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_child_gets_its_descriptors_and_no_others(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_spawn s = {.fds = {-1, 1, 2}, .nfds = 5};
	char listed[256] = "";
	int p[2], extra[20], pidfd, status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(p), 0);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(extra); i++)
		extra[i] = dup(0);
	/* In each other's way: each may have the number that the other is to get. */
	s.fds[3] = p[1];
	s.fds[4] = p[0];
	assert_int_equal(run_sh(&s, "echo hello >&3; read x <&4; test \"$x\" = hello"), 0);
	/* 5 is the directory that ls itself reads. */
	s.argv = (const char *[]){"ls", "/proc/self/fd", NULL};
	s.fds[1] = p[1];
	assert_int_equal(smol_spawn(&s, &pid, &pidfd, &err), 0);
	assert_int_equal(smol_spawn_wait(pid, pidfd, smol_in_ms(WAIT_MS), &status), 0);
	assert_true(read(p[0], listed, sizeof(listed) - 1) > 0);
	assert_string_equal(listed, "0\n1\n2\n3\n4\n5\n");
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(extra); i++)
		close(extra[i]);
	close(pidfd);
	close(p[0]);
	close(p[1]);
}

static void a_child_has_fresh_signals(void **state)
{
	struct smol_spawn s = {.fds = {-1, 1, 2}, .nfds = 3};
	sigset_t set, old;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	/* 32 and 33 are the C library's own: nobody can give them back to a child. */
	assert_int_equal(
	    run_sh(&s, "grep -q '^SigBlk:[[:space:]]*0*$' /proc/self/status && "
		       "grep -q '^SigIgn:[[:space:]]*0*[01][08]0000000$' /proc/self/status"),
	    0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void a_failed_exec_is_an_error_here(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_spawn s = {
	    .argv = (const char *[]){"no-such-program-here", NULL}, .fds = {-1, -1, -1}, .nfds = 3};
	struct rlimit old, small;
	int rc, pidfd = -1;
	pid_t pid;

	(void)state;
	assert_int_equal(smol_spawn(&s, &pid, &pidfd, &err), -1);
	assert_int_equal(err.code, SMOL_E_DEPENDENCY);
	s.argv = (const char *[]){"/etc/passwd", NULL};
	assert_int_equal(smol_spawn(&s, &pid, &pidfd, &err), -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	/* Descriptors that cannot be put in place are an error, too, not a child that just goes. */
	getrlimit(RLIMIT_NOFILE, &old);
	small = (struct rlimit){.rlim_cur = 32, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_NOFILE, &small);
	s.argv = (const char *[]){"true", NULL};
	rc = smol_spawn(&s, &pid, &pidfd, &err);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(rc, -1);
}

static void children_die_with_their_parent(void **state)
{
	smol_auto_close int pidfd = -1;
	int p[2];
	pid_t middle, child = 0;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	middle = fork();
	if (middle == 0) {
		struct smol_spawn s = {.argv = (const char *[]){"sleep", "1000", NULL},
		    .fds = {-1, -1, -1},
		    .nfds = 3,
		    .die_with_parent = true};

		if (smol_spawn(&s, &child, NULL, NULL) < 0 ||
		    write(p[1], &child, sizeof(child)) != sizeof(child))
			_exit(1);
		pause();
	}
	assert_int_equal(read(p[0], &child, sizeof(child)), sizeof(child));
	pidfd = smol_proc_open(child, smol_proc_start_time(child));
	assert_true(pidfd >= 0);
	kill(middle, SIGKILL);
	waitpid(middle, NULL, 0);
	assert_int_equal(smol_io_wait(pidfd, POLLIN, smol_in_ms(WAIT_MS)), 1);
	close(p[0]);
	close(p[1]);
}

static void detached_children_are_nobodys(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_spawn s = {.argv = (const char *[]){"sleep", "1000", NULL},
	    .fds = {-1, -1, -1},
	    .nfds = 3,
	    .detach = true};
	int pidfd;
	pid_t pid;

	(void)state;
	assert_int_equal(smol_spawn(&s, &pid, &pidfd, &err), 0);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_true(getsid(pid) != getsid(0));
	assert_int_equal(smol_proc_kill(pidfd, SIGKILL), 0);
	assert_int_equal(smol_io_wait(pidfd, POLLIN, smol_in_ms(WAIT_MS)), 1);
	close(pidfd);
}

static void waiting_for_a_child_ends_at_the_deadline(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_spawn s = {
	    .argv = (const char *[]){"sleep", "1000", NULL}, .fds = {-1, -1, -1}, .nfds = 3};
	int pidfd, status;
	pid_t pid;

	(void)state;
	assert_int_equal(smol_spawn(&s, &pid, &pidfd, &err), 0);
	assert_int_equal(smol_spawn_wait(pid, pidfd, smol_in_ms(1), &status), -1);
	assert_int_equal(errno, ETIMEDOUT);
	smol_proc_kill(pidfd, SIGTERM);
	assert_int_equal(smol_spawn_wait(pid, pidfd, smol_in_ms(WAIT_MS), &status), 0);
	assert_true(WIFSIGNALED(status));
	close(pidfd);
}

static enum smol_code reads(const char *line, size_t max, int64_t ms, const char *want)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf out = {0};
	struct smol_spawn s = {
	    .argv = (const char *[]){"sh", "-c", line, NULL}, .fds = {-1, -1, -1}, .nfds = 3};
	int status;

	if (smol_spawn_read(&s, max, smol_in_ms(ms), &out, &status, &err) == 0) {
		assert_string_equal(smol_buf_str(&out), want);
		assert_int_equal(WEXITSTATUS(status), 3);
	}
	/* whatever became of it, it is not there any more */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return err.code;
}

static void what_a_program_prints_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(
	    reads("cat; echo words; echo no >&2; exit 3", 6, WAIT_MS, "words\n"), SMOL_E_NONE);
	assert_int_equal(reads("exec yes", 100000, WAIT_MS, NULL), SMOL_E_LIMIT);
	assert_int_equal(reads("exec sleep 1000", 100, 20, NULL), SMOL_E_DEADLINE);
	/* one that has closed its end, and one that SIGTERM does not end */
	assert_int_equal(reads("exec sleep 1000 >&-", 100, 20, NULL), SMOL_E_DEADLINE);
	assert_int_equal(
	    reads("trap '' TERM; echo up; exec sleep 1000", 2, WAIT_MS, NULL), SMOL_E_LIMIT);
}

static void the_counter_keeps_the_time(void **state)
{
	int64_t khz = smol_tsc_khz();
	struct timespec from, to;
	uint64_t ticks;
	double s;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &from);
	ticks = __builtin_ia32_rdtsc();
	poll(NULL, 0, 200);
	ticks = __builtin_ia32_rdtsc() - ticks;
	clock_gettime(CLOCK_MONOTONIC, &to);
	/* 0: this machine's counter is no clock; then nothing is claimed of it. */
	if (!khz)
		skip();
	s = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	assert_true((double)ticks / 1e3 > s * (double)khz * 0.8);
	assert_true((double)ticks / 1e3 < s * (double)khz * 1.25);
}

static void helpers_give_their_exit_code(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(smol_spawn_run((const char *[]){"sh", "-c", "exit 7", NULL}, &err), 7);
	assert_int_equal(
	    smol_spawn_run((const char *[]){"sh", "-c", "kill -9 $$", NULL}, &err), 137);
	/* It has no stdin of ours to eat. */
	assert_int_equal(
	    smol_spawn_run((const char *[]){"sh", "-c", "test -z \"$(cat)\"", NULL}, &err), 0);
	assert_int_equal(smol_spawn_run((const char *[]){"no-such-program", NULL}, &err), -1);
}

static void processes_are_told_from_their_numbers(void **state)
{
	uint64_t mine = smol_proc_start_time(getpid());
	pid_t pid;
	uint64_t start;

	(void)state;
	assert_true(mine > 0);
	assert_true(smol_proc_alive(getpid(), mine));
	assert_false(smol_proc_alive(getpid(), mine + 1));
	assert_int_equal(smol_proc_open(getpid(), mine + 1), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(smol_proc_open(0, mine), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(strlen(smol_proc_boot_id()), 36);
	assert_true(smol_proc_rss(getpid()) > 0);
	assert_int_equal(smol_proc_rss(0), 0);
	/* A zombie does not live. */
	pid = fork();
	if (pid == 0)
		_exit(0);
	start = smol_proc_start_time(pid);
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_false(smol_proc_alive(pid, start));
	waitpid(pid, NULL, 0);
	assert_false(smol_proc_alive(pid, start));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_writes_pass_a_small_pipe),
	    cmocka_unit_test(waits_end_at_their_deadline),
	    cmocka_unit_test_setup_teardown(files_are_replaced_as_a_whole, setup, teardown),
	    cmocka_unit_test_setup_teardown(directories_are_made_and_removed, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_directory_that_cannot_be_made_says_why, setup, teardown),
	    cmocka_unit_test_setup_teardown(places_follow_the_environment, setup, teardown),
	    cmocka_unit_test_setup_teardown(programs_are_found_in_path, setup, teardown),
	    cmocka_unit_test(a_child_gets_its_descriptors_and_no_others),
	    cmocka_unit_test(a_child_has_fresh_signals),
	    cmocka_unit_test(a_failed_exec_is_an_error_here),
	    cmocka_unit_test(children_die_with_their_parent),
	    cmocka_unit_test(detached_children_are_nobodys),
	    cmocka_unit_test(waiting_for_a_child_ends_at_the_deadline),
	    cmocka_unit_test(helpers_give_their_exit_code),
	    cmocka_unit_test(what_a_program_prints_is_bounded),
	    cmocka_unit_test(the_counter_keeps_the_time),
	    cmocka_unit_test(processes_are_told_from_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
