/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses in words, checked: see addr.h. */
#include "vsock/addr.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"

#define SHOWN	 64 /* bytes of a bad word that the error repeats */
#define PORT_MAX 4294967294U

static int parse(const char *what, const char *text, uint32_t min, uint32_t max, uint32_t *out,
    struct smol_err *err)
{
	smol_auto_free char *safe = NULL;
	int64_t v;

	if (smol_parse_int(text, min, max, &v) == 0) {
		*out = (uint32_t)v;
		return 0;
	}
	safe = text ? smol_escape(text, strnlen(text, SHOWN)) : NULL;
	return smol_err_set(err, SMOL_E_INVALID, "%s '%s' is not a whole number from %u to %u",
	    what, safe ? safe : "", min, max);
}

int smol_cid_parse(const char *text, uint32_t *cid, struct smol_err *err)
{
	return parse("CID", text, SMOL_CID_MIN, SMOL_CID_MAX, cid, err);
}

int smol_vsock_port_parse(const char *text, uint32_t *port, struct smol_err *err)
{
	return parse("vsock port", text, 1, PORT_MAX, port, err);
}

int smol_uds_path_check(const char *path, struct smol_err *err)
{
	smol_auto_free char *safe = NULL;
	size_t len = path ? strlen(path) : 0;

	if (len && *path == '/' && len <= SMOL_UDS_PATH_MAX)
		return 0;
	safe = smol_escape(path ? path : "", len < 200 ? len : 200);
	if (len && *path == '/')
		smol_err_set(err, SMOL_E_INVALID,
		    "vsock socket path of %zu bytes: at most %d are possible: %s", len,
		    SMOL_UDS_PATH_MAX, safe);
	else
		smol_err_set(err, SMOL_E_INVALID, "vsock socket path '%s' is not absolute", safe);
	return smol_err_hint(err, "choose a shorter absolute path with --vsock-path");
}
