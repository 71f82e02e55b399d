/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firecracker's versions and what is known to be wrong with them, as data. */
#ifndef SMOL_BACKEND_FC_VERSION_H
#define SMOL_BACKEND_FC_VERSION_H

#include "base/err.h"

struct smol_fc_version {
	int major, minor, patch;
};

/*
 * X(enumerator, bit, first version, first version without it, name, what it means to a user)
 * Numbers behind a sentence are those of Firecracker's own tracker.
 */
#define SMOL_FC_QUIRKS(X)                                                                          \
	X(NO_ACPI, 0, 0, 0, 0, 1, 8, 0, "no-acpi",                                                 \
	    "its guests have no ACPI, and the image's kernel finds no device without")             \
	X(NO_CTRL_ALT_DEL, 1, 0, 0, 0, 1, 12, 0, "no-ctrl-alt-del",                                \
	    "Ctrl-Alt-Del does not reach guests with ACPI (5074)")                                 \
	X(SNAPSHOT_RESETS, 2, 0, 0, 0, 999, 0, 0, "snapshot-resets",                               \
	    "a snapshot resets every vsock connection")                                            \
	X(RESTORE_UNTOLD, 3, 0, 0, 0, 1, 10, 0, "restore-untold",                                  \
	    "a restored guest is not told that its connections were reset, and waits (4796)")      \
	X(RESTORE_MUTE, 4, 1, 16, 0, 1, 16, 1, "restore-mute",                                     \
	    "a restored guest may not reach its host by vsock (5958)")                             \
	X(RESUME_DEAF, 5, 1, 16, 0, 1, 17, 0, "resume-deaf",                                       \
	    "after a pause and a resume no new connection reaches the guest (6100)")
enum smol_fc_quirk {
#define X(e, bit, a, b, c, d, f, g, n, t) SMOL_FC_QUIRK_##e = 1 << (bit),
	SMOL_FC_QUIRKS(X)
#undef X
};

/* "Firecracker v1.12.0\n…", or "v1.12.0-dev": 0, or -1 when it is not understood. */
int smol_fc_parse_version(const char *text, struct smol_fc_version *v);
/* <0, 0, >0 as a is before b. */
int smol_fc_version_cmp(const struct smol_fc_version *a, const struct smol_fc_version *b);
/* Those that it has: bits of enum smol_fc_quirk. */
unsigned smol_fc_quirks(const struct smol_fc_version *v);
/* The sentence of one bit, and its name; static. */
const char *smol_fc_quirk_text(enum smol_fc_quirk q);
const char *smol_fc_quirk_name(enum smol_fc_quirk q);
/* All of them in one line, "a; b"; malloc'd, caller frees. NULL where there are none. */
char *smol_fc_quirks_line(unsigned quirks);
/* Can it run the image's guests? SMOL_E_UNSUPPORTED with what would. */
int smol_fc_version_check(const struct smol_fc_version *v, struct smol_err *err);

#endif
