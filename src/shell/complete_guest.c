/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a running guest has to complete with: see complete_guest.h. A directory is read by the
 * guest's own `ls`, so it works with every agent; all that it says is foreign. The caller waits for
 * the answer; a thread would need no bound, but what came late would change a list that a person
 * reads already.
 */
#include "shell/complete_guest.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "proto/json.h"
#include "vsock/client.h"

#define LISTER	    "ls -1ApL -- /" /* how what list() runs begins */
#define LISTING_MAX (1024 * 1024)   /* bytes of names */

/* ---- jobs ---- */

static void add_job(const cJSON *j, bool live, const char *prefix, struct smol_completion *out)
{
	const char *state = smol_json_str(j, "state") ?: "?";
	const char *command = smol_json_str(j, "command") ?: "";
	smol_auto_free char *help = NULL, *safe = NULL;
	int64_t id;
	char text[24];

	/* What Tab has asked for itself is nothing to go back to. */
	if (smol_json_int(j, "id", 1, INT64_MAX / 2, &id) != 1 ||
	    strncmp(command, LISTER, sizeof(LISTER) - 1) == 0 ||
	    (live && strcmp(state, smol_job_state_name(SMOL_JOB_QUEUED)) != 0 &&
		strcmp(state, smol_job_state_name(SMOL_JOB_RUNNING)) != 0))
		return;
	snprintf(text, sizeof(text), "%lld", (long long)id);
	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return;
	help = smol_asprintf("%s  %s", state, command);
	safe = smol_escape(help, strlen(help));
	smol_completion_add(out, text, safe, false);
}

void smol_complete_jobs(const struct smol_vsock_addr *addr, const char *token, bool live,
    const char *prefix, struct smol_completion *out)
{
	smol_deadline deadline = smol_in_ms(SMOL_COMPLETE_GUEST_MS);
	struct smol_request r = {.op = SMOL_OP_JOBS, .version = SMOL_PROTO_VERSION};
	smol_auto_client struct smol_client *c = smol_client_open(addr, token, deadline, NULL);
	smol_auto_json cJSON *answer = c ? smol_client_call(c, &r, deadline, NULL) : NULL;
	const cJSON *j;

	cJSON_ArrayForEach (j, smol_json_get(answer, "jobs"))
		add_job(j, live, prefix, out);
}

/* ---- files ---- */

static int on_output(void *ctx, enum smol_frame_type stream, const char *data, size_t n)
{
	struct smol_buf *names = ctx;

	if (stream != SMOL_FRAME_STDOUT)
		return 0;
	smol_buf_append(names, data, n);
	errno = EPIPE;
	return smol_buf_len(names) > LISTING_MAX ? -1 : 0;
}

static int on_late(void *ctx, struct smol_client *c)
{
	(void)ctx;
	(void)c;
	return -1;
}

/* Its names, a line each, a slash behind those of directories. None where not all of them came: a
 * name would look as if it were the only one. */
static void list(
    const struct smol_vsock_addr *addr, const char *token, char *dir, struct smol_buf *names)
{
	/* A link to a directory is one, too. */
	char *argv[] = {(char[]){"ls"}, (char[]){"-1ApL"}, (char[]){"--"}, dir, NULL};
	struct smol_exec_request r = {.argv = argv, .timeout_ms = SMOL_COMPLETE_GUEST_MS};
	struct itimerspec in = {.it_value.tv_nsec = SMOL_COMPLETE_GUEST_MS * 1000000L};
	struct smol_exec_result result;
	smol_auto_close int late = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct smol_exec_io io = {
	    .stdin_fd = -1, .output = on_output, .wake_fd = late, .wake = on_late, .ctx = names};
	smol_auto_client struct smol_client *c =
	    smol_client_open(addr, token, smol_in_ms(SMOL_COMPLETE_GUEST_MS), NULL);

	if (c && late >= 0 && timerfd_settime(late, 0, &in, NULL) == 0 &&
	    smol_client_exec(c, &r, &io, &result, NULL) < 0)
		smol_buf_clear(names);
}

/* A text without control characters: nothing but a backslash would have to be escaped. */
static bool is_plain(const char *name)
{
	size_t n = strlen(name), backslashes = 0;
	smol_auto_free char *safe = smol_escape(name, n);

	for (size_t i = 0; i < n; i++)
		backslashes += name[i] == '\\';
	return strlen(safe) == n + backslashes;
}

void smol_complete_guest_files(const struct smol_vsock_addr *addr, const char *token,
    const char *front, const char *path, struct smol_completion *out)
{
	const char *slash = strrchr(path, '/');
	smol_auto_free char *dir = slash ? smol_strndup(path, (size_t)(slash - path) + 1) : NULL;
	smol_auto_buf struct smol_buf names = {0};
	char *rest, *name;

	if (!dir || *path != '/')
		return;
	list(addr, token, dir, &names);
	rest = smol_buf_str(&names);
	while ((name = strsep(&rest, "\n")) && rest && out->n < SMOL_CANDIDATES_MAX) {
		size_t n = strlen(name);
		bool is_dir = n && name[n - 1] == '/';
		smol_auto_free char *text = smol_asprintf("%s%s%s", front, dir, name);

		if (n > is_dir && strncmp(name, slash + 1, strlen(slash + 1)) == 0 &&
		    (name[0] != '.' || slash[1] == '.') && is_plain(name))
			smol_completion_add(out, text, is_dir ? "directory" : "file", is_dir);
	}
}
