/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest has to complete with: jobs and files of a real agent, hostile names, no answer. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_fixture.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "shell/complete_guest.h"

#define smol_auto_completion smol_auto(smol_completion_free)

static int by_text(const void *a, const void *b)
{
	return strcmp(
	    ((const struct smol_candidate *)a)->text, ((const struct smol_candidate *)b)->text);
}

/* "text (help) text (help)", sorted. */
static char *words(struct smol_completion *c)
{
	struct smol_buf b = {0};

	if (c->n)
		qsort(c->list, (size_t)c->n, sizeof(*c->list), by_text);
	for (int i = 0; i < c->n; i++)
		smol_buf_printf(&b, "%s%s (%s)", i ? " " : "", c->list[i].text, c->list[i].help);
	return smol_buf_take(&b);
}

/* On a busy host an answer may come too late, which is none: then it is asked again. */
static void files(const char *front, const char *path, const char *wanted)
{
	smol_deadline d = smol_in_ms(*wanted ? WAIT_MS : 0);
	smol_auto_free char *got = NULL;

	do {
		smol_auto_completion struct smol_completion c = {0};

		free(got);
		smol_complete_guest_files(&shared.addr, TOKEN, front, path, &c);
		got = words(&c);
	} while (!*got && smol_poll_ms(d) > 0);
	assert_string_equal(got, wanted);
}

static void jobs(bool live, const char *prefix, const char *wanted)
{
	smol_deadline d = smol_in_ms(*wanted ? WAIT_MS : 0);
	smol_auto_free char *got = NULL;

	do {
		smol_auto_completion struct smol_completion c = {0};

		free(got);
		smol_complete_jobs(&shared.addr, TOKEN, live, prefix, &c);
		got = words(&c);
	} while (!*got && smol_poll_ms(d) > 0);
	assert_string_equal(got, wanted);
}

static void jobs_with_state_and_command(void **state)
{
	char *argv[] = {(char[]){"tail"}, (char[]){"-f"}, (char[]){"/dev/null"}, NULL};
	char *ended[] = {(char[]){"true"}, NULL};
	struct smol_exec_request r = {.argv = argv}, e = {.argv = ended};
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	smol_auto_json cJSON *done = NULL;
	smol_auto_free char *wanted = NULL, *id = NULL, *all = NULL;
	int64_t job;

	(void)state;
	assert_int_equal(smol_client_start(c, &r, &job, NULL), 0);
	done =
	    smol_client_call(c, &(struct smol_request){.op = SMOL_OP_EXEC, .version = 1, .exec = e},
		smol_in_ms(WAIT_MS), NULL);
	assert_non_null(done);
	wanted = smol_asprintf("%lld (running  tail -f /dev/null)", (long long)job);
	id = smol_asprintf("%lld", (long long)job);
	all = smol_asprintf("%s %lld (exited  true)", wanted, (long long)job + 1);
	/* Not what Tab itself has asked. */
	files("", "/no/such/directory/", "");
	jobs(false, "", all);
	jobs(true, "", wanted);
	jobs(false, id, wanted);
	jobs(true, "9999", "");
	cJSON_Delete(done);
	done = smol_client_call(c,
	    &(struct smol_request){.op = SMOL_OP_CANCEL, .version = 1, .job = {.job = job}},
	    smol_in_ms(WAIT_MS), NULL);
	assert_non_null(done);
}

static void make(const char *dir, const char *name)
{
	smol_auto_free char *path = smol_asprintf("%s/%s", dir, name);

	if (name[strlen(name) - 1] == '/')
		assert_int_equal(mkdir(path, 0700), 0);
	else
		assert_int_equal(smol_file_write(path, "", 0, 0600, NULL), 0);
}

static void files_and_hostile_names(void **state)
{
	static const char *const names[] = {"plain", "with blank", "it's", "-rf", "back\\slash",
	    "sub/", ".hidden", "esc\033[2J", "bell\a", "not\xff text", "\xc3\xa9t\xc3\xa9"};
	smol_auto_free char *dir = smol_asprintf("%s/names", smol_fixture_dir);
	smol_auto_free char *path = smol_asprintf("%s/", dir), *dot = smol_asprintf("%s/.", dir);
	smol_auto_free char *p = smol_asprintf("%s/p", dir), *link = smol_asprintf("%s/to", dir);
	smol_auto_free char *one = smol_asprintf("web:%s/plain (file)", dir);
	smol_auto_free char *hidden = smol_asprintf("%s/.hidden (file)", dir);
	smol_auto_free char *all =
	    smol_asprintf("%s/-rf (file) %s/back\\slash (file) %s/it's (file) %s/plain (file) "
			  "%s/sub/ (directory) %s/to/ (directory) %s/with blank (file) "
			  "%s/\xc3\xa9t\xc3\xa9 (file)",
		dir, dir, dir, dir, dir, dir, dir, dir);

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(names); i++)
		make(dir, names[i]);
	assert_int_equal(symlink("sub", link), 0);
	files("", path, all);
	files("web:", p, one);
	files("", dot, hidden);
	files("", "relative/", "");
	files("", "/no/such/directory/", "");
	assert_int_equal(smol_rmdir_r(dir, NULL), 0);
}

static void no_answer_is_no_candidate(void **state)
{
	struct agent still = {0};
	smol_auto_completion struct smol_completion c = {0};

	(void)state;
	agent_start(&still, "still", TOKEN, NULL, NULL);
	assert_int_equal(kill(still.pid, SIGSTOP), 0);
	smol_complete_guest_files(&still.addr, TOKEN, "", "/", &c);
	smol_complete_jobs(&still.addr, TOKEN, false, "", &c);
	assert_int_equal(c.n, 0);
	assert_int_equal(kill(still.pid, SIGCONT), 0);
	/* With another's token. */
	smol_complete_guest_files(&still.addr, "wrong", "", "/", &c);
	smol_complete_jobs(&still.addr, "wrong", false, "", &c);
	assert_int_equal(c.n, 0);
	agent_stop(&still);
	smol_complete_guest_files(&still.addr, TOKEN, "", "/", &c);
	assert_int_equal(c.n, 0);
}

static void nonsense_is_no_candidate(void **state)
{
	static const char says[] =
	    "OK 1\n{\"ok\":true,\"jobs\":[{\"id\":-1},{\"id\":\"7\"},7,null,{\"state\":3},"
	    "{\"id\":4,\"state\":\"running\",\"command\":\"a\\u001b[2Jb\\nc\"}]}\n";
	struct fake_agent fake;
	smol_auto_completion struct smol_completion c = {0};
	smol_auto_free char *got = NULL;

	(void)state;
	fake_agent_start(&fake, says, sizeof(says) - 1);
	smol_complete_jobs(&fake.addr, TOKEN, false, "", &c);
	fake_agent_stop(&fake);
	got = words(&c);
	/* Late on a busy host, it would be none at all. */
	if (*got)
		assert_string_equal(got, "4 (running  a\\x1b[2Jb\\nc)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(jobs_with_state_and_command),
	    cmocka_unit_test(files_and_hostile_names),
	    cmocka_unit_test(no_answer_is_no_candidate),
	    cmocka_unit_test(nonsense_is_no_candidate),
	};

	return cmocka_run_group_tests(tests, smol_fixture_setup, smol_fixture_teardown);
}
