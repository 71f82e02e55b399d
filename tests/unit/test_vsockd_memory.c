/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest memory whose file changes its length under the device. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../vsockd/rig.h"

/* What is cut off: the player's receive buffers, which these tests do not post. */
#define LEFT 0x1200000u

/* Share all of a file with the device: what it answers. */
static uint64_t share(struct rig *r, int fd, uint64_t size)
{
	struct {
		uint32_t n, pad;
		uint64_t gpa, size, user, offset;
	} m = {1, 0, PLAYER_GPA, size, 0x10000, 0};

	return player_acked(&r->p, PLAYER_SET_MEM_TABLE, &m, sizeof(m), &fd, 1);
}

static void sealed(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	int fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)state;
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	/* too long a region changes nothing about its file but this: it cannot get even shorter */
	assert_int_not_equal(share(r, fd, (1 << 20) + 1), 0);
	assert_int_equal(share(r, fd, 1 << 20), 0);
	assert_int_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK);
	assert_int_equal(ftruncate(fd, 4096), -1);
	assert_int_equal(errno, EPERM);
	/* it may grow, as memory that is plugged does */
	assert_int_equal(ftruncate(fd, 2 << 20), 0);
	close(fd);
	/* sealed already, and for good */
	fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	assert_int_equal(share(r, fd, 1 << 20), 0);
	close(fd);
	rig_free(r);
}

/* A file that knows no seals serves as well. */
static void plain_file(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	char path[] = "/tmp/vsockd-memory-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(share(r, fd, 1 << 20), 0);
	close(fd);
	rig_free(r);
}

/* A receive buffer in two parts: the header in memory that stays. */
static void post(struct rig *r, uint16_t head, uint64_t payload)
{
	struct smol_vring_desc *d = r->p.ring[PLAYER_RX].desc;

	d[head] = (struct smol_vring_desc){.addr = PLAYER_GPA + PLAYER_SPARE,
	    .len = 44,
	    .flags = DESC_WRITE | DESC_NEXT,
	    .next = 200};
	d[200] = (struct smol_vring_desc){.addr = payload, .len = 4096, .flags = DESC_WRITE};
	player_tx_head(&r->p, PLAYER_RX, head);
	player_kick(&r->p, PLAYER_RX);
	rig_pump(r);
}

/* A connection on which nothing has been said, with no receive buffer left. */
static int connected(struct rig *r, struct player_sock *s)
{
	const struct smol_vring_used_elem *used = r->p.ring[PLAYER_RX].used->ring;
	struct smol_vsock_hdr h;
	int fd = rig_client(r);
	char ok[32];

	player_start(&r->p, 0, 0);
	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	post(r, 0, PLAYER_GPA + PLAYER_SPARE + 44);
	assert_int_equal(used[0].len, 44);
	smol_vsock_hdr_get(&h, r->p.mem + PLAYER_SPARE);
	assert_int_equal(h.op, SMOL_VSOCK_OP_REQUEST);
	*s = (struct player_sock){.guest_port = 5000, .host_port = h.src_port, .buf_alloc = 65536};
	player_op(&r->p, s, SMOL_VSOCK_OP_RESPONSE, 0);
	rig_pump(r);
	assert_true(read(fd, ok, sizeof(ok)) > 3);
	return fd;
}

static void cut_below_a_read(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	struct player_sock s;
	int fd = connected(r, &s);

	(void)state;
	post(r, 1, PLAYER_GPA + LEFT);
	assert_int_equal(ftruncate(r->p.memfd, LEFT), 0);
	assert_int_equal(write(fd, "hello", 5), 5);
	rig_pump(r);
	assert_int_equal(r->last, SMOL_TURN_BAD);
	/* and nobody touches the rings any more, which may be gone as well */
	assert_int_equal(ftruncate(r->p.memfd, 0), 0);
	smol_vsockd_detach(&r->dev);
	close(fd);
	rig_free(r);
}

/* The guest has sent what is in memory that is gone; nobody has looked yet. */
static void send_from_the_void(struct rig *r, struct player_sock *s)
{
	struct smol_vring_desc *d = r->p.ring[PLAYER_TX].desc;
	struct smol_vsock_hdr h = player_hdr(&r->p, s, SMOL_VSOCK_OP_RW);

	h.len = 100;
	smol_vsock_hdr_put(r->p.mem + PLAYER_SPARE, &h);
	d[200] = (struct smol_vring_desc){
	    .addr = PLAYER_GPA + PLAYER_SPARE, .len = 44, .flags = DESC_NEXT, .next = 201};
	d[201] = (struct smol_vring_desc){.addr = PLAYER_GPA + LEFT, .len = 100};
	assert_int_equal(ftruncate(r->p.memfd, LEFT), 0);
	player_tx_head(&r->p, PLAYER_TX, 200);
	player_kick(&r->p, PLAYER_TX);
}

static void cut_below_a_write(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	struct player_sock s;
	int fd = connected(r, &s);

	(void)state;
	send_from_the_void(r, &s);
	rig_pump(r);
	assert_int_equal(r->last, SMOL_TURN_BAD);
	assert_int_equal(ftruncate(r->p.memfd, 0), 0);
	smol_vsockd_detach(&r->dev);
	close(fd);
	rig_free(r);
}

/* The front end goes before: that is no reason to throw the next one out. */
static void cut_at_the_end(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	struct player_sock s;
	int fd = connected(r, &s);

	(void)state;
	send_from_the_void(r, &s);
	smol_vsockd_detach(&r->dev);
	assert_int_equal(smol_vsockd_turn(&r->dev, 0), SMOL_TURN_OK);
	close(fd);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sealed),
	    cmocka_unit_test(plain_file),
	    cmocka_unit_test(cut_below_a_read),
	    cmocka_unit_test(cut_below_a_write),
	    cmocka_unit_test(cut_at_the_end),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
