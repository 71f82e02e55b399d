/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Load on a vsock device. The same program is both sides, in a guest and on the host: `serve`
 * answers, each other command dials a server and checks what comes.
 *
 *   vsock_load serve AT                  until it is ended; "serving" says that it listens
 *   vsock_load flow TO [OPTION…]         streams at once, each with bytes both ways
 *       -n STREAMS (1)   -u BYTES up (0)   -d BYTES down (0)   a size may end in K, M or G
 *       -p MS   the server reads nothing for so long           -P MS   we read nothing for so long
 *       -c MAX  pieces of 1 to MAX bytes, each sent on its own
 *       -H      we end our half when all is sent; the server begins only then, and ends the rest
 *   vsock_load cut TO COUNT              so many connections closed in the middle of a transfer,
 *                                        half of them by the server
 *   vsock_load hold TO COUNT             open so many, say "held N refused M" and wait for stdin's
 *                                        end; then each one held must still be alive: "dead N" have
 *                                        ended, "silent M" have not and do not answer
 *
 * A flow's bytes come from a generator and are followed by their SHA-256, which the other side
 * holds against what it received; the server then tells its verdict. Every wait has a deadline.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/sockios.h>
#include <nettle/sha2.h>

#include "address.h"

#define LIMIT_S	   60 /* without a byte either way */
#define PIECE	   (128u * 1024u)
#define LINE	   128
#define STACK	   (256u * 1024u)
#define AT_ONCE	   32	  /* connections that `cut` has open */
#define CUT_MOST   300000 /* bytes after which one is cut */
#define COUNT_MAX  100000
#define OUTQ_WAITS 200
#define COMPLAINTS 5

enum mode { FLOW = 'F', HALF = 'H', CUT = 'C', HOLD = 'I' };

/* One request: what a client asks of its server, as one line. */
struct order {
	enum mode mode;
	uint64_t up, down, seed;
	uint32_t pause_ms; /* of the server's reading */
	uint32_t chunk;	   /* largest piece, 0: as large as may be */
};

/* One direction of a flow, at one end. */
struct way {
	uint64_t left; /* bytes of content */
	uint64_t random;
	size_t have, at; /* in buf: made and not yet sent, or of the digest */
	struct sha256_ctx sha;
	uint8_t digest[SHA256_DIGEST_SIZE];
	size_t digest_at;
	bool digest_made;
	uint8_t buf[PIECE];
};

struct pair {
	int fd;
	uint32_t chunk;
	bool crowded; /* the other side has not taken the last piece */
	bool failed;
	long long read_from; /* ms: nothing is read before */
	struct way out, in;
};

struct job {
	const char *to;
	struct order order;
	uint32_t own_pause_ms;
	unsigned count;
	atomic_uint next, bad;
};

static atomic_uint complaints;

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int complain(const char *what)
{
	if (atomic_fetch_add(&complaints, 1) < COMPLAINTS)
		fprintf(stderr, "vsock_load: %s: %s\n", what, errno ? strerror(errno) : "wrong");
	return -1;
}

static uint64_t step(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static int send_all(int fd, const void *data, size_t n)
{
	const uint8_t *p = data;

	while (n) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

		if (w <= 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int recv_all(int fd, void *data, size_t n)
{
	uint8_t *p = data;

	while (n) {
		ssize_t r = recv(fd, p, n, 0);

		if (r == 0)
			errno = 0;
		if (r <= 0)
			return -1;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

/* ---- one end of a flow ---- */

static struct pair *pair_new(int fd, const struct order *o, bool server, uint32_t pause_ms)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->fd = fd;
	p->chunk = o->chunk;
	p->read_from = pause_ms ? now_ms() + pause_ms : 0;
	p->out.left = server ? o->down : o->up;
	p->in.left = server ? o->up : o->down;
	p->out.random = (o->seed * 2 + server + 1) * 0x9e3779b97f4a7c15u;
	sha256_init(&p->out.sha);
	sha256_init(&p->in.sha);
	return p;
}

/* Content, then its digest, in pieces that are each sent on their own. */
static void make_piece(struct pair *p)
{
	struct way *w = &p->out;
	size_t n = PIECE;

	w->at = 0;
	if (w->left == 0) {
		sha256_digest(&w->sha, sizeof(w->digest), w->buf);
		w->have = sizeof(w->digest);
		w->digest_made = true;
		return;
	}
	if (p->chunk)
		n = 1 + step(&w->random) % p->chunk;
	if (n > w->left)
		n = (size_t)w->left;
	for (size_t i = 0; i < n; i += 8) {
		uint64_t x = step(&w->random);

		memcpy(w->buf + i, &x, 8);
	}
	sha256_update(&w->sha, n, w->buf);
	w->have = n;
	w->left -= n;
}

/* Small pieces stay small only if each is taken before the next one is sent. (A vsock socket of the
 * guest makes a packet of each by itself.) */
static void wait_taken(struct pair *p)
{
	const struct timespec pause = {.tv_nsec = 100000};
	int queued = 0;

	for (int i = 0; i < OUTQ_WAITS; i++) {
		if (ioctl(p->fd, SIOCOUTQ, &queued) < 0 || queued == 0) {
			p->crowded = false;
			return;
		}
		if (p->crowded)
			return;
		if (i > 2)
			nanosleep(&pause, NULL);
	}
	p->crowded = true;
}

static bool out_done(const struct pair *p)
{
	return p->out.digest_made && p->out.have == 0;
}
static bool in_done(const struct pair *p)
{
	return p->in.left == 0 && p->in.digest_at == SHA256_DIGEST_SIZE;
}

static int write_some(struct pair *p)
{
	struct way *w = &p->out;
	ssize_t n;

	if (w->have == 0)
		make_piece(p);
	n = send(p->fd, w->buf + w->at, w->have, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		return complain("send");
	w->at += (size_t)n;
	w->have -= (size_t)n;
	if (w->have == 0 && (p->chunk || w->left == 0))
		wait_taken(p);
	return 0;
}

static int read_some(struct pair *p)
{
	struct way *w = &p->in;
	size_t most = w->left < PIECE ? (size_t)w->left : PIECE;
	ssize_t n;

	if (w->left == 0)
		n = recv(p->fd, w->digest + w->digest_at, sizeof(w->digest) - w->digest_at,
		    MSG_DONTWAIT);
	else
		n = recv(p->fd, w->buf, most, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n == 0)
		errno = 0;
	if (n <= 0)
		return complain("the stream ended too early");
	if (w->left == 0) {
		w->digest_at += (size_t)n;
		return 0;
	}
	sha256_update(&w->sha, (size_t)n, w->buf);
	w->left -= (size_t)n;
	return 0;
}

/* Send what is to be sent, if `sending`, and receive what is to come, if `receiving`. */
static int run(struct pair *p, bool sending, bool receiving)
{
	while ((sending && !out_done(p)) || (receiving && !in_done(p))) {
		struct pollfd fd = {.fd = p->fd};
		long long wait = p->read_from - now_ms();
		bool paused = p->read_from && wait > 0;

		if (sending && !out_done(p))
			fd.events |= POLLOUT;
		if (receiving && !in_done(p) && !paused)
			fd.events |= POLLIN;
		if (fd.events == 0) {
			const struct timespec ts = {
			    .tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};

			nanosleep(&ts, NULL);
			continue;
		}
		errno = ETIMEDOUT;
		if (poll(&fd, 1, paused ? (int)wait + 1 : LIMIT_S * 1000) == 0 && !paused)
			return complain("nothing moves");
		if ((fd.revents & POLLOUT) && write_some(p) < 0)
			return -1;
		if ((fd.events & POLLIN) && (fd.revents & ~POLLOUT) && read_some(p) < 0)
			return -1;
		if (!(fd.events & POLLIN) && (fd.revents & (POLLERR | POLLHUP)))
			return complain("reset");
	}
	return 0;
}

static bool intact(struct pair *p)
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(&p->in.sha, sizeof(digest), digest);
	return memcmp(digest, p->in.digest, sizeof(digest)) == 0;
}

/* The stream's end, and nothing before it. */
static int at_end(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);

	if (n > 0)
		errno = 0;
	return n == 0 ? 0 : -1;
}

/* ---- server ---- */

static int read_order(int fd, struct order *o)
{
	char line[LINE], mode;
	size_t n = 0;

	while (n < sizeof(line) - 1 && recv(fd, line + n, 1, 0) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	if (sscanf(line, "%c %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu32 " %" SCNu32, &mode,
		&o->up, &o->down, &o->seed, &o->pause_ms, &o->chunk) != 6)
		return -1;
	o->mode = (enum mode)mode;
	return send_all(fd, "+", 1);
}

static void serve_flow(int fd, const struct order *o)
{
	struct pair *p = pair_new(fd, o, true, o->pause_ms);
	int rc;

	if (o->mode == FLOW)
		rc = run(p, true, true);
	else if ((rc = run(p, false, true)) == 0 && (rc = at_end(fd)) == 0)
		rc = run(p, true, false);
	if (rc == 0 && send_all(fd, intact(p) ? "Y" : "N", 1) == 0 && o->mode == FLOW)
		at_end(fd);
	free(p);
}

/* Both ways until `limit` bytes have moved or the other side has gone; then it is closed. */
static void churn(int fd, uint64_t limit)
{
	struct order o = {.up = UINT64_MAX, .down = UINT64_MAX, .seed = limit};
	struct pair *p = pair_new(fd, &o, false, 0);
	uint64_t moved = 0;

	while (moved < limit) {
		struct pollfd f = {.fd = fd, .events = POLLIN | POLLOUT};
		ssize_t n = 0;

		if (poll(&f, 1, LIMIT_S * 1000) <= 0)
			break;
		if (f.revents & POLLOUT) {
			make_piece(p);
			n = send(fd, p->out.buf, p->out.have, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n < 0 && errno != EAGAIN)
				break;
			moved += n > 0 ? (uint64_t)n : 0;
		}
		if (f.revents & (POLLIN | POLLHUP | POLLERR)) {
			n = recv(fd, p->in.buf, PIECE / 4, MSG_DONTWAIT);
			if (n == 0 || (n < 0 && errno != EAGAIN))
				break;
			moved += n > 0 ? (uint64_t)n : 0;
		}
	}
	free(p);
}

static void *serve_one(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct order o;
	char c;

	address_limit(fd, LIMIT_S);
	if (read_order(fd, &o) == 0) {
		if (o.mode == CUT)
			churn(fd, o.down);
		else if (o.mode == HOLD)
			while (recv(fd, &c, 1, 0) == 1 && send_all(fd, &c, 1) == 0)
				;
		else
			serve_flow(fd, &o);
	}
	close(fd);
	return NULL;
}

static int start(pthread_t *t, void *(*f)(void *), void *arg)
{
	pthread_attr_t attr;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	rc = pthread_create(t, &attr, f, arg);
	pthread_attr_destroy(&attr);
	return rc;
}

static int serve(const char *at)
{
	int listener = address_listen(at);

	if (listener < 0)
		return complain(at);
	puts("serving");
	fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t t;

		if (fd < 0 && errno != ECONNABORTED && errno != EINTR)
			return complain("accept");
		if (fd < 0)
			continue;
		if (start(&t, serve_one, (void *)(intptr_t)fd) == 0)
			pthread_detach(t);
		else
			close(fd);
	}
}

/* ---- clients ---- */

static int place(const char *to, const struct order *o)
{
	int fd = address_dial(to, LIMIT_S);
	char line[LINE], plus = 0;

	if (fd < 0)
		return -1;
	snprintf(line, sizeof(line),
	    "%c %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32 "\n", (int)o->mode, o->up,
	    o->down, o->seed, o->pause_ms, o->chunk);
	if (send_all(fd, line, strlen(line)) == 0 && recv_all(fd, &plus, 1) == 0 && plus == '+')
		return fd;
	close(fd);
	return -1;
}

static int flow_one(const struct job *j, unsigned i)
{
	struct order o = j->order;
	struct pair *p;
	char verdict = 0;
	int fd, rc;

	o.seed = i;
	fd = place(j->to, &o);
	if (fd < 0)
		return complain("connect");
	p = pair_new(fd, &o, false, j->own_pause_ms);
	if (o.mode == FLOW) {
		rc = run(p, true, true);
	} else {
		rc = run(p, true, false);
		if (rc == 0 && shutdown(fd, SHUT_WR) < 0)
			rc = complain("shutdown");
		rc = rc == 0 ? run(p, false, true) : rc;
	}
	errno = 0;
	if (rc == 0 && !intact(p))
		rc = complain("what came is not what was sent");
	if (rc == 0 && recv_all(fd, &verdict, 1) < 0)
		rc = complain("no verdict");
	if (rc == 0 && verdict != 'Y')
		rc = complain("the server got something else than was sent");
	if (rc == 0 && o.mode == HALF && at_end(fd) < 0)
		rc = complain("no end");
	close(fd);
	free(p);
	return rc;
}

static int cut_one(const struct job *j, unsigned i)
{
	uint64_t random = (i + 1) * 0x9e3779b97f4a7c15u;
	struct order o = {.mode = CUT, .seed = i, .down = UINT64_MAX};
	uint64_t limit = step(&random) % CUT_MOST;
	int fd;

	if (i % 2) {
		o.down = limit;
		limit = UINT64_MAX;
	}
	fd = place(j->to, &o);
	/* A server that cuts at once may have cut before we have read that it will. */
	if (fd < 0)
		return o.down == UINT64_MAX ? complain("connect") : 0;
	churn(fd, limit);
	close(fd);
	return 0;
}

static void *work(void *arg)
{
	struct job *j = arg;
	unsigned i;

	while ((i = atomic_fetch_add(&j->next, 1)) < j->count) {
		if ((j->order.mode == CUT ? cut_one : flow_one)(j, i) < 0)
			atomic_fetch_add(&j->bad, 1);
	}
	return NULL;
}

static int run_job(struct job *j, unsigned threads)
{
	pthread_t *t = calloc(threads, sizeof(*t));
	unsigned n = 0;

	if (!t)
		abort();
	while (n < threads && start(&t[n], work, j) == 0)
		n++;
	for (unsigned i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	free(t);
	printf("%u of %u are well\n", j->count - atomic_load(&j->bad), j->count);
	return n == threads && atomic_load(&j->bad) == 0 ? 0 : 1;
}

static int hold(const char *to, unsigned count)
{
	const struct order o = {.mode = HOLD};
	int *fds = calloc(count, sizeof(*fds));
	unsigned held = 0, refused = 0, dead = 0, silent = 0;
	char c = 'x';

	if (!fds)
		abort();
	for (unsigned i = 0; i < count; i++) {
		int fd = place(to, &o);

		if (fd >= 0)
			fds[held++] = fd;
		else
			refused++;
	}
	printf("held %u refused %u\n", held, refused);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	for (unsigned i = 0; i < held; i++) {
		/* where one has said nothing for so long the others have had their time, too */
		address_limit(fds[i], silent ? 1 : LIMIT_S);
		if (send_all(fds[i], "x", 1) < 0 || recv_all(fds[i], &c, 1) < 0)
			*(errno == EAGAIN ? &silent : &dead) += 1;
		close(fds[i]);
	}
	free(fds);
	printf("dead %u silent %u\n", dead, silent);
	return dead + silent ? 1 : 0;
}

static uint64_t size_of(const char *word)
{
	char *end;
	uint64_t n = strtoull(word, &end, 10);

	return n << (*end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0);
}

static int flow(int argc, char **argv)
{
	struct job j = {.to = argv[2], .count = 1, .order.mode = FLOW};
	int c;

	optind = 3;
	while ((c = getopt(argc, argv, "n:u:d:p:P:c:H")) != -1) {
		uint64_t v = optarg ? size_of(optarg) : 0;

		switch (c) {
		case 'n':
			j.count = (unsigned)v;
			break;
		case 'u':
			j.order.up = v;
			break;
		case 'd':
			j.order.down = v;
			break;
		case 'p':
			j.order.pause_ms = (uint32_t)v;
			break;
		case 'P':
			j.own_pause_ms = (uint32_t)v;
			break;
		case 'c':
			j.order.chunk = (uint32_t)v;
			break;
		case 'H':
			j.order.mode = HALF;
			break;
		default:
			return 2;
		}
	}
	if (optind != argc || j.count < 1 || j.count > COUNT_MAX || j.order.chunk > PIECE)
		return 2;
	return run_job(&j, j.count);
}

static int with_count(char **argv)
{
	struct job j = {.to = argv[2], .order.mode = CUT};
	char *end;
	unsigned long count = strtoul(argv[3], &end, 10);

	if (*end || count < 1 || count > COUNT_MAX)
		return 2;
	if (strcmp(argv[1], "hold") == 0)
		return hold(argv[2], (unsigned)count);
	j.count = (unsigned)count;
	return strcmp(argv[1], "cut") == 0 ? run_job(&j, AT_ONCE) : 2;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	int rc = 2;

	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		rc = serve(argv[2]) < 0 ? 1 : 0;
	else if (argc >= 3 && strcmp(argv[1], "flow") == 0)
		rc = flow(argc, argv);
	else if (argc == 4)
		rc = with_count(argv);
	if (rc == 2)
		fprintf(stderr,
		    "Usage: vsock_load serve AT | flow TO [-n N] [-u BYTES] [-d BYTES] [-p MS] "
		    "[-P MS] [-c MAX] [-H] | cut TO COUNT | hold TO COUNT\n");
	return rc;
}
