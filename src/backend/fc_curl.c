/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: load libcurl; see fc_curl.h. It is never unloaded: it registers what lives on. */
#include "backend/fc_curl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

/* Its interface since 2006; the headers that this was built with are older than none of it. */
#define LIBRARY "libcurl.so.4"

static bool find(void *library, const char *name, void *function)
{
	void *at = dlsym(library, name);

	memcpy(function, &at, sizeof(at));
	return at != NULL;
}

const struct smol_fc_curl *smol_fc_curl_load(struct smol_err *err)
{
	static struct smol_fc_curl curl;
	static bool loaded;
	void *library;

	if (loaded)
		return &curl;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	loaded = library != NULL;
#define X(name, f) loaded = loaded && find(library, #f, &curl.name);
	SMOL_FC_CURL(X)
#undef X
	/* Nothing of TLS: what is spoken is plain HTTP. */
	loaded = loaded && curl.global_init(CURL_GLOBAL_NOTHING) == 0;
	if (loaded)
		return &curl;
	smol_err_set(err, SMOL_E_UNSUPPORTED, "Firecracker's API needs " LIBRARY ": %s",
	    library ? "it cannot be used" : dlerror());
	smol_err_hint(err, "apt-get install libcurl4");
	return NULL;
}
