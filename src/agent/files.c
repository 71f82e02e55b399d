/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of the guest for the host: see files.h. Where the VM's policy has a user, files are read
 * and made as that user: for the time of a piece of work this thread has its file system identity.
 */
#include "agent/files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/conn.h"
#include "agent/user.h"
#include "base/auto.h"
#include "proto/files_receive.h"
#include "proto/files_send.h"

#define ROUND_FRAMES 32 /* small ones that are sent in a round */

struct smol_agent_files {
	struct smol_files_sender *sender; /* exactly one of the two */
	struct smol_files_receiver *receiver;
	bool as_user;
	struct smol_user user;			/* the policy's */
	gid_t own_groups[SMOL_USER_GROUPS_MAX]; /* the agent's */
	int nown_groups;
};

/* Raw calls: the C library would change the groups of all threads, and take locks for it. Groups
 * that cannot be set are those of an agent that is nobody else either. */
static void become(const struct smol_agent_files *f)
{
	if (!f->as_user)
		return;
	syscall(SYS_setgroups, f->user.ngroups, f->user.groups);
	setfsgid(f->user.gid);
	setfsuid(f->user.uid);
}

static void come_back(const struct smol_agent_files *f)
{
	if (!f->as_user)
		return;
	setfsuid(geteuid());
	setfsgid(getegid());
	syscall(SYS_setgroups, f->nown_groups, f->own_groups);
}

static int find_user(struct smol_agent_files *f, const char *who, struct smol_err *err)
{
	bool is;

	if (!who)
		return 0;
	if (smol_user_find(&f->user, who, "/etc/passwd", "/etc/group", err) < 0)
		return -1;
	f->nown_groups = getgroups(SMOL_USER_GROUPS_MAX, f->own_groups);
	f->as_user = f->nown_groups >= 0;
	become(f);
	/* A change to no valid identity only tells which one there is. */
	is = f->as_user && setfsuid((uid_t)-1) == (int)f->user.uid &&
	     setfsgid((gid_t)-1) == (int)f->user.gid;
	come_back(f);
	return is ? 0
		  : smol_err_set(err, SMOL_E_DENIED_USER,
			"the VM's policy wants files to be %s's, which the agent cannot do", who);
}

/* A relative path begins where a command would be started. malloc'd. */
static char *resolve(const struct smol_agent_files *f, const char *path)
{
	const char *home = f->as_user ? f->user.home : getenv("HOME");
	struct stat st;

	if (*path == '/')
		return smol_strdup(path);
	home = home && *home == '/' ? home : "/root";
	if (stat(home, &st) < 0 || !S_ISDIR(st.st_mode))
		home = "";
	return smol_asprintf("%s/%s", home, path);
}

static int open_end(struct smol_agent_files *f, const struct smol_request *r,
    const struct smol_limits *limits, struct smol_err *err)
{
	smol_auto_free char *path = resolve(f, r->files.path);
	struct smol_files_target t = {.path = path,
	    .name = r->files.name,
	    .max_bytes = (uint64_t)limits->file_bytes,
	    .modes = 07777};

	become(f);
	if (r->op == SMOL_OP_PUT)
		f->receiver = smol_files_receiver_open(&t, err);
	else
		f->sender = smol_files_sender_open(path, r->files.recursive, t.max_bytes, err);
	come_back(f);
	return f->receiver || f->sender ? 0 : -1;
}

int smol_agent_files_start(struct smol_conn *c, const struct smol_request *r, struct smol_err *err)
{
	const struct smol_limits *limits = &c->server->cfg->limits;
	cJSON *ok;

	c->files = smol_alloc(sizeof(*c->files));
	if (find_user(c->files, limits->user, err) < 0 || open_end(c->files, r, limits, err) < 0) {
		smol_agent_files_abandon(c);
		return -1;
	}
	c->state = SMOL_CONN_FILES;
	ok = cJSON_CreateObject();
	smol_json_add_bool(ok, "ok", true);
	smol_conn_reply(c, ok);
	return 0;
}

void smol_agent_files_abandon(struct smol_conn *c)
{
	if (!c->files)
		return;
	become(c->files);
	smol_files_sender_free(c->files->sender);
	smol_files_receiver_free(c->files->receiver);
	come_back(c->files);
	smol_user_free(&c->files->user);
	free(c->files);
	c->files = NULL;
}

/* The next request may come. */
static void end(struct smol_conn *c)
{
	smol_agent_files_abandon(c);
	c->state = SMOL_CONN_IDLE;
	c->bulk = false;
}

static void put_done(struct smol_conn *c)
{
	smol_auto_json cJSON *j =
	    smol_file_counts_encode(smol_files_receiver_counts(c->files->receiver));
	smol_auto_free char *text = smol_json_print(j);

	smol_conn_frame(c, SMOL_FRAME_DONE, 0, text, strlen(text));
	end(c);
}

bool smol_agent_files_take(struct smol_conn *c)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	const char *head = smol_buf_len(&c->in) ? smol_buf_head(&c->in) : NULL;
	struct smol_frame f;
	int rc;

	if (!c->files->receiver || smol_buf_len(&c->in) < SMOL_FRAME_HEADER)
		return false;
	rc = smol_frame_decode((const unsigned char *)head, &f, &err);
	if (rc == 0) {
		if (smol_buf_len(&c->in) < SMOL_FRAME_HEADER + f.length)
			return false;
		become(c->files);
		rc = smol_files_receiver_frame(
		    c->files->receiver, &f, head + SMOL_FRAME_HEADER, &err);
		come_back(c->files);
		smol_buf_consume(&c->in, SMOL_FRAME_HEADER + f.length);
	}
	if (rc > 0)
		put_done(c);
	if (rc >= 0)
		return true;
	/* More frames are on their way, and would be taken for requests. */
	smol_files_error(&c->out, &err);
	smol_agent_files_abandon(c);
	smol_conn_finish(c);
	return false;
}

bool smol_agent_files_serve(struct smol_conn *c)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_files_sender *s = c->files->sender;
	size_t before = smol_buf_len(&c->out);
	int rc = 1;

	if (!s)
		return false;
	become(c->files);
	for (int i = 0; i < ROUND_FRAMES && rc > 0 && smol_conn_has_room(c) &&
			smol_buf_len(&c->out) - before < SMOL_FILES_CHUNK;
	     i++)
		rc = smol_files_sender_next(s, &c->out, &err);
	come_back(c->files);
	if (rc < 0)
		smol_files_error(&c->out, &err);
	if (rc <= 0)
		end(c);
	return rc > 0;
}
