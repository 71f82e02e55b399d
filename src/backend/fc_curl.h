/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libcurl, loaded when a VM of Firecracker's is started. Linked in, it and the thirty libraries
 * behind it would cost the monitor of every VM 3 MB and some milliseconds of its start.
 */
#ifndef SMOL_BACKEND_FC_CURL_H
#define SMOL_BACKEND_FC_CURL_H

#include <curl/curl.h>

#include "base/err.h"

/* What fc_api.c calls: a name here, libcurl's */
#define SMOL_FC_CURL(X)                                                                            \
	X(global_init, curl_global_init)                                                           \
	X(easy_init, curl_easy_init)                                                               \
	X(easy_setopt, curl_easy_setopt)                                                           \
	X(easy_getinfo, curl_easy_getinfo)                                                         \
	X(easy_strerror, curl_easy_strerror)                                                       \
	X(easy_cleanup, curl_easy_cleanup)                                                         \
	X(multi_init, curl_multi_init)                                                             \
	X(multi_setopt, curl_multi_setopt)                                                         \
	X(multi_add_handle, curl_multi_add_handle)                                                 \
	X(multi_remove_handle, curl_multi_remove_handle)                                           \
	X(multi_socket_action, curl_multi_socket_action)                                           \
	X(multi_info_read, curl_multi_info_read)                                                   \
	X(multi_cleanup, curl_multi_cleanup)                                                       \
	X(slist_append, curl_slist_append)                                                         \
	X(slist_free_all, curl_slist_free_all)

struct smol_fc_curl {
#define X(name, f) __typeof__ (&(f))(name);
	SMOL_FC_CURL(X)
#undef X
};

/* Loads it the first time. NULL: it is not there, with the package that has it. */
const struct smol_fc_curl *smol_fc_curl_load(struct smol_err *err);

#endif
