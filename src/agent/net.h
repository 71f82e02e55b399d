/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's side of `--net user`. */
#ifndef SMOL_AGENT_NET_H
#define SMOL_AGENT_NET_H

/*
 * Set the one interface up as QEMU's user network expects it (10.0.2.15/24, gateway 10.0.2.2,
 * name server 10.0.2.3), with the image's own tools, and wait for that, SMOL_NET_MS at most. say
 * is told what went wrong; a guest without a network still starts.
 */
#define SMOL_NET_MS 5000
void smol_net_user_up(void (*say)(const char *fmt, ...));

#endif
