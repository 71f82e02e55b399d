/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a device that a guest has taken over can still do. Each case is a process that locks itself
 * up as the device does and then does what it must not. First with the list of system calls, which
 * is to kill it; then without, to see what root, network and capabilities refuse by themselves.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include <cmocka.h>

#include "vsockd/isolation.h"

static char dir[] = "/tmp/vsockd-cage-XXXXXX";
static char outside[64]; /* a file next to it */
static struct sockaddr_un abstract = {.sun_family = AF_UNIX};
static socklen_t abstract_len;
static char page[4096] __attribute__((aligned(4096)));

static int begin(void **state)
{
	int fd;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(outside, sizeof(outside), "%s.secret", dir);
	fd = open(outside, O_CREAT | O_WRONLY | O_EXCL, 0666);
	if (fd < 0)
		return -1;
	close(fd);
	abstract_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				   (size_t)snprintf(abstract.sun_path + 1, 64, "%s", dir));
	return 0;
}

static int end(void **state)
{
	(void)state;
	return unlink(outside) | rmdir(dir);
}

/* ---- under the list ---- */

static void do_open(void)
{
	open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}
static void do_create(void)
{
	open("new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
}
static void do_stat(void)
{
	struct stat st;

	if (lstat("/etc/passwd", &st) < 0)
		return;
}
static void do_unlink(void)
{
	unlink(outside);
}
static void do_readlink(void)
{
	char b[64];

	if (readlink("/proc/self/exe", b, sizeof(b)) < 0)
		return;
}
static void do_inet(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}
static void do_vsock(void)
{
	socket(AF_VSOCK, SOCK_STREAM, 0);
}
static void do_netlink(void)
{
	socket(AF_NETLINK, SOCK_RAW, 0);
}
static void do_datagram(void)
{
	socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}
static void do_bind(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "mine"};

	bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), (struct sockaddr *)&sa,
	    sizeof(sa));
}
static void do_map_code(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void do_protect(void)
{
	mprotect(page, sizeof(page), PROT_READ | PROT_EXEC);
}
static void do_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
}
static void do_execveat(void)
{
	syscall(SYS_execveat, STDIN_FILENO, "", NULL, NULL, AT_EMPTY_PATH);
}
static void do_fork(void)
{
	if (fork() == 0)
		_exit(0);
}
static void do_clone3(void)
{
	uint64_t args[8] = {0};

	if (syscall(SYS_clone3, args, sizeof(args)) == 0)
		_exit(0);
}
static void do_trace_me(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static void do_trace_parent(void)
{
	ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}
static void do_read_parent(void)
{
	syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0);
}
static void do_kill(void)
{
	syscall(SYS_kill, 0, 0);
}
static void do_dumpable(void)
{
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static void do_limit(void)
{
	syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL);
}
static void do_setuid(void)
{
	syscall(SYS_setuid, 0);
}
static void do_namespace(void)
{
	unshare(CLONE_NEWUSER);
}
static void do_mount(void)
{
	mount("none", "/", "tmpfs", 0, NULL);
}
static void do_ring(void)
{
	syscall(SYS_io_uring_setup, 1, page);
}
static void do_bpf(void)
{
	syscall(SYS_bpf, 0, page, 64);
}
static void do_memfd(void)
{
	syscall(SYS_memfd_create, "x", 0);
}
static void do_terminal(void)
{
	syscall(SYS_ioctl, STDIN_FILENO, 0x5412 /* TIOCSTI */, "x");
}
static void do_owner(void)
{
	fcntl(STDIN_FILENO, F_SETOWN, 1);
}
static void do_async(void)
{
	fcntl(STDIN_FILENO, F_SETFL, O_ASYNC | O_NONBLOCK);
}
static void do_seal(void)
{
	fcntl(STDIN_FILENO, F_ADD_SEALS, F_SEAL_WRITE);
}
static void do_option(void)
{
	int on = 1;

	setsockopt(STDIN_FILENO, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}
static void do_other_abi(void)
{
	/* the 32-bit table's getpid(): the same numbers mean other calls there */
	__asm__ volatile("int $0x80" : : "a"(20) : "memory");
}

/* Locked up, tells so, does it, tells that it lived. */
static _Noreturn void locked(int out, void (*act)(void))
{
	char path[96];
	struct smol_err err = SMOL_ERR_INIT;

	/* cmocka's handler would report the crash */
	signal(SIGSEGV, SIG_DFL);
	snprintf(path, sizeof(path), "%s/v.sock", dir);
	if (smol_vsockd_isolate(path, &err) < 0 || write(out, "1", 1) != 1)
		_exit(1);
	act();
	if (write(out, "2", 1) != 1)
		_exit(1);
	_exit(0);
}

/* Number of bytes it could say: 1 is "locked up". */
static ssize_t run(void (*act)(void), int *status)
{
	int p[2];
	ssize_t n = 0;
	char c;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0)
		locked(p[1], act);
	close(p[1]);
	while (read(p[0], &c, 1) == 1)
		n++;
	close(p[0]);
	assert_int_equal(waitpid(pid, status, 0), pid);
	return n;
}

static void nothing(void)
{
}

static void the_list_kills(void **state)
{
	static const struct {
		const char *what;
		void (*act)(void);
	} t[] = {
	    {"open a file", do_open},
	    {"make a file", do_create},
	    {"look at a file", do_stat},
	    {"remove a file", do_unlink},
	    {"read a link", do_readlink},
	    {"a socket of the internet", do_inet},
	    {"a socket to a hypervisor", do_vsock},
	    {"a socket to the kernel", do_netlink},
	    {"a datagram socket", do_datagram},
	    {"a name for a socket", do_bind},
	    {"map code", do_map_code},
	    {"make memory code", do_protect},
	    {"run a program", do_exec},
	    {"run a descriptor", do_execveat},
	    {"a process", do_fork},
	    {"a thread", do_clone3},
	    {"be traced", do_trace_me},
	    {"trace", do_trace_parent},
	    {"read another process", do_read_parent},
	    {"signal the group", do_kill},
	    {"become dumpable", do_dumpable},
	    {"see limits", do_limit},
	    {"become root", do_setuid},
	    {"another user namespace", do_namespace},
	    {"mount", do_mount},
	    {"io_uring", do_ring},
	    {"bpf", do_bpf},
	    {"a memfd", do_memfd},
	    {"type on a terminal", do_terminal},
	    {"have signals sent", do_owner},
	    {"signals of a descriptor", do_async},
	    {"seal memory against writing", do_seal},
	    {"another option of a socket", do_option},
	    {"the 32-bit calls", do_other_abi},
	};
	int status;

	(void)state;
	if (!SMOL_VSOCKD_FILTERS)
		skip();
	assert_int_equal(run(nothing, &status), 2);
	assert_int_equal(status, 0);
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ssize_t n = run(t[i].act, &status);

		if (n != 1 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: %zd, status %#x", t[i].what, n, (unsigned)status);
	}
	assert_int_equal(access(outside, F_OK), 0);
}

static void crash(void)
{
	*(volatile int *)NULL = 1;
}

static void no_core(void **state)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}, was;
	int status;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &was), 0);
	all.rlim_cur = all.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_CORE, &all), 0);
	assert_int_equal(run(crash, &status), 1);
	assert_int_equal(setrlimit(RLIMIT_CORE, &was), 0);
	if (!SMOL_VSOCKD_FILTERS)
		return;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	assert_false(WCOREDUMP(status));
}

/* ---- without the list ---- */

static bool sees_nothing(void)
{
	DIR *d = opendir("/");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	/* "." and ".." */
	return d && n == 2 && access(outside, F_OK) < 0 && access("/etc", F_OK) < 0 &&
	       access("/proc", F_OK) < 0 && access("/..", F_OK) == 0 && access("../etc", F_OK) < 0;
}

static bool writes_nothing(void)
{
	return open("/new", O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS;
}

static bool reaches_nobody(void)
{
	struct sockaddr_in sa = {
	    .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), un = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 || errno != ENETUNREACH)
		return false;
	return connect(un, (struct sockaddr *)&abstract, abstract_len) < 0 && errno == ECONNREFUSED;
}

static bool may_nothing(void)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];

	return syscall(SYS_capget, &hdr, caps) == 0 &&
	       ((caps[0].permitted | caps[0].effective) & ~(1u << CAP_DAC_OVERRIDE)) == 0 &&
	       (caps[1].permitted | caps[1].effective) == 0 && chroot("/") < 0 &&
	       mount("none", "/", "tmpfs", 0, NULL) < 0 && umount("/") < 0;
}

static bool path_is_inside(const char *uds_path)
{
	return strcmp(uds_path, "v.sock") == 0;
}

static void root_network_and_capabilities(void **state)
{
	static bool (*const holds[])(void) = {
	    sees_nothing, writes_nothing, reaches_nobody, may_nothing};
	int status, l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	(void)state;
	assert_int_equal(bind(l, (struct sockaddr *)&abstract, abstract_len), 0);
	assert_int_equal(listen(l, 1), 0);
	pid = fork();
	if (pid == 0) {
		char path[96];
		struct smol_lacks lacks = {0};

		snprintf(path, sizeof(path), "%s/v.sock", dir);
		smol_vsockd_confine(path, &lacks);
		if (lacks.len)
			_exit(77);
		for (int i = 0; i < 4; i++) {
			if (!holds[i]())
				_exit(1 + i);
		}
		_exit(path_is_inside(path) ? 0 : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(l);
	assert_true(WIFEXITED(status));
	/* a system that does not allow all of it */
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The working directory itself is no less of a root than one with a name. */
static void path_without_a_directory(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		char path[96] = "v.sock";
		struct smol_lacks lacks = {0};

		if (chdir(dir) < 0)
			_exit(1);
		smol_vsockd_confine(path, &lacks);
		if (lacks.len)
			_exit(77);
		_exit(!sees_nothing() ? 2 : !writes_nothing() ? 3 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_list_kills),
	    cmocka_unit_test(no_core),
	    cmocka_unit_test(root_network_and_capabilities),
	    cmocka_unit_test(path_without_a_directory),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
