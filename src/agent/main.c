/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * smolsh-agent. As PID 1 it supervises a guest, its agent being its child; elsewhere it is an agent
 * on a Unix socket or a vsock port, for tests:
 *
 *   smolsh-agent --unix PATH | --vsock PORT [--token-file FILE] [--limit-NAME VALUE]...
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/server.h"
#include "agent/supervisor.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "proto/request.h"

static char *read_token(const char *path, struct smol_err *err)
{
	smol_auto_buf struct smol_buf b = {0};
	char *text;

	if (smol_file_read(path, 4096, &b, err) < 0)
		return NULL;
	text = smol_buf_str(&b);
	text[strcspn(text, "\r\n")] = '\0';
	if (!*text) {
		smol_err_set(err, SMOL_E_INVALID, "%s holds no token", path);
		return NULL;
	}
	return smol_strdup(text);
}

static int usage(struct smol_err *err, const char *word)
{
	return smol_err_set(err, SMOL_E_USAGE,
	    "%s (usage: smolsh-agent --unix PATH | --vsock PORT [--token-file FILE] "
	    "[--limit-NAME VALUE]...)",
	    word);
}

static int parse(
    int argc, char **argv, struct smol_agent_config *cfg, char **token, struct smol_err *err)
{
	smol_auto_json cJSON *limits = cJSON_CreateObject();

	for (int i = 1; i < argc; i += 2) {
		const char *o = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
		int64_t port;

		if (!value)
			return usage(err, o);
		if (strcmp(o, "--unix") == 0) {
			cfg->unix_path = value;
		} else if (strcmp(o, "--vsock") == 0) {
			if (smol_parse_int(value, 1, UINT32_MAX - 1, &port) < 0)
				return usage(err, o);
			cfg->guest_port = (uint32_t)port;
		} else if (strcmp(o, "--token-file") == 0) {
			free(*token);
			*token = read_token(value, err);
			if (!*token)
				return -1;
		} else if (strncmp(o, "--limit-", 8) != 0 ||
			   smol_limits_put(limits, o + 8, value, NULL) < 0) {
			return usage(err, o);
		}
	}
	smol_limits_decode(limits, &cfg->limits);
	cfg->token = *token;
	if (!cfg->unix_path == !cfg->guest_port)
		return usage(err, "where to listen?");
	return 0;
}

static int serve(const struct smol_agent_config *cfg, struct smol_err *err)
{
	struct smol_server s;
	int failed = smol_server_open(&s, cfg, err) < 0 || smol_server_run(&s, err) < 0;

	smol_server_close(&s);
	return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_agent_config cfg = {0};
	smol_auto_free char *token = NULL;
	int fd, code = 0;

	if (getpid() == 1)
		smol_supervisor_run();
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("smolsh-agent " SMOL_VERSION) < 0;
	/* A job's descriptors are placed on 0, 1 and 2: ours must be elsewhere. */
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd < 3)
		;
	if (fd > 2)
		close(fd);
	smol_limits_init(&cfg.limits);
	if (parse(argc, argv, &cfg, &token, &err) < 0 || serve(&cfg, &err) < 0) {
		fprintf(stderr, "smolsh-agent: %s\n", err.msg);
		code = smol_err_exit_code(&err);
	}
	smol_limits_free(&cfg.limits);
	return code;
}
