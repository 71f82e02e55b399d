/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel modules: see modules.h. */
#include "agent/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"

#define LIST_MAX	65536
#define COMPRESSED_FILE 4 /* MODULE_INIT_COMPRESSED_FILE */

static bool ends_with(const char *s, const char *end)
{
	size_t a = strlen(s), b = strlen(end);

	return a >= b && strcmp(s + a - b, end) == 0;
}

static int load(const char *path)
{
	smol_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (syscall(SYS_finit_module, fd, "", ends_with(path, ".ko") ? 0 : COMPRESSED_FILE) == 0)
		return 0;
	return errno == EEXIST ? 0 : -1;
}

int smol_modules_load(const char *list, void (*say)(const char *fmt, ...))
{
	smol_auto_buf struct smol_buf b = {0};
	struct utsname u = {0};
	char *line;
	int failed = 0;

	if (smol_file_read(list, LIST_MAX, &b, NULL) < 0)
		return 0;
	uname(&u);
	smol_buf_puts(&b, "\n");
	while ((line = smol_buf_line(&b, NULL))) {
		smol_auto_free char *path = NULL;

		if (!*line || *line == '#')
			continue;
		path = *line == '/' ? smol_strdup(line)
				    : smol_asprintf("/lib/modules/%s/%s", u.release, line);
		if (load(path) < 0) {
			say("module %s: %s", path, strerror(errno));
			failed++;
		}
	}
	return failed;
}
