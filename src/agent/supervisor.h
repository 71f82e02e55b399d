/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PID 1 of a guest: what must be done before the agent can run, and what must be done after it. */
#ifndef SMOL_AGENT_SUPERVISOR_H
#define SMOL_AGENT_SUPERVISOR_H

#define SMOL_VM_JSON "/smolsh/vm.json"

/* Never returns: it ends with the machine. */
_Noreturn void smol_supervisor_run(void);

#endif
