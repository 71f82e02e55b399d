/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a running guest has to complete with: its jobs, its files. Only looks, within a time that a
 * person does not feel as a halt; no answer by then, or none that makes sense, is no candidate.
 */
#ifndef SMOL_SHELL_COMPLETE_GUEST_H
#define SMOL_SHELL_COMPLETE_GUEST_H

#include "shell/complete.h"
#include "vsock/addr.h"

#define SMOL_COMPLETE_GUEST_MS 300 /* for all that one Tab asks a guest */

/* Ids of jobs that begin with prefix. live: not of those that are over. */
void smol_complete_jobs(const struct smol_vsock_addr *addr, const char *token, bool live,
    const char *prefix, struct smol_completion *out);
/*
 * What is in the guest's directory that path has come to; hidden names only when asked for by their
 * dot. front stands before each in the line ("web:"). Names with control characters, or that are no
 * text, are left out: they could not be told from others when they are shown.
 */
void smol_complete_guest_files(const struct smol_vsock_addr *addr, const char *token,
    const char *front, const char *path, struct smol_completion *out);

#endif
