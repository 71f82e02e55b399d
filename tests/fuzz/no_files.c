/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An agent without files, linked in place of the real ones: a fuzzer that has guessed a request for
 * them must not write where it likes on the machine it runs on. */
#include "agent/conn.h"
#include "agent/files.h"

int smol_agent_files_start(struct smol_conn *c, const struct smol_request *r, struct smol_err *err)
{
	(void)c;
	(void)r;
	return smol_err_set(err, SMOL_E_UNSUPPORTED, "no files here");
}

bool smol_agent_files_take(struct smol_conn *c)
{
	(void)c;
	return false;
}

bool smol_agent_files_serve(struct smol_conn *c)
{
	(void)c;
	return false;
}

void smol_agent_files_abandon(struct smol_conn *c)
{
	(void)c;
}
