/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The QEMU backend. */
#ifndef SMOL_BACKEND_QEMU_H
#define SMOL_BACKEND_QEMU_H

#include "backend/backend.h"

#define SMOL_QEMU_PROGRAM "qemu-system-x86_64"

extern const struct smol_backend_info smol_backend_qemu_info; /* qemu_info.c */
extern const struct smol_backend_ops smol_backend_qemu;	      /* qemu.c */

/* Its path; malloc'd, caller frees. NULL and SMOL_E_DEPENDENCY where there is none. */
char *smol_qemu_program(struct smol_err *err);

/* "QEMU emulator version 7.2.22 (…)" → 7, 2; -1 when it is not understood. */
int smol_qemu_parse_version(const char *text, int *major, int *minor);
/*
 * The command line for a VM, NULL-terminated; free each word and the array with
 * smol_qemu_argv_free(). The descriptor numbers are those in the child (see qemu.c).
 */
char **smol_qemu_argv(const char *program, const struct smol_launch *l, enum smol_accel accel);
void smol_qemu_argv_free(char **argv);

#endif
