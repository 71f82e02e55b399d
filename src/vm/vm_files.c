/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a VM's files are, and the end of its console: lifecycle.h. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/text.h"
#include "vm/jail.h"
#include "vm/lifecycle.h"

#define TAIL_BYTES 65536

char *smol_vm_state_dir(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_free char *dir = smol_path_state(err);

	return dir ? smol_asprintf("%s/vms/%s", dir, vm->id) : NULL;
}

char *smol_vm_runtime_dir(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_free char *dir = smol_path_runtime(err);

	return dir ? smol_asprintf("%s/%s", dir, vm->id) : NULL;
}

static char *in_dir(char *dir, const char *file)
{
	smol_auto_free char *d = dir;

	return d ? smol_asprintf("%s/%s", d, file) : NULL;
}

char *smol_vm_console_path(const struct smol_vm *vm, struct smol_err *err)
{
	return in_dir(smol_vm_state_dir(vm, err), "console.log");
}

char *smol_vm_journal_path(const struct smol_vm *vm, struct smol_err *err)
{
	return in_dir(smol_vm_state_dir(vm, err), "journal.jsonl");
}

char *smol_vm_uds_path(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_free char *jail = NULL;

	if (vm->config.vsock.uds_path)
		return smol_strdup(vm->config.vsock.uds_path);
	jail = smol_vm_jail_dir(vm);
	if (jail)
		return smol_asprintf("%s/root/vsock.sock", jail);
	return in_dir(smol_vm_runtime_dir(vm, err), "vsock.sock");
}

/* The last TAIL_BYTES of a file; nothing where it cannot be read. */
static void read_end(const char *path, struct smol_buf *b)
{
	smol_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	/* Behind what b holds: the older file comes before the newer one. */
	n = pread(fd, smol_buf_reserve(b, TAIL_BYTES), TAIL_BYTES,
	    st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES : 0);
	if (n > 0)
		smol_buf_commit(b, (size_t)n);
}

/* What an earlier boot printed does not explain the end of this one: where this one's begins. */
static const char *last_boot(const char *s, const char *end)
{
	static const char mark[] = "\n" SMOL_CONSOLE_MARK;
	const char *p;

	while ((p = memmem(s, (size_t)(end - s), mark, sizeof(mark) - 1))) {
		s = p + sizeof(mark) - 1;
		while (s < end && *s++ != '\n')
			;
	}
	return s;
}

/* A panic's own line explains it, and so does what came before; the registers and the stack behind
 * it do not: where they begin, or end. */
static const char *before_dump(const char *s, const char *end)
{
	static const char mark[] = SMOL_PANIC_MARK;
	const char *p = memmem(s, (size_t)(end - s), mark, sizeof(mark) - 1);
	const char *nl = p ? memchr(p, '\n', (size_t)(end - p)) : NULL;

	return nl ? nl : end;
}

char *smol_vm_console_tail(const struct smol_vm *vm, int n)
{
	smol_auto_free char *path = smol_vm_console_path(vm, NULL);
	smol_auto_free char *older = smol_asprintf("%s.1", path ? path : "");
	smol_auto_buf struct smol_buf b = {0}, out = {0};
	const char *begin, *p, *end;
	int lines = 0;

	if (path) {
		read_end(older, &b);
		read_end(path, &b);
	}
	end = smol_buf_str(&b) + smol_buf_len(&b);
	begin = last_boot(smol_buf_str(&b), end);
	end = before_dump(begin, end);
	while (end > begin && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	for (p = end; p > begin; p--)
		if (p[-1] == '\n' && ++lines == n)
			break;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		size_t len = (size_t)(stop - p);

		while (len && p[len - 1] == '\r')
			len--;
		/* A guest's line may be endless: what a person reads is bounded. */
		smol_auto_free char *safe = smol_escape(p, len > 400 ? 400 : len);

		if (len)
			smol_buf_printf(&out, "%s%s", smol_buf_len(&out) ? "\n" : "", safe);
		p = nl ? nl + 1 : end;
	}
	return smol_buf_len(&out) ? smol_buf_take(&out) : NULL;
}
