/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Faults that a test asks of the simulator: FC_SIM_FAULT is NAME[=MS][@METHOD PATH], as
 * "refuses@PUT /vsock" or "slow=2000". Without a request it holds for all of them.
 */
#ifndef SMOL_TESTS_FCSIM_FAULT_H
#define SMOL_TESTS_FCSIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* X(enumerator, name, what happens) */
#define FAULTS(X)                                                                                  \
	X(NONE, "none", "nothing")                                                                 \
	X(EXITS, "exits", "the program ends at once with a complaint")                             \
	X(NO_SOCKET, "no-socket", "the program runs and never opens its API")                      \
	X(REFUSES, "refuses", "the request is refused with a fault_message")                       \
	X(DIES_AT, "dies-at", "the program ends when the request has come")                        \
	X(DIES_AFTER, "dies-after", "the program ends once it has answered the request")           \
	X(HANGS, "hangs", "the request is not answered, and does nothing")                         \
	X(SLOW, "slow", "the answer takes MS milliseconds (1000)")                                 \
	X(HALVES, "halves", "the answer's second half comes MS milliseconds (200) later")          \
	X(HALF, "half", "the answer's second half never comes")                                    \
	X(TEN_MB, "10mb", "the answer is a fault_message of 10 MB")                                \
	X(RUBBISH, "rubbish", "the answer is no HTTP")                                             \
	X(NO_JSON, "no-json", "the answer is a refusal whose body is no JSON")                     \
	X(LENGTH_LONG, "length-long", "the answer promises more bytes than come")                  \
	X(LENGTH_SHORT, "length-short", "the answer promises fewer bytes than come")               \
	X(DEAF, "deaf-after-resume", "after a resume the vsock device answers nobody")

enum fault_name {
#define X(e, name, what) FAULT_##e,
	FAULTS(X)
#undef X
};

struct fault {
	enum fault_name name;
	int64_t ms;	     /* as given, or the default */
	const char *request; /* "PUT /vsock", or NULL: every one; borrowed from text */
};

/* text may be NULL: no fault. */
int fault_parse(const char *text, struct fault *out, struct smol_err *err);
/* Is it this one, at this request? */
bool fault_at(const struct fault *f, enum fault_name name, const char *method, const char *path);

#endif
