/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Agents as processes of their own, for tests: started with --unix, spoken to by the client, or by
 * hand where a client would not do such a thing. SMOLSH_AGENT names the program. With
 * SMOLSH_TEST_VSOCK set they listen on AF_VSOCK and are reached at CID 1: for a guest that has
 * vsock_loopback.
 * Everything here fails the test that calls it when something is not as expected.
 */
#ifndef SMOL_TESTS_AGENT_FIXTURE_H
#define SMOL_TESTS_AGENT_FIXTURE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "vsock/client.h"

#define WAIT_MS 30000 /* for what is expected to happen at once */
#define TOKEN	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct agent {
	struct smol_vsock_addr addr;
	pid_t pid;
	int pidfd;
};

extern char smol_fixture_dir[64]; /* of this group of tests */
extern struct agent shared;	  /* with TOKEN and no options */

int smol_fixture_setup(void **state);
int smol_fixture_teardown(void **state);

/* name: of its files; token and option may be NULL. */
void agent_start(
    struct agent *a, const char *name, const char *token, const char *option, const char *value);
/* options: words, NULL-terminated. */
void agent_start_with(
    struct agent *a, const char *name, const char *token, const char *const *options);
/* SIGTERM; it must exit with 0 and leave nothing behind. */
void agent_stop(struct agent *a);
struct smol_client *agent_dial(const struct agent *a);
/* It has nothing to do, and sleeps. */
void assert_rests(pid_t pid);

/* An agent that hears CONNECT and one request, says these n bytes (borrowed), and ends. */
struct fake_agent {
	struct smol_vsock_addr addr;
	int listener;
	const char *says;
	size_t n;
	pthread_t thread;
};
void fake_agent_start(struct fake_agent *f, const char *says, size_t n);
/* When its client has closed. */
void fake_agent_stop(struct fake_agent *f);

/* A process that must come to its end; it need not be our child. */
void assert_ends(pid_t pid);

int raw_connect(const struct agent *a);
/* What opens a connection, and what is heard of it: nothing over AF_VSOCK. */
const char *raw_hello(void);
void raw_expect_ok(int fd);
/* With the handshake done. */
int raw_open(const struct agent *a);
void raw_say(int fd, const char *text);
/* The next line, in static storage; "" at the end. */
const char *raw_line(int fd);
void expect_line(int fd, const char *part);
/* The next frame into payload (a string); gives its type. */
unsigned raw_frame(int fd, char *payload, size_t size);
void append_frame(struct smol_buf *b, unsigned type, uint64_t seq, const char *data, size_t n);
/* Start a command in the stream form; gives the connection, from which the reply has been read. */
int start_raw(const struct agent *a, const char *command, int *pid);
/* End a command's group behind the agent's back. */
void raw_end(int pid);

#endif
