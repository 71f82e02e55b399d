/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What has become of the VMs since one last looked, as sentences: for the line prompt, where no
 * list shows it, and for the bottom of the screen, which tells why one has died.
 */
#ifndef SMOL_UI_NOTICES_H
#define SMOL_UI_NOTICES_H

#include "ui/vms/vms.h"

struct smol_notices {
	struct smol_notice_seen *seen; /* by name; owned; NULL: nobody has looked yet */
	int n;
};

/* One line without its newline, nothing in it that a terminal would obey. bad: a VM has died. */
typedef void (*smol_notice_fn)(const char *text, bool bad);

/*
 * Compare the VMs as they are with what was seen last, and remember them. The first time nothing is
 * told, nor ever of VMs that go with their command. ran: NULL, or the line that has run meanwhile:
 * it has said itself what it did, so only deaths are told, of VMs that it does not name.
 */
void smol_notices_update(
    struct smol_notices *n, const struct smol_vms *v, const char *ran, smol_notice_fn tell);
void smol_notices_free(struct smol_notices *n);

#endif
