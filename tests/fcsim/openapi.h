/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does a request fit an OpenAPI description (Swagger 2.0, in YAML)? For tests: what a REST client
 * of ours sends is held against the description that the server's makers publish.
 *
 * Checked are the path (templates as /drives/{drive_id} match one segment that is not empty), the
 * method, whether a body has to or may be there, and of the body: types, required fields, fields
 * that the description does not know, fields given twice, enum, minimum, maximum, format (int32,
 * int64; of a string any other format is an extended regular expression), items and
 * additionalProperties, through $ref. Where the description is silent about further fields of an
 * object with properties they are refused: Firecracker does that, too. A keyword that this does not
 * know makes opening fail, so that nothing passes unseen.
 */
#ifndef SMOL_TESTS_FCSIM_OPENAPI_H
#define SMOL_TESTS_FCSIM_OPENAPI_H

#include "base/err.h"
#include "proto/json.h"

struct openapi;

/* NULL and SMOL_E_INVALID with the place. Free with openapi_free(). */
struct openapi *openapi_open(const char *yaml_path, struct smol_err *err);
void openapi_free(struct openapi *api);

/*
 * 0 when the request fits; else -1 and one line, as "PUT /vsock: guest_cid: 2 is below 3".
 * method is in capitals, body NULL where there is none.
 */
int openapi_check(const struct openapi *api, const char *method, const char *path,
    const cJSON *body, struct smol_err *err);

/* The schema of a request's body with its $ref followed, or NULL; owned by api. For tests that
 * make bad requests out of good ones. */
const cJSON *openapi_body_schema(const struct openapi *api, const char *method, const char *path);
/* A schema behind its $refs; owned by api. */
const cJSON *openapi_follow(const struct openapi *api, const cJSON *schema);

#endif
