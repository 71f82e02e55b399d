/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The note to the host that the agent listens. Nothing depends on its arrival but speed. */
#ifndef SMOL_AGENT_READY_H
#define SMOL_AGENT_READY_H

#include "agent/server.h"

#define SMOL_READY_MS 20000 /* then it is given up */

/* Connect to the host's ready port and write the note once connected; the loop does the rest. */
void smol_ready_send(struct smol_server *s);

#endif
