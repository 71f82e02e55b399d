/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The device locked up, on systems that allow all of it, some of it, none of it: it serves in each
 * and says once what it could not have. Whoever may not do a thing here (make a namespace, become
 * another user) has that case skipped.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include <cmocka.h>

#include "../vsockd/process.h"
#include "vsockd/isolation.h"

#define NOBODY 65534

/* ---- what a system may be like; these run in the child ---- */

static void keep_capabilities(uint32_t mask)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {{0}, {0}};

	caps[0].effective = caps[0].permitted = caps[0].inheritable = mask;
	/* root of a program gets what the bounding set has */
	for (int i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++) {
		if (i > 31 || !(mask & (1u << i)))
			prctl(PR_CAPBSET_DROP, i);
	}
	if (syscall(SYS_capset, &hdr, caps) < 0)
		_exit(126);
}

/* unshare() is refused, as a container's filter does. */
static void no_unshare(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	if (!ctx || seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 0) < 0 ||
	    seccomp_load(ctx) < 0)
		_exit(126);
}

static void as_nobody(void *arg)
{
	(void)arg;
	if (geteuid() == 0 &&
	    (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
		_exit(126);
	/* which takes it away */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* A user namespace in which there can be no further one, and no capability. */
static void no_user_namespaces(void *arg)
{
	int fd;

	(void)arg;
	if (unshare(CLONE_NEWUSER) < 0)
		_exit(126);
	fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(126);
	close(fd);
	keep_capabilities(0);
}

/* The usual container, as root. */
static void in_container(void *arg)
{
	(void)arg;
	no_unshare();
	keep_capabilities((1u << CAP_SYS_CHROOT) | (1u << CAP_DAC_OVERRIDE) | (1u << CAP_KILL));
}

static void in_bare_container(void *arg)
{
	(void)arg;
	no_unshare();
	keep_capabilities(0);
}

static bool works(void (*f)(void *))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		f(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

static void try_override(void *arg)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {{0}, {0}};

	(void)arg;
	if (syscall(SYS_capget, &hdr, caps) < 0 || !(caps[0].effective & (1u << CAP_DAC_OVERRIDE)))
		_exit(1);
}

static void try_namespaces(void *user)
{
	(void)user;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0)
		_exit(1);
}

static void try_namespaces_as_nobody(void *arg)
{
	as_nobody(arg);
	try_namespaces(NULL);
}

/* ---- what must be so in each ---- */

static void assert_locked(struct process *d)
{
	static const char *const limits[] = {
	    "Max core file size", "Max processes", "Max file size", "Max locked memory"};
	unsigned soft, hard;

	assert_string_equal(process_proc(d, "status", "NoNewPrivs:"), "\t1");
	if (SMOL_VSOCKD_FILTERS) {
		const char *filters = process_proc(d, "status", "Seccomp:");

		assert_string_equal(filters, "\t2");
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(
		    sscanf(process_proc(d, "limits", limits[i]), "%u %u", &soft, &hard), 2);
		assert_int_equal(soft + hard, 0);
	}
	/* one for each connection and a few, or what the system allows */
	assert_int_equal(
	    sscanf(process_proc(d, "limits", "Max open files"), "%u %u", &soft, &hard), 2);
	assert_int_equal(soft, hard);
	assert_in_range(soft, 1, 1023 + 48);
}

static unsigned capabilities(const struct process *d)
{
	return (unsigned)strtoul(process_proc(d, "status", "CapEff:") + 1, NULL, 16);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* Only root of the machine is left a way to other users' sockets. */
static bool may_override(void (*before)(void *))
{
	return geteuid() == 0 && (before == in_container || (!before && works(try_override)));
}

/* Start so, serve, be locked; then the journal has that one line, or none (NULL). */
static void lives(void (*before)(void *), const char *line)
{
	struct process d;

	process_start(&d, before, NULL);
	process_rings(&d);
	process_serves(&d);
	assert_locked(&d);
	assert_int_equal(capabilities(&d), may_override(before) ? 1u << CAP_DAC_OVERRIDE : 0);
	process_stop(&d);
	if (count(d.said, "does not allow") != (line ? 1 : 0) || (line && !strstr(d.said, line)))
		fail_msg("said: %s", d.said);
}

static void as_it_is(void **state)
{
	(void)state;
	if (!works(try_namespaces))
		skip();
	lives(NULL, NULL);
}

static void plain_user(void **state)
{
	(void)state;
	if (!works(try_namespaces_as_nobody))
		skip();
	lives(as_nobody, NULL);
}

static void without_user_namespaces(void **state)
{
	(void)state;
	if (!works(no_user_namespaces))
		skip();
	lives(no_user_namespaces,
	    "warning: sandbox: this system does not allow a root directory of its own (sysctl"
	    " user.max_user_namespaces: No space left on device), a network of its own (Operation "
	    "not permitted)\n");
}

static void container(void **state)
{
	(void)state;
	if (!works(in_container))
		skip();
	lives(in_container, "warning: sandbox: this system does not allow a network of its own "
			    "(Operation not permitted)\n");
}

static void bare_container(void **state)
{
	(void)state;
	lives(in_bare_container,
	    "warning: sandbox: this system does not allow a root directory of its own (user"
	    " namespaces: Operation not permitted), a network of its own (Operation not "
	    "permitted)\n");
}

/* Its root is the socket's directory, its network another; the directory can go away under it. */
static void root_and_network(void **state)
{
	struct process d;
	struct stat dir, root, net, ours;
	char path[64], away[80];

	(void)state;
	if (geteuid() != 0 || !works(try_namespaces))
		skip();
	process_start(&d, NULL, NULL);
	assert_int_equal(stat(d.dir, &dir), 0);
	snprintf(path, sizeof(path), "/proc/%d/root", (int)d.pid);
	if (stat(path, &root) < 0) {
		/* root without the capability to look into others */
		assert_int_equal(errno, EACCES);
		process_stop(&d);
		skip();
	}
	assert_int_equal(root.st_ino, dir.st_ino);
	assert_int_equal(root.st_dev, dir.st_dev);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)d.pid);
	assert_int_equal(stat(path, &net), 0);
	assert_int_equal(stat("/proc/self/ns/net", &ours), 0);
	assert_int_not_equal(net.st_ino, ours.st_ino);
	snprintf(away, sizeof(away), "%s.away", d.dir);
	assert_int_equal(rename(d.dir, away), 0);
	assert_int_equal(rename(away, d.dir), 0);
	process_stop(&d);
}

/* As root a guest's connection leads to whoever listens, as before it was locked up. */
static void another_users_socket(void **state)
{
	struct player_sock s = {.guest_port = 700, .host_port = 6000, .buf_alloc = 65536};
	struct player_packet pkt;
	struct process d;
	char path[120];
	int l;

	(void)state;
	if (!may_override(NULL))
		skip();
	process_start(&d, NULL, NULL);
	process_rings(&d);
	snprintf(path, sizeof(path), "%s_6000", d.path);
	l = process_listen(path);
	assert_int_equal(chmod(path, 0600), 0);
	/* a namespace may know no such user */
	if (chown(path, NOBODY, NOBODY) == 0) {
		player_op(&d.p, &s, SMOL_VSOCK_OP_REQUEST, 0);
		assert_true(player_rx_wait(&d.p, &pkt, 10000));
		assert_int_equal(pkt.h.op, SMOL_VSOCK_OP_RESPONSE);
	}
	close(l);
	assert_int_equal(unlink(path), 0);
	process_stop(&d);
}

/* Nobody of the same user looks into it or traces it. */
static void not_dumpable(void **state)
{
	struct process d;
	struct stat st;
	char path[64];

	(void)state;
	if (!works(as_nobody))
		skip();
	process_start(&d, as_nobody, NULL);
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)d.pid);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	process_stop(&d);
}

/* ---- the end ---- */

/* Its parent is killed: it goes too, though its sockets are still held. */
static void parent_dies(void (*before)(void *))
{
	struct process d;
	struct pollfd end = {.events = POLLIN};
	int told[2];
	pid_t pid, middle;

	assert_int_equal(pipe(told), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	middle = fork();
	if (middle == 0) {
		process_start(&d, before, NULL);
		if (write(told[1], &d, sizeof(d)) != sizeof(d))
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(told[0], &d, sizeof(d)), sizeof(d));
	/* its front end's socket is held here, so that only the death of its parent ends it */
	end.fd = (int)syscall(SYS_pidfd_open, d.pid, 0);
	pid = (int)syscall(SYS_pidfd_open, middle, 0);
	d.p.vhost = (int)syscall(SYS_pidfd_getfd, pid, d.p.vhost, 0);
	assert_true(end.fd >= 0 && d.p.vhost >= 0);
	assert_int_equal(kill(middle, SIGKILL), 0);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	assert_int_equal(poll(&end, 1, 10000), 1);
	assert_int_equal(waitpid(d.pid, &middle, 0), d.pid);
	assert_true(WIFSIGNALED(middle) && WTERMSIG(middle) == SIGKILL);
	close(end.fd);
	close(pid);
	close(d.p.vhost);
	close(told[0]);
	close(told[1]);
	assert_int_equal(unlink(d.path), 0);
	assert_int_equal(rmdir(d.dir), 0);
}

static void dies_with_parent(void **state)
{
	(void)state;
	parent_dies(NULL);
	/* some kernels take the wish to go too from who makes a namespace of users */
	if (works(try_namespaces_as_nobody))
		parent_dies(as_nobody);
}

/* Of front ends that connect one is served at a time; another one when it has gone. */
static void front_ends(const char *path)
{
	struct player first, next;
	int second;
	char c;

	player_open(&first, process_client(path), &(struct player_config){0});
	player_negotiate(&first);
	second = process_client(path);
	assert_int_equal(read(second, &c, 1), 0);
	close(second);
	player_negotiate(&first);
	player_close(&first);
	player_open(&next, process_client(path), &(struct player_config){0});
	player_negotiate(&next);
	player_close(&next);
}

/* Sockets that it makes itself, be they in one directory or in two: nobody else's whatever the
 * umask, and gone with it, unless another one has come in their place. */
static void own_sockets(void **state)
{
	char dir[] = "/tmp/vsockd-own-XXXXXX", other[] = "/tmp/vsockd-own-XXXXXX", c;
	char uds[64], front[64];
	struct stat st;
	int ready[2], status;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_non_null(mkdtemp(other));
	snprintf(uds, sizeof(uds), "%s/v.sock", dir);
	snprintf(front, sizeof(front), "%s/front.sock", other);
	for (unsigned i = 0; i < 3; i++) {
		bool replaced = i == 1, killed = i == 2;

		assert_int_equal(pipe(ready), 0);
		pid = fork();
		if (pid == 0) {
			umask(0);
			dup2(ready[1], 3);
			execl("./smolsh-vsockd", "smolsh-vsockd", "--uds-path", uds,
			    "--vhost-socket", front, "--guest-cid", "3", "--ready-fd", "3",
			    (char *)NULL);
			_exit(127);
		}
		close(ready[1]);
		assert_int_equal(read(ready[0], &c, 1), 1);
		close(ready[0]);
		assert_int_equal(lstat(uds, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(lstat(front, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		front_ends(front);
		if (replaced) {
			assert_int_equal(unlink(uds), 0);
			close(process_listen(uds));
		}
		assert_int_equal(kill(pid, killed ? SIGKILL : SIGTERM), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, killed ? SIGKILL : 0);
		/* a device that is killed cannot wait for that */
		for (unsigned n = 0; killed && access(front, F_OK) == 0 && n < 1000; n++)
			poll(NULL, 0, 10);
		assert_int_equal(access(uds, F_OK), replaced ? 0 : -1);
		assert_int_equal(access(front, F_OK), -1);
	}
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(other), 0);
}

/* A client, and its connection in the guest. */
static int connect_to_guest(struct process *d, struct player_sock *s)
{
	int fd = process_client(d->path);

	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	player_accept(&d->p, s, 5000);
	assert_int_equal(recv(fd, &(char[8]){0}, 3, MSG_WAITALL), 3);
	return fd;
}

/* What is written to a client that takes nothing does no harm but to its connection. */
static void nobody_reads(void **state)
{
	struct process d;
	struct player_sock s = {0};
	struct smol_vsock_hdr h;
	struct player_packet pkt;
	int fd;

	(void)state;
	process_start(&d, NULL, NULL);
	process_rings(&d);
	fd = connect_to_guest(&d, &s);
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	h = player_hdr(&d.p, &s, SMOL_VSOCK_OP_RW);
	h.len = 1;
	player_send(&d.p, &h, "x");
	assert_true(player_rx_wait(&d.p, &pkt, 10000));
	assert_int_equal(pkt.h.op, SMOL_VSOCK_OP_SHUTDOWN);
	assert_int_equal(pkt.h.flags, SMOL_VSOCK_SHUT_RCV);
	close(fd);
	process_stop(&d);
}

/* The front end gives a file for an event counter, where a locked-up process must not write. */
static void counter_is_a_file(void **state)
{
	struct process d;
	struct player_ring *q = &d.p.ring[PLAYER_TX];
	const uint64_t ring = PLAYER_TX;
	int file = memfd_create("err", MFD_CLOEXEC);

	(void)state;
	process_start(&d, NULL, NULL);
	process_rings(&d);
	assert_int_equal(player_acked(&d.p, PLAYER_SET_VRING_ERR, &ring, 8, &file, 1), 0);
	q->avail->idx = (uint16_t)(q->avail->idx + d.p.cfg.num + 1);
	assert_int_equal(write(q->kick, &(uint64_t){1}, 8), 8);
	assert_true(process_says(&d, "broke its transmit ring"));
	close(file);
	process_stop(&d);
}

/* The front end cuts memory short. What a system call meets, and what the device itself does. */
static void memory_goes(void **state)
{
	static const off_t left[] = {0x1200000, 0};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct process d;
		struct player_sock s = {0};
		int fd, status;

		process_start(&d, NULL, NULL);
		process_rings(&d);
		fd = connect_to_guest(&d, &s);
		/* from here on the player must not look at its memory either */
		assert_int_equal(ftruncate(d.p.memfd, left[i]), 0);
		assert_int_equal(write(fd, "hello", 5), 5);
		status = process_wait(&d);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
		assert_int_equal(count(d.said, "guest memory went away"), 1);
		close(fd);
		process_clear(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_it_is),
	    cmocka_unit_test(plain_user),
	    cmocka_unit_test(without_user_namespaces),
	    cmocka_unit_test(container),
	    cmocka_unit_test(bare_container),
	    cmocka_unit_test(root_and_network),
	    cmocka_unit_test(another_users_socket),
	    cmocka_unit_test(not_dumpable),
	    cmocka_unit_test(dies_with_parent),
	    cmocka_unit_test(own_sockets),
	    cmocka_unit_test(nobody_reads),
	    cmocka_unit_test(counter_is_a_file),
	    cmocka_unit_test(memory_goes),
	};

	if (access("./smolsh-vsockd", X_OK) < 0) {
		fprintf(stderr, "to be run where ./smolsh-vsockd is\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
