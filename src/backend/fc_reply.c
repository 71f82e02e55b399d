/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Firecracker answers, in words: see fc_reply.h. */
#include "backend/fc_reply.h"

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

#define FAULT_MAX 512 /* bytes of a fault message that are shown */

/* What helps where a request was refused. */
static const char *mend(const char *path, const char *fault)
{
	static const struct {
		const char *path, *mend;
	} known[] = {
	    {"/machine-config", "other --cpus or --memory"},
	    {"/boot-source", "give an uncompressed kernel (vmlinux, ELF) with --kernel"},
	    {"/drives/", "look at the file, its permissions and who else uses it"},
	    {"/network-interfaces/", "ip tuntap add NAME mode tap user \"$USER\""},
	    {"/vsock", "another --vsock-path or --cid"},
	    {"/actions",
		"smolsh doctor says whether /dev/kvm can be used; --backend qemu needs none"},
	};

	/* A start fails of what it starts with, too. */
	if (fault && strcmp(path, "/actions") == 0 && strcasestr(fault, "kernel"))
		path = "/boot-source";
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(known); i++)
		if (strncmp(path, known[i].path, strlen(known[i].path)) == 0)
			return known[i].mend;
	return SMOL_FC_OTHER;
}

/* {"fault_message":"…"} of a status that is no success. */
static int fault(
    const struct smol_fc_request *r, long status, const cJSON *reply, struct smol_err *err)
{
	const char *text = reply ? smol_json_str(reply, "fault_message") : NULL;
	size_t n = text ? strnlen(text, FAULT_MAX) : 0;
	smol_auto_free char *safe = text ? smol_escape(text, n) : NULL;

	if (safe)
		smol_err_set(err, SMOL_E_REFUSED, "Firecracker refused %s %s: %s%s", r->method,
		    r->path, safe, text[n] ? "…" : "");
	else
		smol_err_set(err, SMOL_E_REFUSED,
		    "Firecracker refused %s %s with status %ld, and does not say why", r->method,
		    r->path, status);
	return smol_err_hint(err, "%s", mend(r->path, text));
}

int smol_fc_reply(const struct smol_fc_request *r, long status, const char *body, size_t n,
    cJSON **reply, struct smol_err *err)
{
	*reply = n ? smol_json_parse_object(body, n, NULL) : NULL;
	if (status != 200 && status != 204)
		return fault(r, status, *reply, err);
	if (n && !*reply)
		return smol_err_set(err, SMOL_E_PROTOCOL,
		    "Firecracker's answer to %s %s is no JSON object", r->method, r->path);
	return 0;
}
