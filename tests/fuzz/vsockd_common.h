/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the device's fuzz targets share: a device in this process, made anew for each input, one
 * listening socket for all of them, and a reader of the input that gives zeros past its end.
 */
#ifndef SMOL_TESTS_FUZZ_VSOCKD_COMMON_H
#define SMOL_TESTS_FUZZ_VSOCKD_COMMON_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/bound.h"
#include "vsockd/device.h"
#include "vsockd/uds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Records of what is refused would be most of the time; stderr is the fuzzer's own. */
void __wrap_smol_vsockd_log(const char *fmt, ...);
void __wrap_smol_vsockd_log(const char *fmt, ...)
{
	(void)fmt;
}

/* The device's clock: it moves when it is looked at, a little, and when an input has it moved. A
 * machine that is busy elsewhere makes nobody's deadline pass, so each input is always one run. */
static uint64_t fuzz_now_ns;
static bool fuzz_in_device; /* the fuzzer has a clock of its own */

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	if (!fuzz_in_device)
		return __real_clock_gettime(id, ts);
	fuzz_now_ns += 30000;
	*ts =
	    (struct timespec){(time_t)(fuzz_now_ns / 1000000000), (long)(fuzz_now_ns % 1000000000)};
	return 0;
}

static struct smol_vsockd fuzz_dev;
static char fuzz_path[64], fuzz_dialled_path[80];
static int fuzz_listen = -1;
static int fuzz_notes = -1; /* a table of connections for the next device */

struct fuzz_in {
	const uint8_t *p;
	size_t n;
};

static inline size_t fuzz_bytes(struct fuzz_in *in, void *out, size_t want)
{
	size_t take = in->n < want ? in->n : want;

	memset(out, 0, want);
	memcpy(out, in->p, take);
	in->p += take;
	in->n -= take;
	return take;
}

static inline uint8_t fuzz_u8(struct fuzz_in *in)
{
	uint8_t v;

	fuzz_bytes(in, &v, 1);
	return v;
}

static inline void fuzz_gone(void)
{
	unlink(fuzz_path);
	if (fuzz_dialled_path[0])
		unlink(fuzz_dialled_path);
}

static inline void fuzz_name(void)
{
	if (!fuzz_path[0]) {
		snprintf(fuzz_path, sizeof(fuzz_path), "/tmp/fuzz-vsockd-%d", (int)getpid());
		atexit(fuzz_gone);
	}
}

static inline int fuzz_listens(const char *path)
{
	struct smol_bound bound;

	if (smol_bound_listen(&bound, path, NULL) < 0)
		abort();
	free(bound.path);
	return bound.fd;
}

/* A program that listens for the guest on a port. */
static inline int fuzz_dialled(uint32_t port)
{
	fuzz_name();
	snprintf(fuzz_dialled_path, sizeof(fuzz_dialled_path), "%s_%u", fuzz_path, port);
	return fuzz_listens(fuzz_dialled_path);
}

/* A front end comes: its side of the socket. */
static inline int fuzz_attach(void)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0 ||
	    smol_vsockd_attach(&fuzz_dev, sv[1], NULL) < 0)
		abort();
	return sv[0];
}

/* A device with an empty table; its front end's side of the socket. */
static inline int fuzz_begin(uint32_t max)
{
	struct smol_vsockd_config cfg = {
	    .guest_cid = 3, .notes_fd = fuzz_notes, .max_connections = max, .uds_path = fuzz_path};

	if (fuzz_listen < 0) {
		signal(SIGPIPE, SIG_IGN);
		fuzz_name();
		fuzz_listen = fuzz_listens(fuzz_path);
	}
	fuzz_now_ns = 1000000000;
	cfg.listen_fd = dup(fuzz_listen);
	if (cfg.listen_fd < 0 || smol_vsockd_init(&fuzz_dev, &cfg, NULL) < 0)
		abort();
	return fuzz_attach();
}

static inline enum smol_vsockd_turn fuzz_turn(int wait)
{
	enum smol_vsockd_turn t;

	fuzz_in_device = true;
	t = smol_vsockd_turn(&fuzz_dev, wait);
	fuzz_in_device = false;
	return t;
}

static inline void fuzz_end(int front)
{
	fuzz_in_device = true;
	smol_vsockd_destroy(&fuzz_dev);
	fuzz_in_device = false;
	close(front);
}

static inline int fuzz_client(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", fuzz_path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static inline void fuzz_send(int front, uint32_t request, uint32_t flags, const void *payload,
    uint32_t size, int *fds, unsigned nfds)
{
	uint32_t hdr[3] = {request, flags, size};
	struct iovec iov[2] = {{hdr, sizeof(hdr)}, {(void *)(uintptr_t)payload, size}};
	_Alignas(struct cmsghdr) char ctl[CMSG_SPACE(16 * sizeof(int))] = {0};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};

	if (nfds) {
		struct cmsghdr *c;

		mh.msg_control = ctl;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	if (sendmsg(front, &mh, MSG_NOSIGNAL) < 0)
		return;
}

/* The front end reads no answers; empty its socket so that the device can send them. */
static inline void fuzz_drain(int fd)
{
	char buf[65536];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

#endif
