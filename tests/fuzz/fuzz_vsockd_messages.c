/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any sequence of vhost-user messages with any descriptors, from a front end that is no QEMU. So
 * that rings do get to run, and change under way, half of the acts are messages that could be
 * right: sizes, addresses and regions out of few, for two rings in one piece of memory.
 */
#include "vsockd_common.h"

#define MEM  (1u << 20)
#define USER 0x7f0000000000ull

static int memfd = -1;
static int event = -1;

/* One of the kinds of descriptor a front end could send. */
static int some_fd(uint8_t kind)
{
	int fd;

	switch (kind & 3) {
	case 0:
		return dup(memfd);
	case 1:
		return dup(event);
	case 2:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	default:
		fd = memfd_create("short", MFD_CLOEXEC);
		return fd;
	}
}

static void mem_table(int front, uint32_t flags, uint8_t how)
{
	struct {
		uint32_t n, pad;
		struct smol_gm_desc d[SMOL_GM_MAX];
	} m = {.n = 1 + (how & 7)};
	uint64_t size = MEM / m.n & ~(uint64_t)0xfff;
	int fds[SMOL_GM_MAX];

	for (uint32_t i = 0; i < m.n; i++) {
		m.d[i] = (struct smol_gm_desc){i * size, size, USER + i * size, i * size};
		fds[i] = memfd;
	}
	/* the last one: elsewhere, of no size, over its neighbour, over the end of its file */
	if (how & 8)
		m.d[m.n - 1].gpa += 0x10000;
	if (how & 16)
		m.d[m.n - 1].size = how & 32 ? 0 : MEM;
	if (how & 64)
		m.d[m.n - 1].mmap_offset += how & 128 ? 0x800 : UINT64_MAX - 0x1000;
	fuzz_send(front, 5, flags, &m, 8 + 32 * m.n, fds, m.n);
}

/* A message that could be right; b says which. */
static void fit_message(int front, uint32_t flags, const uint8_t b[3])
{
	static const uint64_t at[] = {0, 0x1000, 0x10000, 0x10008, 0xff800, MEM - 16, MEM, 0x80001};
	static const uint32_t pair[] = {8, 10, 11, 18}; /* NUM, BASE, GET BASE, ENABLE */
	static const uint32_t with_fd[] = {12, 13, 14};
	uint32_t q = b[1] & 1, num[2] = {q, b[2]};
	uint64_t base = USER + at[b[1] >> 1 & 7], v = q | (b[1] & 0x80 ? 0x100u : 0);
	uint64_t features = (1ull << 32) | (uint64_t)(b[1] & 7) << 28;
	struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} a = {q, b[2] == 255, base, base + 0x800, base + 0x400 + (b[2] & 15u), 0};

	switch (b[0] & 7) {
	case 0:
	case 1:
		if ((b[1] & 6) == 0)
			num[1] = 1u << (b[2] & 15);
		else if ((b[1] & 6) == 6)
			num[1] = b[2] & 1;
		fuzz_send(front, pair[b[1] >> 1 & 3], flags, num, 8, NULL, 0);
		break;
	case 2:
		fuzz_send(front, 9, flags, &a, sizeof(a), NULL, 0);
		break;
	case 3:
	case 4:
		fuzz_send(front, with_fd[b[2] % 3], flags, &v, 8, &event, v & 0x100 ? 0 : 1);
		break;
	case 5:
		fuzz_send(front, 2, flags, &features, 8, NULL, 0);
		break;
	default:
		mem_table(front, flags, b[2]);
	}
}

/* Any request with any payload and any descriptors; or bytes that may be half a message. */
static bool any_message(struct fuzz_in *in, int front, uint8_t what)
{
	uint8_t payload[300], fds = fuzz_u8(in);
	uint32_t len = fuzz_u8(in);
	unsigned n = fds & 15;
	int fd[16];

	fuzz_bytes(in, payload, len);
	if (what & 0x40)
		return send(front, payload, len, MSG_NOSIGNAL) >= 0;
	for (unsigned k = 0; k < n; k++)
		fd[k] = some_fd((uint8_t)(fds >> 4) + (k ? 0 : fds >> 6));
	fuzz_send(front, what & 0x1f, 1 | (what & 0x20 ? 8 : 0), payload, len, fd, n);
	for (unsigned k = 0; k < n; k++) {
		if (fd[k] >= 0)
			close(fd[k]);
	}
	return true;
}

static unsigned open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A ring that runs lies in memory that there is, in the shape it was checked in. */
static void check(void)
{
	for (unsigned q = 0; q < 2; q++) {
		const struct smol_vring *vr = &fuzz_dev.vq[q];

		if (!vr->active)
			continue;
		if (vr->num == 0 || (vr->num & (vr->num - 1)) || vr->num > SMOL_VRING_MAX ||
		    vr->kick_fd < 0 || !vr->enabled)
			abort();
		if (smol_gm_user(&fuzz_dev.gm, vr->desc_user, 16u * vr->num) != vr->desc ||
		    smol_gm_user(&fuzz_dev.gm, vr->avail_user, 6 + 2u * vr->num) != vr->avail ||
		    smol_gm_user(&fuzz_dev.gm, vr->used_user, 6 + 8u * vr->num) != vr->used)
			abort();
	}
	if (fuzz_dev.vu.nfds > SMOL_VU_FDS)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	/* counting is slow; the second run is the first of a file that is run by itself */
	static unsigned runs;
	unsigned files = runs++ % 16 == 1 ? open_files() : 0;
	int front;

	if (memfd < 0) {
		memfd = memfd_create("m", MFD_CLOEXEC);
		event = eventfd(0, EFD_CLOEXEC);
		if (memfd < 0 || ftruncate(memfd, MEM) < 0)
			abort();
	}
	front = fuzz_begin(4);
	for (unsigned i = 0; i < 64 && in.n > 0; i++) {
		uint8_t what = fuzz_u8(&in), b[3];

		if (what & 0x80) {
			fuzz_bytes(&in, b, sizeof(b));
			fit_message(front, 1 | (what & 0x20 ? 8 : 0), b);
		} else if (!any_message(&in, front, what)) {
			break;
		}
		if (fuzz_turn(0) != SMOL_TURN_OK)
			break;
		check();
		fuzz_drain(front);
	}
	fuzz_end(front);
	/* whatever came, nothing that was passed is open */
	if (files && open_files() != files)
		abort();
	return 0;
}
