/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who a job runs as: the guest's own passwd and group files, read without NSS. */
#ifndef SMOL_AGENT_USER_H
#define SMOL_AGENT_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define SMOL_USER_GROUPS_MAX 64
#define SMOL_USER_FILE_MAX   (1024 * 1024) /* of /etc/passwd and /etc/group, bytes */

struct smol_user {
	uid_t uid;
	gid_t gid;
	char *name;			    /* or NULL: a bare number that no line names; owned */
	char *home;			    /* "/" where no line says; owned */
	gid_t groups[SMOL_USER_GROUPS_MAX]; /* gid among them */
	int ngroups;
};

/*
 * "name" or "uid", and behind a colon "group" or "gid". passwd and group are the files' names. A
 * uid without a line is taken as it is, with gid = uid; a name without one is SMOL_E_NO_EXEC. With
 * a group given the supplementary groups are that one only. Free with smol_user_free() in either
 * case.
 */
int smol_user_find(struct smol_user *u, const char *who, const char *passwd, const char *group,
    struct smol_err *err);
void smol_user_free(struct smol_user *u);

#endif
