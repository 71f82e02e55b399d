/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: device, guest player and clients in one process; see rig.h. */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"
#include "base/bound.h"
#include "vsockd/uds.h"

#define PATIENCE 5000 /* turns of 1 ms */

static void pump_once(struct rig *r, int ms)
{
	if (r->last == SMOL_TURN_GONE || r->last == SMOL_TURN_BAD)
		return;
	r->last = smol_vsockd_turn(&r->dev, ms);
}

static void pump(void *arg)
{
	pump_once(arg, 1);
}

void rig_pump(struct rig *r)
{
	for (unsigned i = 0; i < 6; i++)
		pump_once(r, 0);
}

int rig_listen(const char *path)
{
	struct smol_bound b;
	struct smol_err err = SMOL_ERR_INIT;

	if (smol_bound_listen(&b, path, &err) < 0)
		fail_msg("%s", err.msg);
	free(b.path);
	return b.fd;
}

struct rig *rig_new(const struct rig_config *cfg)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct smol_err err = SMOL_ERR_INIT;
	int sv[2];

	assert_non_null(r);
	strcpy(r->dir, "/tmp/vsockd-test-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/v.sock", r->dir);
	assert_int_equal(
	    smol_vsockd_init(&r->dev,
		&(struct smol_vsockd_config){.guest_cid = 3,
		    .notes_fd = cfg->notes_fd ? cfg->notes_fd : -1,
		    .max_connections = cfg->max_connections ? cfg->max_connections : 64,
		    .uds_path = r->path,
		    .listen_fd = rig_listen(r->path)},
		&err),
	    0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(smol_vsockd_attach(&r->dev, sv[1], &err), 0);
	player_open(&r->p, sv[0],
	    &(struct player_config){.num = cfg->num,
		.rx_buf = cfg->rx_buf,
		.event_idx = !cfg->no_event_idx,
		.indirect = !cfg->no_indirect,
		.pump = pump,
		.arg = r});
	player_negotiate(&r->p);
	player_memory(&r->p);
	if (!cfg->no_start) {
		player_rx_fill(&r->p);
		player_start(&r->p, 0, 0);
	}
	return r;
}

void rig_free(struct rig *r)
{
	smol_vsockd_destroy(&r->dev);
	player_close(&r->p);
	unlink(r->path);
	rmdir(r->dir);
	free(r);
}

int rig_client(struct rig *r)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", r->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

void rig_pass(int fd, char byte, int passed)
{
	_Alignas(struct cmsghdr) char ctl[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr mh = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &passed, sizeof(int));
	assert_int_equal(sendmsg(fd, &mh, 0), 1);
}

size_t rig_read(struct rig *r, int fd, void *buf, size_t n)
{
	size_t have = 0;

	for (unsigned i = 0; have < n && i < PATIENCE; i++) {
		ssize_t k = read(fd, (uint8_t *)buf + have, n - have);

		if (k == 0 || (k < 0 && errno == ECONNRESET))
			break;
		if (k > 0)
			have += (size_t)k;
		else
			pump(r);
	}
	return have;
}

bool rig_closed(struct rig *r, int fd)
{
	char c;

	for (unsigned i = 0; i < 200; i++) {
		ssize_t k = recv(fd, &c, 1, MSG_PEEK);

		if (k == 0 || (k < 0 && errno != EAGAIN))
			return true;
		if (k > 0)
			return false;
		pump(r);
	}
	return false;
}

int rig_connect(struct rig *r, struct player_sock *s, uint32_t guest_port)
{
	int fd = rig_client(r);
	char line[32], want[32];
	size_t n = (size_t)snprintf(line, sizeof(line), "CONNECT %u\n", guest_port);

	assert_int_equal(write(fd, line, n), n);
	player_accept(&r->p, s, guest_port);
	n = (size_t)snprintf(want, sizeof(want), "OK %u\n", s->host_port);
	assert_int_equal(rig_read(r, fd, line, n), n);
	assert_memory_equal(line, want, n);
	return fd;
}

struct player_packet rig_expect(struct rig *r, enum smol_vsock_op op)
{
	struct player_packet pkt;

	assert_true(player_rx_wait(&r->p, &pkt, 3000));
	assert_int_equal(pkt.h.op, op);
	player_rx_done(&r->p, &pkt);
	player_kick(&r->p, PLAYER_RX);
	return pkt;
}

bool rig_quiet(struct rig *r)
{
	struct player_packet pkt;

	rig_pump(r);
	return !player_rx_next(&r->p, &pkt);
}

void rig_guest_write(struct rig *r, struct player_sock *s, const void *data, uint32_t len)
{
	struct smol_vsock_hdr h = player_hdr(&r->p, s, SMOL_VSOCK_OP_RW);

	h.len = len;
	s->sent += len;
	player_send(&r->p, &h, data);
	rig_pump(r);
}

void rig_take(struct rig *r, struct player_sock *s)
{
	struct player_packet pkt;

	while (player_rx_next(&r->p, &pkt)) {
		player_sock_saw(&r->p, s, &pkt.h);
		player_rx_done(&r->p, &pkt);
	}
	player_kick(&r->p, PLAYER_RX);
}

void rig_lives(struct rig *r, struct player_sock *s, int fd)
{
	struct player_packet pkt;
	char c;

	assert_int_equal(write(fd, "p", 1), 1);
	do {
		pkt = rig_expect(r, SMOL_VSOCK_OP_RW);
		s->fwd += pkt.h.len;
	} while (!rig_quiet(r));
	rig_guest_write(r, s, "q", 1);
	assert_int_equal(rig_read(r, fd, &c, 1), 1);
}

void rig_fill(uint8_t *buf, size_t n, uint64_t from)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = rig_byte(from + i);
}

void rig_chain(struct rig *r, uint16_t head)
{
	struct player_ring *q = &r->p.ring[PLAYER_TX];
	struct smol_vring_used_elem e;

	rig_pump(r);
	while (q->used->idx != q->last_used)
		player_tx_used(&r->p, &e);
	player_tx_head(&r->p, PLAYER_TX, head);
	player_kick(&r->p, PLAYER_TX);
	rig_pump(r);
	/* the chain is the test's own: no slot of the player's becomes free by it */
	assert_int_equal(q->used->idx, (uint16_t)(q->last_used + 1));
	e = q->used->ring[q->last_used++ & (r->p.cfg.num - 1)];
	assert_int_equal(e.id, head);
	assert_int_equal(e.len, 0);
}

uint64_t rig_spare_header(
    struct rig *r, const struct player_sock *s, enum smol_vsock_op op, uint32_t len)
{
	struct smol_vsock_hdr h = player_hdr(&r->p, s, op);

	h.len = len;
	smol_vsock_hdr_put(r->p.mem + PLAYER_SPARE, &h);
	return PLAYER_GPA + PLAYER_SPARE;
}

bool rig_memory(struct rig *r, const struct smol_gm_desc *d, uint32_t n)
{
	struct {
		uint32_t n, pad;
		struct smol_gm_desc d[SMOL_GM_MAX];
	} m = {.n = n};
	int fd[SMOL_GM_MAX];

	for (uint32_t i = 0; i < n; i++) {
		m.d[i] = d[i];
		fd[i] = r->p.memfd;
	}
	return player_acked(
		   &r->p, PLAYER_SET_MEM_TABLE, &m, 8 + n * (uint32_t)sizeof(m.d[0]), fd, n) == 0;
}

size_t rig_resident(struct rig *r)
{
	uintptr_t from = (uintptr_t)r->dev.conns.map, to = from + r->dev.conns.map_len, a, b;
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[512];
	bool in = false;
	size_t kib, sum = 0;

	assert_non_null(f);
	/* a mapping may be shown in parts */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &a, &b) == 2)
			in = a >= from && b <= to;
		else if (in && sscanf(line, "Rss: %zu kB", &kib) == 1)
			sum += kib * 1024;
	}
	fclose(f);
	return sum;
}

/* The system's clock, also where a test has one of its own. */
static int64_t really_now_ms(void)
{
	struct timespec ts;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool rig_idle(struct rig *r)
{
	for (unsigned i = 0; i < 3; i++) {
		int64_t from = really_now_ms();

		r->last = smol_vsockd_turn(&r->dev, 5);
		if (really_now_ms() - from >= 4)
			return true;
	}
	return false;
}

unsigned rig_open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}
