/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any sequence of vhost-user messages with any descriptors, from a front end that is no QEMU. */
#include "vsockd_common.h"

#define MEM (1u << 20)

/* One of the kinds of descriptor a front end could send. */
static int some_fd(uint8_t kind)
{
	int fd;

	switch (kind & 3) {
	case 0:
		fd = memfd_create("m", MFD_CLOEXEC);
		if (fd >= 0 && ftruncate(fd, MEM) < 0)
			abort();
		return fd;
	case 1:
		return eventfd(0, EFD_CLOEXEC);
	case 2:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	default:
		fd = memfd_create("short", MFD_CLOEXEC);
		return fd;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	int front = fuzz_begin(4);

	for (unsigned i = 0; i < 64 && in.n > 0; i++) {
		uint8_t payload[300], what = fuzz_u8(&in), fds = fuzz_u8(&in);
		uint32_t len = fuzz_u8(&in);
		int fd[9];
		unsigned n = fds & 7;

		fuzz_bytes(&in, payload, len);
		for (unsigned k = 0; k < n; k++)
			fd[k] = some_fd((uint8_t)(fds >> 4) + (k ? 0 : fds >> 6));
		/* bit 7: the raw bytes, which may be half a message */
		if (what & 0x80) {
			if (send(front, payload, len, MSG_NOSIGNAL) < 0)
				i = 64;
		} else {
			fuzz_send(
			    front, what & 0x1f, 1 | (what & 0x20 ? 8 : 0), payload, len, fd, n);
		}
		for (unsigned k = 0; k < n; k++) {
			if (fd[k] >= 0)
				close(fd[k]);
		}
		if (smol_vsockd_turn(&fuzz_dev, 0) != SMOL_TURN_OK)
			break;
		fuzz_drain(front);
	}
	fuzz_end(front);
	return 0;
}
