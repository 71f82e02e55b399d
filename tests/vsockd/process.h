/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The device as what it is at work: a process of its own, locked up, with the guest player as its
 * front end and clients on its socket. Functions fail by cmocka's assertions or abort().
 */
#ifndef SMOL_TESTS_VSOCKD_PROCESS_H
#define SMOL_TESTS_VSOCKD_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "player.h"

struct process {
	pid_t pid;
	int pidfd, journal; /* our end of its stderr */
	int listener;
	char dir[64], path[96];
	char said[2048]; /* what came out of the journal so far */
	struct player p;
};

/* Start ./smolsh-vsockd with both sockets given. before() runs in the child, just before the
 * program does; NULL: nothing. Returns when the device has answered its front end. */
void process_start(struct process *d, void (*before)(void *arg), void *arg);
/* Negotiate is done; share memory and start the rings. */
void process_rings(struct process *d);
/* A connection of a client to a guest port and one of the guest to a host port, a byte each way. */
void process_serves(struct process *d);
/* Read the journal until it has this text, or the process has closed it. */
bool process_says(struct process *d, const char *text);
/* Wait for its end: the status as waitpid() gives it; the rest of its journal is in said[]. */
int process_wait(struct process *d);
/* The front end goes; the device is to end well. Removes what the test made. */
void process_stop(struct process *d);
/* Removes what the test made; the process has been waited for. */
void process_clear(struct process *d);
/* A line of /proc/<pid>/<file> that begins with name: what follows it, or NULL. */
const char *process_proc(const struct process *d, const char *file, const char *name);

/* A blocking socket connected to path, whose reads have a deadline. */
int process_client(const char *path);
/* A socket that listens there, for everybody. */
int process_listen(const char *path);

#endif
