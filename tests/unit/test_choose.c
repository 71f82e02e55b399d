/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which backend a VM gets: what is asked, what is here, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/choose.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"

static char dir[] = "/tmp/smolsh-test-XXXXXX";

static int begin(void **state)
{
	(void)state;
	return mkdtemp(dir) && setenv("PATH", dir, 1) == 0 ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	return smol_rmdir_r(dir, NULL);
}

static void install(const char *program)
{
	static const char script[] = "#!/bin/true\n";
	smol_auto_free char *path = smol_asprintf("%s/%s", dir, program);

	assert_int_equal(smol_file_write(path, script, strlen(script), 0700, NULL), 0);
}

static void remove_all(void)
{
	for (const struct smol_backend_info *const *b = smol_backend_infos; *b; b++) {
		smol_auto_free char *path = smol_asprintf("%s/%s", dir, (*b)->program);

		unlink(path);
	}
}

static void name(struct smol_vm_config *c, const char *backend)
{
	free(c->backend);
	c->backend = smol_strdup(backend);
}

/* The tables say for each capability that a backend lacks why, in words that fit a terminal, and
 * nothing of one that it has. */
static void every_lack_has_its_reason(void **state)
{
	(void)state;
	assert_string_equal(smol_backend_names[0], SMOL_BACKEND_AUTO);
	for (int i = 0; smol_backend_infos[i]; i++) {
		const struct smol_backend_info *b = smol_backend_infos[i];

		assert_string_equal(smol_backend_names[i + 1], b->name);
		assert_non_null(b->program);
		for (const struct smol_cap_words *w = smol_caps; w->cap; w++) {
			const struct smol_backend_lack *l = smol_backend_lack(b, w->cap);

			if (!!(b->capabilities & w->cap) != !l)
				fail_msg("%s: %s: a reason is missing, or is one too many", b->name,
				    w->name);
			if (l && strlen(l->why) + strlen(l->instead ?: "") > 47)
				fail_msg("%s, %s: too long", b->name, w->name);
		}
	}
}

/* Where both are there the one that does more is taken; what only one can do decides. */
static void auto_explains_itself(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_vm_config c;

	(void)state;
	smol_vm_config_init(&c);
	install("qemu-system-x86_64");
	assert_int_equal(smol_backend_resolve(&c, NULL), 0);
	assert_string_equal(c.backend_reason, "auto; firecracker is not installed");
	install("firecracker");
	name(&c, "auto");
	assert_int_equal(smol_backend_resolve(&c, NULL), 0);
	assert_string_equal(c.backend_reason, "auto; firecracker fits as well, qemu does more");
	name(&c, "auto");
	c.net = SMOL_NET_USER;
	assert_int_equal(smol_backend_resolve(&c, NULL), 0);
	assert_string_equal(c.backend, "qemu");
	assert_string_equal(c.backend_reason, "auto; --net user: backend firecracker cannot give a "
					      "guest a user-mode network: it knows "
					      "tap devices only");
	name(&c, "firecracker");
	assert_int_equal(smol_backend_resolve(&c, &err), -1);
	assert_int_equal(err.code, SMOL_E_UNSUPPORTED);
	assert_string_equal(err.hint, "--backend qemu");
	smol_vm_config_free(&c);
	remove_all();
}

/* docs/backends.md has the table of the program, no more and no less. */
static void the_document_says_the_same(void **state)
{
	smol_auto_free char *path = smol_asprintf("%s/docs/backends.md", getenv("srcdir") ?: ".");
	smol_auto_buf struct smol_buf doc = {0};
	int rows = 0, wanted = 0;

	(void)state;
	assert_int_equal(smol_file_read(path, 65536, &doc, NULL), 0);
	for (const struct smol_cap_words *w = smol_caps; w->cap; w++, wanted++) {
		smol_auto_buf struct smol_buf row = {0};

		smol_buf_printf(&row, "\n| `%s` | %s |", w->name, w->text);
		for (const struct smol_backend_info *const *b = smol_backend_infos; *b; b++) {
			const struct smol_backend_lack *l = smol_backend_lack(*b, w->cap);
			bool has = (*b)->capabilities & w->cap;

			smol_buf_printf(&row, " %s%s%s%s%s |", has ? "yes" : "no", l ? ": " : "",
			    l ? l->why : "", l && l->instead ? "; use " : "",
			    l && l->instead ? l->instead : "");
		}
		smol_buf_puts(&row, "\n");
		if (!strstr(smol_buf_str(&doc), smol_buf_str(&row)))
			fail_msg("docs/backends.md lacks this row:%s", smol_buf_str(&row));
	}
	for (const char *p = smol_buf_str(&doc); (p = strstr(p, "\n| `")); p++)
		rows++;
	assert_int_equal(rows, wanted);
}

static void auto_takes_what_is_here(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_vm_config c;

	(void)state;
	smol_vm_config_init(&c);
	assert_string_equal(c.backend, SMOL_BACKEND_AUTO);
	/* Nothing is installed: as it was, with the mend. */
	assert_int_equal(smol_backend_resolve(&c, &err), -1);
	assert_int_equal(err.code, SMOL_E_DEPENDENCY);
	assert_string_equal(err.msg, "qemu-system-x86_64 is not installed");
	assert_string_equal(err.hint, "apt-get install qemu-system-x86");
	assert_string_equal(c.backend, SMOL_BACKEND_AUTO);
	assert_null(c.backend_reason);
	install("qemu-system-x86_64");
	assert_int_equal(smol_backend_resolve(&c, NULL), 0);
	assert_string_equal(c.backend, "qemu");
	assert_int_equal(strncmp(c.backend_reason, "auto", 4), 0);
	/* What is known is not chosen anew. */
	assert_int_equal(smol_backend_resolve(&c, NULL), 0);
	assert_string_equal(c.backend_reason, "as asked");
	smol_vm_config_free(&c);
	remove_all();
}

static void a_name_is_kept_or_refused(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_vm_config c;

	(void)state;
	smol_vm_config_init(&c);
	name(&c, "xen");
	assert_int_equal(smol_backend_resolve(&c, &err), -1);
	assert_int_equal(err.code, SMOL_E_INVALID);
	assert_non_null(strstr(err.msg, "qemu"));
	name(&c, "qemu");
	assert_int_equal(smol_backend_resolve(&c, &err), -1);
	assert_int_equal(err.code, SMOL_E_DEPENDENCY);
	install("qemu-system-x86_64");
	assert_int_equal(smol_backend_resolve(&c, NULL), 0);
	assert_string_equal(c.backend_reason, "as asked");
	smol_vm_config_free(&c);
	remove_all();
}

/* An option that a backend cannot honour is refused by name, why, and with what would work. */
static void an_option_needs_its_capability(void **state)
{
	static const struct smol_backend_lack lacks[] = {
	    {SMOL_CAP_NET_USER, "it is a stone", "a string"}, {0}};
	struct smol_backend_info stone = {.name = "stone", .lacks = lacks};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_vm_config c;

	(void)state;
	smol_vm_config_init(&c);
	assert_int_equal(smol_backend_check(&stone, &c, &err), -1);
	assert_string_equal(err.msg, "backend stone has no vsock: its guests could not be reached");
	c.vsock.enabled = false;
	assert_int_equal(smol_backend_check(&stone, &c, NULL), 0);
	c.vsock.enabled = true;
	stone.capabilities = SMOL_CAP_VSOCK_VMM;
	assert_int_equal(smol_backend_check(&stone, &c, NULL), 0);
	c.net = SMOL_NET_USER;
	assert_int_equal(smol_backend_check(&stone, &c, &err), -1);
	assert_int_equal(err.code, SMOL_E_UNSUPPORTED);
	assert_string_equal(err.msg, "--net user: backend stone cannot give a guest a user-mode "
				     "network: it is a stone");
	assert_string_equal(err.hint, "a string, or --backend qemu");
	c.net = SMOL_NET_NONE;
	c.accel = SMOL_ACCEL_TCG;
	assert_int_equal(smol_backend_check(&stone, &c, &err), -1);
	assert_string_equal(err.msg, "--accel tcg: backend stone cannot run guests without KVM");
	smol_vm_config_free(&c);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_lack_has_its_reason),
	    cmocka_unit_test(auto_explains_itself),
	    cmocka_unit_test(the_document_says_the_same),
	    cmocka_unit_test(auto_takes_what_is_here),
	    cmocka_unit_test(a_name_is_kept_or_refused),
	    cmocka_unit_test(an_option_needs_its_capability),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
