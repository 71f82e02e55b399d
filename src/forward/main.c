/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smolsh-forward: started by smolsh-monitor for one forwarded port; see forward.h. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"
#include "forward/forward.h"

static struct smol_forward forward = {.listen_fd = -1, .status_fd = -1};

static int usage(void)
{
	fputs("usage: smolsh-forward (--uds PATH | --cid N) --agent-port N --token-fd N "
	      "--status-fd N\n"
	      "         (--listen-fd N | --reverse (--to-host IP --to-port N | --to-path PATH))\n"
	      "         [--guest-host IP] (--guest-port N | --guest-path PATH)\n"
	      "Started by smolsh-monitor; not to be started by hand.\n",
	    stderr);
	return 2;
}

/* The token comes through a descriptor: nobody sees it in a list of processes. */
static int read_token(int fd)
{
	size_t have = 0;
	ssize_t n;

	while (have < SMOL_TOKEN_LEN && (n = smol_io_read_some(fd, forward.token + have,
					     SMOL_TOKEN_LEN - have, smol_in_ms(5000))) > 0)
		have += (size_t)n;
	close(fd);
	return have == SMOL_TOKEN_LEN ? 0 : -1;
}

enum {
	UDS = 1,
	CID,
	AGENT_PORT,
	TOKEN_FD,
	STATUS_FD,
	LISTEN_FD,
	REVERSE,
	TO_HOST,
	TO_PORT,
	TO_PATH,
	GUEST_HOST,
	GUEST_PORT,
	GUEST_PATH
};

static const struct option options[] = {{"uds", required_argument, NULL, UDS},
    {"cid", required_argument, NULL, CID}, {"agent-port", required_argument, NULL, AGENT_PORT},
    {"token-fd", required_argument, NULL, TOKEN_FD},
    {"status-fd", required_argument, NULL, STATUS_FD},
    {"listen-fd", required_argument, NULL, LISTEN_FD}, {"reverse", no_argument, NULL, REVERSE},
    {"to-host", required_argument, NULL, TO_HOST}, {"to-port", required_argument, NULL, TO_PORT},
    {"to-path", required_argument, NULL, TO_PATH},
    {"guest-host", required_argument, NULL, GUEST_HOST},
    {"guest-port", required_argument, NULL, GUEST_PORT},
    {"guest-path", required_argument, NULL, GUEST_PATH}, {NULL, 0, NULL, 0}};

static int take(int option, char *value, int *token_fd)
{
	int64_t n = 0;
	bool number = option == AGENT_PORT || option == TOKEN_FD || option == STATUS_FD ||
		      option == LISTEN_FD || option == GUEST_PORT;

	if (number && smol_parse_int(value, 0, UINT32_MAX - 1, &n) < 0)
		return -1;
	switch (option) {
	case UDS:
		if (smol_uds_path_check(value, NULL) < 0)
			return -1;
		snprintf(forward.agent.path, sizeof(forward.agent.path), "%s", value);
		return 0;
	case CID:
		forward.agent.kind = SMOL_VSOCK_CID;
		return smol_cid_parse(value, &forward.agent.cid, NULL);
	case AGENT_PORT:
		forward.agent.port = (uint32_t)n;
		return 0;
	case TOKEN_FD:
		*token_fd = (int)n;
		return 0;
	case STATUS_FD:
		forward.status_fd = (int)n;
		return 0;
	case LISTEN_FD:
		forward.listen_fd = (int)n;
		return 0;
	case REVERSE:
		forward.reverse = true;
		return 0;
	case TO_HOST:
		forward.host = value;
		return 0;
	case TO_PORT:
		forward.host_port = value;
		return 0;
	case TO_PATH:
		forward.host_path = value;
		return 0;
	case GUEST_HOST:
		forward.guest.host = value;
		return 0;
	case GUEST_PORT:
		forward.guest.port = n;
		return n > 65535 ? -1 : 0;
	case GUEST_PATH:
		forward.guest.path = value;
		return 0;
	default:
		return -1;
	}
}

int main(int argc, char **argv)
{
	int token_fd = -1, c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (take(c, optarg, &token_fd) < 0)
			return usage();
	if (optind != argc || (!forward.agent.path[0] && !forward.agent.cid) || token_fd < 0 ||
	    forward.reverse == (forward.listen_fd >= 0))
		return usage();
	signal(SIGPIPE, SIG_IGN);
	if (read_token(token_fd) < 0) {
		fputs("smolsh-forward: no token\n", stderr);
		return 1;
	}
	return smol_forward_run(&forward);
}
