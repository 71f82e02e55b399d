/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors: one object, passed last, set once where the failure is found, wrapped on the way up.
 *
 * A function that can fail returns 0 or -1 (or a pointer or NULL) and sets *err exactly when it
 * fails. err may be NULL where the caller does not want to know. The object owns its strings;
 * free them with smol_err_clear() or by declaring it `smol_auto_err`.
 */
#ifndef SMOL_BASE_ERR_H
#define SMOL_BASE_ERR_H

/* X(enumerator, name in JSON, exit code) */
#define SMOL_CODES(X)                                                                              \
	X(NONE, "none", 0)                                                                         \
	X(USAGE, "usage", 2)                                                                       \
	X(INVALID, "invalid", 2) /* a value that cannot be taken */                                \
	X(NOT_FOUND, "not_found", 125)                                                             \
	X(EXISTS, "exists", 125)                                                                   \
	X(STATE, "state", 125)		   /* the VM is not in a state that allows it */           \
	X(UNSUPPORTED, "unsupported", 125) /* this backend or version cannot do it */              \
	X(TIMEOUT, "timeout", 124)	   /* the guest command's own time ran out */              \
	X(DEADLINE, "deadline", 125)	   /* smolsh waited as long as it may */                   \
	X(REFUSED, "refused", 125)	   /* nobody listens on that port or socket */             \
	X(RESET, "reset", 125)		   /* the connection ended before the answer did */        \
	X(PROTOCOL, "protocol", 125)	   /* the peer speaks nonsense */                          \
	X(UNAUTHORIZED, "unauthorized", 125)                                                       \
	X(LIMIT, "limit", 125)	       /* a limit named in the message was hit */                  \
	X(LIMIT_RUN, "limit_run", 124) /* the VM's limits, each by its name */                     \
	X(LIMIT_OUTPUT, "limit_output", 125)                                                       \
	X(LIMIT_JOBS, "limit_jobs", 125)                                                           \
	X(LIMIT_FILE, "limit_file", 125)                                                           \
	X(LIMIT_CONNECTIONS, "limit_connections", 125)                                             \
	X(DENIED_CWD, "denied_cwd", 125) /* the VM's policy */                                     \
	X(DENIED_ENV, "denied_env", 125)                                                           \
	X(DENIED_USER, "denied_user", 125)                                                         \
	X(VM_DIED, "vm_died", 125)                                                                 \
	X(NO_EXEC, "no_exec", 126)	 /* the guest command could not be run */                  \
	X(NO_COMMAND, "no_command", 127) /* the guest command could not be found */                \
	X(IMAGE, "image", 125)		 /* image missing or damaged */                            \
	X(REGISTRY, "registry", 125)	 /* the database cannot be used */                         \
	X(DEPENDENCY, "dependency", 125) /* a program or library that is needed is absent */       \
	X(NO_SPACE, "no_space", 125)                                                               \
	X(PERMISSION, "permission", 125)                                                           \
	X(INTERRUPTED, "interrupted", 130)                                                         \
	X(IO, "io", 125)                                                                           \
	X(INTERNAL, "internal", 125)

enum smol_code {
#define X(e, n, x) SMOL_E_##e,
	SMOL_CODES(X)
#undef X
	    SMOL_E__COUNT
};

struct smol_err {
	enum smol_code code;
	char *msg;  /* one sentence, no full stop, no newline; owned */
	char *hint; /* the command or act that mends it, or NULL; owned */
	char *tail; /* last lines of a dead VM's console, newline separated, or NULL; owned */
};

#define SMOL_ERR_INIT ((struct smol_err){.code = SMOL_E_NONE})

/* Set the error (overwriting an earlier one); always returns -1. */
int smol_err_set(struct smol_err *err, enum smol_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with ": strerror(errnum)" behind; ENOSPC, EDQUOT, EACCES, EPERM and EROFS override
 * code when it is SMOL_E_IO. */
int smol_err_errno(struct smol_err *err, enum smol_code code, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Put "context: " in front of the message; always returns -1. */
int smol_err_wrap(struct smol_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Set or replace the hint; always returns -1. */
int smol_err_hint(struct smol_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Take the error over from src (src is cleared). */
int smol_err_move(struct smol_err *dst, struct smol_err *src);
void smol_err_clear(struct smol_err *err);

/* Name used in JSON for a code; never NULL. */
const char *smol_code_name(enum smol_code code);
/* The code for a name; SMOL_E_INTERNAL where nobody knows it. */
enum smol_code smol_code_from_name(const char *name);
/* Exit code of a process that ends with this error (2, 124…127, 130). */
int smol_err_exit_code(const struct smol_err *err);

#endif
