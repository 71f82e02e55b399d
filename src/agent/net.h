/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's side of `--net`. */
#ifndef SMOL_AGENT_NET_H
#define SMOL_AGENT_NET_H

/*
 * Set the one interface up with the image's own tools, and wait for that, SMOL_NET_MS at most: with
 * "user" as QEMU's user network expects it (10.0.2.15/24, gateway 10.0.2.2, name server 10.0.2.3),
 * with "tap" as DHCP says, which is not waited for. Anything else: nothing. say is told what went
 * wrong; a guest without a network still starts.
 */
#define SMOL_NET_MS 5000
void smol_net_up(const char *net, void (*say)(const char *fmt, ...));

#endif
