/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tap devices: see nettap.h, and the kernel's Documentation/networking/tuntap.rst. */
#include "vm/nettap.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "vm/cid.h"

_Static_assert(SMOL_NETTAP_NAME_MAX == IFNAMSIZ - 1, "what the kernel takes");

int smol_nettap_name_check(const char *name, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(name, strnlen(name, 64));
	size_t n = strlen(name);

	if (n && n <= SMOL_NETTAP_NAME_MAX && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n)
		return 0;
	smol_err_set(err, SMOL_E_INVALID,
	    "'%s' is no name of a network interface (at most %d bytes)", safe,
	    SMOL_NETTAP_NAME_MAX);
	return smol_err_hint(err, "--net tap=tap0");
}

/* Asked of the kernel and not of /sys, which may be another network namespace's. */
static bool is_tap(const char *name)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq r = {.ifr_data = (char *)&info};
	smol_auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(r.ifr_name, name, strlen(name) + 1);
	return fd >= 0 && ioctl(fd, SIOCETHTOOL, &r) == 0 && strcmp(info.driver, "tun") == 0 &&
	       strcmp(info.bus_info, "tap") == 0;
}

int smol_nettap_check(const char *name, struct smol_err *err)
{
	if (smol_nettap_name_check(name, err) < 0)
		return -1;
	if (is_tap(name))
		return 0;
	smol_err_set(err, SMOL_E_INVALID, "%s is no tap device of this host", name);
	return smol_err_hint(
	    err, "ip tuntap add %s mode tap user $USER, and ip link set %s up", name, name);
}

int smol_nettap_open(const char *name, struct smol_err *err)
{
	struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	smol_auto_close int fd = -1;

	/* The kernel would make one that is not there. */
	if (smol_nettap_check(name, err) < 0)
		return -1;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return smol_err_errno(err, SMOL_E_PERMISSION, errno, "/dev/net/tun");
	memcpy(r.ifr_name, name, strlen(name) + 1);
	if (ioctl(fd, TUNSETIFF, &r) == 0)
		return smol_steal_fd(&fd);
	if (errno == EBUSY) {
		smol_err_set(err, SMOL_E_STATE, "tap device %s is in use by another program", name);
		return smol_err_hint(err, "stop that one, or give this VM a tap device of its own");
	}
	smol_err_errno(err, SMOL_E_PERMISSION, errno, "tap device %s", name);
	return smol_err_hint(err, "ip tuntap add %s mode tap user $USER", name);
}

void smol_nettap_mac(const char *id, char mac[18])
{
	uint32_t h = smol_cid_derive(id, 0); /* spread as well as CIDs are */

	/* Administered locally, as hypervisors do. */
	snprintf(mac, 18, "52:54:00:%02x:%02x:%02x", (unsigned)(h >> 16 & 255),
	    (unsigned)(h >> 8 & 255), (unsigned)(h & 255));
}
