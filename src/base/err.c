/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors: see err.h. Messages are built with vasprintf; out of memory leaves the code alone. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int exit_code;
} codes[] = {
#define X(e, n, x) [SMOL_E_##e] = {n, x},
    SMOL_CODES(X)
#undef X
};
_Static_assert(sizeof(codes) / sizeof(codes[0]) == SMOL_E__COUNT, "a name for each code");

static __attribute__((format(printf, 1, 0))) char *format(const char *fmt, va_list ap)
{
	char *s = NULL;

	return vasprintf(&s, fmt, ap) < 0 ? NULL : s;
}

int smol_err_set(struct smol_err *err, enum smol_code code, const char *fmt, ...)
{
	va_list ap;
	char *msg;

	if (!err)
		return -1;
	/* Formatted first: the arguments may be the old error's own strings. */
	va_start(ap, fmt);
	msg = format(fmt, ap);
	va_end(ap);
	smol_err_clear(err);
	err->code = code;
	err->msg = msg;
	return -1;
}

static enum smol_code code_for_errno(enum smol_code code, int errnum)
{
	if (code != SMOL_E_IO)
		return code;
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return SMOL_E_NO_SPACE;
	case EACCES:
	case EPERM:
	case EROFS:
		return SMOL_E_PERMISSION;
	default:
		return code;
	}
}

int smol_err_errno(struct smol_err *err, enum smol_code code, int errnum, const char *fmt, ...)
{
	va_list ap;
	char *what;

	if (!err)
		return -1;
	va_start(ap, fmt);
	what = format(fmt, ap);
	va_end(ap);
	smol_err_set(
	    err, code_for_errno(code, errnum), "%s: %s", what ? what : "?", strerror(errnum));
	free(what);
	return -1;
}

int smol_err_wrap(struct smol_err *err, const char *fmt, ...)
{
	va_list ap;
	char *context, *whole = NULL;

	if (!err)
		return -1;
	va_start(ap, fmt);
	context = format(fmt, ap);
	va_end(ap);
	if (context && asprintf(&whole, "%s: %s", context, err->msg ? err->msg : "failed") >= 0) {
		free(err->msg);
		err->msg = whole;
	}
	free(context);
	return -1;
}

int smol_err_hint(struct smol_err *err, const char *fmt, ...)
{
	va_list ap;
	char *hint;

	if (!err)
		return -1;
	va_start(ap, fmt);
	hint = format(fmt, ap);
	va_end(ap);
	free(err->hint);
	err->hint = hint;
	return -1;
}

int smol_err_move(struct smol_err *dst, struct smol_err *src)
{
	if (dst) {
		smol_err_clear(dst);
		*dst = *src;
		*src = SMOL_ERR_INIT;
	} else {
		smol_err_clear(src);
	}
	return -1;
}

void smol_err_clear(struct smol_err *err)
{
	if (!err)
		return;
	free(err->msg);
	free(err->hint);
	free(err->tail);
	*err = SMOL_ERR_INIT;
}

const char *smol_code_name(enum smol_code code)
{
	return (unsigned)code < SMOL_E__COUNT ? codes[code].name : codes[SMOL_E_INTERNAL].name;
}

enum smol_code smol_code_from_name(const char *name)
{
	for (int i = 0; name && i < SMOL_E__COUNT; i++)
		if (strcmp(codes[i].name, name) == 0)
			return i;
	return SMOL_E_INTERNAL;
}

int smol_err_exit_code(const struct smol_err *err)
{
	return (unsigned)err->code < SMOL_E__COUNT ? codes[err->code].exit_code : 125;
}
