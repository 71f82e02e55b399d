/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What doctor looks at: a table of checks, each of which finds something and says what mends it. */
#ifndef SMOL_SHELL_DOCTOR_H
#define SMOL_SHELL_DOCTOR_H

/* X(enumerator, name, glyph) */
#define SMOL_FINDINGS(X)                                                                           \
	X(OK, "ok", "ok")                                                                          \
	X(WARN, "warning", "!")	 /* works, but not as well as it could */                          \
	X(BAD, "problem", "BAD") /* something needed is wrong: doctor's exit code is 1 */

enum smol_finding_level {
#define X(e, n, g) SMOL_FINDING_##e,
	SMOL_FINDINGS(X)
#undef X
	    SMOL_FINDING__COUNT
};

struct smol_finding {
	enum smol_finding_level level;
	char *text; /* what was found; owned */
	char *mend; /* the command or act that mends it, or NULL; owned */
};

struct smol_check {
	const char *name; /* NULL ends the table */
	void (*look)(struct smol_finding *f);
};

extern const struct smol_check smol_checks[];

const char *smol_finding_name(enum smol_finding_level level);
const char *smol_finding_glyph(enum smol_finding_level level);
void smol_finding_free(struct smol_finding *f);

#endif
