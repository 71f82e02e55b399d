/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files in frames: see files.h. */
#include "proto/files.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "proto/request.h"

#define HEAD	  32  /* bytes of an entry before its name */
#define WORDS_MAX 500 /* of an error that came over the wire, bytes */

bool smol_files_name_ok(const char *name, size_t n)
{
	if (!n || n > SMOL_FILES_NAME_MAX || memchr(name, '/', n) || memchr(name, '\0', n))
		return false;
	return !(name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.')));
}

void smol_files_frame(
    struct smol_buf *out, unsigned type, uint64_t seq, const void *payload, size_t n)
{
	struct smol_frame f = {.type = type, .length = (uint32_t)n, .seq = seq};

	smol_frame_encode(&f, (unsigned char *)smol_buf_reserve(out, SMOL_FRAME_HEADER + n));
	smol_buf_commit(out, SMOL_FRAME_HEADER);
	smol_buf_append(out, payload, n);
}

void smol_files_error(struct smol_buf *out, const struct smol_err *err)
{
	smol_auto_free char *msg = smol_strndup(
	    err->msg ? err->msg : "failed", err->msg ? strnlen(err->msg, WORDS_MAX) : 6);
	struct smol_err cut = {.code = err->code, .msg = msg};
	smol_auto_json cJSON *j = NULL;
	smol_auto_free char *text = NULL;

	/* Cut within a character it would be no JSON. */
	while (*msg && !smol_utf8_valid(msg, strlen(msg)))
		msg[strlen(msg) - 1] = '\0';
	j = smol_reply_failure(&cut);
	text = smol_json_print(j);
	smol_files_frame(out, SMOL_FRAME_ERROR, 0, text, strlen(text));
}

/*
 *   0  u8   kind
 *   1  u8   depth
 *   2  u16  bytes of the name
 *   4  u32  mode
 *   8  i64  mtime_ns
 *  16  u64  size
 *  24  u64  stored
 *  32       name, then a link's target
 */
void smol_file_entry_encode(const struct smol_file_entry *e, struct smol_buf *out)
{
	size_t name = strlen(e->name), target = strlen(e->target);
	struct smol_frame f = {
	    .type = SMOL_FRAME_ENTRY, .length = (uint32_t)(HEAD + name + target)};
	unsigned char head[SMOL_FRAME_HEADER + HEAD], *p = head + SMOL_FRAME_HEADER;

	smol_frame_encode(&f, head);
	p[0] = (unsigned char)e->kind;
	p[1] = (unsigned char)e->depth;
	p[2] = (unsigned char)name;
	p[3] = (unsigned char)(name >> 8);
	smol_put_le32(p + 4, e->mode);
	smol_put_le64(p + 8, (uint64_t)e->mtime_ns);
	smol_put_le64(p + 16, e->size);
	smol_put_le64(p + 24, e->stored);
	smol_buf_append(out, head, sizeof(head));
	smol_buf_append(out, e->name, name);
	smol_buf_append(out, e->target, target);
}

static int bad(struct smol_err *err, const char *what)
{
	return smol_err_set(err, SMOL_E_PROTOCOL, "files: %s", what);
}

static int bad_name(struct smol_err *err, const char *name, size_t n)
{
	smol_auto_free char *safe = smol_escape(name, n < 100 ? n : 100);

	return smol_err_set(err, SMOL_E_PROTOCOL, "files: the other end sent the name '%s'", safe);
}

int smol_file_entry_decode(
    const char *payload, size_t n, struct smol_file_entry *e, struct smol_err *err)
{
	const unsigned char *p = (const unsigned char *)payload;
	size_t name, target;

	if (n < HEAD)
		return bad(err, "an entry that is cut off");
	name = p[2] | (size_t)p[3] << 8;
	if (name > n - HEAD)
		return bad(err, "an entry that is cut off");
	target = n - HEAD - name;
	if (p[0] == 0 || p[0] >= SMOL_FILE__COUNT)
		return bad(err, "an entry of no known kind");
	e->kind = p[0];
	e->depth = p[1];
	e->mode = smol_get_le32(p + 4);
	e->mtime_ns = (int64_t)smol_get_le64(p + 8);
	e->size = smol_get_le64(p + 16);
	e->stored = smol_get_le64(p + 24);
	if (e->depth > SMOL_FILES_DEPTH_MAX)
		return smol_err_set(err, SMOL_E_LIMIT,
		    "directories deeper than %d within each other", SMOL_FILES_DEPTH_MAX);
	if (e->depth ? !smol_files_name_ok(payload + HEAD, name) : name > 0)
		return bad_name(err, payload + HEAD, name);
	if ((e->kind == SMOL_FILE_LINK) != (target > 0) || target > SMOL_FILES_LINK_MAX ||
	    memchr(payload + HEAD + name, '\0', target))
		return bad(err, "an entry whose link is none");
	if (e->mode & ~07777U ||
	    (e->size > SMOL_FILES_SIZE_MAX && e->size != SMOL_FILES_SIZE_UNKNOWN) ||
	    (e->kind != SMOL_FILE_PLAIN && (e->size || e->stored)) || e->stored > e->size)
		return bad(err, "an entry with a mode or a size that cannot be");
	memcpy(e->name, payload + HEAD, name);
	e->name[name] = '\0';
	memcpy(e->target, payload + HEAD + name, target);
	e->target[target] = '\0';
	return 0;
}

static const struct {
	const char *name;
	size_t offset;
} count_names[] = {
    {"files", offsetof(struct smol_file_counts, files)},
    {"directories", offsetof(struct smol_file_counts, directories)},
    {"links", offsetof(struct smol_file_counts, links)},
    {"skipped", offsetof(struct smol_file_counts, skipped)},
    {"bytes", offsetof(struct smol_file_counts, bytes)},
};
_Static_assert(SMOL_ARRAY_SIZE(count_names) * sizeof(int64_t) == sizeof(struct smol_file_counts),
    "a name for each count");

cJSON *smol_file_counts_encode(const struct smol_file_counts *c)
{
	cJSON *j = cJSON_CreateObject();

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(count_names); i++)
		smol_json_add_int(j, count_names[i].name,
		    *(const int64_t *)((const char *)c + count_names[i].offset));
	return j;
}

int smol_file_counts_decode(
    const char *payload, size_t n, struct smol_file_counts *c, struct smol_err *err)
{
	smol_auto_json cJSON *j = smol_json_parse_object(payload, n, err);

	*c = (struct smol_file_counts){0};
	if (!j)
		return -1;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(count_names); i++)
		if (smol_json_int(j, count_names[i].name, 0, INT64_MAX / 2,
			(int64_t *)((char *)c + count_names[i].offset)) < 0)
			return bad(err, "counts that are none");
	return 0;
}

static int said(const char *payload, uint32_t n, struct smol_err *err)
{
	smol_auto_json cJSON *j = smol_json_parse_object(payload, n, NULL);
	const char *text = j ? smol_json_str(j, "error") : NULL;
	smol_auto_free char *safe =
	    smol_escape(text ? text : "", text ? strnlen(text, WORDS_MAX) : 0);

	return smol_err_set(err, smol_code_from_name(j ? smol_json_str(j, "code") : NULL), "%s",
	    text ? safe : "the other end gave no reason");
}

static int check_entry(struct smol_files_check *k, const struct smol_frame *f, const char *payload,
    struct smol_file_entry *e, struct smol_err *err)
{
	if (k->in_file)
		return bad(err, "an entry within a file");
	if (smol_file_entry_decode(payload, f->length, e, err) < 0)
		return -1;
	if (k->begun ? e->depth == 0 || e->depth > k->open : e->depth != 0)
		return bad(err, "an entry that lies in no directory");
	if (++k->entries > SMOL_FILES_ENTRIES_MAX)
		return smol_err_set(
		    err, SMOL_E_LIMIT, "more than %d entries at once", SMOL_FILES_ENTRIES_MAX);
	if (k->max_bytes && e->kind == SMOL_FILE_PLAIN && e->size != SMOL_FILES_SIZE_UNKNOWN &&
	    e->size > k->max_bytes)
		return smol_err_set(err, SMOL_E_LIMIT_FILE,
		    "a file of %llu bytes (limit file_bytes, %llu)", (unsigned long long)e->size,
		    (unsigned long long)k->max_bytes);
	k->begun = true;
	k->open = e->depth + (e->kind == SMOL_FILE_DIRECTORY);
	switch (e->kind) {
	case SMOL_FILE_PLAIN:
		k->in_file = true;
		k->position = 0;
		k->size = e->size;
		break;
	case SMOL_FILE_DIRECTORY:
		k->counts.directories++;
		break;
	default:
		k->counts.links++;
	}
	return 0;
}

/* n bytes more of the file. */
static int check_content(
    struct smol_files_check *k, const struct smol_frame *f, uint64_t n, struct smol_err *err)
{
	uint64_t most = k->size == SMOL_FILES_SIZE_UNKNOWN ? SMOL_FILES_SIZE_MAX : k->size;

	if (!k->in_file || f->seq != k->position)
		return bad(err, "content out of place");
	if (!n || n > most - k->position)
		return bad(err, "more content than was announced");
	if (k->max_bytes && n > k->max_bytes - k->position)
		return smol_err_set(err, SMOL_E_LIMIT_FILE,
		    "a file of more than %llu bytes (limit file_bytes)",
		    (unsigned long long)k->max_bytes);
	k->position += n;
	k->counts.bytes += (int64_t)n;
	return 0;
}

static int check_end(struct smol_files_check *k, struct smol_err *err)
{
	if (!k->in_file)
		return bad(err, "the end of a file that has not begun");
	if (k->size != SMOL_FILES_SIZE_UNKNOWN && k->position != k->size)
		return bad(err, "less content than was announced");
	k->in_file = false;
	k->counts.files++;
	return 0;
}

/* The sender's counts are taken over where only it can know them. */
static int check_done(struct smol_files_check *k, const struct smol_frame *f, const char *payload,
    struct smol_err *err)
{
	struct smol_file_counts c;

	if (!k->begun || k->in_file)
		return bad(err, "an end before all was there");
	if (smol_file_counts_decode(payload, f->length, &c, err) < 0)
		return -1;
	if (c.files != k->counts.files || c.directories != k->counts.directories ||
	    c.links != k->counts.links || c.bytes != k->counts.bytes)
		return bad(err, "not all that was sent has come");
	k->counts.skipped = c.skipped;
	k->done = true;
	return 0;
}

int smol_files_check(struct smol_files_check *k, const struct smol_frame *f, const char *payload,
    struct smol_file_entry *e, struct smol_err *err)
{
	if (k->done)
		return bad(err, "a frame behind the end");
	switch (f->type) {
	case SMOL_FRAME_ENTRY:
		return check_entry(k, f, payload, e, err);
	case SMOL_FRAME_DATA:
		return check_content(k, f, f->length, err);
	case SMOL_FRAME_HOLE:
		return check_content(k, f, smol_get_le64((const unsigned char *)payload), err);
	case SMOL_FRAME_ENTRY_END:
		return check_end(k, err);
	case SMOL_FRAME_DONE:
		return check_done(k, f, payload, err);
	case SMOL_FRAME_ERROR:
		return said(payload, f->length, err);
	default:
		return bad(err, "a frame that carries no files");
	}
}
