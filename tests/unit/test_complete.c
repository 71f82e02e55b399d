/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell: completion at every kind of place, and that looking makes nothing; chunks of guest output.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "shell/alias.h"
#include "shell/complete.h"
#include "shell/filter.h"
#include "vm/registry.h"

#define smol_auto_completion smol_auto(smol_completion_free)

/* A small world: three VMs, two images, a file with a blank and a directory. */
static void source(void *ctx, enum smol_complete kind, const char *vm, const char *prefix,
    struct smol_completion *out)
{
	static const struct {
		enum smol_complete kind;
		const char *text, *help;
		bool open;
		const char *vm; /* only of this one */
	} world[] = {{SMOL_COMPLETE_JOB, "2", "exited", false, "web"},
	    {SMOL_COMPLETE_JOB, "10", "running", false, "web"},
	    {SMOL_COMPLETE_LIVE_JOB, "10", "running", false, "web"},
	    {SMOL_COMPLETE_LABEL, "role=", "2 VMs have it", true, "web"},
	    {SMOL_COMPLETE_GUEST_FILE, "/etc/hosts", "file", false, "web"},
	    {SMOL_COMPLETE_GUEST_FILE, "/etc/my file", "file", false, "web"},
	    {SMOL_COMPLETE_VM, "web", "running", false, NULL},
	    {SMOL_COMPLETE_VM, "db", "stopped", false, NULL},
	    {SMOL_COMPLETE_VM, "web2", "died", false, NULL},
	    {SMOL_COMPLETE_IMAGE, "base", "6.1", false, NULL},
	    {SMOL_COMPLETE_IMAGE, "big", "6.9", false, NULL},
	    {SMOL_COMPLETE_FILE, "my kernel", "file", false, NULL},
	    {SMOL_COMPLETE_FILE, "dir one/", "directory", true, NULL},
	    {SMOL_COMPLETE_FILE, "it's", "file", false, NULL}};

	(void)ctx;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(world); i++)
		if (world[i].kind == kind && strncmp(world[i].text, prefix, strlen(prefix)) == 0 &&
		    (!world[i].vm || (vm && strcmp(vm, world[i].vm) == 0)))
			smol_completion_add(out, world[i].text, world[i].help, world[i].open);
}

/* The candidates' texts, apart by blanks. */
static char *texts(const char *line, size_t cursor, bool inserts)
{
	smol_auto_completion struct smol_completion c;
	struct smol_buf b = {0};

	smol_complete_line(line, cursor, source, NULL, &c);
	for (int i = 0; i < c.n; i++) {
		assert_non_null(c.list[i].help);
		smol_buf_printf(
		    &b, "%s%s", i ? " " : "", inserts ? c.list[i].insert : c.list[i].text);
	}
	assert_int_equal(c.end, cursor);
	assert_true(c.start <= cursor);
	return smol_buf_take(&b);
}

static void check(const char *line, const char *wanted)
{
	smol_auto_free char *got = texts(line, strlen(line), false);

	if (strcmp(got, wanted) != 0)
		fail_msg("'%s': '%s', not '%s'", line, got, wanted);
}

static void begins_with(const char *line, const char *wanted)
{
	smol_auto_free char *got = texts(line, strlen(line), false);

	if (strncmp(got, wanted, strlen(wanted)) != 0)
		fail_msg("'%s': '%s', not '%s…'", line, got, wanted);
}

static void verbs(void **state)
{
	(void)state;
	begins_with("", "alias attach ");
	check("st", "start stats stop");
	check("list; st", "start stats stop");
	check("nonsense", "");
	check("nonsense ", "");
	check("image ", "build import info list remove roots");
	check("image b", "build");
	check("disk ", "grow list");
	check("env ", "list set unset");
	check("help re", "restart resume");
	check("help e", "env events exec exit-codes");
}

static void options(void **state)
{
	(void)state;
	check("stop --", "--all --force --help --json --quiet --timeout --verbose");
	check("stop --fo", "--force");
	/* What was given is not offered again, unless it may be repeated. */
	check("stop --force --fo", "");
	check("stop -f --fo", "");
	check("exec -e A=1 --en", "--env");
	check("image build --ke", "--kernel");
	begins_with("run ", "--accel --allow-cwd");
	begins_with("run --", "--accel --allow-cwd");
	check("exec --cwd /tmp --st", "--stdin");
}

static void values(void **state)
{
	(void)state;
	check("create --accel ", "auto kvm tcg");
	check("create --accel k", "kvm");
	check("create --accel=k", "--accel=kvm");
	check("create --image b", "base big");
	check("create --image=ba", "--image=base");
	check("wait web --for ", "agent exit file= port= ready");
	check("create --memory ", "");
	check("create --no-start=", "");
	check("image remove b", "base big");
	check("set l", "list-width");
	check("set wrap ", "off on");
	check("set --default t", "theme");
	check("set theme l", "light");
	check("set nonsense ", "");
	check("bind M-p", "M-p");
	check("bind --in li", "list");
	check("bind --in list M-q zo", "zoom");
	check("bind M-q sta", "start stats");
	check("bind M-q exec we", "web web2");
	check("alias x vers", "version");
	check("alias x exec --cw", "--cwd");
}

static void aliases(void **state)
{
	(void)state;
	assert_int_equal(
	    smol_alias_set("zz", (const char *const[]){"exec", "--cwd", "/"}, 3, NULL), 0);
	check("z", "zz");
	check("zz we", "web web2");
	check("zz --st", "--stdin");
	check("unalias z", "zz");
	check("alias z", "zz");
	check("alias y z", "zz");
	check("help z", "zz");
	assert_true(smol_alias_remove("zz"));
	check("zz we", "");
}

static void vms(void **state)
{
	(void)state;
	check("stop ", "db web web2");
	check("stop w", "web web2");
	check("stop web ", "db web2");
	check("label w", "web web2");
	check("env set d", "db");
	check("stop --force w", "web web2");
	check("exec w", "web web2");
	check("exec -i --env A=1 w", "web web2");
	check("logs web ", "--follow --help --journal --json --lines --quiet --verbose");
	check("logs web -", "--follow --help --journal --json --lines --quiet --verbose");
	check("stop -- w", "web web2");
}

static void guest_commands_are_left_alone(void **state)
{
	(void)state;
	check("exec web ", "");
	check("exec web -- l", "");
	check("exec web --", "");
	check("exec web ls --", "");
	check("run -- w", "");
	check("run ls --", "");
	check("run ls w", "");
}

static void what_a_guest_has(void **state)
{
	(void)state;
	check("attach ", "db web web2");
	check("attach web ", "2 10");
	check("attach -t web 1", "10");
	check("attach db ", "");
	check("cancel web ", "10");
	check("cancel web 10 ", "");
	check("wait web --job ", "2 10");
	check("wait web --job=1", "--job=10");
	check("wait --job ", "");
	check("label web ", "role=");
	check("exec web -- cat /e", "/etc/hosts /etc/my file");
	check("exec -i web cat /etc/h", "/etc/hosts");
	check("exec web /e", "/etc/hosts /etc/my file");
	check("exec db -- cat /e", "");
	check("exec web -- cat e", "");
	check("run -- cat /e", "");
}

static void inserts(const char *line, const char *wanted)
{
	smol_auto_free char *got = texts(line, strlen(line), true);

	assert_string_equal(got, wanted);
}

static void inserted_text_reads_back(void **state)
{
	(void)state;
	inserts("create --kernel m", "'my kernel'");
	inserts("create --kernel 'm", "'my kernel'");
	inserts("create --kernel my\\ ", "'my kernel'");
	inserts("create --kernel d", "'dir one/");
	inserts("create --kernel i", "'it'\\''s'");
	inserts("stop w", "web web2");
	inserts("exec web -- cat /etc/m", "'/etc/my file'");
	inserts("stop 'd", "'db'");
	inserts("stop \"d", "\"db\"");
}

static void the_cursor_may_be_anywhere(void **state)
{
	smol_auto_free char *got = texts("stop w xyz", 6, false);
	smol_auto_completion struct smol_completion c;

	(void)state;
	assert_string_equal(got, "web web2");
	smol_complete_line("list; stop we", 13, source, NULL, &c);
	assert_int_equal(c.start, 11);
	assert_int_equal(c.end, 13);
	assert_string_equal(c.list[0].help, "running");
}

static void looking_makes_nothing(void **state)
{
	char home[] = "/tmp/smolsh-test-XXXXXX";
	smol_auto_free char *inside = NULL;
	smol_auto_completion struct smol_completion none, some;
	smol_auto_registry struct smol_registry *r = NULL;
	smol_auto_vm struct smol_vm *vm = NULL;
	struct smol_vm_config config;

	(void)state;
	assert_non_null(mkdtemp(home));
	inside = smol_asprintf("%s/h", home);
	setenv("SMOLSH_HOME", inside, 1);
	smol_complete_line("stop ", 5, smol_complete_host, NULL, &none);
	assert_int_equal(none.n, 0);
	assert_int_equal(access(inside, F_OK), -1);
	/* Once there is a registry its VMs are found. */
	r = smol_registry_open(NULL);
	assert_non_null(r);
	smol_vm_config_init(&config);
	assert_int_equal(smol_registry_create(r, "web", &config, false, &vm, NULL), 0);
	smol_vm_config_free(&config);
	smol_complete_line("stop ", 5, smol_complete_host, NULL, &some);
	assert_int_equal(some.n, 1);
	assert_string_equal(some.list[0].text, "web");
	assert_string_equal(some.list[0].help, "created");
	unsetenv("SMOLSH_HOME");
	assert_int_equal(smol_rmdir_r(home, NULL), 0);
}

/* The candidates of the real world: "text (help) text (help)". */
static void real(const char *line, int marked, const char *wanted)
{
	smol_auto_completion struct smol_completion c;
	smol_auto_buf struct smol_buf b = {0};

	smol_complete_line(line, strlen(line), smol_complete_host, &marked, &c);
	for (int i = 0; i < c.n; i++)
		smol_buf_printf(&b, "%s%s (%s)", i ? " " : "", c.list[i].text, c.list[i].help);
	assert_string_equal(smol_buf_str(&b), wanted);
}

static void selectors_and_labels(void **state)
{
	static const char *const labels[][3] = {
	    {"role=web", "tier=1", NULL}, {"role=web", NULL}, {"role=db", NULL}};
	static const char *const names[] = {"a", "b", "c"};
	char home[] = "/tmp/smolsh-test-XXXXXX";
	smol_auto_registry struct smol_registry *r = NULL;

	(void)state;
	assert_non_null(mkdtemp(home));
	setenv("SMOLSH_HOME", home, 1);
	r = smol_registry_open(NULL);
	assert_non_null(r);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(names); i++) {
		smol_auto_vm struct smol_vm *vm = NULL;
		struct smol_vm_config config;

		smol_vm_config_init(&config);
		assert_int_equal(smol_registry_create(r, names[i], &config, false, &vm, NULL), 0);
		assert_int_equal(
		    smol_registry_change_pairs(r, vm->id, SMOL_PAIRS_LABELS, labels[i], NULL, NULL),
		    0);
		smol_vm_config_free(&config);
	}
	real("exec @", 0,
	    "@all (3 VMs) @created (3 VMs) @role=db (1 VM) @role=web (2 VMs) @tier=1 (1 VM)");
	real("exec @m", 2, "@marked (2 VMs)");
	real("exec @m", 0, "");
	real("stop a,", 0, "a,a (created) a,b (created) a,c (created)");
	real("stop a,@t", 0, "a,@tier=1 (1 VM)");
	real("label b r", 0, "role- (away with web) role= (3 VMs have it)");
	real("label b role=", 0, "role=db (1 VM has it) role=web (2 VMs have it)");
	real("label b ", 0,
	    "a (another VM) c (another VM) role- (away with web) role= (3 VMs have it) "
	    "tier= (1 VM has it)");
	/* Guests that do not run say nothing. */
	real("attach a ", 0, "");
	real("exec a -- cat /", 0, "");
	real("cp a:/", 0, "");
	unsetenv("SMOLSH_HOME");
	assert_int_equal(smol_rmdir_r(home, NULL), 0);
}

static void files_of_the_host(void **state)
{
	char dir[] = "/tmp/smolsh-test-XXXXXX";
	smol_auto_completion struct smol_completion all, dirs, hidden;
	smol_auto_free char *line = NULL, *sub = NULL, *file = NULL, *dot = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	sub = smol_asprintf("%s/sub", dir);
	file = smol_asprintf("%s/some", dir);
	dot = smol_asprintf("%s/.dot", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(smol_file_write(file, "", 0, 0600, NULL), 0);
	assert_int_equal(smol_file_write(dot, "", 0, 0600, NULL), 0);
	line = smol_asprintf("image build --kernel %s/", dir);
	smol_complete_line(line, strlen(line), smol_complete_host, NULL, &all);
	assert_int_equal(all.n, 2);
	assert_string_equal(all.list[0].text, file);
	assert_false(all.list[0].open);
	assert_true(all.list[1].open);
	free(line);
	line = smol_asprintf("image build --modules %s/s", dir);
	smol_complete_line(line, strlen(line), smol_complete_host, NULL, &dirs);
	assert_int_equal(dirs.n, 1);
	free(line);
	line = smol_asprintf("image build --kernel %s/.", dir);
	smol_complete_line(line, strlen(line), smol_complete_host, NULL, &hidden);
	assert_int_equal(hidden.n, 1);
	assert_string_equal(hidden.list[0].text, dot);
	assert_int_equal(smol_rmdir_r(dir, NULL), 0);
}

/* Fed in pieces of every size, the result is that of the whole. */
static void chunks(const char *text, size_t n, bool terminal, const char *wanted, size_t wanted_n)
{
	for (size_t piece = 1; piece <= n; piece++) {
		struct smol_filter f = {0};
		smol_auto_buf struct smol_buf out = {0};

		for (size_t at = 0; at < n; at += piece) {
			size_t len = n - at < piece ? n - at : piece;
			smol_auto_buf struct smol_buf part = {0};

			if (terminal)
				smol_filter_terminal(&f, text + at, len, &part);
			else
				smol_filter_utf8(&f, text + at, len, &part);
			smol_buf_append(&out, smol_buf_head(&part), smol_buf_len(&part));
		}
		smol_filter_end(&f, terminal, &out);
		assert_int_equal(smol_buf_len(&out), wanted_n);
		assert_memory_equal(smol_buf_head(&out), wanted, wanted_n);
	}
}

#define CHUNKS(text, terminal, wanted)                                                             \
	chunks(text, sizeof(text) - 1, terminal, wanted, sizeof(wanted) - 1)

static void chunk_borders_are_not_seen(void **state)
{
	(void)state;
	CHUNKS("plain\n", true, "plain\n");
	CHUNKS("aé€😀z", true, "aé€😀z");
	CHUNKS("a\x1b[1;31mred\x1b[0mz", true, "a\x1b[1;31mred\x1b[0mz");
	CHUNKS("a\x1b[2Jb\x1b]0;t\x07", true, "a^[[2Jb^[]0;t^G");
	CHUNKS("x\xc3", true, "x\\xc3");
	CHUNKS("x\x1b[3", true, "x^[[3");
	CHUNKS("\xff\xf0\x9f", true, "\\xff\\xf0\\x9f");
	CHUNKS("\x1b\x1b[m", true, "^[\x1b[m");
	CHUNKS("aé€😀\xff\0z\xe2\x82", false, "aé€😀\xff\0z\xe2\x82");
}

static void an_endless_sequence_does_not_wait_for_ever(void **state)
{
	struct smol_filter f = {0};
	smol_auto_buf struct smol_buf out = {0};

	(void)state;
	smol_filter_terminal(&f, "\x1b[", 2, &out);
	assert_int_equal(smol_buf_len(&out), 0);
	for (int i = 0; i < 1000; i++)
		smol_filter_terminal(&f, "1;", 2, &out);
	assert_true(smol_buf_len(&out) > 1000);
	assert_true(f.n <= SMOL_FILTER_PENDING);
	assert_null(memchr(smol_buf_head(&out), '\x1b', smol_buf_len(&out)));
}

/* A line waits for nothing: only what is cut in two does. */
static void whole_text_passes_at_once(void **state)
{
	struct smol_filter f = {0};
	smol_auto_buf struct smol_buf out = {0};

	(void)state;
	smol_filter_terminal(&f, "prompt\xc3\xa9> ", 10, &out);
	assert_int_equal(smol_buf_len(&out), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verbs),
	    cmocka_unit_test(options),
	    cmocka_unit_test(values),
	    cmocka_unit_test(aliases),
	    cmocka_unit_test(vms),
	    cmocka_unit_test(guest_commands_are_left_alone),
	    cmocka_unit_test(inserted_text_reads_back),
	    cmocka_unit_test(the_cursor_may_be_anywhere),
	    cmocka_unit_test(looking_makes_nothing),
	    cmocka_unit_test(what_a_guest_has),
	    cmocka_unit_test(selectors_and_labels),
	    cmocka_unit_test(files_of_the_host),
	    cmocka_unit_test(chunk_borders_are_not_seen),
	    cmocka_unit_test(an_endless_sequence_does_not_wait_for_ever),
	    cmocka_unit_test(whole_text_passes_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
