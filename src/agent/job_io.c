/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A job's streams: pipes or a terminal on one side, rings of frames on the other.
 * Stdin and terminals are watched edge-triggered; output pipes report once and are armed again when
 * they have been read. `ready` remembers what was reported until all of it is read.
 *
 * A command that writes many small pieces would have the agent run for each of them. So while
 * pieces follow each other closely the next is waited for PACE_MS, in which the pipe gathers what
 * comes; a piece that follows nothing is passed on at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "agent/conn.h"
#include "agent/job_impl.h"
#include "base/auto.h"

#define PIPE_SIZE    (1024 * 1024)
#define PIPE_CROWDED (16 * 1024) /* where there are very many */
#define PIPE_FULL    (32 * 1024) /* so much at once fills a pipe that has not grown, or nearly */
#define CHUNK_FIRST  4096
#define PACE_MS	     1
#define BURST_MS     3
#define ROUNDS	     8 /* reads per stream and round, so that others get their turn */

/* Bytes that a ring may have however many there are, and where there are very many. */
#define RING_LEAST   (64 * 1024)
#define RING_CROWDED (16 * 1024)

/* Where output that nobody wants goes; one thread, so one is enough. */
static char scratch[64 * 1024];

static void on_output(struct smol_watch *w, uint32_t events)
{
	struct smol_output *o = smol_container(w, struct smol_output, watch);
	struct smol_job *j = o->job;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		o->ready = true;
	o->armed = j->tty;
	if (j->tty && (events & EPOLLOUT))
		j->in_ready = true;
	smol_job_mark(j);
}

static void on_stdin(struct smol_watch *w, uint32_t events)
{
	struct smol_job *j = smol_container(w, struct smol_job, in);

	(void)events;
	j->in_ready = true;
	smol_job_mark(j);
}

/* Much flows through it. Refused beyond the user's share; the default size works as well. */
static void grow_pipe(struct smol_job *j, int fd, size_t *held)
{
	if (!j->tty && !*held && smol_server_hold(j->server, held, PIPE_SIZE))
		fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
}

static void shrink_pipe(struct smol_job *j, int fd)
{
	if (smol_server_crowded(j->server))
		fcntl(fd, F_SETPIPE_SZ, PIPE_CROWDED);
}

static int make_output(struct smol_job *j, struct smol_output *o)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	o->child_end = p[1];
	o->watch = (struct smol_watch){.fd = p[0], .fn = on_output};
	shrink_pipe(j, p[0]);
	o->open = o->armed = true;
	if (fcntl(p[0], F_SETFL, O_NONBLOCK) < 0)
		return -1;
	return smol_loop_add(&j->server->loop, &o->watch, EPOLLIN | EPOLLONESHOT);
}

void smol_job_io_init(struct smol_job *j)
{
	j->in.fd = -1;
	j->chunk = CHUNK_FIRST;
	j->in_granted = SMOL_STDIN_WINDOW;
	for (int i = 0; i < 2; i++) {
		j->out[i].job = j;
		j->out[i].watch.fd = j->out[i].child_end = -1;
	}
}

int smol_job_io_make(struct smol_job *j)
{
	return make_output(j, &j->out[0]) < 0 || make_output(j, &j->out[1]) < 0 ? -1 : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_stdin(struct smol_job *j)
{
	if (j->tty)
		j->in.fd = -1; /* out[0]'s */
	else
		smol_loop_close_watch(&j->server->loop, &j->in);
	smol_server_release(j->server, &j->in_grown);
	smol_server_release(j->server, &j->in_held);
	smol_buf_free(&j->in_buf);
}

void smol_job_io_close(struct smol_job *j)
{
	close_stdin(j);
	for (int i = 0; i < 2; i++) {
		smol_loop_close_watch(&j->server->loop, &j->out[i].watch);
		smol_server_release(j->server, &j->out[i].grown);
		j->out[i].open = j->out[i].ready = false;
		close_fd(&j->out[i].child_end);
	}
}

int smol_job_io_stdin(struct smol_job *j, int *child_end)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	*child_end = p[0];
	j->in = (struct smol_watch){.fd = p[1], .fn = on_stdin};
	j->in_ready = true;
	shrink_pipe(j, p[1]);
	if (fcntl(p[1], F_SETFL, O_NONBLOCK) < 0)
		return -1;
	return smol_loop_add(&j->server->loop, &j->in, EPOLLOUT | EPOLLET);
}

/* The slave's settings: a size, and UTF-8 aware erasing. */
static int set_up_terminal(int slave, const struct smol_exec_request *e, uid_t uid, gid_t gid)
{
	struct winsize ws = {.ws_row = e->rows, .ws_col = e->cols};
	struct termios t;

	if (tcgetattr(slave, &t) == 0) {
		t.c_iflag |= IUTF8;
		tcsetattr(slave, TCSANOW, &t);
	}
	/* Its user must be able to open it again as /dev/tty. */
	if (uid != geteuid() && fchown(slave, uid, gid) < 0)
		return -1;
	return ioctl(slave, TIOCSWINSZ, &ws);
}

int smol_job_io_tty(struct smol_job *j, const struct smol_exec_request *e, uid_t uid, gid_t gid)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), slave;

	if (master < 0)
		return -1;
	smol_job_io_close(j);
	j->tty = true;
	j->out[0].watch = (struct smol_watch){.fd = master, .fn = on_output};
	j->out[0].open = j->out[0].armed = true;
	j->in = (struct smol_watch){.fd = master};
	j->in_ready = true;
	if (unlockpt(master) < 0)
		return -1;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -1;
	j->out[0].child_end = slave;
	if (set_up_terminal(slave, e, uid, gid) < 0)
		return -1;
	return smol_loop_add(&j->server->loop, &j->out[0].watch, EPOLLIN | EPOLLOUT | EPOLLET);
}

void smol_job_io_exited(struct smol_job *j)
{
	for (int i = 0; i < 2; i++) {
		close_fd(&j->out[i].child_end);
		j->out[i].ready = j->out[i].open;
	}
}

/* Beyond the limit of output: read, so that the command goes on, and thrown away. */
static ssize_t read_excess(struct smol_job *j, struct smol_output *o)
{
	ssize_t n = read(o->watch.fd, scratch, sizeof(scratch));

	j->cut = j->cut || n > 0;
	return n;
}

/* A one-shot's reply is gathered besides. */
static void gather(struct smol_job *j, struct smol_output *o, uint64_t at, size_t n)
{
	const struct smol_limits *l = &j->server->cfg->limits;
	struct iovec v[2];
	int pieces = smol_ring_pieces(&o->ring, at, n, v);

	for (int i = 0; i < pieces; i++)
		smol_gather_add(&o->gather, v[i].iov_base, v[i].iov_len,
		    (size_t)(o == &j->out[0] ? l->stdout_bytes : l->stderr_bytes));
}

/* How large a ring may become now: where many have grown, no further than it is. */
static size_t ring_max(const struct smol_job *j, const struct smol_ring *r)
{
	const struct smol_server *s = j->server;
	size_t most = (size_t)s->cfg->limits.ring_bytes;
	size_t least = smol_server_crowded(s) ? RING_CROWDED : RING_LEAST;

	least = r->cap > least ? r->cap : least;

	return s->ring_bytes + s->promised + most > s->budget && least < most ? least : most;
}

/* What the connection has not got is not given up. */
static uint64_t kept_from(const struct smol_job *j, const struct smol_output *o)
{
	return j->conn && j->stream ? o->passed : o->ring.head;
}

/* Into the ring, right behind the room for the frame's header. -1 with ENOBUFS: there is none. */
static ssize_t read_ring(struct smol_job *j, struct smol_output *o, size_t *asked)
{
	struct smol_ring *r = &o->ring;
	size_t had = r->cap, room;
	uint64_t at;
	struct smol_frame f = {
	    .type = o == &j->out[0] ? SMOL_FRAME_STDOUT : SMOL_FRAME_STDERR, .seq = j->seq};
	struct iovec v[2];
	ssize_t n;

	room = smol_ring_room(r, *asked, ring_max(j, r), kept_from(j, o));
	j->server->ring_bytes += r->cap - had;
	if (!room) {
		errno = ENOBUFS;
		return -1;
	}
	*asked = room;
	n = readv(o->watch.fd, v, smol_ring_payload(r, room, v));
	if (n <= 0)
		return n;
	f.length = (uint32_t)n;
	at = r->head + SMOL_FRAME_HEADER;
	smol_ring_commit(r, &f);
	if (j->conn && !j->stream)
		gather(j, o, at, (size_t)n);
	return n;
}

/* Bytes that the limit of output still allows. */
static uint64_t allowed(const struct smol_job *j)
{
	uint64_t most = (uint64_t)j->server->cfg->limits.output_bytes;

	if (!most)
		return UINT64_MAX;
	return j->seq < most ? most - j->seq : 0;
}

static void note_piece(struct smol_job *j, size_t n, size_t asked)
{
	int64_t now = smol_loop_now(&j->server->loop);

	j->burst = n < asked && now - j->read_ms <= BURST_MS;
	j->read_ms = now;
}

void smol_job_io_arm(struct smol_job *j)
{
	for (int i = 0; i < 2; i++) {
		struct smol_output *o = &j->out[i];

		if (!o->open || o->ready || o->armed)
			continue;
		if (j->burst && !j->exited) {
			if (!j->pace_timer.link)
				smol_timer_set(&j->server->loop, &j->pace_timer, PACE_MS);
			return;
		}
		o->armed = true;
		smol_loop_modify(&j->server->loop, &o->watch, EPOLLIN | EPOLLONESHOT);
	}
}

/* The stream has come to its end. */
static void end_output(struct smol_job *j, struct smol_output *o)
{
	if (j->tty)
		close_stdin(j);
	/* Closed when the job is swept, behind the send of its result. */
	o->watch.fn = NULL;
	o->open = o->ready = false;
	o->owed = 0;
}

/* True when bytes came. */
static bool read_output(struct smol_job *j, struct smol_output *o)
{
	uint64_t may = allowed(j);
	size_t asked = may < j->chunk ? (size_t)may : j->chunk;
	ssize_t n = may ? read_ring(j, o, &asked) : read_excess(j, o);

	if (n < 0 && (errno == EINTR || errno == ENOBUFS))
		return false;
	if (n < 0 && errno == EAGAIN) {
		o->ready = false;
		o->owed = 0;
		return false;
	}
	if (n <= 0) { /* a terminal ends with EIO */
		end_output(j, o);
		return false;
	}
	asked = may ? asked : sizeof(scratch);
	note_piece(j, (size_t)n, asked);
	j->seq += may ? (uint64_t)n : 0;
	o->owed -= o->owed < (size_t)n ? o->owed : (size_t)n;
	if ((size_t)n == j->chunk && j->chunk >= PIPE_FULL)
		grow_pipe(j, o->watch.fd, &o->grown);
	if ((size_t)n == j->chunk && j->chunk < SMOL_FRAME_MAX)
		j->chunk = j->chunk * 8 < SMOL_FRAME_MAX ? j->chunk * 8 : SMOL_FRAME_MAX;
	/* A short read emptied the pipe, and the next write will be reported. After the exit the
	 * end itself is looked for. */
	if ((size_t)n < asked && !j->exited && !j->tty)
		o->ready = false;
	return true;
}

static bool is_wanted(const struct smol_job *j)
{
	return !j->conn || !j->stream || smol_job_unsent(j) < SMOL_CONN_OUT_BOUND;
}

bool smol_job_io_can_read(const struct smol_job *j)
{
	for (int i = 0; i < 2; i++) {
		const struct smol_output *o = &j->out[i];

		if (o->ready && is_wanted(j) &&
		    (!allowed(j) ||
			smol_ring_has_room(&o->ring, ring_max(j, &o->ring), kept_from(j, o))))
			return true;
	}
	return false;
}

bool smol_job_io_pump(struct smol_job *j)
{
	bool came = false, progress = true;

	for (int round = 0; round < ROUNDS && progress; round++) {
		progress = false;
		for (int i = 0; i < 2; i++)
			if (j->out[i].ready && is_wanted(j))
				progress |= read_output(j, &j->out[i]);
		came |= progress;
	}
	return came;
}

/* Tell the client how far it may send, once that has moved enough to be worth a frame. */
static void grant(struct smol_job *j)
{
	unsigned char payload[8];
	uint64_t upto;

	if (j->state == SMOL_JOB_QUEUED)
		return;
	if (j->in.fd < 0) /* nobody reads: all of it is done with */
		j->in_taken = j->in_received;
	upto = j->in_taken + SMOL_STDIN_WINDOW;
	if (!j->conn || !j->stream || j->in_eof || upto - j->in_granted < SMOL_STDIN_WINDOW / 2)
		return;
	j->in_granted = upto;
	smol_put_le64(payload, upto);
	smol_conn_frame(j->conn, SMOL_FRAME_WINDOW, 0, payload, sizeof(payload));
}

/* Write n bytes as far as stdin takes them now; gives how many are done with. Where nobody reads
 * any more that is all of them. */
static size_t write_stdin(struct smol_job *j, const char *data, size_t n)
{
	size_t done = 0;

	while (done < n && j->in.fd >= 0 && j->in_ready) {
		ssize_t w = write(j->in.fd, data + done, n - done);

		if (w >= 0) {
			done += (size_t)w;
			j->in_taken += (size_t)w;
		} else if (errno == EAGAIN) {
			j->in_ready = false;
			grow_pipe(j, j->in.fd, &j->in_grown);
		} else if (errno != EINTR) {
			close_stdin(j);
		}
	}
	return j->in.fd < 0 ? n : done;
}

void smol_job_io_feed(struct smol_job *j)
{
	static const char veof = 4; /* ^D, as a terminal's driver knows it */

	if (smol_buf_len(&j->in_buf) && j->in_ready && j->in.fd >= 0) {
		size_t done = write_stdin(j, smol_buf_head(&j->in_buf), smol_buf_len(&j->in_buf));

		smol_buf_consume(&j->in_buf, done);
	}
	grant(j);
	if (!j->in_eof || j->in.fd < 0 || smol_buf_len(&j->in_buf))
		return;
	if (j->tty && write(j->in.fd, &veof, 1) < 0 && errno == EAGAIN)
		return;
	close_stdin(j);
}

bool smol_job_takes_frames(const struct smol_job *j)
{
	return j->stream;
}

bool smol_job_input_full(const struct smol_job *j)
{
	return smol_buf_len(&j->in_buf) > (j->in_held ? SMOL_STDIN_WINDOW : 0);
}

void smol_job_input_eof(struct smol_job *j)
{
	j->in_eof = true;
	smol_job_io_feed(j);
}

/* Input that waits: as much as may be sent, or where memory is short no more than one frame. */
static void hold_input(struct smol_job *j)
{
	if (smol_buf_len(&j->in_buf))
		smol_server_hold(j->server, &j->in_held, SMOL_STDIN_WINDOW);
}

/* Not for a command that takes no input, or none any more. */
void smol_job_input_cut(struct smol_job *j)
{
	if (!j->in_eof && !j->exited && (j->in.fd >= 0 || j->request.want_stdin))
		j->in_cut = true;
	smol_job_input_eof(j);
}

static int take_stdin(
    struct smol_job *j, const struct smol_frame *f, const char *payload, struct smol_err *err)
{
	size_t done = 0;

	if (f->seq != j->in_received)
		return smol_err_set(err, SMOL_E_PROTOCOL, "a STDIN frame out of sequence");
	if (j->in_said)
		return smol_err_set(err, SMOL_E_PROTOCOL, "a STDIN frame after STDIN_EOF");
	j->in_received += f->length;
	if (j->in_eof) /* by whoever was attached before */
		return 0;
	if (j->state == SMOL_JOB_QUEUED) { /* kept until it reads */
		smol_buf_append(&j->in_buf, payload, j->request.want_stdin ? f->length : 0);
		hold_input(j);
		return 0;
	}
	if (!smol_buf_len(&j->in_buf))
		done = write_stdin(j, payload, f->length);
	smol_buf_append(&j->in_buf, payload + done, f->length - done);
	hold_input(j);
	grant(j);
	return 0;
}

static int take_signal(struct smol_job *j, const char *payload, struct smol_err *err)
{
	uint32_t sig = smol_get_le32((const unsigned char *)payload);

	if (sig < 1 || sig > 64)
		return smol_err_set(err, SMOL_E_PROTOCOL, "no signal has number %u", sig);
	if (j->state == SMOL_JOB_QUEUED)
		smol_job_cancel(j, (int)sig);
	else if (j->state == SMOL_JOB_RUNNING && !j->exited)
		kill(-j->pid, (int)sig);
	return 0;
}

static void take_resize(struct smol_job *j, const char *payload)
{
	uint32_t v = smol_get_le32((const unsigned char *)payload);
	struct winsize ws = {.ws_row = v & 0xffff, .ws_col = (unsigned short)(v >> 16)};

	j->request.rows = ws.ws_row; /* while it is queued */
	j->request.cols = ws.ws_col;
	if (j->tty && j->out[0].open)
		ioctl(j->out[0].watch.fd, TIOCSWINSZ, &ws);
}

static void take_detach(struct smol_job *j)
{
	struct smol_conn *c = smol_job_part(j);

	smol_conn_frame(c, SMOL_FRAME_DETACH, j->told, NULL, 0);
	smol_job_mark(j);
}

int smol_job_frame(
    struct smol_job *j, const struct smol_frame *f, const char *payload, struct smol_err *err)
{
	switch (f->type) {
	case SMOL_FRAME_STDIN:
		return take_stdin(j, f, payload, err);
	case SMOL_FRAME_STDIN_EOF:
		j->in_said = true;
		smol_job_input_eof(j);
		return 0;
	case SMOL_FRAME_SIGNAL:
		return take_signal(j, payload, err);
	case SMOL_FRAME_RESIZE:
		take_resize(j, payload);
		return 0;
	case SMOL_FRAME_DETACH:
		take_detach(j);
		return 0;
	default:
		return smol_err_set(
		    err, SMOL_E_PROTOCOL, "frame type %u is not for the agent", f->type);
	}
}
