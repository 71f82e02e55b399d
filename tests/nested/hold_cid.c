/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hold_cid CID: another program on the host that has a guest's CID. It claims the CID on a device
 * of its own, says "held" and keeps it until its stdin ends; where the kernel refuses the CID it
 * says why, and exits with 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vhost.h>

int main(int argc, char **argv)
{
	uint64_t cid = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
	int fd = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);
	char c;

	if (fd < 0 || ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid) < 0) {
		printf("%s\n", strerror(errno));
		return 1;
	}
	puts("held");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
