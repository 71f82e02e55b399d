/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of the guest for the host: see files.h. */
#include "agent/files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/conn.h"
#include "base/auto.h"
#include "proto/files_receive.h"
#include "proto/files_send.h"

#define ROUND_FRAMES 32 /* small ones that are sent in a round */

/* Exactly one of the two. */
struct smol_agent_files {
	struct smol_files_sender *sender;
	struct smol_files_receiver *receiver;
};

static int64_t file_limit(const struct smol_conn *c)
{
	return c->server->cfg->limits.file_bytes;
}

/* A relative path begins where a command would be started. malloc'd. */
static char *resolve(const char *path)
{
	const char *home = getenv("HOME");
	struct stat st;

	if (*path == '/')
		return smol_strdup(path);
	home = home && *home == '/' ? home : "/root";
	if (stat(home, &st) < 0 || !S_ISDIR(st.st_mode))
		home = "";
	return smol_asprintf("%s/%s", home, path);
}

int smol_agent_files_start(struct smol_conn *c, const struct smol_request *r, struct smol_err *err)
{
	smol_auto_free char *path = resolve(r->files.path);
	struct smol_files_target t = {.path = path,
	    .name = r->files.name,
	    .max_bytes = (uint64_t)file_limit(c),
	    .modes = 07777};
	struct smol_agent_files f = {0};
	cJSON *ok;

	if (r->op == SMOL_OP_PUT)
		f.receiver = smol_files_receiver_open(&t, err);
	else
		f.sender = smol_files_sender_open(path, r->files.recursive, t.max_bytes, err);
	if (!f.receiver && !f.sender)
		return -1;
	c->files = smol_alloc(sizeof(*c->files));
	*c->files = f;
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
	smol_files_sender_free(c->files->sender);
	smol_files_receiver_free(c->files->receiver);
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
		rc = smol_files_receiver_frame(
		    c->files->receiver, &f, head + SMOL_FRAME_HEADER, &err);
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
	for (int i = 0; i < ROUND_FRAMES && rc > 0 && smol_conn_has_room(c) &&
			smol_buf_len(&c->out) - before < SMOL_FILES_CHUNK;
	     i++)
		rc = smol_files_sender_next(s, &c->out, &err);
	if (rc < 0)
		smol_files_error(&c->out, &err);
	if (rc <= 0)
		end(c);
	return rc > 0;
}
