/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A device in this process with the guest player on its one side and clients on the other. Nothing
 * runs by itself: whoever waits pumps the device's loop, so tests are deterministic.
 */
#ifndef SMOL_TESTS_VSOCKD_RIG_H
#define SMOL_TESTS_VSOCKD_RIG_H

#include "player.h"
#include "vsockd/device.h"

struct rig {
	struct smol_vsockd dev;
	struct player p;
	char dir[64], path[96];
	enum smol_vsockd_turn last;
};

struct rig_config {
	unsigned num, rx_buf, max_connections;
	int notes_fd; /* 0: none */
	bool no_event_idx, no_indirect;
	bool no_start; /* rings stay as they are; no receive buffers */
};

struct rig *rig_new(const struct rig_config *cfg);
void rig_free(struct rig *r);
/* Turn the loop until it has nothing to do. */
void rig_pump(struct rig *r);

/* A socket that listens there, close-on-exec and non-blocking; the name is the test's to remove. */
int rig_listen(const char *path);
/* A client that has connected and said nothing. */
int rig_client(struct rig *r);
/* A connection from a client to guest_port, complete on both sides. */
int rig_connect(struct rig *r, struct player_sock *s, uint32_t guest_port);
/* Send a byte and a descriptor with it. */
void rig_pass(int fd, char byte, int passed);
/* Read exactly n bytes, pumping; fewer at end of file (then the number so far). */
size_t rig_read(struct rig *r, int fd, void *buf, size_t n);
/* The client's side is closed: read() would give 0 or ECONNRESET. */
bool rig_closed(struct rig *r, int fd);
/* Next packet for the guest, which must have this op. */
struct player_packet rig_expect(struct rig *r, enum smol_vsock_op op);
/* No packet for the guest is there. */
bool rig_quiet(struct rig *r);
/* The guest sends data. */
void rig_guest_write(struct rig *r, struct player_sock *s, const void *data, uint32_t len);

/* The guest takes what there is for s, and gives the buffers back. */
void rig_take(struct rig *r, struct player_sock *s);
/* Data passes both ways on a connection: what was tried has harmed nobody. */
void rig_lives(struct rig *r, struct player_sock *s, int fd);

/* Put a chain of the test's own into the transmit ring and see it given back with length 0. */
void rig_chain(struct rig *r, uint16_t head);
/* A header of socket s in the spare page; its address. */
uint64_t rig_spare_header(
    struct rig *r, const struct player_sock *s, enum smol_vsock_op op, uint32_t len);
/* Tell the device of another memory table: whether it took it. */
bool rig_memory(struct rig *r, const struct smol_gm_desc *d, uint32_t n);
/* Resident bytes of the connections' records and buffers. */
size_t rig_resident(struct rig *r);
/* The loop sleeps: given 5 ms it takes them, but for two deadlines or events on the way. */
bool rig_idle(struct rig *r);
/* Descriptors that this process has open. */
unsigned rig_open_files(void);

/* Byte i of the stream that tests send. */
static inline uint8_t rig_byte(uint64_t i)
{
	return (uint8_t)(i * 131 + (i >> 8) * 7 + (i >> 16));
}
void rig_fill(uint8_t *buf, size_t n, uint64_t from);

#endif
