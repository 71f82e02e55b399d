/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A log file shown: see follow.h. The file is followed by inotify on its directory; that the VM
 * has ended is learnt from a pidfd of its monitor, so nothing is polled for. When the file has been
 * rotated the old one is read to its end before the new one is opened.
 */
#include "shell/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/proc.h"
#include "base/text.h"
#include "proto/json.h"
#include "shell/output.h"

#define PIECE	      65536
#define LINE_MAX      65536 /* --json: a longer line is shown in pieces */
#define CURRENT_TRIES 8	    /* rotations that may happen while the files are being opened */

static void text_line(struct smol_follow *f, const char *s, size_t n)
{
	smol_auto_free char *text = f->text(s, n);

	puts(text);
}

static void json_line(struct smol_follow *f, const char *s, size_t n)
{
	smol_auto_json cJSON *record = f->json_lines ? smol_json_parse_object(s, n, NULL) : NULL;
	cJSON *j = cJSON_CreateObject();

	while (n && s[n - 1] == '\r')
		n--;
	if (record)
		cJSON_AddItemToObject(j, "record", smol_steal(&record));
	else
		smol_json_add_bytes(j, "line", s, n);
	smol_out_line(j);
	f->printed++;
}

static void one_line(struct smol_follow *f, const char *s, size_t n)
{
	if (f->sh->json)
		json_line(f, s, n);
	else
		text_line(f, s, n);
}

static void show_lines(struct smol_follow *f, const char *data, size_t n)
{
	char *s;
	size_t len;

	smol_buf_append(&f->line, data, n);
	while ((s = smol_buf_line(&f->line, &len)))
		one_line(f, s, len);
	while (smol_buf_len(&f->line) > LINE_MAX) {
		one_line(f, smol_buf_head(&f->line), LINE_MAX);
		smol_buf_consume(&f->line, LINE_MAX);
	}
}

/* CR LF is a line's end; any other CR would let the guest write over what it wrote: it is shown. */
static void unfold(struct smol_follow *f, const char *data, size_t n, struct smol_buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (data[i] == '\r') {
			f->crs++;
			continue;
		}
		for (; f->crs; f->crs--)
			if (data[i] != '\n')
				smol_buf_puts(out, "^M");
		smol_buf_append(out, data + i, 1);
	}
}

static void show(struct smol_follow *f, const char *data, size_t n)
{
	smol_auto_buf struct smol_buf plain = {0}, safe = {0};

	if (f->sh->json || f->text) {
		show_lines(f, data, n);
		return;
	}
	unfold(f, data, n, &plain);
	smol_filter_terminal(&f->filter, smol_buf_head(&plain), smol_buf_len(&plain), &safe);
	fwrite(smol_buf_str(&safe), 1, smol_buf_len(&safe), stdout);
}

static void show_end(struct smol_follow *f)
{
	smol_auto_buf struct smol_buf safe = {0};

	smol_filter_end(&f->filter, true, &safe);
	fwrite(smol_buf_str(&safe), 1, smol_buf_len(&safe), stdout);
	if (smol_buf_len(&f->line))
		one_line(f, smol_buf_head(&f->line), smol_buf_len(&f->line));
	smol_buf_free(&f->line);
}

static bool same_file(int fd, const char *path)
{
	struct stat a, b;

	return fd >= 0 && fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/* The older file and the current one, of one moment; -1 where there is none. */
static void open_both(const char *path, int *old, int *now)
{
	smol_auto_free char *older = smol_asprintf("%s.1", path);

	for (int i = 0; i < CURRENT_TRIES; i++) {
		*old = open(older, O_RDONLY | O_CLOEXEC);
		*now = open(path, O_RDONLY | O_CLOEXEC);
		if (*now < 0 || (same_file(*now, path) && (*old < 0 || same_file(*old, older))))
			return;
		close(*old);
		close(*now);
		*old = *now = -1;
	}
}

/* All that can be read now. */
static int read_rest(struct smol_follow *f, int fd, struct smol_buf *b, struct smol_err *err)
{
	for (;;) {
		ssize_t n = fd < 0 ? 0 : read(fd, smol_buf_reserve(b, PIECE), PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return smol_err_errno(err, SMOL_E_IO, errno, "%s", f->path);
		if (n == 0)
			return 0;
		smol_buf_commit(b, (size_t)n);
	}
}

/* Where the last `lines` lines begin. */
static size_t last_lines(const struct smol_buf *b, int64_t lines)
{
	const char *s = smol_buf_head(b);
	size_t i = smol_buf_len(b);

	if (lines < 0)
		return 0;
	if (i && s[i - 1] == '\n')
		i--;
	for (; i > 0; i--)
		if (s[i - 1] == '\n' && --lines <= 0)
			break;
	return i;
}

/* Bring out what has been added, through a rotation if there was one. */
static int catch_up(struct smol_follow *f, int *fd, struct smol_err *err)
{
	for (;;) {
		smol_auto_buf struct smol_buf b = {0};
		bool rotated = *fd >= 0 && !same_file(*fd, f->path);

		/* Whether it was rotated is asked first: then nothing more comes into the old one.
		 */
		if (read_rest(f, *fd, &b, err) < 0)
			return -1;
		show(f, smol_buf_head(&b), smol_buf_len(&b));
		if (*fd >= 0 && !rotated)
			return 0;
		if (*fd >= 0)
			close(*fd);
		*fd = open(f->path, O_RDONLY | O_CLOEXEC);
		if (*fd < 0)
			return 0;
	}
}

static int watch_dir(const char *path, struct smol_err *err)
{
	smol_auto_free char *dir = smol_strndup(path, (size_t)(strrchr(path, '/') - path));
	smol_auto_close int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 ||
	    inotify_add_watch(fd, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot watch %s", dir);
	return smol_steal_fd(&fd);
}

/* Until the monitor has gone, or Ctrl-C. */
static int follow(struct smol_follow *f, int *fd, int inotify, struct smol_err *err)
{
	smol_auto_close int monitor = smol_proc_open(f->vm->monitor_pid, f->vm->monitor_start);
	bool ended = monitor < 0;

	for (;;) {
		char events[4096];
		struct pollfd p[] = {{.fd = inotify, .events = POLLIN},
		    {.fd = monitor, .events = POLLIN}, {.fd = f->signals->fd, .events = POLLIN}};
		int flushed;

		/* After the end once more: it wrote until then. */
		if (catch_up(f, fd, err) < 0)
			return -1;
		flushed = smol_out_flush(err);
		if (flushed || ended)
			return flushed;
		/* No deadline: a VM may be silent as long as it runs, and its end is an event. */
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return smol_err_errno(err, SMOL_E_IO, errno, "poll");
		if (p[2].revents)
			return smol_shell_interrupted(f->sh, f->signals,
			    &(struct smol_err){.code = SMOL_E_INTERRUPTED, .msg = "interrupted"});
		while (read(inotify, events, sizeof(events)) > 0)
			;
		ended = p[1].revents;
	}
}

static int show_held(struct smol_follow *f, int old, int now, struct smol_err *err)
{
	smol_auto_buf struct smol_buf b = {0};
	size_t from;

	if (read_rest(f, old, &b, err) < 0 || read_rest(f, now, &b, err) < 0)
		return -1;
	from = f->lines == 0 ? smol_buf_len(&b) : last_lines(&b, f->lines);
	if (smol_buf_len(&b))
		show(f, smol_buf_head(&b) + from, smol_buf_len(&b) - from);
	return smol_out_flush(err);
}

int smol_follow(struct smol_follow *f, struct smol_err *err)
{
	smol_auto_close int old = -1, now = -1, inotify = -1;
	int code;

	if (f->follow && smol_vm_state_live(f->vm->state)) {
		inotify = watch_dir(f->path, err);
		if (inotify < 0)
			return -1;
	}
	open_both(f->path, &old, &now);
	if (now < 0 && inotify < 0)
		smol_out_notice(f->sh, "VM '%s' has not been started yet: no log", f->vm->name);
	code = show_held(f, old, now, err);
	if (code == 0 && inotify >= 0)
		code = follow(f, &now, inotify, err);
	show_end(f);
	if (code == 0 && f->sh->json) {
		cJSON *data = cJSON_CreateObject();

		smol_json_add_int(data, "lines", f->printed);
		smol_out_data(f->sh, data);
	}
	return code;
}
