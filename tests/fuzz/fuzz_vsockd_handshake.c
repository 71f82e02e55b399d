/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A client's first bytes, cut anywhere. Byte 0 chooses the cuts, the rest is what the client says.
 * Checked against a second, plain reading of the rule: the line is taken if and only if it is
 * `CONNECT` and a port, and not one byte behind its newline is.
 */
#include "vsockd_common.h"

/* The port of a line that must be taken, -1 for one that must not, -2 when more is to come. */
static int64_t expected(const uint8_t *p, size_t n, size_t *line)
{
	const uint8_t *nl = memchr(p, '\n', n < SMOL_CONN_LINE ? n : SMOL_CONN_LINE);
	char text[SMOL_CONN_LINE + 1] = {0};
	unsigned long long port;
	int end = 0;

	if (!nl)
		return n < SMOL_CONN_LINE ? -2 : -1;
	*line = (size_t)(nl - p) + 1;
	memcpy(text, p, *line - 1);
	if (sscanf(text, "CONNECT %10llu%n", &port, &end) != 1 || (size_t)end != *line - 1 ||
	    text[8] < '0' || text[8] > '9' || memcmp(text, "CONNECT ", 8) != 0 ||
	    port >= UINT32_MAX)
		return -1;
	return (int64_t)port;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	uint8_t cuts = fuzz_u8(&in);
	int front = fuzz_begin(2), fd = fuzz_client();
	size_t n = in.n < 4096 ? in.n : 4096, sent = 0, line = 0;
	const struct smol_conn *c;
	int64_t port = expected(in.p, n, &line);
	char left[4096];

	for (unsigned i = 0; sent < n; i++) {
		size_t k = cuts ? 1 + (cuts * (i + 7u)) % 13 : n;

		k = n - sent < k ? n - sent : k;
		if (send(fd, in.p + sent, k, MSG_NOSIGNAL) < 0)
			break;
		sent += k;
		fuzz_turn(0);
		fuzz_turn(0);
	}
	fuzz_turn(0);
	/* small pieces fill a socket before their bytes do */
	n = sent;
	c = fuzz_dev.conns.high ? &fuzz_dev.conns.c[0] : NULL;
	if (port >= 0 && (!c || c->state != SMOL_CONN_REQUESTED || c->guest_port != port))
		abort();
	if (port == -1 && c && c->state != SMOL_CONN_FREE)
		abort();
	if (port == -2 && c && c->state != SMOL_CONN_HANDSHAKE)
		abort();
	/* what follows the line is untouched */
	if (port >= 0 && n > line &&
	    (recv(c->fd, left, sizeof(left), MSG_PEEK) != (ssize_t)(n - line) ||
		memcmp(left, in.p + line, n - line) != 0))
		abort();
	close(fd);
	fuzz_end(front);
	return 0;
}
