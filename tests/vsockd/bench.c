/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Measures smolsh-vsockd and, where it is given, vhost-device-vsock: the guest player plays the
 * guest, threads of this program play host programs. Both devices get the same work in the same
 * run, alternating; medians are printed, and beside the throughput what one hop over a Unix socket
 * does. No VM is needed.
 *
 *   bench-vsockd [-n pairs] [-m work] [-q] OURS [PEER]
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "player.h"

static const char *running = ""; /* the program under measure */

#define DIE(...)                                                                                   \
	do {                                                                                       \
		fprintf(stderr, "bench-vsockd: %s: ", running);                                    \
		fprintf(stderr, __VA_ARGS__);                                                      \
		fputc('\n', stderr);                                                               \
		exit(1);                                                                           \
	} while (0)

#define MAX_RUNS 64
#define PORT	 5000u
#define TRIES	 8u

static char dir[] = "/tmp/bench-vsockd-XXXXXX";
static unsigned scale = 1; /* divides the amount of work */

struct target {
	const char *program;
	bool ours;
	pid_t pid;
	char vhost[96], uds[96];
	struct player p;
};

enum measure {
	H2G_64,
	H2G_4K,
	H2G_64K,
	G2H_64,
	G2H_4K,
	G2H_64K,
	RTT_P50,
	RTT_P99,
	CONNECTS,
	CPU_H2G,
	CPU_G2H,
	MANY_OPEN,
	MANY_SHARE,
	RSS,
	MEASURES
};
/* What a measure is held against: the peer's, one hop over a Unix socket, or a number. */
enum goal { STREAM, OF_PEER, AT_LEAST, AT_MOST, NO_GOAL };
static const struct {
	const char *name;
	enum goal goal;
	double is;
} measures[MEASURES] = {
    [H2G_64] = {"host to guest, 64 B, MB/s", STREAM, 3},
    [H2G_4K] = {"host to guest, 4 KiB, MB/s", STREAM, 3},
    [H2G_64K] = {"host to guest, 64 KiB, MB/s", STREAM, 3},
    [G2H_64] = {"guest to host, 64 B, MB/s", STREAM, 3},
    [G2H_4K] = {"guest to host, 4 KiB, MB/s", STREAM, 3},
    [G2H_64K] = {"guest to host, 64 KiB, MB/s", STREAM, 3},
    [RTT_P50] = {"round trip of 1 byte, p50, us", OF_PEER, 0.7},
    [RTT_P99] = {"round trip of 1 byte, p99, us", OF_PEER, 0.7},
    [CONNECTS] = {"connect + 1 byte + close, per s", OF_PEER, 2},
    [CPU_H2G] = {"CPU s per GiB, host to guest", OF_PEER, 0.5},
    [CPU_G2H] = {"CPU s per GiB, guest to host", OF_PEER, 0.5},
    [MANY_OPEN] = {"host to guest, 64 KiB, 1022 more open, MB/s", NO_GOAL, 0},
    [MANY_SHARE] = {"... as a share of its speed alone", AT_LEAST, 0.9},
    [RSS] = {"resident with 1000 open, not guest memory, MB", AT_MOST, 20},
};
#define HOP_SHARE 0.8 /* of one hop is enough for a stream, whatever the peer does */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- devices ---- */

static int dial(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	for (unsigned i = 0; i < 500; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
		usleep(10000);
	}
	DIE("%s: cannot connect", path);
}

static double cpu_seconds(pid_t pid)
{
	char path[300];
	double sum = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		unsigned long long ns;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (f && fscanf(f, "%llu", &ns) == 1)
			sum += (double)ns / 1e9;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return sum;
}

static double resident_mb(pid_t pid)
{
	char path[64], line[200];
	unsigned long kb, sum = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "RssAnon: %lu", &kb) == 1 ||
		    sscanf(line, "RssFile: %lu", &kb) == 1)
			sum += kb;
	}
	if (f)
		fclose(f);
	return (double)sum / 1024;
}

/* ---- host programs ---- */

struct host {
	const char *uds;
	size_t size, total;
	unsigned rounds;
	double *took;
	int fd; /* without a device: a plain socket */
};

static void say_connect(int fd)
{
	if (dprintf(fd, "CONNECT %u\n", PORT) < 0)
		DIE("cannot write");
}

static void hear_ok(int fd)
{
	char line[64];
	size_t n = 0;

	while (n == 0 || line[n - 1] != '\n') {
		if (n == sizeof(line) || read(fd, line + n, 1) != 1)
			DIE("no OK from the device");
		n++;
	}
}

static int host_connect(const char *uds)
{
	int fd = dial(uds);

	say_connect(fd);
	hear_ok(fd);
	return fd;
}

static void *host_write(void *arg)
{
	struct host *h = arg;
	int fd = h->uds ? host_connect(h->uds) : h->fd;
	char *buf = calloc(1, h->size);

	for (size_t sent = 0; sent < h->total;) {
		ssize_t n = write(fd, buf, h->size);

		if (n <= 0)
			DIE("host write: %s", strerror(errno));
		sent += (size_t)n;
	}
	free(buf);
	if (h->uds)
		close(fd);
	return NULL;
}

static void *host_read(void *arg)
{
	struct host *h = arg;
	int fd = host_connect(h->uds);
	char *buf = malloc(256 * 1024);

	for (size_t got = 0; got < h->total;) {
		ssize_t n = read(fd, buf, 256 * 1024);

		if (n <= 0)
			DIE("host read: %zd after %zu", n, got);
		got += (size_t)n;
	}
	free(buf);
	close(fd);
	return NULL;
}

static void *host_ping(void *arg)
{
	struct host *h = arg;
	int fd = host_connect(h->uds);

	for (unsigned i = 0; i < h->rounds; i++) {
		double t = now();
		char c = 'x';

		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			DIE("round trip");
		h->took[i] = now() - t;
	}
	close(fd);
	return NULL;
}

static void *host_connects(void *arg)
{
	struct host *h = arg;

	for (unsigned i = 0; i < h->rounds; i++) {
		int fd = host_connect(h->uds);
		char c = 'x';

		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			DIE("connect");
		close(fd);
	}
	return NULL;
}

/* ---- the guest's part ---- */

static void guest_credit(struct player *p, struct player_sock *s)
{
	/* as Linux does: when less than a full packet seems free to the host */
	if (s->buf_alloc - (s->fwd - s->told) < 65536)
		player_op(p, s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
}

/* Receive until total bytes are there (0: until the host closes). */
static void guest_sink(struct player *p, struct player_sock *s, size_t total)
{
	size_t got = 0;

	while ((total == 0 || got < total) && s->host_shut != 3 && !s->reset) {
		struct player_packet pkt;
		bool any = false;

		while (player_rx_next(p, &pkt)) {
			if (pkt.h.dst_port == s->guest_port && pkt.h.src_port == s->host_port) {
				player_sock_saw(p, s, &pkt.h);
				got += pkt.h.len;
				s->fwd += pkt.h.len;
			}
			player_rx_done(p, &pkt);
			guest_credit(p, s);
			any = true;
		}
		player_kick(p, PLAYER_RX);
		if (!any) {
			struct smol_vring_used_elem e;

			while (player_tx_used(p, &e))
				;
			if (!player_wait(p, 5000))
				DIE("the guest waits in vain after %zu bytes", got);
		}
	}
}

static void guest_close(struct player *p, struct player_sock *s)
{
	player_op(p, s, SMOL_VSOCK_OP_SHUTDOWN, 3);
	while (!s->reset) {
		struct player_packet pkt;

		if (!player_rx_wait(p, &pkt, 5000))
			DIE("no RST for a close");
		if (pkt.h.dst_port == s->guest_port && pkt.h.src_port == s->host_port)
			player_sock_saw(p, s, &pkt.h);
		player_rx_done(p, &pkt);
	}
	player_kick(p, PLAYER_RX);
}

static void guest_source(struct player *p, struct player_sock *s, size_t size, size_t total)
{
	size_t sent = 0;

	while (sent < total) {
		struct player_packet pkt;
		bool any = false;

		while (sent < total && player_room(s) >= size) {
			struct smol_vsock_hdr h = player_hdr(p, s, SMOL_VSOCK_OP_RW);
			int slot = player_tx_slot(p);

			if (slot < 0)
				break;
			h.len = (uint32_t)size;
			player_tx_put(p, slot, &h);
			s->sent += (uint32_t)size;
			sent += size;
			any = true;
		}
		player_kick(p, PLAYER_TX);
		while (player_rx_next(p, &pkt)) {
			if (pkt.h.dst_port == s->guest_port && pkt.h.src_port == s->host_port)
				player_sock_saw(p, s, &pkt.h);
			player_rx_done(p, &pkt);
			any = true;
		}
		player_kick(p, PLAYER_RX);
		if (!any && !player_wait(p, 5000))
			DIE("the guest's sender waits in vain after %zu bytes", sent);
	}
}

static void guest_echo(struct player *p, struct player_sock *s)
{
	while (s->host_shut != 3 && !s->reset) {
		struct player_packet pkt;

		if (!player_rx_wait(p, &pkt, 5000))
			DIE("the echo waits in vain");
		if (pkt.h.dst_port == s->guest_port && pkt.h.src_port == s->host_port) {
			player_sock_saw(p, s, &pkt.h);
			if (pkt.h.op == SMOL_VSOCK_OP_RW) {
				struct smol_vsock_hdr h = player_hdr(p, s, SMOL_VSOCK_OP_RW);

				s->fwd += pkt.h.len;
				h.fwd_cnt = s->fwd;
				h.len = pkt.h.len;
				player_send(p, &h, pkt.data);
				s->sent += pkt.h.len;
			}
		}
		player_rx_done(p, &pkt);
	}
	player_kick(p, PLAYER_RX);
}

/* Wait for the host's connection, ignoring what is left of earlier ones. */
static void guest_accept(struct player *p, struct player_sock *s)
{
	for (;;) {
		struct player_packet pkt;
		bool request;

		if (!player_rx_wait(p, &pkt, 3000))
			DIE("no REQUEST from the device");
		request = pkt.h.op == SMOL_VSOCK_OP_REQUEST;
		if (request) {
			*s = (struct player_sock){.guest_port = PORT,
			    .host_port = pkt.h.src_port,
			    .buf_alloc = 256 * 1024};
			player_sock_saw(p, s, &pkt.h);
		}
		player_rx_done(p, &pkt);
		if (request) {
			player_op(p, s, SMOL_VSOCK_OP_RESPONSE, 0);
			return;
		}
	}
}

static void launch(struct target *t)
{
	char vm[320];
	int fd;

	snprintf(t->vhost, sizeof(t->vhost), "%s/vhost-%s", dir, t->ours ? "ours" : "peer");
	snprintf(t->uds, sizeof(t->uds), "%s/uds-%s", dir, t->ours ? "ours" : "peer");
	snprintf(vm, sizeof(vm), "guest-cid=3,socket=%s,uds-path=%s", t->vhost, t->uds);
	/* of a run that failed */
	unlink(t->vhost);
	unlink(t->uds);
	t->pid = fork();
	if (t->pid == 0) {
		/* a run that fails leaves nothing behind */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		if (t->ours)
			execl(t->program, t->program, "--vhost-socket", t->vhost, "--uds-path",
			    t->uds, "--guest-cid", "3", NULL);
		else
			execl(t->program, t->program, "--vm", vm, NULL);
		_exit(127);
	}
	fd = dial(t->vhost);
	player_open(&t->p, fd, &(struct player_config){.rx_buf = 4096, .event_idx = true});
	player_negotiate(&t->p);
	player_memory(&t->p);
	player_rx_fill(&t->p);
	player_start(&t->p, 0, 0);
}

static void finish(struct target *t)
{
	player_close(&t->p);
	kill(t->pid, SIGTERM);
	waitpid(t->pid, NULL, 0);
	unlink(t->vhost);
	unlink(t->uds);
}

/* ---- measures ---- */

static void start(pthread_t *t, void *(*f)(void *), struct host *h)
{
	if (pthread_create(t, NULL, f, h))
		DIE("no thread");
}

static double throughput(struct target *t, bool to_guest, size_t size, size_t total, double *cpu)
{
	struct host h = {.uds = t->uds, .size = size, .total = total / scale / size * size};
	struct player_sock s;
	pthread_t th;
	double from, c = cpu_seconds(t->pid);

	start(&th, to_guest ? host_write : host_read, &h);
	guest_accept(&t->p, &s);
	from = now();
	if (to_guest)
		guest_sink(&t->p, &s, h.total);
	else
		guest_source(&t->p, &s, size, h.total);
	if (!to_guest)
		pthread_join(th, NULL);
	from = now() - from;
	if (cpu)
		*cpu = (cpu_seconds(t->pid) - c) / ((double)h.total / (1 << 30));
	guest_close(&t->p, &s);
	if (to_guest)
		pthread_join(th, NULL);
	return (double)h.total / from / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void round_trips(struct target *t, double *v)
{
	enum { MAX = 4000 };
	static double took[MAX];
	struct host h = {.uds = t->uds, .rounds = MAX / scale, .took = took};
	struct player_sock s;
	pthread_t th;

	start(&th, host_ping, &h);
	guest_accept(&t->p, &s);
	guest_echo(&t->p, &s);
	pthread_join(th, NULL);
	guest_close(&t->p, &s);
	qsort(took, h.rounds, sizeof(took[0]), by_value);
	v[RTT_P50] = took[h.rounds / 2] * 1e6;
	v[RTT_P99] = took[h.rounds * 99 / 100] * 1e6;
}

static void connects(struct target *t, double *v)
{
	struct host h = {.uds = t->uds, .rounds = 1500 / scale};
	pthread_t th;
	double from = now();

	start(&th, host_connects, &h);
	for (unsigned i = 0; i < h.rounds; i++) {
		struct player_sock s;

		guest_accept(&t->p, &s);
		guest_echo(&t->p, &s);
		/* as Linux: an RST answers the full shutdown of an empty socket */
		player_op(&t->p, &s, SMOL_VSOCK_OP_RST, 0);
	}
	pthread_join(th, NULL);
	v[CONNECTS] = h.rounds / (now() - from);
}

enum { OPEN = 1022 };

static void many_open(struct target *t, double *v)
{
	static struct player_sock s[OPEN];
	static int fd[OPEN];
	double alone[3], among[3];

	for (unsigned i = 0; i < 3; i++)
		alone[i] = throughput(t, true, 65536, 256u << 20, NULL);
	for (unsigned i = 0; i < OPEN; i++) {
		fd[i] = dial(t->uds);
		say_connect(fd[i]);
		guest_accept(&t->p, &s[i]);
		if (i == 999)
			v[RSS] = resident_mb(t->pid);
	}
	for (unsigned i = 0; i < 3; i++)
		among[i] = throughput(t, true, 65536, 256u << 20, NULL);
	for (unsigned i = 0; i < OPEN; i++)
		close(fd[i]);
	v[MANY_OPEN] = median(among, 3);
	v[MANY_SHARE] = v[MANY_OPEN] / median(alone, 3);
}

static double one_hop(size_t size, size_t total)
{
	int sv[2];
	struct host h = {.size = size, .total = total / scale / size * size};
	char *buf = malloc(65536);
	pthread_t th;
	double from;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		DIE("no socketpair");
	h.fd = sv[0];
	from = now();
	start(&th, host_write, &h);
	for (size_t got = 0; got < h.total;) {
		ssize_t n = read(sv[1], buf, 65536);

		if (n <= 0)
			DIE("one hop");
		got += (size_t)n;
	}
	pthread_join(th, NULL);
	from = now() - from;
	free(buf);
	close(sv[0]);
	close(sv[1]);
	return (double)h.total / from / 1e6;
}

/* What a run consists of; -m KEY picks one. */
static const struct work {
	const char *key;
	bool to_guest;
	size_t size, total; /* of a stream, where there is no f */
	enum measure speed, cpu;
	void (*f)(struct target *t, double *v);
	bool ours_only; /* the peer does not survive it */
} works[] = {
    {"h2g-64", true, 64, 16u << 20, H2G_64, MEASURES, NULL, false},
    {"h2g-4k", true, 4096, 256u << 20, H2G_4K, MEASURES, NULL, false},
    {"h2g-64k", true, 65536, 512u << 20, H2G_64K, CPU_H2G, NULL, false},
    {"g2h-64", false, 64, 16u << 20, G2H_64, MEASURES, NULL, false},
    {"g2h-4k", false, 4096, 256u << 20, G2H_4K, MEASURES, NULL, false},
    {"g2h-64k", false, 65536, 512u << 20, G2H_64K, CPU_G2H, NULL, false},
    {"rtt", false, 0, 0, MEASURES, MEASURES, round_trips, false},
    {"connect", false, 0, 0, MEASURES, MEASURES, connects, false},
    /* at the usual limit of descriptors */
    {"many", false, 0, 0, MEASURES, MEASURES, many_open, true},
};

static void run_once(struct target *t, double v[MEASURES], const char *only)
{
	launch(t);
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		const struct work *w = &works[i];

		if ((only && strcmp(only, w->key)) || (w->ours_only && !t->ours))
			continue;
		if (w->f)
			w->f(t, v);
		else
			v[w->speed] = throughput(t, w->to_guest, w->size, w->total,
			    w->cpu == MEASURES ? NULL : &v[w->cpu]);
	}
	finish(t);
}

/* Each run in a process of its own. The peer does not come through all of them: at times it never
 * hears of its guest's first words, or gives a buffer back with another length than its packet
 * has. Then the run is done again. */
static void run(struct target *t, double v[MEASURES], const char *only)
{
	running = t->program;
	for (unsigned i = 0; i < TRIES; i++) {
		int out[2], status;
		ssize_t n;
		pid_t pid;

		if (pipe(out) < 0 || (pid = fork()) < 0)
			DIE("cannot fork");
		if (pid == 0) {
			run_once(t, v, only);
			_exit(write(out[1], v, MEASURES * sizeof(*v)) < 0);
		}
		close(out[1]);
		n = read(out[0], v, MEASURES * sizeof(*v));
		close(out[0]);
		waitpid(pid, &status, 0);
		if (n == (ssize_t)(MEASURES * sizeof(*v)) && status == 0)
			return;
		if (t->ours)
			break;
		fprintf(stderr, "bench-vsockd: %s failed a run, which is done again\n", running);
	}
	DIE("failed");
}

static bool met(unsigned m, double v, double peer, double hop)
{
	switch (measures[m].goal) {
	case STREAM:
		return (peer > 0 && v >= measures[m].is * peer) || v >= HOP_SHARE * hop;
	case OF_PEER:
		return measures[m].is < 1 ? v <= measures[m].is * peer : v >= measures[m].is * peer;
	case AT_LEAST:
		return v >= measures[m].is;
	case AT_MOST:
		return v <= measures[m].is;
	case NO_GOAL:
		break;
	}
	return true;
}

static void print_goal(unsigned m)
{
	char text[64] = "";

	switch (measures[m].goal) {
	case STREAM:
		snprintf(text, sizeof(text), "%g x peer or %g hop", measures[m].is, HOP_SHARE);
		break;
	case OF_PEER:
		snprintf(text, sizeof(text), "%g x peer", measures[m].is);
		break;
	case AT_LEAST:
		snprintf(text, sizeof(text), ">= %g", measures[m].is);
		break;
	case AT_MOST:
		snprintf(text, sizeof(text), "<= %g", measures[m].is);
		break;
	case NO_GOAL:
		break;
	}
	printf("%-22s ", text);
}

/* 0 in a median: it was not asked for, or the peer does not do it. */
static void report(double r[2][MEASURES][MAX_RUNS], double hop[6][MAX_RUNS], unsigned n, bool peer)
{
	printf("%-46s %9s %9s %6s %9s %6s  %-22s %s\n", "", "smolsh", peer ? "peer" : "-", "ratio",
	    "one hop", "ratio", "goal", "met");
	for (unsigned m = 0; m < MEASURES; m++) {
		double a = median(r[0][m], n), b = peer ? median(r[1][m], n) : 0;
		double h = m < 6 ? median(hop[m], n) : 0;
		bool known = b > 0 || measures[m].goal >= AT_LEAST || h > 0;

		if (a == 0)
			continue;
		printf("%-46s %9.2f ", measures[m].name, a);
		if (b > 0)
			printf("%9.2f %6.2f ", b, a / b);
		else
			printf("%9s %6s ", "-", "-");
		if (h > 0)
			printf("%9.2f %6.2f  ", h, a / h);
		else
			printf("%9s %6s  ", "", "");
		print_goal(m);
		printf("%s\n", measures[m].goal == NO_GOAL ? ""
			       : !known			   ? "-"
			       : met(m, a, b, h)	   ? "yes"
							   : "no");
	}
}

int main(int argc, char **argv)
{
	static double r[2][MEASURES][MAX_RUNS], hop[6][MAX_RUNS];
	static struct target t[2];
	const char *only = NULL;
	unsigned pairs = 7;
	int c;

	while ((c = getopt(argc, argv, "m:n:q")) != -1) {
		if (c == 'q')
			scale = 8;
		else if (c == 'm')
			only = optarg;
		else if (c == 'n')
			pairs = (unsigned)atoi(optarg);
		else
			return 2;
	}
	if (optind >= argc || pairs == 0 || pairs > MAX_RUNS)
		DIE("usage: bench-vsockd [-n pairs] [-m work] [-q] OURS [PEER]");
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(dir))
		DIE("no temporary directory");
	t[0] = (struct target){.program = argv[optind], .ours = true};
	t[1] = (struct target){.program = argv[optind + 1]};
	for (unsigned i = 0; i < pairs; i++) {
		static const size_t size[3] = {64, 4096, 65536};

		for (unsigned k = 0; k < 3; k++)
			hop[k][i] = hop[k + 3][i] = one_hop(size[k], k ? 512u << 20 : 16u << 20);
		for (unsigned k = 0; k < 2; k++) {
			double v[MEASURES] = {0};
			unsigned who = (i + k) % 2;

			if (!t[who].program)
				continue;
			run(&t[who], v, only);
			for (unsigned m = 0; m < MEASURES; m++)
				r[who][m][i] = v[m];
		}
	}
	report(r, hop, pairs, t[1].program != NULL);
	rmdir(dir);
	return 0;
}
