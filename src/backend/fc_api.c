/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Firecracker's REST API: see fc_api.h. libcurl's multi interface says which sockets and which
 * timer it waits for; both are in one epoll descriptor, which the monitor's loop watches.
 *
 * Each request has a connection of its own: on one that is kept libcurl may send a request a second
 * time when it was closed meanwhile, and a request such as InstanceStart is not to be made twice.
 */
#include "backend/fc_api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "backend/fc_curl.h"
#include "backend/fc_reply.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"

/* Between two attempts to connect, while Firecracker starts: a socket has its name before it
 * listens, so that a watch on its directory would be told too early. */
#define RETRY_MS 10

static const struct smol_fc_curl *curl; /* since the first smol_fc_api_new() */

struct waiting {
	struct smol_fc_request r;
	int64_t ms;
	struct waiting *next;
};

struct smol_fc_api {
	char *socket;
	smol_fc_done *done;
	void *ctx;
	int epoll, timer;
	CURLM *multi;
	struct curl_slist *headers;
	struct waiting *first, *last;
	int nwaiting;
	smol_deadline up; /* until when a connection that is refused is tried again */
	bool connected;	  /* it has listened once */
	bool retry;	  /* the timer is ours: try again */

	CURL *easy; /* the request under way; NULL: none */
	struct waiting *now;
	char *text; /* its body */
	struct smol_buf body;
	size_t head;
	bool too_big;
};

static void watch_timer(struct smol_fc_api *a, long ms)
{
	struct itimerspec t = {0};

	/* Zero would be "never". */
	if (ms >= 0) {
		t.it_value.tv_sec = ms / 1000;
		t.it_value.tv_nsec = ms ? ms % 1000 * 1000000 : 1;
	}
	timerfd_settime(a->timer, 0, &t, NULL);
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
	(void)multi;
	watch_timer(ctx, ms);
	return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct smol_fc_api *a = ctx;
	struct epoll_event e = {.data.fd = fd};

	(void)easy;
	(void)socket_ctx;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(a->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	e.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	if (epoll_ctl(a->epoll, EPOLL_CTL_MOD, fd, &e) < 0 && errno == ENOENT)
		epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &e);
	return 0;
}

/* Less than what came in makes libcurl give the request up. */
static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct smol_fc_api *a = ctx;

	n *= size;
	if (n > SMOL_FC_BODY_MAX - smol_buf_len(&a->body)) {
		a->too_big = true;
		return 0;
	}
	smol_buf_append(&a->body, data, n);
	return n;
}

static size_t on_head(char *data, size_t size, size_t n, void *ctx)
{
	struct smol_fc_api *a = ctx;

	(void)data;
	n *= size;
	a->head += n;
	a->too_big = a->too_big || a->head > SMOL_FC_HEADER_MAX;
	return a->too_big ? 0 : n;
}

struct smol_fc_api *smol_fc_api_new(
    const char *socket, int64_t up_ms, smol_fc_done *done, void *ctx, struct smol_err *err)
{
	struct smol_fc_api *a = smol_alloc(sizeof(*a));
	struct epoll_event e = {.events = EPOLLIN};

	*a = (struct smol_fc_api){.socket = smol_strdup(socket), .done = done, .ctx = ctx};
	curl = smol_fc_curl_load(err);
	a->up = smol_in_ms(up_ms);
	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	a->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	e.data.fd = a->timer;
	if (!curl) {
		smol_fc_api_free(a);
		return NULL;
	}
	if (a->epoll < 0 || a->timer < 0 || epoll_ctl(a->epoll, EPOLL_CTL_ADD, a->timer, &e) < 0 ||
	    !(a->multi = curl->multi_init())) {
		smol_err_errno(err, SMOL_E_IO, errno, "Firecracker's API");
		smol_fc_api_free(a);
		return NULL;
	}
	curl->multi_setopt(a->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl->multi_setopt(a->multi, CURLMOPT_SOCKETDATA, a);
	curl->multi_setopt(a->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl->multi_setopt(a->multi, CURLMOPT_TIMERDATA, a);
	a->headers = curl->slist_append(NULL, "Content-Type: application/json");
	a->headers = curl->slist_append(a->headers, "Accept: application/json");
	a->headers = curl->slist_append(a->headers, "Expect:");
	return a;
}

static void free_waiting(struct waiting *w)
{
	if (!w)
		return;
	smol_fc_request_free(&w->r);
	free(w);
}

/* The request under way is none any more. */
static struct waiting *put_down(struct smol_fc_api *a)
{
	if (a->easy) {
		curl->multi_remove_handle(a->multi, a->easy);
		curl->easy_cleanup(a->easy);
	}
	a->easy = NULL;
	free(smol_steal(&a->text));
	return smol_steal(&a->now);
}

void smol_fc_api_drop(struct smol_fc_api *a)
{
	struct waiting *w;

	while ((w = a->first)) {
		a->first = w->next;
		free_waiting(w);
	}
	a->nwaiting = 0;
}

void smol_fc_api_free(struct smol_fc_api *a)
{
	if (!a)
		return;
	free_waiting(put_down(a));
	smol_fc_api_drop(a);
	if (a->multi)
		curl->multi_cleanup(a->multi);
	if (a->headers)
		curl->slist_free_all(a->headers);
	if (a->epoll >= 0)
		close(a->epoll);
	if (a->timer >= 0)
		close(a->timer);
	smol_buf_free(&a->body);
	free(a->socket);
	free(a);
}

int smol_fc_api_fd(const struct smol_fc_api *a)
{
	return a->epoll;
}

/* Send a->now. */
static void take_up(struct smol_fc_api *a)
{
	const struct smol_fc_request *r = &a->now->r;
	smol_auto_free char *url = smol_asprintf("http://localhost%s", r->path);

	smol_buf_clear(&a->body);
	a->head = 0;
	a->too_big = false;
	a->easy = curl->easy_init();
	a->text = r->body ? smol_json_print(r->body) : NULL;
	curl->easy_setopt(a->easy, CURLOPT_UNIX_SOCKET_PATH, a->socket);
	curl->easy_setopt(a->easy, CURLOPT_URL, url);
	curl->easy_setopt(a->easy, CURLOPT_PROTOCOLS_STR, "http");
	/* What the environment says of proxies is for other hosts. */
	curl->easy_setopt(a->easy, CURLOPT_PROXY, "");
	curl->easy_setopt(a->easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(a->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl->easy_setopt(a->easy, CURLOPT_FORBID_REUSE, 1L);
	curl->easy_setopt(a->easy, CURLOPT_TIMEOUT_MS, (long)a->now->ms);
	curl->easy_setopt(a->easy, CURLOPT_HTTPHEADER, a->headers);
	if (a->text) {
		curl->easy_setopt(a->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(a->text));
		curl->easy_setopt(a->easy, CURLOPT_POSTFIELDS, a->text);
	}
	curl->easy_setopt(a->easy, CURLOPT_CUSTOMREQUEST, r->method);
	curl->easy_setopt(a->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl->easy_setopt(a->easy, CURLOPT_WRITEDATA, a);
	curl->easy_setopt(a->easy, CURLOPT_HEADERFUNCTION, on_head);
	curl->easy_setopt(a->easy, CURLOPT_HEADERDATA, a);
	curl->multi_add_handle(a->multi, a->easy);
}

static void next(struct smol_fc_api *a)
{
	if (a->now || !a->first)
		return;
	a->now = a->first;
	a->first = a->now->next;
	a->nwaiting--;
	take_up(a);
}

int smol_fc_api_send(
    struct smol_fc_api *a, struct smol_fc_request r, int64_t ms, struct smol_err *err)
{
	struct waiting *w;

	if (a->nwaiting >= SMOL_FC_QUEUE_MAX) {
		smol_err_set(err, SMOL_E_LIMIT, "%s %s: %d requests wait for Firecracker already",
		    r.method, r.path, SMOL_FC_QUEUE_MAX);
		smol_fc_request_free(&r);
		return -1;
	}
	w = smol_alloc(sizeof(*w));
	*w = (struct waiting){.r = r, .ms = ms};
	*(a->first ? &a->last->next : &a->first) = w;
	a->last = w;
	a->nwaiting++;
	next(a);
	return 0;
}

/* A transfer that broke: it has no answer, or one that nobody can read. */
static int broken(struct smol_fc_api *a, const struct waiting *w, CURLcode rc, struct smol_err *err)
{
	const char *method = w->r.method, *path = w->r.path;

	if (a->too_big)
		smol_err_set(err, SMOL_E_LIMIT,
		    "Firecracker's answer to %s %s is too long: at most %d KiB are read", method,
		    path, SMOL_FC_BODY_MAX / 1024);
	else if (rc == CURLE_OPERATION_TIMEDOUT)
		smol_err_set(err, SMOL_E_IO, "Firecracker has not answered %s %s within %lld s",
		    method, path, (long long)(w->ms + 999) / 1000);
	else if (rc == CURLE_COULDNT_CONNECT)
		smol_err_set(err, SMOL_E_IO,
		    a->connected ? "%s %s: nothing listens on Firecracker's API socket any more"
				 : "%s %s: Firecracker does not open its API socket",
		    method, path);
	else if (rc == CURLE_GOT_NOTHING || rc == CURLE_RECV_ERROR || rc == CURLE_SEND_ERROR ||
		 rc == CURLE_PARTIAL_FILE)
		smol_err_set(err, SMOL_E_IO,
		    "Firecracker closed its API connection before it had answered %s %s", method,
		    path);
	else
		smol_err_set(err, SMOL_E_PROTOCOL,
		    "Firecracker's answer to %s %s is not HTTP that can be read (%s)", method, path,
		    curl->easy_strerror(rc));
	return smol_err_hint(err, SMOL_FC_OTHER);
}

static int judge(struct smol_fc_api *a, const struct waiting *w, CURLcode rc, long status,
    cJSON **reply, struct smol_err *err)
{
	if (rc != CURLE_OK)
		return broken(a, w, rc, err);
	return smol_fc_reply(
	    &w->r, status, smol_buf_head(&a->body), smol_buf_len(&a->body), reply, err);
}

static void finish(struct smol_fc_api *a, CURLcode rc)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *reply = NULL;
	struct waiting *w;
	long status = 0;
	int bad;

	if (rc == CURLE_COULDNT_CONNECT && !a->connected && a->up > smol_now_ms()) {
		w = put_down(a);
		a->now = w;
		a->retry = true;
		watch_timer(a, RETRY_MS);
		return;
	}
	a->connected = a->connected || rc != CURLE_COULDNT_CONNECT;
	curl->easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &status);
	bad = judge(a, a->now, rc, status, &reply, &err);
	w = put_down(a);
	a->done(a->ctx, &w->r, reply, bad ? &err : NULL);
	free_waiting(w);
	next(a);
}

/* What the epoll descriptor has for libcurl. */
static void feed(struct smol_fc_api *a)
{
	struct epoll_event e[8];
	int running, n = epoll_wait(a->epoll, e, SMOL_ARRAY_SIZE(e), 0);
	uint64_t ticks;

	for (int i = 0; i < n; i++) {
		int what = (e[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			   (e[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			   (e[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		if (e[i].data.fd != a->timer) {
			curl->multi_socket_action(a->multi, e[i].data.fd, what, &running);
		} else if (read(a->timer, &ticks, sizeof(ticks)) > 0) {
			if (a->retry && a->now && !a->easy)
				take_up(a);
			a->retry = false;
			curl->multi_socket_action(a->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		}
	}
}

void smol_fc_api_turn(struct smol_fc_api *a)
{
	CURLMsg *msg;
	int left;

	feed(a);
	while ((msg = curl->multi_info_read(a->multi, &left)))
		if (msg->msg == CURLMSG_DONE && msg->easy_handle == a->easy)
			finish(a, msg->data.result);
}
