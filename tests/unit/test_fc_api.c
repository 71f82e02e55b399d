/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client of Firecracker's API against a server that plays each way to answer badly. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/fc_api.h"
#include "base/auto.h"
#include "base/bound.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"

#define WAIT_MS 20000 /* for what has to come */
#define OK	"HTTP/1.1 204 \r\nServer: Firecracker API\r\nConnection: keep-alive\r\n\r\n"

enum how { SAY, HALVES, SILENT, FLOOD_BODY, FLOOD_HEAD, HANG_UP };

/* One connection: what is answered. */
struct step {
	enum how how;
	const char *text;
};

/* The server: a thread that goes through its steps and then listens no more. */
struct server {
	char dir[32], path[64];
	struct smol_bound sock;
	const struct step *steps;
	size_t n;
	struct smol_buf heard; /* the requests, head and body */
	pthread_t thread;
};

/* What the client was told. */
struct told {
	int granted, refused;
	struct smol_buf log; /* "PUT /vsock: …\n" */
	char hint[256];
	struct smol_fc_api *api;
	bool more; /* send another from within the call */
};

static bool whole(struct smol_buf *b, size_t from)
{
	const char *text = smol_buf_str(b) + from, *end = strstr(text, "\r\n\r\n");
	const char *length = end ? strcasestr(text, "content-length:") : NULL;

	return end && (!length || length > end || strlen(end + 4) >= (size_t)atoi(length + 15));
}

static void hear(struct server *s, int fd)
{
	size_t from = smol_buf_len(&s->heard);
	ssize_t n;

	while (
	    !whole(&s->heard, from) && (n = smol_io_read_some(fd, smol_buf_reserve(&s->heard, 4096),
					    4096, smol_in_ms(WAIT_MS))) > 0)
		smol_buf_commit(&s->heard, (size_t)n);
}

static void flood(int fd, const char *head, const char *piece)
{
	smol_io_write_all(fd, head, strlen(head), smol_in_ms(WAIT_MS));
	for (size_t sent = 0; sent < 10u << 20; sent += strlen(piece))
		if (smol_io_write_all(fd, piece, strlen(piece), smol_in_ms(WAIT_MS)) < 0)
			return;
}

static void play(const struct step *step, int fd)
{
	char c;

	switch (step->how) {
	case SAY:
		smol_io_write_all(fd, step->text, strlen(step->text), smol_in_ms(WAIT_MS));
		break;
	case HALVES:
		for (const char *p = step->text; *p; p++)
			smol_io_write_all(fd, p, 1, smol_in_ms(WAIT_MS));
		break;
	case SILENT:
		smol_io_write_all(fd, step->text, strlen(step->text), smol_in_ms(WAIT_MS));
		smol_io_read_some(fd, &c, 1, smol_in_ms(WAIT_MS));
		break;
	case FLOOD_BODY:
		flood(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n",
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		break;
	case FLOOD_HEAD:
		flood(fd, "HTTP/1.1 200 OK\r\n",
		    "X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
		break;
	case HANG_UP:
		break;
	}
}

static void *serve(void *ctx)
{
	struct server *s = ctx;

	for (size_t i = 0; i < s->n; i++) {
		smol_auto_close int fd = -1;

		if (smol_io_wait(s->sock.fd, POLLIN, smol_in_ms(WAIT_MS)) <= 0)
			break;
		fd = accept(s->sock.fd, NULL, NULL);
		hear(s, fd);
		play(&s->steps[i], fd);
	}
	smol_bound_close(&s->sock);
	return NULL;
}

static void begin(struct server *s, const struct step *steps, size_t n)
{
	*s = (struct server){.steps = steps, .n = n, .dir = "/tmp/smolsh-test-XXXXXX"};
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/api", s->dir);
	assert_int_equal(smol_bound_listen(&s->sock, s->path, NULL), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void end(struct server *s)
{
	pthread_join(s->thread, NULL);
	smol_buf_free(&s->heard);
	smol_rmdir_r(s->dir, NULL);
}

static void on_done(
    void *ctx, const struct smol_fc_request *r, const cJSON *reply, const struct smol_err *err)
{
	struct told *t = ctx;
	const char *version = reply ? smol_json_str(reply, "firecracker_version") : NULL;

	smol_buf_printf(&t->log, "%s %s: %s%s\n", r->method, r->path, err ? err->msg : "granted ",
	    version ? version : "");
	*(err ? &t->refused : &t->granted) += 1;
	snprintf(t->hint, sizeof(t->hint), "%s", err && err->hint ? err->hint : "");
	if (t->more) {
		t->more = false;
		assert_int_equal(
		    smol_fc_api_send(t->api, smol_fc_patch_vm(true), WAIT_MS, NULL), 0);
	}
}

static void turn_until(struct told *t, int n)
{
	smol_deadline deadline = smol_in_ms(WAIT_MS);

	while (t->granted + t->refused < n &&
	       smol_io_wait(smol_fc_api_fd(t->api), POLLIN, deadline) > 0)
		smol_fc_api_turn(t->api);
	assert_int_equal(t->granted + t->refused, n);
}

/* One request against one way to answer; the sentence of its end. Caller frees. */
static char *once(const struct step *step, int64_t ms)
{
	struct server s;
	struct told t = {0};
	char *said;

	begin(&s, step, 1);
	t.api = smol_fc_api_new(s.path, WAIT_MS, on_done, &t, NULL);
	assert_int_equal(smol_fc_api_send(t.api, smol_fc_put_vsock(3, "/u"), ms, NULL), 0);
	turn_until(&t, 1);
	smol_fc_api_free(t.api);
	end(&s);
	said = smol_buf_take(&t.log);
	return said;
}

static void test_one_after_the_other(void **state)
{
	static const struct step steps[] = {{SAY, OK}, {HALVES, "HTTP/1.1 100 Continue\r\n\r\n" OK},
	    {SAY, "HTTP/1.1 200 OK\r\nContent-Length: "
		  "32\r\n\r\n{\"firecracker_version\":\"1.12.0\"}x"},
	    {SAY, OK}};
	struct server s;
	struct told t = {.more = true};

	(void)state;
	/* A proxy of the environment is not asked. */
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	begin(&s, steps, SMOL_ARRAY_SIZE(steps));
	t.api = smol_fc_api_new(s.path, WAIT_MS, on_done, &t, NULL);
	assert_int_equal(smol_fc_api_send(t.api, smol_fc_put_vsock(3, "/u"), WAIT_MS, NULL), 0);
	assert_int_equal(smol_fc_api_send(t.api, smol_fc_put_entropy(), WAIT_MS, NULL), 0);
	assert_int_equal(smol_fc_api_send(t.api, smol_fc_action(SMOL_FC_START), WAIT_MS, NULL), 0);
	turn_until(&t, 4);
	assert_string_equal(smol_buf_str(&t.log),
	    "PUT /vsock: granted \nPUT /entropy: granted \nPUT /actions: granted 1.12.0\n"
	    "PATCH /vm: granted \n");
	smol_fc_api_free(t.api);
	smol_buf_free(&t.log);
	end(&s);
	unsetenv("http_proxy");
}

static void test_what_is_sent(void **state)
{
	static const struct step steps[] = {{SAY, OK}};
	struct server s;
	struct told t = {0};

	(void)state;
	begin(&s, steps, 1);
	t.api = smol_fc_api_new(s.path, WAIT_MS, on_done, &t, NULL);
	assert_int_equal(
	    smol_fc_api_send(t.api, smol_fc_put_vsock(4294967294, "/u"), WAIT_MS, NULL), 0);
	turn_until(&t, 1);
	pthread_join(s.thread, NULL);
	assert_int_equal(strncmp(smol_buf_str(&s.heard), "PUT /vsock HTTP/1.1\r\n", 21), 0);
	assert_non_null(strstr(smol_buf_str(&s.heard), "\r\nContent-Type: application/json\r\n"));
	assert_null(strcasestr(smol_buf_str(&s.heard), "Expect"));
	assert_non_null(
	    strstr(smol_buf_str(&s.heard), "{\"guest_cid\":4294967294,\"uds_path\":\"/u\"}"));
	smol_fc_api_free(t.api);
	smol_buf_free(&t.log);
	smol_buf_free(&s.heard);
	smol_rmdir_r(s.dir, NULL);
}

#define FAULT(json) "HTTP/1.1 400 \r\nConnection: close\r\n\r\n" json

static void test_refusals(void **state)
{
	static const struct {
		struct step step;
		const char *want;
	} cases[] = {
	    {{SAY, FAULT("{\"fault_message\":\"no\\u001b[31m\\nway\"}")},
		"Firecracker refused PUT /vsock: no\\x1b[31m\\nway\n"},
	    {{HALVES, FAULT("{\"fault_message\":\"slowly\"}")},
		"Firecracker refused PUT /vsock: slowly\n"},
	    {{SAY, FAULT("{\"fault_message\":3}")},
		"Firecracker refused PUT /vsock with status 400, and does not say why\n"},
	    {{SAY, FAULT("rubbish")}, "with status 400, and does not say why\n"},
	    {{SAY, "HTTP/1.1 500 Internal\r\nContent-Length: 0\r\n\r\n"},
		"Firecracker refused PUT /vsock with status 500, and does not say why\n"},
	    {{SAY,
		 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"},
		"Firecracker refused PUT /vsock with status 302, and does not say why\n"},
	    {{SAY, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[1]"}, "is no JSON object\n"},
	    {{SAY, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{} {}"}, "is no JSON object\n"},
	    {{SAY, "rubbish\n"}, "is not HTTP that can be read ("},
	    {{SAY, "HTTP/9.9 OK\r\n\r\n"}, "is not HTTP that can be read ("},
	    {{SAY, ""}, "closed its API connection before it had answered PUT /vsock\n"},
	    {{HANG_UP, NULL}, "closed its API connection before it had answered PUT /vsock\n"},
	    {{SAY, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"half"},
		"closed its API connection before it had answered PUT /vsock\n"},
	    {{FLOOD_BODY, NULL}, "answer to PUT /vsock is too long: at most 64 KiB are read\n"},
	    {{FLOOD_HEAD, NULL}, "answer to PUT /vsock is too long: at most 64 KiB are read\n"},
	};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++) {
		smol_auto_free char *said = once(&cases[i].step, WAIT_MS);

		if (!strstr(said, cases[i].want))
			fail_msg("case %zu: %s is not in %s", i, cases[i].want, said);
	}
}

/* However it goes silent, the request's own time ends it. */
static void test_deadlines(void **state)
{
	static const struct step silent[] = {{SILENT, ""}, {SILENT, "HTTP/1.1 20"},
	    {SILENT, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"half"}};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(silent); i++) {
		smol_auto_free char *said = once(&silent[i], 300);

		assert_string_equal(
		    said, "PUT /vsock: Firecracker has not answered PUT /vsock within 1 s\n");
	}
}

/* A long message is cut, and says so. */
static void test_long_fault(void **state)
{
	smol_auto_buf struct smol_buf b = {0};
	smol_auto_free char *said = NULL;
	struct step step = {.how = SAY};

	(void)state;
	smol_buf_puts(&b, "HTTP/1.1 400 \r\nConnection: close\r\n\r\n{\"fault_message\":\"");
	for (int i = 0; i < 5000; i++)
		smol_buf_puts(&b, "y");
	smol_buf_puts(&b, "\"}");
	step.text = smol_buf_str(&b);
	said = once(&step, WAIT_MS);
	assert_true(strlen(said) < 700);
	assert_non_null(strstr(said, "yyy…\n"));
}

/* Between two requests it dies: the second says so, and what waits behind it ends as well. */
static void test_dies_between(void **state)
{
	static const struct step steps[] = {{SAY, OK}};
	struct server s;
	struct told t = {0};

	(void)state;
	begin(&s, steps, 1);
	t.api = smol_fc_api_new(s.path, WAIT_MS, on_done, &t, NULL);
	assert_int_equal(smol_fc_api_send(t.api, smol_fc_put_entropy(), WAIT_MS, NULL), 0);
	turn_until(&t, 1);
	pthread_join(s.thread, NULL);
	assert_int_equal(smol_fc_api_send(t.api, smol_fc_put_entropy(), WAIT_MS, NULL), 0);
	assert_int_equal(smol_fc_api_send(t.api, smol_fc_patch_vm(false), WAIT_MS, NULL), 0);
	turn_until(&t, 3);
	assert_int_equal(t.granted, 1);
	assert_non_null(strstr(smol_buf_str(&t.log),
	    "PATCH /vm: PATCH /vm: nothing listens on Firecracker's API socket any more\n"));
	assert_non_null(strstr(t.hint, "--firecracker PATH"));
	smol_fc_api_free(t.api);
	smol_buf_free(&t.log);
	smol_buf_free(&s.heard);
	smol_rmdir_r(s.dir, NULL);
}

/* A socket that comes later is waited for; one that never comes, or that is a file, is not for
 * ever. */
static void test_comes_up(void **state)
{
	static const struct step steps[] = {{SAY, OK}};
	struct server s = {.steps = steps, .n = 1, .dir = "/tmp/smolsh-test-XXXXXX"};
	struct told t = {0};

	(void)state;
	assert_non_null(mkdtemp(s.dir));
	snprintf(s.path, sizeof(s.path), "%s/api", s.dir);
	t.api = smol_fc_api_new(s.path, WAIT_MS, on_done, &t, NULL);
	assert_int_equal(smol_fc_api_send(t.api, smol_fc_put_entropy(), WAIT_MS, NULL), 0);
	for (int i = 0;
	     i < 3 && smol_io_wait(smol_fc_api_fd(t.api), POLLIN, smol_in_ms(WAIT_MS)) > 0; i++)
		smol_fc_api_turn(t.api);
	assert_int_equal(t.granted + t.refused, 0);
	assert_int_equal(smol_bound_listen(&s.sock, s.path, NULL), 0);
	assert_int_equal(pthread_create(&s.thread, NULL, serve, &s), 0);
	turn_until(&t, 1);
	assert_int_equal(t.granted, 1);
	smol_fc_api_free(t.api);
	pthread_join(s.thread, NULL);
	smol_buf_free(&s.heard);

	assert_int_equal(smol_file_write(s.path, "x", 1, 0600, NULL), 0);
	t.api = smol_fc_api_new(s.path, 100, on_done, &t, NULL);
	assert_int_equal(smol_fc_api_send(t.api, smol_fc_put_entropy(), WAIT_MS, NULL), 0);
	turn_until(&t, 2);
	assert_int_equal(t.refused, 1);
	assert_non_null(strstr(smol_buf_str(&t.log), "Firecracker does not open its API socket\n"));
	smol_fc_api_free(t.api);
	smol_buf_free(&t.log);
	smol_rmdir_r(s.dir, NULL);
}

/* The queue has an end, and is let go of with what is in it, whatever is under way. */
static void test_queue(void **state)
{
	static const struct step steps[] = {{SILENT, "HTTP/1.1 204"}};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct server s;
	struct told t = {0};

	(void)state;
	begin(&s, steps, 1);
	t.api = smol_fc_api_new(s.path, WAIT_MS, on_done, &t, NULL);
	for (int i = 0; i < SMOL_FC_QUEUE_MAX + 1; i++)
		assert_int_equal(smol_fc_api_send(t.api, smol_fc_put_entropy(), WAIT_MS, NULL), 0);
	assert_int_equal(smol_fc_api_send(t.api, smol_fc_put_entropy(), WAIT_MS, &err), -1);
	assert_int_equal(err.code, SMOL_E_LIMIT);
	for (int i = 0;
	     i < 3 && smol_io_wait(smol_fc_api_fd(t.api), POLLIN, smol_in_ms(WAIT_MS)) > 0; i++)
		smol_fc_api_turn(t.api);
	smol_fc_api_free(t.api);
	assert_int_equal(t.granted + t.refused, 0);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_after_the_other),
	    cmocka_unit_test(test_what_is_sent),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_deadlines),
	    cmocka_unit_test(test_long_fault),
	    cmocka_unit_test(test_dies_between),
	    cmocka_unit_test(test_comes_up),
	    cmocka_unit_test(test_queue),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("fc_api", tests, NULL, NULL);
}
