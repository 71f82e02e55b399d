/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Purpose: the vhost-user messages (vhost-user specification, "Front-end message types") as far as
 * this device needs them; unknown ones end the session, since the front end may wait for a reply.
 *
 * Invariants: a ring's size, base and addresses change only while it is stopped; after a new
 * memory table every running ring is found anew in it or stopped; each descriptor that arrives is
 * stored in exactly one place or closed.
 */
#include <errno.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "vsockd/device.h"
#include "vsockd/log.h"

#define F_PROTOCOL_FEATURES 30u
#define P_MQ		    0u
#define P_REPLY_ACK	    3u
#define P_CONFIG	    9u
#define BIT(n)		    (UINT64_C(1) << (n))

#define OFFERED                                                                                    \
	(BIT(SMOL_VIRTIO_F_VERSION_1) | BIT(SMOL_VIRTIO_F_EVENT_IDX) |                             \
	    BIT(SMOL_VIRTIO_F_INDIRECT_DESC) | BIT(F_PROTOCOL_FEATURES))
#define OFFERED_PROTOCOL (BIT(P_MQ) | BIT(P_REPLY_ACK) | BIT(P_CONFIG))

#define FLAG_VERSION	  0x1u
#define FLAG_VERSION_MASK 0x3u
#define FLAG_REPLY	  0x4u
#define FLAG_NEED_REPLY	  0x8u

#define RING_INDEX_MASK 0xffu
#define RING_NO_FD	0x100u
#define CONFIG_LEN	8u /* struct virtio_vsock_config: guest_cid (5.10.4) */
#define CONFIG_MAX	256u
#define TURN_MESSAGES	64u /* more than QEMU sends at once */

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	RESET_OWNER = 4,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	GET_CONFIG = 24,
	SET_CONFIG = 25,
	REQUESTS
};

struct message {
	uint32_t request, flags, size;
	uint8_t *payload; /* size bytes, 8-byte aligned, in struct smol_vu */
};

struct ring_state {
	uint32_t index, num;
};
struct ring_addr {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};
struct config {
	uint32_t offset, size, flags;
	uint8_t bytes[CONFIG_MAX];
};

/* Handlers return 0, -1 (refused, *err set), or REPLIED when they have answered. */
#define REPLIED 1

typedef int handler(struct smol_vsockd *d, const struct message *m, struct smol_err *err);

static int refuse(struct smol_err *err, const char *why)
{
	return smol_err_set(err, SMOL_E_PROTOCOL, "%s", why);
}

/* ---- answers ---- */

static int answer(struct smol_vsockd *d, const struct message *m, const void *p, uint32_t size,
    struct smol_err *err)
{
	uint32_t hdr[3] = {m->request, FLAG_VERSION | FLAG_REPLY, size};
	struct iovec iov[2] = {
	    {.iov_base = hdr, .iov_len = sizeof(hdr)},
	    {.iov_base = (void *)(uintptr_t)p, .iov_len = size},
	};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};

	/* The front end waits for this and has nothing else in its socket: it fits or it is gone.
	 */
	if (sendmsg(d->vu.fd, &mh, MSG_NOSIGNAL) != (ssize_t)(sizeof(hdr) + size))
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot answer the front end");
	return REPLIED;
}

static int answer_u64(
    struct smol_vsockd *d, const struct message *m, uint64_t v, struct smol_err *err)
{
	return answer(d, m, &v, sizeof(v), err);
}

/* ---- features ---- */

static uint64_t u64_of(const struct message *m)
{
	uint64_t v;

	memcpy(&v, m->payload, sizeof(v));
	return v;
}

static int get_features(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	return answer_u64(d, m, OFFERED, err);
}

static int set_features(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	uint64_t v = u64_of(m);

	if (v & ~OFFERED)
		return refuse(err, "features that were not offered");
	if ((d->vq[0].active || d->vq[1].active) && v != d->vu.features)
		return refuse(err, "features change while a ring runs");
	d->vu.features = v;
	/* without protocol features rings have no ENABLE and begin enabled */
	if (!(v & BIT(F_PROTOCOL_FEATURES)))
		d->vq[0].enabled = d->vq[1].enabled = true;
	return 0;
}

static int get_protocol(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	return answer_u64(d, m, OFFERED_PROTOCOL, err);
}

static int set_protocol(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	uint64_t v = u64_of(m);

	if (v & ~OFFERED_PROTOCOL)
		return refuse(err, "protocol features that were not offered");
	d->vu.protocol = v;
	return 0;
}

static int get_queue_num(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	return answer_u64(d, m, 2, err);
}

/* SET_OWNER: there is one front end, and it is this. RESET_OWNER is of old, and may be ignored. */
static int owner(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	(void)d, (void)m, (void)err;
	return 0;
}

/* ---- memory ---- */

static int set_mem_table(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	struct smol_gm_desc desc[SMOL_GM_MAX];
	uint32_t n;
	int rc = 0;

	memcpy(&n, m->payload, sizeof(n));
	if (n > SMOL_GM_MAX || m->size < 8 + n * sizeof(desc[0]))
		return refuse(err, "a memory table that does not fit its message");
	if (n != d->vu.nfds)
		return refuse(err, "not one descriptor for each memory region");
	memcpy(desc, m->payload + 8, n * sizeof(desc[0]));
	/* Pointers into the old mappings must not outlive them. */
	if (d->vq[SMOL_VSOCKD_RX].active)
		smol_rx_return(d);
	if (smol_gm_set(&d->gm, desc, d->vu.fds, n, err) < 0)
		return -1;
	/* all of them, also after the first that fails: none may keep a pointer into the old one */
	for (unsigned i = 0; i < 2; i++) {
		struct smol_vring *vr = &d->vq[i];

		if (vr->active && smol_vring_map(vr, &d->gm, err) < 0) {
			smol_vsockd_ring_lost(d, i);
			rc = -1;
		}
	}
	return rc;
}

/* ---- rings ---- */

static struct smol_vring *ring(struct smol_vsockd *d, uint64_t index, struct smol_err *err)
{
	if (index >= 2) {
		refuse(err, "there is no such ring");
		return NULL;
	}
	return &d->vq[index];
}

static struct smol_vring *stopped_ring(struct smol_vsockd *d, uint64_t index, struct smol_err *err)
{
	struct smol_vring *vr = ring(d, index, err);

	/* CVE-2026-5747: a ring that runs keeps the shape it was checked in */
	if (vr && vr->active) {
		refuse(err, "a ring that runs cannot be changed");
		return NULL;
	}
	return vr;
}

static struct ring_state state_of(const struct message *m)
{
	struct ring_state s;

	memcpy(&s, m->payload, sizeof(s));
	return s;
}

static int set_vring_num(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	struct ring_state s = state_of(m);
	struct smol_vring *vr = stopped_ring(d, s.index, err);

	if (!vr)
		return -1;
	if (s.num == 0 || s.num > SMOL_VRING_MAX || (s.num & (s.num - 1)))
		return refuse(err, "a ring's size is a power of two up to 1024");
	vr->num = (uint16_t)s.num;
	return 0;
}

static int set_vring_base(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	struct ring_state s = state_of(m);
	struct smol_vring *vr = stopped_ring(d, s.index, err);

	if (!vr)
		return -1;
	if (s.num > UINT16_MAX)
		return refuse(err, "a ring's base has 16 bits");
	vr->last_avail = (uint16_t)s.num;
	return 0;
}

static int set_vring_addr(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	struct ring_addr a;
	struct smol_vring *vr;

	memcpy(&a, m->payload, sizeof(a));
	vr = stopped_ring(d, a.index, err);
	if (!vr)
		return -1;
	if (a.flags)
		return refuse(err, "logging was not offered");
	vr->desc_user = a.desc;
	vr->avail_user = a.avail;
	vr->used_user = a.used;
	vr->has_addr = true;
	return 0;
}

static int get_vring_base(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	struct ring_state s = state_of(m);
	struct smol_vring *vr = ring(d, s.index, err);

	if (!vr)
		return -1;
	/* "Starting and stopping rings": this message stops it, whether it was enabled or not */
	smol_vsockd_ring_stop(d, s.index);
	if (vr->kick_fd >= 0)
		close(smol_steal_fd(&vr->kick_fd));
	s.num = vr->last_avail;
	return answer(d, m, &s, sizeof(s), err);
}

static int set_vring_enable(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	struct ring_state s = state_of(m);
	struct smol_vring *vr = ring(d, s.index, err);

	if (!vr)
		return -1;
	if (s.num > 1)
		return refuse(err, "a ring is enabled with 1 or 0");
	vr->enabled = s.num == 1;
	if (!vr->enabled)
		smol_vsockd_ring_stop(d, s.index);
	return 0;
}

/* The one descriptor of KICK, CALL and ERR: -1 when the message says there is none. */
static int take_fd(struct smol_vsockd *d, const struct message *m, int *fd, struct smol_err *err)
{
	uint64_t v = u64_of(m);

	*fd = -1;
	if (v & RING_NO_FD)
		return 0;
	if (d->vu.nfds != 1)
		return refuse(err, "a ring's descriptor is missing");
	*fd = smol_steal_fd(&d->vu.fds[0]);
	/* A write to a full counter must not stop the loop. */
	if (fcntl(*fd, F_SETFL, O_NONBLOCK) < 0) {
		close(*fd);
		return refuse(err, "a ring's descriptor cannot be used");
	}
	return 0;
}

static void replace(int *slot, int fd)
{
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

static int set_vring_kick(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	struct smol_vring *vr = ring(d, u64_of(m) & RING_INDEX_MASK, err);
	int fd;

	if (!vr || take_fd(d, m, &fd, err) < 0)
		return -1;
	/* A new kick on a running ring: it goes on where it is, watched through the new one. */
	smol_vsockd_ring_stop(d, (unsigned)(vr - d->vq));
	replace(&vr->kick_fd, fd);
	return fd < 0 ? refuse(err, "a ring without kicks is not served") : 0;
}

static int set_vring_call(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	struct smol_vring *vr = ring(d, u64_of(m) & RING_INDEX_MASK, err);
	uint64_t one = 1;
	int fd;

	if (!vr || take_fd(d, m, &fd, err) < 0)
		return -1;
	replace(&vr->call_fd, fd);
	/* What the old descriptor was told may never have been read; one call too many is none. */
	if (vr->active && fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return 0;
	return 0;
}

static int set_vring_err(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	struct smol_vring *vr = ring(d, u64_of(m) & RING_INDEX_MASK, err);
	int fd;

	if (!vr || take_fd(d, m, &fd, err) < 0)
		return -1;
	replace(&vr->err_fd, fd);
	return 0;
}

/* ---- configuration space ---- */

static int get_config(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	struct config c = {.offset = 0};
	uint64_t cid = htole64(d->guest_cid);

	memcpy(&c, m->payload, 12);
	if (c.size > CONFIG_LEN || c.offset > CONFIG_LEN - c.size || m->size < 12 + c.size) {
		/* a reply without bytes is how this message is refused */
		return answer(d, m, m->payload, 0, err);
	}
	memcpy(c.bytes, (uint8_t *)&cid + c.offset, c.size);
	return answer(d, m, &c, 12 + c.size, err);
}

static int set_config(struct smol_vsockd *d, const struct message *m, struct smol_err *err)
{
	(void)d, (void)m;
	return refuse(err, "the configuration space is read-only");
}

/* ---- dispatch ---- */

static const struct {
	handler *run;
	uint16_t min; /* bytes of payload */
	uint8_t fds;  /* descriptors it may bring */
} requests[REQUESTS] = {
    [GET_FEATURES] = {get_features, 0, 0},
    [SET_FEATURES] = {set_features, 8, 0},
    [SET_OWNER] = {owner, 0, 0},
    [RESET_OWNER] = {owner, 0, 0},
    [SET_MEM_TABLE] = {set_mem_table, 8, SMOL_GM_MAX},
    [SET_VRING_NUM] = {set_vring_num, sizeof(struct ring_state), 0},
    [SET_VRING_ADDR] = {set_vring_addr, sizeof(struct ring_addr), 0},
    [SET_VRING_BASE] = {set_vring_base, sizeof(struct ring_state), 0},
    [GET_VRING_BASE] = {get_vring_base, sizeof(struct ring_state), 0},
    [SET_VRING_KICK] = {set_vring_kick, 8, 1},
    [SET_VRING_CALL] = {set_vring_call, 8, 1},
    [SET_VRING_ERR] = {set_vring_err, 8, 1},
    [GET_PROTOCOL_FEATURES] = {get_protocol, 0, 0},
    [SET_PROTOCOL_FEATURES] = {set_protocol, 8, 0},
    [GET_QUEUE_NUM] = {get_queue_num, 0, 0},
    [SET_VRING_ENABLE] = {set_vring_enable, sizeof(struct ring_state), 0},
    [GET_CONFIG] = {get_config, 12, 0},
    [SET_CONFIG] = {set_config, 12, 0},
};

static void close_fds(struct smol_vu *vu)
{
	for (unsigned i = 0; i < vu->nfds; i++) {
		if (vu->fds[i] >= 0)
			close(vu->fds[i]);
	}
	vu->nfds = 0;
}

/* Carry one message out; -1 ends the session. */
static int run_message(struct smol_vsockd *d, const struct message *m)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int rc;

	if (m->request >= REQUESTS || !requests[m->request].run) {
		smol_vsockd_log("vhost-user: request %u is not known here", m->request);
		return -1;
	}
	if (m->size < requests[m->request].min) {
		smol_vsockd_log("vhost-user: request %u is too short", m->request);
		return -1;
	}
	for (unsigned i = requests[m->request].fds; i < d->vu.nfds; i++)
		close(smol_steal_fd(&d->vu.fds[i]));
	if (d->vu.nfds > requests[m->request].fds)
		d->vu.nfds = requests[m->request].fds;
	rc = requests[m->request].run(d, m, &err);
	for (unsigned i = 0; i < 2 && rc == 0; i++)
		rc = smol_vsockd_rings_start(d, i, &err);
	if (rc < 0 && smol_vsockd_seldom(&d->vu.bad))
		smol_vsockd_log("vhost-user: request %u refused: %s", m->request, err.msg);
	if (rc == REPLIED)
		return 0;
	/* The flag alone decides: to a device that takes over from one that died, a front end does
	 * not repeat which protocol features were agreed on. Without it the front end could not
	 * learn that it was refused. */
	if (!(m->flags & FLAG_NEED_REPLY))
		return rc;
	return answer_u64(d, m, rc < 0 ? 1 : 0, &err) < 0 ? -1 : 0;
}

/* Receive up to n bytes and the descriptors with them; as recv() returns. */
static ssize_t receive(struct smol_vu *vu, void *p, size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(SMOL_VU_FDS * sizeof(int))];
	} ctl;
	struct iovec iov = {.iov_base = p, .iov_len = n};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = ctl.bytes,
	    .msg_controllen = sizeof(ctl.bytes)};
	ssize_t got = recvmsg(vu->fd, &mh, MSG_CMSG_CLOEXEC);

	if (got < 0)
		return got;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
		size_t k;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		k = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < k; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (vu->nfds < SMOL_VU_FDS)
				vu->fds[vu->nfds++] = fd;
			else
				close(fd);
		}
	}
	return got;
}

/* The message has its header: how long is it? -1 when it cannot be one. */
static int message_of(struct smol_vu *vu, struct message *m)
{
	uint32_t hdr[3];

	memcpy(hdr, vu->buf + 4, sizeof(hdr));
	*m = (struct message){hdr[0], hdr[1], hdr[2], vu->buf + 4 + SMOL_VU_HDR};
	if ((m->flags & FLAG_VERSION_MASK) != FLAG_VERSION || (m->flags & FLAG_REPLY) ||
	    m->size > SMOL_VU_PAYLOAD) {
		smol_vsockd_log(
		    "vhost-user: a message with flags %#x and %u bytes", m->flags, m->size);
		return -1;
	}
	return 0;
}

int smol_vu_run(struct smol_vsockd *d)
{
	struct smol_vu *vu = &d->vu;
	struct message m;

	for (unsigned done = 0; done < TURN_MESSAGES;) {
		uint32_t want = SMOL_VU_HDR;
		ssize_t n;

		if (vu->have >= SMOL_VU_HDR) {
			if (message_of(vu, &m) < 0)
				return SMOL_VU_BAD;
			want += m.size;
			if (vu->have == want) {
				int rc = run_message(d, &m);

				close_fds(vu);
				vu->have = 0;
				if (rc < 0)
					return SMOL_VU_BAD;
				done++;
				continue;
			}
		}
		/* buf + 4: the payload, 12 bytes on, is then aligned */
		n = receive(vu, vu->buf + 4 + vu->have, want - vu->have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return SMOL_VU_GONE;
		vu->have += (uint32_t)n;
	}
	/* the rest is reported again: signals and clients have their turn before */
	return 0;
}

void smol_vu_init(struct smol_vu *vu)
{
	*vu = (struct smol_vu){.fd = -1};
}

void smol_vu_attach(struct smol_vu *vu, int fd)
{
	smol_vu_init(vu);
	vu->fd = fd;
}

void smol_vu_detach(struct smol_vu *vu)
{
	close_fds(vu);
	if (vu->fd >= 0)
		close(vu->fd);
	smol_vu_init(vu);
}

void smol_vu_ring_clear(struct smol_vring *vr)
{
	replace(&vr->kick_fd, -1);
	replace(&vr->call_fd, -1);
	replace(&vr->err_fd, -1);
	smol_vring_init(vr);
}
